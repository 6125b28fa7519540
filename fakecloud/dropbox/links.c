/* sharing/: shared links. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>

struct dbx_link *dbx_link_add(struct dbx_team *team, struct dbx_node *node, struct dbx_member *owner,
	const char *audience, bool edit)
{
	struct dbx_link *link = calloc(1, sizeof(*link));
	char id[32], key[40];
	_cleanup_buf_ struct buf url = BUF_INIT(8192), name = BUF_INIT(4096);

	team->links = reallocarray(team->links, team->link_count + 1, sizeof(struct dbx_link *));
	if (!link || !team->links)
		abort();
	dbx_new_id(id, sizeof(id), "", 20, team);
	random_hex(key, 12);
	url_encode(&name, node->name, "");
	buf_addf(
		&url, "https://www.dropbox.com/scl/%s/%s/%s", node->folder ? "fo" : "fi", id, buf_str(&name));
	*link = (struct dbx_link){.node = node,
		.owner = owner,
		.audience = audience,
		.edit = edit,
		.number = (int64_t)team->link_count};
	map_put(&team->by_link, url.data, link);
	buf_addf(&url, "?rlkey=%s&dl=0", key);
	link->url = buf_take(&url);
	team->links[team->link_count++] = link;
	return link;
}

static struct dbx_link *find(struct dbx_call *c, const char *url)
{
	struct dbx_link *link = map_get(&c->team->by_link, arena_dupn(c->arena, url, strcspn(url, "?#")));

	return link && !link->revoked && link->node->live ? link : NULL;
}

static void add_permissions(cJSON *doc, const struct dbx_link *link, bool can_revoke)
{
	cJSON *p = cJSON_AddObjectToObject(doc, "link_permissions");
	const char *seen = link->password		       ? "password"
			   : !strcmp(link->audience, "public") ? "public"
			   : !strcmp(link->audience, "team")   ? "team_only"
							       : "no_one";

	dbx_add_tag(p, "resolved_visibility", seen);
	dbx_add_tag(p, "requested_visibility", strcmp(seen, "no_one") != 0 ? seen : "team_only");
	cJSON_AddBoolToObject(p, "can_revoke", can_revoke);
	dbx_add_tag(p, "effective_audience", link->audience);
	dbx_add_tag(p, "link_access_level", link->edit ? "editor" : "viewer");
	cJSON *policies = cJSON_AddArrayToObject(p, "visibility_policies");
	static const char *const visible[] = {"public", "team_only", "password"};
	for (size_t i = 0; i < ARRAY_SIZE(visible); i++) {
		cJSON *one = cJSON_CreateObject();
		dbx_add_tag(one, "policy", visible[i]);
		dbx_add_tag(one, "resolved_policy", visible[i]);
		cJSON_AddBoolToObject(one, "allowed", true);
		cJSON_AddItemToArray(policies, one);
	}
	cJSON_AddBoolToObject(p, "can_set_expiry", true);
	cJSON_AddBoolToObject(p, "can_remove_expiry", link->expires_at != 0);
	cJSON_AddBoolToObject(p, "allow_download", !link->no_download);
	cJSON_AddBoolToObject(p, "can_allow_download", true);
	cJSON_AddBoolToObject(p, "can_disallow_download", true);
	cJSON_AddBoolToObject(p, "allow_comments", true);
	cJSON_AddBoolToObject(p, "team_restricts_comments", false);
	cJSON *options = cJSON_AddArrayToObject(p, "audience_options");
	static const char *const audiences[] = {"public", "team", "no_one"};
	for (size_t i = 0; i < ARRAY_SIZE(audiences); i++) {
		cJSON *one = cJSON_CreateObject();
		dbx_add_tag(one, "audience", audiences[i]);
		cJSON_AddBoolToObject(one, "allowed", true);
		cJSON_AddItemToArray(options, one);
	}
	cJSON_AddBoolToObject(p, "can_set_password", true);
	cJSON_AddBoolToObject(p, "can_remove_password", link->password);
	cJSON_AddBoolToObject(p, "require_password", link->password);
}

/* Who may end or change it: its maker, the owner of the home, an administrator in team folders. */
static bool may_change(const struct dbx_call *c, const struct dbx_link *link)
{
	const struct dbx_ns *ns = link->node->slot->ns;

	if (c->as_admin)
		return ns->kind == DBX_TEAM_FOLDER || ns->owner == c->member;
	return link->owner == c->member || ns->owner == c->member;
}

static cJSON *metadata(const struct dbx_call *c, const struct dbx_link *link)
{
	const struct dbx_node *node = link->node;
	cJSON *doc = dbx_tag(node->folder ? "folder" : "file");
	const char *lower, *display;

	cJSON_AddStringToObject(doc, "url", link->url);
	cJSON_AddStringToObject(doc, "id", node->id);
	cJSON_AddStringToObject(doc, "name", node->name);
	if (link->expires_at)
		dbx_add_time(doc, "expires", link->expires_at);
	if (dbx_shown(c, node->slot, &lower, &display))
		cJSON_AddStringToObject(doc, "path_lower", lower);
	add_permissions(doc, link, may_change(c, link));
	if (link->owner) {
		cJSON *info = cJSON_AddObjectToObject(doc, "team_member_info");
		cJSON *team = cJSON_AddObjectToObject(info, "team_info");
		cJSON_AddStringToObject(team, "id", c->team->id);
		cJSON_AddStringToObject(team, "name", c->team->name);
		cJSON_AddStringToObject(info, "display_name", link->owner->display);
		cJSON_AddStringToObject(info, "member_id", link->owner->team_member_id);
	}
	cJSON *owner = cJSON_AddObjectToObject(doc, "content_owner_team_info");
	cJSON_AddStringToObject(owner, "id", c->team->id);
	cJSON_AddStringToObject(owner, "name", c->team->name);
	if (!node->folder) {
		dbx_add_time(doc, "client_modified", node->version->client_modified);
		dbx_add_time(doc, "server_modified", node->version->server_modified);
		cJSON_AddStringToObject(doc, "rev", node->version->rev);
		cJSON_AddNumberToObject(doc, "size", (double)fc_blob_size(node->version->blob));
	}
	return doc;
}

/* Does a link show in the caller's list: his own, or (as administrator) all that he may read. */
static bool listed(
	const struct dbx_call *c, const struct dbx_link *link, const struct dbx_node *node, bool direct)
{
	if (link->revoked || !link->node->live || !dbx_can_read(c, link->node->slot->ns))
		return false;
	if (!c->as_admin && link->owner != c->member)
		return false;
	if (!node)
		return !c->as_admin || link->owner == c->member;
	for (const struct dbx_node *n = node; n; n = direct ? NULL : n->parent) {
		if (n == link->node)
			return true;
	}
	return false;
}

void dbx_links_list(struct dbx_call *c)
{
	const char *path = json_str(c->arg, "path"), *cursor = json_str(c->arg, "cursor");
	size_t at = 0, left = c->team->page_size ? (size_t)c->team->page_size : 200;
	struct dbx_place place = {0};
	bool direct = dbx_arg_bool(c, "direct_only", false);

	if (cursor && *cursor) {
		_cleanup_json_ cJSON *list = NULL;
		if (dbx_cursor_open(c->team, "links", cursor, &list, NULL) != DBX_CURSOR_OK) {
			dbx_error(c, "reset");
			return;
		}
		at = (size_t)cJSON_GetArrayItem(list, 0)->valuedouble;
		path = arena_dup(c->arena, cJSON_GetArrayItem(list, 1)->valuestring);
		direct = cJSON_IsTrue(cJSON_GetArrayItem(list, 2));
	}
	if (path && *path) {
		const char *wrong = dbx_resolve(c, path, &place);
		if (wrong || !place.node) {
			dbx_errorf(c, "path/%s", wrong ? wrong : "not_found");
			return;
		}
	}
	cJSON *doc = cJSON_CreateObject(), *links = cJSON_AddArrayToObject(doc, "links");
	for (; at < c->team->link_count; at++) {
		if (!listed(c, c->team->links[at], place.node, direct))
			continue;
		if (!left--)
			break;
		cJSON_AddItemToArray(links, metadata(c, c->team->links[at]));
	}
	bool more = at < c->team->link_count;
	cJSON_AddBoolToObject(doc, "has_more", more);
	if (more) {
		cJSON *list = cJSON_CreateArray();
		cJSON_AddItemToArray(list, cJSON_CreateNumber((double)at));
		cJSON_AddItemToArray(list, cJSON_CreateString(path ? path : ""));
		cJSON_AddItemToArray(list, cJSON_CreateBool(direct));
		cJSON_AddStringToObject(doc, "cursor", dbx_cursor_new(c, "links", list));
	}
	dbx_ok(c, doc);
}

/* Applies SharedLinkSettings. NULL, or a chain: "settings_error/invalid_settings". */
static const char *apply(struct dbx_link *link, const cJSON *settings)
{
	const char *expires = json_str(settings, "expires"),
		   *audience = dbx_tag_of(json_get(settings, "audience"));
	const char *visibility = dbx_tag_of(json_get(settings, "requested_visibility"));
	const char *access = dbx_tag_of(json_get(settings, "access")),
		   *password = json_str(settings, "link_password");
	int64_t at = link->expires_at;

	if (expires && (time_parse(expires, &at) < 0 || at <= fc_now()))
		return "settings_error/invalid_settings";
	bool wants =
		json_bool(settings, "require_password") || (visibility && !strcmp(visibility, "password"));
	if (wants && (!password || !*password))
		return "settings_error/invalid_settings";
	link->expires_at = at;
	/* What a change does not name stays. */
	if (wants || visibility || json_get(settings, "require_password"))
		link->password = wants;
	if (audience &&
		(!strcmp(audience, "public") || !strcmp(audience, "team") || !strcmp(audience, "no_one")))
		link->audience = fc_intern(audience);
	else if (visibility)
		link->audience = !strcmp(visibility, "team_only") ? "team" : "public";
	if (access)
		link->edit = !strcmp(access, "editor");
	if (cJSON_IsBool(json_get(settings, "allow_download")))
		link->no_download = !json_bool(settings, "allow_download");
	return NULL;
}

void dbx_link_create(struct dbx_call *c)
{
	struct dbx_place at;
	const char *wrong = dbx_resolve(c, json_str(c->arg, "path"), &at);
	const cJSON *settings = json_object(c->arg, "settings");

	if (wrong || !at.node) {
		dbx_errorf(c, "path/%s", wrong ? wrong : "not_found");
		return;
	}
	for (size_t i = 0; i < c->team->link_count; i++) {
		struct dbx_link *old = c->team->links[i];
		if (old->revoked || old->node != at.node || old->owner != c->member)
			continue;
		cJSON *error = dbx_tag("shared_link_already_exists");
		cJSON *inner = dbx_add_tag(error, "shared_link_already_exists", "metadata");
		cJSON_AddItemToObject(inner, "metadata", metadata(c, old));
		dbx_error_doc(c, 409, "shared_link_already_exists/metadata", error);
		return;
	}
	struct dbx_link probe = {.audience = "public"};
	wrong = apply(&probe, settings);
	if (wrong) {
		dbx_error(c, wrong);
		return;
	}
	struct dbx_link *link = dbx_link_add(c->team, at.node, c->member, "public", false);
	apply(link, settings);
	dbx_event(c, "shared_link_create", at.node, NULL, NULL, NULL);
	dbx_ok(c, metadata(c, link));
}

/* The link of the argument; NULL after the error was answered. */
static struct dbx_link *link_of(struct dbx_call *c, bool change)
{
	const char *url = json_str(c->arg, "url");
	struct dbx_link *link = find(c, url);

	if (!link)
		dbx_error(c, "shared_link_not_found");
	else if (change ? !may_change(c, link) : link->expires_at && link->expires_at <= fc_now())
		dbx_error(c, "shared_link_access_denied");
	else
		return link;
	return NULL;
}

void dbx_link_modify(struct dbx_call *c)
{
	struct dbx_link *link = link_of(c, true);

	if (!link)
		return;
	struct dbx_link changed = *link;
	const char *wrong = apply(&changed, json_object(c->arg, "settings"));
	if (wrong) {
		dbx_error(c, wrong);
		return;
	}
	if (dbx_arg_bool(c, "remove_expiration", false))
		changed.expires_at = 0;
	*link = changed;
	dbx_ok(c, metadata(c, link));
}

void dbx_link_revoke(struct dbx_call *c)
{
	const char *url = json_str(c->arg, "url");

	if (strncmp(url, "https://www.dropbox.com/", 24) != 0) {
		dbx_error(c, "shared_link_malformed");
		return;
	}
	struct dbx_link *link = link_of(c, true);
	if (!link)
		return;
	link->revoked = true;
	dbx_event(c, "shared_link_disable", link->node, NULL, NULL, NULL);
	dbx_ok(c, NULL);
}

void dbx_link_metadata(struct dbx_call *c)
{
	const struct dbx_link *link = link_of(c, false);

	if (link)
		dbx_ok(c, metadata(c, link));
}

void dbx_link_file(struct dbx_call *c)
{
	const struct dbx_link *link = link_of(c, false);

	if (!link)
		return;
	if (link->node->folder)
		dbx_error(c, "shared_link_is_directory");
	else
		dbx_ok_blob(c, metadata(c, link), link->node->version->blob, NULL);
}
