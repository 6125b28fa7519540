/* The console's commands from the command line, and the vault's life. Each runs on its client's thread; see control.h. */
#include "core/control.h"

#include "auth/client.h"
#include "core/console.h"

#include <string.h>

/* command, args → what the console's command gives, beside the address of its pages. */
int control_console(struct control_request *r, struct err *err)
{
	const struct console_actor local = {.local = true, .uid = r->uid, .address = "", .agent = "", .session_hash = ""};
	const char *command = json_str_or(r->args, "command", "");
	_cleanup_json_ cJSON *none = cJSON_CreateObject();
	const cJSON *args = json_object(r->args, "args");
	struct core *c = r->core;

	int code = console_run(c, &local, command, args ? args : none, r->result, &r->fd, err);
	if (code < 0)
		return -1;
	pthread_mutex_lock(&c->info_lock);
	cJSON_AddStringToObject(r->result, "console", c->console_url[0] ? c->console_url : c->set->console_url);
	pthread_mutex_unlock(&c->info_lock);
	return code;
}

/* Auth does it; what comes back first is a count or a place. */
static int ask_vault(struct control_request *r, enum auth_message type, const char *text, int fd, const char *key, struct err *err)
{
	const char *texts[] = {text};
	struct auth_texts t = {0};
	struct peer_link *auth = peer_get(&r->core->auth, 10000);

	if (!auth) {
		if (fd >= 0)
			close(fd);
		return err_set(err, ERR_RETRY, "peer_gone", "the auth role is not there");
	}
	int code = auth_client_ask(auth->rpc, type, text ? 1 : 0, texts, fd, &t, err);
	peer_put(auth);
	if (code == 0 && t.n > 0)
		cJSON_AddStringToObject(r->result, key, t.text[0]);
	auth_texts_free(&t);
	return code;
}

/* tenant ("*": all) gets new data keys; or, with "kek", the key-encryption key: a new one by descriptor, else auth makes it. */
int control_vault_rotate(struct control_request *r, struct err *err)
{
	if (json_bool(r->args, "kek"))
		return ask_vault(r, AUTH_ROTATE_KEK, NULL, msg_take_fd(r->msg), "key", err);
	return ask_vault(r, AUTH_ROTATE, json_str_or(r->args, "tenant", "*"), -1, "values", err);
}

/* The passphrase comes by a descriptor of its own: it is in no argument. */
static int passphrase(struct control_request *r, struct buf *ret, struct err *err)
{
	_cleanup_close_ int fd = msg_take_fd(r->msg);
	char text[1025];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (n < 1 || memchr(text, '\0', (size_t)n)) {
		explicit_bzero(text, sizeof(text));
		return err_set(err, ERR_REMOTE, "bad_request", "a passphrase of 1 to 1024 bytes is wanted");
	}
	int code = buf_add(ret, text, (size_t)n) < 0 ? err_set(err, ERR_LOCAL, "memory", "out of memory") : 0;
	explicit_bzero(text, sizeof(text));
	return code;
}

static int with_passphrase(struct control_request *r, enum auth_message type, struct err *err)
{
	_cleanup_wipe_ struct buf text = BUF_INIT(2000);

	if (passphrase(r, &text, err) < 0)
		return -1;
	int fd = msg_take_fd(r->msg);
	if (fd < 0)
		return err_set(err, ERR_REMOTE, "bad_request", "no file came along");
	return ask_vault(r, type, buf_str(&text), fd, "records", err);
}

int control_vault_backup(struct control_request *r, struct err *err)
{
	return with_passphrase(r, AUTH_BACKUP, err);
}

int control_vault_restore(struct control_request *r, struct err *err)
{
	return with_passphrase(r, AUTH_RESTORE, err);
}
