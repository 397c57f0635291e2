"""Derives a seed for each purpose from the run's seed."""

import hashlib


def derive_seed(seed, purpose, bits=31):
    """Derives an independent seed for a purpose: int in [0, 2**bits).

    The purpose is a stable name, such as a variable's: a graph-level seed would depend
    on the order in which ops are created. Op seeds have 31 bits, stateless ops take 63.
    """
    digest = hashlib.sha256(f'{seed}/{purpose}'.encode('utf-8')).digest()
    return int.from_bytes(digest[:8], 'big') >> (64 - bits)
