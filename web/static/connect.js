// Connecting a cloud, step by step. What a step needs comes from the flow: an address to go to, values to copy and to paste.
import { del, download, get, post } from './api.js'
import { h, fill, icon, safeUrl } from './dom.js'
import { actionState, providerName, serviceName, servicesText, verdict } from './format.js'
import { _, n_, number } from './i18n.js'
import { button, busy, copyable, empty, field, form, head, notice, pairs, radio, say, state, trouble } from './ui.js'

const MARKS = { microsoft: 'M', google: 'G', box: 'B', dropbox: 'D' }
const POLL_MS = 5000

// ---- choosing ----

// A person of one company need not choose it.
async function companies(context) {
  const s = context.session
  if (s.tenants[0] !== '*' && s.tenants.length === 1) return [{ id: s.tenants[0], name: s.tenants[0] }]
  if (!s.may.read) return s.tenants.map((id) => ({ id, name: id }))
  return (await get('/tenants?limit=200')).items
}

function steps(now) {
  const names = [_('Choose'), _('Agree'), _('Check'), _('Done')]
  return h('ol.steps', { 'aria-label': _('Steps') }, names.map((t, i) => h('li', { class: i < now ? 'past' : null, 'aria-current': i === now ? 'step' : null }, h('i', null, i + 1), t)))
}

function unfinished(flows) {
  const open = flows.filter((f) => !['done', 'cancelled'].includes(f.step))
  return open.length > 0 && h('section.card.flush', null, h('h2', null, _('Begun and not finished')), h('ul.list', null, open.map((f) => h('li.row.between', null,
    h('span', null, h('span.name', null, providerName(f.provider)), h('span.muted', null, ` ${f.tenant}`)), h('a.button', { href: `/connect/${encodeURIComponent(f.id)}` }, _('Go on'))))))
}

export async function begin(main, context) {
  const params = new URLSearchParams(location.search)
  const [{ items: providers }, tenants, { items: flows }] = [await get('/providers'), await companies(context), await get('/flows')]
  if (!context.current()) return
  const renewed = params.get('renew') && JSON.parse(sessionStorage.getItem('renew') ?? 'null')
  if (renewed?.connection === params.get('renew')) {
    const p = providers.find((x) => x.id === renewed.provider)
    explain(main, context, p, tenants.filter((t) => t.id === renewed.tenant), renewed)
    return
  }
  if (!tenants.length) {
    fill(main, head(_('Connect a cloud')), h('div.card', null, empty('building', _('Add a company first: each connection belongs to one.'), h('a.button.primary', { href: '/tenants' }, _('To the companies')))))
    return
  }
  const wanted = params.get('tenant')
  fill(main, head(_('Connect a cloud'), { lead: _('Which cloud does the company use?') }), steps(0), h('div.stack', null,
    h('div.clouds', null, providers.map((p) => {
      const b = h('button.cloud', { type: 'button' }, h('span.mark', { 'aria-hidden': 'true' }, MARKS[p.id]), h('b', null, p.title), h('span.muted', null, servicesText(p.services)))
      b.addEventListener('click', () => explain(main, context, p, wanted ? tenants.filter((t) => t.id === wanted) : tenants))
      return b
    })), unfinished(flows)))
}

function permissionTable(p) {
  return h('details', null, h('summary', null, n_('{n} permission, and why it is needed', '{n} permissions, and why each is needed', p.permissions.length)),
    h('ul.checks', null, p.permissions.map((s) => h('li', null, icon(s.changes ? 'shield' : 'eye'), h('span', null, h('code', null, s.name), ' ', s.why, s.changes && h('span.muted', null, ` ${_('(only in protect mode)')}`))))))
}

// How a connection was made, by the public facts of its grant.
function methodOf(provider, grant) {
  const own = !grant.app
  switch (provider) {
    case 'microsoft': return own ? (grant.type === 'client_secret' ? 'secret' : 'certificate') : 'consent'
    case 'google': return own ? 'key' : 'delegation'
    case 'box': return grant.type === 'oauth' ? 'oauth' : own ? 'config' : 'jwt'
    default: return 'oauth'
  }
}

// In the administrator's words: what is read, what is changed, which permissions; then off to the provider.
function explain(main, context, p, tenants, renewed) {
  const methods = p.methods
  const before = renewed && methods.find((m) => m.id === methodOf(p.id, renewed.grant ?? {}))
  const first = before?.configured ? before : methods.find((m) => m.configured) ?? methods[0]
  const place = h('div.stack')
  const f = form([
    tenants.length > 1 ? field(_('Company'), 'tenant', { choices: tenants.map((t) => [t.id, t.name || t.id]) }) : h('input', { type: 'hidden', name: 'tenant', value: tenants[0]?.id }),
    methods.length > 1
      ? h('fieldset', null, h('legend', null, _('How')), methods.map((m) => radio('method', m.id, m.title, m.configured ? m.how : _('The operator has not set up an application for this.'), { checked: m === first, disabled: !m.configured })))
      : [h('input', { type: 'hidden', name: 'method', value: first.id }), first.configured ? h('p', null, first.how) : notice('warn', _('Not set up yet'), _('The operator has not set up an application for this.'))],
  ], renewed ? _('Connect again') : _('Continue'), async (v) => {
    const flow = await post('/flows', { provider: p.id, tenant: v.tenant, method: v.method, ...(renewed ? { connection: renewed.connection } : {}) })
    sessionStorage.removeItem('renew')
    const url = flow.step === 'away' ? safeUrl(flow.facts?.url) : null
    if (url) location.assign(url)
    else await context.go(`/connect/${encodeURIComponent(flow.id)}`)
  }, { extra: h('a.button', { href: '/connect', onclick: () => sessionStorage.removeItem('renew') }, _('Back')) })
  fill(main, head(renewed ? _('Connect {name} again', { name: p.title }) : _('Connect {name}', { name: p.title }), {
    lead: renewed ? _('The place in each feed is kept, so no change is missed.') : null,
  }), steps(1), h('div.stack', null,
    h('section.card', null, h('div.stack', null,
      h('div', null, h('h2', null, _('What sekisho reads')), h('p', null, p.reads)),
      h('div', null, h('h2', null, _('What sekisho changes')), h('p', null, p.changes)),
      permissionTable(p))),
    h('section.card', null, f), place))
  window.scrollTo(0, 0)
  main.focus({ preventScroll: true })
}

// ---- one flow ----

export async function flow(main, context, id) {
  const f = await get(`/flows/${encodeURIComponent(id)}`)
  if (context.current()) await showFlow(main, context, f)
}

const STEP = { explain: 1, away: 1, paste: 1, proving: 2, preview: 2, done: 3, failed: 2, cancelled: 1 }

async function showFlow(main, context, f) {
  const place = h('div.stack')
  fill(main, head(f.renew ? _('Connect {name} again', { name: providerName(f.provider) }) : _('Connect {name}', { name: providerName(f.provider) })), steps(STEP[f.step] ?? 1), place)
  const update = (next) => showFlow(main, context, next)
  const views = { away: awayView, paste: pasteView, explain: pasteView, proving: provingView, preview: previewView, done: doneView, failed: failedView, cancelled: cancelledView }
  await (views[f.step] ?? failedView)(place, context, f, update)
}

async function cancel(f, context) {
  await del(`/flows/${encodeURIComponent(f.id)}`)
  await context.go(context.session.role === 'invited' ? '/connect' : '/connections')
}

function cancelButton(f, context) {
  return button(_('Cancel'), () => cancel(f, context))
}

function awayView(place, context, f, update) {
  fill(place, h('section.card', null, h('div.stack', null,
    h('p', null, _('Sign in at {cloud} as an administrator and agree. You come back here by yourself.', { cloud: providerName(f.provider) })),
    h('p.muted', null, _('Finish within five minutes, in this browser.')),
    h('div.row', null, button(_('To {cloud}', { cloud: providerName(f.provider) }), () => again(f, context, update), { kind: 'primary', place }), cancelButton(f, context)))))
}

// What is pasted, as the flow names it: [name, label, options].
function wanted(f) {
  const known = {
    directory: [_('Directory (tenant) ID')],
    client_id: [_('Application (client) ID')],
    client_secret: [_('Client secret (its value)'), { type: 'password' }],
    subject: [_('Address of an administrator'), { type: 'email', hint: _('sekisho lists the users as this person, who needs the right to do so.') }],
    key_file: [_('Content of the JSON key'), { type: 'textarea', hint: _('The file that Google Cloud lets you download for the service account.') }],
    enterprise_id: [_('Enterprise ID'), { inputmode: 'numeric', hint: _('Admin Console → Account & Billing.') }],
    config_file: [_('Content of the configuration file'), { type: 'textarea', hint: _('The JSON file that the Box developer console lets you download.') }],
  }
  return (f.facts?.fields ?? []).map((name) => [name, ...(known[name] ?? [name])])
}

function elsewhere(url, text) {
  return safeUrl(url) ? h('a', { href: safeUrl(url), target: '_blank', rel: 'noreferrer' }, text) : null
}

function delegation(facts) {
  return [
    [_('Open domain-wide delegation in the Google Admin console and choose “Add new”.'), ' ', elsewhere(facts.link, _('Open'))],
    facts.client_number && [_('Paste this client ID:'), copyable(facts.client_number, _('Client ID'))],
    !facts.client_number && [_('Paste the numeric client ID of your service account.')],
    [_('Paste these scopes, as one line:'), copyable(facts.scopes ?? '', _('Scopes'))],
    [_('Choose “Authorize”. It may take a while until Google knows it everywhere; this page goes on checking.')],
  ].filter(Boolean)
}

const ENTRA = 'https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade'

// What to do elsewhere first, with what to copy.
function instructions(f) {
  const facts = f.facts ?? {}
  const entra = (middle) => [
    [_('Register an application in Entra, for this organisation only.'), ' ', elsewhere(ENTRA, _('Open'))],
    middle,
    [_('Add these application permissions and grant admin consent:'), h('details', null, h('summary', null, n_('{n} permission', '{n} permissions', facts.needed?.length ?? 0)), h('ul', null, (facts.needed ?? []).map((p) => h('li', null, h('code', null, p)))))],
    [_('Copy both IDs from the overview of the application.')],
  ]
  switch (`${f.provider}/${f.method}`) {
    case 'google/delegation':
      return delegation(facts)
    case 'google/key':
      return [[_('Make a service account in your Google Cloud project, enable the Gmail, Drive and Admin SDK APIs, and download a JSON key.')], ...delegation(facts)]
    case 'microsoft/certificate':
      return entra([_('Upload this certificate under “Certificates & secrets”. The private key stays in sekisho.'), h('div.row', null,
        button(_('Download the certificate'), () => download('GET', `/flows/${encodeURIComponent(f.id)}/files/certificate`), { image: 'down' }),
        facts.thumbprint && h('span.small.muted', null, _('Thumbprint'), ' ', h('code', null, facts.thumbprint)))])
    case 'microsoft/secret':
      return entra([_('Make a client secret under “Certificates & secrets” and copy its value.')])
    case 'box/jwt':
      return [
        [_('Open the Box Admin Console → Apps → Custom Apps Manager, and choose “Add App”.'), ' ', elsewhere(facts.link, _('Open'))],
        facts.client_id && [_('Paste this client ID and authorize the application:'), copyable(facts.client_id, _('Client ID'))],
        [_('Copy your enterprise ID from Account & Billing.')],
      ].filter(Boolean)
    case 'box/config':
      return [
        [_('Make an application with server authentication (JWT) in the Box developer console, and download its configuration file.')],
        [_('Authorize it in the Admin Console → Apps → Custom Apps Manager.'), ' ', elsewhere(facts.link, _('Open'))],
      ]
    default:
      return []
  }
}

function elsewhereCard(f) {
  return h('section.card', null, h('h2', null, _('At {cloud}', { cloud: providerName(f.provider) })), h('ol.stack', null, instructions(f).map((t) => h('li', null, t))))
}

async function pasteView(place, context, f, update) {
  const old = f.renew && context.session.may.read ? (await get(`/connections/${encodeURIComponent(f.connection)}`)).grant ?? {} : {}
  const fields = wanted(f).map(([name, label, o]) => [name, label, { ...o, value: typeof old[name] === 'string' ? old[name] : undefined }])
  fill(place,
    f.error && trouble(f.error, { kind: 'warn' }),
    instructions(f).length > 0 && elsewhereCard(f),
    h('section.card', null, h('h2', null, _('Here')), form(fields.map(([name, label, o]) => field(label, name, { required: true, autocomplete: 'off', ...o })), _('Check'), async (v) => {
      const next = await post(`/flows/${encodeURIComponent(f.id)}/submit`, { fields: Object.fromEntries(fields.map(([name]) => [name, v[name].trim()])) })
      await update(next)
    }, { extra: cancelButton(f, context) })))
}

// Proves the grant with real calls; goes on by itself while the answer is "not yet".
async function provingView(place, context, f, update) {
  const list = h('ul.checks', null, h('li', null, icon('wait', 'spin'), _('Real calls are made: token, organisation, one user, one feed …')))
  const row = h('div.row', null, cancelButton(f, context))
  const told = h('div')
  fill(place, h('section.card', null, h('div.stack', null, h('h2', null, _('Checking the permission')), list, row)), told)
  say(_('Checking the permission'))
  for (;;) {
    let next
    try {
      next = await post(`/flows/${encodeURIComponent(f.id)}/check`)
    } catch (e) {
      if (!context.current()) return
      if (e.status !== 503) throw e
    }
    if (!context.current() || !list.isConnected) return
    /* Connecting again needs no more questions when nothing is missing. */
    if (next?.step === 'preview' && next.renew && !next.report?.missing?.length) next = await post(`/flows/${encodeURIComponent(f.id)}/finish`)
    if (next && next.step !== 'proving') {
      await update(next)
      return
    }
    if (next?.error) {
      fill(list, h('li', null, trouble(next.error, { kind: 'warn' })), h('li', null, icon('wait', 'spin'), _('Checked again by itself every few seconds …')))
      if (!told.firstChild && instructions(next).length) fill(told, elsewhereCard(next))
      fill(row, wanted(f).length
        ? button(_('Correct what was entered'), () => pasteView(place, context, next, update))
        : button(_('Sign in once more'), () => again(f, context, update), { place }), cancelButton(f, context))
    }
    await new Promise((done) => setTimeout(done, POLL_MS))
    if (!context.current() || !list.isConnected) return
  }
}

function permissionChecks(report) {
  const missing = report.missing ?? []
  const unused = report.unused ?? []
  const granted = (report.granted ?? []).filter((p) => !unused.includes(p))
  return h('ul.checks', null,
    missing.map((p) => h('li.bad', null, icon('bad'), h('span', null, h('code', null, p), ' ', _('is missing')))),
    granted.map((p) => h('li.good', null, icon('check'), h('span', null, h('code', null, p)))),
    unused.map((p) => h('li', null, icon('info'), h('span', null, h('code', null, p), ' ', h('span.muted', null, _('granted, but not needed'))))),
    !missing.length && !granted.length && h('li.good', null, icon('check'), _('The calls that sekisho needs work.')))
}

function counts(preview) {
  const services = preview?.services ?? []
  return h('div.stack', null,
    services.length ? pairs(services.map((v) => [serviceName(v.service), [
      h('b', null, n_('{n} owner', '{n} owners', v.owners)), ' · ', n_('{n} feed', '{n} feeds', v.streams),
      v.not_reached > 0 && h('span.muted', null, ` · ${_('{n} cannot be reached', { n: number(v.not_reached) })}`),
      v.names.length > 0 && h('div.small.muted', null, v.names.join(', '), v.owners > v.names.length && ' …')]]))
      : h('p.muted', null, _('Nothing was found yet.')),
    preview && !preview.complete && services.length > 0 && h('p.small.muted', null, _('These are the first ones; there are more.')))
}

function previewView(place, context, f, update) {
  const missing = f.report?.missing?.length > 0
  fill(place,
    missing ? notice('warn', _('It works, but permissions are missing.'), _('What they are for will not be watched. You can add them at the provider later, and check again.'))
      : notice('good', _('The permission works.'), f.report?.organisation ? _('It is that of {organisation}.', { organisation: f.report.organisation }) : null),
    h('div.cols', null,
      h('section.card', null, h('h2', null, _('What was found')), counts(f.preview)),
      h('section.card', null, h('h2', null, _('Granted and needed')), permissionChecks(f.report ?? {}))),
    h('section.card', null, form(f.renew ? h('p', null, _('The connection goes on with its mode and its place in each feed.')) : h('fieldset', null, h('legend', null, _('Begin with')),
      radio('mode', 'monitor', _('Monitor (recommended)'), _('Threats are found and reported. Nothing in the cloud is changed.'), { checked: true }),
      radio('mode', 'protect', _('Protect'), _('Threats are found, reported and contained.'))),
    _('Connect'), async (v) => update(await post(`/flows/${encodeURIComponent(f.id)}/finish`, f.renew ? {} : { protect: v.mode === 'protect' })),
    { extra: [missing && button(_('Check again'), async () => update(await post(`/flows/${encodeURIComponent(f.id)}/check`))), cancelButton(f, context)] })))
}

// Done: a harmless test detection goes through before the administrator's eyes.
function doneView(place, context, f) {
  const test = h('div.stack')
  const showTest = (flow) => {
    const d = flow.detection
    if (!flow.finding) {
      fill(test, h('p', null, _('See it work: a harmless test file, known to every scanner, is sent through scanning and the rules.')), h('div', null, button(_('Send a test detection'), async () => {
        showTest(await post(`/flows/${encodeURIComponent(f.id)}/test`))
        await watch()
      }, { kind: 'primary', image: 'flag', place: test })))
      return
    }
    const found = d && d.verdict?.status
    fill(test, h('ul.checks', null,
      h('li.good', null, icon('check'), _('The test file was handed over.')),
      h('li', { class: found ? 'good' : null }, icon(found ? 'check' : 'wait', found ? '' : 'spin'), found ? h('span', null, _('It was scanned:'), ' ', state(verdict(d.verdict.status)), ' ', h('code', null, d.verdict.threats.map((t) => t.name).join(', '))) : _('It is being scanned …')),
      found && h('li.good', null, icon('check'), h('span', null, _('The rules decided:'), ' ', state(actionState(d.action))))),
    found && notice('good', _('It works.'), context.session.may.read ? h('a', { href: `/findings/${encodeURIComponent(d.id)}` }, _('See the finding')) : null))
    if (found) say(_('It works.'))
  }
  const watch = async () => {
    for (let i = 0; i < 60 && place.isConnected && context.current(); i++) {
      const now = await get(`/flows/${encodeURIComponent(f.id)}?poll=1`)
      showTest(now)
      if (now.detection) return
      await new Promise((done) => setTimeout(done, 1000))
    }
  }
  fill(place, notice('good', f.renew ? _('Connected again.') : _('Connected.'), _('New mails and files are being looked at from now on.')),
    h('section.card', null, h('h2', null, _('Test')), test),
    h('div.row', null, context.session.may.read
      ? [f.connection && h('a.button.primary', { href: `/connections/${encodeURIComponent(f.connection)}` }, _('To the connection')), h('a.button', { href: '/connect' }, _('Connect another cloud'))]
      : [h('a.button', { href: '/connect' }, _('Connect another cloud')), h('p.muted', null, _('If that was all, you can close this window.'))]))
  showTest(f)
  if (f.finding && !f.detection) busy(h('button'), watch)
}

// Away again with a new address (the old one lives five minutes), or back to what was pasted.
async function again(f, context, update) {
  const next = await post(`/flows/${encodeURIComponent(f.id)}/submit`, { fields: {} })
  const url = next.step === 'away' ? safeUrl(next.facts?.url) : null
  if (url) location.assign(url)
  else await update(next)
}

function failedView(place, context, f, update) {
  const back = h('div.row')
  fill(place, f.error ? trouble(f.error) : notice('bad', _('This did not work')), back)
  fill(back, wanted(f).length
    ? button(_('Correct what was entered'), () => pasteView(place, context, f, update), { kind: 'primary' })
    : button(_('Begin again'), () => again(f, context, update), { kind: 'primary', place }), cancelButton(f, context))
}

function cancelledView(place) {
  fill(place, notice('', _('This attempt was given up.')), h('p', null, h('a.button', { href: '/connect' }, _('Begin again'))))
}

