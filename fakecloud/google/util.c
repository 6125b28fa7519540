/* Small helpers of the Google half: memory, ids, texts, and the notification channels that every API has. */
#include "fakecloud/google/google.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void *gg_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

char *gg_dup(const char *s)
{
	char *p = s ? strdup(s) : NULL;

	if (s && !p)
		abort();
	return p;
}

void *gg_grow(void *array, size_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	void *p = reallocarray(array, n ? n * 2 : 1, size);
	if (!p)
		abort();
	return p;
}

void gg_digits(char *out, size_t n, const char *const *words)
{
	char hex[64];

	fc_stable_id(hex, 60, words);
	for (size_t i = 0; i < n; i++) {
		char c = hex[i];
		out[i] = (char)('0' + (c <= '9' ? c - '0' : c - 'a' + 10) * 10 / 16);
	}
	if (n && out[0] == '0')
		out[0] = '1';
	out[n] = 0;
}

void gg_new_id(char *out, size_t n, const char *prefix)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	unsigned char raw[64];
	size_t p = strlen(prefix);

	memcpy(out, prefix, p);
	random_bytes(raw, n);
	for (size_t i = 0; i < n; i++)
		out[p + i] = letters[raw[i] & 63];
	out[p + n] = 0;
}

char *gg_lower(struct arena *a, const char *s)
{
	char *p = arena_dup(a, s);

	for (char *q = p; q && *q; q++) {
		if (*q >= 'A' && *q <= 'Z')
			*q = (char)(*q + 32);
	}
	return p;
}

cJSON *gg_add_time(cJSON *o, const char *name, int64_t ms)
{
	char text[TIME_RFC3339_LEN];

	return cJSON_AddStringToObject(o, name, time_format(ms, text));
}

cJSON *gg_add_i64(cJSON *o, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	return cJSON_AddStringToObject(o, name, text);
}

int gg_base64(struct buf *out, const void *data, size_t len)
{
	if (base64url_encode(out, data, len) < 0)
		return -1;
	return buf_add(out, "==", (3 - len % 3) % 3);
}

bool gg_has_prefix(const char *s, const char *prefix)
{
	return s && !strncmp(s, prefix, strlen(prefix));
}

bool gg_contains_ci(const char *hay, const char *needle)
{
	return hay && strcasestr(hay, needle);
}

/* ---- notification channels: made, listed and stopped; nothing is ever sent ---- */

struct channel {
	struct gg_tenant *tenant;
	char id[80], resource_id[32];
	int64_t expires_at;
};

static struct channel **channels;
static size_t nchannels;

static struct channel *channel_find(const struct gg_tenant *t, const char *id)
{
	for (size_t i = 0; i < nchannels; i++) {
		if (channels[i]->tenant == t && !strcmp(channels[i]->id, id))
			return channels[i];
	}
	return NULL;
}

int gg_watch_reply(struct gg_call *c, const char *uri, int64_t default_life_ms, int64_t max_life_ms)
{
	cJSON *body = gg_body(c);
	const char *id, *type, *address;
	int64_t wanted;

	if (!body)
		return -1;
	id = json_str(body, "id");
	type = json_str(body, "type");
	address = json_str(body, "address");
	if (!id || !*id)
		return gg_error(c, 400, "required", "Required field: id");
	if (!type || (strcmp(type, "web_hook") != 0 && strcmp(type, "webhook") != 0))
		return gg_error(c, 400, "channelUnknown", "Unknown channel type: %s", type ? type : "");
	if (strlen(id) >= sizeof(channels[0]->id) ||
		strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			   "0123456789-_+/=") != strlen(id))
		return gg_error(c, 400, "invalid", "Invalid channel id");
	if (!address || !gg_has_prefix(address, "https://"))
		return gg_error(c, 401, "push.webhookUrlNotHttps", "WebHook callback must be HTTPS: %s",
			address ? address : "");
	if (channel_find(c->tenant, id))
		return gg_error(c, 400, "channelIdNotUnique", "Channel id %s not unique", id);
	struct channel *ch = gg_alloc(sizeof(*ch));
	ch->tenant = c->tenant;
	snprintf(ch->id, sizeof(ch->id), "%s", id);
	const char *words[] = {c->tenant->name, GG, uri, NULL};
	fc_stable_id(ch->resource_id, 27, words);
	ch->expires_at = fc_now() + default_life_ms;
	if (json_int64(body, "expiration", &wanted)) {
		int64_t last = fc_now() + max_life_ms;
		ch->expires_at = wanted < last ? wanted : last;
	}
	GG_PUSH(channels, nchannels, ch);
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "api#channel");
	cJSON_AddStringToObject(doc, "id", ch->id);
	cJSON_AddStringToObject(doc, "resourceId", ch->resource_id);
	cJSON_AddStringToObject(doc, "resourceUri", arena_printf(c->req->arena, "https://%s", uri));
	if (json_str(body, "token"))
		cJSON_AddStringToObject(doc, "token", json_str(body, "token"));
	gg_add_i64(doc, "expiration", ch->expires_at);
	return gg_reply(c, doc);
}

int gg_watch_stop(struct gg_call *c)
{
	cJSON *body = gg_body(c);

	if (!body)
		return -1;
	const char *id = json_str_or(body, "id", "");
	struct channel *ch = channel_find(c->tenant, id);
	if (!ch || strcmp(ch->resource_id, json_str_or(body, "resourceId", "")) != 0 ||
		ch->expires_at <= fc_now())
		return gg_error(
			c, 404, "notFound", "Channel '%s' not found for project '%s'", id, c->tenant->name);
	for (size_t i = 0; i < nchannels; i++) {
		if (channels[i] == ch) {
			channels[i] = channels[--nchannels];
			break;
		}
	}
	free(ch);
	return gg_reply_empty(c, 204);
}
