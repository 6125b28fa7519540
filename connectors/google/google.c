/* The connector's table: chooses the service by the stream's remote id or the receipt's kind. Called by core's job threads
 * through connector.h. */
#include "connectors/google/google.h"

#include <string.h>

/* ---- streams and receipts ---- */

static int open_stream(const struct stream_info *stream, const struct google_service **ret, cJSON **ret_context,
	struct err *err)
{
	const char *id = stream->remote_id;
	const struct google_service *s = strncmp(id, "gmail/", 6) == 0 ? &google_mail :
		strncmp(id, "drive/", 6) == 0 || strncmp(id, "shared/", 7) == 0 ? &google_file : NULL;

	if (!s || !stream->context)
		return err_set(err, ERR_LOCAL, "bad_stream", "no stream of Google Workspace: %.60s", id);
	if (own_json(stream->context, ERR_LOCAL, ret_context, err) < 0)
		return -1;
	*ret = s;
	return 0;
}

static const struct google_act *act_of(const struct google_service *s, enum act_kind kind, const char *name)
{
	for (const struct google_act *const *a = s->acts; *a; a++)
		if (name ? strcmp((*a)->name, name) == 0 : (*a)->kind == kind)
			return *a;
	return NULL;
}

/* *ret_act: NULL for containing. */
static int open_receipt(const char *receipt, const struct google_service **ret, const struct google_act **ret_act, cJSON **ret_doc,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (own_json(receipt, ERR_LOCAL, &doc, err) < 0)
		return -1;
	const char *kind = json_str_or(doc, "kind", "");
	const struct google_service *s = strcmp(kind, "mail") == 0 ? &google_mail : strcmp(kind, "file") == 0 ? &google_file : NULL;
	const char *name = json_str(doc, "act");
	const struct google_act *act = s && name ? act_of(s, 0, name) : NULL;
	if (!s || !json_str(doc, "user") || !json_str(doc, "id") || (name && !act))
		return err_set(err, ERR_LOCAL, "bad_receipt", "no receipt of Google Workspace");
	*ret_act = act;
	*ret = s;
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

/* room: bytes that later notes will need. */
static int put_receipt(const cJSON *doc, size_t room, struct buf *out, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONNECTOR_TEXT_MAX - room);

	if (json_print(doc, &text) < 0)
		return err_set(err, ERR_TOO_BIG, "receipt_too_big", "the item is shared with too many to write it down");
	return buf_add(out, buf_str(&text), text.len) < 0 ? err_memory(err) : 0;
}

/* After a call that nobody could be acted for: was the user only renamed? Then the receipt has the new address. */
static bool renamed(struct connection *c, cJSON *receipt, const struct err *why)
{
	_cleanup_json_ cJSON *user = NULL;
	const char *id = json_str(receipt, "user_id");

	if (!err_no_user(why) || !id || directory_user(c, id, "primaryEmail", &user, NULL) != 0 ||
		same_address(json_str(user, "primaryEmail"), json_str(receipt, "user")))
		return false;
	return json_set_str(receipt, "user", json_str(user, "primaryEmail")) == 0;
}

/* A user who cannot be acted for (suspended, deleted) is no item that is gone. */
static int no_user(struct err *err, struct err *why)
{
	if (err_no_user(why)) {
		why->class = ERR_REMOTE;
		snprintf(why->code, sizeof(why->code), "forbidden");
	}
	return pass_on(err, why);
}

/* ---- the table's functions ---- */

static int g_open(const struct connection_config *config, const struct connector_env *env, struct connection **ret,
	struct err *err)
{
	const char *admin = json_str(config->grant, "subject");
	struct connection *c;

	if (!admin || !*admin)
		return err_set(err, ERR_LOCAL, "bad_grant", "the grant names no administrator ('subject')");
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_memory(err);
	c->api = (struct api){.config = config, .env = env, .refine = google_refine};
	c->gmail = connection_endpoint(config, "gmail");
	c->drive = connection_endpoint(config, "drive");
	c->directory = connection_endpoint(config, "directory");
	c->admin = admin;
	c->page_size = config->page_size;
	pthread_mutex_init(&c->place_lock, NULL);
	pthread_mutex_init(&c->transit_lock, NULL);
	pthread_mutex_init(&c->exports_lock, NULL);
	domains_init(&c->domains);
	*ret = c;
	return 0;
}

static void g_close(struct connection *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->place_lock);
	pthread_mutex_destroy(&c->transit_lock);
	pthread_mutex_destroy(&c->exports_lock);
	domains_free(&c->domains);
	free(c);
}

static int g_poll(struct connection *c, const struct poll_request *req, struct item_page *ret, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	const struct google_service *s;
	struct err why = {0};

	if (open_stream(req->stream, &s, &context, err) < 0)
		return -1;
	if (s->poll(c, context, req, ret, &why) == 0)
		return 0;
	if (why.scope == SCOPE_ITEM)
		why.scope = SCOPE_STREAM;
	return no_user(err, &why);
}

static int g_open_content(struct connection *c, const struct stream_info *stream, const struct item *item,
	struct content *content, struct content_info *ret, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	const struct google_service *s;
	struct err why = {0};

	if (open_stream(stream, &s, &context, err) < 0)
		return -1;
	return s->open_content(c, context, item, content, ret, &why) < 0 ? no_user(err, &why) : 0;
}

static int g_describe(struct connection *c, const struct stream_info *stream, struct item *item, struct arena *arena,
	struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	const struct google_service *s;

	if (open_stream(stream, &s, &context, err) < 0)
		return -1;
	return s->describe(c, context, item, arena, err);
}

static int g_plan(struct connection *c, const struct stream_info *stream, const struct item *item, const struct act_request *act,
	const char *op_id, struct buf *receipt, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL, *doc = cJSON_CreateObject();
	bool contains = !act || act->kind == ACT_QUARANTINE || act->kind == ACT_DELETE;
	const struct google_service *s;

	if (open_stream(stream, &s, &context, err) < 0)
		return -1;
	const struct google_act *other = contains ? NULL : act_of(s, act->kind, NULL);
	if (!contains && !other)
		return err_set(err, ERR_REMOTE, "unsupported", "this cannot be done there");
	if (!doc || json_set_str(doc, "act", other ? other->name : NULL) < 0 || json_set_int(doc, "v", 1) < 0 || json_set_str(doc, "kind", s->receipt_kind) < 0 ||
		json_set_str(doc, "op", op_id) < 0 || json_set_str(doc, "version", item->version) < 0 ||
		json_set_str(doc, "owner", stream->owner) < 0 || json_set_str(doc, "id", item->id) < 0 ||
		json_set_str(doc, "user_id", json_str(context, "id")) < 0)
		return err_memory(err);
	int r = other ? other->plan(c, context, stream, item, act, doc, err) : s->plan(c, context, stream, item, doc, err);
	return r < 0 ? -1 : put_receipt(doc, 16384, receipt, err);
}

static int act(struct connection *c, const char *receipt, bool again, bool back, struct buf *receipt_out, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct google_service *s;
	const struct google_act *other;
	struct err why = {0};

	if (open_receipt(receipt, &s, &other, &doc, err) < 0)
		return -1;
	int (*fn)(struct connection *, cJSON *, bool, struct err *) =
		other ? (back ? other->restore : other->quarantine) : (back ? s->restore : s->quarantine);
	int r = fn(c, doc, again, &why);
	if (r < 0 && renamed(c, doc, &why))
		r = fn(c, doc, again, &why);
	return r < 0 ? pass_on(err, &why) : put_receipt(doc, 0, receipt_out, err);
}

static int g_quarantine(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	return act(c, receipt, again, false, receipt_out, err);
}

static int g_restore(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	return act(c, receipt, again, true, receipt_out, err);
}

static int g_observe(struct connection *c, const char *receipt, struct observation *ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct google_service *s;
	const struct google_act *other;
	struct observation seen = {0};
	struct err why = {0};

	if (open_receipt(receipt, &s, &other, &doc, err) < 0)
		return -1;
	int r = (other ? other->observe : s->observe)(c, doc, &seen, &why);
	if (r < 0 && renamed(c, doc, &why))
		r = (other ? other->observe : s->observe)(c, doc, &seen, &why);
	if (r < 0)
		return pass_on(err, &why);
	*ret = seen;
	return 0;
}

static int g_open_held(struct connection *c, const char *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct google_service *s;
	const struct google_act *other;
	struct err why = {0};

	if (open_receipt(receipt, &s, &other, &doc, err) < 0)
		return -1;
	int r = s->open_held(c, doc, content, ret, &why);
	if (r < 0 && renamed(c, doc, &why))
		r = s->open_held(c, doc, content, ret, &why);
	return r < 0 ? pass_on(err, &why) : 0;
}

static int g_remove(struct connection *c, const char *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct google_service *s;
	const struct google_act *other;
	struct err why = {0};

	if (open_receipt(receipt, &s, &other, &doc, err) < 0)
		return -1;
	if (other && !other->held)
		return err_set(err, ERR_CHANGED, "not_quarantined", "the item was not put into quarantine");
	int r = s->remove(c, doc, again, &why);
	if (r < 0 && renamed(c, doc, &why))
		r = s->remove(c, doc, again, &why);
	return r < 0 ? pass_on(err, &why) : 0;
}

static int g_sharing(struct connection *c, const struct stream_info *stream, const struct item *item, struct sharing *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	struct sharing seen = {.arena = ret->arena};
	const struct google_service *s;
	struct err why = {0};

	if (open_stream(stream, &s, &context, err) < 0)
		return -1;
	if (s != &google_file)
		return err_set(err, ERR_REMOTE, "unsupported", "only files are shared");
	if (file_sharing(c, context, item->id, &seen, &why) < 0)
		return no_user(err, &why);
	*ret = seen;
	return 0;
}

static const char *const endpoints[] = {
	"token", "https://oauth2.googleapis.com/token",
	"gmail", "https://gmail.googleapis.com",
	"drive", "https://www.googleapis.com",
	"directory", "https://admin.googleapis.com",
	NULL,
};

static const char *const needs[] = {
	"https://www.googleapis.com/auth/admin.directory.user.readonly", "list users",
	"https://www.googleapis.com/auth/gmail.modify", "read mail; label, restore and trash it (protect)",
	"https://www.googleapis.com/auth/drive", "follow and read drives; move, tag, unshare, restore and delete files (protect)",
	"https://www.googleapis.com/auth/admin.directory.group.readonly", "rules about groups (optional: the grant's `groups: true`)",
	"https://www.googleapis.com/auth/admin.directory.domain.readonly", "all own domains (optional: the grant's `groups: true`)",
	NULL,
};

#define BIT(kind) (1u << (kind))
static const struct act_support acts[] = {
	{"gmail", BIT(ACT_QUARANTINE) | BIT(ACT_DELETE) | BIT(ACT_TAG) | BIT(ACT_REPLACE)},
	{"drive", BIT(ACT_QUARANTINE) | BIT(ACT_DELETE) | BIT(ACT_TAG) | BIT(ACT_UNSHARE) | BIT(ACT_REPLACE)},
	{NULL, 0},
};

extern const struct connector connector_google;
const struct connector connector_google = {
	.name = "google",
	.title = "Google Workspace",
	.endpoints = endpoints,
	.needs = needs,
	.services = SERVICE_MAIL | SERVICE_FILES,
	.exact_sizes = true, /* of blobs; what is exported has none */
	.open = g_open,
	.close = g_close,
	.check_grant = grant_check,
	.list_streams = streams_list,
	.poll = g_poll,
	.open_content = g_open_content,
	.describe = g_describe,
	.plan = g_plan,
	.quarantine = g_quarantine,
	.restore = g_restore,
	.observe = g_observe,
	.open_held = g_open_held,
	.remove = g_remove,
	.acts = acts,
	.sharing = g_sharing,
	.list_people = people_list,
};
