// Where links lead, from mails and files to the finding: lists that change while nothing else does, look-alikes, shown text against
// target; each with a twin that means no harm. Nothing is fetched: the stand-in is all there is.
import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gmailOf } from '../sdk/google-lib.mjs'
import { hana, noSekisho, start } from './google-lib.mjs'
import { link, mail, rulesOf } from './policy-lib.mjs'

const base = 'aoba/google'
const from = 'x@kita.example'
const shown = 'https://www.minato-bank.co.jp/login'
const safelink = (url) => `https://nam01.safelinks.protection.outlook.com/?url=${encodeURIComponent(url)}&amp;data=05`

const mails = {
  'mismatch': { from, auth: null, html: link('https://login.evil.test/x', shown) },
  'mismatch with backslashes': { from, auth: null, html: link('https:\\\\login.evil.test\\x', 'www.minato-bank.co.jp') },
  'mismatch through a redirector': { from, auth: null, html: link(safelink('https://login.evil.test/x'), shown) },
  'the same place': { from, auth: null, html: link('https://login.minato-bank.co.jp/x', shown) },
  'the same place through a redirector': { from, auth: null, html: link(safelink(shown), shown) },
  'newsletter': { from, html: link('https://click.counter.example/1', 'www.kita.example'), more: 'List-Id: <news.kita.example>\r\n' },
  'only words': { from, auth: null, html: link('https://shop.kita.example/1', '詳細はこちら') },
  'look-alike': { from, html: link('https://minato-bank.co.jp.evil.test/', 'こちら') },
  'look-alike in Cyrillic': { from, html: link('https://aоba.example/login', 'こちら') },
  'look-alike as text': { from, text: 'サインインしてください: http://aoba-login.com/signin をご確認' },
  'real one': { from, text: 'https://www.minato-bank.co.jp/ と https://www.aoba.example/ をご覧ください' },
  'listed host': { from, text: 'http://www.listed.test/a' },
  'listed behind percent signs': { from, html: link('http://paths.test/%66older/x', 'x') },
  'listed by hash': { from, text: 'https://hashed.test/' },
  'written so that nobody can click': { from, text: 'hxxp://www.listed.test/a と listed[.]test に注意' },
  'credentials': { from, html: link('https://www.minato-bank.co.jp@203.0.113.9/', 'x') },
  'numbers': { from, auth: null, html: link('http://3405803785/login', 'x') },
  'short': { from: 'once@kita.example', auth: null, text: 'https://bit.ly/3xyz' },
}

describe('links', { skip: noSekisho }, () => {
  let s, rules, dir
  const put = (name, text, age) => {
    writeFileSync(join(dir, name), text)
    const t = Date.now() / 1000 - age
    utimesSync(join(dir, name), t, t)
  }
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sekisho-lists-'))
    put('bad.txt', '# ours\nlisted.test\npaths.test/folder/\n', 60)
    put('hashes.txt', `# format: hash-prefix\n${createHash('sha256').update('hashed.test/').digest('hex').slice(0, 16)}\n`, 60)
    put('protected.txt', 'minato-bank.co.jp\n', 60)
    const seed = {}
    for (const [i, [subject, m]] of Object.entries(mails).entries())
      seed[`${base}/users/${hana}/mail/INBOX/${i}.eml`] = mail({ subject, ...m })
    seed[`${base}/users/${hana}/drive/page.html`] = link('http://listed.test/', 'x')
    seed[`${base}/users/${hana}/drive/shortcut.url`] = '[InternetShortcut]\r\nURL=http://listed.test/\r\n'
    seed[`${base}/users/${hana}/drive/meeting.ics`] = 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDESCRIPTION:see http://lis\r\n ted.test/x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
    seed[`${base}/users/${hana}/drive/note.rtf`] = '{\\rtf1{\\field{\\*\\fldinst HYPERLINK "http://listed.test/x"}{\\fldrslt here}}}'
    seed[`${base}/users/${hana}/drive/fine.html`] = link('http://kita.example/', 'x')
    s = await start({ seed, config: `lists:\n  bad_hosts: [${join(dir, 'bad.txt')}, ${join(dir, 'hashes.txt')}]\n  protected_domains: [${join(dir, 'protected.txt')}]\n` })
    s.connect()
    s.once()
    rules = rulesOf(s.findings(), 'link.')
  })
  after(async () => {
    await s?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  const want = {
    'mismatch': 'link.mismatch', 'mismatch with backslashes': 'link.mismatch', 'mismatch through a redirector': 'link.mismatch',
    'look-alike': 'link.lookalike', 'look-alike in Cyrillic': 'link.lookalike', 'look-alike as text': 'link.lookalike',
    'listed host': 'link.listed', 'listed behind percent signs': 'link.listed', 'listed by hash': 'link.listed',
    'credentials': 'link.credentials', 'numbers': 'link.ip_address', 'short': 'link.shortener',
    'page.html': 'link.listed', 'shortcut.url': 'link.listed', 'meeting.ics': 'link.listed', 'note.rtf': 'link.listed',
  }
  for (const [name, rule] of Object.entries(want))
    test(`${name}: ${rule}`, () => assert.ok(rules[name]?.includes(rule), `${name}: ${JSON.stringify(rules[name])}`))
  for (const name of [...Object.keys(mails).filter((m) => !want[m]), 'fine.html'])
    test(`${name}: nothing`, () => assert.deepEqual(rules[name] ?? [], []))

  test('a list that changes counts for the next mail, a broken one changes nothing', async () => {
    const insert = (subject, text) => gmailOf(s.cloud, hana).users.messages.insert({ userId: 'me',
      requestBody: { labelIds: ['INBOX'], raw: Buffer.from(mail({ subject, from, text })).toString('base64url') } })
    put('bad.txt', 'listed.test\nlater.test\n', 30)
    put('hashes.txt', '<html>503 Service Unavailable</html>\nplease try again\n', 30)
    await insert('named later', 'http://later.test/')
    s.once()
    assert.deepEqual(rulesOf(s.findings(), 'link.')['named later'], ['link.listed'])
    const doctor = s.run('doctor')
    assert.match(doctor.stdout + doctor.stderr, /hashes\.txt/)
  })
})
