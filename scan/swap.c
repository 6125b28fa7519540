/* Generations: loaded beside the one that serves, tried, swapped in, drained; see role.h. Part of the master.
 *
 *   LOADING  reads signatures; each file is told before it is read, so that a crash has a culprit
 *   TRYING   a throw-away worker scans the samples
 *   WARMING  workers are forked; the old generation still serves
 *   SERVING  items go here
 *   DRAINING its busy workers finish; then it ends
 *
 * A file that is refused: if the serving generation holds an earlier content of it, nothing is swapped and the
 * old stays; if it is new, or nothing serves, it is left out and the rest serves. */
#include "scan/role.h"

#include "scan/generation.h"
#include "scan/samples.h"

#include "base/ioutil.h"
#include "base/log.h"
#include "base/timeutil.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define LOAD_MS (15 * 60000)
#define SAMPLE_MS 20000
#define MAX_TRIES 32      /* starts of a generation for one state of the folders */
#define RESTART_MS 10000  /* between starts when nothing can be blamed */

static void note_refused(struct role *r, const char *path, const char *why)
{
	char text[256];

	if (path)
		snprintf(text, sizeof(text), "%.150s: %.90s", path, why);
	else
		snprintf(text, sizeof(text), "%.240s", why);
	/* It goes to people and over the wire: printable only. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
	snprintf(r->refused, sizeof(r->refused), "%s", text);
	log_error("scan.refused", "file=%s why=\"%s\" serving=\"%s\"", path ? path : "-", why,
		r->serving ? r->serving->info.signatures : "nothing");
}

bool swap_loading(const struct role *r)
{
	for (const struct generation_state *g = r->generations; g; g = g->next)
		if (g->stage < GEN_SERVING)
			return true;
	return false;
}

void swap_info(const struct role *r, struct scan_info *ret)
{
	*ret = (struct scan_info){0};
	if (r->serving)
		*ret = r->serving->info;
	ret->workers = r->n_workers;
	ret->loading = swap_loading(r);
	snprintf(ret->refused, sizeof(ret->refused), "%s", r->refused);
	snprintf(ret->sandbox, sizeof(ret->sandbox), "%s", r->sandbox);
}

void swap_free(struct role *r, struct generation_state *gen)
{
	for (struct generation_state **p = &r->generations; *p; p = &(*p)->next) {
		if (*p == gen) {
			*p = gen->next;
			break;
		}
	}
	if (r->serving == gen)
		r->serving = NULL;
	pool_generation_gone(r, gen);
	close(gen->fd);
	kill(gen->pid, SIGKILL);
	while (waitpid(gen->pid, NULL, 0) < 0 && errno == EINTR)
		;
	database_free(&gen->db);
	free(gen);
}

static int copy_database(struct database *to, const struct database *from)
{
	struct database d = {0};

	d.files = calloc((size_t)from->n_files + 1, sizeof(*d.files));
	if (!d.files)
		return -1;
	for (int i = 0; i < from->n_files; i++) {
		d.files[i] = from->files[i];
		d.files[i].path = strdup(from->files[i].path);
		d.n_files = i + 1;
		if (!d.files[i].path) {
			database_free(&d);
			return -1;
		}
	}
	database_free(to);
	*to = d;
	return 0;
}

/* Starts a generation for r->known, without what is left out of it. */
static void start(struct role *r)
{
	struct err err = {0};
	struct generation_state *gen = calloc(1, sizeof(*gen));

	if (!gen || copy_database(&gen->db, &r->known) < 0) {
		free(gen);
		return;
	}
	r->load_tries++;
	if (generation_start(&r->config, &gen->db, r->serving != NULL, &gen->pid, &gen->fd, &err) < 0) {
		log_err(LOG_ERROR_, "scan.generation", &err);
		database_free(&gen->db);
		free(gen);
		return;
	}
	gen->stage = GEN_LOADING;
	gen->started_at = time_monotonic_ms();
	gen->next = r->generations;
	r->generations = gen;
	log_info("scan.loading", "files=%d pid=%d", gen->db.n_files, (int)gen->pid);
}

void swap_load(struct role *r)
{
	struct database db = {0};
	struct err err = {0};

	if (database_list(&r->config, &db, &err) < 0) {
		note_refused(r, NULL, err.message);
		return;
	}
	database_keep_left_out(&db, &r->known);
	database_free(&r->known);
	r->known = db;
	r->load_tries = 0;
	start(r);
}

/* Is an earlier content of the file at work? Then the whole of the new is refused. */
static bool replaces_serving(const struct role *r, const char *path)
{
	struct database_file *f = r->serving ? database_find(&r->serving->db, path) : NULL;

	return f && !f->left_out;
}

static void leave_out(struct role *r, struct generation_state *gen, const char *path)
{
	struct database_file *f = database_find(&r->known, path), *g = database_find(&gen->db, path);

	if (f)
		f->left_out = true;
	if (g)
		g->left_out = true;
}

/* The new one is given up. again: what was at fault has been left out, so it is worth another start. */
static void give_up(struct role *r, struct generation_state *gen, bool again)
{
	bool builtin_only = true;

	swap_free(r, gen);
	if (again && r->load_tries < MAX_TRIES) {
		start(r);
	} else if (!r->serving) {
		/* Nothing serves: without the folders rather than not at all; scan_info says how little that is. */
		for (int i = 0; i < r->known.n_files; i++) {
			builtin_only &= r->known.files[i].left_out;
			r->known.files[i].left_out = true;
		}
		if (!builtin_only)
			start(r);
	}
	r->start_after = time_monotonic_ms() + RESTART_MS;
	role_changed(r);
}

/* A file is at fault: leave it out and go on, or refuse everything that came with it. */
static void blame(struct role *r, struct generation_state *gen, const char *path, const char *why)
{
	note_refused(r, path, why);
	bool stays = replaces_serving(r, path);
	if (!stays)
		leave_out(r, gen, path);
	give_up(r, gen, !stays);
}

/* Which text file holds a signature of that name? NULL for those in signed databases. */
static const char *find_signature(struct generation_state *gen, const char *name)
{
	char bare[128];
	size_t len;

	/* As it stands in the file: without what libclamav puts before and behind. */
	snprintf(bare, sizeof(bare), "%s", strncmp(name, "YARA.", 5) == 0 ? name + 5 : name);
	len = strlen(bare);
	if (len > 11 && strcmp(bare + len - 11, ".UNOFFICIAL") == 0)
		bare[len -= 11] = '\0';
	for (int i = 0; i < gen->db.n_files && len > 0; i++) {
		const struct database_file *f = &gen->db.files[i];
		const void *text = NULL;
		size_t size = 0;
		_cleanup_close_ int fd = f->left_out ? -1 : open(f->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || io_map(fd, &text, &size, NULL) < 0 || !text)
			continue;
		bool found = memmem(text, size, bare, len) != NULL;
		io_unmap(text, size);
		if (found)
			return f->path;
	}
	return NULL;
}

static void try_next(struct role *r, struct generation_state *gen, struct worker *w)
{
	struct err err = {0};
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return;
	job->fd = -1;
	job->sample = gen->sample;
	job->deadline_ms = SAMPLE_MS;
	job->id = (uint64_t)gen->sample + 1;
	if (sample_open(gen->sample, &job->fd, &job->size, &err) < 0) {
		log_err(LOG_ERROR_, "scan.sample", &err);
		job_free(job);
		blame(r, gen, "", "no samples");
		return;
	}
	pool_give(r, w, job);
}

void swap_sample_done(struct role *r, struct worker *w, struct job *job, const struct scan_reply *reply)
{
	struct generation_state *gen = w->gen;
	const struct sample *s = sample_get(job->sample);
	char why[200];

	job_free(job);
	if (gen->stage != GEN_TRYING || !s)
		return;
	if (reply && reply->verdict == s->expect) {
		gen->sample++;
		return;
	}
	/* The caller still holds the worker, so the generation is ended by swap_work(). */
	gen->sample = -1;
	if (!reply) {
		snprintf(why, sizeof(why), "crashed while trying %s", s->name);
		note_refused(r, NULL, why);
	} else if (reply->verdict == VERDICT_THREAT) {
		const char *path = find_signature(gen, reply->threats[0].name);
		snprintf(why, sizeof(why), "finds %.80s in the clean sample %s", reply->threats[0].name, s->name);
		note_refused(r, path, why);
		if (path && !replaces_serving(r, path)) {
			leave_out(r, gen, path);
			gen->sample = -2; /* worth another start without it */
		}
	} else {
		snprintf(why, sizeof(why), "says %s %s of the sample %s", scan_verdict_name(reply->verdict), reply->reason,
			s->name);
		note_refused(r, NULL, why);
	}
}

static void serve(struct role *r, struct generation_state *gen)
{
	struct generation_state *old = r->serving;

	gen->stage = GEN_SERVING;
	gen->info.loaded_at = time_now_ms();
	r->serving = gen;
	/* What it was told about is settled; files that were left out stay named. */
	bool any_left_out = false;
	for (int i = 0; i < gen->db.n_files; i++)
		any_left_out |= gen->db.files[i].left_out;
	if (!any_left_out)
		r->refused[0] = '\0';
	if (gen->info.builtin_only)
		log_warn("scan.no_protection", "signatures=\"%s\" hint=\"no signature database in the folders\"",
			gen->info.signatures);
	log_info("scan.serving", "signatures=\"%s\" load_ms=%lld", gen->info.signatures,
		(long long)(time_monotonic_ms() - gen->started_at));
	if (old)
		old->stage = GEN_DRAINING;
	role_changed(r);
}

static void drain(struct role *r, struct generation_state *gen)
{
	struct worker *next;

	for (struct worker *w = r->workers; w; w = next) {
		next = w->next;
		if (w->gen == gen && w->state == WORKER_IDLE)
			pool_retire(r, w);
	}
	int busy = 0;
	for (struct worker *w = r->workers; w; w = w->next)
		busy += w->gen == gen && w->job;
	if (busy == 0)
		swap_free(r, gen);
}

static void try_out(struct role *r, struct generation_state *gen, int64_t now)
{
	if (gen->sample < 0) {
		give_up(r, gen, gen->sample == -2);
		return;
	}
	/* Without a cage nothing can be tried, and nothing will be scanned either: the pool goes on trying. */
	if (r->sandbox_down) {
		serve(r, gen);
		return;
	}
	for (struct worker *w = r->workers; w; w = w->next) {
		if (w->gen != gen || w->state != WORKER_IDLE)
			continue;
		if (sample_get(gen->sample)) {
			try_next(r, gen, w);
			return;
		}
		pool_retire(r, w);
		gen->stage = GEN_WARMING;
		return;
	}
	pool_ask(r, gen, 1, now);
}

void swap_work(struct role *r, int64_t now)
{
	struct generation_state *next;

	for (struct generation_state *gen = r->generations; gen; gen = next) {
		next = gen->next;
		if (gen->stage == GEN_TRYING)
			try_out(r, gen, now);
		else if (gen->stage == GEN_DRAINING)
			drain(r, gen);
		else if (gen->stage == GEN_WARMING && (pool_ready(r, gen) >= r->n_workers || r->sandbox_down))
			serve(r, gen);
		else if (gen->stage == GEN_WARMING)
			pool_ask(r, gen, r->n_workers, now);
	}
}

static void ended(struct role *r, struct generation_state *gen)
{
	log_warn("scan.generation_ended", "pid=%d stage=%d", (int)gen->pid, (int)gen->stage);
	if (gen->stage == GEN_LOADING && gen->loading[0]) {
		char path[1024];
		snprintf(path, sizeof(path), "%s", gen->loading);
		blame(r, gen, path, "crashes the engine while it is read");
		return;
	}
	bool serving = gen->stage == GEN_SERVING, trying = gen->stage < GEN_SERVING;
	swap_free(r, gen);
	if (serving && r->load_tries < MAX_TRIES)
		start(r);
	else if (trying && !r->serving && r->load_tries < MAX_TRIES)
		start(r);
	role_changed(r);
}

void swap_readable(struct role *r, struct generation_state *gen)
{
	_cleanup_msg_ struct msg m = {0};
	int n = wire_recv(gen->fd, &m, false);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n != 1) {
		ended(r, gen);
		return;
	}
	if (m.type == WIRE_LOADING) {
		const char *path = msg_get_str(&m);
		if (msg_end(&m) == 0 && path)
			snprintf(gen->loading, sizeof(gen->loading), "%s", path);
	} else if (m.type == WIRE_REFUSED) {
		const char *path = msg_get_str(&m), *why = msg_get_str(&m);
		if (msg_end(&m) < 0 || !why)
			return;
		note_refused(r, path, why);
		if (!path) {
			give_up(r, gen, false);
		} else if (replaces_serving(r, path)) {
			give_up(r, gen, false);
		} else {
			leave_out(r, gen, path);
			gen->loading[0] = '\0';
		}
	} else if (m.type == WIRE_LOADED && gen->stage == GEN_LOADING) {
		if (scan_info_get(&m, &gen->info) < 0) {
			ended(r, gen);
			return;
		}
		gen->stage = GEN_TRYING;
	} else if (m.type == WIRE_WORKER) {
		pid_t pid = (pid_t)msg_get_i64(&m);
		int fd = msg_take_fd(&m);
		if (msg_end(&m) == 0 && fd >= 0)
			pool_start(r, gen, pid, fd);
	} else if (m.type == WIRE_DIED) {
		pid_t pid = (pid_t)msg_get_i64(&m);
		int status = (int)msg_get_i64(&m);
		if (msg_end(&m) == 0)
			pool_died(r, gen, pid, status);
	}
}

int64_t swap_tick(struct role *r, int64_t now)
{
	int64_t at = INT64_MAX;

	for (struct generation_state *gen = r->generations; gen; gen = gen->next) {
		if (gen->stage != GEN_LOADING)
			continue;
		int64_t end = gen->started_at + LOAD_MS;
		if (now >= end) {
			kill(gen->pid, SIGKILL); /* its socket closes, and the file that it read is blamed */
			end = now + 1000;
		}
		if (end < at)
			at = end;
	}
	if (!r->generations) {
		/* Nothing serves and nothing loads: a start failed, or one too many. */
		if (now >= r->start_after) {
			r->start_after = now + RESTART_MS;
			r->load_tries = 0;
			start(r);
		}
		if (r->start_after < at)
			at = r->start_after;
	}
	return at;
}
