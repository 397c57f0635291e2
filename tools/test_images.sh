#!/usr/bin/env bash
# Builds the images of the current commit with a real Docker engine and types
# docker/README.md's own lines at them:
#
#   tools/test_images.sh               the first three of these
#   tools/test_images.sh tf1           docker/Dockerfile
#   tools/test_images.sh tf1-cpu       the same on a base without TensorFlow, with the
#                                      optional packages; by BuildKit if there is one
#   tools/test_images.sh tf2           docker/Dockerfile.tf2 without its CUDA packages
#   tools/test_images.sh tf2-cuda      docker/Dockerfile.tf2 as it is (20 GB of disk)
#
# TESTS="tests/install" runs these tests in the images instead of the quick suite. Root
# with Debian's docker.io and debootstrap gets an engine of its own, with all data under
# TMPDIR, and stand-ins for the base images: Debian with a copy of this machine's Python
# 3.6, 3.7 or 3.12 (PATH or pyenv). Others get the engine that answers, and the real ones.
#
# Exit status: 0 passed; 77 impossible here, in one line that says why.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { printf 'SKIPPED, no image was built or tested: %s\n' "$*" >&2; exit 77; }
fail() { printf 'test_images: %s: %s\n' "$target" "$*" >&2; exit 1; }
say() { printf -- '--- %s: %s (%s s)\n' "$target" "$*" "$SECONDS"; }
logged() { "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "$*"; }; }
expect() {  # expect TEXT PATTERN...
    local pattern
    for pattern in "${@:2}"; do
        grep -Eq -- "$pattern" <<<"$1" || fail "no '$pattern' in: $1"
    done
}

# --- The engine --------------------------------------------------------------

command -v docker >/dev/null || skip 'there is no docker (apt-get install docker.io)'
work=$(mktemp -d "${TMPDIR:-/tmp}/cifar-tf1-images.XXXXXX")
network=  # of a build; a run needs none
if [ "$(id -u)" = 0 ] && type dockerd debootstrap &>/dev/null; then
    network='--network host' PATH=/usr/bin:$PATH  # docker.io's own client has BuildKit
    export DOCKER_HOST=unix://$work/docker.sock
    dockerd --data-root "$work/data" --exec-root "$work/run" --pidfile "$work/pid" \
        --host "$DOCKER_HOST" --iptables=false --ip6tables=false --bridge=none \
        >"$work/engine.log" 2>&1 &
    engine=$!
    trap 'set +e; kill "$engine" 2>/dev/null; wait "$engine"; umount "$work"/run/netns/* 2>/dev/null
        rm -rf --one-file-system "$work"' EXIT
    for _ in {1..60}; do docker info >/dev/null 2>&1 && break || sleep 0.5; done
    docker info >/dev/null 2>&1 || skip "dockerd does not start: $(tail -n 1 "$work/engine.log")"
else
    trap 'set +e; rm -rf "$work"; docker volume rm --force cifar-tf1 full >/dev/null 2>&1' EXIT
    docker info >/dev/null 2>&1 ||
        skip 'no Docker engine answers; to start one takes root, docker.io and debootstrap'
    ! docker volume inspect cifar-tf1 >/dev/null 2>&1 ||
        skip 'this engine has a volume cifar-tf1, which may be yours'
fi

has_buildkit=0
DOCKER_BUILDKIT=1 docker build - <<<$'FROM scratch\nLABEL a=b' &>/dev/null && has_buildkit=1

readme() {  # readme PATTERN WORD...: types docker/README.md's first line with it, and the words
    local line
    line=$(grep -m 1 -E -- "^docker .*$1" docker/README.md) ||
        fail "docker/README.md has no line with $1"
    line="${line/ --gpus all/} ${*:2}"
    line=${line/#docker build/docker build $network}
    line=${line/#docker run/docker run ${run_options:---rm}}
    say "$line" >&2
    eval "$line" 2>&1
}

# --- Stand-ins for the base images -------------------------------------------

make_base() {  # make_base VERSION: Debian and a copy of a Python, with its libraries
    local prefix file
    prefix=$(for file in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python"$1"; do
        "$file" -c 'import ensurepip, ssl, sys; print(sys.base_prefix)' 2>/dev/null && break
    done) || skip "there is no Python $1 to copy into a base image"
    if [ ! -d "$work/root" ]; then
        logged debootstrap --variant=minbase \
            "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$work/root"
        mkdir -p "$work/root/etc/ssl/certs"  # this machine's, for its proxy
        cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/"
        printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$work/root/etc/pip.conf"
    fi
    rm -rf "$work/root/usr/local"
    mkdir "$work/root/usr/local"
    tar -C "$prefix" --exclude=__pycache__ --exclude=site-packages --exclude='lib/python*/test' \
        -cf - bin lib | tar -C "$work/root/usr/local" --no-same-owner -xf -
    ldd "$prefix/bin/python$1" "$prefix/lib/python$1"/lib-dynload/*.so |
        awk '$3 ~ "^/" {print $3}' | sort -u | xargs cp --dereference --no-clobber -t "$work/root/usr/lib/$(uname -m)-linux-gnu"
    tar -C "$work/root" -c . | docker import - python-of-this-machine >/dev/null
    cat >"$work/Dockerfile" <<END
FROM python-of-this-machine
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN ldconfig && ln -sf python$1 /usr/local/bin/python3 && ln -sf python3 /usr/local/bin/python \
    && python3 -m ensurepip
END
    # TensorFlow's image has a TensorFlow, another numpy than the lock's (this one fails if it
    # is imported), and a stub of the driver that the loader finds.
    [ "$target" != tf1 ] || cat >>"$work/Dockerfile" <<'END'
COPY requirements requirements
RUN sed -n '/^tensorflow-gpu==/,/# via/p' requirements/py36.txt >tensorflow.txt \
    && for lock in requirements/build-py36.txt tensorflow.txt; do \
        python3 -m pip install --no-cache-dir --no-deps --require-hashes -r $lock || exit 1; \
    done && cd /usr/local/lib/python3.6/site-packages && mkdir numpy numpy-1.17.3.dist-info \
    && echo 'raise ImportError("numpy of the base")' >numpy/__init__.py \
    && printf 'Metadata-Version: 2.1\nName: numpy\nVersion: 1.17.3\n' >numpy-1.17.3.dist-info/METADATA \
    && echo /stubs >/etc/ld.so.conf.d/z-cuda-stubs.conf
END
    # shellcheck disable=SC2086  # two words, or none
    DOCKER_BUILDKIT=0 logged docker build $network --file "$work/Dockerfile" --tag "$base" .
}

# --- What docker/README.md promises ------------------------------------------

size_of() { docker image inspect --format '{{.Size}}' "$1"; }

check_image() {  # check_image LOCK...: its size, its settings, its packages
    local added recorded locked package
    added=$((($(size_of "$image") - $(size_of "$base")) / 1000000))
    recorded=$(sed -n "s/^$image,.*,//p" docker/sizes.csv)
    say "it adds $added MB to its base; docker/sizes.csv says $recorded"
    ((added * 100 > recorded * 95 && added * 100 < recorded * 105)) || fail 'wrong by over 5 %'
    expect "$(docker image inspect "$image" --format '{{with .Config}}{{.User}} {{.WorkingDir}} {{
        .Cmd}} {{.Entrypoint}} {{.Volumes}}{{end}}')" \
        '^1000:1000 /opt/cifar-tf1 \[python train.py\] \[\] map\[\]$'
    locked=$(cd requirements && cat "${@/%/.txt}" | sed 's/\[[^]]*\]==/==/')
    for package in $(docker run --rm "$image" python -m pip list --local --format freeze |
        tr '[:upper:]_' '[:lower:]-'); do
        grep -q "^$package " <<<"$locked" || fail "$package is in the image, not in $*"
    done
    docker run --rm "$image" sh -c '[ ! -e /etc/ld.so.conf.d/z-cuda-stubs.conf ]' ||
        fail "the base's stub of the driver is still found"
}

check_doctor() {  # check_doctor PATTERN: all is well but for the data: status 3
    expect "$(readme 'cifar10_tf1.doctor$' || echo "status $?")" \
        "^OK +Python .*commit ${commit:0:12}" '^OK +TensorFlow' '^OK +Disk' \
        '^OK +GPU +no NVIDIA driver here' '^status 3$' "$1"
}

train=(--synthetic --epochs 2)  # of 100 steps
find_hash() { sed -n 's/^Weights at step 200: SHA-256 //p' <<<"$1" | grep .; }

check_interruptions() {  # stopped, killed, and gone on with: the weights of a whole run
    local whole output signal
    output=$(run_options='--rm --user 54321:54321' readme ' --read-only .*train.py$' "${train[@]}")
    whole=$(find_hash "$output") || fail "no hash at the end: $output"
    docker volume rm --force cifar-tf1 >/dev/null
    for signal in 'stop -t 60' kill; do
        run_options='--detach --name training' \
            logged readme '-v cifar-tf1:/data cifar-tf1 python train.py$' "${train[@]}"
        until docker exec training test -e /data/model/model.ckpt-100.index; do sleep 1; done
        say "docker $signal training"
        # shellcheck disable=SC2086  # an option of stop
        docker $signal training >/dev/null
        output="$(docker logs training 2>&1) status $(docker wait training)"
        docker rm training >/dev/null
        if [ "$signal" = kill ]; then
            expect "$output" 'status 137$'
        else
            expect "$output" 'Stopped at step 1[0-9][0-9];' 'status 143$'
        fi
    done
    output=$(readme '-v cifar-tf1:/data cifar-tf1 python train.py$' "${train[@]}")
    [ "$(find_hash "$output")" = "$whole" ] || fail "a whole run has other weights, $whole: $output"
    expect "$(readme '-v cifar-tf1:/data cifar-tf1 python test.py$' --synthetic)" \
        'Test : Accuracy = [0-9]+/2000'
    expect "$(docker run --rm -v cifar-tf1:/data cifar-tf1 cat /data/model/run.json)" \
        "\"commit\": \"$commit\""
}

check_refusal() {  # check_refusal PATTERN OPTION...: a failure in a line, without a stack trace
    local output
    say "docker run ${*:2} cifar-tf1 python train.py"
    ! output=$(docker run --rm "${@:2}" cifar-tf1 python train.py "${train[@]}" 2>&1) ||
        fail "it trained: $output"
    expect "$output" "$1"
    ! grep -q Traceback <<<"$output" || fail "a stack trace: $output"
}

check_surroundings() {
    run_options='--rm --cpus 1' check_doctor 'Processor .* 1 core '
    mkdir data rooted
    chown 12345:12345 data
    (id() { echo 12345; }; readme ' --user .*train.py$' --synthetic --max-steps 2)
    expect "$(stat --format %u data/model/run.json)" '^12345$'
    check_refusal '/data.*(volume|--user)' -v "$PWD/rooted:/data"
    docker volume create --opt type=tmpfs --opt device=tmpfs \
        --opt o=size=36m,mode=1777 full >/dev/null
    check_refusal '[Ss]pace' -v full:/data
    docker volume rm full >/dev/null
    check_refusal '[Mm]emory' --memory 150m --memory-swap 150m
}

check_extras() {
    readme '-v cifar-tf1:/data cifar-tf1 python train.py$' --synthetic --max-steps 5
    readme cifar10_tf1.predict
    readme cifar10_tf1.report || [ $? = 4 ]  # five steps are too few for the band
    readme cifar10_tf1.export
    docker run --rm -v cifar-tf1:/data cifar-tf1 sh -c 'cd /data &&
        test -s out.png -a -s report.html -a -s export.onnx && tensorboard --version_tb'
}

# --- The images --------------------------------------------------------------

[ $# -gt 0 ] || set -- tf1 tf1-cpu tf2
commit=$(git rev-parse HEAD)
for target; do
    # As a checkout that only its owner can read.
    (umask 077 && git clone --quiet . "$work/$target")
    cd "$work/$target"
    export DOCKER_BUILDKIT=0
    case $target in
        tf1) base=tensorflow/tensorflow:1.15.0-gpu-py3 python=3.6 image=cifar-tf1
            locks=(build-py36 image-py36) ;;
        tf1-cpu) base=python:3.7-slim python=3.7 image=cifar-tf1:cpu DOCKER_BUILDKIT=$has_buildkit
            locks=(build-py37 py37 pictures-py37 onnx-py37) ;;
        tf2 | tf2-cuda) base=python:3.12-slim-bookworm python=3.12 image=cifar-tf1:$target
            locks=(build-tf2 "$target") ;;
        *) fail 'give tf1, tf1-cpu, tf2 or tf2-cuda' ;;
    esac
    if [ -n "$network" ]; then
        say "make a stand-in for $base"
        make_base "$python"
    fi
    logged readme "build .*-t $image "
    check_image "${locks[@]}"
    docker tag "$image" cifar-tf1  # as docker/README.md's further lines name it
    check_doctor 'Data +no CIFAR-10 in /data/cifar10'
    if [ "$target" = tf1-cpu ]; then
        check_extras
    else
        readme ' pytest$' -q -n 2 --dist loadfile "${TESTS:-}"
        check_interruptions
        check_surroundings
    fi
    docker volume rm --force cifar-tf1 >/dev/null
    say passed
done
