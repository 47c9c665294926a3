#!/usr/bin/env bash
# Builds the library, the command and the tests for ARM64 and runs them under emulation: see debian-test.sh.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/debian-test.sh" arm64 "$@"
