// Starts fakecloud for a test and ends it after: shared by the tests of tests/sdk and tests/scenarios.
// The binary is $FAKECLOUD, else build/fakecloud of this tree.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
export const specs = resolve(root, '../shared/specs')
// For node:test's `skip`: a message when the providers' specifications are not beside the tree, else false.
export const noSpecs = existsSync(specs) ? false : 'the folder ../shared/specs is missing'

const binary = process.env.FAKECLOUD ?? join(root, 'build/fakecloud')
const running = new Set()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

// A seed folder from {"aoba/box/users/hana@aoba.example/a.txt": "text" or Buffer or any JSON value}; a value
// {content, mtime} sets the file's time too.
export function makeSeed(files, dir = mkdtempSync(join(tmpdir(), 'fakecloud-seed-'))) {
  for (const [path, value] of Object.entries(files)) {
    const timed = value?.mtime !== undefined
    let content = timed ? value.content : value
    const full = join(dir, path)
    if (path.endsWith('/')) {
      mkdirSync(full, { recursive: true })
      continue
    }
    mkdirSync(dirname(full), { recursive: true })
    if (typeof content !== 'string' && !Buffer.isBuffer(content)) content = JSON.stringify(content)
    writeFileSync(full, content)
    if (timed) utimesSync(full, new Date(value.mtime), new Date(value.mtime))
  }
  return dir
}

async function control(base, method, path, body) {
  const answer = await fetch(base + path, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
  })
  const doc = await answer.json()
  if (!answer.ok) throw Object.assign(new Error(`control ${method} ${path}: ${answer.status} ${doc.error}`), { status: answer.status })
  return doc
}

// seed: a folder, or files as for makeSeed (then removed at the end). args: further arguments.
// Gives {urls, dir, pid, connections(), state(), journal(since), faults(list), clearFaults(), revoke(what),
// restoreConsent(what), clock(seconds), post(message), expireCursors(what), usage(), stop()}.
// connections() returns {dir, file, text, read(name)} of the connections file that fakecloud wrote.
export async function startFakecloud({ seed = {}, args = [] } = {}) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: ./run build makes it, or set FAKECLOUD`)
  const dir = mkdtempSync(join(tmpdir(), 'fakecloud-'))
  const made = typeof seed !== 'string'
  const seedDir = made ? makeSeed(seed, join(dir, 'seed')) : seed
  if (made) mkdirSync(seedDir, { recursive: true })
  const file = join(dir, 'connections', 'connections.yaml')
  const child = spawn(binary, ['--seed', seedDir, '--connections', file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  const ended = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })))
  const line = await Promise.race([
    new Promise((done) => createInterface({ input: child.stdout }).once('line', done)),
    ended.then(({ code, signal }) => { throw new Error(`fakecloud ended at start: ${code ?? signal}`) }),
  ])
  const urls = JSON.parse(line)
  const call = (method, path, body) => control(urls.control, method, path, body)
  return {
    urls,
    dir,
    pid: child.pid,
    connections: () => ({
      dir: dirname(file),
      file,
      text: readFileSync(file, 'utf8'),
      read: (name) => readFileSync(join(dirname(file), name), 'utf8'),
    }),
    state: async () => (await call('GET', '/state')).items,
    journal: async (since = 0) => (await call('GET', `/journal?since=${since}`)).requests,
    faults: (list) => call('POST', '/faults', list),
    clearFaults: () => call('DELETE', '/faults'),
    revoke: (what = {}) => call('POST', '/revoke', what),
    restoreConsent: (what = {}) => call('POST', '/restore-consent', what),
    clock: (seconds) => call('POST', '/clock', { advance_s: seconds }),
    post: (message) => call('POST', '/post', message),
    expireCursors: (what = {}) => call('POST', '/expire-cursors', what),
    usage: () => call('GET', '/usage'),
    stop: async () => {
      child.kill('SIGTERM')
      const how = await ended
      running.delete(child)
      rmSync(dir, { recursive: true, force: true })
      return how
    },
  }
}

// The entry of one connection in the connections file that fakecloud wrote, as an object. It reads just the YAML that
// fakecloud writes: block maps of scalars, and flow maps and lists in JSON's or YAML's spelling.
export function readConnection(connections, id) {
  const lines = connections.text.split('\n')
  const start = lines.findIndex((l) => new RegExp(`^\\s*-\\s+id:\\s+"?${id}"?\\s*$`).test(l))
  if (start < 0) throw new Error(`no connection ${id}`)
  const base = lines[start].indexOf('-')
  const block = [lines[start].replace('-', ' ')]
  for (let i = start + 1; i < lines.length && (!lines[i].trim() || lines[i].search(/\S/) > base); i++) block.push(lines[i])
  return readBlock(block.filter((l) => l.trim() && !l.trim().startsWith('#')))
}

function readBlock(lines) {
  const out = {}
  const indent = lines[0]?.search(/\S/) ?? 0
  for (let i = 0; i < lines.length; i++) {
    const [, key, rest] = /^\s*"?([\w-]+)"?:\s*(.*)$/.exec(lines[i]) ?? []
    if (!key) throw new Error(`not understood: ${lines[i]}`)
    if (rest) {
      out[key] = readFlow(rest)
      continue
    }
    const inner = []
    while (i + 1 < lines.length && lines[i + 1].search(/\S/) > indent) inner.push(lines[++i])
    out[key] = readBlock(inner)
  }
  return out
}

function readFlow(text) {
  let at = 0
  const space = () => { while (/\s/.test(text[at] ?? '')) at++ }
  const word = (stop) => {
    space()
    if (text[at] === '"') {
      const end = /"(?:[^"\\]|\\.)*"/y
      end.lastIndex = at
      const [quoted] = end.exec(text)
      at += quoted.length
      return JSON.parse(quoted)
    }
    const from = at
    while (at < text.length && !stop(at)) at++
    return text.slice(from, at).trim()
  }
  const value = (nested) => {
    space()
    if (text[at] === '{' || text[at] === '[') {
      const list = text[at++] === '['
      const out = list ? [] : {}
      for (space(); text[at] !== '}' && text[at] !== ']'; space()) {
        if (list) {
          out.push(value(true))
        } else {
          const key = word((i) => text[i] === ':')
          space()
          at++
          out[key] = value(true)
        }
        space()
        if (text[at] === ',') at++
      }
      at++
      return out
    }
    const plain = word((i) => nested && ',}]'.includes(text[i]))
    return plain
  }
  return value(false)
}
