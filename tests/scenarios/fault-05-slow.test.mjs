// 5: a server that sends a byte a second: the others are served meanwhile, and stopping does not wait for it.
import assert from 'node:assert/strict'
import { company, eachProvider, EICAR, eml, inScene, PLACES, suite, waitFor } from './lib.mjs'

// What drips: calls that carry the tenant's token (downloads at another host carry none).
const DRIP = { microsoft: '/\\$value$', google: 'alt=media|format=raw', box: '/folders/[0-9]+/items\\?.*sha1', dropbox: '/files/download$' }

suite('5: a byte a second', () => {
  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'contents or lists drip; another tenant is served', (provider) => {
    const slow = PLACES[provider]('slow')
    const seed = { ...company(provider, 'slow'), ...company(provider, 'midori') }
    for (let i = 0; i < 20; i++) {
      seed[`${slow.files}/slow ${i}/threat ${i}.com`] = EICAR + '\n'.repeat(i)
      if (slow.mail) seed[`${slow.mail}/slow${i}.eml`] = eml(`slow ${i}`)
    }
    return inScene({ seed }, async (s) => {
      const p = await s.serve()
      // Before the connection: a quick sekisho would be through with all of it before the first drop.
      await s.cloud.faults([{ provider, tenant: 'slow', path_regex: DRIP[provider], what: 'drip', times: 0 }])
      await s.connect(undefined, [slow.id])
      await waitFor('something slow to be under way', async () => (await (await fetch(`${s.cloud.urls.control}/faults`)).json()).faults[0].hits >= 2, 60)
      await s.connect(undefined, [PLACES[provider]('midori').id])
      const wanted = s.before.filter((i) => i.tenant === 'midori' && /threat/.test(i.name)).length
      await waitFor('the other tenant to be protected', async () => (await s.findings('--tenant', 'midori', '--state', 'done')).length === wanted, 60)
      const sum = (await s.status()).connections.find((c) => c.tenant === 'slow')
      assert.ok(sum.pending > 10 || sum.seen < 20, 'nothing was slow')
      await s.cloud.clearFaults()
      const start = Date.now()
      await p.stop()
      assert.ok(Date.now() - start < 20000, 'stopping waited') // then it is ended by force
      await s.once()
      await s.oracle()
    })
  })
})
