// Box by its official SDK: signing in, trees, uploads, downloads, events, trash, sharing, and the errors on the way.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { assertion, drain, startBox, usersOf } from './box-lib.mjs'

let box, client, users, hana, ken
const sha1 = (data) => createHash('sha1').update(data).digest('hex')
const bytes = (data) => Readable.from([Buffer.from(data)])
const status = (code, error) => (e) => {
  assert.equal(e.responseInfo?.statusCode, code, e.message)
  // The SDK gives the code as JSON text, and none where it asked for bytes.
  if (error && e.responseInfo.code) assert.equal(e.responseInfo.code.replaceAll('"', ''), error)
  return true
}
const items = async (c, folder = '0', query = {}) => (await c.folders.getFolderItems(folder, { queryParams: { limit: 1000, ...query } })).entries
const find = async (c, folder, name) => (await items(c, folder)).find((e) => e.name === name)
const upload = async (c, name, data, parent = '0') =>
  (await c.uploads.uploadFile({ attributes: { name, parent: { id: parent } }, file: bytes(data) })).entries[0]

before(async () => {
  box = await startBox()
  client = box.jwt()
  users = await usersOf(client)
  hana = client.withAsUserHeader(users['hana@aoba.example'].id)
  ken = client.withAsUserHeader(users['ken@aoba.example'].id)
})
after(() => box?.stop())

describe('signing in', () => {
  it('takes a JWT of the SDK, and client credentials for the enterprise and a user', async () => {
    const service = await client.users.getUserMe()
    assert.match(service.login, /^AutomationUser_/)
    assert.equal((await box.ccg().users.getUserMe()).id, service.id)
    const id = users['hana@aoba.example'].id
    assert.equal((await box.ccg('aoba', id).users.getUserMe()).login, 'hana@aoba.example')
  })

  it('checks every claim of an assertion', async () => {
    const config = box.config()
    const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    const ask = async (text, more = {}) => {
      const answer = await box.form('/oauth2/token', box.tokenForm('aoba', { grant_type: grant, assertion: text, ...more }))
      return { status: answer.status, ...(await answer.json()) }
    }
    const now = Math.floor(Date.now() / 1000)
    const good = await ask(assertion(config))
    assert.equal(good.status, 200)
    assert.equal(good.token_type, 'bearer')
    assert.ok(!('refresh_token' in good))
    for (const alg of ['RS384', 'RS512']) assert.equal((await ask(assertion(config, { alg }))).status, 200)
    assert.equal((await ask(assertion(config, { header: { kid: undefined } }))).status, 200)
    assert.equal((await ask(assertion(config, { claims: { aud: `${box.url}/oauth2/token` } }))).status, 200)
    const once = assertion(config)
    assert.equal((await ask(once)).status, 200)
    for (const [text, message] of [
      [once, "Please check the 'jti' claim."],
      [assertion(config, { claims: { jti: 'short' } }), "Please check the 'jti' claim."],
      [assertion(config, { claims: { jti: 'x'.repeat(129) } }), "Please check the 'jti' claim."],
      [assertion(config, { claims: { jti: undefined } }), "Please check the 'jti' claim."],
      [assertion(config, { claims: { exp: now - 1 } }), /^Current date time must be before the expiration/],
      [assertion(config, { claims: { exp: now + 120 } }), "Please check the 'exp' claim."],
      [assertion(config, { claims: { aud: 'https://elsewhere.example/token' } }), "Please check the 'aud' claim."],
      [assertion(config, { claims: { sub: '1' } }), "Please check the 'sub' claim."],
      [assertion(config, { claims: { box_sub_type: 'app' } }), "Please check the 'box_sub_type' claim."],
      [assertion(config, { header: { kid: 'nobody' } }), "Please check the 'kid' header."],
      [assertion(box.config('narrow')), /signature/],
    ]) {
      const answer = await ask(text)
      assert.equal(answer.status, 400)
      assert.equal(answer.error, 'invalid_grant')
      if (typeof message === 'string') assert.equal(answer.error_description, message)
      else assert.match(answer.error_description, message)
    }
    const wrong = await ask(assertion(config), { client_secret: 'no' })
    assert.deepEqual([wrong.status, wrong.error, wrong.error_description], [400, 'invalid_grant', 'Grant credentials are invalid'])
  })

  it('gives out codes and rotates refresh tokens', async () => {
    const page = `/api/oauth2/authorize?response_type=code&client_id=${box.tokenForm().client_id}&redirect_uri=${encodeURIComponent('https://app.example/back')}&state=s1`
    assert.match((await box.call('GET', page)).headers.get('content-type'), /text\/html/)
    const agreed = await fetch(box.url + page, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ login: 'hana@aoba.example', consent: 'accept' }) })
    const back = new URL(agreed.headers.get('location'))
    assert.equal(back.searchParams.get('state'), 's1')
    const ask = async (fields) => {
      const answer = await box.form('/oauth2/token', box.tokenForm('aoba', fields))
      return { status: answer.status, ...(await answer.json()) }
    }
    const code = { grant_type: 'authorization_code', code: back.searchParams.get('code') }
    const first = await ask(code)
    assert.equal(first.status, 200)
    assert.equal((await ask(code)).error, 'invalid_grant')
    const me = await box.call('GET', '/2.0/users/me', { token: first.access_token })
    assert.equal(me.json.login, 'hana@aoba.example')
    const second = await ask({ grant_type: 'refresh_token', refresh_token: first.refresh_token })
    assert.equal(second.status, 200)
    assert.notEqual(second.refresh_token, first.refresh_token)
    assert.equal((await ask({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).error, 'invalid_grant')
    const revoked = await box.form('/oauth2/revoke', box.tokenForm('aoba', { token: second.access_token }))
    assert.equal(revoked.status, 200)
    assert.equal((await box.call('GET', '/2.0/users/me', { token: second.access_token })).status, 401)
    assert.equal((await ask({ grant_type: 'refresh_token', refresh_token: second.refresh_token })).error, 'invalid_grant')
  })

  it('answers 401 with a challenge, and 403 where as-user or a scope is missing', async () => {
    const none = await box.call('GET', '/2.0/users/me', { token: 'nonsense' })
    assert.equal(none.status, 401)
    assert.match(none.headers.get('www-authenticate'), /error="invalid_token"/)
    assert.equal(none.json.type, 'error')
    const token = await box.token()
    assert.equal((await box.call('GET', '/2.0/folders/0', { token, as: '1' })).status, 403)
    assert.equal((await box.call('GET', '/2.0/folders/0', { token, as: users['gone@aoba.example'].id })).status, 403)
    const plain = await box.token('aoba', users['hana@aoba.example'].id)
    assert.equal((await box.call('GET', '/2.0/folders/0', { token: plain, as: users['ken@aoba.example'].id })).status, 403)
    assert.equal((await box.call('GET', '/2.0/users', { token: plain })).status, 403)
    const narrow = await box.token('narrow')
    const write = await box.call('POST', '/2.0/folders', { token: narrow, json: { name: 'x', parent: { id: '0' } } })
    assert.deepEqual([write.status, write.json.code], [403, 'insufficient_scope'])
    assert.equal((await box.call('GET', '/2.0/events?stream_type=admin_logs_streaming', { token: narrow })).json.code, 'insufficient_scope')
  })
})

describe('trees', () => {
  it('shows a user his own, with stable numeric ids and a path from his root', async () => {
    const docs = await find(hana, '0', 'Docs')
    assert.match(docs.id, /^\d{11,}$/)
    const plan = await find(hana, docs.id, 'plan.txt')
    const file = await hana.files.getFileById(plan.id)
    assert.equal(file.sha1, sha1('the plan'))
    assert.equal(file.size, 8)
    assert.deepEqual(file.pathCollection.entries.map((e) => e.name), ['All Files', 'Docs'])
    assert.equal(file.ownedBy.login, 'hana@aoba.example')
    await assert.rejects(client.files.getFileById(plan.id), status(404, 'not_found'))
    // Ken is a collaborator of the file alone: it lies in his root.
    const seen = await ken.files.getFileById(plan.id)
    assert.deepEqual(seen.pathCollection.entries.map((e) => e.id), ['0'])
    assert.equal(seen.parent.id, '0')
    assert.ok((await items(ken)).some((e) => e.id === plan.id))
    await assert.rejects(ken.folders.getFolderById(docs.id), status(404))
    await assert.rejects(ken.files.deleteFileById(plan.id), status(403, 'access_denied_insufficient_permissions'))
  })

  it('pages by offset and by marker, and drops the defaults for fields', async () => {
    const folder = await hana.folders.createFolder({ name: 'Many', parent: { id: '0' } })
    const names = []
    for (let i = 0; i < 7; i++) names.push((await upload(hana, `f${i}.txt`, `n${i}`, folder.id)).name)
    const byOffset = []
    for (let offset = 0; ;) {
      const page = await hana.folders.getFolderItems(folder.id, { queryParams: { limit: 3, offset, sort: 'name', direction: 'DESC' } })
      assert.equal(page.totalCount, 7)
      byOffset.push(...page.entries.map((e) => e.name))
      offset += page.entries.length
      if (offset >= page.totalCount) break
    }
    assert.deepEqual(byOffset, [...names].reverse())
    const byMarker = []
    let marker, removed = 0
    do {
      const page = await hana.folders.getFolderItems(folder.id, { queryParams: { limit: 2, usemarker: true, marker, fields: ['name', 'size'] } })
      byMarker.push(...page.entries.map((e) => e.name))
      assert.ok(page.entries.every((e) => e.size === 2 && e.createdAt === undefined))
      marker = page.nextMarker
      // What was listed already may go away without anything being skipped.
      if (removed++ === 0) await hana.files.deleteFileById(page.entries[0].id)
    } while (marker)
    assert.deepEqual(byMarker.sort(), names)
    const raw = await box.call('GET', `/2.0/folders/${folder.id}/items?usemarker=true&limit=1000`, { token: await box.token(), as: users['hana@aoba.example'].id })
    assert.ok(!('next_marker' in raw.json))
    const few = await box.call('GET', '/2.0/folders/0/items', { token: await box.tokenByCode('narrow') })
    assert.equal(few.json.entries.length, 2)
    assert.equal(few.json.total_count, 3)
  })

  it('creates, renames, moves, copies and deletes folders', async () => {
    const a = await hana.folders.createFolder({ name: 'A', parent: { id: '0' } })
    const b = await hana.folders.createFolder({ name: 'B', parent: { id: a.id } })
    await assert.rejects(hana.folders.createFolder({ name: 'a', parent: { id: '0' } }), (e) => {
      assert.equal(e.responseInfo.contextInfo.conflicts[0].id, a.id)
      return status(409, 'item_name_in_use')(e)
    })
    await assert.rejects(hana.folders.createFolder({ name: 'x/y', parent: { id: '0' } }), status(400, 'item_name_invalid'))
    await upload(hana, 'in.txt', 'in', b.id)
    const moved = await hana.folders.updateFolderById(b.id, { requestBody: { parent: { id: '0' }, name: 'B2' } })
    assert.deepEqual([moved.name, moved.parent.id], ['B2', '0'])
    await assert.rejects(hana.folders.updateFolderById(a.id, { requestBody: { parent: { id: a.id } } }), status(400))
    const copy = await hana.folders.copyFolder(b.id, { parent: { id: a.id }, name: 'B3' })
    assert.equal((await items(hana, copy.id)).length, 1)
    await assert.rejects(hana.folders.deleteFolderById(b.id), status(400, 'folder_not_empty'))
    await hana.folders.deleteFolderById(b.id, { queryParams: { recursive: true } })
    await assert.rejects(hana.folders.getFolderById(b.id), status(404, 'trashed'))
    const back = await hana.trashedFolders.restoreFolderFromTrash(b.id)
    assert.equal(back.itemStatus, 'active')
    assert.equal((await items(hana, b.id)).length, 1)
  })
})

describe('content', () => {
  it('uploads, refuses a wrong hash, and downloads through a redirect that drops the token', async () => {
    const file = await upload(hana, 'こんにちは "x".txt', 'hello box')
    assert.equal(file.sha1, sha1('hello box'))
    assert.equal((await drain(await hana.downloads.downloadFile(file.id))).toString(), 'hello box')
    await assert.rejects(upload(hana, file.name.toUpperCase(), 'again'), status(409, 'item_name_in_use'))
    const token = await box.token()
    const as = users['hana@aoba.example'].id
    const first = await box.call('GET', `/2.0/files/${file.id}/content`, { token, as })
    assert.equal(first.status, 302)
    const location = first.headers.get('location')
    assert.equal(new URL(location).port, new URL(box.url).port)
    const part = await box.call('GET', location, { headers: { Range: 'bytes=2-4' } })
    assert.deepEqual([part.status, part.text], [206, 'llo'])
    assert.equal((await box.call('GET', location, { token })).status, 400)
    assert.match((await box.call('GET', location)).headers.get('content-disposition'), /filename\*=UTF-8''%E3%81%93/)
    const send = (form, headers = {}) => box.call('POST', '/api/2.0/files/content', { token, as, body: form, headers })
    const form = (order, name) => {
      const f = new FormData()
      const parts = { attributes: () => f.append('attributes', JSON.stringify({ name, parent: { id: '0' } })), file: () => f.append('anything', new Blob(['abc']), 'x.bin') }
      order.forEach((p) => parts[p]())
      return f
    }
    assert.equal((await send(form(['file', 'attributes'], 'late.bin'))).json.code, 'metadata_after_file_contents')
    assert.equal((await send(form(['attributes', 'file'], 'hash.bin'), { 'content-md5': sha1('other') })).status, 400)
    assert.equal((await send(form(['attributes', 'file'], 'hash.bin'), { 'content-md5': sha1('abc') })).status, 201)
  })

  it('checks beforehand whether an upload would be taken', async () => {
    const ok = await hana.uploads.preflightFileUploadCheck({ name: 'fresh.txt', size: 10, parent: { id: '0' } })
    assert.match(ok.uploadUrl, /\/files\/content$/)
    await upload(hana, 'taken.txt', 't')
    await assert.rejects(hana.uploads.preflightFileUploadCheck({ name: 'taken.txt', size: 10, parent: { id: '0' } }), status(409, 'item_name_in_use'))
    const slash = await box.call('OPTIONS', '/2.0/files/content/', { token: await box.token(), json: { name: 'z', parent: { id: '0' } } })
    assert.equal(slash.status, 200)
  })

  it('keeps versions, with If-Match and promotion', async () => {
    const file = await upload(hana, 'versions.txt', 'one')
    const post = (data, ifMatch) => hana.uploads.uploadFileVersion(file.id, { attributes: { name: 'versions.txt' }, file: bytes(data) }, { headers: { ifMatch } })
    const second = (await post('two', file.etag)).entries[0]
    assert.notEqual(second.etag, file.etag)
    assert.notEqual(second.fileVersion.id, file.fileVersion.id)
    await assert.rejects(post('three', file.etag), status(412, 'precondition_failed'))
    const past = await hana.fileVersions.getFileVersions(file.id)
    assert.deepEqual(past.entries.map((v) => v.id), [file.fileVersion.id])
    const data = await drain(await hana.downloads.downloadFile(file.id, { queryParams: { version: file.fileVersion.id } }))
    assert.equal(data.toString(), 'one')
    const promoted = await hana.fileVersions.promoteFileVersion(file.id, { requestBody: { id: file.fileVersion.id, type: 'file_version' } })
    assert.equal(promoted.sha1, sha1('one'))
    assert.equal((await hana.files.getFileById(file.id)).sha1, sha1('one'))
    await hana.fileVersions.deleteFileVersionById(file.id, second.fileVersion.id)
    assert.ok((await hana.fileVersions.getFileVersionById(file.id, second.fileVersion.id)).trashedAt)
    await hana.fileVersions.updateFileVersionById(file.id, second.fileVersion.id, { requestBody: { trashedAt: null } })
    assert.equal((await hana.fileVersions.getFileVersions(file.id)).entries.length, 2)
  })

  it('uploads in chunks', async () => {
    const data = randomBytes(20_500_000)
    const file = await hana.chunkedUploads.uploadBigFile(Readable.from([data]), 'big.bin', data.length, '0')
    assert.equal(file.sha1, sha1(data))
    assert.equal(sha1(await drain(await hana.downloads.downloadFile(file.id))), sha1(data))
    await assert.rejects(hana.chunkedUploads.createFileUploadSession({ fileName: 's.bin', fileSize: 5, folderId: '0' }), status(400, 'file_size_too_small'))
    const token = await box.token()
    const as = users['hana@aoba.example'].id
    const session = (await box.call('POST', `/api/2.0/files/${file.id}/upload_sessions`, { token, as, json: { file_size: data.length } })).json
    const put = (from, to, digest, part = data.subarray(from, to)) => box.call('PUT', session.session_endpoints.upload_part, {
      token, as, body: part,
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': `bytes ${from}-${to - 1}/${data.length}`, Digest: `sha=${digest ?? createHash('sha1').update(part).digest('base64')}` },
    })
    assert.equal((await put(0, session.part_size, 'AAAA')).status, 412)
    assert.equal((await put(0, 1000)).status, 416)
    assert.equal((await put(0, session.part_size)).status, 200)
    assert.equal((await put(0, session.part_size, undefined, Buffer.alloc(session.part_size))).status, 409)
    const commit = await box.call('POST', session.session_endpoints.commit, { token, as, json: { parts: [] }, headers: { Digest: 'sha=AAAA' } })
    assert.equal(commit.status, 400)
    assert.equal((await box.call('DELETE', session.session_endpoints.abort, { token, as })).status, 204)
    assert.equal((await box.call('GET', session.session_endpoints.status, { token, as })).status, 404)
  })

  it('says 202 right after an upload where it is set so, and then 302', async () => {
    const token = await box.token('slow')
    const form = new FormData()
    form.append('attributes', JSON.stringify({ name: 'wait.txt', parent: { id: '0' } }))
    form.append('file', new Blob(['wait']), 'wait.txt')
    const { id } = (await box.call('POST', '/2.0/files/content', { token, body: form })).json.entries[0]
    const early = await box.call('GET', `/2.0/files/${id}/content`, { token })
    assert.deepEqual([early.status, early.headers.get('retry-after')], [202, '1'])
    await new Promise((done) => setTimeout(done, 1100))
    assert.equal((await box.call('GET', `/2.0/files/${id}/content`, { token })).status, 302)
    assert.equal((await box.call('DELETE', `/2.0/files/${id}`, { token })).status, 204)
    assert.equal((await box.call('GET', `/2.0/files/${id}/trash`, { token })).status, 404)
  })

  it('does not hand out what the provider calls malware', async () => {
    const work = await find(ken, '0', 'Work')
    const bad = await find(ken, work.id, 'bad.exe')
    await assert.rejects(ken.downloads.downloadFile(bad.id), status(403, 'forbidden_by_policy'))
    const log = await client.events.getEvents({ streamType: 'admin_logs', eventType: ['FILE_MARKED_MALICIOUS'], streamPosition: '0' })
    assert.deepEqual(log.entries.map((e) => e.source.itemId ?? e.source.item_id), [bad.id])
  })
})

describe('containing', () => {
  it('locks against downloading and unlocks again', async () => {
    const docs = await find(hana, '0', 'Docs')
    const plan = await find(hana, docs.id, 'plan.txt')
    const token = await box.token()
    const as = users['hana@aoba.example'].id
    const locked = await box.call('PUT', `/2.0/files/${plan.id}?fields=lock`, { token, as, json: { lock: { type: 'lock', access: 'lock', is_download_prevented: true } } })
    assert.equal(locked.json.lock.is_download_prevented, true)
    await assert.rejects(ken.downloads.downloadFile(plan.id), status(403, 'access_denied_item_locked'))
    assert.equal((await box.cloud.state()).find((i) => i.id === plan.id).quarantined, true)
    const free = await box.call('PUT', `/2.0/files/${plan.id}?fields=lock`, { token, as, json: { lock: null } })
    assert.equal(free.json.lock, null)
    assert.equal((await drain(await ken.downloads.downloadFile(plan.id))).toString(), 'the plan')
  })

  it('moves into a quarantine folder and back, whatever If-Match says', async () => {
    const home = await hana.folders.createFolder({ name: 'Home', parent: { id: '0' } })
    const cell = await hana.folders.createFolder({ name: 'sekisho-quarantine', parent: { id: '0' } })
    const file = await upload(hana, 'virus.com', 'X5O', home.id)
    const away = await hana.files.updateFileById(file.id, { requestBody: { parent: { id: cell.id } }, headers: { ifMatch: '999' } })
    assert.equal(away.parent.id, cell.id)
    assert.equal((await box.cloud.state()).find((i) => i.id === file.id).quarantined, true)
    await assert.rejects(hana.files.updateFileById(file.id, { requestBody: { name: 'n.com' }, headers: { ifMatch: '999' } }), status(412))
    const back = await hana.files.updateFileById(file.id, { requestBody: { parent: { id: home.id } } })
    assert.equal(back.sha1, file.sha1)
    const item = (await box.cloud.state()).find((i) => i.id === file.id)
    assert.deepEqual([item.quarantined, item.place, item.owner], [false, '/Home', 'hana@aoba.example'])
  })

  it('takes shared links away and makes new ones', async () => {
    const docs = await find(hana, '0', 'Docs')
    const plan = await find(hana, docs.id, 'plan.txt')
    const before = (await hana.files.getFileById(plan.id)).sharedLink
    assert.equal(before.access, 'open')
    assert.equal((await box.call('GET', before.downloadUrl)).text, 'the plan')
    assert.deepEqual((await box.cloud.state()).find((i) => i.id === plan.id).sharing,
      ['link:anonymous:view', 'user:guest@elsewhere.example:write', 'user:ken@aoba.example:read'])
    const found = await hana.sharedLinksFiles.findFileForSharedLink({}, { boxapi: `shared_link=${before.url}` })
    assert.equal(found.id, plan.id)
    const token = await box.token()
    const admin = users['admin@aoba.example'].id
    assert.equal((await box.call('GET', `/2.0/files/${plan.id}`, { token, as: admin })).status, 404)
    assert.equal((await box.call('GET', `/2.0/files/${plan.id}`, { token, as: admin, headers: { BoxApi: `shared_link=${before.url}` } })).status, 200)
    const none = await hana.sharedLinksFiles.removeSharedLinkFromFile(plan.id, { sharedLink: null }, { fields: 'shared_link' })
    assert.ok(!none.sharedLink)
    assert.equal((await box.call('GET', before.url)).status, 404)
    const again = await hana.sharedLinksFiles.addShareLinkToFile(plan.id, { sharedLink: { access: 'company' } }, { fields: 'shared_link' })
    assert.equal(again.sharedLink.access, 'company')
    assert.notEqual(again.sharedLink.url, before.url)
  })

  it('lists, removes and renews collaborations', async () => {
    const docs = await find(hana, '0', 'Docs')
    const plan = await find(hana, docs.id, 'plan.txt')
    const list = (await hana.listCollaborations.getFileCollaborations(plan.id)).entries
    assert.equal(list.length, 2)
    const kens = list.find((k) => k.accessibleBy?.login === 'ken@aoba.example')
    await hana.userCollaborations.deleteCollaborationById(kens.id)
    await assert.rejects(ken.files.getFileById(plan.id), status(404))
    const body = { item: { type: 'file', id: plan.id }, accessibleBy: { type: 'user', login: 'ken@aoba.example' }, role: 'editor' }
    const made = await hana.userCollaborations.createCollaboration(body)
    assert.deepEqual([made.status, made.role, made.item.id], ['accepted', 'editor', plan.id])
    await assert.rejects(hana.userCollaborations.createCollaboration(body), status(400, 'user_already_collaborator'))
    assert.equal((await ken.files.getFileById(plan.id)).id, plan.id)
    const less = await hana.userCollaborations.updateCollaborationById(made.id, { requestBody: { role: 'viewer' } })
    assert.equal(less.role, 'viewer')
    // Through a group on a folder above.
    const group = await client.groups.createGroup({ name: 'Readers' })
    await client.memberships.createGroupMembership({ user: { id: users['ken@aoba.example'].id }, group: { id: group.id } })
    const shared = await hana.userCollaborations.createCollaboration({ item: { type: 'folder', id: docs.id }, accessibleBy: { type: 'group', id: group.id }, role: 'viewer' })
    assert.ok((await items(ken, docs.id)).length >= 2)
    assert.ok((await hana.listCollaborations.getFileCollaborations(plan.id)).entries.some((k) => k.id === shared.id && k.item.id === docs.id))
    await client.groups.deleteGroupById(group.id)
    await assert.rejects(ken.folders.getFolderById(docs.id), status(404))
  })

  it('goes to the trash and comes back', async () => {
    const file = await upload(hana, 'trash me.txt', 'waste')
    await assert.rejects(hana.files.deleteFileById(file.id, { headers: { ifMatch: '77' } }), status(412))
    await hana.files.deleteFileById(file.id, { headers: { ifMatch: file.etag } })
    await assert.rejects(hana.files.getFileById(file.id), status(404, 'trashed'))
    const seen = await hana.trashedFiles.getTrashedFileById(file.id)
    assert.equal(seen.itemStatus, 'trashed')
    assert.deepEqual(seen.pathCollection.entries.map((e) => e.id), ['1'])
    assert.ok((await hana.trashedItems.getTrashedItems({ limit: 1000 })).entries.some((e) => e.id === file.id))
    const other = await upload(hana, 'trash me.txt', 'in its place')
    await assert.rejects(hana.trashedFiles.restoreFileFromTrash(file.id), status(409, 'item_name_in_use'))
    const back = await hana.trashedFiles.restoreFileFromTrash(file.id, { requestBody: { name: 'restored.txt' } })
    assert.deepEqual([back.id, back.name, back.itemStatus, back.sha1], [file.id, 'restored.txt', 'active', sha1('waste')])
    await hana.files.deleteFileById(other.id)
    await hana.trashedFiles.deleteTrashedFileById(other.id)
    await assert.rejects(hana.trashedFiles.getTrashedFileById(other.id), status(404))
  })

  it('classifies files and keeps other metadata', async () => {
    const file = await upload(hana, 'secret.txt', 's')
    const set = await hana.fileClassifications.addClassificationToFile(file.id, { requestBody: { boxSecurityClassificationKey: 'Confidential' } })
    assert.equal(set.boxSecurityClassificationKey, 'Confidential')
    assert.equal((await hana.files.getFileById(file.id, { queryParams: { fields: ['classification'] } })).classification.name, 'Confidential')
    await assert.rejects(hana.fileClassifications.addClassificationToFile(file.id, { requestBody: { boxSecurityClassificationKey: 'Public' } }), status(409, 'tuple_already_exists'))
    await hana.fileClassifications.deleteClassificationFromFile(file.id)
    await assert.rejects(hana.fileClassifications.getClassificationOnFile(file.id), status(404))
    const template = await client.metadataTemplates.createMetadataTemplate({
      scope: 'enterprise', displayName: 'Scan result',
      fields: [{ type: 'string', key: 'verdict', displayName: 'Verdict' }, { type: 'float', key: 'score', displayName: 'Score' }],
    })
    assert.equal(template.templateKey, 'scanResult')
    const made = await hana.fileMetadata.createFileMetadataById(file.id, 'enterprise', 'scanResult', { verdict: 'threat', score: 9 })
    assert.equal(made.extraData.verdict, 'threat')
    await assert.rejects(hana.fileMetadata.createFileMetadataById(file.id, 'enterprise', 'nosuch', { a: 'b' }), status(404, 'instance_tuple_not_found'))
    const changed = await hana.fileMetadata.updateFileMetadataById(file.id, 'enterprise', 'scanResult', [{ op: 'replace', path: '/verdict', value: 'clean' }])
    assert.deepEqual([changed.extraData.verdict, changed.version], ['clean', 1])
    assert.equal((await hana.fileMetadata.getFileMetadata(file.id)).entries.length, 1)
    const labels = async () => (await box.cloud.state()).find((i) => i.id === file.id).labels
    assert.deepEqual(await labels(), ['enterprise.scanResult.score=9', 'enterprise.scanResult.verdict=clean'])
    const tagged = await hana.files.updateFileById(file.id, { requestBody: { tags: ['社外秘', 'approved'] }, queryParams: { fields: ['tags'] } })
    assert.deepEqual(tagged.tags, ['社外秘', 'approved'])
    assert.deepEqual(await labels(), ['approved', 'enterprise.scanResult.score=9', 'enterprise.scanResult.verdict=clean', '社外秘'])
    await hana.files.updateFileById(file.id, { requestBody: { tags: ['approved'] } })
    assert.deepEqual((await hana.files.getFileById(file.id, { queryParams: { fields: ['tags'] } })).tags, ['approved'])
  })
})

describe('events', () => {
  const follow = async (c, query, from) => {
    const seen = []
    let position = from
    for (;;) {
      const page = await c.events.getEvents({ limit: 3, ...query, streamPosition: String(position) })
      assert.equal(page.chunkSize, page.entries.length)
      assert.ok(page.entries.length <= 3)
      seen.push(...page.entries)
      if (String(page.nextStreamPosition) === String(position)) return { seen, position }
      position = page.nextStreamPosition
    }
  }
  const of = (e) => e.source.itemId ?? e.source.item_id ?? e.source.id

  it('follow the enterprise from now on, in small pages', async () => {
    const start = await client.events.getEvents({ streamType: 'admin_logs_streaming', streamPosition: 'now' })
    assert.equal(start.entries.length, 0)
    assert.equal(typeof start.nextStreamPosition, 'string')
    const file = await upload(hana, 'event.txt', 'e')
    await hana.files.updateFileById(file.id, { requestBody: { name: 'event2.txt' } })
    await hana.files.copyFile(file.id, { parent: { id: '0' }, name: 'event3.txt' })
    await hana.files.deleteFileById(file.id)
    await hana.trashedFiles.restoreFileFromTrash(file.id)
    const { seen } = await follow(client, { streamType: 'admin_logs_streaming' }, start.nextStreamPosition)
    assert.deepEqual(seen.map((e) => e.eventType), ['UPLOAD', 'RENAME', 'COPY', 'DELETE', 'UNDELETE'])
    assert.equal(of(seen[0]), file.id)
    assert.equal(seen[0].createdBy.login, 'hana@aoba.example')
    assert.equal(new Set(seen.map((e) => e.eventId)).size, 5)
    const some = await follow(client, { streamType: 'admin_logs_streaming', eventType: ['COPY'] }, start.nextStreamPosition)
    assert.deepEqual(some.seen.map((e) => e.eventType), ['COPY'])
  })

  it('go two weeks back live, a year in the history, by time', async () => {
    const live = await follow(client, { streamType: 'admin_logs_streaming', eventType: ['UPLOAD'] }, 0)
    const names = live.seen.map((e) => e.source.itemName ?? e.source.item_name)
    assert.ok(names.includes('plan.txt') && !names.includes('old.txt'))
    const after = new Date(Date.now() - 3 * 86400000).toISOString().replace('.000', '')
    const before = new Date(Date.now() - 86400000)
    const log = await client.events.getEvents({ streamType: 'admin_logs', limit: 500, createdAfter: { value: new Date(after) }, createdBefore: { value: before } })
    assert.ok(log.entries.length >= 4)
    assert.ok(log.entries.every((e) => e.createdAt.value < before))
    await assert.rejects(hana.events.getEvents({ streamType: 'admin_logs' }), status(403))
  })

  it('have the same ids in both streams of the enterprise', async () => {
    const ids = async (streamType) => (await follow(client, { streamType, eventType: ['UPLOAD'] }, 0)).seen.map((e) => e.eventId)
    const live = await ids('admin_logs_streaming')
    const year = new Set(await ids('admin_logs'))
    assert.ok(live.length > 3 && live.length <= year.size)
    assert.ok(live.every((id) => year.has(id)))
  })

  it('follow a user, and wake a long poll', async () => {
    const start = await hana.events.getEvents({ streamPosition: 'now' })
    assert.equal(typeof start.nextStreamPosition, 'number')
    const servers = await hana.events.getEventsWithLongPolling()
    assert.equal(servers.entries[0].type, 'realtime_server')
    assert.equal(servers.entries[0].retryTimeout, 610)
    const woken = fetch(`${servers.entries[0].url}&stream_position=${start.nextStreamPosition}`).then((r) => r.json())
    const file = await upload(hana, 'wake.txt', 'w')
    assert.equal((await woken).message, 'new_change')
    const { seen } = await follow(hana, { streamType: 'changes' }, start.nextStreamPosition)
    assert.deepEqual(seen.map((e) => [e.eventType, of(e)]), [['ITEM_UPLOAD', file.id]])
    assert.equal((await follow(ken, {}, start.nextStreamPosition)).seen.length, 0)
  })

  it('lose their place when the provider does', async () => {
    const start = await client.events.getEvents({ streamType: 'admin_logs_streaming', streamPosition: 'now' })
    await box.cloud.expireCursors({ provider: 'box' })
    await assert.rejects(client.events.getEvents({ streamType: 'admin_logs_streaming', streamPosition: start.nextStreamPosition }), status(400, 'bad_request'))
    const fresh = await client.events.getEvents({ streamType: 'admin_logs_streaming', streamPosition: 'now' })
    assert.notEqual(fresh.nextStreamPosition, start.nextStreamPosition)
  })
})

describe('the rest', () => {
  it('keeps webhooks', async () => {
    const docs = await find(hana, '0', 'Docs')
    const body = { target: { id: docs.id, type: 'folder' }, address: 'https://hooks.example/box', triggers: ['FILE.UPLOADED'] }
    const hook = await hana.webhooks.createWebhook(body)
    await assert.rejects(hana.webhooks.createWebhook(body), status(409))
    await assert.rejects(hana.webhooks.createWebhook({ ...body, target: { id: '0', type: 'folder' } }), status(400))
    const changed = await hana.webhooks.updateWebhookById(hook.id, { requestBody: { address: 'https://hooks.example/two' } })
    assert.equal(changed.address, 'https://hooks.example/two')
    assert.equal((await hana.webhooks.getWebhooks()).entries.length, 1)
    await hana.webhooks.deleteWebhookById(hook.id)
    await assert.rejects(hana.webhooks.getWebhookById(hook.id), status(404))
  })

  it('lists, filters, makes and deletes users', async () => {
    const made = await client.users.createUser({ name: 'Mio Sato', login: 'mio@aoba.example' })
    await assert.rejects(client.users.createUser({ name: 'Mio', login: 'MIO@aoba.example' }), status(409, 'user_login_already_used'))
    const hit = await client.users.getUsers({ filterTerm: 'mio', userType: 'managed' })
    assert.deepEqual(hit.entries.map((u) => u.id), [made.id])
    const seen = []
    let marker
    do {
      const page = await client.users.getUsers({ limit: 2, usemarker: true, marker })
      seen.push(...page.entries.map((u) => u.login))
      marker = page.nextMarker
    } while (marker)
    assert.deepEqual(seen.sort(), ['admin@aoba.example', 'gone@aoba.example', 'hana@aoba.example', 'ken@aoba.example', 'mio@aoba.example'])
    assert.equal((await client.users.getUserById(users['admin@aoba.example'].id, { queryParams: { fields: ['role'] } })).role, 'admin')
    await client.users.deleteUserById(made.id)
    await assert.rejects(client.users.getUserById(made.id), status(404))
    const title = await client.users.getUserById(users['hana@aoba.example'].id, { queryParams: { fields: ['job_title'] } })
    assert.equal(title.jobTitle, '部長')
    const { entries: [group] } = await client.groups.getGroups()
    assert.equal(group.name, '営業')
    assert.deepEqual((await client.memberships.getGroupMemberships(group.id)).entries.map((m) => m.user.login).sort(), ['hana@aoba.example', 'ken@aoba.example'])
  })

  it('searches and remembers', async () => {
    const hits = await hana.search.searchForContent({ query: '見積書' })
    assert.deepEqual(hits.entries.map((e) => e.name), ['見積書 2026.txt'])
    await assert.rejects(hana.search.searchForContent({}), status(400, 'missing_parameter'))
    assert.ok((await hana.recentItems.getRecentItems()).entries.length > 0)
  })

  it('ends with the consent, and begins again with it', async () => {
    const token = await box.token()
    await box.cloud.revoke({ tenant: 'aoba', provider: 'box' })
    assert.equal((await box.call('GET', '/2.0/users/me', { token })).status, 401)
    const jwt = await box.form('/oauth2/token', box.tokenForm('aoba', { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertion(box.config()) }))
    assert.deepEqual([jwt.status, (await jwt.json()).error], [400, 'unauthorized_client'])
    const ccg = await box.form('/oauth2/token', box.tokenForm('aoba', { grant_type: 'client_credentials', box_subject_type: 'enterprise', box_subject_id: box.config().enterpriseID }))
    assert.deepEqual([ccg.status, (await ccg.json()).error_description], [400, 'Grant credentials are invalid'])
    await box.cloud.restoreConsent({ tenant: 'aoba', provider: 'box' })
    assert.ok(await box.token())
    assert.equal((await box.call('GET', '/2.0/users/me', { token })).status, 401)
  })

  it('lets tokens run out with the clock', async () => {
    const token = await box.token()
    await box.cloud.clock(3700)
    const answer = await box.call('GET', '/2.0/users/me', { token })
    assert.equal(answer.status, 401)
  })
})
