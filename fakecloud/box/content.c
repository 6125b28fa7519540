/* Downloads of Box, and shared links. The API answers with a redirect to an address that carries its own
 * right and takes no other; shared links lead to a page and, for files, to their content. State lock held. */
#include "fakecloud/box/box.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TICKET_LIFE_MS (15ll * 60 * 1000)

struct ticket {
	struct bx_item *file;
	struct bx_version *version;
	int64_t expires_at;
	bool same_origin; /* given out for the very host that the API was asked at */
};

static struct map tickets;

static const char *media_type(const char *name)
{
	static const char *const types[][2] = {{".txt", "text/plain"}, {".csv", "text/csv"},
		{".html", "text/html"}, {".pdf", "application/pdf"}, {".png", "image/png"},
		{".jpg", "image/jpeg"}, {".json", "application/json"}, {".zip", "application/zip"},
		{".eml", "message/rfc822"}};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++) {
		if (!strcasecmp(types[i][0], dot))
			return types[i][1];
	}
	return "application/octet-stream";
}

static void send_version(struct fc_response *res, const char *name, struct bx_version *v)
{
	_cleanup_buf_ struct buf plain = BUF_INIT(4096), encoded = BUF_INIT(8192);

	for (const char *p = name; *p; p++) {
		if ((*p & 0xC0) == 0x80)
			continue;
		buf_addc(&plain, *p >= 0x20 && *p < 0x7F && *p != '"' && *p != '\\' ? *p : '_');
	}
	url_encode(&encoded, name, "");
	fc_set_headerf(res, "Content-Disposition", "attachment;filename=\"%s\";filename*=UTF-8''%s",
		buf_str(&plain), buf_str(&encoded));
	fc_set_header(res, "Content-Type", media_type(name));
	fc_set_headerf(res, "ETag", "\"%s\"", bx_sha1(v));
	fc_set_header(res, "X-Content-Type-Options", "nosniff");
	res->blob = v->blob;
}

/* dl.boxcloud.com is another origin than the API, and clients drop their token on the way there. On one port
 * only the host's name can make that difference: the two names of the loopback stand in for each other. */
static const char *download_base(struct bx_ctx *c, bool *ret_same)
{
	const char *base = bx_base(c), *port;

	*ret_same = false;
	if (!strncmp(base, "http://127.0.0.1:", 17)) {
		port = base + 17;
		return arena_printf(c->req->arena, "http://localhost:%s", port);
	}
	if (!strncmp(base, "http://localhost:", 17)) {
		port = base + 17;
		return arena_printf(c->req->arena, "http://127.0.0.1:%s", port);
	}
	*ret_same = true;
	return base;
}

static struct bx_version *version_of(struct bx_ctx *c, const struct bx_item *it)
{
	const char *id = fc_query(c->req, "version");

	if (!id || !*id)
		return bx_current(it);
	for (size_t i = 0; i < it->versions.n; i++) {
		struct bx_version *v = it->versions.at[i];
		char text[24];
		snprintf(text, sizeof(text), "%" PRIu64, v->id);
		if (!strcmp(text, id) && !v->trashed_at)
			return v;
	}
	bx_not_found(c, BX_OTHER, id);
	return NULL;
}

void bx_do_content_get(struct bx_ctx *c)
{
	struct bx_item *it = bx_item_for(c, c->id[0], BX_FILE, BX_DOWNLOAD);
	struct bx_version *v;
	struct ticket *k;
	char key[41];

	if (!it || !(v = version_of(c, it)))
		return;
	if (it->malware) {
		bx_error(c, 403, "forbidden_by_policy", "Access denied - forbidden by policy");
		return;
	}
	if (it->lock && it->lock->no_download && it->lock->by != c->user &&
		(!it->lock->expires_at || it->lock->expires_at > fc_now())) {
		bx_error(c, 403, "access_denied_item_locked", "Access denied - item locked");
		return;
	}
	if (v->ready_at > fc_now()) {
		c->res->status = 202;
		fc_set_headerf(c->res, "Retry-After", "%" PRId64, (v->ready_at - fc_now() + 999) / 1000);
		return;
	}
	k = bx_alloc(sizeof(*k));
	random_hex(key, 20);
	k->file = it;
	k->version = v;
	k->expires_at = fc_now() + TICKET_LIFE_MS;
	const char *base = download_base(c, &k->same_origin);
	map_put(&tickets, key, k);
	bx_event(it, c->user, "DOWNLOAD", "ITEM_DOWNLOAD", bx_version_details(v));
	c->res->status = 302;
	fc_set_headerf(c->res, "Location", "%s/d/1/%s/download", base, key);
}

void bx_download(struct fc_request *req, struct fc_response *res)
{
	struct bx_ctx c = {.req = req, .res = res};
	const char *s[8];
	int n = fc_path_split(req, s, 8);
	struct ticket *k = n >= 3 ? map_get(&tickets, s[2]) : NULL;

	if (!k || k->file->gone) {
		bx_error(&c, 404, "not_found", "Not Found");
		return;
	}
	req->tenant = k->file->tenant->name;
	if (fc_header(req, "Authorization") && !k->same_origin) {
		bx_error(&c, 400, "bad_request",
			"This address carries its own authorization and takes no other");
		return;
	}
	if (k->expires_at <= fc_now()) {
		bx_error(&c, 403, "forbidden", "The download address has expired");
		return;
	}
	send_version(res, k->version->name, k->version);
}

/* ---- shared links ---- */

static const char *link_access(const char *word)
{
	static const char *const access[] = {"open", "company", "collaborators"};

	for (size_t i = 0; word && i < ARRAY_SIZE(access); i++) {
		if (!strcmp(access[i], word))
			return access[i];
	}
	return NULL;
}

bool bx_link_body_ok(struct bx_ctx *c, const struct bx_item *it, const cJSON *body)
{
	const char *word = json_str(body, "access"), *at = json_str(body, "unshared_at"), *wrong = NULL;
	const char *password = json_str(body, "password"), *vanity = json_str(body, "vanity_name");
	int64_t ms;

	if (!body || cJSON_IsNull(body))
		return true;
	const char *access = word ? word : it->link ? it->link->access : "open";
	if (!cJSON_IsObject(body))
		wrong = "shared_link";
	else if (json_get(body, "access") && !cJSON_IsNull(json_get(body, "access")) && !link_access(word))
		wrong = "access";
	else if (at && (time_parse(at, &ms) < 0 || ms <= fc_now()))
		wrong = "unshared_at";
	else if (password && (strcmp(access, "open") != 0 || strlen(password) < 8))
		wrong = "password";
	else if (vanity &&
		 (strlen(vanity) < 12 ||
			 strspn(vanity, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
				 strlen(vanity)))
		wrong = "vanity_name";
	if (wrong)
		bx_invalid(c, 400, "bad_request", wrong, "Invalid value for the shared link");
	return !wrong;
}

void bx_link_set(struct bx_ctx *c, struct bx_item *it, const cJSON *body)
{
	const cJSON *permissions = json_object(body, "permissions");
	struct bx_link *l = it->link;

	if (!body)
		return;
	if (cJSON_IsNull(body)) {
		if (!l)
			return;
		bx_event(it, c->user, "UNSHARE", "ITEM_SHARED_UNSHARE", NULL);
		free(l->password);
		free(l->vanity);
		free(l);
		it->link = NULL;
		return;
	}
	bool fresh = !l;
	if (fresh) {
		l = it->link = bx_alloc(sizeof(*l));
		random_hex(l->token, 16);
		l->access = "open";
		l->can_download = true;
	}
	if (json_str(body, "access"))
		l->access = link_access(json_str(body, "access"));
	if (strcmp(l->access, "open") != 0) /* only open links have passwords */
		bx_set(&l->password, NULL);
	if (json_get(body, "password"))
		bx_set(&l->password, json_str(body, "password"));
	if (json_get(body, "vanity_name"))
		bx_set(&l->vanity, json_str(body, "vanity_name"));
	if (json_get(body, "unshared_at")) {
		l->unshared_at = 0;
		if (json_str(body, "unshared_at"))
			time_parse(json_str(body, "unshared_at"), &l->unshared_at);
	}
	if (json_get(permissions, "can_download"))
		l->can_download = json_bool(permissions, "can_download");
	if (json_get(permissions, "can_edit"))
		l->can_edit = json_bool(permissions, "can_edit");
	cJSON *details = cJSON_CreateObject();
	cJSON_AddStringToObject(cJSON_AddObjectToObject(details, "shared_link"), "access", l->access);
	bx_event(it, c->user, fresh ? "SHARE" : "ITEM_SHARED_UPDATE",
		fresh ? "ITEM_SHARED_CREATE" : "ITEM_SHARED_UPDATE", details);
}

static struct bx_item *find_in(struct bx_item *folder, const char *token)
{
	for (size_t i = 0; i < folder->children.n; i++) {
		struct bx_item *it = folder->children.at[i], *found;
		const struct bx_link *l = bx_link_live(it);
		if (l && (!strcmp(l->token, token) || (l->vanity && !strcmp(l->vanity, token))))
			return it;
		if (it->kind == BX_FOLDER && (found = find_in(it, token)))
			return found;
	}
	return NULL;
}

struct bx_item *bx_link_find(const char *token, struct bx_tenant *only)
{
	for (size_t i = 0; i < bx_tenants()->n; i++) {
		struct bx_tenant *t = bx_tenants()->at[i];
		struct bx_item *it = NULL;
		if (only && only != t)
			continue;
		for (size_t k = 0; k < t->users.n && !it; k++)
			it = find_in(((struct bx_user *)t->users.at[k])->root, token);
		if (!it)
			it = find_in(t->service->root, token);
		for (size_t k = 0; k < t->services.n && !it; k++)
			it = find_in(((struct bx_user *)t->services.at[k])->root, token);
		if (it)
			return it;
	}
	return NULL;
}

/* /s/TOKEN, /v/NAME: a page. /shared/static/TOKEN.EXT: the content. */
void bx_shared_page(struct fc_request *req, struct fc_response *res)
{
	static const char page[] =
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Box</title></head>"
		"<body><p>%s</p></body></html>\n";
	const char *s[8];
	int n = fc_path_split(req, s, 8);
	bool content = n == 3 && !strcmp(s[0], "shared") && !strcmp(s[1], "static");
	char *token = arena_dup(req->arena, content ? s[2] : s[1]);
	_cleanup_buf_ struct buf html = BUF_INIT(4096);

	if (content && strchr(token, '.'))
		*strchr(token, '.') = '\0';
	struct bx_item *it = bx_link_find(token, NULL);
	if (it)
		req->tenant = it->tenant->name;
	bool open = it && !strcmp(it->link->access, "open") && !it->link->password;
	if (open && content && it->kind == BX_FILE && it->link->can_download && !it->malware && !it->lock) {
		it->link->downloads++;
		send_version(res, it->name, bx_current(it));
		return;
	}
	buf_addf(&html, page,
		!it ? "This shared file or folder link has been removed or is unavailable to you."
		    : "This item is shared with you.");
	fc_text(res, !it ? 404 : !open || content ? 403 : 200, "text/html; charset=utf-8", buf_str(&html));
}

/* The BoxApi header: shared_link=URL[&shared_link_password=…]. */
void bx_do_shared_item(struct bx_ctx *c)
{
	const char *header = fc_header(c->req, "BoxApi");
	_cleanup_buf_ struct buf url = BUF_INIT(4096), password = BUF_INIT(1024);
	struct bx_item *it = NULL;

	if (!header || form_get(header, "shared_link", &url) < 0 || !strrchr(buf_str(&url), '/')) {
		bx_invalid(c, 400, "bad_request", "boxapi", "Missing or invalid shared link");
		return;
	}
	form_get(header, "shared_link_password", &password);
	it = bx_link_find(strrchr(url.data, '/') + 1, NULL);
	if (!it || (!strcmp(it->link->access, "company") && it->tenant != c->t) ||
		(!strcmp(it->link->access, "collaborators") && !bx_rights(c->user, it))) {
		bx_error(c, 404, "not_found", "Not Found");
		return;
	}
	if (it->link->password && strcmp(it->link->password, buf_str(&password)) != 0) {
		bx_error(c, 403, "incorrect_shared_item_password", "Incorrect shared item password");
		return;
	}
	if (!bx_not_modified(c, it->etag))
		fc_json(c->res, 200, bx_item_json(c, it, BX_STANDARD, c->fields));
}
