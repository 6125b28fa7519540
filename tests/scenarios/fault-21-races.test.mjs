// 21: users change or delete a file at every moment between the list and the end of its containment. Nothing is lost,
// nothing is called what it is not, and no content is contained that nobody judged.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startFakecloud } from '../sdk/lib.mjs'
import { connectors, EICAR, inScene, PLACES } from './lib.mjs'
import { assertCoverage, assertEvents } from './oracle.mjs'
import { startProxy, through } from './proxy.mjs'
import { usersOf } from './users.mjs'

const MOMENTS = Number(process.env.RACE_MOMENTS ?? 4) // per act; 1000 is each request

const acts = {
  'a threat becomes harmless': { before: EICAR, act: (u, i) => u.change(i, 'harmless now') },
  'a harmless file becomes a threat': { before: 'harmless yet', act: (u, i) => u.change(i, `${EICAR}\n`) },
  'a threat is deleted': { before: EICAR, act: (u, i) => u.remove(i) },
}

for (const provider of connectors()) {
  describe(`${provider}: at every request`, { concurrency: 3 }, async () => {
    // how many requests a run makes with such a company, and at which the file is first fetched
    const first = await startFakecloud({ seed: { [`${PLACES[provider]('t').files}/file.com`]: EICAR } })
    let total = 0
    let begin = 0
    await inScene({ cloud: first }, async (s) => {
      const proxy = await startProxy(first.urls[provider], { before: (r, n) => { if (!begin && /\/delta|changes|files\?|items\?.*sha1|list_folder/.test(r.url)) begin = n } })
      await s.connect(through(proxy, first.urls[provider]))
      const at = proxy.seen.length
      begin = 0
      await s.once()
      total = proxy.seen.length - at
      begin = Math.max(1, begin - at)
      await proxy.stop()
    })
    await first.stop()
    const step = Math.max(1, Math.round((total - begin) / MOMENTS))
    const moments = Array.from({ length: Math.ceil((total - begin + 1) / step) }, (_, i) => begin + i * step)
    const runs = moments.flatMap((m) => Object.keys(acts).map((name) => ({ m, name })))
    const seed = {}
    runs.forEach((r, i) => {
      r.tenant = `t${i}`
      seed[`${PLACES[provider](r.tenant).files}/file.com`] = acts[r.name].before
    })
    const cloud = await startFakecloud({ seed })
    after(() => cloud.stop())
    for (const { m, name, tenant } of runs) {
      test(`${name} at request ${m} of ${total}`, () => inScene({ cloud, tenant }, async (s) => {
        const users = usersOf(cloud, provider, tenant)
        const [item] = s.before
        let from = 0
        let acted
        const act = async () => { acted = acts[name].act(users, item).catch((e) => { acted.failed = e }); await acted }
        const proxy = await startProxy(cloud.urls[provider], { before: async (r, n) => { if (from && n === from + m && !acted) await act() } })
        try {
          await s.connect(through(proxy, cloud.urls[provider]), [PLACES[provider](tenant).id])
          from = proxy.seen.length
          await s.once()
          if (!acted) await act()
          await s.once()
          await s.once()
          const now = (await s.state()).find((i) => i.id === item.id)
          const findings = await s.findings()
          const mine = findings.filter((f) => f.item.id === item.id)
          const held = mine.filter((f) => f.action.state === 'done')
          if (!now) {
            assert.ok(mine.length <= 1)
          } else if (/harmless|EICAR/.test(acts[name].before) && now.sha256 !== item.sha256 && name.endsWith('a threat')) {
            assert.equal(now.quarantined, true, `a threat is left: ${JSON.stringify([now, mine])}`)
            assert.equal(held.length, 1)
          } else if (name.endsWith('harmless') && now.sha256 !== item.sha256 && now.quarantined) {
            // contained before the change came: then the ledger says so
            assert.equal(held.length, 1, JSON.stringify(mine))
          }
          if (now?.quarantined) assert.ok(held.length >= 1, `held and not in the ledger: ${JSON.stringify([now, mine])}`)
          if (now && !now.quarantined) assert.equal(held.length, 0, `in the ledger and not held: ${JSON.stringify([now, mine])}`)
          await assertEvents(s, findings, await s.events())
          const status = await s.status()
          assertCoverage(status)
          assert.equal(status.waiting.actions, 0)
        } finally {
          await proxy.stop()
        }
      }))
    }
  })
}
