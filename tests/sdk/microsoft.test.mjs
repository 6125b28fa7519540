// Microsoft: signing in with MSAL and by hand, the directory, Teams, subscriptions, batches, permissions, consent.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startMicrosoft, PageIterator } from './microsoft-lib.mjs'

let ms, token

before(async () => {
  ms = await startMicrosoft()
  token = await ms.accessToken()
})
after(() => ms?.stop())

const get = (path, options) => ms.call('GET', path, { token, ...options })

test('MSAL signs in with either thumbprint and with a secret', async () => {
  for (const kind of ['sha256', 'sha1', 'secret']) {
    const app = ms.msal(kind)
    const answer = await app.acquireTokenByClientCredential({ scopes: ['https://graph.microsoft.com/.default'] })
    assert.ok(answer.accessToken)
    // MSAL keeps its assertion for minutes and sends it again.
    const again = await app.acquireTokenByClientCredential({ scopes: ['https://graph.microsoft.com/.default'], skipCache: true })
    assert.notEqual(again.accessToken, answer.accessToken)
  }
})

test('assertions are judged by key, audience, issuer and time', async () => {
  const seconds = () => Math.floor(Date.now() / 1000)
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const { grant } = ms.connection()
  const cases = [
    [{}, 200],
    [{ alg: 'RS256' }, 200],
    [{ claims: { aud: `https://login.microsoftonline.com/${grant.directory}/oauth2/v2.0/token` } }, 200],
    [{ claims: { aud: 'https://login.microsoftonline.com/elsewhere/oauth2/v2.0/token' } }, 401, 700023],
    [{ claims: { aud: undefined } }, 401, 700023],
    [{ claims: { iss: 'someone' } }, 401, 700021],
    [{ claims: { exp: seconds() - 3600 } }, 401, 700024],
    [{ claims: { nbf: seconds() + 3600, exp: seconds() + 4200 } }, 401, 700024],
    [{ claims: { exp: undefined } }, 401, 700024],
    [{ key: other }, 401, 700027],
    [{ header: { 'x5t#S256': 'AAAA' } }, 401, 700027],
  ]
  for (const [how, status, code] of cases) {
    const answer = await ms.tokenBy(how)
    assert.equal(answer.status, status, JSON.stringify([how, answer.body]))
    if (code) {
      assert.deepEqual(answer.body.error_codes, [code])
      assert.match(answer.body.error_description, new RegExp(`^AADSTS${code}: `))
      assert.ok(answer.body.trace_id && answer.body.correlation_id && answer.body.timestamp)
    }
  }
  assert.deepEqual((await ms.tokenCall({ client_secret: 'wrong' })).body.error_codes, [7000215])
  assert.deepEqual((await ms.tokenCall({})).body.error_codes, [7000218])
  assert.deepEqual((await ms.tokenBy({}, { directory: '00000000-0000-0000-0000-000000000000' })).body.error_codes, [90002])
  assert.deepEqual((await ms.tokenCall({ client_secret: 'x', client_id: 'y' })).body.error_codes, [700016])
  assert.equal((await ms.tokenCall({ client_secret: 'x', scope: 'User.Read' })).status, 401)
  assert.equal((await ms.tokenCall({ client_secret: ms.read('aoba-m365.secret'), scope: 'User.Read' })).body.error, 'invalid_scope')
  assert.equal((await ms.tokenCall({ client_secret: 'x', grant_type: 'password' })).body.error, 'unsupported_grant_type')
})

test('calls want a token that is known and in time', async () => {
  const none = await ms.call('GET', '/v1.0/users', { headers: { 'client-request-id': '11111111-2222-3333-4444-555555555555' } })
  assert.equal(none.status, 401)
  assert.equal(none.body.error.code, 'InvalidAuthenticationToken')
  assert.equal(none.body.error.innerError['client-request-id'], '11111111-2222-3333-4444-555555555555')
  assert.equal(none.headers.get('client-request-id'), '11111111-2222-3333-4444-555555555555')
  assert.ok(none.headers.get('request-id') && none.headers.get('www-authenticate'))
  assert.equal((await ms.call('GET', '/v1.0/users', { token: 'nonsense' })).status, 401)
})

test('the SDK lists users page by page', async () => {
  const client = ms.client()
  const first = await client.api('/users').top(1).select('id,userPrincipalName').get()
  assert.equal(first.value.length, 1)
  const names = []
  const pages = new PageIterator(client, first, (u) => { names.push(u.userPrincipalName); return true })
  await pages.iterate()
  assert.deepEqual(names.sort(), ['gone@aoba.example', 'hana@aoba.example', 'ken@aoba.example'])
  const one = await client.api('/users').filter("userPrincipalName eq 'hana@aoba.example'").get()
  assert.equal(one.value[0].mail, 'hana@aoba.example')
  assert.equal((await get('/v1.0/users?$top=1000')).status, 400)
  assert.equal((await get("/v1.0/users?$filter=name ((")).status, 400)
  assert.equal((await get('/v1.0/users/nobody@aoba.example')).body.error.code, 'Request_ResourceNotFound')
  const org = await client.api('/organization').get()
  assert.equal(org.value[0].id, ms.connection().grant.directory)
  assert.equal((await client.api('/domains').get()).value[0].id, 'aoba.example')
})

test('the users feed ends in a delta link and forgets after its cursors are lost', async () => {
  const first = (await get('/v1.0/users/delta?$select=id')).body
  assert.equal(first.value.length, 3)
  const later = (await get(first['@odata.deltaLink'])).body
  assert.deepEqual(later.value, [])
  assert.ok(later['@odata.deltaLink'])
  assert.deepEqual((await get('/v1.0/users/delta?$deltatoken=latest')).body.value, [])
  assert.equal((await get('/v1.0/users/delta?$deltatoken=nonsense')).status, 400)
})

test('permissions of the token decide', async () => {
  const narrow = await ms.accessToken('narrow')
  const as = (method, path, options) => ms.call(method, path, { token: narrow, ...options })
  const inbox = '/v1.0/users/admin@narrow.example/mailFolders/inbox'
  const message = (await as('GET', `${inbox}/messages`)).body.value[0]
  assert.ok(message.subject)
  assert.equal(message.body, undefined)
  const mime = await as('GET', `/v1.0/users/admin@narrow.example/messages/${message.id}/$value`)
  assert.deepEqual([mime.status, mime.body.error.code], [403, 'ErrorAccessDenied'])
  const folder = await as('POST', '/v1.0/users/admin@narrow.example/drive/root/children', { body: { name: 'x', folder: {} } })
  assert.deepEqual([folder.status, folder.body.error.code], [403, 'accessDenied'])
  assert.equal((await as('GET', '/v1.0/groups')).body.error.code, 'Authorization_RequestDenied')
  assert.equal((await as('GET', '/v1.0/teams')).body.error.code, 'Forbidden')
  // The other tenant's things are not there for it.
  const drive = (await get('/v1.0/users/hana@aoba.example/drive')).body.id
  assert.equal((await as('GET', `/v1.0/drives/${drive}`)).status, 404)
  assert.equal((await as('GET', '/v1.0/users/hana@aoba.example')).status, 404)
})

test('Teams: channels, replies, feed, chats, blocking', async () => {
  const team = (await get('/v1.0/teams')).body.value[0]
  const channel = (await get(`/v1.0/teams/${team.id}/channels`)).body.value.find((c) => c.displayName === 'General')
  const messages = `/v1.0/teams/${team.id}/channels/${encodeURIComponent(channel.id)}/messages`
  const list = (await get(`${messages}?$expand=replies`)).body.value
  assert.deepEqual(list.map((m) => m.body.content), ['second', '<p>hello</p>'])
  assert.equal(list[1].replies[0].body.content, 'hi')
  assert.equal(list[1].replies[0].replyToId, list[1].id)
  const hosted = (await get(`${messages}/${list[1].id}/hostedContents`)).body.value[0]
  assert.equal((await get(`${messages}/${list[1].id}/hostedContents/${hosted.id}/$value`)).bytes.toString(), 'PNG')

  let page = (await get(`${messages}/delta?$top=1`)).body
  assert.ok(page['@odata.nextLink'])
  page = (await get(page['@odata.nextLink'])).body
  const link = page['@odata.deltaLink']
  await ms.post({ tenant: 'aoba', team: 'Sales', channel: 'General', from: 'ken@aoba.example', body: 'fresh' })
  const change = (await get(link)).body.value
  assert.deepEqual(change.map((m) => m.body.content), ['fresh'])
  const block = { policyViolation: { policyTip: { generalText: 'no', matchedConditionDescriptions: [] }, verdictDetails: 'none', dlpAction: 'blockAccess' } }
  assert.equal((await ms.call('PATCH', `${messages}/${change[0].id}`, { token, body: block })).status, 204)
  assert.equal((await ms.call('PATCH', `${messages}/${change[0].id}`, { token, body: { ...block, subject: 'x' } })).status, 400)
  assert.equal((await get(`${messages}/${change[0].id}`)).body.policyViolation.dlpAction, 'blockAccess')
  assert.equal((await ms.state()).find((i) => i.service === 'teams' && i.id.endsWith('/' + change[0].id)).quarantined, true)

  for (const user of ['hana', 'ken']) {
    const all = (await get(`/v1.0/users/${user}@aoba.example/chats/getAllMessages?$filter=lastModifiedDateTime gt 2026-11-20T00:00:00Z`)).body.value
    assert.deepEqual(all.map((m) => m.body.content), ['psst'])
  }
  const chat = (await get('/v1.0/users/ken@aoba.example/chats?$expand=members')).body.value[0]
  assert.equal(chat.members.length, 2)
  const one = (await get(`/v1.0/chats/${encodeURIComponent(chat.id)}/messages`)).body.value[0]
  assert.equal((await ms.call('PATCH', `/v1.0/chats/${encodeURIComponent(chat.id)}/messages/${one.id}`, { token, body: block })).status, 204)
  assert.equal((await ms.call('POST', `${messages}/${change[0].id}/softDelete`, { token })).status, 403)
})

test('a batch answers each request by itself', async () => {
  const client = ms.client()
  const { responses } = await client.api('/$batch').post({ requests: [
    { id: '1', method: 'GET', url: '/users/hana@aoba.example' },
    { id: '2', method: 'GET', url: '/users/nobody@aoba.example' },
    { id: '3', method: 'GET', url: '/users', dependsOn: ['2'] },
    { id: '4', method: 'POST', url: '/users/ken@aoba.example/mailFolders', headers: { 'Content-Type': 'application/json' }, body: { displayName: 'batched' } },
    { id: '5', method: 'GET', url: '/users/hana@aoba.example/drive/root:/abc.txt:/content' },
  ] })
  const by = Object.fromEntries(responses.map((r) => [r.id, r]))
  assert.deepEqual(['1', '2', '3', '4', '5'].map((id) => by[id].status), [200, 404, 424, 201, 302])
  assert.equal(by[1].body.userPrincipalName, 'hana@aoba.example')
  assert.ok(by[5].headers.Location)
  const tooMany = Array.from({ length: 21 }, (_, i) => ({ id: String(i), method: 'GET', url: '/users' }))
  await assert.rejects(client.api('/$batch').post({ requests: tooMany }), { statusCode: 400 })
})

test('subscriptions shake hands and notify', async (t) => {
  const got = []
  const server = createServer((req, res) => {
    const handshake = new URL(req.url, 'http://x').searchParams.get('validationToken')
    let body = ''
    req.on('data', (d) => { body += d }).on('end', () => {
      if (handshake) return req.url.startsWith('/bad') ? res.writeHead(200).end('no') : res.writeHead(200, { 'Content-Type': 'text/plain' }).end(handshake)
      got.push(JSON.parse(body))
      res.writeHead(202).end()
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close())
  const at = `http://127.0.0.1:${server.address().port}`
  const soon = (minutes) => new Date(Date.now() + minutes * 60000).toISOString()
  const make = (more) => ms.call('POST', '/v1.0/subscriptions', { token, body: {
    changeType: 'created', notificationUrl: `${at}/hook`, resource: "/users/ken@aoba.example/mailFolders('inbox')/messages",
    expirationDateTime: soon(100), clientState: 'secret', ...more } })
  const made = await make()
  assert.equal(made.status, 201)
  assert.equal((await make({ notificationUrl: `${at}/bad` })).body.error.code, 'ValidationError')
  assert.equal((await make({ expirationDateTime: soon(20000) })).status, 400)
  assert.equal((await make({ resource: '/nothing' })).status, 400)
  assert.equal((await make({ clientState: 'x'.repeat(129) })).status, 400)
  await ms.call('POST', '/v1.0/users/ken@aoba.example/mailFolders/inbox/messages', { token, headers: { 'Content-Type': 'text/plain' }, body: Buffer.from('Subject: s\r\n\r\nb').toString('base64') })
  for (let i = 0; i < 3000 && !got.length; i++) await new Promise((done) => setTimeout(done, 20))
  assert.equal(got[0].value[0].clientState, 'secret')
  assert.equal((await get(`/v1.0/${got[0].value[0].resource}`)).body.subject, 's')
  const path = `/v1.0/subscriptions/${made.body.id}`
  assert.equal((await ms.call('PATCH', path, { token, body: { expirationDateTime: soon(200) } })).status, 200)
  assert.equal((await ms.call('POST', `${path}/reauthorize`, { token })).status, 204)
  assert.equal((await get('/v1.0/subscriptions')).body.value.length, 1)
  assert.equal((await ms.call('DELETE', path, { token })).status, 204)
  assert.equal((await get(path)).status, 404)
})

test('what is not there is told in the words of Graph', async () => {
  for (const [path, status, code] of [
    ['/v1.0/nothing', 400, 'BadRequest'], ['/v2.0/users', 400, 'BadRequest'], ['/v1.0/me', 400, 'BadRequest'],
    ['/v1.0/users/gone@aoba.example/messages', 404, 'MailboxNotEnabledForRESTAPI'],
    ['/v1.0/users/gone@aoba.example/drive', 404, 'ResourceNotFound'],
    ['/v1.0/users/nobody@aoba.example/messages', 404, 'ErrorInvalidUser'],
    ['/v1.0/sites/nothing', 404, 'itemNotFound'],
  ]) {
    const answer = await get(path)
    assert.deepEqual([answer.status, answer.body.error.code], [status, code], path)
  }
  assert.equal((await ms.call('DELETE', '/v1.0/users', { token })).status, 405)
})

test('withdrawn consent shows at the token address and on calls, and comes back', async () => {
  await ms.revoke({ provider: 'microsoft', tenant: 'aoba' })
  assert.deepEqual((await ms.tokenBy({})).body.error_codes, [700016])
  assert.deepEqual((await get('/v1.0/users')).body.error.code, 'Authorization_RequestDenied')
  assert.deepEqual((await get('/v1.0/users/hana@aoba.example/messages')).body.error.code, 'ErrorAccessDenied')
  assert.deepEqual((await get('/v1.0/users/hana@aoba.example/drive/root')).body.error.code, 'accessDenied')
  await ms.restoreConsent({ provider: 'microsoft', tenant: 'aoba' })
  assert.equal((await ms.tokenBy({})).status, 200)
  assert.equal((await get('/v1.0/users')).status, 200)
})

test('tokens run out with the clock', async () => {
  await ms.clock(3700)
  const answer = await get('/v1.0/users')
  assert.deepEqual([answer.status, answer.body.error.code], [401, 'InvalidAuthenticationToken'])
})
