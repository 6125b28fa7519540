/* Redirect addresses and authorization codes; see grant.h. */
#include "fakecloud/grant.h"

#include "base/encode.h"
#include "fakecloud/map.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct map codes; /* "provider text" -> struct fc_code */

/* ---- redirect addresses ---- */

bool redirect_ok(const char *uri)
{
	if (!uri || strlen(uri) > 2000 || (strncasecmp(uri, "http://", 7) != 0 && strncasecmp(uri, "https://", 8) != 0))
		return false;
	for (const char *p = uri; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == '#' || *p == '"' || *p == '<' || *p == '>' || *p == '\\' || *p == 0x7f)
			return false;
	}
	return true;
}

/* Behind "http://HOST[:PORT]" of a loopback host; NULL when it is none. */
static const char *loopback_path(const char *uri)
{
	static const char *const hosts[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		size_t n = strlen(hosts[i]);
		if (strncasecmp(uri, hosts[i], n) != 0)
			continue;
		const char *p = uri + n;
		if (*p == ':')
			p += 1 + strspn(p + 1, "0123456789");
		return *p == '/' ? p : NULL;
	}
	return NULL;
}

bool redirect_registered(const char *uri, const char *names)
{
	const char *path = redirect_ok(uri) ? loopback_path(uri) : NULL;

	if (redirect_ok(uri) && fc_redirect_listed(uri))
		return true;
	if (!path || strncmp(path, "/callback/", 10) != 0)
		return false;
	return fc_has_word(names, path + 10, strlen(path + 10));
}

/* ---- codes ---- */

static const char *lasting(const char *s)
{
	char *p = strdup(s ? s : "");

	if (!p)
		abort();
	return p;
}

static char *key_of(const char *provider, const char *text)
{
	char *key = NULL;

	if (asprintf(&key, "%s %s", provider, text) < 0)
		abort();
	return key;
}

struct fc_code *code_new(struct fc_request *req, const char *provider, const char *tenant, const char *client,
	const char *subject, const char *prefix, int64_t life_ms)
{
	struct fc_code *c = calloc(1, sizeof(*c));
	const char *method = fc_query(req, "code_challenge_method");
	char secret[49];

	if (!c)
		abort();
	random_hex(secret, 24);
	snprintf(c->text, sizeof(c->text), "%.16s%s", prefix, secret);
	c->provider = fc_intern(provider);
	c->tenant = fc_intern(tenant);
	c->client = lasting(client);
	c->subject = lasting(subject);
	c->redirect = lasting(fc_query(req, "redirect_uri"));
	c->scope = lasting(fc_query(req, "scope"));
	c->nonce = lasting(fc_query(req, "nonce"));
	c->challenge = lasting(fc_query(req, "code_challenge"));
	c->plain = !method || strcmp(method, "S256") != 0;
	c->expires_at = fc_now() + life_ms;
	_cleanup_free_ char *key = key_of(provider, c->text);
	map_put(&codes, key, c);
	return c;
}

void code_issued(struct fc_code *code, struct fc_token *token)
{
	for (size_t i = 0; i < ARRAY_SIZE(code->issued); i++) {
		if (!code->issued[i]) {
			code->issued[i] = token;
			return;
		}
	}
}

static bool pkce_text(const char *s)
{
	size_t n = strlen(s);

	return n >= 43 && n <= 128 &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") == n;
}

const char *code_challenge_wrong(struct fc_request *req)
{
	const char *challenge = fc_query(req, "code_challenge"), *method = fc_query(req, "code_challenge_method");

	if (method && strcmp(method, "S256") != 0 && strcmp(method, "plain") != 0)
		return "code_challenge_method must be S256 or plain";
	if (method && !challenge)
		return "code_challenge is missing";
	if (challenge && !pkce_text(challenge))
		return "code_challenge must be 43 to 128 unreserved characters";
	return NULL;
}

/* RFC 7636, 4.6. A verifier without a challenge is refused as well: a stripped challenge shows so (RFC 9700, 2.1.1). */
static bool verifier_fits(const struct fc_code *code, const char *verifier)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	_cleanup_buf_ struct buf text = BUF_INIT(128);

	if (!*code->challenge)
		return !verifier || !*verifier;
	if (!verifier)
		return false;
	if (code->plain)
		return !strcmp(code->challenge, verifier);
	return EVP_Digest(verifier, strlen(verifier), digest, &len, EVP_sha256(), NULL) == 1 &&
	       base64url_encode(&text, digest, len) == 0 && !strcmp(buf_str(&text), code->challenge);
}

struct fc_code *code_find(const char *provider, const char *text)
{
	_cleanup_free_ char *key = text && strlen(text) < 200 ? key_of(provider, text) : NULL;

	return key ? map_get(&codes, key) : NULL;
}

enum code_state code_take(const char *provider, const char *text, const char *client, const char *redirect,
	const char *verifier, struct fc_code **ret)
{
	struct fc_code *c = code_find(provider, text);

	if (!c)
		return CODE_UNKNOWN;
	if (strcasecmp(c->client, client) != 0)
		return CODE_CLIENT;
	if (c->used) {
		for (size_t i = 0; i < ARRAY_SIZE(c->issued) && c->issued[i]; i++)
			c->issued[i]->revoked = true;
		return CODE_USED;
	}
	if (c->expires_at <= fc_now())
		return CODE_EXPIRED;
	if (strcmp(c->redirect, redirect ? redirect : "") != 0)
		return CODE_REDIRECT;
	if (!verifier_fits(c, verifier))
		return CODE_VERIFIER;
	c->used = true;
	*ret = c;
	return CODE_GOOD;
}
