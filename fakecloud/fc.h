/* fakecloud's inner contract: what the server (server.c) gives a provider, and a provider gives the server.
 *
 * One process, loopback only, libmicrohttpd with a thread per connection, one port per provider and one for
 * the control address. A provider's handler runs with the state lock held and is straight-line code over the
 * provider's own structures; it fills the response and returns. Latency, rate limits of --rate, faults and the
 * journal are the server's work, around the handler. Everything the handler allocates for one request comes
 * from req->arena. The state of a provider lives as long as the process: plain malloc, never freed. */
#ifndef FAKECLOUD_FC_H
#define FAKECLOUD_FC_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- content ---- */

/* Bytes of one version of something: a file below the seed folder, or an unnamed file of an upload.
 * Immutable and shared; never freed. Digests are computed on first demand (under the state lock). */
struct fc_blob;

struct fc_blob *fc_blob_from_path(const char *path);                 /* NULL when it cannot be read */
struct fc_blob *fc_blob_from_bytes(const void *data, size_t len);    /* copies */
int64_t fc_blob_size(const struct fc_blob *blob);
const struct digests *fc_blob_digests(struct fc_blob *blob, unsigned which); /* those and earlier asked ones */
/* Reads the range into out; -1 on a read error or when out is full. */
int fc_blob_read(struct fc_blob *blob, int64_t offset, size_t len, struct buf *out);

/* ---- one request ---- */

struct fc_request {
	const char *provider;     /* "microsoft" */
	const char *method;       /* "GET" */
	const char *path;         /* as it came, still percent-encoded, without the query: "/v1.0/users" */
	const char *query;        /* as it came, without '?', "" when none */
	const char *host;         /* the Host header as it came */
	const struct buf *body;   /* de-chunked; at most 300 MB */
	const char *tenant;       /* set by the handler once known, for the journal; static or arena storage */
	struct arena *arena;
	int64_t waited_ms;        /* long poll: real time since the first call for this request, 0 at that one */
	struct fc_connection *conn; /* the server's own */
};

/* Header of the request, name in any case; NULL when missing. */
const char *fc_header(const struct fc_request *req, const char *name);
/* Query parameter, decoded, in the arena; NULL when missing. fc_query_all(): the n-th of that name. */
const char *fc_query(struct fc_request *req, const char *name);
const char *fc_query_nth(struct fc_request *req, const char *name, int n);
/* The same for an application/x-www-form-urlencoded body, falling back to the query string. */
const char *fc_form(struct fc_request *req, const char *name);
/* Body as JSON, owned by the request; NULL when it is none. */
cJSON *fc_body_json(struct fc_request *req);
/* Splits the path at '/', each segment percent-decoded, in the arena; returns the count (at most max). */
int fc_path_split(struct fc_request *req, const char **ret_segments, int max);

/* One part of a multipart body (form-data, related, mixed). Pointers go into the request's body. */
struct fc_part {
	const char *name, *filename, *type; /* from its headers; NULL when missing; in the arena */
	const char *headers;                /* all of them, as they came, in the arena */
	const char *data;
	size_t len;
};
/* Splits the body by the boundary of Content-Type; LF line ends, lower-case headers and a last boundary
 * without CRLF are taken. Returns the count, or -1 when it is no multipart. */
int fc_multipart(struct fc_request *req, struct fc_part *ret_parts, int max);

/* ---- its response ---- */

struct fc_response {
	int status;      /* 200 unless set */
	struct buf body; /* freed by the server */
	struct fc_blob *blob; /* instead of body: answered with Range support (206, 416, Accept-Ranges) */
	int64_t blob_offset, blob_len; /* set by the server */
	bool no_range;   /* blob: ignore Range and send everything */
	bool wait;       /* long poll: handler asks to be called again when the state changes or 1 s later */
	struct fc_headers *headers; /* the server's own */
};

void fc_set_header(struct fc_response *res, const char *name, const char *value);
void fc_set_headerf(struct fc_response *res, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Takes doc over, prints it as the body, sets the type to "application/json" unless set before. */
void fc_json(struct fc_response *res, int status, cJSON *doc);
void fc_text(struct fc_response *res, int status, const char *type, const char *text);

/* ---- services of the server ---- */

int64_t fc_now(void);            /* the providers' clock in ms: the real one plus what POST /clock added */
const char *fc_url(const char *provider); /* "http://127.0.0.1:PORT", known before seeding */
void fc_changed(void);           /* state changed: wakes long polls */
const char *fc_intern(const char *s); /* the one lasting copy of a short word: tenants, users */
uint64_t fc_next(void);          /* a counter of the process, from 1: for ids and sequence numbers */
/* A stable id from words: hex of SHA-256 over "a/b/c", cut to n characters; the same at every start. */
void fc_stable_id(char *out, size_t n, const char *const *words);

/* The folder of seeds, and the one of credentials beside it. fc_read_json() gives NULL when there is none or it is no JSON. */
bool fc_is_dir(const char *path);
cJSON *fc_read_json(const char *path);
int fc_write_beside(const char *dir, const char *name, const char *text); /* dir/name, for its owner alone */

/* Is the word of len bytes one of the words (scopes, roles, algorithms), which spaces part? */
bool fc_has_word(const char *words, const char *word, size_t len);

/* Tokens that fakecloud issued: opaque random strings with their facts. */
struct fc_token {
	char text[96];
	const char *provider, *tenant; /* interned */
	char subject[128];             /* user acted as, "" for the app, service account or team */
	char scope[2048];              /* space-separated */
	char client[128];
	int64_t expires_at;
	bool revoked;
};
/* Issues and remembers one. prefix: "ya29." or "". The pointer stays valid for ever. */
struct fc_token *fc_token_issue(const char *provider, const char *tenant, const char *prefix, int64_t life_s);
/* Of the request's "Authorization: Bearer …"; NULL when missing or unknown; expired and revoked ones are
 * returned (the handler decides what to answer). */
struct fc_token *fc_token_of(const struct fc_request *req);
struct fc_token *fc_token_find(const char *provider, const char *text);
/* Revokes all of a tenant at a provider; fc_token_revoke_client(): those of one application. */
void fc_token_revoke_all(const char *provider, const char *tenant);
void fc_token_revoke_client(const char *provider, const char *tenant, const char *client);

/* JWT assertions (RFC 7515, 7523), verified with a public key in PEM: the algorithm must be in the list
 * ("RS256 PS256"), the signature hold. Claims are the caller's to check. 0 and two documents, or -1 with a
 * static word: "malformed", "algorithm", "signature". */
int fc_jwt_verify(const char *jwt, const char *algorithms, const char *public_key_pem, cJSON **ret_header,
	cJSON **ret_claims, const char **ret_why);
/* Decodes without verifying (to find out whose it claims to be). */
int fc_jwt_peek(const char *jwt, cJSON **ret_header, cJSON **ret_claims);
/* True the first time a (provider, jti) is seen, false on reuse. */
bool fc_jti_new(const char *provider, const char *jti);
/* Does aud fit: the real address, or any host that ends with `path` and equals the Host header that came, or
 * the address that fakecloud itself gives. */
bool fc_aud_ok(const struct fc_request *req, const char *aud, const char *real, const char *path);

/* Throttling with the published costs, off unless --rate or the seed's tenant asks for it: takes `cost` units
 * from bucket `name` (made on first use with `capacity` units refilled evenly over `period_ms`). Returns 0, or
 * the seconds to wait (Retry-After). With throttling off always 0. */
int fc_throttle(const char *name, double cost, double capacity, int64_t period_ms);
/* What is left of a bucket as of its last call, as a share of its capacity; 1 with throttling off. */
double fc_throttle_left(const char *name, double capacity);

/* RSA key pairs for a tenant's credentials, 2048 bits, made at start: PEM texts that live for ever. */
struct fc_keypair {
	char *private_pem;           /* PKCS#8 */
	char *private_encrypted_pem; /* PKCS#8, AES-256-CBC, with the passphrase below */
	char passphrase[33];
	char *public_pem;
	char *certificate_pem;       /* self-signed, CN = tenant */
	char certificate_sha256[44]; /* base64url of SHA-256 over the DER: x5t#S256 */
	char certificate_sha1[28];   /* x5t */
};
struct fc_keypair *fc_keypair_new(const char *common_name);

/* ---- options that pages need ---- */

bool fc_auto_consent(void);                /* --auto-consent: authorization pages agree by themselves */
bool fc_redirect_listed(const char *uri);  /* one of --redirect */

/* ---- what a provider gives ---- */

struct fc_provider {
	const char *name;
	/* Adds one tenant from DIR/TENANT/<name>/ (dir is that folder; it exists). tenant is interned. */
	int (*seed)(const char *tenant, const char *dir);
	void (*handle)(struct fc_request *req, struct fc_response *res);
	/* Appends this provider's objects to the array of GET /state (shape in the interface):
	 * {provider, tenant, service, id, owner, place, name, size, sha256, labels: [], sharing: [], version,
	 *  quarantined: bool} */
	void (*state)(cJSON *items);
	/* Appends a connections-file entry (YAML, list item under "connections:", two spaces of indentation) for
	 * each tenant; credential files are written into dir and named relative to it. */
	int (*connections)(struct buf *yaml, const char *dir);
	/* Makes the operator's own applications and appends them to the `apps:` block (two spaces of indentation), and
	 * a way to sign in to the `sign_in:` block, where there is one. Credential files as for connections. */
	int (*console)(struct buf *apps, struct buf *sign_in, const char *dir);
	void (*revoke)(const char *tenant);          /* NULL tenant: all */
	void (*restore_consent)(const char *tenant);
	void (*expire_cursors)(const char *tenant);
	/* POST /post: body as documented; NULL when there is nothing to post to. Returns an HTTP status. */
	int (*post)(const cJSON *body, const char **ret_why);
};

extern const struct fc_provider fc_microsoft, fc_google, fc_box, fc_dropbox;

#endif
