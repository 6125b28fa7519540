/* Ending a file's access from outside, and bringing it back. See act.h.
 *
 * An open link is narrowed to those who have access anyhow: so it keeps its address, and is opened again. Where Box refuses that, it
 * is removed. Collaborations of addresses outside the enterprise are ended when they are the file's own; what comes from a
 * folder above cannot be ended on the file, and the receipt names the folder under "open". Receipt: "shared_link",
 * "collaborations" as for containing, "restored". */
#include "connectors/box/act.h"

#define NOTED_MAX 250

/* Who is open to anybody with the address. What the enterprise's settings make of it counts, where Box says so. */
static bool is_open(const cJSON *link)
{
	return link && strcmp(json_str_or(link, "effective_access", json_str_or(link, "access", "")), "open") == 0;
}

static bool knows(const cJSON *list, const cJSON *e)
{
	const char *id = json_str_or(e, "id", "");
	const cJSON *one, *who = json_object(e, "accessible_by");
	const char *user = json_str(who, "id"), *address = box_collaborator(e);

	cJSON_ArrayForEach(one, list)
	{
		const cJSON *by = json_object(one, "accessible_by");
		if (strcmp(json_str_or(one, "id", ""), id) == 0 || (user && strcmp(json_str_or(by, "id", ""), user) == 0) ||
			(address && strcasecmp(json_str_or(by, "login", ""), address) == 0))
			return true;
	}
	return false;
}

/* What is written down only once, whatever it was when the act is repeated. */
static int note_open(struct act *x, const struct box_access *seen)
{
	if (seen->unknown && json_note(x->receipt, "open", "its collaborations are not known: %.200s", seen->why.message) < 0)
		return err_memory(x->err);
	for (size_t i = 0; i < seen->n_above; i++)
		if (json_note(x->receipt, "open", "%.200s comes from the folder %.300s, where it must be ended", seen->above[i].what,
			    seen->above[i].folder) < 0)
			return err_memory(x->err);
	return 0;
}

static int note_all(struct act *x, const struct box_access *seen)
{
	cJSON *list = json_array(x->receipt, "collaborations");

	if (!list && !(list = cJSON_AddArrayToObject(x->receipt, "collaborations")))
		return err_memory(x->err);
	if (is_open(json_object(x->now, "shared_link")) && !json_object(x->receipt, "shared_link") &&
		act_link_note(x, json_object(x->now, "shared_link")) < 0)
		return -1;
	for (size_t i = 0; i < seen->n_own; i++) {
		if (knows(list, seen->own[i]))
			continue;
		if (cJSON_GetArraySize(list) >= NOTED_MAX) {
			if (json_note(x->receipt, "not_restored", "more collaborations than the receipt has room for") < 0)
				return err_memory(x->err);
			break;
		}
		if (act_collaboration_note(x, list, seen->own[i]) < 0)
			return -1;
	}
	return note_open(x, seen);
}

int act_unshare_plan(struct act *x, const cJSON *file)
{
	_cleanup_(box_access_free) struct box_access seen = {0};

	x->as = x->user;
	x->now = cJSON_Duplicate(file, true);
	if (!x->now)
		return err_memory(x->err);
	if (box_access_read(x->c, file, x->user, &seen, x->err) < 0)
		return -1;
	if (!seen.n_own && seen.n_above && !is_open(json_object(file, "shared_link")))
		return err_set(x->err, ERR_REMOTE, "not_effective", "Box: %.150s comes from the folder %.200s and cannot be ended on the file",
			seen.above[0].what, seen.above[0].folder);
	/* What cannot be seen cannot be said to have ended. */
	if (seen.unknown && !is_open(json_object(file, "shared_link")))
		return pass_on(x->err, &seen.why);
	return note_all(x, &seen);
}

/* ---- ending ---- */

static int narrow_link(struct act *x)
{
	if (!is_open(json_object(x->now, "shared_link")))
		return 0;
	cJSON *body = cJSON_CreateObject(), *link = cJSON_AddObjectToObject(body, "shared_link");
	json_set_str(link, "access", "collaborators");
	if (act_change(x, x->as, body, x->err) == 0) {
		if (act_find(x) < 0)
			return -1;
		if (!is_open(json_object(x->now, "shared_link")))
			return 0;
	} else if (!box_refused(x->err)) {
		return -1;
	}
	body = cJSON_CreateObject();
	if (!body || !cJSON_AddNullToObject(body, "shared_link")) {
		cJSON_Delete(body);
		return err_memory(x->err);
	}
	return act_change(x, x->as, body, x->err);
}

int act_unshare(struct act *x, bool again)
{
	_cleanup_(box_access_free) struct box_access seen = {0};

	cJSON_DeleteItemFromObjectCaseSensitive(x->receipt, "restored");
	if (strcmp(act_version(x->now), json_str_or(x->receipt, "version", "")) != 0) {
		/* An earlier try may have got some way. */
		if (again && act_unshare_restore(x) < 0)
			return -1;
		return err_set(x->err, ERR_CHANGED, "changed", "Box: the file has a newer version");
	}
	if (box_access_read(x->c, x->now, x->as, &seen, x->err) < 0 || note_all(x, &seen) < 0 || narrow_link(x) < 0)
		return -1;
	for (size_t i = 0; i < seen.n_own; i++)
		if (json_str(seen.own[i], "id") && box_collaboration_delete(x->c, json_str(seen.own[i], "id"), x->as, x->err) < 0)
			return -1;
	return 0;
}

int act_unshare_restore(struct act *x)
{
	if (x->where != BOX_HOME) {
		if (json_note(x->receipt, "not_restored", "its sharing: it is in quarantine") < 0)
			return err_memory(x->err);
	} else if (act_share_restore(x) < 0) {
		return -1;
	}
	return json_set_bool(x->receipt, "restored", true) < 0 ? err_memory(x->err) : 0;
}

int act_unshare_observe(struct act *x, struct observation *ret)
{
	_cleanup_(box_access_free) struct box_access seen = {0};

	if (json_bool(x->receipt, "restored")) {
		ret->restored = true;
		return 0;
	}
	if (box_access_read(x->c, x->now, x->as, &seen, x->err) < 0)
		return -1;
	ret->quarantined = !seen.n_own && !is_open(json_object(x->now, "shared_link"));
	return 0;
}
