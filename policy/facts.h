/* The facts that rules are asked about: everything known of one item at the moment of its judgement, in one bounded record.
 *
 * facts.c has the one table of them (path, type, group, meaning in both languages): rules are parsed, documented and completed
 * from it, and facts are written as JSON and read back by it (recorded for replay and re-judging, typed into a rule's own
 * cases). Pure data: no I/O, no clock. Strings belong to whoever fills them in and outlive the record; NULL is "". All text
 * is UTF-8; addresses and hosts are lower case, hosts as their readers see them (Unicode, not punycode).
 *
 * Groups that cost something are filled in only when a rule asks: `known` says which are there, and a rule that needs another
 * makes the decision say so (struct policy_decision.needs). */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* What may be unknown yet. */
enum facts_group {
	FACTS_CONTENT = 1, /* verdict, parts, links, mail head: after a scan */
	FACTS_WORDS = 2,   /* detector hits, and links of texts: a scan that looked at words */
	FACTS_SHARING = 4, /* asked of the provider */
	FACTS_PEOPLE = 8,  /* groups, org unit of the owner; who is a colleague: the synchronised directory */
	FACTS_HISTORY = 16, /* correspondence and hosts seen before: the store */
	FACTS_ALL = 31,
};

enum facts_kind { FACTS_FILE = 1, FACTS_MAIL, FACTS_CHAT }; /* as enum item_kind */
enum facts_direction { FACTS_IN = 1, FACTS_OUT, FACTS_INTERNAL };
enum facts_auth { FACTS_AUTH_NONE, FACTS_AUTH_PASS, FACTS_AUTH_FAIL, FACTS_AUTH_SOFTFAIL, FACTS_AUTH_NEUTRAL, FACTS_AUTH_ERROR };

#define FACTS_MAX_PARTS 256
#define FACTS_MAX_HITS 64
#define FACTS_MAX_LINKS 64
#define FACTS_MAX_LIST 64 /* recipients, collaborators, groups … */

struct facts_list {
	int n, seen; /* seen: all, n: those that are here */
	const char *of[FACTS_MAX_LIST];
};

struct facts_part {
	const char *name, *path; /* path: names from below the item to the part, "a.zip/b.doc" */
	const char *type;        /* true type in short: "pe" "zip" "ooxml.word" "pdf" "html" … (scan_type_name()) */
	const char *extension;   /* lower case, without the dot */
	const char *sha256;
	int64_t size;
	int depth, parent;       /* parent: index, -1 */
	bool encrypted, opened;  /* opened: encrypted, and a password was found */
	bool macros, rtl_override, double_extension;
	bool executable; /* programs and scripts, by true type */
	bool mismatch;   /* the extension tells another type than the content */
};

struct facts_hit {
	const char *detector; /* "my_number" "payment_card" … or of a policy's own detector */
	const char *masked;   /* for people */
	const char *hash;     /* keyed, of the first */
	int part, count, distinct;
	bool near;            /* its words of context stand near one of them */
};

struct facts_link {
	const char *url, *host, *domain; /* domain: the registrable one */
	const char *text;                /* shown for it */
	const char *text_host;           /* the host that the shown text names, "" none */
	const char *lookalike_of;        /* the protected domain that it looks like, "" */
	const char *listed;              /* the list that names it: its file's name, "blocked" of the tenant's own; "" */
	int part;
	bool mismatch;  /* text_host belongs to another domain than the link */
	bool punycode, mixed_scripts, ip_address, shortener, credentials /* user@ in it */;
	bool script;    /* a program or a page in itself: javascript:, data: */
	bool inner;     /* what the redirector before it leads to */
	bool approved;
	int64_t age_days; /* since its domain was first seen by this tenant; 0: today; -1: never before */
};

struct facts_mail {
	enum facts_direction direction;
	const char *from_name, *from, *from_domain;
	const char *sender, *reply_to, *reply_domain, *return_path;
	struct facts_list to; /* and Cc */
	const char *subject, *message_id, *list_id;
	enum facts_auth spf, dkim, dmarc; /* as the receiving provider recorded them */
	enum facts_auth compauth; /* … and what it made of them (Exchange Online) */
	bool from_own;            /* From names an own domain; with direction in: somebody else wrote that */
	const char *lookalike_of; /* the protected domain that from_domain looks like, "" */
	const char *colleague;    /* outside, but named as this person of the tenant; "" */
	bool executive;           /* … who is one of its executives */
	bool reply_elsewhere;     /* replies go to another domain */
	bool first_contact;       /* nobody of the tenant had mail from or to this address before */
	int64_t contact_days;     /* since the first mail; 0 with first_contact */
	int64_t contacts;         /* mails counted before */
	bool approved, blocked;   /* sender or domain is on the tenant's list */
};

struct facts_sharing {
	bool public_link;   /* anyone with the link, or listed for all */
	bool organisation_link;
	bool password, expires; /* the public link asks for one, ends by itself */
	bool outside;       /* somebody of no own domain has access */
	struct facts_list outside_addresses;
};

struct facts {
	unsigned known; /* enum facts_group */
	enum facts_kind kind;
	const char *tenant, *connection, *provider, *service;
	const char *owner, *org_unit;
	struct facts_list groups;
	const char *name, *extension, *path, *stream; /* path: place for people; stream: mailbox folder, drive, channel */
	int64_t size;
	int64_t time;     /* ms UTC: received or changed */
	int hour, weekday; /* of time, in the tenant's zone; weekday 1 Monday to 7 Sunday */
	bool holiday;      /* of Japan, by the calendar there (base/holiday.h) */

	const char *verdict, *reason; /* "clean" "threat" "unknown" */
	bool from_provider;
	struct facts_list threats;
	const char *sha256;
	bool hash_approved, hash_blocked; /* on the tenant's lists */

	struct facts_mail mail;
	int n_parts, parts_seen;
	struct facts_part parts[FACTS_MAX_PARTS];
	int n_hits, hits_seen;
	struct facts_hit hits[FACTS_MAX_HITS];
	int n_links, links_seen;
	struct facts_link links[FACTS_MAX_LINKS];
	struct facts_sharing sharing;
};

/* As one JSON object, by the table; what is empty, zero or unknown is left out. Appends. */
int facts_print(const struct facts *f, struct buf *out);
/* Back again; strings in the arena. Unknown keys and wrong types are REMOTE "bad_facts" with the path in the message. */
int facts_read(const char *json, size_t len, struct arena *a, struct facts *ret, struct err *err);

#endif
