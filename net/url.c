/* Which addresses may be called, and whether two share an origin; see http.h. Pure functions, any thread.
 * URLs are taken apart by libcurl's own parser, so that what is judged here is what is connected to later. */
#include "net/url.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)

struct part {
	char *s; /* curl_free() */
};

static void part_free(struct part *p)
{
	curl_free(p->s);
}

#define _cleanup_part_ _cleanup_(part_free)

/* curl_url_get() with the flags; NULL when the part is not there. */
static struct part get(CURLU *u, CURLUPart what, unsigned flags)
{
	struct part p = {0};

	if (curl_url_get(u, what, &p.s, flags) != CURLUE_OK)
		p.s = NULL;
	return p;
}

static CURLU *parse(const char *url)
{
	if (!url || strlen(url) > URL_MAX)
		return NULL;
	for (const unsigned char *p = (const unsigned char *)url; *p; p++)
		if (*p <= ' ' || *p == 0x7f)
			return NULL;
	CURLU *u = curl_url();
	if (u && curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK) {
		curl_url_cleanup(u);
		return NULL;
	}
	return u;
}

bool url_host_is_loopback(const char *host)
{
	char inner[64];
	struct in_addr a4;
	struct in6_addr a6;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &a4) == 1)
		return ntohl(a4.s_addr) >> 24 == 127;
	size_t len = strlen(host);
	if (len < 4 || len >= sizeof(inner) || host[0] != '[' || host[len - 1] != ']')
		return false;
	memcpy(inner, host + 1, len - 2);
	inner[len - 2] = '\0';
	return inet_pton(AF_INET6, inner, &a6) == 1 && IN6_IS_ADDR_LOOPBACK(&a6);
}

bool http_url_ok(const char *url)
{
	_cleanup_(curl_url_cleanupp) CURLU *u = parse(url);

	if (!u)
		return false;
	_cleanup_part_ struct part scheme = get(u, CURLUPART_SCHEME, 0), host = get(u, CURLUPART_HOST, 0),
				   user = get(u, CURLUPART_USER, 0), zone = get(u, CURLUPART_ZONEID, 0);
	if (!scheme.s || !host.s || !*host.s || user.s || zone.s)
		return false;
	if (strcasecmp(scheme.s, "https") == 0)
		return true;
	return strcasecmp(scheme.s, "http") == 0 && url_host_is_loopback(host.s);
}

bool http_url_local(const char *url)
{
	_cleanup_(curl_url_cleanupp) CURLU *u = parse(url);
	_cleanup_part_ struct part host = {0};

	if (u)
		host = get(u, CURLUPART_HOST, 0);
	return host.s && url_host_is_loopback(host.s);
}

bool url_is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

bool http_same_origin(const char *url_a, const char *url_b)
{
	_cleanup_(curl_url_cleanupp) CURLU *a = parse(url_a);
	_cleanup_(curl_url_cleanupp) CURLU *b = parse(url_b);

	if (!a || !b)
		return false;
	_cleanup_part_ struct part scheme_a = get(a, CURLUPART_SCHEME, 0), scheme_b = get(b, CURLUPART_SCHEME, 0),
				   host_a = get(a, CURLUPART_HOST, 0), host_b = get(b, CURLUPART_HOST, 0),
				   port_a = get(a, CURLUPART_PORT, CURLU_DEFAULT_PORT),
				   port_b = get(b, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	return scheme_a.s && scheme_b.s && host_a.s && host_b.s && port_a.s && port_b.s &&
		strcasecmp(scheme_a.s, scheme_b.s) == 0 && strcasecmp(host_a.s, host_b.s) == 0 &&
		strcmp(port_a.s, port_b.s) == 0;
}
