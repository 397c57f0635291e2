"""What all figures share: size, colours, type; matplotlib without a display.

The colours are Okabe and Ito's, which people of any colour vision tell apart;
no colour carries a meaning alone.
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
    'axes.edgecolor': GREY, 'axes.linewidth': 0.8,
    'xtick.color': '#333333', 'ytick.color': '#333333',
    'xtick.labelsize': 9, 'ytick.labelsize': 9,
    'legend.frameon': False, 'legend.fontsize': 9,
    'figure.facecolor': 'white', 'savefig.facecolor': 'white',
    'svg.hashsalt': 'cifar10_tf1',  # the same figure, the same bytes
}


def draw(width, height, draw_on, purpose, kind='png', dpi=240):
    """Makes a figure.

    Args:
      width, height: float, inches.
      draw_on: function of a matplotlib Figure.
      purpose: str, what needs matplotlib, such as '--figure'.
      kind: 'png' or 'svg'.
      dpi: int, pixels an inch.
    Returns:
      bytes, the file.
    Raises:
      UserError: where matplotlib is not installed.
    """
    # It reports that it builds its font cache, or has no folder for it.
    logging.getLogger('matplotlib').setLevel(logging.ERROR)
    matplotlib = extras.load('matplotlib', purpose)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    content = io.BytesIO()
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A file's name may hold letters that the font has not: boxes, then.
        warnings.simplefilter('ignore')
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        draw_on(figure)
        # On a page, light or dark, an SVG has the page's own ground.
        if kind == 'svg':
            figure.savefig(content, format=kind, dpi=dpi, facecolor='none',
                           metadata={'Date': None})
        else:
            figure.savefig(content, format=kind, dpi=dpi)
    return content.getvalue()


def literal(text):
    """A text without formulas: a dollar sign in a file's name is one."""
    return text.replace('$', r'\$')
