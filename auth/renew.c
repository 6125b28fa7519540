/* Asks token addresses; see renew.h.
 *
 * What it remembers of a connection between calls, under one lock: by how much the provider's clock differs, and a
 * refresh token that the provider gave and the vault could not keep yet (a full disk). Such a token is stored by the next
 * renewal before anything else; until then no token is given out, because with the old one used up the grant
 * would be lost if this process ended. */
#include "auth/renew.h"

#include "auth/grant.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define TIMEOUT_MS 20000
#define ANSWER_MAX (256u << 10)
#define TOKEN_MAX 16384
#define SKEW_LEAST_MS 2000
#define LIFE_DEFAULT_S 300
#define LIFE_MAX_S 86400

struct memory {
	struct memory *next;
	char connection[96];
	int64_t offset_ms;
	struct buf pending; /* the refresh token to store; empty: none */
	int64_t pending_for; /* the version of the record that it replaces */
};

struct renewer {
	struct vault *vault;
	const struct apps *apps;
	struct http *http;
	pthread_mutex_t lock;
	struct memory *memories;
};

/* A place where a test may end the process (SEKISHO_CRASH="name:1"). */
static void crash_here(const char *name)
{
#ifdef SEKISHO_CRASH_POINTS
	const char *want = getenv("SEKISHO_CRASH");
	size_t len = strlen(name);

	if (want && strncmp(want, name, len) == 0 && strcmp(want + len, ":1") == 0)
		kill(getpid(), SIGKILL);
#endif
}

int renewer_new(struct vault *vault, const struct apps *apps, struct http *http, struct renewer **ret, struct err *err)
{
	struct renewer *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	r->vault = vault;
	r->apps = apps;
	r->http = http;
	pthread_mutex_init(&r->lock, NULL);
	*ret = r;
	return 0;
}

static void memory_free(struct memory *m)
{
	buf_wipe(&m->pending);
	free(m);
}

void renewer_free(struct renewer *r)
{
	if (!r)
		return;
	for (struct memory *m = r->memories, *next; m; m = next) {
		next = m->next;
		memory_free(m);
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* Under the lock. make: NULL only when memory ran out. */
static struct memory *find(struct renewer *r, const char *connection, bool make)
{
	for (struct memory *m = r->memories; m; m = m->next)
		if (strcmp(m->connection, connection) == 0)
			return m;
	struct memory *m = make ? calloc(1, sizeof(*m)) : NULL;
	if (m) {
		snprintf(m->connection, sizeof(m->connection), "%s", connection);
		m->pending.max = VAULT_VALUE_MAX;
		m->next = r->memories;
		r->memories = m;
	}
	return m;
}

void renew_forget(struct renewer *r, const char *connection)
{
	pthread_mutex_lock(&r->lock);
	for (struct memory **p = &r->memories; *p; p = &(*p)->next) {
		struct memory *m = *p;
		if (strcmp(m->connection, connection) != 0)
			continue;
		*p = m->next;
		memory_free(m);
		break;
	}
	pthread_mutex_unlock(&r->lock);
}

static int64_t offset_get(struct renewer *r, const char *connection)
{
	pthread_mutex_lock(&r->lock);
	const struct memory *m = find(r, connection, false);
	int64_t offset = m ? m->offset_ms : 0;
	pthread_mutex_unlock(&r->lock);
	return offset;
}

static void offset_set(struct renewer *r, const char *connection, int64_t offset)
{
	pthread_mutex_lock(&r->lock);
	struct memory *m = find(r, connection, true);
	if (m)
		m->offset_ms = offset;
	pthread_mutex_unlock(&r->lock);
}

/* ---- refresh tokens that rotate ---- */

static int keep_pending(struct renewer *r, const struct grant *g, const char *token)
{
	pthread_mutex_lock(&r->lock);
	struct memory *m = find(r, g->record.connection, true);
	int result = -1;
	if (m) {
		buf_wipe(&m->pending);
		m->pending_for = g->record.version;
		result = buf_adds(&m->pending, token);
	}
	pthread_mutex_unlock(&r->lock);
	return result;
}

/* Stores a new refresh token. When that fails it is kept here for the next renewal. */
static int store_rotated(struct renewer *r, const struct grant *g, const char *token, struct err *err)
{
	_cleanup_wipe_ struct buf value = BUF_INIT(VAULT_VALUE_MAX);
	struct err why = {0};
	int64_t version;

	if (buf_adds(&value, token) < 0)
		return err_set(err, ERR_REMOTE, "bad_answer", "a refresh token that is too long");
	crash_here("auth.rotate");
	if (vault_replace(r->vault, &g->record, g->kind->rotates, &value, &version, &why) == 0) {
		crash_here("auth.rotated");
		log_info("grant.rotated", "version=%" PRId64, version);
		return 0;
	}
	if (why.class != ERR_CHANGED && why.class != ERR_GONE) {
		log_err(LOG_ERROR_, "grant.not_stored", &why);
		keep_pending(r, g, token);
	}
	if (err)
		*err = why;
	return -1;
}

/* What an earlier renewal could not store comes first. 1: stored, read the grant again; 0: there was nothing. */
static int store_pending(struct renewer *r, const struct grant *g, struct err *err)
{
	_cleanup_wipe_ struct buf token = BUF_INIT(VAULT_VALUE_MAX);

	pthread_mutex_lock(&r->lock);
	struct memory *m = find(r, g->record.connection, false);
	bool any = m && m->pending.len > 0, fits = any && m->pending_for == g->record.version;
	if (fits && buf_add(&token, m->pending.data, m->pending.len) < 0)
		fits = false;
	if (any)
		buf_wipe(&m->pending);
	pthread_mutex_unlock(&r->lock);
	if (!fits)
		return 0;
	return store_rotated(r, g, buf_str(&token), err) < 0 ? -1 : 1;
}

static int load(struct renewer *r, const char *connection, struct grant *ret, struct err *err)
{
	struct vault_record record = {0};

	if (vault_load(r->vault, connection, &record, err) < 0)
		return -1;
	if (apps_complete(r->apps, &record, err) < 0) {
		vault_record_free(&record);
		return err_scope(err, SCOPE_CONNECTION);
	}
	return grant_open(&record, ret, err);
}

static int load_current(struct renewer *r, const char *connection, struct grant *ret, struct err *err)
{
	struct grant g = {0};

	if (load(r, connection, &g, err) < 0)
		return -1;
	int stored = g.kind->rotates ? store_pending(r, &g, err) : 0;
	if (stored == 0) {
		*ret = g;
		return 0;
	}
	grant_close(&g);
	return stored < 0 ? -1 : load(r, connection, ret, err);
}

bool renew_describe(struct renewer *r, const char *connection, char *origin, size_t size, bool *ret_per_subject)
{
	struct grant g = {0};

	if (load(r, connection, &g, NULL) < 0)
		return false;
	const char *slashes = strstr(g.token_url, "://");
	size_t len = slashes ? (size_t)(slashes - g.token_url) + 3 : 0;
	len += strcspn(g.token_url + len, "/?#");
	snprintf(origin, size, "%.*s", (int)len, g.token_url);
	*ret_per_subject = g.kind->per_subject;
	grant_close(&g);
	return true;
}

/* ---- one request ---- */

/* Only the addresses of this grant: its token address, and what lies at the same origin. */
static int post(struct renewer *r, const struct grant *g, const char *url, const struct buf *form, const char *bearer,
	struct http_response *ret, struct err *err)
{
	static const char *const headers[] = {"Accept: application/json", NULL};

	if (!http_url_ok(url) || !http_same_origin(url, g->token_url))
		return err_set(err, ERR_REMOTE, "bad_url", "an address that does not belong to the grant");
	struct http_request req = {.method = "POST",
		.url = url,
		.bearer = bearer,
		.headers = headers,
		.body = form->len ? form->data : NULL,
		.body_len = form->len,
		.content_type = form->len ? "application/x-www-form-urlencoded" : NULL,
		.max_body = ANSWER_MAX,
		.timeout_ms = TIMEOUT_MS,
		.fresh = g->kind->once};
	if (http_call(r->http, &req, ret, err) == 0)
		return 0;
	return err_scope(err, SCOPE_CONNECTION);
}

/* What cannot be the provider's word about the grant: a busy or broken server, a page that leads elsewhere. */
static int check_later(const struct http_response *res, struct err *err)
{
	if (res->status == 429 || res->status >= 500) {
		http_check(res, err);
		return err_scope(err, SCOPE_CONNECTION);
	}
	if (res->status >= 300 && res->status < 400) {
		err_set(err, ERR_REMOTE, "redirected", "the token address leads elsewhere (HTTP %d), which is not followed: check the "
			"endpoints of the connection", res->status);
		return err_scope(err, SCOPE_CONNECTION);
	}
	return 0;
}

static enum grant_verdict judge(const struct grant *g, const struct http_response *res, struct err *ret)
{
	_cleanup_json_ cJSON *body = NULL;
	struct err e = {0};

	/* What is no JSON (a proxy's page) is judged by its status alone. */
	json_parse(buf_str(&res->body), res->body.len, &body, NULL);
	enum grant_verdict v = g->kind->judge(res->status, body, &e);
	if (!e.request_id[0])
		snprintf(e.request_id, sizeof(e.request_id), "%s", res->request_id);
	e.http_status = res->status;
	*ret = e;
	return v;
}

static int bad_answer(const char *what, struct err *err)
{
	err_set(err, ERR_REMOTE, "bad_answer", "the token address answered without %s", what);
	return err_scope(err, SCOPE_CONNECTION);
}

static void wipe_string(const char *s)
{
	if (s)
		explicit_bzero((void *)(uintptr_t)s, strlen(s));
}

static bool plain_token(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return false;
	return len > 0 && len <= TOKEN_MAX;
}

static int take_token(struct renewer *r, const struct grant *g, const struct http_response *res, struct buf *ret,
	int64_t *ret_life_ms, struct err *err)
{
	_cleanup_json_ cJSON *body = NULL;

	if (http_json(res, &body, err) < 0)
		return err_scope(err, SCOPE_CONNECTION);
	const char *token = json_str(body, "access_token"), *refresh = json_str(body, "refresh_token");
	int64_t life = json_int64_or(body, "expires_in", LIFE_DEFAULT_S);
	int result = 0;
	if (life < 1)
		life = 1;
	if (life > LIFE_MAX_S)
		life = LIFE_MAX_S;
	/* The refresh token first, and whatever the rest is worth: with a rotation the old one may be used up. */
	if (g->kind->rotates && refresh) {
		if (!plain_token(refresh))
			result = bad_answer("a proper refresh token", err);
		else
			result = store_rotated(r, g, refresh, err);
	}
	if (result == 0 && !plain_token(token))
		result = bad_answer("an access token", err);
	if (result == 0 && buf_adds(ret, token) < 0)
		result = err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (result == 0)
		*ret_life_ms = life * 1000;
	wipe_string(token);
	wipe_string(refresh);
	return result;
}

/* May another try help? Corrects the clock where that was it. */
static bool try_again(struct renewer *r, const struct grant *g, enum grant_verdict v, const struct http_response *res)
{
	if (v == GRANT_AGAIN)
		return true;
	if (v != GRANT_CLOCK || res->date_ms == 0)
		return false;
	const char *connection = g->record.connection;
	int64_t old = offset_get(r, connection), offset = res->date_ms - time_now_ms();
	if (llabs(offset - old) < SKEW_LEAST_MS)
		return false;
	offset_set(r, connection, offset);
	log_warn("clock.corrected", "offset_ms=%" PRId64, offset);
	return true;
}

/* One try. 1: try again, *err says why this failed. */
static int ask_once(struct renewer *r, const struct grant *g, const char *subject, struct buf *ret, int64_t *ret_life_ms,
	struct err *err)
{
	_cleanup_wipe_ struct buf form = BUF_INIT(GRANT_FORM_MAX);
	_cleanup_response_ struct http_response res = {0};
	int64_t now = time_now_ms() + offset_get(r, g->record.connection);

	/* One allocation: a growing buffer would leave copies of the secret behind. */
	if (buf_reserve(&form, 16384) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (g->kind->ask(g, subject, now, &form, err) < 0)
		return err_scope(err, SCOPE_CONNECTION);
	if (post(r, g, g->token_url, &form, NULL, &res, err) < 0 || check_later(&res, err) < 0)
		return -1;
	if (res.status >= 200 && res.status < 300)
		return take_token(r, g, &res, ret, ret_life_ms, err);
	struct err why;
	enum grant_verdict v = judge(g, &res, &why);
	if (err)
		*err = why;
	return try_again(r, g, v, &res) ? 1 : -1;
}

static int ask(struct renewer *r, const struct grant *g, const char *subject, struct buf *ret, int64_t *ret_life_ms,
	struct err *err)
{
	int result = ask_once(r, g, subject, ret, ret_life_ms, err);

	if (result == 1)
		result = ask_once(r, g, subject, ret, ret_life_ms, err);
	return result == 0 ? 0 : -1;
}

int renew_token(struct renewer *r, const char *connection, const char *subject, struct buf *ret, int64_t *ret_life_ms,
	struct err *err)
{
	struct grant g = {0};
	int64_t start = time_monotonic_ms();

	if (load_current(r, connection, &g, err) < 0)
		return -1;
	int result = ask(r, &g, subject, ret, ret_life_ms, err);
	if (result == 0)
		log_info("token.renewed", "tenant=%s ms=%" PRId64, g.record.tenant, time_monotonic_ms() - start);
	grant_close(&g);
	return result;
}

/* ---- revoking ---- */

static int call_revoke(struct renewer *r, const struct grant *g, const char *token, struct err *err)
{
	_cleanup_wipe_ struct buf form = BUF_INIT(GRANT_FORM_MAX);
	_cleanup_response_ struct http_response res = {0};
	char url[GRANT_URL_MAX];
	bool bearer = false;

	if (buf_reserve(&form, 16384) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (g->kind->revoke(g, token, url, sizeof(url), &form, &bearer, err) < 0 ||
		post(r, g, url, &form, bearer ? token : NULL, &res, err) < 0)
		return -1;
	/* 401: the token is dead already. */
	return res.status == 401 ? 0 : http_check(&res, err);
}

/* 0: a token was given; 1: none is given any more, by the provider's word; -1. */
static int still_gives(struct renewer *r, const struct grant *g, struct buf *ret, struct err *err)
{
	struct err why = {0};
	int64_t life;

	if (ask(r, g, "", ret, &life, &why) == 0)
		return 0;
	if (why.class == ERR_CONSENT)
		return 1;
	if (err)
		*err = why;
	return -1;
}

static int revoke_grant(struct renewer *r, struct grant *g, const char *token, struct err *err)
{
	_cleanup_wipe_ struct buf fresh = BUF_INIT(TOKEN_MAX + 1), proof = BUF_INIT(TOKEN_MAX + 1);
	char connection[sizeof(g->record.connection)];

	if (!token) {
		int dead = still_gives(r, g, &fresh, err);
		if (dead)
			return dead < 0 ? -1 : 0; /* nothing left to revoke, and proven so */
		token = buf_str(&fresh);
	}
	if (call_revoke(r, g, token, err) < 0)
		return -1;
	/* A refresh token may have been replaced on the way: the proof is about the one that counts now. */
	snprintf(connection, sizeof(connection), "%s", g->record.connection);
	grant_close(g);
	memset(g, 0, sizeof(*g));
	if (load(r, connection, g, err) < 0)
		return -1;
	int dead = still_gives(r, g, &proof, err);
	if (dead == 0)
		return err_set(err, ERR_REMOTE, "not_revoked", "the provider took the revocation, and still gives tokens: %s",
			g->kind->by_hand);
	return dead < 0 ? err_prefix(err, "revoked, but not proven") : 0;
}

int renew_revoke(struct renewer *r, const char *connection, const char *token, struct err *err)
{
	struct grant g = {0};
	int result;

	if (load_current(r, connection, &g, err) < 0)
		return -1;
	if (!g.kind->revoke) {
		result = err_set(err, ERR_REMOTE, "no_revocation", "the provider has no call that revokes this grant: %s",
			g.kind->by_hand);
	} else if (g.kind->revoke_ends_grant) {
		result = revoke_grant(r, &g, token, err);
	} else {
		result = token ? call_revoke(r, &g, token, err) : 0;
		if (result == 0)
			result = err_set(err, ERR_REMOTE, "no_revocation",
				"the token given out was revoked, but no call ends the authorization itself: %s", g.kind->by_hand);
	}
	grant_close(&g);
	return result;
}
