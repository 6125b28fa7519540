/* Mail: the listing and the history of one mailbox, a message's MIME bytes and its headers. Called by google.c on core's job
 * threads.
 *
 * A message never changes (an edited draft is a new message), so its version is a constant. The cursor has, beside feed.c's
 * keys: h (the history id to ask from), n (the one to ask from next, taken from the first page of a run, so that what comes
 * while the run is read comes again rather than never), fresh and miss (below). A listing leaves nothing out, what is held neither: no label of a user's keeps a
 * message from being looked at, and what is known is not scanned again. Sources: Gmail "Synchronize clients", users.history.list, users.messages.list, "Search operators";
 * gauteh/lieer #203 (404 for a history id that is seconds old). */
#include "connectors/google/google.h"

#include "base/encode.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MAIL_PAGE 500
#define TO_MAX 1000
/* A message of 35 MB as base64 in JSON, and what stands around it. */
#define RAW_MAX (50u << 20)
#define MISS_MAX 5 /* so often may a history id that is fresh be unknown */

int mail_error(struct err *err)
{
	if (err && err->class == ERR_REMOTE && strcmp(err->code, GOOGLE_PRECONDITION) == 0) {
		snprintf(err->code, sizeof(err->code), "unlicensed");
		err->scope = SCOPE_STREAM;
	}
	return -1;
}

static int get(struct connection *c, const char *user, struct buf *url, cJSON **ret, struct err *err)
{
	return google_get(c, user, buf_str(url), ret, err) < 0 ? mail_error(err) : 0;
}

/* ---- what a page holds ---- */

static int room(struct item_page *page, size_t n, struct err *err)
{
	page->items = arena_alloc(page->arena, (n + 1) * sizeof(*page->items));
	page->removed = arena_alloc(page->arena, (n + 1) * sizeof(*page->removed));
	return MEM_OK(page->items && page->removed, err);
}

static int add_item(struct item_page *page, const cJSON *message, struct err *err)
{
	const char *id = json_str(message, "id");

	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a message without an id");
	for (size_t i = 0; i < page->n_removed; i++)
		if (strcmp(page->removed[i], id) == 0)
			page->removed[i--] = page->removed[--page->n_removed];
	for (size_t i = 0; i < page->n_items; i++)
		if (strcmp(page->items[i].id, id) == 0)
			return 0;
	struct item *item = &page->items[page->n_items++];
	*item = (struct item){.kind = ITEM_MESSAGE, .id = arena_dup(page->arena, id), .version = "1", .size = -1};
	return MEM_OK(item->id, err);
}

static int add_removed(struct item_page *page, const cJSON *message, struct err *err)
{
	const char *id = json_str(message, "id");

	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a deleted message without an id");
	for (size_t i = 0; i < page->n_items; i++)
		if (strcmp(page->items[i].id, id) == 0)
			page->items[i--] = page->items[--page->n_items];
	id = arena_dup(page->arena, id);
	if (!id)
		return err_memory(err);
	page->removed[page->n_removed++] = id;
	return 0;
}

/* ---- the listing ---- */

/* The first time: where the history stands now, before anything is listed. */
static int begin(struct connection *c, const cJSON *context, const struct poll_request *req, struct feed *f, struct err *err)
{
	const char *user = json_str(context, "user");
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	bool list = req->resync || req->backlog != BACKLOG_NONE;
	char id[32];

	if (gmail_url(c, &url, err, "/profile", NULL) < 0 || get(c, user, &url, &doc, err) < 0)
		return -1;
	const char *history = json_id(doc, "historyId", id, sizeof(id));
	if (!history || !*history)
		return err_set(err, ERR_REMOTE, "bad_answer", "a mailbox without a history id");
	if (json_set_str(f->cursor, "m", list ? "list" : "feed") < 0 || json_set_str(f->cursor, "h", history) < 0 ||
		json_set_bool(f->cursor, "fresh", true) < 0)
		return err_memory(err);
	return 0;
}

static int list_url(struct connection *c, const struct poll_request *req, const struct feed *f, struct buf *url,
	struct err *err)
{
	bool since = (req->backlog == BACKLOG_SINCE || req->resync) && req->since > 0;
	char q[40];
	int r = 0;

	if (gmail_url(c, url, err, "/messages", NULL) < 0)
		return -1;
	snprintf(q, sizeof(q), "after:%lld", (long long)(req->since / 1000));
	r |= url_query_int(url, "maxResults", c->page_size > 0 && c->page_size < MAIL_PAGE ? c->page_size : MAIL_PAGE);
	r |= url_query(url, "includeSpamTrash", "true");
	if (since)
		r |= url_query(url, "q", q);
	if (json_str(f->cursor, "p"))
		r |= url_query(url, "pageToken", json_str(f->cursor, "p"));
	return r < 0 ? err_set(err, ERR_REMOTE, "bad_answer", "a page token that is too long") : 0;
}

static int poll_list(struct connection *c, const char *user, const struct poll_request *req, struct feed *f, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *message;
	struct err why = {0};

	if (list_url(c, req, f, &url, err) < 0)
		return -1;
	if (get(c, user, &url, &doc, &why) < 0) {
		if (why.http_status == 400 && json_str(f->cursor, "p") && strcmp(why.code, "unlicensed") != 0)
			return feed_again(f, err) < 0 ? -1 : feed_put(f, true, true, err);
		return pass_on(err, &why);
	}
	const cJSON *messages = json_array(doc, "messages");
	if (!messages && !json_get(doc, "resultSizeEstimate") && !json_str(doc, "nextPageToken"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of messages that is none");
	if (room(f->page, (size_t)cJSON_GetArraySize(messages), err) < 0)
		return -1;
	cJSON_ArrayForEach(message, messages)
	{
		if (add_item(f->page, message, err) < 0)
			return -1;
	}
	const char *next = json_str(doc, "nextPageToken");
	if (feed_next(f, next, err) < 0)
		return -1;
	if (!next && json_set_str(f->cursor, "m", "feed") < 0)
		return err_memory(err);
	return feed_put(f, true, true, err);
}

/* ---- the history ---- */

static size_t records(const cJSON *history, const char *kind)
{
	const cJSON *record;
	size_t n = 0;

	cJSON_ArrayForEach(record, history)
	{
		n += (size_t)cJSON_GetArraySize(json_array(record, kind));
	}
	return n;
}

static int read_history(struct feed *f, const cJSON *history, struct err *err)
{
	static const char *const kinds[] = {"messagesAdded", "labelsAdded", "messagesDeleted"};
	const cJSON *record, *entry;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		n += records(history, kinds[i]);
	if (room(f->page, n, err) < 0)
		return -1;
	cJSON_ArrayForEach(record, history)
	{
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			cJSON_ArrayForEach(entry, json_array(record, kinds[i]))
			{
				const cJSON *message = json_object(entry, "message");
				if ((i < 2 ? add_item(f->page, message, err) : add_removed(f->page, message, err)) < 0)
					return -1;
			}
		}
	}
	return 0;
}

/* The history id is unknown: a listing has to fill the gap. One that was handed out just now is asked for a few times more,
 * a turn apart, because a listing would end with one like it. */
static int lost(struct feed *f, struct err *err)
{
	int64_t miss = json_int64_or(f->cursor, "miss", 0);

	if (!json_bool(f->cursor, "fresh") || json_str(f->cursor, "p") || miss < 0 || miss >= MISS_MAX)
		return cursor_lost(err, "Gmail does not know the history id any more");
	if (json_set_int(f->cursor, "miss", miss + 1) < 0)
		return err_memory(err);
	return feed_put(f, false, false, err);
}

static int history_url(struct connection *c, const struct feed *f, const char *from, struct buf *url, struct err *err)
{
	static const char *const types[] = {"messageAdded", "labelAdded", "messageDeleted"};
	int r = 0;

	if (gmail_url(c, url, err, "/history", NULL) < 0)
		return -1;
	r |= url_query(url, "startHistoryId", from);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		r |= url_query(url, "historyTypes", types[i]);
	r |= url_query_int(url, "maxResults", c->page_size > 0 && c->page_size < MAIL_PAGE ? c->page_size : MAIL_PAGE);
	if (json_str(f->cursor, "p"))
		r |= url_query(url, "pageToken", json_str(f->cursor, "p"));
	return r < 0 ? err_set(err, ERR_REMOTE, "bad_answer", "a page token that is too long") : 0;
}

/* The run ended: the next one asks from where this one began to read. */
static int end_of_run(struct feed *f, const char *now, struct err *err)
{
	const char *next = json_str_or(f->cursor, "n", now);

	if (json_set_str(f->cursor, "h", next) < 0)
		return err_memory(err);
	cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, "n");
	cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, "fresh");
	cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, "miss");
	return 0;
}

static int poll_history(struct connection *c, const char *user, struct feed *f, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	const char *from = json_str(f->cursor, "h");
	struct err why = {0};
	char id[32];

	if (!from)
		return cursor_lost(err, "the stored cursor has no history id");
	if (history_url(c, f, from, &url, err) < 0)
		return -1;
	if (get(c, user, &url, &doc, &why) < 0) {
		if (why.http_status == 404)
			return lost(f, err);
		if (why.http_status == 400 && strcmp(why.code, "unlicensed") != 0) {
			if (!json_str(f->cursor, "p"))
				return cursor_lost(err, "Gmail refuses the history id");
			return feed_again(f, err) < 0 ? -1 : feed_put(f, true, false, err);
		}
		return pass_on(err, &why);
	}
	const char *now = json_id(doc, "historyId", id, sizeof(id)), *next = json_str(doc, "nextPageToken");
	if (!now || !*now)
		return err_set(err, ERR_REMOTE, "bad_answer", "a history without its id");
	if (!json_str(f->cursor, "n") && json_set_str(f->cursor, "n", now) < 0)
		return err_memory(err);
	if (read_history(f, json_array(doc, "history"), err) < 0 || feed_next(f, next, err) < 0 ||
		(!next && end_of_run(f, now, err) < 0))
		return -1;
	return feed_put(f, next != NULL, false, err);
}

static int mail_poll(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
	struct err *err)
{
	struct item_page page = {.arena = ret->arena};
	const char *mode, *user = json_str(context, "user");
	_cleanup_feed_ struct feed f = {0};
	int r;

	if (feed_open(&f, req, &page, &mode, err) < 0)
		return -1;
	if (!mode && begin(c, context, req, &f, err) < 0)
		return -1;
	if (!mode && strcmp(json_str(f.cursor, "m"), "feed") == 0)
		r = feed_put(&f, false, false, err); /* from now on */
	else if (strcmp(json_str(f.cursor, "m"), "list") == 0)
		r = poll_list(c, user, req, &f, err);
	else
		r = poll_history(c, user, &f, err);
	if (r < 0 || notice_filter(c->api.env, &page, err) < 0)
		return -1;
	*ret = page;
	return 0;
}

/* ---- content ---- */

/* "1795873551451", milliseconds; 0 when it is not there or no date. */
static int64_t internal_date(const struct http_response *r)
{
	char text[16], *end;
	size_t at, len;

	if (json_find_string(buf_str(&r->body), r->body.len, "internalDate", &at, &len, NULL) < 0 || len >= sizeof(text))
		return 0;
	snprintf(text, sizeof(text), "%.*s", (int)len, buf_str(&r->body) + at);
	int64_t ms = strtoll(text, &end, 10);
	return !*end && ms > 0 ? ms : 0;
}

int mail_bytes(struct connection *c, const char *user, const char *id, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_response_ struct http_response r = {0};
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (gmail_url(c, &url, err, "/messages/{}", id, NULL) < 0)
		return -1;
	if (url_query(&url, "format", "raw") < 0)
		return err_memory(err);
	const struct api_call call = {.url = buf_str(&url), .subject = user, .max_body = RAW_MAX, .timeout_ms = 300000};
	if (api_do(&c->api, &call, &r, err) < 0 || base64_string_into(buf_str(&r.body), r.body.len, "raw", content, err) < 0) {
		grant_explain(c, err);
		return mail_error(err);
	}
	*ret = (struct content_info){.received_at = internal_date(&r)};
	return 0;
}

static int mail_open_content(struct connection *c, const cJSON *context, const struct item *item, struct content *content,
	struct content_info *ret, struct err *err)
{
	return mail_bytes(c, json_str(context, "user"), item->id, content, ret, err);
}

/* ---- headers ---- */

static const char *header(const cJSON *message, const char *name)
{
	const cJSON *h;

	cJSON_ArrayForEach(h, json_array(json_object(message, "payload"), "headers"))
	{
		if (strcasecmp(json_str_or(h, "name", ""), name) == 0)
			return json_str(h, "value");
	}
	return NULL;
}

/* The addresses of a header, without the names that stand before them. */
static const char *addresses(struct arena *a, const char *text)
{
	_cleanup_buf_ struct buf out = BUF_INIT(TO_MAX);

	while (text && *text) {
		bool quoted = false;
		const char *from = text, *open = NULL, *close = NULL, *p = text;
		for (; *p && (quoted || *p != ','); p++) {
			if (quoted && *p == '\\' && p[1])
				p++;
			else if (*p == '"')
				quoted = !quoted;
			else if (!quoted && *p == '<')
				open = p + 1;
			else if (!quoted && *p == '>')
				close = p;
		}
		const char *end = p;
		if (open && close && open < close) {
			from = open;
			end = close;
		}
		while (from < end && isspace((unsigned char)*from))
			from++;
		while (end > from && isspace((unsigned char)end[-1]))
			end--;
		size_t had = out.len;
		if (end > from && ((had && buf_adds(&out, ", ") < 0) || buf_add(&out, from, (size_t)(end - from)) < 0)) {
			out.len = had; /* enough to show */
			break;
		}
		text = *p ? p + 1 : p;
	}
	return out.len ? arena_dupn(a, out.data, out.len) : NULL;
}

static const char *place_of(const cJSON *labels)
{
	static const char *const places[] = {"TRASH", "/Trash", "SPAM", "/Spam", "INBOX", "/Inbox", "DRAFT", "/Drafts", "SENT",
		"/Sent"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i += 2)
		if (list_has(labels, places[i]))
			return places[i + 1];
	return NULL;
}

/* A message that was filed by a label alone is looked for under that; best effort. */
static const char *place_by_label(struct connection *c, struct arena *a, const char *user, const cJSON *labels)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *label;

	if (gmail_url(c, &url, NULL, "/labels", NULL) == 0 && get(c, user, &url, &doc, NULL) == 0)
		cJSON_ArrayForEach(label, json_array(doc, "labels"))
		{
			if (strcmp(json_str_or(label, "type", ""), "user") == 0 && list_has(labels, json_str(label, "id")))
				return arena_printf(a, "/%.300s", json_str_or(label, "name", "?"));
		}
	return arena_dup(a, "/All Mail");
}

static int mail_describe(struct connection *c, const cJSON *context, struct item *item, struct arena *a, struct err *err)
{
	static const char *const wanted[] = {"From", "To", "Subject", "Message-ID", "Date"};
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (item->message_id && item->from && item->received_at)
		return 0;
	if (gmail_url(c, &url, err, "/messages/{}", item->id, NULL) < 0)
		return -1;
	if (url_query(&url, "format", "metadata") < 0)
		return err_memory(err);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (url_query(&url, "metadataHeaders", wanted[i]) < 0)
			return err_memory(err);
	if (get(c, json_str(context, "user"), &url, &doc, err) < 0)
		return -1;
	if (!json_str(doc, "id"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a message without an id");
	item->message_id = arena_dup(a, header(doc, "Message-ID"));
	item->from = addresses(a, header(doc, "From"));
	item->to = addresses(a, header(doc, "To"));
	item->subject = arena_dup(a, header(doc, "Subject"));
	if (!item->name)
		item->name = item->subject;
	item->path = place_of(json_array(doc, "labelIds"));
	if (!item->path)
		item->path = place_by_label(c, a, json_str(context, "user"), json_array(doc, "labelIds"));
	item->received_at = json_int64_or(doc, "internalDate", 0);
	if (!item->changed_at)
		item->changed_at = item->received_at;
	return 0;
}

static const struct google_act *const acts[] = {&mail_tag, &mail_replace, NULL};

const struct google_service google_mail = {
	.receipt_kind = "mail",
	.poll = mail_poll,
	.open_content = mail_open_content,
	.describe = mail_describe,
	.plan = mail_plan,
	.quarantine = mail_quarantine,
	.restore = mail_restore,
	.observe = mail_observe,
	.open_held = mail_open_held,
	.remove = mail_remove,
	.acts = acts,
};
