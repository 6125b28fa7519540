/* The operator's applications; see apps.h. */
#include "auth/apps.h"

#include "auth/grant.h"
#include "auth/pem.h"
#include "auth/secret.h"

#include <fcntl.h>
#include <string.h>

struct apps {
	int n;
	struct app app[APPS_MAX];
};

static int bad(struct err *err, const char *name, const char *what)
{
	return err_set(err, ERR_REMOTE, "bad_app", "apps: %.40s: %s", name, what);
}

static bool is_file(const char *key)
{
	size_t len = strlen(key);

	return len > 5 && strcmp(key + len - 5, "_file") == 0;
}

static int read_file(struct app *app, const char *key, const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (app->n == VAULT_ITEMS)
		return bad(err, app->name, "too many files");
	if (fd < 0)
		return err_errno(err, "apps: %s: %s: %.150s", app->name, key, path);
	struct vault_item *item = &app->items[app->n++];
	item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
	item->lent = true;
	snprintf(item->purpose, sizeof(item->purpose), "%s", key);
	return secret_read(fd, key, &item->value, err) < 0 ? err_prefix(err, "apps: %s", app->name) : 0;
}

static int load_one(struct app *app, const cJSON *in, struct err *err)
{
	const cJSON *v;

	app->public = cJSON_CreateObject();
	if (!app->public)
		return grant_no_memory(err);
	cJSON_ArrayForEach(v, in)
	{
		if (cJSON_IsString(v) && is_file(v->string)) {
			if (read_file(app, v->string, v->valuestring, err) < 0)
				return -1;
		} else if (!cJSON_AddItemToObject(app->public, v->string, cJSON_Duplicate(v, true))) {
			return grant_no_memory(err);
		}
	}
	return 0;
}

int apps_load(const char *json, struct apps **ret, struct err *err)
{
	_cleanup_(apps_freep) struct apps *a = calloc(1, sizeof(*a));
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *v;

	if (!a)
		return grant_no_memory(err);
	if (json && json_parse(json, strlen(json), &doc, err) < 0)
		return -1;
	cJSON_ArrayForEach(v, doc)
	{
		if (a->n == APPS_MAX || strlen(v->string) >= sizeof(a->app[0].name))
			return bad(err, v->string, "too many applications, or a name that is too long");
		struct app *app = &a->app[a->n++];
		snprintf(app->name, sizeof(app->name), "%s", v->string);
		if (load_one(app, v, err) < 0)
			return -1;
	}
	*ret = TAKE_PTR(a);
	return 0;
}

void apps_free(struct apps *a)
{
	if (!a)
		return;
	for (int i = 0; i < a->n; i++) {
		json_free(a->app[i].public);
		for (int k = 0; k < a->app[i].n; k++)
			buf_wipe(&a->app[i].items[k].value);
	}
	free(a);
}

const struct app *apps_find(const struct apps *a, const char *name)
{
	for (int i = 0; a && i < a->n; i++)
		if (strcmp(a->app[i].name, name) == 0)
			return &a->app[i];
	return NULL;
}

const struct buf *app_secret(const struct app *a, const char *name)
{
	for (int i = 0; i < a->n; i++)
		if (strcmp(a->items[i].purpose, name) == 0)
			return &a->items[i].value;
	return NULL;
}

/* ---- facts ---- */

static void copy_text(const cJSON *from, const char *key, cJSON *to, const char *as)
{
	char number[32];
	const char *text = json_id(from, key, number, sizeof(number));

	if (text && *text && !json_get(to, as))
		cJSON_AddStringToObject(to, as, text);
}

/* What people need to see of a key file, and nothing else of it. */
static void key_facts(const struct app *app, cJSON *out)
{
	const struct buf *key = app_secret(app, "key_file"), *config = app_secret(app, "config_file"),
			 *certificate = app_secret(app, "certificate_file");
	_cleanup_json_ cJSON *doc = NULL;

	if (certificate) {
		_cleanup_certificate_ X509 *x = NULL;
		if (pem_certificate(buf_str(certificate), certificate->len, "certificate_file", &x, NULL) == 0)
			cJSON_AddNumberToObject(out, "ends_at", (double)pem_certificate_ends_at(x));
	} else if (key && json_parse(buf_str(key), key->len, &doc, NULL) == 0) {
		copy_text(doc, "client_email", out, "client_email");
		copy_text(doc, "client_id", out, "client_number");
	} else if (config && json_parse(buf_str(config), config->len, &doc, NULL) == 0) {
		copy_text(json_object(doc, "boxAppSettings"), "clientID", out, "jwt_client_id");
		copy_text(doc, "enterpriseID", out, "enterprise_id");
	}
	json_wipe(doc); /* it held the key */
}

int apps_facts(const struct apps *a, struct buf *ret, struct err *err)
{
	_cleanup_json_ cJSON *out = cJSON_CreateObject();

	for (int i = 0; a && i < a->n; i++) {
		const struct app *app = &a->app[i];
		cJSON *one = cJSON_Duplicate(app->public, true);
		cJSON *has = cJSON_AddArrayToObject(one, "has");
		for (int k = 0; k < app->n; k++)
			cJSON_AddItemToArray(has, cJSON_CreateString(app->items[k].purpose));
		key_facts(app, one);
		cJSON_AddItemToObject(out, app->name, one);
	}
	return json_print(out, ret) < 0 ? grant_no_memory(err) : 0;
}

/* ---- lending ---- */

static int lend_secrets(const struct app *app, const struct grant_kind *kind, struct vault_record *r, struct err *err)
{
	for (const char *const *s = kind->secrets; *s; s++) {
		const struct buf *secret = app_secret(app, *s);
		if (!secret || vault_record_item(r, *s))
			continue;
		if (r->n == VAULT_ITEMS)
			return bad(err, app->name, "too many secrets");
		struct vault_item *item = &r->items[r->n++];
		*item = (struct vault_item){.lent = true, .value = BUF_INIT(VAULT_VALUE_MAX)};
		snprintf(item->purpose, sizeof(item->purpose), "%s", *s);
		if (buf_reserve(&item->value, secret->len) < 0 || buf_add(&item->value, buf_str(secret), secret->len) < 0)
			return grant_no_memory(err);
	}
	return 0;
}

/* The application's own words about itself win: the grant may be older than the application's id. */
static int lend_words(const struct app *app, cJSON *grant, struct vault_item *text, struct err *err)
{
	static const char *const words[] = {"client_id", "app_key"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *word = json_str(app->public, words[i]);
		if (!word)
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(grant, words[i]);
		if (!cJSON_AddStringToObject(grant, words[i], word))
			return grant_no_memory(err);
	}
	buf_clear(&text->value);
	return json_print(grant, &text->value) < 0 ? grant_no_memory(err) : 0;
}

int apps_complete(const struct apps *a, struct vault_record *r, struct err *err)
{
	struct vault_item *text = vault_record_item(r, "grant");
	_cleanup_json_ cJSON *grant = NULL;

	if (!text || json_parse(buf_str(&text->value), text->value.len, &grant, NULL) < 0)
		return 0; /* grant_open() says what is wrong */
	const char *name = json_str(grant, "app"), *type = json_str_or(grant, "type", "");
	if (!name)
		return 0;
	const struct app *app = apps_find(a, name);
	const struct grant_kind *kind = grant_find(r->provider, type);
	if (strcmp(name, r->provider) != 0 || !kind)
		return bad(err, name, "does not belong to this kind of grant");
	if (!app)
		return bad(err, name, "the operator's application is not configured any more: put it back into sekisho.yaml");
	if (lend_secrets(app, kind, r, err) < 0)
		return -1;
	return lend_words(app, grant, text, err);
}
