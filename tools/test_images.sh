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
# TESTS="tests/install" runs these tests in the images instead of the quick suite.
#
# As root with Debian's docker.io and debootstrap: starts an engine of its own, with all
# data under TMPDIR, and stand-ins for the base images: a bare Debian with a copy of this
# machine's Python 3.6, 3.7 or 3.12 (PATH or pyenv). Otherwise takes the engine that
# answers, with the real base images.
#
# Exit status: 0 passed; 77 impossible here, in one line that says why.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { printf 'SKIPPED, no image was built or tested: %s\n' "$*" >&2; exit 77; }
fail() { printf 'test_images: %s: %s\n' "$target" "$*" >&2; exit 1; }
say() { printf -- '--- %s: %s (%s s)\n' "$target" "$*" "$SECONDS"; }
logged() { "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "$*"; }; }
expect() { grep -Eq -- "$1" <<<"$2" || fail "no '$1' in: $2"; }  # expect PATTERN TEXT

# --- The engine --------------------------------------------------------------

command -v docker >/dev/null || skip 'there is no docker (apt-get install docker.io)'
work=$(mktemp -d "${TMPDIR:-/tmp}/cifar-tf1-images.XXXXXX")
is_ours=
if [ "$(id -u)" = 0 ] && command -v dockerd debootstrap >/dev/null; then
    is_ours=1
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

client=$(type -P docker)
for program in $(type -aP docker); do  # a newer client without buildx has no BuildKit
    printf 'FROM scratch\nLABEL a=b\n' >"$work/Dockerfile"
    if DOCKER_BUILDKIT=1 "$program" build --file "$work/Dockerfile" "$work" >/dev/null 2>&1; then
        buildkit_client=$program
        break
    fi
done

with=()  # further options of `docker run`
docker() {  # of docker/README.md's lines: without a card; the build has the machine's network
    local word words=()
    for word; do
        case $word in
            build) words+=(build ${is_ours:+--network host}) ;;
            run) words+=(run "${with[@]}") ;;
            --gpus | all) ;;
            *) words+=("$word") ;;
        esac
    done
    "$client" "${words[@]}"
}
readme() {  # readme PATTERN WORD...: the first such line of docker/README.md, and the words
    local line
    line=$(grep -m 1 -E -- "^docker .*$1" docker/README.md) || fail "docker/README.md has no line with $1"
    line+=" ${*:2}"
    say "$line" >&2
    eval "$line" 2>&1
}

# --- Stand-ins for the base images -------------------------------------------

make_debian() {  # this machine's release, bare, with this machine's certificates
    local suite mirror
    suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # shellcheck disable=SC2016  # apt's variables
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
        sed -n "s/^Debian $suite //p" | head -n 1)
    logged debootstrap --variant=minbase "$suite" "$work/root" "$mirror"
    mkdir -p "$work/root/etc/ssl/certs"
    cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/"
    printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$work/root/etc/pip.conf"
}

make_base() {  # make_base VERSION: Debian and a copy of a Python in /usr/local
    local prefix file
    prefix=$(for file in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python"$1"; do
        "$file" -c 'import ensurepip, ssl, sys; print(sys.base_prefix)' 2>/dev/null && break
    done) || skip "there is no Python $1 to copy into a base image"
    [ -d "$work/root" ] || make_debian
    rm -rf "$work/root/usr/local" "$work/context"
    mkdir -p "$work/root/usr/local" "$work/context"
    tar -C "$prefix" --exclude=__pycache__ --exclude=site-packages --exclude='lib/python*/test' \
        -cf - bin lib | tar -C "$work/root/usr/local" --no-same-owner -xf -
    ldd "$prefix/bin/python$1" "$prefix/lib/python$1"/lib-dynload/*.so |
        sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r file; do
        [ -e "$work/root$file" ] || [ "${file#"$prefix"}" != "$file" ] ||
            cp -L "$file" "$work/root/usr/lib/$(uname -m)-linux-gnu/"
    done
    tar -C "$work/root" -c . | docker import - python-of-this-machine >/dev/null
    {
        echo 'FROM python-of-this-machine'
        echo 'ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
        echo "RUN ldconfig && ln -sf python$1 /usr/local/bin/python3 \\"
        echo '    && ln -sf python3 /usr/local/bin/python && python3 -m ensurepip'
        [ "$target" != tf1 ] || cat <<'END'
# TensorFlow's image has a TensorFlow, another numpy than the lock's (this one fails if it is
# imported), and a stub of the driver that the loader finds.
COPY . .
RUN for lock in build-py36 tensorflow; do \
        python3 -m pip install --no-cache-dir --no-deps --require-hashes -r $lock.txt || exit 1; \
    done && cd /usr/local/lib/python3.6/site-packages && mkdir numpy numpy-1.17.3.dist-info \
    && echo 'raise ImportError("numpy of the base")' >numpy/__init__.py \
    && printf 'Metadata-Version: 2.1\nName: numpy\nVersion: 1.17.3\n' >numpy-1.17.3.dist-info/METADATA \
    && echo /stubs >/etc/ld.so.conf.d/z-cuda-stubs.conf
END
    } >"$work/Dockerfile"
    cp requirements/build-py36.txt "$work/context"
    sed -n '/^tensorflow-gpu==/,/# via/p' requirements/py36.txt >"$work/context/tensorflow.txt"
    logged docker build --file "$work/Dockerfile" --tag "$base" "$work/context"
}

# --- What docker/README.md promises ------------------------------------------

size_of() { docker image inspect --format '{{.Size}}' "$1"; }

check_image() {  # check_image LOCK...: its size, its settings, its packages
    local added locked package
    added=$((($(size_of "$image") - $(size_of "$base")) / 1000000))
    say "it adds $added MB to its base"
    sed -n "s/^$image,.*,//p" docker/sizes.csv |
        awk -v added="$added" '{exit !(added > $1 * .95 && added < $1 * 1.05)}' ||
        fail "docker/sizes.csv does not say $added MB"
    expect '^1000:1000 /opt/cifar-tf1 \[python train.py\] \[\] map\[\]$' "$(
        docker image inspect "$image" --format '{{with .Config}}{{.User}} {{.WorkingDir}} {{
            .Cmd}} {{.Entrypoint}} {{.Volumes}}{{end}}')"
    locked=$(cd requirements && cat "${@/%/.txt}" | sed 's/\[[^]]*\]==/==/')
    for package in $(docker run "$image" python -m pip list --local --format freeze |
        tr '[:upper:]_' '[:lower:]-'); do
        grep -q "^$package " <<<"$locked" || fail "$package is in the image, not in $*"
    done
    docker run "$image" sh -c '[ ! -e /etc/ld.so.conf.d/z-cuda-stubs.conf ]' ||
        fail "the base's stub of the driver is still found"
}

check_doctor() {  # check_doctor PATTERN: all is well but for the data: status 3
    local output
    output=$(readme 'cifar10_tf1.doctor$' || echo "status $?")
    for pattern in "^OK +Python .*commit ${commit:0:12}" '^OK +TensorFlow' '^OK +Disk' \
        '^OK +GPU +no NVIDIA driver here' '^status 3$' "$1"; do
        expect "$pattern" "$output"
    done
}

train=(--synthetic --epochs 2)  # of 100 steps
find_hash() { sed -n 's/^Weights at step 200: SHA-256 //p' <<<"$1" | grep .; }

check_interruptions() {  # stopped, killed, and gone on with: the weights of a whole run
    local whole output
    with=(--rm --user 54321:54321)
    whole=$(find_hash "$(readme ' --read-only .*train.py$' "${train[@]}")") || fail 'no hash at the end'
    docker volume rm --force cifar-tf1 >/dev/null
    for signal in stop kill; do
        with=(--detach --name training)
        logged readme '-v cifar-tf1:/data cifar-tf1 python train.py$' "${train[@]}"
        until docker exec training test -e /data/model/model.ckpt-100.index; do sleep 1; done
        say "docker $signal training"
        if [ $signal = stop ]; then docker stop -t 60 training; else docker kill training; fi
        output="$(docker logs training 2>&1) $(docker wait training)"
        docker rm training >/dev/null
        [ $signal = kill ] || expect 'Stopped at step 1[0-9][0-9];' "$output"
        expect " $([ $signal = stop ] && echo 143 || echo 137)$" "$output"
    done
    with=(--rm)
    output=$(readme '-v cifar-tf1:/data cifar-tf1 python train.py$' "${train[@]}")
    [ "$(find_hash "$output")" = "$whole" ] || fail "a whole run has other weights, $whole: $output"
    expect 'Test : Accuracy = [0-9]+/2000' \
        "$(readme '-v cifar-tf1:/data cifar-tf1 python test.py$' --synthetic)"
    expect "\"commit\": \"$commit\"" \
        "$(docker run -v cifar-tf1:/data cifar-tf1 cat /data/model/run.json)"
}

check_refusal() {  # check_refusal PATTERN OPTION...: a failure in a line, without a stack trace
    local output
    say "docker run ${*:2} cifar-tf1 python train.py"
    ! output=$(docker run "${@:2}" cifar-tf1 python train.py "${train[@]}" 2>&1) ||
        fail "it trained: $output"
    expect "$1" "$output"
    ! grep -q Traceback <<<"$output" || fail "a stack trace: $output"
}

check_surroundings() {
    with=(--rm --cpus 1)
    check_doctor 'Processor .* 1 core '
    with=(--rm)
    rm -rf data rooted  # of the image before
    mkdir data rooted
    chown 12345:12345 data
    (id() { echo 12345; }; readme ' --user .*train.py$' --synthetic --max-steps 2)
    expect '^12345$' "$(stat --format %u data/model/run.json)"
    check_refusal '/data.*(volume|--user)' -v "$PWD/rooted:/data"
    docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=36m,mode=1777 full >/dev/null
    check_refusal '[Ss]pace' -v full:/data
    docker volume rm full >/dev/null
    check_refusal '[Mm]emory' --memory 150m --memory-swap 150m
}

# --- The images --------------------------------------------------------------

[ $# -gt 0 ] || set -- tf1 tf1-cpu tf2
commit=$(git rev-parse HEAD)
# As a checkout that only its owner can read.
(umask 077 && git clone --quiet . "$work/clone")
for target; do
    client=$(type -P docker)
    export DOCKER_BUILDKIT=0
    case $target in
        tf1) image=cifar-tf1 base=tensorflow/tensorflow:1.15.0-gpu-py3 python=3.6
            line='Dockerfile -t cifar-tf1 ' locks=(build-py36 image-py36) ;;
        tf1-cpu) image=cifar-tf1:cpu base=python:3.7-slim python=3.7
            line='-t cifar-tf1:cpu ' locks=(build-py37 py37 pictures-py37 onnx-py37)
            if [ -n "${buildkit_client:-}" ]; then client=$buildkit_client DOCKER_BUILDKIT=1; fi ;;
        tf2) image=cifar-tf1:tf2 base=python:3.12-slim-bookworm python=3.12
            line='-t cifar-tf1:tf2 ' locks=(build-tf2 tf2) ;;
        tf2-cuda) image=cifar-tf1:tf2-cuda base=python:3.12-slim-bookworm python=3.12
            line='-t cifar-tf1:tf2-cuda ' locks=(build-tf2 tf2-cuda) ;;
        *) fail 'give tf1, tf1-cpu, tf2 or tf2-cuda' ;;
    esac
    cd "$work/clone"
    if [ -n "$is_ours" ]; then
        say "make a stand-in for $base"
        make_base "$python"
    fi
    logged readme "build .*$line"
    with=(--rm)
    check_image "${locks[@]}"
    docker tag "$image" cifar-tf1  # as docker/README.md's further lines name it
    check_doctor 'Data +no CIFAR-10 in /data/cifar10'
    if [ "$target" = tf1-cpu ]; then
        readme '-v cifar-tf1:/data cifar-tf1 python train.py$' --synthetic --max-steps 5
        readme cifar10_tf1.predict
        readme cifar10_tf1.report || [ $? = 4 ]  # five steps are too few for the band
        readme cifar10_tf1.export
        docker run -v cifar-tf1:/data cifar-tf1 sh -c \
            'cd /data && test -s out.png -a -s report.html -a -s export.onnx && tensorboard --version_tb'
    else
        readme ' pytest$' -q -n 2 --dist loadfile "${TESTS:-}"
        check_interruptions
        check_surroundings
    fi
    docker volume rm --force cifar-tf1 >/dev/null
    say passed
done
