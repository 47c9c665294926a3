#!/usr/bin/env bash
# Builds lowrank-mpi and holds it to what it promises: two processes tune as one of the double batch, to rounding; an error or a
# signal in one ends all; a run that was killed goes on from its checkpoint. Takes some ten seconds after the build.
#
#     scripts/checks/mpi-test.sh [--scratch-path DIR] [--keep DIR]
#
# PYTHON is one with numpy and onnx. Further arguments go to `swift build`. --keep leaves the files of the runs in DIR.
# shellcheck disable=SC2317 # check calls the functions
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
install_missing libopenmpi-dev openmpi-bin

python=${PYTHON:-.venv/bin/python} keep="" build=(-c release)
while [ $# -gt 0 ]; do
  if [ "$1" = --keep ]; then keep=$2; shift 2; else build+=("$1"); shift; fi
done
export LOWRANK_MPI=1
swift build "${build[@]}" --product lowrank-mpi
mpi=$(realpath "$(swift build "${build[@]}" --show-bin-path)/lowrank-mpi")
work=${keep:-$(mktemp -d)}
mkdir -p "$work"
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
# Containers run as root, and have fewer cores than there are processes here.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1

"$python" - "$work" << 'PYTHON'
import sys
import numpy as np
import onnx
from onnx import numpy_helper

# The example, a little wrong everywhere, is what learns; some of its digits are what it learns on, one of them broken in a copy.
folder = sys.argv[1]
model = onnx.load("Examples/mnist/mnist.onnx")
chance = np.random.default_rng(1)
for tensor in model.graph.initializer:
    weight = numpy_helper.to_array(tensor)
    if weight.ndim > 1:
        noise = 0.3 * weight.std() * chance.standard_normal(weight.shape).astype(weight.dtype)
        tensor.CopyFrom(numpy_helper.from_array(weight + noise, tensor.name))
onnx.save(model, f"{folder}/small.onnx")
images = np.load("Examples/mnist/test_images.npy")[:77]
np.save(f"{folder}/x.npy", images)
images[:, 0, 0, 0] = np.where(np.arange(len(images)) == 5, np.nan, 0)
np.save(f"{folder}/broken.npy", images)
PYTHON

failed=0
check() { # DESCRIPTION CONDITION...
  if "${@:2}"; then echo "ok    $1"; else echo "FAIL  $1"; failed=1; fi
}
together() { mpirun --oversubscribe -n "$1" "$mpi" "${@:2}"; }
tuning=(tune "$work/small.onnx" --teacher Examples/mnist/mnist.onnx --optimiser sgd --rate 0.0003 --seed 3)
images=(--images "$work/x.npy")
quietly() { "$@" > "$work/log" 2>&1; }
fails() { # CODE COMMAND...
  local code=0
  quietly "${@:2}" || code=$?
  [ "$code" -eq "$1" ]
}
says() { # TEXT TIMES
  [ "$(grep -c -- "$1" "$work/log")" -eq "$2" ]
}

# 77 images, of which 8 are held back: neither number is one of whole batches.
quietly "$mpi" "${tuning[@]}" "${images[@]}" --epochs 3 --batch 12 -o "$work/one.onnx" --json "$work/one.json"
for count in 2 3; do
  quietly together $count "${tuning[@]}" "${images[@]}" --epochs 3 --batch $((12 / count)) -o "$work/$count.onnx" --json "$work/$count.json"
  check "only the first of $count prints" says "all steps done" 1
  check "$count processes tune as one of $count times the batch" "$python" - "$work" "$count" << 'PYTHON'
import json, sys
import numpy as np
import onnx
from onnx import numpy_helper

folder, count = sys.argv[1:]
start, one, more = ({t.name: numpy_helper.to_array(t).astype(np.float64) for t in onnx.load(f"{folder}/{n}.onnx").graph.initializer}
                    for n in ("small", "one", count))
change = np.sqrt(sum(np.sum((one[n] - start[n]) ** 2) for n in start))
apart = np.sqrt(sum(np.sum((one[n] - more[n]) ** 2) for n in start))
size = np.sqrt(sum(np.sum(one[n] ** 2) for n in start))
a, b = (json.load(open(f"{folder}/{n}.json")) for n in ("one", count))
print(f"      weights moved by {change:.3g} of {size:.3g} and lie {apart:.3g} apart; losses of the images held back "
      f"{a['bestLoss']:.8g} and {b['bestLoss']:.8g}, {a['steps']} and {b['steps']} steps")
# Each step rounds sums of some thousand terms in another order, and the following steps go on from there: in Float, 2^-24 each,
# about root(1000) of them, with a hundredfold for what the steps make of it. One image left out moves weights by a hundredth.
bound = 100 * 1000 ** 0.5 * 2.0 ** -24
sys.exit(not (0 < change and apart <= bound * change and a["steps"] == b["steps"] and a["bestLoss"] < a["startLoss"]
              and abs(a["bestLoss"] - b["bestLoss"]) <= bound * a["startLoss"]))
PYTHON
done

check "an image that one process alone meets ends all" fails 1 \
  together 2 "${tuning[@]}" --images "$work/broken.npy" --epochs 3 --batch 6 -o "$work/broken.onnx"
check "it is named" says "image 5 holds NaN" 1
check "and nothing is written" test ! -e "$work/broken.onnx"
check "a missing file is told of" fails 1 together 2 "${tuning[@]}" --images "$work/none.npy" -o "$work/none.onnx"
check "once" says "there is no such file" 1
check "so is wrong usage" fails 64 together 2 "${tuning[@]}" "${images[@]}" --minutes 1 --epochs 1 -o "$work/none.onnx"
check "once" says "not both" 1
check "a full disk ends all" fails 1 together 2 "${tuning[@]}" "${images[@]}" --epochs 1 --batch 6 -o /dev/full

# The second process of a run, by its rank in the environment that mpirun gives it.
second() {
  local pid
  for pid in $(pgrep -P "$1"); do
    if tr '\0' '\n' < "/proc/$pid/environ" | grep -qx OMPI_COMM_WORLD_RANK=1; then echo "$pid"; else second "$pid"; fi
  done
}
begin() { # a run of minutes, until it has written a checkpoint
  rm -f "$work/state"
  together 2 "${tuning[@]}" "${images[@]}" --minutes 9 --batch 6 --checkpoint "$work/state" -o "$work/$1.onnx" > "$work/log" 2>&1 &
  run=$!
  while [ ! -e "$work/state" ] && kill -0 "$run"; do sleep 0.1; done
}
begin stopped
kill -INT "$(second "$run")"
check "Ctrl-C in one ends all with the best so far" wait "$run"
check "which is written" test -s "$work/stopped.onnx"
begin killed
kill -KILL "$(second "$run")"
code=0
wait "$run" || code=$?
check "the death of one ends all" test "$code" -ne 0
check "and leaves the checkpoint" test -s "$work/state"
# The steps to wait for are this run's, not those that the one before has left in the log.
: > "$work/log"
together 2 "${tuning[@]}" "${images[@]}" --minutes 9 --batch 6 --checkpoint "$work/state" -o "$work/killed.onnx" > "$work/log" 2>&1 &
run=$!
while ! grep -q " step " "$work/log" && kill -0 "$run"; do sleep 0.1; done
kill -INT "$(second "$run")"
check "from which the next one goes on" wait "$run"
check "past the steps that were done" says " step 1/" 0
check "and which is gone behind it" test ! -e "$work/state"
exit $failed
