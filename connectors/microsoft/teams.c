/* Teams: messages of a channel by its delta feed, messages of all chats of a user by time. Called by microsoft.c on core's job
 * threads. What a message is and what of it is scanned: teams_message.c.
 *
 * The same chat message comes in the stream of each participant, with one id: "chat:CHAT/ID".
 * Microsoft forbids asking for the same Teams resource often; how often is core's decision, see README.md.
 * Sources: Graph "chatMessage: delta", "chats: getAllMessages". */
#include "base/timeutil.h"
#include "connectors/microsoft/acts.h"

#include <string.h>

#define TEAMS_PAGE 50
#define REPLY_PAGES_MAX 200
#define OVERLAP_MS (5 * 60 * 1000) /* messages surface late: what was asked for a moment ago is asked for again */

static bool is_event(const cJSON *message)
{
	const char *type = json_str(message, "messageType");

	return (type && strcmp(type, "message") != 0) || json_object(message, "eventDetail");
}

/* Where messages of a page come from. */
struct origin {
	const char *prefix; /* of their ids */
	const char *path;   /* for people; NULL none */
	const char *chat, *reply_to;
};

static int read_message(struct arena *a, const cJSON *message, const struct origin *origin, struct item *item,
	struct err *err)
{
	const cJSON *from = json_object(message, "from"), *user = json_object(from, "user");
	const char *id = json_str(message, "id"), *who = json_str(user, "displayName");
	_cleanup_json_ cJSON *context = cJSON_CreateObject();

	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a Teams message without an id");
	if (!who)
		who = json_str(json_object(from, "application"), "displayName");
	*item = (struct item){.kind = ITEM_CHAT, .size = -1};
	item->id = arena_printf(a, "%s/%s", origin->prefix, id);
	item->version = ms_teams_version(a, message);
	item->path = arena_dup(a, origin->path);
	item->subject = arena_str(a, message, "subject");
	item->name = item->subject && *item->subject ? item->subject : arena_printf(a, "Message by %s", who ? who : "somebody");
	item->from = arena_dup(a, who);
	item->received_at = json_time(message, "createdDateTime");
	item->changed_at = json_time(message, "lastEditedDateTime");
	if (!item->changed_at)
		item->changed_at = item->received_at;
	if (is_event(message))
		item->skip = "no_content";
	if (!context || json_set_str(context, "id", id) < 0 || json_set_str(context, "chat", origin->chat) < 0 ||
		json_set_str(context, "reply_to", origin->reply_to) < 0 || json_set_str(context, "from", json_str(user, "id")) < 0 ||
		!item->id || !item->version)
		return err_memory(err);
	return arena_json(a, context, &item->context, err);
}

/* Grows with the messages of a page and their replies. */
struct list {
	struct arena *arena;
	struct item *items;
	const char **removed;
	size_t n, n_removed, room;
};

static int list_room(struct list *l, struct err *err)
{
	if (l->n < l->room && l->n_removed < l->room)
		return 0;
	size_t room = l->room ? l->room * 2 : 64;
	struct item *items = arena_alloc(l->arena, room * sizeof(*items));
	const char **removed = arena_alloc(l->arena, room * sizeof(*removed));
	if (!items || !removed)
		return err_memory(err);
	if (l->n)
		memcpy(items, l->items, l->n * sizeof(*items));
	if (l->n_removed)
		memcpy(removed, l->removed, l->n_removed * sizeof(*removed));
	l->items = items;
	l->removed = removed;
	l->room = room;
	return 0;
}

static int list_add(struct list *l, const cJSON *message, const struct origin *origin, struct err *err)
{
	if (list_room(l, err) < 0)
		return -1;
	if (json_get(message, "@removed") || json_str(message, "deletedDateTime")) {
		const char *id = json_str(message, "id");
		if (!id || !*id)
			return err_set(err, ERR_REMOTE, "bad_answer", "a Teams message without an id");
		l->removed[l->n_removed++] = arena_printf(l->arena, "%s/%s", origin->prefix, id);
		return 0;
	}
	if (read_message(l->arena, message, origin, &l->items[l->n], err) < 0)
		return -1;
	l->n++;
	return 0;
}

static void list_give(const struct list *l, struct item_page *page)
{
	page->items = l->items;
	page->n_items = l->n;
	page->removed = l->removed;
	page->n_removed = l->n_removed;
}

/* ---- channels ---- */

/* The replies that came with a message, and the pages of those that did not fit. */
static int add_replies(struct connection *c, struct list *l, const char *team, const char *channel, const cJSON *message,
	struct origin origin, struct err *err)
{
	const char *next = json_str(message, "replies@odata.nextLink");
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	cJSON *replies = json_array(message, "replies"), *reply;
	_cleanup_json_ cJSON *doc = NULL;
	struct err why;

	/* Not expanded: they have a list of their own. */
	if (!replies && !next && !origin.reply_to && !json_get(message, "@removed")) {
		struct teams_ref root = {.team = team, .channel = channel, .id = json_str(message, "id")};
		if (ms_teams_url(c, &root, &url, err) < 0)
			return -1;
		if (buf_adds(&url, "/replies") < 0 || url_query_int(&url, "$top", TEAMS_PAGE) < 0)
			return err_memory(err);
		if (graph_get(c, buf_str(&url), NULL, &doc, &why) < 0) {
			if (graph_refused(&why))
				return 0;
			if (err)
				*err = why;
			return -1;
		}
		if (graph_list(c, doc, &replies, &next, err) < 0)
			return -1;
	}
	origin.reply_to = json_str(message, "id");
	for (int page = 0; page < REPLY_PAGES_MAX; page++) {
		cJSON_ArrayForEach(reply, replies)
		{
			if (list_add(l, reply, &origin, err) < 0)
				return -1;
		}
		if (!next)
			return 0;
		if (!graph_link_ok(c, next))
			return err_set(err, ERR_REMOTE, "bad_answer", "replies whose link leads elsewhere");
		buf_clear(&url);
		if (buf_adds(&url, next) < 0)
			return err_memory(err);
		json_free(TAKE_PTR(doc));
		if (graph_get(c, buf_str(&url), NULL, &doc, err) < 0 || graph_list(c, doc, &replies, &next, err) < 0)
			return -1;
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a message's replies does not end");
}

static int channel_poll(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
	struct err *err)
{
	const char *team = json_str(context, "team"), *channel = json_str(context, "channel");
	_cleanup_buf_ struct buf start = BUF_INIT(GRAPH_URL_MAX), probe = BUF_INIT(GRAPH_URL_MAX);
	struct item_page page = {.arena = ret->arena};
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_feed_ struct feed feed = {0};
	struct list list = {.arena = ret->arena};
	const cJSON *message;

	if (ms_feed_open(&feed, c, req, &page, err) < 0)
		return -1;
	feed.page_size = c->page_size > 0 && c->page_size < TEAMS_PAGE ? c->page_size : TEAMS_PAGE;
	if (graph_url(c, &start, err, "/teams/{}/channels/{}/messages/delta", team, channel, NULL) < 0 ||
		graph_url(c, &probe, err, "/teams/{}/channels/{}", team, channel, NULL) < 0)
		return -1;
	if (url_query_int(&start, "$top", ms_feed_top(&feed, feed.page_size)) < 0 || url_query(&start, "$expand", "replies") < 0)
		return err_memory(err);
	int r = ms_feed_fetch(&feed, buf_str(&start), buf_str(&probe), &doc, err);
	if (r < 0)
		return -1;
	if (r == 0) {
		struct origin origin = {.prefix = arena_printf(ret->arena, "channel:%s/%s", team, channel),
			.path = arena_printf(ret->arena, "/%s/%s", req->stream->owner ? req->stream->owner : "",
				req->stream->name ? req->stream->name : "")};
		if (!origin.prefix || !origin.path)
			return err_memory(err);
		cJSON_ArrayForEach(message, json_array(doc, "value"))
		{
			/* A reply that the feed gives by itself says whose it is. */
			origin.reply_to = json_str(message, "replyToId");
			if (list_add(&list, message, &origin, err) < 0 || add_replies(c, &list, team, channel, message, origin, err) < 0)
				return -1;
		}
		if (ms_feed_finish(&feed, doc, err) < 0)
			return -1;
	}
	list_give(&list, &page);
	*ret = page;
	return 0;
}

/* ---- chats ---- */

/* Where the next run begins: a moment before the latest change that was seen. */
static int chat_end(cJSON *cursor, int64_t newest, struct err *err)
{
	char text[TIME_RFC3339_LEN];
	const cJSON *from = json_get(cursor, "from");

	cJSON_DeleteItemFromObjectCaseSensitive(cursor, "link");
	cJSON_DeleteItemFromObjectCaseSensitive(cursor, "newest");
	cJSON_DeleteItemFromObjectCaseSensitive(cursor, "list");
	cursor_loops_clear(cursor, "links");
	if (newest > OVERLAP_MS && json_set_str(cursor, "from", time_format(newest - OVERLAP_MS, text)) < 0)
		return err_memory(err);
	if (!newest && !from && json_set_str(cursor, "from", time_format(time_now_ms() - OVERLAP_MS, text)) < 0)
		return err_memory(err);
	return 0;
}

static int chat_start(struct connection *c, const cJSON *context, const struct poll_request *req, cJSON *cursor,
	struct buf *url, struct err *err)
{
	char from[TIME_RFC3339_LEN], filter[96];
	int64_t since = 0;

	if (!req->cursor) {
		if (json_set_bool(cursor, "list", true) < 0)
			return err_memory(err);
		if (req->backlog == BACKLOG_NONE && !req->resync)
			since = time_now_ms() - OVERLAP_MS;
		else if (req->backlog == BACKLOG_SINCE || req->backlog == BACKLOG_NONE)
			since = req->since;
		if (since > 0 && json_set_str(cursor, "from", time_format(since, from)) < 0)
			return err_memory(err);
	}
	if (graph_url(c, url, err, "/users/{}/chats/getAllMessages", json_str(context, "user"), NULL) < 0)
		return -1;
	if (url_query_int(url, "$top", c->page_size > 0 && c->page_size < TEAMS_PAGE ? c->page_size : TEAMS_PAGE) < 0)
		return err_memory(err);
	if (json_str(cursor, "from")) {
		snprintf(filter, sizeof(filter), "lastModifiedDateTime gt %.40s", json_str(cursor, "from"));
		if (url_query(url, "$filter", filter) < 0)
			return err_memory(err);
	}
	return 0;
}

static int chat_page(struct connection *c, cJSON *cursor, const cJSON *doc, struct item_page *page, struct err *err)
{
	struct list list = {.arena = page->arena};
	int64_t newest = json_int64_or(cursor, "newest", 0);
	cJSON *value, *message;
	bool again = false;
	const char *next;

	if (graph_list(c, doc, &value, &next, err) < 0)
		return -1;
	page->listing = json_bool(cursor, "list");
	cJSON_ArrayForEach(message, value)
	{
		const char *chat = json_str(message, "chatId");
		if (!chat)
			return err_set(err, ERR_REMOTE, "bad_answer", "a chat message without a chat");
		const struct origin origin = {.prefix = arena_printf(page->arena, "chat:%s", chat), .chat = chat};
		int64_t at = json_time(message, "lastModifiedDateTime");
		if (!origin.prefix)
			return err_memory(err);
		if (list_add(&list, message, &origin, err) < 0)
			return -1;
		if (at > newest)
			newest = at;
	}
	list_give(&list, page);
	page->more = next != NULL;
	if (!next)
		return chat_end(cursor, newest, err);
	if (cursor_loops(cursor, "links", next, 1, &again, err) < 0)
		return -1;
	if (again) {
		err_set(err, ERR_CURSOR, "page_loop", "the feed gives the same link over and over");
		return err_scope(err, SCOPE_STREAM);
	}
	if (json_set_str(cursor, "link", next) < 0 || json_set_int(cursor, "newest", newest) < 0)
		return err_memory(err);
	return 0;
}

static int chat_poll(struct connection *c, const cJSON *context, const struct poll_request *req, struct item_page *ret,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	struct item_page page = {.arena = ret->arena};
	_cleanup_json_ cJSON *cursor = NULL, *doc = NULL;
	struct err why;

	if (own_json(req->cursor, ERR_CURSOR, &cursor, err) < 0)
		return -1;
	const char *link = json_str(cursor, "link");
	if (link && !graph_link_ok(c, link)) {
		err_set(err, ERR_CURSOR, "bad_cursor", "the cursor's link is none of Microsoft Graph's");
		return err_scope(err, SCOPE_STREAM);
	}
	if (link ? buf_adds(&url, link) < 0 : chat_start(c, context, req, cursor, &url, err) < 0)
		return link ? err_memory(err) : -1;
	if (graph_get(c, buf_str(&url), NULL, &doc, &why) < 0) {
		bool refused = graph_refused(&why) && strcmp(why.code, "forbidden") != 0;
		if (refused && link) {
			why.class = ERR_CURSOR;
		} else if (refused) {
			why.class = ERR_REMOTE;
			snprintf(why.code, sizeof(why.code), "unlicensed");
		}
		if (err)
			*err = why;
		return err_scope(err, why.scope == SCOPE_ITEM ? SCOPE_STREAM : why.scope);
	}
	if (chat_page(c, cursor, doc, &page, err) < 0 || arena_json(ret->arena, cursor, &page.cursor, err) < 0)
		return -1;
	*ret = page;
	return 0;
}

static const struct graph_act *const acts[] = {&ms_teams_block, NULL};

const struct graph_service graph_channel = {
	.stream_prefix = "channel/",
	.receipt_kind = "channel",
	.poll = channel_poll,
	.open_content = ms_teams_open_content,
	.describe = ms_teams_describe,
	.plan = ms_teams_plan,
	.quarantine = ms_teams_quarantine,
	.restore = ms_teams_restore,
	.observe = ms_teams_observe,
	.open_held = ms_teams_open_held,
	.acts = acts,
};

const struct graph_service graph_chat = {
	.stream_prefix = "chat/",
	.receipt_kind = "chat",
	.poll = chat_poll,
	.open_content = ms_teams_open_content,
	.describe = ms_teams_describe,
	.plan = ms_teams_plan,
	.quarantine = ms_teams_quarantine,
	.restore = ms_teams_restore,
	.observe = ms_teams_observe,
	.open_held = ms_teams_open_held,
	.acts = acts,
};
