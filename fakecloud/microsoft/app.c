/* Applications, their certificates and secrets, and where they are let in; see app.h. */
#include "fakecloud/microsoft/app.h"

#include "base/encode.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(BIO *, BIO_free)

static struct ms_vec apps; /* all but the seeded tenants' own, which are made when they are first asked for */

struct ms_app *ms_app_new(struct ms_tenant *home, const char *client_id, const char *name)
{
	struct ms_app *app = ms_alloc(sizeof(*app));

	app->client_id = ms_strdup(client_id);
	app->name = ms_strdup(name);
	app->home = home;
	ms_vec_add(&apps, app);
	return app;
}

static struct ms_install *installed(struct ms_tenant *t, const char *client_id)
{
	for (size_t i = 0; i < t->installs.n; i++) {
		struct ms_install *in = t->installs.v[i];
		if (!strcasecmp(in->app->client_id, client_id))
			return in;
	}
	return NULL;
}

/* The seeded application, with what the connections file gives out. */
static struct ms_install *seeded(struct ms_tenant *t)
{
	struct ms_app *app = ms_app_new(t, t->client_id, "sekisho");
	struct ms_install *in;

	ms_app_add_certificate(app, t->key->certificate_pem, strlen(t->key->certificate_pem));
	ms_vec_add(&app->secrets, t->secret);
	in = ms_install_add(t, app);
	in->consented = true;
	return in;
}

struct ms_install *ms_install_in(struct ms_tenant *t, const char *client_id)
{
	struct ms_install *in = installed(t, client_id);

	return in ? in : !strcasecmp(client_id, t->client_id) ? seeded(t) : NULL;
}

struct ms_app *ms_app_find(const char *client_id)
{
	struct ms_tenant *t;

	for (size_t i = 0; client_id && i < apps.n; i++) {
		struct ms_app *app = apps.v[i];
		if (!strcasecmp(app->client_id, client_id))
			return app;
	}
	for (size_t i = 0; client_id && (t = ms_tenant_nth(i)); i++) {
		if (!strcasecmp(t->client_id, client_id))
			return seeded(t)->app;
	}
	return NULL;
}

struct ms_install *ms_install_add(struct ms_tenant *t, struct ms_app *app)
{
	struct ms_install *in = installed(t, app->client_id);

	if (in)
		return in;
	in = ms_alloc(sizeof(*in));
	in->app = app;
	in->t = t;
	ms_vec_add(&t->installs, in);
	return in;
}

bool ms_install_gone(const struct ms_install *in)
{
	bool own = !strcasecmp(in->app->client_id, in->t->client_id);

	return own ? in->t->revoked : in->withdrawn || (!in->app->home && !in->consented);
}

void ms_installs_withdraw(struct ms_tenant *t, bool withdrawn)
{
	for (size_t i = 0; i < t->installs.n; i++)
		((struct ms_install *)t->installs.v[i])->withdrawn = withdrawn;
}

bool ms_withdrawn(const struct ms_ctx *c)
{
	if (!strcasecmp(c->token->client, c->t->client_id))
		return c->t->revoked;
	const struct ms_install *in = installed(c->t, c->token->client);
	return !in || ms_install_gone(in);
}

/* ---- what it signs with ---- */

static void thumbprint(const X509 *x, const EVP_MD *md, char *out, size_t size, char *hex)
{
	_cleanup_buf_ struct buf text = BUF_INIT(128);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	X509_digest(x, md, digest, &len);
	base64url_encode(&text, digest, len);
	snprintf(out, size, "%s", buf_str(&text));
	if (hex)
		hex_encode(hex, digest, len);
}

static char *bio_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	return ms_printf("%.*s", (int)len, data ? data : "");
}

static X509 *read_certificate(const char *data, size_t len)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(data, (int)len);
	const unsigned char *der = (const unsigned char *)data;
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	return x ? x : d2i_X509(NULL, &der, (long)len);
}

const char *ms_app_add_certificate(struct ms_app *app, const char *data, size_t len)
{
	_cleanup_(X509_freep) X509 *x = len && len < (64 << 10) ? read_certificate(data, len) : NULL;
	EVP_PKEY *key = x ? X509_get0_pubkey(x) : NULL;
	struct ms_cert *cert;

	if (!x)
		return "The file is no certificate in PEM or DER form (.pem, .cer, .crt).";
	if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < 2048)
		return "The certificate needs an RSA key of 2048 bits or more.";
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		return "The certificate has expired.";
	cert = ms_alloc(sizeof(*cert));
	thumbprint(x, EVP_sha256(), cert->sha256, sizeof(cert->sha256), NULL);
	thumbprint(x, EVP_sha1(), cert->sha1, sizeof(cert->sha1), cert->sha1_hex);
	for (size_t i = 0; i < app->certs.n; i++) {
		if (!strcmp(((struct ms_cert *)app->certs.v[i])->sha256, cert->sha256)) {
			free(cert);
			return "This certificate was uploaded before.";
		}
	}
	_cleanup_(BIO_freep) BIO *public = BIO_new(BIO_s_mem());
	_cleanup_(BIO_freep) BIO *subject = BIO_new(BIO_s_mem());
	PEM_write_bio_PUBKEY(public, key);
	X509_NAME_print_ex(subject, X509_get_subject_name(x), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
	cert->public_pem = bio_text(public);
	cert->subject = bio_text(subject);
	ms_vec_add(&app->certs, cert);
	return NULL;
}

const char *ms_app_add_secret(struct ms_app *app)
{
	char text[41];

	random_hex(text, 20);
	ms_vec_add(&app->secrets, ms_strdup(text));
	return app->secrets.v[app->secrets.n - 1];
}

bool ms_app_secret_ok(const struct ms_app *app, const char *secret)
{
	for (size_t i = 0; i < app->secrets.n; i++) {
		if (!strcmp(app->secrets.v[i], secret))
			return true;
	}
	return false;
}

/* The operator's application has its addresses registered; a tenant's takes any that is one. */
bool ms_app_redirect_ok(const struct ms_app *app, const char *uri)
{
	return app->home ? redirect_ok(uri) : redirect_registered(uri, "microsoft oidc");
}

struct ms_user *ms_admin(const struct ms_tenant *t)
{
	for (size_t i = 0; i < t->users.n; i++) {
		struct ms_user *u = t->users.v[i];
		if (!strncasecmp(u->upn, "admin@", 6))
			return u;
	}
	return t->users.n ? t->users.v[0] : NULL;
}

/* ---- --console ---- */

int ms_console(struct buf *yaml, struct buf *sign_in, const char *dir)
{
	const char *url = fc_url("microsoft");
	_cleanup_free_ char *id = ms_guid(MS_WORDS("operator", "microsoft", "client"));
	struct ms_app *app = ms_app_new(NULL, id, "sekisho (operator)");
	const struct fc_keypair *key = fc_keypair_new("sekisho operator");
	const struct ms_tenant *first = ms_tenant_nth(0);
	const struct ms_user *admin = first ? ms_admin(first) : NULL;

	if (ms_app_add_certificate(app, key->certificate_pem, strlen(key->certificate_pem)) ||
		fc_write_beside(dir, "operator-microsoft.pem", key->certificate_pem) < 0 ||
		fc_write_beside(dir, "operator-microsoft.key", key->private_pem) < 0 ||
		fc_write_beside(dir, "operator-microsoft-secret.txt", ms_app_add_secret(app)) < 0)
		return -1;
	if (buf_addf(yaml,
		    "  microsoft: {client_id: %s, certificate_file: operator-microsoft.pem, key_file: operator-microsoft.key, "
		    "endpoints: {login: \"%s\", graph: \"%s\"}}\n",
		    id, url, url) < 0)
		return -1;
	/* Signing in is for the operator's own people: those of the first tenant. */
	if (!admin)
		return 0;
	struct arena *arena = arena_new(1 << 20);
	int r = buf_addf(sign_in,
		"  - {id: entra, title: Microsoft, issuer: \"%s/%s/v2.0\", client_id: %s, client_secret_file: "
		"operator-microsoft-secret.txt, accounts: [{email: \"%s\", subject: \"%s\", role: operator}]}\n",
		url, first->directory, id, admin->upn, idtoken_pairwise(arena, id, admin->id));
	arena_free(arena);
	return r;
}
