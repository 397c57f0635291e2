"""A project in which tools/setup.sh can be run, and what it is to print.

Nothing is downloaded and no TensorFlow is installed: the PATH holds the system
tools that the script uses, and stand-ins for Python and uv.
"""

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REAL_PYTHON = os.path.join(sys.base_prefix, 'bin', 'python{}.{}'.format(*sys.version_info))
SYSTEM_TOOLS = ['cat', 'cp', 'cut', 'dirname', 'env', 'find', 'flock', 'grep', 'ls', 'mkdir', 'mv',
                'printf', 'rm', 'sed', 'sh', 'sha256sum', 'sleep', 'sort', 'tail', 'tr', 'uname']

# A Python for the script's eyes: answers the probe, makes "environments" with
# itself in them, logs what is asked of it. {answer}: what the probe would print.
FAKE_PYTHON = """#!/bin/sh
[ "$1" = -m ] && printf '%s\\n' "$*" >>"$FAKE_LOG"
case "$1 $2" in
    "-c import tensorflow"*)
        case "{answer}" in 3.[67]*) version=1.15.0 ;; *) version=2.21.0 ;; esac
        echo "a warning"; echo "${{FAKE_TENSORFLOW:-$version}}" ;;
    "-c import flake8"* | "-c import cyclonedx_py"*) echo works ;;
    "-c "*) echo "{answer}" ;;
    "-m venv")
        for folder; do :; done
        mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
    "-m pip")
        for lock; do :; done
        printf 'PIP_USER=%s PIP_TARGET=%s\\n' "$PIP_USER" "${{PIP_TARGET-unset}}" >>"$FAKE_LOG"
        sleep "${{FAKE_PIP_SECONDS:-0}}"
        case $lock in
            *"${{FAKE_PIP_FAILS_ON:-nothing}}"*) echo "ERROR: from pip" >&2; exit 1 ;;
        esac
        case $lock in */uv.txt) cp "$FAKE_LOCKED_UV" "${{0%/*}}/uv" ;; esac ;;
esac
"""


class Project:
    """A copy of tools/setup.sh in a folder of its own, and its surroundings."""

    def __init__(self, folder):
        self.folder = folder / 'a project'
        self.bin = folder / 'bin'
        self.home = folder / 'home'
        self.log_file = folder / 'log'
        for path in (self.folder, self.bin, self.home):
            path.mkdir()
        self.log_file.write_text('')
        (self.folder / 'tools').mkdir()
        shutil.copy(os.path.join(ROOT, 'tools', 'setup.sh'), str(self.folder / 'tools'))
        shutil.copytree(os.path.join(ROOT, 'requirements'), str(self.folder / 'requirements'))
        for name in SYSTEM_TOOLS:
            path = shutil.which(name)
            if path:
                os.symlink(path, str(self.bin / name))
        (folder / 'cpuinfo').write_text('flags\t\t: fpu sse2 avx avx2\n')
        self.environment = {
            'PATH': str(self.bin), 'HOME': str(self.home), 'FAKE_LOG': str(self.log_file),
            'CIFAR_TF1_SYSTEM': 'Linux', 'CIFAR_TF1_MACHINE': 'x86_64',
            'CIFAR_TF1_CPUINFO': str(folder / 'cpuinfo')}

    def command(self, *arguments):
        return ['sh', str(self.folder / 'tools' / 'setup.sh')] + list(arguments)

    def run(self, *arguments, **environment):
        """Returns (exit status, standard output, standard error)."""
        process = subprocess.Popen(
            self.command(*arguments), env=dict(self.environment, **environment),
            cwd=str(self.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            universal_newlines=True)
        output, errors = process.communicate()
        return process.returncode, output, errors

    def add_program(self, path, text):
        if not os.path.isabs(str(path)):
            path = self.bin / path
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def add_python(self, path, answer):
        return self.add_program(path, FAKE_PYTHON.format(answer=answer))

    def log(self):
        return self.log_file.read_text().splitlines()

    def state(self, venv='.venv'):
        return (self.folder / venv / 'cifar-tf1-setup').read_text().split(None, 3)

    def made_with(self, venv='.venv'):
        return self.state(venv)[3].strip()


def check_one_line(errors, *parts):
    assert errors.count('\n') == 1, errors
    assert errors.startswith('setup: ')
    for part in parts:
        assert part in errors
