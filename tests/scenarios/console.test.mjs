// The console from the first link to the last disconnection, by its API: connecting where credentials are pasted, the watch over
// grants, renewing, trials, revoke-all, and the audit trail of all of it.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Browser, operator } from './console-lib.mjs'
import { company, inScene, PLACES, suite, waitFor } from './lib.mjs'

// The operator's applications, with the credentials that fakecloud holds.
function apps(s) {
  const out = {}
  for (const id of s.ids()) {
    const e = s.entry(id)
    const dir = s.cloud.connections().dir
    if (e.provider === 'google') out.google = { key_file: join(dir, e.grant.key_file), endpoints: e.endpoints }
    if (e.provider === 'box') out.box = { config_file: join(dir, e.grant.config_file), endpoints: e.endpoints }
  }
  return out
}

const settings = { poll: { fast: '200 ms', slow: '400 ms', discover: '1 s', canary: '1 s' } }

async function begin(s, provider) {
  s.configure({ ...settings, apps: apps(s) })
  const p = await s.serve()
  const op = await operator(p)
  await op.ok('POST', '/api/v1/tenants', { id: 'aoba', name: '株式会社青葉' })
  return { p, op, entry: s.entry(PLACES[provider]('aoba').id) }
}

const fieldsOf = {
  google: (s, e) => ({ method: 'delegation', fields: { subject: e.grant.subject } }),
  box: (s, e) => ({ method: 'jwt', fields: { enterprise_id: JSON.parse(readFileSync(join(s.cloud.connections().dir, e.grant.config_file), 'utf8')).enterpriseID } }),
}

async function connect(s, b, provider, entry, more = {}) {
  const { method, fields } = fieldsOf[provider](s, entry)
  let f = await b.ok('POST', '/api/v1/flows', { provider, method, tenant: 'aoba', ...more })
  assert.equal(f.step, 'paste')
  f = await b.ok('POST', `/api/v1/flows/${f.id}/submit`, { fields })
  assert.equal(f.step, 'proving')
  f = await b.ok('POST', `/api/v1/flows/${f.id}/check`, {})
  return f
}

const alerts = async (b, kind) => (await b.ok('GET', '/api/v1/alerts')).items.filter((a) => a.kind === kind && !a.ended)

suite('console', () => {
  for (const provider of ['google', 'box']) {
    test(`${provider}: by an invitation to a test detection, withdrawn, renewed, and ended`, () => inScene({ seed: company(provider) }, async (s) => {
      const { p, op, entry } = await begin(s, provider)
      // an invitation leads through it, without an account
      const i = await op.ok('POST', '/api/v1/tenants/aoba/invitations', { name: '花子' })
      const token = i.token ?? /#([0-9a-f]{64})/.exec(i.link)[1]
      const guest = new Browser(op.base)
      await guest.ok('POST', '/api/v1/invitations/open', { token })
      await new Browser(op.base).fails('POST', '/api/v1/invitations/open', { token }, 410, 'bad_link')
      await guest.ok('GET', '/api/v1/session')
      await guest.fails('GET', '/api/v1/connections', undefined, 403)
      let f = await connect(s, guest, provider, entry)
      assert.equal(f.step, 'preview', JSON.stringify(f.error))
      assert.deepEqual(f.report.missing, [])
      assert.ok(f.preview.services.some((x) => x.streams > 0 && x.names.length > 0), JSON.stringify(f.preview))
      f = await guest.ok('POST', `/api/v1/flows/${f.id}/finish`, { backlog_days: null })
      assert.equal(f.step, 'done')
      const id = f.connection
      f = await guest.ok('POST', `/api/v1/flows/${f.id}/test`, {})
      // monitor: found and reported, the test is told from the rest, and coverage counts what the cloud holds
      const planted = s.before.filter((x) => /threat/.test(x.name)).length
      await waitFor('the threats', async () => (await s.findings('--state', 'would')).length === planted + 1)
      const marked = (await s.findings()).filter((x) => x.verdict.reason === 'test')
      assert.equal(marked.length, 1)
      assert.equal(marked[0].id, f.finding)
      await waitFor('all of it seen', async () => (await s.status()).connections.every((c) => c.complete && c.pending === 0 && c.seen > 0))
      const seen = (await s.status()).connections[0]
      assert.equal(seen.seen, seen.scanned + seen.unknown + seen.skipped)
      assert.equal(s.before.filter((x) => x.quarantined).length, 0)
      const invited = (await op.ok('GET', '/api/v1/tenants/aoba/invitations')).items[0]
      assert.equal(invited.state, 'connected')
      // withdrawn: one alert, one event
      await s.cloud.revoke({ connection: entry.id })
      const alert = (await waitFor('the alert', async () => { const a = await alerts(op, 'revoked'); return a.length && a }))[0]
      assert.equal(alert.connection, id)
      const asked = (await s.cloud.journal()).length
      await waitFor('some more tries', async () => (await s.cloud.journal(asked)).length > 6)
      assert.equal((await alerts(op, 'revoked')).length, 1)
      const said = async () => (await s.events()).filter((e) => e.class_uid === 6003 && /^connection/.test(e.api.operation)).map((e) => e.api.operation)
      assert.deepEqual(await said(), ['connection.revoked'])
      // renewed: the streams keep their places
      await s.cloud.restoreConsent({ connection: entry.id })
      f = await connect(s, op, provider, entry, { connection: id })
      assert.equal(f.renew, true)
      f = await op.ok('POST', `/api/v1/flows/${f.id}/finish`, {})
      assert.equal(f.connection, id)
      await waitFor('the end of the alert', async () => (await alerts(op, 'revoked')).length === 0)
      const after = (await s.status()).connections[0]
      assert.equal(after.seen, seen.seen)
      assert.equal((await s.findings()).length, planted + 1)
      // protect from the console
      await op.ok('PATCH', `/api/v1/connections/${id}`, { protect: true })
      assert.equal((await s.connections())[0].mode, 'protect')
      // ended: no call revokes this one, and it says what is left to do
      const ended = await op.ok('DELETE', `/api/v1/connections/${id}`)
      assert.equal(ended.revoked, false)
      assert.match(ended.by_hand[0].link, /^https:/)
      assert.equal((await s.connections())[0].state, 'disconnected')
      assert.equal((await s.findings()).length, planted + 1)
      // all of it is in the audit trail, and the trail is whole
      const audit = await s.json(['audit'])
      for (const act of ['setup', 'tenant_create', 'invitation_create', 'invitation_open', 'flow_begin', 'flow_submit', 'flow_check', 'flow_finish', 'flow_test', 'connection_update', 'disconnect'])
        assert.ok(audit.some((r) => r.act === act && r.phase === 'done'), act)
      const check = (await s.json(['audit', '--verify']))[0]
      assert.equal(check.whole, true)
      assert.equal((await s.json(['audit', '--verify', check.head]))[0].whole, true)
      s.assertNoSecrets()
      await p.stop()
    }))
  }

  test('a trial that is over ends its connections, and nobody else\'s', () => inScene({ seed: company('box') }, async (s) => {
    const { p, op, entry } = await begin(s, 'box')
    let f = await connect(s, op, 'box', entry)
    f = await op.ok('POST', `/api/v1/flows/${f.id}/finish`, {})
    await op.ok('POST', '/api/v1/tenants', { id: 'sora', name: '空', trial_ends: new Date(Date.now() + 3600000).toISOString() })
    await op.ok('PATCH', '/api/v1/tenants/aoba', { trial_ends: new Date(Date.now() + 1500).toISOString() })
    await waitFor('the end of the trial', async () => (await s.connections())[0].state === 'disconnected')
    const alert = await waitFor('its alert', async () => (await alerts(op, 'trial')).find((a) => a.detail.connections === 1))
    assert.equal(alert.tenant, 'aoba')
    const row = (await s.json(['audit'])).find((r) => r.actor === 'system' && r.act === 'disconnect' && r.phase === 'done')
    assert.equal(row.object, f.connection)
    await p.stop()
  }))

  test('revoke-all ends everything and says how long it took', () => inScene({ seed: { ...company('box'), ...company('dropbox') } }, async (s) => {
    await s.connect()
    const refused = await s.run(['revoke-all'])
    assert.equal(refused.code, 2)
    assert.ok((await s.connections()).every((c) => c.state === 'connected'))
    const r = (await s.json(['revoke-all', '--yes']))[0]
    assert.equal(r.ended, 2)
    assert.ok(r.ms >= 0 && r.failed.length === 0)
    // Dropbox has a call for it, Box's application is removed by hand
    assert.deepEqual(r.not_revoked.map((x) => x.id), ['aoba-box'])
    assert.ok((await s.connections()).every((c) => c.state === 'disconnected'))
    assert.equal((await s.json(['revoke-all', '--yes']))[0].ended, 0)
    const p = await s.serve()
    await p.stop()
  }))

  test('the vault: new keys while it runs, and its copy under a passphrase', () => inScene({ seed: company('box') }, async (s) => {
    await s.connect()
    const p = await s.serve()
    const phrase = join(s.dir, 'passphrase')
    const copy = join(s.dir, 'vault.copy')
    writeFileSync(phrase, 'an offline passphrase of the test\n')
    assert.equal((await s.json(['vault', 'backup', copy, '--passphrase-file', phrase]))[0].records, '1')
    assert.equal((await s.run(['vault', 'backup', copy, '--passphrase-file', phrase])).code, 1)
    assert.equal((await s.run(['vault', 'backup', join(s.dir, 'other')])).code, 2)
    const bytes = readFileSync(copy)
    for (const secret of s.secrets()) assert.ok(!bytes.includes(secret))
    assert.ok(Number((await s.json(['vault', 'rotate']))[0].values) > 0)
    const key = readFileSync(join(s.state_dir, 'key'))
    await s.json(['vault', 'rotate', '--kek'])
    assert.notDeepEqual(readFileSync(join(s.state_dir, 'key')), key)
    await p.stop()
    // nothing is remembered but what the vault holds
    const asked = (await s.cloud.journal()).length
    await s.once()
    assert.ok((await s.cloud.journal(asked)).some((r) => /oauth2\/token/.test(r.path) && r.status === 200))
    assert.equal((await s.findings('--state', 'done')).length, s.before.filter((x) => /threat/.test(x.name)).length)
    // gone, and back from the copy
    await s.run(['disconnect', 'aoba-box'])
    writeFileSync(join(s.dir, 'wrong'), 'another passphrase altogether\n')
    assert.notEqual((await s.run(['vault', 'restore', copy, '--passphrase-file', join(s.dir, 'wrong')])).code, 0)
    assert.equal((await s.json(['vault', 'restore', copy, '--passphrase-file', phrase]))[0].records, '1')
    for (const act of ['vault_backup', 'vault_rotate', 'vault_restore'])
      assert.ok((await s.json(['audit'])).some((r) => r.act === act && r.phase === 'done'), act)
    s.assertNoSecrets()
  }))

  test('settings that are wrong are refused with their place', () => inScene({ seed: company('box') }, async (s) => {
    for (const [more, place, what] of [
      [{ apps: { microsoft: { client_id: 'x' } } }, /sekisho\.yaml:1:\d+/, /certificate_file/],
      [{ apps: { microsft: {} } }, /sekisho\.yaml:1:\d+/, /microsoft/],
      [{ apps: { google: { key_file: 'k.json', endpoints: { token: 'http://elsewhere.example' } } } }, /:1:\d+/, /https/],
      [{ sign_in: [{ id: 'Entra', issuer: 'https://x', client_id: 'y' }] }, /:1:\d+/, /'id'/],
      [{ sign_in: [{ id: 'entra', issuer: 'ftp://x', client_id: 'y' }] }, /:1:\d+/, /issuer/],
      [{ sign_in: [{ id: 'entra', issuer: 'https://x', client_id: 'y', accounts: [{ email: 'a@b', role: 'king' }] }] }, /:1:\d+/, /role/],
      [{ console: { listen: '0.0.0.0:80' } }, /:1:\d+/, /reverse proxy/],
      [{ console: { public_url: 'http://sekisho.example' } }, /:1:\d+/, /https/],
      [{ console: { public_url: 'https://sekisho.example/console' } }, /:1:\d+/, /host/],
      [{ console: { idle: '1 s' } }, /:1:\d+/, /idle/],
    ]) {
      s.configure(more)
      const r = await s.run(['connections'])
      assert.equal(r.code, 2, JSON.stringify(more))
      assert.match(r.stderr, place)
      assert.match(r.stderr, what)
    }
  }))
})
