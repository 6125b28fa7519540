/* Groups of a Box enterprise and who is in them. Called by the router with the state lock held. */
#include "fakecloud/box/box.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct bx_group *group_of(struct bx_ctx *c, const char *id)
{
	struct bx_group *g = bx_find(c->t, id, BX_GROUP);

	if (g && !g->gone)
		return g;
	bx_not_found(c, BX_GROUP, id ? id : "");
	return NULL;
}

static bool name_free(struct bx_ctx *c, const char *name, const struct bx_group *but)
{
	for (size_t i = 0; i < c->t->groups.n; i++) {
		const struct bx_group *g = c->t->groups.at[i];
		if (g == but || strcasecmp(g->name, name) != 0)
			continue;
		bx_error(c, 409, "conflict", "A group with the same name already exists");
		return false;
	}
	return true;
}

void bx_do_groups_list(struct bx_ctx *c)
{
	const char *term = fc_query(c->req, "filter_term");
	struct bx_page page;
	cJSON *entries;
	int64_t total = 0;

	if (!bx_need_admin(c) || bx_page_get(c, 100, 1000, false, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	for (size_t i = 0; i < c->t->groups.n; i++) {
		const struct bx_group *g = c->t->groups.at[i];
		if (term && strncasecmp(g->name, term, strlen(term)) != 0)
			continue;
		if (total >= page.offset && total < page.offset + page.limit)
			cJSON_AddItemToArray(entries, bx_group_json(g, c->fields));
		total++;
	}
	fc_json(c->res, 200, bx_page_doc(&page, total, entries, NULL, NULL));
}

static const char *level(const char *word, const char *standard)
{
	static const char *const levels[] = {"admins_only", "admins_and_members", "all_managed_users"};

	for (size_t i = 0; word && i < ARRAY_SIZE(levels); i++) {
		if (!strcmp(levels[i], word))
			return levels[i];
	}
	return standard;
}

static void put_fields(struct bx_group *g, const cJSON *body)
{
	if (json_str(body, "name"))
		bx_set(&g->name, json_str(body, "name"));
	if (json_str(body, "description"))
		bx_set(&g->description, json_str(body, "description"));
	if (json_str(body, "provenance"))
		bx_set(&g->provenance, json_str(body, "provenance"));
	if (json_str(body, "external_sync_identifier"))
		bx_set(&g->external_id, json_str(body, "external_sync_identifier"));
	g->invitability = level(json_str(body, "invitability_level"), g->invitability);
	g->viewability = level(json_str(body, "member_viewability_level"), g->viewability);
	g->modified_at = fc_now();
}

void bx_do_group_post(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);
	const char *name = json_str(body, "name");
	struct bx_group *g;

	if (!body || !bx_need_admin(c))
		return;
	if (!name || !*name) {
		bx_invalid(c, 400, "bad_request", "name", "'name' is required");
		return;
	}
	if (!name_free(c, name, NULL))
		return;
	g = bx_alloc(sizeof(*g));
	g->kind = BX_GROUP;
	g->id = bx_new_id();
	g->created_at = fc_now();
	g->invitability = g->viewability = "admins_only";
	put_fields(g, body);
	bx_push(&c->t->groups, g);
	bx_register(c->t, g->id, g);
	fc_json(c->res, 201, bx_group_json(g, c->fields));
}

void bx_do_group_get(struct bx_ctx *c)
{
	struct bx_group *g = group_of(c, c->id[0]);
	if (g)
		fc_json(c->res, 200, bx_group_json(g, c->fields));
}

void bx_do_group_put(struct bx_ctx *c)
{
	struct bx_group *g = group_of(c, c->id[0]);
	cJSON *body = g ? bx_body(c, false) : NULL;

	if (!body || !bx_need_admin(c) || (json_str(body, "name") && !name_free(c, json_str(body, "name"), g)))
		return;
	put_fields(g, body);
	fc_json(c->res, 200, bx_group_json(g, c->fields));
}

static void member_end(struct bx_tenant *t, struct bx_member *m)
{
	m->gone = true;
	bx_drop(&m->group->members, m);
	bx_drop(&m->user->groups, m);
	bx_unregister(t, m->id);
}

void bx_do_group_delete(struct bx_ctx *c)
{
	struct bx_group *g = group_of(c, c->id[0]);

	if (!g || !bx_need_admin(c))
		return;
	while (g->collabs.n)
		bx_collab_end(g->collabs.at[0]);
	while (g->members.n)
		member_end(c->t, g->members.at[0]);
	g->gone = true;
	bx_drop(&c->t->groups, g);
	bx_unregister(c->t, g->id);
	bx_none(c);
}

/* ---- members ---- */

static cJSON *member_json(const struct bx_member *m)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", "group_membership");
	bx_id(o, "id", m->id);
	cJSON_AddItemToObject(o, "user", bx_user_mini(m->user));
	cJSON_AddItemToObject(o, "group", bx_group_mini(m->group));
	cJSON_AddStringToObject(o, "role", m->role);
	bx_time(o, "created_at", m->created_at);
	bx_time(o, "modified_at", m->modified_at);
	return o;
}

static void members(struct bx_ctx *c, const struct bx_list *list)
{
	struct bx_page page;
	cJSON *entries;

	if (bx_page_get(c, 100, 1000, false, &page) < 0)
		return;
	entries = cJSON_CreateArray();
	for (size_t i = (size_t)page.offset; i < bx_page_end(&page, list->n); i++)
		cJSON_AddItemToArray(entries, member_json(list->at[i]));
	fc_json(c->res, 200, bx_page_doc(&page, (int64_t)list->n, entries, NULL, NULL));
}

void bx_do_group_members(struct bx_ctx *c)
{
	struct bx_group *g = group_of(c, c->id[0]);
	if (g)
		members(c, &g->members);
}

void bx_do_user_memberships(struct bx_ctx *c)
{
	struct bx_user *u = bx_find(c->t, c->id[0], BX_USER);

	if (u && !u->deleted)
		members(c, &u->groups);
	else
		bx_not_found(c, BX_USER, c->id[0]);
}

void bx_do_member_post(struct bx_ctx *c)
{
	cJSON *body = bx_body(c, false);
	char a[32], b[32];
	const char *user_id = json_id(json_object(body, "user"), "id", a, sizeof(a));
	const char *group_id = json_id(json_object(body, "group"), "id", b, sizeof(b));
	struct bx_user *u;
	struct bx_group *g;
	struct bx_member *m;

	if (!body || !bx_need_admin(c))
		return;
	u = bx_find(c->t, user_id, BX_USER);
	if (!u || u->deleted) {
		bx_not_found(c, BX_USER, user_id ? user_id : "");
		return;
	}
	g = group_of(c, group_id);
	if (!g)
		return;
	for (size_t i = 0; i < g->members.n; i++) {
		if (((struct bx_member *)g->members.at[i])->user == u) {
			bx_error(c, 409, "conflict", "The user is a member of the group already");
			return;
		}
	}
	m = bx_alloc(sizeof(*m));
	m->kind = BX_OTHER;
	m->id = bx_new_id();
	m->user = u;
	m->group = g;
	m->role = !strcmp(json_str_or(body, "role", "member"), "admin") ? "admin" : "member";
	m->created_at = m->modified_at = fc_now();
	bx_push(&g->members, m);
	bx_push(&u->groups, m);
	bx_register(c->t, m->id, m);
	fc_json(c->res, 201, member_json(m));
}

static struct bx_member *member_of(struct bx_ctx *c)
{
	struct bx_member *m = bx_find(c->t, c->id[0], BX_OTHER);
	if (!m)
		bx_not_found(c, BX_OTHER, c->id[0]);
	return m;
}

void bx_do_member_get(struct bx_ctx *c)
{
	struct bx_member *m = member_of(c);
	if (m)
		fc_json(c->res, 200, member_json(m));
}

void bx_do_member_put(struct bx_ctx *c)
{
	struct bx_member *m = member_of(c);
	cJSON *body = m ? bx_body(c, false) : NULL;

	if (!body || !bx_need_admin(c))
		return;
	m->role = !strcmp(json_str_or(body, "role", m->role), "admin") ? "admin" : "member";
	m->modified_at = fc_now();
	fc_json(c->res, 200, member_json(m));
}

void bx_do_member_delete(struct bx_ctx *c)
{
	struct bx_member *m = member_of(c);

	if (!m || !bx_need_admin(c))
		return;
	member_end(c->t, m);
	bx_none(c);
}
