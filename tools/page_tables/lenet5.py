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
    columns = [[record.epochs[epoch - 1]['validation_accuracy']
                for record in records] for epoch in curve]
    rows = [('documented', curve.values())] + [
        (f'{name} of {len(records)} seeds', map(find, columns)) for name, find in (
            ('mean', statistics.mean), ('least', min), ('greatest', max))]
    return results.format_table(['epoch', *curve], [
        [name, *(f'{value:.3f}' for value in values)] for name, values in rows])


@page_tables.table
def build_lenet5_seeds():
    """Every run: its tests, its distance to the documented curve, its hash."""
    return results.format_table(
        ['runtime', 'seed', 'test, of 10,000', 'validation, of 5,000',
         'mean absolute deviation of the curve, points', 'weights, SHA-256'],
        [[record.kind['wheel'], record.settings.seed,
          *(f'{results.find_test(record, variant)["num_correct"]:,}'
            for variant in ('whole', 'validation')),
          f'{comparison.compare_run(record)[0].comparison.mean_absolute:.2f}',
          f'`{record.content["weights"]["sha256"][:16]}...`']
         for record in results.load_runs('lenet5', '1.15', '2.21')])
