/* The suite's Dropbox: a small team, tokens by refresh token, and what its people do. See connector_suite.h. */
#include "connector_suite.h"

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
	.add_file = add_file,
	.change_file = change_file,
	.rename_file = rename_file,
	.delete_file = delete_file,
};

int main(void)
{
	return suite_main(&target);
}
