"""A process of the benchmark, which trains and tests in one environment.

    python -m cifar10_tf1.benchmark.worker SYSTEM FORMULATION DATA_DIR

Prints one line of JSON about itself. Then it reads lines `train SECONDS` or
`test SECONDS` from standard input, trains or tests for about that long, and answers each
with the rate in images a second.
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

import numpy as np

from cifar10_tf1 import scripts, systems
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description, resources, runtime
from cifar10_tf1.records import run_settings

WARM_UP_SECONDS = 3.0


class Worker:
    """A started process, ready to train and test with 'plain', 'stock' or 'fast' layers.

    `about` is its line about itself; the owner fills `blocks`, images a second.
    """

    def __init__(self, python, formulation, process, errors):
        """Waits until the process is ready; raises UserError if it ends."""
        self._python, self._process, self._errors = python, process, errors
        self.formulation, self.blocks = formulation, {'train': [], 'test': []}
        self.about = self._read()

    def ask(self, kind, seconds):
        """Trains or tests for some seconds. Returns images a second."""
        with contextlib.suppress(BrokenPipeError):  # then _read explains
            print(kind, seconds, file=self._process.stdin, flush=True)
        return self._read()

    def _read(self):
        line = self._process.stdout.readline()
        with contextlib.suppress(ValueError):
            return json.loads(line)
        if not line:
            status = self._process.wait()
            self._errors.seek(0)
            line = self._errors.read() or f'it ended with status {status}'
        raise UserError(
            f'{self._python} can\'t run the benchmark ({self.formulation}): '
            f'{line.strip().splitlines()[-1]}; name another Python with --python')


@contextlib.contextmanager
def start(python, system_name, formulation, data_dir, num_cores=None):
    """Starts a process, by default on all cores: a Worker while the context lasts."""
    cores = num_cores and sorted(os.sched_getaffinity(0))[:num_cores]
    # A file, because a pipe that nobody reads would fill up.
    with tempfile.TemporaryFile('w+') as errors:
        try:
            process = subprocess.Popen(
                [python, '-m', 'cifar10_tf1.benchmark.worker', system_name, formulation,
                 data_dir], cwd=scripts.ROOT, universal_newlines=True,
                env={name: value for name, value in os.environ.items()
                     if not name.startswith(('TF_', 'OMP_'))},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                preexec_fn=cores and (lambda: os.sched_setaffinity(0, cores)))
        except OSError as error:
            raise UserError(f'cannot run {python}: {error.strerror}; name another '
                            'Python with --python')
        try:
            yield Worker(python, formulation, process, errors)
        finally:
            process.kill()
            process.wait()


def load_data_set(data_dir, system_name):
    """Repeats the generated images until they are as many as the real ones.

    So epochs and tests have their real length and take as much memory.
    """
    source = systems.find(system_name).source
    small = source.load(data_dir, synthetic=True)

    def raw_records(split):
        number = {'train': source.num_train, 'test': source.num_test}[split]
        return np.resize(small.raw_records(split), [number, small.record_bytes])

    times = source.num_train // small.num_train_examples
    return small._replace(
        train_paths=small.train_paths * times, test_paths=small.test_paths * times,
        num_train_examples=source.num_train, num_test_examples=source.num_test,
        raw_records=raw_records)


def open_steps(system_name, formulation, data_dir):
    """Endless generators {'train': ..., 'test': ...} of each step's number of images."""
    entry, data_set = systems.find(system_name), load_data_set(data_dir, system_name)
    if formulation == 'plain':
        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
        runtime.load_tensorflow()
        name = 'notebook' if entry.shared_file else system_name
        port = importlib.import_module(f'cifar10_tf1.benchmark.plain_{name}')
        return port.open_steps(system_name, data_set)
    runtime.prepare_environment(formulation, entry.prefers_onednn)
    runtime.load_tensorflow()
    system = systems.load(system_name)
    settings = run_settings.default(system, data_set, formulation)._replace(device='cpu')
    runtime.start_threads(settings.threads)
    return {'train': _train(system, data_set, settings), 'test': _test(system, data_set, settings)}


def _train(system, data_set, settings):
    """Trains as train.py does; yields the number of images of each step."""
    plan = system.build_plan(data_set)
    graph = scripts.load('train').build_graph(system, data_set, plan, settings)
    tf = runtime.load_tensorflow()
    with tf.Session(graph=graph.graph, config=runtime.session_config(
            settings.threads, rewrites=not system.sums_in_pairs)) as session:
        session.run(graph.initializer)
        for epoch in itertools.count():
            feeds = {**graph.inputs.start(session, 'training', epoch), **graph.dropout_feed}
            for size in plan.batch_sizes:
                session.run([graph.train_op, graph.total_loss], feeds)
                yield size


def _test(system, data_set, settings):
    """Tests as test.py does; yields the number of images of each session.run."""
    graph = scripts.load('test').build_graph(system, data_set, settings, system.variants[0])
    tf = runtime.load_tensorflow()
    with tf.Session(graph=graph.graph, config=runtime.session_config(
            settings.threads, rewrites=settings.kernels == 'stock')) as session:
        with graph.graph.as_default():
            session.run(tf.global_variables_initializer())
        while True:
            feeds = graph.inputs.start(session, 'test')
            with contextlib.suppress(tf.errors.OutOfRangeError):
                while True:
                    logits, unused_in_top_1 = session.run([graph.logits, graph.in_top_1], feeds)
                    yield len(logits)


def measure_rate(steps, min_seconds):
    """Images a second, over one step or more."""
    start_time, seconds, count = time.perf_counter(), 0.0, 0
    while seconds < min_seconds or not count:
        count += next(steps)
        seconds = time.perf_counter() - start_time
    return count / seconds


def main():
    start_time = time.perf_counter()
    # Standard output is for the JSON that the parent reads.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    steps = open_steps(*sys.argv[1:])
    next(steps['train'])
    seconds = time.perf_counter() - start_time
    measure_rate(steps['train'], WARM_UP_SECONDS)
    # Measured before testing, so this is the peak of training.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    name, version, unused_digest = description.find_wheel()
    print(json.dumps({
        'runtime': {'wheel': f'{name} {version}', 'cpu': description.find_cpu()},
        'cores': resources.count_cores(),
        'formulation': {'start_up_seconds': seconds, 'peak_memory_kb': memory}}),
        file=answers, flush=True)
    for line in sys.stdin:
        kind, min_seconds = line.split()
        print(measure_rate(steps[kind], float(min_seconds)), file=answers, flush=True)


if __name__ == '__main__':
    main()
