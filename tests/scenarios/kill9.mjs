// kill -9 at random times: each run connects a small company at all providers, starts `once`, kills a random process of
// its tree (or all of it) up to three times in a row, lets `once` run to its end, and asks the oracle.
//   node kill9.mjs [RUNS] [--seed N] [--only RUN]
// Prints one line at the end; a violation is printed with what it takes to do it again, and the exit code is 1.
import { randomInt } from 'node:crypto'
import { startFakecloud } from '../sdk/lib.mjs'
import { alive, company, connectors, processTree, Scene, waitFor } from './lib.mjs'

const args = process.argv.slice(2)
const option = (name, fallback) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback)
const RUNS = Number(args[0] ?? 200) || 200
const SEED = option('--seed', randomInt(1e9))
const ONLY = option('--only', -1)
const LANES = 2
const BATCH = 20 // runs that share a fakecloud, each with a tenant of its own

// mulberry32: small, and the same everywhere
function random(seed) {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const targets = ['supervisor', 'core', 'core', 'core', 'auth', 'scan', 'worker', 'all']
const count = { kills: 0, byTarget: {}, interrupted: 0 }
const violations = []
let usual = 0 // ms that `once` takes when nobody disturbs it
let done = 0

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it was faster
  }
}

// Kills once in the running process p; what was done, for the report.
function strike(p, rnd) {
  const tree = processTree(p.pid)
  const target = targets[Math.floor(rnd() * targets.length)]
  const fit = target === 'all' ? tree : tree.filter((x) => x.role === target)
  const chosen = target === 'all' ? fit : fit.length ? [fit[Math.floor(rnd() * fit.length)]] : tree.slice(0, 1)
  for (const x of chosen) kill(x.pid)
  const name = fit.length ? target : 'supervisor'
  count.kills++
  count.byTarget[name] = (count.byTarget[name] ?? 0) + 1
  return { name, tree }
}

async function kills(s, rnd, story) {
  const n = 1 + Math.floor(rnd() * 3)
  const seen = new Set()
  let p, over
  const begin = (command) => {
    over = false
    p = s.begin(command)
    p.ended.then(() => { over = true })
  }
  for (let i = 0; i < n; i++) {
    if (!p || over) begin(['once'])
    const after = rnd() * usual * 1.2
    await Promise.race([p.ended, new Promise((r) => setTimeout(r, after))])
    if (over) {
      story.push(`ended before ${after.toFixed(1)} ms`)
      continue
    }
    const { name, tree } = strike(p, rnd)
    tree.forEach((x) => seen.add(x.pid))
    story.push(`${name} after ${after.toFixed(1)} ms`)
    count.interrupted++
    if (['supervisor', 'core', 'all'].includes(name)) await p.ended
  }
  if (p) {
    const late = setTimeout(() => { story.push('and it hung'); processTree(p.pid).forEach((x) => kill(x.pid)) }, 300000)
    await p.ended
    clearTimeout(late)
    if (story.at(-1) === 'and it hung') throw new Error('once did not end after a kill')
  }
  await waitFor('no process to be left over', () => [...seen].every((pid) => !alive(pid)), 10)
}

async function run(cloud, i) {
  const rnd = random(SEED + i * 7919)
  const story = []
  const s = await Scene.make({ cloud, tenant: `t${i}` })
  try {
    if (rnd() < 0.1) {
      // the very first command may die too
      const list = s.ids().map((id) => s.entry(id))
      const p = s.begin(['connect', '--from', s.entries(list)])
      const after = rnd() * 200
      await Promise.race([p.ended, new Promise((r) => setTimeout(r, after))])
      story.push(`connect killed after ${after.toFixed(1)} ms`)
      processTree(p.pid).forEach((x) => kill(x.pid))
      await p.ended
    }
    await s.connect()
    await kills(s, rnd, story)
    await s.once()
    await s.oracle()
    s.assertNoSecrets()
  } catch (e) {
    violations.push(i)
    console.error(`\nrun ${i} of seed ${SEED}: ${story.join(', ')}\n  again: node kill9.mjs --seed ${SEED} --only ${i}\n${e.stack}\n--- log:\n${s.log.slice(-8000)}\n---`)
  } finally {
    await s.end()
    done++
  }
}

async function batch(from, to) {
  const seed = {}
  const runs = Array.from({ length: to - from }, (_, k) => from + k)
  runs.forEach((i) => connectors().forEach((p) => Object.assign(seed, company(p, `t${i}`))))
  const cloud = await startFakecloud({ seed })
  try {
    for (const i of runs) await run(cloud, i)
  } finally {
    await cloud.stop()
  }
}

const start = Date.now()
console.log(`seed ${SEED}, ${RUNS} runs, providers: ${connectors().join(', ')}`)
{
  const cloud = await startFakecloud({ seed: Object.assign({}, ...connectors().map((p) => company(p))) })
  const s = await Scene.make({ cloud })
  await s.connect()
  usual = (await s.once()).ms
  await s.oracle()
  await s.end()
  await cloud.stop()
}
const batches = []
if (ONLY >= 0) batches.push([ONLY, ONLY + 1])
else for (let i = 0; i < RUNS; i += BATCH) batches.push([i, Math.min(i + BATCH, RUNS)])
await Promise.all(Array.from({ length: LANES }, async () => {
  for (let b = batches.shift(); b; b = batches.shift()) await batch(...b)
}))
const kinds = Object.entries(count.byTarget).map(([k, n]) => `${k} ${n}`).join(', ')
console.log(`kill9: ${done} runs, ${count.kills} kills (${kinds}), ${violations.length} violations, seed ${SEED}, ${((Date.now() - start) / 1000).toFixed(0)} s`)
process.exit(violations.length ? 1 : 0)
