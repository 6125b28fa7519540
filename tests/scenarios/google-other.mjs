// Somebody else's Google Workspace: written from the discovery documents alone, without a look at fakecloud. It does only what
// is documented as essential, in the barest legal form: no field that was not asked for, no optional one at all, lists whose
// first page is empty, chunked answers, a new connection for each, no shared drives.
import { createServer } from 'node:http'
import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })

class Refused extends Error {
  constructor(code, reason, message = reason) {
    super(message)
    Object.assign(this, { code, reason })
  }
}
const refuse = (code, reason, message) => {
  throw new Refused(code, reason, message)
}

// "a,b(c,d/e),f/*" as a tree; '*' keeps everything.
function parseMask(text) {
  let at = 0
  const list = () => {
    const out = {}
    for (;;) {
      const [name] = /^[\w*-]+/.exec(text.slice(at)) ?? refuse(400, 'invalidParameter', `Invalid field selection ${text}`)
      at += name.length
      let below = null
      if (text[at] === '/') {
        at++
        const [rest] = /^[\w*-]+/.exec(text.slice(at)) ?? refuse(400, 'invalidParameter')
        at += rest.length
        below = { [rest]: null }
      }
      if (text[at] === '(') {
        at++
        below = list()
        if (text[at++] !== ')') refuse(400, 'invalidParameter')
      }
      out[name] = below
      if (text[at] !== ',') return out
      at++
    }
  }
  return list()
}
function apply(mask, doc) {
  if (!mask || '*' in mask || doc === null || typeof doc !== 'object') return doc
  if (Array.isArray(doc)) return doc.map((x) => apply(mask, x))
  return Object.fromEntries(Object.entries(doc).filter(([k]) => k in mask).map(([k, v]) => [k, apply(mask[k], v)]))
}

// users: {address: {mail: {id: {raw, labels}}, files: {id: {name, content, shared: [permission]}}}}
// lock: does files.update know contentRestrictions; sharing: may permissions be read and changed.
export async function startOther({ users, lock = true, sharing = true, about = true }) {
  const writes = [] // every call that changes something
  const boxes = {}
  let number = 100
  for (const [address, { mail = {}, files = {} }] of Object.entries(users)) {
    const box = (boxes[address] = { id: String(++number), address, mail: {}, labels: {}, history: [], files: {}, log: [] })
    for (const id of ['INBOX', 'SPAM', 'TRASH', 'UNREAD', 'SENT', 'DRAFT']) box.labels[id] = { id, name: id, type: 'system' }
    for (const [id, m] of Object.entries(mail)) box.mail[id] = { labels: m.labels ?? ['INBOX'], raw: m.raw, at: ++number }
    for (const [id, f] of Object.entries(files))
      box.files[id] = { trashed: false, restrictions: [], copy: false, modified: '2026-11-20T01:02:03.000Z', ...f,
        permissions: [{ id: `owner-${address}`, type: 'user', role: 'owner', emailAddress: address }, ...(f.shared ?? [])] }
  }

  const base = (req) => `http://${req.headers.host}`
  const page = (query, key, all, size = 2) => {
    // The first page is always empty: that is legal, and has a token.
    if (!query.get('pageToken')) return { nextPageToken: 'p0' }
    const at = Number(/^p(\d+)$/.exec(query.get('pageToken'))?.[1] ?? refuse(400, 'invalid'))
    const more = at + size < all.length
    return { ...(more ? { nextPageToken: `p${at + size}` } : {}), [key]: all.slice(at, at + size) }
  }
  const message = (box, id) => box.mail[id] ?? refuse(404, 'notFound', 'Requested entity was not found.')
  const shown = (id, m) => ({ labelIds: [...m.labels], internalDate: '1795000000000', threadId: id, id, historyId: String(m.at), snippet: '' })
  const headers = (raw) => raw.split('\r\n\r\n')[0].split('\r\n').map((l) => ({ value: l.slice(l.indexOf(':') + 1).trim(), name: l.slice(0, l.indexOf(':')) }))

  function gmail(box, method, path, query, body) {
    let m
    if (method === 'GET' && path === '/profile') return { historyId: String(number), emailAddress: box.address }
    if (method === 'GET' && path === '/labels') return { labels: Object.values(box.labels).map(({ type, name, id, ...more }) => ({ type, name, id, ...(type === 'user' ? more : {}) })) }
    if (method === 'POST' && path === '/labels') {
      const id = `Label_${++number}`
      return (box.labels[id] = { ...body, type: 'user', id })
    }
    if (method === 'GET' && path === '/messages') return page(query, 'messages', Object.keys(box.mail).map((id) => ({ threadId: id, id })), 1)
    if (method === 'GET' && path === '/history') {
      const from = Number(query.get('startHistoryId'))
      const types = query.getAll('historyTypes')
      const news = box.history.filter((h) => h.id > from && (!types.length || types.includes(h.type)))
      return { historyId: String(number), ...(news.length ? { history: news.map((h) => ({ [h.key]: [h.entry], id: String(h.id) })) } : {}) }
    }
    if ((m = /^\/messages\/([^/]+)$/.exec(path)) && method === 'GET') {
      const one = message(box, m[1])
      const format = query.get('format') ?? 'full'
      if (format === 'raw') return { ...shown(m[1], one), raw: Buffer.from(one.raw).toString('base64url') }
      if (format === 'minimal') return shown(m[1], one)
      return { ...shown(m[1], one), payload: { headers: headers(one.raw) } }
    }
    if ((m = /^\/messages\/([^/]+)\/(modify|trash|untrash)$/.exec(path)) && method === 'POST') {
      const one = message(box, m[1])
      const { addLabelIds: add = [], removeLabelIds: remove = [] } = { modify: body, trash: { addLabelIds: ['TRASH'] }, untrash: { removeLabelIds: ['TRASH'] } }[m[2]] ?? {}
      for (const l of [...add, ...remove]) if (!box.labels[l]) refuse(400, 'invalidArgument', `Invalid label: ${l}`)
      one.labels = [...new Set([...one.labels, ...add])].filter((l) => !remove.includes(l))
      one.at = ++number
      const entry = (labelIds) => ({ labelIds, message: { labelIds: [...one.labels], threadId: m[1], id: m[1] } })
      if (add.length) box.history.push({ id: number, type: 'labelAdded', key: 'labelsAdded', entry: entry(add) })
      if (remove.length) box.history.push({ id: number, type: 'labelRemoved', key: 'labelsRemoved', entry: entry(remove) })
      return shown(m[1], one)
    }
    return refuse(404, 'notFound', 'Not Found')
  }

  const drivePath = { files: /^\/files\/([^/]+)$/, permissions: /^\/files\/([^/]+)\/permissions$/, permission: /^\/files\/([^/]+)\/permissions\/([^/]+)$/ }
  const fileOf = (box, id) => {
    if (id === 'root' || id === `root-${box.address}`)
      return { id: `root-${box.address}`, name: 'My Drive', folder: true, permissions: [], restrictions: [], owner: box }
    for (const owner of Object.values(boxes)) {
      const f = owner.files[id]
      if (f && f.permissions.some((p) => p.emailAddress === box.address)) return { ...f, id, owner, live: f }
    }
    return refuse(404, 'notFound', `File not found: ${id}.`)
  }
  const resource = (box, f) => ({
    trashed: f.trashed, explicitlyTrashed: f.trashed, parents: f.folder ? undefined : [`root-${f.owner.address}`],
    modifiedTime: f.modified, createdTime: f.modified, owners: [{ emailAddress: f.owner.address, me: f.owner === box, kind: 'drive#user', displayName: 'x' }],
    ownedByMe: f.owner === box, copyRequiresWriterPermission: f.copy, ...(f.restrictions.length ? { contentRestrictions: f.restrictions } : {}),
    ...(f.folder ? {} : { md5Checksum: createHash('md5').update(f.content).digest('hex'), size: String(Buffer.byteLength(f.content)) }),
    mimeType: f.folder ? 'application/vnd.google-apps.folder' : 'application/octet-stream', name: f.name, id: f.id, kind: 'drive#file',
  })
  function drive(box, method, path, query, body) {
    const fields = query.get('fields')
    const out = (doc, standard) => JSON.parse(JSON.stringify(apply(fields ? parseMask(fields) : standard && parseMask(standard), doc)))
    const own = () => Object.entries(box.files).map(([id, f]) => resource(box, { ...f, id, owner: box }))
    const changed = (f) => f.owner.log.push({ fileId: f.id, at: ++number })
    let m
    if (method === 'GET' && path === '/about') {
      if (!about) refuse(404, 'notFound')
      return fields ? out({ user: { emailAddress: box.address }, kind: 'drive#about' }) : refuse(400, 'required', "The 'fields' parameter is required for this method.")
    }
    if (path === '/drives') return method === 'GET' ? out({ drives: [], kind: 'drive#driveList' }) : refuse(403, 'teamDrivesNotAllowed', 'The user cannot create shared drives.')
    if (method === 'GET' && path === '/changes/startPageToken') return { startPageToken: String(number), kind: 'drive#startPageToken' }
    if (method === 'GET' && path === '/changes') {
      const from = Number(query.get('pageToken') ?? refuse(400, 'required'))
      const ids = [...new Set(box.log.filter((c) => c.at > from).map((c) => c.fileId))]
      return out({ newStartPageToken: String(number), changes: ids.map((id) => ({ file: own().find((f) => f.id === id), removed: false, fileId: id, changeType: 'file', kind: 'drive#change' })) },
        'kind,newStartPageToken,changes(kind,changeType,fileId,removed)')
    }
    if (method === 'GET' && path === '/files') return out({ ...page(query, 'files', own()), kind: 'drive#fileList' }, 'kind,nextPageToken,files(kind,id,name,mimeType)')
    if ((m = drivePath.files.exec(path))) {
      const f = fileOf(box, decodeURIComponent(m[1]))
      if (method === 'GET' && query.get('alt') === 'media') return Buffer.from(f.content)
      if (method === 'PATCH') {
        if (query.get('addParents')) refuse(404, 'notFound', `File not found: ${query.get('addParents')}.`)
        if (f.owner !== box) refuse(403, 'insufficientFilePermissions')
        if (body.contentRestrictions && !lock) refuse(400, 'invalid', 'contentRestrictions')
        if (body.contentRestrictions) f.live.restrictions = body.contentRestrictions.filter((r) => r.readOnly)
        if ('copyRequiresWriterPermission' in body && lock) f.live.copy = body.copyRequiresWriterPermission
        if ('trashed' in body) f.live.trashed = body.trashed
        changed(f)
      } else if (method !== 'GET') refuse(404, 'notFound')
      return out(resource(box, f.live ? { ...f, ...f.live } : f), 'kind,id,name,mimeType')
    }
    if (/permissions/.test(path) && !sharing) refuse(403, 'insufficientFilePermissions', 'The user does not have sufficient permissions for this file.')
    if ((m = drivePath.permissions.exec(path))) {
      const f = fileOf(box, m[1])
      if (method === 'GET') return out({ permissions: f.permissions, kind: 'drive#permissionList' }, 'kind,permissions(id,type,kind,role)')
      f.live.permissions.push({ ...body, id: body.type === 'anyone' ? 'anyoneWithLink' : `p${++number}` })
      changed(f)
      return { kind: 'drive#permission', role: body.role, type: body.type, id: f.live.permissions.at(-1).id }
    }
    if ((m = drivePath.permission.exec(path)) && method === 'DELETE') {
      const f = fileOf(box, m[1])
      if (!f.permissions.some((p) => p.id === m[2])) refuse(404, 'notFound')
      f.live.permissions = f.live.permissions.filter((p) => p.id !== m[2])
      changed(f)
      return undefined
    }
    return refuse(404, 'notFound', 'Not Found')
  }

  function directory(path, query) {
    const record = ({ id, address }) => ({ primaryEmail: address, id })
    if (path === '/users') {
      if (query.get('customer') !== 'my_customer') refuse(400, 'badRequest')
      return page(query, 'users', Object.values(boxes).map(record), 1)
    }
    const m = /^\/users\/([^/]+)$/.exec(path) ?? refuse(404, 'notFound')
    return record(Object.values(boxes).find((b) => [b.id, b.address].includes(decodeURIComponent(m[1]))) ?? refuse(404, 'notFound'))
  }

  function token(form) {
    const [head, claims, signature] = (form.get('assertion') ?? '').split('.')
    const { iss, sub } = JSON.parse(Buffer.from(claims ?? '', 'base64url'))
    if (iss !== 'robot@project.iam.gserviceaccount.com' || !verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url')))
      return [400, { error_description: 'Invalid JWT Signature.', error: 'invalid_grant' }]
    if (!boxes[sub]) return [400, { error_description: 'Invalid email or User ID', error: 'invalid_grant' }]
    return [200, { token_type: 'Bearer', expires_in: 3599, access_token: `as.${sub}` }]
  }

  function answer(req, body) {
    const { pathname, searchParams } = new URL(req.url, base(req))
    if (req.method === 'POST' && pathname === '/token') return token(new URLSearchParams(body))
    const box = boxes[/^Bearer as\.(.+)$/.exec(req.headers.authorization ?? '')?.[1]]
    if (!box) return [401, { error: { message: 'Invalid Credentials', code: 401 } }]
    if (req.method !== 'GET') writes.push(`${req.method} ${box.address} ${decodeURIComponent(req.url)}`)
    const json = body ? JSON.parse(body) : {}
    try {
      let m
      if ((m = /^\/gmail\/v1\/users\/me(\/.*)$/.exec(pathname))) return [200, gmail(box, req.method, m[1], searchParams, json)]
      if ((m = /^\/drive\/v3(\/.*)$/.exec(pathname))) return [200, drive(box, req.method, m[1], searchParams, json)]
      if ((m = /^\/admin\/directory\/v1(\/.*)$/.exec(pathname))) return [200, directory(m[1], searchParams)]
      return [404, 'Not Found']
    } catch (e) {
      if (!(e instanceof Refused)) throw e
      return [e.code, { error: { errors: [{ message: e.message, reason: e.reason, domain: 'global' }], message: e.message, code: e.code } }]
    }
  }

  const server = createServer(async (req, res) => {
    const parts = []
    for await (const part of req) parts.push(part)
    const [status, doc] = answer(req, Buffer.concat(parts).toString())
    res.writeHead(doc === undefined ? 204 : status, { connection: 'close', ...(doc === undefined ? {} : { 'content-type': Buffer.isBuffer(doc) ? 'application/octet-stream' : typeof doc === 'string' ? 'text/html' : 'application/json; charset=UTF-8' }) })
    const bytes = doc === undefined ? Buffer.alloc(0) : Buffer.isBuffer(doc) ? doc : Buffer.from(typeof doc === 'string' ? doc : JSON.stringify(doc, null, 2))
    for (let i = 0; i < bytes.length; i += 7000) res.write(bytes.subarray(i, i + 7000)) // no length: chunks
    res.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`
  const account = { type: 'service_account', client_email: 'robot@project.iam.gserviceaccount.com', client_id: '123456789', private_key_id: 'k', private_key: privateKey, token_uri: `${url}/token` }
  return { url, account, boxes, writes, stop: () => new Promise((done) => (server.closeAllConnections(), server.close(done))) }
}
