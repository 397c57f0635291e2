"""Newest whole checkpoint, saving, keeping, sweeping; nothing foreign is lost."""

import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.checkpoints import writing
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.checkpoints import model_dir as model_dirs
from cifar10_tf1.benchmark import plain_port
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture(scope='module')
def session():
    """Two variables, small enough for hundreds of saves."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('global_step', [], tf.int64, tf.zeros_initializer())
        tf.get_variable('model/weights', initializer=np.arange(
            30, dtype=np.float32).reshape(5, 6))
        session.run(tf.global_variables_initializer())
        session.saver = tf.train.Saver()
        session.variables = {v.op.name: v for v in tf.global_variables()}
        yield session


def save(folder, session, *steps):
    with model_dirs.ModelDir(str(folder)) as held:
        writer = writing.CheckpointWriter(held, session.saver)
        for step in steps:
            writer.save(session, step, {'seed': 1, 'step': step})


def save_foreign(folder, session, *steps):
    """As the original program does, with a Saver of its own."""
    with session.graph.as_default():
        saver = tf.train.Saver()
    for step in steps:
        saver.save(session, os.path.join(str(folder), 'model.ckpt'), step)


def steps_of(folder):
    return [c.step for c in model_dirs.list_checkpoints(str(folder))]


def find_step(folder):
    newest = reading.find_newest(str(folder))
    return newest and newest.step


def test_files_of_a_save(tmp_path, session):
    save(tmp_path, session, 7)
    assert sorted(os.listdir(str(tmp_path))) == [
        '.lock', 'checkpoint', 'model.ckpt-7.data-00000-of-00001',
        'model.ckpt-7.index', 'model.ckpt-7.json', 'model.ckpt-7.meta']
    assert '"seed": 1' in (tmp_path / 'model.ckpt-7.json').read_text()


def test_the_last_five_are_kept_across_processes(tmp_path, session):
    save(tmp_path, session, 1, 2, 3, 4)
    save(tmp_path, session, 5, 6, 7)
    assert steps_of(tmp_path) == [7, 6, 5, 4, 3]
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.all_model_checkpoint_paths == [
        str(tmp_path / f'model.ckpt-{step}') for step in (3, 4, 5, 6, 7)]


@pytest.mark.parametrize('name', ['model', './model', '../work/model', '.',
                                  'link', 'absolute'])
def test_the_state_file_is_right_however_the_folder_is_named(
        name, tmp_path, session, monkeypatch):
    """And once it was moved; by TensorFlow's own reader."""
    work = tmp_path / 'work'
    (work / 'model').mkdir(parents=True)
    (work / 'link').symlink_to(work / 'model')
    monkeypatch.chdir(work / 'model' if name == '.' else work)
    folder = str(work / 'model') if name == 'absolute' else name
    save(folder, session, 1, 2)
    assert tf.train.latest_checkpoint(folder) == os.path.join(
        folder, 'model.ckpt-2')
    assert 'model_checkpoint_path: "model.ckpt-2"' in (
        work / 'model' / 'checkpoint').read_text()
    moved = tmp_path / 'moved'
    (work / 'model').rename(moved)
    assert tf.train.latest_checkpoint(str(moved)) == str(
        moved / 'model.ckpt-2')


def test_foreign_checkpoints_are_never_deleted(tmp_path, session):
    save_foreign(tmp_path, session, 1, 2, 3)
    save(tmp_path, session, *range(4, 14))
    assert steps_of(tmp_path) == [13, 12, 11, 10, 9, 3, 2, 1]


def test_a_foreign_checkpoint_is_never_overwritten(tmp_path, session, capsys):
    save_foreign(tmp_path, session, 1, 2)
    index = tmp_path / 'model.ckpt-2.index'
    index.write_bytes(index.read_bytes()[:100])
    before = (tmp_path / 'model.ckpt-2.data-00000-of-00001').read_bytes()
    assert find_step(tmp_path) == 1
    save(tmp_path, session, 2)
    assert 'set-aside-1-model.ckpt-2' in capsys.readouterr().err
    assert (tmp_path / 'set-aside-1-model.ckpt-2.data-00000-of-00001'
            ).read_bytes() == before
    assert find_step(tmp_path) == 2


def test_the_state_file_is_only_a_hint(tmp_path, session):
    save(tmp_path, session, 5, 6)
    for text in ('', 'garbage {{{', 'model_checkpoint_path: "/gone/model.ckpt-9"'):
        (tmp_path / 'checkpoint').write_text(text)
        assert find_step(tmp_path) == 6
    (tmp_path / 'checkpoint').unlink()
    assert find_step(tmp_path) == 6


def test_a_folder_can_be_moved(tmp_path, session):
    save(tmp_path / 'old', session, 5, 6)
    (tmp_path / 'old').rename(tmp_path / 'new')
    assert 'old' not in (tmp_path / 'new' / 'checkpoint').read_text()
    assert tf.train.latest_checkpoint(str(tmp_path / 'new')) == str(
        tmp_path / 'new' / 'model.ckpt-6')
    assert find_step(tmp_path / 'new') == 6


def test_highest_step_not_highest_name(tmp_path, session):
    save_foreign(tmp_path, session, 9, 10, 100)
    assert find_step(tmp_path) == 100
    assert steps_of(tmp_path) == [100, 10, 9]


def test_no_checkpoint(tmp_path, session):
    assert reading.find_newest(str(tmp_path / 'absent')) is None
    assert reading.find_newest(str(tmp_path)) is None
    (tmp_path / 'model.ckpt-5.meta').write_text('stray')
    (tmp_path / 'model.ckpt-abc.index').write_text('no step')
    assert reading.find_newest(str(tmp_path)) is None


def damage(path, how):
    content = path.read_bytes()
    if how == 'cut':
        path.write_bytes(content[:-10])
    elif how == 'empty':
        path.write_bytes(b'')
    elif how == 'flipped':
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 64])
                         + content[middle + 1:])
    elif how == 'gone':
        path.unlink()
    elif how == 'folder':
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize('how', ['cut', 'empty', 'flipped', 'gone', 'folder'])
@pytest.mark.parametrize('part', ['index', 'data-00000-of-00001'])
def test_a_damaged_newest_is_named_and_the_one_before_used(
        tmp_path, session, capsys, part, how):
    save_foreign(tmp_path, session, 1, 2)
    damage(tmp_path / f'model.ckpt-2.{part}', how)
    assert find_step(tmp_path) == 1
    error = capsys.readouterr().err
    assert 'model.ckpt-2 is damaged' in error and error.count('\n') == 1
    damage(tmp_path / f'model.ckpt-1.{part}', how)
    with pytest.raises(UserError, match='no checkpoint in .* is whole'):
        find_step(tmp_path)


def test_any_flipped_byte_of_an_index_is_noticed_or_harmless(tmp_path, session):
    save(tmp_path, session, 1)
    prefix = str(tmp_path / 'model.ckpt-1')
    path = tmp_path / 'model.ckpt-1.index'
    content = path.read_bytes()
    num_noticed = 0
    for position in range(len(content)):
        for flip in (1, 128):
            path.write_bytes(content[:position]
                             + bytes([content[position] ^ flip])
                             + content[position + 1:])
            if reading.find_damage(prefix):
                num_noticed += 1
                continue
            # A block that nobody reads, the footer's padding.
            reader = tf.train.NewCheckpointReader(prefix)
            assert sorted(reader.get_variable_to_shape_map()) == [
                'global_step', 'model/weights']
            assert (reader.get_tensor('model/weights').ravel()
                    == np.arange(30)).all()
    assert num_noticed > len(content)


def test_vanishing_while_it_is_read_is_no_error(tmp_path, session, monkeypatch,
                                                capsys):
    """A training run beside this process prunes what it is about to read."""
    save(tmp_path, session, 1, 2)
    real, calls = reading.find_damage, []

    def find_damage(prefix):
        calls.append(prefix)
        if len(calls) == 1:
            save(tmp_path, session, *range(3, 9))
        return real(prefix)

    monkeypatch.setattr(reading, 'find_damage', find_damage)
    assert find_step(tmp_path) == 8
    assert capsys.readouterr().err == ''


def test_vanishing_before_it_is_restored_is_no_error(tmp_path, session,
                                                     monkeypatch):
    save(tmp_path, session, 1, 2)
    real, calls = reading.check_tensors, []

    def check_tensors(prefix, variables):
        calls.append(prefix)
        if len(calls) == 1:
            save(tmp_path, session, *range(3, 9))
        return real(prefix, variables)

    monkeypatch.setattr(reading, 'check_tensors', check_tensors)
    restored = reading.restore_newest(
        session, session.saver, str(tmp_path), session.variables,
        deep_cnn.find_step)
    assert restored[0] == str(tmp_path / 'model.ckpt-8')


def test_other_tensors_are_named(tmp_path, session):
    save(tmp_path, session, 1)
    with tf.Graph().as_default(), tf.Session() as other:
        variables = {name: tf.get_variable(
            name, shape, initializer=tf.zeros_initializer())
            for name, shape in (('global_step', []), ('model/weights', [6, 5]),
                                ('model/more', [2]))}
        with pytest.raises(UserError) as caught:
            reading.restore(other, tf.train.Saver(variables),
                            str(tmp_path / 'model.ckpt-1'), variables,
                            deep_cnn.find_step)
    message = str(caught.value)
    assert 'global_step is int64 [], not float32 []' in message
    assert 'model/more is missing' in message
    assert 'model/weights is float32 [5, 6], not float32 [6, 5]' in message
    assert '\n' not in message


def test_a_named_checkpoint_that_is_not_there(tmp_path, session):
    with pytest.raises(UserError, match='there is no checkpoint'):
        reading.restore(session, session.saver,
                        str(tmp_path / 'model.ckpt-1'), session.variables,
                        deep_cnn.find_step)


def test_leftovers_of_killed_saves_are_swept(tmp_path, session):
    save(tmp_path, session, 1)
    kept = sorted(os.listdir(str(tmp_path)))
    theirs = ['notes.txt', 'best.ckpt-3.index', 'model.ckpt-9.data-00000-of-00001',
              'checkpoint.tmp', 'model.ckpt-2.tempstate.txt']
    ours = ['model.ckpt-2.data-00000-of-00001.tempstate1234567',
            'model.ckpt-2.index.tempstate1234567',
            'model.ckpt-2.meta.tmp0123456789abcdef0123456789abcdef',
            'checkpoint.tmp0123456789abcdef0123456789abcdef',
            'model.ckpt-3.json', 'model.ckpt-3.data-00000-of-00001']
    for name in theirs + ours:
        (tmp_path / name).write_text('x')
    for name in ('.saving', 'model.ckpt-2_temp_0123456789abcdef0123456789abcdef'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'part-00000-of-00001.index').write_text('x')
    with model_dirs.ModelDir(str(tmp_path)):
        pass
    assert sorted(os.listdir(str(tmp_path))) == sorted(kept + theirs)


def test_a_killed_save_leaves_a_whole_checkpoint_or_none(tmp_path, session,
                                                         monkeypatch):
    """Stops at each rename in turn, as a kill would."""
    for stop_at in range(6):
        folder = tmp_path / str(stop_at)
        save(folder, session, 1)
        renames, rename = [], os.rename

        def stopping_rename(*paths):
            if len(renames) == stop_at:
                raise KeyboardInterrupt
            renames.append(paths)
            rename(*paths)

        monkeypatch.setattr(os, 'rename', stopping_rename)
        try:
            save(folder, session, 2)
        except KeyboardInterrupt:
            pass
        monkeypatch.setattr(os, 'rename', rename)
        assert find_step(folder) == (2 if stop_at >= 4 else 1)
        save(folder, session, 2)
        assert find_step(folder) == 2
        assert len(os.listdir(str(folder))) == 2 + 2 * 4


@pytest.mark.parametrize('stop_at', range(4))
def test_a_killed_removal_leaves_nothing_behind(stop_at, tmp_path, session,
                                                monkeypatch):
    """Stops at each of the four files in turn, as a kill would."""
    removed, remove = [], os.remove

    def stopping_remove(path):
        if len(removed) == stop_at:
            raise KeyboardInterrupt
        removed.append(path)
        remove(path)

    save(tmp_path, session, 1, 2, 3, 4, 5)
    monkeypatch.setattr(os, 'remove', stopping_remove)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, session, 6)
    monkeypatch.setattr(os, 'remove', remove)
    with model_dirs.ModelDir(str(tmp_path)):
        left = {name.split('.')[1] for name in os.listdir(str(tmp_path))
                if name.startswith('model.')}
    # Before its index is gone, the oldest is a checkpoint as the others are.
    assert left == {f'ckpt-{step}' for step in range(2 if stop_at else 1, 7)}


def test_one_training_run_a_folder(tmp_path):
    with model_dirs.ModelDir(str(tmp_path)):
        with pytest.raises(UserError, match='another training run uses'):
            model_dirs.ModelDir(str(tmp_path))
    with model_dirs.ModelDir(str(tmp_path)):
        pass


def test_a_model_folder_that_is_a_file(tmp_path):
    (tmp_path / 'file').write_text('x')
    with pytest.raises(UserError, match='--model-dir'):
        model_dirs.ModelDir(str(tmp_path / 'file'))
    with pytest.raises(UserError, match='--model-dir'):
        reading.find_newest(str(tmp_path / 'file'))


@pytest.mark.parametrize('name', ['a[1]', 'a*', 'a?b', 'a\\b',
                                  'a\udcff'])
def test_a_folder_that_tensorflow_takes_for_a_pattern(name, tmp_path,
                                                      tiny_data_set):
    """Refused before the first step, and before anything is made."""
    folder = tmp_path / name
    with pytest.raises(UserError, match='TensorFlow') as caught:
        runs.train(folder, tiny_data_set, epochs=1)
    assert '--model-dir' in str(caught.value)
    assert not list(tmp_path.iterdir())
    for prefix in (None, str(folder / 'model.ckpt-4')):
        with pytest.raises(UserError, match='TensorFlow'):
            reading.choose(str(folder), prefix)


@pytest.mark.slow
def test_a_working_folder_that_looks_like_a_pattern(tmp_path, tiny_data_set,
                                                    monkeypatch):
    (tmp_path / 'a[1]').mkdir()
    monkeypatch.chdir(tmp_path / 'a[1]')
    runs.train('model', tiny_data_set, epochs=1)
    runs.train('model', tiny_data_set, epochs=2)
    assert reading.choose('model') == 'model/model.ckpt-8'


@pytest.mark.slow
def test_a_folder_that_is_replaced_during_the_training(
        tmp_path, tiny_data_set, monkeypatch):
    """The other run keeps its checkpoints and its record."""
    runs.train(tmp_path / 'other', tiny_data_set, epochs=1, seed=2)

    def replace():
        (tmp_path / 'model').rename(tmp_path / 'moved')
        (tmp_path / 'model').symlink_to(tmp_path / 'other')

    def read(folder):
        return {path.name: path.read_bytes()
                for path in folder.iterdir() if path.is_file()}

    before = read(tmp_path / 'other')
    with pytest.raises(UserError, match='was moved away or replaced'):
        runs.train_until(6, replace, monkeypatch, tmp_path / 'model',
                         tiny_data_set, epochs=3)
    assert before == read(tmp_path / 'other')
    assert reading.choose(str(tmp_path / 'moved')).endswith('ckpt-4')


def test_a_folder_that_is_removed_during_the_training(tmp_path, tiny_data_set,
                                                      monkeypatch):
    with pytest.raises(UserError, match='was moved away or replaced'):
        runs.train_until(2, lambda: shutil.rmtree(str(tmp_path / 'model')),
                         monkeypatch, tmp_path / 'model', tiny_data_set,
                         epochs=1)
    assert not (tmp_path / 'model').exists()


def test_the_original_restores_from_the_default_folder(tmp_path, tiny_data_set,
                                                       monkeypatch):
    """As its programs do: the state file's path, a plain Saver, ./model/."""
    monkeypatch.chdir(tmp_path)
    runs.train('./model', tiny_data_set, epochs=1)
    expected = runs.tensors_of(tmp_path / 'model' / 'model.ckpt-4')
    for folder in ('./model/', 'model'):
        state = tf.train.get_checkpoint_state(folder)
        assert state.model_checkpoint_path == tf.train.latest_checkpoint(folder)
        with tf.Graph().as_default(), tf.Session() as session:
            saver = plain_port.build_training()['saver']
            saver.restore(session, state.model_checkpoint_path)
            restored = {variable.op.name: session.run(variable)
                        for variable in tf.global_variables()}
        assert len(restored) == 21
        for name, value in expected.items():
            assert (restored[name] == value).all(), name


def test_a_start_that_fails_leaves_no_folder_behind(tmp_path):
    """Such as a refused card; a folder that was there stays as it was."""
    folder = tmp_path / 'new'
    model_dirs.ModelDir(str(folder)).discard()
    assert not folder.exists()
    folder.mkdir()
    model_dirs.ModelDir(str(folder)).discard()
    assert folder.exists()
