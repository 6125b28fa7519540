/* Reads sekisho.yaml into struct settings; see settings.h. Called once at the start of a process. */
#include "core/settings.h"

#include "base/ioutil.h"
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct reader {
	struct conf_doc *doc;
	struct err *err;
	const char *dir; /* of the file: relative paths start there */
};

static void defaults(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->state, sizeof(s->state), "/var/lib/sekisho");
	s->n_signatures = 1;
	snprintf(s->signatures[0], sizeof(s->signatures[0]), "/var/lib/clamav");
	scan_limits_default(&s->limits);
	s->in_flight = 512 << 20;
	snprintf(s->console_listen, sizeof(s->console_listen), "127.0.0.1:8480");
	snprintf(s->language, sizeof(s->language), "ja");
	snprintf(s->time_zone, sizeof(s->time_zone), "Asia/Tokyo");
	s->poll_fast = 15000;
	s->poll_slow = 300000;
	s->discover = 900000;
	s->canary = 3600000;
	s->session_idle = 1800000;
	s->session_max = 12 * 3600000;
	snprintf(s->apps, sizeof(s->apps), "{}");
	snprintf(s->sign_in, sizeof(s->sign_in), "[]");
	s->retain_events = 400 * 86400000ll;
	s->retain_items = 90 * 86400000ll;
	s->rejudge_known = 30 * 86400000ll;
	s->rejudge_fetch = 86400000ll;
	s->retain_pairs = 7 * 86400000ll;
	s->sandbox = true;
}

static int text(struct reader *r, const struct conf_node *map, const char *key, char *out, size_t size)
{
	const struct conf_node *n = conf_get(map, key);

	if (!n)
		return 0;
	if (n->kind != CONF_SCALAR || !*n->text)
		return conf_complain(r->doc, n, r->err, "'%s' wants a text", key);
	if (snprintf(out, size, "%s", n->text) >= (int)size)
		return conf_complain(r->doc, n, r->err, "'%s' is longer than %zu bytes", key, size - 1);
	return 0;
}

/* A path, made absolute from the folder of the file. */
static int path_of(struct reader *r, const struct conf_node *n, char *out, size_t size)
{
	if (n->kind != CONF_SCALAR || !*n->text)
		return conf_complain(r->doc, n, r->err, "a path is wanted here");
	int len = n->text[0] == '/' ? snprintf(out, size, "%s", n->text) :
				      snprintf(out, size, "%s/%s", r->dir, n->text);
	return len < (int)size ? 0 : conf_complain(r->doc, n, r->err, "the path is too long");
}

static int path_key(struct reader *r, const struct conf_node *map, const char *key, char *out, size_t size)
{
	const struct conf_node *n = conf_get(map, key);

	return n ? path_of(r, n, out, size) : 0;
}

typedef int parse_fn(const char *, int64_t *);

static const char *limit_text(parse_fn *parse, int64_t v, char *buf, size_t size)
{
	if (parse == units_duration && v >= 86400000)
		snprintf(buf, size, "%" PRId64 " d", v / 86400000);
	else if (parse == units_duration)
		snprintf(buf, size, "%" PRId64 "%s", v % 1000 ? v : v / 1000, v % 1000 ? " ms" : " s");
	else if (parse == units_size)
		return units_size_text(v, buf, size);
	else
		snprintf(buf, size, "%" PRId64, v);
	return buf;
}

static int number(struct reader *r, const struct conf_node *map, const char *key, parse_fn *parse, int64_t min,
	int64_t max, const char *example, int64_t *out)
{
	const struct conf_node *n = conf_get(map, key);
	int64_t v;

	if (!n)
		return 0;
	if (n->kind != CONF_SCALAR || parse(n->text, &v) < 0)
		return conf_complain(r->doc, n, r->err, "'%s' wants a value such as %s", key, example);
	if (v < min || v > max) {
		char least[32], most[32];
		return conf_complain(r->doc, n, r->err, "'%s' is out of its range: it goes from %s to %s", key,
			limit_text(parse, min, least, sizeof(least)), limit_text(parse, max, most, sizeof(most)));
	}
	*out = v;
	return 0;
}

static int whole(const char *s, int64_t *ret)
{
	return units_int(s, 0, INT_MAX, ret);
}

static int int_key(struct reader *r, const struct conf_node *map, const char *key, int min, int max, int *out)
{
	int64_t v = *out;

	if (number(r, map, key, whole, min, max, "8", &v) < 0)
		return -1;
	*out = (int)v;
	return 0;
}

static int bool_key(struct reader *r, const struct conf_node *map, const char *key, bool *out)
{
	const struct conf_node *n = conf_get(map, key);

	if (!n)
		return 0;
	if (n->kind == CONF_SCALAR && strcmp(n->text, "true") == 0)
		*out = true;
	else if (n->kind == CONF_SCALAR && strcmp(n->text, "false") == 0)
		*out = false;
	else
		return conf_complain(r->doc, n, r->err, "'%s' wants true or false", key);
	return 0;
}

static int read_limits(struct reader *r, const struct conf_node *map, struct settings *s)
{
	static const char *const keys[] = {"item", "part", "total", "in_flight", "depth", "parts", "scan_time",
		"worker_memory", "worker_tmpfs", "worker_items", NULL};
	struct scan_limits *l = &s->limits;
	const int64_t gib = 1 << 30;

	if (!map)
		return 0;
	/* libclamav's own limits must stay below 1 GiB (CVE-2025-20260). */
	if (conf_unknown_keys(r->doc, map, keys, r->err) < 0 ||
		number(r, map, "item", units_size, 1024, gib - 1, "100 MiB", &l->item) < 0 ||
		number(r, map, "part", units_size, 1024, gib - 1, "100 MiB", &l->part) < 0 ||
		number(r, map, "total", units_size, 1024, 4 * gib - 1, "400 MiB", &l->total) < 0 ||
		number(r, map, "in_flight", units_size, 1 << 20, 1024 * gib, "512 MiB", &s->in_flight) < 0 ||
		int_key(r, map, "depth", 1, 100, &l->depth) < 0 ||
		int_key(r, map, "parts", 1, 1000000, &l->parts) < 0 ||
		number(r, map, "scan_time", units_duration, 100, 3600000, "120 s", &l->time_ms) < 0 ||
		number(r, map, "worker_memory", units_size, 64 << 20, 64 * gib, "1 GiB", &l->worker_memory) < 0 ||
		number(r, map, "worker_tmpfs", units_size, 16 << 20, 64 * gib, "512 MiB", &l->worker_tmpfs) < 0 ||
		int_key(r, map, "worker_items", 1, INT_MAX, &l->worker_items) < 0)
		return -1;
	if (s->in_flight < l->item)
		return conf_complain(r->doc, map, r->err, "'in_flight' must be at least as large as 'item'");
	return 0;
}

static int read_paths(struct reader *r, const struct conf_node *list, struct settings *s)
{
	if (!list)
		return 0;
	if (list->kind != CONF_LIST)
		return conf_complain(r->doc, list, r->err, "'signatures' wants a list of folders: [/var/lib/clamav]");
	s->n_signatures = 0;
	for (const struct conf_node *n = list->child; n; n = n->next) {
		if (s->n_signatures == SETTINGS_PATHS)
			return conf_complain(r->doc, n, r->err, "more than %d folders", SETTINGS_PATHS);
		if (path_of(r, n, s->signatures[s->n_signatures], sizeof(s->signatures[0])) < 0)
			return -1;
		s->n_signatures++;
	}
	return 0;
}

static int read_groups(struct reader *r, const struct conf_node *root, struct settings *s)
{
	static const char *const poll_keys[] = {"fast", "slow", "teams", "discover", "canary", NULL};
	static const char *const scan_keys[] = {"workers", "threads", "sandbox", NULL};
	static const char *const retention_keys[] = {"events", "items", "pairs", NULL}, *const rejudge_keys[] = {"known", "fetch", NULL};
	const struct conf_node *poll = conf_get(root, "poll"), *scan = conf_get(root, "scan"),
			       *retention = conf_get(root, "retention"), *rejudge = conf_get(root, "rejudge");

	if (poll && (conf_unknown_keys(r->doc, poll, poll_keys, r->err) < 0 ||
			    number(r, poll, "fast", units_duration, 100, 86400000, "15 s", &s->poll_fast) < 0 ||
			    number(r, poll, "slow", units_duration, 100, 86400000, "5 min", &s->poll_slow) < 0 ||
			    number(r, poll, "teams", units_duration, 100, 7 * 86400000ll, "1 d", &s->poll_least) < 0 ||
			    number(r, poll, "discover", units_duration, 100, 86400000, "15 min", &s->discover) < 0 ||
			    number(r, poll, "canary", units_duration, 100, 86400000, "1 h", &s->canary) < 0))
		return -1;
	if (poll && s->poll_slow < s->poll_fast)
		return conf_complain(r->doc, poll, r->err, "'slow' must not be shorter than 'fast'");
	if (retention && (conf_unknown_keys(r->doc, retention, retention_keys, r->err) < 0 ||
				 number(r, retention, "events", units_duration, 86400000, 36500 * 86400000ll, "400 d", &s->retain_events) < 0 ||
				 number(r, retention, "items", units_duration, 1000, 36500 * 86400000ll, "90 d", &s->retain_items) < 0 ||
				 number(r, retention, "pairs", units_duration, 60000, 90 * 86400000ll, "7 d", &s->retain_pairs) < 0))
		return -1;
	if (rejudge && (conf_unknown_keys(r->doc, rejudge, rejudge_keys, r->err) < 0 ||
			       number(r, rejudge, "known", units_duration, 0, 3650 * 86400000ll, "30 d", &s->rejudge_known) < 0 ||
			       number(r, rejudge, "fetch", units_duration, 0, 90 * 86400000ll, "1 d", &s->rejudge_fetch) < 0))
		return -1;
	if (scan && (conf_unknown_keys(r->doc, scan, scan_keys, r->err) < 0 ||
			    int_key(r, scan, "workers", 0, 256, &s->workers) < 0 ||
			    int_key(r, scan, "threads", 0, 256, &s->threads) < 0 ||
			    bool_key(r, scan, "sandbox", &s->sandbox) < 0))
		return -1;
	return 0;
}

/* Rule files and folders of them. That they can be read and compiled is policy_set.c's to find out: they may change at any time. */
static int read_policy(struct reader *r, const struct conf_node *list, struct settings *s)
{
	if (!list)
		return 0;
	if (list->kind != CONF_LIST)
		return conf_complain(r->doc, list, r->err, "'policy' wants a list of files or folders: [/etc/sekisho/policy]");
	for (const struct conf_node *n = list->child; n; n = n->next) {
		if (s->n_policy == SETTINGS_PATHS)
			return conf_complain(r->doc, n, r->err, "more than %d; a folder counts once", SETTINGS_PATHS);
		if (path_of(r, n, s->policy[s->n_policy], sizeof(s->policy[0])) < 0)
			return -1;
		if (access(s->policy[s->n_policy], R_OK) < 0)
			return conf_complain(r->doc, n, r->err, "%s cannot be read: %s", s->policy[s->n_policy], strerror(errno));
		s->n_policy++;
	}
	return 0;
}

/* Files of bad hosts and addresses, and of domains whose look-alikes are told. */
static int read_lists(struct reader *r, const struct conf_node *map, struct settings *s)
{
	static const char *const keys[] = {"bad_hosts", "bad_links", "protected_domains", NULL};

	if (!map)
		return 0;
	if (conf_unknown_keys(r->doc, map, keys, r->err) < 0)
		return -1;
	for (const char *const *key = keys; *key; key++) {
		const struct conf_node *list = conf_get(map, *key);
		int n = 0;
		if (list && list->kind != CONF_LIST)
			return conf_complain(r->doc, list, r->err, "'%s' wants a list of files", *key);
		for (const struct conf_node *one = list ? list->child : NULL; one; one = one->next) {
			struct settings_list *to = &s->lists[s->n_lists];
			if (n++ == SETTINGS_PATHS)
				return conf_complain(r->doc, one, r->err, "more than %d files", SETTINGS_PATHS);
			if (path_of(r, one, to->path, sizeof(to->path)) < 0)
				return -1;
			snprintf(to->kind, sizeof(to->kind), "%s", *key);
			s->n_lists++;
		}
	}
	return 0;
}

static int read_store(struct reader *r, const struct conf_node *root, struct settings *s)
{
	const struct conf_node *n = conf_get(root, "store");

	if (n && (n->kind != CONF_SCALAR || (strcmp(n->text, "sqlite") != 0 && strncmp(n->text, "postgresql://", 13) != 0)))
		return conf_complain(r->doc, n, r->err, "'store' wants sqlite or postgresql://…");
	if (n && strcmp(n->text, "sqlite") != 0)
		return text(r, root, "store", s->store, sizeof(s->store));
	snprintf(s->store, sizeof(s->store), "sqlite:%s/store.db", s->state);
	return 0;
}

static int read_language(struct reader *r, const struct conf_node *root, struct settings *s)
{
	char zone[320];

	if (text(r, root, "language", s->language, sizeof(s->language)) < 0 ||
		text(r, root, "time_zone", s->time_zone, sizeof(s->time_zone)) < 0)
		return -1;
	if (strcmp(s->language, "ja") != 0 && strcmp(s->language, "en") != 0)
		return conf_complain(r->doc, conf_get(root, "language"), r->err, "'language' is ja or en");
	snprintf(zone, sizeof(zone), "/usr/share/zoneinfo/%s", s->time_zone);
	if (strstr(s->time_zone, "..") || (access("/usr/share/zoneinfo", X_OK) == 0 && access(zone, R_OK) < 0))
		return conf_complain(r->doc, conf_get(root, "time_zone"), r->err,
			"unknown time zone '%s'; a name such as Asia/Tokyo is wanted", s->time_zone);
	return 0;
}

static int read_all(struct reader *r, struct settings *s)
{
	static const char *const keys[] = {"state", "key_file", "store", "ca_file", "signatures", "policy", "lists",
		"limits", "console", "apps", "sign_in", "poll", "rejudge", "retention", "scan", "language", "time_zone", NULL};
	const struct conf_node *root = r->doc ? conf_root(r->doc) : NULL;

	if (!root)
		return 0;
	if (conf_unknown_keys(r->doc, root, keys, r->err) < 0 ||
		path_key(r, root, "state", s->state, sizeof(s->state)) < 0 ||
		path_key(r, root, "key_file", s->key_file, sizeof(s->key_file)) < 0 ||
		path_key(r, root, "ca_file", s->ca_file, sizeof(s->ca_file)) < 0 ||
		read_store(r, root, s) < 0 || read_paths(r, conf_get(root, "signatures"), s) < 0 ||
		read_limits(r, conf_get(root, "limits"), s) < 0 || read_groups(r, root, s) < 0 ||
		settings_console(r->doc, r->dir, s, r->err) < 0 || read_policy(r, conf_get(root, "policy"), s) < 0 ||
		read_lists(r, conf_get(root, "lists"), s) < 0)
		return -1;
	return read_language(r, root, s);
}

int settings_load(const char *path, struct settings *ret, struct err *err)
{
	_cleanup_(conf_freep) struct conf_doc *doc = NULL;
	struct settings s;
	char real[PATH_MAX] = "";

	defaults(&s);
	if (path || access(SETTINGS_DEFAULT_FILE, F_OK) == 0) {
		path = path ? path : SETTINGS_DEFAULT_FILE;
		if (!realpath(path, real))
			return err_errno(err, "%s", path);
		if (conf_load(path, &doc, err) < 0)
			return -1;
	}
	char *slash = strrchr(real, '/');
	if (slash)
		slash[slash == real] = '\0';
	struct reader r = {.doc = doc, .err = err, .dir = real};
	if (read_all(&r, &s) < 0)
		return -1;
	if (!s.store[0])
		snprintf(s.store, sizeof(s.store), "sqlite:%s/store.db", s.state);
	*ret = s;
	return 0;
}
