/* The connector's table. Called by core's job threads through connector.h. */
#include "connectors/dropbox/dropbox.h"

#include <string.h>

static int open_stream(const struct stream_info *stream, cJSON **ret_context, struct err *err)
{
	if (!stream->context)
		return err_set(err, ERR_LOCAL, "bad_stream", "no stream of Dropbox: %.60s", stream->remote_id);
	return own_json(stream->context, ERR_LOCAL, ret_context, err);
}

/* Leaves out half of the longest list; how many entries, 0 when there is nothing to leave out. */
static int shorten(cJSON *doc)
{
	static const char *const keys[] = {"members", "links", "kept_sharing", "not_restored"};
	cJSON *longest = NULL;
	int n = 0, dropped = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		cJSON *list = json_array(doc, keys[i]);
		if (cJSON_GetArraySize(list) > n) {
			longest = list;
			n = cJSON_GetArraySize(list);
		}
	}
	for (; dropped < (n + 1) / 2; dropped++)
		cJSON_DeleteItemFromArray(longest, n - 1 - dropped);
	return dropped;
}

/* spare: room for what later steps note in it. Sharing with thousands must not keep a threat out of quarantine: it is ended
 * all the same, and what does not fit here is not brought back. */
static int put_receipt(cJSON *doc, size_t spare, struct buf *out, struct err *err)
{
	int dropped = 0, n;

	for (;;) {
		_cleanup_buf_ struct buf text = BUF_INIT(CONNECTOR_TEXT_MAX - 1 - spare - 256);
		if (json_print(doc, &text) == 0)
			break;
		if ((n = shorten(doc)) == 0)
			return err_set(err, ERR_TOO_BIG, "receipt_too_big", "the receipt of a file does not fit");
		dropped += n;
	}
	if (dropped && json_note(doc, "not_restored", "%d more entries about its sharing, too many to write down", dropped) < 0)
		return err_memory(err);
	_cleanup_buf_ struct buf text = BUF_INIT(CONNECTOR_TEXT_MAX - 1);
	if (json_print(doc, &text) < 0 || buf_add(out, buf_str(&text), text.len) < 0)
		return err_memory(err);
	return 0;
}

static int dbx_open(const struct connection_config *config, const struct connector_env *env, struct connection **ret,
	struct err *err)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return err_memory(err);
	c->api = (struct api){.config = config, .env = env, .refine = dbx_refine};
	c->api_url = connection_endpoint(config, "api");
	c->content_url = connection_endpoint(config, "content");
	c->page_size = config->page_size;
	if (pthread_mutex_init(&c->transit, NULL) != 0) {
		free(c);
		return err_memory(err);
	}
	if (pthread_mutex_init(&c->places, NULL) != 0) {
		pthread_mutex_destroy(&c->transit);
		free(c);
		return err_memory(err);
	}
	domains_init(&c->domains);
	*ret = c;
	return 0;
}

static void dbx_close(struct connection *c)
{
	if (!c)
		return;
	domains_free(&c->domains);
	pthread_mutex_destroy(&c->places);
	pthread_mutex_destroy(&c->transit);
	free(c);
}

static int dbx_poll(struct connection *c, const struct poll_request *req, struct item_page *ret, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	struct err own;

	if (!err)
		err = &own;
	if (open_stream(req->stream, &context, err) < 0)
		return -1;
	if (dbx_feed_poll(c, context, req, ret, err) == 0)
		return 0;
	if (err->scope == SCOPE_ITEM)
		err->scope = SCOPE_STREAM;
	return -1;
}

static int dbx_open_content(struct connection *c, const struct stream_info *stream, const struct item *item,
	struct content *content, struct content_info *ret, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;

	if (open_stream(stream, &context, err) < 0)
		return -1;
	return dbx_content_open(c, context, item, content, ret, err);
}

static int dbx_describe(struct connection *c, const struct stream_info *stream, struct item *item, struct arena *arena,
	struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;

	if (open_stream(stream, &context, err) < 0)
		return -1;
	return dbx_content_describe(c, context, item, arena, err);
}

static int dbx_plan(struct connection *c, const struct stream_info *stream, const struct item *item, const struct act_request *act,
	const char *op_id, struct buf *receipt, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL, *doc = cJSON_CreateObject();

	enum act_kind kind = act ? act->kind : ACT_QUARANTINE;

	if (kind == ACT_BLOCK)
		return err_set(err, ERR_REMOTE, "unsupported", "Dropbox has no messages to hide");
	if (open_stream(stream, &context, err) < 0)
		return -1;
	if (!doc || json_set_int(doc, "v", 1) < 0 || json_set_str(doc, "op", op_id) < 0 ||
		json_set_str(doc, "version", item->version) < 0)
		return err_memory(err);
	if (kind == ACT_TAG || kind == ACT_UNSHARE) {
		if (dbx_stay_plan(c, context, stream, item, act, doc, err) < 0)
			return -1;
	} else if (dbx_act_plan(c, context, stream, item, doc, err) < 0 ||
		(kind == ACT_REPLACE && dbx_notice_plan(doc, act->notice, err) < 0)) {
		return -1;
	}
	return put_receipt(doc, 16384, receipt, err);
}

typedef int act_fn(struct connection *c, cJSON *receipt, bool again, struct err *err);

static int act(struct connection *c, act_fn *fn, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (own_json(receipt, ERR_LOCAL, &doc, err) < 0 || fn(c, doc, again, err) < 0)
		return -1;
	return put_receipt(doc, 0, receipt_out, err);
}

/* By the receipt's kind: without a word it contains. */
static int do_act(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	if (dbx_stays(receipt))
		return dbx_stay_do(c, receipt, again, err);
	if (dbx_act_quarantine(c, receipt, again, err) < 0)
		return -1;
	return json_str(receipt, "notice") ? dbx_notice_leave(c, receipt, err) : 0;
}

static int undo_act(struct connection *c, cJSON *receipt, bool again, struct err *err)
{
	if (dbx_stays(receipt))
		return dbx_stay_undo(c, receipt, again, err);
	if (json_str(receipt, "notice") && dbx_notice_take(c, receipt, err) < 0)
		return -1;
	return dbx_act_restore(c, receipt, again, err);
}

static int dbx_quarantine(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	return act(c, do_act, receipt, again, receipt_out, err);
}

static int dbx_restore(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	return act(c, undo_act, receipt, again, receipt_out, err);
}

static int dbx_observe(struct connection *c, const char *receipt, struct observation *ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	struct observation seen = {0};

	if (own_json(receipt, ERR_LOCAL, &doc, err) < 0 ||
		(dbx_stays(doc) ? dbx_stay_observe(c, doc, &seen, err) : dbx_act_observe(c, doc, &seen, err)) < 0)
		return -1;
	*ret = seen;
	return 0;
}

static int dbx_open_held(struct connection *c, const char *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (own_json(receipt, ERR_LOCAL, &doc, err) < 0)
		return -1;
	return dbx_stays(doc) ? dbx_stay_content(c, doc, content, ret, err) : dbx_act_open_held(c, doc, content, ret, err);
}

static int dbx_remove(struct connection *c, const char *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (own_json(receipt, ERR_LOCAL, &doc, err) < 0)
		return -1;
	if (dbx_stays(doc))
		return err_set(err, ERR_CHANGED, "not_quarantined", "the file is not in quarantine");
	return dbx_act_remove(c, doc, again, err);
}

static int dbx_sharing(struct connection *c, const struct stream_info *stream, const struct item *item, struct sharing *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;

	return open_stream(stream, &context, err) < 0 ? -1 : dbx_sharing_read(c, context, item, ret, err);
}

static const struct act_support acts[] = {
	{"dropbox", 1u << ACT_QUARANTINE | 1u << ACT_DELETE | 1u << ACT_TAG | 1u << ACT_UNSHARE | 1u << ACT_REPLACE},
	{NULL, 0},
};

static const char *const endpoints[] = {
	"api", "https://api.dropboxapi.com",
	"content", "https://content.dropboxapi.com",
	"notify", "https://notify.dropboxapi.com",
	NULL,
};

static const char *const needs[] = {
	"team_info.read", "name the team and its administrator",
	"members.read", "list members",
	"team_data.member", "list namespaces, act as members",
	"team_data.content.read", "read team folders as administrator",
	"files.metadata.read", "follow changes",
	"files.content.read", "read files",
	"sharing.read", "see who is in a shared folder, and what is shared",
	"team_data.content.write", "make the quarantine folder, act as administrator (protect)",
	"files.content.write", "move and restore files (protect)",
	"sharing.write", "end and bring back sharing (protect)",
	"files.permanent_delete", "delete quarantined files for good (protect)",
	"files.metadata.write", "tag files (policies, optional)",
	"groups.read", "rules about groups (policies, optional)",
	NULL,
};

extern const struct connector connector_dropbox;
const struct connector connector_dropbox = {
	.name = "dropbox",
	.title = "Dropbox",
	.endpoints = endpoints,
	.needs = needs,
	.services = SERVICE_FILES,
	.open = dbx_open,
	.close = dbx_close,
	.check_grant = dbx_grant_check,
	.list_streams = dbx_streams_list,
	.poll = dbx_poll,
	.open_content = dbx_open_content,
	.describe = dbx_describe,
	.plan = dbx_plan,
	.quarantine = dbx_quarantine,
	.restore = dbx_restore,
	.observe = dbx_observe,
	.open_held = dbx_open_held,
	.remove = dbx_remove,
	.acts = acts,
	.sharing = dbx_sharing,
	.list_people = dbx_people_list,
};
