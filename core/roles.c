/* Meeting the other roles: auth, scan and web. Each is configured when its socket comes, and published as a peer; what it
 * says by itself is served here.
 *
 * roles_meet() runs on the thread that reads from the supervisor; each peer's messages come on its own reader thread. Any
 * thread may call core_info(). */
#include "core/core.h"

#include "auth/client.h"
#include "base/encode.h"
#include "base/ioutil.h"
#include "base/log.h"
#include "core/console.h"
#include "core/policy_set.h"
#include "scan/client.h"
#include "web/web.h"

#include <string.h>

/* ---- auth ---- */

static int serve_nothing(void *ctx, struct rpc *rpc, struct msg *m)
{
	return -1;
}

static int meet_auth(struct core *c, int fd, struct err *err)
{
	const struct rpc_ops ops = {.serve = serve_nothing};
	struct rpc *rpc;

	if (rpc_new("auth", fd, &ops, c, &rpc, err) < 0)
		return -1;
	if (auth_client_configure(rpc, c->set->state, c->set->key_file[0] ? c->set->key_file : NULL,
		    c->set->ca_file[0] ? c->set->ca_file : NULL, c->set->apps, err) < 0) {
		rpc_free(rpc);
		return -1;
	}
	return peer_publish(&c->auth, rpc, err);
}

/* ---- scan ---- */

int core_info(struct core *c, struct scan_info *ret)
{
	pthread_mutex_lock(&c->info_lock);
	while (!c->info.engine[0] && !core_stopping(c))
		pthread_cond_wait(&c->info_came, &c->info_lock);
	*ret = c->info;
	pthread_mutex_unlock(&c->info_lock);
	return ret->engine[0] ? 0 : -1;
}

static void set_info(struct core *c, const struct scan_info *info)
{
	pthread_mutex_lock(&c->info_lock);
	c->info = *info;
	pthread_cond_broadcast(&c->info_came);
	pthread_mutex_unlock(&c->info_lock);
	log_info("scan.database", "signatures=%ld identity=\"%s\" builtin_only=%d", (long)info->count, info->signatures,
		info->builtin_only);
	wake_all(&c->wake);
}

static int serve_scan(void *ctx, struct rpc *rpc, struct msg *m)
{
	struct scan_info info;

	if (m->type != SCAN_CHANGED || scan_info_get(m, &info) < 0)
		return -1;
	set_info(ctx, &info);
	return 0;
}

/* The key of the hashes by which repeats of a number are known: of this installation, made once. */
static int load_hit_key(struct core *c, char out[65], struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65);
	char path[600];

	snprintf(path, sizeof(path), "%.560s/hits.key", c->set->state);
	if (access(path, F_OK) < 0) {
		random_hex(out, 32);
		return io_write_file(path, out, 64, 0600, err);
	}
	if (io_read_file(path, &b, err) < 0)
		return -1;
	if (b.len != 64 || strspn(buf_str(&b), "0123456789abcdef") != 64)
		return err_set(err, ERR_LOCAL, "bad_key", "%s holds no key", path);
	memcpy(out, b.data, 65);
	return 0;
}

static int meet_scan(struct core *c, int fd, struct err *err)
{
	const struct rpc_ops ops = {.serve = serve_scan};
	_cleanup_free_ struct scan_config *config = calloc(1, sizeof(*config));
	struct rpc *rpc;

	if (!config)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (load_hit_key(c, config->hit_key, err) < 0) {
		close(fd);
		return -1;
	}
	config->limits = c->set->limits;
	config->workers = c->set->workers;
	config->sandbox = c->set->sandbox;
	snprintf(config->state, sizeof(config->state), "%.490s/scan", c->set->state);
	config->n_dirs = c->set->n_signatures;
	for (int i = 0; i < c->set->n_signatures; i++)
		snprintf(config->dirs[i], sizeof(config->dirs[i]), "%s", c->set->signatures[i]);
	if (scan_client_configure(fd, config) < 0) {
		close(fd);
		return err_set(err, ERR_RETRY, "peer_gone", "the scan role ended at once");
	}
	if (rpc_new("scan", fd, &ops, c, &rpc, err) < 0)
		return -1;
	int r = peer_publish(&c->scan, rpc, err);
	rules_detectors_lost(c);
	return r;
}

/* ---- web ---- */

static int serve_web(void *ctx, struct rpc *rpc, struct msg *m)
{
	struct core *c = ctx;

	if (m->type == WEB_REQUEST)
		return c->console ? console_serve(c->console, rpc, m) : -1;
	const char *url = msg_get_str(m);
	if (m->type != WEB_LISTENING || !url || msg_end(m) < 0)
		return -1;
	if (*url)
		log_info("console", "url=%s", c->set->console_url[0] ? c->set->console_url : url);
	pthread_mutex_lock(&c->info_lock);
	snprintf(c->console_url, sizeof(c->console_url), "%s", c->set->console_url[0] ? c->set->console_url : url);
	for (size_t len = strlen(c->console_url); len && c->console_url[len - 1] == '/';)
		c->console_url[--len] = '\0';
	pthread_cond_broadcast(&c->info_came);
	pthread_mutex_unlock(&c->info_lock);
	wake_all(&c->wake);
	return 0;
}

/* {"id", "title"} of each way of signing in: what a page shows before anybody is in. */
static void add_sign_in(struct core *c, cJSON *config)
{
	_cleanup_json_ cJSON *list = NULL;
	cJSON *out = cJSON_AddArrayToObject(config, "sign_in");
	const cJSON *one;

	if (json_parse(c->set->sign_in, strlen(c->set->sign_in), &list, NULL) < 0)
		return;
	cJSON_ArrayForEach(one, list)
	{
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "id", json_str_or(one, "id", ""));
		cJSON_AddStringToObject(o, "title", json_str_or(one, "title", ""));
		cJSON_AddItemToArray(out, o);
	}
}

/* Which of the operator's applications are configured, and what of them is public. What auth reads in their files a flow
 * shows when it begins. */
static void add_apps(struct core *c, cJSON *config)
{
	_cleanup_json_ cJSON *apps = NULL;
	cJSON *out = cJSON_AddObjectToObject(config, "apps");
	const cJSON *app, *v;

	if (json_parse(c->set->apps, strlen(c->set->apps), &apps, NULL) < 0)
		return;
	cJSON_ArrayForEach(app, apps)
	{
		if (strncmp(app->string, "oidc:", 5) == 0)
			continue;
		cJSON *one = cJSON_AddObjectToObject(out, app->string), *has = cJSON_AddArrayToObject(one, "has");
		cJSON_ArrayForEach(v, app)
		{
			const char *end = strrchr(v->string, '_');
			if (end && strcmp(end, "_file") == 0)
				cJSON_AddItemToArray(has, cJSON_CreateString(v->string));
			else if (cJSON_IsString(v))
				cJSON_AddStringToObject(one, v->string, v->valuestring);
		}
	}
}

static int meet_web(struct core *c, int fd, struct err *err)
{
	const struct rpc_ops ops = {.serve = serve_web};
	_cleanup_msg_ struct msg m = {0};
	_cleanup_json_ cJSON *config = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	cJSON_AddStringToObject(config, "listen", c->set->console_listen);
	cJSON_AddStringToObject(config, "public_url", c->set->console_url);
	cJSON_AddStringToObject(config, "state", c->set->state);
	cJSON_AddStringToObject(config, "store", c->set->store);
	cJSON_AddStringToObject(config, "language", c->set->language);
	cJSON_AddStringToObject(config, "time_zone", c->set->time_zone);
	add_sign_in(c, config);
	add_apps(c, config);
	if (json_print(config, &text) < 0) {
		close(fd);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	msg_init(&m, WEB_CONFIG, 0);
	msg_put_str(&m, buf_str(&text));
	if (msg_send(fd, &m) < 0) {
		close(fd);
		return err_set(err, ERR_RETRY, "peer_gone", "the web role ended at once");
	}
	struct rpc *rpc;
	if (rpc_new("web", fd, &ops, c, &rpc, err) < 0)
		return -1;
	return peer_publish(&c->web, rpc, err);
}

int roles_meet(struct core *c, const char *role, int fd, struct err *err)
{
	if (strcmp(role, "auth") == 0)
		return meet_auth(c, fd, err);
	if (strcmp(role, "scan") == 0)
		return meet_scan(c, fd, err);
	return meet_web(c, fd, err);
}
