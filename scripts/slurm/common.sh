# shellcheck shell=bash
# What the jobs have in common; sourced by them.
set -euo pipefail
lowrank=${LOWRANK:-lowrank}
task=${SLURM_ARRAY_TASK_ID:?this is an array job: sbatch --array=1-N}
tasks=${SLURM_ARRAY_TASK_COUNT:?this is an array job: sbatch --array=1-N}
if [ "${SLURM_ARRAY_TASK_MIN:-1}" != 1 ] || [ "${SLURM_ARRAY_TASK_MAX:-$tasks}" != "$tasks" ]; then
  echo "the array has to be 1-N: a task's number is that of its part" >&2
  exit 64
fi
# What the job was given of the node, for the jobs' commands.
# shellcheck disable=SC2034
threads=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}

usage() {
  echo "usage: sbatch --array=1-N $*" >&2
  exit 64
}

# Writes the standard output of a command to a file that appears whole or not at all.
into() {
  local file=$1
  shift
  "$@" > "$file.part-$$" || { rm -f "$file.part-$$"; return 1; }
  mv "$file.part-$$" "$file"
}

# The layers of this task as a regular expression: every N-th, so that large and small ones are spread.
own_layers() {
  "$lowrank" inspect "$1" --skip . --json | python3 -c '
import json, re, sys
task, tasks = int(sys.argv[1]), int(sys.argv[2])
names = [layer["name"] for layer in json.load(sys.stdin)["layers"]][task - 1 :: tasks]
print("^(?:" + "|".join(re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", name) for name in names) + ")$" if names else "")
' "$task" "$tasks"
}
