// What the console's tests share: a service with a console, a client of its API that holds every answer against
// web/openapi.json, and a browser (Debian's Chromium through playwright-core) whose pages are kept as screenshots.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createHmac } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { chromium } from 'playwright-core'
import { Scene, waitFor } from '../scenarios/lib.mjs'
import { root } from '../sdk/lib.mjs'

export { waitFor }
export const openapi = JSON.parse(readFileSync(join(root, 'web/openapi.json'), 'utf8'))

const ajv = addFormats.default(new Ajv2020.default({ strict: false, allErrors: true }))
ajv.addSchema({ $id: 'api', components: openapi.components })

const templates = Object.keys(openapi.paths).map((path) => [path, new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)])
  .sort(([a], [b]) => a.split('{').length - b.split('{').length)
const validators = new Map()

// The operation that a call belongs to; null when the description has none.
export function operation(method, path) {
  const found = templates.find(([template, pattern]) => pattern.test(path.split('?')[0]) && openapi.paths[template][method.toLowerCase()])
  return found ? { template: found[0], ...openapi.paths[found[0]][method.toLowerCase()] } : null
}

function refer(schema) {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/'))
}

export function checkAnswer(method, path, status, text, type) {
  const op = operation(method, path)
  const content = (op?.responses[status === 200 ? '200' : 'default'] ?? { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } }).content
  if (!content['application/json']) {
    assert.equal(type, Object.keys(content)[0])
    return
  }
  assert.match(type ?? '', /^application\/json$/, `${method} ${path}: ${type}`)
  const key = `${method} ${op?.template} ${status === 200}`
  if (!validators.has(key)) validators.set(key, ajv.compile(refer(content['application/json'].schema)))
  const validate = validators.get(key)
  assert.ok(validate(JSON.parse(text)), `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 500)}`)
}

// One HTTP request, as raw as wanted: {status, headers, text, json}.
export function http(url, { method = 'GET', headers = {}, body, path } = {}) {
  const u = new URL(url)
  return new Promise((done, failed) => {
    const q = request({ host: u.hostname, port: u.port, path: path ?? u.pathname + u.search, method, headers: { ...headers, ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }) } }, (r) => {
      const chunks = []
      r.on('data', (c) => chunks.push(c)).on('end', () => {
        const data = Buffer.concat(chunks)
        done({ status: r.statusCode, headers: r.headers, raw: r.rawHeaders, data, text: data.toString(), get json() { return JSON.parse(this.text) } })
      }).on('error', failed)
    })
    q.on('error', failed)
    q.end(body)
  })
}

// A client of the API with a cookie jar of one.
export class Client {
  constructor(base, { language = 'en', headers = {} } = {}) {
    Object.assign(this, { base, headers: { 'Accept-Language': language, ...headers }, cookie: '', csrf: '' })
  }

  async call(method, path, body, headers = {}) {
    const r = await http(this.base, {
      method,
      path: `/api/v1${path}`,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: { ...this.headers, ...(this.cookie ? { Cookie: this.cookie } : {}), ...(method === 'GET' ? {} : { 'X-CSRF-Token': this.csrf }), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    })
    for (const c of r.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(c)
      if (name === '__Host-sekisho') this.cookie = value ? `${name}=${value}` : ''
    }
    if (method !== 'HEAD') checkAnswer(method, path, r.status, r.text, r.headers['content-type'])
    return r
  }

  get(path) { return this.call('GET', path) }
  post(path, body = {}) { return this.call('POST', path, body) }
  patch(path, body) { return this.call('PATCH', path, body) }
  del(path, body) { return this.call('DELETE', path, body) }

  async ok(method, path, body) {
    const r = await this.call(method, path, body)
    assert.equal(r.status, 200, `${method} ${path}: ${r.status} ${r.text}`)
    return r.json
  }

  async signedIn(answer) {
    assert.equal(answer.status, 200, answer.text)
    this.csrf = answer.json.csrf
    return this
  }

  async signIn(login, password) {
    return this.signedIn(await this.post('/session', { login, password }))
  }
}

export const PASSWORD = 'correct horse battery staple'

// A scene whose service runs: {scene, url, setup (the one-time link), token (in it), service}. apps: with the operator's applications
// at the four providers, which fakecloud has registered.
export async function startConsole({ apps, ...options } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'sk-'))
  if (apps) options = { ...options, cloudArgs: ['--console', join(dir, 'apps.yaml')] }
  const scene = await Scene.make({ dir, ...options, settings: { poll: { fast: '300 ms', slow: '1 s', discover: '2 s' }, ...options.settings } })
  if (apps) writeFileSync(scene.config, Object.entries(scene.settings).map(([k, v]) => `${k}: ${JSON.stringify(v)}\n`).join('') + readFileSync(join(dir, 'apps.yaml'), 'utf8'))
  if (options.connect !== false) await scene.connect()
  const service = await scene.serve()
  const found = (pattern) => waitFor(String(pattern), () => pattern.exec(scene.log)?.[1])
  const url = (await found(/ console url=(\S+?)\/?\n/)).replace(/\/$/, '')
  const setup = await found(/console\.setup .*url=(\S+)/)
  return { scene, service, url, setup, token: setup.split('#')[1], end: async () => { await service.stop().catch(() => {}); await scene.end() } }
}

export async function makeOperator(c, { login = 'op@example.jp', language = 'ja' } = {}) {
  const operator = new Client(c.url)
  return operator.signedIn(await operator.post('/setup', { token: c.token, login, name: '山田 花', password: PASSWORD, language }))
}

// An account of a role, signed in.
export async function makeAccount(c, operator, login, role, tenants, language = 'ja') {
  const { link } = await operator.ok('POST', '/accounts', { login, name: login, role, tenants, language })
  const client = new Client(c.url)
  await client.ok('POST', '/password', { token: link.split('#')[1], password: PASSWORD })
  return client.signIn(login, PASSWORD)
}

// RFC 6238 with SHA-1, 30 s, six digits, of a base32 secret.
export function totp(secret, time = Date.now()) {
  const bits = [...secret.replace(/=+$/, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(time / 30000)))
  const h = createHmac('sha1', key).update(counter).digest()
  const at = h[19] & 15
  return String((h.readUInt32BE(at) & 0x7fffffff) % 1e6).padStart(6, '0')
}

// ---- the browser ----

let browser

export async function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync)
  if (!executablePath) throw new Error('no Chromium: ./run test installs it')
  browser ??= await chromium.launch({ executablePath, args: process.getuid() === 0 ? ['--no-sandbox'] : [] })
  return browser
}

export async function closeBrowser() {
  await browser?.close()
  browser = undefined
}

const SHOTS = join(root, 'build-test/screenshots')

// A window of one person: counts clicks and pasted values, keeps screenshots, and fails on any script error.
export class Visitor {
  static async open(url, { language = 'ja', width = 1280, height = 900, scheme = 'light', name = 'page' } = {}) {
    const v = new Visitor()
    const b = await openBrowser()
    v.context = await b.newContext({ viewport: { width, height }, locale: language === 'ja' ? 'ja-JP' : 'en-GB', colorScheme: scheme, acceptDownloads: true })
    await v.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    v.page = await v.context.newPage()
    Object.assign(v, { url, language, name: `${name}-${language}${width < 600 ? '-phone' : ''}`, n: 0, clicks: 0, pasted: 0, errors: [] })
    v.page.on('pageerror', (e) => v.errors.push(e.message))
    v.page.on('console', (m) => { if (m.type() === 'error' && !/status of (4\d\d|5\d\d)/.test(m.text())) v.errors.push(m.text()) })
    v.page.on('dialog', (d) => { v.errors.push(`dialog: ${d.message()}`); d.dismiss() })
    v.page.setDefaultTimeout(150000) // for what fails; a busy machine needs long for what works
    return v
  }

  async go(path) {
    await this.page.goto(path.startsWith('http') ? path : this.url + path)
    await this.ready()
  }

  // The page that the address names stands there.
  async ready() {
    await this.page.waitForFunction(() => document.body?.dataset.ready === location.pathname && !document.querySelector('[aria-busy="true"]'))
  }

  async click(role, name, options = {}) {
    this.clicks++
    await this.page.getByRole(role, { name, ...options }).first().click()
  }

  async paste(label, value) {
    this.pasted++
    await this.page.getByLabel(label, { exact: false }).first().fill(value)
  }

  // A screenshot that ./run test keeps, and what must hold for every page: nothing wider than the window, no text untranslated.
  async shot(what) {
    mkdirSync(SHOTS, { recursive: true })
    const name = `${this.name}-${String(++this.n).padStart(2, '0')}-${what}`
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true })
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    assert.ok(wide <= 0, `${name} is ${wide} pixels wider than the window`)
    assert.equal(await this.page.locator('html').getAttribute('lang'), this.language, name)
    const problems = await this.page.evaluate(accessible)
    assert.deepEqual(problems, [], name)
  }

  async done() {
    assert.deepEqual(this.errors, [], `${this.name}: errors in the page`)
    await this.context.close()
  }
}

// Runs in the page: what a screen reader would stumble over.
function accessible() {
  const out = []
  const named = (e) => (e.getAttribute('aria-label') || e.labels?.length || e.getAttribute('aria-labelledby') || e.textContent.trim() || e.title)
  for (const e of document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea')) if (!named(e)) out.push(`no name: ${e.outerHTML.slice(0, 100)}`)
  for (const e of document.querySelectorAll('img')) if (!e.hasAttribute('alt')) out.push('picture without alt')
  if (document.querySelectorAll('h1').length !== 1) out.push(`${document.querySelectorAll('h1').length} h1`)
  if (document.querySelectorAll('main').length !== 1) out.push('not one main')
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id)
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) out.push(`id twice: ${id}`)
  return [...new Set(out)]
}

export { Scene }
