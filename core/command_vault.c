/* sekisho vault: the life of the vault as operators see it. Keys are rotated, its content is written to a file and read from
 * one, by the service. In the process that the user started: files and passphrases are opened here, with the user's rights, and
 * go to the service as descriptors. */
#include "core/command.h"

#include "base/i18n.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_passphrase(struct command_line *cl, int *ret, struct err *err)
{
	if (!cl->password_file)
		return err_set(err, ERR_REMOTE, "usage", "%s", _("--passphrase-file FILE is wanted: the passphrase is in no argument"));
	*ret = open(cl->password_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return *ret < 0 ? err_errno(err, "%s", cl->password_file) : 0;
}

static int vault_file(struct command_line *cl, const char *command, const char *path, bool write, struct err *err)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	_cleanup_json_ cJSON *result = NULL;
	int fds[2] = {-1, -1}, code;

	if (open_passphrase(cl, &fds[0], err) < 0)
		return -1;
	fds[1] = write ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fds[1] < 0) {
		err_errno(err, "%s", path);
		close(fds[0]);
		return -1;
	}
	if (ctl_open(cl, false, &ctl, err) < 0) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (ctl_call(ctl, command, NULL, fds, 2, &code, &result, NULL, err) < 0) {
		if (write)
			unlink(path);
		return -1;
	}
	if (cl->json)
		command_print(result);
	else
		printf(write ? _("%s: %s records\n") : _("restored from %s: %s records\n"), command_text(path),
			json_str_or(result, "records", "?"));
	return 0;
}

static int vault_rotate(struct command_line *cl, struct err *err)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = NULL;
	int fds[1], n = 0, code;

	if (cl->kek) {
		cJSON_AddBoolToObject(args, "kek", true);
		if (cl->from) {
			fds[0] = open(cl->from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
			if (fds[0] < 0)
				return err_errno(err, "%s", cl->from);
			n = 1;
		}
	} else {
		cJSON_AddStringToObject(args, "tenant", cl->tenant ? cl->tenant : "*");
	}
	if (ctl_open(cl, false, &ctl, err) < 0) {
		if (n)
			close(fds[0]);
		return -1;
	}
	if (ctl_call(ctl, "vault_rotate", args, fds, n, &code, &result, NULL, err) < 0)
		return -1;
	if (cl->json)
		command_print(result);
	else if (cl->kek)
		printf(_("everything is sealed under the new key: %s\n"), command_text(json_str_or(result, "key", "")));
	else
		printf(_("%s values are sealed anew\n"), json_str_or(result, "values", "?"));
	return 0;
}

int command_vault(struct command_line *cl)
{
	const char *what = cl->argc ? cl->argv[0] : "";
	struct err err;
	int r;

	if (strcmp(what, "rotate") == 0 && cl->argc == 1)
		r = vault_rotate(cl, &err);
	else if (strcmp(what, "backup") == 0 && cl->argc == 2)
		r = vault_file(cl, "vault_backup", cl->argv[1], true, &err);
	else if (strcmp(what, "restore") == 0 && cl->argc == 2)
		r = vault_file(cl, "vault_restore", cl->argv[1], false, &err);
	else
		return command_usage(_("vault rotate [--kek [--from KEY-FILE]] [--tenant ID]; vault backup|restore FILE --passphrase-file FILE"));
	if (r < 0 && strcmp(err.code, "usage") == 0)
		return command_usage("%s", err.message);
	return r < 0 ? command_error(&err) : 0;
}
