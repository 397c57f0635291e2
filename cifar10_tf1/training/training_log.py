"""What a training writes down and prints of its steps and epochs."""

import contextlib
import math
import sys
import time

from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common.console import OutputError
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.training import epoch_metrics
from cifar10_tf1.training import summaries
from cifar10_tf1.training.progress import Progress
from cifar10_tf1.training.step_losses import StepLosses


class TrainingLog:
    """Losses, metrics, the original's lines, the progress bar, event files.

    Attributes:
      loss: float32, nats, of the latest step of this process, or None.
    """

    def __init__(self, run, system, plan, session, graph, data_set, prefix):
        """
        Args:
          run: run.Run.
          system: systems.base.System.
          plan: plan.Plan of an epoch.
          session: tf.Session of the graph.
          graph: TrainingGraph of train.py.
          data_set: data.data_set.DataSet.
          prefix: str, before every printed figure.
        """
        self._run, self._system, self._plan = run, system, plan
        self._session, self._graph, self._prefix = session, graph, prefix
        self._metrics = epoch_metrics.Measures(session, graph, data_set)
        self._seconds = 0.0  # of the steps of the part under way
        self.loss = None

    def begin(self, step, last_step, losses_digest):
        """Opens the files.

        Args:
          step: int, updates done.
          last_step: int, of the run.
          losses_digest: str, of the losses at that step; None if not known.
        Raises:
          UserError: a file can't be written.
        """
        run, folder = self._run, self._run.folder
        self._progress = Progress(self._plan.batch_sizes, run.settings.epochs,
                                  last_step, self._prefix)
        self._losses = StepLosses(folder.path, step, losses_digest)
        if self._losses.damaged:
            print(f'warning: the losses of the first {step} steps are not those '
                  'that were saved; they are unknown from here on',
                  file=sys.stderr, flush=True)
        self._summaries = (
            summaries.NoSummaries() if run.options.no_summaries else
            summaries.Summaries(folder.path, self._graph, self._system, step))
        self._started = self._ended = time.perf_counter()
        self._print(self._system.format_start(run.settings.train_files))

    @property
    def seconds(self):
        """float, from the beginning to the latest step."""
        return self._ended - self._started

    @contextlib.contextmanager
    def part(self, step, read_images):
        """Surrounds the steps of an epoch, or of a part of it.

        Args:
          step: int, updates done.
          read_images: function that returns the part's first images and leaves the
            input as it found it.
        """
        self._seconds = 0.0
        self._summaries.start_epoch(self._session, read_images, step)
        with self._progress.bar(step):
            yield

    def begin_step(self, step):
        """Precedes an update.

        Args:
          step: int, updates done.
        """
        self._summaries.before_step(self._session, step)
        self._step_started = time.perf_counter()

    def end_step(self, step, loss):
        """Notes the loss of an update.

        Args:
          step: int, updates done, this one included.
          loss: float32, nats.
        Raises:
          UserError: the loss is not finite.
        """
        self._ended = time.perf_counter()
        seconds = self._ended - self._step_started
        if not math.isfinite(loss):
            raise self.describe_failure(f'the loss is {loss}', step)
        self.loss = loss
        self._losses.append(loss)
        self._seconds += seconds
        self._summaries.after_step(step, loss, seconds)
        self._progress.advance(step, loss)
        self._print_or_stop(self._system.format_step(step, loss, seconds))

    def end_part(self, step):
        """Measures the network and records the part of an epoch that has ended.

        Args:
          step: int, updates done.
        Returns:
          dict, the record's entry; for print_part.
        """
        plan, epoch = self._plan, (step - 1) // self._plan.num_steps
        number = plan.ends.index(step - epoch * plan.num_steps)
        first_step = epoch * plan.num_steps + (plan.ends[number - 1] if number else 0)
        loss, num_unknown = self._losses.sum(first_step, step)
        entry = {'epoch': epoch + 1, 'step': step, 'summed_loss': loss,
                 'learning_rate': float(self._session.run(self._graph.learning_rate)),
                 'seconds': round(self._seconds, 2)}
        if plan.reporting_points:
            entry['part'] = plan.reporting_points[number][1]
        if num_unknown:
            entry['unknown_losses'] = num_unknown
        metrics = self._metrics.take(self._system.figures, number)
        self._summaries.after_epoch(step, {
            name: metrics[name] for name in self._system.figures})
        entry.update(metrics)
        self._run.folder.check_identity()
        self._run.record.add_epoch(**entry)
        return entry

    def print_part(self, entry):
        """Prints the original's lines of a part; last, so a failure loses only them."""
        self._print_or_stop(self._system.format_progress(entry))
        if 'unknown_losses' in entry:
            print(f'warning: {entry["unknown_losses"]} losses of this epoch were '
                  'not recorded and are missing in its sum', file=sys.stderr,
                  flush=True)

    def sync(self):
        """Puts the losses on disk, before a checkpoint.

        Returns:
          str, their SHA-256.
        Raises:
          UserError: they can't be written.
        """
        try:
            self._losses.sync()
        except OSError as error:
            raise UserError(
                f'cannot write to {self._run.folder.path}: {error.strerror}; free '
                'some space and start again: the run goes on from its newest '
                'checkpoint')
        return self._losses.digest()

    def close(self):
        self._summaries.close()

    def print_end(self):
        """Prints the original's last lines."""
        if self.loss is not None:
            self._print(self._system.format_last_loss(self.loss))
        self._print(self._system.format_end(self.seconds, self._count_test()))

    def print_test(self):
        """Prints the test that ends the original's training, if there is one."""
        count = self._count_test()
        if count is not None:
            self._print(self._system.format_test(count))

    def describe_failure(self, what, step):
        """The UserError for numbers that are not finite.

        Args:
          what: str, what was found.
          step: int, updates done.
        """
        rate = self._session.run(self._graph.learning_rate)
        newest = reading.find_newest(self._run.folder.path)
        return UserError(
            f'{what} at step {step}, learning rate {rate:g}; '
            + (f'a new start goes on from {newest.prefix}; to go further back, move '
               'it away' if newest else 'there is no checkpoint to go back to'))

    def _count_test(self):
        return (self._metrics.count_test()
                if self._system.tests_after_training else None)

    def _print(self, lines):
        for line in lines:
            print(line and self._prefix + line, flush=True)

    def _print_or_stop(self, lines):
        """In the middle of a training: if nothing can be printed, the run ends."""
        try:
            self._print(lines)
        except OutputError as error:
            self._run.stop.error = error
