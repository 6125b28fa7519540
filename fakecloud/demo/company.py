"""A small Japanese company for fakecloud: mails, drives, sites, shared drives, Box and Dropbox, with threats planted.

make(folder) writes the seed and returns the list of planted threats: {provider, service, owner, name}. Everything is
made here, the same at each call. The only "threat" is the EICAR test string, which is harmless; it is put together from
pieces, so that this file itself is not taken for one.
"""
import io
import os
import zipfile
from email.message import EmailMessage
from email.utils import format_datetime
from datetime import datetime, timedelta, timezone

EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-" + "STANDARD-ANTIVIRUS-" + "TEST-FILE!$H+H*").encode()
START = datetime(2026, 11, 2, 9, 0, tzinfo=timezone(timedelta(hours=9)))
TENANT = "aoba"
DOMAIN = TENANT + ".example"
PEOPLE = [("hana", "佐藤 花"), ("kenji", "鈴木 健二"), ("yuki", "高橋 由紀"), ("admin", "管理者")]


def zip_of(*members, level=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", level) as z:
        for name, data in members:
            info = zipfile.ZipInfo(name, (2026, 11, 2, 9, 0, 0))
            info.compress_type = level
            z.writestr(info, data)
    return out.getvalue()


def docx(text, extra=()):
    types = ('<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
             '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
             '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
             'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>')
    rels = ('<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
            'officeDocument" Target="word/document.xml"/></Relationships>')
    body = ('<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            '<w:body>' + "".join("<w:p><w:r><w:t>%s</w:t></w:r></w:p>" % line for line in text.split("\n")) +
            '</w:body></w:document>')
    return zip_of(("[Content_Types].xml", types), ("_rels/.rels", rels), ("word/document.xml", body), *extra)


def pdf(title):
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
               "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>"]
    stream = "BT /F1 12 Tf 72 720 Td (%s) Tj ET" % title
    objects.append("<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out, at = b"%PDF-1.4\n", []
    for i, o in enumerate(objects, 1):
        at.append(len(out))
        out += b"%d 0 obj\n" % i + o.encode() + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % a for a in at)
    return out + b"trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def mail(number, sender, to, subject, text, attachment=None, charset="utf-8"):
    m = EmailMessage()
    m["From"], m["To"], m["Subject"] = sender, to, subject
    m["Date"] = format_datetime(START + timedelta(minutes=37 * number))
    m["Message-ID"] = "<%d.%s@mail.example>" % (number, to.split("@")[0])
    m.set_content(text, charset=charset)
    if attachment:
        name, data = attachment
        m.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return m.as_bytes()


class Company:
    def __init__(self, folder):
        self.folder, self.planted, self.count = folder, [], 0

    def put(self, path, data, threat=None, name=None):
        """threat: (provider, service, owner) when the content is one; name: what it is called there."""
        full = os.path.join(self.folder, TENANT, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data)
        self.count += 1
        when = (START + timedelta(minutes=11 * self.count)).timestamp()
        os.utime(full, (when, when))
        if threat:
            provider, service, owner = threat
            self.planted.append({"provider": provider, "service": service, "owner": owner,
                                 "name": name or os.path.basename(path)})

    def mails(self, provider, service, inbox, more):
        for n, (user, name) in enumerate(PEOPLE[:3]):
            to = "%s@%s" % (user, DOMAIN)
            base = "%s/users/%s/mail" % (provider, to)
            for i in range(6):
                self.put("%s/%s/%02d.eml" % (base, inbox, i), mail(
                    n * 20 + i, "client%d@partner.example" % i, to, "見積書の件 %d" % i,
                    "%s様\n\nお世話になっております。見積書をお送りします。\n" % name,
                    ("見積書%d.docx" % i, docx("御見積書 %d\n合計 120,000円" % i)) if i % 2 else None,
                    "iso-2022-jp" if i % 3 == 0 else "utf-8"))
            self.put("%s/%s/06.eml" % (base, more), mail(n * 20 + 7, "news@shop.example", to, "今週のお知らせ", "本文\n"))
        hana = "hana@" + DOMAIN
        base = "%s/users/%s/mail" % (provider, hana)
        self.put(base + "/%s/10-invoice.eml" % inbox, mail(
            90, "billing@invoices.example", hana, "請求書のご送付", "添付の請求書をご確認ください。\n", ("請求書.exe", EICAR)),
            (provider, service, hana), "請求書のご送付")
        kenji = "kenji@" + DOMAIN
        self.put("%s/users/%s/mail/%s/11-zip.eml" % (provider, kenji, more), mail(
            91, "delivery@post.example", kenji, "配達のお知らせ", "詳しくは添付をご覧ください。\n",
            ("お知らせ.zip", zip_of(("内側.zip", zip_of(("readme.com", EICAR)))))), (provider, service, kenji), "配達のお知らせ")

    def files(self, base, provider, service, owner, threats):
        for i in range(4):
            self.put("%s/資料/議事録 %d.docx" % (base, i), docx("議事録 %d\n出席者: 佐藤、鈴木" % i))
        self.put(base + "/資料/会社案内.pdf", pdf("Aoba Trading"))
        self.put(base + "/売上.csv", "日付,金額\n2026-11-01,120000\n".encode("cp932"))
        self.put(base + "/写真/メモ.txt", "打ち合わせは木曜日です。\n".encode())
        for name, data in threats:
            self.put("%s/%s" % (base, name), data, (provider, service, owner))

    def teams(self):
        import json
        def message(who, text, n):
            return json.dumps({"from": "%s@%s" % (who, DOMAIN), "body": "<p>%s</p>" % text,
                               "created": (START + timedelta(minutes=n)).isoformat()}, ensure_ascii=False).encode()
        for i, (who, text) in enumerate([("hana", "おはようございます。"), ("kenji", "見積書を共有しました。"),
                                         ("yuki", "確認します。")]):
            self.put("microsoft/teams/営業部/一般/%02d.json" % i, message(who, text, i))
        self.put("microsoft/chats/hana@%s,kenji@%s/00.json" % (DOMAIN, DOMAIN), message("hana", "会議室は2階です。", 9))

    def share(self, path, entries):
        import json
        with open(os.path.join(self.folder, TENANT, path + ".sharing.json"), "w", encoding="utf-8") as f:
            json.dump(entries, f)


def make(folder, extra=None):
    """extra: a folder of the user's own, copied into the four drives."""
    c = Company(folder)
    hana, kenji, yuki = ("%s@%s" % (p[0], DOMAIN) for p in PEOPLE[:3])
    c.mails("microsoft", "exchange", "Inbox", "Projects")
    c.mails("google", "gmail", "INBOX", "案件")
    c.files("microsoft/users/%s/drive" % hana, "microsoft", "onedrive", hana,
            [("配布用/setup.zip", zip_of(("setup.exe", EICAR)))])
    c.files("microsoft/users/%s/drive" % kenji, "microsoft", "onedrive", kenji, [])
    c.files("microsoft/sites/営業/Documents", "microsoft", "sharepoint", "営業", [("テンプレート/見積.docx", docx(
        "見積", [("word/embeddings/oleObject1.bin", EICAR)]))])
    c.files("google/users/%s/drive" % yuki, "google", "drive", yuki, [("ダウンロード/更新プログラム.com", EICAR)])
    c.files("google/users/%s/drive" % hana, "google", "drive", hana, [])
    c.files("google/shared-drives/全社共有", "google", "drive", "全社共有",
            [("社内ツール.zip", zip_of(("tool/内側.zip", zip_of(("tool.com", EICAR)))))])
    c.put("google/users/%s/drive/企画書.gdoc" % yuki, docx("企画書\n来期の計画"))
    c.files("box/users/%s" % hana, "box", "box", hana, [("受領/図面.zip", zip_of(("zumen.scr", EICAR)))])
    c.files("box/users/%s" % kenji, "box", "box", kenji, [])
    c.files("dropbox/members/%s" % kenji, "dropbox", "dropbox", kenji, [("受信/納品書.com", EICAR)])
    c.files("dropbox/team-folders/経理", "dropbox", "dropbox", "経理", [("2026/振込先.zip", zip_of(("furikomi.js", EICAR)))])
    c.teams()
    import policy  # it builds on this module
    policy.add(c)
    c.share("microsoft/users/%s/drive/配布用/setup.zip" % hana, ["link:anonymous:view", "user:%s:write" % kenji])
    c.share("google/users/%s/drive/ダウンロード/更新プログラム.com" % yuki, ["user:%s:read" % hana])
    c.share("box/users/%s/受領/図面.zip" % hana, ["link:organization:view"])
    if extra:
        for base in ("microsoft/users/%s/drive" % hana, "google/users/%s/drive" % yuki, "box/users/%s" % hana,
                     "dropbox/members/%s" % kenji):
            copy(extra, os.path.join(folder, TENANT, base, os.path.basename(os.path.abspath(extra))))
    return c.planted


def copy(source, target):
    """Regular files only; links and devices of the user's folder stay out."""
    for root, _, names in os.walk(source):
        for name in names:
            path = os.path.join(root, name)
            if not os.path.isfile(path) or os.path.islink(path):
                continue
            out = os.path.join(target, os.path.relpath(path, source))
            os.makedirs(os.path.dirname(out), exist_ok=True)
            with open(path, "rb") as i, open(out, "wb") as o:
                while chunk := i.read(1 << 20):
                    o.write(chunk)


if __name__ == "__main__":
    import json
    import sys
    print(json.dumps(make(sys.argv[1]), ensure_ascii=False))
