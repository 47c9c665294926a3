#!/usr/bin/env bash
# What debian-test.sh and debian-build.sh share: Debian unstable systems with Debian's Swift, OpenBLAS and LAPACKE. To be
# sourced, with `architecture` set. The systems are kept under ROOTS (by default /var/cache/swift-lowrank), about 4 GB each, so
# that a second run builds only what changed; remove the folder to start afresh.
#
# For a foreign architecture there are two systems of one day: the compiler is this architecture's own, in one of them, and
# the other is what it compiles for and where the results run, emulated.

case ${architecture:-} in
  arm64 | amd64) ;;
  *) usage ;;
esac
roots=${ROOTS:-/var/cache/swift-lowrank}
root=$roots/$architecture
# shellcheck source=scripts/debian-root.sh
source scripts/debian-root.sh
packages=swiftlang,g++,liblapacke-dev,libopenblas-dev,libpng-dev,libjpeg-dev,procps
# Where the compiler runs.
tools=ca-certificates,git,pkg-config
# What compiles, in enter_compiler.
# shellcheck disable=SC2034 # used where this is sourced
compile=(swift build --disable-sandbox)
# shellcheck disable=SC2034
[ "$architecture" = "$host" ] || compile=(scripts/cross-build.sh /foreign "$architecture")

# make_root ARCHITECTURE PACKAGES
make_root() {
  local made=$roots/$1
  [ ! -e "$made/etc/debian_version" ] || return 0
  mkdir -p "$roots"
  rm -rf "$made.partial"
  architecture=$1 bootstrap unstable "$made.partial" "$2"
  mv "$made.partial" "$made"
}

# The version of Swift in a system: its modules can be read by a compiler of the same version alone.
swift_version() {
  dpkg-query --admindir="$roots/$1/var/lib/dpkg" --show --showformat='${Version}' swiftlang
}

# The systems, with the sources in /src.
make_systems() {
  install_root_tools
  register_emulator
  make_root "$host" "$packages,$tools"
  make_root "$architecture" "$packages"
  if [ "$(swift_version "$host")" != "$(swift_version "$architecture")" ]; then
    echo "the systems in $roots have different versions of Swift: remove them to have both of today" >&2
    exit 1
  fi
  share_settings "$roots/$host"
  share_settings "$root"
  copy_sources
}

# Runs a command where the compiler is, with a foreign system at /foreign.
enter_compiler() {
  if [ "$architecture" = "$host" ]; then
    enter native "$@"
  else
    local foreign=$root
    FOREIGN=$foreign root=$roots/$host enter native "$@"
  fi
}
