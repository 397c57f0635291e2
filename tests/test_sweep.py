"""Which run comes next, on which cores, and what becomes of one that fails."""

import json
import os
import sys
import time

import pytest

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.machine.memory import Memory
from cifar10_tf1.records import run_record
from cifar10_tf1 import systems
from cifar10_tf1.common.console import OutputError
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.sweep import __main__ as sweep
from cifar10_tf1.sweep import counts
from cifar10_tf1.sweep import jobs
from cifar10_tf1.sweep import runner
from cifar10_tf1.sweep.progress import Progress

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KIND = {'wheel': 'tensorflow-gpu 1.15.0', 'wheel_sha256': None,
        'kernels': 'fast', 'device': 'cpu', 'intra_op_threads': 1,
        'cpu': {'name': 'a', 'family': '1', 'model': '2'}, 'gpu': None}
ENTRY = systems.find('lenet5')


def build_content(num_epochs=2, num_parts=1, seed=4, tests=()):
    """Of the record of a run of lenet5.

    Args:
      tests: tuples of (variant, seed, right images) or with a kind too.
    """
    epochs = [{'epoch': 1 + i // num_parts, 'step': 10 * (i + 1),
               'summed_loss': 5.0, 'learning_rate': 0.001, 'seconds': 30.0,
               'validation_correct': 5, 'validation_accuracy': 0.5}
              for i in range(num_epochs * num_parts)]
    return {
        'format': 1, 'system': 'lenet5', 'system_settings': {},
        'settings': {'seed': seed, 'epochs': 2, 'save_steps': 10,
                     'device': 'cpu', 'kernels': 'fast', 'intra_op_threads': 1,
                     'inter_op_threads': 1, 'input_threads': 1},
        'data': {'name': 'mnist', 'sha256': {}}, 'not_bit_exact': [],
        'processes': [{'command': 'train.py', 'started': '', 'from_step': 0,
                       'to_step': 20, 'end': 'finished', 'kind': KIND,
                       'versions': {}, 'commit': None, 'input_threads': 1,
                       'commit_is_clean': None}],
        'epochs': epochs,
        'weights': {'step': epochs[-1]['step'], 'sha256': 'ab' * 32},
        'tests': [{'crop': test[0], 'seed': test[1], 'num_correct': test[2],
                   'num_examples': 10000, 'step': epochs[-1]['step'],
                   'data': 'mnist', 'predictions_sha256': 'cd' * 32,
                   'kind': test[3] if len(test) > 3 else KIND}
                  for test in tests]}


def build_record(folder, **options):
    """A RunRecord, written into a folder."""
    content = build_content(**options)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / run_record.FILE).write_text(json.dumps(content))
    return run_record.load_folder(str(folder))


def make_job(tmp_path, seed=4, epochs=None):
    (tmp_path / jobs.LOGS).mkdir(exist_ok=True)
    return jobs.Job(jobs.Request(ENTRY, str(tmp_path), epochs), seed)


def test_seeds_or_merge_must_be_given(capsys):
    assert sweep.main([]) == 1
    assert '--seeds' in capsys.readouterr().err


def test_tests_that_a_run_lacks(tmp_path):
    record = build_record(tmp_path, tests=[('validation', 1, 4930)])
    assert counts.list_missing(record) == [('whole', 1)]
    assert counts.list_wanted(systems.find('deep_cnn'))[-2:] == [
        ('random', 20), ('central', 1)]


def test_counts_are_of_the_training_s_runtime(tmp_path):
    other = dict(KIND, wheel='tensorflow 2.21.0')
    elsewhere = dict(KIND, cpu={'name': 'b'})
    record = build_record(tmp_path, tests=[
        ('whole', 2, 9800), ('whole', 2, 9801, elsewhere),
        ('whole', 1, 9700, elsewhere), ('whole', 3, 9900, other)])
    assert counts.list_counts(record, 'whole') == {1: 9700, 2: 9800}


def test_a_run_is_trained_then_tested_then_complete(tmp_path):
    job = make_job(tmp_path)
    assert job.find_command().stage == 'training'
    build_record(tmp_path / 'seed-04', num_epochs=1)
    assert job.find_command().stage == 'training'
    build_record(tmp_path / 'seed-04', tests=[('whole', 1, 9840)])
    command = job.find_command()
    assert command.stage == 'testing validation'
    assert '--seeds 1' in ' '.join(command.arguments)
    assert str(tmp_path / 'seed-04' / 'model.ckpt-20') in command.arguments
    build_record(tmp_path / 'seed-04', tests=[('whole', 1, 9840),
                                              ('validation', 1, 4930)])
    assert job.find_command() is None
    assert make_job(tmp_path, epochs=3).find_command().stage == 'training'


def test_an_epoch_of_which_a_part_lacks_is_not_complete():
    record = run_record.RunRecord('', build_content(num_parts=3))
    assert jobs.is_trained(record, 2)
    record.epochs.pop()
    record.content['weights']['step'] = record.epochs[-1]['step']
    assert not jobs.is_trained(record, 2)


def test_weights_must_be_of_the_last_step(tmp_path):
    record = build_record(tmp_path)
    record.content['weights']['step'] = 10
    assert not jobs.is_trained(record, 2)


def test_a_folder_of_another_seed_fails(tmp_path):
    build_record(tmp_path / 'seed-05', seed=4)
    with pytest.raises(UserError, match='seed 4, not 5'):
        make_job(tmp_path, seed=5).check()


def test_cores_are_shared_out(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {2, 3, 4, 5, 7},
                        raising=False)
    monkeypatch.setattr(os, 'sched_setaffinity', None, raising=False)
    assert runner.split_cores(1) == [[2, 3, 4, 5, 7]]
    assert runner.split_cores(2) == [[2, 3], [4, 5, 7]]
    assert runner.split_cores(5) == [[2], [3], [4], [5], [7]]
    assert runner.split_cores(6) == [None] * 6


def test_a_process_on_each_core_as_far_as_the_memory_reaches(monkeypatch):
    monkeypatch.setattr(runner.description, 'count_cores', lambda: 4)
    monkeypatch.setattr(runner.memory, 'find_memory',
                        lambda: Memory(64 * 10 ** 9, None, 30 * 10 ** 9))
    assert runner.choose_num_processes('cpu', 10, 1e9) == 4
    assert runner.choose_num_processes('cpu', 3, 1e9) == 3
    assert runner.choose_num_processes('cpu', 10, 12e9) == 2
    assert runner.choose_num_processes('cpu', 10, 99e9) == 1
    assert runner.choose_num_processes('gpu', 10, 1e9) == 1
    monkeypatch.setattr(runner.memory, 'find_memory',
                        lambda: Memory(None, None, None))
    assert runner.choose_num_processes('cpu', 10, 12e9) == 4


def test_a_folder_in_use(tmp_path):
    path = str(tmp_path / 'model')
    assert not model_dir.is_in_use(path)
    with model_dir.ModelDir(path):
        assert model_dir.is_in_use(path)
    assert not model_dir.is_in_use(path)


class ScriptedJob(jobs.Job):
    """Its processes run these pieces of Python, one after the other."""

    def __init__(self, folder, seed, *scripts):
        (folder / jobs.LOGS).mkdir(exist_ok=True)
        super().__init__(jobs.Request(ENTRY, str(folder)), seed)
        self.scripts = list(scripts)

    def find_command(self):
        if not self.scripts:
            return None
        return jobs.Command(*self.scripts.pop(0))


def script(stage, code):
    return stage, (sys.executable, '-S', '-c', code)


def run(*all_jobs, num_processes=2):
    runner.Runner(all_jobs, runner.split_cores(num_processes), Progress(
        all_jobs, num_processes)).run(StopRequest())


def test_a_failed_run_is_shown_and_the_others_go_on(tmp_path, capsys):
    good = ScriptedJob(tmp_path, 2, script('training', ''), script('testing', ''))
    bad = ScriptedJob(tmp_path, 1, script(
        'training', 'print("no such thing"); raise SystemExit(1)'))
    last = ScriptedJob(tmp_path, 3, script('training', ''))
    run(bad, good, last, num_processes=1)
    assert bad.failure == 'training ended with status 1: no such thing'
    assert not good.failure and not good.scripts
    assert not last.failure and not last.scripts
    output = capsys.readouterr().out
    assert 'seed-01: FAILED (training ended with status 1' in output
    with open(bad.failure_file) as file:
        assert file.read() == bad.failure + '\n'
    bad.scripts.append(script('training', ''))
    run(bad)
    assert not os.path.exists(bad.failure_file) and not bad.failure


def test_a_run_that_ends_well_and_is_not_complete_has_failed(tmp_path):
    job = ScriptedJob(tmp_path, 1, script('training', 'print("nothing")'),
                      script('training', ''))
    run(job)
    assert 'nothing' in job.failure


def test_a_killed_run_is_begun_again_but_not_for_ever(tmp_path):
    kill = script('training', 'import os; os.kill(os.getpid(), 9)')
    job = ScriptedJob(tmp_path, 1, kill, script('training', ''))
    run(job)
    assert not job.failure and not job.scripts
    job = ScriptedJob(tmp_path, 2, *[kill] * 9)
    run(job)
    assert 'stopped from outside' in job.failure
    assert len(job.scripts) == 9 - jobs.MAX_KILLS_WITHOUT_PROGRESS


def test_a_process_of_another_sweep_is_awaited(tmp_path, capsys):
    job = ScriptedJob(tmp_path, 1, script('training', ''), script('training', ''))
    folder = model_dir.ModelDir(job.folder)
    real, asked = job.is_in_use, []

    def is_in_use():
        asked.append(real())
        if len(asked) == 3:
            folder.close()
        return asked[-1]

    job.is_in_use = is_in_use
    run(job)
    assert asked[:3] == [True] * 3 and not job.failure and not job.scripts
    assert 'in use by another process' in capsys.readouterr().out


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

    class Shown(Progress):
        def show(self, active):
            if (tmp_path / 'ready').exists() and not request.requested:
                request._handle(15, None)

    all_jobs = [first, second]
    runner.Runner(all_jobs, runner.split_cores(1), Shown(all_jobs, 1)).run(request)
    assert (tmp_path / 'told').exists()
    assert not first.failure and second.scripts


def test_what_cannot_be_started_has_failed(tmp_path):
    job = ScriptedJob(tmp_path, 1, ('training', ('/no/such/program',)))
    run(job)
    assert 'training cannot be started' in job.failure


def test_where_nothing_can_be_printed_the_processes_are_told(tmp_path):
    """They save and end; none is left behind."""
    job = ScriptedJob(tmp_path, 1, script_that_waits(tmp_path))

    class Shown(Progress):
        def show(self, active):
            if (tmp_path / 'ready').exists():
                raise OutputError('its reader is gone')

    with pytest.raises(OutputError):
        runner.Runner([job], [None], Shown([job], 1)).run(StopRequest())
    end = time.monotonic() + 20
    while not (tmp_path / 'told').exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert (tmp_path / 'told').exists()
