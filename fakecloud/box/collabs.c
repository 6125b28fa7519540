/* Collaborations of Box: who else may use a file or folder. Called by the router with the state lock held. */
#include "fakecloud/box/box.h"

#include "base/timeutil.h"

#include <string.h>

static cJSON *details_of(const struct bx_collab *k)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", "collab");
	bx_id(o, "collab_id", k->id);
	cJSON_AddStringToObject(o, "role", k->role);
	cJSON_AddBoolToObject(o, "is_performed_by_admin", false);
	return o;
}

/* All who have access: inherited collaborations name the folder above as their item. */
static void list_of(struct bx_ctx *c, enum bx_kind kind)
{
	struct bx_item *it = bx_item_for(c, c->id[0], kind, BX_VIEW);
	cJSON *entries;
	struct bx_page page;
	size_t at = 0, total = 0;

	if (!it || bx_page_get(c, 1000, 1000, true, &page) < 0)
		return;
	for (const struct bx_item *p = it; p; p = p->parent)
		total += p->collabs.n;
	entries = cJSON_CreateArray();
	for (const struct bx_item *p = it; p; p = p->parent) {
		for (size_t i = 0; i < p->collabs.n; i++, at++) {
			if (at >= (size_t)page.offset && at < bx_page_end(&page, total))
				cJSON_AddItemToArray(entries, bx_collab_json(c, p->collabs.at[i], c->fields));
		}
	}
	fc_json(c->res, 200, bx_page_doc(&page, (int64_t)total, entries, NULL, NULL));
}

void bx_do_file_collabs(struct bx_ctx *c)
{
	list_of(c, BX_FILE);
}

void bx_do_folder_collabs(struct bx_ctx *c)
{
	list_of(c, BX_FOLDER);
}

void bx_do_group_collabs(struct bx_ctx *c)
{
	struct bx_group *g = bx_find(c->t, c->id[0], BX_GROUP);
	cJSON *entries;
	struct bx_page page;

	if (!g) {
		bx_not_found(c, BX_GROUP, c->id[0]);
		return;
	}
	if (!bx_is_admin(c)) {
		bx_forbidden(c);
		return;
	}
	if (bx_page_get(c, 100, 1000, false, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	for (size_t i = (size_t)page.offset; i < bx_page_end(&page, g->collabs.n); i++)
		cJSON_AddItemToArray(entries, bx_collab_json(c, g->collabs.at[i], c->fields));
	fc_json(c->res, 200, bx_page_doc(&page, (int64_t)g->collabs.n, entries, NULL, NULL));
}

/* Invitations that wait for the caller's answer. */
void bx_do_collab_pending(struct bx_ctx *c)
{
	const char *status = fc_query(c->req, "status");
	cJSON *entries;
	struct bx_page page;
	int64_t total = 0;

	if (!status || strcmp(status, "pending") != 0) {
		bx_invalid(c, 400, "bad_request", "status", "'status' must be 'pending'");
		return;
	}
	if (bx_page_get(c, 100, 1000, false, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	for (size_t i = 0; i < c->user->collabs.n; i++) {
		const struct bx_collab *k = c->user->collabs.at[i];
		if (strcmp(k->status, "pending") != 0)
			continue;
		if (total >= page.offset && total < page.offset + page.limit)
			cJSON_AddItemToArray(entries, bx_collab_json(c, k, c->fields));
		total++;
	}
	fc_json(c->res, 200, bx_page_doc(&page, total, entries, NULL, NULL));
}

/* ---- one ---- */

/* The caller sees it when the item or the invitation is the caller's. */
static struct bx_collab *collab_of(struct bx_ctx *c)
{
	struct bx_collab *k = bx_find(c->t, c->id[0], BX_COLLAB);

	if (k && bx_collab_live(k) && (k->user == c->user || bx_rights(c->user, k->item)))
		return k;
	bx_not_found(c, BX_COLLAB, c->id[0]);
	return NULL;
}

void bx_do_collab_get(struct bx_ctx *c)
{
	struct bx_collab *k = collab_of(c);
	if (k)
		fc_json(c->res, 200, bx_collab_json(c, k, c->fields));
}

static bool may_invite(struct bx_ctx *c, const struct bx_item *it)
{
	unsigned rights = bx_rights(c->user, it);

	if (rights & BX_INVITE && (!it->restrict_invites || rights & BX_OWN))
		return true;
	bx_forbidden(c);
	return false;
}

/* The item goes to the collaborator, the old owner becomes a co-owner. */
static void change_owner(struct bx_ctx *c, struct bx_collab *k)
{
	struct bx_item *it = k->item;
	struct bx_user *old = it->owner, *owner = k->user;

	bx_collab_end(k);
	bx_detach(it);
	bx_attach(it, owner->root);
	bx_set_owner(it, owner);
	bx_collab_new(it, old, NULL, NULL, bx_role_word("co-owner"), c->user, bx_new_id());
	bx_touch(it, c->user);
	bx_event(it, c->user, "COLLABORATION_ROLE_CHANGE", "COLLAB_ROLE_CHANGE", NULL);
	bx_none(c);
}

static bool answer(struct bx_ctx *c, struct bx_collab *k, const char *status)
{
	bool yes = !strcmp(status, "accepted"), no = !strcmp(status, "rejected");

	if (!strcmp(status, k->status))
		return true;
	if (!yes && !no) {
		bx_invalid(c, 400, "bad_request", "status", "Invalid value for status");
		return false;
	}
	if (k->user != c->user || strcmp(k->status, "pending") != 0) {
		bx_forbidden(c);
		return false;
	}
	k->status = yes ? "accepted" : "rejected";
	k->acknowledged_at = fc_now();
	bx_event(k->item, c->user, yes ? "COLLABORATION_ACCEPT" : NULL,
		yes ? "COLLAB_ADD_COLLABORATOR" : NULL, details_of(k));
	return true;
}

void bx_do_collab_put(struct bx_ctx *c)
{
	struct bx_collab *k = collab_of(c);
	cJSON *body = k ? bx_body(c, false) : NULL;
	const char *role = bx_role_word(json_str(body, "role")), *at = json_str(body, "expires_at");
	int64_t expires = 0;

	if (!body)
		return;
	if (json_get(body, "role") && !role) {
		bx_invalid(c, 400, "bad_request", "role", "Invalid value for role");
		return;
	}
	if (at && (time_parse(at, &expires) < 0 || expires <= fc_now())) {
		bx_invalid(c, 400, "bad_request", "expires_at", "Invalid value for expires_at");
		return;
	}
	if (json_str(body, "status") && !answer(c, k, json_str(body, "status")))
		return;
	if ((role || at || json_get(body, "can_view_path")) && !may_invite(c, k->item))
		return;
	if (role && !strcmp(role, "owner")) {
		if (!k->user || !(bx_rights(c->user, k->item) & BX_OWN))
			bx_forbidden(c);
		else
			change_owner(c, k);
		return;
	}
	if (role && k->item->kind == BX_FILE && strcmp(role, "editor") != 0 && strcmp(role, "viewer") != 0) {
		bx_invalid(
			c, 400, "bad_request", "role", "Files can be shared with editors and viewers only");
		return;
	}
	if (role && strcmp(role, k->role) != 0) {
		k->role = role;
		bx_event(k->item, c->user, "COLLABORATION_ROLE_CHANGE", "COLLAB_ROLE_CHANGE", details_of(k));
	}
	if (at)
		k->expires_at = expires;
	if (json_get(body, "can_view_path"))
		k->view_path = json_bool(body, "can_view_path");
	k->modified_at = fc_now();
	fc_json(c->res, 200, bx_collab_json(c, k, c->fields));
}

void bx_do_collab_delete(struct bx_ctx *c)
{
	struct bx_collab *k = collab_of(c);

	if (!k || (k->user != c->user && !may_invite(c, k->item)))
		return;
	/* Told before it ends: the one who loses access is told too. */
	bx_event(k->item, c->user, "COLLABORATION_REMOVE", "COLLAB_REMOVE_COLLABORATOR", details_of(k));
	bx_collab_end(k);
	bx_none(c);
}

/* ---- new ones ---- */

struct invited {
	struct bx_user *user;
	struct bx_group *group;
	const char *email;
};

static bool invited_of(struct bx_ctx *c, const cJSON *by, struct invited *ret)
{
	char number[32];
	const char *type = json_str_or(by, "type", ""), *login = json_str(by, "login");
	const char *id = json_id(by, "id", number, sizeof(number));

	*ret = (struct invited){0};
	if (!strcmp(type, "group")) {
		ret->group = bx_find(c->t, id, BX_GROUP);
		if (ret->group)
			return true;
		bx_not_found(c, BX_GROUP, id ? id : "");
		return false;
	}
	if (strcmp(type, "user") != 0 || (!id && !login)) {
		bx_invalid(c, 400, "bad_request", "accessible_by", "Invalid value for accessible_by");
		return false;
	}
	ret->user = id ? bx_find(c->t, id, BX_USER) : bx_user_by_login(c->t, login);
	if (ret->user && !ret->user->deleted)
		return true;
	ret->user = NULL;
	if (id || !strchr(login, '@')) {
		bx_not_found(c, BX_USER, id ? id : login);
		return false;
	}
	ret->email = login;
	return true;
}

static bool already(struct bx_ctx *c, const struct bx_item *it, const struct invited *who)
{
	bool found = who->user && it->owner == who->user;

	for (size_t i = 0; i < it->collabs.n && !found; i++) {
		const struct bx_collab *k = it->collabs.at[i];
		found = (who->user && k->user == who->user) || (who->group && k->group == who->group) ||
			(who->email && k->email && !strcmp(k->email, who->email));
	}
	if (found)
		bx_error(c, 400, "user_already_collaborator", "User is already a collaborator");
	return found;
}

void bx_do_collab_post(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);
	const cJSON *item = json_object(body, "item");
	const char *type = json_str_or(item, "type", ""), *role = bx_role_word(json_str(body, "role")), *id,
		   *at;
	bool file = !strcmp(type, "file");
	struct invited who;
	struct bx_item *it;
	char number[32];
	int64_t expires = 0;

	if (!body)
		return;
	id = json_id(item, "id", number, sizeof(number));
	at = json_str(body, "expires_at");
	if (!id || (!file && strcmp(type, "folder") != 0)) {
		bx_invalid(c, 400, "bad_request", "item", "Invalid value for item");
		return;
	}
	if (!role || !strcmp(role, "owner") ||
		(file && strcmp(role, "editor") != 0 && strcmp(role, "viewer") != 0)) {
		bx_invalid(c, 400, "bad_request", "role", "Invalid value for role");
		return;
	}
	if (at && (time_parse(at, &expires) < 0 || expires <= fc_now())) {
		bx_invalid(c, 400, "bad_request", "expires_at", "Invalid value for expires_at");
		return;
	}
	it = bx_item_for(c, arena_dup(c->req->arena, id), file ? BX_FILE : BX_FOLDER, BX_VIEW);
	if (!it)
		return;
	if (!it->parent) {
		bx_forbidden(c);
		return;
	}
	if (!may_invite(c, it) || !invited_of(c, json_object(body, "accessible_by"), &who) ||
		already(c, it, &who))
		return;
	struct bx_collab *k = bx_collab_new(it, who.user, who.group, who.email, role, c->user, bx_new_id());
	k->access_only = json_bool(body, "is_access_only");
	k->view_path = json_bool(body, "can_view_path");
	k->expires_at = expires;
	bx_event(it, c->user, "COLLABORATION_INVITE", "COLLAB_INVITE_COLLABORATOR", details_of(k));
	if (!strcmp(k->status, "accepted"))
		bx_event(it, who.user ? who.user : c->user, "COLLABORATION_ACCEPT", "COLLAB_ADD_COLLABORATOR",
			details_of(k));
	fc_json(c->res, 201, bx_collab_json(c, k, c->fields));
}
