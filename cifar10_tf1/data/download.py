"""Downloads a file from the first of several addresses that sends it.

Bytes go to NAME.part. If an address fails or stalls, the next address, or the next
run, continues that file. The digest shows whether the pieces fit together.
"""

import os
import sys
import time

import requests
import urllib3
from tqdm import tqdm

from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.data import verification

TIMEOUT_SECONDS = 20
# Minimum bytes per second, over TIMEOUT_SECONDS, in the first round and in the second,
# which tries the addresses again that sent something.
FAST_RATE, LEAST_RATE = 200e3, 1e3
_CHUNK_BYTES = 1 << 14
# Not OSError, which comes from the disk; RequestException is derived from it.
_NETWORK_ERRORS = (requests.exceptions.RequestException, ValueError, urllib3.exceptions.HTTPError)


class _Failure(Exception):
    """Why an address did not send the file."""


def fetch(folder, files, what, way_out, option='--data-dir'):
    """Downloads one of several equivalent files; the caller holds the folder's lock.

    Args:
      files: sequence of verification.DataFile.
      what: str, their content, for messages.
      way_out: str, what to do without a network; the end of a sentence.
      option: str, the option that names the folder.
    Raises:
      UserError: no address sent it, or it can't be written.
    """
    sources = [(file, url) for file in files for url in file.urls]
    for least_rate in (FAST_RATE, LEAST_RATE):
        useful = []
        for file, url in sources:
            path = os.path.join(folder, file.name)
            part = path + '.part'
            before = _size(part)
            try:
                with explained(f'download to {part}', option):
                    _complete(file, url, part, least_rate)
                    if not os.path.lexists(path):  # a user may have put one there
                        os.rename(part, path)
                return
            except _Failure as failure:
                print(f'{url}: {failure}', file=sys.stderr)
            if _size(part) != before:  # longer, or it was damaged and is removed
                useful.append((file, url))
        sources = useful
    raise UserError(f'{folder} has no {what}, and no address sent all of it. Check the '
                    f'network and run this again to continue the download, or {way_out}')


def _complete(file, url, part, least_rate):
    """Completes and verifies a part; removes it if it is damaged."""
    offset = _size(part)
    try:
        if file.size is None or offset < file.size:
            _receive(file, url, part, offset, least_rate)
    except _NETWORK_ERRORS as error:
        raise _Failure(_explain(error)) from error
    damage = verification.find_damage(verification.load(part, file), file)
    if damage:
        os.remove(part)
        raise _Failure(f'{part} was damaged ({damage}) and is removed')


def _receive(file, url, part, offset, least_rate):
    """Appends to a part of `offset` bytes; overwrites it if the server can't do that."""
    headers = {'Accept-Encoding': 'identity'}
    if offset:
        headers['Range'] = f'bytes={offset}-'
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        if response.status_code == 416 and offset:
            return  # nothing comes after the part
        if response.status_code not in (200, 206):
            raise _Failure(f'the server says {response.status_code} {response.reason}')
        if response.status_code == 200:
            offset = 0
        length = response.headers.get('Content-Length', '')
        end = offset + int(length) if length.isdigit() else file.size
        if file.size not in (None, end):  # before the part is overwritten
            raise _Failure(f'the server has {end:,} bytes instead of {file.size:,}')
        print(f'Downloading {url} to {os.path.dirname(part)}', file=sys.stderr)
        with open(part, 'ab' if offset else 'wb') as stream, tqdm(
                total=end, initial=offset, unit='B', unit_scale=True,
                disable=None) as progress:
            _copy(response, stream, progress, least_rate)
            if end and stream.tell() < end:
                raise _Failure(f'cut off at {stream.tell():,} of {end:,} bytes')


def _copy(response, stream, progress, least_rate):
    """Copies the body undecoded: some servers label a .gz file as gzip-encoded."""
    start, first = time.monotonic(), stream.tell()
    for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
        stream.write(chunk)
        progress.update(len(chunk))
        seconds = time.monotonic() - start
        if seconds >= TIMEOUT_SECONDS:
            rate = (stream.tell() - first) / seconds
            if rate < least_rate:
                raise _Failure(f'too slow: {rate / 1e3:,.3g} kB a second')
            start, first = time.monotonic(), stream.tell()


def _explain(error):
    """The cause of a network error, which requests wraps several times."""
    # The cause itself has a TypeError below: urllib3 tries a keyword some Pythons lack.
    while error.__context__ is not None and not isinstance(error.__context__, TypeError):
        error = error.__context__
    text = getattr(error, 'strerror', None) or str(error) or type(error).__name__
    return ' '.join(text.split())


def _size(path):
    return os.path.getsize(path) if os.path.lexists(path) else 0
