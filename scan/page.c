/* Pages and links; see page.h. libxml2's HTML parser reads pages as streams of events, so that nothing is built of them;
 * its limits on depth and lengths hold. One thread. */
#include "scan/page.h"

#include "scan/names.h"

#include <libxml/HTMLparser.h>
#include <string.h>
#include <strings.h>

#define PIECE 16384
#define SHOWN_MAX 512

struct page {
	struct buf *text;
	struct links *links;
	int part;
	int hidden;     /* within script or style */
	bool in_link;
	char url[sizeof(((struct scan_link *)0)->url)];
	struct buf shown;
	struct buf loose; /* words outside links: mail programs make links of addresses in them */
};

static void add(struct links *l, const char *url, size_t url_len, const char *shown, size_t shown_len, int part)
{
	struct scan_link k = {.part = part};

	while (url_len && (unsigned char)*url <= 0x20)
		url++, url_len--;
	while (url_len && (unsigned char)url[url_len - 1] <= 0x20)
		url_len--;
	while (shown_len && (unsigned char)*shown <= 0x20)
		shown++, shown_len--;
	while (shown_len && (unsigned char)shown[shown_len - 1] <= 0x20)
		shown_len--;
	if (url_len == 0 || *url == '#')
		return;
	name_copy(k.url, sizeof(k.url), url, url_len);
	name_copy(k.text, sizeof(k.text), shown, shown_len);
	for (int i = 0; i < l->n; i++)
		if (strcmp(l->list[i].url, k.url) == 0 && strcmp(l->list[i].text, k.text) == 0)
			return;
	l->seen++;
	if (l->n < SCAN_MAX_LINKS)
		l->list[l->n++] = k;
}

static const char *attribute(const xmlChar **list, const char *name)
{
	for (; list && list[0]; list += 2)
		if (strcasecmp((const char *)list[0], name) == 0)
			return (const char *)list[1];
	return NULL;
}

static bool is(const xmlChar *name, const char *const *names)
{
	for (; *names; names++)
		if (strcasecmp((const char *)name, *names) == 0)
			return true;
	return false;
}

static void end_link(struct page *p)
{
	if (p->in_link)
		add(p->links, p->url, strlen(p->url), buf_str(&p->shown), p->shown.len, p->part);
	p->in_link = false;
	buf_clear(&p->shown);
}

static void end_loose(struct page *p)
{
	page_links(buf_str(&p->loose), p->loose.len, p->part, p->links);
	buf_clear(&p->loose);
}

static const char *const silent[] = {"script", "style", NULL};
static const char *const inline_[] = {"a", "b", "i", "u", "s", "em", "strong", "font", "span", "small", "big", "tt", "code",
	"sub", "sup", "wbr", "bdo", "abbr", NULL};

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
	struct page *p = context;
	static const char *const links[] = {"a", "area", NULL}, *const forms[] = {"form", "button", "input", NULL};

	p->hidden += is(name, silent);
	if (!is(name, inline_)) {
		buf_addc(p->text, '\n');
		end_loose(p);
	}
	if (is(name, links)) {
		const char *href = attribute(attributes, "href");
		end_link(p);
		p->in_link = href != NULL;
		name_copy(p->url, sizeof(p->url), href ? href : "", href ? strlen(href) : 0);
		if (p->in_link && strcasecmp((const char *)name, "area") == 0)
			end_link(p);
	} else if (is(name, forms)) {
		const char *to = attribute(attributes, strcasecmp((const char *)name, "form") == 0 ? "action" : "formaction");
		if (to)
			add(p->links, to, strlen(to), "", 0, p->part);
	} else if (strcasecmp((const char *)name, "meta") == 0) {
		const char *how = attribute(attributes, "http-equiv"), *what = attribute(attributes, "content");
		const char *url = how && what && strcasecmp(how, "refresh") == 0 ? strcasestr(what, "url=") : NULL;
		if (url)
			add(p->links, url + 4 + strspn(url + 4, "'\""), strcspn(url + 4 + strspn(url + 4, "'\""), "'\""), "", 0, p->part);
	} else if (p->in_link && strcasecmp((const char *)name, "img") == 0) {
		const char *alt = attribute(attributes, "alt");
		if (alt)
			buf_add(&p->shown, alt, strnlen(alt, SHOWN_MAX / 2));
	}
}

static void on_end(void *context, const xmlChar *name)
{
	struct page *p = context;

	if (is(name, silent) && p->hidden)
		p->hidden--;
	if (strcasecmp((const char *)name, "a") == 0)
		end_link(p);
}

/* What does not fit is left out; the maximum is that of all text of a scan. */
static void on_text(void *context, const xmlChar *s, int len)
{
	struct page *p = context;

	if (p->hidden || len <= 0)
		return;
	buf_add(p->text, s, (size_t)len);
	if (buf_add(p->in_link ? &p->shown : &p->loose, s, (size_t)len) < 0 && !p->in_link)
		end_loose(p);
}

void page_init(void)
{
	xmlInitParser();
}

void page_read(const char *html, size_t len, int part, struct buf *text, struct links *l)
{
	xmlSAXHandler sax = {.startElement = on_start, .endElement = on_end, .characters = on_text, .cdataBlock = on_text,
		.ignorableWhitespace = on_text};
	struct page p = {.text = text, .links = l, .part = part, .shown = BUF_INIT(SHOWN_MAX),
		.loose = BUF_INIT(PIECE)};
	htmlParserCtxtPtr h = htmlCreatePushParserCtxt(&sax, &p, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

	if (!h)
		return;
	htmlCtxtUseOptions(h, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	for (size_t at = 0; at < len; at += PIECE)
		htmlParseChunk(h, html + at, (int)(len - at < PIECE ? len - at : PIECE), 0);
	htmlParseChunk(h, NULL, 0, 1);
	end_link(&p);
	end_loose(&p);
	if (h->myDoc)
		xmlFreeDoc(h->myDoc);
	htmlFreeParserCtxt(h);
	buf_free(&p.shown);
	buf_free(&p.loose);
}

/* The end of an address that begins at s: names of hosts may be in any script, what follows them is ASCII, because words in
 * Japanese follow addresses without a space. */
static size_t address_end(const char *s, size_t len, size_t host)
{
	bool path = false;
	size_t i = host;

	for (; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c <= 0x20 || c == 0x7f || strchr("<>\"'`{}|\\^", c) || (c >= 0x80 && path))
			break;
		if (c >= 0x80) {
			/* Punctuation and forms of full width end a host's name, too. */
			if ((c == 0xe3 && i + 1 < len && (unsigned char)s[i + 1] == 0x80) || c == 0xef)
				break;
		}
		path |= c == '/' || c == '?' || c == '#';
	}
	while (i > host && strchr(".,;:!?)]*_", s[i - 1]))
		i--;
	return i;
}

void page_links(const char *text, size_t len, int part, struct links *l)
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
			size_t end = address_end(text + at, len - at, n);
			if (end > n + 2)
				add(l, text + at, end, text + at, end, part);
			at += end - 1;
			break;
		}
	}
}
