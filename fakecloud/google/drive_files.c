/* Reading Drive: about, files.list, files.get, and what every handler checks first. */
#include "fakecloud/google/drive.h"

#include "base/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- checks ---- */

int gd_check_service(struct gg_call *c)
{
	if (!c->user->licensed)
		return gg_error(
			c, 403, "domainPolicy", "The domain administrators have disabled Drive apps.");
	return 0;
}

bool gd_all_drives(struct gg_call *c)
{
	return gg_flag(c, "supportsAllDrives", false) || gg_flag(c, "supportsTeamDrives", false);
}

int gd_forbidden(struct gg_call *c)
{
	return gg_error(c, 403, "insufficientFilePermissions",
		"The user does not have sufficient permissions for this file.");
}

bool gd_domain_admin(struct gg_call *c, const struct gd_file *f)
{
	return gg_flag(c, "useDomainAdminAccess", false) && c->user->admin && f->drive && f == f->drive->root;
}

static struct gd_file *file_missing(struct gg_call *c, const char *id)
{
	gg_error_at(c, 404, "notFound", "parameter", "fileId", "File not found: %s.", id);
	return NULL;
}

/* With supportsAllDrives missing, what lies in a shared drive is not there. Operations on revisions, exports
 * and comments have no such parameter and are not asked. */
static bool needs_flag(const struct gg_call *c)
{
	const char *p = c->route->path;

	return !strstr(p, "revisions") && !strstr(p, "export") && !strstr(p, "/download") &&
	       !strstr(p, "comments") && !strstr(p, "Labels");
}

struct gd_file *gd_file_of(struct gg_call *c, const char *id)
{
	struct gd_file *f;

	if (gd_check_service(c) < 0)
		return NULL;
	f = !strcmp(id, "root") ? c->user->root : map_get(&c->tenant->files, id);
	if (!f || f->gone || (!gd_readable(c, f) && !gd_domain_admin(c, f)))
		return file_missing(c, id);
	if (f->drive && needs_flag(c) && !gd_all_drives(c))
		return file_missing(c, id);
	return f;
}

/* "~<generation>~<offset>" */
int gd_page_offset(struct gg_call *c, size_t *ret)
{
	const char *token = gg_query(c, "pageToken");
	char *end = NULL;

	*ret = 0;
	if (!token || !*token)
		return 0;
	if (!strncmp(token, "~!!~", 4)) {
		long generation = strtol(token + 4, &end, 10);
		int64_t n;
		if (*end == '~' && generation == c->tenant->generation &&
			units_int(end + 1, 0, INT64_MAX, &n) == 0) {
			*ret = (size_t)n;
			return 0;
		}
	}
	return gg_error_at(c, 400, "invalid", "parameter", "pageToken", "Invalid Value");
}

void gd_page_next(struct gg_call *c, cJSON *doc, size_t next)
{
	cJSON_AddStringToObject(
		doc, "nextPageToken", arena_printf(c->req->arena, "~!!~%d~%zu", c->tenant->generation, next));
}

/* ---- about ---- */

int gd_about(struct gg_call *c)
{
	static const char *const natives[] = {GG_NATIVE "document", GG_NATIVE "spreadsheet",
		GG_NATIVE "presentation", GG_NATIVE "drawing", GG_NATIVE "script"};
	static const struct {
		const char *from, *to;
	} imports[] = {{"text/plain", GG_NATIVE "document"}, {"text/html", GG_NATIVE "document"},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			GG_NATIVE "document"},
		{"text/csv", GG_NATIVE "spreadsheet"},
		{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			GG_NATIVE "spreadsheet"},
		{"application/vnd.openxmlformats-officedocument.presentationml.presentation",
			GG_NATIVE "presentation"}};
	int64_t used = 0, trash = 0;
	cJSON *doc, *o;

	if (!gg_query(c, "fields"))
		return gg_error_at(c, 400, "required", "parameter", "fields",
			"The 'fields' parameter is required for this method.");
	if (gd_check_service(c) < 0)
		return -1;
	for (size_t i = 0; i < c->tenant->nall; i++) {
		const struct gd_file *f = c->tenant->all[i];
		if (f->gone || f->owner != c->user || !f->nrevisions || gd_is_native(f))
			continue;
		used += fc_blob_size(gd_head(f)->blob);
		trash += gd_trashed(f) ? fc_blob_size(gd_head(f)->blob) : 0;
	}
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "drive#about");
	cJSON_AddItemToObject(doc, "user", gd_user_json(c, c->user));
	o = cJSON_AddObjectToObject(doc, "storageQuota");
	gg_add_i64(o, "limit", 2199023255552LL);
	gg_add_i64(o, "usage", used);
	gg_add_i64(o, "usageInDrive", used);
	gg_add_i64(o, "usageInDriveTrash", trash);
	gg_add_i64(doc, "maxUploadSize", 5242880000000LL);
	cJSON_AddBoolToObject(doc, "appInstalled", false);
	cJSON_AddBoolToObject(doc, "canCreateDrives", !c->user->service);
	cJSON_AddBoolToObject(doc, "canCreateTeamDrives", !c->user->service);
	cJSON_AddArrayToObject(doc, "folderColorPalette");
	cJSON_AddArrayToObject(doc, "driveThemes");
	o = cJSON_AddObjectToObject(doc, "exportFormats");
	for (size_t i = 0; i < ARRAY_SIZE(natives); i++) {
		cJSON *list = cJSON_AddArrayToObject(o, natives[i]);
		for (const char *const *t = gd_export_types(natives[i]); *t; t++)
			cJSON_AddItemToArray(list, cJSON_CreateString(*t));
	}
	o = cJSON_AddObjectToObject(doc, "importFormats");
	for (size_t i = 0; i < ARRAY_SIZE(imports); i++)
		cJSON_AddItemToArray(
			cJSON_AddArrayToObject(o, imports[i].from), cJSON_CreateString(imports[i].to));
	o = cJSON_AddObjectToObject(doc, "maxImportSizes");
	gg_add_i64(o, GG_NATIVE "document", 10485760);
	return gg_reply(c, doc);
}

/* ---- list ---- */

struct listing {
	struct gd_query *query;
	struct gd_drive *drive;
	bool all_drives; /* shared drives' items too */
	bool domain;	 /* only what the domain may see */
};

static bool domain_visible(const struct gd_file *f)
{
	for (; f; f = f->parent) {
		for (size_t i = 0; i < f->nperms; i++) {
			if (f->perms[i].type == GD_DOMAIN || f->perms[i].type == GD_ANYONE)
				return true;
		}
	}
	return false;
}

static bool listing_takes(struct gg_call *c, const struct listing *l, struct gd_file *f)
{
	if (f->gone || !f->parent)
		return false;
	if (l->drive && f->drive != l->drive)
		return false;
	if (f->drive && !l->all_drives && !l->drive)
		return false;
	if (!f->drive && !gd_in_corpus(f, c->user) && !(l->domain && domain_visible(f)))
		return false;
	return gd_readable(c, f) && (!l->query || gd_query_match(c, l->query, f));
}

static int listing_read(struct gg_call *c, struct listing *ret)
{
	const char *corpora = gg_query(c, "corpora"), *q = gg_query(c, "q"), *missing,
		   *spaces = gg_query(c, "spaces");
	const char *drive = gg_query(c, "driveId");
	bool include =
		gg_flag(c, "includeItemsFromAllDrives", false) || gg_flag(c, "includeTeamDriveItems", false);
	struct listing l = {0};

	if (!drive)
		drive = gg_query(c, "teamDriveId");
	corpora = corpora && *corpora ? corpora : "user";
	if (strcmp(corpora, "user") != 0 && strcmp(corpora, "domain") != 0 && strcmp(corpora, "drive") != 0 &&
		strcmp(corpora, "allDrives") != 0 && strcmp(corpora, "teamDrive") != 0 &&
		strcmp(corpora, "allTeamDrives") != 0)
		return gg_error_at(c, 400, "invalid", "parameter", "corpora", "Invalid Value");
	bool of_drive = !strcmp(corpora, "drive") || !strcmp(corpora, "teamDrive");
	if (of_drive != (drive && *drive))
		return gg_error(c, 400, "badRequest",
			"The driveId parameter must be specified if and only if corpora is set to drive.");
	if ((of_drive || !strcmp(corpora, "allDrives")) && !include)
		return gg_error(c, 400, "badRequest",
			"The includeItemsFromAllDrives parameter must be set to true when driveId is "
			"specified or corpora "
			"contains drive or allDrives.");
	if (include && !gd_all_drives(c))
		return gg_error(c, 400, "badRequest",
			"The supportsAllDrives parameter must be set to true when includeItemsFromAllDrives "
			"is set to true.");
	if (spaces && *spaces && !strstr(spaces, "drive") && strcmp(spaces, "appDataFolder") != 0)
		return gg_error_at(c, 400, "invalid", "parameter", "spaces", "Invalid Value");
	if (of_drive) {
		l.drive = gd_drive_find(c->tenant, drive);
		if (!l.drive || gd_role_of(l.drive->root, c->user) == GD_NONE)
			return gg_error_at(c, 404, "notFound", "parameter", "driveId",
				"Shared drive not found: %s", drive);
	}
	l.all_drives = include;
	l.domain = !strcmp(corpora, "domain");
	if (q && *q) {
		l.query = gd_query_parse(c, q, &missing);
		if (!l.query && missing)
			return gg_error_at(c, 404, "notFound", "parameter", "fileId", "File not found: .");
		if (!l.query)
			return gg_error_at(c, 400, "invalid", "parameter", "q", "Invalid Value");
	}
	*ret = l;
	return 0;
}

struct sort_key {
	char name[24];
	bool down;
};

struct sort {
	struct sort_key keys[8];
	size_t n;
};

static int sort_read(struct gg_call *c, struct sort *ret)
{
	static const char *const known[] = {"createdTime", "folder", "modifiedByMeTime", "modifiedTime",
		"name", "name_natural", "quotaBytesUsed", "recency", "sharedWithMeTime", "starred",
		"viewedByMeTime", NULL};
	const char *by = gg_query(c, "orderBy");
	char *save = NULL;

	*ret = (struct sort){0};
	for (char *p = by ? strtok_r(arena_dup(c->req->arena, by), ",", &save) : NULL; p;
		p = strtok_r(NULL, ",", &save)) {
		p += strspn(p, " ");
		size_t n = strcspn(p, " ");
		const char *rest = p + n + strspn(p + n, " ");
		struct sort_key *k = &ret->keys[ret->n];
		bool found = false;
		for (const char *const *w = known; *w; w++)
			found |= strlen(*w) == n && !strncmp(*w, p, n);
		if (!found || ret->n + 1 == ARRAY_SIZE(ret->keys) ||
			(*rest && strcmp(rest, "desc") != 0 && strcmp(rest, "asc") != 0))
			return gg_error_at(c, 400, "invalid", "parameter", "orderBy", "Invalid Value");
		snprintf(k->name, sizeof(k->name), "%.*s", (int)n, p);
		k->down = !strcmp(rest, "desc");
		ret->n++;
	}
	return 0;
}

static int order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_keys(const void *a, const void *b, void *arg)
{
	const struct gd_file *x = *(struct gd_file *const *)a, *y = *(struct gd_file *const *)b;
	const struct sort *s = arg;

	for (size_t i = 0; i < s->n; i++) {
		const char *k = s->keys[i].name;
		int r;
		if (!strncmp(k, "name", 4))
			r = strcasecmp(x->name, y->name);
		else if (!strcmp(k, "folder"))
			r = gd_is_folder(y) - gd_is_folder(x);
		else if (!strcmp(k, "createdTime"))
			r = order(x->created, y->created);
		else if (!strcmp(k, "starred"))
			r = y->starred - x->starred;
		else if (!strcmp(k, "quotaBytesUsed"))
			r = order(y->nrevisions ? fc_blob_size(gd_head(y)->blob) : 0,
				x->nrevisions ? fc_blob_size(gd_head(x)->blob) : 0);
		else
			r = !strcmp(k, "recency") ? order(y->modified, x->modified)
						  : order(x->modified, y->modified);
		if (r)
			return s->keys[i].down ? -r : r;
	}
	return order((int64_t)x->index, (int64_t)y->index);
}

int gd_files_list(struct gg_call *c)
{
	struct listing l = {0};
	struct sort s;
	size_t from, n = 0;
	int max = gg_page_size(c, "pageSize", 100, 1000);
	struct gd_file **found;
	cJSON *doc, *list;

	if (gd_check_service(c) < 0 || listing_read(c, &l) < 0 || sort_read(c, &s) < 0 ||
		gd_page_offset(c, &from) < 0)
		return -1;
	if (max < 0)
		return gg_error_at(c, 400, "invalidParameter", "parameter", "pageSize",
			"Invalid value '%s'. Values must be within the range: [1, 1000]",
			gg_query(c, "pageSize"));
	/* In the order of making, a token names the next file; sorted, the number of files before it. */
	found = arena_alloc(c->req->arena, (s.n ? c->tenant->nall : (size_t)max + 1) * sizeof(*found) + 1);
	for (size_t i = s.n ? 0 : from; i < c->tenant->nall && (s.n || n <= (size_t)max); i++) {
		if (listing_takes(c, &l, c->tenant->all[i]))
			found[n++] = c->tenant->all[i];
	}
	if (s.n) {
		qsort_r(found, n, sizeof(*found), by_keys, &s);
		found += from < n ? from : n;
		n -= from < n ? from : n;
	}
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "drive#fileList");
	if (n > (size_t)max) {
		gd_page_next(c, doc, s.n ? from + (size_t)max : found[max]->index);
		n = (size_t)max;
	}
	cJSON_AddBoolToObject(doc, "incompleteSearch", false);
	list = cJSON_AddArrayToObject(doc, "files");
	for (size_t i = 0; mask_wants(c->mask, "files") && i < n; i++)
		cJSON_AddItemToArray(list, gd_file_json(c, found[i], mask_sub(c->mask, "files")));
	return gg_reply(c, doc);
}

int gd_files_get(struct gg_call *c)
{
	struct gd_file *f = gd_file_of(c, c->var[0]);
	const char *alt = gg_query(c, "alt");

	if (!f)
		return -1;
	if (alt && !strcmp(alt, "media"))
		return gd_send_media(c, f, gd_head(f));
	if (gg_flag(c, "acknowledgeAbuse", false) && !f->malware)
		return gd_bad_acknowledgment(c);
	return gg_reply(c, gd_file_json(c, f, c->mask));
}

int gd_files_generate_ids(struct gg_call *c)
{
	int n = gg_page_size(c, "count", 10, 1000);
	cJSON *doc, *ids;

	if (n < 0)
		return gg_error_at(c, 400, "invalidParameter", "parameter", "count", "Invalid value");
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", "drive#generatedIds");
	cJSON_AddStringToObject(doc, "space", "drive");
	ids = cJSON_AddArrayToObject(doc, "ids");
	for (int i = 0; i < n; i++) {
		char id[40];
		gg_new_id(id, 32, "1");
		cJSON_AddItemToArray(ids, cJSON_CreateString(id));
	}
	return gg_reply(c, doc);
}

int gd_files_watch(struct gg_call *c)
{
	struct gd_file *f = gd_file_of(c, c->var[0]);

	if (!f)
		return -1;
	return gg_watch_reply(c,
		arena_printf(c->req->arena, "www.googleapis.com/drive/v3/files/%s?alt=json", f->id), 3600000,
		86400000);
}

/* ---- labels and comments: there are none ---- */

static int empty_list(struct gg_call *c, const char *kind, const char *name)
{
	cJSON *doc;

	if (!gd_file_of(c, c->var[0]))
		return -1;
	doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "kind", kind);
	cJSON_AddArrayToObject(doc, name);
	return gg_reply(c, doc);
}

int gd_files_labels(struct gg_call *c)
{
	return empty_list(c, "drive#labelList", "labels");
}

int gd_files_modify_labels(struct gg_call *c)
{
	cJSON *body = gg_body(c);

	if (!body)
		return -1;
	if (cJSON_GetArraySize(json_array(body, "labelModifications")))
		return gd_file_of(c, c->var[0]) ? gg_error(c, 400, "labelNotFound",
							  "The label does not exist or is not published.")
						: -1;
	return empty_list(c, "drive#modifyLabelsResponse", "modifiedLabels");
}

int gd_comments_list(struct gg_call *c)
{
	if (!gg_query(c, "fields"))
		return gg_error_at(c, 400, "required", "parameter", "fields",
			"The 'fields' parameter is required for this method.");
	return empty_list(c, "drive#commentList", "comments");
}

int gd_comments_get(struct gg_call *c)
{
	if (!gd_file_of(c, c->var[0]))
		return -1;
	return gg_error_at(c, 404, "notFound", "parameter", "commentId", "Comment not found: %s", c->var[1]);
}
