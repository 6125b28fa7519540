// 2 and 3: lost cursors (Microsoft's 410 and syncStateNotFound, Gmail's 404, Dropbox's reset, Box's positions): the
// stream is listed anew, nothing that is known is found twice, and what came meanwhile is found.
import assert from 'node:assert/strict'
import { company, eachProvider, EICAR, eml, inScene, suite } from './lib.mjs'
import { usersOf } from './users.mjs'

suite('2 and 3: lost cursors', () => {
  const everybody = ['microsoft', 'google', 'box', 'dropbox']

  eachProvider(everybody, 'the cursors are lost, and a threat came meanwhile', (provider) => inScene({ seed: company(provider) }, async (s) => {
    const users = usersOf(s.cloud, provider)
    await s.connect()
    await s.once()
    const first = await s.oracle()
    await s.cloud.expireCursors({ provider })
    await users.addFile('threat of today.com', EICAR + '\n')
    await s.appeared('threat of today.com')
    if (users.addMail) {
      await users.addMail(eml('mail of today'))
      await users.addMail(eml('threat in a mail of today', EICAR))
      await s.appeared('mail of today')
      await s.appeared('threat in a mail of today')
    }
    await s.once()
    const second = await s.oracle()
    assert.equal(second.findings.length, first.findings.length + (users.addMail ? 2 : 1))
    const seen = (r) => r.status.connections[0].seen
    assert.equal(seen(second), seen(first) + (users.addMail ? 3 : 1))
    assert.ok(second.status.connections[0].repeats > first.status.connections[0].repeats, 'nothing was listed anew')
  }))

  eachProvider(everybody, 'the cursors are lost again and again, also while listing', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect((e) => { e.page_size = 1 })
    for (let i = 0; i < 3; i++) {
      await s.cloud.expireCursors({ provider })
      await s.once()
    }
    await s.oracle()
  }))

  // What came before and what was missed cannot be told apart then: both are looked at.
  eachProvider(everybody, 'with backlog none, nothing that came meanwhile is skipped', (provider) => inScene({ seed: company(provider) }, async (s) => {
    const users = usersOf(s.cloud, provider)
    await s.connect((e) => { e.backlog = 'none' })
    await s.once()
    assert.deepEqual(await s.findings(), [])
    await users.addFile('threat of today.com', EICAR + '\n')
    await s.appeared('threat of today.com')
    await s.once()
    await s.oracle({ threat: (i) => i.name === 'threat of today.com' })
    await s.cloud.expireCursors({ provider })
    await users.addFile('threat of tonight.com', EICAR + '\n\n')
    await s.appeared('threat of tonight.com')
    await s.once()
    const findings = await s.findings()
    for (const name of ['threat of today.com', 'threat of tonight.com']) {
      assert.deepEqual(findings.filter((f) => f.item.name === name).map((f) => f.action.state), ['done'], name)
    }
    await s.oracle({ ignore: (i) => !/threat of/.test(i.name) })
  }))
})
