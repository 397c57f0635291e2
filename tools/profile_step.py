"""Where the time of a training step goes, by layer, on one core.

    taskset -c 0 python tools/profile_step.py stock > stock.csv

One core, so that the times of all ops add up to the step. Beside the time of a
layer stand its arithmetic and the bytes that it has to read and write, both
counted by hand below, and what these would take at the rates of this machine:
its own 1024^3 matrix product and a sum of two tensors of 64 MB.
"""

import collections
import csv
import os
import re
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1.machine import devices  # noqa: E402
from cifar10_tf1.machine import description  # noqa: E402
from cifar10_tf1.machine import runtime  # noqa: E402

NUM_STEPS = 20
THREADS = description.Threads(1, 1, 1)
LAYER = re.compile(r'/(conv_1|norm_1|conv_2|norm_2|pool_2|FC_1|FC_2)(?=_grad|/|$)')

# Of 100 images, MB (1e6 bytes) of float32 activations.
_WIDE = 100 * 24 * 24 * 64 * 4e-6  # what conv_1 makes
_NET = _WIDE / 4                   # what it is from pool_1 to pool_2
_FC_1 = 2304 * 384 * 4e-6          # weights

# (layer, backward): GFLOP by stock kernels, by fast ones; MB. A multiplication
# and an addition count as two.
COUNTS = {
    ('conv_1', False): (0.553, 0.553, 0.7 + 2 * _WIDE + _NET),
    ('conv_1', True): (0.553, 0.553, _NET + 3 * _WIDE),
    ('norm_1', False): (0.018, 0.121, 2 * _NET),
    ('norm_1', True): (0.028, 0.123, 4 * _NET),
    ('conv_2', False): (2.949, 1.224, 2 * _NET),
    ('conv_2', True): (5.898, 2.450, 4 * _NET),
    ('norm_2', False): (0.018, 0.121, 2 * _NET),
    ('norm_2', True): (0.028, 0.123, 4 * _NET),
    ('pool_2', False): (0.002, 0.002, 1.25 * _NET),
    ('pool_2', True): (0.002, 0.002, 2.25 * _NET),
    ('FC_1', False): (0.177, 0.177, _FC_1 + 0.25 * _NET),
    ('FC_1', True): (0.354, 0.354, 2 * _FC_1 + 0.5 * _NET),
    ('FC_2', False): (0.015, 0.015, 0.4),
    ('FC_2', True): (0.030, 0.030, 0.8),
    ('loss and update', False): (0.012, 0.012, 14 * _FC_1),
}


def main():
    name = sys.argv[1]
    devices.prepare('cpu')
    runtime.prepare_environment(name)
    tf = runtime.load_tensorflow()
    runtime.start_threads(THREADS)
    totals = time_ops(tf, name)
    gflops, gigabytes = measure_rates(tf)
    writer = csv.writer(sys.stdout, lineterminator='\n')
    writer.writerow(['wheel', 'kernels', 'layer', 'pass', 'ms', 'gflop', 'mb',
                     'ms_of_arithmetic', 'ms_of_bytes'])
    wheel = ' '.join(description.find_wheel()[:2])
    for (layer, backward), counts in COUNTS.items():
        gflop = counts[0 if name == 'stock' else 1]
        writer.writerow([
            wheel, name, layer, 'backward' if backward else 'forward',
            f'{totals[layer, backward]:.2f}', f'{gflop:.3f}',
            f'{counts[2]:.1f}', f'{gflop / gflops * 1e3:.2f}',
            f'{counts[2] / gigabytes:.2f}'])
    print(f'{gflops:.0f} GFLOP/s, {gigabytes:.1f} GB/s; sum '
          f'{sum(totals.values()):.1f} ms', file=sys.stderr)


def time_ops(tf, name):
    """{(layer, backward): milliseconds}, of the fastest of some steps."""
    import numpy as np
    from cifar10_tf1 import kernels
    from cifar10_tf1.graph import loss
    from cifar10_tf1 import scripts
    from cifar10_tf1 import systems
    system = systems.load(systems.DEFAULT)
    random = np.random.RandomState(1)
    with tf.Graph().as_default() as graph:
        images = tf.Variable(random.randn(100, 24, 24, 3).astype('f'),
                             trainable=False, use_resource=True)
        logits = system.build_network(images.read_value(), 1,
                                      kernels.load(name))
        total_loss = loss.build_losses(
            logits, tf.constant(random.randint(0, 10, 100)))[-1]
        train_op = scripts.load('train').build_update(
            system, total_loss, loss.build_global_step())[0]
        initializer = tf.global_variables_initializer()
    fetches = [train_op, total_loss]
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    steps = []
    with tf.Session(graph=graph, config=runtime.session_config(
            THREADS)) as session:
        session.run(initializer)
        for unused_step in range(5):
            session.run(fetches)
        for unused_step in range(NUM_STEPS):
            metadata = tf.RunMetadata()
            session.run(fetches, options=options, run_metadata=metadata)
            steps.append(sum_by_layer(metadata))
    return min(steps, key=lambda totals: sum(totals.values()))


def sum_by_layer(metadata):
    totals = collections.Counter()
    for device in metadata.step_stats.dev_stats:
        for node in device.node_stats:
            found = LAYER.search(node.node_name)
            update = re.match('ExponentialMovingAverage|GradientDescent',
                              node.node_name)
            key = ((found.group(1), node.node_name.startswith('gradients/'))
                   if found and not update else ('loss and update', False))
            totals[key] += (node.op_end_rel_micros
                            - node.op_start_rel_micros) / 1e3
    return totals


def measure_rates(tf):
    """(GFLOP/s, GB/s) of one core."""
    with tf.Graph().as_default() as graph:
        square = tf.Variable(tf.random.uniform([1024, 1024], seed=1),
                             use_resource=True)
        long = tf.Variable(tf.random.uniform([1 << 24], seed=1),
                           use_resource=True)
        product = tf.matmul(square.read_value(), square.read_value()).op
        total = (long.read_value() + 1.0).op
        initializer = tf.global_variables_initializer()
    with tf.Session(graph=graph, config=runtime.session_config(
            THREADS)) as session:
        session.run(initializer)

        def best(op):
            times = []
            for unused_time in range(12):
                start = time.perf_counter()
                session.run(op)
                times.append(time.perf_counter() - start)
            return min(times)

        return 2 * 1024 ** 3 / 1e9 / best(product), 2 * 4 * 2 ** 24 / 1e9 / best(
            total)


if __name__ == '__main__':
    main()
