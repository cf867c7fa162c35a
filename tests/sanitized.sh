#!/usr/bin/env bash
# Runs the unit tests of a sanitizer build: tests/sanitized.sh BUILD_FOLDER AREA…
# Exit status 77 (skipped) when there is no such build.
set -euo pipefail

build=$1
shift
if [[ ! -f $build/build.ninja ]]; then
  echo "no sanitizer build in $build: ./dev test makes it"
  exit 77
fi
export ASAN_OPTIONS=detect_stack_use_after_return=0:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

status=0
ran=0
for area in "$@"; do
  [[ -f $build/tests/$area/CTestTestfile.cmake ]] || continue
  ran=1
  # One test at a time: other tests run beside this one.
  ctest --test-dir "$build/tests/$area" --output-on-failure --no-tests=ignore -LE bench || status=$?
done
if ((ran == 0)); then
  echo "the build in $build has none of the areas: $*"
  exit 1
fi
exit "$status"
