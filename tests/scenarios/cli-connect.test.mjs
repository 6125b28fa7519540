// Wrong grants and wrong connections files: one clear message with a stable code, the place and what would be right,
// and nothing changed. Dry runs change nothing either.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { company, connectors, eachProvider, inScene, PLACES, suite } from './lib.mjs'

const everybody = ['microsoft', 'google', 'box', 'dropbox']

// Each changes an entry for the worse; `code` is what the message ends with.
const WRONG = {
  microsoft: {
    'a directory that is none': [(e) => { e.grant.directory = '00000000-0000-4000-8000-000000000000' }, /90002/],
    'a client that is none': [(e) => { e.grant.client_id = '00000000-0000-4000-8000-000000000000' }, /700016/],
    'a wrong secret': [(e, write) => { e.grant = { type: 'client_secret', directory: e.grant.directory, client_id: e.grant.client_id, client_secret_file: write('wrong~secret.of~sixteen.or~more') } }, /7000215/],
    'the key of another certificate': [(e, write, s) => { e.grant.key_file = 'midori-m365.key' }, /key|certificate/i],
    'the certificate and key of another application': [(e) => { e.grant.certificate_file = 'midori-m365.pem'; e.grant.key_file = 'midori-m365.key' }, /700027|700016/],
  },
  google: {
    'a subject that is none': [(e) => { e.grant.subject = 'nobody@aoba.example' }, /invalid_grant|unauthorized_client/],
    'the key of another project': [(e, write, s) => {
      const mine = JSON.parse(s.cloud.connections().read('aoba-google.json'))
      e.grant.key_file = write(JSON.stringify({ ...mine, private_key: JSON.parse(s.cloud.connections().read('midori-google.json')).private_key }))
    }, /invalid_grant/],
    'a client that is none': [(e, write, s) => { e.grant.key_file = write(JSON.stringify({ ...JSON.parse(s.cloud.connections().read('aoba-google.json')), client_email: 'nobody@nowhere.example' })) }, /invalid_grant|invalid_client/],
  },
  box: {
    'a wrong client secret': [(e, write, s) => { const c = JSON.parse(s.cloud.connections().read('aoba-box.json')); c.boxAppSettings.clientSecret = 'wrongwrongwrongwrongwrongwrong00'; e.grant.config_file = write(JSON.stringify(c)) }, /invalid_client|unauthorized_client|invalid_grant/],
    'the enterprise of another': [(e, write, s) => { const c = JSON.parse(s.cloud.connections().read('aoba-box.json')); c.enterpriseID = JSON.parse(s.cloud.connections().read('midori-box.json')).enterpriseID; e.grant.config_file = write(JSON.stringify(c)) }, /invalid_grant|unauthorized_client/],
    'a key that is not the application\'s': [(e, write, s) => { const c = JSON.parse(s.cloud.connections().read('aoba-box.json')); c.boxAppSettings.appAuth = JSON.parse(s.cloud.connections().read('midori-box.json')).boxAppSettings.appAuth; e.grant.config_file = write(JSON.stringify(c)) }, /invalid_grant|invalid_client/],
    'a wrong passphrase': [(e, write, s) => { const c = JSON.parse(s.cloud.connections().read('aoba-box.json')); c.boxAppSettings.appAuth.passphrase = 'wrong passphrase'; e.grant.config_file = write(JSON.stringify(c)) }, /passphrase/],
  },
  dropbox: {
    'a wrong application secret': [(e, write) => { e.grant.app_secret_file = write('wrongwrongwrong0') }, /invalid_client/],
    'an application that is none': [(e) => { e.grant.app_key = 'nothingatall000' }, /invalid_client/],
    'a refresh token that is none': [(e, write) => { e.grant.refresh_token_file = write('wrongwrongwrongwrongwrongwrongwrong') }, /invalid_grant/],
  },
}

suite('wrong grants', () => {
  for (const provider of everybody) {
    for (const [what, [spoil, code]] of Object.entries(WRONG[provider])) {
      eachProvider([provider], what, () => inScene({ seed: { ...company(provider, 'aoba'), ...company(provider, 'midori') } }, async (s) => {
        const e = s.entry(PLACES[provider]().id)
        let n = 0
        spoil(e, (text) => { const name = `wrong-${n++}.${text[0] === '{' ? 'json' : 'txt'}`; writeFileSync(join(s.cloud.connections().dir, name), text); return name }, s)
        const r = await s.run(['connect', '--from', s.entries([e])])
        assert.ok([2, 6].includes(r.code), `exit code ${r.code}: ${r.stderr}`)
        const line = r.stderr.split('\n').find((l) => l.startsWith('sekisho:'))
        assert.match(line, code)
        assert.match(line, /\[\w+\]$/, 'a stable code at the end')
        assert.ok(line.length > 60, `it does not say what to do: ${line}`)
        assert.deepEqual(await s.json(['connections']), [])
        // and a right one afterwards works
        await s.connect(undefined, [PLACES[provider]().id])
        await s.once()
        await s.oracle({ before: s.before.filter((i) => i.tenant === 'aoba'), ignore: (i) => i.tenant !== 'aoba' })
      }))
    }

    eachProvider([provider], 'a wrong grant leaves the working one alone', () => inScene({ seed: { ...company(provider, 'aoba'), ...company(provider, 'midori') } }, async (s) => {
      await s.connect(undefined, [PLACES[provider]().id])
      const e = s.entry(PLACES[provider]().id)
      const [[spoil]] = Object.values(WRONG[provider]).slice(-1)
      spoil(e, (text) => { writeFileSync(join(s.cloud.connections().dir, 'w.txt'), text); return 'w.txt' }, s)
      assert.notEqual((await s.run(['connect', '--from', s.entries([e])])).code, 0)
      await s.once()
      await s.oracle({ before: s.before.filter((i) => i.tenant === 'aoba'), ignore: (i) => i.tenant !== 'aoba' })
    }))

    eachProvider([provider], 'a dry run proves and keeps nothing', () => inScene({ seed: company(provider) }, async (s) => {
      const r = await s.run(['connect', '--from', s.entries(s.ids().map((id) => s.entry(id))), '--dry-run'])
      assert.equal(r.code, 0, r.stderr)
      assert.match(r.stdout, /the grant works/)
      assert.deepEqual(await s.json(['connections']), [])
      const once = await s.once()
      assert.equal((await s.findings()).length, 0, once.stderr)
    }))
  }
})

const good = `connections:
  - id: aoba-m365
    tenant: aoba
    provider: microsoft
    mode: protect
    backlog: all
    services: [mail, files]
    endpoints: {login: "http://127.0.0.1:9", graph: "http://127.0.0.1:9"}
    grant: {type: client_secret, directory: d, client_id: c, client_secret_file: secret.txt}
`

// What is replaced by what; line and column of the complaint; words that say what would be right.
const FILES = [
  ['mode: protect', 'mode: protected', 5, 11, /monitor.*protect/],
  ['mode: protect', 'mod: protect', 5, 5, /did you mean 'mode'/],
  ['mode: protect', 'colour: red', 5, 5, /known here: .*mode/],
  ['backlog: all', 'backlog: everything', 6, 14, /all, none or .*30 d/],
  ['backlog: all', 'backlog: -3 d', 6, 14, /all, none or .*30 d/],
  ['provider: microsoft', 'provider: macrosoft', 4, 15, /known: .*microsoft/],
  ['provider: microsoft', 'provider: [microsoft]', 4, 15, /text/],
  ['[mail, files]', '[mail, fax]', 7, 22, /fax.*mail, files, teams/],
  ['[mail, files]', 'mail', 7, 15, /list/],
  ['[mail, files]', '[]', 7, 15, /list/],
  ['graph: "http://127.0.0.1:9"', 'graph: "http://graph.example"', 8, 53, /https:\/\//],
  ['graph: "http://127.0.0.1:9"', 'graph: "ftp://127.0.0.1"', 8, 53, /https:\/\//],
  ['graph: "http://127.0.0.1:9"', 'graf: "http://127.0.0.1:9"', 8, 46, /did you mean 'graph'/],
  ['type: client_secret', 'type: password', 9, 19, /known: client_certificate, client_secret/],
  ['directory: d, ', '', 9, 12, /'directory' is missing/],
  ['directory: d', 'directory: "d/../e"', 9, 45, /character/],
  ['secret.txt', 'nothing.txt', 9, undefined, /nothing\.txt cannot be read/],
  ['secret.txt', '.', 9, undefined, /file of 1 to 65536 bytes/],
  ['id: aoba-m365', 'id: "aoba m365"', 2, 9, /letters, digits/],
  ['id: aoba-m365', 'id: ../../etc', 2, 9, /begins with a letter or digit/],
  ['tenant: aoba', 'tenant: ""', 3, 13, /text/],
  ['    tenant: aoba\n', '', 2, 5, /'tenant' is missing/],
  ['    tenant: aoba\n', '    tenant: aoba\n    tenant: midori\n', 4, 5, /twice|duplicate/i],
  ['    tenant: aoba\n', '   tenant: aoba\n', undefined, undefined, /./],
  ['connections:', 'connection:', 1, 1, /did you mean 'connections'/],
  [good, 'connections: []\n', 1, 14, /at least one/],
  [good, '', 1, undefined, /connections/],
  [good, 'connections: &a [*a]\n', 1, undefined, /alias|anchor/i],
  [good, `connections:\n${'  - [\n'.repeat(2000)}`, undefined, undefined, /deep|nested|YAML|found|did not find/i],
  [good, good + good.slice(good.indexOf('  - id')), 10, 9, /twice/],
]

suite('wrong connections files', () => {
  for (const [from, to, line, column, words] of FILES) {
    const name = `${from === good ? 'the whole file' : from.trim()} → ${to.trim().slice(0, 40) || 'nothing'}`
    test(name, { skip: connectors().includes('microsoft') ? false : 'no connector for microsoft in this build' }, () => inScene({ seed: {} }, async (s) => {
      const file = join(s.dir, 'connections.yaml')
      writeFileSync(join(s.dir, 'secret.txt'), 'the secret of this test')
      assert.ok(good.includes(from))
      writeFileSync(file, good.replace(from, () => to))
      const r = await s.run(['connect', '--from', file])
      assert.equal(r.code, 2, r.stderr)
      const [first] = r.stderr.split('\n')
      const at = /connections\.yaml:(\d+):(\d+): (.*)/.exec(first)
      assert.ok(at, `no line and column: ${first}`)
      if (line) assert.equal(Number(at[1]), line, first)
      if (column) assert.equal(Number(at[2]), column, first)
      assert.match(at[3], words)
      assert.ok(!existsSync(join(s.state_dir, 'store.db')), 'a store was made')
      assert.doesNotMatch(r.stderr, /the secret of this test/)
    }))
  }

  test('no file at all, and none that is named', () => inScene({ seed: {} }, async (s) => {
    assert.equal((await s.run(['connect'])).code, 2)
    const r = await s.run(['connect', '--from', join(s.dir, 'nothing.yaml')])
    assert.notEqual(r.code, 0)
    assert.match(r.stderr, /nothing\.yaml.*No such file/)
  }))
})
