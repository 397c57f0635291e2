"""Recorded runs with other seeds, tests and losses, for tests of what runs say together."""

import json
import os

from cifar10_tf1 import systems
from cifar10_tf1.common import record_schema
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.report import comparison


def make_kind(wheel='tensorflow-gpu 1.15.0', model='207', kernels='fast'):
    return {'wheel': wheel, 'wheel_sha256': None, 'kernels': kernels, 'device': 'cpu',
            'intra_op_threads': 1, 'gpu': None,
            'cpu': {'name': 'a processor', 'family': '6', 'model': model}}


def make_test(variant, seed, num_correct, step=55000, kind=None, data='cifar10'):
    return {'crop': variant, 'seed': seed, 'num_correct': num_correct, 'step': step,
            'num_examples': 10000, 'kind': kind or make_kind(), 'data': data}


def make_content(system='deep_cnn', seed=1, counts=(), factor=1.0, last_epoch=None,
                 epochs=None, kind=None):
    """A run.json's content: documented losses times a factor; correct images by test seed."""
    entry, kind = systems.find(system), kind or make_kind()
    content = run_record.load_folder(
        os.path.join(reference_run.RUNS, system, '1.15-seed-01')).content
    documented = comparison.load_curve(system, 'documented', 'summed_loss')
    content['epochs'] = [epoch for epoch in content['epochs']
                         if epoch['epoch'] <= (last_epoch or entry.num_epochs)]
    for epoch in content['epochs']:
        if (epoch['epoch'], 1) in documented:
            epoch['summed_loss'] = factor * documented[epoch['epoch'], 1]
    step = content['epochs'][-1]['step']
    content['settings'].update(seed=seed, epochs=epochs or entry.num_epochs)
    content['processes'][0]['kind'] = kind
    content['weights'] = {'step': step, 'sha256': f'{kind["wheel"]} {seed}'}
    content['tests'] = [
        make_test(entry.variants[0], number, correct, step, kind, content['data']['name'])
        for number, correct in enumerate(counts, start=1)]
    return content


def make_record(**options):
    """A RunRecord that is in no folder."""
    return run_record.RunRecord('', make_content(**options))


def write_run(folder, content=None, **options):
    """Writes a run.json into a folder; returns the folder."""
    content = content or make_content(**options)
    record_schema.check_record(content)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / run_record.FILE).write_text(json.dumps(content))
    return folder
