#!/usr/bin/env bash
# Builds the library, the command and the tests in a Debian unstable system of its own and runs them there, with
# Debian's Swift, OpenBLAS and LAPACKE: for this machine's architecture, or for arm64 under QEMU's user-mode emulation.
#
#     scripts/debian/test.sh arm64|amd64 [FILTER]
#
# FILTER, a regular expression as for `swift test --filter`, restricts the tests. Needs a Debian machine and root (or
# sudo); installs mmdebstrap, and for a foreign architecture arch-test and qemu-user-static. What systems there are and where
# they are kept, swift.sh says. On 2026-11-30 compiling for arm64 took 9 minutes of processor time, and as neoverse-n1
# the 221 tests of ConvTests, DecomposeTests and NetworkTests 6 of it.
# CPUS names the processors that QEMU plays, the first of them for every test, the others for the numerical ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

architecture=${1:-}
filter=${2:-}

usage() {
  echo "usage: test.sh arm64|amd64 [FILTER]" >&2
  exit 2
}

if [ "$(id -u)" -ne 0 ]; then
  exec sudo --preserve-env=ROOTS,SUITE,CPUS,MIRROR "$PWD/scripts/debian/test.sh" "$@"
fi

# shellcheck source=scripts/debian/swift.sh
source scripts/debian/swift.sh
# Optimised, as scripts/test.sh builds: emulated tests take hours otherwise. Debian's swiftlang has no _Testing_Foundation,
# which `import Foundation` beside `import Testing` would link.
build=("${compile[@]}" -c release --scratch-path .build-test -Xswiftc -enable-testing --build-tests
  -Xswiftc -Xfrontend -Xswiftc -disable-cross-import-overlays -Xlinker -rpath=/usr/libexec/swift/lib/swift/linux)
built=.build-test/release
numerical="LinearAlgebraTests|DecomposeTests|ConvTests|NetworkTests"

if [ "$architecture" = "$host" ]; then
  cpus=(native)
else
  # The first is a board of today without the emulator's costly pointer authentication; the others are older ones, and
  # "max" has every extension the emulator knows.
  read -r -a cpus <<< "${CPUS:-neoverse-n1 cortex-a53 cortex-a72 max}"
fi

# Runs the tests whose names a regular expression matches, as the processor CPU: run_tests CPU TITLE EXPRESSION
run_tests() {
  local cpu=$1 title=$2 log=$roots/$architecture-$1-$2.log status=0 found start=$SECONDS
  enter "$cpu" "$built/swift-lowrankPackageTests.xctest" --testing-library swift-testing \
    --no-parallel --filter "$3" > "$log" 2>&1 || status=$?
  found=$(sed -n 's/^.*\(Test run with .*\)$/\1/p' "$log" | tail -n 1)
  printf '%-14s %-20s %s, %s\n' "$cpu" "$title" "$found" "$((SECONDS - start)) s"
  if [[ "$found" == "Test run with 0 tests"* ]]; then
    # The runner's status is an error then, which for all but the first processor is none.
    status=0
    if [ "$cpu" = "${cpus[0]}" ]; then
      echo "no test is named $3" >&2
      status=1
    fi
  fi
  if [ "$status" -ne 0 ]; then
    grep -E 'recorded an issue|error:|failed' "$log" | head -n 20 || true
    echo "failed: the whole log is $log" >&2
    failures=$((failures + 1))
  fi
}

make_systems
targets=$({ tr '|' '\n' <<< "$numerical"; basename -a Tests/*Tests; } | awk '!seen[$0]++')
failures=0
enter_compiler swift --version
enter_compiler "${build[@]}"
for cpu in "${cpus[@]}"; do
  echo "=== $architecture, $cpu"
  enter "$cpu" "$built/lowrank" version
  enter "$cpu" "$built/lowrank" selftest || failures=$((failures + 1))
  if [ -n "$filter" ]; then
    # One run: the filter may name tests of any target, with alternatives and anchors of its own.
    restricted="^(?=(?:$numerical)\\.).*(?:$filter)"
    if [ "$cpu" = "${cpus[0]}" ]; then restricted=$filter; fi
    run_tests "$cpu" filtered "$restricted"
    continue
  fi
  for target in $targets; do
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
