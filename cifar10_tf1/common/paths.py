"""Checks paths that a user names in an option or an environment variable."""

import os
import re

from cifar10_tf1.common.errors import UserError


def check(path, name):
    """Expands ~ in the path of an option or variable; refuses URLs and unknown users."""
    match = re.match(r'[A-Za-z][A-Za-z0-9+.-]*://', path)
    if match:
        raise UserError(f'{name} {path}: {match.group()} is not supported; name a '
                        'local file or folder')
    expanded = os.path.expanduser(path)
    if expanded.startswith('~'):
        raise UserError(f'{name} {path}: there is no such home folder; write '
                        f'./{path} for a file of that name')
    return expanded


def check_new_file(path, name):
    """As check; also refuses a file that exists or whose folder does not exist."""
    path = check(path, name)
    if os.path.lexists(path):
        raise UserError(f'{name} {path} already exists and is not overwritten; name '
                        'another file, or remove it')
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        raise UserError(f'{name} {path}: there is no folder {folder}; make it, or '
                        'name another file')
    return path
