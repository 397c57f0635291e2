"""train.py and test.py as a user types them."""

import os
import re
import shutil

import pytest

import cifar10_tf1
import model_helpers
import runs
from cifar10_tf1 import cli, scripts
from cifar10_tf1.common import stopping
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import cifar10
from cifar10_tf1.machine import runtime
from cifar10_tf1.records import reference_run

OPTIONS = {
    'train.py': ['--data-dir', '--model-dir', '--device', '--synthetic', '--seed',
                 '--allow-unsupported-gpu', '--epochs', '--max-steps', '--save-steps',
                 '--no-summaries'],
    'test.py': ['--data-dir', '--model-dir', '--device', '--synthetic', '--seed',
                '--allow-unsupported-gpu', '--crop', '--checkpoint', '--seeds',
                '--classes', '--max-images', '--version'],
}
STOCK = ['--kernels', 'stock']  # their graph is soon built


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """No signal handlers, and no checkpoint of record to fall back on."""
    monkeypatch.setattr(stopping.StopRequest, '__enter__', lambda request: request)
    monkeypatch.setattr(reference_run, 'CHECKPOINT', str(tmp_path / 'record'))


@pytest.fixture
def tiny_data(monkeypatch, tiny_data_set):
    """Both scripts find the tiny data set; the list says where they looked."""
    asked = []

    def load_data_set(data_dir):
        asked.append(data_dir)
        return tiny_data_set

    monkeypatch.setattr(cifar10, 'load_data_set', load_data_set)
    return asked


def fail(script, options, capsys, status=1):
    """The one line in which a script ends."""
    try:
        assert runs.main(script, options) == status
    except SystemExit as error:
        assert error.code == status
    captured = capsys.readouterr()
    assert captured.out == '' and captured.err.count('\n') == 1
    assert captured.err.startswith(f'{script}: error: ')
    return captured.err


@pytest.mark.parametrize('script', sorted(OPTIONS))
def test_help_needs_no_tensorflow(script):
    output = runs.run_program(
        os.environ, '-c', 'import sys, runpy\n'
        f'sys.argv = ["{script}", "--help"]\n'
        'try:\n'
        f'    runpy.run_path("{script}", run_name="__main__")\n'
        'except SystemExit as stop:\n'
        '    assert stop.code == 0\n'
        'assert not {"tensorflow", "numpy"} & set(sys.modules)\n')
    for option in OPTIONS[script]:
        assert option in output
    assert 'example: python ' + script in output


@pytest.mark.parametrize('script, arguments, named', [
    ('train.py', ['--epochs', '0'], '0 is not in 1 to'),
    ('train.py', ['--epochs=--'], '--epochs'),
    ('train.py', ['--seed', 'x'], 'whole number'),
    ('train.py', ['--device', 'tpu'], "'tpu'"),
    ('train.py', ['--epoch', '3'], '--epoch'),
    ('train.py', ['--model-dir', ''], '--model-dir: is empty'),
    ('test.py', ['--seeds', '3-1'], '3-1 is not a range'),
    ('test.py', ['--seeds', '1,'], "'1,'"),
    ('test.py', ['--seeds', '1-1001'], 'more than 1000'),
    ('test.py', ['--seeds', '1-2', '--seed', '1'], 'not allowed with'),
])
def test_bad_options(script, arguments, named, tmp_path, monkeypatch, capsys):
    """Before anything is written."""
    monkeypatch.chdir(tmp_path)
    assert named in fail(script, arguments, capsys, status=2)
    assert not list(tmp_path.iterdir())


def test_paths(tmp_path, monkeypatch, capsys):
    """A home folder is expanded; a URL is refused, also in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', '/home/ada')
    options = scripts.load('train').parse_options(['--model-dir=~/m'])
    assert options.model_dir == '/home/ada/m'
    assert './~no_user/x' in fail('test.py', ['--model-dir', '~no_user/x'], capsys)
    assert '--checkpoint gs://bucket/x' in fail(
        'test.py', ['--checkpoint', 'gs://bucket/x'], capsys)
    monkeypatch.setenv('CIFAR10_MODEL_DIR', 'gs://bucket/x')
    assert 'CIFAR10_MODEL_DIR gs://bucket/x' in fail('train.py', [], capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('script', sorted(OPTIONS))
def test_a_user_s_mistake_is_one_line(script, monkeypatch, tmp_path, capsys):
    """And the process is given back, so that a notebook can run the script again."""
    def load_data_set(data_dir):
        raise UserError(f'nothing in {data_dir}')

    monkeypatch.undo()
    monkeypatch.setattr(reference_run, 'CHECKPOINT', str(tmp_path / 'record'))
    monkeypatch.setattr(cifar10, 'load_data_set', load_data_set)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    # As before TensorFlow is loaded, which it is here.
    monkeypatch.setattr(runtime, 'prepare_environment', lambda *unused_arguments: (
        os.environ.update(CUDA_VISIBLE_DEVICES='-1')))
    model_dir = tmp_path / 'model'
    before = [stopping.signal.getsignal(number) for number in stopping.SIGNALS]
    for unused in range(2):
        assert fail(script, ['--data-dir', 'here', '--model-dir', str(model_dir),
                             '--device', 'cpu'], capsys) == (
                                 f'{script}: error: nothing in here\n')
        assert before == [stopping.signal.getsignal(number)
                          for number in stopping.SIGNALS]
        assert 'CUDA_VISIBLE_DEVICES' not in os.environ


def test_ctrl_c_is_one_line(capsys):
    def stop(options):
        raise KeyboardInterrupt

    assert cli.run_command(cli.Parser(prog='some.py'), [], stop) == 130
    assert capsys.readouterr().err == 'some.py: stopped\n'


def test_a_working_folder_that_is_gone(tmp_path, monkeypatch, capsys):
    (tmp_path / 'gone').mkdir()
    monkeypatch.chdir(tmp_path / 'gone')
    (tmp_path / 'gone').rmdir()
    assert 'the working folder no longer exists' in fail('train.py', [], capsys)


def test_train_then_test(tiny_data, tmp_path, monkeypatch, capsys):
    """Lines, folders of the environment, and what to type next."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, 'name_python', lambda: '.venv/bin/python')
    monkeypatch.setenv('CIFAR10_DATA_DIR', 'somewhere')
    monkeypatch.setenv('CIFAR10_MODEL_DIR', 'a model')
    assert runs.main('train.py', ['--epochs', '1', '--no-summaries'] + STOCK) == 0
    output = capsys.readouterr().out
    assert re.search(r'^Epoch 1 : Loss = \d+\.\d{5}, Epoch Time = \d+\.\d\ds$',
                     output, re.MULTILINE)
    script = os.path.relpath(os.path.join(runs.ROOT, 'test.py'))
    assert f'Test it: .venv/bin/python {script}\n' in output
    assert not (tmp_path / 'a model' / 'summaries').exists()

    assert runs.main('test.py', STOCK) == 0
    match = re.match(r'^Device: CPU \([^\n]*\), \d+ threads?\n'
                     r'Test : Accuracy = (\d+)/200 = (\d\.\d{3}), '
                     r'Test Time : \d+\.\d\ds\n$', capsys.readouterr().out)
    assert match and f'{int(match.group(1)) / 200:.3f}' == match.group(2)
    monkeypatch.delenv('CIFAR10_DATA_DIR')
    assert runs.main('test.py', ['--checkpoint', 'a model/model.ckpt-4', '--crop',
                                 'central', '--data-dir', 'elsewhere'] + STOCK) == 0
    assert tiny_data == ['somewhere', 'somewhere', 'elsewhere']
    recorded = runs.load_record(tmp_path / 'a model').content['tests']
    assert [test['crop'] for test in recorded] == ['random', 'central']


def test_a_test_of_the_first_images_is_not_recorded(tiny_data, finished_copy,
                                                    capsys):
    assert runs.main('test.py', ['--model-dir', str(finished_copy), '--max-images',
                                 '7'] + STOCK) == 0
    assert re.search(r'Accuracy = \d/7 ', capsys.readouterr().out)
    assert runs.load_record(finished_copy).content['tests'] == []


def test_several_seeds_and_classes(tiny_data, tmp_path, capsys):
    model_helpers.write_checkpoint(tmp_path, model_helpers.random_tensors())
    assert runs.main('test.py', ['--model-dir', str(tmp_path), '--seeds', '1,4-5',
                                 '--classes'] + STOCK) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    counts = [int(re.match(r'Test : Accuracy = (\d+)/\d+ ', line).group(1))
              for line in lines[:3]]
    assert lines[3].startswith(f'Mean of 3 test seeds: {sum(counts) / 3:,.1f} of ')
    assert lines[3].endswith(f'{min(counts):,} to {max(counts):,})')
    assert lines[4] == 'Accuracy of each class:' and len(lines) == 15
    by_class = [list(map(int, re.search(r' (\d+)/(\d+)', line).groups()))
                for line in lines[5:]]
    assert sum(right for right, unused in by_class) == sum(counts)


def test_several_seeds_test_one_checkpoint(tiny_data, finished_copy, monkeypatch):
    """Beside a training, which saves a newer one meanwhile."""
    script = scripts.load('test')
    evaluate = script.evaluate

    def evaluate_and_save(*arguments):
        result = evaluate(*arguments)
        for path in finished_copy.glob('model.ckpt-8.[dim]*'):
            shutil.copy(str(path), str(path).replace('ckpt-8', 'ckpt-12'))
        return result

    monkeypatch.setattr(script, 'evaluate', evaluate_and_save)
    assert runs.main('test.py', ['--model-dir', str(finished_copy), '--seeds',
                                 '1-2'] + STOCK) == 0
    assert (finished_copy / 'model.ckpt-12.index').exists()
    recorded = runs.load_record(finished_copy).content['tests']
    assert [(test['seed'], test['step']) for test in recorded] == [(1, 8), (2, 8)]


def test_the_version_is_the_same_everywhere(capsys):
    version = cifar10_tf1.__version__
    for name, line in (('CITATION.cff', f'\nversion: {version}\n'),
                       ('CHANGELOG.md', f'\n## {version}\n')):
        with open(os.path.join(runs.ROOT, name), encoding='utf-8') as file:
            assert line in file.read(), name
    for script in OPTIONS:
        with pytest.raises(SystemExit) as stop:
            runs.main(script, ['--version'])
        assert stop.value.code == 0
        assert capsys.readouterr().out == f'cifar-tf1 {version}\n'
