"""The worker processes: started, limited to some cores, asked in turn."""

import json
import os
import subprocess
import tempfile

from cifar10_tf1.common.errors import UserError

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Worker:
    """A process of cifar10_tf1.benchmark.worker."""

    def __init__(self, python, system_name, formulation, data_dir,
                 num_cores=None):
        """Starts it and waits until it can be asked.

        Args:
          python: str, the interpreter, which decides the runtime.
          system_name: str, one of systems.NAMES.
          formulation: 'plain', 'stock' or 'fast'.
          data_dir: str, where data.generate has been.
          num_cores: int, the first so many of the cores at hand; None: all.
        Raises:
          UserError: where it ends instead.
        """
        self.formulation = formulation
        cores = None
        if num_cores is not None:
            cores = sorted(os.sched_getaffinity(0))[:num_cores]
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(('TF_', 'OMP_'))}
        # A file: a pipe that nobody reads would fill up.
        self._errors = tempfile.TemporaryFile('w+')
        self._process = subprocess.Popen(
            [python, '-m', 'cifar10_tf1.benchmark.worker', system_name,
             formulation, data_dir], cwd=_ROOT, env=environment, universal_newlines=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors,
            preexec_fn=cores and (lambda: os.sched_setaffinity(0, cores)))
        self.about = self._read()

    def ask(self, kind, seconds):
        """Does something for so long. Returns the count a second."""
        self._process.stdin.write(f'{kind} {seconds}\n')
        self._process.stdin.flush()
        answer = self._read()
        return answer['count'] / answer['seconds']

    def stop(self):
        self._process.kill()
        self._process.communicate()

    def _read(self):
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.communicate()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        raise UserError(f'{self._process.args[0]}, {self.formulation}: '
                        + (lines[-1] if lines else
                           f'ended with status {self._process.returncode}'))
