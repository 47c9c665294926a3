#!/usr/bin/env bash
# Runs the tests of the convolution kernels and of the code that holds pointers under the sanitizers: addresses, undefined
# behaviour, races; and ONNX's operator tests in a command that has the first two.
#
#     scripts/checks/sanitize.sh [address] [undefined] [thread] [operators]      # all four by default
#
# PYTHON is one with onnx and NumPy, for the last of them (.venv/bin/python by default).
# LOWRANK_TEST_ROUNDS sets how many geometries each algorithm gets, 270 by default: over 20,000 plans; a short run has four.
# Each sanitizer builds in a folder of its own, optimised, and no more of the package than its tests stand on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

export LOWRANK_TEST_ROUNDS=${LOWRANK_TEST_ROUNDS:-270}
# OpenBLAS's threads and the Swift runtime keep what they allocate; leaks of ours are valgrind's to find (c-tests.sh).
export ASAN_OPTIONS=detect_leaks=0:strict_string_checks=1:detect_stack_use_after_return=1
export TSAN_OPTIONS=halt_on_error=1

# Swift has no sanitizer of undefined behaviour on Linux, and the C kernels are whom it is for: there it traps.
undefined=(-Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined)

operators() {
  swift build -c release --product lowrank --scratch-path .build-operators --sanitize address -Xcc -O1 "${undefined[@]}"
  "${PYTHON:-.venv/bin/python}" scripts/checks/onnx_operator_tests.py --lowrank .build-operators/release/lowrank
}

[ $# -gt 0 ] || set -- address undefined thread operators
for sanitizer in "$@"; do
  echo "=== $sanitizer"
  targets=ConvTests,LinearAlgebraTests,TensorsTests,FormsTests,TensorFilesTests
  tests="^(${targets//,/|})\\."
  # The C kernels at a lower level, which takes less time to build and moves less out of a sanitizer's sight.
  flags=(--sanitize "$sanitizer" -Xcc -O1)
  case $sanitizer in
    address) ;;
    undefined) flags=(-Xcc -O1 "${undefined[@]}") ;;
    thread)
      # What runs on several threads: plans from many tasks, bands and chains of layers in parallel, stacked images, every form
      # with up to four threads. What Mutex guards looks like a race: the sanitizer does not see into Swift's library.
      targets=ConvTests,LinearAlgebraTests
      tests='^(ConvTests\.(PlanBehaviour|KernelVariant|ThreadCount|Chain|StackedImages)|LinearAlgebraTests\.SharedWork)Tests'
      ;;
    operators)
      operators
      continue
      ;;
    *)
      echo "usage: sanitize.sh [address] [undefined] [thread] [operators]" >&2
      exit 2
      ;;
  esac
  log=.build-$sanitizer.log
  LOWRANK_TESTS=$targets swift test -c release --scratch-path ".build-$sanitizer" "${flags[@]}" \
    -Xswiftc -enable-testing --no-parallel --filter "$tests" 2>&1 |
    tee "$log" | grep -E 'Build complete|Test run with|✘|ERROR|unexpected signal|WARNING: ThreadSanitizer' || true
  # The pipe hides the status of the tests: their closing line tells, and a sanitizer's report.
  if ! grep -q 'Test run with .* passed' "$log" ||
    grep -qE 'ERROR: AddressSanitizer|unexpected signal|WARNING: ThreadSanitizer' "$log"; then
    echo "$sanitizer: failed; the whole log is $log" >&2
    exit 1
  fi
done
