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
        return tuple(step for step, unused_number in self.reporting_points) or (self.num_steps,)

    def plan_last_batches(self) -> 'Plan':
        """A Plan of the last batch before each reporting point; `rows` is an array."""
        starts = np.cumsum((0,) + self.batch_sizes)
        return Plan(np.concatenate([self.rows[starts[end - 1]:starts[end]] for end in self.ends]),
                    tuple(self.batch_sizes[end - 1] for end in self.ends))


def split(num_examples: int, batch_size: int, drops_remainder: bool = False) -> Tuple[int, ...]:
    """Batch sizes; a short last batch is kept or dropped."""
    whole, rest = divmod(num_examples, batch_size)
    return (batch_size,) * whole + (rest,) * bool(rest and not drops_remainder)
