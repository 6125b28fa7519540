/* What operators do at a command line: accounts, tenants, invite, audit, setup-link, revoke-all. */
#include "core/command.h"

#include "base/i18n.h"
#include "base/timeutil.h"
#include "core/table.h"
#include "store/console.h"

#include <inttypes.h>
#include <string.h>

#define PAGE 200

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

static void link_of(const cJSON *result, const char *page, char *out, size_t size)
{
	const char *base = json_str_or(result, "console", "");

	snprintf(out, size, "%.500s/%s#%.100s", *base ? base : "http://127.0.0.1:8480", page, json_str_or(result, "token", ""));
}

/* The answer with its link, as JSON or for a person. */
static int show_link(struct command_line *cl, cJSON *result, const char *page, const char *what)
{
	char link[700];

	link_of(result, page, link, sizeof(link));
	if (cl->json) {
		cJSON_AddStringToObject(result, "link", link);
		cJSON_DeleteItemFromObjectCaseSensitive(result, "token");
		cJSON_DeleteItemFromObjectCaseSensitive(result, "console");
		command_print(result);
	} else {
		fprintf(stderr, "sekisho: %s\n", what);
		puts(link);
	}
	return 0;
}

static cJSON *tenants_of(struct command_line *cl)
{
	cJSON *list = cJSON_CreateArray();

	for (const char *p = cl->tenant ? cl->tenant : ""; *p;) {
		size_t len = strcspn(p, ",");
		char id[64];
		snprintf(id, sizeof(id), "%.*s", (int)(len < 63 ? len : 63), p);
		if (len)
			cJSON_AddItemToArray(list, cJSON_CreateString(id));
		p += len + (p[len] == ',');
	}
	return list;
}

/* "|a|b|" → "a, b" */
static const char *set_text(const char *set, char *out, size_t size)
{
	size_t n = 0;

	if (!set)
		return _("all");
	for (const char *p = set; *p && n + 3 < size; p++) {
		if (*p != '|')
			out[n++] = *p;
		else if (n && p[1]) {
			out[n++] = ',';
			out[n++] = ' ';
		}
	}
	out[n] = '\0';
	return out;
}

static cJSON *set_json(const char *set)
{
	cJSON *list = cJSON_CreateArray();
	char id[64];

	if (!set) {
		cJSON_Delete(list);
		return cJSON_CreateString("*");
	}
	for (const char *p = set; (p = strchr(p, '|')) && p[1]; p++) {
		snprintf(id, sizeof(id), "%.*s", (int)strcspn(p + 1, "|"), p + 1);
		cJSON_AddItemToArray(list, cJSON_CreateString(id));
	}
	return list;
}

/* ---- accounts ---- */

static int list_accounts(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(table_freep) struct table *table = table_new(_("LOGIN"), _("NAME"), _("ROLE"), _("TENANTS"), _("SECOND FACTOR"),
		_("LAST SIGN-IN"), _("STATE"), NULL);
	char after[201] = "", text[4000];
	struct err err;
	size_t n, total = 0;

	if (command_store(cl, &store, &err) < 0)
		return command_error(&err);
	do {
		_cleanup_(arena_freep) struct arena *a = arena_new(16 << 20);
		struct console_account *list;
		if (!a || store_account_list(store, after, PAGE, a, &list, &n, &err) < 0)
			return command_error(&err);
		for (size_t i = 0; i < n; i++) {
			snprintf(after, sizeof(after), "%s", list[i].login);
			const char *state = list[i].disabled ? "disabled" : list[i].has_password || strcmp(list[i].subjects, "{}") != 0 ? "active" : "invited";
			if (!cl->json) {
				table_row(table, list[i].login, list[i].name, console_role_name(list[i].role),
					set_text(list[i].tenants, text, sizeof(text)), list[i].totp ? _("on") : _("off"),
					command_time(cl, list[i].last_sign_in_at), state);
				continue;
			}
			_cleanup_json_ cJSON *o = cJSON_CreateObject();
			cJSON_AddStringToObject(o, "id", list[i].id);
			cJSON_AddStringToObject(o, "login", list[i].login);
			cJSON_AddStringToObject(o, "name", list[i].name);
			cJSON_AddStringToObject(o, "role", console_role_name(list[i].role));
			cJSON_AddItemToObject(o, "tenants", set_json(list[i].tenants));
			cJSON_AddBoolToObject(o, "totp", list[i].totp);
			cJSON_AddStringToObject(o, "state", state);
			command_print(o);
		}
		total += n;
	} while (n == PAGE);
	if (!cl->json && total)
		table_print(table);
	return total ? 0 : 9;
}

int command_accounts(struct command_line *cl)
{
	const char *what = cl->argc ? cl->argv[0] : "list";
	_cleanup_json_ cJSON *result = NULL;
	cJSON *args;
	struct err err;
	int code = 0;

	if (strcmp(what, "list") == 0 && cl->argc <= 1)
		return list_accounts(cl);
	if (cl->argc != 2)
		return command_usage(_("accounts list; accounts add LOGIN --role ROLE [--name NAME] [--tenant ID,…]; accounts reset|disable|enable LOGIN"));
	args = cJSON_CreateObject();
	if (strcmp(what, "add") == 0) {
		cJSON_AddStringToObject(args, "login", cl->argv[1]);
		cJSON_AddStringToObject(args, "name", cl->name ? cl->name : cl->argv[1]);
		cJSON_AddStringToObject(args, "role", cl->role ? cl->role : "");
		cJSON_AddItemToObject(args, "tenants", tenants_of(cl));
		if (ask(cl, "account_create", args, &result, &code, &err) < 0)
			return command_error(&err);
		return show_link(cl, result, "password", _("the account is made; this link, good once within 24 hours, sets its password:"));
	}
	cJSON_AddStringToObject(args, "id", cl->argv[1]);
	if (strcmp(what, "reset") == 0) {
		if (ask(cl, "account_reset", args, &result, &code, &err) < 0)
			return command_error(&err);
		return show_link(cl, result, "password",
			_("its sessions and its second factor are ended; this link, good once within 24 hours, sets a new password:"));
	}
	if (strcmp(what, "disable") != 0 && strcmp(what, "enable") != 0) {
		cJSON_Delete(args);
		return command_usage(_("accounts knows list, add, reset, disable and enable, not '%s'"), what);
	}
	cJSON_AddBoolToObject(args, "disabled", strcmp(what, "disable") == 0);
	if (ask(cl, "account_update", args, &result, &code, &err) < 0)
		return command_error(&err);
	if (cl->json)
		command_print(result);
	return code;
}

int command_setup_link(struct command_line *cl)
{
	_cleanup_json_ cJSON *result = NULL;
	struct err err;
	int code;

	if (cl->argc)
		return command_usage(_("this command takes no arguments"));
	if (ask(cl, "setup_link", cJSON_CreateObject(), &result, &code, &err) < 0)
		return command_error(&err);
	return show_link(cl, result, "setup", _("this link, good once, makes the first account:"));
}

/* ---- tenants and invitations ---- */

static int list_tenants(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(table_freep) struct table *table = table_new(_("ID"), _("NAME"), _("CONNECTIONS"), _("ALERTS"), _("TRIAL ENDS"), NULL);
	char after[64] = "", connections[24], alerts[24];
	struct err err;
	size_t n, total = 0;

	if (command_store(cl, &store, &err) < 0)
		return command_error(&err);
	do {
		_cleanup_(arena_freep) struct arena *a = arena_new(16 << 20);
		struct console_tenant *list;
		if (!a || store_tenant_list(store, NULL, after, PAGE, a, &list, &n, &err) < 0)
			return command_error(&err);
		for (size_t i = 0; i < n; i++) {
			snprintf(after, sizeof(after), "%s", list[i].id);
			snprintf(connections, sizeof(connections), "%" PRId64, list[i].connections);
			snprintf(alerts, sizeof(alerts), "%" PRId64, list[i].alerts);
			if (!cl->json) {
				table_row(table, list[i].id, list[i].name, connections, alerts, command_time(cl, list[i].trial_ends_at));
				continue;
			}
			_cleanup_json_ cJSON *o = cJSON_CreateObject();
			cJSON_AddStringToObject(o, "id", list[i].id);
			cJSON_AddStringToObject(o, "name", list[i].name);
			cJSON_AddNumberToObject(o, "connections", (double)list[i].connections);
			cJSON_AddNumberToObject(o, "alerts", (double)list[i].alerts);
			cJSON_AddNumberToObject(o, "trial_ends_at", (double)list[i].trial_ends_at);
			command_print(o);
		}
		total += n;
	} while (n == PAGE);
	if (!cl->json && total)
		table_print(table);
	return total ? 0 : 9;
}

int command_tenants(struct command_line *cl)
{
	const char *what = cl->argc ? cl->argv[0] : "list";
	_cleanup_json_ cJSON *result = NULL;
	struct err err;
	int64_t until;
	int code;

	if (strcmp(what, "list") == 0 && cl->argc <= 1)
		return list_tenants(cl);
	bool add = strcmp(what, "add") == 0;
	if (cl->argc != 2 || (!add && strcmp(what, "update") != 0))
		return command_usage(_("tenants list; tenants add|update ID [--name NAME] [--until TIME (the end of a trial; 'never')]"));
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "id", cl->argv[1]);
	if (cl->name || add)
		cJSON_AddStringToObject(args, "name", cl->name ? cl->name : cl->argv[1]);
	if (cl->until && strcmp(cl->until, "never") == 0) {
		cJSON_AddNullToObject(args, "trial_ends_at");
	} else if (cl->until) {
		if (command_parse_time(cl->until, &until) < 0) {
			cJSON_Delete(args);
			return command_usage(_("--until wants a time such as 2026-12-31"));
		}
		cJSON_AddNumberToObject(args, "trial_ends_at", (double)until);
	}
	if (ask(cl, add ? "tenant_create" : "tenant_update", args, &result, &code, &err) < 0)
		return command_error(&err);
	if (cl->json)
		command_print(result);
	return code;
}

int command_invite(struct command_line *cl)
{
	_cleanup_json_ cJSON *result = NULL;
	cJSON *args;
	struct err err;
	int code;

	if (cl->argc != 1)
		return command_usage(_("invite wants a tenant's id"));
	args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "tenant", cl->argv[0]);
	if (cl->name)
		cJSON_AddStringToObject(args, "name", cl->name);
	if (ask(cl, "invitation_create", args, &result, &code, &err) < 0)
		return command_error(&err);
	return show_link(cl, result, "invitation", _("this link, good once within seven days, leads the company's administrator through connecting:"));
}

/* ---- audit ---- */

static int verify(struct command_line *cl, struct store *store)
{
	struct audit_check check;
	struct err err;

	if (store_audit_verify(store, cl->argc ? cl->argv[0] : NULL, &check, &err) < 0)
		return command_error(&err);
	if (cl->json) {
		_cleanup_json_ cJSON *o = cJSON_CreateObject();
		cJSON_AddBoolToObject(o, "whole", !check.what);
		cJSON_AddNumberToObject(o, "rows", (double)check.rows);
		cJSON_AddStringToObject(o, "head", check.head);
		if (check.what) {
			cJSON_AddStringToObject(o, "what", check.what);
			cJSON_AddNumberToObject(o, "broken_at", (double)check.broken_at);
		}
		command_print(o);
	} else if (check.what) {
		fprintf(stderr, _("sekisho: the audit trail is broken at row %lld (%s)\n"), (long long)check.broken_at, check.what);
	} else {
		printf(_("the audit trail is whole: %lld rows\n"), (long long)check.rows);
		/* Kept elsewhere, it shows a trail that was cut or written anew. */
		printf(_("head: %s\n"), check.head);
	}
	return check.what ? 1 : 0;
}

static void print_row(struct command_line *cl, struct table *table, const struct console_audit *row)
{
	char number[24], who[300];

	if (!cl->json) {
		snprintf(number, sizeof(number), "%" PRId64, row->seq);
		snprintf(who, sizeof(who), "%.280s", *row->name ? row->name : row->actor);
		table_row(table, number, command_time(cl, row->at), who, row->address, row->act, row->tenant, row->object, row->phase);
		return;
	}
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	cJSON *detail = NULL;
	char at[TIME_RFC3339_LEN];
	cJSON_AddNumberToObject(o, "seq", (double)row->seq);
	cJSON_AddStringToObject(o, "at", time_format(row->at, at));
	cJSON_AddStringToObject(o, "actor", row->actor);
	cJSON_AddStringToObject(o, "name", row->name);
	cJSON_AddStringToObject(o, "role", row->role);
	cJSON_AddStringToObject(o, "address", row->address);
	cJSON_AddStringToObject(o, "act", row->act);
	cJSON_AddStringToObject(o, "tenant", row->tenant);
	cJSON_AddStringToObject(o, "object", row->object);
	cJSON_AddStringToObject(o, "phase", row->phase);
	cJSON_AddNumberToObject(o, "intent", (double)row->intent);
	if (*row->detail && json_parse(row->detail, strlen(row->detail), &detail, NULL) == 0)
		cJSON_AddItemToObject(o, "detail", detail);
	cJSON_AddStringToObject(o, "hash", row->hash);
	command_print(o);
}

int command_audit(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(table_freep) struct table *table = NULL;
	struct audit_filter filter = {.tenant = cl->tenant, .max = PAGE};
	struct err err;
	size_t n, total = 0;

	if (cl->argc > (cl->verify ? 1 : 0))
		return command_usage(_("audit takes --tenant, --since, --until; audit --verify [HEAD]"));
	if ((cl->since && command_parse_time(cl->since, &filter.since) < 0) || (cl->until && command_parse_time(cl->until, &filter.until) < 0))
		return command_usage(_("a time such as 2026-11-22 or 24 h is wanted"));
	if (command_store(cl, &store, &err) < 0)
		return command_error(&err);
	if (cl->verify)
		return verify(cl, store);
	if (!cl->json)
		table = table_new(_("ROW"), _("WHEN"), _("WHO"), _("FROM"), _("ACT"), _("TENANT"), _("OBJECT"), _("PHASE"), NULL);
	/* Newest first, as they are looked at. */
	do {
		_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
		struct console_audit *list;
		if (!a || store_audit_list(store, &filter, a, &list, &n, &err) < 0)
			return command_error(&err);
		for (size_t i = 0; i < n; i++) {
			filter.before = list[i].seq;
			print_row(cl, table, &list[i]);
		}
		total += n;
	} while (n == PAGE);
	if (table && total)
		table_print(table);
	return total ? 0 : 9;
}

/* ---- the day after a break-in ---- */

int command_revoke_all(struct command_line *cl)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	_cleanup_json_ cJSON *result = NULL;
	const cJSON *one;
	struct err err;
	int code;

	if (cl->argc || !cl->yes)
		return command_usage(_("revoke-all ends every connection of this node; say --yes to mean it"));
	if (ctl_open(cl, false, &ctl, &err) < 0 || ctl_call(ctl, "revoke_all", NULL, NULL, 0, &code, &result, NULL, &err) < 0)
		return command_error(&err);
	int failed = cJSON_GetArraySize(json_array(result, "failed"));
	if (cl->json) {
		command_print(result);
		return failed ? 1 : 0;
	}
	printf(_("%lld connections ended in %.1f s, %d failed\n"), (long long)json_int64_or(result, "ended", 0),
		(double)json_int64_or(result, "ms", 0) / 1000, failed);
	cJSON_ArrayForEach(one, json_array(result, "failed"))
		fprintf(stderr, "sekisho: %s: %s\n", command_text(json_str_or(one, "id", "?")), command_text(json_str_or(one, "message", "")));
	cJSON_ArrayForEach(one, json_array(result, "not_revoked"))
	{
		printf("%s:\n", command_text(json_str_or(one, "id", "?")));
		command_by_hand(one);
	}
	return failed ? 1 : 0;
}
