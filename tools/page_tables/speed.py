"""Benchmarks, a step's profile, and how many processes side by side."""

import statistics

from cifar10_tf1 import systems
from cifar10_tf1.benchmark import medians
from cifar10_tf1.machine import description
from page_tables import format_table, load_json, load_rows, table, wrap


def load_benchmarks():
    """(system, machine, version, formulations, the plain port's rates on 1.15 or None)."""
    for name in systems.NAMES:
        suffix = '' if name == systems.DEFAULT else f'-{name}'
        for measured in load_json(f'results/bench/benchmark{suffix}.json'):
            first = None
            for runtime in measured['runtimes']:
                machine = description.name_machine({'cpu': runtime['cpu']})
                version = runtime['wheel'].split()[1].rpartition('.')[0]
                found = runtime['formulations']
                if version == '1.15':
                    first = found['plain']['blocks']['train']
                yield (name, f'{measured["cores"]} cores of {machine}', version, found, first)


@table
def build_speed():
    """Training and testing of each system: both kernels beside a plain port."""
    rows, figures, machines = [], [], {}
    for name, machine, version, found, first in load_benchmarks():
        best = found.get('fast', found['stock'])
        cells = [*compare_rates(found, 'train'),
                 first and medians.summarize_ratio(best['blocks']['train'], first),
                 *compare_rates(found, 'test')]
        rows.append([f'`{name}`, {version}', *(
            str(figure or '').split(' (')[0] for figure in cells),
            f'{best["peak_memory_kb"] / 1e6:.1f}'])
        figures += filter(None, cells)
        machines.setdefault(machine, {})[f'`{name}`'] = None
    ratios = ['stock / plain port', 'fast / plain port']
    farthest = max(max(figure.high - figure.median, figure.median - figure.low)
                   / figure.median for figure in figures)
    return [
        *format_table(
            ['system, TensorFlow', 'training, plain port, images a second', *ratios,
             'best / plain port on 1.15', 'testing, plain port, images a second', *ratios,
             'memory, GB'], rows), '',
        *wrap(f'Medians over alternating blocks. Intervals of 95 %, or '
              f'{100 * min(figure.level for figure in figures):.0f} % where blocks take '
              f'long, reach {100 * farthest:.0f} % from them at most. The machines:'), '',
        *(f'- {", ".join(names)}: {machine}' for machine, names in machines.items())]


def compare_rates(found, kind):
    """The plain port's rate; the stock and the fast kernels' beside it, None if missing."""
    plain = found['plain']['blocks'][kind]
    return [medians.summarize(plain), *(
        medians.summarize_ratio(found[kernels]['blocks'][kind], plain)
        if kernels in found else None for kernels in ('stock', 'fast'))]


@table
def build_processes():
    """One run on each core beside one on all, round by round."""
    rows = load_rows('results/bench/processes.csv')
    table_rows = []
    for system in dict.fromkeys(row['system'] for row in rows):
        one, each = ({row['round']: row for row in rows if row['system'] == system
                      and (row['processes'] == '1') == is_one}
                     for is_one in (True, False))
        rounds = [number for number in one if number in each]
        cells = [f'`{system}`', one[rounds[0]]['cores'], len(rounds)]
        for column in ('steps_a_second', 'cpu_seconds_a_step'):
            # Of the first rounds the processor time was not taken.
            taken = [number for number in rounds if one[number][column]]
            cells.append(medians.summarize_ratio(*(
                [float(group[number][column]) for number in taken]
                for group in (each, one))))
        table_rows.append(cells)
    return format_table(['system', 'cores', 'rounds', 'steps a second',
                         'processor time of a step'], table_rows)


@table
def build_start():
    """Seconds of processes that end after their first work, each the median of its rounds."""
    programs, found = ('06994ef', '87c9a7f'), {}
    for row in load_rows('results/bench/start_up.csv'):
        key = f'{row["what"]}, {row["runtime"]}', row['program']
        found.setdefault(key, []).append(float(row['seconds']))
    medians_of = {key: f'{statistics.median(seconds):.2f}' for key, seconds in found.items()}
    return format_table(['seconds', *programs], [
        (what, *(medians_of.get((what, program), '') for program in programs))
        for what in sorted({what for what, unused_program in found})])


@table
def build_profile():
    """Milliseconds of a step on one core, layer by layer."""
    rows = load_rows('results/bench/profile.csv')
    header, columns = ['layer'], []
    for wheel in sorted({row['wheel'] for row in rows}, reverse=True):
        for title, kernels, names in (
                ('stock', 'stock', ['ms']), ('fast', 'fast', ['ms']),
                ('fast at the rates', 'fast', ['ms_of_arithmetic', 'ms_of_bytes'])):
            header.append(f'{wheel.split()[1]}, {title}')
            columns.append([(row['layer'], max(float(row[name]) for name in names))
                            for row in rows
                            if (row['wheel'], row['kernels']) == (wheel, kernels)])
    layers = [*dict.fromkeys(row['layer'] for row in rows), 'sum']
    return format_table(header, [
        [layer, *(f'{sum(ms for name, ms in column if layer in (name, "sum")):.1f}'
                  for column in columns)] for layer in layers])
