#!/usr/bin/env bash
# Compares this engine with what users would otherwise pick on this machine: convolutions with ONNX Runtime, OpenVINO, PyTorch
# and ncnn, decompositions with NumPy and TensorLy. Installs them in a virtual environment, builds the command, and writes
# tables and a chart. On an otherwise idle machine:
#
#     Benchmarks/peers/run.sh [FOLDER]        # FOLDER: Benchmarks/peers/results by default
#
# PYTHON names a Python that has the engines already, LOWRANK a command that is built already; ARGUMENTS goes to compare.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "${1:-$here/results}"
results=$(cd "${1:-$here/results}" && pwd)
cd "$here/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
if [ -z "${PYTHON:-}" ]; then
  [ -x .venv-peers/bin/python ] || python3 -m venv .venv-peers
  PYTHON=.venv-peers/bin/python
  "$PYTHON" -m pip install --quiet numpy scipy tensorly onnx threadpoolctl
  # Not every machine has a package of every engine; compare.py says which are left out.
  for engine in onnxruntime openvino torch ncnn; do "$PYTHON" -m pip install --quiet "$engine" || true; done
fi
if [ -z "${LOWRANK:-}" ]; then
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi
# shellcheck disable=SC2086 # ARGUMENTS is several
"$PYTHON" "$here/compare.py" --lowrank "$LOWRANK" --out "$results" ${ARGUMENTS:-}
"$PYTHON" "$here/decompose.py" --lowrank "$LOWRANK" --out "$results"
echo "see $results: table.md, chart.svg, decompositions.md"
