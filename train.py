"""Trains the documented CIFAR-10 network; `python train.py --help` says how."""

import sys

from cifar10_tf1 import cli

if __name__ == '__main__':
    sys.exit(cli.train_main())
