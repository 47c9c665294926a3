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
  exit 0
fi

echo
echo "What each form is worth at half the multiplies (lowrank compress --macs 0.5 --method FORM, no retraining):"
printf '%-10s%14s%24s%12s\n' form multiplies "sum of squared errors" accuracy
for method in tucker2 cp3 cp4 spatial channel auto; do
  "$LOWRANK" compress "$original" --macs 0.5 --method "$method" -o .build/demo/half.onnx --json "$report" > /dev/null
  "$python" Examples/mnist/evaluate.py "$original" .build/demo/half.onnx --json > "$evaluation"
  python3 - "$method" "$report" "$evaluation" << 'PYTHON'
import json, sys

report, evaluation = (json.load(open(path)) for path in sys.argv[2:])
squares = sum(layer["relativeError"] ** 2 for layer in report["layers"])
print(f"{sys.argv[1]:10}{report['model']['macsAfter']:>14,}{squares:>24.4f}{evaluation['compressed']['accuracy']:>12.2%}")
PYTHON
done
