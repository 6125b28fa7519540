// Reads Dropbox's interface description (Stone files) and checks values against it: enough of the language for the
// published files, and strict: unknown fields and unknown tags are mistakes, because fakecloud must not invent any.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const bare = (text) => text
  .replace(/\n\s+"(?:[^"\\]|\\.)*"/g, '')
  .replace(/\n    example [^\n]*(\n        [^\n]*|\n(?=\n        ))*/g, '')
  .split('\n').filter((l) => l.trim() && !l.trim().startsWith('#') && !l.trim().startsWith('@'))

// As Stone's own validators (Python) read it: \\w is a letter or digit of any script.
export const pattern = (text) => new RegExp(`^(?:${text.replace('[\\w]', '[\\p{L}\\p{N}\\p{Mn}_]')})$`, 'su')

// "List(Rev, max_items=3)?" becomes {name, args, named, nullable}.
function parseType(text, ns) {
  text = text.trim()
  const nullable = text.endsWith('?')
  if (nullable) text = text.slice(0, -1).trim()
  const open = text.indexOf('(')
  if (open < 0) return { name: text, ns, args: [], named: {}, nullable }
  const parts = []
  let depth = 0, from = open + 1, quoted = false
  for (let i = open + 1; i < text.length; i++) {
    if (text[i] === '\\' && quoted) i++
    else if (text[i] === '"') quoted = !quoted
    else if (!quoted && (text[i] === '(' || text[i] === '[')) depth++
    else if (!quoted && depth && (text[i] === ')' || text[i] === ']')) depth--
    else if (!quoted && !depth && (text[i] === ',' || text[i] === ')')) {
      parts.push(text.slice(from, i).trim())
      from = i + 1
    }
  }
  const named = {}, args = []
  for (const part of parts.filter(Boolean)) {
    const [, key, value] = /^(\w+)=(.*)$/s.exec(part) ?? []
    if (key) named[key] = value.startsWith('"') ? JSON.parse(value.replace(/\\\//g, '/')) : Number(value)
    else args.push(part.startsWith('"') ? JSON.parse(part) : parseType(part, ns))
  }
  return { name: text.slice(0, open), ns, args, named, nullable }
}

export class Stone {
  types = new Map()
  routes = new Map()

  constructor(dir) {
    for (const file of readdirSync(dir).filter((f) => f.endsWith('.stone'))) this.read(bare(`\n${readFileSync(join(dir, file), 'utf8')}`))
  }

  read(lines) {
    let ns, kind, at
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]
      let m
      if ((m = /^namespace (\w+)/.exec(line))) ns = m[1]
      else if ((m = /^alias (\w+) = (.*)$/.exec(line))) this.types.set(`${ns}.${m[1]}`, { kind: 'alias', type: parseType(m[2], ns) })
      else if ((m = /^(struct|union_closed|union) (\w+)(?: extends ([\w.]+))?/.exec(line))) {
        kind = m[1] === 'struct' ? 'struct' : 'union'
        at = { kind, ns, name: m[2], parent: m[3], fields: new Map(), closed: m[1] === 'union_closed' }
        this.types.set(`${ns}.${m[2]}`, at)
      } else if ((m = /^route ([\w/]+)(?::(\d+))? \((.*)\)/.exec(line))) {
        const [arg, result, error] = parseType(`X(${m[3]})`, ns).args
        at = { kind: 'route', ns, name: `${ns}/${m[1]}${m[2] && m[2] !== '1' ? `_v${m[2]}` : ''}`, arg, result, error, attrs: {} }
        this.routes.set(at.name, at)
      } else if (/^\S/.test(line)) at = undefined
      else if (at?.kind === 'route') {
        if ((m = /^\s+(\w+) = (.*)$/.exec(line))) at.attrs[m[1]] = JSON.parse(m[2])
      } else if (at?.kind === 'struct' && /^    union(_closed)?\*?$/.test(line)) {
        at.subtypes = new Map()
        while (lines[i + 1]?.startsWith('        ')) {
          const [, tag, type] = /^\s+(\w+) (\S+)/.exec(lines[++i])
          at.subtypes.set(tag, parseType(type, ns))
        }
      } else if (at && (m = /^    (\w+)(?: (.*))?$/.exec(line))) {
        const [, type, fallback] = /^(.*?)(?:\s+= (.*))?$/.exec(m[2] ?? '')
        at.fields.set(m[1], { type: type ? parseType(type, ns) : undefined, optional: fallback !== undefined })
      }
    }
  }

  find(name, ns) {
    return this.types.get(name.includes('.') ? name : `${ns}.${name}`)
  }

  // All fields of a struct or tags of a union, its parents' first.
  fields(def) {
    const parent = def.parent ? this.fields(this.find(def.parent, def.ns)) : []
    return [...parent, ...def.fields]
  }

  resolve(type) {
    const def = this.find(type.name, type.ns)
    return def?.kind === 'alias' ? this.resolve({ ...def.type, nullable: def.type.nullable || type.nullable }) : { type, def }
  }

  // What is wrong with a value of a type, as texts that begin with its path.
  check(type, value, path = 'value') {
    const { type: real, def } = this.resolve(type)
    if (value === null && real.nullable) return []
    if (!def) return this.primitive(real, value, path)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: ${def.name} expected, got ${JSON.stringify(value)}`]
    return def.kind === 'struct' ? this.struct(def, value, path) : this.union(def, value, path)
  }

  struct(def, value, path, tagged = false) {
    if (def.subtypes && !tagged) {
      const sub = def.subtypes.get(value['.tag'])
      return sub ? this.struct(this.resolve(sub).def, value, path, true) : [`${path}: no subtype ${value['.tag']} of ${def.name}`]
    }
    const out = [], known = new Map(this.fields(def))
    for (const [key, { type, optional }] of known) {
      const missing = value[key] === undefined
      const nullable = this.resolve(type).type.nullable
      if (missing && !optional && !nullable) out.push(`${path}.${key}: missing`)
      if (!missing) out.push(...this.check(type, value[key], `${path}.${key}`))
    }
    for (const key of Object.keys(value)) {
      if (!known.has(key) && !(key === '.tag' && tagged)) out.push(`${path}.${key}: not a field of ${def.name}`)
    }
    return out
  }

  union(def, value, path) {
    const tag = value['.tag']
    const variant = new Map(this.fields(def)).get(tag)
    if (!variant) return [`${path}: no tag ${tag} of ${def.name}`]
    const extra = Object.keys(value).filter((k) => k !== '.tag' && k !== tag)
    if (!variant.type || variant.type.name === 'Void') return extra.length || value[tag] !== undefined ? [`${path}: ${tag} has no value`] : []
    const inner = this.resolve(variant.type)
    if (inner.def?.kind === 'struct' && !inner.def.subtypes) {
      if (inner.type.nullable && Object.keys(value).length === 1) return []
      return this.struct(inner.def, value, `${path}<${tag}>`, true)
    }
    if (extra.length) return [`${path}: ${extra} beside ${tag}`]
    if (value[tag] === undefined) return inner.type.nullable ? [] : [`${path}.${tag}: missing`]
    return this.check(variant.type, value[tag], `${path}.${tag}`)
  }

  primitive(type, value, path) {
    const wrong = (what) => [`${path}: ${what} expected, got ${JSON.stringify(value)}`]
    const { named } = type
    switch (type.name) {
      case 'Void': return value === null || value === undefined ? [] : wrong('null')
      case 'Boolean': return typeof value === 'boolean' ? [] : wrong('boolean')
      case 'String':
        if (typeof value !== 'string') return wrong('string')
        if (named.min_length > [...value].length || named.max_length < [...value].length) return wrong(`length ${named.min_length}-${named.max_length}`)
        return named.pattern === undefined || pattern(named.pattern).test(value) ? [] : wrong(`pattern ${named.pattern}`)
      case 'UInt32': case 'UInt64': case 'Int32': case 'Int64':
        if (!Number.isInteger(value) || (type.name[0] === 'U' && value < 0)) return wrong(type.name)
        return named.min_value > value || named.max_value < value ? wrong('in range') : []
      case 'Float64': case 'Float32': return typeof value === 'number' ? [] : wrong('number')
      case 'Timestamp': return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) || (type.args[0] === '%Y-%m-%d' && /^\d{4}-\d\d-\d\d$/.test(value)) ? [] : wrong('timestamp')
      case 'List':
        if (!Array.isArray(value)) return wrong('list')
        if (named.min_items > value.length || named.max_items < value.length) return wrong(`${named.min_items ?? 0}-${named.max_items} items`)
        return value.flatMap((v, i) => this.check(type.args[0], v, `${path}[${i}]`))
      case 'Map':
        return Object.entries(value).flatMap(([k, v]) => this.check(type.args[1], v, `${path}.${k}`))
      default: return [`${path}: unknown type ${type.name}`]
    }
  }

  // What is wrong with the answer of a route; [] when nothing is.
  answer(name, { status, json, result, text }) {
    const route = this.routes.get(name)
    if (!route) return [`${name}: no such route`]
    const named = (full) => parseType(full, '')
    if (status === 200) {
      const download = route.attrs.style === 'download'
      return this.check(route.result, download ? result : json, name)
    }
    if (status === 400) return json === undefined && text.startsWith('Error in call') ? [] : [`${name}: 400 is plain text`]
    const type = status === 409 ? route.error : { 401: named('auth.AuthError'), 403: named('auth.AccessError'), 422: named('common.PathRootError'), 429: named('auth.RateLimitError') }[status]
    if (!type) return [`${name}: status ${status}`]
    if (typeof json?.error_summary !== 'string') return [`${name}: no error_summary`]
    const tags = []
    for (let e = json.error; e?.['.tag']; e = e[e['.tag']] ?? e.reason) tags.push(e['.tag'])
    const wrong = this.check(type, json.error, `${name} error`)
    // The summary is the chain of tags, as far as it goes, and a tail that varies.
    const said = json.error_summary.split('/').slice(0, -1)
    if (!said.length || said.some((tag, i) => tag !== tags[i])) wrong.push(`${name}: summary ${json.error_summary} does not say ${tags.join('/')}`)
    return wrong
  }
}
