// What a person in front of fakecloud's pages can do, at each provider, and how each refuses: the pages of consent and
// sign-in, admin consoles, wrong redirect addresses, codes that come late or twice, wrong verifiers, "no".
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, createSign, randomUUID, verify, X509Certificate, createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { assertion as boxAssertion } from './box-lib.mjs'
import { form, open, optionsOf, paramsOf, pkce, startConsents, state, textOf } from './consent-lib.mjs'

const back = (name) => `http://127.0.0.1:9/callback/${name}`
const b64 = (v) => Buffer.from(JSON.stringify(v)).toString('base64url')
const now = () => Math.floor(Date.now() / 1000)

let all
before(async () => { all = await startConsents(['--redirect', 'https://console.example/x/callback/box']) })
after(() => all.stop())

// Every page: a stand-in that says so, in a language, without a script or anything from elsewhere.
function checkPage(page, name) {
  assert.match(page.headers.get('content-type'), /^text\/html/)
  assert.match(textOf(page.html, 'stand-in'), new RegExp(`stand-in for ${name}.*not ${name}`))
  assert.match(page.html, /<html lang="en">/)
  assert.match(page.html, /<h1>[^<]+<\/h1>/)
  assert.doesNotMatch(page.html, /<script|<link|<img|@import|url\(/i)
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'/)
  for (const [, id] of page.html.matchAll(/<(?:select|input(?![^>]*type="hidden")|textarea)[^>]*\bid="([^"]+)"/g)) assert.match(page.html, new RegExp(`<label for="${id}"`))
}

function checkFailure(page, name, code) {
  checkPage(page, name)
  assert.ok(page.status >= 400 && page.status < 500)
  assert.match(`${textOf(page.html, 'error-code')} ${textOf(page.html, 'error-description')}`, code)
  assert.match(textOf(page.html, 'request-id'), /^[0-9a-f-]{36}$/)
  assert.equal(page.redirect, null)
}

async function idTokenOf(token, keysUrl) {
  const [head, body, signature] = token.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url'))
  const { keys } = await (await fetch(keysUrl)).json()
  const jwk = keys.find((k) => k.kid === header.kid)
  assert.equal(header.alg, 'RS256')
  assert.ok(verify('RSA-SHA256', Buffer.from(`${head}.${body}`), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url')))
  return JSON.parse(Buffer.from(body, 'base64url'))
}

describe('Microsoft', () => {
  let login
  let app
  const query = (more = {}) => ({ client_id: app.client_id, redirect_uri: back('microsoft'), state, scope: 'https://graph.microsoft.com/.default', ...more })
  const consent = (more, dir = 'organizations') => open(`${login}/${dir}/v2.0/adminconsent`, query(more))
  const directoryOf = async (domain) => (await (await fetch(`${login}/${domain}/v2.0/.well-known/openid-configuration`)).json()).issuer.split('/')[3]
  const tokenForm = (dir, more = {}) => form(`${login}/${dir}/oauth2/v2.0/token`, { client_id: app.client_id, client_secret: all.file('operator-microsoft-secret.txt'), scope: 'https://graph.microsoft.com/.default', grant_type: 'client_credentials', ...more })
  const users = (token) => fetch(`${login}/v1.0/users`, { headers: { Authorization: `Bearer ${token}` } })
  before(() => {
    app = all.app('microsoft')
    login = app.endpoints.login
  })

  it('lets the operator in where an administrator consented, and only there', async () => {
    const aoba = await directoryOf('aoba.example')
    const midori = await directoryOf('midori.example')
    assert.deepEqual((await tokenForm(aoba)).error_codes, [700016])
    const page = await consent()
    checkPage(page, 'Microsoft')
    assert.deepEqual(optionsOf(page.html), ['admin@aoba.example', 'hana@aoba.example', 'admin@midori.example', 'ken@midori.example'])
    assert.match(textOf(page.html, 'permissions'), /Mail\.ReadWrite/)
    const said = await page.allow('admin@aoba.example')
    assert.equal(said.status, 302)
    assert.equal(said.redirect.origin + said.redirect.pathname, back('microsoft'))
    assert.deepEqual(paramsOf(said.redirect), { admin_consent: 'True', tenant: aoba, scope: 'https://graph.microsoft.com/.default', state })
    const token = (await tokenForm(aoba)).access_token
    const list = await (await users(token)).json()
    assert.ok(list.value.every((u) => u.userPrincipalName.endsWith('@aoba.example')))
    assert.deepEqual((await tokenForm(midori)).error_codes, [700016])
    // With the certificate, as the console signs.
    const key = createPrivateKey(all.file(app.key_file))
    const der = new X509Certificate(all.file(app.certificate_file)).raw
    const claims = { aud: `${login}/${aoba}/oauth2/v2.0/token`, iss: app.client_id, sub: app.client_id, jti: randomUUID(), nbf: now(), exp: now() + 300 }
    const text = `${b64({ alg: 'RS256', typ: 'JWT', 'x5t#S256': createHash('sha256').update(der).digest('base64url') })}.${b64(claims)}`
    const signed = `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`
    const by = { client_secret: undefined, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: signed }
    assert.equal((await tokenForm(aoba, by)).token_type, 'Bearer')
    assert.deepEqual((await tokenForm(aoba, { client_secret: 'no' })).error_codes, [7000215])

    await all.cloud.revoke({ tenant: 'aoba', provider: 'microsoft' })
    assert.equal((await users(token)).status, 403)
    assert.deepEqual((await tokenForm(aoba)).error_codes, [700016])
    await all.cloud.restoreConsent({ tenant: 'aoba', provider: 'microsoft' })
    assert.equal((await users(token)).status, 200)
    await all.cloud.revoke({ tenant: 'aoba', provider: 'microsoft' })
    await (await consent()).allow('admin@aoba.example')
    assert.equal((await users(token)).status, 200)
    await all.cloud.restoreConsent({ tenant: 'aoba', provider: 'microsoft' })
  })

  it('asks again when it is told no, needs an administrator, and says what is wrong with a request', async () => {
    const denied = paramsOf((await (await consent()).deny()).redirect)
    assert.deepEqual([denied.error, denied.error_subcode, denied.state], ['access_denied', 'cancel', state])
    assert.match(denied.error_description, /^AADSTS65004/)
    assert.equal((await (await consent({ state: undefined })).deny()).redirect.searchParams.has('state'), false)
    const v1 = await open(`${login}/midori.example/adminconsent`, query({ scope: undefined }))
    assert.deepEqual(optionsOf(v1.html), ['admin@midori.example', 'ken@midori.example'])
    assert.equal((await (await open(`${login}/midori.example/adminconsent`, query({ scope: undefined }))).allow('admin@midori.example')).redirect.searchParams.has('scope'), false)
    const member = await (await consent()).allow('hana@aoba.example')
    checkFailure(member, 'Microsoft', /AADSTS90094/)
    checkFailure(await (await consent({}, 'midori.example')).allow('admin@aoba.example'), 'Microsoft', /AADSTS50020/)
    for (const wrong of ['http://127.0.0.1:9/elsewhere', 'https://evil.example/callback/microsoft', 'http://127.0.0.1:9/callback/box', 'http://127.0.0.1.evil.example/callback/microsoft', 'javascript:alert(1)', `${back('microsoft')}#x`, 'http://127.0.0.1:9@evil.example/callback/microsoft']) checkFailure(await consent({ redirect_uri: wrong }), 'Microsoft', /AADSTS50011/)
    checkFailure(await consent({ client_id: '<script>alert(1)</script>' }), 'Microsoft', /AADSTS700016:.*<script>/)
    checkFailure(await consent({}, 'nobody.example'), 'Microsoft', /AADSTS90002/)
    checkFailure(await consent({ scope: undefined }), 'Microsoft', /AADSTS900144/)
    const auto = await consent({ fakecloud_consent: 'admin@midori.example' })
    assert.equal(auto.redirect.searchParams.get('admin_consent'), 'True')
  })

  it("takes a certificate for a customer's own application, and consent for it", async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cert-'))
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(dir, 'k'), '-out', join(dir, 'c'), '-subj', '/CN=sekisho aoba', '-days', '30'], { stdio: 'ignore' })
    const pem = readFileSync(join(dir, 'c'), 'utf8')
    const key = createPrivateKey(readFileSync(join(dir, 'k')))
    rmSync(dir, { recursive: true })
    const address = `${login}/entra/apps?tenant=aoba.example`
    const page = await open(address)
    checkPage(page, 'Microsoft')
    const id = textOf(page.html, 'app-1-client-id')
    const directory = textOf(page.html, 'directory-id')
    const post = async (fields) => {
      const body = new FormData()
      for (const [k, v] of Object.entries({ client_id: id, ...fields })) body.set(k, v)
      return (await fetch(address, { method: 'POST', body })).text()
    }
    assert.match(textOf(await post({ do: 'upload', certificate: 'nonsense' }), 'error-description'), /no certificate/)
    assert.match(textOf(await post({ do: 'upload', certificate: '', file: new Blob([pem]) }), 'done'), /certificate was added/)
    assert.match(textOf(await post({ do: 'upload', certificate: pem }), 'error-description'), /before/)
    const sign = (claims = {}) => {
      const body = { aud: `${login}/${directory}/oauth2/v2.0/token`, iss: id, sub: id, jti: randomUUID(), nbf: now(), exp: now() + 300, ...claims }
      const text = `${b64({ alg: 'RS256', typ: 'JWT', 'x5t#S256': createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url') })}.${b64(body)}`
      return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`
    }
    const token = async () => (await tokenForm(directory, { client_id: id, client_secret: undefined, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: sign() })).access_token
    assert.equal((await users(await token())).status, 403) // a token without roles
    await post({ do: 'grant' })
    assert.match(textOf((await open(address)).html, 'app-1-consent'), /^granted$/)
    assert.equal((await users(await token())).status, 200)
    const secret = textOf(await post({ do: 'secret' }), 'new-secret')
    assert.equal((await tokenForm(directory, { client_id: id, client_secret: secret })).token_type, 'Bearer')
    assert.deepEqual((await tokenForm(await directoryOf('midori.example'), { client_id: id, client_secret: secret })).error_codes, [700016])
    const named = await post({ do: 'register', name: '<b>"mine"</b>' })
    assert.match(named, /&lt;b&gt;&quot;mine&quot;&lt;\/b&gt;/)
    assert.doesNotMatch(named, /<b>"mine/)
  })

  it('signs people in with a code, PKCE and nonce, once and in time', async () => {
    const entra = all.app('entra')
    const meta = await (await fetch(`${entra.issuer}/.well-known/openid-configuration`)).json()
    assert.equal(meta.issuer, entra.issuer)
    const { verifier, challenge } = pkce()
    const ask = (more = {}) => open(meta.authorization_endpoint, { client_id: entra.client_id, redirect_uri: back('oidc'), response_type: 'code', scope: 'openid email profile', state, nonce: 'n-1', code_challenge: challenge, code_challenge_method: 'S256', ...more })
    const redeem = (code, more = {}) => form(meta.token_endpoint, { grant_type: 'authorization_code', code, client_id: entra.client_id, client_secret: all.file(entra.client_secret_file), redirect_uri: back('oidc'), code_verifier: verifier, ...more })
    const page = await ask()
    checkPage(page, 'Microsoft')
    const said = await page.allow('hana@aoba.example')
    assert.equal(said.redirect.searchParams.get('state'), state)
    const code = said.redirect.searchParams.get('code')
    assert.deepEqual((await redeem(code, { code_verifier: pkce().verifier })).error_codes, [501481])
    assert.deepEqual((await redeem(code, { code_verifier: undefined })).error_codes, [501481])
    assert.deepEqual((await redeem(code, { redirect_uri: back('microsoft') })).error_codes, [500112])
    assert.deepEqual((await redeem(code, { client_secret: 'no' })).error_codes, [7000215])
    const tokens = await redeem(code)
    const claims = await idTokenOf(tokens.id_token, meta.jwks_uri)
    assert.deepEqual([claims.iss, claims.aud, claims.nonce, claims.email, claims.preferred_username], [entra.issuer, entra.client_id, 'n-1', 'hana@aoba.example', 'hana@aoba.example'])
    assert.ok(claims.exp > now() && claims.iat <= now() + 1)
    const info = await (await fetch(meta.userinfo_endpoint, { headers: { Authorization: `Bearer ${tokens.access_token}` } })).json()
    assert.equal(info.sub, claims.sub)
    assert.deepEqual((await redeem(code)).error_codes, [54005])
    assert.equal((await fetch(meta.userinfo_endpoint, { headers: { Authorization: `Bearer ${tokens.access_token}` } })).status, 401)
    const admin = await idTokenOf((await redeem((await (await ask()).allow('admin@aoba.example')).redirect.searchParams.get('code'))).id_token, meta.jwks_uri)
    assert.equal(admin.sub, entra.accounts[0].subject)

    assert.equal((await (await ask()).deny()).redirect.searchParams.get('error'), 'access_denied')
    assert.equal((await ask({ prompt: 'none' })).redirect.searchParams.get('error'), 'login_required')
    assert.equal((await ask({ code_challenge: 'short' })).redirect.searchParams.get('error'), 'invalid_request')
    assert.equal((await ask({ response_type: 'id_token' })).redirect.searchParams.get('error'), 'unsupported_response_type')
    checkFailure(await (await ask()).allow('ken@midori.example'), 'Microsoft', /AADSTS50020/)
    checkFailure(await ask({ redirect_uri: 'https://evil.example/' }), 'Microsoft', /AADSTS50011/)
    assert.match((await (await ask({ response_mode: 'fragment' })).allow('hana@aoba.example')).redirect.hash, /^#code=/)
    const posted = await (await ask({ response_mode: 'form_post' })).allow('hana@aoba.example')
    assert.match(posted.html, /<input type="hidden" name="code" value="1\.A/)
    assert.match(posted.html, /value="a state with &lt;&amp;&quot;&#39; and 見積"/)

    const own = await startConsents()
    try {
      const e = own.app('entra')
      const late = await (await open(`${own.urls.microsoft}/common/oauth2/v2.0/authorize`, { client_id: e.client_id, redirect_uri: back('oidc'), response_type: 'code', scope: 'openid' })).allow('ken@midori.example')
      await own.cloud.clock(601)
      const answer = await form(`${own.urls.microsoft}/common/oauth2/v2.0/token`, { grant_type: 'authorization_code', code: late.redirect.searchParams.get('code'), client_id: e.client_id, client_secret: own.file(e.client_secret_file), redirect_uri: back('oidc') })
      assert.deepEqual(answer.error_codes, [70008])
    } finally {
      await own.stop()
    }
  })
})

describe('Google', () => {
  let url
  let account
  const drive = 'https://www.googleapis.com/auth/drive'
  const directory = 'https://www.googleapis.com/auth/admin.directory.user.readonly'
  const token = async (sub, scope) => {
    const text = `${b64({ alg: 'RS256', typ: 'JWT', kid: account.private_key_id })}.${b64({ iss: account.client_email, sub, scope, aud: account.token_uri, iat: now(), exp: now() + 3600 })}`
    return form(`${url}/token`, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: `${text}.${createSign('RSA-SHA256').update(text).sign(account.private_key).toString('base64url')}` })
  }
  const page = (domain = 'aoba.example') => `${url}/ac/owl/domainwidedelegation?domain=${domain}`
  const enter = async (fields, domain) => {
    const answer = await fetch(page(domain), { method: 'POST', body: new URLSearchParams({ do: 'add', ...fields }) })
    return answer.text()
  }
  before(() => {
    account = JSON.parse(all.file(all.app('google').key_file))
    url = all.urls.google
  })

  it('delegates exactly the scopes that were entered, to this domain alone', async () => {
    checkPage(await open(page()), 'Google')
    assert.deepEqual([(await token('hana@aoba.example', drive)).status, (await token('hana@aoba.example', drive)).error], [401, 'unauthorized_client'])
    assert.match(textOf(await enter({ client_id: '12345', scopes: drive }), 'error-description'), /client ID is not valid/)
    assert.match(textOf(await enter({ client_id: account.client_id, scopes: 'drive' }), 'error-description'), /Not a valid OAuth scope: drive/)
    assert.match(textOf(await enter({ client_id: account.client_id, scopes: ' ' }), 'error-description'), /At least one/)
    assert.match(textOf(await enter({ client_id: ` ${account.client_id}\n`, scopes: `${drive},\n ${directory}` }), 'done'), /Saved/)
    const one = await token('hana@aoba.example', drive)
    assert.equal(one.status, 200)
    assert.equal((await token('admin@aoba.example', `${drive} ${directory}`)).status, 200)
    assert.equal((await token('hana@aoba.example', `${drive} https://www.googleapis.com/auth/drive.readonly`)).error, 'unauthorized_client')
    assert.equal((await token('ken@midori.example', drive)).error, 'unauthorized_client')
    assert.equal((await token('nobody@aoba.example', drive)).error, 'invalid_grant')
    const about = (t) => fetch(`${url}/drive/v3/about?fields=user`, { headers: { Authorization: `Bearer ${t}` } })
    assert.equal((await (await about(one.access_token)).json()).user.emailAddress, 'hana@aoba.example')
    assert.match(textOf(await enter({ client_id: account.client_id, scopes: directory }), 'error-description'), /already in the list/)
    await enter({ client_id: account.client_id, scopes: directory, overwrite: '1' })
    assert.equal((await token('hana@aoba.example', drive)).error, 'unauthorized_client')
    assert.equal((await about(one.access_token)).status, 401)
    await all.cloud.revoke({ connection: 'aoba-google' })
    assert.equal((await token('admin@aoba.example', directory)).error, 'unauthorized_client')
    await all.cloud.restoreConsent({ connection: 'aoba-google' })
    assert.equal((await token('admin@aoba.example', directory)).status, 200)
    await all.cloud.revoke({ connection: 'aoba-google' })
    assert.match(textOf(await enter({ client_id: account.client_id, scopes: directory }), 'done'), /Saved/)
    assert.equal((await token('admin@aoba.example', directory)).status, 200)
    await all.cloud.restoreConsent({ connection: 'aoba-google' })
    await fetch(page(), { method: 'POST', body: new URLSearchParams({ do: 'delete', client_id: account.client_id }) })
    assert.equal((await token('admin@aoba.example', directory)).error, 'unauthorized_client')
  })

  it("makes a key of a domain's own service account, which acts once it is delegated to", async () => {
    const page = await open(`${url}/iam-admin/serviceaccounts?domain=midori.example`)
    checkPage(page, 'Google')
    const made = JSON.parse(textOf((await page.answer({ do: 'key' })).html, 'key-json'))
    assert.equal(made.client_id, textOf(page.html, 'client-id'))
    const operators = account
    account = made
    try {
      assert.equal((await token('ken@midori.example', drive)).error, 'unauthorized_client')
      assert.match(textOf(await enter({ client_id: made.client_id, scopes: drive }, 'midori.example'), 'done'), /Saved/)
      assert.equal((await token('ken@midori.example', drive)).status, 200)
      assert.equal((await token('hana@aoba.example', drive)).error, 'unauthorized_client')
    } finally {
      account = operators
    }
  })

  it('signs people in, and names itself in the answer', async () => {
    const line = all.text.split('\n').find((l) => l.includes('{id: google,'))
    const id = /client_id: ([^,]+),/.exec(line)[1]
    const secret = all.file('operator-google-secret.txt')
    const meta = await (await fetch(`${url}/.well-known/openid-configuration`)).json()
    assert.equal(meta.issuer, url)
    const { verifier, challenge } = pkce()
    const ask = (more = {}) => open(meta.authorization_endpoint, { client_id: id, redirect_uri: back('oidc'), response_type: 'code', scope: 'openid email profile', state, nonce: 'n-2', access_type: 'offline', code_challenge: challenge, code_challenge_method: 'S256', ...more })
    const redeem = (code, more = {}) => form(meta.token_endpoint, { grant_type: 'authorization_code', code, client_id: id, client_secret: secret, redirect_uri: back('oidc'), code_verifier: verifier, ...more })
    const asked = await ask()
    checkPage(asked, 'Google')
    const said = (await asked.allow('hana@aoba.example')).redirect.searchParams
    assert.deepEqual([said.get('state'), said.get('iss')], [state, url])
    for (const [more, status, error] of [
      [{ client_secret: 'no' }, 401, 'invalid_client'],
      [{ client_id: 'no' }, 401, 'invalid_client'],
      [{ redirect_uri: back('google') }, 400, 'redirect_uri_mismatch'],
      [{ code_verifier: pkce().verifier }, 400, 'invalid_grant'],
      [{ code_verifier: undefined }, 400, 'invalid_grant'],
      [{ code: '4/0Anothing' }, 400, 'invalid_grant'],
    ]) {
      const answer = await redeem(said.get('code'), more)
      assert.deepEqual([answer.status, answer.error], [status, error])
    }
    const tokens = await redeem(said.get('code'))
    const claims = await idTokenOf(tokens.id_token, meta.jwks_uri)
    assert.deepEqual([claims.iss, claims.aud, claims.azp, claims.nonce, claims.email, claims.email_verified, claims.hd], [url, id, id, 'n-2', 'hana@aoba.example', true, 'aoba.example'])
    const info = () => fetch(meta.userinfo_endpoint, { headers: { Authorization: `Bearer ${tokens.access_token}` } })
    assert.equal((await (await info()).json()).sub, claims.sub)
    const again = await form(meta.token_endpoint, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: id, client_secret: secret })
    assert.ok(again.access_token && again.id_token)
    assert.equal((await redeem(said.get('code'))).error, 'invalid_grant')
    assert.equal((await info()).status, 401) // the code came twice
    const denied = (await (await ask()).deny()).redirect.searchParams
    assert.deepEqual([denied.get('error'), denied.get('state'), denied.get('iss')], ['access_denied', state, url])
    assert.equal((await (await ask({ state: undefined })).deny()).redirect.searchParams.has('state'), false)
    assert.equal((await ask({ prompt: 'none' })).redirect.searchParams.get('error'), 'interaction_required')
    checkFailure(await ask({ redirect_uri: 'http://127.0.0.1:9/callback/oidc/' }), 'Google', /redirect_uri_mismatch/)
    checkFailure(await ask({ client_id: 'nobody' }), 'Google', /invalid_client/)
    checkFailure(await ask({ scope: 'openid nonsense' }), 'Google', /invalid_scope/)
  })
})

describe('Box', () => {
  let url
  let app
  let config
  const ask = (more = {}) => open(app.endpoints.authorize, { client_id: app.client_id, redirect_uri: back('box'), response_type: 'code', state, ...more })
  const token = (fields) => form(`${url}/oauth2/token`, { client_id: app.client_id, client_secret: all.file('operator-box-secret.txt'), ...fields })
  const me = async (t) => fetch(`${url}/2.0/users/me`, { headers: { Authorization: `Bearer ${t}` } })
  before(() => {
    url = all.urls.box
    app = all.app('box')
    config = JSON.parse(all.file(app.config_file))
  })

  it('authorizes a server application for one enterprise', async () => {
    const enterprise = JSON.parse(all.cloud.connections().read('aoba-box.json')).enterpriseID
    const other = JSON.parse(all.cloud.connections().read('midori-box.json')).enterpriseID
    const { clientID, clientSecret } = config.boxAppSettings
    const grant = (claims) => form(`${url}/oauth2/token`, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_id: clientID, client_secret: clientSecret, assertion: boxAssertion(config, { claims }) })
    assert.deepEqual([(await grant({ sub: enterprise })).status, (await grant({ sub: enterprise })).error], [400, 'unauthorized_client'])
    const address = `${url}/master/platform-apps?enterprise=${enterprise}`
    const page = await open(address)
    checkPage(page, 'Box')
    assert.equal(textOf(page.html, 'enterprise-id'), enterprise)
    assert.match(textOf((await page.answer({ do: 'add', client_id: 'nobody' })).html, 'error-description'), /not found/)
    assert.match(textOf((await page.answer({ do: 'add', client_id: app.client_id })).html, 'error-description'), /OAuth 2\.0/)
    assert.match(textOf((await page.answer({ do: 'add', client_id: ` ${clientID} ` })).html, 'done'), /Saved/)
    const t = (await grant({ sub: enterprise })).access_token
    const who = await (await me(t)).json()
    assert.match(who.login, new RegExp(`^AutomationUser_${enterprise}_`))
    assert.equal((await grant({ sub: other })).error, 'unauthorized_client')
    const users = await (await fetch(`${url}/2.0/users`, { headers: { Authorization: `Bearer ${t}` } })).json()
    assert.ok(users.entries.every((u) => u.login.endsWith('@aoba.example')))
    await all.cloud.revoke({ connection: 'aoba-box' })
    assert.equal((await me(t)).status, 401)
    assert.equal((await grant({ sub: enterprise })).error, 'unauthorized_client')
    await page.answer({ do: 'add', client_id: clientID })
    const again = (await grant({ sub: enterprise })).access_token
    assert.equal((await me(again)).status, 200)
    await all.cloud.restoreConsent({ connection: 'aoba-box' })
    await page.answer({ do: 'remove', client_id: clientID })
    assert.equal((await me(again)).status, 401)
    assert.equal((await grant({ sub: enterprise })).error, 'unauthorized_client')
  })

  it("gives out config.json of an enterprise's own application", async () => {
    const seeded = JSON.parse(all.cloud.connections().read('midori-box.json'))
    const page = await open(`${url}/developers/console?enterprise=${seeded.enterpriseID}`)
    checkPage(page, 'Box')
    assert.deepEqual(JSON.parse(textOf((await page.answer({ do: 'key' })).html, 'config-json')), seeded)
  })

  it('grants access to a user who agrees: a code of 30 s, refresh tokens of one use', async () => {
    const page = await ask()
    checkPage(page, 'Box')
    assert.deepEqual(optionsOf(page.html).sort(), ['admin@aoba.example', 'admin@midori.example', 'hana@aoba.example', 'ken@midori.example'])
    const said = (await page.allow('ken@midori.example')).redirect.searchParams
    assert.equal(said.get('state'), state)
    const code = said.get('code')
    assert.equal((await token({ grant_type: 'authorization_code', code, client_secret: 'no' })).error, 'invalid_client')
    assert.equal((await token({ grant_type: 'authorization_code', code, redirect_uri: 'https://evil.example/' })).error, 'invalid_grant')
    const first = await token({ grant_type: 'authorization_code', code, redirect_uri: back('box') })
    assert.equal((await (await me(first.access_token)).json()).login, 'ken@midori.example')
    assert.equal((await token({ grant_type: 'authorization_code', code })).error, 'invalid_grant')
    const second = await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token })
    assert.ok(second.refresh_token && second.refresh_token !== first.refresh_token)
    assert.equal((await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).error, 'invalid_grant')
    await all.cloud.revoke({ connection: 'midori-box' })
    assert.equal((await token({ grant_type: 'refresh_token', refresh_token: second.refresh_token })).error, 'invalid_grant')
    await all.cloud.restoreConsent({ connection: 'midori-box' })
    assert.ok((await token({ grant_type: 'refresh_token', refresh_token: second.refresh_token })).access_token)
    assert.equal((await token({ grant_type: 'client_credentials', box_subject_type: 'enterprise', box_subject_id: '1' })).error, 'unauthorized_client')
    const denied = paramsOf((await (await ask()).deny()).redirect)
    assert.deepEqual([denied.error, denied.state], ['access_denied', state])
    assert.equal((await (await ask({ state: undefined })).deny()).redirect.searchParams.has('state'), false)
    checkFailure(await ask({ redirect_uri: 'https://evil.example/' }), 'Box', /redirect_uri_mismatch/)
    checkFailure(await ask({ redirect_uri: undefined }), 'Box', /redirect_uri_mismatch/)
    assert.equal((await ask({ redirect_uri: 'https://console.example/x/callback/box' })).status, 200)
    checkFailure(await ask({ client_id: 'nobody' }), 'Box', /invalid_client_id/)
    checkFailure(await ask({ response_type: 'token' }), 'Box', /unsupported_response_type/)

    const own = await startConsents()
    try {
      const a = own.app('box')
      const late = (await open(a.endpoints.authorize, { client_id: a.client_id, redirect_uri: back('box'), response_type: 'code', fakecloud_consent: 'hana@aoba.example' })).redirect.searchParams.get('code')
      await own.cloud.clock(31)
      const answer = await form(`${own.urls.box}/oauth2/token`, { grant_type: 'authorization_code', code: late, client_id: a.client_id, client_secret: own.file('operator-box-secret.txt') })
      assert.equal(answer.error_description, 'The authorization code has expired')
    } finally {
      await own.stop()
    }
  })
})

describe('Dropbox', () => {
  let url
  let app
  const { verifier, challenge } = pkce()
  const team = 'team_info.read members.read team_data.member files.metadata.read'
  const ask = (more = {}) => open(app.endpoints.authorize, { client_id: app.app_key, redirect_uri: back('dropbox'), response_type: 'code', state, token_access_type: 'offline', scope: team, code_challenge: challenge, code_challenge_method: 'S256', ...more })
  const token = (fields) => form(`${url}/oauth2/token`, { client_id: app.app_key, client_secret: all.file(app.app_secret_file), ...fields })
  const redeem = (code, more = {}) => token({ grant_type: 'authorization_code', code, redirect_uri: back('dropbox'), code_verifier: verifier, ...more })
  const call = (t, path, headers = {}) => fetch(`${url}/2/${path}`, { method: 'POST', headers: { Authorization: `Bearer ${t}`, ...headers } })
  before(() => {
    url = all.urls.dropbox
    app = all.app('dropbox')
  })

  it('links a team that its administrator connects', async () => {
    const page = await ask()
    checkPage(page, 'Dropbox')
    assert.match(textOf(page.html, 'permissions'), /team_data\.member/)
    checkFailure(await page.allow('hana@aoba.example'), 'Dropbox', /team admin/)
    const said = (await page.allow('admin@midori.example')).redirect.searchParams
    assert.equal(said.get('state'), state)
    const code = said.get('code')
    for (const more of [{ code_verifier: pkce().verifier }, { code_verifier: undefined }, { redirect_uri: back('box') }, { redirect_uri: undefined }, { code: 'nothing' }]) assert.equal((await redeem(code, more)).error, 'invalid_grant')
    assert.equal((await redeem(code, { client_secret: 'no' })).error, 'invalid_client')
    const first = await redeem(code)
    assert.match(first.team_id, /^dbtid:/)
    assert.equal(first.scope, team)
    const info = await (await call(first.access_token, 'team/get_info')).json()
    assert.deepEqual([info.team_id, info.name], [first.team_id, 'Midori'])
    assert.equal((await call(first.access_token, 'team_log/get_events', { 'Content-Type': 'application/json' })).status, 401) // a scope that was not asked for
    const refresh = (more = {}) => token({ grant_type: 'refresh_token', refresh_token: first.refresh_token, ...more })
    assert.equal((await refresh()).status, 200)
    assert.equal((await refresh({ scope: 'sharing.write' })).error, 'invalid_scope')
    assert.equal((await refresh({ client_secret: undefined })).error, 'invalid_client')
    await all.cloud.revoke({ connection: 'midori-dropbox' })
    assert.equal((await refresh()).error, 'invalid_grant')
    assert.equal((await call(first.access_token, 'team/get_info')).status, 401)
    await all.cloud.restoreConsent({ connection: 'midori-dropbox' })
    const second = await refresh()
    assert.equal((await call(second.access_token, 'auth/token/revoke')).status, 200)
    assert.equal((await call(second.access_token, 'team/get_info')).status, 401)
    assert.equal((await refresh()).error, 'invalid_grant')
    await all.cloud.restoreConsent({ connection: 'midori-dropbox' })
    assert.equal((await refresh()).error, 'invalid_grant') // revoked by the application itself
    assert.equal((await redeem(code)).error, 'invalid_grant')
  })

  it('links one person, renews without a secret what was made without, and shows a code that nobody carries', async () => {
    const code = (await (await ask({ scope: 'account_info.read files.metadata.read' })).allow('hana@aoba.example')).redirect.searchParams.get('code')
    const one = await redeem(code, { client_secret: undefined })
    assert.equal(one.team_id, undefined)
    assert.match(one.account_id, /^dbid:/)
    assert.equal((await (await call(one.access_token, 'users/get_current_account')).json()).email, 'hana@aoba.example')
    assert.equal((await call(one.access_token, 'team/get_info')).status, 400)
    assert.equal((await token({ grant_type: 'refresh_token', refresh_token: one.refresh_token, client_secret: undefined })).status, 200)
    const shown = await (await ask({ redirect_uri: undefined })).allow('admin@aoba.example')
    const there = await redeem(textOf(shown.html, 'authorization-code'), { redirect_uri: undefined })
    assert.match(there.team_id, /^dbtid:/)
    const apps = await open(`${url}/team/admin/settings/app_integrations?team=aoba`)
    checkPage(apps, 'Dropbox')
    await apps.answer({ do: 'disconnect' })
    assert.equal((await token({ grant_type: 'refresh_token', refresh_token: there.refresh_token })).error, 'invalid_grant')
  })

  it('refuses requests that are wrong, and takes no for an answer', async () => {
    const denied = paramsOf((await (await ask()).deny()).redirect)
    assert.deepEqual([denied.error, denied.state], ['access_denied', state])
    assert.equal((await (await ask({ state: undefined })).deny()).redirect.searchParams.has('state'), false)
    checkFailure(await ask({ redirect_uri: 'https://evil.example/' }), 'Dropbox', /redirect_uri/)
    checkFailure(await ask({ client_id: 'nobody' }), 'Dropbox', /client_id/)
    checkFailure(await ask({ response_type: 'token' }), 'Dropbox', /response_type/)
    checkFailure(await ask({ scope: 'team_info.read nonsense' }), 'Dropbox', /nonsense/)
    checkFailure(await ask({ code_challenge: 'short' }), 'Dropbox', /code_challenge/)
    checkFailure(await ask({ token_access_type: 'ever' }), 'Dropbox', /token_access_type/)
    const own = await startConsents(['--auto-consent'])
    try {
      const a = own.app('dropbox')
      const late = (await open(a.endpoints.authorize, { client_id: a.app_key, redirect_uri: back('dropbox'), response_type: 'code' })).redirect.searchParams.get('code')
      await own.cloud.clock(601)
      const answer = await form(`${own.urls.dropbox}/oauth2/token`, { grant_type: 'authorization_code', code: late, client_id: a.app_key, client_secret: own.file(a.app_secret_file), redirect_uri: back('dropbox') })
      assert.equal(answer.error, 'invalid_grant')
    } finally {
      await own.stop()
    }
  })
})

it('start pages name each company and what a wizard wants pasted', async () => {
  for (const [name, url] of Object.entries(all.urls).filter(([n]) => n !== 'control')) {
    const page = await open(url)
    checkPage(page, { microsoft: 'Microsoft', google: 'Google', box: 'Box', dropbox: 'Dropbox' }[name])
    assert.match(page.html, /aoba/i)
    assert.match(page.html, /admin@midori\.example/)
    const call = await fetch(`${url}/`, { headers: { Authorization: 'Bearer nobody' } })
    assert.ok(call.status === 401 || call.status === 404, `${name}: ${call.status}`)
  }
})
