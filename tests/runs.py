"""Short training runs inside the test's process; and programs beside it."""

import json
import os
import re
import subprocess
import sys
from unittest import mock

import numpy as np

from cifar10_tf1 import cli, scripts, systems
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.records import run_record
from cifar10_tf1.records.run_settings import RunSettings
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from cifar10_tf1.training.training_log import TrainingLog

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def train(model_dir, data_set, max_steps=None, system=deep_cnn, **options):
    """As train.py, by stock kernels, whose graph is soon built. Returns the status.

    Args:
      options: of train.py; no_summaries is True unless given.
    """
    options = {'system': system.name, 'model_dir': model_dir, 'max_steps': max_steps,
               'kernels': 'stock', 'no_summaries': True, **options}
    script = scripts.load('train')
    with mock.patch.object(cli, 'load_data_set', lambda options, name: data_set), \
            mock.patch.object(systems, 'load', lambda name: system):
        return script.train(script.open_run(cli.list_arguments(options, options)))


def train_until(num_steps, action, monkeypatch, *arguments, **options):
    """As `train`; calls a function of the run.Run after so many steps of it."""
    real, done = TrainingLog.end_step, []

    def end_step(log, step, loss):
        real(log, step, loss)
        done.append(loss)
        if len(done) == num_steps:
            action(log._run)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingLog, 'end_step', end_step)
        return train(*arguments, **options)


def evaluate(system, data_set, model_dir, checkpoint=None, variant=None, max_images=None, **given):
    """evaluation.Evaluation, as test.py counts it; given: of RunSettings."""
    return scripts.load('test').evaluate(
        system, data_set, make_settings(**given), variant or system.variants[0],
        str(model_dir), checkpoint, max_images)


def build_training_graph(system, data_set, num_files=None, **given):
    """train.py's TrainingGraph; given: of RunSettings."""
    return scripts.load('train').build_graph(
        system, data_set, system.build_plan(data_set, num_files), make_settings(**given))


def make_settings(**given):
    """RunSettings of a CPU, stock kernels and TensorFlow's choice of threads."""
    return RunSettings(**{'seed': 1, 'device': 'cpu', 'kernels': 'stock', 'intra_op_threads': 0,
                          'inter_op_threads': 0, 'input_threads': 2, **given})


def main(name, argv):
    """train.py or test.py with these options. Returns the exit status."""
    script = scripts.load(name[:-len('.py')])
    opened, run = ((script.open_run, script.train) if name == 'train.py' else
                   (script.open_test, script.test))
    try:
        return cli.guard(name, run, cli.begin(name, lambda: opened(argv)))
    except SystemExit as error:
        return error.code


def start(script, data_dir, *options, preexec_fn=None, **variables):
    """A process of train.py or test.py on generated data; variables: its environment."""
    return subprocess.Popen(
        [sys.executable, os.path.join(ROOT, script), '--synthetic', '--data-dir',
         str(data_dir), *map(str, options)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, preexec_fn=preexec_fn,
        env={**os.environ, **{name: str(value) for name, value in variables.items()}})


def run_program(environment, *arguments):
    """Standard output of a program of the project, in a process of its own.

    What the bits depend on is decided when TensorFlow loads, and with the first
    session: in this process that was a test's.
    """
    return subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT, env=environment,
                          stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout


def run_python(*arguments, **variables):
    """(exit status, standard output, standard error) of a Python with these variables."""
    process = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **variables},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    return process.returncode, process.stdout, process.stderr


def tensors_of(prefix):
    """{name: array} of a checkpoint."""
    return reading.load(str(prefix))


def assert_same_bits(prefix_a, prefix_b):
    assert reading.fingerprint(str(prefix_a)) == reading.fingerprint(str(prefix_b))


def losses_of(output):
    """{epoch: summed loss} of the printed lines, both str."""
    return dict(re.findall(r'^Epoch (\d+) : Loss = (\d+\.\d{5}), Epoch Time = \d+\.\d\ds$',
                           output, re.MULTILINE))


def load_record(folder):
    return run_record.load(str(folder / 'run.json'))


def change_record(path, edit):
    """Edits the content of a run.json in place."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def list_losses(folder):
    """{step: loss}, float, of the epochs that have a checkpoint."""
    losses = {}
    for path in folder.glob('model.ckpt-*.json'):
        settings = json.loads(path.read_text())
        losses.update(zip(range(settings['step'], 0, -1), reversed(settings['losses'])))
    return losses


def step_losses(folder):
    """The loss of each step, float32, if all epochs have a checkpoint."""
    losses = list_losses(folder)
    assert sorted(losses) == list(range(1, len(losses) + 1))
    return np.float32([losses[step] for step in sorted(losses)])
