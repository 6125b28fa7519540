// The reader's language. Texts stand in English in the sources and are looked up in the catalogue made of po/console at build
// time. _() and n_() work once setLanguage() is done.

let language = 'ja'
let catalogue = {}

export function currentLanguage() {
  return language
}

// What the reader chose on this device, else what the browser asks for, else fallback.
export function preferredLanguage(fallback) {
  const chosen = localStorage.getItem('language')
  if (chosen === 'ja' || chosen === 'en') return chosen
  for (const l of navigator.languages ?? []) {
    if (/^ja\b/i.test(l)) return 'ja'
    if (/^en\b/i.test(l)) return 'en'
  }
  return fallback ?? 'ja'
}

export async function setLanguage(name, remember) {
  if (remember) localStorage.setItem('language', name)
  if (name === 'ja' && !Object.keys(catalogue).length) {
    const answer = await fetch(new URL('ja.json', import.meta.url))
    catalogue = await answer.json()
  }
  language = name
  document.documentElement.lang = name
}

function put(text, values) {
  return values ? text.replace(/\{(\w+)\}/g, (all, key) => (key in values ? String(values[key]) : all)) : text
}

export function _(text, values) {
  return put(language === 'ja' ? catalogue[text] ?? text : text, values)
}

export function n_(one, many, n, values) {
  return put(language === 'ja' ? catalogue[one] ?? many : n === 1 ? one : many, { n: number(n), ...values })
}

export function number(n) {
  return new Intl.NumberFormat(language).format(n)
}

// Sentences one after the other: Japanese has no space between them.
export function sentences(...list) {
  return list.filter(Boolean).join(language === 'ja' ? '' : ' ')
}
