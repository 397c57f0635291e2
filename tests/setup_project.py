"""A project in which tools/setup.sh runs among stand-ins for Python, uv and uname."""

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REAL_PYTHON = os.path.join(sys.base_prefix, 'bin', 'python{}.{}'.format(*sys.version_info))
SYSTEM_TOOLS = ['cat', 'cp', 'cut', 'dirname', 'find', 'flock', 'grep', 'ls', 'mkdir',
                'printf', 'rm', 'sh', 'sha256sum', 'sleep', 'sort']

FAKE_UNAME = """#!/bin/sh
case $1 in -s) echo "${FAKE_SYSTEM:-Linux}" ;; *) echo "${FAKE_MACHINE:-x86_64}" ;; esac
"""
# Logs each use of pip and venv. Without a version it is an incomplete Python.
FAKE_PYTHON = """#!/bin/sh
case "$1 $2" in
    "-c "*)
        case $0 in /*) path=$0 ;; *) path=$PWD/$0 ;; esac
        [ -n "{version}" ] && echo "{version} $path" ;;
    "-m venv")
        for folder; do :; done
        [ "$3" = --clear ] && rm -rf "$folder"
        mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
    "-m pip")
        for lock; do :; done
        printf '%s PIP_USER=%s PIP_TARGET=%s\\n' "$*" "$PIP_USER" "${{PIP_TARGET-}}" >>"$FAKE_LOG"
        sleep "${{FAKE_PIP_SECONDS:-0}}"
        case $lock in
            *"${{FAKE_PIP_FAILS_ON:-nothing}}") echo "ERROR: from pip" >&2; exit 1 ;;
            */uv.txt) cp "$FAKE_LOCKED_UV" "${{0%/*}}/uv" ;;
        esac ;;
esac
"""


class Project:
    """A copy of tools/setup.sh and requirements/ in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder / 'a project'
        self.bin = folder / 'bin'
        self.home = folder / 'home'
        self.log_file = folder / 'log'
        for path in (self.folder / 'tools', self.bin, self.home):
            path.mkdir(parents=True)
        self.log_file.write_text('')
        shutil.copy(os.path.join(ROOT, 'tools', 'setup.sh'), str(self.folder / 'tools'))
        shutil.copytree(os.path.join(ROOT, 'requirements'),
                        str(self.folder / 'requirements'))
        for name in SYSTEM_TOOLS:
            path = shutil.which(name)
            if path:
                os.symlink(path, str(self.bin / name))
        self.add_program('uname', FAKE_UNAME)
        self.cpuinfo = folder / 'cpuinfo'
        self.cpuinfo.write_text('flags\t\t: fpu sse2 avx avx2\n')
        self.environment = {
            'PATH': str(self.bin), 'HOME': str(self.home), 'FAKE_LOG': str(self.log_file),
            'CIFAR_TF1_CPUINFO': str(self.cpuinfo)}

    def start(self, **environment):
        return subprocess.Popen(
            ['sh', str(self.folder / 'tools' / 'setup.sh')], cwd=str(self.home),
            env=dict(self.environment, **environment), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, universal_newlines=True)

    def run(self, **environment):
        """Returns (exit status, standard output, standard error)."""
        process = self.start(**environment)
        output, errors = process.communicate()
        return process.returncode, output, errors

    def add_program(self, path, text):
        path = self.bin / path  # an absolute path stays
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def add_python(self, path, version):
        return self.add_program(path, FAKE_PYTHON.format(version=version))

    def change_lock(self, name):
        with open(str(self.folder / 'requirements' / name), 'a') as lock:
            lock.write('# changed\n')

    def pip_calls(self):
        return self.log_file.read_text().splitlines()

    def installed_locks(self):
        return [os.path.basename(line.split(' PIP_USER')[0]) for line in self.pip_calls()]

    def made_with(self, venv='.venv'):
        """(version, path) of the Python that an environment was made with."""
        text = (self.folder / venv / 'cifar-tf1-setup').read_text().rstrip('\n')
        unused_use, version, unused_hash, path = text.split(' ', 3)
        return version, path
