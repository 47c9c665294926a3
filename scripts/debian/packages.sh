#!/usr/bin/env bash
# Builds the Debian packages liblowrank1, liblowrank-dev and lowrank, for the release and the architecture of this machine,
# and has lintian look at them.
#
#     scripts/debian/packages.sh [--out DIR] [--scratch-path DIR]
#
#   --out           where the packages go (dist)
#   --scratch-path  the build folder, as for scripts/install.sh
#
# What is in them stands in packaging/debian. Swift's runtime is linked in, OpenBLAS and LAPACKE are dependencies. Installs
# debhelper and lintian where they are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  echo "usage: scripts/debian/packages.sh [--out DIR] [--scratch-path DIR]" >&2
  exit 2
}

out=dist scratch=.build-install
while [ $# -gt 0 ]; do
  case "$1" in
    --out) [ $# -gt 1 ] || usage; out=$2; shift 2 ;;
    --scratch-path) [ $# -gt 1 ] || usage; scratch=$2; shift 2 ;;
    *) usage ;;
  esac
done
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
install_missing debhelper lintian

# The version is the header's, and the changelog's first entry has to know of it.
header=Sources/CLowRank/include/lowrank.h
version=$(sed -n 's/^#define LOWRANK_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$header" | paste -sd .)
packaged=$(dpkg-parsechangelog --file packaging/debian/changelog --show-field Version)
if [ "${packaged%-*}" != "$version" ]; then
  echo "packaging/debian/changelog begins with $packaged, and $header is $version: write an entry for it" >&2
  exit 1
fi

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/package"
cp -r packaging/debian "$work/package/debian"

# -d: Swift is no package of a stable Debian, so what else the build needs is seen to by setup.sh.
(cd "$work/package" &&
  ROOT=$OLDPWD SCRATCH=$scratch dpkg-buildpackage --build=binary --no-sign -d > "$work/log" 2>&1) ||
  { cat "$work/log" >&2; exit 1; }
# The linker warns of mktemp in Foundation, which the command does not come to, and dpkg-shlibdeps of diversions, which
# Debian's own libc6 makes.
! grep -i 'warning' "$work/log" | grep -v -e mktemp -e 'diversions involved' || { echo "the build of the packages warns" >&2; exit 1; }
lintian --fail-on error,warning,info --display-info --tag-display-limit 0 "$work"/*.changes
mv "$work"/*.deb "$out/"
(cd "$out" && du -h ./*lowrank*_"$packaged"_*.deb)
