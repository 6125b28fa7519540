/* Which namespaces are followed: members' homes first, then team folders, shared folders and members' roots. Called by
 * dropbox.c at each discovery, on core's job threads.
 *
 * A stream is "ns/NAMESPACE"; its context names the identity to use and never changes within a cursor's life unless the
 * member through whom it is reached does. The listing's own cursor is {"stage": "members"|"namespaces", "at"}.
 * Sources: team.stone ("Duplicates may occur in the list"), "Team files guide". */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define PAGE 1000

struct lister {
	struct connection *c;
	struct stream_page page;
	struct buf admin, member, email; /* ids of the moment */
};

static int put_stream(struct lister *l, const char *remote_id, const struct dbx_as *as, const char *owner, const char *name,
	struct stream_info **ret, struct err *err)
{
	struct stream_info *s = &l->page.streams[l->page.n_streams];
	_cleanup_json_ cJSON *context = cJSON_CreateObject();
	struct arena *a = l->page.arena;

	*s = (struct stream_info){.service = "dropbox", .state = STREAM_ACTIVE};
	s->remote_id = arena_dup(a, remote_id);
	s->owner = arena_dup(a, owner);
	s->name = arena_dup(a, name);
	if (!s->remote_id || !s->owner || !s->name || !context || json_set_str(context, "ns", as->ns) < 0 ||
		json_set_str(context, "user", as->user) < 0 || json_set_str(context, "admin", as->admin) < 0)
		return err_memory(err);
	if (arena_json(a, context, &s->context, err) < 0)
		return -1;
	l->page.n_streams++;
	if (ret)
		*ret = s;
	return 0;
}

/* Team folders and shared folders are found through an administrator. */
static int put_closed(struct lister *l, const char *ns, const char *name, struct err *err)
{
	_cleanup_buf_ struct buf id = BUF_INIT(DBX_ID_MAX + 8);
	const struct dbx_as as = {.ns = ns};
	struct stream_info *s;

	if (buf_addf(&id, "ns/%s", ns) < 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "a namespace whose id is too long");
	if (put_stream(l, buf_str(&id), &as, name, name, &s, err) < 0)
		return -1;
	s->state = STREAM_FORBIDDEN;
	s->reason = "the team has no active administrator to act as";
	return 0;
}

static int put_namespace(struct lister *l, const struct dbx_as *as, const char *owner, const char *name, struct err *err)
{
	_cleanup_buf_ struct buf id = BUF_INIT(DBX_ID_MAX + 8);

	if (buf_addf(&id, "ns/%s", as->ns) < 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "a namespace whose id is too long");
	return put_stream(l, buf_str(&id), as, owner, name, NULL, err);
}

static int room(struct lister *l, const cJSON *list, struct err *err)
{
	l->page.streams = arena_alloc(l->page.arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*l->page.streams));
	return l->page.streams ? 0 : err_memory(err);
}

/* ---- members ---- */

static int put_member(struct lister *l, const cJSON *profile, struct err *err)
{
	const char *id = json_str(profile, "team_member_id"), *email = json_str_or(profile, "email", "");
	const char *home = json_str(profile, "member_folder_id"), *status = dbx_tag_of(profile, "status");
	struct stream_info *s;

	if (!id || !*id || strlen(id) >= DBX_ID_MAX)
		return err_set(err, ERR_REMOTE, "bad_answer", "a member without an id");
	if (strcmp(status, "removed") == 0)
		return 0;
	const struct dbx_as as = {.user = id, .ns = home};
	bool active = dbx_member_active(profile);
	if (active && home && *home)
		return put_namespace(l, &as, email, "/", err);
	/* Such a member's home cannot be opened, and the interface gives several of them the same number. */
	_cleanup_buf_ struct buf remote = BUF_INIT(DBX_ID_MAX + 16);
	if (buf_addf(&remote, "member/%s", id) < 0)
		return err_memory(err);
	if (put_stream(l, buf_str(&remote), &as, email, "/", &s, err) < 0)
		return -1;
	s->state = STREAM_UNLICENSED;
	s->reason = active			     ? "Dropbox names no home of the member" :
		strcmp(status, "suspended") == 0     ? "the member is suspended" :
		strcmp(status, "invited") == 0       ? "the member has not joined the team yet" :
						       "the member is not active";
	return 0;
}

static int list_members(struct lister *l, const char *at, const char **ret_next, bool *ret_more, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	const cJSON *member;
	int64_t limit = l->c->page_size > 0 && l->c->page_size < PAGE ? l->c->page_size : PAGE;

	if (!arg || (at ? json_set_str(arg, "cursor", at) : json_set_int(arg, "limit", limit)) < 0)
		return err_memory(err);
	if (dbx_object(l->c, NULL, at ? "team/members/list/continue_v2" : "team/members/list_v2", arg, &doc, err) < 0)
		return -1;
	const cJSON *list = json_array(doc, "members");
	if (!list || !cJSON_IsBool(json_get(doc, "has_more")))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of members that is none");
	if (room(l, list, err) < 0)
		return -1;
	cJSON_ArrayForEach(member, list)
	{
		if (put_member(l, json_object(member, "profile"), err) < 0)
			return -1;
	}
	*ret_more = json_bool(doc, "has_more");
	*ret_next = arena_str(l->page.arena, doc, "cursor");
	return 0;
}

/* ---- namespaces ---- */

static int put_shared(struct lister *l, const char *ns, const char *name, struct err *err)
{
	if (dbx_folder_member(l->c, buf_str(&l->admin), ns, &l->member, &l->email, err) < 0)
		return -1;
	/* Folders inside team folders may have no members of their own: an administrator reaches those. */
	const struct dbx_as as = {.user = l->member.len ? buf_str(&l->member) : NULL,
		.admin = l->member.len ? NULL : buf_str(&l->admin), .ns = ns};
	return put_namespace(l, &as, l->email.len ? buf_str(&l->email) : name, name, err);
}

/* A root of one's own, beside the home: where teams have distinct ones. */
static int put_root(struct lister *l, const char *ns, const char *member, struct err *err)
{
	_cleanup_json_ cJSON *infos = NULL;

	if (!member || !*member || strlen(member) >= DBX_ID_MAX)
		return 0;
	struct err why;
	if (dbx_members(l->c, &member, 1, &infos, &why) < 0)
		return dbx_refused(&why) ? 0 : pass_on(err, &why);
	const cJSON *profile = json_object(cJSON_GetArrayItem(infos, 0), "profile");
	const char *home = json_str(profile, "member_folder_id");
	if (!profile || !dbx_member_active(profile) || (home && strcmp(home, ns) == 0))
		return 0;
	const struct dbx_as as = {.user = member, .ns = ns};
	return put_namespace(l, &as, json_str_or(profile, "email", ""), "root", err);
}

static int put_entry(struct lister *l, const cJSON *entry, struct err *err)
{
	const char *ns = json_str(entry, "namespace_id"), *name = json_str_or(entry, "name", "");
	const char *type = dbx_tag_of(entry, "namespace_type");

	if (!ns || !*ns || strlen(ns) >= DBX_ID_MAX || !*type)
		return err_set(err, ERR_REMOTE, "bad_answer", "a namespace without an id or a type");
	if (strcmp(type, "team_folder") == 0 || strcmp(type, "shared_folder") == 0) {
		if (*type == 't' && dbx_place_is_ours(name))
			return 0;
		if (!l->admin.len)
			return put_closed(l, ns, name, err);
		const struct dbx_as as = {.admin = buf_str(&l->admin), .ns = ns};
		return *type == 't' ? put_namespace(l, &as, name, name, err) : put_shared(l, ns, name, err);
	}
	if (strcmp(type, "team_member_root") == 0)
		return put_root(l, ns, json_str(entry, "team_member_id"), err);
	/* Homes came with the members; what an app keeps in its own folder is not people's. */
	return 0;
}

static bool seen_before(const cJSON *list, const cJSON *entry)
{
	const char *id = json_str_or(entry, "namespace_id", "");

	for (const cJSON *e = list->child; e && e != entry; e = e->next)
		if (strcmp(json_str_or(e, "namespace_id", ""), id) == 0 &&
			strcmp(dbx_tag_of(e, "namespace_type"), dbx_tag_of(entry, "namespace_type")) == 0)
			return true;
	return false;
}

static int list_namespaces(struct lister *l, const char *at, const char **ret_next, bool *ret_more, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	const cJSON *entry;

	if (!arg || json_set_str(arg, "cursor", at) < 0)
		return err_memory(err);
	if (dbx_object(l->c, NULL, at ? "team/namespaces/list/continue" : "team/namespaces/list", arg, &doc, err) < 0)
		return -1;
	const cJSON *list = json_array(doc, "namespaces");
	if (!list || !cJSON_IsBool(json_get(doc, "has_more")))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of namespaces that is none");
	if (room(l, list, err) < 0 || dbx_admin_if_any(l->c, &l->admin, err) < 0)
		return -1;
	cJSON_ArrayForEach(entry, list)
	{
		if (!seen_before(list, entry) && put_entry(l, entry, err) < 0)
			return -1;
	}
	*ret_more = json_bool(doc, "has_more");
	*ret_next = arena_str(l->page.arena, doc, "cursor");
	return 0;
}

/* ---- pages ---- */

static int put_next(struct lister *l, cJSON *cursor, bool members, const char *at, struct err *err)
{
	bool loops = false;

	if (at && cursor_loops(cursor, "loops", at, 2, &loops, err) < 0)
		return -1;
	if (loops)
		return err_set(err, ERR_REMOTE, "bad_answer", "the list of %s does not end", members ? "members" : "namespaces");
	if (json_set_str(cursor, "stage", members ? "members" : "namespaces") < 0 || json_set_str(cursor, "at", at) < 0)
		return err_memory(err);
	if (!at)
		cursor_loops_clear(cursor, "loops");
	return arena_json(l->page.arena, cursor, &l->page.next, err);
}

static int list_page(struct lister *l, cJSON *cursor, struct err *err)
{
	bool members = strcmp(json_str_or(cursor, "stage", "members"), "members") == 0, more = false;
	const char *at = json_str(cursor, "at"), *next = NULL;

	if ((members ? list_members(l, at, &next, &more, err) : list_namespaces(l, at, &next, &more, err)) < 0)
		return -1;
	if (more && (!next || !*next))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list that goes on without a cursor");
	if (more)
		return put_next(l, cursor, members, next, err);
	return members ? put_next(l, cursor, false, NULL, err) : 0;
}

int dbx_streams_list(struct connection *c, const char *cursor_text, struct stream_page *ret, struct err *err)
{
	struct lister l = {.c = c, .page = {.arena = ret->arena}, .admin = BUF_INIT(DBX_ID_MAX), .member = BUF_INIT(DBX_ID_MAX),
		.email = BUF_INIT(DBX_ID_MAX)};
	_cleanup_json_ cJSON *cursor = NULL;
	int r = -1;

	if (!(c->api.config->services & SERVICE_FILES)) {
		*ret = l.page;
		return 0;
	}
	if (own_json(cursor_text, ERR_LOCAL, &cursor, err) == 0)
		r = list_page(&l, cursor, err);
	buf_free(&l.admin);
	buf_free(&l.member);
	buf_free(&l.email);
	if (r < 0)
		return -1;
	*ret = l.page;
	return 0;
}
