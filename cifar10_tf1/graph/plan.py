"""Plans a training epoch: its records, their order and their batches."""

import itertools
from typing import Callable, NamedTuple, Optional, Tuple, Union

import numpy as np


class Plan(NamedTuple):
    """A training epoch, with one step for each batch size."""
    rows: Union[slice, np.ndarray]  # of the training records
    batch_sizes: Tuple[int, ...]    # of consecutive rows
    validation: Optional[Union[slice, np.ndarray]] = None  # rows held back
    # (step, number) pairs: figures are computed after this step, which ends that part
    # of the epoch. By default after the last step, without a number.
    reporting_points: Tuple[Tuple[int, int], ...] = ()
    # (seed of the run, epoch from 0) -> int32 indices into `rows`, if epochs differ.
    order: Optional[Callable[[int, int], np.ndarray]] = None

    @property
    def num_steps(self) -> int:
        return len(self.batch_sizes)

    @property
    def ends(self) -> Tuple[int, ...]:
        """The steps of an epoch after which figures are computed."""
        return tuple(step for step, unused_number in self.reporting_points) or (
            self.num_steps,)

    def list_last_batches(self, table_rows: np.ndarray):
        """(rows, batch sizes) of the last batch before each reporting point.

        table_rows is `rows` as an array of numbers.
        """
        starts = np.cumsum((0,) + self.batch_sizes)
        return (np.concatenate([table_rows[starts[end - 1]:starts[end]]
                                for end in self.ends]),
                tuple(self.batch_sizes[end - 1] for end in self.ends))


def split(num_examples: int, batch_size: int,
          drops_remainder: bool = False) -> Tuple[int, ...]:
    """Batch sizes; a short last batch is kept or dropped."""
    whole, rest = divmod(num_examples, batch_size)
    return (batch_size,) * whole + (rest,) * bool(rest and not drops_remainder)


def split_files(num_files: int, file_size: int, batch_size: int, held_back: float,
                num_used: int, takes_figures_by_file: bool) -> Plan:
    """A Plan in which no batch crosses the end of a file.

    The share `held_back` at the end of each file is for validation, even in files after
    the first num_used, which are not used for training. Figures are computed after each
    file, or only after the last.
    """
    num_held_back = int(file_size * held_back)
    rows = np.arange(num_files * file_size).reshape(num_files, file_size)
    batch_sizes = split(file_size - num_held_back, batch_size)
    return Plan(
        rows[:num_used, :-num_held_back].ravel(), batch_sizes * num_used,
        rows[:, -num_held_back:].ravel(),
        tuple((len(batch_sizes) * number, number)
              for number in range(1, num_used + 1)
              if takes_figures_by_file or number == num_used))


def list_runs(batch_sizes: Tuple[int, ...]):
    """(first row, batch size, number of batches) of each run of equal batch sizes."""
    start, runs = 0, []
    for size, group in itertools.groupby(batch_sizes):
        number = len(list(group))
        runs.append((start, size, number))
        start += size * number
    return runs
