"""Files that chance has damaged: each is refused in one line, or is harmless.

FUZZ_SEED repeats a failure; the seed is printed with it.
"""

import contextlib
import os
import random

import pytest

import runs
from cifar10_tf1.checkpoints import model_dir as model_dirs
from cifar10_tf1.records import run_record
from cifar10_tf1 import verify
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.report import building, document, gathering

pytestmark = pytest.mark.slow

NUM_MUTATIONS = 500  # of each reader's file
SEED = int(os.environ.get('FUZZ_SEED') or random.SystemRandom().getrandbits(32))


def mutate(content, chance):
    """bytes with one of the damages that disks, networks and editors do."""
    place = chance.randrange(len(content))
    head, tail = content[:place], content[place:]
    size = chance.randrange(1, 50)
    return chance.choice([
        lambda: head + bytes([tail[0] ^ 1 << chance.randrange(8)]) + tail[1:],
        lambda: head,
        lambda: head + bytes(min(size, len(tail))) + tail[size:],
        lambda: head + tail[:size] + tail,
        lambda: head + tail[size:],
        lambda: head + b'9' * size + tail])()


def fuzz(path, read):
    """Reads many mutations of a file: (number of refused ones, what the others gave).

    `read` may raise UserError, and nothing else.
    """
    content, refused, results = path.read_bytes(), 0, []
    chance = random.Random(f'{SEED} {path.name}')
    print(f'FUZZ_SEED={SEED}')
    for unused_time in range(NUM_MUTATIONS):
        path.write_bytes(mutate(content, chance))
        try:
            results.append(read())
        except UserError as error:
            assert '\n' not in str(error), str(error)
            refused += 1
    path.write_bytes(content)
    return refused, results


@pytest.fixture(scope='module')
def folder(tmp_path_factory, tiny_data_set):
    folder = tmp_path_factory.mktemp('run')
    runs.train(folder, tiny_data_set, epochs=1, seed=77)
    return folder


def test_run_json(folder, tiny_data_set):
    refused, records = fuzz(folder / 'run.json',
                            lambda: run_record.load(str(folder / 'run.json')))
    assert refused > NUM_MUTATIONS // 4
    for record in records:  # the programs go through all of it
        with contextlib.suppress(UserError):
            verify.check(record, tiny_data_set._replace(
                sha256=record.content['data']['sha256']), None)
        if record.epochs:
            assert document.format_text(building.build([gathering.build_run(record)]),
                                        True)


def test_settings_beside_the_weights(folder):
    prefix = str(folder / 'model.ckpt-4')
    refused, results = fuzz(folder / 'model.ckpt-4.json',
                            lambda: model_dirs.load_settings(prefix))
    assert refused > NUM_MUTATIONS // 8
    assert all(type(settings['data']) is str for settings in results)
