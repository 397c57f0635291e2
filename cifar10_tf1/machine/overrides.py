"""Removes environment variables that would change the numbers TensorFlow computes.

The names come from the binaries and Python sources of the wheels 1.15.0 and 2.21.0.
docs/reproducibility.md lists the variables whose values are kept.
"""

import fnmatch
import os
import sys

# Patterns. Removed before the import of TensorFlow, which reads most of them once.
SET_ASIDE = (
    # XLA fuses ops, which changes rounding and the order of sums.
    'TF_XLA_FLAGS', 'XLA_FLAGS', 'TF_FUNCTION_JIT_COMPILE_DEFAULT',
    'TF_JIT_COMPILE_REWRITE', 'TF_JITRT_FLAGS', 'TF_DISABLE_JIT_KERNELS',
    # CPU: other kernels for convolutions and matrix products, other vector
    # extensions, bfloat16 products.
    'TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL', 'TF_USE_DEEP_CONV2D',
    'ONEDNN_MAX_CPU_ISA', 'ONEDNN_CPU_ISA_HINTS', 'ONEDNN_DEFAULT_FPMATH_MODE',
    'DNNL_MAX_CPU_ISA', 'DNNL_CPU_ISA_HINTS', 'DNNL_DEFAULT_FPMATH_MODE',
    'TF_SET_ONEDNN_FPMATH_MODE', 'TF_ONEDNN_ASSUME_FROZEN_WEIGHTS',
    'TF_ENABLE_ZENDNN_OPTS', 'TF_PLUGGABLE_DEVICE_LIBRARY_PATH',
    # CPU: other ways to split an op among threads.
    'TF_OVERRIDE_GLOBAL_THREADPOOL', 'TF_USE_EIGEN_PARALLEL_FOR_IN_WORK_SHARDER',
    'TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD',
    # GPU: 19-bit products (TF32) or tensor cores.
    'NVIDIA_TF32_OVERRIDE', 'TF_*_TENSOR_OP_MATH*', 'TF_FP16_*',
    'TF_CONV2D_USE_FP16_ACCUMULATE',
    # Graph rewrites to half precision.
    'TF_ENABLE_AUTO_MIXED_PRECISION*', 'TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_*',
    # GPU: algorithms chosen by measurement or by the user.
    'TF_AUTOTUNE_*', 'TF_MATMUL_AUTOTUNE_*', 'TF_CUDNN_*', 'TF_USE_CUDNN*',
    'TF_USE_CUBLASLT', 'TF_USE_DEFAULT_CONV_ALGO', 'TF_ENABLE_WINOGRAD_NONFUSED',
    'TF_ENABLE_FFT_TILING_FORWARD', 'TF_ENABLE_MAXPOOL_NANPROP',
    'TF_CUBLAS_WORKSPACE_LIMIT_IN_MB', 'TF_USE_ROCM_NHWC', 'CUDNN_ERRATA_JSON_FILE',
    'CUBLAS_WORKSPACE_CONFIG', 'CUDA_FORCE_PTX_JIT',
    # Exceptions to deterministic ops.
    'TF_DISABLE_SCATTER_OP_DETERMINISM', 'TF_USE_DETERMINISTIC_SEGMENT_REDUCTIONS',
    'TF_DISABLE_SEGMENT_REDUCTION_OP_DETERMINISM_EXCEPTIONS',
    # Other ops for loops and branches.
    'TF_ENABLE_CONTROL_FLOW_V2', 'TF_ENABLE_COND_V2', 'TF_ENABLE_WHILE_V2',
    'TF_ENABLE_TENSOR_ARRAY_V2',
)

# Set by the program, although the patterns above may match them.
OURS = {
    # 1.15: deterministic algorithms of cuDNN, and no autotuning. Setting
    # TF_CUDNN_USE_AUTOTUNE=0 as well would defeat it.
    'TF_CUDNN_DETERMINISTIC': '1',
    # 2: every op deterministic; see runtime.load_tensorflow.
    'TF_DETERMINISTIC_OPS': '1',
}


def remove():
    """Removes SET_ASIDE from the environment; names what it removed in one warning."""
    found = sorted(
        name for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in SET_ASIDE)
        and value != OURS.get(name))
    for name in found:
        del os.environ[name]
    if found:
        print(f'warning: ignoring {", ".join(found)}, which would change the numbers',
              file=sys.stderr)
