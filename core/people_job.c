/* The people of a connection's organisation, once a day: for rules about groups, colleagues and own domains. Runs on the discovery
 * threads before a round of streams, so that the first item is judged by whose it is. What may not be had is no trouble of the
 * connection: rules about people then have nothing to go by, and status says so. */
#include "core/core.h"
#include "core/policy_set.h"

#include "base/log.h"
#include "base/timeutil.h"
#include "scan/person.h"
#include "store/policy.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000ll
#define AGAIN_MS 600000ll /* after an answer that made no sense */
#define PAGES_MAX 10000
#define ALIASES_MAX 64
#define SET_MAX 65536

/* "|a|b|" of at most so many; "" none. */
static const char *set_of(struct arena *a, const char *const *list)
{
	_cleanup_buf_ struct buf b = BUF_INIT(SET_MAX);

	for (size_t i = 0; list && list[i] && i < ALIASES_MAX * 4; i++)
		if (*list[i] && !strchr(list[i], '|') && buf_addf(&b, "%s%s|", b.len ? "" : "|", list[i]) < 0)
			break;
	return arena_dup(a, buf_str(&b));
}

/* Its aliases, and the name that the address itself tells: "taro.aoba@…" is "aoba taro", which is how strangers write somebody whose
 * name the directory knows in kanji alone. */
static const char *aliases_of(struct arena *a, const struct person *p)
{
	const char *set = set_of(a, p->aliases), *at = strchr(p->address, '@');
	char name[128], key[256];
	size_t n = at ? (size_t)(at - p->address) : 0, parts = 1;

	if (n == 0 || n >= sizeof(name))
		return set;
	for (size_t i = 0; i < n; i++) {
		char c = p->address[i];
		name[i] = c == '.' || c == '_' || c == '-' ? ' ' : c;
		if (name[i] != ' ' && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
			return set;
		parts += name[i] == ' ';
	}
	name[n] = '\0';
	person_key(parts == 2 ? name : "", key, sizeof(key));
	if (!key[0] || !set)
		return set;
	return *set ? arena_printf(a, "%s%s|", set, key) : arena_printf(a, "|%s|", key);
}

static int keep_page(struct core *c, struct live *l, int64_t round, const struct people_page *page, struct err *err)
{
	_cleanup_free_ struct store_person *people = calloc(page->n_people + 1, sizeof(*people));
	size_t n = 0;

	if (!people)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (size_t i = 0; i < page->n_people; i++) {
		const struct person *p = &page->people[i];
		char key[256] = "";
		if (!p->address || !*p->address || strlen(p->address) > 320)
			continue;
		if (p->name && *p->name)
			person_key(p->name, key, sizeof(key));
		people[n++] = (struct store_person){.connection = l->config.id, .address = p->address, .name = p->name,
			.key = arena_dup(page->arena, key), .org_unit = p->org_unit, .job_title = p->job_title,
			.aliases = aliases_of(page->arena, p), .groups = set_of(page->arena, p->groups)};
	}
	return STORE_WRITE(c, "people.sync", store_people_sync(c->store, l->config.id, round, people, n, err), err);
}

static int sync_people(struct core *c, struct live *l, int64_t *ret_n, struct err *err)
{
	_cleanup_buf_ struct buf domains = BUF_INIT(SET_MAX);
	_cleanup_free_ char *cursor = NULL;
	int64_t round = time_now_ms();

	*ret_n = 0;
	for (int i = 0; i < PAGES_MAX && !core_stopping(c); i++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
		struct people_page page = {.arena = a};
		if (!a)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		if (l->connector->list_people(l->connection, cursor, &page, err) < 0 || keep_page(c, l, round, &page, err) < 0)
			return -1;
		for (size_t k = 0; k < page.n_domains; k++)
			if (!strchr(page.domains[k], '|'))
				buf_addf(&domains, "%s%s|", domains.len ? "" : "|", page.domains[k]);
		*ret_n += (int64_t)page.n_people;
		free(cursor);
		cursor = NULL;
		if (!page.next) {
			if (STORE_WRITE(c, "people.end", store_people_end(c->store, l->config.id, round, buf_str(&domains), err), err) < 0)
				return -1;
			/* Own domains and colleagues are part of what rules go by. */
			rules_changed(c);
			return 0;
		}
		if (strlen(page.next) >= CONNECTOR_TEXT_MAX || !(cursor = strdup(page.next)))
			return err_set(err, ERR_REMOTE, "bad_answer", "the list of people does not go on");
	}
	return err_set(err, ERR_CANCELLED, "stopping", "stopping");
}

void people_state(struct store *s, const char *connection, int64_t *ret_next, int64_t *ret_synced, char *code, size_t size)
{
	_cleanup_buf_ struct buf value = BUF_INIT(200);
	char key[100], *end = NULL;
	struct err err;

	*ret_next = *ret_synced = 0;
	code[0] = '\0';
	snprintf(key, sizeof(key), "people/%s", connection);
	if (store_meta_get(s, key, &value, &err) < 0)
		return;
	*ret_next = strtoll(buf_str(&value), &end, 10);
	*ret_synced = strtoll(end, &end, 10);
	if (*end == ' ')
		snprintf(code, size, "%s", end + 1);
}

int people_round(struct core *c, struct live *l, struct err *err)
{
	int64_t next, synced, now = time_now_ms(), n = 0;
	char key[100], value[200], code[64];
	struct err local;

	if (!l->connector->list_people)
		return 0;
	people_state(c->store, l->config.id, &next, &synced, code, sizeof(code));
	if (next > now && next <= now + DAY_MS)
		return 0;
	int r = sync_people(c, l, &n, err);
	if (r == 0)
		log_info("people.synced", "people=%ld", (long)n);
	else if (err->class == ERR_AUTH || err->class == ERR_CONSENT || err->class == ERR_CANCELLED || err->class == ERR_LOCAL ||
		(err->class == ERR_RETRY && strcmp(err->code, "server_error") != 0))
		return -1; /* the connection's trouble, which the round of its streams would have, too */
	else
		log_err(LOG_INFO_, "people.failed", err);
	/* A permission that is missing today may be there tomorrow. */
	bool soon = r < 0 && strcmp(err->code, "forbidden") != 0;
	snprintf(value, sizeof(value), "%ld %ld %s", (long)(now + (soon ? AGAIN_MS : DAY_MS)), (long)(r == 0 ? now : synced), r == 0 ? "" : err->code);
	snprintf(key, sizeof(key), "people/%s", l->config.id);
	if (STORE_WRITE(c, "people.next", store_meta_put(c->store, key, value, &local), &local) < 0)
		log_err(LOG_ERROR_, "people.store", &local);
	return 0;
}
