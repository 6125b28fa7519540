/* The suite in core's place: follows streams, keeps what it saw by (id, version), repeats acts after RETRY. See
 * connector_suite.h. One thread. */
#include "connector_suite.h"

#include "base/timeutil.h"

#define TRIES 60

struct follow *follow_new(struct suite *s)
{
	struct follow *f = calloc(1, sizeof(*f));

	f->suite = s;
	f->arena = arena_new(256u << 20);
	f->backlog = BACKLOG_ALL;
	return f;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_streams; i++)
		free(f->streams[i].cursor);
	free(f->streams);
	free(f->items);
	arena_free(f->arena);
	free(f);
}

bool same_id(const char *item_id, const char *state_id)
{
	size_t a = strlen(item_id), b = strlen(state_id);

	return strcmp(item_id, state_id) == 0 ||
		(a > b && item_id[a - b - 1] == '/' && strcmp(item_id + a - b, state_id) == 0 && strchr(item_id, ':'));
}

/* ---- streams ---- */

static struct seen_stream *stream_of(struct follow *f, const char *remote_id)
{
	for (size_t i = 0; i < f->n_streams; i++)
		if (strcmp(f->streams[i].info.remote_id, remote_id) == 0)
			return &f->streams[i];
	return NULL;
}

static void keep_stream(struct follow *f, const struct stream_info *in)
{
	struct seen_stream *s = stream_of(f, in->remote_id);

	assert_non_null(in->service);
	assert_true(strlen(in->remote_id) > 0 && strlen(in->remote_id) < 4096);
	if (!s) {
		f->streams = reallocarray(f->streams, f->n_streams + 1, sizeof(*f->streams));
		s = &f->streams[f->n_streams++];
		*s = (struct seen_stream){0};
	}
	s->info = (struct stream_info){.remote_id = arena_dup(f->arena, in->remote_id),
		.service = arena_dup(f->arena, in->service), .owner = arena_dup(f->arena, in->owner),
		.name = arena_dup(f->arena, in->name), .context = arena_dup(f->arena, in->context), .state = in->state,
		.reason = arena_dup(f->arena, in->reason)};
}

void follow_streams(struct follow *f)
{
	const struct connector *k = suite_connector(f->suite);
	_cleanup_free_ char *cursor = NULL;
	int tries = 0;

	for (int page_number = 0; page_number < 2000; page_number++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(32u << 20);
		struct stream_page page = {.arena = a};
		struct err err = {0};
		if (k->list_streams(suite_connection(f->suite), cursor, &page, &err) < 0) {
			if (err.class != ERR_RETRY || ++tries > TRIES)
				fail_msg("list_streams: %s: %s", err.code, err.message);
			continue;
		}
		for (size_t i = 0; i < page.n_streams; i++)
			keep_stream(f, &page.streams[i]);
		if (!page.next)
			return;
		assert_true(strlen(page.next) <= CONNECTOR_TEXT_MAX);
		free(cursor);
		cursor = strdup(page.next);
	}
	fail_msg("the list of streams does not end");
}

/* ---- items ---- */

static void keep_item(struct follow *f, size_t stream, const struct item *in)
{
	assert_non_null(in->id);
	assert_non_null(in->version);
	assert_true(*in->id && strlen(in->id) < 4096 && strlen(in->version) < 4096);
	for (size_t i = 0; i < f->n_items; i++) {
		struct seen_item *it = &f->items[i];
		if (strcmp(it->item.id, in->id) == 0 && strcmp(it->item.version, in->version) == 0) {
			/* Where it was seen last counts, and that it is back. */
			it->removed = false;
			it->stream = stream;
			it->item.name = arena_dup(f->arena, in->name);
			it->item.sharing_mark = arena_dup(f->arena, in->sharing_mark);
			return;
		}
	}
	f->items = reallocarray(f->items, f->n_items + 1, sizeof(*f->items));
	struct seen_item *it = &f->items[f->n_items++];
	*it = (struct seen_item){.item = *in, .stream = stream};
	const char **const strings[] = {&it->item.id, &it->item.version, &it->item.service, &it->item.name, &it->item.path,
		&it->item.owner, &it->item.hash_kind, &it->item.hash, &it->item.provider_threat, &it->item.skip,
		&it->item.context, &it->item.message_id, &it->item.from, &it->item.to, &it->item.subject, &it->item.sharing_mark};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i] = arena_dup(f->arena, *strings[i]);
}

int follow_page(struct follow *f, size_t stream, bool *ret_more, struct err *err)
{
	struct seen_stream *s = &f->streams[stream];
	_cleanup_(arena_freep) struct arena *a = arena_new(64u << 20);
	struct item_page page = {.arena = a};
	const struct poll_request req = {.stream = &s->info, .cursor = s->cursor, .backlog = f->backlog,
		.since = f->backlog == BACKLOG_SINCE ? time_now_ms() - 30LL * 86400 * 1000 : 0, .resync = s->resync};

	if (suite_connector(f->suite)->poll(suite_connection(f->suite), &req, &page, err) < 0) {
		assert_int_equal(page.n_items, 0);
		assert_null(page.cursor);
		return -1;
	}
	f->pages++;
	assert_non_null(page.cursor);
	assert_true(strlen(page.cursor) <= CONNECTOR_TEXT_MAX);
	for (size_t i = 0; i < page.n_items; i++)
		keep_item(f, stream, &page.items[i]);
	for (size_t i = 0; i < page.n_removed; i++)
		for (size_t k = 0; k < f->n_items; k++)
			if (f->items[k].stream == stream && strcmp(f->items[k].item.id, page.removed[i]) == 0)
				f->items[k].removed = true;
	free(s->cursor);
	s->cursor = strdup(page.cursor);
	*ret_more = page.more;
	if (!page.more)
		s->resync = false;
	return 0;
}

void follow_poll(struct follow *f)
{
	for (size_t i = 0; i < f->n_streams; i++) {
		struct seen_stream *s = &f->streams[i];
		bool more = s->info.state == STREAM_ACTIVE;
		for (int n = 0, tries = 0; more; n++) {
			struct err err = {0};
			if (n > 5000)
				fail_msg("%s does not end", s->info.remote_id);
			if (follow_page(f, i, &more, &err) == 0) {
				tries = 0;
				continue;
			}
			if (err.class == ERR_CURSOR) {
				assert_int_equal(err.scope, SCOPE_STREAM);
				free(TAKE_PTR(s->cursor));
				s->resync = true;
				if (++f->lost > 500)
					fail_msg("%s loses its place over and over", s->info.remote_id);
				continue;
			}
			if (err.class != ERR_RETRY || ++tries > TRIES)
				fail_msg("poll %s: %s: %s", s->info.remote_id, err.code, err.message);
		}
	}
}

struct seen_item *follow_find(struct follow *f, const char *id)
{
	for (size_t i = f->n_items; i > 0; i--)
		if (strcmp(f->items[i - 1].item.id, id) == 0)
			return &f->items[i - 1];
	return NULL;
}

struct seen_item *follow_find_name(struct follow *f, enum item_kind kind, const char *name)
{
	for (size_t i = f->n_items; i > 0; i--) {
		struct seen_item *it = &f->items[i - 1];
		if (it->item.kind == kind && it->item.name && strcmp(it->item.name, name) == 0)
			return it;
	}
	return NULL;
}

size_t follow_versions(struct follow *f, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_items; i++)
		n += strcmp(f->items[i].item.id, id) == 0;
	return n;
}

/* ---- acts ---- */

static const struct stream_info *stream_info_of(struct follow *f, const struct seen_item *it)
{
	return &f->streams[it->stream].info;
}

int act_plan_as(struct follow *f, const struct seen_item *it, const struct act_request *act, struct buf *receipt, struct err *err)
{
	const struct connector *k = suite_connector(f->suite);
	char op[37];
	int r = -1;

	uuid_new(op);
	for (int i = 0; i < TRIES && r < 0; i++) {
		buf_clear(receipt);
		r = k->plan(suite_connection(f->suite), stream_info_of(f, it), &it->item, act, op, receipt, err);
		if (r < 0)
			assert_int_equal(receipt->len, 0);
		if (r < 0 && err->class != ERR_RETRY)
			return -1;
	}
	return r;
}

int act_plan(struct follow *f, const struct seen_item *it, struct buf *receipt, struct err *err)
{
	return act_plan_as(f, it, NULL, receipt, err);
}

typedef int act_fn(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err);

/* As core does it: the receipt of before is kept until the act has answered. */
static int act(struct follow *f, act_fn *fn, struct buf *receipt, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(CONNECTOR_TEXT_MAX);
	int r = -1;

	for (int i = 0; i < TRIES && r < 0; i++) {
		buf_clear(&out);
		r = fn(suite_connection(f->suite), buf_str(receipt), i > 0, &out, err);
		if (r < 0)
			assert_int_equal(out.len, 0);
		if (r < 0 && err->class != ERR_RETRY)
			return -1;
	}
	if (r < 0)
		return -1;
	buf_clear(receipt);
	assert_int_equal(buf_adds(receipt, buf_str(&out)), 0);
	return 0;
}

int act_quarantine(struct follow *f, struct buf *receipt, struct err *err)
{
	return act(f, suite_connector(f->suite)->quarantine, receipt, err);
}

int act_restore(struct follow *f, struct buf *receipt, struct err *err)
{
	return act(f, suite_connector(f->suite)->restore, receipt, err);
}

void act_observe(struct follow *f, const char *receipt, struct observation *ret)
{
	struct err err = {0};
	int r = -1;

	for (int i = 0; i < TRIES && r < 0; i++) {
		r = suite_connector(f->suite)->observe(suite_connection(f->suite), receipt, ret, &err);
		if (r < 0 && err.class != ERR_RETRY)
			break;
	}
	if (r < 0)
		fail_msg("observe: %s: %s", err.code, err.message);
}

static int hash(struct follow *f, const struct seen_item *it, const char *receipt, char sha256[65], struct err *err)
{
	const struct connector *k = suite_connector(f->suite);
	int r = -1;

	for (int i = 0; i < TRIES && r < 0; i++) {
		_cleanup_(content_freep) struct content *content = NULL;
		struct content_info info = {0};
		struct digests d;
		if (content_new(suite_budget(f->suite), -1, 16 << 20, DIGEST_SHA256, &content, err) < 0)
			return -1;
		r = it ? k->open_content(suite_connection(f->suite), stream_info_of(f, it), &it->item, content, &info, err) :
			 k->open_held(suite_connection(f->suite), receipt, content, &info, err);
		if (r < 0 && err->class != ERR_RETRY)
			return -1;
		if (r < 0)
			continue;
		if (info.provider_threat[0]) {
			sha256[0] = '\0';
			return 0;
		}
		if (content_finish(content, &d, err) < 0)
			return -1;
		snprintf(sha256, 65, "%s", d.sha256);
	}
	return r;
}

int act_hash(struct follow *f, const struct seen_item *it, char sha256[65], struct err *err)
{
	return hash(f, it, NULL, sha256, err);
}

int act_hash_held(struct follow *f, const char *receipt, char sha256[65], struct err *err)
{
	return hash(f, NULL, receipt, sha256, err);
}
