// Raw calls of Dropbox for the scenarios: as the team, as a member, as an administrator.
import { readConnection } from '../sdk/lib.mjs'

export const base = {
  'aoba/dropbox/members/admin@aoba.example/': '',
  'aoba/dropbox/members/hana@aoba.example/docs/plan.txt': 'the plan',
  'aoba/dropbox/members/ken@aoba.example/notes.txt': 'notes',
}

export async function dropbox(cloud, tenant = 'aoba') {
  const { grant } = readConnection(cloud.connections(), `${tenant}-dropbox`)
  const read = (name) => cloud.connections().read(name).trim()
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: read(grant.refresh_token_file), client_id: grant.app_key, client_secret: read(grant.app_secret_file) })
  const token = (await (await fetch(`${cloud.urls.dropbox}/oauth2/token`, { method: 'POST', body })).json()).access_token
  // {status, json}; never throws over a status.
  const ask = async (route, arg, { user, admin, ns, content } = {}) => {
    const answer = await fetch(`${cloud.urls.dropbox}/2/${route}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': content === undefined ? 'application/json' : 'application/octet-stream',
        ...(content !== undefined && { 'Dropbox-API-Arg': JSON.stringify(arg) }),
        ...(user && { 'Dropbox-API-Select-User': user }),
        ...(admin && { 'Dropbox-API-Select-Admin': admin }),
        ...(ns && { 'Dropbox-API-Path-Root': JSON.stringify({ '.tag': 'namespace_id', namespace_id: ns }) }),
      },
      body: content === undefined ? JSON.stringify(arg ?? null) : content,
    })
    const text = await answer.text()
    let json
    try { json = JSON.parse(text) } catch { /* plain text */ }
    return { status: answer.status, json, text }
  }
  const call = async (...args) => {
    const r = await ask(...args)
    if (r.status !== 200) throw new Error(`${args[0]}: ${r.status} ${r.text}`)
    return r.json
  }
  const { members } = await call('team/members/list_v2', { limit: 100 })
  const ids = Object.fromEntries(members.map((m) => [m.profile.email.split('@')[0], m.profile.team_member_id]))
  const folders = async () => Object.fromEntries((await call('team/team_folder/list', {})).team_folders.map((f) => [f.name, f.team_folder_id]))
  return { ask, call, ids, folders }
}
