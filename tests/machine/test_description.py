"""The machine's name and the commit in a record."""

import shutil
import subprocess

import pytest

from cifar10_tf1.machine import description


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The program's folder, without a git history."""
    monkeypatch.setattr(description, '_ROOT', str(tmp_path))
    return tmp_path


@pytest.mark.parametrize('image, found, text', [
    ('unknown', (None, None), 'unknown'),
    ('1a2b', ('1a2b', None), '1a2b, as the image says'),
    ('1a2b-dirty', ('1a2b', False), '1a2b, with changes')])
def test_the_commit_of_an_image(folder, monkeypatch, image, found, text):
    monkeypatch.setenv('CIFAR_TF1_COMMIT', image)
    assert description.find_commit() == found
    assert description.format_commit(*found) == text


def test_the_commit_of_a_checkout(folder, monkeypatch):
    if shutil.which('git') is None:
        pytest.skip('needs git')

    def git(*arguments):
        return subprocess.check_output(
            ('git', '-C', str(folder), '-c', 'user.name=x', '-c', 'user.email=x',
             '-c', 'commit.gpgsign=false') + arguments, universal_newlines=True).strip()

    monkeypatch.setenv('CIFAR_TF1_COMMIT', '1a2b')
    (folder / 'known').write_text('')
    git('init', '--quiet')
    git('add', 'known')
    git('commit', '--quiet', '--message', 'x')
    git('tag', 'v1')
    commit = git('rev-parse', 'HEAD')
    (folder / 'unknown').write_text('of the user, not of the program')
    assert description.find_commit() == (commit, True)
    assert description.format_commit(commit, True) == commit
    (folder / 'known').write_text('changed')
    assert description.find_commit() == (commit, False)
    # A copy within another repository.
    monkeypatch.setattr(description, '_ROOT', str(folder / 'copy'))
    assert description.find_commit() == ('1a2b', None)


@pytest.mark.parametrize('cpu, gpu, name', [
    ({'name': 'A', 'family': '25', 'model': '17'}, None, 'A, family 25, model 17'),
    ({'name': 'A'}, None, 'A'),  # as older records have it
    ({'name': 'A'}, {'card': 'H100'}, 'H100')])
def test_the_name_of_a_machine(cpu, gpu, name):
    assert description.name_machine({'cpu': cpu, 'gpu': gpu}) == name


def test_differences_of_kinds():
    before = {'device': 'cpu', 'cpu': {'name': 'A', 'model': '1'}, 'gpu': None}
    after = {'device': 'cpu', 'cpu': {'name': 'A', 'model': '2'}, 'gpu': {'card': 'H100'}}
    assert description.list_differences(before, before) == []
    assert description.list_differences(before, after) == [
        'cpu model: 2, not 1', 'gpu card: H100, not None']
