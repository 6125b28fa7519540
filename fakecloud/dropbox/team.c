/* Teams, their members and namespaces, and who may read or write where. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/encode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JOINED_AT 1743465600000ll /* 2025-04-01: the same at every start */

static struct dbx_team **teams;
static size_t team_count;

struct dbx_team *const *dbx_teams(size_t *ret_count)
{
	*ret_count = team_count;
	return teams;
}

struct dbx_team *dbx_team_find(const char *tenant)
{
	for (size_t i = 0; i < team_count; i++) {
		if (!strcmp(teams[i]->tenant, tenant))
			return teams[i];
	}
	return NULL;
}

/* "hana" becomes "Hana". */
static const char *capital(const char *s, size_t len)
{
	char *p = strndup(s, len);

	if (!p)
		abort();
	*p = (char)toupper((unsigned char)*p);
	return p;
}

struct dbx_team *dbx_team_new(const char *tenant)
{
	struct dbx_team *team = calloc(1, sizeof(*team));

	teams = reallocarray(teams, team_count + 1, sizeof(struct dbx_team *));
	if (!team || !teams)
		abort();
	teams[team_count++] = team;
	team->tenant = fc_intern(tenant);
	team->name = capital(tenant, strlen(tenant));
	team->consent = true;
	dbx_stable(team->id, sizeof(team->id), "dbtid:", 34,
		(const char *const[]){tenant, "dropbox", "team", NULL});
	fc_stable_id(team->app_key, 15, (const char *const[]){tenant, "dropbox", "app", NULL});
	random_hex(team->app_secret, 7);
	random_hex(team->refresh_token, 32);
	random_hex(team->pkce_token, 32);
	return team;
}

struct dbx_ns *dbx_ns_new(
	struct dbx_team *team, enum dbx_ns_kind kind, const char *name, struct dbx_member *owner)
{
	struct dbx_ns *ns = calloc(1, sizeof(*ns));
	char hex[16];

	team->namespaces = reallocarray(team->namespaces, team->ns_count + 1, sizeof(struct dbx_ns *));
	if (!ns || !team->namespaces)
		abort();
	ns->team = team;
	ns->kind = kind;
	ns->owner = owner;
	ns->name = strdup(name);
	/* Ten digits, the same at every start unless two names meet. */
	for (unsigned salt = 0;; salt++) {
		char number[12];
		snprintf(number, sizeof(number), "%u", salt);
		fc_stable_id(hex, 12,
			(const char *const[]){team->tenant, "dropbox", "ns", owner ? owner->email : "", name,
				number, NULL});
		snprintf(ns->id, sizeof(ns->id), "%llu",
			1000000000ull + strtoull(hex, NULL, 16) % 9000000000ull);
		if (!map_get(&team->by_ns, ns->id))
			break;
	}
	map_put(&team->by_ns, ns->id, ns);
	team->namespaces[team->ns_count++] = ns;

	struct dbx_slot *slot = calloc(1, sizeof(*slot));
	if (!slot)
		abort();
	ns->root = dbx_node_add(NULL, name, true, NULL);
	dbx_stable(ns->root->id, sizeof(ns->root->id), "id:", 22,
		(const char *const[]){team->tenant, "dropbox", "root", ns->id, NULL});
	*slot = (struct dbx_slot){.ns = ns, .display = "", .parent = "", .seq = SIZE_MAX, .node = ns->root};
	slot->key = map_put(&ns->slots, "", slot);
	ns->root->slot = slot;
	ns->root->live = true;
	map_put(&team->by_node, ns->root->id, ns->root);
	return ns;
}

struct dbx_member *dbx_member_new(struct dbx_team *team, const char *email, bool suspended)
{
	struct dbx_member *m = calloc(1, sizeof(*m));

	team->members = reallocarray(team->members, team->member_count + 1, sizeof(struct dbx_member *));
	if (!m || !team->members)
		abort();
	m->team = team;
	m->email = fc_intern(email);
	size_t local = strcspn(email, "@"), first = strcspn(email, ".@");
	m->given = capital(email, first);
	m->surname = first < local ? capital(email + first + 1, local - first - 1) : team->name;
	char display[256];
	snprintf(display, sizeof(display), "%s %s", m->given, m->surname);
	m->display = strdup(display);
	m->suspended = suspended;
	m->joined_at = JOINED_AT;
	dbx_stable(m->team_member_id, sizeof(m->team_member_id), "dbmid:", 34,
		(const char *const[]){team->tenant, "dropbox", "member", email, NULL});
	dbx_stable(m->account_id, sizeof(m->account_id), "dbid:", 35,
		(const char *const[]){team->tenant, "dropbox", "account", email, NULL});
	team->members[team->member_count++] = m;
	map_put(&team->by_member, m->team_member_id, m);
	map_put(&team->by_account, m->account_id, m);
	_cleanup_free_ char *lower = dbx_lower(NULL, email);
	map_put(&team->by_email, lower, m);
	if (!suspended)
		m->home = dbx_ns_new(team, DBX_HOME, m->display, m);
	return m;
}

struct dbx_member *dbx_admin(const struct dbx_team *team)
{
	for (size_t i = 0; i < team->member_count; i++) {
		if (team->members[i]->admin)
			return team->members[i];
	}
	return NULL;
}

struct dbx_grant *dbx_grant_find(
	const struct dbx_grants *g, const struct dbx_member *member, const char *email)
{
	for (size_t i = 0; i < g->count; i++) {
		struct dbx_grant *one = &g->list[i];
		if (member ? one->member == member : !one->member && email && !strcasecmp(one->email, email))
			return one;
	}
	return NULL;
}

void dbx_grant_set(struct dbx_grants *g, struct dbx_member *member, const char *email, enum dbx_access access)
{
	struct dbx_grant *old = dbx_grant_find(g, member, email);

	if (old) {
		old->access = access;
		return;
	}
	g->list = reallocarray(g->list, g->count + 1, sizeof(*g->list));
	if (!g->list)
		abort();
	g->list[g->count++] = (struct dbx_grant){member, member ? member->email : fc_intern(email), access};
}

void dbx_grant_drop(struct dbx_grants *g, struct dbx_grant *grant)
{
	size_t at = (size_t)(grant - g->list);

	memmove(&g->list[at], &g->list[at + 1], (g->count - at - 1) * sizeof(*g->list));
	g->count--;
}

static struct dbx_node *mount_point(const struct dbx_ns *home, const struct dbx_ns *ns)
{
	for (struct dbx_node *n = home->root->child; n; n = n->next) {
		if (n->mount == ns)
			return n;
	}
	return NULL;
}

void dbx_mount(struct dbx_ns *ns, struct dbx_member *member)
{
	if (!member->home || mount_point(member->home, ns))
		return;
	char name[300];
	snprintf(name, sizeof(name), "%s", ns->name);
	for (int i = 1; dbx_child(member->home->root, name); i++)
		snprintf(name, sizeof(name), "%.250s (%d)", ns->name, i);
	struct dbx_node *point = dbx_node_add(member->home->root, name, true, ns->root->id);
	point->mount = ns;
	/* The id means the folder itself, wherever it is mounted. */
	map_put(&ns->team->by_node, ns->root->id, ns->root);
}

void dbx_unmount(struct dbx_ns *ns, struct dbx_member *member)
{
	struct dbx_node *point = member->home ? mount_point(member->home, ns) : NULL;

	if (point)
		dbx_node_remove(point);
}

bool dbx_can_read(const struct dbx_call *c, const struct dbx_ns *ns)
{
	if (ns->gone || ns->team != c->team)
		return false;
	if (c->as_admin == DBX_WHOLE_TEAM)
		return true;
	if (ns->owner)
		return ns->owner == c->member;
	if (c->as_admin == DBX_TEAM_ADMIN)
		return true;
	return !ns->archived && c->member && dbx_grant_find(&ns->grants, c->member, NULL);
}

bool dbx_can_write(const struct dbx_call *c, const struct dbx_ns *ns)
{
	if (!dbx_can_read(c, ns) || ns->archived)
		return false;
	if (c->as_admin || ns->owner)
		return true;
	const struct dbx_grant *grant = dbx_grant_find(&ns->grants, c->member, NULL);
	return grant && grant->access >= DBX_EDITOR;
}
