// Fault 19: encrypted archives whose password is in the same mail, in the one that follows, in the one before, or nowhere (PPAP). What
// opens is judged: contained when it is bad, clean when it is not; a wrong password leaves it unknown.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gmailOf } from '../sdk/google-lib.mjs'
import { EICAR, eachProvider, inScene, PLACES, suite } from './lib.mjs'

const no7z = spawnSync('7z', ['--help']).error ? '7z is missing: ./run test installs it' : false

// A ZIP of one file, encrypted.
function locked(content, password, way = 'AES256') {
  const dir = mkdtempSync(join(tmpdir(), 'sk-zip-'))
  writeFileSync(join(dir, 'memo.txt'), content)
  const r = spawnSync('7z', ['a', '-tzip', `-p${password}`, `-mem=${way}`, 'a.zip', 'memo.txt'], { cwd: dir, encoding: 'utf8' })
  assert.equal(r.status, 0, r.stdout)
  const zip = readFileSync(join(dir, 'a.zip'))
  rmSync(dir, { recursive: true })
  return zip
}

// Bytes of a mail: head and text in this charset.
function mail({ subject, text, charset = 'utf-8', zip, from = 'sato@partner.example', to = 'hana@aoba.example', minute = 0 }) {
  const iconv = (s) => charset === 'utf-8' ? Buffer.from(s) : spawnSync('iconv', ['-f', 'utf-8', '-t', charset], { input: s }).stdout
  const head = `From: ${from}\r\nTo: ${to}\r\nSubject: =?utf-8?B?${Buffer.from(subject).toString('base64')}?=\r\n` +
    `Message-ID: <${Buffer.from(subject + minute).toString('hex')}@partner.example>\r\nDate: Sun, 22 Nov 2026 10:${String(minute).padStart(2, '0')}:00 +0000\r\n` +
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b0"\r\n\r\n--b0\r\n' +
    `Content-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n`
  const attachment = zip ? `\r\n--b0\r\nContent-Type: application/zip; name="a.zip"\r\nContent-Disposition: attachment; filename="a.zip"\r\n` +
    `Content-Transfer-Encoding: base64\r\n\r\n${zip.toString('base64').replace(/.{76}/g, '$&\r\n')}` : ''
  return Buffer.concat([Buffer.from(head), iconv(text), Buffer.from(`${attachment}\r\n--b0--\r\n`)])
}

const words = {
  ja: ['解凍パスワードは以下の通りです。\r\n\r\nXyz-99\r\n', 'utf-8'],
  jis: ['パスワード：Xyz-99\r\n', 'iso-2022-jp'],
  sjis: ['パスワードは「Xyz-99」です。\r\n', 'cp932'],
  en: ['The password is Xyz-99.\r\n', 'utf-8'],
}
const later = '添付ファイルのパスワードは別途お送りします。\r\n'

// {name: [what it must come to, its mails]}: each of a pair has a sender of its own, so that only they belong together.
function cases() {
  const out = {}
  let n = 0
  const add = (name, verdict, mails) => {
    const from = `sender${++n}@partner${n}.example`
    out[name] = { verdict, mails: mails.map((m, i) => mail({ from, minute: i, ...m, subject: `${name} ${m.subject}` })) }
  }
  for (const [kind, [text, charset]] of Object.entries(words)) {
    const way = kind === 'sjis' ? 'ZipCrypto' : 'AES256'
    add(`same ${kind} threat`, 'threat', [{ subject: 'archive', text, charset, zip: locked(EICAR, 'Xyz-99', way) }])
    add(`same ${kind} fine`, 'clean', [{ subject: 'archive', text, charset, zip: locked('10,000 yen', 'Xyz-99', way) }])
    add(`after ${kind} threat`, 'threat', [{ subject: 'archive', text: later, zip: locked(EICAR, 'Xyz-99', way) }, { subject: 'key', text, charset }])
    add(`before ${kind} fine`, 'clean', [{ subject: 'key', text, charset }, { subject: 'archive', text: later, zip: locked('10,000 yen', 'Xyz-99', way) }])
  }
  add('wrong', 'unknown', [{ subject: 'archive', text: 'password: Xyz-98', zip: locked('10,000 yen', 'Xyz-99') }])
  add('swelling', 'unknown', [{ subject: 'archive', text: 'password: Xyz-99', zip: locked(Buffer.alloc(3 << 20), 'Xyz-99') }])
  add('none', 'unknown', [{ subject: 'archive', text: later, zip: locked('10,000 yen', 'Xyz-99') }])
  return out
}

suite('fault 19: passwords', () => {
  eachProvider(no7z ? [] : ['microsoft', 'google'], 'in the same mail, the one before, the one after, or nowhere', (provider) => {
    const all = cases()
    const seed = {}
    for (const [name, c] of Object.entries(all)) c.mails.forEach((m, i) => { seed[`${PLACES[provider]().mail}/${name}-${i}.eml`] = m })
    return inScene({ seed, settings: { scan: { workers: 2 }, limits: { item: '32 MiB', in_flight: '64 MiB', part: '1 MiB', total: '16 MiB' } } }, async (s) => {
      await s.connect()
      await s.once()
      const [state, findings] = [await s.state(), await s.findings()]
      const wrong = []
      for (const [name, { verdict }] of Object.entries(all)) {
        const it = state.find((i) => i.name === `${name} archive`)
        assert.ok(it, `${name} is in the cloud`)
        const last = findings.filter((f) => f.item.id === it.id).at(-1)
        const got = last ? last.verdict.status : 'clean'
        if (got !== verdict || it.quarantined !== (verdict === 'threat')) wrong.push(`${name}: ${got} ${last?.verdict.reason ?? ''} held ${it.quarantined}; wanted ${verdict}`)
        const key = state.find((i) => i.name === `${name} key`)
        if (key && (key.quarantined || findings.some((f) => f.item.id === key.id && f.verdict.status !== 'clean'))) wrong.push(`${name}: the mail with the password was judged, too`)
      }
      assert.deepEqual(wrong, [])
      const swelling = state.find((i) => i.name === 'swelling archive').id
      assert.equal(findings.find((f) => f.item.id === swelling).verdict.reason, 'part_size_limit')
      for (const f of findings.filter((f) => f.verdict.status === 'clean' && / archive$/.test(f.item.name ?? ''))) assert.equal(f.verdict.reason, 'opened_later')
      assert.doesNotMatch(s.log, /Xyz-9/, 'no password stands in the log')
      assert.doesNotMatch(JSON.stringify(findings) + JSON.stringify(s.eventFile()), /Xyz-9/, 'nor in findings and events')
      for (const file of readdirSync(s.state_dir)) if (/^store\.db/.test(file)) assert.ok(!readFileSync(join(s.state_dir, file)).includes('Xyz-99'), `nor in ${file}`)
    })
  })

  // The finding of yesterday's judgement is brought up to date; there is no second one.
  eachProvider(no7z ? [] : ['google'], 'the password comes a run later', (provider) => {
    const place = PLACES[provider]().mail
    const pair = (n, content) => mail({ subject: `pair ${n} archive`, from: `a${n}@p${n}.example`, text: later, zip: locked(content, 'Xyz-99') })
    const key = (n, password) => mail({ subject: `pair ${n} key`, from: `a${n}@p${n}.example`, text: `PW: ${password}`, minute: 5 })
    const seed = { [`${place}/1.eml`]: pair(1, EICAR), [`${place}/2.eml`]: pair(2, '10,000 yen'), [`${place}/3.eml`]: pair(3, '10,000 yen') }
    return inScene({ seed, settings: { scan: { workers: 1 } } }, async (s) => {
      await s.connect()
      await s.once()
      const first = await s.findings()
      assert.deepEqual(first.map((f) => f.verdict.status), ['unknown', 'unknown', 'unknown'])
      const { users } = gmailOf(s.cloud, 'hana@aoba.example')
      for (const raw of [key(1, 'Xyz-99'), key(2, 'Xyz-99'), key(3, 'Xyz-98')])
        await users.messages.insert({ userId: 'me', requestBody: { raw: raw.toString('base64url'), labelIds: ['INBOX'] } })
      await s.once()
      const [second, state] = [await s.findings(), await s.state()]
      const of = (n) => second.filter((f) => f.item.id === state.find((i) => i.name === `pair ${n} archive`).id)
      assert.deepEqual([1, 2, 3].map((n) => of(n).map((f) => f.verdict.status)), [['threat'], ['clean'], ['unknown']])
      assert.equal(of(2)[0].verdict.reason, 'opened_later')
      assert.deepEqual(second.map((f) => f.id).sort(), first.map((f) => f.id).sort(), 'the same findings')
      assert.ok(state.find((i) => i.name === 'pair 1 archive').quarantined)
    })
  })
})
