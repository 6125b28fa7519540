/* connect, connections and disconnect. */
#include "core/command.h"

#include "base/i18n.h"
#include "base/timeutil.h"
#include "connectors/connector.h"
#include "core/ask.h"
#include "core/connfile.h"
#include "core/table.h"

#include <limits.h>
#include <string.h>

static int connect_one(struct command_line *cl, struct ctl *ctl, struct connfile_entry *e, struct err *err)
{
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = NULL;
	int code = 0;

	cJSON_AddItemToObject(args, "config", cJSON_Duplicate(e->config, true));
	cJSON_AddItemToObject(args, "grant", cJSON_Duplicate(e->grant, true));
	cJSON_AddBoolToObject(args, "dry_run", cl->dry_run);
	cJSON *names = cJSON_AddArrayToObject(args, "secrets");
	for (int i = 0; i < e->n_secrets; i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(e->secret_names[i]));
	int r = ctl_call(ctl, "connect", args, e->secret_fds, e->n_secrets, &code, &result, NULL, err);
	e->n_secrets = 0; /* sent, and closed there */
	if (r < 0)
		return -1;
	if (cl->json) {
		cJSON_AddBoolToObject(result, "dry_run", cl->dry_run);
		command_print(result);
		return 0;
	}
	printf("%s: %s%s%s\n", e->id, cl->dry_run ? _("the grant works") : _("connected"),
		*json_str_or(result, "organisation", "") ? ", " : "", command_text(json_str_or(result, "organisation", "")));
	const cJSON *m;
	cJSON_ArrayForEach(m, json_array(result, "missing"))
		fprintf(stderr, _("sekisho: %s: missing permission %s\n"), e->id, command_text(m->valuestring));
	return 0;
}

/* The answers of one connection, read as if they had come from a file. */
static int ask_one(struct command_line *cl, struct connfile *ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	char dir[PATH_MAX];

	if (!getcwd(dir, sizeof(dir)))
		return err_errno(err, "the current folder");
	if (ask_connection(cl->argv[0], cl->tenant, cl->connection, &text, err) < 0)
		return -1;
	return connfile_parse("your answers", buf_str(&text), dir, ret, err);
}

int command_connect(struct command_line *cl)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	struct connfile f = {0};
	struct err err = {0};
	int code = 0;

	if (cl->argc > 1 || (cl->argc == 1) == (cl->from != NULL))
		return command_usage(_("connect wants --from FILE, or the name of a provider"));
	if ((cl->from ? connfile_load(cl->from, &f, &err) : ask_one(cl, &f, &err)) < 0 || ctl_open(cl, false, &ctl, &err) < 0) {
		connfile_free(&f);
		return command_error(&err);
	}
	for (size_t i = 0; i < f.n; i++) {
		if (connect_one(cl, ctl, &f.entries[i], &err) == 0)
			continue;
		struct err shown = err;
		err_prefix(&shown, "%s", f.entries[i].id);
		int c = command_error(&shown);
		code = c > code ? c : code;
	}
	connfile_free(&f);
	return code;
}

void command_by_hand(const cJSON *result)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, json_array(result, "by_hand"))
		printf("  %s\n  %s\n", _(json_str_or(one, "text", "")), command_text(json_str_or(one, "link", "")));
}

int command_disconnect(struct command_line *cl)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = NULL;
	struct err err;
	int code;

	if (cl->argc != 1)
		return command_usage(_("disconnect wants a connection's id"));
	cJSON_AddStringToObject(args, "id", cl->argv[0]);
	if (ctl_open(cl, false, &ctl, &err) < 0 || ctl_call(ctl, "disconnect", args, NULL, 0, &code, &result, NULL, &err) < 0)
		return command_error(&err);
	if (cl->json)
		command_print(result);
	else if (code == 9)
		printf(_("%s: was disconnected already\n"), cl->argv[0]);
	else
		printf(_("%s: disconnected, secrets forgotten; %s\n"), cl->argv[0],
			json_bool(result, "revoked") ? _("the grant is revoked at the provider, and proven dead") :
						       _("the grant has to be ended at the provider by hand:"));
	if (!cl->json)
		command_by_hand(result);
	return code;
}

static cJSON *connection_json(const struct store_connection *k, const struct store_stream *sum)
{
	cJSON *o = cJSON_CreateObject(), *report = NULL;
	char t[TIME_RFC3339_LEN];

	cJSON_AddStringToObject(o, "id", k->id);
	cJSON_AddStringToObject(o, "tenant", k->tenant);
	cJSON_AddStringToObject(o, "provider", k->provider);
	cJSON_AddStringToObject(o, "mode", k->protect ? "protect" : "monitor");
	cJSON_AddStringToObject(o, "state", conn_state_name(k->state));
	cJSON_AddStringToObject(o, "reason", k->reason ? k->reason : "");
	cJSON_AddStringToObject(o, "message", k->message ? k->message : "");
	if (k->report && json_parse(k->report, strlen(k->report), &report, NULL) == 0) {
		cJSON_AddStringToObject(o, "organisation", json_str_or(report, "organisation", ""));
		cJSON_AddItemToObject(o, "granted", cJSON_Duplicate(json_get(report, "granted"), true));
		cJSON_AddItemToObject(o, "missing", cJSON_Duplicate(json_get(report, "missing"), true));
		cJSON_Delete(report);
	}
	if (k->last_success_at)
		cJSON_AddStringToObject(o, "last_success", time_format(k->last_success_at, t));
	else
		cJSON_AddNullToObject(o, "last_success");
	if (k->ends_at)
		cJSON_AddStringToObject(o, "ends", time_format(k->ends_at, t));
	else
		cJSON_AddNullToObject(o, "ends");
	cJSON_AddNumberToObject(o, "backlog", (double)sum->pending);
	return o;
}

int command_connections(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
	_cleanup_(table_freep) struct table *table = NULL;
	struct store_connection *list;
	struct err err;
	size_t n;

	if (!a || command_store(cl, &store, &err) < 0)
		return a && strcmp(err.code, "no_store") == 0 ? command_error(&err), 9 : command_error(&err);
	if (store_connection_list(store, cl->tenant, a, &list, &n, &err) < 0)
		return command_error(&err);
	if (!cl->json)
		table = table_new(_("ID"), _("TENANT"), _("PROVIDER"), _("MODE"), _("STATE"), _("MISSING"),
			_("LAST SUCCESS"), _("BACKLOG"), _("ENDS"), NULL);
	for (size_t i = 0; i < n; i++) {
		struct store_stream sum = {0};
		if (store_coverage(store, list[i].id, &sum, &err) < 0)
			return command_error(&err);
		_cleanup_json_ cJSON *o = connection_json(&list[i], &sum);
		if (cl->json) {
			command_print(o);
			continue;
		}
		char backlog[32], missing[32];
		snprintf(backlog, sizeof(backlog), "%ld", (long)sum.pending);
		snprintf(missing, sizeof(missing), "%d", cJSON_GetArraySize(json_array(o, "missing")));
		table_row(table, list[i].id, list[i].tenant, list[i].provider, list[i].protect ? "protect" : "monitor",
			conn_state_name(list[i].state), missing, command_time(cl, list[i].last_success_at), backlog,
			command_time(cl, list[i].ends_at));
	}
	if (table)
		table_print(table);
	return n ? 0 : 9;
}
