/* A worker's life: cage, announce, then request, scan, reply; see worker.h. One thread. Everything that
 * untrusted content reaches runs here. It leaves by _exit(): freeing the engine would take seconds. */
#include "scan/worker.h"

#include "scan/detect/detect.h"
#include "scan/folder.h"
#include "scan/inspect.h"
#include "scan/sandbox.h"
#include "scan/testpoint.h"
#include "scan/wire.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/timeutil.h"

#include <clamav.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define IDLE_MS 500 /* without work this long, memory goes back to the system; off the way of an item */

static void on_message(enum cl_msg severity, const char *full, const char *text, void *context)
{
	inspect_message(context, severity, text);
}

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

/* SCAN_READY: caged or not, and by what; with a text of failure instead the worker ends. */
static int announce(int fd, const char *layers, const struct err *failed)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, SCAN_READY, 0);
	msg_put_str(&m, layers);
	msg_put_str(&m, failed ? failed->message : NULL);
	return wire_send(fd, &m, true);
}

static void scan_one(struct inspect *inspect, struct engine *engine, int sock, int fd, const struct scan_request *req,
	struct scan_reply *reply)
{
	struct stat st;
	void *data = NULL;

	*reply = (struct scan_reply){.status = SCAN_ERROR, .verdict = VERDICT_UNKNOWN, .reason = "error"};
	if (fstat(fd, &st) < 0 || st.st_size != req->size)
		return;
	if (st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED) {
			snprintf(reply->reason, sizeof(reply->reason), "memory");
			return;
		}
	}
	if (!testpoint_run(data, (size_t)st.st_size, sock, reply))
		inspect_run(inspect, engine->cl, req, data, (size_t)st.st_size, reply);
	if (data)
		munmap(data, (size_t)st.st_size);
}

/* Without what cannot be used the rest works; the policy's check has refused it before, so this is said loudly. */
static int take_detectors(struct inspect *inspect, struct engine *engine, struct msg *m)
{
	const char *common = msg_get_str(m), *tenant = msg_get_str(m);
	struct err err = {0};
	int refused = 0;

	if (msg_end(m) < 0 || !common || !tenant)
		return -1;
	if (engine->detect && detect_own(engine->detect, common, tenant, &refused, &err) < 0)
		log_err(LOG_ERROR_, "scan.detectors", &err);
	else if (refused)
		log_error("scan.detectors", "refused=%d", refused);
	inspect_forget(inspect);
	return 0;
}

/* 0 to go on, -1 to end. */
static int serve(struct inspect *inspect, struct engine *engine, int sock)
{
	_cleanup_msg_ struct msg m = {0};
	_cleanup_msg_ struct msg answer = {0};
	struct scan_request req;
	struct scan_reply reply;
	int fd = -1;

	msg_init(&answer, SCAN_REPLY, 0);
	int got = wire_recv(sock, &m, true);
	if (got == 1 && m.type == SCAN_DETECTORS)
		return take_detectors(inspect, engine, &m);
	if (got != 1 || m.type != SCAN_REQUEST || scan_request_get(&m, &req, &fd) < 0)
		return -1;
	int64_t started = time_monotonic_ns(), cpu = cpu_us();
	scan_one(inspect, engine, sock, fd, &req, &reply);
	close(fd);
	reply.elapsed_us = (time_monotonic_ns() - started) / 1000;
	reply.cpu_us = cpu_us() - cpu;
	answer.id = m.id;
	int r = scan_reply_put(&answer, &reply) < 0 || wire_send(sock, &answer, true) < 0 ? -1 : 0;
	explicit_bzero(reply.passwords, sizeof(reply.passwords));
	return r;
}

static int prepare(const struct scan_config *config, struct engine *engine, int *sock, const struct sandbox_ids *ids,
	char *layers, size_t size, struct err *err)
{
	char tmp[FOLDER_PATH_MAX] = SANDBOX_TMP;
	unsigned seed;

	if (ids->cage != CAGE_OFF) {
		if (sandbox_enter(config, ids, sock, layers, size, err) < 0)
			return -1;
	} else {
		snprintf(layers, size, "off");
		folder_path(config->state, getpid(), tmp);
		if (sandbox_minimum(sock, err) < 0 || folder_make(tmp, err) < 0)
			return -1;
	}
	/* Inherited alike by every fork, and libclamav draws names of temporary files from it. */
	random_bytes(&seed, sizeof(seed));
	srand(seed);
	cl_set_clcb_msg(on_message);
	if (cl_engine_set_str(engine->cl, CL_ENGINE_TMPDIR, tmp) != CL_SUCCESS)
		return err_set(err, ERR_LOCAL, "sandbox", "temporary folder");
	return 0;
}

void worker_main(const struct scan_config *config, struct engine *engine, int sock, const struct sandbox_ids *ids)
{
	char layers[128] = "";
	struct err err = {0};
	struct inspect *inspect = inspect_new(&config->limits, engine->image_hashes, engine->detect);

	log_open("scan-worker");
	if (!inspect || prepare(config, engine, &sock, ids, layers, sizeof(layers), &err) < 0 ||
		(ids->cage != CAGE_OFF && sandbox_lock(ids->cage, &err) < 0)) {
		if (!inspect)
			err_set(&err, ERR_LOCAL, "sandbox", "out of memory");
		announce(sock, layers, &err);
		_exit(1);
	}
	if (announce(sock, layers, NULL) < 0)
		_exit(1);
	bool trimmed = true;
	for (;;) {
		struct pollfd p = {.fd = sock, .events = POLLIN};
		if (poll(&p, 1, trimmed ? -1 : IDLE_MS) == 0) {
			malloc_trim(0);
			trimmed = true;
			continue;
		}
		if (serve(inspect, engine, sock) < 0)
			_exit(0);
		trimmed = false;
	}
}
