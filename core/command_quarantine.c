/* quarantine list, show, restore, delete, download. */
#include "core/command.h"

#include "base/encode.h"
#include "base/i18n.h"
#include "base/ioutil.h"
#include "base/timeutil.h"
#include "core/table.h"
#include "base/zip.h"

#include <string.h>

static int list(struct command_line *cl)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(table_freep) struct table *table =
		table_new(_("HELD SINCE"), _("TENANT"), _("SERVICE"), _("OWNER"), _("NAME"), _("STATE"), _("NOTE"), _("ID"), NULL);
	struct finding_filter filter = {.tenant = cl->tenant, .connection = cl->connection, .action_state = cl->state,
		.quarantined = true, .max = 500};
	struct err err;
	size_t n, total = 0;

	int code = command_filters(cl);
	if (code)
		return code;
	if (command_store(cl, &store, &err) < 0 || command_known(cl, store, &err) < 0)
		return command_error(&err);
	do {
		_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
		struct store_finding *f;
		if (!a || store_finding_list(store, &filter, a, &f, &n, &err) < 0)
			return command_error(&err);
		for (size_t i = 0; i < n; i++) {
			filter.after = f[i].id;
			_cleanup_json_ cJSON *o = finding_json(&f[i]);
			if (cl->json)
				command_print(o);
			else
				table_row(table, command_time(cl, f[i].contained_at), f[i].tenant, f[i].service, f[i].owner,
					f[i].name, f[i].action_state, f[i].action_error, f[i].uid);
		}
		total += n;
	} while (n == 500);
	if (!cl->json && total)
		table_print(table);
	return total ? 0 : 9;
}

static int show(struct command_line *cl, const char *id)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(8 << 20);
	struct store_finding f;
	struct err err;

	if (!a || command_store(cl, &store, &err) < 0 || store_finding_get(store, id, a, &f, &err) < 0)
		return command_error(&err);
	_cleanup_json_ cJSON *o = finding_json(&f);
	cJSON *receipt = NULL;
	if (f.receipt && json_parse(f.receipt, strlen(f.receipt), &receipt, NULL) == 0)
		cJSON_AddItemToObject(o, "receipt", receipt);
	if (cl->json) {
		command_print(o);
		return 0;
	}
	char *text = cJSON_Print(o);
	_cleanup_buf_ struct buf clean = BUF_INIT(1 << 20);
	/* Line ends and tabs are the printer's own; everything else from outside is made visible. */
	for (const char *p = text; p && *p;) {
		size_t len = strcspn(p, "\n\t");
		utf8_clean(&clean, p, len, true);
		p += len;
		if (*p)
			buf_addc(&clean, *p++);
	}
	puts(buf_str(&clean));
	cJSON_free(text);
	return 0;
}

static int act(struct command_line *cl, const char *command, const char *id)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = NULL;
	struct err err;
	int code;

	cJSON_AddStringToObject(args, "id", id);
	if (ctl_open(cl, false, &ctl, &err) < 0 || ctl_call(ctl, command, args, NULL, 0, &code, &result, NULL, &err) < 0)
		return command_error(&err);
	if (cl->json) {
		command_print(result);
		return code;
	}
	printf("%s: %s%s\n", id, json_str_or(result, "state", "?"), code == 9 ? _(" already") : "");
	const cJSON *n;
	cJSON_ArrayForEach(n, json_array(result, "not_restored"))
		printf(_("  not brought back: %s\n"), command_text(cJSON_GetStringValue(n)));
	return code;
}

static int download(struct command_line *cl, const char *id)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = NULL;
	_cleanup_close_ int fd = -1;
	char password[33], path[4096];
	struct err err;
	int code;

	cJSON_AddStringToObject(args, "id", id);
	if (ctl_open(cl, false, &ctl, &err) < 0 || ctl_call(ctl, "download", args, NULL, 0, &code, &result, &fd, &err) < 0)
		return command_error(&err);
	if (fd < 0)
		return command_usage(_("the service sent no content"));
	snprintf(path, sizeof(path), "%s", cl->output ? cl->output : "");
	if (!*path)
		snprintf(path, sizeof(path), "%.64s.zip", id);
	random_hex(password, 8);
	if (zip_encrypted(path, json_str_or(result, "name", "item"), fd, password, &err) < 0)
		return command_error(&err);
	if (cl->json) {
		cJSON_AddStringToObject(result, "file", path);
		cJSON_AddStringToObject(result, "password", password);
		command_print(result);
	} else {
		printf(_("%s (AES-256; password: %s)\n"), command_text(path), password);
	}
	return 0;
}

int command_quarantine(struct command_line *cl)
{
	const char *what = cl->argc ? cl->argv[0] : "";
	const char *id = cl->argc == 2 ? cl->argv[1] : NULL;

	if (strcmp(what, "list") == 0 && cl->argc == 1)
		return list(cl);
	if (!id)
		return command_usage(_("quarantine list, or quarantine show|restore|delete|download ID"));
	if (strcmp(what, "show") == 0)
		return show(cl, id);
	if (strcmp(what, "restore") == 0 || strcmp(what, "delete") == 0)
		return act(cl, what, id);
	if (strcmp(what, "download") == 0)
		return download(cl, id);
	return command_usage(_("quarantine knows list, show, restore, delete and download, not '%s'"), what);
}
