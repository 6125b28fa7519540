// The oracle: what must hold when nothing is left to do, whatever happened on the way. The clouds equal the ledger,
// each planted threat is contained exactly once, nothing else was touched, every act has its receipt and one event,
// nothing was found twice, coverage adds up.
import assert from 'node:assert/strict'

const key = (i) => [i.provider, i.tenant, i.owner && i.service === 'teams' ? i.place : '', i.id].join(' ')
export const planted = (i) => /threat/.test(i.name ?? '')

function one(list, what) {
  assert.equal(list.length, 1, `${list.length} instead of 1: ${what}`)
  return list[0]
}

// Coverage of all streams; the sums.
export function assertCoverage(status, { pending = 0 } = {}) {
  for (const s of [...status.streams, ...status.connections]) {
    assert.ok(s.complete, `coverage of ${JSON.stringify(s)}`)
    assert.equal(s.seen, s.scanned + s.unknown + s.skipped + s.pending, `coverage of ${JSON.stringify(s)}`)
    if (pending !== null && s.service) assert.equal(s.pending, pending, `pending in ${JSON.stringify(s)}`)
  }
  const sum = (k) => status.connections.reduce((n, c) => n + c[k], 0)
  return { seen: sum('seen'), scanned: sum('scanned'), unknown: sum('unknown'), skipped: sum('skipped'), pending: sum('pending') }
}

// s: a scene. before: the clouds' state to compare with. threat(item): was it planted? contained: false for monitor
// mode. ignore(item): items that the test itself changes. unknown: how many findings that are not threats there are.
// wrong: how many complaints `status` may show.
export async function oracle(s, { before = s.before, threat = planted, contained = true, ignore = () => false, unknown = 0, wrong = 0 } = {}) {
  const [state, findings, events, status] = await Promise.all([s.state(), s.findings(), s.events(), s.status()])
  const now = new Map(state.map((i) => [key(i), i]))
  const threats = []
  assert.equal(now.size, state.length, 'two things with one id')

  for (const b of before) {
    const a = now.get(key(b))
    if (ignore(b)) continue
    assert.ok(a, `gone: ${JSON.stringify(b)}`)
    now.delete(key(b))
    if (threat(b)) {
      threats.push(a)
      assert.equal(a.quarantined, contained, `not in quarantine: ${JSON.stringify(a)}`)
      assert.equal(a.sha256, b.sha256, `changed by containing: ${JSON.stringify(a)}`)
      if (!contained) assert.deepEqual(a, b)
    } else {
      assert.deepEqual(a, b, 'something harmless was changed')
    }
  }
  for (const left of now.values()) assert.ok(ignore(left), `appeared: ${JSON.stringify(left)}`)

  const real = findings.filter((f) => f.verdict.status === 'threat')
  assert.equal(findings.length - real.length, unknown, `findings that are no threats: ${JSON.stringify(findings.filter((f) => f.verdict.status !== 'threat'))}`)
  const seen = new Set()
  for (const f of findings) {
    const id = [f.connection, f.item.id, f.item.version, f.service === 'teams' ? f.stream : ''].join(' ')
    assert.ok(!seen.has(id), `found twice: ${JSON.stringify(f)}`)
    seen.add(id)
  }
  for (const t of threats) {
    const f = one(real.filter((x) => x.item.id === t.id && x.provider === t.provider && x.tenant === t.tenant), `findings of ${JSON.stringify(t)}`)
    assert.equal(f.action.state, contained ? 'done' : 'none', JSON.stringify(f))
    assert.equal(f.service, t.service)
  }
  if (!before.some(ignore)) assert.equal(real.length, threats.length, `more threats found than planted: ${JSON.stringify(real)}`)

  await assertEvents(s, findings, events)
  assertCoverage(status)
  assert.deepEqual([status.waiting.live, status.waiting.backlog, status.waiting.actions, status.waiting.events], [0, 0, 0, 0])
  assert.equal(status.wrong, wrong, `status complains: ${JSON.stringify(status)}`)
  return { state, findings, events, status }
}

// Each finding has one detection; each act one event with its command_uid, and a receipt; the file on disk holds the
// events of the store, each once.
export async function assertEvents(s, findings, events) {
  const file = s.eventFile()
  const uids = file.map((e) => e.metadata.uid)
  assert.equal(new Set(uids).size, uids.length, 'an event stands in the file twice')
  assert.deepEqual([...uids].sort(), events.map((e) => e.metadata.uid).sort(), 'the file and the store hold other events')
  const acts = events.filter((e) => e.class_uid === 7002 || e.class_uid === 4009)
  for (const f of findings) {
    one(events.filter((e) => [2004, 2006].includes(e.class_uid) && e.finding_info.uid === f.id), `detections of ${f.id}`)
    const own = acts.filter((e) => e.command_uid === f.action.id && e.activity_name === 'Isolate')
    if (f.action.kind !== 'quarantine' || f.action.monitor) {
      assert.equal(own.length, 0, `an act in vain: ${JSON.stringify(f)}`)
      continue
    }
    if (!['done', 'restored', 'failed'].includes(f.action.state)) continue
    const e = one(own, `events of the act of ${JSON.stringify(f)}`)
    assert.equal(e.status, f.action.state === 'failed' ? 'Failure' : 'Success')
    if (f.action.state === 'failed') continue
    const { receipt } = await s.show(f.id)
    assert.ok(receipt && Object.keys(receipt).length, `no receipt: ${f.id}`)
  }
  for (const e of acts) assert.ok(findings.some((f) => e.unmapped?.finding === f.id), `an act without a finding: ${JSON.stringify(e)}`)
}
