/* See ask.h. In the command's process; questions go to stderr, answers come from stdin. */
#include "core/ask.h"

#include "base/i18n.h"
#include "base/json.h"
#include "connectors/connector.h"
#include "core/connfile.h"

#include <string.h>

#define ANSWER_MAX 1000

/* One line, without its end and outer spaces; the fallback for an empty one. */
static int ask(const char *question, const char *fallback, char *ret, struct err *err)
{
	char line[ANSWER_MAX];

	for (;;) {
		fprintf(stderr, "%s%s%s%s: ", question, fallback ? " [" : "", fallback ? fallback : "", fallback ? "]" : "");
		if (!fgets(line, sizeof(line), stdin))
			return err_set(err, ERR_GONE, "no_answer", _("the input ended before everything was asked"));
		char *start = line + strspn(line, " \t");
		size_t len = strlen(start);
		while (len && strchr(" \t\r\n", start[len - 1]))
			start[--len] = '\0';
		if (*start || fallback) {
			snprintf(ret, ANSWER_MAX, "%s", *start ? start : fallback);
			return 0;
		}
	}
}

/* key: "value", quoted as JSON does, which YAML reads the same. */
static int put(struct buf *out, const char *indent, const char *key, const char *value)
{
	return buf_addf(out, "%s%s: ", indent, key) < 0 || json_quote(out, value, false) < 0 || buf_addc(out, '\n') < 0 ? -1 : 0;
}

static int ask_type(const char *provider, struct connfile_grant *ret, struct err *err)
{
	char question[300] = "grant", answer[ANSWER_MAX];
	struct connfile_grant first;

	if (!connfile_grant_type(provider, 0, &first))
		return err_set(err, ERR_REMOTE, "unknown_provider", _("no provider '%.40s'"), provider);
	*ret = first;
	if (!connfile_grant_type(provider, 1, ret)) {
		*ret = first;
		return 0;
	}
	size_t used = strlen(question);
	for (int i = 0; connfile_grant_type(provider, i, ret); i++)
		used += (size_t)snprintf(question + used, sizeof(question) - used, "%s %s", i ? "," : " (", ret->type);
	snprintf(question + used, sizeof(question) - used, ")");
	for (;;) {
		if (ask(question, first.type, answer, err) < 0)
			return -1;
		for (int i = 0; connfile_grant_type(provider, i, ret); i++)
			if (strcmp(ret->type, answer) == 0)
				return 0;
	}
}

static int ask_keys(const char *const *keys, struct buf *out, struct err *err)
{
	char answer[ANSWER_MAX];

	for (; *keys; keys++) {
		if (ask(*keys, NULL, answer, err) < 0)
			return -1;
		if (put(out, "      ", *keys, answer) < 0)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
	}
	return 0;
}

int ask_connection(const char *provider, const char *tenant, const char *connection, struct buf *out, struct err *err)
{
	const struct connector *k = connector_find(provider);
	struct connfile_grant grant;
	char tenant_id[ANSWER_MAX], id[ANSWER_MAX], fallback[ANSWER_MAX + 20], mode[ANSWER_MAX], backlog[ANSWER_MAX];

	if (!k)
		return err_set(err, ERR_REMOTE, "unknown_provider",
			_("no provider '%.40s'; known: microsoft, google, box, dropbox"), provider);
	fprintf(stderr, _("%s needs:\n"), k->title);
	for (const char *const *n = k->needs; *n; n += 2)
		fprintf(stderr, "  %-45s %s\n", n[0], n[1]);
	snprintf(tenant_id, sizeof(tenant_id), "%s", tenant ? tenant : "");
	if (!tenant && ask(_("tenant (your short name for the company)"), NULL, tenant_id, err) < 0)
		return -1;
	snprintf(fallback, sizeof(fallback), "%.400s-%s", tenant_id, provider);
	snprintf(id, sizeof(id), "%s", connection ? connection : "");
	if ((!connection && ask(_("id of the connection"), fallback, id, err) < 0) ||
		ask(_("mode: monitor (find and report) or protect (contain)"), "monitor", mode, err) < 0 ||
		ask(_("backlog: none, all, or how far back (30 d)"), "30 d", backlog, err) < 0 || ask_type(provider, &grant, err) < 0)
		return -1;
	if (buf_addf(out, "connections:\n  -\n") < 0 || put(out, "    ", "id", id) < 0 || put(out, "    ", "tenant", tenant_id) < 0 ||
		put(out, "    ", "provider", provider) < 0 || put(out, "    ", "mode", mode) < 0 ||
		put(out, "    ", "backlog", backlog) < 0 || buf_adds(out, "    grant:\n") < 0 ||
		put(out, "      ", "type", grant.type) < 0)
		return err_set(err, ERR_LOCAL, "memory", "out of memory");
	return ask_keys(grant.keys, out, err) < 0 || ask_keys(grant.files, out, err) < 0 ? -1 : 0;
}
