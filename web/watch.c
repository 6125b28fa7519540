/* The clock over connections; see watch.h. One thread of its own. */
#include "web/watch.h"

#include "base/cleanup.h"
#include "base/timeutil.h"
#include "web/http.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#define ENTRIES (WEB_CONNECTIONS + 64)
#define IDLE_MS ((WEB_IDLE_S + 5) * 1000)

struct entry {
	int fd;
	int64_t until; /* monotonic; 0: no limit just now */
};

struct watch {
	pthread_mutex_t lock;
	pthread_cond_t stop;
	pthread_t thread;
	int64_t limit_ms;
	bool stopping;
	struct entry entries[ENTRIES];
	int n;
};

static void sweep(struct watch *w, int64_t now)
{
	for (int i = 0; i < w->n; i++) {
		if (!w->entries[i].until || now < w->entries[i].until)
			continue;
		shutdown(w->entries[i].fd, SHUT_RDWR);
		w->entries[i].until = 0;
	}
}

static void *watch_main(void *arg)
{
	struct watch *w = arg;
	struct timespec t;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_sec++;
		pthread_cond_timedwait(&w->stop, &w->lock, &t);
		sweep(w, time_monotonic_ms());
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int watch_new(int64_t limit_ms, struct watch **ret, struct err *err)
{
	struct watch *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (!w)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	w->limit_ms = limit_ms;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->stop, &attr);
	pthread_condattr_destroy(&attr);
	int r = pthread_create(&w->thread, NULL, watch_main, w);
	if (r) {
		free(w);
		errno = r;
		return err_errno(err, "starting a thread");
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->stop);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->stop);
	free(w);
}

static void set(struct watch *w, int fd, int64_t until)
{
	for (int i = 0; i < w->n; i++)
		if (w->entries[i].fd == fd)
			w->entries[i].until = until;
}

void watch_add(struct watch *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	if (w->n < ENTRIES)
		w->entries[w->n++] = (struct entry){fd, time_monotonic_ms() + w->limit_ms};
	pthread_mutex_unlock(&w->lock);
}

void watch_arrived(struct watch *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	set(w, fd, 0);
	pthread_mutex_unlock(&w->lock);
}

void watch_idle(struct watch *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	set(w, fd, time_monotonic_ms() + IDLE_MS + w->limit_ms);
	pthread_mutex_unlock(&w->lock);
}

void watch_remove(struct watch *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	for (int i = 0; i < w->n; i++) {
		if (w->entries[i].fd == fd) {
			w->entries[i] = w->entries[--w->n];
			break;
		}
	}
	pthread_mutex_unlock(&w->lock);
}
