// Every JSON answer of the Box stand-in against Box's own OpenAPI document.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { startBox } from './box-lib.mjs'
import { noSpecs } from './lib.mjs'
import { loadSpec } from './box-spec.mjs'

describe('Box answers as its specification says', { skip: noSpecs }, () => {
  let box, spec, token, hana, ken
  // Calls as Hana unless said otherwise; checks status and schema.
  const ask = async (method, path, want, options = {}) => {
    const answer = await box.call(method, path.startsWith('http') || path.startsWith('/') ? path : `/2.0/${path}`, { token, as: hana, ...options })
    assert.equal(answer.status, want, `${method} ${path}: ${answer.text}`)
    assert.deepEqual(spec.check(method, path.startsWith('http') ? path : `/${path.replace(/^\//, '')}`, answer.status, answer.json), [])
    if (want >= 400) assert.ok(answer.json.request_id && answer.json.status === want)
    return answer.json ?? answer
  }
  const upload = async (name, data, want = 201, path = '/api/2.0/files/content', parent = '0') => {
    const body = new FormData()
    body.append('attributes', JSON.stringify({ name, parent: { id: parent }, content_modified_at: '2026-01-02T03:04:05+09:00' }))
    body.append('file', new Blob([data]), name)
    const answer = await ask('POST', path, want, { body })
    return answer.entries?.[0] ?? answer
  }
  const all = 'id,type,name,size,sha1,etag,sequence_id,file_version,parent,path_collection,owned_by,created_by,modified_by,shared_link,item_status,lock,classification,trashed_at,purged_at,description,version_number,comment_count,permissions,tags,extension,is_package,watermark_info,is_accessible_via_shared_link,allowed_invitee_roles,is_externally_owned,has_collaborations,metadata.enterprise.scan,expires_at,representations,uploader_display_name,disposition_at,shared_link_permission_options,is_associated_with_app_item,created_at,modified_at,content_created_at,content_modified_at,can_non_owners_invite,allowed_shared_link_access_levels,item_collection,folder_upload_email,is_collaboration_restricted_to_enterprise,can_non_owners_view_collaborators'

  before(async () => {
    spec = loadSpec()
    box = await startBox()
    token = await box.token()
    const { entries } = (await box.call('GET', '/2.0/users', { token })).json
    hana = entries.find((u) => u.login === 'hana@aoba.example').id
    ken = entries.find((u) => u.login === 'ken@aoba.example').id
  })
  after(() => box?.stop())

  it('tokens', async () => {
    const good = await box.form('/oauth2/token', box.tokenForm('aoba', { grant_type: 'client_credentials', box_subject_type: 'enterprise', box_subject_id: box.config().enterpriseID }))
    assert.deepEqual(spec.check('POST', '/oauth2/token', good.status, await good.json()), [])
    const bad = await box.form('/oauth2/token', { grant_type: 'nonsense', client_id: 'x' })
    assert.deepEqual(spec.check('POST', '/oauth2/token', bad.status, await bad.json()), [])
    assert.equal(bad.status, 400)
  })

  it('users and groups', async () => {
    const service = { as: undefined }
    await ask('GET', 'users/me', 200)
    await ask('GET', 'users?limit=2', 200, service)
    await ask('GET', 'users?limit=2&usemarker=true', 200, service)
    await ask('GET', 'users?limit=0', 400, service)
    await ask('GET', 'users/1', 404, service)
    await ask('GET', `users/${ken}?fields=role,tracking_codes,enterprise,is_platform_access_only,space_used,my_tags,hostname,can_see_managed_users`, 200, service)
    const app = await ask('POST', 'users', 201, { ...service, json: { name: 'App', is_platform_access_only: true, external_app_user_id: 'x1' } })
    await ask('PUT', `users/${app.id}`, 200, { ...service, json: { job_title: 'Robot' } })
    const group = await ask('POST', 'groups', 201, { ...service, json: { name: 'Spec' } })
    await ask('POST', 'groups', 409, { ...service, json: { name: 'Spec' } })
    await ask('GET', 'groups', 200, service)
    await ask('PUT', `groups/${group.id}?fields=description,invitability_level,permissions`, 200, { ...service, json: { description: 'd' } })
    const member = await ask('POST', 'group_memberships', 201, { ...service, json: { user: { id: app.id }, group: { id: group.id } } })
    await ask('GET', `group_memberships/${member.id}`, 200, service)
    await ask('PUT', `group_memberships/${member.id}`, 200, { ...service, json: { role: 'admin' } })
    await ask('GET', `groups/${group.id}/memberships`, 200, service)
    await ask('GET', `users/${app.id}/memberships`, 200, service)
    await ask('GET', `groups/${group.id}/collaborations`, 200, service)
    await ask('DELETE', `group_memberships/${member.id}`, 204, service)
    await ask('DELETE', `groups/${group.id}`, 204, service)
    await ask('DELETE', `users/${app.id}`, 204, service)
  })

  it('folders', async () => {
    await ask('GET', 'folders/0', 200)
    await ask('GET', `folders/0?fields=${all}`, 200)
    const folder = await ask('POST', 'folders', 201, { json: { name: 'Spec', parent: { id: '0' } } })
    await ask('POST', 'folders', 409, { json: { name: 'spec', parent: { id: '0' } } })
    await ask('POST', 'folders', 400, { json: { name: '..', parent: { id: '0' } } })
    await ask('POST', 'folders', 404, { json: { name: 'x', parent: { id: '12' } } })
    await ask('GET', `folders/${folder.id}?fields=${all}`, 200)
    await ask('GET', `folders/${folder.id}`, 304, { headers: { 'if-none-match': folder.etag } })
    await ask('PUT', `folders/${folder.id}`, 200, { json: { name: 'Spec 2', shared_link: {} } })
    await ask('PUT', `folders/${folder.id}`, 412, { json: { name: 'Spec 3' }, headers: { 'if-match': '55' } })
    for (const query of ['', '?limit=1', '?usemarker=true&limit=1', `?fields=${all}`, '?sort=date&direction=DESC&offset=1']) await ask('GET', `folders/0/items${query}`, 200)
    await ask('GET', 'folders/none', 405)
    const copy = await ask('POST', `folders/${folder.id}/copy`, 201, { json: { parent: { id: '0' }, name: 'Copy' } })
    await ask('DELETE', `folders/${copy.id}`, 204)
    await ask('GET', `folders/${copy.id}`, 404)
    await ask('GET', `folders/${copy.id}/trash`, 200)
    await ask('GET', 'folders/trash/items', 200)
    await ask('POST', `folders/${copy.id}`, 201, { json: {} })
    await ask('DELETE', `folders/${copy.id}?recursive=true`, 204)
    await ask('DELETE', `folders/${copy.id}/trash`, 204)
  })

  it('files, versions and the trash', async () => {
    const file = await upload('spec.txt', 'one')
    assert.match(file.content_modified_at, /-08:00$/)
    assert.equal(Date.parse(file.content_modified_at), Date.parse('2026-01-02T03:04:05+09:00'))
    await upload('spec.txt', 'one', 409)
    await upload('a/b', 'one', 400)
    await ask('OPTIONS', 'files/content', 409, { json: { name: 'spec.txt', parent: { id: '0' } } })
    await ask('OPTIONS', 'files/content', 200, { json: { name: 'other.txt', parent: { id: '0' } } })
    await ask('GET', `files/${file.id}`, 200)
    await ask('GET', `files/${file.id}?fields=${all}`, 200)
    await ask('GET', `files/${file.id}`, 304, { headers: { 'if-none-match': file.etag } })
    await ask('GET', 'files/abc', 405)
    await ask('GET', 'files/1', 404)
    await ask('GET', `files/${file.id}`, 401, { token: 'x' })
    await ask('PUT', `files/${file.id}`, 200, { json: { description: 'd', tags: ['t'], shared_link: { access: 'open', password: 'Secret-word-1' } } })
    await ask('GET', `files/${file.id}?fields=${all}`, 200)
    await ask('PUT', `files/${file.id}`, 400, { json: { shared_link: { access: 'company', password: 'Secret-word-1' } } })
    await ask('PUT', `files/${file.id}`, 400, { json: { tags: Array.from({ length: 101 }, (_, i) => `t${i}`) } })
    await ask('PUT', `files/${file.id}`, 400, { json: { tags: [7] } })
    assert.deepEqual((await ask('PUT', `files/${file.id}?fields=tags`, 200, { json: { tags: ['社外秘', 'b'] } })).tags, ['社外秘', 'b'])
    assert.equal((await ask('PUT', `files/${file.id}?fields=tags`, 200, { json: { tags: [] } })).tags, undefined)
    const narrowed = (await ask('PUT', `files/${file.id}?fields=shared_link`, 200, { json: { shared_link: { access: 'collaborators' } } })).shared_link
    assert.deepEqual([narrowed.access, narrowed.is_password_enabled], ['collaborators', false])
    assert.equal((await ask('PUT', `files/${file.id}?fields=shared_link`, 200, { json: { shared_link: { access: 'open' } } })).shared_link.url, narrowed.url)
    await ask('PUT', `files/${file.id}`, 200, { json: { lock: { type: 'lock', access: 'lock', expires_at: '2030-01-01T00:00:00Z', is_download_prevented: true } } })
    await ask('GET', `files/${file.id}?fields=lock,permissions`, 200)
    await ask('PUT', `files/${file.id}`, 200, { json: { lock: null, shared_link: null } })
    await ask('PUT', `files/${file.id}`, 412, { json: { name: 'n' }, headers: { 'if-match': '99' } })
    await upload('spec.txt', 'two', 200, `/api/2.0/files/${file.id}/content`)
    const versions = await ask('GET', `files/${file.id}/versions`, 200)
    const v = versions.entries[0].id
    await ask('GET', `files/${file.id}/versions?fields=name,size`, 200)
    await ask('GET', `files/${file.id}/versions/${v}`, 200)
    await ask('DELETE', `files/${file.id}/versions/${v}`, 204)
    await ask('GET', `files/${file.id}/versions/${v}`, 200)
    await ask('PUT', `files/${file.id}/versions/${v}`, 200, { json: { trashed_at: null } })
    await ask('POST', `files/${file.id}/versions/current`, 201, { json: { id: v, type: 'file_version' } })
    await ask('POST', `files/${file.id}/copy`, 201, { json: { parent: { id: '0' }, name: 'copy.txt' } })
    await ask('GET', `files/${file.id}/comments`, 200)
    await ask('GET', `files/${file.id}/tasks`, 200)
    await ask('GET', `files/${file.id}/content`, 302)
    await ask('DELETE', `files/${file.id}`, 412, { headers: { 'if-match': '99' } })
    await ask('DELETE', `files/${file.id}`, 204)
    await ask('GET', `files/${file.id}`, 404)
    await ask('GET', `files/${file.id}/trash`, 200)
    await ask('GET', 'folders/trash/items?fields=name,trashed_at', 200)
    await ask('POST', `files/${file.id}`, 201)
    await ask('POST', `files/${file.id}`, 404)
  })

  it('chunked uploads', async () => {
    const data = Buffer.alloc(20_000_001, 7)
    const digest = (part) => `sha=${createHash('sha1').update(part).digest('base64')}`
    await ask('POST', '/api/2.0/files/upload_sessions', 400, { json: { folder_id: '0', file_name: 'x' } })
    const session = await ask('POST', '/api/2.0/files/upload_sessions', 201, { json: { folder_id: '0', file_size: data.length, file_name: 'chunks.bin' } })
    const parts = []
    for (let at = 0; at < data.length; at += session.part_size) {
      const part = data.subarray(at, at + session.part_size)
      const headers = { 'Content-Type': 'application/octet-stream', Digest: digest(part), 'Content-Range': `bytes ${at}-${at + part.length - 1}/${data.length}` }
      parts.push((await ask('PUT', session.session_endpoints.upload_part, 200, { body: part, headers })).part)
    }
    await ask('GET', session.session_endpoints.status, 200)
    await ask('GET', session.session_endpoints.list_parts, 200)
    const made = await ask('POST', session.session_endpoints.commit, 201, { json: { parts }, headers: { Digest: digest(data) } })
    await ask('POST', `/api/2.0/files/${made.entries[0].id}/upload_sessions`, 201, { json: { file_size: data.length } })
  })

  it('collaborations and shared links', async () => {
    const file = await upload('shared.txt', 'shared')
    const body = { item: { type: 'file', id: file.id }, accessible_by: { type: 'user', id: ken }, role: 'viewer' }
    const made = await ask('POST', 'collaborations', 201, { json: body })
    await ask('POST', 'collaborations', 400, { json: body })
    await ask('POST', 'collaborations', 201, { json: { ...body, accessible_by: { type: 'user', login: 'out@elsewhere.example' }, role: 'editor' } })
    await ask('GET', `collaborations/${made.id}`, 200)
    await ask('PUT', `collaborations/${made.id}`, 200, { json: { role: 'editor' } })
    await ask('GET', `files/${file.id}/collaborations?limit=1`, 200)
    await ask('GET', 'folders/0/collaborations', 200)
    await ask('GET', 'collaborations?status=pending', 200)
    await ask('GET', `files/${file.id}?fields=${all}`, 200, { as: ken })
    const { shared_link: link } = await ask('PUT', `files/${file.id}?fields=shared_link`, 200, { json: { shared_link: { access: 'company' } } })
    await ask('GET', 'shared_items', 200, { as: ken, headers: { boxapi: `shared_link=${link.url}` } })
    await ask('DELETE', `collaborations/${made.id}`, 204)
    const folder = await ask('POST', 'folders', 201, { json: { name: 'Given away', parent: { id: '0' } } })
    const given = await ask('POST', 'collaborations', 201, { json: { item: { type: 'folder', id: folder.id }, accessible_by: { type: 'user', id: ken }, role: 'co-owner' } })
    await ask('PUT', `collaborations/${given.id}`, 204, { json: { role: 'owner' } })
    assert.equal((await ask('GET', `folders/${folder.id}`, 200)).owned_by.id, ken)
  })

  it('events', async () => {
    for (const query of ['', '?stream_type=changes&limit=500', '?stream_position=now']) {
      const page = await ask('GET', `events${query}`, 200)
      for (const e of page.entries) assert.deepEqual(spec.one(e.source.type === 'file' ? 'File' : 'Folder', e.source), [])
    }
    for (const stream of ['admin_logs', 'admin_logs_streaming']) {
      const page = await ask('GET', `events?stream_type=${stream}&limit=500`, 200, { as: undefined })
      assert.ok(page.entries.length > 20)
      for (const e of page.entries) assert.deepEqual(spec.one(e.source.type === 'user' ? 'User--Mini' : 'EventSource', e.source), [])
    }
    await ask('GET', 'events?stream_type=admin_logs', 403)
    await ask('GET', 'events?stream_position=nonsense', 400)
    await ask('OPTIONS', 'events', 200)
  })

  it('webhooks', async () => {
    const file = await upload('hooked.txt', 'h')
    const body = { target: { id: file.id, type: 'file' }, address: 'https://hooks.example/', triggers: ['FILE.DOWNLOADED', 'SHARED_LINK.CREATED'] }
    const hook = await ask('POST', 'webhooks', 201, { json: body })
    await ask('POST', 'webhooks', 409, { json: body })
    await ask('GET', 'webhooks', 200)
    await ask('GET', `webhooks/${hook.id}`, 200)
    await ask('PUT', `webhooks/${hook.id}`, 200, { json: { triggers: ['FILE.TRASHED'] } })
    await ask('DELETE', `webhooks/${hook.id}`, 204)
    await ask('GET', `webhooks/${hook.id}`, 404)
  })

  it('metadata and classifications', async () => {
    const c = 'securityClassification-6VMVochwUWo'
    const file = await upload('meta.txt', 'm')
    await ask('GET', `metadata_templates/enterprise/${c}/schema`, 200)
    await ask('PUT', `metadata_templates/enterprise/${c}/schema`, 200, { type: 'application/json-patch+json', as: undefined, json: [{ op: 'addEnumOption', fieldKey: 'Box__Security__Classification__Key', data: { key: 'Secret', staticConfig: { classification: { colorID: 3, classificationDefinition: 'x' } } } }] })
    await ask('POST', `files/${file.id}/metadata/enterprise/${c}`, 201, { json: { Box__Security__Classification__Key: 'Secret' } })
    await ask('POST', `files/${file.id}/metadata/enterprise/${c}`, 409, { json: { Box__Security__Classification__Key: 'Secret' } })
    await ask('GET', `files/${file.id}/metadata/enterprise/${c}`, 200)
    await ask('PUT', `files/${file.id}/metadata/enterprise/${c}`, 200, { type: 'application/json-patch+json', json: [{ op: 'replace', path: '/Box__Security__Classification__Key', value: 'Public' }] })
    await ask('GET', `files/${file.id}?fields=${all}`, 200)
    await ask('DELETE', `files/${file.id}/metadata/enterprise/${c}`, 204)
    await ask('GET', `files/${file.id}/metadata/enterprise/${c}`, 404)
    const made = await ask('POST', 'metadata_templates/schema', 201, { as: undefined, json: { scope: 'enterprise', templateKey: 'scan', displayName: 'Scan', fields: [{ type: 'enum', key: 'verdict', displayName: 'V', options: [{ key: 'clean' }, { key: 'threat' }] }] } })
    await ask('GET', `metadata_templates/${made.id}`, 200)
    await ask('GET', 'metadata_templates/enterprise', 200)
    await ask('GET', 'metadata_templates/global', 200)
    const instance = await ask('POST', `files/${file.id}/metadata/enterprise/scan`, 201, { json: { verdict: 'threat' } })
    await ask('GET', `metadata_templates?metadata_instance_id=${instance.$id}`, 200)
    await ask('POST', `files/${file.id}/metadata/global/properties`, 201, { json: { any: 'thing' } })
    await ask('POST', 'folders/0/metadata/enterprise/nosuch', 404, { json: {} })
    await ask('GET', `files/${file.id}/metadata/enterprise/scan`, 201)
    await ask('GET', `files/${file.id}/metadata`, 200)
    await ask('PUT', `files/${file.id}/metadata/enterprise/scan`, 400, { type: 'application/json-patch+json', json: [{ op: 'replace', path: '/verdict', value: 'maybe' }] })
    await ask('GET', `files/${file.id}?fields=metadata.enterprise.scan`, 200)
    await ask('DELETE', 'metadata_templates/enterprise/scan/schema', 204, { as: undefined })
  })

  it('search', async () => {
    await ask('GET', 'search?query=spec&limit=2', 200)
    await ask('GET', 'search?query=spec&fields=name,parent&type=file', 200)
    await ask('GET', 'search', 400)
  })

  it('what else there is', async () => {
    const session = await ask('POST', '/api/2.0/files/upload_sessions', 201, { json: { folder_id: '0', file_size: 20_000_001, file_name: 'given up.bin' } })
    await ask('DELETE', `/api/2.0/files/upload_sessions/${session.id}`, 204)
    await ask('DELETE', `/api/2.0/files/upload_sessions/${session.id}`, 404)
    const file = await upload('waste.txt', 'w')
    await ask('DELETE', `files/${file.id}/trash`, 404)
    await ask('DELETE', `files/${file.id}`, 204)
    await ask('DELETE', `files/${file.id}/trash`, 204)
    await ask('GET', `files/${file.id}/trash`, 404)
    const folder = await ask('POST', 'folders', 201, { json: { name: 'Marked', parent: { id: '0' } } })
    await ask('GET', `folders/${folder.id}/metadata`, 200)
    await ask('POST', `folders/${folder.id}/metadata/global/properties`, 201, { json: { any: 'thing' } })
    await ask('GET', `folders/${folder.id}/metadata/global/properties`, 201) // the document says so
    await ask('PUT', `folders/${folder.id}/metadata/global/properties`, 200, { type: 'application/json-patch+json', json: [{ op: 'test', path: '/any', value: 'thing' }, { op: 'add', path: '/more', value: '1' }] })
    await ask('DELETE', `folders/${folder.id}/metadata/global/properties`, 204)
    await ask('GET', `folders/${folder.id}/metadata/global/properties`, 404)
    const group = await ask('POST', 'groups', 201, { as: undefined, json: { name: 'Else' } })
    await ask('GET', `groups/${group.id}`, 200, { as: undefined })
    await ask('GET', 'groups/1', 404, { as: undefined })
    const leaver = await ask('POST', 'users', 201, { as: undefined, json: { name: 'Leaver', login: 'leaver@aoba.example' } })
    await ask('PUT', `users/${leaver.id}/folders/0`, 200, { as: undefined, json: { owned_by: { id: ken } } })
    await ask('PUT', `users/${leaver.id}/folders/0`, 400, { as: undefined, json: {} })
    // The check before a new version and what was used recently are in the guides and the SDKs, not in the document.
    const recent = await box.call('GET', '/2.0/recent_items', { token, as: hana })
    assert.equal(recent.status, 200)
    assert.ok(recent.json.entries.every((e) => e.type === 'recent_item' && e.interaction_type && e.item.id))
    const kept = await upload('kept.txt', 'k')
    assert.equal((await box.call('OPTIONS', `/2.0/files/${kept.id}/content`, { token, as: hana, json: { size: 5 } })).status, 200)
    assert.equal((await box.call('OPTIONS', '/2.0/files/1/content', { token, as: hana, json: { size: 5 } })).status, 404)
  })

  it('unknown addresses and methods are errors as any other', async () => {
    for (const [method, path, want] of [['GET', 'nosuch', 404], ['GET', 'files/1/nosuch', 404], ['PATCH', 'files/1', 405], ['DELETE', 'events', 405], ['PUT', 'search', 405]]) {
      const answer = await box.call(method, `/2.0/${path}`, { token, as: hana })
      assert.equal(answer.status, want, `${method} ${path}`)
      assert.deepEqual(spec.one('ClientError', answer.json), [])
    }
    const nobody = await box.call('GET', '/2.0/users/me', { token: 'nonsense' })
    assert.equal(nobody.status, 401)
    assert.match(nobody.headers.get('www-authenticate'), /invalid_token/)
  })

  it('offsets beyond 10,000 are refused where the document says so', async () => {
    const file = await upload('paged.txt', 'p')
    const folder = (await ask('POST', 'folders', 201, { json: { name: 'Paged', parent: { id: '0' } } })).id
    const group = (await ask('POST', 'groups', 201, { as: undefined, json: { name: 'Paged' } })).id
    const ids = { file_id: file.id, folder_id: folder, group_id: group, user_id: ken }
    let n = 0
    for (const { template, operations } of spec.routes) {
      const offset = operations.get?.parameters?.find((q) => q.name === 'offset' && /exceeding 10000/.test(q.description))
      const path = template.replace(/^\//, '').replace(/\{(\w+)\}/g, (_, k) => ids[k] ?? '?')
      if (!offset || path.includes('?') || !spec.claims('GET', template)) continue
      const query = path === 'search' ? 'query=x&' : path === 'collaborations' ? 'status=pending&' : ''
      for (const [at, want] of [[10000, 200], [10001, 400]]) await ask('GET', `${path}?${query}offset=${at}`, want, { as: /^(groups|users)/.test(path) ? undefined : hana })
      n++
    }
    assert.ok(n >= 6, `${n} paths`)
  })

  it('every route is in the document, and was called here', () => {
    const called = new Set([...spec.seen].map((s) => s.replace(/ \d+$/, '').replace(/#.*/, '').replace(/\{\w+\}/g, '*')))
    // Classifications and other fixed names of the document are cases of a parameter.
    const covers = (route) => [...called].some((c) => c === route || new RegExp(`^${route.replace(/\*/g, '[^/]+')}$`).test(c))
    assert.deepEqual(spec.claimed.map(([method, path]) => `${method} /${path}`).filter((r) => !covers(r)), ['OPTIONS /files/*/content', 'GET /recent_items'])
  })
})
