"""The order in which slim's provider hands records out.

One reader puts the records of the one file into a queue of 32, in file order, starting
over after the last; each record is drawn from the queue at random. So the order is the
file's within a window of 32, not a shuffle. The original's queue may lack up to 24
records when one is drawn (it only keeps 8 back), which is a race; here it is always
full.
"""

import numpy as np

from cifar10_tf1.common.seeds import derive_seed

CAPACITY = 32  # records; the original keeps at least 8


def draw_rows(num_records, num_drawn, seed):
    """The rows handed out, from the first on.

    Args:
      num_records: int, in the file.
      num_drawn: int, how many to hand out.
      seed: int, of the run or of the test.
    Returns:
      int32 [num_drawn], each in 0..num_records - 1.
    """
    random = np.random.RandomState(derive_seed(seed, 'provider'))
    places = random.randint(CAPACITY, size=num_drawn)
    queue = [row % num_records for row in range(CAPACITY)]
    rows = np.empty(num_drawn, np.int32)
    for number, place in enumerate(places):
        rows[number] = queue[place]
        queue[place] = (CAPACITY + number) % num_records
    return rows
