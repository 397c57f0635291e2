"""Tiny data files, archives and a server for the tests of the data room."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import pickle
import socketserver
import tarfile
import threading
from unittest import mock

import numpy as np
import pytest

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import cifar10, preparation
from cifar10_tf1.data.verification import DataFile

NOWHERE = 'http://127.0.0.1:9/'  # nothing listens there


def build_records(seed):
    """The bytes of 12 random records of the binary version."""
    records = np.random.RandomState(seed).randint(0, 256, [12, cifar10.RECORD_BYTES])
    records[:, 0] %= 10
    return records.astype(np.uint8).tobytes()


def build_pickle(content):
    """The bytes of a Python-version file with the same records."""
    records = np.frombuffer(content, np.uint8).reshape(-1, cifar10.RECORD_BYTES)
    return pickle.dumps({'labels': records[:, 0].tolist(),
                         'data': records[:, 1:].copy()}, protocol=2)


# File name to bytes.
CONTENTS = {file.name: build_records(seed)
            for seed, file in enumerate(cifar10.VERSIONS[0].files)}
PICKLES = {name[:-len('.bin')]: build_pickle(content)
           for name, content in CONTENTS.items()}
BINARY = cifar10.VERSIONS[0]._replace(files=tuple(
    DataFile(name, len(content), hashlib.sha256(content).hexdigest())
    for name, content in CONTENTS.items()))
PYTHON = cifar10.PYTHON._replace(files=tuple(
    DataFile(name, None, hashlib.md5(content).hexdigest())
    for name, content in PICKLES.items()))
VERSIONS = {'binary': (BINARY, CONTENTS), 'python': (PYTHON, PICKLES)}


def write_files(data_dir, version='binary'):
    """Writes the six files of a version; returns their folder."""
    version, contents = VERSIONS[version]
    folder = data_dir / version.folder
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def compress(content, level=9):
    """Compresses by gzip, reproducibly."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode='wb', compresslevel=level, mtime=0) as file:
        file.write(content)
    return stream.getvalue()


def pack(version='binary', packed=True, **changes):
    """The bytes of an archive like the official one, gzipped if `packed`.

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
    return compress(stream.getvalue()) if packed else stream.getvalue()


PACKED = pack()
PACKED_PYTHON = pack('python')


def load(data_dir, urls=(NOWHERE,), python_urls=(NOWHERE,)):
    """Loads the tiny CIFAR-10; the urls are those of its archives."""
    versions = [
        version._replace(archive=version.archive._replace(
            urls=tuple(addresses), size=len(packed),
            digest=hashlib.md5(packed).hexdigest()))
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


class Server:
    """Serves `content` on a loopback port while used as a context manager.

    Each reply claims to be gzip-encoded, which a client must not believe.

    Attributes:
      contents: dict of the last part of a path to bytes, instead of `content`.
      cuts: list of int: the n-th reply ends after so many bytes.
      ranges: bool, whether it knows Range.
      stalls_after: int, bytes after which it sends no more, and stays.
      drip: float, seconds between single bytes after a stall.
      before_reply: function to call first.
      requests: list of the Range header, or None, of each request.
    """

    def __init__(self, content=b'', **settings):
        self.content, self.contents = content, None
        self.cuts, self.ranges, self.requests = [], True, []
        self.stalls_after = self.drip = None
        self.before_reply = lambda: None
        self.ended = threading.Event()
        self.__dict__.update(settings)

    def __enter__(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):

            def do_GET(self):
                server.reply(self)

            def log_message(self, *_):
                pass

        class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

        self.http = Threads(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.http.server_address[1]}/x'
        threading.Thread(target=self.http.serve_forever, args=(0.02,),
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.http.shutdown()
        self.http.server_close()

    def reply(self, handler):
        wanted = handler.headers.get('Range')
        self.requests.append(wanted)
        self.before_reply()
        content, status, start = self.content, 200, 0
        if self.contents is not None:
            content = self.contents.get(os.path.basename(handler.path))
            if content is None:
                content, status = b'none', 404
        if wanted and self.ranges and status == 200:
            status, start = 206, int(wanted[len('bytes='):-1])
        body = content[start:]
        handler.send_response(status)
        handler.send_header('Content-Length', str(len(body)))
        handler.send_header('Content-Encoding', 'gzip')
        handler.end_headers()
        number = len(self.requests) - 1
        if number < len(self.cuts):
            body = body[:self.cuts[number]]
        with contextlib.suppress(OSError):  # the client may hang up
            handler.wfile.write(body[:self.stalls_after])
            for i in range(self.stalls_after or len(body), len(body)):
                if self.ended.wait(self.drip):
                    return
                handler.wfile.write(body[i:i + 1])
