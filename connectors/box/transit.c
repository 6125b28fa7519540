/* Where a contained file is, and its way between its home and the quarantine folder. See act.h.
 *
 * A user's file can be moved by that user only, and only into a folder in which the user may edit; the service account
 * reaches none of a user's folders. So a file goes through the transit folder of the service account: its owner is
 * let in as an editor, without a mail about it, moves it there, and is let out; the service account takes it on. Nobody but
 * the service account ever reaches the quarantine folder. Files pass one at a time. A file keeps its id all the way. */
#include "connectors/box/act.h"

#define STEPS_MAX 6

/* ---- looking ---- */

const char *act_parent(const cJSON *file)
{
	return json_str_or(json_object(file, "parent"), "id", "");
}

const char *act_version(const cJSON *file)
{
	return json_str_or(json_object(file, "file_version"), "id", "");
}

static bool hidden(const struct err *err)
{
	return err->class == ERR_GONE || (err->http_status == 403 && err->class == ERR_REMOTE);
}

int act_look(struct act *x)
{
	cJSON_Delete(x->now);
	x->now = NULL;
	x->where = BOX_GONE;
	x->locked = false;
	if (box_file(x->c, x->file, NULL, &x->now, x->err) == 0) {
		const char *parent = act_parent(x->now);
		if (strcmp(parent, x->place) == 0)
			x->where = BOX_HELD;
		else if (x->transit && strcmp(parent, x->transit) == 0)
			x->where = BOX_IN_TRANSIT;
	} else if (!hidden(x->err)) {
		return -1;
	}
	if (x->where == BOX_GONE) {
		/* In the service account's eyes what is shared with it lies elsewhere than in its owner's. */
		cJSON_Delete(x->now);
		x->now = NULL;
		if (box_file(x->c, x->file, x->user, &x->now, x->err) < 0)
			return x->err->class == ERR_GONE ? 0 : -1;
		x->where = BOX_HOME;
	}
	/* Locks of users prevent nothing: they end them when they like. */
	x->locked = json_bool(json_object(x->now, "lock"), "is_download_prevented") &&
		strcmp(json_str_or(x->receipt, "method", ""), "lock") == 0;
	return 0;
}

/* ---- moving ---- */

int act_move_to(struct act *x, const char *user, const char *folder, const char *name)
{
	for (int attempt = 0;; attempt++) {
		cJSON *body = cJSON_CreateObject(), *parent = cJSON_AddObjectToObject(body, "parent");
		char other[700];
		snprintf(other, sizeof(other), "%.8s %.600s", json_str_or(x->receipt, "op", "held"), name);
		json_set_str(parent, "id", folder);
		json_set_str(body, "name", attempt ? other : name);
		if (act_change(x, user, body, x->err) == 0)
			return attempt;
		if (attempt || strcmp(x->err->code, "name_taken") != 0)
			return -1;
	}
}

/* A lock that a user put on it stands in the way of the owner's move, and the owner may end it. */
static int unlock(struct act *x)
{
	cJSON *body = cJSON_CreateObject();

	if (!body || !cJSON_AddNullToObject(body, "lock")) {
		cJSON_Delete(body);
		return err_memory(x->err);
	}
	return act_change(x, x->user, body, x->err);
}

/* Where moving is impossible: nobody but the owner downloads it. */
static int lock(struct act *x)
{
	cJSON *body = cJSON_CreateObject(), *l = cJSON_AddObjectToObject(body, "lock");

	if (json_set_str(l, "type", "lock") < 0 || json_set_str(l, "access", "lock") < 0 ||
		json_set_bool(l, "is_download_prevented", true) < 0) {
		cJSON_Delete(body);
		return err_memory(x->err);
	}
	if (act_change(x, x->user, body, x->err) < 0)
		return -1;
	if (json_set_str(x->receipt, "method", "lock") < 0 ||
		json_note(x->receipt, "open", "it could not be moved and is locked in its place: its owner may unlock it") < 0)
		return err_memory(x->err);
	return 0;
}

/* ---- the door of the transit folder ---- */

static int let_in(struct act *x, struct buf *ret_id)
{
	_cleanup_json_ cJSON *who = cJSON_CreateObject();

	if (json_set_str(who, "type", "user") < 0 || json_set_str(who, "id", x->user) < 0)
		return err_memory(x->err);
	const struct box_collaboration k = {.what = "folder", .id = x->transit, .who = who, .role = "editor"};
	return box_collaboration_add(x->c, &k, NULL, ret_id, x->err);
}

/* Whom the user may have let in is let out as well. */
static int let_out(struct act *x, const char *folder, const char *id)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *e;

	if (box_collaborations(x->c, "folders", folder, NULL, &list, x->err) < 0) {
		if (!box_refused(x->err))
			return -1;
		return id && *id ? box_collaboration_delete(x->c, id, NULL, x->err) : 0;
	}
	cJSON_ArrayForEach(e, list)
	{
		const char *other = json_str(e, "id");
		if (other && strcmp(json_str_or(e, "role", ""), "owner") != 0 && box_collaboration_delete(x->c, other, NULL, x->err) < 0)
			return -1;
	}
	return 0;
}

int act_close(struct act *x)
{
	pthread_mutex_lock(&x->c->door);
	int r = let_out(x, x->place, NULL);
	if (r == 0 && x->transit)
		r = let_out(x, x->transit, NULL);
	pthread_mutex_unlock(&x->c->door);
	return r;
}

/* The file was seen a moment ago: when the move finds nothing, the door was shut by another node or by an opened connection
 * that is being replaced. Look again later. */
static int not_gone(struct act *x)
{
	if (x->err->class != ERR_GONE)
		return -1;
	char text[200];
	snprintf(text, sizeof(text), "%.199s", x->err->message);
	return err_set(x->err, ERR_RETRY, "door_shut", "Box: the file could not be moved (%s)", text);
}

/* ---- to the quarantine ---- */

/* It was written to between the look and the move: that version has not been judged. */
static int give_back(struct act *x)
{
	if (act_move_to(x, x->user, json_str_or(x->receipt, "parent", "0"), json_str_or(x->receipt, "name", "held")) < 0)
		return not_gone(x);
	return err_set(x->err, ERR_CHANGED, "changed", "Box: the file was changed since it was looked at");
}

/* The owner's part, while the door is open. 1: Box refuses the move. */
static int bring(struct act *x, bool open)
{
	const char *name = json_str_or(x->receipt, "name", "held");
	int r = act_move_to(x, x->user, x->transit, name);

	if (r < 0 && x->err->http_status == 403 && box_refused(x->err) && json_object(x->now, "lock")) {
		if (unlock(x) < 0 && !box_refused(x->err))
			return -1;
		r = act_move_to(x, x->user, x->transit, name);
	}
	if (r < 0) {
		/* A door that nobody could open leads nowhere; one that was open may have been shut by another of us. */
		if (box_refused(x->err) && (x->err->class != ERR_GONE || !open))
			return 1;
		return not_gone(x);
	}
	if (act_look(x) < 0)
		return -1;
	if (x->where == BOX_IN_TRANSIT && strcmp(act_version(x->now), json_str_or(x->receipt, "version", "")) != 0)
		return give_back(x);
	return 0;
}

static int bring_through_door(struct act *x)
{
	_cleanup_buf_ struct buf id = BUF_INIT(200);
	struct err shut = {0}, came = {0};
	bool open = true;

	if (let_in(x, &id) < 0) {
		if (!box_refused(x->err))
			return -1;
		open = false;
	}
	int r = bring(x, open);
	came = *x->err;
	/* Whatever came of it, the door is shut before anything else. */
	if (open && let_out(x, x->transit, buf_str(&id)) < 0)
		shut = *x->err;
	*x->err = came;
	if (shut.class && r >= 0) {
		*x->err = shut;
		return -1;
	}
	return r > 0 ? lock(x) : r;
}

static int take(struct act *x)
{
	for (int step = 0; x->where != BOX_HELD; step++) {
		if (step == STEPS_MAX)
			return err_set(x->err, ERR_RETRY, "not_effective", "Box: the file was moved, but is not in quarantine");
		if (x->where == BOX_GONE)
			return err_set(x->err, ERR_GONE, "gone", "Box: the file is gone");
		if (x->where == BOX_HOME && bring_through_door(x) < 0)
			return -1;
		if (strcmp(json_str_or(x->receipt, "method", ""), "lock") == 0 && x->where == BOX_HOME)
			return act_look(x);
		if (x->where == BOX_IN_TRANSIT && act_move_to(x, NULL, x->place, json_str_or(x->receipt, "name", "held")) < 0)
			return not_gone(x);
		if (act_look(x) < 0)
			return -1;
	}
	return 0;
}

int act_take(struct act *x)
{
	if (!x->transit)
		return err_set(x->err, ERR_LOCAL, "bad_receipt", "a receipt without a transit folder");
	pthread_mutex_lock(&x->c->door);
	int r = take(x);
	pthread_mutex_unlock(&x->c->door);
	return r;
}

/* ---- and back ---- */

/* The owner's part: to its old place, else to the root. */
static int fetch(struct act *x)
{
	const char *parent = json_str_or(x->receipt, "parent", "0"), *name = json_str_or(x->receipt, "name", "restored");
	int r = act_move_to(x, x->user, parent, name);

	if (r < 0 && strcmp(parent, "0") != 0 && (x->err->class == ERR_GONE || x->err->http_status == 403)) {
		/* Its folder is gone: the owner's root is better than nothing. */
		r = act_move_to(x, x->user, "0", name);
		if (r >= 0 && json_note(x->receipt, "not_restored", "its folder %s is gone: it lies in the owner's root",
				      json_str_or(x->receipt, "path", "")) < 0)
			return err_memory(x->err);
	}
	if (r < 0)
		return not_gone(x);
	if (r > 0 && json_note(x->receipt, "not_restored", "its name is taken: it has a new one") < 0)
		return err_memory(x->err);
	return 0;
}

static int fetch_through_door(struct act *x)
{
	_cleanup_buf_ struct buf id = BUF_INIT(200);
	struct err came = {0};

	if (let_in(x, &id) < 0)
		return -1;
	int r = fetch(x);
	came = *x->err;
	if (let_out(x, x->transit, buf_str(&id)) < 0)
		return -1;
	*x->err = came;
	return r;
}

static int give(struct act *x)
{
	struct err why;

	if (x->where == BOX_HELD) {
		if (act_move_to(x, NULL, x->transit, json_str_or(x->now, "name", "held")) < 0)
			return not_gone(x);
		x->where = BOX_IN_TRANSIT;
	}
	if (fetch_through_door(x) == 0)
		return 0;
	/* It does not stay where others pass. */
	why = *x->err;
	act_move_to(x, NULL, x->place, json_str_or(x->now, "name", "held"));
	*x->err = why;
	return -1;
}

int act_give(struct act *x)
{
	pthread_mutex_lock(&x->c->door);
	int r = give(x);
	pthread_mutex_unlock(&x->c->door);
	return r;
}
