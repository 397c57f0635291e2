"""Values for the variables of a session."""


def load_variables(session, values):
    """Gives variables their values, all in one run.

    tf.Variable.load has a run for each, and a session prepares the whole graph
    anew for every other fetch: of inception_v3's training, 388 times a quarter of
    a second.

    Args:
      session: tf.Session.
      values: list of (tf.Variable, array of its shape), no variable twice, and
        no two that are initialized with the same tensor.
    Raises:
      ValueError: where an array has another shape.
    """
    feeds = {variable.initializer.inputs[1]: value for variable, value in values}
    assert len(feeds) == len(values), 'one tensor initializes several variables'
    session.run([variable.initializer for variable, unused_value in values],
                feeds)
