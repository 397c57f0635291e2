"""The weights of 2016-08-28, trained on ImageNet's 1,001 classes.

Two packings of the same numbers. The digest of the frozen graph's archive is
published with OpenVINO's Open Model Zoo; that of the checkpoint's archive is not
known, so its content is checked. The frozen graph lacks the auxiliary classifier,
which fine-tuning leaves out anyway.
"""

from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import pretrained
from cifar10_tf1.data.verification import DataFile

_HOST = 'https://storage.googleapis.com/download.tensorflow.org/models'
# Names that begin with one of these are trained from fresh weights.
_LEFT_OUT = ('InceptionV3/Logits', 'InceptionV3/AuxLogits', 'InceptionV3/Mixed_7')


def is_restored(name):
    """Whether a variable begins with its published value."""
    return not name.startswith(_LEFT_OUT)


def format_list(variables):
    """The lines of the original's tf_inception_vars.txt, from {name: shape} in order."""
    return [f'Tensor("{name}/read:0", shape={tuple(shape)}, dtype=float32) ::{what}'
            for restored, what in ((True, 'RESTORED FROM CHECKPOINT'),
                                   (False, 'SELECTED FOR RETRAINING'))
            for name, shape in variables.items()
            if is_restored(name) == restored]


PUBLISHED = pretrained.PretrainedWeights(
    title='the Inception v3 of 2016-08-28',
    find_folder=lambda: systems.find('inception_v3').weights_dir,
    mirror_variable='INCEPTION_V3_URL',
    archives=(
        DataFile(
            'inception_v3_2016_08_28_frozen.pb.tar.gz', 88668554,
            '7045b72a954af4dce36346f478610acdccbf149168fa25c78e54e32f0c723d6d',
            (f'{_HOST}/inception_v3_2016_08_28_frozen.pb.tar.gz',)),
        DataFile('inception_v3_2016_08_28.tar.gz', None, None,
                 (f'{_HOST}/inception_v3_2016_08_28.tar.gz',))),
    checkpoint='inception_v3.ckpt',
    frozen_graph='inception_v3_2016_08_28_frozen.pb',
    mark=('InceptionV3/Logits/Conv2d_1c_1x1/weights', (1, 1, 2048, 1001)),
    is_restored=is_restored, num_keras_layers=94,
    list_name='tf_inception_vars.txt', format_list=format_list)
