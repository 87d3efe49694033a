"""What the columns of Salesforce exports are called: report labels, API names, and names for columns unknown here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from syncd.emulator.salesforce.schema import SObject

# Labels of standard reports that do not follow from the field's API name.
_LABELS = {
    "": "deleted=IsDeleted|created date=CreatedDate|last modified date=LastModifiedDate|employees=NumberOfEmployees|"
        "billing state/province=BillingState|billing zip/postal code=BillingPostalCode|"
        "billing address line 1=BillingStreet|shipping state/province=ShippingState|"
        "shipping zip/postal code=ShippingPostalCode|shipping address line 1=ShippingStreet|"
        "mailing state/province=MailingState|mailing zip/postal code=MailingPostalCode|state/province=State|"
        "mailing address line 1=MailingStreet|zip/postal code=PostalCode|address line 1=Street|"
        "mobile=MobilePhone|last activity=LastActivityDate|active=IsActive|converted=IsConverted|"
        "system modstamp=SystemModstamp",
    "Account": "account site=Site|sic code=Sic|sic description=SicDesc|partner account=IsPartner",
    "Opportunity": "stage=StageName|probability (%)=Probability|closed=IsClosed|won=IsWon|"
                   "quantity=TotalOpportunityQuantity|forecast category=ForecastCategoryName",
    "Lead": "company / account=Company|lead owner id=OwnerId",
    "Contact": "email opt out=HasOptedOutOfEmail",
}  # fmt: skip
_OWNERS = ("owner", "owner name", "owner: full name", "owner full name", "{0} owner", "{0} owner: full name",
           "{0} owner name", "owner.name")  # fmt: skip
_USERS = {"created by": "CreatedById", "created by: full name": "CreatedById", "createdby.name": "CreatedById",
          "last modified by": "LastModifiedById", "last modified by: full name": "LastModifiedById",
          "lastmodifiedby.name": "LastModifiedById"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds: a field, and whether its cells name the record that a reference points to."""

    field: str
    by_name: bool = False


def folded(text: str) -> str:
    """A label as labels are compared."""
    return " ".join(text.casefold().split())


def column_of(sobject: SObject, header: str) -> Column | None:
    """What a column of an export of this object holds, or None where nothing here is called so."""
    exact = sobject.field(header)
    if exact is not None:
        return Column(exact.name)
    own = folded(sobject.label)
    label = folded(header).removeprefix(f"{own}: ")
    if label in (f"{own} id", "record id", "id", f"{own} record id"):
        return Column("Id")
    if label in (f"{own} name", "full name") and sobject.field("Name") is not None:
        return Column("Name")
    if label in [pattern.format(own) for pattern in _OWNERS] and sobject.owned:
        return Column("OwnerId", by_name=True)
    if label in _USERS:
        return Column(_USERS[label], by_name=True)
    return _labelled(sobject, own, label) or _referring(sobject, label)


def _labelled(sobject: SObject, own: str, label: str) -> Column | None:
    for group in (sobject.name, ""):
        for pair in filter(None, _LABELS.get(group, "").split("|")):
            words, _, name = pair.partition("=")
            if words == label and sobject.field(name) is not None:
                return Column(name)
    for field in sobject.fields.values():
        if folded(field.label) == label or f"{own} {folded(field.label)}" == label:
            return Column(field.name, by_name=field.type == "reference")
    return None


def _referring(sobject: SObject, label: str) -> Column | None:
    """`Account ID`, `Account Name`, `Account: Account Name`, `Account.Name`, `Parent Account` and their like."""
    bare = re.sub(r"^(.+?)(?:: | \b)\1 ", r"\1 ", label).replace(".", " ")
    for field in sobject.fields.values():
        if field.type != "reference":
            continue
        relation = folded(field.label)
        targets = [folded(target) for target in field.refers]
        spoken = {relation, *(f"{relation} {target}" for target in targets)}
        if bare in {f"{one} id" for one in spoken}:
            return Column(field.name)
        if bare in {f"{one} name" for one in spoken} | spoken:
            return Column(field.name, by_name=True)
    return None


def custom_name(header: str, taken: set[str]) -> str:
    """A custom field's API name for a label: `Partner Tier` becomes Partner_Tier__c."""
    if re.fullmatch(r"[A-Za-z]\w*__[a-z]+", header):
        return header
    if re.fullmatch(r"[A-Z]\w*__C", header):  # Data Loader shouts
        return "_".join(part.capitalize() for part in header[:-3].split("_")) + "__c"
    plain = unicodedata.normalize("NFKD", header).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    name = words if words[:1].isalpha() else f"X{words}"
    name, count = name[:36], 1
    while (full := f"{name}{count if count > 1 else ''}__c").lower() in taken:
        count += 1
    return full
