/* Announced against seen; see members.h. Called from libclamav's callbacks in a worker. */
#include "scan/members.h"

#include <stdlib.h>
#include <string.h>

#define TINY 5 /* bytes: what libclamav never looks at, and no signature can match */

struct seen {
	int64_t size;
	uint64_t name;
	bool used;
};

struct members_store {
	struct member *announced;
	struct seen *seen;
	int n_announced, announced_cap;
	int n_seen, seen_cap;
};

struct members_store *members_store_new(void)
{
	return calloc(1, sizeof(struct members_store));
}

void members_store_free(struct members_store *s)
{
	if (!s)
		return;
	free(s->announced);
	free(s->seen);
	free(s);
}

void members_store_clear(struct members_store *s)
{
	s->n_announced = s->n_seen = 0;
}

void members_open(const struct members_store *s, struct members *m)
{
	*m = (struct members){s->n_announced, s->n_seen, 0};
}

int members_count(const struct members *m)
{
	return m->count;
}

int members_encrypted(const struct members_store *s, const struct members *m)
{
	int n = 0;

	for (int i = m->announced_at; i < s->n_announced; i++)
		n += s->announced[i].encrypted;
	return n;
}

/* FNV-1a of what stands behind the last separator; never 0 for a name. */
static uint64_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t len = name ? strlen(name) : 0, at = len;

	if (len == 0)
		return 0;
	while (at > 0 && name[at - 1] != '/' && name[at - 1] != '\\')
		at--;
	for (; at < len; at++)
		h = (h ^ (unsigned char)name[at]) * 0x100000001b3u;
	return h ? h : 1;
}

static bool is_folder(const char *name, const struct member *what)
{
	size_t len = name ? strlen(name) : 0;

	return len && (name[len - 1] == '/' || name[len - 1] == '\\') && what->size == 0;
}

static int grow(void **list, int *cap, int n, size_t size)
{
	if (n < *cap)
		return 0;
	int more = *cap ? *cap * 2 : 256;
	if (more > MEMBERS_MAX)
		return -1;
	void *p = realloc(*list, (size_t)more * size);
	if (!p)
		return -1;
	*list = p;
	*cap = more;
	return 0;
}

/* The second telling of a member: the larger size counts, and two that differ are a conflict (0 is none: the
 * member's own header may leave sizes to the directory). */
static void merge(struct member *old, const struct member *new)
{
	if ((old->size && new->size && old->size != new->size) ||
		(old->packed && new->packed && old->packed != new->packed))
		old->conflict = true;
	if (new->size > old->size)
		old->size = new->size;
	if (new->packed > old->packed)
		old->packed = new->packed;
	old->encrypted |= new->encrypted;
	if (new->name)
		old->name = new->name;
}

int members_announced(struct members_store *s, struct members *m, const char *name, const struct member *what,
	bool twice)
{
	struct member new = *what;

	if (is_folder(name, what))
		return 0;
	new.name = hash_name(name);
	if (twice && s->n_announced > m->announced_at && s->announced[s->n_announced - 1].position == new.position) {
		merge(&s->announced[s->n_announced - 1], &new);
		return 0;
	}
	m->count++;
	void *list = s->announced;
	if (grow(&list, &s->announced_cap, s->n_announced, sizeof(new)) < 0)
		return -1;
	s->announced = list;
	s->announced[s->n_announced++] = new;
	return 0;
}

int members_seen(struct members_store *s, struct members *m, const char *name, int64_t size)
{
	void *list = s->seen;

	if (grow(&list, &s->seen_cap, s->n_seen, sizeof(struct seen)) < 0)
		return -1;
	s->seen = list;
	s->seen[s->n_seen++] = (struct seen){size, hash_name(name), false};
	return 0;
}

bool members_known(const struct members_store *s, const struct members *m, const char *name, int64_t size)
{
	uint64_t h = hash_name(name);

	for (int i = m->seen_at; h && i < s->n_seen; i++)
		if (s->seen[i].name == h && s->seen[i].size == size)
			return true;
	return false;
}

/* The order out of a container is mostly that of the announcements, so the search goes on where the last one
 * ended. */
static enum reason find(struct members_store *s, const struct members *m, const struct member *want, int *at)
{
	int n = s->n_seen - m->seen_at;
	bool other_size = false;

	for (int i = 0; i < n; i++) {
		struct seen *e = &s->seen[m->seen_at + (*at + i) % n];
		if (e->used || (e->name && want->name && e->name != want->name))
			continue;
		if (e->size == want->size) {
			e->used = true;
			*at = (*at + i + 1) % n;
			return REASON_NONE;
		}
		if (e->name && e->name == want->name)
			other_size = true;
	}
	return other_size ? REASON_CORRUPT : REASON_NOT_UNPACKED;
}

enum reason members_compare(struct members_store *s, const struct members *m)
{
	enum reason reason = REASON_NONE;
	int at = 0;

	for (int i = m->announced_at; i < s->n_announced; i++) {
		const struct member *a = &s->announced[i];
		enum reason r = REASON_NONE;
		if (a->conflict)
			r = REASON_NOT_UNPACKED;
		else if (!a->encrypted && a->size > TINY)
			r = find(s, m, a, &at);
		if (r < reason)
			reason = r;
	}
	s->n_announced = m->announced_at;
	s->n_seen = m->seen_at;
	return reason;
}
