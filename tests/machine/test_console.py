"""Standard streams that are closed, full, or limited to an encoding."""

import io
import os
import subprocess
import sys

import pytest

import runs
from cifar10_tf1.common import console, errors
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records import run_record


@pytest.mark.parametrize('text, encoding, printed', [
    ('Epoch 1\t\r\n', 'utf-8', 'Epoch 1\t\r\n'),
    ('\x1b[31mred\x9b', 'utf-8', '\\x1b[31mred\\x9b'), ('Größe', 'utf-8', 'Größe'),
    ('Größe', 'ascii', 'Gr\\xf6\\xdfe'), ('\udcff', 'utf-8', '\\udcff')])
def test_printable(text, encoding, printed):
    assert console.make_printable(text, encoding) == printed


def run_program(body, redirection='', encoding='utf-8'):
    """Runs a small command of the project under a shell's redirection."""
    program = f'''
import sys
from cifar10_tf1 import cli
def command(options):
    {body}
    return 0
sys.exit(cli.run_command(cli.Parser('    python program'), [], command))
'''
    return subprocess.run(
        ['sh', '-c', f'"$0" -c "$1" {redirection}', sys.executable, program],
        cwd=runs.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(os.environ, PYTHONIOENCODING=encoding))


@pytest.mark.parametrize('body, redirection, encoding, error', [
    ("print('a')", '> /dev/full', 'utf-8', b'cannot print to standard output: No space left'),
    ("print('a' * 100000)", '> /dev/full', 'utf-8', b'cannot print to standard output: No'),
    ("raise cli.UserError('no file Gr\\u00f6')", '', 'ascii', b'no file Gr\\xf6\n'),
    ("raise cli.UserError('no file')", '2> /dev/full', 'utf-8', None)])
def test_what_cannot_be_printed(body, redirection, encoding, error):
    result = run_program(body, redirection, encoding)
    assert (result.returncode, result.stdout) == (1, b'')
    assert result.stderr.startswith(b'program: error: ' + error if error else b'')
    assert result.stderr.count(b'\n') == bool(error)


def test_each_line_is_printed_at_once(monkeypatch):
    monkeypatch.delenv('PYTHONUNBUFFERED', raising=False)
    result = run_program("print('a'); print('b', end=''); __import__('os')._exit(3)")
    assert (result.returncode, result.stdout) == (3, b'a\n')


@pytest.mark.parametrize('closed', ['1>&-', '2>&-', '0<&- 1>&- 2>&-'])
def test_no_file_takes_the_place_of_a_closed_stream(closed, tmp_path):
    path = tmp_path / 'file'
    result = run_program(
        f"file = open({str(path)!r}, 'w'); print('out'); "
        "print('error', file=sys.stderr); file.close()", closed)
    assert result.returncode == 0
    assert path.read_text() == ''
    assert result.stdout == (b'' if '1>' in closed else b'out\n')
    assert result.stderr == (b'' if '2>' in closed else b'error\n')


class Output(io.StringIO):
    """Calls a function before the line of an epoch."""
    action = None

    def write(self, text):
        if text.startswith('Epoch '):
            self.action()
        return super().write(text)


def test_a_line_that_cannot_be_printed_costs_nothing_else(
        monkeypatch, tmp_path, tiny_data_set, finished_run):
    """Saves are far apart, yet the run resumes where printing failed."""
    def close():
        raise BrokenPipeError(32, 'Broken pipe')

    output, saved = Output(), []
    monkeypatch.setattr(sys, 'stdout', output)
    output.action = close
    with console.guarded(), pytest.raises(console.OutputError):
        runs.train(tmp_path, tiny_data_set, epochs=2, seed=3, save_steps=100)
    record = run_record.load_folder(str(tmp_path))
    assert [epoch['epoch'] for epoch in record.epochs] == [1]
    assert record.content['processes'][-1]['end'] == 'output closed'
    assert record.content['weights']['step'] == 4
    # The epoch is saved before its line is printed.
    output.action = lambda: saved.extend(path.name for path in tmp_path.glob('*-8.index'))
    runs.train(tmp_path, tiny_data_set, epochs=2, seed=3, save_steps=4)
    assert saved == ['model.ckpt-8.index']
    runs.assert_same_bits(tmp_path / 'model.ckpt-8', finished_run / 'model.ckpt-8')


@pytest.mark.parametrize('message', [
    'm.data; No space left\n\t [[node save/SaveV2 (defined at x.py:1)]]\nHint: none',
    'Graph execution error:\n\nDetected at node \'save/SaveV2\'\nm.data; No space left'
    '\n\t [[{{node save/SaveV2}}]]\nHint: none', 'm.data; No space left\nmore'])
def test_the_reason_in_an_error_of_tensorflow(message):
    """Messages of 1.15, of version 2, and without a node."""
    with pytest.raises(UserError, match='cannot save x: m.data; No space left. Fix that'):
        with errors.explained('save x', '--model-dir', RuntimeError):
            raise RuntimeError(message)
