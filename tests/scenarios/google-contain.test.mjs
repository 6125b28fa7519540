// sekisho against a stand-in of Google Workspace, end to end: what is odd about Drive and Gmail, contained and given back.
import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { driveOf, gmailOf } from '../sdk/google-lib.mjs'
import { admin, eicar, eml, folderType, hana, ken, noSekisho, start, steady } from './google-lib.mjs'
import { startProxy } from './proxy.mjs'

const base = 'aoba/google'
const native = (kind) => `application/vnd.google-apps.${kind}`
const all = { supportsAllDrives: true }

async function quarantineDrives(cloud) {
  const { data } = await driveOf(cloud, admin).drives.list({ fields: 'drives(id,name)' })
  return data.drives.filter((d) => d.name === 'sekisho-quarantine')
}

// The administrator is its only member, whatever happened.
async function expectClosed(cloud) {
  const drives = await quarantineDrives(cloud)
  assert.equal(drives.length, 1, 'one quarantine drive')
  const { data } = await driveOf(cloud, admin).permissions.list({ fileId: drives[0].id, ...all, fields: 'permissions(emailAddress,role)' })
  assert.deepEqual(data.permissions, [{ emailAddress: admin, role: 'organizer' }])
}

describe('Drive', { skip: noSekisho }, () => {
  let s
  before(async () => {
    s = await start({
      seed: {
        [`${base}/.sekisho-seed.json`]: { malware: [`users/${hana}/drive/known.exe`] },
        [`${base}/users/${hana}/drive/known.exe`]: 'Google knows it',
        [`${base}/users/${hana}/drive/report.gdoc`]: eicar,
        [`${base}/users/${hana}/drive/plan.gdoc`]: 'the plan',
        [`${base}/users/${hana}/drive/in/bin.com`]: eicar,
        [`${base}/users/${hana}/drive/in/bin.com.sharing.json`]: ['user:ken@aoba.example:write', 'link:anonymous:view', 'link:organization:edit'],
        [`${base}/users/${ken}/drive/fine.txt`]: 'fine',
        [`${base}/shared-drives/Sales/fine too.txt`]: 'fine',
      },
    })
    const { cloud } = s
    const h = driveOf(cloud, hana)
    const find = async (name) => (await h.files.list({ q: `name = '${name}'`, fields: 'files(id)' })).data.files[0].id
    await h.files.update({ fileId: await find('bin.com'), requestBody: { description: 'kept' } })
    await h.files.create({ requestBody: { name: 'to plan', mimeType: native('shortcut'), shortcutDetails: { targetId: await find('plan') } } })
    await h.files.create({ requestBody: { name: 'a form', mimeType: native('form') } })
    await h.files.create({ requestBody: { name: 'big', mimeType: native('document') }, media: { mimeType: 'text/plain', body: 'x'.repeat(11 << 20) } })
    const trash = (await h.files.create({ requestBody: { name: 'thrown away.com' }, media: { mimeType: 'text/plain', body: eicar } })).data.id
    await h.files.update({ fileId: trash, requestBody: { trashed: true } })
    // A drive that ken alone organizes.
    const k = driveOf(cloud, ken)
    const kens = (await k.drives.create({ requestId: 'k', requestBody: { name: 'Kens' } })).data.id
    const sub = (await k.files.create({ ...all, requestBody: { name: 'sub', mimeType: folderType, parents: [kens] } })).data.id
    const bad = (await k.files.create({ ...all, requestBody: { name: 'shared.com', parents: [sub] }, media: { mimeType: 'text/plain', body: eicar } })).data.id
    await k.permissions.create({ fileId: bad, ...all, requestBody: { type: 'user', role: 'reader', emailAddress: hana }, sendNotificationEmail: false })
    s.before = Object.fromEntries((await s.state()).map((i) => [i.id, steady(i)]))
    s.connect()
    s.once()
  })
  after(() => s?.stop())

  const held = ['known.exe', 'report', 'bin.com', 'thrown away.com', 'shared.com']
  const trashedFile = async () =>
    (await driveOf(s.cloud, hana).files.list({ q: "name = 'thrown away.com'", fields: 'files(explicitlyTrashed)' })).data.files

  test('threats of every kind are contained', async () => {
    for (const name of held) {
      const [f] = s.found(name)
      assert.ok(f, name)
      assert.deepEqual([f.verdict.status, f.action.state], ['threat', 'done'], name)
      const item = await s.item(name)
      assert.deepEqual([item.quarantined, item.sharing], [true, []], name)
    }
    assert.equal(s.found('known.exe')[0].verdict.threats[0].name, 'Provider.cannotDownloadAbusiveFile')
    assert.equal(s.found('bin.com')[0].item.path, '/in')
    assert.equal(s.found('shared.com')[0].item.path, '/sub')
    await expectClosed(s.cloud)
  })

  test('what has no bytes says so', async () => {
    const reasons = Object.fromEntries(s.findings().filter((f) => f.verdict.status === 'unknown').map((f) => [f.item.name, f.verdict.reason]))
    assert.equal(reasons.big, undefined)
    const { streams, connections } = s.status()
    assert.deepEqual(streams.filter((x) => x.state !== 'active'), [])
    assert.equal(connections[0].unknown, 2, 'the shortcut and the form')
  })

  test('nothing that lies in quarantine is news', async () => {
    const n = s.findings().length
    s.once()
    assert.equal(s.findings().length, n)
    assert.ok(!s.status().streams.some((x) => x.name === 'sekisho-quarantine'))
  })

  test('a big document is exported in the background', async () => {
    const journal = await s.cloud.journal()
    assert.ok(journal.some((r) => r.method === 'POST' && /\/files\/[^/]+\/download/.test(r.path)))
    assert.ok(journal.some((r) => r.path.includes('/operations/')) || journal.some((r) => r.path.includes('download')))
  })

  test('all of it comes back as it was', async () => {
    for (const name of held) {
      s.restore(s.found(name)[0])
      assert.equal(s.found(name)[0].action.state, 'restored', name)
    }
    const now = Object.fromEntries((await s.state()).map((i) => [i.id, steady(i)]))
    assert.deepEqual(now, s.before)
    await expectClosed(s.cloud)
    assert.deepEqual(await trashedFile(), [{ explicitlyTrashed: true }])
    s.once()
    assert.equal(s.findings().filter((f) => f.action.state === 'done').length, 0, 'a released item is not contained again')
  })
})

describe('Drive, when moving is refused', { skip: noSekisho }, () => {
  let s
  before(async () => {
    s = await start({
      seed: {
        [`${base}/users/${hana}/drive/stuck.com`]: eicar,
        [`${base}/users/${hana}/drive/stuck.com.sharing.json`]: ['user:ken@aoba.example:read'],
        [`${base}/users/${ken}/drive/k.txt`]: 'k',
      },
    })
    s.before = steady(await s.item('stuck.com'))
    await s.cloud.faults([{ provider: 'google', method: 'PATCH', path_regex: 'addParents=', what: 'status', status: 403, times: 0,
      body: { error: { code: 403, message: 'Files of this type cannot be moved.', errors: [{ domain: 'global', reason: 'cannotMoveItem', message: 'no' }] } } }])
    s.connect()
    s.once()
  })
  after(() => s?.stop())

  test('the file is unshared and locked, and unlocked again', async () => {
    assert.equal(s.found('stuck.com')[0].action.state, 'done')
    const { id, sharing } = await s.item('stuck.com')
    assert.deepEqual(sharing, [])
    const get = async () => (await driveOf(s.cloud, hana).files.get({ fileId: id, fields: 'contentRestrictions(readOnly,ownerRestricted),copyRequiresWriterPermission' })).data
    assert.deepEqual(await get(), { copyRequiresWriterPermission: true, contentRestrictions: [{ readOnly: true, ownerRestricted: true }] })
    await expectClosed(s.cloud)
    await s.cloud.clearFaults()
    s.restore(s.found('stuck.com')[0])
    assert.equal(s.found('stuck.com')[0].action.state, 'restored')
    assert.deepEqual(steady(await s.item('stuck.com')), s.before)
    assert.notEqual((await get()).contentRestrictions?.[0]?.readOnly, true)
  })
})

// Whoever shares a threat with hundreds must not keep it out of quarantine that way: a receipt holds so much and no more.
describe('Drive, a file that is shared with hundreds', { skip: noSekisho }, () => {
  let s
  before(async () => {
    s = await start({
      seed: {
        [`${base}/users/${hana}/drive/wide.com`]: eicar,
        [`${base}/users/${hana}/drive/wide.com.sharing.json`]: Array.from({ length: 600 }, (_, i) => `user:reader-with-a-long-name-number-${i}@aoba.example:read`),
        [`${base}/users/${ken}/drive/k.txt`]: 'k',
      },
    })
    s.connect()
    s.once()
  })
  after(() => s?.stop())

  test('it is unshared, moved, and given back with what fits into the receipt', async () => {
    assert.deepEqual(s.found('wide.com').map((f) => [f.action.state, f.action.error]), [['done', null]])
    const held = await s.item('wide.com')
    assert.deepEqual([held.quarantined, held.sharing.filter((x) => x.includes('reader-with'))], [true, []])
    s.restore(s.found('wide.com')[0])
    const f = s.found('wide.com')[0]
    assert.equal(f.action.state, 'restored')
    const back = (await s.item('wide.com')).sharing.filter((x) => x.includes('reader-with')).length
    assert.ok(back > 100 && back < 600, `${back} have it again`)
    const { stdout } = s.run('quarantine', 'show', f.id, '--json')
    assert.match(stdout, new RegExp(`${600 - back} more whom it was shared with`))
  })
})

describe('Gmail', { skip: noSekisho }, () => {
  let s
  const labels = async (subject) => (await s.item(subject)).labels
  before(async () => {
    s = await start({
      seed: {
        [`${base}/users/${hana}/mail/INBOX/1.eml`]: eml('in the inbox', eicar),
        [`${base}/users/${hana}/mail/SPAM/2.eml`]: eml('in spam', eicar),
        [`${base}/users/${hana}/mail/TRASH/3.eml`]: eml('in trash', eicar),
        [`${base}/users/${hana}/mail/SENT/4.eml`]: eml('that was sent', eicar),
        [`${base}/users/${hana}/mail/Projects/Alpha/5.eml`]: eml('filed', eicar),
        [`${base}/users/${hana}/mail/INBOX/6.eml`]: eml('fine'),
        [`${base}/users/${ken}/mail/INBOX/7.eml`]: eml('fine, too'),
      },
    })
    const g = gmailOf(s.cloud, hana)
    const { data } = await g.users.messages.list({ userId: 'me', q: 'subject:inbox' })
    await g.users.messages.modify({ userId: 'me', id: data.messages[0].id, requestBody: { addLabelIds: ['UNREAD', 'STARRED', 'IMPORTANT'] } })
    s.before = Object.fromEntries((await s.state()).map((i) => [i.id, steady(i)]))
    s.connect()
    s.once()
  })
  after(() => s?.stop())

  test('mail is held under one hidden label', async () => {
    for (const subject of ['in the inbox', 'in spam', 'in trash', 'filed']) {
      const [f] = s.found(subject)
      assert.deepEqual([f.action.state, f.mail.from, f.mail.to], ['done', 'mika@else.example', 'hana@aoba.example, ken@aoba.example'], subject)
      assert.deepEqual(await labels(subject), ['sekisho-quarantine'], subject)
      assert.equal((await s.item(subject)).quarantined, true, subject)
    }
    assert.equal(s.found('filed')[0].item.path, '/Projects/Alpha')
    assert.deepEqual(new Set(await labels('that was sent')), new Set(['SENT', 'sekisho-quarantine']), 'nobody takes SENT off')
    const { data } = await gmailOf(s.cloud, hana).users.labels.list({ userId: 'me' })
    const ours = data.labels.filter((l) => l.name === 'sekisho-quarantine')
    assert.deepEqual(ours.map((l) => [l.labelListVisibility, l.messageListVisibility]), [['labelHide', 'hide']])
  })

  test('and comes back with the labels that it had', async () => {
    for (const f of s.findings()) s.restore(f)
    assert.deepEqual(Object.fromEntries((await s.state()).map((i) => [i.id, steady(i)])), s.before)
    assert.deepEqual(s.findings().map((f) => f.action.state), Array(5).fill('restored'))
  })

  test('what its reader threw away while it was held comes back from there', async () => {
    const g = gmailOf(s.cloud, hana)
    const insert = (subject, more) => g.users.messages.insert({ userId: 'me', requestBody: { labelIds: ['INBOX', 'STARRED'], raw: Buffer.from(eml(subject, eicar + more)).toString('base64url') } })
    const { id } = (await insert('thrown away', '\r\n\r\n')).data
    s.once()
    await g.users.messages.trash({ userId: 'me', id })
    s.restore(s.found('thrown away')[0])
    assert.deepEqual(new Set(await labels('thrown away')), new Set(['INBOX', 'STARRED']))
    assert.equal(s.found('thrown away')[0].action.state, 'restored')
  })

  test('what was deleted for good while it was held is said to be gone', async () => {
    const g = gmailOf(s.cloud, hana)
    const { id } = (await g.users.messages.insert({ userId: 'me', requestBody: { labelIds: ['INBOX'], raw: Buffer.from(eml('purged', `${eicar}\r\n\r\n\r\n`)).toString('base64url') } })).data
    s.once()
    await g.users.messages.delete({ userId: 'me', id })
    for (const what of ['restore', 'download']) {
      const r = s.run('quarantine', what, s.found('purged')[0].id, ...(what === 'download' ? ['--output', join(s.dir, 'x.zip')] : []))
      assert.notEqual(r.status, 0, what)
      assert.match(r.stderr, /gone/, what)
    }
    const [f] = s.found('purged')
    assert.deepEqual([f.action.state, f.action.error], ['done', 'gone'])
  })

  test('no label of a user keeps a message from being looked at', async () => {
    const g = gmailOf(s.cloud, hana)
    const ours = (await g.users.labels.list({ userId: 'me' })).data.labels.find((l) => l.name === 'sekisho-quarantine').id
    await s.cloud.expireCursors({ provider: 'google', tenant: 'aoba' })
    for (const [subject, labelIds] of [['hidden under it alone', [ours]], ['hidden under it, too', [ours, 'INBOX', 'STARRED']]])
      await g.users.messages.insert({ userId: 'me', requestBody: { labelIds, raw: Buffer.from(eml(subject, `${eicar}${'\r\n'.repeat(subject.length)}`)).toString('base64url') } })
    await s.cloud.expireCursors({ provider: 'google', tenant: 'aoba' })
    const n = s.findings().length
    s.once()
    assert.equal(s.findings().length, n + 2, 'and what is held is not found again')
    for (const subject of ['hidden under it alone', 'hidden under it, too']) {
      const [f] = s.found(subject)
      assert.deepEqual([f?.verdict.status, f?.action.state], ['threat', 'done'], subject)
      assert.deepEqual(await labels(subject), ['sekisho-quarantine'], subject)
      s.restore(f)
    }
    assert.deepEqual(await labels('hidden under it alone'), ['INBOX'])
    assert.deepEqual(new Set(await labels('hidden under it, too')), new Set(['INBOX', 'STARRED']))
  })

  test('a label that its owner deleted is made anew', async () => {
    const g = gmailOf(s.cloud, hana)
    const { data } = await g.users.labels.list({ userId: 'me' })
    await g.users.labels.delete({ userId: 'me', id: data.labels.find((l) => l.name === 'sekisho-quarantine').id })
    await g.users.messages.insert({ userId: 'me', requestBody: { labelIds: ['INBOX'], raw: Buffer.from(eml('another one', `${eicar}\r\n`)).toString('base64url') } })
    s.once()
    assert.deepEqual(await labels('another one'), ['sekisho-quarantine'])
    const r = s.run('quarantine', 'delete', s.found('another one')[0].id)
    assert.equal(r.status, 0, r.stderr)
    s.once()
    assert.deepEqual(new Set(await labels('another one')), new Set(['TRASH', 'sekisho-quarantine']))
  })
})

// Whoever moves his file into quarantine never is where others' files are held, and what is left half-way is taken on.
describe('The way to the quarantine drive', { skip: noSekisho }, () => {
  let s
  const drive = async (name) => (await driveOf(s.cloud, admin).drives.list({ q: `name = '${name}'`, fields: 'drives(id)' })).data.drives[0]?.id
  const members = async (id) => (await driveOf(s.cloud, admin).permissions.list({ fileId: id, ...all, fields: 'permissions(emailAddress)' })).data.permissions.map((p) => p.emailAddress)
  const transit = 'sekisho-quarantine-transit'
  const expectEmpty = async () => {
    assert.deepEqual((await s.state()).filter((i) => i.owner === transit), [])
    for (const name of ['sekisho-quarantine', transit]) assert.deepEqual(await members(await drive(name)), [admin], name)
  }
  before(async () => {
    s = await start({
      seed: {
        [`${base}/users/${hana}/drive/one.com`]: eicar,
        [`${base}/users/${hana}/drive/one.com.sharing.json`]: ['user:ken@aoba.example:read'],
        [`${base}/users/${ken}/drive/two.com`]: `${eicar}\n`,
        [`${base}/users/${admin}/drive/three.com`]: `${eicar}\n\n`,
      },
    })
    s.connect()
  })
  after(() => s?.stop())

  // Killed while a member is in, and cannot be put out.
  async function killInside(...args) {
    await s.cloud.faults([{ provider: 'google', method: 'DELETE', path_regex: 'useDomainAdminAccess', what: 'status', status: 503, delay_ms: 500, times: 0 }])
    const p = s.spawn(...args)
    const ended = once(p, 'exit')
    let id
    while (!(id = await drive(transit)) || (await members(id)).length < 2) assert.equal(p.exitCode, null)
    process.kill(-p.pid, 'SIGKILL')
    await ended
    await s.cloud.clearFaults()
    assert.equal((await members(id)).length, 2)
  }

  test('killed while an owner is in the transit drive: what lies there is taken on', async () => {
    await killInside('once')
    s.once()
    for (const name of ['one.com', 'two.com', 'three.com']) assert.equal((await s.item(name)).owner, 'sekisho-quarantine', name)
    await expectEmpty()
  })

  test('nobody was ever a member of the quarantine drive', async () => {
    const id = await drive('sekisho-quarantine')
    const calls = await s.cloud.journal()
    assert.deepEqual(calls.filter((r) => r.method === 'POST' && r.path.includes(`/files/${id}/permissions`)), [])
    const door = await drive(transit)
    assert.ok(calls.some((r) => r.method === 'POST' && r.path.includes(`/files/${door}/permissions?`)))
  })

  for (const lost of ['the first', 'the second'])
    test(`${lost} answer of the way back is lost`, async () => {
      const name = lost === 'the first' ? 'one.com' : 'two.com'
      await s.cloud.faults([{ provider: 'google', method: 'PATCH', path_regex: 'addParents=', what: 'drop_reply', times: 1, skip: lost === 'the first' ? 0 : 1 }])
      s.restore(s.found(name)[0])
      await s.cloud.clearFaults()
      s.once()
      assert.equal(s.found(name)[0].action.state, 'restored')
      assert.equal((await s.item(name)).owner, lost === 'the first' ? hana : ken)
      await expectEmpty()
    })

  test('killed while its owner is in for the way back', async () => {
    await driveOf(s.cloud, hana).files.create({ requestBody: { name: 'four.com' }, media: { mimeType: 'text/plain', body: `${eicar}\n\n\n` } })
    s.once()
    assert.equal((await s.item('four.com')).owner, 'sekisho-quarantine')
    await killInside('quarantine', 'restore', s.found('four.com')[0].id)
    s.once()
    assert.equal((await s.item('four.com')).owner, hana)
    await expectEmpty()
  })

  test('a transit drive that is deleted is made anew, one that somebody was let into is cleared', async () => {
    const a = driveOf(s.cloud, admin)
    await a.drives.delete({ driveId: await drive(transit) })
    await driveOf(s.cloud, hana).files.create({ requestBody: { name: 'five.com' }, media: { mimeType: 'text/plain', body: `${eicar}\n\n\n\n` } })
    s.once()
    assert.equal((await s.item('five.com')).owner, 'sekisho-quarantine')
    await a.permissions.create({ fileId: await drive(transit), ...all, sendNotificationEmail: false, requestBody: { type: 'user', role: 'organizer', emailAddress: ken } })
    s.restore(s.found('five.com')[0])
    assert.equal((await s.item('five.com')).owner, hana)
    await expectEmpty()
  })
})

// What an owner writes after the last look was judged by nobody: it is not held, and whoever had it has it again.
describe('Written to between the look and the end of the move', { skip: noSekisho }, () => {
  let s, proxy, act
  let number = 0
  const good = (...args) => s.good(...args)
  const write = (as, id, body) => driveOf(s.cloud, as).files.update({ fileId: id, ...all, media: { mimeType: 'text/plain', body } })
  const moments = {
    'unshared': (r) => r.method === 'DELETE' && /\/permissions\//.test(r.url) && !r.url.includes('useDomainAdminAccess'),
    'let into the transit drive': (r) => r.method === 'POST' && r.url.includes('useDomainAdminAccess'),
    'moved to the transit drive': (r) => r.method === 'PATCH' && r.url.includes('addParents') && seen('addParents') === 0,
    'moved, with its owner in the transit drive': (r) => r.method === 'GET' && /\/permissions\?/.test(r.url) && seen('addParents') === 1,
  }
  const seen = (text) => proxy.seen.slice(act.from, -1).filter((r) => r.method === 'PATCH' && r.url.includes(text)).length

  before(async () => {
    s = await start({ seed: { [`${base}/users/${hana}/drive/.keep`]: '', [`${base}/users/${ken}/drive/k.txt`]: 'k' } })
    proxy = await startProxy(s.cloud.urls.google, {
      before: async (r) => {
        if (!act || act.done || !act.when(r)) return
        act.done = true
        await act.do()
      },
    })
    s.through(proxy.url)
    await good('connect', '--from', s.connections)
    // The drives are there, and the way is settled once.
    await driveOf(s.cloud, hana).files.create({ requestBody: { name: 'first.com' }, media: { mimeType: 'text/plain', body: eicar } })
    await good('once')
    assert.equal((await s.item('first.com')).quarantined, true)
  })
  after(async () => {
    await proxy?.stop()
    await s?.stop()
  })

  for (const [moment, when] of Object.entries(moments))
    for (const [what, text] of [['harmless', () => 'harmless now'], ['another threat', () => `${eicar}${' '.repeat(number)}`]])
      test(`${what}, when it is ${moment}`, async () => {
        const name = `${what} ${moment}.com`
        const h = driveOf(s.cloud, hana)
        const { id } = (await h.files.create({ requestBody: { name }, media: { mimeType: 'text/plain', body: eicar + '\n'.repeat(++number) } })).data
        await h.permissions.create({ fileId: id, sendNotificationEmail: false, requestBody: { type: 'user', role: 'reader', emailAddress: ken } })
        const was = await s.item(name)
        act = { when, from: proxy.seen.length, do: () => write(hana, id, text()) }
        await good('once')
        assert.ok(act.done, 'it was written to')
        act = undefined
        await good('once') // the change is news
        const now = await s.item(name)
        const mine = s.found(name).map((f) => [f.verdict.status, f.action.state, f.action.error])
        if (what === 'harmless') {
          assert.deepEqual([now.quarantined, now.owner, now.place, now.sharing], [false, was.owner, was.place, was.sharing])
          assert.deepEqual(mine, [['threat', 'failed', 'changed']])
        } else {
          assert.equal(now.quarantined, true)
          assert.deepEqual(mine.map(([, state]) => state).sort(), ['done', 'failed'])
          assert.equal(s.found(name).find((f) => f.action.state === 'done').item.sha256, now.sha256, 'what is held is what was judged')
          await good('quarantine', 'restore', s.found(name).find((f) => f.action.state === 'done').id)
          await good('once')
          assert.deepEqual((await s.item(name)).sharing, was.sharing)
        }
        assert.deepEqual((await s.state()).filter((i) => i.owner.endsWith('-transit')), [])
      })
  test('moving is refused: it is locked too late, and unlocked', async () => {
    await s.cloud.faults([{ provider: 'google', method: 'PATCH', path_regex: 'addParents=', what: 'status', status: 403, times: 0,
      body: { error: { code: 403, message: 'no', errors: [{ domain: 'global', reason: 'cannotMoveItem', message: 'no' }] } } }])
    const h = driveOf(s.cloud, hana)
    const { id } = (await h.files.create({ requestBody: { name: 'locked late.com' }, media: { mimeType: 'text/plain', body: eicar + '\n'.repeat(++number) } })).data
    await h.permissions.create({ fileId: id, sendNotificationEmail: false, requestBody: { type: 'anyone', role: 'reader' } })
    const was = await s.item('locked late.com')
    act = { when: (r) => r.method === 'PATCH' && r.body.includes('contentRestrictions'), from: proxy.seen.length, do: () => write(hana, id, 'harmless now') }
    await good('once')
    assert.ok(act.done)
    act = undefined
    await good('once')
    assert.deepEqual((await s.item('locked late.com')).sharing, was.sharing)
    const { data } = await h.files.get({ fileId: id, fields: 'contentRestrictions(readOnly),copyRequiresWriterPermission' })
    assert.deepEqual([data.contentRestrictions?.[0]?.readOnly ?? false, data.copyRequiresWriterPermission], [false, false])
    assert.deepEqual(s.found('locked late.com').map((f) => [f.action.state, f.action.error]), [['failed', 'changed']])
    await s.cloud.clearFaults()
  })

  test('a Google document is moved and changed', async () => {
    const h = driveOf(s.cloud, hana)
    const { id } = (await h.files.create({ requestBody: { name: 'a document', mimeType: native('document') }, media: { mimeType: 'text/plain', body: eicar } })).data
    act = { when: moments['moved to the transit drive'], from: proxy.seen.length, do: () => write(hana, id, 'harmless now') }
    await good('once')
    assert.ok(act.done)
    act = undefined
    await good('once')
    assert.equal((await s.item('a document')).quarantined, false)
    assert.deepEqual(s.found('a document').map((f) => [f.action.state, f.action.error]), [['failed', 'changed']])
  })
})
