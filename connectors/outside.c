/* Who is outside; see outside.h. */
#include "connectors/outside.h"

#include "base/timeutil.h"

#include <string.h>
#include <strings.h>

void domains_init(struct own_domains *d)
{
	*d = (struct own_domains){0};
	pthread_mutex_init(&d->lock, NULL);
}

void domains_free(struct own_domains *d)
{
	json_free(d->list);
	pthread_mutex_destroy(&d->lock);
}

int domains_get(struct own_domains *d, cJSON **ret, struct err *err)
{
	cJSON *copy = NULL;

	pthread_mutex_lock(&d->lock);
	int64_t age = time_now_ms() - d->at;
	bool fresh = d->list && age >= 0 && age < DOMAINS_FOR_MS;
	if (fresh)
		copy = cJSON_Duplicate(d->list, true);
	pthread_mutex_unlock(&d->lock);
	if (!fresh)
		return 1;
	if (!copy)
		return err_memory(err);
	*ret = copy;
	return 0;
}

int domains_put(struct own_domains *d, const cJSON *list, struct err *err)
{
	cJSON *copy = cJSON_Duplicate(list, true);

	if (!copy)
		return err_memory(err);
	pthread_mutex_lock(&d->lock);
	cJSON *old = d->list;
	d->list = copy;
	d->at = time_now_ms();
	pthread_mutex_unlock(&d->lock);
	json_free(old);
	return 0;
}

bool domain_is_own(const cJSON *domains, const char *address)
{
	const char *at = address ? strrchr(address, '@') : NULL;
	const cJSON *one;

	if (!at)
		return true;
	cJSON_ArrayForEach(one, domains)
	{
		const char *own = cJSON_GetStringValue(one);
		if (own && strcasecmp(own, at + 1) == 0)
			return true;
	}
	return false;
}

int sharing_add_outside(struct sharing *s, const char *address, struct err *err)
{
	if (!s->outside && !(s->outside = arena_alloc(s->arena, OUTSIDE_MAX * sizeof(*s->outside))))
		return err_memory(err);
	for (size_t i = 0; i < s->n_outside; i++)
		if (strcasecmp(s->outside[i], address) == 0)
			return 0;
	s->outside_seen++;
	if (s->n_outside == OUTSIDE_MAX)
		return 0;
	const char *copy = text_lower(arena_dup(s->arena, address));
	if (!copy)
		return err_memory(err);
	s->outside[s->n_outside++] = copy;
	return 0;
}

const char *const *arena_strings(struct arena *a, const cJSON *list, bool small)
{
	const char **out = arena_alloc(a, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*out));
	const cJSON *one;
	size_t n = 0;

	cJSON_ArrayForEach(one, list)
	{
		char *copy = arena_dup(a, cJSON_GetStringValue(one));
		bool again = !copy || !*copy;
		if (small)
			text_lower(copy);
		for (size_t i = 0; out && i < n && !again; i++)
			again = strcmp(out[i], copy) == 0;
		if (out && !again)
			out[n++] = copy;
	}
	return out;
}
