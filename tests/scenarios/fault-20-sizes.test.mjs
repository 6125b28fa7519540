// 20: files of no bytes, of exactly the limit, and one byte beyond; a listing that lies about it.
import assert from 'node:assert/strict'
import { eachProvider, EICAR, emlWith, inScene, PLACES, suite } from './lib.mjs'
import { planted } from './oracle.mjs'

const limit = 64 * 1024
const settings = { limits: { item: '64 KiB', in_flight: '1 MiB' } }
const filled = (n, salt) => Buffer.alloc(n, `${salt} some harmless words. `)

suite('20: sizes', () => {
  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'around the limit', (provider) => {
    const p = PLACES[provider]()
    const seed = {
      [`${p.files}/empty.txt`]: '',
      [`${p.files}/below.txt`]: filled(limit - 1, 'a'),
      [`${p.files}/at.txt`]: filled(limit, 'b'),
      [`${p.files}/beyond.txt`]: filled(limit + 1, 'c'),
      [`${p.files}/far beyond.txt`]: filled(limit * 20, 'd'),
      [`${p.files}/threat.com`]: EICAR,
    }
    if (p.mail) {
      seed[`${p.mail}/1.eml`] = emlWith('small', { 'a.bin': filled(1000, 'e') })
      seed[`${p.mail}/2.eml`] = emlWith('large', { 'a.bin': filled(limit, 'f') })
    }
    return inScene({ seed, settings }, async (s) => {
      await s.connect()
      await s.once()
      const r = await s.oracle({ unknown: p.mail ? 3 : 2 })
      const unknown = r.findings.filter((f) => !planted(f.item))
      assert.deepEqual(unknown.map((f) => [f.item.name, f.verdict.status, f.verdict.reason, f.action.state]).sort(),
        ['beyond.txt', 'far beyond.txt', ...(p.mail ? ['large'] : [])].map((n) => [n, 'unknown', 'size_limit', 'none']).sort())
      const sum = r.status.connections[0]
      assert.deepEqual([sum.seen, sum.unknown, sum.scanned], [s.before.length, unknown.length, s.before.length - unknown.length])
    })
  })

  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'more than fits into memory at once, one after the other', (provider) => {
    const p = PLACES[provider]()
    const seed = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${p.files}/big ${i}.bin`, filled(60000, `${i}`)]))
    seed[`${p.files}/threat.com`] = EICAR
    return inScene({ seed, settings: { limits: { item: '64 KiB', in_flight: '1 MiB' }, scan: { workers: 1, threads: 12 } } }, async (s) => {
      await s.connect()
      await s.once()
      await s.oracle()
    })
  })
})
