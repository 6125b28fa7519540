// What Google's pages and its users' reports say beside the discovery documents, asked of fakecloud by Google's official clients.
import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { createSign } from 'node:crypto'
import { startFakecloud } from './lib.mjs'
import { directoryOf, driveOf, eml, failure, gmailOf, raw, scopes, signIn } from './google-lib.mjs'

const hana = 'hana@aoba.example'
const ken = 'ken@aoba.example'
const boss = 'admin@aoba.example'
const base = 'aoba/google'
const b64 = (s) => Buffer.from(s).toString('base64url')
const all = { supportsAllDrives: true }

let cloud
before(async () => {
  cloud = await startFakecloud({
    seed: {
      [`${base}/.sekisho-seed.json`]: { malware: [`users/${hana}/drive/evil.exe`, 'shared-drives/Sales/bad.exe'], resource_keys: [`users/${hana}/drive/old.txt`] },
      [`${base}/users/${hana}/mail/INBOX/1.eml`]: eml('one'),
      [`${base}/users/${hana}/drive/evil.exe`]: 'MZ evil',
      [`${base}/users/${hana}/drive/evil.exe.sharing.json`]: ['user:ken@aoba.example:write'],
      [`${base}/users/${hana}/drive/old.txt`]: 'linked long ago',
      [`${base}/users/${hana}/drive/old.txt.sharing.json`]: ['link:anonymous:view'],
      [`${base}/users/${hana}/drive/plan.gdoc`]: 'the plan',
      [`${base}/users/${ken}/drive/k.txt`]: 'k',
      [`${base}/shared-drives/Sales/bad.exe`]: 'MZ bad',
    },
  })
})
after(() => cloud.stop())

const idOf = async (d, name, more = {}) => (await d.files.list({ q: `name = '${name}'`, fields: 'files(id)', ...more })).data.files[0].id

// ahead: seconds that the stand-in's clock was moved on.
function assertionFor(sub, { ahead = 0, ...more } = {}) {
  const account = JSON.parse(cloud.connections().read('aoba-google.json'))
  const now = Math.floor(Date.now() / 1000) + ahead
  const text = `${b64(JSON.stringify({ alg: 'RS256', typ: 'JWT' }))}.${b64(JSON.stringify({ iss: account.client_email, sub, scope: scopes.drive.join(' '), aud: account.token_uri, iat: now, exp: now + 3600, ...more }))}`
  return `${text}.${createSign('RSA-SHA256').update(text).sign(account.private_key, 'base64url')}`
}
const token = async (assertion) => {
  const r = await fetch(`${cloud.urls.google}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }) })
  return { status: r.status, ...(await r.json()) }
}

test('an assertion may be used as long as it lives, with a jti or without', async () => {
  const assertion = assertionFor(hana, { jti: 'once' })
  for (let i = 0; i < 2; i++) {
    const t = await token(assertion)
    assert.deepEqual([t.status, t.expires_in], [200, 3599])
  }
})

test('the history id of a notification is that of the change itself: nothing is behind it (python-samples #200)', async () => {
  const g = gmailOf(cloud, hana)
  const stored = (await g.users.watch({ userId: 'me', requestBody: { topicName: 'projects/p/topics/t' } })).data.historyId
  const { id } = (await g.users.messages.insert({ userId: 'me', requestBody: { raw: b64(eml('news')), labelIds: ['INBOX'] } })).data
  const notified = (await g.users.getProfile({ userId: 'me' })).data.historyId
  assert.ok(BigInt(notified) > BigInt(stored))
  assert.deepEqual((await g.users.history.list({ userId: 'me', startHistoryId: notified })).data, { historyId: notified })
  const { history } = (await g.users.history.list({ userId: 'me', startHistoryId: stored, historyTypes: ['messageAdded'] })).data
  assert.deepEqual(history.map((h) => h.messagesAdded[0].message.id), [id])
})

describe('the directory', () => {
  test('users of a domain, and of none', async () => {
    const d = directoryOf(cloud)
    const people = async (params) => (await d.users.list(params)).data.users.map((u) => u.primaryEmail)
    assert.deepEqual(await people({ domain: 'aoba.example' }), await people({ customer: 'my_customer' }))
    assert.deepEqual(await people({ domain: 'AOBA.example', maxResults: 1 }), [boss])
    assert.equal((await failure(d.users.list({ domain: 'else.example' }))).status, 404)
    assert.equal((await failure(d.users.list({ customer: 'C0000000' }))).status, 400)
  })

  test('groups, members and roles by pages', async () => {
    const d = directoryOf(cloud, boss, [...scopes.directory, scopes.scope('admin.directory.rolemanagement.readonly')])
    const pages = async (list, key, params) => {
      const out = []
      let pageToken
      do {
        const { data } = await list({ ...params, maxResults: 1, pageToken })
        assert.equal(data[key].length, 1)
        out.push(data[key][0])
        pageToken = data.nextPageToken
      } while (pageToken)
      return out
    }
    assert.equal((await pages((p) => d.groups.list(p), 'groups', { customer: 'my_customer' })).length, 1)
    assert.deepEqual((await pages((p) => d.members.list(p), 'members', { groupKey: 'all@aoba.example' })).map((m) => m.email).sort(), [boss, hana, ken])
    const roles = await pages((p) => d.roles.list(p), 'items', { customer: 'my_customer' })
    assert.deepEqual(roles.map((r) => r.isSuperAdminRole), [true, false, false])
    assert.equal(new Set(roles.map((r) => r.roleId)).size, 3)
    for (const r of roles) assert.equal((await d.roles.get({ customer: 'my_customer', roleId: r.roleId })).data.roleName, r.roleName)
    const given = async (roleId) => (await d.roleAssignments.list({ customer: 'my_customer', roleId })).data.items.length
    assert.deepEqual([await given(roles[0].roleId), await given(roles[1].roleId)], [1, 0])
    for (const list of [d.groups.list({ customer: 'my_customer', pageToken: 'x' }), d.roles.list({ customer: 'my_customer', pageToken: 'x' })])
      assert.equal((await failure(list)).status, 400)
  })
})

test('names of parameters that Gmail and the Admin SDK do not know are refused, those of every method are not', async () => {
  const mail = signIn(cloud, { subject: hana, scopes: scopes.mail })
  const admin = signIn(cloud, { subject: boss, scopes: scopes.directory })
  const drive = signIn(cloud, { subject: hana, scopes: scopes.drive })
  const every = '$.xgafv=2&alt=json&fields=*&key=k&prettyPrint=true&quotaUser=q&uploadType=media&upload_protocol=raw&callback=c&%24.xgafv=1'
  for (const [auth, path, wrong] of [
    [mail, '/gmail/v1/users/me/profile', 'maxResults=1'],
    [mail, '/gmail/v1/users/me/messages?q=x', 'pageSize=1'],
    [mail, '/gmail/v1/users/me/labels', 'nosuch'],
    [admin, '/admin/directory/v1/users?customer=my_customer', 'pageSize=1'],
    [admin, `/admin/directory/v1/users/${hana}`, 'customer=my_customer'],
  ]) {
    const at = (more) => raw(cloud, auth, 'GET', `${path}${path.includes('?') ? '&' : '?'}${more}`)
    assert.equal((await at(every)).status, 200, path)
    const r = await at(wrong)
    const { error } = await r.json()
    assert.deepEqual([r.status, error.code, error.errors[0].reason], [400, 400, 'badRequest'], path)
    assert.match(error.message, new RegExp(`Unknown name "${wrong.split('=')[0]}": Cannot bind query parameter`))
  }
  assert.equal((await raw(cloud, drive, 'GET', '/drive/v3/files?maxResults=1')).status, 200)
})

describe('malware', () => {
  test('goes to its owner alone, and to an organizer of the shared drive, who say so', async () => {
    const h = driveOf(cloud, hana)
    const get = (as, fileId, more) => driveOf(cloud, as).files.get({ fileId, ...all, ...more }, { responseType: 'text' })
    const evil = await idOf(h, 'evil.exe')
    const reason = async (as, fileId, more) => (await failure(driveOf(cloud, as).files.get({ fileId, ...all, ...more }))).reason
    const said = { alt: 'media', acknowledgeAbuse: true }
    assert.equal((await get(hana, evil, said)).data, 'MZ evil')
    assert.equal(await reason(ken, evil, said), 'cannotDownloadAbusiveFile', 'a writer is not enough')
    const where = { corpora: 'allDrives', includeItemsFromAllDrives: true, ...all }
    const bad = await idOf(driveOf(cloud, boss), 'bad.exe', where)
    const drive = (await driveOf(cloud, boss).drives.list({})).data.drives[0].id
    const { permissions } = (await driveOf(cloud, boss).permissions.list({ fileId: drive, ...all, fields: 'permissions(role,emailAddress)' })).data
    const organizer = permissions.find((p) => p.role === 'organizer').emailAddress
    assert.equal((await get(organizer, bad, said)).data, 'MZ bad')
    assert.equal(await reason(organizer, bad, { alt: 'media' }), 'cannotDownloadAbusiveFile')
  })

  test('the flag on a file that is none is refused, for its bytes and for what is known of it', async () => {
    const h = driveOf(cloud, hana)
    const fileId = await idOf(h, 'old.txt')
    for (const more of [{ alt: 'media' }, {}])
      assert.equal((await failure(h.files.get({ fileId, acknowledgeAbuse: true, ...more }))).reason, 'invalidAbuseAcknowledgment')
  })
})

test('a link of old opens a file with its key alone; who is named in its sharing needs none', async () => {
  const h = driveOf(cloud, hana)
  const k = driveOf(cloud, ken)
  const { id, resourceKey, linkShareMetadata } = (await h.files.get({ fileId: await idOf(h, 'old.txt'), fields: 'id,resourceKey,linkShareMetadata' })).data
  assert.deepEqual(linkShareMetadata, { securityUpdateEligible: true, securityUpdateEnabled: true })
  const get = (headers) => k.files.get({ fileId: id, alt: 'media' }, { responseType: 'text', headers })
  for (const keys of [undefined, `${id}/wrong`, `${id}/${resourceKey}x`, `other/${resourceKey}`])
    assert.equal((await failure(get(keys && { 'X-Goog-Drive-Resource-Keys': keys }))).status, 404, keys)
  assert.equal((await get({ 'X-Goog-Drive-Resource-Keys': `other/0-x,${id}/${resourceKey}` })).data, 'linked long ago')
  await h.permissions.create({ fileId: id, sendNotificationEmail: false, requestBody: { type: 'user', role: 'reader', emailAddress: ken } })
  assert.equal((await get()).data, 'linked long ago')
})

test('batches take no media', async () => {
  const boundary = (inner) => `--x\r\nContent-Type: application/http\r\n\r\n${inner}\r\n--x--\r\n`
  const h = driveOf(cloud, hana)
  const id = await idOf(h, 'evil.exe')
  const auth = signIn(cloud, { subject: hana, scopes: scopes.drive })
  for (const [inner, status] of [
    ['POST /upload/drive/v3/files?uploadType=media\r\nContent-Type: text/plain\r\n\r\nx', /HTTP\/1.1 400/],
    [`GET /drive/v3/files/${id}?alt=media&acknowledgeAbuse=true\r\n`, /HTTP\/1.1 403/],
    [`GET /drive/v3/files/${id}\r\n`, /HTTP\/1.1 200/],
  ]) {
    const r = await raw(cloud, auth, 'POST', '/batch/drive/v3', { headers: { 'Content-Type': 'multipart/mixed; boundary=x' }, body: boundary(inner) })
    assert.match(await r.text(), status, inner)
  }
})

test('channels live as long as they may, and are stopped once', async () => {
  const h = driveOf(cloud, hana)
  const fileId = await idOf(h, 'evil.exe')
  const { startPageToken: pageToken } = (await h.changes.getStartPageToken({})).data
  const hook = (id, days) => ({ id, type: 'web_hook', address: 'https://hook.example/', ...(days && { expiration: String(Date.now() + days * 864e5) }) })
  const hours = ({ data }) => Math.round((Number(data.expiration) - Date.now()) / 36e5)
  const changes = await h.changes.watch({ pageToken, requestBody: hook('c1', 30) })
  assert.equal(hours(changes), 7 * 24)
  assert.equal(hours(await h.changes.watch({ pageToken, requestBody: hook('c2') })), 1)
  assert.equal(hours(await h.files.watch({ fileId, requestBody: hook('f1', 30) })), 24)
  assert.equal(hours(await directoryOf(cloud).users.watch({ customer: 'my_customer', requestBody: hook('u1', 30) })), 6)
  assert.equal((await failure(h.changes.watch({ pageToken, requestBody: hook('c1') }))).status, 400, 'its id is taken')
  assert.equal((await failure(h.changes.watch({ pageToken, requestBody: { ...hook('c3'), address: 'http://hook.example/' } }))).status, 401)
  const stop = (resourceId) => h.channels.stop({ requestBody: { id: 'c1', resourceId } })
  assert.equal((await failure(stop('wrong'))).status, 404)
  assert.equal((await stop(changes.data.resourceId)).status, 204)
  assert.equal((await failure(stop(changes.data.resourceId))).status, 404)
  const g = gmailOf(cloud, hana)
  for (const requestBody of [{ topicName: 'nosuch' }, { topicName: 'projects/p/topics/t', labelIds: ['nosuch'] }, { topicName: 'projects/p/topics/t', labelFilterBehavior: 'nosuch' }])
    assert.equal((await failure(g.users.watch({ userId: 'me', requestBody }))).status, 400)
  assert.equal((await g.users.watch({ userId: 'me', requestBody: { topicName: 'projects/p/topics/t', labelIds: ['INBOX'], labelFilterBehavior: 'include' } })).status, 200)
  assert.equal((await g.users.stop({ userId: 'me' })).status, 204)
})

test('a download in the background is kept for a day', async () => {
  const h = driveOf(cloud, hana)
  const fileId = await idOf(h, 'plan')
  const { name, done } = (await h.files.download({ fileId, mimeType: 'text/plain' })).data
  assert.equal(done, undefined)
  assert.equal((await failure(driveOf(cloud, ken).operations.get({ name }))).status, 404, 'it is its beginner\'s')
  let op
  for (let i = 0; i < 9 && !op?.done; i++) op = (await h.operations.get({ name })).data
  assert.deepEqual([op.done, op.response.partialDownloadAllowed], [true, true])
  assert.equal((await failure(h.files.download({ fileId: await idOf(h, 'old.txt'), mimeType: 'text/plain' }))).status, 400, 'a blob is what it is')
  await cloud.clock(86500)
  const { access_token: late } = await token(assertionFor(hana, { ahead: 86500 }))
  assert.equal((await fetch(`${cloud.urls.google}/drive/v3/operations/${name}`, { headers: { Authorization: `Bearer ${late}` } })).status, 404)
})
