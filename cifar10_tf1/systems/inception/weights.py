"""The weights of 2016-08-28, trained on ImageNet's 1,001 classes.

Two packings of the same numbers. Of the checkpoint's archive no digest is known,
so what is in it is checked; the frozen graph's is published with OpenVINO's Open
Model Zoo. It lacks the auxiliary classifier, which fine-tuning leaves out anyway.
"""

from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import pretrained
from cifar10_tf1.data import download
from cifar10_tf1.data import verification

_HOST = 'https://storage.googleapis.com/download.tensorflow.org/models'
_NUM_CLASSES = 1001
_FROZEN_SHA256 = (
    '7045b72a954af4dce36346f478610acdccbf149168fa25c78e54e32f0c723d6d')
# Names that begin with one of these are trained from fresh weights.
_LEFT_OUT = ('InceptionV3/Logits', 'InceptionV3/AuxLogits',
             'InceptionV3/Mixed_7')


def is_restored(name):
    """Whether a variable begins with its published value."""
    return not name.startswith(_LEFT_OUT)


def format_list(variables):
    """The lines of the original's tf_inception_vars.txt.

    Args:
      variables: {name: shape} of all, in order of creation.
    Returns:
      list of str: those that are restored, then the others.
    """
    return [f'Tensor("{name}/read:0", shape={_format_shape(shape)}, '
            f'dtype=float32) ::{what}'
            for restored, what in ((True, 'RESTORED FROM CHECKPOINT'),
                                   (False, 'SELECTED FOR RETRAINING'))
            for name, shape in variables.items()
            if is_restored(name) == restored]


def _format_shape(shape):
    return str(tuple(shape))


def _find_frozen_damage(path):
    digest = verification.hash_file(path)
    return '' if digest == _FROZEN_SHA256 else (
        f'SHA-256 {digest[:12]}... instead of {_FROZEN_SHA256[:12]}...')


def _build_archive(name, size, find_damage):
    return download.Archive(
        name, 'Inception v3', name, (f'{_HOST}/{name}',), size,
        find_damage=find_damage,
        way_out='get one of them in another way and name it with --pretrained; '
        'or begin with seeded weights, which is another result, with '
        '--from-scratch.')


PUBLISHED = pretrained.Published(
    title='the Inception v3 of 2016-08-28',
    find_folder=lambda: systems.find('inception_v3').weights_dir,
    mirror_variable='INCEPTION_V3_URL',
    archives=(
        _build_archive('inception_v3_2016_08_28_frozen.pb.tar.gz', 88668554,
                       _find_frozen_damage),
        _build_archive('inception_v3_2016_08_28.tar.gz', None,
                       lambda path: '')),
    checkpoint='inception_v3.ckpt',
    frozen_graph='inception_v3_2016_08_28_frozen.pb',
    marks={'InceptionV3/Logits/Conv2d_1c_1x1/weights':
           (1, 1, 2048, _NUM_CLASSES)},
    explain_marks=lambda shape: (
        f'it has {shape[-1]:,} classes instead of {_NUM_CLASSES:,}'),
    is_restored=is_restored, list_name='tf_inception_vars.txt',
    format_list=format_list)
