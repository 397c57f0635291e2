"""Records and prints the steps and epochs of training."""

import math
import os
import sys
import time

import numpy as np
from tqdm import tqdm

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.console import OutputError
from cifar10_tf1.training.summaries import Summaries

_BAR = ('{desc}: {percentage:3.0f}%|{bar}| {rate_fmt}, {remaining} left of the run{postfix}')
# Earlier versions kept the losses of all steps in this file, little-endian.
_OLD_LOSSES, _OLD_DTYPE = 'step_losses.f32', np.dtype('<f4')


class TrainingLog:
    """The original's lines, the progress bar, event files; a context manager.

    Attributes:
      loss: float32, nats, of the latest step, or None.
      losses: list of float, of the epoch's steps so far; a checkpoint in the middle of
        an epoch keeps them, so a resumed epoch has the same sum.
      seconds: float, from the start to the latest step.
    """

    def __init__(self, run, session, graph, metrics, step, last_step, newest):
        """Logs the steps from `step` to `last_step` after the checkpoint `newest`."""
        self._run, self._session, self._graph = run, session, graph
        self._metrics = metrics
        self._summaries = Summaries(run, session, graph, step)
        self.loss, self.seconds = None, 0.0
        self.losses = load_losses(newest, step % run.plan.num_steps)
        self._started = time.perf_counter()
        run.print(run.system.format_start(run.settings.train_files))
        # disable=None: no bar unless standard error is a terminal.
        self._bar = tqdm(total=last_step, initial=step, unit=' images', leave=False,
                         unit_scale=sum(run.plan.batch_sizes) / run.plan.num_steps,
                         bar_format=_BAR, disable=None)

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        self._bar.close()

    def begin_part(self, step, feeds):
        """Begins a part of an epoch, before its input is initialized."""
        epoch, first_batch = divmod(step, self._run.plan.num_steps)
        if first_batch == 0:
            self.losses = []
        self._part_seconds = 0.0
        self._summaries.begin_part(step, feeds)
        self._bar.set_description_str(
            f'{self._run.line_prefix}Epoch {epoch + 1} of {self._run.settings.epochs}',
            refresh=False)

    def begin_step(self, step):
        self._summaries.begin_step(step)
        self._step_started = time.perf_counter()

    def end_step(self, step, loss):
        """Notes the loss of update number `step`."""
        now = time.perf_counter()
        seconds = now - self._step_started
        self.loss, self.seconds = loss, now - self._started
        self.losses.append(float(loss))
        self._part_seconds += seconds
        self._summaries.end_step(step, loss, seconds)
        if not self._bar.disable:
            self._bar.set_postfix_str(f'mean loss {np.nanmean(self.losses):.4f}', refresh=False)
        self._bar.update()
        self._print_or_stop(self._run.system.format_step(step, loss, seconds))

    def end_part(self, step):
        """Measures the network, records the part that has ended; returns its entry."""
        plan, figures = self._run.plan, self._run.system.figures
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
        entry.update(self._metrics.measure(figures, number))
        self._summaries.write_scalars(step, {name: entry[name] for name in figures})
        self._run.folder.check_identity()
        self._run.record.add_epoch(**entry)
        return entry

    def print_part(self, entry):
        """Prints the original's lines, after the save."""
        self._print_or_stop(self._run.system.format_progress(entry))
        if 'unknown_losses' in entry:
            print(f'warning: {entry["unknown_losses"]} losses of this epoch were not '
                  'recorded, so its sum lacks them', file=sys.stderr)

    def _print_or_stop(self, lines):
        """Ends the run if a line can't be printed in the middle of training."""
        try:
            if lines:
                self._bar.clear()
            self._run.print(lines)
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
