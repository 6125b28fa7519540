// Pages that stand alone: signing in, the first account, one-time links, and what went wrong on the way back from a provider.
import { get, post } from './api.js'
import { h, fill } from './dom.js'
import { _, currentLanguage } from './i18n.js'
import { failure, field, form, head, notice, trouble, button } from './ui.js'

// The token of a one-time link stands behind "#": it is never sent with an address. It leaves the address bar at once.
function linkToken() {
  const token = decodeURIComponent(location.hash.slice(1))
  if (token) {
    history.replaceState(null, '', location.pathname)
    sessionStorage.setItem(`link${location.pathname}`, token)
  }
  return token || sessionStorage.getItem(`link${location.pathname}`) || ''
}

function forgetLink(path) {
  sessionStorage.removeItem(`link${path}`)
}

async function signedIn({ refreshSession, go }) {
  sessionStorage.removeItem('ended')
  const session = await refreshSession()
  await go(session.role === 'invited' ? '/connect' : '/')
}

const PASSWORD_HINT = () => _('At least 12 characters. A sentence is easier to remember than a riddle.')

export async function signIn(main, context) {
  const { signIn: info } = context
  if (info?.setup) {
    fill(main, head(_('Not set up yet')), h('div.card', null,
      h('p', null, _('This console has no account yet. At its first start sekisho printed a one-time link for making one.')),
      h('p', null, _('Look for it in the log, or make a new one on the server:')), h('p', null, h('code', null, 'sekisho setup-link'))))
    return
  }
  const ended = sessionStorage.getItem('ended')
  const place = h('div.card')
  const start = () => fill(place, h('h1', { id: 'title' }, _('Sign in')),
    ended && notice('', null, _('Your session has ended. Please sign in again.')),
    form([
      field(_('Login'), 'login', { required: true, autocomplete: 'username', autofocus: true }),
      field(_('Password'), 'password', { type: 'password', required: true, autocomplete: 'current-password' }),
    ], _('Sign in'), async (v) => {
      const answer = await post('/session', v)
      if (answer.challenge) second(answer.challenge)
      else await signedIn(context)
    }, { wide: true }),
    info?.oidc?.length > 0 && [h('div.or', null, _('or')), info.oidc.map((o) => button(_('Sign in with {name}', { name: o.title || o.id }), async () => {
      const { url } = await post('/session/oidc', { provider: o.id })
      location.assign(url)
    }, { kind: 'wide', place }))])
  const second = (challenge) => {
    fill(place, h('h1', { id: 'title' }, _('Second step')),
      h('p.muted', null, _('Enter the code that your authenticator app shows now, or one of your recovery codes.')),
      form(field(_('Code'), 'code', { required: true, autocomplete: 'one-time-code', inputmode: 'text', class: 'code', maxlength: 24, autofocus: true }), _('Continue'), async (v) => {
        await post('/session/totp', { challenge, code: v.code.replaceAll(/[\s-]/g, '').length === 6 ? v.code.replaceAll(/\D/g, '') : v.code.trim() })
        await signedIn(context)
      }, { wide: true }),
      h('div', null, button(_('Back'), start, { kind: 'link' })))
    place.querySelector('input').focus()
  }
  document.title = `${_('Sign in')} · ${_('sekisho')}`
  fill(main, place)
  start()
  place.querySelector('input')?.focus()
}

export async function setup(main, context) {
  const token = linkToken()
  document.title = `${_('Make the first account')} · ${_('sekisho')}`
  fill(main, h('div.card', null, h('h1', { id: 'title' }, _('Make the first account')),
    h('p.muted', null, _('This account is an operator: it sees every company and manages all accounts.')),
    form([
      field(_('Your name'), 'name', { required: true, autocomplete: 'name', spellcheck: 'false' }),
      field(_('Login'), 'login', { required: true, autocomplete: 'username', hint: _('Your e-mail address is a good login.') }),
      field(_('Password'), 'password', { type: 'password', required: true, minlength: 12, autocomplete: 'new-password', hint: PASSWORD_HINT() }),
    ], _('Make the account'), async (v) => {
      await post('/setup', { token, ...v, language: currentLanguage() })
      forgetLink('/setup')
      context.signIn = null
      await signedIn(context)
    }, { wide: true })))
}

export async function password(main, context) {
  const token = linkToken()
  document.title = `${_('Choose a password')} · ${_('sekisho')}`
  fill(main, h('div.card', null, h('h1', { id: 'title' }, _('Choose a password')),
    form(field(_('New password'), 'password', { type: 'password', required: true, minlength: 12, autocomplete: 'new-password', hint: PASSWORD_HINT() }),
      _('Save'), async (v) => {
        const { login } = await post('/password', { token, ...v })
        forgetLink('/password')
        fill(main, notice('good', _('The password is set.'), _('You can now sign in as {login}.', { login })), h('p', null, h('a.button.primary', { href: '/sign-in' }, _('Sign in'))))
      }, { wide: true })))
}

// The link is used up by the click and not by opening the page: mail programs open links on their own.
export async function invitation(main, context) {
  const token = linkToken()
  document.title = `${_('Connect your cloud')} · ${_('sekisho')}`
  const place = h('div.stack')
  fill(main, h('div.card', null, h('h1', { id: 'title' }, _('Connect your cloud')),
    h('p', null, _('You were invited to connect your company’s cloud to sekisho, which looks at new mails and files and stops dangerous ones.')),
    h('p', null, _('You need an administrator’s sign-in for that cloud. It takes about five minutes. Nothing is changed in your cloud until you decide so.')),
    h('div', null, button(_('Begin'), async () => {
      await post('/invitations/open', { token })
      forgetLink('/invitation')
      await signedIn(context)
    }, { kind: 'primary wide', place })), place))
}

export async function problem(main, { session }) {
  const code = decodeURIComponent(location.hash.slice(1)) || 'not_found'
  let shown
  try {
    shown = trouble(await get(`/explanations/${encodeURIComponent(code)}`))
  } catch (e) {
    shown = failure(e)
  }
  fill(main, head(_('This did not work')), shown,
    h('p.row', null, session ? h('a.button.primary', { href: '/connect' }, _('Begin again')) : h('a.button.primary', { href: '/sign-in' }, _('Sign in')),
      session && session.role !== 'invited' && h('a.button', { href: '/' }, _('To the overview'))))
}
