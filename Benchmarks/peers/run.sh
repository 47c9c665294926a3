#!/usr/bin/env bash
# Compares this engine with ONNX Runtime, OpenVINO, PyTorch and ncnn on this machine: installs them in a virtual environment,
# builds the command, and writes results.json, table.md and chart.svg. On an otherwise idle machine:
#
#     Benchmarks/peers/run.sh [FOLDER]        # FOLDER: Benchmarks/peers/results by default
#
# PYTHON names a Python that has the engines already, LOWRANK a command that is built already; ARGUMENTS goes to compare.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "${1:-$here/results}"
results=$(cd "${1:-$here/results}" && pwd)
cd "$here/../.."
# shellcheck source=../../scripts/setup.sh
source scripts/setup.sh
if [ -z "${PYTHON:-}" ]; then
  [ -x .venv-peers/bin/python ] || python3 -m venv .venv-peers
  PYTHON=.venv-peers/bin/python
  "$PYTHON" -m pip install --quiet numpy onnx threadpoolctl
  # Not every machine has a package of every engine; compare.py says which are left out.
  for engine in onnxruntime openvino torch ncnn; do "$PYTHON" -m pip install --quiet "$engine" || true; done
fi
if [ -z "${LOWRANK:-}" ]; then
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi
# shellcheck disable=SC2086 # ARGUMENTS is several
"$PYTHON" "$here/compare.py" --lowrank "$LOWRANK" --out "$results" ${ARGUMENTS:-}
echo "see $results/table.md and $results/chart.svg"
