#!/bin/sh
# Makes the environment that `make train` and `make test` run in: a virtual
# environment with TensorFlow and what it needs, from locks with hashes.
#
#   tools/setup.sh          the environment for training and testing, in .venv
#   tools/setup.sh lint     the one for `make lint`, in .venv-lint; always on
#                           the Pythons of TensorFlow 1.15
#   tools/setup.sh sbom     the one for `make sbom`, in .venv-sbom; always on
#                           those of TensorFlow 2
#
# A second call finds the first one's work and does nothing. What can be set, in
# the environment or as `make setup NAME=value`:
#
#   RUNTIME          tf1: TensorFlow 1.15, the default; tf2: TensorFlow 2, in
#                    .venv-tf2; tf2-cuda: the same and its CUDA libraries, in
#                    .venv-tf2-cuda
#   PYTHON           the Python to use, and no other; a path or a program's name
#   PYTHON_VERSION   one of the runtime's versions; unset: the first below that
#                    there is
#   VENV             the environment's folder, relative to the project
#   EXTRAS           what is added to it, for some commands only: pictures, onnx
#                    or "pictures onnx"; stays until the folder is removed
#
# For the tests of this script:
#
#   CIFAR_TF1_SYSTEM, CIFAR_TF1_MACHINE   instead of what uname says
#   CIFAR_TF1_CPUINFO                     instead of /proc/cpuinfo
#   CIFAR_TF1_REQUIREMENTS                instead of the folder requirements
#
# pip and uv read the user's own settings, since these name the proxy, the
# certificates and the mirror of the package index; the hashes in the locks hold
# whatever the source. Only settings that would send packages elsewhere, or
# change which ones, are taken out.
#
# Exit status: 0 ready; 1 something is missing, named in one line; 2 usage.

set -u

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
usage() { printf 'setup: %s\n' "$*" >&2; exit 2; }

# --- What is asked for ------------------------------------------------------

what=${1:-main}
case $what in
    main) runtime=${RUNTIME:-tf1} ;;
    lint) runtime=tf1 ;;
    sbom) runtime=tf2 ;;
    *) usage "unknown argument '$what': give none, 'lint' or 'sbom'" ;;
esac

# versions: in the order in which they are looked for; the first is fetched.
# disk: measured, 1,457 MB with Python 3.7, 1,452 MB with 3.6, 2,127 MB with 3.12;
# for tf2-cuda what docker/sizes.csv has.
case $runtime in
    tf1)
        title='TensorFlow 1.15' versions='3.7 3.6' wanted='Python 3.7 or 3.6'
        platforms='Linux on x86-64' disk='1.4 GB' ;;
    tf2)
        title='TensorFlow 2' versions='3.12 3.11 3.13 3.10' wanted='Python 3.10 to 3.13'
        platforms='Linux on x86-64 or aarch64 and for macOS on arm64' disk='2.1 GB' ;;
    tf2-cuda)
        title='TensorFlow 2 with CUDA' versions='3.12 3.11 3.13 3.10' wanted='Python 3.10 to 3.13'
        platforms='Linux on x86-64 (for others there is RUNTIME=tf2, without CUDA)' disk='6.6 GB' ;;
    *)
        usage "RUNTIME=$runtime: give tf1 (TensorFlow 1.15), tf2 (TensorFlow 2) or tf2-cuda (TensorFlow 2 and its CUDA libraries)" ;;
esac

system=${CIFAR_TF1_SYSTEM:-$(uname -s)}
machine=${CIFAR_TF1_MACHINE:-$(uname -m)}
cpuinfo=${CIFAR_TF1_CPUINFO:-/proc/cpuinfo}

has_packages() {  # has_packages RUNTIME: are there any for this machine?
    case $1/$system/$machine in
        */Linux/x86_64 | */Linux/amd64) ;;
        tf2/Linux/aarch64 | tf2/Linux/arm64 | tf2/Darwin/arm64) ;;
        *) return 1 ;;
    esac
}

# What else there is where TensorFlow 1.15 cannot be had.
or_docker= or_tf2=
case $runtime/$machine in
    tf1/x86_64 | tf1/amd64) or_docker=', or use the Docker image (docker/Dockerfile)' ;;
esac
case $what/$runtime in
    main/tf1) has_packages tf2 && or_tf2=', or set RUNTIME=tf2 (TensorFlow 2, Python 3.10 to 3.13)' ;;
esac

# The name of a folder or program is the caller's; all others are the project's.
given_python=
if [ -n "${PYTHON:-}" ]; then
    given_python=$(command -v "$PYTHON") ||
        fail "PYTHON=$PYTHON: no such program; give the path of a $wanted, or leave PYTHON unset"
    case $given_python in
        /*) ;;
        *) given_python=$PWD/$given_python ;;
    esac
fi

extras=
if [ "$what" = main ]; then
    for extra in ${EXTRAS:-}; do
        case $extra in
            pictures | onnx) extras="$extras $extra" ;;
            *) usage "EXTRAS=$EXTRAS: give pictures, onnx, or both, as in EXTRAS=\"pictures onnx\"" ;;
        esac
    done
fi

cd "$(dirname "$0")/.." || exit 1

case $what/$runtime in
    main/tf1) default_venv=.venv ;;
    main/*) default_venv=.venv-$runtime ;;
    *) default_venv=.venv-$what ;;
esac
VENV=${VENV:-$default_venv}
VENV=${VENV%/}
[ -n "$VENV" ] || usage "VENV=/ cannot be the environment's folder"

# python:3.7 Docker images set PYTHON_VERSION to all three numbers: allow these.
if [ -n "${PYTHON_VERSION:-}" ]; then
    version=$(printf '%s' "$PYTHON_VERSION" | cut -d . -f 1,2)
    case " $versions " in
        *" $version "*) versions=$version ;;
        *) usage "PYTHON_VERSION=$PYTHON_VERSION: $title runs on $wanted; give one of these, or leave it empty$or_tf2" ;;
    esac
    wanted="Python $version"
fi

# --- What TensorFlow cannot do without --------------------------------------

# Without these checks: "no matching distribution", or "Illegal instruction".
has_packages "$runtime" ||
    fail "this machine is $system on $machine, and $title exists for $platforms: take such a machine$or_docker$or_tf2"
case $machine in
    x86_64 | amd64)
        # Both TensorFlows are compiled for it.
        if [ -r "$cpuinfo" ] && ! grep -qw avx "$cpuinfo"; then
            fail "this CPU has no AVX, which $title needs: use another machine (a virtual one must pass its host's AVX on)"
        fi ;;
esac

# --- Is the work done already? ----------------------------------------------

requirements=${CIFAR_TF1_REQUIREMENTS:-requirements}
# Marks the environment as made here. It reads "incomplete" until all is
# installed, then says what was installed: use, Python, hash of the locks.
state=$VENV/cifar-tf1-setup

lock_name() {  # lock_name RUNTIME VERSION: 1.15 has a lock for each Python, 2 one for all
    case $1 in
        tf1) printf 'py%s' "$2" | tr -d . ;;
        *) printf '%s' "$1" ;;
    esac
}
build_lock() { printf '%s/build-%s.txt' "$requirements" "$(lock_name "${runtime%-cuda}" "$1")"; }
main_lock() {
    case $what in
        main) printf '%s/%s.txt' "$requirements" "$(lock_name "$runtime" "$1")" ;;
        *) printf '%s/%s-%s.txt' "$requirements" "$what" "$(lock_name "$runtime" "$1")" ;;
    esac
}
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }  # macOS has shasum
locks_hash() { cat "$(build_lock "$1")" "$(main_lock "$1")" | sha256 | cut -d ' ' -f 1; }

is_ready() {
    # -x is false for a link to a Python that has since been removed.
    [ -f "$state" ] && [ -x "$VENV/bin/python" ] || return 1
    read -r made_what made_version made_hash made_python <"$state" || return 1
    case " $versions " in *" $made_version "*) ;; *) return 1 ;; esac
    [ "$made_what" = "$what" ] && [ "$made_hash" = "$(locks_hash "$made_version")" ] || return 1
    [ -z "$given_python" ] || [ "$made_python" = "$given_python" ]
}

# A line for each extra that was added: its name, the hash of its lock.
added=$VENV/cifar-tf1-extras
extra_lock() { printf '%s/%s-%s.txt' "$requirements" "$1" "$(lock_name "${runtime%-cuda}" "$2")"; }
extra_line() { printf '%s %s' "$1" "$(sha256 <"$(extra_lock "$1" "$2")" | cut -d ' ' -f 1)"; }

has_extra() { grep -qxF "$(extra_line "$1" "$2")" "$added" 2>/dev/null; }  # has_extra NAME VERSION
has_extras() {  # has_extras VERSION: all that is asked for
    for extra in $extras; do
        has_extra "$extra" "$1" || return 1
    done
}

is_ready && has_extras "$made_version" && exit 0

# --- Finding a Python -------------------------------------------------------

# A Python is asked, not judged by its name: a pyenv shim exists for versions
# that are not active, Debian's python3 may come without ensurepip, a
# self-compiled one without ssl. A virtual environment's Python is not taken: it
# may be the one that is about to be replaced. Runs on Python 2 as well.
probe='
import sys
problem = "ok"
if sys.maxsize < 2 ** 32:
    problem = "is a 32-bit Python"
elif sys.prefix != getattr(sys, "base_prefix", sys.prefix) or hasattr(sys, "real_prefix"):
    problem = "belongs to a virtual environment"
else:
    try:
        import ctypes, ensurepip, os, ssl, sysconfig, venv, zlib
        if sys.implementation.name != "cpython":
            problem = "is not CPython"
        elif sys.platform == "darwin" and os.uname()[4] == "x86_64":
            problem = "is built for Intel processors"
        elif "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")):
            problem = "is built for musl, TensorFlow for glibc"
        elif sysconfig.get_config_var("Py_GIL_DISABLED"):
            problem = "is a free-threaded build"
    except ImportError:
        problem = "is incomplete: %s" % sys.exc_info()[1]
print("%d.%d %s" % (sys.version_info[0], sys.version_info[1], problem))
'
# PYTHONHOME and PYTHONPATH may lead to another Python's modules.
unset PYTHONHOME PYTHONPATH

path_folders() { printf '%s\n' "$PATH" | tr : '\n'; }

on_path() {  # on_path NAME...: every program of that name, not the first alone
    for name; do
        path_folders | while IFS= read -r folder; do
            [ -x "$folder/$name" ] && printf '%s\n' "$folder/$name"
        done
    done
}

pyenv_roots() {
    printf '%s\n' "${PYENV_ROOT:-}" "${HOME:-}/.pyenv"
    # Both of these can be on PATH while HOME is another, or empty.
    path_folders | while IFS= read -r folder; do
        case $folder in
            */shims) printf '%s\n' "${folder%/shims}" ;;
            */bin) [ -x "$folder/pyenv" ] && printf '%s\n' "${folder%/bin}" ;;
        esac
    done
}

conda_roots() {
    printf '%s\n' "${CONDA_PREFIX:-}"
    conda=$(command -v conda) && "$conda" info --base 2>/dev/null </dev/null
    for name in miniconda3 anaconda3 miniforge3 mambaforge micromamba .conda; do
        printf '%s\n' "${HOME:-}/$name"
    done
}

candidates() {  # candidates VERSION: files that may be such a Python, best first
    on_path "python$1" python3 python
    pyenv_roots | while IFS= read -r root; do
        [ -n "$root" ] && printf '%s\n' "$root"/versions/*/bin/"python$1"
    done
    for folder in "$PWD/.python" "${UV_PYTHON_INSTALL_DIR:-}" \
        "${XDG_DATA_HOME:-${HOME:-}/.local/share}/uv/python"; do
        [ -n "$folder" ] && printf '%s\n' "$folder"/*/bin/"python$1"
    done
    uv=$(command -v uv) &&
        UV_PYTHON_DOWNLOADS=never "$uv" python find --no-project --system "$1" 2>/dev/null </dev/null
    conda_roots | while IFS= read -r root; do
        [ -n "$root" ] && printf '%s\n' "$root/bin/python$1" "$root"/envs/*/bin/"python$1"
    done
}

rejected=
suits() {  # suits FILE VERSIONS: is it a working Python of one of these versions?
    [ -f "$1" ] && [ -x "$1" ] || return 1
    answer=$("$1" -c "$probe" 2>/dev/null </dev/null) || return 1
    python_version=${answer%% *}
    problem=${answer#* }
    case " $2 " in *" $python_version "*) ;; *) return 1 ;; esac
    [ "$problem" = ok ] && return 0
    case $rejected in
        *"$1 $problem"*) ;;
        *) rejected="$rejected; $1 $problem" ;;
    esac
    return 1
}

find_python() {  # find_python NAME VERSIONS: sets python, or fails
    # A here-document, since the loop after a pipe could not set a variable.
    while IFS= read -r python; do
        suits "$python" "$2" && return 0
    done <<END
$(candidates "$1")
END
    return 1
}

# --- Fetching a Python ------------------------------------------------------

last_line() { printf '%s\n' "$1" | tail -n 1; }

install_python() {  # install_python UV: the fetched version into .python; sets python, or why_not
    # INSTALL_BIN=0: no link in the user's own ~/.local/bin.
    output=$(UV_PYTHON_INSTALL_DIR="$PWD/.python" UV_PYTHON_INSTALL_BIN=0 \
        "$1" python install "$fetched" 2>&1 </dev/null) || {
        why_not="uv python install $fetched: $(last_line "$output")"
        return 1
    }
    for python in "$PWD"/.python/*/bin/"python$fetched"; do
        suits "$python" "$fetched" && return 0
    done
    why_not="uv python install $fetched left no working Python in .python"
    return 1
}

install_uv() {  # the locked uv into .uv-venv; sets why_not where it fails
    # What speaks against a newer Python says nothing of the wanted ones.
    rejected_wanted=$rejected rejected=
    find_python 3 '3.8 3.9 3.10 3.11 3.12 3.13 3.14 3.15 3.16 3.17 3.18' || {
        why_not="no Python 3.8 or newer to install uv with$rejected"
        rejected=$rejected_wanted
        return 1
    }
    rejected=$rejected_wanted
    output=$("$python" -m venv --clear .uv-venv 2>&1) &&
        output=$(pip_install .uv-venv "$requirements/uv.txt" 2>&1) || {
        why_not="installing uv: $(last_line "$output")"
        return 1
    }
}

fetch_python() {
    say "No $wanted found: fetching CPython $fetched into .python"
    # Set-ups of two environments may come here at the same time.
    if command -v flock >/dev/null && (: >>.uv-venv.lock) 2>/dev/null; then
        exec 8>.uv-venv.lock
        flock 8
    fi
    # Current versions of uv no longer offer 3.7; the locked one does.
    uv=$(command -v uv) && install_python "$uv" && return 0
    install_uv && install_python .uv-venv/bin/uv
}

# --- Making the environment -------------------------------------------------

# These would install outside of the environment, or something else.
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_CONSTRAINT PIP_REQUIREMENT PIP_EDITABLE PIP_PYTHON PIP_DRY_RUN
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1

pip_install() {  # pip_install VENV LOCK
    # --no-deps: the lock has everything. The :none: lift the user's own choices
    # of source or binary packages, which the locked ones may not have.
    "$1/bin/python" -m pip install --quiet --require-hashes --no-deps --no-build-isolation \
        --no-binary :none: --only-binary :none: -r "$2"
}

install_lock() {
    pip_install "$VENV" "$1" ||
        fail "pip could not install $1 (its message is above): look at the network, the proxy and the free disk space, then run this again"
}

install_extras() {  # install_extras VERSION
    for extra in $extras; do
        has_extra "$extra" "$1" && continue
        say "Adding what $extra needs to $VENV"
        install_lock "$(extra_lock "$extra" "$1")"
        extra_line "$extra" "$1" >>"$added" && echo >>"$added" ||
            fail "cannot write $added: look at the free disk space, then run this again"
    done
}

mkdir -p "$(dirname "$VENV")" && (: >>"$VENV.lock") 2>/dev/null ||
    fail "cannot write into $(dirname "$VENV"): make the folder writable, or give another with VENV=path"
# Two calls at once: the second waits, and then finds the work done.
if command -v flock >/dev/null; then
    exec 9>"$VENV.lock"
    flock -n 9 || {
        say "Another set-up of $VENV is running; waiting for it"
        flock 9
    }
fi
if is_ready; then
    install_extras "$made_version"
    exit 0
fi

# A folder that is not ours may hold what the user needs: nothing is removed.
if [ -e "$VENV" ] && [ ! -f "$state" ] && [ -n "$(ls -A "$VENV" 2>/dev/null)" ]; then
    fail "$VENV exists and was not made here: move it away, or give another folder with VENV=path"
fi

if [ -n "$given_python" ]; then
    python=$given_python
    python_version= problem='does not run'
    suits "$python" "$versions" || {
        [ "$problem" = ok ] && problem="is Python $python_version"
        fail "PYTHON=$PYTHON $problem, and a working $wanted is needed: give another, or leave PYTHON unset$or_tf2"
    }
else
    python=
    for version in $versions; do
        find_python "$version" "$version" && break
        python=
    done
    if [ -z "$python" ]; then
        fetched=${versions%% *}
        why_not='only 3.7 can be fetched'
        if [ "$fetched" = 3.6 ] || ! fetch_python; then
            fail "no working $wanted found${rejected:+ (}${rejected#; }${rejected:+)}, and none could be fetched ($why_not)." \
                "Install one (pyenv install $fetched; or conda create -n py$fetched python=$fetched; or python$fetched" \
                "and python$fetched-venv from the deadsnakes archive for Ubuntu)," \
                "then run this again, or with PYTHON=path$or_docker$or_tf2."
        fi
    fi
fi

# tensorflow-gpu==1.15.0, tensorflow==2.21.0, tensorflow[and-cuda]==2.21.0
tensorflow=$(sed -E -n 's/^tensorflow(-gpu|\[and-cuda\])?==([^ ]*).*/\2/p' "$(main_lock "$python_version")")
case $what in
    main) say "Installing TensorFlow $tensorflow and what it needs into $VENV (about $disk on disk, a few minutes)" ;;
    lint) say "Installing the lint tools into $VENV" ;;
    sbom) say "Installing cyclonedx-py into $VENV" ;;
esac

# What was added to the environment that is replaced comes back.
[ "$what" = main ] && [ -f "$added" ] && extras="$extras $(cut -d ' ' -f 1 "$added")"
locks=$(locks_hash "$python_version")
mkdir -p "$VENV" && echo incomplete >"$state" ||
    fail "cannot write into $VENV: make the folder writable, or give another with VENV=path"
# From nothing, so that no package of an older lock stays behind.
find "$VENV/" -mindepth 1 -maxdepth 1 ! -name "${state##*/}" -exec rm -rf {} + &&
    "$python" -m venv "$VENV" ||
    fail "$python could not make a virtual environment in $VENV (its message is above)"
install_lock "$(build_lock "$python_version")"
install_lock "$(main_lock "$python_version")"

case $what in
    main) try='import tensorflow; print(tensorflow.__version__)' expected=$tensorflow ;;
    lint) try='import flake8; print("works")' expected=works ;;
    sbom) try='import cyclonedx_py; print("works")' expected=works ;;
esac
output=$("$VENV/bin/python" -c "$try" 2>&1 </dev/null)
[ "$(last_line "$output")" = "$expected" ] ||
    fail "what was installed does not work: '$(last_line "$output")' instead of '$expected'; see $VENV/bin/python -c '$try'"

printf '%s %s %s %s\n' "$what" "$python_version" "$locks" "$python" >"$state.new" && mv "$state.new" "$state" ||
    fail "cannot write $state: look at the free disk space, then run this again"
install_extras "$python_version"
case $what in
    main)
        options=
        [ "$runtime" = tf1 ] || options=" RUNTIME=$runtime"
        [ "$VENV" = "$default_venv" ] || options="$options VENV=$VENV"
        say "Made $VENV: TensorFlow $tensorflow on Python $python_version${extras:+, with}$extras"
        say "Next: $VENV/bin/python -m cifar10_tf1.doctor (what is here), make demo$options (offline), make train$options" ;;
    *) say "Made $VENV. Next: make $what" ;;
esac
