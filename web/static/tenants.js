// Companies, and the invitations that lead their administrators to connecting.
import { del, get, patch, post, query } from './api.js'
import { h, fill } from './dom.js'
import { connectionState, date, providerName, time } from './format.js'
import { _, currentLanguage, number } from './i18n.js'
import { button, confirm, copyable, dialog, empty, field, form, head, notice, pages, pairs, state, table, toast } from './ui.js'

const languages = () => [['ja', '日本語'], ['en', 'English']]

function tenantForm(t, act, close) {
  return form([
    !t && field(_('Short name'), 'id', { required: true, pattern: '[a-z0-9][a-z0-9\\-]*', maxlength: 40, hint: _('Small letters, digits and hyphens. It cannot be changed later.') }),
    field(_('Name'), 'name', { required: true, value: t?.name ?? '', maxlength: 120 }),
    field(_('Language'), 'language', { value: t?.language ?? currentLanguage(), choices: languages() }),
    field(_('Trial until'), 'trial_ends', { type: 'date', value: t?.trial_ends?.slice(0, 10) ?? '', hint: _('On that day all its connections are ended. Leave empty for no end.') }),
  ], _('Save'), act, { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) })
}

const asBody = (v) => ({ ...v, trial_ends: v.trial_ends ? `${v.trial_ends}T23:59:59Z` : null })

export async function list(main, context) {
  const view = pages((next) => get(`/tenants${query({ next })}`), (items) => h('div.card.flush', null, table(_('Companies'), [
    [_('Company'), (t) => [h('a.name', { href: `/tenants/${encodeURIComponent(t.id)}` }, t.name || t.id), h('span.sub', null, t.id)], { lead: true }],
    [_('Connections'), (t) => number(t.connections), { number: true }],
    [_('Open alerts'), (t) => number(t.alerts), { number: true }],
    [_('Trial'), (t) => (t.trial_ended ? state([_('Over'), '', 'off']) : t.trial_ends ? _('until {date}', { date: date(t.trial_ends) }) : '')],
    [_('Since'), (t) => date(t.created)],
  ], items)), h('div.card', null, empty('building', _('No company yet.'))))
  fill(main, head(_('Companies'), { actions: context.session.may.manage && button(_('Add a company'), async () => {
    const id = await dialog(_('Add a company'), (close) => tenantForm(null, async (v) => close((await post('/tenants', asBody(v))).id ?? v.id), close))
    if (id) await context.go(`/tenants/${encodeURIComponent(id)}`)
  }, { kind: 'primary', image: 'plus' }) }), view.element)
  await view.start()
}

function invitationState(i) {
  return state({
    sent: [_('Sent'), 'accent', 'mail'], opened: [_('Opened'), 'accent', 'eye'], connecting: [_('Connecting'), 'accent', 'wait'],
    connected: [_('Connected'), 'good', 'check'], expired: [_('Expired'), '', 'off'], revoked: [_('Revoked'), '', 'off'],
  }[i.state] ?? [i.state, '', 'info'])
}

export function stepText(i) {
  if (!i.provider) return ''
  const words = { explain: _('reads what it is about'), away: _('is at the provider'), paste: _('enters values'), proving: _('is being checked'), preview: _('sees the preview'), done: _('is done'), failed: _('met an error'), cancelled: _('gave up') }
  return `${providerName(i.provider)}: ${words[i.step] ?? i.step}`
}

function invitationTable(items, reload, withTenant) {
  return table(_('Invitations'), [
    [_('For'), (i) => [h('span.name', null, i.name || i.tenant), withTenant && h('span.sub', null, i.tenant)], { lead: true }],
    [_('State'), invitationState],
    [_('How far'), stepText],
    [_('Connected'), (i) => number(i.connected), { number: true }],
    [_('Sent'), (i) => date(i.created)],
    [_('Valid until'), (i) => date(i.ends)],
    ['', (i) => (['sent', 'opened', 'connecting'].includes(i.state) ? button(_('Revoke'), async () => {
      if (await confirm(_('Revoke this invitation?'), _('The link stops working at once, also for somebody who is just using it.'), _('Revoke'), () => del(`/invitations/${encodeURIComponent(i.id)}`))) {
        toast(_('The invitation is revoked'))
        await reload()
      }
    }, { kind: 'danger', label: _('Revoke the invitation of {name}', { name: i.name || i.tenant }) }) : '')],
  ], items)
}

async function invite(tenant, reload) {
  const made = await dialog(_('Invite an administrator'), (close) => [
    h('p', null, _('You get a link for the administrator of {tenant}. It works once, for seven days, and leads through connecting without an account.', { tenant })),
    form(field(_('For whom'), 'name', { maxlength: 120, hint: _('A name that helps you to recognise it, such as the administrator’s.') }), _('Make the link'), async (v) => close(await post(`/tenants/${encodeURIComponent(tenant)}/invitations`, v)),
      { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) }),
  ])
  if (!made) return
  await dialog(_('The invitation link'), (close) => [
    h('p', null, _('Send it to the administrator yourself. It is shown only now, and is valid until {time}.', { time: time(made.ends) })),
    copyable(made.link, _('Invitation link')),
    h('div.row', null, h('button.primary', { type: 'button', onclick: () => close() }, _('Close'))),
  ])
  await reload()
}

export async function detail(main, context, id) {
  const t = await get(`/tenants/${encodeURIComponent(id)}`)
  const { items } = await get(`/connections${query({ tenant: id })}`)
  const manage = context.session.may.manage
  const invitations = manage ? (await get(`/tenants/${encodeURIComponent(id)}/invitations`)).items : []
  if (!context.current()) return
  fill(main, head(t.name || t.id, {
    back: { href: '/tenants', text: _('Companies') }, lead: t.id,
    actions: [
      manage && button(_('Invite an administrator'), () => invite(t.id, context.reload), { kind: 'primary', image: 'mail' }),
      manage && button(_('Change'), async () => {
        if (await dialog(_('Change the company'), (close) => tenantForm(t, async (v) => { await patch(`/tenants/${encodeURIComponent(id)}`, asBody(v)); close(true) }, close))) await context.reload()
      }),
    ],
  }), h('div.stack', null,
    t.trial_ends && notice(t.trial_ended ? '' : 'warn', t.trial_ended ? _('The trial is over.') : _('Trial until {date}', { date: date(t.trial_ends) }), t.trial_ended ? _('All connections were ended on {date}.', { date: date(t.trial_ended) }) : _('On that day all its connections are ended.')),
    h('section.card.flush', null, h('div.row.between', null, h('h2', null, _('Connections')), context.session.may.connect && h('a.button', { href: `/connect?tenant=${encodeURIComponent(id)}` }, _('Connect a cloud'))),
      items.length ? h('ul.list', null, items.map((k) => h('li.row.between', null, h('span', null, h('a.name', { href: `/connections/${encodeURIComponent(k.id)}` }, k.organisation || k.id), h('span.small.muted', null, ` ${providerName(k.provider)}`)), state(connectionState(k.state)))))
        : empty('link', _('No cloud is connected yet.'))),
    manage && h('section.card.flush', null, h('h2', null, _('Invitations')), invitations.length ? invitationTable(invitations, context.reload) : empty('mail', _('No invitation yet.'))),
    h('section.card', null, pairs([[_('Language'), t.language === 'ja' ? '日本語' : 'English'], [_('Since'), date(t.created)]]))))
}

export async function invitations(main, context) {
  const view = pages((next) => get(`/invitations${query({ next })}`), (items) => h('div.card.flush', null, invitationTable(items, context.reload, true)),
    h('div.card', null, empty('mail', _('No invitation yet. Open a company to invite its administrator.'), h('a.button', { href: '/tenants' }, _('To the companies')))))
  fill(main, head(_('Invitations'), { lead: _('How far each company has come.') }), view.element)
  await view.start()
}
