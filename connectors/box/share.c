/* Who a file is shared with: written down, removed, brought back. See act.h. */
#include "connectors/box/act.h"

#include "base/timeutil.h"

#define NOTED_MAX 250 /* collaborations of a receipt, which is bounded; more are removed all the same */

/* ---- writing down ---- */

int act_link_note(struct act *x, const cJSON *link)
{
	if (!link)
		return 0;
	cJSON *l = cJSON_AddObjectToObject(x->receipt, "shared_link");
	return json_set_str(l, "access", json_str_or(link, "access", "company")) < 0 ||
			json_set_str(l, "url", json_str(link, "url")) < 0 ||
			json_set_str(l, "unshared_at", json_str(link, "unshared_at")) < 0 ||
			json_set_str(l, "vanity_name", json_str(link, "vanity_name")) < 0 ||
			json_set_bool(l, "password", json_bool(link, "is_password_enabled")) < 0 ||
			json_set_bool(l, "can_download", json_bool(json_object(link, "permissions"), "can_download")) < 0 ||
			json_set_bool(l, "can_edit", json_bool(json_object(link, "permissions"), "can_edit")) < 0 ?
		err_memory(x->err) : 0;
}

int act_collaboration_note(struct act *x, cJSON *out, const cJSON *e)
{
	const cJSON *who = json_object(e, "accessible_by");
	cJSON *one = cJSON_CreateObject(), *by = cJSON_AddObjectToObject(one, "accessible_by");

	/* An invitation that waits names an address only. */
	if (!by || json_set_str(one, "id", json_str(e, "id")) < 0 || json_set_str(one, "role", json_str_or(e, "role", "viewer")) < 0 ||
		json_set_str(one, "expires_at", json_str(e, "expires_at")) < 0 ||
		(json_bool(e, "is_access_only") && json_set_bool(one, "is_access_only", true) < 0) ||
		json_set_str(by, "type", json_str_or(who, "type", "user")) < 0 ||
		(json_str(who, "id") ? json_set_str(by, "id", json_str(who, "id")) :
					     json_set_str(by, "login", json_str_or(who, "login", json_str(e, "invite_email")))) < 0 ||
		!cJSON_AddItemToArray(out, one)) {
		cJSON_Delete(one);
		return err_memory(x->err);
	}
	return 0;
}

int act_share_note(struct act *x, const cJSON *file)
{
	_cleanup_json_ cJSON *list = NULL;
	cJSON *out = cJSON_AddArrayToObject(x->receipt, "collaborations");
	const cJSON *e;
	int more = 0;

	if (!out)
		return err_memory(x->err);
	if (act_link_note(x, json_object(file, "shared_link")) < 0)
		return -1;
	if (box_collaborations(x->c, "files", x->file, x->user, &list, x->err) < 0) {
		/* Who may not be asked about them cannot bring them back; they are looked for again in quarantine. */
		if (!box_refused(x->err))
			return -1;
		return json_note(x->receipt, "not_restored", "its collaborations, which Box did not list") < 0 ? err_memory(x->err) : 0;
	}
	cJSON_ArrayForEach(e, list)
	{
		if (strcmp(json_str_or(e, "role", ""), "owner") == 0)
			continue;
		if (cJSON_GetArraySize(out) == NOTED_MAX)
			more++;
		else if (act_collaboration_note(x, out, e) < 0)
			return -1;
	}
	if (more && json_note(x->receipt, "not_restored", "%d more collaborations, for which the receipt has no room", more) < 0)
		return err_memory(x->err);
	return 0;
}

/* ---- removing ---- */

static int remove_link(struct act *x, const char *user)
{
	if (!json_object(x->now, "shared_link"))
		return 0;
	cJSON *body = cJSON_CreateObject();
	if (!body || !cJSON_AddNullToObject(body, "shared_link")) {
		cJSON_Delete(body);
		return err_memory(x->err);
	}
	return act_change(x, user, body, x->err);
}

static int remove_collaborations(struct act *x, const char *user, bool strict)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *e;

	if (box_collaborations(x->c, "files", x->file, user, &list, x->err) < 0)
		return -1;
	cJSON_ArrayForEach(e, list)
	{
		if (strcmp(json_str_or(e, "role", ""), "owner") != 0 && json_str(e, "id") &&
			box_collaboration_delete(x->c, json_str(e, "id"), user, x->err) < 0 && (strict || !box_refused(x->err)))
			return -1;
	}
	return 0;
}

int act_share_remove(struct act *x, const char *user, bool strict)
{
	if (remove_link(x, user) < 0 && (strict || !box_refused(x->err)))
		return -1;
	if (remove_collaborations(x, user, strict) == 0)
		return 0;
	/* A Box that does not know collaborations of files has none that could stay. */
	if (!box_refused(x->err))
		return -1;
	if (!strict)
		return 0;
	return json_note(x->receipt, "open", "Box did not list its collaborations") < 0 ? err_memory(x->err) : 0;
}

/* ---- bringing back ---- */

bool act_is_over(const char *at)
{
	int64_t ms;

	return at && time_parse(at, &ms) == 0 && ms <= time_now_ms();
}

/* The password is nobody's but the owner's, so such a link would come back open to more than before: it stays away. */
int act_link_restore(struct act *x)
{
	const cJSON *l = json_object(x->receipt, "shared_link"), *now = json_object(x->now, "shared_link");
	const char *access = json_str_or(l, "access", "company");

	/* Another link than ours is its owner's affair. */
	if (!l || (now && (strcmp(json_str_or(x->receipt, "act", ""), "unshare") != 0 || strcmp(json_str_or(now, "access", ""), access) == 0)))
		return 0;
	if (json_bool(l, "password"))
		return json_note(x->receipt, "not_restored", "the shared link (%.40s): it had a password, which only its owner knows", access);
	if (act_is_over(json_str(l, "unshared_at")))
		return json_note(x->receipt, "not_restored", "the shared link (%.40s): its time is over", access);
	cJSON *body = cJSON_CreateObject(), *link = cJSON_AddObjectToObject(body, "shared_link");
	json_set_str(link, "access", access);
	json_set_str(link, "unshared_at", json_str(l, "unshared_at"));
	if (strcmp(access, "collaborators") != 0) {
		cJSON *p = cJSON_AddObjectToObject(link, "permissions");
		json_set_bool(p, "can_download", json_bool(l, "can_download"));
		if (json_bool(l, "can_edit"))
			json_set_bool(p, "can_edit", true);
	}
	if (act_change(x, x->user, body, x->err) < 0) {
		if (!box_refused(x->err))
			return -1;
		return json_note(x->receipt, "not_restored", "the shared link (%.40s): %.120s", access, x->err->message);
	}
	/* One that was narrowed keeps its address. */
	if (now && json_str(l, "url") && strcmp(json_str_or(now, "url", ""), json_str(l, "url")) == 0)
		return 0;
	return json_note(x->receipt, "not_restored", "the shared link (%.40s) has a new address", access);
}

int act_collaborations_restore(struct act *x)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(x->receipt, "collaborations"))
	{
		const cJSON *who = json_object(e, "accessible_by");
		const char *at = json_str(e, "expires_at");
		if (!act_is_over(at)) {
			const struct box_collaboration k = {.what = "file", .id = x->file, .who = who, .role = json_str_or(e, "role", "viewer"),
				.expires_at = at, .access_only = json_bool(e, "is_access_only")};
			if (box_collaboration_add(x->c, &k, x->user, NULL, x->err) == 0)
				continue;
			if (!box_refused(x->err))
				return -1;
		}
		if (json_note(x->receipt, "not_restored", "the collaboration of %s", json_str_or(who, "login", json_str_or(who, "id", "?"))) < 0)
			return err_memory(x->err);
	}
	return 0;
}

int act_share_restore(struct act *x)
{
	if (act_collaborations_restore(x) < 0)
		return -1;
	return act_link_restore(x) < 0 ? x->err->class ? -1 : err_memory(x->err) : 0;
}
