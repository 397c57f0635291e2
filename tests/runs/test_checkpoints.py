"""Newest whole checkpoint, saving, keeping, sweeping, fingerprints; nothing foreign is lost."""

import contextlib
import os
from contextlib import closing

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
import runs
from cifar10_tf1 import fingerprint
from cifar10_tf1.checkpoints import model_dir as model_dirs, reading, writing
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture(scope='module')
def session():
    """Two variables, small enough for hundreds of saves."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('global_step', [], tf.int64, tf.zeros_initializer())
        tf.get_variable('model/weights', initializer=np.arange(30, dtype=np.float32).reshape(5, 6))
        session.run(tf.global_variables_initializer())
        session.saver = tf.train.Saver()
        session.variables = {variable.op.name: variable for variable in tf.global_variables()}
        yield session


def save(folder, session, *steps):
    with closing(model_dirs.ModelDir(str(folder))) as held:
        writer = writing.CheckpointWriter(held, session.saver)
        for step in steps:
            writer.save(session, step, {'data': 'tiny', 'seed': 1, 'step': step})


def save_foreign(folder, session, *steps, name='model.ckpt', **options):
    """As the original program does, with a Saver of its own."""
    with session.graph.as_default():
        saver = tf.train.Saver(**options)
    for step in steps:
        saver.save(session, os.path.join(str(folder), name), step)


def names_of(folder):
    return sorted(os.listdir(str(folder)))


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()
            if path.is_file() and path.name != '.lock'}


def find_step(folder):
    newest = reading.find_newest(str(folder))
    return newest and newest.step


def test_the_last_five_are_kept_across_processes(tmp_path, session):
    save(tmp_path, session, 1, 2, 3, 4)
    save(tmp_path, session, 5, 6, 7)
    prefixes = [f'model.ckpt-{step}' for step in (3, 4, 5, 6, 7)]
    assert names_of(tmp_path) == ['.lock', 'checkpoint'] + [
        f'{prefix}.{suffix}' for prefix in prefixes
        for suffix in ('data-00000-of-00001', 'index', 'json', 'meta')]
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.all_model_checkpoint_paths == [str(tmp_path / prefix) for prefix in prefixes]


@pytest.mark.parametrize('folder', ['model', './link'])
def test_the_state_file_is_right_however_the_folder_is_named(folder, tmp_path, session,
                                                             monkeypatch):
    """By TensorFlow's own reader, also once it was moved."""
    work = tmp_path / 'a[1]'  # a pattern in the working folder's own path does no harm
    (work / 'model').mkdir(parents=True)
    (work / 'link').symlink_to(work / 'model')
    monkeypatch.chdir(work)
    save(folder, session, 1, 2)
    assert tf.train.latest_checkpoint(folder) == os.path.join(folder, 'model.ckpt-2')
    moved = tmp_path / 'moved'
    (work / 'model').rename(moved)
    assert tf.train.latest_checkpoint(str(moved)) == str(moved / 'model.ckpt-2')
    (moved / 'checkpoint').write_text('model_checkpoint_path: "/gone/model.ckpt-9"')
    assert find_step(moved) == 2  # which reads the folder


def test_foreign_checkpoints_are_never_deleted_or_overwritten(tmp_path, session):
    save_foreign(tmp_path, session, 9, 10, 100)
    assert find_step(tmp_path) == 100  # the highest step, not the highest name
    save(tmp_path, session, *range(101, 111))
    assert [checkpoint.step for checkpoint in model_dirs.list_checkpoints(str(tmp_path))] == [
        110, 109, 108, 107, 106, 100, 10, 9]
    (tmp_path / 'model.ckpt-100.index').write_bytes(b'damaged')
    before = contents_of(tmp_path)
    with pytest.raises(UserError, match='model.ckpt-100, which .* is in the way'):
        save(tmp_path, session, 100)
    assert contents_of(tmp_path) == before


@pytest.mark.parametrize('name, step, options', [
    ('cifar.ckpt', 3, {}), ('model', 3, {}), ('model.ckpt', None, {}),
    ('x.ckpt', 3, {'write_version': 1}), ('model.ckpt', 3, {'write_version': 1})])
def test_training_refuses_checkpoints_of_another_name_or_format(
        name, step, options, tmp_path, session, tiny_data_set):
    """It would begin at step 0, and replace the state file if there is one."""
    save_foreign(tmp_path, session, step, name=name, **options)
    (tmp_path / 'checkpoint').unlink()
    before = contents_of(tmp_path)
    with pytest.raises(UserError, match='model.ckpt-STEP.*--model-dir'):
        runs.train(tmp_path, tiny_data_set, max_steps=1)
    assert contents_of(tmp_path) == before


def damage(path, how):
    content = bytearray(path.read_bytes())
    path.unlink()
    if how == 'cut':
        path.write_bytes(content[:-10])
    elif how == 'flipped':
        content[len(content) // 2] ^= 64
        path.write_bytes(content)


@pytest.mark.parametrize('part, how', [
    ('index', 'cut'), ('index', 'flipped'), ('index', 'gone'), ('data-00000-of-00001', 'flipped'),
    ('data-00000-of-00001', 'gone')])
def test_a_damaged_newest_is_named_and_the_one_before_used(part, how, tmp_path, session, capsys):
    save_foreign(tmp_path, session, 1, 2)
    damage(tmp_path / f'model.ckpt-2.{part}', how)
    assert find_step(tmp_path) == 1
    error = capsys.readouterr().err
    assert 'model.ckpt-2' in error and error.count('\n') == 1
    damage(tmp_path / f'model.ckpt-1.{part}', how)
    with pytest.raises(UserError, match='every checkpoint in .* is damaged'):
        find_step(tmp_path)


@pytest.mark.parametrize('moment', ['load', 'check_tensors'])
def test_a_training_beside_it_may_prune_what_is_read(moment, tmp_path, session, monkeypatch,
                                                     capsys):
    real = getattr(reading, moment)

    def prune(*arguments):
        monkeypatch.setattr(reading, moment, real)
        save(tmp_path, session, *range(3, 9))
        return real(*arguments)

    save(tmp_path, session, 1, 2)
    monkeypatch.setattr(reading, moment, prune)
    restored = reading.restore(session, session.saver, session.variables, deep_cnn.find_step,
                               str(tmp_path))
    assert restored[0] == str(tmp_path / 'model.ckpt-8')
    assert capsys.readouterr().err == ''


def test_other_tensors_are_named(tmp_path, session):
    save(tmp_path, session, 1)
    shapes = {'global_step': [], 'model/weights': [6, 5], 'model/more': [2]}
    with tf.Graph().as_default(), tf.Session() as other:
        variables = {name: tf.get_variable(name, shape, initializer=tf.zeros_initializer())
                     for name, shape in shapes.items()}
        with pytest.raises(UserError, match='another network: global_step, model/more, '
                           'model/weights missing, or of another shape .* choose'):
            reading.restore(other, tf.train.Saver(variables), variables, deep_cnn.find_step,
                            str(tmp_path))


def test_a_fingerprint_tells_weights_apart():
    tensors = {'b': np.arange(3, dtype=np.float32), 'a': np.int64(7),
               's': np.array([b'ab', b'c'], object)}
    golden = reading.fingerprint_tensors(tensors)
    assert golden == '455e1a5288e3bdbbd524ead3ccad4b1988283a0a573cb01e70779d4a3926ee13'
    assert golden == reading.fingerprint_tensors(dict(reversed(list(tensors.items()))))
    changes = [{'b': np.float32([0, 1, 2.0000002])}, {'b': np.float32([-0.0, 1, 2])},
               {'b': np.arange(3, dtype=np.int32)}, {'b': np.float32([[0], [1], [2]])},
               {'s': np.array([b'a', b'bc'], object)}, {'c': np.float32(0)}]
    digests = {reading.fingerprint_tensors({**tensors, **change}) for change in changes}
    assert len(digests | {golden}) == 7


def test_a_file_of_a_checkpoint_names_it(tmp_path, session, capsys):
    save(tmp_path, session, 1, 2)
    prefix = str(tmp_path / 'model.ckpt-2')
    named = [prefix + suffix for suffix in ('', '.index', '.data-00000-of-00001', '.json')]
    for words in [('--model-dir', str(tmp_path)), ('--checkpoint', str(tmp_path / 'checkpoint')),
                  *(('--checkpoint', name) for name in named)]:
        assert fingerprint.main(words) == 0
        assert capsys.readouterr().out == f'{reading.fingerprint(prefix)}  {prefix}\n'
    assert fingerprint.main(['--checkpoint', str(tmp_path / 'x.index')]) == 1
    assert str(tmp_path / 'x') in capsys.readouterr().err


def test_leftovers_of_killed_saves_are_swept(tmp_path, session):
    save(tmp_path, session, 1)
    kept = names_of(tmp_path)
    theirs = ['best.ckpt-3.index', 'model.ckpt-5.meta', 'model.ckpt-abc.index',
              'model.ckpt-9.data-00000-of-00001']
    for name in [*theirs, 'model.ckpt-3.json', 'model.ckpt-3.data-00000-of-00001']:
        (tmp_path / name).write_text('x')
    (tmp_path / '.saving').mkdir()
    (tmp_path / '.saving' / 'model.ckpt-2.index.tempstate1234567').write_text('x')
    model_dirs.ModelDir(str(tmp_path)).close()
    assert names_of(tmp_path) == sorted(kept + theirs)


@pytest.mark.parametrize('number', range(9))
def test_a_killed_save_leaves_a_whole_checkpoint_or_none(number, tmp_path, session, monkeypatch):
    """Before each change: the sixth's four files come, the first's go, then the state file."""
    save(tmp_path, session, 1, 2, 3, 4, 5)
    calls = []

    def stop_before(real):
        def change(*arguments, **options):
            calls.append(arguments)
            if len(calls) > number:
                raise KeyboardInterrupt
            return real(*arguments, **options)
        return change

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, 'rename', stop_before(os.rename))
        patch.setattr(os, 'remove', stop_before(os.remove))
        save(tmp_path, session, 6)
    is_saved, is_removed = number >= 4, number >= 5  # the index comes last and goes first
    assert find_step(tmp_path) == 5 + is_saved
    model_dirs.ModelDir(str(tmp_path)).close()
    left = {name.split('.')[1] for name in names_of(tmp_path) if name.startswith('model.')}
    assert left == {f'ckpt-{step}' for step in range(1 + is_removed, 6 + is_saved)}
    save(tmp_path, session, 6)
    assert len(names_of(tmp_path)) == 2 + 5 * 4


def test_one_training_run_a_folder(tmp_path, tiny_data_set):
    """A run gives its lock back when it ends, and when it fails: in a notebook."""
    folder = str(tmp_path)
    with closing(model_dirs.ModelDir(folder)):
        with pytest.raises(UserError, match='another training run uses'):
            model_dirs.ModelDir(folder)
        assert model_dirs.is_in_use(folder)
    assert not model_dirs.is_in_use(str(tmp_path / 'absent'))
    runs.train(folder, tiny_data_set, max_steps=1)
    assert not model_dirs.is_in_use(folder)
    with pytest.raises(UserError, match='seed'):
        runs.train(folder, tiny_data_set, seed=9)
    assert not model_dirs.is_in_use(folder)


def test_a_folder_that_cannot_be_written(tmp_path):
    """Such as a folder of root's that is mounted into a container."""
    (tmp_path / 'file').write_text('x')
    with pytest.raises(UserError, match='new: Not a directory.*--model-dir.*volume'):
        model_dirs.ModelDir(str(tmp_path / 'file' / 'new'))
    with pytest.raises(UserError, match='--model-dir'):
        reading.find_newest(str(tmp_path / 'file'))


@pytest.mark.parametrize('name', ['a[1]', 'a*', 'a\\b', 'a\udcff'])
def test_a_folder_that_tensorflow_takes_for_a_pattern(name, tmp_path, tiny_data_set):
    """Refused before anything is made."""
    with pytest.raises(UserError, match='TensorFlow.*--model-dir'):
        runs.train(tmp_path / name, tiny_data_set, epochs=1)
    assert not names_of(tmp_path)
    with pytest.raises(UserError, match='TensorFlow'):
        reading.choose('model', str(tmp_path / name / 'model.ckpt-4'))


def test_a_folder_that_is_replaced_during_the_training(tmp_path, tiny_data_set, monkeypatch):
    """What is there by then is left alone."""
    def replace(unused_run):
        (tmp_path / 'model').rename(tmp_path / 'moved')
        (tmp_path / 'model').mkdir()
        (tmp_path / 'model' / 'run.json').write_text('of another run')

    with pytest.raises(UserError, match='moved or replaced the model folder'):
        runs.train_until(2, replace, monkeypatch, tmp_path / 'model', tiny_data_set, epochs=1,
                         save_steps=1)
    assert contents_of(tmp_path / 'model') == {'run.json': b'of another run'}
    assert reading.choose(str(tmp_path / 'moved')).endswith('ckpt-1')


def test_a_full_disk_while_saving(tmp_path, tiny_data_set, monkeypatch):
    """What was saved before is whole, and the run goes on from it."""
    with contextlib.ExitStack() as stack:
        with pytest.raises(UserError, match='cannot save step 2 in .*too large.*--model-dir'):
            runs.train_until(
                2, lambda run: stack.enter_context(model_helpers.file_size_limit()), monkeypatch,
                tmp_path, tiny_data_set, save_steps=1)
    assert not (tmp_path / '.saving').exists()
    assert runs.train(tmp_path, tiny_data_set, max_steps=2) == 0
    assert find_step(tmp_path) == 2
