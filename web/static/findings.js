// Findings and the quarantine.
import { download, get, post, query } from './api.js'
import { h, fill } from './dom.js'
import { actionName, actionState, date, detectorName, modeName, providerName, reasonText, serviceName, severity, size, time, verdict } from './format.js'
import { _, n_, number } from './i18n.js'
import { judge } from './lists.js'
import { tenantPath } from './policy.js'
import { button, confirm, copyable, dialog, empty, field, head, notice, pages, pairs, state, table, toast } from './ui.js'

function filters(params, apply) {
  const f = h('form.filters', { role: 'search', onsubmit: (e) => { e.preventDefault(); apply(Object.fromEntries(new FormData(f))) } },
    field(_('Search'), 'search', { type: 'search', value: params.search ?? '', class: 'wide', placeholder: _('Name, folder, owner or subject') }),
    field(_('Verdict'), 'verdict', { value: params.verdict ?? '', choices: [['', _('All')], ['threat', _('Threat')], ['unknown', _('Could not be judged')], ['clean', _('Only a rule matched')]] }),
    field(_('Cloud'), 'provider', { value: params.provider ?? '', choices: [['', _('All')], ...['microsoft', 'google', 'box', 'dropbox'].map((p) => [p, providerName(p)])] }))
  f.addEventListener('change', () => f.requestSubmit())
  return f
}

function title(f) {
  return f.mail?.subject || f.item.name || _('(no name)')
}

// Titles of rules by company and id, in the reader's language; a rule that is not there any more keeps its id.
async function ruleTitles(tenants) {
  const all = await Promise.all([...new Set(tenants)].map((t) => get(`${tenantPath(t)}/rules`).then((r) => r.items.map((i) => [`${t} ${i.id}`, i]), () => [])))
  const map = new Map(all.flat())
  return (tenant, id) => map.get(`${tenant} ${id}`)?.title ?? id
}

// A mail or file without malware is here because a rule matched: said so, for "clean" alone would mislead.
function judged(f) {
  return f.verdict.status === 'clean' && f.rules.length ? [_('A rule matched'), 'warn', 'rules'] : verdict(f.verdict.status)
}

function what(f, ruleTitle) {
  const threats = f.verdict.threats.map((t) => t.name)
  const names = [...new Set(threats.length || (f.verdict.status !== 'clean' && f.verdict.reason) ? threats : f.rules.map((r) => ruleTitle(f.tenant, r.id)))]
  if (!names.length) return reasonText(f.verdict.reason ?? '')
  return names.length > 1 ? _('{name} and {n} more', { name: names[0], n: names.length - 1 }) : names[0]
}

function rows(items, ruleTitle) {
  return h('div.card.flush', null, table(_('Findings'), [
    [_('Item'), (f) => [h('a.name', { href: `/findings/${encodeURIComponent(f.id)}` }, title(f)), h('span.sub', null, [f.item.path, f.item.owner].filter(Boolean).join(' · '))], { lead: true }],
    [_('Service'), (f) => h('span.nowrap', null, serviceName(f.service))],
    [_('Verdict'), (f) => [state(judged(f)), h('span.sub', null, what(f, ruleTitle))]],
    [_('What was done'), (f) => state(actionState(f.action))],
    [_('When'), (f) => h('span.nowrap', null, time(f.times.verdict))],
    [_('Company'), (f) => f.tenant],
  ], items))
}

async function show(main, context, held) {
  const params = Object.fromEntries(new URLSearchParams(location.search))
  const here = held ? '/quarantine' : '/findings'
  const none = held ? empty('shield', _('Nothing is in quarantine.')) : empty('shield', _('Nothing was found yet. That is good news as long as the connections work.'))
  let ruleTitle = (tenant, id) => id
  const load = async (next) => {
    const page = await get(`/findings${query({ ...params, held: held ? 1 : '', next })}`)
    ruleTitle = await ruleTitles([...page.items.filter((f) => f.rules.length).map((f) => f.tenant), ...(params.rule && params.tenant ? [params.tenant] : [])])
    return page
  }
  const chosen = h('div')
  const view = pages(load, (items) => rows(items, ruleTitle), h('div.card', null,
    Object.keys(params).length ? empty('search', _('No finding fits.'), h('a.button', { href: here }, _('Show all'))) : none))
  fill(main, head(held ? _('Quarantine') : _('Findings'), { lead: held ? _('What was taken out of reach, and can be given back.') : _('What was found, and what was done about it. The newest first.') }),
    h('p.row', null, h('a.button', { href: `/api/v1/findings.csv${query({ ...params, held: held ? 1 : '' })}`, download: 'findings.csv' }, _('Save as a table (CSV)'))),
    filters(params, (v) => context.go(`${here}${query({ ...v, connection: params.connection, tenant: params.tenant, rule: params.rule })}`)), chosen, view.element)
  await view.start()
  if (params.rule) {
    fill(chosen, h('p.row', null, h('span', null, _('Only matches of “{title}”', { title: ruleTitle(params.tenant ?? '', params.rule) })),
      h('a.button', { href: `${here}${query({ ...params, rule: '' })}` }, _('Show all'))))
  }
}

export const list = (main, context) => show(main, context, false)
export const quarantine = (main, context) => show(main, context, true)

function listOf(items) {
  return h('ul', null, items.map((t) => h('li', null, t)))
}

async function restore(f, reload) {
  let result
  const done = await confirm(_('Give it back?'), [
    h('p', null, _('“{name}” goes back to where it was, with its labels and sharing. The same content of this item will not be contained again.', { name: title(f) })),
    f.verdict.status === 'threat' && notice('warn', _('It was judged a threat.'), _('Give it back only if you are sure that this was a mistake.')),
  ], _('Give it back'), async () => { result = await post(`/findings/${encodeURIComponent(f.id)}/restore`) }, { kind: 'primary' })
  if (!done) return
  if (result.not_restored?.length) await dialog(_('What could not be brought back'), (close) => [listOf(result.not_restored.map(String)), h('div.row', null, h('button.primary', { type: 'button', onclick: () => close() }, _('Close')))])
  toast(_('It is being given back'))
  await reload()
}

async function remove(f, reload) {
  const done = await confirm(_('Delete it for good?'), _('“{name}” is deleted at the provider. This cannot be undone.', { name: title(f) }), _('Delete'), () => post(`/findings/${encodeURIComponent(f.id)}/delete`))
  if (!done) return
  toast(_('It is being deleted'))
  await reload()
}

async function save(f) {
  const { name, password } = await download('POST', `/findings/${encodeURIComponent(f.id)}/download`)
  await dialog(_('Saved as {name}', { name }), (close) => [
    h('p', null, _('The file is an encrypted ZIP, so that nothing opens it by accident. Its password, shown only now:')),
    copyable(password, _('Password')),
    notice('warn', null, _('Open it only where it can do no harm. This look was written to the audit trail.')),
    h('div.row', null, h('button.primary', { type: 'button', onclick: () => close() }, _('Close'))),
  ])
}

const MARKS = { tag: 1, unshare: 1, block: 1 } // what takes nothing away, and can be taken back

async function takeBack(f, reload) {
  const words = { tag: _('The mark is taken off again.'), unshare: _('The sharing is put back as it was.'), block: _('The message is shown again.') }
  if (!await confirm(_('Take it back?'), words[f.action.kind], _('Take it back'), () => post(`/findings/${encodeURIComponent(f.id)}/restore`), { kind: 'primary' })) return
  toast(_('It is being taken back'))
  await reload()
}

// Why it is here: each rule that matched, with what it would do.
function rulesCard(f, ruleTitle) {
  if (!f.rules.length) return null
  return h('section.card.flush', { 'aria-labelledby': 'matched' }, h('h2', { id: 'matched' }, _('Rules that matched')),
    h('ul.list', null, f.rules.map((r) => h('li', null,
      h('div.row.between', null, h('a.name', { href: `/policy${query({ tenant: f.tenant, rule: r.id })}` }, ruleTitle(f.tenant, r.id)), r.severity && state(severity(r.severity))),
      h('p.small.muted', null, [r.mode && _('Mode: {mode}', { mode: modeName(r.mode) }), r.action && _('Does: {action}', { action: actionName(r.action) })].filter(Boolean).join(' · ')),
      r.why && h('p.small', null, h('code', null, r.why))))))
}

function partFacts(p) {
  return [p.type, p.size > 0 && size(p.size), p.encrypted && (p.opened ? _('encrypted, opened with a known password') : _('encrypted')), p.macros && _('has macros'), p.executable && _('a program'),
    p.mismatch && _('the name tells another type'), p.double_extension && _('double extension'), p.rtl_override && _('the name is written backwards')].filter(Boolean)
}

// The parts as they lie in one another. What is zero is left out of recorded facts: a part without a parent lies in the first one.
function partTree(parts, hits, parent) {
  const own = parts.map((p, i) => [p, i]).filter(([p, i]) => (i ? p.parent ?? 0 : -1) === parent)
  if (!own.length) return null
  return h('ul.tree', null, own.map(([p, i]) => h('li', null, h('span.name', null, p.name || _('(no name)')), h('span.sub', null, partFacts(p).join(' · ')),
    hits.filter((x) => (x.part ?? 0) === i).map((x) => h('span.sub', null, `${detectorName(x.detector)} × ${number(x.count ?? 1)} `, x.masked && h('code', null, x.masked))),
    i > parent && partTree(parts, hits, i))))
}

function contentCard(facts) {
  const parts = facts.parts ?? []
  const hits = facts.hits ?? []
  const links = facts.links ?? []
  if (!parts.length && !hits.length && !links.length) return null
  const loose = hits.filter((x) => !parts[x.part ?? 0])
  return h('section.card', { 'aria-labelledby': 'content' }, h('h2', { id: 'content' }, _('What was inside')),
    partTree(parts, hits, -1),
    facts.parts_seen > parts.length && h('p.small.muted', null, n_('{n} part is not shown.', '{n} parts are not shown.', facts.parts_seen - parts.length)),
    loose.length > 0 && h('ul', null, loose.map((x) => h('li', null, `${detectorName(x.detector)} × ${number(x.count ?? 1)} `, x.masked && h('code', null, x.masked)))),
    links.length > 0 && [h('h3', null, _('Links')), h('ul', null, links.map((l) => h('li', null, h('code', null, l.url || l.host), h('span.sub', null, [
      l.text && _('shown as “{text}”', { text: l.text }), l.mismatch && _('leads elsewhere than it says'), l.lookalike_of && _('looks like {domain}', { domain: l.lookalike_of }), l.listed && _('on the list {list}', { list: l.listed }),
      l.shortener && _('a shortener'), l.ip_address && _('a bare address')].filter(Boolean).join(' · ')))))])
}

function copiesCard(f, copies) {
  if (!copies.length) return null
  return h('section.card.flush', { 'aria-labelledby': 'copies' }, h('h2', { id: 'copies' }, _('The same content elsewhere')),
    h('ul.list', null, copies.map((k) => h('li', null, k.finding ? h('a.name', { href: `/findings/${encodeURIComponent(k.finding)}` }, k.name || _('(no name)')) : h('span.name', null, k.name || _('(no name)')),
      h('span.sub', null, [serviceName(k.service), k.owner, k.path, time(k.seen)].filter(Boolean).join(' · '))))))
}

// What of a finding may go onto a list.
function candidates(f, facts) {
  const from = /<?([^\s<>"]+@[^\s<>"]+?)>?$/.exec(f.mail?.from ?? '')?.[1]?.toLowerCase()
  const domain = facts.mail?.from_domain || from?.split('@')[1]
  return [
    from && ['sender', facts.mail?.from || from], domain && ['domain', domain], f.item.sha256 && ['hash', f.item.sha256],
    ...[...new Set((facts.links ?? []).map((l) => l.host).filter(Boolean))].slice(0, 5).map((host) => ['link', host]),
  ].filter(Boolean)
}

async function onList(f, values, approve, context) {
  if (!await judge(f.tenant, values, approve, context)) return
  toast(approve ? _('Approved') : _('Blocked'))
}

export async function detail(main, context, id) {
  const f = await get(`/findings/${encodeURIComponent(id)}`)
  const [ruleTitle, more] = await Promise.all([f.rules.length ? ruleTitles([f.tenant]) : (tenant, rule) => rule, get(`/findings/${encodeURIComponent(id)}/facts`)])
  if (!context.current()) return
  const stands = ['done', 'failed'].includes(f.action.state)
  const held = stands && ['quarantine', 'replace'].includes(f.action.kind)
  const may = context.session.may.hold
  const place = h('div.stack')
  const values = candidates(f, more.facts ?? {})
  fill(main, head(title(f), {
    back: { href: held ? '/quarantine' : '/findings', text: held ? _('Quarantine') : _('Findings') },
    actions: may && [
      held && button(_('Give back'), () => restore(f, context.reload), { kind: 'primary' }),
      held && button(_('Download'), () => save(f), { image: 'down', place }),
      held && button(_('Delete'), () => remove(f, context.reload), { kind: 'danger' }),
      stands && MARKS[f.action.kind] && button(_('Take back'), () => takeBack(f, context.reload), { kind: 'primary' }),
      values.length > 0 && button(_('Approve …'), () => onList(f, values, true, context), { image: 'check' }),
      values.length > 0 && button(_('Block …'), () => onList(f, values, false, context), { image: 'bad' }),
    ],
  }), h('div.stack', null, place, h('div.cols', null,
    h('section.card', null, h('h2', null, _('Verdict')), pairs([
      [_('Verdict'), state(judged(f))],
      [_('Found'), f.verdict.threats.length > 0 && h('ul', null, f.verdict.threats.map((t) => h('li', null, h('code', null, t.name), t.part && ` ${_('in {part}', { part: t.part })}`)))],
      [_('Reason'), f.verdict.reason && reasonText(f.verdict.reason)],
      [_('What was done'), state(actionState(f.action))],
      [_('Error'), f.action.error],
      [_('Judged'), time(f.times.verdict)],
      [_('Contained'), time(f.times.contained)],
      [_('Restored'), time(f.times.restored)],
    ]), f.verdict.status === 'clean' && h('p', null, _('No malware was found in it. It is here because of the rules below.')),
    h('details', null, h('summary', null, _('Technical details')), pairs([[_('Engine'), f.verdict.engine], [_('Signatures'), f.verdict.signatures], [_('Finding'), h('code', null, f.id)]]))),
    h('section.card', null, h('h2', null, f.mail ? _('Message') : _('File')), pairs([
      [_('Subject'), f.mail?.subject],
      [_('From'), f.mail?.from],
      [_('To'), f.mail?.to],
      [_('Received'), f.mail && time(f.mail.received)],
      [_('Name'), !f.mail && f.item.name],
      [_('Folder'), f.item.path || f.stream],
      [_('Owner'), f.item.owner],
      [_('Service'), serviceName(f.service)],
      [_('Size'), f.item.size === null ? '' : size(f.item.size)],
      [_('Changed'), date(f.times.changed)],
      ['SHA-256', f.item.sha256 && h('code', null, f.item.sha256)],
      [_('Connection'), h('a', { href: `/connections/${encodeURIComponent(f.connection)}` }, f.connection)],
      [_('Company'), f.tenant],
    ]))), rulesCard(f, ruleTitle), contentCard(more.facts ?? {}), copiesCard(f, more.copies)))
}
