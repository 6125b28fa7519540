/* Of a mail: where it comes from, who it pretends to be, what the provider made of its authentication; see derive.h. */
#include "policy/derive_impl.h"

#include <string.h>
#include <strings.h>

#define DAY_MS INT64_C(86400000)
#define FRESH_MS INT64_C(600000) /* the same mail to several people, and one sent twice, are one beginning */

static const struct scan_address *first(const struct scan_mail *m, enum scan_field field)
{
	for (int i = 0; i < m->n_addresses; i++)
		if (m->addresses[i].field == field)
			return &m->addresses[i];
	return NULL;
}

static bool ends(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* The one that the receiving provider wrote: it stands above all others, with the provider's name in it. Whatever stands below
 * came with the mail. NULL: the provider said nothing. */
static const struct scan_auth *believed(const struct scan_mail *m, const char *provider)
{
	const struct scan_auth *a = m->n_auth > 0 ? &m->auth[0] : NULL;

	if (!a || !provider)
		return NULL;
	if (strcmp(provider, "google") == 0)
		return strcmp(a->server, "mx.google.com") == 0 || strcmp(a->server, "gmr-mx.google.com") == 0 ? a : NULL;
	if (strcmp(provider, "microsoft") == 0)
		return !a->server[0] || ends(a->server, ".outlook.com") || ends(a->server, ".office365.com") || ends(a->server, ".microsoft.com") ?
			a :
			NULL;
	return NULL;
}

static bool fails(const struct scan_auth *a)
{
	return a && (a->dmarc == SCAN_AUTH_FAIL || a->compauth == SCAN_AUTH_FAIL ||
		(a->dmarc != SCAN_AUTH_PASS && a->spf == SCAN_AUTH_FAIL && a->dkim != SCAN_AUTH_PASS));
}

static bool belongs(const char *domain, const struct scan_address *from)
{
	size_t n = strlen(domain), k = strlen(from->domain);

	return n && k && n >= k && strcmp(domain + n - k, from->domain) == 0 && (n == k || domain[n - k - 1] == '.');
}

static bool passes(const struct scan_auth *a, const struct scan_address *from)
{
	return a && !fails(a) && (a->dmarc == SCAN_AUTH_PASS || a->compauth == SCAN_AUTH_PASS ||
		(a->spf == SCAN_AUTH_PASS && belongs(a->spf_domain, from)) || (a->dkim == SCAN_AUTH_PASS && belongs(a->dkim_domain, from)));
}

const char *derive_proven(const struct scan_mail *m, const char *provider)
{
	const struct scan_address *from = m->present ? first(m, SCAN_FIELD_FROM) : NULL;

	return from && from->domain[0] && passes(believed(m, provider), from) ? from->domain : "";
}

/* Written by somebody of the tenant: not just in an own domain's name. */
static bool is_inside(const struct derive_tenant *t, const struct scan_mail *m, const struct derive_item *i)
{
	const struct scan_address *from = first(m, SCAN_FIELD_FROM);
	const struct scan_auth *a = believed(m, i->provider);

	if (!from || !derive_is_own(t, from->host))
		return false;
	if (i->sent || strcmp(m->auth_as, "internal") == 0)
		return true;
	if (fails(a) || (strcmp(m->auth_as, "anonymous") == 0 && !passes(a, from)))
		return false;
	return true;
}

static enum facts_direction direction(const struct derive_tenant *t, const struct scan_mail *m, const struct derive_item *i)
{
	if (!is_inside(t, m, i))
		return FACTS_IN;
	for (int k = 0; k < m->n_addresses; k++) {
		const struct scan_address *to = &m->addresses[k];
		if ((to->field == SCAN_FIELD_TO || to->field == SCAN_FIELD_CC) && to->host[0] && !derive_is_own(t, to->host))
			return FACTS_OUT;
	}
	return FACTS_INTERNAL;
}

const char *derive_contact(const struct derive_tenant *t, const struct scan_mail *m, const struct derive_item *i)
{
	const struct scan_address *from = first(m, SCAN_FIELD_FROM);

	return from && from->address[0] && direction(t, m, i) == FACTS_IN ? from->address : "";
}

/* Services that write in the name of people and say so; and prove that it is them. */
static bool writes_for_others(const struct scan_mail *m, const struct derive_item *i, const struct scan_address *from)
{
	static const char *const services[] = {"google.com", "docusign.net", "docusign.com", "box.com", "dropbox.com", "dropboxmail.com", "slack.com",
		"zoom.us", "microsoft.com", "sharepointonline.com", "adobe.com", "adobesign.com", "echosign.com", "chatwork.com", "cybozu.com", "kintone.com",
		"atlassian.net", "atlassian.com", "github.com", "gitlab.com", "backlog.com", "backlog.jp", "notion.so", "asana.com", "trello.com", "linkedin.com",
		"facebookmail.com", "eight.jp", "sansan.com", "cloudsign.jp", "freee.co.jp", "moneyforward.com", "smarthr.jp"};
	const struct scan_auth *a = believed(m, i->provider);

	if (!a || (a->dmarc != SCAN_AUTH_PASS && !(a->dkim == SCAN_AUTH_PASS && belongs(a->dkim_domain, from))))
		return false;
	for (size_t k = 0; k < ARRAY_SIZE(services); k++)
		if (strcmp(from->domain, services[k]) == 0)
			return true;
	return false;
}

const char *derive_person(const struct derive_tenant *t, const struct scan_mail *m, const struct derive_item *i)
{
	const struct scan_address *from = first(m, SCAN_FIELD_FROM);

	if (!from || direction(t, m, i) != FACTS_IN || writes_for_others(m, i, from))
		return "";
	return from->keys;
}

/* Do two sets "|a|b|" share one? */
static bool share(const char *a, const char *b)
{
	for (const char *p = a; *p == '|' && p[1];) {
		char one[200];
		size_t n = strcspn(p + 1, "|");
		if (n + 3 < sizeof(one)) {
			snprintf(one, sizeof(one), "%.*s|", (int)n + 1, p);
			if (strstr(b, one))
				return true;
		}
		p += n + 1;
	}
	return false;
}

static bool is_executive(const char *title)
{
	static const char *const titles[] = {"社長", "代表取締役", "代表社員", "会長", "取締役", "執行役", "専務", "常務", "監査役", "理事長", "院長", "学長",
		"経理部長", "財務部長", "経理課長", "財務担当", "CEO", "CFO", "COO", "CTO", "CIO", "President", "Chief Executive", "Chief Financial",
		"Chief Operating", "Chairman", "Finance Director", "Financial Controller", "Head of Finance"};

	for (size_t i = 0; title && i < ARRAY_SIZE(titles); i++)
		if (strcasestr(title, titles[i]))
			return true;
	return false;
}

/* "taro@aoba.example" <x@evil.example>: an own address as the name of another. */
static bool names_own_address(const struct derive_tenant *t, const char *name)
{
	const char *at = strchr(name, '@');
	char host[256];

	if (!at || at == name)
		return false;
	size_t n = strcspn(at + 1, " >)\"'<,;");
	if (n == 0 || n >= sizeof(host))
		return false;
	for (size_t i = 0; i < n; i++)
		host[i] = (char)(at[1 + i] >= 'A' && at[1 + i] <= 'Z' ? at[1 + i] | 0x20 : at[1 + i]);
	host[n] = '\0';
	return derive_is_own(t, host);
}

static void find_colleague(const struct derive_tenant *t, const struct scan_mail *m, const struct derive_item *i,
	const struct scan_address *from, struct facts_mail *f)
{
	if (f->direction != FACTS_IN || writes_for_others(m, i, from))
		return;
	for (size_t k = 0; k < t->n_executives; k++) {
		if (!share(t->executives[k].keys, from->keys))
			continue;
		f->colleague = t->executives[k].name;
		f->executive = true;
		return;
	}
	if (i->person) {
		f->colleague = i->person->name && *i->person->name ? i->person->name : i->person->address;
		f->executive = is_executive(i->person->job_title);
	} else if (!f->from_own && names_own_address(t, from->name)) {
		f->colleague = from->name;
	}
}

static void read_lists(const struct derive_tenant *t, const struct scan_address *from, bool failed, struct facts_mail *f)
{
	const struct derive_entry *sender = derive_entry_of(&t->senders, f->from), *domain = derive_entry_of_host(&t->domains, from->host);

	/* Whoever wrote an approved address without being it is not approved. What is said of the address wins over its domain. */
	const struct derive_entry *e = sender ? sender : domain;
	f->approved = e && e->approved && !failed;
	f->blocked = e && !e->approved;
}

static enum facts_auth result(enum scan_auth_result r)
{
	static const enum facts_auth results[] = {[SCAN_AUTH_NONE] = FACTS_AUTH_NONE, [SCAN_AUTH_PASS] = FACTS_AUTH_PASS,
		[SCAN_AUTH_FAIL] = FACTS_AUTH_FAIL, [SCAN_AUTH_SOFTFAIL] = FACTS_AUTH_SOFTFAIL, [SCAN_AUTH_NEUTRAL] = FACTS_AUTH_NEUTRAL,
		[SCAN_AUTH_ERROR] = FACTS_AUTH_ERROR};

	return results[r];
}

static const char *lower(struct arena *a, const char *s)
{
	char *out = arena_dup(a, s);

	for (char *p = out; p && *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
	return out;
}

static const char *address_of(const struct scan_mail *m, enum scan_field field, struct arena *a)
{
	const struct scan_address *x = first(m, field);

	return x ? lower(a, x->address) : "";
}

static void read_history(const struct derive_item *i, struct facts_mail *f)
{
	const struct store_contact *c = i->contact;

	if (!c || f->direction != FACTS_IN)
		return;
	f->first_contact = c->count == 0 || (i->time > 0 && c->first_at > i->time - FRESH_MS);
	if (f->first_contact)
		return;
	f->contacts = c->count;
	f->contact_days = i->time > c->first_at ? (i->time - c->first_at) / DAY_MS : 0;
}

int derive_mail(const struct derive_tenant *t, const struct lists *lists, const struct scan_mail *m, const struct derive_item *i,
	struct arena *a, struct facts_mail *f, struct err *err)
{
	const struct scan_address *from = first(m, SCAN_FIELD_FROM), *reply = first(m, SCAN_FIELD_REPLY_TO);
	const struct scan_auth *auth = believed(m, i->provider);
	static const struct scan_address nobody;

	if (!from)
		from = &nobody;
	*f = (struct facts_mail){.direction = direction(t, m, i), .from_name = from->name, .from = lower(a, from->address), .from_domain = from->host,
		.sender = address_of(m, SCAN_FIELD_SENDER, a), .reply_to = address_of(m, SCAN_FIELD_REPLY_TO, a), .reply_domain = reply ? reply->host : "",
		.return_path = address_of(m, SCAN_FIELD_RETURN_PATH, a), .subject = m->subject, .message_id = m->message_id, .list_id = m->list_id,
		.from_own = derive_is_own(t, from->host), .lookalike_of = "", .colleague = ""};
	if (!f->from || !f->sender || !f->reply_to || !f->return_path)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (int k = 0; k < m->n_addresses; k++) {
		if (m->addresses[k].field != SCAN_FIELD_TO && m->addresses[k].field != SCAN_FIELD_CC)
			continue;
		const char *to = f->to.n < FACTS_MAX_LIST ? lower(a, m->addresses[k].address) : NULL;
		f->to.seen++;
		if (to)
			f->to.of[f->to.n++] = to;
	}
	if (m->addresses_seen > m->n_addresses)
		f->to.seen += m->addresses_seen - m->n_addresses;
	if (auth) {
		f->spf = result(auth->spf);
		f->dkim = result(auth->dkim);
		f->dmarc = result(auth->dmarc);
		f->compauth = result(auth->compauth);
	}
	if (f->direction == FACTS_IN)
		f->lookalike_of = arena_dup(a, derive_lookalike(t, lists, from->host, from->domain, from->skeleton));
	if (!f->lookalike_of)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	/* Replies that come back to the tenant itself, or to the sender's own domain, go nowhere else. */
	f->reply_elsewhere = reply && reply->host[0] && from->host[0] && !derive_is_own(t, reply->host) &&
		strcmp(reply->domain[0] ? reply->domain : reply->host, from->domain[0] ? from->domain : from->host) != 0;
	find_colleague(t, m, i, from, f);
	read_lists(t, from, fails(auth), f);
	read_history(i, f);
	return 0;
}

size_t derive_contacts(const struct derive_tenant *t, const struct facts_mail *f, const char **ret, size_t max)
{
	size_t n = 0;

	if (f->direction == FACTS_IN && f->from && *f->from && max)
		ret[n++] = f->from;
	for (int i = 0; f->direction == FACTS_OUT && i < f->to.n && n < max; i++) {
		const char *at = strrchr(f->to.of[i], '@');
		if (at && !derive_is_own(t, at + 1))
			ret[n++] = f->to.of[i];
	}
	return n;
}
