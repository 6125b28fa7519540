"""New signatures over a million known contents: how long until it is known which of them are bad.

The contents are put into the store's table as item ends would put them (four parts each); one of them is in the signatures that
come. No connection: there is nobody to call.
"""
import os
import re
import sqlite3
import time

from lib import Sekisho, run_timed, say

DAY = 86400000


def fill(path, count):
    db = sqlite3.connect(path)
    day = int(time.time() * 1000) // DAY * DAY
    rows = ((os.urandom(32), b"".join(os.urandom(68) + os.urandom(2).rjust(8, b"\0") for _ in range(4)), 0, day) for _ in range(count - 1))
    with db:
        db.executemany("INSERT INTO part_hashes (sha256, hashes, risky, seen_at) VALUES (?, ?, ?, ?)", rows)
        bad = os.urandom(76)
        db.execute("INSERT INTO part_hashes (sha256, hashes, risky, seen_at) VALUES (?, ?, 0, ?)", (os.urandom(32), bad[:68] + (4096).to_bytes(8, "big"), day))
    db.close()
    return bad[52:68].hex()


def measure(bench, table, database, runs):
    count = int(os.environ.get("BENCH_KNOWN", "1000000"))
    folder = os.path.join(bench.dir, "rejudge-signatures")
    os.makedirs(folder)
    for name in os.listdir(database):
        os.symlink(os.path.join(database, name), os.path.join(folder, name))
    sekisho = Sekisho(bench, "rejudge", "", folder)
    say("judging %d known contents by new signatures" % count)
    sekisho.call("once")
    md5 = fill(os.path.join(sekisho.state, "store.db"), count)
    seconds, reading = [], []
    for run in range(runs):
        with open(os.path.join(folder, "new-%d.hdb" % run), "w", encoding="utf-8") as f:
            f.write("%s:4096:Bench.New-%d\n" % (md5, run))
        with open(sekisho.log, "wb") as log:
            run_timed(sekisho.command("once"), stderr=log)
        with open(sekisho.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        done = re.search(r"rejudge\.done contents=(\d+) bad=(\d+) .*\bms=(\d+)", text)
        ready = re.search(r"scan\.recheck signatures=\d+ ms=(\d+)", text)
        # Found once; then it is known as bad.
        if not done or int(done.group(1)) != count or int(done.group(2)) != 1:
            raise RuntimeError("rejudging went wrong: %s" % (done.group(0) if done else text[-1000:]))
        seconds.append(int(done.group(3)) / 1000)
        reading.append(int(ready.group(1)) / 1000)
    table.add("judging again: %d known contents by new signatures, s" % count, seconds, "%.1f", "< 10", most=10,
              note="no call to a provider; of it for reading the signatures: %.1f s" % (sum(reading) / len(reading)))
