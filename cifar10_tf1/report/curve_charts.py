"""Charts of curves: a run's or several runs' beside the documented one.

Each function returns the bytes of one file.
"""

import math

from cifar10_tf1.common import drawing
from cifar10_tf1.report.charts import PURPOSE
from cifar10_tf1.report.charts import WIDTH

PORT = 'plain port of the original, unseeded'

# Of an axis of losses, which is logarithmic.
_TICKS = (.1, .2, .3, .5, .7, 1, 1.5, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 150,
          200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000)
_LONG = 50  # places of a curve from which on its end is drawn larger
_INSET = (0.4, 0.3, 0.55, 0.38)  # where: left, bottom, width, height
_INSET_LABELS = 0.05  # around it


def draw_curve(compared, name, kind='svg'):
    """A figure by epoch, with the documented run and the plain port.

    Args:
      compared: comparison.ComparedCurve.
      name: str, of the run.
      kind: 'svg' or 'png'.
    """
    num_parts = count_parts(compared.figures, compared.documented)

    def plot(axes, width=1.0):
        """The widest line first, the dashed one last: all can be seen."""
        numbers, values = place(compared.figures, num_parts)
        if compared.documented:
            axes.plot(*place(compared.documented, num_parts),
                      color=drawing.LIGHT_GREY, linewidth=5,
                      label='documented run')
        axes.plot(numbers, values, color=drawing.BLUE, linewidth=1.6 * width,
                  marker='o', label=name, markersize=(
                      4 if len(numbers) < 40 else 1 if width == 1 else 2))
        if compared.port:
            axes.plot(*place(compared.port, num_parts), color='black',
                      linewidth=0.9 * width, linestyle=(0, (3, 2)), label=PORT)

    return _draw(compared.curve, num_parts, plot, kind, [
        curve for curve in (compared.figures, compared.documented,
                            compared.port) if curve], 'epoch')


def draw_band(curve, runs, documented, port, name, kind='svg'):
    """Several runs' curves as a band, with their mean, beside the documented.

    Args:
      curve: systems.Curve.
      runs: list of dict of (epoch, part) -> float; one at least.
      documented, port: dict of (epoch, part) -> float; empty: not drawn.
      name: str, of the runs.
      kind: 'svg' or 'png'.
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
        axes.plot(*place(find(_mean), num_parts), color=drawing.BLUE,
                  linewidth=1.4 * width, label='their mean')
        if port:
            axes.plot(*place(port, num_parts), color='black',
                      linewidth=0.9 * width, linestyle=(0, (3, 2)), label=PORT)

    return _draw(curve, num_parts, plot, kind,
                 runs + [other for other in (documented, port) if other], 'epoch')


def _draw(curve, num_parts, plot, kind, all_curves, label):
    """The axes of a curve; the end of a long one larger, in a corner."""
    last = max((max(one) for one in all_curves if one), default=(1, 1))
    end = {key for one in all_curves for key in one if key[0] > 0.6 * last[0]}
    is_long = not curve.is_share and max(
        len(one) for one in all_curves) >= _LONG if all_curves else False

    def draw_on(figure):
        axes = figure.add_axes([0.13, 0.12, 0.84, 0.85])
        plot(axes)
        if curve.is_share:
            axes.set_ylabel(curve.title.lower())
        else:
            _use_log_scale(axes)
            axes.set_ylabel(f'{curve.title.lower()} (log scale)')
        axes.set_xlim(0, last[0] * 1.02)
        axes.set_xlabel(label)
        axes.grid(axis='y', color='#e6e6e6', linewidth=0.8)
        axes.set_axisbelow(True)
        axes.legend(loc='lower right' if curve.is_share else 'upper right')
        if is_long and _is_free(axes, all_curves, num_parts):
            _add_end(figure, plot, end, all_curves, num_parts)

    return drawing.draw(WIDTH, 4.0, draw_on, PURPOSE, kind)


def _is_free(axes, all_curves, num_parts):
    """Whether no curve passes where its end would be drawn larger."""
    left, bottom, width, height = _INSET
    for one in all_curves:
        points = axes.transData.transform(list(zip(*place(one, num_parts))))
        for x, y in axes.figure.transFigure.inverted().transform(points):
            if (left - _INSET_LABELS < x < left + width
                    and bottom - _INSET_LABELS < y < bottom + height + _INSET_LABELS):
                return False
    return True


def _add_end(figure, plot, end, all_curves, num_parts):
    inset = figure.add_axes(_INSET)
    plot(inset, 1.2)
    values = [one[key] for one in all_curves for key in end
              if key in one and math.isfinite(one[key])]
    numbers, unused = place(dict.fromkeys(sorted(end), 0.0), num_parts)
    if not values:
        return
    room = 0.05 * (max(values) - min(values)) or 1.0
    inset.set_ylim(min(values) - room, max(values) + room)
    inset.set_xlim(min(numbers) - 1, max(numbers) + 1)
    inset.set_title(f'epochs {min(end)[0]} to {max(end)[0]}, larger',
                    fontsize=8, pad=2)
    inset.tick_params(labelsize=8)
    inset.grid(axis='y', color='#e6e6e6', linewidth=0.8)


def draw_deviations(compared, name, kind='svg'):
    """How far each epoch is from the documented one, and how far the port's is.

    Args:
      compared: comparison.ComparedCurve, with a comparison.
      name: str, of the run.
      kind: 'svg' or 'png'.
    """
    curve = compared.curve
    num_parts = count_parts(compared.documented)

    def collect(comparison):
        return place({(d.epoch, d.part): d.percent
                      for d in comparison.deviations}, num_parts)

    def draw_on(figure):
        axes = figure.add_axes([0.13, 0.14, 0.84, 0.7])
        numbers, percent = collect(compared.comparison)
        axes.axhline(0, color=drawing.GREY, linewidth=0.8)
        for limit in (curve.largest, -curve.largest):
            axes.axhline(limit, color=drawing.ORANGE, linewidth=1,
                         linestyle='--')
        axes.annotate(f'limit of each, ±{curve.largest} {curve.unit}',
                      (0.99, curve.largest),
                      xycoords=axes.get_yaxis_transform(), xytext=(0, 2),
                      textcoords='offset points', ha='right', va='bottom',
                      fontsize=8, color=drawing.ORANGE)
        axes.bar(numbers, percent, width=0.8 / num_parts, color=drawing.BLUE,
                 label=f'{name}: mean {compared.comparison.mean:+.2f} '
                 + curve.unit)
        others = []
        if compared.port_comparison:
            numbers, others = collect(compared.port_comparison)
            axes.plot(numbers, others, color='black', linewidth=0.9,
                      label='plain port: mean '
                      f'{compared.port_comparison.mean:+.2f} {curve.unit}')
        highest = max([curve.largest] + [abs(value)
                                         for value in percent + others])
        axes.set_ylim(-1.35 * highest, 1.35 * highest)
        axes.set_xlim(min(numbers, default=1) - 1 / num_parts,
                      max(numbers, default=1) + 1 / num_parts)
        axes.set_xlabel('epoch')
        axes.set_ylabel(f'above 0: higher than\nthe documented, {curve.unit}')
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc='lower left',
                    bbox_to_anchor=(0, 1), borderaxespad=0.2, handlelength=1.2)

    return drawing.draw(WIDTH, 3.2, draw_on, PURPOSE, kind)


def count_parts(*curves):
    """Of an epoch: int."""
    return max((part for curve in curves for unused_epoch, part in curve),
               default=1)


def place(curve, num_parts):
    """(epochs done, values) of what can be drawn; an epoch's last part is whole.

    Args:
      curve: dict of (epoch, part) -> float.
      num_parts: int, of an epoch.
    """
    points = [(epoch - 1 + part / num_parts, value)
              for (epoch, part), value in curve.items() if math.isfinite(value)]
    return [x for x, unused in points], [y for unused, y in points]


def _mean(values):
    return sum(values) / len(values)


def _use_log_scale(axes):
    axes.set_yscale('log')
    axes.minorticks_off()
    low, high = axes.get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(ticks)
    axes.set_yticklabels([str(tick) for tick in ticks])
    axes.set_ylim(low, high)
