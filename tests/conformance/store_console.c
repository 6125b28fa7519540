/* What the console keeps: accounts, sessions, links, tenants, invitations, flows, audit, alerts, pages, canaries. */
#include "tests/conformance/store_suite.h"

#include "store/console.h"
#include "store/impl.h"

#include <string.h>

#define HOUR 3600000

static void put_account(struct fixture *f, const char *id, const char *login, enum console_role role, const char *tenants)
{
	const struct console_account a = {.id = id, .login = login, .name = "青葉 太郎", .language = "ja", .role = role,
		.tenants = tenants, .created_at = T0};

	ok(store_account_add(f->s, &a, &f->err));
}

static void put_session(struct fixture *f, const char *hash, const char *id, const char *account, const char *invitation)
{
	const struct console_session_new n = {.hash = hash, .id = id, .account = account, .invitation = invitation,
		.address = "192.0.2.7", .agent = "Firefox", .now = T0, .idle_ms = HOUR, .ends_at = T0 + 12 * HOUR};

	ok(store_session_add(f->s, &n, &f->err));
}

static void accounts_and_the_last_operator(void **state)
{
	struct fixture *f = *state;
	struct console_account a, *list;
	bool any = true;
	size_t n;

	ok(store_account_any(f->s, &any, &f->err));
	assert_false(any);
	put_account(f, "a1", "op@sekisho.example", CONSOLE_OPERATOR, NULL);
	ok(store_account_any(f->s, &any, &f->err));
	assert_true(any);
	put_account(f, "a2", "desk@aoba.example", CONSOLE_DESK, "|aoba|sora|");
	const struct console_account twice = {.id = "a3", .login = "op@sekisho.example", .role = CONSOLE_DESK, .created_at = T0};
	fails(store_account_add(f->s, &twice, &f->err), ERR_CHANGED, "exists");
	ok(store_account_by_login(f->s, "desk@aoba.example", f->a, &a, &f->err));
	assert_string_equal(a.tenants, "|aoba|sora|");
	assert_int_equal(a.role, CONSOLE_DESK);
	assert_false(a.has_password);
	ok(store_account_get(f->s, "a1", f->a, &a, &f->err));
	assert_null(a.tenants);
	a.disabled = true;
	fails(store_account_update(f->s, &a, &f->err), ERR_CHANGED, "last_operator");
	a.disabled = false;
	a.role = CONSOLE_ADMIN;
	fails(store_account_update(f->s, &a, &f->err), ERR_CHANGED, "last_operator");
	put_account(f, "a4", "second@sekisho.example", CONSOLE_OPERATOR, NULL);
	ok(store_account_update(f->s, &a, &f->err));
	ok(store_account_list(f->s, "", 10, f->a, &list, &n, &f->err));
	assert_int_equal(n, 3);
	assert_string_equal(list[0].login, "desk@aoba.example");
	ok(store_account_list(f->s, list[0].login, 1, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(list[0].login, "op@sekisho.example");
	fails(store_account_get(f->s, "nobody", f->a, &a, &f->err), ERR_GONE, "not_found");
}

static void passwords_and_second_factors(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct buf text = BUF_INIT(1000);
	static const char *const codes[] = {SHA_A, SHA_B};
	struct console_account a;
	int64_t step = -1;

	put_account(f, "a1", "taro", CONSOLE_ADMIN, "|aoba|");
	fails(store_password_get(f->s, "a1", &text, &f->err), ERR_GONE, "not_found");
	ok(store_password_set(f->s, "a1", "$argon2id$one", T0, &f->err));
	ok(store_password_get(f->s, "a1", &text, &f->err));
	assert_string_equal(buf_str(&text), "$argon2id$one");
	fails(store_password_set(f->s, "zz", "x", T0, &f->err), ERR_GONE, "not_found");
	/* A step counts once, and never one before it. */
	fails(store_totp_use(f->s, "a1", 100, &f->err), ERR_CHANGED, "used");
	ok(store_totp_set(f->s, "a1", true, 100, codes, 2, &f->err));
	fails(store_totp_use(f->s, "a1", 100, &f->err), ERR_CHANGED, "used");
	ok(store_totp_use(f->s, "a1", 101, &f->err));
	fails(store_totp_use(f->s, "a1", 101, &f->err), ERR_CHANGED, "used");
	fails(store_totp_use(f->s, "a1", 99, &f->err), ERR_CHANGED, "used");
	ok(store_totp_step(f->s, "a1", &step, &f->err));
	assert_int_equal(step, 101);
	ok(store_recovery_use(f->s, "a1", SHA_A, &f->err));
	fails(store_recovery_use(f->s, "a1", SHA_A, &f->err), ERR_GONE, "not_found");
	ok(store_account_get(f->s, "a1", f->a, &a, &f->err));
	assert_true(a.totp && a.has_password && a.recovery_left == 1);
	ok(store_totp_set(f->s, "a1", false, 0, NULL, 0, &f->err));
	fails(store_recovery_use(f->s, "a1", SHA_B, &f->err), ERR_GONE, "not_found");
}

static void sessions_end_in_each_way(void **state)
{
	struct fixture *f = *state;
	struct console_session s, *list;
	struct console_account a;
	int64_t ended = 0;
	size_t n;

	put_account(f, "a1", "taro", CONSOLE_DESK, "|aoba|");
	put_session(f, "h1", "s1", "a1", "");
	put_session(f, "h2", "s2", "a1", "");
	put_session(f, "h3", "s3", "a1", "");
	ok(store_session_get(f->s, "h1", T0 + 1, f->a, &s, &f->err));
	assert_string_equal(s.account, "a1");
	assert_string_equal(s.tenants, "|aoba|");
	assert_string_equal(s.address, "192.0.2.7");
	assert_true(s.idle_at == T0 + HOUR && s.ends_at == T0 + 12 * HOUR && s.role == CONSOLE_DESK);
	/* Idle. */
	fails(store_session_get(f->s, "h1", T0 + HOUR, f->a, &s, &f->err), ERR_GONE, "not_found");
	ok(store_session_touch(f->s, "h1", T0 + HOUR - 1, &f->err));
	ok(store_session_get(f->s, "h1", T0 + HOUR, f->a, &s, &f->err));
	/* A late touch does not move it back, nor beyond its end. */
	ok(store_session_touch(f->s, "h1", T0, &f->err));
	ok(store_session_get(f->s, "h1", T0 + HOUR, f->a, &s, &f->err));
	ok(store_session_touch(f->s, "h1", T0 + 12 * HOUR - 5, &f->err));
	fails(store_session_get(f->s, "h1", T0 + 12 * HOUR, f->a, &s, &f->err), ERR_GONE, "not_found");
	/* Revoked: only one's own. */
	fails(store_session_end(f->s, "s2", "a9", &f->err), ERR_GONE, "not_found");
	ok(store_session_end(f->s, "s2", "a1", &f->err));
	fails(store_session_get(f->s, "h2", T0 + 1, f->a, &s, &f->err), ERR_GONE, "not_found");
	ok(store_session_list(f->s, "a1", T0 + 1, f->a, &list, &n, &f->err));
	assert_int_equal(n, 2);
	ok(store_session_end_all(f->s, "a1", "s3", &ended, &f->err));
	assert_int_equal(ended, 1);
	/* A right that is taken away is gone at once. */
	ok(store_account_get(f->s, "a1", f->a, &a, &f->err));
	a.role = CONSOLE_AUDITOR;
	a.tenants = "|sora|";
	ok(store_account_update(f->s, &a, &f->err));
	ok(store_session_get(f->s, "h3", T0 + 1, f->a, &s, &f->err));
	assert_int_equal(s.role, CONSOLE_AUDITOR);
	assert_false(console_may(&s, CONSOLE_READ, "aoba"));
	a.disabled = true;
	ok(store_account_update(f->s, &a, &f->err));
	fails(store_session_get(f->s, "h3", T0 + 1, f->a, &s, &f->err), ERR_GONE, "not_found");
	ok(store_session_list(f->s, "", T0 + 1, f->a, &list, &n, &f->err));
	assert_int_equal(n, 0);
}

static void links_are_used_once(void **state)
{
	struct fixture *f = *state;
	const char *account = NULL, *detail = NULL;
	int64_t tries = 0, last = 0;

	ok(store_link_add(f->s, "l1", "password", "a1", "{}", T0, T0 + 100, &f->err));
	fails(store_link_get(f->s, "l1", "setup", T0, f->a, NULL, NULL, &f->err), ERR_GONE, "not_found");
	ok(store_link_get(f->s, "l1", "password", T0 + 99, f->a, &account, &detail, &f->err));
	assert_string_equal(account, "a1");
	fails(store_link_use(f->s, "l1", "password", T0 + 100, &f->err), ERR_GONE, "not_found");
	ok(store_link_use(f->s, "l1", "password", T0 + 99, &f->err));
	fails(store_link_use(f->s, "l1", "password", T0 + 99, &f->err), ERR_GONE, "not_found");
	ok(store_link_add(f->s, "l2", "totp", "a1", "", T0, T0 + 100, &f->err));
	for (int i = 0; i < 4; i++)
		ok(store_link_fail(f->s, "l2", 5, &f->err));
	ok(store_link_get(f->s, "l2", "totp", T0, f->a, NULL, NULL, &f->err));
	ok(store_link_fail(f->s, "l2", 5, &f->err));
	fails(store_link_get(f->s, "l2", "totp", T0, f->a, NULL, NULL, &f->err), ERR_GONE, "not_found");
	for (int i = 1; i <= 3; i++) {
		ok(store_failure_add(f->s, "taro|192.0.2.7", T0 + i, 1000, &tries, &f->err));
		assert_int_equal(tries, i);
	}
	ok(store_failure_get(f->s, "taro|192.0.2.7", T0 + 10, 1000, &tries, &last, &f->err));
	assert_true(tries == 3 && last == T0 + 3);
	ok(store_failure_get(f->s, "taro|192.0.2.8", T0 + 10, 1000, &tries, &last, &f->err));
	assert_int_equal(tries, 0);
	ok(store_failure_add(f->s, "taro|192.0.2.7", T0 + 5000, 1000, &tries, &f->err));
	assert_int_equal(tries, 1);
	ok(store_failure_clear(f->s, "taro|192.0.2.7", &f->err));
	ok(store_failure_get(f->s, "taro|192.0.2.7", T0 + 5000, 1000, &tries, &last, &f->err));
	assert_int_equal(tries, 0);
}

static void tenants_and_trials(void **state)
{
	struct fixture *f = *state;
	const struct console_tenant t = {.id = "a_b", .name = "株式会社青葉", .language = "ja", .created_at = T0,
		.trial_ends_at = T0 + 500};
	struct console_tenant got, *list;
	int64_t next = -1;
	size_t n;

	ok(store_tenant_add(f->s, &t, &f->err));
	fails(store_tenant_add(f->s, &t, &f->err), ERR_CHANGED, "exists");
	/* One that a connections file names. */
	put_connection(f, "c1", "axb");
	put_connection(f, "c2", "a_b");
	ok(store_tenant_get(f->s, "axb", f->a, &got, &f->err));
	assert_int_equal(got.connections, 1);
	/* '_' stands for nothing but itself in a set. */
	ok(store_tenant_list(f->s, "|a_b|", "", 10, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(list[0].name, "株式会社青葉");
	ok(store_tenant_list(f->s, "|", "", 10, f->a, &list, &n, &f->err));
	assert_int_equal(n, 0);
	ok(store_tenant_list(f->s, NULL, "", 10, f->a, &list, &n, &f->err));
	assert_int_equal(n, 2);
	fails(store_tenant_over(f->s, T0 + 499, f->a, &got, &next, &f->err), ERR_GONE, "nothing");
	assert_int_equal(next, T0 + 500);
	ok(store_tenant_over(f->s, T0 + 500, f->a, &got, &next, &f->err));
	assert_string_equal(got.id, "a_b");
	ok(store_tenant_ended(f->s, "a_b", T0 + 501, &f->err));
	fails(store_tenant_over(f->s, T0 + 502, f->a, &got, &next, &f->err), ERR_GONE, "nothing");
	assert_int_equal(next, 0);
	/* A new end is a new trial. */
	got.trial_ends_at = T0 + 900;
	ok(store_tenant_update(f->s, &got, &f->err));
	ok(store_tenant_over(f->s, T0 + 900, f->a, &got, &next, &f->err));
}

static void invitations_show_how_far_they_got(void **state)
{
	struct fixture *f = *state;
	const struct console_tenant t = {.id = "aoba", .name = "青葉", .language = "en", .created_at = T0};
	const struct console_invitation i = {.id = "i1", .hash = "h1", .tenant = "aoba", .name = "花子", .account = "a1",
		.created_at = T0, .ends_at = T0 + 7 * 24 * HOUR};
	struct console_invitation got, *list;
	struct console_session s;
	size_t n;

	ok(store_tenant_add(f->s, &t, &f->err));
	ok(store_invitation_add(f->s, &i, &f->err));
	ok(store_invitation_get(f->s, "i1", f->a, &got, &f->err));
	assert_string_equal(console_invitation_state(&got, T0), "sent");
	assert_string_equal(console_invitation_state(&got, i.ends_at), "expired");
	fails(store_invitation_open(f->s, "h1", i.ends_at, f->a, &got, &f->err), ERR_GONE, "not_found");
	ok(store_invitation_open(f->s, "h1", T0 + 5, f->a, &got, &f->err));
	assert_string_equal(got.tenant, "aoba");
	assert_string_equal(console_invitation_state(&got, T0 + 6), "opened");
	fails(store_invitation_open(f->s, "h1", T0 + 6, f->a, &got, &f->err), ERR_GONE, "not_found");
	put_session(f, "hs", "s1", "", "i1");
	ok(store_session_get(f->s, "hs", T0 + 7, f->a, &s, &f->err));
	assert_int_equal(s.role, CONSOLE_INVITED);
	assert_string_equal(s.tenants, "|aoba|");
	assert_string_equal(s.language, "en");
	assert_true(console_may(&s, CONSOLE_CONNECT, "aoba"));
	assert_false(console_may(&s, CONSOLE_CONNECT, "sora"));
	assert_false(console_may(&s, CONSOLE_READ, "aoba"));
	struct console_flow w = {.id = "f1", .tenant = "aoba", .provider = "box", .method = "jwt", .session = "hs", .invitation = "i1",
		.step = "paste", .created_at = T0 + 8, .updated_at = T0 + 8, .ends_at = T0 + HOUR};
	ok(store_flow_put(f->s, &w, &f->err));
	ok(store_invitation_get(f->s, "i1", f->a, &got, &f->err));
	assert_string_equal(got.step, "paste");
	assert_string_equal(got.provider, "box");
	assert_string_equal(console_invitation_state(&got, T0 + 9), "connecting");
	w.step = "done";
	w.updated_at = T0 + 10;
	ok(store_flow_put(f->s, &w, &f->err));
	ok(store_invitation_list(f->s, "aoba", 0, 10, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(console_invitation_state(&list[0], T0 + 11), "connected");
	ok(store_invitation_revoke(f->s, "i1", T0 + 12, &f->err));
	fails(store_session_get(f->s, "hs", T0 + 13, f->a, &s, &f->err), ERR_GONE, "not_found");
	fails(store_invitation_revoke(f->s, "i1", T0 + 14, &f->err), ERR_GONE, "not_found");
	ok(store_invitation_list(f->s, "sora", 0, 10, f->a, &list, &n, &f->err));
	assert_int_equal(n, 0);
}

static void flows_live_an_hour(void **state)
{
	struct fixture *f = *state;
	struct console_flow w = {.id = "f1", .tenant = "aoba", .provider = "google", .method = "delegation", .session = "hs",
		.account = "a1", .step = "away", .facts = "{\"url\":\"x\"}", .created_at = T0, .updated_at = T0, .ends_at = T0 + HOUR},
			    got, *list;
	size_t n;

	ok(store_flow_put(f->s, &w, &f->err));
	ok(store_flow_get(f->s, "f1", T0 + HOUR - 1, f->a, &got, &f->err));
	assert_string_equal(got.facts, "{\"url\":\"x\"}");
	assert_string_equal(got.session, "hs");
	fails(store_flow_get(f->s, "f1", T0 + HOUR, f->a, &got, &f->err), ERR_GONE, "not_found");
	ok(store_flow_list(f->s, "hs", T0 + 1, 5, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	ok(store_flow_list(f->s, "other", T0 + 1, 5, f->a, &list, &n, &f->err));
	assert_int_equal(n, 0);
	w.step = "done";
	w.finding = "F1";
	ok(store_flow_put(f->s, &w, &f->err));
	ok(store_flow_get(f->s, "f1", T0 + 2 * HOUR, f->a, &got, &f->err));
	assert_string_equal(got.finding, "F1");
	ok(store_console_tidy(f->s, T0 + 100 * HOUR, &f->err));
	ok(store_flow_get(f->s, "f1", T0 + 100 * HOUR, f->a, &got, &f->err));
}

static int64_t audit(struct fixture *f, const char *act, const char *tenant, int64_t intent)
{
	const struct console_audit a = {.at = T0, .actor = "account:a1", .name = "tarō", .role = "operator", .address = "::1", .act = act,
		.tenant = tenant, .object = "c1", .phase = intent ? "done" : "intent", .intent = intent, .detail = "{\"x\":\"\xff\"}"};
	int64_t seq = 0;

	ok(store_audit_add(f->s, &a, &seq, &f->err));
	return seq;
}

static int run_sql(struct store *s, struct db *db, void *ctx, struct err *err)
{
	return db->driver->exec(db, ctx, err);
}

static struct audit_check verify(struct fixture *f, const char *head)
{
	struct audit_check c;

	ok(store_audit_verify(f->s, head, &c, &f->err));
	return c;
}

static void tamper(struct fixture *f, const char *sql, const char *what, int64_t at)
{
	char copy[200];

	snprintf(copy, sizeof(copy), "%s", sql);
	ok(store_write(f->s, run_sql, copy, &f->err));
	struct audit_check c = verify(f, NULL);
	assert_non_null(c.what);
	assert_string_equal(c.what, what);
	assert_int_equal(c.broken_at, at);
}

static void the_audit_trail_shows_what_was_done_to_it(void **state)
{
	struct fixture *f = *state;
	struct console_audit *list;
	struct audit_check c = verify(f, NULL);
	size_t n;

	assert_true(c.rows == 0 && !c.what);
	for (int i = 1; i <= 1200; i++)
		assert_int_equal(audit(f, i % 2 ? "disconnect" : "tenant_create", i % 3 ? "aoba" : "", i % 5 ? 0 : i - 1), i);
	c = verify(f, NULL);
	assert_true(c.rows == 1200 && !c.what);
	struct audit_check later;
	audit(f, "sign_in", "", 0);
	later = verify(f, c.head);
	assert_true(later.rows == 1201 && !later.what);
	assert_string_not_equal(later.head, c.head);
	later = verify(f, SHA_A);
	assert_string_equal(later.what, "cut");
	const struct audit_filter page = {.tenants = "|aoba|", .max = 10, .before = 1000};
	ok(store_audit_list(f->s, &page, f->a, &list, &n, &f->err));
	assert_int_equal(n, 10);
	assert_int_equal(list[0].seq, 998);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(list[i].tenant, "aoba");
	const struct audit_filter of = {.act = "sign_in", .max = 10};
	ok(store_audit_list(f->s, &of, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(list[0].name, "tarō");
	/* From the outside in: each damage is nearer to the beginning than the one before. */
	tamper(f, "DELETE FROM audit WHERE seq = 1201", "cut", 1201);
	tamper(f, "UPDATE audit SET previous = hash WHERE seq = 1100", "changed", 1100);
	tamper(f, "DELETE FROM audit WHERE seq = 900", "missing", 900);
	tamper(f, "UPDATE audit SET detail = '' WHERE seq = 800", "changed", 800);
	tamper(f, "UPDATE audit SET intent = 0 WHERE seq = 705", "changed", 705);
	tamper(f, "UPDATE audit SET actor = 'account:a', name = '1' || name WHERE seq = 600", "changed", 600);
	tamper(f, "UPDATE audit SET at = at + 1 WHERE seq = 1", "changed", 1);
}

static void an_alert_is_opened_once(void **state)
{
	struct fixture *f = *state;
	struct console_alert a = {.uid = "u1", .key = "ends/c1", .tenant = "aoba", .connection = "c1", .provider = "box", .kind = "ends",
		.severity = 2, .detail = "{\"days\":30}", .created_at = T0}, got, *list;
	const struct store_event e1 = {"e1", "{}"}, e2 = {"e2", "{}"}, e3 = {"e3", "{}"}, e4 = {"e4", "{}"};
	bool fresh = false, ended = false;
	size_t n;

	ok(store_alert_raise(f->s, &a, &e1, &fresh, &f->err));
	assert_true(fresh);
	ok(store_alert_ack(f->s, "u1", "taro", T0 + 1, &f->err));
	a.uid = "u2";
	a.detail = "{\"days\":29}";
	ok(store_alert_raise(f->s, &a, &e2, &fresh, &f->err));
	assert_false(fresh);
	ok(store_alert_get(f->s, "u1", f->a, &got, &f->err));
	assert_string_equal(got.detail, "{\"days\":29}");
	assert_string_equal(got.acked_by, "taro");
	assert_int_equal(count_events(f), 1);
	/* Worse: as if new. */
	a.severity = 3;
	ok(store_alert_raise(f->s, &a, &e3, &fresh, &f->err));
	assert_true(fresh);
	ok(store_alert_get(f->s, "u1", f->a, &got, &f->err));
	assert_true(got.acked_at == 0 && got.severity == 3);
	assert_int_equal(count_events(f), 2);
	ok(store_alert_end(f->s, "ends/c1", T0 + 5, &e4, &ended, &f->err));
	assert_true(ended);
	assert_int_equal(count_events(f), 3);
	ok(store_alert_end(f->s, "ends/c1", T0 + 6, &e4, &ended, &f->err));
	assert_false(ended);
	a.uid = "u3";
	ok(store_alert_raise(f->s, &a, NULL, &fresh, &f->err));
	assert_true(fresh);
	struct alert_filter q = {.open = true, .max = 10};
	ok(store_alert_list(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(list[0].uid, "u3");
	q.open = false;
	ok(store_alert_list(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 2);
	q.tenants = "|sora|";
	ok(store_alert_list(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 0);
	fails(store_alert_ack(f->s, "nope", "x", T0, &f->err), ERR_GONE, "not_found");
}

static void connections_in_pages(void **state)
{
	struct fixture *f = *state;
	struct connection_filter q = {.max = 2};
	struct console_connection *list;
	struct console_totals t;
	size_t n;

	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "sora");
	put_connection(f, "c3", "aoba");
	int64_t stream = put_stream(f, "c1", "s1");
	put_stream(f, "c1", "s2");
	put_item(f, stream, "file-1", "v1", LANE_LIVE);
	put_finding(f, claim_one(f, T0, "file-1"), "F1", "would");
	put_item(f, stream, "file-2", "v1", LANE_LIVE);
	ok(store_connection_state(f->s, "c3", CONN_REVOKED, "revoked", "gone", NULL, NULL, NULL, &f->err));
	ok(store_connection_page(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].c.id, "c1");
	assert_true(list[0].streams == 2 && list[0].seen == 2 && list[0].pending == 1 && list[0].findings == 1);
	q.after = "c2";
	ok(store_connection_page(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	q = (struct connection_filter){.tenants = "|aoba|", .wrong = true};
	ok(store_connection_page(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(list[0].c.id, "c3");
	q = (struct connection_filter){.tenants = "|sora|", .search = "C1"};
	ok(store_connection_page(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 0);
	q.tenants = NULL;
	ok(store_connection_page(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 1);
	ok(store_console_totals(f->s, "|aoba|", T0 + HOUR, &t, &f->err));
	assert_true(t.connections[CONN_CONNECTED] == 1 && t.connections[CONN_REVOKED] == 1 && t.tenants == 1);
	assert_true(t.pending == 1 && t.findings_24h == 1 && t.held == 0);
	ok(store_console_totals(f->s, "|sora|", T0 + HOUR, &t, &f->err));
	assert_true(t.pending == 0 && t.findings_24h == 0);
	struct finding_filter ff = {.tenants = "|sora|", .newest = true};
	struct store_finding *found;
	ok(store_finding_list(f->s, &ff, f->a, &found, &n, &f->err));
	assert_int_equal(n, 0);
	ff.tenants = "|aoba|";
	ff.search = "報告";
	ok(store_finding_list(f->s, &ff, f->a, &found, &n, &f->err));
	assert_int_equal(n, 1);
	ff.after = found[0].id;
	ok(store_finding_list(f->s, &ff, f->a, &found, &n, &f->err));
	assert_int_equal(n, 0);
}

static void canaries_are_spread_over_the_hour(void **state)
{
	struct fixture *f = *state;
	int by_sixth[6] = {0};
	char id[64], name[64];
	int64_t next = 0, now = T0;

	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		put_connection(f, name, "aoba");
	}
	/* None at once, each in its moment. */
	fails(store_canary_claim(f->s, now, now + 60000, HOUR, id, &next, &f->err), ERR_GONE, "nothing");
	for (int i = 0; i < 60; i++) {
		assert_true(next > now - 1 && next <= T0 + HOUR);
		now = next;
		by_sixth[(now - T0 - 1) / (HOUR / 6)]++;
		ok(store_canary_claim(f->s, now, now + 3 * HOUR, HOUR, id, &next, &f->err));
		ok(store_canary_done(f->s, id, now, now + HOUR, i % 2 ? "" : "forbidden", &f->err));
		int r = again(store_canary_claim(f->s, now, now + 3 * HOUR, HOUR, name, &next, &f->err));
		if (r == 0) {
			/* Two in the same millisecond. */
			ok(store_canary_done(f->s, name, now, now + HOUR, "", &f->err));
			fails(store_canary_claim(f->s, now, now + 3 * HOUR, HOUR, name, &next, &f->err), ERR_GONE, "nothing");
			i++;
		}
		err_clear(&f->err);
	}
	for (int i = 0; i < 6; i++)
		assert_in_range(by_sixth[i], 2, 25);
	assert_true(next > T0 + HOUR);
	/* One that was ended is not asked after. */
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		ok(store_connection_state(f->s, name, CONN_DISCONNECTED, "", "", NULL, NULL, NULL, &f->err));
	}
	fails(store_canary_claim(f->s, now + 9 * HOUR, now, HOUR, id, &next, &f->err), ERR_GONE, "nothing");
	assert_int_equal(next, 0);
}

/* A store of the version before, with data in it. */
static void a_store_that_holds_data_is_brought_up_to_date(void **state)
{
	struct fixture *f = *state, old = {0};
	struct console_tenant t;
	struct console_connection *list;
	const struct connection_filter q = {0};
	char id[64];
	int64_t next;
	size_t n;

	suite_make(&old);
	{
		_cleanup_(db_closep) struct db *db = NULL;
		_cleanup_buf_ struct buf sql = BUF_INIT(1 << 20);
		ok(store_db_open(old.where, false, &db, &f->err));
		assert_int_equal(db->driver->translate(store_schema[0], &sql), 0);
		ok(db_begin(db, true, &f->err));
		ok(db->driver->exec(db, "CREATE TABLE schema_version (version BIGINT NOT NULL)", &f->err));
		ok(db->driver->exec(db, buf_str(&sql), &f->err));
		ok(db->driver->exec(db, "INSERT INTO schema_version (version) VALUES (1)", &f->err));
		for (int i = 0; i < 3; i++) {
			char row[600];
			snprintf(row, sizeof(row),
				"INSERT INTO connections (id, tenant, provider, protect, services, config, grant_facts, backlog,"
				" backlog_since, state, reason, message, created_at, last_success_at, last_failure_at, ends_at, report,"
				" paused_until) VALUES ('k%d', '%s', 'box', 1, 2, '{}', '{}', 0, 0, %d, '', '', 5, 0, 0, 0, NULL, 0)",
				i, i ? "sora" : "aoba", i == 2 ? 5 : 1);
			ok(db->driver->exec(db, row, &f->err));
		}
		ok(db_commit(db, &f->err));
	}
	store_close(f->s);
	f->s = NULL;
	ok(store_open(old.where, false, "node:1", &f->s, &f->err));
	ok(store_tenant_get(f->s, "sora", f->a, &t, &f->err));
	assert_true(t.connections == 1 && t.created_at == 5 && t.trial_ends_at == 0);
	ok(store_connection_page(f->s, &q, f->a, &list, &n, &f->err));
	assert_int_equal(n, 3);
	fails(store_canary_claim(f->s, T0, T0 + 1, HOUR, id, &next, &f->err), ERR_GONE, "nothing");
	assert_true(next > T0 && next <= T0 + HOUR);
	ok(store_canary_claim(f->s, T0 + HOUR, T0 + 9 * HOUR, HOUR, id, &next, &f->err));
	ok(store_canary_claim(f->s, T0 + HOUR, T0 + 9 * HOUR, HOUR, id, &next, &f->err));
	fails(store_canary_claim(f->s, T0 + HOUR, T0 + 9 * HOUR, HOUR, id, &next, &f->err), ERR_GONE, "nothing");
	assert_int_equal(audit(f, "sign_in", "", 0), 1);
	store_close(f->s);
	f->s = NULL;
	suite_drop(&old);
	ok(store_open(f->where, false, "node:1", &f->s, &f->err));
}

/* Role by act by tenant: the whole table. */
static void who_may_do_what(void **state)
{
	static const struct {
		enum console_role role;
		const char *may; /* of self, read, audit, hold, connect, change, manage, policy in its own tenant */
	} table[] = {{CONSOLE_NOBODY, "........"}, {CONSOLE_INVITED, "....c..."}, {CONSOLE_AUDITOR, "sra....."},
		{CONSOLE_DESK, "sr.h...."}, {CONSOLE_ADMIN, "srahcg.p"}, {CONSOLE_OPERATOR, "srahcgmp"}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool all = table[i].role == CONSOLE_OPERATOR;
		const struct console_session s = {.role = table[i].role, .tenants = all ? NULL : "|aoba|mori|"};
		for (int act = 0; act < 8; act++) {
			bool may = table[i].may[act] != '.', own = act == CONSOLE_SELF || act == CONSOLE_MANAGE;
			assert_int_equal(console_may(&s, (enum console_act)act, "aoba"), may);
			assert_int_equal(console_may(&s, (enum console_act)act, "mori"), may);
			assert_int_equal(console_may(&s, (enum console_act)act, NULL), may);
			assert_int_equal(console_may(&s, (enum console_act)act, "sora"), may && (all || own));
			assert_int_equal(console_may(&s, (enum console_act)act, ""), may && (all || own));
			assert_int_equal(console_may(&s, (enum console_act)act, "aob"), may && (all || own));
			assert_int_equal(console_may(&s, (enum console_act)act, "aoba|mori"), may && (all || own));
		}
	}
	assert_false(console_may(NULL, CONSOLE_SELF, NULL));
	assert_int_equal(console_role_from("desk"), CONSOLE_DESK);
	assert_int_equal(console_role_from("nobody"), CONSOLE_NOBODY);
	assert_int_equal(console_role_from("Operator"), CONSOLE_NOBODY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(accounts_and_the_last_operator), TEST(passwords_and_second_factors),
		TEST(sessions_end_in_each_way), TEST(links_are_used_once), TEST(tenants_and_trials),
		TEST(invitations_show_how_far_they_got), TEST(flows_live_an_hour), TEST(an_alert_is_opened_once),
		TEST(connections_in_pages), TEST(canaries_are_spread_over_the_hour), TEST(who_may_do_what)};
	const struct CMUnitTest plain[] = {TEST(the_audit_trail_shows_what_was_done_to_it),
		TEST(a_store_that_holds_data_is_brought_up_to_date)};

	return SUITE_RUN("console", tests) + suite_run_plain("console, alone", plain, sizeof(plain) / sizeof(plain[0]));
}
