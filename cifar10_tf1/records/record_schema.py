"""The parts of a run.json and their types.

A record can be published, so it may have been edited, truncated or merged.
"""

import sys

from cifar10_tf1.common import limits


def _positive(value):
    return type(value) in (int, float) and 0 < value <= sys.float_info.max


def _share(value):
    return type(value) in (int, float) and 0 <= value <= 1


def _texts(value):
    return type(value) is dict and all(
        _fits(text, str) for text in [*value, *value.values()])


_STEP, _STEP_FROM_1 = range(limits.STEPS + 1), range(1, limits.STEPS + 1)
_SEED = range(limits.SEED + 1)
_EPOCHS = range(1, limits.EPOCHS + 1)
_FILES = range(1, limits.FILES + 1)
_THREADS = range(1, limits.THREADS + 1)

# A dict has all of these keys; those with a question mark may be missing. A list has
# items of one type, a range the valid whole numbers, a set the valid texts. (None, type)
# also accepts null. A function returns whether a value is valid.
_KIND = {
    'wheel': str, 'wheel_sha256': (None, str), 'kernels': str, 'device': {'cpu', 'gpu'},
    'intra_op_threads': range(limits.THREADS + 1), 'cpu': {'name': (None, str)}}
_SETTINGS = {
    'seed': _SEED, 'epochs': _EPOCHS, 'save_steps': _STEP_FROM_1,
    'device': {'cpu', 'gpu'}, 'kernels?': (None, {'stock', 'fast'}),
    'train_files?': _FILES, 'intra_op_threads': _THREADS, 'inter_op_threads': _THREADS,
    'input_threads': _THREADS}
_EPOCH = {
    'epoch': _EPOCHS, 'step': _STEP_FROM_1, 'summed_loss': _positive, 'part?': _FILES,
    'loss?': _positive, 'training_accuracy?': _share, 'validation_accuracy?': _share}
_TEST = {
    'step': _STEP, 'seed': _SEED, 'crop': str, 'num_correct': range(limits.IMAGES + 1),
    'mean_over_batches?': _share, 'num_examples': range(1, limits.IMAGES + 1),
    'kind': {'wheel': str}}
_PROCESS = {
    'command': str, 'started': str, 'end': (None, str), 'from_step': _STEP,
    'to_step': (None, _STEP), 'commit': (None, str), 'commit_is_clean': (None, bool),
    'versions': dict, 'kind': _KIND}
_RECORD = {
    'system': str, 'system_settings': dict, 'settings': _SETTINGS,
    'data': {'name': str, 'sha256': _texts, 'pretrained?': (None, dict)},
    'weights': (None, {'step': _STEP, 'sha256': str}), 'not_bit_exact': [str],
    'epochs': [_EPOCH], 'tests': [_TEST], 'processes': [_PROCESS]}


def find_misfit(content):
    """The first part that is missing or invalid, as 'epochs 3 summed_loss', or None."""
    expected = dict(_RECORD)
    if content.get('processes') == []:  # no training has begun
        expected['settings'] = expected['data'] = lambda value: value == {}
    misfit = _find_misfit(content, expected, '')
    if misfit is not None:
        return misfit
    for number, test in enumerate(content['tests']):
        if test['num_correct'] > test['num_examples']:
            return f'tests {number} num_correct'
    for keys in (['step'], ['epoch', 'part']):
        numbers = [[epoch.get(key, 0) for key in keys] for epoch in content['epochs']]
        if any(one >= other for one, other in zip(numbers, numbers[1:])):
            return f'epochs: the order of their {keys[0]}s'
    return None


def _find_misfit(value, expected, name):
    if isinstance(expected, tuple):
        return None if value is None else _find_misfit(value, expected[1], name)
    if not isinstance(expected, (dict, list)):
        return None if _fits(value, expected) else name
    if type(value) is not type(expected):
        return name
    if isinstance(expected, list):
        parts = [(number, item, expected[0]) for number, item in enumerate(value)]
    else:
        missing = [key for key in expected
                   if not key.endswith('?') and key not in value]
        if missing:
            return f'{name} {missing[0]}'.strip()
        parts = [(key.rstrip('?'), value[key.rstrip('?')], part)
                 for key, part in expected.items() if key.rstrip('?') in value]
    return next(filter(None, (_find_misfit(item, part, f'{name} {key}'.strip())
                              for key, item, part in parts)), None)


def _fits(value, expected):
    if expected is str:  # without control characters, which a terminal would obey
        return type(value) is str and value.isprintable()
    if isinstance(expected, type):
        return type(value) is expected
    if isinstance(expected, range):
        return type(value) is int and value in expected
    if isinstance(expected, set):
        return type(value) is str and value in expected
    return expected(value)
