// Authorization by a server that nobody here has written, npm's oidc-provider: a connection by its codes and refresh tokens, and
// signing in, with PKCE wanted, iss in its answers and keys of its own. What is forged, mixed up, replayed or signed by another
// algorithm than the pinned one does not get in.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Provider from 'oidc-provider'
import { Browser, operator } from './console-lib.mjs'
import { company, inScene, PLACES, suite, waitFor } from './lib.mjs'

const SECRET = 'a-client-secret-of-the-test'

// A port that was free a moment ago.
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address()
  await new Promise((done) => server.close(done))
  return port
}

async function openProvider(alg, redirect, { port, kid = 'one' } = {}) {
  port ??= await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const pair = alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'sekisho', client_secret: SECRET, redirect_uris: [redirect], application_type: 'native', grant_types: ['authorization_code'],
      response_types: ['code'], token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: alg }],
    jwks: { keys: [{ ...pair.privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid }] },
    cookies: { keys: ['a key of the test'] },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, email: id.replace(/^mallory:/, ''), email_verified: !id.startsWith('mallory:'), name: '青葉 太郎' }) }),
  })
  const server = createServer(provider.callback()).listen(port, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  return { issuer, port, close: () => new Promise((done) => { server.close(done); server.closeAllConnections() }) }
}

// A person's browser at the provider: signs in, consents, and stops where it is sent back to us.
async function walk(url, login, stop) {
  const jar = new Map()
  const go = async (address, options = {}) => {
    const res = await fetch(address, { redirect: 'manual', ...options, headers: { Cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; '), ...options.headers } })
    for (const c of res.headers.getSetCookie()) jar.set(c.split('=')[0], c.split(';')[0].slice(c.indexOf('=') + 1))
    return res
  }
  let res = await go(url)
  for (let i = 0; i < 12; i++) {
    if (res.status >= 300 && res.status < 400) {
      url = new URL(res.headers.get('location'), url).href
      if (url.startsWith(stop)) return new URL(url)
      res = await go(url)
      continue
    }
    const html = await res.text()
    const action = /<form[^>]*action="([^"]+)"/.exec(html)?.[1]
    assert.ok(action, `${url} ${res.status}: ${html.slice(0, 300)}`)
    const prompt = /name="prompt" value="(\w+)"/.exec(html)[1]
    url = new URL(action, url).href
    res = await go(url, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(prompt === 'login' ? { prompt, login, password: 'x' } : { prompt }) })
  }
  throw new Error(`no way back from ${url}`)
}

// Dropbox with another authorization server in front: its codes and tokens are oidc-provider's, its files are fakecloud's.
async function openDropbox(s, redirect) {
  const entry = s.entry(PLACES.dropbox('aoba').id)
  const read = (name) => readFileSync(join(s.cloud.connections().dir, entry.grant[name]), 'utf8').trim()
  const behind = entry.endpoints.api
  const renewed = await fetch(`${behind}/oauth2/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token',
    refresh_token: read('refresh_token_file'), client_id: entry.grant.app_key, client_secret: read('app_secret_file') }) })
  const { access_token: real } = await renewed.json()
  assert.ok(real)
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const seen = []
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'dropbox-app', client_secret: SECRET, redirect_uris: [redirect], application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], token_endpoint_auth_method: 'client_secret_post' }],
    routes: { authorization: '/oauth2/authorize', token: '/oauth2/token' },
    cookies: { keys: ['a key of the test'] },
    pkce: { required: () => true },
    scopes: ['files.content.read', 'team_data.member'],
    issueRefreshToken: async () => true,
    rotateRefreshToken: false,
    findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  })
  // what Dropbox says beside the tokens
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.path === '/oauth2/token') seen.push({ grant: ctx.oidc?.params?.grant_type, verifier: Boolean(ctx.oidc?.params?.code_verifier), status: ctx.status })
    if (ctx.path === '/oauth2/token' && ctx.body?.access_token) ctx.body = { ...ctx.body, team_id: 'dbtid:of-the-test' }
  })
  const server = createServer(async (req, res) => {
    if (/^\/(oauth2\/(authorize|token)|interaction)/.test(req.url)) return provider.callback()(req, res)
    const token = await provider.AccessToken.find((req.headers.authorization ?? '').replace(/^Bearer /, ''))
    if (!token) return res.writeHead(401, { 'Content-Type': 'application/json' }).end('{"error_summary":"invalid_access_token/","error":{".tag":"invalid_access_token"}}')
    const chunks = []
    for await (const c of req) chunks.push(c)
    const headers = { ...req.headers, authorization: `Bearer ${real}` }
    for (const h of ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding']) delete headers[h]
    const r = await fetch(behind + req.url, { method: req.method, headers, body: chunks.length ? Buffer.concat(chunks) : undefined })
    const out = Object.fromEntries([...r.headers].filter(([k]) => !['content-encoding', 'transfer-encoding', 'connection'].includes(k)))
    res.writeHead(r.status, out).end(Buffer.from(await r.arrayBuffer()))
  }).listen(port, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  return { url: issuer, seen, close: () => { server.closeAllConnections(); server.close() } }
}

async function withProvider(alg, body, change = (s) => s) {
  await inScene({ seed: company('box') }, async (s) => {
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const op = await openProvider(alg, `${base}/callback/oidc`)
    try {
      const secret = join(s.dir, 'client-secret.txt')
      writeFileSync(secret, SECRET)
      s.configure({ console: { listen: `127.0.0.1:${port}`, public_url: base }, sign_in: [change({ id: 'other', title: 'Other', issuer: op.issuer, client_id: 'sekisho',
        client_secret_file: secret, accounts: [{ email: 'desk@aoba.example', role: 'operator' }] })] })
      const p = await s.serve()
      const admin = await operator(p)
      await body(s, admin, op, base)
      assert.ok(!s.log.includes(SECRET))
      await p.stop()
    } finally {
      op.close()
    }
  })
}

async function begin(base) {
  const b = new Browser(base)
  const res = await b.call('POST', '/api/v1/session/oidc', { provider: 'other' })
  assert.equal(res.status, 200, JSON.stringify(res.body))
  return { b, url: res.body.url, cookies: res.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ') }
}

const back = (begun, url, cookies = begun.cookies) => begun.b.call('GET', url.pathname + url.search, undefined, { Cookie: cookies })
const signedIn = async (b) => (await b.call('GET', '/api/v1/session')).status === 200
const place = (r) => new URL(r.headers.get('location')).pathname + new URL(r.headers.get('location')).hash

suite('an authorization server of others', () => {
  test('a connection by an authorization code, PKCE and refresh tokens of that server', () => inScene({ seed: company('dropbox') }, async (s) => {
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const dropbox = await openDropbox(s, `${base}/callback/dropbox`)
    try {
      writeFileSync(join(s.dir, 'app-secret.txt'), SECRET)
      s.configure({ console: { listen: `127.0.0.1:${port}`, public_url: base }, apps: { dropbox: { app_key: 'dropbox-app', app_secret_file: 'app-secret.txt',
        endpoints: { authorize: `${dropbox.url}/oauth2/authorize`, api: dropbox.url, content: dropbox.url, notify: dropbox.url } } } })
      const p = await s.serve()
      const op = await operator(p)
      await op.ok('POST', '/api/v1/tenants', { id: 'aoba', name: '青葉' })
      let f = await op.ok('POST', '/api/v1/flows', { provider: 'dropbox', method: 'oauth', tenant: 'aoba' })
      const url = await walk(f.facts?.url ?? f.url, 'admin@aoba.example', `${base}/callback`)
      const back = await op.call('GET', url.pathname + url.search)
      assert.equal(place(back), `/connect/${f.id}`)
      f = await op.ok('POST', `/api/v1/flows/${f.id}/check`, {})
      assert.equal(f.step, 'preview', JSON.stringify(f.error))
      f = await op.ok('POST', `/api/v1/flows/${f.id}/finish`, { backlog_days: null })
      await waitFor('the threats', async () => (await s.findings('--state', 'would')).length === s.before.filter((x) => /threat/.test(x.name)).length)
      // the same answer once more makes nothing, and spoils nothing
      assert.match(place(await op.call('GET', url.pathname + url.search)), /^\/problem#/)
      assert.equal((await s.connections())[0].state, 'connected')
      assert.deepEqual(dropbox.seen[0], { grant: 'authorization_code', verifier: true, status: 200 })
      assert.ok(dropbox.seen.some((x) => x.grant === 'refresh_token' && x.status === 200))
      assert.ok(!s.log.includes(SECRET))
      await p.stop()
    } finally {
      dropbox.close()
    }
  }))


  // RFC 8725: the algorithm is pinned before a token is looked at. Entra and Google sign by RS256.
  test('an ID token of another algorithm does not get in', () => withProvider('ES256', async (s, admin) => {
    const begun = await begin(admin.base)
    assert.equal(place(await back(begun, await walk(begun.url, 'op@sekisho.example', `${admin.base}/callback`))), '/problem#bad_id_token')
    assert.equal(await signedIn(begun.b), false)
  }))

  test('who has an account or is listed gets in, others do not', () => withProvider('RS256', async (s, admin, op) => {
    for (const login of ['op@sekisho.example', 'desk@aoba.example']) {
      const begun = await begin(admin.base)
      const asked = new URL(begun.url)
      assert.equal(asked.searchParams.get('code_challenge_method'), 'S256')
      assert.ok(asked.searchParams.get('nonce') && asked.searchParams.get('state'))
      const url = await walk(begun.url, login, `${admin.base}/callback`)
      assert.equal(url.searchParams.get('iss'), op.issuer)
      const r = await back(begun, url)
      assert.equal(place(r), '/', `${r.status} ${r.headers.get('location')}`)
      assert.equal((await begun.b.ok('GET', '/api/v1/session')).login, login)
      // the same answer once more
      const again = await back(begun, url)
      assert.equal(place(again), '/problem#bad_state')
    }
    for (const login of ['stranger@elsewhere.example', 'mallory:op@sekisho.example']) {
      const begun = await begin(admin.base)
      const r = await back(begun, await walk(begun.url, login, `${admin.base}/callback`))
      assert.match(place(r), /^\/problem#no_account/)
      assert.equal(await signedIn(begun.b), false)
    }
    const audit = await s.json(['audit'])
    assert.equal(audit.filter((r) => r.act === 'oidc_end' && r.phase === 'done').length, 2)
    assert.ok(audit.some((r) => r.act === 'oidc_end' && r.phase === 'failed'))
  }))

  test('13: keys changed at the provider are fetched once more, and not again for each made-up one', () => withProvider('RS256', async (s, admin, op, base) => {
    const signIn = async () => {
      const begun = await begin(admin.base)
      const r = await back(begun, await walk(begun.url, 'op@sekisho.example', `${admin.base}/callback`))
      return [place(r), await signedIn(begun.b)]
    }
    const change = async (kid) => {
      await op.close()
      Object.assign(op, await openProvider('RS256', `${base}/callback/oidc`, { port: op.port, kid }))
    }
    assert.deepEqual(await signIn(), ['/', true])
    await change('two')
    assert.deepEqual(await signIn(), ['/', true])
    // one more within the minute is not asked for: whoever makes up key ids would have us fetch all the time
    await change('three')
    assert.deepEqual(await signIn(), ['/problem#bad_id_token', false])
    // another key under a known id is no reason to trust it
    await change('two')
    assert.deepEqual(await signIn(), ['/problem#bad_id_token', false])
  }))

  test('an answer for another browser, with another issuer, state or code does not get in', () => withProvider('RS256', async (s, admin) => {
    // as it should be
    const good = await begin(admin.base)
    await back(good, await walk(good.url, 'op@sekisho.example', `${admin.base}/callback`))
    assert.equal(await signedIn(good.b), true)
    // an attacker's answer in the victim's browser
    const victim = await begin(admin.base)
    const attacker = await begin(admin.base)
    const url = await walk(attacker.url, 'op@sekisho.example', `${admin.base}/callback`)
    assert.equal(place(await back(victim, url)), '/problem#bad_state')
    // and it is spoilt for the attacker, too
    assert.match(place(await back(attacker, url)), /^\/problem#/)
    for (const change of [(u) => u.searchParams.set('iss', 'https://evil.example'), (u) => u.searchParams.delete('iss'),
      (u) => u.searchParams.set('state', 'x'.repeat(43)), (u) => u.searchParams.delete('state'), (u) => u.searchParams.set('code', 'made-up'),
      (u) => u.searchParams.append('code', 'twice')]) {
      const begun = await begin(admin.base)
      const u = await walk(begun.url, 'op@sekisho.example', `${admin.base}/callback`)
      change(u)
      assert.match(place(await back(begun, u)), /^\/problem#/)
      assert.equal(await signedIn(begun.b), false)
    }
    // without the browser's own cookie
    const begun = await begin(admin.base)
    const u = await walk(begun.url, 'op@sekisho.example', `${admin.base}/callback`)
    assert.equal(place(await back(begun, u, 'x=y')), '/problem#bad_state')
    assert.equal(await signedIn(begun.b), false)
  }))
})
