/* Fills a tenant from its seed folder: users, mailboxes, My Drives, shared drives. Reads names, times and the
 * headers of mails; content stays where it is until somebody asks. */
#include "fakecloud/google/drive.h"
#include "fakecloud/google/gmail.h"

#include "base/encode.h"
#include "base/ioutil.h"
#include "base/log.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define PATH_MAX_LEN 8192
#define DEPTH_MAX 60

struct seeding {
	struct gg_tenant *t;
	const char *dir;
	cJSON *notes;
};

static int64_t mtime_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

/* Entries of a folder in the order of their bytes, without "." and ".."; the caller frees. Returns the count.
 */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

struct entries {
	struct dirent **list;
	int n;
};

static void entries_read(const char *dir, struct entries *ret)
{
	ret->n = scandir(dir, &ret->list, no_dots, by_bytes);
	if (ret->n < 0) {
		ret->list = NULL;
		ret->n = 0;
	}
}

static void entries_free(struct entries *e)
{
	for (int i = 0; i < e->n; i++)
		free(e->list[i]);
	free(e->list);
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcasecmp(s + n - m, suffix);
}

/* The path below the seed's folder of this provider. */
static const char *relative(const struct seeding *s, const char *path)
{
	return path + strlen(s->dir) + 1;
}

static bool noted(const struct seeding *s, const char *key, const char *path)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(s->notes, key))
	{
		const char *want = cJSON_IsString(e) ? e->valuestring : "";
		size_t n = strlen(want), m = strlen(path);
		if (!n || n > m)
			continue;
		if (!strcasecmp(path + m - n, want) && (n == m || path[m - n - 1] == '/'))
			return true;
	}
	return false;
}

/* ---- mail ---- */

struct mail {
	char *path;
	unsigned label;
	int64_t date;
};

struct mails {
	struct mail *list;
	size_t n;
};

static unsigned label_for(struct gm_box *box, const char *name)
{
	int i;

	if (!strcasecmp(name, "drafts"))
		name = "DRAFT";
	else if (!strcasecmp(name, "junk"))
		name = "SPAM";
	i = gm_label_find_name(box, name);
	return i >= 0 ? (unsigned)i : gm_label_add(box, name, "labelShow", "show");
}

static void mails_read(struct gm_box *box, const char *dir, const char *label, struct mails *out, int depth)
{
	struct entries e;

	if (depth > DEPTH_MAX)
		return;
	entries_read(dir, &e);
	for (int i = 0; i < e.n; i++) {
		_cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_LEN), name = BUF_INIT(PATH_MAX_LEN);
		struct stat st;
		if (buf_addf(&path, "%s/%s", dir, e.list[i]->d_name) < 0 || stat(path.data, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			buf_addf(&name, "%s%s%s", label, *label ? "/" : "", e.list[i]->d_name);
			label_for(box, buf_str(&name));
			mails_read(box, path.data, buf_str(&name), out, depth + 1);
		} else if (S_ISREG(st.st_mode) && has_suffix(path.data, ".eml")) {
			struct mail m = {.path = gg_dup(path.data),
				.label = *label ? label_for(box, label) : GM_INBOX,
				.date = mtime_ms(&st)};
			GG_PUSH(out->list, out->n, m);
		}
	}
	entries_free(&e);
}

static int older_first(const void *a, const void *b)
{
	const struct mail *x = a, *y = b;

	return x->date != y->date ? (x->date < y->date ? -1 : 1) : strcmp(x->path, y->path);
}

static void seed_mail(const struct seeding *s, struct gm_box *box, const char *dir)
{
	struct mails all = {0};

	mails_read(box, dir, "", &all, 0);
	if (all.n) /* conversations begin with their oldest mail */
		qsort(all.list, all.n, sizeof(*all.list), older_first);
	for (size_t i = 0; i < all.n; i++) {
		const char *words[] = {s->t->name, GG, relative(s, all.list[i].path), NULL};
		struct fc_blob *blob = fc_blob_from_path(all.list[i].path);
		char id[17];
		fc_stable_id(id, 16, words);
		id[0] = '1';
		if (blob && !gm_message_find(box, id)) {
			struct gm_message *m = gm_message_add(box, id, blob, all.list[i].date, NULL);
			gm_label_set(m, all.list[i].label);
			gm_message_begin(m);
		}
		free(all.list[i].path);
	}
	free(all.list);
}

/* ---- drives ---- */

static void stable(
	const struct seeding *s, const char *what, const char *path, const char *prefix, char *out, size_t n)
{
	const char *words[] = {s->t->name, GG, what, path, NULL};
	size_t p = strlen(prefix);

	memcpy(out, prefix, p);
	fc_stable_id(out + p, n, words);
}

/* user:ADDRESS:read|write, link:anonymous|organization:view|edit */
static void share(struct gd_file *f, const char *text)
{
	const char *last = strrchr(text, ':');
	struct gd_perm p = {0};

	if (!last)
		return;
	enum gd_role role = !strcmp(last, ":write") || !strcmp(last, ":edit") ? GD_WRITER : GD_READER;
	if (gg_has_prefix(text, "user:")) {
		_cleanup_free_ char *email =
			strndup(text + 5, (size_t)(last - text) < 5 ? 0 : (size_t)(last - text - 5));
		if (!email || !strchr(email, '@'))
			return;
		gd_perm_user(f->tenant, email, role, &p);
		if (p.user && p.user == f->owner)
			return;
	} else if (gg_has_prefix(text, "link:anonymous")) {
		p = (struct gd_perm){.type = GD_ANYONE, .role = role};
		snprintf(p.id, sizeof(p.id), "anyoneWithLink");
	} else if (gg_has_prefix(text, "link:organization")) {
		const char *words[] = {GG, "domain", f->tenant->domain, NULL};
		p = (struct gd_perm){.type = GD_DOMAIN, .role = role, .domain = gg_dup(f->tenant->domain)};
		gg_digits(p.id, 20, words);
		snprintf(p.id + 20, sizeof(p.id) - 20, "k");
	} else {
		return;
	}
	gd_perm_add(f, &p);
}

static void seed_sharing(struct gd_file *f, const char *path)
{
	_cleanup_buf_ struct buf name = BUF_INIT(PATH_MAX_LEN), text = BUF_INIT(1 << 20);
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *e;

	if (buf_addf(&name, "%s.sharing.json", path) < 0 || access(name.data, R_OK) < 0 ||
		io_read_file(name.data, &text, NULL) < 0 ||
		json_parse(buf_str(&text), text.len, &list, NULL) < 0)
		return;
	cJSON_ArrayForEach(e, list)
	{
		if (cJSON_IsString(e))
			share(f, e->valuestring);
	}
}

static const char *native_of(const char *name, size_t *ret_stem)
{
	static const struct {
		const char *suffix, *mime;
	} kinds[] = {{".gdoc", GG_NATIVE "document"}, {".gsheet", GG_NATIVE "spreadsheet"},
		{".gslides", GG_NATIVE "presentation"}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (has_suffix(name, kinds[i].suffix)) {
			*ret_stem = strlen(name) - strlen(kinds[i].suffix);
			return kinds[i].mime;
		}
	}
	return NULL;
}

static void seed_event(struct gd_file *f)
{
	gd_event_add(f, NULL, "create");
	f->tenant->events[f->tenant->nevents - 1].time = f->modified;
	f->version = 1;
}

static void seed_file(const struct seeding *s, struct gd_file *folder, const char *path, const char *base,
	const struct stat *st)
{
	char id[64], revision[64];
	size_t stem = strlen(base);
	const char *native = native_of(base, &stem);
	_cleanup_free_ char *name = strndup(base, stem);
	struct fc_blob *blob = fc_blob_from_path(path);

	if (!blob || !name)
		return;
	stable(s, "file", relative(s, path), "1", id, 32);
	stable(s, "revision", relative(s, path), "0B", revision, 40);
	struct gd_file *f = gd_file_new(s->t, id, name, native ? native : gd_mime_of(base), folder,
		folder->drive ? NULL : folder->owner, folder->drive, mtime_ms(st));
	gd_file_revise(f, blob, f->owner, f->modified, revision);
	f->malware = noted(s, "malware", relative(s, path));
	if (noted(s, "resource_keys", relative(s, path)))
		stable(s, "key", relative(s, path), "0-", f->resource_key, 20);
	seed_sharing(f, path);
	seed_event(f);
}

static void seed_folder(const struct seeding *s, struct gd_file *folder, const char *dir, int depth)
{
	struct entries e;

	if (depth > DEPTH_MAX)
		return;
	entries_read(dir, &e);
	for (int i = 0; i < e.n; i++) {
		_cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_LEN);
		const char *name = e.list[i]->d_name;
		struct stat st;
		char id[64];
		if (buf_addf(&path, "%s/%s", dir, name) < 0 || stat(path.data, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			stable(s, "file", relative(s, path.data), "1", id, 32);
			struct gd_file *f = gd_file_new(s->t, id, name, GG_FOLDER, folder,
				folder->drive ? NULL : folder->owner, folder->drive, mtime_ms(&st));
			seed_sharing(f, path.data);
			seed_event(f);
			seed_folder(s, f, path.data, depth + 1);
		} else if (S_ISREG(st.st_mode) && !has_suffix(name, ".sharing.json")) {
			seed_file(s, folder, path.data, name, &st);
		}
	}
	entries_free(&e);
}

static void seed_shared(const struct seeding *s, const char *dir)
{
	struct entries e;

	entries_read(dir, &e);
	for (int i = 0; i < e.n; i++) {
		_cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_LEN);
		struct stat st;
		char id[32];
		if (buf_addf(&path, "%s/%s", dir, e.list[i]->d_name) < 0 || stat(path.data, &st) < 0 ||
			!S_ISDIR(st.st_mode))
			continue;
		stable(s, "drive", e.list[i]->d_name, "0A", id, 14);
		snprintf(id + 16, sizeof(id) - 16, "PVA");
		struct gd_drive *d = gd_drive_new(s->t, id, e.list[i]->d_name, mtime_ms(&st));
		for (size_t u = 0; u < s->t->nusers; u++) {
			struct gg_user *user = s->t->users[u];
			struct gd_perm p;
			if (user->service)
				continue;
			gd_perm_user(s->t, user->email, user->admin ? GD_ORGANIZER : GD_FILE_ORGANIZER, &p);
			gd_perm_add(d->root, &p);
		}
		seed_folder(s, d->root, path.data, 0);
	}
	entries_free(&e);
}

/* ---- the tenant ---- */

static void seed_credentials(struct gg_tenant *t)
{
	const char *words[] = {t->name, GG, "service account", NULL};
	const char *customer[] = {t->name, GG, "customer", NULL};
	char hex[48];

	t->keys = fc_keypair_new(t->name);
	snprintf(t->client_email, sizeof(t->client_email), "sekisho@sekisho-%.40s.iam.gserviceaccount.com",
		t->name);
	gg_digits(t->client_id, 21, words);
	random_hex(t->key_id, 20);
	words[2] = "oauth client";
	fc_stable_id(hex, 32, words);
	snprintf(t->oauth_id, sizeof(t->oauth_id), "%.12s-%.32s.apps.googleusercontent.com", t->client_id,
		hex);
	gg_new_id(t->oauth_secret, 28, "GOCSPX-");
	gg_new_id(t->refresh_token, 60, "1//0g");
	t->customer_id[0] = 'C';
	fc_stable_id(t->customer_id + 1, 8, customer);
}

static void open_account(const struct seeding *s, struct gg_user *u)
{
	char id[32];

	stable(s, "root", u->email, "0A", id, 14);
	snprintf(id + 16, sizeof(id) - 16, "PVA");
	u->mail = gm_box_new(u);
	u->root = gd_file_new(s->t, id, "My Drive", GG_FOLDER, NULL, u, NULL, u->created);
	u->licensed = u->service || !noted(s, "unlicensed", u->email);
}

static void seed_users(const struct seeding *s)
{
	_cleanup_buf_ struct buf dir = BUF_INIT(PATH_MAX_LEN), address = BUF_INIT(512);
	struct gg_tenant *t = s->t;
	struct entries e;

	buf_addf(&dir, "%s/users", s->dir);
	entries_read(buf_str(&dir), &e);
	for (int i = 0; i < e.n; i++) {
		if (!strchr(e.list[i]->d_name, '@'))
			continue;
		struct gg_user *u = gg_user_add(t, e.list[i]->d_name);
		if (!strncasecmp(u->email, "admin@", 6) && !t->admin)
			t->admin = u;
		if (t->nusers == 1)
			t->domain = fc_intern(strchr(u->email, '@') + 1);
	}
	entries_free(&e);
	if (!t->admin) { /* every domain has an administrator */
		buf_addf(&address, "admin@%s", t->domain);
		t->admin = gg_user_add(t, buf_str(&address));
	}
	t->admin->admin = true;
	t->service = gg_user_add(t, t->client_email);
	t->service->service = true;
}

/* "names", "titles", "departments": {ADDRESS: TEXT}; "aliases": {ADDRESS: [ADDRESS…]}. "groups" and "domains" are read where
 * they are asked for. */
static void seed_people(struct seeding *s)
{
	for (size_t i = 0; i < s->t->nusers; i++) {
		struct gg_user *u = s->t->users[i];
		const char *name = json_str(json_object(s->notes, "names"), u->email);
		if (name)
			u->full = gg_dup(name);
		u->title = json_str(json_object(s->notes, "titles"), u->email);
		u->department = json_str(json_object(s->notes, "departments"), u->email);
		u->aliases = json_array(json_object(s->notes, "aliases"), u->email);
	}
}

int gg_seed(const char *tenant, const char *dir)
{
	struct gg_tenant *t = gg_alloc(sizeof(*t));
	struct seeding s = {.t = t, .dir = dir};
	_cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_LEN), text = BUF_INIT(16 << 20);
	struct err err = {0};

	t->name = tenant;
	buf_addf(&path, "%s.example", tenant);
	t->domain = fc_intern(buf_str(&path));
	t->event_base = t->event_floor = 1000;
	buf_clear(&path);
	buf_addf(&path, "%s/.sekisho-seed.json", dir);
	if (access(path.data, F_OK) == 0 &&
		(io_read_file(path.data, &text, &err) < 0 ||
			json_parse(buf_str(&text), text.len, &s.notes, &err) < 0)) {
		log_err(LOG_ERROR_, "seed.notes", &err);
		return -1;
	}
	t->page_size = (int)json_int64_or(s.notes, "page_size", 0);
	seed_credentials(t);
	seed_users(&s);
	for (size_t i = 0; i < t->nusers; i++)
		open_account(&s, t->users[i]);
	for (size_t i = 0; i < t->nusers; i++) {
		struct gg_user *u = t->users[i];
		buf_clear(&path);
		buf_addf(&path, "%s/users/%s/mail", dir, u->email);
		seed_mail(&s, u->mail, path.data);
		buf_clear(&path);
		buf_addf(&path, "%s/users/%s/drive", dir, u->email);
		seed_folder(&s, u->root, path.data, 0);
	}
	buf_clear(&path);
	buf_addf(&path, "%s/shared-drives", dir);
	seed_shared(&s, path.data);
	seed_people(&s);
	t->settings = s.notes;
	GG_PUSH(gg_tenants, gg_ntenants, t);
	return 0;
}
