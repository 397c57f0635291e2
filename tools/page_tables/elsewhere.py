"""The network in other frameworks."""

import page_tables
from page_tables import results


@page_tables.table
def build_elsewhere():
    """The network in other frameworks, beside the checkpoint of record."""
    rows, cells = results.load_rows('bench', 'elsewhere.csv'), []
    for on_test, generated in zip(rows[::2], rows[1::2]):
        others = [int(row['classes_that_differ'] or 0) for row in (on_test, generated)]
        cells.append([
            f'`{on_test["program"]}`', on_test['framework'],
            f'{int(on_test["correct"]):,}', *(
                ['', '', ''] if on_test['program'] == 'predict'  # compared with itself
                else ['none' if not sum(others) else f'{others[0]}, {others[1]}',
                      on_test['largest_deviation'], generated['largest_deviation']])])
    return results.format_table(
        ['program', 'on', 'correct, of 10,000', 'another class',
         'largest deviation of a probability', 'the same, generated images'], cells)
