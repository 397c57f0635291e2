"""Tiny data files, archives and a server for the tests of the data room."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import os
import pickle
import socketserver
import tarfile
import threading

import numpy as np
import pytest

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import cifar10_archives
from cifar10_tf1.data import download
from cifar10_tf1.data import preparation
from cifar10_tf1.data.verification import DataFile

NUM_RECORDS = 12  # a file
NAMES = tuple(file.name for file in cifar10.FILES)
NOWHERE = 'http://127.0.0.1:9/'  # nothing listens there


@pytest.fixture(autouse=True)
def isolated(monkeypatch):
    """No proxy, no pauses, no data of other programs."""
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    monkeypatch.setenv('KERAS_HOME', '/nowhere')
    for name in ('CIFAR10_ARCHIVE_URL', 'MNIST_URL', 'INCEPTION_V3_URL'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, 'PAUSE_SECONDS', 0.0)


def build_contents():
    """Six files of NUM_RECORDS random records: dict of name to bytes."""
    random = np.random.RandomState(7)
    contents = {}
    for name in NAMES:
        records = random.randint(0, 256, [NUM_RECORDS, cifar10.RECORD_BYTES])
        records[:, 0] %= cifar10.NUM_CLASSES
        contents[name] = records.astype(np.uint8).tobytes()
    return contents


def build_pickle(content):
    """The bytes of a Python-version file with the same records."""
    records = np.frombuffer(content, np.uint8).reshape(-1, cifar10.RECORD_BYTES)
    return pickle.dumps({'labels': records[:, 0].tolist(),
                         'data': records[:, 1:].copy()}, protocol=2)


CONTENTS = build_contents()
PICKLES = {name[:-len('.bin')]: build_pickle(content)
           for name, content in CONTENTS.items()}
_PICKLED_FILES = tuple(DataFile(name, None, hashlib.md5(content).hexdigest())
                       for name, content in PICKLES.items())
BINARY = cifar10.BINARY._replace(files=tuple(
    DataFile(name, len(content), hashlib.sha256(content).hexdigest())
    for name, content in CONTENTS.items()))
PYTHON = cifar10.PYTHON._replace(
    files=_PICKLED_FILES,
    load_bytes=functools.partial(cifar10.load_pickled_bytes, files=_PICKLED_FILES))
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
    """The bytes of an archive like the official one.

    Args:
      version: 'binary' or 'python'.
      packed: bool, by gzip.
      changes: other contents by file name without ending; None omits the file.
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


def describe(packed, *urls, version='binary'):
    """The Archive with these bytes; by default no server has it."""
    return cifar10_archives.list_archives()[version == 'python']._replace(
        urls=urls or (NOWHERE,), size=len(packed),
        digest=hashlib.md5(packed).hexdigest())


def load(data_dir, binary=describe(b'not to be had'),
         python=describe(b'nor this', version='python')):
    return cifar10.load_data_set(str(data_dir), (BINARY, PYTHON), (binary, python))


def snapshot(folder):
    """Reads all files except the lock: dict of relative path to content."""
    contents = {}
    for parent, folders, names in os.walk(str(folder)):
        for name in folders:
            path = os.path.join(parent, name)
            contents[os.path.relpath(path, str(folder))] = None
        for name in set(names) - {preparation.LOCK_NAME}:
            path = os.path.join(parent, name)
            with open(path, 'rb') as stream:
                contents[os.path.relpath(path, str(folder))] = stream.read()
    return contents


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

    Attributes:
      contents: dict of the last part of a path to bytes, instead of `content`.
      cuts: list of int: the n-th reply ends after so many bytes.
      ranges: bool, whether it knows Range.
      range_shift: int, what it adds to the start that was asked for.
      status: int, instead of 200.
      headers: dict, further headers.
      length: bool, whether Content-Length is sent.
      endless: bool, goes on after the content.
      stalls_after: int, bytes after which it sends no more, and stays.
      drip: float, seconds between single bytes.
      requests: list of the Range header, or None, of each request.
    """

    def __init__(self, content=b'', **settings):
        self.content, self.contents = content, None
        self.cuts, self.ranges, self.range_shift = [], True, 0
        self.status, self.headers, self.length = 200, {}, True
        self.endless, self.requests = False, []
        self.stalls_after, self.drip = None, None
        self.ended = threading.Event()
        self.before_reply = lambda: None
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
        content, status, start = self.content, self.status, 0
        if self.contents is not None:
            content = self.contents.get(handler.path.rsplit('/', 1)[1])
            if content is None:
                content, status = b'none', 404
        if wanted and self.ranges and status == 200:
            start = int(wanted[len('bytes='):-1]) + self.range_shift
            handler.send_response(206)
            handler.send_header('Content-Range', f'bytes {start}-'
                                f'{len(content) - 1}/{len(content)}')
        else:
            handler.send_response(status)
        body = content[start:]
        if self.length:
            handler.send_header('Content-Length', str(len(body)))
        for key, value in self.headers.items():
            handler.send_header(key, value)
        handler.end_headers()
        number = len(self.requests) - 1
        if number < len(self.cuts):
            body = body[:self.cuts[number]]
        with contextlib.suppress(OSError):  # the client may hang up
            handler.wfile.write(body[:self.stalls_after])
            if self.stalls_after is not None:
                self.stall(handler, body[self.stalls_after:])
                return
            while self.endless:
                handler.wfile.write(bytes(1 << 16))

    def stall(self, handler, body):
        """Sends the rest byte by byte, or nothing of it, until the test ends."""
        for i in range(len(body)):
            if self.ended.wait(self.drip):
                return
            handler.wfile.write(body[i:i + 1])
