"""Files that chance has damaged: each is refused in one line, or is harmless.

FUZZ_SEED repeats a failure; the seed is printed with it.
"""

import contextlib
import os
import random

import pytest

from cifar10_tf1 import verify
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records import run_record
from cifar10_tf1.report import building, document, gathering

pytestmark = pytest.mark.slow

NUM_MUTATIONS = 500  # of each reader's file
SEED = int(os.environ.get('FUZZ_SEED') or random.SystemRandom().getrandbits(32))


def mutate(content, chance):
    """bytes with one of the damages that disks, networks and editors do."""
    place, size = chance.randrange(len(content)), chance.randrange(1, 50)
    head, tail = content[:place], content[place:]
    flipped = bytes([tail[0] ^ 1 << chance.randrange(8)])
    return head + chance.choice([flipped + tail[1:], b'', bytes(min(size, len(tail))) + tail[size:],
                                 tail[:size] + tail, tail[size:], b'9' * size + tail])


def fuzz(path, read):
    """What reading many mutations of a file gives, where it is not refused by a UserError."""
    content, results = path.read_bytes(), []
    chance = random.Random(f'{SEED} {path.name}')
    print(f'FUZZ_SEED={SEED}')
    for unused_time in range(NUM_MUTATIONS):
        path.write_bytes(mutate(content, chance))
        try:
            results.append(read())
        except UserError as error:
            assert '\n' not in str(error), str(error)
    return results


def test_run_json(record_file, tiny_data_set):
    records = fuzz(record_file, lambda: run_record.load(str(record_file)))
    assert len(records) < 0.75 * NUM_MUTATIONS
    for record in records:  # the programs go through all of it
        data = tiny_data_set._replace(sha256=record.content['data']['sha256'])
        with contextlib.suppress(UserError):
            verify.check(record, data, None)
        if record.epochs:
            assert document.format_text(building.build([gathering.build_run(record)]), True)


def test_settings_beside_the_weights(finished_copy):
    prefix = str(finished_copy / 'model.ckpt-4')
    results = fuzz(finished_copy / 'model.ckpt-4.json', lambda: model_dir.load_settings(prefix))
    assert len(results) < 0.875 * NUM_MUTATIONS
    assert all(type(settings['data']) is str for settings in results)
