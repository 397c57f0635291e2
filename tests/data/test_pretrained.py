"""Pretrained weights: found, downloaded, read in every format, checked."""

import numpy as np
import pytest

import data_helpers
import published_weights
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.systems.inception import weights
from data_helpers import fails
from published_weights import CHECKPOINT, FROZEN, MARK

WANTED = {f'InceptionV3/{scope}/{name}': shape
          for scope, shapes in (('b', ((3, 3, 2, 4), (4,))), ('a', ((1, 1, 4, 5), (5,))))
          for name, shape in (
              ('weights', shapes[0]), ('BatchNorm/beta', shapes[1]),
              ('BatchNorm/moving_mean', shapes[1]),
              ('BatchNorm/moving_variance', shapes[1]))}
ALL = dict(WANTED, **{MARK: (1, 1, 2048, 1001), 'global_step': ()})
BETA = 'InceptionV3/a/BatchNorm/beta'
DOCUMENTED = ('V1', 'V2', 'frozen', 'archive of V1', 'archive of a frozen graph')
OTHERS = ('npz', 'keras', 'keras without a top')
NUM_LAYERS = 3  # in Keras's file, one of which is not wanted


@pytest.fixture(scope='module')
def tensors():
    return published_weights.draw(ALL)


@pytest.fixture(autouse=True)
def few_layers(monkeypatch):
    monkeypatch.setattr(weights, 'NUM_KERAS_CONVOLUTIONS', NUM_LAYERS)


def load(path=None):
    return weights.load(WANTED, path and str(path))


def write(folder, kind, tensors):
    """Writes tensors in one format; returns the path."""
    if kind in ('V1', 'V2'):
        return published_weights.write_checkpoint(folder / CHECKPOINT, tensors,
                                                  is_v1=kind == 'V1')
    if kind == 'frozen':
        return published_weights.write_frozen(folder / FROZEN, tensors)
    if kind == 'npz':
        return published_weights.write_npz(folder / 'x.npz', tensors)
    if kind.startswith('keras'):
        layers = [[tensors.get(f'InceptionV3/{scope}/{name}') for name in (
            'weights', 'BatchNorm/beta', 'BatchNorm/moving_mean',
            'BatchNorm/moving_variance')] for scope in 'ba']
        return published_weights.write_keras(
            folder / 'x.h5', layers + [[np.zeros(1)] * 4] * (NUM_LAYERS - len(layers)),
            *((0, '') if kind.endswith('top') else (9, ':0')))
    name, inner = {'archive of V1': ('inception_v3_2016_08_28.tar.gz', 'V1'),
                   'archive of a frozen graph': ('any.tar.gz', 'frozen')}[kind]
    member = write(folder, inner, tensors)
    path = published_weights.pack(folder / name, member)
    member.unlink()
    return path


@pytest.mark.parametrize('kind', DOCUMENTED + OTHERS)
def test_each_packing_gives_the_same_tensors(tensors, tmp_path, kind):
    path = write(tmp_path, kind, tensors)
    found, record = load(path)
    assert list(found) == list(WANTED)
    for name, value in found.items():
        assert value.tobytes() == tensors[name].tobytes()
    assert len(record['sha256']) == (2 if kind == 'V2' else 1)
    # Records of documented weights are as they always were.
    assert record == dict(
        {'sha256': record['sha256'], 'tensors_sha256': reading.fingerprint_tensors(
            {name: tensors[name] for name in WANTED})},
        **{'is_documented': False} if kind in OTHERS else {})


@pytest.mark.parametrize('kind', DOCUMENTED[1:4])
def test_a_folder_will_do(tensors, tmp_path, kind, monkeypatch):
    path = write(tmp_path, kind, tensors)
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path))
    assert load()[1] == load(tmp_path)[1]
    if kind == 'V2':
        assert load(f'{path}.index')[1] == load(tmp_path)[1]


@pytest.mark.parametrize('mark', [None, np.zeros([1, 1, 2048, 1000], 'f')])
def test_weights_of_others_are_taken_where_they_are_named(tensors, tmp_path, mark,
                                                          monkeypatch):
    tensors = {name: value for name, value in tensors.items() if name != MARK}
    if mark is not None:  # 1,000 classes
        tensors[MARK] = mark
    path = write(tmp_path, 'V2', tensors)
    assert load(path)[1]['is_documented'] is False
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path))
    with fails(str(path), '--pretrained'):
        load()


def test_an_archive_with_another_digest_than_the_known_one(tensors, tmp_path):
    path = published_weights.pack(tmp_path / weights.ARCHIVES[0].name,
                                  write(tmp_path, 'frozen', tensors))
    assert load(path)[1]['is_documented'] is False


FAULTS = {
    'missing': (lambda t: t.pop(BETA), f'{BETA} is missing'),
    'shape': (lambda t: t.update({BETA: np.zeros(6, 'f')}),
              f'{BETA} is float32 [6] instead of float32 [5]'),
    'NaN': (lambda t: t[BETA].__setitem__(0, np.nan),
            f'{BETA} contains numbers that are not finite'),
    'type': (lambda t: t.update({BETA: np.zeros(5)}), f'{BETA} is float64')}


@pytest.mark.parametrize('kind', ['V2', 'keras'])
@pytest.mark.parametrize('fault', sorted(FAULTS))
def test_a_fault_is_one_line(tensors, tmp_path, kind, fault):
    change, words = FAULTS[fault]
    tensors = {name: value.copy() for name, value in tensors.items()}
    change(tensors)
    path = write(tmp_path, kind, tensors)
    with fails(str(path), words, 'name another with --pretrained'):
        load(path)


def test_another_number_of_convolutions(tmp_path):
    path = published_weights.write_keras(tmp_path / 'x.h5', [[np.zeros(1)] * 4] * 4)
    with fails(str(path), '4 layers conv2d', f'instead of {NUM_LAYERS}',
               'name another with --pretrained'):
        load(path)


@pytest.mark.parametrize('kind', DOCUMENTED + OTHERS)
def test_one_that_is_cut_off_is_one_line(tensors, tmp_path, kind):
    path = write(tmp_path, kind, tensors)
    file = tmp_path / (CHECKPOINT + '.data-00000-of-00001') if kind == 'V2' else path
    content = file.read_bytes()
    file.write_bytes(content[:len(content) * 2 // 3])
    with fails(str(path), 'name another with --pretrained'):
        load(path)


def test_an_archive_of_something_else(tmp_path):
    (tmp_path / 'a.txt').write_text('a')
    path = published_weights.pack(tmp_path / 'x.tar.gz', tmp_path / 'a.txt')
    with fails(str(path), f'neither {CHECKPOINT} nor', '--pretrained'):
        load(path)


@pytest.mark.parametrize('name', ['absent.ckpt', '.'])
def test_a_path_without_weights(tmp_path, name):
    with fails('--pretrained', CHECKPOINT, '.npz', '.h5'):
        load(tmp_path / name)


def test_no_network_is_one_line_with_the_way_out(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path / 'new'))
    monkeypatch.setenv('INCEPTION_V3_URL', data_helpers.NOWHERE)
    names = [archive.name for archive in weights.ARCHIVES]
    with fails(*(data_helpers.NOWHERE + name for name in names), '--pretrained',
               '--from-scratch') as caught:
        load()
    assert '--data-dir' not in str(caught.value)
    assert [line.split(': ')[0] for line in capfd.readouterr().err.splitlines()] == [
        data_helpers.NOWHERE + name for name in names]


def test_what_the_document_lists():
    assert weights.format_list({
        'InceptionV3/AuxLogits/Conv2d_1b_1x1/weights': (1, 1, 768, 128),
        'InceptionV3/Conv2d_1a_3x3/BatchNorm/beta': (32,)}) == [
            'Tensor("InceptionV3/Conv2d_1a_3x3/BatchNorm/beta/read:0", '
            'shape=(32,), dtype=float32) ::RESTORED FROM CHECKPOINT',
            'Tensor("InceptionV3/AuxLogits/Conv2d_1b_1x1/weights/read:0", '
            'shape=(1, 1, 768, 128), dtype=float32) ::SELECTED FOR RETRAINING']
