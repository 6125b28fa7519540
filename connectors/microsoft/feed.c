/* Delta feeds of Microsoft Graph: where a feed stands, what to do when it loses its place, fails on large pages or turns
 * in a circle. Called by mail.c, drive.c and channel.c on core's job threads.
 *
 * The cursor is JSON: link (next or delta link), list (the first enumeration runs), lost (link is the Location of a 410
 * and was not fetched yet), relist (an enumeration after such a loss runs), top (page size lowered after 504), links and
 * pages (marks of this run, to notice a circle).
 * Sources: Graph "Use delta query", "driveItem: delta"; onedrive-api-docs #249, #1424, #1431, #1476. */
#include "connectors/microsoft/graph.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOP_LEAST 10
#define SAME_PAGE_MAX 5 /* so often may a page's ids come again in one run */

int ms_feed_open(struct feed *f, struct connection *c, const struct poll_request *req, struct item_page *page,
	struct err *err)
{
	struct feed made = {.c = c, .page = page, .all = req->backlog == BACKLOG_ALL};

	if (own_json(req->cursor, ERR_CURSOR, &made.cursor, err) < 0)
		return -1;
	if (!req->cursor && json_set_bool(made.cursor, "list", true) < 0) {
		json_free(made.cursor);
		return err_memory(err);
	}
	/* After a loss everything unseen is news, whatever its date says: unless the backlog is wanted anyway, in
	 * which case it can wait in the backlog's lane. */
	made.listing = json_bool(made.cursor, "list") || (json_bool(made.cursor, "relist") && made.all);
	*f = made;
	return 0;
}

void ms_feed_close(struct feed *f)
{
	json_free(f->cursor);
	f->cursor = NULL;
}

int ms_feed_top(const struct feed *f, int usual)
{
	int64_t top = json_int64_or(f->cursor, "top", 0);

	if (top >= 1 && top < usual)
		return (int)top;
	return usual;
}

int ms_feed_put(struct feed *f, bool more, struct err *err)
{
	if (arena_json(f->page->arena, f->cursor, &f->page->cursor, err) < 0)
		return -1;
	f->page->more = more;
	f->page->listing = f->listing;
	return 0;
}

/* The link with its $top replaced. */
static int with_top(struct buf *url, const char *link, int top)
{
	const char *query = strchr(link, '?');

	if (!query)
		return buf_adds(url, link) < 0 ? -1 : url_query_int(url, "$top", top);
	if (buf_add(url, link, (size_t)(query - link)) < 0)
		return -1;
	char mark = '?';
	for (const char *p = query + 1; *p;) {
		size_t n = strcspn(p, "&");
		bool is_top = strncasecmp(p, "$top=", 5) == 0 || strncasecmp(p, "%24top=", 7) == 0;
		if (!is_top && n && (buf_addc(url, mark) < 0 || buf_add(url, p, n) < 0))
			return -1;
		if (!is_top && n)
			mark = '&';
		p += n + (p[n] == '&');
	}
	return url_query_int(url, "$top", top);
}

static int cursor_lost(struct err *err)
{
	err->class = ERR_CURSOR;
	snprintf(err->code, sizeof(err->code), "cursor_lost");
	return err_scope(err, SCOPE_STREAM);
}

/* Goes on elsewhere: an empty page whose cursor says where. */
static int go_on(struct feed *f, struct err *err)
{
	return ms_feed_put(f, true, err) < 0 ? -1 : 1;
}

static int start_at(struct feed *f, const char *location, struct err *err)
{
	cursor_loops_clear(f->cursor, "links");
	cursor_loops_clear(f->cursor, "pages");
	if (json_set_str(f->cursor, "link", location) < 0 || json_set_bool(f->cursor, "lost", true) < 0)
		return err_memory(err);
	f->listing = false;
	return go_on(f, err);
}

static bool passing(const struct err *err)
{
	return err->class == ERR_AUTH || err->class == ERR_CONSENT || err->class == ERR_CANCELLED || err->class == ERR_LOCAL ||
		(err->class == ERR_RETRY && (err->retry_at || strcmp(err->code, "server_error") != 0));
}

/* Is it the stream that is gone, or only our place in it? */
static int gone_or_lost(struct feed *f, const char *probe, struct err *err)
{
	struct err why;

	if (graph_get(f->c, probe, f->prefer, NULL, &why) == 0)
		return cursor_lost(err);
	*err = why;
	return -1;
}

static int failed(struct feed *f, const struct http_response *r, const char *probe, struct err *err)
{
	bool lost = json_bool(f->cursor, "lost");
	const char *location = http_header(r, "location");

	if (graph_check(f->c, r, err) == 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "HTTP %d to a feed", r->status);
	if (r->status == 410 || err->class == ERR_CURSOR) {
		/* Once per loss: a place that is lost again while it is being listed anew is a matter for core. */
		if (location && !lost && !json_bool(f->cursor, "relist") && graph_link_ok(f->c, location))
			return start_at(f, location, err);
		return cursor_lost(err);
	}
	if (lost && !passing(err))
		return cursor_lost(err);
	/* What we ask for is what the service gave: when it cannot read that any more, the place is lost. */
	if (r->status == 400 && json_str(f->cursor, "link"))
		return cursor_lost(err);
	if (r->status == 404 && err->class == ERR_GONE && json_str(f->cursor, "link"))
		return gone_or_lost(f, probe, err);
	int top = ms_feed_top(f, f->page_size);
	if (r->status == 504 && top > TOP_LEAST) {
		if (json_set_int(f->cursor, "top", top / 2 > TOP_LEAST ? top / 2 : TOP_LEAST) < 0)
			return err_memory(err);
		return go_on(f, err);
	}
	return -1;
}

int ms_feed_fetch(struct feed *f, const char *start, const char *probe, cJSON **ret_doc, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX + 64);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *doc = NULL;
	const char *link = json_str(f->cursor, "link");
	bool lowered = json_get(f->cursor, "top") && f->top_in_query;

	if (link && !graph_link_ok(f->c, link)) {
		err_set(err, ERR_CURSOR, "bad_cursor", "the cursor's link is none of Microsoft Graph's");
		return err_scope(err, SCOPE_STREAM);
	}
	if ((link && lowered ? with_top(&url, link, ms_feed_top(f, f->page_size)) : buf_adds(&url, link ? link : start)) < 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "a link of a feed is too long");
	if (graph_send(f->c, &(struct graph_call){.url = buf_str(&url), .prefer = f->prefer}, &r, err) < 0)
		return -1;
	if (r.status < 200 || r.status > 299)
		return failed(f, &r, probe, err);
	if (http_json(&r, &doc, err) < 0)
		return -1;
	if (!json_array(doc, "value"))
		return err_set(err, ERR_REMOTE, "bad_answer", "an answer of a feed without a list");
	if (json_bool(f->cursor, "lost")) {
		cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, "lost");
		if (json_set_bool(f->cursor, "relist", true) < 0)
			return err_memory(err);
		f->listing = f->all;
	}
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

/* ---- entries that come more than once ---- */

struct place {
	const char *id;
	size_t at;
};

static int by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int r = strcmp(x->id, y->id);

	return r ? r : x->at < y->at ? -1 : 1;
}

/* Sorted, because a page may be as long as its server likes. */
int ms_feed_repeats(const cJSON *value, bool **ret, struct err *err)
{
	size_t n = (size_t)cJSON_GetArraySize(value), i = 0;
	_cleanup_free_ struct place *places = calloc(n + 1, sizeof(*places));
	_cleanup_free_ bool *again = calloc(n + 1, sizeof(*again));
	const cJSON *entry;

	if (!places || !again)
		return err_memory(err);
	cJSON_ArrayForEach(entry, value)
	{
		places[i] = (struct place){json_str_or(entry, "id", ""), i};
		i++;
	}
	qsort(places, n, sizeof(*places), by_id);
	for (i = 0; i + 1 < n; i++)
		again[places[i].at] = strcmp(places[i].id, places[i + 1].id) == 0;
	*ret = TAKE_PTR(again);
	return 0;
}

/* ---- the end of a page ---- */

static int turns_in_circle(struct feed *f, const cJSON *doc, const char *next, struct err *err)
{
	_cleanup_buf_ struct buf ids = BUF_INIT(8u << 20);
	const cJSON *entry;
	bool link_again = false, page_again = false;

	cJSON_ArrayForEach(entry, json_array(doc, "value"))
	{
		if (buf_adds(&ids, json_str_or(entry, "id", "")) < 0 || buf_addc(&ids, ' ') < 0)
			return err_memory(err);
	}
	if (cursor_loops(f->cursor, "links", next, 1, &link_again, err) < 0 ||
		(ids.len && cursor_loops(f->cursor, "pages", buf_str(&ids), SAME_PAGE_MAX, &page_again, err) < 0))
		return -1;
	if (!link_again && !page_again)
		return 0;
	err_set(err, ERR_CURSOR, "page_loop", "the feed gives the same %s over and over", link_again ? "link" : "page");
	return err_scope(err, SCOPE_STREAM);
}

int ms_feed_finish(struct feed *f, const cJSON *doc, struct err *err)
{
	const char *next = json_str(doc, "@odata.nextLink");
	const char *link = next ? next : json_str(doc, "@odata.deltaLink");

	if (!link || !graph_link_ok(f->c, link))
		return err_set(err, ERR_REMOTE, "bad_answer", "a feed %s", link ? "whose link leads elsewhere" : "without a link");
	if (next && turns_in_circle(f, doc, next, err) < 0)
		return -1;
	if (json_set_str(f->cursor, "link", link) < 0)
		return err_memory(err);
	if (!next) {
		static const char *const of_run[] = {"list", "relist", "top", "links", "pages"};
		for (size_t i = 0; i < ARRAY_SIZE(of_run); i++)
			cJSON_DeleteItemFromObjectCaseSensitive(f->cursor, of_run[i]);
	}
	return ms_feed_put(f, next != NULL, err);
}
