/* Containing a file of Box and giving it back. See box.h for threads.
 *
 * Receipt: {"kind": "box", "file", "user" (the owner), "version", "name", "parent", "path", "size", "sha1", "shared_link",
 * "collaborations": [{accessible_by, role}], "versions": n, "place" (the quarantine folder), "method": "move" or "lock",
 * "not_restored": […]}. Order: link and collaborations go first, so that nobody else reaches it while it moves. */
#include "connectors/box/box.h"

#include "connectors/box/place.h"

#include <string.h>

struct act {
	struct connection *c;
	cJSON *receipt;
	const char *file, *user, *place;
	cJSON *now; /* the file as it is; NULL when gone */
	bool held;  /* it lies in the quarantine folder */
	bool locked; /* downloads are prevented */
	struct err *err;
};

static const char *parent_of(const cJSON *file)
{
	return json_str_or(json_object(file, "parent"), "id", "");
}

/* Where is it? The owner sees it outside, the service account inside the quarantine. */
static int look(struct act *x)
{
	cJSON_Delete(x->now);
	x->now = NULL;
	x->held = x->locked = false;
	if (box_file(x->c, x->file, NULL, &x->now, x->err) < 0) {
		if (x->err->class != ERR_GONE && x->err->http_status != 403)
			return -1;
		if (box_file(x->c, x->file, x->user, &x->now, x->err) < 0)
			return x->err->class == ERR_GONE ? 0 : -1;
	}
	x->held = strcmp(parent_of(x->now), x->place) == 0;
	x->locked = json_bool(json_object(x->now, "lock"), "is_download_prevented");
	return 0;
}

static int open_act(struct act *x, struct connection *c, const char *receipt, struct err *err)
{
	*x = (struct act){.c = c, .err = err};
	if (own_json(receipt, ERR_LOCAL, &x->receipt, err) < 0)
		return -1;
	x->file = json_str(x->receipt, "file");
	x->user = json_str(x->receipt, "user");
	x->place = json_str(x->receipt, "place");
	if (!x->file || !x->user || !x->place)
		return err_set(err, ERR_LOCAL, "bad_receipt", "no receipt of Box");
	return 0;
}

static void close_act(struct act *x)
{
	cJSON_Delete(x->receipt);
	cJSON_Delete(x->now);
}
#define _cleanup_act_ _cleanup_(close_act)

static int write_receipt(const struct act *x, struct buf *out)
{
	return json_print(x->receipt, out) < 0 ? err_set(x->err, ERR_TOO_BIG, "receipt_too_big",
							 "the file is shared with too many to write it down") :
						 0;
}

static int change(struct act *x, const char *user, cJSON *body, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *owned = body;

	if (!owned || box_url(x->c, &url, err, "/files/{}", x->file, NULL) < 0)
		return owned ? -1 : err_memory(err);
	const struct box_call call = {.method = "PUT", .url = buf_str(&url), .user = user, .json = owned};
	return box_json(x->c, &call, NULL, err);
}

/* ---- plan ---- */

static int note_collaborations(struct act *x)
{
	_cleanup_json_ cJSON *list = NULL;
	cJSON *out = cJSON_AddArrayToObject(x->receipt, "collaborations");
	const cJSON *e;

	if (!out || box_collaborations(x->c, "files", x->file, x->user, &list, x->err) < 0)
		return out ? -1 : err_memory(x->err);
	cJSON_ArrayForEach(e, list)
	{
		const cJSON *who = json_object(e, "accessible_by");
		const char *role = json_str_or(e, "role", "");
		if (strcmp(role, "owner") == 0)
			continue;
		cJSON *one = cJSON_CreateObject(), *by = cJSON_AddObjectToObject(one, "accessible_by");
		json_set_str(one, "id", json_str(e, "id"));
		json_set_str(one, "role", role);
		json_set_str(by, "type", json_str_or(who, "type", "user"));
		if (json_str(who, "id"))
			json_set_str(by, "id", json_str(who, "id"));
		else
			json_set_str(by, "login", json_str(e, "invite_email"));
		cJSON_AddItemToArray(out, one);
	}
	return 0;
}

static int note_versions(struct act *x)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *doc = NULL;

	if (box_url(x->c, &url, x->err, "/files/{}/versions", x->file, NULL) < 0)
		return -1;
	if (url_query(&url, "limit", "1") < 0)
		return err_memory(x->err);
	if (box_get(x->c, buf_str(&url), x->user, &doc, x->err) < 0)
		return -1;
	return json_set_int(x->receipt, "versions", json_int64_or(doc, "total_count", 0) + 1);
}

int box_plan(struct connection *c, const struct stream_info *stream, const struct item *item, const char *op_id,
	struct buf *receipt, struct err *err)
{
	_cleanup_act_ struct act x = {.c = c, .receipt = cJSON_CreateObject(), .err = err};
	_cleanup_json_ cJSON *context = NULL, *file = NULL;
	_cleanup_buf_ struct buf place = BUF_INIT(200);
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);

	if (!a || own_json(item->context, ERR_LOCAL, &context, err) < 0)
		return -1;
	x.file = item->id;
	x.user = json_str_or(context, "user", "");
	if (box_file(c, item->id, x.user, &file, err) < 0 || box_place(c, &place, err) < 0)
		return -1;
	const char *version = json_str_or(json_object(file, "file_version"), "id", "");
	if (strcmp(version, item->version) != 0)
		return err_set(err, ERR_CHANGED, "changed", "Box: the file has a newer version");
	json_set_str(x.receipt, "kind", "box");
	json_set_str(x.receipt, "op", op_id);
	json_set_str(x.receipt, "file", item->id);
	json_set_str(x.receipt, "user", x.user);
	json_set_str(x.receipt, "owner", json_str(json_object(file, "owned_by"), "login"));
	json_set_str(x.receipt, "version", version);
	json_set_str(x.receipt, "name", json_str_or(file, "name", ""));
	json_set_str(x.receipt, "parent", parent_of(file));
	json_set_str(x.receipt, "path", box_path(a, file));
	json_set_str(x.receipt, "sha1", json_str(file, "sha1"));
	json_set_int(x.receipt, "size", json_size(file, "size"));
	json_set_str(x.receipt, "place", buf_str(&place));
	json_set_str(x.receipt, "method", "move");
	const cJSON *link = json_object(file, "shared_link");
	if (link) {
		cJSON *l = cJSON_AddObjectToObject(x.receipt, "shared_link");
		json_set_str(l, "access", json_str_or(link, "access", "company"));
		json_set_str(l, "url", json_str(link, "url"));
		json_set_str(l, "unshared_at", json_str(link, "unshared_at"));
		json_set_str(l, "vanity_name", json_str(link, "vanity_name"));
		json_set_bool(l, "password", json_bool(link, "is_password_enabled"));
		json_set_bool(l, "can_download", json_bool(json_object(link, "permissions"), "can_download"));
	}
	if (note_collaborations(&x) < 0 || note_versions(&x) < 0)
		return -1;
	return write_receipt(&x, receipt);
}

/* ---- quarantine ---- */

static int unshare_file(struct act *x)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *e;

	if (json_object(x->now, "shared_link")) {
		cJSON *body = cJSON_CreateObject();
		cJSON_AddNullToObject(body, "shared_link");
		if (change(x, x->user, body, x->err) < 0)
			return -1;
	}
	if (box_collaborations(x->c, "files", x->file, x->user, &list, x->err) < 0)
		return -1;
	cJSON_ArrayForEach(e, list)
	{
		if (strcmp(json_str_or(e, "role", ""), "owner") != 0 && json_str(e, "id") &&
			box_collaboration_delete(x->c, json_str(e, "id"), x->user, x->err) < 0)
			return -1;
	}
	return 0;
}

/* Moves with a name; when the name is taken there, once more with one that is not. */
static int move_to(struct act *x, const char *folder, const char *name)
{
	for (int attempt = 0;; attempt++) {
		cJSON *body = cJSON_CreateObject(), *parent = cJSON_AddObjectToObject(body, "parent");
		char other[700];
		snprintf(other, sizeof(other), "%.8s %.600s", json_str_or(x->receipt, "op", "held"), name);
		json_set_str(parent, "id", folder);
		json_set_str(body, "name", attempt ? other : name);
		if (change(x, x->user, body, x->err) == 0)
			return attempt;
		if (attempt || strcmp(x->err->code, "name_taken") != 0)
			return -1;
	}
}

/* Where moving is impossible: nobody but the locker downloads it. */
static int lock(struct act *x)
{
	cJSON *body = cJSON_CreateObject(), *l = cJSON_AddObjectToObject(body, "lock");

	json_set_str(l, "type", "lock");
	json_set_str(l, "access", "lock");
	json_set_bool(l, "is_download_prevented", true);
	if (change(x, x->user, body, x->err) < 0)
		return -1;
	return json_set_str(x->receipt, "method", "lock");
}

/* Nobody of ours moves anything now. */
static int shut_door(struct act *x)
{
	pthread_mutex_lock(&x->c->door);
	int r = box_door_close(x->c, x->place, x->user, x->err);
	pthread_mutex_unlock(&x->c->door);
	return r;
}

/* The file was seen a moment ago: when the move finds nothing, the door was shut by another node or an opened connection
 * that is being replaced. Look again later. */
static int not_gone(struct act *x, const struct err *moved)
{
	*x->err = *moved;
	if (moved->class == ERR_GONE)
		return err_set(x->err, ERR_RETRY, "door_shut", "Box: the file could not be moved (%.200s)", moved->message);
	return -1;
}

static int move_in_alone(struct act *x)
{
	struct err moved = {0};

	if (box_door_open(x->c, x->place, x->user, x->err) < 0)
		return -1;
	int r = move_to(x, x->place, json_str_or(x->receipt, "name", "held"));
	if (r < 0)
		moved = *x->err;
	/* Whatever came of it, the door is shut before anything else. */
	if (box_door_close(x->c, x->place, x->user, x->err) < 0)
		return -1;
	if (r >= 0)
		return 0;
	if (moved.http_status == 403 && moved.class == ERR_REMOTE)
		return lock(x);
	return not_gone(x, &moved);
}

static int move_in(struct act *x)
{
	pthread_mutex_lock(&x->c->door);
	int r = move_in_alone(x);
	pthread_mutex_unlock(&x->c->door);
	return r;
}

int box_quarantine(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	_cleanup_act_ struct act x;

	if (open_act(&x, c, receipt, err) < 0 || look(&x) < 0)
		return -1;
	if (!x.now)
		return err_set(err, ERR_GONE, "gone", "Box: the file is gone");
	if (again && shut_door(&x) < 0)
		return -1;
	if (!x.held && !x.locked) {
		if (strcmp(json_str_or(json_object(x.now, "file_version"), "id", ""), json_str_or(x.receipt, "version", "")) != 0)
			return err_set(err, ERR_CHANGED, "changed", "Box: the file has a newer version");
		if (unshare_file(&x) < 0 || move_in(&x) < 0)
			return -1;
	} else if (x.locked && !x.held && json_set_str(x.receipt, "method", "lock") < 0) {
		return err_memory(err);
	}
	return write_receipt(&x, receipt_out);
}

/* ---- restore ---- */

static int unlock(struct act *x)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddNullToObject(body, "lock");
	return change(x, x->user, body, x->err);
}

static int move_out_alone(struct act *x)
{
	const char *parent = json_str_or(x->receipt, "parent", "0"), *name = json_str_or(x->receipt, "name", "restored");

	if (box_door_open(x->c, x->place, x->user, x->err) < 0)
		return -1;
	int r = move_to(x, parent, name);
	if (r < 0 && strcmp(parent, "0") != 0 && (x->err->class == ERR_GONE || x->err->http_status == 403)) {
		/* Its folder is gone: the owner's root is better than nothing. */
		r = move_to(x, "0", name);
		if (r >= 0 && json_note(x->receipt, "not_restored", "its folder %s is gone: it lies in the owner's root",
				      json_str_or(x->receipt, "path", "")) < 0)
			return err_memory(x->err);
	}
	struct err moved = {0};
	if (r < 0)
		moved = *x->err;
	if (box_door_close(x->c, x->place, x->user, x->err) < 0)
		return -1;
	if (r < 0)
		return not_gone(x, &moved);
	return r > 0 ? json_note(x->receipt, "not_restored", "its name is taken: it has a new one") : 0;
}

static int move_out(struct act *x)
{
	pthread_mutex_lock(&x->c->door);
	int r = move_out_alone(x);
	pthread_mutex_unlock(&x->c->door);
	return r;
}

static int share_link(struct act *x)
{
	const cJSON *l = json_object(x->receipt, "shared_link");

	if (!l || json_object(x->now, "shared_link"))
		return 0;
	cJSON *body = cJSON_CreateObject(), *link = cJSON_AddObjectToObject(body, "shared_link");
	json_set_str(link, "access", json_str_or(l, "access", "company"));
	if (json_str(l, "unshared_at"))
		json_set_str(link, "unshared_at", json_str(l, "unshared_at"));
	if (strcmp(json_str_or(l, "access", ""), "collaborators") != 0) {
		cJSON *p = cJSON_AddObjectToObject(link, "permissions");
		json_set_bool(p, "can_download", json_bool(l, "can_download"));
	}
	if (change(x, x->user, body, x->err) < 0)
		return -1;
	if (json_bool(l, "password") && json_note(x->receipt, "not_restored", "the password of the shared link") < 0)
		return err_memory(x->err);
	return json_note(x->receipt, "not_restored", "the shared link (%s) has a new address", json_str_or(l, "access", ""));
}

static int share_again(struct act *x)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(x->receipt, "collaborations"))
	{
		const cJSON *who = json_object(e, "accessible_by");
		if (box_collaboration_add(x->c, "file", x->file, who, json_str_or(e, "role", "viewer"), x->user, x->err) == 0)
			continue;
		if (x->err->class != ERR_REMOTE && x->err->class != ERR_GONE)
			return -1;
		if (json_note(x->receipt, "not_restored", "the collaboration of %s",
			    json_str_or(who, "login", json_str_or(who, "id", "?"))) < 0)
			return err_memory(x->err);
	}
	return share_link(x);
}

int box_restore(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	_cleanup_act_ struct act x;

	if (open_act(&x, c, receipt, err) < 0 || look(&x) < 0)
		return -1;
	if (!x.now)
		return err_set(err, ERR_GONE, "gone", "Box: the file is gone");
	if ((x.locked && unlock(&x) < 0) || (x.held && move_out(&x) < 0) ||
		(!x.held && again && shut_door(&x) < 0))
		return -1;
	if (look(&x) < 0)
		return -1;
	if (!x.now || share_again(&x) < 0)
		return x.now ? -1 : err_set(err, ERR_GONE, "gone", "Box: the file is gone");
	return write_receipt(&x, receipt_out);
}

int box_observe(struct connection *c, const char *receipt, struct observation *ret, struct err *err)
{
	_cleanup_act_ struct act x;
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);

	if (!a || open_act(&x, c, receipt, err) < 0 || look(&x) < 0)
		return -1;
	memset(ret, 0, sizeof(*ret));
	if (!x.now)
		return 0;
	ret->exists = true;
	ret->quarantined = x.held || x.locked;
	ret->restored = !x.held && !x.locked && strcmp(parent_of(x.now), json_str_or(x.receipt, "parent", "")) == 0;
	snprintf(ret->place, sizeof(ret->place), "%.500s", x.held ? "/" BOX_QUARANTINE : box_path(a, x.now));
	snprintf(ret->version, sizeof(ret->version), "%s", json_str_or(json_object(x.now, "file_version"), "id", ""));
	return 0;
}

int box_open_held(struct connection *c, const char *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_act_ struct act x;

	if (open_act(&x, c, receipt, err) < 0 || look(&x) < 0)
		return -1;
	if (!x.now)
		return err_set(err, ERR_GONE, "gone", "Box: the file is gone");
	return box_content(c, x.file, NULL, x.held ? NULL : x.user, content, ret, err);
}

int box_remove(struct connection *c, const char *receipt, bool again, struct err *err)
{
	_cleanup_act_ struct act x;
	_cleanup_buf_ struct buf url = BUF_INIT(8192);

	if (open_act(&x, c, receipt, err) < 0 || look(&x) < 0)
		return -1;
	if (x.now && !x.held && !x.locked)
		return err_set(err, ERR_CHANGED, "not_quarantined", "Box: the file is not in quarantine any more");
	/* What was locked lies in its owner's trash, what was moved in ours. */
	bool at_home = !x.held && (x.locked || strcmp(json_str_or(x.receipt, "method", ""), "lock") == 0);
	const char *user = at_home ? x.user : NULL;
	if (x.now) {
		if (box_url(c, &url, err, "/files/{}", x.file, NULL) < 0)
			return -1;
		const struct box_call call = {.method = "DELETE", .url = buf_str(&url), .user = user};
		if (box_json(c, &call, NULL, err) < 0 && err->class != ERR_GONE)
			return -1;
	}
	/* Into the trash is not away. Where the trash is off, it is gone already. */
	if (box_url(c, &url, err, "/files/{}/trash", x.file, NULL) < 0)
		return -1;
	const struct box_call call = {.method = "DELETE", .url = buf_str(&url), .user = user};
	if (box_json(c, &call, NULL, err) < 0 && err->class != ERR_GONE)
		return -1;
	return 0;
}
