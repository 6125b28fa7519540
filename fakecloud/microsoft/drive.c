/* The state of drives: items, versions, sharing, and the log that the feed is read from. Called by the drive calls
 * and at seeding. eTag counts every change of an item, cTag those of content (Graph v1.0, driveItem). */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct ms_drive *ms_drive_new(struct ms_tenant *t, struct ms_site *site, struct ms_user *owner, const char *name)
{
	struct ms_drive *d = ms_alloc(sizeof(*d));
	const char *const words[] = {t->name, "microsoft", site->id, "drive", name, NULL};
	_cleanup_buf_ struct buf url = BUF_INIT(64 << 10);

	*d = (struct ms_drive){.tenant = t, .site = site, .owner = owner, .created = t->created};
	d->id = ms_drive_id(words);
	d->name = ms_strdup(name);
	d->type = owner ? "business" : "documentLibrary";
	d->list_id = ms_guid(MS_WORDS(d->id, "list"));
	buf_addf(&url, "%s/", site->web_url);
	/* The first library of a site is called Documents and lies at "Shared Documents". */
	url_encode(&url, !owner && !strcmp(name, "Documents") ? "Shared Documents" : owner ? "Documents" : name, "");
	d->web_url = ms_strdup(buf_str(&url));
	ms_vec_add(&t->drives, d);
	ms_vec_add(&site->drives, d);
	ms_map_put(&t->drive_by_id, d->id, d);
	d->root = ms_item_add(d, NULL, "root", true, MS_WORDS(d->id, "root"), d->created);
	if (owner) {
		struct ms_perm *p = ms_perm_add(d->root, "owner", MS_WORDS(d->id, "owner"));
		p->user = owner;
	} else {
		static const char *const groups[][2] = {{"Owners", "owner"}, {"Members", "write"}, {"Visitors", "read"}};
		for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
			struct ms_perm *p = ms_perm_add(d->root, groups[i][1], MS_WORDS(d->id, groups[i][0]));
			p->group = ms_printf("%s %s", site->name, groups[i][0]);
		}
	}
	return d;
}

static void sizes(struct ms_item *it, int64_t by)
{
	for (; it; it = it->parent)
		it->size += by;
}

struct ms_item *ms_item_add(struct ms_drive *d, struct ms_item *parent, const char *name, bool folder,
	const char *const *words, int64_t when)
{
	struct ms_item *it = ms_alloc(sizeof(*it));

	*it = (struct ms_item){.drive = d, .parent = parent, .folder = folder, .etag = 1, .ctag = folder ? 0 : 1};
	it->id = ms_item_id(words);
	it->guid = ms_guid(MS_WORDS(it->id, "guid"));
	it->name = ms_strdup(name);
	it->created = it->modified = it->fs_created = it->fs_modified = it->changed = when;
	it->created_by = it->modified_by = words ? d->owner : NULL;
	ms_map_put(&d->tenant->items, it->id, it);
	ms_vec_add(&d->items, it);
	if (parent)
		ms_vec_add(&parent->children, it);
	if (!words)
		ms_item_changed(it, 'c');
	return it;
}

struct ms_item *ms_item_child(const struct ms_item *parent, const char *name)
{
	for (size_t i = 0; i < parent->children.n; i++) {
		struct ms_item *it = parent->children.v[i];
		if (!strcasecmp(it->name, name))
			return it;
	}
	return NULL;
}

void ms_item_changed(struct ms_item *it, char kind)
{
	if (kind == 'u') {
		it->etag++;
		it->modified = fc_now();
		it->modified_by = NULL;
	}
	it->changed = fc_now();
	ms_log(&it->drive->log, it, kind);
	ms_notify(it->drive->tenant, "drives", it->drive->id, "updated", NULL);
}

struct ms_version *ms_item_version(const struct ms_item *it)
{
	return it->versions.n ? it->versions.v[it->versions.n - 1] : NULL;
}

void ms_item_content(struct ms_item *it, struct fc_blob *blob, const struct ms_user *by, int64_t when)
{
	struct ms_version *old = ms_item_version(it), *v = ms_alloc(sizeof(*v));

	*v = (struct ms_version){.blob = blob, .number = old ? old->number + 1 : 1, .modified = when, .by = by};
	ms_vec_add(&it->versions, v);
	sizes(it, fc_blob_size(blob) - (old ? fc_blob_size(old->blob) : 0));
	if (old) {
		it->ctag++;
		it->malware = false;
		ms_item_changed(it, 'u');
		it->fs_modified = it->modified;
	}
}

bool ms_item_below(const struct ms_item *it, const struct ms_item *top)
{
	for (; it; it = it->parent) {
		if (it == top)
			return true;
	}
	return false;
}

int ms_item_move(struct ms_item *it, struct ms_item *to, const char *name)
{
	if (ms_item_below(to, it))
		return -1;
	if (to != it->parent) {
		sizes(it->parent, -it->size);
		ms_vec_remove(&it->parent->children, it);
		it->parent = to;
		ms_vec_add(&to->children, it);
		sizes(to, it->size);
	}
	if (name && strcmp(name, it->name))
		it->name = ms_strdup(name);
	ms_item_changed(it, 'u');
	return 0;
}

static void mark_deleted(struct ms_item *it)
{
	for (size_t i = 0; i < it->children.n; i++)
		mark_deleted(it->children.v[i]);
	it->deleted = true;
	it->deleted_at = fc_now();
	ms_map_put(&it->drive->tenant->items, it->id, NULL);
	ms_item_changed(it, 'd');
}

void ms_item_delete(struct ms_item *it)
{
	sizes(it->parent, -it->size);
	ms_vec_remove(&it->parent->children, it);
	mark_deleted(it);
}

struct ms_item *ms_item_copy(struct ms_item *it, struct ms_item *to, const char *name, bool history)
{
	struct ms_item *copy = ms_item_add(to->drive, to, name, it->folder, NULL, fc_now());

	copy->fs_created = it->fs_created;
	copy->fs_modified = it->fs_modified;
	copy->malware = it->malware;
	if (it->mime)
		copy->mime = ms_strdup(it->mime);
	for (size_t i = history || !it->versions.n ? 0 : it->versions.n - 1; i < it->versions.n; i++) {
		struct ms_version *v = ms_alloc(sizeof(*v));
		*v = *(struct ms_version *)it->versions.v[i];
		v->number = (unsigned)copy->versions.n + 1;
		ms_vec_add(&copy->versions, v);
	}
	if (!it->folder && ms_item_version(copy))
		sizes(copy, fc_blob_size(ms_item_version(copy)->blob));
	/* Children that the copy itself might gain (copying into oneself) are not followed. */
	size_t n = it->children.n;
	for (size_t i = 0; i < n; i++) {
		struct ms_item *child = it->children.v[i];
		if (child != copy)
			ms_item_copy(child, copy, child->name, history);
	}
	return copy;
}

char *ms_item_free_name(struct ms_ctx *c, const struct ms_item *parent, const char *name)
{
	const char *dot = strrchr(name, '.');
	int stem = (int)(dot && dot != name ? (size_t)(dot - name) : strlen(name));
	char *free_name = ms_fmt(c, "%s", name);

	for (int i = 1; ms_item_child(parent, free_name); i++)
		free_name = ms_fmt(c, "%.*s %d%s", stem, name, i, name + stem);
	return free_name;
}

bool ms_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > 400 || strpbrk(name, "\"*:<>?/\\|") || !strcmp(name, ".") || !strcmp(name, "..") ||
		name[n - 1] == ' ' || name[0] == ' ' || name[n - 1] == '.')
		return false;
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p < ' ')
			return false;
	}
	return true;
}

char *ms_item_path(struct arena *a, const struct ms_item *it)
{
	const char *up;
	char *path;

	if (!it->parent)
		return arena_dup(a, "");
	up = ms_item_path(a, it->parent);
	path = arena_printf(a, "%s/%s", up ? up : "", it->name);
	return path ? path : arena_dup(a, "");
}

struct ms_perm *ms_perm_add(struct ms_item *it, const char *role, const char *const *words)
{
	struct ms_perm *p = ms_alloc(sizeof(*p));
	char *id = ms_guid(words);

	p->id = ms_mail_id("aTowIy5m", MS_WORDS(it->id, id));
	p->id[48] = 0;
	free(id);
	p->role = role;
	ms_vec_add(&it->perms, p);
	return p;
}

void ms_perm_link(struct ms_item *it, struct ms_perm *p, const char *type, const char *scope)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64 << 10);
	const struct ms_site *site = it->drive->site;
	const char *letter = it->folder ? "f" : "u";
	char code[41];

	fc_stable_id(code, 40, MS_WORDS(p->id, type, scope));
	code[40] = 0;
	p->link_type = ms_strdup(type);
	p->link_scope = ms_strdup(scope);
	p->role = strcmp(type, "edit") ? "read" : "write";
	p->link_url = ms_printf("https://%s/:%s:/%s/%s/E%s", site->person ? it->drive->tenant->my_host : it->drive->tenant->host,
		letter, site->person ? "g" : "s", site->person ? "personal" : site->name, code);
	buf_adds(&b, "u!");
	base64url_encode(&b, p->link_url, strlen(p->link_url));
	p->share_id = ms_strdup(buf_str(&b));
}

/* "user:ADDRESS:read|write", "link:anonymous|organization:view|edit" */
void ms_perm_seed(struct ms_item *it, const char *text)
{
	_cleanup_free_ char *kind = ms_strdup(text);
	char *who = strchr(kind, ':'), *how = strrchr(kind, ':');
	struct ms_perm *p;

	if (!who || how == who)
		return;
	*who++ = 0;
	*how++ = 0;
	p = ms_perm_add(it, strcmp(how, "write") ? "read" : "write", MS_WORDS(it->id, text));
	if (!strcmp(kind, "link")) {
		ms_perm_link(it, p, strcmp(how, "edit") ? "view" : "edit", strcmp(who, "organization") ? "anonymous" : who);
		return;
	}
	p->user = ms_user_find(it->drive->tenant, who);
	p->email = ms_strdup(who);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sharing_state(const struct ms_item *it, cJSON *list)
{
	struct ms_vec words = {0};

	for (size_t i = 0; i < it->perms.n; i++) {
		const struct ms_perm *p = it->perms.v[i];
		if (p->group || !strcmp(p->role, "owner"))
			continue;
		if (!p->link_type)
			ms_vec_add(&words, ms_printf("user:%s:%s", p->user ? p->user->upn : p->email, p->role));
		else
			ms_vec_add(&words, ms_printf("link:%s:%s", p->link_scope, p->link_type));
	}
	if (words.n)
		qsort(words.v, words.n, sizeof(*words.v), by_text);
	for (size_t i = 0; i < words.n; i++) {
		cJSON_AddItemToArray(list, cJSON_CreateString(words.v[i]));
		free(words.v[i]);
	}
	free(words.v);
}

static void item_state(struct ms_drive *d, struct ms_item *it, struct arena *a, cJSON *items)
{
	struct ms_version *v = ms_item_version(it);
	cJSON *o = cJSON_CreateObject();
	const char *path = ms_item_path(a, it->parent);
	bool quarantined = false;

	for (struct ms_item *up = it->parent; up; up = up->parent)
		quarantined |= !strncasecmp(up->name, "sekisho-quarantine", 18);
	j_str(o, "provider", "microsoft");
	j_str(o, "tenant", d->tenant->name);
	j_str(o, "service", d->owner ? "onedrive" : "sharepoint");
	j_str(o, "id", it->id);
	j_str(o, "owner", d->owner ? d->owner->upn : d->site->name);
	if (d->owner) {
		j_str(o, "place", path && *path ? path : "/");
	} else {
		char *place = arena_printf(a, "/%s%s", d->name, path ? path : "");
		j_str(o, "place", place ? place : "/");
	}
	j_str(o, "name", it->name);
	j_num(o, "size", (double)fc_blob_size(v->blob));
	j_str(o, "sha256", fc_blob_digests(v->blob, DIGEST_SHA256)->sha256);
	j_array(o, "labels");
	sharing_state(it, j_array(o, "sharing"));
	char *ctag = ms_ctag(a, it);
	j_str(o, "version", ctag ? ctag : "");
	j_bool(o, "quarantined", quarantined);
	cJSON_AddItemToArray(items, o);
}

void ms_drive_state(struct ms_tenant *t, cJSON *items)
{
	for (size_t i = 0; i < t->drives.n; i++) {
		struct ms_drive *d = t->drives.v[i];
		struct arena *a = arena_new(1u << 30);
		for (size_t k = 0; a && k < d->items.n; k++) {
			struct ms_item *it = d->items.v[k];
			if (!it->folder && !it->deleted && ms_item_version(it))
				item_state(d, it, a, items);
		}
		arena_free(a);
	}
}
