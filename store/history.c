/* Correspondence and hosts: who a tenant has had mail with before, and where links have led. Neither address nor domain is
 * kept, only a hash of each. Written in the transaction that ends an item (finish.c), pruned by prune.c. Any thread. */
#include "store/impl.h"

#include "base/digest.h"
#include "base/encode.h"

#include <string.h>

#define HASH_LEN 16
#define DAY_MS INT64_C(86400000)
#define MAX_NOTED 64

static int hash_of(const char *tenant, const char *what, unsigned char ret[HASH_LEN])
{
	_cleanup_buf_ struct buf b = BUF_INIT(4096);
	struct digests d;

	/* The NUL parts them: neither tenant nor address holds one. */
	if (buf_add(&b, tenant, strlen(tenant) + 1) < 0 || buf_adds(&b, what) < 0 || digest_bytes(DIGEST_SHA256, b.data, b.len, &d) < 0)
		return -1;
	d.sha256[2 * HASH_LEN] = '\0';
	return hex_decode(ret, d.sha256, HASH_LEN) < 0 ? -1 : 0;
}

static int note_contact(struct db *db, const struct store_note *n, const char *address, struct err *err)
{
	unsigned char hash[HASH_LEN], mail[HASH_LEN];

	if (hash_of(n->tenant, address, hash) < 0 || hash_of("", n->mail ? n->mail : "", mail) < 0)
		return 0; /* longer than any address */
	/* The backlog brings mails in any order: first and last are by their own time. */
	return db_run(db,
		       "INSERT INTO contacts (hash, first_at, last_at, mails, mail) VALUES (?1, ?2, ?2, 1, ?3)"
		       " ON CONFLICT (hash) DO UPDATE SET"
		       " first_at = CASE WHEN excluded.first_at < contacts.first_at THEN excluded.first_at ELSE contacts.first_at END,"
		       " last_at = CASE WHEN excluded.last_at > contacts.last_at THEN excluded.last_at ELSE contacts.last_at END,"
		       " mails = contacts.mails + 1, mail = excluded.mail"
		       " WHERE contacts.mail <> excluded.mail OR excluded.first_at < contacts.first_at",
		       DB_ARGS(DB_B(hash, HASH_LEN), DB_I(n->at), DB_B(mail, HASH_LEN)), err) < 0 ? -1 : 0;
}

static int note_host(struct db *db, const struct store_note *n, const char *domain, struct err *err)
{
	unsigned char hash[HASH_LEN];

	if (!*domain || hash_of(n->tenant, domain, hash) < 0)
		return 0;
	return db_run(db,
		       "INSERT INTO hosts (hash, first_at, last_at) VALUES (?1, ?2, ?2) ON CONFLICT (hash) DO UPDATE SET"
		       " first_at = CASE WHEN excluded.first_at < hosts.first_at THEN excluded.first_at ELSE hosts.first_at END,"
		       " last_at = CASE WHEN excluded.last_at > hosts.last_at THEN excluded.last_at ELSE hosts.last_at END"
		       " WHERE excluded.first_at < hosts.first_at OR excluded.last_at > hosts.last_at + ?3",
		       DB_ARGS(DB_B(hash, HASH_LEN), DB_I(n->at), DB_I(DAY_MS)), err) < 0 ? -1 : 0;
}

int history_note(struct db *db, const struct store_note *n, struct err *err)
{
	for (size_t i = 0; n->tenant && i < n->n_contacts && i < MAX_NOTED; i++)
		if (note_contact(db, n, n->contacts[i], err) < 0)
			return -1;
	for (size_t i = 0; n->tenant && i < n->n_hosts && i < MAX_NOTED; i++)
		if (note_host(db, n, n->hosts[i], err) < 0)
			return -1;
	return 0;
}

/* The key at the end of a batch; how many there are. */
static int batch_end(struct db *db, const char *sql, const unsigned char *key, size_t key_len, int batch, unsigned char last[HASH_LEN], int *ret_n,
	struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	int r;

	*ret_n = 0;
	if (db_start(db, sql, DB_ARGS(DB_B(key, key_len), DB_I(batch)), &st, err) < 0)
		return -1;
	for (; (r = db_step(st, err)) > 0; (*ret_n)++)
		if (db_blob(st, 0, last, HASH_LEN) != HASH_LEN)
			return err_set(err, ERR_LOCAL, "corrupt", "a hash is damaged");
	return r;
}

int history_prune(struct db *db, bool contacts, int64_t before, unsigned char *key, size_t *key_len, int batch, bool *ret_more, struct err *err)
{
	static const char *const look[] = {"SELECT hash FROM hosts WHERE hash > ?1 ORDER BY hash LIMIT ?2",
		"SELECT hash FROM contacts WHERE hash > ?1 ORDER BY hash LIMIT ?2"};
	static const char *const drop[] = {"DELETE FROM hosts WHERE hash > ?1 AND hash <= ?2 AND last_at < ?3",
		"DELETE FROM contacts WHERE hash > ?1 AND hash <= ?2 AND last_at < ?3"};
	unsigned char last[HASH_LEN];
	int n;

	if (batch_end(db, look[contacts], key, *key_len, batch, last, &n, err) < 0)
		return -1;
	*ret_more = n == batch;
	if (n == 0)
		return 0;
	if (db_run(db, drop[contacts], DB_ARGS(DB_B(key, *key_len), DB_B(last, HASH_LEN), DB_I(before)), err) < 0)
		return -1;
	memcpy(key, last, HASH_LEN);
	*key_len = HASH_LEN;
	return 0;
}

struct ask {
	const char *tenant;
	const char *const *what;
	size_t n;
	struct store_contact contact;
	int64_t *found;
};

static int ask_contact(struct store *s, struct db *db, void *ctx, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	struct ask *a = ctx;
	unsigned char hash[HASH_LEN];

	a->contact = (struct store_contact){0};
	if (hash_of(a->tenant, a->what[0], hash) < 0)
		return 0;
	if (db_start(db, "SELECT first_at, last_at, mails FROM contacts WHERE hash = ?1", DB_ARGS(DB_B(hash, HASH_LEN)), &st, err) < 0)
		return -1;
	int r = db_step(st, err);
	if (r > 0)
		a->contact = (struct store_contact){db_int(st, 0), db_int(st, 1), db_int(st, 2)};
	return r < 0 ? -1 : 0;
}

int store_contact_get(struct store *s, const char *tenant, const char *address, struct store_contact *ret, struct err *err)
{
	struct ask a = {.tenant = tenant, .what = &address, .n = 1};

	if (store_read(s, ask_contact, &a, err) < 0)
		return -1;
	*ret = a.contact;
	return 0;
}

static int ask_hosts(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct ask *a = ctx;
	unsigned char hash[HASH_LEN];

	for (size_t i = 0; i < a->n; i++) {
		a->found[i] = 0;
		if (a->what[i] && *a->what[i] && hash_of(a->tenant, a->what[i], hash) == 0 &&
			db_get_int(db, "SELECT first_at FROM hosts WHERE hash = ?1", DB_ARGS(DB_B(hash, HASH_LEN)), &a->found[i], err) < 0)
			return -1;
	}
	return 0;
}

int store_hosts_get(struct store *s, const char *tenant, const char *const *domains, size_t n, int64_t *ret, struct err *err)
{
	_cleanup_free_ int64_t *found = calloc(n ? n : 1, sizeof(*found));
	struct ask a = {.tenant = tenant, .what = domains, .n = n, .found = found};

	if (!found)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (store_read(s, ask_hosts, &a, err) < 0)
		return -1;
	memcpy(ret, found, n * sizeof(*found));
	return 0;
}
