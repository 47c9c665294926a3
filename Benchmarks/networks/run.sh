#!/usr/bin/env bash
# Times whole networks here beside ONNX Runtime, OpenVINO, ncnn and MNN, and writes results/threads-N.json and results/table.md.
#
#     Benchmarks/networks/run.sh PEERS MODELS [THREADS...]     # 1 and 2 threads by default
#
# PEERS is the script that runs the engines in turn (network_peers.py; it prints a line of JSON a network), MODELS the folder
# of its networks. PYTHON names an interpreter that has the engines. ROUNDS is how often each engine's turn comes. ONLY=WORD,...
# runs the networks whose names have one of the words, whose rows take the place of their former ones.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 64; }
peers=$1 models=$2
shift 2
[ $# -gt 0 ] || set -- 1 2
python=${PYTHON:-python3}
lowrank=$here/../../.build/release/lowrank
[ -x "$lowrank" ] || { echo "build it first: swift build -c release --product lowrank" >&2; exit 1; }

for threads in "$@"; do
  mkdir -p "$here/results"
  OMP_NUM_THREADS=$threads "$python" "$peers" "$models" --threads "$threads" --rounds "${ROUNDS:-4}" \
    ${ONLY:+--only "$ONLY"} --lowrank "$lowrank" > "$here/results/lines"
  [ -n "${ONLY:-}" ] || rm -f "$here/results/threads-$threads.json"
  "$python" "$here/table.py" gather "$here/results/lines" "$here/results/threads-$threads.json" "$lowrank"
  rm "$here/results/lines"
done
"$python" "$here/table.py" table "$here/results"
