"""The largest numbers that are taken: from a command line and from a record.

Far beyond what anybody needs, and small enough that none of them exhausts the
machine or overflows a counter before a user sees what was mistyped.
"""

THREADS = 1024            # of each kind
STEPS = 10 ** 9           # of a run, and from checkpoint to checkpoint
EPOCHS = 10 ** 6
SEED = 2 ** 63 - 1        # what a seed of TensorFlow's stateless ops holds
NUMPY_SEED = 2 ** 32 - 1  # what NumPy's RandomState takes
FILES = 1000              # of training data
TEST_SEEDS = 1000         # of one call
IMAGES = 10 ** 6          # of one call
BLOCKS = 10 ** 4          # of a benchmark
PROCESSES = 1024          # of a sweep, side by side
