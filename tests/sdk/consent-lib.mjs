// What the tests of fakecloud's pages share: two companies at all four clouds, an operator with applications of its own
// (--console), and a browser without a screen: it reads a page, chooses, presses a button.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConnection, startFakecloud } from './lib.mjs'

const people = (tenant, list) => list.flatMap((name) => [
  [`${tenant}/microsoft/users/${name}@${tenant}.example/drive/a.txt`, 'a'],
  [`${tenant}/google/users/${name}@${tenant}.example/drive/a.txt`, 'a'],
  [`${tenant}/box/users/${name}@${tenant}.example/a.txt`, 'a'],
  [`${tenant}/dropbox/members/${name}@${tenant}.example/a.txt`, 'a'],
])
export const seed = Object.fromEntries([...people('aoba', ['admin', 'hana']), ...people('midori', ['admin', 'ken'])])

export const state = 'a state with <&"\' and 見積'

export function pkce() {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export function decode(text) {
  return text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&amp;/g, '&')
}

// The text of the element with that id; undefined when the page has none.
export function textOf(html, id) {
  const found = new RegExp(`<(\\w+)[^>]*\\bid="${id}"[^>]*>([\\s\\S]*?)</\\1>`).exec(html)
  return found && decode(found[2].replace(/<[^>]*>/g, ' ').trim())
}

export const optionsOf = (html) => [...html.matchAll(/<option value="([^"]*)"/g)].map((m) => decode(m[1]))

// seed and args as for startFakecloud. apps and signIn are read from the file of --console; file(name) reads beside it.
export async function startConsents(args = [], more = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'fakecloud-console-'))
  const cloud = await startFakecloud({ seed: { ...seed, ...more }, args: ['--console', join(dir, 'apps.yaml'), ...args] })
  const text = readFileSync(join(dir, 'apps.yaml'), 'utf8')
  // readConnection() reads list items: each application is put as one.
  const entry = (name) => {
    const line = text.split('\n').find((l) => l.startsWith(`  ${name}: {`)) ?? text.split('\n').find((l) => l.includes(`{id: ${name},`))
    return readConnection({ text: `  - id: x\n    it: ${line.slice(line.indexOf('{'))}\n` }, 'x').it
  }
  return {
    cloud,
    text,
    urls: cloud.urls,
    app: entry,
    file: (name) => readFileSync(join(dir, name), 'utf8'),
    stop: async () => {
      await cloud.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

// Opens an authorization page: {status, html, headers, redirect}; answer(fields) posts its form, as a browser does.
export async function open(url, query = {}) {
  const address = new URL(url)
  for (const [key, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(key, value)
  const read = async (answer) => {
    const location = answer.headers.get('location')
    return { status: answer.status, headers: answer.headers, html: await answer.text(), redirect: location && new URL(location) }
  }
  const page = await read(await fetch(address, { redirect: 'manual' }))
  return {
    ...page,
    answer: async (fields) => read(await fetch(address, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) })),
    allow: async (account) => read(await fetch(address, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ account, consent: 'allow' }) })),
    deny: async () => read(await fetch(address, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ consent: 'deny' }) })),
  }
}

// A posted form, answered with JSON: {status, ...body}.
export async function form(url, fields, headers = {}) {
  const body = new URLSearchParams(Object.entries(fields).filter(([, v]) => v !== undefined))
  const answer = await fetch(url, { method: 'POST', headers, body })
  const text = await answer.text()
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) }
}

export const paramsOf = (url) => Object.fromEntries(url.searchParams)
