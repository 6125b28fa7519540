// Who a mail pretends to come from, from Gmail to the finding: colleagues, look-alikes, authentication, first contact; each with a
// twin that means no harm.
import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { hana, ken, noSekisho, start } from './google-lib.mjs'
import { mail, rulesOf } from './policy-lib.mjs'

const base = 'aoba/google'
const pay = 'お振込先の口座が変更になりました。請求書のお支払いは新しい口座へお振込みください。'

const mails = {
  'executive outside': { name: '青葉 太郎', from: 'taro.aoba@freemail.example' },
  'executive, family name last': { name: 'Taro AOBA (CEO)', from: 'ceo@freemail.example' },
  'colleague outside': { name: '山田　花子様', from: 'hanako@freemail.example' },
  'stranger': { name: '佐藤 次郎', from: 'jiro@kita.example' },
  'written by herself': { name: '山田 花子', from: hana, to: ken, auth: null },
  'service for a colleague': { name: '山田 花子 (Google ドキュメント)', from: 'comments-noreply@docs.google.com' },
  'look-alike': { name: '経理部', from: 'keiri@аoba.example' },
  'look-alike by a digit': { name: 'Accounting', from: 'billing@a0ba.example' },
  'look-alike by a word': { name: 'Support', from: 'info@aoba-support.example' },
  'subsidiary': { name: 'Aoba Foods', from: 'info@aoba-foods.example' },
  'own domain, forged': { name: '総務', from: 'soumu@aoba.example', auth: 'spf=fail smtp.mailfrom=evil.test; dmarc=fail' },
  'dmarc failed': { from: 'x@minami.example', auth: 'dmarc=fail' },
  'dmarc passed': { from: 'x@nishi.example', auth: 'spf=pass; dmarc=pass' },
  'somebody else says pass': { from: 'y@minami.example', auth: 'spf=fail smtp.mailfrom=minami.example; dmarc=fail',
    more: 'Authentication-Results: mx.google.com; dmarc=pass header.from=minami.example\r\n' },
  'list that breaks dmarc': { from: 'dev@minami.example', auth: 'dmarc=fail', more: 'List-Id: <dev.lists.example>\r\n' },
  'first payment': { from: 'bill@higashi.example', text: pay },
  'replies elsewhere with payment': { from: 'pay@higashi.example', text: pay, more: 'Reply-To: <pay@freemail.example>\r\n' },
  'replies to a sister domain': { from: 'a@mail.kita.example', more: 'Reply-To: <b@kita.example>\r\n' },
}

describe('senders', { skip: noSekisho }, () => {
  let s, rules
  before(async () => {
    const seed = { [`${base}/.sekisho-seed.json`]: { names: { [hana]: '山田 花子', [ken]: '青葉 太郎', 'taro@aoba.example': 'Aoba Taro' },
      titles: { [ken]: '代表取締役社長', 'taro@aoba.example': 'CEO', [hana]: '営業' } } }
    seed[`${base}/users/taro@aoba.example/drive/x.txt`] = 'x'
    for (const [i, [subject, m]] of Object.entries(mails).entries())
      seed[`${base}/users/${m.to ?? hana}/mail/INBOX/${i}.eml`] = mail({ subject, ...m })
    s = await start({ seed })
    s.connect()
    s.once()
    rules = rulesOf(s.findings(), 'sender.')
  })
  after(() => s?.stop())

  const want = {
    'executive outside': 'sender.executive', 'executive, family name last': 'sender.executive', 'colleague outside': 'sender.colleague',
    'look-alike': 'sender.lookalike', 'look-alike by a digit': 'sender.lookalike', 'look-alike by a word': 'sender.lookalike',
    'own domain, forged': 'sender.auth_failed', 'dmarc failed': 'sender.auth_failed', 'somebody else says pass': 'sender.auth_failed',
    'first payment': 'sender.first_payment', 'replies elsewhere with payment': 'sender.reply_elsewhere',
  }
  for (const [subject, rule] of Object.entries(want))
    test(`${subject}: ${rule}`, () => assert.ok(rules[subject]?.includes(rule), `${subject}: ${JSON.stringify(rules[subject])}`))
  for (const subject of Object.keys(mails).filter((m) => !want[m]))
    test(`${subject}: nothing`, () => assert.deepEqual(rules[subject] ?? [], []))
})
