"""What stands around the steps of a training: checkpoints, record, lines, signals.

Departs from the original: it trains until a total number of epochs rather than
100 further ones on each call, goes on in the middle of an epoch, and stops at a
loss that is not finite.
"""

import bisect
import math
import sys
import time
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import launch
from cifar10_tf1.machine import description
from cifar10_tf1.training import epoch_metrics
from cifar10_tf1.checkpoints import model_dir as model_dirs
from cifar10_tf1.graph import numeric_check
from cifar10_tf1.graph import pipeline
from cifar10_tf1.records import run_record
from cifar10_tf1.records import run_settings
from cifar10_tf1.training import summaries
from cifar10_tf1 import systems
from cifar10_tf1.training.initial_weights import Beginning
from cifar10_tf1.checkpoints.writing import CheckpointWriter
from cifar10_tf1.common.console import OutputError
from cifar10_tf1.common.errors import KernelsDisagree
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.training.progress import format_time
from cifar10_tf1.training.progress import Progress
from cifar10_tf1.training.original_checkpoint import Publisher
from cifar10_tf1.training.step_losses import StepLosses
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.systems import base


class Update(NamedTuple):
    train_op: tf.Operation
    learning_rate: tf.Tensor      # float32 scalar, of the next update
    global_step: tf.Variable      # int64 scalar, updates done
    gradients: list               # of (gradient, variable)


class TrainingGraph(NamedTuple):
    graph: tf.Graph
    inputs: pipeline.Inputs
    mode: base.Mode
    cross_entropy: tf.Tensor      # float32 scalar, nats, mean over the batch
    weight_decay_loss: tf.Tensor  # float32 scalar
    total_loss: tf.Tensor         # float32 scalar, their sum
    learning_rate: tf.Tensor      # float32 scalar, of the next update
    global_step: tf.Variable      # int64 scalar, updates done
    train_op: tf.Operation
    num_correct: tf.Tensor        # int32 scalar, of the batch
    figures: numeric_check.Figures    # loss and gradients, for a check
    weights_finite: tf.Tensor     # bool scalar
    variables: dict               # checkpoint name -> tf.Variable, all
    saver: tf.train.Saver
    initializer: tf.Operation

    @classmethod
    def build(cls, graph, inputs, mode, losses, update, num_correct):
        """Adds what saving and checking need to a network and its update."""
        with tf.device(losses[-1].device):
            figures = numeric_check.build_training_figures(losses[-1],
                                                           update.gradients)
        with tf.name_scope('weights_finite'):
            weights_finite = tf.reduce_all(
                [tf.reduce_all(tf.is_finite(variable))
                 for variable in tf.trainable_variables()])
        variables = {variable.op.name: variable
                     for variable in tf.global_variables()}
        return cls(graph, inputs, mode, *losses, update.learning_rate,
                   update.global_step, update.train_op, num_correct, figures,
                   weights_finite, variables, tf.train.Saver(variables),
                   tf.global_variables_initializer())


class Run:
    """One process's part of a training run: all but the graph and its steps.

    What it restores, saves, records, prints and draws, and when it stops.
    """

    def __init__(self, start, system):
        """Settles the run's settings; starts the device and says which.

        Args:
          start: launch.TrainingStart.
          system: systems.base.System.
        Raises:
          UserError: where the folder holds another run; where the GPU can't be
            used.
        """
        record = start.record or run_record.new(start.folder.path, system)
        run_record.check_system_name(record, system.name)
        settings = run_settings.resolve(record, start.given, start.data_set,
                                        system)
        device = launch.start_device(start.choice, settings.threads)
        self.settings = settings._replace(device=device)
        self._kind = launch.find_kind(self.settings)
        for difference in run_record.check_kind(record, self._kind):
            print('warning: from here on the run can differ from an uninterrupted '
                  f'one: {difference}', file=sys.stderr, flush=True)
        self._start = start
        self._system = system
        self._record = record
        self._model_dir = start.folder
        self._beginning = Beginning(system, record, start.pretrained,
                                    start.is_from_scratch)
        self._prefix = (start.data_set.line_prefix
                        + self._beginning.line_prefix)
        self._stop_request = start.stop_request or StopRequest()
        self._plan = system.build_plan(start.data_set, self.settings.train_files)
        self._steps_per_epoch = self._plan.num_steps
        last_step = self.settings.epochs * self._steps_per_epoch
        self._last_step = min(last_step, start.max_steps or last_step)
        self._progress = Progress(self._plan.batch_sizes, self.settings.epochs,
                                  self._last_step, self._prefix)
        self._summaries = summaries.NoSummaries()
        self._newest = None  # prefix
        self._output_error = None
        self._step = 0
        self._loss = None  # of the latest step of this process

    @property
    def is_finished(self):
        return self._step >= self._last_step

    def say_finished(self):
        """Returns the exit status."""
        content = self._record.content
        if content['processes'] and (content['weights'] or {}).get(
                'step') != self._step:
            # Killed between its last checkpoint and the end of its record.
            self._record.end_process(self._step, 'killed',
                                     reading.fingerprint(self._newest))
        if self._system.tests_after_training:
            self._print(self._system.format_test(self._measures.count_test()))
        print(f'Epoch {self._step // self._steps_per_epoch} (step {self._step}) '
              'is reached already; nothing to train. Ask for more with --epochs',
              flush=True)
        return 0

    def restore(self, session, graph):
        """Takes the newest checkpoint, where there is one.

        Args:
          session: tf.Session, that the run keeps.
          graph: TrainingGraph.
        Returns:
          bool, whether there was one.
        Raises:
          UserError: as reading.restore_newest; where a checkpoint's name
            and its global step differ.
        """
        self._session, self._graph = session, graph
        self._measures = epoch_metrics.Measures(session, graph, self._start.data_set)
        self._writer = CheckpointWriter(self._model_dir, graph.saver)
        self._publisher = Publisher(self._writer, self._system, session,
                                    self.settings.seed)
        prefix, step = reading.restore_newest(
            session, graph.saver, self._model_dir.path, graph.variables,
            self._system.find_step)
        if prefix is None:
            return False
        if step != model_dirs.step_of(prefix):
            raise UserError(f'{prefix} holds global step {step}: give its files '
                            'the name that fits, or choose another --model-dir')
        self._beginning.check(graph)
        self._newest, self._step = prefix, step
        print(f'Restored {prefix}: epoch {step // self._steps_per_epoch}, '
              f'step {step}', flush=True)
        return True

    def begin(self):
        """Gives a new run its first weights: seeded ones, or published ones.

        Raises:
          UserError: as Beginning.load.
        """
        cost = systems.find(self._system.name).cost
        if cost:
            print(f'The documented run of {self._system.name} {cost}',
                  file=sys.stderr, flush=True)
        self._session.run(self._graph.initializer)
        try:
            self._beginning.load(self._session, self._graph)
        except UserError:
            self._model_dir.discard()
            raise

    def check_batch(self, feeds):
        """Believes a GPU, and fast kernels on this kind of machine, or raises.

        Args:
          feeds: dict, that chooses the training's batches.
        Raises:
          UserError: where a GPU computes wrong numbers, or the kernels of a
            run that has begun, which goes on with them or not at all.
          KernelsDisagree: where a new run can take others.
        """
        device, kernels_name = self.settings.device, self.settings.kernels
        is_known = (self._record.content['processes'] and not
                    description.list_differences(self._record.kind, self._kind))
        if device == 'cpu' and (kernels_name == 'stock' or is_known):
            return
        inputs = self._graph.inputs
        inputs.training.initialize(self._session, epoch=0)
        try:
            numeric_check.check_training(
                self._system, self._session, (inputs.images, inputs.labels),
                feeds, self._graph.figures, device, self.settings.threads,
                base.Mode(self._system.keep_prob, self._step, self.settings.seed,
                          uses_batch_statistics=True))
        except KernelsDisagree as error:
            if self._newest is None:
                raise
            raise UserError(f'{error} in another folder (--model-dir), or go on '
                            f'with {self._model_dir.path} where it was begun')

    def parts(self, feeds):
        """Yields (epoch, first batch) until the last step or a signal.

        Once for each part of an epoch after which figures are taken, most often
        the whole. One that a checkpoint cuts in two goes on with its next batch.

        Args:
          feeds: dict, that chooses the training's batches.
        """
        self._begin()
        self._print(self._system.format_start(self.settings.train_files))
        self._started = self._ended = time.perf_counter()
        while not (self.is_finished or self._must_stop):
            epoch, first_batch = divmod(self._step, self._steps_per_epoch)
            self._seconds = 0.0
            self._summaries.start_epoch(
                self._session,
                lambda: self._read_images(epoch, first_batch, feeds), self._step)
            number = bisect.bisect_right(self._plan.ends, first_batch)
            yield epoch, first_batch
            if self._step == (epoch * self._steps_per_epoch
                              + self._plan.ends[number]):
                self._end_part(epoch, number)

    def steps(self):
        """Yields once for each step to the end of the part or of the run."""
        epoch, first_batch = divmod(self._step, self._steps_per_epoch)
        part_end = epoch * self._steps_per_epoch + next(
            end for end in self._plan.ends if end > first_batch)
        with self._progress.bar(self._step):
            while self._step < min(part_end, self._last_step):
                self._summaries.before_step(self._session, self._step)
                start = time.perf_counter()
                yield
                seconds = self._ended - start
                self._seconds += seconds
                self._summaries.after_step(self._step, self._loss, seconds)
                self._progress.advance(self._step, self._loss)
                self._print_if_possible(self._system.format_step(
                    self._step, self._loss, seconds))
                if self._must_stop:
                    break
                if (self._step % self.settings.save_steps == 0
                        and self._step < part_end):
                    self._save()

    def end_step(self, loss):
        """Takes note of a step's loss, a float32 in nats.

        Raises:
          UserError: where it is not finite.
        """
        self._ended = time.perf_counter()
        self._step += 1
        if not math.isfinite(loss):
            self._raise_not_finite(f'the loss is {loss}')
        self._losses.append(loss)
        self._loss = loss

    def end(self):
        """Saves, closes the record, and says where the run stands.

        Returns:
          int, the exit status: 0, or 130 or 143 where a signal ended it.
        """
        if self._newest is None or model_dirs.step_of(
                self._newest) != self._step:
            self._save()
        self._summaries.close()
        self._model_dir.check_identity()
        digest = reading.fingerprint(self._newest)
        self._record.end_process(self._step, (
            'output closed' if self._output_error else
            self._stop_request.name or 'finished'), digest)
        if self._output_error:
            raise self._output_error
        if self._stop_request.requested:
            print(f'Stopped at step {self._step}; start again to go on from '
                  f'{self._newest}', file=sys.stderr, flush=True)
            return self._stop_request.exit_status
        if self._step % self._steps_per_epoch:
            print(f'Stopped at step {self._step}, saved as {self._newest}',
                  flush=True)
        if self._loss is not None:
            self._print(self._system.format_last_loss(self._loss))
        self._print(self._system.format_end(
            self._ended - self._started, self._measures.count_test()
            if self._system.tests_after_training else None))
        print(f'Weights at step {self._step}: SHA-256 {digest}', flush=True)
        if self._start.test_command:
            print(f'Model: {self._model_dir.path}, epoch '
                  f'{self._step // self._steps_per_epoch}, in '
                  f'{format_time(self._ended - self._started)}. Test it: '
                  f'{self._start.test_command}', flush=True)
        return 0

    def _begin(self):
        """Opens the losses, the record and the summaries."""
        settings = self._newest and run_record.check_settings(self._record,
                                                              self._newest)
        try:
            self._losses = StepLosses(self._model_dir.path, self._step, (
                settings or {}).get('step_losses_sha256'))
        except OSError as error:
            raise UserError(f'cannot write {error.filename}: {error.strerror}; '
                            'choose another folder with --model-dir')
        if self._losses.damaged:
            print('warning: the losses of the first '
                  f'{self._step} steps are not those that were saved; they are '
                  'unknown from here on', file=sys.stderr, flush=True)
        self._record.start_process(self._start.command, self._kind,
                                   self.settings, self._start.data_set,
                                   self._step, self._beginning.for_record)
        if self._start.with_summaries:
            self._summaries = summaries.Summaries(
                self._model_dir.path, self._graph, self._system,
                self._step)
        self._stop_request.deferred = True

    @property
    def _must_stop(self):
        return self._stop_request.requested or self._output_error is not None

    def _print(self, lines):
        for line in lines:
            print(line and self._prefix + line, flush=True)

    def _print_if_possible(self, lines):
        """In the midst of the training: where it can't, the run stops soon."""
        try:
            self._print(lines)
        except OutputError as error:
            self._output_error = error

    def _read_images(self, epoch, first_batch, feeds):
        """The next batch's; the input has to be started again afterwards."""
        inputs = self._graph.inputs
        inputs.training.initialize(self._session, epoch, first_batch)
        return self._session.run(inputs.images, feeds)

    def _end_part(self, epoch, number):
        """The original's lines, and the record's entry, of a part of an epoch."""
        plan = self._plan
        first_step = epoch * plan.num_steps + (plan.ends[number - 1]
                                               if number else 0)
        loss, num_unknown = self._losses.sum(first_step, self._step)
        entry = {'epoch': epoch + 1, 'step': self._step, 'summed_loss': loss,
                 'learning_rate': float(self._session.run(
                     self._graph.learning_rate)),
                 'seconds': round(self._seconds, 2)}
        if plan.reporting_points:
            entry['part'] = plan.reporting_points[number][1]
        if num_unknown:
            entry['unknown_losses'] = num_unknown
        figures = self._measures.take(self._system.figures, number)
        self._summaries.after_epoch(self._step, {
            name: figures[name] for name in self._system.figures})
        entry.update(figures)
        self._model_dir.check_identity()
        self._record.add_epoch(**entry)
        if self._step % plan.num_steps == 0:
            self._publish(epoch + 1)
        if self._step % self.settings.save_steps == 0:
            self._save()
        # At last: what can't be printed must cost nothing but the line.
        self._print_if_possible(self._system.format_progress(entry))
        if num_unknown:
            print(f'warning: {num_unknown} losses of this epoch were not '
                  'recorded and are missing in its sum', file=sys.stderr,
                  flush=True)

    def _publish(self, epoch):
        """Before the checkpoint: what is lost by a kill is made again."""
        name = self._system.name_published(epoch, epoch == self.settings.epochs)
        if name is not None:
            self._publisher.publish(name)

    def _save(self):
        if not self._session.run(self._graph.weights_finite):
            self._raise_not_finite('a weight is not finite')
        try:
            self._losses.sync()
        except OSError as error:
            raise UserError(
                f'cannot write to {self._model_dir.path}: {error.strerror}; '
                'free some space and start again: the run goes on from '
                f'{self._newest or "the beginning"}')
        # Beside the weights, so that a checkpoint explains itself.
        self._newest = self._writer.save(self._session, self._step, {
            'system': self._record.content['system'], 'step': self._step,
            'data': self._start.data_set.name, 'seed': self.settings.seed,
            'kernels': self._kind['kernels'], 'wheel': self._kind['wheel'],
            'step_losses_sha256': self._losses.digest(),
            'record': self._record.content})

    def _raise_not_finite(self, what):
        rate = self._session.run(self._graph.learning_rate)
        good = reading.find_newest_finite(self._model_dir.path)
        message = f'{what} at step {self._step}, learning rate {rate:g}; '
        if good is None:
            message += 'there is no good checkpoint to go back to'
        elif good == self._newest:
            message += (f'the newest good checkpoint is {good}, where a new '
                        'start goes on')
        else:
            message += (f'the newest good checkpoint is {good}: move the later '
                        'ones away to go on from there')
        raise UserError(message)
