// Yesterday clean, bad today: new signatures judge what was seen from its hashes, without fetching anything, and contain it
// wherever it lies; signatures that want bytes have fresh risky things fetched again; and a content found bad in one cloud is
// looked for in the others.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { emlWith, eml, inScene, PLACES, waitFor } from './lib.mjs'
import { usersOf } from './users.mjs'

const BAD = 'a tool that nobody knew yesterday, and that is known as bad today\n'
const TWIN = 'a tool that nobody knew yesterday, and that is still not known today\n'
const CONTENT = /\$value$|\/content(\?|$)|download|alt=media|format=raw/

const P = { m: PLACES.microsoft(), g: PLACES.google(), b: PLACES.box(), d: PLACES.dropbox() }

function seed(name = 'threat of tomorrow') {
  return {
    [`${P.m.mail}/1.eml`]: emlWith(name, { 'tool.bin': BAD }),
    [`${P.m.mail}/2.eml`]: emlWith('twin', { 'tool.bin': TWIN }),
    [`${P.g.mail}/1.eml`]: emlWith(name, { 'tool.bin': BAD }),
    [`${P.g.mail}/2.eml`]: eml('lunch'),
    [`${P.m.files}/${name}.bin`]: BAD,
    [`${P.m.files}/twin.bin`]: TWIN,
    [`${P.m.shared}/${name}.bin`]: BAD,
    [`${P.g.files}/${name}.bin`]: BAD,
    [`${P.g.shared}/twin.bin`]: TWIN,
    [`${P.b.files}/${name}.bin`]: BAD,
    [`${P.d.files}/${name}.bin`]: BAD,
    [`${P.d.shared}/twin.bin`]: TWIN,
  }
}

function addSignature(s, kind, text, name) {
  const digest = createHash(kind).update(text).digest('hex')
  const file = { md5: 'new.hdb', sha1: 'new.hsb', sha256: 'new.hsb' }[kind]
  writeFileSync(join(s.dir, 'signatures', file), `${digest}:${Buffer.byteLength(text)}:${name}${kind === 'md5' ? '' : ':73'}\n`, { flag: 'a' })
}

const held = async (s) => (await s.state()).filter((i) => i.quarantined).map((i) => i.name).sort()

for (const kind of ['md5', 'sha256']) {
  test(`a new ${kind} contains what was seen, everywhere, without fetching it`, () => inScene({ seed: seed(), settings: { rejudge: { fetch: '0 s' } } }, async (s) => {
    await s.connect()
    await s.once()
    assert.deepEqual((await s.findings()).filter((f) => f.verdict.status !== 'clean'), [])
    assert.deepEqual(await held(s), [])
    const since = (await s.cloud.journal()).at(-1).number
    addSignature(s, kind, BAD, 'Test.Tomorrow')
    await s.once()
    assert.equal((await held(s)).length, 7)
    await s.oracle()
    const calls = await s.cloud.journal(since)
    assert.deepEqual(calls.filter((c) => c.method === 'GET' && CONTENT.test(c.path)).map((c) => c.path), [], 'something was fetched')
    const found = await s.findings('--verdict', 'threat')
    assert.equal(found.length, 7)
      const files = found.filter((f) => !f.mail)
    for (const f of files) assert.deepEqual(f.copies.map((c) => c.id).sort(), files.filter((x) => x !== f).map((x) => x.item.id).sort())
    for (const f of found) assert.deepEqual(f.verdict.threats, [{ name: 'Test.Tomorrow.UNOFFICIAL', part: f.mail ? 'tool.bin' : '' }])
    // once more, by the same signatures: nothing is told twice
    await s.once()
    assert.equal((await s.findings('--verdict', 'threat')).length, 7)
  }))
}

test('signatures that want bytes: what is risky and fresh is fetched again, behind everything else', () => inScene({
  seed: { [`${P.b.files}/threat.html`]: '<html><body>nothing-yet-marker</body></html>', [`${P.b.files}/notes.txt`]: 'nothing-yet-marker in plain text' },
}, async (s) => {
  await s.connect()
  await s.once()
  assert.deepEqual(await s.findings(), [])
  writeFileSync(join(s.dir, 'signatures', 'new.ndb'), `Test.Bytes:0:*:${Buffer.from('<body>nothing-yet-marker').toString('hex')}\n`)
  await s.once()
  assert.deepEqual(await held(s), ['threat.html'])
  assert.match(s.log, /rejudge\.done .*fetched=1\b/)
}))

test('a running service looks again when signatures change', () => inScene({ seed: seed(), settings: { rejudge: { fetch: '0 s' } } }, async (s) => {
  await s.connect()
  const p = await s.serve()
  await waitFor('everything to be seen', async () => (await s.status()).connections.reduce((n, c) => n + c.scanned, 0) >= 12)
  addSignature(s, 'sha1', BAD, 'Test.Tomorrow')
  await waitFor('all to be contained', async () => (await held(s)).length === 7 && (await s.findings('--verdict', 'threat')).every((f) => f.action.state === 'done'), 60)
  await p.stop()
  await s.oracle()
}))

test('a content that is bad in one cloud is looked for in the others, where an older engine let it be', () => inScene({ seed: seed(), settings: { rejudge: { known: '0 s', fetch: '0 s' } } }, async (s) => {
  await s.connect()
  await s.once()
  assert.deepEqual(await held(s), [])
  addSignature(s, 'sha256', BAD, 'Test.Tomorrow')
  // It comes once more, in one place: there it is found, and its copies with it.
  await usersOf(s.cloud, 'box').addFile('threat again.bin', BAD)
  await s.appeared('threat again.bin')
  await s.once()
  // mails are other contents; every file with these bytes is held
  const names = (await held(s)).map((n) => n.replace(/^[0-9a-f-]{36} /, '')).sort()
  assert.deepEqual(names, ['threat again.bin', ...Array(5).fill('threat of tomorrow.bin')])
  assert.match(s.log, /rejudge\.copies .*items=5/)
}))

test('a rule that comes later judges what was seen, from what is recorded', () => inScene({ seed: { ...seed('plan'), [`${P.b.files}/threat plan.exe.txt`]: 'no program' }, settings: { rejudge: { fetch: '0 s' } } }, async (s) => {
  const rule = (mode) => writeFileSync(join(s.dir, 'rules.yaml'), `rules:
  - id: test.names
    title: {ja: 名前, en: Name}
    severity: high
    category: file
    mode: ${mode}
    when: {name: {glob: "threat plan*"}}
    action: quarantine
    cases:
      - {match: true, facts: {kind: file, name: threat plan.txt}}
      - {match: false, facts: {kind: file, name: plan.txt}}
`)
  await s.connect()
  await s.once()
  const early = (await s.findings()).length
  s.configure({ ...s.settings, policy: [join(s.dir, 'rules.yaml')] })
  rule('monitor')
  const since = (await s.cloud.journal()).at(-1).number
  await s.once()
  const told = (await s.findings()).filter((f) => f.rules.some((r) => r.id === 'test.names'))
  assert.deepEqual(told.map((f) => [f.item.name, f.action.kind, f.action.state]), [['threat plan.exe.txt', 'quarantine', 'none']])
  assert.equal((await s.findings()).length, early + 1, 'others were told again')
  assert.deepEqual(await held(s), [])
  rule('protect')
  await s.once()
  assert.deepEqual(await held(s), ['threat plan.exe.txt'])
  assert.deepEqual((await s.cloud.journal(since)).filter((c) => c.method === 'GET' && CONTENT.test(c.path)).map((c) => c.path), [], 'something was fetched')
  await s.once()
  // what was told is brought up to date, not told beside it
  assert.deepEqual((await s.findings()).filter((f) => f.rules.some((r) => r.id === 'test.names')).map((f) => [f.id, f.action.state]), [[told[0].id, 'done']])
}))

test('what is put on the blocked list is contained where it was seen', () => inScene({ seed: seed(), settings: { rejudge: { fetch: '0 s' } } }, async (s) => {
  await s.connect()
  await s.once()
  const since = (await s.cloud.journal()).at(-1).number
  const r = await s.run(['lists', 'add', '--tenant', 'aoba', 'blocked', 'hash', createHash('sha256').update(BAD).digest('hex')])
  assert.equal(r.code, 0, r.stderr)
  await s.once()
  assert.deepEqual((await held(s)).map((n) => n.replace(/^[0-9a-f-]{36} /, '')), Array(5).fill('threat of tomorrow.bin'))
  assert.deepEqual((await s.cloud.journal(since)).filter((c) => c.method === 'GET' && CONTENT.test(c.path)).map((c) => c.path), [], 'something was fetched')
}))
