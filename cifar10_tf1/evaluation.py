"""Testing: counts every test image once.

Unlike the original, it refuses a broken network: in_top_k counts ties as correct, so a
network with equal logits would look perfect.
"""

import hashlib
import math
import os
import statistics
import sys
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import startup
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph import pipeline
from cifar10_tf1.graph.plan import Plan
from cifar10_tf1.records import run_record
from cifar10_tf1.systems import base

MAX_TIES = 100  # images; a trained network has none
_BATCHES_IN_A_RUN = 10  # a signal stops the test only between two runs


class Evaluation(NamedTuple):
    count: base.TestCount
    step: int            # updates behind the checkpoint
    plan: Plan           # of the tested records
    logits: np.ndarray   # float32 [num_examples, 10]

    @property
    def predictions(self):
        """int32 [num_examples]: the first largest logit."""
        return self.logits.argmax(axis=1).astype(np.int32)

    @property
    def predictions_sha256(self):
        """SHA-256 of the predicted classes, a byte for each image."""
        return hashlib.sha256(self.predictions.astype(np.uint8).tobytes()).hexdigest()


def build_loop(inputs, build_network):
    """Tests several batches in one session run: (logits, in_top_1, run_number) of test.py.

    The last layers of a batch leave a core idle, which then starts on the next batch.
    build_network is a function of images and the batch's number, an int64 scalar, to logits.
    """
    batch_sizes = inputs.sources[pipeline.TEST].plan.batch_sizes
    # The loop needs batches of one size.
    num_batches = (math.gcd(len(batch_sizes), _BATCHES_IN_A_RUN)
                   if len(set(batch_sizes)) == 1 else 1)
    with tf.device('/cpu:0'):
        run_number = tf.placeholder_with_default(np.int64(0), [])

    def build_step(number, *results):
        with tf.control_dependencies([number]):
            labels, images = inputs.iterator.get_next()
        with tf.control_dependencies([labels]):
            next_number = number + 1
        logits = build_network(images, run_number * num_batches + tf.cast(number, tf.int64))
        step_results = logits, tf.nn.in_top_k(logits, labels, 1)
        return (next_number, *(array.write(number, result) for array, result
                               in zip(results, step_results)))

    unused_number, *results = tf.while_loop(
        lambda number, *unused_results: number < num_batches, build_step,
        [0, *(tf.TensorArray(dtype, num_batches) for dtype in (tf.float32, tf.bool))],
        parallel_iterations=2, back_prop=False)
    return (*(array.concat() for array in results), run_number)


def evaluate(plan, checkpoint, step, logits, in_top_1, seconds):
    """The Evaluation of a test; `seconds` do not include restoring."""
    check_countable(logits, checkpoint)
    num_correct = [int(batch.sum()) for batch
                   in np.split(in_top_1, np.cumsum(plan.batch_sizes)[:-1])]
    count = base.TestCount(sum(num_correct), len(logits), seconds,
                           average_batches(num_correct, plan.batch_sizes), checkpoint)
    return Evaluation(count, step, plan, logits)


def average_batches(num_correct, batch_sizes):
    """Unweighted mean of the batches' float32 shares, summed in double precision."""
    return sum(float(np.float32(right / size)) for right, size
               in zip(num_correct, batch_sizes)) / len(batch_sizes)


def record(data_set, variant, settings, result):
    """Adds an Evaluation to the run.json beside its checkpoint, or warns if it can't."""
    count = result.count
    try:
        found = run_record.load_folder(os.path.dirname(count.checkpoint))
        if found:
            found.add_test(
                step=result.step, data=data_set.name, crop=variant, seed=settings.seed,
                num_correct=count.num_correct, num_examples=count.num_examples,
                mean_over_batches=count.mean_over_batches,
                predictions_sha256=result.predictions_sha256,
                kind=startup.find_kind(settings))
    except UserError as error:
        print(f'warning: the result is not recorded: {error}', file=sys.stderr)


def format_seeds(results):
    """The summary line of several tests of one checkpoint."""
    counts = [result.count.num_correct for result in results]
    mean, num_examples = statistics.mean(counts), results[0].count.num_examples
    return (f'Mean of {len(counts)} test seeds: {mean:,.1f} of {num_examples:,} = '
            f'{mean / num_examples:.4f} (sd {statistics.stdev(counts):.1f}, '
            f'{min(counts):,} to {max(counts):,})')


def format_classes(results, data_set):
    """Lines with the accuracy of each class over all tests."""
    labels = np.concatenate([data_set.raw_records(result.plan.split)[result.plan.rows, 0]
                             for result in results])
    right = labels == np.concatenate([result.predictions for result in results])
    lines = ['Accuracy of each class:']
    for label, name in enumerate(data_set.class_names):
        of_class = right[labels == label]
        num_correct, num_tested = int(of_class.sum()), len(of_class)
        lines.append(f'  {name:<10} {num_correct}/{num_tested}'
                     + (f' = {num_correct / num_tested:.3f}' if num_tested else ''))
    return lines


def check_countable(logits, checkpoint):
    """Raises UserError if float32 logits [n, 10] are not finite or tie too often."""
    num_broken = int((~np.isfinite(logits)).any(axis=1).sum())
    largest = logits.max(axis=1, keepdims=True)
    num_ties = int(((logits == largest).sum(axis=1) > 1).sum())
    if num_broken or num_ties > MAX_TIES:
        reason = (f'the logits of {num_broken} of {len(logits)} images are not finite'
                  if num_broken else f'{num_ties} of {len(logits)} images have a tie for '
                  'the largest logit and would count as correct')
        raise UserError(f'{checkpoint}: {reason}, so this network is broken; test '
                        'another checkpoint')
