"""docs/rescue/: its programs print what docs/rescue.md says."""

import os
import re
import shlex
import subprocess

import numpy as np
import pytest

import model_helpers
import two_runtimes
from pages import read

# Each command starts one of the two runtimes.
pytestmark = two_runtimes.PYTESTMARK
PYTHONS = {'.venv': two_runtimes.PYTHONS['tf1'], '.venv-tf2': two_runtimes.PYTHONS['tf2']}
PAGE = read('docs/rescue.md')
COMMAND = re.compile(r'```sh\n(\.venv(?:-tf2)?)/bin/python (.*)\n```\n((?:\n    .*)*)')

# What old programs have: a batch of fixed size from a queue, integers, a table,
# moving averages, dropout.
OLD = '''
import numpy as np
import tensorflow.compat.v1 as tf

queue = tf.FIFOQueue(100, tf.int64, [[6]])
ids = queue.dequeue_many(4, name='batch')
table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(
    np.arange(50), np.arange(50)[::-1].copy()), -1)
embedding = tf.get_variable('embedding', [50, 8])
keep_prob = tf.placeholder(tf.float32, [], 'keep_prob')
words = tf.nn.dropout(tf.nn.embedding_lookup(embedding, table.lookup(ids)), keep_prob)
weights = tf.get_variable('weights', [48, 3])
y = tf.matmul(tf.reshape(words, [4, 48]), weights, name='y')
averages = tf.train.ExponentialMovingAverage(0.5)
update = averages.apply([embedding, weights])
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run([embedding.assign(2 * embedding), weights.assign(weights - 1)])
    session.run(update)
    tf.train.Saver().save(session, './old/model.ckpt', 7)
    embedding, weights = session.run([averages.average(embedding), averages.average(weights)])
ids = np.random.RandomState(1).randint(0, 50, [4, 6])
np.save('truth.npy', embedding[49 - ids].reshape(4, 48) @ weights)
'''
VALUES = '''prefix = 'old/model.ckpt-7'
examples = {'batch:0': np.random.RandomState(1).randint(0, 50, [4, 6])}
constants = {'keep_prob:0': np.float32(1)}
'''


@pytest.fixture
def run(tmp_path):
    """Runs a command in a folder that has the project's docs; returns what it prints."""
    (tmp_path / 'docs').symlink_to(os.path.join(two_runtimes.ROOT, 'docs'))

    def run_in_folder(venv, *command, status=0):
        result = subprocess.run(
            [PYTHONS[venv], *command], cwd=str(tmp_path), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, universal_newlines=True,
            # A user's environment, not that of these tests.
            env=dict({name: value for name, value in os.environ.items()
                      if not name.startswith('TF_')}, PYTHONPATH=two_runtimes.ROOT))
        assert result.returncode == status, result.stdout
        return result.stdout

    return run_in_folder


def find_difference(output):
    return float(output.split('difference: ')[1])


def test_the_page(run):
    model_helpers.need('tf2onnx')
    commands = COMMAND.findall(PAGE)
    assert [command.split()[0].replace('docs/rescue/', '') for unused, command, _ in commands] == [
        'old.py', 'look.py', '-m', 'rescue.py', 'compare.py', '-m']
    for venv, command, expected in commands:
        output = run(venv, *shlex.split(command))
        for line in expected.split('\n')[1:]:
            if 'difference: ' in line:
                assert find_difference(output) < 1e-6
            else:
                assert line.strip() in output, command
    # A second try is a line, not a traceback.
    assert 'rescued already exists' in run('.venv', 'docs/rescue/rescue.py', status=1)
    # What the last remarks say.
    last = re.search(r'`\.venv/bin/python (-m cifar10_tf1.export[^`]*)`', PAGE).group(1)
    output = run('.venv', *last.split(), status=1)
    assert 'old/model.ckpt-100' in output and 'missing' in output
    assert 'ownload' not in output


def test_integers_a_queue_a_table_averages_and_dropout(run, tmp_path):
    (tmp_path / 'old.py').write_text(OLD)
    program, count = re.subn(r'prefix = .*\n.*\nconstants = .*\n', VALUES,
                             read('docs/rescue/rescue.py'))
    assert count == 1
    (tmp_path / 'rescue.py').write_text(program)
    run('.venv', 'old.py')
    output = run('.venv', 'docs/rescue/look.py', 'old/model.ckpt-7')
    assert re.search(r'batch:0 int64 \(4, 6\)', output)
    assert 'Placeholder keep_prob:0 float32 ()' in output
    output = run('.venv', 'rescue.py')
    assert 'moving average: embedding' in output and 'average: weights' in output
    assert find_difference(run('.venv-tf2', 'docs/rescue/compare.py')) < 1e-5
    with np.load(str(tmp_path / 'expected.npz')) as expected:
        assert np.abs(expected['y'] - np.load(str(tmp_path / 'truth.npy'))).max() < 1e-5
