"""Published weights: found, downloaded or not, read in every packing, checked."""

import numpy as np
import pytest

import published_weights
from cifar10_tf1.checkpoints import pretrained
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems.inception import weights
from published_weights import CHECKPOINT
from published_weights import FROZEN
from published_weights import MARK

WANTED = {'InceptionV3/a/weights': (3, 3, 2, 4), 'InceptionV3/a/BatchNorm/beta':
          (4,), 'InceptionV3/a/BatchNorm/moving_variance': (4,)}
ALL = dict(WANTED, **{MARK: (1, 1, 2048, 1001), 'global_step': ()})


@pytest.fixture(scope='module')
def tensors():
    return published_weights.draw(ALL)


def write(folder, kind, tensors):
    """A path of one packing. Returns it as a str."""
    if kind == 'V2':
        path = published_weights.write_checkpoint(folder / CHECKPOINT, tensors)
    elif kind == 'V1':
        path = published_weights.write_checkpoint(folder / CHECKPOINT, tensors,
                                                  is_v1=True)
    elif kind == 'frozen':
        path = published_weights.write_frozen(folder / FROZEN, tensors)
    elif kind == 'archive of V1':
        path = published_weights.pack(
            folder / 'inception_v3_2016_08_28.tar.gz',
            write(folder, 'V1', tensors))
        (folder / CHECKPOINT).unlink()
    else:
        path = published_weights.pack(folder / 'any.tar.gz',
                                      write(folder, 'frozen', tensors))
        (folder / FROZEN).unlink()
    return str(path)


KINDS = ('V1', 'V2', 'frozen', 'archive of V1', 'archive of a frozen graph')


@pytest.mark.parametrize('kind', KINDS)
def test_each_packing_gives_the_same_tensors(tensors, tmp_path, kind):
    path = write(tmp_path, kind, tensors)
    found = pretrained.load(weights.PUBLISHED, WANTED, path)
    assert set(found.tensors) == set(WANTED)
    for name, value in found.tensors.items():
        assert value.tobytes() == tensors[name].tobytes()
    assert found.tensors_sha256 == pretrained.reading.fingerprint_tensors(
        {name: tensors[name] for name in WANTED})
    assert len(found.sha256) == (2 if kind == 'V2' else 1)


@pytest.mark.parametrize('kind', KINDS[:4])
def test_a_folder_will_do(tensors, tmp_path, kind, monkeypatch):
    write(tmp_path, kind, tensors)
    named = pretrained.load(weights.PUBLISHED, WANTED, str(tmp_path))
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path))
    assert pretrained.load(weights.PUBLISHED, WANTED) .for_record == (
        named.for_record)


def test_an_index_is_a_checkpoint(tensors, tmp_path):
    path = write(tmp_path, 'V2', tensors)
    assert pretrained.load(weights.PUBLISHED, WANTED, path + '.index')


FAULTS = {
    'missing': (lambda t: t.pop('InceptionV3/a/BatchNorm/beta'),
                'InceptionV3/a/BatchNorm/beta is missing'),
    'shape': (lambda t: t.update({'InceptionV3/a/BatchNorm/beta':
                                  np.zeros(5, 'f')}),
              r'InceptionV3/a/BatchNorm/beta is \[5\], not \[4\]'),
    'NaN': (lambda t: t['InceptionV3/a/weights'].__setitem__((0, 0, 0, 0),
                                                             np.nan),
            'InceptionV3/a/weights holds numbers that are not finite'),
    'type': (lambda t: t.update({'InceptionV3/a/BatchNorm/beta':
                                 np.zeros(4, np.float64)}),
             'InceptionV3/a/BatchNorm/beta is float64, not float32'),
    'classes': (lambda t: t.update({MARK: np.zeros([1, 1, 2048, 1000], 'f')}),
                'it has 1,000 classes instead of 1,001'),
    'no classes': (lambda t: t.pop(MARK), f'{MARK} is missing'),
}


@pytest.mark.parametrize('kind', ['V2', 'archive of a frozen graph'])
@pytest.mark.parametrize('fault', sorted(FAULTS))
def test_a_fault_is_one_line(tensors, tmp_path, kind, fault):
    change, message = FAULTS[fault]
    tensors = {name: value.copy() for name, value in tensors.items()}
    change(tensors)
    path = write(tmp_path, kind, tensors)
    with pytest.raises(UserError, match=message) as error:
        pretrained.load(weights.PUBLISHED, WANTED, path)
    assert str(error.value).startswith(path)
    assert str(error.value).endswith('name another with --pretrained')
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('kind', KINDS)
def test_one_that_is_cut_off_is_one_line(tensors, tmp_path, kind):
    path = write(tmp_path, kind, tensors)
    file = tmp_path / (CHECKPOINT + '.data-00000-of-00001') if (
        kind == 'V2') else tmp_path / path.split('/')[-1]
    file.write_bytes(file.read_bytes()[:-len(file.read_bytes()) // 3])
    with pytest.raises(UserError, match='cut off or damaged') as error:
        pretrained.load(weights.PUBLISHED, WANTED, path)
    assert '\n' not in str(error.value)


def test_an_archive_of_something_else(tmp_path):
    (tmp_path / 'a.txt').write_text('a')
    path = published_weights.pack(tmp_path / 'x.tar.gz', tmp_path / 'a.txt')
    with pytest.raises(UserError, match='has neither inception_v3.ckpt nor'):
        pretrained.load(weights.PUBLISHED, WANTED, str(path))


@pytest.mark.parametrize('name', ['absent.ckpt', '.'])
def test_a_path_without_weights(tmp_path, name):
    with pytest.raises(UserError, match='there is no such file, and no folder'):
        pretrained.load(weights.PUBLISHED, WANTED, str(tmp_path / name))


def test_no_network_is_one_line_with_both_addresses(tmp_path, monkeypatch):
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path / 'new'))
    # Nobody listens there.
    monkeypatch.setenv('INCEPTION_V3_URL', 'http://127.0.0.1:9')
    with pytest.raises(UserError) as error:
        pretrained.load(weights.PUBLISHED, WANTED)
    message = str(error.value)
    for archive in weights.PUBLISHED.archives:
        assert f'http://127.0.0.1:9/{archive.name}' in message
        url, = archive.urls
        assert url.startswith('https://') and url.endswith(archive.name)
    assert '--pretrained' in message and '--from-scratch' in message
    assert '\n' not in message


def test_what_the_document_lists():
    lines = weights.format_list({
        'InceptionV3/AuxLogits/Conv2d_1b_1x1/weights': (1, 1, 768, 128),
        'InceptionV3/Conv2d_1a_3x3/weights': (3, 3, 3, 32),
        'InceptionV3/Conv2d_1a_3x3/BatchNorm/beta': (32,)})
    assert lines == [
        'Tensor("InceptionV3/Conv2d_1a_3x3/weights/read:0", '
        'shape=(3, 3, 3, 32), dtype=float32) ::RESTORED FROM CHECKPOINT',
        'Tensor("InceptionV3/Conv2d_1a_3x3/BatchNorm/beta/read:0", '
        'shape=(32,), dtype=float32) ::RESTORED FROM CHECKPOINT',
        'Tensor("InceptionV3/AuxLogits/Conv2d_1b_1x1/weights/read:0", '
        'shape=(1, 1, 768, 128), dtype=float32) ::SELECTED FOR RETRAINING']
