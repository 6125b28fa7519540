// Accounts of this console.
import { get, patch, post, query } from './api.js'
import { h, fill } from './dom.js'
import { distance, roleName } from './format.js'
import { _, currentLanguage } from './i18n.js'
import { button, check, confirm, copyable, dialog, empty, field, form, head, pages, radio, state, table, tag, toast } from './ui.js'

const ROLES = () => [
  ['operator', _('Sees every company, manages accounts, companies and invitations.')],
  ['admin', _('Connects the clouds of its companies, changes modes, judges the quarantine.')],
  ['desk', _('Judges the quarantine of its companies and notes alerts.')],
  ['auditor', _('Reads everything of its companies, changes nothing.')],
]

function accountForm(a, tenants, act, close) {
  const every = a?.tenants?.[0] === '*'
  return form([
    !a && field(_('Login'), 'login', { required: true, maxlength: 120, hint: _('The e-mail address, where people sign in with Microsoft or Google.') }),
    field(_('Name'), 'name', { required: true, value: a?.name ?? '', maxlength: 120 }),
    h('fieldset', null, h('legend', null, _('Role')), ROLES().map(([r, text]) => radio('role', r, roleName(r), text, { checked: (a?.role ?? 'admin') === r }))),
    h('fieldset', null, h('legend', null, _('Companies')), check(_('All companies'), 'every', { checked: a ? every : false, hint: _('Also those that are added later. Operators always see all.') }),
      tenants.map((t) => check(t.name || t.id, 'tenants', { value: t.id, list: true, checked: a?.tenants?.includes(t.id) }))),
    field(_('Language'), 'language', { value: a?.language ?? currentLanguage(), choices: [['ja', '日本語'], ['en', 'English']] }),
    a && check(_('Disabled'), 'disabled', { checked: a.disabled, hint: _('Cannot sign in. Its sessions end at once.') }),
  ], _('Save'), ({ every: all, tenants: list, ...v }) => act({ ...v, tenants: all || v.role === 'operator' ? ['*'] : list ?? [] }), { extra: h('button', { type: 'button', onclick: () => close() }, _('Cancel')) })
}

function showLink(title, link) {
  return dialog(title, (close) => [
    h('p', null, _('Send this link to the person. It works once, for 24 hours, and is shown only now.')), copyable(link, _('Link')),
    h('div.row', null, h('button.primary', { type: 'button', onclick: () => close() }, _('Close'))),
  ])
}

export async function list(main, context) {
  const view = pages((next) => get(`/accounts${query({ next })}`), (items) => h('div.card.flush', null, table(_('Accounts'), [
    [_('Account'), (a) => [h('span.name', null, a.name || a.login), h('span.sub', null, a.login)], { lead: true }],
    [_('Role'), (a) => roleName(a.role)],
    [_('Companies'), (a) => (a.tenants[0] === '*' ? _('all') : a.tenants.map((t) => [tag(t), ' ']))],
    [_('Second factor'), (a) => (a.totp ? state([_('On'), 'good', 'check']) : state([_('Off'), '', 'off']))],
    [_('Last sign-in'), (a) => (a.disabled ? state([_('Disabled'), '', 'off']) : a.last_sign_in ? distance(a.last_sign_in) : a.has_password ? _('never') : _('link not used yet'))],
    ['', (a) => h('div.row', null,
      button(_('Change'), async () => {
        const tenants = (await get('/tenants?limit=200')).items
        if (await dialog(a.login, (close) => accountForm(a, tenants, async (v) => { await patch(`/accounts/${a.id}`, v); close(true) }, close))) {
          toast(_('Saved'))
          await context.reload()
        }
      }, { label: _('Change {name}', { name: a.login }) }),
      a.id !== context.session.account && button(_('Reset'), async () => {
        let link
        if (await confirm(_('Reset this account?'), _('{login} gets a new one-time link for choosing a password. Its sessions end, and its second factor is removed.', { login: a.login }), _('Reset'), async () => { ({ link } = await post(`/accounts/${a.id}/reset`)) })) {
          await showLink(_('A new link for {login}', { login: a.login }), link)
          await context.reload()
        }
      }, { label: _('Reset {name}', { name: a.login }) }))],
  ], items)), h('div.card', null, empty('people', _('No account.'))))
  fill(main, head(_('Accounts'), { lead: _('People who may use this console.'), actions: button(_('Add an account'), async () => {
    const tenants = (await get('/tenants?limit=200')).items
    let login
    const made = await dialog(_('Add an account'), (close) => accountForm(null, tenants, async (v) => { login = v.login; close(await post('/accounts', v)) }, close))
    if (made) {
      await showLink(_('A link for {login}', { login }), made.link)
      await context.reload()
    }
  }, { kind: 'primary', image: 'plus' }) }), view.element)
  await view.start()
}
