// 28 and 26: workers that crash, hang or take all memory over an item; broken signatures while the service runs.
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectors, EICAR, PLACES, processTree, scenario, suite, waitFor } from './lib.mjs'
import { usersOf } from './users.mjs'

const provider = connectors()[0]
const p = PLACES[provider]()
const settings = { limits: { scan_time: '2 s' }, poll: { fast: '200 ms', slow: '400 ms', discover: '30 s' } }
const env = { SEKISHO_SCAN_TEST: '1' }

suite('28 and 26: workers and signatures', () => {
  scenario('a second crash on an item makes it unknown, and the others are judged', { settings, seed: {
    [`${p.files}/a crash.bin`]: 'sekisho-testpoint:crash', [`${p.files}/b hang.bin`]: 'sekisho-testpoint:hang', [`${p.files}/c exit.bin`]: 'sekisho-testpoint:exit',
    [`${p.files}/e.txt`]: 'fine', [`${p.files}/threat.com`]: EICAR, [`${p.files}/f.txt`]: 'fine too',
  } }, async (s) => {
    await s.connect()
    await s.once({ env })
    const f = await s.findings()
    const bad = Object.fromEntries(f.filter((x) => x.verdict.status === 'unknown').map((x) => [x.item.name, x.verdict.reason]))
    assert.equal(bad['a crash.bin'], 'crashed')
    assert.equal(bad['c exit.bin'], 'crashed')
    assert.match(bad['b hang.bin'], /time/)
    await s.oracle({ unknown: Object.keys(bad).length })
    for (const x of f.filter((y) => y.verdict.status === 'unknown')) assert.equal(x.action.state, 'none')
  })

  scenario('what crashed a worker once, and not again, is judged', { settings, seed: { [`${p.files}/threat.com`]: EICAR, [`${p.files}/a hang.bin`]: 'sekisho-testpoint:hang' } }, async (s) => {
    await s.connect()
    const run = s.begin(['once'], env)
    const worker = await waitFor('a worker', () => processTree(run.pid).find((x) => x.role === 'worker'))
    process.kill(worker.pid, 'SIGKILL')
    await run.ended
    await s.once()
    await s.oracle({ unknown: (await s.findings()).filter((f) => f.verdict.status === 'unknown').length })
  })

  scenario('broken signatures while serving: the old engine stays, good ones are taken', { settings, seed: { [`${p.files}/a.txt`]: 'a', [`${p.files}/threat.com`]: EICAR } }, async (s) => {
    const users = usersOf(s.cloud, provider)
    const file = join(s.dir, 'signatures', 'more.ndb')
    await s.connect()
    const run = await s.serve()
    await waitFor('the first threat', async () => (await s.findings('--state', 'done')).length === 1)
    writeFileSync(file, 'this is : no : signature : at all : \u0000\n'.repeat(50))
    await waitFor('the refusal', () => /scan\.(refused|database_refused|swap)/.test(run.stderr) || /refus|malformed|broken/i.test(run.stderr))
    await users.addFile('threat 2.com', EICAR + ' ')
    await s.appeared('threat 2.com')
    await waitFor('the second threat', async () => (await s.findings('--state', 'done')).length === 2)
    // a good one: hex of "find me with new signatures"
    writeFileSync(file, `Test.New:0:*:${Buffer.from('find me with new signatures').toString('hex')}\n`)
    await waitFor('the new signatures', () => /core scan\.database signatures=9/.test(run.stderr))
    await users.addFile('threat 3.txt', 'please find me with new signatures')
    await s.appeared('threat 3.txt')
    await waitFor('the third threat', async () => (await s.findings('--state', 'done')).some((f) => /Test\.New/.test(JSON.stringify(f.verdict.threats))))
    rmSync(file)
    await run.stop()
    await s.once()
    await s.oracle()
  })
})
