// Policies and lists by the API: who may what, files that are refused, conflicts, versions, modes, and that no password comes back.
// Every answer is held against openapi.json by the client.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { PLACES } from '../scenarios/lib.mjs'
import { makeAccount, makeOperator, startConsole, waitFor } from './lib.mjs'

const MARKUP = '<img src=x onerror=alert(1)>'
const SECRET = ['pass', 'word', '-2026'].join('') // of archives; must stand in no answer, audit row or log line
const p = PLACES.microsoft('aoba')
const q = PLACES.box('sora')

export const ruleFile = (id, { title = id, name = 'plan*', mode = 'monitor', action = 'report', expected = true } = {}) => `rules:
  - id: ${id}
    title: {ja: ${JSON.stringify(title)}, en: ${JSON.stringify(title)}}
    severity: medium
    category: file
    mode: ${mode}
    action: ${action}
    when: {name: "${name}"}
    cases:
      - match: ${expected}
        facts: {name: plan.txt}
      - match: ${!expected}
        facts: {name: notes.txt}
`

describe('policies by the API', () => {
  let c, operator, admin, desk, auditor, sora

  before(async () => {
    c = await startConsole({ seed: { [`${p.files}/plan.txt`]: 'a plan', [`${p.files}/other.txt`]: 'something else', [`${q.files}/plan.txt`]: 'of sora' } })
    operator = await makeOperator(c)
    admin = await makeAccount(c, operator, 'admin@aoba.example', 'admin', ['aoba'])
    desk = await makeAccount(c, operator, 'desk@aoba.example', 'desk', ['aoba'])
    auditor = await makeAccount(c, operator, 'auditor@aoba.example', 'auditor', ['aoba'])
    sora = await makeAccount(c, operator, 'admin@sora.example', 'admin', ['sora'])
  })
  after(() => c?.end())

  const file = '/tenants/aoba/policies/own.yaml'
  const audit = async (act) => (await operator.ok('GET', `/audit?act=${act}&limit=200`)).items

  test('the shipped rules are there, in the reader’s language, with how they are set', async () => {
    const { items, may_delete, problems } = await admin.ok('GET', '/tenants/aoba/rules')
    const rule = items.find((r) => r.id === 'malware.engine')
    assert.equal(rule.title, 'Malware found')
    assert.deepEqual([rule.mode, rule.file_mode, rule.action, rule.own], ['protect', 'protect', 'quarantine', ''])
    assert.equal(may_delete, false)
    assert.deepEqual(problems, [])
    const ja = await operator.call('GET', '/tenants/aoba/rules', undefined, { 'Accept-Language': 'ja' })
    assert.equal(ja.json.items.find((r) => r.id === 'malware.engine').title, 'マルウェアを検出')
    assert.ok((await auditor.ok('GET', '/tenants/aoba/rules')).items.length === items.length)
  })

  test('checking tells line and column, and changes nothing', async () => {
    const text = ruleFile('own.check').replace('severity', 'severty')
    const { problems } = await admin.ok('POST', '/tenants/aoba/policy/check', { name: 'own.yaml', text })
    const [one] = problems
    assert.equal(problems.filter((x) => !x.warning).length >= 1, true)
    assert.deepEqual([one.file, one.line > 1, one.column > 1], ['own.yaml', true, true])
    assert.match(one.text, /severity/)
    const fine = await admin.ok('POST', '/tenants/aoba/policy/check', { name: 'own.yaml', text: ruleFile('own.check') })
    assert.deepEqual(fine.problems.filter((x) => !x.warning), [])
    assert.equal(fine.rules, 1)
    assert.equal((await admin.get(file)).status, 404)
    assert.equal((await desk.post('/tenants/aoba/policy/check', { name: 'own.yaml', text })).status, 403)
  })

  test('testing runs the cases and names those that went wrong', async () => {
    const good = await admin.ok('POST', '/tenants/aoba/policy/test', { name: 'own.yaml', text: ruleFile('own.test') })
    assert.ok(good.cases > 1)
    assert.deepEqual(good.problems.filter((x) => !x.warning), [])
    const bad = await admin.ok('POST', '/tenants/aoba/policy/test', { name: 'own.yaml', text: ruleFile('own.test', { expected: false }) })
    assert.deepEqual(bad.problems.map((x) => [x.file, x.line]), [['own.yaml', 10], ['own.yaml', 12]])
    assert.equal((await admin.post('/tenants/aoba/policy/test', { name: 'own.yaml', text: 'rules: [' })).json.error.code, 'bad_policy')
  })

  test('a file is saved, replaced, refused when somebody was faster, deleted, restored', async () => {
    const first = await admin.ok('POST', file, { text: ruleFile('own.one', { title: MARKUP }), version: 0 })
    assert.ok(first.version >= 1)
    assert.equal((await admin.ok('GET', file)).text, ruleFile('own.one', { title: MARKUP }))
    const rule = async (id) => (await admin.ok('GET', '/tenants/aoba/rules')).items.find((r) => r.id === id)
    assert.deepEqual([(await rule('own.one')).title, (await rule('own.one')).own], [MARKUP, 'aoba'])
    assert.equal((await admin.post(file, { text: ruleFile('own.two'), version: 0 })).json.error.code, 'changed', 'a new one in place of it')
    const second = await admin.ok('POST', file, { text: ruleFile('own.two'), version: first.version })
    assert.ok(second.version > first.version)
    const late = await admin.post(file, { text: ruleFile('own.three'), version: first.version })
    assert.deepEqual([late.status, late.json.error.code, late.json.error.problems], [409, 'changed', undefined])
    assert.equal((await admin.ok('GET', file)).text, ruleFile('own.two'))
    assert.equal((await admin.del(file, { version: first.version })).status, 409)
    const third = await admin.ok('POST', `${file}/restore`, { from: first.version, version: second.version })
    assert.ok(await rule('own.one'))
    await admin.ok('DELETE', file, { version: third.version })
    assert.equal((await admin.get(file)).status, 404)
    assert.equal(await rule('own.one'), undefined)
    const versions = (await admin.ok('GET', `${file}/versions`)).items
    assert.ok(versions.length >= 4)
    assert.equal(versions[0].text, null)
    assert.equal((await admin.post(`${file}/restore`, { from: 999, version: versions[0].version })).status, 404)
    await admin.ok('POST', `${file}/restore`, { from: second.version, version: versions[0].version })
    assert.ok(await rule('own.two'))
    for (const act of ['policy_put', 'policy_delete', 'policy_restore']) {
      const rows = await audit(act)
      assert.ok(rows.some((a) => a.phase === 'done' && a.object === 'own.yaml' && a.tenant === 'aoba' && a.name === 'admin@aoba.example' && a.detail.new_version > 0), `${act}: ${JSON.stringify(rows)}`)
    }
  })

  test('40: a file with an error never replaces a working one', async () => {
    const now = await admin.ok('GET', file)
    for (const [what, text] of [
      ['no YAML', 'rules: [\n  - {'], ['an unknown key', ruleFile('own.bad').replace('when:', 'wenn:')], ['an unknown fact', ruleFile('own.bad').replace('name: "plan', 'nmae: "plan')],
      ['an unknown action', ruleFile('own.bad', { action: 'explode' })], ['a tag of YAML', '!!python/object:os.system x'], ['an anchor bomb', `a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n`],
      ['deep nesting', `rules: ${'['.repeat(5000)}`], ['an id twice', ruleFile('own.bad') + ruleFile('own.bad').replace('rules:\n', '')],
    ]) {
      const r = await admin.post(file, { text, version: now.version })
      assert.equal(r.status, 422, `${what}: ${r.status} ${r.text.slice(0, 300)}`)
      assert.equal(r.json.error.code, 'bad_policy')
      assert.ok(r.json.error.problems.some((x) => !x.warning && x.text), what)
    }
    assert.equal((await admin.post(file, { text: 'x'.repeat(50000), version: now.version })).status, 400)
    for (const name of ['..%2fx.yaml', 'x.txt', '.yaml', 'a%20b.yaml', `${'x'.repeat(60)}.yaml`]) assert.ok([400, 404].includes((await admin.post(`/tenants/aoba/policies/${name}`, { text: ruleFile('own.x'), version: 0 })).status), name)
    assert.equal((await admin.ok('GET', file)).version, now.version)
    assert.ok((await admin.ok('GET', '/tenants/aoba/rules')).items.some((r) => r.id === 'own.two'))
  })

  test('a mode is switched, refused when the page showed another one, and put back', async () => {
    const at = '/tenants/aoba/rules/own.two'
    await waitFor('the files to be seen', async () => (await operator.ok('GET', '/connections?tenant=aoba')).items.every((k) => k.seen >= 2 && !k.pending))
    assert.equal((await admin.patch(at, { mode: 'off', was: 'protect' })).json.error.code, 'changed')
    assert.equal((await admin.ok('PATCH', at, { mode: 'off', was: 'monitor' })).mode, 'off')
    assert.equal((await admin.patch(at, { mode: 'sometimes' })).status, 400)
    assert.equal((await admin.patch('/tenants/aoba/rules/no.such', { mode: 'off' })).status, 404)
    assert.equal((await desk.patch(at, { mode: 'off' })).status, 403)
    assert.equal((await sora.patch(at, { mode: 'off' })).status, 404)
    const rule = (await admin.ok('GET', '/tenants/aoba/rules')).items.find((r) => r.id === 'own.two')
    assert.deepEqual([rule.mode, rule.file_mode, rule.changed_by], ['off', 'monitor', 'admin@aoba.example'])
    assert.equal((await admin.ok('PATCH', at, { mode: '' })).mode, 'monitor')
    const set = await admin.ok('PATCH', at, { mode: 'protect', was: 'monitor' })
    assert.equal(typeof set.touched, 'number')
    const row = (await audit('mode_put')).find((a) => a.phase === 'done' && a.detail.mode === 'protect')
    assert.deepEqual([row.object, row.detail.touched, row.detail.seen], ['own.two', set.touched, set.seen], 'the count is not in the audit row')
    assert.equal((await sora.ok('GET', '/tenants/sora/rules')).items.some((r) => r.id === 'own.two'), false, 'another company’s rule')
  })

  test('a replay counts what would be touched, and changes nothing', async () => {
    const was = await admin.ok('GET', '/tenants/aoba/rules')
    const one = await admin.ok('POST', '/tenants/aoba/policy/replay', { rule: 'own.two', mode: 'protect' })
    const text = ruleFile('own.two', { action: 'quarantine', mode: 'protect' })
    const r = await admin.ok('POST', '/tenants/aoba/policy/replay', { name: 'own.yaml', text })
    assert.ok(r.seen >= 2, JSON.stringify(r))
    const item = r.items.find((i) => i.rule === 'own.two')
    assert.deepEqual([item.now, item.examples[0].name, item.examples.length], [1, 'plan.txt', 1])
    assert.equal(one.seen, r.seen)
    assert.deepEqual(await admin.ok('GET', '/tenants/aoba/rules'), was)
    assert.equal((await admin.post('/tenants/aoba/policy/replay', { name: 'own.yaml', text: 'rules: [' })).json.error.code, 'bad_policy')
    assert.equal((await sora.post('/tenants/aoba/policy/replay', { rule: 'own.two', mode: 'protect' })).status, 404)
    assert.equal((await auditor.post('/tenants/aoba/policy/replay', { rule: 'own.two', mode: 'protect' })).status, 403)
  })

  test('files that count for all are the operator’s', async () => {
    const all = '/tenants/*/policies/everybody.yaml'
    assert.equal((await admin.get(all)).status, 404)
    assert.equal((await admin.post(all, { text: ruleFile('all.one'), version: 0 })).status, 404)
    const { version } = await operator.ok('POST', all, { text: ruleFile('all.one'), version: 0 })
    assert.equal((await operator.ok('GET', '/tenants/*/policies')).items[0].tenant, '*')
    for (const [client, tenant] of [[admin, 'aoba'], [sora, 'sora']]) {
      const rule = (await client.ok('GET', `/tenants/${tenant}/rules`)).items.find((r) => r.id === 'all.one')
      assert.equal(rule.own, '', 'a link to what one may not open')
    }
    assert.deepEqual((await admin.ok('GET', '/tenants/aoba/policies')).items.map((f) => f.name), ['own.yaml'])
    assert.equal((await operator.ok('GET', '/tenants/*/rules')).items.find((r) => r.id === 'all.one').own, '*')
    await operator.ok('DELETE', all, { version })
  })

  test('lists: what each kind takes, and what not', async () => {
    const lists = '/tenants/aoba/lists'
    const hash = 'AB'.repeat(32)
    for (const [kind, given, kept] of [
      ['sender', ' Ken@Partner.Example ', 'ken@partner.example'], ['domain', '*.Partner.example', 'partner.example'], ['hash', hash, hash.toLowerCase()],
      ['link', 'https://WWW.example.jp/Login?x=1#y', 'www.example.jp/Login'], ['protected', '例え.jp', '例え.jp'], ['person', '青葉 健', '青葉 健'],
    ]) {
      const { id } = await admin.ok('POST', lists, { kind, value: given, approved: true, reason: MARKUP })
      const e = (await admin.ok('GET', `${lists}?kind=${kind}`)).items.find((x) => x.id === id)
      assert.deepEqual([e.value, e.reason, e.author, e.ends, e.ended], [kept, MARKUP, 'admin@aoba.example', null, false])
      assert.equal((await admin.post(lists, { kind, value: given, approved: true })).json.error.code, 'exists')
    }
    for (const [kind, value] of [['sender', 'nobody'], ['sender', 'a b@c.d'], ['domain', 'x'], ['domain', 'a..b'], ['domain', '<b>.jp'], ['hash', 'abc'], ['link', 'x'], ['link', 'javascript:alert(1)'], ['person', '   '], ['sender', 'a\u0001@b.jp'], ['nonsense', 'x'], ['person', 'x'.repeat(400)]]) {
      assert.equal((await admin.post(lists, { kind, value, approved: true })).status, 400, `${kind} ${value}`)
    }
    assert.equal((await admin.post(lists, { kind: 'sender', value: 'x@y.jp' })).status, 400, 'neither approved nor blocked')
    assert.equal((await admin.post(lists, { kind: 'sender', value: 'x@y.jp', approved: true, ends: '2020-01-01T00:00:00Z' })).status, 400, 'over already')
    assert.equal((await sora.get(lists)).status, 404)
    assert.equal((await sora.post(lists, { kind: 'sender', value: 'x@y.jp', approved: true })).status, 404)
    assert.equal((await auditor.post(lists, { kind: 'sender', value: 'x@y.jp', approved: true })).status, 403)
  })

  test('the desk approves and blocks with an end, and takes back its own', async () => {
    const lists = '/tenants/aoba/lists'
    const soon = new Date(Date.now() + 30 * 86400000).toISOString()
    assert.equal((await desk.post(lists, { kind: 'sender', value: 'x@y.jp', approved: true })).json.error.code, 'end_wanted')
    assert.equal((await desk.post(lists, { kind: 'sender', value: 'x@y.jp', approved: true, ends: new Date(Date.now() + 800 * 86400000).toISOString() })).json.error.code, 'end_wanted')
    for (const kind of ['password', 'protected', 'person']) assert.equal((await desk.post(lists, { kind, value: 'y.jp', ends: soon })).status, 403, kind)
    const { id } = await desk.ok('POST', lists, { kind: 'sender', value: 'x@y.jp', approved: false, ends: soon })
    const others = (await desk.ok('GET', `${lists}?kind=domain`)).items[0]
    assert.equal((await desk.del(`${lists}/${others.id}`)).status, 403)
    assert.equal((await sora.del(`/tenants/sora/lists/${id}`)).status, 404, 'another company’s entry')
    const removed = await desk.ok('DELETE', `${lists}/${id}`)
    assert.deepEqual(removed, { kind: 'sender', value: 'x@y.jp' })
    assert.equal((await desk.del(`${lists}/${id}`)).status, 404)
    const rows = await audit('list_add')
    assert.ok(rows.some((a) => a.phase === 'done' && a.detail.value === 'x@y.jp' && a.detail.ends_at === Date.parse(soon) && a.name === 'desk@aoba.example'))
  })

  test('a password for archives is never shown again', async () => {
    const lists = '/tenants/aoba/lists'
    const made = await admin.post(lists, { kind: 'password', value: SECRET, reason: 'the partner’s' })
    assert.equal(made.status, 200, made.text)
    const e = (await admin.ok('GET', `${lists}?kind=password`)).items[0]
    assert.equal(e.value, null)
    const removed = await admin.del(`${lists}/${e.id}`)
    assert.equal(removed.json.value, undefined)
    const seen = [made.text, removed.text, JSON.stringify(await audit('list_add')), JSON.stringify(await audit('list_remove')), (await admin.get(`${lists}?ended=1`)).text, c.scene.log]
    seen.forEach((t, i) => assert.ok(!t.includes(SECRET), `the password stands in ${i}`))
  })

  test('rules delete only where the company allows it', async () => {
    assert.equal((await desk.patch('/tenants/aoba/policy', { may_delete: true })).status, 403)
    assert.equal((await admin.patch('/tenants/aoba/policy', { may_delete: 'yes' })).status, 400)
    await admin.ok('PATCH', '/tenants/aoba/policy', { may_delete: true })
    assert.equal((await admin.ok('GET', '/tenants/aoba/rules')).may_delete, true)
    assert.equal((await sora.ok('GET', '/tenants/sora/rules')).may_delete, false)
    await admin.ok('PATCH', '/tenants/aoba/policy', { may_delete: false })
    assert.equal((await admin.ok('GET', '/tenants/aoba/rules')).may_delete, false)
  })
})
