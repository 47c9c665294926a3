#!/usr/bin/env bash
# The tests of the convolution at full rounds: every form on every kernel variant over geometries drawn anew, and the
# kernels alone. A minute on two cores once test.sh has built the tests.
#
#     scripts/checks/long-tests.sh [FILTER]      # tests by name, as `swift test --filter` has it; ^ConvTests\. by default
#
# LOWRANK_TEST_ROUNDS sets how many geometries each algorithm gets, 270 by default; they differ from run to run. A failure
# prints the LOWRANK_TEST_SEED that repeats it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

export LOWRANK_TEST_ROUNDS=${LOWRANK_TEST_ROUNDS:-270}
scripts/test.sh --filter "${1:-^ConvTests\\.}"
scripts/checks/kernel-check.sh native
