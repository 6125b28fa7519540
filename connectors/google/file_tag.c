/* Tagging a file, and taking the tag off again. Called by google.c on core's job threads.
 *
 * A tag is two things: a line "[sekisho] WORDS" at the end of the description, which people see in the details and find by search;
 * and a property that every application sees and can ask for (`properties has {key='sekisho-1a2b3c4d' and value='WORDS'}`). Drive's own
 * labels need a taxonomy that an administrator publishes, and editions that have it. The time of change is kept: a Google document's
 * version is that. Receipt: user, user_id, id, name, tag, key, had (it was there before: then undoing leaves it).
 * Sources: Drive files.update (description, properties, modifiedTime), "Custom file properties" (124 bytes of key and value). */
#include "connectors/google/files.h"

#include "base/digest.h"

#include <string.h>

#define TAG_FIELDS FILE_FIELDS ",description,properties"
#define MARK "[sekisho] "
#define PROPERTY_MAX 124
#define DESCRIPTION_MAX (1u << 20)

static const char *tag_of(const cJSON *receipt)
{
	return json_str_or(receipt, "tag", "");
}

/* The property's key, the same for the same words. */
static int set_key(cJSON *receipt, struct err *err)
{
	const char *tag = tag_of(receipt);
	struct digests d = {0};
	char key[32];

	if (digest_bytes(DIGEST_SHA256, tag, strlen(tag), &d) < 0)
		return err_memory(err);
	snprintf(key, sizeof(key), "sekisho-%.8s", d.sha256);
	return MEM_OK(json_set_str(receipt, "key", key) == 0, err);
}

/* The words as they fit, whole characters. */
static int value_of(const cJSON *receipt, struct buf *ret)
{
	const char *tag = tag_of(receipt), *key = json_str_or(receipt, "key", "");
	size_t n = strlen(tag), max = PROPERTY_MAX - strlen(key);

	if (n > max)
		for (n = max; n > 0 && (tag[n] & 0xc0) == 0x80; n--)
			;
	return buf_add(ret, tag, n);
}

/* Where the tag's line begins in a description, and how long it is with its line break; NULL. */
static const char *line_of(const char *text, const char *tag, size_t *ret_len)
{
	size_t n = strlen(tag), mark = strlen(MARK);

	for (const char *p = text; (p = strstr(p, MARK)); p++) {
		bool begins = p == text || p[-1] == '\n', ends;
		if (!begins || strncmp(p + mark, tag, n) != 0)
			continue;
		ends = p[mark + n] == '\0' || p[mark + n] == '\n' || p[mark + n] == '\r';
		if (!ends)
			continue;
		const char *from = p > text ? p - 1 : p;
		*ret_len = (size_t)(p - from) + mark + n;
		return from;
	}
	return NULL;
}

static int look(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	return file_get(c, json_str(receipt, "user"), json_str(receipt, "id"), TAG_FIELDS, ret, err);
}

static bool has_tag(const cJSON *receipt, const cJSON *file)
{
	size_t n;

	return line_of(json_str_or(file, "description", ""), tag_of(receipt), &n) &&
		json_str(json_object(file, "properties"), json_str_or(receipt, "key", ""));
}

static bool has_part(const cJSON *receipt, const cJSON *file)
{
	size_t n;

	return line_of(json_str_or(file, "description", ""), tag_of(receipt), &n) ||
		json_str(json_object(file, "properties"), json_str_or(receipt, "key", ""));
}

static int plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	const struct act_request *act, cJSON *receipt, struct err *err)
{
	_cleanup_buf_ struct buf tag = BUF_INIT(400);
	_cleanup_json_ cJSON *file = NULL;

	if (!act->tag || !*act->tag)
		return err_set(err, ERR_LOCAL, "bad_act", "a tag without words");
	for (const char *p = act->tag; *p; p++)
		if (buf_addc(&tag, (unsigned char)*p < ' ' ? ' ' : *p) < 0)
			return err_set(err, ERR_LOCAL, "bad_act", "a tag of too many words");
	if (json_set_str(receipt, "user", file_actor(context)) < 0 || json_set_str(receipt, "tag", buf_str(&tag)) < 0)
		return err_memory(err);
	if (set_key(receipt, err) < 0 || look(c, receipt, &file, err) < 0)
		return -1;
	if (!file_version_is(file, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	if (json_set_str(receipt, "name", json_str(file, "name")) < 0 ||
		json_set_bool(receipt, "had", has_tag(receipt, file)) < 0)
		return err_memory(err);
	return 0;
}

static int new_description(const cJSON *receipt, const cJSON *file, bool on, struct buf *ret)
{
	const char *text = json_str_or(file, "description", ""), *tag = tag_of(receipt);
	size_t n = 0;
	const char *line = line_of(text, tag, &n);

	if (on && line)
		return buf_adds(ret, text);
	if (on)
		return buf_addf(ret, "%s%s" MARK "%s", text, *text ? "\n" : "", tag);
	if (!line)
		return buf_adds(ret, text);
	/* The first line goes with the break behind it. */
	const char *rest = line + n;
	if (line == text && *rest == '\n')
		rest++;
	return buf_add(ret, text, (size_t)(line - text)) < 0 ? -1 : buf_adds(ret, rest);
}

static int write_tag(struct connection *c, const cJSON *receipt, const cJSON *file, bool on, cJSON **ret, struct err *err)
{
	const char *key = json_str_or(receipt, "key", "");
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX), text = BUF_INIT(DESCRIPTION_MAX), value = BUF_INIT(PROPERTY_MAX);
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	cJSON *properties = cJSON_CreateObject();

	if (json_set(body, "properties", properties) < 0)
		return err_memory(err);
	if (new_description(receipt, file, on, &text) < 0)
		return err_set(err, ERR_TOO_BIG, "description", "the file's description is too long for another line");
	if (value_of(receipt, &value) < 0 ||
		(on ? json_set_str(properties, key, buf_str(&value)) : json_set(properties, key, cJSON_CreateNull())) < 0 ||
		json_set_str(body, "description", buf_str(&text)) < 0 ||
		json_set_str(body, "modifiedTime", json_str(file, "modifiedTime")) < 0)
		return err_memory(err);
	if (drive_url(c, &url, err, "/files/{}", json_str(receipt, "id"), NULL) < 0)
		return -1;
	if (url_query(&url, "supportsAllDrives", "true") < 0 || url_query(&url, "fields", TAG_FIELDS) < 0)
		return err_memory(err);
	const struct google_call call = {.method = "PATCH", .url = buf_str(&url), .as = json_str(receipt, "user"), .json = body};
	return google_json(c, &call, ret, err);
}

static int quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *file = NULL, *now = NULL;
	bool written = false;

	if (look(c, receipt, &file, err) < 0)
		return -1;
	if (has_tag(receipt, file))
		return 0;
	if (file_written(c, json_str(receipt, "user"), file, json_str_or(receipt, "version", ""), &written, err) < 0)
		return -1;
	if (written)
		return err_set(err, ERR_CHANGED, "changed", "the file was changed since it was looked at");
	if (write_tag(c, receipt, file, true, &now, err) < 0)
		return -1;
	return has_tag(receipt, now) ? 0 : err_set(err, ERR_RETRY, "not_effective", "the file was tagged, but it does not show");
}

static int restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *file = NULL, *now = NULL;

	if (json_bool(receipt, "had"))
		return 0;
	if (look(c, receipt, &file, err) < 0)
		return -1;
	if (!has_part(receipt, file))
		return 0;
	if (write_tag(c, receipt, file, false, &now, err) < 0)
		return -1;
	return has_part(receipt, now) ? err_set(err, ERR_RETRY, "not_effective", "the tag was taken off, but it does not show") : 0;
}

static int observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	_cleanup_json_ cJSON *file = NULL;
	struct err why = {0};

	if (!a)
		return err_memory(err);
	if (look(c, receipt, &file, &why) < 0)
		return err_not_there(&why) ? 0 : pass_on(err, &why);
	const char *version = file_version(a, file);
	ret->exists = true;
	ret->quarantined = has_tag(receipt, file);
	ret->restored = !has_part(receipt, file) || json_bool(receipt, "had");
	snprintf(ret->place, sizeof(ret->place), "%.500s", tag_of(receipt));
	snprintf(ret->version, sizeof(ret->version), "%.500s", version ? version : "");
	return 0;
}

const struct google_act file_tag = {
	.kind = ACT_TAG,
	.name = "tag",
	.plan = plan,
	.quarantine = quarantine,
	.restore = restore,
	.observe = observe,
};
