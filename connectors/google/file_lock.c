/* What stands in for moving a file where Google refuses that: it is made read-only, by a restriction that its owner alone can
 * take off, and readers may not copy it; where that is refused, too, it goes into the trash. Its sharing is removed as in any
 * case. The owner still reaches it. Called by file_act.c on core's job threads. Sources: Drive "Protect file content"
 * (contentRestrictions, ownerRestricted), copyRequiresWriterPermission, "Trash or delete files and folders". */
#include "connectors/google/files.h"

#include <string.h>

#define REASON "sekisho: contained as dangerous"

bool file_locked(const cJSON *file)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, json_array(file, "contentRestrictions"))
	{
		if (json_bool(one, "readOnly") && strncmp(json_str_or(one, "reason", ""), "sekisho:", 8) == 0)
			return true;
	}
	return false;
}

static int patch(struct connection *c, const cJSON *receipt, const cJSON *body, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (drive_url(c, &url, err, "/files/{}", json_str(receipt, "id"), NULL) < 0)
		return -1;
	if (url_query(&url, "supportsAllDrives", "true") < 0 || url_query(&url, "fields", FILE_ACT_FIELDS) < 0)
		return err_memory(err);
	const struct google_call call = {.method = "PATCH", .url = buf_str(&url), .as = json_str(receipt, "user"), .json = body};
	return google_json(c, &call, ret, err);
}

int file_set_trashed(struct connection *c, const cJSON *receipt, bool trashed, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject();
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (!body || json_set_bool(body, "trashed", trashed) < 0)
		return err_memory(err);
	if (drive_url(c, &url, err, "/files/{}", json_str(receipt, "id"), NULL) < 0)
		return -1;
	if (url_query(&url, "supportsAllDrives", "true") < 0 || url_query(&url, "fields", "id,trashed") < 0)
		return err_memory(err);
	const struct google_call call = {.method = "PATCH", .url = buf_str(&url), .as = json_str(receipt, "user"), .json = body};
	return google_json(c, &call, ret, err);
}

static cJSON *restriction(bool on, bool owner, const char *reason)
{
	cJSON *list = cJSON_CreateArray(), *one = cJSON_CreateObject();

	if (json_set_bool(one, "readOnly", on) < 0 || (owner && json_set_bool(one, "ownerRestricted", true) < 0) ||
		json_set_str(one, "reason", reason) < 0 || !cJSON_AddItemToArray(list, one)) {
		json_free(list);
		json_free(one);
		return NULL;
	}
	return list;
}

/* 0 locked, 1 refused or without effect. */
static int try_lock(struct connection *c, const cJSON *receipt, struct err *why, struct err *err)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *now = NULL;

	if (!body || json_set(body, "contentRestrictions", restriction(true, true, REASON)) < 0 ||
		json_set_bool(body, "copyRequiresWriterPermission", true) < 0)
		return err_memory(err);
	if (patch(c, receipt, body, &now, why) < 0)
		return err_refused(why) ? 1 : pass_on(err, why);
	if (file_locked(now))
		return 0;
	err_set(why, ERR_REMOTE, "not_effective", "the lock does not show");
	return 1;
}

static int trash(struct connection *c, const cJSON *receipt, struct err *err)
{
	_cleanup_json_ cJSON *now = NULL;

	if (file_set_trashed(c, receipt, true, &now, err) < 0)
		return -1;
	return json_bool(now, "trashed") ? 0 : err_set(err, ERR_RETRY, "not_effective", "the file was trashed, but it does not show");
}

int file_lock(struct connection *c, cJSON *receipt, const struct err *why, struct err *err)
{
	struct err no_lock = {0};
	int r = try_lock(c, receipt, &no_lock, err);

	if (r < 0)
		return -1;
	if (r > 0 && trash(c, receipt, err) < 0)
		return err_prefix(err, "moving it is refused (%.80s), locking it (%.80s), and trashing it", why->message,
			no_lock.message);
	if (json_set_str(receipt, "how", r == 0 ? "lock" : "trash") < 0 ||
		(r == 0 ? json_note(receipt, "notes", "moving it is refused: it is unshared and read-only where it lies, its owner "
			"still reaches it (%.200s)", why->message) :
			  json_note(receipt, "notes", "moving it is refused, and locking it: it is unshared and in the trash, its owner "
			"still reaches it there for 30 days (%.150s; %.150s)", why->message, no_lock.message)) < 0)
		return err_memory(err);
	return 0;
}

static int unlock(struct connection *c, const cJSON *receipt, const cJSON *now, struct err *err)
{
	const cJSON *was = cJSON_GetArrayItem(json_array(receipt, "restrictions"), 0);
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *after = NULL;

	if (!file_locked(now))
		return 0;
	if (!body || json_set(body, "contentRestrictions", restriction(json_bool(was, "readOnly"),
		json_bool(was, "ownerRestricted"), json_bool(was, "readOnly") ? json_str(was, "reason") : NULL)) < 0 ||
		json_set_bool(body, "copyRequiresWriterPermission", json_bool(receipt, "copy_restricted")) < 0)
		return err_memory(err);
	if (patch(c, receipt, body, &after, err) < 0)
		return -1;
	return file_locked(after) ? err_set(err, ERR_RETRY, "not_effective", "the file was unlocked, but it does not show") : 0;
}

int file_release(struct connection *c, cJSON *receipt, const cJSON *now, struct err *err)
{
	bool trashed = strcmp(json_str_or(receipt, "how", ""), "trash") == 0;

	/* It was in the trash before: there it stays. */
	if (trashed && json_bool(now, "trashed") && !json_bool(receipt, "in_trash") &&
		file_set_trashed(c, receipt, false, NULL, err) < 0)
		return -1;
	if (unlock(c, receipt, now, err) < 0)
		return -1;
	return MEM_OK(json_set_str(receipt, "how", "released") == 0, err);
}
