// Microsoft 365 as somebody else would imitate it: an emulator that has only what is documented, in the plainest legal form,
// and refuses in turn what a cloud or a proxy may lack. Threats in mail and files are contained, nothing else is touched.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startEmulator } from './graph-emulator.mjs'
import { EICAR, eml, emlWith, inScene, suite } from './lib.mjs'

const mails = { lunch: eml('lunch'), 'threat by mail': emlWith('threat by mail', { 'invoice.com': EICAR }), dinner: eml('dinner'), 'threat bare': eml('threat bare', EICAR), news: eml('news') }
const files = { 'docs/plan.txt': 'the plan', 'docs/threat.com': EICAR, 'a.txt': 'a', 'b.txt': 'b', 'plan.docx': 'a plan', 'more/deep/threat too.com': `${EICAR}\r\n`, '報告 #1%.txt': 'report' }

// Calls that change something, as the emulator took them.
const changes = (cloud) => cloud.requests.filter((r) => r.method !== 'GET' && r.status < 300).map((r) => `${r.method} ${r.path.split('?')[0].replace('/v1.0', '')}`)

const variants = {
  'all that is optional answers 404': { refuse: () => ({ status: 404, code: 'ResourceNotFound' }) },
  'all that is optional answers 403': { refuse: (what) => (what === 'permanentDelete' ? { status: 405, code: 'x' } : /hidden/.test(what) ? { status: 400 } : { status: 403, code: 'accessDenied' }) },
  'all that is optional answers 400': { refuse: () => ({ status: 400, code: 'BadRequest' }) },
  'all that is optional answers 501': { refuse: (what) => (what === 'make hidden' ? { status: 400 } : { status: 501, code: 'notImplemented' }) },
  'files without a cTag anywhere': { refuse: (what) => (['other', 'drives'].includes(what) ? { status: 404 } : undefined), ctag: false },
  'busy, until a date': { refuse: (what) => (what === 'other' ? { status: 404 } : undefined), busy: 2 },
  'ids with odd characters': { refuse: (what) => (what === 'other' ? { status: 404 } : undefined), odd: ' +&=?#%2F~é' },
}

async function elsewhere(options, body) {
  const cloud = await startEmulator({ mails, files, ...options })
  try {
    await inScene({ cloud }, async (s) => {
      await body(s, cloud)
      assert.deepEqual(cloud.errors, [])
    })
  } finally {
    await cloud.stop()
  }
}

suite('another Microsoft Graph', () => {
  for (const [name, { busy = 0, ...options }] of Object.entries(variants)) {
    test(name, () => elsewhere(options, async (s, cloud) => {
      await s.connect()
      cloud.busy = busy
      await s.once()
      const status = await s.status()
      const first = await s.oracle({ wrong: status.wrong })
      assert.equal(first.findings.length, 4)
      // nothing but two folders made, and four things moved
      assert.deepEqual(changes(cloud).map((c) => c.replace(/(messages|items|mailFolders)\/[^/]+/, '$1/*').replace(/drives\/[^/]+/, 'drives/*').replace(/users\/[^/]+/, 'users/*')).sort(), [
        'PATCH /drives/*/items/*', 'PATCH /drives/*/items/*', 'POST /drives/*/items/*/children', 'POST /users/*/mailFolders', 'POST /users/*/messages/*/move', 'POST /users/*/messages/*/move'])
      // what comes afterwards is found as well, and what is contained is not found again
      cloud.addMail('threat later', eml('threat later', EICAR))
      cloud.addMail('tea', eml('tea'))
      cloud.addFile('threat later.com', `${EICAR}\n`)
      for (const what of ['threat later', 'tea', 'threat later.com']) await s.appeared(what)
      await s.once()
      assert.equal((await s.oracle({ wrong: status.wrong })).findings.length, 6)
      // every link is lost
      cloud.forget()
      await s.once()
      assert.equal((await s.oracle({ wrong: status.wrong })).findings.length, 6)
      // back, and away
      for (const what of ['threat by mail', 'threat.com', 'threat bare', 'threat too.com']) {
        const f = (await s.findings()).find((x) => (x.mail?.subject ?? x.item.name) === what)
        const act = /\.com|bare/.test(what) && what !== 'threat.com' ? 'delete' : 'restore'
        const r = await s.run(['quarantine', act, f.id])
        assert.equal(r.code, 0, `${act} ${what}: ${r.stderr}`)
        const now = (await s.state()).find((i) => i.id === f.item.id)
        if (act === 'delete') assert.equal(now, undefined, `${what} is still there`)
        else assert.deepEqual(now, s.before.find((i) => i.id === f.item.id))
      }
      await s.once()
      assert.deepEqual((await s.state()).filter((i) => i.quarantined).map((i) => i.name).sort(), ['threat later', 'threat later.com'])
      assert.equal((await s.findings()).length, 6, 'what came back was found again')
    }))
  }

  test('answers to moves without a place', () => elsewhere({ refuse: (what) => (what === 'answers' ? {} : { status: 404 }) }, async (s) => {
    await s.connect()
    await s.once()
    await s.oracle({ wrong: (await s.status()).wrong })
  }))
})
