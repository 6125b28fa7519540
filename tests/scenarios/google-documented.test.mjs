// Every call that sekisho makes to Google is one of the discovery documents', with parameters and body fields of theirs.
import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { driveOf } from '../sdk/google-lib.mjs'
import { noSpecs, specs } from '../sdk/lib.mjs'
import { admin, eicar, eml, hana, ken, noSekisho, start } from './google-lib.mjs'
import { startProxy } from './proxy.mjs'

const base = 'aoba/google'

function documents() {
  const methods = []
  const names = {} // of a schema's fields, to any depth
  for (const api of ['gmail', 'drive', 'directory']) {
    const doc = JSON.parse(readFileSync(join(specs, `${api}.discovery.json`), 'utf8'))
    const fields = (s, seen = []) => {
      if (s.$ref) return seen.includes(s.$ref) ? {} : fields(doc.schemas[s.$ref], [...seen, s.$ref])
      if (s.items) return fields(s.items, seen)
      return Object.fromEntries(Object.entries(s.properties ?? {}).map(([k, v]) => [k, fields(v, seen)]))
    }
    const walk = (r) => {
      for (const m of Object.values(r.methods ?? {})) {
        const path = `/${doc.servicePath ?? ''}${m.flatPath ?? m.path}`
        methods.push({ id: m.id, http: m.httpMethod, fixed: !path.includes('{'), pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`),
          required: Object.entries(m.parameters ?? {}).filter(([, p]) => p.location === 'query' && p.required).map(([k]) => k),
          query: new Set([...Object.keys(doc.parameters), ...Object.entries(m.parameters ?? {}).filter(([, p]) => p.location === 'query').map(([k]) => k)]),
          repeated: new Set(Object.entries(m.parameters ?? {}).filter(([, p]) => p.repeated).map(([k]) => k)),
          deprecated: new Set(Object.entries(m.parameters ?? {}).filter(([, p]) => p.deprecated).map(([k]) => k)), body: m.request && m.request.$ref })
        if (m.request) names[m.id] = fields(m.request)
      }
      Object.values(r.resources ?? {}).forEach(walk)
    }
    walk(doc)
  }
  // Ways to shared drives that the trimmed document leaves out.
  methods.push({ id: 'drive.drives.create', http: 'POST', pattern: /^\/drive\/v3\/drives$/, required: ['requestId'], query: new Set(['requestId', 'fields']), repeated: new Set(), deprecated: new Set(), body: 'Drive' })
  names['drive.drives.create'] = { name: {} }
  return { methods, names }
}

describe('the calls of the connector', { skip: noSekisho || noSpecs }, () => {
  let s, proxy
  const seen = []
  before(async () => {
    s = await start({
      seed: {
        [`${base}/.sekisho-seed.json`]: { malware: [`users/${hana}/drive/known.exe`], page_size: 2 },
        [`${base}/users/${hana}/mail/INBOX/1.eml`]: eml('bad', eicar),
        [`${base}/users/${hana}/mail/TRASH/2.eml`]: eml('bad in trash', `${eicar}\r\n`),
        [`${base}/users/${hana}/mail/Projects/3.eml`]: eml('bad and filed', `${eicar}\r\n\r\n`),
        [`${base}/users/${hana}/drive/a/bad.com`]: eicar,
        [`${base}/users/${hana}/drive/a/bad.com.sharing.json`]: ['link:anonymous:view', 'user:ken@aoba.example:write', 'link:organization:view'],
        [`${base}/users/${hana}/drive/bad too.com`]: `${eicar} `,
        [`${base}/users/${hana}/drive/known.exe`]: 'MZ',
        [`${base}/users/${hana}/drive/report.gdoc`]: `${eicar}  `,
        [`${base}/users/${admin}/drive/of the admin.com`]: `${eicar}    `,
        [`${base}/users/${ken}/drive/k.txt`]: 'k',
        [`${base}/shared-drives/Sales/sub/shared.com`]: `${eicar}   `,
      },
    })
    proxy = await startProxy(s.cloud.urls.google, { before: (r) => { seen.push(r) } })
    const h = driveOf(s.cloud, hana)
    await h.files.create({ requestBody: { name: 'big', mimeType: 'application/vnd.google-apps.document' }, media: { mimeType: 'text/plain', body: 'x'.repeat(11 << 20) } })
    const { id } = (await h.files.create({ requestBody: { name: 'trashed.com' }, media: { mimeType: 'text/plain', body: `${eicar}     ` } })).data
    await h.files.update({ fileId: id, requestBody: { trashed: true } })
    s.through(proxy.url)
    await s.good('connect', '--from', s.connections)
    await s.good('once')
    await s.cloud.faults([{ provider: 'google', method: 'PATCH', path_regex: 'addParents=', what: 'status', status: 403, times: 0,
      body: { error: { code: 403, message: 'no', errors: [{ domain: 'global', reason: 'cannotMoveItem', message: 'no' }] } } }])
    await h.files.create({ requestBody: { name: 'stuck.com' }, media: { mimeType: 'text/plain', body: `${eicar}      ` } })
    await s.good('once')
    await s.cloud.clearFaults()
    const held = s.findings().filter((f) => f.action.state === 'done')
    assert.ok(held.length >= 10, `${held.length} are held`)
    await s.good('quarantine', 'delete', held.find((f) => f.item.name === 'bad too.com').id)
    await s.good('quarantine', 'delete', held.find((f) => f.item.name === 'bad and filed').id)
    for (const f of held) if (!/too|filed/.test(f.item.name)) await s.good('quarantine', 'restore', f.id)
    await s.cloud.expireCursors({ provider: 'google', tenant: 'aoba' })
    await s.good('once')
  })
  after(async () => {
    await proxy?.stop()
    await s?.stop()
  })

  test('are documented, down to their parameters and bodies', () => {
    const { methods, names } = documents()
    const used = new Set()
    for (const r of seen) {
      const { pathname, searchParams } = new URL(r.url, 'http://x')
      if (pathname === '/token' || /\/operations\/[^/]+\/content$/.test(pathname)) continue // not of an interface; named in an answer
      const what = `${r.method} ${r.url}`
      const fits = methods.filter((x) => x.http === r.method && x.pattern.test(pathname))
      const m = fits.find((x) => x.fixed) ?? fits[0] // users/watch before users/{key}
      assert.ok(m, what)
      used.add(m.id)
      for (const name of searchParams.keys()) {
        assert.ok(m.query.has(name), `${what}: ${name} is no parameter of ${m.id}`)
        assert.ok(!m.deprecated.has(name), `${what}: ${name} is deprecated`)
        assert.ok(m.repeated.has(name) || searchParams.getAll(name).length === 1, `${what}: ${name} comes twice`)
      }
      for (const name of m.required) assert.ok(searchParams.has(name), `${what}: ${name} is missing`)
      const inside = (value, of, at) => {
        if (Array.isArray(value)) return value.forEach((v) => inside(v, of, at))
        if (value === null || typeof value !== 'object') return
        for (const [k, v] of Object.entries(value)) {
          assert.ok(of && k in of, `${what}: ${at}${k} is no field of ${m.id}`)
          inside(v, of[k], `${at}${k}.`)
        }
      }
      if (r.body.length) {
        assert.ok(m.body, `${what} has a body, and ${m.id} takes none`)
        inside(JSON.parse(r.body), names[m.id], '')
      }
    }
    // What this company makes it use; a name that is missing here means that the test does not see enough.
    for (const id of ['directory.users.list', 'directory.users.get', 'gmail.users.getProfile', 'gmail.users.messages.list', 'gmail.users.history.list', 'gmail.users.messages.get',
      'gmail.users.messages.modify', 'gmail.users.messages.trash', 'gmail.users.labels.list', 'gmail.users.labels.create', 'drive.about.get', 'drive.changes.getStartPageToken', 'drive.changes.list',
      'drive.files.list', 'drive.files.get', 'drive.files.update', 'drive.files.delete', 'drive.files.export', 'drive.files.download', 'drive.operations.get', 'drive.drives.list',
      'drive.drives.create', 'drive.permissions.list', 'drive.permissions.create', 'drive.permissions.delete'])
      assert.ok(used.has(id), `${id} was not called`)
  })

  test('carry the token in the header alone', () => {
    for (const r of seen.filter((one) => !one.url.startsWith('/token'))) {
      assert.match(r.headers.authorization ?? '', /^Bearer \S+$/, r.url)
      assert.doesNotMatch(r.url, /access_token|oauth_token|[?&]key=/)
    }
  })
})
