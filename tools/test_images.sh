#!/usr/bin/env bash
# Builds the images where there is no Docker engine and no registry, on stand-ins
# for their base images (tools/standin_base.sh), and tries what docker/README.md
# says they do:
#
#   tools/test_images.sh               the first three of these
#   tools/test_images.sh tf1           docker/Dockerfile, with SOURCE_DATE_EPOCH
#   tools/test_images.sh tf1-cpu       the same on a base without TensorFlow, with
#                                      the optional packages; without the quick suite
#   tools/test_images.sh tf2           docker/Dockerfile.tf2 without its CUDA packages
#   tools/test_images.sh tf2-cuda      docker/Dockerfile.tf2 as it is (20 GB of disk)
#
# Needs root, buildah and debootstrap of Debian, and the Pythons. Everything lies
# in a folder of its own under TMPDIR, which is gone afterwards.
#
# Exit status: 0 all passed; 77 it can't be done here, in one line that says why.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { printf 'SKIPPED, no image was built or tested: %s\n' "$*" >&2; exit 77; }
fail() { printf 'test_images: %s\n' "$*" >&2; exit 1; }
say() { printf -- '--- %s: %s (%s s)\n' "$runtime" "$*" "$SECONDS"; }

[ "$(id -u)" = 0 ] || skip 'this needs root'
for program in buildah debootstrap; do
    command -v "$program" >/dev/null || skip "there is no $program (apt-get install $program)"
done
unshare --mount --pid --fork --mount-proc true 2>/dev/null ||
    skip 'this system allows no further mounts'

work=$(mktemp -d "${TMPDIR:-/tmp}/cifar-tf1-images.XXXXXX")
# One file system: what should still be mounted is not emptied.
trap 'rm -rf --one-file-system "$work"' EXIT
mknod "$work/null" c 1 3 2>/dev/null || skip 'this system allows no device files'

# vfs and chroot isolation work without privileges that containers seldom have.
# vfs copies the whole root for each layer, so as few as can be are made.
buildah() {
    command buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"
}

# --- Building ----------------------------------------------------------------

megabytes() { du -s --block-size=1MB "$1" | cut -f 1; }

make_base() {  # the image localhost/base and the folder wheels; sets base_size
    local container
    container=$(buildah from scratch)
    base=$(buildah mount "$container")
    tools/standin_base.sh "$runtime" "$base" "$work/wheels"
    base_size=$(megabytes "$base")
    buildah config --env PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit --quiet --rm "$container" localhost/base >/dev/null
}

# What a fresh clone holds, and readable for its owner only, as umask 077 makes it.
make_context() {
    mkdir "$work/context"
    git ls-files -z | tar --null --files-from=- --ignore-failed-read -cf - 2>/dev/null |
        tar -C "$work/context" -xf -
    chmod -R go= "$work/context"
}

build() {  # build DOCKERFILE OPTION...: the image localhost/cifar-tf1
    local dockerfile=$1
    shift
    # The packages are those that standin_base.sh has fetched: see there.
    printf '[global]\nno-index = true\nfind-links = /wheels\n' >"$work/pip.conf"
    buildah bud --isolation chroot --format docker --layers=false --pull-never \
        --volume "$work/wheels:/wheels:ro" --volume "$work/pip.conf:/etc/pip.conf:ro" \
        --build-arg BASE_IMAGE=localhost/base --build-arg REVISION="$commit" "$@" \
        --file "$work/context/$dockerfile" --tag localhost/cifar-tf1 "$work/context"
}

# --- Running -----------------------------------------------------------------

run() {  # run OPTION... -- COMMAND...: as `docker run OPTION... cifar-tf1 COMMAND...`
    local options=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    buildah run --isolation chroot "${options[@]}" "$container" "$@"
}

new_volume() {  # as a new named volume, which takes over what the image has there
    rm -rf "$work/data"
    cp -a "$root/data" "$work/data"
}

new_folder() {  # new_folder OWNER: as a folder of the user's own, with -v
    rm -rf "$work/data"
    install -d -m 755 -o "${1%:*}" -g "${1#*:}" "$work/data"
}

train=(python train.py --synthetic --max-steps 5)
evaluate=(python test.py --synthetic)

check_training() {  # check_training COMMAND...: runs it before train.py and test.py
    local output
    output=$("$@" "${train[@]}" 2>&1) || fail "train.py: $output"
    echo "$output"
    [ "$(grep -c '^Device: CPU (no NVIDIA driver here' <<<"$output")" = 1 ] ||
        fail 'the CPU is not said in one line'
    output=$("$@" "${evaluate[@]}" 2>&1) || fail "test.py: $output"
    echo "$output"
    [[ $output == *'Test : Accuracy = '*/2000* ]] || fail 'test.py tested nothing'
    [ -f "$work/data/model/model.ckpt-5.index" ] || fail 'no checkpoint in the volume'
    grep -q "\"commit\": \"$commit\"" "$work/data/model/run.json" ||
        fail "run.json does not name the commit $commit"
}

# All is well but for the data, which is still to come: status 3.
check_doctor() {  # check_doctor COMMAND...: runs it before the doctor
    local output line
    output=$("$@" sh -c 'python -m cifar10_tf1.doctor; echo "status $?"' 2>&1) || fail "the doctor: $output"
    echo "$output"
    for line in "OK +Program +commit ${commit:0:12}" 'OK +TensorFlow +tensorflow' \
        'OK +GPU +no NVIDIA driver here' 'WARN +Data +no CIFAR-10 in /data/cifar10$' \
        'OK +Writing +the model folder /data/model' 'OK +Threads +[0-9]+ cores to use' 'status 3$'; do
        grep -Eq "^$line" <<<"$output" || fail "the doctor does not say: $line"
    done
    output=$("$@" sh -c 'python -m cifar10_tf1.doctor --json; [ $? = 3 ]') ||
        fail "the doctor's --json has another status"
    "$@" python -c 'import json, sys; assert json.loads(sys.argv[1])["verdict"] == "WARN"' \
        "$output" || fail "the doctor's --json: $output"
}

# Before any training: the checkpoint of record, whole.
check_checkpoint_of_record() {  # ... COMMAND...: runs it before the fingerprint
    local output
    output=$("$@" python -m cifar10_tf1.fingerprint 2>&1) || fail "fingerprint: $output"
    echo "$output"
    grep -q "\"sha256\": \"$(tail -n 1 <<<"$output" | cut -d ' ' -f 1)\"" \
        results/runs/deep_cnn/1.15-seed-01/run.json || fail 'this is not the checkpoint of record'
}

# As `docker run --read-only --user 54321:54321 -v FOLDER:/data`, without tmpfs,
# as process 1.
run_read_only() {
    local environment=() line
    while IFS= read -r line; do
        [ -n "$line" ] && environment+=("$line")
    done <<<"$(buildah inspect --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$container")"
    # shellcheck disable=SC2016  # for the inner shell
    unshare --mount --pid --fork --kill-child sh -c '
        set -e
        root=$1 data=$2
        shift 2
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount --bind /dev "$root/dev"
        mount --bind "$data" "$root/data"
        mount -o remount,bind,ro "$root"
        exec chroot --userspec=54321:54321 "$root" /usr/bin/env -i "$@"
    ' sh "$root" "$work/data" "${environment[@]}" \
        /bin/sh -c 'cd /opt/cifar-tf1 && exec "$@"' sh "$@"
}

check_size() {  # the README's table has the record's numbers
    local added recorded
    added=$(($(megabytes "$root") - base_size))
    say "it adds $added MB to its base of $base_size MB"
    recorded=$(sed -n "s/^$image,.*,//p" docker/sizes.csv)
    ((added * 100 > recorded * 95 && added * 100 < recorded * 105)) ||
        fail "docker/sizes.csv says $recorded MB"
}

check_configuration() {  # what `docker run` would take from the image
    buildah inspect --type image --format \
        '{{with .Docker.Config}}{{.User}} {{.WorkingDir}} {{.Cmd}} {{.Entrypoint}} {{.Volumes}}{{end}}' \
        localhost/cifar-tf1 >"$work/configuration"
    grep -qx '1000:1000 /opt/cifar-tf1 \[python train.py\] \[\] map\[\]' "$work/configuration" ||
        fail "user, folder, command, entry point or volumes: $(cat "$work/configuration")"
}

check_packages() {  # check_packages LOCK...: of the environment, all are locked
    local package locked installed
    locked=$(cd requirements && cat "${@/%/.txt}" | sed 's/\[[^]]*\]==/==/')
    installed=$(run -- python -m pip freeze --local --all | tr '[:upper:]_' '[:lower:]-')
    [ "$(wc -l <<<"$installed")" -gt 30 ] || fail "packages: $installed"
    for package in $installed; do
        grep -q "^$package " <<<"$locked" || fail "$package is in the image, not in $*"
    done
}

# What is compiled from another state of its source is compiled again at each start,
# since the image's user can't write. Python writes time or hash of the source.
check_compiled() {
    run -- python -c '
import glob, importlib.util, os, struct, sys
def is_current(path):
    with open(path, "rb") as file:
        header = file.read(16)
    source = importlib.util.source_from_cache(path)
    if sys.version_info >= (3, 7):
        if header[4] & 1:
            with open(source, "rb") as file:
                return header[8:] == importlib.util.source_hash(file.read())
        header = header[4:]
    return header[4:8] == struct.pack("<L", int(os.stat(source).st_mtime) & 0xffffffff)
paths = glob.glob("/opt/venv/**/*.pyc", recursive=True)
stale = [path for path in paths if not is_current(path)]
print(len(paths), "compiled files, of another source:", *stale)
sys.exit(bool(stale) or len(paths) < 1000)' || fail 'what is compiled is not of its source'
}

check_extras() {  # the commands that need them, on a volume with a model
    local output name
    output=$(run --volume "$work/data:/data" -- sh -c '
        set -ex
        python -m cifar10_tf1.predict docs/sample.png --figure /data/figure.png
        status=0; python -m cifar10_tf1.report || status=$?
        [ "$status" = 0 ] || [ "$status" = 4 ]  # 4: five steps are too few for the band
        python -m cifar10_tf1.export --output /data/export --onnx /data/export.onnx
        tensorboard --version_tb' 2>&1) || fail "the optional packages: $output"
    echo "$output"
    for name in figure.png model/report.html export/saved_model.pb export.onnx; do
        [ -s "$work/data/$name" ] || fail "no $name"
    done
}

finish() {
    say 'passed'
    buildah rm --all >/dev/null
    buildah rmi --all --force >/dev/null
    rm -rf --one-file-system "$work/wheels" "$work/data"
}

# --- The images --------------------------------------------------------------

[ $# -gt 0 ] || set -- tf1 tf1-cpu tf2
make_context
commit=$(git rev-parse HEAD)
epoch=$(git log -1 --format=%ct)
for runtime; do
    case $runtime in
        tf1) image=cifar-tf1 dockerfile=docker/Dockerfile locks=(build-py36 image-py36)
            options=(--timestamp "$epoch" --build-arg SOURCE_DATE_EPOCH="$epoch") ;;
        tf1-cpu) image=cifar-tf1:cpu dockerfile=docker/Dockerfile
            locks=(build-py37 py37 pictures-py37 onnx-py37)
            options=(--build-arg EXTRAS='pictures onnx') ;;
        tf2) image=cifar-tf1:tf2 dockerfile=docker/Dockerfile.tf2 locks=(build-tf2 tf2)
            options=(--build-arg RUNTIME=tf2) ;;
        tf2-cuda) image=cifar-tf1:tf2-cuda dockerfile=docker/Dockerfile.tf2 locks=(build-tf2 tf2-cuda)
            options=() ;;
        *) fail "$runtime: give tf1, tf1-cpu, tf2 or tf2-cuda" ;;
    esac
    say 'make a stand-in for the base image'
    make_base
    say "build $dockerfile"
    build "$dockerfile" "${options[@]}"
    container=$(buildah from --pull-never localhost/cifar-tf1)
    root=$(buildah mount "$container")
    check_size
    check_configuration
    check_packages "${locks[@]}"
    check_compiled
    say 'without a driver, none is found'
    run -- python -c '
import ctypes
try:
    ctypes.CDLL("libcuda.so.1")
except OSError:
    print("libcuda.so.1 does not load")' | grep . || fail 'libcuda.so.1 loads, and there is no driver'
    if [ "$runtime" = tf2-cuda ]; then
        say 'the guard finds the libraries of CUDA, for the oldest card too'
        run -- python -c '
from cifar10_tf1.cuda import driver, libraries, support
wanted = support.TENSORFLOW_2
found = libraries.look_for(wanted)
print(found)
assert libraries.find_fault(found, driver.Card("0", "", wanted.lowest), wanted) is None' ||
            fail 'the CUDA packages are not what the guard looks for'
    fi
    if [ "$runtime" != tf1-cpu ]; then
        say 'pytest'
        run -- pytest -q -n 2 --dist loadfile || fail 'pytest'
    fi
    say 'a new volume: the doctor, train.py, test.py, the doctor'
    new_volume
    check_doctor run --volume "$work/data:/data" --
    check_checkpoint_of_record run --volume "$work/data:/data" --
    check_training run --volume "$work/data:/data" --
    check_doctor run --volume "$work/data:/data" --
    if [ "$runtime" = tf1-cpu ]; then
        say 'predict, report, export --onnx'
        check_extras
        finish
        continue
    fi
    say 'a folder of the user 12345, who has no name in the image'
    new_folder 12345:12345
    check_training run --user 12345:12345 --volume "$work/data:/data" --
    say 'a root that is read-only, but for the volume; a user without a name; as process 1'
    new_volume
    # shellcheck disable=SC2016  # for the inner shell
    run_read_only sh -c '! touch /tmp/file && touch /data/file "$CUDA_CACHE_PATH/file"' ||
        fail 'the root is not read-only, or the volume is'
    check_doctor run_read_only
    check_training run_read_only
    finish
done
