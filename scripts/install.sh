#!/usr/bin/env bash
# Builds the command and the C libraries for release, and installs them:
#
#   scripts/install.sh --prefix DIR [--libdir lib] [--symbols] [--scratch-path DIR]
#
#   --libdir names the folder of libraries under DIR where it is not lib, as in lib/aarch64-linux-gnu.
#   --symbols keeps the names of functions, for debuggers, profilers and valgrind.
#
#   DIR/bin/lowrank                      the command
#   DIR/include/lowrank.h                the header of the C interface
#   DIR/lib/liblowrank.so*               the shared library; it exports what the header declares and nothing else
#   DIR/lib/liblowrank.a                 the static library: one object, its other names made local
#   DIR/lib/pkgconfig/lowrank.pc         for pkg-config
#   DIR/lib/cmake/lowrank/               for CMake's find_package(lowrank)
#   DIR/share/man/man1/lowrank*.1        manual pages of the command and its subcommands (where there is a python3)
#   DIR/share/bash-completion/completions/lowrank, DIR/share/zsh/site-functions/_lowrank,
#   DIR/share/fish/vendor_completions.d/lowrank.fish   for shells to complete commands and options
#
# Swift's libraries are linked in: what is installed needs OpenBLAS, LAPACKE and the C and C++ libraries, and neither
# Swift nor this folder. The package manager has no setting for a version script that would not count as unsafe, so the
# libraries are linked here, out of the objects that it built.
#
# PRODUCTS, where it is set, is a folder in which scripts/products.sh built already, as a compiler of another architecture
# does for scripts/debian/build.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  echo "usage: scripts/install.sh --prefix DIR [--libdir lib] [--symbols] [--scratch-path DIR]" >&2
  exit 2
}

prefix="" libdir=lib scratch=.build-install strip_what=--strip-unneeded
while [ $# -gt 0 ]; do
  case "$1" in
    --prefix) [ $# -gt 1 ] || usage; prefix=$2; shift 2 ;;
    --libdir) [ $# -gt 1 ] || usage; libdir=$2; shift 2 ;;
    --scratch-path) [ $# -gt 1 ] || usage; scratch=$2; shift 2 ;;
    --symbols) strip_what=--strip-debug; shift ;;
    *) usage ;;
  esac
done
[ -n "$prefix" ] || usage
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

# lld 17 joins the attributes that GCC 16 gives arm64's objects to what binutils calls an error; nothing reads them.
stripping=("$strip_what" --remove-section=.comment --remove-section=.ARM.attributes)

header=Sources/CLowRank/include/lowrank.h
number() { sed -n "s/^#define LOWRANK_$1 //p" "$header"; }
version=$(number VERSION_MAJOR).$(number VERSION_MINOR).$(number VERSION_PATCH)
abi=$(number ABI)

[ -n "${PRODUCTS:-}" ] || scripts/products.sh "$scratch" swift build
products=${PRODUCTS:-$scratch/release}

mkdir -p "$prefix/bin" "$prefix/include" "$prefix/$libdir/pkgconfig" "$prefix/$libdir/cmake/lowrank"
prefix=$(cd "$prefix" && pwd)
# From the folder of pkg-config's files up to the prefix, as the names stand: /lib itself is often a link.
up=$(realpath -ms --relative-to="/$libdir/pkgconfig" /)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The names that may be seen from outside.
sed -n 's/^LOWRANK_API .*\(lowrank_[a-z0-9_]*\)(.*/\1/p' "$header" > "$work/names"
{ echo '{ global:'; sed 's/$/;/' "$work/names"; echo 'local: *; };'; } > "$work/version-script"
objects=$products/LowRankC.product/Objects.LinkFileList

install_shared() {
  local file=liblowrank.so.$version
  # The linker warns of mktemp in Foundation, which this library does not come to; all else is shown. lld, which comes with
  # Swift, since what swiftc takes by itself is the system's: on Debian's arm64 that made one segment both written and run.
  swiftc -emit-library -static-stdlib -use-ld=lld -o "$work/$file" "@$objects" -Xlinker "-soname=liblowrank.so.$abi" \
    -Xlinker "--version-script=$work/version-script" -Xlinker --gc-sections -Xlinker -z -Xlinker now -lopenblas -llapacke 2> "$work/log" ||
    { cat "$work/log" >&2; exit 1; }
  grep -v 'mktemp' "$work/log" >&2 || true
  strip "${stripping[@]}" "$work/$file"
  install -m 755 "$work/$file" "$prefix/$libdir/$file"
  ln -sf "$file" "$prefix/$libdir/liblowrank.so.$abi"
  ln -sf "liblowrank.so.$abi" "$prefix/$libdir/liblowrank.so"
}

install_static() {
  local runtime library swift_libraries=() tools
  runtime=$(swiftc -print-target-info -static-stdlib | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')/linux
  # What the objects ask to be linked with, as far as Swift brings it.
  tools=$(dirname "$(readlink -f "$(command -v swiftc)")")
  tr '\n' '\0' < "$objects" | tr -d "'" | xargs -0 "$tools/swift-autolink-extract" -o "$work/autolink"
  while read -r library; do
    [ ! -f "$runtime/lib$library.a" ] || swift_libraries+=("$runtime/lib$library.a")
  done < <(sort -u "$work/autolink" | sed -n 's/^-l//p')
  tr -d "'" < "$objects" > "$work/objects"
  # Groups are dissolved: a program's own copy of a C++ template must not take the place of one whose name is local.
  ld.bfd -r -d --force-group-allocation -o "$work/all.o" "$runtime/$(uname -m)/swiftrt.o" "@$work/objects" \
    --start-group "${swift_libraries[@]}" --end-group
  objcopy --keep-global-symbols="$work/names" "${stripping[@]}" "$work/all.o" "$work/lowrank.o"
  rm -f "$work/liblowrank.a"
  ar rcs "$work/liblowrank.a" "$work/lowrank.o"
  install -m 644 "$work/liblowrank.a" "$prefix/$libdir/liblowrank.a"
}

install_command() {
  strip "${stripping[@]}" -o "$work/lowrank" "$products/lowrank"
  install -m 755 "$work/lowrank" "$prefix/bin/lowrank"
}

# What the parser knows of the command, for shells and for man.
install_help() {
  local share=$prefix/share
  mkdir -p "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
  # A file to be sourced.
  "$work/lowrank" --generate-completion-script bash | sed '1{/^#!/d}' > "$share/bash-completion/completions/lowrank"
  "$work/lowrank" --generate-completion-script zsh > "$share/zsh/site-functions/_lowrank"
  "$work/lowrank" --generate-completion-script fish > "$share/fish/vendor_completions.d/lowrank.fish"
  if command -v python3 > /dev/null; then
    "$work/lowrank" --experimental-dump-help | python3 scripts/man_pages.py "$share/man/man1" "$version"
  else
    echo "There is no python3: the manual pages are left out." >&2
  fi
}

install_descriptions() {
  install -m 644 "$header" "$prefix/include/lowrank.h"
  # Relative to their own place, so that the whole prefix may be moved.
  cat > "$prefix/$libdir/pkgconfig/lowrank.pc" << PC
prefix=\${pcfiledir}/$up
libdir=\${prefix}/$libdir
includedir=\${prefix}/include

Name: lowrank
Description: Low-rank factoring and fast factored convolution for convolutional networks
Version: $version
Cflags: -I\${includedir}
Libs: -L\${libdir} -llowrank
Libs.private: -lopenblas -llapacke -lstdc++ -lm -lpthread -ldl
PC
  cat > "$prefix/$libdir/cmake/lowrank/lowrankConfig.cmake" << CMAKE
# find_package(lowrank) gives lowrank::lowrank (shared) and, where there is a static library, lowrank::lowrank_static.
get_filename_component(_lowrank_prefix "\${CMAKE_CURRENT_LIST_DIR}/../$up" ABSOLUTE)
if(NOT TARGET lowrank::lowrank)
  add_library(lowrank::lowrank SHARED IMPORTED)
  set_target_properties(lowrank::lowrank PROPERTIES
    IMPORTED_LOCATION "\${_lowrank_prefix}/$libdir/liblowrank.so.$version"
    IMPORTED_SONAME "liblowrank.so.$abi"
    INTERFACE_INCLUDE_DIRECTORIES "\${_lowrank_prefix}/include")
endif()
if(NOT TARGET lowrank::lowrank_static AND EXISTS "\${_lowrank_prefix}/$libdir/liblowrank.a")
  add_library(lowrank::lowrank_static STATIC IMPORTED)
  set_target_properties(lowrank::lowrank_static PROPERTIES
    IMPORTED_LOCATION "\${_lowrank_prefix}/$libdir/liblowrank.a"
    INTERFACE_INCLUDE_DIRECTORIES "\${_lowrank_prefix}/include"
    INTERFACE_LINK_LIBRARIES "openblas;lapacke;stdc++;m;pthread;dl")
endif()
unset(_lowrank_prefix)
CMAKE
  cat > "$prefix/$libdir/cmake/lowrank/lowrankConfigVersion.cmake" << CMAKE
set(PACKAGE_VERSION "$version")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
CMAKE
}

install_shared
install_static
install_command
install_help
install_descriptions
echo "Installed lowrank $version into $prefix:"
(cd "$prefix" && du -h bin/lowrank "$libdir/liblowrank.so.$version" "$libdir/liblowrank.a" include/lowrank.h)
