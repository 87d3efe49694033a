"""Recognises the headers of exports: what Salesforce and HubSpot call a field on the screen, and its API name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_PLAIN = re.compile(r"[^a-z0-9]+")


def plain(header: str) -> str:
    """A header without case, blanks, punctuation and the mark of a custom field."""
    folded = unicodedata.normalize("NFKD", header.strip().casefold())
    return _PLAIN.sub("", re.sub(r"__c$", "", "".join(c for c in folded if not unicodedata.combining(c))))


Labels = Mapping[str, str]
"""API name -> labels, separated by commas, the most telling first; `{}` stands for what one record is called."""


@dataclass(frozen=True, slots=True)
class System:
    """How the exports of one system are headed.

    `id`, `stamps` and `deleted` are the API names of what every record has; `import_id` heads the id in an import file.
    `cleared` is what empties a field at an import. `moments` and `days` are the fields whose dates are understood.
    """

    id: str
    import_id: str
    stamps: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    cleared: str = ""
    everywhere: Labels = field(default_factory=dict)
    of: Mapping[str, Labels] = field(default_factory=dict)
    singular: Mapping[str, str] = field(default_factory=dict)
    moments: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()


# Labels as the standard English screens, list views and reports have them. What an org has renamed is for `columns` in
# the settings; a custom field is found by its own name (`Named Account` is Named_Account__c).
SALESFORCE = System(
    id="Id",
    import_id="Id",
    stamps=("SystemModstamp", "LastModifiedDate"),
    deleted=("IsDeleted",),
    cleared="#N/A",  # of the Bulk API; an empty cell leaves the field alone
    everywhere={
        "Id": "{} ID, Record ID",
        "Name": "{} Name",
        "OwnerId": "Owner ID, {} Owner ID",
        "CurrencyIsoCode": "Currency ISO Code, {} Currency, Amount Currency, Currency",
        "IsDeleted": "Deleted",
        "SystemModstamp": "System Modstamp",
    },
    of={
        "Account": {
            "BillingStreet": "Billing Street, Billing Address Line 1",
            "BillingState": "Billing State/Province",
            "BillingPostalCode": "Billing Zip/Postal Code",
            "ShippingStreet": "Shipping Street, Shipping Address Line 1",
            "ShippingState": "Shipping State/Province",
            "ShippingPostalCode": "Shipping Zip/Postal Code",
            "NumberOfEmployees": "Employees",
            "ParentId": "Parent Account ID",
            "Type": "Account Type",
        },
        "Opportunity": {
            "StageName": "Stage",
            "IsClosed": "Closed",
            "IsWon": "Won",
            "LastActivityDate": "Last Activity",
            "Type": "Opportunity Type",
        },
        "Lead": {
            "Company": "Company / Account",
            "State": "State/Province",
            "PostalCode": "Zip/Postal Code",
            "IsConverted": "Converted",
            "Status": "Lead Status",
        },
        "User": {"Name": "Full Name", "IsActive": "Active"},
    },
    moments=frozenset({"CreatedDate", "LastModifiedDate", "SystemModstamp"}),
    days=frozenset({"CloseDate", "LastActivityDate", "ConvertedDate"}),
)

HUBSPOT = System(
    id="hs_object_id",
    import_id="Record ID",
    stamps=("hs_lastmodifieddate", "lastmodifieddate"),
    everywhere={
        "hs_object_id": "Record ID",
        "createdate": "Create Date",
        "hs_createdate": "Object create date/time",
        "hs_lastmodifieddate": "Last Modified Date, Object last modified date/time",
        "lastmodifieddate": "Last Modified Date",
        "hubspot_owner_id": "{} owner",
        "associations.companies": "Primary Associated Company ID, Associated Company IDs, Associated Company ID",
        "associations.contacts": "Associated Contact IDs, Associated Contact ID",
        "associations.deals": "Associated Deal IDs, Associated Deal ID",
    },
    of={
        "companies": {
            "name": "Company name",
            "domain": "Company Domain Name",
            "website": "Website URL",
            "address": "Street Address",
            "zip": "Postal Code",
            "state": "State/Region",
            "country": "Country/Region",
            "phone": "Phone Number",
        },
        "deals": {"deal_currency_code": "Currency"},
        "contacts": {"phone": "Phone Number", "zip": "Postal Code"},
    },
    singular={"companies": "Company", "deals": "Deal", "contacts": "Contact", "tickets": "Ticket"},
    moments=frozenset({"createdate", "hs_createdate", "hs_lastmodifieddate", "lastmodifieddate"}),
    days=frozenset({"closedate"}),
)

OTHER = System(id="Id", import_id="")

SYSTEMS: Mapping[str, System] = {"salesforce": SALESFORCE, "hubspot": HUBSPOT, "other": OTHER}


class Headers:
    """The header row of one file, asked by native name."""

    def __init__(
        self, cells: Sequence[str], object_: str, system: System, own: Mapping[str, str] | None = None
    ) -> None:
        self.cells = [cell.strip() for cell in cells]
        self._object, self._system = object_, system
        self._own = {plain(header): native for header, native in (own or {}).items()}
        self._exact = {cell: n for n, cell in reversed(list(enumerate(self.cells)))}
        self._plain = {plain(cell): n for n, cell in reversed(list(enumerate(self.cells))) if cell}

    def find(self, native: str) -> int | None:
        """The position of a native field's column: by the settings' own word, its API name, then its label."""
        for header, named in self._own.items():
            if named == native and header in self._plain:
                return self._plain[header]
        if native in self._exact:
            return self._exact[native]
        known = (self._plain.get(plain(label)) for label in self._labels(native))
        found = next((position for position in known if position is not None), None)
        return self._plain.get(plain(native)) if found is None else found

    def first(self, natives: Sequence[str]) -> int | None:
        """The position of the first of several native fields that has a column."""
        return next((found for native in natives if (found := self.find(native)) is not None), None)

    def label(self, native: str) -> str | None:
        """The header of a native field's column, as the file has it."""
        found = self.find(native)
        return None if found is None else self.cells[found]

    def _labels(self, native: str) -> Iterator[str]:
        one = self._system.singular.get(self._object, self._object.removesuffix("__c").replace("_", " "))
        for labels in (self._system.of.get(self._object, {}), self._system.everywhere):
            for label in labels.get(native, "").split(","):
                if label:
                    yield label.strip().replace("{}", one)
