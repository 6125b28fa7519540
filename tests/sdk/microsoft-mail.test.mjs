// Microsoft: mailboxes. Folders, messages, ids that change, MIME, attachments, feeds with tombstones and lost states.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { mail, startMicrosoft, PageIterator } from './microsoft-lib.mjs'

let ms, token, client
const hana = '/v1.0/users/hana@aoba.example'
const immutable = { Prefer: 'IdType="ImmutableId"' }

before(async () => {
  ms = await startMicrosoft()
  token = await ms.accessToken()
  client = ms.client()
})
after(() => ms?.stop())

const get = (path, options) => ms.call('GET', path, { token, ...options })
const send = (method, path, body, headers) => ms.call(method, path, { token, body, headers })
const bring = async (user, folder, text) => {
  const answer = await send('POST', `/v1.0/users/${user}/mailFolders/${folder}/messages`, Buffer.from(text).toString('base64'), { 'Content-Type': 'text/plain', ...immutable })
  assert.equal(answer.status, 201)
  return answer.body
}
// Follows a feed to its delta link; gives what it said.
async function follow(path, headers) {
  const out = []
  for (let i = 0; i < 100; i++) {
    const { status, body } = await get(path, { headers })
    assert.equal(status, 200, JSON.stringify(body))
    out.push(...body.value)
    if (body['@odata.deltaLink']) return { out, link: body['@odata.deltaLink'], pages: i + 1 }
    path = body['@odata.nextLink']
  }
  throw new Error('the feed does not end')
}

test('folders: well-known ones, seeded ones, hidden ones', async () => {
  const names = []
  const first = await client.api('/users/hana@aoba.example/mailFolders').get()
  await new PageIterator(client, first, (f) => { names.push(f.displayName); return true }).iterate()
  assert.ok(names.includes('Inbox') && names.includes('Deleted Items') && names.includes('Projects'))
  const inbox = (await get(`${hana}/mailFolders/inbox`)).body
  assert.deepEqual([inbox.totalItemCount, inbox.isHidden], [3, false])
  const made = await send('POST', `${hana}/mailFolders`, { displayName: 'held back', isHidden: true })
  assert.deepEqual([made.status, made.body.isHidden], [201, true])
  assert.equal((await send('POST', `${hana}/mailFolders`, { displayName: 'held back' })).status, 409)
  assert.equal((await send('POST', `${hana}/mailFolders`, {})).status, 400)
  const shown = async (q) => (await get(`${hana}/mailFolders?$top=100${q}`)).body.value.some((f) => f.id === made.body.id)
  assert.deepEqual([await shown(''), await shown('&includeHiddenFolders=true')], [false, true])
  const child = (await send('POST', `${hana}/mailFolders/${made.body.id}/childFolders`, { displayName: 'below' })).body
  assert.equal(child.parentFolderId, made.body.id)
  assert.equal((await send('PATCH', `${hana}/mailFolders/${child.id}`, { displayName: 'renamed' })).body.displayName, 'renamed')
  const moved = await send('POST', `${hana}/mailFolders/${child.id}/move`, { destinationId: 'archive' })
  assert.equal(moved.status, 200)
  assert.equal((await send('DELETE', `${hana}/mailFolders/${child.id}`)).status, 204)
  assert.equal((await get(`${hana}/mailFolders/deleteditems/childFolders`)).body.value[0].id, child.id)
  assert.equal((await send('DELETE', `${hana}/mailFolders/${child.id}`)).status, 204)
  assert.equal((await get(`${hana}/mailFolders/${child.id}`)).body.error.code, 'ErrorItemNotFound')
  assert.equal((await get(`${hana}/mailFolders/x`)).body.error.code, 'ErrorInvalidIdMalformed')
  const { out, link } = await follow(`${hana}/mailFolders/delta`)
  assert.ok(out.some((f) => f.displayName === 'Alpha'))
  const later = (await send('POST', `${hana}/mailFolders`, { displayName: 'later' })).body
  assert.deepEqual((await follow(link)).out.map((f) => f.id), [later.id])
})

test('messages: list, select, filter, MIME, attachments', async () => {
  const list = (await get(`${hana}/mailFolders/inbox/messages?$select=subject,receivedDateTime,hasAttachments`)).body.value
  assert.deepEqual(list.map((m) => m.subject), ['three', 'two', '請求書'])
  assert.deepEqual(Object.keys(list[0]).sort(), ['@odata.etag', 'hasAttachments', 'id', 'receivedDateTime', 'subject'])
  assert.deepEqual(list.map((m) => m.hasAttachments), [false, true, false])
  const found = (await get(`${hana}/messages?$filter=internetMessageId eq '<two@elsewhere.example>'`)).body.value
  assert.equal(found.length, 1)
  const two = found[0]
  assert.deepEqual([two.body.contentType, two.body.content.trim(), two.from.emailAddress.address], ['html', '<p>text</p>', 'guest@elsewhere.example'])
  const mime = await get(`${hana}/messages/${two.id}/$value`)
  assert.match(mime.headers.get('content-type'), /^text\/plain/)
  assert.match(mime.bytes.toString(), /^From: Guest/)
  const [attachment] = (await get(`${hana}/messages/${two.id}/attachments`)).body.value
  assert.deepEqual([attachment['@odata.type'], attachment.name, Buffer.from(attachment.contentBytes, 'base64').toString()], ['#microsoft.graph.fileAttachment', '見積.txt', 'a quote'])
  const raw = await get(`${hana}/messages/${two.id}/attachments/${attachment.id}/$value`)
  assert.equal(raw.bytes.toString(), 'a quote')
  const expanded = (await get(`${hana}/messages/${two.id}?$expand=attachments&$select=internetMessageHeaders`)).body
  assert.equal(expanded.internetMessageHeaders[0].name, 'From')
  assert.equal((await get(`${hana}/messages?$top=2`)).body.value.length, 2)
  assert.match((await get(`${hana}/messages?$top=2`)).body['@odata.nextLink'], /\$skip=2/)
  assert.deepEqual((await get(`${hana}/messages?$orderby=receivedDateTime&$select=subject`)).body.value.map((m) => m.subject), ['請求書', 'two', 'three', 'four'])
})

test('a move changes the id, the immutable one stays', async () => {
  const text = mail({ subject: 'to move', id: 'move' })
  const made = await bring('hana@aoba.example', 'inbox', text)
  const regular = (await get(`${hana}/messages/${made.id}`)).body
  assert.notEqual(regular.id, made.id)
  const folder = (await send('POST', `${hana}/mailFolders`, { displayName: 'quarantine', isHidden: true })).body
  const moved = await send('POST', `${hana}/messages/${regular.id}/move`, { DestinationId: folder.id })
  assert.equal(moved.status, 201)
  assert.notEqual(moved.body.id, regular.id)
  assert.equal((await send('POST', `${hana}/messages/${regular.id}/move`, { destinationId: folder.id })).body.error.code, 'ErrorItemNotFound')
  const again = await get(`${hana}/messages/${made.id}`, { headers: immutable })
  assert.deepEqual([again.body.id, again.body.parentFolderId], [made.id, folder.id])
  assert.match(again.headers.get('preference-applied'), /ImmutableId/)
  const item = (await ms.state()).find((i) => i.id === made.id)
  assert.deepEqual([item.quarantined, item.place, item.name, item.sha256], [true, '/quarantine', 'to move', createHash('sha256').update(text).digest('hex')])
  const { body } = await send('POST', `${hana}/translateExchangeIds`, { inputIds: [made.id, 'AAMkAGUwnothingofthatkind='], sourceIdType: 'restImmutableEntryId', targetIdType: 'restId' })
  assert.equal(body.value[0].targetId, moved.body.id)
  assert.equal(body.value[1].errorDetails.code, 'ErrorItemNotFound')
  const copy = await send('POST', `${hana}/messages/${made.id}/copy`, { destinationId: 'inbox' }, immutable)
  assert.equal(copy.status, 201)
  assert.notEqual(copy.body.id, made.id)
  await send('POST', `${hana}/messages/${made.id}/move`, { destinationId: 'inbox' })
  assert.equal((await get(`${hana}/messages/${made.id}/$value`)).bytes.toString(), text)
})

test('marks, stale change keys, deletion in three steps', async () => {
  const made = await bring('ken@aoba.example', 'inbox', mail({ subject: 'marks', id: 'marks' }))
  const at = `/v1.0/users/ken@aoba.example/messages/${made.id}`
  const marked = await send('PATCH', at, { categories: ['sekisho'], isRead: false })
  assert.deepEqual([marked.status, marked.body.categories, marked.body.isRead], [200, ['sekisho'], false])
  assert.notEqual(marked.body.changeKey, made.changeKey)
  assert.equal((await send('PATCH', at, { categories: [] }, { 'If-Match': made['@odata.etag'] })).status, 412)
  assert.equal((await send('PATCH', at, { subject: 'x' })).status, 400)
  const where = async () => (await ms.state()).find((i) => i.id === made.id)
  assert.deepEqual((await where()).labels, ['sekisho'])
  assert.equal((await send('DELETE', at)).status, 204)
  assert.equal((await where()).place, '/Deleted Items')
  assert.equal((await send('DELETE', at)).status, 204)
  assert.equal(await where(), undefined)
  assert.equal((await get(at)).status, 200)
  const dumpster = await get('/v1.0/users/ken@aoba.example/mailFolders/recoverableitemsdeletions/messages')
  assert.equal(dumpster.body.value.length, 1)
  const other = await bring('ken@aoba.example', 'inbox', mail({ id: 'purge' }))
  assert.equal((await send('POST', `/v1.0/users/ken@aoba.example/messages/${other.id}/permanentDelete`)).status, 204)
  assert.equal((await ms.state()).some((i) => i.id === other.id), false)
})

test('import: bad base64 and bad MIME are refused, JSON makes a draft', async () => {
  const post = (body, type) => send('POST', `${hana}/mailFolders/drafts/messages`, body, { 'Content-Type': type })
  assert.equal((await post('%%%', 'text/plain')).body.error.code, 'ErrorMimeContentInvalidBase64String')
  assert.equal((await post(Buffer.from('no header').toString('base64'), 'text/plain')).body.error.code, 'ErrorMimeContentInvalid')
  const made = await send('POST', `${hana}/messages`, {
    subject: '下書き', body: { contentType: 'html', content: '<b>x</b>' }, toRecipients: [{ emailAddress: { address: 'ken@aoba.example' } }],
    attachments: [{ '@odata.type': '#microsoft.graph.fileAttachment', name: 'あ.txt', contentBytes: Buffer.from('123').toString('base64') }] })
  assert.deepEqual([made.status, made.body.subject, made.body.isDraft, made.body.hasAttachments, made.body.body.content], [201, '下書き', true, true, '<b>x</b>'])
  const at = `${hana}/messages/${made.body.id}`
  const [a] = (await get(`${at}/attachments`)).body.value
  assert.equal(a.name, 'あ.txt')
  assert.equal((await send('DELETE', `${at}/attachments/${a.id}`)).status, 204)
  assert.equal((await get(at)).body.hasAttachments, false)
  assert.equal((await get(at)).body.body.content, '<b>x</b>')
})

test('the feed of a folder: pages, additions, changes, removals, lost states', async () => {
  const inbox = '/v1.0/users/ken@aoba.example/mailFolders/inbox/messages'
  const kept = []
  for (let i = 0; i < 5; i++) kept.push(await bring('ken@aoba.example', 'inbox', mail({ subject: `feed ${i}`, id: `feed${i}` })))
  const headers = { Prefer: 'IdType="ImmutableId", odata.maxpagesize=2' }
  const { out, link, pages } = await follow(`${inbox}/delta?$select=subject`, headers)
  assert.equal(out.length, 6)
  assert.equal(pages, 3)
  assert.deepEqual(Object.keys(out[0]).sort(), ['@odata.etag', 'id', 'subject'])

  await send('PATCH', `/v1.0/users/ken@aoba.example/messages/${kept[0].id}`, { isRead: true })
  await send('POST', `/v1.0/users/ken@aoba.example/messages/${kept[1].id}/move`, { destinationId: 'archive' })
  const fresh = await bring('ken@aoba.example', 'inbox', mail({ subject: 'fresh', id: 'fresh' }))
  const next = await follow(link, headers)
  assert.deepEqual(next.out.map((m) => [m.id, m['@removed']?.reason]), [[kept[0].id, undefined], [kept[1].id, 'deleted'], [fresh.id, undefined]])
  const arrived = await follow('/v1.0/users/ken@aoba.example/mailFolders/archive/messages/delta', headers)
  assert.deepEqual(arrived.out.map((m) => m.id), [kept[1].id])
  // Without the header the removal names the id that the message had there.
  const { out: plain, link: plainLink } = await follow(`${inbox}/delta?$select=id`)
  const old = plain.find((m) => m.subject === undefined && m.id)
  await send('POST', `/v1.0/users/ken@aoba.example/messages/${old.id}/move`, { destinationId: 'archive' })
  assert.deepEqual((await follow(plainLink)).out.map((m) => m.id), [old.id])

  const since = new Date(Date.now() + 60000).toISOString()
  assert.equal((await follow(`${inbox}/delta?$filter=receivedDateTime ge ${since}`)).out.length, 0)
  assert.equal((await get(`${inbox}/delta?$filter=isRead eq true`)).status, 400)
  assert.deepEqual((await follow(`${inbox}/delta?changeType=deleted`)).out, [])
  assert.equal((await get(`${inbox}/delta?$deltatoken=nonsense`)).status, 400)

  await ms.expireCursors({ provider: 'microsoft', tenant: 'aoba' })
  const lost = await get(next.link, { headers })
  assert.deepEqual([lost.status, lost.body.error.code], [410, 'SyncStateNotFound'])
  assert.ok((await follow(lost.headers.get('location'), headers)).out.length > 0)
})

test('a message created with its flags is no draft', async () => {
  const body = { subject: 'flags', body: { contentType: 'text', content: 'x' } }
  const made = (more) => client.api('/users/ken@aoba.example/mailFolders/inbox/messages').post({ ...body, ...more })
  const flags = (value) => ({ singleValueExtendedProperties: [{ id: 'Integer 0x0E07', value }] })
  const plain = await made({}), unread = await made(flags('4')), read = await made(flags('1')), draft = await made(flags('8'))
  assert.deepEqual([plain, unread, read, draft].map((m) => [m.isDraft, m.isRead]), [[true, true], [false, false], [false, true], [true, false]])
  await assert.rejects(made(flags('much')), /ErrorInvalidExtendedPropertyValue|integer/)
  await client.api(`/users/ken@aoba.example/messages/${unread.id}`).patch({ categories: ['重要', 'x'] })
  const { items } = await (await fetch(`${ms.urls.control}/state`)).json()
  assert.deepEqual(items.filter((i) => i.labels.includes('重要')).map((i) => [i.name, i.labels]), [['flags', ['重要', 'x']]])
})
