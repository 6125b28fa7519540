/* Listing of signature folders; see database.h. */
#include "scan/database.h"

#include "base/digest.h"
#include "base/encode.h"
#include "base/log.h"

#include <clamav.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* libclamav's CLI_DBEXT, without ".cat" and ".pwdb": catalogues mean nothing here, and passwords tried on
 * archives would make the verdict depend on them. */
static const char *const extensions[] = {".db", ".hdb", ".hdu", ".fp", ".mdb", ".mdu", ".hsb", ".hsu", ".sfp", ".msb",
	".msu", ".ndb", ".ndu", ".ldb", ".ldu", ".sdb", ".zmd", ".rmd", ".pdb", ".gdb", ".wdb", ".cbc", ".ftm",
	".cfg", ".cvd", ".cld", ".cud", ".cdb", ".crb", ".idb", ".ioc", ".yar", ".yara", ".ign", ".ign2", ".imp"};

static bool is_signatures(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && dot != name && i < ARRAY_SIZE(extensions); i++)
		if (strcasecmp(dot, extensions[i]) == 0)
			return true;
	return false;
}

static int order_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (strcmp(dot, ".ign") == 0 || strcmp(dot, ".ign2") == 0)
		return 1;
	if (strcmp(name, "daily.cld") == 0 || strcmp(name, "daily.cvd") == 0)
		return 2;
	if (strcmp(name, "local.gdb") == 0)
		return 3;
	if (strcmp(name, "daily.cfg") == 0)
		return 4;
	return strcmp(dot, ".crb") == 0 ? 5 : 6;
}

static int compare(const void *a, const void *b)
{
	const struct database_file *x = a, *y = b;

	return x->order != y->order ? x->order - y->order : strcmp(x->path, y->path);
}

static int add_file(struct database *d, const char *dir, const char *name, struct err *err)
{
	struct stat st;
	char path[1024];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) || stat(path, &st) < 0 ||
		!S_ISREG(st.st_mode))
		return 0;
	if (d->n_files == DATABASE_MAX_FILES)
		return err_set(err, ERR_TOO_BIG, "too_many_signature_files", "more than %d signature files",
			DATABASE_MAX_FILES);
	if (d->n_files % 64 == 0) {
		struct database_file *more = realloc(d->files, sizeof(*more) * (size_t)(d->n_files + 64));
		if (!more)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		d->files = more;
	}
	struct database_file *f = &d->files[d->n_files];
	*f = (struct database_file){.path = strdup(path), .size = st.st_size, .inode = st.st_ino,
		.mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec, .order = order_of(name)};
	if (!f->path)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	d->n_files++;
	return 0;
}

static int list_dir(struct database *d, const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int r = 0;

	if (!dir) {
		if (errno != ENOENT)
			log_warn("scan.folder", "path=%s error=%s", path, strerror(errno));
		return 0;
	}
	while (r == 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.' && is_signatures(e->d_name))
			r = add_file(d, path, e->d_name, err);
	closedir(dir);
	return r;
}

/* freshclam leaves daily.cld beside an older daily.cvd (or the other way): the newer one counts. */
static void drop_older_twins(struct database *d)
{
	int kept = 0;

	for (int i = 0; i < d->n_files; i++) {
		size_t len = strlen(d->files[i].path);
		bool older = false;
		for (int k = 0; k < d->n_files && len > 4; k++) {
			const struct database_file *o = &d->files[k];
			if (k == i || !o->path || strlen(o->path) != len || strncmp(o->path, d->files[i].path, len - 3) != 0 ||
				(strcmp(o->path + len - 4, ".cld") != 0 && strcmp(o->path + len - 4, ".cvd") != 0) ||
				(strcmp(d->files[i].path + len - 4, ".cld") != 0 &&
					strcmp(d->files[i].path + len - 4, ".cvd") != 0))
				continue;
			struct cl_cvd *mine = cl_cvdhead(d->files[i].path), *other = cl_cvdhead(o->path);
			older = other && (!mine || mine->version < other->version ||
				(mine->version == other->version && strcmp(d->files[i].path, o->path) > 0));
			if (mine)
				cl_cvdfree(mine);
			if (other)
				cl_cvdfree(other);
		}
		if (older) {
			free(d->files[i].path);
			d->files[i].path = NULL;
		}
	}
	for (int i = 0; i < d->n_files; i++)
		if (d->files[i].path)
			d->files[kept++] = d->files[i];
	d->n_files = kept;
}

int database_list(const struct scan_config *config, struct database *ret, struct err *err)
{
	struct database d = {0};

	for (int i = 0; i < config->n_dirs; i++) {
		if (list_dir(&d, config->dirs[i], err) < 0) {
			database_free(&d);
			return -1;
		}
	}
	drop_older_twins(&d);
	if (d.n_files)
		qsort(d.files, (size_t)d.n_files, sizeof(*d.files), compare);
	*ret = d;
	return 0;
}

void database_free(struct database *d)
{
	if (!d)
		return;
	for (int i = 0; i < d->n_files; i++)
		free(d->files[i].path);
	free(d->files);
	*d = (struct database){0};
}

static bool same_file(const struct database_file *a, const struct database_file *b)
{
	return strcmp(a->path, b->path) == 0 && a->size == b->size && a->mtime_ns == b->mtime_ns && a->inode == b->inode;
}

bool database_same(const struct database *a, const struct database *b)
{
	if (a->n_files != b->n_files)
		return false;
	for (int i = 0; i < a->n_files; i++)
		if (!same_file(&a->files[i], &b->files[i]))
			return false;
	return true;
}

struct database_file *database_find(struct database *d, const char *path)
{
	for (int i = 0; i < d->n_files; i++)
		if (strcmp(d->files[i].path, path) == 0)
			return &d->files[i];
	return NULL;
}

void database_keep_left_out(struct database *d, const struct database *old)
{
	for (int i = 0; i < old->n_files; i++) {
		if (!old->files[i].left_out)
			continue;
		struct database_file *f = database_find(d, old->files[i].path);
		if (f && same_file(f, &old->files[i]))
			f->left_out = true;
	}
}

int database_digest(const struct database *d, char out[65], struct err *err)
{
	struct digester *all = digester_new(DIGEST_SHA256);
	struct digests sum;

	if (!all)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (int i = 0; i < d->n_files; i++) {
		struct digests one;
		if (d->files[i].left_out)
			continue;
		_cleanup_close_ int fd = open(d->files[i].path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || digest_fd(DIGEST_SHA256, fd, &one) < 0) {
			err_errno(err, "%s", d->files[i].path);
			digester_free(all);
			return -1;
		}
		digester_update(all, one.sha256, sizeof(one.sha256));
	}
	digester_finish(all, &sum);
	memcpy(out, sum.sha256, 65);
	return 0;
}
