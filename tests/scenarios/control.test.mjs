// fakecloud's own side: its options, how it speaks HTTP, and the control address. Dropbox is the provider that is asked.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeSeed, readConnection, root, startFakecloud } from '../sdk/lib.mjs'

const binary = process.env.FAKECLOUD ?? join(root, 'build/fakecloud')
const seed = {
  'aoba/dropbox/members/admin@aoba.example/a.txt': { content: 'hello', mtime: '2026-11-01T00:00:00Z' },
  'aoba/dropbox/members/admin@aoba.example/a.txt.sharing.json': ['link:organization:edit', 'user:someone@elsewhere.example:read'],
  'aoba/dropbox/team-folders/Sekisho-Quarantine-1/in/b.txt': 'held',
  'midori/dropbox/members/admin@midori.example/c.txt': 'other',
}

let cloud
before(async () => { cloud = await startFakecloud({ seed }) })
after(() => cloud?.stop())

const grantOf = (c, tenant) => {
  const connections = c.connections()
  const { grant } = readConnection(connections, `${tenant}-dropbox`)
  return { client_id: grant.app_key, client_secret: connections.read(grant.app_secret_file), refresh_token: connections.read(grant.refresh_token_file) }
}
const tokenOf = async (c, tenant = 'aoba') => {
  const answer = await fetch(`${c.urls.dropbox}/oauth2/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', ...grantOf(c, tenant) }) })
  return { status: answer.status, ...(await answer.json()) }
}
const ask = (c, route, arg, token, headers = {}) => fetch(`${c.urls.dropbox}/2/${route}`, {
  method: 'POST',
  headers: { Authorization: `Bearer ${token}`, ...(arg !== undefined && { 'Content-Type': 'application/json' }), ...headers },
  body: arg === undefined ? undefined : JSON.stringify(arg),
})
// One request over a socket of its own: everything that came back, and how it ended.
const raw = (url, text) => new Promise((done) => {
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  const chunks = []
  socket.on('data', (c) => chunks.push(c))
  socket.on('error', (e) => done({ text: Buffer.concat(chunks).toString(), error: e.code }))
  socket.on('close', () => done({ text: Buffer.concat(chunks).toString() }))
  socket.write(text)
})

describe('the program', () => {
  it('explains itself and refuses wrong usage', () => {
    const run = (...args) => spawnSync(binary, args, { encoding: 'utf8', timeout: 10000 })
    const help = run('--help')
    assert.equal(help.status, 0)
    for (const option of ['--seed', '--ports-file', '--connections', '--latency', '--rate']) assert.match(help.stdout, new RegExp(option))
    assert.equal(run().status, 2)
    assert.equal(run('--seed', tmpdir(), '--rate', 'many').status, 2)
    assert.equal(run('--seed', tmpdir(), 'more').status, 2)
    const missing = run('--seed', '/nonexistent')
    assert.equal(missing.status, 1)
    assert.match(missing.stderr, /\/nonexistent/)
  })

  it('writes its addresses and the connections file, and ends at once', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fakecloud-ports-'))
    const own = await startFakecloud({ seed, args: ['--ports-file', join(dir, 'ports.json')] })
    assert.deepEqual(JSON.parse(readFileSync(join(dir, 'ports.json'), 'utf8')), own.urls)
    assert.deepEqual(Object.keys(own.urls), ['microsoft', 'google', 'box', 'dropbox', 'control'])
    for (const url of Object.values(own.urls)) assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
    const { file, text } = own.connections()
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.match(text, /^connections:\n/)
    const entry = readConnection(own.connections(), 'aoba-dropbox')
    assert.deepEqual([entry.tenant, entry.provider, entry.mode, entry.backlog, entry.endpoints.api], ['aoba', 'dropbox', 'protect', 'all', own.urls.dropbox])
    const start = Date.now()
    assert.deepEqual(await own.stop(), { code: 0, signal: null })
    assert.ok(Date.now() - start < 30000)
    rmSync(dir, { recursive: true })
  })

  it('gives the same ids at every start', async () => {
    const dir = makeSeed(seed)
    const facts = async () => {
      const own = await startFakecloud({ seed: dir })
      try {
        return await own.state()
      } finally {
        await own.stop()
      }
    }
    assert.deepEqual(await facts(), await facts())
    rmSync(dir, { recursive: true })
  })

  it('delays by --latency and limits by --rate', async () => {
    const slow = await startFakecloud({ seed, args: ['--latency', '150', '--rate', '3'] })
    try {
      const start = Date.now()
      const { access_token: token } = await tokenOf(slow)
      assert.ok(Date.now() - start >= 150)
      const other = (await tokenOf(slow, 'midori')).access_token
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(slow, 'team/get_info', undefined, token)))
      const refused = answers.filter((a) => a.status === 429)
      assert.ok(refused.length >= 4 && refused.length <= 5)
      assert.ok(Number(refused[0].headers.get('retry-after')) >= 1)
      assert.equal((await ask(slow, 'team/get_info', undefined, other)).status, 200)
    } finally {
      await slow.stop()
    }
  })
})

describe('HTTP', () => {
  it('keeps connections, closes on request, takes chunked bodies and continues', async () => {
    const { access_token: token } = await tokenOf(cloud)
    const host = new URL(cloud.urls.dropbox).host
    const head = `POST /2/team/get_info HTTP/1.1\r\nHost: ${host}\r\naUTHORIZATION: Bearer ${token}\r\n`
    const both = await raw(cloud.urls.dropbox, `${head}Content-Length: 0\r\n\r\n${head}Connection: close\r\nContent-Length: 0\r\n\r\n`)
    assert.equal(both.text.match(/HTTP\/1\.1 200 OK/g).length, 2)
    const chunked = await raw(cloud.urls.dropbox, `${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nnu\r\n2\r\nll\r\n0\r\n\r\n`)
    assert.match(chunked.text, /^HTTP\/1\.1 200 OK/)
    const patient = await raw(cloud.urls.dropbox, `${head}Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnull`)
    assert.match(patient.text, /200 OK/)
    assert.doesNotMatch((await raw(cloud.urls.dropbox, 'nonsense\r\n\r\n')).text, /200 OK/)
  })

  it('takes contents of gigabytes, and sends ranges', async () => {
    const dir = makeSeed(seed)
    const big = join(dir, 'aoba/dropbox/members/admin@aoba.example/big.paper')
    writeFileSync(big, '')
    truncateSync(big, 3 * 2 ** 30 + 5)
    // The name makes it a document without content hash, so that listing does not read three gigabytes.
    const own = await startFakecloud({ seed: dir })
    try {
      const { access_token: token } = await tokenOf(own)
      const [member] = (await (await ask(own, 'team/members/list_v2', {}, token)).json()).members
      const user = { 'Dropbox-API-Select-User': member.profile.team_member_id }
      const small = (range) => fetch(`${own.urls.dropbox}/2/files/download`, { method: 'POST', headers: { Authorization: `Bearer ${token}`, ...user, 'Dropbox-API-Arg': '{"path":"/a.txt"}', ...(range && { Range: range }) } })
      for (const [range, status, text, content] of [
        [undefined, 200, 'hello', null], ['bytes=1-2', 206, 'el', 'bytes 1-2/5'], ['bytes=3-', 206, 'lo', 'bytes 3-4/5'], ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
        ['bytes=0-99', 206, 'hello', 'bytes 0-4/5'], ['bytes=5-', 416, '', 'bytes */5'], ['lines=1-2', 200, 'hello', null], ['bytes=2-1', 200, 'hello', null],
      ]) {
        const answer = await small(range)
        assert.deepEqual([answer.status, await answer.text(), answer.headers.get('content-range')], [status, text, content], range)
      }
      const listed = await (await ask(own, 'files/list_folder', { path: '' }, token, user)).json()
      assert.equal(listed.entries.find((e) => e.name === 'big.paper').size, 3 * 2 ** 30 + 5)
    } finally {
      await own.stop()
      rmSync(dir, { recursive: true })
    }
  })

  it('serves many small requests', async () => {
    const { access_token: token } = await tokenOf(cloud)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
    const one = () => new Promise((done, fail) => {
      const req = http.request(`${cloud.urls.dropbox}/2/team/get_info`, { method: 'POST', agent, headers: { Authorization: `Bearer ${token}` } }, (res) => {
        res.resume()
        res.on('end', () => (res.statusCode === 200 ? done() : fail(new Error(`status ${res.statusCode}`))))
      })
      req.on('error', fail)
      req.end()
    })
    const before = (await cloud.usage()).cpu_seconds
    for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 100 }, one))
    agent.destroy()
    assert.ok((await cloud.usage()).cpu_seconds - before < 2)
  })
})

describe('the control address', () => {
  it('shows the state', async () => {
    const items = await cloud.state()
    assert.equal(items.length, 3)
    const [a] = items.filter((i) => i.name === 'a.txt')
    assert.deepEqual({ ...a, id: undefined, version: undefined }, {
      provider: 'dropbox', tenant: 'aoba', service: 'dropbox', id: undefined, owner: 'admin@aoba.example', place: '/', name: 'a.txt', size: 5,
      sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', labels: [],
      sharing: ['link:organization:edit', 'user:someone@elsewhere.example:read'], version: undefined, quarantined: false,
    })
    const [held] = items.filter((i) => i.name === 'b.txt')
    assert.deepEqual([held.owner, held.place, held.quarantined], ['Sekisho-Quarantine-1', '/in', true])
  })

  it('keeps a journal without secrets', async () => {
    const since = (await cloud.journal()).at(-1)?.number ?? 0
    const grant = grantOf(cloud, 'aoba')
    await fetch(`${cloud.urls.dropbox}/oauth2/token?${new URLSearchParams({ grant_type: 'refresh_token', ...grant })}`, { method: 'POST' })
    const { access_token: token } = await tokenOf(cloud)
    await ask(cloud, 'team/members/list_v2', { limit: 3 }, token)
    const lines = await cloud.journal(since)
    assert.equal(lines.length, 3)
    assert.ok(!JSON.stringify(lines).includes(grant.client_secret) && !JSON.stringify(lines).includes(grant.refresh_token))
    assert.match(lines[0].path, /^\/oauth2\/token\?grant_type=refresh_token&client_id=\w+&client_secret=\*\*\*&refresh_token=\*\*\*$/)
    const { number, time, bytes_out: out, ...rest } = lines[2]
    assert.deepEqual(rest, { provider: 'dropbox', tenant: 'aoba', method: 'POST', path: '/2/team/members/list_v2', status: 200, bytes_in: 11 })
    assert.equal(number, since + 3)
    assert.ok(out > 100 && Math.abs(Date.parse(time) - Date.now()) < 60000)
  })

  it('withdraws and restores consent of one connection', async () => {
    const { access_token: token } = await tokenOf(cloud)
    await cloud.revoke({ connection: 'aoba-dropbox' })
    assert.equal((await tokenOf(cloud)).error, 'invalid_grant')
    assert.equal((await (await ask(cloud, 'team/get_info', undefined, token)).json()).error['.tag'], 'invalid_access_token')
    assert.equal((await tokenOf(cloud, 'midori')).status, 200)
    await cloud.restoreConsent({ connection: 'aoba-dropbox' })
    assert.equal((await tokenOf(cloud)).status, 200)
    await assert.rejects(cloud.revoke({ connection: 'aoba-elsewhere' }), { status: 400 })
    await assert.rejects(cloud.revoke({ provider: 'elsewhere' }), { status: 404 })
  })

  it('moves the clock of the providers, and their Date', async () => {
    const own = await startFakecloud({ seed })
    try {
      const { access_token: token } = await tokenOf(own)
      const answer = await own.clock(86400)
      assert.equal(answer.advanced_s, 86400)
      const late = await ask(own, 'team/get_info', undefined, token)
      assert.equal(late.status, 401)
      assert.ok(Math.abs(Date.parse(late.headers.get('date')) - Date.now() - 86400000) < 60000)
      await assert.rejects(own.clock('soon'), { status: 400 })
    } finally {
      await own.stop()
    }
  })

  it('answers unknown calls, and measures itself', async () => {
    assert.equal((await fetch(`${cloud.urls.control}/nothing`)).status, 404)
    assert.equal((await fetch(`${cloud.urls.control}/state`, { method: 'POST' })).status, 405)
    assert.deepEqual(await (await fetch(cloud.urls.control)).json(), cloud.urls)
    const usage = await cloud.usage()
    assert.ok(usage.cpu_seconds > 0 && usage.rss_bytes > 1e6)
    assert.ok(existsSync(binary))
  })
})

describe('faults', () => {
  const path = '/2/team/get_info'
  const ok = async () => (await ask(cloud, 'team/get_info', undefined, (await tokenOf(cloud)).access_token)).status
  const armed = async (fault, more = {}) => {
    await cloud.clearFaults()
    await cloud.faults([{ provider: 'dropbox', path, ...fault }])
    const start = Date.now()
    const { host } = new URL(cloud.urls.dropbox)
    const { access_token: token } = await tokenOf(cloud)
    const answer = await raw(cloud.urls.dropbox, `POST ${path}${more.query ?? ''} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
    const [head, ...rest] = answer.text.split('\r\n\r\n')
    return { ...answer, head, body: rest.join('\r\n\r\n'), ms: Date.now() - start, length: Number(/content-length: (\d+)/i.exec(head)?.[1]) }
  }
  after(() => cloud.clearFaults())

  it('answer a status with headers and body, so many times', async () => {
    const first = await armed({ what: 'status', status: 429, headers: { 'Retry-After': '17', 'X-Odd': 'yes' }, body: { error: 'busy' }, times: 2 })
    assert.match(first.head, /^HTTP\/1\.1 429 [\s\S]*Retry-After: 17[\s\S]*X-Odd: yes/)
    assert.deepEqual(JSON.parse(first.body), { error: 'busy' })
    assert.equal(await ok(), 429)
    assert.equal(await ok(), 200)
    const html = await armed({ what: 'status', status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>' })
    assert.deepEqual([html.body, /text\/html/.test(html.head)], ['<html>', true])
    const own = await armed({ what: 'status', status: 429 })
    assert.equal(JSON.parse(own.body).error.reason['.tag'], 'too_many_requests')
    const bytes = await armed({ what: 'status', status: 200, body_base64: Buffer.from('\x1f\x8b!').toString('base64') })
    assert.equal(bytes.body, '\x1f\x8b!')
  })

  it('delay, cut, lie about the length, reset, redirect, drip', async () => {
    const late = await armed({ what: 'delay', delay_ms: 300 })
    assert.ok(late.ms >= 300 && late.head.includes('200 OK'))
    const cut = await armed({ what: 'cut', after_bytes: 10 })
    assert.equal(cut.body.length, 10)
    assert.ok(cut.length > 100)
    const long = await armed({ what: 'wrong_length', length_delta: 50 })
    assert.equal(long.length, long.body.length + 50)
    const short = await armed({ what: 'wrong_length', length_delta: -20 })
    assert.equal(short.length, short.body.length - 20)
    assert.equal((await armed({ what: 'reset' })).error, 'ECONNRESET')
    const to = await armed({ what: 'redirect', location: 'https://evil.example/x', status: 307 })
    assert.match(to.head, /^HTTP\/1\.1 307 [\s\S]*Location: https:\/\/evil\.example\/x/)
    const drip = await armed({ what: 'drip', bytes: 100, interval_ms: 60 })
    assert.equal(drip.body.length, drip.length)
    assert.ok(drip.ms >= 60 * Math.ceil(drip.length / 100))
  })

  it('apply a change and drop the answer', async () => {
    const { access_token: token } = await tokenOf(cloud)
    await cloud.clearFaults()
    await cloud.faults({ provider: 'dropbox', method: 'post', path: '^/2/team/team_folder/(create|none)', what: 'apply-then-drop-the-reply' })
    await assert.rejects(ask(cloud, 'team/team_folder/create', { name: 'Dropped' }, token))
    const { team_folders: folders } = await (await ask(cloud, 'team/team_folder/list', {}, token)).json()
    assert.ok(folders.some((f) => f.name === 'Dropped'))
    const line = (await cloud.journal()).findLast((l) => l.path.endsWith('/create'))
    assert.deepEqual([line.status, line.bytes_out, line.fault], [200, 0, 'drop_reply'])
  })

  it('choose requests by provider, method, tenant, path and turn', async () => {
    await cloud.clearFaults()
    await cloud.faults([{ what: 'status', status: 500, tenant: 'midori', path: '/2/team/*', times: 0 }])
    assert.equal(await ok(), 200)
    const other = (await tokenOf(cloud, 'midori')).access_token
    for (let i = 0; i < 3; i++) assert.equal((await ask(cloud, 'team/get_info', undefined, other)).status, 500)
    await cloud.clearFaults()
    await cloud.faults([{ provider: 'box', what: 'status', path: '*' }, { method: 'GET', what: 'status', path: '*' }, { what: 'status', path, skip: 2 }])
    assert.deepEqual([await ok(), await ok(), await ok(), await ok()], [200, 200, 503, 200])
    const { faults } = await (await fetch(`${cloud.urls.control}/faults`)).json()
    assert.deepEqual(faults.map((f) => f.hits), [0, 0, 1])
    assert.equal((await armed({ what: 'status', status: 418, path: '/2/*?cursor=7' }, { query: '?cursor=7' })).head.slice(9, 12), '418')
  })

  it('are refused when they make no sense', async () => {
    for (const wrong of [{ what: 'explode' }, { what: 'redirect' }, { what: 'status', status: 99 }, { what: 'delay', delay_ms: -1 }, { what: 'status', path_regex: '(' }, { what: 'reset', times: 'often' }, 7, [{ what: 'reset' }, {}]]) {
      await cloud.clearFaults()
      await assert.rejects(cloud.faults(wrong), { status: 400 }, JSON.stringify(wrong))
      assert.deepEqual((await (await fetch(`${cloud.urls.control}/faults`)).json()).faults, [])
    }
  })
})
