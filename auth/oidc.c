/* OpenID providers; see oidc.h. */
#include "auth/oidc.h"

#include "base/timeutil.h"

#include <pthread.h>
#include <string.h>

#define KEEP_MS (3600 * 1000ll)
#define KEYS_AGAIN_MS 60000ll
#define DOCUMENT_MAX (256u << 10)
#define TIMEOUT_MS 15000

struct provider {
	struct provider *next;
	char issuer[256], keys_url[512];
	struct oidc_metadata metadata;
	int64_t fetched_at, keys_at; /* monotonic ms; 0 never */
	int64_t again_at;            /* when an unknown key last had the keys fetched once more */
	cJSON *keys;
};

struct oidc {
	struct http *http;
	pthread_mutex_t lock;
	struct provider *providers;
};

int oidc_new(struct http *http, struct oidc **ret, struct err *err)
{
	struct oidc *o = calloc(1, sizeof(*o));

	if (!o)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	o->http = http;
	pthread_mutex_init(&o->lock, NULL);
	*ret = o;
	return 0;
}

void oidc_free(struct oidc *o)
{
	if (!o)
		return;
	for (struct provider *p = o->providers, *next; p; p = next) {
		next = p->next;
		json_free(p->keys);
		free(p);
	}
	pthread_mutex_destroy(&o->lock);
	free(o);
}

static int fetch(struct oidc *o, const char *url, cJSON **ret, struct err *err)
{
	_cleanup_response_ struct http_response res = {0};
	struct http_request req = {.method = "GET", .url = url, .max_body = DOCUMENT_MAX, .timeout_ms = TIMEOUT_MS};

	if (!http_url_ok(url))
		return err_set(err, ERR_REMOTE, "bad_issuer", "an address of the sign-in provider is not https");
	if (http_call(o->http, &req, &res, err) < 0 || http_check(&res, err) < 0)
		return err_prefix(err, "sign-in provider");
	return http_json(&res, ret, err);
}

static int copy(const cJSON *doc, const char *key, char *out, size_t size)
{
	const char *text = json_str(doc, key);

	return text && *text && snprintf(out, size, "%s", text) < (int)size && http_url_ok(text) ? 0 : -1;
}

static int fetch_metadata(struct oidc *o, struct provider *p, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	struct oidc_metadata m = {0};
	char url[400], keys_url[sizeof(p->keys_url)];

	snprintf(url, sizeof(url), "%s%s.well-known/openid-configuration", p->issuer,
		p->issuer[0] && p->issuer[strlen(p->issuer) - 1] == '/' ? "" : "/");
	if (fetch(o, url, &doc, err) < 0)
		return -1;
	/* 4.3: the issuer in the document is the one that was asked, to the letter. */
	if (strcmp(json_str_or(doc, "issuer", ""), p->issuer) != 0)
		return err_set(err, ERR_REMOTE, "bad_issuer", "%s says that it is %.100s", url, json_str_or(doc, "issuer", "nobody"));
	if (copy(doc, "authorization_endpoint", m.authorize, sizeof(m.authorize)) < 0 ||
		copy(doc, "token_endpoint", m.token, sizeof(m.token)) < 0 ||
		copy(doc, "jwks_uri", keys_url, sizeof(keys_url)) < 0)
		return err_set(err, ERR_REMOTE, "bad_issuer", "%s lacks a proper address", url);
	m.sends_iss = json_bool(doc, "authorization_response_iss_parameter_supported");
	p->metadata = m;
	memcpy(p->keys_url, keys_url, sizeof(keys_url));
	p->fetched_at = time_monotonic_ms();
	return 0;
}

/* Under the lock: signing in is rare, and whoever waits would fetch the same. */
static int provider_of(struct oidc *o, const char *issuer, struct provider **ret, struct err *err)
{
	struct provider *p = o->providers;

	while (p && strcmp(p->issuer, issuer) != 0)
		p = p->next;
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p || snprintf(p->issuer, sizeof(p->issuer), "%s", issuer) >= (int)sizeof(p->issuer)) {
			free(p);
			return err_set(err, ERR_REMOTE, "bad_issuer", "the issuer's address is too long");
		}
		p->next = o->providers;
		o->providers = p;
	}
	if ((!p->fetched_at || time_monotonic_ms() - p->fetched_at > KEEP_MS) && fetch_metadata(o, p, err) < 0)
		return -1;
	*ret = p;
	return 0;
}

static int fetch_keys(struct oidc *o, struct provider *p, struct err *err)
{
	cJSON *keys = NULL;

	if (fetch(o, p->keys_url, &keys, err) < 0)
		return -1;
	json_free(p->keys);
	p->keys = keys;
	p->keys_at = time_monotonic_ms();
	return 0;
}

int oidc_metadata(struct oidc *o, const char *issuer, struct oidc_metadata *ret, struct err *err)
{
	struct provider *p;

	pthread_mutex_lock(&o->lock);
	int r = provider_of(o, issuer, &p, err);
	if (r == 0)
		*ret = p->metadata;
	pthread_mutex_unlock(&o->lock);
	return r;
}

static int verify(struct oidc *o, const char *token, const struct idtoken_want *want, cJSON **ret_claims, struct err *err)
{
	struct provider *p;

	if (provider_of(o, want->issuer, &p, err) < 0)
		return -1;
	if ((!p->keys || time_monotonic_ms() - p->keys_at > KEEP_MS) && fetch_keys(o, p, err) < 0)
		return -1;
	int r = idtoken_verify(token, p->keys, want, ret_claims, err);
	/* The provider has new keys; or somebody makes up ids of keys, which must not make us fetch all the time. */
	if (r == 1 && (!p->again_at || time_monotonic_ms() - p->again_at >= KEYS_AGAIN_MS)) {
		p->again_at = time_monotonic_ms();
		if (fetch_keys(o, p, err) < 0)
			return -1;
		r = idtoken_verify(token, p->keys, want, ret_claims, err);
	}
	if (r == 1)
		return err_set(err, ERR_REMOTE, "bad_id_token", "the sign-in provider's answer is signed by a key that it does not publish");
	return r;
}

int oidc_verify(struct oidc *o, const char *token, const struct idtoken_want *want, cJSON **ret_claims, struct err *err)
{
	pthread_mutex_lock(&o->lock);
	int r = verify(o, token, want, ret_claims, err);
	pthread_mutex_unlock(&o->lock);
	return r;
}
