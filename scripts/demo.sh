#!/usr/bin/env bash
# Makes the machine ready, builds the command, compresses the example network and shows what that saves and costs.
#
#     scripts/demo.sh
#
# LOWRANK names a command that is built already, PYTHON a Python that has onnxruntime and numpy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

if [ -z "${LOWRANK:-}" ]; then
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi
mkdir -p .build/demo
original=Examples/mnist/mnist.onnx small=.build/demo/mnist-small.onnx report=.build/demo/report.json

echo
echo "\$ lowrank compress $original --error 0.3 -o $small"
"$LOWRANK" compress "$original" --error 0.3 -o "$small" --json "$report"
echo

evaluation=.build/demo/evaluation.json
rm -f "$evaluation"
for python in "${PYTHON:-}" .venv/bin/python python3; do
  if [ -n "$python" ] && "$python" -c 'import numpy, onnxruntime' 2> /dev/null; then
    "$python" Examples/mnist/evaluate.py "$original" "$small" --json > "$evaluation"
    break
  fi
done

python3 - "$report" "$evaluation" << 'PYTHON'
import json, os, sys

model = json.load(open(sys.argv[1]))["model"]
rows = [("weights", f"{model['paramsBefore']:,}", f"{model['paramsAfter']:,}"),
        ("multiplies an image", f"{model['macsBefore']:,}", f"{model['macsAfter']:,}"),
        ("bytes", f"{model['bytesBefore']:,}", f"{model['bytesAfter']:,}")]
images = 0
if os.path.exists(sys.argv[2]):
    evaluation = json.load(open(sys.argv[2]))
    images = evaluation["images"]
    before, after = evaluation["original"], evaluation["compressed"]
    rows += [("accuracy", f"{before['accuracy']:.2%}", f"{after['accuracy']:.2%}"),
             (f"ms for {evaluation['batch']} images", f"{before['milliseconds']:.2f}", f"{after['milliseconds']:.2f}")]
print(f"{'':24}{'before':>14}{'after':>14}")
for name, before, after in rows:
    print(f"{name:24}{before:>14}{after:>14}")
if images:
    print(f"(accuracy on {images} test images, in ONNX Runtime; times on one thread)")
PYTHON
if [ ! -e "$evaluation" ]; then
  echo "To compare the accuracy too, install ONNX Runtime and run this again:" \
    "python3 -m venv .venv && .venv/bin/pip install onnxruntime numpy"
fi
