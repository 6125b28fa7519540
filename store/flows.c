/* Flows: how a connection is made step by step, kept so that a callback, a reload or a restart finds its place. */
#include "store/impl.h"

int store_flow_put(struct store *s, const struct console_flow *f, struct err *err)
{
	return store_run(s,
		"INSERT INTO flows (id, tenant, provider, method, connection, renew, session, account, invitation, step, config,"
		" grant_facts, facts, report, preview, error, finding, created_at, updated_at, ends_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
		" ON CONFLICT (id) DO UPDATE SET connection = excluded.connection, renew = excluded.renew, step = excluded.step,"
		" config = excluded.config, grant_facts = excluded.grant_facts, facts = excluded.facts, report = excluded.report,"
		" preview = excluded.preview, error = excluded.error, finding = excluded.finding, updated_at = excluded.updated_at",
		DB_ARGS(DB_T(f->id), DB_T(f->tenant), DB_T(f->provider), DB_T(f->method), DB_T(str0(f->connection)),
			DB_I(f->renew), DB_T(str0(f->session)), DB_T(str0(f->account)), DB_T(str0(f->invitation)), DB_T(f->step),
			DB_T(str0(f->config)), DB_T(str0(f->grant)), DB_T(str0(f->facts)), DB_T(str0(f->report)),
			DB_T(str0(f->preview)), DB_T(str0(f->error)), DB_T(str0(f->finding)), DB_I(f->created_at),
			DB_I(f->updated_at), DB_I(f->ends_at)),
		NULL, err);
}

#define COLUMNS                                                                                              \
	"SELECT id, tenant, provider, method, connection, renew, session, account, invitation, step, config,"        \
	" grant_facts, facts, report, preview, error, finding, created_at, updated_at, ends_at FROM flows"

static void read_flow(struct db_row *r, void *item)
{
	struct console_flow *f = item;

	f->id = db_row_text0(r);
	f->tenant = db_row_text0(r);
	f->provider = db_row_text0(r);
	f->method = db_row_text0(r);
	f->connection = db_row_text0(r);
	f->renew = db_row_int(r) != 0;
	f->session = db_row_text0(r);
	f->account = db_row_text0(r);
	f->invitation = db_row_text0(r);
	f->step = db_row_text0(r);
	f->config = db_row_text0(r);
	f->grant = db_row_text0(r);
	f->facts = db_row_text0(r);
	f->report = db_row_text0(r);
	f->preview = db_row_text0(r);
	f->error = db_row_text0(r);
	f->finding = db_row_text0(r);
	f->created_at = db_row_int(r);
	f->updated_at = db_row_int(r);
	f->ends_at = db_row_int(r);
}

int store_flow_get(struct store *s, const char *id, int64_t now, struct arena *a, struct console_flow *ret, struct err *err)
{
	const struct db_arg args[] = {DB_T(id), DB_I(now)};
	struct store_query q = {.sql = COLUMNS " WHERE id = ?1 AND (ends_at > ?2 OR step = 'done')", .args = args, .n_args = 2,
		.size = sizeof(*ret), .read = read_flow, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return err_set(err, ERR_GONE, "not_found", "this connecting was ended, or its hour is over: begin anew");
	*ret = *(struct console_flow *)q.found;
	return 0;
}

int store_flow_list(struct store *s, const char *session, int64_t now, size_t max, struct arena *a, struct console_flow **ret,
	size_t *ret_n, struct err *err)
{
	const struct db_arg args[] = {DB_T(session), DB_I(now), DB_I((int64_t)max)};
	struct store_query q = {
		.sql = COLUMNS " WHERE session = ?1 AND ends_at > ?2 AND step NOT IN ('done', 'cancelled')"
			       " ORDER BY created_at DESC, id LIMIT ?3",
		.args = args, .n_args = 3, .size = sizeof(struct console_flow), .read = read_flow, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

int store_flow_over(struct store *s, int64_t now, size_t max, struct arena *a, struct console_flow **ret, size_t *ret_n,
	struct err *err)
{
	const struct db_arg args[] = {DB_I(now), DB_I((int64_t)max)};
	struct store_query q = {.sql = COLUMNS " WHERE ends_at <= ?1 AND step NOT IN ('done', 'cancelled') ORDER BY ends_at LIMIT ?2",
		.args = args, .n_args = 2, .size = sizeof(struct console_flow), .read = read_flow, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}
