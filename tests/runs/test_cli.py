"""The two programs as a user types them."""

import os
import re
import subprocess
import sys

import pytest

import cifar10_tf1
import model_helpers
import runs
from cifar10_tf1 import cli

from cifar10_tf1.checkpoints import model_dir as model_dirs
from cifar10_tf1.records import reference_run
from cifar10_tf1.common import stopping
from cifar10_tf1.data import cifar10
from cifar10_tf1.common.errors import UserError

ROOT = runs.ROOT
OPTIONS = {
    'train.py': ['--data-dir', '--model-dir', '--device', '--synthetic',
                 '--allow-unsupported-gpu', '--epochs', '--max-steps',
                 '--save-steps', '--seed', '--no-summaries'],
    'test.py': ['--data-dir', '--model-dir', '--device', '--synthetic',
                '--allow-unsupported-gpu', '--crop', '--seed', '--checkpoint',
                '--seeds', '--classes', '--max-images', '--version'],
}

STOCK = ['--kernels', 'stock']  # their graph is soon built


@pytest.fixture(autouse=True)
def no_signal_handlers(monkeypatch):
    monkeypatch.setattr(stopping.StopRequest, 'install', lambda request: request)


@pytest.fixture(autouse=True)
def no_checkpoint_of_record(monkeypatch, tmp_path):
    """Which is for whoever has none: tests/test_reference_run.py."""
    monkeypatch.setattr(reference_run, 'CHECKPOINT', str(tmp_path / 'record'))


@pytest.fixture
def tiny_data(monkeypatch, tiny_data_set):
    """Both programs find the tiny data set, wherever they look."""
    asked = []

    def load_data_set(data_dir):
        asked.append(data_dir)
        return tiny_data_set

    monkeypatch.setattr(cifar10, 'load_data_set', load_data_set)
    return asked


@pytest.mark.parametrize('command', [
    ['train.py', '--synthetic'], ['test.py'], ['-m', 'cifar10_tf1.fingerprint'],
    ['-m', 'cifar10_tf1.predict', '--test', '1']])
def test_a_python_without_the_packages(command, tmp_path):
    """One line says which Python has them; nothing is left behind."""
    result = subprocess.run(
        [sys.executable, '-S'] + command + [
            '--model-dir', str(tmp_path / 'model')], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr.count('\n') == 1
    assert 'is not installed in this Python' in result.stderr
    assert not (tmp_path / 'model').exists()


@pytest.mark.parametrize('script', ['test.py', 'train.py'])
def test_help_needs_no_tensorflow(script):
    output = subprocess.run(
        [sys.executable, '-c', 'import sys, runpy\n'
         f'sys.argv = ["{script}", "--help"]\n'
         'try:\n'
         f'    runpy.run_path("{script}", run_name="__main__")\n'
         'except SystemExit as stop:\n'
         '    assert stop.code == 0\n'
         'assert "tensorflow" not in sys.modules\n'
         'assert "numpy" not in sys.modules\n'],
        cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()
    for option in OPTIONS[script]:
        assert option in output
    assert 'example: python ' + script in output
    assert output.count('default') >= 5


@pytest.mark.parametrize('script, arguments, named', [
    ('train.py', ['--epochs', '0'], '0 is not in 1 to'),
    ('train.py', ['--epochs', 'ten'], "'ten'"),
    ('train.py', ['--epochs', '-3'], '-3 is not in 1 to'),
    ('train.py', ['--epochs', '1.5'], "'1.5'"),
    ('train.py', ['--epochs'], 'expected one argument'),
    ('train.py', ['--max-steps', '0'], '--max-steps'),
    ('train.py', ['--save-steps', '0'], '--save-steps'),
    ('train.py', ['--seed', '-1'], '--seed'),
    ('train.py', ['--seed', 'x'], 'whole number'),
    ('train.py', ['--device', 'tpu'], "'tpu'"),
    ('train.py', ['--crop', 'central'], '--crop'),
    ('train.py', ['--epoch', '3'], '--epoch'),
    ('train.py', ['extra'], 'extra'),
    ('train.py', ['--no-such-option'], '--no-such-option'),
    ('test.py', ['--crop', 'left'], "'left'"),
    ('test.py', ['--epochs', '3'], '--epochs'),
    ('test.py', ['--seeds', '3-1'], '3-1 is not a range'),
    ('test.py', ['--seeds', 'x'], "'x'"),
    ('test.py', ['--seeds', '1,'], "'1,'"),
    ('test.py', ['--seeds', '1-1001'], 'more than 1000'),
    ('test.py', ['--seeds', '1-2', '--seed', '1'], 'not allowed with'),
    ('test.py', ['--no-such-option'], '--no-such-option'),
])
def test_bad_options(script, arguments, named, capsys):
    with pytest.raises(SystemExit) as stop:
        runs.main(script, arguments)
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ''
    assert captured.err.startswith(f'{script}: error: ')
    assert named in captured.err and captured.err.count('\n') == 1


@pytest.mark.parametrize('script', ['test.py', 'train.py'])
def test_a_user_s_mistake_is_one_line(script, monkeypatch, tmp_path, capsys):
    def load_data_set(data_dir):
        raise UserError(f'nothing in {data_dir}')

    monkeypatch.setattr(cifar10, 'load_data_set', load_data_set)
    # Not the working folder's: in the image the tests may not write there.
    model_dir = str(tmp_path / 'model')
    os.mkdir(model_dir)
    assert runs.main(script, ['--data-dir', 'here', '--model-dir', model_dir]) == 1
    captured = capsys.readouterr()
    assert captured.err == f'{script}: error: nothing in here\n'
    assert captured.out == ''


def test_ctrl_c_is_one_line(capsys):
    def stop(options):
        raise KeyboardInterrupt

    assert cli.run_command(cli.Parser(prog='some.py'), [], stop) == 130
    assert capsys.readouterr().err == 'some.py: stopped\n'


def test_train_then_test(tiny_data, tmp_path, capsys):
    model_dir = str(tmp_path / 'model')
    assert runs.main('train.py', ['--max-steps', '4', '--model-dir', model_dir,
                                  '--no-summaries']) == 0
    assert not os.path.exists(model_dir + '/summaries')
    output = capsys.readouterr().out
    assert re.search(r'^Epoch 1 : Loss = \d+\.\d{5}, Epoch Time = \d+\.\d\ds$',
                     output, re.MULTILINE)
    assert runs.main('test.py', ['--model-dir', model_dir]) == 0
    output = capsys.readouterr().out
    match = re.match(r'^Device: CPU \([^\n]*\), \d+ threads\n'
                     r'Test : Accuracy = (\d+)/200 = (\d\.\d{3}), '
                     r'Test Time : \d+\.\d\ds\n$', output)
    assert match and f'{int(match.group(1)) / 200:.3f}' == match.group(2)
    assert runs.main('test.py', ['--checkpoint', model_dir + '/model.ckpt-4',
                                 '--crop', 'central', '--seed', '3'] + STOCK) == 0
    assert tiny_data == ['dataset/cifar10'] * 3


@pytest.mark.parametrize('options, wanted', [
    ([], True), (['--no-summaries'], False)])
def test_summaries_unless_they_are_refused(tiny_data, tmp_path, monkeypatch,
                                           options, wanted):
    assert runs.main('train.py', ['--model-dir', str(tmp_path), '--max-steps', '1']
                     + STOCK + options) == 0
    assert (tmp_path / 'summaries').exists() == wanted


def test_environment_variables(tiny_data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('CIFAR10_DATA_DIR', 'somewhere')
    monkeypatch.setenv('CIFAR10_MODEL_DIR', str(tmp_path / 'model'))
    assert runs.main('test.py', STOCK) == 1
    assert str(tmp_path / 'model') in capsys.readouterr().err
    assert runs.main('test.py', ['--data-dir', 'elsewhere', '--model-dir',
                                 str(tmp_path / 'other')] + STOCK) == 1
    assert str(tmp_path / 'other') in capsys.readouterr().err
    assert tiny_data == ['somewhere', 'elsewhere']


def test_a_checkpoint_that_is_not_there(tiny_data, tmp_path, capsys):
    prefix = str(tmp_path / 'model.ckpt-1')
    assert runs.main('test.py', ['--checkpoint', prefix] + STOCK) == 1
    error = capsys.readouterr().err
    assert f'there is no checkpoint {prefix}' in error
    assert error.count('\n') == 1


def test_a_model_folder_in_use(tiny_data, tmp_path, capsys):
    with model_dirs.ModelDir(str(tmp_path)):
        assert runs.main('train.py', ['--model-dir', str(tmp_path)]) == 1
    assert 'another training run uses' in capsys.readouterr().err


def test_gpu_without_a_driver(tiny_data, tmp_path, capsys, monkeypatch):
    from cifar10_tf1.machine.cuda import driver
    monkeypatch.setattr(driver, 'ask', lambda: driver.Driver())
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '0')
    assert runs.main('train.py', ['--device', 'gpu', '--model-dir',
                                  str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert 'no NVIDIA driver' in error and error.count('\n') == 1
    assert tiny_data == []  # before a download


@pytest.mark.parametrize('script', ['test.py', 'train.py'])
def test_the_override_reaches_the_guard(script, tiny_data, tmp_path,
                                        monkeypatch):
    from cifar10_tf1.machine import devices
    asked = []

    def prepare(requested, allow_unsupported, **unused_options):
        asked.append(allow_unsupported)
        raise UserError('enough')

    monkeypatch.setattr(devices, 'prepare', prepare)
    options = ['--model-dir', str(tmp_path)]
    assert runs.main(script, options) == 1
    assert runs.main(script, options + ['--allow-unsupported-gpu']) == 1
    assert asked == [False, True]


@pytest.mark.parametrize('program, option', [
    ('train.py', '--model-dir'), ('train.py', '--data-dir'),
    ('test.py', '--checkpoint')])
def test_an_empty_path_is_refused(program, option, capsys):
    with pytest.raises(SystemExit) as caught:
        runs.main(program, [option, ''])
    assert caught.value.code == 2
    assert f'argument {option}: is empty' in capsys.readouterr().err


@pytest.mark.parametrize('program, option, value', [
    ('train.py', '--input-threads', '99999999999'),
    ('train.py', '--inter-op-threads', '9999999999'),
    ('train.py', '--intra-op-threads', '3000000000'),
    ('train.py', '--save-steps', '99999999999999999999'),
    ('train.py', '--epochs', '99999999999'),
    ('test.py', '--seed', '99999999999999999999')])
def test_a_number_beyond_its_limit(program, option, value, capsys, tmp_path,
                                   monkeypatch):
    """Before anything is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        runs.main(program, [option, value])
    assert caught.value.code == 2
    assert f'{value} is not in ' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_working_folder_that_is_gone(tmp_path, monkeypatch, capsys):
    (tmp_path / 'gone').mkdir()
    monkeypatch.chdir(tmp_path / 'gone')
    (tmp_path / 'gone').rmdir()
    assert runs.main('train.py', []) == 1
    assert 'the working folder is gone' in capsys.readouterr().err


@pytest.mark.parametrize('script', ['test.py', 'train.py'])
def test_version(script, capsys):
    with pytest.raises(SystemExit) as stop:
        runs.main(script, ['--version'])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f'cifar-tf1 {cifar10_tf1.__version__}\n'


def test_the_version_is_the_same_everywhere():
    for name, line in (('CITATION.cff', f'\nversion: {cifar10_tf1.__version__}\n'),
                       ('CHANGELOG.md', f'\n## {cifar10_tf1.__version__}\n')):
        with open(os.path.join(ROOT, name), encoding='utf-8') as file:
            assert line in file.read(), name


def test_an_option_of_threads_says_what_it_changes(capsys):
    with pytest.raises(SystemExit):
        runs.main('train.py', ['--help'])
    text = ' '.join(capsys.readouterr().out.split())
    assert 'within one op; another number may give other last bits' in text
    assert 'at the same time; no influence on the result' in text


def test_training_ends_with_what_to_type_next(tiny_data, tmp_path, monkeypatch,
                                              capsys):
    monkeypatch.setattr(sys, 'executable', str(tmp_path / '.venv/bin/python'))
    monkeypatch.chdir(tmp_path)
    assert runs.main('train.py', ['--model-dir', 'a model', '--data-dir', 'data',
                                  '--epochs', '1', '--no-summaries'] + STOCK) == 0
    assert re.match(
        r"Model: a model, epoch 1, in \d\d:\d\d\. Test it: .venv/bin/python "
        + re.escape(os.path.join(ROOT, 'test.py'))
        + r" --data-dir data --model-dir 'a model'$",
        capsys.readouterr().out.splitlines()[-1])


def test_several_seeds_and_classes(tiny_data, tmp_path, capsys):
    model_helpers.write_checkpoint(tmp_path, model_helpers.random_tensors())
    assert runs.main('test.py', ['--model-dir', str(tmp_path), '--seeds', '1,4-5',
                                 '--classes'] + STOCK) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    counts = [int(re.match(r'Test : Accuracy = (\d+)/\d+ ', line).group(1))
              for line in lines[:3]]
    mean = sum(counts) / 3
    assert lines[3].startswith(f'Mean of 3 test seeds: {mean:,.1f} of ')
    assert lines[3].endswith(f'{min(counts):,} to {max(counts):,})')
    assert lines[4] == 'Accuracy of each class:' and len(lines) == 15
    by_class = [list(map(int, re.search(r' (\d+)/(\d+)', line).groups()))
                for line in lines[5:]]
    assert sum(right for right, unused in by_class) == sum(counts)


def test_a_test_of_the_first_images_is_not_recorded(tiny_data, tmp_path, capsys):
    options = ['--model-dir', str(tmp_path)] + STOCK
    assert runs.main('train.py', options + ['--max-steps', '1',
                                            '--no-summaries']) == 0
    assert runs.main('test.py', options + ['--max-images', '7']) == 0
    assert re.search(r'Accuracy = \d/7 ', capsys.readouterr().out)
    assert runs.load_record(tmp_path).content['tests'] == []
    assert runs.main('test.py', options) == 0
    assert len(runs.load_record(tmp_path).content['tests']) == 1
