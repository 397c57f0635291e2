"""Whether an export says what its checkpoint says."""

import contextlib

import numpy as np

from cifar10_tf1.common.errors import UserError

NUM_CHECKED = 100  # images
TOLERANCE = 1e-5   # of a probability


def check(what, outputs, expected):
    """Compares an export with the checkpoint that it was made of.

    Args:
      what: str, for the message.
      outputs: (classes, probabilities) of the export.
      expected: float32 [N, 10], probabilities of the checkpoint.
    Returns:
      float, the largest deviation of a probability.
    Raises:
      UserError: where a class differs, or a probability by more than TOLERANCE.
    """
    classes, probabilities = outputs
    deviation = float(np.abs(probabilities - expected).max())
    num_others = int((classes != expected.argmax(axis=1)).sum())
    # Written so that a NaN fails as well.
    if num_others or not deviation <= TOLERANCE:
        raise UserError(
            f'the {what} does not agree with the checkpoint: {num_others} of '
            f'{len(expected)} classes differ, probabilities by up to '
            f'{deviation:.1e}; it is not written')
    return deviation


def load_images(data_dir, system):
    """What the exports are checked on; downloads nothing.

    Returns:
      (uint8 [100, side, side, channels], what they are): the first test images
      where the data set is there, else generated ones.
    """
    with contextlib.suppress(UserError):  # incomplete or damaged
        if system.source.is_at_hand(data_dir):
            data_set = system.source.load(data_dir, False)
            return data_set.labels_and_images('test')[1][:NUM_CHECKED], 'test images'
    from cifar10_tf1.data import synthetic_images
    picture = system.picture
    records = synthetic_images.build_records(
        'export', NUM_CHECKED,
        synthetic_images.COLOR if picture.channels == 3 else
        synthetic_images.GREY)
    planes = records[:, 1:].reshape(-1, picture.channels, picture.side,
                                    picture.side)
    return (np.ascontiguousarray(planes.transpose(0, 2, 3, 1)),
            'generated images')
