"""The figure of `predict --figure`: pictures beside their likeliest classes.

It follows the figure of the documents: a row for each picture under its true class,
with the three likeliest classes as bars, the largest on top. More than four pictures
take two columns. The marks and the frame are ours.
"""

from cifar10_tf1.common import drawing

LIMIT = 24         # pictures in a figure
_ROWS = 4          # in one column
_NAME_LENGTH = 40  # characters of a file's name

# In inches: a picture with its bars, their places in it, the space above and below all.
_CELL = (5.4, 1.95)
_PICTURE = (0.3, 0.25, 1.35, 1.35)  # left, bottom, width, height
_BARS = (3.05, 0.35, 1.75, 1.25)
_HEADER, _FOOTER = 0.42, 0.3


def draw_predictions(predictions, system):
    """Draws the first pictures, LIMIT at most.

    Args:
      predictions: list of classification.Prediction.
      system: systems.base.System.
    Returns:
      bytes, a PNG.
    """
    shown = predictions[:LIMIT]
    columns = 1 if len(shown) <= _ROWS else 2
    rows = -(-len(shown) // columns)
    width, height = columns * _CELL[0], _HEADER + rows * _CELL[1] + _FOOTER

    def draw_on(figure):
        for i, prediction in enumerate(shown):
            row, column = divmod(i, columns)
            axes = [figure.add_axes([
                (column * _CELL[0] + box[0]) / width,
                (_FOOTER + (rows - 1 - row) * _CELL[1] + box[1]) / height,
                box[2] / width, box[3] / height]) for box in (_PICTURE, _BARS)]
            _draw_picture(axes[0], prediction, system.picture)
            _draw_bars(axes[1], prediction)
        # The documents' own title of this figure.
        figure.text(0.5, 1 - 0.12 / height, 'Softmax Predictions', ha='center',
                    va='top', fontsize=12)
        note = 'Frame: what the network sees.'
        if len(predictions) > LIMIT:
            note = f'The first {LIMIT} of {len(predictions)}. ' + note
        figure.text(_PICTURE[0] / width, 0.1 / height, note, fontsize=8,
                    color=drawing.GREY)

    return drawing.draw(width, height, draw_on, '--figure', 'png', 180)


def _draw_picture(axes, prediction, shape):
    preview = prediction.picture.preview
    rows, columns = preview.shape[:2]
    axes.imshow(preview, interpolation='nearest' if max(rows, columns) <= shape.side
                else 'antialiased')
    reach = min(rows, columns) * shape.crop_size / shape.side / 2
    x, y = (columns - 1) / 2, (rows - 1) / 2
    for color, width in (('black', 2.2), ('white', 1.0)):
        axes.plot([x - reach, x + reach, x + reach, x - reach, x - reach],
                  [y - reach, y - reach, y + reach, y + reach, y - reach],
                  color=color, linewidth=width)
    axes.set_axis_off()
    axes.set_anchor('W')
    name = prediction.picture.name
    if len(name) > _NAME_LENGTH:
        name = '…' + name[1 - _NAME_LENGTH:]
    if prediction.true_name is None:
        axes.set_title(drawing.literal(name), fontsize=8, pad=5)
    else:
        axes.set_title(prediction.true_name, fontsize=9, pad=5)
        axes.text(0, -0.04, drawing.literal(name), transform=axes.transAxes,
                  fontsize=7, color=drawing.GREY, va='top')


def _draw_bars(axes, prediction):
    """Draws the likeliest classes; a wrong first one is orange and hatched."""
    names, values = zip(*prediction.top)
    is_wrong = prediction.is_correct is False
    color = drawing.ORANGE if is_wrong else drawing.BLUE
    bars = axes.barh(range(len(names)), values, height=0.7,
                     color=[color] + [drawing.LIGHT_GREY] * (len(names) - 1))
    if is_wrong:
        bars[0].set_hatch('///')
        bars[0].set_edgecolor('white')
    axes.set_yticks(list(range(len(names))))
    axes.set_yticklabels([f'{name} (true)' if name == prediction.true_name else name
                          for name in names])
    axes.get_yticklabels()[0].set_fontweight('bold')
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1.0])
    axes.tick_params(axis='both', length=2, labelsize=8)
    verdict = {None: '', False: 'WRONG: ', True: 'right: '}[prediction.is_correct]
    axes.set_title(f'{verdict}{names[0]} {100 * values[0]:.1f} %', fontsize=9,
                   color=color if is_wrong else 'black',
                   fontweight='bold' if is_wrong else 'normal', pad=5)
