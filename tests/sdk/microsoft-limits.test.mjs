// Microsoft: the published budgets, what a call costs, and how answers tell that a budget runs low or out.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startMicrosoft } from './microsoft-lib.mjs'

let ms, token
before(async () => {
  ms = await startMicrosoft(['--rate', '100000'])
  token = await ms.accessToken()
})
after(() => ms?.stop())

const get = (path, options) => ms.call('GET', path, { token, ...options })

// Calls until the budget is used up: {n, first}: how many went through, and how many before one spoke of its budget.
async function exhaust(path, header, as = token) {
  let first
  for (let n = 0; n < 20000; n++) {
    const answer = await get(path, { token: as })
    if (answer.status === 429) return { n, first, answer }
    assert.ok(answer.status < 400, `${answer.status} ${JSON.stringify(answer.body)}`)
    if (header && answer.headers.has(header)) first ??= n
  }
  throw new Error('there is no end')
}

test('files: what is about permissions costs five units of 1,250 a minute', async () => {
  const drive = (await get('/v1.0/users/hana@aoba.example/drive')).body.id
  const at = (rest) => `/v1.0/drives/${drive}${rest}`
  const item = (await get(at('/root:/abc.txt'))).body.id
  const { n, first, answer } = await exhaust(at(`/items/${item}/permissions`), 'ratelimit-remaining')
  // 1,250 a minute, refilled while it is used
  assert.ok(n >= 249 && n < 400, `${n} calls`)
  assert.ok(first >= 199 && first < n, `told after ${first}`)
  assert.equal(answer.body.error.code, 'activityLimitReached')
  assert.ok(Number(answer.headers.get('retry-after')) >= 1)
  assert.deepEqual([answer.headers.get('ratelimit-limit'), answer.headers.get('ratelimit-remaining')], ['1250', '0'])
  // Waiting as long as was said is enough.
  await new Promise((done) => setTimeout(done, Number(answer.headers.get('retry-after')) * 1000))
  assert.equal((await get(at(`/items/${item}`))).status, 200)
  // Another tenant has its own budget, and permissions that come along cost as much as those that are asked for.
  const narrow = await ms.accessToken('narrow')
  const other = (await get('/v1.0/users/admin@narrow.example/drive', { token: narrow })).body.id
  const along = await exhaust(`/v1.0/drives/${other}/root?$expand=permissions`, undefined, narrow)
  assert.ok(along.n >= 248 && along.n < 400, `${along.n} calls`)
})

test('Teams: calls for messages have a budget of their own', async () => {
  const team = (await get('/v1.0/teams')).body.value[0].id
  const channel = encodeURIComponent((await get(`/v1.0/teams/${team}/channels`)).body.value[0].id)
  const { n, answer } = await exhaust(`/v1.0/teams/${team}/channels/${channel}/messages`)
  assert.ok(n >= 20, `${n} calls`)
  assert.deepEqual([answer.body.error.code, answer.headers.get('retry-after')], ['TooManyRequests', '1'])
  // That budget is another one.
  assert.equal((await get(`/v1.0/teams/${team}/channels`)).status, 200)
})
