"""The network in other frameworks."""

import page_tables
from page_tables import results


@page_tables.table
def build_elsewhere():
    """The network in other frameworks, beside the checkpoint of record."""
    rows = results.load_rows('bench', 'elsewhere.csv')
    lines = ['| program | on | right, of 10,000 | another class | largest '
             'deviation of a probability | the same, generated images |',
             '|---' * 6 + '|']
    for on_test, generated in zip(rows[::2], rows[1::2]):
        assert (on_test['of'], on_test['images'], generated['of']) == (
            'test images', '10000', 'generated'), on_test
        cells = [f'`{on_test["program"]}`', on_test['framework'],
                 f'{int(on_test["correct"]):,}']
        if on_test['program'] != 'predict':  # which all are compared with
            others = [int(row['classes_that_differ'])
                      for row in (on_test, generated)]
            cells += ['none' if not sum(others) else f'{others[0]}, {others[1]}',
                      on_test['largest_deviation'], generated['largest_deviation']]
        lines.append('| ' + ' | '.join(cells + [''] * (6 - len(cells))) + ' |')
    return lines
