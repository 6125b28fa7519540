/* Look-alikes of protected domains; see lookalike.h.
 *
 * Short names are near to many others by chance: what is asked for rises as they get shorter, and a word beside the name
 * counts only when it is one that such addresses use ("-support", "-login"), because subsidiaries have other ones. */
#include "policy/lookalike.h"

#include "base/cleanup.h"
#include "base/encode.h"
#include "scan/host.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LETTERS 64

bool lookalike_make(const char *name, struct lookalike *ret)
{
	struct lookalike p = {.name = name};
	struct host h;

	if (!host_read(name, strlen(name), &h) || !h.domain[0])
		return false;
	size_t core = strcspn(h.domain, ".");
	if (core >= sizeof(p.core) || !h.domain[core])
		return false;
	snprintf(p.core, sizeof(p.core), "%.*s", (int)core, h.domain);
	snprintf(p.suffix, sizeof(p.suffix), "%s", h.domain + core + 1);
	snprintf(p.plain, sizeof(p.plain), "%s", h.skeleton);
	snprintf(p.hyphens, sizeof(p.hyphens), "%s", h.name);
	for (char *c = p.hyphens; *c; c++)
		*c = *c == '.' ? '-' : *c;
	if (!host_read(p.core, strlen(p.core), &h))
		return false;
	snprintf(p.skeleton, sizeof(p.skeleton), "%s", h.skeleton);
	for (const char *c = p.core; *c; c++)
		p.len += ((unsigned char)*c & 0xc0) != 0x80;
	*ret = p;
	/* Two kanji are a name, two letters are none. */
	return p.len >= 3 || (p.len == 2 && (unsigned char)p.core[0] >= 0x80);
}

static int letters(const char *s, int32_t out[LETTERS])
{
	int n = 0;

	for (size_t i = 0, len = strlen(s); i < len && n < LETTERS;) {
		size_t step = utf8_length(s + i, len - i);
		int32_t v = 0;
		if (step == 0)
			break;
		for (size_t k = 0; k < step; k++)
			v = (int32_t)((uint32_t)v << 8 | (unsigned char)s[i + k]);
		out[n++] = v;
		i += step;
	}
	return n;
}

/* Letters and digits that are taken for each other. */
static bool alike(int32_t a, int32_t b)
{
	static const char *const pairs[] = {"o0", "oq", "l1", "li", "lj", "il", "ij", "e3", "ec", "a4", "s5", "t7", "tf", "b8", "b6", "bh", "g9", "gq", "z2",
		"uv", "vy", "nm", "nh", "co"};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if ((a == pairs[i][0] && b == pairs[i][1]) || (a == pairs[i][1] && b == pairs[i][0]))
			return true;
	return false;
}

static bool digit_for_letter(int32_t a, int32_t b)
{
	return alike(a, b) && ((a >= '0' && a <= '9') || (b >= '0' && b <= '9'));
}

/* One edit apart, of a kind that counts for a name of this length. */
static bool one_edit(const char *name, const char *other, size_t len)
{
	int32_t a[LETTERS], b[LETTERS];
	int n = letters(name, a), m = letters(other, b), i = 0, k = 0;

	if (n == LETTERS || m == LETTERS || n - m > 1 || m - n > 1)
		return false;
	while (i < n && i < m && a[i] == b[i])
		i++;
	while (k < n - i && k < m - i && a[n - 1 - k] == b[m - 1 - k])
		k++;
	if (n == m && n - i - k == 2) /* two letters changed places */
		return len >= 5 && a[i] == b[i + 1] && a[i + 1] == b[i];
	if ((n > m ? n : m) - i - k != 1)
		return false;
	if (n == m) {
		if (len >= 4 && digit_for_letter(a[i], b[i]))
			return true;
		/* A number in a name tells one from the other: "kita1", "kita2". */
		if ((a[i] >= '0' && a[i] <= '9') || (b[i] >= '0' && b[i] <= '9'))
			return false;
		return (len >= 5 && alike(a[i], b[i])) || len >= 8;
	}
	const int32_t *longer = n > m ? a : b;
	int at = i, last = (n > m ? n : m) - 1;
	bool doubled = (at > 0 && longer[at] == longer[at - 1]) || (at < last && longer[at] == longer[at + 1]);
	if (longer[at] == '-')
		return len >= 5;
	if (longer[at] >= '0' && longer[at] <= '9')
		return false;
	/* One more or less at the end is a plural, or another name. */
	return (len >= 4 && doubled && n < m) || (len >= 6 && doubled) || (len >= 7 && at > 0 && at < last) || len >= 9;
}

static void without_hyphens(char *out, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n + 1 < size; s++)
		if (*s != '-')
			out[n++] = *s;
	out[n] = '\0';
}

/* Words that false addresses put beside a name, as skeletons spell them: m is "rn", i is "l", cl is "d". */
static bool is_bait(const char *s, size_t len)
{
	static const char *const words[] = {"support", "help", "helpdesk", "login", "logon", "signin", "secure", "security", "safe", "safety", "account",
		"accounts", "verify", "verification", "confirm", "update", "updates", "billing", "bill", "payment", "payments", "pay", "invoice", "invoices", "mail",
		"email", "webmail", "auth", "sso", "portal", "id", "admin", "notice", "notification", "alert", "alerts", "info", "service", "services", "customer",
		"customers", "recovery", "online", "office", "docs", "share", "files", "team", "hr", "it", "co", "jp", "com", "cojp", "corp", "inc", "web", "www",
		"cloud", "client", "my", "mypage", "japan", "official", "card", "bank", "refund", "reset", "password", "sharepoint", "365", "office365", "microsoft",
		"zoom", "teams", "meeting", "document", "documents", "order", "delivery", "rewards", "campaign", "point", "points", "center", "centre", "desk"};
	char word[64];
	struct host h;

	for (size_t i = 0; i < len; i++)
		if (s[i] >= '0' && s[i] <= '9' && len <= 4 && i + 1 == len)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!host_read(words[i], strlen(words[i]), &h))
			continue;
		snprintf(word, sizeof(word), "%.60s", h.skeleton);
		if (strlen(word) == len && memcmp(word, s, len) == 0)
			return true;
	}
	return false;
}

/* "aoba-support", "login-aoba", "support-aoba-jp": the name, and bait. Without hyphens only beside longer names. */
static bool with_bait(const struct lookalike *p, const char *core)
{
	size_t n = strlen(core), k = strlen(p->skeleton);
	bool has_name = false, other = false;

	if (p->len >= 4 && strchr(core, '-')) {
		for (const char *s = core; *s;) {
			size_t w = strcspn(s, "-");
			bool name = w == k && memcmp(s, p->skeleton, k) == 0;
			has_name |= name;
			other |= !name && w && !is_bait(s, w);
			s += w + (s[w] == '-');
		}
		if (has_name && !other)
			return true;
		/* A name with a hyphen of its own: "aoba-shoji-login". */
		if (n > k + 1 && strchr(p->skeleton, '-') && memcmp(core, p->skeleton, k) == 0 && core[k] == '-' && is_bait(core + k + 1, n - k - 1))
			return true;
	}
	if (p->len < 5 || n < k + 4)
		return false;
	return (memcmp(core, p->skeleton, k) == 0 && is_bait(core + k, n - k)) ||
		(memcmp(core + n - k, p->skeleton, k) == 0 && is_bait(core, n - k));
}

/* Services that give each customer a name made of its domain. */
static bool is_honest(const char *host)
{
	static const char *const honest[] = {".translate.goog", ".outlook.com", ".ampproject.org", ".onmicrosoft.com", ".sharepoint.com", ".google.com", ".slack.com",
		".box.com", ".zendesk.com", ".atlassian.net", ".okta.com", ".zoom.us", ".my.salesforce.com", ".backlog.com", ".backlog.jp", ".cybozu.com",
		".kintone.com", ".smarthr.jp"};
	size_t all = strlen(host);

	for (size_t i = 0; i < ARRAY_SIZE(honest); i++)
		if (all > strlen(honest[i]) && strcmp(host + all - strlen(honest[i]), honest[i]) == 0)
			return true;
	return false;
}

/* The whole name, dots as they are or as hyphens, within the labels before the domain, or as the domain's own first label. */
static bool in_front(const struct lookalike *p, const char *skeleton)
{
	size_t len = strlen(p->plain);
	struct host h;

	for (const char *at = skeleton; (at = strstr(at, p->plain)); at++)
		if ((at == skeleton || at[-1] == '.' || at[-1] == '-') && (at[len] == '.' || at[len] == '-'))
			return true;
	if (!host_read(p->hyphens, strlen(p->hyphens), &h))
		return false;
	len = strlen(h.skeleton);
	for (const char *at = skeleton; (at = strstr(at, h.skeleton)); at++)
		if ((at == skeleton || at[-1] == '.' || at[-1] == '-') && (at[len] == '.' || at[len] == '-'))
			return true;
	return false;
}

bool lookalike_is(const struct lookalike *p, const char *host, const char *domain, const char *skeleton)
{
	char core[256], name[256], bare[256], mine[256];
	const char *dot = strchr(domain, '.'), *s = skeleton + strlen(skeleton);
	int dots = 0, want = 0;

	if (!*domain || !dot || is_honest(host))
		return false;
	/* The domain's part of the host's skeleton: as many labels at the end. */
	for (const char *c = domain; *c; c++)
		want += *c == '.';
	while (s > skeleton && !(s[-1] == '.' && dots == want)) {
		s--;
		dots += *s == '.';
	}
	snprintf(core, sizeof(core), "%.*s", (int)strcspn(s, "."), s);
	snprintf(name, sizeof(name), "%.*s", (int)(dot - domain), domain);
	bool suffix = strcmp(dot + 1, p->suffix) == 0, exact = strcmp(name, p->core) == 0;
	if (strcmp(core, p->skeleton) == 0 && !exact)
		return suffix || p->len >= 4; /* the eye sees no difference */
	if (exact)
		return !suffix && p->len >= 5; /* another domain at the top */
	if (suffix || p->len >= 8) {
		if (one_edit(p->core, name, p->len) || (p->len >= 6 && one_edit(p->skeleton, core, p->len)))
			return true;
		without_hyphens(bare, sizeof(bare), core);
		without_hyphens(mine, sizeof(mine), p->skeleton);
		if (p->len >= 5 && strcmp(bare, mine) == 0)
			return true;
	}
	return with_bait(p, core) || in_front(p, skeleton);
}
