"""Extraction: nothing leaves the folder, and it comes whole or not at all."""

import gzip
import io
import os
import shutil
import struct
import tarfile

import pytest

import data_helpers
import pickle_helpers
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import extraction
from cifar10_tf1.data import preparation
from data_helpers import CONTENTS, fails, isolated  # noqa: F401
from data_helpers import members, regular, special

ARCHIVE = 'cifar-10-binary.tar.gz'


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / 'outer' / 'data'
    folder.mkdir(parents=True)
    (folder.parent / 'x').write_text('mine')
    return folder


def load(data_dir, packed, helpers=data_helpers):
    """Loads from an archive put by hand, whose own digests it has."""
    archive = helpers.describe(packed)
    (data_dir / archive.name).write_bytes(packed)
    return data_helpers.load(data_dir, archive)


def check_refused(data_dir, packed, *words, helpers=data_helpers):
    name = helpers.describe(packed).name
    with fails(str(data_dir / name), *words):
        load(data_dir, packed, helpers)
    assert data_helpers.snapshot(data_dir.parent) == {
        'x': b'mine', 'data': None, 'data/' + name: packed}


both_versions = pytest.mark.parametrize(
    'helpers', [data_helpers, pickle_helpers], ids=['binary', 'python'])


@both_versions
@pytest.mark.parametrize('name, member', [
    ('../x', regular('../x', b'evil')),
    ('cifar-10-batches-bin/../../x',
     regular('cifar-10-batches-bin/../../x', b'evil')),
    ('/tmp/x', regular('/tmp/x', b'evil')),
    ('..', special('..', tarfile.DIRTYPE)),
    ('x', special('x', tarfile.SYMTYPE, '/etc/passwd')),
    ('cifar-10-batches-bin/data_batch_1.bin', special(
        'cifar-10-batches-bin/data_batch_1.bin', tarfile.SYMTYPE, '../x')),
    ('x', special('x', tarfile.LNKTYPE, '../x')),
    ('x', special('x', tarfile.CHRTYPE)),
    ('x', special('x', tarfile.BLKTYPE)),
    ('x', special('x', tarfile.FIFOTYPE))])
@pytest.mark.parametrize('first', [True, False])
def test_a_member_that_leads_out_condemns_the_archive(data_dir, name, member,
                                                      first, helpers):
    others = helpers.members()
    packed = data_helpers.pack([member] + others if first
                               else others + [member])
    check_refused(data_dir, packed, 'refused', repr(name), helpers=helpers)


def header(name, size, kind=tarfile.REGTYPE, **fields):
    """bytes of a member's header, whatever size it claims."""
    member = tarfile.TarInfo(name)
    member.type, member.mtime = kind, 0
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    # Binary numbers of the greatest first, with a mark before them.
    block[124:136] = (b'\x80' if size >= 0 else b'\xff') + size.to_bytes(
        11, 'big', signed=True)
    for place, content in fields.values():
        block[place:place + len(content)] = content
    block[148:156] = b' ' * 8
    block[148:156] = b'%06o\0 ' % sum(block)
    return bytes(block)


def sparse_header(name, size):
    """A member of the GNU kind that is one hole, but for its last byte."""
    return header(name, 512, tarfile.GNUTYPE_SPARSE, place=(
        386, b'%011o\0%011o\0' % (0, 0)), real=(483, b'\x80' + struct.pack(
            '>3xQ', size))) + bytes(512)


def build_tar(helpers, first=b'', last=b''):
    """bytes of a .tar.gz file with further blocks among the members."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w') as archive:
        for member, content in helpers.members():
            archive.addfile(member, io.BytesIO(content))
        end = archive.offset
    return gzip.compress(first + stream.getvalue()[:end] + last + bytes(10240))


GIANT = 1 << 40


@both_versions
@pytest.mark.parametrize('at_the_end', [False, True])
@pytest.mark.parametrize('kind', [
    tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK], ids=str)
@pytest.mark.parametrize('size', [GIANT, -512, -1024, -GIANT])
def test_a_member_of_a_terabyte_or_of_less_than_nothing(
        data_dir, size, kind, at_the_end, helpers):
    """Nothing of that length is read, sought or waited for.

    By its length, or because Python's tarfile, by version, ends there.
    """
    block = header('x', size, kind)
    packed = build_tar(helpers, **{'last' if at_the_end else 'first': block})
    check_refused(data_dir, packed, 'Move it away', helpers=helpers)


@both_versions
def test_a_sparse_giant(data_dir, helpers):
    """Under the name of a file, and under another."""
    name = sorted(helpers.CONTENTS)[0]
    folder = helpers.members()[0][0].name
    check_refused(data_dir, build_tar(helpers, sparse_header(
        f'{folder}/{name}', GIANT)), f'{GIANT:,} bytes', helpers=helpers)
    load(data_dir, build_tar(helpers, sparse_header('x', GIANT)), helpers)
    assert data_helpers.snapshot(data_dir / cifar10.FOLDER) == CONTENTS


@both_versions
def test_an_archive_that_unpacks_to_gigabytes(data_dir, helpers):
    """A part of it that says so, and zeros for the rest."""
    zeros = gzip.compress(bytes(1 << 20))
    packed = gzip.compress(header('x', 1 << 30)) + zeros * 1024
    check_refused(data_dir, packed, f'{(1 << 30) - 1:,} bytes', helpers=helpers)


def test_only_the_known_files_are_written(data_dir):
    others = [regular('cifar-10-batches-bin/more.bin', b'x'),
              regular('data_batch_1.bin', b'x'), regular('more/x', b'x'),
              special('cifar-10-batches-bin/more', tarfile.DIRTYPE)]
    load(data_dir, data_helpers.pack(others + members()))
    assert data_helpers.snapshot(data_dir / cifar10.FOLDER) == CONTENTS
    assert sorted(os.listdir(str(data_dir))) == sorted(
        [ARCHIVE, cifar10.FOLDER, preparation.LOCK_NAME])


def test_a_second_member_of_the_same_name_is_left_out(data_dir):
    again = regular('cifar-10-batches-bin/data_batch_1.bin', b'evil')
    load(data_dir, data_helpers.pack(members() + [again]))
    assert data_helpers.snapshot(data_dir / cifar10.FOLDER) == CONTENTS


@pytest.mark.parametrize('name', data_helpers.NAMES)
def test_an_archive_without_a_file_is_refused(data_dir, name):
    contents = dict(CONTENTS)
    del contents[name]
    check_refused(data_dir, data_helpers.pack(members(contents)), name)


def test_a_file_of_another_size_is_refused(data_dir):
    contents = dict(CONTENTS, **{'data_batch_2.bin': b'x'})
    check_refused(data_dir, data_helpers.pack(members(contents)),
                  'data_batch_2.bin', '1 bytes instead of')


def test_a_file_with_another_digest_is_refused(data_dir):
    content = CONTENTS['data_batch_2.bin']
    contents = dict(CONTENTS, **{'data_batch_2.bin': content[:-1] + b'!'})
    check_refused(data_dir, data_helpers.pack(members(contents)),
                  'data_batch_2.bin', 'SHA-256')


@pytest.mark.parametrize('part', [0.0, 0.0001, 0.3, 0.5, 0.9, 0.99])
def test_an_archive_cut_off_in_the_middle_is_one_line(data_dir, part):
    packed = data_helpers.pack(members())
    check_refused(data_dir, packed[:int(part * len(packed))])


def test_an_archive_of_something_else_is_one_line(data_dir):
    check_refused(data_dir, b'something else' * 1000, 'cut off or damaged')


def test_a_flipped_bit_is_one_line(data_dir):
    packed = bytearray(data_helpers.pack(members()))
    packed[len(packed) // 2] ^= 16
    check_refused(data_dir, bytes(packed))


def test_leftovers_of_a_killed_extraction_are_swept(data_dir):
    leftover = data_dir / '.cifar-10-batches-bin.123.tmp'
    leftover.mkdir()
    (leftover / 'data_batch_1.bin').write_text('half')
    (data_dir / '.cifar-10-batches-bin.notes').write_text('mine')
    load(data_dir, data_helpers.pack(members()))
    assert not leftover.exists()
    assert (data_dir / '.cifar-10-batches-bin.notes').exists()


def test_what_comes_into_the_folder_meanwhile_is_not_lost(data_dir,
                                                          monkeypatch):
    folder = data_dir / cifar10.FOLDER

    def write_late(path, chunks):
        if not folder.exists():
            folder.mkdir()
            (folder / 'notes.txt').write_text('mine')
        original(path, chunks)

    original = preparation.write_file
    monkeypatch.setattr(extraction.preparation, 'write_file', write_late)
    with fails(str(folder), 'not empty'):
        load(data_dir, data_helpers.pack(members()))
    assert data_helpers.snapshot(folder) == {'notes.txt': b'mine'}
    assert len(os.listdir(str(data_dir))) == 3  # no temporary folder


def test_a_full_disk_leaves_nothing_behind(data_dir, monkeypatch):
    def refuse(_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(preparation.os, 'fsync', refuse)
    packed = data_helpers.pack(members())
    with fails(cifar10.FOLDER, 'No space left', '--data-dir'):
        load(data_dir, packed)
    assert data_helpers.snapshot(data_dir) == {ARCHIVE: packed}


def test_an_interrupt_leaves_nothing_behind(data_dir, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(preparation.os, 'fsync', interrupt)
    packed = data_helpers.pack(members())
    with pytest.raises(KeyboardInterrupt):
        load(data_dir, packed)
    assert data_helpers.snapshot(data_dir) == {ARCHIVE: packed}


def test_too_little_space_is_said_before_the_extraction(data_dir, monkeypatch):
    usage = shutil.disk_usage('/')
    monkeypatch.setattr(preparation.shutil, 'disk_usage',
                        lambda _: usage._replace(free=1000))
    with fails(str(data_dir), 'MB free'):
        load(data_dir, data_helpers.pack(members()))
