/* The quarantine shared drive: one for the organisation, its administrator the only member. Called by streams.c and file_act.c
 * on core's job threads; the connection's lock lets one thread look for it at a time.
 *
 * Remembered under "drive/quarantine". When that memory is missing it is found by its exact name among the drives that the
 * administrator organizes, and everybody else in it is put out. Sources: Drive drives.create (requestId: a repeat makes no
 * second one and answers 409), drives.list. */
#include "connectors/google/files.h"

#include "base/digest.h"
#include "base/encode.h"

#include <string.h>

#define KEY "drive/quarantine"
#define PAGES_MAX 200

int file_place_known(struct connection *c, struct buf *ret, struct err *err)
{
	const struct connector_env *env = c->api.env;

	return env->place_get(env->ctx, KEY, ret, err) < 0 ? -1 : 0;
}

int file_place_is(struct connection *c, const cJSON *drive, const char *known, bool *ret, struct err *err)
{
	const char *id = json_str_or(drive, "id", "");

	if (*known || strcmp(json_str_or(drive, "name", ""), GOOGLE_QUARANTINE) != 0) {
		*ret = *known && strcmp(id, known) == 0;
		return 0;
	}
	/* A drive that people are in is theirs, whatever it is called. */
	return members_only_admin(c, id, ret, err);
}

/* As the member that he is, without the domain administrator's access. */
static int is_organizer(struct connection *c, const char *drive, bool *ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	struct err why = {0};

	if (drive_url(c, &url, err, "/drives/{}", drive, NULL) < 0)
		return -1;
	if (url_query(&url, "fields", "id,capabilities(canManageMembers)") < 0)
		return err_memory(err);
	if (google_get(c, c->admin, buf_str(&url), &doc, &why) < 0 && why.class != ERR_GONE && why.class != ERR_REMOTE)
		return pass_on(err, &why);
	*ret = json_bool(json_object(doc, "capabilities"), "canManageMembers");
	return 0;
}

/* 0 and the id, 1 when the administrator has none of that name. */
static int find_drive(struct connection *c, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf token = BUF_INIT(8192);

	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *drive;
		if (drive_url(c, &url, err, "/drives", NULL) < 0)
			return -1;
		if (url_query_int(&url, "pageSize", 100) < 0 || url_query(&url, "q", "name = '" GOOGLE_QUARANTINE "'") < 0 ||
			url_query(&url, "fields", "nextPageToken,drives(id,name)") < 0 ||
			(token.len && url_query(&url, "pageToken", buf_str(&token)) < 0))
			return err_memory(err);
		if (google_get(c, c->admin, buf_str(&url), &doc, err) < 0)
			return -1;
		if (!json_array(doc, "drives"))
			return err_set(err, ERR_REMOTE, "bad_answer", "a list of shared drives that is none");
		cJSON_ArrayForEach(drive, json_array(doc, "drives"))
		{
			const char *id = json_str(drive, "id");
			bool organizer = false;
			if (!id || strcmp(json_str_or(drive, "name", ""), GOOGLE_QUARANTINE) != 0)
				continue;
			if (is_organizer(c, id, &organizer, err) < 0)
				return -1;
			if (!organizer)
				continue;
			if (members_clear(c, id, err) < 0)
				return -1;
			return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
		}
		const char *next = json_str(doc, "nextPageToken");
		if (!next)
			return 1;
		buf_clear(&token);
		if (buf_adds(&token, next) < 0)
			return err_set(err, ERR_REMOTE, "bad_answer", "a page token that is too long");
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of shared drives does not end");
}

static int create_drive(struct connection *c, const char *request, struct buf *ret, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (!body || json_set_str(body, "name", GOOGLE_QUARANTINE) < 0)
		return err_memory(err);
	if (drive_url(c, &url, err, "/drives", NULL) < 0)
		return -1;
	if (url_query(&url, "requestId", request) < 0)
		return err_memory(err);
	const struct google_call call = {.method = "POST", .url = buf_str(&url), .as = c->admin, .json = body};
	if (google_json(c, &call, &doc, err) < 0)
		return -1;
	const char *id = json_str(doc, "id");
	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a new shared drive without an id");
	return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
}

/* The same for the same connection, so that a repeat after a lost answer makes no second drive. */
static int make_drive(struct connection *c, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1024);
	struct digests d = {0};
	struct err why = {0};
	char uuid[37];

	if (buf_addf(&text, "%s\n%s", c->api.config->id, c->admin) < 0 ||
		digest_bytes(DIGEST_SHA256, buf_str(&text), text.len, &d) < 0)
		return err_memory(err);
	if (create_drive(c, d.sha256, ret, &why) == 0)
		return 0;
	if (why.http_status != 409)
		return pass_on(err, &why);
	int r = find_drive(c, ret, err);
	if (r <= 0)
		return r;
	/* It was deleted, or renamed, or its administrator was put out. */
	uuid_new(uuid);
	return create_drive(c, uuid, ret, err);
}

static int place(struct connection *c, bool fresh, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf id = BUF_INIT(4096);
	const struct connector_env *env = c->api.env;
	int r = fresh ? 1 : env->place_get(env->ctx, KEY, &id, err);

	if (r == 1) {
		r = find_drive(c, &id, err);
		if (r == 1)
			r = make_drive(c, &id, err);
		if (r == 0)
			r = env->place_put(env->ctx, KEY, buf_str(&id), err);
	}
	if (r < 0)
		return -1;
	return buf_adds(ret, buf_str(&id)) < 0 ? err_memory(err) : 0;
}

int file_place(struct connection *c, bool fresh, struct buf *ret, struct err *err)
{
	pthread_mutex_lock(&c->place_lock);
	int r = place(c, fresh, ret, err);
	pthread_mutex_unlock(&c->place_lock);
	return r;
}
