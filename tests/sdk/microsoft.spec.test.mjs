// Microsoft: every answer that is JSON, held against ../shared/specs/msgraph.openapi.json: declared status, types, and
// no property that the specification does not know.
import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { noSpecs, specs } from './lib.mjs'
import { startMicrosoft } from './microsoft-lib.mjs'

let ms, token, spec, check
const skip = noSpecs
// What the service sends though the CSDL has no word for it.
const known = new Set(['email', 'loginName', '@microsoft.graph.downloadUrl', 'tenantId'])

// OpenAPI 3.0 to JSON Schema: nullable, and the keys that only describe.
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain)
  if (!schema || typeof schema !== 'object') return schema
  const out = {}
  for (const [key, value] of Object.entries(schema)) {
    if (['nullable', 'discriminator', 'description', 'title', 'summary', 'example'].includes(key) && typeof value !== 'object') continue
    if (key.startsWith('x-') || key === 'discriminator') continue
    if (key === 'format' && ['base64url', 'binary', 'int32', 'int64', 'decimal', 'double', 'float'].includes(value)) continue
    out[key] = key === '$ref' ? value.replace('#/components/schemas/', 'schema:') : plain(value)
  }
  if (schema.nullable && typeof out.type === 'string') {
    out.type = [out.type, 'null']
    if (out.enum) out.enum = [...out.enum, null]
  }
  return out
}

// All property names that a schema allows, by following references and alternatives.
function properties(schema, into = {}, seen = new Set()) {
  if (!schema || seen.has(schema)) return into
  seen.add(schema)
  if (schema.$ref) properties(spec.components.schemas[schema.$ref.split('/').pop()], into, seen)
  for (const key of ['allOf', 'anyOf', 'oneOf']) for (const s of schema[key] ?? []) properties(s, into, seen)
  for (const [name, s] of Object.entries(schema.properties ?? {})) into[name] = s
  // The types that a reader may meet in place of the declared one.
  for (const s of Object.values(schema.discriminator?.mapping ?? {})) properties({ $ref: s }, into, seen)
  return into
}

function unknown(value, schema, path = '') {
  if (Array.isArray(value)) return value.flatMap((v, i) => unknown(v, items(schema), `${path}[${i}]`))
  // A list item's fields are the library's own columns.
  if (!value || typeof value !== 'object' || path.endsWith('.fields')) return []
  const type = value['@odata.type']?.replace('#', '')
  const allowed = properties(type && spec.components.schemas[type] ? { $ref: `/${type}` } : schema)
  if (!Object.keys(allowed).length) return []
  return Object.entries(value).flatMap(([name, v]) => {
    if (name.startsWith('@odata.') || known.has(name)) return []
    return allowed[name] ? unknown(v, allowed[name], `${path}.${name}`) : [`${path}.${name}`]
  })
}

function items(schema) {
  if (!schema) return undefined
  if (schema.items) return schema.items
  if (schema.$ref) return items(spec.components.schemas[schema.$ref.split('/').pop()])
  return [...(schema.allOf ?? []), ...(schema.anyOf ?? [])].map(items).find(Boolean)
}

function makeCheck() {
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats(ajv)
  for (const [name, schema] of Object.entries(spec.components.schemas)) ajv.addSchema(plain(schema), `schema:${name}`)
  // Longest literal match first: /users/delta before /users/{user-id}.
  const paths = Object.keys(spec.paths).map((path) => ({
    path, holes: (path.match(/\{/g) ?? []).length,
    re: new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+')}$`),
  })).sort((a, b) => a.holes - b.holes)
  const covered = new Set()
  const compiled = new Map()
  return {
    covered,
    answer(method, url, { status, body }) {
      const path = decodeURI(url.replace(ms.base, '').split('?')[0]).replace('/v1.0', '')
      const found = paths.find((p) => p.re.test(path))
      assert.ok(found, `no such path in the specification: ${path}`)
      const op = spec.paths[found.path][method.toLowerCase()]
      assert.ok(op, `${method} ${found.path} is not in the specification`)
      const responses = op.responses
      const response = responses[status] ?? responses[`${String(status)[0]}XX`]
      assert.ok(response, `${method} ${found.path}: status ${status} is not declared`)
      if (status < 400) covered.add(`${method} ${found.path}`)
      const resolved = response.$ref ? spec.components.responses[response.$ref.split('/').pop()] : response
      const schema = resolved.content?.['application/json']?.schema
      if (!schema || body === undefined) return
      const key = JSON.stringify(schema)
      if (!compiled.has(key)) compiled.set(key, ajv.compile(plain(schema)))
      const validate = compiled.get(key)
      assert.ok(validate(body), `${method} ${path}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body).slice(0, 2000)}`)
      assert.deepEqual(unknown(body, schema), [], `${method} ${path}: unknown properties`)
    },
  }
}

before(async () => {
  if (skip) return
  spec = JSON.parse(readFileSync(join(specs, 'msgraph.openapi.json'), 'utf8'))
  ms = await startMicrosoft()
  token = await ms.accessToken()
  check = makeCheck()
})
after(() => ms?.stop())

async function call(method, url, body, headers) {
  const answer = await ms.call(method, url, { token, body, headers })
  check.answer(method, url, answer)
  return answer
}
const get = async (url, headers) => (await call('GET', url, undefined, headers)).body

// A value for each parameter of the specification's paths, and those of chats and replies where they differ.
let known_ids
async function idsOf() {
  if (known_ids) return known_ids
  const folder = (await get(`${user}/mailFolders/inbox`)).id
  const [message] = (await get(`${user}/messages?$filter=hasAttachments eq true`)).value
  const attachment = (await get(`${user}/messages/${message.id}/attachments`)).value[0].id
  const drive = (await get(`${user}/drive`)).id
  const item = (await ms.call('GET', `/v1.0/drives/${drive}/root:/abc.txt`, { token })).body.id
  const permission = (await get(`/v1.0/drives/${drive}/items/${item}/permissions`)).value[0].id
  const site = (await get('/v1.0/sites?search=Sales')).value[0].id
  const team = (await get('/v1.0/teams')).value[0].id
  const channel = (await get(`/v1.0/teams/${team}/channels`)).value.find((c) => c.displayName === 'General').id
  const posts = (await get(`/v1.0/teams/${team}/channels/${channel}/messages?$expand=replies`)).value
  const post = posts.find((p) => p.replies.length)
  const hosted = (await get(`/v1.0/teams/${team}/channels/${channel}/messages/${post.id}/hostedContents`)).value[0].id
  const chat = (await get(`${user}/chats`)).value[0].id
  const chatPost = (await get(`/v1.0/chats/${chat}/messages`)).value[0].id
  known_ids = {
    'user-id': 'hana@aoba.example', 'mailFolder-id': folder, 'message-id': message.id, 'attachment-id': attachment, 'drive-id': drive,
    'driveItem-id': item, 'permission-id': permission, 'driveItemVersion-id': '1.0', 'site-id': site, 'group-id': team, 'team-id': team,
    'channel-id': channel, 'chatMessage-id1': post.replies[0].id, 'chat-id': chat, token: 'latest', 'domain-id': 'aoba.example',
    'chatMessageHostedContent-id': hosted,
    'sharedDriveItem-id': `u!${Buffer.from((await get(`/v1.0/drives/${drive}/items/${item}`)).webUrl).toString('base64url')}`,
  }
  known_ids.post = post.id
  known_ids.chatPost = chatPost
  return known_ids
}
const user = '/v1.0/users/hana@aoba.example'

// The path with its parameters filled in; wrong: the number of the parameter that names nothing.
function fill(path, ids, wrong = -1) {
  let n = 0
  return '/v1.0' + path.replace(/\{([^}]+)\}/g, (_, name) => {
    if (n++ === wrong) return name === 'driveItemVersion-id' ? '99.0' : name === 'chatMessage-id1' || name === 'chatMessage-id' ? '1111111111111' : 'nothing-here'
    if (name === 'chatMessage-id') return path.includes('/chats') ? ids.chatPost : ids.post
    return ids[name] ?? assert.fail(`no value for ${name}`)
  })
}

test('what can be read', { skip }, async () => {
  const ids = await idsOf()
  const drive = ids['drive-id']
  const item = ids['driveItem-id']
  const failed = []
  // memberOf wants Directory.Read.All, which a scanner has no need of.
  for (const [path, ops] of Object.entries(spec.paths)) {
    if (!ops.get || /retentionLabel|subscription-id|replies\/\{chatMessage-id1\}\/hostedContents\/|chats\/.*hostedContents\//.test(path)) continue
    const url = fill(path, ids)
    const { status, body } = await call('GET', url)
    if (status >= 400 && !path.endsWith('memberOf')) failed.push(`${path}: ${status} ${body?.error.code}`)
  }
  assert.deepEqual(failed, [])
  await get(`${user}/messages/${ids['message-id']}?$expand=attachments&$select=uniqueBody,internetMessageHeaders`)
  await get(`/v1.0/drives/${drive}/items/${item}?$expand=permissions&$select=id,sharepointIds,webDavUrl`)
  await get(`/v1.0/drives/${drive}/root?$expand=children`)
  await get('/v1.0/users?$select=id,accountEnabled,assignedLicenses,proxyAddresses,userType,createdDateTime,mySite&$count=true')
  const { value } = await get('/v1.0/users?$select=id,displayName,department,jobTitle,proxyAddresses&$expand=memberOf($select=id,displayName,mail)')
  const one = value.find((u) => u.displayName === '佐藤 花')
  assert.deepEqual([one.department, one.jobTitle, one.memberOf.map((g) => g.displayName).includes('経理部')], ['経理', '部長', true])
})

test('what can be done', { skip }, async () => {
  const user = '/v1.0/users/ken@aoba.example'
  const mime = Buffer.from('Subject: x\r\nFrom: a@elsewhere.example\r\n\r\nbody').toString('base64')
  const made = (await ms.call('POST', `${user}/mailFolders/inbox/messages`, { token, body: mime, headers: { 'Content-Type': 'text/plain' } })).body
  const notice = (await ms.call('POST', `${user}/mailFolders/inbox/messages`, { token, body: {
    subject: '件名', internetMessageId: '<notice@sekisho.invalid>', body: { contentType: 'text', content: 'お知らせ' }, isRead: false,
    from: { emailAddress: { name: 'sekisho', address: 'ken@aoba.example' } }, toRecipients: [{ emailAddress: { address: 'ken@aoba.example' } }],
    singleValueExtendedProperties: [{ id: 'Integer 0x0E07', value: '4' }],
  } })).body
  assert.deepEqual([notice.isDraft, notice.isRead, notice.subject], [false, false, '件名'])
  const found = (await get(`${user}/messages?$filter=internetMessageId eq '<notice@sekisho.invalid>'&$select=id,internetMessageId`)).value
  assert.deepEqual(found.map((m) => m.id), [notice.id])
  await get(`${user}/messages/${notice.id}`)
  await call('PATCH', `${user}/messages/${notice.id}`, { categories: ['社外秘'] })
  const folder = (await call('POST', `${user}/mailFolders`, { displayName: 'q', isHidden: true })).body
  const child = (await call('POST', `${user}/mailFolders/${folder.id}/childFolders`, { displayName: 'c' })).body
  await call('PATCH', `${user}/mailFolders/${child.id}`, { displayName: 'd' })
  await call('POST', `${user}/mailFolders/${child.id}/move`, { DestinationId: 'archive' })
  await call('DELETE', `${user}/mailFolders/${child.id}`)
  const moved = (await call('POST', `${user}/messages/${made.id}/move`, { DestinationId: folder.id })).body
  await call('POST', `${user}/messages/${moved.id}/copy`, { DestinationId: 'inbox' })
  await call('PATCH', `${user}/messages/${moved.id}`, { categories: ['a'] })
  const delta = await get(`${user}/mailFolders/${folder.id}/messages/delta`)
  await call('DELETE', `${user}/messages/${moved.id}`)
  const gone = await ms.call('GET', delta['@odata.deltaLink'], { token })
  check.answer('GET', `${user}/mailFolders/${folder.id}/messages/delta`, gone)
  assert.ok(gone.body.value[0]['@removed'])
  const copy = (await get(`${user}/mailFolders/inbox/messages`)).value[0]
  await call('POST', `${user}/messages/${copy.id}/permanentDelete`)
  await call('POST', `${user}/translateExchangeIds`, { InputIds: [moved.id], SourceIdType: 'restId', TargetIdType: 'restImmutableEntryId' })
  await call('POST', `${user}/revokeSignInSessions`)

  const drive = (await get(`${user}/drive`)).id
  const at = (rest) => `/v1.0/drives/${drive}${rest}`
  const start = (await get(at('/root/delta?token=latest')))['@odata.deltaLink']
  const box = (await call('POST', at('/items/root/children'), { name: 'box', folder: {} })).body
  const file = (await ms.call('PUT', at('/root:/f.txt:/content'), { token, body: Buffer.from('one') })).body
  await call('PUT', at(`/items/${file.id}/content`), Buffer.from('two'))
  await call('PATCH', at(`/items/${file.id}`), { parentReference: { id: box.id }, name: 'g.txt' })
  await call('POST', at(`/items/${file.id}/copy`), { name: 'h.txt' })
  await call('POST', at(`/items/${file.id}/createLink`), { type: 'view', scope: 'anonymous' })
  const { value: [granted] } = (await call('POST', at(`/items/${file.id}/invite`), { recipients: [{ email: 'hana@aoba.example' }], roles: ['read'] })).body
  await call('PATCH', at(`/items/${file.id}/permissions/${granted.id}`), { roles: ['write'] })
  await call('DELETE', at(`/items/${file.id}/permissions/${granted.id}`))
  await call('POST', at(`/items/${file.id}/versions/1.0/restoreVersion`))
  await call('POST', at(`/items/${file.id}/checkout`))
  await get(at(`/items/${file.id}`))
  await call('POST', at(`/items/${file.id}/discardCheckout`))
  await call('POST', at(`/items/${file.id}/checkout`))
  await call('POST', at(`/items/${file.id}/checkin`), { comment: '' })
  await call('POST', at(`/items/${file.id}/createUploadSession`), {})
  await call('POST', at(`/items/${file.id}/extractSensitivityLabels`))
  await call('DELETE', at(`/items/${file.id}`))
  const changes = await ms.call('GET', start, { token })
  check.answer('GET', at('/root/delta'), changes)
  assert.ok(changes.body.value.some((i) => i.deleted))
  await call('POST', at(`/items/${box.id}/permanentDelete`))

  const team = (await get('/v1.0/teams')).value[0].id
  const channel = (await get(`/v1.0/teams/${team}/channels`)).value[0].id
  const [post] = (await get(`/v1.0/teams/${team}/channels/${channel}/messages`)).value
  const policy = { policyViolation: { dlpAction: 'blockAccess', policyTip: { generalText: 'no', matchedConditionDescriptions: [] } } }
  await call('PATCH', `/v1.0/teams/${team}/channels/${channel}/messages/${post.id}`, policy)
  await get(`/v1.0/teams/${team}/channels/${channel}/messages/${post.id}`)
  const sub = (await call('POST', '/v1.0/subscriptions', { changeType: 'updated', notificationUrl: 'https://elsewhere.example/hook', resource: `/drives/${drive}/root`, expirationDateTime: new Date(Date.now() + 3600000).toISOString() })).body
  await get(`/v1.0/subscriptions/${sub.id}`)
  await call('PATCH', `/v1.0/subscriptions/${sub.id}`, { expirationDateTime: new Date(Date.now() + 7200000).toISOString() })
  await call('POST', `/v1.0/subscriptions/${sub.id}/reauthorize`)
  await call('DELETE', `/v1.0/subscriptions/${sub.id}`)
})

test('errors have the shape of the specification', { skip }, async () => {
  for (const url of ['/v1.0/users/nobody', '/v1.0/drives/b!x', '/v1.0/users/gone@aoba.example/messages', '/v1.0/teams/x', '/v1.0/users/hana@aoba.example/mailFolders/x']) {
    const { status, body, headers } = await call('GET', url)
    assert.ok(status >= 400)
    assert.equal(body.error.innerError['request-id'], headers.get('request-id'))
  }
  await ms.expireCursors({ provider: 'microsoft' })
})

// What Graph says of every failure; held against the specification's schema as well.
function assertError(what, { status, body, headers }) {
  assert.ok(status >= 400 && status < 500, `${what}: ${status}`)
  assert.match(headers.get('content-type') ?? '', /^application\/json/, what)
  const { code, message, innerError, ...rest } = body.error
  assert.ok(typeof code === 'string' && code && typeof message === 'string' && message, `${what}: ${JSON.stringify(body)}`)
  assert.deepEqual(Object.keys(rest).filter((k) => !['details', 'target'].includes(k)), [], what)
  assert.equal(innerError['request-id'], headers.get('request-id'), what)
  assert.equal(innerError['client-request-id'], headers.get('client-request-id'), what)
  assert.match(innerError.date, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/, what)
}

test('every id of every call may name nothing', { skip }, async () => {
  const ids = { ...(await idsOf()), 'subscription-id': '11111111-1111-1111-1111-111111111111' }
  const bodies = { post: {}, patch: {}, put: 'x' }
  for (const [path, ops] of Object.entries(spec.paths)) {
    const holes = (path.match(/\{/g) ?? []).length
    for (let wrong = 0; wrong < holes; wrong++) {
      // A feed's token that is none, and content of nothing, are told apart elsewhere.
      if (path.endsWith("(token='{token}')") && wrong === holes - 1) continue
      for (const method of Object.keys(ops)) {
        if (!['get', 'post', 'patch', 'put', 'delete'].includes(method)) continue
        const url = fill(path, ids, wrong)
        const answer = await ms.call(method.toUpperCase(), url, { token, body: bodies[method] })
        const what = `${method.toUpperCase()} ${url}`
        assertError(what, answer)
        check.answer(method, url, answer)
        // 403: a permission that the application lacks, or a call that no application may make, is said first.
        assert.ok([400, 403, 404].includes(answer.status), `${what}: ${answer.status} ${answer.body.error.code}`)
        if (method === 'get' && answer.status === 400) assert.match(url, /nothing-here/, what)
      }
    }
  }
})

test('methods that a path does not have answer 405, paths that are none 400 or 404', { skip }, async () => {
  const ids = { ...(await idsOf()), 'subscription-id': '11111111-1111-1111-1111-111111111111' }
  // Calls that Graph has beyond this extract of its specification, and that the stand-in knows.
  const beyond = /^(POST|PUT|PATCH|DELETE) .*(messages|attachments|items\/[^/]+|users|root|content|children|mailFolders|chats|channels|sites|groups|teams|permissions|versions|listItem|drive|events)/
  for (const [path, ops] of Object.entries(spec.paths)) {
    for (const method of ['GET', 'POST', 'PATCH', 'PUT', 'DELETE']) {
      if (ops[method.toLowerCase()]) continue
      const url = fill(path, ids, path.includes('{') ? (path.match(/\{/g).length - 1) : -1)
      const answer = await ms.call(method, url, { token, body: ['GET', 'DELETE'].includes(method) ? undefined : {} })
      const what = `${method} ${url}: ${answer.status} ${answer.body?.error?.code}`
      assertError(what, answer)
      if (!beyond.test(`${method} ${path}`)) assert.ok([404, 405].includes(answer.status), what)
    }
  }
  for (const url of ['/v1.0/', '/v1.0/nothing', '/v1.0/users/hana@aoba.example/nothing', `/v1.0/drives/${ids['drive-id']}/nothing`, `/v1.0/drives/${ids['drive-id']}/items/root/nothing`,
    '/v1.0/sites/root/nothing/more', '/v2.0/users', '/v1.0/teams/x/y/z', '/v1.0/%00', '/v1.0/users/%ff%fe', `/v1.0/users/${'x'.repeat(3000)}`]) assertError(url, await ms.call('GET', url, { token }))
})
