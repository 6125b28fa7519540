#!/bin/sh
# Makes a signature database of the real size for the benchmarks: the public signatures that lie beside the project
# in ../shared/signatures, and 8 million random hashes.
#
#   signatures.sh OUT_DIR [RANDOM_HASHES]
#
# Exits with 77 (skipped) where the real ones are missing.
set -eu
out=${1:?usage: signatures.sh OUT_DIR [RANDOM_HASHES]}
count=${2:-8000000}
root=$(cd "$(dirname "$0")/../.." && pwd)
from=$root/../shared/signatures
if ! [ -e "$from/main.ldb.gz" ]; then
	echo "skipped: no $from" >&2
	exit 77
fi
mkdir -p "$out"
for f in "$from"/*.gz; do
	name=$(basename "$f" .gz)
	[ -e "$out/$name" ] || gzip -dc "$f" >"$out/$name"
done
if ! [ -e "$out/random.hsb" ]; then
	# Half by the file's hash, half by the section's of a program; the sizes as in life.
	python3 - "$out" "$count" <<'PY'
import random, sys
out, count = sys.argv[1], int(sys.argv[2])
r = random.Random(8)
with open(out + "/random.hsb.new", "w") as h, open(out + "/random.mdb.new", "w") as m:
    for i in range(0, count, 2):
        h.write("%064x:%d:Bench.Random-%d\n" % (r.getrandbits(256), r.randrange(1000, 4000000), i))
        m.write("%d:%032x:Bench.Random-%d\n" % (r.randrange(512, 1000000), r.getrandbits(128), i + 1))
PY
	mv "$out/random.mdb.new" "$out/random.mdb"
	mv "$out/random.hsb.new" "$out/random.hsb"
fi
cat "$out"/* | wc -l
