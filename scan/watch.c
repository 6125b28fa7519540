/* The signature folders under watch; see role.h. Part of the master.
 * inotify says that something happens, the clock looks where inotify cannot; either way the folders are loaded
 * only when their listing differs from what was last loaded or refused and has not moved for a while. */
#include "scan/role.h"

#include "base/log.h"
#include "base/timeutil.h"

#include <errno.h>
#include <sys/inotify.h>

static int64_t every(const struct role *r)
{
	return r->config.watch_ms > 0 ? r->config.watch_ms : 30000;
}

static int64_t settle(const struct role *r)
{
	return r->config.settle_ms > 0 ? r->config.settle_ms : 2000;
}

/* Folders that come into being later are found by the clock. Adding one twice is harmless. */
static void add_folders(struct role *r)
{
	for (int i = 0; r->watch.inotify >= 0 && i < r->config.n_dirs; i++)
		inotify_add_watch(r->watch.inotify, r->config.dirs[i], IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
			IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_ONLYDIR);
}

void watch_open(struct role *r, int64_t now)
{
	r->watch.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->watch.inotify < 0)
		log_warn("scan.inotify", "errno=%d", errno);
	add_folders(r);
	r->watch.look_at = now + every(r);
}

void watch_close(struct role *r)
{
	if (r->watch.inotify >= 0)
		close(r->watch.inotify);
	database_free(&r->watch.last);
}

void watch_readable(struct role *r, int64_t now)
{
	char events[8192];

	while (read(r->watch.inotify, events, sizeof(events)) > 0)
		;
	r->watch.dirty_at = now;
}

/* Looks; true when the listing has rested since the last look and is to be loaded. */
static bool rested(struct role *r)
{
	struct database d = {0};

	if (database_list(&r->config, &d, NULL) < 0)
		return false;
	if (database_same(&d, &r->known)) {
		r->watch.dirty_at = 0;
		r->watch.has_last = false;
		database_free(&d);
		return false;
	}
	bool same = r->watch.has_last && database_same(&d, &r->watch.last);
	database_free(&r->watch.last);
	r->watch.last = d;
	r->watch.has_last = true;
	return same;
}

int64_t watch_tick(struct role *r, int64_t now)
{
	struct watch *w = &r->watch;

	if (now >= w->look_at) {
		add_folders(r);
		if (!w->dirty_at)
			w->dirty_at = now - settle(r);
		w->look_at = now + every(r);
	}
	if (!w->dirty_at || swap_loading(r))
		return w->look_at;
	int64_t at = w->dirty_at + settle(r);
	if (now < at)
		return at < w->look_at ? at : w->look_at;
	if (rested(r)) {
		w->dirty_at = 0;
		w->has_last = false;
		swap_load(r);
	} else if (w->dirty_at) {
		w->dirty_at = now; /* different from the last look: look again */
	}
	return now;
}
