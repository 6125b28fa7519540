/* Who reaches a file of Box beside its owner. Called by unshare.c, feed.c and, for core, box.c. See box.h for threads.
 *
 * A file's collaborations come with those of the folders above; a folder's link opens it too. Costs: the file, its
 * collaborations, and one call for each folder above when Box says that the file can be reached by a link. */
#include "connectors/box/place.h"
#include "connectors/outside.h"

#include <ctype.h>
#include <string.h>

#define FOLDERS_MAX 30

void box_access_free(struct box_access *a)
{
	arena_free(a->arena);
	cJSON_Delete(a->list);
	*a = (struct box_access){0};
}

static int add_above(struct box_access *a, const char *what, const char *folder, struct err *err)
{
	struct box_above *one = &a->above[a->n_above];

	*one = (struct box_above){.what = arena_dup(a->arena, what), .folder = arena_dup(a->arena, folder)};
	if (!one->what || !one->folder)
		return err_memory(err);
	a->n_above++;
	return 0;
}

static int add_outside(struct box_access *a, const char *address, struct err *err)
{
	char *lower = text_lower(arena_dup(a->arena, address));

	if (!lower)
		return err_memory(err);
	for (size_t i = 0; i < a->n_outside; i++)
		if (strcmp(a->outside[i], lower) == 0)
			return 0;
	a->outside[a->n_outside++] = lower;
	return 0;
}

static const char *parent_of(const cJSON *file)
{
	return json_str_or(json_object(file, "parent"), "id", "0");
}

/* The folder that a collaboration comes from; "" for the file's own. An invitation that waits may name neither: then it is its
 * folder's when that lists it too. */
static int find_source(struct connection *c, const cJSON *file, const char *user, const cJSON *e, cJSON **folders, const char **ret,
	struct err *err)
{
	const cJSON *item = json_object(e, "item"), *other;
	const char *id = json_str(item, "id"), *parent = parent_of(file);

	*ret = "";
	if (id) {
		if (strcmp(id, json_str_or(file, "id", "")) != 0)
			*ret = json_str_or(item, "name", id);
		return 0;
	}
	if (strcmp(parent, "0") == 0)
		return 0;
	if (!*folders && box_collaborations_all(c, "folders", parent, user, folders, err) < 0) {
		if (!box_refused(err))
			return -1;
		*folders = cJSON_CreateArray();
	}
	cJSON_ArrayForEach(other, *folders)
	{
		if (strcmp(json_str_or(other, "id", ""), json_str_or(e, "id", "-")) == 0)
			*ret = json_str_or(json_object(file, "parent"), "name", parent);
	}
	return 0;
}

static int read_people(struct connection *c, const cJSON *file, const char *user, struct box_access *a, struct err *err)
{
	_cleanup_json_ cJSON *folders = NULL;
	const cJSON *e;

	cJSON_ArrayForEach(e, a->list)
	{
		const char *address = box_collaborator(e), *folder;
		bool inside;
		if (!address || strcmp(json_str_or(e, "role", ""), "owner") == 0 || strcmp(json_str_or(e, "status", ""), "rejected") == 0)
			continue;
		if (box_inside(c, address, &inside, err) < 0)
			return -1;
		if (inside)
			continue;
		if (add_outside(a, address, err) < 0 || find_source(c, file, user, e, &folders, &folder, err) < 0)
			return -1;
		if (!*folder)
			a->own[a->n_own++] = e;
		else if (add_above(a, address, folder, err) < 0)
			return -1;
	}
	return 0;
}

static const char *link_access(const cJSON *thing)
{
	const cJSON *link = json_object(thing, "shared_link");

	return link ? json_str_or(link, "effective_access", json_str_or(link, "access", "")) : "";
}

static int read_folder_links(struct connection *c, const cJSON *file, const char *user, struct box_access *a, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	const cJSON *e;
	int n = 0;

	cJSON_ArrayForEach(e, json_array(json_object(file, "path_collection"), "entries"))
	{
		_cleanup_json_ cJSON *folder = NULL;
		const char *id = json_str_or(e, "id", "0");
		if (strcmp(id, "0") == 0)
			continue;
		if (n++ == FOLDERS_MAX)
			break;
		if (box_url(c, &url, err, "/folders/{}", id, NULL) < 0)
			return -1;
		if (url_query(&url, "fields", "id,name,shared_link") < 0)
			return err_memory(err);
		if (box_get(c, buf_str(&url), user, &folder, err) < 0) {
			if (!box_refused(err))
				return -1;
			continue;
		}
		bool open = strcmp(link_access(folder), "open") == 0;
		a->link_above |= open;
		a->company_above |= strcmp(link_access(folder), "company") == 0;
		if (open && add_above(a, "a public link", json_str_or(folder, "name", id), err) < 0)
			return -1;
	}
	return 0;
}

int box_access_read(struct connection *c, const cJSON *file, const char *user, struct box_access *ret, struct err *err)
{
	struct box_access a = {.arena = arena_new(16u << 20)};

	if (!a.arena)
		return err_memory(err);
	if (box_collaborations_all(c, "files", json_str_or(file, "id", ""), user, &a.list, err) < 0) {
		if (!box_refused(err)) {
			box_access_free(&a);
			return -1;
		}
		a.unknown = true;
		a.why = *err;
		a.list = cJSON_CreateArray();
	}
	size_t n = (size_t)cJSON_GetArraySize(a.list) + FOLDERS_MAX + 1;
	a.own = arena_alloc(a.arena, n * sizeof(*a.own));
	a.above = arena_alloc(a.arena, n * sizeof(*a.above));
	a.outside = arena_alloc(a.arena, n * sizeof(*a.outside));
	int r = a.list && a.own && a.above && a.outside ? 0 : err_memory(err);
	if (r == 0)
		r = read_people(c, file, user, &a, err);
	if (r == 0 && json_bool(file, "is_accessible_via_shared_link"))
		r = read_folder_links(c, file, user, &a, err);
	if (r < 0) {
		box_access_free(&a);
		return -1;
	}
	*ret = a;
	return 0;
}

int box_sharing(struct connection *c, const struct stream_info *stream, const struct item *item, struct sharing *ret,
	struct err *err)
{
	_cleanup_(box_access_free) struct box_access a = {0};
	_cleanup_json_ cJSON *context = NULL, *file = NULL;

	if (own_json(item->context, ERR_LOCAL, &context, err) < 0)
		return -1;
	const char *user = json_str_or(context, "user", "");
	if (!*user)
		return err_set(err, ERR_LOCAL, "bad_context", "an item without a user");
	if (box_file(c, item->id, user, &file, err) < 0 || box_access_read(c, file, user, &a, err) < 0)
		return -1;
	struct sharing s = {.arena = ret->arena};
	const cJSON *link = json_object(file, "shared_link");
	bool open = strcmp(link_access(file), "open") == 0;
	s.public_link = open || a.link_above;
	/* Half of it is better than nothing; nothing is no answer. A Box that does not know collaborations of files has none. */
	if (a.unknown && !s.public_link && a.why.http_status == 403)
		return pass_on(err, &a.why);
	s.organisation_link = strcmp(link_access(file), "company") == 0 || a.company_above;
	s.password = open && !a.link_above && json_bool(link, "is_password_enabled");
	s.expires = open && !a.link_above && json_str(link, "unshared_at");
	for (size_t i = 0; i < a.n_outside; i++)
		if (sharing_add_outside(&s, a.outside[i], err) < 0)
			return -1;
	*ret = s;
	return 0;
}

const char *box_sharing_mark(struct arena *a, const cJSON *file, const char *people)
{
	const cJSON *link = json_object(file, "shared_link");
	const char *access = link_access(file);
	bool above = !link && json_bool(file, "is_accessible_via_shared_link");

	return arena_printf(a, "%.20s%s%s%s%s%.60s", access, json_bool(link, "is_password_enabled") ? "+password" : "",
		json_str(link, "unshared_at") ? "+end" : "", above ? "folder's link" : "",
		json_bool(file, "has_collaborations") || people ? ",people" : "", people ? people : "");
}

static uint64_t mix(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3ull;
	return h;
}

uint64_t box_people_hash(const cJSON *collaborations)
{
	uint64_t sum = 0;
	const cJSON *e;

	cJSON_ArrayForEach(e, collaborations)
	{
		const char *address = box_collaborator(e);
		const char *who = address ? address : json_str_or(json_object(e, "accessible_by"), "id", "");
		if (strcmp(json_str_or(e, "status", ""), "rejected") != 0)
			sum += mix(mix(0xcbf29ce484222325ull, who), json_str_or(e, "role", ""));
	}
	return sum;
}
