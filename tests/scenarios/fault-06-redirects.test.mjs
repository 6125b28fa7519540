// 6: a redirect to another host: no token goes there; from https to http it is not followed at all.
import assert from 'node:assert/strict'
import http from 'node:http'
import { CALLS, company, eachProvider, inScene, PLACES, suite } from './lib.mjs'
import { makeTls, startProxy, through } from './proxy.mjs'

async function listener() {
  const seen = []
  const server = http.createServer((req, res) => {
    seen.push({ url: req.url, headers: req.headers })
    res.writeHead(200, { 'Content-Type': 'application/json' })
    res.end('{"value": [], "entries": [], "files": [], "total_count": 0}')
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return { seen, url: `http://127.0.0.1:${server.address().port}`, stop: () => { server.closeAllConnections(); server.close() } }
}

const secret = /authorization|cookie|as-user|select-(user|admin)|path-root/i

function assertNoToken(seen) {
  for (const r of seen) for (const [k, v] of Object.entries(r.headers)) assert.ok(!secret.test(k) && !/Bearer/.test(v), `${k} went to ${r.url}`)
}

const redirects = (provider, location) => ['list', 'content', 'act'].flatMap((k) => [301, 302, 307, 308].map((status) =>
  ({ provider, ...CALLS[provider][k], times: 1, what: 'redirect', status, location })))

suite('6: redirects', () => {
  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'to another host', (provider) => inScene({ seed: company(provider) }, async (s) => {
    const other = await listener()
    try {
      await s.connect()
      await s.cloud.faults(redirects(provider, `${other.url}/elsewhere`))
      await s.once()
      assertNoToken(other.seen)
      await s.oracle()
    } finally {
      other.stop()
    }
  }))

  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'to where nobody should look', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await s.cloud.faults(['file:///etc/passwd', 'gopher://127.0.0.1/', 'https://169.254.169.254/latest/meta-data', 'http://192.0.2.1/', '//', 'http://[::1', 'http://u:p@127.0.0.1/']
      .map((location) => ({ provider, ...CALLS[provider].list, times: 1, what: 'redirect', location })))
    await s.once({ code: null })
    await s.cloud.clearFaults()
    await s.once()
    await s.oracle()
  }))

  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'from https to http', (provider) => inScene({ seed: company(provider) }, async (s) => {
    const other = await listener()
    const tls = makeTls(s.dir)
    const proxy = await startProxy(s.cloud.urls[provider], { tls: { key: tls.key, cert: tls.cert } })
    try {
      s.configure({ ca_file: tls.file })
      await s.connect(through(proxy, s.cloud.urls[provider]), [PLACES[provider]().id])
      await s.cloud.faults(redirects(provider, `${other.url}/elsewhere`).map((f) => ({ ...f, status: 302 })))
      await s.once({ code: null })
      assert.deepEqual(other.seen, [], 'it followed from https to http')
      assert.ok(proxy.seen.some((r) => r.headers.authorization))
    } finally {
      await proxy.stop()
      other.stop()
    }
  }))

  eachProvider(['microsoft'], "410's Location at another host gets no token", (provider) => inScene({ seed: company(provider) }, async (s) => {
    const other = await listener()
    try {
      await s.connect()
      await s.once()
      await s.cloud.faults({ provider, path_regex: '/delta', times: 3, what: 'status', status: 410, headers: { Location: `${other.url}/v1.0/drives/x/root/delta` }, body: { error: { code: 'resyncRequired', message: 'x' } } })
      await s.once()
      assertNoToken(other.seen)
      await s.oracle()
    } finally {
      other.stop()
    }
  }))
})
