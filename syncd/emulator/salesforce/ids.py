"""Salesforce record ids: the checksum suffix, the key prefixes, and minting."""

from __future__ import annotations

import re
from functools import lru_cache

SUFFIXES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?")

PREFIXES = {
    "Account": "001", "Contact": "003", "User": "005", "Opportunity": "006", "OpportunityHistory": "008",
    "AccountContactRole": "02Z", "OpportunityContactRole": "00K", "OpportunityLineItem": "00k", "Lead": "00Q",
    "Task": "00T", "Event": "00U", "Group": "00G", "Profile": "00e", "UserRole": "00E",
    "Organization": "00D", "OpportunityStage": "01J", "OpportunityFieldHistory": "017", "Product2": "01t",
    "Pricebook2": "01s", "PricebookEntry": "01u", "RecordType": "012", "Campaign": "701", "Case": "500",
    "Contract": "800", "Order": "801", "Asset": "02i", "AccountHistory": "017", "AccountTeamMember": "01M",
    "OpportunityTeamMember": "00q", "Territory2": "0MI", "ObjectTerritory2Association": "0OM",
    "UserTerritory2Association": "0MJ", "Partner": "00I", "Note": "002", "ContentDocumentLink": "06A",
    "ContentVersion": "068", "ContentDocument": "069", "CurrencyType": "01L", "DatedConversionRate": "04w",
    "OpportunityPartner": "00J", "AccountPartner": "00I", "PermissionSet": "0PS", "Quote": "0Q0",
    "PermissionSetAssignment": "0Pa", "ObjectPermissions": "110", "FieldPermissions": "01k", "GroupMember": "011",
    "UserRecordAccess": "0Ur", "EntityDefinition": "4ie", "ContactHistory": "017", "LeadHistory": "017",
}  # fmt: skip


def suffix(id15: str) -> str:
    """The three characters that make a case-sensitive id safe in case-blind tools."""
    return _letter(id15[:5]) + _letter(id15[5:10]) + _letter(id15[10:15])


@lru_cache(maxsize=65536)
def _letter(block: str) -> str:
    return SUFFIXES[sum(1 << bit for bit, char in enumerate(block) if "A" <= char <= "Z")]


def normal(id_: str) -> str | None:
    """The 18-character form of a 15- or 18-character id, or None if it is not an id."""
    if not _SHAPE.fullmatch(id_):
        return None
    full = id_[:15] + suffix(id_[:15])
    return full if len(id_) == 15 or full == id_ else None


def base62(number: int, width: int) -> str:
    """A number in Salesforce's digits, padded with zeros."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return digits.rjust(width, "0")


def number_of(digits: str) -> int | None:
    """The number behind base62 digits, or None if there is another character."""
    number = 0
    for digit in digits:
        if digit not in DIGITS:
            return None
        number = number * 62 + DIGITS.index(digit)
    return number


def mint(prefix: str, number: int, instance: str) -> str:
    """The id of the n-th record of an object on an instance (two characters)."""
    id15 = f"{prefix[:3]}{instance}0{base62(number, 9)}"
    return id15 + suffix(id15)
