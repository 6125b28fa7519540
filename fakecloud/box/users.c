/* Users of a Box enterprise. Called by the router with the state lock held. */
#include "fakecloud/box/box.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct bx_user *user_of(struct bx_ctx *c)
{
	struct bx_user *u = bx_find(c->t, c->id[0], BX_USER);

	if (u && !u->deleted)
		return u;
	bx_not_found(c, BX_USER, c->id[0]);
	return NULL;
}

static bool starts(const char *s, const char *term)
{
	return !strncasecmp(s, term, strlen(term));
}

static int by_name(const void *a, const void *b)
{
	const struct bx_user *const *x = a, *const *y = b;
	int n = strcasecmp((*x)->name, (*y)->name);
	return n ? n : strcasecmp((*x)->login, (*y)->login);
}

static bool listed(struct bx_ctx *c, const struct bx_user *u)
{
	const char *term = fc_query(c->req, "filter_term"),
		   *external = fc_query(c->req, "external_app_user_id");

	if (u->deleted ||
		(external && *external && (!u->external_id || strcmp(u->external_id, external) != 0)))
		return false;
	return !term || !*term || starts(u->name, term) || starts(u->login, term);
}

void bx_do_users_list(struct bx_ctx *c)
{
	const char *type = fc_query(c->req, "user_type");
	struct bx_list users = {0};
	struct bx_page page;
	cJSON *entries;

	if (!bx_need_admin(c) || bx_page_get(c, 100, 1000, false, &page) < 0)
		return;
	if (type && *type && strcmp(type, "all") != 0 && strcmp(type, "managed") != 0 &&
		strcmp(type, "external") != 0) {
		bx_invalid(c, 400, "bad_request", "user_type", "Invalid value for user_type");
		return;
	}
	for (size_t i = 0; i < c->t->users.n; i++) {
		if ((!type || strcmp(type, "external") != 0) && listed(c, c->t->users.at[i]))
			bx_push(&users, c->t->users.at[i]);
	}
	if (users.n)
		qsort(users.at, users.n, sizeof(users.at[0]), by_name);
	entries = cJSON_CreateArray();
	for (size_t i = (size_t)page.offset; i < bx_page_end(&page, users.n); i++)
		cJSON_AddItemToArray(entries, bx_user_json(users.at[i], c->fields));
	fc_json(c->res, 200, bx_page_doc(&page, (int64_t)users.n, entries, NULL, NULL));
	free(users.at);
}

void bx_do_users_me(struct bx_ctx *c)
{
	fc_json(c->res, 200, bx_user_json(c->user, c->fields));
}

void bx_do_user_get(struct bx_ctx *c)
{
	struct bx_user *u = user_of(c);
	if (u)
		fc_json(c->res, 200, bx_user_json(u, c->fields));
}

static void put_fields(struct bx_user *u, const cJSON *body)
{
	const struct {
		const char *name;
		char **field;
	} texts[] = {{"name", &u->name}, {"login", &u->login}, {"job_title", &u->job_title},
		{"phone", &u->phone}, {"address", &u->address}, {"language", &u->language},
		{"timezone", &u->timezone}, {"external_app_user_id", &u->external_id}};
	const char *role = json_str(body, "role"), *status = json_str(body, "status");
	static const char *const statuses[] = {
		"active", "inactive", "cannot_delete_edit", "cannot_delete_edit_upload"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (json_str(body, texts[i].name))
			bx_set(texts[i].field, json_str(body, texts[i].name));
	}
	if (role && strcmp(u->role, "admin") != 0)
		u->role = !strcmp(role, "coadmin") ? "coadmin" : "user";
	for (size_t i = 0; status && i < ARRAY_SIZE(statuses); i++) {
		if (!strcmp(statuses[i], status))
			u->status = statuses[i];
	}
	u->space_amount = json_int64_or(body, "space_amount", u->space_amount);
}

static bool login_free(struct bx_ctx *c, const char *login, const struct bx_user *but)
{
	struct bx_user *other = bx_user_by_login(c->t, login);

	if (!other || other == but || other->deleted)
		return true;
	cJSON *info = cJSON_CreateObject(), *one = cJSON_CreateObject();
	cJSON_AddStringToObject(one, "reason", "user_login_already_used");
	cJSON_AddStringToObject(one, "name", "login");
	cJSON_AddStringToObject(one, "message", "User with the specified login already exists");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(info, "errors"), one);
	bx_error_info(
		c, 409, "user_login_already_used", "User with the specified login already exists", info);
	return false;
}

void bx_do_user_post(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);
	const char *name = json_str(body, "name"), *login = json_str(body, "login");
	bool app = json_bool(body, "is_platform_access_only");
	uint64_t id = bx_new_id();
	struct bx_user *u;

	if (!body || !bx_need_admin(c))
		return;
	if (!name || !*name || strlen(name) > 200 || (!app && (!login || !strchr(login, '@')))) {
		bx_invalid(c, 400, "bad_request", !name || !*name ? "name" : "login",
			"Missing or invalid value");
		return;
	}
	if (!login)
		login = arena_printf(
			c->req->arena, "AppUser_%.10s_%" PRIu64 "@boxdevedition.com", c->t->client_id, id);
	if (!login_free(c, login, NULL))
		return;
	u = bx_user_new(c->t, id, name, login);
	u->app_user = app;
	put_fields(u, body);
	bx_event_user(u, c->user, "NEW_USER", NULL);
	fc_json(c->res, 201, bx_user_json(u, c->fields));
}

void bx_do_user_put(struct bx_ctx *c)
{
	struct bx_user *u = user_of(c);
	cJSON *body = u ? bx_body(c, false) : NULL;
	const char *login = json_str(body, "login"), *name = json_str(body, "name");

	if (!body || !bx_need_admin(c))
		return;
	if ((name && !*name) || (login && !strchr(login, '@'))) {
		bx_invalid(c, 400, "invalid_parameter", name && !*name ? "name" : "login", "Invalid value");
		return;
	}
	if (login && !login_free(c, login, u))
		return;
	put_fields(u, body);
	u->modified_at = fc_now();
	bx_event_user(u, c->user, "EDIT_USER", NULL);
	fc_json(c->res, 200, bx_user_json(u, c->fields));
}

static void forget_tree(struct bx_item *it)
{
	it->gone = true;
	for (size_t i = 0; i < it->children.n; i++)
		forget_tree(it->children.at[i]);
}

void bx_do_user_delete(struct bx_ctx *c)
{
	struct bx_user *u = user_of(c);

	if (!u || !bx_need_admin(c))
		return;
	if (u->root->children.n && !bx_truth(c, "force")) {
		bx_error(c, 403, "forbidden", "The user still owns content: move it away, or use force");
		return;
	}
	forget_tree(u->root);
	u->root->children.n = 0;
	while (u->collabs.n)
		bx_collab_end(u->collabs.at[0]);
	u->deleted = true;
	bx_drop(&c->t->users, u);
	bx_event_user(u, c->user, "DELETE_USER", NULL);
	bx_none(c);
}

/* All that a user owns goes into a new folder of another's. */
void bx_do_user_transfer(struct bx_ctx *c)
{
	struct bx_user *from = user_of(c), *to;
	cJSON *body = from ? bx_body(c, false) : NULL;
	struct bx_item *folder;
	char number[32];
	const char *id, *name;

	if (!body || !bx_need_admin(c))
		return;
	id = json_id(json_object(body, "owned_by"), "id", number, sizeof(number));
	if (!id) {
		bx_invalid(c, 400, "bad_request", "owned_by", "'owned_by' needs an 'id'");
		return;
	}
	to = bx_find(c->t, id, BX_USER);
	if (!to || to->deleted || to == from) {
		bx_not_found(c, BX_USER, id);
		return;
	}
	name = arena_printf(c->req->arena, "%s - %s's Files and Folders", from->login, from->name);
	for (int i = 2; bx_child(to->root, name); i++)
		name = arena_printf(
			c->req->arena, "%s - %s's Files and Folders (%d)", from->login, from->name, i);
	folder = bx_item_new(to->root, BX_FOLDER, bx_new_id(), name, c->user, fc_now());
	while (from->root->children.n) {
		struct bx_item *it = from->root->children.at[0];
		bx_detach(it);
		bx_attach(it, folder);
		bx_set_owner(it, to);
		bx_event(it, c->user, "MOVE", "ITEM_MOVE", NULL);
	}
	bx_event(folder, c->user, "UPLOAD", "ITEM_CREATE", NULL);
	fc_json(c->res, 200, bx_item_json(c, folder, BX_STANDARD, c->fields));
}

/* What the user did last, newest first. */
void bx_do_recent(struct bx_ctx *c)
{
	const struct bx_list *recent = &c->user->recent;
	cJSON *entries, *o;
	struct bx_page page;

	if (bx_page_get(c, 100, 1000, true, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	for (size_t i = (size_t)page.offset; i < bx_page_end(&page, recent->n); i++) {
		struct bx_item *it = recent->at[recent->n - 1 - i];
		if (it->gone || bx_trashed(it) || !bx_rights(c->user, it))
			continue;
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "type", "recent_item");
		cJSON_AddStringToObject(
			o, "interaction_type", it->created_by == c->user ? "item_upload" : "item_modify");
		bx_time(o, "interacted_at", it->modified_at);
		cJSON_AddItemToObject(o, "item", bx_item_json(c, it, BX_STANDARD, c->fields));
		cJSON_AddItemToArray(entries, o);
	}
	o = cJSON_CreateObject();
	cJSON_AddItemToObject(o, "entries", entries);
	bx_num(o, "limit", page.limit);
	if (bx_page_end(&page, recent->n) < recent->n)
		bx_next_marker(o, (int64_t)bx_page_end(&page, recent->n));
	fc_json(c->res, 200, o);
}
