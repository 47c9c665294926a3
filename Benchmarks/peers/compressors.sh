#!/usr/bin/env bash
# Holds this package against AIMET, TensorLy, mnncompress and fasterai on the same layers and the same network: see
# compressors.py. Installs them in two virtual environments, for mnncompress runs with packages of 2023 alone, and builds the
# command. On an otherwise idle machine:
#
#     Benchmarks/peers/compressors.sh [FOLDER]        # FOLDER: Benchmarks/peers/results by default
#
# LOWRANK names a command that is built already, PYTHON and MNNCOMPRESS Pythons of environments that are there already;
# ARGUMENTS goes to compressors.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "${1:-$here/results}"
results=$(cd "${1:-$here/results}" && pwd)
cd "$here/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
if [ -z "${PYTHON:-}" ]; then
  PYTHON=.venv-compressors/bin/python
  [ -x "$PYTHON" ] || python3 -m venv .venv-compressors
  "$PYTHON" -m pip install --quiet aimet-torch fasterai onnxruntime tensorly
fi
if [ -z "${MNNCOMPRESS:-}" ]; then
  MNNCOMPRESS=.venv-mnncompress/bin/python
  [ -x "$MNNCOMPRESS" ] || python3 -m venv .venv-mnncompress
  "$MNNCOMPRESS" -m pip install --quiet mnncompress pyyaml torch 'numpy<2' 'onnx==1.14.1' 'protobuf==3.20.3' 'scipy<1.12'
fi
if [ -z "${LOWRANK:-}" ]; then
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi
# shellcheck disable=SC2086 # ARGUMENTS is several
"$PYTHON" "$here/compressors.py" --lowrank "$LOWRANK" --mnncompress "$MNNCOMPRESS" --out "$results" ${ARGUMENTS:-}
echo "see $results/compressors.md"
