"""Tiny data files, archives and a server for the tests of the data room."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import pickle
import tarfile
import threading
from unittest import mock

import numpy as np
import pytest

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import cifar10, preparation
from cifar10_tf1.data.verification import DataFile

NOWHERE = 'http://127.0.0.1:9/'  # nothing listens there
WAYS_OUT = ('yourself', '--data-dir', '--synthetic')

RECORDS = {
    file.name: np.random.RandomState(seed).randint(0, 256, [12, 3073]).astype(np.uint8)
    for seed, file in enumerate(cifar10.BINARY.files)}
# File name to bytes, in the binary and in the Python version.
CONTENTS = {name: records.tobytes() for name, records in RECORDS.items()}
PICKLES = {name[:-len('.bin')]: pickle.dumps(
    {'labels': records[:, 0].tolist(), 'data': records[:, 1:].copy()}, protocol=2)
    for name, records in RECORDS.items()}
BINARY = cifar10.BINARY._replace(files=tuple(
    DataFile(name, len(content), hashlib.sha256(content).hexdigest())
    for name, content in CONTENTS.items()))
PYTHON = cifar10.PYTHON._replace(files=tuple(
    DataFile(name, None, hashlib.md5(content).hexdigest()) for name, content in PICKLES.items()))
VERSIONS = {'binary': (BINARY, CONTENTS), 'python': (PYTHON, PICKLES)}


def write(folder, contents):
    """Writes files by name; returns their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def write_files(data_dir, version='binary'):
    """Writes the six files of a version; returns their folder."""
    version, contents = VERSIONS[version]
    return write(data_dir / version.folder, contents)


def pack(version='binary', **changes):
    """The bytes of a tar archive like the official one.

    `changes` has other contents by file name without ending; None omits the file.
    """
    version, contents = VERSIONS[version]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w') as archive:
        for name, content in {'readme.html': b'<html/>', **contents}.items():
            content = changes.get(name.split('.')[0], content)
            if content is not None:
                member = tarfile.TarInfo(f'{version.folder}/{name}')
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


PACKED = gzip.compress(pack())
PACKED_PYTHON = gzip.compress(pack('python'))


def load(data_dir, urls=(NOWHERE,), python_urls=(NOWHERE,)):
    """Loads the tiny CIFAR-10; the urls are those of its archives."""
    versions = [
        version._replace(archive=version.archive._replace(
            urls=tuple(addresses), size=len(packed), digest=hashlib.md5(packed).hexdigest()))
        for version, addresses, packed in ((BINARY, urls, PACKED),
                                           (PYTHON, python_urls, PACKED_PYTHON))]
    with mock.patch.object(cifar10, 'VERSIONS', versions):
        return cifar10.load_data_set(str(data_dir))


def snapshot(folder):
    """Reads all files except the lock: dict of relative path to content."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
            for path in folder.rglob('*') if path.name != preparation.LOCK_NAME}


@contextlib.contextmanager
def fails(*words):
    """Expects a UserError of one line that contains these words."""
    with pytest.raises(UserError) as caught:
        yield caught
    line = str(caught.value)
    assert '\n' not in line
    for word in words:
        assert word in line, line


class Server(http.server.HTTPServer):
    """Serves content on a loopback port while used as a context manager.

    Each reply claims to be gzip-encoded, which a client must not believe.

    Attributes:
      content: bytes, or dict of the last part of a path to bytes.
      cuts: list of int: the n-th reply ends after so many bytes.
      knows_range: bool.
      stalls_after: int, bytes after which it sends no more, and stays.
      drip: float, seconds between single bytes after a stall.
      before_reply: function to call first.
      requests: list of the Range header, or None, of each request.
    """
    cuts, knows_range, stalls_after, drip = (), True, None, None

    def __init__(self, content=b'', **settings):
        super().__init__(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server_address[1]}/x'
        self.content, self.requests, self.ended = content, [], threading.Event()
        self.before_reply = lambda: None
        self.__dict__.update(settings)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def __exit__(self, *exception):
        self.ended.set()
        self.shutdown()
        super().__exit__(*exception)


class Handler(http.server.BaseHTTPRequestHandler):

    def log_message(self, *unused):
        pass

    def do_GET(self):
        server, wanted = self.server, self.headers.get('Range')
        server.requests.append(wanted)
        server.before_reply()
        body, status = server.content, 200
        if isinstance(body, dict):
            name = os.path.basename(self.path)
            body, status = body.get(name, b'none'), 200 if name in body else 404
        if wanted and server.knows_range and status == 200:
            body, status = body[int(wanted[len('bytes='):-1]):], 206
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Content-Encoding', 'gzip')
        self.end_headers()
        number = len(server.requests) - 1
        if number < len(server.cuts):
            body = body[:server.cuts[number]]
        with contextlib.suppress(OSError):  # the client may hang up
            self.wfile.write(body[:server.stalls_after])
            for i in range(server.stalls_after or len(body), len(body)):
                if server.ended.wait(server.drip):
                    return
                self.wfile.write(body[i:i + 1])
