#!/usr/bin/env bash
# Builds docker/Dockerfile's image with buildah, for this machine's architecture or for arm64 under QEMU, and runs the command
# in a container of it.
#
#     scripts/debian/image-test.sh arm64|amd64
#
# In place of the images that the Dockerfile names there are Debian systems, those that swift.sh says and a bare one. Needs a Debian machine and root (or sudo); installs buildah, whose store lies beside the systems while this runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  echo "usage: image-test.sh arm64|amd64" >&2
  exit 2
}

architecture=${1:-}
if [ "$(id -u)" -ne 0 ]; then
  exec sudo --preserve-env=ROOTS,SUITE,MIRROR "$PWD/scripts/debian/image-test.sh" "$@"
fi
# shellcheck source=scripts/debian/swift.sh
source scripts/debian/swift.sh

make_systems
[ -x /usr/bin/buildah ] || DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends buildah
export BUILDAH_ISOLATION=chroot
work=$(mktemp -d --tmpdir="$roots" image-XXXXXX)
store() {
  buildah --root "$work/store" --runroot "$work/run" "$@"
}
finish() {
  store rm --all > /dev/null || true
  rm -rf --one-file-system "$work"
}
trap finish EXIT

# An image of a system in a folder: make_image NAME ARCHITECTURE FOLDER
make_image() {
  local container
  container=$(store from --arch "$2" scratch)
  tar --directory="$3" --one-file-system --exclude='./src/*' --exclude='./foreign/*' --exclude='./tmp/*' --create . |
    tar --directory="$(store mount "$container")" --extract --preserve-permissions
  store config --arch "$2" "$container"
  store commit --quiet --rm "$container" "$1"
}

make_image compiler "$host" "$roots/$host"
[ "$root" = "$roots/$host" ] || make_image swift "$architecture" "$root"
bootstrap "$suite" "$work/bare" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
make_image bare "$architecture" "$work/bare"

# buildah, other than Docker, has to be told what it runs on.
options=(--platform "linux/$architecture" --build-arg "BUILDPLATFORM=linux/$host")
for folder in $(git_folders); do options+=(--volume "$folder:$folder:ro"); done
swift=localhost/swift
[ "$root" != "$roots/$host" ] || swift=localhost/compiler
store build "${options[@]}" --build-arg SWIFT_IMAGE=$swift \
  --build-arg COMPILER_IMAGE=localhost/compiler --build-arg RUNTIME_IMAGE=localhost/bare -t lowrank -f docker/Dockerfile .
store images lowrank

container=$(store from --arch "$architecture" --volume "$PWD/Examples/mnist:/models:ro" lowrank)
run() {
  store run --env QEMU_CPU="${cpu/native/}" --env OPENBLAS_NUM_THREADS=1 "$container" -- "$@"
}
run lowrank version
run lowrank selftest | tail -n 1
run lowrank compress /models/mnist.onnx --macs 0.5 -o smaller.onnx | tail -n 1
run lowrank evaluate smaller.onnx --images /models/test_images.npy --labels /models/test_labels.npy
echo "the image is built and works on $architecture, $SECONDS s"
