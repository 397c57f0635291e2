"""Charts of tests, of curves and of a network: dots, lines, bars, confusion, filters.

Each function draws on a matplotlib Figure; draw renders it as a file.
"""

import math
import statistics

import numpy as np

from cifar10_tf1.common import drawing

PURPOSE = 'the HTML report (--text does without)'
_LEVELS = (0, 1, -1, 2, -2)  # of the dots in a row


def draw(plot, kind='svg'):
    """The bytes of a chart; plot is a function of a matplotlib Figure."""
    return drawing.draw(5.2, 4.0, plot, PURPOSE, kind, has_layout=True)


def plot_curves(figure, compared, name):
    """The mean, of this name, and the range of the runs of a comparison.ComparedCurve.

    Beside them are the documented run and the plain port, if there are any.
    """
    curve, runs, axes = compared.curve, compared.figures, figure.subplots()
    curves = [*runs, compared.documented, compared.port]
    num_parts = max(part for one in curves for unused_epoch, part in one)

    def place(places):
        """The finished epochs at some places."""
        return [epoch - 1 + part / num_parts for epoch, part in places]

    shared = sorted(set.intersection(*map(set, runs)))
    lowest, means, highest = ([function([run[key] for run in runs]) for key in shared]
                              for function in (min, statistics.mean, max))
    axes.fill_between(place(shared), lowest, highest, color=drawing.BLUE, alpha=0.35, linewidth=0)
    # The widest line first and the dashed one last: all can be seen.
    for line, style in (
            (compared.documented, {'label': 'documented run', 'color': drawing.ORANGE,
                                   'linewidth': 4, 'alpha': 0.5}),
            (dict(zip(shared, means)), {'label': name, 'color': drawing.BLUE,
                                        'linewidth': 1.4, 'marker': '.',
                                        'markersize': 3}),
            (compared.port, {'label': 'plain port of the original, unseeded',
                             'color': 'black', 'linewidth': 0.9,
                             'linestyle': (0, (3, 2))})):
        if line:
            axes.plot(place(line), list(line.values()), **style)
    axes.set_xlim(0, 1.02 * max(epoch for one in curves for epoch, unused_part in one))
    axes.set_xlabel('epoch')
    axes.set_ylabel(curve.title.lower() + ('' if curve.is_share else ' (log scale)'))
    axes.grid(axis='y', linewidth=0.8)
    if not curve.is_share:
        axes.set_yscale('log')
        axes.minorticks_off()
        axes.yaxis.get_major_locator().set_params(subs=(1, 1.5, 2, 3, 5, 7))
        axes.yaxis.set_major_formatter('{x:g}')
    axes.legend(loc='lower right' if curve.is_share else 'upper right')


def plot_tests(figure, rows, measure, documented):
    """A dot for each test, a row for each run, a line for the documented test, if any.

    rows: list of (name, list of values in the measures.Measure), from the top.
    """
    figure.set_figheight(1.05 + 0.34 * max(len(rows), 2))
    axes = figure.subplots()
    for place, (unused_name, values) in enumerate(rows):
        # Neighbouring dots would overlap.
        heights = [place + 0.11 * _LEVELS[i % len(_LEVELS)] for i in range(len(values))]
        axes.plot(sorted(values), heights, 'o', markersize=4, color=drawing.BLUE, alpha=0.65)
        axes.plot([np.mean(values)] * 2, [place - 0.4, place + 0.4], color='black', linewidth=1.8)
    if documented is not None:
        axes.axvline(documented, color=drawing.ORANGE, linewidth=1.4)
        axes.set_title(f'documented: {measure.format(documented)}', fontsize=8.5,
                       color=drawing.ORANGE, loc='right')
    axes.set_yticks(range(len(rows)))
    axes.set_yticklabels([name for name, unused_values in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis='x', linewidth=0.8)
    axes.locator_params(axis='x', nbins=6)
    label = 'accuracy, mean over mini-batches, %'
    if measure.is_count:
        label = 'correct images'
        axes.xaxis.set_major_formatter('{x:,.0f}')
    axes.set_xlabel(f'{label}; short line: mean')


def plot_deviations(figure, compared, name):
    """The deviations of the only run of a ComparedCurve, by epoch, in its band."""
    figure.set_figheight(3.4)
    curve, (found,), axes = compared.curve, compared.comparisons, figure.subplots()
    num_parts = max(part for unused_epoch, part in found.deviations)
    axes.axhline(0, color=drawing.GREY, linewidth=0.8)
    for limit in (curve.largest, -curve.largest):
        axes.axhline(limit, color=drawing.ORANGE, linewidth=1, linestyle='--')
    axes.bar([epoch - 1 + part / num_parts for epoch, part in found.deviations],
             list(found.deviations.values()), width=0.8 / num_parts, color=drawing.BLUE)
    axes.set_xlabel('epoch')
    axes.set_ylabel(f'above the documented, {curve.unit}')
    axes.set_title(f'{name}; dashed: limit of each, ±{curve.largest} {curve.unit}', fontsize=8.5)


def plot_confusion(figure, confusion, names):
    """Images by true and predicted class: int [10, 10], a row for each true class."""
    figure.set_figheight(5.0)
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    # The square root makes mistakes of a few percent visible.
    axes.imshow(np.sqrt(shares), cmap='Blues', vmin=0, vmax=1)
    for row, column in np.ndindex(*confusion.shape):
        axes.text(column, row, f'{confusion[row, column]}', fontsize=8,
                  ha='center', va='center',
                  color='white' if shares[row, column] > 0.3 else 'black')
    axes.set_xticks(range(len(names)))
    axes.set_xticklabels(names, rotation=45, ha='right', rotation_mode='anchor')
    axes.set_yticks(range(len(names)))
    axes.set_yticklabels(names)
    axes.tick_params(length=0)
    axes.set_frame_on(False)
    axes.set_xlabel('predicted class')
    axes.set_ylabel('true class')


def plot_filters(figure, filters):
    """The first layer's filters, float32 [rows, columns, 1 or 3, n], on one scale."""
    figure.set_size_inches(4.2, 4.2)
    side = math.ceil(math.sqrt(filters.shape[3]))
    # A few weights are far larger than the rest and are clipped.
    largest = float(np.percentile(np.abs(filters), 99.5)) or 1.0
    pictures = np.clip(0.5 + 0.5 * filters.transpose(3, 0, 1, 2) / largest, 0, 1)
    all_axes = figure.subplots(side, side, squeeze=False).ravel()
    for axes in all_axes:
        axes.set_axis_off()
    for axes, picture in zip(all_axes, pictures):
        # A single channel is repeated, which makes it grey.
        axes.imshow(np.broadcast_to(picture, picture.shape[:2] + (3,)), interpolation='nearest')
