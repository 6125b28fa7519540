/* How users, groups, collaborations and file versions look in answers of Box: the mini form inside others,
 * and the full form with `fields`. Called by the handlers with the state lock held. */
#include "fakecloud/box/box.h"

#include <string.h>
#include <strings.h>

bool bx_wants(const char *fields, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = fields; p && *p;) {
		p += strspn(p, ", ");
		size_t len = strcspn(p, ",");
		if (!strncmp(p, name, n) && (len == n || p[n] == '.' || p[n] == ' '))
			return true;
		p += len;
	}
	return false;
}

/* Keeps of a finished object what a list of fields asks for, and the keys of the mini form. */
static cJSON *keep(cJSON *o, const char *fields, const char *mini)
{
	cJSON *next;

	for (cJSON *m = fields ? o->child : NULL; m; m = next) {
		next = m->next;
		if (!bx_wants(fields, m->string) && !bx_wants(mini, m->string))
			cJSON_Delete(cJSON_DetachItemViaPointer(o, m));
	}
	return o;
}

/* ---- users ---- */

cJSON *bx_user_mini(const struct bx_user *u)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", "user");
	bx_id(o, "id", u->id);
	cJSON_AddStringToObject(o, "name", u->name);
	cJSON_AddStringToObject(o, "login", u->login);
	return o;
}

cJSON *bx_user_json(const struct bx_user *u, const char *fields)
{
	cJSON *o = bx_user_mini(u);

	bx_time(o, "created_at", u->created_at);
	bx_time(o, "modified_at", u->modified_at);
	cJSON_AddStringToObject(o, "language", u->language);
	cJSON_AddStringToObject(o, "timezone", u->timezone);
	bx_num(o, "space_amount", u->space_amount);
	if (!fields || bx_wants(fields, "space_used"))
		bx_num(o, "space_used", bx_size(u->root));
	bx_num(o, "max_upload_size", 5368709120);
	cJSON_AddStringToObject(o, "status", u->status);
	cJSON_AddStringToObject(o, "job_title", u->job_title);
	cJSON_AddStringToObject(o, "phone", u->phone);
	cJSON_AddStringToObject(o, "address", u->address);
	cJSON_AddStringToObject(o, "avatar_url", "https://app.box.com/api/avatar/large/0");
	cJSON_AddNullToObject(o, "notification_email");
	if (!fields)
		return o;
	cJSON_AddStringToObject(o, "role", u->role);
	cJSON_AddItemToObject(o, "tracking_codes", cJSON_CreateArray());
	cJSON_AddBoolToObject(o, "can_see_managed_users", true);
	cJSON_AddBoolToObject(o, "is_sync_enabled", true);
	cJSON_AddBoolToObject(o, "is_external_collab_restricted", false);
	cJSON_AddBoolToObject(o, "is_exempt_from_device_limits", false);
	cJSON_AddBoolToObject(o, "is_exempt_from_login_verification", false);
	cJSON *enterprise = cJSON_AddObjectToObject(o, "enterprise");
	cJSON_AddStringToObject(enterprise, "type", "enterprise");
	cJSON_AddStringToObject(enterprise, "id", u->tenant->enterprise);
	cJSON_AddStringToObject(enterprise, "name", u->tenant->name);
	cJSON_AddItemToObject(o, "my_tags", cJSON_CreateArray());
	cJSON_AddStringToObject(o, "hostname", "https://app.box.com/");
	cJSON_AddBoolToObject(o, "is_platform_access_only", u->app_user);
	if (u->external_id)
		cJSON_AddStringToObject(o, "external_app_user_id", u->external_id);
	return keep(o, fields, "type,id,name,login");
}

/* ---- groups ---- */

cJSON *bx_group_mini(const struct bx_group *g)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", "group");
	bx_id(o, "id", g->id);
	cJSON_AddStringToObject(o, "name", g->name);
	cJSON_AddStringToObject(o, "group_type", "managed_group");
	return o;
}

cJSON *bx_group_json(const struct bx_group *g, const char *fields)
{
	cJSON *o = bx_group_mini(g);

	bx_time(o, "created_at", g->created_at);
	bx_time(o, "modified_at", g->modified_at);
	if (!fields)
		return o;
	if (g->provenance)
		cJSON_AddStringToObject(o, "provenance", g->provenance);
	if (g->external_id)
		cJSON_AddStringToObject(o, "external_sync_identifier", g->external_id);
	cJSON_AddStringToObject(o, "description", g->description ? g->description : "");
	cJSON_AddStringToObject(o, "invitability_level", g->invitability);
	cJSON_AddStringToObject(o, "member_viewability_level", g->viewability);
	cJSON_AddBoolToObject(cJSON_AddObjectToObject(o, "permissions"), "can_invite_as_collaborator", true);
	return keep(o, fields, "type,id,name,group_type");
}

/* ---- collaborations ---- */

static cJSON *grantee(const struct bx_user *u)
{
	cJSON *o = bx_user_mini(u);
	cJSON_AddBoolToObject(o, "is_active", !strcmp(u->status, "active"));
	return o;
}

cJSON *bx_collab_json(struct bx_ctx *c, const struct bx_collab *k, const char *fields)
{
	cJSON *o = cJSON_CreateObject();
	bool pending = !strcmp(k->status, "pending");

	cJSON_AddStringToObject(o, "type", "collaboration");
	bx_id(o, "id", k->id);
	cJSON_AddItemToObject(o, "created_by", grantee(k->created_by));
	bx_time(o, "created_at", k->created_at);
	bx_time(o, "modified_at", k->modified_at);
	bx_time(o, "expires_at", k->expires_at);
	cJSON_AddStringToObject(o, "status", k->status);
	/* An invited address is known by invite_email alone. */
	if (k->group)
		cJSON_AddItemToObject(o, "accessible_by", bx_group_mini(k->group));
	else if (k->user)
		cJSON_AddItemToObject(o, "accessible_by", grantee(k->user));
	if (pending && !k->user)
		cJSON_AddStringToObject(o, "invite_email", k->email);
	else
		cJSON_AddNullToObject(o, "invite_email");
	cJSON_AddStringToObject(o, "role", k->role);
	if (k->acknowledged_at)
		bx_time(o, "acknowledged_at", k->acknowledged_at);
	if (pending && !(bx_rights(c->user, k->item) & BX_VIEW))
		cJSON_AddNullToObject(o, "item");
	else
		cJSON_AddItemToObject(o, "item", bx_item_json(c, k->item, BX_MINI, NULL));
	cJSON_AddBoolToObject(o, "is_access_only", k->access_only);
	cJSON_AddNullToObject(o, "app_item");
	if (bx_wants(fields, "acceptance_requirements_status")) {
		cJSON *status = cJSON_AddObjectToObject(o, "acceptance_requirements_status");
		cJSON_AddNullToObject(
			cJSON_AddObjectToObject(status, "terms_of_service_requirement"), "is_accepted");
	}
	return keep(o, fields, "type,id");
}

/* ---- versions ---- */

cJSON *bx_version_mini(const struct bx_version *v)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "type", "file_version");
	bx_id(o, "id", v->id);
	cJSON_AddStringToObject(o, "sha1", bx_sha1(v));
	return o;
}

cJSON *bx_version_json(const struct bx_item *file, const struct bx_version *v, const char *fields)
{
	cJSON *o = bx_version_mini(v);
	char number[16];

	(void)file;
	cJSON_AddStringToObject(o, "name", v->name);
	bx_num(o, "size", fc_blob_size(v->blob));
	cJSON_AddStringToObject(o, "uploader_display_name", v->modified_by->name);
	bx_time(o, "created_at", v->created_at);
	bx_time(o, "modified_at", v->modified_at);
	cJSON_AddItemToObject(o, "modified_by", bx_user_mini(v->modified_by));
	bx_time(o, "trashed_at", v->trashed_at);
	if (v->trashed_by)
		cJSON_AddItemToObject(o, "trashed_by", bx_user_mini(v->trashed_by));
	bx_time(o, "restored_at", v->restored_at);
	if (v->restored_by)
		cJSON_AddItemToObject(o, "restored_by", bx_user_mini(v->restored_by));
	bx_time(o, "purged_at", v->trashed_at ? v->trashed_at + 30ll * 86400000 : 0);
	snprintf(number, sizeof(number), "%u", v->number);
	cJSON_AddStringToObject(o, "version_number", number);
	return keep(o, fields, "type,id,sha1");
}
