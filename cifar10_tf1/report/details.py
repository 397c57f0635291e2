"""The sections on a single run that need only its record."""

import json
import math

from cifar10_tf1.machine import description
from cifar10_tf1.report import gathering
from cifar10_tf1.report.document import count, Section, Sentence, Table

_Z = 1.959964  # normal quantile of a two-sided 95 % interval


def describe_run(record):
    """The Sections on a RunRecord."""
    content, process = record.content, record.content['processes'][-1]
    kind, weights = process['kind'], content['weights'] or {}
    differences = content['not_bit_exact']
    settings = {name: part for name, part in content.items() if name != 'epochs'}
    return [
        Section('Settings, machine and hashes', [
            Sentence('Training:', f'{count(gathering.count_epochs(record), "epoch")} in '
                     f'{count(len(content["processes"]), "process")}, {kind["wheel"]}, '
                     f'{kind["kernels"]} kernels, {kind["device"]}, '
                     f'{description.name_machine(kind)}.'),
            Sentence('Commit:', description.format_commit(
                process['commit'], process['commit_is_clean'])),
            Sentence('Repeatable to the bit on this kind of machine:',
                     'no: ' + '; '.join(differences) if differences else 'yes',
                     False if differences else None),
            Sentence(f'Weights at step {weights.get("step", "unknown")}:',
                     f'SHA-256 {weights.get("sha256", "unknown")}')],
            code=json.dumps(settings, indent=2, ensure_ascii=False)),
        Section('Tests', tables=[Table(
            ['test', 'correct', 'accuracy', '95 % interval', 'step'],
            [(f'{test["crop"]}, seed {test["seed"]}, '
              f'{gathering.name_runtime(test["kind"]["wheel"])}',
              *format_share(test['num_correct'], test['num_examples']),
              f'{test["step"]:,}') for test in sorted(
                content['tests'],
                key=lambda test: (-test['step'], test['crop'], test['seed']))],
            'The numbers')])]


def format_share(num_correct, num_examples):
    """Three cells: '8,206 of 10,000', '82.06 %' and the 95 % interval of the share."""
    low, high = compute_interval(num_correct, num_examples)
    return (f'{num_correct:,} of {num_examples:,}',
            f'{100 * num_correct / num_examples:.2f} %',
            f'{100 * low:.2f} to {100 * high:.2f} %')


def compute_interval(num_correct, num_examples):
    """Wilson's 95 % interval for a share: (low, high), in 0..1."""
    share, z2 = num_correct / num_examples, _Z * _Z
    middle = (share + z2 / (2 * num_examples)) / (1 + z2 / num_examples)
    half = _Z / (1 + z2 / num_examples) * math.sqrt(
        share * (1 - share) / num_examples + z2 / (4 * num_examples ** 2))
    return max(0.0, middle - half), min(1.0, middle + half)
