/* The VFS of fault.h: passes everything on to the system's, counting writes and remembering what is not synced yet. */
#include "store/fault.h"

#include "base/cleanup.h"
#include "base/ioutil.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#define SECTOR 512
#define IMAGES_MAX 8

/* A change that is not synced: data at an offset, or a new length (data NULL). */
struct change {
	sqlite3_int64 at;
	size_t len;
	unsigned char *data;
	struct change *next;
};

/* One file: what is safely on the disk, and what came after. */
struct image {
	char path[512];
	unsigned char *data;
	size_t len, cap;
	struct change *first, **last;
};

struct faulty_file {
	sqlite3_file base;
	struct image *image;
	bool counted; /* main file or log */
	sqlite3_file *real;
};

static struct {
	pthread_mutex_t lock;
	sqlite3_vfs vfs, *real;
	bool installed, full, no_sync, recording;
	int until_full, per_mille, count;
	unsigned seed;
	struct image images[IMAGES_MAX];
	int n_images;
} fault = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct faulty_file *)file)->real;
}

static void image_write(struct image *i, sqlite3_int64 at, const unsigned char *data, size_t len)
{
	size_t end = (size_t)at + len;

	if (end > i->cap) {
		size_t cap = end * 2;
		i->data = realloc(i->data, cap);
		if (!i->data)
			abort();
		memset(i->data + i->cap, 0, cap - i->cap);
		i->cap = cap;
	}
	if (end > i->len)
		i->len = end;
	memcpy(i->data + at, data, len);
}

static void image_apply(struct image *i, const struct change *c)
{
	if (c->data)
		image_write(i, c->at, c->data, c->len);
	else if ((size_t)c->at < i->len) {
		memset(i->data + c->at, 0, i->len - (size_t)c->at);
		i->len = (size_t)c->at;
	}
}

static void image_change(struct image *i, sqlite3_int64 at, const void *data, size_t len)
{
	/* The recording ended while the file is open. */
	if (!i->last)
		return;
	struct change *c = calloc(1, sizeof(*c));
	if (!c || (data && !(c->data = malloc(len))))
		abort();
	if (data)
		memcpy(c->data, data, len);
	c->at = at;
	c->len = len;
	*i->last = c;
	i->last = &c->next;
}

static void image_forget(struct image *i, bool apply)
{
	for (struct change *c = i->first, *next; c; c = next) {
		next = c->next;
		if (apply)
			image_apply(i, c);
		free(c->data);
		free(c);
	}
	i->first = NULL;
	if (i->last)
		i->last = &i->first;
}

/* The image of a file that is opened while recording; what it holds now counts as synced. */
static struct image *image_of(const char *path)
{
	_cleanup_buf_ struct buf b = BUF_INIT(256 << 20);

	for (int i = 0; i < fault.n_images; i++)
		if (strcmp(fault.images[i].path, path) == 0)
			return &fault.images[i];
	if (fault.n_images == IMAGES_MAX || strlen(path) >= sizeof(fault.images[0].path))
		abort();
	struct image *i = &fault.images[fault.n_images++];
	snprintf(i->path, sizeof(i->path), "%s", path);
	i->last = &i->first;
	if (io_read_file(path, &b, NULL) == 0 && b.len > 0)
		image_write(i, 0, (const unsigned char *)b.data, b.len);
	return i;
}

/* Called with the lock: is this write one that fails? */
static bool no_room(const struct faulty_file *f)
{
	if (!f->counted)
		return false;
	if (fault.until_full > 0 && --fault.until_full == 0)
		fault.full = true;
	bool fails = fault.full || (fault.per_mille > 0 && rand_r(&fault.seed) % 1000 < fault.per_mille);
	fault.count += fails;
	return fails;
}

static int faulty_close(sqlite3_file *file)
{
	return real_of(file)->pMethods ? real_of(file)->pMethods->xClose(real_of(file)) : SQLITE_OK;
}

static int faulty_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at)
{
	return real_of(file)->pMethods->xRead(real_of(file), data, len, at);
}

static int faulty_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	struct faulty_file *f = (struct faulty_file *)file;

	pthread_mutex_lock(&fault.lock);
	int rc = no_room(f) ? SQLITE_FULL : f->real->pMethods->xWrite(f->real, data, len, at);
	if (rc == SQLITE_OK && f->image)
		image_change(f->image, at, data, (size_t)len);
	pthread_mutex_unlock(&fault.lock);
	return rc;
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	struct faulty_file *f = (struct faulty_file *)file;

	pthread_mutex_lock(&fault.lock);
	int rc = f->real->pMethods->xTruncate(f->real, len);
	if (rc == SQLITE_OK && f->image)
		image_change(f->image, len, NULL, 0);
	pthread_mutex_unlock(&fault.lock);
	return rc;
}

static int faulty_sync(sqlite3_file *file, int flags)
{
	struct faulty_file *f = (struct faulty_file *)file;

	pthread_mutex_lock(&fault.lock);
	int rc = SQLITE_IOERR_FSYNC;
	if (!fault.no_sync || !f->counted)
		rc = f->real->pMethods->xSync(f->real, flags);
	else
		fault.count++;
	if (rc == SQLITE_OK && f->image)
		image_forget(f->image, true);
	pthread_mutex_unlock(&fault.lock);
	return rc;
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), ret);
}

static int faulty_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int faulty_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int faulty_reserved(sqlite3_file *file, int *ret)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int faulty_control(sqlite3_file *file, int op, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int faulty_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int faulty_device(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int faulty_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, ret);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void faulty_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int faulty_shm_unmap(sqlite3_file *file, int delete)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = faulty_close,
	.xRead = faulty_read,
	.xWrite = faulty_write,
	.xTruncate = faulty_truncate,
	.xSync = faulty_sync,
	.xFileSize = faulty_size,
	.xLock = faulty_lock,
	.xUnlock = faulty_unlock,
	.xCheckReservedLock = faulty_reserved,
	.xFileControl = faulty_control,
	.xSectorSize = faulty_sector,
	.xDeviceCharacteristics = faulty_device,
	.xShmMap = faulty_shm_map,
	.xShmLock = faulty_shm_lock,
	.xShmBarrier = faulty_shm_barrier,
	.xShmUnmap = faulty_shm_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct faulty_file *f = (struct faulty_file *)file;
	bool counted = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0;

	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(f + 1);
	pthread_mutex_lock(&fault.lock);
	/* Before the file is open: closing another descriptor of it would drop SQLite's locks. */
	struct image *image = fault.recording && counted && name ? image_of(name) : NULL;
	int rc = fault.real->xOpen(fault.real, name, f->real, flags, ret_flags);
	if (rc == SQLITE_OK) {
		f->base.pMethods = &methods;
		f->counted = counted;
		f->image = image;
	}
	pthread_mutex_unlock(&fault.lock);
	return rc;
}

void store_fault_install(void)
{
	pthread_mutex_lock(&fault.lock);
	if (!fault.installed) {
		fault.real = sqlite3_vfs_find(NULL);
		fault.vfs = *fault.real;
		fault.vfs.zName = "sekisho-fault";
		fault.vfs.pNext = NULL;
		fault.vfs.szOsFile = (int)sizeof(struct faulty_file) + fault.real->szOsFile;
		fault.vfs.xOpen = faulty_open;
		fault.installed = sqlite3_vfs_register(&fault.vfs, 1) == SQLITE_OK;
	}
	pthread_mutex_unlock(&fault.lock);
}

void store_fault_disk_full(int nth)
{
	pthread_mutex_lock(&fault.lock);
	fault.until_full = nth;
	pthread_mutex_unlock(&fault.lock);
}

void store_fault_writes(int per_mille, unsigned seed)
{
	pthread_mutex_lock(&fault.lock);
	fault.per_mille = per_mille;
	fault.seed = seed;
	pthread_mutex_unlock(&fault.lock);
}

void store_fault_sync(void)
{
	pthread_mutex_lock(&fault.lock);
	fault.no_sync = true;
	pthread_mutex_unlock(&fault.lock);
}

void store_fault_clear(void)
{
	pthread_mutex_lock(&fault.lock);
	fault.full = fault.no_sync = false;
	fault.until_full = fault.per_mille = fault.count = 0;
	pthread_mutex_unlock(&fault.lock);
}

int store_fault_count(void)
{
	pthread_mutex_lock(&fault.lock);
	int n = fault.count;
	pthread_mutex_unlock(&fault.lock);
	return n;
}

void store_fault_record(bool on)
{
	pthread_mutex_lock(&fault.lock);
	for (int i = 0; i < fault.n_images; i++) {
		image_forget(&fault.images[i], false);
		free(fault.images[i].data);
		fault.images[i] = (struct image){0};
	}
	fault.n_images = 0;
	fault.recording = on;
	pthread_mutex_unlock(&fault.lock);
}

/* Lets each sector of each change happen or not. */
static void image_tear(struct image *i, unsigned *seed)
{
	for (const struct change *c = i->first; c; c = c->next) {
		if (!c->data) {
			if (rand_r(seed) % 2)
				image_apply(i, c);
			continue;
		}
		/* Whole, lost or torn. */
		int how = rand_r(seed) % 3;
		size_t step;
		for (size_t at = 0; at < c->len && how != 1; at += step) {
			step = SECTOR - (size_t)(c->at + (sqlite3_int64)at) % SECTOR;
			if (step > c->len - at)
				step = c->len - at;
			if (how == 0 || rand_r(seed) % 2)
				image_write(i, c->at + (sqlite3_int64)at, c->data + at, step);
		}
	}
}

static int image_save(const struct image *i, const char *folder, unsigned seed)
{
	const char *name = strrchr(i->path, '/');
	struct image copy = {.cap = i->cap, .len = i->len, .first = i->first};
	char path[1024];

	copy.data = malloc(i->cap + 1);
	if (!copy.data)
		return -1;
	if (i->cap > 0)
		memcpy(copy.data, i->data, i->cap);
	image_tear(&copy, &seed);
	snprintf(path, sizeof(path), "%s/%s", folder, name ? name + 1 : i->path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = fd < 0 ? -1 : io_write_all(fd, copy.data, copy.len);
	if (fd >= 0)
		close(fd);
	free(copy.data);
	return r;
}

int store_fault_power_cut(const char *folder, unsigned seed)
{
	int r = 0;

	pthread_mutex_lock(&fault.lock);
	for (int i = 0; i < fault.n_images && r == 0; i++)
		r = image_save(&fault.images[i], folder, seed + (unsigned)i);
	pthread_mutex_unlock(&fault.lock);
	return r;
}
