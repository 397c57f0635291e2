"""Tiny data files, archives and a server for the tests of the data modules."""

import contextlib
import hashlib
import http.server
import io
import os
import socketserver
import tarfile
import threading

import numpy as np
import pytest

from cifar10_tf1.data import cifar10
from cifar10_tf1.data import cifar10_archives
from cifar10_tf1.data import download
from cifar10_tf1.data import preparation
from cifar10_tf1.data.verification import DataFile
from cifar10_tf1.common.errors import UserError

NUM_RECORDS = 12  # a file
NAMES = cifar10.TRAIN_FILES + (cifar10.TEST_FILE,)


@pytest.fixture(autouse=True)
def isolated(monkeypatch):
    """No proxy, no pauses, nothing of another program's data."""
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    monkeypatch.setenv('KERAS_HOME', '/nowhere')
    monkeypatch.setattr(download, 'PAUSE_SECONDS', 0.0)


def build_contents():
    """dict of file name to bytes: six files of NUM_RECORDS random records."""
    random = np.random.RandomState(7)
    contents = {}
    for name in NAMES:
        records = random.randint(0, 256, [NUM_RECORDS, cifar10.RECORD_BYTES])
        records[:, 0] %= cifar10.NUM_CLASSES
        contents[name] = records.astype(np.uint8).tobytes()
    return contents


CONTENTS = build_contents()
FILES = tuple(DataFile(name, len(CONTENTS[name]),
                       hashlib.sha256(CONTENTS[name]).hexdigest())
              for name in NAMES)


def write_files(data_dir, contents=None):
    """Puts the six files into data_dir; returns their folder (py.path-like)."""
    folder = data_dir / cifar10.FOLDER
    folder.mkdir(parents=True)
    for name, content in (contents or CONTENTS).items():
        (folder / name).write_bytes(content)
    return folder


def regular(name, content):
    """A member of an archive: (TarInfo, bytes)."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def special(name, kind, linkname=''):
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = linkname
    return member, b''


def members(contents=None):
    """What the official archive has: the folder, the six files, two more."""
    folder = cifar10.FOLDER
    files = [regular(f'{folder}/{name}', content)
             for name, content in (contents or CONTENTS).items()]
    return [special(folder, tarfile.DIRTYPE),
            regular(f'{folder}/readme.html', b'<html/>')] + files


def pack(archive_members):
    """bytes of a .tar.gz file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w:gz') as archive:
        for member, content in archive_members:
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def describe(packed, url='http://127.0.0.1:9/'):
    """The Archive that has these bytes; nothing listens at the default url."""
    return cifar10_archives.official_archives()[0]._replace(
        urls=(url,), size=len(packed), md5=hashlib.md5(packed).hexdigest())


def load(data_dir, *archives):
    return cifar10.load_data_set(str(data_dir), archives, FILES)


def snapshot(folder):
    """dict of relative path to content, of all files but the lock."""
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
    """Expects a UserError of one line which has these words."""
    with pytest.raises(UserError) as caught:
        yield
    line = str(caught.value)
    assert '\n' not in line
    assert line.endswith('.') or '--data-dir /' in line
    for word in words:
        assert word in line, line


class Server:
    """Serves `content` on a loopback port while used as a context manager.

    Attributes:
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

    def __init__(self, content, **settings):
        self.content = content
        self.cuts, self.ranges, self.range_shift = [], True, 0
        self.status, self.headers, self.length = 200, {}, True
        self.endless, self.requests = False, []
        self.stalls_after, self.drip = None, None
        self.ended = threading.Event()
        self.before_reply = None
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
        self.url = f'http://127.0.0.1:{self.http.server_address[1]}/x.tar.gz'
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
        if self.before_reply is not None:
            self.before_reply()
        start = 0
        if wanted and self.ranges:
            start = int(wanted[len('bytes='):-1]) + self.range_shift
            handler.send_response(206)
            handler.send_header('Content-Range',
                                f'bytes {start}-{len(self.content) - 1}/'
                                f'{len(self.content)}')
        else:
            handler.send_response(self.status)
        body = self.content[start:]
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
