// What people do in the clouds while sekisho looks on: new mails and files, changes, deletions, by the providers' own
// calls. usersOf(cloud, provider, tenant) gives {addFile(name, content), addMail(text), change(item, content),
// share(item): anyone with a link may read it, remove(item)}; items are those of fakecloud's state; who acts is hana@TENANT.example.
import { createSign } from 'node:crypto'
import { readConnection } from '../sdk/lib.mjs'

async function call(url, { method = 'GET', token, headers = {}, body, json } = {}) {
  const answer = await fetch(url, {
    method,
    headers: { ...(token && { Authorization: `Bearer ${token}` }), ...(json !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    body: json !== undefined ? JSON.stringify(json) : body,
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text.slice(0, 500)}`)
  return text ? JSON.parse(text) : {}
}

// As headers want it: nothing but ASCII.
const ascii = (v) => JSON.stringify(v).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
const form = (url, fields) => call(url, { method: 'POST', body: new URLSearchParams(fields) })

function microsoft(cloud, tenant) {
  const base = cloud.urls.microsoft
  const { grant } = readConnection(cloud.connections(), `${tenant}-m365`)
  const user = `${base}/v1.0/users/hana@${tenant}.example`
  const token = async () => (await form(`${base}/${grant.directory}/oauth2/v2.0/token`, {
    grant_type: 'client_credentials', client_id: grant.client_id, client_secret: cloud.connections().read(`${tenant}-m365.secret`).trim(),
    scope: 'https://graph.microsoft.com/.default',
  })).access_token
  return {
    addFile: async (name, content) => call(`${user}/drive/root:/${encodeURIComponent(name)}:/content`, { method: 'PUT', token: await token(), body: content, headers: { 'Content-Type': 'application/octet-stream' } }),
    addMail: async (text, folder = 'inbox') => call(`${user}/mailFolders/${folder}/messages`, { method: 'POST', token: await token(), body: Buffer.from(text).toString('base64'), headers: { 'Content-Type': 'text/plain' } }),
    change: async (item, content) => call(`${user}/drive/items/${item.id}/content`, { method: 'PUT', token: await token(), body: content, headers: { 'Content-Type': 'application/octet-stream' } }),
    share: async (item) => call(`${user}/drive/items/${item.id}/createLink`, { method: 'POST', token: await token(), json: { type: 'view', scope: 'anonymous' } }),
    remove: async (item) => call(item.service === 'exchange' ? `${user}/messages/${item.id}` : `${user}/drive/items/${item.id}`, { method: 'DELETE', token: await token() }),
  }
}

function google(cloud, tenant) {
  const base = cloud.urls.google
  const account = JSON.parse(cloud.connections().read(`${tenant}-google.json`))
  const token = async () => {
    const b64 = (v) => Buffer.from(JSON.stringify(v)).toString('base64url')
    const now = Math.floor(Date.now() / 1000)
    const text = `${b64({ alg: 'RS256', typ: 'JWT', kid: account.private_key_id })}.${b64({
      iss: account.client_email, sub: `hana@${tenant}.example`, aud: account.token_uri, iat: now, exp: now + 300,
      scope: 'https://mail.google.com/ https://www.googleapis.com/auth/drive' })}`
    const assertion = `${text}.${createSign('RSA-SHA256').update(text).sign(account.private_key, 'base64url')}`
    return (await form(`${base}/token`, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })).access_token
  }
  const media = { 'Content-Type': 'application/octet-stream' }
  return {
    addFile: async (name, content) => {
      const t = await token()
      const file = await call(`${base}/upload/drive/v3/files?uploadType=media`, { method: 'POST', token: t, body: content, headers: media })
      return call(`${base}/drive/v3/files/${file.id}`, { method: 'PATCH', token: t, json: { name } })
    },
    addMail: async (text) => call(`${base}/gmail/v1/users/me/messages`, { method: 'POST', token: await token(), json: { raw: Buffer.from(text).toString('base64url'), labelIds: ['INBOX'] } }),
    change: async (item, content) => call(`${base}/upload/drive/v3/files/${item.id}?uploadType=media`, { method: 'PATCH', token: await token(), body: content, headers: media }),
    share: async (item) => call(`${base}/drive/v3/files/${item.id}/permissions`, { method: 'POST', token: await token(), json: { type: 'anyone', role: 'reader' } }),
    remove: async (item) => call(item.service === 'gmail' ? `${base}/gmail/v1/users/me/messages/${item.id}` : `${base}/drive/v3/files/${item.id}`, { method: 'DELETE', token: await token() }),
  }
}

function box(cloud, tenant) {
  const base = cloud.urls.box
  const config = JSON.parse(cloud.connections().read(`${tenant}-box.json`))
  const ccg = async (type, id) => (await form(`${base}/oauth2/token`, {
    grant_type: 'client_credentials', client_id: config.boxAppSettings.clientID, client_secret: config.boxAppSettings.clientSecret,
    box_subject_type: type, box_subject_id: id,
  })).access_token
  const token = async () => {
    const { entries } = await call(`${base}/2.0/users?filter_term=hana@${tenant}.example`, { token: await ccg('enterprise', config.enterpriseID) })
    return ccg('user', entries[0].id)
  }
  const file = (content, attributes) => {
    const f = new FormData()
    f.append('attributes', JSON.stringify(attributes))
    f.append('file', new Blob([content]), 'file')
    return f
  }
  return {
    addFile: async (name, content) => call(`${base}/api/2.0/files/content`, { method: 'POST', token: await token(), body: file(content, { name, parent: { id: '0' } }) }),
    change: async (item, content) => call(`${base}/api/2.0/files/${item.id}/content`, { method: 'POST', token: await token(), body: file(content, {}) }),
    share: async (item) => call(`${base}/2.0/files/${item.id}?fields=shared_link`, { method: 'PUT', token: await token(), json: { shared_link: { access: 'open' } } }),
    remove: async (item) => call(`${base}/2.0/files/${item.id}`, { method: 'DELETE', token: await token() }),
  }
}

function dropbox(cloud, tenant) {
  const base = cloud.urls.dropbox
  const { grant } = readConnection(cloud.connections(), `${tenant}-dropbox`)
  const member = async () => {
    const { access_token: token } = await form(`${base}/oauth2/token`, {
      grant_type: 'refresh_token', refresh_token: cloud.connections().read(grant.refresh_token_file).trim(),
      client_id: grant.app_key, client_secret: cloud.connections().read(grant.app_secret_file).trim(),
    })
    const { members } = await call(`${base}/2/team/members/list_v2`, { method: 'POST', token, json: { limit: 100 } })
    return { token, headers: { 'Dropbox-API-Select-User': members.find((m) => m.profile.email === `hana@${tenant}.example`).profile.team_member_id } }
  }
  const upload = async (arg, content) => {
    const m = await member()
    return call(`${base}/2/files/upload`, { method: 'POST', ...m, body: content, headers: { ...m.headers, 'Content-Type': 'application/octet-stream', 'Dropbox-API-Arg': ascii(arg) } })
  }
  return {
    addFile: (name, content) => upload({ path: `/${name}`, mode: 'add' }, content),
    change: (item, content) => upload({ path: item.id, mode: 'overwrite' }, content),
    share: async (item) => call(`${base}/2/sharing/create_shared_link_with_settings`, { method: 'POST', ...(await member()), json: { path: item.id } }),
    remove: async (item) => call(`${base}/2/files/delete_v2`, { method: 'POST', ...(await member()), json: { path: item.id } }),
  }
}

const makers = { microsoft, google, box, dropbox }
export const usersOf = (cloud, provider, tenant = 'aoba') => makers[provider](cloud, tenant)
