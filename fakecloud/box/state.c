/* The tables of the Box provider: tenants, users, items and their versions, names and ids. Called by every
 * other file of this folder with the state lock held. */
#include "fakecloud/box/box.h"

#include "base/cleanup.h"
#include "base/encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct bx_list tenants;

void *bx_alloc(size_t size)
{
	void *p = calloc(1, size);
	if (!p)
		abort();
	return p;
}

char *bx_strdup(const char *s)
{
	char *copy = s ? strdup(s) : NULL;
	if (s && !copy)
		abort();
	return copy;
}

void bx_set(char **field, const char *value)
{
	char *copy = bx_strdup(value);
	free(*field);
	*field = copy;
}

void bx_push(struct bx_list *list, void *p)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 4;
		void **at = reallocarray(list->at, cap, sizeof(*at));
		if (!at)
			abort();
		list->at = at;
		list->cap = cap;
	}
	list->at[list->n++] = p;
}

void bx_drop(struct bx_list *list, const void *p)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->at[i] == p) {
			memmove(&list->at[i], &list->at[i + 1], (list->n - i - 1) * sizeof(list->at[0]));
			list->n--;
			return;
		}
	}
}

struct bx_list *bx_tenants(void)
{
	return &tenants;
}

struct bx_tenant *bx_tenant_named(const char *name)
{
	for (size_t i = 0; i < tenants.n; i++) {
		struct bx_tenant *t = tenants.at[i];
		if (!strcmp(t->name, name))
			return t;
	}
	return NULL;
}

struct bx_tenant *bx_tenant_of_client(const char *client_id)
{
	for (size_t i = 0; client_id && i < tenants.n; i++) {
		struct bx_tenant *t = tenants.at[i];
		if (!strcmp(t->client_id, client_id))
			return t;
	}
	return NULL;
}

/* 11 or 12 digits out of a stable hash; never 0. */
static uint64_t stable_number(const char *tenant, const char *what, const char *path, unsigned attempt)
{
	char hex[17], try[12];
	const char *words[] = { "box", tenant, what, path, attempt ? try : NULL, NULL };

	snprintf(try, sizeof(try), "%u", attempt);
	fc_stable_id(hex, 14, words);
	return 100000000000ull + strtoull(hex, NULL, 16) % 900000000000ull;
}

uint64_t bx_seed_id(struct bx_tenant *t, const char *what, const char *path)
{
	for (unsigned attempt = 0;; attempt++) {
		char key[24];
		uint64_t id = stable_number(t->name, what, path, attempt);
		snprintf(key, sizeof(key), "%" PRIu64, id);
		if (!map_get(&t->ids, key))
			return id;
	}
}

uint64_t bx_new_id(void)
{
	return 2000000000000ull + fc_next(); /* 13 digits: never a seeded one */
}

void bx_register(struct bx_tenant *t, uint64_t id, void *object)
{
	char key[24];
	snprintf(key, sizeof(key), "%" PRIu64, id);
	map_put(&t->ids, key, object);
}

void bx_unregister(struct bx_tenant *t, uint64_t id)
{
	char key[24];
	snprintf(key, sizeof(key), "%" PRIu64, id);
	map_del(&t->ids, key);
}

void *bx_find(struct bx_tenant *t, const char *id, enum bx_kind kind)
{
	enum bx_kind *object = id ? map_get(&t->ids, id) : NULL;
	return object && *object == kind ? object : NULL;
}

struct bx_tenant *bx_tenant_new(const char *name)
{
	struct bx_tenant *t = bx_alloc(sizeof(*t));
	char login[160];

	t->name = fc_intern(name);
	t->as_user = true;
	t->scopes = BX_SCOPE_ALL;
	snprintf(t->enterprise, sizeof(t->enterprise), "%" PRIu64,
		stable_number(name, "enterprise", "", 0) % 100000000);
	fc_stable_id(t->client_id, 32, (const char *const[]){"box", name, "client", NULL});
	fc_stable_id(t->public_key_id, 8, (const char *const[]){"box", name, "key", NULL});
	random_hex(t->client_secret, 16);
	t->key = fc_keypair_new(name);
	bx_push(&tenants, t);
	snprintf(login, sizeof(login), "AutomationUser_%s_%.10s@boxdevedition.com", t->enterprise,
		t->client_id);
	t->service = bx_user_new(t, bx_seed_id(t, "user", "service"), "sekisho", login);
	t->service->service = true;
	t->service->app_user = true;
	bx_drop(&t->users, t->service); /* the application's account is in nobody's list of users */
	bx_templates_standard(t);
	return t;
}

/* ---- users ---- */

struct bx_user *bx_user_new(struct bx_tenant *t, uint64_t id, const char *name, const char *login)
{
	struct bx_user *u = bx_alloc(sizeof(*u));

	u->kind = BX_USER;
	u->id = id;
	u->tenant = t;
	u->name = bx_strdup(name);
	u->login = bx_strdup(login);
	u->role = "user";
	u->status = "active";
	u->language = bx_strdup("en");
	u->timezone = bx_strdup("Asia/Tokyo");
	u->job_title = bx_strdup("");
	u->phone = bx_strdup("");
	u->address = bx_strdup("");
	u->space_amount = 999999999999999;
	u->created_at = u->modified_at = fc_now();
	u->root = bx_alloc(sizeof(*u->root));
	u->root->kind = BX_FOLDER;
	u->root->tenant = t;
	u->root->owner = u->root->created_by = u->root->modified_by = u;
	u->root->name = bx_strdup("All Files");
	u->root->description = bx_strdup("");
	bx_push(&t->users, u);
	bx_register(t, id, u);
	return u;
}

struct bx_user *bx_user_by_login(struct bx_tenant *t, const char *login)
{
	for (size_t i = 0; login && i < t->users.n; i++) {
		struct bx_user *u = t->users.at[i];
		if (!strcasecmp(u->login, login))
			return u;
	}
	return login && !strcasecmp(t->service->login, login) ? t->service : NULL;
}

/* ---- items ---- */

static uint32_t name_hash(const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name; name++) {
		unsigned char ch = (unsigned char)*name;
		h = (h ^ (ch >= 'A' && ch <= 'Z' ? ch + 32u : ch)) * 16777619u;
	}
	return h;
}

void bx_attach(struct bx_item *it, struct bx_item *parent)
{
	it->parent = parent;
	it->slot = parent->children.n;
	bx_push(&parent->children, it);
}

void bx_detach(struct bx_item *it)
{
	struct bx_list *list = &it->parent->children;
	struct bx_item *last;

	if (it->slot >= list->n || list->at[it->slot] != it)
		return;
	last = list->at[--list->n];
	list->at[it->slot] = last;
	last->slot = it->slot;
	it->slot = SIZE_MAX;
}

struct bx_item *bx_item_new(struct bx_item *parent, enum bx_kind kind, uint64_t id, const char *name,
	struct bx_user *by, int64_t at)
{
	struct bx_item *it = bx_alloc(sizeof(*it));

	it->kind = kind;
	it->id = id;
	it->tenant = parent->tenant;
	it->owner = parent->owner;
	it->description = bx_strdup("");
	it->created_at = it->modified_at = it->content_created_at = it->content_modified_at = at;
	it->created_by = it->modified_by = by;
	bx_rename(it, name);
	bx_attach(it, parent);
	bx_register(it->tenant, id, it);
	return it;
}

struct bx_version *bx_version_add(
	struct bx_item *file, uint64_t id, struct fc_blob *blob, struct bx_user *by, int64_t at)
{
	struct bx_version *v = bx_alloc(sizeof(*v));
	struct bx_version *before = bx_current(file);

	v->id = id;
	v->blob = blob;
	v->name = bx_strdup(file->name);
	v->number = before ? before->number + 1 : 1;
	v->created_at = v->modified_at = at;
	v->modified_by = by;
	bx_push(&file->versions, v);
	return v;
}

struct bx_version *bx_current(const struct bx_item *file)
{
	return file->versions.n ? file->versions.at[file->versions.n - 1] : NULL;
}

struct bx_item *bx_child(const struct bx_item *folder, const char *name)
{
	uint32_t hash = name_hash(name);

	for (size_t i = 0; i < folder->children.n; i++) {
		struct bx_item *it = folder->children.at[i];
		if (it->name_hash == hash && !strcasecmp(it->name, name))
			return it;
	}
	return NULL;
}

void bx_rename(struct bx_item *it, const char *name)
{
	bx_set(&it->name, name); /* name may be the old one: gone after this */
	it->name_hash = name_hash(it->name);
}

void bx_touch(struct bx_item *it, struct bx_user *by)
{
	it->etag++;
	it->sequence++;
	it->modified_at = fc_now();
	it->modified_by = by;
}

void bx_set_owner(struct bx_item *it, struct bx_user *owner)
{
	it->owner = owner;
	for (size_t i = 0; i < it->children.n; i++)
		bx_set_owner(it->children.at[i], owner);
}

int64_t bx_size(const struct bx_item *it)
{
	int64_t size = 0;

	if (it->kind == BX_FILE)
		return fc_blob_size(bx_current(it)->blob);
	for (size_t i = 0; i < it->children.n; i++)
		size += bx_size(it->children.at[i]);
	return size;
}

const char *bx_sha1(const struct bx_version *v)
{
	const struct digests *d = fc_blob_digests(v->blob, DIGEST_SHA1);
	return d ? d->sha1 : "";
}

bool bx_below(const struct bx_item *it, const struct bx_item *folder)
{
	for (; it; it = it->parent) {
		if (it == folder)
			return true;
	}
	return false;
}
