/* The journal of requests: a ring of the last ones, for GET /journal. State lock held. */
#include "fakecloud/core.h"

#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JOURNAL_MAX 400000

static struct journal_line *lines; /* JOURNAL_MAX of them, touched as they fill */
static int64_t last;		   /* number of the newest; the first is 1 */

/* Query parameters whose values never enter the journal. */
static bool secret(const char *provider, const char *name, size_t len)
{
	static const char *const names[] = {"client_secret", "refresh_token", "access_token", "assertion",
		"client_assertion", "code", "code_verifier", "token", "tempauth", "sig", "signature",
		"password", "auth", "key", "download_token", "upload_id"};

	/* Microsoft's `token` is a place in a drive's feed. */
	if (len == 5 && !strncmp(name, "token", 5) && !strcmp(provider, "microsoft"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strlen(names[i]) == len && !strncasecmp(names[i], name, len))
			return true;
	}
	return false;
}

static char *journal_path(const struct fc_request *req)
{
	struct buf b = BUF_INIT(1 << 20);

	/* Box puts the authority of a download into the path. */
	size_t key = !strncmp(req->path, "/d/1/", 5) ? strcspn(req->path + 5, "/") : 0;
	if (key)
		buf_addf(&b, "/d/1/***%s", req->path + 5 + key);
	else
		buf_adds(&b, req->path);
	const char *p = req->query;
	for (char sep = '?'; *p; sep = '&') {
		size_t len = strcspn(p, "&"), name = strcspn(p, "=&");
		buf_addc(&b, sep);
		if (name < len && secret(req->provider, p, name)) {
			buf_add(&b, p, name);
			buf_adds(&b, "=***");
		} else {
			buf_add(&b, p, len);
		}
		p += len;
		p += *p == '&';
	}
	return buf_take(&b);
}

void journal_add(const struct fc_request *req, int status, int64_t bytes_out, const char *fault)
{
	if (!lines && !(lines = calloc(JOURNAL_MAX, sizeof(*lines))))
		abort();
	last++;
	struct journal_line *l = &lines[last % JOURNAL_MAX];
	free(l->method);
	free(l->path);
	*l = (struct journal_line){
		.number = last,
		.time = fc_now(),
		.provider = req->provider,
		.tenant = req->tenant && *req->tenant ? fc_intern(req->tenant) : NULL,
		.fault = fault,
		.method = strdup(req->method),
		.path = journal_path(req),
		.status = status,
		.bytes_in = (int64_t)req->body->len,
		.bytes_out = bytes_out,
	};
}

void journal_print(int64_t since, struct buf *out)
{
	int64_t from = since + 1 > last - JOURNAL_MAX + 1 ? since + 1 : last - JOURNAL_MAX + 1;
	char when[TIME_RFC3339_LEN];

	if (from < 1)
		from = 1;
	buf_adds(out, "{\"requests\":[");
	for (int64_t n = from; n <= last; n++) {
		const struct journal_line *l = &lines[n % JOURNAL_MAX];
		buf_addf(out, "%s{\"number\":%lld,\"time\":\"%s\",\"provider\":\"%s\",\"tenant\":",
			n > from ? ",\n" : "\n", (long long)l->number, time_format(l->time, when),
			l->provider);
		if (l->tenant)
			json_quote(out, l->tenant, false);
		else
			buf_adds(out, "null");
		buf_adds(out, ",\"method\":");
		json_quote(out, l->method ? l->method : "", false);
		buf_adds(out, ",\"path\":");
		json_quote(out, l->path ? l->path : "", false);
		buf_addf(out, ",\"status\":%d,\"bytes_in\":%lld,\"bytes_out\":%lld", l->status,
			(long long)l->bytes_in, (long long)l->bytes_out);
		if (l->fault)
			buf_addf(out, ",\"fault\":\"%s\"", l->fault);
		buf_addc(out, '}');
	}
	buf_adds(out, "]}\n");
}
