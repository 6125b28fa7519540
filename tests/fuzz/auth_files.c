/* The files of credentials that administrators give us, and error answers of token addresses: the first byte chooses the
 * grant, the rest is its file (Box's config.json, Google's key file, PEM) and, as JSON, an answer to judge. */
#include "auth/grant.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *provider, *json, *secret, *other;
} grants[] = {
	{"box", "{\"type\":\"jwt\",\"token_url\":\"https://api.box.com/oauth2/token\"}", "config_file", NULL},
	{"google", "{\"type\":\"service_account\",\"subject\":\"a@b\",\"scopes\":\"x\"}", "key_file", NULL},
	{"microsoft",
		"{\"type\":\"client_certificate\",\"client_id\":\"c\",\"directory\":\"d\",\"scope\":\"s\",\"token_url\":\"https://a/t\"}",
		"certificate_file", "key_file"},
	{"microsoft", "{\"type\":\"client_secret\",\"client_id\":\"c\",\"directory\":\"d\",\"scope\":\"s\",\"token_url\":\"https://a/t\"}",
		"client_secret_file", NULL},
	{"dropbox", "{\"type\":\"refresh_token\",\"app_key\":\"k\",\"token_url\":\"https://a/oauth2/token\"}", "app_secret_file",
		"refresh_token_file"},
};

static void add(struct vault_record *r, const char *purpose, const void *data, size_t len)
{
	struct vault_item *item = &r->items[r->n++];

	snprintf(item->purpose, sizeof(item->purpose), "%s", purpose);
	item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
	if (buf_add(&item->value, data, len) < 0)
		buf_add(&item->value, data, VAULT_VALUE_MAX);
}

static void judge(const struct grant_kind *kind, const char *text, size_t len)
{
	_cleanup_json_ cJSON *body = NULL;
	struct err err;

	json_parse(text, len, &body, NULL);
	memset(&err, 0, sizeof(err));
	kind->judge(400, body, &err);
	if (err.class == ERR_NONE || !err.code[0] || !err.message[0] || !memchr(err.message, 0, sizeof(err.message)))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vault_record r = {.connection = "c", .tenant = "t"};
	struct grant g = {0};
	struct err err;
	int64_t ends_at;

	if (size < 1)
		return 0;
	size_t i = data[0] % ARRAY_SIZE(grants);
	data++;
	size--;
	snprintf(r.provider, sizeof(r.provider), "%s", grants[i].provider);
	add(&r, "grant", grants[i].json, strlen(grants[i].json));
	add(&r, grants[i].secret, data, size);
	if (grants[i].other)
		add(&r, grants[i].other, data, size);
	_cleanup_json_ cJSON *facts = cJSON_CreateObject();
	_cleanup_buf_ struct buf form = BUF_INIT(GRANT_FORM_MAX);
	if (grant_open(&r, &g, &err) < 0)
		__builtin_trap(); /* the public part is ours */
	if (g.kind->check(&g, facts, &ends_at, &err) == 0)
		g.kind->ask(&g, "user@example", 1700000000000, &form, &err);
	judge(g.kind, (const char *)data, size);
	grant_close(&g);
	return 0;
}
