"""Where other programs may have left CIFAR-10 on this machine already."""

import os
import shlex


def list_offers(folder_name, file_names):
    """A line for each folder of Keras, or of torchvision's examples, that has it.

    Args:
      folder_name: str, of the unpacked archive.
      file_names: sequence of str, what has to be in it.
    Returns:
      list of str, which name the --data-dir to give. The files are not looked
      into.
    """
    keras = os.environ.get('KERAS_HOME') or os.path.expanduser('~/.keras')
    data_dirs = (
        os.path.join(keras, 'datasets'),
        # Keras 3 gives the unpacked archive a folder of its own.
        os.path.join(keras, 'datasets', f'{folder_name}-target'),
        os.path.join(os.curdir, 'data'))
    return [f'CIFAR-10 is in {os.path.join(data_dir, folder_name)} already: '
            f'--data-dir {shlex.quote(data_dir)} takes it from there'
            for data_dir in data_dirs if all(
                os.path.isfile(os.path.join(data_dir, folder_name, name))
                for name in file_names)]
