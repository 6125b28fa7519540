/* status: one screen that says what is protected, how fresh it is, and what is wrong; with the coverage ledger. */
#include "core/command.h"
#include "core/core.h"

#include "base/i18n.h"
#include "base/timeutil.h"
#include "base/units.h"
#include "connectors/connector.h"
#include "core/table.h"

#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#define DISK_LEAST (1 << 20)

static const char *stream_state_name(int state)
{
	static const char *const names[] = {"?", "active", "unlicensed", "forbidden", "retired"};

	return state >= 0 && state < (int)ARRAY_SIZE(names) ? names[state] : "?";
}

static void add_coverage(cJSON *o, const struct store_stream *s)
{
	cJSON_AddNumberToObject(o, "seen", (double)s->seen);
	cJSON_AddNumberToObject(o, "scanned", (double)s->scanned);
	cJSON_AddNumberToObject(o, "unknown", (double)s->unknown);
	cJSON_AddNumberToObject(o, "skipped", (double)s->skipped);
	cJSON_AddNumberToObject(o, "pending", (double)s->pending);
	cJSON_AddNumberToObject(o, "repeats", (double)s->repeats);
	cJSON_AddBoolToObject(o, "complete", s->seen == s->scanned + s->unknown + s->skipped + s->pending);
}

static cJSON *stream_json(const struct store_stream *s)
{
	cJSON *o = cJSON_CreateObject();
	char t[TIME_RFC3339_LEN];

	cJSON_AddNumberToObject(o, "id", (double)s->id);
	cJSON_AddStringToObject(o, "connection", s->connection);
	cJSON_AddStringToObject(o, "service", s->service);
	cJSON_AddStringToObject(o, "owner", s->owner ? s->owner : "");
	cJSON_AddStringToObject(o, "name", s->name ? s->name : "");
	cJSON_AddStringToObject(o, "state", stream_state_name(s->state));
	cJSON_AddStringToObject(o, "reason", s->reason ? s->reason : "");
	cJSON_AddStringToObject(o, "error", s->error ? s->error : "");
	if (s->last_success_at)
		cJSON_AddStringToObject(o, "last_success", time_format(s->last_success_at, t));
	else
		cJSON_AddNullToObject(o, "last_success");
	add_coverage(o, s);
	return o;
}

static const char *age(int64_t ms, char *buf, size_t size)
{
	if (!ms)
		return _("never");
	units_duration_text(time_now_ms() - ms, buf, size);
	return buf;
}

struct view {
	struct command_line *cl;
	struct store *store;
	struct arena *a;
	cJSON *doc, *streams, *connections;
	struct table *services, *gaps;
	int wrong;
	bool running;
};

/* One line per service of a connection. */
static void add_services(struct view *v, const struct store_connection *k, const struct store_stream *list, size_t n)
{
	const char *done[16];
	int n_done = 0;

	for (size_t i = 0; i < n && n_done < 16; i++) {
		bool known = false;
		for (int d = 0; d < n_done; d++)
			known = known || strcmp(done[d], list[i].service) == 0;
		if (known)
			continue;
		done[n_done++] = list[i].service;
		struct store_stream sum = {0};
		int active = 0, other = 0;
		int64_t oldest = 0;
		for (size_t j = i; j < n; j++) {
			const struct store_stream *s = &list[j];
			if (strcmp(s->service, list[i].service) != 0)
				continue;
			sum.seen += s->seen;
			sum.scanned += s->scanned;
			sum.unknown += s->unknown;
			sum.skipped += s->skipped;
			sum.pending += s->pending;
			if (s->state != STREAM_ACTIVE) {
				other += s->state != STREAM_RETIRED;
				continue;
			}
			active++;
			if (!oldest || s->last_success_at < oldest)
				oldest = s->last_success_at;
		}
		char streams[40], seen[24], scanned[24], unknown[24], skipped[24], pending[24], fresh[40];
		snprintf(streams, sizeof(streams), other ? _("%d (+%d not followed)") : "%d", active, other);
		snprintf(seen, sizeof(seen), "%" PRId64, sum.seen);
		snprintf(scanned, sizeof(scanned), "%" PRId64, sum.scanned);
		snprintf(unknown, sizeof(unknown), "%" PRId64, sum.unknown);
		snprintf(skipped, sizeof(skipped), "%" PRId64, sum.skipped);
		snprintf(pending, sizeof(pending), "%" PRId64, sum.pending);
		table_row(v->services, k->id, list[i].service, streams, seen, scanned, unknown, skipped, pending,
			age(oldest, fresh, sizeof(fresh)));
	}
}

static void add_gap(struct view *v, const struct store_stream *s)
{
	char what[400];

	if (s->state == STREAM_RETIRED || (s->state == STREAM_ACTIVE && (!s->error || !*s->error)))
		return;
	v->wrong++;
	snprintf(what, sizeof(what), "%s %s", s->state == STREAM_ACTIVE ? s->error : stream_state_name(s->state),
		s->reason ? s->reason : "");
	table_row(v->gaps, s->connection, s->service, s->owner, s->name, what);
}

/* Without its people a connection is well; rules about groups and colleagues have nothing to go by. */
static void add_people(struct view *v, const struct store_connection *k, cJSON *o)
{
	int64_t next, synced;
	char code[64], at[TIME_RFC3339_LEN];
	cJSON *people = cJSON_AddObjectToObject(o, "people");

	people_state(v->store, k->id, &next, &synced, code, sizeof(code));
	if (synced)
		cJSON_AddStringToObject(people, "synced", time_format(synced, at));
	else
		cJSON_AddNullToObject(people, "synced");
	cJSON_AddStringToObject(people, "error", code);
	if (*code && k->state != CONN_DISCONNECTED)
		table_row(v->gaps, k->id, "", "", _("people"),
			strcmp(code, "forbidden") == 0 ? _("may not be listed: rules about groups and colleagues have nothing to go by") : code);
}

static int add_connection(struct view *v, const struct store_connection *k, struct err *err)
{
	struct store_stream *list;
	size_t n;
	struct store_stream sum = {0};

	if (store_stream_list(v->store, k->id, v->a, &list, &n, err) < 0 || store_coverage(v->store, k->id, &sum, err) < 0)
		return -1;
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "id", k->id);
	cJSON_AddStringToObject(o, "tenant", k->tenant);
	cJSON_AddStringToObject(o, "provider", k->provider);
	cJSON_AddStringToObject(o, "mode", k->protect ? "protect" : "monitor");
	cJSON_AddStringToObject(o, "state", conn_state_name(k->state));
	cJSON_AddStringToObject(o, "reason", k->reason ? k->reason : "");
	add_coverage(o, &sum);
	add_people(v, k, o);
	cJSON_AddItemToArray(v->connections, o);
	for (size_t i = 0; i < n; i++) {
		cJSON_AddItemToArray(v->streams, stream_json(&list[i]));
		add_gap(v, &list[i]);
	}
	add_services(v, k, list, n);
	if (k->state != CONN_CONNECTED && k->state != CONN_DISCONNECTED) {
		v->wrong++;
		table_row(v->gaps, k->id, "", "", conn_state_name(k->state), k->message);
	}
	return 0;
}

/* When the backlog will be done, at the speed of the last hour. */
static void forecast(const struct store_totals *t, cJSON *doc, char *buf, size_t size)
{
	int64_t left = t->items_live + t->items_backlog;

	buf[0] = '\0';
	cJSON_AddNumberToObject(doc, "backlog", (double)t->items_backlog);
	if (left == 0 || t->items_done_1h == 0) {
		cJSON_AddNullToObject(doc, "backlog_ends");
		return;
	}
	int64_t ms = left * 3600000 / t->items_done_1h;
	char at[TIME_RFC3339_LEN];
	cJSON_AddStringToObject(doc, "backlog_ends", time_format(time_now_ms() + ms, at));
	units_duration_text(ms, buf, size);
}

/* The service cannot write this into the store: there is no room for it. */
static void add_disk(struct view *v)
{
	struct statvfs fs;

	if (statvfs(v->cl->set.state, &fs) < 0 || (int64_t)fs.f_bavail * (int64_t)fs.f_frsize >= DISK_LEAST)
		return;
	v->wrong++;
	table_row(v->gaps, "", "", "", v->cl->set.state, _("the disk is full: what waits goes on when there is room"));
}

static void print_screen(struct view *v, const struct store_totals *t, const char *eta)
{
	table_print(v->services);
	printf(_("\nwaiting: %lld new, %lld of the backlog; actions %lld; events %lld\n"), (long long)t->items_live,
		(long long)t->items_backlog, (long long)t->actions, (long long)t->events);
	if (*eta)
		printf(_("what waits is done in about %s.\n"), eta);
	if (!v->running)
		puts(_("the service does not run: nothing new is looked at until it is started (systemctl start sekisho)."));
	if (v->wrong) {
		puts(_("\nwhat is wrong:"));
		table_print(v->gaps);
	} else if (v->running) {
		puts(_("nothing is wrong."));
	}
}

int command_status(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(512 << 20);
	_cleanup_(table_freep) struct table *services = table_new(_("CONNECTION"), _("SERVICE"), _("STREAMS"),
		_("SEEN"), _("SCANNED"), _("UNKNOWN"), _("SKIPPED"), _("PENDING"), _("OLDEST LOOK"), NULL);
	_cleanup_(table_freep) struct table *gaps = table_new(_("CONNECTION"), _("SERVICE"), _("OWNER"), _("WHERE"), _("WHAT"), NULL);
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	struct view v = {.cl = cl, .a = a, .doc = doc, .services = services, .gaps = gaps};
	struct store_connection *list;
	struct store_totals t;
	struct err err;
	char eta[64];
	size_t n;

	if (!a || command_store(cl, &store, &err) < 0 || command_known(cl, store, &err) < 0)
		return command_error(&err);
	v.store = store;
	v.running = ctl_service_runs(cl);
	cJSON_AddBoolToObject(doc, "running", v.running);
	v.connections = cJSON_AddArrayToObject(doc, "connections");
	v.streams = cJSON_AddArrayToObject(doc, "streams");
	if (store_connection_list(store, cl->tenant, a, &list, &n, &err) < 0 || store_totals(store, time_now_ms(), &t, &err) < 0)
		return command_error(&err);
	for (size_t i = 0; i < n; i++)
		if ((!cl->connection || strcmp(cl->connection, list[i].id) == 0) && add_connection(&v, &list[i], &err) < 0)
			return command_error(&err);
	add_disk(&v);
	cJSON *waiting = cJSON_AddObjectToObject(doc, "waiting");
	cJSON_AddNumberToObject(waiting, "live", (double)t.items_live);
	cJSON_AddNumberToObject(waiting, "actions", (double)t.actions);
	cJSON_AddNumberToObject(waiting, "events", (double)t.events);
	forecast(&t, waiting, eta, sizeof(eta));
	cJSON_AddNumberToObject(doc, "wrong", v.wrong);
	if (cl->json)
		command_print(doc);
	else
		print_screen(&v, &t, eta);
	return 0;
}
