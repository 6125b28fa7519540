/* The table of routes: style, who may call, scope and argument of each, as their attributes in the Stone
 * files say. */
#include "fakecloud/dropbox/dropbox.h"

#include <stdlib.h>
#include <string.h>

#define COMMIT                                                                                               \
	"path:I mode:g@add,overwrite,update? autorename:b? client_modified:t? mute:b? property_groups:l? "   \
	"strict_conflict:b?"
#define LIST_ARGS                                                                                            \
	"path:R recursive:b? include_media_info:b? include_deleted:b? "                                      \
	"include_has_explicit_shared_members:b? "                                                            \
	"include_mounted_folders:b? limit:u1-2000? shared_link:o? include_property_groups:x? "               \
	"include_non_downloadable_files:b? include_restorable_info:b?"
#define RELOCATE "from_path:I to_path:I allow_shared_folder:b? autorename:b? allow_ownership_transfer:b?"
#define JOB "async_job_id:s1-9999"

#define META "files.metadata.read"
#define READ "files.content.read"
#define WRITE "files.content.write"
#define SREAD "sharing.read"
#define SWRITE "sharing.write"
#define TREAD "team_data.content.read"
#define TWRITE "team_data.content.write"

/* Sorted by name. */
static const struct dbx_route routes[] = {
	{"auth/token/revoke", DBX_RPC, DBX_REVOKE, DBX_NO_ADMIN, NULL, NULL, dbx_token_revoke},
	{"check/user", DBX_RPC, DBX_USER, DBX_NO_ADMIN, "account_info.read", "query:s0-500?", dbx_check_user},
	{"files/copy", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, RELOCATE, dbx_copy_v1},
	{"files/copy_batch/check_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, JOB, dbx_job_check},
	{"files/copy_batch_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"entries:l1-1000@relocate autorename:b?", dbx_copy_batch},
	{"files/copy_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, RELOCATE, dbx_copy_v2},
	{"files/create_folder", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, "path:W autorename:b?",
		dbx_create_folder},
	{"files/create_folder_batch", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"paths:l10000@W autorename:b? force_async:b?", dbx_create_folder_batch},
	{"files/create_folder_batch/check", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, JOB, dbx_job_check},
	{"files/create_folder_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, "path:W autorename:b?",
		dbx_create_folder_v2},
	{"files/delete", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, "path:I parent_rev:v?", dbx_delete_v1},
	{"files/delete_batch", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, "entries:l1000@delete",
		dbx_delete_batch},
	{"files/delete_batch/check", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, JOB, dbx_job_check},
	{"files/delete_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, "path:I parent_rev:v?", dbx_delete_v2},
	{"files/download", DBX_DOWNLOAD, DBX_USER, DBX_WHOLE_TEAM, READ, "path:P rev:v?", dbx_download},
	{"files/export", DBX_DOWNLOAD, DBX_USER, DBX_WHOLE_TEAM, READ, "path:P export_format:s?", dbx_export},
	{"files/get_file_lock_batch", DBX_RPC, DBX_USER, DBX_NO_ADMIN, READ, "entries:l@lock", dbx_get_lock},
	{"files/get_metadata", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, META,
		"path:P include_media_info:b? include_deleted:b? include_has_explicit_shared_members:b? "
		"include_property_groups:x?",
		dbx_get_metadata},
	{"files/get_temporary_link", DBX_RPC, DBX_USER, DBX_NO_ADMIN, READ, "path:P", dbx_temporary_link},
	{"files/list_folder", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, META, LIST_ARGS, dbx_list_folder},
	{"files/list_folder/continue", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, META, "cursor:s",
		dbx_list_continue},
	{"files/list_folder/get_latest_cursor", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, META, LIST_ARGS,
		dbx_latest_cursor},
	{"files/list_folder/longpoll", DBX_RPC, DBX_NOAUTH, DBX_WHOLE_TEAM, NULL, "cursor:s timeout:u30-480?",
		dbx_longpoll},
	{"files/list_revisions", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, META,
		"path:I mode:g? limit:u1-100? before_rev:v? include_restorable_info:b?", dbx_list_revisions},
	{"files/lock_file_batch", DBX_RPC, DBX_USER, DBX_NO_ADMIN, WRITE, "entries:l@lock", dbx_lock},
	{"files/move", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, RELOCATE, dbx_move_v1},
	{"files/move_batch/check_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, JOB, dbx_job_check},
	{"files/move_batch_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"entries:l1-1000@relocate autorename:b? allow_ownership_transfer:b?", dbx_move_batch},
	{"files/move_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, RELOCATE, dbx_move_v2},
	{"files/permanently_delete", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, "files.permanent_delete",
		"path:I parent_rev:v?", dbx_permanently_delete},
	{"files/restore", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, "path:W rev:v", dbx_restore},
	{"files/search/continue_v2", DBX_RPC, DBX_USER, DBX_NO_ADMIN, META, "cursor:s1-9999999",
		dbx_search_continue},
	{"files/search_v2", DBX_RPC, DBX_USER, DBX_NO_ADMIN, META,
		"query:s0-1000 options:o@search? match_field_options:o@match? include_highlights:b?",
		dbx_search},
	{"files/unlock_file_batch", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, WRITE, "entries:l@lock", dbx_unlock},
	{"files/upload", DBX_UPLOAD, DBX_USER, DBX_TEAM_ADMIN, WRITE, COMMIT " content_hash:h?", dbx_upload},
	{"files/upload_session/append", DBX_UPLOAD, DBX_USER, DBX_TEAM_ADMIN, WRITE, "session_id:s offset:u",
		dbx_session_append},
	{"files/upload_session/append_batch", DBX_UPLOAD, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"entries:l1000@append content_hash:h?", dbx_session_append_batch},
	{"files/upload_session/append_v2", DBX_UPLOAD, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"cursor:o@session close:b? content_hash:h?", dbx_session_append_v2},
	{"files/upload_session/finish", DBX_UPLOAD, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"cursor:o@session commit:o@commit content_hash:h?", dbx_session_finish},
	{"files/upload_session/finish_batch", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"entries:l1000@finish", dbx_session_finish_batch},
	{"files/upload_session/finish_batch/check", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE, JOB,
		dbx_job_check},
	{"files/upload_session/finish_batch_v2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"entries:l1000@finish", dbx_session_finish_batch_v2},
	{"files/upload_session/start", DBX_UPLOAD, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"close:b? session_type:g? content_hash:h?", dbx_session_start},
	{"files/upload_session/start_batch", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, WRITE,
		"session_type:g? num_sessions:u1-1000", dbx_session_start_batch},
	{"sharing/add_file_member", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE,
		"file:I members:l@g custom_message:s? quiet:b? access_level:g? add_message_as_comment:b?",
		dbx_file_member_add},
	{"sharing/add_folder_member", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE,
		"shared_folder_id:N members:l@add_member quiet:b? custom_message:s1-9999?",
		dbx_folder_member_add},
	{"sharing/check_job_status", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE, JOB, dbx_job_check},
	{"sharing/check_remove_member_job_status", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE, JOB,
		dbx_job_check},
	{"sharing/create_shared_link_with_settings", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE,
		"path:P settings:o@link?", dbx_link_create},
	{"sharing/get_file_metadata", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SREAD, "file:I actions:l?",
		dbx_file_sharing},
	{"sharing/get_folder_metadata", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, SREAD,
		"shared_folder_id:N actions:l?", dbx_folder_metadata},
	{"sharing/get_shared_link_file", DBX_DOWNLOAD, DBX_USER, DBX_NO_ADMIN, SREAD,
		"url:s path:Q? link_password:s?", dbx_link_file},
	{"sharing/get_shared_link_metadata", DBX_RPC, DBX_USER, DBX_NO_ADMIN, SREAD,
		"url:s path:Q? link_password:s?", dbx_link_metadata},
	{"sharing/list_file_members", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, SREAD,
		"file:I actions:l? include_inherited:b? limit:u1-300?", dbx_file_members},
	{"sharing/list_file_members/continue", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, SREAD, "cursor:s",
		dbx_file_members_continue},
	{"sharing/list_folder_members", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, SREAD,
		"shared_folder_id:N path:s? actions:l? limit:u1-1000?", dbx_folder_members},
	{"sharing/list_folder_members/continue", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, SREAD, "cursor:s",
		dbx_folder_members_continue},
	{"sharing/list_folders", DBX_RPC, DBX_USER, DBX_NO_ADMIN, SREAD, "limit:u1-1000? actions:l?",
		dbx_folders_list},
	{"sharing/list_folders/continue", DBX_RPC, DBX_USER, DBX_NO_ADMIN, SREAD, "cursor:s",
		dbx_folders_continue},
	{"sharing/list_shared_links", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, SREAD,
		"path:P? cursor:s? direct_only:b?", dbx_links_list},
	{"sharing/modify_shared_link_settings", DBX_RPC, DBX_USER, DBX_NO_ADMIN, SWRITE,
		"url:s settings:o@link remove_expiration:b?", dbx_link_modify},
	{"sharing/remove_file_member", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE, "file:I member:g",
		dbx_file_member_remove},
	{"sharing/remove_file_member_2", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE, "file:I member:g",
		dbx_file_member_remove_2},
	{"sharing/remove_folder_member", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE,
		"shared_folder_id:N member:g leave_a_copy:b", dbx_folder_member_remove},
	{"sharing/revoke_shared_link", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE, "url:s", dbx_link_revoke},
	{"sharing/unshare_file", DBX_RPC, DBX_USER, DBX_TEAM_ADMIN, SWRITE, "file:I", dbx_file_unshare},
	{"team/features/get_values", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "team_info.read", "features:l@g",
		dbx_team_features},
	{"team/get_info", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "team_info.read", NULL, dbx_team_info},
	{"team/members/get_info", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "members.read",
		"members:l@g@team_member_id,external_id,email", dbx_members_info},
	{"team/members/get_info_v2", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "members.read",
		"members:l@g@team_member_id,external_id,email", dbx_members_info_v2},
	{"team/members/list", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "members.read",
		"limit:u1-1000? include_removed:b?", dbx_members_list},
	{"team/members/list/continue", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "members.read", "cursor:s",
		dbx_members_continue},
	{"team/members/list/continue_v2", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "members.read", "cursor:s",
		dbx_members_continue_v2},
	{"team/members/list_v2", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "members.read",
		"limit:u1-1000? include_removed:b?", dbx_members_list_v2},
	{"team/namespaces/list", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "team_data.member", "limit:u1-1000?",
		dbx_namespaces_list},
	{"team/namespaces/list/continue", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "team_data.member", "cursor:s",
		dbx_namespaces_continue},
	{"team/team_folder/activate", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TWRITE, "team_folder_id:N",
		dbx_team_folder_activate},
	{"team/team_folder/archive", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TWRITE,
		"team_folder_id:N force_async_off:b?", dbx_team_folder_archive},
	{"team/team_folder/archive/check", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TWRITE, JOB, dbx_job_check},
	{"team/team_folder/create", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TWRITE, "name:s sync_setting:g?",
		dbx_team_folder_create},
	{"team/team_folder/get_info", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TREAD, "team_folder_ids:l1-9999@N",
		dbx_team_folder_info},
	{"team/team_folder/list", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TREAD, "limit:u1-1000?",
		dbx_team_folder_list},
	{"team/team_folder/list/continue", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TREAD, "cursor:s",
		dbx_team_folder_continue},
	{"team/team_folder/permanently_delete", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TWRITE, "team_folder_id:N",
		dbx_team_folder_delete},
	{"team/team_folder/rename", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, TWRITE, "team_folder_id:N name:s",
		dbx_team_folder_rename},
	{"team/token/get_authenticated_admin", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "team_info.read", NULL,
		dbx_authenticated_admin},
	{"team_log/get_events", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "events.read",
		"limit:u1-1000? account_id:s40-40? time:o@time? category:g? event_type:g?", dbx_get_events},
	{"team_log/get_events/continue", DBX_RPC, DBX_TEAM, DBX_NO_ADMIN, "events.read", "cursor:s",
		dbx_events_continue},
	{"users/features/get_values", DBX_RPC, DBX_USER, DBX_NO_ADMIN, "account_info.read", "features:l@g",
		dbx_user_features},
	{"users/get_account", DBX_RPC, DBX_USER, DBX_NO_ADMIN, SREAD, "account_id:s40-40", dbx_get_account},
	{"users/get_account_batch", DBX_RPC, DBX_USER, DBX_NO_ADMIN, SREAD, "account_ids:l1-9999@s40-40",
		dbx_get_account_batch},
	{"users/get_current_account", DBX_RPC, DBX_USER, DBX_WHOLE_TEAM, "account_info.read", NULL,
		dbx_get_current_account},
	{"users/get_space_usage", DBX_RPC, DBX_USER, DBX_NO_ADMIN, "account_info.read", NULL,
		dbx_space_usage},
};

static int by_name(const void *key, const void *route)
{
	return strcmp(key, ((const struct dbx_route *)route)->name);
}

const struct dbx_route *dbx_route_find(const char *name)
{
	return bsearch(name, routes, ARRAY_SIZE(routes), sizeof(routes[0]), by_name);
}
