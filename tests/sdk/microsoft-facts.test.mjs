// Microsoft: sentences of Graph's reference that no other test holds the stand-in to, section by section.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { mail, startMicrosoft } from './microsoft-lib.mjs'

let ms, token, drive
const hana = '/v1.0/users/hana@aoba.example'
const ken = '/v1.0/users/ken@aoba.example'
before(async () => {
  ms = await startMicrosoft()
  token = await ms.accessToken()
  drive = (await get(`${hana}/drive`)).body.id
})
after(() => ms?.stop())

const get = (path, headers) => ms.call('GET', path, { token, headers })
const send = (method, path, body, headers) => ms.call(method, path, { token, body, headers })
const d = (rest) => `/v1.0/drives/${drive}${rest}`
const put = async (name, text) => (await send('PUT', d(`/root:/${name}:/content`), Buffer.from(text))).body
const bring = async (user, subject, folder = 'inbox') => (await send('POST', `${user}/mailFolders/${folder}/messages`, Buffer.from(mail({ subject })).toString('base64'), { 'Content-Type': 'text/plain', Prefer: 'IdType="ImmutableId"' })).body
async function follow(path, headers) {
  const out = []
  for (let n = 0; n < 200; n++) {
    const { status, body } = await get(path, headers)
    assert.equal(status, 200, JSON.stringify(body))
    out.push(...body.value)
    if (body['@odata.deltaLink']) return { out, link: body['@odata.deltaLink'] }
    path = body['@odata.nextLink']
  }
  throw new Error('the feed does not end')
}

test('1.2: tokens', async () => {
  const answer = await ms.tokenBy({})
  assert.deepEqual(Object.keys(answer.body).sort(), ['access_token', 'expires_in', 'ext_expires_in', 'token_type'])
  assert.equal(answer.body.token_type, 'Bearer')
  assert.ok(answer.body.expires_in >= 3599 && answer.body.expires_in <= 5400)
  const wrong = await ms.tokenCall({ client_secret: 'wrong' })
  assert.deepEqual(Object.keys(wrong.body).filter((k) => k !== 'error_uri').sort(), ['correlation_id', 'error', 'error_codes', 'error_description', 'timestamp', 'trace_id'])
  // MSAL sends an assertion again for as long as it lasts.
  const text = ms.assertion({})
  const fields = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: text }
  assert.equal((await ms.tokenCall(fields)).status, 200)
  assert.equal((await ms.tokenCall(fields)).status, 200)
  assert.equal((await ms.tokenCall({ ...fields, client_assertion: `${text.slice(0, -8)}AAAAAAAA` })).status, 401)
  for (const alg of ['none', 'HS256', 'RS512']) assert.equal((await ms.tokenBy({ header: { alg } })).status, 401, alg)
  const at = await fetch(`${ms.base}/${ms.connection().grant.directory}/oauth2/v2.0/token?client-request-id=11111111-2222-3333-4444-555555555555`, { method: 'POST', body: new URLSearchParams({ ...fields, client_id: ms.connection().grant.client_id, grant_type: 'client_credentials', scope: 'https://graph.microsoft.com/.default' }) })
  assert.equal(at.status, 200)
})

test('1.4: what is baked into the links of a feed stays in them', async () => {
  for (let i = 0; i < 4; i++) await bring(ken, `baked ${i}`)
  const inbox = `${ken}/mailFolders/inbox/messages/delta`
  const first = (await get(`${inbox}?$select=subject&$top=2`)).body
  assert.ok(first.value.length <= 2)
  const all = await follow(`${inbox}?$select=subject&$expand=attachments`, { Prefer: 'odata.maxpagesize=1' })
  assert.ok(all.out.every((m) => m.subject !== undefined && m.from === undefined))
  // the page size comes with each request
  await bring(ken, 'one')
  await bring(ken, 'two')
  assert.equal((await get(all.link, { Prefer: 'odata.maxpagesize=1' })).body.value.length, 1)
  const { out } = await follow(all.link)
  assert.deepEqual(out.map((m) => [m.subject, m.from]), [['one', undefined], ['two', undefined]])
  // again and again the same
  assert.deepEqual((await follow(all.link)).out.map((m) => m.id), out.map((m) => m.id))
  assert.equal((await get(`${inbox}?$search="x"`)).status, 400)
  for (const order of ['receivedDateTime desc', 'receivedDateTime+desc']) assert.equal((await get(`${inbox}?$orderby=${order}`)).status, 200)
  assert.equal((await get(`${inbox}?$orderby=subject`)).status, 400)
  // both formats of ids, whichever the link was made with
  const [m] = (await get(all.link, { Prefer: 'IdType="ImmutableId"' })).body.value
  assert.equal((await get(`${ken}/messages/${m.id}`, { Prefer: 'IdType="ImmutableId"' })).body.id, m.id)
  assert.notEqual((await get(`${ken}/messages/${m.id}`)).body.id, m.id)
  assert.equal((await get(`${ken}/messages/delta`)).status >= 400, true)
})

test('1.5: a drive says more when asked to', async () => {
  const start = (await get(d('/root/delta?token=latest'))).body['@odata.deltaLink']
  const file = await put('in/here.txt', 'x')
  const { out } = await follow(start, { Prefer: 'hierarchicalsharing' })
  assert.ok(out.findIndex((i) => i.name === 'in') < out.findIndex((i) => i.id === file.id), 'the folder comes before what is in it')
  assert.ok(out.every((i) => !('cTag' in i) && i.parentReference?.path === undefined))
  const { link } = await follow(start)
  const folder = out.find((i) => i.name === 'in')
  await send('PATCH', d(`/items/${folder.id}`), { name: 'renamed' })
  const renamed = (await follow(link)).out
  assert.ok(renamed.some((i) => i.name === 'renamed') && !renamed.some((i) => i.id === file.id), 'what is in a renamed folder does not come')
  const empty = await follow((await follow(link)).link)
  assert.deepEqual(empty.out, [])
  assert.ok(empty.link)
  assert.equal((await get(d(`/items/${folder.id}/delta`))).status, 400)
})

test('1.7: subscriptions', async (t) => {
  const asked = []
  const server = createServer((req, res) => {
    const url = new URL(req.url, 'http://x')
    asked.push([req.method, url.pathname, url.searchParams.get('validationToken')])
    req.resume().on('end', () => {
      const token = url.searchParams.get('validationToken')
      if (url.pathname === '/html') return res.writeHead(200, { 'Content-Type': 'text/html' }).end(`<p>${token}`)
      if (url.pathname === '/encoded') return res.writeHead(200, { 'Content-Type': 'text/plain' }).end(encodeURIComponent(token))
      if (url.pathname === '/202') return res.writeHead(202, { 'Content-Type': 'text/plain' }).end(token)
      res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(token)
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => { server.close(); server.closeAllConnections() })
  const at = `http://127.0.0.1:${server.address().port}`
  const soon = (minutes) => new Date(Date.now() + minutes * 60000).toISOString()
  const make = (more) => send('POST', '/v1.0/subscriptions', { changeType: 'updated', notificationUrl: `${at}/ok`, resource: `${ken.slice(5)}/messages`, expirationDateTime: soon(100), ...more })
  for (const path of ['/html', '/encoded', '/202']) assert.equal((await make({ notificationUrl: at + path })).status, 400, path)
  assert.equal((await make({ lifecycleNotificationUrl: `${at}/html` })).status, 400)
  assert.equal((await make({ lifecycleNotificationUrl: `${at}/life` })).status, 201)
  assert.ok(asked.some(([method, path, token]) => method === 'POST' && path === '/life' && / /.test(token)), 'both addresses are asked, with a token that wants decoding')
  // the least life is 45 minutes
  const short = (await make({ expirationDateTime: soon(5) })).body
  assert.ok(Date.parse(short.expirationDateTime) >= Date.now() + 44 * 60000)
  const maxima = [[`${ken.slice(5)}/messages`, 10080], [`/drives/${drive}/root`, 42300], ['/teams/getAllMessages', 4320], ['/chats/getAllMessages', 4320], ['/users', 41760], ['/groups', 41760]]
  for (const [resource, minutes] of maxima) {
    const more = { resource, lifecycleNotificationUrl: `${at}/life` }
    assert.equal((await make({ ...more, expirationDateTime: soon(minutes - 5) })).status, 201, resource)
    assert.equal((await make({ ...more, expirationDateTime: soon(minutes + 5) })).status, 400, resource)
  }
  for (const changeType of ['created', 'deleted', 'created,updated']) assert.equal((await make({ resource: `/drives/${drive}/root`, changeType })).status, 400, changeType)
  assert.equal((await make({ resource: '/teams/getAllMessages', changeType: 'created', expirationDateTime: soon(90) })).status, 400, 'above an hour a lifecycle address is required')
  assert.equal((await make({ clientState: 'x'.repeat(128) })).status, 201)
  assert.equal((await make({ includeResourceData: true })).status, 400)
  // Rich ones live a day at most.
  const rich = { includeResourceData: true, encryptionCertificate: 'AAAA', encryptionCertificateId: '1' }
  assert.equal((await make({ ...rich, expirationDateTime: soon(1430) })).status, 201)
  assert.equal((await make({ ...rich, expirationDateTime: soon(2000) })).status, 400)
  // The lifecycle address cannot be added later.
  const plain = (await make()).body
  const patched = await send('PATCH', `/v1.0/subscriptions/${plain.id}`, { expirationDateTime: soon(120), lifecycleNotificationUrl: `${at}/life` })
  assert.ok(patched.status === 400 || !patched.body.lifecycleNotificationUrl)
})

test('1.8: contents', async () => {
  const bad = (await get(d('/root:/bad.exe'))).body
  for (const path of [`/items/${bad.id}/content`, `/items/${bad.id}/versions/1.0/content`]) {
    const { status, body, headers } = await get(d(path))
    assert.deepEqual([status, body.error.code, headers.has('x-virus-infected')], [403, 'malwareDetected', true], path)
  }
  const forced = await get(d(`/items/${bad.id}/content`).replace('/v1.0', '/beta'), { Prefer: 'forceInfectedDownload' })
  assert.ok([200, 302].includes(forced.status))
  for (const [name, bytes, hash] of [['none', '', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='], ['abc', 'abc', 'YRDDGAAAAAAAAAAAAwAAAAAAAAA='], ['2k', Buffer.from(Array.from({ length: 2048 }, (_, i) => i % 256)), 'rxAOGe1RimTF/e+k/mYO5nnSZT8=']]) {
    const { file } = await put(`hash-${name}`, bytes)
    assert.deepEqual(file.hashes, { quickXorHash: hash }, name)
  }
  const one = (await put('size.txt', '12345'))
  const location = (await get(d(`/items/${one.id}/content`))).headers.get('location')
  assert.equal((await ms.call('GET', location, { headers: { Range: 'bytes=2-3' } })).bytes.toString(), '34')
  assert.equal((await ms.call('GET', location, { headers: { Range: 'bytes=9-' } })).status, 416)
  const { body } = await get(d(`/items/${one.id}`))
  assert.equal((await ms.call('GET', body['@microsoft.graph.downloadUrl'])).bytes.toString(), '12345')
})

test('1.9: containing', async () => {
  const m = await bring(hana, 'kept')
  assert.equal((await send('PATCH', `${hana}/messages/${m.id}`, { categories: ['x'] })).body.parentFolderId, m.parentFolderId)
  assert.equal((await send('POST', `${hana}/messages/${m.id}/move`, { destinationId: 'nothing' })).status >= 400, true)
  const purged = await bring(hana, 'purged')
  assert.equal((await send('POST', `${hana}/messages/${purged.id}/permanentDelete`)).status, 204)
  for (const place of ['/messages', '/mailFolders/deleteditems/messages', '/mailFolders/recoverableitemsdeletions/messages']) assert.ok((await get(`${hana}${place}?$top=100`)).body.value.every((x) => x.subject !== 'purged'), place)

  // versions, id and direct permissions travel along
  const file = await put('travels.txt', 'one')
  await put('travels.txt', 'two')
  await send('POST', d(`/items/${file.id}/invite`), { recipients: [{ email: 'ken@aoba.example' }], roles: ['read'], requireSignIn: true, sendInvitation: false })
  const folder = (await send('POST', d('/root/children'), { name: 'held', folder: {} })).body
  const moved = (await send('PATCH', d(`/items/${file.id}`), { parentReference: { id: folder.id } })).body
  assert.equal(moved.id, file.id)
  assert.deepEqual((await get(d(`/items/${file.id}/versions`))).body.value.map((v) => v.id), ['2.0', '1.0'])
  assert.ok((await get(d(`/items/${file.id}/permissions`))).body.value.some((p) => p.grantedToV2?.user?.email === 'ken@aoba.example' && !p.inheritedFrom))
  // within one drive only
  const other = (await get(`${ken}/drive`)).body.id
  assert.equal((await send('PATCH', d(`/items/${file.id}`), { parentReference: { driveId: other, id: 'root' } })).status, 400)
  const copy = await send('POST', d(`/items/${file.id}/copy`), { parentReference: { driveId: other, id: 'root' }, includeAllVersionHistory: true })
  assert.equal(copy.status, 202)
  let job
  do job = (await ms.call('GET', copy.headers.get('location'))).body
  while (job.status === 'inProgress')
  assert.deepEqual((await get(`/v1.0/drives/${other}/items/${job.resourceId}/versions`)).body.value.length, 2)
  // a shared lock is passed by, a check-out is not
  await send('POST', d(`/items/${file.id}/checkout`))
  assert.equal((await send('PATCH', d(`/items/${file.id}`), { name: 'x.txt' })).body.error.code, 'resourceLocked')
  await send('POST', d(`/items/${file.id}/checkin`), { comment: '' })
  const stale = await send('DELETE', d(`/items/${file.id}`), undefined, { 'If-Match': '"{0},0"' })
  assert.equal(stale.status, 412)
  assert.equal((await send('POST', d(`/items/${file.id}/restore`), {})).status >= 400, true)
})

test('1.10: batches', async () => {
  const requests = [{ id: 'a', method: 'GET', url: '/users?$top=1' }, { id: 'b', method: 'GET', url: '/nothing', dependsOn: ['a'] }, { id: 'c', method: 'GET', url: '/users', dependsOn: ['b'] }]
  const { body } = await send('POST', '/v1.0/$batch', { requests })
  assert.deepEqual(Object.fromEntries(body.responses.map((r) => [r.id, r.status])), { a: 200, b: 400, c: 424 })
  assert.ok(body.responses.every((r) => r.status < 400 || (r.body.error.code && r.body.error.message)))
  for (const wrong of [{}, { requests: [] }, { requests: [{ method: 'GET', url: '/users' }] }, { requests: [requests[0], requests[0]] }]) assert.equal((await send('POST', '/v1.0/$batch', wrong)).status, 400)
})
