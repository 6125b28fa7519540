// A rule file: written with line numbers, checked as one types, tested, replayed, saved, with its earlier versions. What is not saved
// yet is kept in this tab, so that a wrong click loses nothing.
import { ApiError, del, get, post, query } from './api.js'
import { h, fill, icon } from './dom.js'
import { time } from './format.js'
import { _, n_, number } from './i18n.js'
import { EVERYBODY, examples, tenantPath } from './policy.js'
import { busy, button, confirm, dialog, empty, head, notice, say, table, toast } from './ui.js'

const CHECK_MS = 450

// What a new file begins with: one rule that works, to be changed.
const template = () => `# ${_('What is looked for, and what is done about it. Monitor first: it reports and changes nothing.')}
rules:
  - id: own.example
    title: {ja: 例, en: Example}
    severity: medium
    category: file
    mode: monitor
    action: report
    when: {name: "*.example"}
    cases:
      - match: true
        facts: {name: report.example}
      - match: false
        facts: {name: report.pdf}
`

// A textarea with line numbers beside it; marks(lines) shows where problems are.
function area(text, locked) {
  const input = h('textarea.code-area', { id: 'text', wrap: 'off', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', rows: 24, readonly: locked, 'aria-label': _('Text of the file'), 'aria-describedby': 'check-state' })
  const gutter = h('div.gutter', { 'aria-hidden': 'true' })
  let marked = new Map()
  let lines = 0
  input.value = text
  const draw = () => {
    const n = input.value.split('\n').length
    if (n === lines && !draw.again) return
    lines = n
    draw.again = false
    fill(gutter, Array.from({ length: n }, (x, i) => h('span', { class: marked.get(i + 1) }, i + 1)))
  }
  const follow = () => { gutter.scrollTop = input.scrollTop }
  input.addEventListener('scroll', follow)
  input.addEventListener('input', draw)
  // The next line begins where this one did, as YAML wants it. Tab stays the way out for the keyboard.
  input.addEventListener('keydown', (e) => {
    if (e.key !== 'Enter' || e.isComposing || e.ctrlKey || e.metaKey || input.selectionStart !== input.selectionEnd) return
    const before = input.value.slice(0, input.selectionStart)
    const indent = /(?:^|\n)( *)[^\n]*$/.exec(before)[1]
    if (!indent) return
    e.preventDefault()
    document.execCommand('insertText', false, `\n${indent}`)
  })
  draw()
  return {
    element: h('div.editor', null, gutter, input),
    input,
    mark: (problems) => {
      marked = new Map(problems.toReversed().map((p) => [p.line, p.warning ? 'warn' : 'bad']))
      draw.again = true
      draw()
      follow()
    },
    redraw: () => { draw.again = true; draw() },
    goTo: (line, column) => {
      const all = input.value.split('\n')
      const row = Math.max(1, Math.min(line, all.length))
      const start = all.slice(0, row - 1).reduce((n, l) => n + l.length + 1, 0)
      // columns are counted in characters, as people do
      const at = start + [...all[row - 1]].slice(0, Math.max(0, column - 1)).join('').length
      input.focus()
      input.setSelectionRange(at, Math.max(at, start + all[row - 1].length))
      const height = parseFloat(getComputedStyle(input).lineHeight) || 20
      input.scrollTop = Math.max(0, (row - 4) * height)
      follow()
    },
  }
}

function problemList(problems, file, goTo) {
  return h('ul.problems', null, problems.map((p) => {
    const here = !p.file || p.file === file
    const place = p.line ? `${p.line}:${p.column}` : ''
    return h('li', { class: p.warning ? 'warn' : 'bad' }, icon(p.warning ? 'warn' : 'bad'),
      h('span', null, h('span.visually-hidden', null, p.warning ? _('Warning') : _('Error'), ' '),
        here && p.line > 0 ? h('button.link', { type: 'button', onclick: () => goTo(p.line, p.column), 'aria-label': _('Go to line {line}, column {column}', { line: p.line, column: p.column }) }, place) : h('code', null, [here ? '' : p.file, place].filter(Boolean).join(':')),
        ' ', p.text))
  }))
}

const draftKey = (tenant, name) => `draft ${tenant} ${name}`

function readDraft(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key))
  } catch {
    return null
  }
}

// What a changed set of rules would do otherwise, rule by rule.
export function replayTable(r) {
  const body = r.items.length
    ? table(_('What would be different'), [
      [_('Rule'), (i) => [h('span.name', null, i.title || i.rule), h('span.sub', null, h('code', null, i.rule))], { lead: true }],
      [_('Matches now'), (i) => number(i.was), { number: true }],
      [_('Matches then'), (i) => number(i.now), { number: true }],
      [_('Touched now'), (i) => number(i.touched_was), { number: true }],
      [_('Touched then'), (i) => number(i.touched), { number: true }],
      [_('Examples'), (i) => examples(i.examples)],
    ], r.items)
    : h('p', null, _('Nothing would be different.'))
  return [h('p', null, n_('{n} item of the last {days} days was judged again, from what is recorded of it.', '{n} items of the last {days} days were judged again, from what is recorded of them.', r.seen, { days: number(r.days) })), body,
    r.cut && notice('warn', null, _('There were more than could be looked at; the newest count.'))]
}

export async function edit(main, context, name) {
  const params = new URLSearchParams(location.search)
  const tenant = params.get('tenant') ?? ''
  const base = `${tenantPath(tenant)}/policies/${encodeURIComponent(name)}`
  const back = { href: `/policy${query({ tenant })}`, text: _('Policy') }
  let file
  try {
    file = await get(base)
  } catch (e) {
    if (e.status !== 404 || !params.get('new')) throw e
    file = { name, tenant, text: template(), version: 0, changed: null, changed_by: '' }
  }
  if (!context.current()) return
  const may = context.session.may.policy && (tenant !== EVERYBODY || context.session.may.manage)
  const key = draftKey(tenant, name)
  const draft = readDraft(key)
  let saved = file.text
  let version = file.version
  const text = draft && draft.text !== saved && may ? draft.text : saved
  const a = area(text, !may)
  const status = h('p', { id: 'check-state', role: 'status' })
  const problems = h('div')
  const results = h('div.stack', { id: 'results', tabindex: '-1', 'aria-label': _('Results') })
  const place = h('div.stack')
  const facts = h('p.small.muted')
  const about = () => fill(facts, version ? _('Version {n}, {time}, {who}', { n: number(version), time: time(file.changed), who: file.changed_by }) : _('Not saved yet'))
  about()

  // ---- checking ----
  let turn = 0
  const showProblems = (r) => {
    const errors = r.problems.filter((p) => !p.warning).length
    fill(status, icon(errors ? 'bad' : 'check', errors ? 'is-bad' : 'is-good'), errors ? n_('{n} error: it cannot be saved yet.', '{n} errors: it cannot be saved yet.', errors) : n_('No error. {n} rule.', 'No error. {n} rules.', r.rules))
    fill(problems, r.problems.length > 0 && problemList(r.problems, name, a.goTo))
    a.mark(r.problems.filter((p) => !p.file || p.file === name))
  }
  const check = async () => {
    const mine = ++turn
    try {
      const r = await post(`${tenantPath(tenant)}/policy/check`, { name, text: a.input.value })
      if (mine === turn) showProblems(r)
    } catch (e) {
      if (mine === turn) fill(status, icon('warn'), e instanceof ApiError && e.message ? e.message : _('It could not be checked.'))
    }
  }
  let timer
  a.input.addEventListener('input', () => {
    sessionStorage.setItem(key, JSON.stringify({ version, text: a.input.value }))
    clearTimeout(timer)
    timer = setTimeout(check, CHECK_MS)
  })

  // ---- saving ----
  const save = async (over) => {
    fill(place)
    clearTimeout(timer)
    turn++
    const sent = a.input.value
    try {
      const r = await post(base, { text: sent, version: over ?? version })
      version = r.version
      saved = sent
      file = { ...file, version, changed: r.changed, changed_by: r.changed_by }
      if (a.input.value === sent) sessionStorage.removeItem(key)
      history.replaceState(null, '', `${location.pathname}${query({ tenant })}`)
      about()
      toast(_('Saved'))
      await check()
    } catch (e) {
      if (e.error?.code === 'bad_policy') {
        showProblems({ problems: e.error.problems ?? [], rules: 0 })
        const first = e.error.problems?.find((p) => !p.warning && p.line && (!p.file || p.file === name))
        if (first) a.goTo(first.line, first.column)
        say(e.message)
      } else if (e.error?.code === 'changed') {
        await conflict()
      } else {
        throw e
      }
    }
  }

  // Somebody else saved meanwhile: nothing is lost on either side.
  async function conflict() {
    let theirs
    try {
      theirs = await get(base)
    } catch (e) {
      if (e.status !== 404) throw e
      theirs = { text: '', version: 0, changed: null, changed_by: '' }
    }
    const take = h('button', { type: 'button', onclick: () => {
      a.input.value = theirs.text
      a.redraw()
      version = theirs.version
      saved = theirs.text
      file = { ...file, ...theirs }
      sessionStorage.removeItem(key)
      about()
      fill(place)
      check()
    } }, _('Take theirs'))
    const mine = h('button', { type: 'button', class: 'danger' }, _('Save mine over it'))
    mine.addEventListener('click', () => busy(mine, () => save(theirs.version), place))
    const n = notice('warn', _('It has changed in the meantime.'), theirs.version
      ? _('{who} saved version {n} on {time}. Yours is not saved yet.', { who: theirs.changed_by, n: number(theirs.version), time: time(theirs.changed) })
      : _('Somebody deleted the file. Yours is not saved yet.'), [
      theirs.version > 0 && h('details', null, h('summary', null, _('Look at theirs')), h('pre', { tabindex: '0' }, theirs.text)),
      h('div.row', null, theirs.version > 0 && take, mine)])
    n.setAttribute('role', 'alert')
    fill(place, n)
  }

  // ---- testing and replaying ----
  const show = (title, ...content) => {
    fill(results, h('section.card', null, h('h2', null, title), content))
    results.focus({ preventScroll: true })
    results.scrollIntoView({ block: 'nearest' })
  }
  const test = async () => {
    const r = await post(`${tenantPath(tenant)}/policy/test`, { name, text: a.input.value })
    const wrong = r.problems.filter((p) => !p.warning)
    show(_('Test'), wrong.length
      ? [notice('bad', n_('{n} case went wrong.', '{n} cases went wrong.', wrong.length)), problemList(wrong, name, a.goTo)]
      : notice('good', n_('{n} case, and it went as the rules say.', '{n} cases, and all went as the rules say.', r.cases)))
  }
  const replay = async () => {
    show(_('Replay'), h('p.muted', null, _('Judging again what was seen in the last 30 days …')))
    const r = await post(`${tenantPath(tenant)}/policy/replay`, { name, text: a.input.value, days: 30 })
    show(_('Replay'), replayTable(r))
  }
  const guarded = (act) => async () => {
    try {
      await act()
    } catch (e) {
      fill(results)
      if (e.error?.code !== 'bad_policy') throw e
      showProblems({ problems: e.error.problems ?? [], rules: 0 })
      show(_('Not possible yet'), notice('bad', e.message))
    }
  }

  // ---- versions ----
  const versions = async () => {
    const { items } = await get(`${base}/versions`)
    show(_('Versions'), items.length
      ? table(_('Versions'), [
        [_('Version'), (v) => h('span.name', null, number(v.version), v.version === version && ` ${_('(now)')}`), { lead: true }],
        [_('Saved'), (v) => [time(v.changed), h('span.sub', null, v.changed_by)]],
        [_('Text'), (v) => h('button.link', { type: 'button', 'aria-label': _('Look at version {n}', { n: number(v.version) }), onclick: () => look(v) }, _('Look'))],
        ['', (v) => may && v.version !== version && button(_('Restore'), () => restore(v), { place, label: _('Restore version {n}', { n: number(v.version) }) })],
      ], items)
      : empty('list', _('It has no version yet.')))
  }
  const look = (v) => dialog(_('Version {n}', { n: number(v.version) }), (close) => [h('pre', { tabindex: '0' }, v.text ?? _('It was deleted.')), h('div.row', null, h('button.primary', { type: 'button', onclick: () => close() }, _('Close')))])
  const restore = async (v) => {
    if (!await confirm(_('Restore version {n}?', { n: number(v.version) }), _('Its text becomes a new version, which counts at once. The one of now stays among the versions.'), _('Restore'),
      () => post(`${base}/restore`, { from: v.version, version }), { kind: 'primary' })) return
    sessionStorage.removeItem(key)
    toast(_('Restored'))
    await context.reload()
  }
  const remove = async () => {
    if (!await confirm(_('Delete this file?'), _('Its rules stop at once. What they found stays. Earlier versions can be restored.'), _('Delete'), () => del(base, { version }))) return
    sessionStorage.removeItem(key)
    toast(_('Deleted'))
    await context.go(back.href)
  }

  fill(main, head(name, { back, lead: tenant === EVERYBODY ? _('Counts for all companies.') : tenant }),
    h('div.stack', null,
      draft && text !== saved && draftNotice(),
      h('div.row', null,
        may && button(_('Save'), () => save(), { kind: 'primary', place }),
        may && button(_('Test'), guarded(test), { place, image: 'check' }),
        may && tenant !== EVERYBODY && button(_('Replay'), guarded(replay), { place, image: 'wait' }),
        button(_('Versions'), versions, { place, image: 'list' }),
        may && file.version > 0 && button(_('Delete'), remove, { place, kind: 'danger' })),
      place,
      h('div.writing', null, h('section', { 'aria-label': _('Text of the file') }, a.element, facts),
        h('section.card', { 'aria-label': _('Problems') }, h('h2', null, _('Problems')), status, problems)),
      results))

  function draftNotice() {
    const n = notice('warn', _('Not saved yet'), _('What you wrote here earlier is back. The saved text is another one.'), h('div.row', null, h('button', { type: 'button', onclick: () => {
      a.input.value = saved
      a.redraw()
      sessionStorage.removeItem(key)
      n.remove()
      check()
    } }, _('Drop it'))))
    return n
  }

  if (may) await check()
  const line = Number(params.get('line'))
  if (line) setTimeout(() => a.goTo(line, 1), 0)
}
