"""docs/rescue/: its programs print what docs/rescue.md says."""

import os
import re
import shlex
import subprocess

import model_helpers
import two_runtimes

# Each command starts one of the two runtimes.
pytestmark = two_runtimes.PYTESTMARK
PYTHONS = {'.venv': two_runtimes.PYTHONS['tf1'], '.venv-tf2': two_runtimes.PYTHONS['tf2']}
ROOT = two_runtimes.ROOT

with open(os.path.join(ROOT, 'docs', 'rescue.md'), encoding='utf-8') as page:
    PAGE = page.read()
FOLDER = os.path.join(ROOT, 'docs', 'rescue')
PROGRAMS = {}
for name in os.listdir(FOLDER):
    if name.endswith('.py'):
        with open(os.path.join(FOLDER, name), encoding='utf-8') as file:
            PROGRAMS[name] = file.read()
COMMAND = re.compile(r'```sh\n(\.venv(?:-tf2)?)/bin/python (.*)\n```\n'
                     r'((?:\n    .*)*)')

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
    embedding, weights = session.run([averages.average(embedding),
                                      averages.average(weights)])
ids = np.random.RandomState(1).randint(0, 50, [4, 6])
np.save('truth.npy', embedding[49 - ids].reshape(4, 48) @ weights)
'''
VALUES = '''prefix = 'old/model.ckpt-7'
examples = {'batch:0': np.random.RandomState(1).randint(0, 50, [4, 6])}
constants = {'keep_prob:0': np.float32(1)}
'''


def run(folder, venv, *command, status=0):
    result = subprocess.run(
        [PYTHONS[venv], *command], cwd=str(folder), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, universal_newlines=True,
        # A user's environment, not that of these tests.
        env=dict({name: value for name, value in os.environ.items()
                  if not name.startswith('TF_')}, PYTHONPATH=ROOT))
    assert result.returncode == status, result.stdout
    return result.stdout


def write_programs(folder, **programs):
    (folder / 'docs' / 'rescue').mkdir(parents=True)
    for name, code in dict(PROGRAMS, **programs).items():
        (folder / 'docs' / 'rescue' / name).write_text(code)


def find_difference(output):
    return float(output.split('difference: ')[1])


def test_the_page(tmp_path):
    model_helpers.need('tf2onnx')
    write_programs(tmp_path)
    names = []
    for venv, command, expected in COMMAND.findall(PAGE):
        output = run(tmp_path, venv, *shlex.split(command))
        for line in expected.split('\n')[1:]:
            if 'difference: ' in line:
                assert find_difference(output) < 1e-6
            else:
                assert line.strip() in output, command
        names.append(command.split()[0])
    assert names == [*(f'docs/rescue/{name}.py' for name in ('old', 'look')), '-m',
                     *(f'docs/rescue/{name}.py' for name in ('rescue', 'compare')), '-m']
    # A second try is a line, not a traceback.
    output = run(tmp_path, '.venv', 'docs/rescue/rescue.py', status=1)
    assert 'rescued already exists' in output
    # What the last remarks say.
    last = re.search(r'`\.venv/bin/python (-m cifar10_tf1.export[^`]*)`', PAGE).group(1)
    output = run(tmp_path, '.venv', *last.split(), status=1)
    assert 'old/model.ckpt-100' in output and 'missing' in output
    assert 'ownload' not in output


def test_integers_a_queue_a_table_averages_and_dropout(tmp_path):
    rescue, count = re.subn(r'prefix = .*\n.*\nconstants = .*\n', VALUES,
                            PROGRAMS['rescue.py'])
    assert count == 1
    write_programs(tmp_path, **{'old.py': OLD, 'rescue.py': rescue})
    run(tmp_path, '.venv', 'docs/rescue/old.py')
    output = run(tmp_path, '.venv', 'docs/rescue/look.py', 'old/model.ckpt-7')
    assert re.search(r'batch:0 int64 \(4, 6\)', output)
    assert 'Placeholder keep_prob:0 float32 ()' in output
    output = run(tmp_path, '.venv', 'docs/rescue/rescue.py')
    assert 'moving average: embedding' in output and 'average: weights' in output
    assert find_difference(run(tmp_path, '.venv-tf2', 'docs/rescue/compare.py')) < 1e-5
    truth = ('import numpy as np; print("difference: ", abs(np.load("truth.npy") - '
             'np.load("expected.npz")["y"]).max())')
    assert find_difference(run(tmp_path, '.venv', '-c', truth)) < 1e-5
