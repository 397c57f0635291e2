"""Draws all figures in one style, with matplotlib and without a display.

The colours are Okabe and Ito's, which are safe for colour-blind readers. Colour is
never the only cue.
"""

import io
import logging
import warnings

from cifar10_tf1.common import packages

BLUE = '#0072B2'
ORANGE = '#D55E00'
GREY = '#767676'
LIGHT_GREY = '#c8c8c8'

_STYLE = {
    'font.family': 'sans-serif', 'font.sans-serif': ['DejaVu Sans'],
    'font.size': 10, 'axes.titlesize': 10, 'axes.titlelocation': 'left',
    'axes.spines.top': False, 'axes.spines.right': False, 'axes.axisbelow': True,
    'axes.edgecolor': GREY, 'axes.linewidth': 0.8, 'axes.facecolor': 'none',
    'grid.color': '#e6e6e6', 'xtick.color': '#333333', 'ytick.color': '#333333',
    'xtick.labelsize': 9, 'ytick.labelsize': 9,
    'legend.frameon': False, 'legend.fontsize': 9,
    'figure.facecolor': 'white', 'savefig.facecolor': 'white',
    'svg.hashsalt': 'cifar10_tf1',  # equal figures have equal bytes
}


def draw(width, height, draw_on, purpose, kind='png', dpi=240, has_layout=False):
    """Draws a figure and returns the bytes of its file.

    Args:
      width, height: float, inches.
      draw_on: function that draws on a matplotlib Figure.
      purpose: str, the feature that needs matplotlib, such as '--figure'.
      kind: 'png' or 'svg'; an SVG is transparent, because pages are light or dark.
      has_layout: bool, whether matplotlib lays out the axes.
    Raises:
      UserError: matplotlib is not installed.
    """
    # Hides messages about the font cache.
    logging.getLogger('matplotlib').setLevel(logging.ERROR)
    matplotlib = packages.load('matplotlib', purpose)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    content = io.BytesIO()
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # Letters that the font lacks, as in file names, become boxes.
        warnings.simplefilter('ignore')
        figure = Figure(figsize=(width, height), constrained_layout=has_layout)
        FigureCanvasAgg(figure)
        draw_on(figure)
        options = ({'facecolor': 'none', 'metadata': {'Date': None}} if kind == 'svg' else {})
        figure.savefig(content, format=kind, dpi=dpi, **options)
    return content.getvalue()


def literal(text):
    """Escapes dollar signs, which would start a formula."""
    return text.replace('$', r'\$')
