// What needs a person.
import { get, post, query } from './api.js'
import { h, fill } from './dom.js'
import { date, daysLeft, daysText, providerName, time } from './format.js'
import { _, sentences } from './i18n.js'
import { button, empty, head, pages, state, toast } from './ui.js'

export function alertTitle(a) {
  const left = a.detail?.ends_at ? daysLeft(new Date(Number(a.detail.ends_at) || a.detail.ends_at)) : a.detail?.days
  return {
    revoked: _('Consent withdrawn'),
    degraded: _('Works in part'),
    ends: left === undefined ? _('Ends soon') : _('Ends in {days}', { days: daysText(left) }),
    silent: _('A feed is silent'),
    missing: _('Permission missing'),
    expired: _('Expired'),
    trial: _('Trial ends'),
    canary: _('Test call failed'),
    policy: _('A rule file has an error'),
  }[a.kind] ?? a.kind
}

function severity(n) {
  return n >= 4 ? ['bad', 'bad'] : n >= 3 ? ['warn', 'warn'] : ['accent', 'info']
}

export function alertItem(a) {
  const [kind, image] = a.ended ? ['', 'check'] : severity(a.severity)
  return [
    h('div.row.between', null, state([alertTitle(a), kind, image]), h('span.small.muted', null, time(a.created))),
    h('p', null, sentences(a.explanation.message, !a.ended && a.explanation.next)),
    a.kind === 'policy' && a.detail && h('p.small', null, h('code', null, `${a.detail.file}:${a.detail.line}:${a.detail.column}`), ` ${a.detail.message}`),
    h('div.small.muted', null, a.connection ? h('a', { href: `/connections/${encodeURIComponent(a.connection)}` }, a.connection) : a.tenant,
      a.provider && ` · ${providerName(a.provider)}`, a.detail?.stream && ` · ${a.detail.stream}`),
  ]
}

export async function list(main, context) {
  const params = new URLSearchParams(location.search)
  const all = params.get('all') === '1'
  const view = pages((next) => get(`/alerts${query({ open: all ? '' : 1, next })}`), (items) => h('ul.list.card.flush', null, items.map((a) => h('li', null, alertItem(a),
    h('div.row', null,
      a.acknowledged && h('span.small.muted', null, _('Seen by {name}, {time}', { name: a.acknowledged_by ?? '', time: date(a.acknowledged) })),
      !a.acknowledged && !a.ended && context.session.may.hold && button(_('I have seen it'), async () => {
        await post(`/alerts/${encodeURIComponent(a.id)}/ack`)
        toast(_('Noted'))
        await context.reload()
      }))))), h('div.card', null, empty('bell', all ? _('There has been no alert.') : _('No open alerts. sekisho tells you here when a connection needs you.'))))
  fill(main, head(_('Alerts'), { lead: all ? _('All alerts, the newest first') : _('What needs a person now'), actions: h('a.button', { href: all ? '/alerts' : '/alerts?all=1' }, all ? _('Only open ones') : _('Show ended ones, too')) }), view.element)
  await view.start()
}
