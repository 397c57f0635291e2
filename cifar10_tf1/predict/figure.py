"""Pictures beside their softmax, as `predict --figure` draws them."""

from cifar10_tf1 import figures

LIMIT = 24         # pictures in a figure
_COLUMNS = 2       # where there are several
_NAME_LENGTH = 40  # characters of a file's name

# Inches: a picture with its bars, the two inside of it, the line below all.
_CELL = (5.2, 2.3)
_PICTURE = (0.15, 0.4, 1.55, 1.55)  # left, bottom, width, height
_BARS = (3.1, 0.45, 1.95, 1.5)
_FOOTER = 0.25


def draw_predictions(predictions, previews, num_predictions, system):
    """A PNG: each picture, and how likely the network holds each class.

    Args:
      predictions: list of prediction.Prediction, LIMIT at most.
      previews: list of uint8 [rows, columns, 3], as long.
      num_predictions: int, of all, for the line below.
      system: a systems.base.System.
    Returns:
      bytes.
    """
    columns = min(_COLUMNS, len(predictions))
    rows = -(-len(predictions) // columns)
    width, height = columns * _CELL[0], rows * _CELL[1] + _FOOTER

    def draw_on(figure):
        def add_axes(row, column, box):
            left = column * _CELL[0] + box[0]
            bottom = _FOOTER + (rows - 1 - row) * _CELL[1] + box[1]
            return figure.add_axes([left / width, bottom / height,
                                    box[2] / width, box[3] / height])

        for i, (prediction, preview) in enumerate(zip(predictions, previews)):
            row, column = divmod(i, columns)
            _draw_picture(add_axes(row, column, _PICTURE), prediction, preview,
                          system)
            _draw_bars(add_axes(row, column, _BARS), prediction)
        note = 'Frame: what the network sees.'
        if num_predictions > len(predictions):
            note = (f'The first {len(predictions)} of {num_predictions}. '
                    + note)
        figure.text(_PICTURE[0] / width, 0.1 / height, note, fontsize=8,
                    color=figures.GREY)

    return figures.draw(width, height, draw_on, '--figure')


def _draw_picture(axes, prediction, preview, system):
    axes.imshow(preview, interpolation='nearest' if max(
        preview.shape[:2]) <= system.picture.side else 'antialiased')
    rows, columns = preview.shape[:2]
    side = min(rows, columns) * system.picture.seen / (
        system.picture.side)
    middle = (columns - 1) / 2, (rows - 1) / 2
    for color, width in (('black', 2.2), ('white', 1.0)):
        axes.plot([middle[0] + x * side / 2 for x in (-1, 1, 1, -1, -1)],
                  [middle[1] + y * side / 2 for y in (-1, -1, 1, 1, -1)],
                  color=color, linewidth=width)
    axes.set_axis_off()
    axes.set_anchor('W')
    name = prediction.name
    if len(name) > _NAME_LENGTH:
        name = '…' + name[1 - _NAME_LENGTH:]
    axes.set_title(figures.literal(name), fontsize=8, pad=6)


def _draw_bars(axes, prediction):
    """Ten bars; the largest in blue, or in orange and marked where wrong."""
    names, label = prediction.class_names, prediction.label
    best = prediction.best
    wrong = label is not None and label != best
    colors = [figures.LIGHT_GREY] * len(names)
    colors[best] = figures.ORANGE if wrong else figures.BLUE
    percent = [100 * float(p) for p in prediction.probabilities]
    places = range(len(names))
    bars = axes.barh(places, percent, color=colors, height=0.75)
    if wrong:
        bars[best].set_hatch('///')
        bars[best].set_edgecolor('white')
    axes.set_yticks(list(places))
    axes.set_yticklabels(
        [f'{name} (true)' if i == label else name
         for i, name in enumerate(names)])
    axes.get_yticklabels()[best].set_fontweight('bold')
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 50, 100])
    axes.tick_params(axis='both', length=2, labelsize=7.3)
    axes.set_xlabel('probability, %', fontsize=7.5, labelpad=1)
    verdict = '' if label is None else ('WRONG: ' if wrong else 'right: ')
    axes.set_title(f'{verdict}{names[best]} {percent[best]:.1f} %', fontsize=9,
                   color=figures.ORANGE if wrong else 'black',
                   fontweight='bold' if wrong else 'normal', pad=6)
