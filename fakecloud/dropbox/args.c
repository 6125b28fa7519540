/* Checks a route's argument against its form as the real address does, which refuses unknown fields, missing
 * ones and wrong types with a text about the first wrong one.
 *
 * A form is a list of words "name:type", with '?' behind an optional one. Types: s string (sMIN-MAX: of so
 * many bytes), b boolean, u or uMIN-MAX unsigned integer, f number, t time, h 64 hex digits, v revision, N
 * namespace, x anything; g tag of a union or the union (g@a,b: no others); o object (o@FORM); l list
 * (lMIN-MAX: of so many; l@TYPE or l@FORM: of such); paths: R "", "/…", "id:", "ns:"; P "/…", "id:", "rev:",
 * "ns:"; W "/…", "ns:"; I "/…", "id:", "ns:"; Q "/…". */
#include "fakecloud/dropbox/dropbox.h"

#include "base/timeutil.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT                                                                                               \
	"path:I mode:g@add,overwrite,update? autorename:b? client_modified:t? mute:b? property_groups:l? "   \
	"strict_conflict:b?"

/* The structs inside arguments. */
static const char *const forms[][2] = {
	{"add_member", "member:g access_level:g?"},
	{"append", "cursor:o@session length:u close:b?"},
	{"commit", COMMIT},
	{"delete", "path:I parent_rev:v?"},
	{"finish", "cursor:o@session commit:o@commit content_hash:h?"},
	{"link", "require_password:b? link_password:s? expires:t? audience:g? access:g? "
		 "requested_visibility:g? "
		 "allow_download:b?"},
	{"lock", "path:I"},
	{"match", "include_highlights:b?"},
	{"relocate", "from_path:I to_path:I"},
	{"search", "path:R? max_results:u1-1000? order_by:g? file_status:g? filename_only:b? "
		   "file_extensions:l@s? "
		   "file_categories:l@g? account_id:s40-40?"},
	{"session", "session_id:s offset:u"},
	{"time", "start_time:t? end_time:t?"},
};

static const char *form_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!strcmp(forms[i][0], name))
			return forms[i][1];
	}
	return NULL;
}

static const char *kind_of(const cJSON *v)
{
	return cJSON_IsNull(v)	   ? "null"
	       : cJSON_IsBool(v)   ? "boolean"
	       : cJSON_IsNumber(v) ? (v->valuedouble == floor(v->valuedouble) ? "integer" : "float")
	       : cJSON_IsString(v) ? "string"
	       : cJSON_IsArray(v)  ? "list"
				   : "object";
}

static bool hex_only(const char *s, size_t min)
{
	return strlen(s) >= min && strspn(s, "0123456789abcdef") == strlen(s);
}

static bool ns_path(const char *s)
{
	size_t digits;

	if (strncmp(s, "ns:", 3) != 0 || !(digits = strspn(s + 3, "0123456789")))
		return false;
	return !s[3 + digits] || s[3 + digits] == '/';
}

static const char *path_wrong(struct arena *arena, char type, const char *s)
{
	bool ok = *s == '/' || ns_path(s);

	if (type == 'R' && !strcmp(s, "/"))
		return "Specify the root folder as an empty string rather than as \"/\".";
	if (type == 'R' && !*s)
		ok = true;
	if (type == 'Q')
		ok = *s == '/';
	if (type != 'W' && type != 'Q' && !strncmp(s, "id:", 3))
		ok = true;
	if (type == 'P' && !strncmp(s, "rev:", 4) && hex_only(s + 4, 9))
		ok = true;
	if (ok)
		return NULL;
	return arena_printf(arena, "'%.200s' did not match pattern '%s'", s,
		type == 'R'   ? "(/(.|[\\r\\n])*)?|id:.*|(ns:[0-9]+(/.*)?)"
		: type == 'P' ? "(/(.|[\\r\\n])*|id:.*)|(rev:[0-9a-f]{9,})|(ns:[0-9]+(/.*)?)"
		: type == 'Q' ? "/(.|[\\r\\n])*"
		: type == 'W' ? "(/(.|[\\r\\n])*)|(ns:[0-9]+(/.*)?)"
			      : "(/(.|[\\r\\n])*)|(ns:[0-9]+(/.*)?)|(id:.*)");
}

static const char *number_wrong(struct arena *arena, const char *range, const cJSON *v)
{
	char *end;

	if (!cJSON_IsNumber(v) || v->valuedouble != floor(v->valuedouble))
		return arena_printf(arena, "expected integer, got %s", kind_of(v));
	if (v->valuedouble < 0)
		return arena_printf(arena, "%.0f is not within range", v->valuedouble);
	if (*range < '0' || *range > '9')
		return NULL;
	int64_t min = strtoll(range, &end, 10), max = *end == '-' ? strtoll(end + 1, NULL, 10) : INT64_MAX;
	if (v->valuedouble < (double)min || v->valuedouble > (double)max)
		return arena_printf(arena, "%.0f is not within range (%" PRId64 ", %" PRId64 ")",
			v->valuedouble, min, max);
	return NULL;
}

static const char *value_wrong(struct arena *arena, const char *type, const cJSON *v);

/* "MIN-MAX", "MAX" or nothing. */
static void limits(const char *text, int64_t *ret_min, int64_t *ret_max)
{
	char *end = NULL;

	*ret_min = 0;
	*ret_max = INT64_MAX;
	if (*text < '0' || *text > '9')
		return;
	*ret_max = strtoll(text, &end, 10);
	if (*end == '-') {
		*ret_min = *ret_max;
		*ret_max = strtoll(end + 1, NULL, 10);
	}
}

static const char *tag_wrong(struct arena *arena, const char *allowed, const cJSON *v)
{
	const char *tag = dbx_tag_of(v);
	size_t n = tag ? strlen(tag) : 0;

	if (!tag)
		return "expected a string or an object with a .tag";
	for (const char *p = allowed; p && *p; p += strcspn(p, ","), p += *p == ',') {
		if (!strncmp(p, tag, n) && (!p[n] || p[n] == ','))
			return NULL;
	}
	return allowed ? arena_printf(arena, "invalid tag '%.60s'", tag) : NULL;
}

static const char *list_wrong(struct arena *arena, const char *type, const cJSON *v)
{
	const char *of = strchr(type, '@'), *wrong = NULL;
	int64_t min, max, n = cJSON_IsArray(v) ? cJSON_GetArraySize(v) : 0;
	const cJSON *each;
	int i = 0;

	if (!cJSON_IsArray(v))
		return arena_printf(arena, "expected list, got %s", kind_of(v));
	limits(type + 1, &min, &max);
	if (n < min || n > max)
		return arena_printf(arena, "list must have from %" PRId64 " to %" PRId64 " items", min, max);
	const char *form = of ? form_find(of + 1) : NULL;
	cJSON_ArrayForEach(each, v)
	{
		if (of)
			wrong = form ? dbx_args_check(arena, form, each) : value_wrong(arena, of + 1, each);
		if (wrong)
			return arena_printf(arena, "index %d: %s", i, wrong);
		i++;
	}
	return NULL;
}

static const char *string_wrong(struct arena *arena, const char *range, const char *s)
{
	int64_t min, max, len = (int64_t)strlen(s);

	limits(range, &min, &max);
	if (len >= min && len <= max)
		return NULL;
	return arena_printf(
		arena, "'%.60s' must have from %" PRId64 " to %" PRId64 " characters", s, min, max);
}

static const char *value_wrong(struct arena *arena, const char *type, const cJSON *v)
{
	int64_t ms;

	if (strchr("sthvRPWINQ", *type) && !cJSON_IsString(v))
		return arena_printf(arena, "expected string, got %s", kind_of(v));
	switch (*type) {
	case 's':
		return string_wrong(arena, type + 1, v->valuestring);
	case 'N':
		return *v->valuestring &&
				       strspn(v->valuestring, "-_"
							      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
							      "klmnopqrstuvwxyz:") == strlen(v->valuestring)
			       ? NULL
			       : arena_printf(arena, "'%.60s' did not match pattern '[-_0-9a-zA-Z:]+'",
					 v->valuestring);
	case 'b':
		return cJSON_IsBool(v) ? NULL : arena_printf(arena, "expected boolean, got %s", kind_of(v));
	case 'u':
		return number_wrong(arena, type + 1, v);
	case 'f':
		return cJSON_IsNumber(v) ? NULL : arena_printf(arena, "expected number, got %s", kind_of(v));
	case 'o':
		if (type[1] == '@')
			return dbx_args_check(arena, form_find(type + 2), v);
		return cJSON_IsObject(v) ? NULL : arena_printf(arena, "expected object, got %s", kind_of(v));
	case 'g':
		return tag_wrong(arena, type[1] == '@' ? type + 2 : NULL, v);
	case 'l':
		return list_wrong(arena, type, v);
	case 't':
		return time_parse(v->valuestring, &ms) == 0 && strlen(v->valuestring) == 20
			       ? NULL
			       : arena_printf(arena,
					 "time data '%.60s' does not match format '%%Y-%%m-%%dT%%H:%%M:%%SZ'",
					 v->valuestring);
	case 'h':
		return strlen(v->valuestring) == 64 ? NULL : "a hash has 64 characters";
	case 'v':
		return hex_only(v->valuestring, 9)
			       ? NULL
			       : arena_printf(
					 arena, "'%.60s' did not match pattern '[0-9a-f]+'", v->valuestring);
	case 'R':
	case 'P':
	case 'W':
	case 'I':
	case 'Q':
		return path_wrong(arena, *type, v->valuestring);
	default:
		return NULL;
	}
}

const char *dbx_args_check(struct arena *arena, const char *spec, const cJSON *arg)
{
	const cJSON *field;

	if (!cJSON_IsObject(arg))
		return arena_printf(arena, "expected object, got %s", kind_of(arg));
	cJSON_ArrayForEach(field, arg)
	{
		if (!strcmp(field->string, ".tag"))
			continue;
		size_t n = strlen(field->string);
		const char *at = n ? spec : NULL;
		while (at && (at = strstr(at, field->string)) &&
			!((at == spec || at[-1] == ' ') && at[n] == ':'))
			at++;
		if (!at)
			return arena_printf(arena, "unknown field '%.100s'", field->string);
	}
	for (const char *p = spec; *p;) {
		size_t len = strcspn(p, " ");
		const char *colon = memchr(p, ':', len);
		const char *name = arena_dupn(arena, p, (size_t)(colon - p));
		bool optional = p[len - 1] == '?';
		const char *type = arena_dupn(arena, colon + 1, len - (size_t)(colon + 1 - p) - optional);
		const cJSON *v = json_get(arg, name);
		if (!v && !optional)
			return arena_printf(arena, "missing required field '%s'", name);
		if (v) {
			const char *wrong = optional && cJSON_IsNull(v) ? NULL : value_wrong(arena, type, v);
			if (wrong)
				return arena_printf(arena, "%s: %s", name, wrong);
		}
		p += len;
		p += strspn(p, " ");
	}
	return NULL;
}
