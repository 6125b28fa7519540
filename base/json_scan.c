/* The strict JSON scanner: one pass over untrusted text, without recursion, that checks the grammar of
 * RFC 8259 and writes a mended copy for cJSON. See json.h for what is refused and what is mended.
 *
 * Duplicate keys are found with a small hash per open object; keys are compared after unescaping, so that
 * "a" and "\u0061" are the same key. Any thread, no state. */
#include "base/json.h"

#include "base/encode.h"

#include <string.h>

/* Keys of all open objects live in one stack of hashes; an object's own begin at its mark. */
struct keys {
	uint64_t *hash;
	size_t n, cap;
};

struct level {
	bool object;
	size_t mark; /* where its keys begin */
};

struct scanner {
	const char *text;
	size_t len, at;
	struct buf *out; /* NULL: check only */
	struct level levels[JSON_MAX_DEPTH];
	int depth;
	struct keys keys;
	struct err *err;
};

#define REPLACEMENT "\xef\xbf\xbd"
#define KEYS_MAX 2000000u

static int bad(struct scanner *s, const char *what)
{
	return err_set(s->err, ERR_REMOTE, "bad_json", "JSON: %s at byte %zu", what, s->at);
}

static int emit(struct scanner *s, const void *data, size_t len)
{
	if (s->out && buf_add(s->out, data, len) < 0)
		return err_set(s->err, ERR_LOCAL, "memory", "JSON: answer too large for the buffer");
	return 0;
}

static void skip_space(struct scanner *s)
{
	while (s->at < s->len && strchr(" \t\r\n", s->text[s->at]) && s->text[s->at])
		s->at++;
}

static int hex4(struct scanner *s, unsigned *ret)
{
	unsigned v = 0;

	if (s->len - s->at < 4)
		return bad(s, "short escape");
	for (int i = 0; i < 4; i++) {
		char c = s->text[s->at + (size_t)i];
		unsigned d;
		if (c >= '0' && c <= '9')
			d = (unsigned)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			d = (unsigned)((c | 32) - 'a' + 10);
		else
			return bad(s, "bad escape");
		v = v << 4 | d;
	}
	s->at += 4;
	*ret = v;
	return 0;
}

static uint64_t fnv(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
	return h;
}

static size_t utf8_put(unsigned cp, char *o)
{
	if (cp < 0x80) {
		o[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		o[0] = (char)(0xc0 | cp >> 6);
		o[1] = (char)(0x80 | (cp & 63));
		return 2;
	}
	if (cp < 0x10000) {
		o[0] = (char)(0xe0 | cp >> 12);
		o[1] = (char)(0x80 | (cp >> 6 & 63));
		o[2] = (char)(0x80 | (cp & 63));
		return 3;
	}
	o[0] = (char)(0xf0 | cp >> 18);
	o[1] = (char)(0x80 | (cp >> 12 & 63));
	o[2] = (char)(0x80 | (cp >> 6 & 63));
	o[3] = (char)(0x80 | (cp & 63));
	return 4;
}

/* One escape, behind its backslash: copies or mends it and adds what it stands for to the key's hash. */
static int scan_escape(struct scanner *s, uint64_t *hash)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t start = s->at - 1;
	unsigned hi, lo, cp;
	char utf8[4];

	if (s->at >= s->len)
		return bad(s, "unfinished string");
	char c = s->text[s->at++];
	const char *at = c ? strchr(from, c) : NULL;
	if (at) {
		*hash = fnv(*hash, &to[at - from], 1);
		return emit(s, s->text + start, 2);
	}
	if (c != 'u')
		return bad(s, "bad escape");
	if (hex4(s, &hi) < 0)
		return -1;
	cp = hi;
	size_t after = s->at;
	if (hi >= 0xd800 && hi < 0xdc00 && s->len - s->at >= 6 && s->text[s->at] == '\\' && s->text[s->at + 1] == 'u') {
		s->at += 2;
		if (hex4(s, &lo) < 0)
			return -1;
		if (lo >= 0xdc00 && lo < 0xe000)
			cp = 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
		else
			s->at = after; /* the next one stands for itself */
	}
	/* Names on Windows are made of 16-bit units and may hold half a pair. */
	if (cp == 0 || (cp >= 0xd800 && cp < 0xe000)) {
		*hash = fnv(*hash, REPLACEMENT, 3);
		return emit(s, REPLACEMENT, 3);
	}
	*hash = fnv(*hash, utf8, utf8_put(cp, utf8));
	return emit(s, s->text + start, s->at - start);
}

/* A string, from its opening quote. Gives the hash of its meaning, for keys. */
static int scan_string(struct scanner *s, uint64_t *ret_hash)
{
	uint64_t hash = 0xcbf29ce484222325u;

	if (emit(s, "\"", 1) < 0)
		return -1;
	s->at++;
	for (;;) {
		size_t run = s->at;
		while (run < s->len && (unsigned char)s->text[run] >= 0x20 && (unsigned char)s->text[run] < 0x80 &&
			s->text[run] != '"' && s->text[run] != '\\')
			run++;
		hash = ret_hash ? fnv(hash, s->text + s->at, run - s->at) : hash;
		if (emit(s, s->text + s->at, run - s->at) < 0)
			return -1;
		s->at = run;
		if (s->at >= s->len)
			return bad(s, "unfinished string");
		unsigned char c = (unsigned char)s->text[s->at];
		if (c == '"')
			break;
		if (c == '\\') {
			s->at++;
			if (scan_escape(s, &hash) < 0)
				return -1;
		} else if (c < 0x20) {
			return bad(s, "raw control character");
		} else {
			size_t n = utf8_length(s->text + s->at, s->len - s->at);
			const char *p = n ? s->text + s->at : REPLACEMENT;
			hash = fnv(hash, p, n ? n : 3);
			if (emit(s, p, n ? n : 3) < 0)
				return -1;
			s->at += n ? n : 1;
		}
	}
	s->at++;
	if (ret_hash)
		*ret_hash = hash;
	return emit(s, "\"", 1);
}

static bool digit(const struct scanner *s)
{
	return s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

static int scan_number(struct scanner *s)
{
	size_t start = s->at;
	bool integer = true;

	if (s->text[s->at] == '-')
		s->at++;
	if (!digit(s))
		return bad(s, "bad number");
	size_t first = s->at;
	while (digit(s))
		s->at++;
	size_t digits = s->at - first;
	if (s->text[first] == '0' && digits > 1)
		return bad(s, "bad number");
	if (s->at < s->len && s->text[s->at] == '.') {
		integer = false;
		s->at++;
		if (!digit(s))
			return bad(s, "bad number");
		while (digit(s))
			s->at++;
	}
	if (s->at < s->len && (s->text[s->at] | 32) == 'e') {
		integer = false;
		s->at++;
		if (s->at < s->len && (s->text[s->at] == '+' || s->text[s->at] == '-'))
			s->at++;
		if (!digit(s))
			return bad(s, "bad number");
		while (digit(s))
			s->at++;
	}
	if (s->at - start > 60)
		return bad(s, "number too long");
	/* 15 digits are always below 2^53; longer integers go on as strings, exactly as written. */
	bool quote = integer && digits > 15;
	if (quote && emit(s, "\"", 1) < 0)
		return -1;
	if (emit(s, s->text + start, s->at - start) < 0)
		return -1;
	return quote ? emit(s, "\"", 1) : 0;
}

static int scan_word(struct scanner *s)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);
		if (s->len - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
			s->at += n;
			return emit(s, words[i], n);
		}
	}
	return bad(s, "unexpected character");
}

/* Remembers a key; few keys are compared one by one, as most objects have few. */
static int add_key(struct scanner *s, uint64_t hash)
{
	struct keys *k = &s->keys;

	if (k->n >= KEYS_MAX)
		return bad(s, "too many keys");
	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 64;
		uint64_t *p = realloc(k->hash, cap * sizeof(*p));
		if (!p)
			return err_set(s->err, ERR_LOCAL, "memory", "JSON: out of memory");
		k->hash = p;
		k->cap = cap;
	}
	size_t mark = s->levels[s->depth - 1].mark;
	if (k->n - mark > 4096)
		return bad(s, "too many keys in one object");
	for (size_t i = mark; i < k->n; i++)
		if (k->hash[i] == hash)
			return bad(s, "duplicate key");
	k->hash[k->n++] = hash;
	return 0;
}

static int scan_key(struct scanner *s)
{
	uint64_t hash;

	skip_space(s);
	if (s->at >= s->len || s->text[s->at] != '"')
		return bad(s, "key expected");
	if (scan_string(s, &hash) < 0 || add_key(s, hash) < 0)
		return -1;
	skip_space(s);
	if (s->at >= s->len || s->text[s->at] != ':')
		return bad(s, "colon expected");
	s->at++;
	return emit(s, ":", 1);
}

static int open_level(struct scanner *s, bool object)
{
	if (s->depth == JSON_MAX_DEPTH)
		return err_set(s->err, ERR_TOO_BIG, "bad_json", "JSON: nested deeper than %d", JSON_MAX_DEPTH);
	s->levels[s->depth++] = (struct level){.object = object, .mark = s->keys.n};
	s->at++;
	return emit(s, object ? "{" : "[", 1);
}

static int close_level(struct scanner *s)
{
	struct level *l = &s->levels[--s->depth];

	s->keys.n = l->mark;
	s->at++;
	return emit(s, l->object ? "}" : "]", 1);
}

/* A value that holds no others, or the opening of one that does. *ret_open says which. */
static int scan_value(struct scanner *s, bool *ret_open)
{
	*ret_open = false;
	skip_space(s);
	if (s->at >= s->len)
		return bad(s, "value expected");
	char c = s->text[s->at];
	if (c == '{' || c == '[') {
		*ret_open = true;
		return open_level(s, c == '{');
	}
	if (c == '"')
		return scan_string(s, NULL);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	return scan_word(s);
}

static int scan_all(struct scanner *s)
{
	bool open, first;

	if (scan_value(s, &open) < 0)
		return -1;
	first = open;
	while (s->depth > 0) {
		bool object = s->levels[s->depth - 1].object;
		skip_space(s);
		if (s->at >= s->len)
			return bad(s, "unfinished");
		if (s->text[s->at] == (object ? '}' : ']')) {
			if (close_level(s) < 0)
				return -1;
			first = false;
			continue;
		}
		if (!first) {
			if (s->text[s->at] != ',')
				return bad(s, "comma expected");
			s->at++;
			if (emit(s, ",", 1) < 0)
				return -1;
		}
		if ((object && scan_key(s) < 0) || scan_value(s, &open) < 0)
			return -1;
		first = open;
	}
	skip_space(s);
	return s->at == s->len ? 0 : bad(s, "something behind the value");
}

int json_scan(const char *text, size_t len, struct buf *out, struct err *err)
{
	struct scanner s = {.text = text, .len = len, .out = out, .err = err};

	/* A byte order mark is no JSON, yet some gateways send one. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		s.at = 3;
	int r = scan_all(&s);
	free(s.keys.hash);
	return r;
}

/* Skips a string in text that json_scan() found sound; returns the offset behind its closing quote. */
static size_t skip_string(const char *text, size_t at)
{
	for (at++; text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at + 1;
}

int json_find_string(const char *text, size_t len, const char *key, size_t *ret_at, size_t *ret_len, struct err *err)
{
	size_t key_len = strlen(key);
	int depth = 0;

	if (json_scan(text, len, NULL, err) < 0)
		return -1;
	for (size_t at = 0; at < len;) {
		char c = text[at];
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		if (c != '"') {
			at++;
			continue;
		}
		size_t end = skip_string(text, at);
		bool hit = depth == 1 && end - at - 2 == key_len && memcmp(text + at + 1, key, key_len) == 0;
		at = end;
		if (!hit)
			continue;
		while (at < len && strchr(" \t\r\n", text[at]) && text[at])
			at++;
		if (at >= len || text[at] != ':')
			continue; /* a value that reads like the key */
		for (at++; at < len && strchr(" \t\r\n", text[at]) && text[at];)
			at++;
		if (at >= len || text[at] != '"')
			break;
		*ret_at = at + 1;
		*ret_len = skip_string(text, at) - at - 2;
		return 0;
	}
	return err_set(err, ERR_GONE, "no_key", "JSON: no string \"%s\"", key);
}
