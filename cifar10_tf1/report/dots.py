"""A chart of counts: a dot for each test, a line for the documented count."""

from cifar10_tf1 import figures
from cifar10_tf1.report.charts import PURPOSE
from cifar10_tf1.report.charts import WIDTH

_ROW = 0.34  # inches
_STEP = 0.11  # of a row, between dots that would lie on each other


def draw_counts(rows, documented, kind='svg'):
    """Right images by run.

    Args:
      rows: list of (name, counts), counts a list of int; drawn from the top.
      documented: int, or None.
      kind: 'svg' or 'png'.
    """
    values = [count for unused_name, counts in rows for count in counts]
    values += [] if documented is None else [documented]
    room = 0.06 * (max(values) - min(values)) or 1.0
    height = 1.05 + _ROW * max(len(rows), 2)

    def draw_on(figure):
        left = 0.04 + 0.0125 * max(len(name) for name, unused in rows)
        axes = figure.add_axes([left, 0.55 / height, 0.96 - left,
                                1 - 0.9 / height])
        if documented is not None:
            axes.axvline(documented, color=figures.ORANGE, linewidth=1.4)
            axes.annotate(f'documented: {documented:,}', (documented, 1),
                          xycoords=axes.get_xaxis_transform(), xytext=(0, 3),
                          textcoords='offset points', fontsize=8.5,
                          ha='center', va='bottom', color=figures.ORANGE)
        for place, (unused_name, counts) in enumerate(rows):
            radius = 0.012 * (max(values) - min(values) + 2 * room)
            axes.plot(*_spread(counts, place, radius), linestyle='none',
                      marker='o', markersize=4, color=figures.BLUE, alpha=0.65)
            if len(counts) > 1:
                axes.plot([sum(counts) / len(counts)] * 2,
                          [place - 0.4, place + 0.4], color='black',
                          linewidth=1.8)
        axes.set_yticks(range(len(rows)))
        axes.set_yticklabels([figures.literal(name) for name, unused in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(min(values) - room, max(values) + room)
        axes.xaxis.set_major_formatter(lambda value, unused: f'{value:,.0f}')
        axes.set_xlabel('right images'
                        + ('; short line: mean' if any(
                            len(counts) > 1 for unused, counts in rows) else ''))
        axes.grid(axis='x', color='#e6e6e6', linewidth=0.8)
        axes.set_axisbelow(True)

    return figures.draw(WIDTH, height, draw_on, PURPOSE, kind)


def _spread(counts, place, radius):
    """(x, y) of the dots; those that would lie on each other step aside."""
    last = {}  # level: the rightmost dot on it
    levels = []
    counts = sorted(counts)
    for count in counts:
        level = 0
        while level in last and count - last[level] < radius:
            level = -level if level > 0 else 1 - level  # 1, -1, 2, -2, ...
        last[level] = count
        levels.append(place + _STEP * max(-4, min(4, level)))
    return counts, levels
