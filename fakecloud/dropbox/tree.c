/* Slots, nodes and the log of a namespace; see dropbox.h for how they belong together. */
#include "fakecloud/dropbox/dropbox.h"

#include <stdlib.h>
#include <string.h>

struct dbx_slot *dbx_slot_get(struct dbx_ns *ns, const char *key)
{
	return map_get(&ns->slots, key);
}

static char *copy(const char *s)
{
	char *p = strdup(s);

	if (!p)
		abort();
	return p;
}

static struct dbx_slot *slot_make(struct dbx_ns *ns, const char *parent_key, const char *display)
{
	char *key = dbx_lower(NULL, display);
	struct dbx_slot *slot = dbx_slot_get(ns, key);

	if (!slot) {
		slot = calloc(1, sizeof(*slot));
		if (!slot)
			abort();
		slot->ns = ns;
		slot->key = map_put(&ns->slots, key, slot);
		slot->parent = parent_key;
		slot->seq = SIZE_MAX;
	}
	slot->display = copy(display);
	free(key);
	return slot;
}

void dbx_log(struct dbx_slot *slot)
{
	struct dbx_ns *ns = slot->ns;

	if (ns->log_count == ns->log_cap) {
		ns->log_cap = ns->log_cap ? ns->log_cap * 2 : 64;
		ns->log = reallocarray(ns->log, ns->log_cap, sizeof(*ns->log));
		if (!ns->log)
			abort();
	}
	slot->seq = ns->log_count;
	ns->log[ns->log_count++] = slot;
	fc_changed();
}

static struct dbx_node *below(struct dbx_node *parent)
{
	return parent->mount ? parent->mount->root : parent;
}

static void link_child(struct dbx_node *node, struct dbx_node *parent)
{
	node->parent = parent;
	node->prev = NULL;
	node->next = parent->child;
	if (parent->child)
		parent->child->prev = node;
	parent->child = node;
	node->live = true;
}

static void unlink_child(struct dbx_node *node)
{
	if (node->prev)
		node->prev->next = node->next;
	else if (node->parent)
		node->parent->child = node->next;
	if (node->next)
		node->next->prev = node->prev;
	node->parent = node->next = node->prev = NULL;
}

/* The slot of a name below a folder. */
static struct dbx_slot *slot_below(const struct dbx_node *parent, const char *name)
{
	_cleanup_buf_ struct buf path = BUF_INIT(1 << 20);

	if (buf_addf(&path, "%s/%s", parent->slot->display, name) < 0)
		abort();
	return slot_make(parent->slot->ns, parent->slot->key, path.data);
}

static void occupy(struct dbx_slot *slot, struct dbx_node *node)
{
	slot->node = node;
	slot->purged = false;
	slot->deleted_at = 0;
	node->slot = slot;
}

static void vacate(struct dbx_slot *slot)
{
	slot->node = NULL;
	slot->deleted_at = dbx_seconds(fc_now());
	dbx_log(slot);
}

struct dbx_node *dbx_node_add(struct dbx_node *parent, const char *name, bool folder, const char *id)
{
	struct dbx_node *node = calloc(1, sizeof(*node));

	if (!node)
		abort();
	node->folder = folder;
	node->name = copy(name);
	if (parent) {
		parent = below(parent);
		struct dbx_ns *ns = parent->slot->ns;
		if (id)
			snprintf(node->id, sizeof(node->id), "%s", id);
		else
			dbx_new_id(node->id, sizeof(node->id), "id:", 22, ns->team);
		map_put(&ns->team->by_node, node->id, node);
		link_child(node, parent);
		occupy(slot_below(parent, name), node);
		if (folder)
			dbx_log(node->slot);
	}
	return node;
}

struct dbx_version *dbx_version_add(struct dbx_node *node, struct fc_blob *blob, int64_t client_modified,
	int64_t server_modified, struct dbx_member *by, const char *rev)
{
	struct dbx_version *v = calloc(1, sizeof(*v));
	struct dbx_team *team = node->slot->ns->team;

	if (!v)
		abort();
	if (rev) {
		snprintf(v->rev, sizeof(v->rev), "%s", rev);
	} else {
		char number[24], when[24];
		snprintf(number, sizeof(number), "%llu", (unsigned long long)fc_next());
		snprintf(when, sizeof(when), "%lld", (long long)fc_now());
		fc_stable_id(v->rev, 20,
			(const char *const[]){team->tenant, "dropbox", "rev", number, when, NULL});
	}
	v->blob = blob;
	v->client_modified = dbx_seconds(client_modified);
	v->server_modified = dbx_seconds(server_modified);
	v->by = by;
	v->node = node;
	v->slot = node->slot;
	v->older_of_node = node->version;
	v->older_of_slot = node->slot->versions;
	node->version = v;
	node->slot->versions = v;
	map_put(&team->by_rev, v->rev, v);
	dbx_log(node->slot);
	return v;
}

void dbx_node_remove(struct dbx_node *node)
{
	unlink_child(node);
	node->live = false;
	vacate(node->slot);
	while (node->child)
		dbx_node_remove(node->child);
}

void dbx_node_revive(struct dbx_node *node, struct dbx_node *parent, const char *name)
{
	parent = below(parent);
	node->name = copy(name);
	link_child(node, parent);
	occupy(slot_below(parent, name), node);
}

/* Gives node and all below it the slots that belong to its new parent. */
static void follow(struct dbx_node *node)
{
	struct dbx_slot *old = node->slot, *new = slot_below(node->parent, node->name);

	vacate(old);
	occupy(new, node);
	if (node->folder) {
		dbx_log(new);
	} else {
		const struct dbx_version *v = node->version;
		dbx_version_add(node, v->blob, v->client_modified, v->server_modified, v->by, NULL);
	}
	for (struct dbx_node *child = node->child; child; child = child->next)
		follow(child);
}

void dbx_node_move(struct dbx_node *node, struct dbx_node *parent, const char *name)
{
	unlink_child(node);
	node->name = copy(name);
	link_child(node, below(parent));
	follow(node);
}

size_t dbx_count(const struct dbx_node *node)
{
	size_t n = 1;

	for (const struct dbx_node *child = node->child; child; child = child->next)
		n += dbx_count(child);
	return n;
}
