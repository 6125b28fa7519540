/* The detectors' table, their database and what they found; see detect.h. vectorscan reports rows of digits, beginnings of
 * keys, wordings and words of context in one pass, by the ends where they were found and in that order; numbers.c, secrets.c
 * and phrases.c look closer. Nothing is kept of a part but what the reply tells and keyed hashes. */
#include "scan/detect/own.h"

#include "base/encode.h"

#include <string.h>

#define SHORT_LINE 60 /* bytes of a cell that is a word of context, and not a sentence with one in it */
#define MAX_LINE 4000
#define HEAD_REST 9 /* bytes of a head behind its word: 番号, No. */
#define LABEL 12 /* bytes between a number and its name */
#define MANY_CELLS 100 /* of a sheet are counted that only their column's head could tell of */
#define MAX_HEADS 64 /* words of a kind that are tried as a column's head */

static const struct {
	const char *id;
	unsigned contexts; /* words that tell of it; none: it needs none */
} table[DETECTORS] = {
	[CARD] = {"payment_card", 1u << C_CARD},
	[MY_NUMBER] = {"my_number", 1u << C_MY_NUMBER},
	[CORPORATE] = {"corporate_number", 1u << C_CORPORATE},
	[LICENCE] = {"driving_licence", 1u << C_LICENCE},
	[PASSPORT] = {"passport_jp", 1u << C_PASSPORT},
	[RESIDENCE] = {"residence_card", 1u << C_RESIDENCE},
	[ACCOUNT] = {"bank_account", 1u << C_BANK | 1u << C_ACCOUNT | 1u << C_ACCOUNT_NUMBER},
	[PHONE] = {"phone_jp", 1u << C_PHONE},
	[ADDRESS] = {"address_jp", 1u << C_ADDRESS},
	[IBAN] = {"iban", 1u << C_IBAN | 1u << C_BANK | 1u << C_ACCOUNT_NUMBER},
	[SSN] = {"us_ssn", 1u << C_SSN},
	[PRIVATE_KEY] = {"private_key", 0},
	[AWS] = {"aws_key", 0},
	[AZURE] = {"azure_key", 0},
	[GCP] = {"gcp_key", 0},
	[GITHUB] = {"github_token", 0},
	[GITLAB] = {"gitlab_token", 0},
	[SLACK] = {"slack_token", 0},
	[JWT] = {"jwt", 0},
	[NPM] = {"npm_token", 0},
	[PYPI] = {"pypi_token", 0},
	[STRIPE] = {"stripe_key", 0},
	[SENDGRID] = {"sendgrid_key", 0},
	[AI] = {"ai_key", 0},
	[CONFIDENTIAL] = {"words.confidential", 0},
	[PAYMENT] = {"words.payment", 0},
	[PASSWORD] = {"words.password", 0},
	[INVOICE] = {"words.invoice", 0},
	[SIGN_IN] = {"words.sign_in", 0},
	[ADDRESSES] = {"many_addresses", 0},
};

static const char *const contexts[CONTEXTS] = {
	[C_CARD] = "カード番号|クレジット|カード会社|credit card|debit card|card (number|no|num)|card ?holder|\\bvisa\\b|master ?card|\\bjcb\\b|amex|american express|"
		   "セキュリティコード|\\bcv[vc]2?\\b",
	[C_MY_NUMBER] = "マイナンバ|個人番号|個 人 番 号|特定個人情報|\\bmy ?number\\b|individual number",
	[C_CORPORATE] = "法人番号|登録番号|事業者番号|インボイス|適格請求書|corporate number|registration (number|no)",
	[C_LICENCE] = "免許証|免許番号|運転免許|driver'?s? licen[sc]e|driving licen[sc]e",
	[C_PASSPORT] = "旅券|パスポート|passport",
	[C_RESIDENCE] = "在留カード|在留資格|在留番号|特別永住|residence card|zairyu",
	[C_BANK] = "銀行|信用金庫|信金|信用組合|労働金庫|農協|ゆうちょ|郵便局|支店|本店営業部|店番|振込先|口座名義|名義|カ\\)|\\(カ|\\bbank\\b|\\bbranch\\b|swift|routing n|sort code",
	[C_ACCOUNT] = "普通|当座|貯蓄|預金種別|預金種目|口座種別|記号",
	[C_ACCOUNT_NUMBER] = "口座番号|口座No|普通預金|当座預金|普通口座|当座口座|account (number|no|num)|acct\\.? (number|no)|\\ba/c (number|no)",
	[C_PHONE] = "電話|携帯|連絡先|緊急連絡|フリーダイヤル|\\btel\\b|telephone|\\bphone\\b|\\bfax\\b|\\bmobile\\b|\\bcell\\b",
	[C_ADDRESS] = "住所|所在地|自宅|本籍|居所|郵便番号|〒|\\baddress\\b",
	[C_IBAN] = "\\biban\\b",
	[C_SSN] = "\\bssns?\\b|social security|social sec",
	[C_OTHER] = "注文番号|受注番号|発注番号|伝票番号|追跡番号|問い合わせ番号|問合せ番号|問い合せ番号|管理番号|会員番号|社員番号|商品コード|商品番号|製造番号|品番|型番|予約番号|見積番号|請求書番号|整理番号|"
		    "受付番号|契約番号|お客様番号|\\bjan\\b|\\bisbn\\b|\\bean\\b|order (no|number|id)|\\border\\b|tracking|invoice (no|number)|\\bref\\b|reference|serial|receipt (no|number)|"
		    "\\bsku\\b|\\blot\\b|ticket",
};

#define PREFECTURES "北海道|青森県|岩手県|宮城県|秋田県|山形県|福島県|茨城県|栃木県|群馬県|埼玉県|千葉県|東京都|神奈川県|新潟県|富山県|石川県|福井県|山梨県|長野県|" \
	"岐阜県|静岡県|愛知県|三重県|滋賀県|京都府|大阪府|兵庫県|奈良県|和歌山県|鳥取県|島根県|岡山県|広島県|山口県|徳島県|香川県|愛媛県|高知県|福岡県|佐賀県|長崎県|" \
	"熊本県|大分県|宮崎県|鹿児島県|沖縄県"

/* Ids in the database: what kind in the high half, which one of them in the low one. */
enum { ROW, CONTEXT, TOKEN, PHRASE, PREFECTURE, POSTAL, AT_SIGN };
#define PATTERN_ID(kind, i) ((unsigned)(kind) << 16 | (unsigned)(i))

size_t detect_count(void)
{
	return DETECTORS;
}

const char *detect_id(size_t i)
{
	return table[i].id;
}

#define MAX_PATTERNS 256
struct patterns {
	const char *of[MAX_PATTERNS];
	unsigned flags[MAX_PATTERNS], ids[MAX_PATTERNS];
	unsigned n;
};

static void add_pattern(struct patterns *p, const char *pattern, unsigned flags, unsigned id)
{
	p->of[p->n] = pattern;
	p->flags[p->n] = flags;
	p->ids[p->n++] = id;
}

static void gather(struct patterns *p)
{
	/* A row is of groups with up to three signs between them; seven digits are the shortest number of any interest. */
	add_pattern(p, "([0-9][-() ]{0,3}){6}[0-9]", 0, PATTERN_ID(ROW, 0));
	add_pattern(p, PREFECTURES, HS_FLAG_SOM_LEFTMOST, PATTERN_ID(PREFECTURE, 0));
	add_pattern(p, "〒 ?[0-9]{3}-?[0-9]{4}", HS_FLAG_SOM_LEFTMOST, PATTERN_ID(POSTAL, 0));
	add_pattern(p, "@", 0, PATTERN_ID(AT_SIGN, 0));
	for (size_t i = 0; i < CONTEXTS; i++)
		add_pattern(p, contexts[i], HS_FLAG_CASELESS, PATTERN_ID(CONTEXT, i));
	for (size_t i = 0; i < secrets_count() && p->n < MAX_PATTERNS; i++)
		add_pattern(p, secrets_pattern(i), 0, PATTERN_ID(TOKEN, i));
	for (size_t i = 0; i < phrases_count() && p->n < MAX_PATTERNS; i++)
		add_pattern(p, phrases_at(i)->pattern, phrases_at(i)->flags | HS_FLAG_CASELESS, PATTERN_ID(PHRASE, i));
}

int detect_new(const char *key, struct detect **ret, struct err *err)
{
	struct detect *d = calloc(1, sizeof(*d));
	hs_compile_error_t *wrong = NULL;
	struct patterns p = {0};

	if (!d)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (hs_valid_platform() != HS_SUCCESS) {
		free(d);
		return err_set(err, ERR_LOCAL, "detectors", "this processor lacks SSE4.2");
	}
	gather(&p);
	if (hs_compile_multi(p.of, p.flags, p.ids, p.n, HS_MODE_BLOCK, NULL, &d->db, &wrong) != HS_SUCCESS ||
		hs_alloc_scratch(d->db, &d->scratch) != HS_SUCCESS) {
		err_set(err, ERR_LOCAL, "detectors", "patterns: %s", wrong ? wrong->message : "out of memory");
		hs_free_compile_error(wrong);
		detect_free(d);
		return -1;
	}
	if (strlen(key) != 64 || hex_decode(d->key, key, sizeof(d->key)) < 0)
		random_bytes(d->key, sizeof(d->key));
	memcpy(d->quick, d->key, sizeof(d->quick));
	*ret = d;
	return 0;
}

void detect_free(struct detect *d)
{
	if (!d)
		return;
	hs_free_scratch(d->scratch);
	hs_free_database(d->db);
	own_free(d->own);
	free(d);
}

int detect_own(struct detect *d, const char *common, const char *tenant, int *ret_refused, struct err *err)
{
	struct own *o;

	if (!d)
		return err_set(err, ERR_LOCAL, "detectors", "there are no detectors here");
	if (own_new(common, tenant, &o, ret_refused, err) < 0)
		return -1;
	own_free(d->own);
	d->own = o;
	return 0;
}

void detect_begin(struct detect *d)
{
	if (!d)
		return;
	memset(d->seen, 0, d->n_seen ? sizeof(d->seen) : 0);
	memset(d->heads, 0, sizeof(d->heads));
	d->n_seen = 0;
	d->address_part = -1;
}

/* Does the name of another kind of number stand directly before it? The end of that name, 0. */
static size_t is_labelled(const struct look *l, size_t from)
{
	size_t to = l->word_to[C_OTHER];

	return to != NOWHERE && to <= from && from - to <= LABEL ? to : 0;
}

static void note(struct look *l, enum detector detector, bool near, size_t from, size_t to, const char *canonical, size_t n, const char *masked)
{
	int i = look_note(l, table[detector].id, detector, near, from, canonical, n, masked);

	l->found[detector].hit = i;
	l->found[detector].to = i < 0 || l->reply->hits[i].near ? NOWHERE : to;
}

static size_t line_begin(const struct look *l, size_t at)
{
	size_t from = at;

	while (from > 0 && at - from < MAX_LINE && l->text[from - 1] != '\n' && l->text[from - 1] != '\r')
		from--;
	return from;
}

/* How many separators stand before it in its line; quoted ones are none. */
static int column_of(const struct look *l, size_t line, size_t at, char sep)
{
	bool quoted = false;
	int n = 0;

	for (size_t i = line; i < at; i++) {
		quoted ^= l->text[i] == '"';
		n += !quoted && l->text[i] == sep;
	}
	return n;
}

/* In a table what stands at the column's head counts, and not what is written near by: it may be another column's. */
static bool is_near(const struct look *l, unsigned c, size_t from, size_t within)
{
	const struct column *k = &l->columns[c];
	size_t line = k->sep ? line_begin(l, from) : 0;

	if (k->sep && line > k->line && (l->word_to[c] <= line || l->word_to[c] == NOWHERE) && memchr(l->text + line, k->sep, from - line + (k->index == 0)))
		return column_of(l, line, from, k->sep) == k->index;
	if (l->word_to[c] == NOWHERE)
		return false;
	size_t far = l->word_to[c] <= from ? from - l->word_to[c] : l->word_from[c] > from ? l->word_from[c] - from : 0;
	return far <= within || (k->sep && line > k->line && column_of(l, line, from, k->sep) == k->index);
}

/* The column of its cell where that column's head is the name of another kind of number, -1. The table's lines have as many cells as
 * its head. */
static int other_column(const struct look *l, size_t from)
{
	const struct column *k = &l->columns[C_OTHER];
	size_t begin = from, line, end = from;

	if (!k->sep)
		return -1;
	while (begin > 0 && strchr("\" ", l->text[begin - 1]))
		begin--;
	line = line_begin(l, begin);
	if (line <= k->line || (begin > line && l->text[begin - 1] != k->sep))
		return -1;
	while (end < l->len && end - from < MAX_LINE && l->text[end] != '\n' && l->text[end] != '\r')
		end++;
	int index = column_of(l, line, begin, k->sep);
	return index < 64 && (l->other_columns >> index & 1) && column_of(l, line, end, k->sep) == k->last ? index : -1;
}

bool look_near(struct look *l, unsigned mask, size_t from, size_t within)
{
	size_t other = is_labelled(l, from);
	int column = other_column(l, from);

	for (unsigned c = 0; c < CONTEXTS; c++) {
		const struct column *k = &l->columns[c];
		/* Unless the same head, or that of a later table, says both. */
		if (column >= 0 && (!k->sep || k->line < l->columns[C_OTHER].line || k->index != column))
			continue;
		if ((mask >> c & 1) && !(other && (l->word_to[c] == NOWHERE || l->word_to[c] <= other)) && is_near(l, c, from, within))
			return true;
	}
	return false;
}

void look_add(struct look *l, enum detector detector, size_t from, size_t to, const char *canonical, size_t n, const char *masked)
{
	bool near = !table[detector].contexts || look_near(l, table[detector].contexts, from, NEAR);

	/* What is called something else is that. */
	if (near || (!is_labelled(l, from) && other_column(l, from) < 0))
		note(l, detector, near, from, to, canonical, n, masked);
}

void look_add_in_context(struct look *l, enum detector detector, unsigned mask, size_t from, size_t to, const char *canonical, size_t n,
	const char *masked)
{
	if (look_near(l, mask, from, NEAR)) {
		note(l, detector, true, from, to, canonical, n, masked);
		return;
	}
	struct candidate *c = &l->waiting[l->n_waiting % MAX_WAITING];
	if (n >= sizeof(c->digits) || is_labelled(l, from) || other_column(l, from) >= 0)
		return;
	l->n_waiting++;
	*c = (struct candidate){.detector = detector, .contexts = mask, .from = from, .to = to};
	memcpy(c->digits, canonical, n);
}

/* Which part of an Excel file it is, "": none of one. */
static const char *excel_part(const struct scan_reply *r, int part)
{
	const struct scan_part *p = &r->parts[part];

	if (part >= r->n_parts || p->parent < 0 || strcmp(r->parts[p->parent].type, "CL_TYPE_OOXML_XL") != 0)
		return "";
	return p->name;
}

void look_add_cell(struct look *l, enum detector detector, enum context head, size_t from, size_t to, const char *canonical, size_t n,
	const char *masked)
{
	const char *name = excel_part(l->reply, l->part);
	bool strings = strcmp(name, "sharedStrings.xml") == 0;
	int i = l->found[detector].hit;

	if ((!strings && strncmp(name, "sheet", 5) != 0) || (strings && !(l->d->heads[l->part] >> head & 1)) ||
		(i >= 0 && l->reply->hits[i].count >= MANY_CELLS) || (from > 0 && !strchr("\t\n", l->text[from - 1])) ||
		(to < l->len && !strchr("\t\r\n", l->text[to])))
		return;
	note(l, detector, strings, from, to, canonical, n, masked);
}

void look_mask(char out[48], const char *digits, size_t n, size_t shown)
{
	snprintf(out, 48, "%.*s%.*s", (int)(n - shown), "****************************************", (int)shown, digits + n - shown);
}

void look_address(struct look *l, const char *address, size_t n, size_t at)
{
	struct detect *d = l->d;

	if (d->address_part != l->part) {
		d->address_part = l->part;
		d->addresses = d->addresses_distinct = 0;
		d->address_hit = -1;
	}
	d->addresses++;
	d->addresses_distinct += hits_new(d, l->part, ADDRESSES, address, n);
	if (d->addresses_distinct < MANY_ADDRESSES)
		return;
	if (d->address_hit < 0) {
		note(l, ADDRESSES, true, at, at + n, address, n, "***@***");
		d->address_hit = l->found[ADDRESSES].hit;
	}
	if (d->address_hit >= 0 && strcmp(l->reply->hits[d->address_hit].detector, table[ADDRESSES].id) == 0) {
		l->reply->hits[d->address_hit].count = d->addresses;
		l->reply->hits[d->address_hit].distinct = d->addresses_distinct;
	}
}

/* ---- words of context ---- */

/* The head of a table's column: a short cell, in a line with a separator that the cells below it have, too. */
static void note_column(struct look *l, unsigned context, size_t from)
{
	static const char seps[] = {'\t', ',', ';', '|'};
	size_t line = line_begin(l, from), end = from;

	while (end < l->len && end - from < MAX_LINE && l->text[end] != '\n' && l->text[end] != '\r')
		end++;
	/* A line of its own, with little behind the word: マイナンバー提出日 is the head of another column. */
	if (end - line <= SHORT_LINE && end - from <= HEAD_REST + 1)
		l->d->heads[l->part] |= 1u << context;
	for (size_t i = 0; i < sizeof(seps); i++) {
		const char *before = memrchr(l->text + line, seps[i], from - line), *behind = memchr(l->text + from, seps[i], end - from);
		size_t cell = before ? (size_t)(before - l->text) : line, cell_end = behind ? (size_t)(behind - l->text) : end;
		if ((!before && !behind) || cell_end - cell > SHORT_LINE)
			continue;
		struct column k = {.sep = seps[i], .index = column_of(l, line, from, seps[i]), .last = column_of(l, line, end, seps[i]), .line = line};
		if (context == C_OTHER) {
			const struct column *head = &l->columns[context];
			if (head->sep == k.sep && head->last == k.last && line > head->line)
				return; /* a cell of the table below it */
			if (head->sep != k.sep || head->line != line)
				l->other_columns = 0;
			l->other_columns |= k.index < 64 ? 1ull << k.index : 0;
		}
		l->columns[context] = k;
		return;
	}
}

static void on_context(struct look *l, unsigned context, size_t to)
{
	/* Words are of 12 bytes or so; where exactly they begin does not matter. */
	size_t from = to > 12 ? to - 12 : 0;

	l->word_from[context] = from;
	l->word_to[context] = to;
	if (l->n_words[context]++ < MAX_HEADS)
		note_column(l, context, to - 1);
	for (unsigned i = 0; i < DETECTORS; i++) {
		if (!(table[i].contexts >> context & 1) || l->found[i].hit < 0 || l->found[i].to == NOWHERE)
			continue;
		if (from <= l->found[i].to || from - l->found[i].to <= NEAR) {
			l->reply->hits[l->found[i].hit].near = true;
			l->found[i].to = NOWHERE;
		}
	}
	for (unsigned i = 0; i < l->n_waiting && i < MAX_WAITING; i++) {
		struct candidate *c = &l->waiting[i];
		if (!(c->contexts >> context & 1) || (from > c->to && from - c->to > NEAR))
			continue;
		char masked[48];
		size_t n = strlen(c->digits);
		look_mask(masked, c->digits, n, n < 4 ? 0 : 1);
		note(l, c->detector, true, c->from, c->to, c->digits, n, masked);
		c->contexts = 0;
	}
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	struct look *l = context;
	unsigned i = id & 0xffff;

	switch (id >> 16) {
	case ROW:
		if (to > l->row_done)
			numbers_row(l, (size_t)to);
		break;
	case CONTEXT:
		on_context(l, i, (size_t)to);
		break;
	case TOKEN:
		secrets_look(l, i, (size_t)to);
		break;
	case PHRASE:
		phrases_look(l, i, (size_t)from, (size_t)to);
		break;
	case PREFECTURE:
		phrases_prefecture(l, (size_t)from, (size_t)to);
		break;
	case POSTAL:
		phrases_postal(l, (size_t)from, (size_t)to);
		break;
	case AT_SIGN:
		phrases_at_sign(l, (size_t)to - 1);
		break;
	}
	return 0;
}

void detect_look(struct detect *d, struct scan_reply *reply, int part, enum detect_what what, const char *text, size_t len)
{
	struct look l = {.d = d, .reply = reply, .part = part, .what = what, .text = text, .len = len};

	if (!d || len < 3 || len > UINT32_MAX || part < 0 || part >= SCAN_MAX_PARTS)
		return;
	for (int i = 0; i < CONTEXTS; i++)
		l.word_from[i] = l.word_to[i] = NOWHERE;
	for (int i = 0; i < DETECTORS; i++)
		l.found[i].hit = -1;
	hs_scan(d->db, text, (unsigned)len, 0, d->scratch, on_match, &l);
	if (d->own && what != DETECT_BYTES)
		own_look(d->own, &l);
	explicit_bzero(l.waiting, sizeof(l.waiting));
}

bool detect_blank(const struct detect *d, const struct scan_reply *reply, int part)
{
	if (part < 0 || part >= SCAN_MAX_PARTS || d->heads[part] || (d->address_part == part && d->addresses))
		return false;
	for (int i = 0; i < reply->n_hits; i++)
		if (reply->hits[i].part == part)
			return false;
	return true;
}

/* Numbers of a spreadsheet lie in its sheets, the words above them in one part for all sheets. */
static bool headed(const struct detect *d, const struct scan_reply *r, int part, unsigned mask)
{
	for (int k = 0; k < r->n_parts; k++)
		if (r->parts[k].parent == r->parts[part].parent && strcmp(r->parts[k].name, "sharedStrings.xml") == 0 && (d->heads[k] & mask))
			return true;
	return false;
}

void detect_end(struct detect *d, struct scan_reply *reply)
{
	int kept = 0;

	if (!d)
		return;
	for (int i = 0; i < reply->n_hits; i++) {
		struct scan_hit *h = &reply->hits[i];
		bool account = strcmp(h->detector, table[ACCOUNT].id) == 0;
		unsigned mask = 0;
		for (int k = 0; k < DETECTORS; k++)
			if (strcmp(h->detector, table[k].id) == 0)
				mask = k == ACCOUNT ? 1u << C_ACCOUNT_NUMBER : table[k].contexts;
		if (!h->near && strncmp(excel_part(reply, h->part), "sheet", 5) == 0)
			h->near = headed(d, reply, h->part, mask);
		if (account && !h->near)
			reply->hits_seen -= h->count; /* seven digits in a cell, and no more than that */
		else
			reply->hits[kept++] = *h;
	}
	reply->n_hits = kept;
}
