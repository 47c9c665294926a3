#!/usr/bin/env bash
# Builds the library, the command and the tests in a Debian unstable system of its own and runs them there, with
# Debian's Swift, OpenBLAS and LAPACKE: for this machine's architecture, or for arm64 under QEMU's user-mode emulation.
#
#     scripts/debian-test.sh arm64|amd64 [FILTER]
#
# FILTER, a regular expression as for `swift test --filter`, restricts the tests. Needs a Debian machine and root (or
# sudo); installs mmdebstrap, and for a foreign architecture arch-test and qemu-user-static. The systems are kept under
# ROOTS (by default /var/cache/swift-lowrank), about 4 GB each, so that a second run builds only what changed; remove the
# folder to start afresh.
#
# For a foreign architecture there are two systems of one day: the compiler is this architecture's own, in one of them, and
# the other is what it compiles for and where the tests run, emulated. On 2026-11-30 compiling took 9 minutes of processor
# time, and as neoverse-n1 the 221 tests of ConvTests, DecomposeTests and NetworkTests 6 of it.
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
packages=swiftlang,g++,liblapacke-dev,libopenblas-dev,libpng-dev,libjpeg-dev,procps
# Where the compiler runs.
tools=ca-certificates,git,pkg-config
# Optimised, as scripts/test.sh builds: emulated tests take hours otherwise. Debian's swiftlang has no _Testing_Foundation,
# which `import Foundation` beside `import Testing` would link.
runtime=/usr/libexec/swift/lib/swift
build=(swift build --disable-sandbox -c release --scratch-path .build-test -Xswiftc -enable-testing --build-tests
  -Xswiftc -Xfrontend -Xswiftc -disable-cross-import-overlays -Xlinker "-rpath=$runtime/linux")
built=.build-test/release
numerical="LinearAlgebraTests|DecomposeTests|ConvTests|NetworkTests"

case $architecture in
  arm64) multiarch=aarch64-linux-gnu triple=aarch64-unknown-linux-gnu ;;
  amd64) multiarch=x86_64-linux-gnu triple=x86_64-unknown-linux-gnu ;;
esac
if [ "$architecture" = "$host" ]; then
  cpus=(native)
else
  # The first is a board of today without the emulator's costly pointer authentication; the others are older ones, and
  # "max" has every extension the emulator knows.
  read -r -a cpus <<< "${CPUS:-neoverse-n1 cortex-a53 cortex-a72 max}"
fi

# make_root ARCHITECTURE PACKAGES
make_root() {
  local made=$roots/$1
  [ ! -e "$made/etc/debian_version" ] || return 0
  mkdir -p "$roots"
  rm -rf "$made.partial"
  architecture=$1 bootstrap unstable "$made.partial" "$2"
  [ "$1" = "$host" ] || make_links_relative "$made.partial"
  mv "$made.partial" "$made"
}

# Absolute links, such as those of Debian's alternatives, lead the compiler from a foreign system into its own.
make_links_relative() {
  local link to
  find "$1"/{usr/include,usr/lib,etc/alternatives} -type l -lname '/*' -print0 |
    while IFS= read -r -d '' link; do
      to=$(readlink "$link")
      ln -sfn "$(realpath --no-symlinks --relative-to="$(dirname "$link")" "$1$to")" "$link"
    done
}

# The version of Swift in a system: its modules can be read by a compiler of the same version alone.
swift_version() {
  dpkg-query --admindir="$roots/$1/var/lib/dpkg" --show --showformat='${Version}' swiftlang
}

# Lets the Swift of this architecture's system compile for the foreign one, which it sees as /foreign.
make_sdk() {
  local bundle=$roots/$host/sdks/foreign.artifactbundle
  if [ "$(swift_version "$host")" != "$(swift_version "$architecture")" ]; then
    echo "the systems in $roots have different versions of Swift: remove them to have both of today" >&2
    exit 1
  fi
  mkdir -p "$bundle"
  cat > "$bundle/info.json" << 'JSON'
{"schemaVersion": "1.0", "artifacts": {"foreign": {"type": "swiftSDK", "version": "1", "variants": [{"path": "."}]}}}
JSON
  cat > "$bundle/swift-sdk.json" << JSON
{"schemaVersion": "4.0", "targetTriples": {"$triple": {
  "sdkRootPath": "/foreign", "swiftResourcesPath": "/foreign$runtime",
  "toolsetPaths": ["toolset.json"]}}}
JSON
  cat > "$bundle/toolset.json" << 'JSON'
{"schemaVersion": "1.0", "rootPath": "/usr/libexec/swift/bin", "swiftCompiler": {"extraCLIOptions": ["-use-ld=lld"]}}
JSON
}

# The files of the work tree, in place of those of the last run; what was built stays.
copy_sources() {
  mkdir -p "$root/src"
  find "$root/src" -mindepth 1 -maxdepth 1 ! -name '.build*' -exec rm -rf {} +
  # shellcheck disable=SC2016 # expanded by the inner shell
  git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
    xargs -0 -I '{}' sh -c '[ ! -e "$1" ] || printf "%s\0" "$1"' sh '{}' |
    tar --null --files-from=- --create | tar --extract --directory="$root/src"
}

# What this machine's git and resolver know, for a system that builds: share_settings FOLDER
share_settings() {
  [ ! -e /etc/gitconfig ] || cp /etc/gitconfig "$1/etc/gitconfig"
  [ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$1/etc/resolv.conf"
}

# Runs a command in this architecture's system with the foreign one at /foreign and its sources.
enter_compiler() {
  local foreign=$root
  FOREIGN=$foreign root=$roots/$host enter native "$@"
}

build_all() {
  if [ "$architecture" = "$host" ]; then
    share_settings "$root"
    enter native swift --version
    enter native "${build[@]}"
  else
    share_settings "$roots/$host"
    enter_compiler swift --version
    enter_compiler env PKG_CONFIG_SYSROOT_DIR=/foreign "${build[@]}" --swift-sdks-path /sdks --swift-sdk foreign \
      --pkg-config-path "/foreign/usr/lib/$multiarch/pkgconfig"
  fi
}

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

install_root_tools
register_emulator
make_root "$host" "$packages,$tools"
if [ "$architecture" != "$host" ]; then
  make_root "$architecture" "$packages"
  make_sdk
fi
copy_sources
targets=$({ tr '|' '\n' <<< "$numerical"; basename -a Tests/*Tests; } | awk '!seen[$0]++')
failures=0
build_all
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
