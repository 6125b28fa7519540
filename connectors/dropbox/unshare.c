/* Ending a file's access from outside the team, and bringing it back. See dropbox.h (struct stay).
 *
 * An open link is narrowed to the team: so it keeps its address and its password, and is opened again. Where that is refused, or
 * does not take effect, and in team folders (modify_shared_link_settings knows no administrator), it is revoked. People from
 * outside whom the file itself is shared with are removed; what comes from a folder above cannot be ended on the file, and the
 * receipt names the folder under "open". Receipt: "links", "members" as for containing. Sources: sharing.stone. */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

static bool is_open(const cJSON *link)
{
	return strcmp(json_str_or(link, "audience", ""), "public") == 0;
}

static const char *who(const cJSON *member)
{
	return json_str_or(member, "email", json_str_or(member, "name", "a group"));
}

/* What the file itself gives to the outside: how much; *ret_above: what comes from folders, for people. */
static int count(const struct dbx_access *a, char *above, size_t size)
{
	const cJSON *e;
	int n = 0;

	above[0] = '\0';
	cJSON_ArrayForEach(e, a->links)
	{
		if (is_open(e) && json_str(e, "folder"))
			snprintf(above, size, "a public link comes from the folder %.200s", json_str(e, "folder"));
		n += is_open(e) && !json_str(e, "folder");
	}
	cJSON_ArrayForEach(e, a->members)
	{
		if (json_str(e, "folder"))
			snprintf(above, size, "%.150s comes from the folder %.200s", who(e), json_str(e, "folder"));
		n += !json_str(e, "folder");
	}
	return n;
}

static int note(struct stay *s, const struct dbx_access *a, struct err *err)
{
	cJSON *links = dbx_share_known(s->receipt, "links"), *members = dbx_share_known(s->receipt, "members");
	const cJSON *e;
	int r = 0;

	if (!links || !members)
		return err_memory(err);
	cJSON_ArrayForEach(e, a->links)
	{
		if (!is_open(e))
			continue;
		if (json_str(e, "folder"))
			r |= json_note(s->receipt, "open", "a public link comes from the folder %.200s", json_str(e, "folder"));
		else if (!dbx_share_has_link(links, e, true))
			r |= cJSON_AddItemToArray(links, cJSON_Duplicate(e, true)) ? 0 : -1;
	}
	cJSON_ArrayForEach(e, a->members)
	{
		if (json_str(e, "folder"))
			r |= json_note(s->receipt, "open", "%.150s comes from the folder %.200s", who(e), json_str(e, "folder"));
		else if (!dbx_share_has_member(members, e))
			r |= cJSON_AddItemToArray(members, cJSON_Duplicate(e, true)) ? 0 : -1;
	}
	if (a->links_unknown)
		r |= json_note(s->receipt, "open", "its links are not known: %.200s", a->why.message);
	if (a->members_unknown)
		r |= json_note(s->receipt, "open", "its members are not known: %.200s", a->why.message);
	return r ? err_memory(err) : 0;
}

int dbx_unshare_plan(struct stay *s, struct err *err)
{
	_cleanup_(dbx_access_free) struct dbx_access a = {0};
	char above[400];

	if (dbx_access_read(s->c, &s->home, s->file, &a, err) < 0)
		return -1;
	int n = count(&a, above, sizeof(above));
	if (n == 0 && above[0])
		return err_set(err, ERR_REMOTE, "not_effective", "%s and cannot be ended on the file", above);
	/* What cannot be seen cannot be said to have ended. */
	if (n == 0 && (a.links_unknown || a.members_unknown))
		return pass_on(err, &a.why);
	return note(s, &a, err);
}

/* ---- links ---- */

/* 1: it did not take effect, or is refused. *ret_password: it is still protected by one. */
static int set_audience(struct stay *s, const char *url, const char *audience, bool *ret_password, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	cJSON *settings = cJSON_CreateObject();
	struct err why;

	if (json_set(arg, "settings", settings) < 0 || json_set_str(arg, "url", url) < 0 || dbx_set_tag(settings, "audience", audience) < 0)
		return err_memory(err);
	if (!s->home.user)
		return 1;
	if (dbx_object(s->c, &s->home, "sharing/modify_shared_link_settings", arg, &doc, &why) < 0)
		return dbx_refused(&why) || why.class == ERR_GONE ? 1 : pass_on(err, &why);
	const cJSON *permissions = json_object(doc, "link_permissions");
	*ret_password = json_bool(permissions, "require_password") || strstr(dbx_tag_of(permissions, "resolved_visibility"), "password");
	return strcmp(dbx_link_audience(permissions), audience) == 0 ? 0 : 1;
}

static int end_link(struct stay *s, const cJSON *link, struct err *err)
{
	bool password;
	int r = set_audience(s, json_str(link, "url"), "team", &password, err);

	return r == 1 ? dbx_share_revoke(s->c, &s->home, link, s->receipt, err) : r;
}

static const cJSON *find_link(const cJSON *links, const char *url)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, links)
	{
		if (strcmp(json_str_or(e, "url", ""), url) == 0)
			return e;
	}
	return NULL;
}

/* By an earlier try. */
static bool made_anew(const cJSON *links, const cJSON *link)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, links)
	{
		if (is_open(e) && !json_str(e, "folder") && strcmp(json_str_or(e, "access", ""), json_str_or(link, "access", "")) == 0)
			return true;
	}
	return false;
}

static int open_link(struct stay *s, const cJSON *links, const cJSON *link, struct err *err)
{
	const char *url = json_str_or(link, "url", "");
	const cJSON *now = find_link(links, url);
	bool password = false;

	if (now && is_open(now))
		return 0;
	if (!now && made_anew(links, link))
		return 0;
	if (!now)
		return dbx_share_link(s->c, &s->home, s->id, link, s->receipt, err);
	int r = set_audience(s, url, "public", &password, err);
	if (r < 0)
		return -1;
	if (r == 1)
		return json_note(s->receipt, "not_restored", "the link %.300s is the team's only: Dropbox does not open it again", url) < 0 ?
			err_memory(err) : 0;
	if (!json_bool(link, "password") || password)
		return 0;
	/* Open to more than before. */
	if (set_audience(s, url, "team", &password, err) < 0)
		return -1;
	return json_note(s->receipt, "not_restored", "the link %.300s had a password, which is lost: it is the team's only", url) < 0 ?
		err_memory(err) : 0;
}

/* ---- the act ---- */

int dbx_unshare_end(struct stay *s, bool again, struct err *err)
{
	_cleanup_(dbx_access_free) struct dbx_access a = {0}, after = {0};
	const cJSON *e;
	char above[400];

	if (dbx_access_read(s->c, &s->home, s->file, &a, err) < 0 || note(s, &a, err) < 0)
		return -1;
	if (count(&a, above, sizeof(above)) == 0)
		return 0;
	cJSON_ArrayForEach(e, a.links)
	{
		if (is_open(e) && !json_str(e, "folder") && end_link(s, e, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(e, a.members)
	{
		if (!json_str(e, "folder") && dbx_share_expel(s->c, &s->home, s->id, e, s->receipt, err) < 0)
			return -1;
	}
	if (dbx_access_read(s->c, &s->home, s->file, &after, err) < 0)
		return -1;
	if (count(&after, above, sizeof(above)) == 0)
		return 0;
	return err_set(err, again ? ERR_REMOTE : ERR_RETRY, "not_effective", "Dropbox does not end all access: %.300s",
		json_str_or(s->receipt, "name", ""));
}

int dbx_unshare_undo(struct stay *s, struct err *err)
{
	_cleanup_(dbx_access_free) struct dbx_access now = {0};
	const cJSON *e;

	if (dbx_access_read(s->c, &s->home, s->file, &now, err) < 0)
		return -1;
	cJSON_ArrayForEach(e, json_array(s->receipt, "members"))
	{
		if (!dbx_share_has_member(now.members, e) && dbx_share_invite(s->c, &s->home, s->id, e, s->receipt, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(e, json_array(s->receipt, "links"))
	{
		if (open_link(s, now.links, e, err) < 0)
			return -1;
	}
	return 0;
}

int dbx_unshare_observe(struct stay *s, struct observation *ret, struct err *err)
{
	_cleanup_(dbx_access_free) struct dbx_access a = {0};
	char above[400];

	if (json_bool(s->receipt, "restored")) {
		ret->restored = true;
		return 0;
	}
	if (dbx_access_read(s->c, &s->home, s->file, &a, err) < 0)
		return -1;
	ret->quarantined = count(&a, above, sizeof(above)) == 0;
	return 0;
}
