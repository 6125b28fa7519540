// Another Box: the calls that sekisho needs, answered in the simplest way that Box's OpenAPI document allows, and written from that
// document alone. It ignores `fields`, leaves out what is optional, writes keys backwards, sends chunks and closes.
//
// options: paging ("offset", "marker"), collaborations (false: 404), lock (false: 400), log (true: admin_logs),
// redirect (content is at another port, which refuses Authorization), crossing (false: 403 to a move between owners).
import { createHash } from 'node:crypto'
import http from 'node:http'

const SERVICE = { type: 'user', id: '900', name: 'sekisho', login: 'AutomationUser_1@boxdevedition.com' }

export async function startOtherBox(options = {}) {
  const o = { paging: 'offset', collaborations: true, lock: true, log: false, redirect: false, crossing: true, ...options }
  const users = [SERVICE]
  const items = new Map()
  const collaborations = new Map()
  const events = []
  const requests = []
  const leaked = []
  let last = 1000
  const newId = () => String(++last)
  const b = {
    users, items, collaborations, requests, leaked, SERVICE,
    lost: 0, // positions below are not known any more
    lose() { b.lost = events.length },
    user(login) {
      const u = { type: 'user', id: newId(), name: login.split('@')[0], login }
      users.push(u)
      return u
    },
    folder(owner, name, parent = '0') {
      const f = { type: 'folder', id: newId(), etag: '0', name, parent, owner: owner.id }
      items.set(f.id, f)
      return f
    },
    file(owner, name, content, parent = '0') {
      const f = { type: 'file', id: newId(), etag: '0', name, parent, owner: owner.id, version: newId(), content: Buffer.from(content) }
      items.set(f.id, f)
      b.tell(owner, 'UPLOAD', f)
      return f
    },
    share(item, user, role = 'viewer') {
      const k = { type: 'collaboration', id: newId(), item: item.id, user: user.id, role }
      collaborations.set(k.id, k)
      return k
    },
    tell(by, event_type, item) {
      events.push({ event_id: newId(), event_type, type: 'event', created_by: mini(by), created_at: new Date().toISOString().replace(/\.\d+/, ''), source: { item_type: item.type, item_id: item.id, item_name: item.name } })
    },
  }
  const mini = ({ type, id, name, login }) => ({ type, id, name, login })
  const chain = (item) => (item ? [item, ...chain(items.get(item.parent))] : [])
  const sees = (user, item) => item && (item.owner === user.id || chain(item).some((i) => [...collaborations.values()].some((k) => k.item === i.id && k.user === user.id)))
  const edits = (user, item) => item.owner === user.id || chain(item).some((i) => [...collaborations.values()].some((k) => k.item === i.id && k.user === user.id && k.role === 'editor'))
  const sha1 = (data) => createHash('sha1').update(data).digest('hex')
  const small = (i) => (i.type === 'folder' ? { type: 'folder', id: i.id, etag: i.etag, name: i.name }
    : { type: 'file', id: i.id, etag: i.etag, name: i.name, sha1: sha1(i.content), file_version: { type: 'file_version', id: i.version } })
  const full = (i) => ({
    ...small(i), ...(i.type === 'file' && { size: i.content.length }), parent: i.parent === '0' ? { type: 'folder', id: '0', name: 'All Files' } : { type: 'folder', id: i.parent, name: items.get(i.parent)?.name },
    owned_by: mini(users.find((u) => u.id === i.owner)), item_status: 'active',
    ...(i.lock && { lock: i.lock }), ...(i.link && { shared_link: i.link }),
  })
  const collab = (k) => ({ type: 'collaboration', id: k.id, role: k.role, status: 'accepted', item: { type: items.get(k.item).type, id: k.item }, accessible_by: mini(users.find((u) => u.id === k.user)) })
  const refuse = (status, code) => ({ status, json: { type: 'error', status, code, message: code.replaceAll('_', ' ') } })

  const page = (all, query, way = o.paging) => {
    const limit = Math.min(Number(query.get('limit') ?? 100), 2) // small pages are the server's right
    if (way === 'offset') {
      const at = Number(query.get('offset') ?? 0)
      return { total_count: all.length, offset: at, limit, entries: all.slice(at, at + limit) }
    }
    if (query.has('offset')) return undefined
    const at = Number((query.get('marker') ?? 'm0').slice(1))
    return { limit, entries: all.slice(at, at + limit), ...(at + limit < all.length && { next_marker: `m${at + limit}` }) }
  }
  const listed = (all, query, way) => {
    const json = page(all, query, way)
    return json ? { status: 200, json } : refuse(400, 'bad_request')
  }

  const change = (user, file, body) => {
    if (!edits(user, file)) return refuse(403, 'access_denied_insufficient_permissions')
    if ('lock' in body && !o.lock) return refuse(400, 'bad_request')
    if (body.parent && body.parent.id !== file.parent) {
      const to = items.get(body.parent.id)
      const owner = body.parent.id === '0' ? user.id : to?.owner
      if (body.parent.id !== '0' && !sees(user, to)) return refuse(404, 'not_found')
      if (to && !edits(user, to)) return refuse(403, 'access_denied_insufficient_permissions')
      if (owner !== file.owner && !o.crossing) return refuse(403, 'forbidden')
      Object.assign(file, { parent: body.parent.id, owner })
      b.tell(user, 'MOVE', file)
    }
    if (body.name) file.name = body.name
    if ('shared_link' in body) file.link = body.shared_link && { url: `https://app.box.com/s/${newId()}`, access: body.shared_link.access ?? 'open', permissions: { can_download: true } }
    if ('lock' in body) file.lock = body.lock && { type: 'lock', id: newId(), created_by: mini(user), is_download_prevented: body.lock.is_download_prevented }
    file.etag = String(Number(file.etag) + 1)
    return { status: 200, json: full(file) }
  }

  const feed = (query) => {
    const stream = query.get('stream_type')
    if (stream !== 'admin_logs_streaming' && !(o.log && stream === 'admin_logs')) return refuse(400, 'bad_request')
    const from = query.get('stream_position')
    if (from === 'now') return { status: 200, json: { chunk_size: 0, entries: [], next_stream_position: `p${events.length}` } }
    const at = Number((from ?? 'p0').slice(1))
    if (!Number.isInteger(at) || at < b.lost) return refuse(400, 'bad_request')
    const entries = events.slice(at, at + 2)
    return { status: 200, json: { chunk_size: entries.length, entries, next_stream_position: `p${at + entries.length}` } }
  }

  const answer = (method, path, query, user, body) => {
    const is = (m, pattern) => (m === method ? pattern.exec(path) : null)
    let m
    if (is('GET', /^\/users\/me$/)) return { status: 200, json: mini(user) }
    if (is('GET', /^\/users$/)) return listed(users.filter((u) => u !== SERVICE).map(mini), query)
    if ((m = is('GET', /^\/users\/(\d+)$/))) return users.some((u) => u.id === m[1]) ? { status: 200, json: mini(users.find((u) => u.id === m[1])) } : refuse(404, 'not_found')
    if (is('GET', /^\/events$/)) return feed(query)
    if ((m = is('GET', /^\/folders\/(\d+)\/items$/))) {
      if (m[1] !== '0' && !sees(user, items.get(m[1]))) return refuse(404, 'not_found')
      return listed([...items.values()].filter((i) => i.parent === m[1] && (m[1] !== '0' || i.owner === user.id)).map((i) => ({ ...small(i), ...(i.type === 'folder' && { owned_by: mini(users.find((u) => u.id === i.owner)) }) })), query)
    }
    if ((m = is('GET', /^\/folders\/(\d+)$/))) return sees(user, items.get(m[1])) ? { status: 200, json: full(items.get(m[1])) } : refuse(404, 'not_found')
    if (is('POST', /^\/folders$/)) {
      if ([...items.values()].some((i) => i.parent === body.parent.id && i.owner === user.id && i.name === body.name)) return refuse(409, 'item_name_in_use')
      return { status: 201, json: full(b.folder(user, body.name, body.parent.id)) }
    }
    if (/^\/(files|folders)\/\d+\/collaborations$|^\/collaborations/.test(path) && !o.collaborations) return refuse(404, 'not_found')
    if ((m = is('GET', /^\/(?:files|folders)\/(\d+)\/collaborations$/))) {
      if (!sees(user, items.get(m[1]))) return refuse(404, 'not_found')
      return listed([...collaborations.values()].filter((k) => k.item === m[1]).map(collab), query)
    }
    if (is('POST', /^\/collaborations$/)) {
      const item = items.get(body.item.id)
      if (!sees(user, item)) return refuse(404, 'not_found')
      if ([...collaborations.values()].some((k) => k.item === item.id && k.user === body.accessible_by.id)) return refuse(400, 'user_already_collaborator')
      return { status: 201, json: collab(b.share(item, { id: body.accessible_by.id }, body.role)) }
    }
    if ((m = is('DELETE', /^\/collaborations\/(\d+)$/))) return collaborations.delete(m[1]) ? { status: 204 } : refuse(404, 'not_found')
    if ((m = /^\/files\/(\d+)(\/content)?$/.exec(path))) {
      const file = items.get(m[1])
      if (!sees(user, file) || file.type !== 'file') return refuse(404, 'not_found')
      if (m[2]) {
        if (file.lock?.is_download_prevented && file.owner !== user.id) return refuse(403, 'access_denied_item_locked')
        return o.redirect ? { status: 302, headers: { LOCATION: `${b.download}/${file.id}?key=k${file.id}` } } : { status: 200, bytes: file.content }
      }
      if (method === 'GET') return { status: 200, json: full(file) }
      if (method === 'PUT') return change(user, file, body)
    }
    return refuse(404, 'not_found')
  }

  const backwards = (v) => (Array.isArray(v) ? v.map(backwards) : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).reverse().map(([k, x]) => [k, backwards(x)])) : v)
  const send = (res, { status, json, bytes, headers = {} }) => {
    const data = bytes ?? (json ? Buffer.from(JSON.stringify(backwards(json), null, 1)) : Buffer.alloc(0))
    res.writeHead(status, { ...(json && { 'CONTENT-TYPE': 'application/json; charset=UTF-8' }), ...headers, connection: 'close' })
    if (status === 204) return res.end()
    for (let at = 0; at < data.length; at += 50) res.write(data.subarray(at, at + 50)) // no length: in chunks
    res.end()
  }
  const api = http.createServer(async (req, res) => {
    const parts = []
    for await (const part of req) parts.push(part)
    const text = Buffer.concat(parts).toString()
    const url = new URL(req.url, 'http://box')
    if (req.method === 'POST' && url.pathname === '/oauth2/token') {
      const form = new URLSearchParams(text)
      const good = form.get('grant_type') === 'client_credentials' && form.get('client_secret') === 'secret-of-the-other-box' && form.get('box_subject_id') === '77'
      return send(res, good ? { status: 200, json: { access_token: 'other-token', expires_in: 3600, token_type: 'bearer', restricted_to: [] } } : { status: 400, json: { error: 'invalid_grant', error_description: 'Grant credentials are invalid' } })
    }
    requests.push({ method: req.method, path: req.url, as: req.headers['as-user'], body: text })
    if (req.headers.authorization !== 'Bearer other-token') return send(res, { ...refuse(401, 'unauthorized'), headers: { 'www-authenticate': 'Bearer realm="Service", error="invalid_token"' } })
    const user = req.headers['as-user'] ? users.find((u) => u.id === req.headers['as-user']) : SERVICE
    const reply = !user ? refuse(403, 'forbidden') : url.pathname.startsWith('/2.0/') ? answer(req.method, url.pathname.slice(4), url.searchParams, user, text ? JSON.parse(text) : {}) : refuse(404, 'not_found')
    requests.at(-1).status = reply.status
    send(res, reply)
  })
  const download = http.createServer((req, res) => {
    const m = /^\/(\d+)\?key=k(\d+)$/.exec(req.url)
    if (req.headers.authorization || req.headers['as-user']) leaked.push(req.headers)
    send(res, req.headers.authorization || !m || m[1] !== m[2] ? { status: 400, bytes: Buffer.from('no') } : { status: 200, bytes: items.get(m[1]).content })
  })
  const listen = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${server.address().port}`)))
  b.url = await listen(api)
  b.download = await listen(download)
  b.stop = () => Promise.all([api, download].map((s) => new Promise((done) => { s.close(done); s.closeAllConnections() })))
  return b
}
