"""Variables without names of their own: TensorFlow numbers them as they are created.

The names are a contract, because checkpoints are exchanged with the originals. They are
spelled out here, so an unrelated variable does not shift them.
"""

from cifar10_tf1.graph import variables


def build_layer(number, shape, seed, stddev, biases_stddev=0.0):
    """Adds the weights and biases of a layer.

    Args:
      number: int, of the layer in order of creation, from 0.
      shape: list of int, of the weights; the last is the number of biases.
      seed: int, the run's, for the initial values.
      stddev: float, of the weights: normal, cut off at twice that.
      biases_stddev: float, the same of the biases; 0: they start at 0.
    Returns:
      (weights, biases): variables, float32.
    """
    names = [f'Variable_{i}' if i else 'Variable' for i in (2 * number, 2 * number + 1)]
    weights = variables.build_weights(names[0], shape, stddev, seed)
    if biases_stddev:
        return weights, variables.build_weights(names[1], shape[-1:], biases_stddev, seed)
    return weights, variables.build_variable(names[1], shape[-1:])
