/* See content.h. One table a record: what it is called, what it is, and where it lies. What is empty or zero is left out. */
#include "core/content.h"

#include "base/json.h"

#include <stddef.h>
#include <string.h>

#define VERSION 1

enum kind { TEXT, INT, WIDE, FLAG, WORD };

struct field {
	const char *name;
	enum kind kind;
	size_t at, size;
};
#define FIELD_TEXT(type, name, member) {name, TEXT, offsetof(struct type, member), sizeof(((struct type *)0)->member)}
#define FIELD(type, name, kind, member) {name, kind, offsetof(struct type, member), 0}

static const struct field threat_fields[] = {FIELD_TEXT(scan_threat, "name", name), FIELD_TEXT(scan_threat, "part", part)};
static const struct field part_fields[] = {FIELD_TEXT(scan_part, "name", name), FIELD_TEXT(scan_part, "type", type),
	FIELD_TEXT(scan_part, "true", true_type), FIELD_TEXT(scan_part, "sha256", sha256), FIELD(scan_part, "size", WIDE, size),
	FIELD(scan_part, "depth", INT, depth), FIELD(scan_part, "in", INT, parent), FIELD(scan_part, "encrypted", FLAG, encrypted),
	FIELD(scan_part, "opened", FLAG, opened), FIELD(scan_part, "runs", FLAG, executable),
	FIELD(scan_part, "mismatch", FLAG, mismatch), FIELD(scan_part, "macros", FLAG, macros),
	FIELD(scan_part, "rtl", FLAG, rtl_override), FIELD(scan_part, "double", FLAG, double_extension)};
static const struct field address_fields[] = {FIELD(scan_address, "field", WORD, field), FIELD_TEXT(scan_address, "name", name),
	FIELD_TEXT(scan_address, "address", address), FIELD_TEXT(scan_address, "host", host),
	FIELD_TEXT(scan_address, "domain", domain), FIELD_TEXT(scan_address, "looks", skeleton),
	FIELD_TEXT(scan_address, "keys", keys)};
static const struct field auth_fields[] = {FIELD_TEXT(scan_auth, "server", server), FIELD(scan_auth, "spf", WORD, spf),
	FIELD(scan_auth, "dkim", WORD, dkim), FIELD(scan_auth, "dmarc", WORD, dmarc), FIELD(scan_auth, "compauth", WORD, compauth),
	FIELD_TEXT(scan_auth, "spf_of", spf_domain), FIELD_TEXT(scan_auth, "dkim_of", dkim_domain),
	FIELD_TEXT(scan_auth, "dmarc_of", dmarc_domain)};
static const struct field mail_fields[] = {FIELD_TEXT(scan_mail, "subject", subject), FIELD_TEXT(scan_mail, "id", message_id),
	FIELD_TEXT(scan_mail, "list", list_id), FIELD(scan_mail, "date", WIDE, date),
	FIELD(scan_mail, "addresses_seen", INT, addresses_seen), FIELD(scan_mail, "auth_seen", INT, auth_seen),
	FIELD_TEXT(scan_mail, "as", auth_as)};
static const struct field link_fields[] = {FIELD_TEXT(scan_link, "url", url), FIELD_TEXT(scan_link, "text", text),
	FIELD(scan_link, "part", INT, part), FIELD(scan_link, "flags", WORD, flags), FIELD_TEXT(scan_link, "host", host),
	FIELD_TEXT(scan_link, "domain", domain), FIELD_TEXT(scan_link, "looks", skeleton),
	FIELD_TEXT(scan_link, "text_host", text_host), FIELD_TEXT(scan_link, "text_domain", text_domain)};
static const struct field hit_fields[] = {FIELD_TEXT(scan_hit, "detector", detector), FIELD(scan_hit, "part", INT, part),
	FIELD(scan_hit, "count", INT, count), FIELD(scan_hit, "distinct", INT, distinct), FIELD(scan_hit, "at", WIDE, offset),
	FIELD_TEXT(scan_hit, "masked", masked), FIELD_TEXT(scan_hit, "hash", hash), FIELD(scan_hit, "near", FLAG, near)};
static const struct field reply_fields[] = {FIELD(scan_reply, "verdict", WORD, verdict), FIELD_TEXT(scan_reply, "reason", reason),
	FIELD(scan_reply, "parts_seen", INT, parts_seen), FIELD(scan_reply, "links_seen", INT, links_seen),
	FIELD(scan_reply, "hits_seen", INT, hits_seen)};
_Static_assert(sizeof(enum scan_verdict) == sizeof(unsigned) && sizeof(enum scan_field) == sizeof(unsigned) &&
		sizeof(enum scan_auth_result) == sizeof(unsigned), "a WORD is an unsigned");

/* The rows of a reply. */
struct rows {
	const char *name;
	const struct field *fields;
	size_t n_fields, count, at, size;
	int max;
};
#define ROWS(name, fields, type, count, member, row)                                                         \
	{name, fields, sizeof(fields) / sizeof(fields[0]), offsetof(struct type, count), offsetof(struct type, member),   \
		sizeof(struct row), (int)(sizeof(((struct type *)0)->member) / sizeof(struct row))}
static const struct rows reply_rows[] = {ROWS("threats", threat_fields, scan_reply, n_threats, threats, scan_threat),
	ROWS("parts", part_fields, scan_reply, n_parts, parts, scan_part), ROWS("links", link_fields, scan_reply, n_links, links, scan_link),
	ROWS("hits", hit_fields, scan_reply, n_hits, hits, scan_hit)};
static const struct rows mail_rows[] = {ROWS("addresses", address_fields, scan_mail, n_addresses, addresses, scan_address),
	ROWS("auth", auth_fields, scan_mail, n_auth, auth, scan_auth)};

/* ---- writing ---- */

static int64_t value_of(const struct field *f, const void *record)
{
	const void *at = (const char *)record + f->at;

	switch (f->kind) {
	case INT: return *(const int *)at;
	case WIDE: return *(const int64_t *)at;
	case FLAG: return *(const bool *)at;
	case WORD: return *(const unsigned *)at;
	case TEXT: break;
	}
	return 0;
}

static int print_fields(const struct field *fields, size_t n, const void *record, bool *comma, struct buf *out)
{
	int bad = 0;

	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		const char *text = f->kind == TEXT ? (const char *)record + f->at : "";
		int64_t v = value_of(f, record);
		if (!*text && !v)
			continue;
		bad |= buf_addf(out, "%s\"%s\":", *comma ? "," : "", f->name);
		bad |= *text ? json_quote(out, text, false) : buf_addf(out, "%lld", (long long)v);
		*comma = true;
	}
	return bad;
}

static int print_rows(const struct rows *r, const void *record, bool *comma, struct buf *out)
{
	int n = *(const int *)(const void *)((const char *)record + r->count), bad = 0;

	if (n <= 0)
		return 0;
	bad |= buf_addf(out, "%s\"%s\":[", *comma ? "," : "", r->name);
	for (int i = 0; i < n && i < r->max; i++) {
		bool inner = false;
		bad |= buf_adds(out, i ? ",{" : "{");
		bad |= print_fields(r->fields, r->n_fields, (const char *)record + r->at + (size_t)i * r->size, &inner, out);
		bad |= buf_adds(out, "}");
	}
	*comma = true;
	return bad | buf_adds(out, "]");
}

int content_print(const struct scan_reply *r, bool words, struct buf *out)
{
	bool comma = true;
	int bad = buf_addf(out, "{\"v\":%d", VERSION);

	if (words)
		bad |= buf_adds(out, ",\"words\":1");
	bad |= print_fields(reply_fields, ARRAY_SIZE(reply_fields), r, &comma, out);
	for (size_t i = 0; i < ARRAY_SIZE(reply_rows); i++)
		bad |= print_rows(&reply_rows[i], r, &comma, out);
	if (r->mail.present) {
		bool inner = false;
		bad |= buf_adds(out, ",\"mail\":{");
		bad |= print_fields(mail_fields, ARRAY_SIZE(mail_fields), &r->mail, &inner, out);
		for (size_t i = 0; i < ARRAY_SIZE(mail_rows); i++)
			bad |= print_rows(&mail_rows[i], &r->mail, &inner, out);
		bad |= buf_adds(out, "}");
	}
	return (bad | buf_adds(out, "}")) ? -1 : 0;
}

/* ---- reading ---- */

static void read_fields(const struct field *fields, size_t n, const cJSON *o, void *record)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		char *at = (char *)record + f->at;
		int64_t v = 0;
		if (f->kind == TEXT) {
			snprintf(at, f->size, "%s", json_str_or(o, f->name, ""));
			continue;
		}
		if (!json_int64(o, f->name, &v))
			v = 0;
		if (f->kind == WIDE)
			*(int64_t *)(void *)at = v;
		else if (f->kind == FLAG)
			*(bool *)(void *)at = v != 0;
		else if (v >= INT32_MIN && v <= INT32_MAX)
			*(int *)(void *)at = (int)v;
	}
}

static int read_rows(const struct rows *r, const cJSON *o, void *record)
{
	const cJSON *one, *list = json_array(o, r->name);
	int n = 0;

	cJSON_ArrayForEach(one, list)
	{
		if (n == r->max || !cJSON_IsObject(one))
			return -1;
		read_fields(r->fields, r->n_fields, one, (char *)record + r->at + (size_t)n * r->size);
		n++;
	}
	*(int *)(void *)((char *)record + r->count) = n;
	return 0;
}

/* The indexes lead where they may, as in what a worker says. */
static bool sound(const struct scan_reply *r)
{
	bool ok = r->verdict >= VERDICT_CLEAN && r->verdict <= VERDICT_UNKNOWN;

	for (int i = 0; i < r->n_parts; i++)
		ok = ok && r->parts[i].parent >= -1 && r->parts[i].parent < i;
	for (int i = 0; i < r->n_hits; i++)
		ok = ok && r->hits[i].part >= 0 && r->hits[i].part < SCAN_MAX_PARTS;
	for (int i = 0; i < r->n_links; i++)
		ok = ok && r->links[i].part >= -1 && r->links[i].part < SCAN_MAX_PARTS;
	for (int i = 0; i < r->mail.n_addresses; i++)
		ok = ok && r->mail.addresses[i].field <= SCAN_FIELD_CC;
	for (int i = 0; i < r->mail.n_auth; i++)
		ok = ok && r->mail.auth[i].spf <= SCAN_AUTH_ERROR && r->mail.auth[i].dkim <= SCAN_AUTH_ERROR &&
			r->mail.auth[i].dmarc <= SCAN_AUTH_ERROR && r->mail.auth[i].compauth <= SCAN_AUTH_ERROR;
	return ok;
}

int content_read(const char *json, size_t len, struct scan_reply *ret, bool *ret_words, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	int64_t version = 0, words = 0;
	int bad = 0;

	if (len > CONTENT_JSON_MAX || json_parse(json, len, &doc, NULL) < 0 || !json_int64(doc, "v", &version) || version != VERSION)
		return err_set(err, ERR_REMOTE, "bad_content", "what is recorded of a content is of another version");
	memset(ret, 0, sizeof(*ret));
	read_fields(reply_fields, ARRAY_SIZE(reply_fields), doc, ret);
	for (size_t i = 0; i < ARRAY_SIZE(reply_rows); i++)
		bad |= read_rows(&reply_rows[i], doc, ret);
	const cJSON *mail = json_object(doc, "mail");
	if (mail) {
		ret->mail.present = true;
		read_fields(mail_fields, ARRAY_SIZE(mail_fields), mail, &ret->mail);
		for (size_t i = 0; i < ARRAY_SIZE(mail_rows); i++)
			bad |= read_rows(&mail_rows[i], mail, &ret->mail);
	}
	if (bad || !sound(ret))
		return err_set(err, ERR_REMOTE, "bad_content", "what is recorded of a content makes no sense");
	*ret_words = json_int64(doc, "words", &words) && words;
	return 0;
}
