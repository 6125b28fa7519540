/* What policy's own files share: the compiled form of rules. Not for others. */
#ifndef POLICY_IMPL_H
#define POLICY_IMPL_H

#include "base/conf.h"
#include "policy/policy.h"
#include "policy/table.h"

#include <pthread.h>

/* In a node's groups and a scratch's `known`: facts that come with every item. They are only unknown where there is no item yet: when
 * it is asked whether a rule concerns a service at all. Kind, provider and service are known even then. */
#define FACT_ALWAYS (1u << 31)

/* ---- facts.c: values of a record ---- */

int64_t fact_number(const struct fact *f, const void *record);
const char *fact_text(const struct fact *f, const void *record); /* of FACT_TEXT; never NULL */
const char *fact_word(const struct fact *f, int64_t value);
int fact_rows_n(const struct fact_table *t, const struct facts *facts);
/* A number of this fact as people write it: "10 MiB", "sat", "2026-04-01". */
int fact_parse_number(const struct fact *f, const char *text, int64_t *ret);

/* Facts from a tree: of a rule's case, or of JSON. */
struct facts_reader {
	struct arena *arena;
	bool json; /* texts are in quotes, or they are none */
	int line, column;
	char text[240]; /* what is wrong */
};
int facts_read_node(struct facts_reader *r, const struct conf_node *map, struct facts *ret);
int facts_wrong(struct facts_reader *r, const struct conf_node *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- match.c: texts ---- */

/* Letters of ASCII are compared without case; everything else byte by byte. */
struct text_key {
	uint64_t hash; /* of the folded text */
	uint64_t pairs; /* a bit for each pair of neighbours: what is not in it cannot be within the text */
	uint32_t len;
};
#define TEXT_CUT 1024 /* bytes of a fact's text that are looked at */
void text_key(const char *s, struct text_key *ret);
bool text_equal(const char *a, const char *b, size_t len);
bool text_glob(const char *pattern, const char *s, size_t len); /* * and ? (a character); pattern is folded */
bool text_contains(const char *s, size_t len, const char *what, size_t n);
uint64_t text_glob_pairs(const char *pattern); /* of the pieces between stars */

/* ---- the compiled form ---- */

/* Where a condition's value lives: one for the item, or one for each row of a table or entry of a list. */
struct domain {
	const struct fact_table *table; /* facts_item, facts_part …; NULL: entries of a list */
	const struct fact *list;        /* FACT_LIST or FACT_ROWS of the item; NULL: the item itself */
	unsigned group;
	unsigned words; /* of 64 bits for one value of each */
};
#define MAX_DOMAINS 16
enum { D_ITEM, D_PART, D_HIT, D_LINK, D_LISTS };

enum node_op {
	N_ALL, N_ANY, N_NOT,
	N_EQUAL, N_GLOB, N_CONTAINS, N_BEGINS, N_ENDS, /* a text is one of the constants */
	N_RANGE, /* min to max; true and false, words and numbers, too */
	N_SOME, N_EVERY, N_COUNT, N_SUM, /* over the child's domain */
	N_INSIDE, /* of a part: one of those that it lies in */
	N_AT,     /* of a hit or link: its part */
};

struct node {
	uint8_t op, domain;
	uint16_t cost;        /* cheap ones are looked at first */
	unsigned groups;      /* facts that it asks for, with its children's */
	uint32_t column;      /* of a test: policy->columns */
	uint32_t first, n;    /* children, or constants, in policy->args */
	uint32_t at;          /* of its value in the scratch: words of true, then words of unknown */
	const struct fact *fact; /* of N_SUM: what is added up; of N_COUNT without a child NULL */
	int64_t min, max;
};

/* A text or number of all rows of a domain, taken out once when a rule asks first. */
struct column {
	uint8_t domain;
	const struct fact *fact; /* NULL: the entries of a list */
	bool text;
	size_t at; /* bytes in the scratch */
};

struct constant {
	const char *text; /* folded */
	struct text_key key;
	uint64_t glob_pairs; /* pairs that any text must hold which it matches as a pattern */
};

struct rule {
	struct policy_rule pub;
	uint32_t root;      /* when, targets and exceptions: a node of the item */
	unsigned groups;
	int rank;           /* of the severity, strongest first */
	uint32_t source;
	bool shipped;
	const struct conf_node *cases; /* list; NULL */
	/* targets, for those who ask before there is an item */
	const char *const *tenants, *const *except_tenants; /* ended by NULL, or NULL: all */
};

struct detector {
	const char *id, *pattern, *file;
	const char *const *words, *const *near; /* ended by NULL */
	bool caseless;
	int line, column;
};

struct policy {
	struct arena *arena;
	struct conf_doc **docs; /* of the sources: cases are read from them */
	size_t n_docs;
	struct domain domains[MAX_DOMAINS];
	int n_domains;
	struct node *nodes;
	uint32_t n_nodes, max_nodes;
	uint32_t *args, n_args, max_args;
	struct constant *constants;
	uint32_t n_constants, max_constants;
	struct column *columns;
	uint32_t n_columns, max_columns;
	struct rule *rules; /* by severity, then as they stand */
	uint32_t n_rules, max_rules;
	struct detector *detectors;
	uint32_t n_detectors, n_words; /* words and patterns of all of them */
	uint64_t cost; /* of deciding, in text comparisons at the worst */
	size_t value_words, column_bytes;
	struct buf detectors_text;
	char version[65];
	pthread_mutex_t lock; /* of idle */
	pthread_cond_t returned;
	struct scratch *idle;
};

#define POLICY_MAX_RULES 5000
#define POLICY_MAX_SOURCE (2u << 20)   /* bytes of a file */
#define POLICY_MAX_SOURCES 256
#define POLICY_MAX_NODES 60000
#define POLICY_MAX_COST 6000000u       /* comparisons; see policy/README.md */
#define POLICY_MAX_DETECTORS 200
#define POLICY_MAX_CASES 50            /* of a rule */
#define POLICY_PATTERN_BYTES 1000
#define POLICY_TEXT_BYTES 512          /* of a constant */
#define POLICY_MAX_STARS 8

/* ---- node.c: making nodes; the same condition is made once ---- */

struct nodes; /* look-up tables of the one that is being compiled */
struct nodes *nodes_new(struct policy *p);
void nodes_free(struct nodes *n);
DEFINE_CLEANUP(struct nodes *, nodes_free)
#define NO_NODE UINT32_MAX
/* Each gives NO_NODE when memory or the limit of nodes ran out. */
uint32_t node_test(struct nodes *n, int domain, const struct fact *f, enum node_op op, const char *const *texts, size_t n_texts);
uint32_t node_range(struct nodes *n, int domain, const struct fact *f, int64_t min, int64_t max);
uint32_t node_join(struct nodes *n, enum node_op op, int domain, const uint32_t *children, size_t n_children);
uint32_t node_not(struct nodes *n, uint32_t child);
/* over: the domain counted; child NO_NODE: all of them. fact: what N_SUM adds up. */
uint32_t node_over(struct nodes *n, enum node_op op, int domain, int over, uint32_t child, const struct fact *fact, int64_t min, int64_t max);
int node_list_domain(struct nodes *n, const struct fact *list);

/* ---- scratch.c (in decide.c): what deciding needs, from a pool ---- */

struct scratch {
	struct scratch *next;
	const struct policy *p;
	const struct facts *f;
	unsigned known; /* of f, and FACT_ALWAYS */
	int n[MAX_DOMAINS]; /* rows of each domain in f */
	uint32_t round;
	uint32_t *node_round, *column_round;
	uint64_t *values;
	char *columns;
};
struct scratch *scratch_take(const struct policy *p, const struct facts *f);
void scratch_return(const struct policy *p, struct scratch *s);
int scratch_prepare(struct policy *p); /* the first one, so that there always is one */
void scratch_free_all(struct policy *p);

enum truth { FALSE, TRUE, UNKNOWN };
enum truth node_value(struct scratch *s, uint32_t node); /* of a node of the item */
/* The bits of a node: true ones; unknown ones stand behind them. */
const uint64_t *node_bits(struct scratch *s, uint32_t node);
unsigned node_needs(struct scratch *s, uint32_t node); /* groups that leave it unknown */
int domain_n(const struct policy *p, int domain, const struct facts *f);

/* ---- why.c ---- */

void why_match(struct scratch *s, uint32_t node, struct policy_match *ret);

/* ---- rule.c, condition.c, detector.c: reading files ---- */

struct compiler {
	struct policy *p;
	struct nodes *nodes;
	struct policy_problems *problems; /* NULL: only the first is kept */
	struct conf_doc *doc;
	const char *file;
	uint32_t source;
	bool shipped; /* the file is one of policy_shipped() */
	size_t errors;
	struct err *err; /* the first error */
	bool memory;     /* ran out: no problem of the rules */
};

/* Notes a problem at a node (NULL: the file). Returns -1 so that it can be returned. */
int complain(struct compiler *c, const struct conf_node *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int complain_key(struct compiler *c, const struct conf_node *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void warn_at(struct compiler *c, const struct conf_node *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Complains of keys that are not among these (ended by NULL), and of what is no map. */
int known_keys(struct compiler *c, const struct conf_node *map, const char *const *keys);
int problem_add(struct policy_problems *to, const char *file, int line, int column, bool warning, const char *text);

int rule_read(struct compiler *c, const struct conf_node *n);
uint32_t condition_read(struct compiler *c, const struct conf_node *when, int domain);
/* Words of a scalar or list, ended by NULL; NULL after a complaint. */
const char *const *texts_read(struct compiler *c, const struct conf_node *n, size_t *ret_n);
int detectors_read(struct compiler *c, const struct conf_node *list);
int detectors_prove(struct compiler *c); /* patterns are tried in a child with limits */
int detectors_print(struct policy *p);
bool detector_known(const struct policy *p, const char *id);

#endif
