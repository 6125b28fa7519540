// Mails to Aoba, each with a subject by which its finding is known.
import { hana } from './google-lib.mjs'

const word = (s) => `=?utf-8?B?${Buffer.from(s).toString('base64')}?=`

// auth: what mx.google.com wrote; null: nothing. more: further header lines.
export const mail = ({ subject, name = '', from, to = hana, auth = 'dmarc=pass', html, text = '', more = '' }) => {
  const domain = from.split('@')[1]
  const head = auth === null ? '' : `Authentication-Results: mx.google.com; ${auth} header.from=${domain}\r\n`
  return `${head}From: ${name ? `${word(name)} ` : ''}<${from}>\r\nTo: ${to}\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replace(/\W/g, '.')}@${domain}>\r\n` +
    `Date: Mon, 02 Nov 2026 10:00:00 +0900\r\n${more}MIME-Version: 1.0\r\nContent-Type: text/${html ? 'html' : 'plain'}; charset=utf-8\r\n` +
    `Content-Transfer-Encoding: base64\r\n\r\n${Buffer.from(html ?? text).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`
}

export const link = (url, shown) => `<html><body><p>お世話になっております。</p><a href="${url}">${shown}</a></body></html>`

// {subject: [rule ids, sorted]}: of rules of these categories.
export const rulesOf = (findings, begins) => Object.fromEntries(findings.map((f) => [f.item.name ?? f.mail?.subject,
  (f.rules ?? f.policy?.rules ?? []).map((r) => r.id).filter((id) => id.startsWith(begins)).sort()]))
