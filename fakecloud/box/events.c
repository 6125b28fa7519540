/* Box's event log: one list of happenings of a tenant, read as the enterprise's streams and as each user's
 * own, by position; and the long poll that says when to look again. State lock held.
 *
 * A position is the number of happenings read so far on top of a base that tells the two kinds of streams
 * apart and changes when the control address loses all cursors. Box answers such a position with 400. */
#include "fakecloud/box/box.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/timeutil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ADMIN_BASE 1152922000000000000ll
#define USER_BASE 30000000000000ll
#define EPOCH_STEP 10000000000ll
#define STREAMING_MS (14ll * 86400 * 1000)
#define HISTORY_MS (366ll * 86400 * 1000)
#define SCAN_MAX 5000 /* happenings looked at in one call: filtered pages come short, or empty */
#define POLL_MS 600000
#define RECENT_MAX 500

/* A folder as the source of an event: the standard fields without what lies in it. */
#define FOLDER_SOURCE                                                                                        \
	"created_at,modified_at,description,size,path_collection,created_by,modified_by,trashed_at,purged_"  \
	"at,"                                                                                                \
	"content_created_at,content_modified_at,owned_by,shared_link,parent,item_status"

/* ---- writing ---- */

static struct bx_event *add(struct bx_tenant *t)
{
	if (t->n_events == t->cap_events) {
		size_t cap = t->cap_events ? t->cap_events * 2 : 256;
		struct bx_event *events = reallocarray(t->events, cap, sizeof(*events));
		if (!events)
			abort();
		t->events = events;
		t->cap_events = cap;
	}
	struct bx_event *e = &t->events[t->n_events++];
	*e = (struct bx_event){.at = fc_now(), .id = t->n_events};
	return e;
}

static void see(struct bx_list *users, struct bx_user *u)
{
	for (size_t i = 0; i < users->n; i++) {
		if (users->at[i] == u)
			return;
	}
	bx_push(users, u);
}

/* Everybody who has the item in sight; NULL when that is its owner alone. */
static struct bx_user **witnesses(const struct bx_item *it)
{
	struct bx_list users = {0};

	see(&users, it->owner);
	for (const struct bx_item *p = it; p; p = p->parent) {
		for (size_t i = 0; i < p->collabs.n; i++) {
			const struct bx_collab *k = p->collabs.at[i];
			if (!bx_collab_live(k) || strcmp(k->status, "accepted") != 0)
				continue;
			if (k->user)
				see(&users, k->user);
			for (size_t m = 0; k->group && m < k->group->members.n; m++)
				see(&users, ((struct bx_member *)k->group->members.at[m])->user);
		}
	}
	if (users.n == 1) {
		free(users.at);
		return NULL;
	}
	bx_push(&users, NULL);
	return (struct bx_user **)users.at;
}

cJSON *bx_version_details(const struct bx_version *v)
{
	cJSON *o = cJSON_CreateObject();

	bx_num(o, "size", fc_blob_size(v->blob));
	bx_id(o, "version_id", v->id);
	cJSON_AddStringToObject(o, "service_name", "Box API");
	return o;
}

void bx_event(struct bx_item *it, struct bx_user *by, const char *admin, const char *own, cJSON *details)
{
	struct bx_event *e = add(it->tenant);

	e->admin = admin;
	e->own = own;
	e->item = it;
	e->by = by;
	e->seen_by = witnesses(it);
	e->details = details;
	e->name = bx_strdup(it->name);
	e->parent = it->parent;
	if (own && it->kind == BX_FILE) {
		bx_drop(&by->recent, it);
		if (by->recent.n >= RECENT_MAX)
			bx_drop(&by->recent, by->recent.at[0]);
		bx_push(&by->recent, it);
	}
	fc_changed();
}

void bx_event_user(struct bx_user *about, struct bx_user *by, const char *admin, cJSON *details)
{
	struct bx_event *e = add(about->tenant);

	e->admin = admin;
	e->user = about;
	e->by = by;
	e->details = details;
	fc_changed();
}

void bx_event_seed(struct bx_item *file, const char *admin, const char *own, int64_t at, cJSON *details)
{
	struct bx_event *e = add(file->tenant);

	e->at = at;
	e->admin = admin;
	e->own = own;
	e->item = file;
	e->by = file->created_by;
	e->parent = file->parent;
	e->details = details;
}

static int by_time(const void *pa, const void *pb)
{
	const struct bx_event *a = pa, *b = pb;
	return a->at != b->at ? (a->at < b->at ? -1 : 1) : a->id < b->id ? -1 : a->id > b->id;
}

void bx_events_sort(struct bx_tenant *t)
{
	if (t->n_events)
		qsort(t->events, t->n_events, sizeof(t->events[0]), by_time);
	for (size_t i = 0; i < t->n_events; i++)
		t->events[i].id = i + 1;
}

/* ---- reading ---- */

enum stream { STREAM_ALL, STREAM_CHANGES, STREAM_ADMIN, STREAM_LIVE };

struct filter {
	enum stream stream;
	const struct bx_user *user;
	const char *types; /* enterprise streams: comma-separated, NULL for all */
	int64_t after, before;
};

static bool saw(const struct bx_event *e, const struct bx_user *user)
{
	if (e->user)
		return false;
	if (!e->seen_by)
		return e->item->owner == user;
	for (size_t i = 0; e->seen_by[i]; i++) {
		if (e->seen_by[i] == user)
			return true;
	}
	return false;
}

static bool fits(const struct bx_event *e, const struct filter *f)
{
	static const char changes[] =
		"ITEM_CREATE,ITEM_UPLOAD,ITEM_MODIFY,ITEM_MOVE,ITEM_COPY,ITEM_RENAME,ITEM_TRASH,"
		"ITEM_UNDELETE_VIA_TRASH,ITEM_MAKE_CURRENT_VERSION,COLLAB_ADD_COLLABORATOR,"
		"COLLAB_REMOVE_COLLABORATOR,COLLAB_INVITE_COLLABORATOR,COLLAB_ROLE_CHANGE";

	if (f->stream == STREAM_ALL || f->stream == STREAM_CHANGES)
		return e->own && saw(e, f->user) && (f->stream == STREAM_ALL || bx_wants(changes, e->own));
	return e->admin && e->at >= f->after && e->at < f->before &&
	       (!f->types || bx_wants(f->types, e->admin));
}

static cJSON *short_source(const struct bx_event *e)
{
	cJSON *o = cJSON_CreateObject();
	const struct bx_item *it = e->item, *parent = e->parent;

	cJSON_AddStringToObject(o, "item_type", it->kind == BX_FILE ? "file" : "folder");
	bx_id(o, "item_id", it->id);
	cJSON_AddStringToObject(o, "item_name", e->name ? e->name : it->name);
	if (parent) {
		cJSON *p = cJSON_AddObjectToObject(o, "parent");
		cJSON_AddStringToObject(p, "type", "folder");
		cJSON_AddStringToObject(p, "name", parent->name);
		bx_id(p, "id", parent->id);
	} else {
		cJSON_AddNullToObject(o, "parent");
	}
	cJSON_AddItemToObject(o, "owned_by", bx_user_mini(it->owner));
	cJSON *k = bx_classification(it);
	if (k)
		cJSON_AddItemToObject(o, "classification", k);
	return o;
}

static cJSON *event_json(struct bx_ctx *c, const struct bx_event *e, bool admin)
{
	cJSON *o = cJSON_CreateObject();
	char number[24], id[41];

	snprintf(number, sizeof(number), "%" PRIu64, e->id);
	fc_stable_id(
		id, 40, (const char *const[]){"box", c->t->name, "event", number, admin ? "e" : "u", NULL});
	cJSON_AddStringToObject(o, "type", "event");
	cJSON_AddStringToObject(o, "event_id", id);
	cJSON_AddItemToObject(o, "created_by", bx_user_mini(e->by));
	bx_time(o, "created_at", e->at);
	if (!admin)
		bx_time(o, "recorded_at", e->at);
	cJSON_AddStringToObject(o, "event_type", admin ? e->admin : e->own);
	if (!admin) {
		cJSON_AddStringToObject(o, "session_id", "70090280850c8d2a1933c1");
		cJSON_AddItemToObject(o, "source",
			bx_item_json(
				c, e->item, BX_STANDARD, e->item->kind == BX_FOLDER ? FOLDER_SOURCE : NULL));
		return o;
	}
	cJSON_AddItemToObject(o, "source", e->user ? bx_user_mini(e->user) : short_source(e));
	cJSON_AddStringToObject(o, "ip_address", "127.0.0.1");
	if (e->details)
		cJSON_AddItemToObject(o, "additional_details", cJSON_Duplicate(e->details, true));
	else if (!strcmp(e->admin, "UPLOAD") &&
		 e->item->kind == BX_FILE) /* a seeded file: made when asked for */
		cJSON_AddItemToObject(o, "additional_details", bx_version_details(e->item->versions.at[0]));
	return o;
}

static int64_t base(const struct bx_tenant *t, bool admin)
{
	return (admin ? ADMIN_BASE : USER_BASE) + (int64_t)t->cursor_epoch * EPOCH_STEP;
}

/* Where to go on; -1 for a position that is none of this stream's. */
static int64_t position(const struct bx_tenant *t, const char *text, bool admin)
{
	char *end;
	long long n;

	if (!text || !*text || !strcmp(text, "0") || !strcmp(text, "null"))
		return 0;
	if (*text < '0' || *text > '9' || strlen(text) > 19)
		return -1;
	n = strtoll(text, &end, 10);
	n -= base(t, admin);
	return *end || n < 0 || (uint64_t)n > t->n_events ? -1 : n;
}

static void add_position(cJSON *o, const struct bx_tenant *t, int64_t at, bool admin)
{
	char text[24];

	if (!admin) {
		bx_num(o, "next_stream_position", base(t, false) + at);
		return;
	}
	snprintf(text, sizeof(text), "%" PRId64, base(t, true) + at);
	cJSON_AddStringToObject(o, "next_stream_position", text);
}

static bool stream_of(struct bx_ctx *c, struct filter *f)
{
	static const struct {
		const char *name;
		enum stream stream;
	} names[] = {{"all", STREAM_ALL}, {"changes", STREAM_CHANGES}, {"sync", STREAM_CHANGES},
		{"admin_logs", STREAM_ADMIN}, {"admin_logs_streaming", STREAM_LIVE}};
	const char *type = fc_query(c->req, "stream_type");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i].name, type && *type ? type : "all")) {
			f->stream = names[i].stream;
			return true;
		}
	}
	bx_invalid(c, 400, "bad_request", "stream_type", "Invalid value for stream_type");
	return false;
}

static bool moment(struct bx_ctx *c, const char *name, int64_t *ret)
{
	const char *text = fc_query(c->req, name);

	if (!text || !*text)
		return true;
	/* A plus sign that was not encoded arrives as a space. */
	char *copy = arena_dup(c->req->arena, text);
	for (char *p = copy; *p; p++) {
		if (*p == ' ')
			*p = '+';
	}
	if (time_parse(copy, ret) == 0)
		return true;
	bx_invalid(c, 400, "bad_request", name, "Invalid date");
	return false;
}

static bool filter_of(struct bx_ctx *c, struct filter *f)
{
	*f = (struct filter){.user = c->user, .after = INT64_MIN, .before = INT64_MAX};
	if (!stream_of(c, f))
		return false;
	if (f->stream != STREAM_ADMIN && f->stream != STREAM_LIVE)
		return true;
	if (!(c->t->scopes & BX_SCOPE_ENTERPRISE)) {
		bx_insufficient_scope(c, "manage_enterprise_properties");
		return false;
	}
	if (!bx_is_admin(c)) {
		bx_forbidden(c);
		return false;
	}
	f->types = fc_query(c->req, "event_type");
	if (f->types && !*f->types)
		f->types = NULL;
	f->after = fc_now() - (f->stream == STREAM_LIVE ? STREAMING_MS : HISTORY_MS);
	if (f->stream == STREAM_LIVE)
		return true;
	int64_t after = f->after;
	if (!moment(c, "created_after", &after) || !moment(c, "created_before", &f->before))
		return false;
	f->after = after > f->after ? after : f->after;
	return true;
}

void bx_do_events_get(struct bx_ctx *c)
{
	const char *text = fc_query(c->req, "stream_position");
	struct bx_page page;
	struct filter f;

	if (!filter_of(c, &f) || bx_page_get(c, 100, 500, false, &page) < 0)
		return;
	bool admin = f.stream == STREAM_ADMIN || f.stream == STREAM_LIVE;
	int64_t at = text && !strcmp(text, "now") ? (int64_t)c->t->n_events : position(c->t, text, admin);
	if (at < 0) {
		bx_error(c, 400, "bad_request", "nextStreamPosition value is malformed");
		return;
	}
	cJSON *o = cJSON_CreateObject(), *entries = cJSON_CreateArray();
	int64_t found = 0, from = at;
	for (; at < (int64_t)c->t->n_events && found < page.limit && at - from < SCAN_MAX; at++) {
		const struct bx_event *e = &c->t->events[at];
		if (fits(e, &f)) {
			cJSON_AddItemToArray(entries, event_json(c, e, admin));
			found++;
		}
	}
	bx_num(o, "chunk_size", found);
	add_position(o, c->t, at, admin);
	cJSON_AddItemToObject(o, "entries", entries);
	fc_json(c->res, 200, o);
}

/* ---- long poll ---- */

struct channel {
	struct bx_user *user;
	size_t seen; /* happenings that the channel's listener knows of */
	int64_t opened_at;
};

static struct map channels;

void bx_do_events_options(struct bx_ctx *c)
{
	struct channel *ch = bx_alloc(sizeof(*ch));
	cJSON *o = cJSON_CreateObject(), *one = cJSON_CreateObject();
	char key[21];

	random_hex(key, 10);
	*ch = (struct channel){.user = c->user, .seen = c->t->n_events, .opened_at = fc_now()};
	map_put(&channels, key, ch);
	cJSON_AddStringToObject(one, "type", "realtime_server");
	cJSON_AddStringToObject(one, "url",
		arena_printf(c->req->arena, "%s/subscribe?channel=%s&stream_type=all", bx_base(c), key));
	cJSON_AddStringToObject(one, "ttl", "10");
	cJSON_AddStringToObject(one, "max_retries", "10");
	cJSON_AddNumberToObject(one, "retry_timeout", 610);
	cJSON_AddNumberToObject(o, "chunk_size", 1);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "entries"), one);
	fc_json(c->res, 200, o);
}

static void tell(struct fc_response *res, const char *message)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "version", 1);
	cJSON_AddStringToObject(o, "message", message);
	fc_json(res, 200, o);
}

void bx_subscribe(struct fc_request *req, struct fc_response *res)
{
	const char *key = fc_query(req, "channel"), *text = fc_query(req, "stream_position");
	struct channel *ch = key ? map_get(&channels, key) : NULL;
	struct filter f = {.stream = STREAM_ALL};

	if (!ch) {
		tell(res, "reconnect");
		return;
	}
	struct bx_tenant *t = ch->user->tenant;
	req->tenant = t->name;
	f.user = ch->user;
	int64_t from =
		text && *text && strcmp(text, "now") != 0 ? position(t, text, false) : (int64_t)ch->seen;
	for (int64_t at = from; at >= 0 && at < (int64_t)t->n_events; at++) {
		if (fits(&t->events[at], &f)) {
			ch->seen = t->n_events;
			tell(res, "new_change");
			return;
		}
	}
	/* A lost position, a channel beyond its time and a long silence all end in asking for a new channel.
	 */
	if (from < 0 || req->waited_ms >= POLL_MS || fc_now() - ch->opened_at >= POLL_MS + 10000)
		tell(res, "reconnect");
	else
		res->wait = true;
}
