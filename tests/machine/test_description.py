"""The machine's name and the commit in a record."""

import shutil
import subprocess

import pytest

from cifar10_tf1.machine import description

CPU = {'name': 'AMD EPYC', 'family': '25', 'model': '17'}


@pytest.fixture
def commit_of(tmp_path, monkeypatch):
    """A function of CIFAR_TF1_COMMIT; the program's folder is tmp_path."""
    monkeypatch.setattr(description, '_ROOT', str(tmp_path))

    def find(image=None):
        monkeypatch.delenv('CIFAR_TF1_COMMIT', raising=False)
        if image is not None:
            monkeypatch.setenv('CIFAR_TF1_COMMIT', image)
        return description.find_commit()

    return find


@pytest.mark.parametrize('image, found, text', [
    (None, (None, None), 'unknown'), ('', (None, None), 'unknown'),
    ('unknown', (None, None), 'unknown'),
    ('1a2b', ('1a2b', None), '1a2b, as the image says'),
    ('1a2b-dirty', ('1a2b', False), '1a2b, with changes')])
def test_an_image(commit_of, image, found, text):
    assert commit_of(image) == found
    assert description.format_commit(*found) == text


def git(folder, *arguments):
    return subprocess.check_output(
        ('git', '-C', str(folder), '-c', 'user.name=x', '-c', 'user.email=x',
         '-c', 'commit.gpgsign=false') + arguments, universal_newlines=True).strip()


@pytest.fixture
def repository_commit(tmp_path):
    """The only commit of a repository in tmp_path, with one file."""
    if shutil.which('git') is None:
        pytest.skip('needs git')
    (tmp_path / 'known').write_text('')
    git(tmp_path, 'init', '--quiet')
    git(tmp_path, 'add', 'known')
    git(tmp_path, 'commit', '--quiet', '--message', 'x')
    return git(tmp_path, 'rev-parse', 'HEAD')


def test_a_checkout_knows_better(commit_of, repository_commit, tmp_path):
    assert commit_of('1a2b') == (repository_commit, True)
    assert description.format_commit(repository_commit, True) == repository_commit
    (tmp_path / 'unknown').write_text('of the user, not of the program')
    assert commit_of('1a2b') == (repository_commit, True)
    (tmp_path / 'known').write_text('changed')
    assert commit_of('1a2b') == (repository_commit, False)


def test_a_copy_within_another_repository(commit_of, repository_commit,
                                          tmp_path, monkeypatch):
    assert commit_of() == (repository_commit, True)
    (tmp_path / 'copy').mkdir()
    monkeypatch.setattr(description, '_ROOT', str(tmp_path / 'copy'))
    assert commit_of() == (None, None)
    assert commit_of('1a2b') == ('1a2b', None)


@pytest.mark.parametrize('gpu, name', [
    (None, 'AMD EPYC, family 25, model 17'), ({'card': 'H100'}, 'H100')])
def test_the_name_of_a_machine(gpu, name):
    assert description.name_machine({'cpu': CPU, 'gpu': gpu}) == name
    # Older records have the name alone.
    assert description.name_machine({'cpu': {'name': 'old'}}) == 'old'
