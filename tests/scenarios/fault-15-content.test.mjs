// 15 to 19: bombs, nesting, lies, broken MIME, Japanese charsets and encrypted content on their way from the cloud to
// the verdict. The samples and what must come of each are those of the engine's own tests; none is ever called clean
// that is not.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { root } from '../sdk/lib.mjs'
import { eachProvider, inScene, PLACES, suite } from './lib.mjs'
import { assertCoverage, assertEvents } from './oracle.mjs'

const samples = mkdtempSync(join(tmpdir(), 'samples-'))
after(() => rmSync(samples, { recursive: true }))
execFileSync('python3', [join(root, 'tests/unit/scan_samples.py'), samples])

// {"name", "verdict", "reason", another verdict that will do or NULL}
const expected = new Map([...readFileSync(join(root, 'tests/unit/scan_lies.c'), 'utf8')
  .matchAll(/\{"([^"]+)", "(threat|unknown|clean)", "([^"]*)", (?:NULL|"(\w+)")\}/g)].map((m) => [m[1], m.slice(2)]))
const everything = process.env.CONTENT_PROVIDER ?? 'microsoft'
const limits = { item: '32 MiB', in_flight: '64 MiB', part: '1 MiB', total: '16 MiB', depth: 10, parts: 200, scan_time: '10 min' }
const marker = 'sekisho-unit-test-marker-0123456789abcdef'

suite('15 to 19: content', () => {
  for (const kind of ['mail', 'files']) {
    eachProvider(kind === 'mail' ? ['microsoft', 'google'] : ['microsoft', 'google', 'box', 'dropbox'], `${kind} that lie, nest, swell and stammer`, (provider) => {
      const seed = {}
      const bytes = new Map()
      // all of them at one provider; at the others one of each sort
      const all = provider === everything || kind === 'mail'
      for (const name of readdirSync(samples)) {
        if (name.endsWith('.eml') !== (kind === 'mail') || !expected.has(name)) continue
        if (!all && !/^(marker|clean|deep50|overlapping|flat-bomb|encrypted)\.\w+$/.test(name)) continue
        const content = readFileSync(join(samples, name))
        bytes.set(createHash('sha256').update(content).digest('hex'), name)
        seed[`${PLACES[provider]()[kind]}/${name}`] = content
      }
      assert.ok(bytes.size >= 12)
      return inScene({ seed, settings: { limits, scan: { workers: 2 } } }, async (s) => {
        writeFileSync(join(s.dir, 'signatures', 'marker.ndb'), `Test.Marker:0:*:${Buffer.from(marker).toString('hex')}\n`)
        await s.connect()
        await s.once()
        const [state, findings, events, status] = [await s.state(), await s.findings(), await s.events(), await s.status()]
        const wrong = []
        for (const b of s.before) {
          const name = bytes.get(b.sha256)
          assert.ok(name, `fakecloud changed ${JSON.stringify(b)}`)
          const [verdict, reason, other] = expected.get(name)
          const mine = findings.filter((f) => f.item.id === b.id)
          const got = mine.length ? mine[0].verdict.status : 'clean'
          const held = state.find((i) => i.id === b.id).quarantined
          if (mine.length > 1 || (got !== verdict && got !== other) || (got === 'unknown' && verdict === 'unknown' && mine[0].verdict.reason !== reason) || held !== (got === 'threat')) {
            wrong.push(`${name}: ${got} ${mine[0]?.verdict.reason ?? ''} held ${held} (${JSON.stringify(mine[0]?.action)}); wanted ${verdict} ${reason}`)
          }
        }
        assert.deepEqual(wrong, [])
        await assertEvents(s, findings, events)
        assertCoverage(status)
      })
    })
  }
})
