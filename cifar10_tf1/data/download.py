"""Downloads a file from the first of several addresses that sends it.

Bytes go to NAME.part. If an address fails or stalls, the next address, or the next
run, continues there. The digest shows whether the pieces fit together.
"""

import http.client
import os
import re
import sys
import time
from typing import Callable
from typing import NamedTuple
from typing import Optional
from typing import Tuple

import requests
import urllib3
from tqdm import tqdm

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification

MAX_ROUNDS = 3       # the later ones with the addresses that sent anything
PAUSE_SECONDS = 5.0  # before each further round
TIMEOUT_SECONDS = 20
# Least bytes a second, over TIMEOUT_SECONDS: FAST_RATE in the first round if there
# are several sources, else LEAST_RATE.
FAST_RATE, LEAST_RATE = 200e3, 1e3
_CHUNK_BYTES = 1 << 14
_NETWORK_ERRORS = (OSError, ValueError, http.client.HTTPException,
                   urllib3.exceptions.HTTPError)


class Archive(NamedTuple):
    """A published file and its addresses."""
    name: str                # in the data folder
    urls: Tuple[str, ...]
    size: Optional[int]      # bytes; None if it depends on the compression
    digest: Optional[str]    # as in verification.DataFile; None likewise
    # Replaces the comparison of size and digest: a path to its damage, or ''.
    check: Optional[Callable] = None

    def find_damage(self, path):
        """Describes what is wrong with a file; '' if nothing is."""
        if self.check:
            return self.check(path)
        return verification.find_damage(path, verification.DataFile(
            self.name, self.size, self.digest))


class _Failure(Exception):
    """Why an address did not send the file."""


def fetch(folder, archives, what, way_out, num_extracted_bytes=0,
          option='--data-dir'):
    """Downloads one of several equivalent archives. Hold the folder's lock.

    Args:
      folder: str.
      archives: sequence of Archive.
      what: str, their content, for messages.
      way_out: str, what to do without a network; the end of a sentence.
      num_extracted_bytes: int, space needed besides the archive.
      option: str, the option that names the folder.
    Returns:
      (path, archive) of the verified file.
    Raises:
      UserError: no address sent it; no space.
    """
    sources = [(archive, url) for archive in archives for url in archive.urls]
    num_sources, useful = len(sources), set()
    for turn in range(MAX_ROUNDS):
        time.sleep(PAUSE_SECONDS if turn else 0)
        least_rate = FAST_RATE if len(sources) > 1 and not turn else LEAST_RATE
        for archive, url in sources:
            part = os.path.join(folder, archive.name + '.part')
            before = _size(part)
            try:
                with preparation.explained(f'download to {part}', option):
                    _complete(archive, url, part, least_rate, num_extracted_bytes,
                              option)
                    return _put_in_place(part), archive
            except _Failure as failure:
                print(f'{url}: {failure}', file=sys.stderr, flush=True)
                if _size(part) > before:
                    useful.add(url)
        sources = [source for source in sources if source[1] in useful]
        if not sources:
            break
    raise UserError(
        f'There is no {what} in {folder}, and '
        + ('its source did not send it' if num_sources == 1
           else f'none of {num_sources} sources sent it')
        + (' completely. Run this again to go on from there' if sources
           else '. Check the network and run this again')
        + f', or {way_out}')


def _put_in_place(part):
    path = part[:-len('.part')]
    if not os.path.lexists(path):  # a user may have put one there meanwhile
        os.rename(part, path)
    return path


def _complete(archive, url, part, least_rate, num_extracted_bytes, option):
    """Completes and verifies a part; if that fails, downloads it from the start."""
    for unused_attempt in range(2):
        offset = _size(part)
        if archive.size and offset > archive.size:
            offset = 0  # a part of another file
        if not offset or archive.size != offset:
            missing = max(0, (archive.size or 0) - offset)
            preparation.check_free_space(
                os.path.dirname(part), missing + num_extracted_bytes, option)
            offset = _receive(archive, url, part, offset, least_rate)
        damage = archive.find_damage(part)
        if not damage:
            return
        os.remove(part)
        if not offset:
            break
        # The part's first bytes may have come from another source.
    raise _Failure(f'sent something other than {archive.name} ({damage})')


def _receive(archive, url, part, offset, least_rate):
    """Appends to a part or overwrites it; returns how many bytes of it were kept."""
    try:
        response = _request(url, offset)
        if response.status_code in (206, 416) and not _continues(response, offset):
            response.close()
            response = _request(url, 0)
    except _NETWORK_ERRORS as error:
        raise _Failure(_explain(error)) from error
    with response:
        if response.status_code == 200:
            offset = 0
        elif response.status_code != 206:
            raise _Failure(f'the server says {response.status_code} '
                           f'{response.reason}')
        # Check before the part is overwritten.
        if response.headers.get('Content-Type', '').startswith('text/html'):
            raise _Failure('the server sends a web page')
        length = response.headers.get('Content-Length', '')
        end = offset + int(length) if length.isdigit() else archive.size
        if end is None:
            raise _Failure('the server does not say how long the file is')
        if archive.size not in (None, end):
            raise _Failure(f'the server has {end:,} bytes instead of '
                           f'{archive.size:,}')
        print(f'Downloading {url} to {os.path.dirname(part)}: '
              f'{(end - offset) / 1e6:,.1f} of {end / 1e6:,.1f} MB to go',
              file=sys.stderr, flush=True)
        with open(part, 'ab' if offset else 'wb') as file, tqdm(
                total=end, initial=offset, unit='B', unit_scale=True,
                disable=not sys.stderr.isatty()) as progress:
            for chunk in _read_chunks(response, least_rate):
                file.write(chunk[:end - file.tell()])
                progress.update(len(chunk))
                if file.tell() == end:
                    break
            file.flush()
            os.fsync(file.fileno())
            if file.tell() < end:
                raise _Failure(f'cut off at {file.tell():,} of {end:,} bytes')
    return offset


def _request(url, offset):
    headers = {'Accept-Encoding': 'identity'}
    if offset:
        headers['Range'] = f'bytes={offset}-'
    return requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS)


def _continues(response, offset):
    """Whether a response starts exactly where a part ends."""
    match = re.match(r'bytes (\d+)-', response.headers.get('Content-Range', ''))
    return (response.status_code == 206 and match is not None
            and int(match.group(1)) == offset)


def _read_chunks(response, least_rate):
    """Yields the body undecoded: some servers label a .gz file as gzip-encoded."""
    start, num_bytes = time.monotonic(), 0
    chunks = response.raw.stream(_CHUNK_BYTES, decode_content=False)
    while True:
        try:
            chunk = next(chunks, b'')
        except _NETWORK_ERRORS as error:
            raise _Failure(f'cut off: {_explain(error)}') from error
        if not chunk:
            return
        yield chunk
        num_bytes += len(chunk)
        seconds = time.monotonic() - start
        if seconds >= TIMEOUT_SECONDS:
            if num_bytes < least_rate * seconds:
                raise _Failure(f'too slow: {num_bytes / seconds / 1e3:,.3g} kB a second')
            start, num_bytes = time.monotonic(), 0


def _explain(error):
    """The cause of a network error: requests wraps errors many times."""
    if isinstance(error, requests.exceptions.SSLError):
        return 'its TLS certificate is not valid'
    if isinstance(error, (requests.exceptions.Timeout,
                          urllib3.exceptions.TimeoutError)):
        return f'no answer for {TIMEOUT_SECONDS} s'
    # Below the cause is a TypeError: urllib3 tries a keyword that some Pythons lack.
    while error.__context__ is not None and not isinstance(
            error.__context__, TypeError):
        error = error.__context__
    return ' '.join(str(getattr(error, 'strerror', None) or error).split())


def _size(path):
    return os.stat(path).st_size if os.path.lexists(path) else 0
