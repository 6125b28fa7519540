/* What can be followed: the enterprise's events, and each user's tree; and the grant's check. See box.h for threads.
 *
 * New and changed files of all users come through one stream, the enterprise's events; a user's own stream walks the
 * tree once, for what was there before. The place in the events is taken before the first tree is walked, so that
 * nothing falls between. */
#include "connectors/box/box.h"

#include <stdlib.h>
#include <string.h>

#define USERS_PAGE 500

static int event_url(struct connection *c, struct buf *url, const char *position, struct err *err)
{
	if (box_url(c, url, err, "/events", NULL) < 0)
		return -1;
	if (url_query(url, "stream_type", "admin_logs_streaming") < 0 || url_query(url, "stream_position", position) < 0 ||
		url_query(url, "limit", "1") < 0)
		return err_memory(err);
	return 0;
}

/* The place in the events from which this connection began to follow them. */
static int start_position(struct connection *c, struct buf *ret, struct err *err)
{
	const struct connector_env *env = c->api.env;
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *doc = NULL;
	char number[32];

	int r = env->place_get(env->ctx, "events/start", ret, err);
	if (r <= 0)
		return r;
	if (event_url(c, &url, "now", err) < 0 || box_get(c, buf_str(&url), NULL, &doc, err) < 0)
		return -1;
	const char *position = json_id(doc, "next_stream_position", number, sizeof(number));
	if (!position)
		return err_set(err, ERR_REMOTE, "bad_answer", "the events gave no position");
	if (env->place_put(env->ctx, "events/start", position, err) < 0)
		return -1;
	return buf_adds(ret, position) < 0 ? err_memory(err) : 0;
}

static int add_events(struct connection *c, struct stream_page *ret, struct stream_info *out, struct err *err)
{
	_cleanup_buf_ struct buf start = BUF_INIT(4096);
	_cleanup_json_ cJSON *context = cJSON_CreateObject();

	if (!context)
		return err_memory(err);
	if (start_position(c, &start, err) < 0)
		return -1;
	const char *text;
	if (json_set_str(context, "start", buf_str(&start)) < 0 || arena_json(ret->arena, context, &text, err) < 0)
		return err_memory(err);
	*out = (struct stream_info){.remote_id = "events", .service = "box", .owner = "", .name = "Enterprise events",
		.context = text, .state = STREAM_ACTIVE};
	return 0;
}

static int add_user(struct stream_page *ret, const cJSON *user, struct stream_info *out, struct err *err)
{
	const char *id = json_str(user, "id"), *status = json_str_or(user, "status", "active");

	if (!box_is_id(id))
		return err_set(err, ERR_REMOTE, "bad_answer", "a user without an id");
	bool active = strcmp(status, "inactive") != 0;
	*out = (struct stream_info){.remote_id = arena_printf(ret->arena, "user/%s", id), .service = "box",
		.owner = arena_str(ret->arena, user, "login"), .name = "All Files",
		.context = arena_printf(ret->arena, "{\"user\":\"%.40s\"}", id),
		.state = active ? STREAM_ACTIVE : STREAM_UNLICENSED, .reason = active ? "" : "the user is inactive"};
	return out->remote_id && out->context ? 0 : err_memory(err);
}

/* ---- users ---- */

#define BY_OFFSET "offset:"

int box_users(struct connection *c, const char *cursor, int limit, cJSON **ret_doc, struct buf *ret_next, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(16384);
	_cleanup_json_ cJSON *doc = NULL;
	bool by_offset = cursor && strncmp(cursor, BY_OFFSET, strlen(BY_OFFSET)) == 0;
	int64_t offset = by_offset ? strtoll(cursor + strlen(BY_OFFSET), NULL, 10) : 0;

	if (box_url(c, &url, err, "/users", NULL) < 0)
		return -1;
	if (url_query(&url, "user_type", "managed") < 0 || url_query_int(&url, "limit", limit) < 0 ||
		url_query(&url, "fields", "id,login,name,status,job_title") < 0 ||
		(by_offset ? url_query_int(&url, "offset", offset) : url_query(&url, "usemarker", "true")) < 0 ||
		(!by_offset && cursor && url_query(&url, "marker", cursor) < 0))
		return err_memory(err);
	if (box_get(c, buf_str(&url), NULL, &doc, err) < 0) /* a Box without markers */
		return err->http_status == 400 && !cursor ? box_users(c, BY_OFFSET "0", limit, ret_doc, ret_next, err) : -1;
	const cJSON *list = json_array(doc, "entries");
	if (!list)
		return err_set(err, ERR_REMOTE, "bad_answer", "the list of users is no list");
	int64_t end = offset + cJSON_GetArraySize(list), total = json_size(doc, "total_count");
	const char *next = json_str(doc, "next_marker");
	if (!by_offset && next && *next) {
		if (cursor && strcmp(cursor, next) == 0)
			return err_set(err, ERR_REMOTE, "bad_answer", "the list of users does not end");
		if (buf_adds(ret_next, next) < 0)
			return err_memory(err);
	} else if ((by_offset || !cursor) && end > offset && total > end) {
		/* No marker, yet more than this. */
		if (buf_addf(ret_next, BY_OFFSET "%lld", (long long)end) < 0)
			return err_memory(err);
	}
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

int box_list_streams(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err)
{
	_cleanup_buf_ struct buf next = BUF_INIT(8192);
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *user;

	if (box_users(c, cursor, c->api.config->page_size ? c->api.config->page_size : USERS_PAGE, &doc, &next, err) < 0)
		return -1;
	const cJSON *list = json_array(doc, "entries");
	ret->streams = arena_alloc(ret->arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*ret->streams));
	if (!ret->streams)
		return err_memory(err);
	if (!cursor && add_events(c, ret, &ret->streams[ret->n_streams++], err) < 0)
		return -1;
	cJSON_ArrayForEach(user, list)
		if (add_user(ret, user, &ret->streams[ret->n_streams++], err) < 0)
			return -1;
	if (next.len && !(ret->next = arena_dup(ret->arena, buf_str(&next))))
		return err_memory(err);
	return 0;
}

int box_refused_alone(struct connection *c, const char *user, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *who = NULL, *root = NULL;
	struct err tried = {0};

	if (box_url(c, &url, err, "/users/{}", user, NULL) < 0)
		return -1;
	if (url_query(&url, "fields", "id,status") < 0)
		return err_memory(err);
	if (box_get(c, buf_str(&url), NULL, &who, &tried) < 0) {
		if (tried.class == ERR_GONE || tried.http_status == 403)
			return 1;
		*err = tried;
		return -1;
	}
	if (strcmp(json_str_or(who, "status", "active"), "inactive") == 0)
		return 1;
	if (box_url(c, &url, err, "/folders/{}/items", "0", NULL) < 0)
		return -1;
	if (url_query(&url, "limit", "1") < 0)
		return err_memory(err);
	if (box_get(c, buf_str(&url), user, &root, &tried) == 0)
		return 1;
	*err = tried;
	if (tried.http_status != 403)
		return -1;
	err_set(err, ERR_CONSENT, "as_user", "Box: the application may not act as its users any more (as-user, App + Enterprise Access)");
	err->http_status = 403;
	return err_scope(err, SCOPE_CONNECTION);
}

/* A refusal of one probe is a missing permission; other errors are errors. */
static int probe(struct connection *c, const char *url, const char *user, const char *need, const char **missing, int *n,
	cJSON **ret, struct err *err)
{
	if (box_get(c, url, user, ret, err) == 0)
		return 0;
	if (err->http_status != 403)
		return -1;
	missing[(*n)++] = need;
	return 0;
}

int box_check_grant(struct connection *c, struct grant_report *ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *me = NULL, *users = NULL, *events = NULL, *folder = NULL;
	const char **missing = arena_alloc(ret->arena, 8 * sizeof(*missing));
	int n = 0;

	if (!missing)
		return err_memory(err);
	if (box_url(c, &url, err, "/users/me", NULL) < 0 || url_query(&url, "fields", "id,login,name,enterprise,role") < 0 ||
		box_get(c, buf_str(&url), NULL, &me, err) < 0)
		return -1;
	const cJSON *enterprise = json_object(me, "enterprise");
	if (!json_str(me, "id"))
		return err_set(err, ERR_REMOTE, "bad_answer", "the service account has no id");
	/* The grant names the enterprise where Box does not. */
	ret->organisation = arena_str(ret->arena, enterprise, "name");
	ret->organisation_id = json_str(enterprise, "id") ? arena_str(ret->arena, enterprise, "id") :
								arena_str(ret->arena, c->api.config->grant, "enterprise_id");
	if (box_url(c, &url, err, "/users", NULL) < 0 || url_query(&url, "limit", "1") < 0 ||
		probe(c, buf_str(&url), NULL, "manage_managed_users", missing, &n, &users, err) < 0)
		return -1;
	if (event_url(c, &url, "now", err) < 0 ||
		probe(c, buf_str(&url), NULL, "manage_enterprise_properties", missing, &n, &events, err) < 0)
		return -1;
	if ((users && !json_array(users, "entries")) || (events && !json_get(events, "next_stream_position")))
		return err_set(err, ERR_REMOTE, "bad_answer", "the users or the events are no list");
	const char *user = json_str(cJSON_GetArrayItem(json_array(users, "entries"), 0), "id");
	if (user && (box_url(c, &url, err, "/folders/{}/items", "0", NULL) < 0 || url_query(&url, "limit", "1") < 0 ||
			    probe(c, buf_str(&url), user, "as-user (App + Enterprise Access)", missing, &n, &folder, err) < 0))
		return -1;
	ret->missing = missing;
	return 0;
}
