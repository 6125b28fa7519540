// 10 and 14: duplicate, unknown and case-variant keys, invalid UTF-8, \u0000 in names; entries repeated a hundred times
// and in any order; a page that links to itself. The lists pass through a proxy that changes them.
import assert from 'node:assert/strict'
import { company, eachProvider, inScene, suite, waitFor } from './lib.mjs'
import { planted } from './oracle.mjs'
import { editJson, startProxy, through } from './proxy.mjs'

const everybody = ['microsoft', 'google', 'box', 'dropbox']
const isList = { microsoft: /\/delta/, google: /\/messages\?|\/drive\/v3\/files\?|\/changes\?|\/history/, box: /\/folders\/\d+\/items\?.*sha1|\/events/, dropbox: /\/list_folder/ }
const entriesOf = (doc) => ['value', 'entries', 'files', 'messages', 'changes', 'history'].find((k) => Array.isArray(doc[k]))

async function throughProxy(s, provider, { after }, body) {
  let connected = false
  const proxy = await startProxy(s.cloud.urls[provider], { after: (req, answer) => (connected ? after(req, answer) : undefined) })
  try {
    await s.connect(through(proxy, s.cloud.urls[provider]))
    connected = true
    await body(proxy)
    assert.deepEqual(proxy.errors, [])
  } finally {
    await proxy.stop()
  }
}

const listsOnly = (provider, edit) => ({ after: editJson((doc, req) => (isList[provider].test(req.url) && entriesOf(doc) ? edit(doc, entriesOf(doc), req) : undefined)) })

suite('10 and 14: strange lists', () => {
  eachProvider(everybody, 'unknown and case-variant keys', (provider) => inScene({ seed: company(provider) }, (s) =>
    throughProxy(s, provider, listsOnly(provider, (doc, k) => {
      const odd = (o) => ({ unheard_of: { of: [1, null, { a: 'b' }] }, [k.toUpperCase()]: [], ID: 'other', Name: 'other', NAME: 7, Size: -1, cursor_: 'x', ...o, __proto__x: 1 })
      return { ...odd(doc), [k]: doc[k].map(odd) }
    }), async () => {
      await s.once()
      await s.oracle()
    })))

  eachProvider(everybody, 'duplicate keys are no answer', (provider) => {
    let left = 3
    return inScene({ seed: company(provider) }, (s) => throughProxy(s, provider, listsOnly(provider, (doc, k) => {
      if (left-- <= 0) return undefined
      const text = JSON.stringify(doc)
      return left % 2 ? `${text.slice(0, -1)},"${k}":[]}` : `{"${k}":[],${text.slice(1)}`
    }), async () => {
      await s.once()
      assert.ok(left <= 0)
      await s.oracle()
    }))
  })

  eachProvider(everybody, 'entries a hundred times, in any order', (provider) => inScene({ seed: company(provider) }, (s) =>
    throughProxy(s, provider, listsOnly(provider, (doc, k) => {
      // places in a feed must go on in their order: what is repeated is entries, not pages
      const many = Array.from({ length: 100 }, () => doc[k]).flat()
      let seed = 7
      const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648)
      if (k === 'entries' && doc.next_stream_position !== undefined) return undefined
      return { ...doc, [k]: many.map((v) => [next(), v]).sort((a, b) => a[0] - b[0]).map((p) => p[1]) }
    }), async () => {
      await s.once()
      const r = await s.oracle()
      assert.ok(['google', 'microsoft'].includes(provider) || r.status.connections[0].repeats > 50)
    })))

  const names = { 'a NUL': 'thr\u0000eat.com', 'a lone surrogate': '\ud800threat.com', 'control characters': 'thre\u001b[31mat\r\n.com', 'right-to-left override': 'threat\u202emoc.exe' }
  for (const [what, name] of Object.entries(names)) {
    eachProvider(everybody, `${what} in a name`, (provider) => inScene({ seed: company(provider) }, (s) =>
      throughProxy(s, provider, listsOnly(provider, (doc) => JSON.parse(JSON.stringify(doc), (k, v) => (v === 'threat.com' && /^name$/i.test(k) ? name : v))), async () => {
        await s.once({ code: null })
        await s.once()
        const f = await s.findings()
        const want = s.before.filter(planted)
        assert.deepEqual(f.map((x) => [x.item.id, x.action.state]).sort(), want.map((i) => [i.id, 'done']).sort())
        const screen = await s.run(['findings'])
        assert.doesNotMatch(screen.stdout, /[\u0000-\u0008\u000b-\u001f\u202e]/)
        await s.oracle()
      })))
  }

  eachProvider(everybody, 'bytes that are no UTF-8 in a name', (provider) => inScene({ seed: company(provider) }, (s) =>
    throughProxy(s, provider, { after: (req, answer) => {
      const text = answer.body.toString('latin1')
      if (!isList[provider].test(req.url) || !text.includes('threat.com')) return undefined
      return { ...answer, body: Buffer.from(text.replaceAll('"threat.com"', '"thr\xff\xfe\xc3eat.com"'), 'latin1') }
    } }, async () => {
      await s.once()
      await s.oracle()
    })))

  eachProvider(everybody, 'a page that links to itself ends, and is an error', (provider) => {
    let on = true
    return inScene({ seed: company(provider), settings: { poll: { fast: '1 s', slow: '2 s', discover: '30 s' } } }, (s) => throughProxy(s, provider, listsOnly(provider, (doc, k, req) => {
      if (!on) return undefined
      if (provider === 'microsoft') return { ...doc, '@odata.nextLink': `http://${req.headers.host}${req.url}`, '@odata.deltaLink': undefined }
      const token = new URL(`http://x${req.url}`).searchParams.get('pageToken')
      if (provider === 'google') return token ? { ...doc, nextPageToken: token, newStartPageToken: undefined } : { ...doc, nextPageToken: '1' }
      if (provider === 'dropbox') return { ...doc, has_more: true, cursor: JSON.parse(req.body.toString() || '{}').cursor ?? doc.cursor }
      return doc.next_stream_position ? undefined : { ...doc, total_count: 100000 }
    }), async (proxy) => {
      const p = await s.serve()
      await waitFor('the feed to be seen through', async () => proxy.seen.length > 1000 || (await s.status()).streams.some((x) => /bad_answer|page_loop|cursor_lost/.test(x.error)) || (provider === 'box' && (await s.findings('--state', 'done')).length === 2))
      const first = proxy.seen.length
      await new Promise((done) => setTimeout(done, 2000))
      assert.ok(proxy.seen.length - first < 400, `${proxy.seen.length - first} requests in two seconds`)
      on = false
      await p.stop()
      await s.once()
      await s.oracle()
    }))
  })
})
