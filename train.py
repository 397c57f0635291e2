"""Trains the network of a documented result and saves a checkpoint after every epoch.

If you start it again, it continues from the newest checkpoint with the run's options,
unless you change them.

    python train.py --epochs 3 --model-dir /tmp/model
"""

# Read it from top to bottom, like the program of 2017. Unlike that one, it trains up to a
# total number of epochs instead of 100 more on each call, continues in the middle of an
# epoch, and stops at a loss that is not finite.

import math
import sys
from typing import NamedTuple

from cifar10_tf1 import cli, systems
from cifar10_tf1.common import limits
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.training.run import Run


def parse_options(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_system_option(parser)
    cli.add_data_options(parser)
    cli.add_model_dir_option(parser)
    cli.add_number(
        parser, '--epochs', 1, limits.EPOCHS,
        'total number of epochs, including those already trained (default: the '
        'documented number, or the run\'s own if that is larger; '
        + ', '.join(f'{entry.name} {entry.num_epochs}' for entry in systems.ENTRIES) + ')')
    cli.add_number(parser, '--max-steps', 1, limits.STEPS,
                   'stop and save at this global step (default: the end of the last epoch)')
    cli.add_number(parser, '--seed', 0, limits.SEED,
                   'seed of the initial weights and of augmentation (default: 1)')
    cli.add_training_options(parser)
    cli.add_machine_options(parser)
    return parser.parse_args(argv)


def open_run(argv=None):
    """Parses the options, opens the run's folder and selects the device: a Run."""
    return Run(parse_options(argv))


# TensorFlow reads its environment when it is imported.
if __name__ == '__main__':
    opened_run = cli.begin('train.py', open_run)

import tensorflow.compat.v1 as tf

from cifar10_tf1 import kernels
from cifar10_tf1.checkpoints import model_dir, reading
from cifar10_tf1.checkpoints.writing import CheckpointWriter
from cifar10_tf1.graph import loss, mode as modes, numeric_check, pipeline
from cifar10_tf1.machine import runtime
from cifar10_tf1.records import run_record
from cifar10_tf1.training import ending, initial_weights, original_checkpoint
from cifar10_tf1.training.epoch_metrics import EpochMetrics
from cifar10_tf1.training.training_log import TrainingLog


class TrainingGraph(NamedTuple):
    graph: tf.Graph
    inputs: pipeline.Inputs
    dropout_feed: dict            # to feed in each step
    cross_entropy: tf.Tensor      # float32 scalar, nats, mean over the batch
    weight_decay_loss: tf.Tensor  # float32 scalar
    total_loss: tf.Tensor         # float32 scalar, their sum
    num_correct: tf.Tensor        # int32 scalar, of the batch
    learning_rate: tf.Tensor      # float32 scalar, of the next update
    train_op: tf.Operation
    figures: dict                 # loss and gradients, as numeric_check compares them
    weights_finite: tf.Tensor     # bool scalar
    variables: dict               # name in a checkpoint -> tf.Variable, all
    saver: tf.train.Saver
    initializer: tf.Operation


def build_graph(system, data_set, plan, settings):
    """Builds everything that training needs in its own graph: a TrainingGraph.

    Args:
      plan: graph.plan.Plan of an epoch.
      settings: complete run_settings.RunSettings; its device is 'cpu' or 'gpu'.
    """
    seed = settings.seed
    with tf.Graph().as_default() as graph:
        with tf.device('/cpu:0'):
            inputs = pipeline.build_training_inputs(system, data_set, plan, seed,
                                                    settings.input_threads)
        global_step = loss.build_global_step()
        with tf.device(f'/{settings.device}:0'):
            # Dropout depends on the step, and is off unless keep_prob is fed.
            mode = modes.build_training_mode(system, seed, global_step)
            dropout_feed = {mode.keep_prob: system.keep_prob} if system.keep_prob else {}
            logits = system.build_network(inputs.images, seed,
                                          kernels.load(settings.kernels), mode)
            losses = loss.build_losses(logits, inputs.labels)
            train_op, learning_rate, gradients = build_update(system, losses[-1], global_step)
            num_correct = loss.build_num_correct(logits, inputs.labels)
        figures = numeric_check.list_figures(losses[-1], gradients)
        with tf.name_scope('weights_finite'):
            weights_finite = tf.reduce_all(
                [tf.reduce_all(tf.is_finite(variable)) for variable in tf.trainable_variables()])
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        return TrainingGraph(
            graph, inputs, dropout_feed, *losses, num_correct, learning_rate, train_op,
            figures, weights_finite, variables, tf.train.Saver(variables),
            tf.global_variables_initializer())


def build_update(system, total_loss, global_step):
    """Returns train_op, the next update's learning rate, [(gradient, variable), ...]."""
    # deep_cnn: exponential_decay, plain gradient descent, and an
    # ExponentialMovingAverage of the weights.
    learning_rate = system.build_learning_rate(global_step)
    optimizer = system.build_optimizer(learning_rate)
    average = system.build_average(global_step)
    train_op, gradients = loss.build_update(
        optimizer, total_loss, global_step, system.sums_in_pairs)
    if average is not None:
        # It sees the updated weights and the incremented step; in the original
        # these race.
        with tf.control_dependencies([train_op]):
            train_op = average.apply()
    return train_op, learning_rate, gradients


def train(run):
    """Trains a training.run.Run from its newest checkpoint to the end or a signal.

    Returns the exit status: 0, or 128 plus the number of the signal that ended it.
    """
    with run.resources:
        data_set = cli.load_data_set(run.options, run.system.name)
        run.settle(data_set)
        graph = build_graph(run.system, data_set, run.plan, run.settings)
        config = runtime.session_config(run.settings.threads,
                                        rewrites=not run.system.sums_in_pairs)
        with tf.Session(graph=graph.graph, config=config) as session:
            return run_steps(run, graph, session)


def run_steps(run, graph, session):
    """Restores or initialises, then trains step by step. Returns the exit status."""
    system, settings, plan = run.system, run.settings, run.plan
    metrics = EpochMetrics(session, graph)
    writer = CheckpointWriter(run.folder, graph.saver)

    newest, step = restore(run, graph, session)
    if newest is None:
        initialize(run, graph, session)
    weights = initial_weights.load(run, graph, session, is_new=newest is None)
    last_step = settings.epochs * plan.num_steps
    last_step = min(last_step, run.options.max_steps or last_step)
    if step >= last_step:
        return ending.say_finished(run, metrics, step, newest)

    feeds = {**graph.inputs.start(session, pipeline.TRAINING), **graph.dropout_feed}
    if run.needs_numeric_check:
        # A GPU or the fast kernels, against the stock CPU kernels.
        numeric_check.check_training(run.system, session, graph, feeds, run.settings, step)

    def save():
        check_finite(session.run(graph.weights_finite), 'a weight is not finite')
        return writer.save(session, step, run.describe_checkpoint(step, log.losses))

    def check_finite(is_finite, problem):
        if not is_finite:
            rate = session.run(graph.learning_rate)
            raise UserError(
                f'{problem} at step {step}, learning rate {rate:g}; start again to '
                f'continue from the newest checkpoint in {run.folder.path}, or move that '
                'away to go further back')

    run.begin(step, weights)
    with TrainingLog(run, session, graph, metrics, step, last_step, newest) as log:
        while step < last_step and not run.stop.requested:
            # Train to the end of a part, which is an epoch or one file of it. Start at
            # its first batch, or where an earlier process stopped.
            epoch, first_batch = divmod(step, plan.num_steps)
            part_end = epoch * plan.num_steps + min(end for end in plan.ends if end > first_batch)
            log.begin_part(step, feeds)
            graph.inputs.start(session, pipeline.TRAINING, epoch, first_batch)
            while step < min(part_end, last_step) and not run.stop.requested:
                log.begin_step(step)
                unused_result, batch_loss = session.run([graph.train_op, graph.total_loss], feeds)
                step += 1
                check_finite(math.isfinite(batch_loss), f'the loss is {batch_loss}')
                log.end_step(step, batch_loss)
                if step % settings.save_steps == 0 and step < part_end:
                    newest = save()
            if step == part_end:
                entry = log.end_part(step)
                name = step % plan.num_steps == 0 and system.name_original_checkpoint(
                    epoch + 1, epoch + 1 == settings.epochs)
                if name:
                    # Before our own, so that a kill between the two loses neither.
                    original_checkpoint.export(run, session, graph.variables, writer, name)
                if step % settings.save_steps == 0:
                    newest = save()
                log.print_part(entry)
        if newest is None or model_dir.step_of(newest) != step:
            newest = save()
    return ending.end(run, log, metrics, step, newest)


def restore(run, graph, session):
    """Restores the newest checkpoint: its (prefix, step), or (None, 0)."""
    if model_dir.find_newest(run.folder.path) is None:
        return None, 0
    prefix, step = reading.restore(session, graph.saver, graph.variables,
                                   run.system.find_step, run.folder.path)
    if step != model_dir.step_of(prefix):
        raise UserError(f'{prefix} contains global step {step}; rename its files to '
                        'match, or choose another folder with --model-dir')
    print(f'Restored {prefix}: epoch {step // run.plan.num_steps}, step {step}')
    run_record.check_settings(run.record, prefix)
    return prefix, step


def initialize(run, graph, session):
    """Gives a run without a checkpoint its seeded weights."""
    if run.record.has_begun:
        print('No checkpoint was saved, so the steps so far are lost and the run starts '
              'at step 0', file=sys.stderr)
    cost = systems.find(run.system.name).cost
    if cost:
        print(f'The documented run of {run.system.name} {cost}', file=sys.stderr)
    session.run(graph.initializer)


if __name__ == '__main__':
    sys.exit(cli.guard('train.py', train, opened_run))
