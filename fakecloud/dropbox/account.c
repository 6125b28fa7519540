/* users/ and check/: accounts of members. */
#include "fakecloud/dropbox/dropbox.h"

#include <string.h>

void dbx_add_name(cJSON *doc, const struct dbx_member *m)
{
	cJSON *name = cJSON_AddObjectToObject(doc, "name");
	char initials[8];

	snprintf(initials, sizeof(initials), "%.1s%.1s", m->given, m->surname);
	cJSON_AddStringToObject(name, "given_name", m->given);
	cJSON_AddStringToObject(name, "surname", m->surname);
	cJSON_AddStringToObject(name, "familiar_name", m->given);
	cJSON_AddStringToObject(name, "display_name", m->display);
	cJSON_AddStringToObject(name, "abbreviated_name", initials);
}

cJSON *dbx_sharing_policies(void)
{
	cJSON *sharing = cJSON_CreateObject();

	dbx_add_tag(sharing, "shared_folder_member_policy", "anyone");
	dbx_add_tag(sharing, "shared_folder_join_policy", "from_anyone");
	dbx_add_tag(sharing, "shared_link_create_policy", "default_public");
	dbx_add_tag(sharing, "group_creation_policy", "admins_only");
	dbx_add_tag(sharing, "shared_folder_link_restriction_policy", "anyone");
	dbx_add_tag(sharing, "enforce_link_password_policy", "optional");
	dbx_add_tag(sharing, "default_link_expiration_days_policy", "none");
	dbx_add_tag(sharing, "shared_link_default_permissions_policy", "default");
	return sharing;
}

static cJSON *account(const struct dbx_member *m)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "account_id", m->account_id);
	dbx_add_name(doc, m);
	cJSON_AddStringToObject(doc, "email", m->email);
	cJSON_AddBoolToObject(doc, "email_verified", true);
	cJSON_AddBoolToObject(doc, "disabled", m->suspended);
	return doc;
}

void dbx_get_current_account(struct dbx_call *c)
{
	const struct dbx_member *m = c->member;
	cJSON *doc = account(m);

	cJSON_AddStringToObject(doc, "country", "JP");
	cJSON_AddStringToObject(doc, "locale", "ja");
	cJSON_AddStringToObject(doc, "referral_link", "https://db.tt/aaaaaaaa");
	cJSON *team = cJSON_AddObjectToObject(doc, "team");
	cJSON_AddStringToObject(team, "id", c->team->id);
	cJSON_AddStringToObject(team, "name", c->team->name);
	cJSON_AddItemToObject(team, "sharing_policies", dbx_sharing_policies());
	dbx_add_tag(team, "office_addin_policy", "disabled");
	dbx_add_tag(team, "top_level_content_policy", "everyone");
	cJSON_AddStringToObject(doc, "team_member_id", m->team_member_id);
	cJSON_AddBoolToObject(doc, "is_paired", false);
	dbx_add_tag(doc, "account_type", "business");
	cJSON *root = dbx_add_tag(doc, "root_info", "user");
	cJSON_AddStringToObject(root, "root_namespace_id", m->home->id);
	cJSON_AddStringToObject(root, "home_namespace_id", m->home->id);
	dbx_ok(c, doc);
}

static cJSON *basic(const struct dbx_member *m)
{
	cJSON *doc = account(m);

	cJSON_AddBoolToObject(doc, "is_teammate", true);
	cJSON_AddStringToObject(doc, "team_member_id", m->team_member_id);
	return doc;
}

void dbx_get_account(struct dbx_call *c)
{
	const struct dbx_member *m = map_get(&c->team->by_account, json_str(c->arg, "account_id"));

	if (m)
		dbx_ok(c, basic(m));
	else
		dbx_error(c, "no_account");
}

void dbx_get_account_batch(struct dbx_call *c)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *id;

	cJSON_ArrayForEach(id, json_array(c->arg, "account_ids"))
	{
		const struct dbx_member *m =
			cJSON_IsString(id) ? map_get(&c->team->by_account, id->valuestring) : NULL;
		if (!m) {
			cJSON *error = dbx_tag("no_account");
			cJSON_AddStringToObject(
				error, "no_account", cJSON_IsString(id) ? id->valuestring : "");
			json_free(list);
			dbx_error_doc(c, 409, "no_account", error);
			return;
		}
		cJSON_AddItemToArray(list, basic(m));
	}
	dbx_ok(c, list);
}

void dbx_space_usage(struct dbx_call *c)
{
	double used = 0;
	const char *key;
	void *value;
	size_t cursor = 0;

	while (map_next(&c->member->home->slots, &cursor, &key, &value)) {
		const struct dbx_slot *slot = value;
		if (slot->node && !slot->node->folder && slot->node->version)
			used += (double)fc_blob_size(slot->node->version->blob);
	}
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddNumberToObject(doc, "used", used);
	cJSON *allocation = dbx_add_tag(doc, "allocation", "team");
	cJSON_AddNumberToObject(allocation, "used", used);
	cJSON_AddNumberToObject(allocation, "allocated", 5e12);
	cJSON_AddNumberToObject(allocation, "user_within_team_space_allocated", 0);
	dbx_add_tag(allocation, "user_within_team_space_limit_type", "off");
	cJSON_AddNumberToObject(allocation, "user_within_team_space_used_cached", used);
	dbx_ok(c, doc);
}

void dbx_user_features(struct dbx_call *c)
{
	static const char *const known[] = {
		"paper_as_files", "file_locking", "team_shared_dropbox", "distinct_member_home"};
	cJSON *doc = cJSON_CreateObject(), *values = cJSON_AddArrayToObject(doc, "values");
	const cJSON *each;

	if (!cJSON_GetArraySize(json_array(c->arg, "features"))) {
		json_free(doc);
		dbx_error(c, "empty_features_list");
		return;
	}
	cJSON_ArrayForEach(each, json_array(c->arg, "features"))
	{
		const char *tag = dbx_tag_of(each);
		for (size_t i = 0; tag && i < ARRAY_SIZE(known); i++) {
			if (strcmp(tag, known[i]) != 0)
				continue;
			cJSON *value = dbx_tag(tag), *inner = dbx_add_tag(value, tag, "enabled");
			cJSON_AddBoolToObject(inner, "enabled", i < 2);
			cJSON_AddItemToArray(values, value);
		}
	}
	dbx_ok(c, doc);
}

void dbx_check_user(struct dbx_call *c)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "result", json_str_or(c->arg, "query", ""));
	dbx_ok(c, doc);
}
