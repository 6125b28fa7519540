/* Who may do what at Box: ownership, collaborations (inherited downwards), locks, and the preconditions of
 * headers. Called by the handlers with the state lock held. */
#include "fakecloud/box/box.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *role;
	unsigned rights;
} roles[] = {
	{"editor", BX_VIEW | BX_DOWNLOAD | BX_UPLOAD | BX_EDIT | BX_SHARE | BX_INVITE},
	{"viewer", BX_VIEW | BX_DOWNLOAD | BX_SHARE},
	{"previewer", BX_VIEW},
	{"uploader", BX_VIEW | BX_UPLOAD},
	{"previewer uploader", BX_VIEW | BX_UPLOAD},
	{"viewer uploader", BX_VIEW | BX_DOWNLOAD | BX_UPLOAD | BX_SHARE},
	{"co-owner", BX_VIEW | BX_DOWNLOAD | BX_UPLOAD | BX_EDIT | BX_SHARE | BX_INVITE | BX_OWN},
	{"owner", BX_VIEW | BX_DOWNLOAD | BX_UPLOAD | BX_EDIT | BX_SHARE | BX_INVITE | BX_OWN},
};

unsigned bx_role_rights(const char *role)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		if (!strcmp(roles[i].role, role))
			return roles[i].rights;
	}
	return 0;
}

const char *bx_role_word(const char *role)
{
	for (size_t i = 0; role && i < ARRAY_SIZE(roles); i++) {
		if (!strcmp(roles[i].role, role))
			return roles[i].role;
	}
	return NULL;
}

bool bx_collab_live(const struct bx_collab *k)
{
	return !k->gone && (!k->expires_at || k->expires_at > fc_now());
}

static bool grants(const struct bx_collab *k, const struct bx_user *user)
{
	if (!bx_collab_live(k) || strcmp(k->status, "accepted") != 0)
		return false;
	if (k->user == user)
		return true;
	for (size_t i = 0; k->group && i < k->group->members.n; i++) {
		const struct bx_member *m = k->group->members.at[i];
		if (m->user == user && !m->gone)
			return true;
	}
	return false;
}

static unsigned direct_rights(const struct bx_user *user, const struct bx_item *it)
{
	unsigned rights = 0;

	for (size_t i = 0; i < it->collabs.n; i++) {
		const struct bx_collab *k = it->collabs.at[i];
		if (grants(k, user))
			rights |= bx_role_rights(k->role);
	}
	return rights;
}

unsigned bx_rights(const struct bx_user *user, const struct bx_item *it)
{
	unsigned rights = 0;

	if (it->owner == user)
		return bx_role_rights("owner");
	for (; it; it = it->parent)
		rights |= direct_rights(user, it);
	return rights;
}

bool bx_shown_at_root(const struct bx_user *user, const struct bx_item *it)
{
	if (it->owner == user)
		return it->parent && !it->parent->parent;
	return direct_rights(user, it) && (!it->parent || !bx_rights(user, it->parent));
}

bool bx_trashed(const struct bx_item *it)
{
	for (; it; it = it->parent) {
		if (it->trashed_at)
			return true;
	}
	return false;
}

bool bx_is_admin(const struct bx_ctx *c)
{
	return c->user->service || strcmp(c->user->role, "user") != 0;
}

bool bx_need_admin(struct bx_ctx *c)
{
	if (bx_is_admin(c))
		return true;
	bx_forbidden(c);
	return false;
}

/* What the BoxApi header adds: "shared_link=URL[&shared_link_password=…]" opens the item and all below it. */
static unsigned link_rights(struct bx_ctx *c, const struct bx_item *it)
{
	const char *header = fc_header(c->req, "BoxApi");
	_cleanup_buf_ struct buf url = BUF_INIT(4096), password = BUF_INIT(1024);
	const struct bx_item *shared;

	if (!header || form_get(header, "shared_link", &url) < 0 || !strrchr(buf_str(&url), '/'))
		return 0;
	form_get(header, "shared_link_password", &password);
	shared = bx_link_find(strrchr(url.data, '/') + 1, c->t);
	if (!shared || !bx_below(it, shared) || !strcmp(shared->link->access, "collaborators") ||
		(shared->link->password && strcmp(shared->link->password, buf_str(&password)) != 0))
		return 0;
	return BX_VIEW | (shared->link->can_download ? BX_DOWNLOAD : 0) |
	       (shared->link->can_edit ? BX_EDIT : 0);
}

struct bx_item *bx_item_for(struct bx_ctx *c, const char *id, enum bx_kind kind, unsigned rights)
{
	struct bx_item *it;
	unsigned have;

	if (kind == BX_FOLDER && !strcmp(id, "0"))
		return c->user->root;
	if (!*id || strspn(id, "0123456789") != strlen(id)) {
		bx_error(c, 405, "method_not_allowed", "Method Not Allowed");
		return NULL;
	}
	it = bx_find(c->t, id, kind);
	have = it ? bx_rights(c->user, it) | link_rights(c, it) : 0;
	if (!it || it->gone || !have) {
		bx_not_found(c, kind, id);
		return NULL;
	}
	if (bx_trashed(it)) {
		bx_error(c, 404, "trashed", "Item is trashed");
		return NULL;
	}
	if ((have & rights) != rights) {
		bx_forbidden(c);
		return NULL;
	}
	return it;
}

bool bx_lock_ok(struct bx_ctx *c, struct bx_item *it)
{
	if (it->lock && it->lock->expires_at && it->lock->expires_at <= fc_now()) {
		free(it->lock);
		it->lock = NULL;
	}
	if (!it->lock || it->lock->by == c->user || it->owner == c->user)
		return true;
	bx_error(c, 403, "access_denied_item_locked", "Access denied - item locked");
	return false;
}

/* The header holds an etag as the API gives them, bare or in quotes. */
static bool tag_is(const char *header, unsigned etag)
{
	char *end;
	unsigned long value;

	if (!strncmp(header, "W/", 2))
		header += 2;
	if (*header == '"')
		header++;
	if (*header < '0' || *header > '9')
		return false;
	value = strtoul(header, &end, 10);
	return value == etag && (!*end || !strcmp(end, "\""));
}

bool bx_match_ok(struct bx_ctx *c, unsigned etag)
{
	const char *header = fc_header(c->req, "If-Match");

	if (!header || !strcmp(header, "*") || tag_is(header, etag))
		return true;
	bx_error(c, 412, "precondition_failed",
		"The resource has been modified. Please retrieve the resource again and retry");
	return false;
}

bool bx_not_modified(struct bx_ctx *c, unsigned etag)
{
	const char *header = fc_header(c->req, "If-None-Match");

	if (!header || !tag_is(header, etag))
		return false;
	c->res->status = 304;
	fc_set_headerf(c->res, "ETag", "\"%u\"", etag);
	return true;
}

/* ---- collaborations ---- */

struct bx_collab *bx_collab_new(struct bx_item *it, struct bx_user *user, struct bx_group *group,
	const char *email, const char *role, struct bx_user *by, uint64_t id)
{
	struct bx_collab *k = bx_alloc(sizeof(*k));

	k->kind = BX_COLLAB;
	k->id = id;
	k->item = it;
	k->user = user;
	k->group = group;
	k->email = bx_strdup(email);
	k->role = role;
	/* Managed users of one enterprise accept at once; an address that is nobody's here stays invited. */
	k->status = user || group ? "accepted" : "pending";
	k->created_at = k->modified_at = fc_now();
	k->acknowledged_at = user || group ? k->created_at : 0;
	k->created_by = by;
	bx_push(&it->collabs, k);
	bx_push(&it->tenant->collabs, k);
	if (user)
		bx_push(&user->collabs, k);
	if (group)
		bx_push(&group->collabs, k);
	bx_register(it->tenant, id, k);
	return k;
}

void bx_collab_end(struct bx_collab *k)
{
	k->gone = true;
	bx_drop(&k->item->collabs, k);
	bx_drop(&k->item->tenant->collabs, k);
	if (k->user)
		bx_drop(&k->user->collabs, k);
	if (k->group)
		bx_drop(&k->group->collabs, k);
	bx_unregister(k->item->tenant, k->id);
}
