/* Containing a message: moved into one hidden folder per mailbox, and back. Called by microsoft.c on core's job threads.
 *
 * Ids are immutable, so every step asks first where the message is, and a step whose answer was lost is seen to have
 * happened. Receipt: user, id, parent {id, path}, place {id}, categories, message_id; after a restore restored_to when the
 * old folder was gone. Sources: Graph "message: move", "Create mailFolder", "message: permanentDelete". */
#include "base/encode.h"
#include "connectors/microsoft/acts.h"

#include <string.h>

#define FOLDER_PAGES_MAX 200
#define LOOK_SELECT "id,parentFolderId,categories,isDraft,changeKey,internetMessageId,subject"

/* ---- the quarantine folder ---- */

int ms_mail_place_key(struct buf *out, const char *user)
{
	return buf_addf(out, "mailbox/%s", user);
}

bool ms_mail_folder_is_ours(const cJSON *folder, const char *place)
{
	const char *name = json_str_or(folder, "displayName", "");

	if (*place && strcmp(json_str_or(folder, "id", ""), place) == 0)
		return true;
	return json_bool(folder, "isHidden") && strncmp(name, GRAPH_QUARANTINE, strlen(GRAPH_QUARANTINE)) == 0;
}

static int url_folders(struct connection *c, const char *user, bool hidden, struct buf *url, struct err *err)
{
	if (graph_url(c, url, err, "/users/{}/mailFolders", user, NULL) < 0)
		return -1;
	if ((hidden && url_query(url, "includeHiddenFolders", "true") < 0) || url_query_int(url, "$top", 100) < 0)
		return err_memory(err);
	return 0;
}

/* 0 and the id, 1 when there is none. in_sight: one that is not hidden will do, because the service hides none. */
static int find_folder(struct connection *c, const char *user, bool in_sight, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	bool hidden = true;

	if (url_folders(c, user, hidden, &url, err) < 0)
		return -1;
	for (int page = 0; page < FOLDER_PAGES_MAX; page++) {
		_cleanup_json_ cJSON *doc = NULL;
		const char *next;
		cJSON *value, *folder;
		struct err why;
		int r = graph_get(c, buf_str(&url), GRAPH_IMMUTABLE, &doc, &why);
		if (r < 0 && hidden && page == 0 && graph_refused(&why)) {
			hidden = false;
			if (url_folders(c, user, hidden, &url, err) < 0)
				return -1;
			r = graph_get(c, buf_str(&url), GRAPH_IMMUTABLE, &doc, &why);
		}
		if (r < 0) {
			if (err)
				*err = why;
			return -1;
		}
		if (graph_list(c, doc, &value, &next, err) < 0)
			return -1;
		cJSON_ArrayForEach(folder, value)
		{
			const char *id = json_str(folder, "id");
			bool ours = ms_mail_folder_is_ours(folder, "") ||
				(in_sight && strcmp(json_str_or(folder, "displayName", ""), GRAPH_QUARANTINE) == 0);
			if (id && *id && ours)
				return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
		}
		if (!next)
			return 1;
		buf_clear(&url);
		if (buf_adds(&url, next) < 0)
			return err_memory(err);
	}
	return err_set(err, ERR_REMOTE, "bad_answer", "the list of a mailbox's folders does not end");
}

/* ret_in_sight: the service refused to hide it. */
static int create_folder(struct connection *c, const char *user, const char *name, struct buf *ret, bool *ret_in_sight,
	struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;
	struct err why;

	if (!body || json_set_str(body, "displayName", name) < 0 || json_set_bool(body, "isHidden", true) < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/users/{}/mailFolders", user, NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "POST", .url = buf_str(&url), .prefer = GRAPH_IMMUTABLE, .json = body};
	int r = graph_json(c, &call, &doc, &why);
	if (r < 0 && graph_refused(&why)) {
		/* A folder in sight holds a message as well as a hidden one does. */
		*ret_in_sight = true;
		cJSON_DeleteItemFromObjectCaseSensitive(body, "isHidden");
		r = graph_json(c, &call, &doc, &why);
	}
	if (r < 0) {
		if (err)
			*err = why;
		return -1;
	}
	const char *id = json_str(doc, "id");
	if (!id || !*id)
		return err_set(err, ERR_REMOTE, "bad_answer", "a new mail folder without an id");
	return buf_adds(ret, id) < 0 ? err_memory(err) : 0;
}

/* Another thread may make it at the same time, and a person may have a folder of that name. */
static int make_folder(struct connection *c, const char *user, struct buf *ret, struct err *err)
{
	char name[64], tail[9];
	bool in_sight = false;
	struct err own;

	if (create_folder(c, user, GRAPH_QUARANTINE, ret, &in_sight, &own) == 0)
		return 0;
	if (own.class != ERR_CHANGED) {
		if (err)
			*err = own;
		return -1;
	}
	int r = find_folder(c, user, in_sight, ret, err);
	if (r <= 0)
		return r;
	random_hex(tail, 4);
	snprintf(name, sizeof(name), GRAPH_QUARANTINE "-%s", tail);
	return create_folder(c, user, name, ret, &in_sight, err);
}

int ms_mail_place(struct connection *c, const char *user, bool fresh, struct buf *ret, struct err *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(1024), id = BUF_INIT(4096);
	const struct connector_env *env = c->api.env;

	if (ms_mail_place_key(&key, user) < 0)
		return err_memory(err);
	int r = fresh ? 1 : env->place_get(env->ctx, buf_str(&key), &id, err);
	if (r == 1) {
		r = find_folder(c, user, false, &id, err);
		if (r == 1)
			r = make_folder(c, user, &id, err);
		if (r == 0)
			r = env->place_put(env->ctx, buf_str(&key), buf_str(&id), err);
	}
	if (r < 0)
		return -1;
	return buf_adds(ret, buf_str(&id)) < 0 ? err_memory(err) : 0;
}

/* ---- looking and moving ---- */

int ms_mail_look(struct connection *c, const cJSON *receipt, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (graph_url(c, &url, err, "/users/{}/messages/{}", json_str(receipt, "user"), json_str(receipt, "id"), NULL) < 0)
		return -1;
	if (url_query(&url, "$select", LOOK_SELECT) < 0)
		return err_memory(err);
	if (graph_get(c, buf_str(&url), GRAPH_IMMUTABLE, &doc, err) < 0)
		return -1;
	if (!json_str(doc, "id") || !json_str(doc, "parentFolderId"))
		return err_set(err, ERR_REMOTE, "bad_answer", "a message without a folder");
	*ret = TAKE_PTR(doc);
	return 0;
}

/* Moves by id; *ret_folder is where it is now, as the answer says, or else the message itself. */
static int move(struct connection *c, cJSON *receipt, const char *folder, struct buf *ret_folder, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *body = cJSON_CreateObject(), *doc = NULL;

	if (!body || json_set_str(body, "destinationId", folder) < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/users/{}/messages/{}/move", json_str(receipt, "user"), json_str(receipt, "id"),
		    NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "POST", .url = buf_str(&url), .prefer = GRAPH_IMMUTABLE, .json = body};
	if (graph_json(c, &call, &doc, err) < 0)
		return -1;
	/* Some moves change even an immutable id (into an archive mailbox): what it is called now is what counts. */
	const char *id = json_str(doc, "id");
	if (id && *id && json_set_str(receipt, "id", id) < 0)
		return err_memory(err);
	const char *now = json_str(doc, "parentFolderId");
	if (!now) {
		json_free(TAKE_PTR(doc));
		if (ms_mail_look(c, receipt, &doc, err) < 0)
			return -1;
		now = json_str(doc, "parentFolderId");
	}
	buf_clear(ret_folder);
	return buf_adds(ret_folder, now) < 0 ? err_memory(err) : 0;
}

static bool in_folder(const cJSON *message, const char *folder)
{
	return folder && strcmp(json_str_or(message, "parentFolderId", ""), folder) == 0;
}

static const char *place_id(const cJSON *receipt)
{
	return json_str(json_object(receipt, "place"), "id");
}

/* A folder's name for people; best effort. */
static void folder_name(struct connection *c, const char *user, const char *folder, struct buf *ret)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
	_cleanup_json_ cJSON *doc = NULL;

	if (graph_url(c, &url, NULL, "/users/{}/mailFolders/{}", user, folder, NULL) == 0 &&
		graph_get(c, buf_str(&url), GRAPH_IMMUTABLE, &doc, NULL) == 0 && json_str(doc, "displayName"))
		buf_addf(ret, "/%.400s", json_str(doc, "displayName"));
}

/* Where a message is goes into the receipt as the place to come back to. */
static int set_parent(struct connection *c, const cJSON *context, cJSON *receipt, const cJSON *message, struct err *err)
{
	const char *folder = json_str(message, "parentFolderId");
	_cleanup_buf_ struct buf path = BUF_INIT(1024);
	cJSON *parent = cJSON_CreateObject();

	if (context && strcmp(folder, json_str_or(context, "folder", "")) == 0)
		buf_addf(&path, "%.1000s", json_str_or(context, "path", ""));
	else
		folder_name(c, json_str(receipt, "user"), folder, &path);
	if (json_set(receipt, "parent", parent) < 0 || json_set_str(parent, "id", folder) < 0 ||
		json_set_str(parent, "path", buf_str(&path)) < 0)
		return err_memory(err);
	return 0;
}

/* ---- the acts ---- */

int ms_mail_plan(struct connection *c, const cJSON *context, const struct stream_info *stream, const struct item *item,
	cJSON *receipt, struct err *err)
{
	const char *user = json_str(context, "user");
	_cleanup_buf_ struct buf folder = BUF_INIT(4096);
	_cleanup_json_ cJSON *message = NULL;
	cJSON *place = cJSON_CreateObject();

	if (json_set(receipt, "place", place) < 0 || json_set_str(receipt, "user", user) < 0 ||
		json_set_str(receipt, "owner", stream->owner) < 0 || json_set_str(receipt, "id", item->id) < 0)
		return err_memory(err);
	if (ms_mail_look(c, receipt, &message, err) < 0)
		return -1;
	if (!ms_mail_version_is(message, item->version))
		return err_set(err, ERR_CHANGED, "changed", "the draft was changed since it was looked at");
	if (ms_mail_place(c, user, false, &folder, err) < 0)
		return -1;
	if (json_set_str(place, "id", buf_str(&folder)) < 0 ||
		json_set_str(receipt, "message_id", json_str(message, "internetMessageId")) < 0 ||
		json_set_str(receipt, "name", json_str(message, "subject")) < 0)
		return err_memory(err);
	const cJSON *categories = json_array(message, "categories");
	if (categories && json_set(receipt, "categories", cJSON_Duplicate(categories, true)) < 0)
		return err_memory(err);
	if (in_folder(message, buf_str(&folder))) {
		/* It lies there since an act whose receipt nobody has any more. */
		cJSON *parent = cJSON_CreateObject();
		if (json_set(receipt, "parent", parent) < 0 || json_set_str(parent, "id", "inbox") < 0 ||
			json_set_str(parent, "path", "/Inbox") < 0 ||
			json_note(receipt, "not_restored", "the folder that it was in before is not known") < 0)
			return err_memory(err);
		return 0;
	}
	return set_parent(c, context, receipt, message, err);
}

int ms_mail_quarantine(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	_cleanup_buf_ struct buf now = BUF_INIT(4096), folder = BUF_INIT(4096);
	_cleanup_json_ cJSON *message = NULL;
	struct err why;

	if (ms_mail_look(c, receipt, &message, err) < 0)
		return -1;
	if (in_folder(message, place_id(receipt)))
		return 0;
	if (!ms_mail_version_is(message, json_str_or(receipt, "version", "1")))
		return err_set(err, ERR_CHANGED, "changed", "the draft was changed since it was looked at");
	/* Its owner may have moved it in the meantime: there it shall come back to. */
	if (!in_folder(message, json_str(json_object(receipt, "parent"), "id")) &&
		set_parent(c, NULL, receipt, message, err) < 0)
		return -1;
	if (buf_adds(&folder, place_id(receipt) ? place_id(receipt) : "") < 0)
		return err_memory(err);
	int r = folder.len ? move(c, receipt, buf_str(&folder), &now, &why) : err_set(&why, ERR_GONE, "not_found", "no place");
	if (r < 0 && why.class == ERR_GONE) {
		/* The message, or the folder? */
		json_free(TAKE_PTR(message));
		if (ms_mail_look(c, receipt, &message, err) < 0)
			return -1;
		buf_clear(&folder);
		if (ms_mail_place(c, json_str(receipt, "user"), true, &folder, err) < 0)
			return -1;
		if (json_set_str(json_object(receipt, "place"), "id", buf_str(&folder)) < 0)
			return err_memory(err);
		r = move(c, receipt, buf_str(&folder), &now, &why);
	}
	if (r < 0) {
		if (err)
			*err = why;
		return -1;
	}
	if (strcmp(buf_str(&now), buf_str(&folder)) != 0)
		return err_set(err, ERR_RETRY, "not_effective", "the message was moved, but not to where it should be");
	return 0;
}

/* Moving keeps categories; should a service have dropped them, they are set again. */
static int restore_categories(struct connection *c, const cJSON *receipt, struct err *err)
{
	const cJSON *want = json_array(receipt, "categories");
	_cleanup_json_ cJSON *message = NULL, *body = cJSON_CreateObject();
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);

	if (!want)
		return 0;
	if (ms_mail_look(c, receipt, &message, err) < 0)
		return -1;
	const cJSON *have = json_array(message, "categories");
	if (!have || cJSON_Compare(want, have, true))
		return 0;
	if (!body || json_set(body, "categories", cJSON_Duplicate(want, true)) < 0)
		return err_memory(err);
	if (graph_url(c, &url, err, "/users/{}/messages/{}", json_str(receipt, "user"), json_str(receipt, "id"), NULL) < 0)
		return -1;
	const struct graph_call call = {.method = "PATCH", .url = buf_str(&url), .prefer = GRAPH_IMMUTABLE, .json = body};
	return graph_json(c, &call, NULL, err);
}

int ms_mail_restore(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	const cJSON *parent = json_object(receipt, "parent");
	const char *home = json_str_or(parent, "id", "inbox"), *instead = json_str(receipt, "restored_to");
	_cleanup_buf_ struct buf now = BUF_INIT(4096);
	_cleanup_json_ cJSON *message = NULL;
	struct err why;

	if (ms_mail_look(c, receipt, &message, err) < 0)
		return -1;
	if (in_folder(message, home) || in_folder(message, instead))
		return restore_categories(c, receipt, err);
	if (!in_folder(message, place_id(receipt))) {
		/* Somebody took it out by other means; where it is now is their choice, or an earlier try's. */
		if (json_set_str(receipt, "restored_to", json_str(message, "parentFolderId")) < 0 ||
			json_note(receipt, "not_restored", "it was not in quarantine any more and stays where it is") < 0)
			return err_memory(err);
		return restore_categories(c, receipt, err);
	}
	int r = move(c, receipt, home, &now, &why);
	if (r < 0 && (why.class == ERR_GONE || (why.http_status == 400 && why.class == ERR_REMOTE))) {
		/* The message is there, so the folder is not. */
		if (json_note(receipt, "not_restored", "its folder %.300s is gone: it came back to the inbox",
			    json_str_or(parent, "path", "")) < 0)
			return err_memory(err);
		r = move(c, receipt, "inbox", &now, &why);
	}
	if (r < 0) {
		if (err)
			*err = why;
		return -1;
	}
	if (strcmp(buf_str(&now), home) != 0 && json_set_str(receipt, "restored_to", buf_str(&now)) < 0)
		return err_memory(err);
	return restore_categories(c, receipt, err);
}

int ms_mail_observe(struct connection *c, const cJSON *receipt, struct observation *ret, struct err *err)
{
	const cJSON *parent = json_object(receipt, "parent");
	_cleanup_json_ cJSON *message = NULL;
	_cleanup_buf_ struct buf name = BUF_INIT(sizeof(ret->place) - 1);
	struct err why;

	if (ms_mail_look(c, receipt, &message, &why) < 0) {
		if (why.class == ERR_GONE)
			return 0; /* exists: false */
		if (err)
			*err = why;
		return -1;
	}
	ret->exists = true;
	ret->quarantined = in_folder(message, place_id(receipt));
	ret->restored = in_folder(message, json_str(parent, "id")) || in_folder(message, json_str(receipt, "restored_to"));
	if (ret->quarantined)
		buf_adds(&name, "/" GRAPH_QUARANTINE);
	else if (in_folder(message, json_str(parent, "id")))
		buf_addf(&name, "%.500s", json_str_or(parent, "path", ""));
	else
		folder_name(c, json_str(receipt, "user"), json_str(message, "parentFolderId"), &name);
	snprintf(ret->place, sizeof(ret->place), "%s", buf_str(&name));
	snprintf(ret->version, sizeof(ret->version), "%s%.400s", json_bool(message, "isDraft") ? "draft:" : "1",
		json_bool(message, "isDraft") ? json_str_or(message, "changeKey", "") : "");
	return 0;
}

int ms_mail_open_held(struct connection *c, const cJSON *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	return ms_mail_bytes(c, json_str(receipt, "user"), json_str(receipt, "id"), content, ret, err);
}

int ms_mail_deleted(struct connection *c, const char *user, const cJSON *message, bool *ret, struct err *err)
{
	static const char *const folders[] = {"recoverableitemspurges", "recoverableitemsdeletions", "deleteditems"};
	bool there = false;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && !there; i++) {
		_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX);
		_cleanup_json_ cJSON *folder = NULL;
		struct err why;
		if (graph_url(c, &url, err, "/users/{}/mailFolders/{}", user, folders[i], NULL) < 0)
			return -1;
		if (url_query(&url, "$select", "id") < 0)
			return err_memory(err);
		if (graph_get(c, buf_str(&url), GRAPH_IMMUTABLE, &folder, &why) < 0 && !graph_refused(&why))
			return pass_on(err, &why);
		there = in_folder(message, json_str(folder, "id"));
	}
	*ret = there;
	return 0;
}

int ms_mail_remove(struct connection *c, const cJSON *receipt, bool again, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GRAPH_URL_MAX), plain = BUF_INIT(GRAPH_URL_MAX);
	const char *user = json_str(receipt, "user"), *id = json_str(receipt, "id");
	_cleanup_json_ cJSON *message = NULL;
	struct err why;

	if (graph_url(c, &url, err, "/users/{}/messages/{}/permanentDelete", user, id, NULL) < 0 ||
		graph_url(c, &plain, err, "/users/{}/messages/{}", user, id, NULL) < 0)
		return -1;
	if (ms_mail_look(c, receipt, &message, &why) < 0) {
		if (why.class == ERR_GONE)
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	if (!in_folder(message, place_id(receipt))) {
		/* What an earlier try deleted can still be read by its id, where nobody else reaches it. */
		bool deleted = false;
		if (again && ms_mail_deleted(c, user, message, &deleted, err) < 0)
			return -1;
		return deleted ? 0 : err_set(err, ERR_CHANGED, "not_quarantined", "the message is not in quarantine any more");
	}
	struct graph_call call = {.method = "POST", .url = buf_str(&url), .prefer = GRAPH_IMMUTABLE};
	int r = graph_json(c, &call, NULL, &why);
	/* National clouds have no permanentDelete. */
	if (r < 0 && graph_refused(&why) && why.http_status != 403) {
		call = (struct graph_call){.method = "DELETE", .url = buf_str(&plain), .prefer = GRAPH_IMMUTABLE};
		r = graph_json(c, &call, NULL, &why);
	}
	if (r == 0 || why.class == ERR_GONE)
		return 0;
	if (err)
		*err = why;
	return -1;
}
