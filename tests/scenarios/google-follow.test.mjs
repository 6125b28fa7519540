// sekisho follows a stand-in of Google Workspace through what its feeds do: lost places, owners that change, withdrawn consent.
import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { driveOf, gmailOf } from '../sdk/google-lib.mjs'
import { admin, eicar, eml, hana, ken, noSekisho, start } from './google-lib.mjs'

const base = 'aoba/google'
const b64 = (s) => Buffer.from(s).toString('base64url')

describe('following Google', { skip: noSekisho }, () => {
  let s
  before(async () => {
    s = await start({
      seed: {
        [`${base}/.sekisho-seed.json`]: { unlicensed: ['zoe@aoba.example'], page_size: 2 },
        [`${base}/users/zoe@aoba.example/`]: '',
        ...Object.fromEntries([1, 2, 3, 4, 5].flatMap((n) => [
          [`${base}/users/${hana}/mail/INBOX/${n}.eml`, eml(`mail ${n}`)],
          [`${base}/users/${hana}/drive/${n}.txt`, `file ${n}`],
          [`${base}/shared-drives/Sales/s${n}.txt`, `shared ${n}`],
        ])),
        [`${base}/users/${ken}/drive/k.txt`]: 'k',
      },
    })
    s.connect()
    s.once()
  })
  after(() => s?.stop())

  const add = async (name, text, as = hana) =>
    (await driveOf(s.cloud, as).files.create({ requestBody: { name }, media: { mimeType: 'text/plain', body: text } })).data.id
  const mail = (subject, text) =>
    gmailOf(s.cloud, hana).users.messages.insert({ userId: 'me', requestBody: { labelIds: ['INBOX'], raw: b64(eml(subject, text)) } })

  test('everything is seen once', async () => {
    const { connections, streams } = s.status()
    assert.deepEqual([connections[0].seen, connections[0].scanned, connections[0].complete], [16, 16, true])
    assert.deepEqual(streams.filter((x) => x.state !== 'active').map((x) => [x.owner, x.service, x.state]).filter(([, service]) => service === 'gmail'),
      [['zoe@aoba.example', 'gmail', 'unlicensed']])
  })

  test('lost places: what came meanwhile is found, what is known is not found again', async () => {
    await add('before.com', `${eicar} `)
    s.once()
    assert.equal(s.findings().length, 1)
    await add('meanwhile.com', eicar)
    await mail('meanwhile by mail', eicar)
    await s.cloud.expireCursors({ provider: 'google', tenant: 'aoba' })
    s.once()
    assert.deepEqual(s.findings().map((f) => [f.item.name, f.action.state]).sort(),
      [['before.com', 'done'], ['meanwhile by mail', 'done'], ['meanwhile.com', 'done']])
  })

  test('a file that changes hands stays one file', async () => {
    const k = driveOf(s.cloud, ken)
    const shared = (await k.drives.list({ q: "name = 'Sales'" })).data.drives[0].id
    const id = await add('moving.txt', 'on the move', ken)
    s.once()
    const { seen } = s.status().connections[0]
    const { data } = await k.files.get({ fileId: id, fields: 'parents' })
    await k.files.update({ fileId: id, addParents: shared, removeParents: data.parents[0], supportsAllDrives: true })
    s.once()
    assert.equal(s.status().connections[0].seen, seen)
  })

  test('withdrawn consent shows the line to paste, and ends when it is given back', async () => {
    await s.cloud.revoke({ provider: 'google', tenant: 'aoba' })
    s.run('once')
    const doc = s.run('connections', '--json').stdout
    assert.match(doc, /revoked|degraded/)
    assert.match(doc, /auth\/admin\.directory\.user\.readonly,https:\/\/www\.googleapis\.com\/auth\/gmail\.modify,https:\/\/www\.googleapis\.com\/auth\/drive/)
    await s.cloud.restoreConsent({ provider: 'google', tenant: 'aoba' })
    await add('after.com', `${eicar}\n`)
    s.connect()
    s.once()
    assert.equal(s.found('after.com')[0]?.action.state, 'done')
  })

  test('the quarantine drive is the administrator\'s alone', async () => {
    const a = driveOf(s.cloud, admin)
    const [q, ...more] = (await a.drives.list({ q: "name = 'sekisho-quarantine'" })).data.drives
    assert.deepEqual(more, [])
    const { data } = await a.permissions.list({ fileId: q.id, supportsAllDrives: true, fields: 'permissions(emailAddress)' })
    assert.deepEqual(data.permissions, [{ emailAddress: admin }])
    assert.equal(s.status().streams.filter((x) => x.name.startsWith('sekisho')).length, 0)
  })
})
