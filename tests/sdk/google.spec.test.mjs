// Every JSON answer of fakecloud's Google half, checked against the discovery documents: names, types, formats, enums.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { noSpecs, specs, startFakecloud } from './lib.mjs'
import { eml, scopes, signIn } from './google-lib.mjs'

const hana = 'hana@aoba.example'
const boss = 'admin@aoba.example'
const base = 'aoba/google'
const folderType = 'application/vnd.google-apps.folder'
const seed = {
  [`${base}/users/${hana}/mail/INBOX/1.eml`]: eml('one', { attach: { name: 'a.bin', data: 'x' } }),
  [`${base}/users/${hana}/mail/Work/2.eml`]: eml('two'),
  [`${base}/users/${hana}/drive/docs/a.txt`]: 'hello',
  [`${base}/users/${hana}/drive/docs/a.txt.sharing.json`]: ['link:anonymous:view', 'user:ken@aoba.example:write', 'link:organization:view'],
  [`${base}/users/${hana}/drive/plan.gsheet`]: 'a,b',
  [`${base}/users/ken@aoba.example/`]: '',
  [`${base}/shared-drives/Sales/s.txt`]: 'sold',
}

const apis = ['gmail', 'drive', 'directory', 'reports']
const ajv = new Ajv({ strict: false, allErrors: true })
addFormats(ajv)
ajv.addFormat('int64', /^-?\d+$/)
ajv.addFormat('uint64', /^\d+$/)
ajv.addFormat('base64url', /^[A-Za-z0-9_-]*={0,2}$/)
const methods = []

// Discovery's schemas say "string" with a format for 64-bit numbers, dates and bytes; unknown names are errors here.
function convert(s, api) {
  if (s.$ref) return { $ref: `${api}.${s.$ref}` }
  switch (s.type) {
    case 'array':
      return { type: 'array', items: convert(s.items, api) }
    case 'object':
      return {
        type: 'object',
        properties: Object.fromEntries(Object.entries(s.properties ?? {}).map(([k, v]) => [k, convert(v, api)])),
        additionalProperties: s.additionalProperties ? convert(s.additionalProperties, api) : false,
      }
    case 'any':
      return {}
    case 'string': {
      const format = { byte: 'base64url', 'date-time': 'date-time', int64: 'int64', uint64: 'uint64' }[s.format]
      return { type: 'string', ...(format ? { format } : {}), ...(s.enum ? { enum: s.enum } : {}) }
    }
    case 'integer':
      return { type: 'integer' }
    default:
      return { type: s.type }
  }
}

function load() {
  for (const api of apis) {
    const doc = JSON.parse(readFileSync(join(specs, `${api}.discovery.json`), 'utf8'))
    for (const [name, s] of Object.entries(doc.schemas)) ajv.addSchema({ $id: `${api}.${name}`, ...convert(s, api) })
    const walk = (r) => {
      for (const m of Object.values(r.methods ?? {})) {
        const path = '/' + (doc.servicePath ?? '') + (m.flatPath ?? m.path)
        const pattern = new RegExp(`^(?:/upload|/resumable/upload)?${path.replace(/\{[^}]+\}/g, '[^/]+')}$`)
        methods.push({ id: m.id, http: m.httpMethod, path, pattern, api, answer: m.response?.$ref, params: m.parameters ?? {} })
      }
      Object.values(r.resources ?? {}).forEach(walk)
    }
    walk(doc)
  }
  for (const [http, path] of [['POST', ''], ['PATCH', '/[^/]+'], ['POST', '/[^/]+/(?:un)?hide']])
    methods.push({ id: `drive.drives ${http}`, http, pattern: new RegExp(`^/drive/v3/drives${path}$`), api: 'drive', answer: 'Drive', params: {} })
}

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'errors'],
      properties: {
        code: { type: 'integer' },
        message: { type: 'string' },
        status: { type: 'string' },
        details: { type: 'array' },
        errors: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            required: ['domain', 'reason', 'message'],
            properties: Object.fromEntries(['domain', 'reason', 'message', 'location', 'locationType'].map((k) => [k, { type: 'string' }])),
            additionalProperties: false,
          },
        },
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
}

let cloud
const tokens = {}
const used = new Set()
before(async () => { cloud = await startFakecloud({ seed }) })
after(() => cloud.stop())

async function raw([subject, wanted], path, { method = 'GET', headers = {}, body } = {}) {
  const key = subject + wanted
  tokens[key] ??= (await signIn(cloud, { subject, scopes: wanted }).getAccessToken()).token
  return fetch(cloud.urls.google + path, { method, redirect: 'manual', headers: { Authorization: `Bearer ${tokens[key]}`, ...headers }, body })
}

// One call, judged: the status, and the whole body by the method's schema or as an error.
async function call(who, method, path, { body, headers = {}, status = 200 } = {}) {
  const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
  const r = await raw(who, path, {
    method,
    headers: { ...(json ? { 'Content-Type': 'application/json' } : {}), ...headers },
    body: json ? JSON.stringify(body) : body,
  })
  const text = await r.text()
  const name = path.split('?')[0]
  assert.equal(r.status, status, `${method} ${path}: ${text.slice(0, 400)}`)
  const m = methods.find((x) => x.http === method && x.pattern.test(name))
  assert.ok(m, `no method for ${method} ${name}`)
  used.add(m)
  if (status >= 400) {
    assert.ok(ajv.validate(errorSchema, JSON.parse(text)), `${m.id}: ${ajv.errorsText()}\n${text}`)
    assert.equal(JSON.parse(text).error.code, status)
    return JSON.parse(text)
  }
  if (status === 204) {
    assert.equal(text, '')
    return undefined
  }
  if (!m.answer || path.includes('alt=media')) return text
  assert.match(r.headers.get('content-type'), /^application\/json; charset=utf-8$/i)
  const doc = JSON.parse(text)
  const valid = ajv.getSchema(`${m.api}.${m.answer}`)
  assert.ok(valid(doc), `${m.id}: ${ajv.errorsText(valid.errors)}\n${text.slice(0, 2000)}`)
  return doc
}

const mail = [hana, scopes.mail]
const files = [hana, scopes.drive]
const admins = [boss, scopes.drive]
const directory = [boss, ['user', 'group', 'domain', 'customer', 'orgunit', 'rolemanagement'].map((n) => scopes.scope(`admin.directory.${n}.readonly`))
  .concat(scopes.scope('admin.directory.user.security'), scopes.scope('admin.reports.audit.readonly'))]
const run = (name, fn) => test(name, { skip: noSpecs }, fn)

run('the documents can be read, and refuse what they do not have', () => {
  load()
  for (const wrong of [{ nosuch: 1 }, { size: 5 }, { version: 'x' }, { createdTime: 'yesterday' }, { owners: [{ me: 1 }] }])
    assert.equal(ajv.getSchema('drive.File')(wrong), false, JSON.stringify(wrong))
})

run('Gmail', async () => {
  const u = '/gmail/v1/users/me'
  const b64 = (s) => Buffer.from(s).toString('base64url')
  const { historyId } = await call(mail, 'GET', `${u}/profile`)
  const { messages } = await call(mail, 'GET', `${u}/messages?maxResults=1`)
  for (const format of ['full', 'metadata', 'minimal', 'raw']) await call(mail, 'GET', `${u}/messages/${messages[0].id}?format=${format}`)
  const { id } = (await call(mail, 'GET', `${u}/messages?q=has:attachment`)).messages[0]
  const full = await call(mail, 'GET', `${u}/messages/${id}`)
  await call(mail, 'GET', `${u}/messages/${id}/attachments/${full.payload.parts[1].body.attachmentId}`)
  const label = await call(mail, 'POST', `${u}/labels`, { body: { name: 'spec', color: { textColor: '#000000', backgroundColor: '#ffffff' } } })
  await call(mail, 'GET', `${u}/labels`)
  await call(mail, 'GET', `${u}/labels/${label.id}`)
  await call(mail, 'PATCH', `${u}/labels/${label.id}`, { body: { labelListVisibility: 'labelHide' } })
  await call(mail, 'PUT', `${u}/labels/${label.id}`, { body: { id: label.id, name: 'spec2' } })
  const made = await call(mail, 'POST', `${u}/messages`, { body: { raw: b64(eml('new')), labelIds: ['INBOX'] } })
  await call(mail, 'POST', `/upload${u}/messages/import?uploadType=media`, { body: eml('imported'), headers: { 'Content-Type': 'message/rfc822' } })
  await call(mail, 'POST', `${u}/messages/${made.id}/modify`, { body: { addLabelIds: [label.id], removeLabelIds: ['INBOX'] } })
  await call(mail, 'POST', `${u}/messages/${made.id}/trash`)
  await call(mail, 'POST', `${u}/messages/${made.id}/untrash`)
  await call(mail, 'POST', `${u}/messages/batchModify`, { body: { ids: [made.id], addLabelIds: ['STARRED'] }, status: 204 })
  const { threads } = await call(mail, 'GET', `${u}/threads?maxResults=2`)
  for (const format of ['full', 'metadata', 'minimal']) await call(mail, 'GET', `${u}/threads/${threads[0].id}?format=${format}`)
  await call(mail, 'POST', `${u}/threads/${made.threadId}/modify`, { body: { addLabelIds: ['IMPORTANT'] } })
  await call(mail, 'POST', `${u}/threads/${made.threadId}/trash`)
  await call(mail, 'POST', `${u}/threads/${made.threadId}/untrash`)
  await call(mail, 'DELETE', `${u}/messages/${made.id}`, { status: 204 })
  await call(mail, 'POST', `${u}/messages/batchDelete`, { body: { ids: [made.id] }, status: 204 })
  await call(mail, 'GET', `${u}/history?startHistoryId=${historyId}&maxResults=500`)
  await call(mail, 'GET', `${u}/history?startHistoryId=${historyId}&maxResults=1`)
  await call(mail, 'POST', `${u}/watch`, { body: { topicName: 'projects/p/topics/t', labelIds: ['INBOX'] } })
  await call(mail, 'POST', `${u}/stop`, { status: 204 })
  await call(mail, 'DELETE', `${u}/labels/${label.id}`, { status: 204 })
  for (const what of ['delegates', 'filters', 'forwardingAddresses']) await call(mail, 'GET', `${u}/settings/${what}`)
  for (const [method, path, body, status] of [
    ['GET', '/messages/1abcdef012345678', undefined, 404],
    ['GET', '/messages?labelIds=nosuch', undefined, 400],
    ['GET', '/history', undefined, 400],
    ['GET', '/history?startHistoryId=1', undefined, 404],
    ['POST', '/messages', {}, 400],
    ['POST', '/labels', { name: 'INBOX' }, 400],
    ['POST', '/messages/batchModify', { ids: [] }, 400],
    ['GET', '/settings/filters/x', undefined, 404],
  ]) await call(mail, method, u + path, { body, status })
  await call([hana, [scopes.scope('gmail.readonly')]], 'POST', `${u}/labels`, { body: { name: 'x' }, status: 403 })
})

run('Drive', async () => {
  const v = '/drive/v3'
  const every = 'supportsAllDrives=true&includeItemsFromAllDrives=true'
  await call(files, 'GET', `${v}/about?fields=*`)
  const start = (await call(files, 'GET', `${v}/changes/startPageToken`)).startPageToken
  const list = await call(files, 'GET', `${v}/files?fields=*&pageSize=1000&corpora=allDrives&${every}`)
  for (const f of list.files) await call(files, 'GET', `${v}/files/${f.id}?fields=*&supportsAllDrives=true`)
  await call(files, 'GET', `${v}/files?pageSize=1`)
  await call(files, 'GET', `${v}/files/root?fields=*`)
  const by = (name) => list.files.find((f) => f.name === name)
  await call([`ken@aoba.example`, scopes.drive], 'GET', `${v}/files/${by('a.txt').id}?fields=*`)
  await call(files, 'GET', `${v}/files/generateIds?count=3`)
  const boundary = '--b\r\ncontent-type: application/json\r\n\r\n{"name":"up.txt","properties":{"k":"v"}}\r\n--b\r\ncontent-type: text/plain\r\n\r\ncontent\r\n--b--'
  const up = await call(files, 'POST', `/upload${v}/files?uploadType=multipart&fields=*`, { headers: { 'Content-Type': 'multipart/related; boundary=b' }, body: boundary })
  await call(files, 'PATCH', `/upload${v}/files/${up.id}?uploadType=media&fields=*`, { headers: { 'Content-Type': 'text/plain' }, body: 'more' })
  await call(files, 'PATCH', `${v}/files/${up.id}?fields=*`, { body: { contentRestrictions: [{ readOnly: true, reason: 'r' }], description: 'd', starred: true } })
  await call(files, 'PATCH', `${v}/files/${up.id}?fields=*`, { body: { contentRestrictions: [{ readOnly: false }] } })
  await call(files, 'POST', `${v}/files/${up.id}/copy?fields=*`, { body: {} })
  await call(files, 'POST', `${v}/files?fields=*`, { body: { name: 's', mimeType: 'application/vnd.google-apps.shortcut', shortcutDetails: { targetId: up.id } } })
  await call(files, 'POST', `${v}/files?fields=*`, { body: { name: 'dir', mimeType: folderType } })
  const { revisions } = await call(files, 'GET', `${v}/files/${up.id}/revisions?fields=*`)
  await call(files, 'GET', `${v}/files/${up.id}/revisions?pageSize=1`)
  await call(files, 'GET', `${v}/files/${up.id}/revisions/${revisions[0].id}?fields=*`)
  await call(files, 'PATCH', `${v}/files/${up.id}/revisions/${revisions[0].id}?fields=*`, { body: { keepForever: true } })
  await call(files, 'DELETE', `${v}/files/${up.id}/revisions/${revisions[0].id}`, { status: 204 })
  for (const body of [{ type: 'user', role: 'reader', emailAddress: 'out@else.example', expirationTime: new Date(Date.now() + 1e8).toISOString() }, { type: 'anyone', role: 'writer' },
    { type: 'domain', role: 'reader', domain: 'aoba.example' }, { type: 'group', role: 'commenter', emailAddress: 'all@aoba.example' }])
    await call(files, 'POST', `${v}/files/${up.id}/permissions?fields=*`, { body })
  const { permissions } = await call(files, 'GET', `${v}/files/${up.id}/permissions?fields=*`)
  assert.equal(permissions.length, 5)
  await call(files, 'GET', `${v}/files/${up.id}/permissions?pageSize=2`)
  const other = permissions.find((p) => p.role === 'reader')
  await call(files, 'GET', `${v}/files/${up.id}/permissions/${other.id}?fields=*`)
  await call(files, 'PATCH', `${v}/files/${up.id}/permissions/${other.id}?fields=*`, { body: { role: 'writer' } })
  await call(files, 'DELETE', `${v}/files/${up.id}/permissions/${other.id}`, { status: 204 })
  const drives = await call(files, 'GET', `${v}/drives?fields=*`)
  await call(files, 'GET', `${v}/drives/${drives.drives[0].id}?fields=*`)
  await call(files, 'GET', `${v}/files/${drives.drives[0].id}/permissions?fields=*&supportsAllDrives=true`)
  const drive = await call(admins, 'POST', `${v}/drives?requestId=1&fields=*`, { body: { name: 'N' } })
  await call(admins, 'PATCH', `${v}/drives/${drive.id}?fields=*`, { body: { name: 'M', restrictions: { domainUsersOnly: true } } })
  await call(admins, 'POST', `${v}/drives/${drive.id}/hide?fields=*`)
  await call(admins, 'POST', `${v}/drives/${drive.id}/unhide?fields=*`)
  const inDrive = await call(admins, 'POST', `/upload${v}/files?uploadType=multipart&supportsAllDrives=true&fields=*`, {
    headers: { 'Content-Type': 'multipart/related; boundary=b' }, body: boundary.replace('up.txt"', `up.txt","parents":["${drive.id}"]`) })
  await call(admins, 'PATCH', `${v}/files/${inDrive.id}?supportsAllDrives=true&fields=*`, { body: { trashed: true } })
  const changes = await call(admins, 'GET', `${v}/changes?pageToken=${start}&fields=*&${every}&driveId=${drive.id}`)
  assert.ok(changes.changes.some((c) => c.changeType === 'drive') && changes.changes.some((c) => c.changeType === 'file'))
  await call(files, 'GET', `${v}/changes?pageToken=${start}&fields=*&${every}`)
  await call(files, 'GET', `${v}/changes?pageToken=${start}&pageSize=1`)
  const channel = await call(files, 'POST', `${v}/changes/watch?pageToken=${start}`, { body: { id: 'spec-1', type: 'web_hook', address: 'https://hook.example/', expiration: String(Date.now() + 1e9) } })
  await call(files, 'POST', `${v}/channels/stop`, { body: { id: 'spec-1', resourceId: channel.resourceId }, status: 204 })
  await call(files, 'POST', `${v}/files/${up.id}/watch`, { body: { id: 'spec-2', type: 'web_hook', address: 'https://hook.example/' } })
  const op = await call(files, 'POST', `${v}/files/${by('plan').id}/download?mimeType=text/csv`)
  await call(files, 'GET', `${v}/operations/${op.name}`)
  assert.equal((await call(files, 'GET', `${v}/operations/${op.name}`)).done, true)
  await call(files, 'GET', `${v}/files/${up.id}/listLabels`)
  await call(files, 'POST', `${v}/files/${up.id}/modifyLabels`, { body: { labelModifications: [] } })
  await call(files, 'GET', `${v}/files/${up.id}/comments?fields=*`)
  await call(files, 'DELETE', `${v}/files/${up.id}`, { status: 204 })
  for (const [method, path, body, status] of [
    ['GET', '/files/nosuch', undefined, 404],
    ['GET', '/files?q=x', undefined, 400],
    ['GET', '/files?pageToken=x', undefined, 400],
    ['GET', '/files?pageSize=0', undefined, 400],
    ['GET', '/files?corpora=drive', undefined, 400],
    ['GET', '/changes', undefined, 400],
    ['GET', '/changes?pageToken=999999999', undefined, 400],
    ['GET', `/files/${by('plan').id}?alt=media`, undefined, 403],
    ['GET', `/files/${by('a.txt').id}/export?mimeType=text/plain`, undefined, 403],
    ['PATCH', `/files/${by('a.txt').id}`, { parents: ['root'] }, 403],
    ['POST', `/files/${by('a.txt').id}/permissions`, { type: 'user', role: 'nosuch', emailAddress: 'a@b.example' }, 400],
    ['POST', '/files', { name: 'x', parents: ['nosuch'] }, 404],
    ['GET', '/drives/nosuch', undefined, 404],
    ['POST', '/drives', { name: 'x' }, 400],
    ['GET', `/files/${by('a.txt').id}/comments/x?fields=*`, undefined, 404],
    ['GET', `/files/${by('a.txt').id}/comments/x/replies?fields=*`, undefined, 404],
    ['GET', '/operations/nosuch', undefined, 404],
  ]) await call(files, method, v + path, { body, status })
})

run('Directory and Reports', async () => {
  const d = '/admin/directory/v1'
  await call(directory, 'GET', `${d}/users?customer=my_customer&maxResults=2`)
  await call(directory, 'GET', `${d}/users/${hana}`)
  await call(directory, 'GET', `${d}/users/${hana}/aliases`)
  await call(directory, 'GET', `${d}/users/${hana}/tokens`)
  await call(directory, 'POST', `${d}/users/${hana}/signOut`, { status: 204 })
  const { groups } = await call(directory, 'GET', `${d}/groups?customer=my_customer`)
  await call(directory, 'GET', `${d}/groups/${groups[0].email}`)
  await call(directory, 'GET', `${d}/groups/${groups[0].id}/members?maxResults=1`)
  await call(directory, 'GET', `${d}/groups/${groups[0].id}/members/${hana}`)
  await call(directory, 'GET', `${d}/groups/${groups[0].id}/hasMember/${hana}`)
  const { organizationUnits } = await call(directory, 'GET', `${d}/customer/my_customer/orgunits?type=allIncludingParent`)
  await call(directory, 'GET', `${d}/customer/my_customer/orgunits/${organizationUnits[0].orgUnitId}`)
  const { items: [role] } = await call(directory, 'GET', `${d}/customer/my_customer/roles`)
  const { items: [given] } = await call(directory, 'GET', `${d}/customer/my_customer/roleassignments`)
  await call(directory, 'GET', `${d}/customer/my_customer/roles/${role.roleId}`)
  await call(directory, 'GET', `${d}/customer/my_customer/roleassignments/${given.roleAssignmentId}`)
  await call(directory, 'GET', `${d}/customer/my_customer/domainaliases/no.example`, { status: 404 })
  for (const method of ['GET', 'DELETE']) await call(directory, method, `${d}/users/${hana}/tokens/x`, { status: 404 })
  const hook = (id) => ({ id, type: 'web_hook', address: 'https://hook.example/' })
  const channel = await call(directory, 'POST', `${d}/users/watch?customer=my_customer`, { body: hook('dir-1') })
  await call(directory, 'POST', `${d}/users/${hana}/aliases/watch`, { body: hook('dir-2') })
  await call(directory, 'POST', '/admin/directory_v1/channels/stop', { body: { id: 'dir-1', resourceId: channel.resourceId }, status: 204 })
  await call(directory, 'POST', '/admin/reports/v1/activity/users/all/applications/drive/watch', { body: hook('rep-1') })
  await call(directory, 'POST', '/admin/reports_v1/channels/stop', { body: { id: 'nosuch', resourceId: 'x' }, status: 404 })
  await call(directory, 'GET', `${d}/customers/my_customer`)
  for (const what of ['domains', 'domainaliases', 'roles/ALL/privileges'])
    await call(directory, 'GET', `${d}/customer/my_customer/${what}`)
  await call(directory, 'GET', `${d}/customer/my_customer/domains/aoba.example`)
  await call(directory, 'GET', '/admin/reports/v1/activity/users/all/applications/drive?maxResults=5')
  await call(directory, 'GET', '/admin/reports/v1/activity/users/all/applications/login')
  await call(directory, 'GET', `${d}/users/no@aoba.example`, { status: 404 })
  await call(directory, 'GET', `${d}/users`, { status: 400 })
  await call(directory, 'GET', `${d}/groups/no@aoba.example`, { status: 404 })
  await call([hana, [scopes.scope('admin.directory.user.readonly')]], 'GET', `${d}/users?customer=my_customer`, { status: 403 })
})

// Every parameter of every list and get that the documents limit, with a value beyond the limit.
run('values that the documents do not allow are refused', async () => {
  const who = { gmail: mail, drive: files, directory, reports: directory }
  const [file] = (await call(files, 'GET', '/drive/v3/files?q=name="a.txt"')).files
  const [drive] = (await call(files, 'GET', '/drive/v3/drives')).drives
  const [message] = (await call(mail, 'GET', '/gmail/v1/users/me/messages')).messages
  const { historyId } = await call(mail, 'GET', '/gmail/v1/users/me/profile')
  const { startPageToken: pageToken } = await call(files, 'GET', '/drive/v3/changes/startPageToken')
  const paths = { fileId: file.id, driveId: drive.id, userId: 'me', id: message.id, customer: 'my_customer', customerId: 'my_customer', applicationName: 'drive' }
  const wrong = (p) => [
    ...(p.type === 'integer' ? ['x', ...(p.minimum ? [p.minimum - 1] : []), ...(p.maximum ? [+p.maximum + 1] : [])] : []),
    ...(p.type === 'boolean' ? ['maybe'] : []),
    ...(p.enum ? ['nosuch'] : []),
  ]
  let n = 0
  for (const m of methods.filter((one) => one.http === 'GET' && one.path)) {
    const known = { ...paths, userKey: m.api === 'reports' ? 'all' : hana }
    if ([...m.path.matchAll(/[{](\w+)/g)].some(([, v]) => !known[v])) continue
    const path = m.path.replace(/[{](\w+)[}]/g, (_, v) => known[v])
    const base = { startHistoryId: { startHistoryId: historyId }, pageToken: { pageToken } }
    const need = Object.entries(m.params).filter(([k, p]) => p.required && p.location === 'query').map(([k]) => base[k] ?? {})
    const fixed = Object.assign({}, ...need, /history/.test(m.id) ? base.startHistoryId : {}, m.api === 'directory' && m.params.customer?.location === 'query' ? { customer: 'my_customer' } : {},
      /about|comments/.test(m.id) ? { fields: '*' } : {})
    if ((await raw(who[m.api], path + '?' + new URLSearchParams(fixed))).status !== 200) continue
    for (const [k, p] of Object.entries(m.params))
      for (const value of p.location === 'query' ? wrong(p) : []) {
        n++
        const r = await raw(who[m.api], path + '?' + new URLSearchParams({ ...fixed, [k]: value }))
        assert.equal(r.status, 400, `${m.id} ${k}=${value}`)
        const doc = await r.json()
        assert.ok(ajv.validate(errorSchema, doc), `${m.id} ${k}: ${ajv.errorsText()}`)
      }
  }
  assert.ok(n > 50, `${n} values were tried`)
})

run('what is no path of the documents is not found', async () => {
  for (const [who, path] of [[mail, '/gmail/v1/users/me/nosuch'], [mail, '/gmail/v2/users/me/profile'], [files, '/drive/v3/nosuch'], [files, '/drive/v2/files'],
    [files, '/drive/v3/files/x/nosuch'], [directory, '/admin/directory/v1/nosuch'], [directory, '/admin/directory/v1/users/x/nosuch'], [files, '/']])
    assert.equal((await raw(who, path)).status, 404, path)
})

run('no method of the documents is missing', () => {
  assert.deepEqual(methods.filter((m) => !used.has(m)).map((m) => m.id), [])
})
