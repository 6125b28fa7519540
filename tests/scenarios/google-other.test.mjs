// sekisho against a Google Workspace that is not fakecloud's (google-other.mjs): it depends on nothing that Google need not give.
import { afterEach, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { admin, eicar, eml, hana, ken, noSekisho, sekisho } from './google-lib.mjs'
import { startOther } from './google-other.mjs'

const company = () => ({
  [admin]: {},
  [hana]: {
    mail: { '18a': { raw: eml('bad', eicar), labels: ['INBOX', 'UNREAD'] }, '18b': { raw: eml('fine ???>>>~~') } },
    files: {
      bad: { name: 'bad.com', content: eicar, shared: [{ id: 'anyoneWithLink', type: 'anyone', role: 'reader', allowFileDiscovery: false }, { id: 'k', type: 'user', role: 'writer', emailAddress: ken }] },
      fine: { name: "it's \\fine\".txt", content: 'fine', shared: [{ id: 'k', type: 'user', role: 'writer', emailAddress: ken }] },
    },
  },
  [ken]: { mail: { 19: { raw: eml('to ken') } }, files: { kens: { name: 'k', content: '' } } },
})

let stop
afterEach(() => stop?.())

async function start(options) {
  const other = await startOther({ users: company(), ...options })
  const dir = mkdtempSync(join(tmpdir(), 'sekisho-other-'))
  stop = async () => {
    await other.stop()
    rmSync(dir, { recursive: true, force: true })
  }
  writeFileSync(join(dir, 'sa.json'), JSON.stringify(other.account), { mode: 0o600 })
  writeFileSync(join(dir, 'sekisho.yaml'), `state: ${join(dir, 'state')}\n`)
  writeFileSync(join(dir, 'c.yaml'), `connections:
  - id: other
    tenant: aoba
    provider: google
    mode: protect
    backlog: all
    services: [mail, files]
    endpoints: {token: "${other.url}/token", gmail: "${other.url}", drive: "${other.url}", directory: "${other.url}"}
    grant: {type: service_account, key_file: sa.json, subject: ${admin}}
`)
  const run = (...args) => new Promise((done) => {
    const p = spawn(sekisho, ['--config', join(dir, 'sekisho.yaml'), ...args])
    const text = { stdout: '', stderr: '' }
    for (const k of ['stdout', 'stderr']) p[k].on('data', (d) => (text[k] += d))
    p.on('close', (status) => done({ status, ...text }))
  })
  const good = async (...args) => {
    const r = await run(...args)
    assert.equal(r.status, 0, `${args}: ${r.stderr}`)
    return r.stdout
  }
  const findings = async () => (await good('findings', '--json')).split('\n').filter(Boolean).map((l) => JSON.parse(l))
  return { other, connections: join(dir, 'c.yaml'), good, findings, found: async (id) => (await findings()).find((f) => f.item.id === id) }
}

// Everything but what is dangerous, and the log of changes that follows from it.
const rest = ({ boxes }) => JSON.parse(JSON.stringify(Object.values(boxes).map(({ address, mail, files }) => ({
  address,
  mail: Object.entries(mail).filter(([id]) => id !== '18a'),
  files: Object.entries(files).filter(([id]) => id !== 'bad'),
}))))

describe('another Google Workspace', { skip: noSekisho }, () => {
  for (const [how, options] of Object.entries({
    lock: {},
    trash: { lock: false },
    'lock, sharing untouchable': { sharing: false },
    'trash, nothing about the user': { lock: false, about: false },
  }))
    test(how, async () => {
      const s = await start(options)
      const { boxes, writes } = s.other
      const before = rest(s.other)
      const was = structuredClone({ ...boxes[hana].files.bad, labels: boxes[hana].mail['18a'].labels })
      await s.good('connect', '--from', s.connections)
      assert.deepEqual(writes, [], 'connecting changes nothing')
      await s.good('once')
      const [mail, file] = [await s.found('18a'), await s.found('bad')]
      assert.equal((await s.findings()).length, 2)
      assert.deepEqual([mail.verdict.status, mail.action.state, file.verdict.status, file.action.state], ['threat', 'done', 'threat', 'done'])
      const bad = boxes[hana].files.bad
      const [label] = boxes[hana].mail['18a'].labels
      assert.deepEqual([boxes[hana].labels[label].name, boxes[hana].mail['18a'].labels.length], ['sekisho-quarantine', 1])
      assert.deepEqual([bad.restrictions.length, bad.trashed], options.lock === false ? [0, true] : [1, false])
      assert.equal(bad.permissions.length, options.sharing === false ? 3 : 1)
      assert.deepEqual(rest(s.other), before, 'nothing else is touched')
      assert.deepEqual(writes.filter((w) => !/\/messages\/18a\/|\/labels$|\/files\/bad|\/drives\?/.test(w)), [])

      for (const f of [mail, file]) await s.good('quarantine', 'restore', f.id)
      await s.good('once')
      assert.deepEqual([(await s.found('18a')).action.state, (await s.found('bad')).action.state], ['restored', 'restored'])
      assert.deepEqual(new Set(boxes[hana].mail['18a'].labels), new Set(was.labels))
      const now = boxes[hana].files.bad
      assert.deepEqual([now.trashed, now.restrictions, now.copy], [false, [], false])
      const people = (list) => list.map(({ id, ...p }) => JSON.stringify(Object.entries(p).filter(([, v]) => v !== false).sort())).sort()
      assert.deepEqual(people(now.permissions), people(was.permissions))
      assert.deepEqual(rest(s.other), before)
    })
})
