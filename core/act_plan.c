/* From a decision to an act: what the service can do, the label's words, the notice in place of what is taken away. Pure but for
 * the tenant's language in the store; on item threads. */
#include "core/item.h"

#include "base/i18n.h"
#include "store/console.h"

#include <string.h>

#define NOTICE_MAX 4096
#define TAG_MAX 40 /* characters */

static unsigned act_bit(enum policy_action a)
{
	switch (a) {
	case POLICY_TAG: return 1u << ACT_TAG;
	case POLICY_UNSHARE: return 1u << ACT_UNSHARE;
	case POLICY_BLOCK: return 1u << ACT_BLOCK;
	case POLICY_REPLACE: return 1u << ACT_REPLACE;
	case POLICY_QUARANTINE: return 1u << ACT_QUARANTINE;
	case POLICY_DELETE: return 1u << ACT_DELETE;
	case POLICY_NONE:
	case POLICY_REPORT: break;
	}
	return 0;
}

static unsigned acts_of(const struct connector *k, const char *service)
{
	for (const struct act_support *s = k->acts; s && s->service; s++)
		if (service && strcmp(s->service, service) == 0)
			return s->acts;
	return k->acts ? 0 : 1u << ACT_QUARANTINE;
}

/* What comes nearest without doing more: a message that cannot be taken away is hidden, and the other way round. */
static enum policy_action nearest(enum policy_action wanted, unsigned acts)
{
	static const enum policy_action ways[POLICY_ACTIONS][6] = {
		[POLICY_DELETE] = {POLICY_DELETE, POLICY_QUARANTINE, POLICY_BLOCK, POLICY_UNSHARE, POLICY_TAG},
		[POLICY_REPLACE] = {POLICY_REPLACE, POLICY_QUARANTINE, POLICY_BLOCK, POLICY_UNSHARE, POLICY_TAG},
		[POLICY_QUARANTINE] = {POLICY_QUARANTINE, POLICY_BLOCK, POLICY_UNSHARE, POLICY_TAG},
		[POLICY_BLOCK] = {POLICY_BLOCK, POLICY_UNSHARE, POLICY_TAG},
		[POLICY_UNSHARE] = {POLICY_UNSHARE, POLICY_TAG},
		[POLICY_TAG] = {POLICY_TAG},
	};

	for (size_t i = 0; i < 6 && ways[wanted][i] != POLICY_NONE; i++)
		if (acts & act_bit(ways[wanted][i]))
			return ways[wanted][i];
	return wanted == POLICY_NONE ? POLICY_NONE : POLICY_REPORT;
}

void act_plan(const struct work *w, struct act_plan *ret)
{
	const struct policy_decision *d = w->decision;
	bool acts = d->action > POLICY_REPORT;

	*ret = (struct act_plan){.asked = acts ? d->action : d->would};
	for (int i = 0; i < d->n_matches && !ret->match; i++) {
		const struct policy_match *m = &d->matches[i];
		/* Deleting that is not allowed is quarantine. */
		bool same = m->rule->action == ret->asked || (m->rule->action == POLICY_DELETE && ret->asked == POLICY_QUARANTINE);
		if (same && (!acts || m->mode == POLICY_PROTECT))
			ret->match = m;
	}
	ret->kind = nearest(ret->asked, acts_of(w->l->connector, w->facts->service));
	ret->would = ret->kind > POLICY_REPORT && (!acts || !w->l->config.protect);
}

static const char *language_of(const struct work *w)
{
	struct console_tenant t;
	struct err err;

	if (store_tenant_get(w->c->store, w->facts->tenant, w->a, &t, &err) == 0 && t.language && *t.language)
		return t.language;
	return w->c->set->language;
}

/* A long name is cut between characters. */
static const char *short_text(struct arena *a, const char *s, size_t characters)
{
	const char *p = s;

	for (size_t n = 0; *p && n < characters; n++)
		for (p++; (*p & 0xc0) == 0x80; p++)
			;
	return arena_dupn(a, s, (size_t)(p - s));
}

/* {file} and {rule} and {contact} of the tenant's own text are filled in. */
static int own_notice(const char *text, const char *const values[3], struct buf *out)
{
	static const char *const names[] = {"{file}", "{rule}", "{contact}"};
	int bad = 0;

	while (*text) {
		size_t i = 0;
		while (i < 3 && strncmp(text, names[i], strlen(names[i])) != 0)
			i++;
		bad |= i < 3 ? buf_adds(out, values[i]) : buf_addc(out, *text);
		text += i < 3 ? strlen(names[i]) : 1;
	}
	return bad;
}

static int notice(const struct work *w, const struct policy_rule *rule, struct buf *out)
{
	bool ja = strcmp(language_of(w), "ja") == 0;
	const char *name = short_text(w->a, *w->facts->name ? w->facts->name : "?", 120),
		   *title = short_text(w->a, ja ? rule->title_ja : rule->title_en, 120), *contact = w->rules->contact;
	const char *own = ja ? w->rules->notice_ja : w->rules->notice_en;
	const char *const values[] = {name, title, contact && *contact ? contact : ja ? "管理者" : "your administrator"};

	if (own && *own)
		return own_notice(own, values, out);
	return buf_addf(out,
		ja ? "「%s」は、組織のルール「%s」に当てはまるため、関所(sekisho)が保管しました。\n必要な場合は、%sに確認してください。\n" :
		     "\"%s\" was taken into safekeeping by sekisho, because of the rule \"%s\" of your organisation.\n"
		     "If you need it, ask %s.\n",
		values[0], values[1], values[2]);
}

int act_print(const struct work *w, const struct act_plan *p, struct buf *out)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(NOTICE_MAX);
	const struct policy_rule *rule = p->match ? p->match->rule : NULL;

	if (p->kind != p->asked)
		cJSON_AddStringToObject(o, "instead_of", policy_action_name(p->asked));
	if (rule && p->kind == POLICY_TAG)
		cJSON_AddStringToObject(o, "tag", short_text(w->a, rule->tag && *rule->tag ? rule->tag : rule->title_en, TAG_MAX));
	if (rule && (p->kind == POLICY_REPLACE || p->kind == POLICY_BLOCK) && notice(w, rule, &text) == 0)
		cJSON_AddStringToObject(o, "notice", buf_str(&text));
	if (rule)
		cJSON_AddStringToObject(o, "rule", rule->id);
	return o->child ? json_print(o, out) : 0;
}
