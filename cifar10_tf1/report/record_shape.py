"""Whether a run.json has inside what a report reads of it.

run_record looks at the outermost level, which is enough to go on with a run. A
report goes into every corner of a file that somebody may have edited.
"""

from cifar10_tf1.errors import UserError

_NUMBER = (int, float)
_TEXT = (str, type(None))
_SHAPE = {
    'system': str,
    'system_settings': dict,
    'settings': dict,
    'data': {'name': str, 'sha256': dict},
    'not_bit_exact': [str],
    'epochs': [{'epoch': int, 'step': int, 'summed_loss': _NUMBER}],
    'tests': [{'step': int, 'seed': int, 'crop': str, 'num_correct': int,
               'num_examples': int, 'kind': {'wheel': str}}],
    'processes': [{
        'command': str, 'started': str, 'end': _TEXT, 'from_step': int,
        'to_step': (int, type(None)), 'commit': _TEXT,
        'commit_is_clean': (bool, type(None)), 'versions': dict,
        'kind': {'wheel': str, 'kernels': str, 'device': str,
                 'intra_op_threads': int,
                 'cpu': {'name': _TEXT}}}],
}
_ABSENT = object()
_WEIGHTS = {'step': int, 'sha256': str}


def check(content, path):
    """Raises UserError where a part is missing or of another type.

    Args:
      content: dict, of a run_record.RunRecord.
      path: str, for the message.
    """
    shape = dict(_SHAPE)
    if content['weights'] is not None:
        shape['weights'] = _WEIGHTS
    misfit = _find_misfit(content, shape, '')
    if misfit is None:
        for test in content['tests']:
            if not 0 <= test['num_correct'] <= test['num_examples'] != 0:
                misfit = 'tests num_correct'
    if misfit is not None:
        raise UserError(f'{path} is damaged ({misfit} is missing or of another '
                        'type); give another, or move it away')


def _find_misfit(value, shape, name):
    """The name of the first part that doesn't fit, or None."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return name
        parts = [(value.get(key, _ABSENT), part, f'{name} {key}'.strip())
                 for key, part in shape.items()]
    elif isinstance(shape, list):
        if not isinstance(value, list):
            return name
        parts = [(item, shape[0], f'{name} {number}')
                 for number, item in enumerate(value)]
    else:
        return None if isinstance(value, shape) else name
    for part in parts:
        misfit = _find_misfit(*part)
        if misfit is not None:
            return misfit
    return None
