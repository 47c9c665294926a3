#!/usr/bin/env bash
# scripts/slurm/test.sh [LOWRANK]
# Installs Debian's Slurm and MUNGE, starts them on this machine alone, under a folder of its own, runs the array jobs on the
# example network, and compares what comes out with one process, byte by byte. Needs root and Debian; stops what it started.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
lowrank=$(realpath "${1:-.build/release/lowrank}")
export LOWRANK=$lowrank LOWRANK_SLURM=$root/scripts/slurm
export PATH=$PATH:/usr/sbin
if ! command -v slurmctld sbatch munged > /dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm munge > /dev/null
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/lowrank-slurm-XXXXXX")
pids=()
stop() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2> /dev/null || true; done
  [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap stop EXIT

# A key, a socket and ports of its own: a Slurm that may run here already is none of this one's business.
chmod 755 "$work"
mkdir -m 700 "$work/munge"
dd if=/dev/urandom of="$work/munge/key" bs=1 count=1024 status=none
chmod 600 "$work/munge/key"
chown -R munge: "$work/munge"
mkdir -m 755 "$work/run"
chown munge: "$work/run"
runuser -u munge -- munged --foreground --key-file="$work/munge/key" --socket="$work/run/munge.socket" --num-threads=2 \
  --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" 2> "$work/munged.log" &
pids+=($!)

ports=$(python3 -c '
import socket
held = [socket.socket() for _ in range(2)]
for one in held: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))')
cores=$(nproc)
mkdir "$work/state" "$work/spool"
cat > "$work/slurm.conf" << CONF
ClusterName=lowrank
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=${ports% *}
SlurmdPort=${ports#* }
AuthType=auth/munge
AuthInfo=socket=$work/run/munge.socket
SlurmUser=root
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SchedulerParameters=sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=$cores State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$work/slurm.conf
slurmctld -D > "$work/slurmctld.log" 2>&1 &
pids+=($!)
slurmd -D -N "$(hostname)" > "$work/slurmd.log" 2>&1 &
pids+=($!)
for _ in $(seq 60); do
  [ "$(sinfo -h -o %T 2> /dev/null)" != idle ] || break
  sleep 0.5
done
if [ "$(sinfo -h -o %T 2> /dev/null)" != idle ]; then
  echo "Slurm did not start:" >&2
  tail -n 5 "$work"/*.log >&2
  exit 1
fi

model=$root/Examples/mnist/mnist.onnx images=$root/Examples/mnist/test_images.npy
out=$work/out one=$work/one
mkdir "$out" "$one"
# What the tasks print and where they run; -W waits and hands the worst exit code on.
job=(sbatch -W --parsable --output="$out/%x-%a.log" --chdir="$root")
moments=(--samples 60)
run() {
  "$@" > "$work/job.id" || { echo "a task failed:" >&2; tail -n 3 "$out"/*.log >&2; exit 1; }
}
echo "moments: 4 tasks"
run "${job[@]}" --array=1-4 scripts/slurm/moments.sbatch "$model" "$images" "$out" "${moments[@]}"
echo "layers: 3 tasks"
run "${job[@]}" --array=1-3 scripts/slurm/layers.sbatch "$model" "$out"
echo "sweep: 2 tasks"
run "${job[@]}" --array=1-2 scripts/slurm/sweep.sbatch "$model" 0.3,0.4,0.5,0.6,0.8 "$out" \
  --moments "$out"/moments-*.safetensors
echo "profile: 2 tasks"
run "${job[@]}" --array=1-2 scripts/slurm/profile.sbatch "$model" "$out"

echo "the same in one process each"
"$lowrank" moments "$model" --images "$images" "${moments[@]}" -o "$one/moments.safetensors" > "$one/log"
"$lowrank" inspect "$model" --json > "$one/layers.json"
{
  "$lowrank" compress "$model" --sweep 0.3,0.4,0.5,0.6,0.8 --moments "$one/moments.safetensors" --json "$one/sweep.json"
  "$lowrank" compress "$model" -o "$one/small.onnx" --macs 0.3 --moments "$one/moments.safetensors"
  "$lowrank" compress "$model" -o "$out/small.onnx" --macs 0.3 --moments "$out"/moments-*.safetensors
} >> "$one/log"

same() {
  cmp "$1" "$2" || { echo "$3 differs from one process" >&2; exit 1; }
  echo "$3: the same $(stat -c %s "$1") bytes as one process"
}
parts=("$out"/moments-*.safetensors)
[ ${#parts[@]} = 4 ]
same "$out/small.onnx" "$one/small.onnx" "compress --moments of 4 parts"
for kind in layers sweep; do
  parts=("$out/$kind"-*.json)
  python3 scripts/slurm/merge.py "$kind" "${parts[@]}" > "$out/$kind.json"
  python3 scripts/slurm/merge.py "$kind" "$one/$kind.json" > "$one/$kind-merged.json"
  same "$out/$kind.json" "$one/$kind-merged.json" "merge.py $kind of ${#parts[@]} parts"
done
python3 scripts/slurm/merge.py profile "$out"/profile-*.json > "$out/profile.json"
"$lowrank" compress "$model" -o "$out/fast.onnx" --latency 0.7 --profile "$out/profile.json" > "$out/fast.log"
echo "compress --profile takes the merged times: $(python3 -c '
import json, sys
print(sum(bool(layer["forms"]) for layer in json.load(open(sys.argv[1]))["layers"]))' "$out/profile.json") layers in forms"
# What is left out is seen.
if "$lowrank" compress "$model" -o "$out/x.onnx" --macs 0.3 --moments "$out"/moments-[123].safetensors 2> "$out/missing.log"; then
  echo "a missing part went unseen" >&2
  exit 1
fi
cut -c1-160 "$out/missing.log"
