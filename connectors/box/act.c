/* Acts on a file of Box and undoing them: containing, and what leaves it where it is. See box.h for threads, act.h for the parts.
 *
 * Receipt: {"kind": "box", "file", "user" (the owner), "version", "name", "parent", "path", "size", "sha1", "shared_link",
 * "collaborations": [{accessible_by, role, …}], "versions": n, "place" (the quarantine folder), "transit", "method": "move" or
 * "lock", "open": [what is not contained], "not_restored": […]}; "act" ("tag",
 * "unshare", "replace") and what label.c, unshare.c and notice.c add. Order: link and collaborations go first, so that nobody
 * else reaches it while it moves. */
#include "connectors/box/act.h"

static const char *const kinds[] = {[ACT_TAG] = "tag", [ACT_UNSHARE] = "unshare", [ACT_REPLACE] = "replace"};

/* Of a receipt; those without a word contain. */
static enum act_kind kind_of(const struct act *x)
{
	const char *word = json_str_or(x->receipt, "act", "");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i] && strcmp(word, kinds[i]) == 0)
			return (enum act_kind)i;
	return ACT_QUARANTINE;
}

static int open_act(struct act *x, struct connection *c, const char *receipt, struct err *err)
{
	*x = (struct act){.c = c, .err = err};
	if (own_json(receipt, ERR_LOCAL, &x->receipt, err) < 0)
		return -1;
	x->file = json_str(x->receipt, "file");
	x->user = json_str(x->receipt, "user");
	x->place = json_str(x->receipt, "place");
	x->transit = json_str(x->receipt, "transit");
	x->as = x->user;
	/* An empty user would be the service account. */
	if (!x->file || !x->user || !*x->user || (!x->place && kind_of(x) != ACT_TAG && kind_of(x) != ACT_UNSHARE))
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

int act_change(struct act *x, const char *user, cJSON *body, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *owned = body;

	if (!owned || box_url(x->c, &url, err, "/files/{}", x->file, NULL) < 0)
		return owned ? -1 : err_memory(err);
	const struct box_call call = {.method = "PUT", .url = buf_str(&url), .user = user, .json = owned};
	return box_json(x->c, &call, NULL, err);
}

/* Our folders as they are now: an administrator may have deleted one. */
static int note_place(struct act *x, const char *name, const char *key, const char **ret, struct err *err)
{
	_cleanup_buf_ struct buf id = BUF_INIT(200);

	if (box_place(x->c, name, &id, err) < 0)
		return -1;
	if (json_set_str(x->receipt, key, buf_str(&id)) < 0)
		return err_memory(err);
	*ret = json_str(x->receipt, key);
	return 0;
}

/* ---- plan ---- */

static int note_versions(struct act *x)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	_cleanup_json_ cJSON *doc = NULL;

	if (box_url(x->c, &url, x->err, "/files/{}/versions", x->file, NULL) < 0)
		return -1;
	if (url_query(&url, "limit", "1") < 0)
		return err_memory(x->err);
	if (box_get(x->c, buf_str(&url), x->user, &doc, x->err) < 0) /* for people only */
		return box_refused(x->err) ? 0 : -1;
	return json_set_int(x->receipt, "versions", json_int64_or(doc, "total_count", 0) + 1);
}

/* It may belong to somebody else by now: who owns it moves it. */
static int note_owner(struct act *x, cJSON **file)
{
	const char *owner = json_str(json_object(*file, "owned_by"), "id");
	cJSON *seen = NULL;

	if (!owner || strcmp(owner, x->user) == 0)
		return 0;
	if (box_file(x->c, x->file, owner, &seen, x->err) < 0)
		return box_refused(x->err) ? 0 : -1; /* an outsider's: what the user may do must do */
	cJSON_Delete(*file);
	*file = seen;
	x->user = json_str(json_object(seen, "owned_by"), "id");
	return x->user && *x->user ? 0 : err_set(x->err, ERR_REMOTE, "bad_answer", "a file whose owner changes");
}

static int note_file(struct act *x, const cJSON *file, const char *version, const char *op_id, enum act_kind kind)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	const char *word = kind < ARRAY_SIZE(kinds) ? kinds[kind] : NULL;

	if (!a || json_set_str(x->receipt, "kind", "box") < 0 || json_set_str(x->receipt, "act", word) < 0 ||
		json_set_str(x->receipt, "op", op_id) < 0 || json_set_str(x->receipt, "file", x->file) < 0 ||
		json_set_str(x->receipt, "user", x->user) < 0 ||
		json_set_str(x->receipt, "owner", json_str(json_object(file, "owned_by"), "login")) < 0 ||
		json_set_str(x->receipt, "version", version) < 0 || json_set_str(x->receipt, "name", json_str_or(file, "name", "")) < 0 ||
		json_set_str(x->receipt, "parent", act_parent(file)) < 0 || json_set_str(x->receipt, "path", box_path(a, file)) < 0 ||
		json_set_str(x->receipt, "sha1", json_str(file, "sha1")) < 0 || json_set_int(x->receipt, "size", json_size(file, "size")) < 0 ||
		(kind != ACT_TAG && kind != ACT_UNSHARE && json_set_str(x->receipt, "method", "move") < 0))
		return err_memory(x->err);
	return 0;
}

static int plan_kind(struct act *x, enum act_kind kind, const struct act_request *act, const cJSON *file)
{
	if (kind == ACT_TAG)
		return act_tag_plan(x, act->tag, file);
	if (kind == ACT_UNSHARE)
		return act_unshare_plan(x, file);
	if (kind == ACT_REPLACE && act_notice_plan(x, act->notice) < 0)
		return -1;
	if (note_place(x, BOX_QUARANTINE, "place", &x->place, x->err) < 0 || note_place(x, BOX_TRANSIT, "transit", &x->transit, x->err) < 0)
		return -1;
	return act_share_note(x, file) < 0 || note_versions(x) < 0 ? -1 : 0;
}

int box_plan(struct connection *c, const struct stream_info *stream, const struct item *item, const struct act_request *act,
	const char *op_id, struct buf *receipt, struct err *err)
{
	_cleanup_act_ struct act x = {.c = c, .receipt = cJSON_CreateObject(), .err = err};
	_cleanup_json_ cJSON *context = NULL, *file = NULL;
	enum act_kind kind = act ? act->kind : ACT_QUARANTINE;

	if (kind == ACT_BLOCK)
		return err_set(err, ERR_REMOTE, "unsupported", "Box has no messages to hide");
	if (own_json(item->context, ERR_LOCAL, &context, err) < 0)
		return -1;
	x.file = item->id;
	x.user = json_str_or(context, "user", "");
	if (!*x.user)
		return err_set(err, ERR_LOCAL, "bad_context", "an item without a user");
	if (box_file(c, item->id, x.user, &file, err) < 0 || note_owner(&x, &file) < 0)
		return -1;
	const char *version = act_version(file);
	if (strcmp(version, item->version) != 0)
		return err_set(err, ERR_CHANGED, "changed", "Box: the file has a newer version");
	if (note_file(&x, file, version, op_id, kind) < 0 || plan_kind(&x, kind, act, file) < 0)
		return -1;
	return write_receipt(&x, receipt);
}

/* ---- acts that leave it where it is ---- */

int act_find(struct act *x)
{
	cJSON_Delete(x->now);
	x->now = NULL;
	x->where = BOX_GONE;
	for (int i = 0; i < 2; i++) {
		/* What lies in our quarantine by now, its owner does not see. */
		x->as = i == 0 ? x->user : NULL;
		if (box_file(x->c, x->file, x->as, &x->now, x->err) == 0) {
			x->where = i == 0 ? BOX_HOME : BOX_HELD;
			return 0;
		}
		if (x->err->class != ERR_GONE && !(x->err->http_status == 403 && x->err->class == ERR_REMOTE))
			return -1;
	}
	return 0;
}

static bool stays(const struct act *x)
{
	return kind_of(x) == ACT_TAG || kind_of(x) == ACT_UNSHARE;
}

static int act_there(struct act *x, bool undo, bool again, struct buf *receipt_out)
{
	if (act_find(x) < 0)
		return -1;
	if (!x->now)
		return err_set(x->err, ERR_GONE, "gone", "Box: the file is gone");
	if (!undo && kind_of(x) == ACT_TAG && strcmp(act_version(x->now), json_str_or(x->receipt, "version", "")) != 0)
		return err_set(x->err, ERR_CHANGED, "changed", "Box: the file has a newer version");
	int r = kind_of(x) == ACT_TAG ? undo ? act_tag_restore(x) : act_tag(x) : undo ? act_unshare_restore(x) : act_unshare(x, again);
	if (r < 0 || json_set_bool(x->receipt, "restored", undo) < 0)
		return r < 0 ? -1 : err_memory(x->err);
	return write_receipt(x, receipt_out);
}

static int observe_there(struct act *x, struct arena *a, struct observation *ret)
{
	if (act_find(x) < 0)
		return -1;
	if (!x->now)
		return 0;
	if ((kind_of(x) == ACT_TAG ? act_tag_observe(x, ret) : act_unshare_observe(x, ret)) < 0)
		return -1;
	ret->exists = true;
	snprintf(ret->place, sizeof(ret->place), "%.500s", box_path(a, x->now));
	snprintf(ret->version, sizeof(ret->version), "%s", act_version(x->now));
	return 0;
}

/* ---- quarantine ---- */

/* Its sharing may have been ended already: that is undone. */
static int changed(struct act *x)
{
	if (act_look(x) < 0 || (x->where == BOX_HOME && act_share_restore(x) < 0))
		return -1;
	return err_set(x->err, ERR_CHANGED, "changed", "Box: the file has a newer version");
}

static int take_from_home(struct act *x, bool again)
{
	if (strcmp(act_version(x->now), json_str_or(x->receipt, "version", "")) != 0)
		return again ? changed(x) : err_set(x->err, ERR_CHANGED, "changed", "Box: the file has a newer version");
	if (act_share_remove(x, x->user, false) < 0)
		return -1;
	if (act_take(x) == 0)
		return 0;
	return x->err->class == ERR_CHANGED && strcmp(x->err->code, "changed") == 0 ? changed(x) : -1;
}

int box_quarantine(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	_cleanup_act_ struct act x;

	if (open_act(&x, c, receipt, err) < 0)
		return -1;
	if (stays(&x))
		return act_there(&x, false, again, receipt_out);
	if (act_look(&x) < 0)
		return -1;
	if (x.where == BOX_GONE)
		return err_set(err, ERR_GONE, "gone", "Box: the file is gone");
	/* The plan is from a moment ago, unless it is repeated. */
	if (x.where == BOX_HOME && (again || !x.transit) &&
		(note_place(&x, BOX_QUARANTINE, "place", &x.place, err) < 0 ||
			note_place(&x, BOX_TRANSIT, "transit", &x.transit, err) < 0))
		return -1;
	if (again && act_close(&x) < 0)
		return -1;
	if (x.where != BOX_HOME && strcmp(act_version(x.now), json_str_or(x.receipt, "version", "")) != 0) {
		/* Written to in the moment of its move, and then we stopped. */
		return act_give(&x) < 0 ? -1 : changed(&x);
	} else if (x.where == BOX_HOME && !x.locked) {
		if (take_from_home(&x, again) < 0)
			return -1;
	} else if (x.where == BOX_IN_TRANSIT && act_take(&x) < 0) {
		return -1;
	}
	/* What others shared, or the owner in the last moment, shows only here. */
	if (act_share_remove(&x, x.where == BOX_HELD ? NULL : x.user, true) < 0)
		return -1;
	if (kind_of(&x) == ACT_REPLACE && act_notice_leave(&x) < 0)
		return -1;
	return write_receipt(&x, receipt_out);
}

/* ---- restore ---- */

static int unlock(struct act *x)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddNullToObject(body, "lock");
	return act_change(x, x->user, body, x->err);
}

int box_restore(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	_cleanup_act_ struct act x;

	if (open_act(&x, c, receipt, err) < 0)
		return -1;
	if (stays(&x))
		return act_there(&x, true, again, receipt_out);
	if (act_look(&x) < 0)
		return -1;
	if (x.where == BOX_GONE)
		return err_set(err, ERR_GONE, "gone", "Box: the file is gone");
	if (kind_of(&x) == ACT_REPLACE && act_notice_take(&x) < 0)
		return -1;
	if (x.where == BOX_HELD && note_place(&x, BOX_TRANSIT, "transit", &x.transit, err) < 0)
		return -1;
	if (again && act_close(&x) < 0)
		return -1;
	if ((x.locked && unlock(&x) < 0) || (x.where != BOX_HOME && act_give(&x) < 0) || act_look(&x) < 0)
		return -1;
	if (x.where != BOX_HOME)
		return err_set(err, ERR_GONE, "gone", "Box: the file is gone");
	/* What its owner put in its place was not shared with anybody by them. */
	if (strcmp(act_version(x.now), json_str_or(x.receipt, "version", "")) == 0) {
		if (act_share_restore(&x) < 0)
			return -1;
	} else if (json_note(x.receipt, "not_restored", "its sharing: its content was changed since") < 0) {
		return err_memory(err);
	}
	return write_receipt(&x, receipt_out);
}

/* ---- looking, reading, deleting ---- */

int box_observe(struct connection *c, const char *receipt, struct observation *ret, struct err *err)
{
	_cleanup_act_ struct act x;
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);

	memset(ret, 0, sizeof(*ret));
	if (!a || open_act(&x, c, receipt, err) < 0)
		return -1;
	if (stays(&x))
		return observe_there(&x, a, ret);
	if (act_look(&x) < 0)
		return -1;
	if (!x.now)
		return 0;
	ret->exists = true;
	/* On its way it is out of everybody's reach, too. */
	ret->quarantined = x.where != BOX_HOME || x.locked;
	ret->restored = !ret->quarantined && strcmp(act_parent(x.now), json_str_or(x.receipt, "parent", "")) == 0;
	snprintf(ret->place, sizeof(ret->place), "%.500s",
		x.where == BOX_HELD		? "/" BOX_QUARANTINE :
			x.where == BOX_IN_TRANSIT ? "/" BOX_TRANSIT :
						    box_path(a, x.now));
	snprintf(ret->version, sizeof(ret->version), "%s", act_version(x.now));
	return 0;
}

int box_open_held(struct connection *c, const char *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_act_ struct act x;

	if (open_act(&x, c, receipt, err) < 0 || (stays(&x) ? act_find(&x) : act_look(&x)) < 0)
		return -1;
	if (!x.now)
		return err_set(err, ERR_GONE, "gone", "Box: the file is gone");
	return box_content(c, x.file, NULL, x.where == BOX_HOME ? x.user : NULL, content, ret, err);
}

int box_remove(struct connection *c, const char *receipt, bool again, struct err *err)
{
	_cleanup_act_ struct act x;
	_cleanup_buf_ struct buf url = BUF_INIT(8192);

	if (open_act(&x, c, receipt, err) < 0)
		return -1;
	if (stays(&x))
		return err_set(err, ERR_CHANGED, "not_quarantined", "Box: the file is not in quarantine");
	if (act_look(&x) < 0)
		return -1;
	if (x.where == BOX_HOME && (!x.locked || strcmp(act_version(x.now), json_str_or(x.receipt, "version", "")) != 0))
		return err_set(err, ERR_CHANGED, "not_quarantined", "Box: the file is not in quarantine any more");
	/* What was locked lies in its owner's trash, what was moved in ours. */
	bool at_home = x.where == BOX_HOME || (x.where == BOX_GONE && strcmp(json_str_or(x.receipt, "method", ""), "lock") == 0);
	const char *user = at_home ? x.user : NULL;
	if (x.now) {
		if (box_url(c, &url, err, "/files/{}", x.file, NULL) < 0)
			return -1;
		const struct box_call call = {.method = "DELETE", .url = buf_str(&url), .user = user,
			.if_match = json_str(x.now, "etag")};
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
