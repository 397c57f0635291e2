"""Tests a trained network on CIFAR-10; `python test.py --help` says how."""

import sys

from cifar10_tf1 import cli

if __name__ == '__main__':
    sys.exit(cli.test_main())
