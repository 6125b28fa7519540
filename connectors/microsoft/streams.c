/* Everything that can be followed: each user's mail folders, drives and chats, the sites' libraries, the teams' channels.
 * Called by microsoft.c on core's discovery thread.
 *
 * The cursor is a stack of tasks, each one list of Graph's from a page and an index on; a call works off a few of them.
 * An entry that leads to further lists puts tasks on top, a bounded number at a time: the rest of its page is read again
 * later. What is not licensed, forbidden or locked becomes a stream that says so and stops nothing; any other failure
 * fails the call, because a stream that is left out counts as gone.
 * Sources: Graph "List users", "List mailFolders", "List drives", "sites: getAllSites", "List teams", "List channels". */
#include "connectors/microsoft/graph.h"

#include <string.h>

#define REQUESTS_PER_CALL 8
#define STREAMS_PER_CALL 400
#define ENTRIES_PER_STEP 40 /* of those that put tasks on the stack */
#define PATH_MAX_BYTES 400

struct lister {
	struct connection *c;
	cJSON *tasks; /* the last one is the top */
	struct stream_page *page;
	size_t room;
	int requests;
};

/* ---- the stack ---- */

static cJSON *push(struct lister *l, const char *kind)
{
	cJSON *task = cJSON_CreateObject();

	if (!task || json_set_str(task, "t", kind) < 0 || !cJSON_AddItemToArray(l->tasks, task)) {
		json_free(task);
		return NULL;
	}
	return task;
}

/* The same list from another page or entry on. */
static int push_rest(struct lister *l, const cJSON *task, const char *link, int index, struct err *err)
{
	cJSON *rest = cJSON_Duplicate(task, true);

	if (!rest || json_set_str(rest, "l", link) < 0 || json_set_int(rest, "i", index) < 0 ||
		!cJSON_AddItemToArray(l->tasks, rest)) {
		json_free(rest);
		return err_memory(err);
	}
	return 0;
}

/* ---- what is found ---- */

static struct stream_info *add(struct lister *l, const char *service, struct err *err)
{
	struct stream_page *p = l->page;

	if (p->n_streams == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct stream_info *more = arena_alloc(p->arena, room * sizeof(*more));
		if (!more) {
			err_memory(err);
			return NULL;
		}
		if (p->n_streams)
			memcpy(more, p->streams, p->n_streams * sizeof(*more));
		p->streams = more;
		l->room = room;
	}
	struct stream_info *s = &p->streams[p->n_streams++];
	*s = (struct stream_info){.service = service, .state = STREAM_ACTIVE};
	return s;
}

/* context: pairs of key and value, ended by NULL. */
static int fill(struct lister *l, struct stream_info *s, const char *remote_id, const char *owner, const char *name,
	const char *const *context, struct err *err)
{
	struct arena *a = l->page->arena;
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();

	for (; doc && *context; context += 2)
		if (json_set_str(doc, context[0], context[1]) < 0)
			return err_memory(err);
	s->remote_id = arena_dup(a, remote_id);
	s->owner = arena_dup(a, owner ? owner : "");
	s->name = arena_dup(a, name ? name : "");
	if (!doc || !s->remote_id || !s->owner || !s->name)
		return err_memory(err);
	return arena_json(a, doc, &s->context, err);
}

/* A list that cannot be read: 0 when a stream tells so, -1 when the whole call fails. what: for people. */
static int refused(struct lister *l, const struct err *why, const char *service, const char *remote_id, const char *owner,
	const char *name, const char *what, struct err *err)
{
	static const char *const nothing[] = {NULL};
	enum stream_state state = STREAM_FORBIDDEN;
	const char *reason;

	if (why->class == ERR_GONE || (why->class == ERR_REMOTE && strcmp(why->code, "unlicensed") == 0)) {
		state = STREAM_UNLICENSED;
		reason = "there is none: not licensed, not provisioned, or not in the cloud";
	} else if (why->http_status == 423) {
		reason = "locked";
	} else if (why->class == ERR_REMOTE && strcmp(why->code, "forbidden") == 0) {
		reason = "the application may not read it";
	} else if (graph_refused(why)) {
		reason = "the service does not list it";
	} else {
		if (err)
			*err = *why;
		return -1;
	}
	struct stream_info *s = add(l, service, err);
	if (!s || fill(l, s, remote_id, owner, name, nothing, err) < 0)
		return -1;
	s->state = state;
	s->reason = arena_printf(l->page->arena, "%s: %s (%.200s)", what, reason, why->message);
	return s->reason ? 0 : err_memory(err);
}

/* ---- lists ---- */

/* A page of a list: the task's link, or the address it begins at. */
static int fetch(struct lister *l, const cJSON *task, const struct buf *start, const char *prefer, cJSON **ret_doc,
	cJSON **ret_value, const char **ret_next, struct err *err)
{
	const char *link = json_str(task, "l");

	if (link && !graph_link_ok(l->c, link)) {
		err_set(err, ERR_CURSOR, "bad_cursor", "the link of a list is none of Microsoft Graph's");
		return err_scope(err, SCOPE_CONNECTION);
	}
	l->requests++;
	if (graph_get(l->c, link ? link : buf_str(start), prefer, ret_doc, err) < 0)
		return -1;
	return graph_list(l->c, *ret_doc, ret_value, ret_next, err);
}

static int top_of(const struct lister *l, int usual)
{
	return l->c->page_size > 0 && l->c->page_size < usual ? l->c->page_size : usual;
}

/* Which entries of a page are this step's: from the task's index on, as many as a step takes. What is left of the page, or
 * the next one, goes on the stack before the tasks that the entries will push. */
static int begin_page(struct lister *l, const cJSON *task, const cJSON *value, const char *next, int *ret_from, int *ret_end,
	struct err *err)
{
	int from = (int)json_int64_or(task, "i", 0), end = from + ENTRIES_PER_STEP, size = cJSON_GetArraySize(value);

	*ret_from = from;
	*ret_end = end;
	if (end < size)
		return push_rest(l, task, json_str(task, "l"), end, err);
	return next ? push_rest(l, task, next, 0, err) : 0;
}

/* ---- users ---- */

static int add_user(struct lister *l, const cJSON *user, struct err *err)
{
	const char *id = json_str(user, "id"), *name = json_str(user, "userPrincipalName");
	unsigned services = l->c->api.config->services;
	char remote[512];

	if (!name || !*name)
		name = json_str_or(user, "mail", "");
	/* Guests have neither mailbox nor drive here. */
	if (!id || strcmp(json_str_or(user, "userType", ""), "Guest") == 0)
		return 0;
	if (services & SERVICE_TEAMS) {
		struct stream_info *s = add(l, "teams", err);
		const char *context[] = {"user", id, NULL};
		snprintf(remote, sizeof(remote), "chat/%.400s", id);
		if (!s || fill(l, s, remote, name, "Chats", context, err) < 0)
			return -1;
	}
	for (int i = 0; i < 2; i++) {
		if (!(services & (i ? SERVICE_MAIL : SERVICE_FILES)))
			continue;
		cJSON *task = push(l, i ? "mail" : "drives");
		if (!task || json_set_str(task, "u", id) < 0 || json_set_str(task, "o", name) < 0)
			return err_memory(err);
	}
	return 0;
}

static int list_users(struct lister *l, const cJSON *task, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	int i = 0, from, end;
	const char *next;
	cJSON *value, *user;
	struct err why;

	if (url_make(&url, err, l->c->graph, "/v1.0/users", NULL) < 0)
		return -1;
	if (url_query(&url, "$select", "id,userPrincipalName,mail,displayName,userType,accountEnabled") < 0 ||
		url_query_int(&url, "$top", top_of(l, 100)) < 0)
		return err_memory(err);
	if (fetch(l, task, &url, NULL, &doc, &value, &next, &why) < 0) {
		/* Nothing works without the users. */
		if (why.class == ERR_REMOTE && strcmp(why.code, "forbidden") == 0) {
			why.class = ERR_CONSENT;
			why.scope = SCOPE_CONNECTION;
		}
		if (err)
			*err = why;
		return -1;
	}
	if (begin_page(l, task, value, next, &from, &end, err) < 0)
		return -1;
	cJSON_ArrayForEach(user, value)
	{
		if (i >= from && i < end && add_user(l, user, err) < 0)
			return -1;
		i++;
	}
	return 0;
}

/* ---- mail folders ---- */

static int known_place(struct lister *l, const char *user, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(1024);
	const struct connector_env *env = l->c->api.env;

	if (ms_mail_place_key(&key, user) < 0)
		return err_memory(err);
	return env->place_get(env->ctx, buf_str(&key), ret, err) < 0 ? -1 : 0;
}

static int add_folder(struct lister *l, const cJSON *task, const cJSON *folder, struct err *err)
{
	const char *user = json_str(task, "u"), *owner = json_str(task, "o"), *id = json_str(folder, "id");
	_cleanup_buf_ struct buf path = BUF_INIT(4096), remote = BUF_INIT(4096);

	buf_addf(&path, "%.*s/%.200s", PATH_MAX_BYTES, json_str_or(task, "p", ""), json_str_or(folder, "displayName", "?"));
	if (buf_addf(&remote, "mail/%s/%s", user, id) < 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "a mail folder with a huge id");
	struct stream_info *s = add(l, "exchange", err);
	const char *context[] = {"user", user, "folder", id, "path", buf_str(&path), NULL};
	if (!s || fill(l, s, buf_str(&remote), owner, buf_str(&path) + 1, context, err) < 0)
		return -1;
	if (json_int64_or(folder, "childFolderCount", 0) <= 0)
		return 0;
	cJSON *below = push(l, "mail");
	if (!below || json_set_str(below, "u", user) < 0 || json_set_str(below, "o", owner) < 0 ||
		json_set_str(below, "f", id) < 0 || json_set_str(below, "p", buf_str(&path)) < 0)
		return err_memory(err);
	return 0;
}

static int url_folders(struct connection *c, const char *user, const char *parent, struct buf *url, struct err *err)
{
	return parent ? graph_url(c, url, err, "/users/{}/mailFolders/{}/childFolders", user, parent, NULL) :
			graph_url(c, url, err, "/users/{}/mailFolders", user, NULL);
}

static int list_folders(struct lister *l, const cJSON *task, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX), place = BUF_INIT(4096), remote = BUF_INIT(1024);
	const char *user = json_str(task, "u"), *parent = json_str(task, "f"), *next;
	int i = 0, from, end;
	_cleanup_json_ cJSON *doc = NULL;
	cJSON *value, *folder;
	struct err why;

	if (url_folders(l->c, user, parent, &url, err) < 0)
		return -1;
	if (url_query(&url, "includeHiddenFolders", "true") < 0 || url_query_int(&url, "$top", top_of(l, 100)) < 0 ||
		buf_addf(&remote, "mail/%s", user) < 0)
		return err_memory(err);
	if (known_place(l, user, &place, err) < 0)
		return -1;
	int r = fetch(l, task, &url, GRAPH_IMMUTABLE, &doc, &value, &next, &why);
	if (r < 0 && !json_str(task, "l") && graph_refused(&why) && strcmp(why.code, "unlicensed") != 0) {
		/* Without a way to list hidden folders, those that are not hidden. */
		if (url_folders(l->c, user, parent, &url, err) < 0 || url_query_int(&url, "$top", top_of(l, 100)) < 0)
			return -1;
		r = fetch(l, task, &url, GRAPH_IMMUTABLE, &doc, &value, &next, &why);
	}
	if (r < 0) {
		if (parent && why.class == ERR_GONE)
			return 0; /* deleted in the meantime */
		return refused(l, &why, "exchange", buf_str(&remote), json_str(task, "o"), "Mailbox", "mailbox", err);
	}
	if (begin_page(l, task, value, next, &from, &end, err) < 0)
		return -1;
	cJSON_ArrayForEach(folder, value)
	{
		const char *id = json_str(folder, "id"), *type = json_str_or(folder, "@odata.type", "");
		/* A search folder shows what lies in others. */
		bool wanted = id && *id && !strstr(type, "SearchFolder") && !ms_mail_folder_is_ours(folder, buf_str(&place));
		if (wanted && i >= from && i < end && add_folder(l, task, folder, err) < 0)
			return -1;
		i++;
	}
	return 0;
}

/* ---- drives ---- */

static int add_drive(struct lister *l, const char *service, const char *owner, const cJSON *drive, struct err *err)
{
	const char *id = json_str(drive, "id"), *type = json_str_or(drive, "driveType", "");
	_cleanup_buf_ struct buf remote = BUF_INIT(4096);

	if (!id || !*id)
		return 0;
	if (buf_addf(&remote, "drive/%s", id) < 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "a drive with a huge id");
	struct stream_info *s = add(l, service, err);
	const char *context[] = {"drive", id, "type", type, NULL};
	return s ? fill(l, s, buf_str(&remote), owner, json_str_or(drive, "name", "Documents"), context, err) : -1;
}

/* The one drive of a user or a site, where there is no list of them. */
static int only_drive(struct lister *l, const char *service, bool of_site, const char *id, const char *owner, struct err *why)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *drive = NULL;

	if ((of_site ? graph_url(l->c, &url, why, "/sites/{}/drive", id, NULL) :
		       graph_url(l->c, &url, why, "/users/{}/drive", id, NULL)) < 0)
		return -1;
	l->requests++;
	if (graph_get(l->c, buf_str(&url), NULL, &drive, why) < 0)
		return -1;
	return add_drive(l, service, owner, drive, why);
}

/* The drives of a user or a site. */
static int list_drives(struct lister *l, const cJSON *task, bool of_site, struct err *err)
{
	const char *id = json_str(task, of_site ? "s" : "u"), *owner = json_str(task, "o"), *next;
	const char *service = of_site ? "sharepoint" : "onedrive";
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX), remote = BUF_INIT(4096);
	_cleanup_json_ cJSON *doc = NULL;
	cJSON *value, *drive;
	struct err why;

	if ((of_site ? graph_url(l->c, &url, err, "/sites/{}/drives", id, NULL) :
		       graph_url(l->c, &url, err, "/users/{}/drives", id, NULL)) < 0)
		return -1;
	if (buf_addf(&remote, "drive/%s/%s", of_site ? "site" : "user", id) < 0)
		return err_memory(err);
	if (fetch(l, task, &url, NULL, &doc, &value, &next, &why) < 0) {
		if (!json_str(task, "l") && graph_refused(&why) && only_drive(l, service, of_site, id, owner, &why) == 0)
			return 0;
		return refused(l, &why, service, buf_str(&remote), owner, of_site ? "Site" : "OneDrive",
			of_site ? "site" : "OneDrive", err);
	}
	cJSON_ArrayForEach(drive, value)
	{
		if (add_drive(l, service, owner, drive, err) < 0)
			return -1;
	}
	return next ? push_rest(l, task, next, 0, err) : 0;
}

/* ---- sites ---- */

/* People's own sites hold their OneDrives, which come by the users. */
static bool is_personal(const cJSON *site)
{
	return json_bool(site, "isPersonalSite") || strstr(json_str_or(site, "webUrl", ""), "-my.sharepoint.") ||
		strstr(json_str_or(site, "webUrl", ""), "/personal/");
}

static int list_sites(struct lister *l, const cJSON *task, struct err *err)
{
	int i = 0, from, end;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	bool search = json_bool(task, "q");
	_cleanup_json_ cJSON *doc = NULL;
	cJSON *value, *site;
	const char *next;
	struct err why;

	if (url_make(&url, err, l->c->graph, search ? "/v1.0/sites" : "/v1.0/sites/getAllSites", NULL) < 0)
		return -1;
	if ((search && url_query(&url, "search", "*") < 0) || url_query_int(&url, "$top", top_of(l, 100)) < 0)
		return err_memory(err);
	if (fetch(l, task, &url, NULL, &doc, &value, &next, &why) < 0) {
		if (search || why.class == ERR_RETRY || why.class == ERR_AUTH || why.class == ERR_CANCELLED)
			return refused(l, &why, "sharepoint", "drive/sites", "SharePoint", "Sites", "list of sites", err);
		/* Not every cloud and permission has getAllSites. */
		cJSON *other = push(l, "sites");
		return !other || json_set_bool(other, "q", true) < 0 ? err_memory(err) : 0;
	}
	if (begin_page(l, task, value, next, &from, &end, err) < 0)
		return -1;
	cJSON_ArrayForEach(site, value)
	{
		const char *id = json_str(site, "id");
		if (id && *id && !is_personal(site) && !json_get(site, "@removed") && i >= from && i < end) {
			cJSON *drives = push(l, "library");
			if (!drives || json_set_str(drives, "s", id) < 0 ||
				json_set_str(drives, "o", json_str_or(site, "displayName", json_str_or(site, "name", id))) < 0)
				return err_memory(err);
		}
		i++;
	}
	return 0;
}

/* ---- teams ---- */

static int list_teams(struct lister *l, const cJSON *task, struct err *err)
{
	int i = 0, from, end;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	cJSON *value, *team;
	const char *next;
	struct err why;

	if (url_make(&url, err, l->c->graph, "/v1.0/teams", NULL) < 0)
		return -1;
	if (url_query(&url, "$select", "id,displayName") < 0 || url_query_int(&url, "$top", top_of(l, 100)) < 0)
		return err_memory(err);
	if (fetch(l, task, &url, NULL, &doc, &value, &next, &why) < 0)
		return refused(l, &why, "teams", "channel/teams", "Teams", "Teams", "list of teams", err);
	if (begin_page(l, task, value, next, &from, &end, err) < 0)
		return -1;
	cJSON_ArrayForEach(team, value)
	{
		const char *id = json_str(team, "id");
		if (id && *id && i >= from && i < end) {
			cJSON *channels = push(l, "channels");
			if (!channels || json_set_str(channels, "g", id) < 0 ||
				json_set_str(channels, "o", json_str_or(team, "displayName", id)) < 0)
				return err_memory(err);
		}
		i++;
	}
	return 0;
}

static int list_channels(struct lister *l, const cJSON *task, struct err *err)
{
	const char *team = json_str(task, "g"), *owner = json_str(task, "o"), *next;
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX), remote = BUF_INIT(4096);
	_cleanup_json_ cJSON *doc = NULL;
	cJSON *value, *channel;
	struct err why;

	if (graph_url(l->c, &url, err, "/teams/{}/channels", team, NULL) < 0)
		return -1;
	if (buf_addf(&remote, "channel/%s", team) < 0)
		return err_memory(err);
	if (fetch(l, task, &url, NULL, &doc, &value, &next, &why) < 0)
		return refused(l, &why, "teams", buf_str(&remote), owner, "Channels", "channels of a team", err);
	cJSON_ArrayForEach(channel, value)
	{
		const char *id = json_str(channel, "id");
		if (!id || !*id)
			continue;
		buf_clear(&remote);
		if (buf_addf(&remote, "channel/%s/%s", team, id) < 0)
			return err_set(err, ERR_REMOTE, "bad_answer", "a channel with a huge id");
		struct stream_info *s = add(l, "teams", err);
		const char *context[] = {"team", team, "channel", id, NULL};
		if (!s || fill(l, s, buf_str(&remote), owner, json_str_or(channel, "displayName", "?"), context, err) < 0)
			return -1;
	}
	return next ? push_rest(l, task, next, 0, err) : 0;
}

/* ---- the call ---- */

static int step(struct lister *l, const cJSON *task, struct err *err)
{
	const char *kind = json_str_or(task, "t", "");

	if (strcmp(kind, "users") == 0)
		return list_users(l, task, err);
	if (strcmp(kind, "mail") == 0)
		return list_folders(l, task, err);
	if (strcmp(kind, "drives") == 0 || strcmp(kind, "library") == 0)
		return list_drives(l, task, kind[0] == 'l', err);
	if (strcmp(kind, "sites") == 0)
		return list_sites(l, task, err);
	if (strcmp(kind, "teams") == 0)
		return list_teams(l, task, err);
	if (strcmp(kind, "channels") == 0)
		return list_channels(l, task, err);
	return err_set(err, ERR_CURSOR, "bad_cursor", "a list of streams that is not known");
}

int ms_streams_list(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err)
{
	struct stream_page page = {.arena = ret->arena};
	struct lister l = {.c = c, .page = &page};
	_cleanup_json_ cJSON *doc = NULL;
	unsigned services = c->api.config->services;

	if (own_json(cursor, ERR_CURSOR, &doc, err) < 0)
		return -1;
	l.tasks = json_array(doc, "tasks");
	if (!l.tasks && json_set(doc, "tasks", l.tasks = cJSON_CreateArray()) < 0)
		return err_memory(err);
	if (!cursor && (((services & SERVICE_TEAMS) && !push(&l, "teams")) || ((services & SERVICE_FILES) && !push(&l, "sites")) ||
			       !push(&l, "users")))
		return err_memory(err);
	while (cJSON_GetArraySize(l.tasks) > 0 && l.requests < REQUESTS_PER_CALL && page.n_streams < STREAMS_PER_CALL) {
		_cleanup_json_ cJSON *task = cJSON_DetachItemFromArray(l.tasks, cJSON_GetArraySize(l.tasks) - 1);
		if (step(&l, task, err) < 0)
			return -1;
	}
	if (cJSON_GetArraySize(l.tasks) > 0 && arena_json(ret->arena, doc, &page.next, err) < 0)
		return -1;
	*ret = page;
	return 0;
}
