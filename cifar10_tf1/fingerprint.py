"""One hash for a checkpoint: equal where every bit of every tensor is.

    python -m cifar10_tf1.fingerprint --model-dir model
"""

import hashlib
import sys

from cifar10_tf1 import runtime


def fingerprint_tensors(tensors):
    """SHA-256 over names, types, shapes and bytes, in the names' order.

    Args:
      tensors: dict of name -> numpy array, little-endian as in a checkpoint.
    Returns:
      str, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f'{name} {value.dtype.name} {list(value.shape)}\n'
                      .encode('utf-8'))
        digest.update(value.tobytes())
    return digest.hexdigest()


def fingerprint_checkpoint(prefix):
    """The fingerprint of all tensors of a checkpoint."""
    import numpy as np
    import tensorflow.compat.v1 as tf
    reader = tf.train.NewCheckpointReader(prefix)
    return fingerprint_tensors({
        name: np.asarray(reader.get_tensor(name))
        for name in reader.get_variable_to_shape_map()})


def _fingerprint(options):
    runtime.prepare_environment()
    from cifar10_tf1 import checkpoints
    prefix = checkpoints.choose(options.model_dir, options.checkpoint)
    print(f'{fingerprint_checkpoint(prefix)}  {prefix}')
    return 0


def main(argv=None):
    from cifar10_tf1 import cli
    parser = cli.Parser(
        prog='python -m cifar10_tf1.fingerprint',
        description='Prints the SHA-256 over names, types, shapes and bytes of '
        'all tensors of a checkpoint.',
        epilog='example: python -m cifar10_tf1.fingerprint --model-dir model')
    cli.add_checkpoint_options(parser)
    return cli.run_command(parser, argv, _fingerprint)


if __name__ == '__main__':
    sys.exit(main())
