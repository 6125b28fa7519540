/* Builds OCSF events; see catalogue.h. */
#include "events/catalogue.h"

#include "base/timeutil.h"

#include <string.h>

#define VERSION "0.1.0"

static cJSON *new_event(const char *uid, const char *tenant, int category, int class, const char *class_name, int activity,
	const char *activity_name, int severity, int64_t now)
{
	static const char *const severities[] = {"Unknown", "Informational", "Low", "Medium", "High", "Critical"};
	cJSON *e = cJSON_CreateObject();
	cJSON *metadata = cJSON_AddObjectToObject(e, "metadata");
	cJSON *product = cJSON_AddObjectToObject(metadata, "product");
	cJSON *profiles = cJSON_AddArrayToObject(metadata, "profiles");

	cJSON_AddStringToObject(metadata, "version", "1.5.0");
	cJSON_AddStringToObject(metadata, "uid", uid);
	cJSON_AddStringToObject(metadata, "tenant_uid", tenant);
	cJSON_AddNumberToObject(metadata, "logged_time", (double)time_now_ms());
	cJSON_AddStringToObject(product, "name", "sekisho");
	cJSON_AddStringToObject(product, "vendor_name", "sekisho");
	cJSON_AddStringToObject(product, "version", VERSION);
	cJSON_AddItemToArray(profiles, cJSON_CreateString("cloud"));
	cJSON_AddNumberToObject(e, "category_uid", category);
	cJSON_AddNumberToObject(e, "class_uid", class);
	cJSON_AddStringToObject(e, "class_name", class_name);
	cJSON_AddNumberToObject(e, "activity_id", activity);
	cJSON_AddStringToObject(e, "activity_name", activity_name);
	cJSON_AddNumberToObject(e, "type_uid", class * 100 + activity);
	cJSON_AddNumberToObject(e, "severity_id", severity);
	cJSON_AddStringToObject(e, "severity", severities[severity]);
	cJSON_AddNumberToObject(e, "time", (double)now);
	return e;
}

static void add_cloud(cJSON *e, const char *provider, const char *connection)
{
	cJSON *cloud = cJSON_AddObjectToObject(e, "cloud");
	cJSON *account = cJSON_AddObjectToObject(cloud, "account");

	cJSON_AddStringToObject(cloud, "provider", provider);
	cJSON_AddStringToObject(account, "uid", connection);
}

static void add_text(cJSON *o, const char *key, const char *value)
{
	if (value && *value)
		cJSON_AddStringToObject(o, key, value);
}

static cJSON *file_object(const struct store_finding *f)
{
	cJSON *file = cJSON_CreateObject();

	cJSON_AddStringToObject(file, "name", f->name && *f->name ? f->name : "?");
	cJSON_AddNumberToObject(file, "type_id", 1);
	cJSON_AddStringToObject(file, "type", "Regular File");
	add_text(file, "uid", f->remote_id);
	add_text(file, "version", f->version);
	if (f->size >= 0)
		cJSON_AddNumberToObject(file, "size", (double)f->size);
	if (f->path && *f->path) {
		cJSON_AddStringToObject(file, "parent_folder", f->path);
		_cleanup_buf_ struct buf path = BUF_INIT(16384);
		buf_addf(&path, "%s%s%s", f->path, f->path[strlen(f->path) - 1] == '/' ? "" : "/", f->name ? f->name : "");
		cJSON_AddStringToObject(file, "path", buf_str(&path));
	}
	if (f->owner && *f->owner) {
		cJSON *owner = cJSON_AddObjectToObject(file, "owner");
		cJSON_AddStringToObject(owner, "name", f->owner);
		if (strchr(f->owner, '@'))
			cJSON_AddStringToObject(owner, "email_addr", f->owner);
	}
	if (f->sha256 && *f->sha256) {
		cJSON *h = cJSON_CreateObject();
		cJSON_AddNumberToObject(h, "algorithm_id", 3);
		cJSON_AddStringToObject(h, "algorithm", "SHA-256");
		cJSON_AddStringToObject(h, "value", f->sha256);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(file, "hashes"), h);
	}
	return file;
}

/* The address in "Name <a@b>" or "a@b", as cut from a list of len bytes; NULL when there is none. OCSF's email_t is an
 * address alone. */
static cJSON *address(const char *text, size_t len)
{
	const char *open = memchr(text, '<', len), *close = open ? memchr(open, '>', len - (size_t)(open - text)) : NULL;
	_cleanup_buf_ struct buf one = BUF_INIT(400);

	if (close) {
		text = open + 1;
		len = (size_t)(close - text);
	}
	while (len && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (!memchr(text, '@', len) || memchr(text, ' ', len) || buf_add(&one, text, len) < 0)
		return NULL;
	return cJSON_CreateString(buf_str(&one));
}

static cJSON *email_object(const struct store_finding *f)
{
	cJSON *mail = cJSON_CreateObject(), *to = cJSON_CreateArray();

	add_text(mail, "uid", f->remote_id);
	add_text(mail, "message_uid", f->message_id);
	add_text(mail, "subject", f->subject);
	cJSON *from = f->from ? address(f->from, strlen(f->from)) : NULL;
	if (from)
		cJSON_AddItemToObject(mail, "from", from);
	for (const char *p = f->to ? f->to : ""; *p;) {
		size_t len = strcspn(p, ",");
		cJSON *one = address(p, len);
		if (one)
			cJSON_AddItemToArray(to, one);
		p += len;
		if (*p)
			p++;
	}
	/* A mail without readable addresses still lies in somebody's mailbox. */
	cJSON *owner = cJSON_GetArraySize(to) || !f->owner ? NULL : address(f->owner, strlen(f->owner));
	if (owner)
		cJSON_AddItemToArray(to, owner);
	cJSON_AddItemToObject(mail, "to", to);
	if (f->size >= 0)
		cJSON_AddNumberToObject(mail, "size", (double)f->size);
	return mail;
}

static bool is_mail(const struct store_finding *f)
{
	return f->service && (strcmp(f->service, "exchange") == 0 || strcmp(f->service, "gmail") == 0);
}

static int severity_id(const char *s)
{
	static const char *const names[] = {"info", "low", "medium", "high", "critical"};

	for (int i = 0; s && i < 5; i++)
		if (strcmp(s, names[i]) == 0)
			return i + 1;
	return 0;
}

static int finish(struct buf *out, cJSON *e)
{
	int r = json_print(e, out);

	cJSON_Delete(e);
	return r;
}

static void add_unmapped(cJSON *e, const struct store_finding *f)
{
	cJSON *u = cJSON_AddObjectToObject(e, "unmapped");

	add_text(u, "finding", f->uid);
	add_text(u, "service", f->service);
	add_text(u, "stream", f->stream_name);
	add_text(u, "verdict", f->verdict);
	add_text(u, "reason", f->reason);
	add_text(u, "engine", f->engine);
	add_text(u, "signatures", f->signatures);
}

/* What a finding is about, from the rules that matched: the strongest one first. */
static const cJSON *first_rule(const cJSON *rules)
{
	return cJSON_GetArrayItem(rules, 0);
}

/* The profile security_control: which rule it was, and whether anything is done. */
static void add_policy(cJSON *e, const struct store_finding *f, const cJSON *rule)
{
	bool acts = f->action_state && strcmp(f->action_state, "planned") == 0;
	cJSON *policy = cJSON_AddObjectToObject(e, "policy");

	cJSON_AddItemToArray(json_array(json_object(e, "metadata"), "profiles"), cJSON_CreateString("security_control"));
	cJSON_AddNumberToObject(e, "action_id", acts ? 2 : 3);
	cJSON_AddStringToObject(e, "action", acts ? "Denied" : "Observed");
	cJSON_AddStringToObject(policy, "uid", json_str_or(rule, "id", "?"));
	cJSON_AddStringToObject(policy, "name", json_str_or(rule, "id", "?"));
	add_text(policy, "desc", json_str(rule, "why"));
	cJSON_AddBoolToObject(policy, "is_applied", strcmp(json_str_or(rule, "mode", ""), "protect") == 0);
}

static cJSON *evidence_of(const struct store_finding *f)
{
	cJSON *evidence = cJSON_CreateObject();

	if (is_mail(f))
		cJSON_AddItemToObject(evidence, "email", email_object(f));
	else
		cJSON_AddItemToObject(evidence, "file", file_object(f));
	return evidence;
}

/* Personal and secret data, and who can get at it: a class of its own. */
static cJSON *data_finding(const char *uid, const struct store_finding *f, int severity, const cJSON *rule)
{
	cJSON *e = new_event(uid, f->tenant, 2, 2006, "Data Security Finding", 1, "Create", severity, f->verdict_at);
	cJSON *data = cJSON_AddObjectToObject(e, "data_security");

	cJSON_AddNumberToObject(data, "detection_system_id", 8);
	cJSON_AddStringToObject(data, "detection_system", "Cloud Access Security Broker");
	cJSON_AddNumberToObject(data, "data_lifecycle_state_id", 1);
	cJSON_AddStringToObject(data, "data_lifecycle_state", "Data at-Rest");
	cJSON_AddStringToObject(data, "detection_pattern", json_str_or(rule, "id", "?"));
	if (!is_mail(f)) {
		cJSON_AddItemToObject(e, "file", file_object(f));
		return e;
	}
	cJSON *mail = cJSON_CreateObject();
	add_text(mail, "uid", f->remote_id);
	add_text(mail, "name", f->subject && *f->subject ? f->subject : f->name);
	cJSON_AddStringToObject(mail, "type", "email");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(e, "resources"), mail);
	return e;
}

static const char *title_of(const struct store_finding *f, const cJSON *threats, const cJSON *rule, struct buf *out)
{
	if (strcmp(f->verdict ? f->verdict : "", "threat") == 0)
		buf_addf(out, "Malware found: %s", json_str_or(cJSON_GetArrayItem(threats, 0), "name", "?"));
	else if (strcmp(f->verdict ? f->verdict : "", "unknown") == 0)
		buf_addf(out, "Content not fully scanned: %s", f->reason ? f->reason : "");
	else if (!rule && f->reason && strcmp(f->reason, "opened_later") == 0)
		buf_adds(out, "Encrypted content was opened later, and nothing was found in it");
	else
		buf_addf(out, "Policy matched: %s", json_str_or(rule, "id", "?"));
	return buf_str(out);
}

static void add_malware(cJSON *e, const cJSON *threats)
{
	cJSON *malware = cJSON_AddArrayToObject(e, "malware");
	const cJSON *t;

	cJSON_ArrayForEach(t, threats)
	{
		cJSON *m = cJSON_CreateObject();
		cJSON_AddItemToArray(cJSON_AddArrayToObject(m, "classification_ids"), cJSON_CreateNumber(0));
		cJSON_AddStringToObject(m, "name", json_str_or(t, "name", "?"));
		cJSON_AddItemToArray(malware, m);
	}
}

int event_detection(struct buf *out, const char *uid, const struct store_finding *f, const char *severity)
{
	bool threat = f->verdict && strcmp(f->verdict, "threat") == 0, unknown = f->verdict && strcmp(f->verdict, "unknown") == 0;
	_cleanup_json_ cJSON *threats = NULL, *rules = NULL;
	_cleanup_buf_ struct buf title = BUF_INIT(1000);

	json_parse(f->threats ? f->threats : "[]", f->threats ? strlen(f->threats) : 2, &threats, NULL);
	json_parse(f->rules ? f->rules : "[]", f->rules ? strlen(f->rules) : 2, &rules, NULL);
	const cJSON *rule = first_rule(rules);
	const char *category = json_str_or(rule, "category", threat ? "malware" : "unknown");
	bool data = !threat && !unknown && (strcmp(category, "data") == 0 || strcmp(category, "sharing") == 0);
	cJSON *e = data ? data_finding(uid, f, severity_id(severity), rule) :
			  new_event(uid, f->tenant, 2, 2004, "Detection Finding", 1, "Create", severity_id(severity), f->verdict_at);
	cJSON *info = cJSON_AddObjectToObject(e, "finding_info");

	add_cloud(e, f->provider, f->connection);
	cJSON_AddStringToObject(info, "uid", f->uid);
	cJSON_AddNumberToObject(info, "created_time", (double)f->verdict_at);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(info, "types"),
		cJSON_CreateString(threat ? "malware" : unknown ? "unscanned" : category));
	cJSON_AddStringToObject(info, "title", title_of(f, threats, rule, &title));
	if (!data)
		cJSON_AddItemToArray(cJSON_AddArrayToObject(e, "evidences"), evidence_of(f));
	if (rule)
		add_policy(e, f, rule);
	if (threat)
		add_malware(e, threats);
	cJSON_AddNumberToObject(e, "status_id", 1);
	cJSON_AddStringToObject(e, "status", "New");
	add_unmapped(e, f);
	if (rules)
		cJSON_AddItemToObject(json_object(e, "unmapped"), "rules", TAKE_PTR(rules));
	return finish(out, e);
}

int event_action(struct buf *out, const char *uid, const struct store_finding *f, const char *state, const char *error,
	int64_t now)
{
	/* 7002: 1 Isolate, 2 Evict, 3 Restore, 4 Harden, 99 Other. What is held first, so that it is Isolate. */
	static const struct {
		const char *kind, *state, *name;
		int file_activity;
	} acts[] = {{"", "restored", "Restore", 3}, {"", "deleted", "Evict", 2}, {"tag", "", "Tag", 99}, {"unshare", "", "Unshare", 4},
		{"block", "", "Block", 99}, {"replace", "", "Replace", 1}, {"", "", "Isolate", 1}};
	const char *kind = f->action_kind ? f->action_kind : "";
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(acts) && ((*acts[i].kind && strcmp(acts[i].kind, kind) != 0) ||
						   (*acts[i].state && strcmp(acts[i].state, state) != 0)))
		i++;
	bool ok = strcmp(state, "failed") != 0;
	int severity = ok ? 1 : 4;
	cJSON *e = is_mail(f) ? new_event(uid, f->tenant, 4, 4009, "Email Activity", 99, acts[i].name, severity, now) :
				new_event(uid, f->tenant, 7, 7002, "File Remediation Activity", acts[i].file_activity,
					acts[i].name, severity, now);
	add_cloud(e, f->provider, f->connection);
	cJSON_AddStringToObject(e, "command_uid", f->op_id);
	if (is_mail(f)) {
		cJSON_AddNumberToObject(e, "direction_id", 0);
		cJSON_AddItemToObject(e, "email", email_object(f));
	} else {
		cJSON_AddItemToObject(e, "file", file_object(f));
	}
	cJSON_AddNumberToObject(e, "status_id", ok ? 1 : 2);
	cJSON_AddStringToObject(e, "status", ok ? "Success" : "Failure");
	add_text(e, "status_detail", error);
	add_unmapped(e, f);
	return finish(out, e);
}

int event_connection(struct buf *out, const char *uid, const struct connection_config *c, const char *state,
	const struct err *err)
{
	bool well = strcmp(state, "connected") == 0;
	cJSON *e = new_event(uid, c->tenant, 6, 6003, "API Activity", 3, "Update", well ? 1 : 4, time_now_ms());
	cJSON *actor = cJSON_AddObjectToObject(e, "actor"), *api = cJSON_AddObjectToObject(e, "api"),
	      *source = cJSON_AddObjectToObject(e, "src_endpoint");
	char operation[100];

	add_cloud(e, c->provider, c->id);
	cJSON_AddStringToObject(actor, "app_name", "sekisho");
	snprintf(operation, sizeof(operation), "connection.%s", state);
	cJSON_AddStringToObject(api, "operation", operation);
	cJSON_AddStringToObject(cJSON_AddObjectToObject(api, "service"), "name", c->provider);
	cJSON_AddStringToObject(source, "name", "sekisho");
	cJSON_AddNumberToObject(e, "status_id", well ? 1 : 2);
	cJSON_AddStringToObject(e, "status", well ? "Success" : "Failure");
	if (err && err->code[0]) {
		cJSON_AddStringToObject(e, "status_code", err->code);
		add_text(e, "status_detail", err->message);
	}
	return finish(out, e);
}

int event_alert(struct buf *out, const char *uid, const struct connection_config *c, const char *kind, int severity, bool ended,
	const char *detail)
{
	cJSON *e = new_event(uid, c->tenant, 6, 6003, "API Activity", 99, ended ? "Alert ended" : "Alert", ended ? 1 : severity,
		time_now_ms());
	cJSON *actor = cJSON_AddObjectToObject(e, "actor"), *api = cJSON_AddObjectToObject(e, "api"),
	      *source = cJSON_AddObjectToObject(e, "src_endpoint");
	char operation[100];

	add_cloud(e, *c->provider ? c->provider : "sekisho", c->id);
	cJSON_AddStringToObject(actor, "app_name", "sekisho");
	snprintf(operation, sizeof(operation), "alert.%s", kind);
	cJSON_AddStringToObject(api, "operation", operation);
	cJSON_AddStringToObject(cJSON_AddObjectToObject(api, "service"), "name", *c->provider ? c->provider : "sekisho");
	cJSON_AddStringToObject(source, "name", "sekisho");
	cJSON_AddNumberToObject(e, "status_id", ended ? 1 : 2);
	cJSON_AddStringToObject(e, "status", ended ? "Success" : "Failure");
	add_text(e, "status_code", kind);
	add_text(e, "status_detail", detail);
	return finish(out, e);
}
