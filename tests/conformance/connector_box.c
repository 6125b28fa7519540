/* The suite's Box: a small enterprise, tokens by client credentials, and what its people do. See connector_suite.h. */
#include "connector_cases.h"

#define MIO "box/users/mio@aoba.example/"
#define KEN "box/users/ken@aoba.example/"

static void seed(struct suite *s)
{
	suite_seed(s, "box/users/admin@aoba.example/.keep", "");
	suite_seed(s, MIO "Docs/threat.txt", "a threat " SUITE_MARKER "\n");
	suite_seed(s, MIO "Docs/threat.txt.sharing.json",
		"[\"user:ken@aoba.example:write\",\"user:guest@out.example:read\",\"link:anonymous:view\"]");
	suite_seed(s, MIO "Docs/\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80.txt", "a Japanese name\n");
	suite_seed(s, MIO "empty.txt", "");
	suite_seed(s, MIO "a/b/c/deep.txt", "deep");
	suite_seed(s, MIO "a/b/beside.txt", "beside c");
	suite_seed(s, MIO "a/b/d/other.txt", "another folder");
	suite_seed(s, KEN "notes.txt", "notes of ken");
	suite_seed(s, KEN "shared/plan.txt", "the plan");
	suite_seed(s, KEN "shared.sharing.json", "[\"user:mio@aoba.example:write\"]");
	suite_seed(s, "box/.sekisho-seed.json", "{\"unlicensed\":[\"left@aoba.example\"],\"groups\":{\"Sales\":[\"mio@aoba.example\"]},"
		"\"titles\":{\"mio@aoba.example\":\"CFO\"}}");
}

/* subject: a user's id, "" for the service account. */
static int token(struct suite *s, const char *subject, struct buf *ret, struct err *err)
{
	_cleanup_wipe_ struct buf form = BUF_INIT(65536), file = BUF_INIT(65536);
	_cleanup_buf_ struct buf url = BUF_INIT(4096);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *config = NULL, *doc = NULL;

	suite_read(s, suite_option(s, "grant", "config_file"), &file);
	assert_int_equal(json_parse(buf_str(&file), file.len, &config, err), 0);
	const cJSON *app = json_object(config, "boxAppSettings");
	buf_addf(&url, "%s/oauth2/token", suite_url(s, "api"));
	form_add(&form, "grant_type", "client_credentials");
	form_add(&form, "client_id", json_str(app, "clientID"));
	form_add(&form, "client_secret", json_str(app, "clientSecret"));
	form_add(&form, "box_subject_type", *subject ? "user" : "enterprise");
	form_add(&form, "box_subject_id", *subject ? subject : json_str(config, "enterpriseID"));
	const struct http_request req = {.method = "POST", .url = buf_str(&url), .body = form.data, .body_len = form.len,
		.content_type = "application/x-www-form-urlencoded"};
	if (http_call(suite_http(s), &req, &r, err) < 0)
		return -1;
	if (r.status == 200 && http_json(&r, &doc, err) < 0)
		return -1;
	if (!doc) {
		if (http_check(&r, err) == 0 || err->class != ERR_RETRY)
			err_set(err, ERR_CONSENT, "token_refused", "HTTP %d: %.200s", r.status, buf_str(&r.body));
		return err_scope(err, SCOPE_CONNECTION);
	}
	return buf_adds(ret, json_str_or(doc, "access_token", ""));
}

/* ---- what people do ---- */

/* The user id of mio. */
static void mio(struct suite *s, struct buf *ret)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096);

	buf_addf(&url, "%s/2.0/users?filter_term=mio", suite_url(s, "api"));
	_cleanup_json_ cJSON *doc = suite_call(s, "", "GET", buf_str(&url), NULL, NULL, 0);
	const char *id = json_str(cJSON_GetArrayItem(json_array(doc, "entries"), 0), "id");
	assert_non_null(id);
	buf_adds(ret, id);
}

static cJSON *as_mio(struct suite *s, const char *method, const char *url, const char *type, const char *body)
{
	_cleanup_buf_ struct buf user = BUF_INIT(100);

	mio(s, &user);
	return suite_call(s, buf_str(&user), method, url, type, body, body ? strlen(body) : 0);
}

static cJSON *upload(struct suite *s, const char *path, const char *attributes, const char *text)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), body = BUF_INIT(65536);

	buf_addf(&url, "%s/api/2.0/files/%s", suite_url(s, "upload"), path);
	buf_addf(&body,
		"--b0\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n%s\r\n"
		"--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nContent-Type: text/plain\r\n\r\n%s\r\n--b0--\r\n",
		attributes, text);
	return as_mio(s, "POST", buf_str(&url), "multipart/form-data; boundary=b0", buf_str(&body));
}

static char *add_file(struct suite *s, const char *name, const char *text)
{
	_cleanup_buf_ struct buf attributes = BUF_INIT(4096);

	buf_addf(&attributes, "{\"name\":\"%s\",\"parent\":{\"id\":\"0\"}}", name);
	_cleanup_json_ cJSON *doc = upload(s, "content", buf_str(&attributes), text);
	const char *id = json_str(cJSON_GetArrayItem(json_array(doc, "entries"), 0), "id");
	assert_non_null(id);
	return strdup(id);
}

static void change_file(struct suite *s, const char *id, const char *text)
{
	_cleanup_buf_ struct buf path = BUF_INIT(200);

	buf_addf(&path, "%s/content", id);
	json_free(upload(s, buf_str(&path), "{}", text));
}

static void rename_file(struct suite *s, const char *id, const char *name)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), body = BUF_INIT(4096);

	buf_addf(&url, "%s/2.0/files/%s", suite_url(s, "api"), id);
	buf_addf(&body, "{\"name\":\"%s\"}", name);
	json_free(as_mio(s, "PUT", buf_str(&url), "application/json", buf_str(&body)));
}

static void delete_file(struct suite *s, const char *id)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096);

	buf_addf(&url, "%s/2.0/files/%s", suite_url(s, "api"), id);
	json_free(as_mio(s, "DELETE", buf_str(&url), NULL, NULL));
}

/* ---- cases of Box alone ---- */

static void put(struct suite *s, const char *id, const char *body)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096);

	buf_addf(&url, "%s/2.0/files/%s", suite_url(s, "api"), id);
	json_free(as_mio(s, "PUT", buf_str(&url), "application/json", body));
}

/* A folder with a file in it. */
static void add_folder(struct suite *s, const char *name, const char *file, char folder[64], char id[64])
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), body = BUF_INIT(4096), attributes = BUF_INIT(4096);

	buf_addf(&url, "%s/2.0/folders", suite_url(s, "api"));
	buf_addf(&body, "{\"name\":\"%s\",\"parent\":{\"id\":\"0\"}}", name);
	_cleanup_json_ cJSON *made = as_mio(s, "POST", buf_str(&url), "application/json", buf_str(&body));
	snprintf(folder, 64, "%s", json_str_or(made, "id", ""));
	buf_addf(&attributes, "{\"name\":\"%s\",\"parent\":{\"id\":\"%s\"}}", file, folder);
	_cleanup_json_ cJSON *doc = upload(s, "content", buf_str(&attributes), "in a folder");
	snprintf(id, 64, "%s", json_str_or(cJSON_GetArrayItem(json_array(doc, "entries"), 0), "id", ""));
}

static void invite(struct suite *s, const char *type, const char *id, const char *who)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), body = BUF_INIT(4096);

	buf_addf(&url, "%s/2.0/collaborations", suite_url(s, "api"));
	buf_addf(&body, "{\"item\":{\"type\":\"%s\",\"id\":\"%s\"},\"accessible_by\":{\"type\":\"user\",\"login\":\"%s\"},\"role\":\"viewer\"}",
		type, id, who);
	json_free(as_mio(s, "POST", buf_str(&url), "application/json", buf_str(&body)));
}

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

/* Outsiders and a link of the folder above: told, and not ended on the file. */
static void test_folder_above(void **state)
{
	const struct act_request act = {.kind = ACT_UNSHARE};
	struct follow *f = *state;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct sharing s = {.arena = a};
	struct err err = {0};
	RECEIPT(receipt);

	char folder[64], id[64];
	add_folder(f->suite, "Partners", "plan of them.txt", folder, id);
	invite(f->suite, "folder", folder, "guest@out.example");
	_cleanup_buf_ struct buf url = BUF_INIT(4096);
	buf_addf(&url, "%s/2.0/folders/%s", suite_url(f->suite, "api"), folder);
	json_free(as_mio(f->suite, "PUT", buf_str(&url), "application/json", "{\"shared_link\":{\"access\":\"open\"}}"));
	follow_streams(f);
	follow_poll(f);
	struct seen_item *it = follow_find(f, id);
	assert_non_null(it);
	ask_sharing(f, it, &s);
	assert_true(s.public_link && !s.password);
	assert_int_equal(s.n_outside, 1);
	assert_string_equal(s.outside[0], "guest@out.example");
	assert_int_equal(act_plan_as(f, it, &act, &receipt, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	assert_string_equal(err.code, "not_effective");
	assert_non_null(strstr(err.message, "Partners"));
	/* Of one that is shared itself, too, what can be ended is, and the rest is said. */
	invite(f->suite, "file", it->item.id, "other@out.example");
	do_and_see(f, it, &act, &receipt);
	assert_non_null(strstr(buf_str(&receipt), "\"open\":["));
	_cleanup_free_ char *now = state_of(f, it);
	assert_null(strstr(now, "other@out.example"));
	undo_and_see(f, &receipt);
	_cleanup_free_ char *back = state_of(f, it);
	assert_non_null(strstr(back, "user:other@out.example:read"));
}

/* A link with a password does not come back without it. */
static void test_password(void **state)
{
	const struct act_request act = {.kind = ACT_UNSHARE};
	struct follow *f = *state;
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct sharing s = {.arena = a};
	RECEIPT(receipt);

	_cleanup_free_ char *id = add_file(f->suite, "with password.txt", "behind a password");
	put(f->suite, id, "{\"shared_link\":{\"access\":\"open\",\"password\":\"Secret-word-1\",\"unshared_at\":\"2039-01-01T00:00:00Z\"}}");
	follow_poll(f);
	struct seen_item *it = follow_find(f, id);
	assert_string_equal(it->item.sharing_mark, "open+password+end");
	ask_sharing(f, it, &s);
	assert_true(s.public_link && s.password && s.expires);
	do_and_see(f, it, &act, &receipt);
	_cleanup_free_ char *narrow = state_of(f, it);
	assert_null(strstr(narrow, "link:")); /* nobody gained what they had not */
	undo_and_see(f, &receipt);
	assert_non_null(strstr(buf_str(&receipt), "password, which only its owner knows"));
	_cleanup_free_ char *back = state_of(f, it);
	assert_null(strstr(back, "anonymous"));
}

/* Tags of others stay, ours too where they put it first; a Box that keeps the last one is told. */
static void test_tags(void **state)
{
	const struct act_request act = {.kind = ACT_TAG, .tag = "\xe6\xa5\xb5\xe7\xa7\x98"};
	struct follow *f = *state;
	RECEIPT(receipt);

	_cleanup_free_ char *id = add_file(f->suite, "tagged.txt", "tagged by people");
	put(f->suite, id, "{\"tags\":[\"a\",\"\xe6\xa5\xb5\xe7\xa7\x98\",\"b\"]}");
	follow_poll(f);
	struct seen_item *it = follow_find(f, id);
	_cleanup_free_ char *before = state_of(f, it);
	do_and_see(f, it, &act, &receipt);
	undo_and_see(f, &receipt);
	_cleanup_free_ char *after = state_of(f, it);
	assert_string_equal(after, before);
	put(f->suite, id, "{\"tags\":[\"a\",\"b\"]}");
	_cleanup_free_ char *others = state_of(f, it);
	buf_clear(&receipt);
	do_and_see(f, it, &act, &receipt);
	_cleanup_free_ char *both = state_of(f, it);
	assert_non_null(strstr(both, "labels=[\"a\",\"b\",\"\xe6\xa5\xb5\xe7\xa7\x98\"]"));
	undo_and_see(f, &receipt);
	_cleanup_free_ char *left = state_of(f, it);
	assert_string_equal(left, others);
	put(f->suite, id, "{\"tags\":[]}");
	buf_clear(&receipt);
	do_and_see(f, it, &act, &receipt);
	suite_fault(f->suite, "\"method\":\"PUT\",\"path\":\"/2.0/files/*\",\"what\":\"status\",\"status\":400,\"times\":0");
	undo_and_see(f, &receipt);
	assert_true(suite_faults_end(f->suite) > 0);
	assert_non_null(strstr(buf_str(&receipt), "which Box does not take off"));
}

/* Others write tags at the same time: theirs are not lost. */
static void test_tags_race(void **state)
{
	const struct act_request act = {.kind = ACT_TAG, .tag = "ours"};
	struct follow *f = *state;
	RECEIPT(receipt);

	_cleanup_free_ char *id = add_file(f->suite, "tag race.txt", "two write tags");
	follow_poll(f);
	struct seen_item *it = follow_find(f, id);
	suite_fault(f->suite, "\"method\":\"PUT\",\"path\":\"/2.0/files/*\",\"what\":\"status\",\"status\":412,\"times\":2");
	do_and_see(f, it, &act, &receipt);
	assert_int_equal(suite_faults_end(f->suite), 2);
	undo_and_see(f, &receipt);
}

/* Somebody more is let in, to the file or to its folder: it comes again with another mark. */
static void test_marks(void **state)
{
	struct follow *f = *state;
	char mark[200], id[64], folder[64];

	add_folder(f->suite, "Team", "inside.txt", folder, id);
	invite(f->suite, "folder", folder, "ken@aoba.example");
	follow_poll(f);
	struct seen_item *it = follow_find(f, id);
	size_t versions = follow_versions(f, id);
	snprintf(mark, sizeof(mark), "%s", it->item.sharing_mark);
	assert_non_null(strstr(mark, "people:"));
	invite(f->suite, "file", id, "one@out.example");
	follow_poll(f);
	it = follow_find(f, id);
	assert_string_not_equal(it->item.sharing_mark, mark);
	snprintf(mark, sizeof(mark), "%s", it->item.sharing_mark);
	invite(f->suite, "file", id, "three@out.example");
	follow_poll(f);
	it = follow_find(f, id);
	assert_string_not_equal(it->item.sharing_mark, mark);
	snprintf(mark, sizeof(mark), "%s", it->item.sharing_mark);
	invite(f->suite, "folder", folder, "two@out.example");
	follow_poll(f);
	it = follow_find(f, id);
	assert_string_not_equal(it->item.sharing_mark, mark);
	assert_int_equal(follow_versions(f, id), versions);
}

/* What Box does not allow is missing from the answer, and said. */
static void test_refusals(void **state)
{
	const struct act_request act = {.kind = ACT_REPLACE, .notice = "taken away"};
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct people_page page = {.arena = a};
	struct err err = {0};
	RECEIPT(receipt);

	suite_fault(f->suite, "\"path\":\"/2.0/groups*\",\"what\":\"status\",\"status\":403,\"times\":0");
	assert_int_equal(k->list_people(suite_connection(f->suite), NULL, &page, &err), 0);
	assert_true(page.n_people > 0 && page.n_domains == 1 && page.missing);
	assert_true(suite_faults_end(f->suite) > 0);
	suite_fault(f->suite, "\"path\":\"/2.0/users*\",\"what\":\"status\",\"status\":403,\"times\":0");
	assert_int_equal(k->list_people(suite_connection(f->suite), NULL, &page, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	assert_string_equal(err.code, "forbidden");
	suite_faults_end(f->suite);
	/* Who may not be asked about is not taken for nobody. */
	const struct act_request unshare = {.kind = ACT_UNSHARE};
	struct sharing nobody = {.arena = a};
	_cleanup_free_ char *shut = add_file(f->suite, "shut.txt", "who sees this");
	follow_poll(f);
	struct seen_item *it = follow_find(f, shut);
	suite_fault(f->suite, "\"path\":\"/2.0/files/*/collaborations*\",\"what\":\"status\",\"status\":403,\"times\":0");
	assert_int_equal(k->sharing(suite_connection(f->suite), &f->streams[it->stream].info, &it->item, &nobody, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	assert_int_equal(act_plan_as(f, it, &unshare, &receipt, &err), -1);
	assert_int_equal(err.class, ERR_REMOTE);
	suite_faults_end(f->suite);
	/* Without the right to upload the file is taken away all the same. */
	_cleanup_free_ char *id = add_file(f->suite, "no notice.txt", "no notice here");
	follow_poll(f);
	suite_fault(f->suite, "\"path\":\"/api/2.0/files/content\",\"what\":\"status\",\"status\":403,\"times\":0");
	do_and_see(f, follow_find(f, id), &act, &receipt);
	assert_true(suite_faults_end(f->suite) > 0);
	assert_non_null(strstr(buf_str(&receipt), "no notice could be left"));
	undo_and_see(f, &receipt);
	/* Nor is another's file of that name touched. */
	_cleanup_free_ char *theirs = add_file(f->suite, "no notice.txt.txt", "theirs");
	buf_clear(&receipt);
	do_and_see(f, follow_find(f, id), &act, &receipt);
	undo_and_see(f, &receipt);
	follow_poll(f);
	_cleanup_free_ char *kept = state_of(f, follow_find(f, theirs));
	assert_non_null(strstr(kept, "size=6"));
}

static const struct CMUnitTest own[] = {
	cmocka_unit_test(test_folder_above),
	cmocka_unit_test(test_password),
	cmocka_unit_test(test_tags),
	cmocka_unit_test(test_tags_race),
	cmocka_unit_test(test_marks),
	cmocka_unit_test(test_refusals),
};

static const struct suite_target target = {
	.connector = "box",
	.connection = "aoba-box",
	.services = SERVICE_FILES,
	.unlicensed = "left@aoba.example",
	.ending_streams = true,
	.seed = seed,
	.token = token,
	.threat_file = "threat.txt",
	.group = "Sales",
	.marks_sharing = true,
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
