#!/usr/bin/env bash
# The benchmarks: prepares what they need, then tests/bench/bench.py. Called by ./run bench, which built everything and
# installed the packages; arguments are passed on (--files N, --runs N, --only scan,known,latency,memory,floor,console,policy,rejudge).
# Databases and corpora are kept in build/bench; everything else goes with the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export LC_ALL=C.UTF-8 NO_COLOR=1
out=build/bench
mkdir -p "$out"

# The SDKs of the script.
if [ ! -d tests/node_modules/box-node-sdk ]; then
  (cd tests && npm ci --no-audit --no-fund >"../$out/npm.log" 2>&1) || { cat "$out/npm.log" >&2; exit 1; }
fi

database=$PWD/$out/database
code=0
sh tests/bench/signatures.sh "$database" "${BENCH_HASHES:-8000000}" >"$out/signatures.count" || code=$?
if [ "$code" -eq 77 ]; then
  echo "******** NO REAL SIGNATURES: ../shared/signatures is missing. Only a made-up set of hashes and one test signature" >&2
  echo "******** are loaded. THE RATIOS BELOW SAY LITTLE: with the real signatures a file costs the engine far more." >&2
  database=$PWD/$out/database-none
  mkdir -p "$database"
  printf '%s\n' 'Bench.Nothing:0:*:6e6f7468696e6720746861742069732065766572207468657265' >"$database/bench.ndb"
elif [ "$code" -ne 0 ]; then
  exit "$code"
else
  echo "database: $(cat "$out/signatures.count") signatures" >&2
fi
exec python3 tests/bench/bench.py --database "$database" "$@"
