/* Commands to core; see web.h for the wire and core/console.h for the commands. Connection threads; blocks. */
#include "web/impl.h"
#include "web/web.h"

#include "base/log.h"

#include <string.h>

/* "forbidden" has two meanings: of core, that a role does not allow it; of a provider, that a permission is missing. Only the
 * provider's comes with a status. */
static void answer_failure(struct web_call *c, const cJSON *result)
{
	const cJSON *e = json_object(result, "error");
	const char *code = json_str_or(e, "code", "internal");
	int64_t status = json_int64_or(e, "status", 0), retry_at = json_int64_or(e, "retry_at", 0);

	if (strcmp(code, "forbidden") == 0 && status == 0)
		code = "forbidden_here";
	web_fail(c, 0, &(struct web_trouble){code, json_str_or(e, "class", ""), json_str_or(e, "message", ""),
			json_str_or(e, "request_id", "")});
	const cJSON *problems = json_array(result, "problems");
	if (retry_at || problems) {
		_cleanup_json_ cJSON *doc = NULL;
		if (json_parse(buf_str(&c->a->body), c->a->body.len, &doc, NULL) < 0)
			return;
		/* The page counts down to it. */
		if (retry_at)
			web_add_time(json_object(doc, "error"), "retry_at", retry_at);
		/* Of a rule file that was refused: where in it, and why. */
		if (problems)
			cJSON_AddItemToObject(json_object(doc, "error"), "problems", cJSON_Duplicate(problems, true));
		web_answer_json(c->a, c->a->status, TAKE_PTR(doc));
	}
}

int web_ask(struct web_call *c, const char *command, cJSON *args, cJSON **ret, int *ret_fd, int *ret_code)
{
	_cleanup_json_ cJSON *given = args ? args : cJSON_CreateObject(), *result = NULL;
	_cleanup_wipe_ struct buf text = BUF_INIT(WEB_BODY_MAX * 2);
	_cleanup_msg_ struct msg m, reply = {0};
	char agent[201];
	struct err err;

	msg_init(&m, WEB_REQUEST, 0);
	if (json_print(given, &text) < 0) {
		web_fail_code(c, "too_large");
		return -1;
	}
	snprintf(agent, sizeof(agent), "%.200s", c->q->agent);
	msg_put_str(&m, command);
	msg_put_str(&m, buf_str(&text));
	msg_put_str(&m, c->hash);
	msg_put_str(&m, c->address);
	msg_put_str(&m, agent);
	if (rpc_call(c->w->rpc, &m, WEB_REQUEST_MS, &reply, &err) < 0) {
		web_fail_err(c, &err);
		return -1;
	}
	buf_wipe(&m.body);
	int64_t code = msg_get_i64(&reply);
	const char *json = msg_get_str(&reply);
	_cleanup_close_ int fd = msg_take_fd(&reply);
	if (reply.type != WEB_RESULT || !json || msg_end(&reply) < 0 || json_parse(json, strlen(json), &result, &err) < 0) {
		log_error("web.answer", "command=%s message=\"core sent what is no result\"", command);
		web_fail_code(c, "internal");
		return -1;
	}
	buf_wipe(&reply.body);
	if (json_object(result, "error") || (code != 0 && code != 9)) {
		answer_failure(c, result);
		return -1;
	}
	if (ret_code)
		*ret_code = (int)code;
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	*ret = TAKE_PTR(result);
	return 0;
}

void web_ask_answer(struct web_call *c, const char *command, cJSON *args, int status)
{
	cJSON *result;

	if (web_ask(c, command, args, &result, NULL, NULL) == 0)
		web_answer_json(c->a, status, result);
}

cJSON *web_args(struct web_call *c, const char *const *names)
{
	cJSON *args = cJSON_CreateObject();

	for (; *names; names++) {
		const cJSON *v = json_get(c->body, *names);
		if (v)
			cJSON_AddItemToObject(args, *names, cJSON_Duplicate(v, true));
	}
	return args;
}

cJSON *web_id_args(const char *id)
{
	cJSON *args = cJSON_CreateObject();

	cJSON_AddStringToObject(args, "id", id);
	return args;
}
