"""Prints the SHA-256 over names, types, shapes and bytes of all tensors of a checkpoint.

    python -m cifar10_tf1.fingerprint --model-dir model
"""

import sys

from cifar10_tf1 import cli
from cifar10_tf1.machine import runtime


def _fingerprint(options):
    runtime.prepare_environment()
    runtime.load_tensorflow()
    from cifar10_tf1.checkpoints import reading
    prefix = reading.choose(*cli.locate_checkpoint(options))
    print(f'{reading.fingerprint(prefix)}  {prefix}')
    return 0


def main(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_system_option(parser)
    cli.add_checkpoint_options(parser)
    return cli.run_command(parser, argv, _fingerprint)


if __name__ == '__main__':
    sys.exit(main())
