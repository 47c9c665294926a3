#!/usr/bin/env bash
# What test.sh, build.sh and image-test.sh share: Debian systems with Debian's Swift, OpenBLAS and LAPACKE. To be
# sourced, with `architecture` set. The systems are kept under ROOTS (by default /var/cache/swift-lowrank), about 4 GB each, so
# that a second run builds only what changed; remove the folder to start afresh.
#
# For a foreign architecture there are two systems of one day: the compiler is this architecture's own, in one of them, and
# the other is what it compiles for and where the results run, emulated. Both are unstable, the first release with a Swift
# that is new enough. SUITE names an older one (trixie) to compile for: a third system, with Swift's files of the second.

case ${architecture:-} in
  arm64 | amd64) ;;
  *) usage ;;
esac
roots=${ROOTS:-/var/cache/swift-lowrank}
suite=${SUITE:-unstable}
root=$roots/$architecture
[ "$suite" = unstable ] || root=$roots/$suite-$architecture
# shellcheck source=scripts/debian/root.sh
source scripts/debian/root.sh
libraries=g++,liblapacke-dev,libopenblas-dev,libpng-dev,libjpeg-dev,procps
# Where the compiler runs.
tools=ca-certificates,git,pkg-config
# What compiles, in enter_compiler.
# shellcheck disable=SC2034 # used where this is sourced
compile=(swift build --disable-sandbox)
# shellcheck disable=SC2034
[ "$root" = "$roots/$host" ] || compile=(scripts/debian/cross-build.sh /foreign)

# make_root FOLDER ARCHITECTURE SUITE PACKAGES
make_root() {
  [ ! -e "$1/etc/debian_version" ] || return 0
  mkdir -p "$roots"
  rm -rf "$1.partial"
  architecture=$2 bootstrap "$3" "$1.partial" "$4"
  # unstable's packages of Swift are not to be installed on an older release, and need no newer C library than trixie's.
  [ "$3" = unstable ] ||
    (cd "$roots/$2" && tar --create usr/libexec/swift usr/lib/swift usr/share/doc/swiftlang usr/lib/*/libxml2.so.16*) |
    tar --directory="$1.partial" --extract
  mv "$1.partial" "$1"
}

# The version of Swift in a system: its modules can be read by a compiler of the same version alone.
swift_version() {
  dpkg-query --admindir="$roots/$1/var/lib/dpkg" --show --showformat='${Version}' swiftlang
}

# The systems, with the sources in /src.
make_systems() {
  install_root_tools
  register_emulator
  make_root "$roots/$host" "$host" unstable "swiftlang,$libraries,$tools"
  make_root "$roots/$architecture" "$architecture" unstable "swiftlang,$libraries"
  make_root "$root" "$architecture" "$suite" "$libraries,libncurses6,libsqlite3-0"
  if [ "$(swift_version "$host")" != "$(swift_version "$architecture")" ]; then
    echo "the systems in $roots have different versions of Swift: remove them to have both of today" >&2
    exit 1
  fi
  share_settings "$roots/$host"
  share_settings "$root"
  copy_sources
}

# Runs a command where the compiler is, with the system to compile for at /foreign if it is another.
enter_compiler() {
  if [ "$root" = "$roots/$host" ]; then
    enter native "$@"
  else
    local foreign=$root
    FOREIGN=$foreign root=$roots/$host enter native "$@"
  fi
}
