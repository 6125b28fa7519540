/* files/list_folder and its family: walks over the log of a namespace and of the team folders mounted in it.
 */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

/* A reader's place in one namespace's log. */
struct section {
	struct dbx_ns *ns;
	size_t at,
		snap; /* places before snap are the first listing: what is deleted there is of no interest */
};

struct walk {
	struct dbx_ns *base, *start;
	const char *prefix; /* key of the listed folder, in start */
	bool recursive, deleted, mounted, members, skip_documents, restorable;
	int limit;
	const char *who;
	struct section *sections;
	int count;
};

static void section_add(struct dbx_call *c, struct walk *w, struct dbx_ns *ns, bool latest)
{
	struct section *more = arena_alloc(c->arena, (size_t)(w->count + 1) * sizeof(*more));

	if (w->count)
		memcpy(more, w->sections, (size_t)w->count * sizeof(*more));
	more[w->count++] = (struct section){ns, latest ? ns->log_count : 0, ns->log_count};
	w->sections = more;
}

/* Team folders below the listed folder that this walk does not know yet. New ones come as a first listing. */
static void sections_update(struct dbx_call *c, struct walk *w, bool latest)
{
	if (!w->count)
		section_add(c, w, w->start, latest);
	if (!w->recursive || !w->mounted || w->start->kind != DBX_HOME || *w->prefix)
		return;
	for (struct dbx_node *n = w->start->root->child; n; n = n->next) {
		bool known = !n->mount || !dbx_can_read(c, n->mount);
		for (int i = 0; i < w->count && !known; i++)
			known = w->sections[i].ns == n->mount;
		if (!known)
			section_add(c, w, n->mount, latest);
	}
}

static bool below(const char *key, const char *prefix)
{
	size_t n = strlen(prefix);

	return !strncmp(key, prefix, n) && (key[n] == '/' || !key[n]);
}

static bool wanted(const struct walk *w, const struct section *s, size_t at)
{
	const struct dbx_slot *slot = s->ns->log[at];

	if (slot->seq != at || slot->purged)
		return false;
	if (!slot->node && at < s->snap && !w->deleted)
		return false;
	/* Files still without a version are being made in this very request. */
	if (slot->node && !slot->node->folder && !slot->node->version)
		return false;
	if (w->skip_documents && slot->node && !slot->node->folder && !dbx_downloadable(slot->node))
		return false;
	if (s->ns != w->start)
		return true;
	return w->recursive ? below(slot->key, w->prefix) : !strcmp(slot->parent, w->prefix);
}

/* The next place that is wanted, or -1; moves the sections on. */
static int next_wanted(struct walk *w)
{
	for (int i = 0; i < w->count; i++) {
		struct section *s = &w->sections[i];
		while (s->at < s->ns->log_count && !wanted(w, s, s->at))
			s->at++;
		if (s->at < s->ns->log_count)
			return i;
	}
	return -1;
}

static const char *identity(struct dbx_call *c)
{
	return arena_printf(c->arena, "%s%s", c->as_admin ? "admin " : "", c->member->team_member_id);
}

static char *walk_save(struct dbx_call *c, const struct walk *w)
{
	cJSON *list = cJSON_CreateArray(), *sections = cJSON_CreateArray();

	cJSON_AddItemToArray(list, cJSON_CreateString(w->who));
	cJSON_AddItemToArray(list, cJSON_CreateString(w->base->id));
	cJSON_AddItemToArray(list, cJSON_CreateString(w->start->id));
	cJSON_AddItemToArray(list, cJSON_CreateString(w->prefix));
	cJSON_AddItemToArray(
		list, cJSON_CreateNumber(w->recursive | w->deleted << 1 | w->mounted << 2 | w->members << 3 |
					 w->skip_documents << 4 | w->restorable << 5));
	cJSON_AddItemToArray(list, cJSON_CreateNumber(w->limit));
	for (int i = 0; i < w->count; i++) {
		cJSON_AddItemToArray(sections, cJSON_CreateString(w->sections[i].ns->id));
		cJSON_AddItemToArray(sections, cJSON_CreateNumber((double)w->sections[i].at));
		cJSON_AddItemToArray(sections, cJSON_CreateNumber((double)w->sections[i].snap));
	}
	cJSON_AddItemToArray(list, sections);
	return dbx_cursor_new(c, "list", list);
}

static struct dbx_ns *ns_item(const struct dbx_team *team, const cJSON *list, int i)
{
	const cJSON *v = cJSON_GetArrayItem(list, i);

	return cJSON_IsString(v) ? map_get(&team->by_ns, v->valuestring) : NULL;
}

static enum dbx_cursor walk_open(struct dbx_call *c, const char *cursor, struct walk *ret)
{
	_cleanup_json_ cJSON *list = NULL;
	struct dbx_team *team = NULL;

	enum dbx_cursor how = dbx_cursor_open(c->team, "list", cursor, &list, &team);
	if (how != DBX_CURSOR_OK)
		return how;
	c->team = team;
	const cJSON *sections = cJSON_GetArrayItem(list, 6);
	int flags = (int)cJSON_GetArrayItem(list, 4)->valuedouble;
	*ret = (struct walk){
		.who = arena_dup(c->arena, cJSON_GetArrayItem(list, 0)->valuestring),
		.base = ns_item(team, list, 1),
		.start = ns_item(team, list, 2),
		.prefix = arena_dup(c->arena, cJSON_GetArrayItem(list, 3)->valuestring),
		.recursive = flags & 1,
		.deleted = flags & 2,
		.mounted = flags & 4,
		.members = flags & 8,
		.skip_documents = flags & 16,
		.restorable = flags & 32,
		.limit = (int)cJSON_GetArrayItem(list, 5)->valuedouble,
	};
	for (int i = 0; i + 2 < cJSON_GetArraySize(sections); i += 3) {
		struct dbx_ns *ns = ns_item(team, sections, i);
		if (!ns)
			continue;
		section_add(c, ret, ns, true);
		ret->sections[ret->count - 1].at = (size_t)cJSON_GetArrayItem(sections, i + 1)->valuedouble;
		ret->sections[ret->count - 1].snap = (size_t)cJSON_GetArrayItem(sections, i + 2)->valuedouble;
	}
	return ret->base && ret->start && ret->count ? DBX_CURSOR_OK : DBX_CURSOR_BAD;
}

static cJSON *entry_of(struct dbx_call *c, const struct walk *w, const struct dbx_slot *slot)
{
	cJSON *doc = slot->node ? dbx_metadata(c, slot->node, true) : dbx_metadata_deleted(c, slot);
	if (!slot->node) {
		if (w->restorable)
			cJSON_AddBoolToObject(doc, "is_restorable", slot->versions != NULL);
		return doc;
	}
	if (w->members && !slot->node->folder)
		cJSON_AddBoolToObject(doc, "has_explicit_shared_members", slot->node->grants.count > 0);
	return doc;
}

static void answer(struct dbx_call *c, struct walk *w)
{
	cJSON *doc = cJSON_CreateObject(), *entries = cJSON_AddArrayToObject(doc, "entries");
	int n = 0, i;

	sections_update(c, w, false);
	while (n < w->limit && (i = next_wanted(w)) >= 0) {
		struct section *s = &w->sections[i];
		const struct dbx_slot *slot = s->ns->log[s->at++];
		if (dbx_can_read(c, s->ns)) {
			cJSON_AddItemToArray(entries, entry_of(c, w, slot));
			n++;
		}
	}
	bool more = next_wanted(w) >= 0;
	cJSON_AddStringToObject(doc, "cursor", walk_save(c, w));
	cJSON_AddBoolToObject(doc, "has_more", more);
	dbx_ok(c, doc);
}

static bool walk_begin(struct dbx_call *c, struct walk *ret)
{
	struct dbx_place at;
	const char *wrong = dbx_resolve(c, json_str(c->arg, "path"), &at);
	bool recursive = dbx_arg_bool(c, "recursive", false);

	if (json_object(c->arg, "shared_link")) {
		dbx_bad(c, "request body: shared_link: this link cannot be listed");
		return false;
	}
	if (wrong || !at.node || !at.node->folder) {
		dbx_errorf(c, "path/%s", wrong ? wrong : at.node ? "not_folder" : "not_found");
		return false;
	}
	*ret = (struct walk){
		.base = c->base,
		.start = at.ns,
		.prefix = at.slot->key,
		.recursive = recursive,
		.deleted = dbx_arg_bool(c, "include_deleted", false),
		.mounted = dbx_arg_bool(c, "include_mounted_folders", true),
		.members = dbx_arg_bool(c, "include_has_explicit_shared_members", false),
		.skip_documents = !dbx_arg_bool(c, "include_non_downloadable_files", true),
		.restorable = dbx_arg_bool(c, "include_restorable_info", false),
		.limit = (int)dbx_arg_int(c, "limit", 500),
		.who = identity(c),
	};
	if (c->team->page_size && ret->limit > c->team->page_size)
		ret->limit = c->team->page_size;
	return true;
}

void dbx_list_folder(struct dbx_call *c)
{
	struct walk w;

	if (walk_begin(c, &w))
		answer(c, &w);
}

void dbx_latest_cursor(struct dbx_call *c)
{
	struct walk w;

	if (!walk_begin(c, &w))
		return;
	sections_update(c, &w, true);
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "cursor", walk_save(c, &w));
	dbx_ok(c, doc);
}

void dbx_list_continue(struct dbx_call *c)
{
	struct walk w;

	switch (walk_open(c, json_str(c->arg, "cursor"), &w)) {
	case DBX_CURSOR_LOST:
		dbx_error(c, "reset");
		return;
	case DBX_CURSOR_BAD:
		dbx_bad(c, "Invalid \"cursor\" parameter: \"cursor\" is malformed");
		return;
	default:
		break;
	}
	/* A cursor belongs to the identity and the path root that it was made with. */
	if (strcmp(w.who, identity(c)) != 0 || w.base != c->base) {
		dbx_bad(c,
			"Invalid \"cursor\" parameter: \"cursor\" was issued for another user or path root");
		return;
	}
	if (!dbx_can_read(c, w.start)) {
		dbx_error(c, "path/not_found");
		return;
	}
	answer(c, &w);
}

void dbx_longpoll(struct dbx_call *c)
{
	struct walk w;

	switch (walk_open(c, json_str(c->arg, "cursor"), &w)) {
	case DBX_CURSOR_LOST:
		dbx_error(c, "reset");
		return;
	case DBX_CURSOR_BAD:
		dbx_bad(c, "Invalid \"cursor\" parameter: \"cursor\" is malformed");
		return;
	default:
		break;
	}
	bool changes = next_wanted(&w) >= 0;
	if (!changes && c->req->waited_ms < dbx_arg_int(c, "timeout", 30) * 1000) {
		c->res->wait = true;
		return;
	}
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddBoolToObject(doc, "changes", changes);
	dbx_ok(c, doc);
}
