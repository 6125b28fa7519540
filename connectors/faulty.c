/* The wrapper that misbehaves; see faulty.h. Called by tests in place of a connector, on any thread. */
#include "connectors/faulty.h"

#include <pthread.h>
#include <string.h>

#define CURSOR_MARK "faulty:"

/* The rest of a page that was cut, until close(): any of its cursors may be asked for again. */
struct held_page {
	struct held_page *next;
	struct arena *arena;
	struct item_page page;
	unsigned number;
};

struct connection {
	const struct connector *connector;
	struct connection *inner;
	struct faulty_options options;
	pthread_mutex_t lock;
	unsigned calls, acts, polls, cursors, repeats, random; /* lock */
	struct held_page *held;                                /* lock; the pages never change */
	unsigned held_count;
};

static bool nth(struct connection *c, unsigned *counter, int every)
{
	pthread_mutex_lock(&c->lock);
	bool hit = every > 0 && (++*counter + c->options.seed) % (unsigned)every == 0;
	pthread_mutex_unlock(&c->lock);
	return hit;
}

static int injected(struct err *err, const char *what)
{
	return err_set(err, ERR_RETRY, "injected", "%s, as the test wants it", what);
}

static int before(struct connection *c, struct err *err)
{
	return nth(c, &c->calls, c->options.fail_every) ? injected(err, "failed before it was sent") : 0;
}

static int after(struct connection *c, int r, struct err *err)
{
	if (r < 0 || !nth(c, &c->acts, c->options.lose_every))
		return r;
	return injected(err, "carried out, the answer lost");
}

static int unsupported(struct err *err)
{
	return err_set(err, ERR_REMOTE, "unsupported", "the wrapped connector cannot do this");
}

int faulty_wrap(const struct connector *connector, struct connection *inner, const struct faulty_options *options,
	struct connection **ret, struct err *err)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	c->connector = connector;
	c->inner = inner;
	c->options = *options;
	c->random = options->seed * 2654435761u + 1;
	pthread_mutex_init(&c->lock, NULL);
	*ret = c;
	return 0;
}

static int faulty_open(const struct connection_config *config, const struct connector_env *env, struct connection **ret,
	struct err *err)
{
	return unsupported(err);
}

static void faulty_close(struct connection *c)
{
	if (!c)
		return;
	c->connector->close(c->inner);
	for (struct held_page *h = c->held, *next; h; h = next) {
		next = h->next;
		arena_free(h->arena);
		free(h);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int faulty_check_grant(struct connection *c, struct grant_report *ret, struct err *err)
{
	return before(c, err) < 0 ? -1 : c->connector->check_grant(c->inner, ret, err);
}

static int faulty_list_streams(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err)
{
	return before(c, err) < 0 ? -1 : c->connector->list_streams(c->inner, cursor, ret, err);
}

/* ---- pages ---- */

static unsigned draw(struct connection *c, unsigned below)
{
	pthread_mutex_lock(&c->lock);
	c->random = c->random * 1664525u + 1013904223u;
	unsigned r = (c->random >> 8) % below;
	pthread_mutex_unlock(&c->lock);
	return r;
}

static void shuffle(struct connection *c, struct item_page *page)
{
	for (size_t i = page->n_items; i > 1; i--) {
		size_t a = draw(c, (unsigned)i), b = i - 1;
		bool same = false;
		/* Two versions of one item keep their order: nobody could tell the newer one otherwise. */
		for (size_t k = a; k <= b && !same; k++)
			for (size_t l = k + 1; l <= b && !same; l++)
				same = strcmp(page->items[k].id, page->items[l].id) == 0;
		if (same)
			continue;
		struct item tmp = page->items[a];
		page->items[a] = page->items[b];
		page->items[b] = tmp;
	}
}

static void copy_item(struct arena *a, struct item *to, const struct item *from)
{
	*to = *from;
	const char **const strings[] = {&to->id, &to->version, &to->service, &to->name, &to->path, &to->owner,
		&to->hash_kind, &to->hash, &to->provider_threat, &to->skip, &to->context, &to->message_id, &to->from,
		&to->to, &to->subject, &to->sharing_mark};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i] = arena_dup(a, *strings[i]);
}

static int hold(struct connection *c, const struct item_page *page, const struct held_page **ret, struct err *err)
{
	struct held_page *h = calloc(1, sizeof(*h));
	struct arena *a = arena_new(64u << 20);

	if (!h || !a) {
		free(h);
		arena_free(a);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	h->arena = a;
	h->page = *page;
	h->page.cursor = arena_dup(a, page->cursor);
	h->page.items = arena_alloc(a, page->n_items * sizeof(*page->items) + 1);
	for (size_t i = 0; i < page->n_items; i++)
		copy_item(a, &h->page.items[i], &page->items[i]);
	h->page.removed = arena_alloc(a, page->n_removed * sizeof(*page->removed) + 1);
	for (size_t i = 0; i < page->n_removed; i++)
		h->page.removed[i] = arena_dup(a, page->removed[i]);
	pthread_mutex_lock(&c->lock);
	h->number = ++c->held_count;
	h->next = c->held;
	c->held = h;
	pthread_mutex_unlock(&c->lock);
	*ret = h;
	return 0;
}

/* A piece of a page that was cut before: the removals and the true cursor come with the last one. */
static int piece(struct connection *c, const struct held_page *h, size_t from, struct item_page *ret, struct err *err)
{
	size_t n = h->page.n_items - from;
	struct arena *arena = ret->arena;

	if (n > (size_t)c->options.cut)
		n = (size_t)c->options.cut;
	bool last = from + n == h->page.n_items;
	*ret = h->page;
	ret->arena = arena;
	ret->items = h->page.items + from;
	ret->n_items = n;
	if (last)
		return 0;
	ret->n_removed = 0;
	ret->more = true;
	ret->cursor = arena_printf(arena, CURSOR_MARK "%u:%zu", h->number, from + n);
	return ret->cursor ? 0 : err_set(err, ERR_LOCAL, "memory", "out of memory");
}

static int piece_of(struct connection *c, const char *cursor, struct item_page *ret, struct err *err)
{
	char *end;
	unsigned number = (unsigned)strtoul(cursor + strlen(CURSOR_MARK), &end, 10);
	size_t from = *end == ':' ? strtoul(end + 1, NULL, 10) : 0;
	struct held_page *h;

	pthread_mutex_lock(&c->lock);
	for (h = c->held; h && h->number != number; h = h->next)
		;
	pthread_mutex_unlock(&c->lock);
	if (!h || from > h->page.n_items) {
		err_set(err, ERR_CURSOR, "injected", "a page that was cut is not known");
		return err_scope(err, SCOPE_STREAM);
	}
	return piece(c, h, from, ret, err);
}

static int faulty_poll(struct connection *c, const struct poll_request *req, struct item_page *ret, struct err *err)
{
	struct item_page page = {.arena = ret->arena};
	const struct held_page *held = NULL;

	if (before(c, err) < 0)
		return -1;
	if (req->cursor && nth(c, &c->cursors, c->options.cursor_every)) {
		err_set(err, ERR_CURSOR, "injected", "the cursor was lost, as the test wants it");
		return err_scope(err, SCOPE_STREAM);
	}
	if (req->cursor && strncmp(req->cursor, CURSOR_MARK, strlen(CURSOR_MARK)) == 0)
		return piece_of(c, req->cursor, ret, err);
	if (c->connector->poll(c->inner, req, &page, err) < 0)
		return -1;
	if (c->options.reorder)
		shuffle(c, &page);
	if (req->cursor && page.n_items && nth(c, &c->repeats, c->options.repeat_every)) {
		page.cursor = arena_dup(ret->arena, req->cursor);
		page.more = true;
	} else if (c->options.cut > 0 && page.n_items > (size_t)c->options.cut) {
		if (hold(c, &page, &held, err) < 0)
			return -1;
		return piece(c, held, 0, ret, err);
	}
	*ret = page;
	return 0;
}

/* ---- content and acts ---- */

static int faulty_open_content(struct connection *c, const struct stream_info *stream, const struct item *item,
	struct content *content, struct content_info *ret, struct err *err)
{
	return before(c, err) < 0 ? -1 : c->connector->open_content(c->inner, stream, item, content, ret, err);
}

static int faulty_describe(struct connection *c, const struct stream_info *stream, struct item *item, struct arena *arena,
	struct err *err)
{
	if (!c->connector->describe)
		return 0;
	return before(c, err) < 0 ? -1 : c->connector->describe(c->inner, stream, item, arena, err);
}

/* A lost answer must leave the output untouched, so what came is taken back. */
static int keep(struct connection *c, int r, struct buf *out, size_t had, struct err *err)
{
	if (after(c, r, err) == 0)
		return 0;
	if (out->data && out->len > had) {
		out->len = had;
		out->data[had] = '\0';
	}
	return -1;
}

static int faulty_plan(struct connection *c, const struct stream_info *stream, const struct item *item, const struct act_request *act,
	const char *op_id, struct buf *receipt, struct err *err)
{
	size_t had = receipt->len;

	if (before(c, err) < 0)
		return -1;
	return keep(c, c->connector->plan(c->inner, stream, item, act, op_id, receipt, err), receipt, had, err);
}

static int faulty_quarantine(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	size_t had = receipt_out->len;

	if (before(c, err) < 0)
		return -1;
	return keep(c, c->connector->quarantine(c->inner, receipt, again, receipt_out, err), receipt_out, had, err);
}

static int faulty_restore(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	size_t had = receipt_out->len;

	if (before(c, err) < 0)
		return -1;
	return keep(c, c->connector->restore(c->inner, receipt, again, receipt_out, err), receipt_out, had, err);
}

static int faulty_observe(struct connection *c, const char *receipt, struct observation *ret, struct err *err)
{
	return before(c, err) < 0 ? -1 : c->connector->observe(c->inner, receipt, ret, err);
}

static int faulty_open_held(struct connection *c, const char *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	return before(c, err) < 0 ? -1 : c->connector->open_held(c->inner, receipt, content, ret, err);
}

static int faulty_remove(struct connection *c, const char *receipt, bool again, struct err *err)
{
	if (!c->connector->remove)
		return unsupported(err);
	if (before(c, err) < 0)
		return -1;
	return after(c, c->connector->remove(c->inner, receipt, again, err), err);
}

static int faulty_sharing(struct connection *c, const struct stream_info *stream, const struct item *item, struct sharing *ret,
	struct err *err)
{
	if (!c->connector->sharing)
		return unsupported(err);
	return before(c, err) < 0 ? -1 : c->connector->sharing(c->inner, stream, item, ret, err);
}

static int faulty_list_people(struct connection *c, const char *cursor, struct people_page *ret, struct err *err)
{
	if (!c->connector->list_people)
		return unsupported(err);
	return before(c, err) < 0 ? -1 : c->connector->list_people(c->inner, cursor, ret, err);
}

static const char *const no_pairs[] = {NULL};

const struct connector connector_faulty = {
	.name = "faulty",
	.title = "A connector with faults",
	.endpoints = no_pairs,
	.needs = no_pairs,
	.services = SERVICE_MAIL | SERVICE_FILES | SERVICE_TEAMS,
	.open = faulty_open,
	.close = faulty_close,
	.check_grant = faulty_check_grant,
	.list_streams = faulty_list_streams,
	.poll = faulty_poll,
	.open_content = faulty_open_content,
	.describe = faulty_describe,
	.plan = faulty_plan,
	.quarantine = faulty_quarantine,
	.restore = faulty_restore,
	.observe = faulty_observe,
	.open_held = faulty_open_held,
	.remove = faulty_remove,
	.sharing = faulty_sharing,
	.list_people = faulty_list_people,
};
