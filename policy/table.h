/* The one table of facts: what each is called in rules and in JSON, where it lies in the record, what it means. Rules are parsed,
 * documented (policy/README.md, `sekisho policy facts`) and completed from it; facts.c writes and reads by it. Constant data. */
#ifndef POLICY_TABLE_H
#define POLICY_TABLE_H

#include "policy/facts.h"

enum fact_type {
	FACT_TEXT,
	FACT_BOOL,
	FACT_INT,   /* int */
	FACT_INT64, /* a number */
	FACT_SIZE,  /* int64_t bytes; "10 MiB" in rules */
	FACT_TIME,  /* int64_t ms UTC; RFC 3339 in rules */
	FACT_WORD,  /* an enum, by its words */
	FACT_LIST,  /* struct facts_list */
	FACT_ROWS,  /* parts, hits, links: rows of another table */
	FACT_GROUPS, /* `known` */
};

struct fact_table;

struct fact {
	const char *name; /* "mail.from": in JSON one object within the other */
	enum fact_type type;
	unsigned group;   /* enum facts_group; 0: always known */
	size_t at;        /* offset in its record */
	const char *const *words; /* FACT_WORD: by value, ended by NULL, "" is no value. FACT_TEXT: the usual ones, for completion */
	const struct fact_table *rows;
	const char *en, *ja; /* what it means */
};

/* Of the item, of one part, hit or link. */
struct fact_table {
	const char *name; /* "item" "part" "hit" "link" */
	const struct fact *of;
	size_t n, record;          /* record: bytes of one */
	size_t at_n, at_seen, max; /* rows: where struct facts counts them, and how many it holds */
};

extern const struct fact_table facts_item, facts_part, facts_hit, facts_link;

const struct fact *facts_find(const struct fact_table *t, const char *name); /* NULL */
/* The nearest name by edit distance; NULL. */
const char *facts_nearest(const struct fact_table *t, const char *name);
const char *facts_type_name(enum fact_type t); /* in the process's language */
const char *facts_type_word(enum fact_type t); /* for programs: "text" "bool" "number" "size" "time" "word" "list" "rows" "groups" */
const char *facts_group_name(unsigned group);  /* one bit: "content" "words" …; "" for 0 */
/* Several: "content, words". Returns buf. */
char *facts_groups_text(unsigned groups, char *buf, size_t size);
#define FACTS_GROUPS_TEXT 64

#endif
