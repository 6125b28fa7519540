/* Proving a grant: a real call for each scope that the work needs. Called by dropbox.c when a connection is made and at
 * each discovery.
 *
 * A missing scope answers 401 missing_scope and names itself; anything else that the route itself says means that the
 * scope is there. Calls that write aim at what cannot exist. Sources: the routes' `scope` in the Stone files. */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

#define SCOPES_MAX 16
#define NO_PATH "/sekisho-probe-that-is-not-there"

struct prober {
	struct connection *c;
	struct arena *arena;
	const char **granted, **missing;
	int n_granted, n_missing;
};

static int note(struct prober *p, bool missing, const char *scope, const char *why, struct err *err)
{
	const char *text = missing ? arena_printf(p->arena, "%s (%s)", scope, why ? why : "") : scope;

	if (!text)
		return err_memory(err);
	if (missing && p->n_missing < SCOPES_MAX)
		p->missing[p->n_missing++] = text;
	if (!missing && p->n_granted < SCOPES_MAX)
		p->granted[p->n_granted++] = text;
	return 0;
}

/* Takes its argument. */
static int probe(struct prober *p, const struct dbx_as *as, const char *route, cJSON *taken, const char *scope,
	const char *why_needed, cJSON **ret_doc, struct err *err)
{
	_cleanup_json_ cJSON *arg = taken, *doc = NULL;
	struct err why = {0};

	if (!arg)
		return err_memory(err);
	int r = dbx_call(p->c, as, route, arg, &doc, &why);
	bool missing = r < 0 && why.class == ERR_CONSENT;
	/* A route that is not there says nothing: the work will show whether it is missed. */
	if (r < 0 && !missing && dbx_refused(&why) &&
		((why.http_status != 409 && why.http_status != 400) || strstr(why.message, "Unknown API function")))
		return 0;
	/* A refusal by the route is an answer; everything else says nothing about the scope. */
	if (r < 0 && !missing && why.http_status != 409 && why.http_status != 400)
		return pass_on(err, &why);
	if (r < 0 && why.class == ERR_RETRY)
		return pass_on(err, &why);
	if (r == 0 && ret_doc && !cJSON_IsObject(doc))
		return err_set(err, ERR_REMOTE, "bad_answer", "%s: an answer that is no JSON object", route);
	if (note(p, missing, scope, why_needed, err) < 0)
		return -1;
	if (ret_doc && r == 0)
		*ret_doc = TAKE_PTR(doc);
	return 0;
}

static cJSON *arg_of(const char *key, const char *value)
{
	cJSON *arg = cJSON_CreateObject();

	if (!arg || json_set_str(arg, key, value) < 0) {
		json_free(arg);
		return NULL;
	}
	return arg;
}

static cJSON *limit_of(int n)
{
	cJSON *arg = cJSON_CreateObject();

	if (!arg || json_set_int(arg, "limit", n) < 0) {
		json_free(arg);
		return NULL;
	}
	return arg;
}

static cJSON *copy_of(const char *from, const char *to)
{
	cJSON *arg = arg_of("from_path", from);

	if (!arg || json_set_str(arg, "to_path", to) < 0) {
		json_free(arg);
		return NULL;
	}
	return arg;
}

/* ---- the parts ---- */

/* Without these nothing can be followed. */
static int check_team(struct prober *p, struct grant_report *report, cJSON **ret_members, struct err *err)
{
	_cleanup_json_ cJSON *team = NULL, *members = NULL, *arg = limit_of(50);

	struct err why;
	bool named = dbx_object(p->c, NULL, "team/get_info", NULL, &team, &why) == 0;
	if (!named && !dbx_refused(&why))
		return pass_on(err, &why);
	/* The name is for people: the work goes on without it. */
	report->organisation = named ? arena_str(p->arena, team, "name") : p->c->api.config->tenant;
	report->organisation_id = named ? arena_str(p->arena, team, "team_id") : "";
	if (!report->organisation || !report->organisation_id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a team without a name or an id");
	if (!arg)
		return err_memory(err);
	if (dbx_object(p->c, NULL, "team/members/list_v2", arg, &members, err) < 0)
		return -1;
	if (!json_array(members, "members"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of members that is none");
	*ret_members = TAKE_PTR(members);
	return (named && note(p, false, "team_info.read", "", err) < 0) || note(p, false, "members.read", "", err) < 0 ? -1 : 0;
}

static const cJSON *first_active(const cJSON *members)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, json_array(members, "members"))
	{
		const cJSON *profile = json_object(member, "profile");
		if (dbx_member_active(profile) && json_str(profile, "team_member_id") && json_str(profile, "member_folder_id"))
			return profile;
	}
	return NULL;
}

static int check_reading(struct prober *p, const struct dbx_as *as, const struct dbx_as *admin, struct err *err)
{
	_cleanup_json_ cJSON *namespaces = NULL, *listing = NULL;

	if (probe(p, NULL, "team/namespaces/list", limit_of(1), "team_data.member", "list namespaces", &namespaces, err) < 0)
		return -1;
	if (as->user && probe(p, as, "files/list_folder", arg_of("path", ""), "files.metadata.read", "follow changes", &listing,
				err) < 0)
		return -1;
	/* The same scope as files/download, whose bytes are not wanted here. */
	if (as->user && probe(p, as, "files/get_temporary_link", arg_of("path", NO_PATH), "files.content.read", "read files",
				NULL, err) < 0)
		return -1;
	if (!as->user && !admin->admin)
		return 0;
	if (probe(p, as->user ? as : admin, "sharing/list_shared_links", arg_of("path", NO_PATH), "sharing.read",
		    "see who is in a shared folder, and what is shared", NULL, err) < 0)
		return -1;
	if (!admin->admin)
		return 0;
	return probe(p, admin, "files/get_metadata", arg_of("path", NO_PATH), "team_data.content.read",
		"read team folders as administrator", NULL, err);
}

static int check_acting(struct prober *p, const struct dbx_as *as, const struct dbx_as *admin, struct err *err)
{
	cJSON *activate = arg_of("team_folder_id", "0");

	if (probe(p, NULL, "team/team_folder/activate", activate, "team_data.content.write", "make the quarantine folder", NULL,
		    err) < 0)
		return -1;
	if (!as->user && !admin->admin)
		return 0;
	if (!as->user)
		as = admin;
	/* The same scope as files/move_v2, and harmless even if the path were there. */
	if (probe(p, as, "files/copy_v2", copy_of(NO_PATH, NO_PATH "-2"), "files.content.write", "move files", NULL, err) < 0 ||
		probe(p, as, "sharing/revoke_shared_link", arg_of("url", "https://www.dropbox.com/s/0/sekisho-probe"),
			"sharing.write", "end and bring back sharing", NULL, err) < 0)
		return -1;
	return probe(p, as, "files/permanently_delete", arg_of("path", NO_PATH), "files.permanent_delete",
		"delete quarantined files for good", NULL, err);
}

int dbx_grant_check(struct connection *c, struct grant_report *ret, struct err *err)
{
	const struct connection_config *config = c->api.config;
	struct grant_report report = {.arena = ret->arena};
	struct prober p = {.c = c, .arena = ret->arena};
	_cleanup_buf_ struct buf admin_id = BUF_INIT(DBX_ID_MAX);
	_cleanup_json_ cJSON *members = NULL;

	p.granted = arena_alloc(p.arena, (SCOPES_MAX + 1) * sizeof(*p.granted));
	p.missing = arena_alloc(p.arena, (SCOPES_MAX + 1) * sizeof(*p.missing));
	if (!p.granted || !p.missing)
		return err_memory(err);
	if (check_team(&p, &report, &members, err) < 0 || dbx_admin_if_any(c, &admin_id, err) < 0)
		return -1;
	if (!admin_id.len && note(&p, true, "team administrator", "reach team folders and make the quarantine folder", err) < 0)
		return -1;
	_cleanup_buf_ struct buf reason = BUF_INIT(1024);
	if (config->protect && dbx_trash_reason(c, &reason, err) < 0)
		return -1;
	if (reason.len && note(&p, true, "team folder " DBX_QUARANTINE, arena_printf(p.arena, "threats are deleted, and restored "
			"from Dropbox's history, until there is one: %s", buf_str(&reason)), err) < 0)
		return -1;
	const cJSON *profile = first_active(members);
	const struct dbx_as as = {.user = json_str(profile, "team_member_id"), .ns = json_str(profile, "member_folder_id")};
	const struct dbx_as admin = {.admin = admin_id.len ? buf_str(&admin_id) : NULL};
	if ((config->services & SERVICE_FILES) && (check_reading(&p, &as, &admin, err) < 0 ||
			(config->protect && check_acting(&p, &as, &admin, err) < 0)))
		return -1;
	report.granted = p.granted;
	report.missing = p.missing;
	*ret = report;
	return 0;
}
