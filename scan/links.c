/* The links of one scan; see links.h. */
#include "scan/links.h"

#include "scan/names.h"
#include "scan/url.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#define MAX_LOOKED 4000 /* taken apart in one scan */
#define SHOWN_MAX 2048  /* bytes of a shown text that are read */
#define MAX_INNER 4     /* redirectors within each other */

static void trim(const char **s, size_t *len)
{
	while (*len && (unsigned char)**s <= 0x20)
		(*s)++, (*len)--;
	while (*len && (unsigned char)(*s)[*len - 1] <= 0x20)
		(*len)--;
}

/* Letters of full width read as those of ASCII. */
static size_t half_width(char out[SHOWN_MAX], const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < SHOWN_MAX; i++) {
		unsigned char b = i + 2 < len && (unsigned char)s[i] == 0xef ? (unsigned char)s[i + 1] : 0, c = b ? (unsigned char)s[i + 2] : 0;
		int v = (b == 0xbc && c >= 0x81) ? c - 0x81 + '!' : (b == 0xbd && c >= 0x80 && c <= 0x9e) ? c - 0x80 + '`' : 0;
		out[n++] = v ? (char)v : s[i];
		i += v ? 2 : 0;
	}
	return n;
}

/* The address that the shown text is, or holds: its host. Cut off within the host it is none. */
static void read_shown(struct scan_link *k, const char *as_shown, size_t as_len)
{
	static const char more[] = "\xe2\x80\xa6";
	char shown[SHOWN_MAX];
	size_t at, len = half_width(shown, as_shown, as_len), n = url_find(shown, len, true, &at);
	struct url *u;

	if (n == 0)
		return;
	const char *end = shown + at + n, *slash = memchr(shown + at, '/', n);
	slash = slash && slash[1] == '/' ? memchr(slash + 2, '/', (size_t)(end - slash - 2)) : slash;
	size_t left = len - at - n;
	if (!slash && ((left >= 2 && memcmp(end, "..", 2) == 0) || (left >= 3 && memcmp(end, more, 3) == 0)))
		return;
	u = malloc(sizeof(*u));
	if (!u)
		return;
	url_read(shown + at, n, u);
	if (u->relative) {
		struct host h;
		size_t host = strcspn(shown + at, "/?#:");
		host_read(shown + at, host < n ? host : n, &h);
		u->host = h;
	}
	snprintf(k->text_host, sizeof(k->text_host), "%s", u->host.name);
	snprintf(k->text_domain, sizeof(k->text_domain), "%s", u->host.domain);
	free(u);
}

static void take(struct scan_link *k, const struct url *u)
{
	snprintf(k->host, sizeof(k->host), "%s", u->host.name);
	snprintf(k->domain, sizeof(k->domain), "%s", u->host.domain);
	snprintf(k->skeleton, sizeof(k->skeleton), "%s", u->host.skeleton);
	k->flags |= (u->host.punycode ? SCAN_LINK_PUNYCODE : 0) | (u->host.mixed ? SCAN_LINK_MIXED : 0) | (u->host.ip ? SCAN_LINK_IP : 0) |
		(u->credentials ? SCAN_LINK_CREDENTIALS : 0) | (u->script ? SCAN_LINK_SCRIPT : 0);
}

/* Would nothing be lost without it? Another one leads to the same domain, and it has nothing else to tell. */
static bool is_spare(const struct links *l, int i)
{
	const struct scan_link *k = &l->list[i];

	if (k->flags || (k->text_host[0] && strcmp(k->text_domain, k->domain) != 0))
		return false;
	if (!k->host[0])
		return true;
	for (int n = 0; n < l->n; n++)
		if (n != i && strcmp(l->list[n].domain, k->domain) == 0)
			return true;
	return false;
}

static bool is_new(const struct links *l, const struct scan_link *k)
{
	if (!k->host[0])
		return k->flags != 0;
	if (k->flags || (k->text_host[0] && strcmp(k->text_domain, k->domain) != 0))
		return true;
	for (int n = 0; n < l->n; n++)
		if (strcmp(l->list[n].host, k->host) == 0)
			return false;
	return true;
}

/* Keeps what goes together: a redirector and what it leads to. */
static void keep(struct links *l, const struct scan_link *k, int n)
{
	l->seen += n;
	for (int i = l->n - 1; i >= 0 && l->n + n > SCAN_MAX_LINKS; i--) {
		if (!is_new(l, &k[n - 1]))
			return;
		if (!is_spare(l, i))
			continue;
		memmove(&l->list[i], &l->list[i + 1], (size_t)(l->n - i - 1) * sizeof(*k));
		l->n--;
	}
	if (l->n + n > SCAN_MAX_LINKS)
		return;
	memcpy(&l->list[l->n], k, (size_t)n * sizeof(*k));
	l->n += n;
}

static bool is_kept(const struct links *l, const struct scan_link *k)
{
	for (int i = 0; i < l->n; i++)
		if (strcmp(l->list[i].url, k->url) == 0 && strcmp(l->list[i].text, k->text) == 0)
			return true;
	return false;
}

static void look(struct links *l, const char *url, size_t url_len, const char *shown, size_t shown_len, int part)
{
	struct scan_link k[MAX_INNER + 1] = {{.part = part}};
	struct url *u = malloc(sizeof(*u));
	int n = 0;

	name_copy(k[0].url, sizeof(k[0].url), url, url_len);
	name_copy(k[0].text, sizeof(k[0].text), shown, shown_len);
	if (u && k[0].url[0] && !is_kept(l, &k[0])) {
		char *inner = NULL;
		if (l->looked < MAX_LOOKED) {
			l->looked++;
			url_read(url, url_len, u);
			take(&k[0], u);
			read_shown(&k[0], shown, shown_len);
			for (n = 0; n < MAX_INNER && u->inner[0]; n++) {
				free(inner);
				inner = strdup(u->inner);
				if (!inner)
					break;
				k[n].flags |= SCAN_LINK_REDIRECT;
				k[n + 1] = (struct scan_link){.part = part, .flags = SCAN_LINK_INNER};
				memcpy(k[n + 1].text, k[0].text, sizeof(k[0].text));
				memcpy(k[n + 1].text_host, k[0].text_host, sizeof(k[0].text_host));
				memcpy(k[n + 1].text_domain, k[0].text_domain, sizeof(k[0].text_domain));
				name_copy(k[n + 1].url, sizeof(k[n + 1].url), inner, strlen(inner));
				url_read(inner, strlen(inner), u);
				take(&k[n + 1], u);
			}
			free(inner);
		}
		keep(l, k, n + 1);
	}
	free(u);
}

/* As a browser reads a relative address from where the page says that it stands. */
static char *from_base(const char *base, const char *url, size_t len)
{
	char *whole = NULL, *relative = strndup(url, len);
	CURLU *u = curl_url();

	if (!u || !relative || curl_url_set(u, CURLUPART_URL, base, 0) != CURLUE_OK ||
		curl_url_set(u, CURLUPART_URL, relative, CURLU_ALLOW_SPACE) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		whole = NULL;
	free(relative);
	curl_url_cleanup(u);
	return whole;
}

static bool is_relative(const char *s, size_t len)
{
	size_t n = 0;

	if (len >= 2 && strchr("/\\", s[0]) && strchr("/\\", s[1]))
		return false;
	while (n < len && (((s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z') || (s[n] >= '0' && s[n] <= '9') || strchr("+-.", s[n])))
		n++;
	return n == len || s[n] != ':';
}

void links_add(struct links *l, const char *base, const char *url, size_t url_len, const char *shown, size_t shown_len, int part)
{
	trim(&url, &url_len);
	trim(&shown, &shown_len);
	if (url_len == 0 || *url == '#')
		return;
	if (url_len > URL_MAX)
		url_len = URL_MAX;
	char *whole = base && *base && is_relative(url, url_len) ? from_base(base, url, url_len) : NULL;
	if (whole)
		look(l, whole, strlen(whole), shown, shown_len, part);
	else
		look(l, url, url_len, shown, shown_len, part);
	curl_free(whole);
}

void links_shown(struct links *l, const char *url, size_t url_len, int part, const char *shown, size_t shown_len)
{
	struct scan_link k;

	trim(&shown, &shown_len);
	name_copy(k.url, sizeof(k.url), url, url_len);
	for (int i = 0; i < l->n && shown_len; i++) {
		if (l->list[i].part != part || l->list[i].text[0] || strcmp(l->list[i].url, k.url) != 0)
			continue;
		for (int n = i; n < l->n && (n == i || (l->list[n].flags & SCAN_LINK_INNER)); n++) {
			name_copy(l->list[n].text, sizeof(l->list[n].text), shown, shown_len);
			read_shown(&l->list[n], shown, shown_len);
		}
		return;
	}
}

/* ---- in text ---- */

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_';
}

/* Domains that people write without more, and of which mail programs make links. */
static bool is_common_top(const char *s, size_t len)
{
	static const char *const tops[] = {"com", "net", "org", "jp", "info", "biz", "xyz", "top", "site", "online", "shop", "cn", "ru", "club", "icu",
		"link", "click", "live", "dev", "io", "co", "tk", "asia", "tokyo", "example", "test"};

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		if (strlen(tops[i]) == len && strncasecmp(tops[i], s, len) == 0)
			return true;
	return false;
}

/* A name around the dot at `dot`, that is no part of an address in mails or of a longer one: its end, or 0. */
static size_t bare_at(const char *s, size_t len, size_t dot, size_t *ret_from)
{
	size_t from = dot, end = dot;

	while (from > 0 && (is_word(s[from - 1]) || s[from - 1] == '.'))
		from--;
	while (end < len && (is_word(s[end]) || s[end] == '.'))
		end++;
	while (end > dot && s[end - 1] == '.')
		end--;
	if (from == dot || end <= dot + 1 || (from > 0 && strchr("/@:\\%&=?#", s[from - 1])) || (end < len && s[end] == '@'))
		return 0;
	size_t top = end;
	while (top > from && s[top - 1] != '.')
		top--;
	*ret_from = from;
	return is_common_top(s + top, end - top) ? end : 0;
}

static void bare_names(struct links *l, const char *text, size_t len, int part)
{
	for (size_t at = 1; at + 1 < len; at++) {
		const char *dot = memchr(text + at, '.', len - at - 1);
		size_t from, shown;
		if (!dot)
			break;
		at = (size_t)(dot - text);
		if (!is_word(text[at - 1]) || !is_word(text[at + 1]))
			continue;
		size_t end = bare_at(text, len, at, &from);
		if (end == 0)
			continue;
		/* As in a text that is only this: known products and files' names are none. */
		end = end < len && strchr("/?#", text[end]) ? from + url_end(text + from, len - from, 0) : end;
		if (url_find(text + from, end - from, true, &shown) > 0 && strncasecmp(text + from, "www.", 4) != 0) {
			char url[URL_MAX];
			snprintf(url, sizeof(url), "http://%.*s", (int)(end - from < URL_MAX - 10 ? end - from : URL_MAX - 10), text + from);
			links_add(l, "", url, strlen(url), text + from, end - from, part);
		}
		at = end > at ? end - 1 : at;
	}
}

size_t links_unfold(char *s, size_t len)
{
	size_t n = 0;

	if (len < 6 || strncasecmp(s, "BEGIN:", 6) != 0)
		return len;
	for (size_t i = 0; i < len; i++) {
		size_t skip = i + 2 < len && s[i] == '\r' && s[i + 1] == '\n' && (s[i + 2] == ' ' || s[i + 2] == '\t') ? 2 :
			i + 1 < len && s[i] == '\n' && (s[i + 1] == ' ' || s[i + 1] == '\t')                     ? 1 :
															   0;
		if (skip)
			i += skip;
		else
			s[n++] = s[i];
	}
	return n;
}

void links_in_text(struct links *l, const char *text, size_t len, int part)
{
	size_t at = 0, from = 0;

	while (from < len) {
		size_t n = url_find(text + from, len - from, false, &at);
		bare_names(l, text + from, n ? at : len - from, part);
		if (n == 0)
			break;
		links_add(l, "", text + from + at, n, text + from + at, n, part);
		from += at + n;
	}
}
