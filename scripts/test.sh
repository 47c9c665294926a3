#!/usr/bin/env bash
# Makes the machine ready, builds the package and runs every test. Arguments go to `swift test`.
#
# The build is an optimised one, in a folder of its own that the tests see inside the modules of: building takes twice as
# long as without optimisation, and every test after it a tenth. `swift test` works as well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
# One test after the other: they share the process's BLAS and two cores, and some compare times, memory or last bits.
swift test -c release --scratch-path .build-test -Xswiftc -enable-testing --no-parallel "$@"
