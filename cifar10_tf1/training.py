"""The training graph and the loop over epochs, from a checkpoint to the next.

Departs from the original: it trains until a total number of epochs rather than
100 further ones on each call, goes on in the middle of an epoch, and stops at a
loss that is not finite.
"""

import math
import sys
import time
from typing import NamedTuple

import tensorflow.compat.v1 as tf
from tqdm import tqdm

from cifar10_tf1 import checkpoints
from cifar10_tf1 import kernels
from cifar10_tf1 import machine
from cifar10_tf1 import model_dir as model_dirs
from cifar10_tf1 import objective
from cifar10_tf1 import one_batch
from cifar10_tf1 import pipeline
from cifar10_tf1 import run_record
from cifar10_tf1 import runtime
from cifar10_tf1 import summaries
from cifar10_tf1.checkpoint_writer import CheckpointWriter
from cifar10_tf1.console import OutputError
from cifar10_tf1.errors import KernelsDisagree
from cifar10_tf1.errors import UserError
from cifar10_tf1.step_losses import StepLosses
from cifar10_tf1.stopping import StopRequest


class TrainingGraph(NamedTuple):
    graph: tf.Graph
    inputs: pipeline.Inputs
    cross_entropy: tf.Tensor      # float32 scalar, nats, mean over the batch
    weight_decay_loss: tf.Tensor  # float32 scalar
    total_loss: tf.Tensor         # float32 scalar, their sum
    learning_rate: tf.Tensor      # float32 scalar, of the next update
    global_step: tf.Variable      # int64 scalar, updates done
    train_op: tf.Operation
    figures: one_batch.Figures    # loss and gradients, for a check
    weights_finite: tf.Tensor     # bool scalar
    variables: dict               # checkpoint name -> tf.Variable, all 21
    saver: tf.train.Saver
    initializer: tf.Operation


def build_training_graph(system, data_set, seed, device='/cpu:0',
                         num_input_threads=2, kernels_name='stock'):
    """The whole training in a graph of its own.

    Args:
      system: a systems.base.System.
      data_set: a data.data_set.DataSet.
      seed: int, the run's seed.
      device: '/cpu:0' or '/gpu:0', where the network computes.
      num_input_threads: int.
      kernels_name: 'stock' or 'fast'.
    Returns:
      TrainingGraph.
    """
    with tf.Graph().as_default() as graph:
        inputs = pipeline.build_inputs(system, data_set, seed,
                                       num_threads=num_input_threads)
        with tf.device(device):
            logits = system.build_network(inputs.images, seed,
                                          kernels.load(kernels_name))
            losses = objective.build_losses(logits, inputs.labels)
            global_step = objective.build_global_step()
            train_op, learning_rate, gradients = objective.build_train_op(
                system, losses[-1], global_step)
            figures = one_batch.build_training_figures(losses[-1], gradients)
        with tf.name_scope('weights_finite'):
            weights_finite = tf.reduce_all(
                [tf.reduce_all(tf.is_finite(variable))
                 for variable in tf.trainable_variables()])
        variables = {variable.op.name: variable
                     for variable in tf.global_variables()}
        return TrainingGraph(
            graph, inputs, *losses, learning_rate, global_step, train_op,
            figures, weights_finite, variables, tf.train.Saver(variables),
            tf.global_variables_initializer())


class Run:
    """One process's part of a training run, in a model folder that it holds."""

    def __init__(self, system, data_set, model_dir, settings, record, kind,
                 command='', stop_request=None, on_epoch=None,
                 with_summaries=False):
        """
        Args:
          system: a systems.base.System.
          data_set: a data.data_set.DataSet.
          model_dir: model_dir.ModelDir, held.
          settings: run_record.RunSettings, complete.
          record: run_record.RunRecord of the folder, perhaps new.
          kind: dict, machine.find_kind of this process.
          command: str, for the record.
          stop_request: stopping.StopRequest, or None.
          on_epoch: called with each epoch's entry of the record, or None.
          with_summaries: bool, whether event files are written.
        """
        self._graph = build_training_graph(
            system, data_set, settings.seed, f'/{settings.device}:0',
            settings.input_threads, settings.kernels)
        self._system = system
        self._data_set = data_set
        self._prefix = data_set.line_prefix
        self._steps_per_epoch = system.count_steps(
            data_set.num_train_examples)
        self._model_dir = model_dir
        self._settings = settings
        self._record = record
        self._kind = kind
        self._command = command
        self._stop_request = stop_request or StopRequest()
        self._on_epoch = on_epoch or (lambda epoch: None)
        self._batch_size = system.batch_size
        self._with_summaries = with_summaries
        self._summaries = summaries.NoSummaries()
        self._writer = CheckpointWriter(model_dir, self._graph.saver)
        self._session = None
        self._handle = None
        self._losses = None
        self._newest = None  # prefix
        self._output_error = None
        self._step = 0

    def train(self, max_steps=None):
        """Trains from the newest checkpoint to the last epoch or a signal.

        Args:
          max_steps: int, stop at this global step, or None.
        Returns:
          int, the exit status: 0, or 130 or 143 where a signal ended it.
        Raises:
          UserError: where the newest checkpoint doesn't fit, the loss is not
            finite, or something can't be written; as _check_batch.
        """
        last_step = self._settings.epochs * self._steps_per_epoch
        last_step = min(last_step, max_steps or last_step)
        with tf.Session(graph=self._graph.graph, config=runtime.session_config(
                self._settings.threads)) as self._session:
            self._restore()
            if self._step >= last_step:
                print(f'Epoch {self._step // self._steps_per_epoch} (step '
                      f'{self._step}) is reached already; nothing to train. '
                      'Ask for more with --epochs', flush=True)
                return 0
            self._graph.inputs.training.load(self._session, self._data_set)
            self._handle = self._session.run(self._graph.inputs.handles[0])
            self._check_batch()
            return self._train(last_step)

    def _check_batch(self):
        """Believes a GPU, and fast kernels on this kind of machine, or raises.

        Raises:
          UserError: where a GPU computes wrong numbers, or the kernels of a
            run that has begun, which goes on with them or not at all.
          KernelsDisagree: where a new run can take others.
        """
        device, kernels_name = self._settings.device, self._settings.kernels
        is_known = (self._record.content['processes'] and not
                    machine.list_differences(self._record.kind, self._kind))
        if device == 'cpu' and (kernels_name == 'stock' or is_known):
            return
        inputs = self._graph.inputs
        inputs.training.initialize(self._session, epoch=0)
        try:
            one_batch.check_training(
                self._system, self._session, (inputs.images, inputs.labels),
                {inputs.handle: self._handle}, self._graph.figures, device,
                self._settings.threads)
        except KernelsDisagree as error:
            if self._newest is None:
                raise
            raise UserError(f'{error} in another folder (--model-dir), or go on '
                            f'with {self._model_dir.path} where it was begun')

    def _restore(self):
        """Goes on from the newest checkpoint, or starts with fresh weights.

        Raises:
          UserError: as checkpoints.restore_newest; where a checkpoint's name
            and its global step differ.
        """
        prefix = checkpoints.restore_newest(
            self._session, self._graph.saver, self._model_dir.path,
            self._graph.variables)
        if prefix is None:
            self._session.run(self._graph.initializer)
            return
        step = int(self._session.run(self._graph.global_step))
        if step != model_dirs.step_of(prefix):
            raise UserError(f'{prefix} holds global step {step}: give its files '
                            'the name that fits, or choose another --model-dir')
        self._newest, self._step = prefix, step
        print(f'Restored {prefix}: epoch {step // self._steps_per_epoch}, '
              f'step {step}', flush=True)

    def _train(self, last_step):
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
        self._record.start_process(self._command, self._kind, self._settings,
                                   self._data_set, self._step)
        if self._with_summaries:
            self._summaries = summaries.Summaries(
                self._model_dir.path, self._graph, self._batch_size, self._step)
        self._stop_request.deferred = True
        start = end = time.perf_counter()
        while self._step < last_step and not self._must_stop:
            end = self._train_epoch(last_step)
        if self._newest is None or model_dirs.step_of(
                self._newest) != self._step:
            self._save()
        self._summaries.close()
        self._model_dir.check_identity()
        digest = checkpoints.fingerprint(self._newest)
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
        print(f'{self._prefix}Done Training, Total Epoch Time = '
              f'{end - start:.2f}s', flush=True)
        print(f'Weights at step {self._step}: SHA-256 {digest}', flush=True)
        return 0

    def _train_epoch(self, last_step):
        """Trains to the end of the epoch, the last step or a signal.

        Returns:
          float, when the last step ended, on time.perf_counter.
        """
        epoch, first_batch = divmod(self._step, self._steps_per_epoch)
        epoch_end = (epoch + 1) * self._steps_per_epoch
        self._summaries.start_epoch(
            self._session, lambda: self._read_images(epoch, first_batch),
            self._step)
        self._graph.inputs.training.initialize(self._session, epoch,
                                               first_batch)
        save_steps = self._settings.save_steps
        seconds = 0.0
        # None is drawn where standard error is no terminal.
        bar = tqdm(total=self._steps_per_epoch, initial=first_batch,
                   desc=f'{self._prefix}Epoch {epoch + 1}', unit='step',
                   leave=False, disable=None)
        with bar:
            while self._step < min(epoch_end, last_step):
                self._summaries.before_step(self._session, self._step)
                start = time.perf_counter()
                loss = self._train_step()
                end = time.perf_counter()
                seconds += end - start
                self._summaries.after_step(self._step, loss, end - start)
                bar.set_postfix(loss=f'{loss:.4f}', refresh=False)
                bar.update()
                if self._must_stop:
                    break
                if self._step % save_steps == 0 and self._step < epoch_end:
                    self._save()
        if self._step == epoch_end:
            self._end_epoch(epoch, seconds)
        return end

    @property
    def _must_stop(self):
        return self._stop_request.requested or self._output_error is not None

    def _read_images(self, epoch, first_batch):
        """The next batch's; the input has to be started again afterwards."""
        self._graph.inputs.training.initialize(self._session, epoch,
                                               first_batch)
        return self._session.run(self._graph.inputs.images,
                                 {self._graph.inputs.handle: self._handle})

    def _train_step(self):
        unused_result, loss = self._session.run(
            [self._graph.train_op, self._graph.total_loss],
            {self._graph.inputs.handle: self._handle})
        self._step += 1
        if not math.isfinite(loss):
            self._raise_not_finite(f'the loss is {loss}')
        self._losses.append(loss)
        return loss

    def _end_epoch(self, epoch, seconds):
        """The original's line, and the record's entry.

        Quirk: the sum mixes the cross-entropy and the weight decay.
        """
        first_step = epoch * self._steps_per_epoch
        loss, num_unknown = self._losses.sum(first_step, self._step)
        # The step over the steps of an epoch, so that a resumed run counts on.
        number = self._step // self._steps_per_epoch
        entry = {'epoch': number, 'step': self._step, 'summed_loss': loss,
                 'learning_rate': float(self._session.run(
                     self._graph.learning_rate)),
                 'seconds': round(seconds, 2)}
        if num_unknown:
            entry['unknown_losses'] = num_unknown
        self._model_dir.check_identity()
        self._record.add_epoch(**entry)
        if self._step % self._settings.save_steps == 0:
            self._save()
        self._on_epoch(entry)
        # At last: what can't be printed must cost nothing but the line.
        try:
            print(f'{self._prefix}Epoch {number} : Loss = {loss:.5f}, '
                  f'Epoch Time = {seconds:.2f}s', flush=True)
            if num_unknown:
                print(f'warning: {num_unknown} losses of this epoch were not '
                      'recorded and are missing in its sum', file=sys.stderr,
                      flush=True)
        except OutputError as error:
            self._output_error = error

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
            'data': self._data_set.name, 'seed': self._settings.seed,
            'kernels': self._kind['kernels'], 'wheel': self._kind['wheel'],
            'step_losses_sha256': self._losses.digest(),
            'record': self._record.content})

    def _raise_not_finite(self, what):
        rate = self._session.run(self._graph.learning_rate)
        good = checkpoints.find_newest_finite(self._model_dir.path)
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
