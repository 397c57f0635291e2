"""The charts of a report. Each function returns the bytes of one file."""

import math

import numpy as np

from cifar10_tf1 import figures

PURPOSE = 'the HTML report'
# Of the loss's axis, which is logarithmic.
_TICKS = (1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 150, 200, 300, 400, 500, 700,
          1000, 1500, 2000, 3000, 5000)
_WIDTH = 5.2  # inches; a phone shows it at about three quarters of that


def draw_curve(compared, num_epochs, kind='svg'):
    """The documented figure by epoch, over that of the documented run.

    Args:
      compared: comparison.ComparedCurve.
      num_epochs: int, of the run.
      kind: 'svg' or 'png'.
    """
    curve = compared.curve
    num_parts = max((part for known in (compared.figures, compared.documented)
                     for unused_epoch, part in known), default=1)

    def draw_on(figure):
        axes = figure.add_axes([0.13, 0.14, 0.84, 0.82])
        if compared.documented:
            epochs = [epoch for epoch, unused_part in compared.documented]
            axes.plot(*_place(compared.documented, num_parts),
                      color=figures.LIGHT_GREY, linewidth=5,
                      label='documented run (epochs '
                      f'{min(epochs)} to {max(epochs)})')
        if compared.port:
            axes.plot(*_place(compared.port, num_parts), color='black',
                      linewidth=0.9, linestyle='--',
                      label='plain port of the original, unseeded')
        numbers, values = _place(compared.figures, num_parts)
        axes.plot(numbers, values, color=figures.BLUE, linewidth=1.6,
                  marker='o', markersize=4 if len(numbers) < 40 else 2,
                  label=f'this run ({num_epochs} epochs)')
        if curve.is_share:
            axes.set_ylabel(curve.title.lower())
        else:
            _use_log_scale(axes)
            axes.set_ylabel('sum of an epoch\'s batch losses (log scale)'
                            if curve.figure == 'summed_loss'
                            else curve.title.lower() + ' (log scale)')
        axes.set_xlim(0, max(_place(compared.documented, num_parts)[0] + numbers
                             + [10]) + 2)
        axes.set_xlabel('epoch')
        axes.grid(axis='y', color='#e6e6e6', linewidth=0.8)
        axes.set_axisbelow(True)
        axes.legend(loc='lower right' if curve.is_share else 'upper right')

    return figures.draw(_WIDTH, 3.5, draw_on, PURPOSE, kind)


def _use_log_scale(axes):
    axes.set_yscale('log')
    axes.minorticks_off()
    low, high = axes.get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(ticks)
    axes.set_yticklabels([str(tick) for tick in ticks])
    axes.set_ylim(low, high)


def draw_deviations(compared, kind='svg'):
    """How far each epoch is from the documented one.

    Args:
      compared: comparison.ComparedCurve, with a comparison.
      kind: 'svg' or 'png'.
    """
    curve, deviations = compared.curve, compared.comparison.deviations
    num_parts = max(part for unused_epoch, part in compared.documented)

    def draw_on(figure):
        axes = figure.add_axes([0.13, 0.17, 0.84, 0.79])
        numbers, percent = _place(
            {(d.epoch, d.part): d.percent for d in deviations}, num_parts)
        axes.axhline(0, color=figures.GREY, linewidth=0.8)
        for limit in (curve.largest, -curve.largest):
            axes.axhline(limit, color=figures.ORANGE, linewidth=1,
                         linestyle='--')
        axes.annotate(f'limit, ±{curve.largest} {curve.unit}',
                      (0.99, curve.largest),
                      xycoords=axes.get_yaxis_transform(), xytext=(0, 2),
                      textcoords='offset points', ha='right', va='bottom',
                      fontsize=8, color=figures.ORANGE)
        axes.bar(numbers, percent, width=0.8 / num_parts, color=figures.BLUE)
        highest = max([curve.largest] + [abs(value) for value in percent])
        axes.set_ylim(-1.35 * highest, 1.35 * highest)
        axes.set_xlim(min(numbers, default=1) - 1, max(numbers, default=1) + 1)
        axes.set_xlabel('epoch')
        axes.set_ylabel('deviation from the\ndocumented run, '
                        + curve.unit)

    return figures.draw(_WIDTH, 2.6, draw_on, PURPOSE, kind)


def draw_confusion(confusion, class_names, kind='svg'):
    """Images by true and predicted class.

    Args:
      confusion: int [10, 10], a row for each true class.
      class_names: tuple of str.
      kind: 'svg' or 'png'.
    """
    def draw_on(figure):
        margin = 0.012 * max(map(len, class_names))
        axes = figure.add_axes([0.08 + margin, 0.06 + margin, 0.9 - margin,
                                0.93 - margin])
        shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
        # The square root lifts the mistakes, most of which are a few percent.
        axes.imshow(np.sqrt(shares), cmap='Blues', vmin=0, vmax=1)
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

    return figures.draw(_WIDTH, 5.0, draw_on, PURPOSE, kind)


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
            fmt='o', color=figures.BLUE, markersize=5, capsize=3, linewidth=1.3)
        for place, row in zip(places, rows):
            axes.text(100 * row[3] + 1, place, f'{100 * row[1]:.1f}',
                      va='center', fontsize=8, bbox={
                          'facecolor': 'white', 'edgecolor': 'none',
                          'pad': 0.8})
        axes.axvline(100 * overall, color=figures.GREY, linewidth=1,
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

    return figures.draw(_WIDTH, 3.6, draw_on, PURPOSE, kind)


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

    return figures.draw(4.2, 4.2, draw_on, PURPOSE, kind, dpi=240)


def _place(figures_by_place, num_parts):
    """(epochs done, values) of what can be drawn; an epoch's last part is whole.

    Args:
      figures_by_place: dict of (epoch, part) -> float.
      num_parts: int, of an epoch.
    """
    points = [(epoch - 1 + part / num_parts, value) for (epoch, part), value
              in figures_by_place.items() if math.isfinite(value)]
    return [x for x, unused in points], [y for unused, y in points]
