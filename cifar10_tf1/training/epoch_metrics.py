"""Figures of a network between two steps of its training.

Taken with the training's own graph and weights, without dropout, so they are a
function of the weights alone: a resumed run takes the same ones.
"""

import time

from cifar10_tf1 import evaluation
from cifar10_tf1.graph import pipeline
from cifar10_tf1.records import figure_names
from cifar10_tf1.systems import base


class Measures:
    """The inputs of a training graph that it is measured on."""

    def __init__(self, session, graph, data_set):
        """
        Args:
          session: tf.Session of the graph.
          graph: training.TrainingGraph.
          data_set: data.data_set.DataSet; read when it is needed.
        """
        self._session, self._graph = session, graph
        self._data_set = data_set
        self._loaded = set()  # names

    def take(self, figures, number):
        """The figures of a part of an epoch.

        Args:
          figures: tuple of records.figure_names.
          number: int, which part, from 0.
        Returns:
          dict for the record of a run.
        """
        taken = {}
        if {figure_names.LOSS, figure_names.TRAINING_ACCURACY} & set(figures):
            (loss, num_correct, size), = self._run(pipeline.LAST_BATCHES, number,
                                                   1)
            taken[figure_names.LOSS] = loss
            taken[figure_names.TRAINING_ACCURACY] = num_correct / size
        if figure_names.VALIDATION_ACCURACY in figures:
            batches = self._run(pipeline.VALIDATION)
            num_correct = sum(batch[1] for batch in batches)
            taken['validation_correct'] = num_correct
            taken[figure_names.VALIDATION_ACCURACY] = num_correct / sum(
                batch[2] for batch in batches)
        return taken

    def count_test(self):
        """base.TestCount of the test images."""
        start = time.perf_counter()
        batches = self._run('test')
        num_correct = [batch[1] for batch in batches]
        sizes = [batch[2] for batch in batches]
        return base.TestCount(sum(num_correct), sum(sizes),
                              time.perf_counter() - start,
                              evaluation.average_batches(num_correct, sizes))

    def _run(self, name, first_batch=0, num_batches=None):
        """(loss, images right, images) of each batch of an input."""
        inputs = self._graph.inputs
        source = inputs.measured[name]
        if name not in self._loaded:
            source.load(self._session, self._data_set)
            self._loaded.add(name)
        source.initialize(self._session, first_batch=first_batch)
        feeds = {inputs.handle: self._session.run(inputs.handles[name])}
        fetches = [self._graph.cross_entropy, self._graph.num_correct]
        batches = []
        for size in source.batch_sizes[first_batch:][:num_batches]:
            loss, num_correct = self._session.run(fetches, feeds)
            batches.append((float(loss), int(num_correct), size))
        return batches
