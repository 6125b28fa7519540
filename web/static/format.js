// Times, sizes and the words for states.
import { _, n_, currentLanguage } from './i18n.js'

let zone = 'UTC'

export function setZone(name) {
  zone = name
}

function formatter(options) {
  try {
    return new Intl.DateTimeFormat(currentLanguage(), { timeZone: zone, ...options })
  } catch {
    return new Intl.DateTimeFormat(currentLanguage(), { timeZone: 'UTC', ...options })
  }
}

export function time(text) {
  return text ? formatter({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(text)) : ''
}

export function date(text) {
  return text ? formatter({ dateStyle: 'medium' }).format(new Date(text)) : ''
}

// How long ago, or until, in the largest unit that fits.
export function distance(text) {
  const seconds = (new Date(text) - Date.now()) / 1000
  const relative = new Intl.RelativeTimeFormat(currentLanguage(), { numeric: 'auto' })
  const steps = [[60, 'second', 1], [3600, 'minute', 60], [86400, 'hour', 3600], [86400 * 60, 'day', 86400], [Infinity, 'month', 86400 * 30]]
  const [, unit, size] = steps.find(([limit]) => Math.abs(seconds) < limit)
  if (unit === 'second') return _('just now')
  return relative.format(Math.trunc(seconds / size), unit)
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return _('unknown')
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte']
  let u = 0
  for (; bytes >= 1000 && u < 3; u++) bytes /= 1000
  return new Intl.NumberFormat(currentLanguage(), { style: 'unit', unit: units[u], unitDisplay: 'short', maximumFractionDigits: bytes < 10 && u ? 1 : 0 }).format(bytes)
}

export function daysLeft(text) {
  return Math.ceil((new Date(text) - Date.now()) / 86400000)
}

export function daysText(n) {
  return n_('{n} day', '{n} days', n)
}

// [word, kind, icon]
export function connectionState(s) {
  return {
    connected: [_('Connected'), 'good', 'check'],
    degraded: [_('Works in part'), 'warn', 'warn'],
    revoked: [_('Consent withdrawn'), 'bad', 'bad'],
    expired: [_('Expired'), 'bad', 'bad'],
    disconnected: [_('Ended'), '', 'off'],
  }[s] ?? [s, '', 'info']
}

export function modeText(m) {
  return m === 'protect' ? _('Protect') : _('Monitor')
}

export function verdict(s) {
  return {
    threat: [_('Threat'), 'bad', 'bad'],
    unknown: [_('Could not be judged'), 'warn', 'warn'],
    clean: [_('Clean'), 'good', 'check'],
  }[s] ?? [s, '', 'info']
}

// What was done, by the action's kind: only some of them take the item away.
export function actionState({ state: s, kind: k }) {
  const done = {
    tag: [_('Marked'), 'good', 'flag'], unshare: [_('Sharing ended'), 'good', 'shield'], block: [_('Message hidden'), 'good', 'shield'],
    replace: [_('Replaced by a notice'), 'good', 'shield'], delete: [_('Deleted'), '', 'off'],
  }[k] ?? [_('In quarantine'), 'good', 'shield']
  const would = {
    tag: _('Would be marked (monitor mode)'), unshare: _('Sharing would be ended (monitor mode)'), block: _('Would be hidden (monitor mode)'),
    replace: _('Would be replaced by a notice (monitor mode)'), delete: _('Would be deleted (monitor mode)'),
  }[k] ?? _('Would be contained (monitor mode)')
  const intended = { tag: _('Being marked'), unshare: _('Sharing is being ended'), block: _('Being hidden'), delete: _('Being deleted') }[k] ?? _('Being contained')
  const failed = { tag: _('Marking failed'), unshare: _('Ending the sharing failed'), block: _('Hiding failed'), delete: _('Deleting failed') }[k] ?? _('Containing failed')
  return {
    none: k === 'report' ? [_('Reported'), '', 'info'] : [_('Not touched'), '', 'off'],
    would: [would, 'accent', 'eye'],
    intended: [intended, 'accent', 'wait'],
    done,
    failed: [failed, 'bad', 'bad'],
    restoring: [_('Being restored'), 'accent', 'wait'],
    restored: [_('Restored'), '', 'check'],
    deleting: [_('Being deleted'), 'accent', 'wait'],
    deleted: [_('Deleted'), '', 'off'],
  }[s] ?? [s, '', 'info']
}

// ---- rules ----

export function actionName(a) {
  return {
    none: _('nothing'), report: _('reports only'), tag: _('marks it'), unshare: _('ends its sharing'), block: _('hides the message'),
    replace: _('replaces it by a notice'), quarantine: _('takes it into quarantine'), delete: _('deletes it'),
  }[a] ?? a
}

export function modeName(m) {
  return { off: _('Off'), monitor: _('Monitor'), protect: _('Protect') }[m] ?? m
}

export function severity(s) {
  return {
    critical: [_('Critical'), 'bad', 'bad'], high: [_('High'), 'bad', 'warn'], medium: [_('Medium'), 'warn', 'warn'], low: [_('Low'), '', 'info'], info: [_('For information'), '', 'info'],
  }[s] ?? [s, '', 'info']
}

export function categoryName(c) {
  return {
    malware: _('Malware'), file: _('Kinds of files'), encrypted: _('Encrypted archives'), data: _('Data'), link: _('Links'), sender: _('Senders'), sharing: _('Sharing'), teams: 'Teams', unknown: _('Other rules'),
  }[c] ?? c
}

export function listKind(k) {
  return {
    sender: _('Sender'), domain: _('Domain'), hash: _('Content (hash)'), link: _('Link'), password: _('Password of archives'), protected: _('Protected domain'), person: _('Executive'),
  }[k] ?? k
}

export function detectorName(d) {
  const known = {
    my_number: _('My Number'), corporate_number: _('Corporate number'), driving_licence: _('Driving licence'), passport_jp: _('Japanese passport'), residence_card: _('Residence card'),
    bank_account: _('Bank account'), phone_jp: _('Telephone number'), address_jp: _('Postal address'), payment_card: _('Payment card'), iban: 'IBAN', us_ssn: _('US social security number'),
    private_key: _('Private key'), aws_key: _('Key of AWS'), azure_key: _('Key of Azure'), gcp_key: _('Key of Google Cloud'), github_token: _('Token of GitHub'), slack_token: _('Token of Slack'),
    gitlab_token: _('Token of GitLab'), npm_token: _('Token of npm'), pypi_token: _('Token of PyPI'), stripe_key: _('Key of Stripe'), sendgrid_key: _('Key of SendGrid'), ai_key: _('Key of an AI service'), jwt: _('Signed token (JWT)'),
    'words.confidential': _('Words of confidentiality'), 'words.payment': _('Words of payment'), 'words.password': _('Words about a password'), 'words.invoice': _('A request to pay'),
    'words.sign_in': _('Words that urge to sign in'), many_addresses: _('Many addresses'),
  }
  return known[d] ?? d
}

export function serviceName(s) {
  return { exchange: 'Exchange Online', onedrive: 'OneDrive', sharepoint: 'SharePoint', teams: 'Teams', gmail: 'Gmail', drive: 'Google Drive', box: 'Box', dropbox: 'Dropbox', microsoft: 'Microsoft 365', google: 'Google Workspace' }[s] ?? s
}

export function providerName(p) {
  return { microsoft: 'Microsoft 365', google: 'Google Workspace', box: 'Box', dropbox: 'Dropbox Business' }[p] ?? p
}

export function servicesText(list) {
  return list.map((s) => ({ mail: _('mail'), files: _('files'), teams: 'Teams' })[s] ?? s).join(', ')
}

export function roleName(r) {
  return { operator: _('Operator'), admin: _('Tenant administrator'), desk: _('Support desk'), auditor: _('Auditor'), invited: _('Invited') }[r] ?? r
}

export function turnText(t) {
  return { you: _('Yours'), us: _('The operator of sekisho'), provider: _('The cloud provider'), administrator: _('The administrator of that cloud') }[t] ?? ''
}

export function reasonText(reason) {
  return {
    encrypted: _('encrypted, and the password is not known'),
    size_limit: _('larger than the limit'),
    limit: _('beyond a limit of scanning'),
    crash: _('the scanner gave up on it'),
    timeout: _('scanning took too long'),
    not_downloadable: _('the provider does not hand it out'),
    export_too_big: _('too large to export'),
    no_content: _('has no content'),
    test: _('a test that was asked for'),
  }[reason] ?? reason
}
