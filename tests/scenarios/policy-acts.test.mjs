// Rules of one's own: each action in protect mode acts and is undone, in monitor mode it only tells; a file that breaks leaves the one
// before in force.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { company, inScene, PLACES, suite, waitFor } from './lib.mjs'

const ACTS = ['tag', 'unshare', 'replace', 'quarantine', 'delete']

const SERVICES = { box: ['box'], dropbox: ['dropbox'], google: ['drive'], microsoft: ['onedrive', 'sharepoint'] }

const rule = (action, mode, provider) => `  - id: own.${action}
    title: {ja: "${action}の規則", en: "a rule that asks to ${action}"}
    severity: high
    category: file
    mode: ${mode}
    action: ${action}
${action === 'tag' ? '    tag: "要確認"\n' : ''}    targets: {services: [${SERVICES[provider]}]}
    when: {kind: file, name: "for ${action}*"}
    cases:
      - {match: true, facts: {kind: file, service: ${SERVICES[provider][0]}, name: "for ${action}.txt"}}
      - {match: false, facts: {kind: file, service: ${SERVICES[provider][0]}, name: "for none.txt"}}
`
const rules = (mode, acts = ACTS, provider = 'box') => `rules:\n${acts.map((a) => rule(a, mode, provider)).join('\n')}`

function seedOf(provider) {
  const p = PLACES[provider]()
  const seed = company(provider)
  for (const a of ACTS) {
    seed[`${p.files}/docs/for ${a}.txt`] = `the text for ${a}`
    seed[`${p.files}/docs/for ${a}.txt.sharing.json`] = ['link:anonymous:view']
  }
  return seed
}

function settingsOf(dir, text) {
  mkdirSync(join(dir, 'policy'), { recursive: true })
  writeFileSync(join(dir, 'policy', 'own.yaml'), text)
  return join(dir, 'policy')
}

const withRules = (s, mode, acts, provider) => s.configure({ policy: [settingsOf(s.dir, rules(mode, acts, provider))] })
const of = (list, action) => list.find((f) => f.rules.some((r) => r.id === `own.${action}`))
const inState = (list, action) => list.filter((i) => i.name === `for ${action}.txt`)
const without = ({ version, ...rest }) => rest
const SUPPORTED = { box: ACTS, dropbox: ACTS, google: ACTS, microsoft: ['unshare', 'replace', 'quarantine', 'delete'] }

suite('acts of rules', () => {
  for (const provider of Object.keys(SUPPORTED)) {
    const acts = SUPPORTED[provider]
    test(`${provider}: each act is carried out and undone`, () => inScene({ seed: seedOf(provider) }, async (s) => {
      withRules(s, 'protect', acts, provider)
      await s.connect()
      await s.once()
      const findings = await s.findings('--category', 'file')
      const held = await s.quarantine()
      for (const a of acts) {
        const f = of(findings, a)
        assert.ok(f, `no finding for ${a}`)
        // Deleting is not allowed unless the tenant says so.
        assert.deepEqual([f.verdict.status, f.action.kind, f.action.state], ['clean', a === 'delete' ? 'quarantine' : a, 'done'], JSON.stringify(f.action))
        assert.equal(f.rules[0].mode, 'protect')
        assert.match(f.rules[0].why, /name/)
        assert.equal(held.some((h) => h.id === f.id), !['tag', 'unshare'].includes(a))
      }
      assert.deepEqual((await s.findings('--rule', 'own.unshare')).map((f) => f.id), [of(findings, 'unshare').id])
      const state = await s.state()
      assert.notDeepEqual(inState(state, 'unshare').map(without), inState(s.before, 'unshare').map(without))
      for (const a of ['replace', 'quarantine'].filter((x) => acts.includes(x))) assert.ok(inState(state, a).every((i) => i.quarantined), a)
      for (const a of acts) {
        const r = await s.run(['quarantine', 'restore', of(findings, a).id])
        assert.equal(r.code, 0, `${a}: ${r.stderr}`)
      }
      const after = await s.state()
      for (const a of acts) assert.deepEqual(inState(after, a).map(without), inState(s.before, a).map(without), a)
      // What was given back is not taken again.
      await s.once()
      assert.deepEqual((await s.findings('--category', 'file')).map((f) => f.action.state), acts.map(() => 'restored'))
    }))
  }

  test('box: deleting, where the tenant allows it', () => inScene({ seed: seedOf('box') }, async (s) => {
    withRules(s, 'protect', ['delete'])
    await s.connect()
    const allowed = await s.run(['policy', 'delete', 'allow', '--tenant', 'aoba'])
    assert.equal(allowed.code, 0, allowed.stderr)
    await s.once()
    const f = of(await s.findings('--category', 'file'), 'delete')
    assert.deepEqual([f.action.kind, f.action.state], ['delete', 'deleted'])
    assert.deepEqual(inState(await s.state(), 'delete'), [])
    // First it was held, then it went: both are told.
    const told = (await s.events()).filter((e) => e.unmapped?.finding === f.id && e.class_uid === 7002)
    assert.deepEqual(told.map((e) => e.activity_name), ['Isolate', 'Evict'])
  }))

  test('box: monitor tells and does nothing', () => inScene({ seed: seedOf('box') }, async (s) => {
    withRules(s, 'monitor')
    await s.connect()
    await s.once()
    const findings = await s.findings('--category', 'file')
    for (const a of ACTS) {
      const f = of(findings, a)
      assert.deepEqual([f.action.kind, f.action.state, f.action.monitor], [a === 'delete' ? 'quarantine' : a, 'none', true])
    }
    const state = await s.state()
    for (const a of ACTS) assert.deepEqual(inState(state, a), inState(s.before, a))
  }))

  test('box: a file that breaks leaves the one before in force, with its line', () => inScene({ seed: seedOf('box') }, async (s) => {
    withRules(s, 'protect', ['tag'])
    await s.connect()
    const p = await s.serve()
    await waitFor('the tag', async () => of(await s.findings('--category', 'file'), 'tag')?.action.state === 'done')
    writeFileSync(join(s.dir, 'policy', 'own.yaml'), rules('protect', ['tag']).replace('severity: high', 'severity: enormous'))
    const { usersOf } = await import('./users.mjs')
    await usersOf(s.cloud, 'box').addFile('for tag again.txt', 'the text for tagging again')
    await waitFor('the complaint', async () => /policy\.refused.*file=own\.yaml line=\d+ /.test(p.stderr))
    await waitFor('the old rule', async () => (await s.findings('--rule', 'own.tag')).length === 2)
    writeFileSync(join(s.dir, 'policy', 'own.yaml'), rules('protect', ['quarantine']))
    await waitFor('the new rules', async () => /policy\.loaded/.test(p.stderr.slice(p.stderr.indexOf('policy.refused'))))
    await p.stop()
  }))
})
