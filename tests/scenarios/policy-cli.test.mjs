// The policy command and scan: rule files are checked with places, tried, and explained on a real mail; the rules' own detectors count.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SEKISHO } from './lib.mjs'

const dir = mkdtempSync(join(tmpdir(), 'sk-'))
after(() => rmSync(dir, { recursive: true }))
mkdirSync(join(dir, 'signatures'))
const path = (name) => join(dir, name)
const put = (name, text) => (writeFileSync(path(name), text), path(name))

const config = put('sekisho.yaml', JSON.stringify({ state: path('state'), signatures: [path('signatures')], scan: { workers: 1 }, language: 'en' }))
const run = (...args) => spawnSync(SEKISHO, [...args, '--config', config], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } })

const rule = `detectors:
  - {id: own.code, pattern: 'KY-[0-9]{8}', caseless: false}
rules:
  - id: own.contract
    title: {ja: 契約番号, en: Contract number}
    severity: high
    category: data
    when: {hits: {any: {detector: own.code}}}
    cases: [{match: true, facts: {hits: [{detector: own.code}]}}, {match: false, facts: {}}]
`
const pe = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(58), Buffer.from([0x40, 0, 0, 0]), Buffer.from('PE\0\0'), Buffer.alloc(100)]).toString('base64')
const mail = put('mail.eml', ['From: a@customer.example', 'To: b@aoba.example', 'Subject: x', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b', '',
  '--b', 'Content-Type: text/plain; charset=utf-8', '', 'KY-12345678', '--b', 'Content-Type: application/octet-stream; name="bill.pdf.exe"',
  'Content-Transfer-Encoding: base64', '', pe, '--b--', ''].join('\r\n'))

test('what is shipped is right, and every cloud can do what it asks', () => {
  const checked = run('policy', 'check')
  assert.equal(checked.status, 0, checked.stderr)
  assert.match(checked.stderr, /0 errors, 0 warnings/)
  assert.equal(run('policy', 'test').status, 0)
})

test('errors have file, line and column, and the nearest name', () => {
  const bad = put('bad.yaml', rule.replace('when: {hits:', 'when: {hist:'))
  const r = run('policy', 'check', bad)
  assert.equal(r.status, 2)
  assert.match(r.stderr, new RegExp(`^${bad}:8:12: error: unknown fact 'hist'; did you mean 'hits'\\?$`, 'm'))
  const problem = JSON.parse(run('policy', 'check', bad, '--json').stdout.split('\n')[0])
  assert.deepEqual([problem.file, problem.line, problem.column, problem.severity], [bad, 8, 12, 'error'])
})

test('what a cloud cannot do is refused with what it can', () => {
  const r = run('policy', 'check', put('tag.yaml', rule.replace('category: data', 'category: data\n    action: block\n    targets: {services: gmail}')))
  assert.equal(r.status, 2)
  assert.match(r.stderr, /own\.contract: gmail cannot do 'block'; the nearest that it can do is 'tag'/)
})

test('a case that goes wrong is told at its line', () => {
  const r = run('policy', 'test', put('wrong.yaml', rule.replace('match: false, facts: {}', 'match: true, facts: {}').replace('{match: true', '{match: false')))
  assert.equal(r.status, 1)
  assert.match(r.stderr, /wrong\.yaml:9:\d+: error: own\.contract: case 1 should not match/)
})

test('explain says why, by the rules of a file and its detectors too', () => {
  const r = JSON.parse(run('policy', 'explain', mail, put('good.yaml', rule), '--json').stdout)
  const of = Object.fromEntries(r.rules.map((x) => [x.id, x]))
  assert.equal(of['own.contract'].result, 'true')
  assert.match(of['own.contract'].why, /detector=own\.code/)
  assert.equal(of['file.double_extension'].result, 'true')
  assert.match(of['file.double_extension'].why, /path=bill\.pdf\.exe/)
  assert.equal(of['malware.engine'].result, 'false')
  assert.equal(of['sharing.public_data'].result, 'false')
  assert.equal(r.facts.mail.from, 'a@customer.example')
})

test('scan decides by the rules', () => {
  const ran = run('scan', mail, '--json'), r = JSON.parse(ran.stdout)
  assert.equal(ran.status, 3, 'a match')
  assert.deepEqual(r.rules.map((x) => x.id).sort(), ['file.double_extension', 'file.executable'])
  assert.equal(r.rules[0].mode, 'monitor')
  assert.equal(r.rules[0].title.ja.length > 0, true)
})

test('facts are listed for completion', () => {
  const facts = run('policy', 'facts', '--json').stdout.trim().split('\n').map((l) => JSON.parse(l))
  assert.ok(facts.some((f) => f.of === 'item' && f.name === 'mail.from' && f.type === 'text' && f.group === 'content'))
  assert.ok(facts.every((f) => f.en && f.ja))
})
