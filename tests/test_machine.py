"""Which commit a run is of: of a checkout, of an image, of neither."""

import shutil
import subprocess

import pytest

from cifar10_tf1.machine import description
from cifar10_tf1 import report
from cifar10_tf1.records import run_record
from cifar10_tf1.report.text import format_report
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture
def commit_of(tmp_path, monkeypatch):
    """Function of what an image says; the program's folder is tmp_path."""
    monkeypatch.setattr(description, '_ROOT', str(tmp_path))

    def find(image=None):
        monkeypatch.delenv('CIFAR_TF1_COMMIT', raising=False)
        if image is not None:
            monkeypatch.setenv('CIFAR_TF1_COMMIT', image)
        return description.find_commit()

    return find


@pytest.mark.parametrize('image, found', [
    (None, (None, None)), ('', (None, None)), ('unknown', (None, None)),
    ('1a2b', ('1a2b', None)), ('1a2b-dirty', ('1a2b', False))])
def test_an_image(commit_of, image, found):
    assert commit_of(image) == found


@pytest.fixture
def repository_commit(tmp_path):
    """The only commit of a repository in tmp_path."""
    def git(*arguments):
        return subprocess.check_output(
            ('git', '-C', str(tmp_path), '-c', 'user.name=x',
             '-c', 'user.email=x', '-c', 'commit.gpgsign=false') + arguments,
            universal_newlines=True).strip()

    if shutil.which('git') is None:
        pytest.skip('needs git')
    git('init', '--quiet')
    git('commit', '--quiet', '--allow-empty', '--message', 'x')
    return git('rev-parse', 'HEAD')


def test_a_checkout_knows_better(commit_of, repository_commit, tmp_path):
    assert commit_of('1a2b') == (repository_commit, True)
    (tmp_path / 'file').write_text('')
    assert commit_of('1a2b') == (repository_commit, False)


def test_a_copy_within_another_repository(commit_of, repository_commit,
                                          tmp_path, monkeypatch):
    assert commit_of() == (repository_commit, True)
    (tmp_path / 'copy').mkdir()
    monkeypatch.setattr(description, '_ROOT', str(tmp_path / 'copy'))
    assert commit_of() == (None, None)
    assert commit_of('1a2b') == ('1a2b', None)


@pytest.mark.parametrize('commit, clean, line', [
    ('1a2b', True, 'Commit 1a2b'), ('1a2b', False, 'Commit 1a2b, with changes'),
    ('1a2b', None, 'Commit 1a2b, as the image says'),
    (None, None, 'Commit unknown')])
def test_the_report_says_what_is_known(commit, clean, line):
    record = run_record.new('', deep_cnn)
    record.content['data'] = {'name': 'cifar10'}
    kind = description.find_kind('cpu', 'stock', description.Threads(1, 1, 1))
    record.content['processes'] = [
        {'kind': kind, 'commit': commit, 'commit_is_clean': clean}]
    text = format_report(record, report.build_report(record))
    assert line in text.splitlines()
