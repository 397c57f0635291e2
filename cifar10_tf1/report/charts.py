"""Charts of tests and of a network: dots, confusion, classes, filters.

Each function returns the bytes of one file, an SVG or by kind='png' a PNG.
"""

import math

import numpy as np

from cifar10_tf1.common import drawing

PURPOSE = 'the HTML report (--text does without)'
WIDTH = 5.2  # inches; phones shrink it by about a quarter
GRID = '#e6e6e6'
_SHARES = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 1)  # marks on the colour scale
_ROW = 0.34  # inches, height of a run's dots
_STEP = 0.11  # of a row's height, between dots that would overlap


def draw(height, draw_on, kind='svg', width=WIDTH):
    """Draws a chart with matplotlib's own layout: see drawing.draw."""
    return drawing.draw(width, height, draw_on, PURPOSE, kind, has_layout=True)


def draw_tests(rows, measure, with_documented, kind='svg'):
    """A dot for each test, a row for each run, a line for the documented test.

    Args:
      rows: list of (name, list of values in the measure), from the top.
      measure: counting.Measure.
      with_documented: bool, whether to show the documented test, if there is one.
    """
    documented = measure.documented if with_documented else None
    everything = [value for unused_name, values in rows for value in values]
    everything += [] if documented is None else [documented]
    room = 0.06 * (max(everything) - min(everything)) or 1.0
    low, high = min(everything) - room, max(everything) + room

    def draw_on(figure):
        axes = figure.subplots()
        for place, (unused_name, values) in enumerate(rows):
            axes.plot(sorted(values), _stack(values, place, 0.012 * (high - low)),
                      linestyle='none', marker='o', markersize=4,
                      color=drawing.BLUE, alpha=0.65)
            if len(values) > 1:
                axes.plot([np.mean(values)] * 2, [place - 0.4, place + 0.4],
                          color='black', linewidth=1.8)
        if documented is not None:
            axes.axvline(documented, color=drawing.ORANGE, linewidth=1.4)
            axes.set_title(f'documented: {measure.format(documented)}',
                           fontsize=8.5, color=drawing.ORANGE, loc='right')
        axes.set_yticks(range(len(rows)))
        axes.set_yticklabels([drawing.literal(name) for name, unused in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(low, high)
        axes.locator_params(axis='x', nbins=6)
        if measure.is_count:
            axes.xaxis.set_major_formatter(lambda value, unused: f'{value:,.0f}')
        has_means = any(len(values) > 1 for unused, values in rows)
        axes.set_xlabel(measure.label + '; short line: mean' * has_means)
        axes.grid(axis='x', color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)

    return draw(1.05 + _ROW * max(len(rows), 2), draw_on, kind)


def _stack(values, place, radius):
    """The height of each dot; dots that would overlap move up or down."""
    rightmost, heights = {}, []  # by level
    for value in sorted(values):
        level = 0
        while level in rightmost and value - rightmost[level] < radius:
            level = -level if level > 0 else 1 - level  # 1, -1, 2, -2, ...
        rightmost[level] = value
        heights.append(place + _STEP * max(-4, min(4, level)))
    return heights


def draw_confusion(confusion, class_names, kind='svg'):
    """Images by true and predicted class: int [10, 10], a row for each true class."""
    def draw_on(figure):
        axes = figure.subplots()
        shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
        # The square root makes mistakes of a few percent visible.
        colored = axes.imshow(np.sqrt(shares), cmap='Blues', vmin=0, vmax=1)
        for row, column in np.ndindex(*confusion.shape):
            axes.text(column, row, f'{confusion[row, column]}', fontsize=8,
                      ha='center', va='center',
                      color='white' if shares[row, column] > 0.3 else 'black')
        places = list(range(len(class_names)))
        axes.set_xticks(places)
        axes.set_xticklabels(class_names, rotation=45, ha='right',
                             rotation_mode='anchor')
        axes.set_yticks(places)
        axes.set_yticklabels(class_names)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel('predicted class')
        axes.set_ylabel('true class')
        scale = figure.colorbar(colored, ax=axes, orientation='horizontal',
                                fraction=0.05, pad=0.02, aspect=50)
        scale.set_ticks([math.sqrt(share) for share in _SHARES])
        scale.set_ticklabels([f'{100 * share:.0f}' for share in _SHARES])
        scale.outline.set_visible(False)
        scale.ax.tick_params(labelsize=8, length=2)
        scale.set_label('colour: share of the true class, % (square-root scale)',
                        fontsize=8, labelpad=1)

    return draw(5.8, draw_on, kind)


def draw_class_accuracies(rows, overall, kind='svg'):
    """Each class's accuracy with its interval.

    Args:
      rows: list of (name, accuracy, low, high), shares.
      overall: float, the accuracy over all classes.
    """
    names, *columns = zip(*rows)
    accuracies, lows, highs = 100 * np.array(columns)
    low, high = min(lows), max(highs)
    room = 0.12 * (high - low) or 1.0

    def draw_on(figure):
        axes = figure.subplots()
        places = list(range(len(rows)))
        axes.errorbar(accuracies, places,
                      xerr=[accuracies - lows, highs - accuracies],
                      fmt='o', color=drawing.BLUE, markersize=5, capsize=3,
                      linewidth=1.3)
        for place in places:
            axes.text(highs[place] + 0.1 * room, place, f'{accuracies[place]:.1f}',
                      va='center', fontsize=8, bbox={
                          'facecolor': 'white', 'edgecolor': 'none', 'pad': 0.8})
        axes.axvline(100 * overall, color=drawing.GREY, linewidth=1, linestyle='--')
        axes.set_title(f'dashed, all classes: {100 * overall:.1f} %', fontsize=8,
                       color='#555555', loc='right')
        axes.set_yticks(places)
        axes.set_yticklabels(names)
        axes.set_ylim(len(rows) - 0.5, -0.7)
        axes.set_xlim(low - 0.3 * room, high + room)
        axes.set_xlabel('accuracy, %, with its 95 % interval (Wilson)')
        axes.grid(axis='x', color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)

    return draw(3.6, draw_on, kind)


def draw_filters(filters, kind='svg'):
    """The first layer's filters, float32 [rows, columns, 1 or 3, n], on one scale."""
    side = math.ceil(math.sqrt(filters.shape[3]))
    # A few weights are far larger than the rest and are clipped.
    largest = float(np.percentile(np.abs(filters), 99.5)) or 1.0
    pictures = np.clip(0.5 + 0.5 * filters.transpose(3, 0, 1, 2) / largest, 0, 1)

    def draw_on(figure):
        all_axes = figure.subplots(side, side, squeeze=False).ravel()
        for axes in all_axes:
            axes.set_axis_off()
        for axes, picture in zip(all_axes, pictures):
            # A single channel is repeated, which makes it grey.
            axes.imshow(np.broadcast_to(picture, picture.shape[:2] + (3,)),
                        interpolation='nearest')

    return draw(4.2, draw_on, kind, width=4.2)
