// Dropbox: what the shared scenarios do not say. Who reaches what while files are contained, files that wander, documents
// that are exported, what Dropbox itself refuses, members who are suspended, folders that were archived.
import assert from 'node:assert/strict'
import { connectors, EICAR, scenario as anyScenario, waitFor } from './lib.mjs'
import { base, dropbox } from './dropbox-lib.mjs'

const skip = connectors().includes('dropbox') ? false : 'no connector for dropbox in this build'
const scenario = (name, options, body) => anyScenario(`dropbox: ${name}`, { skip, ...options }, body)
const hana = 'aoba/dropbox/members/hana@aoba.example'
const sharing = ['user:ken@aoba.example:write', 'user:guest@out.example:read', 'link:anonymous:view']
const without = ({ version, ...item }) => item
const byId = (list) => Object.fromEntries(list.map((i) => [i.id, without(i)]))

async function restoreAll(s) {
  for (const f of await s.findings()) {
    if (f.action.state !== 'done') continue
    const r = await s.run(['quarantine', 'restore', f.id])
    assert.equal(r.code, 0, r.stderr)
  }
}

scenario('a shared file in a home is contained, out of everybody\'s reach, and comes back with its sharing', {
  seed: { ...base, [`${hana}/docs/threat.com`]: EICAR, [`${hana}/docs/threat.com.sharing.json`]: sharing },
}, async (s) => {
  await s.connect()
  await s.once()
  await s.oracle()
  const d = await dropbox(s.cloud)
  const [finding] = await s.findings()
  const folders = await d.folders()
  assert.deepEqual(Object.keys(folders).sort(), ['sekisho-quarantine', 'sekisho-quarantine-transit'])
  for (const ns of Object.values(folders)) {
    const { users, groups, invitees } = await d.call('sharing/list_folder_members', { shared_folder_id: ns }, { admin: d.ids.admin })
    assert.deepEqual([users, groups, invitees], [[], [], []])
    assert.notEqual((await d.ask('files/list_folder', { path: '' }, { user: d.ids.hana, ns })).status, 200)
  }
  for (const user of [d.ids.hana, d.ids.ken]) assert.notEqual((await d.ask('files/get_metadata', { path: finding.item.id }, { user })).status, 200)
  const held = (await s.state()).find((i) => i.id === finding.item.id)
  assert.deepEqual(held.sharing, [])
  assert.ok(!(await s.status()).streams.some((x) => /quarantine/.test(x.name)))
  const r = await s.run(['quarantine', 'restore', finding.id])
  assert.equal(r.code, 0, r.stderr)
  assert.match(r.stdout, /new address: https:/)
  assert.deepEqual(byId(await s.state()), byId(s.before))
  await s.once()
  assert.equal((await s.findings()).length, 1)
  assert.deepEqual(byId(await s.state()), byId(s.before))
})

const many = Object.fromEntries(['hana', 'ken', 'admin'].flatMap((u) => [1, 2, 3, 4].map((n) => [`aoba/dropbox/members/${u}@aoba.example/in/threat ${n}.com`, `${EICAR}${' '.repeat(n)}`])))
scenario('many at once, from several homes, all pass', { seed: { ...base, ...many }, settings: { scan: { workers: 2 } } }, async (s) => {
  await s.connect()
  await s.once()
  await s.oracle()
  const d = await dropbox(s.cloud)
  const { users } = await d.call('sharing/list_folder_members', { shared_folder_id: (await d.folders())['sekisho-quarantine-transit'] }, { admin: d.ids.admin })
  assert.deepEqual(users, [])
  await restoreAll(s)
  assert.deepEqual(byId(await s.state()), byId(s.before))
})

scenario('in a team folder', { seed: { ...base, 'aoba/dropbox/team-folders/Sales/in/threat.com': EICAR } }, async (s) => {
  await s.connect()
  await s.once()
  await s.oracle()
  // An administrator's hand is enough: no member passes anything.
  assert.ok(!('sekisho-quarantine-transit' in await (await dropbox(s.cloud)).folders()))
  await restoreAll(s)
  assert.deepEqual(byId(await s.state()), byId(s.before))
})

scenario('a file that is moved into a team folder before it is contained is taken from there', {
  seed: { ...base, [`${hana}/threat.com`]: EICAR, 'aoba/dropbox/team-folders/Sales/fine.txt': 'fine' },
}, async (s) => {
  await s.connect()
  const d = await dropbox(s.cloud)
  await s.cloud.faults({ provider: 'dropbox', path: '/2/team/team_folder/list', what: 'status', status: 503, headers: { 'Retry-After': '2' } })
  const run = s.once()
  await waitFor('the judgement', async () => (await s.cloud.journal()).some((r) => r.path === '/2/team/team_folder/list' && r.status === 503))
  await d.call('files/move_v2', { from_path: '/threat.com', to_path: `ns:${(await d.folders()).Sales}/now threat.com`, allow_ownership_transfer: true }, { user: d.ids.hana })
  const moved = (await s.state()).find((i) => i.name === 'now threat.com')
  await run
  const held = (await s.state()).find((i) => i.id === moved.id)
  assert.equal(held.quarantined, true)
  await restoreAll(s)
  assert.deepEqual(without((await s.state()).find((i) => i.id === moved.id)), without(moved))
})

scenario('documents are exported; what Dropbox refuses is unknown; suspended members say so', {
  seed: { ...base, [`${hana}/notes.paper`]: '# fine', [`${hana}/threat.gdoc`]: EICAR, 'aoba/dropbox/members/ken@aoba.example/refused.exe': 'MZ',
    'aoba/dropbox/members/gone@aoba.example/': '',
    'aoba/dropbox/.sekisho-seed.json': { malware: ['members/ken@aoba.example/refused.exe'], unlicensed: ['gone@aoba.example'] } },
}, async (s) => {
  await s.connect()
  await s.once()
  await s.oracle({ unknown: 1, wrong: 1 }) // status names the suspended member
  const refused = (await s.findings()).find((f) => f.item.name === 'refused.exe')
  assert.deepEqual([refused.verdict.status, refused.verdict.reason], ['unknown', 'not_downloadable'])
  assert.equal((await s.state()).find((i) => i.name === 'refused.exe').quarantined, false)
  const gone = (await s.status()).streams.find((x) => x.owner === 'gone@aoba.example')
  assert.deepEqual([gone.state, gone.reason], ['unlicensed', 'the member is suspended'])
  const journal = await s.cloud.journal()
  assert.ok(journal.some((r) => r.path === '/2/files/export'))
  // A document that came back has another revision: it was released, so it stays.
  await restoreAll(s)
  await s.once()
  assert.deepEqual(byId(await s.state()), byId(s.before))
})

scenario('a lost cursor gives the missed and repeats the rest', { seed: { ...base, [`${hana}/threat.com`]: EICAR } }, async (s) => {
  await s.connect()
  await s.once()
  await s.oracle()
  const d = await dropbox(s.cloud)
  await d.call('files/upload', { path: '/in the gap threat.com', mode: 'add' }, { user: d.ids.hana, content: `${EICAR} ` })
  await s.appeared('in the gap threat.com')
  await s.cloud.expireCursors({ provider: 'dropbox' })
  await s.once()
  await s.oracle()
  assert.equal((await s.findings()).length, 2)
  assert.ok((await s.cloud.journal()).some((r) => r.path === '/2/files/list_folder/continue' && r.status === 409))
})

scenario('an archived quarantine folder is replaced; what lies in the old one is not forgotten', { seed: { ...base, [`${hana}/threat.com`]: EICAR } }, async (s) => {
  await s.connect()
  await s.once()
  const d = await dropbox(s.cloud)
  const archived = await d.ask('team/team_folder/archive', { team_folder_id: (await d.folders())['sekisho-quarantine'], force_async_off: true })
  assert.equal(archived.status, 200, archived.text)
  await d.call('files/upload', { path: '/threat later.com', mode: 'add' }, { user: d.ids.hana, content: `${EICAR}  ` })
  await s.once()
  assert.ok('sekisho-quarantine-2' in await d.folders())
  const later = (await s.findings()).find((f) => f.item.name === 'threat later.com')
  assert.equal(later.action.state, 'done')
})

scenario('two names on the way: what is in the way at home is kept, and said', { seed: { ...base, [`${hana}/docs/threat.com`]: EICAR } }, async (s) => {
  await s.connect()
  await s.once()
  const d = await dropbox(s.cloud)
  await d.call('files/upload', { path: '/docs/threat.com', mode: 'add' }, { user: d.ids.hana, content: 'harmless' })
  const [f] = await s.findings()
  const r = await s.run(['quarantine', 'restore', f.id])
  assert.equal(r.code, 0, r.stderr)
  assert.match(r.stdout, /was taken/)
  const names = (await s.state()).filter((i) => i.place === '/docs').map((i) => i.name).sort()
  assert.deepEqual(names, ['plan.txt', 'threat (1).com', 'threat.com'])
})

scenario('the folder it was in is gone: it comes back all the same', { seed: { ...base, [`${hana}/in/deep/threat.com`]: EICAR } }, async (s) => {
  await s.connect()
  await s.once()
  const d = await dropbox(s.cloud)
  await d.call('files/delete_v2', { path: '/in' }, { user: d.ids.hana })
  await restoreAll(s)
  assert.deepEqual(byId(await s.state()), byId(s.before))
})

// What was judged once and then overwritten comes back from the version history: the same bytes, and the same time by its
// writer's word.
scenario('a threat that hides behind a harmless version is contained when it comes back', { seed: { ...base, [`${hana}/threat.com`]: EICAR } }, async (s) => {
  await s.connect()
  const d = await dropbox(s.cloud)
  await s.cloud.faults({ provider: 'dropbox', path: '/2/team/team_folder/list', what: 'status', status: 503, headers: { 'Retry-After': '2' } })
  const run = s.once()
  await waitFor('the judgement', async () => (await s.cloud.journal()).some((r) => r.path === '/2/team/team_folder/list' && r.status === 503))
  const { entries: [bad] } = await d.call('files/list_revisions', { path: '/threat.com' }, { user: d.ids.hana })
  await d.call('files/upload', { path: '/threat.com', mode: 'overwrite', client_modified: bad.client_modified }, { user: d.ids.hana, content: 'harmless' })
  await run
  const item = async () => (await s.state()).find((i) => i.id === bad.id)
  assert.equal((await item()).quarantined, false)
  await d.call('files/restore', { path: '/threat.com', rev: bad.rev }, { user: d.ids.hana })
  await s.once()
  assert.equal((await item()).quarantined, true)
  await restoreAll(s)
  await s.once()
  assert.equal((await item()).quarantined, false)
})

// A list of members that no receipt can hold is no shelter.
scenario('a threat that is shared with hundreds is contained', {
  seed: { ...base, [`${hana}/threat.com`]: EICAR, [`${hana}/threat.com.sharing.json`]: Array.from({ length: 700 }, (_, i) => `user:guest${i}.with.a.rather.long.address@elsewhere-in-the-world.example:read`) },
}, async (s) => {
  await s.connect()
  await s.once()
  const [f] = await s.findings()
  assert.equal(f.action.state, 'done')
  const item = async () => (await s.state()).find((i) => i.id === f.item.id)
  assert.deepEqual([(await item()).quarantined, (await item()).sharing], [true, []])
  const r = await s.run(['quarantine', 'restore', f.id])
  assert.equal(r.code, 0, r.stderr)
  assert.match(r.stdout, /too many to write down/)
  assert.ok((await item()).sharing.length > 100)
})
