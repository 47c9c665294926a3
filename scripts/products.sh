#!/usr/bin/env bash
# Builds for release what scripts/install.sh installs, Swift's runtime linked in:
#
#     scripts/products.sh SCRATCH COMMAND...
#
# COMMAND is `swift build` or what takes its options, SCRATCH the build folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$1
shift
# The table of functions from other libraries is filled as a program starts, and may only be read from then on.
for product in LowRankC lowrank; do
  "$@" -c release --static-swift-stdlib --scratch-path "$scratch" --product "$product" -Xlinker -z -Xlinker now
done
