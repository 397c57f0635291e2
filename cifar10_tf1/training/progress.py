"""What the bar of a training says: mean loss, images a second, time left.

The bar is of an epoch, the time left of the whole run. Nothing is drawn where
standard error is no terminal.
"""

import collections
import contextlib
import time

from tqdm import tqdm

_STEPS = 200  # whose time is the speed, so that a pause is soon forgotten


def format_time(seconds):
    """'1:09:12', or '00:07'."""
    return tqdm.format_interval(seconds)


class Progress:
    """One process's part of a run, for its bars."""

    def __init__(self, batch_sizes, num_epochs, last_step, prefix='',
                 clock=time.perf_counter):
        """
        Args:
          batch_sizes: list of int, of an epoch.
          num_epochs: int, of the run.
          last_step: int, at which the run ends.
          prefix: str, before every line with a figure.
          clock: function to seconds.
        """
        self._num_steps = len(batch_sizes)
        self._images_per_step = sum(batch_sizes) / len(batch_sizes)
        self._num_epochs = num_epochs
        self._last_step = last_step
        self._prefix = prefix
        self._clock = clock
        self._times = collections.deque(maxlen=_STEPS + 1)

    @contextlib.contextmanager
    def bar(self, step):
        """Draws the bar of the epoch that begins or goes on after a step."""
        epoch, first = divmod(step, self._num_steps)
        self._sum, self._num_losses = 0.0, 0
        # None: not where standard error is no terminal.
        with tqdm(total=self._num_steps, initial=first, leave=False, disable=None,
                  desc=f'{self._prefix}Epoch {epoch + 1} of {self._num_epochs}',
                  bar_format='{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}'
                             '{postfix}') as self._bar:
            yield

    def advance(self, step, loss):
        """A step is done: its number, from 1, and its loss."""
        self._sum += float(loss)
        self._num_losses += 1
        self._times.append(self._clock())
        if not self._bar.disable:
            self._bar.set_postfix_str(self.describe(step), refresh=False)
        self._bar.update()

    def describe(self, step):
        """'loss 1.0921, 1,254 images/s, 1:09:12 left of the run'."""
        text = f'mean loss {self._sum / self._num_losses:.4f}'
        seconds = self._times[-1] - self._times[0]
        if seconds <= 0:  # of a first step
            return text
        speed = (len(self._times) - 1) / seconds  # steps a second
        left = format_time((self._last_step - step) / speed)
        return (f'{text}, {speed * self._images_per_step:,.0f} images/s, {left} '
                'left of the run')
