/* drives.*: shared drives. */
#include "fakecloud/google/drive.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The drive of the path when the caller may see it; NULL after 404 was answered. */
static struct gd_drive *drive_of(struct gg_call *c)
{
	struct gd_drive *d;

	if (gd_check_service(c) < 0)
		return NULL;
	d = gd_drive_find(c->tenant, c->var[0]);
	if (d && (gd_role_of(d->root, c->user) != GD_NONE || gd_domain_admin(c, d->root)))
		return d;
	gg_error_at(c, 404, "notFound", "parameter", "driveId", "Shared drive not found: %s", c->var[0]);
	return NULL;
}

static struct gd_drive *organized(struct gg_call *c)
{
	struct gd_drive *d = drive_of(c);

	if (!d || gd_role_of(d->root, c->user) >= GD_ORGANIZER || gd_domain_admin(c, d->root))
		return d;
	gd_forbidden(c);
	return NULL;
}

/* name contains 'x', name = 'x', and what only administrators may ask; false with an answer for anything
 * else. */
static int query_match(struct gg_call *c, const char *q, const struct gd_drive *d, bool *ret)
{
	const char *from = strchr(q, '\''), *to = from ? strchr(from + 1, '\'') : NULL;
	const char *text = to ? arena_dupn(c->req->arena, from + 1, (size_t)(to - from - 1)) : NULL;
	size_t me = (size_t)c->user->index;

	q += strspn(q, " ");
	if (gg_has_prefix(q, "hidden")) {
		*ret = (me < d->nhidden && d->hidden[me]) == (strstr(q, "true") != NULL);
		return 0;
	}
	if (gg_has_prefix(q, "name") && text) {
		*ret = strstr(q, "contains") ? gg_contains_ci(d->name, text) : !strcasecmp(d->name, text);
		return 0;
	}
	if (gg_has_prefix(q, "memberCount") || gg_has_prefix(q, "organizerCount") ||
		gg_has_prefix(q, "createdTime")) {
		*ret = true;
		return 0;
	}
	return gg_error_at(c, 400, "invalid", "parameter", "q", "Invalid Value");
}

int gd_drives_list(struct gg_call *c)
{
	bool admin = gg_flag(c, "useDomainAdminAccess", false), match = true;
	const char *q = gg_query(c, "q");
	int max = gg_page_size(c, "pageSize", 10, 100);
	size_t from, at = 0;
	cJSON *doc, *list;

	if (gd_check_service(c) < 0 || gd_page_offset(c, &from) < 0)
		return -1;
	if (max < 0)
		return gg_error_at(c, 400, "invalidParameter", "parameter", "pageSize",
			"Invalid value '%s'. Values must be within the range: [1, 100]",
			gg_query(c, "pageSize"));
	if (admin && !c->user->admin)
		return gg_error(c, 403, "noListTeamDrivesAdministratorPrivilege",
			"The user does not have the privilege to list all shared drives.");
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "drive#driveList");
	list = cJSON_AddArrayToObject(doc, "drives");
	for (size_t i = 0; i < c->tenant->ndrives; i++) {
		struct gd_drive *d = c->tenant->drives[i];
		if (d->gone || (!admin && gd_role_of(d->root, c->user) == GD_NONE))
			continue;
		if (q && *q && query_match(c, q, d, &match) < 0) {
			json_free(doc);
			return -1;
		}
		if (!match)
			continue;
		if (at >= from && at < from + (size_t)max)
			cJSON_AddItemToArray(list, gd_drive_json(c, d));
		at++;
	}
	if (at > from + (size_t)max)
		gd_page_next(c, doc, from + (size_t)max);
	return gg_reply(c, doc);
}

int gd_drives_get(struct gg_call *c)
{
	struct gd_drive *d = drive_of(c);

	return d ? gg_reply(c, gd_drive_json(c, d)) : -1;
}

int gd_drives_create(struct gg_call *c)
{
	cJSON *body = gg_body(c);
	const char *request = gg_query(c, "requestId"), *name;
	struct gd_perm p;
	struct gd_drive *d;

	if (!body || gd_check_service(c) < 0)
		return -1;
	if (!request || !*request)
		return gg_error_at(
			c, 400, "required", "parameter", "requestId", "Required parameter: requestId");
	name = json_str(body, "name");
	if (!name || !*name)
		return gg_error_at(c, 400, "required", "other", "drive.name", "The name field is required.");
	if (c->user->service)
		return gg_error(
			c, 403, "userCannotCreateTeamDrives", "The user cannot create new shared drives.");
	for (size_t i = 0; i < c->tenant->ndrives; i++) {
		if (c->tenant->drives[i]->request_id && !strcmp(c->tenant->drives[i]->request_id, request))
			return gg_error(c, 409, "duplicate",
				"A shared drive already exists with the specified request ID.");
	}
	d = gd_drive_new(c->tenant, NULL, name, fc_now());
	d->request_id = gg_dup(request);
	if (json_str(body, "colorRgb"))
		d->color = gg_dup(json_str(body, "colorRgb"));
	gd_perm_user(c->tenant, c->user->email, GD_ORGANIZER, &p);
	gd_perm_add(d->root, &p);
	gd_event_drive(d, c->user, "create", NULL);
	return gg_reply(c, gd_drive_json(c, d));
}

int gd_drives_update(struct gg_call *c)
{
	struct gd_drive *d = organized(c);
	cJSON *body = d ? gg_body(c) : NULL;
	const cJSON *e;

	if (!body)
		return -1;
	if (json_str(body, "name") && *json_str(body, "name")) {
		gd_set(&d->name, json_str(body, "name"));
		gd_set(&d->root->name, d->name);
	}
	if (json_str(body, "colorRgb"))
		gd_set(&d->color, json_str(body, "colorRgb"));
	cJSON_ArrayForEach(e, json_object(body, "restrictions"))
	{
		if (!cJSON_IsBool(e))
			continue;
		if (!d->restrictions)
			d->restrictions = cJSON_CreateObject();
		cJSON_DeleteItemFromObjectCaseSensitive(d->restrictions, e->string);
		cJSON_AddBoolToObject(d->restrictions, e->string, cJSON_IsTrue(e));
	}
	gd_event_drive(d, c->user, "edit", NULL);
	return gg_reply(c, gd_drive_json(c, d));
}

static void drop(struct gd_file *f)
{
	f->gone = true;
	map_del(&f->tenant->files, f->id);
	for (size_t i = 0; i < f->nchildren; i++)
		drop(f->children[i]);
}

int gd_drives_delete(struct gg_call *c)
{
	struct gd_drive *d = organized(c);
	struct gg_tenant *t = c->tenant;
	bool with_items = gg_flag(c, "allowItemDeletion", false) && gg_flag(c, "useDomainAdminAccess", false);
	int *lost;
	size_t n = 0;

	if (!d)
		return -1;
	for (size_t i = 0; !with_items && i < d->root->nchildren; i++) {
		if (!d->root->children[i]->trashed)
			return gg_error(c, 403, "cannotDeleteResourceWithChildren",
				"A shared drive with untrashed items cannot be deleted.");
	}
	lost = gg_alloc((t->nusers + 1) * sizeof(*lost));
	for (size_t i = 0; i < t->nusers; i++) {
		if (gd_role_of(d->root, t->users[i]) != GD_NONE)
			lost[n++] = (int)i;
	}
	lost[n] = -1;
	d->gone = true;
	drop(d->root);
	gd_event_drive(d, c->user, "delete", lost);
	return gg_reply_empty(c, 204);
}

static int set_hidden(struct gg_call *c, bool hidden)
{
	struct gd_drive *d = drive_of(c);
	size_t me = (size_t)c->user->index;

	if (!d)
		return -1;
	if (me >= d->nhidden) {
		bool *more = gg_alloc(c->tenant->nusers);
		if (d->nhidden)
			memcpy(more, d->hidden, d->nhidden);
		free(d->hidden);
		d->hidden = more;
		d->nhidden = c->tenant->nusers;
	}
	d->hidden[me] = hidden;
	return gg_reply(c, gd_drive_json(c, d));
}

int gd_drives_hide(struct gg_call *c)
{
	return set_hidden(c, true);
}

int gd_drives_unhide(struct gg_call *c)
{
	return set_hidden(c, false);
}
