// A proxy before one of fakecloud's ports, for what its faults cannot do: changed answers, acts of users at a chosen
// request, https. hooks: before(req, number) → may return {status, headers, body} to answer itself, or wait;
// after(req, answer) → may return another {status, headers, body}. Bodies are Buffers.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export async function startProxy(target, { before, after, tls } = {}) {
  const to = new URL(target)
  const seen = []
  let number = 0
  const read = (stream) => new Promise((done, fail) => {
    const parts = []
    stream.on('data', (d) => parts.push(d)).on('end', () => done(Buffer.concat(parts))).on('error', fail)
  })
  const forward = (req, body) => new Promise((done, fail) => {
    const out = http.request({ host: to.hostname, port: to.port, method: req.method, path: req.url, headers: { ...req.headers, connection: 'close' } }, async (res) => {
      try {
        done({ status: res.statusCode, headers: res.headers, body: await read(res) })
      } catch (e) {
        fail(e)
      }
    })
    out.on('error', fail)
    out.end(body)
  })
  const serve = async (req, res) => {
    try {
      const body = await read(req)
      const n = ++number
      const r = { method: req.method, url: req.url, headers: req.headers, body }
      seen.push(r)
      let answer = await before?.(r, n)
      if (!answer) {
        answer = await forward(r, body)
        answer = (await after?.(r, answer)) ?? answer
      }
      const { 'transfer-encoding': _, 'content-length': __, connection: ___, ...headers } = answer.headers ?? {}
      const out = Buffer.isBuffer(answer.body) ? answer.body : Buffer.from(answer.body ?? '')
      res.writeHead(answer.status, answer.status === 204 ? headers : { ...headers, 'Content-Length': out.length })
      res.end(answer.status === 204 ? undefined : out)
    } catch (e) {
      proxy.errors.push(e)
      res.destroy()
    }
  }
  const server = tls ? https.createServer(tls, serve) : http.createServer(serve)
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const proxy = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`,
    seen,
    errors: [],
    stop: () => new Promise((done) => { server.close(done); server.closeAllConnections() }),
  }
  return proxy
}

// Leads a connection's endpoints through the proxy: for Scene.connect(change).
export const through = (proxy, target) => (entry) => {
  for (const [k, v] of Object.entries(entry.endpoints)) entry.endpoints[k] = v.replace(target, proxy.url)
}

// {key, cert} of a certificate for 127.0.0.1, and the file that trusts it.
export function makeTls(dir) {
  const at = mkdtempSync(join(dir ?? tmpdir(), 'tls-'))
  const key = join(at, 'key.pem')
  const cert = join(at, 'cert.pem')
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' })
  return { key: readFileSync(key), cert: readFileSync(cert), file: cert, remove: () => rmSync(at, { recursive: true }) }
}

// Changes the JSON of answers: edit(doc, req) returns the new document, or undefined to leave it; or a string, sent as it is.
export const editJson = (edit) => (req, answer) => {
  if (!/json/.test(answer.headers['content-type'] ?? '') || answer.status !== 200) return undefined
  const doc = edit(JSON.parse(answer.body.toString()), req)
  if (doc === undefined) return undefined
  const body = typeof doc === 'string' ? doc : JSON.stringify(doc)
  return { ...answer, body: Buffer.from(body) }
}
