/* Fills teams from the seed folder: members/USER@DOMAIN/… are homes, team-folders/NAME/… are team folders
 * with every member in them. Runs at start. */
#include "fakecloud/dropbox/dropbox.h"


#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct seed {
	struct dbx_team *team;
	const char *dir; /* the provider's folder */
	cJSON *notes;	 /* of .sekisho-seed.json; NULL when there is none */
};

static bool listed(const cJSON *notes, const char *key, const char *value)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, json_array(notes, key))
	{
		if (!cJSON_IsString(each) || !*each->valuestring)
			continue;
		size_t n = strlen(each->valuestring), len = strlen(value);
		/* A path may be given from the provider's folder or from any folder below. */
		if (len >= n && !strcmp(value + len - n, each->valuestring) &&
			(len == n || value[len - n - 1] == '/'))
			return true;
	}
	return false;
}

/* "user:ADDRESS:read", "link:anonymous:view" … */
static void share(struct seed *s, struct dbx_node *node, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL, *kind = copy ? strtok_r(copy, ":", &save) : NULL;
	char *who = kind ? strtok_r(NULL, ":", &save) : NULL, *how = who ? strtok_r(NULL, ":", &save) : NULL;

	if (!how)
		return;
	if (!strcmp(kind, "user")) {
		_cleanup_free_ char *lower = dbx_lower(NULL, who);
		dbx_grant_set(&node->grants, map_get(&s->team->by_email, lower), who,
			strcmp(how, "write") ? DBX_VIEWER : DBX_EDITOR);
	} else if (!strcmp(kind, "link")) {
		struct dbx_member *owner = node->slot->ns->owner ? node->slot->ns->owner : dbx_admin(s->team);
		dbx_link_add(s->team, node, owner, strcmp(who, "anonymous") ? "team" : "public",
			!strcmp(how, "edit"));
	}
}

static int add_file(
	struct seed *s, struct dbx_node *parent, const char *name, const char *path, const struct stat *st)
{
	struct fc_blob *blob = fc_blob_from_path(path);
	struct dbx_ns *ns = parent->slot->ns;
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
	char id[32], rev[24], facts[64];

	if (!blob)
		return -1;
	buf_addf(&text, "%s/%s", parent->slot->display, name);
	dbx_stable(id, sizeof(id), "id:", 22,
		(const char *const[]){s->team->tenant, "dropbox", "file", ns->id, buf_str(&text), NULL});
	snprintf(facts, sizeof(facts), "%lld.%09ld %lld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		(long long)st->st_size);
	fc_stable_id(rev, 20,
		(const char *const[]){
			s->team->tenant, "dropbox", "rev", ns->id, buf_str(&text), facts, NULL});
	struct dbx_node *node = dbx_node_add(parent, name, false, id);
	int64_t at = (int64_t)st->st_mtim.tv_sec * 1000;
	dbx_version_add(node, blob, at, at, ns->owner ? ns->owner : dbx_admin(s->team), rev);
	node->malware = listed(s->notes, "malware", path + strlen(s->dir) + 1);
	buf_clear(&text);
	buf_addf(&text, "%s.sharing.json", path);
	if (access(text.data, R_OK) == 0) {
		_cleanup_json_ cJSON *doc = fc_read_json(text.data);
		const cJSON *each;
		cJSON_ArrayForEach(each, doc)
		{
			if (cJSON_IsString(each))
				share(s, node, each->valuestring);
		}
	}
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* True for "x.sharing.json" beside a file x. */
static bool is_notes(const char *path)
{
	static const char ending[] = ".sharing.json";
	size_t len = strlen(path), n = sizeof(ending) - 1;

	if (len <= n || strcmp(path + len - n, ending) != 0)
		return false;
	_cleanup_free_ char *base = strndup(path, len - n);
	return base && access(base, F_OK) == 0;
}

/* Calls each() for every entry of a folder, by name. */
static int walk(struct seed *s, const char *dir, struct dbx_node *parent,
	int (*each)(struct seed *s, struct dbx_node *parent, const char *name, const char *path))
{
	struct dirent **list = NULL;
	int r = 0, n = scandir(dir, &list, NULL, by_name);

	if (n < 0)
		return errno == ENOENT ? 0 : -1;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ struct dirent *e = list[i];
		_cleanup_buf_ struct buf path = BUF_INIT(1 << 16);
		if (r < 0 || !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
			buf_addf(&path, "%s/%s", dir, e->d_name) < 0)
			continue;
		r = each(s, parent, e->d_name, path.data);
	}
	free(list);
	return r;
}

static int add_entry(struct seed *s, struct dbx_node *parent, const char *name, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -1;
	if (S_ISREG(st.st_mode))
		return is_notes(path) ? 0 : add_file(s, parent, name, path, &st);
	if (!S_ISDIR(st.st_mode))
		return 0;
	char id[32];
	_cleanup_buf_ struct buf at = BUF_INIT(1 << 16);
	buf_addf(&at, "%s/%s", parent->slot->display, name);
	dbx_stable(id, sizeof(id), "id:", 22,
		(const char *const[]){
			s->team->tenant, "dropbox", "folder", parent->slot->ns->id, buf_str(&at), NULL});
	return walk(s, path, dbx_node_add(parent, name, true, id), add_entry);
}

static int add_member(struct seed *s, struct dbx_node *none, const char *name, const char *path)
{
	if (fc_is_dir(path))
		dbx_member_new(s->team, name, listed(s->notes, "unlicensed", name));
	return 0;
}

static int fill_home(struct seed *s, struct dbx_node *none, const char *name, const char *path)
{
	_cleanup_free_ char *lower = dbx_lower(NULL, name);
	const struct dbx_member *m = map_get(&s->team->by_email, lower);

	return m && m->home ? walk(s, path, m->home->root, add_entry) : 0;
}

static int add_team_folder(struct seed *s, struct dbx_node *none, const char *name, const char *path)
{
	if (!fc_is_dir(path))
		return 0;
	struct dbx_ns *ns = dbx_ns_new(s->team, DBX_TEAM_FOLDER, name, NULL);
	for (size_t i = 0; i < s->team->member_count; i++) {
		if (!s->team->members[i]->suspended)
			dbx_grant_set(&ns->grants, s->team->members[i], NULL, DBX_EDITOR);
	}
	return walk(s, path, ns->root, add_entry);
}

/* "groups": {NAME: [ADDRESS…]}, "aliases": {ADDRESS: [ADDRESS…]} */
static void add_people(struct dbx_team *team, const cJSON *notes)
{
	const cJSON *group, *address;

	cJSON_ArrayForEach(group, json_object(notes, "groups"))
	{
		team->groups = reallocarray(team->groups, team->group_count + 1, sizeof(*team->groups));
		struct dbx_group *g = team->groups ? &team->groups[team->group_count++] : NULL;
		size_t n = (size_t)cJSON_GetArraySize(group);
		if (!g)
			abort();
		*g = (struct dbx_group){.name = fc_intern(group->string), .members = calloc(n + 1, sizeof(struct dbx_member *))};
		memcpy(g->id, "g:", 3);
		fc_stable_id(g->id + 2, 32, (const char *const[]){team->tenant, "dropbox", "group", group->string, NULL});
		cJSON_ArrayForEach(address, group)
		{
			_cleanup_free_ char *lower = cJSON_IsString(address) ? dbx_lower(NULL, address->valuestring) : NULL;
			struct dbx_member *m = lower ? map_get(&team->by_email, lower) : NULL;
			if (m && g->members)
				g->members[g->count++] = m;
		}
	}
	for (size_t i = 0; i < team->member_count; i++)
		team->members[i]->aliases = cJSON_Duplicate(json_array(json_object(notes, "aliases"), team->members[i]->email), true);
}

/* The member called admin, else the first. */
static void choose_admin(struct dbx_team *team)
{
	struct dbx_member *admin = NULL;

	for (size_t i = 0; i < team->member_count; i++) {
		struct dbx_member *m = team->members[i];
		if (!m->suspended && (!admin || !strncmp(m->email, "admin@", 6)))
			admin = m;
	}
	if (!admin) {
		char email[256];
		snprintf(email, sizeof(email), "admin@%s.example", team->tenant);
		admin = dbx_member_new(team, email, false);
	}
	admin->admin = true;
}

int dbx_seed(const char *tenant, const char *dir)
{
	_cleanup_buf_ struct buf path = BUF_INIT(1 << 16), members = BUF_INIT(1 << 16),
				 folders = BUF_INIT(1 << 16);
	_cleanup_json_ cJSON *notes = NULL;

	buf_addf(&path, "%s/.sekisho-seed.json", dir);
	buf_addf(&members, "%s/members", dir);
	buf_addf(&folders, "%s/team-folders", dir);
	notes = access(path.data, R_OK) == 0 ? fc_read_json(path.data) : NULL;
	struct seed s = {.team = dbx_team_new(tenant), .dir = dir, .notes = notes};
	s.team->page_size = (int)json_int64_or(notes, "page_size", 0);
	if (walk(&s, members.data, NULL, add_member) < 0)
		return -1;
	choose_admin(s.team);
	add_people(s.team, notes);
	if (walk(&s, members.data, NULL, fill_home) < 0 || walk(&s, folders.data, NULL, add_team_folder) < 0)
		return -1;
	for (size_t i = 0; i < s.team->ns_count; i++) {
		struct dbx_ns *ns = s.team->namespaces[i];
		for (size_t k = 0; ns->kind == DBX_TEAM_FOLDER && k < ns->grants.count; k++)
			dbx_mount(ns, ns->grants.list[k].member);
	}
	return 0;
}
