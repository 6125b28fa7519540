/* Proving a grant: real calls for each permission that the services need. Called by microsoft.c when a connection is made
 * and at each discovery.
 *
 * A token says nothing that may be trusted about permissions, and it is issued even when none was granted; the sign is 403
 * on a call. So each permission has its own cheap call; those that write aim at an item that cannot exist, which a granted
 * permission answers with 400 or 404. Sources: provider pages of each call, x-application-permissions. */
#include "connectors/microsoft/graph.h"

#include <string.h>

#define USERS_MAX 5
#define NOBODY "sekisho-probe"

struct prober {
	struct connection *c;
	struct arena *arena;
	char **granted, **missing;
	int n_granted, n_missing;
};

#define PERMISSIONS_MAX 16

static int note(struct prober *p, bool missing, const char *permission, const char *why, struct err *err)
{
	char ***list = missing ? &p->missing : &p->granted;
	int *n = missing ? &p->n_missing : &p->n_granted;
	char *text = missing ? arena_printf(p->arena, "%s (%s)", permission, why) : arena_dup(p->arena, permission);

	if (!text)
		return err_memory(err);
	if (*n < PERMISSIONS_MAX)
		(*list)[(*n)++] = text;
	return 0;
}

/* Says nothing about a grant: asked again later. */
static bool passing(const struct err *e)
{
	return (e->class == ERR_AUTH || e->class == ERR_CONSENT || e->class == ERR_RETRY || e->class == ERR_CANCELLED ||
		       e->class == ERR_LOCAL) && e->http_status != 423;
}

/* One call, and what its answer says of the permission: all but 403 means that it is granted. */
static int probe(struct prober *p, const struct graph_call *call, const char *permission, const char *why, cJSON **ret_doc,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	struct err e = {0};
	int r = graph_json(p->c, call, &doc, &e);

	if (r < 0 && passing(&e)) {
		if (err)
			*err = e;
		return -1;
	}
	bool missing = r < 0 && e.http_status == 403 && strcmp(e.code, "unlicensed") != 0;
	if (note(p, missing, permission, why, err) < 0)
		return -1;
	if (ret_doc)
		*ret_doc = r == 0 ? TAKE_PTR(doc) : NULL;
	return 0;
}

static int get(struct prober *p, const struct buf *url, const char *permission, const char *why, cJSON **ret_doc,
	struct err *err)
{
	return probe(p, &(struct graph_call){.url = buf_str(url), .prefer = GRAPH_IMMUTABLE}, permission, why, ret_doc, err);
}

static const cJSON *first(const cJSON *doc)
{
	return cJSON_GetArrayItem(json_array(doc, "value"), 0);
}

static int check_mail(struct prober *p, const cJSON *users, bool protect, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	const cJSON *user = NULL, *entry;
	bool refused = false;

	/* The first mailbox that opens: single ones may be closed to the application, or not be there. */
	cJSON_ArrayForEach(entry, json_array(users, "value"))
	{
		struct err why = {0};
		const char *id = json_str(entry, "id");
		if (!id || graph_url(p->c, &url, err, "/users/{}/mailFolders/inbox/messages", id, NULL) < 0 ||
			url_query_int(&url, "$top", 1) < 0 || url_query(&url, "$select", "id,subject,bodyPreview") < 0)
			continue;
		int r = graph_get(p->c, buf_str(&url), GRAPH_IMMUTABLE, NULL, &why);
		if (r < 0 && passing(&why)) {
			if (err)
				*err = why;
			return -1;
		}
		user = r == 0 || (!user && why.http_status == 403) ? entry : user;
		refused = r < 0 && (refused || why.http_status == 403);
		if (r == 0)
			break;
	}
	if (!user)
		return 0;
	if (note(p, refused, "Mail.Read", "read mail", err) < 0)
		return -1;
	if (!protect)
		return 0;
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	if (!body || json_set_str(body, "destinationId", "inbox") < 0)
		return err_memory(err);
	if (graph_url(p->c, &url, err, "/users/{}/messages/{}/move", json_str(user, "id"), NOBODY, NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "POST", .url = buf_str(&url), .json = body, .prefer = GRAPH_IMMUTABLE};
	return probe(p, &call, "Mail.ReadWrite", "move, restore and delete mail", NULL, err);
}

static int check_files(struct prober *p, const cJSON *users, bool protect, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX), drive = BUF_INIT(4096);
	_cleanup_json_ cJSON *sites = NULL;
	bool opened = false, refused = false;
	const cJSON *entry;

	cJSON_ArrayForEach(entry, json_array(users, "value"))
	{
		_cleanup_json_ cJSON *doc = NULL;
		struct err why = {0};
		const char *id = json_str(entry, "id");
		if (!id || graph_url(p->c, &url, err, "/users/{}/drive", id, NULL) < 0)
			continue;
		int r = graph_get(p->c, buf_str(&url), NULL, &doc, &why);
		if (r < 0 && passing(&why)) {
			if (err)
				*err = why;
			return -1;
		}
		/* A single one may be locked. */
		refused = refused || (r < 0 && why.http_status == 403);
		opened = r == 0;
		if (!opened)
			continue;
		buf_adds(&drive, json_str_or(doc, "id", ""));
		break;
	}
	if ((opened || refused) && note(p, !opened, "Files.Read.All", "follow and read OneDrive", err) < 0)
		return -1;
	if (url_make(&url, err, p->c->graph, "/v1.0/sites", NULL) < 0)
		return -1;
	if (url_query(&url, "search", "*") < 0 || url_query_int(&url, "$top", 1) < 0)
		return err_memory(err);
	if (get(p, &url, "Sites.Read.All", "list sites and read their libraries", &sites, err) < 0)
		return -1;
	/* A company without any OneDrive still has its sites; whether writing is granted shows at the first act there. */
	if (!protect || !drive.len)
		return 0;
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	if (!body || json_set_str(body, "name", NOBODY) < 0)
		return err_memory(err);
	if (graph_url(p->c, &url, err, "/drives/{}/items/{}", buf_str(&drive), NOBODY, NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "PATCH", .url = buf_str(&url), .json = body};
	return probe(p, &call, "Files.ReadWrite.All", "move, unshare, restore and delete files", NULL, err);
}

static int check_teams(struct prober *p, const cJSON *users, bool protect, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *teams = NULL, *channels = NULL, *body = cJSON_CreateObject();
	const char *user = json_str(first(users), "id");
	cJSON *violation = cJSON_CreateObject();

	if (json_set(body, "policyViolation", violation) < 0 || json_set_str(violation, "dlpAction", "none") < 0)
		return err_memory(err);
	if (url_make(&url, err, p->c->graph, "/v1.0/teams", NULL) < 0)
		return -1;
	if (url_query_int(&url, "$top", 1) < 0)
		return err_memory(err);
	if (get(p, &url, "Team.ReadBasic.All", "list teams", &teams, err) < 0)
		return -1;
	if (user) {
		if (graph_url(p->c, &url, err, "/users/{}/chats/getAllMessages", user, NULL) < 0)
			return -1;
		if (url_query_int(&url, "$top", 1) < 0)
			return err_memory(err);
		if (get(p, &url, "Chat.Read.All", "read chat messages", NULL, err) < 0)
			return -1;
	}
	const char *team = json_str(first(teams), "id");
	if (team) {
		if (graph_url(p->c, &url, err, "/teams/{}/channels", team, NULL) < 0 ||
			get(p, &url, "Channel.ReadBasic.All", "list channels", &channels, err) < 0)
			return -1;
	}
	const char *channel = json_str(first(channels), "id");
	if (channel) {
		if (graph_url(p->c, &url, err, "/teams/{}/channels/{}/messages", team, channel, NULL) < 0)
			return -1;
		if (url_query_int(&url, "$top", 1) < 0)
			return err_memory(err);
		if (get(p, &url, "ChannelMessage.Read.All", "read channel messages", NULL, err) < 0)
			return -1;
	}
	if (!protect)
		return 0;
	if (graph_url(p->c, &url, err, "/chats/{}/messages/{}", NOBODY, "1", NULL) < 0)
		return -1;
	struct graph_call call = {.method = "PATCH", .url = buf_str(&url), .json = body};
	if (probe(p, &call, "Chat.UpdatePolicyViolation.All", "block chat messages", NULL, err) < 0)
		return -1;
	if (!channel)
		return 0;
	if (graph_url(p->c, &url, err, "/teams/{}/channels/{}/messages/{}", team, channel, "1", NULL) < 0)
		return -1;
	call.url = buf_str(&url);
	return probe(p, &call, "ChannelMessage.UpdatePolicyViolation.All", "block channel messages", NULL, err);
}

static int check_organisation(struct prober *p, struct grant_report *ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (url_make(&url, err, p->c->graph, "/v1.0/organization", NULL) < 0)
		return -1;
	if (url_query(&url, "$select", "id,displayName") < 0)
		return err_memory(err);
	if (get(p, &url, "Organization.Read.All", "name the organisation", &doc, err) < 0)
		return -1;
	ret->organisation = arena_str(p->arena, first(doc), "displayName");
	ret->organisation_id = arena_str(p->arena, first(doc), "id");
	return 0;
}

static int check_users(struct prober *p, cJSON **ret_users, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (url_make(&url, err, p->c->graph, "/v1.0/users", NULL) < 0)
		return -1;
	if (url_query(&url, "$select", "id,userPrincipalName") < 0 || url_query_int(&url, "$top", USERS_MAX) < 0)
		return err_memory(err);
	if (get(p, &url, "User.Read.All", "list users", &doc, err) < 0)
		return -1;
	if (!doc) {
		err_set(err, ERR_CONSENT, "forbidden", "User.Read.All is not granted: nothing can be followed without it");
		return err_scope(err, SCOPE_CONNECTION);
	}
	if (!json_array(doc, "value"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of users that is none");
	*ret_users = TAKE_PTR(doc);
	return 0;
}

int ms_grant_check(struct connection *c, struct grant_report *ret, struct err *err)
{
	const struct connection_config *config = c->api.config;
	struct grant_report report = {.arena = ret->arena};
	struct prober p = {.c = c, .arena = ret->arena};
	_cleanup_json_ cJSON *users = NULL;

	p.granted = arena_alloc(p.arena, (PERMISSIONS_MAX + 1) * sizeof(*p.granted));
	p.missing = arena_alloc(p.arena, (PERMISSIONS_MAX + 1) * sizeof(*p.missing));
	if (!p.granted || !p.missing)
		return err_memory(err);
	if (check_organisation(&p, &report, err) < 0 || check_users(&p, &users, err) < 0)
		return -1;
	if (((config->services & SERVICE_MAIL) && check_mail(&p, users, config->protect, err) < 0) ||
		((config->services & SERVICE_FILES) && check_files(&p, users, config->protect, err) < 0) ||
		((config->services & SERVICE_TEAMS) && check_teams(&p, users, config->protect, err) < 0))
		return -1;
	report.granted = (const char *const *)p.granted;
	report.missing = (const char *const *)p.missing;
	*ret = report;
	return 0;
}
