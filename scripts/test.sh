#!/usr/bin/env bash
# Makes the machine ready, builds the package and runs every test. Arguments go to `swift test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
swift build
# One test after the other: they share the process's BLAS and two cores, and some compare times, memory or last bits.
swift test --no-parallel "$@"
