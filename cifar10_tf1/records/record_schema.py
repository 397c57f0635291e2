"""Which parts a run.json has, and their types.

A record is made to be published, and so to be edited, cut off and joined: it is
checked once, as a whole, when it is read.
"""

import sys

from cifar10_tf1.common import limits


def _text(value):
    """A text that a terminal prints and does not obey."""
    return type(value) is str and value.isprintable()


def _texts(value):
    """A dict of names to texts."""
    return type(value) is dict and all(map(_text, [*value, *value.values()]))


def _dict(value):
    return type(value) is dict


def _flag(value):
    return type(value) is bool


def _positive(value):
    return type(value) in (int, float) and 0 < value <= sys.float_info.max


def _share(value):
    return type(value) in (int, float) and 0 <= value <= 1


def _whole(low, high):
    return lambda value: type(value) is int and low <= value <= high


def _one_of(*choices):
    return lambda value: type(value) is str and value in choices


def _or_null(check):
    return lambda value: value is None or check(value)


_STEP = _whole(0, limits.STEPS)
_DEVICE = _one_of('cpu', 'gpu')
_THREADS = _whole(1, limits.THREADS)

# A dict has each of these keys, but those with a question mark may be absent; a
# list has items of one type; a function says whether a value fits.
_KIND = {
    'wheel': _text, 'wheel_sha256': _or_null(_text), 'kernels': _text,
    'device': _DEVICE, 'intra_op_threads': _whole(0, limits.THREADS),
    'cpu': {'name': _or_null(_text)}}
_SETTINGS = {
    'seed': _whole(0, limits.SEED), 'epochs': _whole(1, limits.EPOCHS),
    'save_steps': _whole(1, limits.STEPS), 'device': _DEVICE,
    'kernels?': _or_null(_one_of('stock', 'fast')),
    'train_files?': _whole(1, limits.FILES), 'intra_op_threads': _THREADS,
    'inter_op_threads': _THREADS, 'input_threads': _THREADS}
_EPOCH = {
    'epoch': _whole(1, limits.EPOCHS), 'step': _whole(1, limits.STEPS),
    'summed_loss': _positive, 'part?': _whole(1, limits.FILES), 'loss?': _positive,
    'training_accuracy?': _share, 'validation_accuracy?': _share}
_TEST = {
    'step': _STEP, 'seed': _whole(0, limits.SEED), 'crop': _text,
    'num_correct': _whole(0, limits.IMAGES), 'mean_over_batches?': _share,
    'num_examples': _whole(1, limits.IMAGES), 'kind': {'wheel': _text}}
_PROCESS = {
    'command': _text, 'started': _text, 'end': _or_null(_text), 'from_step': _STEP,
    'to_step': _or_null(_STEP), 'commit': _or_null(_text),
    'commit_is_clean': _or_null(_flag), 'versions': _dict, 'kind': _KIND}
_RECORD = {
    'system': _text, 'system_settings': _dict, 'settings': _SETTINGS,
    'data': {'name': _text, 'sha256': _texts, 'pretrained?': _or_null(_dict)},
    'weights': {'step': _STEP, 'sha256': _text}, 'not_bit_exact': [_text],
    'epochs': [_EPOCH], 'tests': [_TEST], 'processes': [_PROCESS]}


def find_misfit(content):
    """The name of the first part that is missing or has another type.

    Args:
      content: dict, of a run.json.
    Returns:
      str such as 'epochs 3 summed_loss', or None.
    """
    expected = dict(_RECORD)
    if content.get('weights', 0) is None:
        del expected['weights']
    if content.get('processes') == []:  # no training has begun
        expected['settings'] = expected['data'] = lambda value: value == {}
    misfit = _find_misfit(content, expected, '')
    if misfit is not None:
        return misfit
    for number, test in enumerate(content['tests']):
        if test['num_correct'] > test['num_examples']:
            return f'tests {number} num_correct'
    for keys in (['step'], ['epoch', 'part']):
        numbers = [[epoch.get(key, 0) for key in keys]
                   for epoch in content['epochs']]
        if any(one >= other for one, other in zip(numbers, numbers[1:])):
            return f'epochs: the order of their {keys[0]}s'
    return None


def _find_misfit(value, expected, name):
    if callable(expected):
        return None if expected(value) else name
    if type(value) is not type(expected):
        return name
    if isinstance(expected, list):
        parts = [(number, item, expected[0]) for number, item in enumerate(value)]
    else:
        parts = []
        for key, part in expected.items():
            known = key.rstrip('?')
            if known in value:
                parts.append((known, value[known], part))
            elif known == key:
                return f'{name} {key}'.strip()
    return next(filter(None, (_find_misfit(item, part, f'{name} {key}'.strip())
                              for key, item, part in parts)), None)
