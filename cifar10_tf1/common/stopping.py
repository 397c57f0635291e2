"""SIGINT and SIGTERM: finish the step, save, say where to go on.

Installed before TensorFlow is imported: as process 1 of a container a program
ignores SIGTERM until it has a handler, and `docker stop` sends that.
"""

import os
import signal


class StopRequest:
    """Remembers the first signal; the second one ends the process at once."""

    def __init__(self):
        self.signal_number = None
        self.deferred = False  # True: the loop stops by itself, after a save

    def install(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)
        return self

    @property
    def requested(self):
        return self.signal_number is not None

    @property
    def name(self):
        """'SIGINT', 'SIGTERM' or None."""
        return signal.Signals(self.signal_number).name if self.requested else None

    @property
    def exit_status(self):
        """130 for SIGINT, 143 for SIGTERM, as a shell reports them."""
        return 128 + self.signal_number if self.requested else 0

    def _handle(self, number, unused_frame):
        if self.requested or not self.deferred:
            # Nothing to save yet, or the user insists.
            os._exit(128 + number)
        self.signal_number = number
