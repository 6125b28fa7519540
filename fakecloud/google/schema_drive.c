/* Field names and types of the answers, for checking `fields`: made from the discovery documents (revisions
 * named in their README). "name" is a value, "name:Type" an object or a list of it, "*" anything. */
#include "fakecloud/google/google.h"

#include "fakecloud/google/schema.h"

const struct type schema_drive[] = {
	{"d.About", "appInstalled canCreateDrives canCreateTeamDrives driveThemes:d.About_driveThemes "
		    "exportFormats:* "
		    "folderColorPalette importFormats:* kind maxImportSizes:* maxUploadSize "
		    "storageQuota:d.About_storageQuota teamDriveThemes:d.About_teamDriveThemes user:d.User"},
	{"d.About_driveThemes", "backgroundImageLink colorRgb id"},
	{"d.About_storageQuota", "limit usage usageInDrive usageInDriveTrash"},
	{"d.About_teamDriveThemes", "backgroundImageLink colorRgb id"},
	{"d.Change", "changeType drive:d.Drive driveId file:d.File fileId kind removed teamDrive:d.TeamDrive "
		     "teamDriveId time type"},
	{"d.ChangeList", "changes:d.Change kind newStartPageToken nextPageToken"},
	{"d.Channel", "address expiration id kind params:* payload resourceId resourceUri token type"},
	{"d.ClientEncryptionDetails", "decryptionMetadata:d.DecryptionMetadata encryptionState"},
	{"d.Comment",
		"anchor assigneeEmailAddress author:d.User content createdTime deleted htmlContent id kind "
		"mentionedEmailAddresses modifiedTime quotedFileContent:d.Comment_quotedFileContent "
		"replies:d.Reply resolved"},
	{"d.CommentList", "comments:d.Comment kind nextPageToken"},
	{"d.Comment_quotedFileContent", "mimeType value"},
	{"d.ContentRestriction", "ownerRestricted readOnly reason restrictingUser:d.User restrictionTime "
				 "systemRestricted type"},
	{"d.DecryptionMetadata",
		"aes256GcmChunkSize encryptionResourceKeyHash jwt kaclsId kaclsName keyFormat wrappedKey"},
	{"d.DownloadRestriction", "restrictedForReaders restrictedForWriters"},
	{"d.DownloadRestrictionsMetadata", "effectiveDownloadRestrictionWithContext:d.DownloadRestriction "
					   "itemDownloadRestriction:d.DownloadRestriction"},
	{"d.Drive", "backgroundImageFile:d.Drive_backgroundImageFile backgroundImageLink "
		    "capabilities:d.Drive_capabilities colorRgb createdTime hidden id kind name orgUnitId "
		    "restrictions:d.Drive_restrictions themeId"},
	{"d.DriveList", "drives:d.Drive kind nextPageToken"},
	{"d.Drive_backgroundImageFile", "id width xCoordinate yCoordinate"},
	{"d.Drive_capabilities",
		"canAddChildren canChangeCopyRequiresWriterPermissionRestriction "
		"canChangeDomainUsersOnlyRestriction canChangeDownloadRestriction canChangeDriveBackground "
		"canChangeDriveMembersOnlyRestriction "
		"canChangeSharingFoldersRequiresOrganizerPermissionRestriction canComment canCopy "
		"canDeleteChildren canDeleteDrive canDownload canEdit canListChildren canManageMembers "
		"canReadRevisions canRename canRenameDrive canResetDriveRestrictions canShare "
		"canTrashChildren"},
	{"d.Drive_restrictions", "adminManagedRestrictions copyRequiresWriterPermission domainUsersOnly "
				 "downloadRestriction:d.DownloadRestriction driveMembersOnly "
				 "sharingFoldersRequiresOrganizerPermission"},
	{"d.File",
		"appProperties:* capabilities:d.File_capabilities "
		"clientEncryptionDetails:d.ClientEncryptionDetails contentHints:d.File_contentHints "
		"contentRestrictions:d.ContentRestriction copyRequiresWriterPermission createdTime "
		"description "
		"downloadRestrictions:d.DownloadRestrictionsMetadata driveId explicitlyTrashed exportLinks:* "
		"fileExtension folderColorRgb fullFileExtension hasAugmentedPermissions hasThumbnail "
		"headRevisionId iconLink id imageMediaMetadata:d.File_imageMediaMetadata "
		"inheritedPermissionsDisabled isAppAuthorized kind labelInfo:d.File_labelInfo "
		"lastModifyingUser:d.User linkShareMetadata:d.File_linkShareMetadata md5Checksum mimeType "
		"modifiedByMe modifiedByMeTime modifiedTime name originalFilename ownedByMe owners:d.User "
		"parents "
		"permissionIds permissions:d.Permission properties:* quotaBytesUsed resourceKey sha1Checksum "
		"sha256Checksum shared sharedWithMeTime sharingUser:d.User "
		"shortcutDetails:d.File_shortcutDetails "
		"size spaces starred teamDriveId thumbnailLink thumbnailVersion trashed trashedTime "
		"trashingUser:d.User version videoMediaMetadata:d.File_videoMediaMetadata viewedByMe "
		"viewedByMeTime viewersCanCopyContent webContentLink webViewLink writersCanShare"},
	{"d.FileList", "files:d.File incompleteSearch kind nextPageToken"},
	{"d.File_capabilities",
		"canAcceptOwnership canAddChildren canAddFolderFromAnotherDrive canAddMyDriveParent "
		"canChangeCopyRequiresWriterPermission canChangeItemDownloadRestriction "
		"canChangeSecurityUpdateEnabled canChangeViewersCanCopyContent canComment canCopy canDelete "
		"canDeleteChildren canDisableInheritedPermissions canDownload canEdit "
		"canEnableInheritedPermissions canListChildren canModifyContent canModifyContentRestriction "
		"canModifyEditorContentRestriction canModifyLabels canModifyOwnerContentRestriction "
		"canMoveChildrenOutOfDrive canMoveChildrenOutOfTeamDrive canMoveChildrenWithinDrive "
		"canMoveChildrenWithinTeamDrive canMoveItemIntoTeamDrive canMoveItemOutOfDrive "
		"canMoveItemOutOfTeamDrive canMoveItemWithinDrive canMoveItemWithinTeamDrive "
		"canMoveTeamDriveItem "
		"canReadDrive canReadLabels canReadRevisions canReadTeamDrive canRemoveChildren "
		"canRemoveContentRestriction canRemoveMyDriveParent canRename canShare canTrash "
		"canTrashChildren "
		"canUntrash"},
	{"d.File_contentHints", "indexableText thumbnail:d.File_contentHints_thumbnail"},
	{"d.File_contentHints_thumbnail", "image mimeType"},
	{"d.File_imageMediaMetadata",
		"aperture cameraMake cameraModel colorSpace exposureBias exposureMode exposureTime flashUsed "
		"focalLength height isoSpeed lens location:d.File_imageMediaMetadata_location "
		"maxApertureValue "
		"meteringMode rotation sensor subjectDistance time whiteBalance width"},
	{"d.File_imageMediaMetadata_location", "altitude latitude longitude"},
	{"d.File_labelInfo", "labels:d.Label"},
	{"d.File_linkShareMetadata", "securityUpdateEligible securityUpdateEnabled"},
	{"d.File_shortcutDetails", "targetId targetMimeType targetResourceKey"},
	{"d.File_videoMediaMetadata", "durationMillis height width"},
	{"d.GeneratedIds", "ids kind space"},
	{"d.Label", "fields:* id kind revisionId"},
	{"d.LabelList", "kind labels:d.Label nextPageToken"},
	{"d.ModifyLabelsResponse", "kind modifiedLabels:d.Label"},
	{"d.Operation", "done error:d.Status metadata:* name response:*"},
	{"d.Permission", "allowFileDiscovery deleted displayName domain emailAddress expirationTime id "
			 "inheritedPermissionsDisabled kind pendingOwner "
			 "permissionDetails:d.Permission_permissionDetails "
			 "photoLink role teamDrivePermissionDetails:d.Permission_teamDrivePermissionDetails "
			 "type view"},
	{"d.PermissionList", "kind nextPageToken permissions:d.Permission"},
	{"d.Permission_permissionDetails", "inherited inheritedFrom permissionType role"},
	{"d.Permission_teamDrivePermissionDetails", "inherited inheritedFrom role teamDrivePermissionType"},
	{"d.Reply",
		"action assigneeEmailAddress author:d.User content createdTime deleted htmlContent id kind "
		"mentionedEmailAddresses modifiedTime"},
	{"d.ReplyList", "kind nextPageToken replies:d.Reply"},
	{"d.Revision", "exportLinks:* id keepForever kind lastModifyingUser:d.User md5Checksum mimeType "
		       "modifiedTime "
		       "originalFilename publishAuto published publishedLink publishedOutsideDomain size"},
	{"d.RevisionList", "kind nextPageToken revisions:d.Revision"},
	{"d.StartPageToken", "kind startPageToken"},
	{"d.Status", "code details:* message"},
	{"d.TeamDrive", "backgroundImageFile:d.TeamDrive_backgroundImageFile backgroundImageLink "
			"capabilities:d.TeamDrive_capabilities colorRgb createdTime id kind name orgUnitId "
			"restrictions:d.TeamDrive_restrictions themeId"},
	{"d.TeamDrive_backgroundImageFile", "id width xCoordinate yCoordinate"},
	{"d.TeamDrive_capabilities",
		"canAddChildren canChangeCopyRequiresWriterPermissionRestriction "
		"canChangeDomainUsersOnlyRestriction canChangeDownloadRestriction "
		"canChangeSharingFoldersRequiresOrganizerPermissionRestriction canChangeTeamDriveBackground "
		"canChangeTeamMembersOnlyRestriction canComment canCopy canDeleteChildren canDeleteTeamDrive "
		"canDownload canEdit canListChildren canManageMembers canReadRevisions canRemoveChildren "
		"canRename canRenameTeamDrive canResetTeamDriveRestrictions canShare canTrashChildren"},
	{"d.TeamDrive_restrictions",
		"adminManagedRestrictions copyRequiresWriterPermission domainUsersOnly "
		"downloadRestriction:d.DownloadRestriction sharingFoldersRequiresOrganizerPermission "
		"teamMembersOnly"},
	{"d.User", "displayName emailAddress kind me permissionId photoLink"},
	{NULL, NULL},
};
