/* Field names and types of the answers, for checking `fields`: made from the discovery documents (revisions
 * named in their README). "name" is a value, "name:Type" an object or a list of it, "*" anything. */
#include "fakecloud/google/google.h"

#include "fakecloud/google/schema.h"

#include <string.h>

static const struct type gmail[] = {
	{"g.ClassificationLabelFieldValue", "fieldId selection"},
	{"g.ClassificationLabelValue", "fields:g.ClassificationLabelFieldValue labelId"},
	{"g.Delegate", "delegateEmail verificationStatus"},
	{"g.Filter", "action:g.FilterAction criteria:g.FilterCriteria id"},
	{"g.FilterAction", "addLabelIds forward removeLabelIds"},
	{"g.FilterCriteria",
		"excludeChats from hasAttachment negatedQuery query size sizeComparison subject to"},
	{"g.ForwardingAddress", "forwardingEmail verificationStatus"},
	{"g.History",
		"id labelsAdded:g.HistoryLabelAdded labelsRemoved:g.HistoryLabelRemoved messages:g.Message "
		"messagesAdded:g.HistoryMessageAdded messagesDeleted:g.HistoryMessageDeleted"},
	{"g.HistoryLabelAdded", "labelIds message:g.Message"},
	{"g.HistoryLabelRemoved", "labelIds message:g.Message"},
	{"g.HistoryMessageAdded", "message:g.Message"},
	{"g.HistoryMessageDeleted", "message:g.Message"},
	{"g.Label", "color:g.LabelColor id labelListVisibility messageListVisibility messagesTotal "
		    "messagesUnread "
		    "name threadsTotal threadsUnread type"},
	{"g.LabelColor", "backgroundColor textColor"},
	{"g.ListDelegatesResponse", "delegates:g.Delegate"},
	{"g.ListFiltersResponse", "filter:g.Filter"},
	{"g.ListForwardingAddressesResponse", "forwardingAddresses:g.ForwardingAddress"},
	{"g.ListHistoryResponse", "history:g.History historyId nextPageToken"},
	{"g.ListLabelsResponse", "labels:g.Label"},
	{"g.ListMessagesResponse", "messages:g.Message nextPageToken resultSizeEstimate"},
	{"g.ListThreadsResponse", "nextPageToken resultSizeEstimate threads:g.Thread"},
	{"g.Message",
		"classificationLabelValues:g.ClassificationLabelValue historyId id internalDate labelIds "
		"payload:g.MessagePart raw sizeEstimate snippet threadId"},
	{"g.MessagePart", "body:g.MessagePartBody filename headers:g.MessagePartHeader mimeType partId "
			  "parts:g.MessagePart"},
	{"g.MessagePartBody", "attachmentId data size"},
	{"g.MessagePartHeader", "name value"},
	{"g.Profile", "emailAddress historyId messagesTotal threadsTotal"},
	{"g.Thread", "historyId id messages:g.Message snippet"},
	{"g.WatchResponse", "expiration historyId"},
	{NULL, NULL},
};

static const struct type directory[] = {
	{"a.Aliases", "aliases:* etag kind"},
	{"a.Customer", "alternateEmail customerCreationTime customerDomain etag id kind language phoneNumber "
		       "postalAddress:a.CustomerPostalAddress"},
	{"a.CustomerPostalAddress",
		"addressLine1 addressLine2 addressLine3 contactName countryCode locality organizationName "
		"postalCode region"},
	{"a.DomainAlias", "creationTime domainAliasName etag kind parentDomainName verified"},
	{"a.DomainAliases", "domainAliases:a.DomainAlias etag kind"},
	{"a.Domains", "creationTime domainAliases:a.DomainAlias domainName etag isPrimary kind verified"},
	{"a.Domains2", "domains:a.Domains etag kind"},
	{"a.Group", "adminCreated aliases description directMembersCount email etag id kind name "
		    "nonEditableAliases"},
	{"a.Groups", "etag groups:a.Group kind nextPageToken"},
	{"a.GuestAccountInfo", "primaryGuestEmail"},
	{"a.Member", "delivery_settings email etag id kind role status type"},
	{"a.Members", "etag kind members:a.Member nextPageToken"},
	{"a.MembersHasMember", "isMember"},
	{"a.OrgUnit", "blockInheritance description etag kind name orgUnitId orgUnitPath parentOrgUnitId "
		      "parentOrgUnitPath"},
	{"a.OrgUnits", "etag kind organizationUnits:a.OrgUnit"},
	{"a.Privilege",
		"childPrivileges:a.Privilege etag isOuScopable kind privilegeName serviceId serviceName"},
	{"a.Privileges", "etag items:a.Privilege kind"},
	{"a.Role", "etag isSuperAdminRole isSystemRole kind roleDescription roleId roleName "
		   "rolePrivileges:a.Role_rolePrivileges"},
	{"a.RoleAssignment",
		"assignedTo assigneeType condition etag kind orgUnitId roleAssignmentId roleId scopeType"},
	{"a.RoleAssignments", "etag items:a.RoleAssignment kind nextPageToken"},
	{"a.Role_rolePrivileges", "privilegeName serviceId"},
	{"a.Roles", "etag items:a.Role kind nextPageToken"},
	{"a.Token", "anonymous clientId displayText etag kind nativeApp scopes userKey"},
	{"a.Tokens", "etag items:a.Token kind"},
	{"a.User", "addresses:* agreedToTerms aliases archived changePasswordAtNextLogin creationTime "
		   "customSchemas:* customerId deletionTime emails:* etag externalIds:* gender:* "
		   "guestAccountInfo:a.GuestAccountInfo hashFunction id ims:* includeInGlobalAddressList "
		   "ipWhitelisted isAdmin isDelegatedAdmin isEnforcedIn2Sv isEnrolledIn2Sv isGuestUser "
		   "isMailboxSetup keywords:* kind languages:* lastLoginTime locations:* name:a.UserName "
		   "nonEditableAliases notes:* orgUnitPath organizations:* password phones:* posixAccounts:* "
		   "primaryEmail recoveryEmail recoveryPhone relations:* sshPublicKeys:* suspended "
		   "suspensionReason "
		   "thumbnailPhotoEtag thumbnailPhotoUrl websites:*"},
	{"a.UserName", "displayName familyName fullName givenName"},
	{"a.Users", "etag kind nextPageToken trigger_event users:a.User"},
	{NULL, NULL},
};

static const struct type reports[] = {
	{"r.Activities", "etag items:r.Activity kind nextPageToken"},
	{"r.Activity", "actor:r.Activity_actor etag events:r.Activity_events id:r.Activity_id ipAddress kind "
		       "networkInfo:r.ActivityNetworkInfo ownerDomain resourceDetails:r.ResourceDetails"},
	{"r.ActivityEventsStatus", "errorCode errorMessage eventStatus httpStatusCode"},
	{"r.ActivityNetworkInfo", "ipAsn regionCode subdivisionCode"},
	{"r.Activity_actor",
		"applicationInfo:r.Activity_actor_applicationInfo callerType email key profileId"},
	{"r.Activity_actor_applicationInfo", "applicationName impersonation oauthClientId"},
	{"r.Activity_events", "name parameters:r.Activity_events_parameters resourceIds "
			      "sensitiveParameters:r.Activity_events_sensitiveParameters "
			      "status:r.ActivityEventsStatus type"},
	{"r.Activity_events_parameters",
		"boolValue intValue messageValue:r.Activity_events_parameters_messageValue multiIntValue "
		"multiMessageValue:r.Activity_events_parameters_multiMessageValue multiValue name value"},
	{"r.Activity_events_parameters_messageValue", "parameter:r.NestedParameter"},
	{"r.Activity_events_parameters_multiMessageValue", "parameter:r.NestedParameter"},
	{"r.Activity_events_sensitiveParameters",
		"boolValue intValue messageValue:r.Activity_events_sensitiveParameters_messageValue "
		"multiIntValue "
		"multiMessageValue:r.Activity_events_sensitiveParameters_multiMessageValue multiValue name "
		"value"},
	{"r.Activity_events_sensitiveParameters_messageValue", "parameter:r.NestedParameter"},
	{"r.Activity_events_sensitiveParameters_multiMessageValue", "parameter:r.NestedParameter"},
	{"r.Activity_id", "applicationName customerId time uniqueQualifier"},
	{"r.AppliedLabel", "fieldValues:r.FieldValue id reason:r.Reason title"},
	{"r.CustomerIdentity", "id"},
	{"r.Date", "day month year"},
	{"r.FieldValue",
		"dateValue:r.Date displayName id integerValue longTextValue reason:r.Reason "
		"selectionListValue:r.FieldValueSelectionListValue selectionValue:r.FieldValueSelectionValue "
		"textListValue:r.FieldValueTextListValue textValue type unsetValue "
		"userListValue:r.FieldValueUserListValue userValue:r.FieldValueUserValue"},
	{"r.FieldValueSelectionListValue", "values:r.FieldValueSelectionValue"},
	{"r.FieldValueSelectionValue", "badged displayName id"},
	{"r.FieldValueTextListValue", "values"},
	{"r.FieldValueUserListValue", "values:r.FieldValueUserValue"},
	{"r.FieldValueUserValue", "email"},
	{"r.GroupIdentity", "groupEmail id"},
	{"r.NestedParameter", "boolValue intValue multiBoolValue multiIntValue multiValue name value"},
	{"r.OwnerDetails", "ownerIdentity:r.OwnerIdentity ownerType"},
	{"r.OwnerIdentity", "customerIdentity:r.CustomerIdentity groupIdentity:r.GroupIdentity "
			    "userIdentity:r.UserIdentity"},
	{"r.Reason", "reasonType"},
	{"r.ResourceDetails",
		"appliedLabels:r.AppliedLabel id ownerDetails:r.OwnerDetails relation title type"},
	{"r.UserIdentity", "id userEmail"},
	{NULL, NULL},
};

const char *schema_type(const char *type)
{
	static const struct type *const all[] = {schema_drive, gmail, directory, reports};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i]->name[0] != type[0])
			continue;
		for (const struct type *t = all[i]; t->name; t++) {
			if (!strcmp(t->name, type))
				return t->fields;
		}
	}
	return NULL;
}
