"""Size, colours and type of all figures; matplotlib without a display.

The colours are Okabe and Ito's, which people of any colour vision tell apart. No
colour carries a meaning alone.
"""

import io
import logging
import warnings

from cifar10_tf1.common import extras

BLUE = '#0072B2'
ORANGE = '#D55E00'
GREEN = '#009E73'
GREY = '#767676'
LIGHT_GREY = '#c8c8c8'

_STYLE = {
    'font.family': 'sans-serif', 'font.sans-serif': ['DejaVu Sans'],
    'font.size': 10, 'axes.titlesize': 10, 'axes.titlelocation': 'left',
    'axes.spines.top': False, 'axes.spines.right': False,
    'axes.edgecolor': GREY, 'axes.linewidth': 0.8, 'axes.facecolor': 'none',
    'xtick.color': '#333333', 'ytick.color': '#333333',
    'xtick.labelsize': 9, 'ytick.labelsize': 9,
    'legend.frameon': False, 'legend.fontsize': 9,
    'figure.facecolor': 'white', 'savefig.facecolor': 'white',
    'svg.hashsalt': 'cifar10_tf1',  # the same figure, the same bytes
}


def draw(width, height, draw_on, purpose, kind='png', dpi=240, has_layout=False):
    """Makes a figure.

    Args:
      width, height: float, inches.
      draw_on: function of a matplotlib Figure.
      purpose: str, what needs matplotlib, such as '--figure'.
      kind: 'png' or 'svg'.
      dpi: int, pixels an inch.
      has_layout: bool, whether matplotlib places the axes.
    Returns:
      bytes, the file.
    Raises:
      UserError: where matplotlib is not installed.
    """
    # It reports on its font cache.
    logging.getLogger('matplotlib').setLevel(logging.ERROR)
    matplotlib = extras.load('matplotlib', purpose)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    content = io.BytesIO()
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # Letters that the font lacks, as in a file's name, become boxes.
        warnings.simplefilter('ignore')
        figure = Figure(figsize=(width, height), constrained_layout=has_layout)
        FigureCanvasAgg(figure)
        draw_on(figure)
        # An SVG takes the background of its page, light or dark.
        if kind == 'svg':
            figure.savefig(content, format=kind, dpi=dpi, facecolor='none',
                           metadata={'Date': None})
        else:
            figure.savefig(content, format=kind, dpi=dpi)
    return content.getvalue()


def literal(text):
    """A text without formulas: a dollar sign in a file's name is one."""
    return text.replace('$', r'\$')
