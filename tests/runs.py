"""Short training runs inside the test's process."""

import json
import re

import tensorflow.compat.v1 as tf

from cifar10_tf1 import launch
from cifar10_tf1 import training
from cifar10_tf1.run_record import RunSettings
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

EPOCH_LINE = re.compile(r'^Epoch (\d+) : Loss = (\d+\.\d{5}), '
                        r'Epoch Time = \d+\.\d\ds$', re.MULTILINE)


def train(model_dir, data_set, max_steps=None, stop_request=None,
          system=deep_cnn, on_epoch=None, **given):
    """By stock kernels, whose graph is soon built. Returns the exit status."""
    given.setdefault('kernels', 'stock')
    return launch.train(data_set, str(model_dir), RunSettings(**given),
                        max_steps, 'train.py', stop_request, on_epoch, system)


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
    real, done = training.Run._train_step, []

    def train_step(run):
        loss = real(run)
        done.append(loss)
        if len(done) == num_steps:
            action()
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(training.Run, '_train_step', train_step)
        return train(*arguments, **options)
