// Elements without markup: text is always text, whatever a file name, subject or sender holds.

const SVG = 'http://www.w3.org/2000/svg'

// h('a.name', { href: '/' }, 'text', [more]). Attributes: on… are listeners; true and false set and leave out; null is left out.
export function h(what, attributes, ...children) {
  const [tag, ...classes] = what.split('.')
  const e = document.createElement(tag)
  if (classes.length) e.className = classes.join(' ')
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value)
    else if (name === 'class') e.className += ` ${value}`
    else if (name === 'value' || name === 'checked') e[name] = value
    else e.setAttribute(name, value === true ? '' : value)
  }
  add(e, children)
  return e
}

function add(e, children) {
  for (const c of children.flat(Infinity)) {
    if (c === null || c === undefined || c === false) continue
    e.append(c instanceof Node ? c : document.createTextNode(String(c)))
  }
}

export function fill(e, ...children) {
  e.replaceChildren()
  add(e, children)
  return e
}

// Addresses from outside: https only, so that no script can stand in one.
export function safeUrl(url) {
  try {
    const u = new URL(url)
    const local = u.protocol === 'http:' && /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(u.hostname)
    return u.protocol === 'https:' || local ? u.href : null
  } catch {
    return null
  }
}

const ICONS = {
  overview: 'M4 12l8-7 8 7M6 10.5V19h12v-8.5',
  link: 'M9.5 14.5l5-5M8 11l-2 2a3.5 3.5 0 0 0 5 5l2-2M16 13l2-2a3.5 3.5 0 0 0-5-5l-2 2',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20',
  box: 'M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8',
  bell: 'M6 17h12l-1.5-2V11a4.5 4.5 0 0 0-9 0v4zM10.3 19.5a2 2 0 0 0 3.4 0',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  building: 'M5 20V5h9v15M14 10h5v10M3.5 20h17M8 8.5h3M8 12h3M8 15.5h3',
  people: 'M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3.5 19c0-3 2.5-5 5.5-5s5.5 2 5.5 5M16 5.5a3 3 0 0 1 0 5.5M17.5 14.4c1.9.7 3 2.4 3 4.6',
  mail: 'M4 6h16v12H4zM4 7l8 6 8-6',
  person: 'M12 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM5 20c0-3.6 3.1-6 7-6s7 2.4 7 6',
  check: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8.3 12.3l2.5 2.5 5-5.3',
  warn: 'M12 4l9 16H3zM12 10v4.5M12 17.2v.1',
  bad: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM9 9l6 6M15 9l-6 6',
  info: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11v5M12 8v.1',
  off: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8 12h8',
  wait: 'M12 3.5a8.5 8.5 0 1 1-8.2 6.3',
  eye: 'M3 12s3.2-6 9-6 9 6 9 6-3.2 6-9 6-9-6-9-6zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  shield: 'M12 3.5l7 2.7v5.3c0 4.3-2.9 7.6-7 9-4.1-1.4-7-4.7-7-9V6.2zM9 12l2.2 2.2 4-4.2',
  plus: 'M12 5v14M5 12h14',
  back: 'M14.5 6l-6 6 6 6',
  menu: 'M4 7h16M4 12h16M4 17h16',
  copy: 'M8 8h11v11H8zM5 15V5h10',
  down: 'M12 4v11M7.5 10.8L12 15.3l4.5-4.5M5 19.5h14',
  out: 'M10 5H5v14h5M14 8l4 4-4 4M18 12H9.5',
  rules: 'M4.5 7l1.5 1.5L8.5 6M12 7.5h8M4.5 13l1.5 1.5 2.5-2.5M12 13.5h8M4.5 19l1.5 1.5 2.5-2.5M12 19.5h8',
  flag: 'M6 21V4M6 5h11l-2 3.5L17 12H6',
}

export function icon(name, extra) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('class', extra ? `icon ${extra}` : 'icon')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', ICONS[name] ?? ICONS.info)
  svg.append(path)
  return svg
}

// The gate: the mark of the product.
export function gate() {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 32 32')
  svg.setAttribute('aria-hidden', 'true')
  for (const [tag, attributes] of [
    ['rect', { width: 32, height: 32, rx: 7, fill: '#24527a' }],
    ['path', { d: 'M5 9h22v3.4H5zM9 12.4h3.2V26H9zM19.8 12.4H23V26h-3.2zM12.2 16h7.6v2.4h-7.6z', fill: '#fff' }],
  ]) {
    const e = document.createElementNS(SVG, tag)
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
    svg.append(e)
  }
  return svg
}

export function qrCode(qr, label) {
  const svg = document.createElementNS(SVG, 'svg')
  const margin = 2
  svg.setAttribute('viewBox', `${-margin} ${-margin} ${qr.size + 2 * margin} ${qr.size + 2 * margin}`)
  svg.setAttribute('class', 'qr')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  svg.setAttribute('shape-rendering', 'crispEdges')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', qr.path)
  svg.append(path)
  return svg
}
