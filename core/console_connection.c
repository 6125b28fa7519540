/* What is done to connections, findings and alerts in the console. On the console's threads. */
#include "core/console_impl.h"

#include "base/ioutil.h"
#include "core/control.h"
#include "core/grants.h"

#define DAY_MS 86400000ll

/* The control socket's handlers do the same. */
static int as_control(struct console_request *r, control_handler *handler, struct err *err)
{
	struct control_request of = {.core = r->core, .args = r->args, .result = r->result, .fd = -1};
	int code = handler(&of, err);

	r->fd = of.fd;
	return code;
}

int console_connection_check(struct console_request *r, struct err *err)
{
	return as_control(r, control_check, err);
}

int console_restore(struct console_request *r, struct err *err)
{
	return as_control(r, control_restore, err);
}

int console_delete(struct console_request *r, struct err *err)
{
	return as_control(r, control_delete, err);
}

/* A sealed copy: what is handed to web cannot change under it, nor under us. */
int console_download(struct console_request *r, struct err *err)
{
	_cleanup_close_ int from = -1, to = -1;
	char chunk[65536];
	off_t at = 0;
	ssize_t n;

	int code = as_control(r, control_download, err);
	from = TAKE_FD(r->fd);
	if (code < 0)
		return -1;
	to = io_memfd("download", err);
	if (to < 0)
		return -1;
	while ((n = pread(from, chunk, sizeof(chunk), at)) > 0) {
		if (io_write_all(to, chunk, (size_t)n) < 0)
			return err_errno(err, "copying the item");
		at += n;
	}
	if (n < 0)
		return err_errno(err, "reading the item");
	if (io_memfd_seal(to, err) < 0)
		return -1;
	r->fd = TAKE_FD(to);
	return code;
}

int console_disconnect(struct console_request *r, struct err *err)
{
	return grants_disconnect(r->core, r->object, "disconnected", r->result, err);
}

static void set(cJSON *doc, const char *key, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(doc, key);
	cJSON_AddItemToObject(doc, key, value);
}

/* A grant was proven for the services that it has: more of them want a new one. */
static int read_services(struct console_request *r, const struct store_connection *c, const struct connector *k, unsigned *ret,
	struct err *err)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {{"mail", SERVICE_MAIL}, {"files", SERVICE_FILES}, {"teams", SERVICE_TEAMS}};
	const cJSON *list = json_get(r->args, "services"), *one;
	unsigned bits = 0;

	if (!list)
		return 0;
	cJSON_ArrayForEach(one, list)
	{
		for (size_t i = 0; cJSON_IsString(one) && i < ARRAY_SIZE(names); i++)
			if (strcmp(names[i].name, one->valuestring) == 0)
				bits |= names[i].bit & k->services;
	}
	if (!bits)
		return console_bad(err, "'services' wants at least one that the provider has: mail, files, teams");
	if (strcmp(c->provider, "google") == 0 && (bits & ~c->services))
		return err_set(err, ERR_CHANGED, "wrong_state", "the delegation is for fewer services: connect again to add one");
	*ret = bits;
	return 0;
}

int console_connection_update(struct console_request *r, struct err *err)
{
	struct store_connection c;
	_cleanup_json_ cJSON *config = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	const cJSON *protect = json_get(r->args, "protect"), *days = json_get(r->args, "backlog_days");
	int64_t n = 0;

	if (store_connection_get(r->core->store, r->object, r->arena, &c, err) < 0)
		return -1;
	const struct connector *k = connector_find(c.provider);
	if (c.state == CONN_DISCONNECTED || !k)
		return err_set(err, ERR_CHANGED, "wrong_state", "the connection was ended");
	if (json_parse(c.config, strlen(c.config), &config, err) < 0 || read_services(r, &c, k, &c.services, err) < 0)
		return -1;
	if (protect && !cJSON_IsBool(protect))
		return console_bad(err, "'protect' is true or false");
	if (protect)
		c.protect = cJSON_IsTrue(protect);
	if (days) {
		/* null: everything */
		if (!cJSON_IsNull(days) && (!json_int64(r->args, "backlog_days", &n) || n < 0 || n > 36500))
			return console_bad(err, "'backlog_days' wants a number of days, 0 for none, null for all");
		c.backlog = cJSON_IsNull(days) ? BACKLOG_ALL : n ? BACKLOG_SINCE : BACKLOG_NONE;
		c.backlog_since = n ? time_now_ms() - n * DAY_MS : 0;
	}
	set(config, "protect", cJSON_CreateBool(c.protect));
	set(config, "services", cJSON_CreateNumber(c.services));
	set(config, "backlog", cJSON_CreateNumber(c.backlog));
	set(config, "backlog_since", cJSON_CreateNumber((double)c.backlog_since));
	if (json_print(config, &text) < 0)
		return console_no_memory(err);
	c.config = buf_str(&text);
	if (store_connection_options(r->core->store, &c, err) < 0)
		return -1;
	live_forget(r->core, c.id);
	if (discover_set_due(r->core, c.id, 0, 0, err) < 0)
		return -1;
	wake_all(&r->core->wake);
	return 0;
}

/* What else there is about a finding: its receipt. Looked at, and so in the audit trail. */
int console_finding_show(struct console_request *r, struct err *err)
{
	struct store_finding f;
	_cleanup_json_ cJSON *receipt = NULL;

	if (store_finding_get(r->core->store, r->object, r->arena, &f, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "id", f.uid);
	if (f.receipt && json_parse(f.receipt, strlen(f.receipt), &receipt, NULL) == 0)
		cJSON_AddItemToObject(r->result, "receipt", TAKE_PTR(receipt));
	return 0;
}

int console_alert_ack(struct console_request *r, struct err *err)
{
	char by[80];

	if (r->actor->local)
		snprintf(by, sizeof(by), "local:%u", r->actor->uid);
	else
		snprintf(by, sizeof(by), "%.70s", r->actor->session->login);
	return store_alert_ack(r->core->store, r->object, by, time_now_ms(), err);
}
