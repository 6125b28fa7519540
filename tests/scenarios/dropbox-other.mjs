// Another Dropbox: a small team served in the simplest way that the Stone files and the documentation allow, written
// without a look at fakecloud, which could share a misreading with the connector. It answers what the documentation
// calls essential and refuses the rest; where the description leaves freedom it takes the form least expected: fields that may
// be missing are, keys stand in another order, unknown fields and tags come along, bodies come in pieces and end with
// the connection, header names are in odd cases, summaries have tails.
//
// Requests are held against the Stone files: an argument that they do not describe is a 400 and noted in `faults`.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { specs } from '../sdk/lib.mjs'
import { Stone } from '../sdk/stone.mjs'

const sha = (b) => createHash('sha256').update(b).digest()
const contentHash = (data) => {
  const blocks = []
  for (let at = 0; at < data.length; at += 4 << 20) blocks.push(sha(data.subarray(at, at + (4 << 20))))
  return sha(Buffer.concat(blocks)).toString('hex')
}
// Keys in the opposite order, and one that nobody knows.
const turned = (v, top = true) => Array.isArray(v) ? v.map((x) => turned(x, false))
  : v && typeof v === 'object' ? Object.fromEntries([...(top ? [['x_unknown', { '.tag': 'novelty' }]] : []), ...Object.entries(v).reverse().map(([k, x]) => [k, turned(x, false)])]) : v
const ascii = (v) => JSON.stringify(v).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

class Refusal extends Error {
  constructor(status, error) {
    super(`${status}`)
    Object.assign(this, { status, error })
  }
}
const route409 = (...tags) => new Refusal(409, tags.reduceRight((inner, tag) => ({ '.tag': tag, ...(inner && { [tag]: inner }) }), undefined))

export class OtherDropbox {
  stone = new Stone(join(specs, 'dropbox'))
  requests = []
  faults = []
  namespaces = new Map()
  members = []
  token = `sl.other-${Math.random().toString(36).slice(2)}-${Math.random().toString(36).slice(2)}`
  secrets = { app_key: 'otherkey', app_secret: 'other-secret-123', refresh: 'other-refresh-123' }
  #serial = 0

  // refuse: {route: status or a list of error tags}; unknown routes are 400 by `unknown` (a status).
  constructor({ refuse = {}, unknown = 400, hashes = true } = {}) {
    Object.assign(this, { refuse, unknown, hashes })
  }

  member(name, { admin = false } = {}) {
    const id = `${name}00000000000000000000000000`.slice(0, 20)
    const ns = this.#ns('home', name)
    const m = { name, id: `dbmid:${id}`, account: `dbid:${`${id}${id}`.slice(0, 35)}`, email: `${name}@aoba.example`, admin, ns: ns.id }
    ns.owner = m
    this.members.push(m)
    return m
  }

  teamFolder(name) {
    return this.#ns('team_folder', name)
  }

  #ns(kind, name) {
    const ns = { id: String(7000 + this.namespaces.size), kind, name, files: new Map(), log: [], members: new Set(), links: [], trash: new Map() }
    this.namespaces.set(ns.id, ns)
    return ns
  }

  #rev() {
    return (0x100000000 + ++this.#serial).toString(16)
  }

  put(ns, path, content, extra = {}) {
    const now = new Date(Date.now() - 1000 * (1000 - this.#serial)).toISOString().replace(/\.\d+Z/, 'Z')
    const f = { id: `id:other${String(++this.#serial).padStart(17, '0')}`, path, bytes: Buffer.from(content), modified: now, rev: this.#rev(), ...extra }
    this.#place(ns, f)
    return f
  }

  #place(ns, f) {
    const parts = f.path.split('/').slice(1, -1)
    parts.forEach((_, i) => {
      const folder = `/${parts.slice(0, i + 1).join('/')}`
      if (!ns.log.some((e) => e.folder === folder)) ns.log.push({ folder })
    })
    ns.files.set(f.path.toLowerCase(), f)
    ns.log.push({ file: f })
  }

  #take(ns, f) {
    ns.files.delete(f.path.toLowerCase())
    ns.log.push({ deleted: f.path })
  }

  // What there is: [{ns, path, id, content}].
  state() {
    return [...this.namespaces.values()].flatMap((ns) => [...ns.files.values()].map((f) => ({ ns: ns.name, path: f.path, id: f.id, content: f.bytes.toString() })))
  }

  // ---- who may do what ----

  #can(who, ns, write) {
    if (who.admin) return ns.kind === 'home' ? !write : true
    return ns.owner === who.user || ns.members.has(who.user)
  }

  #find(who, path, write = false) {
    let ns = who.root, f
    if (path.startsWith('id:')) {
      for (const n of this.namespaces.values()) for (const x of n.files.values()) if (x.id === path) [ns, f] = [n, x]
      if (!f || !this.#can(who, ns, false)) throw route409('path', 'not_found')
    } else if (path.startsWith('rev:')) {
      for (const n of this.namespaces.values()) for (const x of [...n.files.values(), ...n.trash.values()]) if (x.rev === path.slice(4)) [ns, f] = [n, x]
      if (!f || !this.#can(who, ns, false)) throw route409('path', 'not_found')
    } else {
      const [, id, rest] = /^ns:(\d+)(.*)$/.exec(path) ?? []
      if (id) [ns, path] = [this.namespaces.get(id), rest]
      if (!ns || !this.#can(who, ns, false)) throw route409('path', 'not_found')
      f = ns.files.get(path.toLowerCase())
    }
    if (write && !this.#can(who, ns, true)) throw route409('path', 'no_write_permission')
    return { ns, f, path }
  }

  // Only what must be there.
  #metadata(who, ns, f, tagged = true) {
    return {
      ...(tagged && { '.tag': 'file' }),
      name: f.path.split('/').pop(), id: f.id, client_modified: '2026-01-01T00:00:00Z', server_modified: f.modified, rev: f.rev, size: f.bytes.length,
      ...(who.root === ns && { path_lower: f.path.toLowerCase(), path_display: f.path }),
      ...(this.hashes && { content_hash: contentHash(f.bytes) }),
    }
  }

  #page(who, ns, at) {
    const entries = []
    while (at < ns.log.length && entries.length < 2) {
      const e = ns.log[at++]
      // Old news is left out; so a page can be empty and still have more.
      if (e.folder) entries.push({ '.tag': 'folder', name: e.folder.split('/').pop(), id: `id:folder${at}`, path_lower: e.folder.toLowerCase(), path_display: e.folder })
      else if (e.deleted && !ns.files.has(e.deleted.toLowerCase())) entries.push({ '.tag': 'deleted', name: e.deleted.split('/').pop(), path_lower: e.deleted.toLowerCase(), path_display: e.deleted })
      else if (e.file && ns.files.get(e.file.path.toLowerCase()) === e.file) entries.push(this.#metadata(who, ns, e.file))
      else break
    }
    const cursor = Buffer.from(JSON.stringify([ns.id, who.user?.id ?? who.admin.id, at])).toString('base64')
    return { entries: at % 3 === 1 ? [] : entries, cursor: at % 3 === 1 ? Buffer.from(JSON.stringify([ns.id, who.user?.id ?? who.admin.id, at - entries.length, 1])).toString('base64') : cursor, has_more: at % 3 === 1 || at < ns.log.length }
  }

  // ---- routes ----

  routes = {
    'team/members/list_v2': () => ({ members: this.members.slice(0, 1).map((m) => this.#info(m)), cursor: '1', has_more: this.members.length > 1 }),
    'team/members/list/continue_v2': ({ cursor }) => ({ members: this.members.slice(Number(cursor), Number(cursor) + 1).map((m) => this.#info(m)), cursor: `${Number(cursor) + 1}`, has_more: Number(cursor) + 1 < this.members.length }),
    'team/namespaces/list': () => {
      // Homes and team folders, one of them twice.
      const list = [...this.namespaces.values()].map((ns) => ({ namespace_type: { '.tag': ns.kind === 'home' ? 'team_member_folder' : ns.kind }, name: ns.name, namespace_id: ns.id, ...(ns.owner && { team_member_id: ns.owner.id }) }))
      return { namespaces: [...list, ...list.slice(-1)], cursor: 'end', has_more: false }
    },
    'team/team_folder/list': () => ({ team_folders: [...this.namespaces.values()].filter((n) => n.kind === 'team_folder').map((n) => this.#folder(n)), cursor: 'end', has_more: false }),
    'team/team_folder/get_info': ({ team_folder_ids: ids }) => ids.map((id) => this.namespaces.has(id) ? { '.tag': 'team_folder_metadata', ...this.#folder(this.namespaces.get(id)) } : { '.tag': 'id_not_found', id_not_found: id }),
    'team/team_folder/create': ({ name }) => {
      if ([...this.namespaces.values()].some((n) => n.kind === 'team_folder' && n.name.toLowerCase() === name.toLowerCase())) throw route409('folder_name_already_used')
      return this.#folder(this.teamFolder(name))
    },
    'files/list_folder': (arg, who) => this.#page(who, this.#root(who, arg.path), 0),
    'files/list_folder/continue': ({ cursor }, who) => {
      const [id, of, at, real] = JSON.parse(Buffer.from(cursor, 'base64').toString())
      if (of !== (who.user ?? who.admin).id || who.root.id !== id) throw new Refusal(400, 'cursor of somebody else')
      const page = this.#page(who, who.root, at)
      if (!real) return page
      // What an empty page held back.
      let n = at
      const entries = []
      while (n < who.root.log.length && entries.length < 2) {
        const e = who.root.log[n++]
        if (e.file && who.root.files.get(e.file.path.toLowerCase()) === e.file) entries.push(this.#metadata(who, who.root, e.file))
      }
      return { entries, cursor: Buffer.from(JSON.stringify([id, of, n])).toString('base64'), has_more: n < who.root.log.length }
    },
    'files/get_metadata': ({ path }, who) => {
      const { ns, f } = this.#find(who, path)
      if (!f) throw route409('path', 'not_found')
      return this.#metadata(who, ns, f)
    },
    'files/download': ({ path }, who) => {
      const { ns, f } = this.#find(who, path)
      if (!f) throw route409('path', 'not_found')
      return { result: this.#metadata(who, ns, f, false), bytes: f.bytes }
    },
    'files/move_v2': ({ from_path, to_path, allow_ownership_transfer: transfer }, who) => {
      let from
      try {
        from = this.#find(who, from_path, true)
      } catch (e) {
        throw route409(e.error.path['.tag'] === 'not_found' ? 'from_lookup' : 'from_write', e.error.path['.tag'])
      }
      if (!from.f) throw route409('from_lookup', 'not_found')
      const to = (() => { try { return this.#find(who, to_path, true) } catch { throw route409('to', 'no_write_permission') } })()
      if (to.f) throw route409('to', 'conflict', 'file')
      if (from.ns.owner !== to.ns.owner && !transfer) throw route409('cant_transfer_ownership')
      this.#take(from.ns, from.f)
      const f = { ...from.f, path: to.path, rev: this.#rev() }
      this.#place(to.ns, f)
      return { metadata: this.#metadata(who, to.ns, f) }
    },
    'files/delete_v2': ({ path, parent_rev: rev }, who) => {
      let at
      try {
        at = this.#find(who, path, true)
      } catch (e) {
        throw route409(e.error.path['.tag'] === 'not_found' ? 'path_lookup' : 'path_write', e.error.path['.tag'])
      }
      if (!at.f) throw route409('path_lookup', 'not_found')
      if (rev && rev !== at.f.rev) throw route409('path_write', 'conflict', 'file')
      this.#take(at.ns, at.f)
      at.ns.trash.set(at.f.rev, at.f)
      return { metadata: this.#metadata(who, at.ns, at.f) }
    },
    'files/restore': ({ path, rev }, who) => {
      const { ns } = this.#find(who, path, true)
      const old = ns.trash.get(rev)
      if (!old || old.path.toLowerCase() !== path.toLowerCase()) throw route409('invalid_revision')
      const f = { ...old, rev: this.#rev(), modified: new Date().toISOString().replace(/\.\d+Z/, 'Z') }
      this.#place(ns, f)
      return this.#metadata(who, ns, f, false)
    },
    'sharing/list_shared_links': ({ path }, who) => {
      if (path === undefined) return { links: [], has_more: false }
      const { ns, f } = this.#find(who, path)
      return { links: ns.links.filter((l) => l.id === f?.id).map((l) => ({ '.tag': 'file', url: l.url, name: 'n', link_permissions: { can_revoke: true, visibility_policies: [], can_set_expiry: false, can_remove_expiry: false, allow_download: true, can_allow_download: false, can_disallow_download: false, allow_comments: false, team_restricts_comments: false }, client_modified: f.modified, server_modified: f.modified, rev: f.rev, size: f.bytes.length })), has_more: false }
    },
    'sharing/revoke_shared_link': ({ url }) => {
      for (const ns of this.namespaces.values()) {
        const at = ns.links.findIndex((l) => l.url === url)
        if (at >= 0) return void ns.links.splice(at, 1)
      }
      throw route409('shared_link_not_found')
    },
    'sharing/add_folder_member': ({ shared_folder_id: id, members }) => {
      for (const { member } of members) this.namespaces.get(id).members.add(this.members.find((m) => m.id === member.dropbox_id))
    },
    'sharing/remove_folder_member': ({ shared_folder_id: id, member }) => {
      this.namespaces.get(id).members.delete(this.members.find((m) => m.id === member.dropbox_id))
      return { '.tag': 'async_job_id', async_job_id: 'job' }
    },
    'sharing/check_remove_member_job_status': () => ({ '.tag': 'in_progress' }),
  }

  #root(who, path) {
    if (path !== '') throw route409('path', 'not_folder')
    return who.root
  }

  #info(m) {
    return {
      profile: { team_member_id: m.id, account_id: m.account, email: m.email, email_verified: true, status: { '.tag': 'active' }, name: { given_name: m.name, surname: 'X', familiar_name: m.name, display_name: m.name, abbreviated_name: 'X' }, membership_type: { '.tag': 'full' }, groups: [], member_folder_id: m.ns, root_folder_id: m.ns },
      ...(m.admin && { roles: [{ role_id: 'pid_dbtmr:2345', name: 'Team admin', description: '' }] }),
    }
  }

  #folder(ns) {
    return { team_folder_id: ns.id, name: ns.name, status: { '.tag': 'active' }, is_team_shared_dropbox: false, sync_setting: { '.tag': 'default' }, content_sync_settings: [] }
  }

  // ---- the wire ----

  #blame(text) {
    this.faults.push(text)
    throw new Refusal(400, text)
  }

  #who(req, attrs) {
    const user = req.headers['dropbox-api-select-user'], admin = req.headers['dropbox-api-select-admin'], root = req.headers['dropbox-api-path-root']
    if (attrs.auth === 'team') {
      if (user || admin) this.#blame('a team route takes nobody')
      return {}
    }
    if (!user === !admin) this.#blame('one of Select-User and Select-Admin is needed')
    if (admin && !attrs.select_admin_mode) this.#blame('the route knows no Select-Admin')
    const m = this.members.find((x) => x.id === (user ?? admin))
    if (!m || (admin && !m.admin)) throw new Refusal(401, { '.tag': user ? 'invalid_select_user' : 'invalid_select_admin' })
    const who = { ...(user ? { user: m } : { admin: m }), root: this.namespaces.get(m.ns) }
    if (root) {
      const { '.tag': tag, namespace_id: id } = JSON.parse(root)
      if (tag !== 'namespace_id') this.#blame('an odd path root')
      who.root = this.namespaces.get(id)
      if (!who.root || !this.#can(who, who.root, false)) throw new Refusal(422, { '.tag': 'no_permission' })
    }
    return who
  }

  #answer(host, req, body) {
    if (host === 'api' && req.url.startsWith('/oauth2/token')) {
      const p = new URLSearchParams(body.toString())
      if (p.get('grant_type') !== 'refresh_token' || p.get('refresh_token') !== this.secrets.refresh) return { status: 400, json: { error: 'invalid_grant' } }
      return { status: 200, json: { token_type: 'bearer', expires_in: 14400, access_token: this.token } }
    }
    const name = req.url.replace(/^\/2\//, '')
    const route = this.stone.routes.get(name)
    if (!route || req.method !== 'POST') this.#blame(`no route of Dropbox: ${req.method} ${req.url}`)
    if (req.headers.authorization !== `Bearer ${this.token}`) throw new Refusal(401, { '.tag': 'invalid_access_token' })
    if ((route.attrs.host ?? 'api') !== host) this.#blame(`${name} at the host ${host}`)
    const header = req.headers['dropbox-api-arg']
    if (header && /[^\x20-\x7e]/.test(header)) this.#blame('a header beyond ASCII')
    const type = req.headers['content-type']
    if (route.attrs.style === 'download' ? type && !['text/plain', 'application/octet-stream'].includes(type) : body.length && type !== 'application/json') this.#blame(`Content-Type ${type} for ${name}`)
    const arg = JSON.parse((route.attrs.style === 'download' ? header : body.toString()) || 'null')
    const wrong = this.stone.check(route.arg, arg, name)
    if (wrong.length) this.#blame(wrong.join('; '))
    this.requests.push({ name, arg, user: req.headers['dropbox-api-select-user'], admin: req.headers['dropbox-api-select-admin'] })
    const no = this.refuse[name]
    if (typeof no === 'number') throw new Refusal(no, `not here: ${name}`)
    if (no) throw route409(...no)
    if (!this.routes[name]) throw new Refusal(this.unknown, `Unknown API function: "${name}"`)
    const r = this.routes[name](arg, this.#who(req, route.attrs))
    return r?.bytes ? { status: 200, ...r } : { status: 200, json: r ?? null }
  }

  #serve(host) {
    return createServer((req, res) => {
      const pieces = []
      req.on('data', (d) => pieces.push(d)).on('end', () => {
        let a
        try {
          a = this.#answer(host, req, Buffer.concat(pieces))
        } catch (e) {
          if (!(e instanceof Refusal)) {
            this.faults.push(e.stack)
            a = { status: 500, text: 'broken' }
          } else if (typeof e.error === 'string') a = { status: e.status, text: e.error }
          else {
            const tags = []
            for (let t = e.error; t?.['.tag']; t = t[t['.tag']]) tags.push(t['.tag'])
            a = { status: e.status, json: { error: e.error, user_message: { text: 'やめて', locale: 'ja' }, error_summary: `${tags.join('/')}/${'.'.repeat(tags.length * 3)}-_` } }
          }
        }
        const out = a.bytes ?? Buffer.from(a.text ?? JSON.stringify(turned(a.json)))
        res.writeHead(a.status, { CONNECTION: 'close', 'cOnTeNt-TyPe': a.bytes ? 'application/octet-stream' : a.text ? 'text/plain' : 'application/json', ...(a.result && { 'DROPBOX-api-RESULT': ascii(turned(a.result)) }) })
        // No Content-Length: pieces, and the end of the connection.
        for (let at = 0; at < out.length; at += 700) res.write(out.subarray(at, at + 700))
        res.end()
      })
    })
  }

  async start() {
    this.servers = { api: this.#serve('api'), content: this.#serve('content') }
    this.urls = {}
    for (const [k, s] of Object.entries(this.servers)) {
      await new Promise((done) => s.listen(0, '127.0.0.1', done))
      this.urls[k] = `http://127.0.0.1:${s.address().port}`
    }
    return this
  }

  async stop() {
    for (const s of Object.values(this.servers)) {
      s.closeAllConnections()
      await new Promise((done) => s.close(done))
    }
  }
}
