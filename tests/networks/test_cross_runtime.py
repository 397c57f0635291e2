"""The two runtimes beside each other, each in an environment of its own.

Needs `make setup` and `make setup RUNTIME=tf2`; CI has both.
"""

import re

import numpy as np
import pytest

import runs
import two_runtimes
from two_runtimes import run

pytestmark = two_runtimes.PYTESTMARK
NUM_STEPS = 20


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


@pytest.fixture(scope='module')
def folders(data_dir, tmp_path_factory):
    """{runtime: a run of one seed}."""
    folders = {}
    for runtime in two_runtimes.PYTHONS:
        folders[runtime] = tmp_path_factory.mktemp(runtime) / 'model'
        result = run(runtime, 'train.py', '--synthetic', '--data-dir', data_dir,
                     '--model-dir', folders[runtime], '--max-steps', NUM_STEPS,
                     '--kernels', 'stock')
        assert result.returncode == 0, result.stderr
    return folders


def test_first_losses(folders):
    """The last bits differ and grow by a third with each step, here as between
    any two machines; test_real_data.py looks at 50 steps of the real data."""
    ours, theirs = (runs.step_losses(folder) for folder in folders.values())
    assert len(ours) == len(theirs) == NUM_STEPS
    assert np.abs(ours / theirs - 1)[:10].max() < 2e-6


@pytest.mark.parametrize('trained, tested', [('tf1', 'tf2'), ('tf2', 'tf1')])
def test_checkpoints_go_both_ways(folders, data_dir, trained, tested):
    counts = []
    for runtime in (trained, tested):
        result = run(runtime, 'test.py', '--synthetic', '--data-dir', data_dir,
                     '--model-dir', folders[trained])
        assert result.returncode == 0, result.stderr
        counts.append(int(re.search(r'= (\d+)/2000', result.stdout).group(1)))
    # Images whose two largest logits all but tie may turn.
    assert abs(counts[0] - counts[1]) <= 2


def test_fingerprints_agree(folders):
    for folder in folders.values():
        lines = {run(runtime, '-m', 'cifar10_tf1.fingerprint', '--model-dir',
                     folder).stdout for runtime in two_runtimes.PYTHONS}
        assert len(lines) == 1 and re.match('^[0-9a-f]{64} ', lines.pop())


def test_another_runtime_is_named(folders, data_dir):
    """By a resumption, which it ends, and by verify."""
    result = run('tf2', 'train.py', '--synthetic', '--data-dir', data_dir,
                 '--model-dir', folders['tf1'])
    assert result.returncode == 1
    assert 'tensorflow-gpu 1.15.0, not tensorflow 2.' in result.stderr
    assert '--model-dir' in result.stderr and result.stderr.count('\n') == 1
    result = run('tf2', '-m', 'cifar10_tf1.verify', folders['tf1'] / 'run.json',
                 '--data-dir', data_dir)
    assert result.returncode == 3, result.stderr
    assert 'Another kind of machine: wheel: tensorflow 2.' in result.stdout


_RUN_SAVED_MODEL = """
import sys
import numpy as np
import tensorflow as tf
images = np.load(sys.argv[2])
if tf.__version__.startswith('1.'):
    with tf.Session() as session:
        model = tf.saved_model.load(session, ['serve'], sys.argv[1])
        outputs = model.signature_def['serving_default'].outputs
        probabilities = session.run(outputs['probabilities'].name,
                                    {'images:0': images})
else:
    model = tf.saved_model.load(sys.argv[1]).signatures['serving_default']
    probabilities = model(images=tf.constant(images))['probabilities'].numpy()
np.save(sys.argv[3], probabilities)
"""


@pytest.mark.parametrize('exported, used', [('tf1', 'tf2'), ('tf2', 'tf1')])
def test_a_saved_model_of_one_is_used_in_the_other(folders, tmp_path, exported,
                                                   used):
    """With plain TensorFlow, as a stranger does; nothing of this package."""
    folder = tmp_path / 'export'
    result = run(exported, '-m', 'cifar10_tf1.export', '--model-dir',
                 folders['tf1'], '--output', folder)
    assert result.returncode == 0, result.stderr
    np.save(str(tmp_path / 'images.npy'), np.random.RandomState(0).randint(
        0, 256, [20, 32, 32, 3]).astype(np.uint8))
    probabilities = []
    for runtime in (exported, used):
        result = run(runtime, '-c', _RUN_SAVED_MODEL, folder,
                     tmp_path / 'images.npy', tmp_path / 'out.npy')
        assert result.returncode == 0, result.stderr
        probabilities.append(np.load(str(tmp_path / 'out.npy')))
    assert probabilities[0].shape == (20, 10)
    assert np.abs(probabilities[0] - probabilities[1]).max() < 1e-5
