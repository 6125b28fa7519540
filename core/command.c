/* What the commands share; see command.h. */
#include "core/command.h"

#include "base/encode.h"
#include "base/i18n.h"
#include "base/timeutil.h"
#include "base/units.h"

#include <stdarg.h>
#include <string.h>

int command_error(const struct err *err)
{
	fprintf(stderr, "sekisho: %s", command_text(err->message));
	if (err->http_status)
		fprintf(stderr, " (HTTP %d)", err->http_status);
	if (err->request_id[0])
		fprintf(stderr, _(" [request %s]"), command_text(err->request_id));
	fprintf(stderr, " [%s]\n", err->code);
	return strcmp(err->code, "bad_config") == 0 ? 2 : err_exit_code(err);
}

int command_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("sekisho: ", stderr);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\nsekisho: %s\n", _("'sekisho --help' lists the commands and options"));
	va_end(ap);
	return 2;
}

int command_store(struct command_line *cl, struct store **ret, struct err *err)
{
	if (strncmp(cl->set.store, "sqlite:", 7) == 0 && access(cl->set.store + 7, F_OK) < 0)
		return err_set(err, ERR_GONE, "no_store", _("there is no store at %s yet: 'sekisho connect' makes one"),
			cl->set.store + 7);
	return store_open(cl->set.store, true, "command", ret, err);
}

static int one_of(const char *option, const char *word, const char *const *words)
{
	char all[200] = "";

	for (const char *const *w = words; word && *w; w++) {
		if (strcmp(word, *w) == 0)
			return 0;
		size_t len = strlen(all);
		snprintf(all + len, sizeof(all) - len, "%s%s", len ? ", " : "", *w);
	}
	return word ? command_usage(_("%s does not know '%s'; it is one of %s"), option, command_text(word), all) : 0;
}

int command_filters(const struct command_line *cl)
{
	static const char *const states[] = {"none", "would", "planned", "intended", "done", "failed", "restoring", "restored",
		"deleting", "deleted", NULL};
	static const char *const verdicts[] = {"threat", "unknown", "clean", NULL};
	static const char *const providers[] = {"microsoft", "google", "box", "dropbox", NULL};
	static const char *const services[] = {"exchange", "onedrive", "sharepoint", "teams", "gmail", "drive", "box", "dropbox",
		NULL};

	int code = one_of("--state", cl->state, states);
	if (!code)
		code = one_of("--verdict", cl->verdict, verdicts);
	if (!code)
		code = one_of("--provider", cl->provider, providers);
	return code ? code : one_of("--service", cl->service, services);
}

int command_known(const struct command_line *cl, struct store *store, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(64 << 20);
	struct store_connection *list;
	bool tenant = !cl->tenant, connection = !cl->connection;
	size_t n;

	if (!a)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (store_connection_list(store, NULL, a, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		tenant = tenant || strcmp(list[i].tenant, cl->tenant) == 0;
		connection = connection || strcmp(list[i].id, cl->connection) == 0;
	}
	if (!tenant)
		return err_set(err, ERR_GONE, "not_found", _("there is no tenant '%s'; 'sekisho connections' lists them"), cl->tenant);
	if (!connection)
		return err_set(err, ERR_GONE, "not_found", _("there is no connection '%s'; 'sekisho connections' lists them"),
			cl->connection);
	return 0;
}

void command_print(const cJSON *doc)
{
	char *text = cJSON_PrintUnformatted(doc);

	if (text)
		puts(text);
	cJSON_free(text);
}

/* Texts that live until the eighth call after theirs: enough for one printf(). */
static struct buf *slot(void)
{
	static struct buf slots[8];
	static int next;
	struct buf *b = &slots[next++ % 8];

	b->max = 65536;
	buf_clear(b);
	return b;
}

const char *command_text(const char *s)
{
	struct buf *b = slot();

	if (s)
		utf8_clean(b, s, strlen(s), true);
	return buf_str(b);
}

const char *command_time(const struct command_line *cl, int64_t ms)
{
	struct buf *b = slot();
	char text[TIME_RFC3339_LEN];

	if (ms)
		buf_adds(b, time_format_zone(ms, cl->set.time_zone, text));
	return buf_str(b);
}

int command_parse_time(const char *s, int64_t *ret)
{
	int64_t span;
	char day[64];

	if (units_duration(s, &span) == 0) {
		*ret = time_now_ms() - span;
		return 0;
	}
	if (strlen(s) == 10) {
		snprintf(day, sizeof(day), "%sT00:00:00Z", s);
		s = day;
	}
	return time_parse(s, ret);
}

static void add_time(cJSON *o, const char *key, int64_t ms)
{
	char text[TIME_RFC3339_LEN];

	if (ms)
		cJSON_AddStringToObject(o, key, time_format(ms, text));
	else
		cJSON_AddNullToObject(o, key);
}

static void add_text(cJSON *o, const char *key, const char *s)
{
	if (s && *s)
		cJSON_AddStringToObject(o, key, s);
	else
		cJSON_AddNullToObject(o, key);
}

static void add_parsed(cJSON *o, const char *key, const char *text)
{
	cJSON *doc = NULL;

	if (!text || json_parse(text, strlen(text), &doc, NULL) < 0)
		doc = cJSON_CreateArray();
	cJSON_AddItemToObject(o, key, doc);
}

/* The states inside, as the interface names them outside. */
static const char *outer_state(const char *state)
{
	if (!state || !*state || strcmp(state, "would") == 0)
		return "none";
	if (strcmp(state, "planned") == 0)
		return "intended";
	if (strcmp(state, "restoring") == 0 || strcmp(state, "deleting") == 0)
		return "done";
	return state;
}

cJSON *finding_json(const struct store_finding *f)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", f->uid);
	cJSON_AddStringToObject(o, "tenant", f->tenant);
	cJSON_AddStringToObject(o, "connection", f->connection);
	cJSON_AddStringToObject(o, "provider", f->provider);
	cJSON_AddStringToObject(o, "service", f->service);
	add_text(o, "stream", f->stream_name);
	cJSON *item = cJSON_AddObjectToObject(o, "item");
	cJSON_AddStringToObject(item, "id", f->remote_id);
	add_text(item, "version", f->version);
	add_text(item, "name", f->name);
	add_text(item, "path", f->path);
	add_text(item, "owner", f->owner);
	if (f->size >= 0)
		cJSON_AddNumberToObject(item, "size", (double)f->size);
	else
		cJSON_AddNullToObject(item, "size");
	add_text(item, "sha256", f->sha256);
	if (strcmp(f->service, "exchange") == 0 || strcmp(f->service, "gmail") == 0) {
		cJSON *mail = cJSON_AddObjectToObject(o, "mail");
		add_text(mail, "message_id", f->message_id);
		add_text(mail, "from", f->from);
		add_text(mail, "to", f->to);
		add_text(mail, "subject", f->subject);
		add_time(mail, "received", f->received_at);
	}
	cJSON *verdict = cJSON_AddObjectToObject(o, "verdict");
	cJSON_AddStringToObject(verdict, "status", f->verdict);
	add_text(verdict, "reason", f->reason);
	add_parsed(verdict, "threats", f->threats);
	add_text(verdict, "engine", f->engine);
	add_text(verdict, "signatures", f->signatures);
	add_parsed(o, "rules", f->rules);
	cJSON *action = cJSON_AddObjectToObject(o, "action");
	add_text(action, "kind", f->action_kind);
	cJSON_AddStringToObject(action, "state", outer_state(f->action_state));
	add_text(action, "error", f->action_error);
	add_text(action, "id", f->op_id);
	cJSON_AddBoolToObject(action, "monitor", f->action_state && strcmp(f->action_state, "would") == 0);
	if (f->act)
		add_parsed(action, "asks", f->act);
	if (f->facts)
		add_parsed(o, "facts", f->facts);
	add_text(o, "case", f->case_id);
	cJSON *times = cJSON_AddObjectToObject(o, "times");
	add_time(times, "changed", f->changed_at);
	add_time(times, "seen", f->seen_at);
	add_time(times, "verdict", f->verdict_at);
	add_time(times, "contained", f->contained_at);
	add_time(times, "restored", f->restored_at);
	return o;
}
