"""Testing: the moving averages of a checkpoint, every test image once.

Departs from the original in failing where it would count nonsense: it takes a
network whose logits are all equal for perfect, because in_top_k counts ties.
"""

import hashlib
import math
import time
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import checkpoints
from cifar10_tf1 import kernels
from cifar10_tf1 import machine
from cifar10_tf1 import objective
from cifar10_tf1 import one_batch
from cifar10_tf1 import pipeline
from cifar10_tf1 import runtime
from cifar10_tf1.errors import UserError
from cifar10_tf1.systems import base

MAX_TIES = 100  # images; a trained network has none
_BATCHES_IN_A_RUN = 10  # between them a stop is possible


class EvaluationGraph(NamedTuple):
    graph: tf.Graph
    inputs: pipeline.Inputs
    logits: tf.Tensor      # float32 [n * batch, 10], of n batches
    in_top_1: tf.Tensor    # bool [n * batch]
    variables: dict        # checkpoint name -> tf.Variable, shadows and step
    saver: tf.train.Saver


class Evaluation(NamedTuple):
    checkpoint: str            # prefix
    step: int                  # the global step inside it
    num_correct: int
    num_examples: int
    predictions: np.ndarray    # int32 [num_examples], the first largest logit
    seconds: float             # restoring excluded
    logits: np.ndarray         # float32 [num_examples, 10]

    @property
    def accuracy(self):
        return self.num_correct / self.num_examples

    @property
    def predictions_sha256(self):
        """Of the classes as bytes, in the order of the images."""
        return hashlib.sha256(
            self.predictions.astype(np.uint8).tobytes()).hexdigest()


def build_evaluation_graph(system, data_set, seed, crop='random',
                           device='cpu', num_input_threads=2,
                           kernels_name='stock'):
    """The network with its moving averages in the place of its weights.

    Args:
      system: a systems.base.System.
      data_set: a data.data_set.DataSet.
      seed: int, of the test crops.
      crop: 'random', as the original, or 'central'.
      device: 'cpu' or 'gpu'.
      num_input_threads: int.
      kernels_name: 'stock' or 'fast'.
    Returns:
      EvaluationGraph.
    """
    with tf.Graph().as_default() as graph:
        inputs = pipeline.build_inputs(system, data_set, seed, crop,
                                       num_input_threads)
        layers = kernels.load(kernels_name, for_training=False)
        num_batches = math.gcd(
            data_set.num_test_examples // system.batch_size,
            _BATCHES_IN_A_RUN)
        with tf.device(f'/{device}:0'):
            logits, in_top_1 = _build_loop(inputs, num_batches, lambda images:
                                           system.build_network(images, seed,
                                                                layers))
            global_step = objective.build_global_step()
        variables = base.list_restored(system, global_step)
        return EvaluationGraph(graph, inputs, logits, in_top_1, variables,
                               tf.train.Saver(variables))


def _build_loop(inputs, num_batches, build_network):
    """Several batches in one run, in the order of the data set.

    A loop inside of the graph: the last layers of one batch, which leave a core
    idle, run beside the first layers of the next.

    Args:
      inputs: pipeline.Inputs.
      num_batches: int.
      build_network: function of images to logits.
    Returns:
      (logits, in_top_1): as in EvaluationGraph.
    """
    def build_step(number, *results):
        # Each batch is taken after the one before it.
        with tf.control_dependencies([number]):
            labels, images = inputs.iterator.get_next()
        with tf.control_dependencies([labels]):
            next_number = number + 1
        logits = build_network(images)
        step_results = logits, tf.nn.in_top_k(logits, labels, 1)
        return (next_number, *(array.write(number, result) for array, result
                               in zip(results, step_results)))

    unused_number, *results = tf.while_loop(
        lambda number, *unused_results: number < num_batches, build_step,
        [0, *(tf.TensorArray(dtype, num_batches)
              for dtype in (tf.float32, tf.bool))],
        parallel_iterations=2, back_prop=False)
    return [array.concat() for array in results]


def run_evaluation(system, data_set, model_dir, checkpoint=None, seed=1,
                   crop='random', device='cpu',
                   threads=machine.Threads(0, 0, 2), kernels_name='stock'):
    """Restores a checkpoint and counts the test images that it has right.

    Args:
      system: a systems.base.System.
      data_set: a data.data_set.DataSet.
      model_dir: str, the folder whose newest checkpoint is taken, unless
      checkpoint: str, a prefix, names one.
      seed: int, of the test crops.
      crop: 'random', as the original, or 'central'.
      device: 'cpu' or 'gpu'.
      threads: machine.Threads; 0 leaves it to TensorFlow.
      kernels_name: 'stock' or 'fast'.
    Returns:
      Evaluation.
    Raises:
      UserError: where there is no checkpoint or it can't be restored; where
        logits are not finite; where more than MAX_TIES images share their
        largest logit between classes; where a GPU computes wrong numbers.
      KernelsDisagree: where the fast kernels do.
    """
    graph = build_evaluation_graph(system, data_set, seed, crop, device,
                                   threads.input, kernels_name)
    with tf.Session(graph=graph.graph,
                    config=runtime.session_config(
                        threads, rewrites=kernels_name == 'stock')) as session:
        if checkpoint is None:
            checkpoint = checkpoints.restore_newest(
                session, graph.saver, model_dir, graph.variables)
        else:
            checkpoints.restore(session, graph.saver, checkpoint,
                                graph.variables)
        if checkpoint is None:
            raise UserError(f'no checkpoint in {model_dir}; train first, or '
                            'choose one with --checkpoint or --model-dir')
        results = run_graph(graph, session, data_set)
        if device == 'gpu' or kernels_name != 'stock':
            _check_batch(system, graph, session, results[0], device, threads)
        return _evaluate(graph, session, data_set, checkpoint, *results)


def _check_batch(system, graph, session, logits, device, threads):
    """Compares the first batch's logits with the stock kernels' on the CPU."""
    graph.inputs.test.initialize(session)
    images = session.run(graph.inputs.images, {
        graph.inputs.handle: session.run(graph.inputs.handles[1])})
    one_batch.check_logits(system, session, images, logits[:len(images)],
                           device, threads)


def _evaluate(graph, session, data_set, checkpoint, logits, in_top_1, seconds):
    _check_logits(logits, checkpoint)
    assert len(logits) == data_set.num_test_examples, len(logits)
    step = int(session.run(graph.variables['global_step']))
    return Evaluation(checkpoint, step, int(np.sum(in_top_1)), len(logits),
                      logits.argmax(axis=1).astype(np.int32), seconds, logits)


def run_graph(graph, session, data_set):
    """Every test image once, in order.

    Returns:
      (logits, in_top_1, seconds): float32 [num_examples, 10]; bool
      [num_examples]; float.
    """
    start = time.perf_counter()
    handle = session.run(graph.inputs.handles[1])
    graph.inputs.test.load(session, data_set)
    graph.inputs.test.initialize(session)
    all_logits, all_in_top_1 = [], []
    while True:
        try:
            logits, in_top_1 = session.run([graph.logits, graph.in_top_1],
                                           {graph.inputs.handle: handle})
        except tf.errors.OutOfRangeError:
            break
        all_logits.append(logits)
        all_in_top_1.append(in_top_1)
    seconds = time.perf_counter() - start
    return np.concatenate(all_logits), np.concatenate(all_in_top_1), seconds


def _check_logits(logits, checkpoint):
    """Raises UserError where a count of float32 [n, 10] would mean nothing."""
    num_not_finite = int((~np.isfinite(logits)).any(axis=1).sum())
    if num_not_finite:
        raise UserError(
            f'{checkpoint}: the logits of {num_not_finite} of {len(logits)} '
            'images are not finite; this network is broken, test another '
            'checkpoint')
    largest = logits.max(axis=1, keepdims=True)
    num_ties = int(((logits == largest).sum(axis=1) > 1).sum())
    if num_ties > MAX_TIES:
        raise UserError(
            f'{checkpoint}: {num_ties} of {len(logits)} images share their '
            'largest logit between classes, which would count as right; this '
            'network is dead, test another checkpoint')
