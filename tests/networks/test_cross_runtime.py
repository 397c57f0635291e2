"""The two runtimes beside each other, each in an environment of its own.

Needs `make setup` and `make setup RUNTIME=tf2`; CI has both.
"""

import re

import numpy as np
import pytest

import runs
import two_runtimes

pytestmark = two_runtimes.PYTESTMARK
NUM_STEPS = 20
BOTH_WAYS = [('tf1', 'tf2'), ('tf2', 'tf1')]


def run(runtime, *command, status=0):
    result = two_runtimes.run(runtime, *command)
    assert result.returncode == status, result.stderr
    return result


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


@pytest.fixture(scope='module')
def folders(data_dir, tmp_path_factory):
    """{runtime: a run of one seed}."""
    folders = {name: tmp_path_factory.mktemp(name) / 'model' for name in two_runtimes.PYTHONS}
    for runtime, folder in folders.items():
        run(runtime, 'train.py', '--synthetic', '--data-dir', data_dir, '--model-dir', folder,
            '--max-steps', NUM_STEPS, '--kernels', 'stock')
    return folders


def test_first_losses(folders):
    """The last bits differ and grow by a third with each step, here as between
    any two machines; test_real_data.py looks at 50 steps of the real data."""
    ours, theirs = map(runs.step_losses, folders.values())
    assert len(ours) == len(theirs) == NUM_STEPS
    assert np.abs(ours / theirs - 1)[:10].max() < 2e-6


@pytest.mark.parametrize('trained, tested', BOTH_WAYS)
def test_checkpoints_go_both_ways(folders, data_dir, trained, tested):
    counts = [int(re.search(r'= (\d+)/2000', run(
        runtime, 'test.py', '--synthetic', '--data-dir', data_dir, '--model-dir',
        folders[trained]).stdout).group(1)) for runtime in (trained, tested)]
    # Images whose two largest logits all but tie may turn.
    assert abs(counts[0] - counts[1]) <= 2


def test_another_runtime_is_named(folders, data_dir):
    """By a resumption, which it ends, and by verify."""
    error = run('tf2', 'train.py', '--synthetic', '--data-dir', data_dir, '--model-dir',
                folders['tf1'], status=1).stderr
    assert 'tensorflow-gpu 1.15.0, not tensorflow 2.' in error
    assert '--model-dir' in error and error.count('\n') == 1
    output = run('tf2', '-m', 'cifar10_tf1.verify', folders['tf1'] / 'run.json', '--data-dir',
                 data_dir, status=3).stdout
    assert 'Another kind of machine: wheel: tensorflow 2.' in output


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


@pytest.mark.parametrize('exported, used', BOTH_WAYS)
def test_a_saved_model_of_one_is_used_in_the_other(folders, tmp_path, exported, used):
    """With plain TensorFlow, as a stranger does; nothing of this package."""
    images, output = tmp_path / 'images.npy', tmp_path / 'out.npy'
    run(exported, '-m', 'cifar10_tf1.export', '--model-dir', folders['tf1'], '--output',
        tmp_path / 'export')
    np.save(str(images), np.random.RandomState(0).randint(
        0, 256, [20, 32, 32, 3]).astype(np.uint8))
    probabilities = []
    for runtime in (exported, used):
        run(runtime, '-c', _RUN_SAVED_MODEL, tmp_path / 'export', images, output)
        probabilities.append(np.load(str(output)))
    assert probabilities[0].shape == (20, 10)
    assert np.abs(probabilities[0] - probabilities[1]).max() < 1e-5
