/* findings and events: what was found, and the event stream. Both read the store beside a running service. */
#include "core/command.h"

#include "base/i18n.h"
#include "base/timeutil.h"
#include "core/table.h"
#include "store/policy.h"

#include <string.h>
#include <time.h>

#define PAGE 500

static int fill_filter(struct command_line *cl, struct finding_filter *f)
{
	*f = (struct finding_filter){.tenant = cl->tenant, .connection = cl->connection, .provider = cl->provider,
		.service = cl->service, .verdict = cl->verdict, .action_state = cl->state, .rule = cl->rule, .category = cl->category,
		.max = PAGE};
	if (cl->since && command_parse_time(cl->since, &f->since) < 0)
		return command_usage(_("--since wants a time such as 2026-11-22, RFC 3339, or a span such as '24 h'"));
	if (cl->until && command_parse_time(cl->until, &f->until) < 0)
		return command_usage(_("--until wants a time such as 2026-11-22, RFC 3339, or a span such as '24 h'"));
	return 0;
}

static const char *first_threat(const struct store_finding *f, char *buf, size_t size)
{
	_cleanup_json_ cJSON *threats = NULL;

	snprintf(buf, size, "%s", f->reason ? f->reason : "");
	if (f->threats && json_parse(f->threats, strlen(f->threats), &threats, NULL) == 0 && cJSON_GetArraySize(threats) > 0)
		snprintf(buf, size, "%s", json_str_or(cJSON_GetArrayItem(threats, 0), "name", ""));
	return buf;
}

/* Where else the tenant has the same content. */
static int add_copies(struct store *store, const struct store_finding *f, struct arena *a, cJSON *o, struct err *err)
{
	cJSON *list = cJSON_AddArrayToObject(o, "copies");
	struct store_seen *copies;
	size_t n;

	if (!f->sha256 || !*f->sha256)
		return 0;
	if (store_copies(store, f->tenant, f->sha256, a, &copies, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (copies[i].item == f->item)
			continue;
		cJSON *c = cJSON_CreateObject();
		cJSON_AddStringToObject(c, "connection", copies[i].connection);
		cJSON_AddStringToObject(c, "service", copies[i].service);
		cJSON_AddStringToObject(c, "id", copies[i].remote_id);
		cJSON_AddStringToObject(c, "name", copies[i].name ? copies[i].name : "");
		cJSON_AddStringToObject(c, "owner", copies[i].owner ? copies[i].owner : "");
		cJSON_AddItemToArray(list, c);
	}
	return 0;
}

int command_findings(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(table_freep) struct table *table = NULL;
	struct finding_filter filter;
	struct err err;
	size_t total = 0, n;

	int code = command_filters(cl);
	if (!code)
		code = fill_filter(cl, &filter);
	if (code)
		return code;
	if (cl->argc)
		return command_usage(_("findings takes filters only: --tenant, --connection, --state, --verdict, --since …"));
	if (command_store(cl, &store, &err) < 0 || command_known(cl, store, &err) < 0)
		return command_error(&err);
	if (!cl->json)
		table = table_new(_("WHEN"), _("TENANT"), _("SERVICE"), _("OWNER"), _("PLACE"), _("NAME"),
			_("VERDICT"), _("WHAT"), _("ACTION"), _("ID"), NULL);
	do {
		_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
		struct store_finding *list;
		if (!a || store_finding_list(store, &filter, a, &list, &n, &err) < 0)
			return command_error(&err);
		for (size_t i = 0; i < n; i++) {
			const struct store_finding *f = &list[i];
			filter.after = f->id;
			if (cl->json) {
				_cleanup_json_ cJSON *o = finding_json(f);
				if (add_copies(store, f, a, o, &err) < 0)
					return command_error(&err);
				command_print(o);
				continue;
			}
			char what[160];
			table_row(table, command_time(cl, f->verdict_at), f->tenant, f->service, f->owner, f->path ? f->path : f->stream_name,
				f->name, f->verdict, first_threat(f, what, sizeof(what)), f->action_state, f->uid);
		}
		total += n;
	} while (n == PAGE);
	if (table && total)
		table_print(table);
	if (!total && !cl->json)
		fprintf(stderr, "sekisho: %s\n", _("no findings"));
	return 0;
}

int command_events(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	int64_t after = 0;
	struct err err;
	size_t n;

	if (cl->argc)
		return command_usage(_("events takes no arguments"));
	if (command_store(cl, &store, &err) < 0)
		return command_error(&err);
	for (;;) {
		_cleanup_(arena_freep) struct arena *a = arena_new(256 << 20);
		struct store_outbox *list;
		if (!a || store_event_list(store, after, PAGE, a, &list, &n, &err) < 0)
			return command_error(&err);
		for (size_t i = 0; i < n; i++) {
			if (puts(list[i].json) < 0)
				return 1;
			after = list[i].seq;
		}
		if (n == PAGE)
			continue;
		if (!cl->follow)
			return 0;
		if (fflush(stdout) != 0)
			return 1;
		struct timespec t = {.tv_nsec = 300000000};
		nanosleep(&t, NULL);
	}
}
