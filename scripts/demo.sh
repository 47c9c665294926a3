#!/usr/bin/env bash
# Makes the machine ready, builds the command, compresses the example network and shows what that saves and costs: with
# nothing but this project.
#
#     scripts/demo.sh
#
# LOWRANK names a command that is built already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${LOWRANK:-}" ]; then
  # shellcheck source=scripts/setup.sh
  source scripts/setup.sh
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi
mkdir -p .build/demo
original=Examples/mnist/mnist.onnx small=.build/demo/mnist-small.onnx report=.build/demo/report.json
digits=(--images Examples/mnist/test_images.npy --labels Examples/mnist/test_labels.npy)

# The last number of a name in indented JSON on standard input: the model's own, which come behind its layers'.
number() {
  awk -v name="\"$1\"" '$1 == name { sub(/,$/, "", $3); last = $3 } END { print last }'
}

# A row of the table: a title, a format for its numbers, the number before, and the one after.
row() {
  # shellcheck disable=SC2059 # the format is the caller's
  printf "%-24s%14s%14s\n" "$1" "$(LC_ALL=C printf "$2" "$3")" "$(LC_ALL=C printf "$2" "$4")"
}

milliseconds() {
  "$LOWRANK" bench model "$1" --json | number minMs
}

# The part of the test digits that a network has right, in percent.
accuracy() {
  "$LOWRANK" evaluate "$1" "${digits[@]}" --json | number fraction | awk '{ print 100 * $1 }'
}

echo
echo "\$ lowrank compress $original --error 0.3 -o $small"
"$LOWRANK" compress "$original" --error 0.3 -o "$small" --json "$report"
echo
echo "\$ lowrank evaluate $small ${digits[*]} --against $original"
"$LOWRANK" evaluate "$small" "${digits[@]}" --against "$original"
echo

printf "%-24s%14s%14s\n" "" before after
row weights %d "$(number paramsBefore < "$report")" "$(number paramsAfter < "$report")"
row "multiplies an image" %d "$(number macsBefore < "$report")" "$(number macsAfter < "$report")"
row bytes %d "$(number bytesBefore < "$report")" "$(number bytesAfter < "$report")"
row accuracy "%.2f%%" "$(accuracy "$original")" "$(accuracy "$small")"
row "ms an image" %.3f "$(milliseconds "$original")" "$(milliseconds "$small")"
echo "(accuracy on 500 test images; the shortest run of one image on one thread)"

echo
echo "What each form is worth at half the multiplies (lowrank compress --macs 0.5 --method FORM, no retraining):"
printf '%-10s%14s%24s%12s%14s\n' form multiplies "sum of squared errors" accuracy "ms an image"
for method in tucker2 cp3 cp4 spatial channel auto; do
  half=.build/demo/half.onnx
  "$LOWRANK" compress "$original" --macs 0.5 --method "$method" -o "$half" --json "$report" > /dev/null
  squares=$(awk '$1 == "\"relativeError\"" { sub(/,$/, "", $3); sum += $3 * $3 } END { print sum }' "$report")
  LC_ALL=C printf '%-10s%14d%24.4f%11.2f%%%14.3f\n' "$method" "$(number macsAfter < "$report")" "$squares" \
    "$(accuracy "$half")" "$(milliseconds "$half")"
done
