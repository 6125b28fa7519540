// The frame of all pages, and which page an address shows. Pages are modules with show(place, context); they are loaded when they are
// first needed.
import { get, del, setCsrf } from './api.js'
import { h, fill, icon, gate } from './dom.js'
import { setZone, roleName } from './format.js'
import { _, currentLanguage, preferredLanguage, setLanguage } from './i18n.js'
import { failure, head } from './ui.js'

const app = document.getElementById('app')
let session = null
let signIn = null
let turn = 0

// [pattern, module, show, what the session may, in the menu: icon and text]
const routes = [
  [/^\/$/, 'overview', 'overview', 'read'],
  [/^\/connections$/, 'connections', 'list', 'read'],
  [/^\/connections\/([^/]+)$/, 'connections', 'detail', 'read'],
  [/^\/connect$/, 'connect', 'begin', 'connect'],
  [/^\/connect\/([^/]+)$/, 'connect', 'flow', 'connect'],
  [/^\/findings$/, 'findings', 'list', 'read'],
  [/^\/findings\/([^/]+)$/, 'findings', 'detail', 'read'],
  [/^\/quarantine$/, 'findings', 'quarantine', 'read'],
  [/^\/policy$/, 'policy', 'rules', 'read'],
  [/^\/policy\/([^/]+)$/, 'editor', 'edit', 'read'],
  [/^\/lists$/, 'lists', 'lists', 'read'],
  [/^\/alerts$/, 'alerts', 'list', 'read'],
  [/^\/audit$/, 'audit', 'list', 'audit'],
  [/^\/tenants$/, 'tenants', 'list', 'read'],
  [/^\/tenants\/([^/]+)$/, 'tenants', 'detail', 'read'],
  [/^\/accounts$/, 'accounts', 'list', 'manage'],
  [/^\/invitations$/, 'tenants', 'invitations', 'manage'],
  [/^\/me$/, 'me', 'settings', 'self'],
]
const alone = { '/sign-in': 'signIn', '/setup': 'setup', '/password': 'password', '/invitation': 'invitation', '/problem': 'problem' }

function menu() {
  const may = session.may
  return [
    [null, [
      may.read && ['/', 'overview', _('Overview')],
      may.read && ['/connections', 'link', _('Connections')],
      may.read && ['/findings', 'search', _('Findings')],
      may.read && ['/quarantine', 'box', _('Quarantine')],
      may.read && ['/alerts', 'bell', _('Alerts')],
    ]],
    [_('Rules'), [
      may.read && ['/policy', 'rules', _('Policy')],
      may.read && ['/lists', 'flag', _('Lists')],
    ]],
    [_('Administration'), [
      may.read && ['/tenants', 'building', _('Companies')],
      may.manage && ['/invitations', 'mail', _('Invitations')],
      may.manage && ['/accounts', 'people', _('Accounts')],
      may.audit && ['/audit', 'list', _('Audit trail')],
    ]],
  ].map(([title, entries]) => [title, entries.filter(Boolean)]).filter(([, entries]) => entries.length)
}

function brand(href) {
  return h('a.brand', { href }, gate(), h('span', null, h('b', null, _('sekisho')), _('Checkpoint for cloud apps')))
}

export function languageSwitch() {
  const other = currentLanguage() === 'ja' ? 'en' : 'ja'
  return h('button.link', { type: 'button', lang: other, onclick: async () => { await setLanguage(other, true); await show() } }, other === 'ja' ? '日本語' : 'English')
}

async function signOut() {
  await del('/session')
  session = null
  go('/sign-in')
}

function frame(path) {
  const current = (href) => (href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`))
  const side = h('div.side', { id: 'side' })
  const toggle = h('button.menu', { type: 'button', 'aria-expanded': 'false', 'aria-controls': 'nav', 'aria-label': _('Menu') }, icon('menu'))
  toggle.addEventListener('click', () => toggle.setAttribute('aria-expanded', String(side.classList.toggle('open'))))
  const main = h('main.main', { id: 'main', tabindex: '-1', 'aria-labelledby': 'title' })
  fill(side, brand('/'), toggle,
    h('nav', { id: 'nav', 'aria-label': _('Main') }, menu().map(([title, entries]) => [
      title && h('h2', null, title),
      h('ul', null, entries.map(([href, image, text]) => h('li', null, h('a', { href, 'aria-current': current(href) ? 'page' : null }, icon(image), text)))),
    ])),
    h('div.who', null,
      h('a', { href: '/me' }, session.name || session.login), h('span.small.muted', null, roleName(session.role)),
      h('div.row.small', null, languageSwitch(), h('button.link', { type: 'button', onclick: signOut }, _('Sign out')))))
  fill(app, h('a.skip', { href: '#main', onclick: (e) => { e.preventDefault(); main.focus() } }, _('Skip to content')), h('div.frame', null, side, main))
  return main
}

// A page without the menu: signing in, links, and what an invitation shows.
function bare(wide) {
  const main = h('main', { id: 'main', tabindex: '-1', 'aria-labelledby': 'title', class: 'stack' })
  fill(app, h('div.alone', { class: wide ? 'wide' : null }, brand(session?.role === 'invited' ? '/connect' : '/'), main, h('div.foot', null, languageSwitch(),
    session?.role === 'invited' && h('button.link', { type: 'button', onclick: signOut }, _('End this visit')))))
  return main
}

export async function refreshSession() {
  session = null
  try {
    session = await get('/session')
    setCsrf(session.csrf)
    setZone(session.time_zone)
  } catch (e) {
    if (e.status !== 401) throw e
  }
  return session
}

async function begin() {
  await refreshSession()
  if (!session) {
    signIn = await get('/sign-in')
    setZone(signIn.time_zone)
  }
  // An account has its language; who is only invited reads the browser's.
  const own = session && session.role !== 'invited' ? localStorage.getItem('language') ?? session.language : null
  await setLanguage(own ?? preferredLanguage(session?.language ?? signIn.language))
}

export function go(path) {
  history.pushState(null, '', path)
  return show()
}

// Shows the page of the address. A page that comes too late, after another was asked for, is dropped.
export async function show() {
  const mine = ++turn
  const path = location.pathname
  const context = { session, signIn, go, reload: show, refreshSession, current: () => mine === turn }
  const lonely = alone[path]
  let main
  try {
    if (lonely) {
      main = bare()
      const page = await import('./sign.js')
      if (!session && !signIn) context.signIn = signIn = await get('/sign-in')
      await page[lonely](main, context)
    } else if (!session) {
      await go('/sign-in')
      return
    } else {
      const found = routes.map(([pattern, ...rest]) => [pattern.exec(path), ...rest]).find(([match]) => match)
      if (session.role === 'invited' && found?.[2] !== 'flow' && path !== '/connect') {
        history.replaceState(null, '', '/connect')
        await show()
        return
      }
      main = session.role === 'invited' ? bare(true) : frame(path)
      if (!found || (found[3] !== 'self' && !session.may[found[3]])) {
        fill(main, head(_('Nothing here')), h('p', null, _('There is no such page, or it is not yours to see.')), h('p', null, h('a', { href: '/' }, _('To the overview'))))
        return
      }
      const [match, module, name] = found
      const page = await import(`./${module}.js`)
      if (mine === turn) await page[name](main, context, ...match.slice(1).map(decodeURIComponent))
    }
  } catch (e) {
    if (mine !== turn) return
    if (e.status === 401 && !lonely) {
      session = null
      sessionStorage.setItem('ended', '1')
      await go('/sign-in')
      return
    }
    fill(main, head(_('This did not work')), failure(e))
  } finally {
    if (mine === turn) {
      window.scrollTo(0, 0)
      document.body.dataset.ready = path
      if (turn > 1) document.getElementById('main')?.focus({ preventScroll: true })
    }
  }
}

document.addEventListener('click', (e) => {
  const a = e.target.closest?.('a[href]')
  if (!a || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || a.target || a.hasAttribute('download')) return
  const url = new URL(a.href)
  if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return
  e.preventDefault()
  go(url.pathname + url.search + url.hash)
})
window.addEventListener('popstate', show)

begin().then(show, (e) => fill(app, h('div.alone', null, h('main', { id: 'main' }, failure(e)))))
