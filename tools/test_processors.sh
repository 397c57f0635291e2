#!/usr/bin/env bash
# Runs the numerical tests on processors other than this one's: emulated ones, with
# AVX alone and with AVX2 and FMA, which compute sums in other blocks:
#
#   tools/test_processors.sh                     .venv and, where it is there, .venv-tf2
#   tools/test_processors.sh .venv-tf2           an environment, or several
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

skip() { printf 'SKIPPED, no other processor was tried: %s\n' "$*" >&2; exit 77; }

[ "$(uname -m)" = x86_64 ] || skip 'the emulated processors are x86-64'
command -v qemu-x86_64 >/dev/null || skip 'there is no qemu-x86_64 (apt-get install qemu-user)'
if [ $# = 0 ]; then
    set -- .venv
    if [ -x .venv-tf2/bin/python ]; then
        set -- .venv .venv-tf2
    else
        echo '.venv-tf2 is not there, and not tried'
    fi
fi
for venv; do
    [ -x "$venv/bin/python" ] || skip "there is no environment $venv (make setup)"
done

# By name: what it can do, of all that the emulator can.
declare -A processors=([AVX]='max,-avx2,-fma,-f16c' [AVX2]='max')
tests=(tests/networks/test_deep_cnn.py tests/networks/test_pipeline.py
       tests/networks/test_kernels.py tests/data/test_real_data.py
       tests/networks/test_lenet5.py tests/networks/test_systems.py)
# An emulator computes more than ten times slower: of equal tests the smallest, and of
# the network the project's own formulation, not TensorFlow's.
chosen='test_kernels and (random or pooled_convolutions or max_pool and ties)'
chosen+=' and not (mixed or spike or zeros or 37 or udacity_cnn-3)'
chosen+=' or test_deep_cnn and not stock or test_pipeline or first_images'
chosen+=' or test_lenet5 and (ones and 7 or port or initial)'

work=$(mktemp -d "${TMPDIR:-/tmp}/cifar-tf1-processors.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Of an emulated processor the flags in /proc/cpuinfo are the real one's; what
# TensorFlow and NumPy ask is the processor.
run() {  # environment, name of the processor
    local start=$SECONDS log="$work/$1-$2" status=0
    # Kernels of OpenBLAS that someone has named for the real processor may be
    # none of the emulated one's.
    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE \
        qemu-x86_64 -cpu "${processors[$2]}" "$1/bin/python" -W ignore -m pytest -q \
        -p no:cacheprovider -m 'not slow and not accuracy' -k "$chosen" "${tests[@]}" \
        >"$log" 2>&1 || status=$?
    if [ "$status" = 0 ]; then
        printf '%s, %s alone: %s\n' "$1" "$2" "$(tail -n 1 "$log")"
    else
        cat "$log"
        printf '%s, %s: FAILED after %s s\n' "$1" "$2" "$((SECONDS - start))"
    fi
    return "$status"
}

status=0
for venv; do
    jobs=()
    for name in AVX AVX2; do
        run "$venv" "$name" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do
        wait "$job" || status=1
    done
done
exit "$status"
