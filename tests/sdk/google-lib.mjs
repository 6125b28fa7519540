// Google's official clients against fakecloud: tokens, Gmail, Drive and Directory all go to its one port.
import { Gaxios } from 'gaxios'
import { JWT, UserRefreshClient } from 'google-auth-library'
import { gmail } from '@googleapis/gmail'
import { drive } from '@googleapis/drive'
import { admin } from '@googleapis/admin'

const scope = (name) => `https://www.googleapis.com/auth/${name}`
export const scopes = {
  mail: ['https://mail.google.com/'],
  gmail: [scope('gmail.modify')],
  drive: [scope('drive')],
  directory: [scope('admin.directory.user.readonly'), scope('admin.directory.group.readonly')],
  full: ['https://mail.google.com/', scope('drive')],
  scope,
}

// The auth library ignores token_uri and uploads ignore rootUrl, so every request is turned round on its way out.
export function transporter(url) {
  const to = new URL(url)
  const t = new Gaxios({ retry: false })
  t.interceptors.request.add({
    resolved: async (config) => {
      const at = new URL(config.url)
      at.protocol = to.protocol
      at.host = to.host
      config.url = at
      config.retry = false
      return config
    },
  })
  return t
}

export function signIn(cloud, { subject, scopes: wanted, key = {}, keyId = true, tenant = 'aoba' } = {}) {
  const account = { ...JSON.parse(cloud.connections().read(`${tenant}-google.json`)), ...key }
  return new JWT({
    email: account.client_email,
    key: account.private_key,
    keyId: keyId ? account.private_key_id : undefined,
    scopes: wanted,
    subject,
    transporter: transporter(cloud.urls.google),
  })
}

export function refreshClient(cloud, tenant = 'aoba') {
  const user = JSON.parse(cloud.connections().read(`${tenant}-google-user.json`))
  return new UserRefreshClient({
    clientId: user.client_id,
    clientSecret: user.client_secret,
    refreshToken: user.refresh_token,
    transporter: transporter(cloud.urls.google),
  })
}

export const gmailOf = (cloud, subject, wanted = scopes.mail) =>
  gmail({ version: 'v1', auth: signIn(cloud, { subject, scopes: wanted }) })
export const driveOf = (cloud, subject, wanted = scopes.drive) =>
  drive({ version: 'v3', auth: signIn(cloud, { subject, scopes: wanted }) })
export const directoryOf = (cloud, subject = 'admin@aoba.example', wanted = scopes.directory) =>
  admin({ version: 'directory_v1', auth: signIn(cloud, { subject, scopes: wanted }) })
export const reportsOf = (cloud, subject = 'admin@aoba.example') =>
  admin({ version: 'reports_v1', auth: signIn(cloud, { subject, scopes: [scope('admin.reports.audit.readonly')] }) })

// A plain call with the client's token: for what the SDK hides (headers, raw bodies, sessions).
export async function raw(cloud, auth, method, path, { headers = {}, body } = {}) {
  const { token } = auth ? await auth.getAccessToken() : {}
  return fetch(path.startsWith('http') ? path : cloud.urls.google + path, {
    method,
    body,
    redirect: 'manual',
    headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
  })
}

// The error of a call that has to fail: {status, reason, message, body}.
export async function failure(promise) {
  let answer
  try {
    answer = await promise
  } catch (e) {
    const body = e.response?.data
    return {
      status: e.response?.status ?? e.status,
      reason: body?.error?.errors?.[0]?.reason ?? body?.error,
      message: body?.error?.message ?? body?.error_description ?? e.message,
      headers: e.response?.headers,
      body,
    }
  }
  throw new Error(`expected an error, got ${answer.status}`)
}

export const eml = (subject, { from = 'mika@else.example', to = 'hana@aoba.example', id, text = 'Good day.', attach, date, more = '' } = {}) => {
  const head = `From: ${from}\r\nTo: ${to}\r\nSubject: ${subject}\r\n` +
    `Message-ID: <${id ?? subject.replace(/\W/g, '') + '@else.example'}>\r\n` +
    `Date: ${date ?? 'Mon, 01 Jun 2026 10:00:00 +0900'}\r\n${more}MIME-Version: 1.0\r\n`
  if (!attach) return `${head}Content-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n`
  return `${head}Content-Type: multipart/mixed; boundary="b0"\r\n\r\n--b0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n` +
    `--b0\r\nContent-Type: application/octet-stream; name="${attach.name}"\r\n` +
    `Content-Disposition: attachment; filename="${attach.name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n` +
    `${Buffer.from(attach.data).toString('base64')}\r\n--b0--\r\n`
}
