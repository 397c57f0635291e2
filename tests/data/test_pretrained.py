"""Pretrained weights: found, downloaded, read in every format, checked."""

import tarfile

import numpy as np
import pytest

import published_weights
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.systems.inception import weights
from data_helpers import fails, NOWHERE
from published_weights import CHECKPOINT, FROZEN, MARK

VALUES = {'weights': 'kernel', 'BatchNorm/beta': 'beta',  # in a checkpoint: in Keras's file
          'BatchNorm/moving_mean': 'moving_mean', 'BatchNorm/moving_variance': 'moving_variance'}
WANTED = {f'InceptionV3/{scope}/{name}': kernel if name == 'weights' else kernel[-1:]
          for scope, kernel in (('b', (3, 3, 2, 4)), ('a', (1, 1, 4, 5))) for name in VALUES}
BETA = 'InceptionV3/a/BatchNorm/beta'
DOCUMENTED = ('V1', 'V2', 'frozen', 'archive of V1', 'archive of frozen')
OTHERS = ('npz', 'keras', 'keras without a top')
ANOTHER = 'name another with --pretrained'


@pytest.fixture
def tensors():
    return published_weights.draw({**WANTED, MARK: (1, 1, 2048, 1001), 'global_step': ()})


@pytest.fixture(autouse=True)
def few_layers(monkeypatch):
    monkeypatch.setattr(weights, 'NUM_KERAS_CONVOLUTIONS', 3)


def load(path=None):
    return weights.load(WANTED, path and str(path))


def pack(path, member):
    """An archive of one file, under a folder's name as some archives have it."""
    with tarfile.open(str(path), 'w:gz') as archive:
        archive.add(str(member), f'./{member.name}')
    member.unlink()
    return path


def write_keras(path, tensors, has_top=True, scopes='ba-'):
    """As Keras saves weights: layers by number, of which the last is not wanted."""
    import h5py
    first, ending = (1, ':0') if has_top else (0, '')  # 0 has no number in its name
    with h5py.File(str(path), 'w') as file:
        for number, scope in enumerate(scopes, first):
            for name, value in VALUES.items():
                layer = 'conv2d' if value == 'kernel' else 'batch_normalization'
                layer += f'_{number}' if number else ''
                tensor = tensors.get(f'InceptionV3/{scope}/{name}',
                                     np.zeros(1) if scope == '-' else None)
                if tensor is not None:
                    file[f'{layer}/{layer}/{value}{ending}'] = tensor
        if has_top:
            file['predictions/predictions/kernel:0'] = np.zeros([2048, 1000], 'f')
    return path


def write(folder, kind, tensors):
    """Writes tensors in one format; returns the path."""
    if kind.startswith('archive of '):
        name = 'any.tar.gz' if kind.endswith('frozen') else 'inception_v3_2016_08_28.tar.gz'
        return pack(folder / name, write(folder, kind[len('archive of '):], tensors))
    function, name, *options = {
        'V1': (published_weights.write_checkpoint, CHECKPOINT, True),
        'V2': (published_weights.write_checkpoint, CHECKPOINT),
        'frozen': (published_weights.write_frozen, FROZEN),
        'npz': (published_weights.write_npz, 'x.npz'),
        'keras': (write_keras, 'x.h5'), 'keras without a top': (write_keras, 'x.h5', False)}[kind]
    return function(folder / name, tensors, *options)


@pytest.mark.parametrize('kind', DOCUMENTED + OTHERS)
def test_each_packing_gives_the_same_tensors(tensors, tmp_path, kind):
    found, record = load(write(tmp_path, kind, tensors))
    assert list(found) == list(WANTED)
    for name, value in found.items():
        assert value.tobytes() == tensors[name].tobytes()
    assert len(record['sha256']) == (2 if kind == 'V2' else 1)
    # Records of documented weights are as they always were.
    assert record == {
        'sha256': record['sha256'], 'tensors_sha256': reading.fingerprint_tensors(
            {name: tensors[name] for name in WANTED}),
        **({'is_documented': False} if kind in OTHERS else {})}


@pytest.mark.parametrize('kind', DOCUMENTED[1:4])
def test_a_folder_will_do(tensors, tmp_path, kind, monkeypatch):
    path = write(tmp_path, kind, tensors)
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path))
    assert load()[1] == load(tmp_path)[1]
    if kind == 'V2':
        assert load(f'{path}.index')[1] == load(tmp_path)[1]


@pytest.mark.parametrize('num_classes', [None, 1000])
def test_weights_of_others_are_taken_where_they_are_named(tensors, tmp_path, num_classes,
                                                          monkeypatch):
    mark = tensors.pop(MARK)
    if num_classes:
        tensors[MARK] = mark[..., :num_classes]
    path = write(tmp_path, 'V2', tensors)
    assert load(path)[1]['is_documented'] is False
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path))
    with fails(str(path), '--pretrained'):
        load()


def test_an_archive_with_another_digest_than_the_known_one(tensors, tmp_path):
    path = pack(tmp_path / weights.ARCHIVES[0].name, write(tmp_path, 'frozen', tensors))
    assert load(path)[1]['is_documented'] is False


@pytest.mark.parametrize('kind', ['V2', 'keras'])
@pytest.mark.parametrize('value, words', [
    (None, 'is missing'), (np.zeros(6, 'f'), 'is float32 [6] instead of float32 [5]'),
    (np.full(5, np.nan, 'f'), 'contains numbers that are not finite'),
    (np.zeros(5), 'is float64')], ids=['missing', 'shape', 'NaN', 'type'])
def test_a_fault_is_one_line(tensors, tmp_path, kind, value, words):
    del tensors[BETA]
    if value is not None:
        tensors[BETA] = value
    path = write(tmp_path, kind, tensors)
    with fails(str(path), f'{BETA} {words}', ANOTHER):
        load(path)


def test_another_number_of_convolutions(tensors, tmp_path):
    path = write_keras(tmp_path / 'x.h5', tensors, scopes='ba--')
    with fails(str(path), '4 layers conv2d', 'instead of 3', ANOTHER):
        load(path)


@pytest.mark.parametrize('kind', DOCUMENTED + OTHERS)
def test_one_that_is_cut_off_is_one_line(tensors, tmp_path, kind):
    path = write(tmp_path, kind, tensors)
    file = tmp_path / (CHECKPOINT + '.data-00000-of-00001') if kind == 'V2' else path
    content = file.read_bytes()
    file.write_bytes(content[:len(content) * 2 // 3])
    with fails(str(path), ANOTHER):
        load(path)


@pytest.mark.parametrize('name', ['absent.ckpt', '.'])
def test_a_path_without_weights(tmp_path, name):
    with fails('--pretrained', CHECKPOINT, '.npz', '.h5'):
        load(tmp_path / name)


def test_no_network_is_one_line_with_the_way_out(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path / 'new'))
    monkeypatch.setenv('INCEPTION_V3_URL', NOWHERE)
    urls = [NOWHERE + archive.name for archive in weights.ARCHIVES]
    with fails(*urls, '--pretrained', '--from-scratch') as caught:
        load()
    assert '--data-dir' not in str(caught.value)
    assert [line.split(': ')[0] for line in capfd.readouterr().err.splitlines()] == urls
