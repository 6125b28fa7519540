// Box: what the shared scenarios do not say. Who reaches what while files pass to the quarantine, crashes on the way, locks of
// users, links with passwords, folders that were deleted.
import assert from 'node:assert/strict'
import { connectors, EICAR, scenario as anyScenario, waitFor } from './lib.mjs'
import { readConnection } from '../sdk/lib.mjs'

const skip = connectors().includes('box') ? false : 'no connector for box in this build'
const scenario = (name, options, body) => anyScenario(`box: ${name}`, { skip, ...options }, body)
const hana = 'aoba/box/users/hana@aoba.example'
const ken = 'aoba/box/users/ken@aoba.example'
const base = { 'aoba/box/users/admin@aoba.example/': '', [`${hana}/docs/plan.txt`]: 'the plan', [`${ken}/notes.txt`]: 'notes' }
const without = ({ version, ...item }) => item
const byId = (list) => Object.fromEntries(list.map((i) => [i.id, without(i)]))

// Raw calls: as the service account, or as a user by the first part of the address.
async function raw(cloud) {
  const { grant } = readConnection(cloud.connections(), 'aoba-box')
  const c = JSON.parse(cloud.connections().read(grant.config_file))
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: c.boxAppSettings.clientID, client_secret: c.boxAppSettings.clientSecret, box_subject_type: 'enterprise', box_subject_id: c.enterpriseID })
  const token = (await (await fetch(`${cloud.urls.box}/oauth2/token`, { method: 'POST', body: form })).json()).access_token
  const ids = {}
  const ask = async (method, path, { as, json } = {}) => {
    const r = await fetch(`${cloud.urls.box}/2.0/${path}`, { method, redirect: 'manual', headers: { Authorization: `Bearer ${token}`, ...(as && { 'as-user': ids[as] }), ...(json && { 'Content-Type': 'application/json' }) }, body: json && JSON.stringify(json) })
    const text = await r.text()
    return { status: r.status, json: /^\{/.test(text) ? JSON.parse(text) : undefined }
  }
  for (const u of (await ask('GET', 'users')).json.entries) ids[u.login.split('@')[0]] = u.id
  const folders = async () => Object.fromEntries((await ask('GET', 'folders/0/items')).json.entries.map((f) => [f.name, f.id]))
  const collaborators = async (id) => (await ask('GET', `folders/${id}/collaborations`)).json.entries.map((k) => k.accessible_by.login)
  return { ask, ids, folders, collaborators }
}

const QUARANTINE = 'sekisho-quarantine'
const TRANSIT = 'sekisho-quarantine-transit'

scenario('out of everybody\'s reach, never in sight of an owner, and back with its sharing', {
  seed: { ...base, [`${hana}/docs/threat.com`]: EICAR, [`${hana}/docs/threat.com.sharing.json`]: ['user:ken@aoba.example:write', 'link:anonymous:view'], [`${ken}/threat too.com`]: `${EICAR} ` },
}, async (s) => {
  await s.connect()
  await s.once()
  await s.oracle()
  const d = await raw(s.cloud)
  const folders = await d.folders()
  assert.deepEqual(Object.keys(folders).sort(), [QUARANTINE, TRANSIT])
  for (const id of Object.values(folders)) {
    assert.deepEqual(await d.collaborators(id), [])
    for (const as of ['hana', 'ken']) assert.equal((await d.ask('GET', `folders/${id}/items`, { as })).status, 404)
  }
  // Nobody was ever let into the quarantine itself.
  const log = (await d.ask('GET', 'events?stream_type=admin_logs&limit=500&event_type=COLLABORATION_INVITE')).json.entries
  const invited = log.map((e) => e.source.item_id ?? e.source.folder_id ?? e.source.id)
  assert.ok(invited.includes(folders[TRANSIT]))
  assert.ok(!invited.includes(folders[QUARANTINE]))
  for (const f of await s.findings()) assert.equal((await s.run(['quarantine', 'restore', f.id])).code, 0)
  assert.deepEqual(byId(await s.state()), byId(s.before))
})

for (const [what, fault, where] of [
  ['before the owner is let out', { method: 'DELETE', path: '^/2.0/collaborations/' }, TRANSIT],
  ['before it goes on', { method: 'PUT', path: '^/2.0/files/', skip: 1 }, TRANSIT],
]) {
  scenario(`killed on the way, ${what}: the repeat ends it`, { seed: { ...base, [`${hana}/threat.com`]: EICAR } }, async (s) => {
    await s.connect()
    await s.cloud.faults([{ provider: 'box', what: 'status', status: 503, times: 0, ...fault }])
    const p = await s.serve()
    const d = await raw(s.cloud)
    const file = s.before.find((i) => i.name === 'threat.com')
    await waitFor('the file in transit', async () => (await s.state()).find((i) => i.id === file.id).place === `/${where}`)
    process.kill(p.pid, 'SIGKILL')
    await p.ended
    // Its owner sees no more than their own file, if that; nobody else anything.
    const folders = await d.folders()
    for (const as of ['hana', 'ken']) assert.equal((await d.ask('GET', `folders/${folders[QUARANTINE]}/items`, { as })).status, 404)
    assert.equal((await d.ask('GET', `folders/${folders[TRANSIT]}/items`, { as: 'ken' })).status, 404)
    await s.cloud.clearFaults()
    await s.once()
    await s.oracle()
    for (const id of Object.values(folders)) assert.deepEqual(await d.collaborators(id), [])
    const [f] = await s.findings()
    assert.equal((await s.run(['quarantine', 'restore', f.id])).code, 0)
    assert.deepEqual(byId(await s.state()), byId(s.before))
  })
}

scenario('a lock of its owner\'s does not count as contained, and a link with a password does not come back without it', {
  seed: { ...base, [`${hana}/threat.com`]: EICAR },
}, async (s) => {
  const d = await raw(s.cloud)
  const file = s.before.find((i) => i.name === 'threat.com')
  const lock = { type: 'lock', access: 'lock', is_download_prevented: true }
  assert.equal((await d.ask('PUT', `files/${file.id}`, { as: 'hana', json: { lock, shared_link: { access: 'open', password: 'Sesame, 0pen' } } })).status, 200)
  await s.connect()
  await s.once()
  const held = (await s.state()).find((i) => i.id === file.id)
  assert.deepEqual([held.place, held.sharing], [`/${QUARANTINE}`, []])
  const [f] = await s.findings()
  const r = await s.run(['quarantine', 'restore', f.id])
  assert.equal(r.code, 0, r.stderr)
  assert.match(r.stdout, /password/)
  const back = (await s.state()).find((i) => i.id === file.id)
  assert.deepEqual([back.place, back.owner, back.sharing], ['/', 'hana@aoba.example', []])
})

scenario('a folder of ours that somebody deleted is made anew', { seed: { ...base, [`${hana}/threat.com`]: EICAR } }, async (s) => {
  await s.connect()
  await s.once()
  const d = await raw(s.cloud)
  const [f] = await s.findings()
  assert.equal((await s.run(['quarantine', 'restore', f.id])).code, 0)
  for (const id of Object.values(await d.folders())) assert.equal((await d.ask('DELETE', `folders/${id}?recursive=true`)).status, 204)
  const copy = await d.ask('POST', `files/${f.item.id}/copy`, { as: 'ken', json: { parent: { id: '0' } } })
  assert.equal(copy.status, 404)
  const own = await d.ask('POST', `files/${f.item.id}/copy`, { as: 'hana', json: { parent: { id: '0' }, name: 'threat again.com' } })
  assert.equal(own.status, 201)
  await s.appeared('threat again.com')
  await s.once()
  assert.equal((await s.state()).find((i) => i.name === 'threat again.com').place, `/${QUARANTINE}`)
})

scenario('a name that is taken in quarantine, and a tree that is busy', {
  seed: { ...base, [`${hana}/threat.com`]: EICAR, [`${ken}/threat.com`]: `${EICAR} ` },
}, async (s) => {
  await s.connect()
  const busy = { type: 'error', status: 409, code: 'operation_blocked_temporary', message: 'The operation is blocked by another ongoing operation', request_id: 'abc' }
  await s.cloud.faults([{ provider: 'box', method: 'PUT', path: '^/2.0/files/', what: 'status', status: 409, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(busy), times: 1 }])
  await s.once()
  await s.oracle()
  const held = (await s.state()).filter((i) => i.place === `/${QUARANTINE}`).map((i) => i.name).sort()
  assert.equal(held.length, 2)
  assert.equal(new Set(held).size, 2)
  assert.ok((await s.cloud.journal()).some((r) => r.method === 'PUT' && r.status === 409))
  for (const f of await s.findings()) assert.equal((await s.run(['quarantine', 'restore', f.id])).code, 0)
  assert.deepEqual(byId(await s.state()), byId(s.before))
})
