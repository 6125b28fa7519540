/* Mails that belong together; see pairs.h. */
#include "store/pairs.h"

#include "store/impl.h"

#include <string.h>

#define SWEEP 200 /* old rows removed with each new one */

struct put {
	const struct store_pair *pair;
	int64_t now, before;
};

static int sweep(struct db *db, int64_t before, struct err *err)
{
	int64_t until = 0;

	/* Up to the time of the SWEEP-th oldest row, and never beyond what may go. */
	int r = db_get_int(db, "SELECT max(noted_at) FROM (SELECT noted_at FROM pairs WHERE noted_at < ?1 ORDER BY noted_at LIMIT ?2) AS old",
		DB_ARGS(DB_I(before), DB_I(SWEEP)), &until, err);
	if (r <= 0 || until <= 0)
		return r < 0 ? -1 : 0;
	return db_run(db, "DELETE FROM pairs WHERE noted_at <= ?1", DB_ARGS(DB_I(until)), err) < 0 ? -1 : 0;
}

static int put(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct put *p = ctx;
	const struct store_pair *pair = p->pair;

	if (sweep(db, p->before, err) < 0)
		return -1;
	for (int i = 0; i < pair->n_keys; i++) {
		const struct db_arg key = DB_B(pair->keys[i], PAIR_KEY);
		int64_t n = pair->flags == 0 ?
			db_run(db, "DELETE FROM pairs WHERE tenant = ?1 AND key = ?2 AND item = ?3",
				DB_ARGS(DB_T(pair->tenant), key, DB_I(pair->item)), err) :
			db_run(db,
				"INSERT INTO pairs (tenant, key, item, flags, message, stream, at, noted_at, tries) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)"
				" ON CONFLICT (tenant, key, item) DO UPDATE SET flags = excluded.flags",
				DB_ARGS(DB_T(pair->tenant), key, DB_I(pair->item), DB_I(pair->flags), DB_B(pair->message, PAIR_KEY),
					DB_I(pair->stream), DB_I(pair->at), DB_I(p->now)), err);
		if (n < 0)
			return -1;
	}
	return 0;
}

int store_pair_put(struct store *s, const struct store_pair *p, int64_t now, int64_t before, struct err *err)
{
	struct put ctx = {.pair = p, .now = now, .before = before};

	return store_write(s, put, &ctx, err);
}

struct find {
	const struct store_pair *pair;
	unsigned flags;
	int64_t window, since, noted;
	size_t max, n;
	struct store_pair_found *found; /* room for max */
};

static int64_t distance(const struct find *f, int64_t at)
{
	return at > f->pair->at ? at - f->pair->at : f->pair->at - at;
}

/* Into its place by nearness, once. */
static void keep(struct find *f, const struct store_pair_found *one)
{
	size_t at = f->n;

	for (size_t i = 0; i < f->n; i++)
		if (f->found[i].item == one->item)
			return;
	while (at > 0 && distance(f, f->found[at - 1].at) > distance(f, one->at))
		at--;
	if (at == f->max)
		return;
	size_t last = f->n < f->max ? f->n++ : f->max - 1;
	memmove(&f->found[at + 1], &f->found[at], (last - at) * sizeof(*one));
	f->found[at] = *one;
}

static int find_by(struct db *db, struct find *f, const uint8_t key[PAIR_KEY], struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	const struct store_pair *p = f->pair;
	int64_t noted = 0;
	int r;

	if (db_get_int(db, "SELECT count(*) FROM (SELECT 1 FROM pairs WHERE tenant = ?1 AND key = ?2 AND noted_at >= ?3 LIMIT 10000) AS recent",
		    DB_ARGS(DB_T(p->tenant), DB_B(key, PAIR_KEY), DB_I(f->since)), &noted, err) < 0)
		return -1;
	f->noted = noted > f->noted ? noted : f->noted;
	if (db_start(db,
		    "SELECT item, stream, at, tries, message FROM pairs WHERE tenant = ?1 AND key = ?2 AND item <> ?3"
		    " AND flags IN (?4, 3) AND at BETWEEN ?5 AND ?6 ORDER BY abs(at - ?7), item LIMIT ?8",
		    DB_ARGS(DB_T(p->tenant), DB_B(key, PAIR_KEY), DB_I(p->item), DB_I(f->flags), DB_I(p->at - f->window), DB_I(p->at + f->window),
			    DB_I(p->at), DB_I((int64_t)f->max)),
		    &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		struct store_pair_found one = {.item = db_int(st, 0), .stream = db_int(st, 1), .at = db_int(st, 2), .tries = (int)db_int(st, 3)};
		db_blob(st, 4, one.message, sizeof(one.message));
		keep(f, &one);
	}
	return r;
}

static int find(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct find *f = ctx;

	f->n = 0;
	f->noted = 0;
	for (int i = 0; i < f->pair->n_keys; i++)
		if (find_by(db, f, f->pair->keys[i], err) < 0)
			return -1;
	return 0;
}

int store_pair_find(struct store *s, const struct store_pair *p, unsigned flags, int64_t window, int64_t since, size_t max, struct arena *a,
	struct store_pair_found **ret, size_t *ret_n, int64_t *ret_noted, struct err *err)
{
	struct find f = {.pair = p, .flags = flags, .window = window, .since = since, .max = max,
		.found = arena_alloc(a, (max + 1) * sizeof(*f.found))};

	if (!f.found)
		return err_set(err, ERR_LOCAL, "store", "no room in memory for mails that belong together");
	if (store_read(s, find, &f, err) < 0)
		return -1;
	*ret = f.found;
	*ret_n = f.n;
	*ret_noted = f.noted;
	return 0;
}

struct tried {
	const char *tenant;
	const int64_t *items;
	size_t n;
};

static int tried(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct tried *t = ctx;

	for (size_t i = 0; i < t->n; i++)
		if (db_run(db, "UPDATE pairs SET tries = tries + 1 WHERE tenant = ?1 AND item = ?2", DB_ARGS(DB_T(t->tenant), DB_I(t->items[i])), err) < 0)
			return -1;
	return 0;
}

int store_pair_tried(struct store *s, const char *tenant, const int64_t *items, size_t n, struct err *err)
{
	struct tried t = {.tenant = tenant, .items = items, .n = n};

	return store_write(s, tried, &t, err);
}
