#!/usr/bin/env python3
"""Turns a text file into a C array: embed.py INPUT OUTPUT NAME. Run by meson."""
import sys

source, output, name = sys.argv[1:]
data = open(source, "rb").read()
with open(output, "w") as f:
    f.write("static const unsigned char %s[] = {" % name)
    f.write(",".join(str(b) for b in data))
    f.write("};\n")
