// The console's API by itself: who may do what, answers as described, and what attackers get (faults 34, 35, 37, 38).
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { emlWith, EICAR, PLACES } from '../scenarios/lib.mjs'
import { root } from '../sdk/lib.mjs'
import { Client, http, makeAccount, makeOperator, openapi, PASSWORD, startConsole, totp, waitFor } from './lib.mjs'

const PUBLIC = new Set(['GET /sign-in', 'GET /explanations/{code}', 'POST /setup', 'POST /session', 'POST /session/totp', 'POST /session/oidc', 'POST /password', 'POST /invitations/open'])
const SESSION = new Set(['GET /session', 'DELETE /session']) // any, also an invited one

// What each operation wants, as the roles of store/rights.c know it.
const WANTS = [
  [/^(GET|PATCH) \/me$|\/me\//, 'self'],
  [/ \/accounts/, 'manage'], [/ \/invitations|\/tenants\/\{id\}\/invitations/, 'manage'],
  [/^(POST|DELETE) \/tenants\/\{id\}\/lists/, 'hold'],
  [/^(POST|PATCH|DELETE) \/tenants\/\{id\}\/(rules|policy|policies)/, 'policy'],
  [/^(POST|PATCH) \/tenants/, 'manage'],
  [/^POST \/findings|^POST \/alerts/, 'hold'],
  [/ \/providers| \/flows|^(PATCH|DELETE|POST) \/connections/, 'connect'],
  [/ \/audit/, 'audit'],
  [/ \/events/, 'everything'], // an event names its tenant inside only: for those who see all
  [/^GET /, 'read'],
]
const MAY = {
  operator: ['self', 'read', 'audit', 'hold', 'connect', 'manage', 'policy', 'everything'],
  admin: ['self', 'read', 'audit', 'hold', 'connect', 'policy'],
  desk: ['self', 'read', 'hold'],
  auditor: ['self', 'read', 'audit'],
  invited: ['connect'],
}

const operations = Object.entries(openapi.paths).flatMap(([path, ops]) => Object.keys(ops).map((m) => [m.toUpperCase(), path]))
const wanted = (method, path) => WANTS.find(([pattern]) => pattern.test(`${method} ${path}`))[1]

const p = PLACES.microsoft('aoba')
const q = PLACES.box('sora')
const MARKUP = '<img src=x onerror=alert(1)> threat <script>alert(2)</script>'
const seed = {
  [`${p.mail}/1.eml`]: emlWith('../../../../tmp/threat', { 'a.com': EICAR }),
  [`${p.mail}/3.eml`]: emlWith('=HYPERLINK("http://evil.example") threat', { 'c.com': `${EICAR}  ` }),
  [`${p.mail}/2.eml`]: emlWith(MARKUP, { 'b.com': `${EICAR} ` }),
  [`${p.files}/plan.txt`]: 'a plan',
  [`${q.files}/threat.com`]: `${EICAR}  `,
}

describe('the API', () => {
  let c, operator, people

  before(async () => {
    c = await startConsole({ seed })
    operator = await makeOperator(c)
    people = { operator }
    for (const [role, tenant] of [['admin', 'aoba'], ['desk', 'aoba'], ['auditor', 'aoba']]) people[role] = await makeAccount(c, operator, `${role}@${tenant}.example`, role, [tenant])
    people.sora = await makeAccount(c, operator, 'desk@sora.example', 'desk', ['sora'])
    const { link } = await operator.ok('POST', '/tenants/aoba/invitations', { name: 'Ken' })
    people.invited = new Client(c.url)
    await people.invited.signedIn(await people.invited.post('/invitations/open', { token: link.split('#')[1] }))
    await waitFor('four findings', async () => (await operator.get('/findings')).json.items.filter((f) => f.action.state === 'done').length === 4)
  })
  after(() => c.end())

  test('the description and the routes are the same', () => {
    const routes = readdirSync(join(root, 'web')).filter((f) => f.endsWith('.c')).flatMap((f) => [...readFileSync(join(root, 'web', f), 'utf8').matchAll(/\{"(GET|POST|PATCH|DELETE)", "\/api\/v1([^"]+)"/g)].map((m) => `${m[1]} ${m[2]}`)).sort()
    assert.ok(routes.length > 50)
    assert.deepEqual(operations.map(([m, path]) => `${m} ${path}`).sort(), routes)
  })

  test('without a session every call but signing in answers 401', async () => {
    const nobody = new Client(c.url)
    for (const [method, path] of operations) {
      if (PUBLIC.has(`${method} ${path}`)) continue
      const r = await nobody.call(method, path.replace(/\{\w+\}/g, 'x'), method === 'GET' ? undefined : {})
      assert.equal(r.status, 401, `${method} ${path}`)
      assert.equal(r.json.error.code, 'signed_out')
    }
    assert.equal((await http(`${c.url}/api/v1/nothing`)).status, 401)
    assert.equal((await http(`${c.url}/api/v1/session`, { headers: { Cookie: `__Host-sekisho=${'0'.repeat(64)}` } })).status, 401)
  })

  test('a role may what the table says, and no more', async () => {
    for (const [role, acts] of Object.entries(MAY)) {
      for (const [method, path] of operations) {
        if (PUBLIC.has(`${method} ${path}`) || SESSION.has(`${method} ${path}`)) continue
        const may = acts.includes(wanted(method, path))
        // of one's own account only reads, and of sessions one that is not there: the others would end this test's own
        if (may && method !== 'GET' && / \/me/.test(` ${path}`)) continue
        const r = await people[role].call(method, path.replace(/\{\w+\}/g, 'not-there'), method === 'GET' ? undefined : {})
        if (may) assert.ok(![401, 403].includes(r.status), `${role} ${method} ${path}: ${r.status} ${r.text}`)
        else assert.equal(r.status, 403, `${role} ${method} ${path}: ${r.status}`)
      }
    }
  })

  test('nobody sees what is another company’s', async () => {
    const all = (await operator.ok('GET', '/connections')).items
    assert.deepEqual(all.map((k) => k.tenant).sort(), ['aoba', 'sora'])
    for (const [client, own, other] of [[people.desk, 'aoba', 'sora'], [people.sora, 'sora', 'aoba']]) {
      for (const list of ['/connections', '/findings', '/tenants', '/alerts']) {
        const { items } = await client.ok('GET', list)
        assert.ok(items.every((i) => (i.tenant ?? i.id) === own), `${list} of ${own}`)
      }
      const connection = all.find((k) => k.tenant === other)
      const finding = (await operator.ok('GET', `/findings?tenant=${other}`)).items[0]
      for (const path of [`/connections/${connection.id}`, `/connections/${connection.id}/streams`, `/findings/${finding.id}`, `/tenants/${other}`]) assert.equal((await client.get(path)).status, 404, path)
      assert.equal((await client.get(`/findings?tenant=${other}`)).json.items.length, 0)
      assert.equal((await client.post(`/findings/${finding.id}/restore`)).status, 404)
      assert.equal((await client.get('/events')).status, 403)
    }
    const connection = all.find((k) => k.tenant === 'sora')
    assert.equal((await people.admin.patch(`/connections/${connection.id}`, { protect: false })).status, 404)
    assert.equal((await people.admin.del(`/connections/${connection.id}`)).status, 404)
    assert.equal((await operator.ok('GET', `/connections/${connection.id}`)).mode, 'protect')
  })

  test('34: a change needs the token of its session, and comes from our own pages', async () => {
    const good = { Cookie: operator.cookie, 'Content-Type': 'application/json' }
    const change = (headers, body = '{"name":"x"}') => http(`${c.url}/api/v1/me`, { method: 'PATCH', headers, body })
    assert.equal((await change(good)).json.error.code, 'bad_csrf')
    assert.equal((await change({ ...good, 'X-CSRF-Token': people.desk.csrf })).json.error.code, 'bad_csrf')
    assert.equal((await change({ ...good, 'X-CSRF-Token': operator.csrf, Origin: 'https://evil.example' })).json.error.code, 'bad_origin')
    assert.equal((await change({ ...good, 'X-CSRF-Token': operator.csrf, Origin: 'null' })).json.error.code, 'bad_origin')
    assert.equal((await change({ ...good, 'X-CSRF-Token': operator.csrf, 'Sec-Fetch-Site': 'cross-site' })).json.error.code, 'bad_origin')
    assert.equal((await change({ ...good, 'X-CSRF-Token': operator.csrf, 'Content-Type': 'text/plain' })).status, 415)
    // signing in as somebody else from a foreign page
    const sneak = await http(`${c.url}/api/v1/session`, { method: 'POST', headers: { 'Content-Type': 'application/json', Origin: 'https://evil.example' }, body: JSON.stringify({ login: 'op@example.jp', password: PASSWORD }) })
    assert.equal(sneak.json.error.code, 'bad_origin')
    assert.equal((await operator.ok('GET', '/me')).name, '山田 花')
    assert.equal((await change({ ...good, 'X-CSRF-Token': operator.csrf, Origin: c.url }, '{"name":"山田 花"}')).status, 200)
  })

  test('34: a name that resolves to us by a trick is refused', async () => {
    for (const host of ['evil.example', `evil.example:${new URL(c.url).port}`, '127.0.0.1', 'localhost.evil.example']) assert.equal((await http(`${c.url}/api/v1/sign-in`, { headers: { Host: host } })).status, 421, host)
    assert.equal((await http(`${c.url}/api/v1/sign-in`, { headers: { Host: `localhost:${new URL(c.url).port}` } })).status, 200)
  })

  test('34: a session begins anew at signing in, and ends at signing out', async () => {
    const fixed = new Client(c.url)
    fixed.cookie = `__Host-sekisho=${'ab'.repeat(32)}`
    const planted = fixed.cookie
    await fixed.signIn('desk@aoba.example', PASSWORD)
    assert.notEqual(fixed.cookie, planted)
    const first = fixed.cookie
    await fixed.signIn('desk@aoba.example', PASSWORD)
    assert.notEqual(fixed.cookie, first)
    const old = fixed.cookie
    await fixed.ok('DELETE', '/session')
    assert.equal(fixed.cookie, '')
    assert.equal((await http(`${c.url}/api/v1/session`, { headers: { Cookie: old } })).status, 401)
    const r = await new Client(c.url).post('/session', { login: 'desk@aoba.example', password: PASSWORD })
    const set = r.headers['set-cookie'][0]
    assert.match(set, /^__Host-sekisho=[\w-]{43,}; /)
    for (const word of ['Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax']) assert.ok(set.includes(word), set)
    assert.ok(!/Domain/i.test(set))
    assert.ok(!r.text.includes(/=([\w-]+)/.exec(set)[1]), 'the token stands in the answer')
  })

  test('sessions are listed and revoked', async () => {
    const other = await new Client(c.url, { headers: { 'User-Agent': 'a phone' } }).signIn('auditor@aoba.example', PASSWORD)
    const list = (await people.auditor.ok('GET', '/me/sessions')).items
    const theirs = list.find((s) => s.agent === 'a phone')
    assert.ok(list.some((s) => s.current))
    await people.auditor.ok('DELETE', `/me/sessions/${theirs.id}`)
    assert.equal((await other.get('/session')).status, 401)
    const mine = (await people.auditor.ok('GET', '/me/sessions')).items[0]
    assert.equal((await people.desk.del(`/me/sessions/${mine.id}`)).status, 404, 'somebody else’s session')
  })

  test('a second factor is wanted once it is on, and a code works once', async () => {
    const client = await makeAccount(c, operator, 'totp@aoba.example', 'auditor', ['aoba'])
    assert.equal((await client.post('/me/totp', { password: 'wrong wrong wrong' })).status, 403)
    const { secret, url, qr } = await client.ok('POST', '/me/totp', { password: PASSWORD })
    assert.match(url, /^otpauth:\/\/totp\//)
    assert.ok(qr.size >= 21 && /^(M\d+ \d+h\d+v1h-\d+z)+$/.test(qr.path))
    assert.equal((await client.post('/me/totp/confirm', { code: '000000' })).status, 403)
    const { recovery } = await client.ok('POST', '/me/totp/confirm', { code: totp(secret) })
    assert.equal(recovery.length, 10)
    const again = new Client(c.url)
    const { challenge } = await again.ok('POST', '/session', { login: 'totp@aoba.example', password: PASSWORD })
    assert.equal(again.cookie, '', 'a session before the second step')
    assert.equal((await again.post('/session/totp', { challenge, code: totp(secret) })).status, 403, 'the code was used')
    await again.signedIn(await again.post('/session/totp', { challenge, code: recovery[0] }))
    const third = new Client(c.url)
    const second = await third.ok('POST', '/session', { login: 'totp@aoba.example', password: PASSWORD })
    assert.equal((await third.post('/session/totp', { challenge: second.challenge, code: recovery[0] })).status, 403, 'the recovery code was used')
  })

  test('35: markup in a subject is text in the API', async () => {
    const found = (await operator.ok('GET', '/findings?search=onerror')).items
    assert.equal(found.length, 1)
    assert.equal(found[0].mail.subject, MARKUP)
    const r = await operator.get(`/findings/${found[0].id}`)
    assert.equal(r.headers['x-content-type-options'], 'nosniff')
  })

  test('36: a subject is no formula in a table', async () => {
    const r = await people.auditor.get('/findings.csv?search=hyperlink')
    assert.equal(r.status, 200)
    assert.equal(r.headers['content-disposition'], 'attachment; filename="findings.csv"')
    assert.deepEqual([...r.data.subarray(0, 3)], [0xef, 0xbb, 0xbf])
    const rows = r.text.trimEnd().split('\r\n')
    assert.equal(rows.length, 2, r.text)
    assert.ok(rows[1].includes(`"'=HYPERLINK(""http://evil.example"") threat"`), rows[1])
    assert.ok(!/(^|,)"[=+@-]/.test(rows[1]))
    assert.ok(!(await people.sora.get('/findings.csv')).text.includes('HYPERLINK'), 'another company’s findings')
  })

  test('37: line ends reach neither headers nor the log', async () => {
    for (const path of ['/api/v1/findings?next=%0d%0aX-Evil:%20yes', '/api/v1/tenants/%0d%0aX-Evil:%20yes', '/callback/dropbox?state=%0d%0aX-Evil:%20yes&error=%0d%0aX-Evil:%20yes', '/%0d%0aX-Evil:%20yes']) {
      const r = await http(c.url, { path, headers: { Cookie: operator.cookie } })
      assert.equal(r.headers['x-evil'], undefined, path)
      assert.ok(!r.raw.some((h) => /x-evil/i.test(h) && !/%0d/i.test(h)), path)
    }
    await new Client(c.url).post('/session', { login: 'x\r\n2026-01-01T00:00:00Z INFO core console.forged line=1\u001b[31m', password: 'no' })
    assert.ok(!/^2026-01-01T00:00:00Z/m.test(c.scene.log) && !c.scene.log.includes('\u001b['))
  })

  test('38: a download’s names lead nowhere', async () => {
    const [f] = (await operator.ok('GET', '/findings?search=tmp')).items
    assert.equal(f.mail.subject, '../../../../tmp/threat')
    const r = await people.desk.post(`/findings/${f.id}/download`)
    assert.equal(r.status, 200)
    assert.equal(r.headers['content-disposition'], `attachment; filename="${f.id}.zip"`)
    assert.match(r.headers['x-sekisho-password'], /^[0-9a-f]{20}$/)
    assert.ok(!r.data.includes(EICAR), 'the content is not encrypted')
    const dir = mkdtempSync(join(tmpdir(), 'sk-zip-'))
    writeFileSync(join(dir, 'a.zip'), r.data)
    const names = spawnSync('unzip', ['-Z1', join(dir, 'a.zip')], { encoding: 'utf8' }).stdout.trim().split('\n')
    rmSync(dir, { recursive: true })
    assert.deepEqual(names, ['threat.quarantined'])
    const looks = (await operator.ok('GET', `/audit?object=${f.id}`)).items.filter((a) => a.act === 'download')
    assert.deepEqual(looks.map((a) => a.phase).sort(), ['done', 'intent'], 'the look is not in the audit trail')
    assert.equal((await people.auditor.post(`/findings/${f.id}/download`)).status, 403)
  })

  test('requests have limits', async () => {
    const big = await http(`${c.url}/api/v1/session`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ login: 'x'.repeat(70000) }) })
    assert.equal(big.status, 413)
    assert.ok([414, 431].includes((await http(c.url, { path: `/${'x'.repeat(9000)}` })).status))
    assert.ok([400, 431].includes((await http(c.url, { path: '/', headers: { 'X-Long': 'x'.repeat(40000) } })).status))
    for (const method of ['PUT', 'TRACE', 'OPTIONS']) assert.ok([401, 405, 501].includes((await http(`${c.url}/api/v1/session`, { method })).status), method)
    assert.equal((await http(`${c.url}/`, { method: 'POST', headers: { Origin: c.url } })).status, 405)
    for (const path of ['/..%2f..%2fetc%2fpasswd', '/assets/../../etc/passwd', '/assets/x/%2e%2e%2f', '/api/v1/tenants/..%2f..%2fetc', '/api/v1/connections/%00']) assert.ok([404, 400].includes((await http(c.url, { path, headers: { Cookie: operator.cookie } })).status), path)
    for (const body of ['[]', '{"login":1,"login":2}', '{', '"x"']) assert.equal((await http(`${c.url}/api/v1/session`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })).status, 400, body)
    for (const query of ['limit=0', 'limit=201', 'limit=x', 'state=nonsense']) assert.equal((await operator.get(`/connections?${query}`)).status, 400, query)
  })

  test('a request that comes a byte at a time is ended', { timeout: 240000 }, async () => {
    const started = Date.now()
    await new Promise((done, failed) => {
      const s = connect(Number(new URL(c.url).port), '127.0.0.1')
      s.on('close', done).on('error', done)
      s.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
      const drip = setInterval(() => { if (s.writable) s.write('x') }, 500)
      s.on('close', () => clearInterval(drip))
      setTimeout(() => failed(new Error('still open after 120 s')), 120000).unref()
    })
    assert.ok(Date.now() - started > 15000)
    assert.equal((await http(`${c.url}/health`)).status, 200)
  })

  test('headers of every answer; HEAD; what browsers may keep', async () => {
    const page = await http(`${c.url}/`)
    assert.equal(page.status, 200)
    const asset = /\/assets\/\w+\/app\.js/.exec(page.text)[0]
    for (const path of ['/', '/sign-in', '/connections', '/connections/x', '/no-such-page', '/health', asset, '/api/v1/sign-in', '/api/v1/session', '/api/v1/openapi.json', '/callback/dropbox']) {
      const r = await http(c.url, { path })
      const csp = r.headers['content-security-policy']
      assert.ok(csp?.includes("default-src 'none'") && csp.includes("script-src 'self'") && csp.includes("frame-ancestors 'none'") && !/unsafe|\*|data: 'self'/.test(csp.replace("img-src 'self' data:", '')), `${path}: ${csp}`)
      for (const name of ['x-content-type-options', 'referrer-policy', 'permissions-policy', 'cross-origin-opener-policy', 'cross-origin-embedder-policy', 'cross-origin-resource-policy']) assert.ok(r.headers[name], `${path}: ${name}`)
      if (path.startsWith('/api/v1/s')) assert.equal(r.headers['cache-control'], 'no-store')
      const head = await http(c.url, { path, method: 'HEAD' })
      assert.deepEqual([head.status, head.headers['content-length'], head.text], [r.status, r.headers['content-length'], ''], path)
    }
    const js = await http(c.url, { path: asset })
    assert.match(js.headers['cache-control'], /immutable/)
    assert.equal((await http(c.url, { path: asset, headers: { 'If-None-Match': js.headers.etag } })).status, 304)
    assert.doesNotMatch(page.text, /<script(?![^>]* src=)|\son\w+=|style=/, 'scripts or styles inside the page')
  })

  test('the texts of errors come in the reader’s language', async () => {
    const ja = await http(`${c.url}/api/v1/session`, { headers: { 'Accept-Language': 'ja' } })
    assert.match(ja.json.error.message, /サインイン/)
    assert.match((await http(`${c.url}/api/v1/session`, { headers: { 'Accept-Language': 'en-US,en;q=0.9' } })).json.error.message, /not signed in/)
  })

  test('the last operator stays', async () => {
    const { account } = await operator.ok('GET', '/session')
    const r = await operator.patch(`/accounts/${account}`, { role: 'auditor' })
    assert.equal(r.status, 409)
    assert.equal(r.json.error.code, 'last_operator')
  })

  test('a one-time link works once', async () => {
    assert.equal((await new Client(c.url).post('/setup', { token: c.token, login: 'evil@example.jp', name: 'x', password: PASSWORD, language: 'en' })).status, 410)
    const { link } = await operator.ok('POST', '/accounts', { login: 'once@example.jp', name: 'x', role: 'auditor', tenants: ['aoba'], language: 'en' })
    assert.match(link, new RegExp(`^${c.url}/password#[\\w-]{32,}$`))
    const token = link.split('#')[1]
    assert.equal((await new Client(c.url).post('/password', { token, password: 'short' })).json.error.code, 'weak_password')
    await new Client(c.url).ok('POST', '/password', { token, password: PASSWORD })
    assert.equal((await new Client(c.url).post('/password', { token, password: PASSWORD })).status, 410)
  })

  test('an invitation that is revoked ends its session', async () => {
    const { id, link } = await operator.ok('POST', '/tenants/aoba/invitations', {})
    const guest = new Client(c.url)
    await guest.signedIn(await guest.post('/invitations/open', { token: link.split('#')[1] }))
    assert.equal((await guest.get('/flows')).status, 200)
    assert.equal((await new Client(c.url).post('/invitations/open', { token: link.split('#')[1] })).status, 410, 'opened twice')
    await operator.ok('DELETE', `/invitations/${id}`)
    assert.equal((await guest.get('/flows')).status, 401)
  })

  test('34: guessing passwords is slowed down', async () => {
    let tries = 0
    const guess = () => new Client(c.url).post('/session', { login: 'desk@sora.example', password: `guess ${tries++}` })
    await waitFor('a refusal', async () => (await guess()).status === 429, 60)
    assert.ok(tries < 20, `${tries} tries before a refusal`)
    const refused = await guess()
    assert.equal(refused.json.error.code, 'too_many')
    assert.ok(Date.parse(refused.json.error.retry_at) > Date.now())
    assert.equal((await people.sora.get('/session')).status, 200, 'who is in stays in')
  })
})

describe('behind a reverse proxy', () => {
  let c
  const headers = { Host: 'console.example.jp', 'X-Forwarded-For': '203.0.113.9, 198.51.100.7' }

  before(async () => { c = await startConsole({ seed, connect: false, settings: { console: { listen: '127.0.0.1:0', public_url: 'https://console.example.jp' } } }).catch((e) => { throw e }) })
  after(() => c?.end())

  test('links, redirects and origins are those of public_url alone', async () => {
    assert.match(c.setup, /^https:\/\/console\.example\.jp\/setup#/)
    const listen = await waitFor('the port', () => /web\.listening .*url=(\S+?)\/?\s/.exec(c.scene.log)?.[1])
    const call = (method, path, body, more = {}) => http(listen, { method, path, headers: { ...headers, 'Content-Type': 'application/json', ...more }, body: body && JSON.stringify(body) })
    assert.equal((await call('POST', '/api/v1/session', { login: 'x', password: 'y' }, { Origin: 'http://console.example.jp' })).json.error.code, 'bad_origin')
    const made = await call('POST', '/api/v1/setup', { token: c.token, login: 'op@example.jp', name: 'x', password: PASSWORD, language: 'en' }, { Origin: 'https://console.example.jp' })
    assert.equal(made.status, 200, made.text)
    const Cookie = made.headers['set-cookie'][0].split(';')[0]
    const back = await call('GET', '/callback/box?state=forged&code=x', undefined, { Cookie })
    assert.equal(back.status, 303)
    assert.equal(back.headers.location, 'https://console.example.jp/problem#bad_state')
    const sessions = (await call('GET', '/api/v1/me/sessions', undefined, { Cookie })).json.items
    assert.equal(sessions[0].address, '198.51.100.7', 'the proxy’s word counts, not the client’s')
    // a lock-out is one of an address, not of the account
    const from = (address, password) => call('POST', '/api/v1/session', { login: 'op@example.jp', password }, { 'X-Forwarded-For': address })
    await waitFor('a refusal', async () => (await from('192.0.2.66', 'wrong')).status === 429, 60)
    assert.equal((await from('192.0.2.66', PASSWORD)).status, 429)
    assert.equal((await from('192.0.2.77', PASSWORD)).status, 200, 'somebody else locked the account out')
  })
})

describe('on a UNIX socket', () => {
  test('it answers there, and takes the socket away at the end', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sk-'))
    const path = join(dir, 'console.sock')
    const { Scene } = await import('./lib.mjs')
    const scene = await Scene.make({ seed: {}, settings: { console: { listen: `unix:${path}`, public_url: 'https://console.example.jp' } } })
    const service = await scene.serve()
    const ask = () => spawnSync('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--unix-socket', path, 'http://console.example.jp/health'], { encoding: 'utf8' }).stdout
    await waitFor('an answer', () => ask() === '200')
    assert.equal(spawnSync('stat', ['-c', '%a', path], { encoding: 'utf8' }).stdout.trim(), '660')
    await service.stop()
    assert.equal(spawnSync('test', ['-e', path]).status, 1, 'the socket is left behind')
    await scene.end()
    rmSync(dir, { recursive: true })
  })
})
