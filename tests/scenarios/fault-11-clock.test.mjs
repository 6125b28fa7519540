// 11: the clocks of the provider and of this machine are ten minutes apart, either way.
import { company, eachProvider, inScene, suite } from './lib.mjs'

suite('11: the clock', () => {
  for (const seconds of [600, -600]) {
    eachProvider(['microsoft', 'google', 'box', 'dropbox'], `the provider's clock is ${seconds} seconds off`, (provider) => inScene({ seed: company(provider) }, async (s) => {
      await s.cloud.clock(seconds)
      await s.connect()
      await s.once()
      await s.oracle()
    }))
  }

  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'it jumps while tokens are in use, and they expire', (provider) => inScene({ seed: company(provider) }, async (s) => {
    await s.connect()
    await s.once()
    await s.cloud.clock(86400)
    await s.once()
    await s.oracle()
  }))
})
