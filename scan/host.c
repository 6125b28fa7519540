/* Names of hosts; see host.h. IDN by ICU's UTS #46, look-alikes by its UTS #39, registrable domains by libpsl's built-in list. */
#include "scan/host.h"

#include "base/encode.h"

#include <arpa/inet.h>
#include <libpsl.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unicode/uidna.h>
#include <unicode/uspoof.h>

#define TEXT_MAX 1024

/* Read-only once made, whoever uses it: tables of the libraries, which are the same for everybody. */
static struct {
	pthread_once_t once;
	UIDNA *idna;
	USpoofChecker *spoof;
	const psl_ctx_t *psl;
} tables = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	UErrorCode e = U_ZERO_ERROR;
	char out[64];

	tables.idna = uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE, &e);
	tables.spoof = uspoof_open(&e);
	if (tables.spoof) {
		uspoof_setChecks(tables.spoof, USPOOF_RESTRICTION_LEVEL, &e);
		uspoof_setRestrictionLevel(tables.spoof, USPOOF_HIGHLY_RESTRICTIVE);
		/* Tables that are loaded at the first use. */
		uspoof_getSkeletonUTF8(tables.spoof, 0, "\xd0\xb0\xe3\x82\xa2", -1, out, sizeof(out), &e);
		uspoof_check2UTF8(tables.spoof, "\xd0\xb0""b", -1, NULL, &e);
	}
	tables.psl = psl_builtin();
}

void host_init(void)
{
	struct host h;

	pthread_once(&tables.once, load);
	host_read("xn--u9j4a.co.jp", 15, &h);
}

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

static bool is_name(const char *ascii)
{
	size_t label = 0;

	for (const char *p = ascii; *p; p++) {
		if (*p == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_') {
			if (++label > 63)
				return false;
		} else {
			return false;
		}
	}
	return label > 0;
}

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s |= 0x20;
}

/* Does it begin with xn--, or hold a label that does? */
static bool has_ace(const char *ascii)
{
	for (const char *p = ascii; p; p = strchr(p, '.')) {
		p += *p == '.';
		if (strncmp(p, "xn--", 4) == 0)
			return true;
	}
	return false;
}

/* As the network has it, and as people read it. What is beyond the rules but ASCII stands as it is. */
static bool convert(const char *text, struct host *h)
{
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode e = U_ZERO_ERROR;
	int32_t n;

	if (is_ascii(text)) {
		if (snprintf(h->ascii, sizeof(h->ascii), "%s", text) >= (int)sizeof(h->ascii))
			return false;
		lower(h->ascii);
	} else {
		if (!tables.idna)
			return false;
		n = uidna_nameToASCII_UTF8(tables.idna, text, -1, h->ascii, sizeof(h->ascii) - 1, &info, &e);
		if (U_FAILURE(e) || n <= 0 || (info.errors & ~(uint32_t)(UIDNA_ERROR_HYPHEN_3_4 | UIDNA_ERROR_LEADING_HYPHEN | UIDNA_ERROR_TRAILING_HYPHEN)))
			return false;
		h->ascii[n] = '\0';
	}
	size_t len = strlen(h->ascii);
	while (len && h->ascii[len - 1] == '.')
		h->ascii[--len] = '\0';
	if (!is_name(h->ascii))
		return false;
	snprintf(h->name, sizeof(h->name), "%s", h->ascii);
	if (!has_ace(h->ascii))
		return true;
	h->punycode = true;
	info = (UIDNAInfo)UIDNA_INFO_INITIALIZER;
	e = U_ZERO_ERROR;
	char name[sizeof(h->name)];
	n = tables.idna ? uidna_nameToUnicodeUTF8(tables.idna, h->ascii, -1, name, sizeof(name) - 1, &info, &e) : 0;
	if (U_SUCCESS(e) && n > 0 && !(info.errors & (UIDNA_ERROR_PUNYCODE | UIDNA_ERROR_INVALID_ACE_LABEL | UIDNA_ERROR_DISALLOWED))) {
		name[n] = '\0';
		memcpy(h->name, name, (size_t)n + 1);
	}
	return true;
}

static int labels(const char *s)
{
	int n = *s != '\0';

	for (; *s; s++)
		n += *s == '.';
	return n;
}

/* The last n labels. */
static const char *tail(const char *name, int n)
{
	const char *p = name + strlen(name);

	while (p > name) {
		if (p[-1] == '.' && --n == 0)
			return p;
		p--;
	}
	return name;
}

static void find_domain(struct host *h)
{
	const char *d = tables.psl ? psl_registrable_domain(tables.psl, h->ascii) : NULL;

	if (!d)
		return;
	const char *t = tail(h->name, labels(d));
	if (strlen(t) < sizeof(h->domain))
		memcpy(h->domain, t, strlen(t) + 1);
}

static void replace(char *s, const char *two, char one)
{
	for (char *p; (p = strstr(s, two)); memmove(p + 1, p + 2, strlen(p + 2) + 1))
		*p = one;
}

/* UTS #39's skeleton, without what only marks letters and with what else reads alike in small letters; it makes "rn" of m. */
static void make_skeleton(struct host *h)
{
	char s[TEXT_MAX];
	UErrorCode e = U_ZERO_ERROR;
	int32_t n = tables.spoof ? uspoof_getSkeletonUTF8(tables.spoof, 0, h->name, -1, s, sizeof(s) - 1, &e) : 0;
	size_t out = 0;

	if (U_FAILURE(e) || n <= 0)
		n = snprintf(s, sizeof(s), "%s", h->name);
	s[n] = '\0';
	for (size_t i = 0; s[i];) {
		size_t step = utf8_length(s + i, strlen(s + i));
		unsigned char c = (unsigned char)s[i];
		bool mark = step == 2 && ((c == 0xcc) || (c == 0xcd && (unsigned char)s[i + 1] <= 0xaf));
		if (step == 0)
			break;
		if (!mark) {
			memmove(s + out, s + i, step);
			out += step;
		}
		i += step;
	}
	s[out] = '\0';
	lower(s);
	for (char *p = s; *p; p++)
		*p = *p == 'i' ? 'l' : *p;
	replace(s, "vv", 'w');
	replace(s, "cl", 'd');
	if (strlen(s) >= sizeof(h->skeleton))
		snprintf(h->skeleton, sizeof(h->skeleton), "%s", h->ascii);
	else
		memcpy(h->skeleton, s, strlen(s) + 1);
}

static bool is_mixed(const char *name)
{
	for (const char *p = name; tables.spoof && *p;) {
		size_t n = strcspn(p, ".");
		UErrorCode e = U_ZERO_ERROR;
		char label[TEXT_MAX];
		snprintf(label, sizeof(label), "%.*s", (int)n, p);
		if (!is_ascii(label) && (uspoof_check2UTF8(tables.spoof, label, -1, NULL, &e) & USPOOF_RESTRICTION_LEVEL) && U_SUCCESS(e))
			return true;
		p += n + (p[n] == '.');
	}
	return false;
}

static bool read_numbers(const char *text, struct host *h)
{
	unsigned char raw[16];
	char bare[64];
	bool v6 = text[0] == '[';

	if (v6) {
		snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(text + 1, "]%"), text + 1);
		if (inet_pton(AF_INET6, bare, raw) != 1)
			return false;
	} else if (inet_pton(AF_INET, text, raw) != 1) {
		return false;
	} else {
		snprintf(bare, sizeof(bare), "%.15s", text);
	}
	h->ip = true;
	snprintf(h->name, sizeof(h->name), "%s", bare);
	snprintf(h->ascii, sizeof(h->ascii), "%s", bare);
	snprintf(h->skeleton, sizeof(h->skeleton), "%s", bare);
	return true;
}

bool host_read(const char *text, size_t len, struct host *ret)
{
	char name[TEXT_MAX];
	struct host h = {0};

	pthread_once(&tables.once, load);
	*ret = h;
	while (len && text[len - 1] == '.')
		len--;
	if (len == 0 || len >= sizeof(name) || memchr(text, 0, len))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(name + i, len - i);
		if (n == 0)
			return false;
		i += n;
	}
	if (read_numbers(name, &h)) {
		*ret = h;
		return true;
	}
	if (!convert(name, &h))
		return false;
	find_domain(&h);
	make_skeleton(&h);
	h.mixed = h.punycode && is_mixed(h.name);
	*ret = h;
	return true;
}

bool host_has_known_top(const char *name)
{
	static const char *const reserved[] = {"example", "test", "invalid", "localhost", "local"};
	const char *dot = strrchr(name, '.'), *top = dot ? dot + 1 : name;
	char below[128];

	pthread_once(&tables.once, load);
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (strcmp(top, reserved[i]) == 0)
			return true;
	if (!tables.psl || snprintf(below, sizeof(below), "x.%s", top) >= (int)sizeof(below))
		return false;
	return psl_is_public_suffix2(tables.psl, top, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) ||
		psl_is_public_suffix2(tables.psl, below, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}
