/* The quarantine folder of a drive: found or made in its root, its inheritance broken as far as it can be. Called by
 * drive_act.c on core's job threads, perhaps by several at once for one drive: the service lets only one make it.
 *
 * Remembered as "ID NOTE" under "drive/ID"; the note says how the inheritance stands. In somebody's OneDrive the owner
 * reaches the folder in any case. Sources: Graph "Create a new folder", "Send a sharing invitation",
 * "Create a sharing link" (retainInheritedPermissions). */
#include "base/encode.h"
#include "connectors/microsoft/acts.h"

#include <string.h>

#define PAGES_MAX 1000

int ms_drive_root(struct connection *c, const char *drive, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (graph_url(c, &url, err, "/drives/{}/root", drive, NULL) < 0 || graph_get(c, buf_str(&url), NULL, &doc, err) < 0)
		return -1;
	const char *id = json_str(doc, "id");
	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a drive whose root has no id");
	return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
}

/* 0 and the id, 1 when the root holds no folder of that name. */
static int find_folder(struct connection *c, const char *drive, const char *root, const char *name, struct buf *ret,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);

	if (graph_url(c, &url, err, "/drives/{}/items/{}/children", drive, root, NULL) < 0)
		return -1;
	if (url_query_int(&url, "$top", 200) < 0 || url_query(&url, "$select", "id,name,folder") < 0)
		return err_memory(err);
	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const char *next;
		cJSON *value, *entry;
		if (graph_get(c, buf_str(&url), NULL, &doc, err) < 0 || graph_list(c, doc, &value, &next, err) < 0)
			return -1;
		cJSON_ArrayForEach(entry, value)
		{
			const char *id = json_str(entry, "id");
			if (id && *id && json_object(entry, "folder") && strcasecmp(json_str_or(entry, "name", ""), name) == 0)
				return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
		}
		if (!next)
			return 1;
		buf_clear(&url);
		if (buf_adds(&url, next) < 0)
			return err_memory(err);
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a drive's root does not end");
}

static int create_folder(struct connection *c, const char *drive, const char *root, const char *name, struct buf *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);

	if (!body || json_set_str(body, "name", name) < 0 || json_set(body, "folder", cJSON_CreateObject()) < 0 ||
		json_set_str(body, "@microsoft.graph.conflictBehavior", "fail") < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}/children", drive, root, NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "POST", .url = buf_str(&url), .json = body};
	if (graph_json(c, &call, &doc, err) < 0)
		return -1;
	const char *id = json_str(doc, "id");
	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a new folder without an id");
	return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
}

/* ---- inheritance ---- */

static int invite_owner(struct connection *c, const char *drive, const char *folder, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	cJSON *to = cJSON_CreateArray(), *who = cJSON_CreateObject(), *roles = cJSON_CreateArray();

	if (json_set(body, "recipients", to) < 0 || json_set(body, "roles", roles) < 0 || !who ||
		!cJSON_AddItemToArray(to, who) || json_set_str(who, "email", c->quarantine_owner) < 0 ||
		!cJSON_AddItemToArray(roles, cJSON_CreateString("write")) || json_set_bool(body, "requireSignIn", true) < 0 ||
		json_set_bool(body, "sendInvitation", false) < 0 ||
		json_set_bool(body, "retainInheritedPermissions", false) < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}/invite", drive, folder, NULL) < 0)
		return -1;
	return graph_json(c, &(struct graph_call){.method = "POST", .url = buf_str(&url), .json = body}, NULL, err);
}

/* Without anybody to invite: a link for nobody also ends the inheritance, and is deleted at once. */
static int link_for_nobody(struct connection *c, const char *drive, const char *folder, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);

	if (!body || json_set_str(body, "type", "view") < 0 || json_set_str(body, "scope", "users") < 0 ||
		json_set(body, "recipients", cJSON_CreateArray()) < 0 ||
		json_set_bool(body, "retainInheritedPermissions", false) < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/drives/{}/items/{}/createLink", drive, folder, NULL) < 0)
		return -1;
	return graph_json(c, &(struct graph_call){.method = "POST", .url = buf_str(&url), .json = body}, &doc, err);
}

/* Nobody but the owner and the one we invite may have a direct share of the folder: it may be an old one of ours, or one
 * that somebody made in the hope that we take it. */
static int clear_shares(struct connection *c, const char *drive, const char *folder, struct err *err)
{
	_cleanup_json_ cJSON *direct = NULL;
	const cJSON *permission;

	if (ms_share_list(c, drive, folder, &direct, NULL, err) < 0)
		return -1;
	cJSON_ArrayForEach(permission, direct)
	{
		struct err why;
		if (ms_share_delete(c, drive, folder, json_str_or(permission, "id", "-"), &why) < 0 && why.class != ERR_REMOTE &&
			why.class != ERR_CHANGED) {
			if (err)
				*err = why;
			return -1;
		}
	}
	return 0;
}

static bool passing(const struct err *err)
{
	return err->class == ERR_RETRY || err->class == ERR_AUTH || err->class == ERR_CONSENT || err->class == ERR_CANCELLED ||
		err->class == ERR_LOCAL;
}

/* Writes how it stands: "broken", "inherited" when the service would not end the inheritance, "unknown" when it does not
 * say. */
static int isolate(struct connection *c, const char *drive, const char *folder, struct buf *note, struct err *err)
{
	bool owner = c->quarantine_owner && *c->quarantine_owner, inherited = true;
	_cleanup_json_ cJSON *direct = NULL;
	struct err why;

	if (clear_shares(c, drive, folder, &why) < 0) {
		/* Nobody tells who may read it, so nobody can be kept out. */
		if (graph_refused(&why))
			return buf_adds(note, "unknown") < 0 ? err_memory(err) : 0;
		if (err)
			*err = why;
		return -1;
	}
	int r = owner ? invite_owner(c, drive, folder, &why) : link_for_nobody(c, drive, folder, &why);
	if (r < 0 && passing(&why)) {
		if (err)
			*err = why;
		return -1;
	}
	if ((!owner && clear_shares(c, drive, folder, err) < 0) ||
		ms_share_list(c, drive, folder, &direct, &inherited, err) < 0)
		return -1;
	return buf_adds(note, inherited ? "inherited" : "broken") < 0 ? err_memory(err) : 0;
}

/* ---- the place ---- */

static int make_folder(struct connection *c, const char *drive, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf root = BUF_INIT(4096);
	char name[64], tail[9];
	struct err why;

	if (ms_drive_root(c, drive, &root, err) < 0)
		return -1;
	if (create_folder(c, drive, buf_str(&root), GRAPH_QUARANTINE, ret, &why) == 0)
		return 0;
	if (why.class != ERR_CHANGED) {
		if (err)
			*err = why;
		return -1;
	}
	int r = find_folder(c, drive, buf_str(&root), GRAPH_QUARANTINE, ret, err);
	if (r <= 0)
		return r;
	/* A file has the name. */
	random_hex(tail, 4);
	snprintf(name, sizeof(name), GRAPH_QUARANTINE "-%s", tail);
	return create_folder(c, drive, buf_str(&root), name, ret, err);
}

static int split(const char *text, struct buf *ret_id, struct buf *ret_note, struct err *err)
{
	/* An id may hold anything; a note has no blank. */
	const char *blank = strrchr(text, ' ');
	size_t n = blank ? (size_t)(blank - text) : strlen(text);

	if (buf_add(ret_id, text, n) < 0 || buf_adds(ret_note, blank ? blank + 1 : "") < 0)
		return err_memory(err);
	return 0;
}

int ms_drive_place_known(struct connection *c, const char *drive, struct buf *ret_id, struct err *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(4096), value = BUF_INIT(8192), note = BUF_INIT(4096);
	const struct connector_env *env = c->api.env;

	if (buf_addf(&key, "drive/%s", drive) < 0)
		return err_memory(err);
	int r = env->place_get(env->ctx, buf_str(&key), &value, err);
	return r < 0 ? -1 : r == 1 ? 0 : split(buf_str(&value), ret_id, &note, err);
}

int ms_drive_place(struct connection *c, const char *drive, bool fresh, struct buf *ret_id, struct buf *ret_note,
	struct err *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(4096), id = BUF_INIT(4096), value = BUF_INIT(8192);
	const struct connector_env *env = c->api.env;

	if (buf_addf(&key, "drive/%s", drive) < 0)
		return err_memory(err);
	int r = fresh ? 1 : env->place_get(env->ctx, buf_str(&key), &value, err);
	if (r < 0)
		return -1;
	/* Somebody may have been named since who makes it possible. */
	const char *stands = strrchr(buf_str(&value), ' ');
	if (r == 0 && c->quarantine_owner && (!stands || strcmp(stands, " broken") != 0)) {
		buf_clear(&value);
		r = 1;
	}
	if (r == 1) {
		if (make_folder(c, drive, &id, err) < 0)
			return -1;
		if (buf_addf(&value, "%s ", buf_str(&id)) < 0)
			return err_memory(err);
		if (isolate(c, drive, buf_str(&id), &value, err) < 0 ||
			env->place_put(env->ctx, buf_str(&key), buf_str(&value), err) < 0)
			return -1;
	}
	return split(buf_str(&value), ret_id, ret_note, err);
}
