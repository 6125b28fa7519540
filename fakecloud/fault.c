/* Faults that POST /faults arms: which request they hit, and how often. State lock held. */
#include "fakecloud/core.h"

#include "base/encode.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct armed {
	struct armed *next;
	int64_t id, skip, times, hits;		 /* times 0: for ever */
	char *provider, *method, *tenant, *glob; /* NULL: any */
	regex_t *regex;
	cJSON *doc;
	struct fault fault;
};

static struct armed *faults;
static int64_t last_id;

static const char *const names[] = {
	[FAULT_STATUS] = "status",
	[FAULT_DELAY] = "delay",
	[FAULT_CUT] = "cut",
	[FAULT_LENGTH] = "wrong_length",
	[FAULT_RESET] = "reset",
	[FAULT_REDIRECT] = "redirect",
	[FAULT_DRIP] = "drip",
	[FAULT_DROP_REPLY] = "drop_reply",
};

const char *fault_name(enum fault_what what)
{
	return names[what];
}

static bool matches(const struct armed *a, const struct fc_request *req, const char *target)
{
	if (a->provider && strcmp(a->provider, req->provider) != 0)
		return false;
	if (a->method && strcasecmp(a->method, req->method) != 0)
		return false;
	if (a->tenant && (!req->tenant || strcmp(a->tenant, req->tenant) != 0))
		return false;
	if (a->glob && fnmatch(a->glob, req->path, 0) != 0 && fnmatch(a->glob, target, 0) != 0)
		return false;
	return !a->regex || regexec(a->regex, target, 0, NULL, 0) == 0;
}

bool fault_take(const struct fc_request *req, struct fault *ret, int64_t *ret_delay_ms)
{
	bool taken = false;

	*ret_delay_ms = 0;
	if (!faults)
		return false;
	const char *target =
		*req->query ? arena_printf(req->arena, "%s?%s", req->path, req->query) : req->path;
	for (struct armed *a = faults; a; a = a->next) {
		if ((a->times && a->hits >= a->times) || (taken && a->fault.what != FAULT_DELAY) ||
			!matches(a, req, target))
			continue;
		if (a->skip > 0) {
			a->skip--;
			continue;
		}
		a->hits++;
		*ret_delay_ms += a->fault.delay_ms;
		if (a->fault.what != FAULT_DELAY) {
			*ret = a->fault;
			taken = true;
		}
	}
	return taken;
}

static void armed_free(struct armed *a)
{
	if (!a)
		return;
	free(a->provider);
	free(a->method);
	free(a->tenant);
	free(a->glob);
	if (a->regex)
		regfree(a->regex);
	free(a->regex);
	json_free(a->doc);
	/* The fault's body and location may be in use by a thread that is sending: they stay. */
	free(a);
}

void fault_clear(void)
{
	for (struct armed *a = faults, *next; a; a = next) {
		next = a->next;
		/* Threads that hold a copy of the fault read its headers: the document stays too. */
		a->doc = NULL;
		armed_free(a);
	}
	faults = NULL;
}

static char *copy_str(const cJSON *doc, const char *key)
{
	const char *s = json_str(doc, key);

	return s && *s && strcmp(s, "*") != 0 ? strdup(s) : NULL;
}

/* The first of several names of a key that is there; NULL when none is. */
static const cJSON *any_of(const cJSON *doc, const char *const *keys)
{
	const cJSON *v = NULL;

	for (; *keys && !v; keys++)
		v = json_get(doc, *keys);
	return v;
}

/* Names are taken with dashes and blanks too, and under the words that come to mind first. */
static int read_what(const cJSON *doc, enum fault_what *ret)
{
	static const struct {
		const char *word;
		enum fault_what what;
	} others[] = {{"truncate", FAULT_CUT}, {"cut_after", FAULT_CUT}, {"length", FAULT_LENGTH},
		{"slow", FAULT_DRIP}, {"drop", FAULT_DROP_REPLY}, {"apply_then_drop", FAULT_DROP_REPLY},
		{"apply_then_drop_the_reply", FAULT_DROP_REPLY}};
	const cJSON *given = any_of(doc, (const char *const[]){"what", "kind", "type", NULL});
	const char *what = cJSON_IsString(given)       ? given->valuestring
			   : given		       ? ""
			   : json_get(doc, "status")   ? "status"
			   : json_get(doc, "delay_ms") ? "delay"
						       : "";
	char word[40];
	size_t n = 0;

	for (; n < sizeof(word) - 1 && what[n]; n++)
		word[n] = strchr("- ", what[n]) ? '_' : what[n];
	word[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcasecmp(names[i], word)) {
			*ret = (enum fault_what)i;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!strcasecmp(others[i].word, word)) {
			*ret = others[i].what;
			return 0;
		}
	}
	return -1;
}

/* The body of a status fault: text, a JSON value, or bytes as base64. */
static int read_body(const cJSON *doc, struct fault *f)
{
	struct buf b = BUF_INIT(FC_BODY_MAX);
	const cJSON *body = json_get(doc, "body");
	const char *base64 = json_str(doc, "body_base64");

	if (!body && !base64)
		return 0;
	f->has_body = true;
	if (base64		       ? base64_decode(&b, base64, strlen(base64)) < 0
		: cJSON_IsString(body) ? buf_adds(&b, body->valuestring) < 0
				       : json_print(body, &b) < 0) {
		buf_free(&b);
		return -1;
	}
	f->body_len = b.len;
	f->body = buf_take(&b);
	return 0;
}

static const char *arm(const cJSON *doc, struct armed *a)
{
	struct fault *f = &a->fault;
	const char *regex = json_str(doc, "path_regex");
	const cJSON *path = any_of(doc, (const char *const[]){"path", "path_pattern", "pattern", NULL});
	const cJSON *times = any_of(doc, (const char *const[]){"times", "count", "how_often", NULL});
	const cJSON *to = any_of(doc, (const char *const[]){"location", "to", NULL});

	if (!cJSON_IsObject(doc))
		return "a fault is an object";
	if (read_what(doc, &f->what) < 0)
		return "what: one of status, delay, cut, wrong_length, reset, redirect, drip, drop_reply";
	a->doc = cJSON_Duplicate(doc, true);
	a->provider = copy_str(doc, "provider");
	a->method = copy_str(doc, "method");
	a->tenant = copy_str(doc, "tenant");
	/* A pattern that begins with '^' is no glob. */
	if (!regex && cJSON_IsString(path) && path->valuestring[0] == '^')
		regex = path->valuestring;
	else if (path)
		a->glob = copy_str(doc, path->string);
	if (times && !cJSON_IsNumber(times))
		return "times: how often, a number";
	a->times = times ? (int64_t)times->valuedouble : 1;
	a->skip = json_int64_or(doc, "skip", 0);
	if (a->times < 0)
		a->times = 0;
	if (regex) {
		a->regex = calloc(1, sizeof(*a->regex));
		if (!a->regex || regcomp(a->regex, regex, REG_EXTENDED | REG_NOSUB) != 0) {
			free(a->regex);
			a->regex = NULL;
			return "path_regex: no POSIX extended regular expression";
		}
	}
	f->status = (int)json_int64_or(doc, "status", f->what == FAULT_REDIRECT ? 302 : 503);
	if (f->status < 200 || f->status > 599)
		return "status: 200 to 599";
	f->delay_ms = json_int64_or(doc, "delay_ms", 0);
	if (f->delay_ms < 0 || f->delay_ms > 3600000)
		return "delay_ms: 0 to 3600000";
	f->after_bytes = json_int64_or(doc, "after_bytes", 0);
	f->length_delta = json_int64_or(doc, "length_delta", 100);
	f->chunk = json_int64_or(doc, "bytes", 1);
	f->interval_ms = json_int64_or(doc, "interval_ms", 1000);
	if (f->after_bytes < 0 || f->chunk < 1 || f->interval_ms < 0)
		return "after_bytes, bytes and interval_ms are not negative";
	f->location = to ? copy_str(doc, to->string) : NULL;
	if (f->what == FAULT_REDIRECT && !f->location)
		return "location: where to redirect to";
	f->headers = json_object(a->doc, "headers");
	if (read_body(doc, f) < 0)
		return "body: text, JSON, or body_base64";
	a->id = ++last_id;
	return NULL;
}

int fault_add(const cJSON *doc, struct arena *arena, const char **ret_why)
{
	struct armed *first = NULL, **tail = &first;
	const cJSON *list = json_array(doc, "faults"), *each;
	int n = 0;

	list = list ? list : doc;
	int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 1;
	each = cJSON_IsArray(list) ? list->child : list;
	for (; n < count; n++, each = each->next) {
		struct armed *a = calloc(1, sizeof(*a));
		if (!a)
			abort();
		*tail = a;
		tail = &a->next;
		const char *why = arm(each, a);
		if (why) {
			*ret_why = arena_printf(arena, "fault %d: %s", n, why);
			for (struct armed *next; first; first = next) {
				next = first->next;
				armed_free(first);
			}
			return -1;
		}
	}
	struct armed **end = &faults;
	while (*end)
		end = &(*end)->next;
	*end = first;
	return 0;
}

cJSON *fault_list(void)
{
	cJSON *list = cJSON_CreateArray();

	for (struct armed *a = faults; a; a = a->next) {
		cJSON *one = cJSON_Duplicate(a->doc, true);
		cJSON_DeleteItemFromObjectCaseSensitive(one, "id");
		cJSON_DeleteItemFromObjectCaseSensitive(one, "hits");
		cJSON_AddNumberToObject(one, "id", (double)a->id);
		cJSON_AddNumberToObject(one, "hits", (double)a->hits);
		cJSON_AddItemToArray(list, one);
	}
	return list;
}
