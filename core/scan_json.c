/* See scan_json.h. Any thread. */
#include "core/scan_json.h"

#include "core/facts.h"

#include <string.h>

/* "outer.zip/inner.doc": the names from below the item down to the part itself; parts without a name are left out. What
 * does not fit is cut at the front: the nearest names tell most. */
const char *scan_part_path(const struct scan_reply *r, int index, char *out, size_t size)
{
	size_t at = size - 1;

	out[at] = '\0';
	for (int i = index; i > 0; i = r->parts[i].parent) {
		size_t n = strlen(r->parts[i].name), slash = out[at] != '\0';
		if (n == 0)
			continue;
		if (n + slash > at)
			break;
		if (slash)
			out[--at] = '/';
		at -= n;
		memcpy(out + at, r->parts[i].name, n);
	}
	return out + at;
}

static cJSON *auth_json(const struct scan_auth *a)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "server", a->server);
	cJSON_AddStringToObject(o, "spf", scan_auth_name(a->spf));
	cJSON_AddStringToObject(o, "dkim", scan_auth_name(a->dkim));
	cJSON_AddStringToObject(o, "dmarc", scan_auth_name(a->dmarc));
	cJSON_AddStringToObject(o, "compauth", scan_auth_name(a->compauth));
	cJSON_AddStringToObject(o, "spf_domain", a->spf_domain);
	cJSON_AddStringToObject(o, "dkim_domain", a->dkim_domain);
	cJSON_AddStringToObject(o, "dmarc_domain", a->dmarc_domain);
	return o;
}

static void mail_json(const struct scan_mail *h, cJSON *out)
{
	cJSON *mail = cJSON_AddObjectToObject(out, "mail");

	cJSON_AddStringToObject(mail, "subject", h->subject);
	if (h->date)
		cJSON_AddNumberToObject(mail, "date", (double)h->date);
	else
		cJSON_AddNullToObject(mail, "date");
	cJSON_AddStringToObject(mail, "message_id", h->message_id);
	cJSON_AddStringToObject(mail, "list_id", h->list_id);
	cJSON *addresses = cJSON_AddArrayToObject(mail, "addresses");
	for (int i = 0; i < h->n_addresses; i++) {
		cJSON *a = cJSON_CreateObject();
		cJSON_AddStringToObject(a, "field", scan_field_name(h->addresses[i].field));
		cJSON_AddStringToObject(a, "name", h->addresses[i].name);
		cJSON_AddStringToObject(a, "address", h->addresses[i].address);
		cJSON_AddStringToObject(a, "domain", h->addresses[i].domain);
		cJSON_AddItemToArray(addresses, a);
	}
	cJSON_AddNumberToObject(mail, "addresses_seen", h->addresses_seen);
	cJSON *auth = cJSON_AddArrayToObject(mail, "authentication_results");
	for (int i = 0; i < h->n_auth; i++)
		cJSON_AddItemToArray(auth, auth_json(&h->auth[i]));
	cJSON_AddNumberToObject(mail, "authentication_results_seen", h->auth_seen);
}

static void links_json(const struct scan_reply *r, cJSON *out)
{
	static const struct {
		const char *name;
		unsigned flag;
	} flags[] = {{"punycode", SCAN_LINK_PUNYCODE}, {"mixed_scripts", SCAN_LINK_MIXED}, {"ip_address", SCAN_LINK_IP},
		{"credentials", SCAN_LINK_CREDENTIALS}, {"redirect", SCAN_LINK_REDIRECT}, {"inner", SCAN_LINK_INNER},
		{"script", SCAN_LINK_SCRIPT}};
	cJSON *links = cJSON_AddArrayToObject(out, "links");

	for (int i = 0; i < r->n_links; i++) {
		cJSON *l = cJSON_CreateObject();
		cJSON_AddStringToObject(l, "url", r->links[i].url);
		cJSON_AddStringToObject(l, "text", r->links[i].text);
		cJSON_AddNumberToObject(l, "part", r->links[i].part);
		cJSON_AddStringToObject(l, "host", r->links[i].host);
		cJSON_AddStringToObject(l, "domain", r->links[i].domain);
		cJSON_AddStringToObject(l, "text_host", r->links[i].text_host);
		for (size_t k = 0; k < ARRAY_SIZE(flags); k++)
			cJSON_AddBoolToObject(l, flags[k].name, (r->links[i].flags & flags[k].flag) != 0);
		cJSON_AddItemToArray(links, l);
	}
	cJSON_AddNumberToObject(out, "links_seen", r->links_seen);
}

static void hits_json(const struct scan_reply *r, cJSON *out)
{
	cJSON *hits = cJSON_AddArrayToObject(out, "hits");

	for (int i = 0; i < r->n_hits; i++) {
		const struct scan_hit *h = &r->hits[i];
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "detector", h->detector);
		cJSON_AddNumberToObject(o, "part", h->part);
		cJSON_AddNumberToObject(o, "count", h->count);
		cJSON_AddNumberToObject(o, "distinct", h->distinct);
		cJSON_AddStringToObject(o, "masked", h->masked);
		cJSON_AddNumberToObject(o, "offset", (double)h->offset);
		cJSON_AddStringToObject(o, "hash", h->hash);
		cJSON_AddBoolToObject(o, "near", h->near);
		cJSON_AddItemToArray(hits, o);
	}
	cJSON_AddNumberToObject(out, "hits_seen", r->hits_seen);
}

void scan_reply_json(const struct scan_reply *r, cJSON *out)
{
	cJSON *verdict = cJSON_AddObjectToObject(out, "verdict");
	cJSON_AddStringToObject(verdict, "status", scan_verdict_name(r->verdict));
	if (r->reason[0])
		cJSON_AddStringToObject(verdict, "reason", r->reason);
	else
		cJSON_AddNullToObject(verdict, "reason");
	cJSON *threats = cJSON_AddArrayToObject(verdict, "threats");
	for (int i = 0; i < r->n_threats; i++) {
		cJSON *t = cJSON_CreateObject();
		cJSON_AddStringToObject(t, "name", r->threats[i].name);
		cJSON_AddStringToObject(t, "part", r->threats[i].part);
		cJSON_AddItemToArray(threats, t);
	}
	cJSON_AddStringToObject(verdict, "engine", r->engine);
	cJSON_AddStringToObject(verdict, "signatures", r->signatures);
	char path[2048];
	cJSON *parts = cJSON_AddArrayToObject(out, "parts");
	for (int i = 0; i < r->n_parts; i++) {
		cJSON *p = cJSON_CreateObject();
		cJSON_AddStringToObject(p, "name", r->parts[i].name);
		cJSON_AddStringToObject(p, "path", scan_part_path(r, i, path, sizeof(path)));
		cJSON_AddStringToObject(p, "type", r->parts[i].type);
		cJSON_AddStringToObject(p, "true_type", r->parts[i].true_type);
		cJSON_AddNumberToObject(p, "size", (double)r->parts[i].size);
		cJSON_AddNumberToObject(p, "depth", r->parts[i].depth);
		if (i > 0)
			cJSON_AddNumberToObject(p, "parent", r->parts[i].parent);
		else
			cJSON_AddNullToObject(p, "parent");
		if (r->parts[i].sha256[0])
			cJSON_AddStringToObject(p, "sha256", r->parts[i].sha256);
		else
			cJSON_AddNullToObject(p, "sha256");
		cJSON_AddBoolToObject(p, "encrypted", r->parts[i].encrypted);
		cJSON_AddBoolToObject(p, "opened", r->parts[i].opened);
		cJSON_AddBoolToObject(p, "executable", r->parts[i].executable);
		cJSON_AddBoolToObject(p, "mismatch", r->parts[i].mismatch);
		cJSON_AddBoolToObject(p, "macros", r->parts[i].macros);
		cJSON_AddBoolToObject(p, "rtl_override", r->parts[i].rtl_override);
		cJSON_AddBoolToObject(p, "double_extension", r->parts[i].double_extension);
		cJSON_AddItemToArray(parts, p);
	}
	cJSON_AddNumberToObject(out, "parts_seen", r->parts_seen);
	if (r->mail.present)
		mail_json(&r->mail, out);
	links_json(r, out);
	hits_json(r, out);
	cJSON_AddNumberToObject(out, "elapsed_ms", (double)r->elapsed_us / 1000);
}

int scan_local_facts(const struct derive_tenant *t, const struct scan_reply *r, bool words, const char *name, struct arena *a,
	struct facts *ret, struct err *err)
{
	/* Nobody says which provider received it: the topmost result is taken for theirs. */
	bool google = r->mail.n_auth > 0 && strstr(r->mail.auth[0].server, "google.com");
	const struct derive_item item = {.provider = google ? "google" : "microsoft", .owner = "", .time = r->mail.date};

	const char *slash = strrchr(name, '/');

	facts_reply(r, words, slash ? slash + 1 : name, a, ret);
	if (r->mail.present)
		ret->name = r->mail.subject;
	if (!t)
		return 0;
	if (r->mail.present && derive_mail(t, NULL, &r->mail, &item, a, &ret->mail, err) < 0)
		return -1;
	return derive_links(t, NULL, r, NULL, r->mail.date, a, ret, err);
}

int scan_rules_json(const struct policy *p, const struct policy_settings *settings, const struct facts *f, bool with_facts, cJSON *out,
	struct err *err)
{
	static const char *const modes[] = {"off", "monitor", "protect"};
	_cleanup_free_ struct policy_decision *d = calloc(1, sizeof(*d));
	_cleanup_buf_ struct buf text = BUF_INIT(4u << 20);
	cJSON *list = cJSON_AddArrayToObject(out, "rules"), *doc = NULL;

	if (!d)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	policy_decide(p, f, settings, d);
	for (int i = 0; i < d->n_matches; i++) {
		const struct policy_match *m = &d->matches[i];
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "id", m->rule->id);
		cJSON_AddStringToObject(o, "severity", m->rule->severity);
		cJSON_AddStringToObject(o, "category", m->rule->category);
		cJSON *title = cJSON_AddObjectToObject(o, "title");
		cJSON_AddStringToObject(title, "ja", m->rule->title_ja);
		cJSON_AddStringToObject(title, "en", m->rule->title_en);
		cJSON_AddStringToObject(o, "mode", modes[m->mode]);
		cJSON_AddStringToObject(o, "action", policy_action_name(m->rule->action));
		cJSON_AddStringToObject(o, "why", m->why);
		cJSON_AddItemToArray(list, o);
	}
	if (!with_facts)
		return 0;
	if (facts_print(f, &text) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (json_parse(buf_str(&text), text.len, &doc, err) < 0)
		return -1;
	cJSON_AddItemToObject(out, "facts", doc);
	return 0;
}
