/* From the paths of the interface ("/a/b", "id:…", "rev:…", "ns:123/a") to places, and back. */
#include "fakecloud/dropbox/dropbox.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "/a/b" or "": no empty part, no dots alone, no end slash. */
static bool well_formed(const char *path)
{
	if (!*path)
		return true;
	if (*path != '/' || strlen(path) > 16000)
		return false;
	while (*path) {
		size_t len = strcspn(++path, "/");
		if (!len || (len == 1 && *path == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return true;
}

static const char *resolve_in(struct dbx_call *c, struct dbx_ns *ns, const char *path, struct dbx_place *ret)
{
	if (!well_formed(path))
		return "malformed_path";
	/* Team folders are mounted at the top of a home only. */
	size_t first = *path ? 1 + strcspn(path + 1, "/") : 0;
	if (first && ns->kind == DBX_HOME) {
		const char *key = dbx_lower(c->arena, arena_dupn(c->arena, path, first));
		const struct dbx_slot *top = dbx_slot_get(ns, key);
		if (top && top->node && top->node->mount) {
			ns = top->node->mount;
			path += first;
			if (!dbx_can_read(c, ns))
				return "not_found";
		}
	}
	*ret = (struct dbx_place){
		.ns = ns, .display = arena_dup(c->arena, path), .key = dbx_lower(c->arena, path)};
	ret->slot = dbx_slot_get(ns, ret->key);
	ret->node = ret->slot ? ret->slot->node : NULL;
	return NULL;
}

static const char *resolve_id(struct dbx_call *c, const char *path, struct dbx_place *ret)
{
	size_t len = strcspn(path, "/");
	const char *rest = path + len;
	struct dbx_node *node = map_get(&c->team->by_node, arena_dupn(c->arena, path, len));

	if (!node || !node->live || !dbx_can_read(c, node->slot->ns))
		return "not_found";
	if (*rest && !node->folder)
		return "not_found";
	const struct dbx_slot *slot = node->slot;
	return resolve_in(c, slot->ns, arena_printf(c->arena, "%s%s", slot->display, rest), ret);
}

const char *dbx_resolve(struct dbx_call *c, const char *path, struct dbx_place *ret)
{
	if (!strncmp(path, "id:", 3))
		return resolve_id(c, path, ret);
	if (!strncmp(path, "rev:", 4)) {
		struct dbx_version *v = map_get(&c->team->by_rev, path + 4);
		if (!v || v->purged || !dbx_can_read(c, v->slot->ns))
			return "not_found";
		*ret = (struct dbx_place){
			v->slot->ns, v->slot->key, v->slot->display, v->slot, v->slot->node, v};
		return NULL;
	}
	if (!strncmp(path, "ns:", 3)) {
		size_t len = strcspn(path + 3, "/");
		struct dbx_ns *ns = map_get(&c->team->by_ns, arena_dupn(c->arena, path + 3, len));
		if (!ns || !dbx_can_read(c, ns))
			return "not_found";
		return resolve_in(c, ns, path + 3 + len, ret);
	}
	return resolve_in(c, c->base, path, ret);
}

bool dbx_shown(const struct dbx_call *c, const struct dbx_slot *slot, const char **ret_lower,
	const char **ret_display)
{
	const struct dbx_slot *mount = NULL;

	if (slot->ns == c->base) {
		*ret_lower = slot->key;
		*ret_display = slot->display;
		return true;
	}
	for (const struct dbx_node *n = c->base->root->child; n && !mount; n = n->next) {
		if (n->mount == slot->ns)
			mount = n->slot;
	}
	if (!mount)
		return false;
	*ret_lower = arena_printf(c->arena, "%s%s", mount->key, slot->key);
	*ret_display = arena_printf(c->arena, "%s%s", mount->display, slot->display);
	return true;
}

const char *dbx_name_check(const char *name)
{
	static const char *const ignored[] = {
		"desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr"};

	if (!*name || strlen(name) > 255 || strchr(name, '\\'))
		return "disallowed_name";
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p < 0x20 && *p != '\r')
			return "disallowed_name";
	}
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
		if (!strcasecmp(ignored[i], name))
			return "disallowed_name";
	}
	return NULL;
}

struct dbx_node *dbx_child(const struct dbx_node *parent, const char *name)
{
	if (parent->mount)
		parent = parent->mount->root;
	_cleanup_buf_ struct buf path = BUF_INIT(1 << 20);
	if (buf_addf(&path, "%s/%s", parent->slot->display, name) < 0)
		return NULL;
	_cleanup_free_ char *key = dbx_lower(NULL, path.data);
	const struct dbx_slot *slot = dbx_slot_get(parent->slot->ns, key);
	return slot ? slot->node : NULL;
}

const char *dbx_parent_make(
	struct dbx_call *c, const struct dbx_place *at, struct dbx_node **ret_parent, const char **ret_name)
{
	struct dbx_node *node = at->ns->root, *next;
	const char *p = at->display, *name = NULL;
	bool make = false;

	if (!*p)
		return "conflict/folder";
	/* Nothing is made before all is checked. */
	for (const char *q = p; *q;) {
		size_t len = strcspn(++q, "/");
		if (dbx_name_check(arena_dupn(c->arena, q, len)))
			return "disallowed_name";
		q += len;
	}
	while (*p) {
		size_t len = strcspn(++p, "/");
		name = arena_dupn(c->arena, p, len);
		p += len;
		if (!*p)
			break;
		next = make ? NULL : dbx_child(node, name);
		if (next && !next->folder)
			return "conflict/file_ancestor";
		if (!next) {
			next = dbx_node_add(node, name, true, NULL);
			make = true;
		}
		node = next;
	}
	*ret_parent = node;
	*ret_name = name;
	return NULL;
}

const char *dbx_free_name(
	struct dbx_call *c, const struct dbx_node *parent, const char *name, bool conflicted)
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
	const char *ext = name + stem;

	for (int i = 1;; i++) {
		const char *tried;
		if (conflicted)
			tried = i == 1 ? arena_printf(
						 c->arena, "%.*s (conflicted copy)%s", (int)stem, name, ext)
				       : arena_printf(c->arena, "%.*s (conflicted copy %d)%s", (int)stem,
						 name, i, ext);
		else
			tried = arena_printf(c->arena, "%.*s (%d)%s", (int)stem, name, i, ext);
		if (!dbx_child(parent, tried))
			return tried;
	}
}
