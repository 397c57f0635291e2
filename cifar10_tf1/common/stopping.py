"""Signals that stop training after the current step, once it is saved."""

import os
import signal

# Ctrl-C; `docker stop` and `kill`; a closed terminal; a scheduler's warning.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


class StopRequest:
    """Whether and why training must stop at the next step.

    A context manager that handles the signals. Enter it before importing TensorFlow:
    process 1 of a container ignores the SIGTERM of `docker stop` until it has a handler.

    Attributes:
      signal_number: int, the first signal received, or None.
      deferred: bool, whether the program checks `requested`. If it doesn't, a signal
        ends it at once; a second signal always does.
      error: exception that ends the run after a save, or None.
    """

    def __init__(self):
        self.deferred = False
        self.error = None
        self.signal_number = None
        self._previous = {}

    def __enter__(self):
        for number in SIGNALS:
            # Under nohup, a closed terminal must not stop the run.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *unused_exception):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @property
    def requested(self):
        return self.signal_number is not None or self.error is not None

    @property
    def name(self):
        """The signal's name, such as 'SIGTERM', or None."""
        return self.signal_number and signal.Signals(self.signal_number).name

    @property
    def exit_status(self):
        """128 plus the signal's number, as in a shell; 0 without a signal."""
        return 128 + self.signal_number if self.signal_number else 0

    def _handle(self, number, unused_frame):
        is_first = self.signal_number is None
        if is_first:
            self.signal_number = number
        if self.deferred and is_first:
            return
        if number == signal.SIGINT:
            raise SystemExit(128 + number)  # a notebook's kernel survives it
        # A bare `except:`, as in TensorFlow's import, would swallow an exception.
        os._exit(128 + number)
