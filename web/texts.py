#!/usr/bin/env python3
"""The console's catalogue for the binary and for the pages: texts.py PO C-OUTPUT JSON-OUTPUT SOURCES…

The texts come out of the sources with xgettext (W_ in C, _ and n_ in JavaScript), their Japanese out of the PO file, read
through msgfmt. C gets all of them, sorted; the pages get those of JavaScript. Run by meson; --check (in place of the two
outputs) only says what is missing.
"""
import gettext
import io
import json
import re
import subprocess
import sys


def run(command, data=b""):
    """What it prints. xgettext warns of every typographic quote: its words are shown only when it fails."""
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return done.stdout


def extract(language, keywords, sources):
    pot = run(["xgettext", "--from-code=UTF-8", "--language=" + language, "-k"] + ["--keyword=" + k for k in keywords] +
              ["--no-location", "-o", "-"] + sources)
    pot = pot.replace(b"charset=CHARSET", b"charset=UTF-8").replace(b"nplurals=INTEGER; plural=EXPRESSION;", b"nplurals=1; plural=0;")
    catalogue = gettext.GNUTranslations(io.BytesIO(run(["msgfmt", "-o", "-", "-"], run(["msgen", "-"], pot))))
    return {k[0] if isinstance(k, tuple) else k for k in catalogue._catalog} - {""}


def c_string(text):
    out = ""
    for byte in text.encode():
        c = chr(byte)
        out += "\\" + c if c in '"\\' else c if 32 <= byte < 127 else "\\%03o" % byte
    return '"' + out + '"'


def main():
    po, c_out, json_out, *sources = sys.argv[1:]
    c = extract("C", ["W_"], [s for s in sources if s.endswith(".c")])
    js = extract("JavaScript", ["_", "n_:1,2"], [s for s in sources if s.endswith(".js")])
    japanese = {}
    for key, value in gettext.GNUTranslations(io.BytesIO(run(["msgfmt", "-o", "-", po])))._catalog.items():
        japanese[key[0] if isinstance(key, tuple) else key] = value
    if c_out == "--check":
        missing = sorted((c | js) - set(japanese))
        stale = sorted(set(japanese) - c - js - {""})
        marks = lambda t: sorted(re.findall(r"\{\w+\}|%\w", t))
        differ = sorted(t for t in c | js if t in japanese and marks(t) != marks(japanese[t]) and "{n}" not in t)
        for title, list_ in (("not translated", missing), ("in no source any more", stale), ("other placeholders", differ)):
            for text in list_:
                print("%s: %s" % (title, text))
        print("%d texts" % len(c | js))
        sys.exit(1 if missing or stale or differ else 0)
    rows = sorted(c | js, key=lambda t: t.encode())
    with open(c_out, "w", encoding="ascii") as f:
        f.write('#include "web/text.h"\n\nconst struct web_text_pair web_texts[] = {\n')
        for text in rows:
            f.write("\t{%s, %s},\n" % (c_string(text), c_string(japanese.get(text, ""))))
        f.write("};\nconst unsigned web_n_texts = %d;\n" % len(rows))
    with open(json_out, "w", encoding="utf-8") as f:
        json.dump({t: japanese[t] for t in sorted(js) if t in japanese}, f, ensure_ascii=False, separators=(",", ":"))


main()
