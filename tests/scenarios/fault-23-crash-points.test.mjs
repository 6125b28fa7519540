// 23: core is killed at each step of an item's way; the next run finishes what was begun. The names are those in the
// source, so that a new crash point is tested as soon as it is there.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { root, startFakecloud } from '../sdk/lib.mjs'
import { company, connectors, inScene } from './lib.mjs'

const points = readdirSync(join(root, 'core')).filter((f) => f.endsWith('.c'))
  .flatMap((f) => [...readFileSync(join(root, 'core', f), 'utf8').matchAll(/crash_point\("([\w.]+)"\)/g)].map((m) => m[1]))
const way = points.filter((p) => !p.startsWith('restore.'))

describe('core is killed', { concurrency: 2 }, async () => {
  const tenant = (i) => `t${i}`
  const runs = way.flatMap((p) => (p.startsWith('action.') ? [`${p}:1`, `${p}:3`] : [`${p}:2`]))
  const seed = {}
  runs.forEach((_, i) => connectors().forEach((p) => Object.assign(seed, company(p, tenant(i)))))
  const cloud = await startFakecloud({ seed })
  after(() => cloud.stop())
  runs.forEach((point, i) => test(`at ${point}`, () => inScene({ cloud, tenant: tenant(i) }, async (s) => {
    await s.connect()
    const killed = await s.once({ env: { SEKISHO_CRASH: point }, code: null })
    assert.notEqual(killed.code, 0, `${point} was not passed: ${killed.stderr}`)
    await s.once()
    await s.oracle()
  })))

  test('there are crash points', () => assert.ok(way.length >= 12 && points.length > way.length))
})

describe('core is killed while it restores', { concurrency: 2 }, async () => {
  for (const provider of connectors()) {
    const p = Object.keys(company(provider))
    assert.ok(p.length)
    for (const point of points.filter((x) => x.startsWith('restore.') || x === 'action.observed' || x === 'action.done')) {
      test(`${provider}: at ${point}`, () => inScene({ seed: company(provider) }, async (s) => {
        await s.connect()
        await s.once()
        const [f] = (await s.findings()).filter((x) => x.item.name === 'threat.com')
        const first = await s.run(['quarantine', 'restore', f.id], { env: { SEKISHO_CRASH: `${point}:1` } })
        assert.notEqual(first.code, 0, first.stdout)
        await s.once()
        const again = await s.run(['quarantine', 'restore', f.id])
        assert.equal(again.code, 9, again.stderr)
        const held = (await s.state()).find((i) => i.id === f.item.id)
        const before = s.before.find((i) => i.id === f.item.id)
        assert.deepEqual({ ...held, version: 0 }, { ...before, version: 0 })
        const events = (await s.events()).filter((e) => e.activity_name === 'Restore')
        assert.equal(events.length, 1)
        await s.once()
        assert.equal((await s.show(f.id)).action.state, 'restored')
        assert.equal((await s.findings()).length, 2 + (s.before.some((i) => i.service === 'exchange' || i.service === 'gmail') ? 1 : 0))
      }))
    }
  }
})
