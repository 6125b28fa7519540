/* The suite's Box: a small enterprise, tokens by client credentials, and what its people do. See connector_suite.h. */
#include "connector_suite.h"

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
	.add_file = add_file,
	.change_file = change_file,
	.rename_file = rename_file,
	.delete_file = delete_file,
};

int main(void)
{
	return suite_main(&target);
}
