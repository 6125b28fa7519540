// The official SDKs' own flows against fakecloud's pages: MSAL (code with PKCE, refresh), google-auth-library (code, ID token
// verified by the published certificates), box-node-sdk (OAuth with rotating refresh tokens), dropbox (PKCE, offline).
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { ConfidentialClientApplication, CryptoProvider } from '@azure/msal-node'
import { CodeChallengeMethod, OAuth2Client } from 'google-auth-library'
import { BoxClient, BoxOAuth, OAuthConfig } from 'box-node-sdk'
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking'
import dropbox from 'dropbox'
import { open, startConsents } from './consent-lib.mjs'

const back = (name) => `http://127.0.0.1:9/callback/${name}`
let all
before(async () => { all = await startConsents() })
after(() => all.stop())

async function codeOf(url, account) {
  const { redirect } = await (await open(url)).allow(account)
  return redirect.searchParams.get('code')
}

it('MSAL signs a person in with a code and PKCE, and renews silently', async () => {
  const entra = all.app('entra')
  const directory = entra.issuer.split('/')[3]
  // MSAL insists on https and the real host: calls are mapped as a proxy that ends TLS would do it.
  const real = 'https://login.microsoftonline.com'
  const network = {
    async send(method, url, { headers = {}, body } = {}) {
      const answer = await fetch(url.replace(real, all.urls.microsoft), { method, body, headers: { ...headers, 'X-Forwarded-Host': 'login.microsoftonline.com', 'X-Forwarded-Proto': 'https' } })
      return { headers: Object.fromEntries(answer.headers), body: await answer.json(), status: answer.status }
    },
    sendGetRequestAsync(url, options) { return this.send('GET', url, options) },
    sendPostRequestAsync(url, options) { return this.send('POST', url, options) },
  }
  const msal = new ConfidentialClientApplication({
    auth: { clientId: entra.client_id, clientSecret: all.file(entra.client_secret_file), authority: `${real}/${directory}` },
    system: { networkClient: network },
  })
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes()
  const scopes = ['openid', 'profile', 'email', 'offline_access']
  const url = await msal.getAuthCodeUrl({ scopes, redirectUri: back('oidc'), state: 's', nonce: 'n', codeChallenge: challenge, codeChallengeMethod: 'S256', responseMode: 'query' })
  const code = await codeOf(url.replace(real, all.urls.microsoft), 'hana@aoba.example')
  await assert.rejects(msal.acquireTokenByCode({ scopes, redirectUri: back('oidc'), code, codeVerifier: 'x'.repeat(43), nonce: 'n' }), /AADSTS501481/)
  const result = await msal.acquireTokenByCode({ scopes, redirectUri: back('oidc'), code, codeVerifier: verifier, nonce: 'n' })
  assert.deepEqual([result.account.username, result.idTokenClaims.nonce, result.tenantId], ['hana@aoba.example', 'n', directory])
  const again = await msal.acquireTokenSilent({ account: result.account, scopes, forceRefresh: true })
  assert.notEqual(again.accessToken, result.accessToken)
  assert.equal(again.account.homeAccountId, result.account.homeAccountId)
})

it("google-auth-library takes a code and verifies the ID token by Google's certificates", async () => {
  const url = all.urls.google
  const client = new OAuth2Client({
    clientId: /id: google,.*?client_id: ([^,]+),/.exec(all.text)[1],
    clientSecret: all.file('operator-google-secret.txt'),
    redirectUri: back('oidc'),
    issuers: [url],
    endpoints: { oauth2AuthBaseUrl: `${url}/o/oauth2/v2/auth`, oauth2TokenUrl: `${url}/token`, oauth2FederatedSignonPemCertsUrl: `${url}/oauth2/v1/certs`, oauth2RevokeUrl: `${url}/revoke`, tokenInfoUrl: `${url}/tokeninfo` },
  })
  const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync()
  const page = client.generateAuthUrl({ access_type: 'offline', scope: 'openid email profile', nonce: 'n', code_challenge: codeChallenge, code_challenge_method: CodeChallengeMethod.S256 })
  const { tokens } = await client.getToken({ code: await codeOf(page, 'ken@midori.example'), codeVerifier })
  const ticket = await client.verifyIdToken({ idToken: tokens.id_token, audience: client._clientId })
  const { email, email_verified: verified, nonce, hd } = ticket.getPayload()
  assert.deepEqual([email, verified, nonce, hd], ['ken@midori.example', true, 'n', 'midori.example'])
  await assert.rejects(client.verifyIdToken({ idToken: tokens.id_token, audience: 'somebody else' }), /Wrong recipient/)
  const forged = tokens.id_token.replace(/\.[^.]+\./, (part) => `.${Buffer.from(Buffer.from(part, 'base64url').toString().replace('ken@', 'eve@')).toString('base64url')}.`)
  await assert.rejects(client.verifyIdToken({ idToken: forged, audience: client._clientId }), /Invalid token signature/)
  assert.equal((await client.getTokenInfo(tokens.access_token)).azp, client._clientId)
  client.setCredentials({ refresh_token: tokens.refresh_token })
  assert.ok((await client.getAccessToken()).token)
  await client.revokeToken(tokens.refresh_token)
  client.setCredentials({ refresh_token: tokens.refresh_token })
  await assert.rejects(client.getAccessToken(), /invalid_grant/)
})

it('box-node-sdk takes a code, renews with tokens of one use, and revokes', async () => {
  const app = all.app('box')
  const url = all.urls.box
  const auth = new BoxOAuth({ config: new OAuthConfig({ clientId: app.client_id, clientSecret: all.file('operator-box-secret.txt') }) })
  const networkSession = new NetworkSession({ baseUrls: new BaseUrls({ baseUrl: url, uploadUrl: url, oauth2Url: `${url}/api/oauth2` }) })
  const page = new URL(auth.getAuthorizeUrl({ redirectUri: back('box'), state: 's' }))
  const code = await codeOf(`${app.endpoints.authorize}${page.search}`, 'hana@aoba.example')
  const first = await auth.getTokensAuthorizationCodeGrant(code, networkSession)
  const client = new BoxClient({ auth, networkSession })
  assert.equal((await client.users.getUserMe()).login, 'hana@aoba.example')
  const second = await auth.refreshToken(networkSession)
  assert.notEqual(second.refreshToken, first.refreshToken)
  assert.equal((await client.users.getUserMe()).login, 'hana@aoba.example')
  await auth.revokeToken(networkSession)
  const answer = await fetch(`${url}/2.0/users/me`, { headers: { Authorization: `Bearer ${second.accessToken}` } })
  assert.equal(answer.status, 401)
})

it('dropbox links a team with PKCE and renews offline', async () => {
  const app = all.app('dropbox')
  const url = all.urls.dropbox
  const { Dropbox, DropboxAuth } = dropbox
  const mapped = (to, options) => fetch(String(to).replace(/^https:\/\/[a-z]+\.(dropboxapi|dropbox)\.com/, url), options)
  const auth = new DropboxAuth({ clientId: app.app_key, fetch: mapped })
  const page = await auth.getAuthenticationUrl(back('dropbox'), 's', 'code', 'offline', ['team_info.read', 'members.read', 'team_data.member', 'files.metadata.read'], 'none', true)
  const code = await codeOf(String(page).replace(/^https:\/\/[a-z.]+/, url), 'admin@aoba.example')
  const { result } = await auth.getAccessTokenFromCode(back('dropbox'), code)
  assert.match(result.team_id, /^dbtid:/)
  auth.setAccessToken(result.access_token)
  auth.setRefreshToken(result.refresh_token)
  const client = new Dropbox({ auth, fetch: mapped })
  assert.equal((await client.teamGetInfo()).result.team_id, result.team_id)
  await auth.refreshAccessToken()
  assert.notEqual(auth.getAccessToken(), result.access_token)
  assert.equal((await client.teamGetInfo()).result.team_id, result.team_id)
})
