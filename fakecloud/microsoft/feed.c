/* Change feeds: the opaque cursors in their links, and the whole call of the simple ones (a list and a log).
 * Source: Graph "Use delta query to track changes"; lost states answer 410 with a Location to start again from. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct ms_change *ms_log(struct ms_vec *log, void *what, char kind)
{
	struct ms_change *ch = ms_alloc(sizeof(*ch));

	*ch = (struct ms_change){.what = what, .kind = kind, .at = fc_now()};
	ms_vec_add(log, ch);
	fc_changed();
	return ch;
}

#define CURSOR_SIGN "cursor1"

const char *ms_cursor_write(struct ms_ctx *c, const struct ms_cursor *cur)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(64 << 10), out = BUF_INIT(128 << 10);

	buf_addf(&plain, CURSOR_SIGN " %c %c %c %lld %lld %lld %lld %lld %s %s", cur->kind, cur->phase,
		cur->link ? 'l' : 'n', (long long)fc_now(), (long long)c->t->epoch, (long long)cur->log,
		(long long)cur->a, (long long)cur->b, cur->scope, cur->query ? cur->query : "");
	base64url_encode(&out, buf_str(&plain), plain.len);
	return ms_fmt(c, "%s", buf_str(&out));
}

static char *next_word(char **p)
{
	char *w = *p, *space = strchr(w, ' ');

	if (!space)
		return NULL;
	*space = 0;
	*p = space + 1;
	return w;
}

int ms_cursor_read(struct ms_ctx *c, const char *text, char kind, const char *scope, int64_t life_ms,
	struct ms_cursor *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT(128 << 10);
	struct ms_cursor cur = {.kind = kind};
	int64_t *const numbers[] = {&cur.issued, &cur.epoch, &cur.log, &cur.a, &cur.b};
	char *p, *w;

	if (base64_decode(&b, text, strlen(text)) < 0)
		return -1;
	p = ms_fmt(c, "%s", buf_str(&b));
	if (!(w = next_word(&p)) || strcmp(w, CURSOR_SIGN) || !(w = next_word(&p)) || w[0] != kind)
		return -1;
	if (!(w = next_word(&p)) || (*w != 'e' && *w != 'c'))
		return -1;
	cur.phase = *w;
	if (!(w = next_word(&p)))
		return -1;
	cur.link = *w == 'l';
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char *end;
		if (!(w = next_word(&p)))
			return -1;
		*numbers[i] = strtoll(w, &end, 10);
		if (end == w || *end)
			return -1;
	}
	if (!(cur.scope = next_word(&p)) || strcmp(cur.scope, scope))
		return -1;
	cur.query = p;
	c->n_params = 0;
	ms_query_parse(c, cur.query);
	*ret = cur;
	return cur.epoch != c->t->epoch || cur.issued + life_ms < fc_now() ? -2 : 0;
}

void ms_page_link(struct ms_ctx *c, cJSON *doc, const struct ms_cursor *cur, bool more)
{
	struct ms_cursor next = *cur;
	const char *path = c->path, *name;
	/* The function form's token lies in the path: links use the query form. */
	const char *paren = strstr(path, "delta(");

	if (!paren)
		paren = strcasestr(path, "delta%28");
	if (paren)
		path = ms_fmt(c, "%.*s", (int)(paren + 5 - path), path);
	next.link = !more;
	name = cur->kind == 'd' ? "token" : more ? "$skiptoken" : "$deltatoken";
	j_str(doc, more ? "@odata.nextLink" : "@odata.deltaLink",
		ms_fmt(c, "%s%s?%s=%s", c->base, path, name, ms_cursor_write(c, &next)));
}

/* The entry of one object that the feed reports now. NULL: nothing to say of it. */
static cJSON *entry(struct ms_ctx *c, const struct ms_feed *feed, void *one, const struct ms_select *sel, bool listing)
{
	cJSON *o = feed->gone ? feed->gone(c, one) : NULL;

	if (o) {
		if (!listing)
			return o;
		json_free(o);
		return NULL;
	}
	if (feed->hidden && feed->hidden(c, one))
		return NULL;
	o = feed->make(c, one, sel);
	ms_select_apply(sel, o);
	return o;
}

static bool later_in_page(const struct ms_vec *log, size_t i, size_t end)
{
	const struct ms_change *ch = log->v[i];

	for (size_t k = i + 1; k < end; k++) {
		if (((const struct ms_change *)log->v[k])->what == ch->what)
			return true;
	}
	return false;
}

void ms_feed(struct ms_ctx *c, const struct ms_feed *feed)
{
	const char *token = ms_param(c, "$deltatoken"), *filter;
	struct ms_cursor cur = {.kind = feed->kind, .phase = 'e', .scope = feed->scope, .query = c->raw_query};
	struct ms_select sel;
	cJSON *doc, *value;
	int64_t end, page;

	if (!token)
		token = ms_param(c, "$skiptoken");
	if (!token)
		token = ms_param(c, "token");
	cur.log = feed->log ? (int64_t)feed->log->n : 0;
	if (token && !strcasecmp(token, "latest")) {
		cur.phase = 'c';
	} else if (token) {
		int r = ms_cursor_read(c, token, feed->kind, feed->scope, feed->life_ms, &cur);
		if (r == -2) {
			ms_set_header(c, "Location",
				ms_fmt(c, "%s%s%s%s", c->base, c->path, *cur.query ? "?" : "", cur.query));
			ms_error(c, 410, feed->lost_code, "The sync state is no longer valid; start again.");
			return;
		}
		if (r < 0) {
			ms_error(c, 400, "BadRequest", "Badly formed token.");
			return;
		}
	}
	ms_select_parse(c, &sel);
	sel.keep_id = feed->keep_id;
	filter = ms_param(c, "$filter");
	page = ms_page(c, feed->top, feed->max_top);
	doc = cJSON_CreateObject();
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#%s", c->base, feed->context));
	value = j_array(doc, "value");
	if (cur.phase == 'e') {
		int given = 0;
		for (; cur.a < (int64_t)feed->all->n && given < page; cur.a++) {
			cJSON *o = entry(c, feed, feed->all->v[cur.a], &sel, true);
			if (o && filter && ms_filter(filter, o) == 0) {
				json_free(o);
				o = NULL;
			}
			given += o != NULL;
			if (o)
				cJSON_AddItemToArray(value, o);
		}
		if (cur.a < (int64_t)feed->all->n) {
			ms_page_link(c, doc, &cur, true);
			ms_json(c, 200, doc);
			return;
		}
		cur.phase = 'c';
		cur.a = 0;
		ms_page_link(c, doc, &cur, false);
		ms_json(c, 200, doc);
		return;
	}
	end = feed->log ? (int64_t)feed->log->n : 0;
	if (end > cur.log + page)
		end = cur.log + page;
	for (int64_t i = cur.log; i < end; i++) {
		struct ms_change *ch = feed->log->v[i];
		cJSON *o = later_in_page(feed->log, (size_t)i, (size_t)end) ? NULL
									   : entry(c, feed, ch->what, &sel, false);
		if (o)
			cJSON_AddItemToArray(value, o);
	}
	cur.log = end;
	ms_page_link(c, doc, &cur, feed->log && end < (int64_t)feed->log->n);
	ms_json(c, 200, doc);
}
