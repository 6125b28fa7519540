#!/usr/bin/env bash
# Every test, in the order of cost. Called by ./run test, which installed what is needed.
#   tests/all.sh             everything
#   tests/all.sh NAME…       only the steps of these names: unit asan tsan postgres fuzz sdk scenarios browser kill demo
# Prints a line per step and, at the end, "N passed, N failed". Logs are in build-test/logs, what the browser saw in
# build-test/screenshots.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
OUT=$PWD/build-test
mkdir -p "$OUT/logs"
PASSED=0
FAILED=0
export LC_ALL=C.UTF-8 NO_COLOR=1
export SEKISHO=$PWD/build/sekisho FAKECLOUD=$PWD/build/fakecloud

count() { PASSED=$((PASSED + $1)); FAILED=$((FAILED + $2)); }

# show NAME LOG PASSED FAILED SECONDS
show() {
  printf '%-10s %5s passed %3s failed  %4ss\n' "$1" "$3" "$4" "$5"
  count "$3" "$4"
  if [ "$4" -ne 0 ]; then
    printf -- '---- %s: the end of %s\n' "$1" "$2"
    grep -aE '^(not ok|\[  FAILED|FAIL|ERROR|# fail)|✖|AssertionError|error:|ERROR:|WARNING: ThreadSan|runtime error' "$2" | head -60
    tail -n 60 "$2"
    printf -- '----\n'
  fi
}

# A build folder by its name and options, then its meson suites. meson_step NAME DIR SUITES [options…]
meson_step() {
  local name=$1 dir=$2 suites=$3 start=$SECONDS log=$OUT/logs/$1.log pass fail
  shift 3
  : >"$log"
  if [ ! -f "$dir/build.ninja" ]; then meson setup "$dir" "$@" >>"$log" 2>&1; fi
  if ! ninja -C "$dir" >>"$log" 2>&1; then
    show "$name" "$log" 0 1 $((SECONDS - start))
    return
  fi
  local args=()
  for s in $suites; do args+=(--suite "$s"); done
  meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier 10 "${args[@]}" >>"$log" 2>&1
  pass=$(awk '/^Ok:/{print $2}' "$log" | tail -1)
  fail=$(awk '/^(Fail|Timeout|Unexpected Pass):/{n+=$NF} END{print n+0}' "$log")
  [ -n "$pass" ] || { pass=0; fail=1; }
  show "$name" "$log" "$pass" "$fail" $((SECONDS - start))
}

# node_step NAME FILES…
node_step() {
  local name=$1 start=$SECONDS log=$OUT/logs/$1.log pass fail
  shift
  node --test --test-concurrency="${TEST_CONCURRENCY:-2}" --test-reporter=tap "$@" >"$log" 2>&1
  pass=$(awk '/^# pass /{print $3}' "$log" | tail -1)
  fail=$(awk '/^# (fail|cancelled) /{n+=$3} END{print n+0}' "$log")
  [ -n "$pass" ] || { pass=0; fail=1; }
  show "$name" "$log" "$pass" "$fail" $((SECONDS - start))
}

# A program that ends with 0 when all is well. program_step NAME COMMAND…
program_step() {
  local name=$1 start=$SECONDS log=$OUT/logs/$1.log fail=0
  shift
  "$@" >"$log" 2>&1 </dev/null || fail=1
  show "$name" "$log" $((1 - fail)) $fail $((SECONDS - start))
}

node_modules() {
  if [ ! -d tests/node_modules ] || [ tests/package-lock.json -nt tests/node_modules/.package-lock.json ]; then
    (cd tests && npm ci --no-audit --no-fund --loglevel=error) >"$OUT/logs/npm.log" 2>&1 || cat "$OUT/logs/npm.log"
  fi
}

step_unit() { meson_step unit build "unit conformance"; }
step_asan() {
  ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 CC=clang meson_step asan build-asan \
    "unit conformance" -Db_sanitize=address,undefined -Db_lundef=false --buildtype=debugoptimized
}
step_tsan() {
  TSAN_OPTIONS=halt_on_error=1 CC=clang meson_step tsan build-tsan "threads" -Db_sanitize=thread -Db_lundef=false \
    --buildtype=debugoptimized
}
step_postgres() { program_step postgres bash tests/conformance/with_postgres.sh meson test -C build --no-rebuild --suite postgres; }
step_fuzz() { program_step fuzz bash tests/fuzz/all.sh "${FUZZ_SECONDS:-30}"; }
step_sdk() { node_modules; node_step sdk tests/sdk/*.test.mjs; }
step_scenarios() { node_modules; node_step scenarios tests/scenarios/*.test.mjs; }
step_browser() { node_modules; rm -rf "$OUT/screenshots"; node_step browser tests/browser/*.test.mjs; }
step_kill() { program_step kill node tests/scenarios/kill9.mjs "${KILL_RUNS:-200}"; }
step_demo() { program_step demo ./run demo --once --json; }

./run build || { echo "0 passed, 1 failed"; exit 1; }
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(unit asan tsan postgres sdk scenarios browser demo kill fuzz)
for s in "${steps[@]}"; do "step_$s"; done
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
