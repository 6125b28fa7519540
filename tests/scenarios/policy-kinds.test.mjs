// Mails as strangers write them, by Exchange and Gmail to the finding: links and senders of each kind in Japanese and English and all charsets,
// with twins as real companies get them every day, which raise nothing.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { domainToASCII } from 'node:url'
import { a, docxOf, encode, mailOf, page, pdfOf, zipOf } from './kinds-lib.mjs'
import { Scene } from './lib.mjs'
import { usersOf } from './users.mjs'

const bank = 'https://www.minato-bank.co.jp/login', evil = 'https://login.evil.test/x'
const auth = 'none'
const president = (name, more = {}) => ({ name, subject: 'お願い', text: '今、手が空いていますか。', ...more })

// {id: [rule, mail]}; a sender is a stranger of its own unless it is named.
const BAD = {
  'mismatch-sjis': ['link.mismatch', { auth, subject: '重要なお知らせ', html: page(a(evil, bank), 'shift_jis'), charset: 'shift_jis' }],
  'mismatch-jis': ['link.mismatch', { auth, html: page(a(evil, `こちら ${bank} から`), 'iso-2022-jp'), charset: 'iso-2022-jp' }],
  'mismatch-euc': ['link.mismatch', { auth, html: page(a('&#104;ttps&#58;//login&#46;evil.test/', bank), 'euc-jp'), charset: 'euc-jp' }],
  'mismatch-utf16': ['link.mismatch', { auth, html: page(a(evil, bank), 'utf-16'), charset: 'utf-16' }],
  'mismatch-full-width': ['link.mismatch', { auth, html: page(a(evil, 'ｗｗｗ．ｍｉｎａｔｏ-ｂａｎｋ．ｃｏ．ｊｐ')) }],
  'mismatch-proven': ['link.mismatch', { html: page(a(evil, bank)) }],
  'punycode': ['link.lookalike', { text: `サインイン: https://${domainToASCII('аoba.example')}/login` }],
  'protected': ['link.lookalike', { html: page(a('https://rninato-bank.co.jp/', 'click here')) }],
  'hosts-file': ['link.listed', { text: 'こちら（http://hosted.test/a）から', charset: 'iso-2022-jp' }],
  'hash-prefix': ['link.listed', { text: 'https://hashed.test/' }],
  'new-host-ja': ['link.new_host', { auth, subject: 'パスワードの有効期限', html: page(`<p>パスワードの有効期限が切れます。</p>${a('https://reset.never-seen1.test/', '再設定')}`) }],
  'new-host-en': ['link.new_host', { auth, text: 'Your account has been suspended. Verify your account: https://v.never-seen2.test/' }],
  'page-attached': ['link.lookalike', { text: '添付参照', attach: { '請求書.html': page('<form action="https://a0ba.example/x"></form>') } }],
  'page-utf16': ['link.lookalike', { text: '添付参照', attach: { '請求書.html': encode(page(a('https://a0ba.example/', 'サインイン')), 'utf-16') } }],
  'calendar-attached': ['link.listed', { text: 'see', attach: { 'a.ics': 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nLOCATION:http://www.lis\r\n ted.test/x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' } }],
  'document-in-zip': ['link.listed', { text: 'see', attach: { 'a.zip': zipOf({ '資料.docx': docxOf('資料', ['http://www.listed.test/x']) }) } }],
  'pdf': ['link.lookalike', { text: 'see', attach: { 'a.pdf': pdfOf('https://a0ba.example/signin') } }],
  'president-kanji': ['sender.executive', president('代表取締役社長 青葉太郎', { charset: 'iso-2022-jp' })],
  'president-romaji': ['sender.executive', president('Tarou AOBA (CEO)')],
  'president-comma': ['sender.executive', president('Aoba, Taro')],
  'president-kana': ['sender.executive', president('社長 ｱｵﾊﾞ ﾀﾛｳ')],
  'president-hiragana': ['sender.executive', president('あおば たろう')],
  'colleague-asks': ['sender.colleague_asks', { name: '山田花子', text: '至急、お振込みをお願いします。' }],
  'forged-below': ['sender.auth_failed', { auth: 'fail', text: 'x', below: 'Authentication-Results: mx.google.com; dmarc=pass\r\nAuthentication-Results: spf=pass; dmarc=pass header.from=x\r\n' }],
  'invoice-ja': ['sender.first_payment', { text: '今月分のご請求書をお送りします。期日までにお振り込みをお願いいたします。', charset: 'shift_jis' }],
  'invoice-en': ['sender.first_payment', { text: 'Kindly process the payment of the attached invoice.' }],
}

const GOOD = {
  'newsletter': { from: 'news@shop1.example', list: 'List-Unsubscribe: <https://u.sendgrid.net/x>\r\n', html: page(a('https://u123.ct.sendgrid.net/ls/click?upn=abc', 'https://www.shop1.example/')) },
  'mailing-list': { from: 'dev@minami.example', auth: 'fail', list: 'List-Id: <dev.lists.example>\r\n', text: 'patch' },
  'forwarded': { auth: 'forwarded', text: '転送です' },
  'guarded': { auth, html: page(a('https://protect-eu.mimecast.com/s/AbCd?domain=minato-bank.co.jp', bank)) },
  'safelink': { auth, html: page(a(`https://nam01.safelinks.protection.outlook.com/?url=${encodeURIComponent(bank)}&amp;data=05`, bank)) },
  'signature': { auth, html: page(`${a('mailto:tanaka@kita.example', 'tanaka@kita.example')} ${a('http://www.kita.example/', 'https://kita.example')} ${a('https://x.com/kita', 'twitter.com/kita')} ${a('https://corp.kakaku.example/', '価格.com')}`) },
  'sharepoint': { from: 'no-reply@sharepointonline.com', name: '山田 花子', html: page(a('https://aoba-my.sharepoint.com/:x:/g/personal/hana_aoba_example/A', '開く')) },
  'place-at-service': { html: page(a('https://aoba-example.zendesk.com/hc', 'ヘルプ')) },
  'teams-meeting': { html: page(`${a('https://teams.microsoft.com/l/meetup-join/19%3ameeting_x/0', '会議に参加')} ${a('https://aka.ms/JoinTeamsMeeting', '詳細')} パスコード: aBc123`) },
  'router': { auth, text: 'ルーターの管理画面は http://192.168.1.1/ です。' },
  'known-supplier': { from: 'keiri@supplier.example', text: '請求書をお送りします。お振込先: みなと銀行 本店 普通 1234567 サプライヤ(株)。お支払いをお願いいたします。' },
  'known-private-address': { from: 'hanako@freemail.example', name: '山田 花子', text: '写真を送ります。' },
  'namesake': { name: '青葉 次郎', text: '資料を送ります。' },
  'internal': { internal: true, from: 'taro.aoba@aoba.example', name: '青葉 太郎', text: '会議は10時です。振込の件は経理へ。' },
}

for (const provider of ['microsoft', 'google']) {
  describe(`${provider}: mails of each kind`, () => {
    let s, found
    before(async () => {
      const users = `aoba/${provider}/users`, seed = {}, mtime = new Date('2026-09-01T10:00:00+09:00')
      for (const [i, from] of ['keiri@supplier.example', 'hanako@freemail.example'].entries())
        seed[`${users}/hana@aoba.example/mail/${provider === 'microsoft' ? 'Inbox' : 'INBOX'}/${i}.eml`] = { mtime,
          content: mailOf(provider, { id: `h${i}`, from, text: 'hello', date: 'Tue, 01 Sep 2026 10:00:00 +0900' }) }
      for (const who of ['taro.aoba', 'hanako.yamada']) seed[`${users}/${who}@aoba.example/drive/x.txt`] = 'x'
      seed[`aoba/${provider}/.sekisho-seed.json`] = { names: { 'taro.aoba@aoba.example': '青葉 太郎', 'hanako.yamada@aoba.example': '山田 花子' }, titles: { 'taro.aoba@aoba.example': '代表取締役社長' } }
      const dir = mkdtempSync(join(tmpdir(), 'sk-'))
      const file = (name, text) => { writeFileSync(join(dir, name), text); return join(dir, name) }
      const lists = {
        bad_hosts: [file('plain.txt', '# ours\nlisted.test\n'), file('hosts.txt', '0.0.0.0 hosted.test\n'),
          file('hashes.txt', `# format: hash-prefix\n${createHash('sha256').update('hashed.test/').digest('hex').slice(0, 16)}\n`)],
        protected_domains: [file('protected.txt', 'minato-bank.co.jp\n')],
      }
      s = await Scene.make({ seed, dir, settings: { lists } })
      await s.connect()
      await s.once()
      const hana = usersOf(s.cloud, provider)
      let n = 0
      for (const [id, m] of [...Object.entries(BAD).map(([k, v]) => [k, v[1]]), ...Object.entries(GOOD)])
        await hana.addMail(mailOf(provider, { from: `x@stranger${++n}.example`, ...m, id }))
      await s.once()
      found = (await s.findings()).map((f) => [f.item.name, f.rules.map((r) => r.id)])
    })
    after(() => s?.end())
    const of = (id) => found.filter(([name]) => name.includes(`#${id}#`)).flatMap(([, rules]) => rules)

    for (const [id, [rule]] of Object.entries(BAD)) test(`${id}: ${rule}`, () => assert.ok(of(id).includes(rule), JSON.stringify(of(id))))
    for (const id of Object.keys(GOOD)) test(`${id}: nothing`, () => assert.deepEqual(of(id), []))
    test('a private address that says nothing of note is told at low severity, once', async () => {
      await usersOf(s.cloud, provider).addMail(mailOf(provider, { id: 'private', from: 'hanako2@freemail.example', name: '山田 花子', text: '明日は休みます。' }))
      await s.once()
      const mine = (await s.findings()).filter((f) => f.item.name.includes('#private#'))
      assert.deepEqual(mine.flatMap((f) => f.rules.map((r) => [r.id, r.severity])), [['sender.colleague', 'low']])
    })
  })
}
