"""Benchmarks, a step's profile, and how many processes side by side."""

import page_tables
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import medians
from cifar10_tf1.machine import description
from page_tables import results


@page_tables.table
def build_speed():
    """Training and testing of each system: both kernels beside a plain port."""
    rows, figures = [], []
    for name, measured in _list_measured():
        first = None  # the plain port on 1.15
        for runtime, blocks in _list_runtimes(measured):
            version = runtime['wheel'].split()[1].rpartition('.')[0]
            if version == '1.15':
                first = blocks['plain']['train']
            best = 'fast' if 'fast' in blocks else 'stock'
            cells = [*_compare(blocks, 'train'),
                     medians.summarize_ratio(blocks[best]['train'], first) if first else '',
                     *_compare(blocks, 'test')]
            figures += [(name, figure) for figure in cells if figure]
            rows.append([f'`{name}`, {version}', *(
                str(figure).split(' (')[0] for figure in cells),
                f'{runtime["formulations"][best]["peak_memory_kb"] / 1e6:.1f}'])
    ratios = ['stock / plain port', 'fast / plain port']
    return [*results.format_table(
        ['system, TensorFlow', 'training, plain port, images a second', *ratios,
         'best / plain port on 1.15', 'testing, plain port, images a second', *ratios,
         'memory, GB'], rows), '', *page_tables.wrap(_describe_intervals(figures))]


def _describe_intervals(figures):
    """How far the intervals of (system, Figure) reach, inception_v3's apart."""
    def find_farthest(is_level_reached):
        return max(max(figure.high / figure.median - 1, 1 - figure.low / figure.median)
                   for unused_name, figure in figures
                   if (figure.level >= medians.LEVEL) == is_level_reached)

    names = ', '.join(dict.fromkeys(
        f'`{name}`' for name, figure in figures if figure.level < medians.LEVEL))
    return (f'Medians over alternating blocks. Intervals of at least 95 % reach '
            f'{100 * find_farthest(True):.0f} % from them at most; {names} has three '
            f'blocks, for intervals of 75 %, which reach {100 * find_farthest(False):.0f} '
            f'%.')


@page_tables.table
def build_measured_machines():
    """The machines of that table, and the systems measured on each."""
    machines = {}
    for name, measured in _list_measured():
        machine = f'{measured["cores"]} cores of ' + description.name_machine(
            {'cpu': measured['runtimes'][0]['cpu']})
        machines.setdefault(machine, {})[f'`{name}`'] = None
    return [f'- {", ".join(names)}: {machine}' for machine, names in machines.items()]


def _list_measured():
    """(system, measurement on one machine)."""
    for name in systems.NAMES:
        file = 'benchmark.json' if name == systems.DEFAULT else f'benchmark-{name}.json'
        for measured in results.load_json('bench', file):
            yield name, measured


def _list_runtimes(measured):
    """(runtime, blocks by kernels)."""
    for runtime in measured['runtimes']:
        yield runtime, {kernels: content['blocks'] for kernels, content
                        in runtime['formulations'].items()}


def _compare(blocks, kind):
    """Cells: the plain port's rate; the stock and the fast kernels' beside it."""
    plain = blocks['plain'][kind]
    return [medians.summarize(plain), *(
        medians.summarize_ratio(blocks[kernels][kind], plain) if kernels in blocks else ''
        for kernels in ('stock', 'fast'))]


@page_tables.table
def build_processes():
    """One run on each core beside one on all, round by round."""
    rows, table = results.load_rows('bench', 'processes.csv'), []
    for system in dict.fromkeys(row['system'] for row in rows):
        one, each = ({row['round']: row for row in rows if row['system'] == system
                      and (row['processes'] == '1') == is_one}
                     for is_one in (True, False))
        rounds = [number for number in one if number in each]
        # Of the first rounds the processor time was not taken.
        table.append([f'`{system}`', one[rounds[0]]['cores'], len(rounds), *(
            medians.summarize_ratio(*([float(group[number][column]) for number in rounds
                                       if one[number][column]] for group in (each, one)))
            for column in ('steps_a_second', 'cpu_seconds_a_step'))])
    return results.format_table(['system', 'cores', 'rounds', 'steps a second',
                                 'processor time of a step'], table)


@page_tables.table
def build_profile():
    """Milliseconds of a step on one core, layer by layer."""
    rows = results.load_rows('bench', 'profile.csv')
    columns = [(wheel, *what) for wheel in sorted({row['wheel'] for row in rows},
                                                  reverse=True)
               for what in (('stock', 'stock', 'ms'), ('fast', 'fast', 'ms'),
                            ('fast at the rates', 'fast', 'ms_of_arithmetic',
                             'ms_of_bytes'))]

    def sum_times(layer, wheel, kernels, *names):
        return sum(max(float(row[name]) for name in names) for row in rows
                   if (row['wheel'], row['kernels']) == (wheel, kernels)
                   and layer in (row['layer'], 'sum'))

    return results.format_table(
        ['layer', *(f'{wheel.split()[1]}, {what}' for wheel, what, *unused in columns)],
        [[layer, *(f'{sum_times(layer, wheel, *which):.1f}'
                   for wheel, unused_what, *which in columns)]
         for layer in [*dict.fromkeys(row['layer'] for row in rows), 'sum']])
