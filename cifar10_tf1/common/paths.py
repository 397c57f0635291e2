"""Paths that a user names in an option or a variable of the environment."""

import os
import re

from cifar10_tf1.common.errors import UserError


def check(path, name):
    """Expands ~ and refuses what is no path of a file system.

    Args:
      path: str, as the user wrote it.
      name: str, the option or variable, for the message.
    Returns:
      str.
    Raises:
      UserError: for a URL such as gs://bucket/x, and for an unknown ~user.
    """
    match = re.match(r'[A-Za-z][A-Za-z0-9+.-]*://', path)
    if match:
        raise UserError(f'{name} {path}: {match.group()} is not supported; name a '
                        'folder or file of this machine')
    if path.startswith('~'):
        expanded = os.path.expanduser(path)
        if expanded.startswith('~'):
            raise UserError(f'{name} {path}: there is no such home folder; write '
                            './' + path + ' for a file of that name')
        return expanded
    return path
