"""A run, or several, against the documented one: compared, drawn, told.

    python -m cifar10_tf1.report model/run.json

Other programs use the comparison; the rest is the command's.
"""

from cifar10_tf1.report.comparison import build_report
from cifar10_tf1.report.comparison import compare
from cifar10_tf1.report.comparison import list_figures
from cifar10_tf1.report.comparison import load_curve

__all__ = ('build_report', 'compare', 'list_figures', 'load_curve')
