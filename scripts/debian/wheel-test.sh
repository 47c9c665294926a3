#!/usr/bin/env bash
# Tries a Python wheel in a bare Debian system of its own that has python3-venv and no more, as scripts/wheel.sh --try does.
#
#     scripts/debian/wheel-test.sh WHEEL
#
# The wheel may be for this machine's architecture or another, which then runs under QEMU. SUITE names the Debian release, by
# default this machine's. Needs root (or sudo) and PyPI; installs mmdebstrap, and for a foreign architecture qemu-user-static.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

wheel=${1:-}
case $wheel in
  *_aarch64.whl) architecture=arm64 ;;
  *_x86_64.whl) architecture=amd64 ;;
  *)
    echo "usage: wheel-test.sh WHEEL" >&2
    exit 2
    ;;
esac
if [ "$(id -u)" -ne 0 ]; then
  exec sudo --preserve-env=SUITE,MIRROR "$PWD/scripts/debian/wheel-test.sh" "$wheel"
fi
# shellcheck source=/dev/null
suite=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
# shellcheck source=scripts/debian/root.sh
source scripts/debian/root.sh

install_root_tools
register_emulator
bootstrap "$suite" "$root" python3-venv > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
share_settings "$root"
copy_sources
cp "$wheel" "$root/src/"
enter "$cpu" env OPENBLAS_NUM_THREADS=1 scripts/wheel.sh --try "$(basename "$wheel")"
echo "the wheel installs and works on $suite $architecture, $SECONDS s"
