/* One poll of one stream: claim, ask the connector for pages, commit each with its cursor. Runs on the poll threads. */
#include "core/core.h"

#include "base/log.h"
#include "base/timeutil.h"
#include "core/crash.h"

#include <string.h>

#define PAGES_PER_TURN 20

void core_stream_info(const struct store_stream *s, struct stream_info *ret)
{
	*ret = (struct stream_info){.remote_id = s->remote_id, .service = s->service, .owner = s->owner, .name = s->name,
		.context = s->context, .state = (enum stream_state)s->state, .reason = s->reason};
}

/* The lane of an item, and whether the backlog option leaves it out. */
static void place_item(const struct live *l, const struct store_stream *s, const struct item_page *page,
	const struct item *in, int64_t now, struct store_item *out)
{
	/* What a listing shows was there before; in the feed itself everything is new. After a lost cursor old and new
	 * come together: then its own time says which it is. */
	bool old = page->listing && !(in->changed_at && in->changed_at >= l->created_at);

	out->lane = old ? LANE_BACKLOG : LANE_LIVE;
	out->state = ITEM_PENDING;
	out->reason = "";
	if (in->skip) {
		out->state = ITEM_UNKNOWN;
		out->reason = in->skip;
	} else if (old && !s->resync && (l->backlog == BACKLOG_NONE ||
			   (l->backlog == BACKLOG_SINCE && in->changed_at && in->changed_at < l->backlog_since))) {
		out->state = ITEM_SKIPPED;
		out->reason = "backlog";
	}
	out->seen_at = now;
}

static void convert(const struct store_stream *s, const struct item *in, struct store_item *out)
{
	*out = (struct store_item){.stream = s->id, .kind = (int)in->kind, .remote_id = in->id, .version = in->version,
		.service = in->service ? in->service : s->service, .name = in->name, .path = in->path,
		.owner = in->owner ? in->owner : s->owner, .size = in->size, .changed_at = in->changed_at,
		.hash_kind = in->hash_kind, .hash = in->hash, .provider_threat = in->provider_threat,
		.context = in->context, .message_id = in->message_id, .from = in->from, .to = in->to,
		.subject = in->subject, .received_at = in->received_at, .sharing_mark = in->sharing_mark};
}

/* What a connector hands over is bounded before it is stored. */
static bool item_ok(const struct item *i)
{
	return i->id && *i->id && strlen(i->id) < 4096 && i->version && strlen(i->version) < 4096 &&
		(!i->context || strlen(i->context) < CONNECTOR_TEXT_MAX);
}

int64_t poll_least(const struct core *c, const char *provider, const char *service)
{
	const struct connector *k = connector_find(provider);

	for (const struct poll_least *p = k ? k->poll_least : NULL; p && p->service; p++)
		if (service && strcmp(service, p->service) == 0)
			return c->set->poll_least ? c->set->poll_least : p->ms;
	return 0;
}

/* Streams that have news are asked often, quiet ones ever less; some no more often than their provider allows. */
static int64_t interval_of(struct core *c, const struct store_stream *s, bool news, int64_t now)
{
	int64_t quiet = s->last_success_at ? (now - s->last_success_at) * 2 : c->set->poll_fast, least = poll_least(c, s->provider, s->service);

	if (least)
		return least;
	if (news || s->listing || quiet < c->set->poll_fast)
		return c->set->poll_fast;
	return quiet > c->set->poll_slow ? c->set->poll_slow : quiet;
}

static int commit(struct core *c, struct live *l, struct store_stream *s, const struct item_page *page, bool release,
	int64_t *ret_new, struct err *err)
{
	_cleanup_free_ struct store_item *items = calloc(page->n_items + 1, sizeof(*items));
	int64_t now = time_now_ms();
	size_t n = 0;

	if (!items)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (size_t i = 0; i < page->n_items; i++) {
		if (!item_ok(&page->items[i]))
			return err_set(err, ERR_REMOTE, "bad_answer", "an item without an id or with one too long");
		convert(s, &page->items[i], &items[n]);
		place_item(l, s, page, &page->items[i], now, &items[n]);
		n++;
	}
	int64_t interval = interval_of(c, s, page->n_items > 0, now);
	struct store_page p = {.stream = s->id, .items = items, .n_items = n, .removed = page->removed,
		.n_removed = page->n_removed, .cursor = page->cursor, .listing = s->listing && page->more,
		.resync = s->resync && page->more, .release = release, .next_due = page->more ? now : now + interval,
		.now = now};
	crash_point("page.before");
	if (STORE_WRITE(c, "page.commit", store_page_commit(c->store, &p, ret_new, err), err) < 0)
		return -1;
	crash_point("page.after");
	s->listing = p.listing;
	s->resync = p.resync;
	return 0;
}

static int poll_pages(struct core *c, struct live *l, struct store_stream *s, struct err *err)
{
	struct stream_info info;
	char *cursor = s->cursor ? strdup(s->cursor) : NULL;
	_cleanup_free_ char *owned = cursor;
	int r = 0;

	core_stream_info(s, &info);
	for (int turn = 1; r == 0; turn++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
		struct item_page page = {.arena = a};
		struct poll_request req = {.stream = &info, .cursor = owned, .backlog = (enum backlog_kind)l->backlog,
			.since = l->backlog_since, .resync = s->resync};
		int64_t fresh = 0;
		if (!a)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		if (l->connector->poll(l->connection, &req, &page, err) < 0)
			return -1;
		if (!page.cursor || strlen(page.cursor) >= CONNECTOR_TEXT_MAX)
			return err_set(err, ERR_REMOTE, "bad_answer", "the feed gave no place to go on from");
		/* A page that leads to itself: what is on it was taken when the feed came by first. */
		if (page.more && owned && strcmp(page.cursor, owned) == 0)
			return err_set(err, ERR_REMOTE, "bad_answer", "the feed does not move on");
		bool last = !page.more || turn == PAGES_PER_TURN || core_stopping(c);
		if (commit(c, l, s, &page, last, &fresh, err) < 0)
			return -1;
		if (fresh)
			wake_all(&c->wake);
		if (page.n_items)
			log_debug("poll.page", "items=%zu new=%ld more=%d", page.n_items, (long)fresh, page.more);
		if (last)
			break;
		free(owned);
		owned = strdup(page.cursor);
		if (!owned)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	return r;
}

static void fail(struct core *c, struct live *l, const struct store_stream *s, const struct err *err)
{
	int state = 0;
	struct err local;
	int64_t next = trouble_next(err, s->failures);

	if (err->class == ERR_CURSOR)
		next = trouble_lost(c, s->id);
	if (err->class != ERR_CANCELLED && l)
		trouble_connection(c, l, err);
	if (err->class == ERR_REMOTE && strcmp(err->code, "unlicensed") == 0)
		state = STREAM_UNLICENSED;
	else if (err->class == ERR_REMOTE && strcmp(err->code, "forbidden") == 0)
		state = STREAM_FORBIDDEN;
	else if (err->class == ERR_GONE && s->failures >= 2)
		state = STREAM_RETIRED;
	if (err->class != ERR_CANCELLED)
		log_err(err->class == ERR_CURSOR ? LOG_INFO_ : LOG_WARN_, "poll.failed", err);
	/* Stopping is nobody's failure. */
	if (STORE_WRITE(c, "stream.fail",
		    store_stream_fail(c->store, s->id, err->class == ERR_CANCELLED ? NULL : err->code, err->message, next,
			    err->class == ERR_CURSOR, state, &local), &local) < 0)
		log_err(LOG_ERROR_, "poll.store", &local);
}

bool poll_job(struct core *c, int64_t *ret_next)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	_cleanup_(live_putp) struct live *l = NULL;
	struct store_stream s;
	struct err err;
	int64_t now = time_now_ms();
	char id[24];

	*ret_next = 0;
	if (!a || store_stream_claim(c->store, now, now + JOB_LEASE_MS, a, &s, ret_next, &err) < 0)
		return a && trouble_store(c, "stream.claim", &err);
	snprintf(id, sizeof(id), "%ld", (long)s.id);
	log_push("tenant", s.tenant);
	log_push("connection", s.connection);
	log_push("stream", id);
	crash_point("poll.claimed");
	if (live_get(c, s.connection, &l, &err) < 0 || poll_pages(c, l, &s, &err) < 0)
		fail(c, l, &s, &err);
	else if (store_connection_success(c->store, s.connection, now, &err) < 0)
		log_err(LOG_ERROR_, "poll.store", &err);
	log_pop();
	log_pop();
	log_pop();
	return true;
}
