// The first page says in words what is protected, how fresh, what is wrong and what to do next.
import { get } from './api.js'
import { h, fill, icon } from './dom.js'
import { connectionState, distance, providerName, time } from './format.js'
import { _, n_, number, sentences } from './i18n.js'
import { empty, head, state } from './ui.js'
import { alertItem } from './alerts.js'

const STALE_MS = 30 * 60 * 1000

function sentence(s) {
  const c = s.connections
  const wrong = c.degraded + c.revoked + c.expired
  const stale = s.oldest_success && new Date(s.now) - new Date(s.oldest_success) > STALE_MS
  if (c.connected + wrong === 0) return ['warn', 'info', _('No cloud is connected yet.')]
  if (c.revoked + c.expired) return ['bad', 'bad', n_('{n} connection has stopped. What happens there is not being scanned.', '{n} connections have stopped. What happens there is not being scanned.', c.revoked + c.expired)]
  if (wrong || s.alerts) return ['warn', 'warn', n_('{n} thing needs a look. Everything else is protected.', '{n} things need a look. Everything else is protected.', Math.max(wrong, s.alerts))]
  if (stale) return ['warn', 'warn', _('Connected, but some feeds are behind.')]
  return ['good', 'check', _('Everything is protected and up to date.')]
}

function fresh(s) {
  const c = s.connections
  const parts = []
  if (c.connected) parts.push(n_('{n} cloud is being followed.', '{n} clouds are being followed.', c.connected + c.degraded))
  if (s.oldest_success) parts.push(_('The oldest look was {when}.', { when: distance(s.oldest_success) }))
  if (s.pending) parts.push(n_('{n} item is waiting to be scanned.', '{n} items are waiting to be scanned.', s.pending))
  else if (c.connected) parts.push(_('Nothing is waiting to be scanned.'))
  return sentences(...parts)
}

function next(s, session) {
  const c = s.connections
  if (c.connected + c.degraded + c.revoked + c.expired === 0) return session.may.connect ? [_('Connect the first cloud.'), '/connect', _('Connect a cloud')] : null
  if (c.revoked + c.expired) return [_('Connect what has stopped again: two clicks, and no change is missed.'), '/connections?state=wrong', _('See what has stopped')]
  if (s.alerts) return [_('Look at the open alerts.'), '/alerts', _('To the alerts')]
  if (s.held) return [_('Judge what is in quarantine: give it back or delete it.'), '/quarantine', _('To the quarantine')]
  return null
}

function fact(href, n, text) {
  return h('a', { href }, h('b', null, number(n)), h('span', null, text))
}

export async function overview(main, { session, current }) {
  const s = await get('/status')
  if (!current()) return
  const [kind, image, words] = sentence(s)
  const todo = next(s, session)
  const c = s.connections
  const none = c.connected + c.degraded + c.revoked + c.expired === 0
  fill(main, head(_('Overview'), { lead: _('As of {time}', { time: time(s.now) }) }),
    h('div.stack', null,
      h('section.card.hero', { class: kind, 'aria-label': _('In short') },
        h('p.say', null, icon(image), h('span', null, words)),
        fresh(s) && h('p', null, fresh(s)),
        todo && h('div.row', null, h('a.button.primary', { href: todo[1] }, todo[2]), h('span.muted', null, todo[0]))),
      !none && h('nav.facts', { 'aria-label': _('Numbers') },
        fact('/connections', c.connected, _('connected')),
        fact('/connections?state=wrong', c.degraded + c.revoked + c.expired, _('with trouble')),
        fact('/findings', s.findings_24h, _('findings in 24 hours')),
        fact('/quarantine', s.held, _('in quarantine')),
        fact('/alerts', s.alerts, _('open alerts')),
        s.tenants > 1 && fact('/tenants', s.tenants, _('companies'))),
      !none && h('div.cols', null,
        h('section.card.flush', null, h('h2', null, _('Connections with trouble')),
          s.wrong.length
            ? h('ul.list', null, s.wrong.map((k) => h('li', null, h('div.row.between', null, h('a.name', { href: `/connections/${encodeURIComponent(k.id)}` }, k.organisation || k.id), state(connectionState(k.state))),
              h('div.small.muted', null, `${providerName(k.provider)} · ${k.tenant}`), k.trouble && h('p.small', null, sentences(k.trouble.message, k.trouble.next)))))
            : empty('check', _('All connections work.'))),
        h('section.card.flush', null, h('h2', null, _('Open alerts')),
          s.open_alerts.length ? h('ul.list', null, s.open_alerts.map((a) => h('li', null, alertItem(a)))) : empty('bell', _('No open alerts.'))))))
}
