"""The parts of a run.json, and of the .json beside a checkpoint, and their types.

A published record may have been edited, truncated or merged.
"""

import sys

from cifar10_tf1.common import limits

FORMAT = 1  # of run.json
# Figures that a training takes at its reporting points, without dropout.
LOSS = 'loss'                                # nats, on the last training batch
TRAINING_ACCURACY = 'training_accuracy'      # on the same batch
VALIDATION_ACCURACY = 'validation_accuracy'  # on the records held back
FIGURES = (LOSS, TRAINING_ACCURACY, VALIDATION_ACCURACY)


def _positive(value):
    return type(value) in (int, float) and 0 < value <= sys.float_info.max


def _share(value):
    return type(value) in (int, float) and 0 <= value <= 1


_STEP, _STEP_FROM_1 = range(limits.STEPS + 1), range(1, limits.STEPS + 1)
_EPOCHS, _FILES = range(1, limits.EPOCHS + 1), range(1, limits.FILES + 1)
_SEED, _THREADS = range(limits.SEED + 1), range(1, limits.THREADS + 1)

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
    'format': range(FORMAT, FORMAT + 1), 'system': str, 'system_settings': dict,
    'settings': _SETTINGS,
    'data': {'name': str, 'sha256': dict, 'pretrained?': (None, dict)},
    'weights': (None, {'step': _STEP, 'sha256': str}), 'not_bit_exact': [str],
    'epochs': [_EPOCH], 'tests': [_TEST], 'processes': [_PROCESS]}
CHECKPOINT = {
    'data': str, 'system?': str, 'step?': _STEP, 'seed?': _SEED, 'kernels?': str,
    'wheel?': str, 'losses?': list, 'record?': {'data': dict}}
_MISSING = object()


def check_record(content):
    """Raises ValueError if the content of a run.json is invalid."""
    check(content, _RECORD)
    if not content['processes']:
        raise ValueError('/processes is empty')
    for number, test in enumerate(content['tests']):
        if test['num_correct'] > test['num_examples']:
            raise ValueError(f'/tests/{number}/num_correct is invalid')


def check(value, expected, name=''):
    """Raises ValueError with the first part that is missing or invalid: /epochs/3/step."""
    if isinstance(expected, tuple):
        if value is not None:
            check(value, expected[1], name)
    elif isinstance(expected, list) and type(value) is list:
        for number, item in enumerate(value):
            check(item, expected[0], f'{name}/{number}')
    elif isinstance(expected, dict) and type(value) is dict:
        for key, part in expected.items():
            key, is_optional = key.rstrip('?'), key.endswith('?')
            if key in value or not is_optional:
                check(value.get(key, _MISSING), part, f'{name}/{key}')
    elif not _fits(value, expected):
        raise ValueError(f'{name or "its content"} is missing or invalid')


def _fits(value, expected):
    if isinstance(expected, range):
        return type(value) is int and value in expected
    if isinstance(expected, set):
        return type(value) is str and value in expected
    if isinstance(expected, type):
        return type(value) is expected
    return callable(expected) and expected(value)
