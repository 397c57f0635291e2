"""What is reproduced: one file for each documented result, and their catalog.

The command line needs the catalog before TensorFlow is imported; a system's own
file imports it.
"""

import importlib
from typing import NamedTuple

from cifar10_tf1.errors import UserError


class Entry(NamedTuple):
    """What is said of a system without importing TensorFlow."""
    name: str
    result: str      # for --help
    data: str        # a key of data.SOURCES
    num_epochs: int  # of the documented run
    variants: tuple  # of the test, the documented one first
    kernels: tuple   # formulations of the layers that it has


ENTRIES = (
    Entry('deep_cnn', 'CIFAR-10, 82.5 %', 'cifar10', 110,
          ('random', 'central'), ('stock', 'fast')),
    Entry('lenet5', 'MNIST, 98.4 %', 'mnist', 10, ('whole', 'validation'),
          ('stock',)),
)
NAMES = tuple(entry.name for entry in ENTRIES)
DEFAULT = NAMES[0]


def find(name):
    """The Entry of a system.

    Args:
      name: str, perhaps of a record.
    Raises:
      UserError: where there is none of that name.
    """
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise UserError(f'there is no system {name}; those that are here: '
                    + ', '.join(NAMES))


def load(name):
    """The base.System of that name; imports TensorFlow.

    Args:
      name: one of NAMES.
    """
    return importlib.import_module(f'{__name__}.{name}').SYSTEM
