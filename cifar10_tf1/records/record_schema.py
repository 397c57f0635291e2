"""Whether a run.json has inside what the programs read of it.

A record is made to be published, and so to be edited, cut off and joined: it is
looked at whole, once, where it is read.
"""

import sys
from typing import Any
from typing import NamedTuple

from cifar10_tf1.common import limits


class _Whole(NamedTuple):
    """A whole number of a range; `optional` takes null too."""
    low: int
    high: int
    optional: bool = False


class _Positive(NamedTuple):
    """A finite number above 0, whole or not."""
    optional: bool = False


class _Share(NamedTuple):
    """A number from 0 to 1."""
    optional: bool = False


class _Text(NamedTuple):
    optional: bool = False
    choices: tuple = ()


class _Bool(NamedTuple):
    optional: bool = False


class _Dict(NamedTuple):
    """Whatever is in it."""
    optional: bool = False


class _Empty(NamedTuple):
    """A dict."""
    optional: bool = False


class _MayLack(NamedTuple):
    """Of a dict: the first records lack it, or those of some systems."""
    shape: Any


_ABSENT = object()

_MAX_DEPTH = 10  # of lists and dicts in each other; the deepest is of 5

_STEP = _Whole(0, limits.STEPS)
_KIND = {
    'wheel': _Text(), 'wheel_sha256': _Text(optional=True), 'kernels': _Text(),
    'device': _Text(choices=('cpu', 'gpu')),
    'intra_op_threads': _Whole(0, limits.THREADS),
    'cpu': {'name': _Text(optional=True)},
}
# What a user can choose; all of it is known once a process has begun.
_SETTINGS = {
    'seed': _Whole(0, limits.SEED),
    'epochs': _Whole(1, limits.EPOCHS),
    'save_steps': _Whole(1, limits.STEPS),
    'device': _Text(choices=('cpu', 'gpu')),
    'kernels': _MayLack(_Text(optional=True, choices=('stock', 'fast'))),
    'train_files': _MayLack(_Whole(1, limits.FILES)),
    'intra_op_threads': _Whole(1, limits.THREADS),
    'inter_op_threads': _Whole(1, limits.THREADS),
    'input_threads': _Whole(1, limits.THREADS),
}
_SHAPE = {
    'system': _Text(),
    'system_settings': _Dict(),
    'settings': _SETTINGS,
    'data': {'name': _Text(), 'sha256': _Dict(),
             'pretrained': _MayLack(_Dict(optional=True))},
    'weights': _Dict(optional=True),
    'not_bit_exact': [_Text()],
    'epochs': [{
        'epoch': _Whole(1, limits.EPOCHS), 'step': _Whole(1, limits.STEPS),
        'summed_loss': _Positive(), 'part': _MayLack(_Whole(1, limits.FILES)),
        'loss': _MayLack(_Positive()), 'training_accuracy': _MayLack(_Share()),
        'validation_accuracy': _MayLack(_Share())}],
    'tests': [{
        'step': _STEP, 'seed': _Whole(0, limits.SEED), 'crop': _Text(),
        'num_correct': _Whole(0, limits.IMAGES),
        'mean_over_batches': _MayLack(_Share()),
        'num_examples': _Whole(1, limits.IMAGES), 'kind': {'wheel': _Text()}}],
    'processes': [{
        'command': _Text(), 'started': _Text(), 'end': _Text(optional=True),
        'from_step': _STEP, 'to_step': _Whole(0, limits.STEPS, optional=True),
        'commit': _Text(optional=True), 'commit_is_clean': _Bool(optional=True),
        'versions': _Dict(), 'kind': _KIND}],
}
_WEIGHTS = {'step': _STEP, 'sha256': _Text()}


def find_misfit(content):
    """The name of the first part that is missing or not what it has to be.

    Args:
      content: dict, of a run.json.
    Returns:
      str such as 'epochs 3 summed_loss', or None.
    """
    shape = dict(_SHAPE)
    if content.get('weights') is not None:
        shape['weights'] = _WEIGHTS
    # A record that was made, and of which no process has begun, has neither.
    if content.get('processes') == []:
        shape.update(settings=_Empty(), data=_Empty())
    misfit = (_find_misfit(content, shape, '')
              or _find_unprintable(content, '', _MAX_DEPTH))
    if misfit is None:
        for number, test in enumerate(content['tests']):
            if test['num_correct'] > test['num_examples']:
                return f'tests {number} num_correct'
        for name, keys in (('step', ['step']), ('epoch', ['epoch', 'part'])):
            numbers = [[epoch.get(key, 0) for key in keys]
                       for epoch in content['epochs']]
            if any(one >= other for one, other in zip(numbers, numbers[1:])):
                return f'epochs: the order of their {name}s'
    return misfit


def _find_misfit(value, shape, name):
    if type(shape) is dict:
        if not isinstance(value, dict):
            return name
        parts = [(value.get(key, _ABSENT),
                  part.shape if isinstance(part, _MayLack) else part,
                  f'{name} {key}'.strip())
                 for key, part in shape.items()
                 if key in value or not isinstance(part, _MayLack)]
    elif type(shape) is list:
        if not isinstance(value, list):
            return name
        parts = [(item, shape[0], f'{name} {number}')
                 for number, item in enumerate(value)]
    else:
        return None if _fits(value, shape) else name
    for part in parts:
        misfit = _find_misfit(*part)
        if misfit is not None:
            return misfit
    return None


def _fits(value, shape):
    if value is None:
        return shape.optional
    if isinstance(shape, _Whole):
        return type(value) is int and shape.low <= value <= shape.high
    if isinstance(shape, _Positive):
        return type(value) in (int, float) and 0 < value <= sys.float_info.max
    if isinstance(shape, _Share):
        return type(value) in (int, float) and 0 <= value <= 1
    if isinstance(shape, _Text):
        return type(value) is str and (not shape.choices
                                       or value in shape.choices)
    if isinstance(shape, _Empty):
        return value == {}
    return type(value) is (bool if isinstance(shape, _Bool) else dict)


def _find_unprintable(value, name, depth):
    """The part with a text that a terminal would obey, or that can't be written.

    A line feed too: what follows it would pass for a line of the program.
    """
    if isinstance(value, str):
        return None if value.isprintable() else name
    if not isinstance(value, (dict, list)):
        return None
    if not depth:
        return name
    for key, part in (value.items() if isinstance(value, dict)
                      else enumerate(value)):
        if not str(key).isprintable():
            return f'{name} {ascii(key)}'.strip()
        misfit = _find_unprintable(part, f'{name} {key}'.strip(), depth - 1)
        if misfit is not None:
            return misfit
    return None
