/* Lists in files; see lists.h. The watch's lock guards what serves now; one thread at a time reads files, the others go on with
 * what there was. */
#include "policy/lists.h"

#include "base/ioutil.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "policy/lists_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS 3000    /* between two looks at the files */
#define SETTLE_MS 1000  /* a file that is being written rests afterwards */
#define FILE_MAX (1ll << 30)

struct watched {
	enum lists_kind kind;
	char *path;
	struct stat was; /* of what was read last, good or bad */
	bool tried;
	struct lists_state state;
	struct list_data *data; /* NULL: never read */
};

struct lists_watch {
	pthread_mutex_t lock;    /* of current, state and looked_at */
	pthread_mutex_t reading; /* of the files and their data */
	int64_t looked_at;
	struct lists *current;
	size_t n;
	struct watched *files;
};

static struct list_data *data_ref(struct list_data *d)
{
	if (d)
		atomic_fetch_add(&d->refs, 1);
	return d;
}

void lists_put(struct lists *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	for (size_t i = 0; i < l->n; i++)
		list_data_put(l->data[i]);
	free(l->data);
	free(l->protected);
	free(l->looks);
	free(l);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The snapshot of what all files say. */
static struct lists *assemble(const struct lists_watch *w)
{
	struct lists *l = calloc(1, sizeof(*l));
	size_t n = 0;

	if (!l)
		return NULL;
	atomic_init(&l->refs, 1);
	l->data = calloc(w->n + 1, sizeof(*l->data));
	for (size_t i = 0; i < w->n; i++)
		n += w->files[i].data ? w->files[i].data->n_names : 0;
	l->protected = calloc(n + 1, sizeof(*l->protected));
	if (!l->data || !l->protected) {
		lists_put(l);
		return NULL;
	}
	for (size_t i = 0; i < w->n; i++) {
		struct list_data *d = w->files[i].data;
		if (!d)
			continue;
		l->data[l->n++] = data_ref(d);
		for (size_t k = 0; k < d->n_names; k++)
			l->protected[l->n_protected++] = d->names[k];
	}
	if (l->n_protected)
		qsort(l->protected, l->n_protected, sizeof(*l->protected), by_text);
	n = 0;
	for (size_t i = 0; i < l->n_protected; i++)
		if (n == 0 || strcmp(l->protected[n - 1], l->protected[i]) != 0)
			l->protected[n++] = l->protected[i];
	l->n_protected = n;
	l->looks = calloc(n + 1, sizeof(*l->looks));
	for (size_t i = 0; i < n && l->looks; i++)
		l->n_looks += lookalike_make(l->protected[i], &l->looks[l->n_looks]);
	return l;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int read_file(struct watched *f, struct list_data **ret, struct lists_state *state, struct err *err)
{
	_cleanup_close_ int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	const void *text = NULL;
	size_t len = 0;

	if (fd < 0)
		return err_errno(err, "%s", f->path);
	if (f->was.st_size > FILE_MAX)
		return err_set(err, ERR_TOO_BIG, "too_big", "%s is larger than 1 GiB", f->path);
	if (io_map(fd, &text, &len, err) < 0)
		return -1;
	int r = list_data_read(f->kind, base_name(f->path), text, len, ret, state, err);
	if (text)
		io_unmap(text, len);
	return r;
}

/* true: what serves must be put together anew. Under `reading`. */
static bool look_at(struct lists_watch *w, struct watched *f, int64_t now)
{
	struct stat st;
	struct err err = {0};
	struct list_data *data = NULL;
	struct lists_state state = {0};

	if (stat(f->path, &st) < 0) {
		if (!f->tried || !f->state.trouble[0])
			log_warn("lists.file", "path=%s trouble=\"%s\"", f->path, strerror(errno));
		pthread_mutex_lock(&w->lock);
		snprintf(f->state.trouble, sizeof(f->state.trouble), "%s", strerror(errno));
		pthread_mutex_unlock(&w->lock);
		f->tried = true;
		memset(&f->was, 0, sizeof(f->was));
		return false;
	}
	int64_t age = now - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
	if ((f->tried && same(&st, &f->was)) || (f->data && age >= 0 && age < SETTLE_MS))
		return false;
	f->tried = true;
	f->was = st;
	int r = st.st_size == 0 && f->data && (f->state.entries > 0) ?
		err_set(&err, ERR_REMOTE, "bad_list", "the file is empty now") :
		read_file(f, &data, &state, &err);
	pthread_mutex_lock(&w->lock);
	if (r < 0) {
		snprintf(f->state.trouble, sizeof(f->state.trouble), "%s", err.message);
	} else {
		f->state.entries = state.entries;
		f->state.skipped = state.skipped;
		f->state.short_prefixes = state.short_prefixes;
		f->state.loaded_at = now;
		f->state.trouble[0] = '\0';
	}
	pthread_mutex_unlock(&w->lock);
	if (r < 0) {
		log_warn("lists.file", "path=%s trouble=\"%s\" kept=%zu", f->path, err.message, f->state.entries);
		return false;
	}
	log_info("lists.file", "path=%s entries=%zu skipped=%zu", f->path, state.entries, state.skipped);
	list_data_put(f->data);
	f->data = data;
	return true;
}

static void look(struct lists_watch *w, int64_t now)
{
	bool changed = w->current == NULL;

	for (size_t i = 0; i < w->n; i++)
		changed |= look_at(w, &w->files[i], now);
	struct lists *l = changed ? assemble(w) : NULL;
	if (!l)
		return;
	pthread_mutex_lock(&w->lock);
	struct lists *before = w->current;
	w->current = l;
	pthread_mutex_unlock(&w->lock);
	lists_put(before);
}

int lists_watch_new(const struct lists_file *files, size_t n, struct lists_watch **ret, struct err *err)
{
	struct lists_watch *w = calloc(1, sizeof(*w));

	if (w) {
		pthread_mutex_init(&w->lock, NULL);
		pthread_mutex_init(&w->reading, NULL);
		w->files = calloc(n + 1, sizeof(*w->files));
	}
	for (size_t i = 0; w && w->files && i < n; i++, w->n++) {
		w->files[i] = (struct watched){.kind = files[i].kind, .path = strdup(files[i].path)};
		w->files[i].state = (struct lists_state){.path = w->files[i].path, .kind = files[i].kind};
		if (!w->files[i].path)
			break;
	}
	if (!w || !w->files || w->n != n) {
		lists_watch_free(w);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	*ret = w;
	return 0;
}

void lists_watch_free(struct lists_watch *w)
{
	if (!w)
		return;
	lists_put(w->current);
	for (size_t i = 0; w->files && i < w->n; i++) {
		list_data_put(w->files[i].data);
		free(w->files[i].path);
	}
	free(w->files);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->reading);
	free(w);
}

struct lists *lists_get(struct lists_watch *w)
{
	int64_t now = time_monotonic_ms();

	pthread_mutex_lock(&w->lock);
	bool first = w->current == NULL, due = first || now - w->looked_at >= LOOK_MS;
	if (due)
		w->looked_at = now;
	pthread_mutex_unlock(&w->lock);
	if (first)
		pthread_mutex_lock(&w->reading);
	if (first || (due && pthread_mutex_trylock(&w->reading) == 0)) {
		if (!first || !w->current)
			look(w, time_now_ms());
		pthread_mutex_unlock(&w->reading);
	}
	pthread_mutex_lock(&w->lock);
	struct lists *l = w->current;
	if (l)
		atomic_fetch_add(&l->refs, 1);
	pthread_mutex_unlock(&w->lock);
	return l;
}

size_t lists_states(struct lists_watch *w, struct lists_state *ret, size_t max)
{
	size_t n = w->n < max ? w->n : max;

	lists_put(lists_get(w));
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < n; i++)
		ret[i] = w->files[i].state;
	pthread_mutex_unlock(&w->lock);
	return n;
}

size_t lists_protected(const struct lists *l, const char *const **ret)
{
	*ret = l ? l->protected : NULL;
	return l ? l->n_protected : 0;
}

size_t lists_looks(const struct lists *l, const struct lookalike **ret)
{
	*ret = l ? l->looks : NULL;
	return l ? l->n_looks : 0;
}
