"""Pictures beside their softmax, as `predict --figure` draws them.

As the documents that have such a figure draw it: a row for each picture, under
its true class, and the three likeliest classes as bars, the largest on top.
More than four pictures stand in two columns. Marks and frame are ours.
"""

from cifar10_tf1.common import drawing

LIMIT = 24         # pictures in a figure
_ROWS = 4          # in one column
_NAME_LENGTH = 40  # characters of a file's name

# Inches: a picture with its bars, the two inside of it, the lines above and
# below all.
_CELL = (5.4, 1.95)
_PICTURE = (0.3, 0.25, 1.35, 1.35)  # left, bottom, width, height
_BARS = (3.05, 0.35, 1.75, 1.25)
_HEADER, _FOOTER = 0.42, 0.3
_BAR = 0.7  # of the room that a class has


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
    columns = 1 if len(predictions) <= _ROWS else 2
    rows = -(-len(predictions) // columns)
    width, height = columns * _CELL[0], _HEADER + rows * _CELL[1] + _FOOTER

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
        figure.text(0.5, 1 - 0.12 / height, 'Softmax Predictions', ha='center',
                    va='top', fontsize=12)
        note = 'Frame: what the network sees.'
        if num_predictions > len(predictions):
            note = (f'The first {len(predictions)} of {num_predictions}. '
                    + note)
        figure.text(_PICTURE[0] / width, 0.1 / height, note, fontsize=8,
                    color=drawing.GREY)

    return drawing.draw(width, height, draw_on, '--figure', 'png', 180)


def _draw_picture(axes, prediction, preview, system):
    axes.imshow(preview, interpolation='nearest' if max(
        preview.shape[:2]) <= system.picture.side else 'antialiased')
    rows, columns = preview.shape[:2]
    side = min(rows, columns) * system.picture.crop_size / (
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
    if prediction.label is None:
        axes.set_title(drawing.literal(name), fontsize=8, pad=5)
    else:
        axes.set_title(prediction.class_names[prediction.label], fontsize=9,
                       pad=5)
        axes.text(0, -0.04, drawing.literal(name), transform=axes.transAxes,
                  fontsize=7, color=drawing.GREY, va='top')


def _draw_bars(axes, prediction):
    """Of the likeliest classes; the largest in orange and marked where wrong."""
    names = [name for name, unused_probability in prediction.top]
    values = [probability for unused_name, probability in prediction.top]
    label = prediction.label
    wrong = label is not None and label != prediction.best
    colors = [drawing.ORANGE if wrong else drawing.BLUE] + (
        [drawing.LIGHT_GREY] * (len(names) - 1))
    bars = axes.barh(range(len(names)), values, color=colors, height=_BAR)
    if wrong:
        bars[0].set_hatch('///')
        bars[0].set_edgecolor('white')
    true_name = None if label is None else prediction.class_names[label]
    axes.set_yticks(list(range(len(names))))
    axes.set_yticklabels([f'{name} (true)' if name == true_name else name
                          for name in names])
    axes.get_yticklabels()[0].set_fontweight('bold')
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1.0])
    axes.tick_params(axis='both', length=2, labelsize=8)
    verdict = '' if label is None else ('WRONG: ' if wrong else 'right: ')
    axes.set_title(f'{verdict}{names[0]} {100 * values[0]:.1f} %', fontsize=9,
                   color=drawing.ORANGE if wrong else 'black',
                   fontweight='bold' if wrong else 'normal', pad=5)
