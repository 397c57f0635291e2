"""The loss of every step, kept beside the checkpoints.

An epoch prints the sum of its 500 losses. A run that is interrupted in the middle
of it still prints the same sum, to the bit, because the losses before the restored
step are in this file: one little-endian float32 a step, step 1 first.
"""

import hashlib
import os

import numpy as np

from cifar10_tf1.common import files

FILE = 'step_losses.f32'
_DTYPE = np.dtype('<f4')


class StepLosses:

    def __init__(self, folder, step, digest=None):
        """Reads the losses up to a restored step.

        Losses of steps that another program made are NaN. So are all of them if the
        file differs from what it was at that step.

        Args:
          folder: str, the model folder.
          step: int, the global step that the run goes on from.
          digest: str, the result of `digest` at that step; None: not known.
        """
        self._path = os.path.join(folder, FILE)
        known = np.fromfile(self._path, _DTYPE)[:step] if os.path.exists(
            self._path) else np.zeros(0, _DTYPE)
        self.damaged = digest not in (None, _digest(known.tobytes()))
        if self.damaged:
            known = known[:0]
        self._losses = known.tolist() + [float('nan')] * (step - len(known))

    def append(self, loss):
        self._losses.append(loss)

    def sync(self):
        """Puts the losses on disk; call it before each checkpoint."""
        files.write_atomically(self._path, self._to_bytes())

    def digest(self):
        """SHA-256 of the losses so far, as sync writes them."""
        return _digest(self._to_bytes())

    def sum(self, first_step, last_step):
        """The sum over steps first_step + 1 ... last_step in double precision.

        Returns:
          (sum, number of unknown losses, which it leaves out): float, int.
        """
        losses = np.asarray(self._losses[first_step:last_step], np.float64)
        unknown = np.isnan(losses)
        return float(losses[~unknown].sum()), int(unknown.sum())

    def _to_bytes(self):
        return np.asarray(self._losses, _DTYPE).tobytes()


def _digest(content):
    return hashlib.sha256(content).hexdigest()
