// Pieces that pages are made of.
import { h, fill, icon } from './dom.js'
import { _ } from './i18n.js'
import { turnText } from './format.js'

export function state([word, kind, image]) {
  return h('span.state', { class: kind }, icon(image), word)
}

export function tag(text) {
  return h('span.tag', null, text)
}

// The head of a page; sets the window's title, too.
export function head(title, { lead, actions, back } = {}) {
  document.title = `${title} · ${_('sekisho')}`
  return h('header.head', null,
    h('div.grow', null,
      back && h('a.crumb', { href: back.href }, icon('back'), back.text),
      h('h1', { id: 'title' }, title),
      lead && h('p', null, lead)),
    actions && h('div.row', null, actions))
}

export function notice(kind, title, text, more) {
  const images = { good: 'check', warn: 'warn', bad: 'bad' }
  return h('div.notice', { class: kind, role: kind === 'bad' ? 'alert' : null }, icon(images[kind] ?? 'info'),
    h('div', null, title && h('b', null, title), text && h('p', null, text), more))
}

// What happened, whose turn it is, what to do next; the provider's words folded away.
export function trouble(e, { kind = 'bad', more } = {}) {
  const known = e.code === 'unreachable'
    ? { message: _('The console cannot be reached.'), turn: 'us', next: _('Check your network, then try again.') }
    : e
  const p = e.provider
  return notice(kind, known.message || _('Something went wrong.'), null, [
    h('dl', null,
      turnText(known.turn) && [h('dt', null, _('Whose turn')), h('dd', null, turnText(known.turn))],
      known.next && [h('dt', null, _('Next')), h('dd', null, known.next)]),
    h('details', null, h('summary', null, _('Technical details')),
      h('dl', null,
        h('dt', null, _('Code')), h('dd', null, h('code', null, e.code)),
        p?.request_id && [h('dt', null, _('Request')), h('dd', null, h('code', null, p.request_id))],
        p?.message && [h('dt', null, _('Message')), h('dd', { lang: 'en' }, p.message)])),
    more,
  ])
}

export function failure(error) {
  return trouble(error.error ?? { code: 'script', message: _('Something went wrong.'), turn: 'us', next: _('Load the page again.'), provider: { message: String(error.message ?? error) } })
}

export function empty(image, text, action) {
  return h('div.empty', null, icon(image), h('p', null, text), action)
}

// Says it to everybody: shown for a while, and read aloud.
export function toast(text) {
  document.querySelector('.toast')?.remove()
  const t = h('div.toast', null, icon('check'), text)
  document.body.append(t)
  say(text)
  setTimeout(() => t.remove(), 5000)
}

export function say(text) {
  const live = document.getElementById('live')
  live.textContent = ''
  setTimeout(() => { live.textContent = text }, 50)
}

// A button that works once at a time; a failure appears in `place` (an element), or in place of the button's neighbour.
export function button(text, act, { kind = '', image, place, label } = {}) {
  const b = h('button', { type: 'button', class: kind, 'aria-label': label }, image && icon(image), text)
  b.addEventListener('click', () => busy(b, act, place ?? b.parentElement))
  return b
}

export async function busy(b, act, place) {
  if (b.getAttribute('aria-busy') === 'true') return
  b.setAttribute('aria-busy', 'true')
  place?.querySelector(':scope > .notice.failed')?.remove()
  try {
    await act()
  } catch (e) {
    const n = failure(e)
    n.classList.add('failed')
    if (place) place.append(n)
    else throw e
  } finally {
    b.removeAttribute('aria-busy')
  }
}

let fields = 0

// A labelled input. options: type, hint, required, autocomplete, value, choices ([value, text]), rows, …
export function field(label, name, options = {}) {
  const { hint, choices, type = 'text', class: extra, ...rest } = options
  const id = `f${++fields}`
  const described = hint ? `${id}h` : null
  let input
  if (choices) {
    input = h('select', { id, name, 'aria-describedby': described, ...rest }, choices.map(([v, t]) => h('option', { value: v, selected: v === rest.value }, t)))
  } else {
    input = h(type === 'textarea' ? 'textarea' : 'input', { id, name, type: type === 'textarea' ? null : type, 'aria-describedby': described, spellcheck: 'false', autocapitalize: 'off', ...rest })
  }
  if (rest.value !== undefined) input.value = rest.value
  return h('div.field', { class: extra }, h('label', { for: id }, label), input, hint && h('span.hint', { id: described }, hint))
}

// A form that sends its values to act(values). Failures stand above the button.
export function form(children, text, act, { kind = 'primary', wide = false, extra } = {}) {
  const place = h('div', { class: 'stack' })
  const b = h('button', { type: 'submit', class: wide ? `${kind} wide` : kind }, text)
  const f = h('form', null, children, place, h('div.row', null, b, extra))
  f.addEventListener('submit', (event) => {
    event.preventDefault()
    busy(b, () => act(values(f)), place)
  })
  return f
}

export function values(f) {
  const out = {}
  for (const e of f.elements) {
    if (!e.name || (e.type === 'radio' && !e.checked)) continue
    if (e.dataset.list !== undefined) {
      out[e.name] ??= []
      if (e.checked) out[e.name].push(e.value)
    } else {
      out[e.name] = e.type === 'checkbox' ? e.checked : e.value
    }
  }
  return out
}

export function check(label, name, { checked = false, value, list = false, hint } = {}) {
  return h('label.choice', null, h('input', { type: 'checkbox', name, checked, value: value ?? 'on', 'data-list': list ? '' : null }), h('span', null, h('b', null, label), hint && h('span.sub', null, hint)))
}

export function radio(name, value, label, sub, { checked = false, disabled = false } = {}) {
  return h('label.choice', null, h('input', { type: 'radio', name, value, checked, disabled }), h('span', null, h('b', null, label), sub && h('span.sub', null, sub)))
}

// A modal; body(close) gives its content. Resolves with what close() got; Esc closes with undefined.
export function dialog(title, body) {
  return new Promise((done) => {
    const d = h('dialog', { 'aria-labelledby': 'dialog-title' })
    const close = (value) => { d.close(); d.remove(); done(value) }
    d.addEventListener('cancel', (e) => { e.preventDefault(); close() })
    add(d, title, body(close))
    document.body.append(d)
    d.showModal()
  })
}

function add(d, title, content) {
  fill(d, h('h2', { id: 'dialog-title' }, title), content)
}

// Asks before something that cannot be taken back. Resolves with true when it was done; act() runs inside the dialog.
export function confirm(title, text, word, act, { kind = 'danger' } = {}) {
  return dialog(title, (close) => {
    const place = h('div.stack')
    const b = h('button', { type: 'button', class: kind }, word)
    b.addEventListener('click', () => busy(b, async () => { await act(); close(true) }, place))
    return [h('div', null, typeof text === 'string' ? h('p', null, text) : text), place,
      h('div.row', null, h('button', { type: 'button', onclick: () => close(false), autofocus: true }, _('Cancel')), b)]
  })
}

export function copyable(text, label) {
  const b = h('button', { type: 'button', 'aria-label': _('Copy: {what}', { what: label }) }, icon('copy'), _('Copy'))
  b.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text)
    toast(_('Copied'))
  })
  return h('div.copy', null, h('code', null, text), b)
}

// columns: [[title, row => content, {number, lead}]]
export function table(caption, columns, rows) {
  return h('div.scroll', null, h('table.cards', null, h('caption.visually-hidden', null, caption),
    h('thead', null, h('tr', null, columns.map(([t, , o]) => h('th', { scope: 'col', class: o?.number ? 'number' : null }, t)))),
    h('tbody', null, rows.map((r) => h('tr', null, columns.map(([t, content, o]) =>
      h('td', { class: [o?.number && 'number', o?.lead && 'lead'].filter(Boolean).join(' ') || null, 'data-label': t }, content(r))))))))
}

export function pairs(list) {
  return h('dl.pairs', null, list.filter(([, v]) => v !== null && v !== undefined && v !== false && v !== '').map(([k, v]) => [h('dt', null, k), h('dd', null, v)]))
}

// A list that loads more on demand. load(next) → {items, next}; show(items) → element.
export function pages(load, show, none) {
  const place = h('div')
  const more = h('div.row')
  let items = []
  const step = async (next) => {
    const page = await load(next)
    items = next ? items.concat(page.items) : page.items
    fill(place, items.length ? show(items) : none)
    fill(more, page.next && button(_('Show more'), () => step(page.next)))
  }
  return { element: h('div.stack', null, place, more), start: () => step('') }
}
