// Ending the service: one signal or several at once, it stops in order, says so by exit code 0, and leaves no process.
import test from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const sekisho = process.env.SEKISHO ?? fileURLToPath(new URL('../../build/sekisho', import.meta.url))

async function until(condition, what) {
  for (let i = 0; i < 600; i++) {
    if (condition()) return
    await new Promise((r) => setTimeout(r, 50))
  }
  assert.fail(`waited in vain for ${what}`)
}

// Processes whose command line names this configuration.
const family = (config) => readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
  try {
    return readFileSync(`/proc/${p}/cmdline`, 'utf8').includes(config)
  } catch {
    return false
  }
})

for (const signals of [['SIGTERM'], ['SIGINT'], ['SIGTERM', 'SIGTERM', 'SIGINT']]) {
  test(`serve ends on ${signals.join(' and ')}`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sekisho-signals-'))
    const config = join(dir, 'sekisho.yaml')
    writeFileSync(config, 'state: state\nlanguage: en\nconsole: {listen: "off"}\n')
    const child = spawn(sekisho, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    child.stderr.on('data', (d) => { log += d })
    const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve([code, signal])))
    try {
      await until(() => existsSync(join(dir, 'state/control.sock')), 'the control socket')
      for (const s of signals) child.kill(s)
      assert.deepEqual(await ended, [0, null], log)
      await until(() => family(config).length === 0, 'the roles to end')
      assert.ok(!/free\(\)|Sanitizer|ERROR/.test(log), log)
    } finally {
      child.kill('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    }
  })
}
