/* Opening; see open.h. One password at a time: libarchive, given several, takes the first that passes a check of one byte, and
 * a wrong one passes once in 256; only the checksum behind the member's bytes tells. */
#include "scan/open.h"

#include "scan/charset.h"
#include "scan/names.h"
#include "scan/office.h"
#include "scan/shape.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <qpdf/qpdf-c.h>
#include <string.h>

#define FAILS_MAX 3 /* members that a password may fail on before it is given up, when it has opened none */

struct opening {
	enum open_kind kind;
	const uint8_t *data;
	size_t len;
	const struct passwords *passwords;
	int password; /* the one in use */
	int *tries;
	int max_members, n_opened;
	uint8_t *buffer;
	size_t cap;
	/* ZIP: */
	struct archive *archive; /* NULL: the next password begins */
	bool *done;     /* by a member's place in the directory */
	int at;         /* the next member */
	int fails, opened_by_this;
	bool left;      /* something stayed closed in this pass */
	/* PDF: */
	qpdf_data pdf;
	bool ended;
};

/* The name that begins behind the slash, in which any character may be written as #45. */
static bool is_encrypt(const uint8_t *p, const uint8_t *end)
{
	for (const char *want = "Encrypt"; *want; want++) {
		uint8_t c;
		if (p < end && *p == (uint8_t)*want)
			p++;
		else if (end - p >= 3 && *p == '#' && hex_decode(&c, (const char *)p + 1, 1) == 0 && c == (uint8_t)*want)
			p += 3;
		else
			return false;
	}
	return true;
}

static bool pdf_has_encrypt(const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len;

	for (const uint8_t *p = data; (p = memchr(p, '/', (size_t)(end - p))); p++)
		if (is_encrypt(p + 1, end))
			return true;
	return false;
}

enum open_kind open_kind_of(const char *type, const uint8_t *data, size_t len)
{
	struct zip_walk w;
	struct zip_entry e;

	if (shape_is_zip(type)) {
		for (shape_zip_walk(data, len, &w); shape_zip_next(&w, &e);)
			if (e.flags & 1)
				return OPEN_ZIP;
		return OPEN_NONE;
	}
	if (strcmp(type, "CL_TYPE_PDF") == 0)
		return pdf_has_encrypt(data, len) ? OPEN_PDF : OPEN_NONE;
	if (strcmp(type, "CL_TYPE_MSOLE2") == 0)
		return office_is_encrypted(data, len) ? OPEN_OFFICE : OPEN_NONE;
	return OPEN_NONE;
}

struct opening *opening_new(enum open_kind kind, const uint8_t *data, size_t len, const struct passwords *passwords, int max_members, int *tries)
{
	struct opening *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	*o = (struct opening){.kind = kind, .data = data, .len = len, .passwords = passwords, .tries = tries, .max_members = max_members};
	if (kind == OPEN_ZIP && !(o->done = calloc((size_t)max_members, sizeof(*o->done)))) {
		free(o);
		return NULL;
	}
	return o;
}

static void close_archive(struct opening *o)
{
	if (o->archive)
		archive_read_free(o->archive);
	o->archive = NULL;
}

void opening_free(struct opening *o)
{
	if (!o)
		return;
	close_archive(o);
	if (o->pdf)
		qpdf_cleanup(&o->pdf);
	free(o->done);
	free(o->buffer);
	free(o);
}

int opening_count(const struct opening *o)
{
	return o->n_opened;
}

static bool over(const struct opening *o, int64_t until)
{
	return *o->tries >= OPEN_TRIES_MAX || time_monotonic_ms() >= until;
}

/* ---- ZIP ---- */

static int open_archive(struct opening *o)
{
	struct archive *a = archive_read_new();

	if (!a)
		return -1;
	/* By the directory: what it does not name, hidden.c tells of. Names come as they stand. */
	if (archive_read_support_format_zip_seekable(a) != ARCHIVE_OK ||
		archive_read_add_passphrase(a, o->passwords->of[o->password]) != ARCHIVE_OK ||
		archive_read_open_memory(a, o->data, o->len) != ARCHIVE_OK) {
		archive_read_free(a);
		return -1;
	}
	o->archive = a;
	o->at = o->fails = o->opened_by_this = 0;
	o->left = false;
	return 0;
}

static bool grow(struct opening *o, size_t want)
{
	if (want <= o->cap)
		return true;
	size_t cap = o->cap ? o->cap : 65536;
	while (cap < want)
		cap *= 2;
	uint8_t *p = realloc(o->buffer, cap);
	if (!p)
		return false;
	o->buffer = p;
	o->cap = cap;
	return true;
}

/* 1: all of it is in the buffer; 0: it does not open; else -(enum open_result). */
static int read_member(struct opening *o, size_t max, int64_t until, size_t *ret_len)
{
	size_t len = 0;

	for (;;) {
		if (!grow(o, len + 65536))
			return -OPEN_MEMORY;
		la_ssize_t n = archive_read_data(o->archive, o->buffer + len, 65536);
		if (n == 0)
			break;
		if (n < 0)
			return 0;
		len += (size_t)n;
		if (len > max)
			return -OPEN_SIZE;
		if (time_monotonic_ms() >= until)
			return -OPEN_TIME;
	}
	*ret_len = len;
	return 1;
}

static void read_name(struct archive_entry *e, char *out, size_t size)
{
	const char *raw = archive_entry_pathname(e);

	if (!raw)
		raw = archive_entry_pathname_utf8(e);
	name_of_member(out, size, raw);
}

/* Goes on to the next password. False: there is none. */
static bool next_password(struct opening *o)
{
	close_archive(o);
	return ++o->password < o->passwords->n;
}

static enum open_result next_in_zip(struct opening *o, size_t max, int64_t until, struct opened *ret)
{
	while (o->password < o->passwords->n) {
		struct archive_entry *e;
		if (over(o, until))
			return OPEN_TIME;
		if (!o->archive && open_archive(o) < 0)
			return OPEN_CLOSED;
		int r = archive_read_next_header(o->archive, &e);
		if (r == ARCHIVE_EOF) {
			if (!o->left)
				return OPEN_END;
			if (!next_password(o))
				return OPEN_CLOSED;
			continue;
		}
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return OPEN_CLOSED;
		int at = o->at++;
		if (at >= o->max_members)
			return OPEN_CLOSED;
		if (o->done[at] || !archive_entry_is_data_encrypted(e))
			continue;
		++*o->tries;
		size_t len = 0;
		r = read_member(o, max, until, &len);
		if (r < 0)
			return (enum open_result)-r;
		if (r == 1) {
			o->done[at] = true;
			o->n_opened++;
			o->opened_by_this++;
			read_name(e, ret->name, sizeof(ret->name));
			ret->data = o->buffer;
			ret->len = len;
			return OPEN_MEMBER;
		}
		o->left = true;
		if (++o->fails >= FAILS_MAX && o->opened_by_this == 0 && !next_password(o))
			return OPEN_CLOSED;
	}
	return OPEN_CLOSED;
}

/* ---- PDF ---- */

/* Written anew without encryption: 1, 0 when the password is wrong, or when qpdf cannot read it. */
static int try_pdf(struct opening *o, const char *password)
{
	qpdf_data q = qpdf_init();

	if (!q)
		return 0;
	qpdf_silence_errors(q);
	qpdf_set_suppress_warnings(q, QPDF_TRUE);
	if ((qpdf_read_memory(q, "part", (const char *)o->data, o->len, password) & QPDF_ERRORS) || (qpdf_init_write_memory(q) & QPDF_ERRORS)) {
		qpdf_cleanup(&q);
		return 0;
	}
	qpdf_set_preserve_encryption(q, QPDF_FALSE);
	qpdf_set_object_stream_mode(q, qpdf_o_preserve);
	qpdf_set_stream_data_mode(q, qpdf_s_preserve); /* not unpacked: libclamav does that, with its limits */
	if (qpdf_write(q) & QPDF_ERRORS) {
		qpdf_cleanup(&q);
		return 0;
	}
	o->pdf = q;
	return 1;
}

static enum open_result next_in_pdf(struct opening *o, size_t max, int64_t until, struct opened *ret)
{
	/* Many are open to everybody, and libclamav may fail on them only. */
	for (o->password = -1; o->password < o->passwords->n; o->password++) {
		if (over(o, until))
			return OPEN_TIME;
		++*o->tries;
		if (!try_pdf(o, o->password < 0 ? "" : o->passwords->of[o->password]))
			continue;
		ret->len = qpdf_get_buffer_length(o->pdf);
		ret->data = qpdf_get_buffer(o->pdf);
		ret->name[0] = '\0';
		return ret->len > max ? OPEN_SIZE : OPEN_MEMBER;
	}
	return OPEN_CLOSED;
}

/* ---- Office ---- */

static enum open_result next_in_office(struct opening *o, size_t max, int64_t until, struct opened *ret)
{
	/* What Excel itself takes when a sheet is only write-protected. */
	static const char none[] = "VelvetSweatshop";

	if (o->len > max)
		return OPEN_SIZE;
	if (!grow(o, o->len))
		return OPEN_MEMORY;
	for (int i = -1; i < o->passwords->n; i++) {
		if (over(o, until))
			return OPEN_TIME;
		*o->tries += 10; /* made to cost tens of milliseconds each */
		if (office_open(o->data, o->len, i < 0 ? none : o->passwords->of[i], o->buffer, o->cap, &ret->len) < 0)
			continue;
		ret->data = o->buffer;
		ret->name[0] = '\0';
		return OPEN_MEMBER;
	}
	return OPEN_CLOSED;
}

enum open_result opening_next(struct opening *o, size_t max, int64_t until, struct opened *ret)
{
	struct opened m = {0};
	enum open_result r;

	if (o->ended)
		return OPEN_END;
	r = o->kind == OPEN_ZIP ? next_in_zip(o, max, until, &m) : o->kind == OPEN_PDF ? next_in_pdf(o, max, until, &m) :
		o->kind == OPEN_OFFICE					    ? next_in_office(o, max, until, &m) :
										      OPEN_CLOSED;
	if (r != OPEN_MEMBER)
		return r;
	if (o->kind != OPEN_ZIP) {
		o->n_opened++;
		o->ended = true;
	}
	*ret = m;
	return r;
}
