// Dropbox by its official SDK: signing in, listing and following, content, moving, deleting, restoring, sharing, locks,
// team folders and events, and the errors on the way.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { contentHash, startDropbox } from './dropbox-lib.mjs'

let box, members, hana, ken, admin, team, marketing
const error = (status, ...tags) => (e) => {
  assert.equal(e.status, status, JSON.stringify(e.error ?? e.message))
  if (tags.length) {
    const found = []
    for (let at = e.error.error; at?.['.tag']; at = at[at['.tag']] ?? at.reason) found.push(at['.tag'])
    assert.deepEqual(found.slice(0, tags.length), tags)
    assert.ok(e.error.error_summary.startsWith(tags.join('/')))
  }
  return true
}
const root = (id) => JSON.stringify({ '.tag': 'namespace_id', namespace_id: id })
const upload = async (c, path, contents, more = {}) => (await c.filesUpload({ path, contents: Buffer.from(contents), ...more })).result
const download = async (c, path) => (await c.filesDownload({ path })).result.fileBinary.toString()
const all = async (c, args) => {
  let { result } = await c.filesListFolder(args)
  const entries = [...result.entries]
  while (result.has_more) {
    ({ result } = await c.filesListFolderContinue({ cursor: result.cursor }))
    entries.push(...result.entries)
  }
  return { entries, cursor: result.cursor }
}
const news = async (c, cursor) => {
  const entries = []
  let result
  do {
    ({ result } = await c.filesListFolderContinue({ cursor }))
    entries.push(...result.entries)
    ;({ cursor } = result)
  } while (result.has_more)
  return { entries, cursor }
}
const brief = (entries) => entries.map((e) => `${e['.tag']} ${e.path_display}`)

before(async () => {
  box = await startDropbox()
  members = await box.members()
  team = box.client()
  hana = box.client({ selectUser: members['hana@aoba.example'].team_member_id })
  ken = box.client({ selectUser: members['ken@aoba.example'].team_member_id })
  const folders = (await team.teamTeamFolderList({})).result.team_folders
  marketing = folders.find((f) => f.name === 'Marketing').team_folder_id
  admin = box.client({ selectAdmin: members['admin@aoba.example'].team_member_id })
})
after(() => box?.stop())

describe('signing in', () => {
  it('refreshes by the query string, by a form and by a Basic header', async () => {
    assert.equal((await team.teamGetInfo()).result.num_provisioned_users, 4)
    const form = await box.token()
    assert.deepEqual([form.status, form.token_type, form.expires_in], [200, 'bearer', 14400])
    const { key, secret, refresh } = box.grant()
    const basic = await fetch(`${box.url}/oauth2/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh }),
    })
    assert.equal(basic.status, 200)
  })

  it('refuses wrong secrets, tokens and grant types', async () => {
    for (const [more, name] of [
      [{ client_secret: 'wrong' }, 'invalid_client'], [{ client_secret: '' }, 'invalid_client'], [{ client_id: 'nobody' }, 'invalid_client'],
      [{ refresh_token: 'wrong' }, 'invalid_grant'], [{ grant_type: 'password' }, 'unsupported_grant_type'], [{ scope: 'files.fly' }, 'invalid_scope'],
    ]) {
      const answer = await box.token('aoba', more)
      assert.deepEqual([answer.status, answer.error], [400, name])
      assert.ok(answer.error_description)
    }
  })

  it('asks for a scope that a narrowed token does not have', async () => {
    const narrow = await box.token('aoba', { scope: 'team_info.read members.read' })
    assert.equal(narrow.scope, 'team_info.read members.read')
    const { status, json } = await box.call('files/list_folder', { path: '' }, { token: narrow.access_token, user: members['hana@aoba.example'].team_member_id })
    assert.equal(status, 401)
    assert.deepEqual(json.error, { '.tag': 'missing_scope', required_scope: 'files.metadata.read' })
  })

  it('exchanges a code with PKCE, once', async () => {
    const verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const { key } = box.grant()
    const ask = new URLSearchParams({ client_id: key, response_type: 'code', redirect_uri: 'http://127.0.0.1/cb', state: 's', token_access_type: 'offline', code_challenge: challenge, code_challenge_method: 'S256' })
    const page = await fetch(`${box.url}/oauth2/authorize?${ask}&fakecloud_consent=allow`, { redirect: 'manual' })
    const to = new URL(page.headers.get('location'))
    assert.deepEqual([page.status, to.searchParams.get('state')], [302, 's'])
    const form = (v) => fetch(`${box.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'authorization_code', code: to.searchParams.get('code'), redirect_uri: 'http://127.0.0.1/cb', client_id: key, code_verifier: v }) })
    assert.equal((await form('wrong')).status, 400)
    const answer = await (await form(verifier)).json()
    assert.match(answer.team_id, /^dbtid:/)
    assert.ok(answer.refresh_token && answer.access_token)
    assert.equal((await (await form(verifier)).json()).error, 'invalid_grant')
    // Made without the secret, renewed without it, in a form and in the query; the seeded grant is not.
    const renewal = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: answer.refresh_token, client_id: key })
    const renewed = await fetch(`${box.url}/oauth2/token`, { method: 'POST', body: renewal })
    assert.equal(renewed.status, 200)
    assert.ok(!('refresh_token' in await renewed.json()))
    assert.equal((await fetch(`${box.url}/oauth2/token?${renewal}`, { method: 'POST', headers: { 'Content-Type': 'application/json' } })).status, 200)
    renewal.set('refresh_token', box.grant().refresh)
    assert.equal((await fetch(`${box.url}/oauth2/token`, { method: 'POST', body: renewal })).status, 400)
  })

  it('tells expired, unknown and missing tokens apart', async () => {
    const own = await startDropbox()
    try {
      const { access_token: token } = await own.token()
      const ask = (t) => own.call('team/get_info', undefined, { token: t })
      assert.equal((await ask(token)).status, 200)
      assert.equal((await ask('sl.nobody')).json.error['.tag'], 'invalid_access_token')
      assert.equal((await ask(undefined)).status, 400)
      await own.cloud.clock(14401)
      assert.equal((await ask(token)).json.error['.tag'], 'expired_access_token')
      await own.cloud.revoke({ connection: 'aoba-dropbox' })
      assert.equal((await own.token()).error, 'invalid_grant')
      assert.equal((await own.token('narrow')).status, 200)
      await own.cloud.restoreConsent({ tenant: 'aoba', provider: 'dropbox' })
      const fresh = (await own.token()).access_token
      assert.equal((await own.call('auth/token/revoke', undefined, { token: fresh })).text, 'null')
      assert.equal((await ask(fresh)).json.error['.tag'], 'invalid_access_token')
      assert.equal((await own.token()).error, 'invalid_grant')
    } finally {
      await own.stop()
    }
  })

  it('acts as members and administrators by their headers only', async () => {
    const { access_token: token } = await box.token()
    const list = (more) => box.call('files/list_folder', { path: '' }, { token, ...more })
    const id = (who) => members[`${who}@aoba.example`].team_member_id
    assert.match((await list({})).text, /Dropbox-API-Select-User/)
    assert.equal((await list({ user: 'dbmid:nobody' })).json.error['.tag'], 'invalid_select_user')
    assert.equal((await list({ admin: id('hana') })).json.error['.tag'], 'invalid_select_admin')
    assert.equal((await list({ user: id('gone') })).json.error['.tag'], 'user_suspended')
    assert.equal((await list({ user: id('hana') })).status, 200)
    assert.equal((await list({ admin: id('admin') })).status, 200)
    assert.equal((await box.call('files/get_temporary_link', { path: '/x' }, { token, admin: id('admin') })).status, 400)
    const account = (await hana.usersGetCurrentAccount()).result
    assert.equal(account.account_id.length, 40)
    assert.equal(account.root_info.home_namespace_id, members['hana@aoba.example'].member_folder_id)
    assert.equal((await team.teamTokenGetAuthenticatedAdmin()).result.admin_profile.email, 'admin@aoba.example')
  })
})

describe('path roots', () => {
  it('leads to namespaces that the caller may read', async () => {
    const at = (c, r) => box.client({ selectUser: c.selectUser, selectAdmin: c.selectAdmin, pathRoot: r })
    const home = (who) => members[`${who}@aoba.example`].member_folder_id
    assert.deepEqual(brief((await all(at(hana, root(marketing)), { path: '' })).entries), ['folder /Plans', 'file /logo.png'])
    await assert.rejects(at(hana, root(home('ken'))).filesListFolder({ path: '' }), error(422, 'no_permission'))
    assert.equal((await all(at(admin, root(home('ken'))), { path: '', recursive: true, include_mounted_folders: false })).entries.length, 6)
    await assert.rejects(at(hana, JSON.stringify({ '.tag': 'root', root: home('ken') })).filesListFolder({ path: '' }), (e) => {
      assert.equal(e.error.error.invalid_root.root_namespace_id, home('hana'))
      return error(422, 'invalid_root')(e)
    })
    assert.equal((await at(hana, JSON.stringify({ '.tag': 'root', root: home('hana') })).filesListFolder({ path: '' })).status, 200)
    // Writing as administrator reaches team folders, not homes.
    await upload(at(admin, root(marketing)), '/by-admin.txt', 'x')
    await assert.rejects(upload(at(admin, root(home('ken'))), '/by-admin.txt', 'x'), error(422, 'no_permission'))
    await at(admin, root(marketing)).filesDeleteV2({ path: '/by-admin.txt' })
  })
})

describe('listing and following', () => {
  it('pages, follows changes in order, and tells moves as deleted and added', async () => {
    await ken.filesCreateFolderV2({ path: '/Feed' })
    for (let i = 0; i < 7; i++) await upload(ken, `/Feed/${i}.txt`, `${i}`)
    const listed = await all(ken, { path: '/Feed', limit: 3 })
    assert.equal(listed.entries.length, 7)
    let { cursor } = listed
    assert.equal((await news(ken, cursor)).entries.length, 0)

    const one = await upload(ken, '/Feed/new.txt', 'one')
    await upload(ken, '/Feed/new.txt', 'two', { mode: { '.tag': 'update', update: one.rev } })
    let next = await news(ken, cursor)
    assert.deepEqual(brief(next.entries), ['file /Feed/new.txt'])
    assert.equal(next.entries[0].content_hash, contentHash(Buffer.from('two')))
    assert.equal(next.entries[0].id, one.id)

    const moved = (await ken.filesMoveV2({ from_path: '/Feed/new.txt', to_path: '/Feed/Sub/moved.txt' })).result.metadata
    next = await news(ken, next.cursor)
    assert.deepEqual(brief(next.entries).sort(), ['deleted /Feed/new.txt', 'folder /Feed/Sub'])
    assert.equal(moved.id, one.id)

    await ken.filesDeleteV2({ path: '/Feed/Sub' })
    next = await news(ken, next.cursor)
    assert.deepEqual(brief(next.entries), ['deleted /Feed/Sub'])
    assert.deepEqual(brief((await all(ken, { path: '/Feed', include_deleted: true })).entries).filter((l) => l.startsWith('deleted')), ['deleted /Feed/new.txt', 'deleted /Feed/Sub'])
  })

  it('lists team folders below a home once, or not at all', async () => {
    const with_ = brief((await all(hana, { path: '', recursive: true })).entries)
    const without = brief((await all(hana, { path: '', recursive: true, include_mounted_folders: false })).entries)
    assert.ok(with_.includes('file /Marketing/Plans/q4.txt') && with_.includes('file /Docs/見積書 😀.txt'))
    assert.ok(!without.some((l) => l.startsWith('file /Marketing')))
    const { cursor } = (await hana.filesListFolderGetLatestCursor({ path: '', recursive: true })).result
    await upload(ken, '/Marketing/from-ken.txt', 'hello')
    assert.deepEqual(brief((await news(hana, cursor)).entries), ['file /Marketing/from-ken.txt'])
    await ken.filesDeleteV2({ path: '/Marketing/from-ken.txt' })
  })

  it('deletes children by name, so that what comes back in their place is complete', async () => {
    await upload(ken, '/Tree/a/b.txt', 'b')
    const { cursor } = await all(ken, { path: '', recursive: true, include_mounted_folders: false })
    await ken.filesDeleteV2({ path: '/Tree' })
    await upload(ken, '/Tree/c.txt', 'c')
    const lines = brief((await news(ken, cursor)).entries)
    assert.ok(lines.includes('deleted /Tree/a') && lines.includes('deleted /Tree/a/b.txt') && lines.includes('file /Tree/c.txt'))
  })

  it('wakes a long poll at once', async () => {
    const { cursor } = (await hana.filesListFolderGetLatestCursor({ path: '' })).result
    const poll = hana.filesListFolderLongpoll({ cursor, timeout: 30 })
    setTimeout(() => upload(hana, '/wake.txt', 'up'), 100)
    const start = Date.now()
    assert.equal((await poll).result.changes, true)
    assert.ok(Date.now() - start < 25000)
  })

  it('loses cursors on demand, and knows forged and borrowed ones', async () => {
    const own = await startDropbox()
    try {
      const ids = await own.members()
      const c = own.client({ selectUser: ids['hana@aoba.example'].team_member_id })
      const { cursor } = await all(c, { path: '' })
      const events = (await own.client().teamLogGetEvents({})).result.cursor
      const people = (await own.client().teamMembersListV2({ limit: 1 })).result.cursor
      const other = own.client({ selectUser: ids['ken@aoba.example'].team_member_id })
      await assert.rejects(other.filesListFolderContinue({ cursor }), error(400))
      await assert.rejects(c.filesListFolderContinue({ cursor: 'nonsense' }), error(400))
      await own.cloud.expireCursors({ provider: 'dropbox', tenant: 'aoba' })
      await assert.rejects(c.filesListFolderContinue({ cursor }), error(409, 'reset'))
      await assert.rejects(c.filesListFolderLongpoll({ cursor }), error(409, 'reset'))
      await assert.rejects(own.client().teamLogGetEventsContinue({ cursor: events }), (e) => {
        assert.match(e.error.error.reset, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
        return error(409, 'reset')(e)
      })
      await assert.rejects(own.client().teamLogGetEventsContinue({ cursor: 'AAnonsense' }), error(409, 'bad_cursor'))
      await assert.rejects(own.client().teamMembersListContinueV2({ cursor: people }), error(409, 'invalid_cursor'))
      assert.equal((await all(c, { path: '' })).entries.length, 4)
    } finally {
      await own.stop()
    }
  })

  it('honours small pages everywhere', async () => {
    const ids = await box.members('narrow')
    assert.equal(Object.keys(ids).length, 3)
    const c = box.client({ selectUser: ids['admin@narrow.example'].team_member_id }, 'narrow')
    const first = (await c.filesListFolder({ path: '', recursive: true })).result
    assert.deepEqual([first.entries.length, first.has_more], [2, true])
    const { entries } = await all(c, { path: '', recursive: true })
    assert.deepEqual(brief(entries).sort(), ['file /One/1.txt', 'file /Two/2.txt', 'file /a.txt', 'file /b/c.txt', 'file /d.txt', 'folder /One', 'folder /Two', 'folder /b'])
    const t = box.client({}, 'narrow')
    let page = (await t.teamNamespacesList({})).result
    const names = page.namespaces.map((n) => n.name)
    while (page.has_more) names.push(...(page = (await t.teamNamespacesListContinue({ cursor: page.cursor })).result).namespaces.map((n) => n.name))
    assert.equal(names.length, 5)
  })
})

describe('content', () => {
  it('writes, reads, ranges, and knows every write mode', async () => {
    const made = await upload(hana, '/模式/日本語.txt', 'first', { client_modified: '2026-01-02T03:04:05Z' })
    assert.equal(made.client_modified, '2026-01-02T03:04:05Z')
    assert.equal(made.content_hash, contentHash(Buffer.from('first')))
    assert.equal(await download(hana, made.id), 'first')
    assert.equal(await download(hana, '/模式/日本語.TXT'), 'first')
    // The same content again is no conflict and no new revision.
    assert.equal((await upload(hana, '/模式/日本語.txt', 'first')).rev, made.rev)
    await assert.rejects(upload(hana, '/模式/日本語.txt', 'second'), error(409, 'path', 'conflict', 'file'))
    await assert.rejects(upload(hana, '/模式', 'second'), error(409, 'path', 'conflict', 'folder'))
    await assert.rejects(upload(hana, '/模式/日本語.txt/below', 'x'), error(409, 'path', 'conflict', 'file_ancestor'))
    await assert.rejects(upload(hana, '/模式/日本語.txt', 'x', { mode: { '.tag': 'update', update: '123456789a' } }), error(409, 'path', 'conflict'))
    assert.equal((await upload(hana, '/模式/日本語.txt', 'second', { autorename: true })).name, '日本語 (1).txt')
    const second = await upload(hana, '/模式/日本語.txt', 'second', { mode: { '.tag': 'overwrite' } })
    assert.equal(second.id, made.id)
    assert.equal(await download(hana, `rev:${made.rev}`), 'first')
    await assert.rejects(upload(hana, '/x.txt', 'x', { content_hash: '0'.repeat(64) }), error(409, 'content_hash_mismatch'))

    const { access_token: token } = await box.token()
    const user = members['hana@aoba.example'].team_member_id
    const part = await box.call('files/download', { path: made.id }, { token, user, style: 'download', headers: { Range: 'bytes=1-3' } })
    assert.deepEqual([part.status, part.text, part.headers.get('content-range')], [206, 'eco', 'bytes 1-3/6'])
    assert.match(part.headers.get('dropbox-api-result'), /^[\x20-\x7e]+$/)
    assert.equal(part.result.path_display, '/模式/日本語.txt')
    assert.equal((await box.call('files/download', { path: made.id }, { token, user, style: 'download', headers: { 'Content-Type': 'application/json' } })).status, 400)
  })

  it('uploads in sessions, one after another and concurrently', async () => {
    const block = randomBytes(4 << 20)
    const data = Buffer.concat([block, Buffer.from('tail')])
    const { session_id } = (await hana.filesUploadSessionStart({ contents: data.subarray(0, 1000) })).result
    await assert.rejects(hana.filesUploadSessionAppendV2({ cursor: { session_id, offset: 7 }, contents: data.subarray(7, 10) }), (e) => {
      assert.equal(e.error.error.correct_offset, 1000)
      return error(409, 'incorrect_offset')(e)
    })
    await hana.filesUploadSessionAppendV2({ cursor: { session_id, offset: 1000 }, contents: data.subarray(1000, 3000000) })
    const meta = (await hana.filesUploadSessionFinish({ cursor: { session_id, offset: 3000000 }, commit: { path: '/big.bin' }, contents: data.subarray(3000000) })).result
    assert.deepEqual([meta.size, meta.content_hash], [data.length, contentHash(data)])
    await assert.rejects(hana.filesUploadSessionFinish({ cursor: { session_id, offset: 0 }, commit: { path: '/b' } }), error(409, 'lookup_failed', 'not_found'))

    const started = (await hana.filesUploadSessionStart({ session_type: { '.tag': 'concurrent' } })).result.session_id
    const append = (offset, contents, close = false) => hana.filesUploadSessionAppendV2({ cursor: { session_id: started, offset }, close, contents })
    await assert.rejects(append(1, block), error(409, 'concurrent_session_invalid_offset'))
    await assert.rejects(append(0, Buffer.from('odd')), error(409, 'concurrent_session_invalid_data_size'))
    await append(block.length, Buffer.concat([block]))
    await append(0, block)
    const finish = () => hana.filesUploadSessionFinish({ cursor: { session_id: started, offset: 2 * block.length + 4 }, commit: { path: '/concurrent.bin' } })
    await assert.rejects(finish(), error(409, 'concurrent_session_not_closed'))
    await append(2 * block.length, Buffer.from('tail'), true)
    assert.equal((await finish()).result.content_hash, contentHash(Buffer.concat([block, block, Buffer.from('tail')])))

    const ids = (await hana.filesUploadSessionStartBatch({ num_sessions: 2 })).result.session_ids
    for (const id of ids) await hana.filesUploadSessionAppendV2({ cursor: { session_id: id, offset: 0 }, close: true, contents: Buffer.from(id) })
    const batch = (await hana.filesUploadSessionFinishBatchV2({ entries: ids.map((id, i) => ({ cursor: { session_id: id, offset: id.length + (i ? 1 : 0) }, commit: { path: `/batch-${i}.txt` } })) })).result.entries
    assert.deepEqual(batch.map((e) => e['.tag']), ['success', 'failure'])
    assert.equal(batch[0].path_display, '/batch-0.txt')
    assert.equal(batch[1].failure.lookup_failed['.tag'], 'incorrect_offset')
  })

  it('gives temporary links that end after four hours', async () => {
    const own = await startDropbox()
    try {
      const ids = await own.members()
      const { result } = await own.client({ selectUser: ids['hana@aoba.example'].team_member_id }).filesGetTemporaryLink({ path: '/Docs/plan.txt' })
      const answer = await fetch(result.link)
      assert.deepEqual([answer.status, answer.headers.get('content-type'), await answer.text()], [200, 'text/plain; charset=utf-8', 'the plan'])
      await own.cloud.clock(4 * 3600 + 1)
      assert.equal((await fetch(result.link)).status, 410)
    } finally {
      await own.stop()
    }
  })

  it('refuses restricted content, exports documents that live in Dropbox', async () => {
    await assert.rejects(download(ken, '/Work/bad.exe'), error(409, 'path', 'restricted_content'))
    await assert.rejects(download(hana, '/notes.paper'), error(409, 'unsupported_file'))
    await assert.rejects(download(hana, '/Docs'), error(409, 'path', 'not_file'))
    await assert.rejects(download(hana, '/none'), error(409, 'path', 'not_found'))
    await assert.rejects(download(hana, '//x'), error(409, 'path', 'malformed_path'))
    const { result } = await hana.filesExport({ path: '/notes.paper', export_format: 'markdown' })
    assert.deepEqual([result.export_metadata.name, result.fileBinary.toString()], ['notes.md', '# notes'])
    await assert.rejects(hana.filesExport({ path: '/Docs/plan.txt' }), error(409, 'non_exportable'))
    await assert.rejects(hana.filesExport({ path: '/notes.paper', export_format: 'tiff' }), error(409, 'invalid_export_format'))
  })
})

describe('changing', () => {
  it('moves, copies and renames with every conflict', async () => {
    await upload(ken, '/M/a.txt', 'a')
    await upload(ken, '/M/b.txt', 'b')
    const move = (from_path, to_path, more = {}) => ken.filesMoveV2({ from_path, to_path, ...more })
    await assert.rejects(move('/M/none', '/M/c'), error(409, 'from_lookup', 'not_found'))
    await assert.rejects(move('/M/a.txt', '/M/b.txt'), error(409, 'to', 'conflict', 'file'))
    await assert.rejects(move('/M/a.txt', '/M'), error(409, 'to', 'conflict', 'folder'))
    await assert.rejects(move('/M', '/M/in'), error(409, 'cant_move_folder_into_itself'))
    await assert.rejects(move('/M/a.txt', '/M/a.txt'), error(409, 'duplicated_or_nested_paths'))
    assert.equal((await move('/M/a.txt', '/M/b.txt', { autorename: true })).result.metadata.name, 'b (1).txt')
    const copy = (await ken.filesCopyV2({ from_path: '/M', to_path: '/M2' })).result.metadata
    assert.equal(copy['.tag'], 'folder')
    assert.equal(await download(ken, '/M2/b (1).txt'), 'a')
    // Out of a home into a team folder: ownership changes hands.
    await assert.rejects(move('/M2/b.txt', '/Marketing/b.txt'), error(409, 'cant_transfer_ownership'))
    const before = (await ken.filesGetMetadata({ path: '/M2/b.txt' })).result
    const there = (await move('/M2/b.txt', '/Marketing/b.txt', { allow_ownership_transfer: true })).result.metadata
    assert.deepEqual([there.id, there.client_modified, there.sharing_info.parent_shared_folder_id], [before.id, before.client_modified, marketing])
    assert.notEqual(there.rev, before.rev)
    const item = (await box.cloud.state()).find((i) => i.id === before.id)
    assert.deepEqual([item.owner, item.place], ['Marketing', '/'])
    await move(there.id, `ns:${members['ken@aoba.example'].member_folder_id}/M2/b.txt`, { allow_ownership_transfer: true })
    await assert.rejects(ken.filesDeleteV2({ path: '/Marketing' }), error(409, 'path_write', 'team_folder'))
    await assert.rejects(move('/Marketing', '/M/Marketing'), error(409, 'cant_move_shared_folder'))
  })

  it('answers batches entry by entry, at once and as jobs', async () => {
    for (let i = 0; i < 25; i++) await upload(ken, `/Batch/${i}.txt`, `${i}`)
    const few = (await ken.filesMoveBatchV2({ entries: [{ from_path: '/Batch/0.txt', to_path: '/Batch/z.txt' }, { from_path: '/Batch/none', to_path: '/Batch/y' }] })).result
    assert.equal(few['.tag'], 'complete')
    assert.deepEqual(few.entries.map((e) => e['.tag']), ['success', 'failure'])
    assert.equal(few.entries[0].success.path_display, '/Batch/z.txt')
    assert.equal(few.entries[1].failure.relocation_error.from_lookup['.tag'], 'not_found')
    const many = (await ken.filesMoveBatchV2({ entries: Array.from({ length: 24 }, (_, i) => ({ from_path: `/Batch/${i + 1}.txt`, to_path: `/Batch/m/${i + 1}.txt` })) })).result
    assert.equal(many['.tag'], 'async_job_id')
    const wait = async (check, job) => {
      for (;;) {
        const { result } = await check({ async_job_id: job.async_job_id })
        if (result['.tag'] !== 'in_progress') return result
      }
    }
    assert.equal((await wait((a) => ken.filesMoveBatchCheckV2(a), many)).entries.length, 24)
    const job = (await ken.filesDeleteBatch({ entries: [{ path: '/Batch/m' }, { path: '/Batch/none' }] })).result
    const done = await wait((a) => ken.filesDeleteBatchCheck(a), job)
    assert.deepEqual(done.entries.map((e) => e['.tag']), ['success', 'failure'])
    assert.equal(done.entries[1].failure.path_lookup['.tag'], 'not_found')
    await assert.rejects(ken.filesDeleteBatchCheck({ async_job_id: many.async_job_id }), error(409, 'invalid_async_job_id'))
  })

  it('deletes by revision, keeps revisions, restores, and purges', async () => {
    const one = await upload(hana, '/Rev/a.txt', 'one')
    const two = await upload(hana, '/Rev/a.txt', 'two', { mode: { '.tag': 'overwrite' } })
    await assert.rejects(hana.filesDeleteV2({ path: '/Rev/a.txt', parent_rev: one.rev }), error(409, 'path_write', 'conflict'))
    const gone = (await hana.filesDeleteV2({ path: two.id, parent_rev: two.rev })).result.metadata
    assert.deepEqual([gone['.tag'], gone.rev], ['file', two.rev])
    await assert.rejects(hana.filesGetMetadata({ path: '/Rev/a.txt' }), error(409, 'path', 'not_found'))
    assert.equal((await hana.filesGetMetadata({ path: '/Rev/a.txt', include_deleted: true })).result['.tag'], 'deleted')
    let list = (await hana.filesListRevisions({ path: '/Rev/a.txt' })).result
    assert.deepEqual([list.is_deleted, list.entries.map((e) => e.rev)], [true, [two.rev, one.rev]])
    assert.ok(list.server_deleted)
    const back = (await hana.filesRestore({ path: '/Rev/a.txt', rev: one.rev })).result
    assert.equal(back.id, one.id)
    assert.equal(await download(hana, '/Rev/a.txt'), 'one')
    await hana.filesMoveV2({ from_path: '/Rev/a.txt', to_path: '/Rev/b.txt' })
    list = (await hana.filesListRevisions({ path: one.id, mode: { '.tag': 'id' } })).result
    assert.deepEqual([list.is_deleted, list.entries.length], [false, 4])
    assert.equal((await hana.filesListRevisions({ path: '/Rev/a.txt', limit: 1 })).result.has_more, true)
    await assert.rejects(hana.filesRestore({ path: '/Rev/a.txt', rev: 'abcdef0123456' }), error(409, 'invalid_revision'))
    await assert.rejects(hana.filesRestore({ path: '/Rev/none.txt', rev: one.rev }), error(409, 'path_lookup', 'not_found'))
    await hana.filesPermanentlyDelete({ path: '/Rev/b.txt' })
    await assert.rejects(hana.filesListRevisions({ path: '/Rev/b.txt' }), error(409, 'path', 'not_found'))
  })

  it('locks shared files for one writer', async () => {
    const alone = (await hana.filesLockFileBatch({ entries: [{ path: '/empty' }] })).result.entries[0]
    assert.equal(alone.failure['.tag'], 'file_not_shared')
    const locked = (await hana.filesLockFileBatch({ entries: [{ path: '/Marketing/logo.png' }] })).result.entries[0]
    assert.equal(locked.lock.content['.tag'], 'single_user')
    assert.equal(locked.metadata.file_lock_info.is_lockholder, true)
    await assert.rejects(ken.filesDeleteV2({ path: '/Marketing/logo.png' }), error(409, 'path_lookup', 'locked'))
    const other = (await ken.filesLockFileBatch({ entries: [{ path: '/Marketing/logo.png' }] })).result.entries[0]
    assert.equal(other.failure.lock.content['.tag'], 'single_user')
    const unlock = (await box.client({ selectAdmin: admin.selectAdmin, pathRoot: root(marketing) }).filesUnlockFileBatch({ entries: [{ path: '/logo.png' }] })).result.entries[0]
    assert.equal(unlock.lock.content['.tag'], 'unlocked')
  })
})

describe('sharing', () => {
  it('reads what the seed shared, takes it away and gives it back', async () => {
    const of = async (id) => (await box.cloud.state()).find((i) => i.id === id)
    const { id } = (await hana.filesGetMetadata({ path: '/Docs/plan.txt' })).result
    assert.deepEqual((await of(id)).sharing, ['link:anonymous:view', 'user:guest@elsewhere.example:read', 'user:ken@aoba.example:write'])
    const [link] = (await hana.sharingListSharedLinks({ path: id, direct_only: true })).result.links
    assert.equal(link.link_permissions.resolved_visibility['.tag'], 'public')
    const people = (await hana.sharingListFileMembers({ file: id })).result
    assert.deepEqual(people.users.map((u) => `${u.user.email} ${u.access_type['.tag']}`), ['hana@aoba.example owner', 'ken@aoba.example editor'])
    assert.deepEqual(people.invitees.map((u) => u.invitee.email), ['guest@elsewhere.example'])
    await assert.rejects(ken.sharingRevokeSharedLink({ url: link.url }), error(409, 'shared_link_access_denied'))
    await hana.sharingRevokeSharedLink({ url: link.url })
    await assert.rejects(hana.sharingRevokeSharedLink({ url: link.url }), error(409, 'shared_link_not_found'))
    for (const email of ['ken@aoba.example', 'guest@elsewhere.example']) {
      const { result } = await hana.sharingRemoveFileMember2({ file: id, member: { '.tag': 'email', email } })
      assert.equal(result['.tag'], 'success')
    }
    await assert.rejects(hana.sharingRemoveFileMember2({ file: id, member: { '.tag': 'email', email: 'ken@aoba.example' } }), error(409, 'no_explicit_access'))
    assert.deepEqual((await of(id)).sharing, [])
    const [added] = (await hana.sharingAddFileMember({ file: id, members: [{ '.tag': 'dropbox_id', dropbox_id: members['ken@aoba.example'].account_id }], access_level: { '.tag': 'editor' } })).result
    assert.equal(added.result.success['.tag'], 'editor')
    const made = (await hana.sharingCreateSharedLinkWithSettings({ path: id, settings: { audience: { '.tag': 'team' } } })).result
    assert.equal(made.link_permissions.resolved_visibility['.tag'], 'team_only')
    await assert.rejects(hana.sharingCreateSharedLinkWithSettings({ path: id }), (e) => {
      assert.equal(e.error.error.shared_link_already_exists.metadata.url, made.url)
      return error(409, 'shared_link_already_exists')(e)
    })
    const changed = (await hana.sharingModifySharedLinkSettings({ url: made.url, settings: { expires: '2030-01-01T00:00:00Z', audience: { '.tag': 'public' } } })).result
    assert.equal(changed.expires, '2030-01-01T00:00:00Z')
    assert.deepEqual((await of(id)).sharing, ['link:anonymous:view', 'user:ken@aoba.example:write'])
    await assert.rejects(hana.sharingModifySharedLinkSettings({ url: made.url, settings: { expires: '2001-01-01T00:00:00Z' } }), error(409, 'settings_error', 'invalid_settings'))
  })

  it('keeps tags, in small letters, for members alone', async () => {
    const path = '/Docs/plan.txt'
    const { id } = (await hana.filesGetMetadata({ path })).result
    const labels = async () => (await box.cloud.state()).find((i) => i.id === id).labels
    assert.deepEqual(await labels(), [])
    await hana.filesTagsAdd({ path, tag_text: 'Secret' })
    await hana.filesTagsAdd({ path, tag_text: '社外秘' })
    assert.deepEqual(await labels(), ['secret', '社外秘'])
    assert.deepEqual((await hana.filesTagsGet({ paths: [path] })).result.paths_to_tags[0].tags.map((t) => t.tag_text), ['secret', '社外秘'])
    await hana.filesTagsRemove({ path, tag_text: 'SECRET' })
    await assert.rejects(hana.filesTagsRemove({ path, tag_text: 'secret' }), error(409, 'tag_not_present'))
    await assert.rejects(ken.filesTagsAdd({ path, tag_text: 'x' }), error(409, 'path', 'not_found'))
    for (const wrong of ['two words', 'x'.repeat(33), 'a-b']) await assert.rejects(hana.filesTagsAdd({ path, tag_text: wrong }), (e) => e.status === 400)
    assert.deepEqual(await labels(), ['社外秘'])
  })

  it('lists groups, and who is in them', async () => {
    const { groups } = (await team.teamGroupsList({ limit: 1000 })).result
    assert.deepEqual(groups.map((g) => [g.group_name, g.member_count]), [['営業', 2], ['Office', 1]])
    const profile = members['hana@aoba.example']
    assert.deepEqual(profile.groups, [groups[0].group_id])
    assert.deepEqual(profile.secondary_emails, [{ email: 'h.mori@aoba.example', is_verified: true }])
  })
})

describe('team folders', () => {
  it('are made empty, get members, hold what is moved in, are archived and end', async () => {
    const made = (await team.teamTeamFolderCreate({ name: 'sekisho-quarantine' })).result
    assert.deepEqual([made.status['.tag'], made.is_team_shared_dropbox], ['active', false])
    await assert.rejects(team.teamTeamFolderCreate({ name: 'Sekisho-Quarantine' }), error(409, 'folder_name_already_used'))
    const file = await upload(ken, '/to-move.txt', 'danger')
    const into = { from_path: file.id, to_path: `ns:${made.team_folder_id}/to-move.txt`, allow_ownership_transfer: true }
    // Ken is no member of it yet.
    await assert.rejects(ken.filesMoveV2(into), error(409, 'to', 'no_write_permission'))
    const inside = box.client({ selectAdmin: admin.selectAdmin, pathRoot: root(made.team_folder_id) })
    await inside.sharingAddFolderMember({ shared_folder_id: made.team_folder_id, members: [{ member: { '.tag': 'email', email: 'ken@aoba.example' }, access_level: { '.tag': 'editor' } }], quiet: true })
    assert.deepEqual((await inside.sharingListFolderMembers({ shared_folder_id: made.team_folder_id })).result.users.map((u) => u.user.email), ['ken@aoba.example'])
    const moved = (await ken.filesMoveV2(into)).result.metadata
    assert.deepEqual([moved.id, moved.path_display], [file.id, '/sekisho-quarantine/to-move.txt'])
    const item = async () => (await box.cloud.state()).find((i) => i.id === file.id)
    assert.deepEqual([(await item()).quarantined, (await item()).owner], [true, 'sekisho-quarantine'])
    await inside.sharingRemoveFolderMember({ shared_folder_id: made.team_folder_id, member: { '.tag': 'email', email: 'ken@aoba.example' }, leave_a_copy: false })
    await assert.rejects(ken.filesGetMetadata({ path: file.id }), error(409, 'path', 'not_found'))
    assert.equal((await inside.filesGetMetadata({ path: '/to-move.txt' })).result.id, file.id)
    await assert.rejects(team.teamTeamFolderPermanentlyDelete({ team_folder_id: made.team_folder_id }), error(409, 'status_error', 'active'))
    const archived = (await team.teamTeamFolderArchive({ team_folder_id: made.team_folder_id, force_async_off: true })).result
    assert.deepEqual([archived['.tag'], archived.status['.tag']], ['complete', 'archived'])
    assert.equal((await team.teamTeamFolderActivate({ team_folder_id: made.team_folder_id })).result.status['.tag'], 'active')
    const launched = (await team.teamTeamFolderArchive({ team_folder_id: made.team_folder_id })).result
    assert.equal((await team.teamTeamFolderArchiveCheck({ async_job_id: launched.async_job_id })).result['.tag'], 'in_progress')
    assert.equal((await team.teamTeamFolderArchiveCheck({ async_job_id: launched.async_job_id })).result['.tag'], 'complete')
    await team.teamTeamFolderPermanentlyDelete({ team_folder_id: made.team_folder_id })
    const [info] = (await team.teamTeamFolderGetInfo({ team_folder_ids: [made.team_folder_id] })).result
    assert.equal(info['.tag'], 'id_not_found')
    assert.equal(await item(), undefined)
  })
})

describe('events and search', () => {
  it('tells what was done, by whom, from a cursor on', async () => {
    let { result } = await team.teamLogGetEvents({ limit: 1000 })
    while (result.has_more) ({ result } = await team.teamLogGetEventsContinue({ cursor: result.cursor }))
    const file = await upload(ken, '/events.txt', 'x')
    await ken.filesMoveV2({ from_path: '/events.txt', to_path: '/events-moved.txt' })
    await ken.filesDeleteV2({ path: '/events-moved.txt' })
    const { events } = (await team.teamLogGetEventsContinue({ cursor: result.cursor })).result
    assert.deepEqual(events.map((e) => e.event_type['.tag']), ['file_add', 'file_rename', 'file_delete'])
    assert.deepEqual(new Set(events.map((e) => e.actor.user.email)), new Set(['ken@aoba.example']))
    assert.equal(events[0].assets[0].file_id, file.id)
    assert.deepEqual(events[1].assets.map((a) => a.path.contextual), ['/events.txt', '/events-moved.txt'])
    const sharing = (await team.teamLogGetEvents({ category: { '.tag': 'sharing' } })).result.events
    assert.ok(sharing.length && sharing.every((e) => e.event_category['.tag'] === 'sharing'))
    assert.equal((await team.teamLogGetEvents({ time: { end_time: '2020-01-01T00:00:00Z' } })).result.events.length, 0)
    const { values } = (await team.teamFeaturesGetValues({ features: [{ '.tag': 'has_team_file_events' }, { '.tag': 'upload_api_rate_limit' }] })).result
    assert.equal(values[0].has_team_file_events.enabled, true)
  })

  it('finds by name', async () => {
    for (let i = 0; i < 5; i++) await upload(ken, `/Find/needle-${i}.md`, `${i}`)
    let { result } = await ken.filesSearchV2({ query: 'NEEDLE', options: { path: '/Find', max_results: 2 } })
    const names = result.matches.map((m) => m.metadata.metadata.name)
    while (result.has_more) {
      ({ result } = await ken.filesSearchContinueV2({ cursor: result.cursor }))
      names.push(...result.matches.map((m) => m.metadata.metadata.name))
    }
    assert.equal(names.length, 5)
  })
})

describe('limits', () => {
  it('slows writers of one namespace down when asked to', async () => {
    const own = await startDropbox(['--rate', '10000'])
    try {
      const ids = await own.members()
      const c = own.client({ selectUser: ids['ken@aoba.example'].team_member_id })
      const results = await Promise.allSettled(Array.from({ length: 80 }, (_, i) => upload(c, `/rate-${i}.txt`, `${i}`)))
      const refused = results.filter((r) => r.status === 'rejected').map((r) => r.reason)
      assert.ok(refused.length > 10)
      for (const e of refused) {
        assert.equal(e.status, 429)
        assert.equal(e.error.error.reason['.tag'], 'too_many_write_operations')
        assert.ok(Number(e.headers.get('retry-after')) >= 1)
      }
    } finally {
      await own.stop()
    }
  })
})
