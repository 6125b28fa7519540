/* The suite's Dropbox: a small team, tokens by refresh token, and what its people do. See connector_suite.h. */
#include "connector_cases.h"

#define MIO "dropbox/members/mio@aoba.example/"
#define KEN "dropbox/members/ken@aoba.example/"

static void seed(struct suite *s)
{
	suite_seed(s, "dropbox/members/admin@aoba.example/.keep", "");
	suite_seed(s, MIO "Docs/threat.txt", "a threat " SUITE_MARKER "\n");
	suite_seed(s, MIO "Docs/threat.txt.sharing.json",
		"[\"user:ken@aoba.example:write\",\"user:guest@out.example:read\",\"link:anonymous:view\"]");
	suite_seed(s, MIO "Docs/\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80.txt", "a Japanese name\n");
	suite_seed(s, MIO "empty.txt", "");
	suite_seed(s, MIO "a/b/c/deep.txt", "deep");
	suite_seed(s, KEN "notes.txt", "notes of ken");
	suite_seed(s, "dropbox/team-folders/Sales/Plans/plan.txt", "the plan");
	suite_seed(s, "dropbox/team-folders/Sales/one.txt", "the contract");
	suite_seed(s, "dropbox/members/gone@aoba.example/.keep", "");
	suite_seed(s, "dropbox/.sekisho-seed.json", "{\"unlicensed\":[\"gone@aoba.example\"],\"groups\":{\"Sales\":[\"mio@aoba.example\"]}}");
}

static void trim(struct buf *b)
{
	while (b->len && b->data[b->len - 1] == '\n')
		b->data[--b->len] = '\0';
}

static int token(struct suite *s, const char *subject, struct buf *ret, struct err *err)
{
	_cleanup_wipe_ struct buf form = BUF_INIT(65536), secret = BUF_INIT(4096), refresh = BUF_INIT(4096);
	_cleanup_buf_ struct buf url = BUF_INIT(4096);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *doc = NULL;

	suite_read(s, suite_option(s, "grant", "app_secret_file"), &secret);
	suite_read(s, suite_option(s, "grant", "refresh_token_file"), &refresh);
	trim(&secret);
	trim(&refresh);
	buf_addf(&url, "%s/oauth2/token", suite_url(s, "api"));
	form_add(&form, "grant_type", "refresh_token");
	form_add(&form, "client_id", suite_option(s, "grant", "app_key"));
	form_add(&form, "client_secret", buf_str(&secret));
	form_add(&form, "refresh_token", buf_str(&refresh));
	const struct http_request req = {.method = "POST", .url = buf_str(&url), .body = form.data, .body_len = form.len,
		.content_type = "application/x-www-form-urlencoded"};
	if (http_call(suite_http(s), &req, &r, err) < 0)
		return -1;
	if (r.status != 200 || http_json(&r, &doc, err) < 0) {
		err_set(err, ERR_CONSENT, "token_refused", "HTTP %d: %.200s", r.status, buf_str(&r.body));
		return err_scope(err, SCOPE_CONNECTION);
	}
	return buf_adds(ret, json_str_or(doc, "access_token", ""));
}

/* ---- what people do ---- */

/* As a member: the suite's call knows no headers of a provider's own. */
static cJSON *call(struct suite *s, const char *user, const char *host, const char *route, const char *arg, const char *body)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), bearer = BUF_INIT(16384), select = BUF_INIT(1024), header = BUF_INIT(8192);
	_cleanup_response_ struct http_response r = {0};
	const char *headers[3] = {NULL};
	cJSON *doc = NULL;
	struct err err;
	int n = 0;

	if (token(s, "", &bearer, &err) < 0)
		fail_msg("token: %s", err.message);
	buf_addf(&url, "%s/2/%s", suite_url(s, host), route);
	if (user) {
		buf_addf(&select, "Dropbox-API-Select-User: %s", user);
		headers[n++] = buf_str(&select);
	}
	if (body) {
		buf_addf(&header, "Dropbox-API-Arg: %s", arg);
		headers[n++] = buf_str(&header);
	}
	const char *text = body ? body : arg;
	const struct http_request req = {.method = "POST", .url = buf_str(&url), .bearer = buf_str(&bearer), .headers = headers,
		.body = text, .body_len = strlen(text), .content_type = body ? "application/octet-stream" : "application/json"};
	if (http_call(suite_http(s), &req, &r, &err) < 0)
		fail_msg("%s: %s", route, err.message);
	if (r.status != 200)
		fail_msg("%s %s: %d %.300s", route, arg, r.status, buf_str(&r.body));
	if (json_parse(buf_str(&r.body), r.body.len, &doc, NULL) < 0)
		doc = NULL;
	return doc;
}

/* The member id of mio. */
static void mio(struct suite *s, struct buf *ret)
{
	_cleanup_json_ cJSON *doc = call(s, NULL, "api", "team/members/get_info_v2",
		"{\"members\":[{\".tag\":\"email\",\"email\":\"mio@aoba.example\"}]}", NULL);
	const cJSON *info = cJSON_GetArrayItem(json_array(doc, "members_info"), 0);
	const char *id = json_str(json_object(info, "profile"), "team_member_id");

	assert_non_null(id);
	buf_adds(ret, id);
}

static cJSON *as_mio(struct suite *s, const char *host, const char *route, const char *arg, const char *body)
{
	_cleanup_buf_ struct buf user = BUF_INIT(1024);

	mio(s, &user);
	return call(s, buf_str(&user), host, route, arg, body);
}

static char *add_file(struct suite *s, const char *name, const char *text)
{
	_cleanup_buf_ struct buf arg = BUF_INIT(4096);

	buf_addf(&arg, "{\"path\":\"/%s\",\"mode\":\"add\"}", name);
	_cleanup_json_ cJSON *doc = as_mio(s, "content", "files/upload", buf_str(&arg), text);
	assert_non_null(json_str(doc, "id"));
	return strdup(json_str(doc, "id"));
}

static void change_file(struct suite *s, const char *id, const char *text)
{
	_cleanup_buf_ struct buf arg = BUF_INIT(4096);

	buf_addf(&arg, "{\"path\":\"%s\",\"mode\":\"overwrite\"}", id);
	json_free(as_mio(s, "content", "files/upload", buf_str(&arg), text));
}

static void rename_file(struct suite *s, const char *id, const char *name)
{
	_cleanup_buf_ struct buf arg = BUF_INIT(4096);

	buf_addf(&arg, "{\"from_path\":\"%s\",\"to_path\":\"/%s\"}", id, name);
	json_free(as_mio(s, "api", "files/move_v2", buf_str(&arg), NULL));
}

static void delete_file(struct suite *s, const char *id)
{
	_cleanup_buf_ struct buf arg = BUF_INIT(4096);

	buf_addf(&arg, "{\"path\":\"%s\"}", id);
	json_free(as_mio(s, "api", "files/delete_v2", buf_str(&arg), NULL));
}

/* ---- cases of Dropbox alone ---- */

static void ask_sharing(struct follow *f, const struct seen_item *it, struct sharing *ret)
{
	struct err err = {0};

	if (suite_connector(f->suite)->sharing(suite_connection(f->suite), &f->streams[it->stream].info, &it->item, ret, &err) < 0)
		fail_msg("sharing: %s: %s", err.code, err.message);
}

static void do_and_see(struct follow *f, const struct seen_item *it, const struct act_request *act, struct buf *receipt)
{
	struct observation seen = {0};
	struct err err = {0};

	if (act_plan_as(f, it, act, receipt, &err) < 0 || act_quarantine(f, receipt, &err) < 0)
		fail_msg("act %d: %s: %s", act->kind, err.code, err.message);
	act_observe(f, buf_str(receipt), &seen);
	assert_true(seen.exists && seen.quarantined);
}

static void undo_and_see(struct follow *f, struct buf *receipt)
{
	struct observation seen = {0};
	struct err err = {0};

	if (act_restore(f, receipt, &err) < 0)
		fail_msg("restore: %s: %s", err.code, err.message);
	act_observe(f, buf_str(receipt), &seen);
	assert_true(seen.exists && !seen.quarantined && seen.restored);
}

static struct seen_item *find(struct follow *f, const char *name)
{
	follow_streams(f);
	follow_poll(f);
	struct seen_item *it = follow_find_name(f, ITEM_FILE, name);
	assert_non_null(it);
	return it;
}

/* The namespace of the team folder Sales. */
static void sales(struct suite *s, struct buf *ret)
{
	_cleanup_json_ cJSON *doc = call(s, NULL, "api", "team/team_folder/list", "{\"limit\":100}", NULL);
	const cJSON *folder;

	cJSON_ArrayForEach(folder, json_array(doc, "team_folders"))
	{
		if (strcmp(json_str_or(folder, "name", ""), "Sales") == 0)
			buf_adds(ret, json_str_or(folder, "team_folder_id", ""));
	}
	assert_true(ret->len > 0);
}

/* In a team folder a member tags, and an administrator revokes; the link comes back with a new address. */
static void test_team_folder(void **state)
{
	const struct act_request tag = {.kind = ACT_TAG, .tag = "Top Secret!"}, unshare = {.kind = ACT_UNSHARE},
		replace = {.kind = ACT_REPLACE, .notice = "taken away"};
	struct follow *f = *state;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct sharing sharing = {.arena = a};
	RECEIPT(receipt);

	struct seen_item *it = find(f, "one.txt");
	_cleanup_free_ char *before = state_of(f, it);
	do_and_see(f, it, &tag, &receipt);
	_cleanup_free_ char *tagged = state_of(f, it);
	assert_non_null(strstr(tagged, "labels=[\"top_secret\"]"));
	undo_and_see(f, &receipt);
	json_free(as_mio(f->suite, "api", "sharing/create_shared_link_with_settings",
		"{\"path\":\"/Sales/one.txt\",\"settings\":{\"audience\":{\".tag\":\"public\"}}}", NULL));
	_cleanup_free_ char *shared = state_of(f, it);
	ask_sharing(f, it, &sharing);
	assert_true(sharing.public_link && sharing.n_outside == 0);
	buf_clear(&receipt);
	do_and_see(f, it, &unshare, &receipt);
	_cleanup_free_ char *now = state_of(f, it);
	assert_string_equal(now, before);
	undo_and_see(f, &receipt);
	_cleanup_free_ char *again = state_of(f, it);
	assert_string_equal(again, shared);
	assert_non_null(strstr(buf_str(&receipt), "has a new address"));
	buf_clear(&receipt);
	do_and_see(f, it, &replace, &receipt);
	undo_and_see(f, &receipt);
	_cleanup_free_ char *after = state_of(f, it);
	assert_string_equal(after, shared);
}

/* Who comes with the folder is told, and not ended on the file. */
static void test_folder_above(void **state)
{
	const struct act_request act = {.kind = ACT_UNSHARE};
	struct follow *f = *state;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	_cleanup_buf_ struct buf ns = BUF_INIT(100), arg = BUF_INIT(4096);
	struct sharing sharing = {.arena = a};
	struct err err = {0};
	RECEIPT(receipt);

	struct seen_item *it = find(f, "plan.txt");
	sales(f->suite, &ns);
	buf_addf(&arg, "{\"shared_folder_id\":\"%s\",\"members\":[{\"member\":{\".tag\":\"email\",\"email\":\"guest@out.example\"}},"
		"{\"member\":{\".tag\":\"email\",\"email\":\"newcomer@aoba.example\"}}]}", buf_str(&ns));
	json_free(as_mio(f->suite, "api", "sharing/add_folder_member", buf_str(&arg), NULL));
	ask_sharing(f, it, &sharing);
	/* A colleague who is only invited yet is none from outside. */
	assert_int_equal(sharing.n_outside, 1);
	assert_string_equal(sharing.outside[0], "guest@out.example");
	assert_int_equal(act_plan_as(f, it, &act, &receipt, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	assert_string_equal(err.code, "not_effective");
	assert_non_null(strstr(err.message, "Sales"));
}

/* A link that Dropbox does not let us change is revoked; one with a password keeps it. */
static void test_links(void **state)
{
	const struct act_request act = {.kind = ACT_UNSHARE};
	struct follow *f = *state;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct sharing sharing = {.arena = a};
	RECEIPT(receipt);

	free(add_file(f->suite, "linked.txt", "a file with a link"));
	json_free(as_mio(f->suite, "api", "sharing/create_shared_link_with_settings",
		"{\"path\":\"/linked.txt\",\"settings\":{\"audience\":{\".tag\":\"public\"},\"require_password\":true,\"link_password\":\"x\"}}", NULL));
	struct seen_item *it = find(f, "linked.txt");
	ask_sharing(f, it, &sharing);
	assert_true(sharing.public_link && sharing.password && !sharing.expires);
	_cleanup_free_ char *before = state_of(f, it);
	do_and_see(f, it, &act, &receipt);
	undo_and_see(f, &receipt);
	_cleanup_free_ char *after = state_of(f, it);
	assert_string_equal(after, before);
	assert_null(strstr(buf_str(&receipt), "not_restored"));
	sharing = (struct sharing){.arena = a};
	ask_sharing(f, it, &sharing);
	assert_true(sharing.public_link && sharing.password);
	buf_clear(&receipt);
	suite_fault(f->suite, "\"path\":\"*/modify_shared_link_settings\",\"what\":\"status\",\"status\":403,\"times\":0");
	do_and_see(f, it, &act, &receipt);
	assert_true(suite_faults_end(f->suite) > 0);
	_cleanup_free_ char *ended = state_of(f, it);
	assert_non_null(strstr(ended, "sharing=[]"));
	undo_and_see(f, &receipt);
	assert_non_null(strstr(buf_str(&receipt), "had a password"));
}

/* Letters of all scripts are refused: what is left of the words counts. */
static void test_plain_tags(void **state)
{
	const struct act_request act = {.kind = ACT_TAG, .tag = "\xe6\xa5\xb5\xe7\xa7\x98 Only Us"},
		japanese = {.kind = ACT_TAG, .tag = "\xe6\xa5\xb5\xe7\xa7\x98"};
	const struct act_request *const acts[] = {&act, &japanese};
	static const char *const want[] = {"labels=[\"only_us\"]", "labels=[\"sekisho\"]"};
	struct follow *f = *state;

	free(add_file(f->suite, "plain.txt", "tagged in ASCII"));
	struct seen_item *it = find(f, "plain.txt");
	_cleanup_free_ char *before = state_of(f, it);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		RECEIPT(planned);
		RECEIPT(receipt);
		struct err err = {0};
		assert_int_equal(act_plan_as(f, it, acts[i], &planned, &err), 0);
		buf_adds(&receipt, buf_str(&planned));
		suite_fault(f->suite, "\"path\":\"*/files/tags/add\",\"what\":\"status\",\"status\":400,\"body\":\"tag_text: did not match pattern\",\"times\":1");
		assert_int_equal(act_quarantine(f, &receipt, &err), 0);
		assert_int_equal(suite_faults_end(f->suite), 1);
		_cleanup_free_ char *now = state_of(f, it);
		assert_non_null(strstr(now, want[i]));
		/* What the plan knew leads back, too. */
		undo_and_see(f, i ? &planned : &receipt);
		_cleanup_free_ char *after = state_of(f, it);
		assert_string_equal(after, before);
	}
}

/* A tag that people put there stays theirs. */
static void test_tag_of_theirs(void **state)
{
	const struct act_request act = {.kind = ACT_TAG, .tag = "Theirs"};
	struct follow *f = *state;
	RECEIPT(receipt);

	free(add_file(f->suite, "theirs.txt", "tagged by people"));
	json_free(as_mio(f->suite, "api", "files/tags/add", "{\"path\":\"/theirs.txt\",\"tag_text\":\"theirs\"}", NULL));
	struct seen_item *it = find(f, "theirs.txt");
	_cleanup_free_ char *before = state_of(f, it);
	do_and_see(f, it, &act, &receipt);
	undo_and_see(f, &receipt);
	_cleanup_free_ char *after = state_of(f, it);
	assert_string_equal(after, before);
}

static int plan_error(struct follow *f, const struct seen_item *it, const char *body, int status, struct err *err)
{
	const struct act_request act = {.kind = ACT_TAG, .tag = "x"};
	RECEIPT(receipt);

	suite_fault(f->suite, "\"path\":\"*/files/tags/*\",\"what\":\"status\",\"status\":%d,\"body\":%s,\"times\":0", status, body);
	int r = act_plan_as(f, it, &act, &receipt, err);
	assert_true(suite_faults_end(f->suite) > 0);
	return r;
}

/* What the app may not do, or Dropbox does not have, ends nothing else. */
static void test_refusals(void **state)
{
	static const char missing[] = "{\"error_summary\":\"missing_scope/.\",\"error\":{\".tag\":\"missing_scope\",\"required_scope\":\"%s\"}}";
	const struct act_request replace = {.kind = ACT_REPLACE, .notice = "taken away"};
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct people_page page = {.arena = a};
	_cleanup_buf_ struct buf body = BUF_INIT(1000);
	struct err err = {0};
	RECEIPT(receipt);

	struct seen_item *it = find(f, "empty.txt");
	buf_addf(&body, missing, "files.metadata.write");
	assert_int_equal(plan_error(f, it, buf_str(&body), 401, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	assert_string_equal(err.code, "forbidden");
	assert_int_equal(plan_error(f, it, "\"Unknown API function\"", 400, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	assert_int_equal(plan_error(f, it, "\"\"", 501, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	/* Who may not be asked about is not taken for nobody. */
	const struct act_request unshare = {.kind = ACT_UNSHARE};
	struct sharing nobody = {.arena = a};
	suite_fault(f->suite, "\"path\":\"*/sharing/list_*\",\"what\":\"status\",\"status\":403,\"times\":0");
	assert_int_equal(k->sharing(suite_connection(f->suite), &f->streams[it->stream].info, &it->item, &nobody, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	assert_int_equal(act_plan_as(f, it, &unshare, &receipt, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	suite_faults_end(f->suite);
	buf_clear(&body);
	buf_addf(&body, missing, "groups.read");
	suite_fault(f->suite, "\"path\":\"*/team/groups/*\",\"what\":\"status\",\"status\":401,\"body\":%s,\"times\":0", buf_str(&body));
	assert_int_equal(k->list_people(suite_connection(f->suite), NULL, &page, &err), 0);
	assert_true(page.n_people > 0 && page.n_domains == 1 && page.missing);
	suite_faults_end(f->suite);
	suite_fault(f->suite, "\"path\":\"*/files/upload\",\"what\":\"status\",\"status\":403,\"times\":0");
	do_and_see(f, it, &replace, &receipt);
	assert_true(suite_faults_end(f->suite) > 0);
	assert_non_null(strstr(buf_str(&receipt), "no notice could be left"));
	undo_and_see(f, &receipt);
	/* Nor is another's file of that name touched. */
	_cleanup_free_ char *theirs = add_file(f->suite, "empty.txt.txt", "theirs");
	buf_clear(&receipt);
	do_and_see(f, it, &replace, &receipt);
	undo_and_see(f, &receipt);
	follow_poll(f);
	_cleanup_free_ char *kept = state_of(f, follow_find(f, theirs));
	assert_non_null(strstr(kept, "size=6"));
}

static const struct CMUnitTest own[] = {
	cmocka_unit_test(test_team_folder),
	cmocka_unit_test(test_folder_above),
	cmocka_unit_test(test_links),
	cmocka_unit_test(test_plain_tags),
	cmocka_unit_test(test_tag_of_theirs),
	cmocka_unit_test(test_refusals),
};

static const struct suite_target target = {
	.connector = "dropbox",
	.connection = "aoba-dropbox",
	.services = SERVICE_FILES,
	.unlicensed = "gone@aoba.example",
	.silent_removals = true,
	.seed = seed,
	.token = token,
	.threat_file = "threat.txt",
	.group = "Sales",
	.own = own,
	.n_own = ARRAY_SIZE(own),
	.add_file = add_file,
	.change_file = change_file,
	.rename_file = rename_file,
	.delete_file = delete_file,
};

int main(void)
{
	return suite_main(&target);
}
