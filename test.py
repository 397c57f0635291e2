"""Tests the network of a documented result; `python test.py --help` says how.

To be read from top to bottom, as the program of 2017.
"""

import sys
import time

from cifar10_tf1 import programs

# Options, device, checkpoint and data: they decide what TensorFlow finds in its
# environment.
if __name__ == '__main__':
    program = programs.begin_test()

import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

from cifar10_tf1.training import initial_weights  # noqa: E402
from cifar10_tf1.graph import calibration  # noqa: E402
from cifar10_tf1 import evaluation  # noqa: E402
from cifar10_tf1 import kernels  # noqa: E402
from cifar10_tf1 import launch  # noqa: E402
from cifar10_tf1.machine import description  # noqa: E402
from cifar10_tf1.graph import pipeline  # noqa: E402
from cifar10_tf1.records import run_settings  # noqa: E402
from cifar10_tf1.machine import runtime  # noqa: E402
from cifar10_tf1 import systems  # noqa: E402
from cifar10_tf1.systems import base  # noqa: E402


def build_graph(system, data_set, seed, variant=None, device='cpu',
                num_input_threads=2, kernels_name='stock', max_images=None):
    """The network with its moving averages in the place of its weights.

    Args:
      system: systems.base.System.
      data_set: data.data_set.DataSet.
      seed: int, of what the test draws.
      variant: str, what is tested, by default as documented.
      device: 'cpu' or 'gpu', where the network computes.
      num_input_threads: int, batches prepared in parallel.
      kernels_name: 'stock' or 'fast'.
      max_images: int, the first so many alone.
    Returns:
      evaluation.EvaluationGraph.
    """
    variant = variant or system.variants[0]
    with tf.Graph().as_default() as graph:
        with tf.device('/cpu:0'):
            training_input = pipeline.build_training_input(
                system, data_set, system.build_plan(data_set), seed,
                num_input_threads)
            test_input = pipeline.build_test_input(
                system, data_set, seed, variant, num_input_threads, max_images)
            # The handle that is fed says which iterator the batch comes from.
            handle = tf.placeholder(tf.string, [], name='handle')
            iterator = tf.data.Iterator.from_string_handle(
                handle, tf.data.get_output_types(test_input.iterator),
                tf.data.get_output_shapes(test_input.iterator))
            labels, images = iterator.get_next('batch')
            # How many runs of the session came before, for what is drawn.
            run_number = tf.placeholder_with_default(np.int64(0), [])
            handles = {'training': training_input.iterator.string_handle('training'),
                       'test': test_input.iterator.string_handle('test')}
        inputs = pipeline.Inputs(training_input, {'test': test_input}, handles,
                                 handle, labels, images)
        layers = kernels.load(kernels_name, for_training=False)

        def build_network(images, number):
            mode = base.build_test_mode(system, variant, seed, number)
            return system.build_network(images, seed, layers, mode)

        with tf.device(f'/{device}:0'):
            logits, in_top_1 = evaluation.build_loop(
                iterator, evaluation.count_batches(test_input.batch_sizes),
                build_network, run_number)
        variables = base.list_restored(system)
        return evaluation.EvaluationGraph(graph, inputs, logits, in_top_1,
                                          run_number, variables,
                                          tf.train.Saver(variables))


def evaluate(system, data_set, model_dir, checkpoint=None, seed=1,
             variant=None, device='cpu', threads=description.Threads(0, 0, 2),
             kernels_name='stock', max_images=None):
    """Restores a checkpoint and counts the test images that it has right.

    Args:
      system, data_set, seed, variant, device, kernels_name, max_images: as build_graph.
      model_dir: str, the folder whose newest checkpoint is taken, unless
      checkpoint: str, a prefix, names one.
      threads: description.Threads; 0 leaves it to TensorFlow.
    Returns:
      evaluation.Evaluation.
    Raises:
      UserError, KernelsDisagree: as evaluation's restore, check_batch and
        evaluate.
    """
    variant = variant or system.variants[0]
    graph = build_graph(system, data_set, seed, variant, device, threads.input,
                        kernels_name, max_images)
    with tf.Session(graph=graph.graph, config=runtime.session_config(
            threads, rewrites=kernels_name == 'stock')) as session:
        checkpoint, step = evaluation.restore(system, session, graph, model_dir,
                                              checkpoint)
        if variant not in system.variants_as_in_training:
            calibration.calibrate(system, session, data_set, threads)
        start = time.perf_counter()
        graph.inputs.test.load(session, data_set)
        graph.inputs.test.initialize(session)
        feeds = {graph.inputs.handle: session.run(
            graph.inputs.handles['test'])}
        results = []
        while True:
            try:
                results.append(session.run(
                    [graph.logits, graph.in_top_1],
                    {**feeds, graph.run_number: len(results)}))
            except tf.errors.OutOfRangeError:
                break
        seconds = time.perf_counter() - start
        if device == 'gpu' or kernels_name != 'stock':
            evaluation.check_batch(system, graph, session, feeds, results[0][0],
                                   device, threads, variant, seed)
        return evaluation.evaluate(graph, checkpoint, step, results, seconds)


def test(start):
    """Tests, records and prints.

    Args:
      start: launch.TestStart.
    Returns:
      int, the exit status.
    """
    system, data_set = systems.load(start.system_name), start.data_set
    settings = run_settings.complete(start.given, system, data_set)
    settings = settings._replace(
        device=launch.start_device(start.choice, settings.threads))
    results, lines = [], []
    for seed in start.seeds:
        result = evaluate(system, data_set, start.model_dir, start.checkpoint, seed,
                          start.variant, settings.device, settings.threads,
                          settings.kernels, start.max_images)
        if start.max_images is None:
            evaluation.record(start, seed, settings, result)
        results.append(result)
        prefix = data_set.line_prefix + initial_weights.find_prefix(result.checkpoint)
        for line in system.format_test(result.count):
            print(prefix + line, flush=True)
    if len(results) > 1:
        lines.append(evaluation.format_seeds(results))
    if start.with_classes:
        lines += evaluation.format_classes(results, data_set)
    for line in lines:
        print(prefix + line, flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(program.run(test))
