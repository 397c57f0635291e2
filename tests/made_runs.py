"""Records of runs that never were, for tests of what runs say together."""

import json

from cifar10_tf1.records import record_schema, run_record
from cifar10_tf1.report import comparison
from cifar10_tf1 import systems

WHEEL = 'tensorflow-gpu 1.15.0'
# The figure of each system's curve, and steps of an epoch.
_SYSTEMS = {'deep_cnn': ('documented', 'summed_loss', 500),
            'lenet5': ('documented', 'validation_accuracy', 430),
            'laptop_cnn': ('documented_single_file', 'validation_accuracy', 180)}


def make_kind(wheel=WHEEL, model='207'):
    return {'wheel': wheel, 'wheel_sha256': None, 'kernels': 'fast', 'device': 'cpu',
            'intra_op_threads': 1, 'gpu': None,
            'cpu': {'name': 'a processor', 'family': '6', 'model': model}}


def make_test(variant, seed, num_correct, step=55000, kind=None, **others):
    return {'crop': variant, 'seed': seed, 'num_correct': num_correct,
            'num_examples': 10000, 'step': step, 'kind': kind or make_kind(),
            'data': 'cifar10', 'predictions_sha256': 'cd' * 32, **others}


def make_content(system='deep_cnn', seed=1, counts=(), factor=1.0, last_epoch=None,
                 epochs=None, kind=None, means=()):
    """A run.json's content; its curve is the documented one times a factor.

    Args:
      counts: right images of the documented test, by test seed.
      means: the same tests' means over mini-batches.
    """
    entry, kind = systems.find(system), kind or make_kind()
    name, figure, steps = _SYSTEMS[system]
    step = steps * (last_epoch or entry.num_epochs)
    data = 'mnist' if system == 'lenet5' else 'cifar10'
    curve = comparison.load_curve(system, name, figure)
    tests = [make_test(entry.variants[0], number, correct, step, kind, data=data)
             for number, correct in enumerate(counts, start=1)]
    for test, mean in zip(tests, means):
        test['mean_over_batches'] = mean
    return {
        'format': 1, 'system': system, 'system_settings': {}, 'not_bit_exact': [],
        'settings': {'seed': seed, 'epochs': epochs or entry.num_epochs,
                     'save_steps': 500, 'train_files': 1 if system == 'lenet5' else 5,
                     'device': 'cpu', 'kernels': 'fast', 'intra_op_threads': 1,
                     'inter_op_threads': 2, 'input_threads': 2},
        'data': {'name': data, 'sha256': {}}, 'tests': tests,
        'processes': [{'command': 'train.py', 'started': 'x', 'end': 'finished',
                       'from_step': 0, 'to_step': step, 'commit': None,
                       'commit_is_clean': None, 'versions': {}, 'kind': kind}],
        'epochs': [{'epoch': epoch, 'step': steps * epoch, 'seconds': 30.0,
                    'summed_loss': 5.0, figure: min(factor * value, 9999.0)}
                   for (epoch, unused_part), value in curve.items()
                   if steps * epoch <= step],
        'weights': {'step': step, 'sha256': f'{kind["wheel"]} {seed}'}}


def make_record(**options):
    """A RunRecord that is in no folder."""
    return run_record.RunRecord('', make_content(**options))


def write(folder, content):
    """Writes run.json into a folder; returns the folder."""
    record_schema.check_record(content)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / run_record.FILE).write_text(json.dumps(content))
    return folder


def write_run(folder, **options):
    return write(folder, make_content(**options))
