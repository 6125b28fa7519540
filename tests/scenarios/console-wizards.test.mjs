// Every way of connecting and signing in, from the console to the provider's page and back: the settings that fakecloud's
// --console writes, its pages, and sekisho's flows by its API. (tests/browser does the same with a real browser.)
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, optionsOf, textOf } from '../sdk/consent-lib.mjs'
import { Browser, operator } from './console-lib.mjs'
import { company, inScene, suite } from './lib.mjs'

// A service with a console, whose operator has applications at all four providers.
async function inConsole(provider, body) {
  const dir = mkdtempSync(join(tmpdir(), 'sk-apps-'))
  try {
    await inScene({ seed: company(provider), cloudArgs: ['--console', join(dir, 'apps.yaml')] }, async (s) => {
      s.configure({ poll: { fast: '200 ms', slow: '400 ms', discover: '1 s' } })
      // As an operator would do it: the file's text is put under the other settings.
      const apps = readFileSync(join(dir, 'apps.yaml'), 'utf8').replace(/operator-\w[\w.-]*/g, (name) => join(dir, name))
      writeFileSync(s.config, Object.entries(s.settings).map(([k, v]) => `${k}: ${JSON.stringify(v)}\n`).join('') + apps)
      const op = await operator(await s.serve())
      await op.ok('POST', '/api/v1/tenants', { id: 'aoba', name: '株式会社青葉' })
      await body(s, op, dir)
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const begin = (op, provider, method) => op.ok('POST', '/api/v1/flows', { provider, method, tenant: 'aoba' })
const submit = (op, f, fields) => op.ok('POST', `/api/v1/flows/${f.id}/submit`, { fields })

async function prove(op, f) {
  f = await op.ok('POST', `/api/v1/flows/${f.id}/check`, {})
  assert.equal(f.step, 'preview', JSON.stringify(f.error ?? f))
  assert.deepEqual(f.report.missing, [])
  return op.ok('POST', `/api/v1/flows/${f.id}/finish`, { backlog_days: null })
}

// The browser follows the provider's redirect to the console.
async function comeBack(op, redirect) {
  assert.ok(redirect, 'the provider sent nobody back')
  assert.equal(redirect.origin, op.base)
  return op.call('GET', redirect.pathname + redirect.search)
}

// The first in a page's list of accounts is an administrator.
async function away(op, provider, method) {
  const f = await begin(op, provider, method)
  const refused = await (await open(f.url ?? f.facts?.url)).deny()
  assert.ok((await comeBack(op, refused.redirect)).status < 500)
  const said = await op.ok('GET', `/api/v1/flows/${f.id}`)
  assert.equal(said.error?.code, 'consent_denied', JSON.stringify(said))
  const again = await submit(op, f, {})
  const page = await open(again.url ?? again.facts?.url)
  const { redirect, html } = await page.allow(optionsOf(page.html)[0])
  assert.ok(redirect, html)
  await comeBack(op, redirect)
  const done = await op.ok('GET', `/api/v1/flows/${f.id}`)
  assert.equal(done.step, 'proving', JSON.stringify(done))
  return prove(op, done)
}

suite('the wizards', () => {
  test('microsoft: admin consent of the operator\'s application, and an own application with a certificate', () => inConsole('microsoft', async (s, op) => {
    const done = await away(op, 'microsoft', 'consent')
    assert.equal(done.step, 'done')

    const address = `${s.cloud.urls.microsoft}/entra/apps?tenant=aoba.example`
    let f = await begin(op, 'microsoft', 'certificate')
    const certificate = (await op.call('GET', `/api/v1/flows/${f.id}/files/certificate`)).body
    const page = await open(address)
    const id = textOf(page.html, 'app-1-client-id')
    const up = await page.answer({ do: 'upload', client_id: id, certificate })
    assert.match(textOf(up.html, 'done') ?? up.html, /added/)
    f = await submit(op, f, { directory: textOf(page.html, 'directory-id'), client_id: id })
    // A token of now has no permissions yet; the next check asks for a new one.
    assert.equal((await op.ok('POST', `/api/v1/flows/${f.id}/check`, {})).error.code, 'forbidden')
    await page.answer({ do: 'grant', client_id: id })
    await prove(op, f)
  }))

  test('google: delegation to the operator\'s service account, and to an own one', () => inConsole('google', async (s, op) => {
    const address = `${s.cloud.urls.google}/ac/owl/domainwidedelegation?domain=aoba.example`
    let f = await begin(op, 'google', 'delegation')
    const facts = f.facts ?? f
    f = await submit(op, f, { subject: 'admin@aoba.example' })
    assert.notEqual((await op.ok('POST', `/api/v1/flows/${f.id}/check`, {})).step, 'preview')
    const scopes = Array.isArray(facts.scopes) ? facts.scopes.join(',') : facts.scopes
    await (await open(address)).answer({ do: 'add', client_id: facts.client_number, scopes })
    await prove(op, f)

    const made = await (await open(`${s.cloud.urls.google}/iam-admin/serviceaccounts?domain=aoba.example`)).answer({ do: 'key' })
    f = await begin(op, 'google', 'key')
    f = await submit(op, f, { key_file: textOf(made.html, 'key-json'), subject: 'admin@aoba.example' })
    await (await open(address)).answer({ do: 'add', client_id: textOf(made.html, 'client-id'), scopes })
    await prove(op, f)
  }))

  test('box: the operator\'s server application, and OAuth', () => inConsole('box', async (s, op) => {
    let f = await begin(op, 'box', 'jwt')
    const start = (await open(s.cloud.urls.box)).html
    const enterprise = /aoba<\/td><td><code>(\d+)/.exec(start)[1]
    f = await submit(op, f, { enterprise_id: enterprise })
    assert.notEqual((await op.ok('POST', `/api/v1/flows/${f.id}/check`, {})).step, 'preview')
    await (await open(`${s.cloud.urls.box}/master/platform-apps?enterprise=${enterprise}`)).answer({ do: 'add', client_id: (f.facts ?? f).client_id })
    await prove(op, f)
    await away(op, 'box', 'oauth')
  }))

  test('dropbox: a team link', () => inConsole('dropbox', async (s, op) => {
    await away(op, 'dropbox', 'oauth')
  }))

  for (const [provider, id] of [['microsoft', 'entra'], ['google', 'google']]) {
    test(`signing in with ${id}`, () => inConsole(provider, async (s, op) => {
      const b = new Browser(op.base)
      const answer = await b.call('POST', '/api/v1/session/oidc', { provider: id })
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      const page = await open(answer.body.url)
      const [address] = optionsOf(page.html)
      const { redirect } = await page.allow(address)
      const cookies = answer.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ')
      const back = await b.call('GET', redirect.pathname + redirect.search, undefined, { Cookie: cookies })
      assert.ok(back.status < 400, JSON.stringify(back.body))
      const session = await b.ok('GET', '/api/v1/session')
      assert.equal(session.account?.login ?? session.login, address)
    }))
  }
})
