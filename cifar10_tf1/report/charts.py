"""Charts of a network: its mistakes, its classes, its filters.

Each function returns the bytes of one file.
"""

import math

import numpy as np

from cifar10_tf1.common import drawing

PURPOSE = 'the HTML report'
_SHARES = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 1)  # on the scale of colours
WIDTH = 5.2  # inches; a phone shows it at about three quarters of that


def draw_confusion(confusion, class_names, kind='svg'):
    """Images by true and predicted class.

    Args:
      confusion: int [10, 10], a row for each true class.
      class_names: tuple of str.
      kind: 'svg' or 'png'.
    """
    def draw_on(figure):
        margin = 0.012 * max(map(len, class_names))
        axes = figure.add_axes([0.08 + margin, 0.17 + margin, 0.9 - margin,
                                0.82 - margin])
        shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
        # The square root lifts the mistakes, most of which are a few percent.
        colored = axes.imshow(np.sqrt(shares), cmap='Blues', vmin=0, vmax=1)
        for row, column in np.ndindex(*confusion.shape):
            axes.text(column, row, f'{confusion[row, column]}', fontsize=8,
                      ha='center', va='center',
                      color='white' if shares[row, column] > 0.3 else 'black')
        places = range(len(class_names))
        axes.set_xticks(list(places))
        axes.set_xticklabels(class_names, rotation=45, ha='right',
                             rotation_mode='anchor')
        axes.set_yticks(list(places))
        axes.set_yticklabels(class_names)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel('predicted class')
        axes.set_ylabel('true class')
        scale = figure.colorbar(
            colored, orientation='horizontal',
            cax=figure.add_axes([0.08 + margin, 0.075, 0.9 - margin, 0.02]))
        scale.set_ticks([math.sqrt(share) for share in _SHARES])
        scale.set_ticklabels([f'{100 * share:.0f}' for share in _SHARES])
        scale.outline.set_visible(False)
        scale.ax.tick_params(labelsize=8, length=2)
        scale.set_label('colour: share of the true class, % (scale of square '
                        'roots)', fontsize=8, labelpad=1)

    return drawing.draw(WIDTH, 5.8, draw_on, PURPOSE, kind)


def draw_class_accuracies(rows, overall, kind='svg'):
    """Each class's accuracy with its interval.

    Args:
      rows: list of (name, accuracy, low, high), shares.
      overall: float, the accuracy over all classes.
      kind: 'svg' or 'png'.
    """
    def draw_on(figure):
        left = 0.05 + 0.0145 * max(len(row[0]) for row in rows)
        axes = figure.add_axes([left, 0.13, 0.94 - left, 0.81])
        places = range(len(rows))
        accuracies = [100 * row[1] for row in rows]
        axes.errorbar(
            accuracies, list(places),
            xerr=[[100 * (row[1] - row[2]) for row in rows],
                  [100 * (row[3] - row[1]) for row in rows]],
            fmt='o', color=drawing.BLUE, markersize=5, capsize=3, linewidth=1.3)
        for place, row in zip(places, rows):
            axes.text(100 * row[3] + 1, place, f'{100 * row[1]:.1f}',
                      va='center', fontsize=8, bbox={
                          'facecolor': 'white', 'edgecolor': 'none',
                          'pad': 0.8})
        axes.axvline(100 * overall, color=drawing.GREY, linewidth=1,
                     linestyle='--')
        axes.text(100 * overall, -0.75, f'all: {100 * overall:.1f} %',
                  ha='center', va='bottom', fontsize=8, color='#555555')
        axes.set_yticks(list(places))
        axes.set_yticklabels([row[0] for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.7)
        axes.set_xlim(min([60] + [100 * row[2] - 3 for row in rows]), 102)
        axes.set_xlabel('accuracy, %, with its 95 % interval (Wilson)')
        axes.grid(axis='x', color='#e6e6e6', linewidth=0.8)
        axes.set_axisbelow(True)

    return drawing.draw(WIDTH, 3.6, draw_on, PURPOSE, kind)


def draw_filters(filters, kind='svg'):
    """The first layer's filters as small pictures, all on one scale.

    Args:
      filters: float32 [rows, columns, 1 or 3, n].
      kind: 'svg' or 'png'.
    """
    number = filters.shape[3]
    columns = math.ceil(math.sqrt(number))
    # A few weights are far larger than the rest; these are cut off.
    largest = float(np.percentile(np.abs(filters), 99.5)) or 1.0
    pictures = 0.5 + 0.5 * filters.transpose(3, 0, 1, 2) / largest

    def draw_on(figure):
        size = 1 / columns
        for i, picture in enumerate(pictures):
            row, column = divmod(i, columns)
            axes = figure.add_axes([
                column * size + 0.004, 1 - (row + 1) * size + 0.004,
                size - 0.008, size - 0.008])
            # One channel is drawn in grey, as three that are alike.
            axes.imshow(np.broadcast_to(np.clip(picture, 0, 1),
                                        picture.shape[:2] + (3,)),
                        interpolation='nearest')
            axes.set_axis_off()

    return drawing.draw(4.2, 4.2, draw_on, PURPOSE, kind)
