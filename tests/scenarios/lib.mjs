// What the scenarios share: a scene is a fakecloud with a seed of its own, a folder with sekisho.yaml and state, and
// the commands of sekisho run in it. Binaries: $SEKISHO and $FAKECLOUD, else those in build/ of this tree.
//
// Planted threats carry "threat" in their name or subject, and nothing else does: that is how the oracle knows them.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readConnection, root, startFakecloud } from '../sdk/lib.mjs'
import { oracle } from './oracle.mjs'

export { makeSeed } from '../sdk/lib.mjs'

export const SEKISHO = process.env.SEKISHO ?? join(root, 'build/sekisho')

// The test file that every scanner knows, put together here so that no file of the tree is one.
export const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('')

export function eml(subject, body = 'hello', { headers = '', date = 'Sun, 22 Nov 2026 10:00:00 +0000', to = 'hana@aoba.example' } = {}) {
  return `From: Sender <sender@elsewhere.example>\r\nTo: ${to}\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replace(/\W/g, '.')}@elsewhere.example>\r\n` +
    `Date: ${date}\r\n${headers}\r\n${body}\r\n`
}

// A mail with attachments: {name: text or Buffer}.
export function emlWith(subject, files) {
  const parts = Object.entries(files).map(([name, content]) =>
    `--b0undary\r\nContent-Type: application/octet-stream; name="${name}"\r\nContent-Disposition: attachment; filename="${name}"\r\n` +
    `Content-Transfer-Encoding: base64\r\n\r\n${Buffer.from(content).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`)
  return eml(subject, `--b0undary\r\nContent-Type: text/plain\r\n\r\nsee attached\r\n${parts.join('')}--b0undary--`,
    { headers: 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b0undary"\r\n' })
}

// Where a provider's things lie in a seed of tenant T.
export const PLACES = {
  microsoft: (t = 'aoba') => ({ id: `${t}-m365`, mail: `${t}/microsoft/users/hana@${t}.example/mail/Inbox`, files: `${t}/microsoft/users/hana@${t}.example/drive`, shared: `${t}/microsoft/sites/Sales/Documents` }),
  google: (t = 'aoba') => ({ id: `${t}-google`, mail: `${t}/google/users/hana@${t}.example/mail/INBOX`, files: `${t}/google/users/hana@${t}.example/drive`, shared: `${t}/google/shared-drives/Sales` }),
  box: (t = 'aoba') => ({ id: `${t}-box`, files: `${t}/box/users/hana@${t}.example`, shared: `${t}/box/users/ken@${t}.example` }),
  dropbox: (t = 'aoba') => ({ id: `${t}-dropbox`, files: `${t}/dropbox/members/hana@${t}.example`, shared: `${t}/dropbox/team-folders/Sales` }),
}

// Paths of the providers' interfaces, without those that give out tokens: for faults.
export const API = '^/(v1\\.0|2\\.0|api/2\\.0|2|gmail|drive|upload|admin|_layouts)/'

// The calls that a run makes, by kind, as faults name them.
export const CALLS = {
  microsoft: { list: { path_regex: '/delta' }, content: { path_regex: '/\\$value$|/content$|download\\.aspx' }, act: { path_regex: '/messages/[^/]+/move$|/items/0[^/]+\\?@' } },
  google: { list: { path_regex: '/messages\\?|/drive/v3/files\\?|/changes\\?|/history' }, content: { path_regex: 'format=raw|alt=media' }, act: { path_regex: '/modify$|addParents' } },
  box: { list: { path_regex: '/folders/[0-9]+/items\\?.*sha1' }, content: { path_regex: '/content\\?|/download$' }, act: { method: 'PUT', path_regex: '/files/' } },
  dropbox: { list: { path_regex: '/list_folder/continue' }, content: { path_regex: '/files/download$' }, act: { path_regex: '/files/move', skip: 1 } },
}

// A small company at one provider: clean and bad mails and files.
export function company(provider, tenant = 'aoba') {
  const p = PLACES[provider](tenant)
  const seed = {}
  if (p.mail) {
    seed[`${p.mail}/1.eml`] = eml('lunch')
    seed[`${p.mail}/2.eml`] = emlWith('threat by mail', { 'invoice.com': EICAR })
    seed[`${p.mail}/3.eml`] = eml('dinner')
  }
  seed[`${p.files}/docs/plan.txt`] = `the plan of ${tenant} at ${provider}`
  seed[`${p.files}/docs/threat.com`] = EICAR
  seed[`${p.shared}/list.txt`] = `a list of ${tenant} at ${provider}`
  seed[`${p.shared}/threat too.com`] = EICAR + '\r\n'
  return seed
}

// The providers that this sekisho has a connector for, as it says itself.
let known
export function connectors() {
  if (known) return known
  if (!existsSync(SEKISHO)) throw new Error(`${SEKISHO} is missing: ./run build makes it, or set SEKISHO`)
  const dir = mkdtempSync(join(tmpdir(), 'sk-'))
  const file = join(dir, 'c.yaml')
  writeFileSync(file, 'connections: [{id: a, tenant: a, provider: none}]\n')
  writeFileSync(join(dir, 's.yaml'), `state: ${dir}/state\nlanguage: en\n`)
  const r = spawnSync(SEKISHO, ['connect', '--from', file, '--config', join(dir, 's.yaml')], { encoding: 'utf8' })
  rmSync(dir, { recursive: true })
  known = /known: (\w+(?:, \w+)*)/.exec(r.stderr)?.[1].split(', ') ?? []
  assert.ok(known.length, `no connectors: ${r.stderr}`)
  return known
}

// The tests of a file, a few at a time: most of their time is waiting.
export const suite = (name, body) => describe(name, { concurrency: 3 }, body)

// A test for each of the providers that has a connector; for the others one that says that it skips.
export function eachProvider(providers, name, body) {
  for (const provider of providers) {
    const skip = connectors().includes(provider) ? false : `no connector for ${provider} in this build`
    test(`${provider}: ${name}`, { skip }, () => body(provider))
  }
}

// Bounds are for tests that fail: a machine that does ten things at once is given so many times what a quiet one needs.
const PATIENCE = Number(process.env.PATIENCE ?? 5)

// Until condition() gives something true; the answer.
export async function waitFor(what, condition, seconds = 30) {
  const until = Date.now() + seconds * 1000 * PATIENCE
  for (let pause = 20; ; pause = Math.min(pause * 1.5, 200)) {
    const r = await condition()
    if (r) return r
    if (Date.now() > until) throw new Error(`waited ${seconds} s in vain for: ${what}`)
    await new Promise((done) => setTimeout(done, pause))
  }
}

// Processes below pid, pid first: [{pid, role}] with role supervisor, core, auth, scan, web, worker.
export function processTree(pid) {
  const children = new Map()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] === 'Z') continue
      const parent = Number(fields[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // it ended meanwhile
    }
  }
  const out = []
  const walk = (p, above) => {
    let role = 'worker'
    try {
      const line = readFileSync(`/proc/${p}/cmdline`, 'latin1').split('\0')
      role = p === pid ? 'supervisor' : above === 'supervisor' ? line[line.indexOf('--role') + 1] ?? 'child' : 'worker'
    } catch {
      return
    }
    out.push({ pid: p, role })
    for (const c of children.get(p) ?? []) walk(c, role)
  }
  walk(pid, '')
  return out
}

export function alive(pid) {
  try {
    process.kill(pid, 0)
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop()[0] !== 'Z'
  } catch {
    return false
  }
}

function killTree(pid) {
  for (const p of processTree(pid)) {
    try {
      process.kill(p.pid, 'SIGKILL')
    } catch {
      // gone
    }
  }
}

const started = new Set()
process.on('exit', () => started.forEach(killTree))

function lines(text) {
  return text.split('\n').filter(Boolean).map((l) => JSON.parse(l))
}

const DEFAULTS = {
  language: 'en',
  console: { listen: '127.0.0.1:0' },
  scan: { workers: 1 },
  poll: { fast: '200 ms', slow: '400 ms', discover: '1 s' },
}

export class Scene {
  constructor(cloud, dir, ownCloud) {
    Object.assign(this, { cloud, dir, ownCloud, state_dir: join(dir, 'state'), config: join(dir, 'sekisho.yaml'), log: '', procs: new Set() })
  }

  // cloud: one that runs already; else one is started with the seed. settings: beside the defaults for tests.
  static async make({ seed, settings = {}, cloud, cloudArgs = [], dir = mkdtempSync(join(tmpdir(), 'sk-')), tenant } = {}) {
    connectors()
    const s = new Scene(cloud ?? (await startFakecloud({ seed, args: cloudArgs })), dir, !cloud)
    s.tenant = tenant
    mkdirSync(join(dir, 'signatures'), { recursive: true })
    s.configure(settings)
    s.before = await s.state()
    return s
  }

  configure(settings) {
    this.settings = { state: this.state_dir, signatures: [join(this.dir, 'signatures')], ...DEFAULTS, ...settings }
    writeFileSync(this.config, JSON.stringify(this.settings))
  }

  // Ids of the connections that fakecloud holds and sekisho has a connector for (and of the scene's tenant).
  ids() {
    return [...this.cloud.connections().text.matchAll(/- id: (\S+)/g)].map((m) => m[1])
      .filter((id) => (!this.tenant || id.startsWith(`${this.tenant}-`)) && connectors().includes(this.entry(id).provider))
  }

  entry(id) {
    return readConnection(this.cloud.connections(), id)
  }

  // Writes a connections file of these entries beside fakecloud's keys; its path.
  entries(list, name = `c-${Math.random().toString(36).slice(2)}.yaml`) {
    const file = join(this.cloud.connections().dir, name)
    writeFileSync(file, `connections:\n${list.map((e) => `  - ${JSON.stringify(e)}\n`).join('')}`)
    return file
  }

  // Connects what fakecloud holds; change(entry) may alter each entry in place.
  async connect(change, ids = this.ids()) {
    const list = ids.map((id) => this.entry(id))
    list.forEach((e) => change?.(e))
    const r = await this.run(['connect', '--from', this.entries(list)])
    assert.equal(r.code, 0, `connect: ${r.stderr}`)
    return r
  }

  // Runs a command to its end: {code, signal, stdout, stderr, ms}.
  async run(args, { env = {}, seconds = 60, json = false } = {}) {
    const start = Date.now()
    const p = this.begin([...args, ...(json ? ['--json'] : [])], env)
    const timer = setTimeout(() => { p.late = true; killTree(p.pid) }, seconds * 1000 * PATIENCE)
    const how = await p.ended
    clearTimeout(timer)
    if (p.late) throw new Error(`sekisho ${args.join(' ')} did not end within ${seconds} s\n${p.stderr.slice(-3000)}`)
    return { ...how, stdout: p.stdout, stderr: p.stderr, ms: Date.now() - start }
  }

  // Starts one and goes on: {pid, stdout, stderr, ended: Promise of {code, signal}}.
  begin(args, env = {}) {
    const child = spawn(SEKISHO, [...args, '--config', this.config], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', ...env } })
    const p = { pid: child.pid, stdout: '', stderr: '' }
    started.add(child.pid)
    this.procs.add(p)
    child.stdout.setEncoding('utf8').on('data', (d) => { p.stdout += d })
    child.stderr.setEncoding('utf8').on('data', (d) => { p.stderr += d; this.log += d })
    p.ended = new Promise((done) => child.once('close', (code, signal) => {
      started.delete(child.pid)
      this.procs.delete(p)
      done({ code, signal })
    }))
    return p
  }

  async once({ code = 0, ...options } = {}) {
    const r = await this.run(['once'], options)
    if (code !== null) assert.equal(r.code, code, `once ended with ${r.code}: ${r.stderr.slice(-3000)}`)
    return r
  }

  // A running service; stop() ends it in order.
  async serve(env) {
    const p = this.begin(['serve'], env)
    let over
    p.ended.then((how) => { over = how })
    await waitFor('the service to listen', () => over || existsSync(join(this.state_dir, 'control.sock')))
    if (over) throw new Error(`serve ended with ${over.code}: ${p.stderr.slice(-3000)}`)
    p.stop = async () => {
      process.kill(p.pid, 'SIGTERM')
      const how = await p.ended
      assert.equal(how.code, 0, `serve ended with ${how.code ?? how.signal}: ${p.stderr.slice(-3000)}`)
    }
    return p
  }

  async json(args) {
    const r = await this.run(args, { json: true })
    assert.ok(r.code === 0 || r.code === 9, `${args.join(' ')} ended with ${r.code}: ${r.stderr}`)
    return lines(r.stdout)
  }

  findings(...args) { return this.json(['findings', ...args]) }
  events() { return this.json(['events']) }
  quarantine() { return this.json(['quarantine', 'list']) }
  connections() { return this.json(['connections']) }
  async status() { return (await this.json(['status']))[0] }
  async show(id) { return (await this.json(['quarantine', 'show', id]))[0] }

  // What stands in the event log on disk.
  eventFile() {
    const dir = join(this.state_dir, 'events')
    if (!existsSync(dir)) return []
    return readdirSync(dir).filter((f) => f.endsWith('.ndjson')).sort().flatMap((f) => lines(readFileSync(join(dir, f), 'utf8')))
  }

  async state() {
    const id = (i) => [i.provider, i.tenant, i.service, i.id].join(' ')
    return (await this.cloud.state()).filter((i) => !this.tenant || i.tenant === this.tenant).sort((a, b) => (id(a) < id(b) ? -1 : 1))
  }

  // What the clouds hold now is what the oracle compares with later: after changes that users made.
  async snapshot() {
    this.before = await this.state()
  }

  // A new thing of that name, made by users: from now on the oracle expects it.
  async appeared(name, provider) {
    const found = await waitFor(`${name} in the cloud`, async () => (await this.state()).find((i) => i.name === name && (!provider || i.provider === provider)))
    this.before.push({ ...found, quarantined: false })
    return found
  }

  // Everything is as it must be; see oracle.mjs.
  oracle(options = {}) { return oracle(this, options) }

  // No secret of the connections files, and no token, stands in what the processes said.
  assertNoSecrets() {
    for (const secret of this.secrets()) assert.ok(!this.log.includes(secret), `a secret stands in the logs: ${secret.slice(0, 4)}…`)
    assert.doesNotMatch(this.log, /eyJ[\w-]{8,}\.[\w-]{8,}\.|Bearer\s+[\w.~+/-]{8,}|PRIVATE KEY|client_assertion=\w|tempauth=\w/)
  }

  secrets() {
    const dir = this.cloud.connections().dir
    const out = []
    for (const name of readdirSync(dir)) {
      if (/\.ya?ml$/.test(name)) continue
      const text = readFileSync(join(dir, name), 'utf8')
      if (name.endsWith('.json')) {
        const walk = (v, k) => {
          if (v && typeof v === 'object') Object.entries(v).forEach(([key, x]) => walk(x, key))
          else if (typeof v === 'string' && /secret|private|passphrase/i.test(k)) out.push(...v.split('\n'))
        }
        walk(JSON.parse(text), '')
      } else if (!text.includes('BEGIN CERTIFICATE') || text.includes('PRIVATE KEY')) {
        out.push(...text.split('\n'))
      }
    }
    return out.map((l) => l.trim()).filter((l) => l.length >= 12 && !l.startsWith('-----') && !/^https?:/.test(l))
  }

  async stopAll() {
    for (const p of this.procs) killTree(p.pid)
    await Promise.all([...this.procs].map((p) => p.ended))
  }

  async end() {
    await this.stopAll()
    if (this.ownCloud) await this.cloud.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

// A body in a scene of its own; what it said is shown when it fails, and searched for secrets in any case.
export async function inScene(options, body) {
  const s = await Scene.make(options)
  try {
    await body(s)
    s.assertNoSecrets()
  } catch (e) {
    if (process.env.SCENARIO_LOG !== '0') e.message += `\n--- the end of the log:\n${s.log.slice(-4000)}`
    throw e
  } finally {
    await s.end()
  }
}

export function scenario(name, options, body) {
  test(name, { skip: options.skip ?? false }, () => inScene(options, body))
}
