/* The control address: state, journal, faults, revocation, clock, posts, lost cursors, usage. Connection's
 * thread; takes the state lock itself. The calls are described in fakecloud/README.md. */
#include "fakecloud/core.h"

#include "base/timeutil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void fail(struct fc_response *res, int status, const char *message)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "error", message);
	fc_json(res, status, doc);
}

static void done(struct fc_response *res)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddBoolToObject(doc, "ok", true);
	fc_json(res, 200, doc);
}

static void get_state(struct fc_request *req, struct fc_response *res)
{
	cJSON *doc = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(doc, "items");

	for (const struct fc_provider *const *p = fc_providers(); *p; p++) {
		if ((*p)->state)
			(*p)->state(items);
	}
	fc_json(res, 200, doc);
}

static void get_journal(struct fc_request *req, struct fc_response *res)
{
	const char *since = fc_query(req, "since");

	journal_print(since ? strtoll(since, NULL, 10) : 0, &res->body);
	fc_set_header(res, "Content-Type", "application/json");
}

static void get_faults(struct fc_request *req, struct fc_response *res)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddItemToObject(doc, "faults", fault_list());
	fc_json(res, 200, doc);
}

static void post_faults(struct fc_request *req, struct fc_response *res)
{
	const char *why = "a list of faults in JSON is wanted";
	const cJSON *doc = fc_body_json(req);

	if (!doc || fault_add(doc, req->arena, &why) < 0)
		fail(res, 400, why);
	else
		get_faults(req, res);
}

static void delete_faults(struct fc_request *req, struct fc_response *res)
{
	fault_clear();
	done(res);
}

/* What a call applies to: {"connection": "aoba-box"}, or {"provider", "tenant"}, each optional. */
struct target {
	const char *provider, *tenant; /* NULL: all */
};

static const char *read_target(struct fc_request *req, struct target *ret)
{
	static const char *const endings[][2] = {
		{"-m365", "microsoft"}, {"-google", "google"}, {"-box", "box"}, {"-dropbox", "dropbox"}};
	const cJSON *doc = fc_body_json(req);
	const char *id = json_str(doc, "connection");

	if (!doc && req->body->len)
		return "the body is no JSON";
	id = id ? id : json_str(doc, "id");
	*ret = (struct target){json_str(doc, "provider"), json_str(doc, "tenant")};
	for (size_t i = 0; id && i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i][0]), len = strlen(id);
		if (len > n && !strcmp(id + len - n, endings[i][0])) {
			ret->provider = endings[i][1];
			ret->tenant = fc_intern(arena_dupn(req->arena, id, len - n));
			return NULL;
		}
	}
	if (id)
		return "connection: TENANT-m365, TENANT-google, TENANT-box or TENANT-dropbox";
	if (ret->tenant)
		ret->tenant = fc_intern(ret->tenant);
	return NULL;
}

static void for_target(struct fc_request *req, struct fc_response *res, size_t member)
{
	struct target t;
	const char *why = read_target(req, &t);
	int n = 0;

	if (why) {
		fail(res, 400, why);
		return;
	}
	for (const struct fc_provider *const *p = fc_providers(); *p; p++) {
		void (*call)(const char *tenant);
		if (t.provider && strcmp(t.provider, (*p)->name) != 0)
			continue;
		memcpy(&call, (const char *)*p + member, sizeof(call));
		if (call)
			call(t.tenant);
		n++;
	}
	if (!n) {
		fail(res, 404, "no such provider");
		return;
	}
	fc_changed();
	done(res);
}

static void post_revoke(struct fc_request *req, struct fc_response *res)
{
	for_target(req, res, offsetof(struct fc_provider, revoke));
}

static void post_restore(struct fc_request *req, struct fc_response *res)
{
	for_target(req, res, offsetof(struct fc_provider, restore_consent));
}

static void post_expire(struct fc_request *req, struct fc_response *res)
{
	for_target(req, res, offsetof(struct fc_provider, expire_cursors));
}

static void get_clock(struct fc_request *req, struct fc_response *res)
{
	char when[TIME_RFC3339_LEN];
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "now", time_format(fc_now(), when));
	cJSON_AddNumberToObject(doc, "advanced_s", round((double)(fc_now() - time_now_ms()) / 1000));
	fc_json(res, 200, doc);
}

static void post_clock(struct fc_request *req, struct fc_response *res)
{
	const cJSON *s = json_get(fc_body_json(req), "advance_s");

	if (!cJSON_IsNumber(s) || fabs(s->valuedouble) > 1e10) {
		fail(res, 400, "advance_s: how many seconds to advance the providers' clock by");
		return;
	}
	fc_clock_advance((int64_t)(s->valuedouble * 1000));
	get_clock(req, res);
}

static void post_post(struct fc_request *req, struct fc_response *res)
{
	const cJSON *doc = fc_body_json(req);
	const char *name = json_str_or(doc, "provider", "microsoft"), *why = "nothing to post to";
	int status = 404;

	if (!cJSON_IsObject(doc)) {
		fail(res, 400, "an object is wanted");
		return;
	}
	for (const struct fc_provider *const *p = fc_providers(); *p; p++) {
		if (!strcmp((*p)->name, name) && (*p)->post)
			status = (*p)->post(doc, &why);
	}
	if (status >= 300) {
		fail(res, status, why ? why : "refused");
		return;
	}
	fc_changed();
	done(res);
	res->status = status;
}

static void get_usage(struct fc_request *req, struct fc_response *res)
{
	struct rusage u;
	long pages = 0;
	cJSON *doc = cJSON_CreateObject();
	_cleanup_fclose_ FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	getrusage(RUSAGE_SELF, &u);
	cJSON_AddNumberToObject(doc, "cpu_seconds",
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	cJSON_AddNumberToObject(doc, "rss_bytes", (double)pages * (double)sysconf(_SC_PAGESIZE));
	fc_json(res, 200, doc);
}

static void get_root(struct fc_request *req, struct fc_response *res)
{
	cJSON *doc = cJSON_CreateObject();

	for (const char *const *name = fc_provider_names(); *name; name++)
		cJSON_AddStringToObject(doc, *name, fc_url(*name));
	cJSON_AddStringToObject(doc, "control", fc_url("control"));
	fc_json(res, 200, doc);
}

static const struct call {
	const char *method, *path;
	void (*handle)(struct fc_request *req, struct fc_response *res);
} calls[] = {
	{"GET", "/", get_root},
	{"GET", "/state", get_state},
	{"GET", "/journal", get_journal},
	{"GET", "/faults", get_faults},
	{"POST", "/faults", post_faults},
	{"DELETE", "/faults", delete_faults},
	{"POST", "/revoke", post_revoke},
	{"POST", "/restore-consent", post_restore},
	{"GET", "/clock", get_clock},
	{"POST", "/clock", post_clock},
	{"POST", "/post", post_post},
	{"POST", "/expire-cursors", post_expire},
	{"GET", "/usage", get_usage},
};

void control_handle(struct fc_request *req, struct fc_response *res)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (strcmp(calls[i].path, req->path) != 0)
			continue;
		known = true;
		if (strcmp(calls[i].method, req->method) != 0)
			continue;
		fc_lock();
		calls[i].handle(req, res);
		fc_unlock();
		return;
	}
	fail(res, known ? 405 : 404, known ? "no such method here" : "no such call; see fakecloud/README.md");
}
