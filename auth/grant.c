/* The list of grant types, and what their files share; see grant.h. */
#include "auth/grant.h"

#include "auth/secret.h"
#include "base/encode.h"
#include "net/http.h"

#include <string.h>

static const struct grant_kind *const kinds[] = {&grant_microsoft_secret, &grant_microsoft_certificate,
	&grant_google_service_account, &grant_box_jwt, &grant_box_client_credentials,
	&grant_box_oauth, &grant_dropbox_refresh};

const struct grant_kind *grant_find(const char *provider, const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i]->provider, provider) == 0 && strcmp(kinds[i]->type, type) == 0)
			return kinds[i];
	return NULL;
}

int grant_no_memory(struct err *err)
{
	return err_set(err, ERR_LOCAL, "memory", "out of memory");
}

static int find_kind(struct grant *g, struct err *err)
{
	const char *type = json_str(g->json, "type");

	g->kind = type ? grant_find(g->record.provider, type) : NULL;
	if (!g->kind)
		return err_set(err, ERR_REMOTE, "bad_grant", "%s has no grant of type '%.40s'", g->record.provider,
			type ? type : "");
	for (const char *const *s = g->kind->secrets; *s; s++)
		if (!vault_record_item(&g->record, *s))
			return err_set(err, ERR_REMOTE, "bad_grant", "the grant needs '%s'", *s);
	return 0;
}

static int read_token_url(struct grant *g, struct err *err)
{
	const char *url = json_str_or(g->json, "token_url", "");

	if (!*url)
		return 0; /* the credentials may name it */
	if (strlen(url) >= sizeof(g->token_url) || !http_url_ok(url))
		return err_set(err, ERR_REMOTE, "bad_grant",
			"token_url: an https:// address is wanted (http:// for loopback addresses alone)");
	snprintf(g->token_url, sizeof(g->token_url), "%s", url);
	return 0;
}

int grant_open(struct vault_record *record, struct grant *ret, struct err *err)
{
	struct grant g = {.record = *record};
	struct vault_item *text = vault_record_item(&g.record, "grant");

	memset(record, 0, sizeof(*record));
	if (!text)
		err_set(err, ERR_REMOTE, "bad_grant", "the grant is missing");
	if (!text || json_parse(buf_str(&text->value), text->value.len, &g.json, err) < 0 || find_kind(&g, err) < 0 ||
		read_token_url(&g, err) < 0) {
		grant_close(&g);
		return -1;
	}
	*ret = g;
	return 0;
}

void grant_close(struct grant *g)
{
	vault_record_free(&g->record);
	json_free(g->json);
	g->json = NULL;
}

const struct buf *grant_secret(const struct grant *g, const char *name)
{
	for (int i = 0; i < g->record.n; i++)
		if (strcmp(g->record.items[i].purpose, name) == 0)
			return &g->record.items[i].value;
	return NULL;
}

const char *grant_want(const struct grant *g, const char *key, struct err *err)
{
	const char *text = json_str(g->json, key);
	bool good = text && *text && strlen(text) <= 320;

	for (const char *p = text; good && *p; p++)
		good = (unsigned char)*p > ' ' && *p != 0x7f;
	if (good)
		return text;
	err_set(err, ERR_REMOTE, "bad_grant", "the grant needs '%s', a text without spaces", key);
	return NULL;
}

int grant_form_secret(const struct grant *g, const char *file, struct buf *form, const char *field, struct err *err)
{
	_cleanup_wipe_ struct buf line = BUF_INIT(VAULT_VALUE_MAX);
	const struct buf *secret = grant_secret(g, file);
	const char *s;
	size_t len;

	if (!secret)
		return err_set(err, ERR_REMOTE, "bad_grant", "the grant needs '%s'", file);
	if (secret_line(secret, file, &s, &len, err) < 0)
		return -1;
	if (buf_add(&line, s, len) < 0 || form_add(form, field, buf_str(&line)) < 0)
		return grant_no_memory(err);
	return 0;
}

enum grant_verdict grant_judge(const struct grant_error *table, size_t n, int status, const char *code,
	const char *description, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct grant_error *e = &table[i];
		if (!code || strcmp(e->code, code) != 0 || (e->about && !(description && strstr(description, e->about))))
			continue;
		err_set(err, e->class, code, "%s: %s", code, e->text);
		err_scope(err, e->scope);
		return e->verdict;
	}
	/* Unknown words of a provider are shown, cleaned and cut. */
	_cleanup_buf_ struct buf clean = BUF_INIT(2000);
	utf8_clean(&clean, description ? description : "", description ? strnlen(description, 160) : 0, true);
	err_set(err, ERR_AUTH, code && *code ? code : "http_status",
		"the token address refuses with HTTP %d%s%.40s%s%.160s: compare the grant with the provider's console", status,
		code && *code ? ", " : "", code ? code : "", clean.len ? ": " : "", buf_str(&clean));
	err_scope(err, SCOPE_CONNECTION);
	return GRANT_FAILED;
}
