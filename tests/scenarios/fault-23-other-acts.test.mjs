// 23: core is killed in the middle of other acts than containing, and while they are undone: the state right afterwards, and that
// the next run does nothing twice and leaves nothing half done.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { connectors, eml, inScene, PLACES } from './lib.mjs'

const SERVICES = { box: ['box'], google: ['drive'], microsoft: ['exchange'] }
const shared = ['user:ken@aoba.example:read', 'user:guest@partner.example:read', 'link:anonymous:view']
const open = (i) => i.sharing.some((x) => /anonymous|partner/.test(x))

// What each cloud shows when the act has been brought about, and the calls that do so.
const ACTS = {
  box: { action: 'unshare', file: true, done: (items) => items.length === 1 && !open(items[0]) },
  google: { action: 'replace', file: true, done: (items) => items.length === 2 && items.filter((i) => i.quarantined).length === 1 },
  microsoft: { action: 'tag', file: false, done: (items) => items.length === 1 && items[0].labels.length === 1 },
}
const ACTIVITY = { unshare: 'Unshare', replace: 'Replace', tag: 'Tag' }

function seedOf(provider) {
  const p = PLACES[provider]()
  if (!ACTS[provider].file) return { [`${p.mail}/1.eml`]: eml('the act'), [`${p.mail}/2.eml`]: eml('another') }
  return { [`${p.files}/docs/the act.txt`]: 'a text', [`${p.files}/docs/the act.txt.sharing.json`]: shared, [`${p.files}/docs/another.txt`]: 'another',
    [p.files.replace('hana@', 'ken@') + '/.keep']: '' }
}

function rules(s, provider) {
  const { action, file } = ACTS[provider]
  const when = file ? { kind: 'file', name: 'the act.txt' } : { kind: 'mail', 'mail.subject': 'the act' }
  const facts = file ? when : { kind: 'mail', mail: { subject: 'the act' } }
  mkdirSync(join(s.dir, 'policy'))
  writeFileSync(join(s.dir, 'policy', 'own.yaml'), JSON.stringify({ rules: [{ id: 'own.act', title: { ja: '試し', en: 'a trial' }, severity: 'high', category: 'file',
    mode: 'protect', action, ...(action === 'tag' ? { tag: '要確認' } : {}), targets: { services: SERVICES[provider] }, when,
    cases: [{ match: true, facts: { ...facts, service: SERVICES[provider][0] } }, { match: false, facts: { kind: when.kind } }] }] }))
  s.configure({ policy: [join(s.dir, 'policy')] })
}

// Versions move on with every change; who has access is a set.
const steady = ({ version, sharing, ...rest }) => ({ ...rest, sharing: [...sharing].sort() })

describe('core is killed in other acts', { concurrency: 2 }, () => {
  for (const [provider, { action, done }] of Object.entries(ACTS)) {
    const skip = connectors().includes(provider) ? false : `no connector for ${provider} in this build`
    const scene = (body) => inScene({ seed: seedOf(provider) }, async (s) => {
      rules(s, provider)
      // The item of the rule, and a notice in its place; what else there is never changes.
      const items = async () => {
        const state = (await s.state()).filter((i) => i.provider === provider)
        const before = s.before.filter((i) => i.provider === provider)
        const held = before.find((i) => /the act/.test(i.name))
        for (const b of before) if (b !== held) assert.deepEqual(state.find((i) => i.id === b.id && i.place === b.place), b)
        return state.filter((i) => i.id === held.id || !before.some((b) => b.id === i.id))
      }
      await s.connect()
      await body({ s, items, before: await items(), finding: async () => {
        const all = await s.findings()
        assert.equal(all.length, 1, JSON.stringify(all))
        return all[0]
      } })
    })
    const acted = async (s) => (await s.events()).filter((e) => e.activity_name === ACTIVITY[action]).length
    const restored = async (s) => (await s.events()).filter((e) => e.activity_name === 'Restore').length
    const killed = (r, point) => assert.notEqual(r.code, 0, `${point} was not passed: ${r.stderr}`)

    for (const [point, called] of [['action.intended', false], ['action.called', true]]) {
      test(`${provider}: ${action}, at ${point}`, { skip }, () => scene(async ({ s, items, before, finding }) => {
        killed(await s.once({ env: { SEKISHO_CRASH: `${point}:1` }, code: null }), point)
        // Right afterwards: the intent is durable, with its receipt; the cloud is as it was, or as it is to be.
        const f = await finding()
        assert.deepEqual([f.action.kind, f.action.state], [action, 'intended'])
        assert.ok(Object.keys((await s.show(f.id)).receipt).length)
        const now = await items()
        if (called) assert.ok(done(now), JSON.stringify(now))
        else assert.deepEqual(now, before)
        assert.equal(await acted(s), 0)

        await s.once()
        assert.equal((await finding()).action.state, 'done')
        const after = await items()
        assert.ok(done(after), JSON.stringify(after))
        if (called) assert.deepEqual(after.map(steady), now.map(steady), 'something was done twice')
        assert.equal(await acted(s), 1)

        await s.once()
        assert.deepEqual(await items(), after)
        const back = await s.run(['quarantine', 'restore', f.id])
        assert.equal(back.code, 0, back.stderr)
        assert.deepEqual((await items()).map(steady), before.map(steady))
      }))
    }

    for (const [point, called] of [['restore.begin', false], ['restore.called', true]]) {
      test(`${provider}: ${action} undone, at ${point}`, { skip }, () => scene(async ({ s, items, before, finding }) => {
        await s.once()
        const f = await finding(), held = await items()
        assert.equal(f.action.state, 'done')
        assert.ok(done(held), JSON.stringify(held))
        killed(await s.run(['quarantine', 'restore', f.id], { env: { SEKISHO_CRASH: `${point}:1` } }), point)
        const now = await items()
        assert.deepEqual(now.map(steady), (called ? before : held).map(steady))
        assert.equal(await restored(s), 0)

        await s.once()
        assert.equal((await finding()).action.state, 'restored')
        const after = await items()
        assert.deepEqual(after.map(steady), before.map(steady))
        assert.equal(await restored(s), 1)
        const again = await s.run(['quarantine', 'restore', f.id])
        assert.equal(again.code, 9, again.stderr)
        // What was given back is not taken again.
        await s.once()
        assert.deepEqual(await items(), after)
        assert.equal(await acted(s), 1)
      }))
    }
  }
})
