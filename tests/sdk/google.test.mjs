// Google's official clients use fakecloud as they would use Google: they sign in, read, change, follow and fail.
import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { startFakecloud } from './lib.mjs'
import { directoryOf, driveOf, eml, failure, gmailOf, raw, refreshClient, reportsOf, scopes, signIn } from './google-lib.mjs'

const hana = 'hana@aoba.example'
const ken = 'ken@aoba.example'
const boss = 'admin@aoba.example'
const all = { supportsAllDrives: true, includeItemsFromAllDrives: true }
const folderType = 'application/vnd.google-apps.folder'
const b64 = (s) => Buffer.from(s).toString('base64url')
const md5 = (d) => createHash('md5').update(d).digest('hex')

const base = 'aoba/google'
const seed = {
  [`${base}/.sekisho-seed.json`]: { unlicensed: ['zoe@aoba.example'], malware: ['users/hana@aoba.example/drive/evil.exe'] },
  [`${base}/users/zoe@aoba.example/`]: '',
  [`${base}/users/${hana}/mail/INBOX/1.eml`]: { content: eml('=?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=', { id: 'one@else.example', attach: { name: 'a.bin', data: 'attached' } }), mtime: '2026-06-01T01:00:00Z' },
  [`${base}/users/${hana}/mail/INBOX/2.eml`]: { content: eml('Re: =?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=', { id: 'two@else.example', more: 'In-Reply-To: <one@else.example>\r\n' }), mtime: '2026-06-02T01:00:00Z' },
  [`${base}/users/${hana}/mail/Projects/Alpha/3.eml`]: { content: eml('third'), mtime: '2026-06-03T01:00:00Z' },
  [`${base}/users/${hana}/mail/SPAM/4.eml`]: { content: eml('spam'), mtime: '2026-06-04T01:00:00Z' },
  [`${base}/users/${hana}/drive/evil.exe`]: 'MZ evil',
  [`${base}/users/${hana}/drive/plan.gdoc`]: 'exported words',
  [`${base}/users/${hana}/drive/docs/a.txt`]: { content: 'hello', mtime: '2026-06-01T00:00:00Z' },
  [`${base}/users/${hana}/drive/docs/a.txt.sharing.json`]: ['link:anonymous:view', 'user:ken@aoba.example:write'],
  [`${base}/users/${ken}/drive/k.txt`]: 'of ken',
  [`${base}/shared-drives/Sales/s.txt`]: 'sold',
  [`${base}/shared-drives/Sales/sub/t.txt`]: 'deeper',
}

let cloud
before(async () => { cloud = await startFakecloud({ seed }) })
after(() => cloud.stop())

async function idOf(d, name, extra = {}) {
  const { data } = await d.files.list({ q: `name = '${name}'`, fields: 'files(id)', ...extra })
  assert.equal(data.files.length, 1, `one ${name}`)
  return data.files[0].id
}

async function messages(g, params = {}) {
  const out = []
  let pageToken
  do {
    const { data } = await g.users.messages.list({ userId: 'me', pageToken, ...params })
    out.push(...(data.messages ?? []))
    pageToken = data.nextPageToken
  } while (pageToken)
  return out
}

describe('signing in', () => {
  const assertion = (claims, { key, header = {}, alg = 'RSA-SHA256' } = {}) => {
    const account = JSON.parse(cloud.connections().read('aoba-google.json'))
    const now = Math.floor(Date.now() / 1000)
    const body = { iss: account.client_email, sub: hana, scope: scopes.drive.join(' '), aud: 'https://oauth2.googleapis.com/token', iat: now, exp: now + 3600, ...claims }
    const text = `${b64(JSON.stringify({ alg: 'RS256', typ: 'JWT', ...header }))}.${b64(JSON.stringify(body))}`
    return `${text}.${createSign(alg).update(text).sign(key ?? account.private_key).toString('base64url')}`
  }
  const token = async (form, path = '/token') => {
    const r = await fetch(cloud.urls.google + path, { method: 'POST', body: new URLSearchParams(form) })
    return { status: r.status, ...(await r.json()) }
  }
  const bearer = (jwt) => token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: jwt })

  test('with and without kid; 3599 seconds', async () => {
    for (const keyId of [true, false]) {
      const auth = signIn(cloud, { subject: hana, scopes: scopes.drive, keyId })
      const t = await auth.authorize()
      assert.match(t.access_token, /^ya29\./)
    }
    const t = await bearer(assertion({}))
    assert.deepEqual([t.status, t.expires_in, t.token_type, t.refresh_token], [200, 3599, 'Bearer', undefined])
  })

  test('wrong assertions', async () => {
    const now = Math.floor(Date.now() / 1000)
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const short = /^Invalid JWT: Token must be a short-lived token/
    const cases = [
      [assertion({ iat: now - 7200, exp: now - 3600 }), 400, 'invalid_grant', short],
      [assertion({ iat: now + 600, exp: now + 4200 }), 400, 'invalid_grant', short],
      [assertion({ exp: now + 3700 }), 400, 'invalid_grant', short],
      [assertion({ exp: undefined }), 400, 'invalid_grant', short],
      [assertion({}, { key: other }), 400, 'invalid_grant', /^Invalid JWT Signature\.$/],
      [assertion({}, { header: { kid: 'unknown' } }), 400, 'invalid_grant', /^Invalid JWT Signature\.$/],
      [assertion({}, { header: { alg: 'none' } }), 400, 'invalid_grant', /./],
      [assertion({ iss: 'nobody@else.example' }), 400, 'invalid_grant', /account not found/],
      [assertion({ sub: 'gone@aoba.example' }), 400, 'invalid_grant', /^Invalid email or User ID$/],
      [assertion({ sub: 'x@else.example' }), 401, 'unauthorized_client', /^Client is unauthorized/],
      [assertion({ aud: 'https://else.example/other' }), 400, 'invalid_grant', /audience/],
      [assertion({ scope: `${scopes.drive} ${scopes.scope('calendar')}` }), 401, 'unauthorized_client', /^Client is unauthorized/],
      [assertion({ scope: '' }), 400, 'invalid_scope', /Empty or missing scope/],
      [assertion({ scope: 'nonsense' }), 400, 'invalid_scope', /invalid/],
      ['nonsense', 400, 'invalid_grant', /./],
    ]
    for (const [jwt, status, error, text] of cases) {
      const t = await bearer(jwt)
      assert.deepEqual([t.status, t.error], [status, error], t.error_description)
      assert.match(t.error_description, text)
    }
    assert.equal((await token({ grant_type: 'password' })).error, 'unsupported_grant_type')
    assert.equal((await token({})).status, 400)
    assert.equal((await bearer(assertion({ aud: `${cloud.urls.google}/token` }))).status, 200)
  })

  test('the service account itself sees nothing', async () => {
    const auth = signIn(cloud, { scopes: scopes.full })
    const r = await raw(cloud, auth, 'GET', '/drive/v3/files')
    assert.deepEqual((await r.json()).files, [])
    const g = await raw(cloud, auth, 'GET', '/gmail/v1/users/me/profile')
    assert.equal((await g.json()).error.status, 'FAILED_PRECONDITION')
  })

  test('a refresh token, until it is revoked', async () => {
    const client = refreshClient(cloud)
    const { credentials } = await client.refreshAccessToken()
    assert.ok(credentials.access_token && credentials.scope.includes('drive'))
    await client.revokeToken(credentials.access_token)
    const gone = await fetch(`${cloud.urls.google}/drive/v3/about?fields=user`, { headers: { Authorization: `Bearer ${credentials.access_token}` } })
    assert.equal(gone.status, 401)
    await client.revokeToken(client.credentials.refresh_token)
    const e = await failure(client.refreshAccessToken())
    assert.deepEqual([e.status, e.body.error, e.body.error_description], [400, 'invalid_grant', 'Token has been expired or revoked.'])
    await cloud.restoreConsent({ provider: 'google', tenant: 'aoba' })
  })

  test('missing, unknown and too narrow tokens', async () => {
    for (const [headers, reason] of [[{}, 'required'], [{ Authorization: 'Bearer nonsense' }, 'authError']]) {
      const r = await fetch(`${cloud.urls.google}/drive/v3/files`, { headers })
      assert.equal(r.status, 401)
      assert.match(r.headers.get('www-authenticate'), /^Bearer realm="https:\/\/accounts\.google\.com\/"/)
      const { error } = await r.json()
      assert.deepEqual([error.code, error.errors[0].reason, error.errors[0].location], [401, reason, 'Authorization'])
    }
    const e = await failure(driveOf(cloud, hana, [scopes.scope('drive.readonly')]).files.create({ requestBody: { name: 'x' } }))
    assert.deepEqual([e.status, e.reason], [403, 'insufficientPermissions'])
    const m = await failure(gmailOf(cloud, hana, scopes.gmail).users.messages.batchDelete({ userId: 'me', requestBody: { ids: ['1a'] } }))
    assert.deepEqual([m.status, m.body.error.status], [403, 'PERMISSION_DENIED'])
    const meta = gmailOf(cloud, hana, [scopes.scope('gmail.metadata')])
    const [first] = await messages(meta)
    assert.equal((await failure(meta.users.messages.get({ userId: 'me', id: first.id, format: 'raw' }))).status, 403)
    assert.equal((await failure(meta.users.messages.list({ userId: 'me', q: 'x' }))).status, 403)
    assert.equal((await failure(gmailOf(cloud, hana).users.getProfile({ userId: ken }))).message, `Delegation denied for ${hana}`)
  })
})

describe('the directory', () => {
  test('users by pages', async () => {
    const d = directoryOf(cloud)
    const seen = []
    let pageToken
    do {
      const { data } = await d.users.list({ customer: 'my_customer', maxResults: 2, pageToken })
      assert.ok(data.users.length <= 2)
      seen.push(...data.users.map((u) => u.primaryEmail))
      pageToken = data.nextPageToken
    } while (pageToken)
    assert.deepEqual(seen, [boss, hana, ken, 'zoe@aoba.example'])
    const { data } = await d.users.get({ userKey: hana })
    assert.deepEqual([data.primaryEmail, data.isAdmin, data.isMailboxSetup, data.orgUnitPath], [hana, false, true, '/'])
    assert.equal((await d.users.list({ domain: 'aoba.example', query: 'email:ken*' })).data.users[0].primaryEmail, ken)
    assert.equal((await d.groups.list({ customer: 'my_customer' })).data.groups[0].directMembersCount, '4')
  })
  test('not for everybody, and not without a question', async () => {
    assert.equal((await failure(directoryOf(cloud, hana).users.list({ customer: 'my_customer' }))).status, 403)
    assert.equal((await failure(directoryOf(cloud).users.list({}))).status, 400)
    assert.equal((await failure(directoryOf(cloud).users.get({ userKey: 'no@aoba.example' }))).message, 'Resource Not Found: userKey')
  })
  test('the audit feed of Drive', async () => {
    await driveOf(cloud, hana).files.create({ requestBody: { name: 'audited' } })
    const { data } = await reportsOf(cloud).activities.list({ userKey: 'all', applicationName: 'drive', maxResults: 1 })
    assert.deepEqual([data.items[0].actor.email, data.items[0].events[0].name], [hana, 'create'])
  })
})

describe('mail', () => {
  test('lists by label and query, with paging', async () => {
    const g = gmailOf(cloud, hana)
    assert.equal((await messages(g, { maxResults: 1 })).length, 3)
    assert.equal((await messages(g, { includeSpamTrash: true })).length, 4)
    assert.equal((await messages(g, { labelIds: ['INBOX'] })).length, 2)
    const count = async (q) => (await messages(g, { q })).length
    assert.equal(await count('in:inbox'), 2)
    assert.equal(await count('label:projects-alpha'), 1)
    assert.equal(await count('in:spam'), 1)
    assert.equal(await count('in:anywhere'), 4)
    assert.equal(await count('rfc822msgid:two@else.example'), 1)
    assert.equal(await count(`after:${Date.parse('2026-06-02T00:00:00Z') / 1000}`), 2)
    assert.equal(await count('after:2026/06/02 before:2026/06/05'), 1)
    assert.equal(await count('has:attachment'), 1)
    assert.equal(await count('-has:attachment in:inbox'), 1)
    assert.equal(await count('from:mika {subject:third subject:nothing}'), 1)
    const empty = (await g.users.messages.list({ userId: 'me', q: 'subject:nothing' })).data
    assert.deepEqual(empty, { resultSizeEstimate: 0 })
    assert.equal((await failure(g.users.messages.list({ userId: 'me', pageToken: 'nonsense' }))).status, 400)
  })

  test('a message in its formats, and its attachment', async () => {
    const g = gmailOf(cloud, hana)
    const [{ id }] = await messages(g, { q: 'rfc822msgid:one@else.example' })
    const full = (await g.users.messages.get({ userId: 'me', id })).data
    assert.equal(full.payload.headers.find((h) => h.name === 'Subject').value, 'こんにちは')
    assert.deepEqual([full.labelIds, full.internalDate], [['INBOX'], String(Date.parse('2026-06-01T01:00:00Z'))])
    const part = full.payload.parts[1]
    assert.deepEqual([part.filename, part.mimeType, part.body.size, part.body.data], ['a.bin', 'application/octet-stream', 8, undefined])
    assert.match(Buffer.from(full.payload.parts[0].body.data, 'base64url').toString(), /Good day/)
    const { data } = await g.users.messages.attachments.get({ userId: 'me', messageId: id, id: part.body.attachmentId })
    assert.deepEqual([Buffer.from(data.data, 'base64url').toString(), data.size], ['attached', 8])
    const meta = (await g.users.messages.get({ userId: 'me', id, format: 'metadata', metadataHeaders: ['Message-ID', 'subject'] })).data
    assert.deepEqual(meta.payload.headers.map((h) => h.name), ['Subject', 'Message-ID'])
    const minimal = (await g.users.messages.get({ userId: 'me', id, format: 'minimal' })).data
    assert.deepEqual([minimal.payload, minimal.raw, minimal.snippet], [undefined, undefined, 'Good day.'])
    const text = (await g.users.messages.get({ userId: 'me', id, format: 'raw' })).data.raw
    assert.equal(Buffer.from(text, 'base64url').toString(), seed[`${base}/users/${hana}/mail/INBOX/1.eml`].content)
    assert.equal(text.length % 4, 0, 'padded')
    const thread = (await g.users.threads.get({ userId: 'me', id: full.threadId, format: 'minimal' })).data
    assert.equal(thread.messages.length, 2)
    assert.deepEqual(Object.keys((await g.users.messages.get({ userId: 'me', id, fields: 'id,payload(headers/name)' })).data), ['id', 'payload'])
    assert.equal((await failure(g.users.messages.get({ userId: 'me', id: '1abcdef012345678' }))).body.error.status, 'NOT_FOUND')
    assert.equal((await failure(g.users.messages.get({ userId: 'me', id, fields: 'nosuch' }))).status, 400)
  })

  test('labels', async () => {
    const g = gmailOf(cloud, hana)
    const names = (await g.users.labels.list({ userId: 'me' })).data.labels.map((l) => l.name)
    for (const n of ['INBOX', 'SPAM', 'Projects', 'Projects/Alpha']) assert.ok(names.includes(n), n)
    const make = (name, more) => g.users.labels.create({ userId: 'me', requestBody: { name, ...more } })
    const { data } = await make('hidden', { labelListVisibility: 'labelHide', messageListVisibility: 'hide' })
    assert.deepEqual([data.type, data.labelListVisibility], ['user', 'labelHide'])
    const e = await failure(make('Hidden'))
    assert.deepEqual([e.status, e.message], [409, 'Label name exists or conflicts'])
    assert.equal((await failure(make('inbox'))).message, 'Invalid label name')
    assert.equal((await g.users.labels.patch({ userId: 'me', id: data.id, requestBody: { name: 'other' } })).data.labelListVisibility, 'labelHide')
    assert.equal((await g.users.labels.get({ userId: 'me', id: 'INBOX' })).data.messagesTotal, 2)
    assert.equal((await g.users.labels.delete({ userId: 'me', id: data.id })).status, 204)
    assert.equal((await failure(g.users.labels.get({ userId: 'me', id: data.id }))).status, 404)
    assert.equal((await failure(g.users.labels.delete({ userId: 'me', id: 'INBOX' }))).status, 400)
  })

  test('insert, import, upload in three ways', async () => {
    const g = gmailOf(cloud, ken)
    const a = (await g.users.messages.insert({ userId: 'me', internalDateSource: 'dateHeader', requestBody: { raw: b64(eml('inserted')), labelIds: ['INBOX', 'UNREAD'] } })).data
    assert.deepEqual(a.labelIds, ['INBOX', 'UNREAD'])
    assert.equal((await g.users.messages.get({ userId: 'me', id: a.id, format: 'minimal' })).data.internalDate, String(Date.parse('2026-06-01T01:00:00Z')))
    const b = (await g.users.messages.insert({ userId: 'me', requestBody: { labelIds: ['INBOX'] }, media: { mimeType: 'message/rfc822', body: eml('multipart') } })).data
    assert.deepEqual(b.labelIds, ['INBOX'])
    const c = (await g.users.messages.import({ userId: 'me', media: { mimeType: 'message/rfc822', body: Readable.from([eml('imported')]) } })).data
    assert.ok(c.labelIds.includes('INBOX'))
    const auth = signIn(cloud, { subject: ken, scopes: scopes.mail })
    const start = await raw(cloud, auth, 'POST', '/resumable/upload/gmail/v1/users/me/messages?uploadType=resumable', {
      headers: { 'Content-Type': 'application/json', 'X-Upload-Content-Type': 'message/rfc822' }, body: '{"labelIds":["SENT"]}' })
    const put = await fetch(start.headers.get('location'), { method: 'PUT', body: eml('resumed') })
    assert.deepEqual((await put.json()).labelIds, ['SENT'])
    const big = randomBytes(3 << 20)
    const d = (await g.users.messages.insert({ userId: 'me', requestBody: {}, media: { mimeType: 'message/rfc822', body: eml('big', { attach: { name: 'big', data: big } }) } })).data
    const parts = (await g.users.messages.get({ userId: 'me', id: d.id })).data.payload.parts
    const back = (await g.users.messages.attachments.get({ userId: 'me', messageId: d.id, id: parts[1].body.attachmentId })).data
    assert.equal(md5(Buffer.from(back.data, 'base64url')), md5(big))
    assert.equal((await failure(g.users.messages.insert({ userId: 'me', requestBody: { labelIds: ['INBOX'] } }))).status, 400)
    assert.equal((await failure(g.users.messages.insert({ userId: 'me', requestBody: { raw: b64('x'), labelIds: ['Label_99'] } }))).message, 'Invalid label: Label_99')
  })

  test('history, quarantine by label, trash and deletion', async () => {
    const g = gmailOf(cloud, hana)
    const start = (await g.users.getProfile({ userId: 'me' })).data.historyId
    const nothing = (await g.users.history.list({ userId: 'me', startHistoryId: start })).data
    assert.deepEqual(nothing, { historyId: start })
    const label = (await g.users.labels.create({ userId: 'me', requestBody: { name: 'q', labelListVisibility: 'labelHide' } })).data.id
    const { id } = (await g.users.messages.insert({ userId: 'me', requestBody: { raw: b64(eml('bad')), labelIds: ['INBOX', 'UNREAD'] } })).data
    const after = (await g.users.messages.modify({ userId: 'me', id, requestBody: { addLabelIds: [label], removeLabelIds: ['INBOX', 'UNREAD'] } })).data
    assert.deepEqual(after.labelIds, [label])
    assert.equal((await cloud.state()).find((i) => i.id === id).quarantined, true)
    await g.users.messages.trash({ userId: 'me', id })
    await g.users.messages.untrash({ userId: 'me', id })
    await g.users.messages.batchModify({ userId: 'me', requestBody: { ids: [id], addLabelIds: ['INBOX'], removeLabelIds: [label] } })
    assert.equal((await cloud.state()).find((i) => i.id === id).quarantined, false)
    assert.equal((await g.users.messages.delete({ userId: 'me', id })).status, 204)
    const events = []
    let pageToken
    do {
      const { data } = await g.users.history.list({ userId: 'me', startHistoryId: start, maxResults: 2, pageToken })
      assert.ok(data.history.length <= 2)
      events.push(...data.history)
      pageToken = data.nextPageToken
    } while (pageToken)
    const kinds = events.map((h) => Object.keys(h).find((k) => !['id', 'messages'].includes(k)))
    assert.deepEqual(kinds, ['messagesAdded', 'labelsAdded', 'labelsRemoved', 'labelsAdded', 'labelsRemoved', 'labelsAdded', 'labelsRemoved', 'messagesDeleted'])
    assert.deepEqual(events.map((h) => BigInt(h.id)), events.map((h) => BigInt(h.id)).sort((a, b) => (a < b ? -1 : 1)))
    assert.deepEqual(events[2].labelsRemoved[0].labelIds, ['INBOX', 'UNREAD'])
    const added = (await g.users.history.list({ userId: 'me', startHistoryId: start, historyTypes: ['messageAdded'] })).data.history
    assert.deepEqual(added.map((h) => h.messagesAdded[0].message.id), [id])
    assert.equal((await g.users.history.list({ userId: 'me', startHistoryId: start, labelId: 'SPAM' })).data.history, undefined)
    assert.equal((await failure(g.users.history.list({ userId: 'me', startHistoryId: '1' }))).reason, 'notFound')
    assert.equal((await failure(g.users.messages.modify({ userId: 'me', id, requestBody: { addLabelIds: ['INBOX'] } }))).status, 404)
    const w = (await g.users.watch({ userId: 'me', requestBody: { topicName: 'projects/p/topics/t' } })).data
    assert.ok(Number(w.expiration) > Date.now() + 6 * 864e5)
  })

  test('no Gmail for the user', async () => {
    const e = await failure(gmailOf(cloud, 'zoe@aoba.example').users.getProfile({ userId: 'me' }))
    assert.deepEqual([e.status, e.reason, e.body.error.status], [400, 'failedPrecondition', 'FAILED_PRECONDITION'])
  })

  test('batch', async () => {
    const g = gmailOf(cloud, hana)
    const ids = (await messages(g)).map((m) => m.id)
    const part = (id, n) => `--x\r\nContent-Type: application/http\r\nContent-ID: <item${n}>\r\n\r\nGET /gmail/v1/users/me/messages/${id}?format=minimal\r\n\r\n`
    const body = [...ids, '1abcdef012345678'].map(part).join('') + '--x--\r\n'
    const r = await raw(cloud, signIn(cloud, { subject: hana, scopes: scopes.mail }), 'POST', '/batch', { headers: { 'Content-Type': 'multipart/mixed; boundary=x' }, body })
    const text = await r.text()
    assert.equal(r.status, 200)
    assert.equal(text.match(/^HTTP\/1\.1 200 OK/gm).length, ids.length)
    assert.equal(text.match(/^HTTP\/1\.1 404 Not Found/gm).length, 1)
    assert.match(text, /Content-ID: <response-item0>/)
  })
})

describe('files', () => {
  test('lists, masks and gets', async () => {
    const d = driveOf(cloud, hana)
    const names = async (params) => (await d.files.list({ fields: 'files(name)', orderBy: 'name', ...params })).data.files.map((f) => f.name)
    assert.deepEqual(await names({ q: "'root' in parents and name != 'audited'" }), ['docs', 'evil.exe', 'plan'])
    assert.deepEqual(await names({ q: `mimeType = '${folderType}'` }), ['docs'])
    assert.deepEqual(await names({ q: "modifiedTime < '2026-06-02T00:00:00'" }), ['a.txt'])
    assert.ok(!(await names({})).includes('s.txt'))
    assert.ok((await names({ ...all, corpora: 'allDrives' })).includes('t.txt'))
    const byDefault = (await d.files.list({ pageSize: 1 })).data
    assert.deepEqual(Object.keys(byDefault).sort(), ['files', 'incompleteSearch', 'kind', 'nextPageToken'])
    assert.deepEqual(Object.keys(byDefault.files[0]).sort(), ['id', 'kind', 'mimeType', 'name'])
    const id = await idOf(d, 'a.txt')
    const f = (await d.files.get({ fileId: id, fields: 'name,size,md5Checksum,sha256Checksum,owners/emailAddress,capabilities(canTrash),permissions(*),version,headRevisionId,createdTime' })).data
    assert.deepEqual([f.name, f.size, f.md5Checksum, f.createdTime], ['a.txt', '5', md5('hello'), '2026-06-01T00:00:00.000Z'])
    assert.deepEqual(f.owners, [{ emailAddress: hana }])
    assert.deepEqual(f.capabilities, { canTrash: true })
    assert.deepEqual(f.permissions.map((p) => `${p.type}:${p.role}`).sort(), ['anyone:reader', 'user:owner', 'user:writer'])
    for (const [fileId, fields] of [['root', 'id,nosuch'], ['root', 'owners(nosuch)'], ['root', 'id(']])
      assert.equal((await failure(d.files.get({ fileId, fields }))).reason, 'invalidParameter')
    const e = await failure(d.files.get({ fileId: 'missing' }))
    assert.deepEqual([e.status, e.reason, e.message], [404, 'notFound', 'File not found: missing.'])
    assert.equal((await failure(d.files.list({ q: 'nonsense' }))).body.error.errors[0].location, 'q')
    assert.equal((await failure(d.about.get({}))).reason, 'required')
    assert.equal((await d.about.get({ fields: 'user(emailAddress)' })).data.user.emailAddress, hana)
    assert.equal((await failure(driveOf(cloud, ken).files.get({ fileId: await idOf(d, 'plan') }))).status, 404)
    assert.equal((await driveOf(cloud, ken).files.list({ q: 'sharedWithMe', fields: 'files(name)' })).data.files[0].name, 'a.txt')
  })

  test('content, ranges, malware', async () => {
    const d = driveOf(cloud, hana)
    const fileId = await idOf(d, 'a.txt')
    const whole = await d.files.get({ fileId, alt: 'media' }, { responseType: 'text' })
    assert.equal(whole.data, 'hello')
    const part = await d.files.get({ fileId, alt: 'media' }, { responseType: 'text', headers: { Range: 'bytes=1-3' } })
    assert.deepEqual([part.status, part.data], [206, 'ell'])
    const evil = await idOf(d, 'evil.exe')
    assert.equal((await failure(d.files.get({ fileId: evil, alt: 'media' }))).reason, 'cannotDownloadAbusiveFile')
    assert.equal((await d.files.get({ fileId: evil, alt: 'media', acknowledgeAbuse: true }, { responseType: 'text' })).data, 'MZ evil')
    assert.equal((await failure(d.files.get({ fileId, alt: 'media', acknowledgeAbuse: true }))).reason, 'invalidAbuseAcknowledgment')
  })

  test('Google documents', async () => {
    const d = driveOf(cloud, hana)
    const fileId = await idOf(d, 'plan')
    const f = (await d.files.get({ fileId, fields: '*' })).data
    assert.deepEqual([f.mimeType, f.md5Checksum, f.headRevisionId], ['application/vnd.google-apps.document', undefined, undefined])
    assert.ok(f.exportLinks['application/pdf'])
    assert.equal((await failure(d.files.get({ fileId, alt: 'media' }))).reason, 'fileNotDownloadable')
    assert.equal((await d.files.export({ fileId, mimeType: 'text/plain' }, { responseType: 'text' })).data, 'exported words')
    assert.equal((await failure(d.files.export({ fileId, mimeType: 'image/gif' }))).status, 400)
    assert.equal((await failure(d.files.export({ fileId: await idOf(d, 'a.txt'), mimeType: 'text/plain' }))).reason, 'fileNotExportable')
    const big = (await d.files.create({ requestBody: { name: 'big doc', mimeType: 'application/vnd.google-apps.document' }, media: { mimeType: 'text/plain', body: 'x'.repeat(11 << 20) } })).data
    assert.equal((await failure(d.files.export({ fileId: big.id, mimeType: 'text/plain' }))).reason, 'exportSizeLimitExceeded')
    let op = (await d.files.download({ fileId: big.id, mimeType: 'text/plain' })).data
    for (let i = 0; i < 5 && !op.done; i++) op = (await d.operations.get({ name: op.name })).data
    const auth = signIn(cloud, { subject: hana, scopes: scopes.drive })
    assert.equal((await (await raw(cloud, auth, 'GET', op.response.downloadUri)).arrayBuffer()).byteLength, 11 << 20)
    await d.files.delete({ fileId: big.id })
  })

  test('uploads: simple, multipart, resumable in chunks', async () => {
    const d = driveOf(cloud, ken)
    const auth = signIn(cloud, { subject: ken, scopes: scopes.drive })
    const fields = 'id,name,mimeType,size,md5Checksum,version,headRevisionId,parents'
    const small = (await d.files.create({ requestBody: { name: 'm.txt' }, media: { mimeType: 'text/plain', body: 'multi' }, fields })).data
    assert.deepEqual([small.name, small.size, small.md5Checksum, small.mimeType], ['m.txt', '5', md5('multi'), 'text/plain'])
    const simple = await (await raw(cloud, auth, 'POST', '/upload/drive/v3/files?uploadType=media&fields=name,size', { headers: { 'Content-Type': 'text/csv' }, body: 'a,b' })).json()
    assert.deepEqual(simple, { name: 'Untitled', size: '3' })
    const encoded = `--b\r\ncontent-type: application/json\r\n\r\n{"name":"e"}\r\n--b\r\ncontent-type: text/plain\r\ncontent-transfer-encoding: base64\r\n\r\naGVs\r\nbG8=\r\n--b--`
    const decoded = await raw(cloud, auth, 'POST', '/upload/drive/v3/files?uploadType=multipart&fields=md5Checksum', { headers: { 'Content-Type': 'multipart/related; boundary="b"' }, body: encoded })
    assert.deepEqual(await decoded.json(), { md5Checksum: md5('hello') })
    assert.equal((await raw(cloud, auth, 'PATCH', '/upload/drive/v3/files/missing?uploadType=resumable')).status, 404)
    const data = randomBytes(600 << 10)
    const chunk = 256 << 10
    const start = await raw(cloud, auth, 'POST', `/upload/drive/v3/files?uploadType=resumable&fields=${fields}`, {
      headers: { 'Content-Type': 'application/json', 'X-Upload-Content-Length': String(data.length) }, body: '{"name":"r.bin"}' })
    const session = start.headers.get('location')
    assert.ok(start.status === 200 && session.includes('upload_id='))
    const put = (from, to, total = data.length) => fetch(session, { method: 'PUT', redirect: 'manual', body: data.subarray(from, to), headers: { 'Content-Range': `bytes ${from}-${to - 1}/${total}` } })
    const one = await put(0, chunk)
    assert.deepEqual([one.status, one.headers.get('range')], [308, `bytes=0-${chunk - 1}`])
    assert.equal((await put(5, chunk)).status, 400)
    assert.equal((await put(chunk, chunk + 1000, '*')).status, 400)
    const query = await fetch(session, { method: 'PUT', redirect: 'manual', headers: { 'Content-Range': `bytes */${data.length}` } })
    assert.deepEqual([query.status, query.headers.get('range')], [308, `bytes=0-${chunk - 1}`])
    assert.equal((await put(chunk, 2 * chunk)).status, 308)
    const last = await put(2 * chunk, data.length)
    const made = await last.json()
    assert.deepEqual([last.status, made.md5Checksum, made.size], [200, md5(data), String(data.length)])
    assert.deepEqual(await (await put(2 * chunk, data.length)).json(), made, 'a repeat gets the same answer')
    const updated = (await d.files.update({ fileId: small.id, media: { mimeType: 'text/plain', body: 'second' }, fields })).data
    assert.ok(BigInt(updated.version) > BigInt(small.version) && updated.headRevisionId !== small.headRevisionId)
    const renamed = (await d.files.update({ fileId: small.id, requestBody: { name: 'n.txt' }, fields })).data
    assert.ok(BigInt(renamed.version) > BigInt(updated.version) && renamed.headRevisionId === updated.headRevisionId)
    const revisions = (await d.revisions.list({ fileId: small.id, fields: 'revisions(id,size,md5Checksum)' })).data.revisions
    assert.deepEqual(revisions.map((r) => r.size), ['5', '6'])
    assert.equal((await d.revisions.get({ fileId: small.id, revisionId: revisions[0].id, alt: 'media' }, { responseType: 'text' })).data, 'multi')
    await d.revisions.delete({ fileId: small.id, revisionId: revisions[0].id })
    assert.equal((await failure(d.revisions.delete({ fileId: small.id, revisionId: revisions[1].id }))).reason, 'cannotDeleteOnlyRevision')
    assert.equal((await failure(d.files.update({ fileId: small.id, requestBody: { parents: ['root'] } }))).reason, 'fieldNotWritable')
  })

  test('folders, moves, copies, shortcuts, trash', async () => {
    const d = driveOf(cloud, hana)
    const folder = async (name, parent = 'root') => (await d.files.create({ requestBody: { name, mimeType: folderType, parents: [parent] }, supportsAllDrives: true })).data.id
    const [a, b] = [await folder('A'), await folder('B')]
    const file = (await d.files.create({ requestBody: { name: 'x', parents: [a] }, media: { mimeType: 'text/plain', body: 'x' } })).data.id
    assert.equal((await failure(d.files.update({ fileId: file, addParents: b }))).reason, 'cannotAddParent')
    assert.deepEqual((await d.files.update({ fileId: file, addParents: b, removeParents: a, fields: 'parents' })).data.parents, [b])
    assert.equal((await failure(d.files.update({ fileId: a, addParents: a, removeParents: 'root' }))).status, 400)
    const copy = (await d.files.copy({ fileId: file, requestBody: { name: 'y' }, fields: 'id,md5Checksum,parents' })).data
    assert.deepEqual([copy.md5Checksum, copy.parents], [md5('x'), [b]])
    const shortcut = (await d.files.create({ requestBody: { name: 's', mimeType: 'application/vnd.google-apps.shortcut', shortcutDetails: { targetId: file } }, fields: 'shortcutDetails' })).data
    assert.deepEqual(shortcut.shortcutDetails, { targetId: file, targetMimeType: 'text/plain' })
    await d.files.update({ fileId: b, requestBody: { trashed: true } })
    assert.deepEqual((await d.files.get({ fileId: file, fields: 'trashed,explicitlyTrashed' })).data, { trashed: true, explicitlyTrashed: false })
    assert.equal((await d.files.list({ q: `'${b}' in parents and trashed = false` })).data.files.length, 0)
    await d.files.update({ fileId: b, requestBody: { trashed: false } })
    assert.equal((await d.files.delete({ fileId: b })).status, 204)
    assert.equal((await failure(d.files.get({ fileId: file }))).status, 404)
  })

  test('permissions', async () => {
    const d = driveOf(cloud, hana)
    const k = driveOf(cloud, ken)
    const file = (await d.files.create({ requestBody: { name: 'shared' }, media: { mimeType: 'text/plain', body: 'x' } })).data.id
    assert.equal((await failure(k.files.get({ fileId: file }))).status, 404)
    const p = (await d.permissions.create({ fileId: file, requestBody: { type: 'user', role: 'reader', emailAddress: ken } })).data
    assert.deepEqual(Object.keys(p).sort(), ['id', 'kind', 'role', 'type'])
    assert.equal((await k.files.get({ fileId: file })).data.name, 'shared')
    assert.equal((await failure(k.files.update({ fileId: file, requestBody: { name: 'mine' } }))).reason, 'insufficientFilePermissions')
    assert.equal((await failure(k.files.update({ fileId: file, requestBody: { trashed: true } }))).status, 403)
    await d.permissions.create({ fileId: file, requestBody: { type: 'anyone', role: 'reader' } })
    const list = (await d.permissions.list({ fileId: file, fields: 'permissions(id,type,role,emailAddress)' })).data.permissions
    assert.deepEqual(list.map((x) => x.id === 'anyoneWithLink' || x.emailAddress).sort(), [hana, ken, true])
    assert.deepEqual((await cloud.state()).find((i) => i.id === file).sharing, [`link:anonymous:view`, `user:${ken}:read`])
    assert.equal((await d.permissions.update({ fileId: file, permissionId: p.id, requestBody: { role: 'writer' } })).data.role, 'writer')
    assert.equal((await failure(d.permissions.create({ fileId: file, requestBody: { type: 'user', role: 'owner', emailAddress: ken } }))).status, 403)
    for (const x of list.filter((e) => e.role !== 'owner')) assert.equal((await d.permissions.delete({ fileId: file, permissionId: x.id })).status, 204)
    assert.equal((await failure(k.files.get({ fileId: file }))).status, 404)
    assert.equal((await failure(d.permissions.delete({ fileId: file, permissionId: p.id }))).reason, 'notFound')
    assert.equal((await failure(d.permissions.delete({ fileId: file, permissionId: list.find((e) => e.role === 'owner').id }))).status, 403)
  })

  test('marks that the state shows, and a document that keeps its time', async () => {
    const d = driveOf(cloud, hana)
    const { data: file } = await d.files.create({ requestBody: { name: 'marked', mimeType: 'application/vnd.google-apps.document' }, fields: 'id,modifiedTime' })
    const labels = async () => (await cloud.state()).find((i) => i.id === file.id)?.labels
    await d.files.update({ fileId: file.id, requestBody: { description: 'mine\n[sekisho] 社外秘', properties: { 'sekisho-1': '社外秘' }, modifiedTime: file.modifiedTime } })
    const { data } = await d.files.get({ fileId: file.id, fields: 'description,properties,modifiedTime,permissionIds' })
    assert.deepEqual([data.description, data.properties, data.modifiedTime, data.permissionIds.length], ['mine\n[sekisho] 社外秘', { 'sekisho-1': '社外秘' }, file.modifiedTime, 1])
    assert.deepEqual(await labels(), ['mine\n[sekisho] 社外秘', 'sekisho-1=社外秘'])
    await d.files.update({ fileId: file.id, requestBody: { description: '', properties: { 'sekisho-1': null } } })
    assert.deepEqual(await labels(), [])
  })

  test('restrictions', async () => {
    const d = driveOf(cloud, hana)
    const file = (await d.files.create({ requestBody: { name: 'locked' }, media: { mimeType: 'text/plain', body: 'x' } })).data.id
    await d.permissions.create({ fileId: file, requestBody: { type: 'user', role: 'writer', emailAddress: ken } })
    const { data } = await d.files.update({ fileId: file, requestBody: { contentRestrictions: [{ readOnly: true, ownerRestricted: true, reason: 'why' }], copyRequiresWriterPermission: true }, fields: 'contentRestrictions,capabilities/canModifyContent,copyRequiresWriterPermission' })
    assert.deepEqual([data.contentRestrictions[0].readOnly, data.contentRestrictions[0].type, data.capabilities.canModifyContent], [true, 'globalContentRestriction', false])
    assert.equal((await failure(driveOf(cloud, ken).files.update({ fileId: file, media: { body: 'y' } }))).status, 403)
    assert.equal((await failure(driveOf(cloud, ken).files.update({ fileId: file, requestBody: { contentRestrictions: [{ readOnly: false }] } }))).status, 403)
    await d.files.update({ fileId: file, requestBody: { contentRestrictions: [{ readOnly: false }], downloadRestrictions: { itemDownloadRestriction: { restrictedForReaders: true, restrictedForWriters: true } } } })
    assert.equal((await failure(driveOf(cloud, ken).files.get({ fileId: file, alt: 'media' }))).reason, 'cannotDownloadFile')
  })
})

describe('shared drives', () => {
  test('make, list, members, delete', async () => {
    const d = driveOf(cloud, boss)
    const make = (requestId) => d.drives.create({ requestId, requestBody: { name: 'Temp' } })
    const { data } = await make('r-1')
    assert.deepEqual(Object.keys(data).sort(), ['id', 'kind', 'name'])
    assert.equal((await failure(make('r-1'))).status, 409)
    assert.deepEqual((await d.drives.list({ fields: 'drives(name)' })).data.drives.map((x) => x.name), ['Sales', 'Temp'])
    assert.equal((await failure(driveOf(cloud, ken).drives.get({ driveId: data.id }))).status, 404)
    const m = (await d.permissions.create({ fileId: data.id, supportsAllDrives: true, requestBody: { type: 'user', role: 'writer', emailAddress: ken } })).data
    assert.equal((await driveOf(cloud, ken).drives.get({ driveId: data.id })).data.name, 'Temp')
    const file = (await driveOf(cloud, ken).files.create({ supportsAllDrives: true, requestBody: { name: 'in', parents: [data.id] }, media: { body: 'x' }, fields: 'id,driveId,ownedByMe,owners' })).data
    assert.deepEqual([file.driveId, file.owners, file.ownedByMe], [data.id, undefined, undefined])
    assert.equal((await failure(d.files.get({ fileId: file.id }))).status, 404, 'without supportsAllDrives')
    const perms = (await d.permissions.list({ fileId: file.id, supportsAllDrives: true, fields: 'permissions(id,permissionDetails)' })).data.permissions
    assert.deepEqual(perms.find((p) => p.id === m.id).permissionDetails, [{ permissionType: 'member', role: 'writer', inheritedFrom: data.id, inherited: true }])
    assert.equal((await failure(d.permissions.delete({ fileId: file.id, permissionId: m.id, supportsAllDrives: true }))).reason, 'cannotModifyInheritedPermission')
    assert.equal((await failure(driveOf(cloud, ken).files.delete({ fileId: file.id, supportsAllDrives: true }))).status, 403)
    assert.equal((await failure(d.drives.delete({ driveId: data.id }))).status, 403)
    await d.files.delete({ fileId: file.id, supportsAllDrives: true })
    assert.equal((await d.drives.delete({ driveId: data.id })).status, 204)
  })

  test('from My Drive into quarantine and back', async () => {
    const h = driveOf(cloud, hana)
    const adm = driveOf(cloud, boss)
    const q = (await adm.drives.create({ requestId: 'q', requestBody: { name: 'sekisho-quarantine' } })).data.id
    const file = (await h.files.create({ requestBody: { name: 'bad' }, media: { mimeType: 'text/plain', body: 'bad' }, fields: 'id,parents' })).data
    const move = (d, to, from) => d.files.update({ fileId: file.id, addParents: to, removeParents: from, supportsAllDrives: true, fields: 'id,driveId,ownedByMe,parents' })
    assert.equal((await failure(move(h, q, file.parents[0]))).status, 404, 'no member')
    await adm.permissions.create({ fileId: q, supportsAllDrives: true, requestBody: { type: 'user', role: 'organizer', emailAddress: hana } })
    assert.deepEqual((await move(h, q, file.parents[0])).data, { id: file.id, driveId: q, parents: [q] })
    assert.deepEqual([(await cloud.state()).find((i) => i.id === file.id)].map((i) => [i.quarantined, i.owner, i.place]), [[true, 'sekisho-quarantine', '/']])
    const folder = (await h.files.create({ requestBody: { name: 'dir', mimeType: folderType }, fields: 'id,parents' })).data
    const e = await failure(h.files.update({ fileId: folder.id, addParents: q, removeParents: folder.parents[0], supportsAllDrives: true }))
    assert.equal(e.reason, 'teamDrivesFolderMoveInNotSupported')
    const transit = (await adm.drives.create({ requestId: 't', requestBody: { name: 'sekisho-quarantine-transit' } })).data.id
    await move(adm, transit, q)
    assert.equal((await cloud.state()).find((i) => i.id === file.id).quarantined, false, 'it is still on its way')
    await move(adm, q, transit)
    const back = (await move(h, file.parents[0], q)).data
    assert.deepEqual([back.ownedByMe, back.driveId, back.parents], [true, undefined, file.parents])
  })
})

describe('changes', () => {
  async function changes(d, pageToken, params = {}) {
    const out = []
    for (;;) {
      const { data } = await d.changes.list({ pageToken, ...all, fields: '*', ...params })
      assert.ok(!(data.nextPageToken && data.newStartPageToken))
      out.push(...data.changes)
      if (data.newStartPageToken) return { out, token: data.newStartPageToken }
      pageToken = data.nextPageToken
    }
  }

  test('a user sees his own, what is shared, and what he loses', async () => {
    const h = driveOf(cloud, hana)
    const k = driveOf(cloud, ken)
    const start = async (d) => (await d.changes.getStartPageToken({})).data.startPageToken
    let [ht, kt] = [await start(h), await start(k)]
    assert.deepEqual((await changes(h, ht)).out, [])
    const ids = []
    for (let i = 0; i < 5; i++) ids.push((await h.files.create({ requestBody: { name: `c${i}` }, media: { body: String(i) } })).data.id)
    await h.files.update({ fileId: ids[0], requestBody: { name: 'again' } })
    const one = await changes(h, ht, { pageSize: 2 })
    assert.deepEqual(one.out.map((c) => c.fileId).sort(), [...ids].sort())
    assert.ok(one.out.every((c) => c.kind === 'drive#change' && c.changeType === 'file' && c.file.md5Checksum))
    assert.deepEqual((await changes(k, kt)).out, [])
    const p = (await h.permissions.create({ fileId: ids[1], requestBody: { type: 'user', role: 'reader', emailAddress: ken } })).data.id
    const won = await changes(k, kt)
    assert.deepEqual(won.out.map((c) => [c.fileId, c.removed]), [[ids[1], false]])
    await h.permissions.delete({ fileId: ids[1], permissionId: p })
    const lost = await changes(k, won.token)
    assert.deepEqual(lost.out.map((c) => [c.fileId, c.removed, c.file]), [[ids[1], true, undefined]])
    await h.files.delete({ fileId: ids[2] })
    const gone = await changes(h, one.token)
    assert.deepEqual(gone.out.map((c) => [c.fileId, c.removed]), [[ids[1], false], [ids[2], true]])
    assert.deepEqual((await changes(h, one.token, { includeRemoved: false })).out.length, 1)
    const byDefault = (await h.changes.list({ pageToken: ht })).data.changes.find((c) => c.file)
    assert.deepEqual(Object.keys(byDefault.file).sort(), ['id', 'kind', 'mimeType', 'name'])
  })

  test("a shared drive's log needs its own token", async () => {
    const k = driveOf(cloud, ken)
    const h = driveOf(cloud, hana)
    const driveId = (await k.drives.list({ q: "name = 'Sales'" })).data.drives[0].id
    const start = (await k.changes.getStartPageToken({ driveId, supportsAllDrives: true })).data.startPageToken
    const { id } = (await h.files.create({ supportsAllDrives: true, requestBody: { name: 'new', parents: [driveId] }, media: { body: '1' } })).data
    assert.deepEqual((await changes(k, start)).out, [], "not in ken's own log")
    const seen = await changes(k, start, { driveId })
    assert.deepEqual(seen.out.map((c) => [c.fileId, c.file.driveId]), [[id, driveId]])
    await driveOf(cloud, boss).files.delete({ fileId: id, supportsAllDrives: true })
    assert.deepEqual((await changes(k, seen.token, { driveId })).out.map((c) => [c.fileId, c.removed]), [[id, true]])
    assert.equal((await failure(k.changes.list({ pageToken: start, driveId: 'missing', ...all }))).status, 404)
    const w = (await k.changes.watch({ pageToken: start, requestBody: { id: 'chan-1', type: 'web_hook', address: 'https://hook.example/x' } })).data
    assert.equal(w.kind, 'api#channel')
    assert.equal((await k.channels.stop({ requestBody: { id: 'chan-1', resourceId: w.resourceId } })).status, 204)
  })
})

describe('when things end', () => {
  test('lost cursors', async () => {
    const h = driveOf(cloud, hana)
    const g = gmailOf(cloud, hana)
    const token = (await h.changes.getStartPageToken({})).data.startPageToken
    const page = (await h.files.list({ pageSize: 1 })).data.nextPageToken
    const history = (await g.users.getProfile({ userId: 'me' })).data.historyId
    await cloud.expireCursors({ provider: 'google', tenant: 'aoba' })
    for (const call of [h.changes.list({ pageToken: token }), h.files.list({ pageSize: 1, pageToken: page })]) {
      const e = await failure(call)
      assert.deepEqual([e.status, e.reason, e.body.error.errors[0].location], [400, 'invalid', 'pageToken'])
    }
    assert.equal((await failure(g.users.history.list({ userId: 'me', startHistoryId: history }))).status, 404)
    const fresh = (await g.users.getProfile({ userId: 'me' })).data.historyId
    assert.equal((await g.users.history.list({ userId: 'me', startHistoryId: fresh })).status, 200)
    const again = (await h.changes.getStartPageToken({})).data.startPageToken
    assert.equal((await h.changes.list({ pageToken: again })).status, 200)
  })

  test('consent withdrawn and given back', async () => {
    const auth = signIn(cloud, { subject: hana, scopes: scopes.drive })
    await auth.getAccessToken()
    await cloud.revoke({ provider: 'google', tenant: 'aoba' })
    const r = await raw(cloud, auth, 'GET', '/drive/v3/about?fields=user')
    assert.equal(r.status, 401)
    const e = await failure(signIn(cloud, { subject: hana, scopes: scopes.drive }).authorize())
    assert.deepEqual([e.status, e.body.error], [401, 'unauthorized_client'])
    await cloud.restoreConsent({ provider: 'google', tenant: 'aoba' })
    assert.ok(await signIn(cloud, { subject: hana, scopes: scopes.drive }).authorize())
  })

  test('an expired token', async () => {
    const auth = signIn(cloud, { subject: hana, scopes: scopes.drive })
    await auth.getAccessToken()
    await cloud.clock(3700)
    const r = await raw(cloud, auth, 'GET', '/drive/v3/about?fields=user')
    assert.equal(r.status, 401)
    assert.match(r.headers.get('www-authenticate'), /invalid_token/)
  })
})
