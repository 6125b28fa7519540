/* Proving a grant: real calls to the directory, Drive and Gmail, as the administrator. Called by google.c when a connection is
 * made and at each discovery.
 *
 * Domain-wide delegation is all or nothing: a token that lacks one scope is not issued at all. So there is no list of what is
 * missing, but an error with the line to paste. Sources: "Using OAuth 2.0 for server to server applications", "Control API
 * access with domain-wide delegation", Directory users.list, Drive about.get, Gmail users.getProfile. */
#include "connectors/google/google.h"

#include <string.h>
#include <strings.h>

#define PAGES_MAX 20
#define SCOPE "https://www.googleapis.com/auth/"

int grant_scopes(const struct connection *c, const char *comma, struct buf *ret)
{
	const char *groups = json_str_or(c->api.config->grant, "groups", "");
	bool more = strcasecmp(groups, "true") == 0 || strcasecmp(groups, "yes") == 0;
	unsigned services = c->api.config->services;

	if (buf_adds(ret, SCOPE "admin.directory.user.readonly") < 0 ||
		((services & SERVICE_MAIL) && buf_addf(ret, "%s" SCOPE "gmail.modify", comma) < 0) ||
		((services & SERVICE_FILES) && buf_addf(ret, "%s" SCOPE "drive", comma) < 0) ||
		(more && buf_addf(ret, "%s" SCOPE "admin.directory.group.readonly%s" SCOPE "admin.directory.domain.readonly", comma,
				 comma) < 0))
		return -1;
	return 0;
}

int grant_explain(const struct connection *c, struct err *err)
{
	const char *client = json_str(c->api.config->grant, "client_id");
	_cleanup_buf_ struct buf line = BUF_INIT(600);

	const char *who = client ? client : "id (in the key file)";
	if (!err || err->class != ERR_CONSENT || strcmp(err->code, "api_disabled") == 0 || grant_scopes(c, ",", &line) < 0)
		return -1;
	if (line.len <= 190)
		snprintf(err->message, sizeof(err->message), "Admin console, Security, API controls, Domain-wide delegation: give "
			"client %.24s the scopes %.190s", who, buf_str(&line));
	else /* a line that is cut is of no use */
		snprintf(err->message, sizeof(err->message), "Delegate to %.24s: %.275s", who, buf_str(&line));
	return -1;
}

/* A page may be empty and have a next one. */
static int first_user(struct connection *c, cJSON **ret_doc, const cJSON **ret_user, struct err *err)
{
	_cleanup_buf_ struct buf token = BUF_INIT(8192);

	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
		_cleanup_json_ cJSON *doc = NULL;
		if (directory_url(c, &url, err, "/users", NULL) < 0)
			return -1;
		if (url_query(&url, "customer", "my_customer") < 0 || url_query_int(&url, "maxResults", 1) < 0 ||
			(token.len && url_query(&url, "pageToken", buf_str(&token)) < 0))
			return err_memory(err);
		if (google_get(c, c->admin, buf_str(&url), &doc, err) < 0)
			return -1;
		const cJSON *user = cJSON_GetArrayItem(json_array(doc, "users"), 0);
		const char *next = json_str(doc, "nextPageToken");
		if (user) {
			*ret_user = user;
			*ret_doc = TAKE_PTR(doc);
			return 0;
		}
		buf_clear(&token);
		if (!next || buf_adds(&token, next) < 0)
			break;
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "a list of users that is none");
}

static int check_directory(struct connection *c, struct grant_report *report, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const char *at = strrchr(c->admin, '@');
	const cJSON *user = NULL;
	struct err why = {0};

	if (first_user(c, &doc, &user, &why) < 0) {
		if (why.class == ERR_REMOTE && why.http_status == 403) {
			err_set(err, ERR_CONSENT, "no_admin", "%.100s may not read the directory: 'subject' must be an administrator",
				c->admin);
			return err_scope(err, SCOPE_CONNECTION);
		}
		return pass_on(err, &why);
	}
	if (!json_str(user, "primaryEmail"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a user without an address");
	report->organisation = arena_dup(report->arena, at ? at + 1 : c->admin);
	report->organisation_id = arena_dup(report->arena, json_str_or(user, "customerId", "my_customer"));
	return MEM_OK(report->organisation && report->organisation_id, err);
}

static int check_files(struct connection *c, const char **ret_missing, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	struct err why = {0};

	if (drive_url(c, &url, err, "/about", NULL) < 0)
		return -1;
	if (url_query(&url, "fields", "user(emailAddress),canCreateDrives") < 0)
		return err_memory(err);
	if (google_get(c, c->admin, buf_str(&url), &doc, &why) < 0)
		return strcmp(why.code, "unlicensed") == 0 || strcmp(why.code, "unsupported") == 0 || err_not_there(&why) ?
			0 :
			pass_on(err, &why); /* the streams will say what can be read */
	if (!json_object(doc, "user"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a drive without a user");
	if (c->api.config->protect && cJSON_IsFalse(json_get(doc, "canCreateDrives")))
		*ret_missing = "the administrator may not create shared drives: files would be locked where they lie instead of moved "
			       "away";
	return 0;
}

static int check_mail(struct connection *c, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	struct err why = {0};

	if (gmail_url(c, &url, err, "/profile", NULL) < 0)
		return -1;
	if (google_get(c, c->admin, buf_str(&url), &doc, &why) < 0) {
		/* An administrator without a mailbox is none the worse for it. */
		mail_error(&why);
		return strcmp(why.code, "unlicensed") == 0 ? 0 : pass_on(err, &why);
	}
	return json_get(doc, "historyId") ? 0 : err_set(err, ERR_REMOTE, "bad_answer", "a mailbox without a history id");
}

static int list_scopes(struct connection *c, struct grant_report *report, struct err *err)
{
	_cleanup_buf_ struct buf line = BUF_INIT(600);
	char **list = arena_alloc(report->arena, 8 * sizeof(*list));
	char *text = NULL, *save = NULL;
	int n = 0;

	if (!list || grant_scopes(c, " ", &line) < 0 || !(text = arena_dup(report->arena, buf_str(&line))))
		return err_memory(err);
	for (char *s = strtok_r(text, " ", &save); s && n < 7; s = strtok_r(NULL, " ", &save))
		list[n++] = s;
	report->granted = (const char *const *)list;
	return 0;
}

int grant_check(struct connection *c, struct grant_report *ret, struct err *err)
{
	struct grant_report report = {.arena = ret->arena};
	unsigned services = c->api.config->services;
	const char **missing = arena_alloc(ret->arena, 2 * sizeof(*missing));

	if (!missing)
		return err_memory(err);
	if (check_directory(c, &report, err) < 0 || ((services & SERVICE_FILES) && check_files(c, missing, err) < 0) ||
		((services & SERVICE_MAIL) && check_mail(c, err) < 0) || list_scopes(c, &report, err) < 0)
		return -1;
	report.missing = missing;
	*ret = report;
	return 0;
}
