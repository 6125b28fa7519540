// One's own account: language, password, second factor, sessions.
import { del, get, patch, post } from './api.js'
import { h, fill, qrCode } from './dom.js'
import { distance, roleName, time } from './format.js'
import { _, n_, setLanguage } from './i18n.js'
import { button, copyable, dialog, field, form, head, notice, state, toast } from './ui.js'

function profile(me, context) {
  return h('section.card', null, h('h2', null, _('You')), form([
    field(_('Name'), 'name', { required: true, value: me.name, autocomplete: 'name', maxlength: 120 }),
    field(_('Language'), 'language', { value: me.language, choices: [['ja', '日本語'], ['en', 'English']] }),
  ], _('Save'), async (v) => {
    await patch('/me', v)
    await setLanguage(v.language, true)
    await context.refreshSession()
    toast(_('Saved'))
    await context.reload()
  }))
}

function passwordCard() {
  return h('section.card', null, h('h2', null, _('Password')), form([
    field(_('Old password'), 'old', { type: 'password', required: true, autocomplete: 'current-password' }),
    field(_('New password'), 'new', { type: 'password', required: true, minlength: 12, autocomplete: 'new-password', hint: _('At least 12 characters. Your other sessions will end.') }),
  ], _('Change the password'), async (v) => {
    await post('/me/password', v)
    document.querySelectorAll('input[type=password]').forEach((i) => { i.value = '' })
    toast(_('The password is changed'))
  }, { kind: '' }))
}

function askPassword(title, text, word, act) {
  return dialog(title, (close) => [h('p', null, text), form(field(_('Password'), 'password', { type: 'password', required: true, autocomplete: 'current-password', autofocus: true }), word, async (v) => close(await act(v)),
    { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) })])
}

async function addTotp(context) {
  const begun = await askPassword(_('Add a second factor'), _('Enter your password first.'), _('Continue'), (v) => post('/me/totp', v))
  if (!begun) return
  const done = await dialog(_('Add a second factor'), (close) => [
    h('ol', null, h('li', null, _('Open an authenticator app on your phone and scan this code.')), h('li', null, _('Enter the six digits that it shows.'))),
    begun.qr && h('p', null, qrCode(begun.qr, _('QR code for the authenticator app'))),
    h('details', null, h('summary', null, _('Or enter this key by hand')), copyable(begun.secret, _('Key'))),
    form(field(_('Code'), 'code', { required: true, inputmode: 'numeric', autocomplete: 'one-time-code', pattern: '[0-9 ]{6,7}', class: 'code', maxlength: 7 }), _('Turn on'), async (v) => close(await post('/me/totp/confirm', { code: v.code.replaceAll(/\D/g, '') })),
      { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) }),
  ])
  if (!done) return
  await dialog(_('Your recovery codes'), (close) => [
    h('p', null, _('Each works once, when your phone is not at hand. They are shown only now: print them or keep them in a safe place.')),
    h('ol.codes', null, done.recovery.map((c) => h('li', null, c))),
    h('div.row', null, h('button.primary', { type: 'button', onclick: () => close() }, _('I have kept them'))),
  ])
  await context.refreshSession()
  await context.reload()
}

function totpCard(me, context) {
  return h('section.card', null, h('div.row.between', null, h('h2', null, _('Second factor')), me.totp ? state([_('On'), 'good', 'check']) : state([_('Off'), 'warn', 'warn'])),
    me.totp
      ? h('div.stack', null, h('p', null, n_('{n} recovery code is left.', '{n} recovery codes are left.', me.recovery_left)), h('div', null, button(_('Turn off'), async () => {
        if (await askPassword(_('Turn off the second factor?'), _('Your account will be protected by the password alone.'), _('Turn off'), (v) => del('/me/totp', v))) {
          await context.refreshSession()
          await context.reload()
        }
      }, { kind: 'danger' })))
      : h('div.stack', null, h('p', null, _('With a code from your phone beside the password, a stolen password alone opens nothing.')), h('div', null, button(_('Add a second factor'), () => addTotp(context), { kind: 'primary' }))))
}

// "Firefox on Linux" out of a user agent; the whole stands in the title.
function browser(agent) {
  const name = /Edg\//.test(agent) ? 'Edge' : /Firefox\//.test(agent) ? 'Firefox' : /Chrom(e|ium)\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : ''
  const system = /Android/.test(agent) ? 'Android' : /iPhone|iPad/.test(agent) ? 'iOS' : /Windows/.test(agent) ? 'Windows' : /Mac OS/.test(agent) ? 'macOS' : /Linux/.test(agent) ? 'Linux' : ''
  return [name, system].filter(Boolean).join(' · ') || _('Unknown program')
}

function sessionsCard(list, context) {
  return h('section.card.flush', null, h('div.row.between', null, h('h2', null, _('Sessions')), list.length > 1 && button(_('End all others'), async () => {
    await del('/me/sessions')
    toast(_('All other sessions are ended'))
    await context.reload()
  })), h('ul.list', null, list.map((s) => h('li.row.between', null,
    h('span', { title: s.agent }, h('span.name', null, browser(s.agent)), h('span.small.muted', null, ` ${s.address} · ${_('last used {when}', { when: distance(s.seen) })} · ${_('since {time}', { time: time(s.created) })}`)),
    s.current ? state([_('This one'), 'good', 'check']) : button(_('End'), async () => {
      await del(`/me/sessions/${encodeURIComponent(s.id)}`)
      toast(_('The session is ended'))
      await context.reload()
    }, { label: _('End the session {name}', { name: browser(s.agent) }) })))))
}

export async function settings(main, context) {
  const me = await get('/me')
  const { items } = await get('/me/sessions')
  if (!context.current()) return
  fill(main, head(_('My settings'), { lead: `${me.login} · ${roleName(me.role)}` }), h('div.stack', null,
    !me.has_password && notice('', null, _('You sign in by a sign-in service. A password is not needed.')),
    h('div.cols', null, profile(me, context), me.has_password && passwordCard()),
    me.has_password && totpCard(me, context), sessionsCard(items, context)))
}
