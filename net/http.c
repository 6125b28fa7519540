/* HTTP calls for many threads over one libcurl multi handle; see http.h.
 *
 * Owns the multi handle and its thread. http_call() makes a transfer on its own thread, queues it, and waits; the http
 * thread runs it, and hands the bytes of a content over through the transfer's pipe. What is queued, kicked and
 * counted is under `lock`; the multi handle and the list of the running belong to the http thread alone. */
#include "net/http.h"

#include "base/log.h"
#include "net/transfer.h"

#include <errno.h>
#include <string.h>

struct http {
	CURLM *multi;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* lock: users became 0 */
	struct transfer *queued; /* lock */
	struct transfer *kicked; /* lock: to be resumed or cancelled */
	int users;               /* lock: callers inside http_call() */
	bool stop;               /* lock */
	struct transfer *running;
	char *user_agent, *ca_file;
	char **hosts;
	struct transfer_options options;
};

/* ---- the http thread ---- */

static void finished(struct http *http, struct transfer *t, CURLcode result)
{
	long status = 0;
	curl_off_t bytes = 0;

	if (result == CURLE_OK)
		transfer_end(t);
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	t->res.status = (int)status;
	t->res.bytes_in = bytes;
	curl_multi_remove_handle(http->multi, t->easy);
	for (struct transfer **p = &http->running; *p; p = &(*p)->next) {
		if (*p == t) {
			*p = t->next;
			break;
		}
	}
	pthread_mutex_lock(&http->lock);
	for (struct transfer **p = &http->kicked; *p; p = &(*p)->next_kick) {
		if (*p == t) {
			*p = t->next_kick;
			break;
		}
	}
	t->result = result;
	t->done = true;
	pthread_cond_signal(&t->cond);
	pthread_mutex_unlock(&http->lock);
}

static void start_queued(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	struct transfer *list = http->queued;
	http->queued = NULL;
	pthread_mutex_unlock(&http->lock);
	for (struct transfer *t = list, *next; t; t = next) {
		next = t->next;
		t->next = http->running;
		http->running = t;
		if (curl_multi_add_handle(http->multi, t->easy) != CURLM_OK)
			finished(http, t, CURLE_FAILED_INIT);
	}
}

static void serve_kicked(struct http *http)
{
	for (;;) {
		pthread_mutex_lock(&http->lock);
		struct transfer *t = http->kicked;
		bool cancel = t && t->cancel, resume = t && t->paused;
		if (t) {
			http->kicked = t->next_kick;
			t->kicked = t->paused = false;
		}
		pthread_mutex_unlock(&http->lock);
		if (!t)
			return;
		/* A transfer in this list is not done, so its caller still waits and it exists. */
		if (cancel)
			finished(http, t, CURLE_ABORTED_BY_CALLBACK);
		else if (resume)
			curl_easy_pause(t->easy, CURLPAUSE_CONT);
	}
}

static void cancel_all(struct http *http)
{
	start_queued(http);
	while (http->running) {
		struct transfer *t = http->running;
		err_set(&t->err, ERR_CANCELLED, "cancelled", "shutting down");
		finished(http, t, CURLE_ABORTED_BY_CALLBACK);
	}
}

static bool stopping(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	bool stop = http->stop;
	pthread_mutex_unlock(&http->lock);
	return stop;
}

static void *http_main(void *arg)
{
	struct http *http = arg;
	int running, left;

	while (!stopping(http)) {
		start_queued(http);
		serve_kicked(http);
		curl_multi_perform(http->multi, &running);
		for (CURLMsg *m; (m = curl_multi_info_read(http->multi, &left));) {
			struct transfer *t = NULL;
			CURLcode result = m->data.result;
			if (m->msg != CURLMSG_DONE)
				continue;
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
			finished(http, t, result);
		}
		/* Woken for new and kicked transfers; the second is for what could be missed. */
		CURLMcode r = curl_multi_poll(http->multi, NULL, 0, 1000, NULL);
		if (r != CURLM_OK)
			log_error("http.poll", "code=%d", (int)r);
	}
	cancel_all(http);
	return NULL;
}

/* ---- callers ---- */

int http_new(const struct http_options *options, struct http **ret, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	size_t n = 0;

	while (options->hosts && options->hosts[n])
		n++;
	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(http);
		return err_set(err, ERR_LOCAL, "curl", "libcurl does not start");
	}
	pthread_mutex_init(&http->lock, NULL);
	pthread_cond_init(&http->idle, NULL);
	http->multi = curl_multi_init();
	http->user_agent = options->user_agent ? strdup(options->user_agent) : NULL;
	http->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
	http->hosts = options->hosts ? calloc(n + 1, sizeof(char *)) : NULL;
	bool ok = http->multi && (!options->user_agent || http->user_agent) && (!options->ca_file || http->ca_file) &&
		(!options->hosts || http->hosts);
	for (size_t i = 0; ok && i < n; i++)
		ok = (http->hosts[i] = strdup(options->hosts[i])) != NULL;
	if (!ok) {
		err_set(err, ERR_LOCAL, "memory", "out of memory");
		goto fail;
	}
	http->options = (struct transfer_options){http->user_agent, http->ca_file, options->low_speed_s};
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 64L);
	int r = pthread_create(&http->thread, NULL, http_main, http);
	if (r == 0) {
		*ret = http;
		return 0;
	}
	errno = r;
	err_errno(err, "starting a thread");
fail:
	http->stop = true;
	curl_multi_cleanup(http->multi);
	http->multi = NULL;
	http_free(http);
	return -1;
}

void http_cancel(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	http->stop = true;
	pthread_mutex_unlock(&http->lock);
	curl_multi_wakeup(http->multi);
}

void http_free(struct http *http)
{
	if (!http)
		return;
	if (http->multi) {
		http_cancel(http);
		pthread_join(http->thread, NULL);
		pthread_mutex_lock(&http->lock);
		while (http->users)
			pthread_cond_wait(&http->idle, &http->lock);
		pthread_mutex_unlock(&http->lock);
		curl_multi_cleanup(http->multi);
	}
	for (char **h = http->hosts; h && *h; h++)
		free(*h);
	free(http->hosts);
	free(http->user_agent);
	free(http->ca_file);
	pthread_cond_destroy(&http->idle);
	pthread_mutex_destroy(&http->lock);
	free(http);
	curl_global_cleanup();
}

/* Under the lock. */
static void kick(struct http *http, struct transfer *t)
{
	if (t->kicked || t->done)
		return;
	t->kicked = true;
	t->next_kick = http->kicked;
	http->kicked = t;
	curl_multi_wakeup(http->multi);
}

/* What is known before the first byte: begin anew or go on, and how much will come. */
static int prepare_content(struct content *c, bool restart, int64_t resume_at, int64_t expect, struct err *err)
{
	if (restart && content_size(c) > 0 && content_restart(c, err) < 0)
		return -1;
	if (!restart && resume_at != content_size(c))
		return err_set(err, ERR_REMOTE, "http", "a part of the content came that was not asked for");
	if (expect < 0)
		return 0;
	if (expect > INT64_MAX - content_size(c))
		return err_set(err, ERR_TOO_BIG, "size_limit", "an impossible Content-Length");
	return content_expect(c, content_size(c) + expect, err);
}

/* Takes bytes out of the pipe until the transfer is done. 0, or -1 when the content failed; the transfer is done
 * then too. Called and left with the lock held. */
static int drain(struct http *http, struct transfer *t, struct err *err)
{
	struct content *c = t->req->content;
	_cleanup_buf_ struct buf mine = BUF_INIT(t->pipe.max);
	bool prepared = false;

	for (;;) {
		while (!t->done && t->pipe.len == 0 && (prepared || !t->head_known))
			pthread_cond_wait(&t->cond, &http->lock);
		bool prepare = t->head_known && !prepared, restart = t->restart;
		int64_t resume_at = t->resume_at, expect = t->expect;
		if (!prepare && t->pipe.len == 0)
			return 0; /* done, and all taken */
		struct buf full = t->pipe;
		t->pipe = mine;
		mine = full;
		if (t->paused)
			kick(http, t);
		pthread_mutex_unlock(&http->lock);
		bool failed = (prepare && prepare_content(c, restart, resume_at, expect, err) < 0) ||
			content_write(c, buf_str(&mine), mine.len, err) < 0;
		buf_clear(&mine);
		prepared = true;
		pthread_mutex_lock(&http->lock);
		if (!failed)
			continue;
		t->cancel = true;
		kick(http, t);
		while (!t->done)
			pthread_cond_wait(&t->cond, &http->lock);
		return -1;
	}
}

static bool host_allowed(const struct http *http, const char *url)
{
	if (!http->hosts)
		return true;
	for (char **h = http->hosts; *h; h++)
		if (http_same_origin(*h, url))
			return true;
	return false;
}

static int run(struct http *http, struct transfer *t, struct err *err)
{
	pthread_mutex_lock(&http->lock);
	if (http->stop) {
		pthread_mutex_unlock(&http->lock);
		return err_set(err, ERR_CANCELLED, "cancelled", "shutting down");
	}
	t->next = http->queued;
	http->queued = t;
	curl_multi_wakeup(http->multi);
	int r = drain(http, t, err);
	pthread_mutex_unlock(&http->lock);
	return r < 0 ? r : transfer_result(t, err);
}

int http_call(struct http *http, const struct http_request *req, struct http_response *ret, struct err *err)
{
	struct transfer *t = NULL;

	if (!host_allowed(http, req->url))
		return err_set(err, ERR_REMOTE, "bad_url", "an address that is not among those configured");
	if (transfer_new(req, &http->options, &http->lock, &t, err) < 0)
		return -1;
	pthread_mutex_lock(&http->lock);
	http->users++;
	pthread_mutex_unlock(&http->lock);
	int r = run(http, t, err);
	if (r == 0) {
		response_facts(&t->res);
		*ret = t->res;
		memset(&t->res, 0, sizeof(t->res));
	}
	transfer_free(t);
	pthread_mutex_lock(&http->lock);
	if (--http->users == 0)
		pthread_cond_broadcast(&http->idle);
	pthread_mutex_unlock(&http->lock);
	return r;
}
