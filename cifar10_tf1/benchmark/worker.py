"""One process of the benchmark: trains and tests in one environment.

    python -m cifar10_tf1.benchmark.worker SYSTEM FORMULATION DATA_DIR

Prints one line of JSON about itself. Then it reads lines `train SECONDS` or
`test SECONDS` from standard input, trains or tests for about that long, and answers each
with a line of JSON: {"count": images, "seconds": time}.
"""

import importlib
import json
import os
import resource
import sys
import time

from cifar10_tf1 import scripts
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import data
from cifar10_tf1.machine import description
from cifar10_tf1.machine import devices
from cifar10_tf1.machine import runtime
from cifar10_tf1.records import run_settings

SEED = 1
NUM_WARM_UP_STEPS, MAX_WARM_UP_SECONDS = 10, 30.0


class Ours:
    """Training and testing as train.py and test.py do them."""

    def __init__(self, system, data_set, formulation):
        self._system = system
        self._data_set = data_set
        self._formulation = formulation
        self._settings = run_settings.default(system, data_set, formulation)
        runtime.start_threads(self._settings.threads)

    def train(self):
        """Takes steps without end; yields the number of images of each."""
        graph = self._build('train')
        inputs, plan = graph.inputs, self._system.build_plan(self._data_set)
        with self._open(graph.graph, graph.initializer) as session:
            inputs.training.load(session, self._data_set)
            feeds = {inputs.handle: session.run(inputs.handles['training'])}
            if self._system.keep_prob is not None:
                feeds[graph.mode.keep_prob] = self._system.keep_prob
            epoch = 0
            while True:
                inputs.training.initialize(session, epoch)
                for size in plan.batch_sizes:
                    session.run([graph.train_op, graph.total_loss], feeds)
                    yield size
                epoch += 1

    def test(self):
        """Classifies without end; yields the number of images of each session.run."""
        import tensorflow.compat.v1 as tf
        graph = self._build('test', None)
        source = graph.inputs.test
        with graph.graph.as_default():
            initializer = tf.global_variables_initializer()
        with self._open(graph.graph, initializer,
                        rewrites=self._formulation == 'stock') as session:
            source.load(session, self._data_set)
            feeds = {graph.inputs.handle: session.run(graph.inputs.handles['test'])}
            while True:
                source.initialize(session)
                num_tested = 0
                while num_tested < source.num_examples:
                    logits, unused_in_top_1 = session.run(
                        [graph.logits, graph.in_top_1], feeds)
                    num_tested += len(logits)
                    yield len(logits)

    def _build(self, name, *variant):
        return scripts.load(name).build_graph(
            self._system, self._data_set, SEED, *variant, 'cpu',
            self._settings.input_threads, self._formulation)

    def _open(self, graph, initializer, rewrites=True):
        import tensorflow.compat.v1 as tf
        session = tf.Session(graph=graph, config=runtime.session_config(
            self._settings.threads, rewrites))
        session.run(initializer)
        return session


def load_subject(system_name, formulation, data_dir):
    """Loads TensorFlow and what is timed: an object with the methods of Ours."""
    devices.select('cpu')
    if formulation == 'plain':
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
        runtime.load_tensorflow()
        name = ('notebook' if system_name in ('laptop_cnn', 'udacity_cnn')
                else system_name)
        port = importlib.import_module(f'cifar10_tf1.benchmark.plain_{name}')
        return port.PORTS[system_name](data.load_data_set(data_dir, system_name))
    runtime.prepare_environment(formulation, systems.find(system_name).prefers_onednn)
    runtime.load_tensorflow()
    return Ours(systems.load(system_name), data.load_data_set(data_dir, system_name),
                formulation)


def main():
    start = time.perf_counter()
    # Standard output is for the JSON that the parent reads.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    subject = load_subject(*sys.argv[1:])
    steps = {'train': subject.train(), 'test': subject.test()}
    next(steps['train'])
    seconds = time.perf_counter() - start
    for unused_step in range(NUM_WARM_UP_STEPS):
        if time.perf_counter() - start > MAX_WARM_UP_SECONDS:
            break
        next(steps['train'])

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    name, version, unused_digest = description.find_wheel()
    # Measured before testing: training's peak alone.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer(wheel=f'{name} {version}', start_up_seconds=seconds, peak_memory_kb=memory,
           cpu=description.find_cpu(), cores=description.count_cores())
    for line in sys.stdin:
        kind, limit = line.split()
        limit, count, start = float(limit), 0, time.perf_counter()
        while time.perf_counter() - start < limit or not count:
            count += next(steps[kind])
        answer(count=count, seconds=time.perf_counter() - start)


if __name__ == '__main__':
    main()
