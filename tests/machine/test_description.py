"""The machine's name and the commit in a record."""

import shutil
import subprocess

import pytest

from cifar10_tf1.machine import description


@pytest.fixture
def commit_of(tmp_path, monkeypatch):
    """A function of CIFAR_TF1_COMMIT and the program's folder, by default tmp_path."""
    def find(image='', folder=tmp_path):
        monkeypatch.setattr(description, '_ROOT', str(folder))
        monkeypatch.setenv('CIFAR_TF1_COMMIT', image)
        return description.find_commit()

    return find


@pytest.mark.parametrize('image, found, text', [
    ('', (None, None), 'unknown'), ('unknown', (None, None), 'unknown'),
    ('1a2b', ('1a2b', None), '1a2b, as the image says'),
    ('1a2b-dirty', ('1a2b', False), '1a2b, with changes')])
def test_the_commit_of_an_image(commit_of, image, found, text):
    assert commit_of(image) == found
    assert description.format_commit(*found) == text


def test_the_commit_of_a_checkout(commit_of, tmp_path):
    if shutil.which('git') is None:
        pytest.skip('needs git')

    def git(*arguments):
        return subprocess.check_output(
            ('git', '-C', str(tmp_path), '-c', 'user.name=x', '-c', 'user.email=x',
             '-c', 'commit.gpgsign=false') + arguments, universal_newlines=True).strip()

    (tmp_path / 'known').write_text('')
    git('init', '--quiet')
    git('add', 'known')
    git('commit', '--quiet', '--message', 'x')
    git('tag', 'v1')
    commit = git('rev-parse', 'HEAD')
    (tmp_path / 'unknown').write_text('of the user, not of the program')
    assert commit_of('1a2b') == (commit, True)
    assert description.format_commit(commit, True) == commit
    (tmp_path / 'known').write_text('changed')
    assert commit_of('1a2b') == (commit, False)
    # A copy within another repository.
    (tmp_path / 'copy').mkdir()
    assert commit_of('1a2b', tmp_path / 'copy') == ('1a2b', None)


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
