"""Records and prints the steps and epochs of training."""

import contextlib
import math
import os
import sys
import time

import numpy as np
from tqdm import tqdm

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.console import OutputError
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.training.epoch_metrics import EpochMetrics
from cifar10_tf1.training.summaries import Summaries

_BAR = ('{desc}: {percentage:3.0f}%|{bar}| {rate_fmt}, {remaining} left of the run'
        '{postfix}')
# Earlier versions kept the losses of all steps in this file, little-endian.
_OLD_LOSSES, _OLD_DTYPE = 'step_losses.f32', np.dtype('<f4')


class TrainingLog:
    """Losses, metrics, the original's lines, the progress bar and event files.

    Attributes:
      loss: float32, nats, of the latest step, or None.
      losses: list of float, of the epoch's steps so far; a checkpoint in the middle of
        an epoch keeps them, so a resumed epoch has the same sum.
      seconds: float, from the start to the latest step.
    """

    def __init__(self, run, system, plan, session, graph, data_set, prefix):
        """`prefix` goes before every printed line; graph is train.py's TrainingGraph."""
        self._run, self._system, self._plan = run, system, plan
        self._session, self._graph, self._prefix = session, graph, prefix
        self._metrics = EpochMetrics(session, graph, data_set)
        self._bar = tqdm(disable=True)
        self.loss, self.losses, self.seconds = None, [], 0.0

    @contextlib.contextmanager
    def opened(self, step, last_step, newest):
        """Surrounds the steps of this process with the bar and the event file."""
        run, plan = self._run, self._plan
        self.losses = load_losses(newest, step % plan.num_steps)
        self._summaries = Summaries(
            None if run.options.no_summaries else run.folder.path, self._graph,
            self._system, step)
        self._started = time.perf_counter()
        # disable=None: no bar unless standard error is a terminal.
        with tqdm(total=last_step, initial=step, unit=' images', leave=False,
                  unit_scale=sum(plan.batch_sizes) / plan.num_steps, bar_format=_BAR,
                  disable=None) as self._bar:
            self._print(self._system.format_start(run.settings.train_files))
            yield

    def begin_part(self, step, read_images):
        """Begins a part of an epoch; read_images() returns its first images."""
        if step % self._plan.num_steps == 0:
            self.losses = []
        self._part_seconds = 0.0
        self._summaries.begin_part(self._session, read_images, step)
        self._bar.set_description_str(
            f'{self._prefix}Epoch {step // self._plan.num_steps + 1} of '
            f'{self._run.settings.epochs}', refresh=False)

    def begin_step(self, step):
        self._summaries.begin_step(self._session, step)
        self._step_started = time.perf_counter()

    def end_step(self, step, loss):
        """Notes the loss of update number `step`; raises UserError if not finite."""
        now = time.perf_counter()
        seconds = now - self._step_started
        if not math.isfinite(loss):
            raise self.describe_failure(f'the loss is {loss}', step)
        self.loss, self.seconds = loss, now - self._started
        self.losses.append(float(loss))
        self._part_seconds += seconds
        self._summaries.end_step(step, loss, seconds)
        if not self._bar.disable:
            self._bar.set_postfix_str(f'mean loss {np.nanmean(self.losses):.4f}',
                                      refresh=False)
        self._bar.update()
        self._print_or_stop(self._system.format_step(step, loss, seconds))

    def end_part(self, step):
        """Measures the network, records the part that has ended; returns its entry."""
        plan = self._plan
        epoch, last_batch = divmod(step - 1, plan.num_steps)
        number = plan.ends.index(last_batch + 1)
        losses = np.array(self.losses[plan.ends[number - 1] if number else 0:])
        known = losses[~np.isnan(losses)]
        entry = {'epoch': epoch + 1, 'step': step, 'summed_loss': float(known.sum()),
                 'learning_rate': float(self._session.run(self._graph.learning_rate)),
                 'seconds': round(self._part_seconds, 2)}
        if plan.reporting_points:
            entry['part'] = plan.reporting_points[number][1]
        if len(known) < len(losses):
            entry['unknown_losses'] = len(losses) - len(known)
        metrics = self._metrics.measure(self._system.figures, number)
        self._summaries.write_scalars(step, {
            name: metrics[name] for name in self._system.figures})
        entry.update(metrics)
        self._run.folder.check_identity()
        self._run.record.add_epoch(**entry)
        return entry

    def print_part(self, entry):
        """Prints the original's lines last, so a failed print loses only them."""
        self._print_or_stop(self._system.format_progress(entry))
        if 'unknown_losses' in entry:
            print(f'warning: {entry["unknown_losses"]} losses of this epoch were not '
                  'recorded, so its sum lacks them', file=sys.stderr, flush=True)

    def print_end(self):
        """Prints the original's last lines."""
        if self.loss is not None:
            self._print(self._system.format_last_loss(self.loss))
        self._print(self._system.format_end(
            self.seconds, self._metrics.count_test()
            if self._system.tests_after_training else None))

    def print_test(self):
        """Prints the test that ends the original's training, if there is one."""
        if self._system.tests_after_training:
            self._print(self._system.format_test(self._metrics.count_test()))

    def describe_failure(self, what, step):
        """The UserError for numbers that are not finite."""
        rate = self._session.run(self._graph.learning_rate)
        return UserError(
            f'{what} at step {step}, learning rate {rate:g}; start again to continue '
            f'from the newest checkpoint in {self._run.folder.path}, or move that away '
            'to go further back')

    def _print(self, lines):
        for line in lines:
            self._bar.clear()
            print(line and self._prefix + line, flush=True)

    def _print_or_stop(self, lines):
        """Ends the run if a line can't be printed in the middle of training."""
        try:
            self._print(lines)
        except OutputError as error:
            self._run.stop.error = error


def load_losses(prefix, num_steps):
    """The losses of the last num_steps steps before a checkpoint; NaN if unknown."""
    if not num_steps:
        return []
    losses = (model_dir.load_settings(prefix) or {}).get('losses')
    if losses is None:
        path = os.path.join(os.path.dirname(prefix), _OLD_LOSSES)
        step = model_dir.step_of(prefix)
        losses = np.fromfile(path, _OLD_DTYPE)[step - num_steps:step].tolist() if (
            os.path.exists(path)) else []
    return losses if len(losses) == num_steps else [math.nan] * num_steps
