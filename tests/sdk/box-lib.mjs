// What the tests of Box share: a small company's Box, SDK clients on it, and raw calls for what an SDK hides.
import { BoxCcgAuth, BoxClient, BoxJwtAuth, CcgConfig, JwtConfig } from 'box-node-sdk'
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking'
import { createPrivateKey, createSign, randomUUID } from 'node:crypto'
import { startFakecloud } from './lib.mjs'

export const day = 86400000
const old = Date.now() - 400 * day
const recent = Date.now() - 2 * day

export const seed = {
  'aoba/box/users/admin@aoba.example/': '',
  'aoba/box/users/hana@aoba.example/Docs/plan.txt': { content: 'the plan', mtime: recent },
  'aoba/box/users/hana@aoba.example/Docs/old.txt': { content: 'long ago', mtime: old },
  'aoba/box/users/hana@aoba.example/Docs/plan.txt.sharing.json': ['user:ken@aoba.example:read', 'link:anonymous:view', 'user:guest@elsewhere.example:write'],
  'aoba/box/users/hana@aoba.example/見積書 2026.txt': { content: '見積', mtime: recent },
  'aoba/box/users/ken@aoba.example/Work/bad.exe': { content: 'MZ bad', mtime: recent },
  'aoba/box/users/ken@aoba.example/Work/Deep/er/note.md': { content: '# note', mtime: recent },
  'aoba/box/users/gone@aoba.example/': '',
  'aoba/box/.sekisho-seed.json': { malware: ['users/ken@aoba.example/Work/bad.exe'], unlicensed: ['gone@aoba.example'], groups: { 営業: ['hana@aoba.example', 'ken@aoba.example'] }, titles: { 'hana@aoba.example': '部長' } },
  'narrow/box/users/admin@narrow.example/a.txt': 'a',
  'narrow/box/users/admin@narrow.example/b.txt': 'b',
  'narrow/box/users/admin@narrow.example/c.txt': 'c',
  'narrow/box/.sekisho-seed.json': { page_size: 2, scopes: ['root_readonly'] },
  'slow/box/users/admin@slow.example/': '',
  'slow/box/.sekisho-seed.json': { download_delay: 1, trash: false },
}

// A running fakecloud with clients; tenant's config.json as a client would be given it.
export async function startBox(args = []) {
  const cloud = await startFakecloud({ seed, args })
  const url = cloud.urls.box
  const config = (tenant = 'aoba') => JSON.parse(cloud.connections().read(`${tenant}-box.json`))
  const session = new NetworkSession({ baseUrls: new BaseUrls({ baseUrl: url, uploadUrl: url, oauth2Url: `${url}/api/oauth2` }) })
  const bind = (auth) => new BoxClient({ auth, networkSession: session })
  const jwt = (tenant = 'aoba') => bind(new BoxJwtAuth({ config: JwtConfig.fromConfigJsonString(JSON.stringify(config(tenant))) }))
  const ccg = (tenant = 'aoba', userId) => {
    const c = config(tenant)
    return bind(new BoxCcgAuth({
      config: new CcgConfig({
        clientId: c.boxAppSettings.clientID,
        clientSecret: c.boxAppSettings.clientSecret,
        ...(userId ? { userId } : { enterpriseId: c.enterpriseID }),
      }),
    }))
  }
  const form = (path, fields) => fetch(url + path, { method: 'POST', body: new URLSearchParams(fields) })
  const tokenForm = (tenant = 'aoba', more = {}) => {
    const c = config(tenant)
    return { client_id: c.boxAppSettings.clientID, client_secret: c.boxAppSettings.clientSecret, ...more }
  }
  const token = async (tenant = 'aoba', user) => {
    const subject = user ? { box_subject_type: 'user', box_subject_id: user } : { box_subject_type: 'enterprise', box_subject_id: config(tenant).enterpriseID }
    const answer = await form('/oauth2/token', tokenForm(tenant, { grant_type: 'client_credentials', ...subject }))
    return (await answer.json()).access_token
  }
  // A token of the enterprise's administrator, by the page where users agree.
  const tokenByCode = async (tenant) => {
    const page = `/authorize?response_type=code&client_id=${tokenForm(tenant).client_id}&redirect_uri=https://app.example/`
    const agreed = await fetch(url + page, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ consent: 'accept' }) })
    const code = new URL(agreed.headers.get('location')).searchParams.get('code')
    return (await (await form('/oauth2/token', tokenForm(tenant, { grant_type: 'authorization_code', code }))).json()).access_token
  }
  // One raw call: {status, headers, json, text}.
  const call = async (method, path, { token: bearer, as, headers = {}, body, json, type } = {}) => {
    const answer = await fetch(path.startsWith('http') ? path : url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(bearer && { Authorization: `Bearer ${bearer}` }),
        ...(as && { 'as-user': as }),
        ...(json !== undefined && { 'Content-Type': type ?? 'application/json' }),
        ...headers,
      },
      body: json !== undefined ? JSON.stringify(json) : body,
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    let doc
    try { doc = JSON.parse(bytes.toString()) } catch { doc = undefined }
    return { status: answer.status, headers: answer.headers, json: doc, bytes, text: bytes.toString() }
  }
  return { cloud, url, config, jwt, ccg, form, tokenForm, token, tokenByCode, call, stop: () => cloud.stop() }
}

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

// An assertion for the token address, with any header or claim changed.
export function assertion(config, { header = {}, claims = {}, alg = 'RS256' } = {}) {
  const { clientID, appAuth } = config.boxAppSettings
  const key = createPrivateKey({ key: appAuth.privateKey, passphrase: appAuth.passphrase })
  const head = { alg, typ: 'JWT', kid: appAuth.publicKeyID, ...header }
  const body = {
    iss: clientID,
    sub: config.enterpriseID,
    box_sub_type: 'enterprise',
    aud: 'https://api.box.com/oauth2/token',
    jti: randomUUID(),
    exp: Math.floor(Date.now() / 1000) + 45,
    ...claims,
  }
  const text = `${b64(head)}.${b64(body)}`
  return `${text}.${createSign(`RSA-SHA${alg.slice(2)}`).update(text).sign(key).toString('base64url')}`
}

export async function drain(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

// All users of a client by login.
export async function usersOf(client) {
  const { entries } = await client.users.getUsers({ limit: 1000 })
  return Object.fromEntries(entries.map((u) => [u.login, u]))
}
