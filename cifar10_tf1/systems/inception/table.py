"""The layers of Inception v3, as slim names and connects them.

Names are a contract: published weights are found by them. A few describe their layer
wrongly; each is marked.
"""

from typing import NamedTuple, Tuple


class Conv(NamedTuple):
    """A convolution without biases, batch normalisation, ReLU."""
    name: str
    channels: int
    kernel: Tuple[int, int] = (1, 1)  # rows, columns
    stride: int = 1
    padding: str = 'SAME'
    stddev: float = None  # of initial weights; None: by the fan-in


class Pool(NamedTuple):
    kind: str             # 'max' or 'average'; padding does not count
    size: int             # rows and columns
    stride: int = 1
    padding: str = 'SAME'


class Fork(NamedTuple):
    """Layers side by side; their channels are joined in this order."""
    branches: Tuple[tuple, ...]  # each a chain: layers one after the other
    name: str = None             # then branch i is under <name>/Branch_<i>


_AVERAGE = Pool('average', 3)
_SHRINK = Pool('max', 3, 2, 'VALID')


def _mixed_5(name, second, pooled):
    return Fork((
        (Conv('Conv2d_0a_1x1', 64),),
        (Conv(second[0], 48), Conv(second[1], 64, (5, 5))),
        (Conv('Conv2d_0a_1x1', 64), Conv('Conv2d_0b_3x3', 96, (3, 3)),
         Conv('Conv2d_0c_3x3', 96, (3, 3))),
        (_AVERAGE, Conv('Conv2d_0b_1x1', pooled))), name)


def _mixed_6(name, inner):
    return Fork((
        (Conv('Conv2d_0a_1x1', 192),),
        (Conv('Conv2d_0a_1x1', inner), Conv('Conv2d_0b_1x7', inner, (1, 7)),
         Conv('Conv2d_0c_7x1', 192, (7, 1))),
        (Conv('Conv2d_0a_1x1', inner), Conv('Conv2d_0b_7x1', inner, (7, 1)),
         Conv('Conv2d_0c_1x7', inner, (1, 7)),
         Conv('Conv2d_0d_7x1', inner, (7, 1)),
         Conv('Conv2d_0e_1x7', 192, (1, 7))),
        (_AVERAGE, Conv('Conv2d_0b_1x1', 192))), name)


def _mixed_7(name, second):
    def split(wide, high):
        return Fork(((Conv(wide, 384, (1, 3)),), (Conv(high, 384, (3, 1)),)))

    return Fork((
        (Conv('Conv2d_0a_1x1', 320),),
        (Conv('Conv2d_0a_1x1', 384), split('Conv2d_0b_1x3', second)),
        (Conv('Conv2d_0a_1x1', 448), Conv('Conv2d_0b_3x3', 384, (3, 3)),
         split('Conv2d_0c_1x3', 'Conv2d_0d_3x1')),
        (_AVERAGE, Conv('Conv2d_0b_1x1', 192))), name)


# Images of 299 x 299 to 17 x 17 x 768, where the auxiliary classifier joins.
BODY = (
    Conv('Conv2d_1a_3x3', 32, (3, 3), 2, 'VALID'),        # to 149 x 149
    Conv('Conv2d_2a_3x3', 32, (3, 3), 1, 'VALID'),
    Conv('Conv2d_2b_3x3', 64, (3, 3)),                    # 147 x 147
    _SHRINK,
    Conv('Conv2d_3b_1x1', 80, (1, 1), 1, 'VALID'),        # 73 x 73
    Conv('Conv2d_4a_3x3', 192, (3, 3), 1, 'VALID'),
    _SHRINK,                                              # to 35 x 35
    _mixed_5('Mixed_5b', ('Conv2d_0a_1x1', 'Conv2d_0b_5x5'), 32),
    # Named unlike its neighbours.
    _mixed_5('Mixed_5c', ('Conv2d_0b_1x1', 'Conv_1_0c_5x5'), 64),
    _mixed_5('Mixed_5d', ('Conv2d_0a_1x1', 'Conv2d_0b_5x5'), 64),
    Fork((                                                # to 17 x 17
        # Both are 3 x 3, whatever they are called.
        (Conv('Conv2d_1a_1x1', 384, (3, 3), 2, 'VALID'),),
        (Conv('Conv2d_0a_1x1', 64), Conv('Conv2d_0b_3x3', 96, (3, 3)),
         Conv('Conv2d_1a_1x1', 96, (3, 3), 2, 'VALID')),
        (_SHRINK,)), 'Mixed_6a'),
    _mixed_6('Mixed_6b', 128),
    _mixed_6('Mixed_6c', 160),
    _mixed_6('Mixed_6d', 160),
    _mixed_6('Mixed_6e', 192),
)
# On to 8 x 8 x 2048.
TOP = (
    Fork((
        (Conv('Conv2d_0a_1x1', 192),
         Conv('Conv2d_1a_3x3', 320, (3, 3), 2, 'VALID')),
        (Conv('Conv2d_0a_1x1', 192), Conv('Conv2d_0b_1x7', 192, (1, 7)),
         Conv('Conv2d_0c_7x1', 192, (7, 1)),
         Conv('Conv2d_1a_3x3', 192, (3, 3), 2, 'VALID')),
        (_SHRINK,)), 'Mixed_7a'),
    _mixed_7('Mixed_7b', 'Conv2d_0b_3x1'),
    _mixed_7('Mixed_7c', 'Conv2d_0c_3x1'),  # 0c where 7b has 0b
)
# The auxiliary classifier, before its logits: 17 x 17 to 1 x 1 x 768.
AUXILIARY = (
    Pool('average', 5, 3, 'VALID'),
    Conv('Conv2d_1b_1x1', 128),
    Conv('Conv2d_2a_5x5', 768, (5, 5), 1, 'VALID', stddev=0.01),
)
AUXILIARY_STDDEV = 0.001  # of its logits' initial weights
