#!/usr/bin/env bash
# Holds the convolution kernels of every instruction set to their definitions in Double, on this machine and, compiled for
# arm64, under QEMU as three kinds of board: half a minute, where scripts/debian/arm64-test.sh builds and tests everything.
#
#     scripts/checks/kernel-check.sh [native] [arm64]      # both by default
#
# LOWRANK_TEST_ROUNDS asks for more rounds than the 96 of a short run, which then draw other shapes each time, by the clock;
# LOWRANK_TEST_SEED says which. The seed is printed.
#
# Needs Swift's clang; for arm64 it installs Debian's C library for arm64 and QEMU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install_for_arm64() {
  local package missing=() as_root=()
  for package in gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  ${as_root[@]+"${as_root[@]}"} apt-get update -q
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Swift's clang, the compiler that the package is built with.
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
[ -x "$clang" ] || clang=clang

compile() { # output, further arguments
  local output=$1
  shift
  "$clang" -std=c11 -O2 -Wall -Wextra -Werror "$@" -I Sources/CKernels/include \
    Tests/C/{kernels,kernel_definitions,winograd_definitions,activation_definitions}.c \
    Sources/CKernels/{scalar,avx2,avx512,neon,dispatch}.c -lm -o "$output"
  "$clang" -std=c11 -O2 -Wall -Wextra -Werror "$@" -I Sources/CKernels/include Tests/C/narrow.c \
    Sources/CKernels/{scalar,avx2,avx512,neon,dispatch,narrow_scalar,narrow_avx2,narrow_avx512,narrow_neon}.c -lm \
    -o "$output.narrow"
}

rounds=${LOWRANK_TEST_ROUNDS:-96}
seed=20261124
[ "$rounds" -le 96 ] || seed=$(date +%s)
run=("${LOWRANK_TEST_SEED:-$seed}" "$rounds")

[ $# -gt 0 ] || set -- native arm64
for target in "$@"; do
  case $target in
    native)
      compile "$work/native"
      "$work/native" "${run[@]}"
      "$work/native.narrow" "${run[@]}"
      ;;
    arm64)
      install_for_arm64 > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
      # The linker and the start files are the cross compiler's; its own library stands in for clang's.
      compile "$work/arm64" --target=aarch64-linux-gnu --sysroot=/ --gcc-toolchain=/usr -isystem /usr/aarch64-linux-gnu/include \
        -rtlib=libgcc --ld-path=/usr/bin/aarch64-linux-gnu-ld -static
      for cpu in cortex-a53 cortex-a72 neoverse-n1; do
        echo "$cpu:"
        qemu-aarch64-static -cpu "$cpu" "$work/arm64" "${run[@]}"
        qemu-aarch64-static -cpu "$cpu" "$work/arm64.narrow" "${run[@]}"
      done
      ;;
    *)
      echo "usage: kernel-check.sh [native] [arm64]" >&2
      exit 2
      ;;
  esac
done
