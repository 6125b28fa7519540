// What policies do to files of Box and Dropbox beside containing: a tag, the end of sharing, a notice in the place; and back.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectors, inScene, PLACES } from './lib.mjs'

const rule = (id, name, action, more = {}) => ({ id, title: { ja: id, en: id }, severity: 'high', category: 'file', mode: 'protect', action, targets: { services: ['box', 'dropbox'] }, ...more,
  when: { kind: 'file', name }, cases: [{ match: true, facts: { kind: 'file', name } }, { match: false, facts: { kind: 'file', name: 'other.txt' } }] })
const rules = [rule('t.tag', 'tag me.txt', 'tag', { tag: '社外秘' }), rule('t.unshare', 'unshare me.txt', 'unshare'), rule('t.replace', 'replace me.txt', 'replace')]
const shared = ['user:ken@aoba.example:read', 'user:guest@partner.example:read', 'link:anonymous:view']

for (const provider of ['box', 'dropbox']) {
  test(`${provider}: a policy tags, unshares and replaces, and each comes back`, { skip: connectors().includes(provider) ? false : `no connector for ${provider}` }, async () => {
    const { files } = PLACES[provider]()
    const seed = { [`${files}/tag me.txt`]: 'a', [`${files}/unshare me.txt`]: 'b', [`${files}/unshare me.txt.sharing.json`]: shared, [`${files}/replace me.txt`]: 'c',
      [`${files}/leave me.txt`]: 'd', [`${files}/leave me.txt.sharing.json`]: shared, [files.replace('hana@', 'ken@') + '/.keep']: '' }
    const policy = join(mkdtempSync(join(tmpdir(), 'sk-')), 'policy.d')
    mkdirSync(policy)
    writeFileSync(join(policy, 'acts.yaml'), JSON.stringify({ rules }))
    await inScene({ seed, settings: { policy: [policy] } }, async (s) => {
      const look = async () => Object.fromEntries((await s.state()).filter((i) => i.provider === provider).map((i) => [i.name.replace(/^[0-9a-f-]{36} /, ''), i]))
      const before = await look()
      await s.connect()
      const r = await s.run(['once'])
      assert.equal(r.code, 0, r.stderr)
      const now = await look()
      assert.deepEqual(now['tag me.txt'].labels, ['社外秘'])
      assert.deepEqual(now['unshare me.txt'].sharing.filter((x) => /anonymous|partner/.test(x)), [])
      assert.ok(now['unshare me.txt'].sharing.includes('user:ken@aoba.example:read'))
      assert.equal(now['replace me.txt'].quarantined, true)
      assert.equal(now['replace me.txt.txt'].place, before['replace me.txt'].place)
      assert.deepEqual(now['leave me.txt'], before['leave me.txt'])
      const findings = await s.findings()
      assert.deepEqual(findings.map((f) => [f.item.name, f.action.kind, f.action.state]).sort(), [['replace me.txt', 'replace', 'done'], ['tag me.txt', 'tag', 'done'], ['unshare me.txt', 'unshare', 'done']])
      for (const f of findings) {
        const back = await s.run(['quarantine', 'restore', f.id])
        assert.equal(back.code, 0, back.stderr)
      }
      const after = await look()
      for (const [name, i] of Object.entries(before)) for (const key of ['owner', 'place', 'labels', 'sharing', 'sha256', 'quarantined']) assert.deepEqual(after[name][key], i[key], `${name} ${key}`)
      assert.equal(after['replace me.txt.txt'], undefined)
    })
  })
}
