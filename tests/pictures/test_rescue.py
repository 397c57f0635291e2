"""docs/rescue.md: its programs do what the page says that they print."""

import os
import re
import shlex
import subprocess

import pytest

import model_helpers
import test_cross_runtime
from test_readme import ROOT
from test_readme import read

# Each command starts one of the two runtimes.
pytestmark = test_cross_runtime.pytestmark
PYTHONS = {f'.venv{suffix}': test_cross_runtime.PYTHONS[runtime]
           for runtime, suffix in (('tf1', ''), ('tf2', '-tf2'))}

PROGRAM = re.compile(r'`(\w+\.py)`.*?\n\n```python\n(.*?)```', re.DOTALL)
COMMAND = re.compile(r'```sh\n(\.venv(?:-tf2)?)/bin/python (.*)\n```\n'
                     r'((?:\n    .*)*)')


@pytest.fixture
def folder(tmp_path):
    programs = re.split(r'(?=^Save this|^save this)', read('docs/rescue.md'),
                        flags=re.MULTILINE)[1:]
    for program in programs:
        name, code = PROGRAM.search(program).groups()
        (tmp_path / name).write_text(code)
    return tmp_path


def test_the_page(folder):
    model_helpers.need('tf2onnx')
    names = []
    for venv, command, expected in COMMAND.findall(read('docs/rescue.md')):
        output = subprocess.run(
            [PYTHONS[venv], *shlex.split(command)], cwd=str(folder), check=True,
            env=dict(os.environ, PYTHONPATH=ROOT), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, universal_newlines=True).stdout
        for line in expected.split('\n')[1:]:
            if line.strip().startswith('largest difference: '):
                assert float(output.split('difference: ')[1]) < 1e-6
            else:
                assert line.strip() in output, command
        names.append(command.split()[0])
    assert names == ['old.py', 'look.py', '-m', 'rescue.py', 'compare.py', '-m']
