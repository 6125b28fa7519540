/* Reading a mailbox: profile, messages.list and get in all formats, attachments. */
#include "fakecloud/google/gmail.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MESSAGE_MAX ((size_t)400 << 20)

struct gm_box *gm_open(struct gg_call *c)
{
	const char *id = c->var[0];
	struct gg_user *u = !strcmp(id, "me") ? c->user : gg_user_find(c->tenant, id);

	if (!u || u != c->user) {
		gg_error(c, 403, "forbidden", "Delegation denied for %s", c->user->email);
		return NULL;
	}
	if (u->service) {
		gg_error(c, 400, "failedPrecondition", "Precondition check failed.");
		return NULL;
	}
	if (!u->licensed) {
		gg_error(c, 400, "failedPrecondition", "Mail service not enabled");
		return NULL;
	}
	return u->mail;
}

int gm_message_data(const struct gm_message *m, struct buf *out)
{
	return fc_blob_read(m->blob, 0, (size_t)fc_blob_size(m->blob), out);
}

struct gm_message *gm_message_of(struct gg_call *c, struct gm_box *box, const char *id)
{
	struct gm_message *m = gm_message_find(box, id);

	if (m)
		return m;
	if (!*id || strspn(id, "0123456789abcdefABCDEF") != strlen(id) || strlen(id) > 16)
		gg_error(c, 400, "invalidArgument", "Invalid id value");
	else
		gg_error(c, 404, "notFound", "Requested entity was not found.");
	return NULL;
}

int gm_profile(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	cJSON *doc;
	int messages = 0, threads = 0;

	if (!box)
		return -1;
	for (size_t i = 0; i < box->nmessages; i++) {
		const struct gm_message *m = box->messages[i];
		if (m->gone)
			continue;
		messages++;
		for (size_t k = 0; k < m->thread->n; k++) {
			if (!m->thread->messages[k]->gone) { /* counted by its first */
				threads += m->thread->messages[k] == m;
				break;
			}
		}
	}
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "emailAddress", box->user->email);
	cJSON_AddNumberToObject(doc, "messagesTotal", messages);
	cJSON_AddNumberToObject(doc, "threadsTotal", threads);
	gg_add_i64(doc, "historyId", (int64_t)box->history_id);
	return gg_reply(c, doc);
}

/* ---- lists ---- */

/* "t<generation of nothing>~date~id": the last one of the page before. */
static int token_read(const char *token, struct gm_listing *l, struct arena *a)
{
	char *end;

	if (*token != 'n')
		return -1;
	l->after_date = strtoll(token + 1, &end, 10);
	if (end == token + 1 || *end != '_' || strspn(end + 1, "0123456789abcdef") != strlen(end + 1))
		return -1;
	l->after_id = arena_dup(a, end + 1);
	return 0;
}

int gm_listing_read(struct gg_call *c, struct gm_box *box, struct gm_listing *ret)
{
	const char *q = gg_query(c, "q"), *token = gg_query(c, "pageToken"), *id;
	struct gm_listing l = {.spam_trash = gg_flag(c, "includeSpamTrash", false)};

	l.max = gg_page_size(c, "maxResults", 100, 500);
	if (l.max < 0)
		return gg_error(c, 400, "invalidArgument", "Invalid maxResults");
	if (q && *q && gg_has_scope(c->token, "gmail.metadata"))
		return gg_error(c, 403, "forbidden", "Metadata scope does not support 'q' parameter");
	l.labels = arena_alloc(c->req->arena, sizeof(int) * 64);
	for (int i = 0; l.nlabels < 64 && (id = fc_query_nth(c->req, "labelIds", i)); i++) {
		int label = gm_label_find(box, id);
		if (label < 0)
			return gg_error(c, 400, "invalidArgument", "Invalid label: %s", id);
		if (label == GM_SPAM || label == GM_TRASH)
			l.spam_trash = true;
		l.labels[l.nlabels++] = label;
	}
	if (q && *q) {
		l.query = gm_query_parse(c->req->arena, box, q);
		l.spam_trash |= gm_query_spam_trash(l.query);
	}
	if (token && *token && token_read(token, &l, c->req->arena) < 0)
		return gg_error(c, 400, "invalidArgument", "Invalid pageToken");
	*ret = l;
	return 0;
}

bool gm_listing_takes(struct gg_call *c, const struct gm_listing *l, struct gm_message *m)
{
	if (m->gone || (!l->spam_trash && (gm_has(m, GM_SPAM) || gm_has(m, GM_TRASH))))
		return false;
	for (size_t i = 0; i < l->nlabels; i++) {
		if (!gm_has(m, (unsigned)l->labels[i]))
			return false;
	}
	return !l->query || gm_query_match(c->req->arena, l->query, m);
}

bool gm_listing_behind(const struct gm_listing *l, int64_t date, const char *id)
{
	if (!l->after_id)
		return true;
	return date < l->after_date || (date == l->after_date && strcmp(id, l->after_id) < 0);
}

cJSON *gm_message_short(const struct gm_message *m, bool labels)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", m->id);
	cJSON_AddStringToObject(o, "threadId", m->thread->id);
	if (labels)
		gm_add_labels(o, "labelIds", m->box, m->labels, m->nlabels);
	return o;
}

int gm_messages_list(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_listing l;
	const struct gm_message *last = NULL;
	cJSON *doc, *list = NULL;
	int n = 0, total = 0;
	bool more = false;

	if (!box || gm_listing_read(c, box, &l) < 0)
		return -1;
	gm_sort(box);
	doc = cJSON_CreateObject();
	for (size_t i = 0; i < box->nmessages; i++) {
		struct gm_message *m = box->messages[i];
		if (!gm_listing_takes(c, &l, m))
			continue;
		total++;
		if (more || !gm_listing_behind(&l, m->date, m->id))
			continue;
		if (n == l.max) {
			more = true;
			continue;
		}
		if (!list)
			list = cJSON_AddArrayToObject(doc, "messages");
		cJSON_AddItemToArray(list, gm_message_short(m, false));
		last = m;
		n++;
	}
	if (more)
		cJSON_AddStringToObject(doc, "nextPageToken",
			arena_printf(c->req->arena, "n%" PRId64 "_%s", last->date, last->id));
	cJSON_AddNumberToObject(doc, "resultSizeEstimate", total);
	return gg_reply(c, doc);
}

/* ---- one message ---- */

void gm_add_labels(cJSON *o, const char *name, const struct gm_box *box, const unsigned *labels, size_t n)
{
	cJSON *list = NULL;

	for (size_t i = 0; i < n; i++) {
		if (box->labels[labels[i]]->gone)
			continue;
		if (!list)
			list = cJSON_AddArrayToObject(o, name);
		cJSON_AddItemToArray(list, cJSON_CreateString(box->labels[labels[i]]->id));
	}
}

static void add_headers(struct gg_call *c, cJSON *o, const struct gm_part *p, bool selected)
{
	cJSON *list = cJSON_AddArrayToObject(o, "headers");
	const char *want;

	for (size_t i = 0; i < p->nheaders; i++) {
		bool take = !selected;
		for (int k = 0; !take && (want = fc_query_nth(c->req, "metadataHeaders", k)); k++)
			take = !strcasecmp(want, p->headers[i].name);
		if (!take)
			continue;
		cJSON *h = cJSON_CreateObject();
		cJSON_AddStringToObject(h, "name", p->headers[i].name);
		cJSON_AddStringToObject(h, "value", p->headers[i].value);
		cJSON_AddItemToArray(list, h);
	}
}

/* Different at each call, as the real ones: the part's id behind random characters. */
static const char *attachment_id(struct arena *a, const char *part_id)
{
	char id[80], hex[2 * 24 + 1];

	gg_new_id(id, 60, "ANGjdJ");
	hex_encode(hex, part_id, strnlen(part_id, 24));
	return arena_printf(a, "%s-%s", id, hex);
}

static void add_data(cJSON *body, const struct buf *plain)
{
	_cleanup_buf_ struct buf text = BUF_INIT(MESSAGE_MAX * 2);

	gg_base64(&text, buf_str(plain), plain->len);
	cJSON_AddStringToObject(body, "data", buf_str(&text));
}

static cJSON *part_json(struct gg_call *c, const struct gm_part *p)
{
	cJSON *o = cJSON_CreateObject(), *body;

	cJSON_AddStringToObject(o, "partId", p->id);
	cJSON_AddStringToObject(o, "mimeType", p->type);
	cJSON_AddStringToObject(o, "filename", p->filename);
	add_headers(c, o, p, false);
	body = cJSON_AddObjectToObject(o, "body");
	if (!strncmp(p->type, "multipart/", 10)) {
		cJSON_AddNumberToObject(body, "size", 0);
	} else {
		_cleanup_buf_ struct buf plain = BUF_INIT(MESSAGE_MAX);
		gm_part_decode(p, &plain);
		if (!gm_part_inline(p))
			cJSON_AddStringToObject(body, "attachmentId", attachment_id(c->req->arena, p->id));
		cJSON_AddNumberToObject(body, "size", (double)plain.len);
		if (gm_part_inline(p))
			add_data(body, &plain);
	}
	if (p->child) {
		cJSON *parts = cJSON_AddArrayToObject(o, "parts");
		for (const struct gm_part *k = p->child; k; k = k->next)
			cJSON_AddItemToArray(parts, part_json(c, k));
	}
	return o;
}

cJSON *gm_message_json(struct gg_call *c, struct gm_message *m, const char *format, const struct mask *mask)
{
	cJSON *o = gm_message_short(m, true);
	bool raw = !strcmp(format, "raw"), minimal = !strcmp(format, "minimal");
	bool want_payload = !raw && !minimal && mask_wants(mask, "payload");
	bool want_snippet = !m->snippet && mask_wants(mask, "snippet");
	_cleanup_buf_ struct buf data = BUF_INIT(MESSAGE_MAX);
	struct gm_part *root = NULL;

	if (want_payload || want_snippet || (raw && mask_wants(mask, "raw")))
		gm_message_data(m, &data);
	if (want_payload || want_snippet)
		root = gm_mime_parse(c->req->arena, buf_str(&data), data.len);
	if (!m->snippet && root)
		m->snippet = gm_snippet(c->req->arena, root);
	cJSON_AddStringToObject(o, "snippet", m->snippet ? m->snippet : "");
	if (want_payload && !strcmp(format, "metadata")) {
		cJSON *payload = cJSON_AddObjectToObject(o, "payload");
		cJSON_AddStringToObject(payload, "mimeType", root->type);
		add_headers(c, payload, root, fc_query_nth(c->req, "metadataHeaders", 0) != NULL);
	} else if (want_payload) {
		cJSON_AddItemToObject(o, "payload", part_json(c, root));
	}
	cJSON_AddNumberToObject(o, "sizeEstimate", (double)fc_blob_size(m->blob));
	if (raw && mask_wants(mask, "raw")) {
		_cleanup_buf_ struct buf text = BUF_INIT(MESSAGE_MAX * 2);
		gg_base64(&text, buf_str(&data), data.len);
		cJSON_AddStringToObject(o, "raw", buf_str(&text));
	}
	gg_add_i64(o, "historyId", (int64_t)m->history);
	gg_add_i64(o, "internalDate", m->date);
	return o;
}

int gm_format_check(struct gg_call *c, const char **ret_format, bool raw_allowed)
{
	const char *format = gg_query(c, "format");
	bool full, raw;

	format = gg_lower(c->req->arena, format && *format ? format : "full");
	full = !strcmp(format, "full");
	raw = !strcmp(format, "raw") && raw_allowed;
	if (!full && !raw && strcmp(format, "metadata") != 0 && strcmp(format, "minimal") != 0)
		return gg_error(c, 400, "invalidArgument", "Invalid value at 'format'");
	if ((full || raw) && gg_has_scope(c->token, "gmail.metadata"))
		return gg_error(
			c, 403, "forbidden", "Metadata scope doesn't allow format %s", full ? "FULL" : "RAW");
	*ret_format = format;
	return 0;
}

int gm_messages_get(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	const char *format;

	if (!box || gm_format_check(c, &format, true) < 0)
		return -1;
	struct gm_message *m = gm_message_of(c, box, c->var[1]);
	return m ? gg_reply(c, gm_message_json(c, m, format, c->mask)) : -1;
}

static const struct gm_part *part_find(const struct gm_part *p, const char *id)
{
	for (; p; p = p->next) {
		if (!strcmp(p->id, id) && !gm_part_inline(p))
			return p;
		const struct gm_part *in = p->child ? part_find(p->child, id) : NULL;
		if (in)
			return in;
	}
	return NULL;
}

int gm_attachments_get(struct gg_call *c)
{
	struct gm_box *box = gm_open(c);
	struct gm_message *m = box ? gm_message_of(c, box, c->var[1]) : NULL;
	const char *hex = strrchr(c->var[2], '-');
	_cleanup_buf_ struct buf data = BUF_INIT(MESSAGE_MAX), plain = BUF_INIT(MESSAGE_MAX);
	char id[32] = "";

	if (!m)
		return -1;
	size_t n = hex ? strlen(hex + 1) / 2 : 0;
	if (!gg_has_prefix(c->var[2], "ANGjdJ") || !hex || n >= sizeof(id) || hex_decode(id, hex + 1, n) < 0)
		return gg_error(c, 400, "invalidArgument", "Invalid attachment token");
	gm_message_data(m, &data);
	const struct gm_part *p = part_find(gm_mime_parse(c->req->arena, buf_str(&data), data.len), id);
	if (!p)
		return gg_error(c, 404, "notFound", "Requested entity was not found.");
	gm_part_decode(p, &plain);
	cJSON *o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "size", (double)plain.len);
	add_data(o, &plain);
	return gg_reply(c, o);
}
