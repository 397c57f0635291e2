"""Full disks, and several processes in one data folder, one of them killed."""

import subprocess
import sys
import threading
import time

import pytest

import data_helpers
import model_helpers
from cifar10_tf1.data import cifar10, synthetic
from data_helpers import fails, PACKED, Server
from runs import ROOT

ARCHIVE = 'cifar-10-binary.tar.gz'
START = f'import sys; sys.path[:0] = [{ROOT!r}, {ROOT + "/tests"!r}]\n'
PREPARE = START + '''
import data_helpers
data_helpers.load({data_dir!r}, [{url!r}])
'''
GENERATE = START + '''
from cifar10_tf1.data import synthetic
synthetic.load_data_set({data_dir!r})
'''


def test_a_full_disk(tmp_path):
    """One line names what can't be written; the next run continues."""
    with Server(PACKED) as server:
        with model_helpers.file_size_limit():
            with fails('File too large', '.part', '--data-dir'):
                data_helpers.load(tmp_path, [server.url])
        assert PACKED.startswith((tmp_path / (ARCHIVE + '.part')).read_bytes())
        data_helpers.load(tmp_path, [server.url])
    folder = tmp_path / cifar10.VERSIONS[0].folder
    (folder / 'test_batch.bin').unlink()
    with model_helpers.file_size_limit():
        with fails('File too large', str(folder), '--data-dir'):
            data_helpers.load(tmp_path)
        with fails('File too large', 'synthetic', '--data-dir'):
            synthetic.load_data_set(str(tmp_path))
    data_helpers.load(tmp_path)
    assert data_helpers.snapshot(folder) == data_helpers.CONTENTS


def start(script, data_dir, url=''):
    return subprocess.Popen(
        [sys.executable, '-c', script.format(data_dir=str(data_dir), url=url)],
        stderr=subprocess.PIPE, universal_newlines=True)


def finish(processes):
    """Waits for processes, all of which must succeed; returns their standard error."""
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return errors


@pytest.mark.slow
def test_two_processes_download_once(tmp_path):
    asked, go_on = threading.Event(), threading.Event()

    def hold():
        asked.set()
        assert go_on.wait(60)

    with Server(PACKED, before_reply=hold) as server:
        first = start(PREPARE, tmp_path, server.url)
        assert asked.wait(60)
        second = start(PREPARE, tmp_path, server.url)
        assert 'Waiting for another process' in second.stderr.readline()
        go_on.set()
        finish([first, second])
    assert server.requests == [None]


@pytest.mark.slow
def test_a_killed_generation_goes_on_and_several_generate_once(tmp_path):
    process = start(GENERATE, tmp_path)
    folder = tmp_path / 'synthetic' / cifar10.VERSIONS[0].folder
    deadline = time.time() + 60
    while not list(folder.glob('data_batch_*')) and time.time() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert not (folder / 'test_batch.bin').exists()
    errors = finish([start(GENERATE, tmp_path) for _ in range(3)])
    assert sum('Generating' in error for error in errors) == 1
    synthetic.load_data_set(str(tmp_path))
