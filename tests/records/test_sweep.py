"""Which run comes next, on which cores, and what becomes of one that fails."""

import os
import sys
import time

import pytest

from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.sweep import __main__ as sweep, jobs, runner
from made_runs import make_content, make_test, write_run

LENET5 = systems.find('lenet5')


def test_a_run_is_trained_then_tested_then_complete(tmp_path):
    job, folder = jobs.Job(LENET5, str(tmp_path), 4), tmp_path / 'seed-04'
    assert job.find_command()[0] == 'training'
    content = make_content('lenet5', seed=4, counts=[9840])
    write_run(folder, content)
    stage, arguments = job.find_command()
    assert stage == 'testing validation' and '--seeds 1' in ' '.join(arguments)
    assert str(folder / 'model.ckpt-4300') in arguments
    content['tests'].append(make_test('validation', 1, 4930, 4300, data='mnist'))
    write_run(folder, content)
    assert job.find_command() is None
    assert jobs.Job(LENET5, str(tmp_path), 4, 11).find_command()[0] == 'training'


@pytest.mark.parametrize('system, seed, named', [
    ('lenet5', 4, 'seed 4, .* seed 5'), ('deep_cnn', 5, 'deep_cnn')])
def test_a_folder_of_another_run_fails(system, seed, named, tmp_path):
    write_run(tmp_path / 'seed-05', system=system, seed=seed)
    with pytest.raises(UserError, match=named):
        jobs.Job(LENET5, str(tmp_path), 5).find_command()


def test_cores_are_shared_out(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {2, 3, 4, 5, 7}, raising=False)
    monkeypatch.setattr(os, 'sched_setaffinity', None, raising=False)
    assert runner.split_cores(1) == [[2, 3, 4, 5, 7]]
    assert runner.split_cores(2) == [[2, 3], [4, 5, 7]]
    assert runner.split_cores(6) == [None] * 6


@pytest.mark.parametrize('device, num_jobs, memory_bytes, size, number', [
    ('cpu', 10, 1e9, 30e9, 4), ('cpu', 3, 1e9, 30e9, 3), ('cpu', 10, 12e9, 30e9, 2),
    ('cpu', 10, 99e9, 30e9, 1), ('gpu', 10, 1e9, 30e9, 1), ('cpu', 10, 12e9, None, 4)])
def test_a_process_on_each_core_as_far_as_the_memory_reaches(
        device, num_jobs, memory_bytes, size, number, monkeypatch):
    monkeypatch.setattr(sweep.resources, 'find_memory', lambda: sweep.resources.Memory(size, None))
    monkeypatch.setattr(sweep.resources, 'count_cores', lambda: 4)
    assert sweep.choose_num_processes(device, num_jobs, memory_bytes) == number


class ScriptedJob(jobs.Job):
    """Its processes run these pieces of Python, one after the other."""

    def __init__(self, folder, seed, *scripts):
        (folder / jobs.LOGS).mkdir(exist_ok=True)
        super().__init__(LENET5, str(folder), seed)
        self.commands = [(stage, [sys.executable, '-S', '-c', code]) for stage, code in scripts]

    def find_command(self):
        return self.commands.pop(0) if self.commands else None


def run(*all_jobs, core_groups=(None, None), request=None):
    """Returns the failures."""
    runs = runner.Runner(all_jobs, core_groups)
    runs.run(request or StopRequest())
    return runs.failures


def test_a_failed_run_is_listed_and_the_others_go_on(tmp_path, capsys):
    bad = ScriptedJob(tmp_path, 1, ('training', 'print("no such thing"); raise SystemExit(1)'))
    good = ScriptedJob(tmp_path, 2, ('training', ''), ('testing', ''))
    last = ScriptedJob(tmp_path, 3)
    last.commands = [('training', ['/no/such/program'])]
    failures = run(bad, good, last, core_groups=[None])
    assert failures['seed-01'] == 'training ended with status 1: no such thing'
    assert 'cannot be started' in failures['seed-03'] and len(failures) == 2
    lines = capsys.readouterr().out.splitlines()
    assert f'seed-01: FAILED ({failures["seed-01"]})' in lines
    # A line for each stage, and one at the end.
    assert [line for line in lines if line.startswith('seed-02')] == [
        'seed-02: training', 'seed-02: testing', 'seed-02: complete']


@pytest.mark.parametrize('end', ['import os; os.kill(os.getpid(), 9)', ''])
def test_a_stage_starts_again_as_long_as_it_saves(end, tmp_path):
    save = ('import os; os.makedirs({0!r}, exist_ok=True); number = len(os.listdir({0!r})); '
            'open({0!r} + f"/model.ckpt-{{number}}.index", "w"); ')
    saving = ScriptedJob(tmp_path, 1, *[
        ('training', save.format(str(tmp_path / 'seed-01')) + end)] * 4)
    idle = ScriptedJob(tmp_path, 2, *[('training', end)] * 4)
    failures = run(saving, idle)
    assert list(failures) == [idle.name] and 'saved nothing' in failures[idle.name]
    assert not saving.commands and len(idle.commands) == 2


def test_a_process_of_another_sweep_is_awaited(tmp_path, monkeypatch):
    job = ScriptedJob(tmp_path, 1, ('training', ''), ('training', ''))
    folder = model_dir.ModelDir(job.folder)
    monkeypatch.setattr(runner, 'print', lambda line, **unused: (
        'waiting for another process' in line and folder.close()), raising=False)
    assert not run(job) and not model_dir.is_in_use(job.folder)


def test_a_process_keeps_to_its_cores(tmp_path):
    if not hasattr(os, 'sched_setaffinity'):
        pytest.skip('this system has no affinity')
    before = os.sched_getaffinity(0)
    core = min(before)
    job = ScriptedJob(tmp_path, 1, (
        'training', f'import os; assert os.sched_getaffinity(0) == {{{core}}}'))
    assert not run(job, core_groups=[[core]]) and os.sched_getaffinity(0) == before


def test_a_signal_is_passed_on(tmp_path, monkeypatch):
    """The processes save and end; none is left behind, and none begins."""
    told = tmp_path / 'told'
    job = ScriptedJob(tmp_path, 1, ('training', (
        'import signal, sys, time\n'
        f'signal.signal(15, lambda *unused: open({str(told)!r}, "w") and sys.exit(143))\n'
        'print("ready", flush=True)\n'
        'time.sleep(60)')))
    other, request = ScriptedJob(tmp_path, 2, ('training', '')), StopRequest()
    request.deferred = True

    def print_line(line, **unused):
        if line.startswith('seed-01: training'):
            end = time.monotonic() + 60
            while job.find_last_line() != 'ready' and time.monotonic() < end:
                time.sleep(0.01)
            request._handle(15, None)

    monkeypatch.setattr(runner, 'print', print_line, raising=False)
    assert not run(job, other, core_groups=[None], request=request)
    assert told.exists() and other.commands
