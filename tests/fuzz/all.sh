#!/usr/bin/env bash
# Builds the fuzz targets and runs each for some seconds, two at a time. tests/fuzz/all.sh SECONDS
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-60}
dir=build-fuzz
[ -f $dir/build.ninja ] || CC=clang meson setup $dir -Dfuzz=true -Dtests=false -Db_sanitize=address,undefined -Db_lundef=false || exit 1
ninja -C $dir || exit 1
mapfile -t targets < <(find $dir -type f -executable -name 'fuzz-*' | sort)
[ ${#targets[@]} -gt 0 ] || { echo "no fuzz targets were built"; exit 1; }
one() {
  local name
  name=$(basename "$1")
  mkdir -p "$dir/corpus/$name"
  local seeds=()
  [ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
  if "$1" -max_total_time="$2" -rss_limit_mb=4096 -max_len=65536 -artifact_prefix="$dir/$name-" -verbosity=0 -print_final_stats=1 \
    "$dir/corpus/$name" "${seeds[@]}" >"$dir/$name.log" 2>&1; then
    echo "ok $name $(awk '/number_of_executed_units/{print $2}' "$dir/$name.log") inputs"
  else
    echo "FAIL $name"
    tail -40 "$dir/$name.log"
    return 1
  fi
}
export -f one
export dir
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'one "$1" "$2"' _ {} "$seconds"
