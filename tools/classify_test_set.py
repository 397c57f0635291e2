"""Prints a checkpoint's classes of all test images, for an exact comparison.

    python tools/classify_test_set.py model/model.ckpt-55000 random 1

The JSON object has the kind of machine, the number of correct images, the class of each
image in the file's order, the SHA-256 of the classes, and the images whose two largest
logits are so close that rounding may exchange them.
"""

import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1 import scripts  # noqa: E402
from cifar10_tf1.records import run_settings  # noqa: E402
from cifar10_tf1 import startup, systems  # noqa: E402
from cifar10_tf1.data import cifar10  # noqa: E402

NEAR_TIE = 1e-3  # between the two largest logits


def classify(checkpoint, crop, seed, data_dir):
    """Returns the dict to print."""
    import numpy as np
    given, choice = startup.select_device_and_kernels(
        run_settings.RunSettings(), systems.DEFAULT)
    data_set = cifar10.load_data_set(data_dir)
    test = scripts.load('test')
    system = systems.load(systems.DEFAULT)
    settings = startup.start_device(choice, run_settings.complete(
        given, system, data_set))
    result = test.evaluate(system, data_set, None, checkpoint, seed, crop,
                           settings.device, settings.threads, settings.kernels)
    second, first = np.sort(result.logits, axis=1)[:, -2:].T
    return {
        'kind': startup.find_kind(settings),
        'step': result.step, 'crop': crop, 'seed': seed,
        'num_correct': result.num_correct,
        'predictions_sha256': result.predictions_sha256,
        'classes': ''.join(map(str, result.predictions)),
        'near_ties': [int(i) for i in (first - second < NEAR_TIE).nonzero()[0]],
    }


if __name__ == '__main__':
    # Standard output is for the JSON alone; the device's line goes to standard error.
    with os.fdopen(os.dup(1), 'w') as output:
        os.dup2(2, 1)
        json.dump(classify(
            sys.argv[1], sys.argv[2], int(sys.argv[3]),
            os.environ.get('CIFAR10_DATA_DIR', 'dataset/cifar10')), output)
