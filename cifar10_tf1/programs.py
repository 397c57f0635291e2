"""train.py and test.py: their command lines, and how others come by them.

The two stand beside this package and show the graph. What precedes it is here.
"""

import functools
import importlib.util
import os
import shlex
import sys

from cifar10_tf1 import cli
from cifar10_tf1.common import environment
from cifar10_tf1 import launch
from cifar10_tf1.common import limits
from cifar10_tf1.machine import memory
from cifar10_tf1.machine import runtime
from cifar10_tf1 import systems
from cifar10_tf1.common.errors import KernelsDisagree
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.common.stopping import StopRequest

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Program:
    """train.py or test.py, from its options to its exit status.

    In two parts, because TensorFlow is imported between them.
    """

    def __init__(self, parser, begin, argv=None):
        """Does what precedes TensorFlow, or ends the process in one line.

        Args:
          parser: cli.Parser.
          begin: function of the options and a StopRequest; its result is what
            `run` gives to the program.
          argv: list of str, or None for sys.argv.
        """
        self._environment = dict(os.environ)
        self._name = parser.prog
        stop_request = StopRequest().install()

        def parse_and_begin():
            self._options = parser.parse_args(argv)
            cli.check_working_folder()
            self.start = begin(self._options, stop_request)
            runtime.load_tensorflow()
            return 0

        status = cli.guard(self._name, parse_and_begin)
        if status:
            sys.exit(status)

    def run(self, function):
        """Calls a function with what was begun.

        Where the fast kernels fail, the program is started again with the stock
        ones: in the same process, but from its beginning, because what
        TensorFlow has read from the environment, and its threads, can't be
        changed any more.

        Returns:
          int, the exit status.
        """
        return cli.guard(self._name, self._run, function)

    def _run(self, function):
        try:
            return function(self.start)
        except KernelsDisagree as error:
            if self._options.kernels == 'fast':
                raise
            print(f'warning: {error}. Taking the stock kernels', file=sys.stderr,
                  flush=True)
        os.execve(sys.executable, [sys.executable, *sys.argv, '--kernels',
                                   'stock'], self._environment)


def begin_training(argv=None):
    """The Program train.py, as far as it precedes TensorFlow."""
    return Program(_train_parser(), _begin_training, argv)


def begin_test(argv=None):
    """The Program test.py, as far as it precedes the graph."""
    return Program(_test_parser(), _begin_test, argv)


def _train_parser():
    parser = cli.Parser(
        prog='train.py',
        description='Trains the network of a documented result, '
        'with a checkpoint after every epoch. Started again it goes on from '
        'the newest checkpoint, with the options of the run unless others are '
        'given.',
        epilog='example: python train.py --epochs 3 --model-dir /tmp/model')
    cli.add_system_option(parser)
    cli.add_data_options(parser)
    cli.add_model_dir_option(parser)
    cli.add_number(
        parser, '--epochs', 1, limits.EPOCHS,
        'total epochs to reach, restored ones included (default: as documented, '
        + ', '.join(f'{entry.num_epochs} of {entry.name}'
                    for entry in systems.ENTRIES) + ')')
    cli.add_number(
        parser, '--max-steps', 1, limits.STEPS,
        'stop at this global step and save there (default: the end of the last '
        'epoch)')
    cli.add_number(
        parser, '--save-steps', 1, limits.STEPS,
        'steps from one checkpoint to the next (default: an epoch)')
    cli.add_number(
        parser, '--train-files', 1, limits.FILES,
        'train on the first N files of the training data only, as some documents '
        'show it (default: all)')
    cli.add_number(
        parser, '--seed', 0, limits.SEED,
        'of initial weights and augmentation (default: 1)')
    cli.add_pretrained_option(parser)
    parser.add_argument(
        '--from-scratch', action='store_true',
        help='begin with seeded weights in the place of published ones: another '
        'result, and every line says so')
    parser.add_argument(
        '--no-summaries', action='store_true',
        help='write no event files for TensorBoard (default: in summaries/ of '
        'the model folder); no influence on the result')
    cli.add_machine_options(parser)
    return parser


def _test_parser():
    parser = cli.Parser(
        prog='test.py',
        description='Tests the newest checkpoint on the 10,000 test images.',
        epilog='example: python test.py --crop central --checkpoint '
        'model/model.ckpt-55000')
    cli.add_system_option(parser)
    cli.add_data_options(parser)
    cli.add_checkpoint_options(parser)
    parser.add_argument(
        '--variant', '--crop', metavar='NAME',
        choices=sorted({variant for entry in systems.ENTRIES
                        for variant in entry.variants}),
        help='what is tested; ' + '; '.join(
            f'{entry.name}: {" or ".join(entry.variants)}'
            for entry in systems.ENTRIES)
        + ' (default: the first, as documented)')
    cli.add_test_seed_options(parser)
    cli.add_number(
        parser, '--max-images', 1, limits.IMAGES,
        'test the first so many images alone, to try it; the result is not '
        'recorded (default: all)')
    parser.add_argument(
        '--classes', action='store_true',
        help='print the accuracy of each class too (default: of all images)')
    cli.add_machine_options(parser)
    return parser


def _begin_training(options, stop_request):
    return launch.begin_training(
        options.system, lambda name: cli.load_data_set(options, name),
        cli.find_model_dir(options),
        cli.given_settings(options), options.max_steps,
        _describe('train.py', options), stop_request, not options.no_summaries,
        options.allow_unsupported_gpu, _describe_test(options),
        options.pretrained, options.from_scratch)


def _begin_test(options, unused_stop_request):
    name = cli.find_system(options)
    memory.warn_of_shortage(systems.find(name).test_memory_bytes, 'testing')
    given, choice = launch.choose_machine(
        cli.given_settings(options), options.allow_unsupported_gpu,
        system_name=name)
    runtime.load_tensorflow()
    folder, prefix = cli.locate_checkpoint(options)
    variants = systems.find(name).variants
    variant = options.variant or variants[0]
    if variant not in variants:
        raise UserError(f'--variant {variant} is not of the system {name}; '
                        f'choose {" or ".join(variants)}')
    return launch.TestStart(name, folder, prefix, given, choice,
                            cli.load_data_set(options, name),
                            cli.find_test_seeds(options), variant,
                            options.classes, options.max_images)


def _describe(script, options):
    """The command line for a record: without folders, which name people."""
    words = [script]
    for name, value in sorted(vars(options).items()):
        option = '--' + name.replace('_', '-')
        if name in ('data_dir', 'model_dir', 'checkpoint', 'pretrained'):
            continue
        if value is True:
            words.append(option)
        elif value not in (None, False):
            words += [option, str(value)]
    return ' '.join(words)


def _describe_test(options):
    """What to type for the accuracy of what train.py trains with these options."""
    words = [environment.name_python(), 'test.py']
    for name in ('system', 'data_dir', 'model_dir'):
        if getattr(options, name):
            words += ['--' + name.replace('_', '-'), getattr(options, name)]
    return ' '.join(map(shlex.quote, words + ['--synthetic'] * options.synthetic))


def path(name):
    """The path of train.py or test.py.

    Args:
      name: 'train' or 'test'.
    Raises:
      UserError: where it is not there.
    """
    path = os.path.join(_ROOT, f'{name}.py')
    if not os.path.exists(path):
        raise UserError(f'{path} is missing; it belongs beside the folder '
                        'cifar10_tf1')
    return path


@functools.lru_cache(maxsize=None)
def load(name):
    """The module train.py or test.py; imports TensorFlow.

    Args:
      name: 'train' or 'test'.
    Raises:
      UserError: as path.
    """
    runtime.load_tensorflow()
    spec = importlib.util.spec_from_file_location(
        f'{__package__}.{name}_program', path(name))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
