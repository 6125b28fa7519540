/* Everything that can be followed: each user's mailbox and own drive, then the shared drives. Called by google.c on core's
 * discovery thread.
 *
 * The cursor is the list and its page token; a call works off one page. Whether a mailbox or drive is there is asked of it,
 * because licences and organisational units decide that and the directory does not say. What is not there, forbidden or
 * suspended becomes a stream that says so and stops nothing; any other failure fails the call, because a stream that is left
 * out counts as gone. Sources: Directory users.list, Gmail users.getProfile, Drive about.get, drives.list. */
#include "connectors/google/files.h"

#include <string.h>

#define USERS_PAGE 50
#define DRIVES_PAGE 50

/* ---- what is found ---- */

static struct stream_info *add(struct stream_page *page, const char *service, const char *prefix, const char *id,
	const char *owner, const char *name, struct err *err)
{
	struct stream_info *s = &page->streams[page->n_streams];

	*s = (struct stream_info){.service = service, .state = STREAM_ACTIVE};
	s->remote_id = arena_printf(page->arena, "%s/%s", prefix, id);
	s->owner = arena_dup(page->arena, owner);
	s->name = arena_dup(page->arena, name);
	if (!s->remote_id || !s->owner || !s->name) {
		err_memory(err);
		return NULL;
	}
	page->n_streams++;
	return s;
}

/* context: pairs of key and value, ended by NULL. */
static int set_context(struct stream_page *page, struct stream_info *s, const char *const *context, struct err *err)
{
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();

	for (; doc && *context; context += 2)
		if (json_set_str(doc, context[0], context[1]) < 0)
			return err_memory(err);
	return doc ? arena_json(page->arena, doc, &s->context, err) : err_memory(err);
}

static int set_reason(struct stream_page *page, struct stream_info *s, enum stream_state state, const char *reason,
	const char *more, struct err *err)
{
	s->state = state;
	s->reason = arena_printf(page->arena, "%s%s%.200s%s", reason, *more ? " (" : "", more, *more ? ")" : "");
	return MEM_OK(s->reason, err);
}

/* A failure that is this stream's own; -1 when the whole call fails. */
static int refused(struct stream_page *page, struct stream_info *s, const struct err *why, struct err *err)
{
	if (err_no_user(why))
		return set_reason(page, s, STREAM_FORBIDDEN, "nobody can act for the user", why->message, err);
	if (why->class == ERR_GONE || (why->class == ERR_REMOTE && strcmp(why->code, "unlicensed") == 0))
		return set_reason(page, s, STREAM_UNLICENSED, "there is none: not licensed, or turned off", why->message, err);
	if (err_refused(why))
		return set_reason(page, s, STREAM_FORBIDDEN, "it may not be read", why->message, err);
	return pass_on(err, why);
}

static int room(struct stream_page *page, size_t n, struct err *err)
{
	page->streams = arena_alloc(page->arena, (n + 1) * sizeof(*page->streams));
	return MEM_OK(page->streams, err);
}

/* ---- users ---- */

static int probe_mail(struct connection *c, const char *user, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (gmail_url(c, &url, err, "/profile", NULL) < 0)
		return -1;
	if (google_get(c, user, buf_str(&url), &doc, err) < 0)
		return mail_error(err);
	return json_get(doc, "historyId") ? 0 : err_set(err, ERR_REMOTE, "bad_answer", "a mailbox without a history id");
}

/* Where nothing is told about the user, his drive may be there all the same. */
static int probe_changes(struct connection *c, const char *user, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (drive_url(c, &url, err, "/changes/startPageToken", NULL) < 0)
		return -1;
	return google_get(c, user, buf_str(&url), NULL, err);
}

static int probe_drive(struct connection *c, const char *user, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	struct err why = {0};

	if (drive_url(c, &url, err, "/about", NULL) < 0)
		return -1;
	if (url_query(&url, "fields", "user(emailAddress)") < 0)
		return err_memory(err);
	if (google_get(c, user, buf_str(&url), &doc, &why) < 0)
		return err_not_there(&why) || strcmp(why.code, "unsupported") == 0 ? probe_changes(c, user, err) : pass_on(err, &why);
	return json_object(doc, "user") ? 0 : err_set(err, ERR_REMOTE, "bad_answer", "a drive without a user");
}

static int add_user(struct connection *c, struct stream_page *page, const cJSON *user, bool mail, struct err *err)
{
	const char *id = json_str(user, "id"), *address = json_str(user, "primaryEmail");
	const char *const context[] = {"user", address, "id", id, NULL};
	struct err why = {0};

	struct stream_info *s = mail ? add(page, "gmail", "gmail", id, address, "Gmail", err) :
				       add(page, "drive", "drive", id, address, "My Drive", err);
	if (!s || set_context(page, s, context, err) < 0)
		return -1;
	if (json_bool(user, "suspended"))
		return set_reason(page, s, STREAM_FORBIDDEN, "the account is suspended",
			json_str_or(user, "suspensionReason", ""), err);
	if (json_bool(user, "archived"))
		return set_reason(page, s, STREAM_FORBIDDEN, "the account is archived", "", err);
	if ((mail ? probe_mail(c, address, &why) : probe_drive(c, address, &why)) == 0)
		return 0;
	return refused(page, s, &why, err);
}

static int list_users(struct connection *c, cJSON *cursor, struct stream_page *page, const char **ret_next, cJSON **ret_doc,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	const char *token = json_str(cursor, "p");
	unsigned services = c->api.config->services;
	const cJSON *user;
	struct err why = {0};

	if (directory_url(c, &url, err, "/users", NULL) < 0)
		return -1;
	if (url_query(&url, "customer", "my_customer") < 0 || url_query(&url, "orderBy", "email") < 0 ||
		url_query_int(&url, "maxResults", c->page_size > 0 && c->page_size < USERS_PAGE ? c->page_size : USERS_PAGE) < 0 ||
		url_query(&url, "fields",
			"kind,nextPageToken,users(id,primaryEmail,suspended,suspensionReason,archived,isGuestUser)") < 0 ||
		(token && url_query(&url, "pageToken", token) < 0))
		return err_set(err, ERR_REMOTE, "bad_answer", "a page token that is too long");
	if (google_get(c, c->admin, buf_str(&url), &doc, &why) < 0) {
		/* Nothing works without the users. */
		if (why.class == ERR_REMOTE && why.http_status == 403) {
			why.class = ERR_CONSENT;
			why.scope = SCOPE_CONNECTION;
		}
		return pass_on(err, &why);
	}
	const cJSON *users = json_array(doc, "users");
	if (!users && !json_str(doc, "kind") && !json_str(doc, "nextPageToken"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of users that is none");
	if (room(page, (size_t)cJSON_GetArraySize(users) * 2, err) < 0)
		return -1;
	cJSON_ArrayForEach(user, users)
	{
		const char *id = json_str(user, "id"), *address = json_str(user, "primaryEmail");
		if (!id || !*id || !address || !*address)
			return err_set(err, ERR_REMOTE, "bad_answer", "a user without an id or address");
		if (json_bool(user, "isGuestUser"))
			continue;
		if (((services & SERVICE_MAIL) && add_user(c, page, user, true, err) < 0) ||
			((services & SERVICE_FILES) && add_user(c, page, user, false, err) < 0))
			return -1;
	}
	*ret_next = json_str(doc, "nextPageToken");
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

/* ---- shared drives ---- */

static int add_drive(struct connection *c, struct stream_page *page, const cJSON *drive, struct err *err)
{
	const char *id = json_str(drive, "id"), *name = json_str_or(drive, "name", "");
	_cleanup_buf_ struct buf user = BUF_INIT(1024), role = BUF_INIT(64);
	struct err why = {0};
	bool ours = false;

	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a shared drive without an id");
	if (file_place_is(c, drive, &ours, &why) < 0 && why.class != ERR_GONE)
		return pass_on(err, &why);
	if (ours || why.class == ERR_GONE)
		return 0;
	int r = members_actor(c, id, &user, &role, &why);
	if (r < 0 && why.class == ERR_GONE)
		return 0; /* deleted in the meantime */
	struct stream_info *s = add(page, "drive", "shared", id, name, name, err);
	if (!s)
		return -1;
	if (r < 0)
		return refused(page, s, &why, err);
	if (r > 0)
		return set_reason(page, s, STREAM_FORBIDDEN, "it has no member in the organisation that can be acted for", "",
			err);
	const char *const context[] = {"user", buf_str(&user), "drive", id, "role", buf_str(&role), NULL};
	return set_context(page, s, context, err);
}

static int list_drives(struct connection *c, cJSON *cursor, struct stream_page *page, const char **ret_next,
	cJSON **ret_doc, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	const char *token = json_str(cursor, "p");
	const cJSON *drive;
	struct err why = {0};

	if (drive_url(c, &url, err, "/drives", NULL) < 0)
		return -1;
	if (url_query(&url, "useDomainAdminAccess", "true") < 0 ||
		url_query_int(&url, "pageSize", c->page_size > 0 && c->page_size < DRIVES_PAGE ? c->page_size : DRIVES_PAGE) < 0 ||
		url_query(&url, "fields", "nextPageToken,drives(id,name)") < 0 ||
		(token && url_query(&url, "pageToken", token) < 0))
		return err_set(err, ERR_REMOTE, "bad_answer", "a page token that is too long");
	if (room(page, DRIVES_PAGE * 4, err) < 0)
		return -1;
	if (google_get(c, c->admin, buf_str(&url), &doc, &why) < 0) {
		struct stream_info *s = add(page, "drive", "shared", "-", "Shared drives", "Shared drives", err);
		return s ? refused(page, s, &why, err) : -1;
	}
	const cJSON *drives = json_array(doc, "drives");
	if (!drives || cJSON_GetArraySize(drives) > DRIVES_PAGE * 4)
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of shared drives that is none");
	cJSON_ArrayForEach(drive, drives)
	{
		if (add_drive(c, page, drive, err) < 0)
			return -1;
	}
	*ret_next = json_str(doc, "nextPageToken");
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

/* ---- the pages ---- */

int streams_list(struct connection *c, const char *cursor, struct stream_page *ret, struct err *err)
{
	_cleanup_json_ cJSON *at = NULL, *doc = NULL;
	struct stream_page page = {.arena = ret->arena};
	const char *next = NULL;
	bool loops = false;

	if (own_json(cursor, ERR_CURSOR, &at, err) < 0)
		return -1;
	bool drives = strcmp(json_str_or(at, "t", "users"), "drives") == 0;
	if ((drives ? list_drives(c, at, &page, &next, &doc, err) : list_users(c, at, &page, &next, &doc, err)) < 0)
		return -1;
	if (next && cursor_loops(at, "pages", next, 1, &loops, err) < 0)
		return -1;
	if (loops)
		return err_set(err, ERR_REMOTE, "page_loop", "a list gives the same page over and over");
	bool more = next || (!drives && (c->api.config->services & SERVICE_FILES));
	if (!next)
		cursor_loops_clear(at, "pages");
	if (json_set_str(at, "p", next) < 0 || json_set_str(at, "t", drives || !next ? "drives" : "users") < 0)
		return err_memory(err);
	if (more && arena_json(ret->arena, at, &page.next, err) < 0)
		return -1;
	*ret = page;
	return 0;
}
