"""The layers, computed by TensorFlow's own kernels or by faster formulations.

Each formulation is a module with the functions of kernels.stock. Variables and
checkpoints are the same for all of them.
"""

from cifar10_tf1.common.errors import UserError

NAMES = ('stock', 'fast')


def choose(requested, device, available=NAMES):
    """'stock' or 'fast' for a device; a GPU always uses cuDNN's stock kernels.

    Raises UserError for 'fast' on a GPU, or for kernels that the system lacks.
    """
    if requested == 'fast' and device == 'gpu':
        raise UserError('--kernels fast runs on the CPU only; omit it to use this GPU, '
                        'or add --device cpu')
    if requested not in ('auto', *available):
        raise UserError(f'this system has no {requested} kernels; omit --kernels')
    if requested != 'auto':
        return requested
    return 'fast' if device == 'cpu' and 'fast' in available else 'stock'


def load(name, for_training=True):
    """The module of a formulation, with or without gradients; imports TensorFlow."""
    from cifar10_tf1.kernels import fast, inference, stock
    return {'stock': stock, 'fast': fast if for_training else inference}[name]
