// Mails, pages and documents as strangers write them: each in its charset, as Exchange and Gmail would have taken them in.
import { spawnSync } from 'node:child_process'

const known = new Map()
export function encode(text, charset = 'utf-8') {
  if (/^utf-8$/i.test(charset)) return Buffer.from(text)
  const key = `${charset} ${text}`
  if (!known.has(key)) {
    const r = spawnSync('iconv', ['-f', 'utf-8', '-t', charset.replace(/^shift_jis$/i, 'cp932')], { input: text })
    if (r.status !== 0) throw new Error(`iconv ${charset}: ${r.stderr}`)
    known.set(key, r.stdout)
  }
  return known.get(key)
}

const b64 = (b) => Buffer.from(b).toString('base64').replace(/.{76}/g, '$&\r\n')
// Words of a header: pieces of a few letters each, as no encoded word may be long.
export const word = (s, charset = 'utf-8') => (/^[ -~]*$/.test(s) ? s : (s.match(/.{1,12}/gsu) ?? []).map((p) => `=?${charset}?B?${Buffer.from(encode(p, charset)).toString('base64')}?=`).join('\r\n '))

const VERDICTS = {
  pass: { spf: 'pass', dkim: 'pass', dmarc: 'pass', compauth: 'pass reason=100' },
  none: { spf: 'none', dkim: 'none', dmarc: 'none', compauth: 'none reason=451' },
  spf: { spf: 'pass', dkim: 'none', dmarc: 'bestguesspass', compauth: 'pass reason=109' },
  softfail: { spf: 'softfail', dkim: 'none', dmarc: 'none', compauth: 'none reason=405' },
  spffail: { spf: 'fail', dkim: 'none', dmarc: 'none', compauth: 'none reason=451' },
  dkimfail: { spf: 'none', dkim: 'fail', dmarc: 'none', compauth: 'none reason=451' },
  fail: { spf: 'fail', dkim: 'fail', dmarc: 'fail', compauth: 'fail reason=000' },
  // A forwarder: the envelope is its own, the signature is whole.
  forwarded: { spf: 'fail', dkim: 'pass', dmarc: 'pass', compauth: 'pass reason=130' },
}

export function authOf(provider, verdict, domain) {
  const v = typeof verdict === 'string' ? VERDICTS[verdict] : verdict
  if (!v) return ''
  if (provider === 'microsoft')
    return `Authentication-Results: spf=${v.spf} (sender IP is 203.0.113.25)\r\n smtp.mailfrom=${domain}; dkim=${v.dkim}${v.dkim === 'pass' ? ' (signature was verified)' : ''}\r\n` +
      ` header.d=${v.dkim === 'none' ? 'none' : domain};dmarc=${v.dmarc} action=none\r\n header.from=${domain};compauth=${v.compauth}\r\n` +
      `Received-SPF: ${v.spf} (protection.outlook.com: domain of ${domain})\r\nX-MS-Exchange-Organization-AuthAs: Anonymous\r\n`
  const results = [v.dkim !== 'none' && `dkim=${v.dkim} header.i=@${domain} header.s=s1 header.b=AbCdEfGh`,
    v.spf !== 'none' && `spf=${v.spf} (google.com: domain of x@${domain} designates 203.0.113.25 as permitted sender) smtp.mailfrom=x@${domain}`,
    /^(pass|fail)$/.test(v.dmarc) && `dmarc=${v.dmarc} (p=NONE sp=NONE dis=NONE) header.from=${domain}`].filter(Boolean)
  return `Authentication-Results: mx.google.com${results.length ? `;\r\n       ${results.join(';\r\n       ')}` : '; none'}\r\n`
}

// internal: taken in by the company's own servers. auth: a key above, or words.
export function mailOf(provider, { id, subject = '', name = '', from = 'x@kita.example', to = 'hana@aoba.example', cc = '', auth = 'pass', internal, text, html, charset = 'utf-8',
  attach = {}, reply = '', list = '', above = '', below = '', date = 'Fri, 20 Nov 2026 10:00:00 +0900', alternative }) {
  const domain = from.split('@')[1]
  const hc = /utf-16/i.test(charset) ? 'utf-8' : charset
  const body = (type, t) => `Content-Type: text/${type}; charset=${charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n${b64(encode(t, charset))}\r\n`
  const parts = []
  if (alternative) parts.push(`Content-Type: multipart/alternative; boundary=alt1\r\n\r\n--alt1\r\n${body('plain', text ?? '')}--alt1\r\n${body('html', html)}--alt1--\r\n`)
  else parts.push(body(html !== undefined ? 'html' : 'plain', html ?? text ?? ''))
  for (const [file, bytes] of Object.entries(attach))
    parts.push(`Content-Type: ${/\.ics$/.test(file) ? 'text/calendar; charset=utf-8; method=REQUEST' : /\.eml$/.test(file) ? 'application/octet-stream' : 'application/octet-stream'}; name="${word(file, hc)}"\r\nContent-Disposition: attachment; filename="${word(file, hc)}"\r\n` +
      `Content-Transfer-Encoding: base64\r\n\r\n${b64(bytes)}\r\n`)
  const head = (internal ? (provider === 'microsoft' ? 'X-MS-Exchange-Organization-AuthAs: Internal\r\n' : '') : authOf(provider, auth, domain)) + above
  return `${head}From: ${name ? `${/^[ -~]*,/.test(name) ? `"${name}"` : word(name, hc)} ` : ''}<${from}>\r\nTo: ${to}\r\n${cc ? `Cc: ${cc}\r\n` : ''}Subject: ${word(subject, hc)}${subject ? ' ' : ''}#${id}#\r\n` +
    `Message-ID: <${id.replace(/\W/g, '.')}@${domain}>\r\nDate: ${date}\r\n${reply ? `Reply-To: <${reply}>\r\n` : ''}${list}${below}MIME-Version: 1.0\r\n` +
    (parts.length > 1 ? `Content-Type: multipart/mixed; boundary=b0\r\n\r\n--b0\r\n${parts.join('--b0\r\n')}--b0--\r\n` : parts[0])
}

export const a = (url, shown) => `<a href="${url}">${shown}</a>`
export const page = (inner, charset = 'utf-8') => `<html><head><meta charset="${charset}"></head><body><p>お世話になっております。</p>${inner}</body></html>`

const crcTable = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n >>> 0
})
function crc32(bytes) {
  let c = ~0
  for (const b of bytes) c = crcTable[(c ^ b) & 255] ^ (c >>> 8)
  return ~c >>> 0
}

// Stored only: what is in it can be read as it is.
export function zipOf(files) {
  const out = [], dir = []
  let at = 0
  for (const [name, text] of Object.entries(files)) {
    const n = Buffer.from(name), data = Buffer.from(text), h = Buffer.alloc(30), c = Buffer.alloc(46)
    h.writeUInt32LE(0x04034b50); h.writeUInt16LE(20, 4); h.writeUInt16LE(0x800, 6); h.writeUInt32LE(0x5b760000, 10)
    h.writeUInt32LE(crc32(data), 14); h.writeUInt32LE(data.length, 18); h.writeUInt32LE(data.length, 22); h.writeUInt16LE(n.length, 26)
    c.writeUInt32LE(0x02014b50); c.writeUInt16LE(20, 4); h.copy(c, 6, 4, 28); c.writeUInt32LE(at, 42)
    out.push(h, n, data); dir.push(c, n)
    at += 30 + n.length + data.length
  }
  const d = Buffer.concat(dir), e = Buffer.alloc(22)
  e.writeUInt32LE(0x06054b50); e.writeUInt16LE(dir.length / 2, 8); e.writeUInt16LE(dir.length / 2, 10); e.writeUInt32LE(d.length, 12); e.writeUInt32LE(at, 16)
  return Buffer.concat([...out, d, e])
}

export function docxOf(text, links = []) {
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
  return zipOf({
    '[Content_Types].xml': '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
    '_rels/.rels': `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${office}/officeDocument" Target="word/document.xml"/></Relationships>`,
    'word/_rels/document.xml.rels': `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${links.map((l, i) => `<Relationship Id="rId${i + 5}" Type="${office}/hyperlink" Target="${l.replace(/&/g, '&amp;')}" TargetMode="External"/>`).join('')}</Relationships>`,
    'word/document.xml': `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="${office}"><w:body><w:p><w:r><w:t>${text}</w:t></w:r></w:p>${links.map((l, i) => `<w:p><w:hyperlink r:id="rId${i + 5}"><w:r><w:t>ここ</w:t></w:r></w:hyperlink></w:p>`).join('')}</w:body></w:document>`,
  })
}

export function pdfOf(uri, text = 'Guide') {
  const stream = `BT /F1 12 Tf 72 720 Td (${text}) Tj ET`
  const objects = ['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [5 0 R] >>`, `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    `<< /Type /Annot /Subtype /Link /Rect [0 0 100 100] /A << /S /URI /URI (${uri}) >> >>`]
  let out = '%PDF-1.4\n'
  const at = objects.map((o, i) => { const p = out.length; out += `${i + 1} 0 obj\n${o}\nendobj\n`; return p })
  const start = out.length
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${at.map((p) => `${String(p).padStart(10, '0')} 00000 n \n`).join('')}trailer\n<< /Root 1 0 R /Size ${objects.length + 1} >>\nstartxref\n${start}\n%%EOF\n`
  return Buffer.from(out)
}

// Eleven digits and their check digit (Ordinance 85 of 2014, article 5).
export function myNumber(first) {
  const total = [...first].reverse().reduce((t, d, i) => t + Number(d) * (i < 6 ? i + 2 : i - 4), 0)
  const rest = total % 11
  return first + (rest <= 1 ? 0 : 11 - rest)
}

export function card(first) {
  const total = [...first].reduce((t, d, i) => t + (i % 2 ? Number(d) : [...String(2 * d)].reduce((x, y) => x + Number(y), 0)), 0)
  return first + ((10 - (total % 10)) % 10)
}
