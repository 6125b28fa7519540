/* JSON that connectors write themselves (cursors, contexts, receipts) and read from answers; see common.h.
 * Called by connectors on core's job threads; no state. */
#include "base/digest.h"
#include "base/timeutil.h"
#include "connectors/common.h"

#include <stdarg.h>
#include <string.h>

/* ---- answers ---- */

int64_t json_time(const cJSON *object, const char *key)
{
	const char *s = json_str(object, key);
	int64_t ms;

	return s && time_parse(s, &ms) == 0 ? ms : 0;
}

int64_t json_size(const cJSON *object, const char *key)
{
	int64_t n = json_int64_or(object, key, -1);

	return n >= 0 ? n : -1;
}

char *arena_str(struct arena *a, const cJSON *object, const char *key)
{
	return arena_dup(a, json_str(object, key));
}

int arena_json(struct arena *a, const cJSON *doc, const char **ret, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(CONNECTOR_TEXT_MAX);

	if (json_print(doc, &b) < 0)
		return err_set(err, ERR_TOO_BIG, "cursor_too_big", "a cursor or context does not fit in %d bytes",
			CONNECTOR_TEXT_MAX);
	const char *text = arena_dupn(a, buf_str(&b), b.len);
	if (!text)
		return err_memory(err);
	*ret = text;
	return 0;
}

/* ---- our own ---- */

int own_json(const char *text, enum err_class class, cJSON **ret, struct err *err)
{
	const char *code = class == ERR_CURSOR ? "bad_cursor" : "bad_receipt";
	_cleanup_json_ cJSON *doc = NULL;

	if (!text) {
		cJSON *empty = cJSON_CreateObject();
		if (!empty)
			return err_memory(err);
		*ret = empty;
		return 0;
	}
	size_t len = strnlen(text, CONNECTOR_TEXT_MAX + 1);
	if (len > CONNECTOR_TEXT_MAX || json_parse(text, len, &doc, NULL) < 0 || !cJSON_IsObject(doc)) {
		err_set(err, class, code, "a stored cursor, context or receipt cannot be read");
		return err_scope(err, class == ERR_CURSOR ? SCOPE_STREAM : SCOPE_ITEM);
	}
	*ret = TAKE_PTR(doc);
	return 0;
}

int json_set(cJSON *object, const char *key, cJSON *value)
{
	if (!value)
		return -1;
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	if (!cJSON_AddItemToObject(object, key, value)) {
		cJSON_Delete(value);
		return -1;
	}
	return 0;
}

int json_set_str(cJSON *object, const char *key, const char *value)
{
	if (!value) {
		cJSON_DeleteItemFromObjectCaseSensitive(object, key);
		return 0;
	}
	return json_set(object, key, cJSON_CreateString(value));
}

int json_set_int(cJSON *object, const char *key, int64_t value)
{
	return json_set(object, key, cJSON_CreateNumber((double)value));
}

int json_set_bool(cJSON *object, const char *key, bool value)
{
	return json_set(object, key, cJSON_CreateBool(value));
}

int json_note(cJSON *object, const char *key, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT(8192);
	cJSON *list = json_array(object, key), *entry;
	va_list ap;

	va_start(ap, fmt);
	int r = buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (r < 0)
		return -1;
	if (!list) {
		list = cJSON_CreateArray();
		if (json_set(object, key, list) < 0)
			return -1;
	}
	cJSON_ArrayForEach(entry, list)
	{
		const char *s = cJSON_GetStringValue(entry);
		if (s && strcmp(s, buf_str(&text)) == 0)
			return 0;
	}
	entry = cJSON_CreateString(buf_str(&text));
	if (!entry || !cJSON_AddItemToArray(list, entry)) {
		cJSON_Delete(entry);
		return -1;
	}
	return 0;
}

/* ---- loops ---- */

/* Brent's cycle finding over the marks of a run: one mark is kept and compared with each that follows; it is
 * replaced after 1, 2, 4, … steps, so any cycle is found at most three rounds after it was entered. */
int cursor_loops(cJSON *cursor, const char *name, const char *mark, int hits, bool *ret_loops, struct err *err)
{
	cJSON *state = json_object(cursor, name);
	struct digests d;

	if (digest_bytes(DIGEST_SHA256, mark, strlen(mark), &d) < 0)
		return err_memory(err);
	d.sha256[16] = '\0';
	if (!state) {
		state = cJSON_CreateObject();
		if (json_set(cursor, name, state) < 0)
			return err_memory(err);
	}
	const char *kept = json_str(state, "m");
	int64_t power = json_int64_or(state, "p", 1), steps = json_int64_or(state, "s", 0);
	int64_t seen = json_int64_or(state, "h", 0);
	if (power < 1 || power > (1 << 30))
		power = 1;

	if (kept && strcmp(kept, d.sha256) == 0) {
		seen++;
	} else if (!kept || ++steps >= power) {
		if (json_set_str(state, "m", d.sha256) < 0)
			return err_memory(err);
		power = kept ? power * 2 : 1;
		steps = 0;
		seen = 0;
	}
	if (json_set_int(state, "p", power) < 0 || json_set_int(state, "s", steps) < 0 || json_set_int(state, "h", seen) < 0)
		return err_memory(err);
	*ret_loops = seen >= hits;
	return 0;
}

void cursor_loops_clear(cJSON *cursor, const char *name)
{
	cJSON_DeleteItemFromObjectCaseSensitive(cursor, name);
}
