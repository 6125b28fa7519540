/* New keys and backups of the vault; see vault_life.h. */
#include "auth/vault_life.h"

#include "auth/vault_impl.h"
#include "base/encode.h"
#include "base/ioutil.h"
#include "base/json.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <string.h>

#define BACKUP_MAGIC "sekisho vault backup 1\n"
#define BACKUP_MAX (256u << 20)
#define PASSPHRASE_LEAST 12 /* characters: it may be tried offline */

static int no_memory(struct err *err)
{
	return err_set(err, ERR_LOCAL, "memory", "out of memory");
}

/* ---- data keys ---- */

static int new_key(struct vault *v, const char *tenant, struct err *err)
{
	_cleanup_buf_ struct buf sealed = BUF_INIT(256);
	unsigned char key[SEAL_KEY];

	random_bytes(key, sizeof(key));
	int r = vault_seal_data_key(v->kek, tenant, key, &sealed);
	OPENSSL_cleanse(key, sizeof(key));
	return r < 0 ? no_memory(err) : vault_db_put_key(&v->db, tenant, &sealed, err);
}

/* All records in memory first: with the new key in place the old values cannot be read any more. */
struct records {
	struct vault_record *list;
	size_t n;
};

static void records_free(struct records *r)
{
	for (size_t i = 0; i < r->n; i++)
		vault_record_free(&r->list[i]);
	free(r->list);
}

/* tenant: NULL for all. */
static int load_records(struct vault *v, const char *tenant, struct records *ret, struct err *err)
{
	_cleanup_free_ struct vault_listed *names = NULL;
	size_t n;

	if (vault_db_list(&v->db, &names, &n, err) < 0)
		return -1;
	ret->list = calloc(n + 1, sizeof(*ret->list));
	if (!ret->list)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		struct vault_record *r = &ret->list[ret->n];
		if (vault_load_values(v, names[i].connection, r, err) < 0)
			return -1;
		if (tenant && strcmp(r->tenant, tenant) != 0)
			vault_record_free(r);
		else
			ret->n++;
	}
	return 0;
}

static int rotate_tenant(struct vault *v, const char *tenant, int64_t *values, struct err *err)
{
	_cleanup_(records_free) struct records all = {0};

	if (load_records(v, tenant, &all, err) < 0 || new_key(v, tenant, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		if (vault_db_forget(&v->db, all.list[i].connection, err) < 0 ||
			vault_put_values(v, &all.list[i], all.list[i].version, err) < 0)
			return -1;
		*values += all.list[i].n;
	}
	return 0;
}

int vault_rotate(struct vault *v, const char *tenant, int64_t *ret_values, struct err *err)
{
	char name[64] = "";
	int64_t values = 0;
	int r = 0, more = 1;

	if (vault_begin(v, err) < 0)
		return -1;
	if (tenant)
		r = rotate_tenant(v, tenant, &values, err);
	while (!tenant && r == 0 && (more = vault_db_next_tenant(&v->db, name, name, sizeof(name), err)) == 1)
		r = rotate_tenant(v, name, &values, err);
	if (more < 0)
		r = -1;
	if (vault_end(v, r, err) < 0)
		return -1;
	*ret_values = values;
	return 0;
}

/* ---- the key-encryption key ---- */

static int rekey(struct vault *v, const unsigned char kek[SEAL_KEY], struct err *err)
{
	_cleanup_buf_ struct buf check = BUF_INIT(256);
	char name[64] = "";
	int more;

	while ((more = vault_db_next_tenant(&v->db, name, name, sizeof(name), err)) == 1) {
		_cleanup_buf_ struct buf sealed = BUF_INIT(256);
		unsigned char key[SEAL_KEY];
		if (vault_data_key(v, name, false, key, err) < 0)
			return -1;
		int r = vault_seal_data_key(kek, name, key, &sealed);
		OPENSSL_cleanse(key, sizeof(key));
		if (r < 0)
			return no_memory(err);
		if (vault_db_put_key(&v->db, name, &sealed, err) < 0)
			return -1;
	}
	if (more < 0)
		return -1;
	return vault_seal_check(kek, &check) < 0 ? no_memory(err) : vault_db_put_key(&v->db, "", &check, err);
}

int vault_rekey(struct vault *v, const unsigned char kek[SEAL_KEY], struct err *err)
{
	if (vault_begin(v, err) < 0)
		return -1;
	int r = rekey(v, kek, err);
	if (r == 0)
		r = vault_db_commit(&v->db, err);
	if (r == 0)
		memcpy(v->kek, kek, SEAL_KEY);
	else
		vault_db_rollback(&v->db);
	pthread_mutex_unlock(&v->lock);
	return r;
}

/* ---- backups ---- */

static int backup_key(const char *passphrase, const unsigned char *salt, unsigned char key[SEAL_KEY], struct err *err)
{
	if (strlen(passphrase) < PASSPHRASE_LEAST)
		return err_set(err, ERR_REMOTE, "bad_passphrase", "a passphrase of at least %d characters is wanted", PASSPHRASE_LEAST);
	if (sodium_init() < 0 || crypto_pwhash(key, SEAL_KEY, passphrase, strlen(passphrase), salt, crypto_pwhash_OPSLIMIT_MODERATE,
					 crypto_pwhash_MEMLIMIT_MODERATE, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return no_memory(err);
	return 0;
}

static int write_record(const struct vault_record *r, struct buf *out, struct err *err)
{
	bool ok = buf_adds(out, out->len > 1 ? ",{\"connection\":" : "{\"connection\":") == 0 &&
		json_quote(out, r->connection, false) == 0 && buf_adds(out, ",\"tenant\":") == 0 &&
		json_quote(out, r->tenant, false) == 0 && buf_adds(out, ",\"provider\":") == 0 &&
		json_quote(out, r->provider, false) == 0 && buf_addf(out, ",\"ends_at\":%lld,\"values\":{", (long long)r->ends_at) == 0;

	for (int i = 0; ok && i < r->n; i++)
		ok = (!i || buf_addc(out, ',') == 0) && json_quote(out, r->items[i].purpose, false) == 0 && buf_adds(out, ":\"") == 0 &&
			base64_encode(out, buf_str(&r->items[i].value), r->items[i].value.len) == 0 && buf_addc(out, '"') == 0;
	return ok && buf_adds(out, "}}") == 0 ? 0 : no_memory(err);
}

int vault_backup(struct vault *v, const char *passphrase, int fd, int64_t *ret_records, struct err *err)
{
	_cleanup_(records_free) struct records all = {0};
	_cleanup_wipe_ struct buf text = BUF_INIT(BACKUP_MAX);
	_cleanup_buf_ struct buf aad = BUF_INIT(64), out = BUF_INIT(BACKUP_MAX + 1024);
	unsigned char salt[crypto_pwhash_SALTBYTES], key[SEAL_KEY];

	random_bytes(salt, sizeof(salt));
	if (backup_key(passphrase, salt, key, err) < 0)
		return -1;
	int r = vault_begin(v, err);
	if (r == 0)
		r = vault_end(v, load_records(v, NULL, &all, err), err);
	/* Room for all at once: a growing buffer would leave copies behind. */
	if (r == 0 && (buf_reserve(&text, (all.n + 1) * 4096) < 0 || buf_addc(&text, '[') < 0))
		r = no_memory(err);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = write_record(&all.list[i], &text, err);
	if (r == 0 && (buf_addc(&text, ']') < 0 || buf_adds(&aad, BACKUP_MAGIC) < 0 || buf_adds(&out, BACKUP_MAGIC) < 0 ||
			      buf_add(&out, salt, sizeof(salt)) < 0 || seal(key, &aad, text.data, text.len, &out) < 0))
		r = no_memory(err);
	OPENSSL_cleanse(key, sizeof(key));
	if (r == 0 && (io_write_all(fd, out.data, out.len) < 0 || (fsync(fd) < 0 && errno != EINVAL)))
		r = err_errno(err, "writing the backup");
	if (r == 0)
		*ret_records = (int64_t)all.n;
	return r;
}

static int bad_backup(struct err *err)
{
	return err_set(err, ERR_REMOTE, "bad_backup", "this is no backup of a vault, it is damaged, or the passphrase is another one");
}

static int read_record(const cJSON *in, struct vault_record *r, struct err *err)
{
	const cJSON *v;

	if (snprintf(r->connection, sizeof(r->connection), "%s", json_str_or(in, "connection", "")) >= (int)sizeof(r->connection) ||
		snprintf(r->tenant, sizeof(r->tenant), "%s", json_str_or(in, "tenant", "")) >= (int)sizeof(r->tenant) ||
		snprintf(r->provider, sizeof(r->provider), "%s", json_str_or(in, "provider", "")) >= (int)sizeof(r->provider) ||
		!r->connection[0] || !r->tenant[0])
		return bad_backup(err);
	r->ends_at = json_int64_or(in, "ends_at", 0);
	cJSON_ArrayForEach(v, json_object(in, "values"))
	{
		if (!cJSON_IsString(v) || r->n == VAULT_ITEMS || strlen(v->string) >= sizeof(r->items[0].purpose))
			return bad_backup(err);
		struct vault_item *item = &r->items[r->n++];
		item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
		snprintf(item->purpose, sizeof(item->purpose), "%s", v->string);
		if (buf_reserve(&item->value, strlen(v->valuestring)) < 0 ||
			base64_decode(&item->value, v->valuestring, strlen(v->valuestring)) < 0)
			return bad_backup(err);
	}
	return 0;
}

static int restore_all(struct vault *v, const cJSON *doc, int64_t *n, struct err *err)
{
	const cJSON *in;

	cJSON_ArrayForEach(in, doc)
	{
		struct vault_record r = {0};
		int result = read_record(in, &r, err);
		if (result == 0)
			result = vault_db_forget(&v->db, r.connection, err);
		if (result == 0)
			result = vault_put_values(v, &r, 0, err);
		vault_record_free(&r);
		if (result < 0)
			return -1;
		(*n)++;
	}
	return 0;
}

int vault_restore(struct vault *v, const char *passphrase, int fd, int64_t *ret_records, struct err *err)
{
	const size_t magic = strlen(BACKUP_MAGIC), head = magic + crypto_pwhash_SALTBYTES;
	_cleanup_buf_ struct buf in = BUF_INIT(BACKUP_MAX + 1024), aad = BUF_INIT(64);
	_cleanup_wipe_ struct buf text = BUF_INIT(BACKUP_MAX);
	_cleanup_json_ cJSON *doc = NULL;
	unsigned char key[SEAL_KEY];
	int64_t n = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, "the backup");
	if (io_read_fd(fd, &in, err) < 0)
		return -1;
	if (in.len < head || memcmp(in.data, BACKUP_MAGIC, magic) != 0)
		return bad_backup(err);
	if (backup_key(passphrase, (const unsigned char *)in.data + magic, key, err) < 0)
		return -1;
	int r = buf_adds(&aad, BACKUP_MAGIC) < 0 || buf_reserve(&text, in.len) < 0 ||
			unseal(key, &aad, in.data + head, in.len - head, &text) < 0 ||
			json_parse(buf_str(&text), text.len, &doc, NULL) < 0 || !cJSON_IsArray(doc) ?
		bad_backup(err) :
		0;
	OPENSSL_cleanse(key, sizeof(key));
	if (r == 0)
		r = vault_begin(v, err);
	if (r == 0)
		r = vault_end(v, restore_all(v, doc, &n, err), err);
	json_wipe(doc);
	if (r == 0)
		*ret_records = n;
	return r;
}
