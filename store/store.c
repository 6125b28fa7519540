/* Opening and closing a store, its schema's versions, its readers, and what is done after a restart. Any thread. */
#include "store/impl.h"

#include "base/timeutil.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#define SLOTS 16                    /* of counts, when nodes share a store */
#define CLOCK_BACK_MS 60000         /* less is the clock being trimmed */
#define WAIT_AFTER_RESTART_MS 3600000 /* nothing is put off longer than this over a restart */

int store_db_open(const char *where, bool read_only, struct db **ret, struct err *err)
{
	if (strncmp(where, "sqlite:", 7) == 0 && where[7])
		return db_open_sqlite(where + 7, read_only, ret, err);
	if (strncmp(where, "postgresql://", 13) == 0 || strncmp(where, "postgres://", 11) == 0)
		return db_open_postgres(where, read_only, ret, err);
	return err_set(err, ERR_LOCAL, "store", "a store is sqlite:PATH or postgresql://…");
}

static int schema_known(void)
{
	int n = 0;

	while (store_schema[n])
		n++;
	return n;
}

static int schema_version(struct db *db, int64_t *ret, struct err *err)
{
	return db_get_int(db, "SELECT coalesce(max(version), 0) FROM schema_version", DB_NONE, ret, err) == 1 ? 0 : -1;
}

static int too_new(int64_t version, struct err *err)
{
	err_set(err, ERR_LOCAL, "store", "the store has schema %lld, this program knows %d: it is older than the store",
		(long long)version, schema_known());
	return err_scope(err, SCOPE_NODE);
}

/* Brings the schema up to date in one transaction. */
static int migrate(struct db *db, struct err *err)
{
	int64_t version = 0;

	if (db_begin(db, true, err) < 0)
		return -1;
	if ((db->driver->migration_lock && db->driver->exec(db, db->driver->migration_lock, err) < 0) ||
		db->driver->exec(db, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)", err) < 0 ||
		schema_version(db, &version, err) < 0)
		goto fail;
	if (version > schema_known()) {
		too_new(version, err);
		goto fail;
	}
	for (int64_t i = version; i < schema_known(); i++) {
		_cleanup_buf_ struct buf sql = BUF_INIT(1 << 20);
		if (db->driver->translate(store_schema[i], &sql) < 0) {
			err_set(err, ERR_LOCAL, "store", "out of memory");
			goto fail;
		}
		if (db->driver->exec(db, buf_str(&sql), err) < 0 ||
			db_run(db, "INSERT INTO schema_version (version) VALUES (?1)", DB_ARGS(DB_I(i + 1)), err) < 0)
			goto fail;
	}
	return db_commit(db, err);
fail:
	db_rollback(db);
	return -1;
}

/* One writer a file, for as long as the process lives: see sqlite.c for why. */
static int lock_file(struct store *s, struct err *err)
{
	char path[sizeof(s->where) + 8];

	snprintf(path, sizeof(path), "%s.lock", s->where + 7);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return err_errno(err, "%s", path);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_errno(err, "%s", path);
		err_set(err, ERR_RETRY, "busy", "another process has this store open for writing");
		return err_scope(err, SCOPE_NODE);
	}
	return 0;
}

static int open_writer(struct store *s, struct err *err)
{
	_cleanup_(db_closep) struct db *db = NULL;

	if (strncmp(s->where, "sqlite:", 7) == 0 && lock_file(s, err) < 0)
		return -1;
	if (store_db_open(s->where, false, &db, err) < 0 || migrate(db, err) < 0)
		return -1;
	s->sole = db->sole;
	for (const char *p = s->node; *p && !s->sole; p++)
		s->slot = (s->slot * 31 + (unsigned char)*p) % SLOTS;
	if (writer_start(s, db, &s->writer, err) < 0)
		return -1;
	TAKE_PTR(db);
	return 0;
}

static int read_version(struct store *s, struct db *db, void *ctx, struct err *err)
{
	int64_t version = 0;

	if (schema_version(db, &version, err) < 0)
		return err_prefix(err, "this is no store yet");
	if (version > schema_known())
		return too_new(version, err);
	if (version < schema_known())
		return err_set(err, ERR_LOCAL, "store", "the store is of an older version: start the service once");
	return 0;
}

int store_open(const char *where, bool read_only, const char *node, struct store **ret, struct err *err)
{
	if (strlen(where) >= sizeof(((struct store *)0)->where) || strlen(node) >= sizeof(((struct store *)0)->node))
		return err_set(err, ERR_LOCAL, "store", "the store's address or the node's name is too long");
	struct store *made = calloc(1, sizeof(*made));
	if (!made)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	_cleanup_(store_closep) struct store *s = made;
	s->lock_fd = -1;
	s->read_only = read_only;
	snprintf(s->where, sizeof(s->where), "%s", where);
	snprintf(s->node, sizeof(s->node), "%s", node);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->returned, NULL);
	if (read_only ? store_read(s, read_version, NULL, err) : open_writer(s, err))
		return -1;
	*ret = TAKE_PTR(s);
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	/* The readers first: the last connection to go is the writer. */
	for (int i = 0; i < s->n_free; i++)
		db_close(s->reader[i]);
	writer_stop(s->writer);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->returned);
	free(s);
}

int store_write(struct store *s, int (*fn)(struct store *s, struct db *db, void *ctx, struct err *err), void *ctx,
	struct err *err)
{
	if (!s->writer)
		return err_set(err, ERR_LOCAL, "store", "the store is open for reading only");
	return writer_call(s->writer, fn, ctx, err);
}

/* A free reader, a new one while there are few, or the next one that comes back. */
static int reader_take(struct store *s, struct db **ret, struct err *err)
{
	pthread_mutex_lock(&s->lock);
	while (s->n_free == 0 && s->n_readers == READERS_MAX)
		pthread_cond_wait(&s->returned, &s->lock);
	if (s->n_free > 0) {
		*ret = s->reader[--s->n_free];
		pthread_mutex_unlock(&s->lock);
		return 0;
	}
	s->n_readers++;
	pthread_mutex_unlock(&s->lock);
	if (store_db_open(s->where, true, ret, err) == 0)
		return 0;
	pthread_mutex_lock(&s->lock);
	s->n_readers--;
	pthread_cond_signal(&s->returned);
	pthread_mutex_unlock(&s->lock);
	return -1;
}

static void reader_give(struct store *s, struct db *db)
{
	pthread_mutex_lock(&s->lock);
	s->reader[s->n_free++] = db;
	pthread_cond_signal(&s->returned);
	pthread_mutex_unlock(&s->lock);
}

int store_read(struct store *s, int (*fn)(struct store *s, struct db *db, void *ctx, struct err *err), void *ctx,
	struct err *err)
{
	struct db *db;

	if (reader_take(s, &db, err) < 0)
		return -1;
	int r = db_begin(db, false, err);
	if (r == 0) {
		r = fn(s, db, ctx, err);
		db_rollback(db);
	}
	reader_give(s, db);
	return r;
}

static int check(struct store *s, struct db *db, void *ctx, struct err *err)
{
	return db->driver->check(db, err);
}

int store_check(struct store *s, struct err *err)
{
	return store_read(s, check, NULL, err);
}

/* A sole store has no other node: whatever is claimed was claimed by who is gone. */
static int recover(struct store *s, struct db *db, void *ctx, struct err *err)
{
	static const char *const all[] = {
		"UPDATE streams SET node = NULL, ready_at = next_due WHERE node IS NOT NULL",
		"UPDATE items SET node = NULL, ready_at = next_try WHERE node IS NOT NULL",
		"UPDATE findings SET node = NULL, ready_at = action_next_try WHERE waiting = 1 AND node IS NOT NULL",
	};
	static const char *const own[] = {
		"UPDATE streams SET node = NULL, ready_at = next_due WHERE node IS NOT NULL AND node = ?1",
		"UPDATE items SET node = NULL, ready_at = next_try WHERE node IS NOT NULL AND node = ?1",
		"UPDATE findings SET node = NULL, ready_at = action_next_try WHERE waiting = 1 AND node = ?1",
	};
	/* The clock may have been wrong before: no wait outlives a restart by much. */
	static const char *const soon[] = {
		"UPDATE streams SET next_due = ?1, ready_at = ?1 WHERE state = 1 AND ready_at > ?1",
		"UPDATE items SET next_try = ?1, ready_at = ?1 WHERE state = 1 AND ready_at > ?1",
		"UPDATE findings SET action_next_try = ?1, ready_at = ?1 WHERE waiting = 1 AND ready_at > ?1",
	};
	int64_t latest = time_now_ms() + WAIT_AFTER_RESTART_MS;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		int64_t r = s->sole ? db_run(db, all[i], DB_NONE, err) : db_run(db, own[i], DB_ARGS(DB_T(s->node)), err);
		if (r < 0 || (s->sole && db_run(db, soon[i], DB_ARGS(DB_I(latest)), err) < 0))
			return -1;
	}
	return 0;
}

int store_recover(struct store *s, struct err *err)
{
	return store_write(s, recover, NULL, err);
}

static int retry_now(struct store *s, struct db *db, void *ctx, struct err *err)
{
	static const char *const all[] = {
		"UPDATE streams SET next_due = ?1, ready_at = ?1 WHERE state = 1 AND node IS NULL AND ready_at > ?1",
		"UPDATE items SET next_try = ?1, ready_at = ?1 WHERE state = 1 AND node IS NULL AND ready_at > ?1",
		"UPDATE findings SET action_next_try = ?1, ready_at = ?1 WHERE waiting = 1 AND node IS NULL AND ready_at > ?1",
	};
	const int64_t *now = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (db_run(db, all[i], DB_ARGS(DB_I(*now)), err) < 0)
			return -1;
	return 0;
}

int store_retry_now(struct store *s, int64_t now, struct err *err)
{
	return store_write(s, retry_now, &now, err);
}

int store_follow_clock(struct store *s, struct db *db, int64_t now, struct err *err)
{
	static const char *const back[] = {
		"UPDATE connections SET paused_until = paused_until - ?1 WHERE paused_until > ?2",
		"UPDATE streams SET next_due = next_due - ?1, ready_at = ready_at - ?1 WHERE state = 1 AND ready_at > ?2",
		"UPDATE items SET next_try = CASE WHEN next_try > ?2 THEN next_try - ?1 ELSE next_try END,"
		" ready_at = ready_at - ?1 WHERE state = 1 AND ready_at > ?2",
		"UPDATE findings SET action_next_try = action_next_try - ?1, ready_at = ready_at - ?1"
		" WHERE waiting = 1 AND ready_at > ?2",
	};
	int64_t by = s->memory.now - now;

	if (s->sole && by > CLOCK_BACK_MS)
		for (size_t i = 0; i < ARRAY_SIZE(back); i++)
			if (db_run(db, back[i], DB_ARGS(DB_I(by), DB_I(now)), err) < 0)
				return -1;
	if (s->sole && (by > CLOCK_BACK_MS || by < 0))
		s->memory.now = now;
	return 0;
}
