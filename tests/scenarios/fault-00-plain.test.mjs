// Without any fault: the whole way at each provider, and that a second look does nothing.
import assert from 'node:assert/strict'
import { company, connectors, eachProvider, inScene, scenario, suite } from './lib.mjs'

suite('0: nothing is wrong', () => {
  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'threats are contained, the rest stays, and a second run does nothing', (provider) =>
    inScene({ seed: company(provider) }, async (s) => {
      await s.connect()
      await s.once()
      const first = await s.oracle()
      assert.ok(first.findings.length >= 2)
      await s.once()
      const second = await s.oracle()
      assert.deepEqual(second.findings, first.findings)
      assert.deepEqual(second.events, first.events)
      assert.deepEqual(second.state, first.state)
    }))

  scenario('all providers together', { seed: Object.assign({}, ...connectors().map((p) => company(p))) }, async (s) => {
    await s.connect()
    await s.once()
    await s.oracle()
  })
})
