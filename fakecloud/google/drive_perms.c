/* permissions.*: of files, and of shared drives, where they are the members. */
#include "fakecloud/google/drive.h"

#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct gd_file *seen(struct gg_call *c)
{
	return gd_file_of(c, c->var[0]);
}

/* The same for changes: the caller has to be allowed to share it. */
static struct gd_file *shareable(struct gg_call *c)
{
	struct gd_file *f = seen(c);

	if (f && !gd_can_share(f, c->user) && !gd_domain_admin(c, f)) {
		gd_forbidden(c);
		return NULL;
	}
	return f;
}

static struct gd_grant *grant_named(struct gg_call *c, const struct gd_file *f, const char *id)
{
	size_t n;
	struct gd_grant *g = gd_grants(c->req->arena, f, &n);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(g[i].direct ? g[i].direct->id : g[i].inherited->id, id))
			return &g[i];
	}
	return NULL;
}

static struct gd_grant *grant_of(struct gg_call *c, const struct gd_file *f)
{
	struct gd_grant *g = grant_named(c, f, c->var[1]);

	if (!g)
		gg_error_at(c, 404, "notFound", "parameter", "permissionId", "Permission not found: %s.",
			c->var[1]);
	return g;
}

int gd_permissions_list(struct gg_call *c)
{
	struct gd_file *f = seen(c);
	size_t from, n;
	const char *size = gg_query(c, "pageSize");
	int max = gg_page_size(c, "pageSize", 100, 100);
	cJSON *doc, *list;

	if (!f || gd_page_offset(c, &from) < 0)
		return -1;
	if (max < 0)
		return gg_error_at(c, 400, "invalidParameter", "parameter", "pageSize", "Invalid value");
	if (gd_role_of(f, c->user) < GD_WRITER && !gd_domain_admin(c, f) && !f->drive)
		return gd_forbidden(c);
	struct gd_grant *g = gd_grants(c->req->arena, f, &n);
	size_t limit = (size || f->drive || c->tenant->page_size) ? (size_t)max : n + 1;
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "drive#permissionList");
	list = cJSON_AddArrayToObject(doc, "permissions");
	for (size_t i = from; i < n && i < from + limit; i++)
		cJSON_AddItemToArray(list, gd_perm_json(c, &g[i], f));
	if (n > from + limit)
		gd_page_next(c, doc, from + limit);
	return gg_reply(c, doc);
}

int gd_permissions_get(struct gg_call *c)
{
	struct gd_file *f = seen(c);
	struct gd_grant *g = f ? grant_of(c, f) : NULL;

	return g ? gg_reply(c, gd_perm_json(c, g, f)) : -1;
}

static int role_check(struct gg_call *c, const struct gd_file *f, const struct gd_perm *p)
{
	bool top = f->drive && f == f->drive->root;

	if (p->role == GD_OWNER && f->drive)
		return gg_error(c, 403, "ownerOnTeamDriveItemNotSupported",
			"Shared drive items cannot have an owner.");
	if (p->role == GD_ORGANIZER && !top)
		return gg_error(c, 403, "organizerOnNonTeamDriveItemNotSupported",
			"The organizer role is only valid for shared drives.");
	if (p->role == GD_FILE_ORGANIZER && !f->drive)
		return gg_error(c, 403, "fileOrganizerOnNonTeamDriveNotSupported",
			"The fileOrganizer role is only valid for shared drives and folders in them.");
	if (p->role == GD_FILE_ORGANIZER && !gd_is_folder(f))
		return gg_error(c, 403, "fileOrganizerOnFoldersInSharedDriveOnly",
			"The fileOrganizer role is only valid for folders in a shared drive.");
	if (top && (p->type == GD_ANYONE || p->type == GD_DOMAIN))
		return gg_error(c, 403, "cannotShareTeamDriveTopFolderWithAnyoneOrDomains",
			"Shared drives cannot be shared with domains or links.");
	if (p->role >= GD_FILE_ORGANIZER && (p->type == GD_ANYONE || p->type == GD_DOMAIN))
		return gg_error(
			c, 400, "invalidSharingRequest", "The role is not valid for this kind of grantee.");
	if (p->role == GD_OWNER && p->type != GD_USER)
		return gg_error(c, 400, "invalidSharingRequest", "Only a user can own a file.");
	return 0;
}

static int expiry(struct gg_call *c, const cJSON *body, int64_t *ret)
{
	const char *s = json_str(body, "expirationTime");

	if (!s)
		return 0;
	if (time_parse(s, ret) < 0 || *ret <= fc_now() || *ret > fc_now() + 366 * 86400000LL)
		return gg_error(c, 400, "invalid", "The expiration time is not valid.");
	return 0;
}

static int perm_of_body(struct gg_call *c, const cJSON *body, struct gd_perm *ret)
{
	const char *type = json_str_or(body, "type", ""), *email = json_str(body, "emailAddress");
	const char *domain = json_str(body, "domain");
	enum gd_role role;
	struct gd_perm p = {0};

	if (!*type)
		return gg_error_at(c, 400, "required", "other", "permission.type",
			"The permission type field is required.");
	if (!json_str(body, "role"))
		return gg_error_at(c, 400, "required", "other", "permission.role",
			"The permission role field is required.");
	if (gd_role_parse(json_str(body, "role"), &role) < 0)
		return gg_error_at(c, 400, "invalid", "other", "permission.role",
			"The specified role is invalid or not supported.");
	if (!strcmp(type, "user") || !strcmp(type, "group")) {
		if (!email || !strchr(email, '@'))
			return gg_error_at(c, 400, email ? "invalidSharingRequest" : "required", "other",
				"permission.emailAddress",
				email ? "Bad Request. User message: \"The email address is not valid.\""
				      : "The emailAddress field is required for this permission type.");
		gd_perm_user(c->tenant, email, role, &p);
		if (*type == 'g') {
			p.type = GD_GROUP;
			p.user = NULL;
		}
	} else if (!strcmp(type, "domain")) {
		if (!domain || !*domain)
			return gg_error_at(c, 400, "required", "other", "permission.domain",
				"The domain field is required.");
		const char *words[] = {GG, "domain", domain, NULL};
		p = (struct gd_perm){.type = GD_DOMAIN, .role = role, .domain = gg_dup(domain)};
		gg_digits(p.id, 20, words);
		size_t n = strlen(p.id);
		snprintf(p.id + n, sizeof(p.id) - n, "k");
	} else if (!strcmp(type, "anyone")) {
		p = (struct gd_perm){.type = GD_ANYONE, .role = role};
		snprintf(p.id, sizeof(p.id), "%s",
			json_bool(body, "allowFileDiscovery") ? "anyone" : "anyoneWithLink");
	} else {
		return gg_error_at(c, 400, "invalid", "other", "permission.type",
			"The specified type is invalid or not supported.");
	}
	p.discoverable = p.type >= GD_DOMAIN && json_bool(body, "allowFileDiscovery");
	if (expiry(c, body, &p.expires_at) < 0)
		return -1;
	*ret = p;
	return 0;
}

/* The owner becomes a writer, the other one the owner. */
static int transfer(struct gg_call *c, struct gd_file *f, const struct gd_perm *p)
{
	struct gd_perm old;
	struct gd_watch w;

	if (!gg_flag(c, "transferOwnership", false))
		return gg_error_at(c, 403, "forbidden", "parameter", "transferOwnership",
			"The transferOwnership parameter must be enabled when the permission role is "
			"'owner'.");
	if (f->owner != c->user)
		return gd_forbidden(c);
	if (!p->user)
		return gg_error(c, 400, "invalidSharingRequest",
			"Ownership can only be transferred within the organization.");
	gd_perm_user(c->tenant, f->owner->email, GD_WRITER, &old);
	gd_watch_begin(&w, f);
	gd_perm_remove(f, p->id);
	f->owner = p->user;
	gd_perm_add(f, &old);
	if (gg_flag(c, "moveToNewOwnersRoot", false))
		gd_attach(f, p->user->root);
	gd_watch_end(&w, c->user, "change_owner");
	return 0;
}

int gd_permissions_create(struct gg_call *c)
{
	struct gd_file *f = shareable(c);
	cJSON *body = f ? gg_body(c) : NULL;
	struct gd_perm p;
	struct gd_watch w;
	bool member;

	if (!body || perm_of_body(c, body, &p) < 0 || role_check(c, f, &p) < 0)
		return -1;
	if (!f->parent && !f->drive)
		return gg_error(c, 403, "cannotShareRootFolder", "The root folder cannot be shared.");
	if (f->owner && p.user == f->owner && p.role != GD_OWNER) { /* nothing to add to ownership */
		struct gd_grant *g = grant_named(c, f, p.id);
		return gg_reply(c, gd_perm_json(c, g, f));
	}
	if (p.role == GD_OWNER) {
		if (f->owner != p.user && transfer(c, f, &p) < 0)
			return -1;
	} else {
		member = f->drive && f == f->drive->root;
		if (!member)
			gd_watch_begin(&w, f);
		gd_perm_add(f, &p);
		if (member)
			gd_event_drive(f->drive, c->user, "add_member", NULL);
		else
			gd_watch_end(&w, c->user, "change_user_access");
	}
	return gg_reply(c, gd_perm_json(c, grant_named(c, f, p.id), f));
}

/* 403 for what cannot be changed here, since it comes from above or is ownership. */
static int direct_check(struct gg_call *c, const struct gd_grant *g)
{
	if (!g->direct)
		return gg_error(c, 403, "cannotModifyInheritedPermission",
			"Cannot modify a permission on an item to be less than the inherited access from a "
			"direct or indirect "
			"parent.");
	if (g->direct->role == GD_OWNER && !gg_flag(c, "transferOwnership", false))
		return gg_error(c, 403, "cannotRemoveOwner", "The owner of a file cannot be removed.");
	return 0;
}

static size_t organizers(const struct gd_file *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nperms; i++)
		n += f->perms[i].role == GD_ORGANIZER;
	return n;
}

int gd_permissions_update(struct gg_call *c)
{
	struct gd_file *f = shareable(c);
	struct gd_grant *g = f ? grant_of(c, f) : NULL;
	cJSON *body = g ? gg_body(c) : NULL;
	enum gd_role role;
	int64_t expires = 0;
	struct gd_watch w;

	if (!body || expiry(c, body, &expires) < 0)
		return -1;
	role = g->direct ? g->direct->role : g->inherited->role;
	if (json_str(body, "role") && gd_role_parse(json_str(body, "role"), &role) < 0)
		return gg_error_at(c, 400, "invalid", "other", "permission.role",
			"The specified role is invalid or not supported.");
	if (role == GD_OWNER && g->direct && g->direct->role != GD_OWNER) {
		if (transfer(c, f, g->direct) < 0)
			return -1;
		return gg_reply(c, gd_perm_json(c, grant_of(c, f), f));
	}
	if (!g->direct && role > g->inherited->role) { /* more than comes from above: given here as well */
		struct gd_perm p = *g->inherited;
		p.role = role;
		if (role_check(c, f, &p) < 0)
			return -1;
		gd_watch_begin(&w, f);
		gd_perm_add(f, &p);
		gd_watch_end(&w, c->user, "change_user_access");
		return gg_reply(c, gd_perm_json(c, grant_of(c, f), f));
	}
	if (direct_check(c, g) < 0)
		return -1;
	struct gd_perm *p = gd_perm_find(f, c->var[1]);
	struct gd_perm wish = *g->direct;
	wish.role = role;
	if (!p || role_check(c, f, &wish) < 0)
		return p ? -1 : gd_forbidden(c);
	if (g->inherited && role < g->inherited->role)
		return gg_error(c, 403, "cannotModifyInheritedPermission",
			"Cannot modify a permission on an item to be less than the inherited access from a "
			"direct or indirect "
			"parent.");
	if (f->drive && f == f->drive->root && p->role == GD_ORGANIZER && role < GD_ORGANIZER &&
		organizers(f) == 1)
		return gg_error(c, 403, "cannotRemoveLastOrganizer",
			"A shared drive must have at least one organizer.");
	gd_watch_begin(&w, f);
	p->role = role;
	if (expires)
		p->expires_at = expires;
	if (gg_flag(c, "removeExpiration", false))
		p->expires_at = 0;
	gd_watch_end(&w, c->user, "change_user_access");
	return gg_reply(c, gd_perm_json(c, grant_of(c, f), f));
}

int gd_permissions_delete(struct gg_call *c)
{
	struct gd_file *f = seen(c);
	struct gd_grant *g = f ? grant_of(c, f) : NULL;
	struct gd_watch w;
	int *lost = NULL;

	if (!g)
		return -1;
	/* Whoever may not share may still step back himself. */
	bool own = !strcmp(c->var[1], c->user->perm_id) && g->direct;
	if (!own && !gd_can_share(f, c->user) && !gd_domain_admin(c, f))
		return gd_forbidden(c);
	if (direct_check(c, g) < 0)
		return -1;
	if (g->direct->role == GD_OWNER)
		return gg_error(c, 403, "cannotRemoveOwner", "The owner of a file cannot be removed.");
	bool member = f->drive && f == f->drive->root;
	if (member && g->direct->role == GD_ORGANIZER && organizers(f) == 1 && f->nperms > 1)
		return gg_error(c, 403, "cannotRemoveLastOrganizer",
			"A shared drive must have at least one organizer.");
	if (member && g->direct->user) {
		lost = gg_alloc(2 * sizeof(*lost));
		lost[0] = g->direct->user->index;
		lost[1] = -1;
	}
	if (!member)
		gd_watch_begin(&w, f);
	gd_perm_remove(f, c->var[1]);
	if (member)
		gd_event_drive(f->drive, c->user, "remove_member", lost);
	else
		gd_watch_end(&w, c->user, "change_user_access");
	return gg_reply_empty(c, 204);
}
