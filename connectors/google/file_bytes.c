/* A file's bytes: a blob as it is, a Google document as the office file that is closest to it. Called by file.c and
 * file_act.c on core's job threads, several at once.
 *
 * Exports end at 10 MB; beyond, Google prepares them in the background (files.download). Nothing waits here: an export that is
 * not ready yet is RETRY, and the operation is remembered in the connection so that the next call asks for it and does not
 * begin another. Sources: Drive "Download and export files", files.download, operations.get, "Export MIME types". */
#include "connectors/google/files.h"

#include "base/digest.h"
#include "base/timeutil.h"

#include <string.h>

#define NATIVE "application/vnd.google-apps."
#define OFFICE "application/vnd.openxmlformats-officedocument."
#define EXPORT_LIVES_MS (20ll * 3600 * 1000) /* Google keeps them for 24 hours */
#define EXPORT_LOOKS 3                       /* at once; most are ready by then */
#define EXPORT_WAIT_MS 3000

const char *file_export_type(const char *mime)
{
	static const char *const types[] = {
		"document", OFFICE "wordprocessingml.document",
		"spreadsheet", OFFICE "spreadsheetml.sheet",
		"presentation", OFFICE "presentationml.presentation",
		"drawing", "application/pdf",
	};

	if (strncmp(mime, NATIVE, strlen(NATIVE)) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(types); i += 2)
		if (strcmp(mime + strlen(NATIVE), types[i]) == 0)
			return types[i + 1];
	return "";
}

/* ---- exports in the background ---- */

static void export_key(const char *id, const char *version, const char *type, char key[80])
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	struct digests d = {0};

	buf_addf(&text, "%s\n%s\n%s", id, version, type);
	digest_bytes(DIGEST_SHA256, buf_str(&text), text.len, &d);
	snprintf(key, 80, "%s", d.sha256);
}

/* The operation that was begun for the key; false when there is none. */
static bool export_find(struct connection *c, const char *key, char operation[256])
{
	bool found = false;

	pthread_mutex_lock(&c->exports_lock);
	for (int i = 0; i < EXPORTS_MAX && !found; i++) {
		found = strcmp(c->exports[i].key, key) == 0 && c->exports[i].begun_at + EXPORT_LIVES_MS > time_monotonic_ms();
		if (found)
			snprintf(operation, 256, "%s", c->exports[i].operation);
	}
	pthread_mutex_unlock(&c->exports_lock);
	return found;
}

/* Remembers, or forgets with operation NULL. The oldest gives way. */
static void export_keep(struct connection *c, const char *key, const char *operation)
{
	struct export *slot = &c->exports[0];

	pthread_mutex_lock(&c->exports_lock);
	for (int i = 0; i < EXPORTS_MAX; i++) {
		if (strcmp(c->exports[i].key, key) == 0) {
			slot = &c->exports[i];
			break;
		}
		if (c->exports[i].begun_at < slot->begun_at)
			slot = &c->exports[i];
	}
	if (operation) {
		snprintf(slot->key, sizeof(slot->key), "%s", key);
		snprintf(slot->operation, sizeof(slot->operation), "%s", operation);
		slot->begun_at = time_monotonic_ms();
	} else if (strcmp(slot->key, key) == 0) {
		*slot = (struct export){0};
	}
	pthread_mutex_unlock(&c->exports_lock);
}

static int export_begin(struct connection *c, const char *as, const char *id, const char *type, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);

	if (drive_url(c, &url, err, "/files/{}/download", id, NULL) < 0)
		return -1;
	if (url_query(&url, "mimeType", type) < 0)
		return err_memory(err);
	return google_json(c, &(struct google_call){.method = "POST", .url = buf_str(&url), .as = as}, ret, err);
}

static int export_look(struct connection *c, const char *as, const char *operation, cJSON **ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	const char *name = strncmp(operation, "operations/", 11) == 0 ? operation + 11 : operation;

	if (drive_url(c, &url, err, "/operations/{}", name, NULL) < 0)
		return -1;
	return google_get(c, as, buf_str(&url), ret, err);
}

/* The finished operation. */
static int export_wait(struct connection *c, const char *as, const char *id, const char *type, const char *key, cJSON **ret,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	char operation[256];
	struct err why = {0};

	if (!export_find(c, key, operation)) {
		if (export_begin(c, as, id, type, &doc, err) < 0)
			return -1;
		const char *name = json_str(doc, "name");
		if (!json_bool(doc, "done")) {
			if (!name || !*name || strlen(name) >= sizeof(operation))
				return err_set(err, ERR_REMOTE, "bad_answer", "an export without a name");
			snprintf(operation, sizeof(operation), "%s", name);
			export_keep(c, key, operation);
		}
	}
	for (int looks = 0; !json_bool(doc, "done") && looks < EXPORT_LOOKS; looks++) {
		json_free(TAKE_PTR(doc));
		if (export_look(c, as, operation, &doc, &why) < 0) {
			if (!err_passing(&why))
				export_keep(c, key, NULL);
			return pass_on(err, &why);
		}
	}
	if (!json_bool(doc, "done")) {
		err_set(err, ERR_RETRY, "not_ready", "Google still prepares the export");
		if (err)
			err->retry_at = time_now_ms() + EXPORT_WAIT_MS;
		return -1;
	}
	export_keep(c, key, NULL);
	*ret = TAKE_PTR(doc);
	return 0;
}

static int export_big(struct connection *c, const char *as, const char *id, const char *type, const char *version,
	struct content *content, struct err *err)
{
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *doc = NULL;
	char key[80];

	export_key(id, version, type, key);
	if (export_wait(c, as, id, type, key, &doc, err) < 0)
		return -1;
	const cJSON *failed = json_object(doc, "error");
	const char *uri = json_str(json_object(doc, "response"), "downloadUri");
	if (failed || !uri || !http_url_ok(uri) || strlen(uri) >= GOOGLE_URL_MAX)
		return err_set(err, ERR_REMOTE, "export_too_big", "Google cannot export it: %.200s",
			json_str_or(failed, "message", "no address to download it from"));
	/* The token goes to Drive's own address alone; another one has to speak for itself, and is not on this machine. */
	if (http_same_origin(uri, c->drive))
		return google_download(c, &(struct google_call){.url = uri, .as = as, .content = content}, &r, err);
	if (strncmp(uri, "https:", 6) != 0 || (http_url_local(uri) && !http_url_local(c->drive)))
		return err_set(err, ERR_REMOTE, "bad_redirect", "an export lies at a forbidden address");
	const struct api_call call = {.url = uri, .anonymous = true, .content = content};
	return api_download(&c->api, &call, &r, err);
}

/* ---- the bytes ---- */

static int file_url(struct connection *c, const char *id, const char *type, struct buf *url, struct err *err)
{
	if ((type ? drive_url(c, url, err, "/files/{}/export", id, NULL) : drive_url(c, url, err, "/files/{}", id, NULL)) < 0)
		return -1;
	if (type ? url_query(url, "mimeType", type) < 0 :
		   url_query(url, "alt", "media") < 0 || url_query(url, "supportsAllDrives", "true") < 0)
		return err_memory(err);
	return 0;
}

int file_bytes(struct connection *c, const char *as, const char *id, const char *mime, const char *version,
	struct content *content, struct content_info *ret, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(GOOGLE_URL_MAX);
	_cleanup_response_ struct http_response r = {0};
	const char *type = file_export_type(mime);
	struct err why = {0};

	if (type && !*type)
		return err_set(err, ERR_REMOTE, "no_content", "%.100s has nothing to export", mime);
	if (file_url(c, id, type, &url, err) < 0)
		return -1;
	int done = google_download(c, &(struct google_call){.url = buf_str(&url), .as = as, .content = content}, &r, &why);
	if (done < 0 && type && strcmp(why.code, "export_too_big") == 0)
		done = export_big(c, as, id, type, version, content, &why);
	bool malware = done < 0 && why.class == ERR_REMOTE && strcmp(why.code, GOOGLE_MALWARE) == 0;
	if (done < 0 && !malware)
		return pass_on(err, &why);
	*ret = (struct content_info){.rendered = type != NULL};
	/* Google's own verdict is enough; the bytes would need acknowledgeAbuse. */
	if (malware)
		snprintf(ret->provider_threat, sizeof(ret->provider_threat), "cannotDownloadAbusiveFile");
	return 0;
}
