// What somebody who is called at night types: slips of the pen are no good news, a service that does not run is seen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { company, connectors, inScene, suite, waitFor } from './lib.mjs'

const provider = connectors()[0]

suite('commands that look', () => {
  test('filters that match nothing by mistake, and acts that cannot be', () => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await s.once()
    const says = async (args, code, words) => {
      const r = await s.run(args)
      assert.equal(r.code, code, `${args.join(' ')}: ${r.stdout}${r.stderr}`)
      assert.match(r.stderr, words, args.join(' '))
      assert.equal(r.stdout, '')
      assert.doesNotMatch(r.stderr, /WARN|ERROR/, args.join(' '))
    }
    await says(['findings', '--state', 'contained'], 2, /contained.*none.*intended.*done.*restored/)
    await says(['findings', '--verdict', 'bad'], 2, /threat, unknown/)
    await says(['findings', '--service', 'mail'], 2, /exchange.*gmail/)
    await says(['findings', '--provider', 'm365'], 2, /microsoft, google, box, dropbox/)
    await says(['quarantine', 'list', '--state', 'held'], 2, /held/)
    for (const command of [['status'], ['findings'], ['quarantine', 'list']]) {
      await says([...command, '--tenant', 'aobo'], 6, /no tenant 'aobo'/)
      await says([...command, '--connection', 'aobo'], 6, /no connection 'aobo'/)
    }
    for (const act of ['show', 'restore', 'delete', 'download']) await says(['quarantine', act, 'nobody'], 6, /nobody/)
    const [f] = await s.findings('--state', 'done')
    assert.equal((await s.run(['quarantine', 'restore', f.id])).code, 0)
    assert.equal((await s.run(['quarantine', 'restore', f.id])).code, 9)
    await says(['quarantine', 'delete', f.id], 6, /nothing is in quarantine.*restored/)
    assert.deepEqual((await s.findings('--state', 'restored')).map((x) => x.id), [f.id])
  }))

  test('monitor mode is found as none, as the interface calls it', () => inScene({ seed: company(provider) }, async (s) => {
    await s.connect((e) => { e.mode = 'monitor' })
    await s.once()
    const all = await s.findings()
    assert.equal(all.length, 3)
    for (const state of ['none', 'would']) assert.equal((await s.findings('--state', state)).length, 3, state)
  }))

  test('whether the service runs', () => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    assert.equal((await s.status()).running, false)
    assert.match((await s.run(['status'])).stdout, /service does not run/)
    assert.doesNotMatch((await s.run(['status'])).stdout, /nothing is wrong/)
    const p = await s.serve()
    await waitFor('the first threats', async () => (await s.findings('--state', 'done')).length === 3)
    assert.equal((await s.status()).running, true)
    await waitFor('good news', async () => /nothing is wrong/.test((await s.run(['status'])).stdout))
    process.kill(p.pid, 'SIGKILL')
    await p.ended
    await waitFor('its end to be seen', async () => (await s.status()).running === false)
  }))
})
