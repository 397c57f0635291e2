"""A chart of tests: a dot for each, a line for the documented one."""

from cifar10_tf1.common import drawing
from cifar10_tf1.report.charts import PURPOSE
from cifar10_tf1.report.charts import WIDTH

_ROW = 0.34  # inches
_STEP = 0.11  # of a row, between dots that would lie on each other


def draw_tests(rows, measure, with_documented, kind='svg'):
    """Tests by run.

    Args:
      rows: list of (name, values), values a list by the measure; drawn from
        the top.
      measure: report.measure.Measure.
      with_documented: bool, whether the documented test is shown, if there is.
      kind: 'svg' or 'png'.
    """
    documented = measure.documented if with_documented else None
    everything = [value for unused_name, values in rows for value in values]
    everything += [] if documented is None else [documented]
    least, greatest = min(everything), max(everything)
    room = 0.06 * (greatest - least) or 1.0
    height = 1.05 + _ROW * max(len(rows), 2)

    def draw_on(figure):
        left = 0.04 + 0.0125 * max(len(name) for name, unused in rows)
        axes = figure.add_axes([left, 0.55 / height, 0.96 - left,
                                1 - 0.9 / height])
        if documented is not None:
            axes.axvline(documented, color=drawing.ORANGE, linewidth=1.4)
            axes.annotate(f'documented: {measure.format(documented)}',
                          (documented, 1),
                          xycoords=axes.get_xaxis_transform(), xytext=(0, 3),
                          textcoords='offset points', fontsize=8.5,
                          ha='center', va='bottom', color=drawing.ORANGE)
        for place, (unused_name, values) in enumerate(rows):
            radius = 0.012 * (greatest - least + 2 * room)
            axes.plot(*_spread(values, place, radius), linestyle='none',
                      marker='o', markersize=4, color=drawing.BLUE, alpha=0.65)
            if len(values) > 1:
                axes.plot([sum(values) / len(values)] * 2,
                          [place - 0.4, place + 0.4], color='black',
                          linewidth=1.8)
        axes.set_yticks(range(len(rows)))
        axes.set_yticklabels([drawing.literal(name) for name, unused in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(least - room, greatest + room)
        if measure.is_count:
            axes.xaxis.set_major_formatter(
                lambda value, unused: f'{value:,.0f}')
        has_means = any(len(values) > 1 for unused, values in rows)
        axes.set_xlabel(measure.label
                        + ('; short line: mean' if has_means else ''))
        axes.grid(axis='x', color='#e6e6e6', linewidth=0.8)
        axes.set_axisbelow(True)

    return drawing.draw(WIDTH, height, draw_on, PURPOSE, kind)


def _spread(values, place, radius):
    """(x, y) of the dots; those that would lie on each other step aside."""
    last = {}  # level: the rightmost dot on it
    levels = []
    values = sorted(values)
    for value in values:
        level = 0
        while level in last and value - last[level] < radius:
            level = -level if level > 0 else 1 - level  # 1, -1, 2, -2, ...
        last[level] = value
        levels.append(place + _STEP * max(-4, min(4, level)))
    return values, levels
