// The commands speak Japanese or English: which one the configuration says, or without one the environment; what scripts read
// (JSON keys, states, codes) is the same in both.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SEKISHO } from './lib.mjs'

const dir = mkdtempSync(join(tmpdir(), 'sk-'))
after(() => rmSync(dir, { recursive: true }))
mkdirSync(join(dir, 'signatures'))

function config(language) {
  const file = join(dir, `${language ?? 'none'}.yaml`)
  writeFileSync(file, JSON.stringify({ state: join(dir, 'state'), signatures: [join(dir, 'signatures')], scan: { workers: 1 }, ...(language && { language }) }))
  return file
}

// LANG and its kin come from env alone.
function run(args, env = {}) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([k]) => !/^(LC_|LANG)/.test(k)))
  return spawnSync(SEKISHO, args, { encoding: 'utf8', env: { ...clean, NO_COLOR: '1', ...env } })
}

const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/

// What a terminal shows: Japanese characters take two cells.
const cells = (s) => [...s].reduce((n, c) => n + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u.test(c) ? 2 : 1), 0)

test('the configuration decides on the language, whatever the environment says', () => {
  for (const env of [{}, { LANG: 'C' }, { LANG: 'en_US.UTF-8' }, { LC_ALL: 'ja_JP.UTF-8' }, { LANGUAGE: 'de' }]) {
    const said = JSON.stringify(env)
    assert.match(run(['status', '--config', config('ja')], env).stderr, JAPANESE, said)
    assert.doesNotMatch(run(['status', '--config', config('en')], env).stderr, JAPANESE, said)
    assert.match(run(['status', '--config', config()], env).stderr, JAPANESE, `the default is ja: ${said}`)
  }
})

test('without a configuration file the environment may ask for English', { skip: existsSync('/etc/sekisho/sekisho.yaml') && 'this machine has a configuration' }, () => {
  for (const env of [{}, { LANG: 'C' }, { LC_ALL: 'C.UTF-8' }, { LANG: 'POSIX' }, { LANG: 'ja_JP.UTF-8' }, { LC_ALL: 'ja_JP.UTF-8', LANG: 'en_US.UTF-8' }])
    assert.match(run(['--help'], env).stdout, JAPANESE, JSON.stringify(env))
  for (const env of [{ LANG: 'en_US.UTF-8' }, { LC_MESSAGES: 'en_GB', LANG: 'ja_JP.UTF-8' }, { LC_ALL: 'de_DE.UTF-8' }])
    assert.doesNotMatch(run(['--help'], env).stdout, JAPANESE, JSON.stringify(env))
})

test('--help lists the same commands and options in both languages', () => {
  const words = (text) => text.match(/^ {2}[a-z]+|--[a-z-]+/gm).map((w) => w.trim()).sort()
  const [ja, en] = ['ja', 'en'].map((l) => run(['--help', '--config', config(l)]).stdout)
  assert.deepEqual(words(ja), words(en))
  assert.match(ja, /隔離/)
})

test('usage, and errors of the configuration, keep their exit codes and places', () => {
  const r = run(['frobnicate', '--config', config('ja')])
  assert.equal(r.status, 2)
  assert.match(r.stderr, /'frobnicate' というコマンドはありません/)
  const bad = join(dir, 'bad.yaml')
  writeFileSync(bad, 'state: /tmp\nlangage: ja\n')
  const b = run(['status', '--config', bad])
  assert.equal(b.status, 2)
  assert.match(b.stderr, /bad\.yaml:2:1: /)
})

test('doctor: a table in columns for people, the same keys and states for scripts', () => {
  const [ja, en] = ['ja', 'en'].map((l) => {
    const r = run(['doctor', '--json', '--config', config(l)], { LANG: 'C' })
    return JSON.parse(r.stdout)
  })
  assert.deepEqual(ja.checks.map((c) => [c.check, c.result]), en.checks.map((c) => [c.check, c.result]))
  const signatures = ja.checks.find((c) => c.check === 'signatures')
  assert.equal(signatures.result, 'failed')
  assert.match(signatures.detail, JAPANESE)
  const table = run(['doctor', '--config', config('ja')], { LANG: 'C' }).stdout.trimEnd().split('\n')
  const column = cells(table[0].slice(0, table[0].indexOf('項目')))
  for (const line of table.slice(1)) {
    let at = 0
    const rest = [...line].filter((c) => (at += cells(c)) > column).join('')
    assert.match(rest, /^\S/, line)
  }
})

test('scan says verdicts in the words of the interface; logs and JSON stay English', () => {
  const file = join(dir, 'plain.txt')
  writeFileSync(file, 'plain')
  const r = run(['scan', file, '--config', config('ja')])
  assert.equal(r.status, 0, r.stderr)
  assert.match(r.stdout, /plain\.txt: clean\n/)
  assert.doesNotMatch(r.stderr, JAPANESE)
})
