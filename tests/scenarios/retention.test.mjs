// What the store forgets after its time is still known: a lost cursor lists it once more, and nothing comes of that.
import assert from 'node:assert/strict'
import { company, eachProvider, EICAR, inScene, suite, waitFor } from './lib.mjs'
import { usersOf } from './users.mjs'

suite('retention', () => {
  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'the cursors are lost after old items were forgotten', (provider) => inScene({ seed: company(provider), settings: { retention: { items: '1 s' } } }, async (s) => {
    const users = usersOf(s.cloud, provider)
    await s.connect()
    await s.once()
    const first = await s.oracle()
    const clean = first.status.connections[0].seen - first.findings.length
    assert.ok(clean >= 2)
    let p = await s.serve()
    const forgotten = () => [...s.log.matchAll(/prune\.done items=(\d+)/g)].reduce((n, m) => n + Number(m[1]), 0)
    await waitFor('old items to be forgotten', () => forgotten() >= clean, 40)
    assert.equal(forgotten(), clean, 'what has a finding stays')
    await p.stop()
    await s.cloud.expireCursors({ provider })
    await users.addFile('threat of today.com', EICAR + '\n')
    await s.appeared('threat of today.com')
    await s.once()
    const second = await s.oracle()
    assert.equal(second.findings.length, first.findings.length + 1)
    const [before, after] = [first, second].map((r) => r.status.connections[0])
    assert.equal(after.seen, before.seen + 1)
    assert.equal(after.pending, 0)
    assert.ok(after.repeats >= before.repeats + clean, 'nothing was listed anew')
    // a restore still has all that it needs
    const held = second.findings.find((f) => f.item.name !== 'threat of today.com')
    const r = await s.run(['quarantine', 'restore', held.id])
    assert.equal(r.code, 0, r.stderr)
    const back = (await s.state()).find((i) => i.id === held.item.id)
    assert.equal(back.quarantined, false)
  }))
})
