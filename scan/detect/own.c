/* Policies' own detectors; see own.h. */
#include "scan/detect/own.h"

#include "scan/plain.h"

#include "base/json.h"

#include <string.h>

struct detector_own {
	char id[48];
	bool needs_near;
	/* of the look that is under way: */
	int hit;          /* in the reply, -1 */
	size_t near_to;   /* end of the last word that stands near; NOWHERE */
	size_t from, to;  /* the last match, not noted yet: it may grow; NOWHERE */
	size_t noted;     /* end of the last one noted, while no word stood near it; NOWHERE */
	bool word;        /* the last match is of a word */
};

enum { OF_PATTERN, OF_WORD, OF_NEAR };

struct own {
	hs_database_t *db;
	hs_scratch_t *scratch;
	int n;
	struct detector_own of[OWN_MAX];
};

struct source {
	unsigned n;
	char *of[OWN_WORDS];
	unsigned flags[OWN_WORDS], ids[OWN_WORDS];
};

static void source_free(struct source *s)
{
	for (unsigned i = 0; s && i < s->n; i++)
		free(s->of[i]);
	free(s);
}
DEFINE_CLEANUP(struct source *, source_free)

void own_free(struct own *o)
{
	if (!o)
		return;
	hs_free_scratch(o->scratch);
	hs_free_database(o->db);
	free(o);
}

/* As the text will be: NFKC. A word is itself, whatever signs are in it. */
static int add_pattern(struct source *s, const char *text, bool literal, bool caseless, unsigned id, struct err *err)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(8192), b = BUF_INIT(32768);

	plain_normal(&plain, text, strlen(text));
	for (const char *p = buf_str(&plain); literal && *p; p++) {
		if ((unsigned char)*p >= 0x80 || is_word(*p))
			buf_addc(&b, *p);
		else
			buf_addf(&b, "\\x%02x", (unsigned char)*p);
	}
	if (!literal)
		buf_add(&b, buf_str(&plain), plain.len);
	if (s->n == OWN_WORDS)
		return err_set(err, ERR_REMOTE, "bad_detectors", "more than %d words and patterns", OWN_WORDS);
	if (!b.len)
		return 0;
	s->flags[s->n] = HS_FLAG_UTF8 | (id % 4 == OF_NEAR ? 0 : HS_FLAG_SOM_LEFTMOST) | (caseless ? HS_FLAG_CASELESS : 0);
	s->ids[s->n] = id;
	if (!(s->of[s->n] = buf_take(&b)))
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	s->n++;
	return 0;
}

static int add_words(struct source *s, const cJSON *list, bool caseless, unsigned id, struct err *err)
{
	const cJSON *w;

	cJSON_ArrayForEach(w, list) {
		if (!cJSON_IsString(w) || strlen(w->valuestring) > 1000)
			return err_set(err, ERR_REMOTE, "bad_detectors", "a word is a text of at most 1000 bytes");
		if (add_pattern(s, w->valuestring, true, caseless, id, err) < 0)
			return -1;
	}
	return 0;
}

static int read_one(struct own *o, struct source *s, const cJSON *d, struct err *err)
{
	const char *id = json_str(d, "id"), *pattern = json_str(d, "pattern");
	const cJSON *near = json_array(d, "near");
	bool caseless = json_bool(d, "caseless");
	unsigned index = (unsigned)o->n * 4;

	if (!id || !*id || strlen(id) >= sizeof(o->of[0].id) || strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != strlen(id))
		return err_set(err, ERR_REMOTE, "bad_detectors", "a detector without an id");
	if (o->n == OWN_MAX)
		return err_set(err, ERR_REMOTE, "bad_detectors", "more than %d detectors", OWN_MAX);
	struct detector_own *k = &o->of[o->n++];
	*k = (struct detector_own){.needs_near = cJSON_GetArraySize(near) > 0};
	snprintf(k->id, sizeof(k->id), "%s", id);
	if ((pattern && add_pattern(s, pattern, false, caseless, index + OF_PATTERN, err) < 0) ||
		add_words(s, json_array(d, "words"), caseless, index + OF_WORD, err) < 0)
		return -1;
	return add_words(s, near, true, index + OF_NEAR, err);
}

static int read_list(struct own *o, struct source *s, const char *text, struct err *err)
{
	_cleanup_json_ cJSON *list = NULL;
	const cJSON *d;

	if (!*text)
		return 0;
	if (json_parse(text, strlen(text), &list, err) < 0)
		return -1;
	cJSON_ArrayForEach(d, list)
		if (read_one(o, s, d, err) < 0)
			return -1;
	return 0;
}

/* What is refused is left out, so that one pattern does not take the others with it. */
static int compile(struct own *o, struct source *s, int *ret_refused, struct err *err)
{
	*ret_refused = 0;
	while (s->n) {
		hs_compile_error_t *wrong = NULL;
		if (hs_compile_multi((const char *const *)s->of, s->flags, s->ids, s->n, HS_MODE_BLOCK, NULL, &o->db, &wrong) == HS_SUCCESS)
			return hs_alloc_scratch(o->db, &o->scratch) == HS_SUCCESS ? 0 : err_set(err, ERR_LOCAL, "memory", "out of memory");
		int at = wrong ? wrong->expression : -1;
		hs_free_compile_error(wrong);
		if (at < 0 || at >= (int)s->n || *ret_refused == 32)
			return err_set(err, ERR_REMOTE, "bad_detectors", "the patterns are refused together");
		free(s->of[at]);
		s->n--;
		s->of[at] = s->of[s->n];
		s->flags[at] = s->flags[s->n];
		s->ids[at] = s->ids[s->n];
		++*ret_refused;
	}
	return 0;
}

int own_new(const char *common, const char *tenant, struct own **ret, int *ret_refused, struct err *err)
{
	_cleanup_(source_freep) struct source *s = calloc(1, sizeof(*s));
	struct own *o = calloc(1, sizeof(*o));

	if (!s || !o) {
		free(o);
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	if (read_list(o, s, common, err) < 0 || read_list(o, s, tenant, err) < 0 || compile(o, s, ret_refused, err) < 0) {
		own_free(o);
		return -1;
	}
	if (!o->db) {
		own_free(o);
		o = NULL;
	}
	*ret = o;
	return 0;
}

static void flush(struct look *l, struct detector_own *k, unsigned index)
{
	char shown[48];

	if (k->to == NOWHERE)
		return;
	size_t from = k->from, to = k->to, n = to - from < 4096 ? to - from : 4096;
	bool near = !k->needs_near || (k->near_to != NOWHERE && (k->near_to <= from ? from - k->near_to <= NEAR : true));
	if (k->word) {
		size_t cut = n < sizeof(shown) - 1 ? n : sizeof(shown) - 1;
		while (cut < n && cut > 0 && ((unsigned char)l->text[from + cut] & 0xc0) == 0x80)
			cut--;
		snprintf(shown, sizeof(shown), "%.*s", (int)cut, l->text + from);
	} else {
		look_mask(shown, l->text + from, n < 20 ? n : 20, 0);
	}
	k->hit = look_note(l, k->id, DETECTORS + index, near, from, l->text + from, n, shown);
	k->noted = near ? NOWHERE : to;
	k->to = NOWHERE;
}

struct own_look {
	struct own *o;
	struct look *l;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	struct own_look *w = context;
	struct detector_own *k = &w->o->of[id / 4];

	if (id % 4 == OF_NEAR) {
		k->near_to = (size_t)to;
		if (k->hit >= 0 && k->noted != NOWHERE && to - k->noted <= NEAR + 100) {
			w->l->reply->hits[k->hit].near = true;
			k->noted = NOWHERE;
		}
		return 0;
	}
	if (from >= to)
		return 0; /* patterns that match nothing */
	/* A match is told at each of its ends: it grows. */
	if (k->to != NOWHERE && from < k->to) {
		k->to = to > k->to ? (size_t)to : k->to;
		return 0;
	}
	flush(w->l, k, id / 4);
	k->from = (size_t)from;
	k->to = (size_t)to;
	k->word = id % 4 == OF_WORD;
	return 0;
}

void own_look(struct own *o, struct look *l)
{
	struct own_look w = {o, l};

	for (int i = 0; i < o->n; i++) {
		o->of[i].hit = -1;
		o->of[i].near_to = o->of[i].to = o->of[i].noted = NOWHERE;
	}
	hs_scan(o->db, l->text, (unsigned)l->len, 0, o->scratch, on_match, &w);
	for (int i = 0; i < o->n; i++)
		flush(l, &o->of[i], (unsigned)i);
}
