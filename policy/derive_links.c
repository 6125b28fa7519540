/* Of links: what looks like something protected, what lists name, what hides where it leads; see derive.h. */
#include "policy/derive_impl.h"

#include <string.h>
#include <strings.h>

#define DAY_MS INT64_C(86400000)

/* Services that make a short address of any, by their registrable domain. */
static const char *const shorteners[] = {"bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "v.gd", "buff.ly", "rebrand.ly", "cutt.ly",
	"shorturl.at", "t.ly", "tiny.cc", "bl.ink", "lnkd.in", "x.gd", "ux.nu", "onl.tw", "onl.bz", "onl.sc", "onl.la", "bit.do", "adf.ly", "s.id", "urlz.fr",
	"qr.ae", "trib.al", "dlvr.it", "j.mp", "amzn.to", "amzn.asia", "r10.to", "lin.ee", "fb.me", "wp.me", "nav.cx", "htn.to", "p.tl", "tr.im", "soo.gd",
	"clck.ru", "u.to", "rb.gy", "short.gy", "shorturl.asia", "qrco.de", "me-qr.com", "t2m.io", "2u.pw", "00m.in", "urx.space", "urx2.nu", "kuku.lu", "is.am",
	"hyperurl.co", "shrtco.de", "tiny.one", "tinyurl.jp", "surl.li", "n9.cl", "vo.la", "han.gl", "me2.kr", "abre.ai", "encurtador.com.br", "gg.gg",
	"cli.re", "lc.cx", "ouo.io", "shorte.st", "bc.vc", "snip.ly", "linktr.ee", "zpr.io", "rurl.jp", "ur0.jp", "ur0.link", "ur0.work", "ur7.cc", "x.co"};

/* Domains of one house: what is shown as one of them may lead to another. Nobody else can have a page there. */
static const char *const houses[][8] = {{"google.com", "google.co.jp", "youtube.com", "youtu.be", "goo.gl", "gmail.com", "g.co", "forms.gle"},
	{"microsoft.com", "office.com", "office365.com", "outlook.com", "live.com", "microsoftonline.com", "aka.ms"},
	{"amazon.com", "amazon.co.jp", "amzn.to", "amzn.asia", "a.co"}, {"apple.com", "icloud.com", "apple.co"},
	{"facebook.com", "fb.com", "fb.me", "instagram.com", "meta.com", "facebookmail.com"}, {"twitter.com", "x.com", "t.co"},
	{"rakuten.co.jp", "rakuten.ne.jp", "rakuten.com", "r10.to"}, {"line.me", "lin.ee", "line.biz"}, {"dropbox.com", "db.tt"}, {"zoom.us", "zoom.com"},
	{"linkedin.com", "lnkd.in"}, {"github.com", "git.io"}, {"salesforce.com", "force.com"}};

static bool is_shortener(const char *domain)
{
	for (size_t i = 0; *domain && i < ARRAY_SIZE(shorteners); i++)
		if (strcmp(domain, shorteners[i]) == 0)
			return true;
	return false;
}

static bool same_house(const char *a, const char *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(houses); i++) {
		bool has_a = false, has_b = false;
		for (size_t k = 0; k < ARRAY_SIZE(houses[0]) && houses[i][k]; k++) {
			has_a |= strcmp(houses[i][k], a) == 0;
			has_b |= strcmp(houses[i][k], b) == 0;
		}
		if (has_a && has_b)
			return true;
	}
	return false;
}

/* Services of mail security that stand before each link of a mail, and do not say in it where it led. */
static bool is_guard(const char *domain)
{
	static const char *const guards[] = {"mimecast.com", "mimecastprotect.com", "hornetsecurity.com"};

	for (size_t i = 0; i < ARRAY_SIZE(guards); i++)
		if (strcmp(domain, guards[i]) == 0)
			return true;
	return false;
}

/* Of a redirector its target is compared, which is the next link. Who shows his own name, and is proven to be its owner, pretends to be
 * nobody else: counters of clicks lie at others. */
static bool mismatch(const struct scan_link *l, const char *proven)
{
	if (!l->text_host[0] || (l->flags & SCAN_LINK_REDIRECT) || is_guard(l->domain) || (*proven && strcmp(l->text_domain, proven) == 0))
		return false;
	if (!l->host[0])
		return (l->flags & SCAN_LINK_SCRIPT) != 0;
	if (!l->text_domain[0] || !l->domain[0])
		return strcmp(l->text_host, l->host) != 0;
	return strcmp(l->text_domain, l->domain) != 0 && !same_house(l->text_domain, l->domain);
}

/* The tenant's entries for links: a host, or a host and the beginning of a path. */
static const struct derive_entry *entry_of_link(const struct derive_entries *e, const struct scan_link *l)
{
	const char *p = strstr(l->url, "://"), *path = p ? p + 3 + strcspn(p + 3, "/\\?#") : "";
	char whole[800];

	const struct derive_entry *found = derive_entry_of_host(e, l->host);
	if (found || *path != '/')
		return found;
	size_t host = strlen(l->host);
	int n = snprintf(whole, sizeof(whole), "%s%s", l->host, path);
	if (n < 0 || n >= (int)sizeof(whole))
		n = (int)sizeof(whole) - 1;
	for (char *c = whole; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
	/* Whole, and as far as each separator, with it and without. */
	for (size_t i = (size_t)n; i > host; i--) {
		if (i != (size_t)n && !strchr("/?#&", whole[i]) && !strchr("/?#&", whole[i - 1]))
			continue;
		whole[i] = '\0';
		if ((found = derive_entry_of(e, whole)))
			return found;
	}
	return NULL;
}

static const char *listed(const struct derive_tenant *t, const struct lists *lists, const struct scan_link *l, bool *ret_approved)
{
	const struct derive_entry *link = entry_of_link(&t->links, l), *domain = derive_entry_of_host(&t->domains, l->host);

	*ret_approved = (link && link->approved) || (!link && domain && domain->approved);
	if ((link && !link->approved) || (domain && !domain->approved))
		return "blocked";
	return l->host[0] ? lists_match(lists, l->host, l->url) : "";
}

int derive_links(const struct derive_tenant *t, const struct lists *lists, const struct scan_reply *r, const int64_t *seen, int64_t time,
	struct arena *a, struct facts *f, struct err *err)
{
	const char *proven = derive_proven(&r->mail, f->provider);

	f->n_links = r->n_links < FACTS_MAX_LINKS ? r->n_links : FACTS_MAX_LINKS;
	f->links_seen = r->links_seen;
	for (int i = 0; i < f->n_links; i++) {
		const struct scan_link *l = &r->links[i];
		struct facts_link *k = &f->links[i];
		*k = (struct facts_link){.url = l->url, .host = l->host, .domain = l->domain, .text = l->text, .text_host = l->text_host, .part = l->part,
			.mismatch = mismatch(l, proven), .punycode = l->flags & SCAN_LINK_PUNYCODE, .mixed_scripts = l->flags & SCAN_LINK_MIXED,
			.ip_address = l->flags & SCAN_LINK_IP, .credentials = l->flags & SCAN_LINK_CREDENTIALS, .script = l->flags & SCAN_LINK_SCRIPT,
			.inner = l->flags & SCAN_LINK_INNER, .shortener = is_shortener(l->domain), .age_days = -1, .lookalike_of = "", .listed = ""};
		/* A domain that was met already on this item is as it was then. */
		int same = 0;
		while (same < i && strcmp(r->links[same].host, l->host) != 0)
			same++;
		k->lookalike_of = same < i ? f->links[same].lookalike_of :
					     arena_dup(a, derive_lookalike(t, lists, l->host, l->domain, l->skeleton));
		k->listed = arena_dup(a, listed(t, lists, l, &k->approved));
		if (!k->lookalike_of || !k->listed)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		if (seen && seen[i] > 0 && (time == 0 || seen[i] <= time))
			k->age_days = time > seen[i] ? (time - seen[i]) / DAY_MS : 0;
	}
	return 0;
}

size_t derive_hosts(const struct facts *f, const char **ret, size_t max)
{
	size_t n = 0;

	for (int i = 0; i < f->n_links && n < max; i++) {
		const char *d = f->links[i].domain;
		bool before = !d || !*d;
		for (size_t k = 0; k < n && !before; k++)
			before = strcmp(ret[k], d) == 0;
		if (!before)
			ret[n++] = d;
	}
	return n;
}
