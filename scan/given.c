/* The detectors of policies, as core gave them, and how they reach workers: before the first item that is given to one after
 * they changed. Part of the master (role.h); a worker gets those for all tenants and those of its own. */
#include "scan/role.h"

#include "base/json.h"
#include "base/log.h"

#include <string.h>

static char *text_of(const cJSON *list)
{
	_cleanup_buf_ struct buf b = BUF_INIT(SCAN_DETECTORS_MAX);

	return json_print(list, &b) == 0 ? buf_take(&b) : NULL;
}

void given_free(struct given *g)
{
	for (int i = 0; i < g->n; i++) {
		free(g->of[i].tenant);
		free(g->of[i].json);
	}
	free(g->of);
	g->of = NULL;
	g->n = 0;
}

int given_take(struct given *g, struct msg *m)
{
	_cleanup_json_ cJSON *doc = NULL;
	struct given new = {.version = g->version + 1};
	const char *text = msg_get_str(m);
	const cJSON *list;
	struct err err = {0};

	if (!text || msg_end(m) < 0 || m->n_fds || json_parse(text, strlen(text), &doc, &err) < 0 || !cJSON_IsObject(doc))
		return -1;
	new.of = calloc((size_t)cJSON_GetArraySize(doc) + 1, sizeof(*new.of));
	if (!new.of)
		return -1;
	cJSON_ArrayForEach(list, doc) {
		struct given_list *k = &new.of[new.n++];
		*k = (struct given_list){.tenant = strdup(list->string), .json = cJSON_IsArray(list) ? text_of(list) : NULL};
		if (!k->tenant || !k->json) {
			given_free(&new);
			return -1;
		}
	}
	given_free(g);
	*g = new;
	log_info("scan.detectors", "version=%llu tenants=%d", (unsigned long long)g->version, g->n);
	return 0;
}

static const char *list_of(const struct given *g, const char *tenant)
{
	for (int i = 0; i < g->n; i++)
		if (strcmp(g->of[i].tenant, tenant) == 0)
			return g->of[i].json;
	return "";
}

int given_send(const struct given *g, const char *tenant, int fd)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, SCAN_DETECTORS, 0);
	msg_put_str(&m, list_of(g, ""));
	msg_put_str(&m, list_of(g, tenant));
	return wire_send(fd, &m, false);
}
