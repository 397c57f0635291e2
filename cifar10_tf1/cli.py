"""What the command lines of all programs share: options, errors, exit status.

It imports no TensorFlow: options, environment variables and signal handlers come
first.
"""

import argparse
import contextlib
import os
import sys

import cifar10_tf1
from cifar10_tf1.common import console
from cifar10_tf1 import data
from cifar10_tf1.common import limits
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.records import reference_run
from cifar10_tf1.records import run_settings
from cifar10_tf1 import systems
from cifar10_tf1.common.errors import UserError

_MODEL_DIR = './model'


def add_data_dir_option(parser):
    parser.add_argument(
        '--data-dir', metavar='DIR',
        help='the folder that holds '
        + ', or '.join(f'{source.what_lies_there} of {source.title}'
                       for source in data.SOURCES.values())
        + '; downloaded where absent (default: '
        + ', or '.join(f'${source.variable}, else {source.folder}'
                       for source in data.SOURCES.values()) + ')')


def add_data_options(parser):
    add_data_dir_option(parser)
    parser.add_argument(
        '--synthetic', action='store_true',
        help='use a generated stand-in data set in the layout of the real one, '
        'made in DATA_DIR/synthetic on first use (default: the real one)')


def find_data_dir(options, system_name):
    """The folder that the user names, or where the system's data is kept."""
    return options.data_dir or data.SOURCES[
        systems.find(system_name).data].data_dir


def add_system_option(parser):
    parser.add_argument(
        '--system', choices=systems.NAMES,
        help='which documented result: ' + '; '.join(
            f'{entry.name}, {entry.result}' for entry in systems.ENTRIES
        ).replace('%', '%%')
        + f' (default: that of the model folder or checkpoint, else '
        f'{systems.DEFAULT})')


def check_system(options, name, what):
    """Raises UserError where the user asks for another system than there is."""
    if options.system not in (None, name):
        raise UserError(f'{what} is of the system {name}, not {options.system}; '
                        'leave --system out, or choose another folder with '
                        '--model-dir')


def find_model_dir(options):
    """The folder that the user names, or the one of the system by default."""
    name = getattr(options, 'system', None) or systems.DEFAULT
    folder = os.environ.get('CIFAR10_MODEL_DIR') or _MODEL_DIR
    return getattr(options, 'model_dir', None) or (
        folder if name == systems.DEFAULT else os.path.join(folder, name))


def add_model_dir_option(parser):
    parser.add_argument(
        '--model-dir', metavar='DIR',
        help='the folder of the checkpoints (default: $CIFAR10_MODEL_DIR, else '
        f'{_MODEL_DIR}; with --system NAME its folder NAME)')


def add_checkpoint_options(parser):
    """Of programs that read one: see locate_checkpoint."""
    parser.add_argument(
        '--model-dir', metavar='DIR',
        help='the folder of the checkpoints (default: $CIFAR10_MODEL_DIR, else '
        f'{_MODEL_DIR}; with --system NAME its folder NAME; where that has none, '
        f'the checkpoint of record of {systems.DEFAULT} is taken)')
    parser.add_argument(
        '--checkpoint', metavar='PREFIX',
        help='path of a checkpoint without .index (default: the newest in '
        '--model-dir)')


def locate_checkpoint(options, file=None):
    """Where to look for a checkpoint.

    Where the user names neither and has none, it is the one of record, and a
    line says so. It does not know the classes of the generated data set, and is
    not taken for that.

    Args:
      options: of add_checkpoint_options, and perhaps of add_data_options.
      file: where the line goes (default: standard output).
    Returns:
      (folder, prefix), as checkpoints.choose takes them; prefix may be None.
    """
    folder = find_model_dir(options)
    prefix = options.checkpoint
    if not (options.model_dir or prefix or getattr(options, 'synthetic', False)
            or getattr(options, 'system', None) not in (None, systems.DEFAULT)
            or any(checkpoint.holds_tensors
                   for checkpoint in model_dir.list_checkpoints(folder))):
        prefix = reference_run.find_checkpoint()
        if prefix:
            print(f'No checkpoint in {folder}: this is the checkpoint of '
                  f'record, {reference_run.shorten(prefix)}',
                  file=file or sys.stdout, flush=True)
    return folder, prefix


def find_system(options):
    """The name of a checkpoint's system, for programs that read one.

    What lies beside its weights says it, or the user; beside the original's
    nothing lies.

    Raises:
      UserError: where the user names another.
    """
    prefix = options.checkpoint or next(
        (checkpoint.prefix for checkpoint
         in model_dir.list_checkpoints(find_model_dir(options))
         if checkpoint.ours and checkpoint.holds_tensors), None)
    try:
        settings = prefix and model_dir.load_settings(prefix)
    except UserError:  # damaged; the weights may be whole
        settings = None
    name = (settings or {}).get('system')
    if name is None:
        return options.system or systems.DEFAULT
    check_system(options, name, prefix)
    return systems.find(name).name


def add_pretrained_option(parser):
    parser.add_argument(
        '--pretrained', metavar='PATH',
        help='the published weights that a training begins with: a checkpoint, a '
        'frozen graph, an archive of one of them, or a folder that holds it '
        '(default: ' + '; '.join(
            f'{entry.name}: ${entry.weights_variable}, else '
            f'{entry.weights_folder}' for entry in systems.ENTRIES
            if entry.weights_folder)
        + '; downloaded where absent)')


def add_machine_options(parser):
    parser.add_argument(
        '--device', choices=['auto', 'cpu', 'gpu'],
        help='where the network computes (default: auto, a GPU if TensorFlow '
        'can use one)')
    parser.add_argument(
        '--kernels', choices=['auto', 'stock', 'fast'],
        help='how the layers are formulated: by the kernels that TensorFlow '
        'has for them, or by faster ones for a CPU, equal but for rounding '
        '(default: auto, fast on a CPU)')
    parser.add_argument(
        '--allow-unsupported-gpu', action='store_true',
        help='use a GPU that this TensorFlow does not support; it may hang or '
        'compute wrong numbers (default: such a GPU is refused)')
    add_number(
        parser, '--intra-op-threads', 1, limits.THREADS,
        'threads within one op; another number may give other last bits '
        '(default: 1 with the fast kernels, else the cores at hand)')
    add_number(
        parser, '--inter-op-threads', 1, limits.THREADS,
        'ops that run at the same time; no influence on the result (default: '
        'the cores at hand)')
    add_number(
        parser, '--input-threads', 1, limits.THREADS,
        'batches prepared in parallel; no influence on the result (default: '
        'the cores at hand, 2 at most)')


class Parser(argparse.ArgumentParser):

    def __init__(self, **kwargs):
        # A shortened option would change its meaning with a later one.
        super().__init__(allow_abbrev=False, **kwargs)
        self.add_argument('--version', action='version',
                          version=f'cifar-tf1 {cifar10_tf1.__version__}')

    def parse_args(self, args=None, namespace=None):
        """As argparse's; an empty path would be the working folder."""
        options = super().parse_args(args, namespace)
        for action in self._actions:
            if getattr(options, action.dest, None) == '':
                self.error('argument ' + '/'.join(
                    action.option_strings or [action.dest]) + ': is empty')
        return options

    def error(self, message):
        """One line on standard error and status 2; argparse prints more."""
        self.exit(2, f'{self.prog}: error: {message} (see --help)\n')


def run_command(parser, argv, command, *arguments):
    """Parses and runs; errors that a user can mend become one line.

    Args:
      parser: Parser.
      argv: list of str, or None for sys.argv.
      command: called with the options and the further arguments.
    Returns:
      int, the exit status: the command's, 1, or 130 after Ctrl-C.
    """
    def parse_and_run():
        options = parser.parse_args(argv)
        check_working_folder()
        return command(options, *arguments)

    return guard(parser.prog, parse_and_run)


def guard(name, function, *arguments):
    """Calls a function; errors that a user can mend become one line.

    Args:
      name: str, of the program.
      function: gives an exit status.
    Returns:
      int, the exit status: the function's, 1, or 130 after Ctrl-C.
    """
    with console.guarded():
        try:
            try:
                return function(*arguments)
            finally:
                sys.stdout.flush()
        except UserError as error:
            return _end(name, f'error: {error}', 1)
        except KeyboardInterrupt:  # where no StopRequest takes it
            return _end(name, 'stopped', 130)


def _end(name, text, status):
    """Prints a program's last line, where it can be printed; gives the status."""
    with contextlib.suppress(console.OutputError):
        print(f'{name}: {text}', file=sys.stderr, flush=True)
    return status


def check_working_folder():
    try:
        os.getcwd()
    except OSError:
        raise UserError('the working folder is gone; go to another one')


def load_data_set(options, system_name):
    """The DataSet of a system that the options name."""
    return data.SOURCES[systems.find(system_name).data].load(
        find_data_dir(options, system_name), options.synthetic)


def add_number(parser, name, low, high, help, **options):
    """Adds an option that takes a whole number of a range, which --help states."""
    def parse(text):
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(
                f'{text} is not in {low} to {high}')
        return number

    parse.__name__ = 'whole number'  # in argparse's message
    parser.add_argument(name, type=parse, metavar='N',
                        help=f'{help}; {low} to {high}', **options)


def add_test_seed_options(parser):
    """--seed N, or --seeds 1-20; the namespace has `seeds`, a tuple of int."""
    group = parser.add_mutually_exclusive_group()
    add_number(group, '--seed', 0, limits.SEED, 'of the random crops (default: 1)')
    group.add_argument(
        '--seeds', type=parse_seeds, metavar='A-B',
        help='test with each of these seeds, and give their mean and standard '
        'deviation: 1-20, or 1,5,8-10 (default: one seed)')


def find_test_seeds(options):
    """tuple of int, of add_test_seed_options."""
    if options.seeds is not None:
        return options.seeds
    return (1 if options.seed is None else options.seed,)


def parse_seeds(text):
    seeds = []
    for part in text.split(','):
        first, unused_dash, last = part.partition('-')
        first, last = int(first), int(last or first)
        if not 0 <= first <= last <= limits.SEED:
            raise argparse.ArgumentTypeError(f'{part} is not a range of seeds')
        if last - first >= limits.TEST_SEEDS - len(seeds):
            raise argparse.ArgumentTypeError(
                f'{text} are more than {limits.TEST_SEEDS} seeds')
        seeds += range(first, last + 1)
    return tuple(seeds)


parse_seeds.__name__ = 'range of seeds'  # in argparse's message


def given_settings(options):
    """run_settings.RunSettings of the options; None where one is not given."""
    return run_settings.RunSettings(**{
        name: getattr(options, name, None)
        for name in run_settings.RunSettings._fields})
