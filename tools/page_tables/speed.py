"""Benchmarks, a step's profile, and how many processes side by side."""

import page_tables
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import __main__ as benchmark
from cifar10_tf1.benchmark import medians
from cifar10_tf1.machine import description
from page_tables import results

BENCHMARKS = ('benchmark-1.json', 'benchmark.json', 'benchmark-3.json')


@page_tables.table
def build_deep_cnn_benchmark():
    lines = [benchmark.describe(result)
             for result in results.load_benchmark('benchmark.json')]
    return '\n\n'.join('\n'.join(part) for part in lines).splitlines()


@page_tables.table
def build_benchmarks():
    """Runs of one program beside each other, then their blocks together."""
    runs = [results.load_benchmark(name)[0]['runtimes'] for name in BENCHMARKS]
    lines = ['| | ' + ' | '.join(f'run {number}' for number in range(
        1, len(runs) + 1)) + ' | all |', '|---' * (2 + len(runs)) + '|']
    for i, runtime in enumerate(runs[0]):
        def blocks(kind, formulation='fast', of=i):
            return [run[of]['formulations'][formulation]['blocks'][kind]
                    for run in runs]

        for what, values, bases in (
                ('training, times a plain port',
                 blocks('train'), blocks('train', 'plain', 0)),
                ('training, times a plain port on this runtime',
                 blocks('train'), blocks('train', 'plain')),
                ('testing, times a plain port',
                 blocks('test'), blocks('test', 'plain', 0)),
                ('time of a step, times that on one batch',
                 blocks('fixed'), blocks('train'))):
            if what.endswith('this runtime') and not i:
                continue  # the same as the line before
            cells = [medians.summarize_ratio(*pair)
                     for pair in [*zip(values, bases),
                                  (sum(values, []), sum(bases, []))]]
            lines.append(f'| {runtime["wheel"]}: {what} | '
                         + ' | '.join(map(str, cells)) + ' |')
        cells = [medians.summarize(run[i]['matmul_gflops']) for run in runs]
        lines.append(f'| {runtime["wheel"]}: a product, GFLOP/s | '
                     + ' | '.join(map(str, cells)) + ' | |')
    return lines


@page_tables.table_of('lenet5', 'laptop_cnn', 'udacity_cnn', 'inception_v3')
def build_benchmark(name):
    """Images a second; ratios to a plain port there and on 1.15, to a product."""
    lines, notes = [], []
    gflop = systems.find(name).image_gflop
    for measured in results.load_benchmark(f'benchmark-{name}.json'):
        if not lines:
            lines = [f'{measured["cores"]} cores of ' + description.name_machine(
                         {'cpu': measured['runtimes'][0]['cpu']}) + ':', '',
                     '| runtime | | images a second | times a plain port there | '
                     'times that on 1.15 |', '|---' * 5 + '|']
        first = None
        for runtime in measured['runtimes']:
            blocks = {formulation: content['blocks'] for formulation, content
                      in runtime['formulations'].items()}
            is_first = runtime['wheel'].split()[1].startswith('1.15')
            first = blocks['plain'] if is_first else first
            formulations = [formulation for formulation in
                            ('plain', 'stock', 'fast') if formulation in blocks]
            for kind, label in (('train', 'training'), ('test', 'testing')):
                for formulation in formulations:
                    rates = blocks[formulation][kind]
                    ratios = [str(medians.summarize_ratio(rates, base[kind]))
                              if base else '' for base in (blocks['plain'], first)]
                    lines.append('| ' + ' | '.join([
                        runtime['wheel'], f'{label}, {formulation}',
                        str(medians.summarize(rates)), *ratios]) + ' |')
            if 'matmul_gflops' in runtime:  # not in the first records
                rates = [rate * gflop for rate in blocks[formulations[-1]]['train']]
                products = runtime['matmul_gflops']
                notes.append(
                    f'- {runtime["wheel"]}: training by the {formulations[-1]} kernels, '
                    f'with {gflop} GFLOP an image by direct convolution, reaches '
                    f'{medians.summarize_ratio(rates, products)} times the rate '
                    f'of a 2048^3 product, {medians.summarize(products)} GFLOP/s.')
    return lines + [''] + notes


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
    lines = []
    for wheel in sorted({row['wheel'] for row in rows}):
        lines += ['', f'{wheel}:', '', '| layer | pass | stock, ms | fast, ms | '
                  'stock, GFLOP | fast, GFLOP | MB | fast, ms at the rates |',
                  '|---' * 8 + '|']
        stock, fast = ([row for row in rows if row['wheel'] == wheel
                        and row['kernels'] == name]
                       for name in ('stock', 'fast'))
        totals = [0.0, 0.0, 0.0]
        for a, b in zip(stock, fast):
            bound = max(float(b['ms_of_arithmetic']), float(b['ms_of_bytes']))
            for i, value in enumerate((a['ms'], b['ms'], bound)):
                totals[i] += float(value)
            lines.append(f'| {a["layer"]} | {a["pass"]} | {a["ms"]} | '
                         f'{b["ms"]} | {a["gflop"]} | {b["gflop"]} | {b["mb"]} '
                         f'| {bound:.2f} |')
        lines.append(f'| sum | | {totals[0]:.1f} | {totals[1]:.1f} | | | | '
                     f'{totals[2]:.1f} |')
    return lines[1:]
