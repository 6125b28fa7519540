// Policies and lists as people meet them, in both languages, at a desk and on a phone: from a new file over its mistakes, its test and
// replay to its findings; the three-way switch with its count; conflicts; lists; approving from a finding. Hostile text stays text.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { company, emlWith, PLACES } from '../scenarios/lib.mjs'
import { closeBrowser, makeAccount, makeOperator, PASSWORD, startConsole, Visitor, waitFor } from './lib.mjs'

const MARKUP = '<img src=x onerror=alert(1)>'
const WORDS = {
  ja: { signIn: 'サインイン', login: 'ログイン名', password: 'パスワード', policy: 'ポリシー', lists: 'リスト', newFile: '新しいファイル', name: '名前', write: '書き始める', save: '保存', saved: '保存しました', test: 'テスト', tested: 'すべて期待どおり', replay: '過去分で試す', different: '変わるところ', versions: '版の履歴', restore: '戻す', text: 'ファイルの内容', errors: '誤りが', fine: '誤りはありません', would: '対象になったはず', cancel: 'キャンセル', protect: '保護', monitor: '監視', off: 'オフ', changed: 'その間に変更', theirs: '相手の内容にする', mine: '自分の内容で上書きする', look: '相手の内容を見る', allow: '削除を許可する', forbid: '削除を禁止する', matches: '30 日間に', add: '追加', kind: '種類', value: '値', until: '期限', reason: '理由', remove: '外す', approve: '承認…', approved: '承認済み', approveIt: '承認する', block: 'ブロック…', blockIt: 'ブロックする', blocked: 'ブロック', matched: '一致したルール', clean: 'マルウェアは見つかっていません', draft: 'まだ保存されていません', del: '削除', deleted: '削除済み', passwordKind: 'アーカイブのパスワード', hidden: '(暗号化して保管したパスワード)', more: '詳細', only: 'に一致したものだけ' },
  en: { signIn: 'Sign in', login: 'Login', password: 'Password', policy: 'Policy', lists: 'Lists', newFile: 'New file', name: 'Name', write: 'Write it', save: 'Save', saved: 'Saved', test: 'Test', tested: 'all went as the rules say', replay: 'Replay', different: 'What would be different', versions: 'Versions', restore: 'Restore', text: 'Text of the file', errors: 'error', fine: 'No error', would: 'this would have touched', cancel: 'Cancel', protect: 'Protect', monitor: 'Monitor', off: 'Off', changed: 'changed in the meantime', theirs: 'Take theirs', mine: 'Save mine over it', look: 'Look at theirs', allow: 'Allow deleting', forbid: 'Forbid deleting', matches: 'in 30 days', add: 'Add', kind: 'Kind', value: 'Value', until: 'Until', reason: 'Reason', remove: 'Remove', approve: 'Approve …', approved: 'Approved', approveIt: 'Approve', block: 'Block …', blockIt: 'Block', blocked: 'Blocked', matched: 'Rules that matched', clean: 'No malware was found', draft: 'Not saved yet', del: 'Delete', deleted: 'Deleted', passwordKind: 'Password of archives', hidden: '(a password, kept encrypted)', more: 'More', only: 'Only matches of' },
}
const JAPANESE = /[\u3041-\u30ff\u4e00-\u9fff]/
const exact = { exact: true }

const fileText = ({ id = 'own.plans', action = 'quarantine', title = MARKUP } = {}) => `rules:
  - id: ${id}
    title: {ja: ${JSON.stringify(title)}, en: ${JSON.stringify(title)}}
    description: {ja: ${JSON.stringify(MARKUP)}, en: ${JSON.stringify(MARKUP)}}
    severity: high
    category: file
    mode: monitor
    action: ${action}
    when:
      any:
        - name: "plan*"
        - mail.subject: {contains: onerror}
    cases:
      - match: true
        facts: {name: plan.txt}
      - match: false
        facts: {name: notes.txt}
`

for (const language of ['ja', 'en']) {
  const w = WORDS[language]

  describe(`policies in ${language}`, () => {
    let c, operator, admin, other, dir

    before(async () => {
      const p = PLACES.microsoft()
      dir = mkdtempSync(join(tmpdir(), 'sk-rules-'))
      writeFileSync(join(dir, 'operator.yaml'), fileText({ id: 'operator.plans' }))
      c = await startConsole({ settings: { policy: [dir] }, seed: { ...company('microsoft'), [`${p.mail}/9.eml`]: emlWith(`${MARKUP} plan`, { [`${MARKUP.replaceAll('"', '')}.txt`]: 'hello' }), [`${p.files}/plan.txt`]: 'a plan' } })
      operator = await makeOperator(c)
      admin = await makeAccount(c, operator, 'admin@aoba.example', 'admin', ['aoba'], language)
      other = await makeAccount(c, operator, 'other@aoba.example', 'admin', ['aoba'], language)
      await makeAccount(c, operator, 'desk@aoba.example', 'desk', ['aoba'], language)
      await waitFor('everything to be judged', async () => (await operator.ok('GET', '/connections')).items.every((k) => k.seen > 2 && !k.pending))
    })
    after(async () => { await c?.end(); rmSync(dir, { recursive: true }); await closeBrowser() })

    async function visit(name, { login = 'admin@aoba.example', ...options } = {}) {
      const v = await Visitor.open(c.url, { language, name: `policy-${name}`, ...options })
      v.page.setDefaultTimeout(60000)
      await v.go('/sign-in')
      await v.paste(w.login, login)
      await v.paste(w.password, PASSWORD)
      await v.click('button', w.signIn, exact)
      await v.page.waitForURL(`${c.url}/`)
      await v.ready()
      return v
    }
    const toast = (v, text) => v.page.locator('.toast').filter({ hasText: text }).waitFor()
    const inDialog = (v) => v.page.getByRole('dialog')

    test('a new file: its mistakes as one types, its test, its replay, saved', async () => {
      const v = await visit('file')
      await v.click('link', w.policy, exact)
      await v.page.getByRole('heading', { level: 1, name: w.policy }).waitFor()
      await v.ready()
      assert.ok(await v.page.locator('.rule').count() > 20, 'the shipped rules')
      await v.shot('rules')
      if (language === 'en') assert.doesNotMatch((await v.page.locator('main').innerText()).replaceAll('日本語', ''), JAPANESE)
      await v.click('button', w.newFile, exact)
      await inDialog(v).getByLabel(w.name).fill('plans')
      await v.click('button', w.write, exact)
      await v.page.waitForURL(`${c.url}/policy/plans.yaml**`)
      await v.ready()
      await v.page.getByText(w.fine).waitFor() // what a new file begins with works
      const text = v.page.getByRole('textbox', { name: w.text })
      await text.fill(fileText().replace('severity', 'severty'))
      const problem = v.page.locator('.problems li').first()
      await problem.waitFor()
      await v.page.getByText(w.errors, { exact: false }).first().waitFor()
      assert.match(await problem.locator('button').innerText(), /^5:\d+$/)
      assert.equal(await v.page.locator('.gutter .bad').innerText(), '5')
      await v.shot('mistake')
      await problem.locator('button').click()
      const at = await v.page.evaluate(() => [document.activeElement.id, document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)])
      assert.deepEqual([at[0], at[1].includes('severty')], ['text', true], `the cursor is not there: ${at}`)
      await v.click('button', w.save, exact)
      await v.page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
      assert.equal((await admin.get('/tenants/aoba/policies/plans.yaml')).status, 404, 'saved with an error')
      await text.fill(fileText())
      await v.page.getByText(w.fine).waitFor()
      await v.click('button', w.test, exact)
      await v.page.getByText(w.tested).waitFor()
      await v.click('button', w.replay, exact)
      await v.page.locator('#results table').waitFor()
      assert.ok((await v.page.locator('#results').innerText()).includes('plan.txt'))
      assert.equal(await v.page.locator('main img, main script').count(), 0)
      await v.shot('replay')
      await v.click('button', w.save, exact)
      await toast(v, w.saved)
      assert.equal((await admin.ok('GET', '/tenants/aoba/policies/plans.yaml')).text, fileText())
      await v.done()
    })

    test('what is not saved yet survives a wrong click', async () => {
      const v = await visit('draft')
      await v.go('/policy/plans.yaml?tenant=aoba')
      await v.page.getByRole('textbox', { name: w.text }).fill('# half a thought\n')
      await v.click('link', w.lists, exact)
      await v.page.waitForURL(`${c.url}/lists`)
      await v.page.goBack()
      await v.ready()
      assert.equal(await v.page.getByRole('textbox', { name: w.text }).inputValue(), '# half a thought\n')
      await v.page.getByText(w.draft).first().waitFor()
      await v.done()
    })

    test('somebody faster is told, and nothing is lost', async () => {
      const v = await visit('conflict')
      await v.go('/policy/plans.yaml?tenant=aoba')
      const { version } = await admin.ok('GET', '/tenants/aoba/policies/plans.yaml')
      await other.ok('POST', '/tenants/aoba/policies/plans.yaml', { text: `# theirs\n${fileText()}`, version })
      const text = v.page.getByRole('textbox', { name: w.text })
      await text.fill(`# mine\n${fileText()}`)
      await v.click('button', w.save, exact)
      const told = v.page.getByRole('alert').filter({ hasText: w.changed })
      await told.waitFor()
      await told.getByText(w.look).click()
      assert.ok((await told.locator('pre').innerText()).startsWith('# theirs'))
      assert.ok((await text.inputValue()).startsWith('# mine'))
      await v.shot('told')
      await v.click('button', w.theirs, exact)
      assert.ok((await text.inputValue()).startsWith('# theirs'))
      await other.ok('POST', '/tenants/aoba/policies/plans.yaml', { text: `# theirs again\n${fileText()}`, version: version + 1 })
      await text.fill(`# mine\n${fileText()}`)
      await v.click('button', w.save, exact)
      await v.click('button', w.mine, exact)
      await toast(v, w.saved)
      assert.ok((await admin.ok('GET', '/tenants/aoba/policies/plans.yaml')).text.startsWith('# mine'))
      await v.done()
    })

    test('versions are looked at and restored', async () => {
      const v = await visit('versions')
      await v.go('/policy/plans.yaml?tenant=aoba')
      await v.click('button', w.versions, exact)
      await v.page.locator('#results table').waitFor()
      await v.shot('list')
      const rows = v.page.locator('#results tbody tr')
      await rows.last().getByRole('button').first().click()
      assert.ok((await inDialog(v).locator('pre').innerText()).startsWith('rules:'))
      await v.page.keyboard.press('Escape')
      await rows.last().getByRole('button').last().click()
      await inDialog(v).getByRole('button', { name: w.restore, exact: true }).click()
      await waitFor('the first text', async () => (await admin.ok('GET', '/tenants/aoba/policies/plans.yaml')).text === fileText())
      await v.done()
    })

    test('the switch: monitor, then protect with the count of what would have been touched; a stale page is told', async () => {
      const v = await visit('switch')
      await v.go('/policy?tenant=aoba&rule=own.plans')
      const rule = v.page.locator('[id="rule-own.plans"]')
      assert.equal(await rule.locator('h3').innerText(), MARKUP)
      assert.equal(await v.page.locator('main img, main script').count(), 0)
      const pick = (m) => rule.getByRole('radio', { name: m, exact: true }).check({ force: true })
      const mode = async () => (await admin.ok('GET', '/tenants/aoba/rules')).items.find((r) => r.id === 'own.plans').mode
      await pick(w.protect)
      await inDialog(v).getByText(w.would).waitFor()
      assert.ok((await inDialog(v).innerText()).includes('plan.txt'), await inDialog(v).innerText())
      await v.shot('ask')
      await inDialog(v).getByRole('button', { name: w.cancel, exact: true }).click()
      await rule.getByRole('radio', { name: w.monitor, exact: true, checked: true }).waitFor()
      assert.equal(await mode(), 'monitor')
      // by keyboard: arrows move between the three
      await rule.getByRole('radio', { name: w.monitor, exact: true }).focus()
      await v.page.keyboard.press('ArrowLeft')
      await waitFor('off', async () => await mode() === 'off')
      await other.ok('PATCH', '/tenants/aoba/rules/own.plans', { mode: 'monitor' })
      await waitFor('the switch to be free', () => rule.getByRole('radio', { name: w.off, exact: true }).isEnabled())
      await pick(w.protect)
      await inDialog(v).getByRole('button', { name: w.protect, exact: true }).click()
      await inDialog(v).getByRole('alert').filter({ hasText: w.changed }).waitFor()
      await v.shot('stale')
      await v.page.keyboard.press('Escape')
      await v.page.reload()
      await v.ready()
      await pick(w.protect)
      await inDialog(v).getByRole('button', { name: w.protect, exact: true }).click()
      await waitFor('protect', async () => await mode() === 'protect')
      await rule.getByRole('radio', { name: w.protect, exact: true, checked: true }).waitFor()
      const row = (await operator.ok('GET', '/audit?act=mode_put')).items.find((a) => a.phase === 'done' && a.detail.mode === 'protect')
      assert.ok(row.detail.touched >= 1, JSON.stringify(row.detail))
      await rule.getByText(w.more).click()
      await v.shot('protects')
      await v.done()
    })

    test('whether rules may delete', async () => {
      const v = await visit('delete')
      await v.go('/policy?tenant=aoba')
      await v.click('button', w.allow, exact)
      await inDialog(v).getByRole('button', { name: w.allow, exact: true }).click()
      await v.page.getByRole('button', { name: w.forbid, exact: true }).waitFor()
      assert.equal((await admin.ok('GET', '/tenants/aoba/rules')).may_delete, true)
      await v.click('button', w.forbid, exact)
      await v.page.getByRole('button', { name: w.allow, exact: true }).waitFor()
      assert.equal((await admin.ok('GET', '/tenants/aoba/rules')).may_delete, false)
      await v.done()
    })

    test('a finding of a rule: why, where, and approving in one step', async () => {
      await waitFor('a finding of the rule', async () => (await admin.ok('GET', '/findings?rule=operator.plans')).items.find((f) => f.mail?.subject === `${MARKUP} plan`))
      const v = await visit('finding', { login: 'desk@aoba.example' })
      await v.go('/policy?tenant=aoba&rule=operator.plans')
      await v.page.locator('[id="rule-operator.plans"]').getByRole('link', { name: w.matches }).click()
      await v.page.waitForURL(`${c.url}/findings?**`)
      await v.ready()
      await v.page.getByText(w.only).waitFor()
      await v.shot('list')
      await v.page.getByRole('link', { name: `${MARKUP} plan`, exact: true }).click()
      await v.page.getByRole('heading', { name: w.matched }).waitFor()
      await v.page.getByText(w.clean).waitFor()
      assert.equal(await v.page.locator('main img, main script').count(), 0)
      assert.ok(await v.page.locator('.tree .tree li').count() >= 1, 'the attachment lies in the mail')
      await v.shot('why')
      await v.click('button', w.approve, exact)
      await v.shot('approve')
      await inDialog(v).getByLabel(w.reason).fill(MARKUP)
      await inDialog(v).getByRole('button', { name: w.approveIt, exact: true }).click()
      await toast(v, w.approved)
      await v.click('button', w.block, exact)
      await inDialog(v).getByRole('radio').nth(2).check()
      await inDialog(v).getByRole('button', { name: w.blockIt, exact: true }).click()
      await toast(v, w.blocked)
      const entries = (await admin.ok('GET', '/tenants/aoba/lists')).items
      assert.deepEqual(entries.map((e) => [e.kind, e.approved, e.author, Boolean(e.ends)]).sort(), [['hash', false, 'desk@aoba.example', true], ['sender', true, 'desk@aoba.example', true]])
      await v.done()
    })

    test('lists: added, shown without passwords, removed', async () => {
      const v = await visit('lists')
      await v.click('link', w.lists, exact)
      await v.ready()
      const add = async (kind, value) => {
        await v.page.getByRole('banner').or(v.page.locator('.head')).getByRole('button', { name: w.add, exact: true }).click()
        await inDialog(v).getByLabel(w.kind, exact).selectOption(kind)
        if (kind === 'domain') await v.shot('add')
        await inDialog(v).locator('[name=value]').fill(value)
        await inDialog(v).getByRole('button', { name: w.add, exact: true }).click()
      }
      await add('domain', 'not a domain')
      await inDialog(v).getByRole('alert').waitFor()
      await v.shot('wrong')
      await v.page.keyboard.press('Escape')
      await add('domain', 'partner.example')
      await v.page.getByText('partner.example').waitFor()
      await v.ready()
      await add('password', 'hirakegoma')
      await v.page.getByText(w.hidden).waitFor()
      await v.ready()
      assert.ok(!(await v.page.content()).includes('hirakegoma'))
      assert.equal(await v.page.locator('main img').count(), 0)
      await v.shot('all')
      await v.page.locator('.filters').getByLabel(w.kind).selectOption('domain')
      await v.page.waitForURL(/kind=domain/)
      await v.ready()
      await waitFor('the one of that kind', async () => await v.page.locator('tbody tr').count() === 1)
      await v.page.locator('tbody tr').getByRole('button').click()
      await inDialog(v).getByRole('button', { name: w.remove, exact: true }).click()
      await waitFor('its end', async () => (await admin.ok('GET', '/tenants/aoba/lists?kind=domain')).items.length === 0)
      await v.done()
    })

    test('on a phone', async () => {
      const v = await visit('phone', { width: 390, height: 844, scheme: 'dark' })
      const f = (await admin.ok('GET', '/findings?rule=operator.plans')).items[0]
      for (const [name, path] of [['rules', '/policy'], ['file', '/policy/plans.yaml?tenant=aoba'], ['lists', '/lists'], ['finding', `/findings/${f.id}`]]) {
        await v.go(path)
        await v.shot(name)
      }
      await v.done()
    })

    test('a file is deleted', async () => {
      const v = await visit('end')
      await v.go('/policy/plans.yaml?tenant=aoba')
      await v.click('button', w.del, exact)
      await inDialog(v).getByRole('button', { name: w.del, exact: true }).click()
      await toast(v, w.deleted)
      assert.equal((await admin.ok('GET', '/tenants/aoba/rules')).items.some((r) => r.id === 'own.plans'), false)
      await v.done()
    })
  })
}
