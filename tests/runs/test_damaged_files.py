"""A run.json that chance has damaged.

FUZZ_SEED repeats a failure; the seed is printed with it.
"""

import contextlib
import os
import random

import pytest

from cifar10_tf1 import verify
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records import run_record
from cifar10_tf1.report import building, document, gathering

NUM_MUTATIONS = 500
SEED = int(os.environ.get('FUZZ_SEED') or random.SystemRandom().getrandbits(32))


def mutate(content, chance):
    """bytes with one of the damages that disks, networks and editors do."""
    place, size = chance.randrange(len(content)), chance.randrange(1, 50)
    head, tail = content[:place], content[place:]
    flipped = bytes([tail[0] ^ 1 << chance.randrange(8)])
    return head + chance.choice([flipped + tail[1:], b'', bytes(min(size, len(tail))) + tail[size:],
                                 tail[:size] + tail, tail[size:], b'9' * size + tail])


@pytest.mark.slow
def test_it_is_refused_in_one_line_or_harmless(record_file, tiny_data_set):
    print(f'FUZZ_SEED={SEED}')
    content, chance, num_refused = record_file.read_bytes(), random.Random(SEED), 0
    for unused_time in range(NUM_MUTATIONS):
        record_file.write_bytes(mutate(content, chance))
        try:
            record = run_record.load(str(record_file))
        except UserError as error:
            assert '\n' not in str(error), str(error)
            num_refused += 1
            continue
        # The programs go through all of it.
        data = tiny_data_set._replace(sha256=record.content['data']['sha256'])
        with contextlib.suppress(UserError):
            verify.check(record, data, None)
        if record.epochs:
            assert document.format_text(building.build([gathering.build_run(record)]), True)
    assert num_refused > NUM_MUTATIONS // 4
