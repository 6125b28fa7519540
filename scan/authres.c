/* Authentication-Results; see authres.h. */
#include "scan/authres.h"

#include "base/buf.h"

#include <string.h>
#include <strings.h>

#define VALUE_MAX 8192

/* Without comments and with one space at most between words, none around '='. Quoted strings stay as they are, with
 * what would be syntax in them as '_': a sender chooses what stands in local parts, and none of it may count. */
static void simplify(struct buf *out, const char *s)
{
	int depth = 0;
	bool quoted = false, space = false;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '\\' && (quoted || depth) && s[1]) {
			s++;
			if (!depth)
				buf_addc(out, '_');
		} else if (quoted) {
			quoted = c != '"';
			if (c != '"')
				buf_addc(out, strchr(" \t\r\n;=()", c) ? '_' : (char)c);
		} else if (c == '(') {
			depth++;
		} else if (depth) {
			depth -= c == ')';
			space = true;
		} else if (c == '"') {
			quoted = true;
		} else if (c <= 0x20) {
			space = true;
		} else {
			if (space && c != '=' && c != ';' && out->len && !strchr("=;", out->data[out->len - 1]))
				buf_addc(out, ' ');
			space = false;
			buf_addc(out, (char)c);
		}
	}
	/* What never ended was no syntax. */
	if (quoted || depth)
		buf_adds(out, ";");
}

static enum scan_auth_result result_of(const char *s, size_t len)
{
	static const struct {
		const char *word;
		enum scan_auth_result result;
	} words[] = {{"pass", SCAN_AUTH_PASS}, {"fail", SCAN_AUTH_FAIL}, {"hardfail", SCAN_AUTH_FAIL}, {"softfail", SCAN_AUTH_SOFTFAIL},
		{"neutral", SCAN_AUTH_NEUTRAL}, {"policy", SCAN_AUTH_NEUTRAL}, {"softpass", SCAN_AUTH_NEUTRAL},
		{"temperror", SCAN_AUTH_ERROR}, {"permerror", SCAN_AUTH_ERROR}, {"error", SCAN_AUTH_ERROR}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == len && strncasecmp(s, words[i].word, len) == 0)
			return words[i].result;
	return SCAN_AUTH_NONE;
}

/* The domain of an address or of a domain. */
static void take_domain(char *out, size_t size, const char *s, size_t len)
{
	const char *at = memrchr(s, '@', len);
	size_t n = 0;

	if (at) {
		len -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	for (; n < len && n + 1 < size && (unsigned char)s[n] > 0x20 && (unsigned char)s[n] < 0x7f && !strchr("<>\"", s[n]); n++)
		out[n] = (char)(s[n] >= 'A' && s[n] <= 'Z' ? s[n] | 0x20 : s[n]);
	out[n] = '\0';
	if (n && out[n - 1] == '.')
		out[n - 1] = '\0';
}

static bool is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

/* "dkim=pass header.d=a.example header.s=x" */
static void read_method(const char *s, size_t len, struct scan_auth *a, unsigned *seen)
{
	const char *eq = memchr(s, '=', len);

	if (!eq)
		return;
	size_t name = (size_t)(eq - s), rest = len - name - 1;
	const char *version = memchr(s, '/', name);
	if (version)
		name = (size_t)(version - s);
	const char *end = memchr(eq + 1, ' ', rest);
	enum scan_auth_result result = result_of(eq + 1, end ? (size_t)(end - eq - 1) : rest);
	static const char *const methods[] = {"spf", "dkim", "dmarc", "compauth"};
	static const char *const of[][3] = {{"smtp.mailfrom", "smtp.mail", "smtp.helo"}, {"header.d", "header.i", NULL},
		{"header.from", NULL, NULL}, {NULL, NULL, NULL}};
	enum scan_auth_result *results[] = {&a->spf, &a->dkim, &a->dmarc, &a->compauth};
	char *domains[] = {a->spf_domain, a->dkim_domain, a->dmarc_domain, NULL};
	size_t m = 0;
	while (m < ARRAY_SIZE(methods) && !is(s, name, methods[m]))
		m++;
	if (m == ARRAY_SIZE(methods))
		return;
	/* The first one counts; of signatures one that passes does. */
	if ((*seen & 1u << m) && !(m == 1 && result == SCAN_AUTH_PASS && a->dkim != SCAN_AUTH_PASS))
		return;
	*seen |= 1u << m;
	*results[m] = result;
	if (!domains[m])
		return;
	domains[m][0] = '\0';
	for (size_t k = 0; k < 3 && of[m][k] && !domains[m][0]; k++) {
		for (const char *word = end; word; word = memchr(word, ' ', len - (size_t)(word - s))) {
			word++;
			size_t left = len - (size_t)(word - s), n = strlen(of[m][k]);
			const char *stop = memchr(word, ' ', left);
			if (left > n && strncasecmp(word, of[m][k], n) == 0 && word[n] == '=')
				take_domain(domains[m], sizeof(a->spf_domain), word + n + 1, (stop ? (size_t)(stop - word) : left) - n - 1);
		}
	}
}

void authres_read(const char *value, struct scan_auth *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT(VALUE_MAX);
	unsigned seen = 0;

	*ret = (struct scan_auth){0};
	simplify(&b, value);
	const char *s = buf_str(&b);
	for (bool first = true; *s; first = false) {
		size_t len = strcspn(s, ";");
		const char *space = memchr(s, ' ', len), *eq = memchr(s, '=', len);
		if (first && !eq)
			take_domain(ret->server, sizeof(ret->server), s, space ? (size_t)(space - s) : len);
		else
			read_method(s, len, ret, &seen);
		s += len + (s[len] == ';');
	}
}
