/* One file of a list: how its lines are read, and how a host or an address is found in it. Pure but for memory; any thread.
 *
 * Every entry becomes the SHA-256 of an expression "host/" or "host/path", as Safe Browsing's lists have them, so that plain
 * lists and those of hashes are one table: a million lines are 8 MB, and a look-up is some thirty digests. */
#include "policy/lists_impl.h"

#include "base/encode.h"
#include "scan/host.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#define EXPRESSION_MAX 2048
#define MAX_ENTRIES 50000000u

enum format { ANY, PLAIN, HOSTS, HASHES };

struct digest {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static int digest_open(struct digest *d)
{
	d->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->ctx = EVP_MD_CTX_new();
	return d->md && d->ctx ? 0 : -1;
}

static void digest_close(struct digest *d)
{
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->md);
}

static uint64_t big_endian(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static uint64_t digest_of(struct digest *d, const char *s, size_t len)
{
	unsigned char out[EVP_MAX_MD_SIZE] = {0};
	unsigned n;

	if (EVP_DigestInit_ex2(d->ctx, d->md, NULL) == 1 && EVP_DigestUpdate(d->ctx, s, len) == 1)
		EVP_DigestFinal_ex(d->ctx, out, &n);
	return big_endian(out);
}

static int add(struct list_data *l, int bytes, uint64_t v)
{
	if (l->prefixes[bytes].n == l->prefixes[bytes].cap) {
		size_t cap = l->prefixes[bytes].cap ? l->prefixes[bytes].cap * 2 : 256;
		uint64_t *more = cap <= MAX_ENTRIES ? realloc(l->prefixes[bytes].of, cap * sizeof(*more)) : NULL;
		if (!more)
			return -1;
		l->prefixes[bytes].of = more;
		l->prefixes[bytes].cap = cap;
	}
	l->prefixes[bytes].of[l->prefixes[bytes].n++] = v;
	return 0;
}

/* ---- expressions ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Percent signs undone, as often as there are some, and the few that must be, put back; dots and slashes resolved. */
static size_t plain_path(char *out, size_t size, const char *s, size_t len)
{
	char t[EXPRESSION_MAX];
	size_t n = len < sizeof(t) ? len : sizeof(t) - 1, o = 0;
	bool again = true;

	memcpy(t, s, n);
	for (int round = 0; again && round < 5; round++) {
		size_t k = 0;
		again = false;
		for (size_t i = 0; i < n; k++) {
			if (t[i] == '%' && i + 2 < n && hex(t[i + 1]) >= 0 && hex(t[i + 2]) >= 0) {
				t[k] = (char)(hex(t[i + 1]) * 16 + hex(t[i + 2]));
				i += 3;
				again = true;
			} else {
				t[k] = t[i++];
			}
		}
		n = k;
	}
	const char *query = memchr(t, '?', n);
	size_t path = query ? (size_t)(query - t) : n;
	for (size_t i = 0; i < n && o + 4 < size; i++) {
		unsigned char c = (unsigned char)t[i];
		if (i < path && c == '/' && o && out[o - 1] == '/')
			continue;
		if (i < path && c == '.' && o && out[o - 1] == '/') {
			bool up = i + 1 < path && t[i + 1] == '.', end = i + 1 + up == path || t[i + 1 + up] == '/';
			if (end) {
				for (o -= up && o > 1; up && o > 1 && out[o - 1] != '/'; o--)
					;
				i += up;
				continue;
			}
		}
		if (c <= 0x20 || c >= 0x7f || c == '#' || c == '%')
			o += (size_t)snprintf(out + o, size - o, "%%%02X", c);
		else
			out[o++] = (char)c;
	}
	out[o] = '\0';
	return o;
}

/* ASCII, lower case. false: no host. */
static bool host_ascii(const char *s, size_t len, char *out, size_t size, bool *ret_ip)
{
	bool plain = true, letter = false, dot = false;
	struct host h;

	while (len && s[len - 1] == '.')
		len--;
	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		plain = plain && (word || (c == '.' && i > 0 && out[i - 1] != '.'));
		letter |= c >= 'a' && c <= 'z';
		dot |= c == '.';
		out[i] = c;
	}
	out[len] = '\0';
	*ret_ip = false;
	if (plain && letter)
		return dot;
	if (!host_read(s, len, &h) || (!h.ip && !strchr(h.ascii, '.')))
		return false;
	*ret_ip = h.ip;
	return snprintf(out, size, "%s", h.ascii) < (int)size;
}

struct address {
	char host[256];
	char path[EXPRESSION_MAX]; /* with the query; "/" at least */
	bool ip;
};

static bool address_read(const char *s, size_t len, struct address *ret)
{
	const char *sep = memmem(s, len, "://", 3), *stop;

	if (sep && sep - s <= 10) {
		len -= (size_t)(sep + 3 - s);
		s = sep + 3;
	}
	const char *frag = memchr(s, '#', len);
	len = frag ? (size_t)(frag - s) : len;
	for (stop = s; stop < s + len && *stop != '/' && *stop != '?' && *stop != '\\'; stop++)
		;
	const char *host = s, *end = stop, *at = memrchr(s, '@', (size_t)(stop - s)), *colon;
	if (at)
		host = at + 1;
	colon = *host == '[' ? NULL : memchr(host, ':', (size_t)(end - host));
	if (colon)
		end = colon;
	if (!host_ascii(host, (size_t)(end - host), ret->host, sizeof(ret->host), &ret->ip))
		return false;
	size_t rest = len - (size_t)(stop - s), n = 0;
	if (rest == 0 || (*stop != '/' && *stop != '\\'))
		ret->path[n++] = '/';
	ret->path[n] = '\0';
	plain_path(ret->path + n, sizeof(ret->path) - n, stop, rest);
	return true;
}

/* ---- lines ---- */

static bool is_comment(const char *s, size_t len)
{
	return len == 0 || strchr("#!;", *s) || (len >= 2 && memcmp(s, "//", 2) == 0);
}

static enum format read_header(const char *s, size_t len)
{
	static const struct {
		const char *name;
		enum format format;
	} formats[] = {{"plain", PLAIN}, {"hosts", HOSTS}, {"hash-prefix", HASHES}};

	if (len == 0 || *s != '#')
		return ANY;
	for (s++, len--; len && (*s == ' ' || *s == '\t'); s++)
		len--;
	if (len < 7 || strncasecmp(s, "format:", 7) != 0)
		return ANY;
	for (s += 7, len -= 7; len && (*s == ' ' || *s == '\t'); s++)
		len--;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (len == strlen(formats[i].name) && strncasecmp(s, formats[i].name, len) == 0)
			return formats[i].format;
	return ANY;
}

static bool is_digest(const char *s, size_t len)
{
	if (len < 2 * PREFIX_MIN || len > 64 || len % 2)
		return false;
	for (size_t i = 0; i < len; i++)
		if (hex(s[i]) < 0)
			return false;
	return true;
}

/* 1 an entry, 0 none, -1 memory. */
static int add_digest(struct list_data *l, const char *s, size_t len, struct lists_state *state)
{
	int bytes = len / 2 > PREFIX_MAX ? PREFIX_MAX : (int)len / 2;
	uint64_t v = 0;

	if (!is_digest(s, len))
		return 0;
	for (int i = 0; i < bytes * 2; i++)
		v = v << 4 | (uint64_t)hex(s[i]);
	state->short_prefixes += bytes < PREFIX_MAX;
	return add(l, bytes, v << (64 - 8 * bytes)) < 0 ? -1 : 1;
}

static int add_address(struct list_data *l, struct digest *d, const char *s, size_t len, bool host_only)
{
	struct address a;
	char expression[EXPRESSION_MAX + 300];

	if (len >= 2 && memcmp(s, "*.", 2) == 0)
		s += 2, len -= 2;
	if (!address_read(s, len, &a))
		return 0;
	int n = snprintf(expression, sizeof(expression), "%s%s", a.host, host_only ? "/" : a.path);
	return add(l, PREFIX_MAX, digest_of(d, expression, (size_t)n)) < 0 ? -1 : 1;
}

static int add_name(struct list_data *l, const char *s, size_t len)
{
	struct host h;

	if (!host_read(s, len, &h) || !h.domain[0] || l->n_names == MAX_PROTECTED)
		return 0;
	if (l->n_names % 64 == 0) {
		char **more = realloc(l->names, (l->n_names + 64) * sizeof(*more));
		if (!more)
			return -1;
		l->names = more;
	}
	l->names[l->n_names] = strdup(h.name);
	return l->names[l->n_names] ? (l->n_names++, 1) : -1;
}

/* "0.0.0.0 bad.example other.example # why" */
static int add_hosts(struct list_data *l, struct digest *d, const char *s, size_t len)
{
	static const char *const own[] = {"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback", "0.0.0.0"};
	int n = 0;

	for (size_t i = strcspn(s, " \t"); i < len;) {
		while (i < len && (s[i] == ' ' || s[i] == '\t'))
			i++;
		size_t from = i;
		while (i < len && s[i] != ' ' && s[i] != '\t')
			i++;
		if (i == from || s[from] == '#')
			break;
		bool is_own = false;
		for (size_t k = 0; k < ARRAY_SIZE(own); k++)
			is_own |= strlen(own[k]) == i - from && strncasecmp(own[k], s + from, i - from) == 0;
		int r = is_own ? 1 : add_address(l, d, s + from, i - from, true);
		if (r < 0)
			return -1;
		n |= r;
	}
	return n;
}

static bool is_hosts_line(const char *s, size_t len)
{
	size_t n = 0;
	struct host h;

	while (n < len && s[n] != ' ' && s[n] != '\t')
		n++;
	if (n == len || n < 2 || n > 45 || !strchr("0123456789:abcdefABCDEF", *s))
		return false;
	if (memchr(s, ':', n)) {
		char v6[64];
		snprintf(v6, sizeof(v6), "[%.*s]", (int)n, s);
		return host_read(v6, strlen(v6), &h) && h.ip;
	}
	return host_read(s, n, &h) && h.ip;
}

static int add_line(struct list_data *l, struct digest *d, enum format format, const char *s, size_t len, struct lists_state *state)
{
	if (l->kind == LISTS_PROTECTED)
		return add_name(l, s, len);
	if (format == HASHES || (format == ANY && is_digest(s, len)))
		return add_digest(l, s, len, state);
	if (format == HOSTS || (format == ANY && is_hosts_line(s, len)))
		return add_hosts(l, d, s, len);
	return add_address(l, d, s, len, false);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int read_lines(struct list_data *l, struct digest *d, const char *text, size_t len, struct lists_state *state)
{
	enum format format = ANY;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3, len -= 3;
	for (size_t at = 0; at < len;) {
		const char *s = text + at, *end = memchr(s, '\n', len - at);
		size_t n = end ? (size_t)(end - s) : len - at;
		char line[EXPRESSION_MAX];
		at += n + 1;
		while (n && (unsigned char)s[n - 1] <= 0x20)
			n--;
		while (n && (unsigned char)*s <= 0x20)
			s++, n--;
		if (format == ANY && n < 64)
			format = read_header(s, n);
		if (is_comment(s, n))
			continue;
		/* A remark behind the entry. */
		const char *remark = memmem(s, n, " #", 2);
		n = remark ? (size_t)(remark - s) : n;
		while (n && (unsigned char)s[n - 1] <= 0x20)
			n--;
		if (n >= sizeof(line)) {
			state->skipped++;
			continue;
		}
		memcpy(line, s, n);
		line[n] = '\0';
		int r = add_line(l, d, format, line, n, state);
		if (r < 0)
			return -1;
		*(r ? &state->entries : &state->skipped) += 1;
	}
	return 0;
}

void list_data_put(struct list_data *d)
{
	if (!d || atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	for (int i = 0; i <= PREFIX_MAX; i++)
		free(d->prefixes[i].of);
	for (size_t i = 0; i < d->n_names; i++)
		free(d->names[i]);
	free(d->names);
	free(d);
}

int list_data_read(enum lists_kind kind, const char *name, const char *text, size_t len, struct list_data **ret, struct lists_state *state,
	struct err *err)
{
	struct list_data *l = calloc(1, sizeof(*l));
	struct lists_state s = {0};
	struct digest d = {0};

	if (!l)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	atomic_init(&l->refs, 1);
	l->kind = kind;
	snprintf(l->name, sizeof(l->name), "%s", name);
	bool binary = len && memchr(text, 0, len < 65536 ? len : 65536);
	int r = binary ? 0 : digest_open(&d) < 0 ? -1 : read_lines(l, &d, text, len, &s);
	digest_close(&d);
	if (r == 0 && !binary && s.skipped <= s.entries) {
		for (int i = PREFIX_MIN; i <= PREFIX_MAX; i++)
			if (l->prefixes[i].n)
				qsort(l->prefixes[i].of, l->prefixes[i].n, sizeof(uint64_t), by_value);
		state->entries = s.entries;
		state->skipped = s.skipped;
		state->short_prefixes = s.short_prefixes;
		*ret = l;
		return 0;
	}
	list_data_put(l);
	if (r < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	if (binary)
		return err_set(err, ERR_REMOTE, "bad_list", "it is no text");
	return err_set(err, ERR_REMOTE, "bad_list", "%zu of %zu lines are neither host, address nor hash", s.skipped, s.skipped + s.entries);
}

/* ---- look-up ---- */

static const char *find(const struct lists *l, struct digest *d, const char *expression, size_t len)
{
	uint64_t v = digest_of(d, expression, len);

	for (size_t i = 0; i < l->n; i++) {
		for (int b = PREFIX_MIN; b <= PREFIX_MAX; b++) {
			uint64_t key = b == 8 ? v : v >> (64 - 8 * b) << (64 - 8 * b);
			if (l->data[i]->prefixes[b].n &&
				bsearch(&key, l->data[i]->prefixes[b].of, l->data[i]->prefixes[b].n, sizeof(key), by_value))
				return l->data[i]->name;
		}
	}
	return NULL;
}

/* Of one host: the address whole, without its query, and each folder above it. */
static const char *find_paths(const struct lists *l, struct digest *d, const char *host, const char *path)
{
	char e[EXPRESSION_MAX + 300];
	size_t h = (size_t)snprintf(e, sizeof(e), "%s/", host);
	const char *found = find(l, d, e, h);

	if (found || !path || !path[1])
		return found;
	h--;
	size_t whole = strlen(path), plain = strcspn(path, "?");
	memcpy(e + h, path, whole + 1);
	if ((found = find(l, d, e, h + whole)) || (plain < whole && (found = find(l, d, e, h + plain))))
		return found;
	int folders = 0;
	for (size_t i = 1; i < plain && folders < 3; i++) {
		if (path[i] != '/' || i + 1 == whole)
			continue;
		folders++;
		if ((found = find(l, d, e, h + i + 1)))
			return found;
	}
	return NULL;
}

const char *lists_match(const struct lists *l, const char *host, const char *url)
{
	struct address a;
	struct digest d = {0};
	const char *found = NULL;
	char name[256];
	bool ip;

	if (!l || l->n == 0 || !*host || !host_ascii(host, strlen(host), name, sizeof(name), &ip))
		return "";
	/* The path as the address has it; its host is the one that the worker read. */
	bool with_path = url && address_read(url, strnlen(url, EXPRESSION_MAX - 1), &a);
	if (digest_open(&d) == 0) {
		const char *p = name;
		found = find_paths(l, &d, p, with_path ? a.path : NULL);
		size_t labels = 1;
		for (const char *c = name; *c; c++)
			labels += *c == '.';
		while (!ip && !found && labels > 2) {
			p = strchr(p, '.') + 1;
			labels--;
			if (labels <= 5)
				found = find_paths(l, &d, p, with_path ? a.path : NULL);
		}
	}
	digest_close(&d);
	return found ? found : "";
}
