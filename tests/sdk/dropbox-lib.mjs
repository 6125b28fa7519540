// What the tests of Dropbox share: a small team, SDK clients on it, and raw calls for what the SDK hides.
import dropbox from 'dropbox'
import { createHash } from 'node:crypto'
import { readConnection, startFakecloud } from './lib.mjs'

const { Dropbox, DropboxAuth } = dropbox
const recent = '2026-11-01T09:30:15.700Z'

export const seed = {
  'aoba/dropbox/members/admin@aoba.example/': '',
  'aoba/dropbox/members/hana@aoba.example/Docs/plan.txt': { content: 'the plan', mtime: recent },
  'aoba/dropbox/members/hana@aoba.example/Docs/plan.txt.sharing.json': ['user:ken@aoba.example:write', 'link:anonymous:view', 'user:guest@elsewhere.example:read'],
  'aoba/dropbox/members/hana@aoba.example/Docs/見積書 😀.txt': { content: '見積', mtime: recent },
  'aoba/dropbox/members/hana@aoba.example/notes.paper': { content: '# notes', mtime: recent },
  'aoba/dropbox/members/hana@aoba.example/empty': { content: '', mtime: recent },
  'aoba/dropbox/members/ken@aoba.example/Work/bad.exe': { content: 'MZ bad', mtime: recent },
  'aoba/dropbox/members/ken@aoba.example/Work/Deep/er/note.md': { content: '# note', mtime: recent },
  'aoba/dropbox/members/gone@aoba.example/': '',
  'aoba/dropbox/team-folders/Marketing/Plans/q4.txt': { content: 'fourth quarter', mtime: recent },
  'aoba/dropbox/team-folders/Marketing/logo.png': { content: 'png', mtime: recent },
  'aoba/dropbox/.sekisho-seed.json': { malware: ['members/ken@aoba.example/Work/bad.exe'], unlicensed: ['gone@aoba.example'], groups: { 営業: ['hana@aoba.example', 'ken@aoba.example'], Office: ['admin@aoba.example'] }, aliases: { 'hana@aoba.example': ['h.mori@aoba.example'] } },
  'narrow/dropbox/members/admin@narrow.example/a.txt': 'a',
  'narrow/dropbox/members/admin@narrow.example/b/c.txt': 'c',
  'narrow/dropbox/members/admin@narrow.example/d.txt': 'd',
  'narrow/dropbox/members/bo@narrow.example/x.txt': 'x',
  'narrow/dropbox/members/cy@narrow.example/y.txt': 'y',
  'narrow/dropbox/team-folders/One/1.txt': '1',
  'narrow/dropbox/team-folders/Two/2.txt': '2',
  'narrow/dropbox/.sekisho-seed.json': { page_size: 2 },
}

// SHA-256 over the SHA-256s of blocks of 4 MiB.
export function contentHash(data) {
  const sha = (b) => createHash('sha256').update(b).digest()
  const blocks = []
  for (let at = 0; at < data.length; at += 4 << 20) blocks.push(sha(data.subarray(at, at + (4 << 20))))
  return sha(Buffer.concat(blocks)).toString('hex')
}

export async function startDropbox(args = [], files = seed) {
  const cloud = await startFakecloud({ seed: files, args })
  const url = cloud.urls.dropbox
  const grants = new Map()
  const grant = (tenant = 'aoba') => {
    if (!grants.has(tenant)) {
      const connections = cloud.connections()
      const { grant: g } = readConnection(connections, `${tenant}-dropbox`)
      grants.set(tenant, { key: g.app_key, secret: connections.read(g.app_secret_file), refresh: connections.read(g.refresh_token_file) })
    }
    return grants.get(tenant)
  }
  // The SDK speaks to the real hosts: its fetch is led to fakecloud, and answers get node-fetch's buffer().
  const mapped = async (address, options) => {
    const answer = await fetch(String(address).replace(/^https:\/\/(api|content|notify)\.dropboxapi\.com/, url).replace('https://api.dropbox.com', url), options)
    answer.buffer = async () => Buffer.from(await answer.arrayBuffer())
    return answer
  }
  const auth = (tenant = 'aoba') => {
    const g = grant(tenant)
    return new DropboxAuth({ fetch: mapped, clientId: g.key, clientSecret: g.secret, refreshToken: g.refresh })
  }
  const auths = new Map()
  const client = (options = {}, tenant = 'aoba') => {
    if (!auths.has(tenant)) auths.set(tenant, auth(tenant))
    return new Dropbox({ fetch: mapped, auth: auths.get(tenant), ...options })
  }
  // {email: profile} of a team.
  const members = async (tenant = 'aoba') => {
    const { result } = await client({}, tenant).teamMembersListV2({ limit: 1000 })
    let { members: list, cursor, has_more: more } = result
    while (more) {
      const next = (await client({}, tenant).teamMembersListContinueV2({ cursor })).result
      list = [...list, ...next.members]
      ;({ cursor, has_more: more } = next)
    }
    return Object.fromEntries(list.map((m) => [m.profile.email, m.profile]))
  }
  const token = async (tenant = 'aoba', more = {}) => {
    const g = grant(tenant)
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: g.refresh, client_id: g.key, client_secret: g.secret, ...more })
    const answer = await fetch(`${url}/oauth2/token`, { method: 'POST', body })
    return { status: answer.status, ...(await answer.json()) }
  }
  // One raw call: {status, headers, json, text, bytes, result}.
  const call = async (route, arg, { token: bearer, user, admin, root, headers = {}, body, style = 'rpc', method = 'POST' } = {}) => {
    const json = arg === undefined ? undefined : JSON.stringify(arg)
    const ascii = json?.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    const answer = await fetch(`${url}/2/${route}`, {
      method,
      headers: {
        ...(bearer && { Authorization: `Bearer ${bearer}` }),
        ...(user && { 'Dropbox-API-Select-User': user }),
        ...(admin && { 'Dropbox-API-Select-Admin': admin }),
        ...(root && { 'Dropbox-API-Path-Root': JSON.stringify(root) }),
        ...(style === 'rpc' ? json !== undefined && { 'Content-Type': 'application/json' } : json !== undefined && { 'Dropbox-API-Arg': ascii }),
        ...(style === 'upload' && { 'Content-Type': 'application/octet-stream' }),
        ...headers,
      },
      body: style === 'rpc' ? json : body,
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const parse = (text) => { try { return JSON.parse(text) } catch { return undefined } }
    return { status: answer.status, headers: answer.headers, bytes, text: bytes.toString(), json: parse(bytes.toString()), result: parse(answer.headers.get('dropbox-api-result') ?? '') }
  }
  return { cloud, url, grant, auth, client, members, token, call, mapped, stop: () => cloud.stop() }
}
