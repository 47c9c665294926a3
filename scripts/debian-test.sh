#!/usr/bin/env bash
# Builds the library, the command and the tests in a Debian unstable system of its own and runs them there, with
# Debian's Swift, OpenBLAS and LAPACKE: for this machine's architecture, or for arm64 under QEMU's user-mode emulation.
#
#     scripts/debian-test.sh arm64|amd64 [FILTER]
#
# FILTER, a regular expression as for `swift test --filter`, restricts the tests. Needs a Debian machine and root (or
# sudo); installs mmdebstrap, and for a foreign architecture arch-test and qemu-user-static. The systems are kept under
# ROOTS (by default /var/cache/swift-lowrank), about 4 GB each, so that a second run builds only what changed; remove the
# folder to start afresh. Under emulation two cores take half an hour to make the system and build, and an hour for all
# tests; a FILTER shortens that.
# CPUS names the processors that QEMU plays, the first of them for every test, the others for the numerical ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

architecture=${1:-}
filter=${2:-}
case $architecture in
  arm64 | amd64) ;;
  *)
    echo "usage: debian-test.sh arm64|amd64 [FILTER]" >&2
    exit 2
    ;;
esac
if [ "$(id -u)" -ne 0 ]; then
  exec sudo --preserve-env=ROOTS,CPUS,MIRROR "$PWD/scripts/debian-test.sh" "$@"
fi

roots=${ROOTS:-/var/cache/swift-lowrank}
root=$roots/$architecture
# shellcheck source=scripts/debian-root.sh
source scripts/debian-root.sh
packages=ca-certificates,git,swiftlang,g++,liblapacke-dev,libopenblas-dev,libpng-dev,libjpeg-dev,pkg-config,python3-venv,procps
# Debian's swiftlang has no _Testing_Foundation, which `import Foundation` beside `import Testing` would link.
without_overlays=(-Xswiftc -Xfrontend -Xswiftc -disable-cross-import-overlays)
numerical="LinearAlgebraTests|DecomposeTests|ConvTests"

if [ "$architecture" = "$host" ]; then
  cpus=(native)
else
  # The first is a board of today without the emulator's costly pointer authentication; the others are older ones, and
  # "max" has every extension the emulator knows.
  read -r -a cpus <<< "${CPUS:-neoverse-n1 cortex-a53 cortex-a72 max}"
fi

make_root() {
  [ ! -e "$root/etc/debian_version" ] || return 0
  mkdir -p "$roots"
  rm -rf "$root.partial"
  bootstrap unstable "$root.partial" "$packages"
  mv "$root.partial" "$root"
}

# The files of the work tree, in place of those of the last run; what was built stays.
copy_sources() {
  mkdir -p "$root/src"
  find "$root/src" -mindepth 1 -maxdepth 1 ! -name .build -exec rm -rf {} +
  # shellcheck disable=SC2016 # expanded by the inner shell
  git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
    xargs -0 -I '{}' sh -c '[ ! -e "$1" ] || printf "%s\0" "$1"' sh '{}' |
    tar --null --files-from=- --create | tar --extract --directory="$root/src"
  [ ! -e /etc/gitconfig ] || cp /etc/gitconfig "$root/etc/gitconfig"
  [ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
}

# Runs the tests whose names a regular expression matches, as the processor CPU: run_tests CPU TITLE EXPRESSION
run_tests() {
  local cpu=$1 title=$2 log=$roots/$architecture-$1-$2.log status=0 found
  enter "$cpu" swift test --disable-sandbox --skip-build --no-parallel "${without_overlays[@]}" \
    --filter "$3" > "$log" 2>&1 || status=$?
  found=$(sed -n 's/^.*\(Test run with .*\)$/\1/p' "$log" | tail -n 1)
  printf '%-14s %-20s %s\n' "$cpu" "$title" "$found"
  if [ "$cpu" = "${cpus[0]}" ] && [[ "$found" == "Test run with 0 tests"* ]]; then
    echo "no test is named $3" >&2
    status=1
  fi
  if [ "$status" -ne 0 ]; then
    grep -E 'recorded an issue|error:|failed' "$log" | head -n 20 || true
    echo "failed: the whole log is $log" >&2
    failures=$((failures + 1))
  fi
}

install_root_tools
register_emulator
make_root
copy_sources
failures=0
enter "${cpus[0]}" swift --version
enter "${cpus[0]}" swift build --disable-sandbox --build-tests "${without_overlays[@]}"
for cpu in "${cpus[@]}"; do
  echo "=== $architecture, $cpu"
  enter "$cpu" .build/debug/lowrank version
  enter "$cpu" .build/debug/lowrank selftest || failures=$((failures + 1))
  if [ -n "$filter" ]; then
    # One run: the filter may name tests of any target, with alternatives and anchors of its own.
    restricted="^(?=(?:$numerical)\\.).*(?:$filter)"
    if [ "$cpu" = "${cpus[0]}" ]; then restricted=$filter; fi
    run_tests "$cpu" filtered "$restricted"
    continue
  fi
  for folder in Tests/*Tests; do
    target=$(basename "$folder")
    if [ "$cpu" = "${cpus[0]}" ] || [[ "|$numerical|" == *"|$target|"* ]]; then
      run_tests "$cpu" "$target" "^$target\\."
    fi
  done
done
if [ "$failures" -ne 0 ]; then
  echo "$failures of the runs above failed" >&2
  exit 1
fi
echo "every run above passed on $architecture"
