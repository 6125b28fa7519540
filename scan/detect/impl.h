/* What the files of detectors share: one look at a part's words. numbers.c confirms rows of digits, secrets.c keys and tokens,
 * phrases.c words, markings and addresses; detect.c runs the database and notes what they confirm. For those files only. */
#ifndef SCAN_DETECT_IMPL_H
#define SCAN_DETECT_IMPL_H

#include "scan/detect/detect.h"

#include <hs.h>

enum detector {
	CARD, MY_NUMBER, CORPORATE, LICENCE, PASSPORT, RESIDENCE, ACCOUNT, PHONE, ADDRESS, IBAN, SSN,
	PRIVATE_KEY, AWS, AZURE, GCP, GITHUB, GITLAB, SLACK, JWT, NPM, PYPI, STRIPE, SENDGRID, AI,
	CONFIDENTIAL, PAYMENT, PASSWORD, INVOICE, SIGN_IN, ADDRESSES,
	DETECTORS,
};

/* Words that tell of something when they stand near it. */
enum context {
	C_CARD, C_MY_NUMBER, C_CORPORATE, C_LICENCE, C_PASSPORT, C_RESIDENCE, C_BANK, C_ACCOUNT, C_ACCOUNT_NUMBER, C_PHONE, C_ADDRESS, C_IBAN, C_SSN,
	C_OTHER, /* names of other numbers: what follows one directly is not what a word further off tells of */
	CONTEXTS,
};

#define NEAR 120       /* bytes between a number and a word that tells of it */
#define MANY_ADDRESSES 10 /* different ones, from which on they are told */
#define MAX_WAITING 32
#define NOWHERE SIZE_MAX

#define SEEN 16384 /* places of the table of different ones; half of them are used */
struct own;

struct detect {
	hs_database_t *db;
	hs_scratch_t *scratch;
	struct own *own; /* NULL: policies bring none */
	uint8_t key[32];
	uint64_t quick[2]; /* of the key, for hashes that never leave the worker */
	size_t n_seen;
	uint64_t seen[SEEN];
	unsigned heads[SCAN_MAX_PARTS]; /* contexts whose words are lines of their own there */
	int address_part, addresses, addresses_distinct, address_hit; /* of one part at a time */
};

struct candidate {
	enum detector detector;
	unsigned contexts;
	size_t from, to;
	char digits[40];
};

struct column {
	char sep; /* '\0': the word is no table's head */
	int index, last; /* its own, the last one of that line */
	size_t line; /* where the head's line begins */
};

struct look {
	struct detect *d;
	struct scan_reply *reply;
	int part;
	enum detect_what what;
	const char *text;
	size_t len;
	size_t row_done;  /* rows of digits before this are looked at */
	size_t token_done;
	size_t phrase_done[DETECTORS];
	size_t word_from[CONTEXTS], word_to[CONTEXTS]; /* the last of each; NOWHERE */
	unsigned n_words[CONTEXTS];
	struct column columns[CONTEXTS];
	uint64_t other_columns; /* of the line in columns[C_OTHER], a bit each */
	struct {
		int hit;     /* in the reply, -1 */
		size_t to;   /* end of the last one, while no word stood near it; NOWHERE */
	} found[DETECTORS];
	struct candidate waiting[MAX_WAITING]; /* for a word behind them, a ring */
	unsigned n_waiting;
};

/* ---- hits.c ---- */

/* Is it the first time? A table of what was found in all parts so far; when it is full, nothing is new any more. */
bool hits_new(struct detect *d, int part, unsigned detector, const char *text, size_t n);
/* Notes one of any detector: key tells it from others. Its index among the reply's hits, -1 when there was no room. */
int look_note(struct look *l, const char *id, unsigned key, bool near, size_t from, const char *canonical, size_t n, const char *masked);

/* ---- detect.c ---- */

/* Notes one: canonical is what makes two of them the same, masked what people see. */
void look_add(struct look *l, enum detector detector, size_t from, size_t to, const char *canonical, size_t n, const char *masked);
/* The same where words of context are the condition: at once when they stand before it or above it, else it waits for them. */
void look_add_in_context(struct look *l, enum detector detector, unsigned contexts, size_t from, size_t to, const char *canonical,
	size_t n, const char *masked);
/* A cell of an Excel file that only its column's head tells of: it counts when the file has such a head. */
void look_add_cell(struct look *l, enum detector detector, enum context head, size_t from, size_t to, const char *canonical, size_t n,
	const char *masked);
/* Does one of these words stand before, within so many bytes, or at the head of the column? */
bool look_near(struct look *l, unsigned contexts, size_t from, size_t within);
/* A mail address; many of them are a hit. */
void look_address(struct look *l, const char *address, size_t n, size_t at);
/* n characters, the last `shown` of them as they are. */
void look_mask(char out[48], const char *digits, size_t n, size_t shown);

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}
static inline bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
static inline bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}
static inline bool is_word(char c)
{
	return is_digit(c) || is_letter(c) || c == '_';
}

/* ---- numbers.c ---- */
void numbers_row(struct look *l, size_t end); /* the row of digits around a place */

/* ---- secrets.c ---- */
struct token; /* a row of its table */
size_t secrets_count(void);
const char *secrets_pattern(size_t i); /* for the database: a literal */
void secrets_look(struct look *l, size_t i, size_t end);

/* ---- phrases.c ---- */
struct phrase {
	const char *pattern;
	unsigned flags;
	enum detector detector;
	const char *shown; /* NULL: what was found itself */
};
size_t phrases_count(void);
const struct phrase *phrases_at(size_t i);
void phrases_look(struct look *l, size_t i, size_t from, size_t to);
void phrases_prefecture(struct look *l, size_t from, size_t to);
void phrases_postal(struct look *l, size_t from, size_t to);
void phrases_at_sign(struct look *l, size_t at);

#endif
