"""The standard objects beyond accounts, contacts, leads and opportunities, as tables that standard.py reads.

One line is one field: name, type with its length, options or target, and flags: `*` required, `!` read-only,
`n` name field, `d` defaulted on create.
"""

from __future__ import annotations

HISTORY = """
{parent} reference({object}) !
Field picklist !
DataType picklist !
OldValue anyType !
NewValue anyType !
"""

SALES = {
    "OpportunityHistory": """
OpportunityId reference(Opportunity) !
StageName picklist !
Amount currency !
ExpectedRevenue currency !
CloseDate date !
Probability percent !
ForecastCategory picklist(Omitted|Pipeline|BestCase|MostLikely|Forecast|Closed) !
""",
    "OpportunityLineItem": """
OpportunityId reference(Opportunity) *
SortOrder int !
PricebookEntryId reference(PricebookEntry)
Product2Id reference(Product2)
ProductCode string(255) !
Name string(376) !n
Quantity double *
TotalPrice currency
UnitPrice currency
ListPrice currency !
ServiceDate date
Description string(255)
""",
    "Product2": """
Name string(255) *n
ProductCode string(255)
Description textarea(4000)
IsActive boolean d
Family picklist(None)
StockKeepingUnit string(180)
""",
    "Pricebook2": """
Name string(255) *n
IsActive boolean d
IsStandard boolean !d
Description string(255)
""",
    "PricebookEntry": """
Name string(255) !n
Pricebook2Id reference(Pricebook2) *
Product2Id reference(Product2) *
UnitPrice currency *
IsActive boolean d
UseStandardPrice boolean d
ProductCode string(255) !
""",
    "Contract": """
AccountId reference(Account) *
ContractNumber string(30) !nd
StartDate date
EndDate date !
ContractTerm int
OwnerId reference(User) d
Status picklist(Draft|In Approval Process|Activated) d
ActivatedDate datetime !
StatusCode picklist(Draft|InApproval|Activated) !
Description textarea(32000)
LastActivityDate date !
""",
    "Order": """
OwnerId reference(User) d
ContractId reference(Contract)
AccountId reference(Account)
Pricebook2Id reference(Pricebook2)
EffectiveDate date *
EndDate date
Status picklist(Draft|Activated) *
Description textarea(32000)
Type picklist
StatusCode picklist(D|A) !
OrderNumber string(30) !nd
TotalAmount currency !
ActivatedDate datetime !
""",
    "Campaign": """
Name string(80) *n
ParentId reference(Campaign)
Type picklist(Conference|Webinar|Trade Show|Partners|Email|Other)
Status picklist(Planned|In Progress|Completed|Aborted) d
StartDate date
EndDate date
IsActive boolean d
ActualCost currency
BudgetedCost currency
Description textarea(32000)
OwnerId reference(User) d
LastActivityDate date !
""",
    "Task": """
WhoId reference(Contact,Lead)
WhatId reference(Account,Campaign,Contract,Opportunity,Order,Product2)
Subject combobox(255) n
ActivityDate date
Status picklist(Not Started|In Progress|Completed|Waiting on someone else|Deferred) d
Priority picklist(High|Normal|Low) d
IsHighPriority boolean !d
OwnerId reference(Group,User) d
Description textarea(32000)
AccountId reference(Account) !
IsClosed boolean !d
Type picklist(Call|Email|Meeting|Other)
TaskSubtype picklist(Task|Email|List Email|Cadence|Call) d
CallType picklist(Internal|Inbound|Outbound)
CallDurationInSeconds int
CompletedDateTime datetime !
""",
    "Event": """
WhoId reference(Contact,Lead)
WhatId reference(Account,Campaign,Contract,Opportunity,Order,Product2)
Subject combobox(255) n
Location string(255)
IsAllDayEvent boolean d
ActivityDateTime datetime
ActivityDate date
StartDateTime datetime
EndDateTime datetime
DurationInMinutes int
Description textarea(32000)
AccountId reference(Account) !
OwnerId reference(User) d
Type picklist(Call|Email|Meeting|Other)
EventSubtype picklist(Event) d
IsPrivate boolean d
""",
    "ContentVersion": """
ContentDocumentId reference(ContentDocument)
IsLatest boolean !d
VersionNumber string(20) !
Title string(255) *n
Description textarea(1000)
PathOnClient string(500)
FileType string(20) !
FileExtension string(40) !
ContentSize int !
OwnerId reference(User) d
FirstPublishLocationId reference(Account,Opportunity,User)
""",
    "ContentDocument": """
Title string(255) *n
OwnerId reference(User) d
LatestPublishedVersionId reference(ContentVersion) !
FileType string(20) !
FileExtension string(40) !
ContentSize int !
""",
    "ContentDocumentLink": """
LinkedEntityId reference(Account,Contact,Contract,Lead,Opportunity,Order,User) *
ContentDocumentId reference(ContentDocument) *
ShareType picklist(V|C|I) d
Visibility picklist(AllUsers|InternalUsers|SharedUsers) d
""",
    "AccountHistory": HISTORY.format(parent="AccountId", object="Account"),
    "ContactHistory": HISTORY.format(parent="ContactId", object="Contact"),
    "LeadHistory": HISTORY.format(parent="LeadId", object="Lead"),
    "OpportunityFieldHistory": HISTORY.format(parent="OpportunityId", object="Opportunity"),
}

SETUP = {
    "Profile": """
Name string(255) !n
UserType picklist(Standard|PowerPartner|CsnOnly) !
PermissionsViewAllData boolean !d
PermissionsModifyAllData boolean !d
PermissionsApiEnabled boolean !d
PermissionsViewSetup boolean !d
Description string(255) !
""",
    "PermissionSet": """
Name string(80) !n
Label string(80) !
ProfileId reference(Profile) !
IsOwnedByProfile boolean !d
IsCustom boolean !d
Type picklist(Regular|Standard|Profile|Group) !
PermissionsViewAllData boolean !d
PermissionsModifyAllData boolean !d
PermissionsApiEnabled boolean !d
PermissionsViewSetup boolean !d
Description string(255) !
""",
    "PermissionSetAssignment": """
PermissionSetId reference(PermissionSet) !
AssigneeId reference(User) !
IsActive boolean !d
""",
    "ObjectPermissions": """
ParentId reference(PermissionSet) !
SobjectType picklist !
PermissionsCreate boolean !d
PermissionsRead boolean !d
PermissionsEdit boolean !d
PermissionsDelete boolean !d
PermissionsViewAllRecords boolean !d
PermissionsModifyAllRecords boolean !d
""",
    "FieldPermissions": """
ParentId reference(PermissionSet) !
SobjectType picklist !
Field picklist !
PermissionsRead boolean !d
PermissionsEdit boolean !d
""",
    "UserRecordAccess": """
UserId reference(User) !
RecordId picklist !
HasReadAccess boolean !
HasEditAccess boolean !
HasDeleteAccess boolean !
HasTransferAccess boolean !
HasAllAccess boolean !
MaxAccessLevel picklist(None|Read|Edit|Delete|Transfer|All) !
""",
    "EntityDefinition": """
DurableId string(765) !
QualifiedApiName string(120) !n
DeveloperName string(120) !
Label string(120) !
KeyPrefix string(9) !
InternalSharingModel picklist(Private|Read|ReadWrite|ControlledByParent) !
ExternalSharingModel picklist(Private|Read|ReadWrite|ControlledByParent) !
IsQueryable boolean !
IsCustomSetting boolean !
LastModifiedDate datetime !
""",
    "UserRole": """
Name string(80) *n
DeveloperName string(80)
ParentRoleId reference(UserRole)
""",
    "Group": """
Name string(40) *n
DeveloperName string(80)
Type picklist(Regular|Role|Queue|Organization|AllCustomerPortal|Territory) d
RelatedId reference(UserRole,Territory2)
Email email
OwnerId reference(User) d
""",
    "GroupMember": """
GroupId reference(Group) *
UserOrGroupId reference(Group,User) *
""",
    "RecordType": """
Name string(80) *n
DeveloperName string(80) *
Description string(255)
SobjectType picklist *
IsActive boolean d
""",
    "CurrencyType": """
IsoCode picklist *
ConversionRate double *
DecimalPlaces int *
IsActive boolean d
IsCorporate boolean d
""",
    "DatedConversionRate": """
IsoCode picklist *
StartDate date *
NextStartDate date !
ConversionRate double *
""",
    "Territory2": """
Name string(80) *n
DeveloperName string(80) *
ParentTerritory2Id reference(Territory2)
Territory2ModelId string(18)
Description textarea(1000)
AccountAccessLevel picklist(Read|Edit|All) d
OpportunityAccessLevel picklist(None|Read|Edit) d
""",
    "ObjectTerritory2Association": """
ObjectId reference(Account,Lead) *
Territory2Id reference(Territory2) *
AssociationCause picklist(Territory2Manual|Territory2AssignmentRule|Territory2Api) d
SobjectType picklist(Account|Lead) !
""",
    "UserTerritory2Association": """
UserId reference(User) *
Territory2Id reference(Territory2) *
RoleInTerritory2 picklist
IsActive boolean !d
""",
}

# Rights of an administrator where they are not "cudrns": see SObject.rights; recorded in the global describe.
RIGHTS = {
    "Account": "cudrmns", "Contact": "cudrmns", "Lead": "cudrmns", "User": "curs", "Organization": "ur",
    "OpportunityStage": "", "OpportunityHistory": "r", "OpportunityLineItem": "cudr", "PricebookEntry": "cudrs",
    "ContentVersion": "cus", "ContentDocument": "udns", "ContentDocumentLink": "cud", "AccountHistory": "r",
    "ContactHistory": "r", "LeadHistory": "r", "OpportunityFieldHistory": "r", "Profile": "r", "PermissionSet": "",
    "PermissionSetAssignment": "", "ObjectPermissions": "", "FieldPermissions": "", "UserRecordAccess": "",
    "EntityDefinition": "", "UserRole": "cudr", "Group": "cudr", "GroupMember": "cdr", "RecordType": "cur",
    "CurrencyType": "cu", "DatedConversionRate": "cud", "Territory2": "cud", "ObjectTerritory2Association": "cud",
    "UserTerritory2Association": "cud",
}  # fmt: skip

# Fields that every record has and these objects lack.
LACKING = {
    "User": ("IsDeleted",), "Organization": ("IsDeleted",), "OpportunityStage": ("IsDeleted",),
    "Profile": ("IsDeleted",), "UserRole": ("IsDeleted", "CreatedById", "CreatedDate"), "Group": ("IsDeleted",),
    "GroupMember": ("IsDeleted", "CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate"),
    "RecordType": ("IsDeleted",), "CurrencyType": ("IsDeleted",), "DatedConversionRate": ("IsDeleted",),
    "PermissionSet": ("IsDeleted",), "Territory2": ("IsDeleted", "CreatedById", "CreatedDate"),
    "PermissionSetAssignment": ("IsDeleted", "CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate"),
    "ObjectPermissions": ("IsDeleted",),
    "FieldPermissions": ("IsDeleted", "CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate"),
    "UserRecordAccess": (
        "IsDeleted", "CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp",
    ),
    "EntityDefinition": (
        "IsDeleted", "CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp",
    ),
    "ContentDocumentLink": ("CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate"),
    "OpportunityHistory": ("LastModifiedById", "LastModifiedDate"),
}  # fmt: skip
HISTORY_LACKS = ("LastModifiedById", "LastModifiedDate", "SystemModstamp")

# By which name a record reaches back to those that point to it; recorded in the describe of Account.
CHILDREN = {
    ("Account", "ParentId"): "ChildAccounts", ("Opportunity", "AccountId"): "Opportunities",
    ("Opportunity", "CampaignId"): "Opportunities", ("Contact", "AccountId"): "Contacts",
    ("Contract", "AccountId"): "Contracts", ("Order", "AccountId"): "Orders", ("Task", "WhatId"): "Tasks",
    ("Event", "WhatId"): "Events", ("Task", "WhoId"): "Tasks", ("Event", "WhoId"): "Events",
    ("OpportunityLineItem", "OpportunityId"): "OpportunityLineItems",
    ("OpportunityHistory", "OpportunityId"): "OpportunityHistories", ("AccountHistory", "AccountId"): "Histories",
    ("OpportunityFieldHistory", "OpportunityId"): "Histories", ("LeadHistory", "LeadId"): "Histories",
    ("ContactHistory", "ContactId"): "Histories", ("PricebookEntry", "Product2Id"): "PricebookEntries",
    ("PricebookEntry", "Pricebook2Id"): "PricebookEntries", ("Order", "ContractId"): "Orders",
    ("ContentDocumentLink", "LinkedEntityId"): "ContentDocumentLinks",
    ("ContentDocumentLink", "ContentDocumentId"): "ContentDocumentLinks",
    ("ContentVersion", "ContentDocumentId"): "ContentVersions",
    ("ObjectTerritory2Association", "ObjectId"): "ObjectTerritory2Associations",
    ("PermissionSetAssignment", "AssigneeId"): "PermissionSetAssignments",
    ("PermissionSetAssignment", "PermissionSetId"): "Assignments", ("ObjectPermissions", "ParentId"): "ObjectPerms",
    ("FieldPermissions", "ParentId"): "FieldPerms", ("User", "ProfileId"): "Users", ("User", "UserRoleId"): "Users",
    ("GroupMember", "GroupId"): "GroupMembers",
}  # fmt: skip
