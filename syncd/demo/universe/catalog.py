"""What both systems are set up with: products, stages, columns and custom fields, and the phrases people type."""

from syncd.demo.universe.write import Row

PRODUCTS: dict[str, str] = {
    "core": "Core Platform",
    "analytics": "Analytics",
    "security": "Security",
    "integration": "Integration Hub",
    "mobile": "Mobile",
    "archive": "Archive",
    "support_plus": "Support Plus",
    "training": "Training",
}
"""Code in the portal → label in Salesforce's `Products__c`."""

OPEN_STAGES = ("Prospecting", "Qualification", "Needs Analysis", "Proposal", "Negotiation")
WON, LOST = "Closed Won", "Closed Lost"

STAMP_COLUMNS = (
    "Syncd_Status__c", "Syncd_Partner__c", "Syncd_Scope__c", "Syncd_Since__c", "Syncd_Until__c", "Syncd_Reason__c",
    "Syncd_Contact__c", "Syncd_Number__c", "Syncd_Count__c", "Syncd_As_Of__c",
)  # fmt: skip
AUDIT_COLUMNS = ("CreatedDate", "LastModifiedDate", "SystemModstamp", "CreatedById")
USER_COLUMNS = ("Id", "Username", "Name", "FirstName", "LastName", "Email", "IsActive", "UserType", "Title")
ACCOUNT_COLUMNS = (
    "Id", "Name", "Website", "Phone", "BillingStreet", "BillingCity", "BillingPostalCode", "BillingCountry", "Industry",
    "NumberOfEmployees", "Type", "ParentId", "OwnerId", "Named_Account__c", "Last_Order_Date__c",
    *AUDIT_COLUMNS, *STAMP_COLUMNS,
)  # fmt: skip
OPPORTUNITY_COLUMNS = (
    "Id", "AccountId", "Name", "StageName", "Amount", "CurrencyIsoCode", "CloseDate", "Type", "LeadSource",
    "Products__c", "Partner_Name__c", "PRM_Registration_Id__c", "OwnerId", "Channel_Owner__c", "LastActivityDate",
    "Closed_At__c", *AUDIT_COLUMNS, *STAMP_COLUMNS,
)  # fmt: skip
HEARTBEAT_COLUMNS = ("Id", "Name", "Last_Seen__c")
STAGE_COLUMNS = ("ApiName", "MasterLabel", "IsClosed", "IsWon", "IsActive", "SortOrder")
FIELD_COLUMNS = ("object", "name", "type", "label", "length", "values", "unique", "external_id")

COMPANY_COLUMNS = (
    "hs_object_id", "name", "domain", "website", "address", "city", "zip", "country", "phone", "industry",
    "numberofemployees", "createdate", "hs_lastmodifieddate", "syncd_last_seen",
)  # fmt: skip
DEAL_STAMP_COLUMNS = (
    "syncd_status", "syncd_reason", "syncd_number", "syncd_until", "syncd_received_at", "syncd_as_of",
)  # fmt: skip
DEAL_COLUMNS = (
    "hs_object_id", "dealname", "pipeline", "dealstage", "amount", "deal_currency_code", "closedate", "createdate",
    "hs_lastmodifieddate", "hubspot_owner_id", "associations.companies", "partner_id", "partner_contact_email",
    "submitted_at", "products", "timeline", "buying_stage", "competition", "current_vendor", "decision_makers",
    "how_identified", "first_contact_date", "activities_done", "next_steps", "proof_type", "proof_of_relationship",
    "approved_at", "protection_end", "registration_number", *DEAL_STAMP_COLUMNS,
)  # fmt: skip
PARTNER_COLUMNS = (
    "hs_object_id", "partner_id", "partner_name", "status", "tier", "agreement_date", "region",
    "channel_manager_email", "createdate", "hs_lastmodifieddate",
)  # fmt: skip
OWNER_COLUMNS = ("id", "email", "firstName", "lastName", "userId", "type", "archived")
PIPELINE_COLUMNS = (
    "object", "pipeline_id", "pipeline_label", "stage_id", "stage_label", "display_order", "is_closed", "probability",
)  # fmt: skip
PROPERTY_COLUMNS = (*FIELD_COLUMNS, "field_type")
"""`field_type` is HubSpot's `fieldType`; an enumeration with `checkbox` takes several values, joined by `;`."""

BUYING_STAGES = ("problem_identified", "exploring", "evaluating", "shortlist", "negotiating")
HOW_IDENTIFIED = ("outbound", "existing_relationship", "event", "referral", "inbound", "tender_watch")
PROOF_TYPES = ("introduction", "meeting", "discovery", "bant")
TIMELINES = (
    "Decision this quarter", "Decision next quarter", "Go-live within six months", "Budget approved for next year",
    "Contract of the current supplier ends in spring", "Pilot first, roll-out in two phases",
)  # fmt: skip
COMPETITION = ("None known", "Orvaltec", "Brightdesk", "Sollentis", "In-house build", "Orvaltec; Sollentis", "Kundrix")
CURRENT_VENDORS = ("Spreadsheets", "Brightdesk 7", "Kundrix on premise", "In-house system", "Orvaltec", "None")
ACTIVITIES = (
    "Two calls with the project lead; sent an outline of the offer",
    "Discovery workshop on site, notes attached",
    "Demo for the operations team; questions answered by mail",
    "Introduced by a board member; first meeting held",
    "Requirements gathered with IT and finance; budget range discussed",
)
NEXT_STEPS = (
    "Technical demo with the vendor's engineer",
    "Proof of concept with two departments",
    "Send the commercial proposal",
    "Meet the sponsor to agree on the business case",
    "Reference call with a similar customer",
)
PROOFS = (
    "Minutes of the meeting with the project sponsor, agreed by mail on the same day",
    "Invitation and attendance list of the discovery workshop",
    "Mail of the customer asking for an offer, forwarded to the channel team",
)
DIRECT_SOURCES = ("Web", "Phone Inquiry", "Event", "Purchased List", "Employee Referral", "Other")
TYPES = ("New Business", "Existing Business", "Renewal")

INDUSTRY_WORDS = (
    ("Education", ("SCHOOL", "ACADEM", "COLLEGE", "UNIVERSITY", "EDUCATION", "LEARNING")),
    ("Government", ("COUNCIL", "BOROUGH", "POLICE", "AUTHORITY", "COMMISSION")),
    ("Healthcare", ("NHS", "HOSPITAL", "HEALTH", "CARE ", "CARE)", "MEDICAL", "NURSING", "PHARMA")),
    ("Not For Profit", ("CHARIT", "FOUNDATION", "TRUST", "SOCIETY", "HOUSING")),
    ("Insurance", ("INSURANCE", "ASSURANCE", "UNDERWRIT")),
    ("Banking", ("BANK",)),
    ("Finance", ("FINANC", "CAPITAL", "INVESTMENT", "ASSET")),
    ("Construction", ("CONSTRUCTION", "BUILD", "HOMES", "CIVIL")),
    (
        "Transportation",
        ("TRANSPORT", "LOGISTIC", "BUSES", "COACH", "RAIL", "FREIGHT", "AIRPORT", "AIRWAYS", "SHIPPING"),
    ),
    ("Hospitality", ("HOTEL", "RESTAURANT", "LEISURE", "INNS", "PUBS")),
    ("Retail", ("RETAIL", "STORES", "MOTOR", "SHOP", "FASHION")),
    ("Food & Beverage", ("FOOD", "BAKER", "BREW", "DAIR", "CATERING")),
    ("Energy", ("ENERGY", "POWER", "GAS ", "OIL ")),
    ("Technology", ("SOFTWARE", "TECHNOLOG", "SYSTEMS", "DIGITAL", "DATA", "COMPUT")),
    ("Engineering", ("ENGINEER", "AEROSPACE")),
)
"""Industry by the first of these beginnings of words found in a company's name; otherwise one of `OTHER_INDUSTRIES`."""
OTHER_INDUSTRIES = ("Business Services", "Manufacturing", "Consulting", "Other")


def opportunity_stages() -> list[Row]:
    stages = [*((name, "false", "false") for name in OPEN_STAGES), (WON, "true", "true"), (LOST, "true", "false")]
    return [
        dict(zip(STAGE_COLUMNS, (name, name, closed, won, "true", str(order)), strict=True))
        for order, (name, closed, won) in enumerate(stages, start=1)
    ]


def salesforce_fields() -> list[Row]:
    rows = []
    for name in ("Account", "Opportunity"):
        rows += [
            _field(name, "Syncd_Status__c", "picklist", "Protection", values="pending;protected;review;direct;ended"),
            _field(name, "Syncd_Partner__c", "string", "Protected Partner", 255),
            _field(name, "Syncd_Scope__c", "string", "Protected Products", 255),
            _field(name, "Syncd_Since__c", "datetime", "Protected Since"),
            _field(name, "Syncd_Until__c", "datetime", "Protected Until"),
            _field(name, "Syncd_Reason__c", "string", "Protection Reason", 80),
            _field(name, "Syncd_Contact__c", "string", "Channel Contact", 255),
            _field(name, "Syncd_Number__c", "string", "Registration Number", 40),
            _field(name, "Syncd_Count__c", "double", "Protections"),
            _field(name, "Syncd_As_Of__c", "datetime", "Decided At"),
        ]
    return [
        *rows,
        _field("Account", "Named_Account__c", "boolean", "Named Account"),
        _field("Account", "Last_Order_Date__c", "date", "Last Order Date"),
        _field("Opportunity", "Products__c", "multipicklist", "Products", values=";".join(PRODUCTS.values())),
        _field("Opportunity", "Partner_Name__c", "string", "Partner Name", 255),
        _field("Opportunity", "PRM_Registration_Id__c", "string", "PRM Registration Id", 40, external=True),
        _field("Opportunity", "Channel_Owner__c", "reference", "Channel Owner", values="User"),
        _field("Opportunity", "Closed_At__c", "datetime", "Closed At"),
        _field("Syncd_Heartbeat__c", "Last_Seen__c", "datetime", "Last Seen"),
    ]


def pipelines() -> list[Row]:
    registrations = (
        ("draft", "Draft", "false", "0.0"),
        ("submitted", "Submitted", "false", "0.2"),
        ("in_review", "In Review", "false", "0.4"),
        ("approved", "Approved", "false", "0.6"),
        ("rejected", "Rejected", "true", "0.0"),
        ("expired", "Expired", "true", "0.0"),
    )
    default = (
        ("appointmentscheduled", "Appointment Scheduled", "false", "0.2"),
        ("qualifiedtobuy", "Qualified To Buy", "false", "0.4"),
        ("contractsent", "Contract Sent", "false", "0.9"),
        ("closedwon", "Closed Won", "true", "1.0"),
        ("closedlost", "Closed Lost", "true", "0.0"),
    )
    return [
        dict(zip(PIPELINE_COLUMNS, ("deals", name, label, stage, text, str(order), closed, chance), strict=True))
        for name, label, stages in (
            ("registrations", "Deal Registrations", registrations),
            ("default", "Sales Pipeline", default),
        )
        for order, (stage, text, closed, chance) in enumerate(stages)
    ]


def hubspot_properties() -> list[Row]:
    deals = [
        _property("partner_id", "string", "Partner Id"),
        _property("partner_contact_email", "string", "Partner Contact"),
        _property("submitted_at", "datetime", "Submitted At"),
        _property("products", "enumeration", "Products", ";".join(PRODUCTS), "checkbox"),
        _property("timeline", "string", "Timeline"),
        _property("buying_stage", "enumeration", "Buying Stage", ";".join(BUYING_STAGES)),
        _property("competition", "string", "Competition"),
        _property("current_vendor", "string", "Current Vendor"),
        _property("decision_makers", "string", "Decision Makers", kind="textarea"),
        _property("how_identified", "enumeration", "How Identified", ";".join(HOW_IDENTIFIED)),
        _property("first_contact_date", "date", "First Contact"),
        _property("activities_done", "string", "Activities Done", kind="textarea"),
        _property("next_steps", "string", "Next Steps", kind="textarea"),
        _property("proof_type", "enumeration", "Kind of Proof", ";".join(PROOF_TYPES)),
        _property("proof_of_relationship", "string", "Proof of Relationship", kind="textarea"),
        _property("approved_at", "datetime", "Approved At"),
        _property("protection_end", "datetime", "Protection End"),
        _property("registration_number", "string", "Registration Number"),
        _property(
            "syncd_status",
            "enumeration",
            "Registration Status",
            "pending;approved;rejected;returned;waiting;review;expired;withdrawn",
        ),
        _property("syncd_reason", "string", "Reason"),
        _property("syncd_number", "string", "Acknowledgement Number"),
        _property("syncd_until", "datetime", "Protected Until"),
        _property("syncd_received_at", "datetime", "Received At"),
        _property("syncd_as_of", "datetime", "Decided At"),
    ]
    partners = [
        {**_property("partner_id", "string", "Partner Id"), "unique": "true"},
        _property("partner_name", "string", "Partner Name"),
        _property("status", "enumeration", "Status", "active;suspended;terminated"),
        _property("tier", "enumeration", "Tier", "Gold;Silver;Registered"),
        _property("agreement_date", "date", "Agreement Date"),
        _property("region", "string", "Region"),
        _property("channel_manager_email", "string", "Channel Manager"),
    ]
    return [
        *({"object": "deals", **row} for row in deals),
        {"object": "companies", **_property("syncd_last_seen", "datetime", "syncd Last Seen")},
        *({"object": "p_partners", **row} for row in partners),
    ]


def _field(
    owner: str, name: str, kind: str, label: str, length: int = 0, values: str = "", external: bool = False
) -> Row:
    return {
        "object": owner,
        "name": name,
        "type": kind,
        "label": label,
        "length": str(length or ""),
        "values": values,
        "unique": "false",
        "external_id": "true" if external else "false",
    }


FIELD_TYPES = {"string": "text", "datetime": "date", "date": "date", "enumeration": "select"}


def _property(name: str, type_: str, label: str, values: str = "", kind: str = "") -> Row:
    return {
        "name": name,
        "type": type_,
        "label": label,
        "length": "",
        "values": values,
        "unique": "false",
        "external_id": "false",
        "field_type": kind or FIELD_TYPES[type_],
    }
