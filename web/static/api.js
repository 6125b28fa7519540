// Calls of /api/v1. The console uses nothing else.
import { currentLanguage } from './i18n.js'

let csrf = ''

export function setCsrf(token) {
  csrf = token
}

export class ApiError extends Error {
  constructor(status, error) {
    super(error.message)
    this.status = status
    this.error = error
  }
}

async function send(method, path, body) {
  const headers = { 'Accept-Language': currentLanguage() }
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  try {
    return await fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin' })
  } catch {
    throw new ApiError(0, { code: 'unreachable', message: '', turn: 'us', next: '' })
  }
}

async function refuse(answer) {
  let error = { code: 'internal', message: '', turn: 'us', next: '' }
  try {
    error = (await answer.json()).error ?? error
  } catch {
    // a proxy's own page
  }
  throw new ApiError(answer.status, error)
}

export async function api(method, path, body) {
  const answer = await send(method, path, body)
  if (!answer.ok) await refuse(answer)
  return answer.json()
}

export const get = (path) => api('GET', path)
export const post = (path, body) => api('POST', path, body ?? {})
export const patch = (path, body) => api('PATCH', path, body)
export const del = (path, body) => api('DELETE', path, body)

// A file, saved by the browser under the server's name: {name, password}.
export async function download(method, path) {
  const answer = await send(method, path, method === 'GET' ? undefined : {})
  if (!answer.ok) await refuse(answer)
  const name = /filename="([\w.-]+)"/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1] ?? 'download'
  const url = URL.createObjectURL(await answer.blob())
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 60000)
  return { name, password: answer.headers.get('X-Sekisho-Password') }
}

export function query(values) {
  const q = new URLSearchParams(Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== ''))
  return q.size ? `?${q}` : ''
}
