/* What the control address sees of Google: the state of all items, connections with credentials, consent and
 * lost cursors; and the provider itself. */
#include "fakecloud/google/consent.h"
#include "fakecloud/google/drive.h"
#include "fakecloud/google/gmail.h"

#include "base/ioutil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static cJSON *item(const struct gg_tenant *t, const char *service, const char *id, const char *owner,
	const char *place, const char *name, struct fc_blob *blob)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "provider", GG);
	cJSON_AddStringToObject(o, "tenant", t->name);
	cJSON_AddStringToObject(o, "service", service);
	cJSON_AddStringToObject(o, "id", id);
	cJSON_AddStringToObject(o, "owner", owner);
	cJSON_AddStringToObject(o, "place", place);
	cJSON_AddStringToObject(o, "name", name);
	cJSON_AddNumberToObject(o, "size", (double)fc_blob_size(blob));
	cJSON_AddStringToObject(o, "sha256", fc_blob_digests(blob, DIGEST_SHA256)->sha256);
	return o;
}

/* ---- mail ---- */

/* Hidden from every list: in the trash, or under a hidden label of the user's and no label of the system's.
 */
static bool mail_quarantined(const struct gm_message *m)
{
	bool hidden = false;

	if (gm_has(m, GM_TRASH))
		return true;
	for (size_t i = 0; i < m->nlabels; i++) {
		const struct gm_label *l = m->box->labels[m->labels[i]];
		if (l->gone)
			continue;
		if (l->system)
			return false;
		hidden |= l->list_visibility && !strcmp(l->list_visibility, "labelHide");
	}
	return hidden;
}

static const char *mail_place(const struct gm_message *m)
{
	static const unsigned first[] = {GM_TRASH, GM_SPAM, GM_INBOX, GM_SENT, GM_DRAFT};

	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		if (gm_has(m, first[i]))
			return m->box->labels[first[i]]->name;
	}
	for (size_t i = 0; i < m->nlabels; i++) {
		const struct gm_label *l = m->box->labels[m->labels[i]];
		if (!l->gone && !l->system)
			return l->name;
	}
	return "All Mail";
}

static void state_mail(cJSON *items, const struct gg_tenant *t, const struct gm_box *box)
{
	for (size_t i = 0; i < box->nmessages; i++) {
		const struct gm_message *m = box->messages[i];
		_cleanup_buf_ struct buf place = BUF_INIT(4096);
		char version[24];
		if (m->gone)
			continue;
		buf_addf(&place, "/%s", mail_place(m));
		cJSON *o = item(t, "gmail", m->id, box->user->email, buf_str(&place),
			m->subject ? m->subject : "", m->blob);
		cJSON *labels = cJSON_AddArrayToObject(o, "labels");
		for (size_t k = 0; k < m->nlabels; k++) {
			const struct gm_label *l = box->labels[m->labels[k]];
			if (!l->gone)
				cJSON_AddItemToArray(labels, cJSON_CreateString(l->name));
		}
		cJSON_AddArrayToObject(o, "sharing");
		snprintf(version, sizeof(version), "%" PRIu64, m->history);
		cJSON_AddStringToObject(o, "version", version);
		cJSON_AddBoolToObject(o, "quarantined", mail_quarantined(m));
		cJSON_AddItemToArray(items, o);
	}
}

/* ---- files ---- */

static void add_path(struct buf *out, const struct gd_file *f)
{
	if (!f || !f->parent)
		return;
	add_path(out, f->parent);
	buf_addf(out, "/%s", f->name);
}

static bool file_quarantined(const struct gd_file *f)
{
	for (const struct gd_file *p = f->parent; p; p = p->parent) {
		const char *name = p->drive && p == p->drive->root ? p->drive->name : p->name;
		/* In the transit drive a file is still on its way. */
		if (!strncasecmp(name, "sekisho-quarantine", 18))
			return strncasecmp(name + 18, "-transit", 8) != 0;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_sharing(cJSON *o, const struct gd_file *f)
{
	cJSON *list = cJSON_AddArrayToObject(o, "sharing");
	char **words = NULL;
	size_t n = 0;

	for (size_t i = 0; i < f->nperms; i++) {
		const struct gd_perm *p = &f->perms[i];
		bool edit = p->role >= GD_WRITER;
		_cleanup_buf_ struct buf b = BUF_INIT(1024);
		if (p->type == GD_ANYONE)
			buf_addf(&b, "link:anonymous:%s", edit ? "edit" : "view");
		else if (p->type == GD_DOMAIN)
			buf_addf(&b, "link:organization:%s", edit ? "edit" : "view");
		else
			buf_addf(&b, "%s:%s:%s", p->type == GD_GROUP ? "group" : "user", p->email,
				edit ? "write" : "read");
		GG_PUSH(words, n, gg_dup(buf_str(&b)));
	}
	if (n)
		qsort(words, n, sizeof(*words), by_text);
	for (size_t i = 0; i < n; i++) {
		cJSON_AddItemToArray(list, cJSON_CreateString(words[i]));
		free(words[i]);
	}
	free(words);
}

/* What marks a file for people and applications: its properties and its description. */
static void add_marks(cJSON *o, const struct gd_file *f)
{
	cJSON *list = cJSON_AddArrayToObject(o, "labels");
	const cJSON *property;
	char **words = NULL;
	size_t n = 0;

	cJSON_ArrayForEach(property, f->properties)
	{
		_cleanup_buf_ struct buf b = BUF_INIT(1024);
		if (cJSON_IsString(property) && buf_addf(&b, "%s=%s", property->string, property->valuestring) == 0)
			GG_PUSH(words, n, gg_dup(buf_str(&b)));
	}
	if (f->description && *f->description)
		GG_PUSH(words, n, gg_dup(f->description));
	if (n)
		qsort(words, n, sizeof(*words), by_text);
	for (size_t i = 0; i < n; i++) {
		cJSON_AddItemToArray(list, cJSON_CreateString(words[i]));
		free(words[i]);
	}
	free(words);
}

static void state_file(cJSON *items, const struct gg_tenant *t, const struct gd_file *f)
{
	const struct gd_revision *head = gd_head(f);
	_cleanup_buf_ struct buf place = BUF_INIT(64 << 10);
	char version[24];

	if (f->gone || !f->parent || !head || gd_trashed(f))
		return;
	add_path(&place, f->parent);
	cJSON *o = item(t, "drive", f->id, f->drive ? f->drive->name : f->owner->email,
		place.len ? place.data : "/", f->name, head->blob);
	add_marks(o, f);
	add_sharing(o, f);
	snprintf(version, sizeof(version), "%" PRId64, f->version);
	cJSON_AddStringToObject(o, "version", gd_is_native(f) ? version : head->id);
	cJSON_AddBoolToObject(o, "quarantined", file_quarantined(f));
	cJSON_AddItemToArray(items, o);
}

void gg_state(cJSON *items)
{
	for (size_t i = 0; i < gg_ntenants; i++) {
		const struct gg_tenant *t = gg_tenants[i];
		for (size_t u = 0; u < t->nusers; u++)
			state_mail(items, t, t->users[u]->mail);
		for (size_t k = 0; k < t->nall; k++)
			state_file(items, t, t->all[k]);
	}
}

/* ---- connections ---- */

static int write_json(const char *dir, const char *file, cJSON *doc)
{
	_cleanup_buf_ struct buf path = BUF_INIT(8192), text = BUF_INIT(1 << 20);
	int r = -1;

	if (buf_addf(&path, "%s/%s", dir, file) == 0 && json_print(doc, &text) == 0)
		r = io_write_file(path.data, text.data, text.len, 0600, NULL);
	json_free(doc);
	return r;
}

static cJSON *service_account(const struct gg_tenant *t, const char *url)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1024);
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "type", "service_account");
	buf_addf(&b, "sekisho-%s", t->name);
	cJSON_AddStringToObject(doc, "project_id", buf_str(&b));
	cJSON_AddStringToObject(doc, "private_key_id", t->key_id);
	cJSON_AddStringToObject(doc, "private_key", t->keys->private_pem);
	cJSON_AddStringToObject(doc, "client_email", t->client_email);
	cJSON_AddStringToObject(doc, "client_id", t->client_id);
	cJSON_AddStringToObject(doc, "auth_uri", "https://accounts.google.com/o/oauth2/auth");
	buf_clear(&b);
	buf_addf(&b, "%s/token", url);
	cJSON_AddStringToObject(doc, "token_uri", buf_str(&b));
	cJSON_AddStringToObject(
		doc, "auth_provider_x509_cert_url", "https://www.googleapis.com/oauth2/v1/certs");
	buf_clear(&b);
	buf_addf(&b, "https://www.googleapis.com/robot/v1/metadata/x509/%s", t->client_email);
	cJSON_AddStringToObject(doc, "client_x509_cert_url", buf_str(&b));
	cJSON_AddStringToObject(doc, "universe_domain", "googleapis.com");
	return doc;
}

static cJSON *authorized_user(const struct gg_tenant *t)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "type", "authorized_user");
	cJSON_AddStringToObject(doc, "client_id", t->oauth_id);
	cJSON_AddStringToObject(doc, "client_secret", t->oauth_secret);
	cJSON_AddStringToObject(doc, "refresh_token", t->refresh_token);
	return doc;
}

int gg_connections(struct buf *yaml, const char *dir)
{
	const char *url = fc_url(GG);

	for (size_t i = 0; i < gg_ntenants; i++) {
		const struct gg_tenant *t = gg_tenants[i];
		_cleanup_buf_ struct buf file = BUF_INIT(512), other = BUF_INIT(512);
		buf_addf(&file, "%s-google.json", t->name);
		buf_addf(&other, "%s-google-user.json", t->name);
		if (write_json(dir, buf_str(&file), service_account(t, url)) < 0 ||
			write_json(dir, buf_str(&other), authorized_user(t)) < 0)
			return -1;
		if (buf_addf(yaml,
			    "  - id: %s-google\n    tenant: %s\n    provider: google\n    mode: protect\n    "
			    "backlog: all\n"
			    "    services: [mail, files]\n"
			    "    endpoints: {token: \"%s/token\", gmail: \"%s\", drive: \"%s\", directory: "
			    "\"%s\"}\n"
			    "    grant: {type: service_account, key_file: %s, subject: %s}\n",
			    t->name, t->name, url, url, url, url, buf_str(&file), t->admin->email) < 0)
			return -1;
	}
	return 0;
}

/* ---- consent, cursors ---- */

static bool meant(const struct gg_tenant *t, const char *tenant)
{
	return !tenant || !strcmp(t->name, tenant);
}

static void withdraw(const char *tenant)
{
	for (size_t i = 0; i < gg_ntenants; i++) {
		if (meant(gg_tenants[i], tenant))
			gg_tenants[i]->revoked = true;
	}
	gg_delegations_withdraw(tenant, true);
	fc_token_revoke_all(GG, tenant);
}

static void restore_consent(const char *tenant)
{
	for (size_t i = 0; i < gg_ntenants; i++) {
		if (meant(gg_tenants[i], tenant))
			gg_tenants[i]->revoked = gg_tenants[i]->refresh_revoked = false;
	}
	gg_delegations_withdraw(tenant, false);
}

static void expire_cursors(const char *tenant)
{
	for (size_t i = 0; i < gg_ntenants; i++) {
		struct gg_tenant *t = gg_tenants[i];
		if (!meant(t, tenant))
			continue;
		for (size_t u = 0; u < t->nusers; u++)
			gm_history_lose(t->users[u]->mail);
		t->generation++;
		t->event_base += 1000; /* the numbers jump, so that the present token is lost as well */
		t->event_floor = t->event_base + (int64_t)t->nevents;
	}
}

const struct fc_provider fc_google = {
	.name = GG,
	.seed = gg_seed,
	.handle = gg_handle,
	.state = gg_state,
	.connections = gg_connections,
	.console = gg_console,
	.revoke = withdraw,
	.restore_consent = restore_consent,
	.expire_cursors = expire_cursors,
};
