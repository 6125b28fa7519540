// sekisho beside a stand-in of Google Workspace: starts both, and looks at what they say of each other.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, startFakecloud } from '../sdk/lib.mjs'
import { EICAR } from './lib.mjs'

export { EICAR as eicar }

export const sekisho = process.env.SEKISHO ?? join(root, 'build/sekisho')
export const noSekisho = existsSync(sekisho) ? false : `${sekisho} is missing: ./run build makes it, or set SEKISHO`
export const hana = 'hana@aoba.example'
export const ken = 'ken@aoba.example'
export const admin = 'admin@aoba.example'
export const folderType = 'application/vnd.google-apps.folder'

export const eml = (subject, body = 'Good day.', more = '') =>
  `From: Mika <mika@else.example>\r\nTo: "Hana, of Aoba" <hana@aoba.example>, ken@aoba.example\r\nSubject: ${subject}\r\n` +
  `Message-ID: <${subject.replace(/\W/g, '')}@else.example>\r\nDate: Mon, 02 Nov 2026 10:00:00 +0900\r\n${more}` +
  `Content-Type: text/plain; charset=utf-8\r\n\r\n${body}\r\n`

// {cloud, run(…args), spawn(…args), good(…args), through(url), once(), findings(), found(name), state(), item(name), stop()}; run() gives {status, stdout,
// stderr}, spawn() a child process with a group of its own.
export async function start({ seed, config = '', edit = (yaml) => yaml }) {
  const cloud = await startFakecloud({ seed })
  const dir = mkdtempSync(join(tmpdir(), 'sekisho-google-'))
  const file = join(cloud.connections().dir, 'google.yaml')
  const run = (...args) => spawnSync(sekisho, ['--config', join(dir, 'sekisho.yaml'), ...args], { encoding: 'utf8', timeout: 120000 })
  writeFileSync(join(dir, 'sekisho.yaml'), `state: ${join(dir, 'state')}\n${config}`)
  const blocks = cloud.connections().text.split(/^(?=  - id:)/m)
  writeFileSync(file, edit([blocks[0], ...blocks.slice(1).filter((b) => b.includes('id: aoba-google'))].join('')))
  const spawned = (...args) => new Promise((done) => {
    const p = spawn(sekisho, ['--config', join(dir, 'sekisho.yaml'), ...args])
    const text = { stdout: '', stderr: '' }
    for (const k of ['stdout', 'stderr']) p[k].on('data', (d) => (text[k] += d))
    p.on('close', (status) => done({ status, ...text }))
  })
  const me = {
    cloud,
    dir,
    connections: file,
    // Like run(), and must end well; this process can answer meanwhile, as a proxy has to.
    async good(...args) {
      const r = await spawned(...args)
      assert.equal(r.status, 0, `${args}: ${r.stderr}`)
      return r
    },
    run,
    spawn: (...args) => spawn(sekisho, ['--config', join(dir, 'sekisho.yaml'), ...args], { stdio: 'ignore', detached: true }),
    // Leads the connection's calls elsewhere, to a proxy before the stand-in: for connect().
    through(url) {
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll(cloud.urls.google, url))
    },
    connect() {
      const r = run('connect', '--from', file)
      assert.equal(r.status, 0, r.stderr)
    },
    once() {
      const r = run('once')
      assert.equal(r.status, 0, r.stderr)
      return r
    },
    findings() {
      const r = run('findings', '--json')
      return r.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l))
    },
    found: (name) => me.findings().filter((f) => f.item.name === name),
    status: () => JSON.parse(run('status', '--json').stdout),
    state: async () => (await cloud.state()).filter((i) => i.provider === 'google'),
    item: async (name) => {
      const all = (await me.state()).filter((i) => i.name === name)
      assert.equal(all.length, 1, `one ${name}`)
      return all[0]
    },
    restore(finding) {
      const r = run('quarantine', 'restore', finding.id)
      assert.equal(r.status, 0, r.stderr)
      me.once()
    },
    stop: async () => {
      rmSync(dir, { recursive: true, force: true })
      await cloud.stop()
    },
  }
  return me
}

// Without what every change at the provider moves on.
export const steady = ({ version, ...rest }) => rest
