/* lists: a tenant's approved and blocked senders, domains, hashes and links, its passwords for archives, protected domains and executives;
 * and policy replay: what other rules would have done with what was seen. Both go the console's way, with its audit rows. */
#include "core/command.h"

#include "base/i18n.h"
#include "base/ioutil.h"
#include "base/timeutil.h"
#include "core/table.h"
#include "store/policy.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000ll
#define FILE_MAX (1 << 20)

static const char *const kinds[] = {NULL, "sender", "domain", "hash", "link", "password", "protected", "person"};

static int kind_of(const char *name)
{
	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], name) == 0)
			return (int)i;
	return 0;
}

/* One command of core/console.h. Takes args. */
static int ask(struct command_line *cl, const char *command, cJSON *args, cJSON **ret, int *ret_code, struct err *err)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "command", command);
	cJSON_AddItemToObject(doc, "args", args);
	if (ctl_open(cl, false, &ctl, err) < 0)
		return -1;
	return ctl_call(ctl, "console", doc, NULL, 0, ret_code, ret, NULL, err);
}

static void show_entry(struct command_line *cl, struct table *table, const struct store_list_entry *e)
{
	const char *value = e->kind == LIST_PASSWORD ? "********" : e->value, *what = e->approved ? "approved" : "blocked";
	char id[24], at[TIME_RFC3339_LEN];

	snprintf(id, sizeof(id), "%ld", (long)e->id);
	if (!cl->json) {
		table_row(table, id, kinds[e->kind], what, value, e->ends_at ? command_time(cl, e->ends_at) : _("no end"), e->author, e->reason);
		return;
	}
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "id", (double)e->id);
	cJSON_AddStringToObject(o, "tenant", e->tenant);
	cJSON_AddStringToObject(o, "kind", kinds[e->kind]);
	cJSON_AddBoolToObject(o, "approved", e->approved);
	cJSON_AddStringToObject(o, "value", value);
	cJSON_AddStringToObject(o, "reason", e->reason);
	cJSON_AddStringToObject(o, "author", e->author);
	cJSON_AddStringToObject(o, "created", time_format(e->created_at, at));
	if (e->ends_at)
		cJSON_AddStringToObject(o, "ends", time_format(e->ends_at, at));
	else
		cJSON_AddNullToObject(o, "ends");
	command_print(o);
}

static int list(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(table_freep) struct table *table = table_new(_("ID"), _("KIND"), _("IS"), _("VALUE"), _("UNTIL"), _("BY"), _("REASON"), NULL);
	_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
	struct store_list_entry *of;
	struct err err;
	size_t n;

	if (!a || command_store(cl, &store, &err) < 0 || command_known(cl, store, &err) < 0 ||
		store_list_all(store, cl->tenant, 0, time_now_ms(), a, &of, &n, &err) < 0)
		return command_error(&err);
	for (size_t i = 0; i < n; i++)
		show_entry(cl, table, &of[i]);
	if (!cl->json && n)
		table_print(table);
	return n ? 0 : 9;
}

/* A password is a secret: it comes by the input, never as an argument. */
static const char *value_of(struct command_line *cl, int kind, char *line, size_t size)
{
	if (kind != LIST_PASSWORD)
		return cl->argc == 4 ? cl->argv[3] : NULL;
	if (cl->argc != 3 || !fgets(line, (int)size, stdin))
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	return *line ? line : NULL;
}

static int add(struct command_line *cl)
{
	_cleanup_json_ cJSON *result = NULL;
	const char *what = cl->argc > 1 ? cl->argv[1] : "", *kind = cl->argc > 2 ? cl->argv[2] : "";
	char line[256] = "";
	int64_t until = 0;
	struct err err;
	int code = 0, k = kind_of(kind);
	bool approved = strcmp(what, "approved") == 0;

	if (!k || (!approved && strcmp(what, "blocked") != 0))
		return command_usage(_("lists add approved|blocked sender|domain|hash|link|protected|person VALUE --tenant ID [--until TIME] [--name REASON]; "
				       "a password is read from the input: lists add approved password --tenant ID"));
	if (cl->until && command_parse_time(cl->until, &until) < 0)
		return command_usage(_("--until wants a time such as 2026-11-22, RFC 3339, or a span such as '24 h'"));
	const char *value = value_of(cl, k, line, sizeof(line));
	if (!value)
		return command_usage(_("lists add: which value?"));
	/* A span lies before now for filters; an end lies after. */
	if (until && until < time_now_ms())
		until = 2 * time_now_ms() - until;
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "tenant", cl->tenant);
	cJSON_AddStringToObject(args, "kind", kind);
	cJSON_AddStringToObject(args, "value", value);
	cJSON_AddBoolToObject(args, "approved", approved);
	if (cl->name)
		cJSON_AddStringToObject(args, "reason", cl->name);
	if (until)
		cJSON_AddNumberToObject(args, "ends_at", (double)until);
	explicit_bzero(line, sizeof(line));
	if (ask(cl, "list_add", args, &result, &code, &err) < 0)
		return command_error(&err);
	if (cl->json)
		command_print(result);
	else
		printf("%ld\n", (long)json_int64_or(result, "id", 0));
	return code;
}

static int drop(struct command_line *cl)
{
	_cleanup_json_ cJSON *result = NULL;
	struct err err;
	char *end;
	int code = 0;
	long id = cl->argc == 2 ? strtol(cl->argv[1], &end, 10) : 0;

	if (id <= 0 || *end)
		return command_usage(_("lists remove ID: the number that lists list shows"));
	cJSON *args = cJSON_CreateObject();
	cJSON_AddNumberToObject(args, "id", (double)id);
	if (ask(cl, "list_remove", args, &result, &code, &err) < 0)
		return command_error(&err);
	if (cl->json)
		command_print(result);
	return code;
}

int command_lists(struct command_line *cl)
{
	const char *what = cl->argc ? cl->argv[0] : "list";

	if (strcmp(what, "remove") == 0)
		return drop(cl);
	if (!cl->tenant)
		return command_usage(_("lists wants --tenant ID"));
	if (strcmp(what, "list") == 0 && cl->argc <= 1)
		return list(cl);
	if (strcmp(what, "add") == 0)
		return add(cl);
	return command_usage(_("lists list|add|remove, with --tenant ID"));
}

/* ---- policy replay ---- */

static void show_replay(struct command_line *cl, const cJSON *result)
{
	_cleanup_(table_freep) struct table *table = table_new(_("RULE"), _("WAS"), _("NOW"), _("TOUCHED"), _("EXAMPLE"), NULL);
	const cJSON *one, *items = json_array(result, "items");
	bool ja = strcmp(cl->set.language, "ja") == 0;

	printf(_("%ld items of %ld days: %ld would be treated otherwise\n"), (long)json_int64_or(result, "seen", 0),
		(long)json_int64_or(result, "days", 0), (long)json_int64_or(result, "touched", 0));
	if (json_bool(result, "cut"))
		printf("%s\n", _("there are more: the oldest were left out, time or number was used up"));
	cJSON_ArrayForEach(one, items)
	{
		const cJSON *example = cJSON_GetArrayItem(json_array(one, "examples"), 0);
		char was[24], now[24], touched[24], rule[200];
		snprintf(was, sizeof(was), "%ld", (long)json_int64_or(one, "was", 0));
		snprintf(now, sizeof(now), "%ld", (long)json_int64_or(one, "now", 0));
		snprintf(touched, sizeof(touched), "%ld", (long)json_int64_or(one, "touched", 0));
		snprintf(rule, sizeof(rule), "%.60s %.120s", json_str_or(one, "rule", ""), json_str_or(one, ja ? "title_ja" : "title_en", ""));
		table_row(table, rule, was, now, touched, json_str_or(example, "name", ""));
	}
	if (cJSON_GetArraySize(items) > 0)
		table_print(table);
}

/* May rules delete in this tenant? Else quarantine takes the place of deleting. */
int command_may_delete(struct command_line *cl)
{
	_cleanup_json_ cJSON *result = NULL;
	const char *what = cl->argc == 2 ? cl->argv[1] : "";
	bool allow = strcmp(what, "allow") == 0;
	struct err err;
	int code = 0;

	if (!cl->tenant || (!allow && strcmp(what, "refuse") != 0))
		return command_usage(_("policy delete allow|refuse --tenant ID"));
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "tenant", cl->tenant);
	cJSON_AddBoolToObject(args, "may_delete", allow);
	if (ask(cl, "policy_settings", args, &result, &code, &err) < 0)
		return command_error(&err);
	return code;
}

int command_replay(struct command_line *cl)
{
	_cleanup_buf_ struct buf text = BUF_INIT(FILE_MAX);
	_cleanup_json_ cJSON *result = NULL;
	const char *path = cl->argc == 2 ? cl->argv[1] : NULL, *slash = path ? strrchr(path, '/') : NULL;
	int64_t since = time_now_ms() - 30 * DAY_MS, now = time_now_ms();
	struct err err;
	int code = 0;

	if (!path || !cl->tenant)
		return command_usage(_("policy replay RULE-FILE --tenant ID [--since TIME]"));
	if (cl->since && (command_parse_time(cl->since, &since) < 0 || since > now))
		return command_usage(_("--since wants a time such as 2026-11-22, RFC 3339, or a span such as '24 h'"));
	if (io_read_file(path, &text, &err) < 0)
		return command_error(&err);
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "tenant", cl->tenant);
	cJSON_AddStringToObject(args, "name", slash ? slash + 1 : path);
	cJSON_AddStringToObject(args, "text", buf_str(&text));
	cJSON_AddNumberToObject(args, "days", (double)((now - since + DAY_MS - 1) / DAY_MS ?: 1));
	if (ask(cl, "policy_replay", args, &result, &code, &err) < 0)
		return command_error(&err);
	if (cl->json)
		command_print(result);
	else
		show_replay(cl, result);
	return code;
}
