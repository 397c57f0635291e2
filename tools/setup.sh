#!/bin/sh
# Makes the environment that `make train` and `make test` run in: a virtual
# environment with TensorFlow 1.15 and what it needs, from locks with hashes.
#
#   tools/setup.sh          the environment for training and testing, in .venv
#   tools/setup.sh lint     the one for `make lint`, in .venv-lint
#
# A second call finds the first one's work and does nothing. What can be set, in
# the environment or as `make setup NAME=value`:
#
#   PYTHON           the Python to use, and no other; a path or a program's name
#   PYTHON_VERSION   3.7 or 3.6; unset: 3.7 where there is one, else 3.6
#   VENV             the environment's folder, relative to the project
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

# The name of a folder or program is the caller's; all others are the project's.
given_python=
if [ -n "${PYTHON:-}" ]; then
    given_python=$(command -v "$PYTHON") ||
        fail "PYTHON=$PYTHON: no such program; give the path of a Python 3.7 or 3.6, or leave PYTHON unset"
    case $given_python in
        /*) ;;
        *) given_python=$PWD/$given_python ;;
    esac
fi

cd "$(dirname "$0")/.." || exit 1

what=${1:-main}
case $what in
    main) VENV=${VENV:-.venv} ;;
    lint) VENV=${VENV:-.venv-lint} ;;
    *) usage "unknown argument '$what': give none, or 'lint'" ;;
esac
VENV=${VENV%/}
[ -n "$VENV" ] || usage "VENV=/ cannot be the environment's folder"

# python:3.7 Docker images set PYTHON_VERSION to all three numbers: allow these.
case ${PYTHON_VERSION:-} in
    '') versions='3.7 3.6' ;;
    3.7 | 3.7.*) versions=3.7 ;;
    3.6 | 3.6.*) versions=3.6 ;;
    *) usage "PYTHON_VERSION=$PYTHON_VERSION: TensorFlow 1.15 runs on 3.7 and 3.6; give one of these, or leave it empty" ;;
esac
wanted="Python $(printf '%s' "$versions" | sed 's/ / or /')"

# --- What TensorFlow 1.15 cannot do without ---------------------------------

# Without these checks: "no matching distribution", or "Illegal instruction".
system=${CIFAR_TF1_SYSTEM:-$(uname -s)}
machine=${CIFAR_TF1_MACHINE:-$(uname -m)}
cpuinfo=${CIFAR_TF1_CPUINFO:-/proc/cpuinfo}
case $machine in
    x86_64 | amd64) ;;
    *) fail "this machine is $machine, and TensorFlow 1.15 exists for x86-64 only: use an x86-64 machine" ;;
esac
[ "$system" = Linux ] ||
    fail "this system is $system, and the locked packages are for Linux: use Linux, or the Docker image (docker/Dockerfile)"
if [ -r "$cpuinfo" ] && ! grep -qw avx "$cpuinfo"; then
    fail "this CPU has no AVX, which TensorFlow 1.15 needs: use another machine (a virtual one must pass its host's AVX on)"
fi

# --- Is the work done already? ----------------------------------------------

requirements=${CIFAR_TF1_REQUIREMENTS:-requirements}
# Marks the environment as made here. It reads "incomplete" until all is
# installed, then says what was installed: use, Python, hash of the locks.
state=$VENV/cifar-tf1-setup

build_lock() { printf '%s/build-py%s.txt' "$requirements" "$(printf %s "$1" | tr -d .)"; }
main_lock() {
    case $what in
        main) printf '%s/py%s.txt' "$requirements" "$(printf %s "$1" | tr -d .)" ;;
        lint) printf '%s/lint-py%s.txt' "$requirements" "$(printf %s "$1" | tr -d .)" ;;
    esac
}
locks_hash() { cat "$(build_lock "$1")" "$(main_lock "$1")" | sha256sum | cut -d ' ' -f 1; }

is_ready() {
    # -x is false for a link to a Python that has since been removed.
    [ -f "$state" ] && [ -x "$VENV/bin/python" ] || return 1
    read -r made_what made_version made_hash made_python <"$state" || return 1
    case " $versions " in *" $made_version "*) ;; *) return 1 ;; esac
    [ "$made_what" = "$what" ] && [ "$made_hash" = "$(locks_hash "$made_version")" ] || return 1
    [ -z "$given_python" ] || [ "$made_python" = "$given_python" ]
}

is_ready && exit 0

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
        import ctypes, ensurepip, ssl, sysconfig, venv, zlib
        if sys.implementation.name != "cpython":
            problem = "is not CPython"
        elif "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")):
            problem = "is built for musl, TensorFlow for glibc"
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

install_python() {  # install_python UV: CPython 3.7 into .python; sets python, or why_not
    # INSTALL_BIN=0: no link in the user's own ~/.local/bin.
    output=$(UV_PYTHON_INSTALL_DIR="$PWD/.python" UV_PYTHON_INSTALL_BIN=0 \
        "$1" python install 3.7 2>&1 </dev/null) || {
        why_not="uv python install 3.7: $(last_line "$output")"
        return 1
    }
    for python in "$PWD"/.python/*/bin/python3.7; do
        suits "$python" 3.7 && return 0
    done
    why_not="uv python install 3.7 left no working Python in .python"
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
    say "No $wanted found: fetching CPython 3.7 into .python"
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

mkdir -p "$(dirname "$VENV")" && (: >>"$VENV.lock") 2>/dev/null ||
    fail "cannot write into $(dirname "$VENV"): make the folder writable, or give another with VENV=path"
# Two calls at once: the second waits, and then finds the work done.
if command -v flock >/dev/null; then
    exec 9>"$VENV.lock"
    flock -n 9 || {
        say "Another set-up of $VENV is running; waiting for it"
        flock 9
    }
    is_ready && exit 0
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
        fail "PYTHON=$PYTHON $problem, and a working $wanted is needed: give another, or leave PYTHON unset"
    }
else
    python=
    for version in $versions; do
        find_python "$version" "$version" && break
        python=
    done
    why_not='only 3.7 can be fetched'
    if [ -z "$python" ]; then
        case $versions in
            3.7*) fetch_python ;;
            *) false ;;
        esac || fail "no working $wanted found${rejected:+ (}${rejected#; }${rejected:+)}, and none could be fetched ($why_not)." \
            "Install one (pyenv install 3.7; or conda create -n py37 python=3.7; or python3.7 and python3.7-venv" \
            "from the deadsnakes archive for Ubuntu), then run this again, or with PYTHON=path." \
            "The Docker image (docker/Dockerfile) needs none."
    fi
fi

# Measured: 1,457 MB with Python 3.7, 1,452 MB with 3.6, one to two minutes.
tensorflow=$(sed -n 's/^tensorflow-gpu==\([^ ]*\).*/\1/p' "$(main_lock "$python_version")")
case $what in
    main) say "Installing TensorFlow $tensorflow and what it needs into $VENV (about 1.4 GB on disk, a few minutes)" ;;
    lint) say "Installing the lint tools into $VENV" ;;
esac

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
esac
output=$("$VENV/bin/python" -c "$try" 2>&1 </dev/null)
[ "$(last_line "$output")" = "$expected" ] ||
    fail "what was installed does not work: '$(last_line "$output")' instead of '$expected'; see $VENV/bin/python -c '$try'"

printf '%s %s %s %s\n' "$what" "$python_version" "$locks" "$python" >"$state.new" && mv "$state.new" "$state" ||
    fail "cannot write $state: look at the free disk space, then run this again"
