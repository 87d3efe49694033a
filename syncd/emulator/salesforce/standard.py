"""The standard objects every org has, written as a table and read once."""

from __future__ import annotations

import re

from syncd.emulator.salesforce import catalogue
from syncd.emulator.salesforce.ids import PREFIXES
from syncd.emulator.salesforce.schema import Field, SObject, label_of, relationship_of

_LINE = re.compile(r"(\w+) (\w+)(?:\((.*)\))? ?([*!nd]*)")

INDUSTRIES = (
    "Agriculture|Apparel|Banking|Biotechnology|Chemicals|Communications|Construction|Consulting|Education|"
    "Electronics|Energy|Engineering|Entertainment|Environmental|Finance|Food & Beverage|Government|Healthcare|"
    "Hospitality|Insurance|Machinery|Manufacturing|Media|Not For Profit|Recreation|Retail|Shipping|Technology|"
    "Telecommunications|Transportation|Utilities|Other"
)
ACCOUNT_TYPES = (
    "Prospect|Customer - Direct|Customer - Channel|Channel Partner / Reseller|Installation Partner|"
    "Technology Partner|Other"
)
SOURCES = "Web|Phone Inquiry|Partner Referral|Purchased List|Other"

# name type[(length)|(a|b|c)|(Object)] flags: * required, ! read-only (system or calculated), n name field, d defaulted
SYSTEM = """
Id id !d
IsDeleted boolean !d
CreatedDate datetime !d
CreatedById reference(User) !d
LastModifiedDate datetime !d
LastModifiedById reference(User) !d
SystemModstamp datetime !d
"""
_ADDRESS = """{0}Street textarea(255)
{0}City string(40)
{0}State string(80)
{0}PostalCode string(20)
{0}Country string(80)
{0}Address address !"""

OBJECTS = {
    "Account": f"""
Name string(255) *n
Type picklist({ACCOUNT_TYPES})
ParentId reference(Account)
{_ADDRESS.format("Billing")}
{_ADDRESS.format("Shipping")}
Phone phone
Fax phone
AccountNumber string(40)
Website url
Sic string(20)
Industry picklist({INDUSTRIES})
AnnualRevenue currency
NumberOfEmployees int
Ownership picklist(Public|Private|Subsidiary|Other)
TickerSymbol string(20)
Description textarea(32000)
Rating picklist(Hot|Warm|Cold)
Site string(80)
OwnerId reference(User) d
MasterRecordId reference(Account) !
LastActivityDate date !
AccountSource picklist({SOURCES})
SicDesc string(80)
IsPartner boolean d
""",
    "Opportunity": f"""
Name string(120) *n
AccountId reference(Account)
Description textarea(32000)
StageName picklist *
Amount currency
Probability percent d
TotalOpportunityQuantity double
CloseDate date *
Type picklist(Existing Customer - Upgrade|Existing Customer - Replacement|Existing Customer - Downgrade|New Customer)
NextStep string(255)
LeadSource picklist({SOURCES})
IsClosed boolean !d
IsWon boolean !d
ForecastCategory picklist(Omitted|Pipeline|BestCase|MostLikely|Forecast|Closed) !d
ForecastCategoryName picklist(Omitted|Pipeline|Best Case|Most Likely|Commit|Closed) d
CampaignId reference(Campaign)
PartnerAccountId reference(Account)
ContactId reference(Contact)
OwnerId reference(User) d
LastActivityDate date !
LastStageChangeDate datetime !
""",
    "Contact": f"""
Name string(121) !n
LastName string(80) *
FirstName string(40)
Salutation picklist(Mr.|Ms.|Mrs.|Dr.|Prof.|Mx.)
AccountId reference(Account)
{_ADDRESS.format("Mailing")}
{_ADDRESS.format("Other")}
Phone phone
Fax phone
MobilePhone phone
HomePhone phone
OtherPhone phone
ReportsToId reference(Contact)
Email email
Title string(128)
Department string(80)
LeadSource picklist({SOURCES})
Birthdate date
Description textarea(32000)
OwnerId reference(User) d
HasOptedOutOfEmail boolean d
DoNotCall boolean d
MasterRecordId reference(Contact) !
LastActivityDate date !
""",
    "Lead": f"""
Name string(121) !n
LastName string(80) *
FirstName string(40)
Salutation picklist(Mr.|Ms.|Mrs.|Dr.|Prof.|Mx.)
Title string(128)
Company string(255) *
{_ADDRESS.format("")}
Phone phone
MobilePhone phone
Fax phone
Email email
Website url
Description textarea(32000)
LeadSource picklist({SOURCES})
Status picklist(Open - Not Contacted|Working - Contacted|Closed - Converted|Closed - Not Converted) *d
Industry picklist({INDUSTRIES})
Rating picklist(Hot|Warm|Cold)
AnnualRevenue currency
NumberOfEmployees int
OwnerId reference(Group,User) d
HasOptedOutOfEmail boolean d
DoNotCall boolean d
IsConverted boolean !d
ConvertedDate date !
ConvertedAccountId reference(Account) !
ConvertedContactId reference(Contact) !
ConvertedOpportunityId reference(Opportunity) !
IsUnreadByOwner boolean d
MasterRecordId reference(Lead) !
PartnerAccountId reference(Account)
LastActivityDate date !
""",
    "User": f"""
Username string(80) *
Name string(121) !n
LastName string(80) *
FirstName string(40)
CompanyName string(80)
Division string(80)
Department string(80)
Title string(80)
{_ADDRESS.format("")}
Email email *
Alias string(8) *
Phone phone
MobilePhone phone
IsActive boolean d
TimeZoneSidKey picklist(America/Los_Angeles|America/New_York|Europe/London|Europe/Berlin|UTC) *d
LocaleSidKey picklist(en_US|en_GB|de_DE) *d
LanguageLocaleKey picklist(en_US|de|fr) *d
EmailEncodingKey picklist(UTF-8|ISO-8859-1) *d
UserRoleId reference(UserRole)
ProfileId reference(Profile) d
UserType picklist(Standard|PowerPartner|CSPLitePortal|CustomerSuccess|PowerCustomerSuccess|Guest|AutomatedProcess) !d
EmployeeNumber string(20)
FederationIdentifier string(512)
ManagerId reference(User)
ContactId reference(Contact)
AccountId reference(Account) !
LastLoginDate datetime !
""",
    "Organization": f"""
Name string(80) *n
Division string(80)
{_ADDRESS.format("")}
Phone phone
PrimaryContact string(80)
DefaultLocaleSidKey picklist(en_US|en_GB|de_DE) d
TimeZoneSidKey picklist(America/Los_Angeles|America/New_York|Europe/London|Europe/Berlin|UTC) d
LanguageLocaleKey picklist(en_US|de|fr) d
FiscalYearStartMonth int !
OrganizationType picklist(Team Edition|Professional Edition|Enterprise Edition|Developer Edition|Unlimited Edition) !d
NamespacePrefix string(15) !
InstanceName string(5) !
IsSandbox boolean !d
TrialExpirationDate datetime !
DefaultAccountAccess picklist(None|Read|Edit|ControlledByParent) !
DefaultContactAccess picklist(None|Read|Edit|ControlledByParent) !
DefaultOpportunityAccess picklist(None|Read|Edit|ControlledByParent) !
DefaultLeadAccess picklist(None|Read|Edit|ReadEditTransfer) !
""",
    "OpportunityStage": """
MasterLabel string(255) !n
ApiName string(255) !
IsActive boolean !d
SortOrder int !
IsClosed boolean !d
IsWon boolean !d
ForecastCategory picklist(Omitted|Pipeline|BestCase|MostLikely|Forecast|Closed) !
ForecastCategoryName picklist(Omitted|Pipeline|Best Case|Most Likely|Commit|Closed) !
DefaultProbability double !
Description string(255) !
""",
}  # fmt: skip
OBJECTS |= catalogue.SALES | catalogue.SETUP
PLURALS = {"Opportunity": "Opportunities", "Territory2": "Territories", "PricebookEntry": "Price Book Entries"}

STAGES = (  # label, closed, won, category, category name, probability
    ("Prospecting", False, False, "Pipeline", "Pipeline", 10),
    ("Qualification", False, False, "Pipeline", "Pipeline", 10),
    ("Needs Analysis", False, False, "Pipeline", "Pipeline", 20),
    ("Proposal", False, False, "BestCase", "Best Case", 65),
    ("Negotiation", False, False, "Forecast", "Commit", 90),
    ("Closed Won", True, True, "Closed", "Closed", 100),
    ("Closed Lost", True, False, "Omitted", "Omitted", 0),
)


def parse_field(line: str) -> Field:
    """One line of the tables above as a field."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"not a field: {line!r}")
    name, kind, inside, flags = match.groups()
    field = Field(name, kind, required="*" in flags, name_field="n" in flags, defaulted="d" in flags)
    if "!" in flags:
        field.createable = field.updateable = False
    _refine(field, inside or "")
    return field


def _refine(field: Field, inside: str) -> None:
    if field.type == "reference":
        field.refers, field.relationship = tuple(inside.split(",")), relationship_of(field.name)
    elif inside.isdigit():
        field.length = int(inside)
    elif inside:
        field.values = tuple(inside.split("|"))


def parse_fields(text: str) -> list[Field]:
    """A table of fields."""
    return [parse_field(line) for line in text.strip().splitlines()]


def standard_object(name: str) -> SObject:
    """One of the standard objects, fresh."""
    plural = PLURALS.get(name, f"{label_of(name)}s")
    sobject = SObject(name, label_of(name), plural, PREFIXES[name], rights=catalogue.RIGHTS.get(name, "cudrns"))
    sobject.add(parse_fields(SYSTEM) + parse_fields(OBJECTS[name]))
    for one in sobject.fields.values():
        one.children = catalogue.CHILDREN.get((name, one.name))
    lacking = catalogue.HISTORY_LACKS if _keeps_history(name) else catalogue.LACKING.get(name, ())
    for field_name in lacking:
        sobject.drop(field_name)
    if _keeps_history(name):
        sobject.parent = next(one.refers[0] for one in sobject.fields.values() if one.name in _HISTORY_PARENTS)
    return sobject


_HISTORY_PARENTS = {"AccountId", "ContactId", "LeadId", "OpportunityId", "ParentId"}


def _keeps_history(name: str) -> bool:
    return name.endswith("History") and name != "OpportunityHistory"


def history_object(name: str, prefix: str) -> SObject:
    """The object that keeps the field history of a custom object: `Deal_Reg__History` of `Deal_Reg__c`."""
    parent = name.removesuffix("History") + "c"
    sobject = SObject(name, f"{label_of(parent)} History", f"{label_of(parent)} History", prefix, rights="r")
    sobject.add(parse_fields(SYSTEM) + parse_fields(catalogue.HISTORY.format(parent="ParentId", object=parent)))
    sobject.fields["ParentId"].children = "Histories"
    for field_name in catalogue.HISTORY_LACKS:
        sobject.drop(field_name)
    sobject.parent = parent
    return sobject


def other_object(name: str, prefix: str) -> SObject:
    """An object known only by its file: custom, or a standard one without a table here."""
    if name.endswith("__History"):
        return history_object(name, prefix)
    custom = name.endswith("__c")
    sobject = SObject(name, label_of(name), f"{label_of(name)}s", prefix, custom)
    name_field = Field("Name", "string", label=f"{label_of(name)} Name", length=80, name_field=True, defaulted=True)
    owner = parse_field("OwnerId reference(User) d")
    sobject.add([*parse_fields(SYSTEM), *([name_field, owner] if custom else [])])
    return sobject
