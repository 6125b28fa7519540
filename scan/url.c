/* Addresses; see url.h. What browsers forgive is made plain first; libcurl's parser takes the rest apart. */
#include "scan/url.h"

#include "base/buf.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static char *url_part(CURLU *u, CURLUPart what)
{
	char *s = NULL;

	return curl_url_get(u, what, &s, 0) == CURLUE_OK ? s : NULL;
}

/* Length of "scheme:", 0 none. */
static size_t scheme_of(const char *s)
{
	size_t n = 0;

	while ((s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z')
		n++;
	while (n && (((s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z') || (s[n] >= '0' && s[n] <= '9') || (s[n] && strchr("+-.", s[n]))))
		n++;
	return n && s[n] == ':' ? n + 1 : 0;
}

static bool begins(const char *s, const char *with)
{
	return strncasecmp(s, with, strlen(with)) == 0;
}

/* "javascript:void(0)" does nothing; pictures in themselves are no pages. */
static bool is_script(const char *s)
{
	static const char *const pages[] = {"text/html", "text/xml", "image/svg", "application/", "text/javascript"};

	if (begins(s, "vbscript:"))
		return true;
	if (begins(s, "javascript:")) {
		s += 11 + strspn(s + 11, " ;");
		return *s && !begins(s, "void(") && !begins(s, "void 0") && !begins(s, "%20") && *s != '#';
	}
	if (!begins(s, "data:"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (begins(s + 5, pages[i]))
			return true;
	return false;
}

static bool is_special(const char *s)
{
	return begins(s, "http:") || begins(s, "https:") || begins(s, "ftp:") || begins(s, "ws:") || begins(s, "wss:");
}

/* As browsers do: no white space around, no tabs and line ends within; for the web any slashes are two. -1 too long. */
static int make_plain(char *out, size_t size, const char *s, size_t len)
{
	char text[URL_MAX];
	size_t n = 0;

	while (len && (unsigned char)*s <= 0x20)
		s++, len--;
	while (len && (unsigned char)s[len - 1] <= 0x20)
		len--;
	for (size_t i = 0; i < len && n + 1 < sizeof(text); i++)
		if (s[i] && !strchr("\t\r\n", s[i]))
			text[n++] = s[i];
	text[n] = '\0';
	size_t scheme = scheme_of(text);
	if (begins(text, "www.") || begins(text, "//") || begins(text, "\\\\") || begins(text, "/\\")) {
		n = strspn(text, "/\\");
		memmove(text + 5, text + n, strlen(text + n) + 1 < sizeof(text) - 5 ? strlen(text + n) + 1 : sizeof(text) - 6);
		memcpy(text, "http:", 5);
		text[sizeof(text) - 1] = '\0';
		scheme = 5;
	}
	if (!scheme || !is_special(text))
		return snprintf(out, size, "%s", text) < (int)size ? 0 : -1;
	for (size_t i = scheme; text[i] && text[i] != '?' && text[i] != '#'; i++)
		if (text[i] == '\\')
			text[i] = '/';
	int r = snprintf(out, size, "%.*s//%s", (int)scheme, text, text + scheme + strspn(text + scheme, "/"));
	return r < (int)size ? 0 : -1;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static void decode(char *out, size_t size, const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		if (s[i] == '%' && i + 2 < len && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			int c = hex(s[i + 1]) * 16 + hex(s[i + 2]);
			out[n++] = c ? (char)c : ' ';
			i += 2;
		} else {
			out[n++] = s[i];
		}
	}
	out[n] = '\0';
}

/* ---- redirectors ---- */

/* Hosts (and what is below those that begin with a dot), the beginning of the path, and the parameters that hold the target;
 * "*": the target stands in the path. */
static const struct {
	const char *host, *path, *keys;
} redirectors[] = {
	{".safelinks.protection.outlook.com", "/", "url"},
	{"statics.teams.cdn.office.net", "/evergreen-assets/safelinks/", "url"},
	{".safelink.emails.azure.net", "/redirect", "destination"},
	{".google.com", "/url", "q url"}, {".google.co.jp", "/url", "q url"}, {".google.com", "/amp/s/", "*"},
	{"translate.google.com", "/translate", "u"}, {"translate.google.co.jp", "/translate", "u"},
	{"adclick.g.doubleclick.net", "/", "adurl"}, {"www.googleadservices.com", "/", "adurl"},
	{".youtube.com", "/redirect", "q"},
	{"l.facebook.com", "/l.php", "u"}, {"lm.facebook.com", "/l.php", "u"}, {"l.instagram.com", "/", "u"}, {"l.messenger.com", "/l.php", "u"},
	{".linkedin.com", "/redir/redirect", "url"}, {".linkedin.com", "/safety/go", "url"},
	{"out.reddit.com", "/", "url"}, {"t.umblr.com", "/redirect", "z"}, {"slack-redir.net", "/link", "url"},
	{"steamcommunity.com", "/linkfilter", "url u"}, {"duckduckgo.com", "/l/", "uddg"}, {"vk.com", "/away.php", "to"},
	{"linkprotect.cudasvc.com", "/url", "a"}, {"protect2.fireeye.com", "/v1/url", "u"}, {"protect2.fireeye.com", "/url", "u"},
	{"clicktime.symantec.com", "/", "u"}, {"urlsand.esvalabs.com", "/", "u"}, {".trendmicro.com", "/wis/clicktime/", "url"},
	{"secure-web.cisco.com", "/", "*"}, {"urldefense.com", "/v3/__", "*"}, {"urldefense.proofpoint.com", "/v2/url", "u"},
	{"rd.yahoo.co.jp", "/", "*"}, {"jump.5ch.net", "/", "?"}, {"href.li", "/", "?"},
};

static bool is_host(const char *host, const char *pattern)
{
	size_t n = strlen(host), p = strlen(pattern);

	if (*pattern != '.')
		return strcmp(host, pattern) == 0;
	return (n >= p && strcmp(host + n - p, pattern) == 0) || strcmp(host, pattern + 1) == 0;
}

/* The value of one of the parameters. */
static bool take_parameter(const char *query, const char *keys, char *out, size_t size)
{
	for (const char *key = keys; *key;) {
		size_t k = strcspn(key, " ");
		for (const char *p = query; *p;) {
			size_t n = strcspn(p, "&");
			if (n > k && strncasecmp(p, key, k) == 0 && p[k] == '=') {
				decode(out, size, p + k + 1, n - k - 1);
				return true;
			}
			p += n + (p[n] == '&');
		}
		key += k + (key[k] == ' ');
	}
	return false;
}

/* Proofpoint's first form: "-" for "%", "_" for "/". */
static void undo_proofpoint(char *s)
{
	char t[URL_MAX];

	for (char *p = s; *p; p++)
		*p = *p == '-' ? '%' : *p == '_' ? '/' : *p;
	snprintf(t, sizeof(t), "%s", s);
	decode(s, URL_MAX, t, strlen(t));
}

static void take_from_path(const char *path, char *out, size_t size)
{
	char plain[URL_MAX];
	const char *p;

	decode(plain, sizeof(plain), path, strlen(path));
	if (begins(plain, "/amp/s/")) {
		snprintf(out, size, "https://%.8000s", plain + 7);
		return;
	}
	p = strcasestr(plain, "http:/");
	if (!p || (strcasestr(plain, "https:/") && strcasestr(plain, "https:/") < p))
		p = strcasestr(plain, "https:/");
	if (p)
		snprintf(out, size, "%.*s", (int)(strstr(p, "__;") ? strstr(p, "__;") - p : (int)strlen(p)), p);
}

static void find_inner(const struct host *host, const char *path, const char *query, char *out, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(redirectors) && !*out; i++) {
		if (!is_host(host->ascii, redirectors[i].host) || !begins(path, redirectors[i].path))
			continue;
		if (*redirectors[i].keys == '*')
			take_from_path(path, out, size);
		else if (*redirectors[i].keys == '?')
			decode(out, size, query, strlen(query));
		else
			take_parameter(query, redirectors[i].keys, out, size);
		if (strcmp(host->ascii, "urldefense.proofpoint.com") == 0)
			undo_proofpoint(out);
		/* What is searched for, or a page of the same site, leads nowhere else. */
		if (!begins(out, "http:") && !begins(out, "https:") && !begins(out, "//") && !begins(out, "www."))
			*out = '\0';
	}
}

/* \\server\share and file://server/share. */
static void read_share(const char *plain, struct url *u)
{
	const char *p = plain + 5, *at = p + strspn(p, "/\\");

	if (at - p == 2 || at - p >= 4)
		host_read(at, strcspn(at, "/\\?#@"), &u->host);
}

void url_read(const char *text, size_t len, struct url *ret)
{
	char plain[URL_MAX + 16];

	memset(ret, 0, sizeof(*ret));
	if (make_plain(plain, sizeof(plain), text, len) < 0)
		return;
	ret->script = is_script(plain);
	ret->relative = scheme_of(plain) == 0;
	if (begins(plain, "file:"))
		read_share(plain, ret);
	if (ret->script || ret->relative || !is_special(plain))
		return;
	CURLU *u = curl_url();
	if (u && curl_url_set(u, CURLUPART_URL, plain, CURLU_NON_SUPPORT_SCHEME | CURLU_ALLOW_SPACE) == CURLUE_OK) {
		char *host = url_part(u, CURLUPART_HOST), *user = url_part(u, CURLUPART_USER), *path = url_part(u, CURLUPART_PATH),
		     *query = url_part(u, CURLUPART_QUERY), name[1024];
		if (host) {
			decode(name, sizeof(name), host, strlen(host));
			host_read(name, strlen(name), &ret->host);
		}
		ret->credentials = user != NULL;
		if (ret->host.name[0])
			find_inner(&ret->host, path ? path : "/", query ? query : "", ret->inner, sizeof(ret->inner));
		curl_free(host);
		curl_free(user);
		curl_free(path);
		curl_free(query);
	}
	curl_url_cleanup(u);
}

/* ---- within text ---- */

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_';
}

/* Words in Japanese follow a name without a space: "www.aoba.co.jpまで" ends behind "jp". */
static size_t host_end(const char *s, size_t from, size_t end)
{
	size_t label = end, ascii;
	char top[64];

	while (label > from && s[label - 1] != '.')
		label--;
	for (ascii = label; ascii < end && is_word(s[ascii]); ascii++)
		;
	if (ascii == end || ascii == label || (unsigned char)s[ascii] < 0x80 || label == from)
		return end;
	snprintf(top, sizeof(top), "%.*s", (int)(ascii - label), s + label);
	for (char *p = top; *p; p++)
		*p |= *p >= 'A' && *p <= 'Z' ? 0x20 : 0;
	return host_has_known_top(top) ? ascii : end;
}

/* Names of hosts may be in any script, what follows them is ASCII. */
size_t url_end(const char *s, size_t len, size_t host)
{
	size_t i = host, end_of_host = 0;

	for (; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c <= 0x20 || c == 0x7f || strchr("<>\"'`{}|\\^", c) || (c >= 0x80 && end_of_host))
			break;
		/* Punctuation and forms of full width end a host's name, too; dots of full width are dots. */
		if (c >= 0x80 && i + 2 < len && ((c == 0xe3 && (unsigned char)s[i + 1] == 0x80 && (unsigned char)s[i + 2] != 0x82) ||
			(c == 0xef && memcmp(s + i, "\xef\xbc\x8e", 3) != 0 && memcmp(s + i, "\xef\xbd\xa1", 3) != 0)))
			break;
		if (!end_of_host && strchr("/?#:", c)) {
			size_t stop = host_end(s, host, i);
			if (stop < i)
				return stop;
			end_of_host = i;
		}
	}
	if (!end_of_host)
		i = host_end(s, host, i);
	while (i > host && strchr(".,;:!?)]*_", s[i - 1]))
		i--;
	while (i > host + 2 && (memcmp(s + i - 3, "\xe3\x80\x82", 3) == 0))
		i -= 3;
	return i;
}

/* Endings of files' names that are also ends of the world's domains, and products that are called like hosts. */
static bool is_ambiguous(const char *name)
{
	static const char *const tops[] = {"zip", "mov", "md", "sh", "py", "pl", "rs", "ps", "ai", "so", "cc", "app", "bat", "doc", "my", "mm", "sc", "st",
		"to", "ms", "do", "is", "it", "in", "at", "be", "me", "no", "us", "as", "am", "pm", "id"};
	static const char *const products[] = {"asp.net", "vb.net", "ado.net", "socket.io", "paint.net", "draw.io"};
	const char *top = strrchr(name, '.');

	for (size_t i = 0; i < ARRAY_SIZE(products); i++)
		if (strcmp(name, products[i]) == 0)
			return true;
	if (!top || strchr(name, '.') != top)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		if (strcmp(top + 1, tops[i]) == 0)
			return true;
	return false;
}

/* All of it is a host, maybe with a path: "www" and scheme are not needed to read it as one. */
static size_t find_bare(const char *text, size_t len, size_t *ret_at)
{
	size_t at = 0, host;
	struct host h;

	while (at < len && strchr(" \t\r\n<([\"", text[at]))
		at++;
	for (host = at; host < len && !strchr("/?#: \t\r\n<>\"')]", text[host]); host++)
		if (text[host] == '@')
			return 0;
	size_t end = host < len && strchr("/?#:", text[host]) ? at + url_end(text + at, len - at, 0) : host, rest = end;
	while (rest < len && strchr(" \t\r\n>)]\"'.", text[rest]))
		rest++;
	if (rest < len || !memchr(text + at, '.', host - at) || !host_read(text + at, host - at, &h) || !h.domain[0] || h.ip || (h.punycode && (host == end || text[host] != '/')) ||
		!host_has_known_top(h.ascii) || (is_ambiguous(h.ascii) && (host == end || text[host] != '/')))
		return 0;
	*ret_at = at;
	return end - at;
}

size_t url_find(const char *text, size_t len, bool bare, size_t *ret_at)
{
	static const char *const starts[] = {"http://", "https://", "ftp://", "www."};

	for (size_t at = 0; at < len; at++) {
		char c = text[at] | 0x20;
		if (c != 'h' && c != 'f' && c != 'w')
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
			size_t n = strlen(starts[i]);
			if (len - at <= n || strncasecmp(text + at, starts[i], n) != 0)
				continue;
			/* "hxxp://www.…" and "a.www.…" are nobody's to click. */
			if (c == 'w' && at > 0 && (is_word(text[at - 1]) || strchr("/.@:", text[at - 1])))
				break;
			size_t end = url_end(text + at, len - at, n);
			if (end > n + 2) {
				*ret_at = at;
				return end;
			}
			break;
		}
	}
	return bare ? find_bare(text, len, ret_at) : 0;
}
