"""What the benchmark works on: generated images, as many as CIFAR-10 has.

An epoch or a test begins as seldom, and takes as much memory, as with CIFAR-10.
"""

import os

from cifar10_tf1.data import cifar10
from cifar10_tf1.data import preparation
from cifar10_tf1.data import synthetic

_FOLDER = 'full-size'


def generate(folder):
    """Writes each file of the generated set several times over.

    Args:
      folder: str, an empty one; 220 MB.
    Raises:
      UserError: no space, no permission.
    """
    small = synthetic.load_data_set(folder)
    sizes = [file.size for file in cifar10.FILES]
    with preparation.new_folder(os.path.join(folder, _FOLDER),
                                sum(sizes)) as temporary:
        for path, size in zip((*small.train_paths, small.test_path), sizes):
            with open(path, 'rb') as stream:
                content = stream.read()
            preparation.write_file(
                os.path.join(temporary, os.path.basename(path)),
                [content] * (size // len(content)))


def load_data_set(folder):
    """The DataSet that `generate` has written."""
    return cifar10.build_data_set('synthetic', os.path.join(folder, _FOLDER),
                                  cifar10.FILES, synthetic.LINE_PREFIX,
                                  synthetic.CLASS_NAMES)
