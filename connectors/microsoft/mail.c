/* Mail: the delta feed of one folder, a message's MIME bytes and its headers. Called by microsoft.c on core's job threads.
 *
 * A message that was sent does not change any more, so its version is a constant: neither reading nor flagging nor moving
 * it makes it new (ids are immutable ones, which survive moves). A draft's version is its change key.
 * Sources: Graph "message: delta", "Immutable identifiers", "Get MIME content of a message". */
#include "connectors/microsoft/acts.h"

#include <string.h>
#include <strings.h>

#define MAIL_PAGE 200
#define TO_MAX 1000

/* Baked into the links, so the first run asks for all that findings need later on. */
#define MAIL_SELECT                                                                                                    \
	"subject,from,toRecipients,receivedDateTime,internetMessageId,isDraft,changeKey,parentFolderId,"               \
	"lastModifiedDateTime,hasAttachments"

static const char *recipients(struct arena *a, const cJSON *list)
{
	_cleanup_buf_ struct buf text = BUF_INIT(TO_MAX);
	const cJSON *entry;

	cJSON_ArrayForEach(entry, list)
	{
		const char *address = json_str(json_object(entry, "emailAddress"), "address");
		if (!address)
			continue;
		size_t had = text.len;
		if ((had && buf_adds(&text, ", ") < 0) || buf_adds(&text, address) < 0) {
			text.len = had; /* enough to show */
			break;
		}
	}
	return text.len ? arena_dupn(a, text.data, text.len) : NULL;
}

/* What is there of the headers; nothing that is known already is overwritten. */
static void read_headers(struct arena *a, const cJSON *message, struct item *item)
{
	if (!item->subject)
		item->subject = arena_str(a, message, "subject");
	if (!item->name)
		item->name = item->subject;
	if (!item->message_id)
		item->message_id = arena_str(a, message, "internetMessageId");
	if (!item->from)
		item->from = arena_str(a, json_object(json_object(message, "from"), "emailAddress"), "address");
	if (!item->to)
		item->to = recipients(a, json_array(message, "toRecipients"));
	if (!item->received_at)
		item->received_at = json_time(message, "receivedDateTime");
	if (!item->changed_at)
		item->changed_at = item->received_at;
}

const char *ms_mail_version(struct arena *a, const cJSON *message)
{
	if (!json_bool(message, "isDraft"))
		return arena_dup(a, "1");
	return arena_printf(a, "draft:%s",
		json_str_or(message, "changeKey", json_str_or(message, "lastModifiedDateTime", "")));
}

bool ms_mail_version_is(const cJSON *message, const char *version)
{
	bool draft = json_bool(message, "isDraft");

	if (strncmp(version, "draft:", 6) != 0)
		return !draft;
	return draft && strcmp(version + 6, json_str_or(message, "changeKey", version + 6)) == 0;
}

static int read_page(const cJSON *value, const char *path, struct item_page *ret, struct err *err)
{
	size_t n = (size_t)cJSON_GetArraySize(value), at = 0;
	_cleanup_free_ bool *again = NULL;
	const cJSON *entry;

	if (ms_feed_repeats(value, &again, err) < 0)
		return -1;
	ret->items = arena_alloc(ret->arena, (n + 1) * sizeof(*ret->items));
	ret->removed = arena_alloc(ret->arena, (n + 1) * sizeof(*ret->removed));
	if (!ret->items || !ret->removed)
		return err_memory(err);
	cJSON_ArrayForEach(entry, value)
	{
		const char *id = arena_str(ret->arena, entry, "id");
		if (!id || !*id)
			return err_set(err, ERR_REMOTE, "bad_answer", "a message without an id");
		if (again[at++])
			continue;
		if (json_get(entry, "@removed")) {
			ret->removed[ret->n_removed++] = id;
			continue;
		}
		struct item *item = &ret->items[ret->n_items++];
		*item = (struct item){.kind = ITEM_MESSAGE, .id = id, .size = -1};
		item->version = ms_mail_version(ret->arena, entry);
		item->path = arena_dup(ret->arena, path);
		read_headers(ret->arena, entry, item);
		if (!item->version)
			return err_memory(err);
	}
	return 0;
}

static int mail_poll(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
	struct err *err)
{
	const char *user = json_str(context, "user"), *folder = json_str(context, "folder");
	_cleanup_buf_ struct buf start = BUF_INIT(GRAPH_URL_MAX), probe = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_feed_ struct feed feed = {0};
	struct item_page page = {.arena = ret->arena};
	char prefer[96];

	if (graph_url(c, &start, err, "/users/{}/mailFolders/{}/messages/delta", user, folder, NULL) < 0 ||
		graph_url(c, &probe, err, "/users/{}/mailFolders/{}", user, folder, NULL) < 0)
		return -1;
	/* No $filter for the backlog: it would stay in the links and limits a folder to 5,000 messages. */
	if (url_query(&start, "$select", MAIL_SELECT) < 0)
		return err_memory(err);
	if (ms_feed_open(&feed, c, req, &page, err) < 0)
		return -1;
	feed.page_size = c->page_size > 0 ? c->page_size : MAIL_PAGE;
	snprintf(prefer, sizeof(prefer), GRAPH_IMMUTABLE ", odata.maxpagesize=%d", ms_feed_top(&feed, feed.page_size));
	feed.prefer = prefer;
	int r = ms_feed_fetch(&feed, buf_str(&start), buf_str(&probe), &doc, err);
	if (r < 0)
		return -1;
	if (r == 0 && (read_page(json_array(doc, "value"), json_str(context, "path"), &page, err) < 0 ||
			      notice_filter(c->api.env, &page, err) < 0 ||
			      ms_feed_finish(&feed, doc, err) < 0))
		return -1;
	*ret = page;
	return 0;
}

static int mail_open_content(struct connection *c, const cJSON *context, const struct item *item, struct content *content,
	struct content_info *ret, struct err *err)
{
	return ms_mail_bytes(c, json_str(context, "user"), item->id, content, ret, err);
}

int ms_mail_bytes(struct connection *c, const char *user, const char *id, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_response_ struct http_response r = {0};

	if (graph_url(c, &url, err, "/users/{}/messages/{}/$value", user, id, NULL) < 0)
		return -1;
	const struct graph_call call = {.url = buf_str(&url), .prefer = GRAPH_IMMUTABLE, .content = content};
	if (graph_download(c, &call, &r, err) < 0)
		return -1;
	/* A message has neither size nor hash to be compared with; a page or an object in its place is told by its type. */
	const char *type = http_header(&r, "content-type");
	if (type && (strncasecmp(type, "text/html", 9) == 0 || strncasecmp(type, "application/json", 16) == 0))
		return err_set(err, ERR_RETRY, "not_as_listed", "what came is no message (%.60s)", type);
	*ret = (struct content_info){0};
	return 0;
}

static int mail_describe(struct connection *c, const cJSON *context, struct item *item, struct arena *arena,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (!item->path)
		item->path = arena_str(arena, context, "path");
	if (item->message_id && item->from && item->received_at)
		return 0;
	if (graph_url(c, &url, err, "/users/{}/messages/{}", json_str(context, "user"), item->id, NULL) < 0)
		return -1;
	if (url_query(&url, "$select", MAIL_SELECT) < 0)
		return err_memory(err);
	if (graph_get(c, buf_str(&url), GRAPH_IMMUTABLE, &doc, err) < 0)
		return -1;
	read_headers(arena, doc, item);
	return 0;
}

static const struct graph_act *const acts[] = {&ms_mail_tag, &ms_mail_replace, NULL};

const struct graph_service graph_mail = {
	.stream_prefix = "mail/",
	.receipt_kind = "mail",
	.poll = mail_poll,
	.open_content = mail_open_content,
	.describe = mail_describe,
	.plan = ms_mail_plan,
	.quarantine = ms_mail_quarantine,
	.restore = ms_mail_restore,
	.observe = ms_mail_observe,
	.open_held = ms_mail_open_held,
	.remove = ms_mail_remove,
	.acts = acts,
};
