/* Reads a tenant's Box users and their trees from the seed folder. Called once per tenant at start, before
 * the server listens. Nothing of the files' content is read here. */
#include "fakecloud/box/box.h"

#include "base/encode.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_DEPTH 60
#define SETTINGS ".sekisho-seed.json"
#define SHARING ".sharing.json"

/* Sharing waits until all users are known. */
struct shared {
	struct bx_item *item;
	cJSON *words;
};

struct walk {
	struct bx_tenant *t;
	cJSON *settings;
	struct bx_list shared; /* struct shared */
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n > m && !strcmp(s + n - m, end);
}

/* path: below the provider's folder ("users/hana@aoba.example/a.txt"); the list may leave "users/" out. */
static bool listed(const cJSON *settings, const char *key, const char *path)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, json_array(settings, key))
	{
		if (cJSON_IsString(one) &&
			(!strcmp(one->valuestring, path) ||
				(!strncmp(path, "users/", 6) && !strcmp(one->valuestring, path + 6))))
			return true;
	}
	return false;
}

static cJSON *alert_details(const struct bx_item *file)
{
	cJSON *o = cJSON_CreateObject(), *alert = cJSON_AddObjectToObject(o, "shield_alert"), *user, *summary,
	      *activity;

	cJSON_AddStringToObject(alert, "rule_category", "Malicious Content");
	cJSON_AddNumberToObject(alert, "rule_id", 123);
	cJSON_AddStringToObject(alert, "rule_name", "Malware detection");
	cJSON_AddNumberToObject(alert, "risk_score", 100);
	cJSON_AddStringToObject(alert, "priority", "high");
	user = cJSON_AddObjectToObject(alert, "user");
	bx_id(user, "id", file->owner->id);
	cJSON_AddStringToObject(user, "name", file->owner->name);
	cJSON_AddStringToObject(user, "email", file->owner->login);
	summary = cJSON_AddObjectToObject(alert, "alert_summary");
	activity = cJSON_AddObjectToObject(summary, "upload_activity");
	bx_id(activity, "item_id", file->id);
	cJSON_AddStringToObject(activity, "item_name", file->name);
	cJSON_AddStringToObject(activity, "item_type", "file");
	return o;
}

static void add_file(struct walk *w, struct bx_item *folder, const char *name, const char *file,
	const char *below, const struct stat *st)
{
	struct fc_blob *blob = fc_blob_from_path(file);
	int64_t at = (int64_t)st->st_mtim.tv_sec * 1000;
	struct bx_user *owner = folder->owner;
	struct bx_item *it;

	if (!blob)
		return;
	if (at > fc_now())
		at = fc_now();
	it = bx_item_new(folder, BX_FILE, bx_seed_id(w->t, "item", below), name, owner, at);
	bx_version_add(it, bx_seed_id(w->t, "version", below), blob, owner, at);
	it->malware = listed(w->settings, "malware", below);
	bx_event_seed(it, "UPLOAD", "ITEM_UPLOAD", at, NULL);
	if (it->malware) {
		bx_event_seed(it, "FILE_MARKED_MALICIOUS", NULL, at, NULL);
		bx_event_seed(it, "SHIELD_ALERT", NULL, at, alert_details(it));
	}
}

static void note_sharing(struct walk *w, struct bx_item *folder, const char *name, const char *path)
{
	struct shared *s;
	struct bx_item *it;
	cJSON *words = fc_read_json(path);
	char *target = bx_strdup(name);

	target[strlen(target) - strlen(SHARING)] = '\0';
	it = bx_child(folder, target);
	free(target);
	if (!it || !cJSON_IsArray(words)) {
		json_free(words);
		return;
	}
	s = bx_alloc(sizeof(*s));
	s->item = it;
	s->words = words;
	bx_push(&w->shared, s);
}

/* Is name the sharing file of another entry? */
static bool is_sharing(struct dirent **list, int n, const char *name)
{
	if (!ends_with(name, SHARING))
		return false;
	size_t len = strlen(name) - strlen(SHARING);
	for (int i = 0; i < n; i++) {
		if (strlen(list[i]->d_name) == len && !strncmp(list[i]->d_name, name, len))
			return true;
	}
	return false;
}

static void walk_folder(
	struct walk *w, struct bx_item *folder, const char *path, const char *below, int depth)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);

	if (n < 0)
		return;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++) {
			_cleanup_buf_ struct buf full = BUF_INIT(8192), name = BUF_INIT(4096),
						 inner = BUF_INIT(8192);
			const char *entry = list[i]->d_name;
			bool sharing = is_sharing(list, n, entry);
			struct stat st;

			if (!strcmp(entry, ".") || !strcmp(entry, "..") || !strcmp(entry, SETTINGS) ||
				sharing != (pass == 1) ||
				utf8_clean(&name, entry, strlen(entry), false) < 0 ||
				buf_addf(&full, "%s/%s", path, entry) < 0 ||
				buf_addf(&inner, "%s/%s", below, entry) < 0 || lstat(full.data, &st) < 0)
				continue;
			if (sharing) {
				note_sharing(w, folder, entry, full.data);
			} else if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
				int64_t at = (int64_t)st.st_mtim.tv_sec * 1000;
				struct bx_item *it =
					bx_item_new(folder, BX_FOLDER, bx_seed_id(w->t, "item", inner.data),
						name.data, folder->owner, at > fc_now() ? fc_now() : at);
				walk_folder(w, it, full.data, inner.data, depth + 1);
			} else if (S_ISREG(st.st_mode)) {
				add_file(w, folder, name.data, full.data, inner.data, &st);
			}
		}
	}
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

/* "hana.mori@aoba.example" is called "Hana Mori". */
static struct bx_user *add_user(struct walk *w, const char *login)
{
	struct bx_user *u = bx_user_by_login(w->t, login);
	char name[128];
	size_t n = 0;

	if (u)
		return u;
	for (const char *p = login; *p && *p != '@' && n < sizeof(name) - 1; p++, n++) {
		bool first = n == 0 || name[n - 1] == ' ';
		name[n] = (char)(strchr("._-", *p) ? ' ' : first ? toupper((unsigned char)*p) : *p);
	}
	name[n] = '\0';
	u = bx_user_new(w->t, bx_seed_id(w->t, "user", login), name, login);
	if (!strncmp(login, "admin@", 6) || !w->t->admin)
		w->t->admin = u;
	return u;
}

static void walk_users(struct walk *w, const char *dir)
{
	_cleanup_buf_ struct buf users = BUF_INIT(8192);
	struct dirent **list;
	int n;

	buf_addf(&users, "%s/users", dir);
	n = scandir(users.data, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		_cleanup_buf_ struct buf path = BUF_INIT(8192), below = BUF_INIT(8192);
		const char *login = list[i]->d_name;
		struct stat st;

		buf_addf(&path, "%s/%s", users.data, login);
		buf_addf(&below, "users/%s", login);
		if (strchr(login, '@') && lstat(path.data, &st) == 0 && S_ISDIR(st.st_mode)) {
			struct bx_user *u = add_user(w, login);
			u->created_at = u->modified_at = (int64_t)st.st_mtim.tv_sec * 1000;
			walk_folder(w, u->root, path.data, below.data, 0);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* "user:ADDRESS:read|write", "link:anonymous|organization:view|edit" */
static void share(struct bx_tenant *t, struct bx_item *it, const char *word)
{
	char *copy = bx_strdup(word), *save = NULL;
	const char *kind = strtok_r(copy, ":", &save), *who = strtok_r(NULL, ":", &save),
		   *how = strtok_r(NULL, ":", &save);

	if (kind && who && how && !strcmp(kind, "user")) {
		struct bx_user *u = bx_user_by_login(t, who);
		char path[400];
		snprintf(path, sizeof(path), "%llu/%.300s", (unsigned long long)it->id, who);
		if (u != it->owner)
			bx_collab_new(it, u, NULL, u ? NULL : who,
				bx_role_word(!strcmp(how, "write") ? "editor" : "viewer"), it->owner,
				bx_seed_id(t, "collab", path));
	} else if (kind && who && how && !strcmp(kind, "link") && !it->link) {
		char id[24];
		it->link = bx_alloc(sizeof(*it->link));
		snprintf(id, sizeof(id), "%llu", (unsigned long long)it->id);
		fc_stable_id(it->link->token, 32, (const char *const[]){"box", t->name, "link", id, NULL});
		it->link->access = !strcmp(who, "organization") ? "company" : "open";
		it->link->can_download = true;
		it->link->can_edit = !strcmp(how, "edit");
	}
	free(copy);
}

static unsigned scopes_of(const cJSON *list)
{
	unsigned scopes = 0;
	const cJSON *one;

	cJSON_ArrayForEach(one, list)
	{
		const char *s = cJSON_IsString(one) ? one->valuestring : "";
		scopes |= !strcmp(s, "root_readwrite")		       ? BX_SCOPE_READ | BX_SCOPE_WRITE
			  : !strcmp(s, "root_readonly")		       ? BX_SCOPE_READ
			  : !strcmp(s, "manage_managed_users")	       ? BX_SCOPE_USERS
			  : !strcmp(s, "manage_groups")		       ? BX_SCOPE_GROUPS
			  : !strcmp(s, "manage_webhook")	       ? BX_SCOPE_WEBHOOK
			  : !strcmp(s, "manage_enterprise_properties") ? BX_SCOPE_ENTERPRISE
								       : 0;
	}
	return scopes;
}

/* Besides what all providers know: "scopes" (what the application was given), "as_user" (false: it may not
 * act as users), "download_delay" (seconds after an upload in which downloads answer 202), "trash" (false:
 * deleting is for good). */
static void apply_settings(struct walk *w)
{
	const cJSON *s = w->settings, *one;
	struct bx_tenant *t = w->t;

	t->page_size = (int)json_int64_or(s, "page_size", 0);
	t->download_delay_s = (int)json_int64_or(s, "download_delay", 0);
	t->hard_delete = cJSON_IsFalse(json_get(s, "trash"));
	t->as_user = !cJSON_IsFalse(json_get(s, "as_user"));
	if (json_array(s, "scopes"))
		t->scopes = scopes_of(json_array(s, "scopes"));
	cJSON_ArrayForEach(one, json_array(s, "unlicensed"))
	{
		if (cJSON_IsString(one))
			add_user(w, one->valuestring)->status = "inactive";
	}
}

/* "groups": {NAME: [ADDRESS…]}, "titles": {ADDRESS: TEXT} */
static void add_people(struct walk *w)
{
	struct bx_tenant *t = w->t;
	const cJSON *group, *one;

	cJSON_ArrayForEach(group, json_object(w->settings, "groups"))
	{
		struct bx_group *g = bx_alloc(sizeof(*g));
		g->kind = BX_GROUP;
		g->id = bx_seed_id(t, "group", group->string);
		g->name = bx_strdup(group->string);
		g->created_at = g->modified_at = fc_now();
		g->invitability = g->viewability = "admins_only";
		bx_push(&t->groups, g);
		bx_register(t, g->id, g);
		cJSON_ArrayForEach(one, group)
		{
			struct bx_user *u = bx_user_by_login(t, cJSON_GetStringValue(one));
			struct bx_member *m = u ? bx_alloc(sizeof(*m)) : NULL;
			char path[400];
			if (!m)
				continue;
			snprintf(path, sizeof(path), "%llu/%llu", (unsigned long long)g->id, (unsigned long long)u->id);
			*m = (struct bx_member){.kind = BX_OTHER, .id = bx_seed_id(t, "member", path), .user = u, .group = g, .role = "member",
				.created_at = fc_now(), .modified_at = fc_now()};
			bx_push(&g->members, m);
			bx_push(&u->groups, m);
			bx_register(t, m->id, m);
		}
	}
	cJSON_ArrayForEach(one, json_object(w->settings, "titles"))
	{
		struct bx_user *u = bx_user_by_login(t, one->string);
		if (u && cJSON_IsString(one))
			bx_set(&u->job_title, one->valuestring);
	}
}

int bx_seed(const char *tenant, const char *dir)
{
	struct walk w = {.t = bx_tenant_new(tenant)};
	_cleanup_buf_ struct buf path = BUF_INIT(8192);

	if (buf_addf(&path, "%s/%s", dir, SETTINGS) < 0)
		return -1;
	w.settings = fc_read_json(path.data);
	walk_users(&w, dir);
	apply_settings(&w);
	add_people(&w);
	for (size_t i = 0; i < w.shared.n; i++) {
		struct shared *s = w.shared.at[i];
		const cJSON *one;
		cJSON_ArrayForEach(one, s->words)
		{
			if (cJSON_IsString(one))
				share(w.t, s->item, one->valuestring);
		}
		json_free(s->words);
		free(s);
	}
	free(w.shared.at);
	json_free(w.settings);
	if (w.t->admin)
		w.t->admin->role = "admin";
	bx_events_sort(w.t);
	return 0;
}
