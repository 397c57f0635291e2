#!/usr/bin/env bash
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
upgrade=("$@")

lock() {  # lock INPUT LOCK OPTION...
    echo "requirements/$2.txt"
    uv pip compile --quiet --no-config --generate-hashes --no-emit-index-url --no-strip-extras \
        --custom-compile-command tools/lock_requirements.sh "${upgrade[@]}" "${@:3}" \
        --output-file "requirements/$2.txt" "requirements/$1.in" >/dev/null
}

for version in 3.7 3.6; do
    tag=py${version/./}
    python=(--python-version "$version" --python-platform x86_64-manylinux2014)
    # pip, setuptools and wheel are left out of a lock unless they are allowed.
    lock build "build-$tag" "${python[@]}" --allow-unsafe
    lock main "$tag" "${python[@]}" --constraint "requirements/build-$tag.txt"
    for extra in pictures onnx; do
        lock "$extra" "$extra-$tag" "${python[@]}" --constraint "requirements/$tag.txt"
    done
done
# docker/Dockerfile's base brings TensorFlow: py36.txt without it.
lock main image-py36 "${python[@]}" --constraint requirements/py36.txt --no-emit-package tensorflow-gpu
# fewest: where it can be, one version for all Pythons from 3.10 on and all systems.
python=(--python-version 3.10 --universal --fork-strategy fewest)
lock build build-tf2 "${python[@]}" --allow-unsafe
lock main-tf2 tf2 "${python[@]}" --constraint requirements/build-tf2.txt
lock main-tf2-cuda tf2-cuda "${python[@]}" --constraint requirements/tf2.txt
for extra in pictures onnx; do
    lock "$extra" "$extra-tf2" "${python[@]}" --constraint requirements/tf2.txt
done
lock lint lint --python-version 3.8 --universal
# uv itself runs under any Python that it supports, not under the project's.
lock uv uv --python-version 3.8 --python-platform x86_64-manylinux2014
