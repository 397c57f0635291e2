"""Which run comes next, on which cores, and what becomes of one that fails."""

import os
import sys
import threading
import time

import pytest

import made_runs
from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.console import OutputError
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.report import gathering
from cifar10_tf1.sweep import __main__ as sweep
from cifar10_tf1.sweep import jobs
from cifar10_tf1.sweep import runner

LENET5 = systems.find('lenet5')


def make_job(tmp_path, seed=4, epochs=None):
    (tmp_path / gathering.LOGS).mkdir(exist_ok=True)
    return jobs.Job(jobs.Request(LENET5, str(tmp_path), epochs), seed)


def test_seeds_or_merge_must_be_given(capsys):
    assert sweep.main([]) == 1
    assert '--seeds' in capsys.readouterr().err


def test_a_run_is_trained_then_tested_then_complete(tmp_path):
    job, folder = make_job(tmp_path), tmp_path / 'seed-04'
    assert job.find_command()[0] == 'training'
    made_runs.write_run(folder, system='lenet5', seed=4, last_epoch=9)
    assert job.find_command()[0] == 'training'
    content = made_runs.make_content('lenet5', seed=4, counts=[9840])
    made_runs.write(folder, content)
    command = job.find_command()
    assert command[0] == 'testing validation'
    assert '--seeds 1' in ' '.join(command[1])
    assert str(folder / 'model.ckpt-4300') in command[1]
    content['tests'].append(made_runs.make_test(
        'validation', 1, 4930, 4300, made_runs.make_kind(), data='mnist'))
    made_runs.write(folder, content)
    assert job.find_command() is None
    assert make_job(tmp_path, epochs=11).find_command()[0] == 'training'


def test_a_folder_of_another_run_fails(tmp_path):
    made_runs.write_run(tmp_path / 'seed-05', system='lenet5', seed=4)
    with pytest.raises(UserError, match='seed 4, not 5'):
        make_job(tmp_path, seed=5).find_command()
    made_runs.write_run(tmp_path / 'seed-06', seed=6)
    with pytest.raises(UserError, match='deep_cnn'):
        make_job(tmp_path, seed=6).find_command()


def test_cores_are_shared_out(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {2, 3, 4, 5, 7},
                        raising=False)
    monkeypatch.setattr(os, 'sched_setaffinity', None, raising=False)
    assert runner.split_cores(1) == [[2, 3, 4, 5, 7]]
    assert runner.split_cores(2) == [[2, 3], [4, 5, 7]]
    assert runner.split_cores(5) == [[2], [3], [4], [5], [7]]
    assert runner.split_cores(6) == [None] * 6


def test_a_process_on_each_core_as_far_as_the_memory_reaches(monkeypatch):
    def choose(device, num_jobs, memory_bytes, size=30e9):
        monkeypatch.setattr(sweep.memory, 'find_memory',
                            lambda: sweep.memory.Memory(size, None, None))
        return sweep.choose_num_processes(device, num_jobs, memory_bytes)

    monkeypatch.setattr(sweep.description, 'count_cores', lambda: 4)
    assert choose('cpu', 10, 1e9) == 4
    assert choose('cpu', 3, 1e9) == 3
    assert choose('cpu', 10, 12e9) == 2
    assert choose('cpu', 10, 99e9) == 1
    assert choose('gpu', 10, 1e9) == 1
    assert choose('cpu', 10, 12e9, None) == 4


class ScriptedJob(jobs.Job):
    """Its processes run these pieces of Python, one after the other."""

    def __init__(self, folder, seed, *scripts):
        (folder / gathering.LOGS).mkdir(exist_ok=True)
        super().__init__(jobs.Request(LENET5, str(folder)), seed)
        self.scripts = list(scripts)

    def find_command(self):
        return self.scripts.pop(0) if self.scripts else None


def script(stage, code):
    return stage, (sys.executable, '-S', '-c', code)


def run(*all_jobs, num_processes=2):
    runner.Runner(all_jobs, runner.split_cores(num_processes)).run(StopRequest())


def read_failure(folder, seed):
    path = folder / gathering.LOGS / f'seed-{seed:02}.failure'
    return path.read_text() if path.exists() else None


def test_a_failed_run_is_listed_and_the_others_go_on(tmp_path, capsys):
    good = ScriptedJob(tmp_path, 2, script('training', ''), script('testing', ''))
    bad = ScriptedJob(tmp_path, 1, script(
        'training', 'print("no such thing"); raise SystemExit(1)'))
    last = ScriptedJob(tmp_path, 3, script('training', ''))
    run(bad, good, last, num_processes=1)
    assert read_failure(tmp_path, 1) == 'training ended with status 1: no such thing\n'
    assert not good.scripts and not last.scripts
    lines = capsys.readouterr().out.splitlines()
    assert 'seed-01: FAILED (training ended with status 1: no such thing)' in lines
    assert 'seed-02: complete' in lines and 'seed-03: complete' in lines
    # A line for each stage, and one at the end.
    assert [line.split(' on ')[0] for line in lines if line.startswith('seed-02')] == [
        'seed-02: training', 'seed-02: testing', 'seed-02: complete']
    bad.scripts.append(script('training', ''))
    run(bad)
    assert read_failure(tmp_path, 1) is None


def test_a_run_that_ends_well_and_is_not_complete_has_failed(tmp_path):
    run(ScriptedJob(tmp_path, 1, script('training', 'print("nothing")'),
                    script('training', '')))
    assert 'nothing' in read_failure(tmp_path, 1)


def test_a_killed_run_starts_again_but_not_for_ever(tmp_path):
    kill = script('training', 'import os; os.kill(os.getpid(), 9)')
    job = ScriptedJob(tmp_path, 1, kill, script('training', ''))
    run(job)
    assert read_failure(tmp_path, 1) is None and not job.scripts
    job = ScriptedJob(tmp_path, 2, *[kill] * 9)
    run(job)
    assert 'stopped from outside' in read_failure(tmp_path, 2)
    assert len(job.scripts) == 9 - runner.MAX_KILLS_WITHOUT_PROGRESS


def test_kills_with_progress_do_not_count(tmp_path):
    kill = script('training', 'import os; os.kill(os.getpid(), 9)')
    job = ScriptedJob(tmp_path, 1, *[kill] * 5, script('training', ''))
    steps = iter(range(9))
    job.find_progress = lambda: next(steps)
    run(job)
    assert read_failure(tmp_path, 1) is None and not job.scripts


def test_a_process_of_another_sweep_is_awaited(tmp_path, capsys, monkeypatch):
    job = ScriptedJob(tmp_path, 1, script('training', ''), script('training', ''))
    folder = model_dir.ModelDir(job.folder)
    real, asked = model_dir.is_in_use, []

    def is_in_use(path):
        asked.append(real(path))
        if len(asked) == 3:
            folder.close()
        return asked[-1]

    monkeypatch.setattr(model_dir, 'is_in_use', is_in_use)
    run(job)
    assert asked[:3] == [True] * 3 and read_failure(tmp_path, 1) is None
    assert 'waiting for another process' in capsys.readouterr().out


def test_a_process_keeps_to_its_cores(tmp_path):
    if not hasattr(os, 'sched_setaffinity'):
        pytest.skip('this system has no affinity')
    before = os.sched_getaffinity(0)
    core = min(before)
    job = ScriptedJob(tmp_path, 1, script(
        'training', f'import os; assert os.sched_getaffinity(0) == {{{core}}}'))
    runner.Runner([job], [[core]]).run(StopRequest())
    assert read_failure(tmp_path, 1) is None
    assert os.sched_getaffinity(0) == before


def script_that_waits(folder):
    """Until SIGTERM comes: it notes that, and ends as train.py does."""
    return script('training', (
        'import signal, sys, time\n'
        'def tell(*unused):\n'
        f'    open({str(folder / "told")!r}, "w")\n'
        '    sys.exit(143)\n'
        'signal.signal(signal.SIGTERM, tell)\n'
        f'open({str(folder / "ready")!r}, "w")\n'
        'time.sleep(60)'))


def test_a_signal_is_passed_on(tmp_path):
    first = ScriptedJob(tmp_path, 1, script_that_waits(tmp_path))
    second = ScriptedJob(tmp_path, 2, script('training', ''))
    request = StopRequest()

    def stop():
        end = time.monotonic() + 60
        while not (tmp_path / 'ready').exists() and time.monotonic() < end:
            time.sleep(0.01)
        request._handle(15, None)

    thread = threading.Thread(target=stop)
    request.deferred = True
    thread.start()
    runner.Runner([first, second], runner.split_cores(1)).run(request)
    thread.join()
    assert (tmp_path / 'told').exists()
    assert read_failure(tmp_path, 1) is None and second.scripts


def test_what_cannot_be_started_has_failed(tmp_path):
    run(ScriptedJob(tmp_path, 1, ('training', ('/no/such/program',))))
    assert 'cannot be started' in read_failure(tmp_path, 1)


def test_where_nothing_can_be_printed_the_processes_are_told(tmp_path, monkeypatch):
    """They save and end; none is left behind."""
    job = ScriptedJob(tmp_path, 1, script_that_waits(tmp_path))
    other = ScriptedJob(tmp_path, 2, script('training', ''))

    def print_line(line, **unused):
        if 'seed-02' in line:
            end = time.monotonic() + 60
            while not (tmp_path / 'ready').exists() and time.monotonic() < end:
                time.sleep(0.01)
            raise OutputError('its reader is gone')

    monkeypatch.setattr(runner, 'print', print_line, raising=False)
    with pytest.raises(OutputError):
        runner.Runner([job, other], [None, None]).run(StopRequest())
    assert (tmp_path / 'told').exists()
    assert read_failure(tmp_path, 2) is None
