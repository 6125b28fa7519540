/* Who may do what in the console: the one place that decides it, for what core changes and for what web reads. Pure. */
#include "store/console.h"

#include "base/digest.h"

#include <string.h>

static const char *const role_names[] = {"nobody", "invited", "auditor", "desk", "admin", "operator"};

const char *console_role_name(enum console_role r)
{
	return (size_t)r < ARRAY_SIZE(role_names) ? role_names[r] : "nobody";
}

enum console_role console_role_from(const char *name)
{
	for (size_t i = 1; name && i < ARRAY_SIZE(role_names); i++)
		if (strcmp(role_names[i], name) == 0)
			return (enum console_role)i;
	return CONSOLE_NOBODY;
}

bool console_tenant_in(const char *tenants, const char *tenant)
{
	size_t len = strlen(tenant);

	if (!tenants)
		return true;
	if (!len || strchr(tenant, '|'))
		return false;
	for (const char *p = tenants; (p = strchr(p, '|')); p++)
		if (strncmp(p + 1, tenant, len) == 0 && p[1 + len] == '|')
			return true;
	return false;
}

bool console_may(const struct console_session *s, enum console_act act, const char *tenant)
{
	/*                        self   read   audit  hold   connect change manage policy */
	static const bool table[][8] = {
		[CONSOLE_NOBODY] =   {false, false, false, false, false, false, false, false},
		[CONSOLE_INVITED] =  {false, false, false, false, true,  false, false, false},
		[CONSOLE_AUDITOR] =  {true,  true,  true,  false, false, false, false, false},
		[CONSOLE_DESK] =     {true,  true,  false, true,  false, false, false, false},
		[CONSOLE_ADMIN] =    {true,  true,  true,  true,  true,  true,  false, true},
		[CONSOLE_OPERATOR] = {true,  true,  true,  true,  true,  true,  true,  true},
	};

	if (!s || (size_t)s->role >= ARRAY_SIZE(table) || (size_t)act >= ARRAY_SIZE(table[0]) || !table[s->role][act])
		return false;
	if (act == CONSOLE_SELF || act == CONSOLE_MANAGE)
		return true;
	return tenant ? console_tenant_in(s->tenants, tenant) : true;
}

void console_hash(const char *token, char *out)
{
	struct digests d = {0};

	digest_bytes(DIGEST_SHA256, token, strlen(token), &d);
	memcpy(out, d.sha256, CONSOLE_HASH_LEN);
}

void console_csrf(const char *token, char *out)
{
	char text[300];

	/* One way: whoever sees the page's token cannot make the cookie's. */
	snprintf(text, sizeof(text), "sekisho csrf %.256s", token);
	console_hash(text, out);
}
