"""Prints how the checkpoint of record classifies all test images, as JSON.

    python tests/accuracy/classify_test_set.py random

For the bits, in a process of its own. CIFAR10_DATA_DIR names the data.
"""

import json
import os
import sys

sys.path.insert(0, os.getcwd())

from cifar10_tf1 import scripts, startup, systems  # noqa: E402
from cifar10_tf1.data import cifar10  # noqa: E402
from cifar10_tf1.records import reference_run, run_settings  # noqa: E402


def classify(crop):
    given, choice = startup.select_device_and_kernels(
        run_settings.RunSettings(), systems.DEFAULT)
    data_set = cifar10.load_data_set(os.environ['CIFAR10_DATA_DIR'])
    test = scripts.load('test')
    system = systems.load(systems.DEFAULT)
    settings = startup.start_device(choice, run_settings.complete(
        given, system, data_set))
    result = test.evaluate(system, data_set, settings, crop, None,
                           reference_run.find_checkpoint())
    return {'kind': startup.find_kind(settings), 'num_correct': result.count.num_correct,
            'predictions_sha256': result.predictions_sha256,
            'classes': ''.join(map(str, result.predictions))}


if __name__ == '__main__':
    # Standard output is for the JSON alone; the device's line goes to standard error.
    with os.fdopen(os.dup(1), 'w') as output:
        os.dup2(2, 1)
        json.dump(classify(sys.argv[1]), output)
