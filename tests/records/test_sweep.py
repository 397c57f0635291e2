"""Which run comes next, on which cores, and what becomes of one that fails."""

import os
import signal
import sys
import time

import pytest

import made_runs
from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.sweep import __main__ as sweep, jobs, runner

LENET5 = systems.find('lenet5')
KILL = 'import os; os.kill(os.getpid(), 9)'


def make_job(tmp_path, seed=4, epochs=None):
    return jobs.Job(LENET5, str(tmp_path), seed, epochs)


def test_seeds_or_merge_must_be_given(capsys):
    before = signal.getsignal(signal.SIGTERM)
    assert sweep.main([]) == 1
    assert '--seeds' in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_run_is_trained_then_tested_then_complete(tmp_path):
    job, folder = make_job(tmp_path), tmp_path / 'seed-04'
    assert job.find_command()[0] == 'training'
    made_runs.write_run(folder, system='lenet5', seed=4, last_epoch=9)
    assert job.find_command()[0] == 'training'
    content = made_runs.make_content('lenet5', seed=4, counts=[9840])
    made_runs.write(folder, content)
    stage, arguments = job.find_command()
    assert stage == 'testing validation' and '--seeds 1' in ' '.join(arguments)
    assert str(folder / 'model.ckpt-4300') in arguments
    content['tests'].append(made_runs.make_test(
        'validation', 1, 4930, 4300, data='mnist'))
    made_runs.write(folder, content)
    assert job.find_command() is None
    assert make_job(tmp_path, epochs=11).find_command()[0] == 'training'


def test_a_folder_of_another_run_fails(tmp_path):
    made_runs.write_run(tmp_path / 'seed-05', system='lenet5', seed=4)
    made_runs.write_run(tmp_path / 'seed-06', seed=6)
    for seed, named in ((5, 'seed 4, .* seed 5'), (6, 'deep_cnn')):
        with pytest.raises(UserError, match=named):
            make_job(tmp_path, seed).find_command()


def test_cores_are_shared_out(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {2, 3, 4, 5, 7},
                        raising=False)
    monkeypatch.setattr(os, 'sched_setaffinity', None, raising=False)
    assert runner.split_cores(1) == [[2, 3, 4, 5, 7]]
    assert runner.split_cores(2) == [[2, 3], [4, 5, 7]]
    assert runner.split_cores(6) == [None] * 6


@pytest.mark.parametrize('device, num_jobs, memory_bytes, size, number', [
    ('cpu', 10, 1e9, 30e9, 4), ('cpu', 3, 1e9, 30e9, 3), ('cpu', 10, 12e9, 30e9, 2),
    ('cpu', 10, 99e9, 30e9, 1), ('gpu', 10, 1e9, 30e9, 1), ('cpu', 10, 12e9, None, 4)])
def test_a_process_on_each_core_as_far_as_the_memory_reaches(
        monkeypatch, device, num_jobs, memory_bytes, size, number):
    monkeypatch.setattr(sweep.resources, 'find_memory',
                        lambda: sweep.resources.Memory(size, None))
    monkeypatch.setattr(sweep.resources, 'count_cores', lambda: 4)
    assert sweep.choose_num_processes(device, num_jobs, memory_bytes) == number


class ScriptedJob(jobs.Job):
    """Its processes run these pieces of Python, one after the other."""

    def __init__(self, folder, seed, *scripts):
        (folder / jobs.LOGS).mkdir(exist_ok=True)
        super().__init__(LENET5, str(folder), seed)
        self.scripts = [(stage, [sys.executable, '-S', '-c', code])
                        for stage, code in scripts]

    def find_command(self):
        return self.scripts.pop(0) if self.scripts else None


def run(*all_jobs, num_processes=2):
    """Returns the failures."""
    runs = runner.Runner(all_jobs, runner.split_cores(num_processes))
    runs.run(StopRequest())
    return runs.failures


def test_a_failed_run_is_listed_and_the_others_go_on(tmp_path, capsys):
    bad = ScriptedJob(tmp_path, 1, (
        'training', 'print("no such thing"); raise SystemExit(1)'))
    good = ScriptedJob(tmp_path, 2, ('training', ''), ('testing', ''))
    last = ScriptedJob(tmp_path, 3)
    last.scripts = [('training', ['/no/such/program'])]
    failures = run(bad, good, last, num_processes=1)
    assert failures['seed-01'] == 'training ended with status 1: no such thing'
    assert 'cannot be started' in failures['seed-03'] and len(failures) == 2
    lines = capsys.readouterr().out.splitlines()
    assert f'seed-01: FAILED ({failures["seed-01"]})' in lines
    # A line for each stage, and one at the end.
    assert [line.split(' on ')[0] for line in lines if line.startswith('seed-02')] == [
        'seed-02: training', 'seed-02: testing', 'seed-02: complete']


@pytest.mark.parametrize('end', [KILL, ''])
def test_a_stage_starts_again_as_long_as_it_saves(tmp_path, end):
    saving, idle = both = [ScriptedJob(tmp_path, seed) for seed in (1, 2)]
    save = (f'import os; os.makedirs({saving.folder!r}, exist_ok=True); '
            f'number = len(os.listdir({saving.folder!r})); '
            f'open({saving.folder!r} + f"/model.ckpt-{{number}}.index", "w"); ')
    for job, code in ((saving, save + end), (idle, end)):
        job.scripts = [('training', [sys.executable, '-S', '-c', code])] * 4
    failures = run(*both)
    assert list(failures) == [idle.name] and 'saved nothing' in failures[idle.name]
    assert not saving.scripts and len(idle.scripts) == 2


def test_a_process_of_another_sweep_is_awaited(tmp_path, capsys, monkeypatch):
    job = ScriptedJob(tmp_path, 1, ('training', ''), ('training', ''))
    folder = model_dir.ModelDir(job.folder)
    real, asked = model_dir.is_in_use, []

    def is_in_use(path):
        asked.append(real(path))
        if len(asked) == 3:
            folder.close()
        return asked[-1]

    monkeypatch.setattr(model_dir, 'is_in_use', is_in_use)
    assert not run(job) and asked[:3] == [True] * 3
    assert 'waiting for another process' in capsys.readouterr().out


def test_a_process_keeps_to_its_cores(tmp_path):
    if not hasattr(os, 'sched_setaffinity'):
        pytest.skip('this system has no affinity')
    before = os.sched_getaffinity(0)
    core = min(before)
    job = ScriptedJob(tmp_path, 1, (
        'training', f'import os; assert os.sched_getaffinity(0) == {{{core}}}'))
    runs = runner.Runner([job], [[core]])
    runs.run(StopRequest())
    assert not runs.failures and os.sched_getaffinity(0) == before


def test_a_signal_is_passed_on(tmp_path, monkeypatch):
    """The processes save and end; none is left behind, and none begins."""
    told = tmp_path / 'told'
    job = ScriptedJob(tmp_path, 1, ('training', (
        'import signal, sys, time\n'
        'def tell(*unused):\n'
        f'    open({str(told)!r}, "w")\n'
        '    sys.exit(143)\n'
        'signal.signal(signal.SIGTERM, tell)\n'
        'print("ready", flush=True)\n'
        'time.sleep(60)')))
    other, request = ScriptedJob(tmp_path, 2, ('training', '')), StopRequest()

    def print_line(line, **unused):
        if line.startswith('seed-01: training'):
            end = time.monotonic() + 60
            while job.find_last_line() != 'ready' and time.monotonic() < end:
                time.sleep(0.01)
            request._handle(15, None)

    request.deferred = True
    monkeypatch.setattr(runner, 'print', print_line, raising=False)
    runs = runner.Runner([job, other], [None])
    runs.run(request)
    assert told.exists() and other.scripts and not runs.failures
