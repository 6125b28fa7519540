// What is looked for and what is done about it: every rule with its three-way switch, the files they come from, and what the
// company allows.
import { get, patch, post, query } from './api.js'
import { h, fill } from './dom.js'
import { actionName, categoryName, date, modeName, severity, time } from './format.js'
import { _, n_, number, sentences } from './i18n.js'
import { busy, dialog, empty, failure, field, form, head, notice, pairs, say, state, table, tag, toast } from './ui.js'

export const EVERYBODY = '*' // in place of a company: the operator's own files, which count for all

const CATEGORIES = ['malware', 'file', 'encrypted', 'data', 'link', 'sender', 'sharing', 'teams', 'unknown']

const about = () => ({
  malware: _('What the virus scanner finds, and what it could not open.'),
  file: _('Programs, macros and names that pretend to be something else.'),
  encrypted: _('Archives with a password, which the scanner may be unable to open.'),
  data: _('Personal numbers, cards, keys and words that should not leave the company.'),
  link: _('Addresses in mails and files that lead elsewhere than they say.'),
  sender: _('Mails whose sender pretends to be somebody else.'),
  sharing: _('Files that people outside, or everybody, can open.'),
  teams: _('Messages in chats and channels.'),
})

// Rules about chats are of several kinds; people look for them under Teams.
function categoryOf(rule) {
  const c = rule.id.startsWith('teams.') ? 'teams' : rule.category
  return CATEGORIES.includes(c) ? c : 'unknown'
}

// The companies that one may look at, and which one the address names. Shows a choice when there are several.
export async function chooseTenant(context, path, { everybody = false } = {}) {
  const { items } = await get('/tenants?limit=200')
  const wanted = new URLSearchParams(location.search).get('tenant')
  const list = items.map((t) => [t.id, t.name || t.id])
  if (everybody && context.session.may.manage) list.push([EVERYBODY, _('All companies (files of the operator)')])
  const id = list.some(([v]) => v === wanted) ? wanted : list[0]?.[0] ?? null
  const choice = list.length > 1 && field(_('Company'), 'tenant', { value: id, choices: list, class: 'pick', onchange: (e) => context.go(`${path}${query({ tenant: e.target.value })}`) })
  return { id, name: list.find(([v]) => v === id)?.[1], choice }
}

export const tenantPath = (tenant) => `/tenants/${encodeURIComponent(tenant)}`

// ---- one rule ----

// What it did, or would have done: the answer of a replay, in words and with examples.
export function touched(result) {
  if (!result.touched) return [h('p', null, n_('In the last {days} days this would have touched none of {n} item that was looked at.', 'In the last {days} days this would have touched none of {n} items that were looked at.', result.seen, { days: number(result.days) }))]
  return [
    h('p.say', null, n_('In the last {days} days this would have touched {n} item.', 'In the last {days} days this would have touched {n} items.', result.touched, { days: number(result.days) })),
    h('p.muted.small', null, n_('{n} item was looked at.', '{n} items were looked at.', result.seen)),
    examples(result.examples),
    result.examples.length < result.touched && h('p.muted.small', null, _('These are the newest of them.')),
  ]
}

export function examples(list) {
  if (!list.length) return null
  return h('ul.examples', null, list.map((e) => h('li', null,
    e.finding ? h('a.name', { href: `/findings/${encodeURIComponent(e.finding)}` }, e.name || _('(no name)')) : h('span.name', null, e.name || _('(no name)')),
    h('span.sub', null, [e.owner, e.path, time(e.time)].filter(Boolean).join(' · ')),
    e.why && h('span.sub', null, h('code', null, e.why)))))
}

async function confirmProtect(tenant, rule) {
  const place = h('div.stack', { 'aria-live': 'polite' }, h('p.muted', null, _('Looking at what was seen in the last 30 days …')))
  return dialog(_('Protect with “{title}”?', { title: rule.title }), (close) => {
    const errors = h('div.stack')
    const go = h('button', { type: 'button', class: 'primary', disabled: true }, _('Protect'))
    go.addEventListener('click', () => busy(go, async () => close(await patch(`${tenantPath(tenant)}/rules/${encodeURIComponent(rule.id)}`, { mode: 'protect', was: rule.mode })), errors))
    post(`${tenantPath(tenant)}/policy/replay`, { rule: rule.id, mode: 'protect', days: 30 }).then((r) => {
      fill(place, touched(r))
      go.disabled = false
    }, (e) => {
      fill(place, failure(e), h('p', null, _('How many items it would have touched is not known.')))
      go.disabled = false
    })
    return [h('p', null, _('From now on: {action}.', { action: actionName(rule.action) })), place, errors,
      h('div.row', null, h('button', { type: 'button', onclick: () => close(), autofocus: true }, _('Cancel')), go)]
  })
}

function modeSwitch(tenant, rule, may, changed) {
  if (!may) return state([modeName(rule.mode), { protect: 'good', monitor: 'accent' }[rule.mode] ?? '', { protect: 'shield', monitor: 'eye' }[rule.mode] ?? 'off'])
  const place = h('div.stack.small')
  const inputs = ['off', 'monitor', 'protect'].map((m) => h('input', { type: 'radio', name: `mode-${rule.id}`, value: m, checked: m === rule.mode }))
  const set = (m) => inputs.forEach((i) => { i.checked = i.value === m })
  const choose = async (mode) => {
    place.replaceChildren()
    inputs.forEach((i) => { i.disabled = true })
    try {
      const answer = mode === 'protect'
        ? await confirmProtect(tenant, rule)
        : await patch(`${tenantPath(tenant)}/rules/${encodeURIComponent(rule.id)}`, { mode, was: rule.mode })
      if (answer) {
        rule.mode = mode
        toast(_('“{title}” is set to {mode}', { title: rule.title, mode: modeName(mode) }))
        changed()
      }
    } catch (e) {
      place.append(failure(e))
    } finally {
      set(rule.mode)
      inputs.forEach((i) => { i.disabled = false })
      inputs.find((i) => i.checked)?.focus({ preventScroll: true })
    }
  }
  for (const i of inputs) i.addEventListener('change', () => choose(i.value))
  return h('div.modes-place', null,
    h('fieldset.modes', null, h('legend.visually-hidden', null, _('Mode of “{title}”', { title: rule.title })),
      inputs.map((i) => h('label', null, i, h('span', null, modeName(i.value))))), place)
}

function matches(rule, tenant) {
  if (!rule.matches) return h('span.muted', null, _('no match in 30 days'))
  return h('a', { href: `/findings${query({ rule: rule.id, tenant })}` }, n_('{n} match in 30 days', '{n} matches in 30 days', rule.matches))
}

function ruleItem(rule, tenant, may, changed) {
  return h('li.rule', { id: `rule-${rule.id}` },
    h('div.what', null,
      h('h3', null, rule.title),
      rule.description && h('p', null, rule.description),
      h('p.facts-line', null, state(severity(rule.severity)), h('span', null, _('Does: {action}', { action: actionName(rule.action) }), rule.tag && [' ', tag(rule.tag)]), matches(rule, tenant)),
      h('details', null, h('summary', null, _('More')), pairs([
        [_('Rule'), h('code', null, rule.id)],
        [_('From'), rule.own ? h('a', { href: `/policy/${encodeURIComponent(rule.file)}${query({ tenant: rule.own, line: rule.line })}` }, rule.file) : rule.file],
        [_('Notifies'), rule.notify],
        [_('As its file says'), modeName(rule.file_mode)],
        [_('Set by'), rule.changed_by && `${rule.changed_by}, ${time(rule.changed)}`],
      ]))),
    modeSwitch(tenant, rule, may, changed))
}

// ---- the page ----

function summary(rules) {
  const n = (m) => rules.filter((r) => r.mode === m).length
  return sentences(n_('{n} rule protects,', '{n} rules protect,', n('protect')), n_('{n} only monitors,', '{n} only monitor,', n('monitor')), n_('{n} is off.', '{n} are off.', n('off')))
}

function newFile(tenant, files, go) {
  return dialog(_('A new rule file'), (close) => form(
    field(_('Name'), 'name', { required: true, maxlength: 60, pattern: '[A-Za-z0-9][A-Za-z0-9_\\-.]*', placeholder: 'invoices.yaml', hint: _('Letters, digits, hyphens and dots, such as invoices.yaml.') }),
    _('Write it'), async (v) => {
      const name = /\.ya?ml$/.test(v.name) ? v.name : `${v.name}.yaml`
      close()
      await go(`/policy/${encodeURIComponent(name)}${query({ tenant, new: files.some((f) => f.name === name) ? '' : 1 })}`)
    }, { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) }))
}

function filesCard(files, tenant, may, context) {
  const list = files.length
    ? table(_('Rule files'), [
      [_('File'), (f) => h('a.name', { href: `/policy/${encodeURIComponent(f.name)}${query({ tenant: f.tenant })}` }, f.name), { lead: true }],
      [_('Version'), (f) => number(f.version), { number: true }],
      [_('Changed'), (f) => [date(f.changed), h('span.sub', null, f.changed_by)]],
    ], files)
    : empty('rules', _('No rules of your own yet. The rules above are shipped with sekisho.'))
  return h('section.card.flush', { 'aria-labelledby': 'files' },
    h('div.row.between', null, h('h2', { id: 'files' }, _('Rule files')), may && h('button', { type: 'button', onclick: () => newFile(tenant, files, context.go) }, _('New file'))), list)
}

function allowCard(tenant, answer, may) {
  const place = h('div.stack')
  const words = h('p', { id: 'delete-now' })
  const b = h('button', { type: 'button', 'aria-describedby': 'delete-now' })
  const show = () => {
    words.textContent = answer.may_delete ? _('Allowed: a rule with the action “delete” deletes at the provider, for good.') : _('Not allowed: where a rule says “delete”, the item goes into quarantine.')
    b.textContent = answer.may_delete ? _('Forbid deleting') : _('Allow deleting')
  }
  b.addEventListener('click', () => busy(b, async () => {
    const want = !answer.may_delete
    const change = () => patch(`${tenantPath(tenant)}/policy`, { may_delete: want })
    if (want) {
      const done = await dialog(_('Allow rules to delete?'), (close) => {
        const errors = h('div.stack')
        const yes = h('button', { type: 'button', class: 'danger' }, _('Allow deleting'))
        yes.addEventListener('click', () => busy(yes, async () => { await change(); close(true) }, errors))
        return [h('p', null, _('What a rule deletes cannot be given back.')), errors, h('div.row', null, h('button', { type: 'button', onclick: () => close(), autofocus: true }, _('Cancel')), yes)]
      })
      if (!done) return
    } else {
      await change()
    }
    answer.may_delete = want
    show()
    toast(_('Saved'))
  }, place))
  show()
  return h('section.card', null, h('h2', null, _('Deleting')), words, place, may && h('div.row', null, b))
}

export async function rules(main, context) {
  const tenant = await chooseTenant(context, '/policy', { everybody: true })
  if (!tenant.id) {
    fill(main, head(_('Policy')), h('div.card', null, empty('building', _('No company yet.'))))
    return
  }
  const own = tenant.id !== EVERYBODY
  const [answer, files] = await Promise.all([get(`${tenantPath(tenant.id)}/rules`), get(`${tenantPath(tenant.id)}/policies`)])
  if (!context.current()) return
  const may = context.session.may.policy
  const line = h('p', { role: 'status' })
  const count = () => { line.textContent = summary(answer.items) }
  count()
  const shown = new Set()
  const groups = CATEGORIES.map((c) => [c, answer.items.filter((r) => categoryOf(r) === c)]).filter(([, list]) => list.length)
  fill(main, head(_('Policy'), { lead: _('What is looked for, and what is done about it. Monitor first: it reports and changes nothing.') }),
    tenant.choice,
    h('div.stack', null,
      own && h('div.card.row.between', null, line, h('nav.row.small', { 'aria-label': _('Kinds of rules') }, groups.map(([c, list]) => h('a', { href: `#${c}`, onclick: (e) => { e.preventDefault(); jump(`group-${c}`) } }, `${categoryName(c)} (${number(list.length)})`)))),
      answer.problems.length > 0 && notice('warn', _('Some rules have a problem.'), null, h('ul', null, answer.problems.map((p) => h('li', null, `${p.file}:${p.line}:${p.column} `, p.text)))),
      groups.map(([c, list]) => h('section.card.flush', { id: `group-${c}`, tabindex: '-1', 'aria-label': categoryName(c) },
        h('h2', null, categoryName(c)), about()[c] && h('p.muted.lead-in', null, about()[c]),
        h('ul.list', null, list.map((r) => {
          shown.add(r.id)
          return ruleItem(r, tenant.id, may && own, count)
        })))),
      filesCard(files.items, tenant.id, may, context),
      own && allowCard(tenant.id, answer, may)))
  const wanted = new URLSearchParams(location.search).get('rule')
  if (wanted && shown.has(wanted)) setTimeout(() => jump(`rule-${wanted}`), 0)
}

function jump(id) {
  const e = document.getElementById(id)
  if (!e) return
  e.setAttribute('tabindex', '-1')
  e.scrollIntoView({ block: 'start' })
  e.focus({ preventScroll: true })
  say(e.querySelector('h2, h3')?.textContent ?? '')
}
