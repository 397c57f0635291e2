"""Which records an epoch trains on, in which order and batches."""

import itertools
from typing import NamedTuple
from typing import Optional
from typing import Tuple
from typing import Union

import numpy as np


class Plan(NamedTuple):
    """An epoch of training: a step for each batch size."""
    rows: Union[slice, np.ndarray]  # of the table of training records
    batch_sizes: Tuple[int, ...]    # of consecutive rows
    validation: Optional[Union[slice, np.ndarray]] = None  # rows held back

    @property
    def num_steps(self) -> int:
        return len(self.batch_sizes)


def split(num_examples: int, batch_size: int,
          drops_remainder: bool = False) -> Tuple[int, ...]:
    """Batch sizes; the last batch is short, or dropped where it would be."""
    whole, rest = divmod(num_examples, batch_size)
    return (batch_size,) * whole + (rest,) * bool(rest and not drops_remainder)


def list_runs(batch_sizes: Tuple[int, ...]):
    """(first row, batch size, number) of each run of equal batch sizes."""
    start, runs = 0, []
    for size, group in itertools.groupby(batch_sizes):
        number = len(list(group))
        runs.append((start, size, number))
        start += size * number
    return runs
