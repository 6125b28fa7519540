// ./run demo prints a console address whose pages show its four connections.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { root } from '../sdk/lib.mjs'
import { closeBrowser, Visitor, waitFor } from './lib.mjs'

let demo
after(async () => {
  demo?.kill('SIGTERM')
  await closeBrowser()
})

test('the demo’s console shows its four connections', { timeout: 900000 }, async () => {
  let out = ''
  demo = spawn('python3', [join(root, 'fakecloud/demo/demo.py')], { stdio: ['ignore', 'pipe', 'pipe'] })
  demo.stdout.setEncoding('utf8').on('data', (d) => { out += d })
  demo.stderr.setEncoding('utf8').on('data', (d) => { out += d })
  const [, url, login, password] = await waitFor('the line', () => /^console: (http:\/\/127\.0\.0\.1:\d+)\/\s.*login: (\S+).*password: (\S+)$/m.exec(out), 170)
  const v = await Visitor.open(url, { language: 'ja', name: 'demo' })
  await v.go('/sign-in')
  await v.paste('ログイン名', login)
  await v.paste('パスワード', password)
  await v.click('button', 'サインイン', { exact: true })
  await v.page.waitForURL(`${url}/`)
  await v.ready()
  await v.shot('overview')
  await v.go('/connections')
  for (const id of ['aoba-m365', 'aoba-google', 'aoba-box', 'aoba-dropbox']) assert.equal(await v.page.locator(`a[href="/connections/${id}"]`).count(), 1, id)
  assert.equal(await v.page.locator('td .state.good').count(), 4)
  await v.shot('connections')
  await v.go('/findings')
  await v.shot('findings')
  await v.go('/connect')
  assert.equal(await v.page.locator('button.cloud').count(), 4)
  await v.shot('connect')
  await v.done()
})
