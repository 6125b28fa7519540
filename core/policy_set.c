/* See policy_set.h. One lock; compiling is done under it, by the first thread that notices a change. */
#include "core/policy_set.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "core/policy_files.h"
#include "scan/client.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS 1000
#define SCAN_WAIT_MS 30000
#define DETECTORS_MAX (16 << 20)
#define TENANTS_MAX 4096
#define RULES_ARENA (64 << 20)

struct policy_set {
	pthread_mutex_t lock;
	struct policy_files *files;
	int64_t looked_at; /* monotonic; 0: look now */
	int64_t revision;  /* of the store, that of[] was made of */
	size_t n;
	struct rules **of;
	bool unsent;   /* rules were made, or the scan role is new, since it was told */
	char sent[65]; /* SHA-256 of the detectors that the scan role has; "" none */
};

int rules_lists(const struct settings *set, struct lists_watch **ret, struct err *err)
{
	struct lists_file files[ARRAY_SIZE(set->lists)];

	for (int i = 0; i < set->n_lists; i++) {
		const char *kind = set->lists[i].kind;
		files[i] = (struct lists_file){strcmp(kind, "bad_hosts") == 0 ? LISTS_BAD_HOSTS : strcmp(kind, "bad_links") == 0 ? LISTS_BAD_LINKS :
			LISTS_PROTECTED, set->lists[i].path};
	}
	return lists_watch_new(files, (size_t)set->n_lists, ret, err);
}

int policy_set_new(struct core *c, struct policy_set **ret, struct err *err)
{
	struct policy_set *s = calloc(1, sizeof(*s));

	if (!s || policy_files_new(c->set, &s->files, err) < 0 || rules_lists(c->set, &c->lists, err) < 0) {
		if (s)
			policy_files_free(s->files);
		free(s);
		return s ? -1 : err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	pthread_mutex_init(&s->lock, NULL);
	s->revision = -1;
	*ret = s;
	return 0;
}

static void rules_free(struct rules *r)
{
	policy_free(r->policy);
	derive_tenant_free(r->derive);
	arena_free(r->arena);
	free(r);
}

void rules_put(struct rules *r)
{
	if (r && atomic_fetch_sub(&r->refs, 1) == 1)
		rules_free(r);
}

static void forget(struct policy_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		rules_put(s->of[i]);
	free(s->of);
	s->of = NULL;
	s->n = 0;
}

void policy_set_free(struct policy_set *s)
{
	if (!s)
		return;
	forget(s);
	policy_files_free(s->files);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void rules_changed(struct core *c)
{
	pthread_mutex_lock(&c->policies->lock);
	c->policies->looked_at = 0;
	c->policies->revision = -1;
	pthread_mutex_unlock(&c->policies->lock);
}

/* ---- making a tenant's ---- */

static int read_settings(struct core *c, struct rules *r, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(16384);
	struct store_policy_mode *modes;
	size_t n;

	if (store_mode_list(c->store, r->tenant, r->arena, &modes, &n, err) < 0)
		return -1;
	struct policy_setting *of = arena_alloc(r->arena, (n + 1) * sizeof(*of));
	if (!of)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (size_t i = 0; i < n; i++)
		of[i] = (struct policy_setting){.rule = modes[i].rule, .mode = (enum policy_mode)modes[i].mode};
	r->settings = (struct policy_settings){.n = n, .of = of};
	const struct {
		const char *name, **to;
	} texts[] = {{"contact", &r->contact}, {"notice_ja", &r->notice_ja}, {"notice_en", &r->notice_en}};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		buf_clear(&text);
		if (store_option_get(c->store, r->tenant, texts[i].name, &text, err) < 0 && err->class != ERR_GONE)
			return -1;
		*texts[i].to = arena_dup(r->arena, buf_str(&text));
	}
	buf_clear(&text);
	if (store_option_get(c->store, r->tenant, "may_delete", &text, err) < 0 && err->class != ERR_GONE)
		return -1;
	r->settings.may_delete = strcmp(buf_str(&text), "true") == 0;
	return 0;
}

/* Entries that have ended count no more; those that will end make the rules new then (look()). */
static int make_derive(struct rules *r, const char *own, struct err *err)
{
	struct store_list_entry *now = arena_alloc(r->arena, (r->n_list + 1) * sizeof(*now));
	int64_t t = time_now_ms();
	size_t n = 0;

	if (!now)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (size_t i = 0; i < r->n_list; i++)
		if (r->list[i].ends_at == 0 || r->list[i].ends_at > t)
			now[n++] = r->list[i];
	return derive_tenant_new(own, now, n, &r->derive, err);
}

static int read_tenant(struct core *c, struct rules *r, struct err *err)
{
	_cleanup_buf_ struct buf own = BUF_INIT(1 << 20);

	if (store_list_all(c->store, r->tenant, 0, 0, r->arena, &r->list, &r->n_list, err) < 0 ||
		store_domains(c->store, r->tenant, &own, err) < 0)
		return -1;
	r->directory = own.len > 0;
	return make_derive(r, buf_str(&own), err);
}

static void version_of(struct rules *r)
{
	const char *text = policy_detectors(r->policy);
	struct digests d;

	if (*text && digest_bytes(DIGEST_SHA256, text, strlen(text), &d) == 0)
		snprintf(r->detectors, sizeof(r->detectors), "%.16s", d.sha256);
}

static struct rules *find(struct policy_set *s, const char *tenant)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->of[i]->tenant, tenant) == 0)
			return s->of[i];
	return NULL;
}

static int make(struct core *c, const char *tenant, struct rules **ret, struct err *err)
{
	struct rules *r = calloc(1, sizeof(*r));

	if (!r || !(r->arena = arena_new(RULES_ARENA)) || !(r->tenant = arena_dup(r->arena, tenant))) {
		if (r)
			arena_free(r->arena);
		free(r);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	atomic_init(&r->refs, 1);
	if (policy_files_compile(c, c->policies->files, tenant, r->arena, &r->policy, err) < 0 || read_settings(c, r, err) < 0 ||
		read_tenant(c, r, err) < 0) {
		rules_free(r);
		return -1;
	}
	r->wants = policy_wants(r->policy, tenant);
	version_of(r);
	*ret = r;
	return 0;
}

/* ---- the policies' own detectors ---- */

void rules_detectors_lost(struct core *c)
{
	if (!c->policies)
		return;
	pthread_mutex_lock(&c->policies->lock);
	c->policies->sent[0] = '\0';
	c->policies->unsent = true;
	pthread_mutex_unlock(&c->policies->lock);
}

/* {"TENANT": […]} of all tenants that have some. */
static int detectors_of(const struct policy_set *s, struct buf *out)
{
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();

	for (size_t i = 0; i < s->n; i++) {
		const char *text = policy_detectors(s->of[i]->policy);
		cJSON *own = NULL;
		if (*text && json_parse(text, strlen(text), &own, NULL) == 0)
			cJSON_AddItemToObject(doc, s->of[i]->tenant, own);
	}
	return json_print(doc, out);
}

/* With the lock, before any item is judged by these rules: what it is scanned with is what they want. */
static int send_detectors(struct core *c, struct policy_set *s, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(DETECTORS_MAX);
	struct digests d;

	if (!s->unsent)
		return 0;
	if (detectors_of(s, &text) < 0 || digest_bytes(DIGEST_SHA256, buf_str(&text), text.len, &d) < 0)
		return err_set(err, ERR_LOCAL, "memory", "the rules' own detectors are too many");
	if (strcmp(s->sent, d.sha256) == 0 || (!s->sent[0] && strcmp(buf_str(&text), "{}") == 0)) {
		s->unsent = false;
		return 0;
	}
	struct peer_link *link = peer_get(&c->scan, SCAN_WAIT_MS);
	if (!link)
		return err_set(err, ERR_RETRY, "peer_gone", "the scan role is restarting");
	struct scan_client client = {.rpc = link->rpc};
	int r = scan_client_detectors(&client, buf_str(&text), err);
	peer_put(link);
	if (r == 0) {
		snprintf(s->sent, sizeof(s->sent), "%s", d.sha256);
		s->unsent = false;
	}
	return r;
}

/* With the lock: throws away what was made of something that is another now. */
/* Did an entry of a list end since the rules were made? */
static bool ended(const struct policy_set *s)
{
	int64_t now = time_now_ms();

	for (size_t i = 0; i < s->n; i++) {
		int64_t until = derive_tenant_until(s->of[i]->derive);
		if (until > 0 && until <= now)
			return true;
	}
	return false;
}

static int look(struct core *c, struct policy_set *s, struct err *err)
{
	int64_t now = time_monotonic_ms(), revision;

	if (s->looked_at && now - s->looked_at < LOOK_MS)
		return 0;
	if (store_policy_revision(c->store, &revision, err) < 0)
		return -1;
	bool files = policy_files_look(c, s->files);
	if (files || revision != s->revision || ended(s))
		forget(s);
	s->revision = revision;
	s->looked_at = now;
	return 0;
}

int rules_get(struct core *c, const char *tenant, struct rules **ret, struct err *err)
{
	struct policy_set *s = c->policies;
	int r = -1;

	pthread_mutex_lock(&s->lock);
	if (look(c, s, err) == 0) {
		struct rules *have = find(s, tenant);
		r = have ? 0 : make(c, tenant, &have, err);
		if (r == 0 && !find(s, tenant)) {
			struct rules **more = s->n < TENANTS_MAX ? realloc(s->of, (s->n + 1) * sizeof(*more)) : NULL;
			if (more) {
				s->of = more;
				s->of[s->n++] = have;
				s->unsent = true;
				atomic_fetch_add(&have->refs, 1);
			}
		} else if (r == 0) {
			atomic_fetch_add(&have->refs, 1);
		}
		/* A command that only looks has no scan role. */
		if (r == 0 && c->mode != MODE_COMMAND && send_detectors(c, s, err) < 0) {
			rules_put(have);
			r = -1;
		}
		if (r == 0)
			*ret = have;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

int rules_listed(const struct rules *r, enum store_list_kind kind, const char *value, int64_t now)
{
	if (!value || !*value)
		return 0;
	for (size_t i = 0; i < r->n_list; i++) {
		const struct store_list_entry *e = &r->list[i];
		if (e->kind == kind && (e->ends_at == 0 || e->ends_at > now) && strcmp(e->value, value) == 0)
			return e->approved ? 1 : -1;
	}
	return 0;
}

int rules_try(struct core *c, const char *tenant, const char *name, const char *text, struct policy **ret, struct policy_problems *problems,
	struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(RULES_ARENA);

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	pthread_mutex_lock(&c->policies->lock);
	int r = policy_files_try(c, c->policies->files, tenant, name, text, a, ret, problems, err);
	pthread_mutex_unlock(&c->policies->lock);
	return r;
}

int rules_files(const struct settings *set, struct policy **ret, struct policy_problems *problems, struct err *err)
{
	return policy_files_check(set, ret, problems, err);
}
