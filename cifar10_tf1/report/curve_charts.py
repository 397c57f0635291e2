"""Charts of curves: one or several runs beside the documented one."""

import math
import statistics

from cifar10_tf1.common import drawing


def plot_curve(figure, compared, name):
    """A run's comparison.ComparedCurve, with the documented run and the plain port."""
    # The widest line first and the dashed one last: all can be seen.
    curves = [compared.documented, compared.figures, compared.port]
    axes, place = _begin(figure, compared.curve, curves)
    if compared.documented:
        axes.plot(*place(compared.documented), color=drawing.LIGHT_GREY, linewidth=5,
                  label='documented run')
    axes.plot(*place(compared.figures), color=drawing.BLUE, linewidth=1.6, marker='o',
              markersize=4 if len(compared.figures) < 40 else 1, label=name)
    _end(axes, compared.curve, compared.port, place)


def plot_band(figure, curve, runs, documented, port, name):
    """The curves of one or more runs as a band, with their mean, beside the others."""
    axes, place = _begin(figure, curve, [*runs, documented, port])
    shared = sorted(set.intersection(*map(set, runs)))
    numbers, lowest, highest, mean = ((place({
        key: function([run[key] for run in runs]) for key in shared})[part])
        for function, part in ((min, 0), (min, 1), (max, 1), (statistics.mean, 1)))
    axes.fill_between(numbers, lowest, highest, color=drawing.BLUE, alpha=0.35,
                      linewidth=0, label=f'{name}: least to greatest')
    if documented:
        axes.plot(*place(documented), color=drawing.ORANGE, linewidth=1.4,
                  label='documented run')
    axes.plot(numbers, mean, color=drawing.BLUE, linewidth=1.4, label='their mean')
    _end(axes, curve, port, place)


def _begin(figure, curve, curves):
    """(axes, function of a curve that gives finished epochs and finite values)."""
    axes = figure.subplots()
    num_parts = _count_parts(*curves)
    axes.set_xlim(0, 1.02 * max((epoch for one in curves for epoch, unused in one),
                                default=1))
    axes.set_ylabel(curve.title.lower() + ('' if curve.is_share else ' (log scale)'))
    axes.set_xlabel('epoch')
    axes.grid(axis='y', linewidth=0.8)
    return axes, lambda one: _place(one, num_parts)


def _end(axes, curve, port, place):
    """The plain port's curve, the scale and the legend."""
    if port:
        axes.plot(*place(port), color='black', linewidth=0.9, linestyle=(0, (3, 2)),
                  label='plain port of the original, unseeded')
    if not curve.is_share:
        axes.set_yscale('log')
        axes.minorticks_off()
        low, high = axes.get_ylim()
        ticks = [number * 10.0 ** exponent for exponent in range(-3, 6)
                 for number in (1, 1.5, 2, 3, 5, 7)]
        axes.set_yticks([tick for tick in ticks if low <= tick <= high])
        axes.yaxis.set_major_formatter(lambda value, unused: f'{value:g}')
        axes.set_ylim(low, high)
    axes.legend(loc='lower right' if curve.is_share else 'upper right')


def plot_deviations(figure, compared, name):
    """The deviations of a ComparedCurve that has a comparison, with the plain port's."""
    figure.set_figheight(3.4)
    curve, found, port = compared.curve, compared.comparison, compared.port_comparison
    num_parts = _count_parts(compared.documented)
    numbers, percent = _place(found.deviations, num_parts)
    highest = max([curve.largest, *map(abs, percent)])
    axes = figure.subplots()
    axes.axhline(0, color=drawing.GREY, linewidth=0.8)
    for limit in (curve.largest, -curve.largest):
        axes.axhline(limit, color=drawing.ORANGE, linewidth=1, linestyle='--')
    axes.bar(numbers, percent, width=0.8 / num_parts, color=drawing.BLUE,
             label=f'{name}: mean {found.mean:+.2f} {curve.unit}')
    if port:
        axes.plot(*_place(port.deviations, num_parts), color='black', linewidth=0.9,
                  label=f'plain port: mean {port.mean:+.2f} {curve.unit}')
        highest = max(highest, abs(port.largest))
    axes.set_ylim(-1.2 * highest, 1.6 * highest)  # room for the legend
    axes.set_xlabel('epoch')
    axes.set_ylabel(f'above the documented, {curve.unit}')
    axes.set_title(f'dashed: limit of each, ±{curve.largest} {curve.unit}',
                   fontsize=8, color=drawing.ORANGE, loc='right')
    axes.legend(loc='upper center', fontsize=8)


def _place(curve, num_parts):
    """(finished epochs, values) of a curve's finite figures."""
    points = [(epoch - 1 + part / num_parts, value)
              for (epoch, part), value in curve.items() if math.isfinite(value)]
    return [x for x, unused in points], [y for unused, y in points]


def _count_parts(*curves):
    return max((part for curve in curves for unused_epoch, part in curve), default=1)
