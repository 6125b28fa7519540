/* Discovery: which mailboxes, drives, sites and folders a connection has; and the grant's check that goes before it.
 * Runs on the discovery threads, a round per connection and interval. */
#include "core/core.h"

#include "base/log.h"
#include "base/timeutil.h"
#include "core/crash.h"
#include "core/grants.h"
#include "events/catalogue.h"

#include "base/encode.h"

#include <string.h>

#define PAGES_MAX 1000000

static int sync_page(struct core *c, struct live *l, int64_t round, const struct stream_page *page, struct err *err)
{
	_cleanup_free_ struct store_stream *s = calloc(page->n_streams + 1, sizeof(*s));

	if (!s)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	for (size_t i = 0; i < page->n_streams; i++) {
		const struct stream_info *in = &page->streams[i];
		if (!in->remote_id || !*in->remote_id || !in->service)
			return err_set(err, ERR_REMOTE, "bad_answer", "a stream without an id");
		s[i] = (struct store_stream){.remote_id = in->remote_id, .service = in->service,
			.owner = in->owner ? in->owner : "", .name = in->name ? in->name : "", .context = in->context,
			.state = in->state ? in->state : STREAM_ACTIVE, .reason = in->reason ? in->reason : ""};
	}
	return store_stream_sync(c->store, l->config.id, round, s, page->n_streams, time_now_ms(), err);
}

int discover_report(struct core *c, struct live *l, const struct grant_report *report, struct err *err)
{
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	grants_report_json(doc, l->connector, &l->config, report);
	if (json_print(doc, &text) < 0)
		return err_set(err, ERR_LOCAL, "memory", "the grant's report is too large");
	return store_connection_report(c->store, l->config.id, buf_str(&text), report->ends_at, err);
}

int discover_back(struct core *c, struct live *l, struct err *err)
{
	_cleanup_buf_ struct buf json = BUF_INIT(65536);
	char uid[37];
	bool changed = false;

	uuid_new(uid);
	event_connection(&json, uid, &l->config, "connected", NULL);
	if (store_connection_state(c->store, l->config.id, CONN_CONNECTED, "", "", uid, buf_str(&json), &changed, err) < 0)
		return -1;
	watch_state(c, &l->config, CONN_CONNECTED, NULL);
	if (changed) {
		log_info("connection.back", "connection=%s", l->config.id);
		return store_stream_wake(c->store, l->config.id, time_now_ms(), err);
	}
	return 0;
}

static int discover_connection(struct core *c, struct live *l, struct err *err)
{
	int64_t round = time_now_ms();
	_cleanup_free_ char *cursor = NULL;
	_cleanup_(arena_freep) struct arena *ra = arena_new(1 << 20);
	struct grant_report report = {.arena = ra};

	if (!ra)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (l->connector->check_grant(l->connection, &report, err) < 0 || discover_report(c, l, &report, err) < 0 ||
		discover_back(c, l, err) < 0)
		return -1;
	for (int pages = 0; pages < PAGES_MAX && !core_stopping(c); pages++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(32 << 20);
		struct stream_page page = {.arena = a};
		if (!a)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		if (l->connector->list_streams(l->connection, cursor, &page, err) < 0 ||
			sync_page(c, l, round, &page, err) < 0)
			return -1;
		if (page.n_streams)
			wake_all(&c->wake);
		crash_point("discover.page");
		char *next = page.next ? strdup(page.next) : NULL;
		if (page.next && (!next || (cursor && strcmp(cursor, next) == 0))) {
			free(next);
			return err_set(err, ERR_REMOTE, "bad_answer", "the list of streams does not end");
		}
		free(cursor);
		cursor = next;
		if (!cursor) {
			int64_t retired = 0;
			if (store_stream_retire(c->store, l->config.id, round, &retired, err) < 0)
				return -1;
			if (retired)
				log_info("discover.retired", "streams=%ld", (long)retired);
			return 0;
		}
	}
	return err_set(err, ERR_CANCELLED, "stopping", "stopping");
}

/* When the next round of a connection is due: kept in the store, so that a restart does not begin anew. */
void discover_due(struct core *c, const char *connection, int64_t *ret_at, int *ret_failures)
{
	char key[100], *end = NULL;
	_cleanup_buf_ struct buf value = BUF_INIT(64);
	struct err err;

	*ret_at = 0;
	*ret_failures = 0;
	snprintf(key, sizeof(key), "discover/%s", connection);
	if (store_meta_get(c->store, key, &value, &err) < 0)
		return;
	*ret_at = strtoll(buf_str(&value), &end, 10);
	*ret_failures = (int)strtol(end, NULL, 10);
}

int discover_set_due(struct core *c, const char *connection, int64_t at, int failures, struct err *err)
{
	char key[100], value[48];

	snprintf(key, sizeof(key), "discover/%s", connection);
	snprintf(value, sizeof(value), "%ld %d", (long)at, failures);
	return store_meta_put(c->store, key, value, err);
}

/* Two threads must not run a round of the same connection. */
static bool running_add(struct core *c, const char *id)
{
	bool found = false, added = false;

	pthread_mutex_lock(&c->running_lock);
	for (int i = 0; i < c->n_running; i++)
		found = found || strcmp(c->running[i], id) == 0;
	if (!found && c->n_running < (int)ARRAY_SIZE(c->running)) {
		snprintf(c->running[c->n_running++], sizeof(c->running[0]), "%s", id);
		added = true;
	}
	pthread_mutex_unlock(&c->running_lock);
	return added;
}

static void running_remove(struct core *c, const char *id)
{
	pthread_mutex_lock(&c->running_lock);
	for (int i = 0; i < c->n_running; i++) {
		if (strcmp(c->running[i], id) != 0)
			continue;
		memmove(c->running[i], c->running[--c->n_running], sizeof(c->running[0]));
		break;
	}
	pthread_mutex_unlock(&c->running_lock);
}

static void round_of(struct core *c, const char *connection, int failures)
{
	_cleanup_(live_putp) struct live *l = NULL;
	struct err err;

	log_push("connection", connection);
	int r = live_get(c, connection, &l, &err);
	if (r == 0)
		r = people_round(c, l, &err);
	if (r == 0)
		r = discover_connection(c, l, &err);
	int64_t next = time_now_ms() + c->set->discover;
	if (r < 0 && err.class != ERR_CANCELLED) {
		log_err(LOG_WARN_, "discover.failed", &err);
		if (l)
			trouble_connection(c, l, &err);
		next = trouble_next(&err, failures);
	}
	if (r == 0 || err.class != ERR_CANCELLED) {
		struct err local;
		if (STORE_WRITE(c, "discover.due", discover_set_due(c, connection, next, r == 0 ? 0 : failures + 1, &local), &local) < 0)
			log_err(LOG_ERROR_, "discover.store", &local);
	}
	wake_all(&c->wake);
	log_pop();
}

bool discover_job(struct core *c, int64_t *ret_next)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(16 << 20);
	struct store_connection *list = NULL;
	size_t n = 0;
	struct err err;
	int64_t now = time_now_ms();

	*ret_next = 0;
	if (!a || store_connection_list(c->store, NULL, a, &list, &n, &err) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (list[i].state == CONN_DISCONNECTED)
			continue;
		int64_t due;
		int failures;
		discover_due(c, list[i].id, &due, &failures);
		if (due < list[i].paused_until)
			due = list[i].paused_until;
		if (due > now) {
			if (!*ret_next || due < *ret_next)
				*ret_next = due;
			continue;
		}
		if (!running_add(c, list[i].id))
			continue;
		round_of(c, list[i].id, failures);
		running_remove(c, list[i].id);
		return true;
	}
	return false;
}
