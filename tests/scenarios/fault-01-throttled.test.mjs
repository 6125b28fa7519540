// 1: 429 with Retry-After in seconds, as a date, absurd, and without: that connection alone waits, and all is done after.
import assert from 'node:assert/strict'
import { API, company, eachProvider, inScene, PLACES, suite } from './lib.mjs'

const seedOfTwo = (provider) => ({ ...company(provider, 'aoba'), ...company(provider, 'midori') })
const ids = (provider) => ['aoba', 'midori'].map((t) => PLACES[provider](t).id)
const wait = 2000

async function throttled(s, provider, header, { skip = 0, times = 2 } = {}) {
  await s.connect(undefined, ids(provider))
  await s.cloud.faults({ provider, tenant: 'aoba', path_regex: API, what: 'status', status: 429, skip, times, headers: header ? { 'Retry-After': header() } : {} })
}

const contained = async (s, tenant) => (await s.findings('--tenant', tenant)).map((f) => Date.parse(f.times.contained))

// Between a 429 and the end of its time no call of that connection begins; those under way may end.
function assertQuiet(journal, ms) {
  const own = journal.filter((r) => r.tenant === 'aoba')
  const struck = own.filter((r) => r.status === 429)
  assert.ok(struck.length)
  const last = Date.parse(struck.at(-1).time)
  const early = own.filter((r) => Date.parse(r.time) > last + 500 && Date.parse(r.time) < last + ms - 100)
  assert.deepEqual(early.map((r) => [r.time, r.path]), [], `calls before ${struck.at(-1).time} + ${ms} ms`)
}

const everybody = ['microsoft', 'google', 'box', 'dropbox']

suite('1: throttled', () => {
  eachProvider(everybody, 'Retry-After in seconds', (provider) => inScene({ seed: seedOfTwo(provider) }, async (s) => {
    await throttled(s, provider, () => '2')
    await s.once()
    await s.oracle()
    assertQuiet(await s.cloud.journal(), wait)
    const [a, m] = [await contained(s, 'aoba'), await contained(s, 'midori')]
    assert.ok(Math.max(...m) < Math.min(...a), 'the other tenant waited too')
  }))

  eachProvider(everybody, 'Retry-After while content is fetched and contained', (provider) => inScene({ seed: seedOfTwo(provider) }, async (s) => {
    await throttled(s, provider, () => '1', { skip: 25, times: 3 })
    await s.once()
    await s.oracle()
  }))

  eachProvider(everybody, 'Retry-After as a date', (provider) => inScene({ seed: seedOfTwo(provider) }, async (s) => {
    const until = Math.ceil(Date.now() / 1000) * 1000 + wait // a date has whole seconds
    await throttled(s, provider, () => new Date(until).toUTCString(), { times: 1 })
    await s.once()
    await s.oracle()
    const journal = await s.cloud.journal()
    assertQuiet(journal, until - Date.parse(journal.find((r) => r.status === 429).time))
  }))

  eachProvider(['microsoft', 'box'], 'without Retry-After, or one that says nothing', (provider) => inScene({ seed: seedOfTwo(provider) }, async (s) => {
    await throttled(s, provider, undefined)
    for (const value of ['soon', '-7', '', '0', 'Thu, 01 Jan 1970 00:00:00 GMT']) {
      await s.cloud.faults({ provider, tenant: 'aoba', path_regex: API, what: 'status', status: 429, skip: 20, times: 1, headers: { 'Retry-After': value } })
    }
    await s.once()
    await s.oracle()
  }))

  eachProvider(['microsoft', 'box'], 'an absurd Retry-After is capped, and a later run does not wait for it', (provider) => inScene({ seed: seedOfTwo(provider) }, async (s) => {
    await throttled(s, provider, () => '99999999999999999999', { skip: 12, times: 1 })
    const first = await s.once({ code: 5 })
    assert.ok(first.ms < 20000)
    assert.equal((await contained(s, 'midori')).filter(Boolean).length, company(provider)[`${PLACES[provider]().mail}/1.eml`] ? 3 : 2)
    await s.once()
    await s.oracle()
  }))
})
