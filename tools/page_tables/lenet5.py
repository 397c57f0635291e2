"""lenet5: its seeds beside the document's curve."""

import statistics

import page_tables
from cifar10_tf1.report import comparison
from page_tables import results


@page_tables.table
def build_lenet5_epochs():
    """Validation accuracy by epoch: documented, and of all seeds."""
    curve = {epoch: value for (epoch, unused_part), value in comparison.load_curve(
        'lenet5', 'documented', 'validation_accuracy').items()}
    records = results.load_runs('lenet5', '1.15')
    lines = ['| epoch | ' + ' | '.join(map(str, curve)) + ' |',
             '|---' * (1 + len(curve)) + '|',
             '| documented | ' + ' | '.join(f'{value:.3f}' for value
                                            in curve.values()) + ' |']
    columns = [[record.epochs[epoch - 1]['validation_accuracy']
                for record in records] for epoch in curve]
    for name, find in (('mean', statistics.mean), ('least', min),
                       ('greatest', max)):
        lines.append(f'| {name} of {len(records)} seeds | ' + ' | '.join(
            f'{find(column):.3f}' for column in columns) + ' |')
    return lines


@page_tables.table
def build_lenet5_seeds():
    """Every run: its tests, its distance to the documented curve, its hash."""
    lines = ['| runtime | seed | test, of 10,000 | validation, of 5,000 | mean '
             'absolute deviation of the curve, points | weights, SHA-256 |',
             '|---' * 6 + '|']
    for version in ('1.15', '2.21'):
        for record in results.load_runs('lenet5', version):
            compared = comparison.build_report(record).curves[0].comparison
            lines.append(
                f'| {record.kind["wheel"]} | {record.settings.seed} | '
                f'{results.list_counts(record, "whole")[0]:,} | '
                f'{results.list_counts(record, "validation")[0]:,} | '
                f'{compared.mean_absolute:.2f} | '
                f'`{record.content["weights"]["sha256"][:16]}...` |')
    return lines
