#!/bin/sh
# Makes the virtual environment of `make train` and `make test` from hashed locks. A
# second call finds it ready, without network. Settings, from the environment or as
# `make setup NAME=value`:
#
#   RUNTIME          tf1: TensorFlow 1.15, the default; tf2; tf2-cuda: tf2 and its CUDA
#   PYTHON           the Python to use, and no other
#   PYTHON_VERSION   the version to look for, such as 3.6
#   VENV             the environment's folder, relative to the project
#   EXTRAS           optional packages to add: pictures, onnx, or "pictures onnx"
#
# pip installs, because uv does not support Python 3.6 and does not read pip's settings
# (mirror, proxy, certificates). uv fetches a Python where none is found.
#
# Exit status: 0 ready; 1 something is missing, named in one line; 2 usage.
set -u
end() { status=$1; shift; echo "setup: $*" >&2; exit "$status"; }  # end STATUS TEXT
has() { case " $1 " in *" $2 "*) ;; *) return 1 ;; esac; }         # has LIST WORD

runtime=${RUNTIME:-tf1} machines=Linux/x86_64 folder=.venv-${RUNTIME:-}
options=" RUNTIME=${RUNTIME:-}" way_out=
versions='3.12 3.11 3.13 3.10' wanted='Python 3.10 to 3.13'
case $runtime in
    tf1) tensorflow='TensorFlow 1.15' disk='1.4 GB' folder=.venv versions='3.7 3.6' options=
        wanted='Python 3.7 or 3.6'
        way_out='; or set RUNTIME=tf2 (TensorFlow 2, Python 3.10 to 3.13)' ;;
    tf2) tensorflow='TensorFlow 2' disk='2.1 GB'
        machines='Linux/x86_64 Linux/aarch64 Darwin/arm64' ;;
    tf2-cuda) tensorflow='TensorFlow 2 with CUDA' disk='6.6 GB' ;;
    *) end 2 "RUNTIME=$runtime: give tf1, tf2 or tf2-cuda" ;;
esac
for extra in ${EXTRAS:-}; do
    has 'pictures onnx' "$extra" || end 2 "EXTRAS=$EXTRAS: give pictures, onnx or both"
done
if [ -n "${PYTHON_VERSION:-}" ]; then
    version=$(echo "$PYTHON_VERSION" | cut -d . -f 1,2)  # python images set 3.7.17
    has "$versions" "$version" ||
        end 2 "PYTHON_VERSION=$PYTHON_VERSION: $tensorflow needs $wanted$way_out"
    versions=$version wanted="Python $version"
fi

machine=$(uname -s)/$(uname -m)
has "$machines" "$machine" ||
    end 1 "this machine is $machine, and $tensorflow exists for $machines only$way_out"
cpuinfo=${CIFAR_TF1_CPUINFO:-/proc/cpuinfo}  # set by the tests
[ "${machine#*/}" != x86_64 ] || [ ! -r "$cpuinfo" ] || grep -qw avx "$cpuinfo" ||
    end 1 "this CPU has no AVX, which $tensorflow needs: use another machine," \
        "or pass the host's AVX on to a virtual one"

# Prints "VERSION PATH" of a Python that can make environments; an environment's gives
# its base's, because it may be the one that is replaced.
unset PYTHONHOME PYTHONPATH
ask() {
    [ -x "$1" ] && "$1" -c '
import ctypes, ensurepip, os, ssl, sys, venv, zlib
version = "%d.%d" % sys.version_info[:2]
print(version, sys.executable if sys.prefix == sys.base_prefix else
      os.path.join(sys.base_prefix, "bin", "python" + version))' 2>/dev/null </dev/null
}
found=  # what it prints
if [ -n "${PYTHON:-}" ]; then
    found=$(ask "$(command -v "$PYTHON")") && has "$versions" "${found%% *}" ||
        end 1 "PYTHON=$PYTHON (${found:-incomplete or missing}): $tensorflow needs" \
            "$wanted with venv, ensurepip and ssl$way_out"
fi
find_python() {  # sets found to the first of $versions
    for version in $versions; do
        for candidate in "python$version" python3 python \
            "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/"python$version" \
            "$HOME"/*conda3/envs/*/bin/"python$version" \
            "$HOME"/.local/share/uv/python/*/bin/"python$version" \
            "$PWD"/.python/*/bin/"python$version"; do
            found=$(ask "$(command -v "$candidate")") && [ "${found%% *}" = "$version" ] && return
        done
    done
    return 1
}

cd "$(dirname "$0")/.." || exit 1
VENV=${VENV:-$folder}
state=$VENV/cifar-tf1-setup added=$VENV/cifar-tf1-extras
digest() { { sha256sum || shasum -a 256; } 2>/dev/null | cut -d ' ' -f 1; }
name_locks() {  # name_locks VERSION: sets main and build, the ends of their names, and hash
    case $runtime in
        tf1) main=py${1%.*}${1#*.} build=$main ;;
        *) main=$runtime build=tf2 ;;
    esac
    hash=$(cat "requirements/build-$build.txt" "requirements/$main.txt" | digest)
}
is_made() {
    [ -x "$VENV/bin/python" ] && read -r _ version made path <"$state" &&
        has "$versions" "$version" && name_locks "$version" && [ "$made" = "$hash" ] &&
        [ "${found:-$version $path}" = "$version $path" ]
} 2>/dev/null
extra_line() { echo "$1 $(digest <"requirements/$1-$build.txt")"; }
list_missing() {
    for extra in ${EXTRAS:-}; do
        grep -qsxF "$(extra_line "$extra")" "$added" || echo "$extra"
    done
}
is_made && [ -z "$(list_missing)" ] && exit 0

# These would install elsewhere, or something else than the locks say.
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_DRY_RUN PIP_CONSTRAINT PIP_REQUIREMENT PIP_EDITABLE
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1
install_lock() {  # install_lock VENV NAME
    "$1/bin/python" -m pip install --quiet --require-hashes --no-deps --no-build-isolation \
        --no-binary :none: --only-binary :none: -r "requirements/$2.txt" ||
        end 1 "pip could not install requirements/$2.txt (its message is above): check the" \
            "network, the proxy and the free disk space, then run this again"
}
fetch_python() {  # fetch_python VERSION: into .python
    echo "No $wanted found: fetching CPython $1 into .python"
    export UV_PYTHON_INSTALL_DIR="$PWD/.python" UV_PYTHON_INSTALL_BIN=0
    # Newer versions of uv no longer offer 3.7; the locked one does.
    { command -v uv >/dev/null && uv python install "$1"; } || {
        python3 -m venv --clear .uv-venv && (install_lock .uv-venv uv) &&
            .uv-venv/bin/uv python install "$1"
    } && find_python
}

# The lock file beside the folder says that the folder was made here, even if half.
[ -f "$VENV.lock" ] || [ -f "$state" ] || [ -z "$(ls -A "$VENV" 2>/dev/null)" ] ||
    end 1 "$VENV was not created here: move it away, or name another folder with VENV=path"
{ mkdir -p "$(dirname "$VENV")" && (: >>"$VENV.lock"); } 2>/dev/null ||
    end 1 "cannot write to $(dirname "$VENV"): make it writable," \
        "or name another folder with VENV=path"
exec 9>"$VENV.lock"
! command -v flock >/dev/null || flock 9  # waits for another set-up of this folder
if ! is_made; then
    [ -n "$found" ] || find_python || fetch_python "${versions%% *}" ||
        end 1 "no $wanted found, and none could be fetched: install one (pyenv install" \
            "${versions%% *}) and name it with PYTHON=path, or use docker/$way_out"
    version=${found%% *} python=${found#* }
    echo "Installing $tensorflow and its dependencies into $VENV" \
        "(about $disk on disk, a few minutes)"
    name_locks "$version"
    # The extras that were added before.
    EXTRAS="${EXTRAS:-} $(cut -d ' ' -f 1 "$added" 2>/dev/null | sort -u)"
    "$python" -m venv --clear "$VENV" ||
        end 1 "$python could not create an environment in $VENV (its message is above)"
    install_lock "$VENV" "build-$build"
    install_lock "$VENV" "$main"
    echo "main $version $hash $python" >"$state"
fi
for extra in $(list_missing); do
    install_lock "$VENV" "$extra-$build"
    extra_line "$extra" >>"$added"
done
echo "Next: $VENV/bin/python -m cifar10_tf1.doctor (checks this machine)," \
    "make demo$options (offline), make train$options"
