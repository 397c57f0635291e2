"""What a sweep prints while it runs: events, and a table of all runs."""

import collections
import shutil
import statistics
import sys
import time

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.sweep import counts
from cifar10_tf1.sweep import jobs as jobs_module

_TABLE_SECONDS = 600  # from one to the next where nothing happens
_LINE_SECONDS = 2     # the same, of the line on a terminal
_LATEST = 5           # epochs, of which the time left is reckoned
_COLUMNS = ('run', 'state', 'epoch', 'summed loss', 'right images', 'time left')


class Progress:
    """Prints; on a terminal also a line that changes in place."""

    def __init__(self, jobs, num_processes):
        self._jobs = jobs
        self._num_processes = num_processes
        self._table_time = self._line_time = time.monotonic()
        self._has_line = False
        self._changed = True

    def say(self, text):
        """An event."""
        self._clear()
        print(text, flush=True)
        self._changed = True

    def end(self, job):
        """A job is complete, failed or stopped."""
        state = find_state(job, {})
        self.say(f'{job.name}: {state}'
                 + (f' ({job.failure})' if job.failure else ''))

    def show(self, active):
        """The table, where something has changed or after a while.

        Args:
          active: dict of Job -> stage.
        """
        now = time.monotonic()
        if self._changed or now - self._table_time > _TABLE_SECONDS:
            self._clear()
            print('\n'.join(self.format_table(active)) + '\n', flush=True)
            self._table_time, self._changed = now, False
        elif sys.stdout.isatty() and now - self._line_time > _LINE_SECONDS:
            self._clear()
            line = '; '.join(format_job(job, stage) for job, stage
                             in active.items())
            width = shutil.get_terminal_size().columns - 1
            print(line[:width], end='\r', flush=True)
            self._has_line, self._line_time = True, now

    def format_table(self, active):
        """list of str.

        Args:
          active: dict of Job -> stage.
        """
        pace = find_pace(self._jobs)
        rows = [list(_COLUMNS)] + [_build_row(job, active, pace)
                                   for job in self._jobs]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ['  '.join(cell.ljust(width) for cell, width in zip(
            row, widths)).rstrip() for row in rows]
        left = self._find_time_left(active, pace)
        return lines + ([f'Training: about {format_time(left)} left']
                        if left else [])

    def _find_time_left(self, active, pace):
        """Seconds of training to the end of the sweep; None: not known."""
        left = [_find_seconds(job, pace) for job in self._jobs
                if not job.failure]
        if None in left or not left:
            return None
        return max([sum(left) / self._num_processes] + left)

    def _clear(self):
        if self._has_line:
            width = shutil.get_terminal_size().columns - 1
            print(' ' * width, end='\r', flush=True)
            self._has_line = False


def find_state(job, active):
    """Of a job in a word or two.

    Args:
      job: jobs.Job.
      active: dict of Job -> stage.
    """
    if job.failure:
        return 'FAILED'
    if job in active:
        return active[job]
    record = _load(job)
    if record is None:
        return 'waiting'
    if not jobs_module.is_trained(record, job.num_epochs):
        return 'begun'
    return 'not tested' if counts.list_missing(record) else 'complete'


def format_job(job, stage):
    """'seed-01 training, epoch 34 of 110, 1.2 h left', say."""
    unused_name, state, epoch, unused_loss, unused_correct, left = _build_row(
        job, {job: stage}, find_pace([job]))
    return f'{job.name} {state}, epoch {epoch}' + (left and f', {left} left')


def find_pace(jobs):
    """Seconds of an epoch, of the latest ones of all jobs; None: not known."""
    seconds = []
    for job in jobs:
        totals = collections.Counter()  # over the parts of an epoch
        for entry in _list_epochs(job):
            totals[entry['epoch']] += entry['seconds']
        seconds += [totals[epoch] for epoch in sorted(totals)[-_LATEST:]]
    return statistics.mean(seconds) if seconds else None


def format_time(seconds):
    for size, unit in ((3600, 'h'), (60, 'min')):
        if seconds >= size:
            return f'{seconds / size:.1f} {unit}'
    return f'{seconds:.0f} s'


def _build_row(job, active, pace):
    record = _load(job)
    epochs = _list_epochs(job)
    left = None if job.failure else _find_seconds(job, pace)
    tests = [f'{statistics.mean(numbers):,.1f}' for variant
             in (job.entry.variants if epochs else ())
             for numbers in [counts.list_counts(record, variant).values()]
             if numbers]
    return [job.name, find_state(job, active),
            f'{epochs[-1]["epoch"] if epochs else 0} of {_num_epochs(job)}',
            f'{epochs[-1]["summed_loss"]:.2f}' if epochs else '',
            ', '.join(tests), format_time(left) if left else '']


def _find_seconds(job, pace):
    """Of training that a job has before it; None: not known."""
    epochs = _list_epochs(job)
    left = max(0, _num_epochs(job) - (epochs[-1]['epoch'] if epochs else 0))
    own = find_pace([job]) if epochs else pace
    return 0 if not left else own and left * own


def _list_epochs(job):
    record = _load(job)
    return record.epochs if record else []


def _num_epochs(job):
    try:
        return job.num_epochs
    except UserError:
        return job.entry.num_epochs


def _load(job):
    """The record; None where it is damaged: then the job fails when it goes on."""
    try:
        return job.load_record()
    except UserError:
        return None
