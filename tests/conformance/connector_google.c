/* The suite's Google Workspace: a small company, tokens by a service account with domain-wide delegation, and what its people
 * do. See connector_suite.h. */
#include "connector_suite.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#define MIO "google/users/mio@aoba.example/"
#define KEN "google/users/ken@aoba.example/"
#define USER "mio@aoba.example"
#define SCOPES                                                                                                         \
	"https://www.googleapis.com/auth/admin.directory.user.readonly https://www.googleapis.com/auth/gmail.modify "  \
	"https://www.googleapis.com/auth/drive"

static void mail(struct suite *s, const char *path, const char *subject, const char *body)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	buf_addf(&text,
		"From: Stranger <stranger@out.example>\r\nTo: mio@aoba.example\r\nSubject: %s\r\n"
		"Message-ID: <%s@out.example>\r\nDate: Mon, 16 Nov 2026 10:00:00 +0900\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
		subject, subject, body);
	suite_seed(s, path, buf_str(&text));
}

static void seed(struct suite *s)
{
	suite_seed(s, "google/users/admin@aoba.example/mail/INBOX/.keep", "");
	mail(s, MIO "mail/INBOX/1.eml", "greetings", "hello");
	mail(s, MIO "mail/INBOX/2.eml", "invoice", SUITE_MARKER);
	mail(s, MIO "mail/INBOX/3.eml", "lunch", "at noon?");
	mail(s, MIO "mail/Projects/2025/4.eml", "old", "far below");
	mail(s, MIO "mail/SPAM/6.eml", "spam", "buy");
	mail(s, KEN "mail/INBOX/5.eml", "hi-ken", "hello ken");
	suite_seed(s, MIO "drive/Docs/threat.txt", "a threat " SUITE_MARKER "\n");
	suite_seed(s, MIO "drive/Docs/threat.txt.sharing.json",
		"[\"user:ken@aoba.example:write\",\"user:guest@partner.example:read\",\"link:anonymous:view\",\"link:organization:edit\"]");
	suite_seed(s, MIO "drive/Docs/\xe6\x97\xa5\xe6\x9c\xac.txt", "a Japanese name\n");
	suite_seed(s, MIO "drive/empty.txt", "");
	suite_seed(s, MIO "drive/a/b/c/deep.txt", "deep");
	suite_seed(s, KEN "drive/notes.txt", "notes of ken");
	suite_seed(s, "google/shared-drives/Sales/plan.txt", "the plan");
	suite_seed(s, "google/shared-drives/Sales/sub/one.txt", "the contract");
	suite_seed(s, "google/users/gone@aoba.example/mail/INBOX/.keep", "");
	suite_seed(s, "google/.sekisho-seed.json", "{\"unlicensed\":[\"gone@aoba.example\"]}");
}

/* ---- tokens (RFC 7523) ---- */

static int sign(const char *pem, const char *text, struct buf *out)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[1024];
	size_t len = sizeof(sig);

	int ok = key && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text, strlen(text)) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return ok ? base64url_encode(out, sig, len) : -1;
}

static int token_for(struct suite *s, const char *subject, const char *scopes, struct buf *ret, struct err *err)
{
	_cleanup_wipe_ struct buf form = BUF_INIT(65536), file = BUF_INIT(65536), jwt = BUF_INIT(16384);
	_cleanup_buf_ struct buf claims = BUF_INIT(8192);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *account = NULL, *doc = NULL;
	long long now = (long long)time(NULL);

	suite_read(s, "aoba-google.json", &file);
	assert_int_equal(json_parse(buf_str(&file), file.len, &account, err), 0);
	buf_addf(&claims,
		"{\"iss\":\"%s\",\"sub\":\"%s\",\"scope\":\"%s\",\"aud\":\"https://oauth2.googleapis.com/token\","
		"\"iat\":%lld,\"exp\":%lld}",
		json_str(account, "client_email"), *subject ? subject : suite_option(s, "grant", "subject"), scopes,
		now, now + 3600);
	const char *head = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	base64url_encode(&jwt, head, strlen(head));
	buf_addc(&jwt, '.');
	base64url_encode(&jwt, claims.data, claims.len);
	_cleanup_free_ char *signed_text = strdup(buf_str(&jwt));
	buf_addc(&jwt, '.');
	assert_int_equal(sign(json_str(account, "private_key"), signed_text, &jwt), 0);
	form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	form_add(&form, "assertion", buf_str(&jwt));
	const struct http_request req = {.method = "POST", .url = suite_url(s, "token"), .body = form.data, .body_len = form.len,
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

static int token(struct suite *s, const char *subject, struct buf *ret, struct err *err)
{
	return token_for(s, subject, SCOPES, ret, err);
}

/* ---- what people do ---- */

static cJSON *drive(struct suite *s, const char *method, const char *path, const char *type, const char *body)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);

	buf_addf(&url, "%s%s", suite_url(s, "drive"), path);
	return suite_call(s, USER, method, buf_str(&url), type, body, body ? strlen(body) : 0);
}

static char *add_file(struct suite *s, const char *name, const char *text)
{
	_cleanup_buf_ struct buf body = BUF_INIT(65536);

	buf_addf(&body, "--b0\r\nContent-Type: application/json\r\n\r\n{\"name\":\"%s\"}\r\n--b0\r\nContent-Type: text/plain\r\n\r\n"
		"%s\r\n--b0--\r\n", name, text);
	_cleanup_json_ cJSON *doc = drive(s, "POST", "/upload/drive/v3/files?uploadType=multipart",
		"multipart/related; boundary=b0", buf_str(&body));
	assert_non_null(json_str(doc, "id"));
	return strdup(json_str(doc, "id"));
}

static void change_file(struct suite *s, const char *id, const char *text)
{
	_cleanup_buf_ struct buf path = BUF_INIT(4096);

	buf_addf(&path, "/upload/drive/v3/files/%s?uploadType=media", id);
	json_free(drive(s, "PATCH", buf_str(&path), "text/plain", text));
}

static void rename_file(struct suite *s, const char *id, const char *name)
{
	_cleanup_buf_ struct buf path = BUF_INIT(4096), body = BUF_INIT(4096);

	buf_addf(&path, "/drive/v3/files/%s", id);
	buf_addf(&body, "{\"name\":\"%s\"}", name);
	json_free(drive(s, "PATCH", buf_str(&path), "application/json", buf_str(&body)));
}

static void delete_file(struct suite *s, const char *id)
{
	_cleanup_buf_ struct buf path = BUF_INIT(4096);

	buf_addf(&path, "/drive/v3/files/%s", id);
	json_free(drive(s, "DELETE", buf_str(&path), NULL, NULL));
}

static char *add_mail(struct suite *s, const char *mime)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), body = BUF_INIT(65536);

	buf_addf(&url, "%s/gmail/v1/users/me/messages", suite_url(s, "gmail"));
	buf_adds(&body, "{\"labelIds\":[\"INBOX\",\"UNREAD\"],\"raw\":\"");
	base64url_encode(&body, mime, strlen(mime));
	buf_adds(&body, "\"}");
	_cleanup_json_ cJSON *doc = suite_call(s, USER, "POST", buf_str(&url), "application/json", body.data, body.len);
	assert_non_null(json_str(doc, "id"));
	return strdup(json_str(doc, "id"));
}

/* For good: that needs a scope that sekisho does not ask for. */
static void delete_mail(struct suite *s, const char *id)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096), bearer = BUF_INIT(16384);
	_cleanup_response_ struct http_response r = {0};
	struct err err;

	assert_int_equal(token_for(s, USER, "https://mail.google.com/", &bearer, &err), 0);
	buf_addf(&url, "%s/gmail/v1/users/me/messages/%s", suite_url(s, "gmail"), id);
	const struct http_request req = {.method = "DELETE", .url = buf_str(&url), .bearer = buf_str(&bearer)};
	assert_int_equal(http_call(suite_http(s), &req, &r, &err), 0);
	assert_int_equal(r.status / 100, 2);
}

static const struct suite_target target = {
	.connector = "google",
	.connection = "aoba-google",
	.services = SERVICE_MAIL | SERVICE_FILES,
	.unlicensed = "gone@aoba.example",
	.undated_mail = true,
	.seed = seed,
	.marks_sharing = true,
	.token = token,
	.threat_file = "threat.txt",
	.threat_mail = "invoice",
	.add_file = add_file,
	.change_file = change_file,
	.rename_file = rename_file,
	.delete_file = delete_file,
	.add_mail = add_mail,
	.delete_mail = delete_mail,
};

/* ---- who has access, and people, in what only Google has ---- */

#define WITH_GROUPS SCOPES " https://www.googleapis.com/auth/admin.directory.group.readonly" \
	" https://www.googleapis.com/auth/admin.directory.domain.readonly"

static void seed_people(struct suite *s)
{
	suite_seed(s, "google/users/admin@aoba.example/mail/INBOX/.keep", "");
	suite_seed(s, MIO "drive/a.txt", "a");
	suite_seed(s, "google/shared-drives/Sales/plan.txt", "the plan");
	suite_seed(s, "google/.sekisho-seed.json",
		"{\"names\":{\"mio@aoba.example\":\"\xe6\xbe\xaa\"},\"titles\":{\"mio@aoba.example\":\"CEO\"},"
		"\"departments\":{\"mio@aoba.example\":\"\xe7\xb5\x8c\xe7\x90\x86\"},"
		"\"aliases\":{\"mio@aoba.example\":[\"Mio.Sato@aoba.co.example\"]},\"domains\":[\"Aoba.org.example\"],"
		"\"groups\":{\"Board\":[\"mio@aoba.example\"],\"Empty\":[]}}");
}

static int wide_token(struct suite *s, const char *subject, struct buf *ret, struct err *err)
{
	return token_for(s, subject, WITH_GROUPS, ret, err);
}

static const struct suite_target peopled = {
	.connector = "google",
	.connection = "aoba-google",
	.services = SERVICE_MAIL | SERVICE_FILES,
	.seed = seed_people,
	.token = token,
}, wide = {
	.connector = "google",
	.connection = "aoba-google",
	.services = SERVICE_MAIL | SERVICE_FILES,
	.seed = seed_people,
	.token = wide_token,
};

static bool lists(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; list && (n ? i < n : list[i] != NULL); i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

static void expect_person(const struct suite_target *t, bool groups)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct people_page page = {.arena = a};
	struct err err = {0};
	struct suite *s = NULL;
	bool seen = false;

	suite_start(t, 0, NULL, &s);
	if (suite_connector(s)->list_people(suite_connection(s), NULL, &page, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(lists(page.domains, page.n_domains, "aoba.example"));
	/* One is told by the list of domains alone, the other by people's addresses alone. */
	assert_true(lists(page.domains, page.n_domains, groups ? "aoba.org.example" : "aoba.co.example"));
	assert_true(groups ? !page.missing : page.missing && strstr(page.missing, "group.readonly"));
	for (size_t i = 0; i < page.n_people; i++) {
		const struct person *p = &page.people[i];
		if (strcmp(p->address, "mio@aoba.example") != 0)
			continue;
		seen = true;
		assert_string_equal(p->name, "\xe6\xbe\xaa");
		assert_string_equal(p->job_title, "CEO");
		assert_string_equal(p->org_unit, "\xe7\xb5\x8c\xe7\x90\x86");
		assert_true(lists(p->aliases, 0, "mio.sato@aoba.co.example"));
		assert_true(lists(p->groups, 0, "Board") == groups);
		assert_false(lists(p->groups, 0, "Empty"));
	}
	assert_true(seen);
	suite_stop(s);
}

static void test_people_with_and_without_groups(void **state)
{
	expect_person(&peopled, false);
	expect_person(&wide, true);
}

/* A member of a shared drive from outside reaches every file in it. */
static void test_a_guest_in_a_shared_drive(void **state)
{
	const struct act_request act = {.kind = ACT_UNSHARE};
	_cleanup_buf_ struct buf path = BUF_INIT(4096), receipt = BUF_INIT(CONNECTOR_TEXT_MAX);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct sharing seen = {.arena = a};
	struct err err = {0};
	struct suite *s = NULL;

	suite_start(&peopled, 0, NULL, &s);
	struct follow *f = follow_new(s);
	f->backlog = BACKLOG_ALL;
	follow_streams(f);
	follow_poll(f);
	struct seen_item *it = follow_find_name(f, ITEM_FILE, "plan.txt");
	assert_non_null(it);
	const char *drive_id = strchr(f->streams[it->stream].info.remote_id, '/') + 1;
	buf_addf(&path, "%s/drive/v3/files/%s/permissions?supportsAllDrives=true&sendNotificationEmail=false&useDomainAdminAccess=true",
		suite_url(s, "drive"), drive_id);
	static const char guest[] = "{\"type\":\"user\",\"role\":\"reader\",\"emailAddress\":\"guest@partner.example\"}";
	json_free(suite_call(s, "", "POST", buf_str(&path), "application/json", guest, strlen(guest)));
	assert_int_equal(suite_connector(s)->sharing(suite_connection(s), &f->streams[it->stream].info, &it->item, &seen, &err), 0);
	assert_int_equal(seen.n_outside, 1);
	assert_string_equal(seen.outside[0], "guest@partner.example");
	assert_int_equal(act_plan_as(f, it, &act, &receipt, &err), -1);
	assert_string_equal(err.code, "not_effective");
	assert_non_null(strstr(err.message, "Sales"));
	follow_free(f);
	suite_stop(s);
}

int main(void)
{
	const struct CMUnitTest own[] = {cmocka_unit_test(test_people_with_and_without_groups),
		cmocka_unit_test(test_a_guest_in_a_shared_drive)};

	if (getenv("FAKECLOUD") && cmocka_run_group_tests_name("own", own, NULL, NULL) != 0)
		return 1;
	return suite_main(&target);
}
