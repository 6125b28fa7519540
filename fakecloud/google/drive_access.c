/* Who may do what with a file, permissions as stored on items, and the log of changes with those who lose
 * sight. */
#include "fakecloud/google/drive.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const role_names[] = {
	"", "reader", "commenter", "writer", "fileOrganizer", "organizer", "owner"};

const char *gd_role_name(enum gd_role role)
{
	return role_names[role];
}

int gd_role_parse(const char *name, enum gd_role *ret)
{
	for (size_t i = 1; name && i < ARRAY_SIZE(role_names); i++) {
		if (!strcmp(role_names[i], name)) {
			*ret = (enum gd_role)i;
			return 0;
		}
	}
	return -1;
}

static bool perm_holds(const struct gd_perm *p, const struct gg_user *u, bool links)
{
	if (p->expires_at && p->expires_at <= fc_now())
		return false;
	switch (p->type) {
	case GD_USER:
		return p->user == u;
	case GD_GROUP: /* the one group has everybody */
		return !u->service && p->email && !strncasecmp(p->email, "all@", 4) &&
		       !strcasecmp(p->email + 4, u->tenant->domain);
	case GD_DOMAIN:
		return links && !u->service && p->domain && !strcasecmp(p->domain, u->tenant->domain);
	case GD_ANYONE:
		return links;
	}
	return false;
}

/* The highest role that permissions from f upwards give; stop: do not look at that folder any more. */
static enum gd_role role_from(
	const struct gd_file *f, const struct gg_user *u, bool links, const struct gd_file *stop)
{
	enum gd_role best = GD_NONE;
	bool cut = false;

	for (; f && f != stop; f = f->parent) {
		if (f->owner == u && best < GD_WRITER) /* whoever owns a folder may write what lies in it */
			best = GD_WRITER;
		for (size_t i = 0; i < f->nperms; i++) {
			const struct gd_perm *p = &f->perms[i];
			if (p->role <= best || !perm_holds(p, u, links))
				continue;
			if (cut && p->role < GD_ORGANIZER) /* limited access: only those above stay */
				continue;
			best = p->role;
		}
		cut |= f->inherit_disabled;
	}
	return best;
}

enum gd_role gd_role_of(const struct gd_file *f, const struct gg_user *u)
{
	if (f->owner == u)
		return GD_OWNER;
	return role_from(f, u, true, NULL);
}

bool gd_in_corpus(const struct gd_file *f, const struct gg_user *u)
{
	if (f->gone)
		return false;
	if (!f->drive)
		return f->owner == u || role_from(f, u, false, NULL) != GD_NONE;
	return f != f->drive->root && role_from(f, u, false, f->drive->root) != GD_NONE;
}

/* Whom a link alone lets in names its key as well: "id/key,id/key" in a header. */
static bool key_given(struct gg_call *c, const struct gd_file *f)
{
	const char *keys = gg_request_header(c, "X-Goog-Drive-Resource-Keys");
	size_t n = strlen(f->id), k = strlen(f->resource_key);

	for (const char *p = keys ? keys : ""; *p; p += strcspn(p, ",")) {
		p += strspn(p, ", ");
		if (!strncmp(p, f->id, n) && p[n] == '/' && !strncmp(p + n + 1, f->resource_key, k) &&
			strchr(", ", p[n + 1 + k]))
			return true;
	}
	return false;
}

bool gd_readable(struct gg_call *c, const struct gd_file *f)
{
	if (f->gone || gd_role_of(f, c->user) == GD_NONE)
		return false;
	if (*f->resource_key && f->owner != c->user && role_from(f, c->user, false, NULL) == GD_NONE &&
		!key_given(c, f))
		return false;
	/* drive.file alone opens only what the app made */
	if (!gg_has_scope(c->token,
		    "drive drive.readonly drive.metadata drive.metadata.readonly drive.meet.readonly "
		    "drive.photos.readonly"))
		return !strcmp(f->client, c->token->client) || !f->parent;
	return true;
}

static bool read_only(const struct gd_file *f)
{
	cJSON *r;

	cJSON_ArrayForEach(r, f->restrictions)
	{
		if (json_bool(r, "readOnly"))
			return true;
	}
	return false;
}

bool gd_can_modify(const struct gd_file *f, const struct gg_user *u)
{
	return gd_role_of(f, u) >= GD_WRITER && !read_only(f);
}

bool gd_can_share(const struct gd_file *f, const struct gg_user *u)
{
	enum gd_role role = gd_role_of(f, u);

	if (f->drive && f == f->drive->root)
		return role >= GD_ORGANIZER;
	if (f->drive && gd_is_folder(f))
		return role >= GD_FILE_ORGANIZER;
	return role >= (f->writers_cannot_share ? GD_OWNER : GD_WRITER);
}

bool gd_can_download(const struct gd_file *f, const struct gg_user *u)
{
	enum gd_role role = gd_role_of(f, u);

	if (role <= GD_COMMENTER)
		return !f->copy_requires_writer && !f->restricted_readers;
	return role >= GD_FILE_ORGANIZER || !f->restricted_writers;
}

/* ---- permissions ---- */

struct gd_perm *gd_perm_find(const struct gd_file *f, const char *id)
{
	for (size_t i = 0; i < f->nperms; i++) {
		if (!strcmp(f->perms[i].id, id))
			return &f->perms[i];
	}
	return NULL;
}

struct gd_perm *gd_perm_add(struct gd_file *f, const struct gd_perm *p)
{
	struct gd_perm *have = gd_perm_find(f, p->id);

	if (have) {
		if (p->role > have->role)
			have->role = p->role;
		have->expires_at = p->expires_at;
		return have;
	}
	GG_PUSH(f->perms, f->nperms, *p);
	return &f->perms[f->nperms - 1];
}

void gd_perm_remove(struct gd_file *f, const char *id)
{
	struct gd_perm *p = gd_perm_find(f, id);

	if (!p)
		return;
	size_t i = (size_t)(p - f->perms);
	memmove(p, p + 1, (f->nperms - i - 1) * sizeof(*p));
	f->nperms--;
}

void gd_perm_user(struct gg_tenant *t, const char *email, enum gd_role role, struct gd_perm *ret)
{
	struct gd_perm p = {
		.type = GD_USER, .role = role, .user = gg_user_find(t, email), .email = gg_dup(email)};

	if (p.user) {
		snprintf(p.id, sizeof(p.id), "%s", p.user->perm_id);
	} else {
		const char *words[] = {GG, "permission", email, NULL};
		gg_digits(p.id, 20, words);
	}
	*ret = p;
}

/* ---- the log ---- */

static void event_push(struct gg_tenant *t, const struct gd_event *e)
{
	GG_PUSH(t->events, t->nevents, *e);
	fc_changed();
}

void gd_event_add(struct gd_file *f, const struct gg_user *actor, const char *what)
{
	struct gd_event e = {.file = f, .drive = f->drive, .time = fc_now(), .actor = actor, .what = what};

	f->version += 1 + (int64_t)(fc_next() % 3);
	event_push(f->tenant, &e);
}

void gd_event_drive(struct gd_drive *d, const struct gg_user *actor, const char *what, int *lost)
{
	struct gd_event e = {.drive = d, .time = fc_now(), .actor = actor, .what = what, .lost = lost};

	event_push(d->root->tenant, &e);
}

static void collect(struct gd_watch *w, struct gd_file *f)
{
	GG_PUSH(w->files, w->n, f);
	for (size_t i = 0; i < f->nchildren; i++)
		collect(w, f->children[i]);
}

void gd_watch_begin(struct gd_watch *w, struct gd_file *top)
{
	size_t users = top->tenant->nusers;

	*w = (struct gd_watch){0};
	collect(w, top);
	w->had = gg_alloc(w->n * users);
	w->drives = gg_alloc(w->n * sizeof(*w->drives));
	for (size_t i = 0; i < w->n; i++) {
		w->drives[i] = w->files[i]->drive;
		for (size_t u = 0; u < users; u++)
			w->had[i * users + u] = gd_in_corpus(w->files[i], top->tenant->users[u]);
	}
}

void gd_watch_end(struct gd_watch *w, const struct gg_user *actor, const char *what)
{
	struct gg_tenant *t = w->files[0]->tenant;
	_cleanup_free_ int *lost = gg_alloc((t->nusers + 1) * sizeof(*lost));

	for (size_t i = 0; i < w->n; i++) {
		struct gd_file *f = w->files[i];
		bool moved = f->drive != w->drives[i], won = false;
		size_t n = 0;
		for (size_t u = 0; u < t->nusers; u++) {
			bool has = gd_in_corpus(f, t->users[u]), had = w->had[i * t->nusers + u];
			if (had && !has)
				lost[n++] = (int)u;
			won |= has && !had;
		}
		if (i && !n && !won && !moved && !f->gone)
			continue;
		struct gd_event e = {
			.file = f, .drive = f->drive, .time = fc_now(), .actor = actor, .what = what};
		if (moved || f->gone)
			e.from_drive = w->drives[i];
		if (n) {
			lost[n++] = -1;
			e.lost = gg_alloc(n * sizeof(*e.lost));
			memcpy(e.lost, lost, n * sizeof(*e.lost));
		}
		f->version += 1 + (int64_t)(fc_next() % 3);
		event_push(t, &e);
	}
	free(w->files);
	free(w->had);
	free(w->drives);
}
