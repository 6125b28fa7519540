// What a company approves and blocks, its passwords for archives, the domains it protects and its executives.
import { del, get, post, query } from './api.js'
import { h, fill } from './dom.js'
import { date, listKind, time } from './format.js'
import { _ } from './i18n.js'
import { chooseTenant, tenantPath } from './policy.js'
import { button, confirm, dialog, empty, field, form, head, radio, state, table, toast } from './ui.js'

// Kinds that are approved or blocked; the others are only added.
const JUDGED = ['sender', 'domain', 'hash', 'link']
export const KINDS = [...JUDGED, 'password', 'protected', 'person']

const hints = () => ({
  sender: _('An address, such as ken@example.jp.'),
  domain: _('A domain, such as example.jp. It counts for the domains below it, too.'),
  hash: _('The SHA-256 of the content: 64 characters.'),
  link: _('Host and path, such as example.jp/login.'),
  password: _('Tried on archives with a password. It is kept encrypted and never shown again.'),
  protected: _('A domain of a partner or of your own: mails and links that only look like it are told.'),
  person: _('The name of an executive as mails show it: outsiders who use it are told.'),
})

export function endChoices(may) {
  return [['7', _('7 days')], ['30', _('30 days')], ['90', _('90 days')], ['365', _('1 year')], ...(may ? [['', _('No end')]] : [])]
}

export const endOf = (days) => (days ? new Date(Date.now() + Number(days) * 86400000).toISOString() : null)

function verdictOf(e) {
  if (!JUDGED.includes(e.kind)) return ''
  return state(e.approved ? [_('Approved'), 'good', 'check'] : [_('Blocked'), 'bad', 'bad'])
}

function endText(e) {
  if (!e.ends) return _('no end')
  return e.ended ? state([_('Over since {date}', { date: date(e.ends) }), '', 'off']) : _('until {date}', { date: date(e.ends) })
}

function add(tenant, kind, context) {
  const may = context.session.may.policy
  const kinds = may ? KINDS : JUDGED
  return dialog(_('Add to a list'), (close) => {
    const hint = h('p', { class: 'small muted', id: 'value-hint' })
    const judged = h('fieldset', null, h('legend', null, _('What does it mean?')),
      radio('approved', 'yes', _('Approve'), _('Rules that look at it let it pass. Threats are still found.'), { checked: true }),
      radio('approved', 'no', _('Block'), _('Rules treat it as known to be bad.')))
    const value = h('div')
    const f = form([
      field(_('Kind'), 'kind', { value: kinds.includes(kind) ? kind : kinds[0], choices: kinds.map((k) => [k, listKind(k)]) }),
      judged, value, hint,
      field(_('Reason'), 'reason', { maxlength: 200, hint: _('For whoever looks at this list next year.') }),
      field(_('Until'), 'days', { value: '90', choices: endChoices(may) }),
    ], _('Add'), async (v) => {
      const body = { kind: v.kind, value: v.value.trim(), reason: v.reason.trim(), ends: endOf(v.days) }
      if (JUDGED.includes(v.kind)) body.approved = v.approved === 'yes'
      await post(`${tenantPath(tenant)}/lists`, body)
      close(true)
    }, { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) })
    const fit = () => {
      const k = f.elements.kind.value
      const was = f.elements.value?.value ?? ''
      judged.hidden = !JUDGED.includes(k)
      hint.textContent = hints()[k]
      fill(value, field(k === 'password' ? _('Password') : _('Value'), 'value', { required: true, maxlength: 300, 'aria-describedby': 'value-hint', type: k === 'password' ? 'password' : 'text', autocomplete: k === 'password' ? 'new-password' : 'off', value: k === 'password' ? '' : was }))
      f.elements.days.value = JUDGED.includes(k) ? '90' : ''
    }
    f.elements.kind.addEventListener('change', fit)
    fit()
    return f
  })
}

export async function lists(main, context) {
  const tenant = await chooseTenant(context, '/lists')
  if (!tenant.id) {
    fill(main, head(_('Lists')), h('div.card', null, empty('building', _('No company yet.'))))
    return
  }
  const params = Object.fromEntries(new URLSearchParams(location.search))
  const { items } = await get(`${tenantPath(tenant.id)}/lists${query({ kind: params.kind, ended: params.ended })}`)
  if (!context.current()) return
  const { policy, hold } = context.session.may
  const removable = (e) => policy || (hold && e.author === context.session.login)
  const filters = h('form.filters', { role: 'search', onsubmit: (e) => { e.preventDefault(); context.go(`/lists${query({ tenant: tenant.id, ...Object.fromEntries(new FormData(filters)) })}`) } },
    field(_('Kind'), 'kind', { value: params.kind ?? '', choices: [['', _('All')], ...KINDS.map((k) => [k, listKind(k)])] }),
    field(_('Show'), 'ended', { value: params.ended ?? '', choices: [['', _('Those that count now')], ['1', _('Those that are over, too')]] }))
  filters.addEventListener('change', () => filters.requestSubmit())
  const name = (e) => (e.kind === 'password' ? _('(a password, kept encrypted)') : e.value)
  const rows = () => h('div.card.flush', null, table(_('Lists'), [
    [_('Value'), (e) => [h('span.name', null, name(e)), h('span.sub', null, listKind(e.kind))], { lead: true }],
    [_('What it means'), verdictOf],
    [_('Reason'), (e) => e.reason],
    [_('Until'), (e) => h('span.nowrap', null, endText(e))],
    [_('Added by'), (e) => [e.author, h('span.sub', null, time(e.created))]],
    ['', (e) => removable(e) && button(_('Remove'), async () => {
      if (!await confirm(_('Remove it from the list?'), _('“{value}” counts no longer, from now on.', { value: name(e) }), _('Remove'), () => del(`${tenantPath(tenant.id)}/lists/${e.id}`))) return
      toast(_('Removed'))
      await context.reload()
    }, { kind: 'danger', label: _('Remove “{value}”', { value: name(e) }) })],
  ], items))
  fill(main, head(_('Lists'), { lead: _('What rules know about your company: what is approved, what is blocked, what is protected.'), actions: hold && button(_('Add'), async () => {
    if (!await add(tenant.id, params.kind, context)) return
    toast(_('Added'))
    await context.reload()
  }, { kind: 'primary', image: 'plus' }) }), tenant.choice, filters,
  items.length ? rows() : h('div.card', null, empty('flag', params.kind ? _('Nothing of this kind is on the list.') : _('The lists are empty.'))))
}

// From a finding: what it is about goes onto a list in one step. values: [[kind, value]].
export function judge(tenant, values, approve, context) {
  return dialog(approve ? _('Approve') : _('Block'), (close) => [
    h('p', null, approve ? _('Rules that look at it let it pass from now on. Threats are still found. What was contained stays so until it is given back.') : _('Rules treat it as known to be bad from now on.')),
    form([
      h('fieldset', null, h('legend', null, approve ? _('What is approved?') : _('What is blocked?')), values.map(([kind, value], i) => radio('what', String(i), value, listKind(kind), { checked: i === 0 }))),
      field(_('Reason'), 'reason', { maxlength: 200 }),
      field(_('Until'), 'days', { value: '30', choices: endChoices(context.session.may.policy) }),
    ], approve ? _('Approve') : _('Block'), async (v) => {
      const [kind, value] = values[Number(v.what)]
      await post(`${tenantPath(tenant)}/lists`, { kind, value, approved: approve, reason: v.reason.trim(), ends: endOf(v.days) })
      close(true)
    }, { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) }),
  ])
}
