/* Fills a tenant from its seed folder, and writes its entry of the connections file. Runs once, before the first
 * request; no content is read here. Layout: DIR/users/ADDRESS/{mail,drive}, DIR/sites/SITE/LIBRARY, DIR/teams/TEAM/
 * CHANNEL/X.json, DIR/chats/ADDRESS,ADDRESS/X.json. */
#include "fakecloud/microsoft/microsoft.h"

#include "base/encode.h"
#include "base/ioutil.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define DEPTH_MAX 64

static const char default_roles[] =
	"User.Read.All Organization.Read.All Domain.Read.All Mail.Read Mail.ReadWrite Files.Read.All Files.ReadWrite.All "
	"Sites.Read.All Sites.ReadWrite.All Sites.FullControl.All ChannelMessage.Read.All Chat.Read.All "
	"ChannelMessage.UpdatePolicyViolation.All Chat.UpdatePolicyViolation.All Team.ReadBasic.All Channel.ReadBasic.All "
	"Group.Read.All GroupMember.Read.All TeamMember.Read.All ChatMember.Read.All";

struct seed {
	struct ms_tenant *t;
	const char *dir;
	cJSON *options; /* .sekisho-seed.json; NULL when there is none */
};

struct entry {
	char *name, *path;
	bool folder;
	int64_t mtime, size;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* What a folder holds, sorted by name; hidden entries and what is neither file nor folder are left out. */
static size_t entries(const char *dir, struct entry **ret)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	struct entry *list = NULL;
	size_t n = 0, cap = 0;

	while (d && (de = readdir(d))) {
		struct stat st;
		struct entry e = {0};
		if (de->d_name[0] == '.')
			continue;
		e.path = ms_printf("%s/%s", dir, de->d_name);
		if (stat(e.path, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
			free(e.path);
			continue;
		}
		e.name = ms_strdup(de->d_name);
		e.folder = S_ISDIR(st.st_mode);
		e.mtime = (int64_t)st.st_mtim.tv_sec * 1000;
		e.size = st.st_size;
		if (n == cap) {
			cap = cap ? cap * 2 : 64;
			list = reallocarray(list, cap, sizeof(*list));
			if (!list)
				abort();
		}
		list[n++] = e;
	}
	if (d)
		closedir(d);
	if (n)
		qsort(list, n, sizeof(*list), by_name);
	*ret = list;
	return n;
}

static void entries_free(struct entry *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].path);
	}
	free(list);
}

static bool ends_with(const char *s, const char *ending)
{
	size_t n = strlen(s), e = strlen(ending);

	return n >= e && !strcasecmp(s + n - e, ending);
}

static bool listed(const struct seed *s, const char *key, const char *word)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, json_array(s->options, key))
	{
		if (cJSON_IsString(one) && !strcasecmp(one->valuestring, word))
			return true;
	}
	return false;
}

static void seed_mail(const struct seed *s, struct ms_mailbox *box, struct ms_folder *folder, const char *dir, int depth)
{
	struct entry *list;
	size_t n = entries(dir, &list);

	for (size_t i = 0; i < n && depth < DEPTH_MAX; i++) {
		if (list[i].folder) {
			seed_mail(s, box, ms_folder_seed(box, folder, list[i].name), list[i].path, depth + 1);
		} else if (folder->parent && ends_with(list[i].name, ".eml")) {
			struct fc_blob *blob = fc_blob_from_path(list[i].path);
			const char *rel = list[i].path + strlen(s->dir);
			struct ms_message *m;
			if (!blob)
				continue;
			m = ms_message_add(folder, blob, MS_WORDS(s->t->name, "microsoft", rel), list[i].mtime);
			m->is_draft = folder->well_known && !strcmp(folder->well_known, "drafts");
			m->is_read = folder->well_known && !strcmp(folder->well_known, "sentitems");
		}
	}
	entries_free(list, n);
}

static void seed_sharing(struct ms_item *it, const char *path)
{
	char *name = ms_printf("%s.sharing.json", path);
	_cleanup_json_ cJSON *doc = fc_read_json(name);
	const cJSON *one;

	free(name);
	cJSON_ArrayForEach(one, doc)
	{
		if (cJSON_IsString(one))
			ms_perm_seed(it, one->valuestring);
	}
}

static void seed_drive(const struct seed *s, struct ms_item *parent, const char *dir, int depth)
{
	struct entry *list;
	size_t n = entries(dir, &list);

	for (size_t i = 0; i < n && depth < DEPTH_MAX; i++) {
		const char *rel = list[i].path + strlen(s->dir);
		struct ms_item *it;
		struct fc_blob *blob = NULL;
		if (!list[i].folder && ends_with(list[i].name, ".sharing.json"))
			continue;
		if (!list[i].folder && !(blob = fc_blob_from_path(list[i].path)))
			continue;
		it = ms_item_add(parent->drive, parent, list[i].name, list[i].folder,
			MS_WORDS(s->t->name, "microsoft", rel), list[i].mtime);
		seed_sharing(it, list[i].path);
		if (list[i].folder) {
			seed_drive(s, it, list[i].path, depth + 1);
			continue;
		}
		ms_item_content(it, blob, parent->drive->owner, list[i].mtime);
		it->malware = listed(s, "malware", rel + 1);
	}
	entries_free(list, n);
}

static void seed_users(const struct seed *s)
{
	char *dir = ms_printf("%s/users", s->dir);
	struct entry *list;
	size_t n = entries(dir, &list);

	/* All first: sharing and chats name them. */
	for (size_t i = 0; i < n; i++) {
		if (list[i].folder && strchr(list[i].name, '@'))
			ms_user_add(s->t, list[i].name, !listed(s, "unlicensed", list[i].name));
	}
	for (size_t i = 0; i < n; i++) {
		struct ms_user *u = ms_user_find(s->t, list[i].name);
		char *mail = ms_printf("%s/mail", list[i].path), *drive = ms_printf("%s/drive", list[i].path);
		if (u && u->box)
			seed_mail(s, u->box, u->box->root, mail, 0);
		if (u && u->drive)
			seed_drive(s, u->drive->root, drive, 0);
		free(mail);
		free(drive);
	}
	entries_free(list, n);
	free(dir);
}

static void seed_sites(const struct seed *s)
{
	char *dir = ms_printf("%s/sites", s->dir);
	struct entry *sites, *libraries;
	size_t n = entries(dir, &sites), k;

	for (size_t i = 0; i < n; i++) {
		struct ms_site *site;
		if (!sites[i].folder)
			continue;
		site = ms_site_new(s->t, sites[i].name, NULL);
		k = entries(sites[i].path, &libraries);
		for (size_t l = 0; l < k; l++) {
			if (libraries[l].folder)
				seed_drive(s, ms_drive_new(s->t, site, NULL, libraries[l].name)->root, libraries[l].path, 0);
		}
		entries_free(libraries, k);
	}
	entries_free(sites, n);
	free(dir);
}

static void seed_thread(struct ms_thread *th, const char *dir)
{
	struct entry *list;
	size_t n = entries(dir, &list);

	for (size_t i = 0; th && i < n; i++) {
		_cleanup_json_ cJSON *doc = !list[i].folder && ends_with(list[i].name, ".json") ? fc_read_json(list[i].path) : NULL;
		if (cJSON_IsObject(doc))
			ms_post_add(th, doc, list[i].mtime);
	}
	entries_free(list, n);
}

static void seed_teams(const struct seed *s)
{
	char *dir = ms_printf("%s/teams", s->dir);
	struct entry *teams, *channels;
	size_t n = entries(dir, &teams), k;

	for (size_t i = 0; i < n; i++) {
		struct ms_team *team;
		if (!teams[i].folder)
			continue;
		team = ms_team_new(s->t, teams[i].name);
		k = entries(teams[i].path, &channels);
		for (size_t l = 0; l < k; l++) {
			if (channels[l].folder)
				seed_thread(ms_channel_new(team, channels[l].name), channels[l].path);
		}
		entries_free(channels, k);
	}
	entries_free(teams, n);
	free(dir);
	dir = ms_printf("%s/chats", s->dir);
	n = entries(dir, &teams);
	for (size_t i = 0; i < n; i++) {
		if (teams[i].folder)
			seed_thread(ms_chat_new(s->t, teams[i].name), teams[i].path);
	}
	entries_free(teams, n);
	free(dir);
}

static void options(struct seed *s)
{
	char *path = ms_printf("%s/.sekisho-seed.json", s->dir);
	const cJSON *roles, *one;
	int64_t size;

	s->options = fc_read_json(path);
	free(path);
	if (json_int64(s->options, "page_size", &size) && size > 0 && size < 100000)
		s->t->page_size = (int)size;
	roles = json_array(s->options, "roles");
	snprintf(s->t->roles, sizeof(s->t->roles), "%s", roles ? "" : default_roles);
	cJSON_ArrayForEach(one, roles)
	{
		size_t n = strlen(s->t->roles);
		if (cJSON_IsString(one))
			snprintf(s->t->roles + n, sizeof(s->t->roles) - n, "%s%s", n ? " " : "", one->valuestring);
	}
}

/* "names", "titles", "departments": {ADDRESS: TEXT}; "aliases": {ADDRESS: [ADDRESS…]}; "groups": {NAME: [ADDRESS…]} */
static void seed_people(struct seed *s)
{
	struct ms_tenant *t = s->t;
	const cJSON *one, *group;

	for (size_t i = 0; i < t->users.n; i++) {
		struct ms_user *u = t->users.v[i];
		const char *name = json_str(json_object(s->options, "names"), u->upn);
		if (name)
			u->display = ms_strdup(name);
		u->title = json_str(json_object(s->options, "titles"), u->upn);
		u->department = json_str(json_object(s->options, "departments"), u->upn);
		u->aliases = json_array(json_object(s->options, "aliases"), u->upn);
	}
	cJSON_ArrayForEach(group, json_object(s->options, "groups"))
	{
		struct ms_team *g = ms_alloc(sizeof(*g));
		*g = (struct ms_team){.tenant = t, .created = t->created, .name = ms_strdup(group->string)};
		g->id = ms_guid(MS_WORDS(t->name, "microsoft", "group", group->string));
		g->nick = ms_printf("group-%.8s", g->id);
		cJSON_ArrayForEach(one, group)
		{
			struct ms_user *u = ms_user_find(t, cJSON_GetStringValue(one));
			if (u)
				ms_vec_add(&g->members, u);
		}
		ms_vec_add(&t->groups, g);
	}
}

int ms_seed(const char *tenant, const char *dir)
{
	struct ms_tenant *t = ms_alloc(sizeof(*t));
	struct seed s = {.t = t, .dir = dir};
	char secret[41];
	struct ms_site *root;

	t->name = tenant;
	t->domain = ms_printf("%s.example", tenant);
	t->directory = ms_guid(MS_WORDS(tenant, "microsoft", "directory"));
	t->client_id = ms_guid(MS_WORDS(tenant, "microsoft", "client"));
	t->display = ms_strdup(tenant);
	t->host = ms_printf("%s.sharepoint.example", tenant);
	t->my_host = ms_printf("%s-my.sharepoint.example", tenant);
	random_hex(secret, 20);
	t->secret = ms_strdup(secret);
	t->key = fc_keypair_new(tenant);
	t->created = INT64_C(1577836800000); /* 2020-01-01 */
	options(&s);
	ms_tenant_add(t);
	root = ms_site_new(t, "", NULL);
	ms_drive_new(t, root, NULL, "Documents");
	seed_users(&s);
	seed_sites(&s);
	seed_teams(&s);
	seed_people(&s);
	t->settings = s.options;
	return 0;
}

static int write_beside(const char *dir, const char *tenant, const char *ending, const char *text)
{
	char *path = ms_printf("%s/%s-m365%s", dir, tenant, ending);
	int r = io_write_file(path, text, strlen(text), 0600, NULL);

	free(path);
	return r;
}

int ms_connections(struct buf *yaml, const char *dir)
{
	const char *url = fc_url("microsoft");
	struct ms_tenant *t;

	for (size_t i = 0; (t = ms_tenant_nth(i)); i++) {
		if (write_beside(dir, t->name, ".pem", t->key->certificate_pem) < 0 ||
			write_beside(dir, t->name, ".key", t->key->private_pem) < 0 ||
			write_beside(dir, t->name, ".secret", t->secret) < 0)
			return -1;
		if (buf_addf(yaml,
			    "  - id: %s-m365\n"
			    "    tenant: %s\n"
			    "    provider: microsoft\n"
			    "    mode: protect\n"
			    "    backlog: all\n"
			    "    services: [mail, files, teams]\n"
			    "    endpoints: {login: \"%s\", graph: \"%s\"}\n"
			    "    grant: {type: client_certificate, directory: %s, client_id: %s, certificate_file: %s-m365.pem, "
			    "key_file: %s-m365.key}\n",
			    t->name, t->name, url, url, t->directory, t->client_id, t->name, t->name) < 0)
			return -1;
	}
	return 0;
}
