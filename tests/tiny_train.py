"""train.py, with tiny_data in --data-dir for its data."""

import os
import pathlib
import runpy
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tiny_data  # noqa: E402
from cifar10_tf1 import cli, scripts  # noqa: E402

if __name__ == '__main__':
    cli.load_data_set = lambda options, name: tiny_data.load(
        pathlib.Path(options.data_dir))
    runpy.run_path(scripts.path('train'), run_name='__main__')
