/* The table of facts; see table.h. A fact that is added to facts.h gets its line here, and rules, JSON and documentation have it. */
#include "policy/table.h"

#include "base/conf.h"
#include "base/i18n.h"

#include <string.h>

static const char *const kinds[] = {"", "file", "mail", "chat", NULL};
static const char *const directions[] = {"", "in", "out", "internal", NULL};
static const char *const results[] = {"none", "pass", "fail", "softfail", "neutral", "error", NULL};
static const char *const verdicts[] = {"clean", "threat", "unknown", NULL};
static const char *const providers[] = {"microsoft", "google", "box", "dropbox", NULL};
static const char *const services[] = {"exchange", "onedrive", "sharepoint", "teams", "gmail", "drive", "box", "dropbox", NULL};
static const char *const detectors[] = {"my_number", "corporate_number", "driving_licence", "passport_jp", "residence_card",
	"bank_account", "phone_jp", "address_jp", "payment_card", "iban", "us_ssn", "private_key", "aws_key", "azure_key", "gcp_key",
	"github_token", "gitlab_token", "slack_token", "jwt", "npm_token", "pypi_token", "stripe_key", "sendgrid_key", "ai_key",
	"words.confidential", "words.payment", "words.password", "words.invoice", "words.sign_in", "many_addresses", "phishing.clamav", NULL};
/* As scan/types.c calls them; scan/README.md says what each is. */
static const char *const types[] = {"pe", "elf", "macho", "class", "pyc", "dex", "script.js", "script.vbs", "script.wsf", "script.ps1",
	"script.sh", "script.python", "script.perl", "script.ruby", "script.autoit", "script.autohotkey", "script.apple", "script.encoded",
	"batch", "hta", "lnk", "url", "scf", "reg", "inf", "iqy", "library-ms", "searchconnector-ms", "settingcontent-ms", "desktop", "jnlp",
	"clickonce", "msc", "chm", "msi", "jar", "apk", "appx", "deb", "rpm", "crx", "iso", "img", "vhd", "vmdk", "dmg", "wim", "zip", "rar",
	"7z", "gz", "bz2", "xz", "tar", "cpio", "cab", "lha", "arj", "alz", "egg", "ace", "zst", "lz4", "lzip", "compress", "szdd", "xar",
	"squashfs", "ooxml.word", "ooxml.excel", "ooxml.powerpoint", "ooxml.visio", "ooxml", "ole2.word", "ole2.excel", "ole2.powerpoint",
	"ole2.outlook", "ole2.encrypted", "ole2", "odf.text", "odf.spreadsheet", "odf.presentation", "odf", "pdf", "rtf", "html", "mhtml",
	"xml", "xml.word", "xml.excel", "sylk", "onenote", "access", "ichitaro", "hwp", "epub", "ps", "mail", "tnef", "text", "image", "svg",
	"media", "font", "swf", "sqlite", "wasm", "encrypted", "uuencoded", "binhex", "data", NULL};

#define ITEM(field) offsetof(struct facts, field)

static const struct fact item[] = {
	{"known", FACT_GROUPS, 0, ITEM(known), .en = "the groups of facts that are known; all of them when it is missing",
		.ja = "分かっている事実のグループ。省略時はすべて"},
	{"kind", FACT_WORD, 0, ITEM(kind), kinds, .en = "what the item is", .ja = "対象の種類"},
	{"tenant", FACT_TEXT, 0, ITEM(tenant), .en = "the company", .ja = "会社 (テナント)"},
	{"connection", FACT_TEXT, 0, ITEM(connection), .en = "the connection it came by", .ja = "接続"},
	{"provider", FACT_TEXT, 0, ITEM(provider), providers, .en = "the cloud", .ja = "クラウド"},
	{"service", FACT_TEXT, 0, ITEM(service), services, .en = "the service of the cloud", .ja = "サービス"},
	{"owner", FACT_TEXT, 0, ITEM(owner), .en = "address of the mailbox, of the file's owner, of who wrote the message; name of a site or shared drive",
		.ja = "メールボックス・ファイルの所有者・投稿者のアドレス、またはサイトや共有ドライブの名前"},
	{"org_unit", FACT_TEXT, FACTS_PEOPLE, ITEM(org_unit), .en = "the owner's organisational unit or department", .ja = "所有者の組織部門"},
	{"groups", FACT_LIST, FACTS_PEOPLE, ITEM(groups), .en = "groups that the owner is in", .ja = "所有者の所属グループ"},
	{"groups_seen", FACT_INT, FACTS_PEOPLE, ITEM(groups.seen), .en = "how many they are", .ja = "その数"},
	{"name", FACT_TEXT, 0, ITEM(name), .en = "file name; subject of a mail", .ja = "ファイル名。メールでは件名"},
	{"extension", FACT_TEXT, 0, ITEM(extension), .en = "of the name, lower case, without the dot", .ja = "拡張子 (小文字、点なし)"},
	{"path", FACT_TEXT, 0, ITEM(path), .en = "the folder it lies in", .ja = "置かれているフォルダー"},
	{"stream", FACT_TEXT, 0, ITEM(stream), .en = "mailbox folder, drive or channel", .ja = "メールフォルダー・ドライブ・チャネル"},
	{"size", FACT_SIZE, 0, ITEM(size), .en = "bytes", .ja = "大きさ (バイト)"},
	{"time", FACT_TIME, 0, ITEM(time), .en = "when it was received or changed", .ja = "受信または変更の時刻"},
	{"hour", FACT_INT, 0, ITEM(hour), .en = "hour of that time in the company's zone, 0 to 23", .ja = "その時刻の時 (会社の時間帯、0〜23)"},
	{"weekday", FACT_INT, 0, ITEM(weekday), .en = "day of the week: mon to sun (1 to 7)", .ja = "曜日 (mon〜sun、1〜7)"},
	{"holiday", FACT_BOOL, 0, ITEM(holiday), .en = "a public holiday of Japan", .ja = "日本の祝日"},
	{"verdict", FACT_TEXT, FACTS_CONTENT, ITEM(verdict), verdicts, .en = "what the engine says", .ja = "エンジンの判定"},
	{"reason", FACT_TEXT, FACTS_CONTENT, ITEM(reason), .en = "why the verdict is unknown", .ja = "判定不能の理由"},
	{"from_provider", FACT_BOOL, FACTS_CONTENT, ITEM(from_provider), .en = "the provider called it malware", .ja = "クラウド側がマルウェアと判定した"},
	{"threats", FACT_LIST, FACTS_CONTENT, ITEM(threats), .en = "names of the signatures that matched", .ja = "一致したシグネチャの名前"},
	{"threats_seen", FACT_INT, FACTS_CONTENT, ITEM(threats.seen), .en = "how many they are", .ja = "その数"},
	{"sha256", FACT_TEXT, FACTS_CONTENT, ITEM(sha256), .en = "of the content, hexadecimal", .ja = "内容の SHA-256"},
	{"hash_approved", FACT_BOOL, FACTS_CONTENT, ITEM(hash_approved), .en = "the content is on the approved list", .ja = "内容が許可リストにある"},
	{"hash_blocked", FACT_BOOL, FACTS_CONTENT, ITEM(hash_blocked), .en = "the content is on the blocked list", .ja = "内容がブロックリストにある"},
	{"mail.direction", FACT_WORD, FACTS_CONTENT, ITEM(mail.direction), directions, .en = "from outside, to outside, or neither",
		.ja = "外部から・外部へ・社内"},
	{"mail.from_name", FACT_TEXT, FACTS_CONTENT, ITEM(mail.from_name), .en = "the sender's display name", .ja = "差出人の表示名"},
	{"mail.from", FACT_TEXT, FACTS_CONTENT, ITEM(mail.from), .en = "the sender's address", .ja = "差出人のアドレス"},
	{"mail.from_domain", FACT_TEXT, FACTS_CONTENT, ITEM(mail.from_domain), .en = "the domain of it", .ja = "そのドメイン"},
	{"mail.sender", FACT_TEXT, FACTS_CONTENT, ITEM(mail.sender), .en = "address of the Sender header", .ja = "Sender ヘッダーのアドレス"},
	{"mail.reply_to", FACT_TEXT, FACTS_CONTENT, ITEM(mail.reply_to), .en = "where replies go", .ja = "返信先"},
	{"mail.reply_domain", FACT_TEXT, FACTS_CONTENT, ITEM(mail.reply_domain), .en = "the domain of it", .ja = "そのドメイン"},
	{"mail.return_path", FACT_TEXT, FACTS_CONTENT, ITEM(mail.return_path), .en = "the envelope's sender", .ja = "エンベロープの差出人"},
	{"mail.to", FACT_LIST, FACTS_CONTENT, ITEM(mail.to), .en = "addresses of To and Cc", .ja = "宛先 (To と Cc)"},
	{"mail.to_seen", FACT_INT, FACTS_CONTENT, ITEM(mail.to.seen), .en = "how many they are", .ja = "その数"},
	{"mail.subject", FACT_TEXT, FACTS_CONTENT, ITEM(mail.subject), .en = "subject", .ja = "件名"},
	{"mail.message_id", FACT_TEXT, FACTS_CONTENT, ITEM(mail.message_id), .en = "Message-ID", .ja = "Message-ID"},
	{"mail.list_id", FACT_TEXT, FACTS_CONTENT, ITEM(mail.list_id), .en = "List-ID of a mailing list or newsletter", .ja = "メーリングリスト・メールマガジンの List-ID"},
	{"mail.spf", FACT_WORD, FACTS_CONTENT, ITEM(mail.spf), results, .en = "SPF, as the receiving provider recorded it", .ja = "受信側クラウドが記録した SPF の結果"},
	{"mail.dkim", FACT_WORD, FACTS_CONTENT, ITEM(mail.dkim), results, .en = "DKIM, likewise", .ja = "同じく DKIM の結果"},
	{"mail.dmarc", FACT_WORD, FACTS_CONTENT, ITEM(mail.dmarc), results, .en = "DMARC, likewise", .ja = "同じく DMARC の結果"},
	{"mail.compauth", FACT_WORD, FACTS_CONTENT, ITEM(mail.compauth), results, .en = "what Exchange Online made of all three",
		.ja = "Exchange Online による総合判定"},
	{"mail.from_own", FACT_BOOL, FACTS_CONTENT, ITEM(mail.from_own), .en = "the sender's address is of an own domain; with direction in somebody else wrote that",
		.ja = "差出人のアドレスが自社のドメイン (direction が in なら詐称)"},
	{"mail.lookalike_of", FACT_TEXT, FACTS_CONTENT, ITEM(mail.lookalike_of), .en = "the protected domain that the sender's looks like",
		.ja = "差出人のドメインがよく似ている保護対象ドメイン"},
	{"mail.colleague", FACT_TEXT, FACTS_PEOPLE, ITEM(mail.colleague), .en = "from outside, but named as this person of the company",
		.ja = "外部からなのに、表示名が同じ社内の人"},
	{"mail.executive", FACT_BOOL, FACTS_PEOPLE, ITEM(mail.executive), .en = "that person is one of the executives", .ja = "その人が役員"},
	{"mail.reply_elsewhere", FACT_BOOL, FACTS_CONTENT, ITEM(mail.reply_elsewhere), .en = "replies go to another domain", .ja = "返信先が別のドメイン"},
	{"mail.first_contact", FACT_BOOL, FACTS_HISTORY, ITEM(mail.first_contact), .en = "no mail from or to this sender before",
		.ja = "この差出人とのやり取りは初めて"},
	{"mail.contact_days", FACT_INT64, FACTS_HISTORY, ITEM(mail.contact_days), .en = "days since the first mail", .ja = "最初のやり取りからの日数"},
	{"mail.contacts", FACT_INT64, FACTS_HISTORY, ITEM(mail.contacts), .en = "mails with this sender before", .ja = "これまでのやり取りの数"},
	{"mail.approved", FACT_BOOL, FACTS_CONTENT, ITEM(mail.approved), .en = "sender or domain is on the approved list", .ja = "差出人が許可リストにある"},
	{"mail.blocked", FACT_BOOL, FACTS_CONTENT, ITEM(mail.blocked), .en = "sender or domain is on the blocked list", .ja = "差出人がブロックリストにある"},
	{"parts", FACT_ROWS, FACTS_CONTENT, ITEM(parts), .rows = &facts_part, .en = "the item itself and all that was unpacked from it",
		.ja = "対象そのものと、取り出されたすべての部分"},
	{"parts_seen", FACT_INT, FACTS_CONTENT, ITEM(parts_seen), .en = "how many they are; the first 256 are described", .ja = "その数 (説明は最初の 256 件)"},
	{"hits", FACT_ROWS, FACTS_WORDS, ITEM(hits), .rows = &facts_hit, .en = "what detectors found, one for each detector and part",
		.ja = "検出器が見つけたもの (検出器と部分ごとに 1 件)"},
	{"hits_seen", FACT_INT, FACTS_WORDS, ITEM(hits_seen), .en = "how many they are", .ja = "その数"},
	{"links", FACT_ROWS, FACTS_WORDS, ITEM(links), .rows = &facts_link, .en = "links in mails, pages and documents", .ja = "メール・ページ・文書のリンク"},
	{"links_seen", FACT_INT, FACTS_WORDS, ITEM(links_seen), .en = "how many they are", .ja = "その数"},
	{"sharing.public_link", FACT_BOOL, FACTS_SHARING, ITEM(sharing.public_link), .en = "anyone with the link, or everybody, has access",
		.ja = "リンクを知る全員、または誰でもアクセスできる"},
	{"sharing.organisation_link", FACT_BOOL, FACTS_SHARING, ITEM(sharing.organisation_link), .en = "all of the organisation has access",
		.ja = "組織の全員がアクセスできる"},
	{"sharing.password", FACT_BOOL, FACTS_SHARING, ITEM(sharing.password), .en = "the public link asks for a password", .ja = "公開リンクにパスワードがある"},
	{"sharing.expires", FACT_BOOL, FACTS_SHARING, ITEM(sharing.expires), .en = "the public link ends by itself", .ja = "公開リンクに期限がある"},
	{"sharing.outside", FACT_BOOL, FACTS_SHARING, ITEM(sharing.outside), .en = "somebody of no own domain has access", .ja = "社外の人がアクセスできる"},
	{"sharing.outside_addresses", FACT_LIST, FACTS_SHARING, ITEM(sharing.outside_addresses), .en = "their addresses", .ja = "そのアドレス"},
	{"sharing.outside_addresses_seen", FACT_INT, FACTS_SHARING, ITEM(sharing.outside_addresses.seen), .en = "how many they are", .ja = "その数"},
};

#define PART(field) offsetof(struct facts_part, field)

static const struct fact part[] = {
	{"name", FACT_TEXT, FACTS_CONTENT, PART(name), .en = "its name", .ja = "名前"},
	{"path", FACT_TEXT, FACTS_CONTENT, PART(path), .en = "names from below the item down to it: a.zip/b.doc", .ja = "対象の中での位置 (a.zip/b.doc)"},
	{"type", FACT_TEXT, FACTS_CONTENT, PART(type), types, .en = "true type, by content", .ja = "内容から見た本当の種類"},
	{"extension", FACT_TEXT, FACTS_CONTENT, PART(extension), .en = "of the name, lower case, without the dot", .ja = "拡張子 (小文字、点なし)"},
	{"sha256", FACT_TEXT, FACTS_CONTENT, PART(sha256), .en = "of its content", .ja = "内容の SHA-256"},
	{"size", FACT_SIZE, FACTS_CONTENT, PART(size), .en = "bytes", .ja = "大きさ (バイト)"},
	{"depth", FACT_INT, FACTS_CONTENT, PART(depth), .en = "0 the item itself, 1 what lies in it, …", .ja = "深さ (0 は対象そのもの)"},
	{"parent", FACT_INT, FACTS_CONTENT, PART(parent), .en = "index of the part that it lies in, -1 none", .ja = "親の番号 (なければ -1)"},
	{"encrypted", FACT_BOOL, FACTS_CONTENT, PART(encrypted), .en = "it wants a password", .ja = "パスワードが必要"},
	{"opened", FACT_BOOL, FACTS_CONTENT, PART(opened), .en = "and a password was found", .ja = "パスワードが見つかり開けた"},
	{"macros", FACT_BOOL, FACTS_CONTENT, PART(macros), .en = "it holds macros", .ja = "マクロを含む"},
	{"rtl_override", FACT_BOOL, FACTS_CONTENT, PART(rtl_override), .en = "its name turns the direction of text around", .ja = "名前に文字の向きを変える制御文字がある"},
	{"double_extension", FACT_BOOL, FACTS_CONTENT, PART(double_extension), .en = "a document's extension before a program's", .ja = "文書の拡張子の後にプログラムの拡張子"},
	{"executable", FACT_BOOL, FACTS_CONTENT, PART(executable), .en = "a program or script, by true type", .ja = "プログラムやスクリプト (本当の種類で)"},
	{"mismatch", FACT_BOOL, FACTS_CONTENT, PART(mismatch), .en = "the extension tells another type than the content", .ja = "拡張子と内容が食い違う"},
};

#define HIT(field) offsetof(struct facts_hit, field)

static const struct fact hit[] = {
	{"detector", FACT_TEXT, FACTS_WORDS, HIT(detector), detectors, .en = "which detector", .ja = "検出器"},
	{"masked", FACT_TEXT, FACTS_WORDS, HIT(masked), .en = "the first, masked", .ja = "最初の 1 件 (伏せ字)"},
	{"hash", FACT_TEXT, FACTS_WORDS, HIT(hash), .en = "keyed hash of the first, which tells repeats", .ja = "最初の 1 件の鍵付きハッシュ"},
	{"part", FACT_INT, FACTS_WORDS, HIT(part), .en = "the part it is in", .ja = "見つかった部分"},
	{"count", FACT_INT, FACTS_WORDS, HIT(count), .en = "how often", .ja = "件数"},
	{"distinct", FACT_INT, FACTS_WORDS, HIT(distinct), .en = "how many different ones", .ja = "異なるものの数"},
	{"near", FACT_BOOL, FACTS_WORDS, HIT(near), .en = "words that tell of it stand beside one of them", .ja = "それを示す言葉が近くにある"},
};

#define LINK(field) offsetof(struct facts_link, field)

static const struct fact link_[] = {
	{"url", FACT_TEXT, FACTS_WORDS, LINK(url), .en = "where it leads", .ja = "リンク先"},
	{"host", FACT_TEXT, FACTS_WORDS, LINK(host), .en = "its host, in Unicode", .ja = "ホスト (Unicode)"},
	{"domain", FACT_TEXT, FACTS_WORDS, LINK(domain), .en = "its registrable domain", .ja = "登録ドメイン"},
	{"text", FACT_TEXT, FACTS_WORDS, LINK(text), .en = "the text shown for it", .ja = "表示される文字"},
	{"text_host", FACT_TEXT, FACTS_WORDS, LINK(text_host), .en = "the host that the shown text names", .ja = "表示される文字が名指すホスト"},
	{"lookalike_of", FACT_TEXT, FACTS_WORDS, LINK(lookalike_of), .en = "the protected domain that it looks like", .ja = "よく似ている保護対象ドメイン"},
	{"listed", FACT_TEXT, FACTS_WORDS, LINK(listed), .en = "the list of bad hosts that names it", .ja = "載っている危険リスト"},
	{"part", FACT_INT, FACTS_WORDS, LINK(part), .en = "the part it is in", .ja = "見つかった部分"},
	{"mismatch", FACT_BOOL, FACTS_WORDS, LINK(mismatch), .en = "the shown text names another domain than the link leads to",
		.ja = "表示と実際のリンク先のドメインが違う"},
	{"punycode", FACT_BOOL, FACTS_WORDS, LINK(punycode), .en = "an internationalised host", .ja = "国際化ドメイン"},
	{"mixed_scripts", FACT_BOOL, FACTS_WORDS, LINK(mixed_scripts), .en = "letters of several scripts in one label", .ja = "複数の文字体系が混ざる"},
	{"ip_address", FACT_BOOL, FACTS_WORDS, LINK(ip_address), .en = "the host is an address of numbers", .ja = "ホストが IP アドレス"},
	{"shortener", FACT_BOOL, FACTS_WORDS, LINK(shortener), .en = "a service that shortens links", .ja = "短縮 URL"},
	{"credentials", FACT_BOOL, FACTS_WORDS, LINK(credentials), .en = "user@ stands before the host", .ja = "ホストの前に user@ がある"},
	{"script", FACT_BOOL, FACTS_WORDS, LINK(script), .en = "no address but a program or page in itself: javascript:, data:", .ja = "javascript: や data: など、それ自体がプログラムやページ"},
	{"inner", FACT_BOOL, FACTS_WORDS, LINK(inner), .en = "where the redirecting link before it leads on to", .ja = "直前の転送リンクの行き先"},
	{"approved", FACT_BOOL, FACTS_WORDS, LINK(approved), .en = "on the approved list", .ja = "許可リストにある"},
	{"age_days", FACT_INT64, FACTS_HISTORY, LINK(age_days), .en = "days since its domain was first seen here; -1: never before",
		.ja = "このドメインを初めて見てからの日数 (-1 は初めて)"},
};

const struct fact_table facts_item = {"item", item, ARRAY_SIZE(item), sizeof(struct facts), 0, 0, 1};
const struct fact_table facts_part = {"part", part, ARRAY_SIZE(part), sizeof(struct facts_part), ITEM(n_parts), ITEM(parts_seen), FACTS_MAX_PARTS};
const struct fact_table facts_hit = {"hit", hit, ARRAY_SIZE(hit), sizeof(struct facts_hit), ITEM(n_hits), ITEM(hits_seen), FACTS_MAX_HITS};
const struct fact_table facts_link = {"link", link_, ARRAY_SIZE(link_), sizeof(struct facts_link), ITEM(n_links), ITEM(links_seen), FACTS_MAX_LINKS};

const struct fact *facts_find(const struct fact_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->of[i].name, name) == 0)
			return &t->of[i];
	return NULL;
}

const char *facts_nearest(const struct fact_table *t, const char *name)
{
	const char *names[ARRAY_SIZE(item) + 1];
	size_t n = 0;

	for (; n < t->n && n < ARRAY_SIZE(item); n++)
		names[n] = t->of[n].name;
	names[n] = NULL;
	return conf_nearest(name, names);
}

const char *facts_type_name(enum fact_type t)
{
	switch (t) {
	case FACT_TEXT: return _("text");
	case FACT_BOOL: return _("true or false");
	case FACT_INT:
	case FACT_INT64: return _("number");
	case FACT_SIZE: return _("size");
	case FACT_TIME: return _("time");
	case FACT_WORD: return _("word");
	case FACT_LIST: return _("list of texts");
	case FACT_ROWS: return _("rows");
	case FACT_GROUPS: return _("groups");
	}
	return "";
}

const char *facts_type_word(enum fact_type t)
{
	static const char *const words[] = {[FACT_TEXT] = "text", [FACT_BOOL] = "bool", [FACT_INT] = "number", [FACT_INT64] = "number",
		[FACT_SIZE] = "size", [FACT_TIME] = "time", [FACT_WORD] = "word", [FACT_LIST] = "list", [FACT_ROWS] = "rows", [FACT_GROUPS] = "groups"};

	return words[t];
}

const char *facts_group_name(unsigned group)
{
	switch (group) {
	case FACTS_CONTENT: return "content";
	case FACTS_WORDS: return "words";
	case FACTS_SHARING: return "sharing";
	case FACTS_PEOPLE: return "people";
	case FACTS_HISTORY: return "history";
	}
	return "";
}

char *facts_groups_text(unsigned groups, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned bit = 1; bit <= FACTS_ALL; bit <<= 1)
		if ((groups & bit) && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", facts_group_name(bit));
	return buf;
}
