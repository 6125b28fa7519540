// The console's API as a person's browser uses it: cookie, CSRF token, one origin.
import assert from 'node:assert/strict'
import { waitFor } from './lib.mjs'

export const PASSWORD = 'correct horse battery staple'

export class Browser {
  constructor(base) {
    this.base = base
    this.cookie = ''
  }

  // {status, body, headers}; what comes back as a cookie is kept.
  async call(method, path, body, headers = {}) {
    const res = await fetch(this.base + path, {
      method,
      redirect: 'manual',
      headers: { Origin: this.base, ...(this.cookie && { Cookie: this.cookie }), ...(this.csrf && { 'X-CSRF-Token': this.csrf }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const set = res.headers.getSetCookie().find((c) => c.startsWith('__Host-sekisho='))
    if (set) this.cookie = set.split(';')[0]
    const text = await res.text()
    return { status: res.status, headers: res.headers, body: res.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text }
  }

  // The body of what must go well.
  async ok(method, path, body) {
    const r = await this.call(method, path, body)
    assert.ok(r.status < 300, `${method} ${path}: ${r.status} ${JSON.stringify(r.body)}`)
    if (r.body?.csrf) this.csrf = r.body.csrf
    return r.body
  }

  async fails(method, path, body, status, code) {
    const r = await this.call(method, path, body)
    assert.equal(r.status, status, `${method} ${path}: ${r.status} ${JSON.stringify(r.body)}`)
    if (code) assert.equal(r.body.error.code, code)
    return r.body.error
  }
}

// The console of a running service: its address and, at the first start, the setup link's token.
export async function consoleOf(p) {
  const said = await waitFor('the console', () => /console url=(\S+?)\/?\s/.exec(p.stderr))
  return said[1]
}

export async function operator(p) {
  const base = await consoleOf(p)
  const token = (await waitFor('the setup link', () => /\/setup#([0-9a-f]{64})/.exec(p.stderr)))[1]
  const b = new Browser(base)
  await b.ok('POST', '/api/v1/setup', { token, login: 'op@sekisho.example', name: '運用 太郎', password: PASSWORD, language: 'ja' })
  return b
}
