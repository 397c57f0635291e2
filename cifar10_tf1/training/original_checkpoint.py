"""Checkpoints with exactly an original's tensors, for programs that name every tensor."""

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph.variables import load_variables


class OriginalCheckpointExporter:

    def __init__(self, writer, system, session, seed):
        self._writer, self._system = writer, system
        self._session, self._seed = session, seed
        self._saver = None

    def export(self, name):
        """Writes `published/<name>`; raises UserError if it can't."""
        with self._session.graph.as_default():
            variables = {variable.op.name: variable
                         for variable in tf.global_variables()}
        with tf.Graph().as_default() as graph:
            if self._system.build_original_graph(self._seed):
                with tf.Session(graph=graph) as session:
                    session.run(tf.global_variables_initializer())
                    shared = [variable for variable in tf.global_variables()
                              if variable.op.name in variables]
                    values = self._session.run([variables[variable.op.name]
                                                for variable in shared])
                    load_variables(session, list(zip(shared, values)))
                    self._writer.publish(session, tf.train.Saver(), name)
                return
        if self._saver is None:
            del variables['global_step']
            with self._session.graph.as_default():
                self._saver = tf.train.Saver(variables)
        self._writer.publish(self._session, self._saver, name)
