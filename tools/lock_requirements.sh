#!/bin/sh
# Makes the locks in requirements/ from its .in files, with the hashes that the
# package index gives:
#
#   tools/lock_requirements.sh              keeps the versions that are locked
#   tools/lock_requirements.sh --upgrade    takes the newest that fit
#
# Needs uv on PATH (any of 2025 or later) and the network. UV_... variables that
# name another index are left out on purpose: what is locked must be what the
# public index has. No address is written into the locks, so that pip takes the
# index, or the mirror of it, that the user has configured.
set -eu
cd "$(dirname "$0")/.."
unset UV_INDEX UV_DEFAULT_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_CONSTRAINT \
    UV_OVERRIDE UV_EXCLUDE_NEWER UV_PRERELEASE UV_RESOLUTION UV_FORK_STRATEGY

compile() {  # compile INPUT OUTPUT OPTION...
    input=requirements/$1 output=requirements/$2
    shift 2
    echo "$output"
    uv pip compile --quiet --no-config --generate-hashes --no-emit-index-url --no-strip-extras \
        --custom-compile-command 'tools/lock_requirements.sh' \
        "$@" --output-file "$output" "$input" >/dev/null
}

lock() {  # lock INPUT OUTPUT PYTHON [OPTION...]: for one Python, Linux on x86-64
    input=$1 output=$2 python=$3
    shift 3
    compile "$input" "$output" \
        --python-version "$python" --python-platform x86_64-manylinux2014 "$@"
}

lock_universal() {  # lock_universal INPUT OUTPUT [OPTION...]: all from Python 3.10 on
    input=$1 output=$2
    shift 2
    # fewest: where it can be, one version for all Pythons and systems.
    compile "$input" "$output" --python-version 3.10 --universal --fork-strategy fewest "$@"
}

for python in 3.7 3.6; do
    tag=py$(echo "$python" | tr -d .)
    # pip, setuptools and wheel are left out of a lock unless they are allowed.
    lock build.in "build-$tag.txt" "$python" --allow-unsafe "$@"
    lock main.in "$tag.txt" "$python" --constraint "requirements/build-$tag.txt" "$@"
    for extra in pictures onnx; do
        lock "$extra.in" "$extra-$tag.txt" "$python" --constraint "requirements/$tag.txt" "$@"
    done
done
# docker/Dockerfile's base brings TensorFlow: py36.txt without it.
lock main.in image-py36.txt 3.6 --constraint requirements/py36.txt \
    --no-emit-package tensorflow-gpu "$@"
lock_universal build.in build-tf2.txt --allow-unsafe "$@"
lock_universal main-tf2.in tf2.txt --constraint requirements/build-tf2.txt "$@"
lock_universal main-tf2-cuda.in tf2-cuda.txt --constraint requirements/tf2.txt "$@"
for extra in pictures onnx; do
    lock_universal "$extra.in" "$extra-tf2.txt" --constraint requirements/tf2.txt "$@"
done
compile lint.in lint.txt --python-version 3.8 --universal "$@"
# uv itself runs under any Python that it supports, not under the project's.
lock uv.in uv.txt 3.8 "$@"
