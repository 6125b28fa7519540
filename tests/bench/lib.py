"""What the benchmarks share: processes and their processor time, the stand-in of the clouds, sekisho, clamd.

Everything that is started here is ended by its process id, at the latest when the Bench is closed.
"""
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BENCH_BUILD", os.path.join(ROOT, "build"))
CACHE = os.path.join(ROOT, "build", "bench")
TICK = os.sysconf("SC_CLK_TCK")
CPUS = len(os.sched_getaffinity(0))


def say(text):
    print(text, file=sys.stderr, flush=True)


def median(values):
    v = sorted(values)
    return (v[(len(v) - 1) // 2] + v[len(v) // 2]) / 2 if v else float("nan")


def percentile(values, p):
    v = sorted(values)
    return v[min(len(v) - 1, int(len(v) * p / 100))] if v else float("nan")


# ---- processes ----

def stat(pid):
    """(parent, processor seconds of the process with its reaped children's, its own alone), or None."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as f:
            fields = f.read().rsplit(b") ", 1)[1].split()
    except (OSError, IndexError):
        return None
    own, children = (sum(int(x) for x in fields[i:i + 2]) / TICK for i in (11, 13))
    return int(fields[1]), own + children, own


def tree(root):
    """{pid: stat} of root and everything below it."""
    all_of = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            s = stat(int(name))
            if s:
                all_of[int(name)] = s
    found, grown = {root}, True
    while grown:
        more = {p for p, s in all_of.items() if s[0] in found} - found
        found |= more
        grown = bool(more)
    return {p: all_of[p] for p in found if p in all_of}


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().decode(errors="replace").split("\0")
    except OSError:
        return []


def role_of(pid):
    words = command_line(pid)
    return words[words.index("--role") + 1] if "--role" in words[:-1] else ""


def memory(pid, file="smaps_rollup"):
    """Kilobytes by name, of smaps_rollup or status."""
    out = {}
    try:
        with open("/proc/%d/%s" % (pid, file), encoding="utf-8") as f:
            for line in f:
                m = re.match(r"(\w+):\s+(\d+) kB", line)
                if m:
                    out[m.group(1)] = int(m.group(2))
    except OSError:
        pass
    return out


class Bench:
    """Owns a temporary folder and every process."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="sekisho-bench-")
        self.children = []

    def start(self, command, **options):
        child = subprocess.Popen(command, **options)
        self.children.append(child)
        return child

    def stop(self, child, seconds=60):
        if child in self.children:
            self.children.remove(child)
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def close(self):
        for child in reversed(list(self.children)):
            self.stop(child)
        shutil.rmtree(self.dir, ignore_errors=True)


def run_timed(command, **options):
    """Runs a command to its end: (seconds, processor seconds with its children's, standard output)."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError("%s ended with %d" % (command[0], child.returncode))
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, out.decode()


# ---- the clouds ----

class Cloud:
    def __init__(self, bench, seed, name="cloud", latency=0):
        self.bench = bench
        self.dir = os.path.join(bench.dir, name)
        os.makedirs(self.dir, exist_ok=True)
        self.connections = os.path.join(self.dir, "connections.yaml")
        command = [os.path.join(BUILD, "fakecloud"), "--seed", seed, "--connections", self.connections]
        if latency:
            command += ["--latency", str(latency)]
        self.process = bench.start(command, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the stand-in of the clouds did not start")
        self.urls = json.loads(line)
        self.pid = self.process.pid
        with open(self.connections, encoding="utf-8") as f:
            self.entries = re.split(r"(?m)^(?=  - id: )", f.read())[1:]
        self.tokens = {}

    def get(self, path):
        with urllib.request.urlopen(self.urls["control"] + path) as answer:
            return json.load(answer)

    def cpu(self):
        return self.get("/usage")["cpu_seconds"]

    def journal(self, since=0):
        return self.get("/journal?since=%d" % since)["requests"]

    def number(self):
        """Of the newest line of the journal."""
        return max((line["number"] for line in self.journal(0)), default=0)

    def connection_file(self, *ids):
        path = os.path.join(self.dir, "-".join(ids) + ".yaml")
        wanted = [e for e in self.entries if re.match(r"  - id: (\S+)", e).group(1) in ids]
        if len(wanted) != len(ids):
            raise RuntimeError("no such connection: %s" % " ".join(ids))
        with open(path, "w", encoding="utf-8") as f:
            f.write("connections:\n" + "".join(wanted))
        return path

    def grant(self, connection, key):
        entry = next(e for e in self.entries if e.startswith("  - id: %s\n" % connection))
        return re.search(r"\b%s: \"?([^,}\"\s]+)" % key, entry).group(1)

    def read(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8") as f:
            return f.read().strip()

    # A plain client, as users' programs are: tokens by the client's secret, one connection.

    def token(self, tenant, provider):
        key = (tenant, provider)
        if key in self.tokens:
            return self.tokens[key]
        if provider == "microsoft":
            directory = self.grant(tenant + "-m365", "directory")
            url = "%s/%s/oauth2/v2.0/token" % (self.urls["microsoft"], directory)
            form = {"client_id": self.grant(tenant + "-m365", "client_id"), "client_secret": self.read(tenant + "-m365.secret"),
                    "scope": "https://graph.microsoft.com/.default"}
        else:
            box = json.loads(self.read(tenant + "-box.json"))
            url = self.urls["box"] + "/oauth2/token"
            form = {"client_id": box["boxAppSettings"]["clientID"], "client_secret": box["boxAppSettings"]["clientSecret"],
                    "box_subject_type": "enterprise", "box_subject_id": box["enterpriseID"]}
        form["grant_type"] = "client_credentials"
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as answer:
            self.tokens[key] = json.load(answer)["access_token"]
        return self.tokens[key]

    def call(self, tenant, provider, method, path, body=None, headers=()):
        c = http.client.HTTPConnection(urllib.parse.urlsplit(self.urls[provider]).netloc)
        try:
            c.request(method, path, body, {"Authorization": "Bearer " + self.token(tenant, provider), **dict(headers)})
            answer = c.getresponse()
            data = answer.read()
            if answer.status >= 300:
                raise RuntimeError("%s %s: %d %s" % (method, path, answer.status, data[:300]))
            return json.loads(data) if data else None
        finally:
            c.close()

    def put_drive(self, tenant, user, name, data):
        """A file of a user's OneDrive, new or a new version."""
        return self.call(tenant, "microsoft", "PUT", "/v1.0/users/%s@%s.example/drive/root:/%s:/content" % (
            user, tenant, urllib.parse.quote(name)), data, {"Content-Type": "application/octet-stream"})


def is_download(line):
    """Is this line of the journal the bytes of an item?"""
    if line["method"] == "POST":
        return re.search(r"/2/files/(download|export)", line["path"]) and line["status"] == 200
    path = line["path"]
    content = re.search(r"/\$value|/content(\?|$)|/download|alt=media|format=raw|/d/1/|/_content|tempauth", path)
    return line["method"] == "GET" and content and line["status"] in (200, 206)


# ---- sekisho ----

class Sekisho:
    def __init__(self, bench, name, settings, signatures=None, listen="off"):
        self.bench = bench
        self.dir = os.path.join(bench.dir, name)
        os.makedirs(self.dir, exist_ok=True)
        self.config = os.path.join(self.dir, "sekisho.yaml")
        self.state = os.path.join(self.dir, "state")
        self.log = os.path.join(CACHE, "log-" + name)  # stays, to be read afterwards
        with open(self.log, "wb"):
            pass
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("state: state\nconsole: {listen: \"%s\"}\nsignatures: [%s]\n%s" % (
                listen, json.dumps(signatures or os.path.join(self.dir, "none")), settings))
        self.process = None
        self.db = None

    def command(self, *words):
        return [os.path.join(BUILD, "sekisho"), *words, "--config", self.config]

    def call(self, *words, good=(0, 9)):
        done = subprocess.run(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode not in good:
            raise RuntimeError("sekisho %s: %d\n%s" % (words[0], done.returncode, done.stderr.decode()[-2000:]))
        return done.stdout.decode()

    def read(self, *words):
        return [json.loads(line) for line in self.call(*words, "--json").splitlines()]

    def serve(self):
        """Starts the service and waits until its engine is loaded."""
        with open(self.log, "ab") as log:
            self.process = self.bench.start(self.command("serve"), stderr=log)
        self.wait(lambda: self.logged("scan.serving"), 600, "its database")
        # The scan role's own children carry its command line, too.
        self.roles = {role_of(p): p for p, s in tree(self.process.pid).items() if s[0] == self.process.pid}

    def logged(self, word):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return word in f.read()

    def wait(self, ready, seconds, what, step=0.05):
        until = time.monotonic() + seconds
        while not ready():
            if self.process and self.process.poll() is not None:
                raise RuntimeError("sekisho ended: see %s" % self.tail())
            if time.monotonic() > until:
                raise RuntimeError("sekisho: %s did not come in %d s\n%s" % (what, seconds, self.tail()))
            time.sleep(step)

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-20:])

    def query(self, sql, *values):
        """The store, read only: cheaper than a command, so that looking does not count."""
        if not self.db:
            self.db = sqlite3.connect("file:%s/store.db?mode=ro" % urllib.parse.quote(self.state), uri=True)
        return self.db.execute(sql, values).fetchall()

    def progress(self, prefix):
        """(items seen, still pending, when the last one was done in ms UTC) of the connections of a tenant."""
        rows = self.query("SELECT count(*), coalesce(sum(i.state = 1), 0), max(i.done_at) FROM items i JOIN connections c "
                          "ON c.no = i.connection WHERE c.tenant = ?", prefix)
        return rows[0]

    def wait_done(self, tenant, count, seconds=3600):
        self.wait(lambda: (lambda p: p[0] >= count and p[1] == 0)(self.progress(tenant)), seconds, "%d items" % count, 0.2)
        return self.progress(tenant)[2] / 1000

    def cpu(self):
        """Processor seconds so far: {"engine": everything below the scan role, ended or not, and each role's own}."""
        out = {"engine": 0.0, "supervisor": 0.0}
        scan = self.roles.get("scan")
        below = tree(scan) if scan else {}
        for pid, (_, cpu, own) in tree(self.process.pid).items():
            name = "engine" if pid in below else role_of(pid) or "supervisor"
            if pid == scan:
                out["scan"], cpu = own, cpu - own
            elif name != "engine":
                cpu = own
            out[name] = out.get(name, 0) + cpu
        return out

    def workers(self):
        """Private memory in KB of each scan worker (the processes that no other of the role descends from)."""
        below = tree(self.roles["scan"])
        parents = {s[0] for s in below.values()}
        sizes = []
        for pid in below:
            m = memory(pid)
            if pid not in parents and m:
                sizes.append(m.get("Private_Clean", 0) + m.get("Private_Dirty", 0))
        return sizes

    def core_memory(self):
        """KB: what it holds now (PSS), and the most that was ever resident."""
        pid = self.roles["core"]
        return memory(pid).get("Pss", 0), memory(pid, "status").get("VmHWM", 0)

    def stop(self):
        if self.db:
            self.db.close()
            self.db = None
        if self.process:
            self.bench.stop(self.process)
            self.process = None


# ---- clamd ----

class Clamd:
    LIMITS = {"MaxFileSize": "100M", "MaxScanSize": "400M", "MaxRecursion": 17, "MaxFiles": 10000, "MaxScanTime": 120000,
              "StreamMaxLength": "100M"}

    def __init__(self, bench, database):
        self.dir = os.path.join(bench.dir, "clamd")
        os.makedirs(os.path.join(self.dir, "tmp"), exist_ok=True)
        self.config = os.path.join(self.dir, "clamd.conf")
        self.socket = os.path.join(self.dir, "clamd.sock")
        settings = {"DatabaseDirectory": database, "LocalSocket": self.socket, "TemporaryDirectory": os.path.join(self.dir, "tmp"),
                    "Foreground": "yes", "MaxThreads": CPUS, "SelfCheck": 86400, "ConcurrentDatabaseReload": "no",
                    "AlertExceedsMax": "yes", **self.LIMITS}
        with open(self.config, "w", encoding="utf-8") as f:
            f.writelines("%s %s\n" % pair for pair in settings.items())
        self.log = os.path.join(self.dir, "log")
        with open(self.log, "wb") as log:
            self.process = bench.start(["clamd", "--config-file", self.config], stdout=log, stderr=log)
        self.ready(600)

    def ready(self, seconds):
        until = time.monotonic() + seconds
        while subprocess.run(["clamdscan", "--config-file", self.config, "--ping", "1"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode:
            if self.process.poll() is not None or time.monotonic() > until:
                with open(self.log, encoding="utf-8", errors="replace") as f:
                    raise RuntimeError("clamd did not start:\n" + f.read()[-2000:])
            time.sleep(0.2)

    def cpu(self):
        return stat(self.process.pid)[1]

    def forget(self):
        """Loads its database anew, so that nothing is known of files it has seen."""
        done = "Database correctly reloaded"
        before = self.said(done)
        subprocess.run(["clamdscan", "--config-file", self.config, "--reload"], check=True, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 600
        while self.said(done) == before:
            if time.monotonic() > until:
                raise RuntimeError("clamd did not load its database anew")
            time.sleep(0.2)

    def said(self, words):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read().count(words)
