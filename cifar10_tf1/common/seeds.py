"""Seeds, one for each purpose, derived from the seed of the run."""

import hashlib


def derive_seed(seed, purpose, bits=31):
    """An independent seed for a purpose.

    A graph-level seed would number the ops in the order of their creation, so an
    unrelated edit would change the result; a name does not move.

    Args:
      seed: int, the run's seed.
      purpose: str, what is drawn, for example a variable's name.
      bits: int, the size of the result: 31 for op seeds, 63 for stateless ops.
    Returns:
      int in [0, 2**bits).
    """
    digest = hashlib.sha256(f'{seed}/{purpose}'.encode('utf-8')).digest()
    return int.from_bytes(digest[:8], 'big') >> (64 - bits)
