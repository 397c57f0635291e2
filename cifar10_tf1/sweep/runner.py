"""The processes of a sweep, side by side, each on cores of its own."""

import os
import shlex
import signal
import subprocess
import time

from cifar10_tf1.machine import description
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.machine import memory
from cifar10_tf1.common.errors import UserError

_POLL_SECONDS = 0.2
# As a process ends that somebody stops from outside, or the kernel for memory.
_STOPPED_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT,
                         -signal.SIGHUP, 128 + signal.SIGTERM,
                         128 + signal.SIGINT)


def split_cores(num_processes):
    """The cores at hand in so many groups of neighbours.

    Returns:
      list of lists of int; of None where a process can't be kept to cores, or
      there are fewer cores than processes.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(
        os, 'sched_setaffinity') else []
    if num_processes > len(cores):
        return [None] * num_processes
    ends = [len(cores) * i // num_processes for i in range(num_processes + 1)]
    return [cores[begin:end] for begin, end in zip(ends, ends[1:])]


def choose_num_processes(device, num_jobs, memory_bytes):
    """One on each core, as far as the memory reaches; on a GPU one in all.

    Measured: docs/sweep.md.

    Args:
      device: 'cpu' or 'gpu'.
      num_jobs: int.
      memory_bytes: float, that a process takes.
    """
    if device == 'gpu':
        return 1
    size = memory.find_memory().size
    fitting = num_jobs if size is None else int(size / memory_bytes)
    return max(1, min(description.count_cores(), num_jobs, fitting))


class Slot:
    """A place for one process."""

    def __init__(self, cores):
        self.cores = cores
        self.job = None
        self.stage = None    # a jobs.Command's, or 'in use'
        self.process = None  # None while another sweep's process is awaited


class Runner:
    """Takes jobs through their stages until none can go on."""

    def __init__(self, jobs, groups, progress):
        """
        Args:
          jobs: list of jobs.Job, in the order of their turns.
          groups: as of split_cores, one for each process.
          progress: progress.Progress, that is told what happens.
        """
        self._jobs = jobs
        self._waiting = list(jobs)
        self._slots = [Slot(cores) for cores in groups]
        self._progress = progress
        self._num_signals = 0

    def run(self, stop_request):
        """Returns when every job is complete or failed, or on a signal.

        Args:
          stop_request: stopping.StopRequest; its signal is passed on, and the
            processes save and end.
        """
        stop_request.deferred = True
        try:
            self._run(stop_request)
        except BaseException:  # a line that can't be printed, say
            self._pass_on(signal.SIGTERM)
            raise

    def _run(self, stop_request):
        while True:
            stopping = stop_request.requested
            if stopping and not self._num_signals:
                self._num_signals += 1
                self._progress.say(f'{stop_request.name}: the processes save '
                                   'and end')
                self._pass_on(stop_request.signal_number)
            for slot in self._slots:
                if slot.job is not None:
                    self._tend(slot, stopping)
                while slot.job is None and self._waiting and not stopping:
                    slot.job = self._waiting.pop(0)
                    slot.job.forget_failure()
                    self._go_on(slot)
            active = {slot.job: slot.stage for slot in self._slots
                      if slot.job is not None}
            self._progress.show(active)
            if not active or stopping and not any(
                    slot.process for slot in self._slots):
                return
            time.sleep(_POLL_SECONDS)

    def _tend(self, slot, stopping):
        """Looks whether a process has ended, and takes its job on."""
        job = slot.job
        if slot.process is None:
            if stopping or job.is_in_use():
                return
            self._go_on(slot)
            return
        status = slot.process.poll()
        if status is None:
            return
        slot.process = None
        self._judge(job, slot.stage, status, stopping)
        if job.failure or stopping:
            self._leave(slot)
        else:
            self._go_on(slot, slot.stage if status == 0 else None)

    def _judge(self, job, stage, status, stopping):
        """Whether a job can go on behind a process that has ended."""
        if status == 0 or stopping:
            return
        if status in _STOPPED_FROM_OUTSIDE:
            what = f'{stage} was stopped from outside (status {status})'
            if job.may_try_again():
                self._progress.say(f'{job.name}: {what}; it is begun again')
            else:
                job.fail(f'{what}, again and again before it had saved anything')
            return
        line = job.find_last_line()
        # Another sweep was faster; or it asked for the lock at that moment.
        if not (stage == 'training' and model_dir.IN_USE in line):
            job.fail(f'{stage} ended with status {status}: {line}')

    def _go_on(self, slot, done=None):
        """Starts what comes next in a job, or gives its slot away.

        Args:
          slot: Slot.
          done: str, the stage that has just ended well.
        """
        job = slot.job
        try:
            job.check()
            command = job.find_command()
            if command and command.stage == done:
                raise UserError(f'{done} ended, and there is more to do: '
                                + job.find_last_line())
        except UserError as error:
            job.fail(str(error))
            command = None
        if command is None:
            self._leave(slot)
        elif command.stage == 'training' and job.is_in_use():
            if slot.stage != 'in use':
                self._progress.say(f'{job.name}: {job.folder} is in use by '
                                   'another process, which is awaited')
            slot.stage = 'in use'
        else:
            slot.stage = command.stage
            try:
                slot.process = self._start(slot, command)
            except OSError as error:
                job.fail(f'{slot.stage} cannot be started: {error}')
                self._leave(slot)
                return
            self._progress.say(f'{job.name}: {slot.stage}' + (
                f' on core {", ".join(map(str, slot.cores))}' if slot.cores
                else ''))

    def _leave(self, slot):
        job = slot.job
        slot.job = slot.stage = None
        self._progress.end(job)

    def _start(self, slot, command):
        """A process in a session of its own: a terminal's Ctrl-C is ours."""
        cores = slot.cores
        with open(slot.job.log, 'a') as log:
            log.write('\n$ ' + ' '.join(map(shlex.quote, command.arguments))
                      + '\n')
            log.flush()
            return subprocess.Popen(
                command.arguments, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=cores and (
                    lambda: os.sched_setaffinity(0, cores)))

    def _pass_on(self, number):
        for slot in self._slots:
            if slot.process:
                slot.process.send_signal(number)
