/* The vault over SQLite; see vault.h. One connection under one lock: a statement's work is some microseconds, the
 * sync of a commit some milliseconds, and nothing else waits inside.
 *
 * The rollback journal is deleted, not a write-ahead log: a log would keep deleted rows until its next checkpoint. */
#include "auth/vault.h"

#include "auth/vault_impl.h"
#include "base/encode.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

void vault_record_free(struct vault_record *r)
{
	for (int i = 0; i < r->n; i++)
		buf_wipe(&r->items[i].value);
	r->n = 0;
}

struct vault_item *vault_record_item(struct vault_record *r, const char *purpose)
{
	for (int i = 0; i < r->n; i++)
		if (strcmp(r->items[i].purpose, purpose) == 0)
			return &r->items[i];
	return NULL;
}

/* ---- what values are tied to ---- */

/* Words with their NULs: no word holds one, so no two lists give the same bytes. */
static int add_word(struct buf *aad, const char *word)
{
	return buf_add(aad, word, strlen(word) + 1);
}

static int data_key_aad(struct buf *aad, const char *tenant)
{
	return add_word(aad, "sekisho data key 1") < 0 || add_word(aad, tenant) < 0 ? -1 : 0;
}

static int value_aad(struct buf *aad, const struct vault_record *r, int64_t version, const char *purpose)
{
	char number[32];

	snprintf(number, sizeof(number), "%lld", (long long)version);
	return add_word(aad, "sekisho value 1") < 0 || add_word(aad, r->tenant) < 0 || add_word(aad, r->provider) < 0 ||
			add_word(aad, r->connection) < 0 || add_word(aad, purpose) < 0 || add_word(aad, number) < 0 ?
		-1 :
		0;
}

static int broken(const struct vault_record *r, struct err *err)
{
	return err_set(err, ERR_LOCAL, "vault_corrupt",
		"the vault's entry of connection %s was changed from outside or damaged: connect it anew", r->connection);
}

/* ---- data keys ---- */

int vault_seal_data_key(const unsigned char *kek, const char *tenant, const unsigned char key[SEAL_KEY], struct buf *ret)
{
	_cleanup_buf_ struct buf aad = BUF_INIT(256);

	return data_key_aad(&aad, tenant) < 0 ? -1 : seal(kek, &aad, key, SEAL_KEY, ret);
}

static int new_data_key(struct vault *v, const char *tenant, unsigned char key[SEAL_KEY], struct err *err)
{
	_cleanup_buf_ struct buf sealed = BUF_INIT(256);

	random_bytes(key, SEAL_KEY);
	if (vault_seal_data_key(v->kek, tenant, key, &sealed) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	return vault_db_put_key(&v->db, tenant, &sealed, err);
}

int vault_data_key(struct vault *v, const char *tenant, bool make, unsigned char key[SEAL_KEY], struct err *err)
{
	_cleanup_buf_ struct buf aad = BUF_INIT(256), sealed = BUF_INIT(256);
	_cleanup_wipe_ struct buf plain = BUF_INIT(SEAL_KEY);
	bool found;

	if (vault_db_get_key(&v->db, tenant, &sealed, &found, err) < 0)
		return -1;
	if (!found && make)
		return new_data_key(v, tenant, key, err);
	if (!found || data_key_aad(&aad, tenant) < 0 || unseal(v->kek, &aad, sealed.data, sealed.len, &plain) < 0 ||
		plain.len != SEAL_KEY)
		return err_set(err, ERR_LOCAL, "vault_corrupt",
			"the vault's key of tenant %s was changed from outside or damaged: connect its clouds anew", tenant);
	memcpy(key, plain.data, SEAL_KEY);
	return 0;
}

/* ---- records, inside a transaction ---- */

int vault_put_values(struct vault *v, const struct vault_record *r, int64_t version, struct err *err)
{
	unsigned char key[SEAL_KEY];

	if ((!version && vault_db_next_version(&v->db, &version, err) < 0) ||
		vault_data_key(v, r->tenant, true, key, err) < 0)
		return -1;
	int result = vault_db_put_connection(&v->db, r, version, err);
	for (int i = 0; i < r->n && result == 0; i++) {
		const struct vault_item *item = &r->items[i];
		if (item->lent)
			continue;
		_cleanup_buf_ struct buf aad = BUF_INIT(1024), sealed = BUF_INIT(VAULT_VALUE_MAX + SEAL_OVERHEAD);
		if (value_aad(&aad, r, version, item->purpose) < 0 ||
			seal(key, &aad, buf_str(&item->value), item->value.len, &sealed) < 0)
			result = err_set(err, ERR_LOCAL, "memory", "out of memory");
		else
			result = vault_db_put_value(&v->db, r->connection, item->purpose, &sealed, err);
	}
	OPENSSL_cleanse(key, sizeof(key));
	return result;
}

int vault_load_values(struct vault *v, const char *connection, struct vault_record *ret, struct err *err)
{
	struct vault_record r = {0};
	unsigned char key[SEAL_KEY];

	if (vault_db_get_connection(&v->db, connection, &r, err) < 0 || vault_data_key(v, r.tenant, false, key, err) < 0)
		return -1;
	int result = vault_db_get_values(&v->db, &r, err); /* still sealed */
	for (int i = 0; i < r.n && result == 0; i++) {
		struct vault_item *item = &r.items[i];
		_cleanup_buf_ struct buf aad = BUF_INIT(1024);
		struct buf plain = BUF_INIT(VAULT_VALUE_MAX);
		if (value_aad(&aad, &r, r.version, item->purpose) < 0 ||
			unseal(key, &aad, buf_str(&item->value), item->value.len, &plain) < 0) {
			buf_wipe(&plain);
			result = broken(&r, err);
			break;
		}
		buf_free(&item->value);
		item->value = plain;
	}
	OPENSSL_cleanse(key, sizeof(key));
	if (result < 0)
		vault_record_free(&r);
	else
		*ret = r;
	return result;
}

/* ---- calls, each a transaction ---- */

int vault_begin(struct vault *v, struct err *err)
{
	pthread_mutex_lock(&v->lock);
	if (vault_db_begin(&v->db, err) == 0)
		return 0;
	pthread_mutex_unlock(&v->lock);
	return -1;
}

int vault_end(struct vault *v, int result, struct err *err)
{
	if (result == 0)
		result = vault_db_commit(&v->db, err);
	if (result < 0)
		vault_db_rollback(&v->db);
	pthread_mutex_unlock(&v->lock);
	return result;
}

int vault_put(struct vault *v, const struct vault_record *r, struct err *err)
{
	if (vault_begin(v, err) < 0)
		return -1;
	int result = vault_db_forget(&v->db, r->connection, err);
	if (result == 0)
		result = vault_put_values(v, r, 0, err);
	return vault_end(v, result, err);
}

int vault_load(struct vault *v, const char *connection, struct vault_record *ret, struct err *err)
{
	if (vault_begin(v, err) < 0)
		return -1;
	return vault_end(v, vault_load_values(v, connection, ret, err), err);
}

static int replace(struct vault *v, const struct vault_record *r, const char *purpose, const struct buf *value,
	int64_t *ret_version, struct err *err)
{
	struct vault_record now = {0};

	if (vault_load_values(v, r->connection, &now, err) < 0)
		return -1;
	struct vault_item *item = vault_record_item(&now, purpose);
	int result = -1;
	if (now.version != r->version || !item) {
		err_set(err, ERR_CHANGED, "replaced", "the grant of connection %s was replaced meanwhile", r->connection);
	} else {
		buf_wipe(&item->value);
		item->value.max = VAULT_VALUE_MAX;
		result = buf_add(&item->value, buf_str(value), value->len) < 0 ?
			err_set(err, ERR_LOCAL, "memory", "out of memory") :
			vault_db_forget(&v->db, r->connection, err);
		if (result == 0)
			result = vault_put_values(v, &now, 0, err);
		if (result == 0)
			result = vault_db_version(&v->db, ret_version, err);
	}
	vault_record_free(&now);
	return result;
}

int vault_replace(struct vault *v, const struct vault_record *r, const char *purpose, const struct buf *value,
	int64_t *ret_version, struct err *err)
{
	if (vault_begin(v, err) < 0)
		return -1;
	return vault_end(v, replace(v, r, purpose, value, ret_version, err), err);
}

int vault_forget(struct vault *v, const char *connection, struct err *err)
{
	if (vault_begin(v, err) < 0)
		return -1;
	int result = vault_db_forget(&v->db, connection, err);
	if (result == 0)
		result = vault_db_drop_unused_keys(&v->db, err);
	return vault_end(v, result, err);
}

static int rename_inside(struct vault *v, const char *from, const char *to, struct err *err)
{
	struct vault_record r = {0}, old = {0};
	struct err none;

	if (vault_load_values(v, from, &r, err) < 0)
		return -1;
	int result = -1;
	if (vault_db_get_connection(&v->db, to, &old, &none) == 0 &&
		(strcmp(old.tenant, r.tenant) != 0 || strcmp(old.provider, r.provider) != 0)) {
		err_set(err, ERR_REMOTE, "other_connection", "the id '%s' belongs to a connection of tenant %s at %s", to,
			old.tenant, old.provider);
	} else {
		result = vault_db_forget(&v->db, from, err);
		if (result == 0)
			result = vault_db_forget(&v->db, to, err);
		snprintf(r.connection, sizeof(r.connection), "%s", to);
		if (result == 0)
			result = vault_put_values(v, &r, 0, err);
	}
	vault_record_free(&r);
	return result;
}

int vault_rename(struct vault *v, const char *from, const char *to, struct err *err)
{
	if (vault_begin(v, err) < 0)
		return -1;
	return vault_end(v, rename_inside(v, from, to, err), err);
}

int vault_list(struct vault *v, struct vault_listed **ret, size_t *ret_n, struct err *err)
{
	if (vault_begin(v, err) < 0)
		return -1;
	return vault_end(v, vault_db_list(&v->db, ret, ret_n, err), err);
}

/* ---- opening ---- */

bool vault_exists(const char *state)
{
	char path[PATH_MAX];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/vault.db", state) < (int)sizeof(path) && stat(path, &st) == 0 && st.st_size > 0;
}

/* Makes it with mode 0600 before SQLite would with another one, and takes away what others may do with an old one. */
static int private_file(const char *path, struct err *err)
{
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return err_set(err, ERR_LOCAL, "vault", "%s belongs to another user: chown it to the user of the service", path);
	if ((st.st_mode & 07777) == 0600)
		return 0;
	log_warn("vault.mode", "path=%s mode=%04o", path, (unsigned)(st.st_mode & 07777));
	return fchmod(fd, 0600) < 0 ? err_errno(err, "%s", path) : 0;
}

#define CHECK_AAD "sekisho key check 1"

int vault_seal_check(const unsigned char *kek, struct buf *ret)
{
	static const char word[] = "sekisho vault";
	_cleanup_buf_ struct buf aad = BUF_INIT(64);

	return add_word(&aad, CHECK_AAD) < 0 ? -1 : seal(kek, &aad, word, sizeof(word), ret);
}

/* A value sealed with the key itself tells a wrong key from a damaged vault. */
static int check_key(struct vault *v, struct err *err)
{
	_cleanup_buf_ struct buf aad = BUF_INIT(64), sealed = BUF_INIT(256), plain = BUF_INIT(256);
	bool found;

	if (add_word(&aad, CHECK_AAD) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (vault_db_get_key(&v->db, "", &sealed, &found, err) < 0)
		return -1;
	if (found)
		return unseal(v->kek, &aad, sealed.data, sealed.len, &plain) == 0 ?
			0 :
			err_set(err, ERR_LOCAL, "wrong_key",
				"the vault was made with another key: bring back the key file that belongs to it, or remove vault.db and "
				"connect anew");
	if (vault_seal_check(v->kek, &sealed) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	return vault_db_put_key(&v->db, "", &sealed, err);
}

int vault_open(const char *state, const unsigned char kek[SEAL_KEY], struct vault **ret, struct err *err)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/vault.db", state) >= (int)sizeof(path))
		return err_set(err, ERR_LOCAL, "path_too_long", "%s: path too long", state);
	struct vault *v = calloc(1, sizeof(*v));
	if (!v || !(v->kek = seal_key_page())) {
		free(v);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	memcpy(v->kek, kek, SEAL_KEY);
	pthread_mutex_init(&v->lock, NULL);
	if (private_file(path, err) < 0 || vault_db_open(&v->db, path, err) < 0)
		goto fail;
	if (vault_db_begin(&v->db, err) < 0)
		goto fail;
	if (check_key(v, err) < 0 || vault_db_commit(&v->db, err) < 0) {
		vault_db_rollback(&v->db);
		goto fail;
	}
	*ret = v;
	return 0;
fail:
	vault_close(v);
	return -1;
}

void vault_close(struct vault *v)
{
	if (!v)
		return;
	vault_db_close(&v->db);
	seal_key_page_free(v->kek);
	pthread_mutex_destroy(&v->lock);
	free(v);
}
