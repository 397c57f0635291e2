"""Draws the figure of `predict --figure`: pictures beside their most likely classes.

As in the documents' figure, the true class is above each picture, and bars beside it
show its three most likely classes. The marks and the frame are ours.
"""

from cifar10_tf1.common import console, drawing

LIMIT = 24         # pictures in a figure
_ROWS = 4          # in one column
_NAME_LENGTH = 40  # characters of a file's name
_ROW_HEIGHT, _COLUMN_WIDTH, _MARGIN = 1.95, 5.4, 0.4  # inches


def draw_predictions(predictions, system):
    """Draws the first LIMIT of a list of (Picture, entry in the JSON): bytes, a PNG."""
    shown = predictions[:LIMIT]
    columns = 1 if len(shown) <= _ROWS else 2
    rows = -(-len(shown) // columns)
    width, height = columns * _COLUMN_WIDTH, rows * _ROW_HEIGHT + 2 * _MARGIN

    def draw_on(figure):
        grid = figure.add_gridspec(
            rows, 2 * columns, left=0.3 / width, right=1 - 0.6 / width,
            bottom=1.4 * _MARGIN / height, top=1 - 1.6 * _MARGIN / height,
            wspace=0.75, hspace=0.5)
        for i, (picture, entry) in enumerate(shown):
            row, column = divmod(i, columns)
            _draw_picture(figure.add_subplot(grid[row, 2 * column]), picture, entry,
                          system.picture)
            _draw_bars(figure.add_subplot(grid[row, 2 * column + 1]), entry)
        # The documents' own title of this figure.
        figure.text(0.5, 1 - 0.12 / height, 'Softmax Predictions', ha='center',
                    va='top', fontsize=12)
        note = 'Frame: what the network sees.'
        if len(predictions) > LIMIT:
            note = f'The first {LIMIT} of {len(predictions)}. ' + note
        figure.text(0.3 / width, 0.1 / height, note, fontsize=8, color=drawing.GREY)

    return drawing.draw(width, height, draw_on, '--figure', 'png', 180)


def _draw_picture(axes, picture, entry, shape):
    rows, columns = picture.preview.shape[:2]
    axes.imshow(picture.preview, interpolation='nearest'
                if max(rows, columns) <= shape.side else 'antialiased')
    reach = min(rows, columns) * shape.crop_size / shape.side / 2
    x, y = (columns - 1) / 2, (rows - 1) / 2
    for color, width in (('black', 2.2), ('white', 1.0)):
        axes.plot([x - reach, x + reach, x + reach, x - reach, x - reach],
                  [y - reach, y - reach, y + reach, y + reach, y - reach],
                  color=color, linewidth=width)
    axes.set_axis_off()
    axes.set_anchor('W')
    name = drawing.literal(console.make_printable(picture.name[-_NAME_LENGTH:]))
    axes.set_title(entry.get('label', name), fontsize=9, pad=5)
    if 'label' in entry:
        axes.text(0, -0.04, name, transform=axes.transAxes, fontsize=7,
                  color=drawing.GREY, va='top')


def _draw_bars(axes, entry):
    """Draws the most likely classes; a wrong first one is orange and hatched."""
    names = [best['class'] for best in entry['top']]
    values = [best['probability'] for best in entry['top']]
    is_wrong = not entry.get('correct', True)
    color = drawing.ORANGE if is_wrong else drawing.BLUE
    bars = axes.barh(range(len(names)), values, height=0.7,
                     color=[color] + [drawing.LIGHT_GREY] * (len(names) - 1))
    if is_wrong:
        bars[0].set_hatch('///')
        bars[0].set_edgecolor('white')
    axes.set_yticks(range(len(names)))
    axes.set_yticklabels([f'{name} (true)' if name == entry.get('label') else name
                          for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1.0])
    axes.tick_params(axis='both', length=2, labelsize=8)
    verdict = {None: '', False: 'WRONG: ', True: 'right: '}[entry.get('correct')]
    axes.set_title(f'{verdict}{names[0]} {100 * values[0]:.1f} %', fontsize=9, pad=5,
                   fontweight='bold' if is_wrong else 'normal')
