// New mails and files that come while the service runs are found and contained; it ends in order, and takes up again.
import assert from 'node:assert/strict'
import { company, connectors, eachProvider, EICAR, eml, inScene, PLACES, processTree, scenario, suite, waitFor } from './lib.mjs'
import { usersOf } from './users.mjs'

const settings = { poll: { fast: '200 ms', slow: '400 ms', discover: '30 s' } }

suite('serving', () => {
  eachProvider(['microsoft', 'google', 'box', 'dropbox'], 'what comes is contained', (provider) => inScene({ seed: company(provider), settings }, async (s) => {
    const users = usersOf(s.cloud, provider)
    await s.connect()
    const p = await s.serve()
    await waitFor('the first threats', async () => (await s.findings('--state', 'done')).length === s.before.filter((i) => /threat/.test(i.name)).length)
    for (let i = 0; i < 3; i++) {
      await users.addFile(`threat ${i}.com`, EICAR + ' '.repeat(i))
      await s.appeared(`threat ${i}.com`)
      await users.addFile(`good ${i}.txt`, `good ${i}`)
      await s.appeared(`good ${i}.txt`)
      if (!users.addMail) continue
      await users.addMail(eml(`threat mail ${i}`, EICAR))
      await s.appeared(`threat mail ${i}`)
      await users.addMail(eml(`good mail ${i}`))
      await s.appeared(`good mail ${i}`)
    }
    const wanted = s.before.filter((i) => /threat/.test(i.name)).length
    await waitFor('all of them', async () => (await s.findings('--state', 'done')).length === wanted)
    // a clean file becomes a bad one
    const good = (await s.state()).find((i) => i.name === 'good 1.txt')
    await users.change(good, EICAR + '    ')
    await waitFor('the changed one', async () => (await s.findings('--state', 'done')).length === wanted + 1)
    await p.stop()
    await s.once()
    await s.oracle({ ignore: (i) => i.id === good.id })
    assert.equal((await s.state()).find((i) => i.id === good.id).quarantined, true)
  }))

  scenario('each role may die; the service goes on', { seed: company('microsoft'), settings }, async (s) => {
    const users = usersOf(s.cloud, 'microsoft')
    await s.connect()
    const p = await s.serve()
    await waitFor('the first threats', async () => (await s.findings('--state', 'done')).length === 3)
    for (const role of ['auth', 'scan', 'web', 'core', 'worker']) {
      const victim = await waitFor(role, () => processTree(p.pid).find((x) => x.role === role))
      process.kill(victim.pid, 'SIGKILL')
      await users.addFile(`threat after ${role}.com`, `${EICAR}${' '.repeat(role.charCodeAt(0))}`)
      await s.appeared(`threat after ${role}.com`)
      await waitFor(`work after the end of ${role}`, async () => (await s.findings('--state', 'done')).some((f) => f.item.name === `threat after ${role}.com`))
    }
    await p.stop()
    await s.once()
    await s.oracle()
  })

  scenario('a second one does not start on the same state', { seed: company(connectors()[0]), settings }, async (s) => {
    const p = await s.serve()
    const second = await s.run(['once'])
    assert.equal(second.code, 5, second.stderr)
    assert.match(second.stderr, /another sekisho runs/)
    await p.stop()
  })

  scenario('connecting beside a running service starts to protect', { seed: company(connectors()[0]), settings }, async (s) => {
    const p = await s.serve()
    await s.connect()
    const wanted = s.before.filter((i) => /threat/.test(i.name)).length
    await waitFor('the threats', async () => (await s.findings('--state', 'done')).length === wanted)
    const id = PLACES[connectors()[0]]().id
    const off = await s.run(['disconnect', id])
    assert.equal(off.code, 0, off.stderr)
    assert.equal((await s.run(['disconnect', id])).code, 9)
    assert.equal((await s.connections())[0].state, 'disconnected')
    const n = (await s.cloud.journal()).length
    const status = await s.status()
    assert.equal(status.wrong, 0)
    await p.stop()
    await s.once()
    assert.equal((await s.cloud.journal(n)).length, 0, 'a disconnected cloud was asked')
  })
})
