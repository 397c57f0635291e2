"""The command: python -m cifar10_tf1.doctor."""

import json
import sys

from cifar10_tf1 import cli
from cifar10_tf1 import systems
from cifar10_tf1.doctor import gpu
from cifar10_tf1.doctor import resources
from cifar10_tf1.doctor import software
from cifar10_tf1.doctor import storage
from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import find_worst
from cifar10_tf1.doctor.lines import format_lines
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import run_check
from cifar10_tf1.doctor.lines import WARN

# 1 and 2 are an error of the command itself.
EXIT_STATUSES = {OK: 0, WARN: 3, FAIL: 4}


def list_lines(data_dir, model_dir, device='auto',
               system_name=systems.DEFAULT):
    """All lines of the report: list of lines.Line."""
    checks = (
        ('Program', software.check_program),
        ('Python', software.check_python),
        ('TensorFlow', software.check_tensorflow),
        ('Packages', software.check_packages),
        ('Processor', software.check_processor),
        ('GPU', gpu.check_gpu, device),
        ('Data', storage.check_data, data_dir, system_name),
        ('Disk', storage.check_disks, data_dir, model_dir, system_name),
        ('Writing', storage.check_permissions, data_dir, model_dir,
         system_name),
        ('Weights', storage.check_weights, system_name),
        ('Memory', resources.check_memory, '/', system_name),
        ('Time', resources.check_time, system_name),
        ('Threads', resources.check_threads))
    return [line for check in checks for line in run_check(*check)]


def _doctor(options):
    name = options.system or systems.DEFAULT
    lines = list_lines(cli.find_data_dir(options, name),
                       cli.find_model_dir(options), options.device, name)
    worst = find_worst(lines)
    if options.json:
        print(json.dumps({'verdict': worst, 'lines': [
            line._asdict() for line in lines]}, indent=1), flush=True)
    else:
        print(format_lines(lines))
        print({OK: 'All is well', WARN: 'It will run; see WARN above',
               FAIL: 'It will not run; see FAIL above'}[worst], flush=True)
    return EXIT_STATUSES[worst]


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.doctor',
        description='Looks at what the programs need: Python, TensorFlow, GPU, '
        'data, disk, memory. Downloads and changes nothing. Exit status by the '
        'worst line: 0 OK, 3 WARN (it will run), 4 FAIL (it will not).',
        epilog='example: python -m cifar10_tf1.doctor --json > report.json')
    cli.add_system_option(parser)
    cli.add_data_dir_option(parser)
    cli.add_model_dir_option(parser)
    parser.add_argument(
        '--device', choices=['auto', 'cpu', 'gpu'], default='auto',
        help='what the programs are to compute on (default: auto)')
    parser.add_argument('--json', action='store_true',
                        help='print JSON (default: text)')
    return cli.run_command(parser, argv, _doctor)


if __name__ == '__main__':
    sys.exit(main())
