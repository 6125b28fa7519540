// Findings and the quarantine.
import { download, get, post, query } from './api.js'
import { h, fill } from './dom.js'
import { actionState, date, providerName, reasonText, serviceName, size, time, verdict } from './format.js'
import { _ } from './i18n.js'
import { button, confirm, copyable, dialog, empty, field, head, notice, pages, pairs, state, table, toast } from './ui.js'

function filters(params, apply) {
  const f = h('form.filters', { role: 'search', onsubmit: (e) => { e.preventDefault(); apply(Object.fromEntries(new FormData(f))) } },
    field(_('Search'), 'search', { type: 'search', value: params.search ?? '', class: 'wide', placeholder: _('Name, folder, owner or subject') }),
    field(_('Verdict'), 'verdict', { value: params.verdict ?? '', choices: [['', _('All')], ['threat', _('Threat')], ['unknown', _('Could not be judged')]] }),
    field(_('Cloud'), 'provider', { value: params.provider ?? '', choices: [['', _('All')], ...['microsoft', 'google', 'box', 'dropbox'].map((p) => [p, providerName(p)])] }))
  f.addEventListener('change', () => f.requestSubmit())
  return f
}

function title(f) {
  return f.mail?.subject || f.item.name || _('(no name)')
}

function what(f) {
  const names = [...new Set(f.verdict.threats.map((t) => t.name))]
  if (!names.length) return reasonText(f.verdict.reason ?? '')
  return names.length > 1 ? _('{name} and {n} more', { name: names[0], n: names.length - 1 }) : names[0]
}

function rows(items) {
  return h('div.card.flush', null, table(_('Findings'), [
    [_('Item'), (f) => [h('a.name', { href: `/findings/${encodeURIComponent(f.id)}` }, title(f)), h('span.sub', null, [f.item.path, f.item.owner].filter(Boolean).join(' · '))], { lead: true }],
    [_('Service'), (f) => h('span.nowrap', null, serviceName(f.service))],
    [_('Verdict'), (f) => [state(verdict(f.verdict.status)), h('span.sub', null, what(f))]],
    [_('What was done'), (f) => state(actionState(f.action.state))],
    [_('When'), (f) => h('span.nowrap', null, time(f.times.verdict))],
    [_('Company'), (f) => f.tenant],
  ], items))
}

async function show(main, context, held) {
  const params = Object.fromEntries(new URLSearchParams(location.search))
  const here = held ? '/quarantine' : '/findings'
  const none = held ? empty('shield', _('Nothing is in quarantine.')) : empty('shield', _('Nothing was found yet. That is good news as long as the connections work.'))
  const view = pages((next) => get(`/findings${query({ ...params, held: held ? 1 : '', next })}`), rows, h('div.card', null,
    Object.keys(params).length ? empty('search', _('No finding fits.'), h('a.button', { href: here }, _('Show all'))) : none))
  fill(main, head(held ? _('Quarantine') : _('Findings'), { lead: held ? _('What was taken out of reach, and can be given back.') : _('What was found, and what was done about it. The newest first.') }),
    h('p.row', null, h('a.button', { href: `/api/v1/findings.csv${query({ ...params, held: held ? 1 : '' })}`, download: 'findings.csv' }, _('Save as a table (CSV)'))),
    filters(params, (v) => context.go(`${here}${query({ ...v, connection: params.connection, tenant: params.tenant })}`)), view.element)
  await view.start()
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

export async function detail(main, context, id) {
  const f = await get(`/findings/${encodeURIComponent(id)}`)
  if (!context.current()) return
  const held = ['done', 'failed'].includes(f.action.state) && f.action.kind === 'quarantine'
  const may = context.session.may.hold
  const place = h('div.stack')
  fill(main, head(title(f), {
    back: { href: held ? '/quarantine' : '/findings', text: held ? _('Quarantine') : _('Findings') },
    actions: may && held && [
      button(_('Give back'), () => restore(f, context.reload), { kind: 'primary' }),
      button(_('Download'), () => save(f), { image: 'down', place }),
      button(_('Delete'), () => remove(f, context.reload), { kind: 'danger' }),
    ],
  }), h('div.stack', null, place, h('div.cols', null,
    h('section.card', null, h('h2', null, _('Verdict')), pairs([
      [_('Verdict'), state(verdict(f.verdict.status))],
      [_('Found'), f.verdict.threats.length > 0 && h('ul', null, f.verdict.threats.map((t) => h('li', null, h('code', null, t.name), t.part && ` ${_('in {part}', { part: t.part })}`)))],
      [_('Reason'), f.verdict.reason && reasonText(f.verdict.reason)],
      [_('What was done'), state(actionState(f.action.state))],
      [_('Error'), f.action.error],
      [_('Judged'), time(f.times.verdict)],
      [_('Contained'), time(f.times.contained)],
      [_('Restored'), time(f.times.restored)],
    ]), h('details', null, h('summary', null, _('Technical details')), pairs([[_('Engine'), f.verdict.engine], [_('Signatures'), f.verdict.signatures], [_('Finding'), h('code', null, f.id)]]))),
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
    ])))))
}
