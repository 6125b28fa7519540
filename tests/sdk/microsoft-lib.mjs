// What the tests of Microsoft share: a small company's tenant, MSAL and Graph clients that reach it, raw calls.
// The SDKs insist on https at the real hosts: fetch is mapped to the stand-in, as a proxy that ends TLS would do it.
import { ConfidentialClientApplication } from '@azure/msal-node'
import { Client, PageIterator, LargeFileUploadTask, FileUpload } from '@microsoft/microsoft-graph-client'
import { X509Certificate, createHash, createPrivateKey, sign, randomUUID, constants } from 'node:crypto'
import { readConnection, startFakecloud } from './lib.mjs'

export { PageIterator, LargeFileUploadTask, FileUpload }

const hour = 3600000
const ago = (hours) => Date.now() - hours * hour

export function mail({ subject = 'hello', from = 'Guest <guest@elsewhere.example>', to = 'hana@aoba.example', id = randomUUID(), body = 'text', attachment }) {
  const head = [`From: ${from}`, `To: ${to}`, `Subject: =?utf-8?B?${Buffer.from(subject).toString('base64')}?=`,
    `Message-ID: <${id}@elsewhere.example>`, 'Date: Fri, 20 Nov 2026 10:00:00 +0900', 'MIME-Version: 1.0']
  if (!attachment) return [...head, 'Content-Type: text/plain; charset=utf-8', '', body, ''].join('\r\n')
  return [...head, 'Content-Type: multipart/mixed; boundary="b"', '', '--b', 'Content-Type: text/html; charset=utf-8', '', `<p>${body}</p>`,
    '--b', `Content-Type: application/octet-stream; name="${attachment.name}"`, 'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(attachment.name)}`, '',
    Buffer.from(attachment.content).toString('base64'), '--b--', ''].join('\r\n')
}

const hana = 'aoba/microsoft/users/hana@aoba.example'
const ken = 'aoba/microsoft/users/ken@aoba.example'

export const seed = {
  [`${hana}/mail/Inbox/1.eml`]: { content: mail({ subject: '請求書', id: 'one' }), mtime: ago(5) },
  [`${hana}/mail/Inbox/2.eml`]: { content: mail({ subject: 'two', id: 'two', attachment: { name: '見積.txt', content: 'a quote' } }), mtime: ago(4) },
  [`${hana}/mail/Inbox/3.eml`]: { content: mail({ subject: 'three', id: 'three' }), mtime: ago(3) },
  [`${hana}/mail/Projects/Alpha/4.eml`]: { content: mail({ subject: 'four', id: 'four' }), mtime: ago(2) },
  [`${hana}/drive/abc.txt`]: 'abc',
  [`${hana}/drive/abc.txt.sharing.json`]: ['user:ken@aoba.example:read', 'link:anonymous:view'],
  [`${hana}/drive/資料/報告.txt`]: 'report',
  [`${hana}/drive/資料/deep/er.txt`]: 'deep',
  [`${hana}/drive/bad.exe`]: 'MZ bad',
  [`${ken}/mail/Inbox/1.eml`]: mail({ subject: 'for ken', to: 'ken@aoba.example', id: 'ken' }),
  'aoba/microsoft/users/gone@aoba.example/': '',
  'aoba/microsoft/sites/Sales/Documents/plan.txt': 'the plan',
  'aoba/microsoft/sites/Sales/Old Things/old.txt': 'old',
  'aoba/microsoft/teams/Sales/General/1.json': {
    from: 'hana@aoba.example', body: '<p>hello</p>', created: '2026-11-20T01:02:03Z',
    replies: [{ from: 'ken@aoba.example', body: 'hi', created: '2026-11-20T01:03:03Z' }],
    hostedContents: [{ contentBytes: Buffer.from('PNG').toString('base64'), contentType: 'image/png' }],
  },
  'aoba/microsoft/teams/Sales/General/2.json': { from: 'ken@aoba.example', body: 'second', created: '2026-11-20T02:02:03Z' },
  'aoba/microsoft/chats/hana@aoba.example,ken@aoba.example/1.json': { from: 'ken@aoba.example', body: 'psst', created: '2026-11-20T03:02:03Z' },
  'aoba/microsoft/.sekisho-seed.json': {
    unlicensed: ['gone@aoba.example'], malware: ['users/hana@aoba.example/drive/bad.exe'],
    names: { 'hana@aoba.example': '佐藤 花' }, titles: { 'hana@aoba.example': '部長' }, departments: { 'hana@aoba.example': '経理' },
    aliases: { 'hana@aoba.example': ['hana.sato@aoba.co.example'] }, domains: ['aoba.co.example'], groups: { 経理部: ['hana@aoba.example'] },
  },
  'narrow/microsoft/users/admin@narrow.example/mail/Inbox/1.eml': mail({ id: 'narrow' }),
  'narrow/microsoft/users/admin@narrow.example/drive/a/b/c.txt': 'c',
  'narrow/microsoft/.sekisho-seed.json': { page_size: 2, roles: ['User.Read.All', 'Mail.ReadBasic.All', 'Files.Read.All'] },
}

const b64 = (v) => Buffer.from(typeof v === 'string' || Buffer.isBuffer(v) ? v : JSON.stringify(v)).toString('base64url')

export async function startMicrosoft(args = []) {
  const cloud = await startFakecloud({ seed, args })
  const base = cloud.urls.microsoft
  const plainFetch = globalThis.fetch
  const real = /^https:\/\/(login\.microsoftonline\.com|graph\.microsoft\.com)/
  // Redirects are followed here: their targets are mapped too, and carry their own authority.
  globalThis.fetch = async (input, init = {}) => {
    const url = typeof input === 'string' ? input : input.url ?? input.href
    const host = real.exec(url)?.[1]
    if (!host) return plainFetch(input, init)
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set('X-Forwarded-Host', host)
    headers.set('X-Forwarded-Proto', 'https')
    const answer = await plainFetch(url.replace(real, base), { method: input.method, ...init, headers, redirect: 'manual', duplex: init.body ? 'half' : undefined })
    if (answer.status !== 302) return answer
    headers.delete('Authorization')
    return plainFetch(answer.headers.get('Location').replace(real, base), { headers })
  }
  const connection = (tenant = 'aoba') => readConnection(cloud.connections(), `${tenant}-m365`)
  const read = (name) => cloud.connections().read(name)
  const network = {
    async send(method, url, options = {}) {
      const answer = await fetch(url, { method, headers: options.headers, body: options.body })
      return { headers: Object.fromEntries(answer.headers), body: await answer.json(), status: answer.status }
    },
    sendGetRequestAsync(url, options) { return this.send('GET', url, options) },
    sendPostRequestAsync(url, options) { return this.send('POST', url, options) },
  }
  // MSAL with a certificate by sha256 (PS256) or sha1 (RS256) thumbprint, or a secret.
  function msal(kind = 'sha256', tenant = 'aoba') {
    const { grant } = connection(tenant)
    const der = new X509Certificate(read(grant.certificate_file)).raw
    const privateKey = read(grant.key_file)
    const credential = kind === 'secret' ? { clientSecret: read(`${tenant}-m365.secret`) }
      : { clientCertificate: { privateKey, [kind === 'sha1' ? 'thumbprint' : 'thumbprintSha256']: createHash(kind).update(der).digest('hex') } }
    return new ConfidentialClientApplication({
      auth: { clientId: grant.client_id, authority: `https://login.microsoftonline.com/${grant.directory}`, ...credential },
      system: { networkClient: network },
    })
  }
  const scopes = ['https://graph.microsoft.com/.default']
  const accessToken = async (tenant, kind) => (await msal(kind, tenant).acquireTokenByClientCredential({ scopes })).accessToken
  const client = (tenant = 'aoba') => {
    const app = msal('sha256', tenant)
    return Client.initWithMiddleware({
      authProvider: { getAccessToken: async () => (await app.acquireTokenByClientCredential({ scopes })).accessToken },
    })
  }
  // A raw call: {status, headers, body (parsed when it is JSON), bytes}.
  async function call(method, path, { token, headers = {}, body, redirect = 'manual' } = {}) {
    const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
    const answer = await plainFetch(path.startsWith('http') ? path : base + path, {
      method, redirect, body: json ? JSON.stringify(body) : body,
      headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(json ? { 'Content-Type': 'application/json' } : {}), ...headers },
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const isJson = /json/.test(answer.headers.get('content-type') ?? '')
    return { status: answer.status, headers: answer.headers, bytes, body: isJson && bytes.length ? JSON.parse(bytes) : undefined }
  }
  // An assertion of our own, to be wrong in chosen ways.
  function assertion({ tenant = 'aoba', alg = 'PS256', header = {}, claims = {}, key } = {}) {
    const { grant } = connection(tenant)
    const der = new X509Certificate(read(grant.certificate_file)).raw
    const now = Math.floor(Date.now() / 1000)
    const thumb = alg === 'PS256' ? { 'x5t#S256': createHash('sha256').update(der).digest('base64url') }
      : { x5t: createHash('sha1').update(der).digest('base64url') }
    const text = `${b64({ alg, typ: 'JWT', ...thumb, ...header })}.${b64({
      aud: `${base}/${grant.directory}/oauth2/v2.0/token`, iss: grant.client_id, sub: grant.client_id, jti: randomUUID(),
      nbf: now, iat: now, exp: now + 300, ...claims })}`
    const how = alg === 'PS256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : { padding: constants.RSA_PKCS1_PADDING }
    return `${text}.${b64(sign('sha256', Buffer.from(text), { key: key ?? createPrivateKey(read(grant.key_file)), ...how }))}`
  }
  async function tokenCall(fields, { tenant = 'aoba', directory = connection(tenant).grant.directory } = {}) {
    const form = new URLSearchParams({ client_id: connection(tenant).grant.client_id, grant_type: 'client_credentials', scope: scopes[0], ...fields })
    return call('POST', `/${directory}/oauth2/v2.0/token`, { body: form.toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
  }
  const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const tokenBy = (how, options) => tokenCall({ client_assertion_type: jwtBearer, client_assertion: assertion(how) }, options)
  return {
    ...cloud, base, connection, read, msal, client, accessToken, call, assertion, tokenCall, tokenBy,
    stop: async () => {
      globalThis.fetch = plainFetch
      return cloud.stop()
    },
  }
}
