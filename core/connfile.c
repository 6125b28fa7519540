/* Reads a connections file; see connfile.h. The tables below are the whole grammar: which grants a provider
 * has, and which keys each of them wants. */
#include "core/connfile.h"

#include "base/timeutil.h"
#include "base/units.h"
#include "connectors/connector.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct grant_type {
	const char *provider, *type;
	const char *keys[8];     /* wanted, public */
	const char *files[5];    /* wanted, secret: names of files */
	const char *optional[4]; /* public */
};

static const struct grant_type grant_types[] = {
	{"microsoft", "client_certificate", {"directory", "client_id"}, {"certificate_file", "key_file"},
		{"quarantine_owner"}},
	{"microsoft", "client_secret", {"directory", "client_id"}, {"client_secret_file"}, {"quarantine_owner"}},
	{"google", "service_account", {"subject"}, {"key_file"}, {"groups"}},
	{"box", "jwt", {NULL}, {"config_file"}, {NULL}},
	{"box", "client_credentials", {"client_id", "enterprise_id"}, {"client_secret_file"}, {NULL}},
	{"dropbox", "refresh_token", {"app_key"}, {"app_secret_file", "refresh_token_file"}, {NULL}},
};

struct reader {
	struct conf_doc *doc;
	struct err *err;
	char dir[PATH_MAX];
};

static const struct conf_node *want(struct reader *r, const struct conf_node *map, const char *key)
{
	const struct conf_node *n = conf_get(map, key);

	if (!n) {
		conf_complain(r->doc, map, r->err, "'%s' is missing", key);
		return NULL;
	}
	if (n->kind != CONF_SCALAR || !*n->text) {
		conf_complain(r->doc, n, r->err, "'%s' wants a text", key);
		return NULL;
	}
	return n;
}

/* Ids stand in paths, logs and file names: letters, digits, '-', '_', '.'. */
static int word(struct reader *r, const struct conf_node *map, const char *key, char *out, size_t size)
{
	const struct conf_node *n = want(r, map, key);

	if (!n)
		return -1;
	if (strlen(n->text) >= size - 8 || !isalnum((unsigned char)n->text[0]))
		return conf_complain(r->doc, n, r->err, "'%s' wants a short word that begins with a letter or digit", key);
	for (const char *p = n->text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return conf_complain(r->doc, n, r->err, "'%s' may hold letters, digits, '-', '_' and '.' only", key);
	snprintf(out, size, "%s", n->text);
	return 0;
}

static int read_mode(struct reader *r, const struct conf_node *map, cJSON *config)
{
	const struct conf_node *n = conf_get(map, "mode");
	bool protect = n && n->text && strcmp(n->text, "protect") == 0;

	if (n && !protect && (!n->text || strcmp(n->text, "monitor") != 0))
		return conf_complain(r->doc, n, r->err, "'mode' is monitor (find and report) or protect (contain threats)");
	cJSON_AddBoolToObject(config, "protect", protect);

	int64_t since = time_now_ms() - 30 * 86400000ll, span;
	int kind = BACKLOG_SINCE;
	n = conf_get(map, "backlog");
	if (n && n->text && strcmp(n->text, "all") == 0)
		kind = BACKLOG_ALL;
	else if (n && n->text && strcmp(n->text, "none") == 0)
		kind = BACKLOG_NONE;
	else if (n && (!n->text || units_duration(n->text, &span) < 0 || span > 100 * 366 * 86400000ll))
		return conf_complain(r->doc, n, r->err, "'backlog' is all, none or a time such as 30 d");
	else if (n)
		since = time_now_ms() - span;
	cJSON_AddNumberToObject(config, "backlog", kind);
	cJSON_AddNumberToObject(config, "backlog_since", kind == BACKLOG_SINCE ? (double)since : 0);
	n = conf_get(map, "page_size");
	int64_t size = 0;
	if (n && (n->kind != CONF_SCALAR || units_int(n->text, 1, 5000, &size) < 0))
		return conf_complain(r->doc, n, r->err, "'page_size' wants a number from 1 to 5000");
	cJSON_AddNumberToObject(config, "page_size", (double)size);
	return 0;
}

static int read_services(struct reader *r, const struct conf_node *map, const struct connector *c, cJSON *config)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {{"mail", SERVICE_MAIL}, {"files", SERVICE_FILES}, {"teams", SERVICE_TEAMS}};
	const struct conf_node *list = conf_get(map, "services");
	unsigned bits = 0;

	if (list && (list->kind != CONF_LIST || !list->child))
		return conf_complain(r->doc, list, r->err, "'services' wants a list such as [mail, files]");
	for (const struct conf_node *n = list ? list->child : NULL; n; n = n->next) {
		unsigned bit = 0;
		for (size_t i = 0; n->kind == CONF_SCALAR && i < ARRAY_SIZE(names); i++)
			if (strcmp(n->text, names[i].name) == 0)
				bit = names[i].bit & c->services;
		if (!bit)
			return conf_complain(r->doc, n, r->err, "%s has no service '%.40s'; known are mail, files, teams where "
				"the provider has them", c->title, n->kind == CONF_SCALAR ? n->text : "?");
		bits |= bit;
	}
	cJSON_AddNumberToObject(config, "services", list ? bits : c->services);
	return 0;
}

static int read_endpoints(struct reader *r, const struct conf_node *map, const struct connector *c, cJSON *config)
{
	const struct conf_node *given = conf_get(map, "endpoints");
	cJSON *out = cJSON_AddObjectToObject(config, "endpoints");
	const char *names[9] = {NULL};
	int n_names = 0;

	for (const char *const *e = c->endpoints; *e && n_names < 8; e += 2)
		names[n_names++] = e[0];
	if (given && conf_unknown_keys(r->doc, given, names, r->err) < 0)
		return -1;
	for (const char *const *e = c->endpoints; *e; e += 2) {
		const struct conf_node *n = given ? conf_get(given, e[0]) : NULL;
		if (n && (n->kind != CONF_SCALAR || !http_url_ok(n->text) || strlen(n->text) > 500))
			return conf_complain(r->doc, n, r->err,
				"an https:// address is wanted (http:// for loopback addresses alone)");
		char url[512];
		snprintf(url, sizeof(url), "%s", n ? n->text : e[1]);
		size_t len = strlen(url);
		while (len && url[len - 1] == '/')
			url[--len] = '\0';
		cJSON_AddStringToObject(out, e[0], url);
	}
	return 0;
}

static const struct grant_type *find_grant_type(struct reader *r, const struct conf_node *map, const char *provider)
{
	const struct conf_node *n = want(r, map, "type");
	_cleanup_buf_ struct buf known = BUF_INIT(200);

	for (size_t i = 0; n && i < ARRAY_SIZE(grant_types); i++) {
		if (strcmp(grant_types[i].provider, provider) != 0)
			continue;
		if (strcmp(grant_types[i].type, n->text) == 0)
			return &grant_types[i];
		buf_addf(&known, "%s%s", known.len ? ", " : "", grant_types[i].type);
	}
	if (n)
		conf_complain(r->doc, n, r->err, "%s has no grant '%.40s'; known: %s", provider, n->text, buf_str(&known));
	return NULL;
}

static int open_secret(struct reader *r, const struct conf_node *map, const char *key, struct connfile_entry *e)
{
	const struct conf_node *n = want(r, map, key);
	char path[PATH_MAX];
	struct stat st;

	if (!n)
		return -1;
	if (snprintf(path, sizeof(path), "%s%s%s", n->text[0] == '/' ? "" : r->dir, n->text[0] == '/' ? "" : "/", n->text) >=
		(int)sizeof(path))
		return conf_complain(r->doc, n, r->err, "the path is too long");
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return conf_complain(r->doc, n, r->err, "%.100s cannot be read: %m", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > 65536)
		return conf_complain(r->doc, n, r->err, "%.100s: a file of 1 to 65536 bytes is wanted", path);
	snprintf(e->secret_names[e->n_secrets], sizeof(e->secret_names[0]), "%s", key);
	e->secret_fds[e->n_secrets++] = TAKE_FD(fd);
	return 0;
}

void connfile_complete(const cJSON *config, cJSON *grant)
{
	const cJSON *ends = json_object(config, "endpoints");
	int64_t services = json_int64_or(config, "services", 0);
	const char *provider = json_str_or(config, "provider", "");
	char url[1200] = "";

	if (strcmp(provider, "microsoft") == 0) {
		const char *graph = json_str_or(ends, "graph", "");
		/* The scope names the cloud's own Graph host; anything that stands in for Graph is asked for Graph. */
		bool national = strstr(graph, "://graph.microsoft.us") || strstr(graph, "://dod-graph.microsoft.us") ||
			strstr(graph, "://microsoftgraph.chinacloudapi.cn");
		snprintf(url, sizeof(url), "%s/.default", national ? graph : "https://graph.microsoft.com");
		cJSON_AddStringToObject(grant, "scope", url);
		snprintf(url, sizeof(url), "%s/%s/oauth2/v2.0/token", json_str_or(ends, "login", ""),
			json_str_or(grant, "directory", ""));
	} else if (strcmp(provider, "google") == 0) {
		_cleanup_buf_ struct buf scopes = BUF_INIT(600);
		const char *groups = json_str_or(grant, "groups", "");
		buf_adds(&scopes, "https://www.googleapis.com/auth/admin.directory.user.readonly");
		if (services & SERVICE_MAIL)
			buf_adds(&scopes, " https://www.googleapis.com/auth/gmail.modify");
		if (services & SERVICE_FILES)
			buf_adds(&scopes, " https://www.googleapis.com/auth/drive");
		if (strcasecmp(groups, "true") == 0 || strcasecmp(groups, "yes") == 0)
			buf_adds(&scopes, " https://www.googleapis.com/auth/admin.directory.group.readonly"
				" https://www.googleapis.com/auth/admin.directory.domain.readonly");
		cJSON_AddStringToObject(grant, "scopes", buf_str(&scopes));
		snprintf(url, sizeof(url), "%s", json_str_or(ends, "token", ""));
	} else {
		snprintf(url, sizeof(url), "%s/oauth2/token", json_str_or(ends, "api", ""));
	}
	cJSON_AddStringToObject(grant, "token_url", url);
}

static int read_grant(struct reader *r, const struct conf_node *map, struct connfile_entry *e)
{
	const struct conf_node *g = conf_get(map, "grant");

	if (!g || g->kind != CONF_MAP)
		return conf_complain(r->doc, g ? g : map, r->err, "'grant' is missing: {type: …}");
	const struct grant_type *t = find_grant_type(r, g, e->provider);
	if (!t)
		return -1;
	const char *known[20] = {"type"};
	int n = 1;
	for (int i = 0; t->keys[i]; i++)
		known[n++] = t->keys[i];
	for (int i = 0; t->files[i]; i++)
		known[n++] = t->files[i];
	for (int i = 0; t->optional[i]; i++)
		known[n++] = t->optional[i];
	if (conf_unknown_keys(r->doc, g, known, r->err) < 0)
		return -1;
	cJSON_AddStringToObject(e->grant, "type", t->type);
	for (int i = 0; t->keys[i]; i++) {
		const struct conf_node *v = want(r, g, t->keys[i]);
		if (!v)
			return -1;
		/* They become part of addresses and of signed claims. */
		if (strpbrk(v->text, " \t\r\n/?#\"\\") || strlen(v->text) > 200)
			return conf_complain(r->doc, v, r->err, "'%s' has a character that it cannot have", t->keys[i]);
		cJSON_AddStringToObject(e->grant, t->keys[i], v->text);
	}
	for (int i = 0; t->optional[i]; i++) {
		const struct conf_node *v = conf_get(g, t->optional[i]);
		if (v && v->kind == CONF_SCALAR)
			cJSON_AddStringToObject(e->grant, t->optional[i], v->text);
	}
	for (int i = 0; t->files[i]; i++)
		if (open_secret(r, g, t->files[i], e) < 0)
			return -1;
	connfile_complete(e->config, e->grant);
	return 0;
}

static int read_entry(struct reader *r, const struct conf_node *map, struct connfile_entry *e)
{
	static const char *const keys[] = {"id", "tenant", "provider", "mode", "backlog", "services", "endpoints", "grant",
		"page_size", NULL};
	_cleanup_buf_ struct buf known = BUF_INIT(100);

	if (conf_unknown_keys(r->doc, map, keys, r->err) < 0 || word(r, map, "id", e->id, sizeof(e->id)) < 0 ||
		word(r, map, "tenant", e->tenant, sizeof(e->tenant)) < 0)
		return -1;
	const struct conf_node *p = want(r, map, "provider");
	if (!p)
		return -1;
	const struct connector *c = connector_find(p->text);
	for (const struct connector *const *all = connector_all(); *all; all++)
		buf_addf(&known, "%s%s", known.len ? ", " : "", (*all)->name);
	if (!c)
		return conf_complain(r->doc, p, r->err, "unknown provider '%.40s'; known: %s", p->text, buf_str(&known));
	snprintf(e->provider, sizeof(e->provider), "%s", c->name);
	e->config = cJSON_CreateObject();
	e->grant = cJSON_CreateObject();
	cJSON_AddStringToObject(e->config, "id", e->id);
	cJSON_AddStringToObject(e->config, "tenant", e->tenant);
	cJSON_AddStringToObject(e->config, "provider", e->provider);
	if (read_mode(r, map, e->config) < 0 || read_services(r, map, c, e->config) < 0 ||
		read_endpoints(r, map, c, e->config) < 0)
		return -1;
	return read_grant(r, map, e);
}

static int read_all(struct reader *r, struct connfile *f)
{
	static const char *const keys[] = {"connections", NULL};
	const struct conf_node *root = conf_root(r->doc), *list = conf_get(root, "connections");
	size_t count = 0;

	if (conf_unknown_keys(r->doc, root, keys, r->err) < 0)
		return -1;
	if (!list || list->kind != CONF_LIST || !list->child)
		return conf_complain(r->doc, list ? list : root, r->err, "a list 'connections:' with at least one entry is wanted");
	for (const struct conf_node *n = list->child; n; n = n->next)
		count++;
	if (!(f->entries = calloc(count, sizeof(*f->entries))))
		return err_set(r->err, ERR_LOCAL, "memory", "out of memory");
	for (const struct conf_node *n = list->child; n; n = n->next) {
		struct connfile_entry *e = &f->entries[f->n++];
		if (read_entry(r, n, e) < 0)
			return -1;
		for (size_t i = 0; i + 1 < f->n; i++)
			if (strcmp(f->entries[i].id, e->id) == 0)
				return conf_complain(r->doc, conf_get(n, "id"), r->err, "the id '%s' stands here twice", e->id);
	}
	return 0;
}

static int read_doc(struct reader *r, struct connfile *ret)
{
	struct connfile f = {0};

	if (read_all(r, &f) < 0) {
		connfile_free(&f);
		return -1;
	}
	*ret = f;
	return 0;
}

int connfile_load(const char *path, struct connfile *ret, struct err *err)
{
	_cleanup_(conf_freep) struct conf_doc *doc = NULL;
	struct reader r = {.err = err};

	if (!realpath(path, r.dir))
		return err_errno(err, "%s", path);
	char *slash = strrchr(r.dir, '/');
	slash[slash == r.dir] = '\0';
	if (conf_load(path, &doc, err) < 0)
		return -1;
	r.doc = doc;
	return read_doc(&r, ret);
}

int connfile_parse(const char *name, const char *text, const char *dir, struct connfile *ret, struct err *err)
{
	_cleanup_(conf_freep) struct conf_doc *doc = NULL;
	struct reader r = {.err = err};

	snprintf(r.dir, sizeof(r.dir), "%s", dir);
	if (conf_parse(name, text, strlen(text), &doc, err) < 0)
		return -1;
	r.doc = doc;
	return read_doc(&r, ret);
}

bool connfile_grant_type(const char *provider, int n, struct connfile_grant *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(grant_types); i++) {
		if (strcmp(grant_types[i].provider, provider) != 0 || n-- > 0)
			continue;
		*ret = (struct connfile_grant){grant_types[i].type, grant_types[i].keys, grant_types[i].files};
		return true;
	}
	return false;
}

void connfile_free(struct connfile *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct connfile_entry *e = &f->entries[i];
		cJSON_Delete(e->config);
		cJSON_Delete(e->grant);
		for (int k = 0; k < e->n_secrets; k++)
			if (e->secret_fds[k] >= 0)
				close(e->secret_fds[k]);
	}
	free(f->entries);
	f->entries = NULL;
	f->n = 0;
}
