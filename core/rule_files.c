/* See rule_files.h. */
#include "core/rule_files.h"

#include "base/i18n.h"
#include "base/ioutil.h"
#include "connectors/connector.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILES 200
#define FILE_BYTES (2u << 20) /* the compiler's own limit */
#define ALL_BYTES (40u << 20)

static int add_file(const char *path, struct arena *a, struct policy_source *src, size_t *n, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(FILE_BYTES + 1);

	if (*n == MAX_FILES)
		return err_set(err, ERR_TOO_BIG, "too_many_files", _("more than %d rule files"), MAX_FILES);
	if (io_read_file(path, &text, err) < 0)
		return -1;
	src[*n] = (struct policy_source){arena_dup(a, path), arena_dupn(a, buf_str(&text), text.len), text.len};
	if (!src[*n].name || !src[*n].text)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	++*n;
	return 0;
}

static int is_rule_file(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 && strcmp(d->d_name + len - 5, ".yaml") == 0;
}

static int add_folder(const char *path, struct arena *a, struct policy_source *src, size_t *n, struct err *err)
{
	struct dirent **list = NULL;
	int entries = scandir(path, &list, is_rule_file, alphasort), r = 0;

	if (entries < 0)
		return err_errno(err, "%s", path);
	for (int i = 0; i < entries; i++) {
		char file[4096];
		if (r == 0 && snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name) < (int)sizeof(file))
			r = add_file(file, a, src, n, err);
		free(list[i]);
	}
	free(list);
	return r;
}

/* Once: who checks a file that sekisho.yaml names anyway wants no complaint about it. */
static int add_path(const char *path, struct arena *a, struct policy_source *src, size_t *n, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, "%s", path);
	for (size_t i = 0; i < *n; i++)
		if (strcmp(src[i].name, path) == 0)
			return 0;
	return S_ISDIR(st.st_mode) ? add_folder(path, a, src, n, err) : add_file(path, a, src, n, err);
}

int rule_files_read(const struct settings *set, const char *const *paths, size_t n, struct arena *a, struct policy_source **ret, size_t *ret_n, struct err *err)
{
	size_t shipped, count = 0;
	const struct policy_source *own = policy_shipped(&shipped);
	struct policy_source *src = arena_alloc(a, (shipped + MAX_FILES) * sizeof(*src));

	if (!src)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	memcpy(src, own, shipped * sizeof(*src));
	for (int i = 0; i < set->n_policy; i++)
		if (add_path(set->policy[i], a, src + shipped, &count, err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (add_path(paths[i], a, src + shipped, &count, err) < 0)
			return -1;
	*ret = src;
	*ret_n = shipped + count;
	return 0;
}

int rule_files_compile(const struct settings *set, const char *const *paths, size_t n, struct policy **ret, struct policy_problems *problems, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(ALL_BYTES);
	struct policy_source *src;
	size_t n_src;

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	return rule_files_read(set, paths, n, a, &src, &n_src, err) < 0 ? -1 : policy_compile(src, n_src, ret, problems, err);
}

size_t rule_files_support(struct policy_support *ret, size_t max)
{
	static const struct {
		enum act_kind act;
		enum policy_action action;
	} same[] = {{ACT_QUARANTINE, POLICY_QUARANTINE}, {ACT_DELETE, POLICY_DELETE}, {ACT_TAG, POLICY_TAG}, {ACT_UNSHARE, POLICY_UNSHARE},
		{ACT_REPLACE, POLICY_REPLACE}, {ACT_BLOCK, POLICY_BLOCK}};
	size_t n = 0;

	for (const struct connector *const *c = connector_all(); *c; c++) {
		for (const struct act_support *s = (*c)->acts; s && s->service && n < max; s++) {
			ret[n] = (struct policy_support){.service = s->service, .actions = 1u << POLICY_NONE | 1u << POLICY_REPORT};
			for (size_t i = 0; i < ARRAY_SIZE(same); i++)
				if (s->acts & 1u << same[i].act)
					ret[n].actions |= 1u << same[i].action;
			n++;
		}
	}
	return n;
}
