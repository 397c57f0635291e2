"""What makes a run repeatable: environment variables and derived seeds.

Imports no TensorFlow: `prepare_environment` has to run before it loads.
"""

import hashlib
import logging
import os
import warnings


def prepare_environment():
    """Sets what TensorFlow and cuDNN read once, when they load.

    Variables that the user has set stay as they are, except the one that the
    result depends on.
    """
    # 2 hides INFO and WARNING; C++ errors and fatal ones are still printed.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    # Deprecation notes of TensorFlow's Python side.
    logging.getLogger('tensorflow').setLevel(logging.ERROR)
    # Deterministic cuDNN algorithms. This stops autotuning as well; setting
    # TF_CUDNN_USE_AUTOTUNE=0 on top of it would defeat it in 1.15.
    os.environ['TF_CUDNN_DETERMINISTIC'] = '1'
    os.environ.pop('TF_CUDNN_USE_AUTOTUNE', None)
    # TensorFlow 1.15 spells dtypes in a way that NumPy 1.17 warns of, in
    # twelve lines at each start.
    warnings.filterwarnings('ignore', category=FutureWarning,
                            module=r'tensor(flow|board)')


def derive_seed(seed, purpose, bits=31):
    """One independent seed for each purpose, from the seed of the run.

    A graph-level seed would number the ops in the order of their creation, so
    that an unrelated edit changes the result; a name does not move.

    Args:
      seed: int, the run's seed.
      purpose: str, what is drawn, for example a variable's name.
      bits: int, the size of the result; TensorFlow truncates op seeds to 31
        bits, stateless ops take 63.
    Returns:
      int in [0, 2**bits).
    """
    digest = hashlib.sha256(f'{seed}/{purpose}'.encode('utf-8')).digest()
    return int.from_bytes(digest[:8], 'big') >> (64 - bits)
