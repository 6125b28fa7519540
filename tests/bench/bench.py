"""The benchmarks of sekisho: each figure is a ratio within one run, each row the median of several runs.

Called by all.sh, which prepared the database, the corpora and the programs. docs/benchmarks.md says what each row means.
"""
import argparse
import glob
import json
import os
import platform
import shutil
import sys
import time

import console
import measures
import rejudge
from lib import BUILD, CACHE, CPUS, ROOT, Bench, Clamd, Cloud, Sekisho, median, run_timed, say


class Table:
    def __init__(self):
        self.rows = []

    def add(self, name, values, form="%.2f", target=None, least=None, most=None, note=""):
        """values: one per run. least/most: what the median must reach. A row without either is for information."""
        values = [v for v in (values if isinstance(values, list) else [values]) if v is not None]
        if not values:
            return
        m = median(values)
        ok = None if least is None and most is None else (least is None or m >= least) and (most is None or m <= most)
        self.rows.append({"name": name, "median": m, "runs": values, "text": form % m, "target": target or "", "ok": ok,
                          "spread": "%s … %s" % (form % min(values), form % max(values)) if len(values) > 1 else "", "note": note})

    def show(self):
        head = ["measure", "median", "runs from … to", "wanted", ""]
        rows = [[r["name"], r["text"], r["spread"], r["target"], {True: "ok", False: "MISSED", None: ""}[r["ok"]]]
                for r in self.rows]
        widths = [max(len(r[i]) for r in [head] + rows) for i in range(5)]
        line = lambda cells: "  ".join(c.ljust(w) for c, w in zip(cells, widths)).rstrip()
        print(line(head))
        print("  ".join("-" * w for w in widths))
        for r, cells in zip(self.rows, rows):
            print(line(cells))
            if r["note"]:
                print("    " + r["note"])
        sys.stdout.flush()


def place(seed, tenant, files):
    """Spreads the files of a corpus over a tenant: mails into inboxes, the others over OneDrive and Box."""
    for i, path in enumerate(files):
        user, name = "user%d@%s.example" % (i % 5, tenant), os.path.basename(path)
        if name.endswith(".eml"):
            folder = "microsoft/users/%s/mail/Inbox" % user
        else:
            folder = ("microsoft/users/%s/drive/Documents" if i % 2 else "box/users/%s/Documents") % user
        full = os.path.join(seed, tenant, folder)
        os.makedirs(full, exist_ok=True)
        try:
            os.link(path, os.path.join(full, name))
        except OSError:
            shutil.copyfile(path, os.path.join(full, name))


def corpus(count, seed):
    """Makes a corpus once: the list of its files, in order."""
    folder = os.path.join(CACHE, "corpus-%d-%d" % (count, seed))
    if not os.path.exists(folder + ".list"):
        shutil.rmtree(folder, ignore_errors=True)
        run_timed(["node", os.path.join(ROOT, "tests/bench/corpus.mjs"), folder, str(count), str(seed), "--list", folder + ".new"])
        os.rename(folder + ".new", folder + ".list")
    with open(folder + ".list", encoding="utf-8") as f:
        return folder + ".list", f.read().split()


def main():
    parser = argparse.ArgumentParser(prog="./run bench")
    parser.add_argument("--files", type=int, default=int(os.environ.get("BENCH_FILES", "300")), help="files of a run's corpus")
    parser.add_argument("--runs", type=int, default=int(os.environ.get("BENCH_RUNS", "3")))
    parser.add_argument("--only", default="", help="some of: scan,known,latency,memory,floor,console,policy,rejudge,words")
    parser.add_argument("--database", default=os.path.join(CACHE, "database"), help="'' for the built-in signatures")
    args = parser.parse_args()
    only = set(args.only.split(",")) if args.only else {"scan", "known", "latency", "memory", "floor", "console", "policy", "rejudge", "words"}
    bench, table, began = Bench(), Table(), time.monotonic()
    try:
        sleepers = measures.Sleepers(bench) if "latency" in only else None
        if only & {"scan", "known"}:
            seed = os.path.join(bench.dir, "seed")
            lists = [corpus(args.files, 1 + r) for r in range(args.runs)]
            for r, (_, files) in enumerate(lists):
                place(seed, "r%d" % r, files)
            far_seed = os.path.join(bench.dir, "far-seed")
            if "scan" in only:
                for r in range(args.runs):
                    place(far_seed, "f%d" % r, corpus(args.files, 101 + r)[1])
            measures.known_seed(seed, lists[0][1])
            cloud = Cloud(bench, seed)
            sekisho = Sekisho(bench, "main", "poll: {fast: 5 s, slow: 10 s}\n", args.database)
            say("loading the database of signatures: sekisho")
            sekisho.serve()
            if "scan" in only:
                far = Cloud(bench, far_seed, "far-cloud", measures.LATENCY)
                measures.scanning(bench, table, cloud, far, sekisho, args.database, lists)
                bench.stop(far.process)
            if "known" in only:
                measures.known(table, cloud, sekisho, lists[0][1], scanned="scan" in only)
            table.add("memory: most that core ever held, MB (measured at this load)", sekisho.core_memory()[1] / 1024, "%.0f",
                      "see below")
            table.add("memory: private of a scan worker, MB", [w / 1024 for w in sekisho.workers()], "%.1f")
            if "floor" in only:
                measures.cloud_floor(table, cloud, "r0")
            sekisho.stop()
            bench.stop(cloud.process)
        if "memory" in only:
            measures.in_flight(bench, table)
            measures.streams(bench, table)
        if "floor" in only:
            measures.store_floor(table)
        if "words" in only:
            measures.words(table, args.database, [corpus(args.files, 1 + r) for r in range(args.runs)])
        if "policy" in only:
            measures.policy(table, args.runs)
        if "rejudge" in only:
            rejudge.measure(bench, table, args.database, args.runs)
        if "console" in only:
            console.measure(bench, table)
        if sleepers:
            sleepers.measure(table)
    finally:
        bench.close()
    model = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo", encoding="utf-8") if l.startswith("model name")), "?")
    print("\nsekisho bench: %s, %d processors (%s), Linux %s; %d files a run, %d runs, %.0f s; load %.1f before the end\n" % (
        platform.node(), CPUS, model, platform.release(), args.files, args.runs, time.monotonic() - began, os.getloadavg()[2]))
    table.show()
    with open(os.path.join(CACHE, "result.json"), "w", encoding="utf-8") as f:
        json.dump(table.rows, f, indent=1)
    missed = [r["name"] for r in table.rows if r["ok"] is False]
    print("\n%d of %d wanted figures reached" % (sum(r["ok"] is True for r in table.rows), sum(r["ok"] is not None for r in table.rows)))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
