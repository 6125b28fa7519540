/* Words that mean something by where they stand: markings of confidential papers, wordings of payment fraud and of passwords
 * sent along, postal addresses, mail addresses. Called by detect.c.
 *
 * A marking is told from a mention: it stands in brackets, alone in a line or cell, or in a sentence that says so of the
 * document; what is only spoken of (rules about papers of a class, a mail's disclaimer) is no marking. */
#include "scan/detect/impl.h"

#include <string.h>

#define STRONG "!" /* a marking that may have some words beside it in its line */
#define SOM HS_FLAG_SOM_LEFTMOST

static const struct phrase phrases[] = {
	{"社外秘", SOM, CONFIDENTIAL, STRONG}, {"社 外 秘", SOM, CONFIDENTIAL, STRONG}, {"部外秘", SOM, CONFIDENTIAL, STRONG},
	{"対外秘", SOM, CONFIDENTIAL, STRONG}, {"極秘", SOM, CONFIDENTIAL, STRONG}, {"極 秘", SOM, CONFIDENTIAL, STRONG}, {"厳秘", SOM, CONFIDENTIAL, STRONG},
	{"取扱注意", SOM, CONFIDENTIAL, STRONG}, {"取扱い注意", SOM, CONFIDENTIAL, STRONG}, {"取り扱い注意", SOM, CONFIDENTIAL, STRONG},
	{"関係者外秘", SOM, CONFIDENTIAL, STRONG}, {"関係者限り", SOM, CONFIDENTIAL, STRONG}, {"社内限り", SOM, CONFIDENTIAL, STRONG},
	{"持出禁止", SOM, CONFIDENTIAL, STRONG}, {"持ち出し禁止", SOM, CONFIDENTIAL, STRONG},
	{"機密", SOM, CONFIDENTIAL, NULL}, {"機 密", SOM, CONFIDENTIAL, NULL}, {"秘密", SOM, CONFIDENTIAL, NULL}, {"マル秘", SOM, CONFIDENTIAL, NULL},
	{"confidential", SOM, CONFIDENTIAL, STRONG}, {"top secret", SOM, CONFIDENTIAL, NULL},
	{"internal use only", SOM, CONFIDENTIAL, STRONG}, {"do not distribute", SOM, CONFIDENTIAL, NULL},
	{"not for distribution", SOM, CONFIDENTIAL, NULL},

	{"(振込|振り込み|送金|(お)?支払(い)?)(先)?(の|を|が)?(銀行)?(口座)?(情報)?(の|を|が)?(ご)?(変更|変わり)", 0, PAYMENT, "振込先の変更"},
	{"(銀行|入金|取引|当社|弊社)(の)?口座(情報|番号)?(の|を|が)?(ご)?(変更|変わり)", 0, PAYMENT, "口座の変更"},
	{"(取引)?銀行(が|を)(変わり|変更)|\\bchang(ed|ing) banks\\b", 0, PAYMENT, "口座の変更"},
	{"口座(情報)?変更の(お知らせ|ご案内|ご連絡|お願い)|新しい(振込先|口座|銀行口座|送金先)|新口座(へ|に|まで)", 0, PAYMENT, "口座の変更"},
	{"(至急|大至急|緊急|本日中に|今日中に).{0,60}((お)?振(り)?込|送金|(お)?支払)", 0, PAYMENT, "至急の振込"},
	{"((お)?振(り)?込|送金|(お)?支払(い)?).{0,30}(至急|大至急|本日中に|今日中に)", 0, PAYMENT, "至急の振込"},
	{"(ギフトカード|プリペイドカード|itunes ?カード|google ?play ?カード|アマゾンギフト|amazonギフト).{0,60}(購入|買っ|買い|コード|番号を)", 0, PAYMENT, "ギフトカード"},
	{"(購入|買っ).{0,30}(ギフトカード|プリペイドカード)", 0, PAYMENT, "ギフトカード"},
	{"(chang|updat|revis|amend|new|replac|switch)[a-z]* .{0,30}(bank|banking|payment|remittance|wire|ach|beneficiary) ?(account|details?|info|information|instructions?)", 0,
		PAYMENT, "bank details change"},
	{"(bank|banking|payment|remittance|wire|account) ?(account|details?|information|instructions?) (has|have|was|were|is|are|had) (been |now |recently )*(chang|updat|revis)", 0,
		PAYMENT, "bank details change"},
	{"(urgent|immediate|today|asap|right away).{0,50}(wire transfer|wire payment|bank transfer|payment to|remittance)", 0, PAYMENT, "urgent payment"},
	{"(wire transfer|wire payment|bank transfer|remit|payment).{0,50}(urgently|immediately|asap|right away|before end of (the )?day|by (the )?end of (the )?day|today)", 0,
		PAYMENT, "urgent payment"},
	{"(buy|purchase|pick up|get|need).{0,50}gift ?cards?\\b", 0, PAYMENT, "gift cards"},
	{"gift ?cards?\\b.{0,80}(scratch|code|picture|photo|serial)", 0, PAYMENT, "gift cards"},

	{"(パスワード|パスフレーズ|解凍pw|解凍pass) ?(は|:|=|、|を(お知らせ|ご連絡|お送り|送付|別送))", 0, PASSWORD, "パスワード"},
	{"(パスワード).{0,30}(別送|別途|別メール|後ほど|お送りします|お知らせします|ご連絡します|送付します|お送りいたします|お知らせいたします)", 0, PASSWORD, "パスワード別送"},
	{"(解凍|展開|添付ファイル|添付|zip|圧縮ファイル|暗号化|閲覧|開封)(の|用|時の)?(ファイル)?(の)?パスワード", 0, PASSWORD, "パスワード"},
	{"\\bpassword ?(is|:|=)[ :]{0,2}[\"'(]?[^ \\r\\n]{0,30}[0-9!#$%&*@]", 0, PASSWORD, "password"},
	{"\\bpassword( for [^\\r\\n]{1,40})? ?(:|=) ?[^ \\r\\n]{3}|\\bpassword is (below|as follows|written|attached)", 0, PASSWORD, "password"},
	{"\\bpassword (to|for) (open|unzip|extract|decrypt|the |this |your )[^\\r\\n]{0,20}(file|archive|zip|attachment|document)", 0, PASSWORD, "password"},
	{"\\bpassword.{0,40}(separate|separately|following|next) (e-?mail|mail|message)|(separate|another|following) (e-?mail|mail|message).{0,40}\\bpassword", 0, PASSWORD,
		"password by another mail"},

	{"(お)?(振(り)?込(み)?|支払(い)?|入金|送金)(手続(き)?)?(の程|のほど|を)?(、)?(何卒|よろしく|宜しく|どうぞ)*(お願い|ください|下さい|いただけ|頂け|いただきますよう)", 0, INVOICE, "振込のお願い"},
	{"(下記|以下|添付|指定)(の)?(銀行)?口座(へ|に|まで)(お)?(振(り)?込|送金|入金|支払)", 0, INVOICE, "振込のお願い"},
	{"(please|kindly|must|need you to|could you) (process |arrange |make |send |transfer |wire |remit |settle |pay )+(the |this |a |your |our )?"
	 "(outstanding |overdue |attached |full )*(payment|invoice|funds|amount|balance|bill|sum)", 0, INVOICE, "payment asked for"},
	{"(invoice|payment|balance) (is|are) (now )?(over ?due|past due|outstanding)|(over ?due|past due|outstanding) (invoice|payment|balance)", 0, INVOICE, "overdue"},

	{"(アカウント|ご契約|ご利用|メールボックス|サービス).{0,60}(停止|凍結|制限|ロック|無効|失効|削除)(され|いたし|します|しまし|となり|になり|する)", 0, SIGN_IN, "アカウントの停止"},
	{"(アカウント|本人|お客様情報|ご登録情報|支払(い)?(情報|方法)|カード情報)(の|を)(ご)?(確認|更新|認証|再登録)(が必要|して(ください|下さい)|をお願い|手続)", 0, SIGN_IN, "本人の確認"},
	{"パスワードの(有効)?期限(が|は|切れ|日)", 0, SIGN_IN, "パスワードの期限"},
	{"(account|mailbox|access|subscription|service).{0,30}(suspend|lock(ed)? |locked|disabl|deactivat|terminat|restrict|limited|on hold)", 0, SIGN_IN, "account suspended"},
	{"(verify|confirm|validate|re-?activate|update) (your |the )?(account|identity|mailbox|billing|payment (information|details|method)|e-?mail account)", 0, SIGN_IN,
		"verify your account"},
	{"(your )?(mailbox |account |e-?mail |office 365 |microsoft )*password (will |is |has |is about to |is going to |is due to )*(expir)", 0, SIGN_IN, "password expires"},
};

size_t phrases_count(void)
{
	return sizeof(phrases) / sizeof(phrases[0]);
}

const struct phrase *phrases_at(size_t i)
{
	return &phrases[i];
}

static bool is(const struct look *l, size_t at, const char *s)
{
	size_t n = strlen(s);

	return at + n <= l->len && memcmp(l->text + at, s, n) == 0;
}

static bool is_before(const struct look *l, size_t at, const char *s)
{
	size_t n = strlen(s);

	return at >= n && memcmp(l->text + at - n, s, n) == 0;
}

static bool any(bool (*test)(const struct look *, size_t, const char *), const struct look *l, size_t at, const char *const *list)
{
	for (; *list; list++)
		if (test(l, at, *list))
			return true;
	return false;
}

static bool has_hiragana(const char *s, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++)
		if ((unsigned char)s[i] == 0xe3 && ((unsigned char)s[i + 1] == 0x81 || ((unsigned char)s[i + 1] == 0x82 && (unsigned char)s[i + 2] < 0xa0)))
			return true;
	return false;
}

/* Sentences go on with these. */
static const char *const particles[] = {"の", "は", "を", "が", "に", "で", "と", "も", "や", "な", "だ", "か", "へ", "等", "性", "保持", "管理", "事項", "区分",
	"漏", "裏", "契約", "基準", "規程", "規定", "ではな", NULL};

/* In brackets that mark: 【社外秘】 [Confidential] (取扱注意). 「」 quote. */
static bool in_brackets(const struct look *l, size_t from, size_t to)
{
	static const char *const open[] = {"【", "[", "<", "《", "〈", "〔", "≪", "(", "{", NULL}, *const close[] = {"】", "]", ">", "》", "〉", "〕", "≫", ")", "}", NULL};
	size_t a = from, b = to;

	while (a > 0 && from - a < 40 && l->text[a - 1] != '\n' && !any(is_before, l, a, open))
		a--;
	if (a == 0 || !any(is_before, l, a, open))
		return false;
	while (b < l->len && b - to < 60 && l->text[b] != '\n' && !any(is, l, b, close))
		b++;
	if (b >= l->len || !any(is, l, b, close))
		return false;
	size_t rest = (from - a) + (b - to);
	bool round = l->text[a - 1] == '(';
	if (rest > (round ? 12u : 40u) || has_hiragana(l->text + a, from - a) || any(is, l, to, particles))
		return false;
	size_t behind = b + (l->text[b] & 0x80 ? 3 : 1);
	return !any(is, l, behind, particles);
}

static bool is_decoration(const struct look *l, size_t at, size_t *ret_len)
{
	static const char *const list[] = {"■", "□", "●", "○", "◆", "◇", "★", "☆", "※", "▼", "▲", "・", "。", "、", "「", "」", "『", "』", "—", "―", "─", "━", "©", "→", "【", "】", "《", "》",
		"〈", "〉", "〔", "〕", NULL};
	unsigned char c = (unsigned char)l->text[at];

	*ret_len = 1;
	if (c < 0x80)
		return !is_letter((char)c) && !is_digit((char)c);
	for (const char *const *s = list; *s; s++)
		if (is(l, at, *s)) {
			*ret_len = strlen(*s);
			return true;
		}
	return false;
}

static bool alone_ja(const struct look *l, size_t from, size_t to, size_t line, size_t end, bool strong)
{
	static const char *const kinds[] = {"資料", "文書", "書類", "扱い", "扱", "指定", "情報", "ファイル", "データ", NULL};
	size_t n, behind = to;

	for (const char *const *k = kinds; *k; k++)
		if (is(l, to, *k)) {
			behind = to + strlen(*k);
			break;
		}
	if (behind < end && (any(is, l, behind, particles) || (!is_decoration(l, behind, &n) && (unsigned char)l->text[behind] >= 0x80)))
		return false;
	if (from > line && has_hiragana(l->text + (from - line > 6 ? from - 6 : line), from - (from - line > 6 ? from - 6 : line)))
		return false;
	if (from > line && (unsigned char)l->text[from - 1] >= 0x80) {
		/* Another word joins it from the left, unless that is a sign. */
		size_t at = from - 3;
		if (from < 3 + line || !is_decoration(l, at, &n))
			return false;
	}
	size_t rest = (from - line) + (end - behind);
	/* In names words follow behind a sign. */
	if (l->what == DETECT_NAME)
		return strong || rest <= 60;
	return rest <= (strong ? 36u : 9u) && !has_hiragana(l->text + behind, end - behind);
}

static bool alone_en(const struct look *l, size_t from, size_t to, size_t line, size_t end)
{
	static const char *const verbs[] = {" is ", " are ", " be ", " was ", " may ", " of ", " and any", " treat", " keep", " information", " agreement", " nature",
		" report", " data ", " the ", " a ", " our ", " your ", " we ", " you "};
	char rest[80];
	size_t n = 0, words = 0;

	if ((from - line) + (end - to) > (l->what == DETECT_NAME ? 200u : 48u))
		return false;
	rest[n++] = ' ';
	for (size_t i = line; i < end && n < sizeof(rest) - 2; i++) {
		if (i == from)
			i = to < end ? to : end - 1;
		char c = is_upper(l->text[i]) ? (char)(l->text[i] | 0x20) : l->text[i];
		rest[n++] = c;
		words += c == ' ';
	}
	rest[n++] = ' ';
	rest[n] = '\0';
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strstr(rest, verbs[i]))
			return false;
	if (from > line + 3 && (is_before(l, from, "on-") || is_before(l, from, "ot ") || is_before(l, from, "OT ") || is_before(l, from, "ON-")))
		return false; /* non-confidential, not confidential */
	if (has_hiragana(l->text + line, end - line) && l->what != DETECT_NAME)
		return false;
	/* At the line's beginning or its end, but for signs and a few words before it (strictly, company …). */
	return words <= 5 || l->what == DETECT_NAME;
}

/* 本資料は社外秘です; this document is strictly confidential. */
static bool said_of_document(const struct look *l, size_t from, size_t to)
{
	static const char *const ja[] = {"本資料は", "本書は", "本文書は", "本書類は", "本ファイルは", "本データは", "この資料は", "この文書は", "このファイルは", "当資料は", "本件は",
		"本資料は、", "本書は、", "本文書は、", "この資料は、", "添付資料は", NULL};
	static const char *const en[] = {"this document is ", "this file is ", "this report is ", "this presentation is ", "this material is ", "this page is "};
	static const char *const not_so[] = {"情報を含", "事項を含", "では", "でな", "性", "保持", NULL};
	char before[64];
	size_t n = from < sizeof(before) - 1 ? from : sizeof(before) - 1;

	if (any(is, l, to, not_so))
		return false;
	if (any(is_before, l, from, ja))
		return true;
	for (size_t i = 0; i < n; i++)
		before[i] = is_upper(l->text[from - n + i]) ? (char)(l->text[from - n + i] | 0x20) : l->text[from - n + i];
	before[n] = '\0';
	for (size_t i = 0; i < sizeof(en) / sizeof(en[0]); i++) {
		const char *p = strstr(before, en[i]);
		if (p && strlen(p + strlen(en[i])) <= 18)
			return true;
	}
	return false;
}

static bool is_marking(const struct look *l, size_t from, size_t to, bool strong)
{
	size_t line = from, end = to;

	if (in_brackets(l, from, to) || said_of_document(l, from, to))
		return true;
	while (line > 0 && from - line < 250 && !strchr("\n\r\t|", l->text[line - 1]))
		line--;
	while (end < l->len && end - to < 250 && l->text[end] && !strchr("\n\r\t|", l->text[end]))
		end++;
	size_t n;
	while (line < from && is_decoration(l, line, &n))
		line += n;
	while (end > to && (l->text[end - 1] == ' ' || l->text[end - 1] == '.' || l->text[end - 1] == '*' || l->text[end - 1] == '-'))
		end--;
	if (line > from)
		line = from;
	return (unsigned char)l->text[from] >= 0x80 ? alone_ja(l, from, to, line, end, strong) : alone_en(l, from, to, line, end);
}

/* Not of one that is sent along: rules for passwords, lost ones, those to be changed. */
static bool speaks_of_passwords(const struct look *l, size_t to)
{
	static const char *const words[] = {"文字", "設定", "変更", "忘れ", "定期", "使い回", "推測", "英数", "期限", "桁", "必須", "管理", "require", "expire", "must", "should", NULL};
	size_t end = to + 70 < l->len ? to + 70 : l->len;

	for (size_t at = to; at < end && l->text[at] != '\n' && !is(l, at, "。"); at++)
		if (any(is, l, at, words))
			return true;
	return false;
}

void phrases_look(struct look *l, size_t i, size_t from, size_t to)
{
	const struct phrase *p = &phrases[i];
	char shown[48];

	if (p->detector == PASSWORD && speaks_of_passwords(l, to))
		return;
	if (p->detector == CONFIDENTIAL) {
		char c = from > 0 ? l->text[from - 1] : '\0', e = to < l->len ? l->text[to] : '\0';
		if (is_letter(l->text[from]) && (is_letter(c) || is_letter(e)))
			return;
		if (!is_marking(l, from, to, p->shown != NULL))
			return;
		snprintf(shown, sizeof(shown), "%.*s", (int)(to - from < 47 ? to - from : 47), l->text + from);
		look_add(l, CONFIDENTIAL, from, to, l->text + from, to - from, shown);
		return;
	}
	/* Wordings overlap, and are found at each of their ends. */
	if (l->phrase_done[p->detector] && to < l->phrase_done[p->detector] + 80)
		return;
	l->phrase_done[p->detector] = to;
	look_add(l, p->detector, to > 30 ? to - 30 : 0, to, p->shown, strlen(p->shown), p->shown);
}

/* ---- postal addresses ---- */

/* A town's name with its kind within the next characters of one word: where it ends, 0 for none. */
static size_t town(const struct look *l, size_t at, size_t within)
{
	static const char *const kinds[] = {"市", "区", "町", "村", "郡", NULL};
	size_t end = at + within < l->len ? at + within : l->len;

	for (size_t i = at; i + 3 <= end;) {
		unsigned char c = (unsigned char)l->text[i];
		if (c == ' ' && i == at) {
			i++;
			continue;
		}
		if (c < 0xe3 || (c == 0xe3 && (unsigned char)l->text[i + 1] == 0x80 && (unsigned char)l->text[i + 2] != 0x85))
			return 0; /* no kana or kanji, or a sign of the ideographic punctuation (々 is none) */
		if (i > at && any(is, l, i, kinds))
			return i + 3;
		if (is(l, i, "の") || is(l, i, "は"))
			return 0;
		i += 3;
	}
	return 0;
}

/* The number of a house: digits, or 丁目, 番, 号 behind numerals. */
static size_t house(const struct look *l, size_t at)
{
	static const char *const marks[] = {"丁目", "番地", "番", "号", "条", "-", NULL};
	size_t end = at + 60 < l->len ? at + 60 : l->len;

	for (size_t i = at; i < end; i++) {
		if (l->text[i] == '\n' || is(l, i, "。") || is(l, i, "、") || l->text[i] == ',')
			return 0;
		if (!is_digit(l->text[i]) && !is(l, i, "丁目"))
			continue;
		if (is(l, i, "丁目"))
			return i + 6;
		size_t n = i;
		while (n < l->len && is_digit(l->text[n]))
			n++;
		if (n - i > 4)
			return 0;
		if (any(is, l, n, marks) && !(l->text[n] == '-' && !is_digit(n + 1 < l->len ? l->text[n + 1] : '\0')))
			return n;
		return 0;
	}
	return 0;
}

void phrases_prefecture(struct look *l, size_t from, size_t to)
{
	size_t t = town(l, to, 30), end = t ? house(l, t) : 0;
	char shown[48];

	if (!end || end <= l->phrase_done[ADDRESS])
		return;
	l->phrase_done[ADDRESS] = end;
	snprintf(shown, sizeof(shown), "%.*s****", (int)(to - from), l->text + from);
	look_add(l, ADDRESS, from, end, l->text + from, end - from, shown);
}

/* A postal code with a town and a number behind it; a prefecture's name speaks for itself. */
void phrases_postal(struct look *l, size_t from, size_t to)
{
	size_t at = to;

	while (at < l->len && at - to < 4 && strchr(" \r\n\t", l->text[at]) && l->text[at])
		at++;
	size_t t = town(l, at, 30), end = t ? house(l, t) : 0;
	if (!end || to < from + 10)
		return;
	for (size_t i = at; i + 3 < t; i += 3)
		if (is(l, i, "都") || is(l, i, "府") || is(l, i, "県") || is(l, i, "道"))
			return;
	l->phrase_done[ADDRESS] = end;
	look_add(l, ADDRESS, from, end, l->text + from, end - from, "〒***-****");
}

/* ---- mail addresses ---- */

void phrases_at_sign(struct look *l, size_t at)
{
	size_t from = at, to = at + 1, dot = 0;
	char address[128];

	while (from > 0 && at - from < 64 && (is_word(l->text[from - 1]) || strchr(".%+-", l->text[from - 1])) && l->text[from - 1])
		from--;
	while (to < l->len && to - at < 100 && (is_letter(l->text[to]) || is_digit(l->text[to]) || l->text[to] == '-' || l->text[to] == '.')) {
		if (l->text[to] == '.')
			dot = to;
		to++;
	}
	while (to > at + 1 && strchr(".-", l->text[to - 1]))
		to--;
	if (from == at || dot <= at + 1 || to < dot + 3 || !is_letter(l->text[to - 1]) || to - from >= sizeof(address))
		return;
	for (size_t i = from; i < to; i++)
		address[i - from] = is_upper(l->text[i]) ? (char)(l->text[i] | 0x20) : l->text[i];
	look_address(l, address, to - from, from);
}
