/* What follows from a mail's head and from links: look-alikes with their benign twins, colleagues, authentication that is to be
 * believed, shown text against target. Mails and links are made by the worker's own code, so that both halves are one. */
#include "policy/derive.h"
#include "scan/authres.h"
#include "scan/host.h"
#include "scan/links.h"
#include "scan/person.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

#define DAY INT64_C(86400000)
#define NOW INT64_C(1790000000000)

struct fixture {
	struct arena *a;
	struct derive_tenant *t;
	struct scan_reply *r;
	struct facts *f;
	struct err err;
};

static const struct store_list_entry lists[] = {
	{.kind = LIST_SENDER, .approved = true, .value = "ok@kita.example"},
	{.kind = LIST_SENDER, .value = "bad@minami.example"},
	{.kind = LIST_DOMAIN, .value = "spam.example"},
	{.kind = LIST_DOMAIN, .approved = true, .value = "partner.example"},
	{.kind = LIST_LINK, .value = "sites.example/bad", .ends_at = NOW + DAY},
	{.kind = LIST_LINK, .approved = true, .value = "click.example"},
	{.kind = LIST_PROTECTED, .approved = true, .value = "minato-bank.co.jp"},
	{.kind = LIST_PROTECTED, .approved = true, .value = "aoba-logistics.example"},
	{.kind = LIST_PERSON, .approved = true, .value = "青葉 花子"},
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->a = arena_new(1 << 20);
	f->r = calloc(1, sizeof(*f->r));
	f->f = calloc(1, sizeof(*f->f));
	*state = f;
	return derive_tenant_new("|aoba.example|aoba-shoji.co.jp|", lists, ARRAY_SIZE(lists), &f->t, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	derive_tenant_free(f->t);
	arena_free(f->a);
	free(f->r);
	free(f->f);
	free(f);
	return 0;
}

/* ---- look-alikes ---- */

static const char *looks_like(struct fixture *f, const char *host)
{
	struct host h;

	assert_true(host_read(host, strlen(host), &h));
	return derive_lookalike(f->t, NULL, h.name, h.domain, h.skeleton);
}

static void lookalikes(void **state)
{
	static const char *const bad[][2] = {
		{"аoba.example", "aoba.example"},            /* Cyrillic */
		{"xn--ba-6kc0d.example", "aoba.example"},      /* Cyrillic, as the network has it */
		{"a0ba.example", "aoba.example"},              /* a digit */
		{"aöba.example", "aoba.example"},              /* a mark */
		{"aobba.example", "aoba.example"},             /* a letter twice */
		{"aoba-support.example", "aoba.example"},      /* a word beside it */
		{"login-aoba.test", "aoba.example"},           /* … elsewhere */
		{"mail.aoba-login.com", "aoba.example"},
		{"aoba.example.evil.test", "aoba.example"},    /* as a subdomain */
		{"aoba-example.evil.test", "aoba.example"},
		{"www.aoba.example-secure.test", "aoba.example"},
		{"aobashoji.co.jp", "aoba-shoji.co.jp"},       /* a hyphen less */
		{"aoba-sh0ji.co.jp", "aoba-shoji.co.jp"},
		{"aoba-shoij.co.jp", "aoba-shoji.co.jp"},      /* letters that changed places */
		{"aoba-shoji.com", "aoba-shoji.co.jp"},        /* another top */
		{"www-aoba-shoji-co-jp.evil.test", "aoba-shoji.co.jp"},
		{"rninato-bank.co.jp", "minato-bank.co.jp"},   /* rn for m */
		{"minato-bank-security.com", "minato-bank.co.jp"},
		{"minatobank.co.jp", "minato-bank.co.jp"},
	};
	static const char *const good[] = {"aoba.example", "www.aoba.example", "mail.aoba-shoji.co.jp", "minato-bank.co.jp", "direct.minato-bank.co.jp",
		"aoba-logistics.example", /* protected itself */
		"aoba-foods.example",     /* a subsidiary */
		"aoba.cybozu.com", "aoba.slack.com", "aobaexample.onmicrosoft.com", "aoba-example.mail.protection.outlook.com", /* its place at a service */
		"aoba-co-jp.translate.goog", "aoba.test", "asuka.example", "aoyama.example", "aobadai.example", "cba.example", "kita-bank.co.jp",
		"minato.co.jp", "example", "example.com", "192.0.2.1", "google.com", "aoba2.example"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (strcmp(looks_like(f, bad[i][0]), bad[i][1]) != 0)
			fail_msg("%s looks like \"%s\", not like %s", bad[i][0], looks_like(f, bad[i][0]), bad[i][1]);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (*looks_like(f, good[i]))
			fail_msg("%s is taken for %s", good[i], looks_like(f, good[i]));
}

/* ---- mails ---- */

static void address(struct fixture *f, enum scan_field field, const char *name, const char *addr)
{
	struct scan_address *x = &f->r->mail.addresses[f->r->mail.n_addresses++];
	const char *at = strrchr(addr, '@');
	struct host h = {0};

	*x = (struct scan_address){.field = field};
	snprintf(x->name, sizeof(x->name), "%s", name);
	snprintf(x->address, sizeof(x->address), "%s", addr);
	person_keys(name, x->keys, sizeof(x->keys));
	if (at && host_read(at + 1, strlen(at + 1), &h)) {
		snprintf(x->host, sizeof(x->host), "%s", h.name);
		snprintf(x->domain, sizeof(x->domain), "%s", h.domain);
		snprintf(x->skeleton, sizeof(x->skeleton), "%s", h.skeleton);
	}
	f->r->mail.addresses_seen = f->r->mail.n_addresses;
}

static void mail(struct fixture *f, const char *name, const char *from, const char *to, const char *auth)
{
	memset(&f->r->mail, 0, sizeof(f->r->mail));
	f->r->mail.present = true;
	address(f, SCAN_FIELD_FROM, name, from);
	address(f, SCAN_FIELD_TO, "", to);
	if (auth) {
		authres_read(auth, &f->r->mail.auth[0]);
		f->r->mail.n_auth = f->r->mail.auth_seen = 1;
	}
}

static const struct facts_mail *derive(struct fixture *f, const struct derive_item *i)
{
	assert_int_equal(derive_mail(f->t, NULL, &f->r->mail, i, f->a, &f->f->mail, &f->err), 0);
	return &f->f->mail;
}

static void directions(void **state)
{
	static const struct {
		const char *from, *to, *provider, *auth, *auth_as;
		bool sent;
		enum facts_direction direction;
	} cases[] = {
		{"x@kita.example", "a@aoba.example", "google", "mx.google.com; dmarc=pass header.from=kita.example", "", false, FACTS_IN},
		{"b@aoba.example", "a@aoba.example", "google", NULL, "", false, FACTS_INTERNAL},
		{"b@sub.aoba.example", "a@aoba.example", "google", "mx.google.com; dkim=pass header.d=aoba.example", "", false, FACTS_INTERNAL},
		{"b@aoba.example", "x@kita.example", "google", NULL, "", true, FACTS_OUT},
		/* In an own domain's name, and not by it. */
		{"b@aoba.example", "a@aoba.example", "google", "mx.google.com; spf=fail smtp.mailfrom=x@evil.test; dmarc=fail header.from=aoba.example", "", false, FACTS_IN},
		{"b@aoba.example", "a@aoba.example", "microsoft", "spf=none smtp.mailfrom=evil.test; dkim=none; dmarc=none header.from=aoba.example; compauth=none", "anonymous", false, FACTS_IN},
		{"b@aoba.example", "a@aoba.example", "microsoft", "spf=pass smtp.mailfrom=aoba.example; dmarc=bestguesspass; compauth=pass", "anonymous", false, FACTS_INTERNAL},
		{"b@aoba.example", "a@aoba.example", "microsoft", "dkim=none;dmarc=none header.from=aoba.example", "internal", false, FACTS_INTERNAL},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		mail(f, "", cases[i].from, cases[i].to, cases[i].auth);
		snprintf(f->r->mail.auth_as, sizeof(f->r->mail.auth_as), "%s", cases[i].auth_as);
		const struct derive_item item = {.provider = cases[i].provider, .owner = "a@aoba.example", .sent = cases[i].sent, .time = NOW};
		if (derive(f, &item)->direction != cases[i].direction)
			fail_msg("case %zu: direction %d", i, f->f->mail.direction);
	}
}

static void authentication(void **state)
{
	static const struct {
		const char *provider, *auth;
		enum facts_auth spf, dkim, dmarc, compauth;
	} cases[] = {
		{"google", "mx.google.com; dkim=fail header.i=@x.test; dkim=pass header.i=@kita.example header.s=s1; spf=softfail (google.com: domain of "
			   "transitioning x@kita.example does not designate 192.0.2.1 as permitted sender) smtp.mailfrom=x@kita.example; dmarc=pass "
			   "(p=REJECT sp=REJECT dis=NONE) header.from=kita.example", FACTS_AUTH_SOFTFAIL, FACTS_AUTH_PASS, FACTS_AUTH_PASS, FACTS_AUTH_NONE},
		/* Somebody else's word for it. */
		{"google", "mx.evil.test; dkim=pass; spf=pass; dmarc=pass", FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		{"google", "spf=pass; dmarc=pass", FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		{"google", "mx.google.com.evil.test; dmarc=pass", FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		{"microsoft", "spf=fail (sender IP is 192.0.2.1)\r\n smtp.mailfrom=kita.example; dkim=none (message not signed)\r\n header.d=none;dmarc=fail "
			      "action=quarantine header.from=kita.example;compauth=fail reason=000", FACTS_AUTH_FAIL, FACTS_AUTH_NONE, FACTS_AUTH_FAIL, FACTS_AUTH_FAIL},
		{"microsoft", "mx.evil.test; spf=pass; dmarc=pass", FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		/* What a sender may choose stands in quotes or comments, and says nothing. */
		{"google", "mx.google.com; spf=fail smtp.mailfrom=\"a; dmarc=pass\"@evil.test", FACTS_AUTH_FAIL, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		{"google", "mx.google.com; spf=fail (; dmarc=pass) smtp.mailfrom=x@evil.test", FACTS_AUTH_FAIL, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		{"google", "mx.google.com (open; dmarc=pass", FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		{"google", "MX.Google.com 1;\tSPF = Pass\tsmtp.mailfrom = x@kita.example", FACTS_AUTH_PASS, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		{"google", "mx.google.com; dmarc=fail header.from=x.test; dmarc=pass", FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_FAIL, FACTS_AUTH_NONE},
		{"google", "mx.google.com; none", FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
		{"box", "mx.google.com; dmarc=pass", FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE, FACTS_AUTH_NONE},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		mail(f, "", "x@kita.example", "a@aoba.example", cases[i].auth);
		const struct facts_mail *m = derive(f, &(struct derive_item){.provider = cases[i].provider, .time = NOW});
		if (m->spf != cases[i].spf || m->dkim != cases[i].dkim || m->dmarc != cases[i].dmarc || m->compauth != cases[i].compauth)
			fail_msg("case %zu: %d %d %d %d", i, m->spf, m->dkim, m->dmarc, m->compauth);
	}
}

static void colleagues(void **state)
{
	static const struct store_person president = {.name = "山田 太郎", .address = "taro@aoba.example", .job_title = "代表取締役社長"},
					 clerk = {.name = "佐藤 次郎", .address = "jiro@aoba.example", .job_title = "営業"};
	struct fixture *f = *state;
	struct derive_item i = {.provider = "google", .time = NOW};

	mail(f, "山田　太郎様", "boss@evil.test", "a@aoba.example", NULL);
	assert_string_equal(derive_person(f->t, &f->r->mail, &i), "|山田太郎|");
	i.person = &president;
	assert_string_equal(derive(f, &i)->colleague, "山田 太郎");
	assert_true(f->f->mail.executive);
	i.person = &clerk;
	assert_string_equal(derive(f, &i)->colleague, "佐藤 次郎");
	assert_false(f->f->mail.executive);
	i.person = NULL;
	assert_string_equal(derive(f, &i)->colleague, "");
	/* The list of executives needs no directory. */
	mail(f, "青葉商事 青葉花子", "x@evil.test", "a@aoba.example", NULL);
	assert_string_equal(derive(f, &i)->colleague, "青葉 花子");
	assert_true(f->f->mail.executive);
	/* From inside it is nobody's question. */
	mail(f, "青葉花子", "hanako@aoba.example", "a@aoba.example", NULL);
	assert_string_equal(derive_person(f->t, &f->r->mail, &i), "");
	assert_string_equal(derive(f, &i)->colleague, "");
	/* A service that says for whom it writes, and proves that it does. */
	mail(f, "青葉花子 (Google ドキュメント)", "comments-noreply@docs.google.com", "a@aoba.example", "mx.google.com; dmarc=pass header.from=google.com");
	assert_string_equal(derive(f, &i)->colleague, "");
	mail(f, "青葉花子 (Google ドキュメント)", "comments-noreply@docs.google.com", "a@aoba.example", "mx.google.com; dmarc=fail header.from=google.com");
	assert_string_equal(derive(f, &i)->colleague, "青葉 花子");
	mail(f, "hanako@aoba.example", "x@evil.test", "a@aoba.example", NULL);
	assert_string_equal(derive(f, &i)->colleague, "hanako@aoba.example");
	mail(f, "hanako@kita.example", "x@kita.example", "a@aoba.example", NULL);
	assert_string_equal(derive(f, &i)->colleague, "");
}

static void names(void **state)
{
	static const char *const cases[][2] = {{"山田 太郎", "|山田太郎|"}, {"山田　太郎様", "|山田太郎|"}, {"代表取締役社長 山田太郎", "|山田太郎|"},
		{"山田太郎社長", "|山田太郎|"}, {"Taro YAMADA", "|taro yamada|"}, {"Yamada, Taro (Sales)", "|taro yamada|"}, {"Ｙａｍａｄａ　Ｔａｒｏ", "|taro yamada|"},
		{"Mr. Taro Yamada, CEO", "|taro yamada|"}, {"山田太郎（Taro Yamada）", "|山田太郎|taro yamada|"}, {"髙橋 一郎", "|高橋一郎|"}, {"ﾔﾏﾀﾞﾀﾛｳ", "|ヤマダタロウ|"},
		{"ﾔﾏﾀﾞ ﾀﾛｳ", "|ヤマダタロウ|タロウ|ヤマダ|taro yamada|"}, {"やまだ たろう", "|やまだたろう|たろう|やまだ|taro yamada|"}, {"社長 サトウ ジュンイチ", "|サトウジュンイチ|ジュンイチ|サトウ|junichi sato|"},
		{"Tarou YAMADA", "|taro yamada|"}, {"Tarō Yamada", "|taro yamada|"}, {"キョウコ ハットリ", "|キョウコハットリ|ハットリ|キョウコ|hattori kyoko|"},
		{"CEO", ""}, {"info", ""}, {"社長", ""}, {"", ""}, {"マイケル・スミス", "|マイケルスミス|スミス|マイケル|maikeru sumisu|"}};
	char keys[512];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		person_keys(cases[i][0], keys, sizeof(keys));
		assert_string_equal(keys, cases[i][1]);
	}
	person_keys("青葉商事 営業部 山田 太郎", keys, sizeof(keys));
	assert_non_null(strstr(keys, "|山田太郎|"));
}

static void replies_lists_and_history(void **state)
{
	struct fixture *f = *state;
	struct store_contact c = {0};
	struct derive_item i = {.provider = "google", .time = NOW, .contact = &c};
	const char *who[4];

	mail(f, "", "X@kita.example", "a@aoba.example", NULL);
	address(f, SCAN_FIELD_REPLY_TO, "", "y@evil.test");
	assert_string_equal(derive_contact(f->t, &f->r->mail, &i), "X@kita.example");
	assert_true(derive(f, &i)->reply_elsewhere);
	assert_true(f->f->mail.first_contact);
	assert_int_equal(derive_contacts(f->t, &f->f->mail, who, 4), 1);
	assert_string_equal(who[0], "x@kita.example");
	c = (struct store_contact){.first_at = NOW - 5000, .last_at = NOW, .count = 3}; /* the same mail, to others of the house */
	assert_true(derive(f, &i)->first_contact);
	c.first_at = NOW - 40 * DAY;
	assert_false(derive(f, &i)->first_contact);
	assert_int_equal(f->f->mail.contact_days, 40);
	assert_int_equal(f->f->mail.contacts, 3);
	mail(f, "", "x@mail.kita.example", "a@aoba.example", NULL);
	address(f, SCAN_FIELD_REPLY_TO, "", "y@kita.example");
	assert_false(derive(f, &i)->reply_elsewhere);
	mail(f, "", "ok@kita.example", "a@aoba.example", NULL);
	assert_true(derive(f, &i)->approved);
	/* Approved is who it is, not who says so. */
	mail(f, "", "ok@kita.example", "a@aoba.example", "mx.google.com; dmarc=fail header.from=kita.example");
	assert_false(derive(f, &i)->approved);
	mail(f, "", "Bad@minami.example", "a@aoba.example", NULL);
	assert_true(derive(f, &i)->blocked);
	mail(f, "", "x@mx.spam.example", "a@aoba.example", NULL);
	assert_true(derive(f, &i)->blocked);
	mail(f, "", "x@notspam.example", "a@aoba.example", NULL);
	assert_false(derive(f, &i)->blocked);
	mail(f, "", "b@aoba.example", "x@kita.example", NULL);
	i.sent = true;
	derive(f, &i);
	assert_int_equal(derive_contacts(f->t, &f->f->mail, who, 4), 1);
	assert_string_equal(who[0], "x@kita.example");
	assert_int_equal(derive_tenant_until(f->t), NOW + DAY);
}

/* ---- links ---- */

static const struct facts_link *one_link(struct fixture *f, const char *url, const char *text)
{
	struct links l = {.list = f->r->links};

	links_add(&l, "", url, strlen(url), text, strlen(text), 0);
	f->r->n_links = l.n;
	f->r->links_seen = l.seen;
	f->r->n_parts = 1;
	assert_int_equal(derive_links(f->t, NULL, f->r, NULL, NOW, f->a, f->f, &f->err), 0);
	return &f->f->links[f->f->n_links - 1];
}

static void mismatches(void **state)
{
	static const struct {
		const char *url, *text;
		bool mismatch;
	} cases[] = {
		{"https://evil.test/login", "https://www.minato-bank.co.jp/login", true},
		{"https://evil.test/login", "www.minato-bank.co.jp", true},
		{"https://evil.test/", "minato-bank.co.jp", true},
		{"https://evil.test/", "ログインはこちら https://www.minato-bank.co.jp/ から", true},
		{"http:\\\\evil.test\\x", "https://www.minato-bank.co.jp", true},
		{"https://www.minato-bank.co.jp@evil.test/", "https://www.minato-bank.co.jp/", true},
		{"http://192.0.2.7/x", "https://www.minato-bank.co.jp/", true},
		{"http://3221225991/x", "https://www.minato-bank.co.jp/", true},
		{"https://www.google.com/url?q=https%3A%2F%2Fevil.test%2F&sa=D", "https://www.minato-bank.co.jp/", true},
		{"javascript:location='//evil.test'", "https://www.minato-bank.co.jp/", true},
		{"https://ｅｖｉｌ.test/", "ｗｗｗ．minato-bank.co.jp", true}, /* full width is read all the same */
		{"https://login.minato-bank.co.jp/x?y", "www.minato-bank.co.jp", false},
		{"https://nam01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.minato-bank.co.jp%2Fa&data=05", "https://www.minato-bank.co.jp/a", false},
		{"https://evil.test/", "こちら", false},
		{"https://evil.test/", "info@minato-bank.co.jp", false},
		{"https://files.example/x", "report.zip", false},
		{"https://learn.microsoft.com/", "ASP.NET", false},
		{"https://youtu.be/x", "https://www.youtube.com/watch?v=x", false},
		{"https://www.minato-bank.co.jp/long/path", "https://www.minato-ba…", false},
		{"https://www.minato-bank.co.jp/", "https://www.minato-bank.co.jp/…", false},
		{"mailto:a@kita.example", "kita.example", false},
		{"https://xn--wgv71a119e.jp/", "https://日本語.jp/", false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (one_link(f, cases[i].url, cases[i].text)->mismatch != cases[i].mismatch)
			fail_msg("%s shown as %s: %d, %s", cases[i].url, cases[i].text, !cases[i].mismatch, f->f->links[f->f->n_links - 1].text_host);
}

/* Who is proven to be kita.example may show kita.example and count the clicks elsewhere; not show a bank. */
static void own_name_shown(void **state)
{
	struct fixture *f = *state;

	f->f->provider = "google";
	mail(f, "", "x@kita.example", "a@aoba.example", "mx.google.com; dmarc=pass header.from=kita.example");
	assert_false(one_link(f, "https://u1.ct.counter.example/x", "https://www.kita.example/")->mismatch);
	assert_true(one_link(f, "https://u1.ct.counter.example/x", "https://www.minato-bank.co.jp/")->mismatch);
	assert_false(one_link(f, "https://protect-eu.mimecast.com/s/x", "https://www.minato-bank.co.jp/")->mismatch);
	mail(f, "", "x@kita.example", "a@aoba.example", "mx.google.com; dmarc=fail header.from=kita.example");
	assert_true(one_link(f, "https://u1.ct.counter.example/x", "https://www.kita.example/")->mismatch);
	mail(f, "", "x@kita.example", "a@aoba.example", NULL);
	assert_true(one_link(f, "https://u1.ct.counter.example/x", "https://www.kita.example/")->mismatch);
}

static void links_tell(void **state)
{
	struct fixture *f = *state;
	const struct facts_link *l = one_link(f, "https://bit.ly/3x", "");

	assert_true(l->shortener);
	l = one_link(f, "https://user:pw@evil.test/", "");
	assert_true(l->credentials);
	l = one_link(f, "http://0x7f.1/", "");
	assert_true(l->ip_address);
	assert_string_equal(l->host, "127.0.0.1");
	l = one_link(f, "https://xn--80ak6aa92e.com/", "");
	assert_true(l->punycode);
	assert_false(l->mixed_scripts);
	l = one_link(f, "https://аpple.com/", "");
	assert_true(l->mixed_scripts);
	l = one_link(f, "https://日本語abc.jp/", "");
	assert_true(l->punycode);
	assert_false(l->mixed_scripts);
	l = one_link(f, "data:text/html;base64,PGI+", "");
	assert_true(l->script);
	l = one_link(f, "https://www.sites.example/bad/page", "");
	assert_string_equal(l->listed, "");
	l = one_link(f, "https://sites.example/Bad/page?x", "");
	assert_string_equal(l->listed, "blocked");
	l = one_link(f, "https://sites.example/badly", "");
	assert_string_equal(l->listed, "");
	l = one_link(f, "https://a.click.example/x", "https://www.minato-bank.co.jp");
	assert_true(l->approved);
	l = one_link(f, "https://l.facebook.com/l.php?u=https%3A%2F%2Faoba-login.test%2F", "");
	assert_true(l->inner);
	assert_string_equal(l->lookalike_of, "aoba.example");
	assert_int_equal(f->f->n_links, 2);
	assert_int_equal(l->age_days, -1);
	const int64_t seen[] = {0, NOW - 3 * DAY};
	assert_int_equal(derive_links(f->t, NULL, f->r, seen, NOW, f->a, f->f, &f->err), 0);
	assert_int_equal(f->f->links[0].age_days, -1);
	assert_int_equal(f->f->links[1].age_days, 3);
}

static void texts(void **state)
{
	static const char text[] = "詳細はwww.kita.example/aをご覧ください。https://minami.example/b(期限切れ)、またはshop.nishi.example/c へ。hxxp://evil1.test/x、"
				   "evil2[.]test、taro@higashi.example、report.zip、a.m.、node.js、http://evil3.test\r\nwww.日本語.jpまで。";
	static const char *const want[] = {"www.kita.example", "minami.example", "shop.nishi.example", "evil3.test", "www.日本語.jp"};
	struct fixture *f = *state;
	struct links l = {.list = f->r->links};

	links_in_text(&l, text, strlen(text), 0);
	for (int i = 0; i < l.n && i < (int)ARRAY_SIZE(want); i++) {
		bool found = false;
		for (size_t k = 0; k < ARRAY_SIZE(want); k++)
			found |= strcmp(want[k], l.list[i].host) == 0;
		if (!found)
			fail_msg("%s is no link", l.list[i].url);
	}
	assert_int_equal(l.n, (int)ARRAY_SIZE(want));
}

/* When there are more than fit, other places are kept rather than the same one again. */
static void many(void **state)
{
	struct fixture *f = *state;
	struct links l = {.list = f->r->links};
	char url[64];

	for (int i = 0; i < 200; i++) {
		snprintf(url, sizeof(url), "https://news.kita.example/%d", i);
		links_add(&l, "", url, strlen(url), "", 0, 0);
	}
	links_add(&l, "", "https://evil.test/", 18, "", 0, 0);
	assert_int_equal(l.n, SCAN_MAX_LINKS);
	assert_int_equal(l.seen, 201);
	assert_string_equal(l.list[l.n - 1].host, "evil.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(lookalikes), T(directions), T(authentication), T(colleagues), T(names), T(replies_lists_and_history), T(mismatches), T(own_name_shown), T(links_tell), T(texts),
		T(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
