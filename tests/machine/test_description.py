"""The machine's name and the commit in a record."""

import shutil
import subprocess

import pytest

from cifar10_tf1.machine import description


@pytest.mark.skipif(shutil.which('git') is None, reason='this system has no git')
def test_the_commit(tmp_path, monkeypatch):
    def git(command):
        return subprocess.check_output(
            ['git', '-C', str(tmp_path), '-c', 'user.name=x', '-c', 'user.email=x',
             '-c', 'commit.gpgsign=false', *command.split()], universal_newlines=True).strip()

    def find(folder):
        monkeypatch.setattr(description, '_ROOT', str(folder))
        return description.format_commit(*description.find_commit())

    for image, text in (('unknown', 'unknown'), ('1a2b-dirty', '1a2b, with changes'),
                        ('1a2b', '1a2b, as the image says')):
        monkeypatch.setenv('CIFAR_TF1_COMMIT', image)
        assert find(tmp_path) == text
    (tmp_path / 'known').write_text('')
    for command in ('init --quiet', 'add known', 'commit --quiet --message x', 'tag v1'):
        git(command)
    commit = git('rev-parse HEAD')
    (tmp_path / 'unknown').write_text('of the user, not of the program')
    assert find(tmp_path) == commit
    (tmp_path / 'known').write_text('changed')
    assert find(tmp_path) == f'{commit}, with changes'
    (tmp_path / 'copy').mkdir()  # within another repository
    assert find(tmp_path / 'copy') == '1a2b, as the image says'


def test_the_name_of_a_machine():
    cpu = {'name': 'A', 'family': '25', 'model': '17'}
    assert description.name_machine({'cpu': cpu}) == 'A, family 25, model 17'
    assert description.name_machine({'cpu': {'name': 'A'}}) == 'A'  # of an older record
    assert description.name_machine({'cpu': cpu, 'gpu': {'card': 'H100'}}) == 'H100'


def test_differences_of_kinds():
    before = {'device': 'cpu', 'cpu': {'name': 'A', 'model': '1'}, 'gpu': None}
    after = {'device': 'cpu', 'cpu': {'name': 'A', 'model': '2'}, 'gpu': {'card': 'H100'}}
    assert description.list_differences(before, before) == []
    assert description.list_differences(before, after) == [
        'cpu model: 2, not 1', 'gpu card: H100, not None']
