"""Short training runs inside the test's process; and programs beside it."""

import json
import os
import re
import subprocess
import sys
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_tf1 import launch
from cifar10_tf1 import programs
from cifar10_tf1.records import run_record
from cifar10_tf1 import systems
from cifar10_tf1.training import training_run
from cifar10_tf1.records.run_settings import RunSettings
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EPOCH_LINE = re.compile(r'^Epoch (\d+) : Loss = (\d+\.\d{5}), '
                        r'Epoch Time = \d+\.\d\ds$', re.MULTILINE)


def train(model_dir, data_set, max_steps=None, stop_request=None, pretrained=None,
          is_from_scratch=False, system=deep_cnn, with_summaries=False, **given):
    """By stock kernels, whose graph is soon built. Returns the exit status."""
    given.setdefault('kernels', 'stock')
    start = launch.begin_training(
        system.name, lambda name: data_set, str(model_dir), RunSettings(**given),
        max_steps, 'train.py', stop_request, with_summaries,
        pretrained=pretrained, is_from_scratch=is_from_scratch)
    with start.folder, mock.patch.object(systems, 'load', lambda name: system):
        return programs.load('train').train(start)


def test(model_dir, data_set, checkpoint=None, seed=1, variant='random', **given):
    """As test.py. Returns the exit status."""
    given, choice = launch.choose_machine(RunSettings(**given))
    return programs.load('test').test(launch.TestStart(
        deep_cnn.name, str(model_dir), checkpoint, given, choice, data_set, (seed,),
        variant))


def evaluate(*arguments, **options):
    """evaluation.Evaluation, as test.py counts it."""
    return programs.load('test').evaluate(*arguments, **options)


def run_program(environment, *arguments):
    """Standard output of a program of the project, in a process of its own.

    What the bits depend on is decided when TensorFlow loads, and with the first
    session: in this process that was a test's.
    """
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout


def build_training_graph(*arguments, **options):
    return programs.load('train').build_graph(*arguments, **options)


def main(name, argv):
    """train.py or test.py with these options. Returns the exit status."""
    begin = {'train.py': programs.begin_training, 'test.py': programs.begin_test}[name]
    try:
        program = begin(argv)
    except SystemExit as error:
        if error.code != 1:
            raise  # as argparse
        return error.code
    module = programs.load(name[:-len('.py')])
    status = program.run(module.train if name == 'train.py' else module.test)
    if name == 'train.py':
        program.start.folder.close()
    return status


def tensors_of(prefix):
    """{name: array} of a checkpoint."""
    reader = tf.train.NewCheckpointReader(str(prefix))
    return {name: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()}


def assert_same_bits(prefix_a, prefix_b):
    a, b = tensors_of(prefix_a), tensors_of(prefix_b)
    assert sorted(a) == sorted(b) and len(a) == 21
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


def losses_of(output):
    """{epoch: summed loss} of the printed lines."""
    return {int(epoch): loss for epoch, loss in EPOCH_LINE.findall(output)}


def change_record(path, edit):
    """Edits the content of a run.json in place."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def train_until(num_steps, action, monkeypatch, *arguments, **options):
    """As `train`; does something after so many steps of this process."""
    real, done = training_run.Run.end_step, []

    def end_step(run, loss):
        real(run, loss)
        done.append(loss)
        if len(done) == num_steps:
            action()

    with monkeypatch.context() as patch:
        patch.setattr(training_run.Run, 'end_step', end_step)
        return train(*arguments, **options)


def load_record(folder):
    return run_record.load(str(folder / 'run.json'))
