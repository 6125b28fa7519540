/* Judging again by other rules: when what a tenant's rules, modes or lists say has changed, the recorded facts of what it saw
 * lately are decided about once more. What comes out otherwise is pending again behind everything else; its bytes are fetched
 * only where what is recorded does not do. What was contained stays contained. On a thread of its own. */
#include "core/facts.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "store/policy.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 200
#define LOOK_MS 5000
#define KEY_MAX 128

struct round {
	struct core *c;
	const struct rules *rules;
	struct policy_decision *decision;
	int64_t *ids; /* of a page */
	size_t n;
	int64_t seen, again;
};

/* All that decides, in one hash. */
static int rules_digest(const struct rules *r, char out[65])
{
	struct digester *d = digester_new(DIGEST_SHA256);
	struct digests sum;

	if (!d)
		return -1;
	digester_update(d, policy_version(r->policy), strlen(policy_version(r->policy)));
	for (size_t i = 0; i < r->settings.n; i++) {
		digester_update(d, r->settings.of[i].rule, strlen(r->settings.of[i].rule) + 1);
		digester_update(d, &r->settings.of[i].mode, sizeof(r->settings.of[i].mode));
	}
	digester_update(d, &r->settings.may_delete, sizeof(r->settings.may_delete));
	for (size_t i = 0; i < r->n_list; i++) {
		digester_update(d, &r->list[i].id, sizeof(r->list[i].id));
		digester_update(d, &r->list[i].ends_at, sizeof(r->list[i].ends_at));
	}
	digester_finish(d, &sum);
	memcpy(out, sum.sha256, 65);
	return 0;
}

/* Does its last finding say all that matches now, and as strongly? */
static int is_told(struct round *r, const struct store_seen *seen, struct arena *a, bool *ret, struct err *err)
{
	const struct finding_filter filter = {.tenant = seen->tenant, .after = seen->finding - 1, .max = 1};
	struct store_finding *list;
	size_t n;

	*ret = false;
	if (seen->finding <= 0)
		return 0;
	if (store_finding_list(r->c->store, &filter, a, &list, &n, err) < 0)
		return -1;
	if (n == 0 || list[0].id != seen->finding)
		return 0;
	for (int i = 0; i < r->decision->n_matches; i++) {
		char id[160];
		snprintf(id, sizeof(id), "\"id\":\"%s\"", r->decision->matches[i].rule->id);
		if (!list[0].rules || !strstr(list[0].rules, id))
			return 0;
	}
	*ret = r->decision->action <= POLICY_REPORT || strcmp(list[0].action_state, "would") != 0;
	return 0;
}

/* What the lists say now: the recorded facts have what they said then. */
static void look_at_lists(const struct rules *rules, const struct store_seen *seen, struct facts *f)
{
	int64_t now = time_now_ms();
	int hash = rules_listed(rules, LIST_HASH, seen->sha256, now);
	int sender = f->kind == FACTS_MAIL && f->mail.from && *f->mail.from ? rules_listed(rules, LIST_SENDER, f->mail.from, now) : 0;

	if (!sender && f->kind == FACTS_MAIL && f->mail.from_domain && *f->mail.from_domain)
		sender = rules_listed(rules, LIST_DOMAIN, f->mail.from_domain, now);
	f->hash_approved = hash > 0;
	f->hash_blocked = hash < 0;
	f->mail.approved = f->mail.approved && sender >= 0;
	f->mail.blocked = sender < 0;
}

static int decide(struct round *r, const struct store_seen *seen, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(32 << 20);
	struct facts *f = a ? arena_alloc(a, sizeof(*f)) : NULL;
	struct err none;
	bool told;

	if (!f)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (facts_recorded(seen, a, f, &none) < 0)
		return none.class == ERR_LOCAL ? err_set(err, ERR_LOCAL, "memory", "out of memory") : 0;
	r->seen++;
	look_at_lists(r->rules, seen, f);
	policy_decide(r->rules->policy, f, &r->rules->settings, r->decision);
	if (r->decision->n_matches == 0)
		return 0;
	if (is_told(r, seen, a, &told, err) < 0)
		return -1;
	if (!told)
		r->ids[r->n++] = seen->item;
	return 0;
}

static int all(struct round *r, const char *tenant, struct err *err)
{
	int64_t since = time_now_ms() - r->c->set->rejudge_known, after = 0, n_again;
	size_t n = PAGE;

	while (n == PAGE) {
		_cleanup_(arena_freep) struct arena *page = arena_new(256 << 20);
		struct store_seen *list;
		if (core_stopping(r->c))
			return err_set(err, ERR_CANCELLED, "stopping", "stopping");
		if (!page)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		if (store_seen_list(r->c->store, tenant, since, after, PAGE, page, &list, &n, err) < 0)
			return -1;
		r->n = 0;
		for (size_t i = 0; i < n; i++)
			if (decide(r, &list[i], err) < 0)
				return -1;
		if (r->n) {
			if (STORE_WRITE(r->c, "rejudge.rules", store_item_again(r->c->store, r->ids, r->n, LANE_BACKLOG, &n_again, err), err) < 0)
				return -1;
			r->again += n_again;
			wake_all(&r->c->wake);
		}
		after = n ? list[n - 1].item : after;
	}
	return 0;
}

/* 1: it was judged again, 0: nothing is new. */
static int tenant_round(struct core *c, const char *tenant, struct err *err)
{
	_cleanup_(rules_putp) struct rules *rules = NULL;
	_cleanup_free_ struct policy_decision *decision = malloc(sizeof(*decision));
	_cleanup_free_ int64_t *ids = calloc(PAGE, sizeof(*ids));
	_cleanup_buf_ struct buf known = BUF_INIT(128);
	struct round r = {.c = c, .decision = decision, .ids = ids};
	char key[KEY_MAX], digest[65];
	int64_t from = time_monotonic_ms();

	snprintf(key, sizeof(key), "rejudge/rules/%.64s", tenant);
	if (!decision || !ids)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (rules_get(c, tenant, &rules, err) < 0)
		return -1;
	r.rules = rules;
	if (rules_digest(rules, digest) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	int got = store_meta_get(c->store, key, &known, err);
	if (got == 0 && strcmp(buf_str(&known), digest) == 0)
		return 0;
	if (got < 0 && err->class != ERR_GONE)
		return -1;
	/* The first rules of a tenant: what they judge is only coming. */
	if (got == 0 && c->set->rejudge_known > 0 && all(&r, tenant, err) < 0)
		return -1;
	if (STORE_WRITE(c, "rejudge.rules", store_meta_put(c->store, key, digest, err), err) < 0)
		return -1;
	if (got == 0)
		log_info("rejudge.rules", "tenant=%s seen=%ld again=%ld ms=%ld", tenant, (long)r.seen, (long)r.again,
			(long)(time_monotonic_ms() - from));
	return r.again > 0;
}

bool rejudge_rules_job(struct core *c, int64_t *ret_next)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(16 << 20);
	struct store_connection *list;
	const char *last = "";
	struct err err;
	size_t n;

	*ret_next = time_now_ms() + LOOK_MS;
	if (!a || store_connection_list(c->store, NULL, a, &list, &n, &err) < 0)
		return false;
	/* By id: tenants come together as a rule, and one that is looked at twice costs a look. */
	for (size_t i = 0; i < n && !core_stopping(c); i++) {
		if (list[i].state == CONN_DISCONNECTED || strcmp(list[i].tenant, last) == 0)
			continue;
		last = list[i].tenant;
		if (tenant_round(c, last, &err) < 0 && err.class != ERR_CANCELLED)
			log_err(LOG_WARN_, "rejudge.rules", &err);
	}
	atomic_store(&c->rules_looked, true);
	return false;
}
