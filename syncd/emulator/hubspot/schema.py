"""Property definitions of the portal, standard and custom."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.emulator.hubspot.pipelines import EPOCH
from syncd.emulator.hubspot.types import ObjectType

_LINE = re.compile(r"(\w+) (\w+)(?:\((.*)\))? ?([!uc]*)")
FIELD_TYPES = {"string": "text", "number": "number", "date": "date", "datetime": "date", "enumeration": "select",
               "bool": "booleancheckbox", "phone_number": "phonenumber"}  # fmt: skip


@dataclass(slots=True)
class Property:
    """One property; `options` are (label, value) pairs, `references` is OWNER if it holds the id of an owner."""

    name: str
    type: str = "string"
    label: str = ""
    field_type: str = ""
    group: str = ""
    description: str = ""
    options: tuple[tuple[str, str], ...] = ()
    unique: bool = False
    read_only: bool = False
    calculated: bool = False
    standard: bool = True
    references: str = ""
    hidden: bool = False
    order: int = -1
    created: str = EPOCH
    updated: str = EPOCH
    archived: str | None = None

    def __post_init__(self) -> None:
        self.label = self.label or self.name.removeprefix("hs_").replace("_", " ").capitalize()
        self.field_type = self.field_type or FIELD_TYPES.get(self.type, "text")

    @property
    def values(self) -> set[str]:
        """The values an enumeration allows."""
        return {value for _, value in self.options}


@dataclass(slots=True)
class Group:
    """A heading under which properties are listed."""

    name: str
    label: str
    order: int = -1


# name type[(a|b)] flags: ! set by HubSpot, c calculated from other values, u unique
_COMMON = """
hs_object_id number !
hs_merged_object_ids enumeration !
hs_created_by_user_id number !
hs_updated_by_user_id number !
hs_object_source string !
hs_object_source_id string !
hubspot_owner_id enumeration
hubspot_owner_assigneddate datetime !
hubspot_team_id enumeration !
"""
_ADDRESS = "address string\ncity string\nstate string\nzip string\ncountry string\n"
_LIFECYCLES = "subscriber|lead|marketingqualifiedlead|salesqualifiedlead|opportunity|customer|evangelist|other"
_INDUSTRIES = (
    "ACCOUNTING|AUTOMOTIVE|BANKING|BIOTECHNOLOGY|CHEMICALS|COMPUTER_SOFTWARE|CONSTRUCTION|CONSUMER_GOODS|"
    "FINANCIAL_SERVICES|GOVERNMENT_ADMINISTRATION|HIGHER_EDUCATION|HOSPITAL_HEALTH_CARE|"
    "INFORMATION_TECHNOLOGY_AND_SERVICES|INSURANCE|INTERNET|LOGISTICS_AND_SUPPLY_CHAIN|MACHINERY|"
    "MANAGEMENT_CONSULTING|RETAIL|TELECOMMUNICATIONS|UTILITIES"
)
_OWN = {
    "companies": f"""{_ADDRESS}
name string
domain string
website string
phone phone_number
address2 string
industry enumeration({_INDUSTRIES})
type enumeration(PROSPECT|PARTNER|RESELLER|VENDOR|OTHER)
numberofemployees number
annualrevenue number
description string
about_us string
founded_year string
linkedin_company_page string
timezone string
lifecyclestage enumeration({_LIFECYCLES})
hs_parent_company_id number !
num_associated_contacts number !c
num_associated_deals number !c
""",
    "deals": """
dealname string
amount number
closedate datetime
dealstage enumeration
pipeline enumeration
dealtype enumeration(newbusiness|existingbusiness)
description string
deal_currency_code enumeration
hs_next_step string
hs_priority enumeration(low|medium|high)
hs_forecast_amount number
closed_lost_reason string
closed_won_reason string
amount_in_home_currency number !c
hs_is_closed bool !c
hs_is_closed_won bool !c
hs_deal_stage_probability number !c
num_associated_contacts number !c
""",
    "contacts": f"""{_ADDRESS}
email string u
firstname string
lastname string
phone phone_number
mobilephone phone_number
company string
jobtitle string
website string
hs_lead_status enumeration(NEW|OPEN|IN_PROGRESS|OPEN_DEAL|UNQUALIFIED|ATTEMPTED_TO_CONTACT|CONNECTED|BAD_TIMING)
associatedcompanyid number
num_associated_deals number !c
lifecyclestage enumeration({_LIFECYCLES})
""",
    "tickets": """
subject string
content string
hs_pipeline enumeration
hs_pipeline_stage enumeration
hs_ticket_category enumeration(PRODUCT_ISSUE|BILLING_ISSUE|FEATURE_REQUEST|GENERAL_INQUIRY)
hs_ticket_priority enumeration(LOW|MEDIUM|HIGH|URGENT)
closed_date datetime
""",
    "products": "name string\ndescription string\nprice number\nhs_sku string\nhs_cost_of_goods_sold number",
    "line_items": """
name string
description string
quantity number
price number
amount number !c
discount number
hs_line_item_currency_code enumeration
hs_product_id number
hs_sku string
""",
    "quotes": "hs_title string\nhs_expiration_date datetime\nhs_status string",
    "quote_templates": "hs_name string",
    "orders": """
hs_order_name string
hs_total_price number
hs_currency_code enumeration
hs_external_order_id string
hs_external_created_date datetime
""",
    "communications": "hs_communication_body string\nhs_communication_channel_type string\nhs_timestamp datetime",
    "tasks": """
hs_task_subject string
hs_task_body string
hs_task_status enumeration(NOT_STARTED|IN_PROGRESS|WAITING|COMPLETED|DEFERRED)
hs_task_priority enumeration(NONE|LOW|MEDIUM|HIGH)
hs_timestamp datetime
""",
    "notes": "hs_note_body string\nhs_timestamp datetime",
    "meetings": """
hs_meeting_title string
hs_meeting_body string
hs_meeting_outcome enumeration(SCHEDULED|COMPLETED|RESCHEDULED|NO_SHOW|CANCELED)
hs_meeting_start_time datetime
hs_meeting_end_time datetime
hs_timestamp datetime
""",
    "calls": """
hs_call_title string
hs_call_body string
hs_call_status string
hs_call_direction enumeration(INBOUND|OUTBOUND)
hs_call_duration number
hs_timestamp datetime
""",
    "emails": """
hs_email_subject string
hs_email_text string
hs_email_direction enumeration(EMAIL|INCOMING_EMAIL|FORWARDED_EMAIL)
hs_email_status string
hs_timestamp datetime
""",
    "leads": """
hs_lead_name string
hs_lead_type enumeration(NEW_BUSINESS|UPSELL|RE_ATTEMPTING)
hs_lead_label enumeration(HOT|WARM|COLD)
hs_pipeline enumeration
hs_pipeline_stage enumeration
""",
}


def standard_properties(kind: ObjectType) -> dict[str, Property]:
    """The properties that every portal has for a type."""
    group = f"{kind.singular.removeprefix('p_')}information"
    text = f"{_COMMON}\n{kind.created} datetime !\n{kind.modified} datetime !\n{_OWN.get(kind.name, '')}"
    found = [_parse(line, group) for line in text.splitlines() if line]
    return {one.name: one for one in found}


def standard_groups(kind: ObjectType) -> dict[str, Group]:
    """The one group that every type starts with."""
    name = f"{kind.singular.removeprefix('p_')}information"
    return {name: Group(name, f"{kind.singular.removeprefix('p_').capitalize()} information", 0)}


def _parse(line: str, group: str) -> Property:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"not a property: {line!r}")
    name, kind, inside, flags = match.groups()
    options = tuple((value.replace("_", " ").capitalize(), value) for value in (inside or "").split("|") if value)
    return Property(name, kind, group=group, options=options, unique="u" in flags, read_only="!" in flags,
                    calculated="c" in flags, references="OWNER" if name == "hubspot_owner_id" else "")  # fmt: skip
