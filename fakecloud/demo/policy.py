"""What the demo's policies find: one thing at least of each kind, in Japanese and English, with benign twins beside them.

add(company) puts them into the seed; KINDS says which category of rules must have found something. Every rule here is in monitor mode,
as shipped: told, and nothing done. All numbers are made up and only their check digits are right.
"""
import os
import subprocess
import tempfile

from company import DOMAIN, docx, mail, pdf

KINDS = [("file", "ファイル", "files"), ("encrypted", "暗号化", "encrypted"), ("data", "情報", "data"), ("link", "リンク", "links"),
         ("sender", "差出人", "senders"), ("sharing", "共有", "sharing")]


def my_number(first):
    """Eleven digits and their check digit (Ordinance 85 of 2014, article 5)."""
    total = sum(int(d) * (n + 1 if n <= 6 else n - 5) for n, d in enumerate(reversed(first), 1))
    rest = total % 11
    return first + str(0 if rest <= 1 else 11 - rest)


def card(first):
    """Fifteen digits and their check digit (ISO/IEC 7812-1)."""
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(first))
    return first + str(-total % 10)


def locked_zip(name, data, password):
    """By 7z, which ./run demo installs, with the encryption that most mailers' archive tools write."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
        subprocess.run(["7z", "a", "-tzip", "-mem=ZipCrypto", "-p" + password, "out.zip", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "out.zip"), "rb") as f:
            return f.read()


def html_mail(number, sender, to, subject, html, headers=()):
    m = mail(number, sender, to, subject, html)
    m = m.replace(b"Content-Type: text/plain", b"Content-Type: text/html", 1)
    return b"".join(b"%s: %s\r\n" % (k.encode(), v.encode()) for k, v in headers) + m


def add(c):
    hana, kenji, yuki = ("%s@%s" % (u, DOMAIN) for u in ("hana", "kenji", "yuki"))
    exchange, gmail = "microsoft/users/%s/mail/Inbox/" % hana, "google/users/%s/mail/INBOX/" % yuki
    # files
    c.put(exchange + "20-script.eml", mail(120, "tool@vendor.example", hana, "設定手順のご案内", "添付の手順で設定してください。\n",
                                            ("設定手順.pdf.vbs", b'Set sh = CreateObject("WScript.Shell")\r\nsh.Popup "setup"\r\n')))
    c.put(exchange + "21-twin.eml", mail(121, "tool@vendor.example", hana, "設定手順.vbs について", "手順書を添付します。\n", ("設定手順.pdf", pdf("Guide"))))
    # encrypted: one that is opened by the next mail's password, one whose password nobody tells
    opened = locked_zip("議事録.docx", docx("議事録\n次回は木曜日"), "Tsubaki-2026")
    closed = locked_zip("quote.docx", docx("quotation"), "nobody-tells-it")
    c.put(exchange + "22-zip.eml", mail(122, "suzuki@partner.example", hana, "議事録の送付", "パスワードは別途お送りします。\n", ("議事録.zip", opened)))
    c.put(exchange + "23-password.eml", mail(123, "suzuki@partner.example", hana, "Re: 議事録の送付 (パスワード)", "パスワードは以下の通りです。\n\nTsubaki-2026\n"))
    c.put(gmail + "24-closed.eml", mail(124, "sales@vendor.example", yuki, "Quotation", "See the attached file.\n", ("quote.zip", closed)))
    # data
    people = [my_number("%011d" % (31415926535 + 271828 * i)) for i in range(12)]
    c.put("google/users/%s/drive/人事/年末調整.csv" % yuki,
          ("氏名,マイナンバー\n" + "".join("社員%d,%s\n" % (i, n) for i, n in enumerate(people))).encode("cp932"))
    c.put("google/users/%s/drive/人事/注文番号.csv" % yuki,
          ("品名,注文番号\n" + "".join("品%d,%012d\n" % (i, 100000000000 + i) for i in range(12))).encode("cp932"))
    c.put(gmail + "25-card.eml", mail(125, yuki, "hotel@stay.example", "予約の件", "カード番号は %s、有効期限は 12/28 です。\n" % card("411111111111111")))
    # links
    c.put(exchange + "26-link.eml", html_mail(126, "support@mail-center.example", hana, "アカウントの確認",
                                              '<p>本人確認をしてください。<a href="http://login.evil.test/bank">https://www.bank.example/</a></p>'))
    c.put(exchange + "27-twin.eml", html_mail(127, "news@shop.example", hana, "お知らせ",
                                              '<p><a href="https://www.shop.example/sale">https://www.shop.example/</a></p>'))
    # senders
    c.put(exchange + "28-sender.eml", mail(128, '"鈴木 健二" <suzuki.kenji@freemail.test>', hana, "至急 振込先変更のお願い",
                                           "お疲れ様です。振込先の口座が変更になりました。本日中に振込をお願いします。\n"))
    c.put(exchange + "29-twin.eml", mail(129, '"鈴木 健二" <%s>' % kenji, hana, "会議の時間", "明日の会議は10時からです。\n"))
    # sharing
    c.put("box/users/%s/共有/顧客カード.csv" % hana,
          ("氏名,カード番号,有効期限\n" + "".join("客%d,%s,12/28\n" % (i, card("4111%011d" % (7919 * i))) for i in range(1, 9))).encode())
    c.share("box/users/%s/共有/顧客カード.csv" % hana, ["link:anonymous:view"])
