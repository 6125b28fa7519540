#!/usr/bin/env python3
"""The console's files as a table in C: embed.py C-OUTPUT FILES…

Every file lies at /assets/VERSION/NAME, VERSION being a digest of them all: so browsers may keep them for ever, and the modules
of one page always fit together. @VERSION@ in index.html is put in here. index.html itself is the shell of all pages.
"""
import hashlib
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".json": "application/json", ".svg": "image/svg+xml"}


def main():
    output, *names = sys.argv[1:]
    files = {os.path.basename(n): open(n, "rb").read() for n in names}
    version = hashlib.sha256(b"".join(n.encode() + b"\0" + files[n] + b"\0" for n in sorted(files))).hexdigest()[:16]
    with open(output, "w", encoding="ascii") as f:
        f.write('#include "web/assets.h"\n\nconst char web_assets_version[] = "%s";\n' % version)
        for i, name in enumerate(sorted(files)):
            data = files[name].replace(b"@VERSION@", version.encode()) if name == "index.html" else files[name]
            f.write("static const unsigned char file_%d[] = {%s};\n" % (i, ",".join(str(b) for b in data + b"\0")))
        f.write("const struct web_asset_file web_asset_files[] = {\n")
        for i, name in enumerate(sorted(files)):
            tag = hashlib.sha256(files[name] + version.encode()).hexdigest()[:24]
            f.write('\t{"%s", "%s", "\\"%s\\"", file_%d, sizeof(file_%d) - 1},\n' % (
                name, TYPES[os.path.splitext(name)[1]], tag, i, i))
        f.write("};\nconst unsigned web_n_asset_files = %d;\n" % len(files))


main()
