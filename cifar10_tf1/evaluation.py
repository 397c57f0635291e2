"""Testing: counts every test image once.

Unlike the original, it refuses a broken network: in_top_k counts ties as correct, so a
network with equal logits would look perfect.
"""

import hashlib
import math
import os
import statistics
import sys
from typing import NamedTuple, Union

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import startup
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph import pipeline
from cifar10_tf1.records import run_record
from cifar10_tf1.systems import base

MAX_TIES = 100  # images; a trained network has none
_BATCHES_IN_A_RUN = 10  # a signal stops the test only between two runs


class EvaluationGraph(NamedTuple):
    graph: tf.Graph
    inputs: pipeline.Inputs
    logits: tf.Tensor      # float32 [n * batch, 10], of n batches
    in_top_1: tf.Tensor    # bool [n * batch]
    run_number: tf.Tensor  # int64 placeholder: session runs so far
    variables: dict        # checkpoint name -> tf.Variable, shadows and step
    saver: tf.train.Saver


class Evaluation(NamedTuple):
    checkpoint: str            # prefix
    step: int                  # updates behind the checkpoint
    num_correct: int
    num_examples: int
    predictions: np.ndarray    # int32 [num_examples], the first largest logit
    seconds: float             # without restoring
    logits: np.ndarray         # float32 [num_examples, 10]
    mean_over_batches: float   # as base.TestCount
    split: str                 # 'test' or 'train'
    rows: Union[slice, np.ndarray]  # the tested records of that split, in order

    @property
    def count(self):
        return base.TestCount(self.num_correct, self.num_examples, self.seconds,
                              self.mean_over_batches, self.checkpoint)

    @property
    def predictions_sha256(self):
        """SHA-256 of the predicted classes, a byte for each image."""
        return hashlib.sha256(
            self.predictions.astype(np.uint8).tobytes()).hexdigest()


def count_batches(batch_sizes):
    """The number of batches that build_loop handles in one session run."""
    if len(set(batch_sizes)) > 1:
        return 1  # the loop needs batches of one size
    return math.gcd(len(batch_sizes), _BATCHES_IN_A_RUN)


def build_loop(iterator, num_batches, build_network, run_number):
    """Tests several batches in one session run: (logits, in_top_1) of EvaluationGraph.

    The last layers of a batch leave a core idle, which then starts on the next batch.

    Args:
      build_network: function of images and the batch's number, an int64 scalar, to
        logits.
      run_number: int64 scalar, number of session runs before this one.
    """
    def build_step(number, *results):
        with tf.control_dependencies([number]):
            labels, images = iterator.get_next()
        with tf.control_dependencies([labels]):
            next_number = number + 1
        logits = build_network(
            images, run_number * num_batches + tf.cast(number, tf.int64))
        step_results = logits, tf.nn.in_top_k(logits, labels, 1)
        return (next_number, *(array.write(number, result) for array, result
                               in zip(results, step_results)))

    unused_number, *results = tf.while_loop(
        lambda number, *unused_results: number < num_batches, build_step,
        [0, *(tf.TensorArray(dtype, num_batches)
              for dtype in (tf.float32, tf.bool))],
        parallel_iterations=2, back_prop=False)
    return [array.concat() for array in results]


def evaluate(graph, checkpoint, step, results, seconds):
    """The Evaluation of a test, from the (logits, in_top_1) of its session runs."""
    logits, in_top_1 = (np.concatenate(parts) for parts in zip(*results))
    check_countable(logits, checkpoint)
    source = graph.inputs.test
    assert len(logits) == source.num_examples, len(logits)
    batches = np.split(in_top_1, np.cumsum(source.batch_sizes)[:-1])
    return Evaluation(
        checkpoint, step, int(np.sum(in_top_1)), len(logits),
        logits.argmax(axis=1).astype(np.int32), seconds, logits,
        average_batches([int(batch.sum()) for batch in batches], source.batch_sizes),
        source.split, source.rows)


def average_batches(num_correct, batch_sizes):
    """Unweighted mean of the batches' float32 shares, summed in double precision."""
    return sum(float(np.float32(right / size)) for right, size
               in zip(num_correct, batch_sizes)) / len(batch_sizes)


def record(data_set, variant, seed, settings, result):
    """Adds an Evaluation to the run.json beside its checkpoint, or warns if it can't."""
    try:
        found = run_record.load_folder(os.path.dirname(result.checkpoint))
        if found:
            found.add_test(
                step=result.step, data=data_set.name, crop=variant, seed=seed,
                num_correct=result.num_correct, num_examples=result.num_examples,
                mean_over_batches=result.mean_over_batches,
                predictions_sha256=result.predictions_sha256,
                kind=startup.find_kind(settings))
    except UserError as error:
        print(f'warning: the result is not recorded: {error}', file=sys.stderr,
              flush=True)


def format_seeds(results):
    """The summary line of several tests of one checkpoint."""
    counts = [result.num_correct for result in results]
    mean, num_examples = statistics.mean(counts), results[0].num_examples
    return (f'Mean of {len(counts)} test seeds: {mean:,.1f} of {num_examples:,} = '
            f'{mean / num_examples:.4f} (sd {statistics.stdev(counts):.1f}, '
            f'{min(counts):,} to {max(counts):,})')


def format_classes(results, data_set):
    """Lines with the accuracy of each class over all tests."""
    labels = np.concatenate([data_set.raw_records(result.split)[result.rows, 0]
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
