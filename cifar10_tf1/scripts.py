"""Finds and imports train.py and test.py, which are outside this package."""

import functools
import importlib.util
import os

from cifar10_tf1.machine import runtime

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def path(name):
    """The path of a script, 'train' or 'test'."""
    return os.path.join(ROOT, f'{name}.py')


@functools.lru_cache(maxsize=None)
def load(name):
    """Imports a script, 'train' or 'test', and TensorFlow.

    An import statement could find the standard library's `test` instead.
    """
    runtime.load_tensorflow()
    spec = importlib.util.spec_from_file_location(f'cifar10_tf1.{name}_script', path(name))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
