"""Checks paths from options and environment variables."""

import os
import re

from cifar10_tf1.common.errors import UserError


def check(path, name):
    """Expands ~ in a path; refuses URLs and unknown users. `name`: of the option."""
    match = re.match(r'[A-Za-z][A-Za-z0-9+.-]*://', path)
    if match:
        raise UserError(f'{name} {path}: {match.group()} is not supported; name a '
                        'local file or folder')
    expanded = os.path.expanduser(path)
    if expanded.startswith('~'):
        raise UserError(f'{name} {path}: no such home folder; for a file of that name, '
                        f'write ./{path}')
    return expanded


def check_new_file(path, name):
    """Like check, but also refuses an existing file and a missing folder."""
    path = check(path, name)
    if os.path.lexists(path):
        raise UserError(f'{name} {path} already exists; remove it, or name another file')
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        raise UserError(f'{name} {path}: the folder {folder} does not exist; create it, '
                        'or name another file')
    return path
