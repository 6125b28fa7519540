/* Approved and blocked entries, passwords, protected domains, executives: adding and removing them in the console. Administrators
 * may everything; the desk may approve and block with an end date of at most a year, and take its own entries back. On the
 * console's threads. */
#include "core/console_impl.h"
#include "core/kept.h"
#include "core/policy_set.h"

#include <ctype.h>
#include <inttypes.h>

#define DAY_MS 86400000ll
#define DESK_MS (366 * DAY_MS)
#define END_MS (3660 * DAY_MS)
#define VALUE_MAX 300
#define REASON_MAX 600

static const char *const kinds[] = {NULL, "sender", "domain", "hash", "link", "password", "protected", "person"};

static bool judged(enum store_list_kind k)
{
	return k == LIST_SENDER || k == LIST_DOMAIN || k == LIST_HASH || k == LIST_LINK;
}

static bool is_administrator(const struct console_request *r, const char *tenant)
{
	return r->actor->local || console_may(r->actor->session, CONSOLE_POLICY, tenant);
}

static const char *author(const struct console_request *r)
{
	return r->actor->local ? arena_printf(r->arena, "local:%u", r->actor->uid) : r->actor->session->login;
}

/* ---- values, as rules compare them ---- */

static void to_lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* A host of at least two labels; letters of other scripts are as their readers see them. */
static bool is_domain(const char *s)
{
	size_t len = strlen(s);
	bool dot = false;

	if (!len || len > 253 || *s == '.' || *s == '-' || s[len - 1] == '.' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)s[i];
		if (ch < 0x80 && !isalnum(ch) && ch != '-' && ch != '.' && ch != '_')
			return false;
		if (ch == '.' && s[i + 1] == '.')
			return false;
		dot = dot || ch == '.';
	}
	return dot;
}

static int read_sender(char *s, struct err *err)
{
	char *at = strrchr(s, '@');

	to_lower(s);
	if (!at || at == s || strpbrk(s, " <>,;\"") || !is_domain(at + 1))
		return console_bad(err, "a sender is an address, such as ken@example.jp");
	return 0;
}

static int read_domain(char **s, struct err *err)
{
	/* As people copy them: "@example.jp", "*.example.jp". */
	if (strncmp(*s, "*.", 2) == 0)
		*s += 2;
	else if (**s == '@')
		*s += 1;
	to_lower(*s);
	return is_domain(*s) ? 0 : console_bad(err, "a domain is a name such as example.jp");
}

static int read_hash(char *s, struct err *err)
{
	to_lower(s);
	if (strlen(s) != 64 || strspn(s, "0123456789abcdef") != 64)
		return console_bad(err, "a hash is a SHA-256: 64 characters of 0-9 and a-f");
	return 0;
}

/* Host and path, without scheme, query and fragment; the host in small letters. */
static int read_link(char **s, struct err *err)
{
	char *scheme = strstr(*s, "://");

	if (scheme)
		*s = scheme + 3;
	(*s)[strcspn(*s, "?#")] = '\0';
	size_t host = strcspn(*s, "/:");
	char own[254];
	if (host >= sizeof(own) || (*s)[host] == ':')
		return console_bad(err, "a link is host and path, such as example.jp/login");
	for (size_t i = 0; i < host; i++)
		(*s)[i] = (char)tolower((unsigned char)(*s)[i]);
	memcpy(own, *s, host);
	own[host] = '\0';
	if (!is_domain(own) || strpbrk(*s, " <>\""))
		return console_bad(err, "a link is host and path, such as example.jp/login");
	if (strcmp(*s + host, "/") == 0)
		(*s)[host] = '\0';
	return 0;
}

/* The value in the form that is compared; in the arena. NULL after an error. */
static const char *read_value(struct console_request *r, enum store_list_kind k, struct err *err)
{
	const char *given = console_text(r, "value", k == LIST_PASSWORD ? SCAN_PASSWORD_MAX - 1 : VALUE_MAX, err);
	char *s = given ? arena_dup(r->arena, given) : NULL;
	int bad = 0;

	if (!s) {
		if (given)
			console_no_memory(err);
		return NULL;
	}
	if (k == LIST_PASSWORD)
		return s;
	s += strspn(s, " ");
	for (size_t n = strlen(s); n && s[n - 1] == ' '; n--)
		s[n - 1] = '\0';
	if (k == LIST_SENDER)
		bad = read_sender(s, err);
	else if (k == LIST_DOMAIN || k == LIST_PROTECTED)
		bad = read_domain(&s, err);
	else if (k == LIST_HASH)
		bad = read_hash(s, err);
	else if (k == LIST_LINK)
		bad = read_link(&s, err);
	else if (!*s)
		bad = console_bad(err, "'value' is empty");
	return bad < 0 ? NULL : s;
}

/* ---- the commands ---- */

static int read_kind(struct console_request *r, enum store_list_kind *ret, struct err *err)
{
	const char *name = json_str_or(r->args, "kind", "");

	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i], name) == 0) {
			*ret = (enum store_list_kind)i;
			return 0;
		}
	}
	return console_bad(err, "'kind' is sender, domain, hash, link, password, protected or person");
}

static int read_end(struct console_request *r, bool administrator, int64_t now, int64_t *ret, struct err *err)
{
	int64_t at = json_int64_or(r->args, "ends_at", 0);

	if (at && (at <= now || at > now + END_MS))
		return console_bad(err, "'ends_at' lies in the future, within ten years");
	if (!administrator && (!at || at > now + DESK_MS))
		return err_set(err, ERR_REMOTE, "end_wanted", "your role may add this with an end date of at most a year only");
	*ret = at;
	return 0;
}

int console_list_add(struct console_request *r, struct err *err)
{
	const cJSON *approved = json_get(r->args, "approved");
	const char *reason = json_str_or(r->args, "reason", "");
	bool administrator = is_administrator(r, r->tenant);
	int64_t now = time_now_ms(), id;
	struct store_list_entry e = {.tenant = r->tenant, .created_at = now, .approved = true, .author = author(r)};

	if (read_kind(r, &e.kind, err) < 0)
		return -1;
	if (!administrator && !judged(e.kind))
		return err_set(err, ERR_CONSENT, "forbidden", "your role does not allow this");
	if (judged(e.kind)) {
		if (!cJSON_IsBool(approved))
			return console_bad(err, "'approved' is true or false");
		e.approved = cJSON_IsTrue(approved);
	}
	if (*reason && !(reason = console_text(r, "reason", REASON_MAX, err)))
		return -1;
	e.reason = reason;
	if (read_end(r, administrator, now, &e.ends_at, err) < 0 || !(e.value = read_value(r, e.kind, err)))
		return -1;
	if (!e.author)
		return console_no_memory(err);
	if (e.kind == LIST_PASSWORD && kept_put(r->core, r->tenant, e.value, r->arena, &e.value, err) < 0)
		return -1;
	if (store_list_add(r->core->store, &e, &id, err) < 0) {
		struct err ignored;
		if (e.kind == LIST_PASSWORD)
			kept_forget(r->core, e.value, &ignored);
		return -1;
	}
	r->object = arena_printf(r->arena, "%" PRId64, id);
	cJSON_AddNumberToObject(r->result, "id", (double)id);
	rules_changed(r->core);
	return 0;
}

int console_list_remove(struct console_request *r, struct err *err)
{
	struct store_list_entry e;
	int64_t id = strtoll(r->object, NULL, 10);

	if (store_list_get(r->core->store, id, r->arena, &e, err) < 0)
		return -1;
	if (!is_administrator(r, e.tenant) && (!judged(e.kind) || strcmp(e.author ? e.author : "", r->actor->session->login) != 0))
		return err_set(err, ERR_CONSENT, "forbidden", "your role does not allow this");
	if ((e.kind == LIST_PASSWORD && kept_forget(r->core, e.value, err) < 0) || store_list_remove(r->core->store, id, err) < 0)
		return -1;
	cJSON_AddStringToObject(r->result, "kind", (size_t)e.kind < ARRAY_SIZE(kinds) && kinds[e.kind] ? kinds[e.kind] : "");
	if (e.kind != LIST_PASSWORD)
		cJSON_AddStringToObject(r->result, "value", e.value);
	rules_changed(r->core);
	return 0;
}
