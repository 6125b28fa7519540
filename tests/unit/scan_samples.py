#!/usr/bin/env python3
"""Makes the samples of the scan tests into a folder: archives, mails and documents that hide a marker, lie about
their size or cannot be looked into. The limits that they lie around are those of scan_harness.c.

Nothing here is malware: the marker is a text that the tests' own signature knows."""
import base64
import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

sys.dont_write_bytecode = True
import scan_formats  # noqa: E402

MARKER = b"sekisho-unit-test-marker-" + b"0123456789abcdef"
PART = 1 << 20
DEPTH = 10
PARTS = 200
TOTAL = 16 << 20

out = sys.argv[1]
os.makedirs(out, exist_ok=True)


def write(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", method) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, method)
    return b.getvalue()


def tar_of(members):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w") as t:
        for name, data in members:
            i = tarfile.TarInfo(name)
            i.size = len(data)
            t.addfile(i, io.BytesIO(data))
    return b.getvalue()


def filler(n, seed=b"x"):
    line = (seed + b" the quarterly figures of the branch\n")
    return (line * (n // len(line) + 1))[:n]


def with_marker(n):
    return filler(n - len(MARKER)) + MARKER


def mail(parts, head=b"", boundary=b"=_b"):
    m = b"From: a@aoba.example\r\nTo: b@aoba.example\r\nSubject: test\r\nMIME-Version: 1.0\r\n" + head
    m += b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n'
    for h, body in parts:
        m += b"--" + boundary + b"\r\n" + h + b"\r\n\r\n" + body + b"\r\n"
    return m + b"--" + boundary + b"--\r\n"


def attachment(name, data):
    return (b'Content-Type: application/octet-stream; name="' + name + b'"\r\n'
            b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment", base64.encodebytes(data).replace(b"\n", b"\r\n"))


def ole2(streams):
    """A compound file of streams in sectors of their own (at least 4096 bytes each)."""
    sector = 512
    body, fat, entries = b"", [], []
    for name, data in streams:
        data = data + b"\0" * (max(4096, (len(data) + 511) // 512 * 512) - len(data))
        start, n = len(fat), len(data) // sector
        fat += [start + i + 1 for i in range(n - 1)] + [0xFFFFFFFE]
        body += data
        entries.append((name, 2, start, len(data)))
    entries.insert(0, ("Root Entry", 5, 0xFFFFFFFE, 0))
    directory = b""
    for i, (name, kind, start, size) in enumerate(entries):
        u = (name + "\0").encode("utf-16-le")
        left = right = child = 0xFFFFFFFF
        if i == 0 and len(entries) > 1:
            child = 1
        elif i + 1 < len(entries) and i > 0:
            right = i + 1
        directory += u.ljust(64, b"\0") + struct.pack("<HBBIII", len(u), kind, 1, left, right, child)
        directory += b"\0" * 16 + b"\0" * 20 + struct.pack("<IQ", start, size)
    directory += b"\0" * (-len(directory) % sector)
    dir_start = len(fat)
    n = len(directory) // sector
    fat += [dir_start + i + 1 for i in range(n - 1)] + [0xFFFFFFFE]
    fat_sectors = 1
    while (len(fat) + fat_sectors) * 4 > fat_sectors * sector:
        fat_sectors += 1
    fat_start = len(fat)
    fat += [0xFFFFFFFD] * fat_sectors
    fat += [0xFFFFFFFF] * (fat_sectors * sector // 4 - len(fat))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, fat_sectors, dir_start, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += b"".join(struct.pack("<I", fat_start + i if i < fat_sectors else 0xFFFFFFFF) for i in range(109))
    return head + body + directory + struct.pack("<%dI" % len(fat), *fat)


def ooxml(members=()):
    types = (b'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
             b'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
             b'relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.'
             b'openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>')
    base = [("[Content_Types].xml", types), ("_rels/.rels", b'<?xml version="1.0"?><Relationships/>'),
            ("word/document.xml", b'<?xml version="1.0"?><w:document>' + filler(3000) + b"</w:document>")]
    return base + list(members)


def pdf(extra=b"", trailer=b"", stream=b"BT /F1 12 Tf 20 100 Td (Timetable) Tj ET"):
    p = b"%PDF-1.5\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    p += b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>endobj\n"
    z = zlib.compress(stream)
    p += b"4 0 obj<</Length %d/Filter/FlateDecode>>stream\n" % len(z) + z + b"\nendstream endobj\n" + extra
    return p + b"xref\n0 1\n0000000000 65535 f \ntrailer<</Size 6/Root 1 0 R" + trailer + b">>\nstartxref\n0\n%%EOF\n"


def cab(members):
    """Stored, one folder, one block a 32 KiB."""
    data = b"".join(d for _, d in members)
    blocks = [data[i:i + 32768] for i in range(0, len(data), 32768)]
    files, at = b"", 0
    for name, d in members:
        files += struct.pack("<IIHHHH", len(d), at, 0, 0x5821, 0, 0x20) + name.encode() + b"\0"
        at += len(d)
    head_size = 36 + 8
    data_at = head_size + len(files)
    folder = struct.pack("<IHH", data_at, len(blocks), 0)
    body = b"".join(struct.pack("<IHH", 0, len(b), len(b)) + b for b in blocks)
    size = data_at + len(body)
    head = b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, size, 0, head_size, 0, 3, 1, 1, len(members), 0, 0, 0)
    return head + folder + files + body


def nest(data, n, name="inner"):
    for i in range(n):
        data = zip_of([("%s%d.zip" % (name, i) if i else "payload.txt", data)])
    return data


def overlapping(copies):
    """Directory entries whose members lie within one another (each member's header and data in the one before)."""
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = kernel.compress(filler(PART // 2)) + kernel.flush()
    crc = zlib.crc32(filler(PART // 2))
    blob, directory = b"", b""
    headers = []
    for i in range(copies):
        name = b"f%03d" % i
        headers.append(struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0x5821, crc, len(data) + 64, PART // 2,
                                   len(name), 0) + name)
    at = 0
    for i, h in enumerate(headers):
        name = b"f%03d" % i
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0x5821, crc, len(data) + 64,
                                 PART // 2, len(name), 0, 0, 0, 0, 0, at) + name
        blob += h
        at += len(h)
    blob += data + b"\0" * 200
    return blob + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, copies, copies, len(directory), len(blob), 0)


def lying_zip():
    """The directory tells the truth, the member's own header a tenth of the packed size."""
    data = os.urandom(3000) + MARKER * 20 + os.urandom(3000)
    z = bytearray(zip_of([("a.bin", data)]))
    struct.pack_into("<I", z, 18, 600)
    struct.pack_into("<I", z, 22, 600)
    return bytes(z)


def polyglot():
    """Text first, behind it a ZIP whose member has its sizes behind it (general purpose bit 3)."""
    b = io.BytesIO()

    class Pipe(io.RawIOBase):
        def writable(self):
            return True

        def write(self, d):
            return b.write(d)

    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as z:
        with z.open("m.txt", "w") as f:
            f.write(with_marker(5000))
    z = b.getvalue()
    junk = b"A letter, and nothing else.\n" * 10
    at = len(junk)
    z = bytearray(z)
    end = z.rfind(b"PK\x05\x06")
    cd = struct.unpack_from("<I", z, end + 16)[0]
    struct.pack_into("<I", z, end + 16, cd + at)
    struct.pack_into("<I", z, cd + 42, at)
    return junk + bytes(z)


def archives():
    write("marker.zip", zip_of([("a/b.txt", with_marker(5000))]))
    write("marker-stored.zip", zip_of([("a/b.txt", with_marker(5000))], zipfile.ZIP_STORED))
    write("clean.zip", zip_of([("a.txt", filler(5000)), ("d/", b""), ("d/empty.txt", b""), ("d/tiny.txt", b"12345")]))
    write("clean-stored.zip", zip_of([("a.txt", filler(5000)), ("b.txt", filler(900))], zipfile.ZIP_STORED))
    write("bzip2.zip", zip_of([("a.txt", with_marker(5000))], zipfile.ZIP_BZIP2))
    write("lzma.zip", zip_of([("a.txt", with_marker(5000))], zipfile.ZIP_LZMA))
    write("empty.zip", zip_of([]))
    write("marker.tar", tar_of([("a.txt", filler(700)), ("b.txt", with_marker(5000))]))
    write("clean.tar", tar_of([("a.txt", filler(700)), ("b.txt", filler(5000))]))
    write("marker.tar.gz", gzip.compress(tar_of([("b.txt", with_marker(5000))])))
    for name, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        write("marker." + name, pack(with_marker(5000)))
        write("clean." + name, pack(filler(5000)))
        write("empty." + name, pack(b""))
        write("two-streams." + name, pack(filler(5000)) + pack(with_marker(5000)))
        write("large." + name, pack(filler(PART + 1)))
    write("marker.cab", cab([("a.txt", with_marker(5000))]))
    write("clean.cab", cab([("a.txt", filler(5000)), ("b.txt", filler(100))]))
    write("nothing.rar", b"Rar!\x1a\x07\x00" + bytes.fromhex("cf907300000d00000000000000") + os.urandom(200))
    write("broken.7z", b"7z\xbc\xaf\x27\x1c\x00\x04" + os.urandom(300))
    write("lying.zip", lying_zip())
    write("polyglot.txt", polyglot())
    write("package.deb", b"!<arch>\ndebian-binary   1764000000  0     0     100644  4         `\n2.0\n")
    if shutil.which("7z"):
        src = os.path.join(out, "marker-file.txt")
        write("marker-file.txt", with_marker(5000))
        for name, args in (("marker.7z", []), ("ppmd.7z", ["-m0=PPMd"]), ("encrypted.7z", ["-psecret"]),
                           ("encrypted-names.7z", ["-psecret", "-mhe=on"]),
                           ("encrypted.zip", ["-tzip", "-psecret"]),
                           ("encrypted-aes.zip", ["-tzip", "-psecret", "-mem=AES256"])):
            subprocess.run(["7z", "a", "-bd"] + args + [os.path.join(out, name), src], check=True,
                           stdout=subprocess.DEVNULL)
        write("encrypted-within.eml", mail([attachment(b"x.zip", open(os.path.join(out, "encrypted.zip"), "rb").read())]))
        both = open(os.path.join(out, "encrypted.zip"), "rb").read()
        write("encrypted-and-threat.zip", zip_of([("a.zip", both), ("b.txt", with_marker(500))]))


def limits():
    for d in (-1, 0, 1):
        write("part%+d.zip" % d, zip_of([("a.txt", filler(PART + d))]))
        write("part%+d-marker.zip" % d, zip_of([("a.txt", with_marker(PART + d))]))
        write("part%+d-marker.tar" % d, tar_of([("a.txt", with_marker(PART + d))]))
        write("part%+d-marker.gz" % d, gzip.compress(with_marker(PART + d)))
        write("depth%+d.zip" % d, nest(filler(500), DEPTH + d))
        write("depth%+d-marker.zip" % d, nest(with_marker(500), DEPTH + d))
        n = PARTS + d
        write("parts%+d.zip" % d, zip_of([("%d.txt" % i, b"text number %d\n" % i) for i in range(n)]))
        write("parts%+d-marker.zip" % d,
              zip_of([("%d.txt" % i, b"text number %d\n" % i) for i in range(n - 1)] + [("last.txt", MARKER)]))
        full = TOTAL // PART
        write("total%+d.zip" % d, zip_of([("%d.txt" % i, filler(PART, b"%d" % i)) for i in range(full - 1)] +
                                         [("last.txt", filler(PART - (d < 0), b"last"))] +
                                         ([("over.txt", b"123456")] if d > 0 else [])))
    write("behind-cut.zip", zip_of([("a.txt", filler(3 * PART) + MARKER)]))
    write("behind-cut-stored.zip", zip_of([("a.txt", filler(3 * PART) + MARKER)], zipfile.ZIP_STORED))
    write("behind-cut-bzip2.zip", zip_of([("a.txt", filler(3 * PART) + MARKER)], zipfile.ZIP_BZIP2))
    # Cut by the engine's own limit (of the item's size here), and claiming to be small.
    big = bytearray(zip_of([("a.txt", filler(12 << 20) + MARKER)]))
    struct.pack_into("<I", big, 22, 1000)
    struct.pack_into("<I", big, bytes(big).rfind(b"PK\x01\x02") + 24, 1000)
    write("small-by-its-word.zip", bytes(big))
    write("flat-bomb.zip", zip_of([("%d.txt" % i, b"\0" * (4 * PART)) for i in range(20)]))
    level = zip_of([("0.bin", b"\0" * (64 * PART))])
    for _ in range(4):
        level = zip_of([("%d.zip" % i, level) for i in range(8)])
    write("nested-bomb.zip", level)
    write("overlapping.zip", overlapping(60))
    write("deep50.zip", nest(with_marker(500), 50))
    write("deep50.gz", deep_gz(50))


def deep_gz(n):
    data = with_marker(500)
    for _ in range(n):
        data = gzip.compress(data)
    return data


def documents():
    write("clean.docx", zip_of(ooxml()))
    write("clean-stored.docx", zip_of(ooxml(), zipfile.ZIP_STORED))
    write("marker.docx", zip_of(ooxml([("word/media/image1.png", with_marker(900))])))
    vba = ole2([("_VBA_PROJECT", b"\xcc\x61" + b"\0" * 100), ("dir", b"\1" * 300)])
    write("macros.docm", zip_of(ooxml([("word/vbaProject.bin", vba)])))
    write("encrypted.docx", ole2([("EncryptionInfo", b"\4\0\4\0\x40\0\0\0" + filler(300)),
                                  ("EncryptedPackage", os.urandom(6000))]))
    word = bytearray(5000)
    struct.pack_into("<HH", word, 0, 0xA5EC, 0xC1)
    write("clean.doc", ole2([("WordDocument", bytes(word))]))
    struct.pack_into("<H", word, 10, 0x0100)
    write("encrypted.doc", ole2([("WordDocument", bytes(word))]))
    bof = struct.pack("<HHHHHHII", 0x0809, 16, 0x600, 5, 0, 0, 0, 0)
    write("clean.xls", ole2([("Workbook", bof + struct.pack("<HH", 0x0A, 0))]))
    write("encrypted.xls", ole2([("Workbook", bof + struct.pack("<HHHHH", 0x2F, 6, 1, 1, 1))]))
    write("clean.pdf", pdf())
    write("marker.pdf", pdf(stream=with_marker(800)))
    # Standard handler, 128 bits, with an owner and user entry that no empty password fits.
    enc = b"5 0 obj<</Filter/Standard/V 2/R 3/Length 128/P -44/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">>>endobj\n"
    write("encrypted.pdf", pdf(enc, b"/Encrypt 5 0 R/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"))
    write("clean.html", b"<!DOCTYPE html><html><head><meta charset=Shift_JIS></head><body>" +
          "会議は月曜日".encode("cp932") + b"</body></html>")
    write("utf16.html", "<html><body>会議</body></html>".encode("utf-16"))
    write("clean.rtf", b"{\\rtf1\\ansi{\\fonttbl\\f0 Arial;}\\f0 Timetable\\par}")
    write("message.pgp", b"-----BEGIN PGP MESSAGE-----\n\nhQEMA0000000000000AQf/\n=abcd\n-----END PGP MESSAGE-----\n")
    write("smime.p7m", b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" + os.urandom(250))


def mails():
    write("clean.eml", mail([(b"Content-Type: text/plain; charset=ISO-2022-JP", "会議は月曜日です".encode("iso-2022-jp")),
                             attachment(b"a.txt", filler(3000))]))
    write("marker.eml", mail([(b"Content-Type: text/plain", b"Hello"), attachment(b"a.zip", zip_of([("m.txt", with_marker(900))]))]))
    inner = mail([attachment(b"m.bin", with_marker(900))], boundary=b"in")
    write("nested.eml", mail([(b"Content-Type: message/rfc822", inner)]))
    write("two-types.eml", mail([(b"Content-Type: text/plain\r\nContent-Type: application/zip; name=a.zip\r\n"
                                  b"Content-Transfer-Encoding: base64", base64.encodebytes(with_marker(900)))]))
    write("open-boundary.eml", mail([attachment(b"m.bin", with_marker(900))])[:-8])
    write("rfc2231.eml", mail([(b"Content-Type: application/octet-stream;\r\n name*0*=iso-2022-jp''%1B%24B2q5D;\r\n name*1*=%1B%28B;\r\n"
                                b" name*2=.bin\r\nContent-Transfer-Encoding: base64", base64.encodebytes(with_marker(900)))]))
    write("cp932.eml", mail([(b'Content-Type: application/octet-stream; name="=?CP932?B?' + base64.b64encode("会議.bin".encode("cp932")) +
                              b'?="\r\nContent-Transfer-Encoding: base64', base64.encodebytes(with_marker(900)))]))
    write("broken-escapes.eml", mail([(b"Content-Type: text/plain; charset=ISO-2022-JP", b"\x1b$B\xff\xfe\x1b$\x1b(\x1b" * 200),
                                      attachment(b"m.bin", with_marker(900))]))
    write("rtl.eml", mail([attachment("invoice\u202efdp.exe".encode(), with_marker(900))]))
    write("huge-header.eml", mail([attachment(b"m.bin", with_marker(900))], b"X-Long: " + b"a" * (1 << 20) + b"\r\n"))
    write("many-headers.eml", mail([attachment(b"m.bin", with_marker(900))], b"".join(b"X-H%d: a\r\n" % i for i in range(20000))))
    write("many-parts.eml", mail([(b"Content-Type: text/plain", b"part %d of it" % i) for i in range(400)] +
                                 [attachment(b"m.bin", with_marker(900))]))


archives()
limits()
documents()
mails()
scan_formats.make(sys.modules[__name__])
