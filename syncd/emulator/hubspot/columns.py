"""What the columns of HubSpot exports are called: property labels beside internal names, and associated records."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from syncd.emulator.hubspot.schema import Property
from syncd.emulator.hubspot.types import ObjectType

# label=internal name, where the label does not follow from the name.
_COMMON = (
    "record id=hs_object_id|create date=createdate|last modified date=hs_lastmodifieddate|phone number=phone|"
    "mobile phone number=mobilephone|street address=address|street address 2=address2|state/region=state|"
    "postal code=zip|country/region=country|website url=website|lifecycle stage=lifecyclestage|"
    "owner assigned date=hubspot_owner_assigneddate|hubspot team=hubspot_team_id|"
    "merged record ids=hs_merged_object_ids|pipeline=hs_pipeline"
)
_OWN = {
    "companies": "company name=name|company domain name=domain|number of employees=numberofemployees|"
                 "annual revenue=annualrevenue|year founded=founded_year|about us=about_us|time zone=timezone|"
                 "linkedin company page=linkedin_company_page|number of associated contacts=num_associated_contacts|"
                 "number of associated deals=num_associated_deals",
    "deals": "deal name=dealname|deal stage=dealstage|close date=closedate|deal type=dealtype|"
             "deal description=description|currency=deal_currency_code|next step=hs_next_step|priority=hs_priority|"
             "forecast amount=hs_forecast_amount|closed lost reason=closed_lost_reason|"
             "closed won reason=closed_won_reason|is deal closed?=hs_is_closed|is closed won=hs_is_closed_won|"
             "deal probability=hs_deal_stage_probability|pipeline=pipeline",
    "contacts": "first name=firstname|last name=lastname|job title=jobtitle|company name=company|"
                "lead status=hs_lead_status|primary associated company id=associatedcompanyid",
    "tickets": "ticket name=subject|ticket description=content|ticket status=hs_pipeline_stage|"
               "priority=hs_ticket_priority|category=hs_ticket_category|close date=closed_date",
}  # fmt: skip
_ASSOCIATED = re.compile(r"associated (?P<type>.+?)(?P<ids> ids?)?(?: \(.*\))?")


def folded(text: str) -> str:
    """A label as labels are compared."""
    return " ".join(text.casefold().split())


def property_of(kind: ObjectType, properties: Mapping[str, Property], header: str) -> str | None:
    """The property that a column of an export of this type holds, or None where none is called so."""
    if header in properties:
        return header
    label = folded(header)
    if label in ("owner", f"{kind.singular} owner", f"{kind.singular.replace('_', ' ')} owner"):
        return "hubspot_owner_id"
    if label == "deal stage" and kind.name != "deals":
        return None
    for pairs in (_OWN.get(kind.name, ""), _COMMON):
        for pair in filter(None, pairs.split("|")):
            words, _, name = pair.partition("=")
            if words == label:
                return _stamp(kind, name) if name.endswith("date") else name
    return next((name for name, one in properties.items() if label in (folded(one.label), folded(name))), None)


def _stamp(kind: ObjectType, name: str) -> str:
    return {"createdate": kind.created, "hs_lastmodifieddate": kind.modified}.get(name, name)


def associated_type(header: str) -> tuple[str, bool] | None:
    """`Associated Company IDs` → ("company", True), `Associated Company` → ("company", False), else None."""
    found = _ASSOCIATED.fullmatch(folded(header))
    return None if found is None else (found["type"].replace(" ", "_"), found["ids"] is not None)


def internal_name(header: str, taken: Mapping[str, object]) -> str:
    """A custom property's internal name for a label: `Partner Tier` becomes partner_tier."""
    if re.fullmatch(r"[a-z][a-z0-9_]*", header):
        return header
    plain = unicodedata.normalize("NFKD", header).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    name = (words if words[:1].isalpha() else f"n{words}")[:90]
    full, count = name, 1
    while full in taken:
        count += 1
        full = f"{name}_{count}"
    return full
