#!/usr/bin/env bash
# The tests of the convolution at full rounds, in an optimised build: every form on every kernel variant over geometries
# drawn anew, the tests that only an optimised build can run (a steady run allocates nothing), and the kernels alone. About
# three minutes on two cores, of which the first build takes two.
#
#     scripts/long-tests.sh [FILTER]      # tests by name, as `swift test --filter` has it; ^ConvTests\. by default
#
# LOWRANK_TEST_ROUNDS sets how many geometries each algorithm gets, 270 by default; they differ from run to run. A failure
# prints the LOWRANK_TEST_SEED that repeats it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

export LOWRANK_TEST_ROUNDS=${LOWRANK_TEST_ROUNDS:-270}
# A folder of its own: the tests need to see inside the modules, which the command's build does without.
swift test -c release --scratch-path .build-long -Xswiftc -enable-testing --no-parallel --filter "${1:-^ConvTests\\.}"
scripts/kernel-check.sh native
