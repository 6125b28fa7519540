// The pages as people meet them, in both languages, at a desk and on a phone: setting up, signing in with and without a second
// factor, looking around, ending a connection, an invitation. Screenshots are kept under build-test/screenshots.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { company, emlWith, EICAR, PLACES } from '../scenarios/lib.mjs'
import { Client, closeBrowser, makeAccount, PASSWORD, startConsole, totp, Visitor, waitFor } from './lib.mjs'

// The words of the two languages that the tests click on.
const WORDS = {
  ja: { signIn: 'サインイン', login: 'ログイン名', password: 'パスワード', name: 'お名前', make: 'アカウントを作成', overview: '概要', connections: '接続', findings: '検出', quarantine: '隔離', alerts: 'アラート', companies: '会社', accounts: 'アカウント', audit: '監査証跡', invitations: '招待', signOut: 'サインアウト', end: '終了', endConnection: '接続を終了', close: '閉じる', ended: '終了', addFactor: '2 段階認証を追加', go: '続ける', code: 'コード', turnOn: 'オンにする', kept: '保管しました', second: '2 段階目', invite: '管理者を招待', makeLink: 'リンクを作成', begin: '始める', giveBack: '元に戻す', download: 'ダウンロード', wrong: '違います', menu: 'メニュー' },
  en: { signIn: 'Sign in', login: 'Login', password: 'Password', name: 'Your name', make: 'Make the account', overview: 'Overview', connections: 'Connections', findings: 'Findings', quarantine: 'Quarantine', alerts: 'Alerts', companies: 'Companies', accounts: 'Accounts', audit: 'Audit trail', invitations: 'Invitations', signOut: 'Sign out', end: 'End', endConnection: 'End the connection', close: 'Close', ended: 'Ended', addFactor: 'Add a second factor', go: 'Continue', code: 'Code', turnOn: 'Turn on', kept: 'I have kept them', second: 'Second step', invite: 'Invite an administrator', makeLink: 'Make the link', begin: 'Begin', giveBack: 'Give back', download: 'Download', wrong: 'is wrong', menu: 'Menu' },
}
const MARKUP = '<img src=x onerror=alert(1)><script>alert(2)</script> threat'
const JAPANESE = /[\u3041-\u30ff\u4e00-\u9fff]/

for (const language of ['ja', 'en']) {
  const w = WORDS[language]
  const exact = { exact: true }

  describe(`pages in ${language}`, () => {
    let c, operator

    before(async () => {
      const p = PLACES.microsoft()
      c = await startConsole({ seed: { ...company('microsoft'), ...company('google'), [`${p.mail}/9.eml`]: emlWith(MARKUP, { 'x.com': `${EICAR}   ` }), [`${p.files}/docs/<b>threat<b>.com`.replaceAll(/[<>]/g, '_')]: `${EICAR}    ` } })
    })
    after(async () => { await c?.end(); await closeBrowser() })

    test('setting up, and the first page', async () => {
      const v = await Visitor.open(c.url, { language, name: 'setup' })
      await v.go('/')
      await v.shot('before')
      await v.go(c.setup)
      assert.ok(!v.page.url().includes('#'), 'the token stays in the address')
      await v.paste(w.name, 'Hana')
      await v.paste(w.login, 'op@example.jp')
      await v.paste(w.password, PASSWORD)
      await v.shot('form')
      await v.click('button', w.make)
      await v.page.waitForURL(`${c.url}/`)
      await v.ready()
      await v.page.getByRole('heading', { level: 1, name: w.overview }).waitFor()
      await v.shot('overview')
      await v.click('button', w.signOut)
      await v.page.waitForURL(`${c.url}/sign-in`)
      await v.done()
    })

    test('signing in: wrong, right, and every page of the menu', async () => {
      const v = await Visitor.open(c.url, { language, name: 'pages' })
      await v.go('/connections')
      await v.page.waitForURL(`${c.url}/sign-in`)
      await v.paste(w.login, 'op@example.jp')
      await v.paste(w.password, 'not the password')
      await v.page.getByLabel(w.password).press('Enter')
      await v.page.getByRole('alert').filter({ hasText: w.wrong }).waitFor()
      await v.shot('wrong')
      await v.paste(w.password, PASSWORD)
      await v.click('button', w.signIn, exact)
      await v.page.waitForURL(`${c.url}/`)
      for (const page of ['connections', 'findings', 'quarantine', 'alerts', 'companies', 'invitations', 'accounts', 'audit']) {
        await v.click('link', w[page], exact)
        await v.page.getByRole('heading', { level: 1, name: w[page], exact: true }).waitFor()
        await v.ready()
        await v.shot(page)
        if (language === 'en') assert.doesNotMatch((await v.page.locator('main').innerText()).replaceAll('日本語', ''), JAPANESE, page)
        else assert.match(await v.page.locator('main').innerText(), JAPANESE)
      }
      await v.done()
    })

    test('35: markup in subjects and names is shown as text', async () => {
      operator ??= await signedInOperator()
      await waitFor('the finding', async () => (await operator.get('/findings?search=onerror')).json.items.length === 1)
      const v = await visit(language, 'markup')
      await v.go('/findings?search=onerror')
      await v.page.getByRole('link', { name: MARKUP, exact: true }).click()
      await v.ready()
      assert.equal(await v.page.locator('h1').innerText(), MARKUP)
      assert.equal(await v.page.locator('main img, main script').count(), 0)
      await v.shot('finding')
      await v.done()
    })

    test('giving an item back', async () => {
      operator ??= await signedInOperator()
      const held = await waitFor('a held file', async () => (await operator.get('/findings?held=1&search=docs')).json.items.find((f) => f.item.name === 'threat.com' && f.action.state === 'done'))
      const v = await visit(language, 'restore')
      await v.go(`/findings/${held.id}`)
      const saved = v.page.waitForEvent('download')
      await v.click('button', w.download, exact)
      assert.equal((await saved).suggestedFilename(), `${held.id}.zip`)
      await v.shot('downloaded')
      await v.click('button', w.close, exact)
      await v.click('button', w.giveBack, exact)
      await v.shot('ask')
      await v.page.getByRole('dialog').getByRole('button').last().click()
      await waitFor('the state', async () => (await operator.ok('GET', `/findings/${held.id}`)).action.state === 'restored')
      await v.page.reload()
      await v.ready()
      await v.shot('restored')
      await v.done()
    })

    test('a second factor: added with a QR code, wanted at the next sign-in', async () => {
      operator ??= await signedInOperator()
      await makeAccount(c, operator, `totp-${language}@aoba.example`, 'admin', ['aoba'], language)
      const v = await Visitor.open(c.url, { language, name: 'totp' })
      await signIn(v, `totp-${language}@aoba.example`)
      await v.go('/me')
      await v.shot('me')
      await v.click('button', w.addFactor)
      await v.page.getByRole('dialog').getByLabel(w.password).fill(PASSWORD)
      await v.page.getByRole('dialog').getByRole('button', { name: w.go }).click()
      await v.page.locator('svg.qr').waitFor()
      await v.shot('qr')
      const secret = await v.page.locator('dialog .copy code').textContent()
      await v.page.getByRole('dialog').getByRole('textbox', { name: w.code }).fill(totp(secret))
      await v.page.getByRole('dialog').getByRole('button', { name: w.turnOn }).click()
      await v.page.locator('.codes li').first().waitFor()
      const codes = await v.page.locator('.codes li').allTextContents()
      assert.equal(codes.length, 10)
      await v.click('button', w.kept)
      await v.click('button', w.signOut)
      await v.page.waitForURL(`${c.url}/sign-in`)
      await v.paste(w.login, `totp-${language}@aoba.example`)
      await v.paste(w.password, PASSWORD)
      await v.click('button', w.signIn, exact)
      await v.page.getByRole('heading', { name: w.second }).waitFor()
      await v.shot('second-step')
      await v.paste(w.code, '000000')
      await v.click('button', w.go, exact)
      await v.page.getByRole('alert').waitFor()
      await v.paste(w.code, codes[3])
      await v.click('button', w.go, exact)
      await v.page.waitForURL(`${c.url}/`)
      await v.done()
    })

    test('an invitation: from the operator to the page of the invited', async () => {
      const v = await visit(language, 'invite')
      await v.go('/tenants/aoba')
      await v.click('button', w.invite)
      await v.page.getByRole('dialog').getByRole('textbox').fill('Ken')
      await v.click('button', w.makeLink)
      const link = await v.page.locator('dialog .copy code').textContent()
      await v.shot('link')
      await v.click('button', w.close, exact)
      const guest = await Visitor.open(c.url, { language, width: 390, height: 844, name: 'invited' })
      await guest.go(link)
      await guest.shot('landing')
      await guest.click('button', w.begin)
      await guest.page.waitForURL(`${c.url}/connect`)
      await guest.ready()
      await guest.shot('clouds')
      await guest.go('/connections')
      await guest.page.waitForURL(`${c.url}/connect`)
      await v.page.reload()
      await v.ready()
      await v.page.getByText('Ken').waitFor()
      await v.shot('how-far')
      await guest.done()
      await v.done()
    })

    test('by keyboard alone: to the content, through the menu, out of a dialog', async () => {
      const v = await visit(language, 'keyboard')
      await v.go('/connections')
      await v.page.keyboard.press('Tab')
      assert.equal(await v.page.evaluate(() => document.activeElement.className), 'skip')
      await v.page.keyboard.press('Enter')
      assert.equal(await v.page.evaluate(() => document.activeElement.id), 'main')
      await v.page.getByRole('link', { name: w.findings, exact: true }).focus()
      await v.page.keyboard.press('Enter')
      await v.page.waitForURL(`${c.url}/findings`)
      await v.ready()
      assert.equal(await v.page.evaluate(() => document.activeElement.id), 'main', 'after a step the reader stands at the new content')
      await v.go('/tenants/aoba')
      await v.page.getByRole('button', { name: w.invite }).focus()
      await v.page.keyboard.press('Enter')
      await v.page.getByRole('dialog').waitFor()
      assert.ok(await v.page.evaluate(() => document.querySelector('dialog').contains(document.activeElement)))
      await v.page.keyboard.press('Escape')
      assert.equal(await v.page.getByRole('dialog').count(), 0)
      await v.done()
    })

    test('on a phone', async () => {
      const v = await visit(language, 'phone', { width: 390, height: 844, scheme: 'dark' })
      for (const path of ['/', '/connections', '/connections/aoba-m365', '/findings', '/tenants/aoba', '/accounts', '/audit', '/me', '/connect', '/problem#bad_state']) {
        await v.go(path)
        await v.shot(path.split('#')[0].replaceAll('/', '-').slice(1) || 'overview')
      }
      await v.go('/')
      await v.click('button', w.menu)
      await v.click('link', w.findings, exact)
      await v.page.waitForURL(`${c.url}/findings`)
      await v.done()
    })

    test('ending a connection', async () => {
      const v = await visit(language, 'disconnect')
      await v.go('/connections/aoba-google')
      await v.shot('connection')
      await v.click('button', w.end, exact)
      await v.shot('ask')
      await v.click('button', w.endConnection, exact)
      await v.page.getByRole('dialog').getByRole('list').first().waitFor()
      await v.page.getByRole('button', { name: w.close, exact: true }).waitFor()
      const said = await v.page.getByRole('dialog').getByRole('listitem').allInnerTexts()
      assert.ok(said.length && said.every((t) => JAPANESE.test(t) === (language === 'ja')), `what is left to do by hand: ${said}`)
      await v.shot('by-hand')
      await v.click('button', w.close, exact)
      await waitFor('its end', async () => (await (await signedInOperator()).ok('GET', '/connections/aoba-google')).state === 'disconnected')
      await v.ready()
      await v.shot('ended')
      await v.done()
    })

    test('the first page weighs less than 150 KB', async () => {
      const v = await visit(language, 'weight')
      const context = v.context
      const page = await context.newPage()
      const sizes = []
      page.on('response', async (r) => sizes.push(r.body().then((b) => b.length, () => 0)))
      await page.goto(c.url)
      await page.waitForFunction(() => document.body.dataset.ready)
      const total = (await Promise.all(sizes)).reduce((a, b) => a + b, 0)
      assert.ok(total < 150000, `${total} bytes`)
      assert.ok(sizes.length > 5)
      await v.done()
    })

    async function signedInOperator() {
      return new Client(c.url).signIn('op@example.jp', PASSWORD)
    }

    async function signIn(v, login) {
      await v.go('/sign-in')
      await v.paste(w.login, login)
      await v.paste(w.password, PASSWORD)
      await v.click('button', w.signIn, exact)
      await v.page.waitForURL(`${c.url}/`)
      await v.ready()
    }

    async function visit(lang, name, options = {}) {
      const v = await Visitor.open(c.url, { language: lang, name, ...options })
      await signIn(v, 'op@example.jp')
      return v
    }
  })
}

