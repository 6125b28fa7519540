/* AUTH_PUT: a grant is put together from what came and from what lies here already, checked, and kept. Runs on the desk's
 * thread. */
#include "auth/role_impl.h"

#include "auth/grant.h"
#include "auth/secret.h"
#include "base/log.h"

#include <string.h>

/* The grant's secrets out of the descriptors, beside its public part. */
static int read_secrets(struct task *task, struct vault_record *record, struct err *err)
{
	const struct auth_request *req = &task->req;

	for (int i = 0; i < req->n_names; i++) {
		_cleanup_close_ int fd = msg_take_fd(&task->msg);
		struct vault_item *item = &record->items[record->n++];
		item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
		snprintf(item->purpose, sizeof(item->purpose), "%s", req->names[i]);
		if (secret_read(fd, req->names[i], &item->value, err) < 0)
			return -1;
	}
	struct vault_item *item = &record->items[record->n++];
	item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
	snprintf(item->purpose, sizeof(item->purpose), "grant");
	return buf_adds(&item->value, req->grant) < 0 ? grant_no_memory(err) : 0;
}

/* The checked grant as the vault keeps it: with its token address, and with nothing that it does not want. */
static int settle(struct grant *g, struct err *err)
{
	struct vault_item *text = vault_record_item(&g->record, "grant");

	if (!g->token_url[0])
		return err_set(err, ERR_REMOTE, "bad_grant", "the grant needs 'token_url'");
	if (!json_str(g->json, "token_url") && !cJSON_AddStringToObject(g->json, "token_url", g->token_url))
		return grant_no_memory(err);
	buf_clear(&text->value);
	if (json_print(g->json, &text->value) < 0)
		return grant_no_memory(err);
	for (int i = 0; i < g->record.n; i++) {
		const char *purpose = g->record.items[i].purpose;
		bool wanted = strcmp(purpose, "grant") == 0;
		for (const char *const *s = g->kind->secrets; *s; s++)
			wanted = wanted || strcmp(*s, purpose) == 0;
		if (!wanted)
			return err_set(err, ERR_REMOTE, "bad_grant", "a grant of type %s has no '%s'", g->kind->type, purpose);
	}
	return 0;
}

/* Secrets that lie in the vault already under another name: a key pair made here, a code's refresh token. */
static int take_over(struct role *role, struct vault_record *record, const char *from, struct err *err)
{
	struct vault_record source = {0};

	if (vault_load(role->vault, from, &source, err) < 0)
		return -1;
	int r = strcmp(source.tenant, record->tenant) == 0 ?
		0 :
		err_set(err, ERR_REMOTE, "other_connection", "the secrets under '%s' belong to another tenant", from);
	for (int i = 0; i < source.n && r == 0; i++) {
		struct vault_item *item = &source.items[i];
		if (strcmp(item->purpose, "grant") == 0 || vault_record_item(record, item->purpose))
			continue;
		if (record->n == VAULT_ITEMS) {
			r = err_set(err, ERR_REMOTE, "bad_grant", "too many secrets");
			break;
		}
		record->items[record->n++] = *item;
		item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
	}
	vault_record_free(&source);
	return r;
}

/* What the grant says about where its secrets are; the words themselves are not kept. */
static int find_secrets(struct role *role, struct vault_record *record, struct err *err)
{
	static const char *const words[] = {"made_key", "code_of"};
	struct vault_item *text = vault_record_item(record, "grant");
	_cleanup_json_ cJSON *grant = NULL;

	if (json_parse(buf_str(&text->value), text->value.len, &grant, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *from = json_str(grant, words[i]);
		if (from && take_over(role, record, from, err) < 0)
			return -1;
		cJSON_DeleteItemFromObjectCaseSensitive(grant, words[i]);
	}
	text = vault_record_item(record, "grant");
	buf_clear(&text->value);
	if (json_print(grant, &text->value) < 0)
		return grant_no_memory(err);
	return apps_complete(role->apps, record, err);
}

int auth_put(struct task *task, struct msg *reply, struct err *err)
{
	struct role *role = task->role;
	const struct auth_request *req = &task->req;
	struct vault_record record = {0};
	struct grant g = {0};
	_cleanup_json_ cJSON *facts = cJSON_CreateObject();
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	snprintf(record.connection, sizeof(record.connection), "%s", req->connection);
	snprintf(record.tenant, sizeof(record.tenant), "%s", req->tenant);
	snprintf(record.provider, sizeof(record.provider), "%s", req->provider);
	if (!facts || read_secrets(task, &record, err) < 0 || find_secrets(role, &record, err) < 0) {
		vault_record_free(&record);
		return facts ? -1 : grant_no_memory(err);
	}
	if (grant_open(&record, &g, err) < 0)
		return -1;
	int r = g.kind->check(&g, facts, &g.record.ends_at, err);
	if (r == 0 && g.record.ends_at)
		cJSON_AddNumberToObject(facts, "key_ends_at", (double)g.record.ends_at);
	if (r == 0)
		r = settle(&g, err);
	if (r == 0 && json_print(facts, &text) < 0)
		r = grant_no_memory(err);
	if (r == 0)
		r = vault_put(role->vault, &g.record, err);
	if (r == 0) {
		grant_changed(role, req->connection);
		reply->type = AUTH_PUT_REPLY;
		msg_put_str(reply, buf_str(&text));
		log_info("grant.put", "tenant=%s connection=%s type=%s", req->tenant, req->connection, g.kind->type);
	}
	grant_close(&g);
	return r;
}
