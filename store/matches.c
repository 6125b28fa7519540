/* Which rules the findings of a tenant name, and how often: the numbers beside each rule on the console's page. Any thread. */
#include "store/impl.h"

#include <string.h>

/* The newest findings that are counted: as many as are read in an instant. */
#define COUNTED 20000
#define RULES_MAX 4000
#define ID_MAX 128

struct counting {
	const char *tenant;
	int64_t since;
	struct arena *arena;
	struct store_rule_count *found;
	size_t n, room;
};

static int count_one(struct counting *c, const char *id, size_t len, struct err *err)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strncmp(c->found[i].rule, id, len) == 0 && !c->found[i].rule[len]) {
			c->found[i].n++;
			return 0;
		}
	}
	if (c->n == c->room || !len || len >= ID_MAX)
		return 0;
	char *copy = arena_alloc(c->arena, len + 1);
	if (!copy)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	memcpy(copy, id, len);
	copy[len] = '\0';
	c->found[c->n++] = (struct store_rule_count){.rule = copy, .n = 1};
	return 0;
}

/* In JSON that was printed without spaces, a text cannot hold `"id":"` itself: its quotes are escaped. */
static int count_rules(struct counting *c, const char *rules, struct err *err)
{
	static const char mark[] = "\"id\":\"";

	for (const char *p = rules; (p = strstr(p, mark));) {
		p += sizeof(mark) - 1;
		size_t len = strcspn(p, "\"\\");
		if (count_one(c, p, len, err) < 0)
			return -1;
		p += len;
	}
	return 0;
}

static int count(struct store *s, struct db *db, void *ctx, struct err *err)
{
	static const char sql[] = "SELECT rules FROM findings WHERE tenant = ?1 AND verdict_at >= ?2 ORDER BY id DESC LIMIT ?3";
	struct counting *c = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	int r;

	c->n = 0;
	if (db_start(db, sql, DB_ARGS(DB_T(c->tenant), DB_I(c->since), DB_I(COUNTED)), &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		_cleanup_(arena_freep) struct arena *own = arena_new(1 << 20);
		struct db_row row = {.st = st, .arena = own};
		if (!own)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		const char *rules = db_row_text0(&row);
		if (db_row_end(&row, err) < 0 || count_rules(c, rules, err) < 0)
			return -1;
	}
	return r;
}

int store_finding_rules(struct store *s, const char *tenant, int64_t since, struct arena *a, struct store_rule_count **ret, size_t *ret_n,
	struct err *err)
{
	struct counting c = {.tenant = tenant, .since = since, .arena = a, .room = RULES_MAX};

	c.found = arena_alloc(a, RULES_MAX * sizeof(*c.found));
	if (!c.found)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (store_read(s, count, &c, err) < 0)
		return -1;
	*ret = c.found;
	*ret_n = c.n;
	return 0;
}
