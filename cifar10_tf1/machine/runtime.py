"""Where TensorFlow 1.15 and TensorFlow 2 differ, and why.

The published numbers come from 1.15. On TensorFlow 2 the same code builds the same
graph through tensorflow.compat.v1. Only this module asks which version is running;
its comments start with the version they are about.
"""

import contextlib
import ctypes
import functools
import gc
import logging
import os
import subprocess
import sys
import warnings

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description, overrides

NEEDS_AVX = ('TensorFlow needs a processor with AVX, and this one has none; use another '
             'machine (a virtual one must pass on its host\'s AVX)')

# The extensions that oneDNN calls AVX-512.
_AVX512 = {'avx512f', 'avx512bw', 'avx512dq', 'avx512vl'}

_NOTES = '^(I[0-9]{4} |WARNING: All log messages before absl::)'


def prepare_environment(kernels='stock', prefers_onednn=False, gpu=None):
    """Sets what TensorFlow, CUDA and cuDNN read from the environment when they load.

    It has no effect once TensorFlow is loaded.

    Args:
      prefers_onednn: bool, whether the stock kernels use oneDNN's rewrites too.
      gpu: str, the label of the only card that TensorFlow may use; None: the CPU.
    """
    overrides.remove()
    if 'tensorflow' in sys.modules:
        return
    os.environ.update(overrides.OURS)
    os.environ['CUDA_VISIBLE_DEVICES'] = gpu or '-1'
    # Level 2 hides INFO and WARNING from C++. Level 3 also hides errors, which still
    # become Python exceptions: without a driver, 1.15 logs one at each start.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2' if gpu else '3')
    # Hides deprecation notes from Python.
    logging.getLogger('tensorflow').setLevel(logging.ERROR)
    # 1.15: NumPy 1.17 warns of its dtypes in twelve lines at each start.
    warnings.filterwarnings('ignore', category=FutureWarning, module=r'tensor(flow|board)')
    # 1.15: TensorFlow 2 sets this for child processes, where 1.15 would then behave
    # like version 2.
    os.environ.pop('TF2_BEHAVIOR', None)
    # 2: oneDNN's graph rewrites change the order of sums, and by default some
    # processors use them and others don't. So the choice is made here and is part of
    # the kind of machine. They make the fast kernels faster with AVX-512 and slower
    # without it, and the stock kernels of large convolutions faster with AVX2 too.
    required = _AVX512 if kernels == 'fast' else {'avx2'}
    uses_onednn = kernels == 'fast' or prefers_onednn
    os.environ['TF_ENABLE_ONEDNN_OPTS'] = (
        '1' if uses_onednn and description.has_vector_flags(required) else '0')
    # By default glibc returns the memory of most activations to the system at each
    # step. On 1.15, getting it back takes a tenth of the processor's time. These are the
    # largest thresholds that old versions of glibc accept.
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(-1, 2 ** 31 - 1)  # M_TRIM_THRESHOLD
        mallopt(-3, 2 ** 25)      # M_MMAP_THRESHOLD


@contextlib.contextmanager
def variable_kept(name):
    """Gives an environment variable back at the end, for the next program in a notebook."""
    before = os.environ.get(name)
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


@functools.lru_cache(maxsize=None)
def load_tensorflow():
    """Imports TensorFlow, makes 2 behave like 1, and returns tensorflow.compat.v1.

    Raises UserError without AVX, or ImportError, which packages.explain explains.
    """
    if description.lacks_avx():
        raise UserError(NEEDS_AVX)
    # Python's collector would search the many objects of import and graph in vain.
    gc.set_threshold(50000)
    try:
        with _without_notes(), variable_kept('TF_USE_LEGACY_KERAS'):
            # 2: otherwise it loads Keras, which nothing here uses.
            os.environ['TF_USE_LEGACY_KERAS'] = '1'
            import tensorflow
            import tensorflow.compat.v1 as tf
            from tensorflow.python.util import deprecation
    except ImportError:
        raise
    except Exception as error:  # such as a TypeError of another Python's package
        raise ImportError(f'TensorFlow does not load: {error!r}') from error
    # 1.15: while it may print deprecation notes, it inspects every call of create_op.
    deprecation._PRINT_DEPRECATION_WARNINGS = False
    if _is_version_1(tf):
        return tf
    # 2: graphs and sessions, ref-counted shapes, no eager execution.
    tf.disable_v2_behavior()
    # 2: deterministic ops, or an error; tf.data keeps the order of elements.
    tensorflow.config.experimental.enable_op_determinism()
    # 2: no 19-bit products, the default from compute capability 8.0 on.
    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    return tf


def _is_version_1(tf):
    return tf.version.VERSION.startswith('1.')


@contextlib.contextmanager
def _without_notes():
    """2: filters what its libraries log before a level can be set."""
    # A separate process does so, and lets the message of an abort through.
    grep = subprocess.Popen(
        ['grep', '-a', '-v', '-E', '--line-buffered', _NOTES], stdin=subprocess.PIPE,
        stdout=2, start_new_session=True, env={**os.environ, 'LC_ALL': 'C'})
    kept = os.dup(2)
    os.dup2(grep.stdin.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        grep.communicate()


def start_threads(threads):
    """Creates the threads of this process (description.Threads), before any graph.

    The first device fixes their number. 2: building a graph already computes constants,
    on a device with one thread a core.
    """
    tf = load_tensorflow()
    with tf.Session(graph=tf.Graph(), config=session_config(threads)):
        pass


def session_config(threads, rewrites=True):
    """tf.ConfigProto for every session of a process.

    Args:
      threads: description.Threads; 0 lets TensorFlow choose.
      rewrites: bool, whether TensorFlow may rewrite graph and input pipeline at the
        start. In a test with the fast kernels that takes longer than it saves.
    """
    tf = load_tensorflow()
    from tensorflow.core.protobuf import rewriter_config_pb2
    config = tf.ConfigProto(allow_soft_placement=True,
                            intra_op_parallelism_threads=threads.intra_op,
                            inter_op_parallelism_threads=threads.inter_op)
    # 1.15: without this cuDNN 7 fails to start on RTX 20 cards.
    config.gpu_options.allow_growth = True
    options = config.graph_options.rewrite_options
    options.disable_meta_optimizer = not rewrites
    # A second pass and these rewrites change no bit and hardly the speed, but take up to a
    # fifth of the time before the first step. The arithmetic ones decide the order of sums.
    options.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    options.memory_optimization = rewriter_config_pb2.RewriterConfig.NO_MEM_OPT
    for name in 'constant_folding', 'dependency_optimization', 'remapping':
        setattr(options, name, rewriter_config_pb2.RewriterConfig.OFF)
    return config


def dataset_options():
    """tf.data.Options that keep TensorFlow from rewriting a dataset.

    Both versions would rewrite it at each initialisation. 2 still does so for
    deterministic ops, and allocates zeros as large as the data set.
    """
    tf = load_tensorflow()
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    if _is_version_1(tf):
        options.experimental_optimization.autotune = False
    else:
        options.autotune.enabled = False
    return options


def make_relu_gradient():
    """Returns the gradient of relu, a function of (gradient, features).

    Both are float32 of one shape; the gradient is finite, no feature negative.
    """
    tf = load_tensorflow()
    if not _is_version_1(tf):
        return lambda gradient, features: tf.raw_ops.ReluGrad(gradients=gradient,
                                                              features=features)
    # 1.15: its kernel is not vectorised; these three ops are, and take half the time.
    # The factor lifts every normal number above 1. All layers share the constants,
    # because each op slows the start down.
    factor, one = tf.constant(3e38), tf.constant(1.0)
    return lambda gradient, features: gradient * tf.minimum(features * factor, one)


def has_onednn_rewrites():
    """Whether oneDNN computes convolutions, pools and their gradients; never on 1.15."""
    import tensorflow.compat.v1 as tf
    return not _is_version_1(tf) and os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '1'
