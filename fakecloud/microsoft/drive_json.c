/* Drives, items, permissions and versions as Graph shows them. Source: Graph v1.0, drive, driveItem, permission.
 * State lock held. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *ending, *type;
} mime_types[] = {
	{".txt", "text/plain"}, {".csv", "text/csv"}, {".html", "text/html"}, {".htm", "text/html"}, {".json", "application/json"},
	{".pdf", "application/pdf"}, {".zip", "application/x-zip-compressed"}, {".xml", "text/xml"}, {".eml", "message/rfc822"},
	{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	{".doc", "application/msword"}, {".xls", "application/vnd.ms-excel"}, {".ppt", "application/vnd.ms-powerpoint"},
	{".png", "image/png"}, {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".gif", "image/gif"},
	{".exe", "application/x-msdownload"}, {".js", "application/javascript"}, {".md", "text/markdown"},
};

static const char *mime_type(const struct ms_item *it)
{
	size_t n = strlen(it->name);

	if (it->mime)
		return it->mime;
	for (size_t i = 0; i < ARRAY_SIZE(mime_types); i++) {
		size_t e = strlen(mime_types[i].ending);
		if (n > e && !strcasecmp(it->name + n - e, mime_types[i].ending))
			return mime_types[i].type;
	}
	return "application/octet-stream";
}

static void upper(char *out, size_t size, const char *s)
{
	size_t i;

	for (i = 0; s[i] && i + 1 < size; i++)
		out[i] = s[i] >= 'a' && s[i] <= 'z' ? (char)(s[i] - 32) : s[i];
	out[i] = 0;
}

char *ms_etag(struct ms_ctx *c, const struct ms_item *it)
{
	char guid[40];

	upper(guid, sizeof(guid), it->guid);
	return ms_fmt(c, "\"{%s},%u\"", guid, it->etag);
}

char *ms_ctag(struct arena *a, const struct ms_item *it)
{
	char guid[40];

	upper(guid, sizeof(guid), it->guid);
	return arena_printf(a, "\"c:{%s},%u\"", guid, it->ctag);
}

char *ms_item_url(struct arena *a, const struct ms_item *it)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
	const char *path = ms_item_path(a, it);

	buf_adds(&b, it->drive->web_url);
	url_encode(&b, path ? path : "", "/");
	return arena_dup(a, buf_str(&b));
}

cJSON *ms_identity(const struct ms_tenant *t, const struct ms_user *user)
{
	cJSON *set = cJSON_CreateObject(), *who;

	if (!user) {
		who = j_object(set, "application");
		j_str(who, "id", t->client_id);
		j_str(who, "displayName", "sekisho");
		who = j_object(set, "user");
		j_str(who, "displayName", "SharePoint App");
		return set;
	}
	who = j_object(set, "user");
	j_str(who, "email", user->upn);
	j_str(who, "id", user->id);
	j_str(who, "displayName", user->display);
	return set;
}

static cJSON *parent_reference(struct ms_ctx *c, const struct ms_item *it, bool with_path)
{
	const struct ms_drive *d = it->drive;
	cJSON *ref = cJSON_CreateObject();

	j_str(ref, "driveType", d->type);
	j_str(ref, "driveId", d->id);
	if (it->parent) {
		j_str(ref, "id", it->parent->id);
		if (!it->deleted)
			j_str(ref, "name", it->parent->parent ? it->parent->name : d->name);
		if (with_path) {
			_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
			const char *path = ms_item_path(c->req->arena, it->parent);
			buf_addf(&b, "/drives/%s/root:", d->id);
			url_encode(&b, path ? path : "", "/");
			j_str(ref, "path", buf_str(&b));
		}
	}
	j_str(ref, "siteId", d->site->guid);
	return ref;
}

/* Links first, then people; nothing when it is not shared. */
static const char *shared_scope(const struct ms_item *it)
{
	const char *scope = NULL;

	for (size_t i = 0; i < it->perms.n; i++) {
		const struct ms_perm *p = it->perms.v[i];
		if (p->group || !strcmp(p->role, "owner"))
			continue;
		if (p->link_scope && !strcmp(p->link_scope, "anonymous"))
			return "anonymous";
		if (p->link_scope && !strcmp(p->link_scope, "organization"))
			scope = "organization";
		else if (!scope)
			scope = "users";
	}
	return scope;
}

static void facets(struct ms_ctx *c, const struct ms_item *it, cJSON *o, const struct ms_select *sel)
{
	const char *scope = shared_scope(it);
	cJSON *f;

	f = j_object(o, "fileSystemInfo");
	j_time(f, "createdDateTime", it->fs_created);
	j_time(f, "lastModifiedDateTime", it->fs_modified);
	if (it->folder) {
		f = j_object(o, "folder");
		j_num(f, "childCount", (double)it->children.n);
	} else {
		f = j_object(o, "file");
		j_str(f, "mimeType", mime_type(it));
		if (ms_wants(sel, "file") && ms_item_version(it))
			j_str(j_object(f, "hashes"), "quickXorHash",
				fc_blob_digests(ms_item_version(it)->blob, DIGEST_QUICKXOR)->quickxor);
	}
	if (!it->parent)
		j_object(o, "root");
	if (scope)
		j_str(j_object(o, "shared"), "scope", scope);
	if (it->malware)
		j_str(j_object(o, "malware"), "description", "Malware:Win32/Loopback.A");
	if (it->checked_out) {
		f = j_object(o, "publication");
		j_str(f, "level", "checkout");
		j_str(f, "versionId", ms_fmt(c, "%u.0", ms_item_version(it) ? ms_item_version(it)->number : 1));
		cJSON_AddItemToObject(f, "checkedOutBy", ms_identity(it->drive->tenant, NULL));
	}
}

static void sharepoint_ids(const struct ms_item *it, cJSON *o)
{
	const struct ms_drive *d = it->drive;
	cJSON *ids = j_object(o, "sharepointIds");
	size_t n;

	for (n = 0; n < d->items.n && d->items.v[n] != it; n++)
		;
	j_str(ids, "listId", d->list_id);
	char number[24];
	snprintf(number, sizeof(number), "%zu", n);
	j_str(ids, "listItemId", number);
	j_str(ids, "listItemUniqueId", it->guid);
	j_str(ids, "siteId", d->site->guid);
	j_str(ids, "siteUrl", d->site->web_url);
	j_str(ids, "tenantId", d->tenant->directory);
	j_str(ids, "webId", d->site->web_guid);
}

cJSON *ms_item_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_item *it = one;
	cJSON *o = cJSON_CreateObject();

	if (!it->folder && !it->malware && ms_item_version(it) &&
		(ms_wants(sel, "@microsoft.graph.downloadUrl") || ms_wants_named(sel, "content.downloadUrl")))
		j_str(o, "@microsoft.graph.downloadUrl", ms_download_url(c, it, 0));
	j_time(o, "createdDateTime", it->created);
	j_str(o, "eTag", ms_etag(c, it));
	j_str(o, "id", it->id);
	j_time(o, "lastModifiedDateTime", it->modified);
	j_str(o, "name", it->name);
	j_str(o, "webUrl", ms_item_url(c->req->arena, it));
	j_str(o, "cTag", ms_ctag(c->req->arena, it));
	j_num(o, "size", (double)it->size);
	if (it->description)
		j_str(o, "description", it->description);
	cJSON_AddItemToObject(o, "createdBy", ms_identity(it->drive->tenant, it->created_by));
	cJSON_AddItemToObject(o, "lastModifiedBy", ms_identity(it->drive->tenant, it->modified_by));
	cJSON_AddItemToObject(o, "parentReference", parent_reference(c, it, it->parent != NULL));
	facets(c, it, o, sel);
	if (ms_wants_named(sel, "sharepointIds"))
		sharepoint_ids(it, o);
	if (ms_wants_named(sel, "webDavUrl"))
		j_str(o, "webDavUrl", ms_item_url(c->req->arena, it));
	if (sel->only_also)
		return o;
	if (ms_expands(c, "permissions"))
		cJSON_AddItemToObject(o, "permissions", ms_perms_json(c, it));
	if (it->folder && ms_expands(c, "children")) {
		struct ms_select none = {.only_also = true};
		cJSON *list = j_array(o, "children");
		for (size_t i = 0; i < it->children.n; i++)
			cJSON_AddItemToArray(list, ms_item_json(c, it->children.v[i], &none));
	}
	return o;
}

/* As Business shows it in delta: no cTag, no parentReference.path; what is deleted has no name either. */
cJSON *ms_item_delta_json(struct ms_ctx *c, struct ms_item *it, const struct ms_select *sel)
{
	cJSON *o;

	if (!it->deleted) {
		o = ms_item_json(c, it, sel);
		cJSON_DeleteItemFromObjectCaseSensitive(o, "cTag");
		if (!ms_wants_named(sel, "@microsoft.graph.downloadUrl") && !ms_wants_named(sel, "content.downloadUrl"))
			cJSON_DeleteItemFromObjectCaseSensitive(o, "@microsoft.graph.downloadUrl");
		cJSON_DeleteItemFromObjectCaseSensitive(json_get(o, "parentReference"), "path");
		ms_select_apply(sel, o);
		return o;
	}
	o = cJSON_CreateObject();
	j_str(o, "id", it->id);
	cJSON_AddItemToObject(o, "parentReference", parent_reference(c, it, false));
	j_object(o, "fileSystemInfo");
	j_object(o, it->folder ? "folder" : "file");
	j_num(o, "size", 0);
	j_str(j_object(o, "deleted"), "state", "deleted");
	return o;
}

cJSON *ms_drive_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct ms_drive *d = one;
	cJSON *o = cJSON_CreateObject(), *x;
	const double total = 1099511627776.0;

	j_str(o, "id", d->id);
	j_str(o, "name", d->owner ? "OneDrive" : d->name);
	j_str(o, "description", "");
	j_str(o, "driveType", d->type);
	j_str(o, "webUrl", d->web_url);
	j_time(o, "createdDateTime", d->created);
	j_time(o, "lastModifiedDateTime", d->root->changed);
	cJSON_AddItemToObject(o, "createdBy", ms_identity(d->tenant, d->owner));
	cJSON_AddItemToObject(o, "lastModifiedBy", ms_identity(d->tenant, d->owner));
	if (d->owner) {
		cJSON_AddItemToObject(o, "owner", ms_identity(d->tenant, d->owner));
	} else {
		x = j_object(j_object(o, "owner"), "group");
		j_str(x, "id", d->site->guid);
		j_str(x, "displayName", d->site->name);
	}
	x = j_object(o, "quota");
	j_num(x, "deleted", 0);
	j_num(x, "remaining", total - (double)d->root->size);
	j_str(x, "state", "normal");
	j_num(x, "total", total);
	j_num(x, "used", (double)d->root->size);
	if (ms_wants_named(sel, "sharePointIds")) {
		sharepoint_ids(d->root, o);
		x = cJSON_DetachItemFromObjectCaseSensitive(o, "sharepointIds");
		cJSON_AddItemToObject(o, "sharePointIds", x);
	}
	if (!sel->only_also && ms_expands(c, "root")) {
		struct ms_select none = {.only_also = true};
		cJSON_AddItemToObject(o, "root", ms_item_json(c, d->root, &none));
	}
	return o;
}

static cJSON *person(const struct ms_tenant *t, const struct ms_perm *p, const char *address, bool site_user)
{
	cJSON *set, *who;

	if (p->user) {
		set = ms_identity(t, p->user);
	} else {
		set = cJSON_CreateObject();
		who = j_object(set, "user");
		j_str(who, "email", address);
		j_str(who, "displayName", address);
	}
	if (site_user) {
		who = j_object(set, "siteUser");
		j_str(who, "id", "7");
		j_str(who, "displayName", p->user ? p->user->display : address);
		j_str(who, "email", address);
		char login[300];
		snprintf(login, sizeof(login), "i:0#.f|membership|%s", address);
		j_str(who, "loginName", login);
	}
	return set;
}

/* from: the item that it was given on; another than it: inherited. */
cJSON *ms_perm_json(struct ms_ctx *c, const struct ms_item *it, const struct ms_item *from, const struct ms_perm *p)
{
	const struct ms_tenant *t = it->drive->tenant;
	const char *address = p->user ? p->user->upn : p->email ? p->email : "";
	cJSON *o = cJSON_CreateObject(), *x, *roles;

	j_str(o, "id", p->id);
	roles = j_array(o, "roles");
	cJSON_AddItemToArray(roles, cJSON_CreateString(p->role));
	if (p->link_type) {
		cJSON *v2 = j_array(o, "grantedToIdentitiesV2"), *v1 = j_array(o, "grantedToIdentities");
		for (size_t i = 0; i < p->people.n; i++) {
			struct ms_perm one = {.user = ms_user_find(t, p->people.v[i])};
			cJSON_AddItemToArray(v2, person(t, &one, p->people.v[i], true));
			cJSON_AddItemToArray(v1, person(t, &one, p->people.v[i], false));
		}
		j_str(o, "shareId", p->share_id);
		j_bool(o, "hasPassword", p->password);
		x = j_object(o, "link");
		j_str(x, "scope", p->link_scope);
		j_str(x, "type", p->link_type);
		j_str(x, "webUrl", p->link_url);
		j_bool(x, "preventsDownload", p->prevents_download);
	} else if (p->group) {
		x = j_object(j_object(o, "grantedToV2"), "siteGroup");
		j_str(x, "id", "3");
		j_str(x, "displayName", p->group);
		j_str(x, "loginName", p->group);
		x = j_object(j_object(o, "grantedTo"), "user");
		j_str(x, "displayName", p->group);
	} else {
		cJSON_AddItemToObject(o, "grantedToV2", person(t, p, address, true));
		cJSON_AddItemToObject(o, "grantedTo", person(t, p, address, false));
		if (!p->user) {
			x = j_object(o, "invitation");
			j_str(x, "email", address);
			j_bool(x, "signInRequired", true);
		}
	}
	if (p->expires)
		j_str(o, "expirationDateTime", p->expires);
	if (from != it) {
		x = j_object(o, "inheritedFrom");
		j_str(x, "driveId", from->drive->id);
		j_str(x, "id", from->id);
		const char *path = ms_item_path(c->req->arena, from);
		_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
		buf_addf(&b, "/drives/%s/root:", from->drive->id);
		url_encode(&b, path ? path : "", "/");
		j_str(x, "path", buf_str(&b));
	}
	return o;
}

cJSON *ms_perms_json(struct ms_ctx *c, const struct ms_item *it)
{
	cJSON *list = cJSON_CreateArray();

	for (const struct ms_item *at = it; at; at = at->inheritance_broken ? NULL : at->parent) {
		for (size_t i = 0; i < at->perms.n; i++)
			cJSON_AddItemToArray(list, ms_perm_json(c, it, at, at->perms.v[i]));
	}
	return list;
}
