"""A process of the benchmark, which trains and tests in one environment.

    python -m cifar10_tf1.benchmark.worker SYSTEM FORMULATION DATA_DIR

Prints one line of JSON about itself. Then it reads lines `train SECONDS` or
`test SECONDS` from standard input, trains or tests for about that long, and answers each
with a line of JSON: {"count": images, "seconds": time}.
"""

import contextlib
import importlib
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

from cifar10_tf1 import scripts, systems
from cifar10_tf1.benchmark import data
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description, resources, runtime
from cifar10_tf1.records import run_settings

NUM_WARM_UP_STEPS, MAX_WARM_UP_SECONDS = 10, 30.0


class Worker:
    """Starts and queries a worker process; a context manager.

    Attributes:
      formulation: 'plain', 'stock' or 'fast'.
      about: dict, the process's line about itself.
      blocks: {'train' or 'test': [images a second]}, filled by the owner.
    """

    def __init__(self, python, system_name, formulation, data_dir, num_cores=None):
        """Starts the process, by default on all cores, and waits until it is ready.

        Raises:
          UserError: it can't be started, or it ends.
        """
        self.formulation = formulation
        self.blocks = {'train': [], 'test': []}
        self._python = python
        cores = num_cores and sorted(os.sched_getaffinity(0))[:num_cores]
        # A file, because a pipe that nobody reads would fill up.
        self._errors = tempfile.TemporaryFile('w+')
        try:
            self._process = subprocess.Popen(
                [python, '-m', 'cifar10_tf1.benchmark.worker', system_name,
                 formulation, data_dir], cwd=scripts.ROOT,
                env={name: value for name, value in os.environ.items()
                     if not name.startswith(('TF_', 'OMP_'))},
                universal_newlines=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=self._errors,
                preexec_fn=cores and (lambda: os.sched_setaffinity(0, cores)))
        except OSError as error:
            raise UserError(f'cannot run {python}: {error.strerror}; name another '
                            'Python with --python')
        try:
            self.about = self._read()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        self._process.kill()
        self._process.wait()

    def ask(self, kind, seconds):
        """Trains or tests for some seconds. Returns images a second."""
        with contextlib.suppress(BrokenPipeError):  # then _read explains
            print(kind, seconds, file=self._process.stdin, flush=True)
        answer = self._read()
        return answer['count'] / answer['seconds']

    def _read(self):
        line = self._process.stdout.readline()
        if line:
            try:
                return json.loads(line)
            except ValueError:
                raise UserError(f'{self._python} can\'t run the benchmark: it printed '
                                f'{line[:60]!r}; name another Python with --python')
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        raise UserError(f'{self._python}, {self.formulation}: '
                        + (lines[-1] if lines else f'ended with status {status}'))


def open_steps(system_name, formulation, data_dir):
    """Endless generators {'train': ..., 'test': ...} of each step's number of images."""
    entry = systems.find(system_name)
    if formulation == 'plain':
        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
        runtime.load_tensorflow()
        name = 'notebook' if entry.shared_file else system_name
        port = importlib.import_module(f'cifar10_tf1.benchmark.plain_{name}')
        return port.open_steps(system_name, data.load_data_set(data_dir, system_name))
    runtime.prepare_environment(formulation, entry.prefers_onednn)
    runtime.load_tensorflow()
    system, data_set = systems.load(system_name), data.load_data_set(data_dir, system_name)
    settings = run_settings.default(system, data_set, formulation)._replace(device='cpu')
    runtime.start_threads(settings.threads)
    return {'train': _train(system, data_set, settings),
            'test': _test(system, data_set, settings)}


def _train(system, data_set, settings):
    """Trains as train.py does; yields the number of images of each step."""
    plan = system.build_plan(data_set)
    graph = scripts.load('train').build_graph(system, data_set, plan, settings)
    tf = runtime.load_tensorflow()
    with tf.Session(graph=graph.graph,
                    config=runtime.session_config(settings.threads)) as session:
        session.run(graph.initializer)
        for epoch in itertools.count():
            feeds = graph.inputs.start(session, 'training', epoch)
            if system.keep_prob is not None:
                feeds[graph.mode.keep_prob] = system.keep_prob
            for size in plan.batch_sizes:
                session.run([graph.train_op, graph.total_loss], feeds)
                yield size


def _test(system, data_set, settings):
    """Tests as test.py does; yields the number of images of each session.run."""
    graph = scripts.load('test').build_graph(system, data_set, settings,
                                             system.variants[0])
    tf = runtime.load_tensorflow()
    with tf.Session(graph=graph.graph, config=runtime.session_config(
            settings.threads, rewrites=settings.kernels == 'stock')) as session:
        with graph.graph.as_default():
            session.run(tf.global_variables_initializer())
        while True:
            feeds = graph.inputs.start(session, 'test')
            num_tested = 0
            while num_tested < graph.inputs.sources['test'].plan.num_examples:
                logits, unused_in_top_1 = session.run([graph.logits, graph.in_top_1],
                                                      feeds)
                num_tested += len(logits)
                yield len(logits)


def main():
    start = time.perf_counter()
    # Standard output is for the JSON that the parent reads.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    steps = open_steps(*sys.argv[1:])
    next(steps['train'])
    seconds = time.perf_counter() - start
    for unused_step in range(NUM_WARM_UP_STEPS):
        if time.perf_counter() - start > MAX_WARM_UP_SECONDS:
            break
        next(steps['train'])

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    name, version, unused_digest = description.find_wheel()
    # Measured before testing, so this is the peak of training.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer(wheel=f'{name} {version}', start_up_seconds=seconds, peak_memory_kb=memory,
           cpu=description.find_cpu(), cores=resources.count_cores())
    for line in sys.stdin:
        kind, limit = line.split()
        limit, count, start = float(limit), 0, time.perf_counter()
        while time.perf_counter() - start < limit or not count:
            count += next(steps[kind])
        answer(count=count, seconds=time.perf_counter() - start)


if __name__ == '__main__':
    main()
