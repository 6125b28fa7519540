/* Permissions of items: list, change, take away, invite, link. Source: Graph v1.0, permission, driveItem: invite,
 * driveItem: createLink. State lock held; c->item is set. */
#include "fakecloud/microsoft/microsoft.h"

#include <string.h>
#include <strings.h>

struct held {
	struct ms_item *on;
	struct ms_perm *perm;
};

static cJSON *held_json(struct ms_ctx *c, void *one, const struct ms_select *sel)
{
	struct held *h = one;

	return ms_perm_json(c, c->item, h->on, h->perm);
}

static const char *context(struct ms_ctx *c)
{
	return ms_fmt(c, "drives('%s')/items('%s')/permissions", c->drive->id, c->item->id);
}

void ms_perm_list(struct ms_ctx *c)
{
	size_t n = 0;
	struct held *all;
	void **v;

	for (struct ms_item *at = c->item; at; at = at->inheritance_broken ? NULL : at->parent)
		n += at->perms.n;
	all = arena_alloc(c->req->arena, (n + 1) * sizeof(*all));
	v = arena_alloc(c->req->arena, (n + 1) * sizeof(*v));
	n = 0;
	for (struct ms_item *at = c->item; all && v && at; at = at->inheritance_broken ? NULL : at->parent) {
		for (size_t i = 0; i < at->perms.n; i++, n++) {
			all[n] = (struct held){at, at->perms.v[i]};
			v[n] = &all[n];
		}
	}
	struct ms_source src = {.v = v, .n = n, .make = held_json, .context = context(c), .top = 200, .max_top = 999};
	ms_list(c, &src);
}

/* By arg[0]; answered when there is none. */
static bool find(struct ms_ctx *c, struct held *ret)
{
	for (struct ms_item *at = c->item; at; at = at->inheritance_broken ? NULL : at->parent) {
		for (size_t i = 0; i < at->perms.n; i++) {
			struct ms_perm *p = at->perms.v[i];
			if (strcmp(p->id, c->arg[0]) && (!p->share_id || strcmp(p->share_id, c->arg[0])))
				continue;
			*ret = (struct held){at, p};
			return true;
		}
	}
	ms_error(c, 404, "itemNotFound", "The permission could not be found.");
	return false;
}

void ms_perm_get(struct ms_ctx *c)
{
	struct held h;

	if (find(c, &h))
		ms_one(c, 200, &h, held_json, context(c), true);
}

/* Only direct permissions that are not the owner's can be changed. */
static bool direct(struct ms_ctx *c, const struct held *h)
{
	if (h->on != c->item) {
		ms_error(c, 403, "accessDenied", "The permission is inherited and can be changed at its origin only.");
		return false;
	}
	if (!strcmp(h->perm->role, "owner")) {
		ms_error(c, 403, "accessDenied", "The owner's permission cannot be changed.");
		return false;
	}
	return true;
}

static const char *role_of(const cJSON *body)
{
	static const char *const roles[] = {"read", "write", "owner"};
	const cJSON *first = json_array(body, "roles") ? json_array(body, "roles")->child : NULL;

	for (size_t i = 0; cJSON_IsString(first) && i < ARRAY_SIZE(roles); i++) {
		if (!strcasecmp(first->valuestring, roles[i]))
			return roles[i];
	}
	return NULL;
}

void ms_perm_patch(struct ms_ctx *c)
{
	const cJSON *body = ms_body(c);
	const char *role = role_of(body), *expires = json_str(body, "expirationDateTime");
	struct held h;

	if (!find(c, &h) || !direct(c, &h))
		return;
	if ((!role && !expires) || (role && h.perm->link_type) || (role && !strcmp(role, "owner"))) {
		ms_error(c, 400, "invalidRequest", "Only roles (read, write) and expirationDateTime can be changed.");
		return;
	}
	if (role)
		h.perm->role = role;
	if (expires)
		h.perm->expires = ms_strdup(expires);
	ms_item_changed(c->item, 's');
	ms_one(c, 200, &h, held_json, context(c), true);
}

void ms_perm_delete(struct ms_ctx *c)
{
	struct held h;

	if (!find(c, &h) || !direct(c, &h))
		return;
	ms_vec_remove(&c->item->perms, h.perm);
	ms_item_changed(c->item, 's');
	ms_empty(c, 204);
}

/* Sharing for the first time without what was inherited: direct permissions and the owner's alone remain. */
static void inheritance_break(struct ms_item *it)
{
	struct ms_perm *p;

	if (it->inheritance_broken || !it->parent)
		return;
	it->inheritance_broken = true;
	it->perms.n = 0;
	if (it->drive->owner) {
		p = ms_perm_add(it, "owner", MS_WORDS(it->id, "owner"));
		p->user = it->drive->owner;
	} else {
		p = ms_perm_add(it, "owner", MS_WORDS(it->id, "Owners"));
		p->group = ms_printf("%s Owners", it->drive->site->name);
	}
}

static bool keeps_inherited(const cJSON *body)
{
	return !cJSON_IsFalse(json_get(body, "retainInheritedPermissions"));
}

static struct ms_perm *invite_one(struct ms_ctx *c, const cJSON *who, const char *role, const char *expires)
{
	const char *email = json_str(who, "email"), *id = json_str(who, "objectId");
	struct ms_user *user;
	struct ms_perm *p;

	if (!email && !id)
		email = json_str(who, "alias");
	user = ms_user_find(c->t, id ? id : email);
	if (user)
		email = user->upn;
	for (size_t i = 0; i < c->item->perms.n; i++) {
		p = c->item->perms.v[i];
		if (!p->link_type && ((user && p->user == user) || (!user && p->email && !strcasecmp(p->email, email)))) {
			if (strcmp(p->role, "owner"))
				p->role = role;
			return p;
		}
	}
	p = ms_perm_add(c->item, role, NULL);
	p->user = user;
	p->email = ms_strdup(email);
	p->expires = expires ? ms_strdup(expires) : NULL;
	return p;
}

void ms_invite(struct ms_ctx *c)
{
	const cJSON *body = ms_body(c), *recipients = json_array(body, "recipients"), *one;
	const char *role = role_of(body);
	struct ms_perm *p;
	cJSON *doc, *value;

	if (!recipients || !recipients->child || !role || !strcmp(role, "owner")) {
		ms_error(c, 400, "invalidRequest", "Recipients and roles (read, write) are required.");
		return;
	}
	cJSON_ArrayForEach(one, recipients)
	{
		const char *id = json_str(one, "objectId"), *email = json_str(one, "email");
		if ((id && !ms_user_find(c->t, id)) || (!id && !email && !json_str(one, "alias")) ||
			(email && !strchr(email, '@'))) {
			ms_error(c, 400, "invalidRequest", "One or more recipients could not be resolved.");
			return;
		}
	}
	if (!keeps_inherited(body))
		inheritance_break(c->item);
	doc = cJSON_CreateObject();
	j_str(doc, "@odata.context", ms_fmt(c, "%s/v1.0/$metadata#Collection(microsoft.graph.permission)", c->base));
	value = j_array(doc, "value");
	cJSON_ArrayForEach(one, recipients)
	{
		p = invite_one(c, one, role, json_str(body, "expirationDateTime"));
		cJSON_AddItemToArray(value, ms_perm_json(c, c->item, c->item, p));
	}
	ms_item_changed(c->item, 's');
	ms_json(c, 200, doc);
}

void ms_create_link(struct ms_ctx *c)
{
	const cJSON *body = ms_body(c), *one;
	const char *type = json_str_or(body, "type", "view"), *scope = json_str_or(body, "scope", "organization");
	struct ms_perm *p = NULL;

	if ((strcmp(type, "view") && strcmp(type, "edit") && strcmp(type, "embed") && strcmp(type, "review") &&
		    strcmp(type, "blocksDownload")) ||
		(strcmp(scope, "anonymous") && strcmp(scope, "organization") && strcmp(scope, "users"))) {
		ms_error(c, 400, "invalidRequest", "The type or scope of the link is not valid.");
		return;
	}
	if (!strcmp(type, "embed")) {
		ms_error(c, 400, "notSupported", "Embeddable links are not supported for this account.");
		return;
	}
	if (!keeps_inherited(body))
		inheritance_break(c->item);
	for (size_t i = 0; !p && strcmp(scope, "users") && i < c->item->perms.n; i++) {
		struct ms_perm *old = c->item->perms.v[i];
		if (old->link_type && !strcmp(old->link_type, type) && !strcmp(old->link_scope, scope))
			p = old;
	}
	if (!p) {
		p = ms_perm_add(c->item, "read", NULL);
		ms_perm_link(c->item, p, type, scope);
		p->prevents_download = !strcmp(type, "blocksDownload");
		cJSON_ArrayForEach(one, json_array(body, "recipients"))
		{
			if (json_str(one, "email"))
				ms_vec_add(&p->people, ms_strdup(json_str(one, "email")));
		}
		ms_item_changed(c->item, 's');
	}
	if (json_str(body, "expirationDateTime"))
		p->expires = ms_strdup(json_str(body, "expirationDateTime"));
	p->password |= json_str(body, "password") != NULL;
	struct held h = {c->item, p};
	ms_one(c, 200, &h, held_json, context(c), true);
}
