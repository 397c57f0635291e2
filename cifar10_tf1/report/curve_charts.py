"""Charts of curves: one or several runs beside the documented one.

Each function returns the bytes of one file, an SVG or by kind='png' a PNG.
"""

import math
import statistics

from cifar10_tf1.common import drawing
from cifar10_tf1.report import charts

PORT = 'plain port of the original, unseeded'

# On the logarithmic axis of a loss.
_TICKS = (.1, .2, .3, .5, .7, 1, 1.5, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 150,
          200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000)
_LONG = 50  # places; the end of such a curve is enlarged in an inset
_INSET = (0.36, 0.22, 0.6, 0.42)  # left, bottom, width, height in the axes


def draw_curve(compared, name, kind='svg'):
    """A run's comparison.ComparedCurve, with the documented run and the plain port."""
    num_parts = count_parts(compared.figures, compared.documented)

    def plot(axes, width=1.0):
        """Draws the widest line first and the dashed one last, to show them all."""
        numbers, values = place(compared.figures, num_parts)
        if compared.documented:
            axes.plot(*place(compared.documented, num_parts),
                      color=drawing.LIGHT_GREY, linewidth=5, label='documented run')
        axes.plot(numbers, values, color=drawing.BLUE, linewidth=1.6 * width,
                  marker='o', label=name, markersize=(
                      4 if len(numbers) < 40 else 1 if width == 1 else 2))
        _plot_port(axes, compared.port, num_parts, width)

    return _draw(compared.curve, num_parts, plot, kind, [
        curve for curve in (compared.figures, compared.documented, compared.port)
        if curve])


def draw_band(curve, runs, documented, port, name, kind='svg'):
    """Several runs' curves as a band, with their mean, beside the documented one.

    Args:
      curve: systems.Curve.
      runs: list of dict of (epoch, part) -> float; one or more.
      documented, port: dict of (epoch, part) -> float; empty: not drawn.
      name: str, of the runs.
    """
    num_parts = count_parts(documented, *runs)
    shared = sorted(set.intersection(*map(set, runs)))

    def find(function):
        return {key: function([run[key] for run in runs]) for key in shared}

    def plot(axes, width=1.0):
        numbers, lowest = place(find(min), num_parts)
        axes.fill_between(numbers, lowest, place(find(max), num_parts)[1],
                          color=drawing.BLUE, alpha=0.35, linewidth=0,
                          label=f'{name}: least to greatest')
        if documented:
            axes.plot(*place(documented, num_parts), color=drawing.ORANGE,
                      linewidth=1.4 * width, label='documented run')
        axes.plot(*place(find(statistics.mean), num_parts), color=drawing.BLUE,
                  linewidth=1.4 * width, label='their mean')
        _plot_port(axes, port, num_parts, width)

    return _draw(curve, num_parts, plot, kind,
                 runs + [other for other in (documented, port) if other])


def _plot_port(axes, port, num_parts, width):
    if port:
        axes.plot(*place(port, num_parts), color='black', linewidth=0.9 * width,
                  linestyle=(0, (3, 2)), label=PORT)


def _draw(curve, num_parts, plot, kind, all_curves):
    """The axes of curves; the end of long ones is enlarged in an inset."""
    def draw_on(figure):
        axes = figure.subplots()
        plot(axes)
        axes.set_xlim(0, 1.02 * max((key[0] for one in all_curves for key in one),
                                    default=1))
        if curve.is_share:
            axes.set_ylabel(curve.title.lower())
        else:
            _use_log_scale(axes)
            axes.set_ylabel(f'{curve.title.lower()} (log scale)')
        axes.set_xlabel('epoch')
        axes.grid(axis='y', color=charts.GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.legend(loc='lower right' if curve.is_share else 'upper right')
        if not curve.is_share and max(map(len, all_curves), default=0) >= _LONG and (
                _is_free(axes, all_curves, num_parts)):
            _add_end(axes, plot, all_curves, num_parts)

    return charts.draw(4.0, draw_on, kind)


def _is_free(axes, all_curves, num_parts):
    """Whether no curve passes through the inset's place."""
    to_axes = axes.transData + axes.transAxes.inverted()
    left, bottom, width, height = _INSET
    return not any(
        left - 0.08 < x < left + width and bottom - 0.08 < y < bottom + height + 0.05
        for one in all_curves for x, y in to_axes.transform(
            list(zip(*place(one, num_parts)))))


def _add_end(axes, plot, all_curves, num_parts):
    """The last 40 % of the epochs."""
    last = max(max(one) for one in all_curves)
    end = sorted({key for one in all_curves for key in one if key[0] > 0.6 * last[0]})
    values = [one[key] for one in all_curves for key in end
              if key in one and math.isfinite(one[key])]
    if not values:
        return
    inset = axes.inset_axes(_INSET)
    plot(inset, 1.2)
    room = 0.05 * (max(values) - min(values)) or 1.0
    inset.set_ylim(min(values) - room, max(values) + room)
    inset.set_xlim(end[0][0], end[-1][0] + 0.5)
    inset.set_title(f'epochs {end[0][0]} to {end[-1][0]}, larger', fontsize=8, pad=2)
    inset.tick_params(labelsize=8)
    inset.grid(axis='y', color=charts.GRID, linewidth=0.8)


def draw_deviations(compared, name, kind='svg'):
    """Each epoch's deviation from the documented one, with the plain port's.

    Args:
      compared: comparison.ComparedCurve, with a comparison.
      name: str, of the run.
    """
    curve = compared.curve
    num_parts = count_parts(compared.documented)

    def collect(comparison):
        return place({(d.epoch, d.part): d.percent for d in comparison.deviations},
                     num_parts)

    def draw_on(figure):
        axes = figure.subplots()
        numbers, percent = collect(compared.comparison)
        axes.axhline(0, color=drawing.GREY, linewidth=0.8)
        for limit in (curve.largest, -curve.largest):
            axes.axhline(limit, color=drawing.ORANGE, linewidth=1, linestyle='--')
        axes.annotate(f'limit of each, ±{curve.largest} {curve.unit}',
                      (0.99, curve.largest), xycoords=axes.get_yaxis_transform(),
                      xytext=(0, 2), textcoords='offset points', ha='right',
                      va='bottom', fontsize=8, color=drawing.ORANGE)
        axes.bar(numbers, percent, width=0.8 / num_parts, color=drawing.BLUE,
                 label=f'{name}: mean {compared.comparison.mean:+.2f} {curve.unit}')
        others = []
        if compared.port_comparison:
            places, others = collect(compared.port_comparison)
            axes.plot(places, others, color='black', linewidth=0.9,
                      label='plain port: mean '
                      f'{compared.port_comparison.mean:+.2f} {curve.unit}')
        highest = max([curve.largest] + [abs(value) for value in percent + others])
        axes.set_ylim(-1.35 * highest, 1.35 * highest)
        axes.set_xlim(min(numbers, default=1) - 1 / num_parts,
                      max(numbers, default=1) + 1 / num_parts)
        axes.set_xlabel('epoch')
        axes.set_ylabel(f'above the documented, {curve.unit}')
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles[::-1], labels[::-1], loc='upper center',
                      fontsize=9, handlelength=1.2)
        axes.set_title('\n' * len(labels))  # room for the legend

    return charts.draw(3.4, draw_on, kind)


def count_parts(*curves):
    return max((part for curve in curves for unused_epoch, part in curve), default=1)


def place(curve, num_parts):
    """(finished epochs, values) of a curve's finite figures."""
    points = [(epoch - 1 + part / num_parts, value)
              for (epoch, part), value in curve.items() if math.isfinite(value)]
    return [x for x, unused in points], [y for unused, y in points]


def _use_log_scale(axes):
    axes.set_yscale('log')
    axes.minorticks_off()
    low, high = axes.get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(ticks)
    axes.set_yticklabels([str(tick) for tick in ticks])
    axes.set_ylim(low, high)
