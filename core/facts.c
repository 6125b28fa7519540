/* See facts.h. */
#include "core/facts.h"

#include "base/holiday.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "connectors/common.h"
#include "core/content.h"
#include "scan/types.h"

#include <string.h>

#define SHOWN_PARTS 40
#define SHOWN_HITS 40
#define SHOWN_LINKS 20
#define TRIES_SHARING 3 /* after so many the item is judged without it */

static int no_memory(struct err *err)
{
	return err_set(err, ERR_LOCAL, "memory", "out of memory");
}

static const char *str0(const char *s)
{
	return s ? s : "";
}

static const char *extension(struct arena *a, const char *name)
{
	char out[32] = "";

	if (name && *name)
		scan_type_extension(name, out, sizeof(out));
	return *out ? arena_dup(a, out) : "";
}

static const char *lower(struct arena *a, const char *s)
{
	char *copy = arena_dup(a, str0(s));

	return copy ? text_lower(copy) : "";
}

static void list_add(struct facts_list *l, const char *s)
{
	l->seen++;
	if (l->n < FACTS_MAX_LIST)
		l->of[l->n++] = s;
}

/* ---- of the bytes ---- */

/* "outer.zip/inner.doc"; parts without a name are left out, what does not fit is cut at the front. */
static const char *path_of(const struct scan_reply *r, int index, struct arena *a)
{
	char out[1024];
	size_t at = sizeof(out) - 1;

	out[at] = '\0';
	for (int i = index; i > 0; i = r->parts[i].parent) {
		size_t n = strlen(r->parts[i].name), slash = out[at] != '\0';
		if (n == 0)
			continue;
		if (n + slash > at)
			break;
		if (slash)
			out[--at] = '/';
		at -= n;
		memcpy(out + at, r->parts[i].name, n);
	}
	return out[at] ? arena_dup(a, out + at) : "";
}

static void from_parts(const struct scan_reply *r, struct arena *a, struct facts *f)
{
	f->n_parts = r->n_parts < FACTS_MAX_PARTS ? r->n_parts : FACTS_MAX_PARTS;
	f->parts_seen = r->parts_seen;
	for (int i = 0; i < f->n_parts; i++) {
		const struct scan_part *p = &r->parts[i];
		f->parts[i] = (struct facts_part){.name = p->name, .path = path_of(r, i, a), .type = p->true_type,
			.extension = extension(a, p->name), .sha256 = p->sha256, .size = p->size, .depth = p->depth, .parent = p->parent,
			.encrypted = p->encrypted, .opened = p->opened, .macros = p->macros, .rtl_override = p->rtl_override,
			.double_extension = p->double_extension, .executable = p->executable, .mismatch = p->mismatch};
	}
}

static void from_hits(const struct scan_reply *r, struct facts *f)
{
	f->n_hits = r->n_hits < FACTS_MAX_HITS ? r->n_hits : FACTS_MAX_HITS;
	f->hits_seen = r->hits_seen;
	for (int i = 0; i < f->n_hits; i++) {
		const struct scan_hit *h = &r->hits[i];
		f->hits[i] = (struct facts_hit){.detector = h->detector, .masked = h->masked, .hash = h->hash, .part = h->part,
			.count = h->count, .distinct = h->distinct, .near = h->near};
	}
}

static void from_links(const struct scan_reply *r, struct facts *f)
{
	f->n_links = r->n_links < FACTS_MAX_LINKS ? r->n_links : FACTS_MAX_LINKS;
	f->links_seen = r->links_seen;
	for (int i = 0; i < f->n_links; i++) {
		const struct scan_link *l = &r->links[i];
		f->links[i] = (struct facts_link){.url = l->url, .host = l->host, .domain = l->domain, .text = l->text,
			.text_host = l->text_host, .part = l->part,
			.mismatch = l->text_domain[0] && l->domain[0] && strcmp(l->text_domain, l->domain) != 0,
			.punycode = l->flags & SCAN_LINK_PUNYCODE, .mixed_scripts = l->flags & SCAN_LINK_MIXED,
			.ip_address = l->flags & SCAN_LINK_IP, .credentials = l->flags & SCAN_LINK_CREDENTIALS, .age_days = -1};
	}
}

/* ---- of the item ---- */

static void when(const struct settings *set, int64_t ms, struct facts *f)
{
	char text[TIME_RFC3339_LEN];
	int year, month, day, hour;

	f->time = ms;
	f->holiday = holiday_at(ms);
	if (ms <= 0 || sscanf(time_format_zone(ms, set->time_zone, text), "%d-%d-%dT%d", &year, &month, &day, &hour) != 4)
		return;
	/* Sakamoto's way to the day of the week. */
	static const int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
	if (month < 1 || month > 12)
		return;
	int y = month < 3 ? year - 1 : year, weekday = (y + y / 4 - y / 100 + y / 400 + shift[month - 1] + day) % 7;
	f->hour = hour;
	f->weekday = weekday ? weekday : 7;
}

/* ---- who wrote, and where links lead ---- */

/* A colleague with one of the names. */
static int find_person(const struct facts_source *s, const char *keys, struct store_person *ret, bool *ret_found, struct err *err)
{
	char key[256];

	*ret_found = false;
	for (const char *at = keys; *at && !*ret_found;) {
		size_t n = strcspn(at, "|");
		snprintf(key, sizeof(key), "%.*s", (int)(n < sizeof(key) ? n : 0), at);
		if (key[0]) {
			if (store_person_named(s->c->store, s->l->config.tenant, key, s->arena, ret, err) == 0)
				*ret_found = true;
			else if (err->class != ERR_GONE)
				return -1;
		}
		at += n + (at[n] == '|');
	}
	return 0;
}

static int hosts_seen(const struct facts_source *s, int64_t *seen, struct err *err)
{
	const char *domains[SCAN_MAX_LINKS];
	int n = s->reply->n_links;

	for (int i = 0; i < n; i++)
		domains[i] = s->reply->links[i].domain;
	return n ? store_hosts_get(s->c->store, s->l->config.tenant, domains, (size_t)n, seen, err) : 0;
}

static bool is_sent(const struct facts *f)
{
	static const char *const names[] = {"Sent Items", "Sent", "SENT", "送信済みアイテム", "送信済み"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(f->stream, names[i]) == 0)
			return true;
	return false;
}

/* What the lists call things outlives them: their files may change while the item is judged. */
static int own_names(struct arena *a, struct facts *f, struct err *err)
{
	bool ok = true;

	for (int i = 0; i < f->n_links; i++) {
		struct facts_link *l = &f->links[i];
		l->listed = arena_dup(a, str0(l->listed));
		l->lookalike_of = arena_dup(a, str0(l->lookalike_of));
		ok = ok && l->listed && l->lookalike_of;
	}
	f->mail.lookalike_of = arena_dup(a, str0(f->mail.lookalike_of));
	return ok && f->mail.lookalike_of ? 0 : no_memory(err);
}

/* Of mail and links, with what the groups add: the directory's colleague, the correspondence so far. */
static int derive(const struct facts_source *s, unsigned groups, struct facts *f, struct err *err)
{
	_cleanup_(lists_putp) struct lists *lists = lists_get(s->c->lists);
	const struct scan_mail *mail = &s->reply->mail;
	struct derive_item i = {.provider = f->provider, .owner = f->owner, .sent = is_sent(f), .time = f->time};
	struct store_person *person = arena_alloc(s->arena, sizeof(*person));
	struct store_contact contact = {0};
	int64_t seen[SCAN_MAX_LINKS];
	bool history = groups & FACTS_HISTORY, found = false;

	if (!person)
		return no_memory(err);
	if (history && hosts_seen(s, seen, err) < 0)
		return -1;
	if (derive_links(s->rules->derive, lists, s->reply, history ? seen : NULL, f->time, s->arena, f, err) < 0)
		return -1;
	if (!mail->present)
		return own_names(s->arena, f, err);
	if ((groups & FACTS_PEOPLE) && find_person(s, derive_person(s->rules->derive, mail, &i), person, &found, err) < 0)
		return -1;
	const char *who = derive_contact(s->rules->derive, mail, &i);
	if (history && *who) {
		who = lower(s->arena, who);
		if (store_contact_get(s->c->store, s->l->config.tenant, who, &contact, err) < 0)
			return -1;
		i.contact = &contact;
	}
	i.person = found ? person : NULL;
	if (derive_mail(s->rules->derive, lists, mail, &i, s->arena, &f->mail, err) < 0)
		return -1;
	return own_names(s->arena, f, err);
}

int facts_begin(const struct facts_source *s, struct facts *f, struct err *err)
{
	const struct item *i = s->item;
	const cJSON *t;

	*f = (struct facts){.kind = (enum facts_kind)i->kind, .tenant = s->l->config.tenant, .connection = s->l->config.id,
		.provider = s->l->config.provider, .service = str0(i->service ? i->service : s->stream->service),
		.owner = lower(s->arena, i->owner ? i->owner : s->stream->owner), .org_unit = "", .name = str0(i->name),
		.extension = i->kind == ITEM_FILE ? extension(s->arena, i->name) : "", .path = str0(i->path), .stream = str0(s->stream->name),
		.size = s->size, .verdict = s->verdict, .reason = str0(s->reason), .from_provider = s->from_provider, .sha256 = s->sha256};
	f->known = FACTS_CONTENT | (s->words ? FACTS_WORDS : 0);
	when(s->c->set, i->received_at > 0 ? i->received_at : i->changed_at, f);
	cJSON_ArrayForEach(t, s->threats)
		list_add(&f->threats, json_str_or(t, "name", ""));
	int listed = rules_listed(s->rules, LIST_HASH, s->sha256, s->now);
	f->hash_approved = listed > 0;
	f->hash_blocked = listed < 0;
	if (s->reply) {
		from_parts(s->reply, s->arena, f);
		from_hits(s->reply, f);
		if (derive(s, 0, f, err) < 0)
			return -1;
	}
	return f->owner ? 0 : no_memory(err);
}

static int fill_sharing(const struct facts_source *s, struct facts *f, struct err *err)
{
	struct sharing sharing = {.arena = s->arena};
	struct err why;

	if (!s->l->connector->sharing || s->item->kind != ITEM_FILE)
		return 0;
	if (s->l->connector->sharing(s->l->connection, s->stream, s->item, &sharing, &why) < 0) {
		log_err(LOG_INFO_, "item.sharing", &why);
		if (why.class != ERR_REMOTE && why.class != ERR_GONE && why.class != ERR_CHANGED) {
			*err = why;
			return -1;
		}
		return 0;
	}
	f->sharing = (struct facts_sharing){.public_link = sharing.public_link, .organisation_link = sharing.organisation_link,
		.password = sharing.password, .expires = sharing.expires, .outside = sharing.n_outside > 0 || sharing.outside_seen > 0};
	for (size_t i = 0; i < sharing.n_outside; i++)
		list_add(&f->sharing.outside_addresses, sharing.outside[i]);
	if (sharing.outside_seen > sharing.n_outside)
		f->sharing.outside_addresses.seen = (int)sharing.outside_seen;
	f->known |= FACTS_SHARING;
	return 0;
}

/* "|a|b|" into a list. */
static void split(const char *set, struct arena *a, struct facts_list *out)
{
	for (const char *at = str0(set); *at;) {
		size_t n = strcspn(at, "|");
		const char *one = n ? arena_dupn(a, at, n) : NULL;
		if (one)
			list_add(out, one);
		at += n;
		at += *at == '|';
	}
}

static int fill_people(const struct facts_source *s, struct facts *f, struct err *err)
{
	struct store_person p;

	if (!s->rules->directory)
		return 0;
	if (store_person_get(s->c->store, f->tenant, f->owner, s->arena, &p, err) == 0) {
		f->org_unit = p.org_unit;
		split(p.groups, s->arena, &f->groups);
	} else if (err->class != ERR_GONE) {
		return -1;
	}
	f->known |= FACTS_PEOPLE;
	return 0;
}

int facts_fill(const struct facts_source *s, unsigned groups, struct facts *f, struct err *err)
{
	groups &= ~f->known;
	if (groups & FACTS_PEOPLE && fill_people(s, f, err) < 0)
		return -1;
	if (groups & FACTS_HISTORY)
		f->known |= FACTS_HISTORY;
	if ((groups & (FACTS_PEOPLE | FACTS_HISTORY)) && s->reply && derive(s, f->known, f, err) < 0)
		return -1;
	return groups & FACTS_SHARING ? fill_sharing(s, f, err) : 0;
}

/* ---- the recorded form ---- */

static int print_cut(const struct facts *f, int parts, int hits, int links, struct buf *out)
{
	/* Copied: it is read by others while this is written. */
	_cleanup_free_ struct facts *less = malloc(sizeof(*less));

	if (!less)
		return -1;
	*less = *f;
	less->n_parts = f->n_parts < parts ? f->n_parts : parts;
	less->n_hits = f->n_hits < hits ? f->n_hits : hits;
	less->n_links = f->n_links < links ? f->n_links : links;
	return facts_print(less, out);
}

int facts_record(const struct facts *f, struct buf *out)
{
	return print_cut(f, 0, 0, FACTS_MAX_LINKS, out);
}

int facts_show(const struct facts *f, struct buf *out)
{
	return print_cut(f, SHOWN_PARTS, SHOWN_HITS, SHOWN_LINKS, out);
}

void facts_reply(const struct scan_reply *r, bool words, const char *name, struct arena *a, struct facts *ret)
{
	*ret = (struct facts){.known = FACTS_CONTENT | (words ? FACTS_WORDS : 0), .kind = r->mail.present ? FACTS_MAIL : FACTS_FILE,
		.verdict = scan_verdict_name(r->verdict), .reason = r->reason, .name = str0(name), .extension = extension(a, name),
		.size = r->n_parts > 0 ? r->parts[0].size : 0};
	for (int i = 0; i < r->n_threats; i++)
		list_add(&ret->threats, r->threats[i].name);
	from_parts(r, a, ret);
	from_hits(r, ret);
	from_links(r, ret);
}

int facts_content(const char *json, size_t len, struct arena *a, struct facts *ret, struct err *err)
{
	struct scan_reply *reply = arena_alloc(a, sizeof(*reply));
	bool words;

	if (!reply)
		return no_memory(err);
	if (content_read(json, len, reply, &words, err) < 0)
		return -1;
	facts_reply(reply, words, "", a, ret);
	return 0;
}

int facts_recorded(const struct store_seen *seen, struct arena *a, struct facts *ret, struct err *err)
{
	struct facts *own = arena_alloc(a, sizeof(*own));

	if (!own)
		return no_memory(err);
	if (!seen->facts || facts_read(seen->facts, strlen(seen->facts), a, own, err) < 0)
		return err_set(err, ERR_GONE, "no_facts", "nothing usable is recorded of item %lld", (long long)seen->item);
	if (seen->content) {
		struct scan_reply *reply = arena_alloc(a, sizeof(*reply));
		bool words;
		if (!reply)
			return no_memory(err);
		if (content_read(seen->content, strlen(seen->content), reply, &words, err) == 0) {
			from_parts(reply, a, own);
			from_hits(reply, own);
		}
	}
	*ret = *own;
	return 0;
}
