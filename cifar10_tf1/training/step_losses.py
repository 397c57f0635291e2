"""The loss of every step, kept beside the checkpoints.

An epoch prints the sum of its 500 losses; a run that was interrupted in the
middle of it prints the same sum, to the bit, because the losses before the
restored step are still there. One little-endian float32 a step, step 1 first.
"""

import hashlib
import os

import numpy as np

FILE = 'step_losses.f32'
_DTYPE = np.dtype('<f4')


class StepLosses:

    def __init__(self, folder, step, digest=None):
        """Opens the file and cuts it back to a restored step.

        Steps that another program made have no loss here: they are NaN. So are
        all where the file is not what it was at that step.

        Args:
          folder: str, the model folder.
          step: int, the global step that the run goes on from.
          digest: str, what `digest` was at that step; None where it is not known.
        """
        path = os.path.join(folder, FILE)
        known = np.fromfile(path, _DTYPE)[:step] if os.path.exists(path) else []
        self.damaged = digest not in (None, _digest(known))
        if self.damaged:
            known = []
        self._file = open(path, 'r+b' if os.path.exists(path) else 'w+b')
        self._losses = list(known) + [np.float32('nan')] * (step - len(known))
        self._file.write(np.asarray(self._losses, _DTYPE).tobytes())
        self._file.truncate()
        self._num_written = step

    def append(self, loss):
        self._losses.append(np.float32(loss))

    def sync(self):
        """Puts the losses on disk; before each checkpoint."""
        new = self._losses[self._num_written:]
        self._file.write(np.asarray(new, _DTYPE).tobytes())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._num_written = len(self._losses)

    def digest(self):
        """SHA-256 of the losses so far, as they are in the file."""
        return _digest(self._losses)

    def sum(self, first_step, last_step):
        """The sum over steps first_step + 1 ... last_step in double precision.

        Returns:
          (sum, number of steps whose loss is unknown and left out): float, int.
        """
        losses = np.asarray(self._losses[first_step:last_step], np.float64)
        unknown = np.isnan(losses)
        return float(losses[~unknown].sum()), int(unknown.sum())

    def close(self):
        self._file.close()


def _digest(losses):
    return hashlib.sha256(np.asarray(losses, _DTYPE).tobytes()).hexdigest()
