#!/bin/sh
# Times the engine on a board, for a report: the eleven layers of Benchmarks/peers in four forms, on one core and on all.
#
#     scripts/measure/board.sh RESULTS.jsonl
#
# Needs the command alone; LOWRANK names it (by default the one on the PATH), THREADS the numbers of threads, REPS the
# repetitions. The first line of the file says what board it is, each further one is a measurement.
set -eu
if [ $# -ne 1 ]; then
  echo "usage: board.sh RESULTS.jsonl" >&2
  exit 2
fi
lowrank=${LOWRANK:-lowrank}
reps=${REPS:-40}
cores=$(getconf _NPROCESSORS_ONLN)
threads=${THREADS:-1 $cores}
[ "$threads" != "1 1" ] || threads=1

# One line of JSON out of several.
one_line() { tr -d '\n' | sed 's/  */ /g'; }

# Text as the inside of a JSON string.
quoted() { tr '\n\t' '  ' | sed 's/[\\"]/\\&/g; s/ *$//'; }

measure() { # layer, form, threads
  printf '{"layer": "%s", "result": ' "$1"
  "$lowrank" bench conv --layer "$1" --form "$2" --threads "$3" --reps "$reps" --explain --json | one_line
  printf '}\n'
}

{
  printf '{"date": "%s", "machine": "%s", "processor": "%s", "cores": %s, "lowrank": "%s"}\n' "$(date -u +%F)" \
    "$(uname -srm | quoted)" "$( (lscpu 2> /dev/null || true) | sed -n 's/^Model name: *//p' | head -n 1 | quoted)" "$cores" \
    "$("$lowrank" version | quoted)"
  for count in $threads; do
    # Input and output channels, kernel, height, width, stride, padding; the larger number of channels is CP's rank.
    for layer in 64,64,3,56,56,1,1 128,128,3,28,28,1,1 256,256,3,14,14,1,1 512,512,3,7,7,1,1 64,64,3,224,224,1,1 \
      128,128,3,112,112,1,1 256,256,3,56,56,1,1 512,512,3,28,28,1,1 512,512,3,14,14,1,1 96,256,5,27,27,1,2 \
      128,256,3,56,56,2,1; do
      inputs=${layer%%,*}
      rest=${layer#*,}
      outputs=${rest%%,*}
      measure "$layer" dense "$count"
      measure "$layer" "tucker2:$((outputs / 4)),$((inputs / 4))" "$count"
      measure "$layer" "tucker2:$((outputs / 2)),$((inputs / 2))" "$count"
      measure "$layer" "cp3:$outputs" "$count"
      echo "$count thread(s): $layer done" >&2
    done
  done
} > "$1.partial"
mv "$1.partial" "$1"
echo "the measurements are in $1"
