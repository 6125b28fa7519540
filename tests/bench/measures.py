"""The measurements; see docs/benchmarks.md for what each says and how it is taken."""
import datetime
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
import zipfile

from lib import (BUILD, CACHE, CPUS, ROOT, Clamd, Cloud, Sekisho, is_download, median, memory, percentile, run_timed, say, tree)

EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-" + "STANDARD-ANTIVIRUS-" + "TEST-FILE!$H+H*").encode()


LATENCY = 20  # ms, of every answer of a provider that is near


def seconds_of(rfc3339):
    return datetime.datetime.fromisoformat(rfc3339.replace("Z", "+00:00")).timestamp()


def difference(after, before):
    return {k: after[k] - before.get(k, 0) for k in after}


# ---- scanning: against libclamav itself, and against a script ----

def direct(database, file_list):
    """libclamav called directly by as many processes as there are processors."""
    out = run_timed([os.path.join(BUILD, "scan/scan-bench-direct"), file_list, database, str(CPUS)], stderr=subprocess.DEVNULL)[2]
    return json.loads(out.splitlines()[-1])


def pipeline(cloud, sekisho, tenant, count):
    """First sight of a tenant by the running service: from `connect` to the last verdict."""
    connections = cloud.connection_file(tenant + "-m365", tenant + "-box")
    cpu, cloud_cpu, wall = sekisho.cpu(), cloud.cpu(), time.time()
    sekisho.call("connect", "--from", connections)
    end = sekisho.wait_done(tenant, count)
    used = difference(sekisho.cpu(), cpu)
    return {"seconds": end - wall, "engine": used.pop("engine"), "others": sum(used.values()), "parts": used,
            "cloud": cloud.cpu() - cloud_cpu}


def script(cloud, clamd, bench, tenant):
    clamd_cpu, cloud_cpu = clamd.cpu(), cloud.cpu()
    wall, cpu, out = run_timed(["node", os.path.join(ROOT, "tests/bench/script.mjs"), cloud.dir, tenant,
                                os.path.join(bench.dir, tenant + ".state"), os.path.join(bench.dir, "fetched"), clamd.config])
    return {"seconds": wall, "client": cpu, "clamd": clamd.cpu() - clamd_cpu, "cloud": cloud.cpu() - cloud_cpu,
            **{"of_" + k: v for k, v in json.loads(out.splitlines()[-1]).items()}}


def clamdscan(clamd, folder, *options):
    cpu = clamd.cpu()
    wall, client, _ = run_timed(["clamdscan", "--config-file", clamd.config, "--multiscan", "--no-summary", "--infected", *options, folder])
    return {"seconds": wall, "cpu": clamd.cpu() - cpu + client}


def change(cloud, tenant, files):
    """New content for one in a hundred files of the OneDrives: other documents of about the mean size."""
    n = max(1, len(files) // 100)
    mean = sum(os.path.getsize(f) for f in files) / len(files)
    donors = sorted((f for f in files if f.endswith("x") or f.endswith(".pdf")), key=lambda f: abs(os.path.getsize(f) - mean))[:n]
    for i, path in enumerate(donors):
        with open(path, "rb") as f:
            data = f.read()
        # The same document edited: a new comment of the archive, or new bytes behind the end of the PDF.
        data = data[:-2] + b"\x08\x00edited%02d" % i if data[:2] == b"PK" else data + b"% edited\n"
        cloud.put_drive(tenant, "user%d" % (i % 5), "Documents/changed-%d%s" % (i, os.path.splitext(path)[1]), data)
    return n


def look(cloud, sekisho, tenant):
    """How long a look at all streams of a tenant takes when nothing is new: core is halted until all of them are
    due, so that they are looked at in one go; from the moment it goes on to the answer of the last feed."""
    core = sekisho.roles["core"]
    os.kill(core, signal.SIGSTOP)
    try:
        time.sleep(11)
        before, cpu = cloud.number(), sekisho.cpu()
        begin = time.time()
    finally:
        os.kill(core, signal.SIGCONT)
    time.sleep(3)
    feeds = [l for l in cloud.journal(before) if l["tenant"] == tenant and seconds_of(l["time"]) < begin + 2.5]
    used = difference(sekisho.cpu(), cpu)
    return {"seconds": max(seconds_of(l["time"]) for l in feeds) - begin if feeds else None, "requests": len(feeds), "cpu": sum(used.values())}


def scanning(bench, table, cloud, far, sekisho, database, lists):
    say("loading the database of signatures: clamd")
    clamd = Clamd(bench, database)
    runs = []
    for r, (file_list, files) in enumerate(lists):
        tenant, n, x = "r%d" % r, len(files), {}
        say("run %d of %d: libclamav called directly" % (r + 1, len(lists)))
        x["direct"] = direct(database, file_list)
        say("run %d: sekisho" % (r + 1))
        x["pipeline"] = pipeline(cloud, sekisho, tenant, n)
        say("run %d: the script" % (r + 1))
        x["script"] = script(cloud, clamd, bench, tenant)
        if x["script"]["of_files"] != n:
            raise RuntimeError("the script saw %d files of %d" % (x["script"]["of_files"], n))
        say("run %d: nothing changed" % (r + 1))
        x["look"] = look(cloud, sekisho, tenant)
        x["script_look"] = script(cloud, clamd, bench, tenant)
        say("run %d: one in a hundred changed" % (r + 1))
        since, cpu = cloud.number(), sekisho.cpu()
        x["changed"] = change(cloud, tenant, files)
        sekisho.wait_done(tenant, n + x["changed"], 120)
        x["change_cpu"] = difference(sekisho.cpu(), cpu)
        x["change_downloads"] = sum(1 for l in cloud.journal(since) if l["tenant"] == tenant and is_download(l))
        x["script_change"] = script(cloud, clamd, bench, tenant)
        say("run %d: clamd with INSTREAM" % (r + 1))
        clamd.forget()
        x["instream"] = clamdscan(clamd, os.path.dirname(files[0]), "--stream")
        sekisho.call("disconnect", tenant + "-m365")
        sekisho.call("disconnect", tenant + "-box")
        say("run %d: first sight of a provider that answers %d ms late" % (r + 1, LATENCY))
        x["far"], x["far_script"] = pipeline(far, sekisho, "f%d" % r, n), script(far, clamd, bench, "f%d" % r)
        sekisho.call("disconnect", "f%d-m365" % r)
        sekisho.call("disconnect", "f%d-box" % r)
        runs.append(x)
    bench.stop(clamd.process)
    with open(os.path.join(CACHE, "runs.json"), "w", encoding="utf-8") as f:
        json.dump(runs, f, indent=1)
    report(table, runs, [len(files) for _, files in lists])


def report(table, runs, counts):
    each = lambda f: [f(x) for x in runs]
    p = lambda x: x["pipeline"]
    total = lambda x: p(x)["engine"] + p(x)["others"]
    table.add("libclamav called directly: files/s (wall clock)", each(lambda x: x["direct"]["files_per_second"]), "%.2f")
    table.add("sekisho, whole pipeline: files/s (wall clock)", [n / p(x)["seconds"] for n, x in zip(counts, runs)], "%.2f")
    table.add("throughput of sekisho / libclamav, per processor second without fakecloud's", each(lambda x: x["direct"]["engine_cpu"] / total(x)),
              "%.3f", ">= 0.90", least=0.90)
    table.add("  the same by wall clock, fakecloud's processor time taken out",
              each(lambda x: x["direct"]["seconds"] / (p(x)["seconds"] - p(x)["cloud"] / CPUS)), "%.3f")
    table.add("  the same by wall clock, raw", each(lambda x: x["direct"]["seconds"] / p(x)["seconds"]), "%.3f")
    table.add("processor time of everything but the engine / the engine's", each(lambda x: p(x)["others"] / p(x)["engine"]), "%.4f", "<= 0.05",
              most=0.05, note="; ".join("%s %.2f s" % (k, median([p(x)["parts"][k] for x in runs])) for k in p(runs[0])["parts"]) +
              "; engine %.2f s; fakecloud %.2f s" % (median(each(lambda x: p(x)["engine"])), median(each(lambda x: p(x)["cloud"]))))
    table.add("the engine within sekisho / called directly, processor time", each(lambda x: p(x)["engine"] / x["direct"]["engine_cpu"]), "%.3f")
    table.add("first sight: files/s of sekisho / of the script", each(lambda x: x["script"]["seconds"] / p(x)["seconds"]), "%.2f", ">= 1.2", least=1.2,
              note="the script: list %.2f s, download %.2f s, clamdscan %.2f s" % tuple(
                  median(each(lambda x: x["script"]["of_" + k])) for k in ("list", "download", "scan")))
    table.add("  the same when every answer comes %d ms late" % LATENCY, each(lambda x: x["far_script"]["seconds"] / x["far"]["seconds"]), "%.2f")
    table.add("  the same by processor time", each(lambda x: (x["script"]["client"] + x["script"]["clamd"]) / total(x)), "%.2f")
    table.add("1 % changed: files fetched / files changed", each(lambda x: x["change_downloads"] / x["changed"]), "%.2f", "1", least=1, most=1,
              note="%d of %d files changed" % (runs[0]["changed"], counts[0]))
    table.add("1 % changed: processor time / that of first sight", each(lambda x: sum(x["change_cpu"].values()) / total(x)), "%.4f")
    table.add("  the same for the script", each(
        lambda x: (x["script_change"]["client"] + x["script_change"]["clamd"]) / (x["script"]["client"] + x["script"]["clamd"])), "%.4f")
    sooner = [x for x in runs if x["look"]["seconds"]]
    table.add("nothing changed: known, seconds", [x["look"]["seconds"] for x in sooner], "%.4f",
              note="%.0f requests, %.3f s of processor time" % (median([x["look"]["requests"] for x in sooner]), median([x["look"]["cpu"] for x in sooner])))
    table.add("nothing changed: the script's time / sekisho's", [x["script_look"]["seconds"] / x["look"]["seconds"] for x in sooner], "%.0f")
    table.add("nothing changed: the script's first pass / sekisho's look", [x["script"]["seconds"] / x["look"]["seconds"] for x in sooner], "%.0f",
              ">= 100", least=100)
    table.add("clamd by INSTREAM / libclamav called directly, files/s", each(lambda x: x["direct"]["seconds"] / x["instream"]["seconds"]), "%.3f")
    table.add("clamdscan --fdpass / libclamav called directly, files/s", each(lambda x: x["direct"]["seconds"] / x["script"]["of_scan"]), "%.3f")


# ---- known content ----

OTHER_CLOUDS = [("box", "box", "box/users/keiko@kb.example", "kb-box"), ("google", "Google Drive", "google/users/keiko@kg.example/drive", "kg-google"),
                ("dropbox", "Dropbox", "dropbox/members/keiko@kd.example", "kd-dropbox")]


def known_seed(seed, files):
    """The same files at other users of other tenants, in the clouds that tell a strong hash."""
    for _, _, place, connection in OTHER_CLOUDS:
        folder = os.path.join(seed, connection.split("-")[0], place)
        os.makedirs(folder, exist_ok=True)
        for path in files:
            if not path.endswith(".eml"):
                shutil.copyfile(path, os.path.join(folder, os.path.basename(path)))


def known(table, cloud, sekisho, files, scanned):
    count = sum(not f.endswith(".eml") for f in files)
    if not scanned:
        pipeline(cloud, sekisho, "r0", len(files))
    for provider, title, _, connection in OTHER_CLOUDS:
        tenant = connection.split("-")[0]
        say("known content: %s" % title)
        since, cpu, begin = cloud.number(), sekisho.cpu(), time.time()
        try:
            sekisho.call("connect", "--from", cloud.connection_file(connection))
        except RuntimeError as e:
            say("skipped: %s is not connected: %s" % (title, str(e).strip().splitlines()[-1]))
            continue
        end = sekisho.wait_done(tenant, count, 300)
        used = difference(sekisho.cpu(), cpu)
        downloads = sum(1 for l in cloud.journal(since) if l["tenant"] == tenant and is_download(l))
        table.add("known content at %s, another user: downloads of %d files" % (title, count), downloads, "%.0f", "0", most=0,
                  note="%.0f files/s; %.2f ms of processor time a file, %.2f of them in the engine" % (
                      count / (end - begin), 1000 * sum(used.values()) / count, 1000 * used["engine"] / count))
        sekisho.call("disconnect", connection)


# ---- from the change to its containment ----

class Sleepers:
    """Companies whose feeds have been quiet for so long that they are asked at the default schedule's slowest pace.
    Made at the beginning, measured at the end."""
    TENANTS, USERS, THREATS = 8, 5, 100

    def __init__(self, bench):
        seed = os.path.join(bench.dir, "sleepers-seed")
        for t in range(self.TENANTS):
            for u in range(self.USERS):
                folder = os.path.join(seed, "s%d/microsoft/users/user%d@s%d.example/drive" % (t, u, t))
                os.makedirs(folder)
                with open(os.path.join(folder, "note.txt"), "w", encoding="utf-8") as f:
                    f.write("nothing to see %d %d\n" % (t, u))
        self.cloud = Cloud(bench, seed, "sleepers-cloud", LATENCY)
        self.sekisho = Sekisho(bench, "sleepers", "")
        self.sekisho.serve()
        self.began = time.monotonic()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.connect_all, daemon=True)
        self.thread.start()

    def connect_all(self):
        """One after the other, so that their feeds are not asked in step."""
        for t in range(self.TENANTS):
            self.sekisho.call("connect", "--from", self.cloud.connection_file("s%d-m365" % t))
            if self.stopping.wait(31):
                return

    def asleep(self):
        """Is every drive asked at the slowest pace?"""
        rows = self.query_due()
        return len(rows) >= self.TENANTS * self.USERS and all(due - last >= 299000 for due, last in rows)

    def query_due(self):
        return self.sekisho.query("SELECT next_due, last_success_at FROM streams WHERE state = 1 AND service = 'onedrive'")

    def threat(self, i, rng):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as z:
            z.writestr("padding.bin", rng.randbytes(int(1000 * 1000 ** rng.random())))
            z.writestr("invoice-%d.com" % i, EICAR)
        return out.getvalue()

    def upload(self, span):
        rng, at = random.Random(7), {}
        moments = sorted(rng.random() * span for _ in range(self.THREATS))
        begin = time.monotonic()
        for i, moment in enumerate(moments):
            time.sleep(max(0, begin + moment - time.monotonic()))
            tenant, user = "s%d" % rng.randrange(self.TENANTS), "user%d" % rng.randrange(self.USERS)
            self.cloud.put_drive(tenant, user, "threat-%d.zip" % i, self.threat(i, rng))
            at["threat-%d.zip" % i] = time.time()
        return at

    def findings(self):
        return [f for f in self.sekisho.read("findings") if f["item"]["name"].startswith("threat-")]

    def measure(self, table):
        self.thread.join()
        say("latency: waiting until all feeds are asked at the slowest pace")
        self.sekisho.wait(self.asleep, 900, "the schedule's sleep", 2)
        say("latency: threats at random moments, then up to 5 minutes until the last is contained")
        at = self.upload(60)
        self.sekisho.wait(lambda: self.sekisho.query("SELECT count(*) FROM findings WHERE action_state = 'done'")[0][0] >= len(at),
                          420, "containment", 1)
        drives = {}
        for t in range(self.TENANTS):
            for u in range(self.USERS):
                upn = "user%d@s%d.example" % (u, t)
                drives[upn] = self.cloud.call("s%d" % t, "microsoft", "GET", "/v1.0/users/%s/drive" % upn)["id"]
        feeds = {}
        for line in self.cloud.journal():
            m = re.match(r"/v1\.0/drives/([^/]+)/root/delta", line["path"])
            if m:
                feeds.setdefault(m.group(1), []).append(seconds_of(line["time"]) - LATENCY / 1000)
        whole, rest, steps = [], [], {"poll": [], "scan": [], "contain": []}
        for f in self.findings():
            t = {k: seconds_of(v) for k, v in f["times"].items() if v}
            looked = max((x for x in feeds[drives[f["item"]["owner"]]] if x <= t["seen"]), default=None)
            whole.append(t["contained"] - at[f["item"]["name"]])
            rest.append(t["contained"] - max(looked, 0))
            steps["poll"].append(t["seen"] - looked)
            steps["scan"].append(t["verdict"] - t["seen"])
            steps["contain"].append(t["contained"] - t["verdict"])
        table.add("change to containment, schedule asleep (5 min): p50, s", percentile(whole, 50), "%.1f", note="%d threats of 1 KB to 1 MB, %d drives, every answer %d ms late" % (
            len(whole), self.TENANTS * self.USERS, LATENCY))
        table.add("change to containment, schedule asleep: p99, s", percentile(whole, 99), "%.1f")
        table.add("  without waiting for the next poll: p50, s", percentile(rest, 50), "%.3f", note="; ".join(
            "%s %.3f s" % (k, percentile(v, 50)) for k, v in steps.items()) + " (medians)")
        table.add("  without waiting for the next poll: p99, s", percentile(rest, 99), "%.3f", "< 1", most=1, note="; ".join(
            "%s %.3f s" % (k, percentile(v, 99)) for k, v in steps.items()) + " (p99 of each)")
        self.sekisho.stop()


# ---- memory ----

def held(pid):
    """Bytes of unnamed files that a process holds open: contents in flight as seen from outside."""
    total = 0
    try:
        for fd in os.listdir("/proc/%d/fd" % pid):
            path = "/proc/%d/fd/%s" % (pid, fd)
            try:
                if "/memfd:item" in os.readlink(path) or ("/spool/" in os.readlink(path) and "(deleted)" in os.readlink(path)):
                    total += os.stat(path).st_blocks * 512
            except OSError:
                continue
    except OSError:
        pass
    return total


def in_flight(bench, table):
    """Files from 1 KB to 90 MB at once, with a byte budget that holds one of the largest."""
    say("memory: large and small files at once")
    budget, rng = 112 << 20, random.Random(3)
    folder = os.path.join(bench.dir, "large-seed/l0/box/users/keiko@l0.example")
    os.makedirs(folder)
    sizes = [90_000_000] * 3 + [30_000_000] * 4 + [5_000_000] * 10 + [rng.randrange(1000, 100_000) for _ in range(60)]
    rng.shuffle(sizes)
    for i, size in enumerate(sizes):
        with open(os.path.join(folder, "file-%d.bin" % i), "wb") as f:
            f.write(b"%08d" % i + os.urandom(size - 8))
    cloud = Cloud(bench, os.path.join(bench.dir, "large-seed"), "large-cloud")
    sekisho = Sekisho(bench, "large", "limits: {in_flight: %d, item: 100 MiB}\n" % budget)
    sekisho.serve()
    core, seen, stopping = sekisho.roles["core"], [0], threading.Event()

    def watch():
        while not stopping.wait(0.02):
            seen[0] = max(seen[0], held(core))
    watcher = threading.Thread(target=watch)
    watcher.start()
    sekisho.call("connect", "--from", cloud.connection_file("l0-box"))
    sekisho.wait_done("l0", len(sizes), 300)
    stopping.set()
    watcher.join()
    flight = next((c for c in json.loads(sekisho.call("doctor", "--json", good=(0, 1)))["checks"] if c["check"] == "content in flight"), {})
    left = sekisho.query("SELECT count(*) FROM items WHERE state <> 2")[0][0]
    peak = flight.get("peak")
    table.add("content in flight: its peak / the byte budget, files of 1 KB to 90 MB", peak / budget if peak else None, "%.2f", "<= 1", most=1,
              note="budget %.0f MB, at most %.0f MB, seen from outside %.0f MB; %d of %d files without a verdict" % (
                  budget / 1e6, (peak or 0) / 1e6, seen[0] / 1e6, left, len(sizes)))
    table.add("memory: most that core held meanwhile, MB", sekisho.core_memory()[1] / 1024, "%.0f", "< 64", most=64)
    sekisho.stop()
    bench.stop(cloud.process)
    shutil.rmtree(os.path.join(bench.dir, "large-seed"))


def streams(bench, table):
    say("memory: many streams")
    users = int(os.environ.get("BENCH_USERS", "300"))
    seed = os.path.join(bench.dir, "many-seed")
    for u in range(users):
        for kind, name in (("drive", "note.txt"), ("mail/Inbox", "1.eml")):
            folder = os.path.join(seed, "m0/microsoft/users/user%d@m0.example/%s" % (u, kind))
            os.makedirs(folder)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write("From: a@m0.example\nTo: user%d@m0.example\nSubject: n\nMessage-ID: <%d@m0.example>\n\ntext\n" % (u, u))
    cloud = Cloud(bench, seed, "many-cloud")
    sekisho = Sekisho(bench, "many", "poll: {fast: 2 s, slow: 5 s}\n")
    sekisho.serve()
    sekisho.call("connect", "--from", cloud.connection_file("m0-m365"))
    sekisho.wait_done("m0", 2 * users, 300)
    time.sleep(6)  # every stream is asked once more
    n = sekisho.query("SELECT count(*) FROM streams WHERE state = 1")[0][0]
    now, most = sekisho.core_memory()
    limit = 64 + n * 64 / 1024
    table.add("memory: core with %d streams, MB at most" % n, most / 1024, "%.0f", "< %.0f" % limit, most=limit,
              note="%.0f MB in the end (PSS); 64 MB + 64 KB a stream are %.0f MB" % (now / 1024, limit))
    sekisho.stop()
    bench.stop(cloud.process)


# ---- floors ----

def cloud_floor(table, cloud, tenant):
    """How fast fakecloud alone hands out the OneDrives of a tenant."""
    items = [i for i in cloud.get("/state")["items"] if i["tenant"] == tenant and i["service"] == "onedrive"]
    config = os.path.join(cloud.dir, "curl")
    with open(config, "w", encoding="utf-8") as f:
        for i in items:
            f.write('url = "%s/v1.0/users/%s/drive/items/%s/content"\noutput = "/dev/null"\n' % (cloud.urls["microsoft"], i["owner"], i["id"]))
    before = cloud.cpu()
    wall, _, _ = run_timed(["curl", "-sfL", "--no-progress-meter", "--parallel", "--parallel-max", "8", "-H", "Authorization: Bearer " + cloud.token(tenant, "microsoft"),
                            "-K", config])
    table.add("floor: fakecloud alone, files/s to curl", len(items) / wall, "%.0f",
              note="%.1f MB/s; %.2f ms of its processor time a file" % (
                  sum(i["size"] for i in items) / wall / 1e6, 1000 * (cloud.cpu() - before) / max(1, len(items))))


def store_floor(table):
    program = os.path.join(BUILD, "store/store_bench")
    if not os.path.exists(program):
        say("skipped: no %s" % program)
        return
    say("floor: the store")
    out = run_timed([program, "--json", "--items", os.environ.get("BENCH_ITEMS", "300000")])[2]
    for name, value in json.loads(out.splitlines()[-1]).items():
        if isinstance(value, (int, float)):
            table.add("floor: store, " + name.replace("_", " "), value, "%.6g")


def words(table, database, lists):
    """What looking at words costs beside the engine: each file twice in the same run, twenty without and the same twenty with."""
    results = [json.loads(subprocess.run([os.path.join(BUILD, "scan/scan-bench-role"), file_list, database or "-", str(CPUS), "--both"], check=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()[-1]) for file_list, _ in lists]
    table.add("detectors, links and words of everything: processor time beside the engine's", [r["worker_cpu"] / r["plain_cpu"] - 2 for r in results], "%.3f",
              "<= 0.15", most=0.15)


def policy(table, runs):
    """1,000 rules that share little, on an item of 200 parts: in processor time."""
    results = [json.loads(subprocess.run([os.path.join(BUILD, "policy/policy-bench")], check=True, stdout=subprocess.PIPE).stdout)
               for _ in range(runs)]
    table.add("policy: deciding by 1,000 rules on 200 parts, ms", [r["decide_us_median"] / 1000 for r in results], "%.2f", "< 1", most=1)
    table.add("policy: compiling 1,000 rules with their cases, ms", [r["compile_ms"] for r in results], "%.0f")
