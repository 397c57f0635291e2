"""What is reproduced: one file for each documented result.

The command line needs the names before TensorFlow is imported; a system's own
file imports it.
"""

import importlib

DEFAULT = 'deep_cnn'
NAMES = (DEFAULT,)


def load(name):
    """The base.System of that name; imports TensorFlow.

    Args:
      name: one of NAMES.
    """
    return importlib.import_module(f'{__name__}.{name}').SYSTEM
