#!/usr/bin/env bash
# Tests the C interface as users have it: installs the libraries, moves them, and builds and runs against them the C
# examples (shared and static), the Python package and the hostile-arguments test, some of it under valgrind.
#
#   scripts/checks/c-tests.sh
#
# CALLS      hostile calls of each function (100000)
# PYTHON     a Python with NumPy (.venv/bin/python where there is one, else python3)
# CC, CXX    the compilers (cc, c++)
# SCRATCH    the build folder, as for scripts/install.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

root=$PWD
work=$(mktemp -d)
mkdir "$work/files"
trap 'rm -rf "$work"' EXIT
calls=${CALLS:-100000} cc=${CC:-cc} cxx=${CXX:-c++}
python=${PYTHON:-}
if [ -z "$python" ]; then [ -x .venv/bin/python ] && python=$root/.venv/bin/python || python=python3; fi
# Some steps work in other folders; the link that makes an environment what it is stays one.
case $python in */*) python=$(realpath -s "$python") ;; esac
strict=(-Wall -Wextra -Werror -pedantic)

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

step() {
  echo "--- $1"
  shift
  local start=$SECONDS
  "$@"
  echo "    $((SECONDS - start)) s"
}

# The library is installed to one place and used from another.
install_and_move() {
  scripts/install.sh --prefix "$work/first" --scratch-path "${SCRATCH:-.build-install}" > "$work/log" 2>&1 ||
    { cat "$work/log"; fail "install.sh"; }
  tail -n 5 "$work/log"
  scripts/install.sh --symbols --prefix "$work/symbols" --scratch-path "${SCRATCH:-.build-install}" > "$work/log" 2>&1 ||
    { cat "$work/log"; fail "install.sh --symbols"; }
  mv "$work/first" "$work/moved"
  prefix=$work/moved
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=
  shared=$(readlink -f "$prefix/lib/liblowrank.so")
}

check_header() {
  local standard header=$prefix/include/lowrank.h
  for standard in c99 c11 c17; do "$cc" -std=$standard "${strict[@]}" -fsyntax-only -x c "$header"; done
  for standard in c++11 c++17 c++20; do "$cxx" -std=$standard "${strict[@]}" -fsyntax-only -x c++ "$header"; done
  if command -v clang > /dev/null; then
    clang -std=c11 "${strict[@]}" -Wdocumentation -fsyntax-only -x c "$header"
  fi
}

# Nothing but what the header declares is seen from outside, and nothing of Swift is needed.
check_symbols() {
  sed -n 's/^LOWRANK_API .*\(lowrank_[a-z0-9_]*\)(.*/\1/p' "$prefix/include/lowrank.h" | sort > "$work/declared"
  nm -D --defined-only --extern-only "$shared" | awk '{ print $3 }' | sort > "$work/exported"
  diff "$work/declared" "$work/exported" || fail "liblowrank.so does not export what lowrank.h declares"
  nm --defined-only --extern-only "$prefix/lib/liblowrank.a" | awk 'NF == 3 { print $3 }' | sort > "$work/exported"
  diff "$work/declared" "$work/exported" || fail "liblowrank.a does not export what lowrank.h declares"
  local file needed
  for file in "$shared" "$prefix/bin/lowrank"; do
    needed=$(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | tr '\n' ' ')
    echo "    ${file##*/} needs $needed"
    case "$needed" in *swift* | *Foundation* | *dispatch*) fail "$file needs Swift's libraries" ;; esac
    readelf -d "$file" | grep -E 'RPATH|RUNPATH' | grep -F "$root" && fail "$file looks for libraries in $root"
  done
  return 0
}

# The pages are clean roff, and the completions clean shell, as far as the tools to say so are there.
check_help() {
  local page
  [ -f "$prefix/share/man/man1/lowrank-compress.1" ] || fail "there is no page for lowrank compress"
  if command -v groff > /dev/null; then
    for page in "$prefix"/share/man/man1/*.1; do
      if ! groff -man -ww -z "$page" 2> "$work/log" || [ -s "$work/log" ]; then
        cat "$work/log"
        fail "$page"
      fi
    done
  fi
  bash -n "$prefix/share/bash-completion/completions/lowrank"
  # shellcheck disable=SC2016 # the inner shell's variables
  bash -c 'source "$1"; complete -p lowrank' completion "$prefix/share/bash-completion/completions/lowrank" > /dev/null
}

build_examples() {
  cp Examples/c/* "$work/"
  make -s -C "$work" CC="$cc" CFLAGS="-O2 ${strict[*]}" factored_layer network
  # shellcheck disable=SC2046 # flags are several words
  "$cc" -std=c11 -O2 "${strict[@]}" $(pkg-config --cflags lowrank) -o "$work/static_layer" "$work/factored_layer.c" \
    "$prefix/lib/liblowrank.a" $(pkg-config --static --libs-only-l lowrank | sed 's/-llowrank//') 2> "$work/log" ||
    { cat "$work/log"; fail "linking with liblowrank.a"; }
  # Foundation's use of mktemp, which the library never comes to, is all that may be said.
  grep -v -e mktemp -e 'in function' "$work/log" && fail "warnings of the static link"
  cp "$root/Examples/mnist/mnist.onnx" "$work/model.onnx"
}

run_examples() {
  (cd "$work" && ./factored_layer && ./factored_layer 37 53 29 7 11 > /dev/null && ./static_layer 64 64 28 16 16 &&
    ./network model.onnx &&
    "$prefix/bin/lowrank" compress model.onnx --error 0.3 -o smaller.onnx --json > smaller.json && ls -l smaller.onnx)
}

# Where namespaces of mounts can be had: the same with this folder and Swift's hidden.
run_without_sources() {
  local swift
  swift=$(dirname "$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")")
  if ! unshare --mount true 2> /dev/null; then
    echo "    no namespaces of mounts here: not run"
    return
  fi
  case "$swift" in / | /usr) swift=$root ;; esac
  unshare --mount bash -ec "mount -t tmpfs none '$root'; mount -t tmpfs none '$swift'; cd '$work'
    [ ! -e '$root/Package.swift' ]; ./factored_layer 32 32 14 8 8; ./static_layer 32 32 14 8 8 > static.log
    '$prefix/bin/lowrank' inspect model.onnx > inspect.log; tail -n 1 inspect.log"
}

run_python() {
  export LOWRANK_LIBRARY=$prefix/lib/liblowrank.so PYTHONPATH=$root/Python/src
  "$python" Examples/python/smaller_network.py
  if "$python" -c 'import pytest' 2> /dev/null; then
    "$python" -m pytest -q -p no:cacheprovider Python
  else
    echo "    pytest is not installed: the package's tests are not run"
  fi
  if "$python" -c 'import mypy' 2> /dev/null; then (cd Python && "$python" -m mypy --cache-dir /dev/null); fi
}

run_steady() {
  "$cc" -std=gnu11 -O1 "${strict[@]}" "-I$prefix/include" -o "$work/steady" Tests/C/steady.c "-L$prefix/lib" -llowrank \
    "-Wl,-rpath,$prefix/lib"
  OPENBLAS_NUM_THREADS=1 "$work/steady"
}

run_chains() {
  "$cc" -std=c11 -O1 "${strict[@]}" "-I$prefix/include" -o "$work/chains" Tests/C/chains.c "-L$prefix/lib" -llowrank \
    "-Wl,-rpath,$prefix/lib" -lm
  "$work/chains"
}

# $1: the program, $2: the library's folder
build_hostile() {
  "$cc" -std=gnu11 -O1 -g -Wall -Wextra -Werror "-I$prefix/include" -o "$1" Tests/C/hostile*.c "-L$2" -llowrank \
    "-Wl,-rpath,$2" -lm -lpthread
}

run_hostile() {
  build_hostile "$work/hostile" "$prefix/lib"
  OPENBLAS_NUM_THREADS=1 "$work/hostile" "$calls" 4 "${SEED:-1}" Tests/Vectors "$work/files"
}

run_valgrind() {
  if ! command -v valgrind > /dev/null; then
    echo "    valgrind is not installed: not run"
    return
  fi
  local lost="definite,indirect"
  local memcheck=(valgrind -q --leak-check=full "--show-leak-kinds=$lost" "--errors-for-leak-kinds=$lost"
    --error-exitcode=9 --suppressions=Tests/C/swift-runtime.supp)
  build_hostile "$work/hostile-symbols" "$work/symbols/lib"
  export OPENBLAS_NUM_THREADS=1
  LD_LIBRARY_PATH=$work/symbols/lib "${memcheck[@]}" "$work/factored_layer" 16 16 12 4 4
  LD_LIBRARY_PATH=$work/symbols/lib "${memcheck[@]}" "$work/network" "$work/model.onnx"
  "${memcheck[@]}" "$work/hostile-symbols" 100 2 1 Tests/Vectors "$work/files" > "$work/log" 2>&1 ||
    { cat "$work/log"; fail "valgrind on the hostile test"; }
  echo "    nothing lost, no error"
}

run_cmake() {
  if ! command -v cmake > /dev/null; then
    echo "    cmake is not installed: not run"
    return
  fi
  mkdir -p "$work/cmake"
  cat > "$work/cmake/CMakeLists.txt" << 'CMAKE'
cmake_minimum_required(VERSION 3.10)
project(example C)
find_package(lowrank 0.1 REQUIRED)
foreach(kind lowrank lowrank_static)
  add_executable(with_${kind} ../factored_layer.c)
  target_link_libraries(with_${kind} lowrank::${kind} m)
endforeach()
CMAKE
  if ! { cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$prefix" &&
    cmake --build "$work/cmake/build"; } > "$work/log" 2>&1; then
    cat "$work/log"
    fail "the CMake package"
  fi
  "$work/cmake/build/with_lowrank" 16 16 12 4 4
  "$work/cmake/build/with_lowrank_static" 16 16 12 4 4 > /dev/null
}

step "install, then move" install_and_move
step "the header in C and C++" check_header
step "symbols and libraries" check_symbols
step "manual pages and completions" check_help
step "examples: build" build_examples
step "examples: run" run_examples
step "without sources and Swift" run_without_sources
step "Python" run_python
step "CMake" run_cmake
step "chains and layouts" run_chains
step "no allocation in a run" run_steady
step "valgrind" run_valgrind
step "hostile arguments" run_hostile
echo "the C interface holds, $SECONDS s"
