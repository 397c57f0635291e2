"""Several tests of one checkpoint in one process, each as test.py makes it.

    python -m cifar10_tf1.sweep.testing random:1,random:2,central:1 \
        --checkpoint model/model.ckpt-55000

The first argument names them, by variant and seed; the others are test.py's.
"""

import sys

from cifar10_tf1 import programs


def format_tests(tests):
    """The first argument.

    Args:
      tests: list of (variant, seed).
    """
    return ','.join(f'{variant}:{seed}' for variant, seed in tests)


def parse_tests(text):
    """What format_tests was given."""
    pairs = [part.split(':') for part in text.split(',')]
    return [(variant, int(seed)) for variant, seed in pairs]


def main():
    tests = parse_tests(sys.argv[1])
    program = programs.begin_test(sys.argv[2:])
    module = programs.load('test')

    def test(start):
        for variant, seed in tests:
            status = module.test(start._replace(variant=variant, seed=seed))
            if status:
                return status
        return 0

    return program.run(test)


if __name__ == '__main__':
    sys.exit(main())
