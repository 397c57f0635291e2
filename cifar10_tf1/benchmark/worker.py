"""One process of the benchmark: an environment, and what is timed in it.

    python -m cifar10_tf1.benchmark.worker SYSTEM FORMULATION DATA_DIR

Reads lines `KIND SECONDS` from standard input, does KIND over and over for
about that long, and answers each with a line of JSON: {"count": images or
products, "seconds": time}. Before that, one line about itself.
"""

import importlib
import json
import os
import resource
import sys
import time

from cifar10_tf1.machine import devices
from cifar10_tf1 import kernels
from cifar10_tf1.machine import description
from cifar10_tf1 import scripts
from cifar10_tf1.records import run_settings
from cifar10_tf1.machine import runtime
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import data
from cifar10_tf1.benchmark import medians

SEED = 1
NUM_WARM_UP_STEPS, MOST_WARM_UP_SECONDS = 10, 30.0


class Ours:
    """This project's way, by stock or fast kernels."""

    kinds = ('train', 'fixed', 'pipeline', 'test', 'matmul')

    def __init__(self, system, data_set, formulation):
        self._system = system
        self._data_set = data_set
        self._formulation = formulation
        self._settings = run_settings.default(self._system, data_set,
                                              formulation)
        self._batch_size = self._system.batch_size
        self._sessions = {}
        runtime.start_threads(self._settings.threads)

    def train(self):
        """A step of training, as train.py does it."""
        if 'train' not in self._sessions:
            graph = scripts.load('train').build_graph(
                self._system, self._data_set, SEED, 'cpu',
                self._settings.input_threads, self._formulation)
            session = self._start('train', graph.graph, graph.initializer)
            graph.inputs.training.load(session, self._data_set)
            self._feeds = {graph.inputs.handle: session.run(
                graph.inputs.handles['training'])}
            if self._system.keep_prob is not None:
                self._feeds[graph.mode.keep_prob] = self._system.keep_prob
            self._train_graph = graph
            self._epoch = -1
            self._sizes = iter(())
        graph, session = self._train_graph, self._sessions['train']
        size = self._advance(graph, session)
        session.run([graph.train_op, graph.total_loss], self._feeds)
        return size

    def pipeline(self):
        """A batch made ready, and not used."""
        graph, session = self._train_graph, self._sessions['train']
        size = self._advance(graph, session)
        session.run(graph.inputs.images.op, self._feeds)
        return size

    def _advance(self, graph, session):
        """Makes sure that there is a batch; gives its size."""
        size = next(self._sizes, None)
        if size is None:
            self._epoch += 1
            graph.inputs.training.initialize(session, self._epoch)
            self._sizes = iter(self._system.build_plan(
                self._data_set).batch_sizes)
            size = next(self._sizes)
        return size

    def fixed(self):
        """A step of training on the same batch over and over."""
        import numpy as np
        import tensorflow.compat.v1 as tf
        from cifar10_tf1.graph import loss
        from cifar10_tf1.systems import base
        if 'fixed' not in self._sessions:
            random = np.random.RandomState(SEED)
            with tf.Graph().as_default() as graph:
                shape = self._train_graph.inputs.images.shape.as_list()[1:]
                images = tf.Variable(
                    random.randn(self._batch_size, *shape).astype('f'),
                    trainable=False, use_resource=True)
                labels = tf.Variable(
                    random.randint(0, 10, self._batch_size).astype('i'),
                    trainable=False, use_resource=True)
                step = loss.build_global_step()
                mode = base.build_training_mode(self._system, SEED, step)
                logits = self._system.build_network(
                    images.read_value(), SEED, kernels.load(self._formulation),
                    mode)
                total_loss = loss.build_losses(logits, labels.read_value())[-1]
                train_op = scripts.load('train').build_update(
                    self._system, total_loss, step)[0]
                self._start('fixed', graph, tf.global_variables_initializer())
            self._fixed = [train_op, total_loss]
            self._fixed_feeds = {} if mode.keep_prob is None else {
                mode.keep_prob: self._system.keep_prob}
        self._sessions['fixed'].run(self._fixed, self._fixed_feeds)
        return self._batch_size

    def test(self):
        """A run of testing, as test.py does it, from fresh weights."""
        import tensorflow.compat.v1 as tf
        if 'test' not in self._sessions:
            graph = scripts.load('test').build_graph(
                self._system, self._data_set, SEED, None, 'cpu',
                self._settings.input_threads, self._formulation)
            with graph.graph.as_default():
                initializer = tf.global_variables_initializer()
            session = self._start('test', graph.graph, initializer,
                                  rewrites=self._formulation == 'stock')
            graph.inputs.test.load(session, self._data_set)
            graph.inputs.test.initialize(session)
            self._test_handle = session.run(graph.inputs.handles['test'])
            self._test_graph = graph
        graph, session = self._test_graph, self._sessions['test']
        while True:
            try:
                logits, unused_in_top_1 = session.run(
                    [graph.logits, graph.in_top_1],
                    {graph.inputs.handle: self._test_handle})
                return len(logits)
            except tf.errors.OutOfRangeError:
                graph.inputs.test.initialize(session)

    def matmul(self):
        """A product of square matrices, at the machine's own rate."""
        import tensorflow.compat.v1 as tf
        if 'matmul' not in self._sessions:
            with tf.Graph().as_default() as graph:
                shape = [medians.MATMUL_SIZE] * 2
                factors = [tf.Variable(tf.random.uniform(shape, seed=seed),
                                       use_resource=True) for seed in (1, 2)]
                self._product = tf.matmul(*[factor.read_value()
                                            for factor in factors]).op
                self._start('matmul', graph, tf.global_variables_initializer())
        self._sessions['matmul'].run(self._product)
        return 1

    def _start(self, name, graph, initializer, rewrites=True):
        import tensorflow.compat.v1 as tf
        session = tf.Session(graph=graph, config=runtime.session_config(
            self._settings.threads, rewrites))
        session.run(initializer)
        self._sessions[name] = session
        return session


def main():
    system_name, formulation, data_dir = sys.argv[1:]
    start = time.perf_counter()
    # Lines of JSON alone go to the standard output that the parent reads.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    devices.prepare('cpu')
    if formulation == 'plain':
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
        runtime.load_tensorflow()
    else:
        runtime.prepare_environment(
            formulation, systems.find(system_name).prefers_onednn)
        runtime.load_tensorflow()
    data_set = data.load_data_set(data_dir, system_name)
    if formulation == 'plain':
        port = importlib.import_module(
            f'cifar10_tf1.benchmark.plain_{system_name}')
        subject = port.Plain(data_set)
    else:
        subject = Ours(systems.load(system_name), data_set, formulation)
    subject.train()
    seconds = time.perf_counter() - start
    for unused_step in range(NUM_WARM_UP_STEPS):
        if time.perf_counter() - start > MOST_WARM_UP_SECONDS:
            break
        subject.train()

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    name, version, unused_digest = description.find_wheel()
    # Of one training alone: what else is timed comes later.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer(wheel=f'{name} {version}', kinds=subject.kinds,
           start_up_seconds=seconds, peak_memory_kb=memory,
           cpu=description.find_cpu(), cores=description.count_cores())
    for line in sys.stdin:
        kind, limit = line.split()
        run = getattr(subject, kind)
        limit, count, start = float(limit), 0, time.perf_counter()
        while time.perf_counter() - start < limit or not count:
            count += run()
        answer(count=count, seconds=time.perf_counter() - start)


if __name__ == '__main__':
    main()
