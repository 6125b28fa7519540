/* Checks a route's argument against its form as the real address does, which refuses unknown fields, missing
 * ones and wrong types with a text about the first wrong one.
 *
 * A form is a list of words "name:type", with '?' behind an optional one. Types: s string, b boolean, u or
 * uMIN-MAX unsigned integer, f number, t time, h 64 hex digits, v revision, x anything; g tag of a union or
 * the union; o object; l list (lMAX: at most so many); paths: R "", "/…", "id:", "ns:"; P "/…", "id:",
 * "rev:", "ns:"; W "/…", "ns:"; I "/…", "id:", "ns:". */
#include "fakecloud/dropbox/dropbox.h"

#include "base/timeutil.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	if (type != 'W' && !strncmp(s, "id:", 3))
		ok = true;
	if (type == 'P' && !strncmp(s, "rev:", 4) && hex_only(s + 4, 9))
		ok = true;
	if (ok)
		return NULL;
	return arena_printf(arena, "'%.200s' did not match pattern '%s'", s,
		type == 'R'   ? "(/(.|[\\r\\n])*)?|id:.*|(ns:[0-9]+(/.*)?)"
		: type == 'P' ? "(/(.|[\\r\\n])*|id:.*)|(rev:[0-9a-f]{9,})|(ns:[0-9]+(/.*)?)"
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

static const char *value_wrong(struct arena *arena, const char *type, const cJSON *v)
{
	int64_t ms;

	if (strchr("sthvRPWI", *type) && !cJSON_IsString(v))
		return arena_printf(arena, "expected string, got %s", kind_of(v));
	switch (*type) {
	case 'b':
		return cJSON_IsBool(v) ? NULL : arena_printf(arena, "expected boolean, got %s", kind_of(v));
	case 'u':
		return number_wrong(arena, type + 1, v);
	case 'f':
		return cJSON_IsNumber(v) ? NULL : arena_printf(arena, "expected number, got %s", kind_of(v));
	case 'o':
		return cJSON_IsObject(v) ? NULL : arena_printf(arena, "expected object, got %s", kind_of(v));
	case 'g':
		return dbx_tag_of(v) ? NULL : "expected a string or an object with a .tag";
	case 'l':
		if (!cJSON_IsArray(v))
			return arena_printf(arena, "expected list, got %s", kind_of(v));
		if (type[1] >= '0' && type[1] <= '9' && cJSON_GetArraySize(v) > strtol(type + 1, NULL, 10))
			return arena_printf(
				arena, "list has more than %ld items", strtol(type + 1, NULL, 10));
		return NULL;
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
