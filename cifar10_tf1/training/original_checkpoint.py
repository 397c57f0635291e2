"""Checkpoints with exactly an original's tensors, for programs that name every tensor."""

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph.variables import load_variables


def export(run, session, variables, writer, name):
    """Writes a run's variables, a dict by name, as `published/<name>`; UserError if it can't."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as target:
        if not run.system.build_original_graph(run.settings.seed):
            for other, variable in variables.items():
                if other != 'global_step':
                    # TensorFlow 2 refuses the default initializer, which has no seed.
                    tf.get_variable(other, variable.shape, variable.dtype.base_dtype,
                                    tf.zeros_initializer())
        target.run(tf.global_variables_initializer())
        shared = [variable for variable in tf.global_variables() if variable.op.name in variables]
        values = session.run([variables[variable.op.name] for variable in shared])
        load_variables(target, list(zip(shared, values)))
        writer.publish(target, tf.train.Saver(), name)
