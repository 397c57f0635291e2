"""CIFAR-10's Python version: the same records, and no pickle is run."""

import os
import pickle
import struct
import zlib

import numpy as np
import pytest

import data_helpers
import pickle_helpers
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import pickled_batches
from cifar10_tf1.data import preparation
from cifar10_tf1.data import safe_pickle
from data_helpers import CONTENTS, FILES, fails, isolated  # noqa: F401
from pickle_helpers import FOLDER, batch, number, text

RECORDS = pickle_helpers.records_of('data_batch_1.bin')
NO_ARCHIVE = data_helpers.describe(b'not to be had')


def load(data_dir):
    return data_helpers.load(data_dir, NO_ARCHIVE)


def refused(content, *words):
    with pytest.raises(safe_pickle.Refused) as caught:
        pickled_batches.decode(content)
    line = str(caught.value)
    assert '\n' not in line and len(line) < 200
    for word in words:
        assert word in line, line


# The reader


@pytest.mark.parametrize('is_fortran', [False, True])
def test_a_file_as_python_2_wrote_it(is_fortran):
    content = batch(RECORDS, is_fortran)
    # What Python itself reads in it, so that the hand did no mistake.
    expected = pickle.loads(content, encoding='bytes')
    assert np.array_equal(expected[b'data'], RECORDS[:, 1:])
    assert expected[b'labels'] == RECORDS[:, 0].tolist()
    records = pickled_batches.decode(content)
    assert records.dtype == np.uint8 and np.array_equal(records, RECORDS)


@pytest.mark.parametrize('protocol', [2, 3, 4])
@pytest.mark.parametrize('names', [('data', 'labels'), (b'data', b'labels')])
def test_a_file_as_python_3_writes_it(protocol, names):
    content = pickle.dumps(dict(zip(names, (
        RECORDS[:, 1:].copy(), RECORDS[:, 0].tolist()))), protocol=protocol)
    assert np.array_equal(pickled_batches.decode(content), RECORDS)


class Call:
    """Pickled as a call, which runs as soon as the pickle is read."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


RAN = []


def run(*arguments):
    RAN.append(arguments)
    return []


@pytest.mark.parametrize('function, arguments, name', [
    (os.system, ('exit 1',), 'system'), (eval, ('RAN.append(1)',), 'eval'),
    (run, (1,), 'test_data_pickles.run'), (bytearray, (10,), 'bytearray'),
    (np.zeros, (10,), 'zeros'), (np.dtype, ('O',), "'O'"),
    (getattr, ({}, 'get'), 'getattr')])
@pytest.mark.parametrize('protocol', [2, 3, 4])
def test_a_call_is_named_and_not_made(function, arguments, name, protocol):
    content = pickle.dumps(
        {'labels': Call(function, *arguments), 'data': RECORDS[:, 1:]},
        protocol=protocol)
    refused(content, 'wants', name)
    assert RAN == []


@pytest.mark.parametrize('content, words', [
    (b'', 'cut off'), (b'\x80\x02', 'cut off'), (b'\x80\x02.', 'whole'),
    (b'\x80\x02}q\x01.', 'images'), (b'\x80\x02].', 'no dict'),
    (b'(dp0\n.', 'operation DICT'), (b'\x80\x05}.', 'protocol'),
    (b'\x80\x02(S"id"\nios\nsystem\n.', 'operation STRING'),
    (b'\x80\x02(ios\nsystem\n.', 'operation INST'),
    (b'\x80\x02Pabc\n.', 'operation PERSID'),
    (b'\x80\x02\x82\x01.', 'operation EXT1'),
    (b'\x80\x02\xff.', "operation b'\\xff'"),
    (b'\x80\x02cos\nsystem\n.', "'os.system'"),
    (b'\x80\x02cnumpy.core.multiarray\nscalar\n.', 'multiarray.scalar'),
    (b'\x80\x02c' + b'x' * 999 + b'\ny\n.', 'wants'),
    (b'\x80\x04\x8c\x02os\x8c\x06system\x93.', "'os.system'"),
    (b'\x80\x04)\x8c\x06system\x93.', 'no text'),
    (b'\x80\x02}))s.', 'no text'), (b'\x80\x02NNa.', 'no list'),
    (b'\x80\x02NU\x01xNs.', 'without a dict'), (b'\x80\x02}}b.', 'state'),
    (b'\x80\x02](a.', 'takes more'), (b'\x80\x02h\x01.', 'whole'),
    (b'\x80\x02N)R.', 'no function'),
    (b'\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00xU\x05utf-8\x86R.',
     'another encoding'),
    (b'\x80\x02cnumpy\nndarray\n)R.', 'whole'),
    (b'\x80\x02cnumpy\nndarray\nK\x05\x85R.', 'numpy.ndarray'),
    (b'\x80\x02T\xff\xff\xff\xffx.', 'cut off'),
    (b'\x80\x04\x8e' + b'\xff' * 8 + b'x.', 'cut off')])
def test_what_is_no_such_pickle(content, words):
    refused(content, words)


@pytest.mark.parametrize('changes, words', [
    ({'data': b'N'}, 'no images'), ({'data': text(b'x' * 3072)}, 'no images'),
    ({'labels': b'N'}, 'label'), ({'labels': b']'}, 'label'),
    ({'labels': b'](' + b'\x88' * len(RECORDS) + b'e'}, 'label'),
    ({'labels': b'](' + number(256) * len(RECORDS) + b'e'}, 'label'),
    ({'labels': b'](' + b'J\xff\xff\xff\xff' * len(RECORDS) + b'e'}, 'label'),
    ({'data': pickle_helpers.array(RECORDS, kind=b'O8')}, "b'O8'"),
    ({'data': pickle_helpers.array(RECORDS, kind=b'f4')}, "b'f4'")])
def test_other_content(changes, words):
    refused(batch(RECORDS, **changes), words)


def test_a_shape_of_more_than_there_is():
    """NumPy is asked for no memory that a pickle names."""
    one = pickle_helpers.array(RECORDS)
    for length in (b'M\x0d\x00', b'J\xff\xff\xff\x7f', b'J\xff\xff\xff\xff'):
        refused(batch(RECORDS, data=one.replace(number(len(RECORDS)), length,
                                                1)))


def test_no_more_memory_than_the_file_has_bytes():
    """A text that is encoded a thousand times; memo numbers of billions."""
    encoded = (b'c_codecs\nencode\nq\x00X' + struct.pack('<I', 1 << 20)
               + b'x' * (1 << 20) + b'q\x01U\x06latin1q\x02\x86R')
    again = b'h\x00h\x01h\x02\x86R'
    refused(b'\x80\x02' + encoded + again * 1000 + b'.', 'encoding')
    assert safe_pickle.load(b'\x80\x02}r\xff\xff\xff\xff.') == {}


def test_tuples_within_tuples_take_no_time():
    """Their hash, their comparison and their text would take for ever."""
    nested = b'\x80\x04)' + b''.join(
        b'\x94h' + bytes([i]) + b'\x86' for i in range(100))
    for end in (b'\x94}h\x00h\x00s.', b'\x94h\x64\x93.', b'.',
                b'\x94cnumpy\ndtype\nh\x64\x85R.',
                b'\x94c_codecs\nencode\nX\x01\x00\x00\x00xh\x64\x86R.'):
        refused(nested + end)


# The folder


def test_the_folder_is_read_as_the_binary_version(tmp_path):
    folder = pickle_helpers.write_files(tmp_path / 'py')
    data_helpers.write_files(tmp_path / 'bin')
    data_set, binary = load(tmp_path / 'py'), load(tmp_path / 'bin')
    for split in ('train', 'test'):
        table = data_set.raw_records(split)
        assert table.dtype == np.uint8
        assert np.array_equal(table, binary.raw_records(split))
    assert data_set.train_paths[0] == str(folder / 'data_batch_1')
    # So that runs compare and go on, whichever form the data came in.
    assert data_set.name == binary.name and data_set.sha256 == binary.sha256
    assert data_set.sha256 == {file.name: file.sha256 for file in FILES}
    for ours, theirs in zip(data_set.list_parts(), binary.list_parts()):
        assert ours[0] == theirs[0]
        assert all(map(np.array_equal, ours[1:], theirs[1:]))
    assert data_set._replace(train_paths=(), test_paths=(), load_bytes=None
                             ) == binary._replace(
                                 train_paths=(), test_paths=(), load_bytes=None)
    # Nothing is written beside it, so it may be read-only.
    assert os.listdir(str(tmp_path / 'py')) == [FOLDER]
    assert load(tmp_path / 'py') == data_set


def test_the_binary_version_comes_first(tmp_path):
    pickle_helpers.write_files(tmp_path, {'x': b''})
    folder = data_helpers.write_files(tmp_path)
    assert load(tmp_path).test_path == str(folder / 'test_batch.bin')


def test_at_hand(tmp_path):
    assert not cifar10.is_at_hand(str(tmp_path))
    pickle_helpers.write_files(tmp_path)
    assert cifar10.is_at_hand(str(tmp_path))


def test_a_missing_pickle_is_named(tmp_path):
    folder = pickle_helpers.write_files(tmp_path)
    (folder / 'data_batch_3').unlink()
    with fails('incomplete: data_batch_3 is missing', str(folder)):
        load(tmp_path)


def test_a_changed_record_is_named(tmp_path):
    folder = pickle_helpers.write_files(tmp_path)
    records = RECORDS.copy()
    records[3, 77] ^= 1
    (folder / 'data_batch_1').write_bytes(batch(records))
    with fails(str(folder / 'data_batch_1'), 'SHA-256', 'move'):
        load(tmp_path)


def test_a_hostile_pickle_is_named(tmp_path):
    folder = pickle_helpers.write_files(tmp_path)
    (folder / 'test_batch').write_bytes(pickle.dumps(Call(run), protocol=2))
    with fails(str(folder / 'test_batch'), 'test_data_pickles.run', 'move'):
        load(tmp_path)
    assert RAN == []


def test_a_pipe_a_folder_and_a_sparse_giant(tmp_path):
    folder = pickle_helpers.write_files(tmp_path)
    for name in ('data_batch_1', 'data_batch_2', 'data_batch_3'):
        (folder / name).unlink()
    os.mkfifo(str(folder / 'data_batch_1'))
    (folder / 'data_batch_2').mkdir()
    with open(str(folder / 'data_batch_3'), 'wb') as file:
        file.truncate(1 << 40)
    with fails('data_batch_1 is damaged (not a regular file)',
               'data_batch_2 is damaged (not a regular file)',
               '1,099,511,627,776 bytes, too many'):
        load(tmp_path)


@pytest.mark.parametrize('content', [
    batch(RECORDS[:5]), batch(RECORDS[:, :100]), b'', batch(RECORDS)[:-1],
    batch(np.concatenate([RECORDS, RECORDS]))])
def test_a_change_after_the_check(tmp_path, content):
    folder = pickle_helpers.write_files(tmp_path)
    data_set = load(tmp_path)
    (folder / 'data_batch_5').write_bytes(content)
    with fails_without_stop('changed after the check'):
        data_set.raw_records('train')


def fails_without_stop(words):
    return pytest.raises(data_helpers.UserError, match=words)


@pytest.mark.parametrize('name', ['mine', FOLDER])
def test_the_folder_itself_is_sent_to_its_parent(tmp_path, name):
    pickle_helpers.write_files(tmp_path).rename(tmp_path / name)
    with fails('is the folder of the data files itself',
               f'--data-dir {tmp_path}'):
        load(tmp_path / name)


# The archive


def load_packed(data_dir, packed):
    (data_dir / 'cifar-10-python.tar.gz').write_bytes(packed)
    return data_helpers.load(data_dir, NO_ARCHIVE,
                             pickle_helpers.describe(packed))


def test_the_archive_becomes_the_binary_version(tmp_path):
    packed = data_helpers.pack(pickle_helpers.members())
    data_set = load_packed(tmp_path, packed)
    assert data_set.sha256 == {file.name: file.sha256 for file in FILES}
    assert data_helpers.snapshot(tmp_path / cifar10.FOLDER) == CONTENTS
    assert sorted(os.listdir(str(tmp_path))) == sorted([
        'cifar-10-python.tar.gz', cifar10.FOLDER, preparation.LOCK_NAME])
    assert load(tmp_path) == data_set


def check_refused(data_dir, packed, *words):
    with fails('cifar-10-python.tar.gz', *words):
        load_packed(data_dir, packed)
    assert data_helpers.snapshot(data_dir) == {
        'cifar-10-python.tar.gz': packed}


def test_a_hostile_pickle_in_the_archive(tmp_path):
    contents = dict(pickle_helpers.CONTENTS)
    contents['data_batch_4'] = pickle.dumps(Call(run), protocol=2)
    check_refused(tmp_path, data_helpers.pack(pickle_helpers.members(contents)),
                  f'{FOLDER}/data_batch_4', 'test_data_pickles.run')
    assert RAN == []


def test_other_records_in_the_archive(tmp_path):
    contents = dict(pickle_helpers.CONTENTS)
    contents['data_batch_4'] = contents['data_batch_5']
    check_refused(tmp_path, data_helpers.pack(pickle_helpers.members(contents)),
                  'data_batch_4.bin', 'SHA-256')


def test_a_pickle_of_too_many_bytes_in_the_archive(tmp_path):
    contents = dict(pickle_helpers.CONTENTS)
    contents['data_batch_4'] = bytes(100000)
    check_refused(tmp_path, data_helpers.pack(pickle_helpers.members(contents)),
                  f'{FOLDER}/data_batch_4', '100,000 bytes', 'too many')


def test_a_wrong_archive_is_not_unpacked(tmp_path):
    packed = data_helpers.pack(pickle_helpers.members())
    wrong = bytearray(packed)
    wrong[-5] ^= 1
    assert zlib.crc32(wrong) != zlib.crc32(packed)
    (tmp_path / 'cifar-10-python.tar.gz').write_bytes(wrong)
    with fails('cifar-10-python.tar.gz', 'md5', 'Move it away'):
        data_helpers.load(tmp_path, NO_ARCHIVE, pickle_helpers.describe(packed))
