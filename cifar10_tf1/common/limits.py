"""The largest numbers accepted on a command line or in a record.

They are larger than anyone needs, but small enough that a mistyped number neither
exhausts the machine nor overflows a counter.
"""

THREADS = 1024            # of each kind
STEPS = 10 ** 9           # of a run, or between checkpoints
EPOCHS = 10 ** 6
SEED = 2 ** 63 - 1        # of TensorFlow's stateless ops
NUMPY_SEED = 2 ** 32 - 1  # of NumPy's RandomState
FILES = 1000              # of training data
TEST_SEEDS = 1000         # in one call
IMAGES = 10 ** 6          # in one call
BLOCKS = 10 ** 4          # of a benchmark
PROCESSES = 1024          # of a sweep, side by side
