/* events/catalogue: each event has what its OCSF 1.5.0 class requires, and hostile text stays text. */
#include "events/catalogue.h"

#include "cmocka_all.h"

static const struct store_finding mail = {.uid = "f1", .tenant = "aoba", .connection = "c", .provider = "google", .service = "gmail",
	.stream_name = "Gmail", .remote_id = "m1", .version = "1", .name = "s", .owner = "hana@aoba.example", .sha256 = "", .size = 10,
	.from = "\"Evil, Inc\" <a@evil.example>", .to = "Hana <hana@aoba.example>, x@y.example", .subject = "a\r\nb\"c", .verdict = "threat",
	.reason = "", .threats = "[{\"name\":\"Eicar\",\"part\":\"\"}]", .engine = "e", .signatures = "s", .op_id = "op1",
	.action_state = "planned", .verdict_at = 1700000000000};
static const struct store_finding file = {.uid = "f2", .tenant = "aoba", .connection = "c", .provider = "box", .service = "box",
	.remote_id = "1", .version = "2", .name = "見積.zip", .path = "/a", .owner = "hana@aoba.example", .sha256 = "ab", .size = 10,
	.verdict = "unknown", .reason = "encrypted_archive", .threats = "[]", .engine = "e", .signatures = "s", .op_id = "op2",
	.action_state = "none", .verdict_at = 1700000000000};

static cJSON *parse(const struct buf *b)
{
	cJSON *doc = NULL;

	assert_null(strchr(buf_str(b), '\n'));
	assert_int_equal(json_parse(buf_str(b), b->len, &doc, NULL), 0);
	return doc;
}

static void check_base(const cJSON *e, int class, const char *uid)
{
	static const char *const wanted[] = {"activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid"};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_true(cJSON_IsNumber(json_get(e, wanted[i])));
	assert_int_equal(json_int64_or(e, "class_uid", 0), class);
	assert_int_equal(json_int64_or(e, "category_uid", 0), class / 1000);
	assert_int_equal(json_int64_or(e, "type_uid", 0), class * 100 + json_int64_or(e, "activity_id", 0));
	assert_string_equal(json_str(json_object(e, "metadata"), "version"), "1.5.0");
	assert_string_equal(json_str(json_object(e, "metadata"), "uid"), uid);
	assert_string_equal(json_str(json_object(e, "metadata"), "tenant_uid"), "aoba");
	assert_non_null(json_str(json_path(e, "metadata", "product", NULL), "name"));
	assert_non_null(json_str(json_object(e, "cloud"), "provider"));
}

static void detections(void **state)
{
	_cleanup_buf_ struct buf a = BUF_INIT(100000), b = BUF_INIT(100000);

	assert_int_equal(event_detection(&a, "u1", &mail, "critical"), 0);
	_cleanup_json_ cJSON *e = parse(&a);
	check_base(e, 2004, "u1");
	assert_int_equal(json_int64_or(e, "severity_id", 0), 5);
	assert_string_equal(json_str(json_object(e, "finding_info"), "uid"), "f1");
	const cJSON *m = json_object(cJSON_GetArrayItem(json_array(e, "evidences"), 0), "email");
	assert_string_equal(json_str(m, "from"), "a@evil.example");
	assert_int_equal(cJSON_GetArraySize(json_array(m, "to")), 2);
	assert_non_null(json_array(cJSON_GetArrayItem(json_array(e, "malware"), 0), "classification_ids"));

	assert_int_equal(event_detection(&b, "u2", &file, "medium"), 0);
	_cleanup_json_ cJSON *g = parse(&b);
	check_base(g, 2004, "u2");
	const cJSON *f = json_object(cJSON_GetArrayItem(json_array(g, "evidences"), 0), "file");
	assert_string_equal(json_str(f, "name"), "見積.zip");
	assert_string_equal(json_str(f, "path"), "/a/見積.zip");
	assert_non_null(json_str(json_object(f, "owner"), "name"));
	assert_null(json_get(g, "malware"));
}

static void actions(void **state)
{
	_cleanup_buf_ struct buf a = BUF_INIT(100000), b = BUF_INIT(100000);

	assert_int_equal(event_action(&a, "u3", &mail, "done", "", 1700000000000), 0);
	_cleanup_json_ cJSON *e = parse(&a);
	check_base(e, 4009, "u3");
	assert_string_equal(json_str(e, "command_uid"), "op1");
	assert_string_equal(json_str(e, "activity_name"), "Isolate");
	assert_true(cJSON_IsNumber(json_get(e, "direction_id")));
	assert_non_null(json_object(e, "email"));

	assert_int_equal(event_action(&b, "u4", &file, "restored", "", 1700000000000), 0);
	_cleanup_json_ cJSON *g = parse(&b);
	check_base(g, 7002, "u4");
	assert_int_equal(json_int64_or(g, "activity_id", 0), 3);
	assert_string_equal(json_str(g, "command_uid"), "op2");
	assert_non_null(json_object(g, "file"));
}

static void connections(void **state)
{
	struct connection_config c = {.id = "aoba-box", .tenant = "aoba", .provider = "box"};
	struct err err = {.class = ERR_CONSENT, .code = "consent", .message = "withdrawn"};
	_cleanup_buf_ struct buf a = BUF_INIT(100000);

	assert_int_equal(event_connection(&a, "u5", &c, "revoked", &err), 0);
	_cleanup_json_ cJSON *e = parse(&a);
	check_base(e, 6003, "u5");
	assert_string_equal(json_str(json_object(e, "api"), "operation"), "connection.revoked");
	assert_non_null(json_object(e, "actor"));
	assert_non_null(json_object(e, "src_endpoint"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(detections), cmocka_unit_test(actions), cmocka_unit_test(connections)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
