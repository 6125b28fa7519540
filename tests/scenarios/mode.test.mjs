// Monitor mode changes nothing and says what it would have done; the backlog option says how far back the first run
// looks, and coverage adds up whatever it says.
import assert from 'node:assert/strict'
import { company, eachProvider, EICAR, eml, inScene, PLACES, suite } from './lib.mjs'
import { assertCoverage, planted } from './oracle.mjs'
import { usersOf } from './users.mjs'

const everybody = ['microsoft', 'google', 'box', 'dropbox']

suite('modes and backlog', () => {
  eachProvider(everybody, 'monitor finds and changes nothing', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect((e) => { e.mode = 'monitor' })
    await s.once()
    const r = await s.oracle({ contained: false })
    assert.deepEqual(r.state, s.before)
    for (const f of r.findings) assert.deepEqual([f.action.kind, f.action.state, f.action.monitor], ['quarantine', 'none', true])
    const changing = (await s.cloud.journal()).filter((q) => !['GET', 'HEAD'].includes(q.method) && q.status < 300 && !/token|\$batch|list|get_|search|\/2\/team\/|namespaces|files\/download/.test(q.path))
    assert.deepEqual(changing.map((q) => `${q.method} ${q.path}`), [])
  }))

  eachProvider(everybody, 'monitor is the default, and protect later contains what comes then', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect((e) => { delete e.mode })
    await s.once()
    await s.oracle({ contained: false })
    await s.connect()
    await usersOf(s.cloud, provider).addFile('threat afterwards.com', EICAR + ' ')
    await s.appeared('threat afterwards.com')
    await s.once()
    assert.deepEqual((await s.findings()).filter((f) => f.action.state === 'done').map((f) => f.item.name), ['threat afterwards.com'])
  }))

  for (const backlog of ['none', '30 d', 'all', undefined]) {
    eachProvider(everybody, `backlog ${backlog ?? 'by default'}`, (provider) => {
      const p = PLACES[provider]()
      const old = Date.now() - 90 * 86400000
      const mtime = Date.now() - 86400000
      const date = (t) => new Date(t).toUTCString().replace('GMT', '+0000')
      const seed = {
        [`${p.files}/old/threat of old.com`]: { content: EICAR + ' old', mtime: old },
        [`${p.files}/old/notes of old.txt`]: { content: 'old notes', mtime: old },
        [`${p.files}/new/threat of yesterday.com`]: { content: EICAR + ' new', mtime },
        [`${p.files}/new/notes of yesterday.txt`]: { content: 'new notes', mtime },
      }
      if (p.mail) {
        seed[`${p.mail}/1.eml`] = { content: eml('threat mail of old', EICAR, { date: date(old) }), mtime: old }
        seed[`${p.mail}/2.eml`] = { content: eml('threat mail of yesterday', EICAR, { date: date(mtime) }), mtime }
      }
      return inScene({ seed }, async (s) => {
        const wanted = (i) => planted(i) && (backlog === 'all' || (backlog !== 'none' && /yesterday/.test(i.name)))
        await s.connect((e) => { if (backlog) e.backlog = backlog; else delete e.backlog })
        await s.once()
        const r = await s.oracle({ threat: wanted })
        assert.deepEqual(r.findings.map((f) => f.item.name).sort(), s.before.filter(wanted).map((i) => i.name).sort())
        const sum = assertCoverage(r.status)
        assert.equal(sum.seen, sum.scanned + sum.skipped)
        assert.equal(sum.scanned, backlog === 'all' ? s.before.length : backlog === 'none' ? 0 : s.before.filter((i) => /yesterday/.test(i.name)).length)
        // what comes from now on is looked at in any case
        const users = usersOf(s.cloud, provider)
        await users.addFile('threat of now.com', EICAR + ' now')
        await s.appeared('threat of now.com')
        if (users.addMail) {
          await users.addMail(eml('threat mail of now', EICAR))
          await s.appeared('threat mail of now')
        }
        await s.once()
        await s.oracle({ threat: (i) => wanted(i) || / now/.test(i.name) })
      })
    })
  }
})
