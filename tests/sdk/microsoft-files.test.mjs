// Microsoft: drives. Addresses, content by redirect, sessions, versions, moves, sharing, the feed, sites, shares.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startMicrosoft, LargeFileUploadTask, FileUpload } from './microsoft-lib.mjs'

let ms, token, client, drive
before(async () => {
  ms = await startMicrosoft()
  token = await ms.accessToken()
  client = ms.client()
  drive = (await get('/v1.0/users/hana@aoba.example/drive')).body.id
})
after(() => ms?.stop())

const get = (path, options) => ms.call('GET', path, { token, ...options })
const send = (method, path, body, headers) => ms.call(method, path, { token, body, headers })
const d = (rest) => `/v1.0/drives/${drive}${rest}`
const put = (path, text, headers) => send('PUT', d(`/root:${path}:/content`), Buffer.from(text), headers)
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

test('addresses by id and by path lead to the same item', async () => {
  const byPath = (await get(d(`/root:/${encodeURIComponent('資料')}/${encodeURIComponent('報告.txt')}`))).body
  const folder = (await get(`/v1.0/users/hana@aoba.example/drive/root:/${encodeURIComponent('資料')}`)).body
  assert.equal(byPath.parentReference.id, folder.id)
  assert.equal(byPath.parentReference.path, `/drives/${drive}/root:/${encodeURIComponent('資料')}`)
  const below = (await get(d(`/items/${folder.id}:/${encodeURIComponent('報告.txt')}`))).body
  assert.equal(below.id, byPath.id)
  assert.equal((await get(d(`/items/${byPath.id}`))).body.name, '報告.txt')
  assert.equal((await get(d(`/root:/${encodeURIComponent('資料')}:/children`))).body.value.length, 2)
  assert.equal((await get(d('/root'))).body.root !== undefined, true)
  assert.equal((await get(d('/root:/nothing'))).body.error.code, 'itemNotFound')
  assert.equal((await get(d('/items/nothing'))).status, 404)
  const abc = (await get(d('/root:/abc.txt'))).body
  assert.deepEqual(abc.file.hashes, { quickXorHash: 'YRDDGAAAAAAAAAAAAwAAAAAAAAA=' })
  assert.equal((await get(d('/root/children?$top=1'))).body.value.length, 1)
  assert.ok((await get(d('/root/children?$top=1'))).body['@odata.nextLink'])
})

test('content comes by a redirect that refuses a token, knows ranges and runs out', async () => {
  const first = await get(d('/root:/abc.txt:/content'))
  assert.equal(first.status, 302)
  const url = first.headers.get('location')
  assert.equal((await ms.call('GET', url)).bytes.toString(), 'abc')
  assert.equal((await ms.call('GET', url, { token })).status, 401)
  // Clients that follow by themselves drop the token: the content lies at another host.
  assert.equal((await get(d('/root:/abc.txt:/content'), { redirect: 'follow' })).bytes.toString(), 'abc')
  const part = await ms.call('GET', url, { headers: { Range: 'bytes=1-' } })
  assert.deepEqual([part.status, part.bytes.toString(), part.headers.get('content-range')], [206, 'bc', 'bytes 1-2/3'])
  assert.equal((await ms.call('GET', `${url}0`)).status, 401)
  const bad = await get(d('/root:/bad.exe:/content'))
  assert.deepEqual([bad.status, bad.body.error.code, bad.headers.has('x-virus-infected')], [403, 'malwareDetected', true])
  const item = (await get(d('/root:/bad.exe'))).body
  assert.ok(item.malware.description)
  assert.equal(item['@microsoft.graph.downloadUrl'], undefined)
  const stream = await client.api(`/drives/${drive}/root:/abc.txt:/content`).getStream()
  let text = ''
  for await (const chunk of stream) text += Buffer.from(chunk).toString()
  assert.equal(text, 'abc')
  await ms.clock(1200)
  assert.equal((await ms.call('GET', url)).status, 401)
})

test('uploads: new, replaced, stale, named twice, in the way', async () => {
  const made = await put('/new/deep/file.txt', 'one')
  assert.deepEqual([made.status, made.body.size], [201, 3])
  const second = await put('/new/deep/file.txt', 'two2', { 'If-Match': made.body.eTag })
  assert.deepEqual([second.status, second.body.size], [200, 4])
  assert.notEqual(second.body.cTag, made.body.cTag)
  const stale = await put('/new/deep/file.txt', 'x', { 'If-Match': made.body.eTag })
  assert.deepEqual([stale.status, stale.body.error.code], [412, 'resourceModified'])
  const twice = await send('PUT', d('/root:/new/deep/file.txt:/content?@microsoft.graph.conflictBehavior=fail'), Buffer.from('x'))
  assert.deepEqual([twice.status, twice.body.error.code], [409, 'nameAlreadyExists'])
  const other = await send('PUT', d('/root:/new/deep/file.txt:/content?@microsoft.graph.conflictBehavior=rename'), Buffer.from('x'))
  assert.deepEqual([other.status, other.body.name], [201, 'file 1.txt'])
  assert.equal((await send('PUT', d('/root:/a%7Cb:/content'), Buffer.from('x'))).status, 400)
  const renamed = await send('PATCH', d(`/items/${made.body.id}`), { name: 'renamed.txt' })
  assert.equal(renamed.body.cTag, second.body.cTag)
  assert.notEqual(renamed.body.eTag, second.body.eTag)
  assert.equal((await send('PATCH', d(`/items/${made.body.id}`), { name: 'file 1.txt' })).body.error.code, 'nameAlreadyExists')
})

test('the SDK uploads in a session', async () => {
  const content = Buffer.alloc(700000, 'sekisho ')
  const task = await LargeFileUploadTask.createUploadSession(client, `/drives/${drive}/root:/large.bin:/createUploadSession`, { item: { '@microsoft.graph.conflictBehavior': 'fail' } })
  const upload = new LargeFileUploadTask(client, new FileUpload(content, 'large.bin', content.length), task, { rangeSize: 327680 })
  const { responseBody } = await upload.upload()
  assert.equal(responseBody.size, content.length)
  const url = (await get(d('/root:/large.bin:/content'))).headers.get('location')
  assert.ok((await ms.call('GET', url)).bytes.equals(content))

  const exists = await send('POST', d('/root:/large.bin:/createUploadSession'), { item: { '@microsoft.graph.conflictBehavior': 'fail' } })
  assert.equal(exists.status, 409)
  const session = (await send('POST', d(`/items/${responseBody.id}/createUploadSession`), {})).body
  const range = (from, to, total, body) => ms.call('PUT', session.uploadUrl, { body: Buffer.from(body), headers: { 'Content-Range': `bytes ${from}-${to}/${total}` } })
  assert.equal((await range(3, 5, 6, 'abc')).status, 416)
  const part = await range(0, 2, 6, 'abc')
  assert.deepEqual([part.status, part.body.nextExpectedRanges], [202, ['3-']])
  assert.deepEqual((await ms.call('GET', session.uploadUrl)).body.nextExpectedRanges, ['3-'])
  assert.equal((await range(3, 5, 6, 'def')).status, 200)
  assert.equal((await ms.call('GET', session.uploadUrl)).status, 404)
  const dropped = (await send('POST', d('/root:/never.bin:/createUploadSession'))).body
  assert.equal((await ms.call('DELETE', dropped.uploadUrl)).status, 204)
})

test('versions stay readable and come back', async () => {
  const { id } = (await put('/v.txt', 'first')).body
  await put('/v.txt', 'second')
  const list = (await get(d(`/items/${id}/versions`))).body.value
  assert.deepEqual(list.map((v) => [v.id, v.size]), [['2.0', 6], ['1.0', 5]])
  const old = await get(d(`/items/${id}/versions/1.0/content`))
  assert.equal((await ms.call('GET', old.headers.get('location'))).bytes.toString(), 'first')
  assert.equal((await send('POST', d(`/items/${id}/versions/1.0/restoreVersion`))).status, 204)
  assert.equal((await get(d(`/items/${id}/versions`))).body.value.length, 3)
  assert.equal((await get(d(`/items/${id}`))).body.size, 5)
  assert.equal((await get(d(`/items/${id}/versions/9.0`))).status, 404)
})

test('moves, locks, deletion, copies', async () => {
  const { id, eTag } = (await put('/m.txt', 'move me')).body
  const folder = (await send('POST', d('/root/children'), { name: 'sekisho-quarantine', folder: {} })).body
  assert.equal((await send('POST', d('/root/children'), { name: 'Sekisho-Quarantine', folder: {} })).body.error.code, 'nameAlreadyExists')
  assert.equal((await send('POST', d('/root/children'), { name: 'sekisho-quarantine', folder: {}, '@microsoft.graph.conflictBehavior': 'rename' })).body.name, 'sekisho-quarantine 1')
  assert.equal((await send('PATCH', d(`/items/${id}`), { parentReference: { id: folder.id } }, { 'If-Match': '"{X},9"' })).status, 412)
  const moved = await send('PATCH', d(`/items/${id}`), { parentReference: { id: folder.id } }, { 'If-Match': eTag })
  assert.deepEqual([moved.status, moved.body.parentReference.id], [200, folder.id])
  const item = (await ms.state()).find((i) => i.id === id)
  assert.deepEqual([item.quarantined, item.place, item.owner, item.service], [true, '/sekisho-quarantine', 'hana@aoba.example', 'onedrive'])
  assert.equal((await send('POST', d(`/items/${id}/checkout`))).status, 204)
  for (const [method, body] of [['PATCH', { name: 'x' }], ['DELETE']]) {
    const locked = await send(method, d(`/items/${id}`), body)
    assert.deepEqual([locked.status, locked.body.error.code], [423, 'resourceLocked'])
  }
  assert.equal((await send('POST', d(`/items/${id}/checkin`), { comment: '' })).status, 204)
  const copy = await send('POST', d(`/items/${id}/copy`), { parentReference: { driveId: drive, id: 'root' }, name: 'copied.txt' })
  assert.equal(copy.status, 202)
  assert.equal((await ms.call('GET', copy.headers.get('location'))).body.status, 'inProgress')
  const done = (await ms.call('GET', copy.headers.get('location'))).body
  assert.equal((await get(d(`/items/${done.resourceId}`))).body.name, 'copied.txt')
  assert.equal((await send('DELETE', d(`/items/${id}`))).status, 204)
  assert.equal((await get(d(`/items/${id}`))).status, 404)
  assert.equal((await send('PATCH', d(`/items/${folder.id}`), { parentReference: { id: folder.id } })).status, 400)
  assert.equal((await send('POST', d(`/items/${folder.id}/restore`), {})).status, 403)
})

test('sharing: direct and inherited, links, a folder without inheritance', async () => {
  const abc = (await get(d('/root:/abc.txt'))).body
  assert.equal(abc.shared.scope, 'anonymous')
  const list = (await get(d(`/items/${abc.id}/permissions`))).body.value
  const direct = list.filter((p) => !p.inheritedFrom)
  assert.deepEqual(direct.map((p) => p.link?.type ?? p.grantedToV2.user.email).sort(), ['ken@aoba.example', 'view'])
  const owner = list.find((p) => p.roles[0] === 'owner')
  assert.equal((await send('DELETE', d(`/items/${abc.id}/permissions/${owner.id}`))).status, 403)
  const state = async () => (await ms.state()).find((i) => i.id === abc.id).sharing
  assert.deepEqual(await state(), ['link:anonymous:view', 'user:ken@aoba.example:read'])
  for (const p of direct) assert.equal((await send('DELETE', d(`/items/${abc.id}/permissions/${p.id}`))).status, 204)
  assert.deepEqual(await state(), [])
  const link = (await send('POST', d(`/items/${abc.id}/createLink`), { type: 'edit', scope: 'organization' })).body
  const again = (await send('POST', d(`/items/${abc.id}/createLink`), { type: 'edit', scope: 'organization' })).body
  assert.equal(link.id, again.id)
  const invited = (await send('POST', d(`/items/${abc.id}/invite`), { recipients: [{ email: 'ken@aoba.example' }, { email: 'guest@elsewhere.example' }], roles: ['write'], requireSignIn: true, sendInvitation: false })).body
  assert.equal(invited.value.length, 2)
  assert.deepEqual(await state(), ['link:organization:edit', 'user:guest@elsewhere.example:write', 'user:ken@aoba.example:write'])
  assert.deepEqual((await send('PATCH', d(`/items/${abc.id}/permissions/${invited.value[0].id}`), { roles: ['read'] })).body.roles, ['read'])
  for (const url of [link.link.webUrl, abc.webUrl]) {
    const shared = await get(`/v1.0/shares/u!${Buffer.from(url).toString('base64url')}/driveItem`)
    assert.equal(shared.body.id, abc.id)
  }
  assert.equal((await get('/v1.0/shares/u!AAAA/driveItem')).status, 404)

  const folder = (await send('POST', d('/root/children'), { name: 'closed', folder: {} })).body
  await send('POST', d('/root/invite'), { recipients: [{ email: 'ken@aoba.example' }], roles: ['read'] })
  const inside = (await put('/closed/in.txt', 'x')).body
  const has = async (id) => (await get(d(`/items/${id}/permissions`))).body.value.some((p) => p.grantedToV2?.user?.email === 'ken@aoba.example')
  assert.equal(await has(inside.id), true)
  await send('POST', d(`/items/${folder.id}/invite`), { recipients: [{ email: 'guest@elsewhere.example' }], roles: ['read'], retainInheritedPermissions: false })
  assert.equal(await has(inside.id), false)
})

test('the feed of a drive', async () => {
  const site = (await get('/v1.0/sites?search=Sales')).body.value[0]
  const library = (await get(`/v1.0/sites/${site.id}/drives`)).body.value.find((x) => x.name === 'Documents')
  const at = (rest) => `/v1.0/drives/${library.id}${rest}`
  const all = await follow(`${at('/root/delta')}?$top=1`)
  assert.deepEqual(all.out.map((i) => i.name).sort(), ['General', 'plan.txt', 'root'])
  assert.ok(all.pages >= 3)
  assert.ok(all.out.every((i) => i.cTag === undefined && i.parentReference.path === undefined))
  const now = (await get(`${at('/root/delta')}?token=latest`)).body
  assert.deepEqual(now.value, [])
  const t0 = new Date(Date.now() + 1200 * 1000).toISOString()
  const up = (await send('PUT', at('/root:/in/x.txt:/content'), Buffer.from('x'))).body
  await send('PATCH', at(`/items/${up.id}`), { name: 'y.txt' })
  const changes = await follow(now['@odata.deltaLink'])
  const last = new Map(changes.out.map((i) => [i.id, i]))
  assert.equal(last.get(up.id).name, 'y.txt')
  assert.deepEqual([...last.values()].map((i) => i.name).sort(), ['in', 'root', 'y.txt'])
  await send('DELETE', at(`/items/${up.id}`))
  const gone = (await follow(changes.link)).out.find((i) => i.id === up.id)
  assert.deepEqual([gone.deleted.state, gone.name, gone.cTag], ['deleted', undefined, undefined])
  const form = await get(`${at("/root/delta(token='latest')")}`)
  assert.deepEqual(form.body.value, [])
  const since = await follow(`${at('/root/delta')}?token=${encodeURIComponent(t0)}`)
  assert.ok(since.out.length >= 1 && since.out.every((i) => i.name !== 'plan.txt'))
  assert.equal((await get(`/v1.0/sites/${site.id}/recycleBin/items`)).body.value[0].name, 'y.txt')

  const plan = (await get(at('/root:/plan.txt'))).body
  await send('POST', at(`/items/${plan.id}/createLink`), { type: 'view', scope: 'organization' })
  const shown = await follow(form.body['@odata.deltaLink'], { Prefer: 'deltashowsharingchanges' })
  assert.equal(shown.out.find((i) => i.id === plan.id)['@microsoft.graph.sharedChanged'], 'True')

  await ms.expireCursors({ provider: 'microsoft' })
  const lost = await get(changes.link)
  assert.deepEqual([lost.status, lost.body.error.code, lost.body.error.innerError.code], [410, 'resyncRequired', 'resyncChangesApplyDifferences'])
  assert.ok((await follow(lost.headers.get('location'))).out.some((i) => i.name === 'plan.txt'))
  assert.equal((await get(`${at('/root/delta')}?token=nonsense`)).status, 400)
})

test('sites: all of them, by path, personal ones', async () => {
  const all = (await get('/v1.0/sites/getAllSites')).body.value
  assert.deepEqual(all.filter((s) => s.isPersonalSite).length, 2)
  const site = (await get('/v1.0/sites/aoba.sharepoint.example:/sites/Sales')).body
  assert.equal(site.displayName, 'Sales')
  assert.equal((await get('/v1.0/sites/aoba.sharepoint.example:/sites/Sales:/drive')).body.driveType, 'documentLibrary')
  assert.equal((await get(`/v1.0/sites/${site.id}/drives`)).body.value.length, 2)
  assert.ok((await get('/v1.0/sites/delta')).body['@odata.deltaLink'])
  const team = (await get('/v1.0/teams')).body.value[0]
  assert.equal((await get(`/v1.0/groups/${team.id}/drive`)).body.name, 'Documents')
  const channel = (await get(`/v1.0/teams/${team.id}/channels`)).body.value[0]
  assert.equal((await get(`/v1.0/teams/${team.id}/channels/${encodeURIComponent(channel.id)}/filesFolder`)).body.name, 'General')
})
