/* Opened connections: one per record, made on first use, replaced when the record changes. Any thread. */
#include "core/core.h"

#include "auth/client.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/token_cache.h"

#include <string.h>

#define AUTH_TIMEOUT_MS 60000

static int env_token(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err)
{
	struct live *l = ctx;
	size_t before = ret->len;

	if (renew)
		token_cache_drop(l->tokens, subject);
	else if (token_cache_get(l->tokens, subject, time_monotonic_ms(), time_now_ms(), ret))
		return 0;
	struct peer_link *link = peer_get(&l->core->auth, 10000);
	if (!link)
		return err_set(err, ERR_RETRY, "peer_gone", "the auth role is restarting");
	int64_t expires_at;
	int r = auth_client_token(link->rpc, l->auth_id, subject, renew, ret, &expires_at, err);
	peer_put(link);
	if (r == 0)
		token_cache_put(l->tokens, subject, buf_str(ret) + before, expires_at, time_monotonic_ms(), time_now_ms());
	return r;
}

static int env_place_get(void *ctx, const char *key, struct buf *ret, struct err *err)
{
	struct live *l = ctx;

	return store_place_get(l->core->store, l->config.id, key, ret, err);
}

static int env_place_put(void *ctx, const char *key, const char *value, struct err *err)
{
	struct live *l = ctx;

	return store_place_put(l->core->store, l->config.id, key, value, err);
}

static int read_config(struct live *l, const cJSON *config, struct err *err)
{
	struct connection_config *c = &l->config;
	const cJSON *ends = json_object(config, "endpoints");

	snprintf(c->id, sizeof(c->id), "%s", json_str_or(config, "id", ""));
	snprintf(c->tenant, sizeof(c->tenant), "%s", json_str_or(config, "tenant", ""));
	snprintf(c->provider, sizeof(c->provider), "%s", json_str_or(config, "provider", ""));
	c->protect = json_bool(config, "protect");
	c->services = (unsigned)json_int64_or(config, "services", 0);
	c->page_size = (int)json_int64_or(config, "page_size", 0);
	l->backlog = (int)json_int64_or(config, "backlog", BACKLOG_NONE);
	l->backlog_since = json_int64_or(config, "backlog_since", 0);
	for (const cJSON *e = ends ? ends->child : NULL; e; e = e->next) {
		const char *url = cJSON_GetStringValue(e);
		if (!url || c->n_endpoints == (int)ARRAY_SIZE(c->endpoints))
			continue;
		struct connection_endpoint *out = &c->endpoints[c->n_endpoints++];
		snprintf(out->name, sizeof(out->name), "%s", e->string);
		snprintf(out->url, sizeof(out->url), "%s", url);
	}
	l->connector = connector_find(c->provider);
	if (!c->id[0] || !c->tenant[0] || !l->connector)
		return err_set(err, ERR_LOCAL, "bad_record", "the connection's record is incomplete");
	return 0;
}

static void destroy(struct live *l)
{
	if (l->connection)
		l->connector->close(l->connection);
	cJSON_Delete(l->grant);
	token_cache_free(l->tokens);
	free(l);
}

int live_open(struct core *c, const cJSON *config, const cJSON *grant, const char *auth_id, struct live **ret,
	struct err *err)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	l->core = c;
	l->refs = 1;
	l->stale = true; /* in no list */
	snprintf(l->auth_id, sizeof(l->auth_id), "%s", auth_id);
	l->grant = cJSON_Duplicate(grant, true);
	l->tokens = token_cache_new();
	if (!l->grant || !l->tokens) {
		destroy(l);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	l->config.grant = l->grant;
	l->env = (struct connector_env){.http = c->http, .ctx = l, .token = env_token, .place_get = env_place_get,
		.place_put = env_place_put};
	if (read_config(l, config, err) < 0 || l->connector->open(&l->config, &l->env, &l->connection, err) < 0) {
		destroy(l);
		return -1;
	}
	*ret = l;
	return 0;
}

static int open_record(struct core *c, const char *connection, struct live **ret, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	_cleanup_json_ cJSON *config = NULL, *grant = NULL;
	struct store_connection rec;

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (store_connection_get(c->store, connection, a, &rec, err) < 0)
		return -1;
	if (rec.state == CONN_DISCONNECTED)
		return err_set(err, ERR_GONE, "not_found", "the connection '%s' was ended", connection);
	if (json_parse(rec.config, strlen(rec.config), &config, err) < 0 ||
		json_parse(rec.grant, strlen(rec.grant), &grant, err) < 0)
		return err_prefix(err, "the record of '%s'", connection);
	if (live_open(c, config, grant, connection, ret, err) < 0)
		return -1;
	(*ret)->created_at = rec.created_at;
	return 0;
}

int live_get(struct core *c, const char *connection, struct live **ret, struct err *err)
{
	int r = 0;

	pthread_mutex_lock(&c->live_lock);
	struct live *l = c->live;
	while (l && strcmp(l->config.id, connection) != 0)
		l = l->next;
	if (!l && (r = open_record(c, connection, &l, err)) == 0) {
		l->stale = false;
		l->next = c->live;
		c->live = l;
	} else if (l) {
		l->refs++;
	}
	/* A listed one holds a reference of its own while it is listed. */
	if (r == 0 && l->refs == 1)
		l->refs = 2;
	pthread_mutex_unlock(&c->live_lock);
	if (r == 0)
		*ret = l;
	return r;
}

void live_put(struct live *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->core->live_lock);
	bool last = --l->refs == 0;
	pthread_mutex_unlock(&l->core->live_lock);
	if (last)
		destroy(l);
}

void live_forget(struct core *c, const char *connection)
{
	struct live *found = NULL;

	pthread_mutex_lock(&c->live_lock);
	for (struct live **p = &c->live; *p; p = &(*p)->next) {
		if (strcmp((*p)->config.id, connection) != 0)
			continue;
		found = *p;
		*p = found->next;
		found->stale = true;
		break;
	}
	pthread_mutex_unlock(&c->live_lock);
	live_put(found);
}

void live_end(struct core *c)
{
	while (c->live) {
		char id[64];
		snprintf(id, sizeof(id), "%s", c->live->config.id);
		live_forget(c, id);
	}
}
