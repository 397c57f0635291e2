"""An archive: found in the folder, or downloaded into it from several sources.

A source is an archive and an address. The sources are tried in turn: the next
one goes on where the last one failed or stalled, and the digest decides whether
it all is one file. What comes goes to a temporary name beside the final one,
and is moved into place when it is whole and verified.
"""

import os
import sys
import time
from typing import Callable, NamedTuple, Optional, Tuple

from cifar10_tf1.data import preparation
from cifar10_tf1.data import transfer
from cifar10_tf1.data import verification
from cifar10_tf1.common.errors import UserError

MAX_ROUNDS = 5       # through the sources that have sent anything
PAUSE_SECONDS = 1.0  # before the second round, doubled after each
# Bytes a second. The first round leaves a source that is merely slow, while
# there are others; after that only one that all but stands still.
FAST_RATE, LEAST_RATE = 200e3, 1e3


class Archive(NamedTuple):
    name: str                 # of the file in the data folder
    what: str                 # 'CIFAR-10'; for messages, as by_hand
    by_hand: str              # what can be put into the folder instead
    urls: Tuple[str, ...]     # tried in turn
    size: Optional[int]       # bytes; None: what the server says
    md5: Optional[str] = None  # lower-case hexadecimal digits
    # Of a path, what is wrong with its content: '' if nothing. Where another
    # packing of the same content has to pass.
    find_damage: Optional[Callable] = None
    way_out: Optional[str] = None  # the end of a message; None: as `ways_out`


def load_archive(data_dir, archives, num_extracted_bytes):
    """Finds or downloads one of the archives; under the folder's lock.

    Args:
      data_dir: str, the folder, which exists.
      archives: sequence of Archive, any of which will do; the first that lies
        there is taken.
      num_extracted_bytes: int, the space that its files will need as well.
    Returns:
      Archive, the verified one.
    Raises:
      UserError: no network, no space, the wrong file. One that lay there
        before is never changed.
    """
    archive = next((archive for archive in archives if os.path.lexists(
        os.path.join(data_dir, archive.name))), None)
    if archive is None:
        archive = _download(data_dir, archives, num_extracted_bytes)
    path = os.path.join(data_dir, archive.name)
    with preparation.explained(f'read {path}'):
        damage = _find_damage(path, archive)
    if damage:
        raise UserError(f'{path} is not the official archive, or damaged: '
                        f'{damage}. Move it away and run this again to '
                        f'download it, or {ways_out(archive, data_dir)}')
    return archive


def ways_out(archive, data_dir):
    """What helps where there is no download, as the end of a sentence."""
    return archive.way_out or (
        f'put {archive.by_hand} into {data_dir} by hand, or name a folder '
        f'that has it with --data-dir, or use the stand-in data with '
        f'--synthetic.')


class _Source:
    """An archive at an address, and what came of asking there."""

    def __init__(self, archive, url, data_dir):
        self.archive, self.url = archive, url
        self.part_path = os.path.join(data_dir, archive.name + '.part')
        self.size = archive.size  # bytes; None: not yet asked
        self.rate = 0.0           # bytes a second, the last time
        self.reason = ''          # why there is no archive yet
        self.is_useful = True     # worth another try
        self._num_cuts = 0
        self._has_sent = False

    def fetch(self, num_extracted_bytes, least_rate):
        """Whether the part is the archive now; if not, notes the reason."""
        before, start = _size(self.part_path), time.monotonic()
        try:
            self._complete(num_extracted_bytes, least_rate)
            return True
        except transfer.Useless as useless:
            self.is_useful, self.reason = False, str(useless)
        except transfer.CutOff as cut:
            size = _size(self.part_path)
            self.rate = abs(size - before) / (time.monotonic() - start)
            self._has_sent = self._has_sent or size != before
            self._num_cuts += 1
            self.is_useful = self._has_sent
            self.reason = str(cut) if not self._has_sent else (
                f'cut off {self._num_cuts} times, at last' if self._num_cuts > 1
                else 'cut off') + f' at {size:,} of {self.size:,} bytes ({cut})'
        return False

    def _complete(self, num_extracted_bytes, least_rate):
        if self.size is None:
            self.size = transfer.ask_size(self.url)
        archive = self.archive._replace(size=self.size)
        while True:
            missing = max(0, self.size - _size(self.part_path))
            data_dir = os.path.dirname(self.part_path)
            preparation.check_free_space(data_dir,
                                         missing + num_extracted_bytes)
            if missing:
                print(f'Downloading {self.url} to {data_dir}: '
                      f'{missing / 1e6:,.0f} of {self.size / 1e6:,.0f} MB to go',
                      file=sys.stderr, flush=True)
            offset = transfer.receive(self.url, self.part_path, self.size,
                                      least_rate)
            damage = _find_damage(self.part_path, archive)
            if not damage:
                return
            os.remove(self.part_path)
            if not offset:
                raise transfer.Useless(f'what it sent is not the archive: '
                                       f'{damage}; it was removed')
            # Perhaps by what was there before, from another source.
            print(f'{self.part_path} was not the archive ({damage}); '
                  f'beginning anew', file=sys.stderr, flush=True)


def _download(data_dir, archives, num_extracted_bytes):
    """The Archive that came from the first good source, or raises UserError."""
    sources = left = [_Source(archive, url, data_dir)
                      for archive in archives for url in archive.urls]
    for turn in range(MAX_ROUNDS):
        if turn:
            time.sleep(PAUSE_SECONDS * 2 ** (turn - 1))
        least_rate = FAST_RATE if len(left) > 1 and not turn else LEAST_RATE
        for i, source in enumerate(left):
            with preparation.explained(f'download to {source.part_path}'):
                if source.fetch(num_extracted_bytes, least_rate):
                    path = os.path.join(data_dir, source.archive.name)
                    if not os.path.lexists(path):  # put there meanwhile?
                        os.rename(source.part_path, path)
                    return source.archive
            following = left[i + 1:] or (
                _list_useful(left) if turn + 1 < MAX_ROUNDS else [])
            if following:
                print(f'{source.url}: {source.reason}; trying '
                      + (following[0].url if following[0] is not source
                         else 'again'), file=sys.stderr, flush=True)
        left = _list_useful(left)
        if not left:
            break
    raise UserError(
        f'There is no {archives[0].what} in {data_dir}, and '
        f'{_join_reasons(sources)}. '
        f'{"Run this again to go on from there" if left else "Mend that"}, or '
        f'{ways_out(archives[0], data_dir)}')


def _list_useful(sources):
    """Those that are worth another try, the fastest first."""
    return sorted((source for source in sources if source.is_useful),
                  key=lambda source: source.rate, reverse=True)


def _join_reasons(sources):
    """Why no source gave it; those with the same reason together."""
    urls = {}
    for source in sources:
        urls.setdefault(source.reason, []).append(source.url)
    return '; '.join(f'{_name_some(urls[reason])} cannot be downloaded: {reason}'
                     for reason in urls)


def _name_some(urls):
    """One or two in words; of more, the first and how many others."""
    if len(urls) > 2:
        return f'{urls[0]} and {len(urls) - 1} other sources'
    return ' and '.join(urls)


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
