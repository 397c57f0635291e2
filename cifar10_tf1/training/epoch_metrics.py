"""Figures computed between two training steps, without dropout.

They depend only on the weights, so a resumed run gets the same ones.
"""

import time

from cifar10_tf1 import evaluation
from cifar10_tf1.common import record_schema
from cifar10_tf1.graph import pipeline
from cifar10_tf1.systems import base


class EpochMetrics:

    def __init__(self, session, graph):
        self._session, self._graph = session, graph

    def measure(self, figures, number):
        """{figure name: value} after part `number` of an epoch, counted from 0."""
        metrics = {}
        if {record_schema.LOSS, record_schema.TRAINING_ACCURACY} & set(figures):
            (loss, num_correct, size), = self._run(pipeline.LAST_BATCHES, number, 1)
            metrics[record_schema.LOSS] = loss
            metrics[record_schema.TRAINING_ACCURACY] = num_correct / size
        if record_schema.VALIDATION_ACCURACY in figures:
            unused_losses, num_correct, sizes = zip(*self._run(pipeline.VALIDATION))
            metrics['validation_correct'] = sum(num_correct)
            metrics[record_schema.VALIDATION_ACCURACY] = sum(num_correct) / sum(sizes)
        return metrics

    def count_test(self):
        """base.TestCount of the test images."""
        start = time.perf_counter()
        unused_losses, num_correct, sizes = zip(*self._run(pipeline.TEST))
        return base.TestCount(sum(num_correct), sum(sizes), time.perf_counter() - start,
                              evaluation.average_batches(num_correct, sizes))

    def _run(self, name, first_batch=0, num_batches=None):
        """(loss, number correct, batch size) of each batch of an input."""
        inputs = self._graph.inputs
        feeds = inputs.start(self._session, name, first_batch=first_batch)
        batches = []
        for size in inputs.sources[name].plan.batch_sizes[first_batch:][:num_batches]:
            loss, num_correct = self._session.run(
                [self._graph.cross_entropy, self._graph.num_correct], feeds)
            batches.append((float(loss), int(num_correct), size))
        return batches
