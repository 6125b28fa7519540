/* The connector's table: chooses the service by the stream's remote id or the receipt's kind. Called by core's job
 * threads through connector.h. */
#include "connectors/microsoft/graph.h"

#include <string.h>

static const struct graph_service *const services[] = {&graph_mail, &graph_drive, &graph_channel, &graph_chat};

static const struct graph_service *service_of(const char *remote_id)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (strncmp(remote_id, services[i]->stream_prefix, strlen(services[i]->stream_prefix)) == 0)
			return services[i];
	return NULL;
}

static int open_stream(const struct stream_info *stream, const struct graph_service **ret, cJSON **ret_context,
	struct err *err)
{
	const struct graph_service *s = service_of(stream->remote_id);

	if (!s || !stream->context)
		return err_set(err, ERR_LOCAL, "bad_stream", "no stream of Microsoft 365: %.60s", stream->remote_id);
	if (own_json(stream->context, ERR_LOCAL, ret_context, err) < 0)
		return -1;
	*ret = s;
	return 0;
}

static const struct graph_act *act_of(const struct graph_service *s, enum act_kind kind, const char *name)
{
	for (const struct graph_act *const *a = s->acts; a && *a; a++)
		if (name ? strcmp((*a)->name, name) == 0 : (*a)->kind == kind)
			return *a;
	return NULL;
}

/* *ret_act: NULL for containing. */
static int open_receipt(const char *receipt, const struct graph_service **ret, const struct graph_act **ret_act, cJSON **ret_doc,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	if (own_json(receipt, ERR_LOCAL, &doc, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (strcmp(json_str_or(doc, "kind", ""), services[i]->receipt_kind) == 0) {
			const char *name = json_str(doc, "act");
			*ret_act = name ? act_of(services[i], 0, name) : NULL;
			if (name && !*ret_act)
				break;
			*ret = services[i];
			*ret_doc = TAKE_PTR(doc);
			return 0;
		}
	}
	return err_set(err, ERR_LOCAL, "bad_receipt", "no receipt of Microsoft 365");
}

/* spare: room for what later steps note in it. */
static int put_receipt(const cJSON *doc, size_t spare, struct buf *out, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONNECTOR_TEXT_MAX - 1 - spare);

	if (json_print(doc, &text) < 0)
		return err_set(err, ERR_TOO_BIG, "receipt_too_big", "the item is shared with too many to write it down");
	return buf_add(out, buf_str(&text), text.len) < 0 ? err_memory(err) : 0;
}

static int ms_open(const struct connection_config *config, const struct connector_env *env, struct connection **ret,
	struct err *err)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return err_memory(err);
	c->api = (struct api){.config = config, .env = env, .refine = graph_refine};
	c->graph = connection_endpoint(config, "graph");
	c->quarantine_owner = json_str(config->grant, "quarantine_owner");
	c->page_size = config->page_size;
	domains_init(&c->domains);
	*ret = c;
	return 0;
}

static void ms_close(struct connection *c)
{
	if (!c)
		return;
	domains_free(&c->domains);
	free(c);
}

static int ms_poll(struct connection *c, const struct poll_request *req, struct item_page *ret, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	const struct graph_service *s;
	struct err own;

	if (!err)
		err = &own;
	if (open_stream(req->stream, &s, &context, err) < 0)
		return -1;
	if (s->poll(c, context, req, ret, err) == 0)
		return 0;
	if (err->scope == SCOPE_ITEM)
		err->scope = SCOPE_STREAM;
	/* No such feed in this cloud: shown as not followed. */
	if (err->class == ERR_REMOTE && strcmp(err->code, GRAPH_UNSUPPORTED) == 0)
		snprintf(err->code, sizeof(err->code), "unlicensed");
	return -1;
}

static int ms_open_content(struct connection *c, const struct stream_info *stream, const struct item *item,
	struct content *content, struct content_info *ret, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	const struct graph_service *s;

	if (open_stream(stream, &s, &context, err) < 0)
		return -1;
	return s->open_content(c, context, item, content, ret, err);
}

static int ms_describe(struct connection *c, const struct stream_info *stream, struct item *item, struct arena *arena,
	struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	const struct graph_service *s;

	if (open_stream(stream, &s, &context, err) < 0)
		return -1;
	return s->describe ? s->describe(c, context, item, arena, err) : 0;
}

static int ms_plan(struct connection *c, const struct stream_info *stream, const struct item *item, const struct act_request *act,
	const char *op_id, struct buf *receipt, struct err *err)
{
	_cleanup_json_ cJSON *context = NULL, *doc = cJSON_CreateObject();
	bool contains = !act || act->kind == ACT_QUARANTINE || act->kind == ACT_DELETE;
	const struct graph_service *s;

	if (open_stream(stream, &s, &context, err) < 0)
		return -1;
	const struct graph_act *other = contains ? NULL : act_of(s, act->kind, NULL);
	if (!contains && !other)
		return err_set(err, ERR_REMOTE, "unsupported", "this cannot be done there");
	if (!doc || json_set_int(doc, "v", 1) < 0 || json_set_str(doc, "kind", s->receipt_kind) < 0 ||
		json_set_str(doc, "act", other ? other->name : NULL) < 0 || json_set_str(doc, "op", op_id) < 0 ||
		json_set_str(doc, "version", item->version) < 0)
		return err_memory(err);
	int r = other ? other->plan(c, context, stream, item, act, doc, err) : s->plan(c, context, stream, item, doc, err);
	return r < 0 ? -1 : put_receipt(doc, 16384, receipt, err);
}

static int ms_quarantine(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct graph_service *s;
	const struct graph_act *act;

	if (open_receipt(receipt, &s, &act, &doc, err) < 0 || (act ? act->quarantine : s->quarantine)(c, doc, again, err) < 0)
		return -1;
	return put_receipt(doc, 0, receipt_out, err);
}

static int ms_restore(struct connection *c, const char *receipt, bool again, struct buf *receipt_out, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct graph_service *s;
	const struct graph_act *act;

	if (open_receipt(receipt, &s, &act, &doc, err) < 0 || (act ? act->restore : s->restore)(c, doc, again, err) < 0)
		return -1;
	return put_receipt(doc, 0, receipt_out, err);
}

static int ms_observe(struct connection *c, const char *receipt, struct observation *ret, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct graph_service *s;
	const struct graph_act *act;
	struct observation seen = {0};

	if (open_receipt(receipt, &s, &act, &doc, err) < 0 || (act ? act->observe : s->observe)(c, doc, &seen, err) < 0)
		return -1;
	*ret = seen;
	return 0;
}

static int ms_open_held(struct connection *c, const char *receipt, struct content *content, struct content_info *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct graph_service *s;
	const struct graph_act *act;

	if (open_receipt(receipt, &s, &act, &doc, err) < 0)
		return -1;
	return s->open_held(c, doc, content, ret, err);
}

static int ms_remove(struct connection *c, const char *receipt, bool again, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	const struct graph_service *s;
	const struct graph_act *act;

	if (open_receipt(receipt, &s, &act, &doc, err) < 0)
		return -1;
	if (act && !act->held)
		return err_set(err, ERR_CHANGED, "not_quarantined", "the item was not put into quarantine");
	if (!s->remove)
		return err_set(err, ERR_REMOTE, "unsupported", "Microsoft lets nobody delete a Teams message by application");
	return s->remove(c, doc, again, err);
}

static int ms_sharing(struct connection *c, const struct stream_info *stream, const struct item *item, struct sharing *ret,
	struct err *err)
{
	_cleanup_json_ cJSON *context = NULL;
	struct sharing seen = {.arena = ret->arena};
	const struct graph_service *s;

	if (open_stream(stream, &s, &context, err) < 0)
		return -1;
	if (s != &graph_drive)
		return err_set(err, ERR_REMOTE, "unsupported", "only files are shared");
	if (ms_drive_sharing(c, json_str(context, "drive"), item->id, &seen, err) < 0)
		return -1;
	*ret = seen;
	return 0;
}

static const char *const endpoints[] = {
	"login", "https://login.microsoftonline.com",
	"graph", "https://graph.microsoft.com",
	NULL,
};

static const char *const needs[] = {
	"User.Read.All", "list users",
	"Organization.Read.All", "name the organisation, and its own domains",
	"GroupMember.Read.All", "rules about groups (optional)",
	"Mail.Read", "read mail",
	"Mail.ReadWrite", "move, tag, replace, restore and delete mail (protect)",
	"Files.Read.All", "follow and read OneDrive",
	"Sites.Read.All", "list sites and read their libraries",
	"Files.ReadWrite.All", "move, unshare, replace, restore and delete files (protect)",
	"Team.ReadBasic.All", "list teams",
	"Channel.ReadBasic.All", "list channels",
	"ChannelMessage.Read.All", "read channel messages",
	"Chat.Read.All", "read chat messages",
	"ChannelMessage.UpdatePolicyViolation.All", "block channel messages (protect)",
	"Chat.UpdatePolicyViolation.All", "block chat messages (protect)",
	NULL,
};

/* Microsoft's terms for these interfaces: the same resource no more often than once a day. */
static const struct poll_least poll_least[] = {{"teams", 86400000}, {NULL, 0}};

#define BIT(kind) (1u << (kind))
/* Files cannot be tagged: Graph has no words for them that an application may write (README.md). */
static const struct act_support acts[] = {
	{"exchange", BIT(ACT_QUARANTINE) | BIT(ACT_DELETE) | BIT(ACT_TAG) | BIT(ACT_REPLACE)},
	{"onedrive", BIT(ACT_QUARANTINE) | BIT(ACT_DELETE) | BIT(ACT_UNSHARE) | BIT(ACT_REPLACE)},
	{"sharepoint", BIT(ACT_QUARANTINE) | BIT(ACT_DELETE) | BIT(ACT_UNSHARE) | BIT(ACT_REPLACE)},
	{"teams", BIT(ACT_QUARANTINE) | BIT(ACT_BLOCK)},
	{NULL, 0},
};

extern const struct connector connector_microsoft;
const struct connector connector_microsoft = {
	.name = "microsoft",
	.title = "Microsoft 365",
	.endpoints = endpoints,
	.needs = needs,
	.services = SERVICE_MAIL | SERVICE_FILES | SERVICE_TEAMS,
	.poll_least = poll_least,
	.exact_sizes = true,
	.open = ms_open,
	.close = ms_close,
	.check_grant = ms_grant_check,
	.list_streams = ms_streams_list,
	.poll = ms_poll,
	.open_content = ms_open_content,
	.describe = ms_describe,
	.plan = ms_plan,
	.quarantine = ms_quarantine,
	.restore = ms_restore,
	.observe = ms_observe,
	.open_held = ms_open_held,
	.remove = ms_remove,
	.acts = acts,
	.sharing = ms_sharing,
	.list_people = ms_people_list,
};
