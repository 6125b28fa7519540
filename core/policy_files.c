/* See policy_files.h. */
#include "core/policy_files.h"

#include "base/encode.h"
#include "base/ioutil.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/rule_files.h"
#include "events/catalogue.h"
#include "store/policy.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 64
#define FILE_MAX (1 << 20)
#define SOURCES_MAX 512
#define PROBLEMS_MAX 20

struct file {
	char path[768];
	struct timespec changed;
	off_t size;
	char *text; /* the last one that made sense; NULL: none did */
	bool bad;   /* what lies there now makes none */
	bool seen;
};

struct policy_files {
	const struct settings *set;
	size_t n;
	struct file of[FILES_MAX];
};

int policy_files_new(const struct settings *set, struct policy_files **ret, struct err *err)
{
	struct policy_files *f = calloc(1, sizeof(*f));

	if (!f)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	f->set = set;
	*ret = f;
	return 0;
}

void policy_files_free(struct policy_files *f)
{
	for (size_t i = 0; f && i < f->n; i++)
		free(f->of[i].text);
	free(f);
}

/* ---- compiling ---- */

static int compile(const struct policy_source *src, size_t n, struct policy **ret, struct policy_problems *problems, struct err *err)
{
	struct policy_support can[RULE_FILES_SERVICES];
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct policy_problem kept[1];
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct policy_problems own = {.arena = a, .max = 1, .of = kept}, *to = problems ? problems : &own;

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (policy_compile(src, n, &p, to, err) < 0)
		return -1;
	size_t first = to->n;
	if (policy_check_support(p, can, rule_files_support(can, ARRAY_SIZE(can)), to) < 0) {
		const struct policy_problem *why = first < to->n ? &to->of[first] : NULL;
		return err_set(err, ERR_REMOTE, "bad_policy", "%s", why ? why->text : "a rule asks for what a provider cannot do");
	}
	*ret = TAKE_PTR(p);
	return 0;
}

struct sources {
	size_t n;
	struct policy_source of[SOURCES_MAX];
};

static void add(struct sources *s, const char *name, const char *text)
{
	if (text && s->n < SOURCES_MAX)
		s->of[s->n++] = (struct policy_source){.name = name, .text = text, .len = strlen(text)};
}

static void add_shipped(struct sources *s)
{
	size_t n;
	const struct policy_source *of = policy_shipped(&n);

	for (size_t i = 0; i < n && s->n < SOURCES_MAX; i++)
		s->of[s->n++] = of[i];
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_files(struct sources *s, const struct policy_files *f, const struct file *other, const char *text)
{
	for (size_t i = 0; i < f->n; i++)
		add(s, f->of[i].path, &f->of[i] == other ? text : f->of[i].text);
}

/* ---- what is wrong ---- */

static void tell(struct core *c, const char *tenant, const char *file, const struct policy_problem *p, const struct err *why)
{
	_cleanup_buf_ struct buf detail = BUF_INIT(8192), event = BUF_INIT(65536);
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	struct connection_config about = {0};
	char uid[37], event_uid[37], key[256];
	struct store_event e = {.uid = event_uid};
	bool fresh;
	struct err err;

	log_error("policy.refused", "tenant=%s file=%s line=%d column=%d message=\"%s\"", tenant, base_name(file), p ? p->line : 0,
		p ? p->column : 0, p ? p->text : why->message);
	snprintf(about.tenant, sizeof(about.tenant), "%s", tenant);
	snprintf(about.id, sizeof(about.id), "policy");
	snprintf(key, sizeof(key), "policy/%.60s/%.150s", tenant, base_name(file));
	cJSON_AddStringToObject(o, "file", base_name(file));
	cJSON_AddNumberToObject(o, "line", p ? p->line : 0);
	cJSON_AddNumberToObject(o, "column", p ? p->column : 0);
	cJSON_AddStringToObject(o, "code", "bad_policy");
	cJSON_AddStringToObject(o, "message", p ? p->text : why->message);
	uuid_new(uid);
	uuid_new(event_uid);
	if (json_print(o, &detail) < 0 || event_alert(&event, event_uid, &about, "policy", 4, false, json_str(o, "message")) < 0)
		return;
	e.json = buf_str(&event);
	const struct console_alert a = {.uid = uid, .key = key, .tenant = tenant, .connection = "", .provider = "", .kind = "policy",
		.severity = 4, .detail = buf_str(&detail), .created_at = time_now_ms()};
	if (store_alert_raise(c->store, &a, &e, &fresh, &err) < 0)
		log_err(LOG_WARN_, "alert.raise", &err);
}

static void well_again(struct core *c, const char *tenant, const char *file)
{
	_cleanup_buf_ struct buf event = BUF_INIT(65536);
	struct connection_config about = {0};
	char uid[37], key[256];
	struct store_event e = {.uid = uid};
	bool ended;
	struct err err;

	snprintf(about.tenant, sizeof(about.tenant), "%s", tenant);
	snprintf(about.id, sizeof(about.id), "policy");
	snprintf(key, sizeof(key), "policy/%.60s/%.150s", tenant, base_name(file));
	uuid_new(uid);
	if (event_alert(&event, uid, &about, "policy", 4, true, base_name(file)) < 0)
		return;
	e.json = buf_str(&event);
	if (store_alert_end(c->store, key, time_now_ms(), &e, &ended, &err) < 0)
		log_err(LOG_WARN_, "alert.end", &err);
}

/* ---- the operator's files ---- */

static struct file *file_of(struct policy_files *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->of[i].path, path) == 0)
			return &f->of[i];
	if (f->n == FILES_MAX || strlen(path) >= sizeof(f->of[0].path)) {
		log_error("policy.files", "message=\"more than %d rule files, or a path that is too long\"", FILES_MAX);
		return NULL;
	}
	struct file *one = &f->of[f->n++];
	*one = (struct file){.size = -1};
	snprintf(one->path, sizeof(one->path), "%s", path);
	return one;
}

static char *read_text(const char *path, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(FILE_MAX);

	if (io_read_file(path, &b, err) < 0)
		return NULL;
	return buf_take(&b);
}

/* One file as it lies there now; with the others as they were. */
static bool look_at(struct core *c, struct policy_files *f, const char *path)
{
	struct file *one = file_of(f, path);
	struct policy_problem kept[1];
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct policy_problems problems = {.arena = a, .max = 1, .of = kept};
	_cleanup_free_ struct sources *s = calloc(1, sizeof(*s));
	struct stat st;
	struct err err = {0};

	if (!one || !a || !s)
		return false;
	one->seen = true;
	if (stat(path, &st) == 0) {
		if (st.st_size == one->size && st.st_mtim.tv_sec == one->changed.tv_sec && st.st_mtim.tv_nsec == one->changed.tv_nsec)
			return false;
		one->size = st.st_size;
		one->changed = st.st_mtim;
	} else if (one->bad) {
		return false;
	}
	char *text = read_text(path, &err);
	add_shipped(s);
	if (text)
		add_files(s, f, one, text);
	if (!text || compile(s->of, s->n, &p, &problems, &err) < 0) {
		free(text);
		one->bad = true;
		tell(c, "", path, problems.n ? &kept[0] : NULL, &err);
		return false;
	}
	if (one->bad)
		well_again(c, "", path);
	one->bad = false;
	bool other = !one->text || strcmp(one->text, text) != 0;
	free(one->text);
	one->text = text;
	if (other)
		log_info("policy.loaded", "file=%s version=%s rules=%zu", base_name(path), policy_version(p), policy_n_rules(p));
	return other;
}

static int yaml_only(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return d->d_name[0] != '.' && dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* Calls for each file of the settings: those named, and those in named folders by name. */
static bool each_file(const struct settings *set, bool (*one)(void *ctx, const char *path), void *ctx)
{
	bool any = false;

	for (int i = 0; i < set->n_policy; i++) {
		struct dirent **list = NULL;
		int n = scandir(set->policy[i], &list, yaml_only, alphasort);
		if (n < 0) {
			any |= one(ctx, set->policy[i]);
			continue;
		}
		for (int k = 0; k < n; k++) {
			char path[1024];
			snprintf(path, sizeof(path), "%s/%.255s", set->policy[i], list[k]->d_name);
			any |= one(ctx, path);
			free(list[k]);
		}
		free(list);
	}
	return any;
}

struct looking {
	struct core *c;
	struct policy_files *f;
};

static bool look_one(void *ctx, const char *path)
{
	struct looking *l = ctx;

	return look_at(l->c, l->f, path);
}

bool policy_files_look(struct core *c, struct policy_files *f)
{
	struct looking l = {.c = c, .f = f};
	bool other;

	for (size_t i = 0; i < f->n; i++)
		f->of[i].seen = false;
	other = each_file(f->set, look_one, &l);
	/* Taken out of a folder: its rules go with it. */
	for (size_t i = 0; i < f->n;) {
		if (f->of[i].seen) {
			i++;
			continue;
		}
		if (f->of[i].bad)
			well_again(c, "", f->of[i].path);
		log_info("policy.removed", "file=%s", base_name(f->of[i].path));
		free(f->of[i].text);
		memmove(&f->of[i], &f->of[i + 1], (--f->n - i) * sizeof(f->of[0]));
		other = true;
	}
	return other;
}

struct checking {
	struct sources s;
	struct arena *arena;
	char paths[FILES_MAX][1024];
	size_t n;
	struct err err;
	bool failed;
};

static bool check_one(void *ctx, const char *path)
{
	struct checking *k = ctx;

	if (k->failed || k->n == FILES_MAX)
		return false;
	char *text = read_text(path, &k->err);
	if (!text) {
		k->failed = true;
		return false;
	}
	snprintf(k->paths[k->n], sizeof(k->paths[0]), "%s", path);
	add(&k->s, k->paths[k->n++], arena_dup(k->arena, text));
	free(text);
	return true;
}

int policy_files_check(const struct settings *set, struct policy **ret, struct policy_problems *problems, struct err *err)
{
	_cleanup_free_ struct checking *k = calloc(1, sizeof(*k));
	_cleanup_(arena_freep) struct arena *a = arena_new(FILES_MAX * (size_t)FILE_MAX);

	if (!k || !a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	k->arena = a;
	add_shipped(&k->s);
	each_file(set, check_one, k);
	if (k->failed) {
		*err = k->err;
		return -1;
	}
	return compile(k->s.of, k->s.n, ret, problems, err);
}

/* ---- tenants' files ---- */

/* Everybody's of the store, then the tenant's own. name: to be another text (NULL: none such). */
static int add_stored(struct core *c, struct sources *s, const char *tenant, const char *name, const char *text, struct arena *a,
	struct err *err)
{
	char set[80];
	struct store_policy_file *list;
	size_t n;
	bool there = false;

	snprintf(set, sizeof(set), "||%.64s|", tenant);
	if (store_policy_list(c->store, set, a, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool this = name && strcmp(list[i].name, name) == 0 && strcmp(list[i].tenant, tenant) == 0;
		there = there || this;
		add(s, list[i].name, this ? text : list[i].text);
	}
	if (name && !there)
		add(s, name, text);
	return 0;
}

int policy_files_try(struct core *c, struct policy_files *f, const char *tenant, const char *name, const char *text, struct arena *a,
	struct policy **ret, struct policy_problems *problems, struct err *err)
{
	_cleanup_free_ struct sources *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	policy_files_look(c, f);
	add_shipped(s);
	add_files(s, f, NULL, NULL);
	if (add_stored(c, s, tenant, name, text, a, err) < 0)
		return -1;
	return compile(s->of, s->n, ret, problems, err);
}

int policy_files_compile(struct core *c, struct policy_files *f, const char *tenant, struct arena *a, struct policy **ret, struct err *err)
{
	_cleanup_free_ struct sources *s = calloc(1, sizeof(*s));
	struct policy_problem kept[1];
	struct policy_problems problems = {.arena = a, .max = 1, .of = kept};

	if (!s)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	add_shipped(s);
	add_files(s, f, NULL, NULL);
	size_t base = s->n;
	if (add_stored(c, s, tenant, NULL, NULL, a, err) < 0)
		return -1;
	if (compile(s->of, s->n, ret, &problems, err) == 0)
		return 0;
	/* One that was well when it was saved is not any more, beside the operator's of now: the others count, one by one. */
	size_t all = s->n;
	s->n = base;
	for (size_t i = base; i < all; i++) {
		_cleanup_(policy_freep) struct policy *p = NULL;
		struct policy_source one = s->of[i];
		problems.n = 0;
		s->of[s->n++] = one;
		if (compile(s->of, s->n, &p, &problems, err) < 0) {
			tell(c, tenant, one.name, problems.n ? &kept[0] : NULL, err);
			s->n--;
		}
	}
	return compile(s->of, s->n, ret, NULL, err);
}
