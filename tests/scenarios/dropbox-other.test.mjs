// sekisho and a Dropbox that is not fakecloud: the documented essentials in their simplest form, optional calls refused
// in each way that occurs. Threats are contained, nothing else is touched, and what was contained comes back.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { noSpecs } from '../sdk/lib.mjs'
import { connectors, EICAR, Scene } from './lib.mjs'
import { OtherDropbox } from './dropbox-other.mjs'

const skip = noSpecs || (connectors().includes('dropbox') ? false : 'no connector for dropbox in this build')

async function inOther(options, body) {
  const box = new OtherDropbox(options)
  const admin = box.member('admin', { admin: !options.noAdmin }), hana = box.member('hana'), ken = box.member('ken')
  const sales = box.teamFolder('Sales')
  const home = box.namespaces.get(hana.ns)
  const files = {
    plan: box.put(home, '/docs/計画 😀.txt', 'the plan'),
    mine: box.put(home, '/docs/Threat 脅威.com', EICAR),
    other: box.put(box.namespaces.get(ken.ns), '/notes.txt', 'notes'),
    list: box.put(sales, '/list.txt', 'a list'),
    ours: box.put(sales, '/in/threat too.com', `${EICAR} `),
  }
  home.links.push({ url: 'https://www.dropbox.com/s/1', id: files.mine.id }, { url: 'https://www.dropbox.com/s/2', id: files.plan.id })
  await box.start()
  const dir = mkdtempSync(join(tmpdir(), 'sk-other-'))
  const keys = join(dir, 'keys')
  mkdirSync(keys)
  writeFileSync(join(keys, 's.txt'), box.secrets.app_secret)
  writeFileSync(join(keys, 'r.txt'), box.secrets.refresh)
  const file = join(keys, 'c.yaml')
  const entry = { id: 'aoba-dropbox', tenant: 'aoba', provider: 'dropbox', mode: 'protect', backlog: 'all', endpoints: { api: box.urls.api, content: box.urls.content, notify: box.urls.api }, grant: { type: 'refresh_token', app_key: box.secrets.app_key, app_secret_file: 's.txt', refresh_token_file: 'r.txt' } }
  writeFileSync(file, `connections:\n  - ${JSON.stringify(entry)}\n`)
  const s = new Scene({ connections: () => ({ dir: keys, file, text: readFileSync(file, 'utf8') }) }, dir, false)
  mkdirSync(join(dir, 'signatures'))
  s.configure({})
  try {
    s.connected = await s.run(['connect', '--from', file])
    assert.equal(s.connected.code, 0, `connect: ${s.connected.stderr}`)
    await s.once()
    await body({ s, box, files, home, sales, hana, ken, admin })
    assert.deepEqual(box.faults, [])
    s.assertNoSecrets()
    assert.ok(!s.log.includes(box.token))
  } catch (e) {
    e.message += `\n--- faults: ${box.faults.join('\n')}\n--- calls: ${box.requests.slice(-40).map((r) => r.name).join(' ')}\n--- the end of the log:\n${s.log.slice(-4000)}`
    throw e
  } finally {
    await s.end()
    await box.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

const harmless = ({ box, files }) => {
  for (const [name, content] of [['plan', 'the plan'], ['other', 'notes'], ['list', 'a list']]) {
    const f = box.state().find((x) => x.id === files[name].id)
    assert.deepEqual([f?.path, f?.content, f?.ns], [files[name].path, content, { plan: 'hana', other: 'ken', list: 'Sales' }[name]])
  }
}

// where: 'quarantine' or 'deleted', for the file in the home and the one in the team folder.
async function contained({ s, box, files, home }, where) {
  const findings = await s.findings()
  assert.deepEqual(findings.map((f) => [f.item.id, f.verdict.status, f.action.state]).sort(), [files.mine, files.ours].map((f) => [f.id, 'threat', 'done']).sort(), s.log.slice(-3000))
  for (const [name, how] of Object.entries(where)) {
    const f = box.state().find((x) => x.id === files[name].id)
    assert.equal(how, f ? 'quarantine' : 'deleted', JSON.stringify(f))
    if (f) assert.equal(f.ns, 'sekisho-quarantine')
  }
  for (const ns of box.namespaces.values()) if (ns.name.startsWith('sekisho')) assert.equal(ns.members.size, 0, 'somebody is still let in')
  assert.deepEqual(home.links.map((l) => l.id), [files.plan.id])
  harmless({ box, files })
  const sent = box.requests.filter((r) => ['files/move_v2', 'files/delete_v2', 'files/permanently_delete', 'sharing/revoke_shared_link', 'files/restore'].includes(r.name))
  for (const r of sent) assert.ok(!JSON.stringify(r.arg).includes(files.plan.id) && (r.user ?? r.admin), JSON.stringify(r))
}

async function restored({ s, box, files }) {
  for (const f of await s.findings()) {
    const r = await s.run(['quarantine', 'restore', f.id])
    assert.equal(r.code, 0, `${r.stdout}${r.stderr}`)
  }
  await s.once()
  for (const [name, ns] of [['mine', 'hana'], ['ours', 'Sales']]) {
    const f = box.state().find((x) => x.id === files[name].id)
    assert.deepEqual([f?.ns, f?.path, f?.content], [ns, files[name].path, files[name].bytes.toString()])
  }
  // What was released stays, whatever time it has now.
  assert.deepEqual((await s.findings()).map((f) => f.action.state), ['restored', 'restored'])
  harmless({ box, files })
}

const both = (mine, ours) => async (t) => {
  await contained(t, { mine, ours })
  await restored(t)
}

const strange = ['novel_error', 'and_more']
const sharing = { 'sharing/list_file_members': strange, 'sharing/list_folder_members': strange }
for (const [name, options, body] of [
  ['sharing of files answers with unknown tags', { refuse: sharing }, both('quarantine', 'quarantine')],
  ...[400, 403, 404, 501].map((unknown) => [`optional calls answer ${unknown}`, { unknown }, both('quarantine', 'quarantine')]),
  ['files without a content hash', { hashes: false }, both('quarantine', 'quarantine')],
  ...[strange, 403, 404, 501].map((how) => [`no team folder can be made: ${how}`, { refuse: { ...sharing, 'team/team_folder/create': how } }, both('deleted', 'deleted')]),
  ['nobody can be let into the transit folder', { refuse: { ...sharing, 'sharing/add_folder_member': strange } }, both('deleted', 'quarantine')],
  ['a move is refused for a reason that nobody knows', { refuse: { 'files/move_v2': strange } }, both('deleted', 'deleted')],
  ['neither a move nor a deletion: the act fails and says so', { refuse: { 'files/move_v2': strange, 'files/delete_v2': strange } }, async ({ s, box, files }) => {
    const findings = await s.findings()
    assert.deepEqual(findings.map((f) => [f.verdict.status, f.action.state, f.action.error]), [1, 2].map(() => ['threat', 'failed', 'refused']))
    assert.equal(box.state().find((x) => x.id === files.mine.id).path, files.mine.path)
    harmless({ box, files })
  }],
]) test(`another Dropbox: ${name}`, { skip }, () => inOther(options, body))

test('another Dropbox: a missing quarantine folder is reported', { skip }, () => inOther({ refuse: { 'team/team_folder/create': ['novel_error'] } }, async ({ s }) => {
  await s.once()
  const [c] = await s.connections()
  assert.ok(c.missing.some((m) => m.startsWith('team folder sekisho-quarantine')), JSON.stringify(c))
}))

test('another Dropbox: no administrator: homes are guarded, the rest says that it is not', { skip }, () => inOther({ noAdmin: true }, async ({ s, box, files }) => {
  const findings = await s.findings()
  assert.deepEqual(findings.map((f) => [f.item.id, f.action.state]), [[files.mine.id, 'done']])
  assert.ok(!box.state().some((x) => x.id === files.mine.id))
  const stream = (await s.status()).streams.find((x) => x.name === 'Sales')
  assert.equal(stream.state, 'forbidden')
  harmless({ box, files })
}))

test('another Dropbox: what was deleted is neither restored over another file nor purged with it', { skip }, () => inOther({ refuse: { 'team/team_folder/create': 403 } }, async ({ s, box, files, home }) => {
  const findings = await s.findings()
  const mine = findings.find((f) => f.item.id === files.mine.id)
  const mate = box.put(home, files.mine.path, 'harmless')
  const r = await s.run(['quarantine', 'restore', mine.id])
  assert.notEqual(r.code, 0)
  const d = await s.run(['quarantine', 'delete', mine.id])
  assert.notEqual(d.code, 0)
  assert.equal(box.state().find((x) => x.id === mate.id).content, 'harmless')
  assert.ok(!box.requests.some((q) => ['files/restore', 'files/permanently_delete'].includes(q.name) && q.arg.path === files.mine.path))
}))

test('another Dropbox: a member who brings a deleted threat back loses it again', { skip }, () => inOther({ refuse: { 'team/team_folder/create': 403 } }, async ({ s, box, files, home, hana }) => {
  const { rev } = files.mine
  box.routes['files/restore']({ path: files.mine.path, rev }, { user: hana, root: home })
  assert.ok(box.state().some((x) => x.id === files.mine.id))
  await s.once()
  assert.ok(!box.state().some((x) => x.id === files.mine.id))
  assert.equal((await s.findings()).filter((f) => f.item.id === files.mine.id && f.action.state === 'done').length, 2)
}))
