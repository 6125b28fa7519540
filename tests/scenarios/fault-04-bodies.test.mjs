// 4, 7, 8, 9: bodies that are cut, of a wrong length, HTML with status 200, gzip bombs, JSON nested without end. None is
// taken for an empty feed or for the content of a file; each is tried again, and then all is done.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { CALLS, company, eachProvider, inScene, processTree, suite, waitFor } from './lib.mjs'

const everybody = ['microsoft', 'google', 'box', 'dropbox']

// The faults strike lists, contents and acts, each twice.
const strike = (s, provider, kinds, what) => s.cloud.faults(kinds.map((k) => ({ provider, ...CALLS[provider][k], times: 2, ...what })))

async function assertStruck(s, n) {
  const hits = (await s.cloud.journal()).filter((r) => r.fault).length
  assert.ok(hits >= n, `only ${hits} requests were struck`)
}

const json = { 'Content-Type': 'application/json' }

suite('4, 7, 8, 9: bodies', () => {
  eachProvider(everybody, 'bodies are cut', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await strike(s, provider, ['list', 'content', 'act'], { what: 'cut', after_bytes: 20 })
    await s.once()
    await s.oracle()
    await assertStruck(s, 6)
  }))

  eachProvider(everybody, 'bodies are longer than announced, or shorter', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await strike(s, provider, ['list', 'act'], { what: 'wrong_length', length_delta: 50 })
    await strike(s, provider, ['list', 'content'], { what: 'wrong_length', length_delta: -5 })
    await s.once()
    await s.oracle()
    await assertStruck(s, 8)
  }))

  eachProvider(everybody, 'the change is made and the answer is lost', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await strike(s, provider, ['act'], { what: 'drop_reply' })
    await s.once()
    await s.oracle()
    await assertStruck(s, 2)
  }))

  eachProvider(everybody, 'HTML with status 200, as a list and as a content', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await strike(s, provider, ['list', 'content', 'act'],
      { what: 'status', status: 200, headers: { 'Content-Type': 'text/html' }, body: '<!doctype html><title>Sign in to the Wi-Fi</title>' })
    await s.once()
    await s.oracle()
    await assertStruck(s, 6)
  }))

  // Dropbox tells about a content in a header, without which it is none.
  eachProvider(['microsoft', 'google', 'box'], 'a content that never is what the list says is unknown', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    const file = provider === 'microsoft' ? { path_regex: '/items/.*/content$' } : provider === 'google' ? { path_regex: 'alt=media' } : CALLS[provider].content
    await s.cloud.faults({ provider, ...file, what: 'status', status: 200, times: 0, headers: { 'Content-Type': 'text/html' }, body: '<!doctype html>' })
    await s.once()
    const unknown = (await s.findings()).filter((f) => f.item.name.endsWith('.com'))
    assert.deepEqual(unknown.map((f) => [f.verdict.status, f.verdict.reason]), [['unknown', 'not_as_listed'], ['unknown', 'not_as_listed']])
  }))

  eachProvider(everybody, 'an empty object with status 200', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await strike(s, provider, ['list', 'act'], { what: 'status', status: 200, headers: json, body: {} })
    await s.once()
    await s.oracle()
    await assertStruck(s, 4)
  }))

  eachProvider(everybody, 'a gzip bomb as an answer', (provider) => inScene({ seed: company(provider) }, async (s) => {
    const bomb = gzipSync(Buffer.alloc(512 << 20, ' ')).toString('base64')
    await s.connect()
    await strike(s, provider, ['list'], { what: 'status', status: 200, headers: { ...json, 'Content-Encoding': 'gzip' }, body_base64: bomb })
    const p = await s.serve()
    let peak = 0
    await waitFor('all threats to be contained', async () => {
      const core = processTree(p.pid).find((x) => x.role === 'core')
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${core.pid}/status`, 'utf8'))?.[1] ?? 0))
      return (await s.findings('--state', 'done')).length === s.before.filter((i) => /threat/.test(i.name)).length
    }, 50)
    await p.stop()
    assert.ok(peak > 1000 && peak < 300_000, `core took ${peak} KiB`)
    await s.once()
    await s.oracle()
    await assertStruck(s, 2)
  }))

  eachProvider(everybody, 'JSON nested a hundred thousand deep', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await strike(s, provider, ['list'], { what: 'status', status: 200, headers: json, body: '['.repeat(100000) })
    await strike(s, provider, ['list', 'act'], { what: 'status', status: 200, headers: json, body: '{"value":'.repeat(100000) })
    await s.once()
    await s.oracle()
    await assertStruck(s, 6)
  }))
})
