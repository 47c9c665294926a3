#!/usr/bin/env bash
# Builds the documentation with the toolchain's docc, warnings being errors, and checks the code and the numbers of its
# articles.
#
#     scripts/docs.sh [OUTPUT.doccarchive]
#
# The archive, by default .build/docs/swift-lowrank.doccarchive, is a website: serve it with
# `python3 -m http.server --directory ARCHIVE` and open /documentation. LOWRANK names a command that is built already.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
output=$(realpath -m "${1:-$root/.build/docs/swift-lowrank.doccarchive}")
cd "$root"
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

docc=$(dirname "$(readlink -f "$(command -v swift)")")/docc
[ -x "$docc" ] || docc=$(command -v docc) || { echo "This Swift toolchain has no docc." >&2; exit 1; }

# In the order of their dependencies.
modules=(Tensors Forms TensorFiles LinearAlgebra Decompose Conv ModelGraph ONNX Network Gradients Compress Tune Reports)
folder=.build/docs
rm -rf "$folder"
mkdir -p "$folder"

# Where the tests have not been built, it fails over their modules, behind all of ours; a graph of ours that is missing is
# missed below.
swift package dump-symbol-graph --minimum-access-level public --skip-synthesized-members > "$folder/symbols.log" 2>&1 ||
  grep -q '^Files written to ' "$folder/symbols.log" || { cat "$folder/symbols.log" >&2; exit 1; }
graphs=$(sed -n 's/^Files written to //p' "$folder/symbols.log")

archives=()
for module in "${modules[@]}"; do
  mkdir -p "$folder/graphs/$module"
  cp "$graphs/$module.symbols.json" "$folder/graphs/$module"
  # What a module adds to the types of others.
  find "$graphs" -name "$module@*.symbols.json" -exec cp {} "$folder/graphs/$module" \;
  catalog=Sources/$module/Documentation.docc
  arguments=()
  [ ! -d "$catalog" ] || arguments+=("$catalog")
  "$docc" convert ${arguments[@]+"${arguments[@]}"} --additional-symbol-graph-dir "$folder/graphs/$module" \
    --fallback-display-name "$module" --fallback-bundle-identifier "swift-lowrank.$module" \
    --warnings-as-errors --output-path "$folder/$module.doccarchive"
  archives+=("$folder/$module.doccarchive")
done
rm -rf "$output"
"$docc" merge "${archives[@]}" --synthesized-landing-page-name swift-lowrank --output-path "$output"

if [ -z "${LOWRANK:-}" ]; then
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi
export LOWRANK
articles=(Sources/*/Documentation.docc/*.md)
scripts/checks/readme.sh "${articles[@]}"
python3 scripts/checks/articles.py "$LOWRANK" .build/readme/.build/debug "${articles[@]}"
echo "$output"
