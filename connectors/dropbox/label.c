/* Labelling a file: one of the tags that people see beside it. See dropbox.h (struct stay).
 *
 * A tag has at most 32 characters, letters, digits and "_" only, and Dropbox makes them small. The routes are marked as a preview
 * in Dropbox's reference; they know no administrator, so that in a team folder a member of it lends a hand. File properties, the
 * other way, nobody sees. Receipt: "tag", "tagger" {user, ns}, "had_tag". Sources: files.stone (tags/…). */
#include "connectors/dropbox/dropbox.h"

#include <ctype.h>
#include <string.h>

#define TAG_CHARACTERS 32

/* ---- words ---- */

/* One character of UTF-8, *at moved on; 0xFFFD for what is none. */
static uint32_t next_character(const char *s, size_t *at)
{
	const unsigned char *p = (const unsigned char *)s + *at;
	size_t n = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
	uint32_t c = n == 1 ? *p : *p & (0x7Fu >> n);

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80) {
			(*at)++;
			return 0xFFFD;
		}
		c = c << 6 | (p[i] & 0x3F);
	}
	*at += n;
	return c;
}

static bool is_word(uint32_t c)
{
	static const struct { uint32_t from, to; } others[] = {{0x80, 0xA9}, {0xAB, 0xB4}, {0xB6, 0xB9}, {0xBB, 0xBF}, {0xD7, 0xD7}, {0xF7, 0xF7},
		{0x2000, 0x206F}, {0x20A0, 0x20CF}, {0x2190, 0x2BFF}, {0x3000, 0x3004}, {0x3008, 0x3030}, {0x303D, 0x3040}, {0x30FB, 0x30FB},
		{0xD800, 0xF8FF}, {0xFE00, 0xFE6F}, {0xFF00, 0xFF0F}, {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}, {0x1F000, 0x1FFFF}};

	if (c < 0x80)
		return isalnum((int)c) || c == '_';
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (c >= others[i].from && c <= others[i].to)
			return false;
	return true;
}

/* As Dropbox takes it: what is no word becomes one "_". plain: nor is anything beyond ASCII. */
static int make_tag(const char *words, bool plain, struct buf *ret)
{
	size_t n = 0;
	bool gap = false;

	for (size_t at = 0; words[at] && n < TAG_CHARACTERS;) {
		size_t from = at;
		uint32_t c = next_character(words, &at);
		if (!is_word(c) || (plain && c >= 0x80)) {
			gap = n > 0;
			continue;
		}
		if (gap && n + 1 < TAG_CHARACTERS) {
			if (buf_addc(ret, '_') < 0)
				return -1;
			n++;
		}
		gap = false;
		if (c < 0x80 ? buf_addc(ret, (char)tolower((int)c)) < 0 : buf_add(ret, words + from, at - from) < 0)
			return -1;
		n++;
	}
	return 0;
}

/* ---- calls ---- */

static int tagger_of(const struct stay *s, struct dbx_as *ret, struct err *err)
{
	const cJSON *t = json_object(s->receipt, "tagger");

	*ret = (struct dbx_as){.user = json_str(t, "user"), .ns = json_str(t, "ns")};
	return ret->user && ret->ns ? 0 : err_set(err, ERR_LOCAL, "bad_receipt", "a receipt without somebody to tag as");
}

/* The rest of the grant works on without these routes and their scope. */
static int no_tags(const struct err *why, struct err *err)
{
	if (why->class == ERR_CONSENT)
		return err_set(err, ERR_REMOTE, "forbidden", "%.300s", why->message);
	return pass_on(err, why);
}

struct seen {
	bool tag, plain; /* these are there */
};

static int look(const struct stay *s, const struct dbx_as *as, const char *tag, const char *plain, struct seen *ret, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject(), *doc = NULL;
	cJSON *paths = cJSON_CreateArray();
	const cJSON *one;
	struct err why;

	if (json_set(arg, "paths", paths) < 0 || !cJSON_AddItemToArray(paths, cJSON_CreateString(json_str_or(s->file, "path_display", ""))))
		return err_memory(err);
	if (dbx_object(s->c, as, "files/tags/get", arg, &doc, &why) < 0)
		return no_tags(&why, err);
	const cJSON *first = cJSON_GetArrayItem(json_array(doc, "paths_to_tags"), 0);
	if (!json_array(first, "tags"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a list of tags that is none");
	*ret = (struct seen){0};
	cJSON_ArrayForEach(one, json_array(first, "tags"))
	{
		/* The fields stand beside ".tag", or below it. */
		const cJSON *inner = json_object(one, "user_generated_tag");
		const char *text = json_str_or(inner ? inner : one, "tag_text", "");
		ret->tag |= strcmp(text, tag) == 0;
		ret->plain |= plain && strcmp(text, plain) == 0;
	}
	return 0;
}

/* Which of them are our doing. */
static int look_for_ours(const struct stay *s, const struct dbx_as *as, struct seen *ret, struct err *err)
{
	if (look(s, as, json_str_or(s->receipt, "tag", ""), json_str(s->receipt, "plain"), ret, err) < 0)
		return -1;
	ret->tag &= !json_bool(s->receipt, "had_tag");
	ret->plain &= !json_bool(s->receipt, "had_plain");
	return 0;
}

static int change(const struct stay *s, const struct dbx_as *as, const char *tag, bool on, struct err *err)
{
	_cleanup_json_ cJSON *arg = cJSON_CreateObject();
	struct err why;

	if (json_set_str(arg, "path", json_str_or(s->file, "path_display", "")) < 0 || json_set_str(arg, "tag_text", tag) < 0)
		return err_memory(err);
	if (dbx_call(s->c, as, on ? "files/tags/add" : "files/tags/remove", arg, NULL, &why) == 0)
		return 0;
	if (!on && strstr(why.message, "tag_not_present"))
		return 0;
	return no_tags(&why, err);
}

/* ---- the act ---- */

static int note_tagger(struct stay *s, struct err *err)
{
	_cleanup_buf_ struct buf user = BUF_INIT(DBX_ID_MAX), email = BUF_INIT(DBX_ID_MAX);
	cJSON *t = cJSON_CreateObject();

	if (json_set(s->receipt, "tagger", t) < 0)
		return err_memory(err);
	if (s->home.user)
		return json_set_str(t, "user", s->home.user) < 0 || json_set_str(t, "ns", s->home.ns) < 0 ? err_memory(err) : 0;
	if (dbx_folder_member(s->c, s->home.admin, s->home.ns, &user, &email, err) < 0)
		return -1;
	if (!user.len)
		return err_set(err, ERR_REMOTE, "forbidden", "only a member of the team folder could tag it, and it has none");
	return json_set_str(t, "user", buf_str(&user)) < 0 || json_set_str(t, "ns", s->home.ns) < 0 ? err_memory(err) : 0;
}

int dbx_label_plan(struct stay *s, const char *words, struct err *err)
{
	_cleanup_buf_ struct buf tag = BUF_INIT(256), plain = BUF_INIT(256);
	struct dbx_as as;
	struct seen seen;

	if (!words || make_tag(words, false, &tag) < 0 || make_tag(words, true, &plain) < 0 || !tag.len)
		return err_set(err, ERR_LOCAL, "bad_act", "a label without words");
	if (!plain.len && buf_adds(&plain, "sekisho") < 0)
		return err_memory(err);
	bool both = strcmp(buf_str(&tag), buf_str(&plain)) != 0;
	if (note_tagger(s, err) < 0 || tagger_of(s, &as, err) < 0 ||
		look(s, &as, buf_str(&tag), both ? buf_str(&plain) : NULL, &seen, err) < 0)
		return -1;
	if (json_set_str(s->receipt, "tag", buf_str(&tag)) < 0 || (both && json_set_str(s->receipt, "plain", buf_str(&plain)) < 0) ||
		(seen.tag && json_set_bool(s->receipt, "had_tag", true) < 0) ||
		(seen.plain && json_set_bool(s->receipt, "had_plain", true) < 0))
		return err_memory(err);
	return 0;
}

static int put_on(struct stay *s, const struct dbx_as *as, struct err *err)
{
	const char *plain = json_str(s->receipt, "plain");
	struct err why;

	if (change(s, as, json_str_or(s->receipt, "tag", ""), true, &why) == 0)
		return 0;
	if (!plain || why.http_status != 400 || strstr(why.message, "Unknown API function"))
		return pass_on(err, &why);
	return json_bool(s->receipt, "had_plain") ? 0 : change(s, as, plain, true, err);
}

int dbx_label_set(struct stay *s, bool on, struct err *err)
{
	const char *tag = json_str_or(s->receipt, "tag", ""), *plain = json_str(s->receipt, "plain");
	struct dbx_as as;
	struct seen ours;

	if (tagger_of(s, &as, err) < 0 || look_for_ours(s, &as, &ours, err) < 0)
		return -1;
	if (on)
		return ours.tag || ours.plain || json_bool(s->receipt, "had_tag") ? 0 : put_on(s, &as, err);
	if (ours.tag && change(s, &as, tag, false, err) < 0)
		return -1;
	return ours.plain ? change(s, &as, plain, false, err) : 0;
}

int dbx_label_observe(struct stay *s, struct observation *ret, struct err *err)
{
	bool had = json_bool(s->receipt, "had_tag") || json_bool(s->receipt, "had_plain");
	struct dbx_as as;
	struct seen ours;

	if (tagger_of(s, &as, err) < 0 || look_for_ours(s, &as, &ours, err) < 0)
		return -1;
	bool on = ours.tag || ours.plain;
	/* One that was there before us stays: then the receipt says which of both is meant. */
	ret->restored = had && !on ? json_bool(s->receipt, "restored") : !on;
	ret->quarantined = !ret->restored && (on || had);
	return 0;
}
