/* What the console asks of the auth role: passwords, one-time codes, key pairs, authorizations, the vault's life; the second
 * half of auth.h. Each handler runs on the thread that auth_console_handler() chooses, and answers with texts. */
#include "auth/role_impl.h"

#include "auth/grant.h"
#include "auth/kek.h"
#include "auth/key_make.h"
#include "auth/password.h"
#include "auth/secret.h"
#include "auth/vault_life.h"
#include "base/log.h"
#include "base/timeutil.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static int answer(struct msg *reply, int n, const char *const *texts)
{
	reply->type = AUTH_TEXT;
	msg_put_u32(reply, (uint32_t)n);
	for (int i = 0; i < n; i++)
		msg_put_str(reply, texts[i]);
	return 0;
}

#define ANSWER(reply, ...)                                                                                   \
	answer(reply, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)), (const char *const[]){__VA_ARGS__})

static int answer_number(struct msg *reply, int64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	return ANSWER(reply, text);
}

static struct code_context context(struct role *role)
{
	return (struct code_context){.apps = role->apps, .pendings = role->pendings, .oidc = role->oidc, .http = role->http};
}

/* ---- applications and keys ---- */

static int applications(struct task *task, struct msg *reply, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	return apps_facts(task->role->apps, &text, err) < 0 ? -1 : ANSWER(reply, buf_str(&text));
}

static int make_key(struct task *task, struct msg *reply, struct err *err)
{
	const char *const *a = task->req.args;
	struct vault_record r = {0};
	char thumbprint[41];

	snprintf(r.connection, sizeof(r.connection), "%s", a[0]);
	snprintf(r.tenant, sizeof(r.tenant), "%s", a[1]);
	snprintf(r.provider, sizeof(r.provider), "made_key");
	int result = key_make(a[2], (int)strtol(a[3], NULL, 10), &r, thumbprint, err);
	if (result == 0)
		result = vault_put(task->role->vault, &r, err);
	if (result == 0)
		ANSWER(reply, buf_str(&vault_record_item(&r, "certificate_file")->value), thumbprint);
	vault_record_free(&r);
	return result;
}

/* ---- authorizations ---- */

static int begin_code(struct task *task, struct msg *reply, struct err *err)
{
	const struct code_context c = context(task->role);
	const char *const *a = task->req.args;
	_cleanup_buf_ struct buf url = BUF_INIT(16384);
	struct pending e = {0};

	snprintf(e.kind, sizeof(e.kind), "%s", a[0]);
	snprintf(e.stage, sizeof(e.stage), "%s", a[1]);
	snprintf(e.tenant, sizeof(e.tenant), "%s", a[2]);
	snprintf(e.redirect, sizeof(e.redirect), "%s", a[3]);
	snprintf(e.session, sizeof(e.session), "%s", a[4]);
	int r = code_begin(&c, &e, &url, err);
	if (r == 0)
		ANSWER(reply, e.state, buf_str(&url));
	OPENSSL_cleanse(&e, sizeof(e));
	return r;
}

static int end_code(struct task *task, struct msg *reply, struct err *err)
{
	const struct code_context c = context(task->role);
	const char *const *a = task->req.args;
	_cleanup_json_ cJSON *params = NULL, *facts = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	struct vault_record record = {0};

	if (!facts)
		return grant_no_memory(err);
	if (json_parse(a[2], strlen(a[2]), &params, NULL) < 0)
		return err_set(err, ERR_REMOTE, "bad_request", "the callback's parameters are no JSON");
	int r = code_end(&c, a[0], a[1], params, &record, facts, err);
	if (r == 0 && record.n)
		r = vault_put(task->role->vault, &record, err);
	if (r == 0)
		r = json_print(facts, &text) < 0 ? grant_no_memory(err) : ANSWER(reply, buf_str(&text));
	vault_record_free(&record);
	json_wipe(params);
	log_info("code.end", "kind=%s result=%s", a[0], r == 0 ? "ok" : err->code);
	return r;
}

/* ---- people ---- */

static int make_password(struct task *task, struct msg *reply, struct err *err)
{
	_cleanup_buf_ struct buf hash = BUF_INIT(256);

	return password_make(task->req.args[0], &hash, err) < 0 ? -1 : ANSWER(reply, buf_str(&hash));
}

static int check_password(struct task *task, struct msg *reply, struct err *err)
{
	static const char *const words[] = {[PASSWORD_WRONG] = "no", [PASSWORD_RIGHT] = "yes", [PASSWORD_AGAIN] = "again"};

	return ANSWER(reply, words[password_check(task->req.args[0], task->req.args[1])]);
}

static void totp_name(const char *account, char out[96])
{
	snprintf(out, 96, "totp/%.64s", account);
}

static int make_totp(struct task *task, struct msg *reply, struct err *err)
{
	const char *const *a = task->req.args;
	_cleanup_wipe_ struct buf base32 = BUF_INIT(128), url = BUF_INIT(1024);
	struct vault_record r = {.n = 2, .tenant = "~accounts", .provider = "totp"};

	totp_name(a[0], r.connection);
	r.items[0] = (struct vault_item){.purpose = "secret", .value = BUF_INIT(VAULT_VALUE_MAX)};
	r.items[1] = (struct vault_item){.purpose = "grant", .value = BUF_INIT(VAULT_VALUE_MAX)};
	int result = buf_adds(&r.items[1].value, "{\"type\":\"totp\"}") < 0 ? grant_no_memory(err) : totp_make(&r.items[0].value, err);
	if (result == 0)
		result = totp_show(&r.items[0].value, a[1], &base32, &url, err);
	if (result == 0)
		result = vault_put(task->role->vault, &r, err);
	if (result == 0)
		ANSWER(reply, buf_str(&base32), buf_str(&url));
	vault_record_free(&r);
	return result;
}

static int check_totp(struct task *task, struct msg *reply, struct err *err)
{
	const char *const *a = task->req.args;
	struct vault_record r = {0};
	char name[96];

	totp_name(a[0], name);
	if (vault_load(task->role->vault, name, &r, err) < 0)
		return -1;
	const struct vault_item *secret = vault_record_item(&r, "secret");
	int64_t step = secret ? totp_check(&secret->value, a[1], time_now_ms() / 1000, strtoll(a[2], NULL, 10)) : 0;
	vault_record_free(&r);
	return step ? answer_number(reply, step) : err_set(err, ERR_REMOTE, "wrong_code", "the code is wrong or was used already");
}

static int forget_totp(struct task *task, struct msg *reply, struct err *err)
{
	char name[96];

	totp_name(task->req.args[0], name);
	return vault_forget(task->role->vault, name, err) < 0 ? -1 : answer(reply, 0, NULL);
}

/* ---- texts that are kept ---- */

static void kept_name(const char *id, char out[96])
{
	snprintf(out, 96, "kept/%.36s", id);
}

static int keep(struct task *task, struct msg *reply, struct err *err)
{
	const char *const *a = task->req.args;
	struct vault_record r = {.n = 2, .provider = "kept"};

	kept_name(a[0], r.connection);
	snprintf(r.tenant, sizeof(r.tenant), "%s", a[1]);
	r.items[0] = (struct vault_item){.purpose = "secret", .value = BUF_INIT(VAULT_VALUE_MAX)};
	r.items[1] = (struct vault_item){.purpose = "grant", .value = BUF_INIT(VAULT_VALUE_MAX)};
	int result = buf_adds(&r.items[0].value, a[2]) < 0 || buf_adds(&r.items[1].value, "{\"type\":\"kept\"}") < 0 ?
		grant_no_memory(err) : vault_put(task->role->vault, &r, err);
	vault_record_free(&r);
	return result < 0 ? -1 : answer(reply, 0, NULL);
}

static int kept(struct task *task, struct msg *reply, struct err *err)
{
	struct vault_record r = {0};
	char name[96];

	kept_name(task->req.args[0], name);
	if (vault_load(task->role->vault, name, &r, err) < 0)
		return -1;
	const struct vault_item *secret = vault_record_item(&r, "secret");
	int result = secret ? ANSWER(reply, buf_str(&secret->value)) : err_set(err, ERR_GONE, "no_grant", "nothing is kept under %s", name);
	vault_record_free(&r);
	return result;
}

static int unkeep(struct task *task, struct msg *reply, struct err *err)
{
	char name[96];

	kept_name(task->req.args[0], name);
	return vault_forget(task->role->vault, name, err) < 0 ? -1 : answer(reply, 0, NULL);
}

/* ---- the vault's life ---- */

static int rotate(struct task *task, struct msg *reply, struct err *err)
{
	const char *tenant = task->req.args[0];
	int64_t n;

	if (vault_rotate(task->role->vault, strcmp(tenant, "*") == 0 ? NULL : tenant, &n, err) < 0)
		return -1;
	log_info("vault.rotated", "tenant=%s values=%lld", tenant, (long long)n);
	return answer_number(reply, n);
}

/* The new key from a descriptor; 1 when none came. */
static int given_key(struct task *task, unsigned char key[SEAL_KEY], struct err *err)
{
	_cleanup_wipe_ struct buf text = BUF_INIT(1024);
	_cleanup_close_ int fd = msg_take_fd(&task->msg);

	if (fd < 0)
		return 1;
	if (secret_read(fd, "the new key", &text, err) < 0)
		return -1;
	return kek_parse(buf_str(&text), text.len, key) == 0 ?
		0 :
		err_set(err, ERR_LOCAL, "bad_key_file", "a key of 32 bytes is wanted, as 64 hex digits or base64 (openssl rand -hex 32)");
}

static int change_key(struct role *role, const unsigned char *given, unsigned char key[SEAL_KEY], struct err *err)
{
	if (!role->key_ours) {
		if (!given)
			return err_set(err, ERR_REMOTE, "bad_request",
				"the key is a credential of systemd: give the new one, then put it in the credential's place");
		memcpy(key, given, SEAL_KEY);
		return vault_rekey(role->vault, key, err);
	}
	/* First the new key beside the old, then the vault, then the new in the place of the old. */
	if (kek_stage(role->key_path, given, key, err) < 0 || vault_rekey(role->vault, key, err) < 0)
		return -1;
	return kek_settle(role->key_path, err);
}

static int rotate_kek(struct task *task, struct msg *reply, struct err *err)
{
	struct role *role = task->role;
	unsigned char given[SEAL_KEY], key[SEAL_KEY];
	int came = given_key(task, given, err);
	int r = came < 0 ? -1 : change_key(role, came == 0 ? given : NULL, key, err);

	OPENSSL_cleanse(given, sizeof(given));
	OPENSSL_cleanse(key, sizeof(key));
	if (r < 0)
		return -1;
	log_info("key.changed", "path=%s", role->key_path);
	return ANSWER(reply, role->key_path);
}

static int backup(struct task *task, struct msg *reply, struct err *err)
{
	_cleanup_close_ int fd = msg_take_fd(&task->msg);
	int64_t n;

	if (fd < 0)
		return err_set(err, ERR_REMOTE, "bad_request", "where to?");
	return vault_backup(task->role->vault, task->req.args[0], fd, &n, err) < 0 ? -1 : answer_number(reply, n);
}

static int restore(struct task *task, struct msg *reply, struct err *err)
{
	struct role *role = task->role;
	_cleanup_close_ int fd = msg_take_fd(&task->msg);
	_cleanup_free_ struct vault_listed *list = NULL;
	size_t count;
	int64_t n;

	if (fd < 0)
		return err_set(err, ERR_REMOTE, "bad_request", "where from?");
	if (vault_restore(role->vault, task->req.args[0], fd, &n, err) < 0 || vault_list(role->vault, &list, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		grant_changed(role, list[i].connection);
	return answer_number(reply, n);
}

/* ---- which is which ---- */

int (*auth_console_handler(const struct role *role, enum auth_message type, struct pool **ret_where))(struct task *task,
	struct msg *reply, struct err *err)
{
	switch (type) {
	case AUTH_APPS: return applications;
	case AUTH_TOTP_MAKE: return make_totp;
	case AUTH_TOTP_CHECK: return check_totp;
	case AUTH_TOTP_FORGET: return forget_totp;
	case AUTH_KEEP: return keep;
	case AUTH_KEPT: return kept;
	case AUTH_UNKEEP: return unkeep;
	case AUTH_ROTATE: return rotate;
	case AUTH_ROTATE_KEK: return rotate_kek;
	case AUTH_CODE_BEGIN: *ret_where = role->pool; return begin_code;
	case AUTH_CODE_END: *ret_where = role->pool; return end_code;
	case AUTH_KEY_MAKE: *ret_where = role->slow; return make_key;
	case AUTH_PASSWORD_MAKE: *ret_where = role->slow; return make_password;
	case AUTH_PASSWORD_CHECK: *ret_where = role->slow; return check_password;
	case AUTH_BACKUP: *ret_where = role->slow; return backup;
	case AUTH_RESTORE: *ret_where = role->slow; return restore;
	default: return NULL;
	}
}
