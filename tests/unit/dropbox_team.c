/* The Dropbox connector against scripted answers: the team's streams, its administrator, our folders, the door of the
 * transit folder, the grant. */
#include "dropbox_script.h"

/* ---- streams ---- */

#define NAMESPACE(id, type, name) "{\"name\":\"" name "\",\"namespace_id\":\"" id "\",\"namespace_type\":{\".tag\":\"" type "\"}}"

static void test_streams(void **state)
{
	const struct step steps[] = {
		{.route = "team/members/list_v2", .body = "{\"members\":["
			"{\"profile\":{\"team_member_id\":\"dbmid:a\",\"email\":\"a@x.example\",\"status\":{\".tag\":\"active\"},\"member_folder_id\":\"1\"}},"
			"{\"profile\":{\"team_member_id\":\"dbmid:s\",\"email\":\"s@x.example\",\"status\":{\".tag\":\"suspended\"},\"member_folder_id\":\"2\"}},"
			"{\"profile\":{\"team_member_id\":\"dbmid:i\",\"email\":\"i@x.example\",\"status\":\"invited\"}},"
			"{\"profile\":{\"team_member_id\":\"dbmid:r\",\"email\":\"r@x.example\",\"status\":{\".tag\":\"removed\"}}}"
			"],\"cursor\":\"M\",\"has_more\":false}"},
		{.route = "team/namespaces/list", .body = "{\"namespaces\":[" NAMESPACE("1", "team_member_folder", "A") ","
			NAMESPACE("5", "team_folder", "Sales") "," NAMESPACE("5", "team_folder", "Sales") ","
			NAMESPACE("6", "team_folder", "Sekisho-Quarantine") "," NAMESPACE("8", "app_folder", "app") ","
			/* Anybody can give a shared folder that name: it is followed all the same. */
			NAMESPACE("9", "shared_folder", "sekisho-quarantine") "," NAMESPACE("10", "brand_new", "?")
			"],\"cursor\":\"N\",\"has_more\":false}"},
		ADMIN_STEP,
		{.route = "sharing/list_folder_members", .wants = "Dropbox-API-Select-Admin: dbmid:admin", .body = "{\"users\":["
			"{\"access_type\":{\".tag\":\"viewer\"},\"user\":{\"same_team\":true,\"team_member_id\":\"dbmid:v\"}},"
			"{\"access_type\":{\".tag\":\"owner\"},\"user\":{\"same_team\":false,\"account_id\":\"dbid:o\"}},"
			"{\"access_type\":{\".tag\":\"editor\"},\"user\":{\"same_team\":true,\"team_member_id\":\"dbmid:gone\"}},"
			"{\"access_type\":{\".tag\":\"editor\"},\"user\":{\"same_team\":true,\"team_member_id\":\"dbmid:e\"}}"
			"],\"groups\":[],\"invitees\":[]}"},
		{.route = "team/members/get_info_v2", .body = "{\"members_info\":["
			"{\".tag\":\"member_info\",\"profile\":{\"team_member_id\":\"dbmid:gone\",\"email\":\"g@x.example\",\"status\":{\".tag\":\"suspended\"}}},"
			"{\".tag\":\"member_info\",\"profile\":{\"team_member_id\":\"dbmid:v\",\"email\":\"v@x.example\",\"status\":{\".tag\":\"active\"}}},"
			"{\".tag\":\"member_info\",\"profile\":{\"team_member_id\":\"dbmid:e\",\"email\":\"e@x.example\",\"status\":{\".tag\":\"active\"}}},"
			"{\".tag\":\"id_not_found\",\"id_not_found\":\"dbmid:x\"}]}"},
		{0},
	};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct connection *c = script_start(steps);
	struct stream_page page = {.arena = a};
	struct err err = {0};

	if (script_connector()->list_streams(c, NULL, &page, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(page.n_streams, 3);
	assert_string_equal(page.streams[0].remote_id, "ns/1");
	assert_string_equal(page.streams[0].owner, "a@x.example");
	assert_int_equal(page.streams[0].state, STREAM_ACTIVE);
	assert_int_equal(page.streams[1].state, STREAM_UNLICENSED);
	assert_int_equal(page.streams[2].state, STREAM_UNLICENSED);
	assert_non_null(page.next);
	const char *next = page.next;
	page = (struct stream_page){.arena = a};
	if (script_connector()->list_streams(c, next, &page, &err) < 0)
		fail_msg("%s", err.message);
	assert_null(page.next);
	assert_int_equal(page.n_streams, 2);
	assert_string_equal(page.streams[0].remote_id, "ns/5");
	assert_string_equal(page.streams[0].owner, "Sales");
	assert_non_null(strstr(page.streams[0].context, "\"admin\":\"dbmid:admin\""));
	assert_string_equal(page.streams[1].remote_id, "ns/9");
	assert_string_equal(page.streams[1].owner, "e@x.example");
	assert_non_null(strstr(page.streams[1].context, "\"user\":\"dbmid:e\""));
	script_end(c);
}

static void test_admin_who_left(void **state)
{
	const struct step steps[] = {
		{.route = "get_authenticated_admin", .status = 409, .body = "{\"error\":{\".tag\":\"admin_not_active\"}}"},
		{.route = "team/members/list_v2", .body = "{\"members\":["
			"{\"profile\":{\"team_member_id\":\"dbmid:1\",\"status\":{\".tag\":\"suspended\"}},\"roles\":[{\"name\":\"Team admin\"}]},"
			"{\"profile\":{\"team_member_id\":\"dbmid:2\",\"status\":{\".tag\":\"active\"}},\"roles\":[{\"name\":\"Billing admin\"}]}"
			"],\"cursor\":\"M\",\"has_more\":true}"},
		{.route = "team/members/list/continue_v2", .wants = "\"M\"", .body = "{\"members\":["
			"{\"profile\":{\"team_member_id\":\"dbmid:3\",\"status\":{\".tag\":\"active\"}},\"roles\":[{\"name\":\"Team admin\"}]}"
			"],\"cursor\":\"M2\",\"has_more\":true}"},
		{0},
	};
	_cleanup_buf_ struct buf id = BUF_INIT(DBX_ID_MAX);
	struct connection *c = script_start(steps);

	assert_int_equal(dbx_admin(c, &id, NULL), 0);
	assert_string_equal(buf_str(&id), "dbmid:3");
	script_end(c);
}

/* ---- the place ---- */

#define FOLDER(id, name, status) "{\"team_folder_id\":\"" id "\",\"name\":\"" name "\",\"status\":{\".tag\":\"" status "\"}}"

static void test_place(void **state)
{
	const struct step steps[] = {
		/* Nothing is remembered; the name is taken by a folder that was archived. */
		{.route = "team/team_folder/list", .body = "{\"team_folders\":[" FOLDER("1", "sekisho-quarantine", "archived")
			"],\"cursor\":\"c\",\"has_more\":false}"},
		{.route = "team/team_folder/create", .wants = "\"sekisho-quarantine-2\",\"sync_setting\"", .status = 409,
			.body = "{\"error\":{\".tag\":\"sync_settings_error\",\"sync_settings_error\":{\".tag\":\"unsupported_configuration\"}}}"},
		{.route = "team/team_folder/create", .wants = "\"sekisho-quarantine-2\"", .not = "sync_setting", .status = 409,
			.body = "{\"error\":{\".tag\":\"folder_name_already_used\"}}"},
		/* Somebody else made it in the meantime. */
		{.route = "team/team_folder/list", .body = "{\"team_folders\":[" FOLDER("1", "sekisho-quarantine", "archived") ","
			FOLDER("2", "sekisho-quarantine-2", "active") "],\"cursor\":\"c\",\"has_more\":false}"},
		{.route = "sharing/list_folder_members", .wants = "Select-Admin: dbmid:admin",
			.body = "{\"users\":[{\"access_type\":{\".tag\":\"editor\"},\"user\":{\"account_id\":\"dbid:u\"}}],\"groups\":[],"
				"\"invitees\":[{\"invitee\":{\".tag\":\"email\",\"email\":\"x@out.example\"}}]}"},
		{.route = "sharing/remove_folder_member", .wants = "dbid:u", .body = "{\".tag\":\"async_job_id\",\"async_job_id\":\"j\"}"},
		{.route = "sharing/remove_folder_member", .wants = "x@out.example", .status = 409,
			.body = "{\"error\":{\".tag\":\"member_error\",\"member_error\":{\".tag\":\"not_a_member\"}}}"},
		/* Remembered now, and still in use. */
		{.route = "team/team_folder/get_info", .wants = "\"2\"", .body = "[{\".tag\":\"team_folder_metadata\",\"team_folder_id\":\"2\","
			"\"name\":\"sekisho-quarantine-2\",\"status\":{\".tag\":\"active\"}}]"},
		{0},
	};
	_cleanup_buf_ struct buf id = BUF_INIT(DBX_ID_MAX);
	struct connection *c = script_start(steps);
	struct err err = {0};

	for (int i = 0; i < 2; i++) {
		if (dbx_place_find(c, "dbmid:admin", DBX_QUARANTINE, &id, &err) < 0)
			fail_msg("%s", err.message);
		assert_string_equal(buf_str(&id), "2");
	}
	script_end(c);
}

static void test_place_open_to_others(void **state)
{
	const struct step steps[] = {
		{.route = "team/team_folder/list", .body = "{\"team_folders\":[" FOLDER("1", "sekisho-quarantine", "active")
			"],\"cursor\":\"c\",\"has_more\":false}"},
		{.route = "sharing/list_folder_members", .body = "{\"users\":[],\"groups\":[{\"group\":{\"group_id\":\"g:1\"}}],\"invitees\":[]}"},
		{.route = "sharing/remove_folder_member", .wants = "g:1", .status = 409,
			.body = "{\"error\":{\".tag\":\"no_permission\"}}"},
		{0},
	};
	_cleanup_buf_ struct buf id = BUF_INIT(DBX_ID_MAX);
	struct connection *c = script_start(steps);
	struct err err = {0};

	assert_int_equal(dbx_place_find(c, "dbmid:admin", DBX_QUARANTINE, &id, &err), -1);
	assert_string_equal(err.code, "place_shared");
	assert_string_equal(script_place(), "");
	script_end(c);
}

static void test_names(void **state)
{
	assert_true(dbx_place_is_ours("sekisho-quarantine") && dbx_place_is_ours("Sekisho-Quarantine-Transit-3"));
	assert_false(dbx_place_is_ours("sekisho-quarantine-x") || dbx_place_is_ours("sekisho-quarantine-10") || dbx_place_is_ours(""));
}

/* ---- the door ---- */

#define RECEIPT                                                                                                        \
	"{\"v\":1,\"op\":\"OP\",\"version\":\"" HASH "@2026-11-02T00:00:00Z\",\"home\":{\"ns\":\"7\",\"user\":\"dbmid:u\"},"             \
	"\"id\":\"id:a\",\"place\":\"8\",\"transit\":\"9\",\"path\":\"/n.txt\",\"path_lower\":\"/n.txt\",\"name\":\"n.txt\","                  \
	"\"held\":\"OP n.txt\",\"links\":[],\"members\":[]}"
#define NOT_FOUND .status = 409, .body = "{\"error\":{\".tag\":\"path\",\"path\":{\".tag\":\"not_found\"}}}"
#define UNSHARED                                                                                                       \
	{.route = "sharing/list_shared_links", .body = "{\"links\":[],\"has_more\":false}"},                           \
		{.route = "sharing/list_file_members", .body = "{\"users\":[],\"groups\":[],\"invitees\":[]}"}

/* Being let in takes effect later: try again, and leave the door open until then. */
static void test_door_not_open_yet(void **state)
{
	const struct step steps[] = {
		ADMIN_STEP,
		{.route = "files/get_metadata", .wants = "\"namespace_id\":\"8\"", NOT_FOUND},
		{.route = "files/get_metadata", .wants = "Select-User: dbmid:u", .body = FILE_OF("a", "111111111", "/n.txt")},
		UNSHARED,
		{.route = "sharing/add_folder_member", .wants = "\"quiet\":true", .body = "null"},
		{.route = "files/move_v2", .wants = "\"ns:9/OP n.txt\"", .status = 409,
			.body = "{\"error\":{\".tag\":\"to\",\"to\":{\".tag\":\"no_write_permission\"}}}"},
		{0},
	};
	_cleanup_buf_ struct buf out = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct connection *c = script_start(steps);
	struct err err = {0};

	assert_int_equal(script_connector()->quarantine(c, RECEIPT, false, &out, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_string_equal(err.code, "not_ready");
	assert_int_equal(out.len, 0);
	script_end(c);
}

/* Whoever was let in is not left inside; the file is deleted in the revision that was judged, which was decided durably. */
static void test_door_is_closed_after_a_refusal(void **state)
{
	const struct step steps[] = {
		ADMIN_STEP,
		{.route = "files/get_metadata", NOT_FOUND},
		{.route = "files/get_metadata", .body = FILE_OF("a", "111111111", "/n.txt")},
		UNSHARED,
		{.route = "sharing/add_folder_member", .body = "null"},
		{.route = "files/move_v2", .status = 409,
			.body = "{\"error\":{\".tag\":\"from_write\",\"from_write\":{\".tag\":\"no_write_permission\"}}}"},
		{.route = "sharing/remove_folder_member", .wants = "dbmid:u", .body = "{\".tag\":\"async_job_id\",\"async_job_id\":\"j\"}"},
		{.route = "sharing/check_remove_member_job_status", .body = "{\".tag\":\"in_progress\"}"},
		{.route = "files/get_metadata", NOT_FOUND},
		{.route = "files/get_metadata", .body = FILE_OF("a", "111111111", "/n.txt")},
		UNSHARED,
		{.route = "files/delete_v2", .wants = "\"parent_rev\":\"111111111\"", .body = "{\"metadata\":{}}"},
		{0},
	};
	_cleanup_buf_ struct buf out = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct connection *c = script_start(steps);
	struct err err = {0};

	_cleanup_json_ cJSON *receipt = cJSON_Parse(RECEIPT);
	/* It was refused before: the first time is not enough. */
	assert_int_equal(dbx_trash_decide(c, receipt, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	if (script_connector()->quarantine(c, RECEIPT, false, &out, &err) < 0)
		fail_msg("%s", err.message);
	assert_non_null(strstr(buf_str(&out), "\"deleted\":true"));
	assert_string_equal(script_place(), "yes");
	script_end(c);
}

/* A crash after the deletion: what was decided is remembered, so the file is not taken for lost. */
static void test_deletion_is_resumed(void **state)
{
	const struct step steps[] = {
		ADMIN_STEP,
		{.route = "files/get_metadata", NOT_FOUND},
		{.route = "files/get_metadata", NOT_FOUND},
		{.route = "files/get_metadata", NOT_FOUND},
		{.route = "files/get_metadata", NOT_FOUND},
		{0},
	};
	_cleanup_buf_ struct buf out = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct connection *c = script_start(steps);
	_cleanup_json_ cJSON *receipt = cJSON_Parse(RECEIPT);
	struct err err = {0};

	assert_int_equal(dbx_trash_decide(c, receipt, &err), -1);
	assert_int_equal(dbx_trash_decide(c, receipt, &err), 0);
	if (script_connector()->quarantine(c, RECEIPT, true, &out, &err) < 0)
		fail_msg("%s", err.message);
	assert_non_null(strstr(buf_str(&out), "\"deleted\":true"));
	script_end(c);
}

/* A link with a password is not made anew without one. */
static void test_password_is_not_forgotten(void **state)
{
	const struct step steps[] = {UNSHARED, {0}};
	_cleanup_json_ cJSON *receipt = cJSON_Parse(
		"{\"links\":[{\"url\":\"https://db.test/s/1\",\"audience\":\"public\",\"access\":\"viewer\",\"password\":true}],\"members\":[]}");
	const struct dbx_as as = {.user = "dbmid:u", .ns = "7"};
	struct connection *c = script_start(steps);

	assert_int_equal(dbx_share_restore(c, &as, "id:a", receipt, NULL), 0);
	assert_non_null(strstr(cJSON_GetStringValue(cJSON_GetArrayItem(json_array(receipt, "not_restored"), 0)), "password"));
	script_end(c);
}

/* ---- the grant ---- */

static void test_missing_scope(void **state)
{
	static const char *const refused = "{\"error\":{\".tag\":\"path\",\"path\":{\".tag\":\"not_found\"}}}";
	const struct step steps[] = {
		{.route = "team/get_info", .body = "{\"name\":\"Aoba\",\"team_id\":\"dbtid:1\"}"},
		{.route = "team/members/list_v2", .body = "{\"members\":[{\"profile\":{\"team_member_id\":\"dbmid:u\",\"member_folder_id\":\"7\","
			"\"status\":{\".tag\":\"active\"}}}],\"cursor\":\"c\",\"has_more\":false}"},
		ADMIN_STEP,
		{.route = "team/namespaces/list", .body = "{\"namespaces\":[]}"},
		{.route = "files/list_folder", .body = "{\"entries\":[]}"},
		{.route = "files/get_temporary_link", .status = 409, .body = refused},
		{.route = "sharing/list_shared_links", .status = 409, .body = refused},
		{.route = "files/get_metadata", .status = 409, .body = refused},
		{.route = "team/team_folder/activate", .status = 409, .body = "{\"error\":{\".tag\":\"access_error\"}}"},
		{.route = "files/copy_v2", .status = 409, .body = refused},
		{.route = "sharing/revoke_shared_link", .status = 409, .body = "{\"error\":{\".tag\":\"shared_link_not_found\"}}"},
		{.route = "files/permanently_delete", .status = 401,
			.body = "{\"error\":{\".tag\":\"missing_scope\",\"required_scope\":\"files.permanent_delete\"}}"},
		{0},
	};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct grant_report report = {.arena = a};
	struct connection *c = script_start(steps);
	struct err err = {0};

	if (script_connector()->check_grant(c, &report, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(report.organisation, "Aoba");
	assert_non_null(report.missing[0]);
	assert_int_equal(strncmp(report.missing[0], "files.permanent_delete", 22), 0);
	assert_null(report.missing[1]);
	assert_int_equal(script_renewed(), 0);
	script_end(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams), cmocka_unit_test(test_admin_who_left), cmocka_unit_test(test_place),
		cmocka_unit_test(test_place_open_to_others), cmocka_unit_test(test_names),
		cmocka_unit_test(test_door_not_open_yet), cmocka_unit_test(test_door_is_closed_after_a_refusal),
		cmocka_unit_test(test_deletion_is_resumed),
		cmocka_unit_test(test_password_is_not_forgotten), cmocka_unit_test(test_missing_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
