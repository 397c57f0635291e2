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


def check_new_file(path, name):
    """As check; also refuses a file that exists, or whose folder does not.

    Args:
      path: str, as the user wrote it.
      name: str, the option, for the message.
    Returns:
      str.
    Raises:
      UserError: as described.
    """
    path = check(path, name)
    if os.path.lexists(path):
        raise UserError(f'{name} {path} is there already and is not overwritten; '
                        'give another name, or remove it')
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        raise UserError(f'{name} {path}: there is no folder {folder}; make it, or '
                        'give another name')
    return path
