#!/usr/bin/env bash
# Runs the numerical tests on processors other than this one's: emulated ones, with
# AVX alone and with AVX2 and FMA, which compute sums in other blocks:
#
#   tools/test_processors.sh [.venv-tf2]       an environment, .venv if none is named
#
# The layers, the network and its gradients against float64; the batches and the
# initial weights, whose digests hold to the bit everywhere; the classes of the first
# test images by the checkpoint of record, where CIFAR10_DATA_DIR names the data.
# An emulator says nothing of speed, of caches (and of the blocking that follows their
# sizes), nor of threads that really run side by side.
#
# Needs qemu-x86_64 (Debian: qemu-user) of version 7.2 or newer.
#
# Exit status: 0 all passed; 77 it can't be done here, in one line that says why.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv}/bin/python

skip() { printf 'SKIPPED, no other processor was tried: %s\n' "$*" >&2; exit 77; }
[ "$(uname -m)" = x86_64 ] || skip 'the emulated processors are x86-64'
command -v qemu-x86_64 >/dev/null || skip 'there is no qemu-x86_64 (apt-get install qemu-user)'
[ -x "$python" ] || skip "there is no $python (make setup)"

# By name: what it can do, of all that the emulator can.
declare -A processors=([AVX]='max,-avx2,-fma,-f16c' [AVX2]='max')
tests=(tests/networks/test_pipeline.py tests/networks/test_kernels.py
       tests/networks/test_systems.py tests/data/test_real_data.py)
# An emulator computes more than ten times slower: of equal tests the smallest, and of
# the network the project's own formulation, not TensorFlow's.
chosen='test_kernels and (random or max and ties or pooled_convolutions or golden and fast)'
chosen+=' and not (37 or udacity_cnn-3) or test_pipeline'
chosen+=' or initial_weights or first_images'

test_on() {  # test_on PROCESSOR
    # Kernels of OpenBLAS that someone has named for the real processor may be
    # none of the emulated one's.
    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE \
        qemu-x86_64 -cpu "${processors[$1]}" "$python" -W ignore -m pytest -q \
        -p no:cacheprovider -m 'not slow and not accuracy' -k "$chosen" "${tests[@]}" 2>&1
}

jobs=()
for name in "${!processors[@]}"; do
    { output=$(test_on "$name") || { echo "$output"; echo "$name: FAILED"; exit 1; }
      echo "$python, $name alone: $(tail -n 1 <<<"$output")"; } &
    jobs+=($!)
done
status=0
for job in "${jobs[@]}"; do
    wait "$job" || status=1
done
exit "$status"
