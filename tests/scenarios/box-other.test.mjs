// sekisho at another Box than ours (box-other.mjs), which offers the least that Box's documentation allows: threats are contained
// there, and nothing else is touched.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOtherBox } from './box-other.mjs'
import { connectors, EICAR, inScene } from './lib.mjs'

const skip = connectors().includes('box') ? false : 'no connector for box in this build'

function other(name, options, body) {
  test(`another Box: ${name}`, { skip }, async () => {
    const box = await startOtherBox(options)
    const dir = mkdtempSync(join(tmpdir(), 'sk-'))
    writeFileSync(join(dir, 'secret.txt'), 'secret-of-the-other-box\n', { mode: 0o600 })
    const entry = { id: 'aoba-box', tenant: 'aoba', provider: 'box', mode: 'protect', backlog: 'all', endpoints: { api: box.url, upload: box.url },
      grant: { type: 'client_credentials', client_id: 'other', client_secret_file: 'secret.txt', enterprise_id: '77' } }
    const cloud = { connections: () => ({ dir, text: '' }), state: async () => [], urls: {} }
    const hana = box.user('hana@aoba.example')
    const ken = box.user('ken@aoba.example')
    const mio = box.user('mio@aoba.example')
    const docs = box.folder(hana, 'docs')
    const plan = box.file(hana, 'plan.txt', 'the plan', docs.id)
    box.share(plan, ken)
    plan.link = { url: 'https://app.box.com/s/1', access: 'open', permissions: { can_download: true } }
    for (let i = 0; i < 5; i++) box.file(ken, `note ${i}.txt`, `note ${i}`)
    const threat = box.file(hana, 'threat.com', EICAR, docs.id)
    box.share(threat, ken, 'editor')
    for (let i = 0; i < 3; i++) box.share(threat, mio)
    threat.link = { url: 'https://app.box.com/s/2', access: 'open', permissions: { can_download: true } }
    const deep = box.file(mio, 'threat too.com', `${EICAR}\n`, box.folder(mio, 'in').id)
    const clean = () => JSON.stringify([...box.items.values()].filter((i) => i.type === 'file' && !/threat/.test(i.name)).map(({ content, ...i }) => [i, String(content)])
      .concat([...box.collaborations.values()].filter((k) => k.item === plan.id)))
    const before = clean()
    try {
      await inScene({ cloud }, async (s) => {
        s.connect = async () => {
          const r = await s.run(['connect', '--from', s.entries([entry])])
          assert.equal(r.code, 0, r.stderr)
        }
        await body(s, { box, hana, ken, mio, docs, plan, threat, deep, place: () => [...box.items.values()].find((i) => i.name === 'sekisho-quarantine' && i.owner === box.SERVICE.id) })
      })
      assert.equal(clean(), before)
      assert.deepEqual(box.leaked, [])
      for (const r of box.requests.filter((r) => !['GET'].includes(r.method)))
        assert.ok(!r.path.includes(plan.id) && !r.body.includes(`"${plan.id}"`), `${r.method} ${r.path}`)
    } finally {
      await box.stop()
      rmSync(dir, { recursive: true, force: true })
    }
  })
}

const held = (x, file) => {
  assert.deepEqual([file.parent, file.owner, file.link ?? null], [x.place().id, x.box.SERVICE.id, null])
  const ours = [...x.box.items.values()].filter((i) => i.owner === x.box.SERVICE.id).map((i) => i.id)
  assert.deepEqual([...x.box.collaborations.values()].filter((k) => ours.includes(k.item)), [])
}

for (const options of [{ paging: 'offset' }, { paging: 'marker', redirect: true }]) {
  other(`pages by ${options.paging}`, options, async (s, x) => {
    await s.connect()
    await s.once()
    held(x, x.threat)
    held(x, x.deep)
    const findings = await s.findings()
    assert.deepEqual(findings.map((f) => [f.item.name, f.action.state]).sort(), [['threat too.com', 'done'], ['threat.com', 'done']])
    // What comes later comes by the events.
    const later = x.box.file(x.ken, 'threat later.com', `${EICAR}\n\n`)
    await s.once()
    held(x, later)
    const one = findings.find((f) => f.item.name === 'threat.com')
    const r = await s.run(['quarantine', 'restore', one.id])
    assert.equal(r.code, 0, r.stderr)
    assert.deepEqual([x.threat.parent, x.threat.owner, x.threat.link.access], [x.docs.id, x.hana.id, 'open'])
    assert.deepEqual([...x.box.collaborations.values()].filter((k) => k.item === x.threat.id).map((k) => [k.user, k.role]), [[x.ken.id, 'editor'], [x.mio.id, 'viewer']])
  })
}

other('a lost place, and no log of the year: everybody is walked', {}, async (s, x) => {
  await s.connect()
  await s.once()
  const later = x.box.file(x.mio, 'threat in the gap.com', `${EICAR}\n\n`)
  x.box.lose()
  const seen = x.box.requests.length
  await s.once()
  assert.ok(x.box.requests.slice(seen).some((r) => /admin_logs&/.test(r.path) && r.status === 400))
  held(x, later)
})

other('no collaborations: the owner cannot bring it, so it is locked', { collaborations: false }, async (s, x) => {
  await s.connect()
  await s.once()
  for (const f of [x.threat, x.deep]) assert.deepEqual([f.owner !== x.box.SERVICE.id, f.lock?.is_download_prevented, f.link ?? null], [true, true, null])
  assert.deepEqual((await s.findings()).map((f) => f.action.state), ['done', 'done'])
  const r = await s.run(['quarantine', 'restore', (await s.findings()).find((f) => f.item.name === 'threat.com').id])
  assert.equal(r.code, 0, r.stderr)
  assert.match(r.stdout, /collaborations/)
  assert.equal(x.threat.lock, null)
})

other('moves between owners are refused: unshared and locked', { crossing: false }, async (s, x) => {
  await s.connect()
  await s.once()
  assert.deepEqual([x.threat.parent, x.threat.lock.is_download_prevented, x.threat.link], [x.docs.id, true, null])
  assert.deepEqual([...x.box.collaborations.values()].filter((k) => k.item !== x.plan.id), [])
})

other('neither moves nor locks: unshared, and said to have failed', { crossing: false, lock: false }, async (s, x) => {
  await s.connect()
  await s.once()
  assert.deepEqual([x.threat.parent, x.threat.lock ?? null, x.threat.link], [x.docs.id, null, null])
  assert.deepEqual([...x.box.collaborations.values()].filter((k) => k.item !== x.plan.id), [])
  assert.deepEqual((await s.findings()).map((f) => f.action.state), ['failed', 'failed'])
})

other('a folder of our name that somebody shared with us is not ours', {}, async (s, x) => {
  const trap = x.box.folder(x.mio, 'sekisho-quarantine')
  x.box.share(trap, x.box.SERVICE, 'editor')
  trap.parent = '0'
  await s.connect()
  await s.once()
  held(x, x.threat)
  assert.ok(![...x.box.items.values()].some((i) => i.parent === trap.id))
})
