// 14: feeds that repeat and reorder what they bring, a page that leads to itself, a batch of which a part fails. Nothing
// is found twice, nothing is lost, and no service turns in circles.
import assert from 'node:assert/strict'
import { company, eachProvider, EICAR, inScene, suite, waitFor } from './lib.mjs'
import { editJson, startProxy, through } from './proxy.mjs'
import { usersOf } from './users.mjs'

// Where a list's entries are, by provider, in answers of feeds and listings of things (not of users or drives).
const LISTS = {
  microsoft: { path: /\/delta/, entries: 'value' },
  google: { path: /\/messages\?|\/drive\/v3\/files\?|\/drive\/v3\/changes\?|\/history/, entries: ['messages', 'files', 'changes', 'history'] },
  box: { path: /\/items\?|\/events\?/, entries: 'entries' },
  dropbox: { path: /\/list_folder/, entries: 'entries' },
}
const everybody = Object.keys(LISTS)

function edited(provider, change) {
  const { path, entries } = LISTS[provider]
  let changed = 0
  const edit = editJson((doc, req) => {
    if (!path.test(req.url)) return undefined
    for (const key of [entries].flat()) {
      if (!Array.isArray(doc[key]) || !doc[key].length) continue
      doc[key] = change(doc[key])
      changed++
    }
    return doc
  })
  return { after: edit, changed: () => changed }
}

async function behind(s, provider, hooks, body) {
  const proxy = await startProxy(s.cloud.urls[provider], hooks)
  try {
    await s.connect(through(proxy, s.cloud.urls[provider]))
    await body(proxy)
  } finally {
    await s.stopAll()
    await proxy.stop()
  }
}

suite('14: feeds', () => {
  eachProvider(everybody, 'everything comes a hundred times, in any order', (provider) => inScene({ seed: company(provider) }, async (s) => {
    const users = usersOf(s.cloud, provider)
    let n = 0
    const hooks = edited(provider, (list) => Array.from({ length: 100 }, () => list).flat()
      .map((e) => [((n++ * 7919) % 1000003), e]).sort((a, b) => a[0] - b[0]).map(([, e]) => e))
    await behind(s, provider, hooks, async () => {
      await s.once()
      await users.addFile('threat of today.com', EICAR + '\n')
      await s.appeared('threat of today.com')
      await s.once()
      assert.ok(hooks.changed() >= 2)
      const r = await s.oracle()
      assert.ok(r.status.connections[0].repeats > 0)
      assert.equal(r.status.connections[0].seen, s.before.length)
    })
  }))

  // The cursor that a page gives is the one that it was asked with, for a while.
  eachProvider(['microsoft', 'google', 'dropbox'], 'a page that leads to itself', (provider) => inScene({ seed: company(provider), settings: { poll: { fast: '200 ms', slow: '400 ms', discover: '30 s' } } }, async (s) => {
    const users = usersOf(s.cloud, provider)
    let turns = 0
    let circle = false
    const edit = editJson((doc, req) => {
      if (!circle || !LISTS[provider].path.test(req.url)) return undefined
      if (provider === 'microsoft') {
        delete doc['@odata.deltaLink']
        doc['@odata.nextLink'] = `${proxyUrl()}${req.url}`
      } else if (provider === 'google') {
        const at = new URL(req.url, 'http://x').searchParams.get('pageToken')
        if (!at) return undefined
        delete doc.newStartPageToken
        doc.nextPageToken = at
      } else {
        if (!/continue/.test(req.url)) return undefined
        doc.cursor = JSON.parse(req.body.toString()).cursor
        doc.has_more = true
      }
      turns++
      return doc
    })
    let proxyUrl
    await behind(s, provider, { after: edit }, async (proxy) => {
      proxyUrl = () => proxy.url
      const p = await s.serve()
      await waitFor('the first threats', async () => (await s.findings('--state', 'done')).length === s.before.filter((i) => /threat/.test(i.name)).length)
      circle = true
      await users.addFile('threat of today.com', EICAR + '\n')
      await s.appeared('threat of today.com')
      await waitFor('the circle to be seen', async () => /over and over|does not move on/.test(p.stderr))
      const asked = turns
      await new Promise((done) => setTimeout(done, 1000))
      assert.ok(turns - asked < 200, `${turns - asked} requests in a second`)
      circle = false
      await waitFor('the threat to be contained', async () => (await s.findings('--state', 'done')).some((f) => f.item.name === 'threat of today.com'), 60)
      await p.stop()
      await s.once()
      await s.oracle()
    })
  }))

  eachProvider(['microsoft'], 'a batch of which a part fails', (provider) => inScene({ seed: company(provider) }, async (s) => {
    let failed = 0
    const edit = editJson((doc, req) => {
      if (/\/delta/.test(req.url)) {
        // as OneDrive for work does: no cTag in the feed, so that it is asked for in batches
        for (const e of doc.value ?? []) delete e.cTag
        return doc
      }
      if (!/\/\$batch$/.test(req.url) || failed >= 3) return undefined
      failed++
      doc.responses = doc.responses.map((r, i) => (i % 2 ? r : { id: r.id, status: 429, headers: { 'Retry-After': '1' }, body: { error: { code: 'tooManyRequests', message: 'later' } } }))
      return doc
    })
    await behind(s, provider, { after: edit }, async () => {
      await s.once()
      assert.ok(failed >= 1, 'no batch was asked')
      await s.oracle()
    })
  }))
})
