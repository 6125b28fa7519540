#!/usr/bin/env python3
"""The shipped rules as C: embed.py OUTPUT FILES… Run by meson."""
import os
import sys


def main():
    output, *names = sys.argv[1:]
    with open(output, "w", encoding="ascii") as f:
        f.write('#include "policy/policy.h"\n\n')
        sizes = []
        for i, name in enumerate(names):
            data = open(name, "rb").read()
            sizes.append(len(data))
            f.write("static const char file_%d[] = {%s};\n" % (i, ",".join(str(b if b < 128 else b - 256) for b in data + b"\0")))
        f.write("static const struct policy_source shipped[] = {\n")
        for i, name in enumerate(names):
            f.write('\t{"%s", file_%d, %d},\n' % (os.path.basename(name), i, sizes[i]))
        f.write("};\n\nconst struct policy_source *policy_shipped(size_t *ret_n)\n{\n\t*ret_n = %d;\n\treturn shipped;\n}\n" % len(names))


main()
