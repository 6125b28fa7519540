/* What GET /state shows of Dropbox, and the entries of the connections file. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/ioutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define QUARANTINE "sekisho-quarantine"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_sharing(cJSON *item, const struct dbx_team *team, const struct dbx_node *node)
{
	cJSON *sharing = cJSON_AddArrayToObject(item, "sharing");
	_cleanup_free_ char **list = calloc(node->grants.count + team->link_count + 1, sizeof(char *));
	size_t n = 0;

	if (!list)
		abort();
	for (size_t i = 0; i < node->grants.count; i++) {
		const struct dbx_grant *g = &node->grants.list[i];
		if (asprintf(&list[n], "user:%s:%s", g->email, g->access >= DBX_EDITOR ? "write" : "read") >=
			0)
			n++;
	}
	for (size_t i = 0; i < team->link_count; i++) {
		const struct dbx_link *l = team->links[i];
		if (l->node != node || l->revoked)
			continue;
		const char *who = !strcmp(l->audience, "public") ? "anonymous"
				  : !strcmp(l->audience, "team") ? "organization"
								 : "members";
		if (asprintf(&list[n], "link:%s:%s", who, l->edit ? "edit" : "view") >= 0)
			n++;
	}
	qsort(list, n, sizeof(*list), by_text);
	for (size_t i = 0; i < n; i++) {
		cJSON_AddItemToArray(sharing, cJSON_CreateString(list[i]));
		free(list[i]);
	}
}

static void add_labels(cJSON *item, const struct dbx_node *node)
{
	cJSON *labels = cJSON_AddArrayToObject(item, "labels");
	size_t n = (size_t)cJSON_GetArraySize(node->tags);
	_cleanup_free_ const char **list = calloc(n + 1, sizeof(*list));

	if (!list)
		abort();
	for (size_t i = 0; i < n; i++)
		list[i] = cJSON_GetArrayItem(node->tags, (int)i)->valuestring;
	qsort(list, n, sizeof(*list), by_text);
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(labels, cJSON_CreateString(list[i]));
}

static bool quarantined(const struct dbx_node *node)
{
	for (const struct dbx_node *n = node->parent; n; n = n->parent) {
		if (!strncasecmp(n->name, QUARANTINE, sizeof(QUARANTINE) - 1))
			return n->parent || n->slot->ns->kind == DBX_TEAM_FOLDER;
	}
	return false;
}

static void add_item(cJSON *items, const struct dbx_ns *ns, const struct dbx_node *node)
{
	cJSON *item = cJSON_CreateObject();
	const char *display = node->slot->display, *name = strrchr(display, '/');
	_cleanup_free_ char *place =
		name > display ? strndup(display, (size_t)(name - display)) : strdup("/");

	cJSON_AddStringToObject(item, "provider", "dropbox");
	cJSON_AddStringToObject(item, "tenant", ns->team->tenant);
	cJSON_AddStringToObject(item, "service", "dropbox");
	cJSON_AddStringToObject(item, "id", node->id);
	cJSON_AddStringToObject(item, "owner", ns->owner ? ns->owner->email : ns->name);
	cJSON_AddStringToObject(item, "place", place);
	cJSON_AddStringToObject(item, "name", node->name);
	cJSON_AddNumberToObject(item, "size", (double)fc_blob_size(node->version->blob));
	cJSON_AddStringToObject(item, "sha256", fc_blob_digests(node->version->blob, DIGEST_SHA256)->sha256);
	add_labels(item, node);
	add_sharing(item, ns->team, node);
	cJSON_AddStringToObject(item, "version", node->version->rev);
	cJSON_AddBoolToObject(item, "quarantined", quarantined(node));
	cJSON_AddItemToArray(items, item);
}

void dbx_state(cJSON *items)
{
	size_t n;
	struct dbx_team *const *teams = dbx_teams(&n);

	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < teams[t]->ns_count; i++) {
			const struct dbx_ns *ns = teams[t]->namespaces[i];
			for (size_t at = 0; !ns->gone && at < ns->log_count; at++) {
				const struct dbx_slot *slot = ns->log[at];
				if (slot->seq == at && slot->node && !slot->node->folder &&
					slot->node->version)
					add_item(items, ns, slot->node);
			}
		}
	}
}

static int write_secret(const char *dir, const char *tenant, const char *what, const char *text)
{
	_cleanup_buf_ struct buf path = BUF_INIT(1 << 16);

	if (buf_addf(&path, "%s/%s-dropbox-%s.txt", dir, tenant, what) < 0)
		return -1;
	return io_write_file(path.data, text, strlen(text), 0600, NULL);
}

int dbx_connections(struct buf *yaml, const char *dir)
{
	size_t n;
	struct dbx_team *const *teams = dbx_teams(&n);
	const char *url = fc_url("dropbox");

	for (size_t i = 0; i < n; i++) {
		const struct dbx_team *t = teams[i];
		if (write_secret(dir, t->tenant, "secret", t->app_secret) < 0 ||
			write_secret(dir, t->tenant, "refresh", t->refresh_token) < 0)
			return -1;
		if (buf_addf(yaml,
			    "  - id: %s-dropbox\n"
			    "    tenant: %s\n"
			    "    provider: dropbox\n"
			    "    mode: protect\n"
			    "    backlog: all\n"
			    "    endpoints: {api: \"%s\", content: \"%s\", notify: \"%s\"}\n"
			    "    grant: {type: refresh_token, app_key: \"%s\", app_secret_file: "
			    "%s-dropbox-secret.txt, "
			    "refresh_token_file: %s-dropbox-refresh.txt}\n",
			    t->tenant, t->tenant, url, url, url, t->app_key, t->tenant, t->tenant) < 0)
			return -1;
	}
	return 0;
}
