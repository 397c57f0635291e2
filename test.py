"""Tests the newest checkpoint on the 10,000 test images.

    python test.py --crop central --checkpoint model/model.ckpt-55000
"""

import argparse
import contextlib
import sys
import time
from typing import NamedTuple, Optional

from cifar10_tf1 import cli, startup, systems
from cifar10_tf1.common import limits
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.machine import devices, resources, runtime
from cifar10_tf1.records import run_record, run_settings


class Test(NamedTuple):
    """Everything that is decided before TensorFlow is imported."""
    options: argparse.Namespace
    resources: contextlib.ExitStack  # gives signals and CUDA_VISIBLE_DEVICES back
    system_name: str
    variant: str                   # one of the system's
    given: run_settings.RunSettings
    selection: devices.DeviceSelection
    model_dir: str                 # to test its newest checkpoint, if
    checkpoint: Optional[str]      # the prefix is None


def parse_options(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_system_option(parser)
    cli.add_data_options(parser)
    cli.add_checkpoint_options(parser)
    parser.add_argument(
        '--variant', '--crop', metavar='NAME',
        choices=sorted({variant for entry in systems.ENTRIES for variant in entry.variants}),
        help='test to run; ' + '; '.join(
            f'{entry.name}: {" or ".join(entry.variants)}'
            for entry in systems.ENTRIES)
        + ' (default: the first, which is the documented one)')
    group = parser.add_mutually_exclusive_group()
    cli.add_number(group, '--seed', 0, limits.SEED, 'seed of the random crops (default: 1)')
    group.add_argument(
        '--seeds', type=cli.parse_seeds, metavar='A-B',
        help='test with each of these seeds, and print their mean and standard '
        'deviation: 1-20, or 1,5,8-10 (default: one seed)')
    cli.add_number(
        parser, '--max-images', 1, limits.IMAGES,
        'test the first N images only; the result is not recorded (default: all)')
    parser.add_argument(
        '--classes', action='store_true',
        help='also print the accuracy of each class')
    cli.add_machine_options(parser)
    return parser.parse_args(argv)


def open_test(argv=None):
    """Parses the options, selects device and checkpoint: a Test."""
    options = parse_options(argv)
    with contextlib.ExitStack() as on_error:
        on_error.enter_context(StopRequest())
        on_error.enter_context(runtime.variable_kept('CUDA_VISIBLE_DEVICES'))
        name = cli.find_system(options)
        resources.warn_of_shortage(systems.find(name).test_memory_bytes, 'testing')
        given, selection = startup.select_device_and_kernels(
            cli.given_settings(options), name,
            allow_unsupported_gpu=options.allow_unsupported_gpu)
        runtime.load_tensorflow()
        folder, prefix = cli.locate_checkpoint(options)
        variants = systems.find(name).variants
        variant = options.variant or variants[0]
        if variant not in variants:
            raise UserError(f'{name} has no --variant {variant}; choose ' + ' or '.join(variants))
        return Test(options, on_error.pop_all(), name, variant, given, selection, folder, prefix)


# TensorFlow reads its environment when it is imported.
if __name__ == '__main__':
    opened_test = cli.begin('test.py', open_test)

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import evaluation, kernels
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.graph import (calibration, mode as modes, numeric_check, pipeline)


class EvaluationGraph(NamedTuple):
    graph: tf.Graph
    inputs: pipeline.Inputs
    logits: tf.Tensor      # float32 [n * batch, 10], of n batches
    in_top_1: tf.Tensor    # bool [n * batch]
    run_number: tf.Tensor  # int64 placeholder: session runs so far
    variables: dict        # checkpoint name -> tf.Variable, shadows and step
    saver: tf.train.Saver


def build_graph(system, data_set, settings, variant, max_images=None):
    """Builds the network with its moving averages, if it has them, as weights.

    Args:
      settings: complete run_settings.RunSettings; its device is 'cpu' or 'gpu', its seed
        is of the test's random numbers.
    Returns:
      EvaluationGraph.
    """
    seed = settings.seed
    with tf.Graph().as_default() as graph:
        with tf.device('/cpu:0'):
            inputs = pipeline.build_test_inputs(system, data_set, seed, variant,
                                                settings.input_threads, max_images)
        layers = kernels.load(settings.kernels, for_training=False)

        def build_network(images, number):
            mode = modes.build_test_mode(system, variant, seed, number)
            return system.build_network(images, seed, layers, mode)

        with tf.device(f'/{settings.device}:0'):
            logits, in_top_1, run_number = evaluation.build_loop(inputs, build_network)
        variables = system.list_restored()
        return EvaluationGraph(graph, inputs, logits, in_top_1, run_number, variables,
                               tf.train.Saver(variables))


def evaluate(system, data_set, settings, variant, model_dir, checkpoint=None, max_images=None):
    """Tests a checkpoint, given its prefix, or by default the newest in model_dir.

    Returns:
      evaluation.Evaluation.
    """
    graph = build_graph(system, data_set, settings, variant, max_images)
    is_stock = settings.kernels == 'stock'
    config = runtime.session_config(settings.threads, rewrites=is_stock)
    with tf.Session(graph=graph.graph, config=config) as session:
        checkpoint, step = reading.restore(session, graph.saver, graph.variables,
                                           system.find_step, model_dir, checkpoint)
        if variant not in system.variants_as_in_training:
            calibration.calibrate(system, session, data_set, settings.threads)
        results, start = [], time.perf_counter()
        feeds = graph.inputs.start(session, pipeline.TEST)
        with contextlib.suppress(tf.errors.OutOfRangeError):
            while True:
                results.append(session.run(
                    [graph.logits, graph.in_top_1],
                    {**feeds, graph.run_number: len(results)}))
        seconds = time.perf_counter() - start
        logits, in_top_1 = map(np.concatenate, zip(*results))
        if settings.device == 'gpu' or not is_stock:
            graph.inputs.start(session, pipeline.TEST)
            images = session.run(graph.inputs.images, feeds)
            numeric_check.check_logits(
                system, session, images, logits[:len(images)], settings,
                modes.build_test_mode(system, variant, settings.seed, number=0))
        return evaluation.evaluate(graph.inputs.sources[pipeline.TEST].plan, checkpoint,
                                   step, logits, in_top_1, seconds)


def test(opened):
    """Tests, records and prints. Returns the exit status."""
    with opened.resources:
        options, checkpoint = opened.options, opened.checkpoint
        system = systems.load(opened.system_name)
        reading.choose(opened.model_dir, checkpoint)  # before the data, a long download
        data_set = cli.load_data_set(options, opened.system_name)
        settings = startup.start_device(opened.selection, run_settings.complete(
            opened.given, system, data_set))
        results = []
        for seed in options.seeds or [settings.seed]:
            settings = settings._replace(seed=seed)
            result = evaluate(system, data_set, settings, opened.variant,
                              opened.model_dir, checkpoint, options.max_images)
            # A run may save another one meanwhile.
            checkpoint = result.count.checkpoint
            if options.max_images is None:
                evaluation.record(data_set, opened.variant, settings, result)
            results.append(result)
            prefix = data_set.line_prefix + run_record.find_line_prefix(checkpoint)
            if opened.variant == pipeline.VALIDATION:
                prefix += '[validation images] '
            for line in system.format_test(result.count):
                print(prefix + line)
        lines = []
        if len(results) > 1:
            lines.append(evaluation.format_seeds(results))
        if options.classes:
            lines += evaluation.format_classes(results, data_set)
        for line in lines:
            print(prefix + line)
        return 0


if __name__ == '__main__':
    sys.exit(cli.guard('test.py', test, opened_test))
