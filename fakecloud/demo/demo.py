"""./run demo: a small company on the local stand-in of the four clouds, guarded from first look to containment.

Options: --once ends when nothing is left to do; --json prints the summary as one JSON object on the last line;
--files DIR also puts a copy of your own folder into the four drives. Exit code 0 when every planted threat was
contained and nothing else was touched.
"""
import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata
import urllib.request

import company
import policy

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEKISHO = os.path.join(ROOT, "build", "sekisho")
FAKECLOUD = os.path.join(ROOT, "build", "fakecloud")
SERVICES = [("microsoft", "exchange", "Exchange Online"), ("microsoft", "onedrive", "OneDrive"),
            ("microsoft", "sharepoint", "SharePoint"), ("microsoft", "teams", "Teams"), ("google", "gmail", "Gmail"),
            ("google", "drive", "Google Drive"), ("box", "box", "Box"), ("dropbox", "dropbox", "Dropbox")]


def say(text=""):
    print(text, file=sys.stderr, flush=True)


class Demo:
    def __init__(self, args):
        self.args = args
        self.dir = tempfile.mkdtemp(prefix="sekisho-demo-")
        self.children = []

    def sekisho(self, *arguments):
        return [SEKISHO, *arguments, "--config", os.path.join(self.dir, "sekisho.yaml")]

    def read(self, *arguments):
        """The lines of a command that prints JSON."""
        out = subprocess.run(self.sekisho(*arguments, "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return [json.loads(line) for line in out.stdout.decode().splitlines()]

    def start_cloud(self):
        seed = os.path.join(self.dir, "seed")
        self.planted = company.make(seed, self.args.files)
        self.apps = os.path.join(self.dir, "apps.yaml")
        command = [FAKECLOUD, "--seed", seed, "--connections", os.path.join(self.dir, "connections.yaml"), "--console", self.apps]
        cloud = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.children.append(cloud)
        line = cloud.stdout.readline()
        if not line:
            raise RuntimeError("the stand-in of the clouds did not start")
        self.urls = json.loads(line)

    def state(self):
        with urllib.request.urlopen(self.urls["control"] + "/state") as answer:
            return json.load(answer)["items"]

    def configure(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        with open(os.path.join(self.dir, "sekisho.yaml"), "w", encoding="utf-8") as f:
            f.write("state: state\nconsole: {listen: \"127.0.0.1:%d\"}\npoll: {fast: 2 s, slow: 10 s, teams: 10 s}\n" % self.port)
            # The operator's applications at the stand-in, so that the console's wizards can be walked.
            with open(self.apps, encoding="utf-8") as apps:
                f.write(apps.read())

    def progress(self, process):
        tty = sys.stderr.isatty()
        while process.poll() is None:
            time.sleep(0.3)
            lines = self.read("status") if tty else []
            if lines:
                c = lines[0]["connections"]
                seen, pending = sum(x["seen"] for x in c), sum(x["pending"] for x in c)
                done = seen - pending
                bar = "#" * (30 * done // seen if seen else 0)
                print("\r  [%-30s] %d / %d" % (bar, done, seen), end="", file=sys.stderr, flush=True)
        if tty:
            say()
        return process.returncode

    def run_once(self):
        with open(os.path.join(self.dir, "sekisho.log"), "wb") as log:
            process = subprocess.Popen(self.sekisho("once"), stderr=log)
            self.children.append(process)
            return self.progress(process)

    def summary(self, before, after, code):
        """Compares what was planted with what the clouds hold now."""
        planted = {(p["provider"], p["service"], p["owner"], p["name"]) for p in self.planted}
        key = lambda i: (i["provider"], i["service"], i["owner"], i["name"])
        old = {(i["provider"], i["id"]): i for i in before}
        held = {key(old.get((i["provider"], i["id"]), i)) for i in after if i["quarantined"]}
        touched = [i for i in after if (i["provider"], i["id"]) in old and not i["quarantined"] and
                   any(i[f] != old[i["provider"], i["id"]][f] for f in ("place", "name", "labels", "sharing", "sha256"))]
        gone = [i for k, i in old.items() if k not in {(x["provider"], x["id"]) for x in after}]
        rows = []
        findings = self.read("findings")
        streams = self.read("status")[0]["streams"]
        for provider, service, title in SERVICES:
            mine = [s for s in streams if s["service"] == service]
            want = {p for p in planted if p[1] == service}
            rows.append({"provider": provider, "service": service, "title": title,
                         "streams": len([s for s in mine if s["state"] == "active"]), "seen": sum(s["seen"] for s in mine),
                         "scanned": sum(s["scanned"] for s in mine), "unknown": sum(s["unknown"] for s in mine),
                         "skipped": sum(s["skipped"] for s in mine), "pending": sum(s["pending"] for s in mine),
                         "planted": len(want), "contained": len(want & held)})
        categories = [r.get("category") for f in findings for r in f["rules"]]
        kinds = [{"kind": kind, "ja": ja, "findings": categories.count(kind)} for kind, ja, _ in policy.KINDS]
        wrong = sorted(held - planted)
        if self.args.files:  # what your own folder holds is judged for itself
            found = {(f["provider"], f["service"], f["item"]["owner"], f["item"]["name"]) for f in findings
                     if f["verdict"]["status"] == "threat"}
            wrong = [w for w in wrong if w not in found]
        ok = (code == 0 and planted <= held and not wrong and not touched and not gone and
              all(k["findings"] for k in kinds) and
              all(r["seen"] == r["scanned"] + r["unknown"] + r["skipped"] and r["seen"] for r in rows))
        return {"ok": ok, "exit": code, "services": rows, "kinds": kinds, "planted": len(planted), "contained": len(planted & held),
                "missed": sorted(planted - held), "wrongly_contained": wrong, "touched": len(touched) + len(gone),
                "findings": len(findings), "console": "http://127.0.0.1:%d/" % self.port}

    def show(self, s):
        def pad(text, width):
            cells = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
            return text + " " * (width - cells)
        titles = ["service", "streams", "seen", "scanned", "unknown", "skipped", "planted", "contained"]
        print("  ".join(pad(t, 16 if i == 0 else 9) for i, t in enumerate(titles)))
        for r in s["services"]:
            cells = [r["title"]] + [str(r[k]) for k in titles[1:]]
            print("  ".join(pad(c, 16 if i == 0 else 9) for i, c in enumerate(cells)))
        print("\n仕込んだ脅威 / threats planted: %d, 隔離 / contained: %d, ほかに触れたもの / anything else touched: %d" % (
            s["planted"], s["contained"], s["touched"] + len(s["wrongly_contained"])))
        print("ポリシーで見つけたもの (知らせるだけ) / found by policies (told only): " +
              ", ".join("%s %d" % (k["ja"], k["findings"]) for k in s["kinds"]))
        for m in s["missed"]:
            print("MISSED: " + " ".join(m))
        if self.args.once:
            print("console: %s  (served without --once)" % s["console"], flush=True)

    def ask(self, method, path, body=None):
        """A call of the console's API; the answer's JSON."""
        request = urllib.request.Request("http://127.0.0.1:%d/api/v1%s" % (self.port, path), method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def open_console(self):
        """Starts the service and makes an account for the console: (process, login, password)."""
        process = subprocess.Popen(self.sekisho("serve"), stderr=open(os.path.join(self.dir, "sekisho.log"), "ab"))
        self.children.append(process)
        for _ in range(300):
            try:
                self.ask("GET", "/sign-in")
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("the service did not start: see %s/sekisho.log" % self.dir)
                time.sleep(0.2)
        link = self.read("setup-link")[0]
        token = link.get("token") or link["link"].split("#")[1]
        login, password = "demo", secrets.token_hex(8)
        self.ask("POST", "/setup", {"token": token, "login": login, "name": "demo", "password": password, "language": "ja"})
        return process, login, password

    def watch(self):
        process, login, password = self.open_console()
        print("console: http://127.0.0.1:%d/   ログイン名 / login: %s   パスワード / password: %s" % (self.port, login, password), flush=True)
        say("watching; Ctrl-C ends it. Try: build/sekisho status --config %s/sekisho.yaml" % self.dir)
        return process.wait()

    def end(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(25)
                except subprocess.TimeoutExpired:
                    child.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def run(self):
        say("四つのクラウドの代役に小さな会社を作っています / making a small company on a stand-in of the four clouds")
        self.start_cloud()
        self.configure()
        before = self.state()
        connected = subprocess.run(self.sekisho("connect", "--from", os.path.join(self.dir, "connections.yaml")),
                                   stdout=sys.stderr)
        if connected.returncode:
            return connected.returncode
        say("検査しています / scanning")
        code = self.run_once()
        s = self.summary(before, self.state(), code)
        if not s["ok"]:
            with open(os.path.join(self.dir, "sekisho.log"), errors="replace") as log:
                sys.stderr.write("".join(log.readlines()[-40:]))
        self.show(s)
        if not self.args.once:
            self.watch()
        if self.args.json:
            print(json.dumps(s, ensure_ascii=False), flush=True)
        return 0 if s["ok"] else 1


def main():
    parser = argparse.ArgumentParser(prog="./run demo", description="guards a small made-up company")
    parser.add_argument("--once", action="store_true", help="end when nothing is left to do")
    parser.add_argument("--json", action="store_true", help="the summary as one JSON object on the last line")
    parser.add_argument("--files", metavar="DIR", help="put a copy of this folder into the four drives, too")
    args = parser.parse_args()
    if args.files and not os.path.isdir(args.files):
        parser.error("%s is no folder" % args.files)
    demo = Demo(args)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return demo.run()
    except KeyboardInterrupt:
        return 0
    finally:
        demo.end()


if __name__ == "__main__":
    sys.exit(main())
