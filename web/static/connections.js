// Connections: the list, and one with its grant, permissions, feeds and ending.
import { del, get, patch, post, query } from './api.js'
import { alertItem } from './alerts.js'
import { h, fill, safeUrl } from './dom.js'
import { connectionState, date, daysLeft, daysText, distance, modeText, providerName, serviceName, servicesText, time } from './format.js'
import { _, n_, number } from './i18n.js'
import { button, confirm, dialog, empty, field, form, head, pages, pairs, radio, state, table, toast, trouble } from './ui.js'

function filters(params, apply) {
  const f = h('form.filters', { role: 'search', onsubmit: (e) => { e.preventDefault(); apply(Object.fromEntries(new FormData(f))) } },
    field(_('Search'), 'search', { type: 'search', value: params.search ?? '', class: 'wide', placeholder: _('Name, company or organisation') }),
    field(_('State'), 'state', { value: params.state ?? '', choices: [['', _('All')], ['wrong', _('With trouble')], ['connected', _('Connected')], ['degraded', _('Works in part')], ['revoked', _('Consent withdrawn')], ['expired', _('Expired')], ['disconnected', _('Ended')]] }),
    field(_('Cloud'), 'provider', { value: params.provider ?? '', choices: [['', _('All')], ...['microsoft', 'google', 'box', 'dropbox'].map((p) => [p, providerName(p)])] }))
  f.addEventListener('change', () => f.requestSubmit())
  return f
}

function ending(k) {
  if (!k.ends) return ''
  const left = daysLeft(k.ends)
  return left <= 30 ? state([left < 0 ? _('Ended') : _('{days} left', { days: daysText(left) }), left <= 7 ? 'bad' : 'warn', 'warn']) : date(k.ends)
}

export async function list(main, context) {
  const params = Object.fromEntries(new URLSearchParams(location.search))
  const view = pages((next) => get(`/connections${query({ ...params, next })}`), (items) => h('div.card.flush', null, table(_('Connections'), [
    [_('Connection'), (k) => [h('a.name', { href: `/connections/${encodeURIComponent(k.id)}` }, k.organisation || k.id), h('span.sub', null, `${k.id} · ${k.tenant}`)], { lead: true }],
    [_('Cloud'), (k) => providerName(k.provider)],
    [_('State'), (k) => state(connectionState(k.state))],
    [_('Mode'), (k) => modeText(k.mode)],
    [_('Last look'), (k) => (k.last_success ? distance(k.last_success) : _('never'))],
    [_('Seen'), (k) => number(k.seen), { number: true }],
    [_('Waiting'), (k) => number(k.pending), { number: true }],
    [_('Findings'), (k) => (k.findings ? h('a', { href: `/findings?connection=${encodeURIComponent(k.id)}` }, number(k.findings)) : '0'), { number: true }],
    [_('Valid until'), ending],
  ], items)), h('div.card', null, Object.keys(params).length
    ? empty('search', _('No connection fits.'), h('a.button', { href: '/connections' }, _('Show all')))
    : empty('link', _('No cloud is connected yet.'), context.session.may.connect && h('a.button.primary', { href: '/connect' }, _('Connect a cloud')))))
  fill(main, head(_('Connections'), { lead: _('Each is one company’s permission for one cloud.'), actions: context.session.may.connect && h('a.button.primary', { href: '/connect' }, _('Connect a cloud')) }),
    filters(params, (v) => context.go(`/connections${query(v)}`)), view.element)
  await view.start()
}

// ---- one ----

const REASONS = { monitor: () => _('Threats are found and reported. Nothing in the cloud is changed.'), protect: () => _('Threats are found, reported and contained.') }

async function changeMode(k, reload) {
  const done = await dialog(_('Change the mode'), (close) => form(h('fieldset', null, h('legend.visually-hidden', null, _('Mode')),
    radio('mode', 'monitor', _('Monitor'), REASONS.monitor(), { checked: k.mode === 'monitor' }),
    radio('mode', 'protect', _('Protect'), REASONS.protect(), { checked: k.mode === 'protect' })), _('Save'), async (v) => {
    await patch(`/connections/${encodeURIComponent(k.id)}`, { protect: v.mode === 'protect' })
    close(true)
  }, { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) }))
  if (done) {
    toast(_('The mode is changed'))
    await reload()
  }
}

async function disconnect(k, reload) {
  let result
  const done = await confirm(_('End this connection?'), [
    h('p', null, _('sekisho gives the permission back at {cloud} where that is possible, checks that it is dead, and forgets the secrets.', { cloud: providerName(k.provider) })),
    h('p', null, _('New mails and files of {name} are not scanned any more. What was found, and what was done, stays in the ledger.', { name: k.organisation || k.id })),
  ], _('End the connection'), async () => { result = await del(`/connections/${encodeURIComponent(k.id)}`) })
  if (!done) return
  await dialog(_('The connection has ended'), (close) => [
    h('ul.checks', null,
      h('li', null, result.revoked ? _('The permission was given back at the provider.') : _('The provider has no call for giving the permission back.')),
      h('li', null, result.proven ? _('It was tried: the token is dead.') : _('That the token is dead could not be tried.')),
      h('li', null, _('The secrets are forgotten.'))),
    result.by_hand?.length > 0 && [h('h3', null, _('What you must still do by hand')), h('ol', null, result.by_hand.map((s) => h('li', null, s.text, ' ', safeUrl(s.link) && h('a', { href: safeUrl(s.link), target: '_blank', rel: 'noreferrer' }, _('Open')))))],
    h('div.row', null, h('button.primary', { type: 'button', onclick: () => close() }, _('Close'))),
  ])
  await reload()
}

function permissions(k) {
  const granted = k.report?.granted ?? []
  const missing = k.report?.missing ?? []
  if (!granted.length && !missing.length) return h('p.muted', null, _('The provider does not list what was granted.'))
  return h('ul.checks', null,
    missing.map((p) => h('li.bad', null, state([_('Missing'), 'bad', 'bad']), h('code', null, p))),
    granted.map((p) => h('li.good', null, state([_('Granted'), 'good', 'check']), h('code', null, p))))
}

function streamState(s) {
  if (s.state === 'unlicensed') return state([_('No licence'), '', 'off'])
  if (s.state === 'forbidden') return state([_('No permission'), 'warn', 'warn'])
  if (s.error) return state([_('Failing'), 'bad', 'bad'])
  if (s.listing) return state([_('First look'), 'accent', 'wait'])
  return state([_('Followed'), 'good', 'check'])
}

function streams(k) {
  let wrong = k.streams_wrong > 0
  const load = (next) => get(`/connections/${encodeURIComponent(k.id)}/streams${query({ wrong: wrong ? 1 : '', limit: 20, next })}`)
  const view = pages(load, (items) => table(_('Feeds'), [
    [_('Feed'), (s) => [h('span.name', null, s.owner || s.name || serviceName(s.service)), s.name && s.name !== s.owner && h('span.sub', null, s.name)], { lead: true }],
    [_('Service'), (s) => h('span.nowrap', null, serviceName(s.service))],
    [_('State'), (s) => [streamState(s), (s.reason || s.error) && h('span.sub', null, s.reason || s.error)]],
    [_('Last look'), (s) => (s.last_success ? distance(s.last_success) : '')],
    [_('Seen'), (s) => number(s.seen), { number: true }],
    [_('Scanned'), (s) => number(s.scanned), { number: true }],
    [_('Could not be judged'), (s) => number(s.unknown), { number: true }],
    [_('Skipped'), (s) => number(s.skipped), { number: true }],
    [_('Waiting'), (s) => number(s.pending), { number: true }],
  ], items), empty('check', wrong ? _('Every feed works.') : _('No feed was found yet. The first look may take a minute.')))
  const toggle = h('button', { type: 'button', 'aria-pressed': String(wrong) }, _('Only those with trouble'))
  toggle.addEventListener('click', async () => {
    wrong = !wrong
    toggle.setAttribute('aria-pressed', String(wrong))
    toggle.textContent = wrong ? _('Show all feeds') : _('Only those with trouble')
    await view.start()
  })
  if (wrong) toggle.textContent = _('Show all feeds')
  return [h('section.card.flush', null, h('div.row.between', null, h('h2', null, _('Feeds')), toggle), view.element), view]
}

const FACTS = () => ({ directory: _('Directory (tenant) ID'), client_id: _('Client ID'), client_email: _('Service account'), subject: _('Acts for'), enterprise_id: _('Enterprise ID'), app_key: _('App key'), team_id: _('Team ID'), type: _('Kind of grant'), app: _('Application of the operator') })

function grantFacts(k) {
  const names = FACTS()
  return Object.entries(k.grant ?? {}).filter(([key, v]) => names[key] && typeof v === 'string').map(([key, v]) => [names[key], h('code', null, v)])
}

function renewButton(k, context) {
  return button(_('Connect again'), async () => {
    sessionStorage.setItem('renew', JSON.stringify({ connection: k.id, tenant: k.tenant, provider: k.provider, grant: k.grant }))
    await context.go(`/connect?renew=${encodeURIComponent(k.id)}`)
  }, { kind: 'primary' })
}

export async function detail(main, context, id) {
  const k = await get(`/connections/${encodeURIComponent(id)}`)
  if (!context.current()) return
  const may = context.session.may.connect
  const live = k.state !== 'disconnected'
  const [feeds, view] = streams(k)
  const place = h('div.stack')
  fill(main, head(k.organisation || k.id, {
    back: { href: '/connections', text: _('Connections') },
    lead: `${providerName(k.provider)} · ${k.tenant} · ${k.id}`,
    actions: may && live && [
      button(_('Check now'), async () => {
        await post(`/connections/${encodeURIComponent(k.id)}/check`)
        toast(_('The check is done'))
        await context.reload()
      }, { place }),
      button(_('Change the mode'), () => changeMode(k, context.reload)),
      button(_('End'), () => disconnect(k, context.reload), { kind: 'danger' }),
    ],
  }), h('div.stack', null, place,
    k.trouble && trouble(k.trouble, { kind: k.state === 'degraded' || k.state === 'connected' ? 'warn' : 'bad', more: may && ['revoked', 'expired', 'degraded'].includes(k.state) && h('div.row', null, renewButton(k, context)) }),
    k.open_alerts.filter((a) => a.kind !== k.state).map((a) => h('div.card', null, alertItem(a))),
    h('div.cols', null,
      h('section.card', null, h('h2', null, _('State')), pairs([
        [_('State'), state(connectionState(k.state))],
        [_('Mode'), [modeText(k.mode), h('div.small.muted', null, REASONS[k.mode]?.())]],
        [_('Watches'), servicesText(k.services)],
        [_('Last look'), k.last_success && `${distance(k.last_success)} (${time(k.last_success)})`],
        [_('Test call'), k.checked && `${distance(k.checked)}`],
        [_('Valid until'), k.ends && ending(k)],
        [_('Paused until'), k.paused_until && time(k.paused_until)],
        [_('Seen'), n_('{n} item', '{n} items', k.seen)],
        [_('Waiting'), n_('{n} item', '{n} items', k.pending)],
        [_('Findings'), h('a', { href: `/findings?connection=${encodeURIComponent(k.id)}` }, number(k.findings))],
        [_('Connected since'), date(k.created)],
      ])),
      h('section.card', null, h('h2', null, _('Grant')), h('div.stack', null, pairs([...grantFacts(k)]), h('div', null, h('h3', null, _('Permissions')), permissions(k))))),
    feeds))
  await view.start()
}
