"""Options, one-line errors and exit statuses of all commands.

Imports no TensorFlow, which reads its environment when it is imported.
"""

import argparse
import contextlib
import os
import shlex
import sys

import cifar10_tf1
from cifar10_tf1 import data, systems
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common import console, limits, paths
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records import reference_run, run_settings

MODEL_DIR = './model'
MODEL_DIR_VARIABLE = 'CIFAR10_MODEL_DIR'


class Parser(argparse.ArgumentParser):
    """The parser of a command, whose docstring is its description and has an example."""

    def __init__(self, doc):
        paragraphs = (doc or '    python cifar-tf1').split('\n\n')  # python -OO drops it
        example = next(text.strip() for text in paragraphs if text.startswith('    '))
        words = example.split()
        super().__init__(
            ' '.join(words[:3]) if words[1] == '-m' else words[1],
            description='\n\n'.join(text for text in paragraphs if text.strip() != example),
            epilog=f'example: {example}',
            # A later option could change what an abbreviation means.
            allow_abbrev=False)
        self.add_argument('--version', action='version',
                          version=f'cifar-tf1 {cifar10_tf1.__version__}')

    def parse_args(self, args=None, namespace=None):
        try:
            os.getcwd()
        except OSError:
            raise UserError('the working folder no longer exists; change to another one')
        options = super().parse_args(args, namespace)
        for action in self._actions:
            # `--epochs=--` gives an empty list instead of a number.
            if action.nargs is None and getattr(options, action.dest, None) == []:
                self.error(f'argument {"/".join(action.option_strings)}: is empty')
        return options

    def error(self, message):
        """One line on standard error and status 2; argparse prints more."""
        self.exit(2, f'{self.prog}: error: {message} (see --help)\n')


def guard(name, function, *arguments):
    """Calls a function; prints a UserError as one line.

    Returns the exit status: the function's, 1 after a UserError, 130 after Ctrl-C.
    """
    with console.guarded():
        try:
            try:
                return function(*arguments)
            finally:
                sys.stdout.flush()
        except UserError as error:
            line, status = f'{name}: error: {error}', 1
        except KeyboardInterrupt:  # commands without a StopRequest
            line, status = f'{name}: stopped', 130
        with contextlib.suppress(console.OutputError):
            print(line, file=sys.stderr)
        return status


def run_command(parser, argv, command):
    """Parses the options and calls a command with them; returns guard's exit status."""
    return guard(parser.prog, lambda: command(parser.parse_args(argv)))


def begin(name, function):
    """Calls the part of a script before TensorFlow's import; exits on a UserError."""
    results = []
    status = guard(name, lambda: results.append(function()))
    if status:
        sys.exit(status)
    return results[0]


def add_number(parser, name, low, high, help, **options):
    """Adds an option for a whole number; --help states its range."""
    def parse(text):
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f'{text} is not in {low} to {high}')
        return number

    parse.__name__ = 'whole number'  # in argparse's message
    parser.add_argument(name, type=parse, metavar='N', help=f'{help}; {low} to {high}', **options)


def add_path(parser, name, metavar, help, convert=str, **options):
    """Adds an option for a path; see paths.check. Then `convert` is applied."""
    def parse(text):
        if not text:
            raise argparse.ArgumentTypeError('is empty')
        return convert(paths.check(text, name))

    parser.add_argument(name, metavar=metavar, help=help, type=parse, **options)


def add_system_option(parser):
    parser.add_argument(
        '--system', choices=systems.NAMES,
        help='the documented result: ' + '; '.join(
            f'{entry.name}, {entry.result}' for entry in systems.ENTRIES
        ).replace('%', '%%')
        + f' (default: that of the model folder or checkpoint, or {systems.DEFAULT})')


def add_data_dir_option(parser):
    sources = data.SOURCES.values()
    contents = ', or '.join(f'{source.contents} of {source.title}' for source in sources)
    defaults = '; '.join(f'for {source.title} ${source.variable} or {source.folder}'
                         for source in sources)
    add_path(parser, '--data-dir', 'DIR', f'folder with {contents}; missing data is '
             f'downloaded (default: {defaults})')


def add_data_options(parser):
    add_data_dir_option(parser)
    parser.add_argument(
        '--synthetic', action='store_true',
        help='use generated data with the real layout, written to DATA_DIR/synthetic on '
        'first use (default: the real data)')


def find_data_dir(options, system_name):
    """The folder that the user names, or the default for the system's data."""
    return options.data_dir or data.SOURCES[systems.find(system_name).data].data_dir


def load_data_set(options, system_name):
    """Loads the data_set.DataSet of a system from the folder of the options."""
    return data.SOURCES[systems.find(system_name).data].load(
        find_data_dir(options, system_name), options.synthetic)


def add_model_dir_option(parser, default=''):
    add_path(parser, '--model-dir', 'DIR',
             f'folder with the checkpoints (default: ${MODEL_DIR_VARIABLE} or '
             f'{MODEL_DIR}, and its subfolder NAME with --system NAME{default})')


def find_model_dir(options):
    """The folder that the user names, or the default for the system."""
    if getattr(options, 'model_dir', None):
        return options.model_dir
    folder = paths.check(os.environ.get(MODEL_DIR_VARIABLE) or MODEL_DIR, MODEL_DIR_VARIABLE)
    name = getattr(options, 'system', None) or systems.DEFAULT
    return folder if name == systems.DEFAULT else os.path.join(folder, name)


def add_checkpoint_options(parser):
    """--model-dir and --checkpoint, for locate_checkpoint."""
    add_model_dir_option(
        parser, f'; without a checkpoint there, {systems.DEFAULT}\'s checkpoint of record')
    add_checkpoint_option(parser, 'the newest in --model-dir')


def add_checkpoint_option(parser, default):
    """--checkpoint PREFIX, which may also name one of its files or a state file."""
    add_path(parser, '--checkpoint', 'PREFIX', 'path of a checkpoint, such as '
             f'model/model.ckpt-55000 (default: {default})', model_dir.find_prefix)


def locate_checkpoint(options):
    """The (folder, prefix or None) to pass to reading.choose.

    A user who names no checkpoint and has none gets the checkpoint of record, and a
    line says so. Not with --synthetic: it was trained on other classes.
    """
    folder, prefix = find_model_dir(options), options.checkpoint
    if not (options.model_dir or prefix or getattr(options, 'synthetic', False)
            or getattr(options, 'system', None) not in (None, systems.DEFAULT)
            or model_dir.find_newest(folder)):
        prefix = reference_run.find_checkpoint()
        if prefix:
            print(f'No checkpoint in {folder}: this is the checkpoint of record, '
                  f'{reference_run.shorten(prefix)}', file=sys.stderr)
    return folder, prefix


def find_system(options):
    """The name of a checkpoint's system; UserError if --system names another one.

    It comes from the settings saved with the weights, or from --system, because the
    original's checkpoints have no settings.
    """
    prefix = options.checkpoint
    if not prefix:
        newest = model_dir.find_newest(find_model_dir(options), ours=True)
        prefix = newest and newest.prefix
    settings = None
    with contextlib.suppress(UserError):  # damaged; the weights may be whole
        settings = prefix and model_dir.load_settings(prefix)
    name = (settings or {}).get('system') or options.system or systems.DEFAULT
    if options.system not in (None, name):
        raise UserError(f'{prefix} belongs to {name}, not {options.system}; omit '
                        '--system, or choose another folder with --model-dir')
    if name not in systems.NAMES:
        raise UserError(f'{prefix} belongs to {name!r}, which this version does not have; '
                        'choose another with --checkpoint or --model-dir')
    return name


def add_pretrained_option(parser):
    add_path(parser, '--pretrained', 'PATH',
             'weights to start from: a checkpoint, a frozen graph, an archive with one, '
             'or a folder with one (default: ' + '; '.join(
                 f'{entry.name}: the published ones in ${entry.weights_variable} or '
                 f'{entry.weights_folder}' for entry in systems.ENTRIES
                 if entry.weights_folder) + ', downloaded if missing). Other weights '
             'work too, including an .npz file or Keras\'s .h5 file; every line then '
             'says that the result is another one')


def add_training_options(parser):
    """Options that train.py shares with the sweep."""
    add_number(parser, '--save-steps', 1, limits.STEPS,
               'save every N steps (default: every epoch)')
    add_number(parser, '--train-files', 1, limits.FILES,
               'train on the first N training files only, as some documents do (default: all)')
    weights = parser.add_mutually_exclusive_group()
    add_pretrained_option(weights)
    weights.add_argument(
        '--from-scratch', action='store_true',
        help='start from seeded weights instead of published ones; every line then '
        'says that the result is another one')
    parser.add_argument(
        '--no-summaries', action='store_true',
        help='write no event files for TensorBoard (default: write them to summaries/ '
        'in the model folder); does not change the result')


def add_machine_options(parser):
    parser.add_argument(
        '--device', choices=['auto', 'cpu', 'gpu'],
        help='device to compute on (default: auto, a GPU if TensorFlow can use one)')
    parser.add_argument(
        '--kernels', choices=['auto', 'stock', 'fast'],
        help='stock: TensorFlow\'s own kernels; fast: formulations that are faster on a '
        'CPU and equal up to rounding (default: auto, fast on a CPU)')
    parser.add_argument(
        '--allow-unsupported-gpu', action='store_true',
        help='use a GPU that this TensorFlow does not support; it may hang or '
        'compute wrong numbers (default: such a GPU is refused)')
    for name, help in (
            ('intra-op', 'threads within one op; changing it may change the last bits '
             '(default: 1 with the fast kernels, or the number of cores)'),
            ('inter-op', 'ops that run at the same time; does not change the result '
             '(default: the number of cores)'),
            ('input', 'batches prepared in parallel; does not change the result '
             '(default: the number of cores, at most 2)')):
        add_number(parser, f'--{name}-threads', 1, limits.THREADS, help)


def given_settings(options):
    """run_settings.RunSettings from the options; None for each one not given."""
    return run_settings.RunSettings(**{
        name: getattr(options, name, None)
        for name in run_settings.RunSettings._fields})


def parse_seeds(text):
    """(1, 5, 8, 9, 10) for '1,5,8-10'."""
    seeds = []
    for part in text.split(','):
        first, unused_dash, last = part.partition('-')
        first, last = int(first), int(last or first)
        if not 0 <= first <= last <= limits.SEED:
            raise argparse.ArgumentTypeError(f'{part} is not a range of seeds')
        if last - first >= limits.TEST_SEEDS - len(seeds):
            raise argparse.ArgumentTypeError(f'{text} is more than {limits.TEST_SEEDS} seeds')
        seeds += range(first, last + 1)
    return tuple(seeds)


parse_seeds.__name__ = 'range of seeds'  # in argparse's message


def describe(script, options):
    """The command line for a record, without paths, which may contain user names."""
    paths = {'data_dir', 'model_dir', 'checkpoint', 'pretrained'}
    return ' '.join([script] + list_arguments(vars(options), sorted(set(vars(options)) - paths)))


def list_arguments(options, names):
    """Those of a dict's options that are neither None nor False, as a command line's words."""
    arguments = []
    for name in names:
        value = options[name]
        if value is not None and value is not False:
            arguments.append('--' + name.replace('_', '-'))
            arguments += [] if value is True else [str(value)]
    return arguments


def quote(words):
    """A command line to type, from a list of str."""
    return ' '.join(map(shlex.quote, words))


def name_python():
    """The running Python as a user types it: '.venv/bin/python' or 'python'."""
    name = os.path.relpath(sys.executable or '/')
    return 'python' if name.startswith(os.pardir) else name
