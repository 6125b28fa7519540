/* Calls to the scan role; see client.h. Used by core, on its job threads. */
#include "scan/client.h"

#include "base/json.h"

#include <string.h>

#define INFO_MS 10000

int scan_client_configure(int fd, const struct scan_config *config)
{
	_cleanup_msg_ struct msg m = {0};

	msg_init(&m, SCAN_CONFIG, 0);
	return scan_config_put(&m, config) < 0 ? -1 : msg_send(fd, &m);
}

int scan_client_scan(struct scan_client *c, const struct scan_request *req, int fd, int64_t wait_ms,
	struct scan_reply *ret, struct err *err)
{
	_cleanup_msg_ struct msg m = {0};
	_cleanup_msg_ struct msg reply = {0};

	msg_init(&m, SCAN_REQUEST, 0);
	msg_init(&reply, 0, 0);
	if (scan_request_put(&m, req, fd) < 0) {
		close(fd);
		return err_set(err, ERR_LOCAL, "memory", "scan request: out of memory");
	}
	/* Twice the deadline: a crash gives the item a second try. */
	if (rpc_call(c->rpc, &m, wait_ms + 2 * req->deadline_ms + 5000, &reply, err) < 0)
		return -1;
	if (reply.type != SCAN_REPLY || reply.n_fds || scan_reply_get(&reply, ret) < 0)
		return err_set(err, ERR_REMOTE, "bad_reply", "the scan role answered something malformed");
	return 0;
}

int scan_client_detectors(struct scan_client *c, const char *json, struct err *err)
{
	_cleanup_msg_ struct msg m = {0};
	_cleanup_json_ cJSON *doc = NULL;
	const cJSON *list;

	if (json_parse(json, strlen(json), &doc, err) < 0 || !cJSON_IsObject(doc))
		return err_set(err, ERR_REMOTE, "bad_detectors", "detectors are one JSON object");
	cJSON_ArrayForEach(list, doc) {
		_cleanup_buf_ struct buf text = BUF_INIT(SCAN_DETECTORS_MAX);
		if (!cJSON_IsArray(list))
			return err_set(err, ERR_REMOTE, "bad_detectors", "a tenant's detectors are a list");
		if (json_print(list, &text) < 0)
			return err_set(err, ERR_TOO_BIG, "bad_detectors", "detectors of one tenant have more than %u bytes", SCAN_DETECTORS_MAX);
	}
	msg_init(&m, SCAN_DETECTORS, 0);
	if (msg_put_str(&m, json) < 0)
		return err_set(err, ERR_TOO_BIG, "bad_detectors", "detectors of all tenants have more than %u bytes", MSG_MAX);
	return rpc_notify(c->rpc, &m) < 0 ? err_set(err, ERR_RETRY, "peer_gone", "the scan role is gone") : 0;
}

int scan_client_info(struct scan_client *c, struct scan_info *ret, struct err *err)
{
	_cleanup_msg_ struct msg m = {0};
	_cleanup_msg_ struct msg reply = {0};

	msg_init(&m, SCAN_INFO, 0);
	msg_init(&reply, 0, 0);
	if (rpc_call(c->rpc, &m, INFO_MS, &reply, err) < 0)
		return -1;
	if (reply.type != SCAN_INFO_REPLY || reply.n_fds || scan_info_get(&reply, ret) < 0)
		return err_set(err, ERR_REMOTE, "bad_reply", "the scan role answered something malformed");
	return 0;
}
