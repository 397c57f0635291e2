"""Checkpoints as an original writes them, beside those that a run goes on from.

The originals without a global step are read by programs that name every tensor:
a plain Saver of their graph, or their .meta file. Those programs find here exactly
the tensors that they know, under the original's name.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph.variables import load_variables


class OriginalCheckpointExporter:

    def __init__(self, writer, system, session, seed):
        """
        Args:
          writer: checkpoints.writing.CheckpointWriter.
          system: systems.base.System.
          session: tf.Session of the training.
          seed: int, the run's.
        """
        self._writer, self._system = writer, system
        self._session, self._seed = session, seed
        self._saver = None

    def publish(self, name):
        """Writes `published/<name>`; raises UserError if it can't."""
        with tf.Graph().as_default() as graph:
            if self._system.build_original_graph(self._seed):
                with tf.Session(graph=graph) as session:
                    self._load(session)
                    self._writer.publish(session, tf.train.Saver(), name)
                return
        self._writer.publish(self._session, self._get_saver(), name)

    def _load(self, session):
        """Gives variables the values of those of the same names in training."""
        session.run(tf.global_variables_initializer())
        with self._session.graph.as_default():
            values = self._session.run({variable.op.name: variable for variable
                                        in tf.global_variables()})
        load_variables(session, [(variable, values[variable.op.name])
                                 for variable in tf.global_variables()
                                 if variable.op.name in values])

    def _get_saver(self):
        """A Saver of all that the original saves; it has no global step."""
        if self._saver is None:
            with self._session.graph.as_default():
                self._saver = tf.train.Saver({
                    variable.op.name: variable
                    for variable in tf.global_variables()
                    if variable.op.name != 'global_step'})
        return self._saver
