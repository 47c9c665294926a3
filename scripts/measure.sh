#!/usr/bin/env bash
# Measures what the README claims, on an otherwise idle machine: this engine beside its peers in the same run.
#
#     scripts/measure.sh RESULTS
#
# RESULTS is a folder for the logs. PYTHON names a Python with numpy, scipy, torch, onnx, onnxruntime, openvino, ncnn,
# tensorly and threadpoolctl; PEERS the folder of conv_peers.py and decompose_peers.py (../shared/peers by default);
# LOWRANK a command that is built already; LAYERS, if set, goes to conv_peers.py as further arguments.
set -euo pipefail
if [ $# -ne 1 ] || [ -z "${PYTHON:-}" ]; then
  echo "usage: PYTHON=... measure.sh RESULTS" >&2
  exit 2
fi
mkdir -p "$1"
results=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
peers=${PEERS:-../shared/peers}
if [ -z "${LOWRANK:-}" ]; then
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi

{
  date -u +%F
  grep -m1 'model name' /proc/cpuinfo || true
  nproc
  "$LOWRANK" version
  "$PYTHON" -m pip list 2> /dev/null | grep -iE '^(numpy|scipy|torch|onnx|onnxruntime|openvino|ncnn|tensorly) '
} > "$results/machine.txt"

for threads in 1 2; do
  # shellcheck disable=SC2086 # LAYERS is several arguments
  OMP_NUM_THREADS=$threads "$PYTHON" "$peers/conv_peers.py" --threads "$threads" --lowrank "$LOWRANK" --summary \
    ${LAYERS:-} > "$results/conv-$threads.txt"
done
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$PYTHON" "$peers/decompose_peers.py" --threads 1 --save "$results/kernels" --cp \
  --lowrank "$LOWRANK" > "$results/decompose.txt"
for error in 0.2 0.3 0.4; do
  "$LOWRANK" compress Examples/mnist/mnist.onnx --error "$error" -o "$results/mnist.onnx" --json "$results/mnist-$error.json" \
    > /dev/null
  OMP_NUM_THREADS=1 "$PYTHON" Examples/mnist/evaluate.py Examples/mnist/mnist.onnx "$results/mnist.onnx"
done > "$results/mnist.txt"
echo "the measurements are in $results"
