/* The HTTP server of fakecloud: five ports on loopback, a thread per connection, and around each provider's
 * handler the latency, limits, faults and journal. main calls bind and start; everything else runs on the
 * connections' threads. */
#include "fakecloud/server.h"

#include "base/timeutil.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct port {
	const char *name;
	const struct fc_provider *provider; /* NULL: control, or not compiled in */
	int fd;
	struct MHD_Daemon *daemon;
};

static struct port ports[FC_PROVIDERS + 1];
static struct fc_options options;

static const struct fc_provider *const providers[] = {
#ifdef FC_HAVE_MICROSOFT
	&fc_microsoft,
#endif
#ifdef FC_HAVE_GOOGLE
	&fc_google,
#endif
#ifdef FC_HAVE_BOX
	&fc_box,
#endif
#ifdef FC_HAVE_DROPBOX
	&fc_dropbox,
#endif
	NULL,
};

const struct fc_provider *const *fc_providers(void)
{
	return providers;
}

const char *const *fc_provider_names(void)
{
	static const char *const names[] = {"microsoft", "google", "box", "dropbox", NULL};

	return names;
}

/* One request from its first line to its last byte. */
struct exchange {
	char *target; /* as it came, with query */
	struct buf body;
	bool too_large, answered;
	struct fc_connection conn;
	struct fc_request req;
	struct fc_response res;
	struct fc_headers headers;
};

static void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	free(x->target);
	buf_free(&x->body);
	json_free(x->conn.json);
	arena_free(x->req.arena);
	response_free(&x->res);
	free(x);
}

static void *on_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->target = strdup(uri);
	x->body.max = FC_BODY_MAX;
	x->conn.mhd = mhd;
	return x;
}

static void on_completed(
	void *cls, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why)
{
	exchange_free(*state);
	*state = NULL;
}

/* Keeps libmicrohttpd from decoding the target in place: handlers want it as it came. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *s)
{
	return strlen(s);
}

static void sleep_ms(int64_t ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	if (ms > 0)
		nanosleep(&t, NULL);
}

static int begin(struct exchange *x, const struct port *port, const char *method)
{
	struct fc_request *req = &x->req;
	const char *path = x->target ? x->target : "/";

	/* The absolute form of a target (RFC 9112, 3.2.2) names a host first. */
	if (!strncmp(path, "http://", 7)) {
		const char *slash = strchr(path + 7, '/');
		path = slash ? slash : "/";
	}
	req->arena = arena_new(FC_ANSWER_MAX);
	if (!req->arena)
		return -1;
	const char *q = strchr(path, '?');
	req->provider = port->name;
	req->method = arena_dup(req->arena, method);
	req->path = arena_dupn(req->arena, path, q ? (size_t)(q - path) : strlen(path));
	req->query = arena_dup(req->arena, q ? q + 1 : "");
	req->body = &x->body;
	req->conn = &x->conn;
	req->host = fc_header(req, "Host");
	x->res = (struct fc_response){.status = 200, .body = BUF_INIT(FC_ANSWER_MAX), .headers = &x->headers};
	return 0;
}

/* The handler, called again while it waits for a change. State lock held. */
static void run_handler(struct exchange *x, const struct port *port)
{
	int64_t start = time_monotonic_ms();

	for (;;) {
		if (port->provider)
			port->provider->handle(&x->req, &x->res);
		else
			response_provider_error(&x->res, port->name, 404, -1);
		if (!x->res.wait)
			return;
		fc_wait(1000);
		if (wire_gone(&x->conn))
			return;
		response_reset(&x->res);
		x->req.waited_ms = time_monotonic_ms() - start;
		if (!x->req.waited_ms)
			x->req.waited_ms = 1;
	}
}

/* True when --rate lets the request through; else the response is the provider's 429. State lock held. */
static bool within_rate(struct exchange *x)
{
	if (options.rate <= 0 || strstr(x->req.path, "token"))
		return true;
	const char *bucket = arena_printf(
		x->req.arena, "--rate %s %s", x->req.provider, x->req.tenant ? x->req.tenant : "");
	int wait_s = throttle_rate(bucket, options.rate);
	if (wait_s)
		response_provider_error(&x->res, x->req.provider, 429, wait_s);
	return !wait_s;
}

/* The answer of a fault that replaces the handler's. State lock held. */
static void fault_answer(struct exchange *x, const struct fault *f)
{
	const cJSON *h;

	if (f->what == FAULT_REDIRECT) {
		x->res.status = f->status;
		fc_set_header(&x->res, "Location", f->location);
	} else if (f->has_body) {
		x->res.status = f->status;
		fc_set_header(&x->res, "Content-Type",
			f->body_len && strchr("{[", *f->body) ? "application/json" : "text/plain");
		buf_add(&x->res.body, f->body, f->body_len);
	} else {
		response_provider_error(&x->res, x->req.provider, f->status, -1);
	}
	cJSON_ArrayForEach(h, f->headers)
	{
		if (cJSON_IsString(h))
			fc_set_header(&x->res, h->string, h->valuestring);
		else if (cJSON_IsNumber(h))
			fc_set_headerf(&x->res, h->string, "%lld", (long long)h->valuedouble);
	}
}

/* Ends the exchange by hand, in the fault's way. No lock held. */
static enum MHD_Result misbehave(struct exchange *x, const struct fault *f)
{
	if (f->what == FAULT_RESET) {
		wire_reset(&x->conn);
		return MHD_NO;
	}
	if (f->what == FAULT_DROP_REPLY)
		return MHD_NO;
	struct buf content = BUF_INIT(FC_ANSWER_MAX);
	const void *body = buf_str(&x->res.body);
	size_t len = x->res.body.len;
	if (x->res.blob) {
		fc_lock();
		fc_blob_read(x->res.blob, x->res.blob_offset, (size_t)x->res.blob_len, &content);
		fc_unlock();
		body = buf_str(&content);
		len = content.len;
	}
	wire_send(&x->conn, &x->res, f, body, len);
	buf_free(&content);
	return MHD_NO;
}

static bool by_hand(const struct fault *f)
{
	return f->what == FAULT_CUT || f->what == FAULT_LENGTH || f->what == FAULT_RESET ||
	       f->what == FAULT_DRIP || f->what == FAULT_DROP_REPLY;
}

static enum MHD_Result serve(struct exchange *x, const struct port *port)
{
	struct fault fault = {0};
	int64_t delay_ms = 0;
	bool control = !strcmp(port->name, "control"), faulty = false;

	x->answered = true;
	if (control) {
		control_handle(&x->req, &x->res);
		answer_date(&x->res);
		return answer_queue(x->conn.mhd, &x->res);
	}
	fc_lock();
	const struct fc_token *token = fc_token_of(&x->req);
	if (token)
		x->req.tenant = token->tenant;
	faulty = fault_take(&x->req, &fault, &delay_ms);
	fc_unlock();
	sleep_ms(options.latency_ms + delay_ms);

	fc_lock();
	if (x->too_large)
		response_provider_error(&x->res, port->name, 413, -1);
	else if (faulty && (fault.what == FAULT_STATUS || fault.what == FAULT_REDIRECT))
		fault_answer(x, &fault);
	else if (!(faulty && fault.what == FAULT_RESET) && within_rate(x))
		run_handler(x, port);
	if (x->res.blob)
		answer_range(&x->req, &x->res);
	/* An error's body may explain a provider's refusal of the range. */
	answer_date(&x->res);
	bool silent = faulty && (fault.what == FAULT_RESET || fault.what == FAULT_DROP_REPLY);
	int64_t out = x->res.blob ? x->res.blob_len : (int64_t)x->res.body.len;
	journal_add(&x->req, faulty && fault.what == FAULT_RESET ? 0 : x->res.status, silent ? 0 : out,
		faulty	   ? fault_name(fault.what)
		: delay_ms ? fault_name(FAULT_DELAY)
			   : NULL);
	fc_unlock();
	if (faulty && by_hand(&fault))
		return misbehave(x, &fault);
	return answer_queue(x->conn.mhd, &x->res);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **state)
{
	struct exchange *x = *state;

	if (!x)
		return MHD_NO;
	if (!x->req.arena)
		return begin(x, cls, method) < 0 ? MHD_NO : MHD_YES;
	if (*size) {
		if (!x->too_large && buf_add(&x->body, data, *size) < 0)
			x->too_large = true;
		*size = 0;
		return MHD_YES;
	}
	return x->answered ? MHD_YES : serve(x, cls);
}

static int bind_port(struct port *port, const char *name, struct err *err)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	char url[64];

	port->name = name;
	port->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (port->fd < 0 || bind(port->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		listen(port->fd, 1024) < 0 || getsockname(port->fd, (struct sockaddr *)&addr, &len) < 0)
		return err_errno(err, "port for %s", name);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(addr.sin_port));
	fc_set_url(name, url);
	for (size_t i = 0; providers[i]; i++) {
		if (!strcmp(providers[i]->name, name))
			port->provider = providers[i];
	}
	return 0;
}

int server_bind(struct err *err)
{
	const char *const *names = fc_provider_names();

	for (int i = 0; i < FC_PROVIDERS; i++) {
		if (bind_port(&ports[i], names[i], err) < 0)
			return -1;
	}
	return bind_port(&ports[FC_PROVIDERS], "control", err);
}

int server_start(const struct fc_options *opts, struct err *err)
{
	options = *opts;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct port *p = &ports[i];
		p->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
						     MHD_USE_POLL | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
			0, NULL, NULL, on_request, p, MHD_OPTION_LISTEN_SOCKET, p->fd,
			MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_UNESCAPE_CALLBACK,
			leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
			MHD_OPTION_CONNECTION_LIMIT, 8000u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			(size_t)128 << 10, MHD_OPTION_THREAD_STACK_SIZE, (size_t)4 << 20, MHD_OPTION_END);
		if (!p->daemon)
			return err_set(
				err, ERR_LOCAL, "server", "the HTTP server of %s did not start", p->name);
	}
	return 0;
}
