"""More samples for the scan tests: the marker in every kind of wrapping that mails and clouds carry, well-formed and
lying. scan_samples.py calls make(); the wrapping must hide the marker from whoever only looks at the bytes, so a
clean verdict on one of these says that nobody looked within. The other way round, harmless* must stay clean; beyond* is clean as well, and the README of
scan/ says why."""
import base64
import binascii
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib


def zip_patch(z, local=(), central=()):
    """Overwrites fields of the first member's two headers: (offset, format, value)."""
    z = bytearray(z)
    at = z.find(b"PK\x01\x02")
    for off, f, v in local:
        struct.pack_into(f, z, off, v)
    for off, f, v in central:
        struct.pack_into(f, z, at + off, v)
    return bytes(z)


def member(name, data, method, flags=0, packed=None, size=None, extra=b""):
    """A ZIP of one member whose packed bytes are given."""
    packed = data if packed is None else packed
    size = len(data) if size is None else size
    crc = zlib.crc32(data)
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, flags, method, 0, 0x5821, crc, len(packed), size, len(name), len(extra))
    local += name + extra + packed
    central = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, flags, method, 0, 0x5821, crc, len(packed), size,
                          len(name), len(extra), 0, 0, 0, 0, 0) + name + extra
    return local + central + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(central), len(local), 0)


def deflate(data):
    k = zlib.compressobj(9, zlib.DEFLATED, -15)
    return k.compress(data) + k.flush()


def zip64(name, data):
    """Sizes and offsets stand in the 64-bit extra field and end record alone."""
    p, crc, m = deflate(data), zlib.crc32(data), 0xFFFFFFFF
    ex = struct.pack("<HHQQ", 1, 16, len(data), len(p))
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 45, 0, 8, 0, 0x5821, crc, m, m, len(name), len(ex)) + name + ex + p
    cex = struct.pack("<HHQQQ", 1, 24, len(data), len(p), 0)
    central = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 8, 0, 0x5821, crc, m, m, len(name), len(cex), 0, 0, 0,
                          0, m) + name + cex
    at = len(local) + len(central)
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1, 1, len(central), len(local))
    end64 += struct.pack("<IIQI", 0x07064B50, 0, at, 1)
    return local + central + end64 + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, m, m, 0)


def zstd(data):
    """One frame of raw blocks."""
    return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data)) + struct.pack("<I", len(data) << 3 | 1)[:3] + data


def lz4(data):
    return b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", len(data) | 0x80000000) + data + b"\0\0\0\0"


def lha(name, data):
    """Level 0, stored."""
    head = b"-lh0-" + struct.pack("<IIHHBB", len(data), len(data), 0, 0x5821, 0x20, 0) + bytes([len(name)]) + name
    head += struct.pack("<H", 0)
    return bytes([len(head), sum(head) & 255]) + head + data + b"\0"


def egg(name, data):
    end = struct.pack("<I", 0x08E28222)
    p = deflate(data)
    return (struct.pack("<IHII", 0x41474745, 0x0100, 1, 0) + end + struct.pack("<IIQ", 0x0A8590E3, 1, len(data)) +
            struct.pack("<IBH", 0x0A8591AC, 0, len(name)) + name + end +
            struct.pack("<IBBIII", 0x02B50C13, 1, 0, len(data), len(p), zlib.crc32(data)) + end + p + end)


def tnef(name, data):
    def attribute(level, ident, body):
        return struct.pack("<BII", level, ident, len(body)) + body + struct.pack("<H", sum(body) & 0xFFFF)

    return (struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x00089006, struct.pack("<I", 0x10000)) +
            attribute(2, 0x00069002, b"\1\0\0\0\0\0\0\0\0\0\0\0\0\0") + attribute(2, 0x00018010, name + b"\0") +
            attribute(2, 0x0006800F, data))


def uu(name, data):
    lines = b"".join(binascii.b2a_uu(data[i:i + 45]) for i in range(0, len(data), 45))
    return b"begin 644 " + name + b"\n" + lines + b"`\nend\n"


def yenc(name, data):
    body = bytearray()
    for b in data:
        b = (b + 42) & 255
        body += bytes([0x3D, (b + 64) & 255]) if b in (0, 10, 13, 0x3D) else bytes([b])
    lines = b"\r\n".join(bytes(body[i:i + 128]) for i in range(0, len(body), 128))
    return b"=ybegin line=128 size=%d name=" % len(data) + name + b"\r\n" + lines + b"\r\n=yend size=%d\r\n" % len(data)


def onenote(data):
    guid = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
    blob = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac") + struct.pack("<QIQ", len(data), 0, 0) + data
    blob += b"\0" * (-len(data) % 8) + bytes.fromhex("22a7fb7179 0f0b4abb13899256426b24".replace(" ", ""))
    return guid + b"\0" * 1008 + blob


def ole10(name, data):
    body = struct.pack("<H", 2) + name + b"\0" + b"C:\\" + name + b"\0" + struct.pack("<HHI", 0, 3, 4 + len(name))
    body += b"C:\\" + name + b"\0" + struct.pack("<I", len(data)) + data
    return struct.pack("<I", len(body)) + body


def rtf_object(data):
    native = ole10(b"m.zip", data)
    ole1 = struct.pack("<III", 0x501, 2, 8) + b"Package\0" + struct.pack("<III", 0, 0, len(native) - 4) + native[4:]
    return b"{\\rtf1\\ansi{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata " + binascii.hexlify(ole1) + b"}}\\par}"


def swf(kind, data):
    body = b"\x78\x00\x05\x5f\x00\x00\x0f\xa0\x00\x00\x0c\x01\x00" + struct.pack("<HI", (87 << 6) | 63, len(data) + 6) + \
        struct.pack("<HI", 1, 0) + data + b"\0\0"
    head = kind + b"\x0d" + struct.pack("<I", len(body) + 8)
    if kind == b"CWS":
        return head + zlib.compress(body)
    if kind == b"ZWS":
        p = lzma.compress(body, format=lzma.FORMAT_ALONE)
        return head + struct.pack("<I", len(p) - 13) + p[:5] + p[13:]
    return head + body


def pdf_file(pdf, filters, data, extra=b""):
    obj = b"5 0 obj<</Type/EmbeddedFile/Length %d/Filter[%s]%s>>stream\n" % (len(data), filters, extra) + data + b"\nendstream endobj\n"
    return pdf(obj + b"6 0 obj<</Type/Filespec/F(m.txt)/EF<</F 5 0 R>>>>endobj\n")


def runlength(data):
    return b"".join(bytes([len(data[i:i + 100]) - 1]) + data[i:i + 100] for i in range(0, len(data), 100)) + b"\x80"


def lying(z, filler, marker):
    """ZIP files whose two headers disagree, and what hides around members."""
    text = marker(5000)
    plain = z([("a.txt", text)])
    yield "method-central.zip", zip_patch(plain, central=[(10, "<H", 0)])
    yield "method-local.zip", zip_patch(plain, local=[(8, "<H", 0)])
    yield "flag-local.zip", zip_patch(plain, local=[(6, "<H", 1)])
    yield "flag-central.zip", zip_patch(plain, central=[(8, "<H", 1)])
    yield "strong.zip", zip_patch(plain, local=[(6, "<H", 0x41)], central=[(8, "<H", 0x41)])
    yield "no-size-central.zip", zip_patch(plain, central=[(20, "<I", 0), (24, "<I", 0)])
    yield "no-size-local.zip", zip_patch(plain, local=[(18, "<I", 0), (22, "<I", 0)])
    yield "tiny-by-its-word.zip", zip_patch(plain, local=[(22, "<I", 3)], central=[(24, "<I", 3)])
    yield "folder-with-data.zip", member(b"a/", text, 8, packed=deflate(text))
    yield "folder-without-size.zip", member(b"a/", text, 8, packed=deflate(text), size=0)
    yield "shrunk.zip", member(b"a.txt", text, 1, packed=b"\x55" * 400)
    yield "deflate64.zip", member(b"a.txt", text, 9, packed=deflate(text))
    yield "zstd-within.zip", member(b"a.txt", text, 93, packed=zstd(deflate(text)))
    yield "xz-within.zip", member(b"a.txt", text, 95, packed=lzma.compress(text))
    yield "ppmd-within.zip", member(b"a.txt", text, 98, packed=b"\x0f\x00" + os.urandom(400))
    yield "aes-without-flag.zip", member(b"a.txt", text, 99, packed=os.urandom(400), extra=struct.pack("<HHHBBBH", 0x9901, 7, 2, 0x41, 0x45, 3, 8))
    yield "zip64.zip", zip64(b"a.txt", text)
    yield "junk-before.zip", os.urandom(2000) + plain
    yield "junk-behind.zip", plain + os.urandom(2000)
    yield "text-before.zip", filler(3000) + plain
    yield "two-archives.zip", z([("clean.txt", filler(900))]) + plain
    hidden = bytearray(plain[:plain.find(b"PK\x01\x02")])
    shown = z([("clean.txt", filler(900))])
    cd, end = shown.find(b"PK\x01\x02"), shown.rfind(b"PK\x05\x06")
    both = bytes(hidden) + shown[:cd]
    d = bytearray(shown[cd:end])
    struct.pack_into("<I", d, 42, len(hidden))
    yield "not-in-directory.zip", both + bytes(d) + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(d), len(both), 0)
    yield "no-directory.zip", plain[:plain.find(b"PK\x01\x02")]
    yield "cut.zip", plain[:plain.find(b"PK\x01\x02") - 20]
    yield "in-comment.zip", shown[:-2] + struct.pack("<H", len(plain)) + plain
    yield "in-extra.zip", member(b"clean.txt", filler(900), 0, extra=struct.pack("<HH", 0xCAFE, len(plain)) + plain)
    yield "null-name.zip", member(b"a.txt\0.jpg", text, 8, packed=deflate(text))
    yield "same-names.zip", z([("a.txt", filler(900)), ("b.txt", text)]).replace(b"b.txt", b"a.txt")


def wrapped(s):
    z, filler, marker, mail, attachment = s.zip_of, s.filler, s.with_marker, s.mail, s.attachment
    text = marker(5000)
    inner = z([("m.txt", text)])
    yield "marker.zst", zstd(gzip.compress(text))
    yield "skippable.zst", b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd(gzip.compress(text))
    yield "marker.lz4", lz4(gzip.compress(text))
    yield "legacy.lz4", b"\x02\x21\x4c\x18" + struct.pack("<I", 500) + os.urandom(500)
    yield "marker.lzma", lzma.compress(text, format=lzma.FORMAT_ALONE)
    yield "marker.tar.zst", zstd(gzip.compress(s.tar_of([("m.txt", text)])))
    yield "marker.tar.xz", lzma.compress(s.tar_of([("m.txt", text)]))
    yield "marker.lzo", b"\x89LZO\0\r\n\x1a\n\x10\x30\x20\xa0\x09\x40" + os.urandom(300)
    yield "marker.sz", b"\xff\x06\0\0sNaPpY" + b"\x00\x30\0\0" + os.urandom(300)
    yield "marker.lzh", lha(b"m.zip", inner)
    yield "marker.egg", egg(b"m.txt", text)
    yield "marker.zoo", b"ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd" + os.urandom(400)
    yield "marker.rz", b"RZIP\x02\x01" + os.urandom(300)
    yield "marker.lrz", b"LRZI\x00\x06" + os.urandom(300)
    yield "salted.enc", b"Salted__" + os.urandom(304)
    yield "encrypted.age", b"age-encryption.org/v1\n-> X25519 abcdefgh\n" + os.urandom(300)
    yield "beyond-trailing.gz", gzip.compress(filler(900)) + os.urandom(30) + gzip.compress(text)
    yield "trailing.xz", lzma.compress(filler(900)) + b"\0\0\0\0" + lzma.compress(text)
    yield "extra-field.gz", b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", 8) + b"AB\4\0abcd" + deflate(text) + \
        struct.pack("<II", zlib.crc32(text), len(text))
    yield "broken-crc.gz", gzip.compress(text)[:-8] + b"\0" * 8
    tar = bytearray(s.tar_of([("clean.txt", filler(900)), ("m.zip", inner)]))
    tar[124:136] = b"77777777777\0"
    yield "lying.tar", bytes(tar)
    sparse = io.BytesIO()
    with tarfile.open(fileobj=sparse, mode="w", format=tarfile.PAX_FORMAT) as t:
        i = tarfile.TarInfo("GNUSparseFile.0/m.zip")
        i.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "m.zip", "GNU.sparse.realsize": "9"}
        i.size = len(inner)
        t.addfile(i, io.BytesIO(inner))
    yield "sparse.tar", sparse.getvalue()
    # Mails
    octets = b"Content-Type: application/octet-stream; name=m.bin\r\nContent-Transfer-Encoding: "
    lines = base64.encodebytes(text).replace(b"\n", b"\r\n")
    yield "mbox.mbox", b"From a@aoba.example Mon Nov  2 09:00:00 2026\n" + mail([(b"Content-Type: text/plain", b"Hello")]).replace(b"\r\n", b"\n") + \
        b"\nFrom b@aoba.example Mon Nov  2 09:00:01 2026\n" + mail([attachment(b"m.bin", text)]).replace(b"\r\n", b"\n")
    yield "mbox-within.eml", mail([(b"Content-Type: application/mbox; name=a.mbox\r\nContent-Transfer-Encoding: base64",
                                    base64.encodebytes(b"From a@aoba.example Mon Nov  2 09:00:00 2026\n" + mail([attachment(b"m.bin", text)])))])
    yield "winmail.eml", mail([(b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64",
                                base64.encodebytes(tnef(b"m.zip", inner)))])
    yield "winmail.dat", tnef(b"m.zip", inner)
    yield "uuencode.eml", mail([(b"Content-Type: text/plain", b"Hello\r\n\r\n" + uu(b"m.bin", text).replace(b"\n", b"\r\n"))])
    yield "uuencode-only.eml", b"From: a@aoba.example\r\nSubject: x\r\n\r\nHello\r\n\r\n" + uu(b"m.bin", text).replace(b"\n", b"\r\n")
    yield "x-uuencode.eml", mail([(octets + b"x-uuencode", uu(b"m.bin", text).replace(b"\n", b"\r\n"))])
    yield "file.uu", uu(b"m.bin", text)
    yield "file.yenc", yenc(b"m.bin", text)
    yield "yenc.eml", mail([(b"Content-Type: text/plain", yenc(b"m.bin", text))])
    yield "x-yencode.eml", mail([(octets + b"x-yencode", yenc(b"m.bin", text))])
    yield "comment-base64.eml", mail([(octets + b"base64 (of course)", lines)])
    yield "case-base64.eml", mail([(octets + b"BaSe64", lines)])
    yield "quoted-base64.eml", mail([(octets + b'"base64"', lines)])
    yield "folded-base64.eml", mail([(octets + b"\r\n base64", lines)])
    yield "junk-base64.eml", mail([(octets + b"base64", lines.replace(b"A", b"A!\r\n", 40))])
    yield "padded-base64.eml", mail([(octets + b"base64", base64.b64encode(text[:3000 - 1]) + b"\r\n" + base64.b64encode(text[2999:]))])
    yield "charset-base64.eml", mail([(b"Content-Type: text/plain; charset=x-no-such\r\nContent-Transfer-Encoding: base64", lines)])
    yield "utf7-base64.eml", mail([(b"Content-Type: text/html; charset=utf-7\r\nContent-Transfer-Encoding: base64", lines)])
    yield "two-encodings.eml", mail([(octets + b"7bit\r\nContent-Transfer-Encoding: base64", lines)])
    yield "no-such-encoding.eml", mail([(octets + b"x-no-such", lines)])
    qp = b"".join(b"=%02X" % c for c in text)
    yield "quoted-printable.eml", mail([(octets + b"quoted-printable", b"=\r\n".join(qp[i:i + 72] for i in range(0, len(qp), 72)))])
    yield "preamble.eml", mail([attachment(b"a.txt", filler(90))]).replace(b"--=_b\r\n", octets + b"base64\r\n\r\n" + lines + b"\r\n--=_b\r\n", 1)
    yield "epilogue.eml", mail([attachment(b"a.txt", filler(90))]) + octets + b"base64\r\n\r\n" + lines
    beside = octets + b"base64\r\n\r\n" + lines
    yield "epilogue-part.eml", mail([attachment(b"a.txt", filler(90))]) + b"--=_b\r\n" + beside + b"\r\n--=_b--\r\n"
    yield "epilogue-words.eml", mail([attachment(b"a.txt", filler(90))]) + b"more\r\nof it\r\n" + beside
    yield "epilogue-bare.eml", mail([attachment(b"a.txt", filler(90))]) + base64.encodebytes(inner)
    yield "epilogue-twice.eml", mail([attachment(b"a.txt", filler(90))]) + mail([attachment(b"b.txt", filler(90))], boundary=b"=_c") + beside
    yield "between.eml", mail([(b'Content-Type: multipart/mixed; boundary="=_i"', b"--=_i\r\n\r\nx\r\n--=_i--\r\n" + beside), attachment(b"a.txt", filler(90))])
    yield "harmless-footer.eml", mail([attachment(b"a.txt", filler(90))]) + b"-- \r\nThe list of the branch\r\nhttps://list.example/\r\n"
    yield "harmless-footer-base64.eml", mail([(octets + b"base64", base64.encodebytes(filler(91)) + b"_____\r\nThe list of the branch\r\n")])
    yield "partial.eml", b"From: a@aoba.example\r\nMIME-Version: 1.0\r\nContent-Type: message/partial; id=x; number=1; total=2\r\n\r\n" + \
        mail([attachment(b"m.bin", text)])
    yield "external.eml", mail([(b"Content-Type: message/external-body; access-type=local-file; name=x\r\n\r\n" + octets + b"base64", lines)])
    yield "no-boundary.eml", b"From: a@aoba.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n--x\r\n" + octets + \
        b"base64\r\n\r\n" + lines + b"\r\n--x--\r\n"
    yield "long-boundary.eml", mail([attachment(b"m.bin", text)], boundary=b"b" * 300)
    yield "space-boundary.eml", mail([attachment(b"m.bin", text)], boundary=b"a b ")
    deep = mail([attachment(b"m.bin", text)], boundary=b"b0")
    for i in range(1, 30):
        deep = mail([(b"Content-Type: message/rfc822", deep)], boundary=b"b%d" % i)
    yield "deep.eml", deep
    nested = lines
    head = octets + b"base64"
    for i in range(40):
        nested = b"--n%d\r\n" % i + head + b"\r\n\r\n" + nested + b"\r\n--n%d--\r\n" % i
        head = b"Content-Type: multipart/mixed; boundary=n%d" % i
    yield "deep-multipart.eml", b"From: a@aoba.example\r\nMIME-Version: 1.0\r\n" + head + b"\r\n\r\n" + nested
    # Documents
    yield "package.doc", s.ole2([("WordDocument", b"\xec\xa5\xc1\0" + b"\0" * 4200), ("\1Ole10Native", ole10(b"m.zip", inner))])
    yield "embedded.docx", z(s.ooxml([("word/embeddings/oleObject1.bin", s.ole2([("\1Ole10Native", ole10(b"m.zip", inner))]))]))
    yield "section.one", onenote(inner)
    yield "object.rtf", rtf_object(inner)
    yield "marker.fws", swf(b"FWS", inner)
    yield "marker.cws", swf(b"CWS", text)
    yield "marker.zws", swf(b"ZWS", text)
    yield "file-flate.pdf", pdf_file(s.pdf, b"/FlateDecode", zlib.compress(text))
    yield "file-hex.pdf", pdf_file(s.pdf, b"/ASCIIHexDecode/FlateDecode", binascii.hexlify(zlib.compress(text)) + b">")
    yield "file-a85.pdf", pdf_file(s.pdf, b"/ASCII85Decode/FlateDecode", base64.a85encode(zlib.compress(text)) + b"~>")
    yield "file-run.pdf", pdf_file(s.pdf, b"/RunLengthDecode/FlateDecode", runlength(zlib.compress(text)))
    yield "file-zip.pdf", pdf_file(s.pdf, b"/FlateDecode", zlib.compress(inner))
    yield "behind.pdf", s.pdf() + inner
    yield "before.pdf", inner + s.pdf()
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    png += struct.pack(">I", zlib.crc32(png[12:29])) + b"\0\0\0\x0aIDAT" + zlib.compress(b"\0\0")
    yield "behind.png", png + inner
    yield "behind.gif", b"GIF89a\1\0\1\0\0\0\0;" + inner
    yield "behind.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9" + inner
    yield "data-uri.html", b"<html><body><a href=\"data:application/zip;base64," + base64.b64encode(inner) + b"\">x</a></body></html>"
    yield "smuggling.html", b"<html><body><script>var b=atob(\"" + base64.b64encode(inner) + b"\");</script></body></html>"
    yield "within.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"data:application/zip;base64," + base64.b64encode(inner) + b"\"/></svg>"
    yield "page.mht", mail([(b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64", lines)]).replace(b"multipart/mixed", b"multipart/related")


def small_ole2(name, data):
    """One stream below 4096 bytes: it lies in the root's stream, in sectors of 64 bytes."""
    data = data.ljust(512, b"\0")

    def entry(n, kind, child, start, size):
        u = (n + "\0").encode("utf-16-le")
        return u.ljust(64, b"\0") + struct.pack("<HBBIII", len(u), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child) + b"\0" * 36 + \
            struct.pack("<IQ", start, size)

    directory = entry("Root Entry", 5, 1, 0, 512) + entry(name, 2, 0xFFFFFFFF, 0, 500) + b"\0" * 256
    mini = struct.pack("<128I", *([1, 2, 3, 4, 5, 6, 7, 0xFFFFFFFE] + [0xFFFFFFFF] * 120))
    fat = struct.pack("<128I", *([0xFFFFFFFE] * 3 + [0xFFFFFFFD] + [0xFFFFFFFF] * 124))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 2, 1, 0xFFFFFFFE, 0) + struct.pack("<109I", 3, *[0xFFFFFFFF] * 108)
    return head + data + directory + mini + fat


def encrypted(s):
    z = s.zip_of
    manifest = (b'<?xml version="1.0"?><manifest:manifest><manifest:file-entry manifest:full-path="content.xml">%s'
                b"</manifest:file-entry></manifest:manifest>")

    def odt(more):
        return z([("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", os.urandom(900) if more else b"<a>text</a>"),
                  ("META-INF/manifest.xml", manifest % more)])

    yield "encrypted.odt", odt(b'<manifest:encryption-data manifest:checksum="x"/>')
    yield "harmless.odt", odt(b"")
    yield "encrypted.pages", z([("Index/Document.iwa", os.urandom(400)), (".iwpv2", os.urandom(80))])
    bof = struct.pack("<HHHHHHII", 0x0809, 16, 0x600, 5, 0, 0, 0, 0)
    yield "encrypted-small.xls", small_ole2("Workbook", bof + struct.pack("<HHHHH", 0x2F, 6, 1, 1, 1))
    yield "harmless-small.xls", small_ole2("Workbook", bof + struct.pack("<HH", 0x0A, 0))
    user = struct.pack("<HHIII", 0, 0x0FF6, 32, 20, 0xF3D1C4DF)
    yield "encrypted.ppt", small_ole2("Current User", user)
    yield "harmless.ppt", small_ole2("Current User", user.replace(b"\xdf\xc4\xd1\xf3", b"\x5f\xc0\x91\xe3"))
    yield "rights.doc", s.ole2([("WordDocument", b"\xec\xa5\xc1\0" + b"\0" * 4200), ("\tDRMContent", os.urandom(5000))])
    yield "public-key.gpg", b"\x85\x01\x0c\x03" + os.urandom(8) + b"\x01" + os.urandom(300)
    yield "password.gpg", b"\x8c\x0d\x04\x09\x03\x08" + os.urandom(300)
    yield "vault.yml", b"$ANSIBLE_VAULT;1.1;AES256\n" + binascii.hexlify(os.urandom(200))


def harmless(s):
    """What resembles the above and is none."""
    text = s.filler(3000)
    yield "harmless-base64.txt", b"The archive begins with UEsDB and the program with \"TVqQ\", says the handbook.\n" + text
    yield "harmless.json", b'{"photo":"data:image/png;base64,' + base64.b64encode(os.urandom(900)) + b'"}'
    yield "harmless-image.html", b'<html><body><img src="data:image/png;base64,' + base64.b64encode(b"\x89PNG\r\n\x1a\n" + os.urandom(900)) + b'"></body></html>'
    yield "harmless-yenc.txt", b"A yEnc file begins with =ybegin and ends with =yend.\n" + text
    yield "harmless-partial.eml", s.mail([(b"Content-Type: text/plain", b"See message/partial in RFC 2046.\r\nContent-Type: message/partial")])
    yield "harmless-pk.zip", s.zip_of([("a.txt", text + b"PK\x03\x04 is how a member begins.\n" + text)], zipfile.ZIP_STORED)
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_STORED) as out:
        out.writestr("a.txt", text)
    with zipfile.ZipFile(b, "a", zipfile.ZIP_DEFLATED) as out:
        out.writestr("b.txt", text + b"more")
    yield "harmless-appended.zip", b.getvalue()
    yield "harmless.bin", b"\x5d\x00\x00\x00\x00" + text


def by_tools(s):
    text = s.with_marker(5000)
    folder = os.path.join(s.out, "tool")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "m.txt"), "wb") as f:
        f.write(text)
    with open(os.path.join(folder, "m.zip"), "wb") as f:
        f.write(s.zip_of([("m.txt", text)]))
    for name, command in (("joliet.iso", ["genisoimage", "-quiet", "-J", "-R", "-o", "OUT", "m.zip"]),
                          ("udf.iso", ["genisoimage", "-quiet", "-udf", "-o", "OUT", "m.zip"]),
                          ("marker.arj", ["arj", "a", "-i", "OUT", "m.txt"]),
                          ("encrypted.arj", ["arj", "a", "-i", "-gsecret", "OUT", "m.txt"]),
                          ("bcj2.7z", ["7z", "a", "-bd", "-m0=BCJ2", "-m1=LZMA", "-m2=LZMA", "-m3=LZMA", "OUT", "m.txt"]),
                          ("deflate64.7z", ["7z", "a", "-bd", "-m0=Deflate64", "OUT", "m.txt"]),
                          ("delta.7z", ["7z", "a", "-bd", "-m0=Delta:4", "-m1=LZMA2", "OUT", "m.txt"]),
                          ("deflate64-real.zip", ["7z", "a", "-bd", "-tzip", "-mm=Deflate64", "OUT", "m.txt"]),
                          ("ppmd-real.zip", ["7z", "a", "-bd", "-tzip", "-mm=PPMd", "OUT", "m.txt"]),
                          ("marker.wim", ["7z", "a", "-bd", "-twim", "OUT", "m.zip"]),
                          ("parts.7z", ["7z", "a", "-bd", "-v200b", "OUT", "m.txt"])):
        # The first volume says that it is one; what follows has no mark by which it could be known.
        path = os.path.abspath(os.path.join(s.out, name))
        if shutil.which(command[0]):
            subprocess.run([path if c == "OUT" else c for c in command], cwd=folder, check=False, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        made = path + ".001" if name == "parts.7z" else path
        if os.path.exists(made):
            yield os.path.basename(made)
    shutil.rmtree(folder)


def make(s):
    """Writes all, and their names into formats.list."""
    names = []
    for kind in (lying(s.zip_of, s.filler, s.with_marker), wrapped(s), encrypted(s), harmless(s)):
        for name, data in kind:
            with open(os.path.join(s.out, name), "wb") as f:
                f.write(data)
            names.append(name)
    names += by_tools(s)
    with open(os.path.join(s.out, "formats.list"), "w") as f:
        f.write("".join(n + "\n" for n in names))
