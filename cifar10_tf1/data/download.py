"""An archive: found in the folder, or downloaded into it.

The download goes to a temporary name beside the final one, goes on where it
was cut off, and is moved into place when it is whole and verified. Where one
address fails, the next one goes on.
"""

import os
import re
import sys
import time
from typing import Callable, NamedTuple, Optional, Tuple

import requests
import urllib3
from tqdm import tqdm

from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification
from cifar10_tf1.errors import UserError

TIMEOUT_SECONDS = (10, 30)  # to connect; between two pieces of data
MAX_ATTEMPTS = 5            # when the connection is cut in the middle
PAUSE_SECONDS = 1.0         # before the second attempt, doubled after each
CHUNK_BYTES = 1 << 16


class Archive(NamedTuple):
    name: str                 # of the file in the data folder
    what: str                 # 'CIFAR-10'; for messages, as by_hand
    by_hand: str              # what can be put into the folder instead
    urls: Tuple[str, ...]     # tried in turn
    size: Optional[int]       # bytes; None: what the server says
    md5: Optional[str] = None  # lower-case hexadecimal digits
    # Of a path, what is wrong with its content: '' if nothing. Where another
    # packing of the same content has to pass.
    find_damage: Callable = None

    @property
    def url(self):
        """str, where it is downloaded from now."""
        return self.urls[0]


def load_archive(data_dir, archive, num_extracted_bytes):
    """Finds or downloads the archive; to be used under the folder's lock.

    Args:
      data_dir: str, the folder, which exists.
      archive: Archive, what it has to be.
      num_extracted_bytes: int, the space that its files will need as well.
    Returns:
      str, the path of a verified archive.
    Raises:
      UserError: no network, no space, the wrong file. One that lay there
        before is never changed.
    """
    path = os.path.join(data_dir, archive.name)
    if not os.path.lexists(path):
        part_path = path + '.part'
        with preparation.explained(f'download to {part_path}'):
            _download_from_any(archive, part_path, num_extracted_bytes)
            if not os.path.lexists(path):  # put there by hand meanwhile?
                os.rename(part_path, path)
    with preparation.explained(f'read {path}'):
        damage = _find_damage(path, archive)
    if damage:
        raise UserError(f'{path} is not the official archive, or damaged: '
                        f'{damage}. Move it away and run this again to '
                        f'download it, or {ways_out(archive, data_dir)}')
    return path


def ways_out(archive, data_dir):
    """What helps where there is no download, as the end of a sentence."""
    return (f'put {archive.by_hand} into {data_dir} by hand, or name a folder '
            f'that has it with --data-dir, or use the stand-in data with '
            f'--synthetic.')


def _find_damage(path, archive):
    """What is wrong with an archive, or an empty string."""
    if archive.find_damage is not None:
        return archive.find_damage(path)
    size = os.stat(path).st_size
    if size != archive.size:
        return (f'{size:,} bytes instead of {archive.size:,}'
                + (', cut off' if size < archive.size else ''))
    digest = verification.hash_file(path, 'md5')
    return '' if digest == archive.md5 else f'md5 {digest}, not {archive.md5}'


def _size(path):
    return os.stat(path).st_size if os.path.lexists(path) else 0


def _download_from_any(archive, part_path, num_extracted_bytes):
    """From the first address that gives the right file, or raises UserError."""
    while True:
        try:
            _download_and_check(archive, part_path, num_extracted_bytes)
            return
        except _Refused as error:
            if len(archive.urls) == 1:
                raise
            archive = archive._replace(urls=archive.urls[1:])
            print(f'{error.reason}; trying {archive.url}', file=sys.stderr,
                  flush=True)


class _Refused(UserError):
    """An address is of no use; `reason` says so without the ways out."""

    def __init__(self, reason, way_out):
        super().__init__(f'{reason}. {way_out}')
        self.reason = reason


def _download_and_check(archive, part_path, num_extracted_bytes):
    data_dir = os.path.dirname(part_path)
    if archive.size is None:
        archive = archive._replace(size=_ask_size(archive, data_dir))
    missing = archive.size - min(_size(part_path), archive.size)
    preparation.check_free_space(data_dir, missing + num_extracted_bytes)
    _download(archive, part_path)
    damage = _find_damage(part_path, archive)
    if damage:
        os.remove(part_path)
        raise _Refused(
            f'What {archive.url} sent is not the archive: {damage}',
            f'It was removed; run this again, or '
            f'{ways_out(archive, data_dir)}')


def _ask_size(archive, data_dir):
    """int, the bytes of the file at the address, or raises _Refused."""
    try:
        response = _request(archive.url, 0)
    except (requests.RequestException, urllib3.exceptions.HTTPError,
            ValueError) as error:  # an address that a server names
        raise _unavailable(archive, data_dir, _explain(error)) from error
    response.close()
    _check_response(archive, response, 0, data_dir)
    length = response.headers.get('Content-Length', '')
    if not length.isdigit() or not int(length):
        raise _unavailable(archive, data_dir,
                           'the server does not say how long it is')
    return int(length)


def _unavailable(archive, data_dir, reason):
    return _Refused(f'There is no {archive.what} in {data_dir}, and '
                    f'{archive.url} cannot be downloaded: {reason}',
                    f'Mend that, or {ways_out(archive, data_dir)}')


def _download(archive, part_path):
    """Brings the file at part_path to the archive's size, or raises UserError."""
    data_dir = os.path.dirname(part_path)
    got_data = False
    for attempt in range(MAX_ATTEMPTS):
        before = _size(part_path)
        if before == archive.size:
            return
        reason = 'the connection was cut'
        try:
            _receive(archive, part_path, before)
        # ValueError: an address that a server names and nobody can read.
        except (requests.RequestException, urllib3.exceptions.HTTPError,
                ValueError) as error:
            reason = _explain(error)
        if _size(part_path) == archive.size:
            return
        got_data = got_data or _size(part_path) != before
        if not got_data:
            raise _unavailable(archive, data_dir, reason)
        if attempt + 1 < MAX_ATTEMPTS:
            print(f'Cut off at {_size(part_path):,} of {archive.size:,} bytes '
                  f'({reason}); trying again', file=sys.stderr, flush=True)
            time.sleep(PAUSE_SECONDS * 2 ** attempt)
    raise _Refused(f'The download was cut off {MAX_ATTEMPTS} times, at last '
                   f'at {_size(part_path):,} of {archive.size:,} bytes '
                   f'({reason})', f'Run this again to go on from there, or '
                   f'{ways_out(archive, data_dir)}')


def _receive(archive, part_path, offset):
    """Appends what the server sends; starts anew where it has no ranges."""
    if offset > archive.size:
        offset = 0  # not a part of this archive
    response = _request(archive.url, offset)
    try:
        if offset and not _continues(response, offset, archive.size):
            offset = 0
            if response.status_code in (206, 416):
                response.close()
                response = _request(archive.url, 0)
        data_dir = os.path.dirname(part_path)
        _check_response(archive, response, offset, data_dir)
        print(f'Downloading {archive.url} to {data_dir}: '
              f'{(archive.size - offset) / 1e6:,.0f} of '
              f'{archive.size / 1e6:,.0f} MB', file=sys.stderr, flush=True)
        with open(part_path, 'r+b' if offset else 'wb') as stream, tqdm(
                total=archive.size, initial=offset, unit='B', unit_scale=True,
                disable=not sys.stderr.isatty()) as progress:
            stream.seek(offset)
            # Not iter_content: it would unpack what a server labels as gzip.
            for chunk in response.raw.stream(CHUNK_BYTES,
                                             decode_content=False):
                chunk = chunk[:archive.size - stream.tell()]
                stream.write(chunk)
                progress.update(len(chunk))
                _report(stream.tell() - len(chunk), len(chunk), archive.size)
                if stream.tell() == archive.size:
                    break  # whatever else it sends
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        response.close()


def _request(url, offset):
    headers = {'Accept-Encoding': 'identity'}
    if offset:
        headers['Range'] = f'bytes={offset}-'
    return requests.get(url, headers=headers, stream=True,
                        timeout=TIMEOUT_SECONDS)


def _continues(response, offset, size):
    """Whether a response goes on exactly at `offset` of `size` bytes."""
    match = re.match(r'bytes (\d+)-\d+/(\d+|\*)$',
                     response.headers.get('Content-Range', ''))
    return (response.status_code == 206 and match is not None
            and int(match.group(1)) == offset
            and match.group(2) in (str(size), '*'))


def _check_response(archive, response, offset, data_dir):
    """Refuses what can't be the archive before a part of it is overwritten."""
    problem = None
    length = response.headers.get('Content-Length')
    if response.status_code != (206 if offset else 200):
        problem = f'the server says {response.status_code} {response.reason}'
    elif response.headers.get('Content-Type', '').startswith('text/html'):
        problem = 'the server sends a web page'
    elif None not in (length, archive.size) and length != str(archive.size - offset):
        problem = (f'the server sends {length} bytes instead of '
                   f'{archive.size - offset}')
    if problem is not None:
        raise _unavailable(archive, data_dir, problem)


def _report(before, num_bytes, size):
    """A line for each quarter, where no progress bar can be drawn."""
    if not sys.stderr.isatty() and 4 * before // size != (
            4 * (before + num_bytes) // size):
        print(f'  {before + num_bytes:,} of {size:,} bytes', file=sys.stderr,
              flush=True)


def _explain(error):
    """The heart of a network error; those of requests nest many."""
    if isinstance(error, requests.exceptions.SSLError):
        return 'its certificate was refused'
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f'no connection within {TIMEOUT_SECONDS[0]} s'
    if isinstance(error, (requests.exceptions.Timeout,
                          urllib3.exceptions.TimeoutError)):
        return f'nothing came for {TIMEOUT_SECONDS[1]} s'
    innermost = error
    # urllib3 tries a keyword that some Pythons don't have; what went wrong is
    # what came after it.
    while innermost.__context__ is not None and not isinstance(
            innermost.__context__, TypeError):
        innermost = innermost.__context__
    if isinstance(innermost, ValueError):
        return f'the server names an address that is none ({innermost})'
    return ' '.join(str(getattr(innermost, 'strerror', None)
                        or innermost).split())
