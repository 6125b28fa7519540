/* Access tokens that fakecloud issued, the words of their scopes, and the assertion ids it has seen. State lock held. */
#include "fakecloud/core.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct map tokens; /* "provider text" -> struct fc_token */
static struct map jtis;

static void token_key(char *out, size_t size, const char *provider, const char *text)
{
	snprintf(out, size, "%s %s", provider, text);
}

struct fc_token *fc_token_issue(const char *provider, const char *tenant, const char *prefix, int64_t life_s)
{
	struct fc_token *t = calloc(1, sizeof(*t));
	char secret[65], key[160];

	if (!t)
		abort();
	random_hex(secret, 32);
	snprintf(t->text, sizeof(t->text), "%.24s%s", prefix, secret);
	t->provider = fc_intern(provider);
	t->tenant = fc_intern(tenant);
	t->expires_at = fc_now() + life_s * 1000;
	token_key(key, sizeof(key), provider, t->text);
	map_put(&tokens, key, t);
	return t;
}

struct fc_token *fc_token_find(const char *provider, const char *text)
{
	char key[160];

	if (!text || strlen(text) >= sizeof(((struct fc_token *)0)->text))
		return NULL;
	token_key(key, sizeof(key), provider, text);
	return map_get(&tokens, key);
}

struct fc_token *fc_token_of(const struct fc_request *req)
{
	const char *value = fc_header(req, "Authorization");

	if (!value || strncasecmp(value, "Bearer ", 7) != 0)
		return NULL;
	value += 7;
	value += strspn(value, " ");
	return fc_token_find(req->provider, value);
}

void fc_token_revoke_all(const char *provider, const char *tenant)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&tokens, &cursor, NULL, &value)) {
		struct fc_token *t = value;
		if (!strcmp(t->provider, provider) && (!tenant || !strcmp(t->tenant, tenant)))
			t->revoked = true;
	}
}

void fc_token_revoke_client(const char *provider, const char *tenant, const char *client)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&tokens, &cursor, NULL, &value)) {
		struct fc_token *t = value;
		if (!strcmp(t->provider, provider) && !strcmp(t->tenant, tenant) && !strcmp(t->client, client))
			t->revoked = true;
	}
}

bool fc_jti_new(const char *provider, const char *jti)
{
	_cleanup_buf_ struct buf key = BUF_INIT(8192);

	if (buf_addf(&key, "%s %s", provider, jti) < 0)
		return false;
	if (map_get(&jtis, key.data))
		return false;
	map_put(&jtis, key.data, &jtis);
	return true;
}

bool fc_has_word(const char *words, const char *word, size_t len)
{
	for (const char *p = words + strspn(words, " "); *p;) {
		size_t n = strcspn(p, " ");
		if (n == len && memcmp(p, word, len) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}
