"""Starts worker processes, limits them to some cores and asks them in turn."""

import json
import os
import subprocess
import tempfile

from cifar10_tf1.common.errors import UserError

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Worker:
    """A process of cifar10_tf1.benchmark.worker."""

    def __init__(self, python, system_name, formulation, data_dir, num_cores=None):
        """Starts it and waits until it can be asked.

        Args:
          python: str, path of the runtime's interpreter.
          system_name: str, one of systems.NAMES.
          formulation: 'plain', 'stock' or 'fast'.
          data_dir: str, the folder of data.generate.
          num_cores: int, or None for all available cores.
        Raises:
          UserError: it can't be started, or it ends.
        """
        self.python = python
        self.formulation = formulation
        cores = None
        if num_cores is not None:
            cores = sorted(os.sched_getaffinity(0))[:num_cores]
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(('TF_', 'OMP_'))}
        # A file, because a pipe that nobody reads would fill up.
        self._errors = tempfile.TemporaryFile('w+')
        try:
            self._process = subprocess.Popen(
                [python, '-m', 'cifar10_tf1.benchmark.worker', system_name,
                 formulation, data_dir], cwd=_ROOT, env=environment,
                universal_newlines=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=self._errors,
                preexec_fn=cores and (lambda: os.sched_setaffinity(0, cores)))
        except OSError as error:
            raise UserError(f'cannot run {python}: {error.strerror}; choose another '
                            'Python with --python')
        try:
            self.about = self._read()
        except BaseException:
            self.stop()
            raise

    def ask(self, kind, seconds):
        """Trains or tests for some seconds. Returns images a second."""
        try:
            print(kind, seconds, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            self._raise_ended()
        answer = self._read()
        return answer['count'] / answer['seconds']

    def stop(self):
        self._process.kill()
        self._process.wait()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            self._raise_ended()
        try:
            return json.loads(line)
        except ValueError:
            raise UserError(f'{self.python} does not run the benchmark: it printed '
                            f'{line[:60]!r}; choose a Python with --python')

    def _raise_ended(self):
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        raise UserError(f'{self.python}, {self.formulation}: '
                        + (lines[-1] if lines else f'ended with status {status}'))
