"""The order of the package's rooms."""

import ast
import pathlib

import cifar10_tf1

PACKAGE = pathlib.Path(cifar10_tf1.__file__).parent


def list_imports(path):
    """The rooms of cifar10_tf1 that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith('cifar10_tf1'):
            rooms = node.module.split('.')[1:2]
            yield from rooms or [name.name for name in node.names]


def test_rooms_import_downwards_only():
    below = {}
    for path in PACKAGE.glob('**/*.py'):
        if path.name != '__main__.py':  # a command, which may import every room
            room = path.relative_to(PACKAGE).parts[0].replace('.py', '')
            below.setdefault(room, set()).update(set(list_imports(path)) - {room})
    while below:
        lowest = {room for room, others in below.items() if not others & set(below)}
        assert lowest, f'these import each other: {below}'
        below = {room: others for room, others in below.items() if room not in lowest}
