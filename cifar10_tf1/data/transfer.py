"""One file from one address: resumed, watched for stalls, its errors explained.

What a server says is believed as little as can be: not that it resumes, not
that it sends what was asked for, not that it will go on.
"""

import contextlib
import http.client
import os
import re
import socket
import sys
import time

import requests
import urllib3
from tqdm import tqdm

CONNECT_SECONDS = 10
WINDOW_SECONDS = 20  # without a byte, or over which a rate is taken
CHUNK_BYTES = 1 << 16


class Useless(Exception):
    """The address does not have the file; the text says why."""


class CutOff(Exception):
    """The address did not send all of it; the text says why."""


def ask_size(url):
    """int, the bytes of the file at an address.

    Raises:
      Useless, CutOff.
    """
    with _open(url, 0) as response:
        _check(response, 0, None)
        length = response.headers.get('Content-Length', '')
    if not length.isdigit() or not int(length):
        raise Useless('the server does not say how long it is')
    return int(length)


def receive(url, path, size, least_rate):
    """Appends to a file what it lacks; begins anew where that is not offered.

    Args:
      url: str.
      path: str, of a part of the file or of nothing.
      size: int, bytes of the whole file.
      least_rate: float, bytes a second; fewer over a window are a stall.
    Returns:
      int, how much of what was there before is still a part of it.
    Raises:
      Useless, CutOff: what came before is in the file.
      OSError: the disk's.
    """
    offset = os.stat(path).st_size if os.path.lexists(path) else 0
    if offset == size:
        return offset
    if offset > size:
        offset = 0  # not a part of this file
    if offset:
        with _open(url, offset) as response:
            if _continues(response, offset, size):
                _save(response, path, offset, size, least_rate)
                return offset
            if response.status_code not in (206, 416):
                # The whole file, or an error.
                _check(response, 0, size)
                _save(response, path, 0, size, least_rate)
                return 0
    with _open(url, 0) as response:
        _check(response, 0, size)
        _save(response, path, 0, size, least_rate)
    return 0


@contextlib.contextmanager
def _open(url, offset):
    headers = {'Accept-Encoding': 'identity'}
    if offset:
        headers['Range'] = f'bytes={offset}-'
    try:
        response = requests.get(url, headers=headers, stream=True,
                                timeout=(CONNECT_SECONDS, WINDOW_SECONDS))
    # ValueError: an address that a server names and nobody can read.
    except (requests.RequestException, urllib3.exceptions.HTTPError,
            ValueError) as error:
        raise CutOff(_explain(error)) from error
    try:
        yield response
    finally:
        response.close()


def _continues(response, offset, size):
    """Whether a response goes on exactly at `offset` of `size` bytes."""
    match = re.match(r'bytes (\d+)-\d+/(\d+|\*)$',
                     response.headers.get('Content-Range', ''))
    if (response.status_code != 206 or match is None
            or int(match.group(1)) != offset
            or match.group(2) not in (str(size), '*')):
        return False
    _check(response, offset, size)
    return True


def _check(response, offset, size):
    """Raises Useless for what can't be the file, before a part is overwritten."""
    length = response.headers.get('Content-Length')
    if response.status_code != (206 if offset else 200):
        raise Useless(f'the server says {response.status_code} '
                      f'{response.reason}')
    if response.headers.get('Content-Type', '').startswith('text/html'):
        raise Useless('the server sends a web page')
    if None not in (length, size) and length != str(size - offset):
        raise Useless(f'the server sends {length} bytes instead of '
                      f'{size - offset}')


def _save(response, path, offset, size, least_rate):
    with open(path, 'r+b' if offset else 'wb') as stream, tqdm(
            total=size, initial=offset, unit='B', unit_scale=True,
            disable=not sys.stderr.isatty()) as progress:
        stream.seek(offset)
        for chunk in _read_chunks(response, size - offset, least_rate):
            stream.write(chunk)
            progress.update(len(chunk))
            _report(stream.tell() - len(chunk), len(chunk), size)
        stream.flush()
        os.fsync(stream.fileno())


def _read_chunks(response, missing, least_rate):
    """Yields `missing` bytes as they come, or raises CutOff."""
    # http.client's own: it unpacks nothing that is labelled as gzip, and its
    # read1 gives what is there, where others wait for a whole chunk of it.
    body = response.raw._original_response
    start, count = time.monotonic(), 0
    while missing:
        try:
            chunk = body.read1(min(CHUNK_BYTES, missing))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CutOff(_explain(error)) from error
        if not chunk:
            raise CutOff('the connection was cut')
        yield chunk
        missing -= len(chunk)
        count += len(chunk)
        seconds = time.monotonic() - start
        if seconds >= WINDOW_SECONDS:
            if count < least_rate * seconds:
                raise CutOff(f'no more than {count / seconds / 1e3:,.3g} kB '
                             f'a second came')
            start, count = time.monotonic(), 0


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
        return f'no connection within {CONNECT_SECONDS} s'
    if isinstance(error, (requests.exceptions.Timeout, socket.timeout,
                          urllib3.exceptions.TimeoutError)):
        return f'nothing came for {WINDOW_SECONDS} s'
    if isinstance(error, http.client.IncompleteRead):
        return 'the connection was cut'
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
