// Restoring: place, labels and sharing as before, proven; a second time is nothing to do; not contained again. Also
// deletion, download, and what cannot be done.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { company, eachProvider, inScene, PLACES, suite, waitFor } from './lib.mjs'
import { usersOf } from './users.mjs'

const everybody = ['microsoft', 'google', 'box', 'dropbox']
const shared = (provider) => {
  const p = PLACES[provider]()
  return { ...company(provider), [`${p.files}/docs/threat.com.sharing.json`]: [`user:ken@aoba.example:read`, 'link:organization:view'], [`${p.shared.replace('/ken', '/ken')}/list2.txt`]: 'x', [`${p.files.replace('hana', 'ken')}/of ken.txt`]: 'ken' }
}
const without = ({ version, ...rest }) => rest

suite('restoring', () => {
  for (const serving of [false, true]) {
    eachProvider(everybody, `brings back place, labels and sharing${serving ? ', beside a running service' : ''}`, (provider) => inScene({ seed: shared(provider) }, async (s) => {
      await s.connect()
      const p = serving ? await s.serve() : undefined
      if (!serving) await s.once()
      const wanted = s.before.filter((i) => /threat/.test(i.name)).length
      await waitFor('all threats', async () => (await s.findings('--state', 'done')).length === wanted)
      const held = await s.quarantine()
      assert.equal(held.length, wanted)
      for (const f of held) {
        const r = await s.run(['quarantine', 'restore', f.id], { json: true })
        assert.equal(r.code, 0, r.stderr)
        assert.equal(JSON.parse(r.stdout).state, 'restored')
        const again = await s.run(['quarantine', 'restore', f.id])
        assert.equal(again.code, 9, again.stderr)
      }
      const state = await s.state()
      assert.deepEqual(state.map(without).sort((a, b) => (a.id < b.id ? -1 : 1)), s.before.map(without).sort((a, b) => (a.id < b.id ? -1 : 1)))
      if (p) {
        // several rounds of polling later they are still where they belong
        const n = (await s.cloud.journal()).length
        await waitFor('more polls', async () => (await s.cloud.journal(n)).length > 60)
        await p.stop()
      }
      await s.once()
      assert.deepEqual((await s.state()).map(without).filter((i) => i.quarantined), [])
      const findings = await s.findings()
      assert.deepEqual(findings.map((f) => f.action.state), Array(wanted).fill('restored'))
      const acts = (await s.events()).filter((e) => ['Restore', 'Isolate'].includes(e.activity_name))
      for (const f of findings) assert.deepEqual(acts.filter((e) => e.unmapped.finding === f.id).map((e) => e.activity_name), ['Isolate', 'Restore'])
      assert.equal(new Set(acts.map((e) => e.command_uid)).size, acts.length, 'an act has the name of another')
    }))
  }

  eachProvider(everybody, 'a changed file that is bad again is contained again', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await s.once()
    const f = (await s.findings()).find((x) => x.item.name === 'threat.com')
    assert.equal((await s.run(['quarantine', 'restore', f.id])).code, 0)
    const item = (await s.state()).find((i) => i.id === f.item.id)
    const { EICAR } = await import('./lib.mjs')
    await usersOf(s.cloud, provider).change(item, `${EICAR}\n\n\n`)
    await s.once()
    const after = (await s.state()).find((i) => i.id === f.item.id)
    assert.equal(after.quarantined, true)
  }))

  eachProvider(everybody, 'download gives an encrypted archive of the very bytes', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await s.once()
    for (const f of await s.quarantine()) {
      const out = join(s.dir, `${f.id}.zip`)
      const r = await s.run(['quarantine', 'download', f.id, '--output', out], { json: true })
      assert.equal(r.code, 0, r.stderr)
      const doc = JSON.parse(r.stdout)
      assert.equal(doc.sha256, f.item.sha256)
      assert.ok(!execFileSync('cat', [out]).includes('EICAR'))
      assert.ok(!s.log.includes(doc.password))
    }
  }))

  eachProvider(everybody, 'deleting is for good, once', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await s.once()
    const f = (await s.quarantine()).find((x) => x.item.name === 'threat.com')
    const r = await s.run(['quarantine', 'delete', f.id], { json: true })
    assert.equal(r.code, 0, r.stderr)
    assert.equal((await s.run(['quarantine', 'delete', f.id])).code, 9)
    const back = await s.run(['quarantine', 'restore', f.id])
    assert.notEqual(back.code, 0)
    assert.ok(!(await s.state()).some((i) => i.id === f.item.id && !i.quarantined))
    await s.once()
    assert.equal((await s.show(f.id)).action.state, 'deleted')
  }))

  eachProvider(everybody, 'what the user deleted meanwhile cannot come back, and that is said', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await s.once()
    assert.equal((await s.run(['quarantine', 'restore', '00000000-0000-4000-8000-000000000000'])).code, 6)
    assert.equal((await s.run(['quarantine', 'show', 'nothing'])).code, 6)
  }))
})
