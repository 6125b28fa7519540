// What an administrator would script: list what changed by the official SDKs, download it, run clamdscan over it.
//
//   node script.mjs CONNECTIONS_DIR TENANT STATE_FILE OUT_DIR CLAMD_CONFIG
//
// CONNECTIONS_DIR holds what fakecloud --connections wrote. STATE_FILE keeps the places in the feeds between runs.
// Mail (inboxes) and drives of Microsoft 365, and Box. Prints one JSON line: files, and the seconds of each step.
import { ConfidentialClientApplication } from '@azure/msal-node'
import { Client } from '@microsoft/microsoft-graph-client'
import { BoxCcgAuth, BoxClient, CcgConfig } from 'box-node-sdk'
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking'
import { spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const [dir, tenant, stateFile, out, clamdConfig] = process.argv.slice(2)
const AT_ONCE = 8
const text = readFileSync(join(dir, 'connections.yaml'), 'utf8')
const entry = (id) => text.split(/^(?=  - id: )/m).find((e) => e.startsWith(`  - id: ${id}\n`)) ?? ''
const field = (id, key) => new RegExp(`\\b${key}: "?([^,}"\\s]+)`).exec(entry(id))?.[1]
const state = existsSync(stateFile) ? JSON.parse(readFileSync(stateFile, 'utf8')) : { links: {} }
const wanted = [] // [file name, function that gives a stream]

// The SDKs insist on https at the real hosts: fetch is mapped to the stand-in, as a proxy that ends TLS would do it.
const plainFetch = globalThis.fetch
const real = /^https:\/\/(login\.microsoftonline\.com|graph\.microsoft\.com)/
const graphUrl = field(`${tenant}-m365`, 'graph')
globalThis.fetch = async (input, init = {}) => {
  const url = typeof input === 'string' ? input : input.url ?? input.href
  const host = real.exec(url)?.[1]
  if (!host) return plainFetch(input, init)
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined))
  headers.set('X-Forwarded-Host', host)
  headers.set('X-Forwarded-Proto', 'https')
  const answer = await plainFetch(url.replace(real, graphUrl), { method: input.method, ...init, headers, redirect: 'manual', duplex: init.body ? 'half' : undefined })
  if (answer.status !== 302) return answer
  headers.delete('Authorization')
  return plainFetch(answer.headers.get('Location').replace(real, graphUrl), { headers })
}

function graphClient() {
  const id = `${tenant}-m365`
  const send = async (method, url, options = {}) => {
    const answer = await fetch(url, { method, headers: options.headers, body: options.body })
    return { headers: Object.fromEntries(answer.headers), body: await answer.json(), status: answer.status }
  }
  const app = new ConfidentialClientApplication({
    auth: {
      clientId: field(id, 'client_id'), authority: `https://login.microsoftonline.com/${field(id, 'directory')}`,
      clientSecret: readFileSync(join(dir, `${id}.secret`), 'utf8').trim(),
    },
    system: { networkClient: { sendGetRequestAsync: (url, o) => send('GET', url, o), sendPostRequestAsync: (url, o) => send('POST', url, o) } },
  })
  const scopes = ['https://graph.microsoft.com/.default']
  return Client.initWithMiddleware({
    authProvider: { getAccessToken: async () => (await app.acquireTokenByClientCredential({ scopes })).accessToken },
  })
}

// All pages of a delta feed, from where the last run ended.
async function delta(client, start, take) {
  let link = state.links[start] ?? start
  for (;;) {
    const page = await client.api(link).get()
    page.value.forEach(take)
    if (page['@odata.deltaLink']) {
      state.links[start] = page['@odata.deltaLink']
      return
    }
    link = page['@odata.nextLink']
  }
}

async function listMicrosoft() {
  const client = graphClient()
  const users = (await client.api('/users').select('id,userPrincipalName').top(999).get()).value
  const streams = users.flatMap((u) => [
    () => delta(client, `/users/${u.id}/drive/root/delta`, (item) => {
      if (item.file && !item.deleted)
        wanted.push([`${item.id}-${item.name}`, () => client.api(`/drives/${item.parentReference.driveId}/items/${item.id}/content`).getStream()])
    }),
    () => delta(client, `/users/${u.id}/mailFolders/inbox/messages/delta`, (m) => {
      if (!m['@removed'])
        wanted.push([`${wanted.length}.eml`, () => client.api(`/users/${u.id}/messages/${m.id}/$value`).getStream()])
    }),
  ])
  await pool(streams, (s) => s())
}

async function listBox() {
  const id = `${tenant}-box`
  const config = JSON.parse(readFileSync(join(dir, `${id}.json`), 'utf8'))
  const url = field(id, 'api')
  const networkSession = new NetworkSession({ baseUrls: new BaseUrls({ baseUrl: url, uploadUrl: url, oauth2Url: `${url}/api/oauth2` }) })
  const auth = new BoxCcgAuth({ config: new CcgConfig({ clientId: config.boxAppSettings.clientID, clientSecret: config.boxAppSettings.clientSecret, enterpriseId: config.enterpriseID }) })
  const client = new BoxClient({ auth, networkSession })
  const take = (user) => (file) => wanted.push([`${file.id}-${file.name}`, () => client.withAsUserHeader(user).downloads.downloadFile(file.id)])
  const position = state.box
  if (!position) {
    state.box = (await client.events.getEvents({ streamType: 'admin_logs_streaming', streamPosition: 'now' })).nextStreamPosition
    const { entries } = await client.users.getUsers({ limit: 1000 })
    const walk = async (user, folder) => {
      for (let offset = 0, total = 1; offset < total;) {
        const page = await client.withAsUserHeader(user).folders.getFolderItems(folder, { queryParams: { limit: 1000, offset, fields: ['id', 'name', 'type'] } })
        for (const e of page.entries) e.type === 'folder' ? await walk(user, e.id) : take(user)(e)
        offset += page.entries.length
        total = page.entries.length ? page.totalCount : 0
      }
    }
    return pool(entries, (u) => walk(u.id, '0'))
  }
  for (;;) {
    const page = await client.events.getEvents({ streamType: 'admin_logs_streaming', streamPosition: state.box })
    for (const e of page.entries ?? [])
      if (['UPLOAD', 'EDIT', 'COPY'].includes(e.eventType)) take(e.source.ownedBy?.id ?? e.createdBy.id)({ id: e.source.itemId, name: e.source.itemName })
    const same = String(page.nextStreamPosition) === String(state.box)
    state.box = page.nextStreamPosition
    if (same || !page.entries?.length) return
  }
}

async function pool(list, work) {
  let next = 0
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < list.length) await work(list[next++])
  }))
}

async function download([name, open]) {
  const body = await open()
  await pipeline(body instanceof Readable ? body : Readable.fromWeb(body), createWriteStream(join(out, name.replaceAll('/', '_').slice(-200))))
}

const begin = performance.now()
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
if (entry(`${tenant}-m365`)) await listMicrosoft()
if (entry(`${tenant}-box`)) await listBox()
const listed = performance.now()
await pool(wanted, download)
const fetched = performance.now()
let infected = 0
if (wanted.length) {
  const done = spawnSync('clamdscan', ['--config-file', clamdConfig, '--fdpass', '--multiscan', '--infected', '--no-summary', out], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (done.status !== 0 && done.status !== 1) throw new Error(`clamdscan: ${done.status}`)
  infected = done.stdout.split('\n').filter((l) => l.endsWith('FOUND')).length
}
writeFileSync(stateFile, JSON.stringify(state))
const s = (ms) => Math.round(ms) / 1000
console.log(JSON.stringify({ files: wanted.length, infected, list: s(listed - begin), download: s(fetched - listed), scan: s(performance.now() - fetched), all: s(performance.now() - begin) }))
process.exit(0)
