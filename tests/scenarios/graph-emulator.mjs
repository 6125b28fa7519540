// Another Microsoft Graph than fakecloud's: written from the specification and the reference alone, with nothing but what
// they promise, in the plainest form that they allow. It stands for emulators and proxies of other people.
//
// Lists come in pages of two with opaque links that must come back byte for byte; bodies are chunked and come in pieces;
// header names are in other cases; entries have the fewest fields; content lies at another host, which takes no token.
// Optional calls ($batch, hidden folders, permissions, versions, sites, Teams, permanentDelete) are refused as `refuse`
// says: a function of what is asked for that gives {status, code}; or undefined, and the call is carried out.
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const DIRECTORY = '6f1d7a52-0c0e-4b7d-9d55-0f7f3b1f8a11'
const CLIENT = '0b0f3b35-51a1-4d0b-8a15-7d9f0f1f2a22'
const sha256 = (b) => createHash('sha256').update(b).digest('hex')
const stamp = (n) => new Date(Date.UTC(2026, 10, 20) + n * 1000).toISOString().replace(/\.000/, '')

const listen = (serve) => new Promise((done) => {
  const server = http.createServer(serve)
  server.listen(0, '127.0.0.1', () => done({ server, url: `http://127.0.0.1:${server.address().port}` }))
})
const end = ({ server }) => new Promise((done) => { server.close(done); server.closeAllConnections() })

// mails: {subject: MIME}; files: {"folder/name": content} of the one user that has a mailbox and a OneDrive.
// ctag: do single items have one? odd: what ids end with.
export async function startEmulator({ mails = {}, files = {}, refuse = () => undefined, ctag = true, odd = '' } = {}) {
  const secret = randomBytes(24).toString('hex')
  const tokens = new Set()
  const links = new Map()
  const requests = []
  const errors = []
  let seq = 0

  const users = [{ id: 'u-1', userPrincipalName: 'nobody@aoba.example' }, { id: 'u-2', userPrincipalName: 'room@aoba.example' }, { id: 'u-3', userPrincipalName: 'hana@aoba.example' }]
  const hana = users[2].id
  const folders = [{ id: `F=in+box${odd}`, displayName: 'Inbox' }, { id: `F=sent${odd}`, displayName: 'Sent Items' }, { id: `F=arch'ive${odd}`, displayName: 'Archive' }]
  const messages = Object.entries(mails).map(([subject, mime], i) => ({ id: `AAk=+_-${odd}${i}`, rest: `AAM=${i}`, subject, mime: Buffer.from(mime), folder: folders[0].id, seq: ++seq }))
  const log = [] // {seq, folder, id}: messages that left a folder
  const drive = { id: `b!D-r_1${odd}` }
  const root = { id: `01ROOT!1${odd}`, name: 'root', parent: null, folder: true, seq: ++seq }
  const items = [root]
  const download = await listen((req, res) => {
    const item = items.find((i) => i.key && `/dl/a%2Bb%20c?sig=${i.key}%3D%3D` === req.url)
    if (req.headers.authorization || !item) {
      errors.push(`a download with ${req.headers.authorization ? 'a token' : `the address ${req.url}`}`)
      res.writeHead(401).end()
      return
    }
    res.setHeader('content-TYPE', 'application/octet-stream')
    for (let at = 0; at < item.content.length; at += 7) res.write(item.content.subarray(at, at + 7))
    res.end()
  })
  const itemOf = (id) => items.find((i) => i.id === id && !i.deleted)
  function put(parent, name, content) {
    const item = { id: `01ITEM!${items.length}${odd}`, name, parent: parent.id, seq: ++seq }
    if (content === undefined) item.folder = true
    else Object.assign(item, { content: Buffer.from(content), csn: seq, permissions: [] })
    items.push(item)
    return item
  }
  for (const [path, content] of Object.entries(files)) {
    const parts = path.split('/')
    const name = parts.pop()
    let at = root
    for (const p of parts) at = items.find((i) => i.parent === at.id && i.name === p) ?? put(at, p)
    put(at, name, content)
  }

  const error = (status, code, message = 'no') => ({ status, body: { error: { code, message } } })
  const ok = (body, status = 200) => ({ status, body })
  const host = (req) => `http://${req.headers.host}`
  // A link of ours, good for ever, and only as it was given.
  function link(req, path, answer) {
    const url = `${path}${path.includes('?') ? '&' : '?'}$skiptoken=${encodeURIComponent(randomBytes(9).toString('base64'))}&x=%2b%2F'*`
    links.set(url, answer)
    return host(req) + url
  }
  function paged(req, path, entries, last = {}, size = 2) {
    const page = entries.slice(0, size)
    if (entries.length <= size) return ok({ value: page, ...(typeof last === 'function' ? last() : last) })
    return ok({ value: page, '@odata.nextLink': link(req, path, (r) => paged(r, path, entries.slice(size), last, size)) })
  }
  function pick(body, req) {
    const select = new URL(req.url, 'http://x').searchParams.get('$select')
    if (!select) return body
    return Object.fromEntries(Object.entries(body).filter(([k]) => k === 'id' || k.startsWith('@') || select.split(',').includes(k)))
  }

  // ---- mail ----

  const immutable = (req) => /IdType\s*=\s*"ImmutableId"/i.test(req.headers.prefer ?? '')
  const messageOf = (id) => messages.find((m) => !m.deleted && (m.id === id || m.rest === id))
  const mailJson = (m, req) => pick({ id: immutable(req) ? m.id : m.rest, subject: m.subject, isDraft: false, parentFolderId: m.folder, changeKey: `CK${m.seq}`, internetMessageId: `<${m.id}@x>`, from: { emailAddress: { address: 'sender@elsewhere.example' } }, receivedDateTime: stamp(1) }, req)
  const folderOf = (id) => folders.find((f) => f.id === id || (id === 'inbox' && f === folders[0]))
  function moveMail(m, folder) {
    log.push({ seq: ++seq, folder: m.folder, id: m.id })
    m.folder = folder
    m.seq = seq
    m.rest = `AAM=${seq}`
  }
  function mailDelta(req, path, folder, since) {
    const here = messages.filter((m) => !m.deleted && m.folder === folder && m.seq > since).map((m) => ({ id: immutable(req) ? m.id : m.rest, subject: m.subject }))
    const left = log.filter((l) => since && l.seq > since && l.folder === folder && !messages.some((m) => m.id === l.id && m.folder === folder && !m.deleted))
      .map((l) => ({ '@removed': { reason: 'deleted' }, id: l.id }))
    const now = seq
    return paged(req, path, [...here, ...left], () => ({ '@odata.deltaLink': link(req, path, (r) => mailDelta(r, path, folder, now)) }))
  }

  // ---- drives ----

  // Office files are rewritten by the service: what its lists say of their size need not be so.
  const listed = (i) => i.content.length + (/\.docx$/.test(i.name) ? 4321 : 0)

  const itemJson = (i, req, more = {}) => pick({
    id: i.id, name: i.name, ...(i.content ? { size: listed(i), file: {} } : { folder: {} }), eTag: `"{${i.seq}},1"`,
    ...(i.parent ? { parentReference: { driveId: drive.id, id: i.parent } } : { root: {} }), ...more,
  }, req)
  const single = (i, req) => itemJson(i, req, ctag && i.content ? { cTag: `"c:{${i.csn}},1"` } : {})
  function driveDelta(req, path, since) {
    const changed = items.filter((i) => i.seq > since).map((i) => (i.deleted ? { id: i.id, deleted: {} } : itemJson(i, { url: '/' })))
    const now = seq
    return paged(req, path, changed, () => ({ '@odata.deltaLink': link(req, path, (r) => driveDelta(r, path, now)) }))
  }
  function patchItem(i, body, req) {
    if (req.headers['if-match'] && req.headers['if-match'] !== `"{${i.seq}},1"`) return error(412, 'preconditionFailed')
    const parent = body.parentReference?.id ?? i.parent
    if (!itemOf(parent)?.folder) return error(404, 'itemNotFound')
    let name = body.name ?? i.name
    const taken = (n) => items.some((o) => o !== i && !o.deleted && o.parent === parent && o.name.toLowerCase() === n.toLowerCase())
    if (taken(name)) {
      if (body['@microsoft.graph.conflictBehavior'] !== 'rename') return error(409, 'nameAlreadyExists')
      for (let n = 1; taken(name); n++) name = (body.name ?? i.name).replace(/(\.[^.]*)?$/, ` ${n}$1`)
    }
    Object.assign(i, { parent, name, seq: ++seq })
    return ok(single(i, { url: '/' }))
  }

  // ---- calls ----

  function route(req, body) {
    const url = new URL(req.url, 'http://x')
    const raw = url.pathname.replace(/^\/v1\.0/, '')
    const p = raw.split('/').slice(1).map(decodeURIComponent)
    const is = (method, pattern) => {
      const want = pattern.split('/').slice(1)
      return req.method === method && want.length === p.length && want.every((w, i) => w === '*' || w === p[i])
    }
    const optional = (what) => {
      const no = refuse(what)
      return no && error(no.status, no.code ?? 'UnknownError')
    }
    if (is('GET', '/organization')) return ok({ value: [{ id: DIRECTORY, displayName: '青葉' }] })
    if (is('GET', '/users')) return paged(req, '/v1.0/users', users.map((u) => pick(u, req)))
    if (p[0] === 'users' && p.length > 2 && /^(mailFolders|messages)$/.test(p[2])) {
      if (p[1] !== hana) return error(404, 'MailboxNotEnabledForRESTAPI')
      if (is('GET', '/users/*/mailFolders')) {
        if (url.searchParams.get('includeHiddenFolders')) {
          const no = optional('hidden')
          if (no) return no
        }
        return paged(req, raw === '' ? raw : `/v1.0${raw}`, folders.filter((f) => !f.isHidden || url.searchParams.get('includeHiddenFolders')).map((f) => pick(f, req)))
      }
      if (is('POST', '/users/*/mailFolders')) {
        if (body.isHidden) {
          const no = optional('make hidden')
          if (no) return no
        }
        if (folders.some((f) => f.displayName === body.displayName)) return error(409, 'ErrorFolderExists')
        folders.push({ id: `F=new${folders.length}${odd}`, displayName: body.displayName, ...(body.isHidden ? { isHidden: true } : {}) })
        return ok(folders.at(-1), 201)
      }
      const folder = p[2] === 'mailFolders' && folderOf(p[3])
      if (p[2] === 'mailFolders' && !folder) return error(404, 'ErrorItemNotFound')
      if (is('GET', '/users/*/mailFolders/*')) return ok(folder)
      if (is('GET', '/users/*/mailFolders/*/childFolders')) return ok({ value: [] })
      if (is('GET', '/users/*/mailFolders/*/messages')) return paged(req, `/v1.0${raw}`, messages.filter((m) => m.folder === folder.id && !m.deleted).map((m) => mailJson(m, req)))
      if (is('GET', '/users/*/mailFolders/*/messages/delta')) return mailDelta(req, `/v1.0${raw}`, folder.id, 0)
      const m = p[2] === 'messages' && messageOf(p[3])
      if (p[2] === 'messages' && !m) return error(404, 'ErrorItemNotFound')
      if (is('GET', '/users/*/messages/*')) return ok(mailJson(m, req))
      if (is('GET', '/users/*/messages/*/$value')) return { status: 200, bytes: m.mime, type: 'text/plain' }
      if (is('POST', '/users/*/messages/*/move')) {
        const to = folderOf(body.destinationId)
        if (!to) return error(404, 'ErrorItemNotFound')
        moveMail(m, to.id)
        return ok({ id: immutable(req) ? m.id : m.rest, ...(refuse('answers') ? {} : { parentFolderId: m.folder }) }, 201)
      }
      if (is('POST', '/users/*/messages/*/permanentDelete')) {
        const no = optional('permanentDelete')
        if (no) return no
        m.deleted = true
        return { status: 204 }
      }
      if (is('DELETE', '/users/*/messages/*')) {
        m.deleted = true
        return { status: 204 }
      }
    }
    if (is('GET', '/users/*')) return users.some((u) => u.id === p[1]) ? ok(pick(users.find((u) => u.id === p[1]), req)) : error(404, 'Request_ResourceNotFound')
    if (is('GET', '/users/*/drives') || is('GET', '/users/*/drive')) {
      if (p[2] === 'drives') {
        const no = optional('drives')
        if (no) return no
      }
      if (p[1] !== hana) return error(404, 'itemNotFound')
      return ok(p[2] === 'drive' ? drive : { value: [drive] })
    }
    if (p[0] === 'drives' && p[1] === drive.id) {
      if (p.length === 2) return ok(drive)
      if (is('GET', '/drives/*/root')) return ok(itemJson(root, req))
      if (is('GET', '/drives/*/root/delta')) {
        const now = seq
        if (url.searchParams.get('token') === 'latest') return ok({ value: [], '@odata.deltaLink': link(req, `/v1.0${raw}`, (r) => driveDelta(r, `/v1.0${raw}`, now)) })
        return driveDelta(req, `/v1.0${raw}`, 0)
      }
      const i = p[2] === 'items' && itemOf(p[3])
      if (!i) return error(404, 'itemNotFound')
      if (is('GET', '/drives/*/items/*')) return ok(single(i, req))
      if (is('PATCH', '/drives/*/items/*')) return patchItem(i, body, req)
      if (is('DELETE', '/drives/*/items/*')) {
        Object.assign(i, { deleted: true, seq: ++seq })
        return { status: 204 }
      }
      if (is('GET', '/drives/*/items/*/children')) return paged(req, `/v1.0${raw}`, items.filter((o) => o.parent === i.id && !o.deleted).map((o) => itemJson(o, req)))
      if (is('POST', '/drives/*/items/*/children')) {
        if (items.some((o) => o.parent === i.id && !o.deleted && o.name === body.name)) return error(409, 'nameAlreadyExists')
        return ok(itemJson(put(i, body.name), { url: '/' }), 201)
      }
      if (is('GET', '/drives/*/items/*/content')) {
        if (!i.content) return error(404, 'itemNotFound')
        i.key = randomBytes(6).toString('hex')
        return { status: 302, location: `${download.url}/dl/a%2Bb%20c?sig=${i.key}%3D%3D` }
      }
      if (is('POST', '/drives/*/items/*/permanentDelete')) return optional('permanentDelete') ?? error(400, 'notSupported')
      if (p[4] === 'permissions' || p[4] === 'invite' || p[4] === 'createLink') {
        const no = optional('permissions')
        if (no) return no
        if (is('GET', '/drives/*/items/*/permissions')) return ok({ value: [{ id: 'own', roles: ['owner'] }, ...(i.permissions ?? [])] })
        return error(400, 'notSupported')
      }
    }
    return optional('other') ?? error(404, 'ResourceNotFound')
  }

  async function serve(req, res) {
    const parts = []
    for await (const part of req) parts.push(part)
    const text = Buffer.concat(parts).toString()
    let answer
    const say = (headers, bytes) => {
      res.writeHead(answer.status, { ...headers, CONNECTION: 'close' })
      for (let at = 0; at < (bytes?.length ?? 0); at += 61) res.write(bytes.subarray(at, at + 61))
      res.end()
    }
    try {
      if (req.url.split('?')[0] === `/${DIRECTORY}/oauth2/v2.0/token`) {
        const form = new URLSearchParams(text)
        const good = form.get('client_id') === CLIENT && form.get('client_secret') === secret && form.get('grant_type') === 'client_credentials' && /\/\.default$/.test(form.get('scope') ?? '')
        const token = randomBytes(16).toString('hex')
        tokens.add(token)
        answer = good ? ok({ token_type: 'Bearer', expires_in: 3599, access_token: token }) : { status: 401, body: { error: 'invalid_client', error_description: 'AADSTS7000215: no', error_codes: [7000215] } }
      } else {
        requests.push({ method: req.method, path: req.url, body: text })
        if (!tokens.has(req.headers.authorization?.replace(/^Bearer /, ''))) answer = error(401, 'InvalidAuthenticationToken')
        else if (emulator.busy > 0 && emulator.busy--) answer = { ...error(429, 'TooManyRequests'), headers: { 'RETRY-AFTER': new Date(Date.now() + 1000).toUTCString() } }
        else if (links.has(req.url)) answer = links.get(req.url)(req)
        else if (/skiptoken/.test(req.url)) answer = error(400, 'badRequest', 'not a link of mine')
        else answer = route(req, text ? JSON.parse(text) : undefined)
        requests.at(-1).status = answer.status
      }
    } catch (e) {
      errors.push(e.stack)
      answer = error(500, 'generalException')
    }
    if (answer.location) say({ LOCATION: answer.location })
    else if (answer.bytes) say({ 'content-TYPE': answer.type }, answer.bytes)
    else say({ 'CONTENT-type': 'application/json;odata.metadata=minimal', ...answer.headers }, answer.body && Buffer.from(JSON.stringify(answer.body)))
  }

  const api = await listen(serve)
  const dir = mkdtempSync(join(tmpdir(), 'graph-'))
  mkdirSync(join(dir, 'c'))
  writeFileSync(join(dir, 'c', 'secret.txt'), secret, { mode: 0o600 })
  const text = `connections:
  - id: aoba-m365
    tenant: aoba
    provider: microsoft
    mode: protect
    backlog: all
    services: [mail, files, teams]
    endpoints: {"login": "${api.url}", "graph": "${api.url}"}
    grant: {"type": "client_secret", "directory": "${DIRECTORY}", "client_id": "${CLIENT}", "client_secret_file": "secret.txt"}
`
  const placeOf = (i) => (i.parent && i.parent !== root.id ? placeOf(items.find((o) => o.id === i.parent)) : '') + `/${items.find((o) => o.id === i.id).name}`
  const common = { provider: 'microsoft', tenant: 'aoba', owner: 'hana@aoba.example', labels: [], version: '' }
  const emulator = {
    busy: 0, // so many requests are answered with 429 and a date
    url: api.url, dir, requests, errors, folders, items, messages,
    // In the words of fakecloud's control address, so that the scenes and their oracle can be used.
    state: async () => [
      ...messages.filter((m) => !m.deleted).map((m) => ({ ...common, service: 'exchange', id: m.id, place: m.folder, name: m.subject, size: m.mime.length, sha256: sha256(m.mime), sharing: [], quarantined: /quarantine/.test(folders.find((f) => f.id === m.folder).displayName) })),
      ...items.filter((i) => i.content && !i.deleted).map((i) => ({ ...common, service: 'onedrive', id: i.id, place: placeOf(i), name: i.name, size: i.content.length, sha256: sha256(i.content), sharing: [], quarantined: /quarantine/.test(placeOf(i)) })),
    ],
    connections: () => ({ dir: join(dir, 'c'), file: join(dir, 'c', 'connections.yaml'), text, read: (name) => readFileSync(join(dir, 'c', name), 'utf8') }),
    // what users do
    addMail: (subject, mime) => { messages.push({ id: `AAk=+_-${odd}${messages.length}`, rest: `AAM=n${messages.length}`, subject, mime: Buffer.from(mime), folder: folders[0].id, seq: ++seq }) },
    addFile: (name, content) => put(root, name, content),
    // no link of ours is known any more
    forget: () => links.clear(),
    stop: async () => {
      await Promise.all([end(api), end(download)])
      rmSync(dir, { recursive: true, force: true })
    },
  }
  return emulator
}
