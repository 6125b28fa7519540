/* Arguments of the console's commands: each is checked here before a handler sees it. Any thread. */
#include "core/console_impl.h"

#include <ctype.h>

const char *console_text(struct console_request *r, const char *key, size_t max, struct err *err)
{
	const char *s = json_str(r->args, key);
	size_t len = s ? strlen(s) : 0;

	if (!len || len > max) {
		err_set(err, ERR_REMOTE, "bad_request", "'%s' wants a text of 1 to %zu bytes", key, max);
		return NULL;
	}
	for (const char *p = s; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			err_set(err, ERR_REMOTE, "bad_request", "'%s' has characters that it cannot have", key);
			return NULL;
		}
	}
	return s;
}

const char *console_word(struct console_request *r, const char *key, struct err *err)
{
	const char *s = console_text(r, key, 50, err);

	if (!s)
		return NULL;
	bool ok = isalnum((unsigned char)*s);
	for (const char *p = s; *p; p++)
		ok = ok && (isalnum((unsigned char)*p) || strchr("-_.", *p));
	if (ok)
		return s;
	err_set(err, ERR_REMOTE, "bad_request", "'%s' may hold letters, digits, '-', '_' and '.' only", key);
	return NULL;
}

const char *console_language(struct console_request *r, const char *fallback, struct err *err)
{
	const char *s = json_str_or(r->args, "language", fallback);

	if (strcmp(s, "ja") == 0 || strcmp(s, "en") == 0 || (!*s && !*fallback))
		return s;
	console_bad(err, "'language' is ja or en");
	return NULL;
}

int console_tenants(struct console_request *r, const char **ret, struct err *err)
{
	const cJSON *list = json_get(r->args, "tenants"), *one;
	_cleanup_buf_ struct buf set = BUF_INIT(20000);

	if (cJSON_IsString(list) && strcmp(list->valuestring, "*") == 0) {
		*ret = NULL;
		return 0;
	}
	if (!cJSON_IsArray(list))
		return console_bad(err, "'tenants' wants a list, or \"*\" for all");
	buf_addc(&set, '|');
	cJSON_ArrayForEach(one, list)
	{
		struct console_tenant t;
		const char *id = cJSON_IsString(one) ? one->valuestring : "";
		if (!*id || strlen(id) > 63 || strchr(id, '|'))
			return console_bad(err, "'tenants' wants the ids of tenants");
		if (store_tenant_get(r->core->store, id, r->arena, &t, err) < 0)
			return -1;
		if (buf_addf(&set, "%s|", id) < 0)
			return console_bad(err, "these are too many tenants for one account");
	}
	*ret = arena_dup(r->arena, buf_str(&set));
	return *ret ? 0 : console_no_memory(err);
}

int console_ask(struct core *c, enum auth_message type, int n, const char *const *texts, struct auth_texts *ret, struct err *err)
{
	struct peer_link *auth = peer_get(&c->auth, 10000);

	if (!auth)
		return err_set(err, ERR_RETRY, "peer_gone", "the auth role is not there");
	int r = auth_client_ask(auth->rpc, type, n, texts, -1, ret, err);
	peer_put(auth);
	return r;
}

void console_token(char token[TOKEN_LEN], char hash[CONSOLE_HASH_LEN])
{
	random_hex(token, TOKEN_BYTES);
	console_hash(token, hash);
}
