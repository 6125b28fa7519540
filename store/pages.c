/* Committing one page of a stream: its items, its cursor and its counters in one transaction.
 *
 * The identity of an item is (connection, remote_id, version). What is known already is a repeat; some repeats are
 * more than that, because nothing that is visible may be left unjudged: a pending item that shows up in another
 * stream has moved there (so that its disappearance from the old one does not end it), and one that was given up as
 * "gone", "superseded" or "changed", or in which nothing was found before the provider called it malware, is pending again. */
#include "store/impl.h"

#include "base/encode.h"

#include <openssl/sha.h>
#include <string.h>

#define IDENT_LEN 16

void counts_add(struct counts *c, int state, int64_t by)
{
	switch (state) {
	case ITEM_PENDING:
		c->pending += by;
		break;
	case ITEM_SCANNED:
		c->scanned += by;
		break;
	case ITEM_UNKNOWN:
		c->unknown += by;
		break;
	default:
		c->skipped += by;
	}
}

int counts_apply(struct store *s, struct db *db, int64_t stream, const struct counts *c, struct err *err)
{
	return db_run(db,
		       "INSERT INTO counts (stream, slot, seen, scanned, unknown, skipped, pending, repeats)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (stream, slot) DO UPDATE SET"
		       " seen = counts.seen + ?3, scanned = counts.scanned + ?4, unknown = counts.unknown + ?5,"
		       " skipped = counts.skipped + ?6, pending = counts.pending + ?7, repeats = counts.repeats + ?8",
		       DB_ARGS(DB_I(stream), DB_I(s->slot), DB_I(c->seen), DB_I(c->scanned), DB_I(c->unknown),
			       DB_I(c->skipped), DB_I(c->pending), DB_I(c->repeats)),
		       err) < 0 ? -1 : 0;
}

static int ident_of(const struct store_item *item, unsigned char ret[IDENT_LEN], struct err *err)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	_cleanup_buf_ struct buf b = BUF_INIT(2 * DB_TEXT_MAX);

	if (buf_adds(&b, item->remote_id) < 0 || buf_addc(&b, '\0') < 0 || buf_adds(&b, str0(item->version)) < 0)
		return err_set(err, ERR_TOO_BIG, "too_big", "an item's id is too long to store");
	SHA256((const unsigned char *)b.data, b.len, digest);
	memcpy(ret, digest, IDENT_LEN);
	return 0;
}

#define MARK_MAX 200 /* longer ones are no marks */
static const char *mark_of(const struct store_item *i)
{
	return i->sharing_mark && *i->sharing_mark && strlen(i->sharing_mark) <= MARK_MAX ? i->sharing_mark : NULL;
}

struct commit {
	struct store *store;
	const struct store_page *page;
	int64_t connection;
	struct counts counts; /* of the page's stream */
	int64_t n_new;
};

static int insert(struct db *db, struct commit *c, const struct store_item *i, const unsigned char *ident, struct err *err)
{
	static const char sql[] =
		"INSERT INTO items (connection, ident, stream, state, lane, ready_at, next_try, attempts, crashes, finding,"
		" kind, size, changed_at, seen_at, received_at, done_at, reason, remote_id, version, service, name, path,"
		" owner, hash_kind, hash, provider_threat, message_id, mail_from, mail_to, subject, context, sharing_mark)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
		" ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30) ON CONFLICT (connection, ident) DO NOTHING";
	int state = i->state ? (int)i->state : ITEM_PENDING;
	int64_t now = c->page->now;

	return db_run(db, sql,
		       DB_ARGS(DB_I(c->connection), DB_B(ident, IDENT_LEN), DB_I(c->page->stream), DB_I(state),
			       DB_I(i->lane == LANE_LIVE ? LANE_LIVE : LANE_BACKLOG), DB_I(i->next_try), DB_I(i->attempts),
			       DB_I(i->crashes), DB_I(i->kind), DB_I(i->size), DB_I(i->changed_at),
			       DB_I(i->seen_at ? i->seen_at : now), DB_I(i->received_at),
			       DB_I(state == ITEM_PENDING ? 0 : now), DB_T(str0(i->reason)), DB_T(i->remote_id),
			       DB_T(str0(i->version)), DB_T(i->service), DB_T(i->name), DB_T(i->path), DB_T(i->owner),
			       DB_T(i->hash_kind), DB_T(i->hash), DB_T(i->provider_threat), DB_T(i->message_id),
			       DB_T(i->from), DB_T(i->to), DB_T(i->subject), DB_T(i->context), DB_T(mark_of(i))),
		       err) < 0 ? -1 : (int)db->driver->changes(db);
}

/* Takes pending items out: each becomes unknown, in the counters of its own stream. */
static int give_up(struct db *db, struct commit *c, const char *sql, const struct db_arg *args, size_t n, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	_cleanup_(db_list_free) struct db_list others = DB_LIST(int64_t);
	int r;

	if (db_start(db, sql, args, n, &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		int64_t stream = db_int(st, 0);
		if (stream == c->page->stream) {
			c->counts.pending--;
			c->counts.unknown++;
			continue;
		}
		int64_t *other = db_list_add(&others, err);
		if (!other)
			return -1;
		*other = stream;
	}
	if (r < 0)
		return -1;
	const struct counts moved = {.pending = -1, .unknown = 1};
	for (size_t i = 0; i < others.n; i++)
		if (counts_apply(c->store, db, ((int64_t *)others.data)[i], &moved, err) < 0)
			return -1;
	return 0;
}

/* A pending version that changed later than this one (a feed out of order) stays: it is the newer one. */
static int supersede(struct db *db, struct commit *c, const struct store_item *i, const unsigned char *ident,
	struct err *err)
{
	return give_up(db, c,
		"UPDATE items SET state = 3, reason = 'superseded', done_at = ?4, node = NULL WHERE state = 1"
		" AND connection = ?1 AND remote_id = ?2 AND ident <> ?3"
		" AND (changed_at <= ?5 OR changed_at = 0 OR ?5 = 0) RETURNING stream",
		DB_ARGS(DB_I(c->connection), DB_T(i->remote_id), DB_B(ident, IDENT_LEN), DB_I(c->page->now),
			DB_I(i->changed_at)),
		err);
}

/* The item, known by another stream or judged before (was: its state; why: enum item_again), is here and pending. */
static int bring_here(struct db *db, struct commit *c, const struct store_item *i, int64_t id, int64_t stream, int was,
	int why, struct err *err)
{
	struct counts left = {.seen = -1};

	if (db_run(db,
		    "UPDATE items SET stream = ?2, state = 1, reason = CASE WHEN state = 1 THEN reason ELSE '' END,"
		    " done_at = 0, ready_at = CASE WHEN state = 1 THEN ready_at ELSE 0 END,"
		    " next_try = CASE WHEN state = 1 THEN next_try ELSE 0 END, attempts = CASE WHEN state = 1 THEN attempts"
		    " ELSE 0 END, service = ?3, name = ?4, path = ?5, owner = ?6, hash_kind = ?7, hash = ?8,"
		    " provider_threat = ?9, message_id = ?10, mail_from = ?11, mail_to = ?12, subject = ?13, context = ?14,"
		    " sharing_mark = ?15, again = CASE WHEN state = 1 THEN again ELSE ?16 END WHERE id = ?1",
		    DB_ARGS(DB_I(id), DB_I(c->page->stream), DB_T(i->service), DB_T(i->name), DB_T(i->path), DB_T(i->owner),
			    DB_T(i->hash_kind), DB_T(i->hash), DB_T(i->provider_threat), DB_T(i->message_id), DB_T(i->from),
			    DB_T(i->to), DB_T(i->subject), DB_T(i->context), DB_T(mark_of(i)), DB_I(why)),
		    err) < 0)
		return -1;
	counts_add(&left, was, -1);
	c->counts.seen++;
	c->counts.pending++;
	if (was != ITEM_PENDING)
		c->n_new++;
	if (stream != c->page->stream)
		return counts_apply(c->store, db, stream, &left, err);
	c->counts.seen += left.seen;
	c->counts.scanned += left.scanned;
	c->counts.unknown += left.unknown;
	c->counts.skipped += left.skipped;
	c->counts.pending += left.pending;
	return 0;
}

/* Was it pruned, so that only its identity is left? 1: then the row that was just made for it goes again. Unless the
 * provider calls it malware now: that is news. 0: it is new. */
static int was_known(struct db *db, struct commit *c, const struct store_item *i, const unsigned char *ident, struct err *err)
{
	int64_t n = 0;

	if (db_get_int(db, "SELECT count(*) FROM known WHERE connection = ?1 AND ident = ?2",
		    DB_ARGS(DB_I(c->connection), DB_B(ident, IDENT_LEN)), &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	bool news = i->provider_threat && (!i->state || i->state == ITEM_PENDING);
	const char *sql = news ? "DELETE FROM known WHERE connection = ?1 AND ident = ?2" :
				 "DELETE FROM items WHERE connection = ?1 AND ident = ?2";
	if (db_run(db, sql, DB_ARGS(DB_I(c->connection), DB_B(ident, IDENT_LEN)), err) < 0)
		return -1;
	return !news;
}

static int repeat(struct db *db, struct commit *c, const struct store_item *i, const unsigned char *ident, struct err *err)
{
	int64_t id, stream;
	int state;
	/* Ended without being looked at; called malware since; another sharing mark; and one that tells of sharing. */
	bool gone, marked, moved, shared;

	c->counts.repeats++;
	{
		_cleanup_(db_endp) struct db_stmt *st = NULL;
		if (db_start(db,
			    "SELECT id, stream, state, reason, finding, provider_threat, sharing_mark FROM items"
			    " WHERE connection = ?1 AND ident = ?2",
			    DB_ARGS(DB_I(c->connection), DB_B(ident, IDENT_LEN)), &st, err) < 0)
			return -1;
		int r = db_step(st, err);
		if (r <= 0)
			return r;
		id = db_int(st, 0);
		stream = db_int(st, 1);
		state = (int)db_int(st, 2);
		const char *reason = str0(db_text(st, 3));
		/* A content that came back (A, then B, then A again) has the version it had. */
		gone = state == ITEM_UNKNOWN && (strcmp(reason, "gone") == 0 || strcmp(reason, "superseded") == 0 ||
							strcmp(reason, "changed") == 0);
		/* The provider calls it malware now, and nothing was found in it then. */
		marked = i->provider_threat && state != ITEM_PENDING && db_int(st, 4) == 0 && !db_text(st, 5);
		moved = strcmp(str0(db_text(st, 6)), str0(mark_of(i))) != 0;
		shared = moved && mark_of(i) && (state == ITEM_SCANNED || state == ITEM_UNKNOWN);
	}
	if (i->state && i->state != ITEM_PENDING)
		return 0;
	if (gone || marked || shared || (state == ITEM_PENDING && stream != c->page->stream))
		return bring_here(db, c, i, id, stream, state, shared && !marked && !gone ? AGAIN_SHARING : 0, err);
	return !moved ? 0 : db_run(db, "UPDATE items SET sharing_mark = ?2 WHERE id = ?1", DB_ARGS(DB_I(id), DB_T(mark_of(i))), err) < 0 ? -1 : 0;
}

static int commit_item(struct db *db, struct commit *c, const struct store_item *i, struct err *err)
{
	unsigned char ident[IDENT_LEN];

	if (ident_of(i, ident, err) < 0)
		return -1;
	int n = insert(db, c, i, ident, err);
	if (n < 0)
		return -1;
	if (n == 0)
		return repeat(db, c, i, ident, err);
	n = was_known(db, c, i, ident, err);
	if (n != 0) {
		c->counts.repeats += n > 0;
		return n < 0 ? -1 : 0;
	}
	int state = i->state ? (int)i->state : ITEM_PENDING;
	c->counts.seen++;
	counts_add(&c->counts, state, 1);
	if (state == ITEM_PENDING)
		c->n_new++;
	return supersede(db, c, i, ident, err);
}

static int move_cursor(struct store *s, struct db *db, struct commit *c, struct err *err)
{
	const struct store_page *p = c->page;

	/* A page that comes after its lease ran out and another node took the stream: the items count, the cursor is
	 * the other's. */
	return db_run(db,
		       "UPDATE streams SET cursor = ?2, listing = ?3, resync = ?4, failures = 0, error = '', reason = '',"
		       " last_success_at = ?5, node = CASE WHEN ?6 = 1 THEN NULL ELSE node END,"
		       " next_due = CASE WHEN ?6 = 1 THEN ?7 ELSE next_due END,"
		       " ready_at = CASE WHEN ?6 = 1 THEN ?7 ELSE ready_at END"
		       " WHERE id = ?1 AND (node IS NULL OR node = ?8)",
		       DB_ARGS(DB_I(p->stream), DB_T(p->cursor), DB_I(p->listing), DB_I(p->resync), DB_I(p->now),
			       DB_I(p->release), DB_I(p->next_due), DB_T(s->node)),
		       err) < 0 ? -1 : 0;
}

static int commit(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct commit *c = ctx;
	const struct store_page *p = c->page;

	c->store = s;
	c->counts = (struct counts){0};
	c->n_new = 0;
	int r = db_get_int(db, "SELECT connection FROM streams WHERE id = ?1", DB_ARGS(DB_I(p->stream)), &c->connection, err);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_GONE, "not_found", "there is no stream %lld", (long long)p->stream);
	/* What disappeared first: an item that a page both removes and lists is there. */
	for (size_t i = 0; i < p->n_removed; i++)
		if (give_up(db, c,
			    "UPDATE items SET state = 3, reason = 'gone', done_at = ?4, node = NULL WHERE state = 1"
			    " AND connection = ?1 AND remote_id = ?2 AND stream = ?3 RETURNING stream",
			    DB_ARGS(DB_I(c->connection), DB_T(p->removed[i]), DB_I(p->stream), DB_I(p->now)), err) < 0)
			return -1;
	for (size_t i = 0; i < p->n_items; i++)
		if (commit_item(db, c, &p->items[i], err) < 0)
			return -1;
	if (counts_apply(c->store, db, p->stream, &c->counts, err) < 0)
		return -1;
	return move_cursor(s, db, c, err);
}

int store_page_commit(struct store *s, const struct store_page *page, int64_t *ret_new, struct err *err)
{
	struct commit c = {.page = page};

	if (store_write(s, commit, &c, err) < 0)
		return -1;
	if (ret_new)
		*ret_new = c.n_new;
	return 0;
}
