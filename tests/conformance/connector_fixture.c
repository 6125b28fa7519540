/* The suite's fixture: fakecloud as a child, a connection to it, and the least environment that core would give. See
 * connector_suite.h. One thread. */
#include "connector_suite.h"

#include "base/conf.h"
#include "base/digest.h"
#include "base/ioutil.h"

#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct place {
	struct place *next;
	char *key, *value;
};

struct suite {
	const struct suite_target *target;
	const struct connector *connector; /* faulty or the real one */
	struct connection *connection;
	struct connection_config config;
	struct connector_env env;
	struct content_budget *budget;
	struct http *http;
	struct place *places;
	struct conf_doc *connections;
	struct conf_node *entry;
	struct buf token, control;
	char subject[128]; /* of the cached token */
	enum bad_token mode;
	cJSON *grant;
	pid_t pid;
	char dir[64];
};

/* ---- files ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void suite_seed(struct suite *s, const char *path, const char *content)
{
	_cleanup_buf_ struct buf full = BUF_INIT(4096), folder = BUF_INIT(4096);
	struct err err;

	assert_int_equal(buf_addf(&full, "%s/seed/" SUITE_TENANT "/%s", s->dir, path), 0);
	assert_int_equal(buf_add(&folder, full.data, (size_t)(strrchr(full.data, '/') - full.data)), 0);
	if (io_mkdirs(buf_str(&folder), 0755, &err) < 0 ||
		io_write_file(buf_str(&full), content, strlen(content), 0644, &err) < 0)
		fail_msg("seed %s: %s", path, err.message);
}

void suite_read(struct suite *s, const char *file, struct buf *ret)
{
	_cleanup_buf_ struct buf full = BUF_INIT(4096);
	struct err err;

	assert_int_equal(buf_addf(&full, "%s/%s", s->dir, file), 0);
	if (io_read_file(buf_str(&full), ret, &err) < 0)
		fail_msg("%s: %s", file, err.message);
}

/* ---- fakecloud ---- */

static void launch(struct suite *s, const char *binary)
{
	_cleanup_buf_ struct buf seed = BUF_INIT(4096), file = BUF_INIT(4096), line = BUF_INIT(65536);
	_cleanup_json_ cJSON *urls = NULL;
	int out[2];
	char c;

	buf_addf(&seed, "%s/seed", s->dir);
	buf_addf(&file, "%s/connections.yaml", s->dir);
	assert_int_equal(pipe(out), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execl(binary, "fakecloud", "--seed", buf_str(&seed), "--connections", buf_str(&file), (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	while (read(out[0], &c, 1) == 1 && c != '\n')
		buf_addc(&line, c);
	close(out[0]);
	if (json_parse(buf_str(&line), line.len, &urls, NULL) < 0)
		fail_msg("fakecloud did not start: %s", buf_str(&line));
	buf_adds(&s->control, json_str_or(urls, "control", ""));
}

static void read_connections(struct suite *s)
{
	_cleanup_buf_ struct buf file = BUF_INIT(4096);
	struct err err;

	buf_addf(&file, "%s/connections.yaml", s->dir);
	if (conf_load(buf_str(&file), &s->connections, &err) < 0)
		fail_msg("%s", err.message);
	for (struct conf_node *n = conf_get(conf_root(s->connections), "connections")->child; n; n = n->next)
		if (strcmp(conf_get(n, "id")->text, s->target->connection) == 0)
			s->entry = n;
	assert_non_null(s->entry);
}

const char *suite_option(struct suite *s, const char *map, const char *key)
{
	struct conf_node *node = conf_get(s->entry, map);

	if (node && key)
		node = conf_get(node, key);
	return node ? node->text : NULL;
}

static void configure(struct suite *s, int page_size)
{
	struct connection_config *c = &s->config;
	int n = 0;

	snprintf(c->id, sizeof(c->id), "%s", s->target->connection);
	snprintf(c->tenant, sizeof(c->tenant), SUITE_TENANT);
	snprintf(c->provider, sizeof(c->provider), "%s", s->target->connector);
	c->protect = true;
	c->services = s->target->services;
	c->page_size = page_size;
	for (struct conf_node *e = conf_get(s->entry, "endpoints")->child; e && n < 8; e = e->next, n++) {
		snprintf(c->endpoints[n].name, sizeof(c->endpoints[n].name), "%s", e->key);
		snprintf(c->endpoints[n].url, sizeof(c->endpoints[n].url), "%s", e->text);
	}
	c->n_endpoints = n;
	s->grant = cJSON_CreateObject();
	for (struct conf_node *g = conf_get(s->entry, "grant")->child; g; g = g->next)
		if (g->kind == CONF_SCALAR)
			cJSON_AddStringToObject(s->grant, g->key, g->text);
	c->grant = s->grant;
}

/* ---- the environment ---- */

static int env_token(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err)
{
	struct suite *s = ctx;

	if (s->mode == TOKEN_BAD || (s->mode == TOKEN_BAD_ONCE && !renew))
		return buf_adds(ret, "not-a-token");
	if (renew || !s->token.len || strcmp(s->subject, subject) != 0) {
		buf_clear(&s->token);
		if (s->target->token(s, subject, &s->token, err) < 0)
			return -1;
		snprintf(s->subject, sizeof(s->subject), "%s", subject);
	}
	return buf_adds(ret, buf_str(&s->token));
}

static int env_place_get(void *ctx, const char *key, struct buf *ret, struct err *err)
{
	struct suite *s = ctx;

	for (struct place *p = s->places; p; p = p->next)
		if (strcmp(p->key, key) == 0)
			return buf_adds(ret, p->value);
	return 1;
}

static int env_place_put(void *ctx, const char *key, const char *value, struct err *err)
{
	struct suite *s = ctx;
	struct place *p;

	for (p = s->places; p && strcmp(p->key, key) != 0; p = p->next)
		;
	if (!p) {
		p = calloc(1, sizeof(*p));
		p->key = strdup(key);
		p->next = s->places;
		s->places = p;
	}
	free(p->value);
	p->value = strdup(value);
	return 0;
}

bool suite_is_notice(struct suite *s, const char *id)
{
	struct digests d = {0};
	char key[128];

	digest_bytes(DIGEST_SHA256, id, strlen(id), &d);
	snprintf(key, sizeof(key), "notice/%s", d.sha256);
	for (struct place *p = s->places; p; p = p->next)
		if (strcmp(p->key, key) == 0)
			return true;
	return false;
}

static void forget(struct suite *s, const char *but)
{
	struct place *kept = NULL;

	for (struct place *p = s->places, *next; p; p = next) {
		next = p->next;
		if (but && strncmp(p->key, but, strlen(but)) == 0) {
			p->next = kept;
			kept = p;
			continue;
		}
		free(p->key);
		free(p->value);
		free(p);
	}
	s->places = kept;
}

void suite_forget_places(struct suite *s)
{
	forget(s, "notice/");
}

/* ---- starting and stopping ---- */

int suite_start(const struct suite_target *target, int page_size, const struct faulty_options *faults, struct suite **ret)
{
	struct suite *s = calloc(1, sizeof(*s));
	struct connection *inner = NULL;
	struct err err;

	s->target = target;
	s->token = (struct buf)BUF_INIT(16384);
	s->control = (struct buf)BUF_INIT(1024);
	snprintf(s->dir, sizeof(s->dir), "/tmp/sekisho-suite-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	target->seed(s);
	launch(s, getenv("FAKECLOUD"));
	read_connections(s);
	configure(s, page_size);
	s->connector = connector_find(target->connector);
	assert_non_null(s->connector);
	const struct http_options http = {.user_agent = "sekisho-suite"};
	if (http_new(&http, &s->http, &err) < 0 || content_budget_new(64 << 20, NULL, 32 << 20, &s->budget, &err) < 0)
		fail_msg("%s", err.message);
	s->env = (struct connector_env){.http = s->http, .ctx = s, .token = env_token, .place_get = env_place_get,
		.place_put = env_place_put};
	if (s->connector->open(&s->config, &s->env, &inner, &err) < 0)
		fail_msg("open: %s", err.message);
	s->connection = inner;
	if (faults) {
		if (faulty_wrap(s->connector, inner, faults, &s->connection, &err) < 0)
			fail_msg("%s", err.message);
		s->connector = &connector_faulty;
	}
	*ret = s;
	return 0;
}

void suite_stop(struct suite *s)
{
	if (!s)
		return;
	if (s->connection)
		s->connector->close(s->connection);
	content_budget_free(s->budget);
	http_free(s->http);
	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		waitpid(s->pid, NULL, 0);
	}
	forget(s, NULL);
	conf_free(s->connections);
	json_free(s->grant);
	buf_wipe(&s->token);
	buf_free(&s->control);
	nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
}

/* ---- what the tests look at ---- */

const struct suite_target *suite_target(struct suite *s)
{
	return s->target;
}

const struct connector *suite_connector(struct suite *s)
{
	return s->connector;
}

struct connection *suite_connection(struct suite *s)
{
	return s->connection;
}

bool suite_is_faulty(struct suite *s)
{
	return s->connector == &connector_faulty;
}

void suite_token_mode(struct suite *s, enum bad_token mode)
{
	s->mode = mode;
}

struct content_budget *suite_budget(struct suite *s)
{
	return s->budget;
}

struct http *suite_http(struct suite *s)
{
	return s->http;
}

const char *suite_url(struct suite *s, const char *endpoint)
{
	return connection_endpoint(&s->config, endpoint);
}

cJSON *suite_call(struct suite *s, const char *subject, const char *method, const char *url, const char *type,
	const void *body, size_t len)
{
	_cleanup_buf_ struct buf token = BUF_INIT(16384);
	_cleanup_response_ struct http_response r = {0};
	cJSON *doc = NULL;
	struct err err;

	if (subject && s->target->token(s, subject, &token, &err) < 0)
		fail_msg("token: %s", err.message);
	const struct http_request req = {.method = method, .url = url, .bearer = subject ? buf_str(&token) : NULL,
		.content_type = type, .body = body, .body_len = len};
	if (http_call(s->http, &req, &r, &err) < 0)
		fail_msg("%s %s: %s", method, url, err.message);
	if (r.status < 200 || r.status > 299)
		fail_msg("%s %s: %d %.300s", method, url, r.status, buf_str(&r.body));
	if (r.body.len && json_parse(buf_str(&r.body), r.body.len, &doc, NULL) < 0)
		doc = NULL;
	return doc;
}

cJSON *suite_control(struct suite *s, const char *method, const char *path, const char *body)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096);

	buf_addf(&url, "%s%s", buf_str(&s->control), path);
	return suite_call(s, NULL, method, buf_str(&url), body ? "application/json" : NULL, body, body ? strlen(body) : 0);
}

cJSON *suite_state(struct suite *s)
{
	_cleanup_json_ cJSON *all = suite_control(s, "GET", "/state", NULL);
	cJSON *own = cJSON_CreateArray(), *item;

	cJSON_ArrayForEach(item, json_array(all, "items"))
	{
		if (strcmp(json_str_or(item, "provider", ""), s->target->connector) == 0 &&
			strcmp(json_str_or(item, "tenant", ""), SUITE_TENANT) == 0)
			cJSON_AddItemToArray(own, cJSON_Duplicate(item, true));
	}
	return own;
}

char *suite_state_text(struct suite *s, const char *service, const char *id)
{
	static const char *const keys[] = {"owner", "place", "name", "size", "sha256", "labels", "sharing", "quarantined"};
	_cleanup_json_ cJSON *state = suite_state(s);
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	cJSON *item;

	cJSON_ArrayForEach(item, state)
	{
		if (strcmp(json_str_or(item, "service", ""), service) != 0 || !same_id(id, json_str_or(item, "id", "")))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			buf_addf(&text, "%s=", keys[i]);
			json_print(json_get(item, keys[i]), &text);
			buf_addc(&text, '\n');
		}
		return buf_take(&text);
	}
	fail_msg("%s %s is not in the provider's state", service, id);
	return NULL;
}

void suite_fault(struct suite *s, const char *fmt, ...)
{
	_cleanup_buf_ struct buf body = BUF_INIT(1 << 20);
	va_list ap;

	buf_addf(&body, "[{\"provider\":\"%s\",", s->target->connector);
	va_start(ap, fmt);
	assert_int_equal(buf_vaddf(&body, fmt, ap), 0);
	va_end(ap);
	buf_adds(&body, "}]");
	json_free(suite_control(s, "POST", "/faults", buf_str(&body)));
}

int suite_faults_end(struct suite *s)
{
	_cleanup_json_ cJSON *doc = suite_control(s, "GET", "/faults", NULL);
	int hits = 0;
	cJSON *one;

	cJSON_ArrayForEach(one, json_array(doc, "faults"))
	{
		hits += (int)json_int64_or(one, "hits", 0);
	}
	json_free(suite_control(s, "DELETE", "/faults", NULL));
	return hits;
}
