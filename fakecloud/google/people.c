/* Tenants and their users: made while seeding, found by every call. */
#include "fakecloud/google/google.h"

#include "base/encode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct gg_tenant **gg_tenants;
size_t gg_ntenants;

struct gg_tenant *gg_tenant_of_service(const char *client_email)
{
	for (size_t i = 0; i < gg_ntenants; i++) {
		if (!strcasecmp(gg_tenants[i]->client_email, client_email))
			return gg_tenants[i];
	}
	return NULL;
}

struct gg_user *gg_user_find(const struct gg_tenant *t, const char *email_or_id)
{
	char key[256];
	size_t n = email_or_id ? strlen(email_or_id) : 0;

	if (!n || n >= sizeof(key))
		return NULL;
	for (size_t i = 0; i <= n; i++)
		key[i] = (char)tolower((unsigned char)email_or_id[i]);
	return map_get(&t->by_email, key);
}

static char *capital(const char *s, size_t n)
{
	char *p = strndup(s, n);

	if (!p)
		abort();
	p[0] = (char)toupper((unsigned char)p[0]);
	return p;
}

struct gg_user *gg_user_add(struct gg_tenant *t, const char *email)
{
	struct gg_user *u = gg_alloc(sizeof(*u));
	const char *words[] = {t->name, GG, "user", email, NULL};
	const char *at = strchr(email, '@');
	size_t local = at ? (size_t)(at - email) : strlen(email);
	const char *dot = memchr(email, '.', local);
	_cleanup_buf_ struct buf full = BUF_INIT(1024);
	_cleanup_free_ char *key = gg_dup(email);

	u->tenant = t;
	u->email = gg_dup(email);
	gg_digits(u->id, 21, words);
	words[2] = "permission";
	gg_digits(u->perm_id, 20, words);
	u->given = dot ? capital(email, (size_t)(dot - email)) : capital(email, local);
	u->family = dot && dot + 1 < email + local ? capital(dot + 1, (size_t)(email + local - dot - 1))
						   : capital(t->name, strlen(t->name));
	buf_addf(&full, "%s %s", u->given, u->family);
	u->full = gg_dup(buf_str(&full));
	u->licensed = true;
	u->created = 1577836800000LL; /* 2020-01-01: accounts are older than what they hold */
	u->index = (int)t->nusers;
	GG_PUSH(t->users, t->nusers, u);
	for (char *p = key; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	map_put(&t->by_email, key, u);
	map_put(&t->by_email, u->id, u);
	return u;
}
