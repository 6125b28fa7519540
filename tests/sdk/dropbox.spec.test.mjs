// Dropbox by the letter of its Stone files: every answer of a tour through the interface has the described form, and
// every route asks for the described scope, takes the described fields and knows the described ways to select members.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startDropbox } from './dropbox-lib.mjs'
import { noSpecs, specs } from './lib.mjs'
import { pattern, Stone } from './stone.mjs'

const dir = join(specs, 'dropbox')
const skip = noSpecs || (existsSync(dir) ? false : 'the Stone files are missing')
let box, stone, token, members, seen

before(async () => {
  if (skip) return
  stone = new Stone(dir)
  box = await startDropbox()
  members = await box.members()
  token = (await box.token()).access_token
  seen = new Map()
})
after(() => box?.stop())

const id = (who) => members[`${who}@aoba.example`].team_member_id
// A call whose answer is checked against the description.
async function ask(route, arg, { expect = 200, ...more } = {}) {
  const { attrs } = stone.routes.get(route)
  const answer = await box.call(route, arg, { token, style: attrs.style ?? 'rpc', ...more })
  assert.deepEqual(stone.answer(route, answer), [], JSON.stringify(answer.json ?? answer.text))
  assert.equal(answer.status, expect, answer.text)
  seen.set(route, (seen.get(route) ?? new Set()).add(answer.status))
  return attrs.style === 'download' && answer.status === 200 ? answer.result : answer.json
}

describe('every answer', { skip }, () => {
  const hana = (route, arg, more) => ask(route, arg, { user: id('hana'), ...more })
  const ken = (route, arg, more) => ask(route, arg, { user: id('ken'), ...more })
  const admin = (route, arg, more) => ask(route, arg, { admin: id('admin'), ...more })
  const upload = (who, path, text, more = {}) => who('files/upload', { path, ...more }, { body: text })

  it('about the team', async () => {
    await ask('team/get_info')
    await ask('team/token/get_authenticated_admin')
    await ask('team/features/get_values', { features: ['upload_api_rate_limit', 'has_team_shared_dropbox', 'has_team_file_events', 'has_team_selective_sync', 'has_distinct_member_homes'].map((t) => ({ '.tag': t })) })
    await ask('team/features/get_values', { features: [] }, { expect: 409 })
    for (const v of ['', '_v2']) {
      const page = await ask(`team/members/list${v}`, { limit: 2 })
      assert.equal(page.members.length, 2)
      await ask(`team/members/list/continue${v}`, { cursor: page.cursor })
      await ask(`team/members/list/continue${v}`, { cursor: 'none' }, { expect: 409 })
      await ask(`team/members/get_info${v}`, { members: [{ '.tag': 'email', email: 'KEN@aoba.example' }, { '.tag': 'team_member_id', team_member_id: 'dbmid:none' }] })
    }
    const groups = await ask('team/groups/list', { limit: 1 })
    assert.equal(groups.has_more, true)
    await ask('team/groups/list/continue', { cursor: groups.cursor })
    await ask('team/groups/list/continue', { cursor: 'none' }, { expect: 409 })
    const page = await ask('team/namespaces/list', { limit: 1 })
    await ask('team/namespaces/list/continue', { cursor: page.cursor })
    await ask('team/namespaces/list/continue', { cursor: 'none' }, { expect: 409 })
  })

  it('about accounts', async () => {
    const account = await hana('users/get_current_account')
    await admin('users/get_current_account')
    await hana('users/get_account', { account_id: account.account_id })
    await hana('users/get_account', { account_id: `dbid:${'x'.repeat(35)}` }, { expect: 409 })
    await hana('users/get_account_batch', { account_ids: [account.account_id] })
    await hana('users/get_space_usage')
    await hana('users/features/get_values', { features: [{ '.tag': 'file_locking' }, { '.tag': 'team_shared_dropbox' }] })
    await hana('check/user', { query: 'hello' })
  })

  it('about listings', async () => {
    const first = await hana('files/list_folder', { path: '', recursive: true, limit: 2, include_has_explicit_shared_members: true })
    let page = first
    while (page.has_more) page = await hana('files/list_folder/continue', { cursor: page.cursor })
    await hana('files/list_folder/get_latest_cursor', { path: '/Docs' })
    await hana('files/list_folder', { path: '/none' }, { expect: 409 })
    await hana('files/list_folder', { path: '/Docs/plan.txt' }, { expect: 409 })
    await hana('files/list_folder', { path: '/' }, { expect: 400 })
    await hana('files/list_folder', { path: 'none' }, { expect: 400 })
    await hana('files/list_folder', { path: '', limit: 2001 }, { expect: 400 })
    await hana('files/list_folder', { path: '', recursively: true }, { expect: 400 })
    await upload(hana, '/listed.txt', 'x')
    await ask('files/list_folder/longpoll', { cursor: page.cursor, timeout: 30 }, { token: undefined })
    await hana('files/delete_v2', { path: '/listed.txt' })
    await hana('files/list_folder/continue', { cursor: page.cursor })
    await hana('files/list_folder', { path: '', include_deleted: true })
    await admin('files/list_folder', { path: '', include_mounted_folders: false }, { root: { '.tag': 'namespace_id', namespace_id: members['ken@aoba.example'].member_folder_id } })
    await hana('files/list_folder', { path: '' }, { root: { '.tag': 'namespace_id', namespace_id: '1' }, expect: 422 })
    await hana('files/list_folder', { path: '' }, { root: { '.tag': 'root', root: '1' }, expect: 422 })
    await hana('files/list_folder', { path: '' }, { token: 'none', expect: 401 })
  })

  it('about single files and folders', async () => {
    for (const path of ['/Docs', '/Docs/plan.txt', '/Docs/見積書 😀.txt', '/notes.paper', '/empty', '/Marketing', '/Marketing/Plans', '/Marketing/logo.png']) await hana('files/get_metadata', { path, include_has_explicit_shared_members: true })
    await hana('files/get_metadata', { path: '/listed.txt', include_deleted: true })
    await hana('files/get_metadata', { path: '/none' }, { expect: 409 })
    await hana('files/get_metadata', { path: '//' }, { expect: 409 })
    await hana('files/download', { path: '/Docs/見積書 😀.txt' })
    await hana('files/download', { path: '/notes.paper' }, { expect: 409 })
    await ken('files/download', { path: '/Work/bad.exe' }, { expect: 409 })
    await hana('files/export', { path: '/notes.paper' })
    await hana('files/get_temporary_link', { path: '/Docs/plan.txt' })
    await ken('files/get_temporary_link', { path: '/Work/bad.exe' }, { expect: 409 })
    const search = await hana('files/search_v2', { query: 'a', options: { max_results: 1 } })
    if (search.has_more) await hana('files/search/continue_v2', { cursor: search.cursor })
  })

  it('about changes', async () => {
    const one = await upload(hana, '/c/a.txt', 'one')
    await upload(hana, '/c/a.txt', 'two', { mode: { '.tag': 'update', update: one.rev } })
    await hana('files/upload', { path: '/c/a.txt', mode: 'add' }, { body: 'three', expect: 409 })
    await hana('files/upload', { path: '/c/.DS_Store' }, { body: 'x', expect: 409 })
    for (const v of ['', '_v2']) {
      await hana(`files/create_folder${v}`, { path: `/c/folder${v}` })
      await hana(`files/create_folder${v}`, { path: '/c/a.txt' }, { expect: 409 })
      await hana(`files/copy${v}`, { from_path: '/c/a.txt', to_path: `/c/copy${v}.txt` })
      await hana(`files/move${v}`, { from_path: `/c/copy${v}.txt`, to_path: `/c/moved${v}.txt` })
      await hana(`files/move${v}`, { from_path: '/c/none', to_path: '/c/x' }, { expect: 409 })
      await hana(`files/move${v}`, { from_path: `/c/moved${v}.txt`, to_path: `/c/folder${v}/moved.txt` })
      await hana(`files/delete${v}`, { path: `/c/folder${v}` })
      await hana(`files/delete${v}`, { path: '/c/none' }, { expect: 409 })
    }
    const launched = await hana('files/create_folder_batch', { paths: ['/c/x', '/c/a.txt'], force_async: true })
    await hana('files/create_folder_batch/check', { async_job_id: launched.async_job_id })
    await hana('files/create_folder_batch/check', { async_job_id: launched.async_job_id })
    await hana('files/copy_batch_v2', { entries: [{ from_path: '/c/a.txt', to_path: '/c/b.txt' }, { from_path: '/c/none', to_path: '/c/y' }] })
    await hana('files/move_batch_v2', { entries: [{ from_path: '/c/b.txt', to_path: '/c/d.txt' }, { from_path: '/c/a.txt', to_path: '/c/d.txt' }] })
    const many = await hana('files/move_batch_v2', { entries: Array.from({ length: 21 }, () => ({ from_path: '/c/none', to_path: '/c/y' })) })
    for (let i = 0; i < 2; i++) await hana('files/move_batch/check_v2', { async_job_id: many.async_job_id })
    const job = await hana('files/delete_batch', { entries: [{ path: '/c/d.txt' }, { path: '/c/none' }] })
    for (let i = 0; i < 2; i++) await hana('files/delete_batch/check', { async_job_id: job.async_job_id })
    await hana('files/delete_batch/check', { async_job_id: 'none' }, { expect: 409 })
    await hana('files/list_revisions', { path: '/c/a.txt', include_restorable_info: true })
    await hana('files/list_revisions', { path: '/c/d.txt' })
    await hana('files/list_revisions', { path: '/c/none.txt' }, { expect: 409 })
    await hana('files/restore', { path: '/c/a.txt', rev: one.rev })
    await hana('files/restore', { path: '/c/a.txt', rev: '000000000' }, { expect: 409 })
    await hana('files/permanently_delete', { path: '/c/a.txt' })
    await hana('files/permanently_delete', { path: '/c/none.txt' }, { expect: 409 })
  })

  it('about upload sessions', async () => {
    const start = async () => (await hana('files/upload_session/start', {}, { body: 'abc' })).session_id
    const session_id = await start()
    await hana('files/upload_session/append', { session_id, offset: 3 }, { body: 'd' })
    await hana('files/upload_session/append_v2', { cursor: { session_id, offset: 9 } }, { body: 'e', expect: 409 })
    await hana('files/upload_session/append_v2', { cursor: { session_id, offset: 4 } }, { body: 'e' })
    await hana('files/upload_session/append_batch', { entries: [{ cursor: { session_id, offset: 5 }, length: 1 }, { cursor: { session_id: 'none', offset: 0 }, length: 1 }] }, { body: 'fg' })
    await hana('files/upload_session/finish', { cursor: { session_id, offset: 9 }, commit: { path: '/s.txt' } }, { body: '', expect: 409 })
    await hana('files/upload_session/finish', { cursor: { session_id, offset: 6 }, commit: { path: '/s.txt' } }, { body: 'g' })
    const { session_ids } = await hana('files/upload_session/start_batch', { num_sessions: 2 })
    await hana('files/upload_session/append_v2', { cursor: { session_id: session_ids[0], offset: 0 }, close: true }, { body: randomBytes(10) })
    const entries = session_ids.map((s) => ({ cursor: { session_id: s, offset: 10 }, commit: { path: '/batch.txt' } }))
    await hana('files/upload_session/finish_batch_v2', { entries })
    const job = await hana('files/upload_session/finish_batch', { entries })
    for (let i = 0; i < 2; i++) await hana('files/upload_session/finish_batch/check', { async_job_id: job.async_job_id })
  })

  it('about locks', async () => {
    const entries = ['/Marketing/logo.png', '/empty', '/none', '/Docs'].map((path) => ({ path }))
    await hana('files/lock_file_batch', { entries })
    await ken('files/lock_file_batch', { entries: entries.slice(0, 1) })
    await hana('files/get_metadata', { path: '/Marketing/logo.png' })
    await hana('files/get_file_lock_batch', { entries: entries.slice(0, 2) })
    await hana('files/unlock_file_batch', { entries: entries.slice(0, 1) })
  })

  it('about tags', async () => {
    const path = '/Docs/plan.txt'
    await hana('files/tags/add', { path, tag_text: 'Secret_社外秘' })
    await hana('files/tags/add', { path: '/none', tag_text: 'x' }, { expect: 409 })
    const { paths_to_tags: got } = await hana('files/tags/get', { paths: [path, '/Docs'] })
    assert.deepEqual(got, [{ path, tags: [{ '.tag': 'user_generated_tag', tag_text: 'secret_社外秘' }] }, { path: '/Docs', tags: [] }])
    await hana('files/tags/get', { paths: ['/none'] }, { expect: 409 })
    await hana('files/tags/remove', { path, tag_text: 'SECRET_社外秘' })
    await hana('files/tags/remove', { path, tag_text: 'secret_社外秘' }, { expect: 409 })
    for (let i = 0; i < 20; i++) await hana('files/tags/add', { path, tag_text: `t${i}` })
    await hana('files/tags/add', { path, tag_text: 't0' })
    await hana('files/tags/add', { path, tag_text: 't20' }, { expect: 409 })
    for (let i = 0; i < 20; i++) await hana('files/tags/remove', { path, tag_text: `t${i}` })
  })

  it('about sharing', async () => {
    const file = '/Docs/plan.txt'
    const { links: [link] } = await hana('sharing/list_shared_links', { path: file, direct_only: true })
    await hana('sharing/list_shared_links', {})
    await hana('sharing/list_shared_links', { path: '/none' }, { expect: 409 })
    await admin('sharing/list_shared_links', { path: '/logo.png' }, { root: { '.tag': 'namespace_id', namespace_id: (await ask('team/team_folder/list', {})).team_folders[0].team_folder_id } })
    await hana('sharing/get_shared_link_metadata', { url: link.url })
    await hana('sharing/get_shared_link_file', { url: link.url })
    await hana('sharing/create_shared_link_with_settings', { path: file }, { expect: 409 })
    await hana('sharing/modify_shared_link_settings', { url: link.url, settings: { expires: '2031-01-01T00:00:00Z', require_password: true, link_password: 'x' } })
    const narrow = await hana('sharing/modify_shared_link_settings', { url: link.url, settings: { audience: { '.tag': 'team' } } })
    assert.deepEqual([narrow.url, narrow.link_permissions.effective_audience, narrow.link_permissions.require_password, narrow.expires], [link.url, { '.tag': 'team' }, true, '2031-01-01T00:00:00Z'])
    await hana('sharing/revoke_shared_link', { url: link.url })
    await hana('sharing/revoke_shared_link', { url: link.url }, { expect: 409 })
    await hana('sharing/revoke_shared_link', { url: 'http://elsewhere/' }, { expect: 409 })
    await hana('sharing/create_shared_link_with_settings', { path: '/Docs', settings: { audience: { '.tag': 'no_one' } } })
    await hana('sharing/list_shared_links', { path: file })
    const page = await hana('sharing/list_file_members', { file, limit: 1, actions: [{ '.tag': 'remove' }] })
    await hana('sharing/list_file_members/continue', { cursor: page.cursor })
    await hana('sharing/list_file_members/continue', { cursor: 'none' }, { expect: 409 })
    await hana('sharing/list_file_members', { file: '/Marketing/logo.png' })
    await hana('sharing/list_file_members', { file: '/none' }, { expect: 409 })
    await hana('sharing/get_file_metadata', { file })
    const guest = { '.tag': 'email', email: 'guest@elsewhere.example' }
    await hana('sharing/remove_file_member_2', { file, member: guest })
    await hana('sharing/remove_file_member_2', { file, member: guest }, { expect: 409 })
    await hana('sharing/add_file_member', { file, members: [guest, { '.tag': 'dropbox_id', dropbox_id: 'dbid:none' }] })
    await hana('sharing/remove_file_member', { file, member: guest })
    await hana('sharing/unshare_file', { file })
    const { entries: [folder] } = await hana('sharing/list_folders', {})
    await hana('sharing/get_folder_metadata', { shared_folder_id: folder.shared_folder_id })
    const some = await hana('sharing/list_folder_members', { shared_folder_id: folder.shared_folder_id, limit: 1 })
    await hana('sharing/list_folder_members/continue', { cursor: some.cursor })
    await hana('sharing/list_folder_members', { shared_folder_id: '1' }, { expect: 409 })
    await admin('sharing/add_folder_member', { shared_folder_id: folder.shared_folder_id, members: [{ member: guest }] })
    await admin('sharing/add_folder_member', { shared_folder_id: folder.shared_folder_id, members: [{ member: { '.tag': 'dropbox_id', dropbox_id: 'none' } }] }, { expect: 409 })
    const job = await admin('sharing/remove_folder_member', { shared_folder_id: folder.shared_folder_id, member: guest, leave_a_copy: false })
    for (let i = 0; i < 2; i++) await admin('sharing/check_remove_member_job_status', { async_job_id: job.async_job_id })
    await admin('sharing/check_job_status', { async_job_id: job.async_job_id })
    await admin('sharing/remove_folder_member', { shared_folder_id: folder.shared_folder_id, member: guest, leave_a_copy: false }, { expect: 409 })
  })

  it('about team folders', async () => {
    const made = await ask('team/team_folder/create', { name: 'Spec' })
    await ask('team/team_folder/create', { name: 'spec' }, { expect: 409 })
    await ask('team/team_folder/list', { limit: 1 }).then(({ cursor }) => ask('team/team_folder/list/continue', { cursor }))
    await ask('team/team_folder/list/continue', { cursor: 'none' }, { expect: 409 })
    await ask('team/team_folder/get_info', { team_folder_ids: [made.team_folder_id, '1'] })
    await ask('team/team_folder/rename', { team_folder_id: made.team_folder_id, name: 'Spec 2' })
    const job = await ask('team/team_folder/archive', { team_folder_id: made.team_folder_id })
    for (let i = 0; i < 2; i++) await ask('team/team_folder/archive/check', { async_job_id: job.async_job_id })
    await ask('team/team_folder/archive', { team_folder_id: made.team_folder_id }, { expect: 409 })
    await ask('team/team_folder/activate', { team_folder_id: made.team_folder_id })
    await ask('team/team_folder/archive', { team_folder_id: made.team_folder_id, force_async_off: true })
    await ask('team/team_folder/permanently_delete', { team_folder_id: made.team_folder_id })
    await ask('team/team_folder/permanently_delete', { team_folder_id: made.team_folder_id }, { expect: 409 })
  })

  it('about events', async () => {
    const page = await ask('team_log/get_events', { limit: 5 })
    assert.equal(page.events.length, 5)
    let next = page
    const kinds = new Set()
    while (next.has_more) {
      next = await ask('team_log/get_events/continue', { cursor: next.cursor })
      next.events.forEach((e) => kinds.add(e.event_type['.tag']))
    }
    for (const kind of ['file_move', 'file_delete', 'file_restore', 'file_copy', 'file_edit', 'file_permanently_delete', 'shared_link_create', 'shared_link_disable', 'shared_content_add_member', 'shared_content_remove_member', 'team_folder_create', 'team_folder_change_status', 'team_folder_permanently_delete', 'file_locking_lock_status_changed']) assert.ok(kinds.has(kind) || page.events.some((e) => e.event_type['.tag'] === kind), kind)
    await ask('team_log/get_events', { time: { start_time: '2026-01-02T00:00:00Z', end_time: '2026-01-01T00:00:00Z' } }, { expect: 409 })
    await ask('team_log/get_events', { account_id: `dbid:${'x'.repeat(35)}` }, { expect: 409 })
    await ask('team_log/get_events/continue', { cursor: 'none' }, { expect: 409 })
  })
})

describe('every route', { skip }, () => {
  const known = async () => {
    const out = []
    for (const route of stone.routes.values()) {
      const { text } = await box.call(route.name)
      if (!text.startsWith('Unknown API function')) out.push(route)
    }
    return out
  }

  it('asks for its scope, and for no other', async () => {
    const scopes = new Set([...stone.routes.values()].map((r) => r.attrs.scope))
    const all = ['account_info.read', 'events.read', 'files.content.read', 'files.content.write', 'files.metadata.read', 'files.metadata.write', 'files.permanent_delete', 'groups.read', 'members.read', 'sharing.read', 'sharing.write', 'team_data.content.read', 'team_data.content.write', 'team_data.member', 'team_info.read']
    assert.ok(all.every((s) => scopes.has(s) || s === 'files.metadata.write'))
    const without = new Map()
    for (const scope of all) without.set(scope, (await box.token('aoba', { scope: all.filter((s) => s !== scope).join(' ') })).access_token)
    const routes = await known()
    assert.ok(routes.length >= 85)
    for (const { name, attrs } of routes.filter((r) => r.attrs.auth !== 'noauth' && r.attrs.scope)) {
      const select = attrs.auth === 'team' ? {} : { user: id('hana') }
      const { status, json } = await box.call(name, undefined, { token: without.get(attrs.scope), ...select })
      assert.equal(status, 401, name)
      assert.deepEqual(json.error, { '.tag': 'missing_scope', required_scope: attrs.scope }, name)
    }
  })

  it('takes an administrator where its attribute says so', async () => {
    for (const { name, attrs } of (await known()).filter((r) => r.attrs.auth?.includes('user') && r.name !== 'auth/token/revoke')) {
      const { text } = await box.call(name, undefined, { token, admin: id('admin'), headers: { 'Dropbox-API-Arg': '[]' } })
      assert.equal(/does not support the "Dropbox-API-Select-Admin"/.test(text), !attrs.select_admin_mode, name)
    }
  })

  it('takes every field that it describes, and no other', async () => {
    for (const route of await known()) {
      const { def } = stone.resolve(route.arg)
      if (!def || route.attrs.auth === 'noauth') continue
      const select = route.attrs.auth === 'team' ? {} : { user: id('hana') }
      const style = route.attrs.style ?? 'rpc'
      const internal = ['fp_sealed_result']
      for (const field of [...stone.fields(def).map(([k]) => k).filter((k) => !internal.includes(k)), 'no_such_field']) {
        // A value that no field takes: what is complained about first must not be the field's name.
        const arg = { [field]: [[[]]] }
        const { status, text } = await box.call(route.name, arg, { token, style, ...select })
        if (field === 'no_such_field') assert.equal(status, 400, `${route.name} ${field}`)
        else assert.ok(!/unknown field/.test(text), `${route.name}: ${field}: ${text}`)
      }
    }
  })

  it('was seen to succeed', async () => {
    const open = (await known()).filter((r) => !seen.get(r.name)?.has(200) && !['auth/token/revoke', 'sharing/list_folders/continue', 'files/copy_batch/check_v2', 'files/search/continue_v2'].includes(r.name))
    assert.deepEqual(open.map((r) => r.name), [])
  })

  // From a value of a type to values that the description forbids, as [what, value].
  function* forbidden(type, sample, depth = 0) {
    const { type: real, def } = stone.resolve(type)
    const { name, named } = real
    if (def?.kind === 'struct' && !def.subtypes && sample && typeof sample === 'object') {
      yield ['no object', 7]
      for (const [key, { type: inner, optional }] of stone.fields(def)) {
        if (!optional && !stone.resolve(inner).type.nullable && key in sample) yield [`without ${key}`, (({ [key]: _, ...rest }) => rest)(sample)]
        if (key in sample) for (const [what, value] of forbidden(inner, sample[key], depth + 1)) yield [`${key}: ${what}`, { ...sample, [key]: value }]
      }
      if (depth) yield ['an unknown field', { ...sample, no_such_field: 1 }]
    } else if (def?.kind === 'union') {
      yield ['a number', 7]
      yield ['no tag', {}]
      if (def.closed) yield ['an unknown tag', { '.tag': 'no_such_tag' }]
    } else if (name === 'List') {
      yield ['no list', 'x']
      if (named.min_items) yield ['too short', []]
      if (named.max_items && named.max_items <= 1000 && sample?.length) yield ['too long', Array.from({ length: named.max_items + 1 }, () => sample[0])]
      if (sample?.length) for (const [what, value] of forbidden(real.args[0], sample[0], depth + 1)) yield [`[0] ${what}`, [value]]
    } else if (name === 'Boolean') yield ['no boolean', 'true']
    else if (/^U?Int/.test(name)) {
      yield ['no number', 'x']
      yield ['a fraction', 1.5]
      if (named.max_value !== undefined) yield ['too large', named.max_value + 1]
      if (named.min_value !== undefined || name[0] === 'U') yield ['too small', (named.min_value ?? 0) - 1]
    } else if (name === 'Timestamp') for (const t of [7, 'yesterday', '2026-01-01', '2026-01-01T00:00:00.5Z', '2026-01-01T00:00:00+09:00']) yield [`time ${t}`, t]
    else if (name === 'String') {
      yield ['a number', 7]
      if (named.min_length) yield ['too short', 'x'.repeat(named.min_length - 1)]
      if (named.max_length !== undefined) yield ['too long', 'x'.repeat(named.max_length + 1)]
      if (named.pattern !== undefined) for (const t of ['', '!', 'rev:z', 'ns:x', 'zz:1', 'G'.repeat(12)]) if (!pattern(named.pattern).test(t)) yield [`no match ${t}`, t]
    }
  }

  it('refuses what its description forbids', async () => {
    const sessions = { session_id: 'x', offset: 0 }
    const samples = { path: '/Docs/plan.txt', from_path: '/Docs/plan.txt', to_path: '/odd', file: '/Docs/plan.txt', query: 'a', cursor: 'AAx', async_job_id: 'x', rev: '123456789', parent_rev: '123456789', before_rev: '123456789', url: 'https://www.dropbox.com/x', shared_folder_id: '1', team_folder_id: '1', name: 'n', member: { '.tag': 'email', email: 'x@y.example' }, settings: { expires: '2031-01-01T00:00:00Z', audience: { '.tag': 'public' }, allow_download: true }, commit: { path: '/odd', mode: { '.tag': 'add' }, autorename: false, client_modified: '2026-01-01T00:00:00Z' }, account_id: `dbid:${'x'.repeat(35)}`, features: [{ '.tag': 'upload_api_rate_limit' }], account_ids: [`dbid:${'x'.repeat(35)}`], paths: ['/odd'], team_folder_ids: ['1'], session_id: 'x', offset: 0, num_sessions: 1, leave_a_copy: false, options: { path: '/Docs', max_results: 5, filename_only: true, order_by: { '.tag': 'relevance' } }, limit: 5, recursive: true, include_deleted: true, include_mounted_folders: true, autorename: true, allow_ownership_transfer: true, client_modified: '2026-01-01T00:00:00Z', mode: { '.tag': 'path' }, content_hash: '0'.repeat(64), timeout: 30, quiet: true, access_level: { '.tag': 'viewer' }, direct_only: true, include_inherited: true, close: false, time: { start_time: '2026-01-01T00:00:00Z' }, category: { '.tag': 'sharing' }, session_type: { '.tag': 'sequential' }, sync_setting: { '.tag': 'default' }, force_async: false, force_async_off: true, export_format: 'html', custom_message: 'm', link_password: 'p', tag_text: 'x' }
    const special = {
      'files/upload': { mode: { '.tag': 'add' } }, 'files/upload_session/append_v2': { cursor: sessions }, 'files/upload_session/finish': { cursor: sessions }, 'team/members/get_info': { members: [{ '.tag': 'email', email: 'x@y.example' }] }, 'team/members/get_info_v2': { members: [{ '.tag': 'email', email: 'x@y.example' }] },
      'users/features/get_values': { features: [{ '.tag': 'file_locking' }] },
      'sharing/add_file_member': { members: [{ '.tag': 'email', email: 'x@y.example' }] }, 'sharing/add_folder_member': { members: [{ member: { '.tag': 'email', email: 'x@y.example' } }] },
      'files/upload_session/append_batch': { entries: [{ cursor: sessions, length: 1 }] }, 'files/upload_session/finish_batch': { entries: [{ cursor: sessions, commit: { path: '/odd' } }] }, 'files/upload_session/finish_batch_v2': { entries: [{ cursor: sessions, commit: { path: '/odd' } }] },
      'files/move_batch_v2': { entries: [{ from_path: '/none', to_path: '/odd' }] }, 'files/copy_batch_v2': { entries: [{ from_path: '/none', to_path: '/odd' }] },
    }
    const mistakes = []
    for (const route of await known()) {
      const { def } = stone.resolve(route.arg)
      if (!def) continue
      const mine = { entries: [{ path: '/none' }], ...samples, ...special[route.name] }
      const base = Object.fromEntries(stone.fields(def).filter(([k]) => k in mine).map(([k]) => [k, mine[k]]))
      for (const wrong of stone.check(route.arg, base, route.name)) {
        const [key] = /(?<=\.)\w+/.exec(wrong.slice(route.name.length)) ?? []
        assert.ok(key in base, wrong)
        delete base[key]
      }
      const who = route.attrs.auth === 'noauth' ? {} : { token, ...(route.attrs.auth === 'team' ? {} : { user: id('hana') }) }
      if (route.name !== 'files/list_folder/longpoll' && !/revoke|permanently|archive|delete|move/.test(route.name)) {
        const { status, text } = await box.call(route.name, base, { style: route.attrs.style ?? 'rpc', ...who })
        if (![200, 409].includes(status) && !/cursor/.test(text)) mistakes.push(`${route.name} refuses a legal argument: ${status} ${text}`)
      }
      for (const [what, arg] of forbidden(route.arg, base)) {
        const { status } = await box.call(route.name, arg, { style: route.attrs.style ?? 'rpc', ...who })
        if (status !== 400) mistakes.push(`${route.name} ${what} ${status}`)
      }
    }
    assert.equal(mistakes.join('\n'), '')
  })

  it('stands any value in any field', async () => {
    const own = await startDropbox()
    try {
      const ids = await own.members()
      const bearer = (await own.token()).access_token
      const odd = [null, true, 7, -1, 1e300, 0.5, '', '/', '//', '/..', 'id:', 'ns:', 'ns:1/x', 'rev:abc', '/\u0000x', '\ud83d\ude00', 'x'.repeat(3000), [], [null], [7, 'x', {}], {}, { '.tag': 'path' }, { '.tag': 7 }, { path: 7, cursor: {}, from_path: [], to_path: null }]
      for (const route of await known()) {
        const { def } = stone.resolve(route.arg)
        if (!def || route.attrs.auth === 'noauth') continue
        const fields = stone.fields(def).map(([k]) => k)
        // Plausible values, so that a single odd one gets as far as it can.
        const fine = { path: '/Docs/plan.txt', from_path: '/Docs/plan.txt', to_path: '/odd', file: '/Docs/plan.txt', query: 'a', cursor: 'AAx', async_job_id: 'x', rev: '123456789', url: 'https://www.dropbox.com/x', shared_folder_id: '1', team_folder_id: '1', name: 'n', entries: [{ path: '/none' }], members: [{ '.tag': 'email', email: 'x@y.example' }], member: { '.tag': 'email', email: 'x@y.example' }, settings: {}, commit: { path: '/odd' }, account_id: 'x', features: [], account_ids: [], paths: [], team_folder_ids: ['1'], session_id: 'x', offset: 0, num_sessions: 1, leave_a_copy: false, options: {} }
        const base = Object.fromEntries(fields.filter((k) => k in fine).map((k) => [k, fine[k]]))
        for (const field of fields) {
          const answers = await Promise.all(odd.map((value) => own.call(route.name, { ...base, [field]: value }, { token: bearer, style: route.attrs.style ?? 'rpc', ...(route.attrs.auth === 'team' ? {} : { user: ids['hana@aoba.example'].team_member_id }) })))
          for (const { status } of answers) assert.ok([200, 400, 409].includes(status), `${route.name} ${field} ${status}`)
        }
      }
      assert.ok((await own.cloud.state()).length > 0)
    } finally {
      await own.stop()
    }
  })
})
