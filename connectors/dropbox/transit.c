/* Where a contained file is, and its way between its home and the quarantine folder. Called by act.c on core's job threads.
 *
 * An administrator moves files between team folders, but does not reach members' homes; a member reaches both only when
 * they are in the target folder. So a file from a home goes through the transit folder: its member is let in, moves it
 * there, an administrator takes it on, and the member is let out. Nobody but administrators ever sees the quarantine
 * folder. A file keeps its id all the way. Sources: files.stone (select_admin_mode of move_v2), sharing.stone,
 * "Team files guide". */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define STEPS_MAX 6

/* ---- looking ---- */

int dbx_held_open(struct connection *c, const cJSON *receipt, struct held *h, struct err *err)
{
	struct held made = {.id = json_str(receipt, "id"), .admin_id = BUF_INIT(DBX_ID_MAX)};

	if (!made.id || (!json_str(receipt, "place") && !json_bool(receipt, "deletes")))
		return err_set(err, ERR_LOCAL, "bad_receipt", "a receipt without a file or a place");
	if (dbx_as_of(json_object(receipt, "home"), &made.home, err) < 0 || dbx_admin_if_any(c, &made.admin_id, err) < 0) {
		buf_free(&made.admin_id);
		return -1;
	}
	const char *admin = made.admin_id.len ? buf_str(&made.admin_id) : NULL;
	if (!admin && (made.home.admin || json_str(receipt, "place"))) {
		err_set(err, ERR_REMOTE, "no_admin", "the team has no active administrator to act as");
		return err_scope(err, SCOPE_ITEM);
	}
	/* Who administers may have changed since. */
	if (made.home.admin)
		made.home.admin = admin;
	made.admin = (struct dbx_as){.admin = admin, .ns = json_str(receipt, "place")};
	made.passer = (struct dbx_as){.admin = admin, .ns = json_str(receipt, "transit")};
	*h = made;
	return 0;
}

void dbx_held_close(struct held *h)
{
	json_free(h->file);
	h->file = NULL;
	buf_free(&h->admin_id);
}

/* 0 seen, 1 not there for this identity. */
static int try_look(struct connection *c, struct held *h, const struct dbx_as *as, enum held_where where, struct err *err)
{
	_cleanup_json_ cJSON *file = NULL;
	struct err why;

	if (dbx_file(c, as, h->id, &file, &why) < 0) {
		bool hidden = why.class == ERR_GONE || (why.class == ERR_REMOTE && strcmp(why.code, "forbidden") == 0);
		return hidden ? 1 : pass_on(err, &why);
	}
	/* A member who is in the transit folder sees it in their home; and an administrator sees much by mere id. */
	const char *in = json_str(json_object(file, "sharing_info"), "parent_shared_folder_id");
	if (in && h->admin.ns && strcmp(in, h->admin.ns) == 0)
		where = HELD_PLACE;
	else if (in && h->passer.ns && strcmp(in, h->passer.ns) == 0)
		where = HELD_TRANSIT;
	else if (in && (where == HELD_PLACE || where == HELD_TRANSIT))
		return 1;
	json_free(h->file);
	h->file = TAKE_PTR(file);
	h->where = where;
	return 0;
}

int dbx_held_look(struct connection *c, struct held *h, struct err *err)
{
	const struct dbx_as anywhere = {.admin = h->admin.admin};
	int r;

	h->where = HELD_NOWHERE;
	json_free(h->file);
	h->file = NULL;
	r = h->admin.ns ? try_look(c, h, &h->admin, HELD_PLACE, err) : 1;
	if (r == 1)
		r = try_look(c, h, &h->home, HELD_HOME, err);
	if (r == 1 && h->passer.ns)
		r = try_look(c, h, &h->passer, HELD_TRANSIT, err);
	if (r == 1 && anywhere.admin)
		r = try_look(c, h, &anywhere, HELD_ELSEWHERE, err);
	return r < 0 ? -1 : 0;
}

/* ---- the door of the transit folder ---- */

static cJSON *member_arg(const struct held *h)
{
	cJSON *arg = cJSON_CreateObject();

	if (!arg || json_set_str(arg, "shared_folder_id", h->passer.ns) < 0) {
		json_free(arg);
		return NULL;
	}
	return arg;
}

static int let_in(struct connection *c, const struct held *h, struct err *err)
{
	_cleanup_json_ cJSON *arg = member_arg(h);
	const struct dbx_as as = {.admin = h->passer.admin};
	cJSON *list = cJSON_CreateArray(), *entry = cJSON_CreateObject();

	if (json_set(arg, "members", list) < 0 || !entry || !cJSON_AddItemToArray(list, entry) ||
		json_set(entry, "member", dbx_choice("dropbox_id", h->home.user)) < 0 ||
		dbx_set_tag(entry, "access_level", "editor") < 0 || json_set_bool(arg, "quiet", true) < 0)
		return err_memory(err);
	return dbx_call(c, &as, "sharing/add_folder_member", arg, NULL, err);
}

static int let_out(struct connection *c, const struct held *h, struct err *err)
{
	_cleanup_json_ cJSON *arg = member_arg(h), *doc = NULL, *job = NULL;
	const struct dbx_as as = {.admin = h->passer.admin};
	struct err why;

	if (!arg || json_set(arg, "member", dbx_choice("dropbox_id", h->home.user)) < 0 ||
		json_set_bool(arg, "leave_a_copy", false) < 0)
		return err_memory(err);
	if (dbx_object(c, &as, "sharing/remove_folder_member", arg, &doc, &why) < 0)
		return why.class == ERR_GONE ? 0 : pass_on(err, &why);
	const char *id = json_str(doc, "async_job_id");
	if (!id)
		return 0;
	json_free(arg);
	arg = cJSON_CreateObject();
	if (!arg || json_set_str(arg, "async_job_id", id) < 0)
		return err_memory(err);
	if (dbx_object(c, &as, "sharing/check_remove_member_job_status", arg, &job, &why) < 0)
		return dbx_refused(&why) ? 0 : pass_on(err, &why);
	/* Still running is fine: the folder is empty. */
	if (strcmp(dbx_tag(job), "failed") != 0)
		return 0;
	char chain[200];
	dbx_chain(json_get(job, "failed"), chain, sizeof(chain));
	if (strstr(chain, "not_a_member") || strstr(chain, "no_explicit_access"))
		return 0;
	return err_set(err, ERR_RETRY, "not_effective", "a member is still in the transit folder: %s", chain);
}

/* ---- moving ---- */

static int move_once(struct connection *c, const struct held *h, const struct dbx_as *as, const char *to_ns,
	const char *to_path, bool autorename, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf to = BUF_INIT(DBX_PATH_MAX);

	if ((to_ns && buf_addf(&to, "ns:%s", to_ns) < 0) || buf_adds(&to, to_path) < 0)
		return err_set(err, ERR_TOO_BIG, "path_too_long", "the path of a file does not fit");
	if (!arg || json_set_str(arg, "from_path", h->id) < 0 || json_set_str(arg, "to_path", buf_str(&to)) < 0 ||
		json_set_bool(arg, "autorename", autorename) < 0 || json_set_bool(arg, "allow_ownership_transfer", true) < 0)
		return err_memory(err);
	if (dbx_object(c, as, "files/move_v2", arg, &doc, err) < 0)
		return -1;
	if (strcmp(json_str_or(json_object(doc, "metadata"), "id", ""), h->id) != 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "a move that does not say what was moved");
	return 0;
}

/* From where the file is for `as` to a path, which is below `as`'s namespace or of to_ns. Another name is taken when that
 * is taken; but what is in the way may be the file itself, moved by a call whose answer was lost. */
static int move(struct connection *c, struct held *h, const struct dbx_as *as, const char *to_ns, const char *to_path,
	struct err *err)
{
	enum held_where was = h->where;
	struct err why;

	if (move_once(c, h, as, to_ns, to_path, false, &why) == 0)
		return 0;
	if (why.class != ERR_CHANGED)
		return pass_on(err, &why);
	if (dbx_held_look(c, h, err) < 0)
		return -1;
	return h->where != was ? 0 : move_once(c, h, as, to_ns, to_path, true, err);
}

/* Being let in takes effect a moment later: another try will find the door open. */
static int member_move(struct connection *c, struct held *h, const char *to_ns, const char *to_path, struct err *err)
{
	struct err why;

	if (let_in(c, h, err) < 0)
		return -1;
	if (move(c, h, &h->home, to_ns, to_path, &why) == 0)
		return 0;
	if (strstr(why.message, "to/no_write_permission") || strstr(why.message, "from_lookup/not_found"))
		return err_set(err, ERR_RETRY, "not_ready", "the transit folder is not open for the member yet");
	return pass_on(err, &why);
}

/* ---- to the quarantine ---- */

static int take_step(struct connection *c, struct held *h, const char *held, struct err *err)
{
	if (h->where == HELD_TRANSIT)
		return move(c, h, &h->passer, h->admin.ns, held, err);
	if (h->where != HELD_HOME)
		return err_set(err, ERR_GONE, "gone", "the file is gone");
	if (h->home.admin)
		return move(c, h, &h->home, h->admin.ns, held, err);
	if (!h->passer.ns)
		return err_set(err, ERR_LOCAL, "bad_receipt", "a receipt without a transit folder");
	return member_move(c, h, h->passer.ns, held, err);
}

/* It was written to between the look and the move: that version has not been judged. */
static int give_back(struct connection *c, struct held *h, const char *path, struct err *err)
{
	const struct dbx_as as = h->home.user ? h->home : h->admin;

	if (move(c, h, &as, h->home.user ? NULL : h->home.ns, path, err) < 0)
		return -1;
	return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
}

static int take(struct connection *c, struct held *h, const char *held, const char *version, struct err *err)
{
	_cleanup_buf_ struct buf path = BUF_INIT(DBX_PATH_MAX), name = BUF_INIT(1024);

	if (buf_addf(&name, "/%s", held) < 0)
		return err_set(err, ERR_LOCAL, "bad_receipt", "a held name that does not fit");
	for (int step = 0; h->where != HELD_PLACE; step++) {
		bool from_home = h->where == HELD_HOME;
		if (step == STEPS_MAX)
			return err_set(err, ERR_RETRY, "not_effective", "the file was moved, but is not in quarantine");
		if (from_home) {
			buf_clear(&path);
			if (buf_adds(&path, json_str_or(h->file, "path_display", "")) < 0)
				return err_set(err, ERR_TOO_BIG, "path_too_long", "the path of a file does not fit");
		}
		if (take_step(c, h, buf_str(&name), err) < 0 || dbx_held_look(c, h, err) < 0)
			return -1;
		if (from_home && h->file && !dbx_same_content(h->file, version))
			return give_back(c, h, buf_str(&path), err);
	}
	return 0;
}

/* ---- and back ---- */

static int give_step(struct connection *c, struct held *h, const char *name, const char *path, struct err *err)
{
	if (h->where == HELD_TRANSIT)
		return member_move(c, h, NULL, path, err);
	if (h->where != HELD_PLACE)
		return err_set(err, ERR_GONE, "gone", "the file is gone");
	if (h->home.admin)
		return move(c, h, &h->admin, h->home.ns, path, err);
	if (!h->passer.ns)
		return err_set(err, ERR_LOCAL, "bad_receipt", "a receipt without a transit folder");
	return move(c, h, &h->admin, h->passer.ns, name, err);
}

static int give(struct connection *c, struct held *h, const char *path, struct err *err)
{
	_cleanup_buf_ struct buf name = BUF_INIT(1024);

	for (int step = 0; h->where != HELD_HOME; step++) {
		if (step == STEPS_MAX)
			return err_set(err, ERR_RETRY, "not_effective", "the file was moved, but did not come back");
		buf_clear(&name);
		if (buf_addf(&name, "/%s", json_str_or(h->file, "name", "file")) < 0)
			return err_set(err, ERR_TOO_BIG, "path_too_long", "the name of a file does not fit");
		if (give_step(c, h, buf_str(&name), path, err) < 0 || dbx_held_look(c, h, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- one at a time ---- */

/* After an error that another try can end, the door stays as it is: that try goes on where this one stopped. */
static int leave(struct connection *c, struct held *h, int r, struct err *err)
{
	struct err why;

	if (!h->home.user || !h->passer.ns || (r < 0 && dbx_passing(err)))
		return r;
	if (let_out(c, h, &why) < 0 && r == 0)
		return pass_on(err, &why);
	return r;
}

int dbx_held_take(struct connection *c, struct held *h, const char *held, const char *version, struct err *err)
{
	bool via = h->home.user != NULL;
	struct err own;

	if (!err)
		err = &own;
	if (via)
		pthread_mutex_lock(&c->transit);
	int r = leave(c, h, take(c, h, held, version, err), err);
	if (via)
		pthread_mutex_unlock(&c->transit);
	return r;
}

int dbx_held_return(struct connection *c, struct held *h, const char *path, struct err *err)
{
	bool via = h->home.user != NULL;
	struct err own;

	if (!err)
		err = &own;
	if (via)
		pthread_mutex_lock(&c->transit);
	int r = leave(c, h, give(c, h, path, err), err);
	if (via)
		pthread_mutex_unlock(&c->transit);
	return r;
}
