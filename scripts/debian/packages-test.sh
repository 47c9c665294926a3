#!/usr/bin/env bash
# Tries the Debian packages in a bare Debian system of their own: installs them, runs the command on the example, builds and
# runs C programs, removes all and looks for what is left.
#
#     scripts/debian/packages-test.sh [DIR]
#
# DIR holds the packages, of this machine's architecture or another, which then runs under QEMU; without it scripts/debian/packages.sh
# builds them. SUITE names the Debian release, by default this machine's. Needs root (or sudo); installs mmdebstrap, and for
# a foreign architecture qemu-user-static.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

packages=${1:-$work/packages}
[ $# -gt 0 ] || scripts/debian/packages.sh --out "$packages"
if [ "$(id -u)" -ne 0 ]; then
  sudo --preserve-env=SUITE,MIRROR "$PWD/scripts/debian/packages-test.sh" "$packages"
  exit
fi
packages=$(cd "$packages" && pwd)
# shellcheck source=/dev/null
suite=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
architecture=$(dpkg-deb --field "$packages"/lowrank_*.deb Architecture)
root=$work/root
# shellcheck source=scripts/debian/root.sh
source scripts/debian/root.sh

inside() {
  enter "$cpu" env DEBIAN_FRONTEND=noninteractive OPENBLAS_NUM_THREADS=1 "$@"
}

quietly() {
  "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# What a package asks for besides one of these packages.
dependencies() {
  dpkg-deb --field "$packages/$1"_*.deb Pre-Depends Depends | sed 's/^[A-Za-z-]*: //; s/liblowrank1 ([^)]*)//'
}

# The system's files without the notes of dpkg and apt.
files() {
  (cd "$root" && find . -xdev \( -path ./dev -o -path ./proc -o -path ./src -o -path ./tmp -o -path ./var/lib/dpkg \
    -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \) -prune -o -print) | sort
}

# Installs packages with dpkg alone, behind the packages that they ask for and EXTRA, has check_CHECK use them, and removes
# them: try CHECK EXTRA NAMES...
try() {
  local check=$1 extra=$2 name wanted
  shift 2
  wanted=$({ echo "$extra"; for name in "$@"; do dependencies "$name"; done; } | sed '/^$/d' | paste -sd ,)
  echo "--- $*${extra:+ with $extra}"
  quietly inside apt-get satisfy -q -y --no-install-recommends "$wanted"
  files > "$work/before"
  quietly inside sh -c "dpkg --install $(printf '/src/%s_*.deb ' "$@")"
  "check_$check"
  quietly inside apt-get purge -q -y "$@"
  files > "$work/after"
  diff "$work/before" "$work/after" || fail "removing $* leaves or takes files"
  ! find "$root" -xdev -path "$root/src" -prune -o -iname '*lowrank*' -print | grep . || fail "this is left of $*"
}

check_command() {
  local page
  inside lowrank version
  inside lowrank selftest | tail -n 1
  inside lowrank compress mnist.onnx --macs 0.5 -o smaller.onnx | tail -n 1
  inside lowrank evaluate smaller.onnx --images test_images.npy --labels test_labels.npy
  for page in lowrank lowrank-compress; do
    [ -f "$root/usr/share/man/man1/$page.1.gz" ] || fail "there is no manual page $page(1)"
  done
  for page in bash-completion/completions/lowrank zsh/vendor-completions/_lowrank fish/vendor_completions.d/lowrank.fish; do
    [ -s "$root/usr/share/$page" ] || fail "there is no completion $page"
  done
  # shellcheck disable=SC2016 # the inner shell's
  inside bash -c '! command -v swift && source /usr/share/bash-completion/completions/lowrank && complete -p lowrank' > /dev/null ||
    fail "bash cannot complete lowrank"
}

check_library() {
  inside make -s clean all CFLAGS="-O2 -Wall -Wextra -Werror -pedantic"
  inside ./factored_layer 32 32 14 8 8
  inside ./network mnist.onnx
  inside ldconfig -p | grep -q 'liblowrank.so.1 ' || fail "the loader does not know of liblowrank.so.1"
}

install_root_tools
register_emulator
quietly bootstrap "$suite" "$root"
mkdir "$root/src"
cp -L "$packages"/*lowrank*.deb Examples/c/* Examples/mnist/*.{onnx,npy} "$root/src/"
share_settings "$root"
quietly inside apt-get update -q
try command "" lowrank
try library "gcc, libc6-dev, make, pkg-config" liblowrank1 liblowrank-dev
echo "the packages install, work and go on $suite $architecture, $SECONDS s"
