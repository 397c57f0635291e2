"""Benchmarks, a step's profile, and how many processes side by side."""

import page_tables
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import medians
from cifar10_tf1.machine import description
from page_tables import results


@page_tables.table
def build_training_speed():
    """Training of each system: stock and fast kernels beside a plain port."""
    lines = ['| system | runtime | plain port, images a second | stock, times that | '
             'fast, times that | the fastest, times the port on 1.15 | the fastest, of a '
             'matrix product\'s rate |', '|---' * 7 + '|']
    for name, runtime, blocks, first in _list_measured():
        fastest = blocks.get('fast', blocks['stock'])['train']
        flops = [rate * systems.find(name).image_gflop for rate in fastest]
        lines.append(_join_row(
            f'`{name}`', runtime['wheel'], *_compare(blocks, 'train'),
            medians.summarize_ratio(fastest, first['train']) if first else '',
            medians.summarize_ratio(flops, runtime['matmul_gflops'])))
    return lines


@page_tables.table
def build_testing_speed():
    lines = ['| system | runtime | plain port, images a second | stock, times that | '
             'fast, times that |', '|---' * 5 + '|']
    for name, runtime, blocks, unused_first in _list_measured():
        lines.append(_join_row(f'`{name}`', runtime['wheel'], *_compare(blocks, 'test')))
    return lines


@page_tables.table
def build_measured_machines():
    """The machines of the two tables, and the systems measured on each."""
    machines = {}
    for entry in systems.ENTRIES:
        for measured in results.load_benchmark(_name_file(entry.name)):
            machine = f'{measured["cores"]} cores of ' + description.name_machine(
                {'cpu': measured['runtimes'][0]['cpu']})
            machines.setdefault(machine, {})[f'`{entry.name}`'] = None
    return [f'- {", ".join(names)}: {machine}' for machine, names in machines.items()]


def _name_file(name):
    return 'benchmark.json' if name == systems.DEFAULT else f'benchmark-{name}.json'


def _list_measured():
    """(system, runtime, blocks by kernels, the plain port's on 1.15 or None)."""
    for entry in systems.ENTRIES:
        for measured in results.load_benchmark(_name_file(entry.name)):
            first = None
            for runtime in measured['runtimes']:
                blocks = {kernels: content['blocks'] for kernels, content
                          in runtime['formulations'].items()}
                if runtime['wheel'].split()[1].startswith('1.15'):
                    first = blocks['plain']
                yield entry.name, runtime, blocks, first


def _compare(blocks, kind):
    """Cells: the plain port's rate; the stock and the fast kernels' beside it."""
    plain = blocks['plain'][kind]
    return [medians.summarize(plain), *(
        medians.summarize_ratio(blocks[kernels][kind], plain) if kernels in blocks else ''
        for kernels in ('stock', 'fast'))]


def _join_row(*cells):
    return '| ' + ' | '.join(map(str, cells)) + ' |'


@page_tables.table
def build_processes():
    """One run on each core beside one on all, round by round."""
    rows = results.load_rows('bench', 'processes.csv')
    lines = ['| system | cores | rounds | steps a second | processor time of a '
             'step |', '|---' * 5 + '|']
    for system in dict.fromkeys(row['system'] for row in rows):
        one, each = ({row['round']: row for row in rows if row['system'] == system
                      and (row['processes'] == '1') == is_one}
                     for is_one in (True, False))
        rounds = [number for number in one if number in each]
        # Of the first rounds the processor time was not taken.
        cells = [medians.summarize_ratio(*([float(group[number][column])
                                            for number in rounds
                                            if one[number][column]]
                                           for group in (each, one)))
                 for column in ('steps_a_second', 'cpu_seconds_a_step')]
        lines.append(f'| `{system}` | {one[rounds[0]]["cores"]} | {len(rounds)} | '
                     + ' | '.join(map(str, cells)) + ' |')
    return lines


@page_tables.table
def build_profile():
    """Milliseconds of a step on one core, layer by layer."""
    rows = results.load_rows('bench', 'profile.csv')
    wheels = sorted({row['wheel'] for row in rows}, reverse=True)

    def sum_times(wheel, kernels, layer, *columns):
        return sum(max(float(row[column]) for column in columns) for row in rows
                   if (row['wheel'], row['kernels']) == (wheel, kernels)
                   and layer in (row['layer'], 'sum'))

    lines = ['| layer | ' + ' | '.join(
        f'{wheel.split()[1]}, {what}' for wheel in wheels
        for what in ('stock', 'fast', 'fast at the rates')) + ' |',
             '|---' * (1 + 3 * len(wheels)) + '|']
    for layer in [*dict.fromkeys(row['layer'] for row in rows), 'sum']:
        lines.append(_join_row(layer, *(
            f'{sum_times(wheel, kernels, layer, *columns):.1f}' for wheel in wheels
            for kernels, *columns in (('stock', 'ms'), ('fast', 'ms'),
                                      ('fast', 'ms_of_arithmetic', 'ms_of_bytes')))))
    return lines
