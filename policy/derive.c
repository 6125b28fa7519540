/* A tenant's domains and lists, and what looks like them; see derive.h. */
#include "policy/derive_impl.h"

#include "scan/host.h"
#include "scan/person.h"

#include <string.h>

#define ARENA_MAX (64u << 20)

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_value(const void *a, const void *b)
{
	return strcmp(((const struct derive_entry *)a)->value, ((const struct derive_entry *)b)->value);
}

static const char *find_text(const char *const *list, size_t n, const char *s)
{
	const char *const *found = n ? bsearch(&s, list, n, sizeof(*list), by_text) : NULL;

	return found ? *found : NULL;
}

const struct derive_entry *derive_entry_of(const struct derive_entries *e, const char *value)
{
	struct derive_entry key = {.value = value};

	return e->n ? bsearch(&key, e->of, e->n, sizeof(key), by_value) : NULL;
}

const struct derive_entry *derive_entry_of_host(const struct derive_entries *e, const char *host)
{
	for (const char *h = host; h && *h; h = strchr(h, '.')) {
		h += *h == '.';
		const struct derive_entry *found = derive_entry_of(e, h);
		if (found)
			return found;
	}
	return NULL;
}

static bool is_below(const char *const *list, size_t n, const char *host)
{
	for (const char *h = host; h && *h; h = strchr(h, '.')) {
		h += *h == '.';
		if (find_text(list, n, h))
			return true;
	}
	return false;
}

bool derive_is_own(const struct derive_tenant *t, const char *host)
{
	return *host && is_below(t->own, t->n_own, host);
}

static size_t parts(const char *set)
{
	size_t n = 0;

	for (; set && *set; set++)
		n += *set == '|';
	return n + 1;
}

/* "|a|b|", each as its readers see it. */
static int take_own(struct derive_tenant *t, const char *set)
{
	t->own = arena_alloc(t->arena, parts(set) * sizeof(*t->own));
	if (!t->own)
		return -1;
	for (const char *p = set; p && *p;) {
		size_t n = strcspn(p, "|");
		struct host h;
		if (n && host_read(p, n, &h) && !h.ip) {
			char *name = arena_dup(t->arena, h.name);
			if (!name)
				return -1;
			t->own[t->n_own++] = name;
		}
		p += n + (p[n] == '|');
	}
	qsort(t->own, t->n_own, sizeof(*t->own), by_text);
	return 0;
}

static int take_entries(struct derive_tenant *t, const struct store_list_entry *list, size_t n, enum store_list_kind kind,
	struct derive_entries *ret)
{
	ret->of = arena_alloc(t->arena, (n + 1) * sizeof(*ret->of));
	if (!ret->of)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (list[i].kind != kind)
			continue;
		struct host h;
		bool host = kind == LIST_DOMAIN && host_read(list[i].value, strlen(list[i].value), &h);
		char *value = arena_dup(t->arena, host ? h.name : list[i].value);
		if (!value)
			return -1;
		ret->of[ret->n++] = (struct derive_entry){value, list[i].approved};
	}
	if (ret->n)
		qsort(ret->of, ret->n, sizeof(*ret->of), by_value);
	return 0;
}

static int take_looks(struct derive_tenant *t, const struct store_list_entry *list, size_t n)
{
	t->looks = arena_alloc(t->arena, (t->n_own + n + 1) * sizeof(*t->looks));
	t->executives = arena_alloc(t->arena, (n + 1) * sizeof(*t->executives));
	if (!t->looks || !t->executives)
		return -1;
	for (size_t i = 0; i < t->n_own; i++)
		t->n_looks += lookalike_make(t->own[i], &t->looks[t->n_looks]);
	for (size_t i = 0; i < n; i++) {
		struct host h;
		if (list[i].kind == LIST_PROTECTED && host_read(list[i].value, strlen(list[i].value), &h)) {
			char *name = arena_dup(t->arena, h.name);
			if (!name)
				return -1;
			t->n_looks += lookalike_make(name, &t->looks[t->n_looks]);
		} else if (list[i].kind == LIST_PERSON) {
			struct derive_executive *e = &t->executives[t->n_executives];
			person_keys(list[i].value, e->keys, sizeof(e->keys));
			e->name = arena_dup(t->arena, list[i].value);
			if (!e->name)
				return -1;
			t->n_executives += e->keys[0] != '\0';
		}
	}
	return 0;
}

int derive_tenant_new(const char *own, const struct store_list_entry *list, size_t n, struct derive_tenant **ret, struct err *err)
{
	struct arena *a = arena_new(ARENA_MAX);
	struct derive_tenant *t = a ? arena_alloc(a, sizeof(*t)) : NULL;

	if (t)
		t->arena = a;
	if (!t || take_own(t, own) < 0 || take_entries(t, list, n, LIST_SENDER, &t->senders) < 0 ||
		take_entries(t, list, n, LIST_DOMAIN, &t->domains) < 0 || take_entries(t, list, n, LIST_LINK, &t->links) < 0 ||
		take_looks(t, list, n) < 0) {
		arena_free(a);
		return err_set(err, ERR_LOCAL, "memory", "a tenant's lists are too long");
	}
	for (size_t i = 0; i < n; i++)
		if (list[i].ends_at > 0 && (t->until == 0 || list[i].ends_at < t->until))
			t->until = list[i].ends_at;
	*ret = t;
	return 0;
}

void derive_tenant_free(struct derive_tenant *t)
{
	if (t)
		arena_free(t->arena);
}

int64_t derive_tenant_until(const struct derive_tenant *t)
{
	return t->until;
}

const char *derive_lookalike(const struct derive_tenant *t, const struct lists *lists, const char *host, const char *domain,
	const char *skeleton)
{
	const char *const *names;
	const struct lookalike *of_files;
	size_t n = lists_protected(lists, &names), n_files = lists_looks(lists, &of_files);

	if (!*host || !*domain || derive_is_own(t, host) || is_below(names, n, host))
		return "";
	for (size_t i = 0; i < t->n_looks; i++)
		if (strcmp(t->looks[i].name, domain) == 0 || is_below(&t->looks[i].name, 1, host))
			return "";
	for (size_t i = 0; i < t->n_looks; i++)
		if (lookalike_is(&t->looks[i], host, domain, skeleton))
			return t->looks[i].name;
	for (size_t i = 0; i < n_files; i++)
		if (lookalike_is(&of_files[i], host, domain, skeleton))
			return of_files[i].name;
	return "";
}
