"""Derives a seed for each purpose from the run's seed."""

import hashlib


def derive_seed(seed, purpose, bits=31):
    """Derives an independent seed for a purpose: int in [0, 2**bits).

    A graph-level seed would depend on the order in which ops are created, so an
    unrelated edit would change the result. A name is stable.

    Args:
      seed: int, the run's seed.
      purpose: str, such as a variable's name.
      bits: int, 31 for op seeds, 63 for stateless ops.
    """
    digest = hashlib.sha256(f'{seed}/{purpose}'.encode('utf-8')).digest()
    return int.from_bytes(digest[:8], 'big') >> (64 - bits)
