/* A file's way between its owner's drive and the quarantine drive. Called by file_act.c on core's job threads.
 *
 * Only who owns a file can move it into a shared drive, and only into one that he is a member of. Whoever is in the quarantine
 * drive sees all that lies there, so nobody but the administrator ever is: there is a second drive, the transit, where the
 * owner is a member for the one call that moves his file; the administrator takes it on. The way back is the same.
 *
 * One file is under way at a time (transit_lock), and before anybody is let in nobody else is in there and nothing lies there:
 * what an earlier way left behind, a crash above all, is cleared first (settle). connection.transit_settled remembers that
 * it was; it is false at the start, and whenever a way has not been seen to its end.
 * Sources: Drive "Move files between folders", "Manage shared drives", files.update (addParents, removeParents). */
#include "connectors/google/files.h"

#include <string.h>

#define SWEEPS_MAX 20

static const char *place_id(const cJSON *receipt)
{
	return json_str_or(json_object(receipt, "place"), "id", "");
}

int file_move(struct connection *c, const char *as, const cJSON *file, const char *folder, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	const char *from = file_parent(file), *id = json_str_or(file, "id", "");

	if (!body)
		return err_memory(err);
	if (drive_url(c, &url, err, "/files/{}", id, NULL) < 0)
		return -1;
	if (url_query(&url, "addParents", folder) < 0 || (from && url_query(&url, "removeParents", from) < 0) ||
		url_query(&url, "supportsAllDrives", "true") < 0 || url_query(&url, "fields", FILE_ACT_FIELDS) < 0)
		return err_memory(err);
	const struct google_call call = {.method = "PATCH", .url = buf_str(&url), .as = as, .json = body};
	if (google_json(c, &call, &doc, err) < 0)
		return -1;
	const char *now = file_parent(doc);
	if (strcmp(json_str_or(doc, "id", ""), id) != 0 ||
		(strcmp(folder, "root") != 0 && (!now || strcmp(now, folder) != 0)))
		return err_set(err, ERR_RETRY, "not_effective", "the file was moved, but not to where it should be");
	*ret = TAKE_PTR(doc);
	return 0;
}

/* ---- before and after ---- */

/* Takes one page of what lies in the transit on to the quarantine. *ret_moved: how many. */
static int sweep_page(struct connection *c, const char *transit, const char *place, int *ret_moved, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *file;

	if (drive_url(c, &url, err, "/files", NULL) < 0)
		return -1;
	if (url_query(&url, "corpora", "drive") < 0 || url_query(&url, "driveId", transit) < 0 ||
		url_query(&url, "includeItemsFromAllDrives", "true") < 0 || url_query(&url, "supportsAllDrives", "true") < 0 ||
		url_query(&url, "q", "mimeType != '" GOOGLE_FOLDER "'") < 0 || url_query_int(&url, "pageSize", 100) < 0 ||
		url_query(&url, "fields", "files(id,parents)") < 0)
		return err_memory(err);
	if (google_get(c, c->admin, buf_str(&url), &doc, err) < 0)
		return -1;
	if (!json_array(doc, "files"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of files that is none");
	*ret_moved = 0;
	cJSON_ArrayForEach(file, json_array(doc, "files"))
	{
		_cleanup_json_ cJSON *moved = NULL;
		struct err why = {0};
		if (json_str(file, "id") && file_move(c, c->admin, file, place, &moved, &why) < 0) {
			if (!err_refused(&why) && !err_not_there(&why))
				return pass_on(err, &why);
			continue; /* nothing of ours: that can be moved */
		}
		*ret_moved += 1;
	}
	return 0;
}

static int settle(struct connection *c, const char *transit, const char *place, struct err *err)
{
	int moved = 1;

	if (c->transit_settled)
		return 0;
	if (members_clear(c, transit, err) < 0 || members_clear(c, place, err) < 0)
		return -1;
	for (int round = 0; moved > 0; round++) {
		if (round == SWEEPS_MAX)
			return err_set(err, ERR_RETRY, "conflict", "the transit drive does not get empty");
		if (sweep_page(c, transit, place, &moved, err) < 0)
			return -1;
	}
	c->transit_settled = true;
	return 0;
}

/* The transit, cleared. One that was deleted by hand is made anew. */
static int prepare(struct connection *c, const char *place, struct buf *transit, struct err *err)
{
	struct err why = {0};

	if (file_place(c, PLACE_TRANSIT, false, transit, err) < 0)
		return -1;
	if (settle(c, buf_str(transit), place, &why) == 0)
		return 0;
	if (!err_not_there(&why))
		return pass_on(err, &why);
	buf_clear(transit);
	if (file_place(c, PLACE_TRANSIT, true, transit, err) < 0)
		return -1;
	return settle(c, buf_str(transit), place, err);
}

/* Moves as the user, who is a member of the transit for as long as it takes. */
static int move_as_member(struct connection *c, const char *transit, const char *user, const char *role, const cJSON *file,
	const char *folder, cJSON **ret, struct err *err)
{
	struct err why = {0}, late = {0};

	c->transit_settled = false;
	if (members_join(c, transit, user, role, &why) < 0) {
		c->transit_settled = err_refused(&why);
		return pass_on(err, &why);
	}
	int r = file_move(c, user, file, folder, ret, &why);
	/* All of them: on the way back he is a manager, and might have let others in. */
	if (members_clear(c, transit, &late) < 0)
		return pass_on(err, r < 0 ? &why : &late); /* not settled: the next way begins with it */
	/* Without an answer it may have been moved. */
	c->transit_settled = r == 0 || err_refused(&why) || err_not_there(&why);
	return r < 0 ? pass_on(err, &why) : 0;
}

/* ---- there and back ---- */

static int take(struct connection *c, const cJSON *receipt, const cJSON *file, cJSON **ret, struct err *err)
{
	const char *user = json_str(receipt, "user"), *place = place_id(receipt);
	_cleanup_buf_ struct buf transit = BUF_INIT(4096);
	_cleanup_json_ cJSON *there = NULL;
	struct err why = {0};

	if (same_address(user, c->admin))
		return file_move(c, user, file, place, ret, err);
	if (prepare(c, place, &transit, err) < 0)
		return -1;
	if (move_as_member(c, buf_str(&transit), user, "writer", file, buf_str(&transit), &there, &why) < 0) {
		/* It is where it may not be locked or trashed: the next try goes on from there. */
		if (there && (err_refused(&why) || err_not_there(&why)))
			return err_set(err, ERR_RETRY, "not_effective", "its owner is still in the transit drive: %.200s", why.message);
		return pass_on(err, &why);
	}
	c->transit_settled = false;
	if (file_move(c, c->admin, there, place, ret, &why) < 0)
		return err_refused(&why) ? err_set(err, ERR_RETRY, "not_effective", "the file is still in the transit drive: %.200s",
						   why.message) :
					   pass_on(err, &why);
	c->transit_settled = true;
	return 0;
}

static int give(struct connection *c, const cJSON *receipt, const cJSON *file, const char *folder, cJSON **ret, struct err *err)
{
	const char *user = json_str(receipt, "user"), *place = place_id(receipt);
	_cleanup_json_ cJSON *there = NULL, *back = NULL;
	_cleanup_buf_ struct buf transit = BUF_INIT(4096);
	struct err why = {0};

	if (same_address(user, c->admin))
		return file_move(c, user, file, folder, ret, err);
	if (prepare(c, place, &transit, err) < 0)
		return -1;
	c->transit_settled = false;
	if (file_move(c, c->admin, file, buf_str(&transit), &there, err) < 0)
		return -1;
	/* Who moves a file out of a shared drive has to be its manager. */
	int r = move_as_member(c, buf_str(&transit), user, "organizer", there, folder, ret, &why);
	if (r == 0)
		return 0;
	if (*ret)
		return pass_on(err, &why); /* it is home, but he is still a member */
	/* Where it is refused, it stays in quarantine. */
	c->transit_settled = false;
	if ((err_refused(&why) || err_not_there(&why)) && file_move(c, c->admin, there, place, &back, NULL) == 0)
		c->transit_settled = true;
	return pass_on(err, &why);
}

int transit_take(struct connection *c, const cJSON *receipt, const cJSON *file, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *moved = NULL;

	pthread_mutex_lock(&c->transit_lock);
	int r = take(c, receipt, file, &moved, err);
	pthread_mutex_unlock(&c->transit_lock);
	if (r == 0)
		*ret = TAKE_PTR(moved);
	return r;
}

int transit_give(struct connection *c, const cJSON *receipt, const cJSON *file, const char *folder, cJSON **ret,
	struct err *err)
{
	_cleanup_json_ cJSON *moved = NULL;

	pthread_mutex_lock(&c->transit_lock);
	int r = give(c, receipt, file, folder, &moved, err);
	pthread_mutex_unlock(&c->transit_lock);
	if (r == 0)
		*ret = TAKE_PTR(moved);
	return r;
}

/* ---- what an earlier try left behind ---- */

int transit_has(struct connection *c, const cJSON *file, bool *ret, struct err *err)
{
	_cleanup_buf_ struct buf known = BUF_INIT(4096);
	const char *drive = json_str(file, "driveId");

	if (file_place_known(c, PLACE_TRANSIT, &known, err) < 0)
		return -1;
	*ret = drive && known.len && strcmp(drive, buf_str(&known)) == 0;
	return 0;
}

int transit_settle(struct connection *c, const cJSON *receipt, bool left, struct err *err)
{
	_cleanup_buf_ struct buf known = BUF_INIT(4096);
	struct err why = {0};
	int r = 0;

	if (!*place_id(receipt) || file_place_known(c, PLACE_TRANSIT, &known, err) < 0)
		return *place_id(receipt) ? -1 : 0;
	pthread_mutex_lock(&c->transit_lock);
	if (left)
		c->transit_settled = false;
	if (known.len)
		r = settle(c, buf_str(&known), place_id(receipt), &why);
	pthread_mutex_unlock(&c->transit_lock);
	/* Without the drive nothing is left in it. */
	return r == 0 || err_not_there(&why) ? 0 : pass_on(err, &why);
}
