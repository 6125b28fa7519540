"""The row of the console: how fast its pages and their data come with a thousand connections in the store.

One small company is connected and scanned; then its rows are multiplied in the store by hand (connections of other ids and
tenants, with their feeds, counts and findings), for what is measured is reading, and put to sleep, so that nothing else runs. A
client with one connection of HTTP asks as a browser does. Called by bench.py (--only console).
"""
import http.client
import json
import os
import re
import sqlite3
import subprocess
import time
import urllib.parse

from lib import BUILD, Cloud, Sekisho, percentile, say

CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "1000"))
ASKED = 400
PASSWORD = "correct horse battery staple"
ASLEEP = 4102444800000


COLUMNS = {}


def copy(db, table, key, change, where, values):
    """A row again, with some columns changed; the new key."""
    if table not in COLUMNS:
        COLUMNS[table] = [c[1] for c in db.execute("PRAGMA table_info(%s)" % table) if c[1] != key]
    names = COLUMNS[table]
    picked = ", ".join("?" if n in change else n for n in names)
    given = [change[n] for n in names if n in change]
    return db.execute("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s" % (table, ", ".join(names), picked, table, where),
                      given + values).lastrowid


def multiply(path):
    """Makes CONNECTIONS connections of one, each of a tenant of its own, with its feeds and findings."""
    db = sqlite3.connect(path)
    number, old = db.execute("SELECT no, id FROM connections ORDER BY no LIMIT 1").fetchone()
    streams = [r[0] for r in db.execute("SELECT id FROM streams WHERE connection = ?", [number])]
    findings = [r[0] for r in db.execute("SELECT id FROM findings WHERE connection = ?", [old])]
    for i in range(CONNECTIONS - 1):
        name, tenant = "company%04d-google" % i, "company%04d" % i
        new = copy(db, "connections", "no", {"id": name, "tenant": tenant, "paused_until": ASLEEP}, "no = ?", [number])
        db.execute("INSERT INTO tenants (id, name, language, created_at, trial_ends_at, trial_ended_at) VALUES (?, ?, 'ja', 1, 0, 0)",
                   [tenant, "Company %d" % i])
        db.execute("INSERT INTO canaries (connection, due_at, last_at, code) VALUES (?, ?, 1, '')", [name, ASLEEP])
        for s in streams:
            made = copy(db, "streams", "id", {"connection": new}, "id = ?", [s])
            db.execute("INSERT INTO counts SELECT ?, slot, seen, scanned, unknown, skipped, pending, repeats FROM counts WHERE stream = ?",
                       [made, s])
        for f in findings:
            copy(db, "findings", "id", {"uid": "%d-%d" % (i, f), "tenant": tenant, "connection": name}, "id = ?", [f])
    db.execute("UPDATE connections SET paused_until = ?", [ASLEEP])
    db.execute("UPDATE canaries SET due_at = ?", [ASLEEP])
    db.commit()
    counts = [db.execute("SELECT count(*) FROM " + t).fetchone()[0] for t in ("connections", "streams", "findings")]
    db.close()
    return counts


class Browser:
    def __init__(self, url):
        self.http = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
        self.headers = {"Accept-Language": "ja", "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        begin = time.monotonic()
        self.http.request(method, path, body and json.dumps(body), self.headers)
        answer = self.http.getresponse()
        data = answer.read()
        took = time.monotonic() - begin
        if answer.status != 200:
            raise RuntimeError("%s %s: %d %s" % (method, path, answer.status, data[:200]))
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self.headers["Cookie"] = value.split(";")[0]
        return took * 1000, data


def seed(folder):
    for user in range(20):
        box = os.path.join(folder, "aoba/google/users/user%d@aoba.example/drive" % user)
        os.makedirs(box)
        with open(os.path.join(box, "threat.com"), "w", encoding="ascii") as f:
            f.write("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-" + "ANTIVIRUS-TEST-" + "FILE!$H+H*" + " " * user)


def measure(bench, table):
    folder = os.path.join(bench.dir, "console-seed")
    seed(folder)
    cloud = Cloud(bench, folder, "console-cloud")
    sekisho = Sekisho(bench, "console", "", listen="127.0.0.1:0")
    sekisho.call("connect", "--from", cloud.connection_file("aoba-google"))
    subprocess.run(sekisho.command("once"), check=True, stderr=subprocess.DEVNULL)
    say("the console: multiplying one company")
    n = multiply(os.path.join(sekisho.state, "store.db"))
    sekisho.serve()
    sekisho.wait(lambda: sekisho.logged("console.setup"), 60, "the setup link")
    with open(sekisho.log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    url = re.search(r"web\.listening .*url=(\S+)", text).group(1)
    token = re.search(r"console\.setup .*url=\S+#(\S+)", text).group(1)
    browser = Browser(url)
    browser.ask("POST", "/api/v1/setup", {"token": token, "login": "bench@example.jp", "name": "bench", "password": PASSWORD, "language": "ja"})
    shell = browser.ask("GET", "/")[1].decode()
    script = re.search(r"/assets/\w+/app\.js", shell).group(0)
    finding = json.loads(browser.ask("GET", "/api/v1/findings?limit=1")[1])["items"][0]["id"]
    paths = ["/", script, "/api/v1/session", "/api/v1/status", "/api/v1/connections", "/api/v1/connections?state=wrong",
             "/api/v1/connections?search=company05", "/api/v1/connections/company0500-google", "/api/v1/connections/company0500-google/streams",
             "/api/v1/findings", "/api/v1/findings?held=1", "/api/v1/findings/" + finding, "/api/v1/alerts?open=1", "/api/v1/tenants",
             "/api/v1/tenants/company0500", "/api/v1/audit"]
    worst, every = ("", 0), []
    for path in paths:
        took = [browser.ask("GET", path)[0] for _ in range(ASKED)]
        every += took
        p99 = percentile(took, 99)
        worst = max(worst, (path, p99), key=lambda w: w[1])
        table.add("console: %s, p99 ms" % path.replace(finding, "ID"), p99, "%.1f", note="median %.1f, quickest %.1f" % (percentile(took, 50), min(took)))
    table.add("console: the slowest address, p99 ms", worst[1], "%.1f", "≤ 50", most=50,
              note="%s; %d connections, %d feeds, %d findings in the store; all addresses together: p99 %.1f ms" % (
                  worst[0], n[0], n[1], n[2], percentile(every, 99)))
    sekisho.stop()
    bench.stop(cloud.process)
