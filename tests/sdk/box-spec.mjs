// Box's OpenAPI document as JSON schemas: check(method, path, status, json) gives the list of what does not fit.
import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, specs } from './lib.mjs'

// OpenAPI 3.0 to JSON Schema. `nullable` counts in any branch of an allOf, as the document uses it. oneOf becomes
// anyOf: some branches take any object. Codes of errors are checked as text: the document's list leaves out those that
// its own descriptions name.
function convert(schema, name) {
  if (Array.isArray(schema)) return schema.map((s) => convert(s))
  if (schema === null || typeof schema !== 'object') return schema
  const out = {}
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') out.properties = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, convert(v, k)]))
    else if (key === '$ref') out.$ref = value.replace('#/components/schemas/', 'box#/definitions/')
    else if (key === 'oneOf') out.anyOf = convert(value)
    else if (['allOf', 'anyOf', 'items', 'additionalProperties'].includes(key)) out[key] = convert(value)
    else if (['type', 'required', 'enum', 'format', 'minItems', 'maxItems', 'pattern', 'minLength', 'maxLength'].includes(key)) out[key] = value
  }
  const nullable = schema.nullable || (schema.allOf ?? []).some((s) => s.nullable)
  if (out.format === 'int32' || out.format === 'int64') delete out.format
  if (name === 'code' && out.enum) delete out.enum
  if (!nullable) return out
  if (out.enum) out.enum = [...out.enum, null]
  return { anyOf: [{ type: 'null' }, out] }
}

export function loadSpec() {
  const doc = JSON.parse(readFileSync(join(specs, 'box.openapi.json')))
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false })
  addFormats(ajv, ['date-time', 'email', 'uuid'])
  for (const format of ['digest', 'url', 'urn', 'token', 'timezone', 'float', 'jwt', 'binary', '<width>x<height>']) ajv.addFormat(format, true)
  ajv.addSchema({ $id: 'box', definitions: Object.fromEntries(Object.entries(doc.components.schemas).map(([k, v]) => [k, convert(v)])) })
  const routes = Object.entries(doc.paths).map(([template, operations]) => ({
    template,
    operations,
    variable: (template.match(/\{/g) ?? []).length,
    pattern: new RegExp(`^${template.split('#')[0].replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`),
  })).sort((a, b) => a.variable - b.variable || a.template.includes('#') - b.template.includes('#'))
  const compiled = new Map()
  const seen = new Set()
  const check = (method, path, status, json) => {
    const plain = decodeURIComponent(path.split('?')[0]).replace(/^https?:\/\/[^/]+/, '').replace(/^(\/api)?\/2\.0/, '').replace(/(.)\/$/, '$1')
    const verb = method.toLowerCase()
    const route = routes.find((r) => r.pattern.test(plain) && r.operations[verb] && (r.operations[verb].responses[status] || !r.template.includes('#')))
    if (!route) return [`no operation ${method} ${plain}`]
    const { responses } = route.operations[verb]
    const response = responses[status] ?? (status >= 400 ? responses.default : undefined)
    if (!response) return [`${method} ${route.template}: status ${status} is not written down`]
    seen.add(`${method} ${route.template} ${status}`)
    const schema = response.content?.['application/json']?.schema
    if (!schema) return json === undefined ? [] : [`${method} ${route.template} ${status}: a body where none is`]
    const key = `${route.template} ${verb} ${status in responses ? status : 'default'}`
    if (!compiled.has(key)) compiled.set(key, ajv.compile(convert(schema)))
    const valid = compiled.get(key)
    if (valid(json)) return []
    return valid.errors.map((e) => `${method} ${route.template} ${status}: ${e.instancePath} ${e.message}`)
  }
  const one = (name, json) => {
    const key = `schema ${name}`
    if (!compiled.has(key)) compiled.set(key, ajv.compile({ $ref: `box#/definitions/${name}` }))
    return compiled.get(key)(json) ? [] : compiled.get(key).errors.map((e) => `${name}: ${e.instancePath} ${e.message}`)
  }
  // What fakecloud says that it has: the table of its router.
  const claimed = [...readFileSync(join(root, 'fakecloud/box/provider.c'), 'utf8').matchAll(/^\t\{"([A-Z]+)", "([^"]+)"/gm)].map((m) => [m[1], m[2]])
  const claims = (method, template) => claimed.some(([m, p]) => m === method && `/${p}` === template.replace(/\{\w+\}/g, '*'))
  return { check, one, seen, routes, claimed, claims }
}
