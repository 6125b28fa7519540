// Who did what, when, from where.
import { get, query } from './api.js'
import { h, fill } from './dom.js'
import { time } from './format.js'
import { _ } from './i18n.js'
import { empty, field, head, pages, state, table } from './ui.js'

function phase(p) {
  return { intent: [_('Begun'), 'accent', 'wait'], done: [_('Done'), 'good', 'check'], failed: [_('Failed'), 'bad', 'bad'], refused: [_('Refused'), 'warn', 'warn'] }[p] ?? [p, '', 'info']
}

export function actText(a) {
  return {
    setup: _('Made the first account'), sign_in: _('Signed in'), sign_in_totp: _('Signed in with a code'), oidc_begin: _('Began signing in by a service'), oidc_end: _('Signed in by a service'), sign_out: _('Signed out'),
    password_set: _('Set a password by link'), me_update: _('Changed own settings'), me_password: _('Changed own password'), totp_begin: _('Began a second factor'), totp_confirm: _('Added a second factor'), totp_remove: _('Removed a second factor'),
    session_revoke: _('Ended a session'), sessions_revoke: _('Ended all other sessions'), account_create: _('Made an account'), account_update: _('Changed an account'), account_reset: _('Reset an account'),
    tenant_create: _('Added a company'), tenant_update: _('Changed a company'), invitation_create: _('Sent an invitation'), invitation_revoke: _('Revoked an invitation'), invitation_open: _('Opened an invitation'),
    flow_begin: _('Began connecting'), flow_submit: _('Entered what connecting needs'), flow_callback: _('Came back from the provider'), flow_check: _('Checked the grant'), flow_finish: _('Connected'), flow_test: _('Sent a test detection'), flow_cancel: _('Gave up connecting'), flow_file: _('Downloaded a certificate'),
    connection_update: _('Changed a connection'), connection_check: _('Checked a connection'), disconnect: _('Ended a connection'), restore: _('Gave an item back'), delete: _('Deleted an item'), download: _('Downloaded an item'), finding_show: _('Looked at an item'), alert_ack: _('Noted an alert'),
  }[a] ?? a
}

export async function list(main, context) {
  const params = Object.fromEntries(new URLSearchParams(location.search))
  const view = pages((next) => get(`/audit${query({ ...params, next })}`), (items) => h('div.card.flush', null, table(_('Audit trail'), [
    [_('When'), (a) => h('span.nowrap', null, time(a.at)), { lead: true }],
    [_('Who'), (a) => [h('span.name', null, a.name || a.actor), h('span.sub', null, a.address)]],
    [_('What'), (a) => [actText(a.act), a.object && h('span.sub', null, a.object)]],
    [_('Company'), (a) => a.tenant],
    [_('Outcome'), (a) => state(phase(a.phase))],
    [_('No.'), (a) => a.seq, { number: true }],
  ], items)), h('div.card', null, empty('list', _('No entry fits.'))))
  const f = h('form.filters', { role: 'search', onsubmit: (e) => { e.preventDefault(); context.go(`/audit${query(Object.fromEntries(new FormData(f)))}`) } },
    field(_('Company'), 'tenant', { type: 'search', value: params.tenant ?? '' }), field(_('Object'), 'object', { type: 'search', value: params.object ?? '', class: 'wide', placeholder: _('Id of a connection, finding or account') }))
  f.addEventListener('change', () => f.requestSubmit())
  fill(main, head(_('Audit trail'), { lead: _('Every change and every look at content, the newest first. Each entry is chained to the one before it.') }), f, view.element)
  await view.start()
}
