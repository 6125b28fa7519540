/* Pages; see page.h. libxml2's HTML parser reads pages as streams of events, so that nothing is built of them;
 * its limits on depth and lengths hold. One thread. */
#include "scan/page.h"

#include "scan/url.h"

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
	size_t row;     /* where the text of the table's row begins, 0: there was none */
	int cells;      /* of it, so far */
	bool in_link;
	struct buf url;
	struct buf base; /* where relative addresses start */
	struct buf shown;
	struct buf loose; /* words outside links: mail programs make links of addresses in them */
};

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

static void add(struct page *p, const char *url, size_t len, const char *shown, size_t shown_len)
{
	links_add(p->links, buf_str(&p->base), url, len, shown, shown_len, p->part);
}

static void end_link(struct page *p)
{
	if (p->in_link)
		add(p, buf_str(&p->url), p->url.len, buf_str(&p->shown), p->shown.len);
	p->in_link = false;
	buf_clear(&p->shown);
}

static void end_loose(struct page *p)
{
	links_in_text(p->links, buf_str(&p->loose), p->loose.len, p->part);
	buf_clear(&p->loose);
}

static const char *const silent[] = {"script", "style", NULL};
static const char *const inline_[] = {"a", "b", "i", "u", "s", "em", "strong", "font", "span", "small", "big", "tt", "code",
	"sub", "sup", "wbr", "bdo", "abbr", NULL};

/* Cells of a row stand in one line, parted by tabs, however the page's source is broken into lines. */
static void start_cell(struct page *p)
{
	struct buf *t = p->text;

	while (t->len && strchr(" \r\n", t->data[t->len - 1]) && t->len > p->row)
		t->data[--t->len] = '\0';
	if (p->cells++)
		buf_addc(t, '\t');
}

/* Nothing stands in the cell yet: the paragraph that begins there, and the source's line breaks, part nothing. */
static bool cell_is_empty(const struct page *p)
{
	return p->row && p->text->len && (p->text->data[p->text->len - 1] == '\t' || p->text->len == p->row);
}

static void start_row(struct page *p)
{
	buf_addc(p->text, '\n');
	p->row = p->text->len;
	p->cells = 0;
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
	struct page *p = context;
	static const char *const links[] = {"a", "area", NULL}, *const forms[] = {"form", "button", "input", NULL},
				  *const frames[] = {"iframe", "frame", "embed", NULL}, *const cells[] = {"td", "th", NULL};

	p->hidden += is(name, silent);
	if (!is(name, inline_)) {
		if (is(name, cells) && p->row)
			start_cell(p);
		else if (strcasecmp((const char *)name, "tr") == 0)
			start_row(p);
		else if (!cell_is_empty(p))
			buf_addc(p->text, '\n');
		end_loose(p);
	}
	if (is(name, links)) {
		const char *href = attribute(attributes, "href");
		end_link(p);
		href = href ? href : attribute(attributes, "xlink:href");
		p->in_link = href != NULL;
		buf_clear(&p->url);
		buf_add(&p->url, href ? href : "", href ? strnlen(href, URL_MAX) : 0);
		if (p->in_link && strcasecmp((const char *)name, "area") == 0)
			end_link(p);
	} else if (is(name, forms)) {
		const char *to = attribute(attributes, strcasecmp((const char *)name, "form") == 0 ? "action" : "formaction");
		if (to)
			add(p, to, strlen(to), "", 0);
	} else if (strcasecmp((const char *)name, "meta") == 0) {
		const char *how = attribute(attributes, "http-equiv"), *what = attribute(attributes, "content");
		const char *url = how && what && strcasecmp(how, "refresh") == 0 ? strcasestr(what, "url=") : NULL;
		if (url)
			add(p, url + 4 + strspn(url + 4, "'\""), strcspn(url + 4 + strspn(url + 4, "'\""), "'\""), "", 0);
	} else if (is(name, frames)) {
		const char *from = attribute(attributes, "src");
		if (from)
			add(p, from, strlen(from), "", 0);
	} else if (strcasecmp((const char *)name, "base") == 0) {
		const char *href = attribute(attributes, "href");
		if (href && !p->base.len)
			buf_add(&p->base, href, strnlen(href, URL_MAX));
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
	if (!cell_is_empty(p) || strspn((const char *)s, " \t\r\n") < (size_t)len)
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
		.loose = BUF_INIT(PIECE), .url = BUF_INIT(URL_MAX), .base = BUF_INIT(URL_MAX)};
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
	buf_free(&p.url);
	buf_free(&p.base);
}
