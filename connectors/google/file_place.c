/* The shared drives of ours, the quarantine and the transit on the way there: one each for the organisation, its administrator
 * the only member. Called by streams.c, file_act.c and file_transit.c on core's job threads; the connection's lock lets one
 * thread look for one at a time.
 *
 * Remembered under "drive/quarantine" and "drive/transit". When that memory is missing a drive is found by its exact name among
 * those that the administrator organizes, and everybody else in it is put out. Sources: Drive drives.create (requestId: a repeat makes no
 * second one and answers 409), drives.list. */
#include "connectors/google/files.h"

#include "base/digest.h"
#include "base/encode.h"

#include <string.h>

#define PAGES_MAX 200

static const struct {
	const char *key, *name;
} places[PLACES] = {
	[PLACE_QUARANTINE] = {"drive/quarantine", GOOGLE_QUARANTINE},
	[PLACE_TRANSIT] = {"drive/transit", GOOGLE_TRANSIT},
};

int file_place_known(struct connection *c, enum file_place place, struct buf *ret, struct err *err)
{
	const struct connector_env *env = c->api.env;

	return env->place_get(env->ctx, places[place].key, ret, err) < 0 ? -1 : 0;
}

int file_place_is(struct connection *c, const cJSON *drive, bool *ret, struct err *err)
{
	const char *id = json_str_or(drive, "id", ""), *name = json_str_or(drive, "name", "");
	bool ours = false;

	for (int place = 0; place < PLACES && !ours; place++) {
		_cleanup_buf_ struct buf known = BUF_INIT(4096);
		if (file_place_known(c, place, &known, err) < 0)
			return -1;
		if (known.len)
			ours = strcmp(id, buf_str(&known)) == 0;
		/* A drive that people are in is theirs, whatever it is called. */
		else if (strcmp(name, places[place].name) == 0 && members_only_admin(c, id, &ours, err) < 0)
			return -1;
	}
	*ret = ours;
	return 0;
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
static int find_drive(struct connection *c, const char *name, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf token = BUF_INIT(8192), q = BUF_INIT(200);

	if (buf_addf(&q, "name = '%s'", name) < 0)
		return err_memory(err);

	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
		_cleanup_json_ cJSON *doc = NULL;
		const cJSON *drive;
		if (drive_url(c, &url, err, "/drives", NULL) < 0)
			return -1;
		if (url_query_int(&url, "pageSize", 100) < 0 || url_query(&url, "q", buf_str(&q)) < 0 ||
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
			if (!id || strcmp(json_str_or(drive, "name", ""), name) != 0)
				continue;
			if (is_organizer(c, id, &organizer, err) < 0)
				return -1;
			if (!organizer)
				continue;
			if (members_clear(c, id, err) < 0)
				return -1;
			return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
		}
		int more = google_next(doc, &token, err);
		if (more == 0)
			return 1;
		if (more < 0)
			return -1;
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of shared drives does not end");
}

static int create_drive(struct connection *c, const char *name, const char *request, struct buf *ret, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (!body || json_set_str(body, "name", name) < 0)
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
static int make_drive(struct connection *c, const char *name, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1024);
	struct digests d = {0};
	struct err why = {0};
	char uuid[37];

	if (buf_addf(&text, "%s\n%s\n%s", c->api.config->id, c->admin, name) < 0 ||
		digest_bytes(DIGEST_SHA256, buf_str(&text), text.len, &d) < 0)
		return err_memory(err);
	if (create_drive(c, name, d.sha256, ret, &why) == 0)
		return 0;
	if (why.http_status != 409)
		return pass_on(err, &why);
	int r = find_drive(c, name, ret, err);
	if (r <= 0)
		return r;
	/* It was deleted, or renamed, or its administrator was put out. */
	uuid_new(uuid);
	return create_drive(c, name, uuid, ret, err);
}

static int get_or_make(struct connection *c, enum file_place place, bool fresh, struct buf *ret, struct err *err)
{
	const char *key = places[place].key, *name = places[place].name;
	_cleanup_buf_ struct buf id = BUF_INIT(4096);
	const struct connector_env *env = c->api.env;
	int r = fresh ? 1 : env->place_get(env->ctx, key, &id, err);

	if (r == 1) {
		r = find_drive(c, name, &id, err);
		if (r == 1)
			r = make_drive(c, name, &id, err);
		if (r == 0)
			r = env->place_put(env->ctx, key, buf_str(&id), err);
	}
	if (r < 0)
		return -1;
	return buf_adds(ret, buf_str(&id)) < 0 ? err_memory(err) : 0;
}

int file_place(struct connection *c, enum file_place place, bool fresh, struct buf *ret, struct err *err)
{
	pthread_mutex_lock(&c->place_lock);
	int r = get_or_make(c, place, fresh, ret, err);
	pthread_mutex_unlock(&c->place_lock);
	return r;
}
