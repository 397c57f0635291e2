"""Writes which packages an environment has, in CycloneDX's JSON, from its locks.

    make sbom RUNTIME=tf2 EXTRAS="pictures onnx" ARGS="--output FILE"

cyclonedx-py writes the file; here the locks of one environment become one list
for it, without which package needs which. The same locks give the same bytes:
the file has no serial number, and no time but that of SOURCE_DATE_EPOCH.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

from packaging.requirements import Requirement

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REQUIREMENTS = os.path.join(ROOT, 'requirements')

# Those of the images first. TensorFlow 1.15 has a lock for each Python.
PYTHONS = {'tf1': ('3.6', '3.7'), 'tf2': ('3.12', '3.10', '3.11', '3.13'),
           'tf2-cuda': ('3.12', '3.10', '3.11', '3.13')}
EXTRAS = ('pictures', 'onnx')


def list_locks(runtime, python, extras):
    """The names of the locks that an environment is made from."""
    main = 'py' + python.replace('.', '') if runtime == 'tf1' else runtime
    shared = main.replace('-cuda', '')
    return [f'{name}.txt' for name in
            [f'build-{shared}', main] + [f'{extra}-{shared}' for extra in extras]]


def join_locks(locks, python, machine):
    """What locks install on Linux with one Python: each package once.

    Args:
      locks: names of files in requirements/.
      python: str, such as '3.12'.
      machine: str, as uname names it.
    Returns:
      [str]: lines for pip, with hashes, in the order of the packages' names.
    Raises:
      ValueError: where two locks have a package in two versions.
    """
    environment = {'python_version': python, 'python_full_version': python + '.0',
                   'sys_platform': 'linux', 'platform_system': 'Linux', 'os_name': 'posix',
                   'platform_machine': machine, 'implementation_name': 'cpython',
                   'platform_python_implementation': 'CPython'}
    lines = {}
    for name in locks:
        with open(os.path.join(REQUIREMENTS, name), encoding='utf-8') as file:
            text = re.sub(r'^ *#.*\n', '', file.read(), flags=re.MULTILINE)
        for line in text.replace('\\\n', ' ').splitlines():
            requirement, *hashes = line.split()[0:1] + re.findall(r'--hash=\S+', line)
            condition = line.partition(';')[2].split('--hash=')[0]
            parsed = Requirement(requirement + (f' ;{condition}' if condition else ''))
            if parsed.marker is not None and not parsed.marker.evaluate(environment):
                continue
            joined = ' '.join([requirement] + hashes)
            if lines.setdefault(parsed.name, joined).split('[')[0] != joined.split('[')[0]:
                raise ValueError(f'{name} has another {parsed.name} than a lock before it')
    return [lines[name] for name in sorted(lines)]


def read_version():
    """The project's, without the packages that importing it may need."""
    with open(os.path.join(ROOT, 'cifar10_tf1', '__init__.py'), encoding='utf-8') as file:
        return re.search(r"__version__ = '(.*)'", file.read()).group(1)


def write(requirements, description, output):
    """Has cyclonedx-py write the file.

    Args:
      requirements: [str], lines for pip.
      description: str, of the environment.
      output: str, the file; an earlier one is replaced.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = os.path.join(folder, 'pyproject.toml')
        with open(project, 'w', encoding='utf-8') as file:
            file.write(f'[project]\nname = "cifar-tf1"\nversion = "{read_version()}"\n'
                       f'description = "{description}"\n')
        subprocess.run(
            # It warns that nothing is said of what needs what.
            [sys.executable, '-W', 'ignore::UserWarning', '-m', 'cyclonedx_py', 'requirements',
             '--output-reproducible', '--pyproject', project, '--output-file', output, '-'],
            input='\n'.join(requirements), universal_newlines=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runtime', choices=sorted(PYTHONS), default='tf1')
    parser.add_argument('--python', help='its version; default: that of the image')
    parser.add_argument('--machine', default='x86_64', help='default: %(default)s')
    parser.add_argument('--extras', default='', help='"pictures onnx", or one of them')
    parser.add_argument('--output', help='default: sbom-RUNTIME.cdx.json')
    options = parser.parse_args()
    pythons = PYTHONS[options.runtime]
    python = options.python or pythons[0]
    extras = options.extras.split()
    if python not in pythons:
        parser.error(f'--python {python}: {options.runtime} has {", ".join(pythons)}')
    if not set(extras) <= set(EXTRAS):
        parser.error(f'--extras "{options.extras}": give of {", ".join(EXTRAS)}')
    output = options.output or f'sbom-{options.runtime}.cdx.json'
    locks = list_locks(options.runtime, python, extras)
    requirements = join_locks(locks, python, options.machine)
    write(requirements, f'{options.runtime}, Python {python}, from {" ".join(locks)}', output)
    print(f'{output}: {len(requirements)} packages of {", ".join(locks)}')


if __name__ == '__main__':
    main()
