#!/usr/bin/env bash
# Compresses real trained networks and verifies the results in ONNX Runtime: one line a model, and exit code 1 where one
# fails.
#
#     scripts/checks/real_models.sh CACHE
#
# CACHE is a folder outside the repository. What it lacks of the models is fetched (300 MB) with get_models.py and
# convert_models.py, which lie in ../shared/models beside the repository or where MODEL_TOOLS says. PYTHON names a Python
# with torch, onnx, onnxruntime and numpy; without it CACHE/venv is made. LOWRANK names a command that is built already.
#
# Each model goes through `inspect`; through `compress --error 0.3`, checked against its report; and through `compress
# --error 0`, after which the outputs must be the same bit for bit. The line says: layers factored, weights and multiplies
# before and after, seconds and peak memory of the compression, and what the checks found.
set -euo pipefail
if [ $# -ne 1 ]; then
  echo "usage: real_models.sh CACHE (a folder outside the repository)" >&2
  exit 2
fi
mkdir -p "$1"
cache=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
case "$cache/" in
  "$PWD/"*)
    echo "real_models.sh: $cache lies inside the repository; give a folder outside it" >&2
    exit 2
    ;;
esac
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
tools=${MODEL_TOOLS:-../shared/models}
models=(
  centerface/centerface craft/craft craft/craft_bn digitrec/digitrec nudenet/320n opennsfw/open-nsfw
  rapidocr4/ch_PP-OCRv4_det_infer rapidocr4/ch_PP-OCRv4_rec_infer rapidocr4/ch_ppocr_mobile_v2.0_cls_infer
  waifu2x/waifu2x_photo
)

if [ -z "${LOWRANK:-}" ]; then
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi
if [ -z "${PYTHON:-}" ]; then
  PYTHON=$cache/venv/bin/python
  [ -x "$PYTHON" ] || python3 -m venv "$cache/venv"
  "$PYTHON" -m pip install --quiet --disable-pip-version-check numpy onnx onnxruntime torch
fi

# What is missing, by the folder that it comes in.
missing=()
for model in "${models[@]}"; do
  folder=${model%%/*}
  [ -f "$cache/$model.onnx" ] || [[ " ${missing[*]-} " == *" $folder "* ]] || missing+=("$folder")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ ! -f "$tools/get_models.py" ]; then
    echo "real_models.sh: $cache lacks models, and $tools holds no get_models.py; set MODEL_TOOLS" >&2
    exit 2
  fi
  "$PYTHON" "$tools/get_models.py" "$cache" --only "${missing[@]}"
  "$PYTHON" "$tools/convert_models.py" "$cache" --only "${missing[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The shape of an input that the model leaves open, to count multiplies.
input_shape() {
  case $1 in
    craft/*) echo input=1,3,768,768 ;;
    digitrec/*) echo input=1,1,28,28 ;;
    rapidocr4/*det*) echo x=1,3,736,736 ;;
    rapidocr4/*rec*) echo x=1,3,48,320 ;;
    rapidocr4/*cls*) echo x=1,3,48,192 ;;
    nudenet/*) echo images=1,3,320,320 ;;
    waifu2x/*) echo Input1=1,3,128,128 ;;
  esac
}

# Runs a command, with what it prints in $work/log; leaves its seconds and peak memory in $work/cost.
measure() {
  python3 - "$work/cost" "$@" > "$work/log" 2>&1 << 'PYTHON'
import resource, subprocess, sys, time

start = time.monotonic()
status = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(f"{time.monotonic() - start:.1f} s, {peak} MB", file=open(sys.argv[1], "w"))
sys.exit(1 if status else 0)
PYTHON
}

# Compresses and verifies one model. Gives 1, with $step set and $work/log written, where something fails.
check() {
  local model=$cache/$1.onnx shape options=()
  shape=$(input_shape "$1")
  [ -z "$shape" ] || options=(--input-shape "$shape")
  step=inspect
  measure "$LOWRANK" inspect "$model" ${options[@]+"${options[@]}"} || return 1
  step="compress --error 0"
  measure "$LOWRANK" compress "$model" --error 0 -o "$work/same.onnx" --json "$work/same.json" || return 1
  step="verify --identical"
  measure "$PYTHON" scripts/checks/verify_models.py "$model" "$work/same.onnx" "$work/same.json" --identical || return 1
  step=verify
  measure "$LOWRANK" compress "$model" --error 0.3 ${options[@]+"${options[@]}"} -o "$work/small.onnx" \
    --json "$work/small.json" || return 1
  cost=$(cat "$work/cost")
  measure "$PYTHON" scripts/checks/verify_models.py "$model" "$work/small.onnx" "$work/small.json" || return 1
}

failed=0
for model in "${models[@]}"; do
  step="" cost=""
  if check "$model"; then
    python3 - "$model" "$cost" "$work/small.json" << 'PYTHON'
import json, sys

report = json.load(open(sys.argv[3]))
model, layers = report["model"], report["layers"]
factored = [layer for layer in layers if layer["method"] != "keep"]
worst = max((layer["relativeError"] for layer in factored), default=0)
print(f"ok    {sys.argv[1]:42}{len(factored):>3} of {len(layers):>2} layers, largest error {worst:.3f}; "
      f"weights {model['paramsBefore']:,} -> {model['paramsAfter']:,}; multiplies {model['macsBefore']:,} -> "
      f"{model['macsAfter']:,}; {sys.argv[2]}; verified, and identical at error 0")
PYTHON
  else
    failed=$((failed + 1))
    echo "FAIL  $model: $step"
    sed 's/^/      /' "$work/log" | tail -n 20
  fi
done
echo "${#models[@]} models, $failed failed"
[ "$failed" -eq 0 ]
