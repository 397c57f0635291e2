"""Signals that end a program: finish the step, save, say where to go on.

Installed before TensorFlow is imported: as process 1 of a container a program
ignores SIGTERM until it has a handler, and `docker stop` sends that.
"""

import signal

# Ctrl-C; `docker stop`, `kill`; a closed terminal; a scheduler's warning.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


class StopRequest:
    """Why a training has to stop at the next step, if it has to.

    Attributes:
      signal_number: int of the first signal, or None.
      deferred: bool, whether the program looks at `requested` itself. Until then a
        signal ends it at once, and so does a second signal.
      error: the exception that ends the run after a save, or None.
    """

    def __init__(self):
        self.deferred = False
        self.error = None
        self.signal_number = None
        self._previous = {}

    def install(self):
        for number in SIGNALS:
            # nohup ignores SIGHUP, and so do we then.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def uninstall(self):
        """Gives the signals back to whoever had them."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    @property
    def requested(self):
        return self.signal_number is not None or self.error is not None

    @property
    def name(self):
        """The signal's name, such as 'SIGTERM', or None."""
        return self.signal_number and signal.Signals(self.signal_number).name

    @property
    def exit_status(self):
        """128 and the signal's number, as a shell reports it; 0 without one."""
        return 128 + self.signal_number if self.signal_number else 0

    def _handle(self, number, unused_frame):
        is_first = self.signal_number is None
        self.signal_number = number
        if not (self.deferred and is_first):
            raise SystemExit(128 + number)
