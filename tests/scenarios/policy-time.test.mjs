// Rules that ask when something came: a public holiday of Japan begins at midnight there.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eml, hana, noSekisho, start } from './google-lib.mjs'

const rule = `rules:
  - id: own.holiday
    title: {ja: 祝日のメール, en: mail on a holiday}
    severity: low
    category: file
    action: report
    when: {kind: mail, holiday: true}
    cases:
      - {match: true, facts: {kind: mail, holiday: true}}
      - {match: false, facts: {kind: mail}}
`
const mails = {
  'the evening before': ['2026-11-02T23:59:59+09:00', false],
  'the first minute': ['2026-11-02T15:00:30Z', true],
  'the last minute': ['2026-11-03T23:59:30+09:00', true],
  'the morning after': ['2026-11-03T15:00:30Z', false],
  'between two holidays': ['2026-09-22T10:00:00+09:00', true],
  'a Sunday': ['2026-11-08T10:00:00+09:00', false],
}

test('a rule asks for public holidays', { skip: noSekisho }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sekisho-rules-'))
  writeFileSync(join(dir, 'own.yaml'), rule)
  const seed = {}
  for (const [i, [subject, [mtime]]] of Object.entries(mails).entries())
    seed[`aoba/google/users/${hana}/mail/INBOX/${i}.eml`] = { content: eml(subject), mtime }
  const s = await start({ seed, config: `policy: [${dir}]\n` })
  try {
    s.connect()
    s.once()
    const found = s.findings().filter((f) => f.rules?.some((r) => r.id === 'own.holiday')).map((f) => f.mail?.subject ?? f.item.name)
    assert.deepEqual(found.sort(), Object.keys(mails).filter((m) => mails[m][1]).sort())
  } finally {
    await s.stop()
    rmSync(dir, { recursive: true, force: true })
  }
})
