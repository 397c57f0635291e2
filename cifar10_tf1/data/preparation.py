"""The lock of a data folder."""

import os
import sys

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import explained

LOCK_NAME = '.preparing.lock'


def prepare(folder, is_present, action, option='--data-dir'):
    """Calls an action that fills a folder, unless `is_present()`, in one process only."""
    if is_present():
        return
    with explained(f'prepare data in {folder}', option):
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, LOCK_NAME)
        try:
            lock = files.Lock(path)
        except BlockingIOError:
            print(f'Waiting for another process that has locked {path}', file=sys.stderr)
            lock = files.Lock(path, wait=True)
    with lock:
        if not is_present():  # the other process may have filled it
            action()
