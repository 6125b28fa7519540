/* Permissions as they show on an item, direct and from above, and as JSON. */
#include "fakecloud/google/drive.h"

#include <string.h>

static struct gd_grant *grant_of(struct gd_grant *g, size_t *n, const char *id)
{
	for (size_t i = 0; i < *n; i++) {
		const struct gd_perm *p = g[i].direct ? g[i].direct : g[i].inherited;
		if (!strcmp(p->id, id))
			return &g[i];
	}
	return &g[(*n)++];
}

static struct gd_perm *owner_perm(struct arena *a, const struct gg_user *u, enum gd_role role)
{
	struct gd_perm *p = arena_alloc(a, sizeof(*p));

	*p = (struct gd_perm){.type = GD_USER,
		.role = role,
		.email = arena_dup(a, u->email),
		.user = u->tenant->users[u->index]};
	snprintf(p->id, sizeof(p->id), "%s", u->perm_id);
	return p;
}

struct gd_grant *gd_grants(struct arena *a, const struct gd_file *f, size_t *ret_n)
{
	size_t n = 0, room = 1;
	bool cut = false;

	for (const struct gd_file *p = f; p; p = p->parent)
		room += p->nperms + 1;
	struct gd_grant *all = arena_alloc(a, room * sizeof(*all));
	for (const struct gd_file *p = f; p; p = p->parent) {
		const struct gg_user *owner =
			p->owner && (p == f || p->owner != f->owner) && p->parent ? p->owner : NULL;
		for (size_t i = 0; i <= p->nperms; i++) {
			const struct gd_perm *perm = i < p->nperms ? &p->perms[i] : NULL;
			if (!perm && (owner || (p == f && p->owner)))
				perm = owner_perm(a, p->owner, p == f ? GD_OWNER : GD_WRITER);
			if (!perm || (cut && perm->role < GD_ORGANIZER) ||
				(perm->expires_at && perm->expires_at <= fc_now()))
				continue;
			struct gd_grant *g = grant_of(all, &n, perm->id);
			if (p == f) {
				g->direct = perm;
			} else if (!g->inherited || perm->role > g->inherited->role) {
				g->inherited = perm;
				g->from = p;
			}
		}
		cut |= p->inherit_disabled;
	}
	*ret_n = n;
	return all;
}

static void add_detail(
	cJSON *list, const struct gd_perm *p, const struct gd_file *f, const struct gd_file *from)
{
	cJSON *d = cJSON_CreateObject();
	bool member = f->drive && (from ? from : f) == f->drive->root;

	cJSON_AddStringToObject(d, "permissionType", member ? "member" : "file");
	cJSON_AddStringToObject(d, "role", gd_role_name(p->role));
	if (from && f->drive)
		cJSON_AddStringToObject(d, "inheritedFrom", from->id);
	cJSON_AddBoolToObject(d, "inherited", from != NULL);
	cJSON_AddItemToArray(list, d);
}

cJSON *gd_perm_json(struct gg_call *c, const struct gd_grant *g, const struct gd_file *f)
{
	static const char *const types[] = {"user", "group", "domain", "anyone"};
	const struct gd_perm *p = g->direct && (!g->inherited || g->direct->role >= g->inherited->role)
					  ? g->direct
					  : g->inherited;
	const struct gd_perm *times = g->direct ? g->direct : p;
	cJSON *o = cJSON_CreateObject(), *details;

	cJSON_AddStringToObject(o, "kind", "drive#permission");
	cJSON_AddStringToObject(o, "id", p->id);
	cJSON_AddStringToObject(o, "type", types[p->type]);
	cJSON_AddStringToObject(o, "role", gd_role_name(p->role));
	if (p->type == GD_USER || p->type == GD_GROUP) {
		cJSON_AddStringToObject(o, "emailAddress", p->email);
		cJSON_AddStringToObject(o, "displayName", p->user ? p->user->full : p->email);
		cJSON_AddBoolToObject(o, "deleted", false);
		if (p->type == GD_USER)
			cJSON_AddBoolToObject(o, "pendingOwner", false);
	} else {
		cJSON_AddBoolToObject(o, "allowFileDiscovery", p->discoverable);
		if (p->domain) {
			cJSON_AddStringToObject(o, "domain", p->domain);
			cJSON_AddStringToObject(o, "displayName", p->domain);
		}
	}
	if (times->expires_at)
		gg_add_time(o, "expirationTime", times->expires_at);
	details = cJSON_AddArrayToObject(o, "permissionDetails");
	if (g->direct)
		add_detail(details, g->direct, f, NULL);
	if (g->inherited)
		add_detail(details, g->inherited, f, g->from);
	return o;
}
