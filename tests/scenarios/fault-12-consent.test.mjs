// 12: consent is withdrawn while the service runs: one state, one event, nothing is lost, and it comes back by itself.
import assert from 'node:assert/strict'
import { company, eachProvider, EICAR, inScene, PLACES, suite, waitFor } from './lib.mjs'
import { usersOf } from './users.mjs'

const states = async (s) => Object.fromEntries((await s.connections()).map((c) => [c.id, c.state]))
const said = async (s, id) => (await s.events()).filter((e) => e.class_uid === 6003 && e.cloud.account.uid === id).map((e) => e.api.operation)

suite('12: consent', () => {
  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'is withdrawn and given back', (provider) =>
    inScene({ seed: { ...company(provider, 'aoba'), ...company(provider, 'midori') } }, async (s) => {
      const id = PLACES[provider]('aoba').id
      const other = PLACES[provider]('midori').id
      const users = usersOf(s.cloud, provider)
      await s.connect(undefined, [id, other])
      const p = await s.serve()
      await waitFor('the first threats', async () => (await s.findings('--state', 'done')).length === s.before.filter((i) => /threat/.test(i.name)).length)
      await s.cloud.revoke({ connection: id })
      await waitFor('the connection to be revoked', async () => (await states(s))[id] === 'revoked')
      assert.equal((await states(s))[other], 'connected')
      // some rounds of discovery later it is still one event
      const n = (await s.cloud.journal()).length
      await waitFor('more attempts', async () => (await s.cloud.journal(n)).filter((r) => r.tenant === 'aoba' || r.status >= 400).length > 3)
      assert.deepEqual(await said(s, id), ['connection.revoked'])
      assert.ok((await s.status()).wrong >= 1)
      await s.cloud.restoreConsent({ connection: id })
      await users.addFile('threat meanwhile.com', EICAR)
      await s.appeared('threat meanwhile.com')
      await waitFor('the connection to be back', async () => (await states(s))[id] === 'connected')
      await waitFor('what came meanwhile', async () => (await s.findings('--state', 'done')).some((f) => f.item.name === 'threat meanwhile.com'))
      assert.deepEqual(await said(s, id), ['connection.revoked', 'connection.connected'])
      assert.deepEqual(await said(s, other), [])
      await p.stop()
      await s.once()
      await s.oracle()
    }))

  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'is withdrawn before the first run, which says so and ends', (provider) => inScene({ seed: company(provider) }, async (s) => {
    const id = PLACES[provider]('aoba').id
    await s.connect()
    await s.cloud.revoke({ connection: id })
    await s.once({ code: 5 })
    assert.equal((await states(s))[id], 'revoked')
    assert.deepEqual(await said(s, id), ['connection.revoked'])
    await s.once({ code: 5 })
    assert.deepEqual(await said(s, id), ['connection.revoked'])
    await s.cloud.restoreConsent({ connection: id })
    await s.once()
    assert.deepEqual(await said(s, id), ['connection.revoked', 'connection.connected'])
    await s.oracle()
  }))
})
