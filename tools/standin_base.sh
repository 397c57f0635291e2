#!/usr/bin/env bash
# Makes a stand-in for a Dockerfile's base image, where no registry is at hand:
# this machine's Debian release, bare, with a copy of this machine's Python in
# /usr/local.
#
#   tools/standin_base.sh tf1 ROOT WHEELS    Python 3.6 and TensorFlow 1.15.0
#   tools/standin_base.sh tf1-cpu ROOT WHEELS    Python 3.7
#   tools/standin_base.sh tf2 ROOT WHEELS    Python 3.12
#
# ROOT, a folder, becomes the base's file system. WHEELS, another, gets the
# packages that the Dockerfile is about to install, so that the build itself
# needs no network: pip reads the user's settings here, and none of them there.
# Needs root, debootstrap and the Python: PYTHON=path, or on PATH, or pyenv's.
set -euo pipefail
cd "$(dirname "$0")/.."

runtime=$1 root=$2 wheels=$3
fail() { echo "standin_base: $*" >&2; exit 1; }
case $runtime in
    # TensorFlow's images have a compiler and make, Python's slim ones haven't.
    tf1) version=3.6 locks='build-py36 image-py36 pictures-py36 onnx-py36'
        packages=gcc,libc6-dev,make ;;
    tf1-cpu) version=3.7 locks='build-py37 py37 pictures-py37 onnx-py37' packages= ;;
    tf2) version=3.12 locks='build-tf2 tf2 pictures-tf2 onnx-tf2' packages= ;;
    tf2-cuda) version=3.12 locks='build-tf2 tf2-cuda' packages= ;;
    *) fail "$runtime: give tf1, tf1-cpu, tf2 or tf2-cuda" ;;
esac

find_python() {  # the folder of a Python of this version, with bin and lib
    for file in "${PYTHON:-}" "$(command -v "python$version")" \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/"python$version"; do
        [ -x "$file" ] && "$file" -c "
import ensurepip, ssl, sys
assert sys.version_info[:2] == tuple(map(int, '$version'.split('.')))
print(sys.base_prefix)" 2>/dev/null && return
    done
    fail "no Python $version found: install one, or name it with PYTHON=path"
}

make_debian() {  # from the mirror that apt uses here
    local suite mirror
    suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # shellcheck disable=SC2016  # apt's variables
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
        sed -n "s/^Debian $suite //p" | head -n 1)
    [ -n "$mirror" ] || fail "apt knows no mirror of Debian's release '$suite'"
    debootstrap --variant=minbase ${packages:+--include=$packages} "$suite" "$root" "$mirror" >"$wheels/log" 2>&1 || {
        tail -n 5 "$wheels/log" >&2
        fail "debootstrap could not make $root"
    }
}

add_python() {  # the interpreter, its own library, what these are linked to
    local file
    tar -C "$prefix" --exclude=__pycache__ --exclude=site-packages --exclude='lib/python*/test' \
        -cf - bin lib | tar -C "$root/usr/local" --no-same-owner -xf -
    ldd "$prefix/bin/python$version" "$prefix/lib/python$version"/lib-dynload/*.so |
        sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r file; do
        # libX11 and the like are tkinter's.
        case $file in "$prefix"/* | */libX* | */libt[ck]l* | */libtk*) continue ;; esac
        [ -e "$root$file" ] || cp -L "$file" "$root/usr/lib/$(uname -m)-linux-gnu/"
    done
    ln -sf "python$version" "$root/usr/local/bin/python3"
    ln -sf python3 "$root/usr/local/bin/python"
    chroot "$root" ldconfig
    chroot "$root" /usr/local/bin/python3 -m ensurepip >/dev/null 2>&1 ||
        fail "the copy of $prefix does not run in $root"
}

pip() { "$wheels/venv/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }

download() {  # download LOCK...: into WHEELS, by their hashes
    local lock
    for lock; do
        pip download --require-hashes --no-deps --no-build-isolation --dest "$wheels" \
            -r "requirements/$lock.txt"
    done
}

# As in the real base, with another numpy than the lock's: one that fails if it
# is ever imported.
add_tensorflow() {
    local packages=$root/usr/local/lib/python$version/site-packages
    pip install --require-hashes --no-deps --target "$packages" \
        -r <(sed -n '/^tensorflow-gpu==/,/# via/p' requirements/py36.txt)
    mkdir -p "$packages/numpy" "$packages/numpy-1.17.3.dist-info"
    echo 'raise ImportError("numpy of the base, not of the lock")' >"$packages/numpy/__init__.py"
    printf 'Metadata-Version: 2.1\nName: numpy\nVersion: 1.17.3\n' \
        >"$packages/numpy-1.17.3.dist-info/METADATA"
}

# TensorFlow's images have this too; docker/Dockerfile says what is wrong with it.
add_driver_stub() {
    local folder=/usr/local/cuda/lib64/stubs
    mkdir -p "$root$folder"
    echo 'int cuInit(unsigned flags) { return -1; }' | chroot "$root" \
        gcc -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$folder/libcuda.so.1" -x c -
    echo "$folder" >"$root/etc/ld.so.conf.d/z-cuda-stubs.conf"
    chroot "$root" ldconfig
    chroot "$root" python3 -c 'import ctypes; assert ctypes.CDLL("libcuda.so.1").cuInit(0)'
}

prefix=$(find_python)
mkdir -p "$root" "$wheels"
make_debian
add_python
"$prefix/bin/python$version" -m venv "$wheels/venv"
pip install --require-hashes --no-deps -r "requirements/${locks%% *}.txt"
# shellcheck disable=SC2086  # several names
download $locks
case $runtime in tf1) add_tensorflow; add_driver_stub ;; esac
rm -rf "$wheels/venv"
