/* The shared look of the pages; see page.h. */
#include "fakecloud/page.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char style[] =
	"body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f3f4f6;color:#1f2937}"
	"header{background:#7c2d12;color:#fff;padding:.5rem 1rem}main{max-width:44rem;margin:2rem auto;padding:1.5rem 2rem;"
	"background:#fff;border:1px solid #d1d5db;border-radius:8px}label{display:block;font-weight:600;margin-top:1rem}"
	"select,input,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.4rem;margin-top:.25rem}"
	"textarea{min-height:8rem;font-family:monospace}button{font:inherit;padding:.5rem 1.25rem;margin:1rem .5rem 0 0}"
	"table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem;border-bottom:1px solid #e5e7eb;"
	"vertical-align:top;overflow-wrap:anywhere}code{overflow-wrap:anywhere}[role=status]{background:#ecfdf5;padding:.5rem}"
	"[role=alert]{background:#fef2f2;padding:.5rem}";

static void escape(struct buf *b, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			buf_adds(b, "&amp;");
			break;
		case '<':
			buf_adds(b, "&lt;");
			break;
		case '>':
			buf_adds(b, "&gt;");
			break;
		case '"':
			buf_adds(b, "&quot;");
			break;
		case '\'':
			buf_adds(b, "&#39;");
			break;
		default:
			buf_addc(b, *s);
		}
	}
}

void page_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (const char *p = fmt; *p; p++) {
		if (*p != '%') {
			buf_addc(b, *p);
			continue;
		}
		p++;
		if (*p == 's')
			escape(b, va_arg(ap, const char *));
		else if (*p == 'd')
			buf_addf(b, "%d", va_arg(ap, int));
		else if (*p == '%')
			buf_addc(b, '%');
		else
			abort(); /* a format that this does not know */
	}
	va_end(ap);
}

void page_open(struct buf *b, const char *provider, const char *title, const char *main_id)
{
	buf_adds(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width\">\n");
	page_addf(b, "<title>%s — %s (fakecloud)</title>\n", title, provider);
	buf_addf(b, "<style>%s</style>\n</head>\n<body>\n", style);
	page_addf(b,
		"<header id=\"stand-in\">fakecloud: a stand-in for %s for tests and demos. This is not %s; no password is "
		"asked for.</header>\n<main",
		provider, provider);
	if (main_id)
		page_addf(b, " id=\"%s\"", main_id);
	page_addf(b, ">\n<h1>%s</h1>\n", title);
}

void page_words(struct buf *b, const char *id, const char *words)
{
	page_addf(b, "<ul id=\"%s\">\n", id);
	for (const char *p = words + strspn(words, " "); *p;) {
		size_t n = strcspn(p, " ");
		_cleanup_free_ char *word = strndup(p, n);
		page_addf(b, "<li>%s</li>\n", word ? word : "");
		p += n;
		p += strspn(p, " ");
	}
	buf_adds(b, "</ul>\n");
}

void page_account(struct buf *b, const char *value, const char *note, const char *chosen)
{
	page_addf(b, "<option value=\"%s\"", value);
	if (chosen && !strcasecmp(chosen, value))
		buf_adds(b, " selected");
	page_addf(b, ">%s — %s</option>\n", value, note);
}

void page_decide(struct buf *b, const char *allow, const char *deny)
{
	page_addf(b,
		"<button id=\"allow\" name=\"consent\" value=\"allow\">%s</button>\n"
		"<button id=\"deny\" name=\"consent\" value=\"deny\">%s</button>\n</form>\n",
		allow, deny);
}

/* form-action is left out: browsers apply it to the redirect behind the form as well. */
static void headers(struct fc_response *res)
{
	fc_set_header(res, "Cache-Control", "no-store");
	fc_set_header(res, "Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'");
	fc_set_header(res, "X-Content-Type-Options", "nosniff");
	fc_set_header(res, "X-Frame-Options", "DENY");
	fc_set_header(res, "Referrer-Policy", "no-referrer");
}

void page_send(struct fc_response *res, int status, struct buf *b)
{
	buf_adds(b, "</main>\n</body>\n</html>\n");
	fc_text(res, status, "text/html; charset=utf-8", buf_str(b));
	headers(res);
	buf_free(b);
}

void page_failure(struct fc_response *res, int status, const char *provider, const char *title, const char *code,
	const char *description)
{
	struct buf b = BUF_INIT(PAGE_MAX);
	char id[37];

	uuid_new(id);
	page_open(&b, provider, title, "failure");
	page_addf(&b,
		"<p role=\"alert\"><strong id=\"error-code\">%s</strong> <span id=\"error-description\">%s</span></p>\n"
		"<p>Request Id: <code id=\"request-id\">%s</code></p>\n",
		code, description, id);
	page_send(res, status, &b);
}

void page_redirect(struct fc_response *res, const char *redirect, const struct buf *query, bool fragment)
{
	char sep = fragment ? '#' : strchr(redirect, '?') ? '&' : '?';

	res->status = 302;
	buf_clear(&res->body);
	fc_set_headerf(res, "Location", "%s%c%s", redirect, sep, buf_str(query));
	fc_set_header(res, "Cache-Control", "no-store");
	fc_set_header(res, "Referrer-Policy", "no-referrer");
}

void page_form_post(struct fc_response *res, const char *provider, const char *redirect, const struct buf *query)
{
	struct buf b = BUF_INIT(PAGE_MAX);

	page_open(&b, provider, "Back to the application", NULL);
	page_addf(&b, "<form id=\"back\" method=\"post\" action=\"%s\">\n", redirect);
	for (const char *p = buf_str(query); *p;) {
		size_t n = strcspn(p, "&"), k = strcspn(p, "=&");
		_cleanup_buf_ struct buf key = BUF_INIT(PAGE_MAX), value = BUF_INIT(PAGE_MAX);
		if (url_decode(&key, p, k, true) == 0 && (k == n || url_decode(&value, p + k + 1, n - k - 1, true) == 0))
			page_addf(&b, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", buf_str(&key), buf_str(&value));
		p += n;
		p += *p == '&';
	}
	buf_adds(&b, "<button id=\"continue\">Continue</button>\n</form>\n");
	page_send(res, 200, &b);
}

bool page_start_wanted(const struct fc_request *req)
{
	return !strcmp(req->path, "/") && !strcmp(req->method, "GET") && !fc_header(req, "Authorization");
}

const char *page_field(struct fc_request *req, const char *name)
{
	struct fc_part parts[16];
	const char *type = fc_header(req, "Content-Type");
	int n;

	if (!type || strncasecmp(type, "multipart/", 10) != 0)
		return strcmp(req->method, "POST") ? NULL : fc_form(req, name);
	n = fc_multipart(req, parts, ARRAY_SIZE(parts));
	for (int i = 0; i < n; i++) {
		if (parts[i].name && !strcmp(parts[i].name, name))
			return arena_dupn(req->arena, parts[i].data, parts[i].len);
	}
	return NULL;
}

const char *page_decision(struct fc_request *req, const char **ret_account)
{
	const char *word = page_field(req, "consent"), *asked = fc_query(req, "fakecloud_consent");

	*ret_account = NULL;
	if (word) {
		*ret_account = page_field(req, "account");
		if (!*ret_account)
			*ret_account = page_field(req, "login");
		if (*ret_account && !**ret_account)
			*ret_account = NULL;
	} else if (asked) {
		bool plain = !strcmp(asked, "allow") || !strcmp(asked, "deny");
		word = plain ? asked : "allow";
		*ret_account = plain ? NULL : asked;
	} else if (fc_auto_consent()) {
		word = "allow";
	}
	if (!word)
		return NULL;
	return !strcmp(word, "allow") || !strcmp(word, "accept") ? "allow" : "deny";
}
