#!/usr/bin/env bash
# Builds the Debian packages or the Python wheel in a Debian system of its own, with Debian's Swift, for this machine's
# architecture or for arm64: compiled by this architecture's Swift, linked and packed under QEMU's user-mode emulation.
#
#     scripts/debian/build.sh arm64|amd64 debian|wheel [--out DIR]
#
#   --out   where the packages or the wheel go (dist)
#
# The system runs scripts/debian/packages.sh or scripts/wheel.sh. SUITE names its Debian release, unstable or trixie, which what is
# built then runs on: by default unstable for packages, and trixie for wheels, since auditwheel knows no newer C library than
# 2.41. Needs a Debian machine and root (or sudo); what systems there are and where they are kept, swift.sh says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  echo "usage: build.sh arm64|amd64 debian|wheel [--out DIR]" >&2
  exit 2
}

architecture=${1:-} what=${2:-} out=dist
case $what in
  debian) pack=(scripts/debian/packages.sh) ;;
  wheel)
    # Its trial is scripts/debian/wheel-test.sh's.
    pack=(scripts/wheel.sh --no-try)
    export SUITE=${SUITE:-trixie}
    ;;
  *) usage ;;
esac
if [ $# -eq 4 ] && [ "$3" = --out ]; then out=$4; elif [ $# -ne 2 ]; then usage; fi
if [ "$(id -u)" -ne 0 ]; then
  exec sudo --preserve-env=ROOTS,SUITE,MIRROR "$PWD/scripts/debian/build.sh" "$@"
fi
# shellcheck source=scripts/debian/swift.sh
source scripts/debian/swift.sh

scratch=.build-install built=.build-dist
make_systems
enter_compiler swift --version
enter_compiler scripts/products.sh $scratch "${compile[@]}"
rm -rf "${root:?}/src/$built"
enter "$cpu" env PRODUCTS=/src/$scratch/release OPENBLAS_NUM_THREADS=1 "${pack[@]}" --out $built --scratch-path $scratch
mkdir -p "$out"
cp "$root/src/$built"/*.* "$out/"
