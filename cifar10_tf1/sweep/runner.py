"""Runs the processes of a sweep, each started and awaited by a thread."""

import concurrent.futures
import os
import shlex
import signal
import subprocess
import threading
import time

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common import stopping
from cifar10_tf1.common.console import OutputError
from cifar10_tf1.common.errors import explained, UserError

_POLL_SECONDS = 0.2
# Exit statuses of processes killed by a user, or by the kernel for lack of memory.
_KILLED = (*(-number for number in (*stopping.SIGNALS, signal.SIGKILL)),
           *(128 + number for number in stopping.SIGNALS))


def split_cores(num_processes):
    """Divides the available cores into num_processes groups of neighbours: lists of int.

    Each is None if there are fewer cores, or if processes can't be bound to cores.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_setaffinity') else []
    if num_processes > len(cores):
        return [None] * num_processes
    ends = [len(cores) * i // num_processes for i in range(num_processes + 1)]
    return [cores[begin:end] for begin, end in zip(ends, ends[1:])]


class Runner:
    """Takes jobs (jobs.Job) through their stages, and prints a line for each stage.

    Attributes:
      failures: dict of the name of each job that has failed and the reason.
    """

    def __init__(self, jobs, core_groups):
        """core_groups, from split_cores, has one group for each concurrent process."""
        self._jobs = iter(jobs)  # each thread takes the next one
        self._core_groups = core_groups
        self.failures = {}
        self._lock = threading.Lock()
        self._processes = set()
        self._stopping = False

    def run(self, stop_request):
        """Returns when every job is complete or has failed, or after a signal.

        A stopping.StopRequest's signal goes on to the processes, which save and end.
        """
        stop_request.deferred = True
        with concurrent.futures.ThreadPoolExecutor(len(self._core_groups)) as pool:
            waiting = {pool.submit(self._run_jobs, cores) for cores in self._core_groups}
            try:
                while waiting:
                    ended, waiting = concurrent.futures.wait(waiting, _POLL_SECONDS)
                    for future in ended:
                        future.result()
                    if stop_request.requested and not self._stopping:
                        self._stop(stop_request.signal_number)
                        print(f'{stop_request.name}: the processes are saving and stopping')
            except BaseException:  # such as a line that can't be printed
                self._stop(signal.SIGTERM)
                raise

    def _stop(self, number):
        with self._lock:
            self._stopping = True
            for process in self._processes:
                process.send_signal(number)

    def _run_jobs(self, cores):
        """Runs jobs on these cores until none is left."""
        if cores:  # for this thread, whose processes inherit them
            os.sched_setaffinity(0, cores)
        for job in self._jobs:
            if self._stopping:
                return
            try:
                self._run_stages(job, cores)
            except OutputError:
                raise
            except UserError as error:
                self.failures[job.name] = str(error)
                print(f'{job.name}: FAILED ({error})')

    def _run_stages(self, job, cores):
        """Runs the job's commands; raises UserError if it can't continue."""
        state = status = None
        while not self._stopping:
            command = job.find_command()
            if command is None:
                print(f'{job.name}: complete')
                return
            stage, arguments = command
            if stage == 'training' and model_dir.is_in_use(job.folder):
                print(f'{job.name}: waiting for another process that uses {job.folder}')
                while model_dir.is_in_use(job.folder) and not self._stopping:
                    time.sleep(_POLL_SECONDS)
                continue
            # Each save and each test changes it.
            previous, state = state, (command, model_dir.find_newest(job.folder))
            if state == previous:
                raise UserError(f'{stage} ended with status {status} and saved nothing: '
                                + job.find_last_line())
            status = self._run_process(job, stage, arguments, cores)
            if self._stopping:
                print(f'{job.name}: stopped')
            elif status in _KILLED:
                print(f'{job.name}: {stage} was killed (status {status})')
            elif status and model_dir.IN_USE in job.find_last_line():
                state = None  # another sweep's process was faster
            elif status:
                raise UserError(f'{stage} ended with status {status}: ' + job.find_last_line())

    def _run_process(self, job, stage, arguments, cores):
        """Runs a process that Ctrl-C doesn't reach; returns its exit status."""
        with explained(f'write {job.log}', '--folder'), open(job.log, 'a') as log, self._lock:
            if self._stopping:
                return None
            log.write('\n$ ' + ' '.join(map(shlex.quote, arguments)) + '\n')
            log.flush()
            try:
                process = subprocess.Popen(
                    arguments, stdin=subprocess.DEVNULL, stdout=log,
                    stderr=subprocess.STDOUT, start_new_session=True)
            except OSError as error:
                raise UserError(f'{stage} cannot be started: {error}')
            self._processes.add(process)
        where = f' on core {", ".join(map(str, cores))}' if cores else ''
        try:
            print(f'{job.name}: {stage}{where}')
            return process.wait()
        finally:
            with self._lock:
                self._processes.discard(process)
