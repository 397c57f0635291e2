"""Trains the network of a documented result; `python train.py --help` says how.

To be read from top to bottom, as the program of 2017.
"""

import sys

from cifar10_tf1 import programs

# Options, model folder, device and data: they decide what TensorFlow finds in
# its environment.
if __name__ == '__main__':
    program = programs.begin_training()

import tensorflow.compat.v1 as tf  # noqa: E402

from cifar10_tf1 import kernels  # noqa: E402
from cifar10_tf1.graph import loss  # noqa: E402
from cifar10_tf1.graph import pipeline  # noqa: E402
from cifar10_tf1.machine import runtime  # noqa: E402
from cifar10_tf1 import systems  # noqa: E402
from cifar10_tf1.training import training_run  # noqa: E402
from cifar10_tf1.systems import base  # noqa: E402


def build_graph(system, data_set, seed, device='cpu', num_input_threads=2,
                kernels_name='stock', num_files=None):
    """The whole training in a graph of its own.

    Args:
      system: systems.base.System.
      data_set: data.data_set.DataSet.
      seed: int, of initial weights and augmentation.
      device: 'cpu' or 'gpu', where the network computes.
      num_input_threads: int, batches prepared in parallel.
      kernels_name: 'stock' or 'fast'.
      num_files: int, of the training data; None: all.
    Returns:
      training_run.TrainingGraph.
    """
    plan = system.build_plan(data_set, num_files)
    with tf.Graph().as_default() as graph:
        with tf.device('/cpu:0'):
            training_input = pipeline.build_training_input(
                system, data_set, plan, seed, num_input_threads)
            measured = pipeline.build_measured_inputs(
                system, data_set, plan, seed, num_input_threads)
            # The handle that is fed says which iterator the batch comes from.
            handle = tf.placeholder(tf.string, [], name='handle')
            iterator = tf.data.Iterator.from_string_handle(
                handle, tf.data.get_output_types(training_input.iterator),
                tf.data.get_output_shapes(training_input.iterator))
            labels, images = iterator.get_next('batch')
            handles = {name: source.iterator.string_handle(name) for name, source
                       in [('training', training_input), *measured.items()]}
        inputs = pipeline.Inputs(training_input, measured, handles, handle,
                                 labels, images)
        global_step = loss.build_global_step()
        with tf.device(f'/{device}:0'):
            # Dropout draws by the step; what is fed as keep_prob turns it on.
            mode = base.build_training_mode(system, seed, global_step)
            logits = system.build_network(images, seed,
                                          kernels.load(kernels_name), mode)
            losses = loss.build_losses(logits, labels)
            update = build_update(system, losses[-1], global_step)
            num_correct = loss.build_num_correct(logits, labels)
        return training_run.TrainingGraph.build(graph, inputs, mode, losses, update,
                                                num_correct)


def build_update(system, total_loss, global_step):
    """One step of the optimizer, and of the moving average behind it.

    Returns:
      training_run.Update.
    """
    # For deep_cnn exponential_decay, plain gradient descent, and an
    # ExponentialMovingAverage of the weights; see systems/.
    learning_rate = system.build_learning_rate(global_step)
    optimizer = system.build_optimizer(learning_rate)
    average = system.build_average(global_step)
    train_op, gradients = loss.build_update(
        optimizer, total_loss, global_step, system.sums_in_pairs)
    if average is not None:
        # It sees the updated weights and the step after them; the original
        # left this to race.
        with tf.control_dependencies([train_op]):
            train_op = average.apply()
    return training_run.Update(train_op, learning_rate, global_step, gradients)


def train(start):
    """Trains from the newest checkpoint to the last epoch or a signal.

    Args:
      start: launch.TrainingStart.
    Returns:
      int, the exit status: 0, or 130 or 143 where a signal ended it.
    """
    system = systems.load(start.system_name)
    run = training_run.Run(start, system)
    settings = run.settings
    graph = build_graph(system, start.data_set, settings.seed, settings.device,
                        settings.input_threads, settings.kernels,
                        settings.train_files)
    with tf.Session(graph=graph.graph, config=runtime.session_config(
            settings.threads, rewrites=not system.sums_in_pairs)) as session:
        if not run.restore(session, graph):
            run.begin()
        if run.is_finished:
            return run.say_finished()
        graph.inputs.training.load(session, start.data_set)
        feeds = {graph.inputs.handle: session.run(
            graph.inputs.handles['training'])}
        if system.keep_prob is not None:
            feeds[graph.mode.keep_prob] = system.keep_prob
        run.check_batch(feeds)
        for epoch, first_batch in run.parts(feeds):
            graph.inputs.training.initialize(session, epoch, first_batch)
            for unused_step in run.steps():
                unused_result, loss = session.run(
                    [graph.train_op, graph.total_loss], feeds)
                run.end_step(loss)
        return run.end()


if __name__ == '__main__':
    sys.exit(program.run(train))
