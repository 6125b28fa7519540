/* doctor: what is wrong with this installation; each failure prints its fix. */
#include "core/command.h"

#include "base/i18n.h"
#include "base/ioutil.h"
#include "base/timeutil.h"
#include "base/units.h"
#include "connectors/connector.h"
#include "core/policy_set.h"
#include "core/table.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define DAY_MS 86400000ll
#define CONNECTION N_("connection") /* the check whose line names one */

enum grade { GOOD, WARN, BAD };

struct doctor {
	struct command_line *cl;
	struct ctl *ctl;
	struct store *store;
	struct arena *a;
	cJSON *checks;
	struct table *table;
	const char *connection; /* the id of the one that is being checked */
	int bad, warned;
};

/* what: a fixed word, marked with N_(): scripts read it as it is, people in their language. */
static void say(struct doctor *d, enum grade g, const char *what, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void say(struct doctor *d, enum grade g, const char *what, const char *fix, const char *fmt, ...)
{
	static const char *const names[] = {N_("ok"), N_("warning"), N_("FAILED")};
	char text[600], key[120], shown[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->bad += g == BAD;
	d->warned += g == WARN;
	bool named = strcmp(what, CONNECTION) == 0;
	snprintf(key, sizeof(key), "%s%s%s", what, named ? " " : "", named ? d->connection : "");
	snprintf(shown, sizeof(shown), "%s%s%s", _(what), named ? " " : "", named ? d->connection : "");
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "check", key);
	cJSON_AddStringToObject(o, "result", g == GOOD ? "ok" : g == WARN ? "warning" : "failed");
	cJSON_AddStringToObject(o, "detail", text);
	cJSON_AddStringToObject(o, "fix", g == GOOD ? "" : fix);
	cJSON_AddItemToArray(d->checks, o);
	table_row(d->table, _(names[g]), shown, text, g == GOOD ? "" : fix);
}

static void check_state(struct doctor *d)
{
	struct statvfs v;
	const char *state = d->cl->set.state;
	char free_text[32];

	if (statvfs(state, &v) < 0) {
		say(d, BAD, N_("disk"), _("create it, or name another under 'state' in the configuration"), "%s: %s", state,
			strerror(errno));
		return;
	}
	int64_t left = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
	units_size_text(left, free_text, sizeof(free_text));
	enum grade g = left < (256 << 20) ? BAD : left < (2ll << 30) ? WARN : GOOD;
	say(d, g, N_("disk"), _("make room: the store, the spool and the events need it"), _("%s free at %s"), free_text, state);
	if (access(state, W_OK) < 0)
		say(d, BAD, N_("state folder"), _("run doctor as the user of the service, or correct the owner of the folder"),
			_("%s cannot be written"), state);
}

static void check_store(struct doctor *d)
{
	struct err err;

	if (!d->store) {
		say(d, WARN, N_("store"), _("connect a cloud: sekisho connect --from FILE"), _("nothing is stored yet"));
		return;
	}
	if (store_check(d->store, &err) < 0)
		say(d, BAD, N_("store"), _("stop the service and restore the store from a backup"), "%s", err.message);
	else
		say(d, GOOD, N_("store"), "", _("intact"));
}

static void check_clock(struct doctor *d)
{
	int64_t now = time_now_ms();

	/* Signed assertions live minutes: the connections' own checks find smaller errors by the providers' Date. */
	if (now < 1767225600000ll)
		say(d, BAD, N_("clock"), _("set the clock: timedatectl set-ntp true"), _("the clock shows a time long past"));
	else
		say(d, GOOD, N_("clock"), "", "%s", command_time(d->cl, now));
}

static void check_sandbox(struct doctor *d, const char *sandbox)
{
	if (strncmp(sandbox, "unavailable", 11) == 0)
		say(d, BAD, N_("sandbox"), _("NOTHING IS SCANNED: allow this service user namespaces, or run a kernel with Landlock"), "%s", sandbox);
	else if (strcmp(sandbox, "off") == 0)
		say(d, BAD, N_("sandbox"), _("remove 'sandbox: false' from the configuration"), "%s", sandbox);
	else if (strncmp(sandbox, "second cage", 11) == 0)
		say(d, WARN, N_("sandbox"), _("allow this service namespaces. Without them workers see the names of files outside, though no "
			"content, and what they write is counted rather than bounded"), "%s", sandbox);
	else
		say(d, GOOD, N_("sandbox"), "", "%s", *sandbox ? sandbox : _("on"));
}

static void check_engine(struct doctor *d)
{
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *info = NULL;
	struct err err;
	int code;

	cJSON_AddBoolToObject(args, "wait", true);
	if (ctl_call(d->ctl, "info", args, NULL, 0, &code, &info, NULL, &err) < 0) {
		say(d, BAD, N_("engine"), _("look at the service's messages: journalctl -u sekisho"), "%s", err.message);
		return;
	}
	int64_t built = json_int64_or(info, "built_at", 0);
	if (json_bool(info, "builtin_only")) {
		say(d, BAD, N_("signatures"), _("install signatures: apt-get install clamav-freshclam (or put a mirror's files into the "
			"folders under 'signatures')"),
			_("NO SIGNATURE DATABASE: only the built-in test set is loaded. THIS IS NO PROTECTION"));
	} else {
		int64_t age = built ? time_now_ms() - built : 0;
		say(d, age > 7 * DAY_MS ? BAD : age > 2 * DAY_MS ? WARN : GOOD, N_("signatures"),
			_("let freshclam run: systemctl enable --now clamav-freshclam"), _("%s, %ld signatures, %ld days old"),
			json_str_or(info, "signatures", "?"), (long)json_int64_or(info, "count", 0), (long)(age / DAY_MS));
	}
	if (*json_str_or(info, "refused", ""))
		say(d, WARN, N_("refused signatures"), _("correct or remove that file; the earlier database stays in use until then"), "%s",
			json_str_or(info, "refused", ""));
	say(d, GOOD, N_("engine"), "", _("%s, %ld workers"), json_str_or(info, "engine", "?"),
		(long)json_int64_or(info, "workers", 0));
	char now[32], most[32], all[32];
	int64_t used = json_int64_or(info, "in_flight", 0), peak = json_int64_or(info, "in_flight_peak", 0);
	units_size_text(used, now, sizeof(now));
	units_size_text(peak, most, sizeof(most));
	units_size_text(d->cl->set.in_flight, all, sizeof(all));
	say(d, GOOD, N_("content in flight"), "", _("%s now, at most %s of %s"), now, most, all);
	cJSON *flight = cJSON_GetArrayItem(d->checks, cJSON_GetArraySize(d->checks) - 1);
	cJSON_AddNumberToObject(flight, "used", (double)used);
	cJSON_AddNumberToObject(flight, "peak", (double)peak);
	check_sandbox(d, json_str_or(info, "sandbox", ""));
}

static void check_dns(struct doctor *d, const char *url)
{
	char host[256];
	const char *at = strstr(url, "://");
	struct addrinfo *ai = NULL;

	if (!at)
		return;
	at += 3;
	size_t len = strcspn(at, ":/");
	snprintf(host, sizeof(host), "%.*s", (int)len, at);
	int r = getaddrinfo(host, NULL, NULL, &ai);
	if (r != 0)
		say(d, BAD, N_("DNS"), _("correct /etc/resolv.conf, or the endpoint's name"), "%s: %s", host, gai_strerror(r));
	if (ai)
		freeaddrinfo(ai);
}

/* Files of `lists:`: each as it reads now. */
static void check_lists(struct doctor *d, const struct settings *set)
{
	_cleanup_(lists_watch_freep) struct lists_watch *w = NULL;
	struct lists_state of[ARRAY_SIZE(set->lists)];
	struct err err;

	if (set->n_lists == 0 || rules_lists(set, &w, &err) < 0)
		return;
	size_t n = lists_states(w, of, ARRAY_SIZE(of));
	for (size_t i = 0; i < n; i++) {
		if (of[i].trouble[0])
			say(d, WARN, N_("lists"), _("mend the file or its path under 'lists'; until then the service keeps what it read before"), "%s: %s",
				of[i].path, of[i].trouble);
		else if (of[i].short_prefixes > 10000)
			say(d, WARN, N_("lists"), _("a list with longer prefixes, of 8 bytes at least, hits nothing else"),
				_("%s: %zu prefixes are so short that other addresses are hit by chance"), of[i].path, of[i].short_prefixes);
		else
			say(d, GOOD, N_("lists"), "", _("%s: %zu entries, %zu lines passed over"), of[i].path, of[i].entries, of[i].skipped);
	}
}

/* The rules as the files say them now: what serves may be older, because a broken file replaces nothing. */
static void check_rules(struct doctor *d, const struct settings *set)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(4 << 20);
	struct policy_problem kept[20];
	struct policy_problems problems = {.arena = a, .max = ARRAY_SIZE(kept), .of = kept};
	struct err err;

	if (!a)
		return;
	if (rules_files(set, &p, &problems, &err) == 0) {
		say(d, GOOD, N_("rules"), "", _("%zu rules, %d files or folders beside the shipped ones"), policy_n_rules(p), set->n_policy);
		return;
	}
	size_t i = 0;
	while (i < problems.n && kept[i].warning)
		i++;
	const struct policy_problem *why = i < problems.n ? &kept[i] : NULL;
	say(d, BAD, N_("rules"), _("mend it ('policy check' shows all that is wrong); until then the service keeps the rules it had"), "%s:%d:%d: %s",
		why ? why->file : "", why ? why->line : 0, why ? why->column : 0, why ? why->text : err.message);
}

static void check_connection(struct doctor *d, const struct store_connection *k)
{
	_cleanup_json_ cJSON *args = cJSON_CreateObject(), *result = NULL, *config = NULL;
	struct err err;
	int code;

	if (k->state == CONN_DISCONNECTED)
		return;
	if (json_parse(k->config, strlen(k->config), &config, NULL) == 0) {
		const cJSON *ends = json_object(config, "endpoints");
		for (const cJSON *e = ends ? ends->child : NULL; e; e = e->next)
			if (cJSON_IsString(e))
				check_dns(d, e->valuestring);
	}
	d->connection = k->id;
	cJSON_AddStringToObject(args, "id", k->id);
	if (ctl_call(d->ctl, "check", args, NULL, 0, &code, &result, NULL, &err) < 0) {
		say(d, BAD, CONNECTION, _("the message says which of key, secret, consent or network it is"), "%s [%s]", err.message, err.code);
		return;
	}
	const cJSON *missing = json_array(result, "missing");
	const char *first = cJSON_GetStringValue(cJSON_GetArrayItem(missing, 0));
	if (first)
		say(d, WARN, CONNECTION, _("grant it in the provider's administration console, then connect again"),
			_("permission missing: %s"), first);
	else
		say(d, GOOD, CONNECTION, "", _("the grant works (%s)"), json_str_or(result, "organisation", ""));
	int64_t offset = json_int64_or(result, "clock_offset_ms", 0);
	if (offset > 30000 || offset < -30000)
		say(d, offset > 240000 || offset < -240000 ? BAD : WARN, N_("clock"), _("set the clock: timedatectl set-ntp true"),
			_("this machine's clock is %ld s from the provider's"), (long)(offset / 1000));
	int64_t left = k->ends_at - time_now_ms();
	if (k->ends_at && left < 30 * DAY_MS)
		say(d, left < DAY_MS ? BAD : WARN, CONNECTION, _("make a new key, secret or certificate and connect again"),
			_("the grant ends in %ld days"), (long)(left / DAY_MS));
}

int command_doctor(struct command_line *cl)
{
	_cleanup_(ctl_closep) struct ctl *ctl = NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(arena_freep) struct arena *a = arena_new(32 << 20);
	_cleanup_(table_freep) struct table *table = table_new(_("RESULT"), _("CHECK"), _("DETAIL"), _("FIX"), NULL);
	_cleanup_json_ cJSON *doc = cJSON_CreateObject();
	struct doctor d = {.cl = cl, .a = a, .table = table};
	struct store_connection *list;
	struct err err = {0};
	size_t n;

	d.checks = cJSON_AddArrayToObject(doc, "checks");
	if (ctl_open(cl, true, &ctl, &err) < 0) {
		say(&d, BAD, N_("service"), _("see the messages above"), "%s", err.message);
	} else {
		d.ctl = ctl;
		if (command_store(cl, &store, &err) == 0)
			d.store = store;
	}
	check_clock(&d);
	check_state(&d);
	check_rules(&d, &cl->set);
	check_lists(&d, &cl->set);
	if (d.ctl) {
		check_store(&d);
		check_engine(&d);
		if (d.store && store_connection_list(d.store, NULL, a, &list, &n, &err) == 0)
			for (size_t i = 0; i < n; i++)
				check_connection(&d, &list[i]);
	}
	cJSON_AddNumberToObject(doc, "failed", d.bad);
	cJSON_AddNumberToObject(doc, "warnings", d.warned);
	if (cl->json)
		command_print(doc);
	else
		table_print(table);
	return d.bad ? 1 : 0;
}
