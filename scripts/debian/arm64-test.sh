#!/usr/bin/env bash
# Builds the library, the command and the tests for ARM64 and runs them under emulation: see test.sh.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/test.sh" arm64 "$@"
