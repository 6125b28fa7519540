/* The table of Drive's methods: scopes, quota units, masks. */
#include "fakecloud/google/drive.h"

#define V "drive/v3/"
#define F V "files/{}"
#define S_META_R                                                                                             \
	"drive drive.appdata drive.file drive.meet.readonly drive.metadata drive.metadata.readonly "         \
	"drive.photos.readonly drive.readonly"
#define S_ABOUT                                                                                              \
	"drive drive.appdata drive.file drive.metadata drive.metadata.readonly drive.photos.readonly "       \
	"drive.readonly"
#define S_WRITE "drive drive.appdata drive.file"
#define S_UPDATE S_WRITE " drive.metadata drive.scripts"
#define S_SHARE "drive drive.file"
#define S_CONTENT "drive drive.file drive.meet.readonly drive.readonly"
#define D_FILE "kind,id,name,mimeType"
#define D_PERM "kind,id,type,role"
#define D_REV "kind,id,mimeType,modifiedTime"
#define D_DRIVE "kind,id,name"
#define D_CHANGES                                                                                            \
	"kind,nextPageToken,newStartPageToken,changes(kind,type,changeType,time,removed,fileId,driveId,"     \
	"teamDriveId,"                                                                                       \
	"file(" D_FILE "),drive(" D_DRIVE "),teamDrive(" D_DRIVE "))"

const struct gg_route gd_routes[] = {
	{"GET", V "about", GG_DRIVE, 5, S_ABOUT, "d.About", NULL, gd_about, false},
	{"GET", V "files", GG_DRIVE, 100, S_META_R, "d.FileList",
		"kind,incompleteSearch,nextPageToken,files(" D_FILE ")", gd_files_list, false},
	{"POST", V "files", GG_DRIVE, 50, S_WRITE, "d.File", D_FILE, gd_files_create, true},
	{"GET", V "files/generateIds", GG_DRIVE, 5, S_WRITE, "d.GeneratedIds", NULL, gd_files_generate_ids,
		false},
	{"DELETE", V "files/trash", GG_DRIVE, 50, "drive", NULL, NULL, gd_files_empty_trash, false},
	{"GET", F, GG_DRIVE, 5, S_META_R, "d.File", D_FILE, gd_files_get, false},
	{"PATCH", F, GG_DRIVE, 50, S_UPDATE, "d.File", D_FILE, gd_files_update, true},
	{"DELETE", F, GG_DRIVE, 50, S_WRITE, NULL, NULL, gd_files_delete, false},
	{"POST", F "/copy", GG_DRIVE, 50, S_WRITE " drive.photos.readonly", "d.File", D_FILE, gd_files_copy,
		false},
	{"GET", F "/export", GG_DRIVE, 200, S_CONTENT, NULL, NULL, gd_files_export, false},
	{"POST", F "/download", GG_DRIVE, 200, "drive drive.file drive.readonly", "d.Operation", NULL,
		gd_files_download, false},
	{"POST", F "/watch", GG_DRIVE, 5, S_META_R, NULL, NULL, gd_files_watch, false},
	{"GET", F "/listLabels", GG_DRIVE, 5, S_META_R, "d.LabelList", NULL, gd_files_labels, false},
	{"POST", F "/modifyLabels", GG_DRIVE, 50, "drive drive.file drive.metadata", "d.ModifyLabelsResponse",
		NULL, gd_files_modify_labels, false},
	{"GET", F "/comments", GG_DRIVE, 100, S_CONTENT, "d.CommentList", NULL, gd_comments_list, false},
	{"GET", F "/comments/{}", GG_DRIVE, 5, S_CONTENT, "d.Comment", NULL, gd_comments_get, false},
	{"GET", F "/comments/{}/replies", GG_DRIVE, 5, S_CONTENT, "d.ReplyList", NULL, gd_comments_get,
		false},
	{"GET", F "/permissions", GG_DRIVE, 100, S_META_R, "d.PermissionList",
		"kind,nextPageToken,permissions(" D_PERM ")", gd_permissions_list, false},
	{"POST", F "/permissions", GG_DRIVE, 50, S_SHARE, "d.Permission", D_PERM, gd_permissions_create,
		false},
	{"GET", F "/permissions/{}", GG_DRIVE, 5, S_META_R, "d.Permission", D_PERM, gd_permissions_get,
		false},
	{"PATCH", F "/permissions/{}", GG_DRIVE, 50, S_SHARE, "d.Permission", D_PERM, gd_permissions_update,
		false},
	{"DELETE", F "/permissions/{}", GG_DRIVE, 50, S_SHARE, NULL, NULL, gd_permissions_delete, false},
	{"GET", F "/revisions", GG_DRIVE, 100, S_META_R, "d.RevisionList",
		"kind,nextPageToken,revisions(" D_REV ")", gd_revisions_list, false},
	{"GET", F "/revisions/{}", GG_DRIVE, 5, S_META_R, "d.Revision", D_REV, gd_revisions_get, false},
	{"PATCH", F "/revisions/{}", GG_DRIVE, 50, S_WRITE, "d.Revision", D_REV, gd_revisions_update, false},
	{"DELETE", F "/revisions/{}", GG_DRIVE, 50, S_WRITE, NULL, NULL, gd_revisions_delete, false},
	{"GET", V "changes/startPageToken", GG_DRIVE, 5, S_META_R, "d.StartPageToken", NULL, gd_changes_start,
		false},
	{"GET", V "changes", GG_DRIVE, 100, S_META_R, "d.ChangeList", D_CHANGES, gd_changes_list, false},
	{"POST", V "changes/watch", GG_DRIVE, 5, S_META_R, "d.Channel", NULL, gd_changes_watch, false},
	{"POST", V "channels/stop", GG_DRIVE, 5, S_META_R, NULL, NULL, gg_watch_stop, false},
	{"GET", V "drives", GG_DRIVE, 100, "drive drive.readonly", "d.DriveList",
		"kind,nextPageToken,drives(" D_DRIVE ")", gd_drives_list, false},
	{"POST", V "drives", GG_DRIVE, 50, "drive", "d.Drive", D_DRIVE, gd_drives_create, false},
	{"GET", V "drives/{}", GG_DRIVE, 5, "drive drive.readonly", "d.Drive", D_DRIVE, gd_drives_get, false},
	{"PATCH", V "drives/{}", GG_DRIVE, 50, "drive", "d.Drive", D_DRIVE, gd_drives_update, false},
	{"DELETE", V "drives/{}", GG_DRIVE, 50, "drive", NULL, NULL, gd_drives_delete, false},
	{"POST", V "drives/{}/hide", GG_DRIVE, 50, "drive", "d.Drive", D_DRIVE, gd_drives_hide, false},
	{"POST", V "drives/{}/unhide", GG_DRIVE, 50, "drive", "d.Drive", D_DRIVE, gd_drives_unhide, false},
	{"GET", V "operations/{}", GG_DRIVE, 5, S_CONTENT, "d.Operation", NULL, gd_operations_get, false},
	{"GET", V "operations/{}/content", GG_DRIVE, 200, S_CONTENT, NULL, NULL, gd_operation_content, false},
	{0},
};
