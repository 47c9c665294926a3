#!/usr/bin/env bash
# Has libFuzzer look for inputs that break a parser, guided by the code that they reach, from the same files that
# parsers.py starts from.
#
#     scripts/fuzz/guided.sh [RUNS] [PARSER...]      # 1000000 inputs of each parser by default
#
# An input that takes more than 5 s or 1 GiB counts as broken. Prints a line for each parser; what breaks one is kept in
# .build-guided/failures, and ends this with 1. `scripts/fuzz/parsers.py FILE` says where it breaks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

runs=${1:-1000000}
shift || true
parsers=("$@")
[ ${#parsers[@]} -gt 0 ] || parsers=(npy safetensors model rewrite run image sensitivities moments times checkpoint)

folder=.build-guided
swift build -c release --product Fuzzing --scratch-path "$folder" -Xswiftc -sanitize=fuzzer -Xswiftc -DGUIDED \
  -Xcc -fsanitize=fuzzer-no-link -Xswiftc -use-ld=lld > "$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
mkdir -p "$folder/failures"
export OPENBLAS_NUM_THREADS=1 SWIFT_BACKTRACE=enable=no

endings() {
  case $1 in
    model | rewrite | run) echo onnx ;;
    image) echo "png jpg" ;;
    sensitivities) echo sensitivities.json ;;
    moments | checkpoint) echo "$1.safetensors" ;;
    times) echo times.json ;;
    *) echo "$1" ;;
  esac
}

failed=0
for parser in "${parsers[@]}"; do
  corpus=$folder/corpus-$parser
  mkdir -p "$corpus"
  for ending in $(endings "$parser"); do
    find Tests/Vectors Tests/Fuzzing/Corpus -name "*.$ending" -size -64k -exec cp -t "$corpus" {} +
  done
  start=$SECONDS status=0
  "$folder/release/Fuzzing" "$parser" "$corpus" -runs="$runs" -max_len=65536 -timeout=5 -rss_limit_mb=1024 \
    -artifact_prefix="$folder/failures/$parser-" > "$folder/$parser.log" 2>&1 || status=$?
  reached=$(grep -o 'cov: [0-9]*' "$folder/$parser.log" | tail -n 1)
  done=$(grep -oE '^#[0-9]+' "$folder/$parser.log" | tail -n 1)
  echo "$parser: ${done:-#0} inputs in $((SECONDS - start)) s, ${reached:-cov: none} edges, exit $status"
  [ "$status" -eq 0 ] || failed=1
done
exit "$failed"
