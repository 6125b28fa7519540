// 22: the disk is full under the store, the vault, the event log, the spool, each alone, and under everything; while
// serving and before the first start. The service says so, loses nothing, calls nothing clean that it could not look at,
// and goes on by itself when there is room. Needs to mount small file systems.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { alive, company, connectors, EICAR, inScene, suite, waitFor } from './lib.mjs'
import { usersOf } from './users.mjs'

function canMount() {
  const dir = mkdtempSync(join(tmpdir(), 'mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', dir], { stdio: 'ignore' })
    execFileSync('umount', [dir], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(dir, { recursive: true })
  }
}
const skip = canMount() ? false : 'no right to mount a small file system here'
const provider = connectors()[0]
const settings = { poll: { fast: '200 ms', slow: '400 ms', discover: '30 s' }, limits: { item: '2 MiB', in_flight: '16 MiB' } }
const word = /disk_full/

// Takes all the room that is left; the file to remove for having it back.
function fill(dir) {
  const file = join(dir, 'filler')
  const fd = openSync(file, 'w')
  for (const size of [65536, 4096, 512]) {
    try {
      for (;;) if (writeSync(fd, Buffer.alloc(size, 1)) < size) break
    } catch (e) {
      assert.equal(e.code, 'ENOSPC')
    }
  }
  closeSync(fd)
  return file
}

// body(small folder): a file system of its own at the folder `sub` of the state. The store alone lies on it, or is the
// one thing that does not, through a link.
async function withMount(s, { sub, size, store }, body) {
  const dir = join(s.state_dir, sub)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'none', dir])
  try {
    if (store) {
      const file = store === 'inside' ? join(dir, 'store.db') : join(s.dir, 'store.db')
      closeSync(openSync(file, 'w', 0o600))
      symlinkSync(file, join(s.state_dir, 'store.db'))
    }
    await body(dir)
  } finally {
    await s.stopAll()
    execFileSync('umount', ['-l', dir])
  }
}

const says = (p, from = 0) => waitFor('word of it', () => word.test(p.stderr.slice(from)), 40)
// One clear error, and not a flood of them.
const calm = (text) => assert.ok(text.split('\n').filter((l) => / ERROR /.test(l)).length <= 40, `a flood of errors: ${text.slice(-2000)}`)

suite('22: a full disk', () => {
  for (const place of [
    { what: 'everything', sub: '.', size: '24m' },
    { what: 'the store', sub: 'small', size: '8m', store: 'inside' },
    { what: 'the event log', sub: 'events', size: '1m' },
    { what: 'the spool', sub: 'spool', size: '12m' },
  ]) {
    test(`${place.what}, while serving`, { skip }, () => inScene({ seed: company(provider), settings }, (s) => withMount(s, place, async (dir) => {
      const users = usersOf(s.cloud, provider)
      await s.connect()
      const p = await s.serve()
      await waitFor('the first threats', async () => (await s.findings('--state', 'done')).length === 3)
      const filler = fill(dir)
      const said = p.stderr.length
      for (let i = 0; i < 5; i++) {
        // more than half of the limit goes to the spool
        await users.addFile(`threat ${i}.com`, i % 2 ? EICAR + ' '.repeat(i) : Buffer.concat([Buffer.from(EICAR + ' '.repeat(i) + '\n'), Buffer.alloc(20 + i, 10)]))
        await s.appeared(`threat ${i}.com`)
        await users.addFile(`large ${i}.bin`, Buffer.alloc(1500000 + i, 7))
        await s.appeared(`large ${i}.bin`)
      }
      await says(p, said)
      assert.equal(alive(p.pid), true)
      if (place.sub === '.') assert.ok((await s.status()).wrong >= 1, 'status knows nothing of it')
      const beside = place.what === 'the spool' || place.what === 'the event log'
      // what has nothing to do with that disk goes on
      if (beside) await waitFor('containing beside it', async () => (await s.findings('--state', 'done')).length === 8, 40)
      const from = p.stderr.length
      rmSync(filler)
      await waitFor('all to be done after all', async () => (await s.findings('--state', 'done')).length === 8, 40)
      await waitFor('all to be looked at', async () => { const w = (await s.status()).waiting; return w.live + w.backlog + w.actions + w.events === 0 }, 90)
      if (!beside) assert.match(p.stderr.slice(from), /store\.writes/)
      calm(p.stderr)
      await p.stop()
      await s.once()
      await s.oracle()
    })))
  }

  for (const place of [{ what: 'everything', sub: '.', size: '24m' }, { what: 'the store', sub: 'small', size: '8m', store: 'inside' }]) {
    test(`${place.what}, between connecting and the first run`, { skip }, () => inScene({ seed: company(provider), settings }, (s) => withMount(s, place, async (dir) => {
      await s.connect()
      const filler = fill(dir)
      const r = await s.once({ code: null, seconds: 90 })
      assert.ok([1, 5].includes(r.code), `ended with ${r.code}`)
      assert.match(r.stderr, word)
      calm(r.stderr)
      rmSync(filler)
      await s.once()
      await s.oracle()
    })))
  }

  for (const place of [{ what: 'everything', sub: '.', size: '1m' }, { what: 'the vault', sub: '.', size: '1m', store: 'outside' }]) {
    test(`${place.what}, before the first start`, { skip }, () => inScene({ seed: company(provider), settings }, (s) => withMount(s, place, async (dir) => {
      const filler = fill(dir)
      const r = await s.run(['connect', '--from', s.entries(s.ids().map((id) => s.entry(id)))])
      assert.ok(r.code === 1 || r.code === 5, `ended with ${r.code}: ${r.stderr}`)
      assert.match(r.stderr, /disk_full|no room|No space/i)
      rmSync(filler)
      if (place.sub === '.') execFileSync('mount', ['-o', 'remount,size=24m', dir])
      await s.connect()
      await s.once()
      await s.oracle()
      s.assertNoSecrets()
    })))
  }

  test('the vault, while serving', { skip }, () => inScene({ seed: { ...company(provider), ...company(provider, 'midori') }, settings }, (s) => withMount(s, { sub: '.', size: '2m', store: 'outside' }, async (dir) => {
    const users = usersOf(s.cloud, provider)
    const mine = s.ids().filter((id) => id.startsWith('aoba-'))
    const others = s.ids().filter((id) => id.startsWith('midori-'))
    await s.connect(undefined, mine)
    const p = await s.serve()
    await waitFor('the first threats', async () => (await s.findings('--state', 'done')).length === 3)
    const file = s.entries(others.map((id) => s.entry(id)))
    const filler = fill(dir)
    const r = await s.run(['connect', '--from', file])
    assert.ok(r.code === 1 || r.code === 5, `ended with ${r.code}: ${r.stderr}`)
    assert.match(r.stderr, /disk_full|no room|No space/i)
    await users.addFile('threat later.com', EICAR + ' ')
    await s.appeared('threat later.com')
    await waitFor('containing beside it', async () => (await s.findings('--state', 'done')).length === 4, 40)
    rmSync(filler)
    await s.connect(undefined, others)
    await waitFor('all to be done', async () => (await s.findings('--state', 'done')).length === 7, 40)
    calm(p.stderr)
    await p.stop()
    await s.once()
    await s.oracle()
    s.assertNoSecrets()
  })))
})
