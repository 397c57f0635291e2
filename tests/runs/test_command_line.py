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

SCRIPTS = ['train.py', 'test.py']
STOCK = ['--kernels', 'stock']  # their graph is soon built


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """No checkpoint of record to fall back on, and nothing in the working folder."""
    monkeypatch.setattr(reference_run, 'CHECKPOINT', str(tmp_path / 'record'))
    (tmp_path / 'current').mkdir()
    monkeypatch.chdir(tmp_path / 'current')


def fail(script, options, capsys, status=1):
    """The one line in which a script ends, before it writes anything."""
    assert runs.main(script, options) == status
    captured = capsys.readouterr()
    assert captured.out == '' and captured.err.count('\n') == 1
    assert captured.err.startswith(f'{script}: error: ')
    return captured.err


@pytest.mark.parametrize('script', SCRIPTS)
def test_help_needs_no_tensorflow(script):
    output = runs.run_program(
        os.environ, '-c', 'import runpy, sys; sys.modules.update(tensorflow=None, numpy=None); '
        f'sys.argv = ["{script}", "--help"]; runpy.run_path("{script}", run_name="__main__")')
    assert 'example: python ' + script in output


@pytest.mark.parametrize('script, arguments, named', [
    ('train.py', ['--epochs', '0'], '0 is not in 1 to'), ('train.py', ['--epochs=--'], '--epochs'),
    ('train.py', ['--epoch', '3'], '--epoch'),
    ('train.py', ['--model-dir', ''], '--model-dir: is empty'),
    ('test.py', ['--seeds', '3-1'], '3-1 is not a range'),
    ('test.py', ['--seeds', '1-1001'], 'more than 1000')])
def test_bad_options(script, arguments, named, capsys):
    assert named in fail(script, arguments, capsys, status=2)
    assert not os.listdir('.')


def test_paths(monkeypatch, capsys):
    """A home folder is expanded; a URL is refused, also in the environment."""
    monkeypatch.setenv('HOME', '/home/ada')
    assert scripts.load('train').parse_options(['--model-dir=~/m']).model_dir == '/home/ada/m'
    assert './~no_user/x' in fail('test.py', ['--model-dir', '~no_user/x'], capsys)
    assert '--checkpoint gs://bucket/x' in fail(
        'test.py', ['--checkpoint', 'gs://bucket/x'], capsys)
    monkeypatch.setenv('CIFAR10_MODEL_DIR', 'gs://bucket/x')
    assert 'CIFAR10_MODEL_DIR gs://bucket/x' in fail('train.py', [], capsys)
    assert not os.listdir('.')


@pytest.mark.parametrize('script', SCRIPTS)
def test_a_user_s_mistake_is_one_line(script, finished_copy, monkeypatch, capsys):
    """And the process is given back, so that a notebook can run the script again."""
    def load_data_set(data_dir):
        raise UserError(f'nothing in {data_dir}')

    def list_handlers():
        return [stopping.signal.getsignal(number) for number in stopping.SIGNALS]

    monkeypatch.setattr(cifar10, 'load_data_set', load_data_set)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    # As before TensorFlow is loaded, which it is here.
    monkeypatch.setattr(runtime, 'prepare_environment', lambda *unused_arguments: (
        os.environ.update(CUDA_VISIBLE_DEVICES='-1')))
    before = list_handlers()
    for unused in range(2):
        assert fail(script, ['--data-dir', 'here', '--model-dir', str(finished_copy),
                             '--device', 'cpu'], capsys) == f'{script}: error: nothing in here\n'
        assert list_handlers() == before
        assert 'CUDA_VISIBLE_DEVICES' not in os.environ


def test_ctrl_c_is_one_line(capsys):
    def stop(options):
        raise KeyboardInterrupt

    assert cli.run_command(cli.Parser('    python some.py'), [], stop) == 130
    assert capsys.readouterr().err == 'some.py: stopped\n'


def test_a_working_folder_that_is_gone(tmp_path, capsys):
    (tmp_path / 'current').rmdir()
    assert 'the working folder no longer exists' in fail('train.py', [], capsys)


def test_train_then_test(tiny_data_set, tmp_path, monkeypatch, capsys):
    """Lines, folders of the environment, and what to type next."""
    asked = []
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: (
        asked.append(data_dir) or tiny_data_set))
    monkeypatch.setattr(cli, 'name_python', lambda: '.venv/bin/python')
    monkeypatch.setenv('CIFAR10_DATA_DIR', 'somewhere')
    monkeypatch.setenv('CIFAR10_MODEL_DIR', 'a model')
    folder = tmp_path / 'current' / 'a model'
    assert runs.main('train.py', ['--epochs', '1', '--no-summaries'] + STOCK) == 0
    output, (entry,) = capsys.readouterr().out, runs.load_record(folder).epochs
    assert runs.losses_of(output) == {'1': f'{entry["summed_loss"]:.5f}'}
    script = os.path.relpath(os.path.join(runs.ROOT, 'test.py'))
    assert f'Test it: .venv/bin/python {script}\n' in output
    assert not (folder / 'summaries').exists()

    assert runs.main('test.py', STOCK) == 0
    match = re.match(r'^Device: CPU \([^\n]*\), \d+ threads?\n'
                     r'Test : Accuracy = (\d+)/200 = (\d\.\d{3}), Test Time : \d+\.\d\ds\n$',
                     capsys.readouterr().out)
    assert match and f'{int(match.group(1)) / 200:.3f}' == match.group(2)
    monkeypatch.delenv('CIFAR10_DATA_DIR')
    assert runs.main('test.py', ['--checkpoint', 'a model/model.ckpt-4', '--crop', 'central',
                                 '--data-dir', 'elsewhere'] + STOCK) == 0
    assert asked == ['somewhere', 'somewhere', 'elsewhere']
    assert [test['crop'] for test in runs.load_record(folder).content['tests']] == [
        'random', 'central']


def test_a_test_of_the_first_images_is_not_recorded(tiny_cifar10, finished_copy, capsys):
    assert runs.main('test.py', ['--model-dir', str(finished_copy), '--max-images', '7']
                     + STOCK) == 0
    assert re.search(r'Accuracy = \d/7 ', capsys.readouterr().out)
    assert runs.load_record(finished_copy).content['tests'] == []


def test_a_missing_checkpoint_is_told_before_the_data_is_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli, 'load_data_set', None)
    assert runs.main('test.py', ['--model-dir', str(tmp_path)]) == 1
    assert f'no checkpoint in {tmp_path}; train first' in capsys.readouterr().err


def test_several_seeds_and_classes(tiny_cifar10, tmp_path, capsys):
    model_helpers.write_checkpoint(tmp_path, model_helpers.random_tensors())
    assert runs.main('test.py', ['--model-dir', str(tmp_path), '--seeds', '1,4-5', '--classes']
                     + STOCK) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    counts = [int(re.match(r'Test : Accuracy = (\d+)/\d+ ', line).group(1)) for line in lines[:3]]
    assert lines[3].startswith(f'Mean of 3 test seeds: {sum(counts) / 3:,.1f} of ')
    assert lines[3].endswith(f'{min(counts):,} to {max(counts):,})')
    assert lines[4] == 'Accuracy of each class:' and len(lines) == 15
    assert sum(int(re.search(r' (\d+)/', line).group(1)) for line in lines[5:]) == sum(counts)


def test_several_seeds_test_one_checkpoint(tiny_cifar10, finished_copy, monkeypatch):
    """Beside a training, which saves a newer one meanwhile."""
    script, tested = scripts.load('test'), []
    evaluate = script.evaluate

    def evaluate_and_save(*arguments):
        result = evaluate(*arguments)
        tested.append(os.path.basename(result.count.checkpoint))
        for path in finished_copy.glob('model.ckpt-8.[dim]*'):
            shutil.copy(str(path), str(path).replace('ckpt-8', 'ckpt-12'))
        return result

    monkeypatch.setattr(script, 'evaluate', evaluate_and_save)
    assert runs.main('test.py', ['--model-dir', str(finished_copy), '--seeds', '1-2'] + STOCK) == 0
    assert tested == ['model.ckpt-8', 'model.ckpt-8']
    assert [test['seed'] for test in runs.load_record(finished_copy).content['tests']] == [1, 2]


@pytest.mark.parametrize('name, line', [('CITATION.cff', '\nversion: {}\n'),
                                        ('CHANGELOG.md', '\n## {}\n')])
def test_the_version_is_the_same_everywhere(name, line):
    with open(os.path.join(runs.ROOT, name), encoding='utf-8') as file:
        assert line.format(cifar10_tf1.__version__) in file.read()
