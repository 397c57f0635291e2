"""Plans passes over records: training epochs and tests."""

from typing import Callable, NamedTuple, Optional, Tuple, Union

import numpy as np


class Plan(NamedTuple):
    """A pass over records, with one step for each batch size."""
    rows: Union[slice, np.ndarray]  # of the split's records
    batch_sizes: Tuple[int, ...]    # of consecutive rows
    split: str = 'train'            # or 'test'
    validation: Optional[Union[slice, np.ndarray]] = None  # training rows held back
    # (step, number) pairs: figures are computed after this step, which ends that part
    # of the epoch. By default after the last step, without a number.
    reporting_points: Tuple[Tuple[int, int], ...] = ()
    # (seed of the run, epoch from 0) -> int32 indices into `rows`, if epochs differ.
    order: Optional[Callable[[int, int], np.ndarray]] = None

    @property
    def num_steps(self) -> int:
        return len(self.batch_sizes)

    @property
    def num_examples(self) -> int:
        return sum(self.batch_sizes)

    @property
    def ends(self) -> Tuple[int, ...]:
        """The steps of an epoch after which figures are computed."""
        return tuple(step for step, unused_number in self.reporting_points) or (
            self.num_steps,)

    def plan_last_batches(self) -> 'Plan':
        """A Plan of the last batch before each reporting point; `rows` is an array."""
        starts = np.cumsum((0,) + self.batch_sizes)
        return Plan(np.concatenate([self.rows[starts[end - 1]:starts[end]]
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
    num_trained = file_size - int(file_size * held_back)
    rows = np.arange(num_files * file_size).reshape(num_files, file_size)
    batch_sizes = split(num_trained, batch_size)
    first_point = 1 if takes_figures_by_file else num_used
    return Plan(
        rows[:num_used, :num_trained].ravel(), batch_sizes * num_used,
        validation=rows[:, num_trained:].ravel(),
        reporting_points=tuple((len(batch_sizes) * number, number)
                               for number in range(first_point, num_used + 1)))
