"""Where TensorFlow 1.15 and TensorFlow 2 differ, line by line with the reason.

1.15 is the runtime of record. On TensorFlow 2 the same code builds the same
graph through tensorflow.compat.v1; nowhere else does the project ask which of
the two it runs on.
"""

import contextlib
import ctypes
import functools
import logging
import os
import subprocess
import sys
import warnings

from cifar10_tf1.common import environment
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description
from cifar10_tf1.machine import overrides

# Parameters of the C library's mallopt, and the largest values that old ones take.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MOST_TRIM, _MOST_MMAP = 2 ** 31 - 1, 2 ** 25

_NOTES = '^(I[0-9]{4} |WARNING: All log messages before absl::)'


def prepare_environment(kernels='stock', prefers_onednn=False):
    """Sets what TensorFlow and cuDNN read once, when they load, and malloc.

    Imports no TensorFlow; sets nothing once it is loaded. Each variable means
    nothing to the runtime that does not know it.

    Args:
      kernels: 'stock' or 'fast'.
      prefers_onednn: bool, whether to use oneDNN's rewrites with the stock
        kernels too: systems.Entry.
    """
    overrides.remove()
    if 'tensorflow' in sys.modules:
        return
    os.environ.update(overrides.OURS)
    # 2 hides INFO and WARNING; C++ errors and fatal ones are still printed.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    # Deprecation notes of TensorFlow's Python side.
    logging.getLogger('tensorflow').setLevel(logging.ERROR)
    # 1.15 spells dtypes in a way that NumPy 1.17 warns of, in twelve lines at
    # each start.
    warnings.filterwarnings('ignore', category=FutureWarning,
                            module=r'tensor(flow|board)')
    # 1.15: a program with TensorFlow 2 passes this on to programs that it starts,
    # and 1.15 would behave as version 2 there.
    os.environ.pop('TF2_BEHAVIOR', None)
    # 2: oneDNN's graph rewrites, on by default on some processors only, sum in
    # another order than the rest; the processor must not choose. (The matrix
    # products inside the other kernels are oneDNN's in any case.) They make the
    # fast kernels faster with AVX-512, and slower without it: the kind of machine
    # decides, and names the choice. The stock kernels do without, except in a
    # system that consists of large convolutions.
    os.environ['TF_ENABLE_ONEDNN_OPTS'] = (
        '1' if (kernels == 'fast' or prefers_onednn) and description.has_avx512()
        else '0')
    _keep_memory()


def _keep_memory():
    """Makes the C library keep freed memory for the next allocation.

    By default it gives the memory of most activations back to the system at each
    step: on 1.15 a tenth of the processor's time goes into getting it again.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)  # of glibc
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _MOST_TRIM)
        mallopt(_MMAP_THRESHOLD, _MOST_MMAP)


@functools.lru_cache(maxsize=None)
def load_tensorflow():
    """Imports TensorFlow and makes version 2 behave as version 1.

    Before any graph is built; a second call does nothing more.

    Returns:
      the module tensorflow.compat.v1.
    Raises:
      UserError: the processor has no AVX; PYTHONPATH has another Python's packages.
    """
    if description.lacks_avx():
        raise UserError('TensorFlow needs a processor with AVX, and this one has '
                        'none: use another machine (a virtual one must pass on '
                        'its host\'s AVX)')
    try:
        with _without_notes():
            import tensorflow
            import tensorflow.compat.v1 as tf
    except Exception as error:  # any; see explain_import_error
        line = environment.explain_import_error(error)
        if line is None:
            raise
        raise UserError(line) from error
    if tf.version.VERSION.startswith('1.'):
        return tf
    # 2: graphs and sessions, ref-counted shapes, no eager execution.
    tf.disable_v2_behavior()
    # 2: refuses to run what it can't make deterministic; tf.data keeps the order
    # of its elements.
    tensorflow.config.experimental.enable_op_determinism()
    # 2: from compute capability 8.0 on it would multiply in 19 bits by default.
    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    return tf


def start_threads(threads):
    """Makes the threads of this process, before a graph is built.

    The first device of a process decides the number of threads for all. 2:
    while a graph is built, constants in it are computed already, on a device
    made for that: with a thread a core, whatever the sessions ask for.

    Args:
      threads: description.Threads.
    """
    tf = load_tensorflow()
    with tf.Session(graph=tf.Graph(), config=session_config(threads)):
        pass


def session_config(threads, rewrites=True):
    """tf.ConfigProto for every session of a process.

    Args:
      threads: description.Threads; 0 leaves a number to TensorFlow.
      rewrites: bool, whether TensorFlow may rewrite the graph first, and the
        input pipeline at each start. A test with the fast kernels gains less
        by it than it takes.
    """
    tf = load_tensorflow()
    from tensorflow.core.protobuf import rewriter_config_pb2
    config = tf.ConfigProto(allow_soft_placement=True,
                            intra_op_parallelism_threads=threads.intra_op,
                            inter_op_parallelism_threads=threads.inter_op)
    # 1.15: without growth cuDNN 7 fails to start on RTX 20 cards.
    config.gpu_options.allow_growth = True
    options = config.graph_options.rewrite_options
    options.disable_meta_optimizer = not rewrites
    if not has_onednn_rewrites():
        # A second pass over deep_cnn's 3,600 ops changes nothing and takes a third of
        # the time before the first step.
        options.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    return config


def dataset_options():
    """tf.data.Options that leave a dataset as it is written.

    Both runtimes would rewrite it at each initialisation. 2 still does, because
    ops are to be deterministic, and fills a stand-in of zeros for each tensor
    that it starts from: here as large as the data set.
    """
    tf = load_tensorflow()
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    if tf.version.VERSION.startswith('1.'):
        options.experimental_optimization.autotune = False
    else:
        options.autotune.enabled = False
    return options


def make_relu_gradient():
    """A function of (gradient, features): the gradient of positive features, else 0.

    The gradient is float32 and finite, the features float32 of the same shape and
    nowhere negative.
    """
    tf = load_tensorflow()
    if not tf.version.VERSION.startswith('1.'):
        return lambda gradient, features: tf.raw_ops.ReluGrad(gradients=gradient,
                                                              features=features)
    # 1.15: its kernel takes one number at a time; these three ops use the vector unit
    # and take half the time. The factor lifts every normal number over 1. Constants
    # are shared, because each op costs time at each start.
    factor, one = tf.constant(3e38), tf.constant(1.0)
    return lambda gradient, features: gradient * tf.minimum(features * factor, one)


def has_onednn_rewrites():
    """Whether oneDNN computes convolutions, pools and their gradients.

    2: as prepare_environment has set it; 1.15 has no such rewrites.
    """
    import tensorflow.compat.v1 as tf
    return (not tf.version.VERSION.startswith('1.')
            and os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '1')


@contextlib.contextmanager
def _without_notes():
    """Takes the notes of TensorFlow 2's libraries out of standard error.

    2: while they load they log, at a time when no level can be set yet. Another
    process filters them, so the last words of an abort come out too.
    """
    try:
        with open(os.dup(2), 'wb') as error:
            grep = subprocess.Popen(
                ['grep', '-a', '-v', '-E', '--line-buffered', _NOTES],
                stdin=subprocess.PIPE, stdout=error, start_new_session=True,
                env={**os.environ, 'LC_ALL': 'C'})
    except OSError:  # no grep
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(grep.stdin.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        grep.stdin.close()
        grep.wait()
